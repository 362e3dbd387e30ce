import { toNumber } from '../expressions/evaluate.ts';
import { latencyBin, scoreBin } from './bins.ts';
import { scoreFrom } from './measures.ts';
import { RecordTimes } from './recordTimes.ts';
import { hashOf, textOf, type Stager } from './stager.ts';

/** Values of one column. */
export interface ColumnRun {
  readonly values: ArrayLike<unknown>;
  /** Where a row's value stands in `values`; undefined: one stands after the other. */
  readonly indices: ArrayLike<number> | undefined;
  /** The place of the first row. */
  readonly start: number;
  /** Whether the values are texts by their `hash53`, 0 or null where there is none. */
  readonly isHashed: boolean;
}

/** Rows of a file that keeps columns, which are called as fields are, `score` and `features.amount`. */
export interface RowRun {
  readonly count: number;
  readonly columns: ReadonlyMap<string, ColumnRun>;
  /** The text of a column of hashes. */
  readonly text: (name: string, row: number) => string;
}

const NOWHERE: ColumnRun = { values: [undefined], indices: [], start: 0, isHashed: false };

/** A row's value of a column. */
export function valueAt({ values, indices, start }: ColumnRun, row: number): unknown {
  return values[indices === undefined ? start + row : indices[start + row] ?? 0];
}

function hashAt(column: ColumnRun, row: number): number {
  const value = valueAt(column, row);
  if (column.isHashed) return typeof value === 'number' ? value : 0;
  return value === undefined || value === null ? 0 : hashOf(value);
}

function numberAt(column: ColumnRun, row: number): number {
  const value = valueAt(column, row);
  return typeof value === 'number' ? value : toNumber(value) ?? Number.NaN;
}

/** What `Stager` does for records, for rows of columns: a loop over one column knows what its values are, and no record is made of them. Not for features that expressions read, nor for what waits for outcomes. */
export class ColumnStager {
  readonly #stager: Stager;
  readonly #times = new RecordTimes();
  /** The row of the run that a row of the batch is of. */
  readonly #source: Uint32Array;
  readonly #record: Record<string, unknown> = {};
  /** Whether the row at which `stage` ended is no served prediction. */
  isApart = false;

  constructor(stager: Stager) {
    this.#stager = stager;
    this.#source = new Uint32Array(stager.batch.most);
  }

  /** Stages the rows of a run from one on. Answers where it ended: behind the last row, where the batch is full, or at a row that `isApart`, which is the caller's to deal with. */
  stage(run: RowRun, from: number): number {
    const { batch } = this.#stager;
    const first = batch.size;
    const end = this.#choose(run, from);
    this.#numbers(run, first);
    this.#lists(run, first);
    this.#features(run, first);
    this.#judge(run, first);
    return end;
  }

  /** A row of the run as a record, without what `ids` tells. */
  record({ columns }: RowRun, row: number): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    const features: Record<string, unknown> = {};
    for (const [name, column] of columns) {
      if (column.isHashed) continue;
      if (name.startsWith('features.')) features[name.slice('features.'.length)] = valueAt(column, row);
      else record[name] = valueAt(column, row);
    }
    return { ...record, features };
  }

  /** The hashes of a row's request and unit, 0 where there is none, its time, NaN where there is none, and the request's id itself. */
  ids(run: RowRun, row: number): { readonly request: number; readonly unit: number; readonly time: number; readonly id: string } {
    const column = (name: string): ColumnRun => run.columns.get(name) ?? NOWHERE;
    const requests = column('request_id');
    return {
      request: hashAt(requests, row), unit: hashAt(column('batch_id'), row) || hashAt(column('unit_id'), row), time: this.#times.of(valueAt(column('ts'), row)),
      id: requests.isHashed ? run.text('request_id', row) : textOf(valueAt(requests, row)) ?? '',
    };
  }

  /** Whose the rows are, and their ids and times. */
  #choose({ columns, count }: RowRun, from: number): number {
    const { batch } = this.#stager;
    const column = (name: string): ColumnRun => columns.get(name) ?? NOWHERE;
    const [arms, flags, roles, environments, services, times] = ['assigned_arm', 'flag', 'role', 'environment', 'service', 'ts'].map(column) as [ColumnRun, ColumnRun, ColumnRun, ColumnRun, ColumnRun, ColumnRun];
    const [requests, units, batches] = ['request_id', 'unit_id', 'batch_id'].map(column) as [ColumnRun, ColumnRun, ColumnRun];
    let size = batch.size;
    let row = from;
    this.isApart = false;
    for (; row < count && size < batch.most; row += 1) {
      batch.told += 1;
      const arm = textOf(valueAt(arms, row));
      this.isApart = arm === undefined;
      if (arm === undefined) break;
      if (!this.#stager.wants(textOf(valueAt(flags, row)))) continue;
      const at = this.#times.of(valueAt(times, row));
      this.isApart = !Number.isFinite(at) || valueAt(roles, row) === 'shadow';
      if (this.isApart) break;
      this.#source[size] = row;
      this.#stager.identify(size, textOf(valueAt(environments, row)) ?? '', textOf(valueAt(services, row)) ?? '', arm, at, hashAt(requests, row), hashAt(batches, row) || hashAt(units, row));
      size += 1;
    }
    batch.size = size;
    return row;
  }

  #numbers({ columns }: RowRun, first: number): void {
    const { batch } = this.#stager;
    const latency = columns.get('latency_ms') ?? NOWHERE;
    const score = columns.get('score') ?? NOWHERE;
    const proba = columns.get('proba') ?? NOWHERE;
    for (let row = first; row < batch.size; row += 1) batch.latencyBins[row] = latencyBin(numberAt(latency, this.#source[row] ?? 0));
    for (let row = first; row < batch.size; row += 1) {
      const at = this.#source[row] ?? 0;
      const value = scoreFrom(valueAt(score, at), valueAt(proba, at)) ?? Number.NaN;
      batch.scores[row] = value;
      batch.scoreBins[row] = scoreBin(value);
    }
  }

  #lists({ columns }: RowRun, first: number): void {
    const { batch } = this.#stager;
    for (const [name, list] of [['label', batch.labels], ['error', batch.errors], [batch.outcome, batch.outcomes], ['model_version', batch.versions]] as const) {
      const column = columns.get(name) ?? NOWHERE;
      for (let row = first; row < batch.size; row += 1) list[row] = valueAt(column, this.#source[row] ?? 0);
    }
  }

  #features({ columns }: RowRun, first: number): void {
    const { batch } = this.#stager;
    for (const { name, numbers, others } of batch.columns) {
      const column = columns.get(`features.${name}`) ?? NOWHERE;
      for (let row = first; row < batch.size; row += 1) {
        const value = valueAt(column, this.#source[row] ?? 0);
        const isNumber = typeof value === 'number' && Number.isFinite(value);
        numbers[row] = isNumber ? value : Number.NaN;
        others[row] = isNumber ? undefined : value;
      }
    }
  }

  /** What expressions say of the rows; a record holds the fields that they read. */
  #judge({ columns }: RowRun, first: number): void {
    const { batch, read } = this.#stager;
    const record = this.#record;
    const present = read.map((name) => ({ name, column: columns.get(name) ?? NOWHERE }));
    for (let row = first; row < batch.size; row += 1) {
      const at = this.#source[row] ?? 0;
      for (let index = 0; index < present.length; index += 1) {
        const each = present[index];
        if (each !== undefined) record[each.name] = valueAt(each.column, at);
      }
      this.#stager.judge(row, record);
    }
  }
}
