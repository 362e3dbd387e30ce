import { toNumber, type RecordLike } from '../expressions/evaluate.ts';
import { codedAt, ROWS, type BatchRows, type CodedColumn, type FeatureColumn, type RowList } from './batch.ts';
import { LATENCY_EDGES, NO_BIN, SCORE_EDGES, scoreBin } from './bins.ts';
import { Reservoir, type SavedReservoir } from './hashing.ts';
import { isPositive, scoreOf } from './measures.ts';
import { binOf } from './stats/driftMeasures.ts';
import type { FeatureSample, Histogram, LoggedVersion } from './window.ts';

const SAMPLE = 5000;
const MOST_CATEGORIES = 1000;
const MOST_FEATURES = 200;
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

/** What is known of a feature, to go on from later. */
interface SavedFeature {
  readonly name: string;
  readonly sample: SavedReservoir;
  readonly binned: Float64Array | undefined;
  readonly categories: readonly (readonly [name: string, count: number])[];
  readonly rows: number;
  readonly missing: number;
  readonly others: number;
  readonly notFinite: number;
}

/** What is known of an arm, to go on from later. */
export interface SavedArm {
  readonly features: readonly SavedFeature[];
  /** Latency, scores, scores of positives, scores with an outcome. */
  readonly histograms: readonly Float64Array[];
  readonly versions: readonly LoggedVersion[];
  readonly requests: number;
  readonly units: number;
  readonly lastSeen: number;
  readonly matured: number;
  readonly labelled: number;
}

/** Numbers of one column that are counted together. */
const gathered = new Float64Array(ROWS);

/** What was seen of one feature. */
class Feature {
  readonly #name: string;
  readonly #sample: Reservoir;
  readonly #edges: readonly number[] | undefined;
  readonly #binned: Float64Array | undefined;
  readonly #categories = new Map<string, { count: number }>();
  /** The category that came last, which often comes next. */
  #category: string | undefined;
  #counter = { count: 0 };
  #rows = 0;
  #missing = 0;
  #others = 0;
  notFinite = 0;

  constructor(name: string, edges: readonly number[] | undefined, size: number, seed: number, saved?: SavedFeature) {
    this.#name = name;
    this.#sample = new Reservoir(size, seed, saved?.sample);
    this.#edges = edges;
    this.#binned = edges === undefined ? undefined : saved?.binned ?? counts(edges);
    for (const [category, count] of saved?.categories ?? []) this.#categories.set(category, { count });
    this.#rows = saved?.rows ?? 0;
    this.#missing = saved?.missing ?? 0;
    this.#others = saved?.others ?? 0;
    this.notFinite = saved?.notFinite ?? 0;
  }

  get saved(): SavedFeature {
    return {
      name: this.#name, sample: this.#sample.saved, binned: this.#binned, categories: [...this.#categories].map(([name, { count }]) => [name, count] as const),
      rows: this.#rows, missing: this.#missing, others: this.#others, notFinite: this.notFinite,
    };
  }

  add(value: unknown): void {
    this.#rows += 1;
    if (typeof value === 'string' && (this.#edges === undefined || toNumber(value) === null) && value !== '') {
      this.#addCategory(value);
      return;
    }
    if (typeof value === 'boolean') {
      this.#addCategory(String(value));
      return;
    }
    const number = toNumber(value);
    if (number === null || !Number.isFinite(number)) {
      if (typeof value === 'number') this.notFinite += 1;
      this.#missing += 1;
      return;
    }
    this.#rows -= 1;
    this.addNumber(number);
  }

  /** A finite number. */
  addNumber(value: number): void {
    this.#rows += 1;
    this.#sample.add(value);
    if (this.#edges !== undefined && this.#binned !== undefined) bump(this.#binned, binOf(this.#edges, value));
  }

  /** Values of some rows: finite numbers, or, where that is NaN, any other. `present`: what is undefined does not stand there at all. */
  addRows(numbers: Float64Array, others: CodedColumn, rows: Uint16Array, size: number, which?: 'present'): void {
    let count = 0;
    for (let index = 0; index < size; index += 1) {
      const row = rows[index] ?? 0;
      const number = numbers[row] ?? Number.NaN;
      if (!Number.isNaN(number)) {
        gathered[count] = number;
        count += 1;
        continue;
      }
      const other = codedAt(others, row);
      if (which === 'present' && other === undefined) continue;
      // A text may be a number, too.
      this.#addNumbers(count);
      count = 0;
      this.add(other);
    }
    this.#addNumbers(count);
  }

  /** Those that were gathered. */
  #addNumbers(count: number): void {
    if (count === 0) return;
    this.#rows += count;
    this.#sample.addMany(gathered, count);
    const edges = this.#edges;
    const binned = this.#binned;
    if (edges === undefined || binned === undefined) return;
    for (let index = 0; index < count; index += 1) bump(binned, binOf(edges, gathered[index] ?? 0));
  }

  #addCategory(value: string): void {
    if (value !== this.#category) {
      const known = this.#categories.get(value.slice(0, 200));
      if (known === undefined && this.#categories.size >= MOST_CATEGORIES) {
        this.#others += 1;
        return;
      }
      this.#category = value;
      this.#counter = known ?? { count: 0 };
      if (known === undefined) this.#categories.set(value.slice(0, 200), this.#counter);
    }
    this.#counter.count += 1;
  }

  sample(rowsOfArm: number): FeatureSample {
    return {
      name: this.#name,
      rows: rowsOfArm,
      // A record that has no such field at all misses it, too.
      missing: this.#missing + (rowsOfArm - this.#rows),
      values: this.#sample.values,
      ...(this.#edges === undefined || this.#binned === undefined ? {} : { binned: { edges: this.#edges, counts: [...this.#binned] } }),
      categories: Object.fromEntries([...this.#categories].map(([name, { count }]) => [name, count])),
      otherCategories: this.#others,
    };
  }
}

interface Seen { readonly name: string; first: number; last: number; requests: number }

export interface FeatureOptions {
  /** The features to watch; all that come where it is not given. */
  readonly features?: readonly string[] | undefined;
  /** Inner edges of the reference's bins by feature; `score` for the prediction. */
  readonly edges?: Readonly<Record<string, readonly number[]>> | undefined;
  /** How many values of a feature are kept at most; 5,000 where it is not given. */
  readonly sample?: number | undefined;
}

/** Everything about one arm in one environment that is not kept per window. */
export class ArmCollector {
  readonly #options: FeatureOptions;
  readonly #features = new Map<string, Feature>();
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

  constructor(options: FeatureOptions, saved?: SavedArm) {
    this.#options = options;
    if (saved !== undefined) this.#restore(saved);
    for (const name of ['score', ...(options.features ?? [])]) this.#feature(name);
  }

  get saved(): SavedArm {
    const { requests, units, lastSeen, matured, labelled } = this;
    return {
      features: [...this.#features.values()].map((feature) => feature.saved), histograms: [this.#latency, this.#scores, this.#positives, this.#labelledScores],
      versions: this.#loggedVersions(), requests, units, lastSeen, matured, labelled,
    };
  }

  #restore({ features, histograms, versions, requests, units, lastSeen, matured, labelled }: SavedArm): void {
    for (const saved of features) this.#feature(saved.name, saved);
    for (const [index, histogram] of [this.#latency, this.#scores, this.#positives, this.#labelledScores].entries()) histogram.set(histograms[index] ?? []);
    for (const { version, ...seen } of versions) this.#versions.set(version, { name: version, ...seen });
    Object.assign(this, { requests, units, lastSeen, matured, labelled });
  }

  #feature(name: string, saved?: SavedFeature): Feature | undefined {
    const known = this.#features.get(name);
    if (known !== undefined || this.#features.size >= MOST_FEATURES) return known;
    const feature = new Feature(name, this.#options.edges?.[name], this.#options.sample ?? SAMPLE, this.#features.size + 1, saved);
    this.#features.set(name, feature);
    return feature;
  }

  /** A record of the training data. */
  add(record: RecordLike): void {
    this.requests += 1;
    this.#feature('score')?.add(scoreOf(record) ?? record['label']);
    const { features } = record;
    if (typeof features !== 'object' || features === null) return;
    for (const name of this.#options.features ?? Object.keys(features)) this.#feature(name)?.add((features as RecordLike)[name]);
  }

  /** Counts predictions of a batch column by column; versions and latencies with `all` only. `now`: what comes from after it counts as of then. */
  countRows(batch: BatchRows, { rows, size }: RowList, now: number, what: 'all' | 'features'): void {
    this.requests += size;
    const { times, versions, latencyBins, scoreBins, scores, labels, columns } = batch;
    for (let index = 0; index < size; index += 1) {
      const row = rows[index] ?? 0;
      const at = Math.min(times[row] ?? 0, now);
      if (at > this.lastSeen) this.lastSeen = at;
      if (what === 'all') this.#answered(codedAt(versions, row), at);
    }
    if (what === 'all') countInto(this.#latency, latencyBins, rows, size);
    countInto(this.#scores, scoreBins, rows, size);
    this.#feature('score')?.addRows(scores, labels, rows, size);
    this.#meet(columns, rows, size);
    for (const { name, numbers, others } of columns) this.#features.get(name)?.addRows(numbers, others, rows, size, 'present');
  }

  /** A feature is known from its first value on; features come in the order of those, and of their names, wherever a batch ends. */
  #meet(columns: readonly FeatureColumn[], rows: Uint16Array, size: number): void {
    if (this.#features.size >= MOST_FEATURES) return;
    const unknown = columns.filter(({ name }) => !this.#features.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (let index = 0; index < size && unknown.length > 0; index += 1) {
      const row = rows[index] ?? 0;
      for (const { name, numbers, others } of unknown) if (codedAt(others, row) !== undefined || !Number.isNaN(numbers[row])) this.#feature(name);
    }
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

  get notFinite(): number {
    return [...this.#features.values()].reduce((sum, { notFinite }) => sum + notFinite, 0);
  }

  summary(): { readonly versions: readonly LoggedVersion[]; readonly latency: Histogram; readonly score: Histogram; readonly labelledScore: Histogram; readonly scoreOfPositives: Histogram; readonly features: readonly FeatureSample[] } {
    const histogram = (edges: readonly number[], values: Float64Array): Histogram => ({ edges, counts: [...values] });
    return {
      versions: this.#loggedVersions().sort((a, b) => a.first - b.first),
      latency: histogram(LATENCY_EDGES, this.#latency),
      score: histogram(SCORE_EDGES, this.#scores),
      labelledScore: histogram(SCORE_EDGES, this.#labelledScores),
      scoreOfPositives: histogram(SCORE_EDGES, this.#positives),
      features: [...this.#features.values()].map((feature) => feature.sample(this.requests)),
    };
  }
}

/** A quantile of a histogram, by linear interpolation within its bin. */
export function histogramQuantile({ edges, counts: bins }: Histogram, q: number): number {
  const total = bins.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [bin, count] of bins.entries()) {
    if (count > 0 && below + count >= q * total) {
      const low = edges[bin - 1] ?? 0;
      const high = edges[bin] ?? low;
      return low + ((q * total - below) / count) * (high - low);
    }
    below += count;
  }
  return Number.NaN;
}
