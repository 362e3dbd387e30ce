/**
 * The simulated releases of `guardSimulation.ts` through the code that decides in production: `assessRelease` with its event log, stages, windows and units, at one look a minute.
 */
import { planSetRollout } from '../../src/core/flags/planner.ts';
import { planStart } from '../../src/core/flags/startRollout.ts';
import { pin } from '../../src/core/flags/titles.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import { silence, type SilenceOptions } from '../../src/core/quality/silence.ts';
import { NO_NOTES, type ArmSummary, type QualityData, type QualityWindow } from '../../src/core/quality/window.ts';
import { alarms, guardEvidence } from '../../src/core/quality/stats/countRule.ts';
import { dispersion } from '../../src/core/quality/stats/dispersion.ts';
import { countIntervals, isAcrossChange, type ShareAt } from '../../src/core/quality/strata.ts';
import { toldOf } from '../../src/core/quality/told.ts';
import { SETTLE_MS } from '../../src/core/releases/allocation.ts';
import { assessRelease } from '../../src/core/releases/assessment.ts';
import { lateAfter } from '../../src/core/releases/dataAge.ts';
import type { ExposureCount } from '../../src/core/releases/findings.ts';
import type { ModelMapping } from '../../src/core/workspace/config.ts';
import { GUARD_DEFAULTS } from '../../src/core/workspace/guard.ts';
import { stage, World } from '../unit/releases/worldSupport.ts';
import { ALPHA, MARGIN, type Look, type Rule, type Scenario } from './guardSimulation.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ARMS = ['candidate', 'current'] as const;
const BEGIN = Date.UTC(2026, 2, 2, 10);
const WINDOW = 5 * MINUTE;
const QUALITY = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2 }], window: '5min' }).quality;
const nowhere = { start: { offset: 0, line: 0, column: 0 }, end: { offset: 0, line: 0, column: 0 } };
const NOTHING = { edges: [], counts: [] };
const PLAN = [stage('production', 5), stage('production', 10), stage('production', 25), stage('production', 100)];
const MODEL: ModelMapping = {
  name: 'fraud', switches: [{ flag: 'fraud', on: 'candidate', off: 'current', range: nowhere }], current: 'champion', candidate: 'challenger', range: nowhere, plan: PLAN,
  ...(QUALITY === undefined ? {} : { quality: QUALITY }),
};

/** What of one release has been told by now. */
class Log {
  readonly #scenario: Scenario;
  readonly #windowMs: number;
  readonly #windows = new Map<string, QualityWindow>();
  #units: Look['units'];
  /** When the newest record of candidate and current was logged; 0 before the first. */
  readonly #last: [number, number] = [0, 0];

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#windowMs = scenario.told?.windowMs ?? WINDOW;
  }

  /** The predictions that an arm answered in the minute of a look. */
  add(look: number, index: 0 | 1, { interval: { candidateBad, bad, candidateCount, currentCount }, units }: Look): void {
    this.#units = units;
    const [n, own] = index === 0 ? [candidateCount, candidateBad] : [currentCount, bad - candidateBad];
    if (n === 0) return;
    this.#last[index] = BEGIN + look * MINUTE;
    const start = Math.floor(this.#last[index] / this.#windowMs) * this.#windowMs;
    const key = `${ARMS[index]} ${start}`;
    const known = this.#windows.get(key);
    const before = known?.metrics['errors'] ?? { n: 0, sum: 0, squares: 0 };
    // Users that come back are no new units; who they are is not simulated window by window, so the ratio of the arms is not checked there.
    const isNew = this.#scenario.sticky === undefined && this.#scenario.batch === undefined ? n : 0;
    this.#windows.set(key, {
      arm: ARMS[index], environment: 'production', service: 'credit', start, end: start + this.#windowMs, requests: (known?.requests ?? 0) + n, units: (known?.units ?? 0) + isNew,
      metrics: { errors: { n: before.n + n, sum: before.sum + own, squares: before.squares + own } },
    });
  }

  data(now: number): QualityData {
    const isOfWindows = this.#scenario.told?.onceEnded === true;
    const windows = [...this.#windows.values()].filter(({ end }) => !isOfWindows || end <= now).sort((a, b) => a.start - b.start);
    const arms = ARMS.map((arm, index): ArmSummary => {
      const units = this.#units?.[index];
      const lastSeen = isOfWindows ? windows.findLast((each) => each.arm === arm)?.end ?? 0 : this.#last[index] ?? 0;
      return { arm, environment: 'production', requests: 1, units: 1, lastSeen, unitSums: units === undefined ? {} : { errors: units }, latency: NOTHING, score: NOTHING, labelledScore: NOTHING, scoreOfPositives: NOTHING, matured: 0, labelled: 0 };
    });
    return { windows, arms, ...(isOfWindows ? { designEffect: 1.4 } : {}), notes: NO_NOTES };
  }
}

/** Unleash's counters: by the hour, with the hour that runs. SDKs report once a minute, so what was asked since the last look is not among it. */
class Counters {
  readonly #hours = new Map<number, ExposureCount>();
  #latest: Look['chosen'];

  /** Undefined where Unleash is not asked. */
  at(look: number, { chosen }: Look): readonly ExposureCount[] | undefined {
    if (chosen === undefined) return undefined;
    if (this.#latest !== undefined) {
      const start = Math.floor((BEGIN + (look - 1) * MINUTE) / HOUR) * HOUR;
      const { yes, no } = this.#hours.get(start) ?? { yes: 0, no: 0 };
      this.#hours.set(start, { environment: 'production', app: 'credit', start, end: start + HOUR, yes: yes + this.#latest[0], no: no + this.#latest[1], variants: {} });
    }
    this.#latest = chosen;
    return [...this.#hours.values()];
  }
}

/** The share as it was set look by look. */
function shareOf(scenario: Scenario): ShareAt {
  return (start, end) => {
    const lookAt = (at: number): number => Math.max(-1, Math.floor((at - BEGIN) / MINUTE));
    const of = (look: number): number => (look < 0 ? 0 : scenario.share(look));
    const shares = new Set<number>();
    for (let look = lookAt(start - SETTLE_MS); look <= lookAt(end - 1); look += 1) shares.add(of(look));
    return shares.size === 1 ? [...shares][0] : undefined;
  };
}

/** Whether the evidence that a breach needs is near: the same windows by the same rules, without all that an assessment says beside it. Of two guardrails one at least needs as much as both together. */
function isNear(data: QualityData, exposures: readonly ExposureCount[] | undefined, known: Pick<SilenceOptions, 'now' | 'began' | 'shareAt'>): boolean {
  const of = (arm: string): QualityWindow[] => data.windows.filter((each) => each.arm === arm);
  const sums = data.arms.flatMap(({ unitSums }) => unitSums['errors'] ?? []);
  const phi = sums.length === 0 ? data.designEffect ?? 1 : dispersion(sums);
  const told = [toldOf(data, 'production', 'candidate'), toldOf(data, 'production', 'current')] as const;
  if (exposures !== undefined && alarms(silence([{ exposures, candidate: of('candidate'), current: of('current'), told }], { ...known, lateMs: lateAfter(GUARD_DEFAULTS), dispersion: phi }).evidence.restarted, 2 * ALPHA)) return true;
  const compared = (arm: string): QualityWindow[] => of(arm).filter((each) => !isAcrossChange(each, known.shareAt));
  return alarms(guardEvidence(countIntervals(compared('candidate'), compared('current'), 'errors', phi), MARGIN).restarted, 2 * ALPHA);
}

/**
 * `assessRelease` as a rule of the simulation: told each look, it says whether the guard would take the release back now. The share of each look is set in Unleash as a person would.
 * @param everyLook whether it assesses at each look; else only where the evidence is at least half of what a breach needs, which leaves out no breach and takes a hundredth of the time
 */
export function assessed(scenario: Scenario, everyLook = true): Rule {
  const world = new World();
  world.at = BEGIN - 2 * MINUTE;
  world.apply(planStart(world.reading(), { environments: ['production'], pin: pin('fraud', '14', '13') }));
  const log = new Log(scenario);
  const counters = new Counters();
  const delay = scenario.labelDelay ?? 0;
  const lags = scenario.told?.lags ?? [0, 0];
  const looks: Look[] = [];
  const shareAt = shareOf(scenario);
  let [share, began]: [number, number | undefined] = [0, undefined];
  return (look) => {
    const number = looks.push(look) - 1;
    const now = BEGIN + number * MINUTE;
    const wanted = scenario.share(number);
    if (wanted !== share) {
      if (share === 0) began = now;
      share = wanted;
      world.at = now;
      world.apply(planSetRollout(world.reading(), 'production', Math.round(100 * share)));
    }
    for (const arm of [0, 1] as const) {
      const told = looks[number - lags[arm]];
      if (told !== undefined) log.add(number - lags[arm] - delay, arm, told);
    }
    const data = log.data(now + MINUTE);
    const exposures = counters.at(number, look);
    if (!everyLook && !isNear(data, exposures, { now: now + MINUTE, began, shareAt })) return false;
    return assessRelease({ now: now + MINUTE, model: MODEL, reading: world.reading(), quality: { kind: 'data', data }, exposures, gates: [], moved: [], sha256: String })?.verdict.word === 'rollback';
  };
}
