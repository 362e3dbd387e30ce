import { plainLine } from '../base/words.ts';
import { isNotFinite, saysMissing, toBoolean, toText, type RecordLike } from '../expressions/evaluate.ts';
import { Batch, EXCLUDED, NOT_FINITE_OUTCOME, WITHOUT_UNIT, type BatchOptions } from './batch.ts';
import { readsOutcome, type QualityDefinition } from './definitions.ts';
import { hash53, rehash } from './hashing.ts';
import { MEASURED_FIELDS, valueOf } from './measures.ts';
import { countFlag } from './otherFlags.ts';
import { RECORD_FIELDS } from './recordFields.ts';
import { RecordTimes } from './recordTimes.ts';
import { SliceNames } from './slices.ts';
import { unitOf } from './unnamed.ts';
import { Whose } from './whose.ts';

/** Of lists of slices that come again and again. */
const MOST_LISTS = 1000;

/** An id or a name as text; undefined: there is none. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  return typeof value === 'string' && value !== '' ? value : typeof value === 'bigint' ? String(value) : undefined;
}

/** The `hash53` of an id as records have it, 0 where there is none. */
export function hashOf(value: unknown): number {
  const id = textOf(value);
  return id === undefined ? 0 : hash53(id);
}

/** Whether a record is of an answer that was served, as one is that does not say, also by what tools write for nothing (NaN, `None`); loggers write names of levels and roles in whatever letter case. What else there is (`canary`) is no word of a log: nobody knows whether the answer was served. */
export function isServed(role: unknown): boolean {
  return role === 'serving' || role === undefined || role === null || isRole(role, 'serving') || isNotFinite(role) || (typeof role === 'string' && saysMissing(role));
}

function isRole(role: unknown, name: string): boolean {
  return typeof role === 'string' && (role === name || role.trim().toLowerCase() === name);
}

/** Why a record that is not of a served answer is not of a shadow's either; undefined: it is. `request`: the hash of its id, 0 where there is none. */
export function shadowProblem({ role }: RecordLike, request: number): string | undefined {
  if (!isRole(role, 'shadow')) return `role is ${plainLine(toText(role) ?? typeof role, 40)}, neither serving nor shadow`;
  return request === 0 ? 'the answer of a shadow has no request_id, so it is compared with nothing' : undefined;
}

/** Whether there is an outcome in its place: a number, a text or a truth; null, blank, NaN and infinities tell none. */
export function isOutcome(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '' && !isNotFinite(value);
  return typeof value === 'number' ? Number.isFinite(value) : typeof value === 'boolean' || typeof value === 'bigint';
}

/** A value to keep of a record that its reader fills anew with each line or row: readers use its mappings again, which hold plain values then. */
export function keptOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype ? { ...value } : value;
}

/** What a reader knows of a record apart from it, because it read it from bytes: hashes (`hash53`) of ids, 0 where there is none, and the time, see `RecordTimes`. */
export interface Drawn {
  readonly request: number;
  readonly unit: number;
  readonly time: number;
  /** The values of the features to watch, in their order; undefined: they are in the record. */
  readonly features?: readonly unknown[] | undefined;
  /** What is found of the records that the reader knows to say the same of whose they are; undefined: it does not know. */
  readonly whose?: Whose | undefined;
  /** The id of the request itself, which few records are asked for. */
  readonly requestId: () => string;
}

export interface StagerOptions {
  /** Only predictions of these flags count. */
  readonly flags: readonly string[];
  /** The features to watch; all that come where it is not given. */
  readonly features?: readonly string[] | undefined;
}

/**
 * Turns records into rows of a batch. It knows nothing of what was counted before, so that several can work in threads of their own on parts of one log.
 */
export class Stager {
  batch: Batch;
  readonly #options: BatchOptions;
  readonly #definition: QualityDefinition;
  readonly #flags: ReadonlySet<string>;
  readonly #values: readonly { readonly metric: number; readonly read: (record: RecordLike) => number | null }[];
  /** Whether predictions wait for their outcome. */
  readonly isLabelled: boolean;
  /** The fields that expressions read of a record. */
  readonly read: readonly string[];
  /** The fields that are needed of a prediction when its outcome is known. */
  readonly keptFields: readonly string[];
  readonly #times = new RecordTimes();
  /** Of a record of which its reader keeps nothing. */
  readonly #whose = new Whose();
  readonly #slices: readonly { readonly names: SliceNames; readonly read: QualityDefinition['slices'][number]['evaluate'] }[];
  readonly #lists = new Map<string, readonly string[]>();
  /** The fields in which an outcome may stand, and those of them that say that there is one. */
  readonly outcomeFields: readonly string[];
  readonly #labelledBy: readonly string[];

  constructor(definition: QualityDefinition, { flags, features }: StagerOptions, rows: Pick<BatchOptions, 'most' | 'columns' | 'memory'> = {}) {
    const { metrics, labels } = definition;
    this.#definition = definition;
    this.#flags = new Set(flags);
    this.#values = metrics.flatMap((metric, index) => (metric.labelled ? [] : [{ metric: index, read: valueOf(metric, labels) }]));
    this.#slices = definition.slices.map(({ text, evaluate }) => ({ names: new SliceNames(text), read: evaluate }));
    this.isLabelled = metrics.some(({ labelled }) => labelled);
    const paths = [...metrics.flatMap(({ expression }) => expression ?? []), ...(definition.where === undefined ? [] : [definition.where]), ...definition.slices].flatMap((expression) => expression.paths);
    const measured = metrics.some(({ measure }) => measure !== undefined) ? [...MEASURED_FIELDS, labels.field] : [];
    this.read = [...new Set([...paths.map(([name = '']) => name), ...measured])];
    const read = metrics.flatMap(({ expression }) => (expression !== undefined && readsOutcome(expression) ? expression.paths.map(([first = '']) => first) : []));
    this.outcomeFields = [...new Set([labels.field, ...read])].filter((field) => !Object.hasOwn(RECORD_FIELDS, field));
    const isFieldRead = read.includes(labels.field) || metrics.some((metric) => metric.labelled && metric.measure !== undefined);
    this.#labelledBy = isFieldRead ? [labels.field] : this.outcomeFields;
    const labelled = metrics.filter((metric) => metric.labelled).flatMap(({ expression }) => expression?.paths.map(([first = '']) => first) ?? []);
    this.keptFields = [...new Set([...MEASURED_FIELDS, ...labelled])].filter((field) => !this.outcomeFields.includes(field));
    this.#options = { metrics: metrics.length, outcome: labels.field, features, ...rows };
    this.batch = this.another();
  }

  /** Another batch such as `batch`. */
  another(): Batch {
    return new Batch(this.#options);
  }

  get isFull(): boolean {
    return this.batch.size === this.batch.most;
  }

  /** Whether records of a flag are asked for; those without one are. */
  wants(flag: string | undefined): boolean {
    return flag === undefined || this.#flags.has(flag);
  }

  timeOf(record: RecordLike, drawn: Drawn | undefined): number {
    return drawn === undefined ? this.#times.of(record['ts']) : drawn.time;
  }

  /**
   * Takes a record, where the batch has room; it may be changed after the call, but for the names in its features. Where something of it was drawn from bytes, it need not stand in the record.
   * False: it is no served prediction, and the caller's to deal with.
   */
  stage(record: RecordLike, drawn: Drawn | undefined): boolean {
    const { batch } = this;
    batch.told += 1;
    const at = this.timeOf(record, drawn);
    const whose = drawn?.whose;
    if (whose?.isOf(batch) === true) {
      if (Number.isFinite(at)) this.#put(record, whose, at, drawn);
      return Number.isFinite(at);
    }
    const arm = textOf(record['assigned_arm']);
    if (arm === undefined) return false;
    const flag = textOf(record['flag']);
    if (flag !== undefined && !this.wants(flag)) {
      countFlag(batch.refused, flag);
      return true;
    }
    if (!Number.isFinite(at) || !isServed(record['role'])) return false;
    const found = whose ?? this.#whose;
    found.found(batch, batch.placeOf(textOf(record['environment']) ?? '', textOf(record['service']) ?? '', arm), batch.versions.placeOf(toBoolean(record['fallback']) === true ? undefined : record['model_version']));
    this.#put(record, found, at, drawn);
    return true;
  }

  #put(record: RecordLike, { arm, version }: Whose, at: number, drawn: Drawn | undefined): void {
    const { batch } = this;
    const row = batch.take(record, drawn?.features);
    const request = drawn === undefined ? hashOf(record['request_id']) : drawn.request;
    const unit = drawn === undefined ? unitOf(hashOf(record['batch_id']), hashOf(record['unit_id'])) : drawn.unit;
    batch.arms[row] = arm;
    batch.versions.places[row] = version;
    batch.times[row] = at;
    this.identify(row, request, unit, batch.told);
    this.judge(row, record);
    batch.mark(row, record['score'], record['proba'], record['latency_ms']);
    if (!this.isLabelled) return;
    if (this.hasNotFinite(record)) batch.flags[row] = (batch.flags[row] ?? 0) | NOT_FINITE_OUTCOME;
    batch.kept[row] = request === 0 ? undefined : { record: this.#kept(record), outcome: this.outcomeOf(record) };
  }

  /** Says the hashes of a row's request and of its unit, 0 where there is none, of a row whose arm is known. `told`: the number of the record among those told. */
  identify(row: number, request: number, unit: number, told: number): void {
    const { batch } = this;
    const of = unit || request;
    batch.requests[row] = request;
    batch.units[row] = of === 0 ? -told : rehash(of, batch.keys[batch.arms[row] ?? 0]?.seed ?? 0);
    batch.flags[row] = unit === 0 ? WITHOUT_UNIT : 0;
  }

  /** Says of a row what expressions say of its record, of which they read the fields `read`. */
  judge(row: number, record: RecordLike): void {
    const { batch } = this;
    const { where } = this.#definition;
    if (where !== undefined && where.evaluate(record) !== true) batch.flags[row] = (batch.flags[row] ?? 0) | EXCLUDED;
    for (let index = 0; index < this.#values.length; index += 1) {
      const each = this.#values[index];
      const values = each === undefined ? undefined : batch.values[each.metric];
      if (each !== undefined && values !== undefined) values[row] = each.read(record) ?? Number.NaN;
    }
    if (this.#slices.length > 0) batch.slices.put(row, this.slicesOf(record));
  }

  /** The names of the slices that a record is in; the same list for the same names. */
  slicesOf(record: RecordLike): readonly string[] | undefined {
    const names = this.#slices.flatMap(({ names: named, read }) => {
      const value = read(record);
      return value === null ? [] : [named.of(value)];
    });
    if (names.length === 0) return undefined;
    const [first = ''] = names;
    const key = names.length === 1 ? first : JSON.stringify(names);
    const known = this.#lists.get(key);
    if (known !== undefined || this.#lists.size >= MOST_LISTS) return known ?? names;
    this.#lists.set(key, names);
    return names;
  }

  /** What the outcome of a prediction will need of it. */
  #kept(record: RecordLike): RecordLike {
    return Object.fromEntries(this.keptFields.map((field) => [field, keptOf(record[field])]));
  }

  /** The outcome that a record tells; undefined: none. Fields that tell nothing are not in it. */
  outcomeOf(record: RecordLike): RecordLike | undefined {
    if (!this.outcomeFields.some((field) => isOutcome(record[field]))) return undefined;
    return Object.fromEntries(this.outcomeFields.map((field) => [field, isOutcome(record[field]) ? record[field] : undefined]));
  }

  /** An outcome with what it means that it does not tell the field of labels. Of its other fields nobody said that. */
  filled(outcome: RecordLike): RecordLike {
    const { absentMeans, field } = this.#definition.labels;
    return absentMeans === undefined ? outcome : { ...outcome, [field]: outcome[field] ?? absentMeans };
  }

  /** Whether a prediction with this outcome counts as labelled: by the field of labels where a metric reads that, or else by any that metrics read. */
  isLabelledBy(outcome: RecordLike): boolean {
    return this.#labelledBy.some((field) => outcome[field] !== undefined);
  }

  /** Whether NaN or an infinity stands where an outcome may. */
  hasNotFinite(record: RecordLike): boolean {
    return this.outcomeFields.some((field) => isNotFinite(record[field]));
  }
}
