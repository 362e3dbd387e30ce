import { toNumber, type RecordLike } from '../expressions/evaluate.ts';
import { latencyBin, scoreBin } from './bins.ts';
import { hash53 } from './hashing.ts';
import { scoreOf } from './measures.ts';

/** As many as fit the processor's nearer memory. */
export const ROWS = 1024;
const MOST_COLUMNS = 500;

export const [EXCLUDED, WITHOUT_UNIT] = [1, 2];

/** Values of one feature: a finite number, or NaN and in `others` whatever else stood there. */
export interface FeatureColumn {
  readonly name: string;
  readonly numbers: Float64Array;
  readonly others: readonly unknown[];
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
  readonly labels: readonly unknown[];
  readonly errors: readonly unknown[];
  /** What stands in the place of an outcome. */
  readonly outcomes: readonly unknown[];
  readonly versions: readonly unknown[];
  /** By metric; NaN where a record does not tell it. */
  readonly values: readonly Float64Array[];
  /** The names of the slices that a row is in. */
  readonly slices: readonly (readonly string[] | undefined)[];
  readonly kept: readonly (Kept | undefined)[];
  readonly columns: readonly FeatureColumn[];
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

/**
 * Predictions that are counted together, column by column. Units and requests lie all over the memory, and looking up one after another waits for it each time; of many, looked up at one go, most
 * of the waiting is done at once.
 */
export class Batch implements BatchRows {
  readonly most: number;
  size = 0;
  told = 0;
  readonly arms: Uint16Array;
  readonly keys: ArmKey[] = [];
  readonly requests: Float64Array;
  readonly units: Float64Array;
  readonly times: Float64Array;
  readonly flags: Uint8Array;
  readonly latencyBins: Uint8Array;
  readonly scoreBins: Uint8Array;
  readonly scores: Float64Array;
  readonly labels: unknown[] = [];
  readonly errors: unknown[] = [];
  readonly outcomes: unknown[] = [];
  readonly versions: unknown[] = [];
  readonly values: readonly Float64Array[];
  readonly slices: (readonly string[] | undefined)[] = [];
  readonly kept: (Kept | undefined)[] = [];
  readonly columns: { readonly name: string; readonly numbers: Float64Array; readonly others: unknown[] }[] = [];
  /** The field in which an outcome stands. */
  readonly outcome: string;
  readonly #listed: boolean;
  readonly #known = new Set<string>();
  #lastKey: ArmKey | undefined;
  #lastPlace = -1;
  #lastFeatures: unknown;

  /** @param most of rows, 65,535 at most; `columns` were known before */
  constructor(metrics: number, outcome: string, features: readonly string[] | undefined, most = ROWS, columns: readonly string[] = []) {
    this.most = most;
    const numbers = (): Float64Array => new Float64Array(most);
    [this.requests, this.units, this.times, this.scores] = [numbers(), numbers(), numbers(), numbers()];
    [this.flags, this.latencyBins, this.scoreBins] = [new Uint8Array(most), new Uint8Array(most), new Uint8Array(most)];
    this.arms = new Uint16Array(most);
    this.values = Array.from({ length: metrics }, numbers);
    this.outcome = outcome;
    this.#listed = features !== undefined;
    for (const name of features ?? columns) this.#column(name);
  }

  /** Begins anew. */
  clear(): void {
    this.size = 0;
    this.told = 0;
  }

  #column(name: string): void {
    if (this.#known.has(name) || this.columns.length >= MOST_COLUMNS) return;
    this.#known.add(name);
    this.columns.push({ name, numbers: new Float64Array(this.most).fill(Number.NaN), others: new Array<unknown>(this.most).fill(undefined) });
  }

  /** Takes what is counted of a record as it is; the rest of the row is the caller's to fill. `listed`: the values of the columns, where they do not stand in the record. */
  take(record: RecordLike, listed?: readonly unknown[]): number {
    const row = this.size;
    this.size += 1;
    this.latencyBins[row] = latencyBin(toNumber(record['latency_ms']) ?? Number.NaN);
    const score = scoreOf(record) ?? Number.NaN;
    this.scores[row] = score;
    this.scoreBins[row] = scoreBin(score);
    this.labels[row] = record['label'];
    this.errors[row] = record['error'];
    this.outcomes[row] = record[this.outcome];
    this.versions[row] = record['model_version'];
    this.slices[row] = undefined;
    this.kept[row] = undefined;
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
      others[row] = isNumber ? undefined : value;
    }
    return row;
  }

  /** Says whose a row is, and tells what is known of them. */
  belongs(row: number, environment: string, service: string, arm: string): ArmKey {
    const isSame = (key: ArmKey | undefined): boolean => key?.arm === arm && key.service === service && key.environment === environment;
    let key = this.#lastKey;
    if (key === undefined || !isSame(key)) {
      const known = this.keys.findIndex(isSame);
      key = this.keys[known] ?? { environment, service, arm, seed: seedOf(environment) };
      this.#lastKey = key;
      this.#lastPlace = known >= 0 ? known : this.keys.push(key) - 1;
    }
    this.arms[row] = this.#lastPlace;
    return key;
  }

  /** New names of features. A reader gives the same mapping again and again, which holds the same names then. */
  #names(features: RecordLike): void {
    if (features === this.#lastFeatures) return;
    this.#lastFeatures = features;
    for (const name of Object.keys(features)) this.#column(name);
  }
}
