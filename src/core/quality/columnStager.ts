import { toBoolean, toNumber } from '../expressions/evaluate.ts';
import type { Batch, Codes } from './batch.ts';
import { latencyBin, NO_BIN, scoreBin } from './bins.ts';
import { scoreFrom } from './measures.ts';
import { countFlag } from './otherFlags.ts';
import { LEAST_TIME, MOST_TIME, RecordTimes } from './recordTimes.ts';
import { hashOf, isServed, textOf, type Stager } from './stager.ts';
import { unitOf } from './unnamed.ts';

/** Combinations of values, and values of a column, that are few enough to look at each once for many rows. */
const FEW = 1024;

/** Values of one column. */
export interface ColumnRun {
  readonly values: ArrayLike<unknown>;
  /** Where a row's value stands in `values`; undefined: one stands after the other. */
  readonly indices: ArrayLike<number> | undefined;
  /** The place of the first row. */
  readonly start: number;
  /** Whether all rows have the same value. */
  readonly isConstant: boolean;
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

const NOWHERE: ColumnRun = { values: [undefined], indices: [], start: 0, isConstant: true, isHashed: false };

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

/** The column of a name. */
function columnOf({ columns }: RowRun, name: string): ColumnRun {
  return columns.get(name) ?? NOWHERE;
}

/** What is the same for all rows in which the same stands of whose they are. */
interface Whose {
  readonly arm: string | undefined;
  readonly environment: string;
  readonly service: string;
  /** Its flag, and whether that is asked for. */
  readonly flag: string;
  readonly isWanted: boolean;
  readonly isServed: boolean;
  /** In the keys of the batch, as soon as one of the rows is taken into it; -1 before. */
  place: number;
}

/** What was found out of the rows of a run for a batch. */
interface Choice {
  readonly run: RowRun;
  readonly batch: Batch;
  /** Those of the batch when the places of `known` were found. */
  readonly keys: Batch['keys'];
  /** The columns that say whose a row is, and those among them that change. */
  readonly columns: readonly ColumnRun[];
  readonly changing: readonly ColumnRun[];
  /** By combination of their values; undefined: they are too many. */
  readonly known: (Whose | undefined)[] | undefined;
}

/**
 * What `Stager` does for records, for rows of columns: a loop over one column knows what its values are, and no record is made of them. Not for features that expressions read, nor for what waits for
 * outcomes.
 */
export class ColumnStager {
  readonly #stager: Stager;
  readonly #times = new RecordTimes();
  /** The row of the run that a row of the batch is of. */
  readonly #source: Uint32Array;
  readonly #unitIds: Float64Array;
  readonly #batchIds: Float64Array;
  readonly #placeOf = new Int32Array(FEW);
  readonly #record: Record<string, unknown> = {};
  #choice: Choice | undefined;
  /** Whether the row at which `stage` ended is no served prediction. */
  isApart = false;

  constructor(stager: Stager) {
    const { most } = stager.batch;
    this.#stager = stager;
    this.#source = new Uint32Array(most);
    [this.#unitIds, this.#batchIds] = [new Float64Array(most), new Float64Array(most)];
  }

  /** Stages the rows of a run from one on. Answers where it ended: behind the last row, where the batch is full, or at a row that `isApart`, which is the caller's to deal with. */
  stage(run: RowRun, from: number): number {
    const { batch } = this.#stager;
    const first = batch.size;
    const told = batch.told;
    const end = this.#choose(run, from);
    this.#identify(run, first, told - from);
    batch.told = told + end - from + Number(this.isApart);
    this.#numbers(run, first);
    for (const [name, codes] of [['label', batch.labels], ['error', batch.errors], [batch.outcome, batch.outcomes], ['model_version', batch.versions]] as const) this.#code(columnOf(run, name), codes, first);
    this.#fallbacks(columnOf(run, 'fallback'), first);
    this.#features(run, first);
    this.#judge(run, first);
    this.#mark(run, first);
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

  /** The hashes of a row's request and unit, 0 where there is none, its time, see `RecordTimes`, and the request's id itself. */
  ids(run: RowRun, row: number): { readonly request: number; readonly unit: number; readonly time: number; readonly id: string } {
    const requests = columnOf(run, 'request_id');
    return {
      request: hashAt(requests, row), unit: unitOf(hashAt(columnOf(run, 'batch_id'), row), hashAt(columnOf(run, 'unit_id'), row)), time: this.#times.of(valueAt(columnOf(run, 'ts'), row)),
      id: requests.isHashed ? run.text('request_id', row) : textOf(valueAt(requests, row)) ?? '',
    };
  }

  /** Takes served predictions into the batch that are asked for, with their times. */
  #choose(run: RowRun, from: number): number {
    const { batch } = this.#stager;
    const choice = this.#choiceOf(run);
    const { changing, known } = choice;
    const times = columnOf(run, 'ts');
    let size = batch.size;
    let row = from;
    this.isApart = false;
    for (; row < run.count && size < batch.most; row += 1) {
      let code = 0;
      for (let index = 0; known !== undefined && index < changing.length; index += 1) {
        const column = changing[index];
        if (column !== undefined) code = code * column.values.length + (column.indices?.[column.start + row] ?? 0);
      }
      const whose = known?.[code] ?? this.#whose(choice, code, row);
      this.isApart = whose.arm === undefined;
      if (whose.arm === undefined) break;
      if (!whose.isWanted) {
        countFlag(batch.refused, whose.flag);
        continue;
      }
      const time = this.#timeAt(times, row);
      this.isApart = !whose.isServed || !Number.isFinite(time);
      if (this.isApart) break;
      if (whose.place < 0) whose.place = batch.placeOf(whose.environment, whose.service, whose.arm);
      this.#source[size] = row;
      batch.arms[size] = whose.place;
      batch.times[size] = time;
      size += 1;
    }
    batch.size = size;
    return row;
  }

  #choiceOf(run: RowRun): Choice {
    const { batch } = this.#stager;
    if (this.#choice?.run === run && this.#choice.batch === batch && this.#choice.keys === batch.keys) return this.#choice;
    const columns = ['assigned_arm', 'flag', 'role', 'environment', 'service'].map((name) => columnOf(run, name));
    const changing = columns.filter(({ isConstant }) => !isConstant);
    const combinations = changing.reduce((product, { indices, values }) => product * (indices === undefined ? Number.POSITIVE_INFINITY : values.length), 1);
    this.#choice = { run, batch, keys: batch.keys, columns, changing, known: combinations <= FEW ? new Array<undefined>(combinations).fill(undefined) : undefined };
    return this.#choice;
  }

  #whose({ columns, known }: Choice, code: number, row: number): Whose {
    const [arm, flag, role, environment, service] = columns.map((column) => valueAt(column, row));
    const own = textOf(flag);
    const whose: Whose = { arm: textOf(arm), environment: textOf(environment) ?? '', service: textOf(service) ?? '', flag: own ?? '', isWanted: this.#stager.wants(own), isServed: isServed(role), place: -1 };
    if (known !== undefined) known[code] = whose;
    return whose;
  }

  #timeAt(column: ColumnRun, row: number): number {
    const { values, indices, start } = column;
    const known = values instanceof Float64Array ? values[indices === undefined ? start + row : indices[start + row] ?? 0] ?? 0 : 0;
    // Milliseconds are what they are.
    return known >= LEAST_TIME && known < MOST_TIME ? known : this.#times.of(valueAt(column, row));
  }

  /** `told`: how many records had been told before the first row of the run. */
  #identify(run: RowRun, first: number, told: number): void {
    const { batch } = this.#stager;
    const [requests, units, batches] = [columnOf(run, 'request_id'), columnOf(run, 'unit_id'), columnOf(run, 'batch_id')];
    this.#gather(requests, first, batch.requests, (row) => hashAt(requests, row), 'hashes');
    this.#gather(units, first, this.#unitIds, (row) => hashAt(units, row), 'hashes');
    this.#gather(batches, first, this.#batchIds, (row) => hashAt(batches, row), 'hashes');
    for (let row = first; row < batch.size; row += 1) this.#stager.identify(row, batch.requests[row] ?? 0, unitOf(this.#batchIds[row] ?? 0, this.#unitIds[row] ?? 0), told + (this.#source[row] ?? 0) + 1);
  }

  /** The values of a column that holds numbers, or hashes; `other` tells them of another one. */
  #gather({ values, indices, start, isConstant, isHashed }: ColumnRun, first: number, into: Float64Array, other: (row: number) => number, what: 'numbers' | 'hashes' = 'numbers'): void {
    const { size } = this.#stager.batch;
    const source = this.#source;
    if (isConstant && size > first) into.fill(other(source[first] ?? 0), first, size);
    else if (!(values instanceof Float64Array) || isHashed !== (what === 'hashes')) for (let row = first; row < size; row += 1) into[row] = other(source[row] ?? 0);
    else if (indices === undefined) for (let row = first; row < size; row += 1) into[row] = values[start + (source[row] ?? 0)] ?? Number.NaN;
    else for (let row = first; row < size; row += 1) into[row] = values[indices[start + (source[row] ?? 0)] ?? 0] ?? Number.NaN;
  }

  #numbers(run: RowRun, first: number): void {
    const { batch } = this.#stager;
    const [latency, score, proba] = [columnOf(run, 'latency_ms'), columnOf(run, 'score'), columnOf(run, 'proba')];
    const { scores } = batch;
    this.#gather(latency, first, scores, (row) => numberAt(latency, row));
    for (let row = first; row < batch.size; row += 1) batch.latencyBins[row] = latencyBin(scores[row] ?? Number.NaN);
    this.#gather(score, first, scores, (row) => numberAt(score, row));
    for (let row = first; row < batch.size; row += 1) {
      if (!Number.isFinite(scores[row])) scores[row] = scoreFrom(valueAt(score, this.#source[row] ?? 0), valueAt(proba, this.#source[row] ?? 0)) ?? Number.NaN;
      batch.scoreBins[row] = scoreBin(scores[row] ?? Number.NaN);
    }
  }

  #mark(run: RowRun, first: number): void {
    const { batch } = this.#stager;
    const columns = ['score', 'proba', 'latency_ms'].map((name) => columnOf(run, name));
    for (let row = first; row < batch.size; row += 1) {
      if (!Number.isNaN(batch.scores[row]) && batch.latencyBins[row] !== NO_BIN) continue;
      const [score, proba, latency] = columns.map((column) => valueAt(column, this.#source[row] ?? 0));
      batch.mark(row, score, proba, latency);
    }
  }

  #code(column: ColumnRun, into: Codes, first: number): void {
    const { size } = this.#stager.batch;
    const { values, indices, start, isConstant } = column;
    const source = this.#source;
    const { places } = into;
    if (isConstant) {
      places.fill(into.placeOf(valueAt(column, 0)), first, size);
    } else if (indices === undefined || values.length > FEW) {
      for (let row = first; row < size; row += 1) into.put(row, valueAt(column, source[row] ?? 0));
    } else {
      const known = this.#placeOf.fill(-1, 0, values.length);
      for (let row = first; row < size; row += 1) {
        const index = indices[start + (source[row] ?? 0)] ?? 0;
        if (known[index] === -1) known[index] = into.placeOf(values[index]);
        places[row] = known[index] ?? 0;
      }
    }
  }

  /** Rows that a fallback answered have no version. */
  #fallbacks(column: ColumnRun, first: number): void {
    const { size, versions: { places } } = this.#stager.batch;
    if (column.isConstant && toBoolean(valueAt(column, 0)) !== true) return;
    for (let row = first; row < size; row += 1) if (toBoolean(valueAt(column, this.#source[row] ?? 0)) === true) places[row] = 0;
  }

  #features(run: RowRun, first: number): void {
    const { batch } = this.#stager;
    const { size } = batch;
    for (const { name, numbers, others } of batch.columns) {
      const column = columnOf(run, `features.${name}`);
      if (isWithoutNumbers(column)) {
        numbers.fill(Number.NaN, first, size);
        this.#code(column, others, first);
        continue;
      }
      const isOfNumbers = column.values instanceof Float64Array;
      if (isOfNumbers) this.#gather(column, first, numbers, (row) => numberAt(column, row));
      if (isOfNumbers) others.places.fill(0, first, size);
      for (let row = first; row < size; row += 1) {
        if (isOfNumbers && Number.isFinite(numbers[row])) continue;
        const value = valueAt(column, this.#source[row] ?? 0);
        const isNumber = typeof value === 'number' && Number.isFinite(value);
        numbers[row] = isNumber ? value : Number.NaN;
        others.put(row, isNumber ? undefined : value);
      }
    }
  }

  /** What expressions say of the rows; a record holds the fields that they read. */
  #judge(run: RowRun, first: number): void {
    const { batch, read } = this.#stager;
    const record = this.#record;
    const present = read.map((name) => ({ name, column: columnOf(run, name) }));
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

/** Whether a column has few values, and none of them is a number. */
function isWithoutNumbers({ values, indices }: ColumnRun): boolean {
  if (indices === undefined || values.length > FEW) return false;
  for (let index = 0; index < values.length; index += 1) if (typeof values[index] === 'number') return false;
  return true;
}
