/**
 * Releases that never happened, to see how rules of a guard do: how often they roll back a healthy candidate, and how soon they notice one that is not.
 * Everything is seeded: the same seed gives the same figures.
 */
import { alarms, EvidenceProcess, evidenceNotWorse, guardEvidence, nullShare } from '../../src/core/quality/stats/countRule.ts';
import type { CountInterval } from '../../src/core/quality/stats/countRule.ts';
import { dispersionBound, NO_UNITS } from '../../src/core/quality/stats/dispersion.ts';
import type { UnitSums } from '../../src/core/quality/stats/dispersion.ts';
import { mannWhitney } from '../../src/core/quality/stats/fixedTests.ts';

export const ALPHA = 0.025;
export const MARGIN = 1.2;
const ACCEPTED = 1.5 * MARGIN;
export const PER_LOOK = 250;
/** Looks in one block of the restarting rule: 10,000 predictions. */
export const LOOKS_PER_BLOCK = 40;

/** Mulberry32: uniform numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** By skipping from hit to hit: its time grows with the hits, not with n. */
function binomial(random: () => number, n: number, p: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return n;
  const scale = Math.log(1 - p);
  let hits = 0;
  for (let place = Math.floor(Math.log(1 - random()) / scale); place < n; place += 1 + Math.floor(Math.log(1 - random()) / scale)) hits += 1;
  return hits;
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Marsaglia and Tsang 2000. */
function gamma(random: () => number, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const x = normal(random);
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** A rate of a unit whose requests have this intra-class correlation. */
function unitRate(random: () => number, rate: number, correlation: number): number {
  const size = 1 / correlation - 1;
  const [a, b] = [gamma(random, rate * size), gamma(random, (1 - rate) * size)];
  return a / (a + b);
}

/** What one look finds new. */
export interface Look {
  readonly interval: CountInterval;
  /** Sums over units until now, candidate and current; none where requests are independent. */
  readonly units?: readonly [UnitSums, UnitSums];
  /** How often the flag chose candidate and current, where not each prediction is logged; the interval has those that are. */
  readonly chosen?: readonly [candidate: number, current: number];
}

export interface Scenario {
  readonly looks: number;
  /** Share of the candidate at a look. */
  readonly share: (look: number) => number;
  /** Rates of bad events at a look. */
  readonly candidate: (look: number) => number;
  readonly current: (look: number) => number;
  /** Predictions between two looks; PER_LOOK where it is not said. */
  readonly volume?: (look: number) => number;
  /** Users that come back, keep their arm and differ in their rate. */
  readonly sticky?: { readonly users: number; readonly correlation: number };
  /** All predictions of a batch have one arm and one rate. `perArm`: so many come in each arm at a look; where it is not said, as many as make PER_LOOK, each in an arm of its own by the share. */
  readonly batch?: { readonly size: number; readonly correlation: number; readonly perArm?: number };
  /** Looks until the outcome of a prediction is known. */
  readonly labelDelay?: number;
  /** The share of the predictions of candidate (0) and current (1) that are logged at a look, while Unleash counts all; where it is not said, all are, and Unleash is not asked. */
  readonly logged?: (look: number, arm: 0 | 1) => number;
  /** How the source tells what is logged, where the code that decides is asked; where it is not said, it is told at once. */
  readonly told?: Telling;
}

/** How a source tells what was logged, later than Unleash counts it. */
export interface Telling {
  /** Looks until a record of candidate and current is told. */
  readonly lags: readonly [candidate: number, current: number];
  /** Five minutes where it is not said. */
  readonly windowMs?: number;
  /** Whether windows are told once they have ended, with a design effect, as an expression of Prometheus does. */
  readonly onceEnded?: boolean;
}

function independent(random: () => number, scenario: Scenario, look: number): Look {
  const n = scenario.volume?.(look) ?? PER_LOOK;
  const candidateChosen = binomial(random, n, scenario.share(look));
  const chosen = [candidateChosen, n - candidateChosen] as const;
  const { logged } = scenario;
  const [candidateCount, currentCount] = logged === undefined ? chosen : [binomial(random, chosen[0], logged(look, 0)), binomial(random, chosen[1], logged(look, 1))];
  const candidateBad = binomial(random, candidateCount, scenario.candidate(look));
  const bad = candidateBad + binomial(random, currentCount, scenario.current(look));
  return { interval: { candidateBad, bad, candidateCount, currentCount, block: Math.floor(look / LOOKS_PER_BLOCK) }, ...(logged === undefined ? {} : { chosen }) };
}

class Units {
  #sums: [UnitSums, UnitSums] = [NO_UNITS, NO_UNITS];

  /** One more request of a unit that had `m` with `b` bad ones. */
  add(arm: 0 | 1, m: number, b: number, isBad: boolean, requests = 1, hits = isBad ? 1 : 0): void {
    const { units, requests: allRequests, bad, requestsSquared, badSquared, product } = this.#sums[arm];
    this.#sums[arm] = {
      units: units + (m === 0 ? 1 : 0),
      requests: allRequests + requests,
      bad: bad + hits,
      requestsSquared: requestsSquared + (m + requests) ** 2 - m * m,
      badSquared: badSquared + (b + hits) ** 2 - b * b,
      product: product + (m + requests) * (b + hits) - m * b,
    };
  }

  get sums(): readonly [UnitSums, UnitSums] {
    return [this.#sums[0], this.#sums[1]];
  }
}

function* sticky(random: () => number, scenario: Scenario, { users, correlation }: NonNullable<Scenario['sticky']>): Generator<Look> {
  const [place, rates, m, b] = [new Float64Array(users), new Float64Array(users), new Float64Array(users), new Float64Array(users)];
  const base = scenario.current(0);
  for (let user = 0; user < users; user += 1) {
    place[user] = random();
    rates[user] = unitRate(random, base, correlation);
  }
  const units = new Units();
  for (let look = 0; look < scenario.looks; look += 1) {
    const [share, factor] = [scenario.share(look), scenario.candidate(look) / base];
    let [candidateCount, candidateBad, bad] = [0, 0, 0];
    for (let request = 0; request < PER_LOOK; request += 1) {
      const user = Math.floor(random() * users);
      const isCandidate = (place[user] ?? 0) < share;
      const isBad = random() < (rates[user] ?? 0) * (isCandidate ? factor : 1);
      units.add(isCandidate ? 0 : 1, m[user] ?? 0, b[user] ?? 0, isBad);
      m[user] = (m[user] ?? 0) + 1;
      if (isCandidate) candidateCount += 1;
      if (!isBad) continue;
      b[user] = (b[user] ?? 0) + 1;
      bad += 1;
      if (isCandidate) candidateBad += 1;
    }
    yield { interval: { candidateBad, bad, candidateCount, currentCount: PER_LOOK - candidateCount, block: Math.floor(look / LOOKS_PER_BLOCK) }, units: units.sums };
  }
}

function* batches(random: () => number, scenario: Scenario, { size, correlation, perArm }: NonNullable<Scenario['batch']>): Generator<Look> {
  const units = new Units();
  const count = perArm === undefined ? PER_LOOK / size : 2 * perArm;
  const looksPerBlock = (PER_LOOK * LOOKS_PER_BLOCK) / (size * count);
  for (let look = 0; look < scenario.looks; look += 1) {
    let [candidateCount, currentCount, candidateBad, bad] = [0, 0, 0, 0];
    for (let batch = 0; batch < count; batch += 1) {
      const isCandidate = perArm === undefined ? random() < scenario.share(look) : batch < perArm;
      const hits = binomial(random, size, unitRate(random, isCandidate ? scenario.candidate(look) : scenario.current(look), correlation));
      units.add(isCandidate ? 0 : 1, 0, 0, false, size, hits);
      bad += hits;
      if (isCandidate) [candidateCount, candidateBad] = [candidateCount + size, candidateBad + hits];
      else currentCount += size;
    }
    yield { interval: { candidateBad, bad, candidateCount, currentCount, block: Math.floor(look / looksPerBlock) }, units: units.sums };
  }
}

/** The looks of one release. */
export function release(random: () => number, scenario: Scenario): Iterable<Look> {
  if (scenario.sticky !== undefined) return sticky(random, scenario, scenario.sticky);
  return scenario.batch === undefined ? plain(random, scenario) : batches(random, scenario, scenario.batch);
}

function* plain(random: () => number, scenario: Scenario): Generator<Look> {
  const delay = scenario.labelDelay ?? 0;
  const nothing = (look: number): Look => ({ interval: { candidateBad: 0, bad: 0, candidateCount: 0, currentCount: 0, block: Math.floor(look / LOOKS_PER_BLOCK) } });
  const known: Look[] = [];
  for (let look = 0; look < scenario.looks; look += 1) {
    known.push(independent(random, scenario, look));
    // An outcome belongs to the interval of its prediction, which is counted when it has matured.
    yield known[look - delay] ?? nothing(look);
  }
}

/** A rule: told each look, it says whether it rolls back now. */
export type Rule = (look: Look) => boolean;

function scaled({ candidateBad, bad, candidateCount, currentCount, block }: CountInterval, phi: number): CountInterval {
  return { candidateBad: candidateBad / phi, bad: bad / phi, candidateCount, currentCount, block };
}

/** Our rule, with or without restarts. Where there are units, all of the past is divided by their dispersion anew at each look. */
function ours(restarted: boolean): Rule {
  const past: CountInterval[] = [];
  const process = new EvidenceProcess();
  return ({ interval, units }) => {
    if (units === undefined) {
      process.add(nullShare(MARGIN, interval), interval.candidateBad, interval.bad, interval.block);
      return alarms(restarted ? process.evidence.restarted : process.evidence.plain, ALPHA);
    }
    past.push(interval);
    const phi = dispersionBound(units);
    const { restarted: fresh, plain } = guardEvidence(past.map((each) => scaled(each, phi)), MARGIN);
    return alarms(restarted ? fresh : plain, ALPHA);
  };
}

/** Says that a candidate is not worse, as it must be to advance: less than 1.8 times the current one's rate. */
export function accepts(): Rule {
  const past: CountInterval[] = [];
  return ({ interval, units }) => {
    past.push(interval);
    const phi = units === undefined ? 1 : dispersionBound(units);
    return alarms(evidenceNotWorse(past.map((each) => scaled(each, phi)), ACCEPTED), ALPHA);
  };
}

/** Flagger and Argo Rollouts: the candidate's rate in an interval of 1,000 predictions against a limit; rolled back at the fifth failed check. */
function fixedThreshold(limit: number): Rule {
  let [looks, bad, count, failed] = [0, 0, 0, 0];
  return ({ interval: { candidateBad, candidateCount } }) => {
    [looks, bad, count] = [looks + 1, bad + candidateBad, count + candidateCount];
    if (looks % 4 !== 0) return false;
    if (count > 0 && bad / count > limit) failed += 1;
    [bad, count] = [0, 0];
    return failed >= 5;
  };
}

/** A one-sided test of two proportions at 2.5 %, again at each look, on all data. */
function repeatedZ(): Rule {
  let [candidateBad, bad, candidateCount, currentCount] = [0, 0, 0, 0];
  return ({ interval }) => {
    candidateBad += interval.candidateBad;
    bad += interval.bad;
    candidateCount += interval.candidateCount;
    currentCount += interval.currentCount;
    const rate = bad / (candidateCount + currentCount);
    const spread = Math.sqrt(rate * (1 - rate) * (1 / candidateCount + 1 / currentCount));
    return (candidateBad / candidateCount - (bad - candidateBad) / currentCount) / spread > 1.96;
  };
}

/** Kayenta: Mann and Whitney's test on the rates per interval of the last hour (60 of them), at 98 %. */
function rankTest(): Rule {
  const [candidate, current]: [number[], number[]] = [[], []];
  return ({ interval: { candidateBad, bad, candidateCount, currentCount } }) => {
    if (candidateCount === 0 || currentCount === 0) return false;
    candidate.push(candidateBad / candidateCount);
    current.push((bad - candidateBad) / currentCount);
    if (candidate.length > 60) [candidate, current].forEach((series) => void series.shift());
    if (candidate.length < 20) return false;
    const { statistic, p } = mannWhitney(candidate, current);
    return p < 0.02 && statistic > (candidate.length * current.length) / 2;
  };
}

export const RULES: Readonly<Record<string, () => Rule>> = {
  'Modelswitch': () => ours(true),
  'the same without restarts': () => ours(false),
  'fixed threshold 3 %, five failed checks (Flagger, Argo)': () => fixedThreshold(0.03),
  'fixed threshold 4 %, five failed checks (Flagger, Argo)': () => fixedThreshold(0.04),
  'repeated z-tests': repeatedZ,
  'Mann-Whitney on the last 60 intervals (Kayenta)': rankTest,
};

const steady = (value: number) => (): number => value;
const health = { candidate: steady(0.02), current: steady(0.02) };
const upAndDown = (look: number): number => (look < 130 ? 0.05 : look < 270 ? 0.25 : 0.05);
/** 400 looks are five weeks here; rates and traffic follow the day of the week. */
const DAY = 400 / 35;
const season = (look: number): number => 0.02 * (1 + 0.6 * Math.sin((2 * Math.PI * look) / (7 * DAY)));

/** Healthy releases of 400 looks: a rollback is false. */
export const HEALTHY: Readonly<Record<string, Scenario>> = {
  'independent requests, 10 %': { looks: 400, share: steady(0.1), ...health },
  'sticky users (ICC .05, 50 requests each), 25 %': { looks: 400, share: steady(0.25), ...health, sticky: { users: 2000, correlation: 0.05 } },
  'batches of 50 (ICC .05), 25 %': { looks: 400, share: steady(0.25), ...health, batch: { size: 50, correlation: 0.05 } },
  'just within the margin (2.4 against 2 %), 25 %': { looks: 400, share: steady(0.25), candidate: steady(0.024), current: steady(0.02) },
  '5, 25, 5 %': { looks: 400, share: upAndDown, ...health },
  'labels 7 days late, 5, 25, 5 %': { looks: 400, share: upAndDown, ...health, labelDelay: Math.round(7 * DAY) },
  'weekly season, 5, 25, 5 %': { looks: 400, share: upAndDown, candidate: season, current: season, volume: (look) => Math.round(PER_LOOK * (1 + 0.5 * Math.cos((2 * Math.PI * look) / (7 * DAY)))) },
};

/** Nightly batches of 1,000 predictions that are much alike, so many an arm: the batch is the unit, and for long there are a handful. `ratio`: how many times as many of the candidate's are bad. */
export function nightly(nights: number, perArm: number, ratio = 1): Scenario {
  return { looks: nights, share: steady(0.5), candidate: steady(0.02 * ratio), current: steady(0.02), batch: { size: 1000, correlation: 0.05, perArm } };
}

/** A candidate that goes from 2 to 4 % at 25 % exposure, after so many healthy looks. */
export function degradation(healthyLooks: number, after = 400): Scenario {
  return { looks: healthyLooks + after, share: steady(0.25), current: steady(0.02), candidate: (look) => (look < healthyLooks ? 0.02 : 0.04) };
}

/** Two in a hundred records are lost on the way, of either arm. */
const ARRIVES = 0.98;

/** A healthy release whose records and Unleash's counters are compared. */
export const COUNTED: Scenario = { looks: 400, share: upAndDown, ...health, logged: steady(ARRIVES) };

/** How sources tell later than Unleash counts. */
export const LATE_SOURCES: Readonly<Record<string, Telling>> = {
  'a log that is 2 min late': { lags: [2, 2] },
  'a log that is 3 min late': { lags: [3, 3] },
  'a log that is 8 min late': { lags: [8, 8] },
  'windows that are told once they have ended': { lags: [0, 0], onceEnded: true },
  'windows of an hour, 20 min late': { lags: [20, 20], windowMs: 3_600_000 },
  'an arm that is 4 min later than the other': { lags: [5, 1] },
};

/** Healthy releases of which a source tells later than Unleash counts, around a change of the share. A look is a minute, and the first one begins an hour. */
export function toldLate(from: number, to: number, at: number, perLook: number, told: Telling): Scenario {
  return { looks: at + 75, share: (look) => (look < at ? from : to), ...health, volume: steady(perLook), logged: steady(ARRIVES), told };
}

/** A candidate of which nothing, or a share only, is logged after so many healthy looks, when it goes from one share to 25 %; `both`: neither is the current version. `lag`: looks until a record is told. */
export function fallingSilent(healthyLooks: number, { left = 0, both = false, lag = 0, from = 0.25 }: { readonly left?: number; readonly both?: boolean; readonly lag?: number; readonly from?: number } = {}): Scenario {
  const isHealthy = (look: number): boolean => look < healthyLooks;
  return {
    looks: healthyLooks + 120, share: (look) => (isHealthy(look) ? from : 0.25), ...health, told: { lags: [lag, lag] },
    logged: (look, arm) => (!isHealthy(look) && (both || arm === 0) ? left : ARRIVES),
  };
}

/** A candidate that logs no more, to the rules alone: what is missing is bad from the first look on, as if the exposure counters told each look by itself. */
export function silence(healthyLooks: number): Scenario {
  return { ...degradation(healthyLooks, 40), candidate: (look) => (look < healthyLooks ? 0.02 : 1) };
}

/** Share of releases that the rule rolls back, or whatever else it says. */
export function falseRollbacks(scenario: Scenario, rule: (scenario: Scenario) => Rule, runs: number, seed: number): number {
  let rolledBack = 0;
  for (let run = 0; run < runs; run += 1) {
    const decide = rule(scenario);
    for (const look of release(seeded(seed + run), scenario)) {
      if (!decide(look)) continue;
      rolledBack += 1;
      break;
    }
  }
  return rolledBack / runs;
}

export interface Detection {
  /** Median predictions from the degradation to the rollback, of all releases that were still running then; infinite when fewer than half notice. */
  readonly median: number;
  /** Share that had been rolled back before, while it was healthy. */
  readonly before: number;
}

export function detection(scenario: Scenario, healthyLooks: number, rule: (scenario: Scenario) => Rule, runs: number, seed: number): Detection {
  const times: number[] = [];
  let before = 0;
  for (let run = 0; run < runs; run += 1) {
    const decide = rule(scenario);
    let at = Number.POSITIVE_INFINITY;
    let number = 0;
    for (const look of release(seeded(seed + run), scenario)) {
      number += 1;
      if (!decide(look)) continue;
      at = number;
      break;
    }
    if (at <= healthyLooks) before += 1;
    else times.push((at - healthyLooks) * PER_LOOK);
  }
  times.sort((a, b) => a - b);
  return { median: times[Math.floor(times.length / 2)] ?? Number.NaN, before: before / runs };
}
