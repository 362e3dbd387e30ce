import { LATENCY_EDGES, NO_BIN, RANKED_EDGES, SCORE_EDGES } from './bins.ts';
import type { ArmStretch, ArmSummary, Histogram } from './window.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** By the minute is kept what came in the newest hour and in that before, by the hour what came in so many days; older is kept by the day. */
const DAYS_BY_HOUR = 14;

/** A stretch of time while it is counted. */
export interface OpenStretch extends ArmStretch {
  readonly latency: Uint32Array<ArrayBuffer>;
  readonly score: Uint32Array<ArrayBuffer>;
  /** Empty until an outcome comes: most logs have none. */
  labelledScore: Uint32Array<ArrayBuffer>;
  scoreOfPositives: Uint32Array<ArrayBuffer>;
  matured: number;
  labelled: number;
  notProbable: number;
  undivided: number;
}

const NO_COUNTS = new Uint32Array(0);

function opened(start: number, end: number): OpenStretch {
  return { start, end, latency: new Uint32Array(LATENCY_EDGES.length + 1), score: new Uint32Array(SCORE_EDGES.length + 1), labelledScore: NO_COUNTS, scoreOfPositives: NO_COUNTS, matured: 0, labelled: 0, notProbable: 0, undivided: 0 };
}

/** `counts` with room for each score, if it had none. */
function roomy(counts: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  return counts.length > 0 ? counts : new Uint32Array(RANKED_EDGES.length + 1);
}

function bump(into: Uint32Array, place: number, times = 1): void {
  into[place] = (into[place] ?? 0) + times;
}

/** Bin by bin: of a year these are a million, at every look. */
function addCounts(into: Uint32Array | number[], counts: Uint32Array): void {
  for (let bin = 0; bin < counts.length; bin += 1) into[bin] = (into[bin] ?? 0) + (counts[bin] ?? 0);
}

/** Counts some rows by their bins. */
export function countBins(into: Uint32Array, bins: Uint8Array, rows: Uint16Array, from: number, to: number): void {
  for (let index = from; index < to; index += 1) {
    const bin = bins[rows[index] ?? 0] ?? NO_BIN;
    if (bin !== NO_BIN) bump(into, bin);
  }
}

/** How many of some rows have a score that is no probability; without a score it is NaN. */
export function notProbableIn(scores: Float64Array, rows: Uint16Array, from: number, to: number): number {
  let found = 0;
  for (let index = from; index < to; index += 1) {
    const score = scores[rows[index] ?? 0] ?? 0;
    if (score < 0 || score > 1) found += 1;
  }
  return found;
}

/**
 * Histograms of an arm by stretches of time, so that those of a release can be told apart from those before it: of its versions nobody wants to know how fast the last ones were. The older, the
 * longer they are, which bounds them: a year is less than a thousand.
 */
export class Stretches {
  readonly #all = new Map<number, OpenStretch>();
  #last: OpenStretch | undefined;
  /** When the newest hour began, and from when on there are minutes, and hours. */
  #newest = Number.NEGATIVE_INFINITY;
  #minutesFrom = Number.NEGATIVE_INFINITY;
  #hoursFrom = Number.NEGATIVE_INFINITY;

  constructor(saved: readonly ArmStretch[] = []) {
    for (const stretch of saved.toSorted((a, b) => a.start - b.start)) {
      this.#reach(stretch.start);
      this.#add(stretch);
    }
  }

  /** In the order of time. */
  get all(): readonly ArmStretch[] {
    return [...this.#all.values()].sort((a, b) => a.start - b.start);
  }

  /** Where a time belongs, in milliseconds since 1970. */
  at(time: number): OpenStretch {
    const last = this.#last;
    if (last !== undefined && time >= last.start && time < last.end) return last;
    this.#reach(time);
    this.#last = this.#of(time);
    return this.#last;
  }

  /** Counts the score of a prediction whose outcome is known. `times`: -1 takes back what was counted. */
  addLabelled(time: number, bin: number, isPositive: boolean, times: 1 | -1 = 1): void {
    const stretch = this.at(time);
    stretch.labelledScore = roomy(stretch.labelledScore);
    bump(stretch.labelledScore, bin, times);
    stretch.scoreOfPositives = roomy(stretch.scoreOfPositives);
    if (isPositive) bump(stretch.scoreOfPositives, bin, times);
  }

  #of(time: number): OpenStretch {
    const length = time >= this.#minutesFrom ? MINUTE_MS : time >= this.#hoursFrom ? HOUR_MS : DAY_MS;
    const start = Math.floor(time / length) * length;
    let found = this.#all.get(start);
    if (found === undefined) {
      found = opened(start, start + length);
      this.#all.set(start, found);
    }
    return found;
  }

  #add({ start, latency, score, labelledScore, scoreOfPositives, matured, labelled, notProbable = 0, undivided = 0 }: ArmStretch): void {
    const into = this.#of(start);
    addCounts(into.latency, latency);
    addCounts(into.score, score);
    if (labelledScore.length > 0) {
      into.labelledScore = roomy(into.labelledScore);
      into.scoreOfPositives = roomy(into.scoreOfPositives);
      addCounts(into.labelledScore, labelledScore);
      addCounts(into.scoreOfPositives, scoreOfPositives);
    }
    into.matured += matured;
    into.labelled += labelled;
    into.notProbable += notProbable;
    into.undivided += undivided;
  }

  /** What is too old for its length becomes part of a longer one. */
  #reach(time: number): void {
    const hour = Math.floor(time / HOUR_MS) * HOUR_MS;
    if (hour <= this.#newest) return;
    this.#newest = hour;
    this.#minutesFrom = hour - HOUR_MS;
    this.#hoursFrom = Math.floor(hour / DAY_MS) * DAY_MS - DAYS_BY_HOUR * DAY_MS;
    this.#last = undefined;
    const old = [...this.#all.values()].filter(({ start, end }) => (start < this.#hoursFrom && end - start < DAY_MS) || (start < this.#minutesFrom && end - start < HOUR_MS));
    for (const { start } of old) this.#all.delete(start);
    for (const stretch of old) this.#add(stretch);
  }
}

/** What an arm came to in all of its stretches together. */
export type StretchSums = Pick<ArmSummary, 'latency' | 'score' | 'labelledScore' | 'scoreOfPositives' | 'matured' | 'labelled' | 'notProbable' | 'undivided'>;

/** `edges`: of what the stretches count, where they are not those of a log. */
export function sumOfStretches(stretches: readonly ArmStretch[], edges: { readonly latency: readonly number[]; readonly score: readonly number[]; readonly ranked: readonly number[] } = { latency: LATENCY_EDGES, score: SCORE_EDGES, ranked: RANKED_EDGES }): StretchSums {
  const counts = (own: readonly number[], pick: (stretch: ArmStretch) => Uint32Array): Histogram => {
    const sums = new Array<number>(own.length + 1).fill(0);
    for (const stretch of stretches) addCounts(sums, pick(stretch));
    return { edges: own, counts: sums };
  };
  const sum = (pick: (stretch: ArmStretch) => number): number => stretches.reduce((total, stretch) => total + pick(stretch), 0);
  return {
    latency: counts(edges.latency, ({ latency }) => latency),
    score: counts(edges.score, ({ score }) => score),
    labelledScore: counts(edges.ranked, ({ labelledScore }) => labelledScore),
    scoreOfPositives: counts(edges.ranked, ({ scoreOfPositives }) => scoreOfPositives),
    matured: sum(({ matured }) => matured), labelled: sum(({ labelled }) => labelled),
    notProbable: sum(({ notProbable = 0 }) => notProbable), undivided: sum(({ undivided = 0 }) => undivided),
  };
}
