import { toNumber, type RecordLike } from '../expressions/evaluate.ts';
import type { Group } from './groups.ts';
import { scoreOf } from './measures.ts';

/** As many as fit the processor's nearer memory. */
const ROWS = 512;
const MOST_COLUMNS = 500;

export const [EXCLUDED, WITHOUT_UNIT] = [1, 2];

/** Values of one feature: a finite number, or NaN and in `others` whatever else stood there. */
export interface FeatureColumn {
  readonly name: string;
  readonly numbers: Float64Array;
  readonly others: unknown[];
}

/** What few predictions need: their slices, what is kept for their outcome, and the outcome that stands in them. */
export interface BatchExtras {
  readonly slices: readonly string[];
  readonly kept: RecordLike | undefined;
  readonly outcome: RecordLike | undefined;
}

/**
 * Predictions that are counted together, column by column. Units and requests lie all over the memory, and looking up one after another waits for it each time; of many, looked up at one go, most
 * of the waiting is done at once.
 */
export class Batch {
  readonly most = ROWS;
  size = 0;
  readonly groups: Group[] = [];
  /** Hash of the request's id; 0: it has none. */
  readonly requests = new Float64Array(ROWS);
  readonly units = new Float64Array(ROWS);
  readonly times = new Float64Array(ROWS);
  readonly flags = new Uint8Array(ROWS);
  /** NaN where a record does not tell. */
  readonly latencies = new Float64Array(ROWS);
  readonly scores = new Float64Array(ROWS);
  readonly labels: unknown[] = [];
  readonly errors: unknown[] = [];
  /** What stands in the place of an outcome. */
  readonly outcomes: unknown[] = [];
  readonly versions: unknown[] = [];
  /** By metric; NaN where a record does not tell it. */
  readonly values: readonly Float64Array[];
  readonly extras: (BatchExtras | undefined)[] = [];
  readonly columns: FeatureColumn[] = [];
  readonly #outcome: string;
  readonly #listed: boolean;
  readonly #known = new Set<string>();
  #lastFeatures: unknown;

  constructor(metrics: number, outcome: string, features: readonly string[] | undefined, columns: readonly string[] = []) {
    this.values = Array.from({ length: metrics }, () => new Float64Array(ROWS));
    this.#outcome = outcome;
    this.#listed = features !== undefined;
    for (const name of features ?? columns) this.#column(name);
  }

  get columnNames(): readonly string[] {
    return this.columns.map(({ name }) => name);
  }

  #column(name: string): void {
    if (this.#known.has(name) || this.columns.length >= MOST_COLUMNS) return;
    this.#known.add(name);
    this.columns.push({ name, numbers: new Float64Array(ROWS).fill(Number.NaN), others: new Array<unknown>(ROWS).fill(undefined) });
  }

  /** Takes what is counted of a record as it is; the rest of the row is the caller's to fill. */
  take(record: RecordLike): number {
    const row = this.size;
    this.size += 1;
    this.latencies[row] = toNumber(record['latency_ms']) ?? Number.NaN;
    this.scores[row] = scoreOf(record) ?? Number.NaN;
    this.labels[row] = record['label'];
    this.errors[row] = record['error'];
    this.outcomes[row] = record[this.#outcome];
    this.versions[row] = record['model_version'];
    this.flags[row] = 0;
    this.extras[row] = undefined;
    const { features } = record;
    const fields = typeof features === 'object' && features !== null ? features as RecordLike : undefined;
    if (!this.#listed && fields !== undefined) this.#names(fields);
    for (const { name, numbers, others } of this.columns) {
      const value = fields?.[name];
      const isNumber = typeof value === 'number' && Number.isFinite(value);
      numbers[row] = isNumber ? value : Number.NaN;
      others[row] = isNumber ? undefined : value;
    }
    return row;
  }

  /** New names of features. A reader gives the same mapping again and again, which holds the same names then. */
  #names(features: RecordLike): void {
    if (features === this.#lastFeatures) return;
    this.#lastFeatures = features;
    for (const name of Object.keys(features)) this.#column(name);
  }
}
