import { plainLine } from '../base/words.ts';
import { saysMissing, toNumber, type RecordLike } from '../expressions/evaluate.ts';
import { codedAt, MOST_MET, MOST_NAMED, ROWS, type BatchRows, type CodedColumn, type FeatureColumn, type RowList } from './batch.ts';
import { CategoryCounts, listedCategories, type ListedCategories, type SavedCategories } from './categoryCounts.ts';
import { scoreOf } from './measures.ts';
import { Reservoir, type SavedReservoir } from './reservoir.ts';
import { binOf } from './stats/driftMeasures.ts';
import type { FeatureSample } from './window.ts';

const SAMPLE = 5000;
/** Features that are watched of all that come; of those that are named `MOST_NAMED`. */
const MOST_FEATURES = 200;
/** Of more than `MOST_FEATURES` fewer values are kept each, so that all together are no more. */
const LEAST_SAMPLE = 30;
/** Names of those that are left out: enough to say how many they are. */
const MOST_LEFT_OUT = 1000;
const LONGEST_NAME = 200;
/** The prediction's own: its score or probability, and its label. */
const [SCORE, LABEL] = ['score', 'label'];
const NOTHING: CodedColumn = { places: new Uint16Array(0), values: [undefined] };

/** What a feature's sample is called: as the record has it below features, but for names that would be those of the prediction. */
export function sampleName(feature: string): string {
  return feature === SCORE || feature === LABEL || feature.startsWith('features.') ? `features.${feature}` : feature;
}

/** What a mapping has of a name, be that `constructor`. */
function ownOf<T>(all: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return all !== undefined && Object.hasOwn(all, name) ? all[name] : undefined;
}

function bump(into: Float64Array, place: number): void {
  into[place] = (into[place] ?? 0) + 1;
}

/** What is known of a feature, to go on from later. */
interface SavedFeature {
  readonly name: string;
  readonly sample: SavedReservoir;
  readonly binned: Float64Array | undefined;
  readonly categories: SavedCategories | undefined;
  readonly rows: number;
  readonly missing: number;
  readonly nested: number;
  readonly numbersAsTexts: number;
}

/** What is known of all features, to go on from later. */
export interface SavedFeatures {
  readonly requests: number;
  readonly features: readonly SavedFeature[];
  readonly leftOut: readonly string[];
}

/** Numbers of one column that are counted together. */
const gathered = new Float64Array(ROWS);

interface FeatureShape {
  readonly edges: readonly number[] | undefined;
  /** The reference's categories: it is no feature of numbers. */
  readonly listed: ListedCategories | undefined;
  readonly size: number;
  readonly seed: number;
}

/** What was seen of one feature. */
class Feature {
  readonly #name: string;
  readonly #sample: Reservoir;
  readonly #edges: readonly number[] | undefined;
  readonly #binned: Float64Array | undefined;
  readonly #listed: ListedCategories | undefined;
  #categories: CategoryCounts | undefined;
  #rows = 0;
  #missing = 0;
  #nested = 0;
  #numbersAsTexts = 0;

  constructor(name: string, { edges, listed, size, seed }: FeatureShape, saved?: SavedFeature) {
    this.#name = name;
    this.#sample = new Reservoir(size, seed, saved?.sample);
    this.#edges = edges;
    this.#binned = edges === undefined ? undefined : saved?.binned ?? new Float64Array(edges.length + 1);
    this.#listed = listed;
    if (saved?.categories !== undefined) this.#categories = new CategoryCounts(listed, saved.categories);
    this.#rows = saved?.rows ?? 0;
    this.#missing = saved?.missing ?? 0;
    this.#nested = saved?.nested ?? 0;
    this.#numbersAsTexts = saved?.numbersAsTexts ?? 0;
  }

  get saved(): SavedFeature {
    return {
      name: this.#name, sample: this.#sample.saved, binned: this.#binned, categories: this.#categories?.saved,
      rows: this.#rows, missing: this.#missing, nested: this.#nested, numbersAsTexts: this.#numbersAsTexts,
    };
  }

  add(value: unknown): void {
    this.#rows += 1;
    if (typeof value === 'string' && (this.#edges === undefined ? value !== '' : toNumber(value) === null && !saysMissing(value))) {
      this.#addCategory(value);
      return;
    }
    if (typeof value === 'boolean' && this.#edges === undefined) {
      this.#addCategory(this.#listed?.nameOf(value) ?? String(value));
      return;
    }
    const number = typeof value === 'boolean' ? Number(value) : toNumber(value);
    if (number === null || !Number.isFinite(number)) {
      this.#missing += 1;
      if (typeof value === 'object' && value !== null) this.#nested += 1;
      return;
    }
    this.#rows -= 1;
    this.addNumber(number);
  }

  /** A finite number. */
  addNumber(value: number): void {
    this.#rows += 1;
    if (this.#listed !== undefined) {
      this.#addText(value, this.#listed);
      return;
    }
    this.#sample.add(value);
    if (this.#edges !== undefined && this.#binned !== undefined) bump(this.#binned, binOf(this.#edges, value));
  }

  /** A number where the reference has texts. */
  #addText(value: number, listed: ListedCategories): void {
    const name = listed.nameOf(value);
    if (listed.placeOf(name) < 0) this.#numbersAsTexts += 1;
    this.#addCategory(name);
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
    if (this.#listed !== undefined) {
      for (let index = 0; index < count; index += 1) this.#addText(gathered[index] ?? 0, this.#listed);
      return;
    }
    this.#sample.addMany(gathered, count);
    const edges = this.#edges;
    const binned = this.#binned;
    if (edges === undefined || binned === undefined) return;
    for (let index = 0; index < count; index += 1) bump(binned, binOf(edges, gathered[index] ?? 0));
  }

  #addCategory(value: string): void {
    this.#categories ??= new CategoryCounts(this.#listed);
    this.#categories.add(value);
  }

  sample(rowsOfArm: number): FeatureSample {
    return {
      name: this.#name,
      rows: rowsOfArm,
      // A record that has no such field at all misses it, too.
      missing: this.#missing + (rowsOfArm - this.#rows),
      values: this.#sample.values,
      ...(this.#edges === undefined || this.#binned === undefined ? {} : { binned: { edges: this.#edges, counts: [...this.#binned] } }),
      ...(this.#categories?.counted ?? { categories: {}, otherCategories: 0 }),
      ...(this.#listed === undefined ? {} : { isListed: true }),
      ...(this.#nested === 0 ? {} : { nested: this.#nested }),
      ...(this.#numbersAsTexts === 0 ? {} : { numbersAsTexts: this.#numbersAsTexts }),
    };
  }
}

/** A sentence about features of the log or of a file that are too many; `named`: those that drift.features names. */
export function leftOutWords(names: ReadonlySet<string>, named: readonly string[] | undefined, what: string): string | undefined {
  if (names.size === 0) return undefined;
  const shown = plainLine([...names].slice(0, 3).join(', '), 100);
  const count = `${names.size >= (named === undefined ? MOST_MET - MOST_FEATURES : MOST_LEFT_OUT) ? 'at least ' : ''}${names.size}`;
  if (named !== undefined) return `Drift: of the ${named.length} features of drift.features the first ${MOST_NAMED} are looked at, ${count} ${names.size === 1 ? 'is' : 'are'} left out (${shown}${names.size > 3 ? ', ...' : ''}): name fewer.`;
  return `Drift: of ${plainLine(what, 120)} ${MOST_FEATURES} features are looked at, ${count} ${names.size === 1 ? 'other is' : 'others are'} left out (${shown}${names.size > 3 ? ', ...' : ''}): name those that matter in drift.features, ${MOST_NAMED} at most.`;
}

export interface FeatureOptions {
  /** The features to watch; all that come where it is not given. */
  readonly features?: readonly string[] | undefined;
  /** Inner edges of the reference's bins by the name of the sample. */
  readonly edges?: Readonly<Record<string, readonly number[]>> | undefined;
  /** The reference's categories by the name of the sample. */
  readonly categories?: Readonly<Record<string, readonly string[]>> | undefined;
  /** How many values of a feature are kept at most; 5,000 where it is not given. */
  readonly sample?: number | undefined;
}

/** The features of some predictions, and their scores and labels as two of them, in the order in which they came. */
export class FeatureCollector {
  readonly #options: FeatureOptions;
  readonly #named: readonly string[] | undefined;
  readonly #most: number;
  readonly #size: number;
  /** By the name of their sample. */
  readonly #features = new Map<string, Feature>();
  readonly #leftOut: Set<string>;
  requests: number;

  constructor(options: FeatureOptions, saved?: SavedFeatures) {
    this.#options = options;
    const { features, sample = SAMPLE } = options;
    this.#named = features?.slice(0, MOST_NAMED);
    this.#most = this.#named === undefined ? MOST_FEATURES : MOST_NAMED;
    this.#size = Math.max(Math.min(sample, LEAST_SAMPLE), Math.floor(sample * Math.min(1, MOST_FEATURES / Math.max(1, this.#named?.length ?? 0))));
    this.#leftOut = new Set(saved?.leftOut ?? features?.slice(MOST_NAMED, MOST_NAMED + MOST_LEFT_OUT));
    this.requests = saved?.requests ?? 0;
    for (const feature of saved?.features ?? []) this.#feature(feature.name, feature);
    for (const name of [SCORE, ...(this.#named ?? []).map(sampleName)]) this.#feature(name);
  }

  get saved(): SavedFeatures {
    return { requests: this.requests, features: [...this.#features.values()].map((feature) => feature.saved), leftOut: this.leftOut };
  }

  /** Features that are too many to be watched, as far as they are known. */
  get leftOut(): readonly string[] {
    return [...this.#leftOut];
  }

  /** By the name of the sample; undefined: there are too many. */
  #feature(name: string, saved?: SavedFeature): Feature | undefined {
    const known = this.#features.get(name);
    if (known !== undefined) return known;
    const own = Number(this.#features.has(SCORE)) + Number(this.#features.has(LABEL));
    if (name !== SCORE && name !== LABEL && this.#features.size - own >= this.#most) {
      if (this.#leftOut.size < MOST_LEFT_OUT) this.#leftOut.add(name.slice(0, LONGEST_NAME));
      return undefined;
    }
    const { edges, categories } = this.#options;
    const listed = ownOf(categories, name);
    const feature = new Feature(name, { edges: ownOf(edges, name), listed: listed === undefined ? undefined : listedCategories(listed), size: this.#size, seed: this.#features.size + 1 }, saved);
    this.#features.set(name, feature);
    return feature;
  }

  /** A record of the training data. */
  add(record: RecordLike): void {
    this.requests += 1;
    this.#feature(SCORE)?.add(scoreOf(record));
    const { features, label } = record;
    if (label !== undefined && label !== null) this.#feature(LABEL)?.add(label);
    if (typeof features !== 'object' || features === null) return;
    for (const name of this.#named ?? Object.keys(features)) this.#feature(sampleName(name))?.add((features as RecordLike)[name]);
  }

  /** Counts predictions of a batch column by column. */
  countRows({ scores, labels, columns }: BatchRows, { rows, size }: RowList): void {
    this.requests += size;
    this.#feature(SCORE)?.addRows(scores, NOTHING, rows, size, 'present');
    if (labels.values.length > 1) this.#labels(labels, rows, size);
    this.#meet(columns, rows, size);
    for (const { name, numbers, others } of columns) this.#features.get(sampleName(name))?.addRows(numbers, others, rows, size, 'present');
  }

  #labels(labels: CodedColumn, rows: Uint16Array, size: number): void {
    for (let index = 0; index < size; index += 1) {
      const label = codedAt(labels, rows[index] ?? 0);
      if (label !== undefined && label !== null) this.#feature(LABEL)?.add(label);
    }
  }

  /** A feature is known from its first value on; features come in the order of those, and of their names, wherever a batch ends. */
  #meet(columns: readonly FeatureColumn[], rows: Uint16Array, size: number): void {
    if (this.#named !== undefined) return;
    const unknown = columns.filter(({ name }) => !this.#features.has(sampleName(name)) && !this.#leftOut.has(sampleName(name))).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (let index = 0; index < size && unknown.length > 0; index += 1) {
      const row = rows[index] ?? 0;
      for (const { name, numbers, others } of unknown) if (codedAt(others, row) !== undefined || !Number.isNaN(numbers[row])) this.#feature(sampleName(name));
    }
  }

  get samples(): FeatureSample[] {
    return [...this.#features.values()].map((feature) => feature.sample(this.requests));
  }
}
