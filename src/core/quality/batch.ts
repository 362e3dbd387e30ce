import { isNotFinite, isPresent, toNumber, type RecordLike } from '../expressions/evaluate.ts';
import { latencyBin, NO_BIN, scoreBin } from './bins.ts';
import { featureValue } from './featureValue.ts';
import { hash53 } from './hashing.ts';
import { scoreOf } from './measures.ts';

/** As many as fit the processor's nearer memory. */
export const ROWS = 1024;
/** Columns of features that are named, and of all that come: each takes ten bytes for a row of every batch. */
export const MOST_NAMED = 500;
export const MOST_MET = 350;

/** Keys that are kept from one batch to the next, of services that have a name of their own for each process more are met; and so few that they are looked for one after another. */
const [MOST_KEYS, FEW_KEYS] = [64, 8];

/** Of a row. The last three: its score, its latency, or the outcome that stands in it is NaN or infinite. */
export const [EXCLUDED, WITHOUT_UNIT, NOT_FINITE_SCORE, NOT_FINITE_LATENCY, NOT_FINITE_OUTCOME] = [1, 2, 4, 8, 16];

/** Values that mostly come again: each stands once in `values`, the first of which is undefined, and a row has its place there. */
export interface CodedColumn {
  readonly places: Uint16Array;
  readonly values: readonly unknown[];
}

/** A row's value. */
export function codedAt({ places, values }: CodedColumn, row: number): unknown {
  return values[places[row] ?? 0];
}

/** What is kept of a label or an outcome: a text that says NaN or an infinity is one. */
function asNumber(value: unknown): unknown {
  return isNotFinite(value) ? Number.NaN : value;
}

/** What is kept of a value where no number is meant. */
function asText(value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? undefined : value;
}

/** What is kept of an error: NaN is none, and says that the field is there as null does; of a list or mapping whether it is one. */
function asError(value: unknown): unknown {
  return typeof value === 'object' ? isPresent(value) || null : asText(value) ?? null;
}

/** Codes the values of a column, row by row. */
export class Codes implements CodedColumn {
  readonly places: Uint16Array;
  readonly values: unknown[] = [undefined];
  readonly #known = new Map<unknown, number>();
  #last: unknown;
  #lastPlace = 0;
  readonly #as: (value: unknown) => unknown;

  /** @param as what is kept of a value; undefined: nothing */
  constructor(places: Uint16Array, as: (value: unknown) => unknown) {
    this.places = places;
    this.#as = as;
  }

  clear(): void {
    // A map makes itself anew, also where it is empty; batches are small where outcomes stand among predictions.
    if (this.#known.size === 0) return;
    this.values.length = 1;
    this.#known.clear();
    this.#last = undefined;
    this.#lastPlace = 0;
  }

  put(row: number, value: unknown): void {
    this.places[row] = this.placeOf(value);
  }

  placeOf(value: unknown): number {
    if (value === this.#last) return this.#lastPlace;
    if (value === undefined) return 0;
    if (typeof value === 'object' && value !== null) return this.#placeOfObject(value);
    this.#last = value;
    const known = this.#known.get(value);
    if (known !== undefined) {
      this.#lastPlace = known;
      return known;
    }
    const kept = this.#as(value);
    this.#lastPlace = kept === undefined ? 0 : this.values.push(kept) - 1;
    this.#known.set(value, this.#lastPlace);
    return this.#lastPlace;
  }

  /** Of a list, mapping or date, of which something else is kept: that is asked for each time, for readers fill their mappings anew. Where it is kept itself, such as the same list of slices again and again, it stands there once. */
  #placeOfObject(value: object): number {
    const kept = this.#as(value);
    if (kept !== value) return this.placeOf(kept);
    this.#last = value;
    this.#lastPlace = this.#known.get(value) ?? this.values.push(value) - 1;
    this.#known.set(value, this.#lastPlace);
    return this.#lastPlace;
  }
}

/** Values of one feature: a finite number, or NaN and in `others` whatever else stood there. */
export interface FeatureColumn {
  readonly name: string;
  readonly numbers: Float64Array;
  readonly others: CodedColumn;
}

/** Whose prediction it is: an arm of a service in an environment. */
export interface ArmKey {
  readonly environment: string;
  readonly service: string;
  readonly arm: string;
  /** A unit is followed within its environment: units of two are two. */
  readonly seed: number;
}

/** Of an environment's name, so that its units have hashes of their own. */
export function seedOf(environment: string): number {
  return hash53(environment) | 0;
}

/** What is kept of a prediction for its outcome, and the outcome that stands in it. */
export interface Kept {
  readonly record: RecordLike;
  readonly outcome: RecordLike | undefined;
}

/** Predictions as columns: all that is counted of them, and nothing that depends on what was counted before. */
export interface BatchRows {
  readonly size: number;
  /** How many records were told since the batch was begun, those that are no rows of it too. */
  readonly told: number;
  /** Whose a row is, as a place in `keys`. */
  readonly arms: Uint16Array;
  readonly keys: readonly ArmKey[];
  /** Hash of the request's id; 0: it has none. */
  readonly requests: Float64Array;
  /** Hash of the unit's id, or of the request's, in its environment; where neither is there, minus the number of the record among those told. */
  readonly units: Float64Array;
  /** Milliseconds since 1970. */
  readonly times: Float64Array;
  readonly flags: Uint8Array;
  /** `NO_BIN` where a record does not tell. */
  readonly latencyBins: Uint8Array;
  readonly scoreBins: Uint8Array;
  /** NaN where a record does not tell. */
  readonly scores: Float64Array;
  readonly labels: CodedColumn;
  readonly errors: CodedColumn;
  /** What stands in the place of an outcome. */
  readonly outcomes: CodedColumn;
  /** Nothing where a fallback answered: that it was another version than the arm's is no news about the arm. */
  readonly versions: CodedColumn;
  /** By metric; NaN where a record does not tell it. */
  readonly values: readonly Float64Array[];
  /** Lists of the names of the slices that a row is in. */
  readonly slices: CodedColumn;
  /** Where predictions wait for their outcome. */
  readonly kept: readonly (Kept | undefined)[];
  readonly columns: readonly FeatureColumn[];
  /** How many predictions were told that are of flags that are not asked for: see `countFlag`. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Some rows of a batch, in their order; `ROWS` at most. */
export class RowList {
  readonly rows = new Uint16Array(ROWS);
  size = 0;

  add(row: number): void {
    this.rows[this.size] = row;
    this.size += 1;
  }
}

export interface BatchOptions {
  readonly metrics: number;
  /** The field in which an outcome stands. */
  readonly outcome: string;
  /** The features to watch; all that come where it is not given. */
  readonly features: readonly string[] | undefined;
  /** Of rows, 65,535 at most. */
  readonly most?: number | undefined;
  /** Names of features that were known before. */
  readonly columns?: readonly string[] | undefined;
  /** Gives memory, all of it 0: shared with other threads where they read it. */
  readonly memory?: (bytes: number) => ArrayBuffer | SharedArrayBuffer;
}

/**
 * Predictions that are counted together, column by column. Units and requests lie all over the memory, and looking up one after another waits for it each time; of many, looked up at one go, most
 * of the waiting is done at once.
 */
export class Batch implements BatchRows {
  readonly most: number;
  size = 0;
  told = 0;
  /** How often it was begun. */
  begun = 0;
  readonly arms: Uint16Array;
  keys: ArmKey[] = [];
  readonly requests: Float64Array;
  readonly units: Float64Array;
  readonly times: Float64Array;
  readonly flags: Uint8Array;
  readonly latencyBins: Uint8Array;
  readonly scoreBins: Uint8Array;
  readonly scores: Float64Array;
  readonly labels: Codes;
  readonly errors: Codes;
  readonly outcomes: Codes;
  readonly versions: Codes;
  readonly values: readonly Float64Array[];
  readonly slices: Codes;
  readonly kept: (Kept | undefined)[] = [];
  readonly columns: { readonly name: string; readonly numbers: Float64Array; readonly others: Codes }[] = [];
  readonly refused = new Map<string, number>();
  readonly outcome: string;
  readonly #listed: boolean;
  readonly #known = new Set<string>();
  #lastPlace = -1;
  readonly #places = new Map<string, number>();
  #lastFeatures: unknown;

  readonly #memory: NonNullable<BatchOptions['memory']>;

  /** @param columns that were known before */
  constructor({ metrics, outcome, features, most = ROWS, columns = [], memory = (bytes) => new ArrayBuffer(bytes) }: BatchOptions) {
    this.most = most;
    this.#memory = memory;
    const numbers = (): Float64Array => new Float64Array(memory(8 * most));
    const bytes = (): Uint8Array => new Uint8Array(memory(most));
    [this.requests, this.units, this.times, this.scores] = [numbers(), numbers(), numbers(), numbers()];
    [this.flags, this.latencyBins, this.scoreBins] = [bytes(), bytes(), bytes()];
    this.arms = new Uint16Array(memory(2 * most));
    [this.labels, this.errors, this.outcomes, this.versions, this.slices] = [this.#codes(asNumber), this.#codes(asError), this.#codes(asNumber), this.#codes(asText), this.#codes(asText)];
    this.values = Array.from({ length: metrics }, numbers);
    this.outcome = outcome;
    this.#listed = features !== undefined;
    for (const name of features ?? columns) this.#column(name);
  }

  /** Begins anew. */
  clear(): void {
    this.size = 0;
    this.told = 0;
    this.begun += 1;
    this.kept.length = 0;
    this.refused.clear();
    for (const codes of [this.labels, this.errors, this.outcomes, this.versions, this.slices]) codes.clear();
    for (const { others } of this.columns) others.clear();
    if (this.keys.length > MOST_KEYS) this.#forgetKeys();
  }

  /** Whoever has kept places of keys sees that they are others. */
  #forgetKeys(): void {
    this.keys = [];
    this.#places.clear();
    this.#lastPlace = -1;
  }

  #codes(as: (value: unknown) => unknown): Codes {
    return new Codes(new Uint16Array(this.#memory(2 * this.most)), as);
  }

  #column(name: string): void {
    if (this.#known.has(name) || this.columns.length >= (this.#listed ? MOST_NAMED : MOST_MET)) return;
    this.#known.add(name);
    this.columns.push({ name, numbers: new Float64Array(this.#memory(8 * this.most)).fill(Number.NaN), others: this.#codes(featureValue) });
  }

  /** Takes what is counted of a record as it is; the rest of the row, its version too, is the caller's to fill. `listed`: the values of the columns, where they do not stand in the record. */
  take(record: RecordLike, listed?: readonly unknown[]): number {
    const row = this.size;
    this.size += 1;
    this.latencyBins[row] = latencyBin(toNumber(record['latency_ms']) ?? Number.NaN);
    const score = scoreOf(record) ?? Number.NaN;
    this.scores[row] = score;
    this.scoreBins[row] = scoreBin(score);
    this.labels.put(row, record['label']);
    this.errors.put(row, record['error']);
    this.outcomes.put(row, record[this.outcome]);
    const features = listed === undefined ? record['features'] : undefined;
    const fields = typeof features === 'object' && features !== null ? features as RecordLike : undefined;
    if (!this.#listed && fields !== undefined) this.#names(fields);
    for (let column = 0; column < this.columns.length; column += 1) {
      const each = this.columns[column];
      if (each === undefined) continue;
      const { numbers, others } = each;
      const value = listed === undefined ? fields?.[each.name] : listed[column];
      const isNumber = typeof value === 'number' && Number.isFinite(value);
      numbers[row] = isNumber ? value : Number.NaN;
      others.put(row, isNumber ? undefined : value);
    }
    return row;
  }

  /** Says of a row whose values were taken where NaN or an infinity stood. */
  mark(row: number, score: unknown, proba: unknown, latency: unknown): void {
    const isScore = Number.isNaN(this.scores[row]) && (isNotFinite(score) || isNotFinite(proba));
    const isLatency = this.latencyBins[row] === NO_BIN && isNotFinite(latency);
    if (isScore || isLatency) this.flags[row] = (this.flags[row] ?? 0) | (isScore ? NOT_FINITE_SCORE : 0) | (isLatency ? NOT_FINITE_LATENCY : 0);
  }

  /** The place of a key. */
  placeOf(environment: string, service: string, arm: string): number {
    const isSame = (key: ArmKey | undefined): boolean => key?.arm === arm && key.service === service && key.environment === environment;
    if (!isSame(this.keys[this.#lastPlace])) {
      const known = this.keys.length <= FEW_KEYS ? this.keys.findIndex(isSame) : this.#places.get(armName(environment, service, arm)) ?? -1;
      this.#lastPlace = known >= 0 ? known : this.#added(environment, service, arm);
    }
    return this.#lastPlace;
  }

  #added(environment: string, service: string, arm: string): number {
    const place = this.keys.push({ environment, service, arm, seed: seedOf(environment) }) - 1;
    this.#places.set(armName(environment, service, arm), place);
    return place;
  }

  /** New names of features. A reader gives the same mapping again and again, which holds the same names then. */
  #names(features: RecordLike): void {
    if (features === this.#lastFeatures) return;
    this.#lastFeatures = features;
    for (const name of Object.keys(features)) this.#column(name);
  }
}

function armName(environment: string, service: string, arm: string): string {
  return `${environment}\0${service}\0${arm}`;
}
