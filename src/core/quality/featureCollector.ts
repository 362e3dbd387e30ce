import { toNumber, type RecordLike } from '../expressions/evaluate.ts';
import { codedAt, ROWS, type BatchRows, type CodedColumn, type FeatureColumn, type RowList } from './batch.ts';
import { Reservoir, type SavedReservoir } from './hashing.ts';
import { scoreOf } from './measures.ts';
import { binOf } from './stats/driftMeasures.ts';
import type { FeatureSample } from './window.ts';

const SAMPLE = 5000;
export const MOST_CATEGORIES = 1000;
const MOST_FEATURES = 200;

function bump(into: Float64Array, place: number): void {
  into[place] = (into[place] ?? 0) + 1;
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
}

/** What is known of all features, to go on from later. */
export interface SavedFeatures {
  readonly requests: number;
  readonly features: readonly SavedFeature[];
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

  constructor(name: string, edges: readonly number[] | undefined, size: number, seed: number, saved?: SavedFeature) {
    this.#name = name;
    this.#sample = new Reservoir(size, seed, saved?.sample);
    this.#edges = edges;
    this.#binned = edges === undefined ? undefined : saved?.binned ?? new Float64Array(edges.length + 1);
    for (const [category, count] of saved?.categories ?? []) this.#categories.set(category, { count });
    this.#rows = saved?.rows ?? 0;
    this.#missing = saved?.missing ?? 0;
    this.#others = saved?.others ?? 0;
  }

  get saved(): SavedFeature {
    return {
      name: this.#name, sample: this.#sample.saved, binned: this.#binned, categories: [...this.#categories].map(([name, { count }]) => [name, count] as const),
      rows: this.#rows, missing: this.#missing, others: this.#others,
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

export interface FeatureOptions {
  /** The features to watch; all that come where it is not given. */
  readonly features?: readonly string[] | undefined;
  /** Inner edges of the reference's bins by feature; `score` for the prediction. */
  readonly edges?: Readonly<Record<string, readonly number[]>> | undefined;
  /** How many values of a feature are kept at most; 5,000 where it is not given. */
  readonly sample?: number | undefined;
}

/** The features of some predictions, and their scores as one of them, in the order in which they came. */
export class FeatureCollector {
  readonly #options: FeatureOptions;
  readonly #features = new Map<string, Feature>();
  requests: number;

  constructor(options: FeatureOptions, saved?: SavedFeatures) {
    this.#options = options;
    this.requests = saved?.requests ?? 0;
    for (const feature of saved?.features ?? []) this.#feature(feature.name, feature);
    for (const name of ['score', ...(options.features ?? [])]) this.#feature(name);
  }

  get saved(): SavedFeatures {
    return { requests: this.requests, features: [...this.#features.values()].map((feature) => feature.saved) };
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

  /** Counts predictions of a batch column by column. */
  countRows({ scores, labels, columns }: BatchRows, { rows, size }: RowList): void {
    this.requests += size;
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

  get samples(): FeatureSample[] {
    return [...this.#features.values()].map((feature) => feature.sample(this.requests));
  }
}
