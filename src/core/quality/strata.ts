import { durationWords } from '../base/duration.ts';
import { plainLine, utcTime } from '../base/words.ts';
import { NO_MOMENTS, type Moments } from './stats/confidenceSequence.ts';
import type { CountInterval } from './stats/countRule.ts';
import { withoutAhead, type Claim } from './toldFurther.ts';
import type { QualityWindow } from './window.ts';

/** The configured share of the candidate, of those who get it or the current version, from start to end; undefined where it changed meanwhile or is not known. */
export type ShareAt = (start: number, end: number) => number | undefined;

/** Predictions in one block of the restarting rule. */
export const BLOCK = 10_000;
/** A window in which the observed share differs by more than this from the stretch so far begins a new one. */
const SHARE_CHANGE = 0.025;
/** A part of the records that is not left out without a word; of windows up to this length it is soon a small one. */
const [MUCH, SHORT_MS] = [0.1, 300_000];

/** With its begin, in milliseconds since 1970. */
export interface TimedInterval extends CountInterval {
  readonly start: number;
}

type Pair = readonly [candidate: readonly QualityWindow[], current: readonly QualityWindow[]];

/** What the arms told at the same time in a service. */
interface Aligned {
  readonly start: number;
  readonly service: string;
  candidate?: QualityWindow;
  current?: QualityWindow;
}

/** Windows of both arms by service and start, in the order of time. */
function aligned([candidate, current]: Pair): readonly Readonly<Aligned>[] {
  const [all, services] = [[] as Aligned[], new Map<string, Map<number, Aligned>>()];
  const entry = ({ service, start }: QualityWindow): Aligned => {
    const starts = services.get(service) ?? new Map<number, Aligned>();
    services.set(service, starts);
    const known = starts.get(start);
    if (known !== undefined) return known;
    const added = { start, service };
    starts.set(start, added);
    all.push(added);
    return added;
  };
  for (const window of candidate) entry(window).candidate = window;
  for (const window of current) entry(window).current = window;
  return all.sort((a, b) => a.start - b.start);
}

/**
 * Bad events and observations per window, divided by the dispersion: what is left are as many independent observations, with the same rates. A window is an interval by
 * itself: how many observations each arm had in it is known, so that a percentage that changes between windows changes nothing. Blocks are of 10,000 predictions; where one ends does not depend on how many of them were bad.
 *
 * @param by without it, windows count with all that has been told of them
 */
export function countIntervals(candidate: readonly QualityWindow[], current: readonly QualityWindow[], metric: string, dispersion: number, by?: Claim): TimedInterval[] {
  let before = 0;
  return aligned([candidate, current]).map((pair) => {
    const told = [pair.candidate?.metrics[metric] ?? NO_MOMENTS, pair.current?.metrics[metric] ?? NO_MOMENTS] as const;
    const [own, other] = by === undefined ? told : withoutAhead(told, pair.candidate ?? pair.current, by);
    const interval = {
      candidateBad: own.sum / dispersion, bad: (own.sum + other.sum) / dispersion,
      candidateCount: own.n / dispersion, currentCount: other.n / dispersion, block: Math.floor(before / BLOCK), service: pair.service, start: pair.start,
    };
    before += told[0].n + told[1].n;
    return interval;
  });
}

/** From where on a metric is judged anew. */
export interface Restart {
  /** Milliseconds since 1970: windows that begin then or later are of it. */
  readonly start: number;
  /** Its part of the level: 1 / (j (j + 1)) for the j-th block, so that all together have all of it. */
  readonly part: number;
}

export function windowsFrom(windows: readonly QualityWindow[], start: number): readonly QualityWindow[] {
  return windows.filter((window) => window.start >= start);
}

/** How much longer each of the restarts that are looked at is than the next. */
const LONGER = 1.5;

/**
 * Where a comparison of means is begun anew, the first of them with all windows: at blocks of 10,000 observations, whatever their values are. Not at each of them, but so that what comes after is 1, 2, 3, 5, 8 ... blocks:
 * leaving some out makes no false alarm more likely, and to look at them all costs as much as three times at all windows.
 */
export function restarts(candidate: readonly QualityWindow[], current: readonly QualityWindow[], metric: string): readonly Restart[] {
  const blocks: Restart[] = [];
  let [before, block] = [0, -1];
  for (const { candidate: own, current: other } of aligned([candidate, current])) {
    const at = Math.floor(before / BLOCK);
    if (at > block) blocks.push({ start: own?.start ?? other?.start ?? 0, part: 1 / ((blocks.length + 1) * (blocks.length + 2)) });
    block = at;
    before += (own?.metrics[metric]?.n ?? 0) + (other?.metrics[metric]?.n ?? 0);
  }
  const looked: Restart[] = [];
  for (let length = 1; length < blocks.length; length = Math.ceil(length * LONGER)) looked.unshift(...blocks.slice(-length, blocks.length - length + 1));
  return [...blocks.slice(0, 1), ...looked];
}

/**
 * Stretches of constant allocation, per service. Where the configured share is known, it says where they begin; else they begin where the observed share moves by more
 * than 2.5 points and four standard errors. Services are never pooled.
 */
export function allocationIntervals(candidate: readonly QualityWindow[], current: readonly QualityWindow[], shareAt?: ShareAt): Pair[] {
  const stretches = new Map<string, { candidate: QualityWindow[]; current: QualityWindow[]; n: [number, number]; share: number | undefined }[]>();
  for (const pair of aligned([candidate, current])) {
    const own = stretches.get(pair.service) ?? [];
    stretches.set(pair.service, own);
    const start = pair.candidate?.start ?? pair.current?.start ?? 0;
    const share = shareAt?.(start, pair.candidate?.end ?? pair.current?.end ?? start);
    const n: [number, number] = [pair.candidate?.requests ?? 0, pair.current?.requests ?? 0];
    let last = own.at(-1);
    if (last === undefined || last.share !== share || (share === undefined && moved(last.n, n))) {
      last = { candidate: [], current: [], n: [0, 0], share };
      own.push(last);
    }
    if (pair.candidate !== undefined) last.candidate.push(pair.candidate);
    if (pair.current !== undefined) last.current.push(pair.current);
    last.n = [last.n[0] + n[0], last.n[1] + n[1]];
  }
  return [...stretches.values()].flat().map(({ candidate: own, current: other }) => [own, other]);
}

/** From so many records of each arm on a window is compared by itself: with fewer too much would be lost where its neighbours happen to lack an arm. */
const LEAST_TOGETHER = 10;

/**
 * What the arms told of a metric in a stretch of constant allocation, at the same times: where an arm lacks a part of the day, what it is worth by day and by night would be a difference of the arms. Windows are compared by themselves, those with few
 * records several together (in the order of time), and each counts in both arms by n_T n_C / (n_T + n_C) (Cochran 1954). `n` is as many values of equal weight as tell the mean as well, (sum w)^2 / sum (w^2 / n) (Kish 1965): all of them
 * where the share is the same throughout. No values where no time has both.
 */
export function momentsAlike([candidate, current]: Pair, metric: string): readonly [candidate: Moments, current: Moments] {
  const cells: (readonly [Moments, Moments])[] = [];
  let few: readonly [Moments, Moments] = [NO_MOMENTS, NO_MOMENTS];
  const least = (cell: readonly [Moments, Moments]): number => Math.min(cell[0].n, cell[1].n);
  for (const pair of aligned([candidate, current])) {
    const cell = [pair.candidate?.metrics[metric] ?? NO_MOMENTS, pair.current?.metrics[metric] ?? NO_MOMENTS] as const;
    if (least(cell) >= LEAST_TOGETHER) {
      cells.push(cell);
      continue;
    }
    few = [plus(few[0], cell[0]), plus(few[1], cell[1])];
    if (least(few) < LEAST_TOGETHER) continue;
    cells.push(few);
    few = [NO_MOMENTS, NO_MOMENTS];
  }
  if (least(few) > 0) cells.push(few);
  const weights = cells.map(([own, other]) => (own.n * other.n) / (own.n + other.n));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const weighed = (arm: 0 | 1): Moments => {
    let [mean, square, spread] = [0, 0, 0];
    for (const [index, cell] of cells.entries()) {
      const [{ n, sum, squares }, weight] = [cell[arm], (weights[index] ?? 0) / total];
      mean += (weight * sum) / n;
      square += (weight * squares) / n;
      spread += weight ** 2 / n;
    }
    return { n: 1 / spread, sum: mean / spread, squares: square / spread };
  };
  return total === 0 ? [NO_MOMENTS, NO_MOMENTS] : [weighed(0), weighed(1)];
}

function plus(a: Moments, b: Moments): Moments {
  return { n: a.n + b.n, sum: a.sum + b.sum, squares: a.squares + b.squares };
}

/**
 * Of what the arms could tell of each other in stretches of constant allocation, the part that is left where each window is compared by itself: n_T n_C / (n_T + n_C), which the precision of a stratified
 * comparison grows with, summed over windows and divided by its sum over stretches. A window with records of one arm only compares nothing. From 0 to 1; undefined where no stretch has records of both.
 */
export function comparedPart(candidate: readonly QualityWindow[], current: readonly QualityWindow[], metric: string, shareAt?: ShareAt): number | undefined {
  const pairs = (own: number, other: number): number => (own + other === 0 ? 0 : (own * other) / (own + other));
  let [windows, stretches] = [0, 0];
  for (const stretch of allocationIntervals(candidate, current, shareAt)) {
    windows += countIntervals(...stretch, metric, 1).reduce((sum, { candidateCount, currentCount }) => sum + pairs(candidateCount, currentCount), 0);
    stretches += pairs(recordsOf(stretch[0], metric), recordsOf(stretch[1], metric));
  }
  return stretches === 0 ? undefined : windows / stretches;
}

/**
 * Whether the configured share changed within a window. What the arms did in it is then of two shares, and would be pooled: of a day on which 5 % became 95 at noon the candidate has the afternoon, and current the morning. Where the
 * share is known neither at its beginning nor at its end it is not known at all, which is no change.
 */
export function isAcrossChange({ start, end }: Pick<QualityWindow, 'start' | 'end'>, shareAt: ShareAt | undefined): boolean {
  return shareAt !== undefined && shareAt(start, end) === undefined && (shareAt(start, start) !== undefined || shareAt(end, end) !== undefined);
}

/** Whether who has the candidate was drawn by a percentage in a window, and by one only: at 0 % they are members of a segment, who are no sample of everyone. */
export function isDrawn(window: Pick<QualityWindow, 'start' | 'end'>, shareAt: ShareAt | undefined): boolean {
  return shareAt?.(window.start, window.end) !== 0 && !isAcrossChange(window, shareAt);
}

function moved([a, b]: readonly [number, number], [c, d]: readonly [number, number]): boolean {
  if (a + b === 0 || c + d === 0) return false;
  const [before, now, all] = [a / (a + b), c / (c + d), (a + c) / (a + b + c + d)];
  const error = Math.sqrt(all * (1 - all) * (1 / (a + b) + 1 / (c + d)));
  return Math.abs(now - before) > Math.max(SHARE_CHANGE, 4 * error);
}

/** How many records of a metric windows have. */
function recordsOf(windows: readonly QualityWindow[], metric: string): number {
  return windows.reduce((sum, { metrics }) => sum + (metrics[metric]?.n ?? 0), 0);
}

/** Why nothing is compared yet, where all that one of the arms has is in windows across a change; undefined: something is. */
export function onlyAcrossWords(arms: readonly (readonly QualityWindow[])[], metric: string, shareAt: ShareAt | undefined): string | undefined {
  const left = arms.flat().filter((window) => isAcrossChange(window, shareAt));
  const isOne = arms.some((windows) => recordsOf(windows, metric) > 0 && recordsOf(windows.filter((window) => !isAcrossChange(window, shareAt)), metric) === 0);
  if (!isOne) return undefined;
  const [width, end] = [left.map((window) => window.end - window.start), left.map((window) => window.end)].map((all) => Math.max(...all));
  return `the percentage changed within the windows (of ${durationWords(width ?? 0)}) that hold what there is, and arms are compared at one percentage only: what comes from ${utcTime(end ?? 0)} on is compared`;
}

/** What is said where much is left out because it is in long windows across a change; else nothing. */
export function leftOutWords(windows: readonly QualityWindow[], metric: string, shareAt: ShareAt | undefined): string {
  const left = windows.filter((window) => isAcrossChange(window, shareAt));
  const width = Math.max(0, ...left.map(({ start, end }) => end - start));
  const part = recordsOf(left, metric) / recordsOf(windows, metric);
  return width > SHORT_MS && part > MUCH ? `; ${Math.round(100 * part)} % of the records are left out, because the percentage changed within their window (of ${durationWords(width)})` : '';
}

/** Why nothing of the one arm is compared with anything of the other, where both have records. */
export function apartWords(candidate: readonly QualityWindow[], current: readonly QualityWindow[], metric: string): string {
  const servicesOf = (windows: readonly QualityWindow[]): readonly string[] => [...new Set(windows.flatMap(({ service, metrics }) => ((metrics[metric]?.n ?? 0) > 0 ? [service] : [])))];
  const [own, other] = [servicesOf(candidate), servicesOf(current)];
  if (own.length + other.length === 0) return 'the percentage was 0: who has the candidate was chosen, not drawn';
  const named = (services: readonly string[]): string => services.slice(0, 3).map((service) => (service === '' ? 'no service' : plainLine(service, 40))).join(', ');
  if (own.some((service) => other.includes(service))) return 'the arms have answered at other times or shares only: no stretch has records of both';
  return `services are never pooled, and candidate answered as ${named(own)} only, current as ${named(other)}: log the same service for both, or none`;
}
