import type { RecordLike } from '../expressions/evaluate.ts';
import { codedAt, type BatchRows, type FeatureColumn, type RowList } from './batch.ts';
import { LATENCY_EDGES, NO_BIN, SCORE_EDGES, scoreBin } from './bins.ts';
import { isPositive, scoreOf } from './measures.ts';
import type { Histogram, LoggedVersion } from './window.ts';

const MOST_VERSIONS = 20;

function counts(edges: readonly number[]): Float64Array {
  return new Float64Array(edges.length + 1);
}

function bump(into: Float64Array, place: number): void {
  into[place] = (into[place] ?? 0) + 1;
}

/** Counts some rows by their bins. */
function countInto(histogram: Float64Array, bins: Uint8Array, rows: Uint16Array, size: number): void {
  for (let index = 0; index < size; index += 1) {
    const bin = bins[rows[index] ?? 0] ?? NO_BIN;
    if (bin !== NO_BIN) bump(histogram, bin);
  }
}

/** How many of some rows have a number that is none: NaN or an infinity. */
function notFiniteIn({ numbers, others: { places, values } }: Pick<FeatureColumn, 'numbers' | 'others'>, rows: Uint16Array, size: number): number {
  let found = 0;
  for (let index = 0; index < size; index += 1) {
    const row = rows[index] ?? 0;
    const place = places[row] ?? 0;
    if (place === 0) continue;
    const value = values[place];
    if (typeof value === 'number' && !Number.isFinite(value) && Number.isNaN(numbers[row])) found += 1;
  }
  return found;
}

/** What is known of an arm, to go on from later. */
export interface SavedArm {
  /** Latency, scores, scores of positives, scores with an outcome. */
  readonly histograms: readonly Float64Array[];
  readonly versions: readonly LoggedVersion[];
  readonly requests: number;
  readonly units: number;
  readonly lastSeen: number;
  readonly matured: number;
  readonly labelled: number;
  readonly notFinite: number;
}

interface Seen { readonly name: string; first: number; last: number; requests: number }

/** Everything about one arm in one environment that is kept neither per window nor per hour. */
export class ArmCollector {
  readonly #latency = counts(LATENCY_EDGES);
  readonly #scores = counts(SCORE_EDGES);
  readonly #positives = counts(SCORE_EDGES);
  readonly #labelledScores = counts(SCORE_EDGES);
  readonly #versions = new Map<string, Seen>();
  #lastVersion: Seen | undefined;
  requests = 0;
  units = 0;
  lastSeen = 0;
  matured = 0;
  labelled = 0;
  /** Values of features and scores that were NaN or infinite. */
  notFinite = 0;

  constructor(saved?: SavedArm) {
    if (saved !== undefined) this.#restore(saved);
  }

  get saved(): SavedArm {
    const { requests, units, lastSeen, matured, labelled, notFinite } = this;
    return { histograms: [this.#latency, this.#scores, this.#positives, this.#labelledScores], versions: this.#loggedVersions(), requests, units, lastSeen, matured, labelled, notFinite };
  }

  #restore({ histograms, versions, ...counted }: SavedArm): void {
    for (const [index, histogram] of [this.#latency, this.#scores, this.#positives, this.#labelledScores].entries()) histogram.set(histograms[index] ?? []);
    for (const { version, ...seen } of versions) this.#versions.set(version, { name: version, ...seen });
    Object.assign(this, counted);
  }

  /** Counts predictions of a batch column by column. `now`: what comes from after it counts as of then. */
  countRows({ times, versions, latencyBins, scoreBins, scores, labels, columns }: BatchRows, { rows, size }: RowList, now: number): void {
    this.requests += size;
    for (let index = 0; index < size; index += 1) {
      const row = rows[index] ?? 0;
      const at = Math.min(times[row] ?? 0, now);
      if (at > this.lastSeen) this.lastSeen = at;
      this.#answered(codedAt(versions, row), at);
    }
    countInto(this.#latency, latencyBins, rows, size);
    countInto(this.#scores, scoreBins, rows, size);
    this.notFinite += notFiniteIn({ numbers: scores, others: labels }, rows, size);
    for (const column of columns) this.notFinite += notFiniteIn(column, rows, size);
  }

  #answered(version: unknown, at: number): void {
    const name = typeof version === 'number' ? String(version) : version;
    if (typeof name !== 'string' || name === '') return;
    if (this.#lastVersion?.name !== name) {
      const known = this.#versions.get(name);
      if (known === undefined && this.#versions.size >= MOST_VERSIONS) return;
      this.#lastVersion = known ?? { name, first: at, last: at, requests: 0 };
      this.#versions.set(name, this.#lastVersion);
    }
    const seen = this.#lastVersion;
    if (at < seen.first) seen.first = at;
    if (at > seen.last) seen.last = at;
    seen.requests += 1;
  }

  addOutcome(record: RecordLike, field: string): void {
    this.labelled += 1;
    const [score, actual] = [scoreOf(record), isPositive(record[field])];
    if (score === null || actual === null) return;
    const bin = scoreBin(score);
    bump(this.#labelledScores, bin);
    if (actual) bump(this.#positives, bin);
  }

  #loggedVersions(): LoggedVersion[] {
    return [...this.#versions.values()].map(({ name, ...seen }) => ({ version: name, ...seen }));
  }

  summary(): { readonly versions: readonly LoggedVersion[]; readonly latency: Histogram; readonly score: Histogram; readonly labelledScore: Histogram; readonly scoreOfPositives: Histogram } {
    const histogram = (edges: readonly number[], values: Float64Array): Histogram => ({ edges, counts: [...values] });
    return {
      versions: this.#loggedVersions().sort((a, b) => a.first - b.first),
      latency: histogram(LATENCY_EDGES, this.#latency),
      score: histogram(SCORE_EDGES, this.#scores),
      labelledScore: histogram(SCORE_EDGES, this.#labelledScores),
      scoreOfPositives: histogram(SCORE_EDGES, this.#positives),
    };
  }
}
