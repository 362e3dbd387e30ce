import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { parse } from 'csv-parse';
import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import type { ParquetParsers } from 'hyparquet/src/types.js';
import { AppError, throwIfCancelled } from '../../core/base/errors.ts';
import { COMPRESSORS } from './compressors.ts';
import { ColumnPages, isText, leavesOf, plainNumber, type Leaf } from './parquetPages.ts';

/** After so many milliseconds others get their turn, such as who wants to cancel. */
const LISTENED_MS = 20;
const LARGEST_RECORD = 1024 * 1024;
const NUMBER = /^[+-]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** What stands in a record is none of the reasons why it cannot be read. */
const VALUE = /, value is [^]*/;

export type CsvValue = string | number | boolean | null;

/** A field by its look; what a number would not give back, such as leading zeros and long ids, stays text. */
function valueOf(text: string): CsvValue {
  if (text === '') return null;
  if (NUMBER.test(text)) { const number = Number(text); return Number.isInteger(number) && !Number.isSafeInteger(number) ? text : number; }
  return /^(?:true|false)$/i.test(text) ? text.toLowerCase() === 'true' : text;
}

/**
 * The records of a CSV file, each field a number, true, false or text by its look, null when it is empty. A record that cannot be read is told to `skipped` with its line, and passed over.
 * @throws AppError cancelled; errors of the file system as they come
 */
export async function* csvRecords(path: string, skipped: (line: number, reason: string) => void, signal: AbortSignal): AsyncGenerator<{ readonly record: Readonly<Record<string, CsvValue>>; readonly line: number }> {
  const parser = createReadStream(path, { signal }).pipe(parse({
    columns: true, bom: true, skip_empty_lines: true, max_record_size: LARGEST_RECORD, info: true, skip_records_with_error: true,
    cast: (text, { header }) => (header ? text : valueOf(text)),
    on_skip: (error) => {
      skipped(typeof error?.['lines'] === 'number' ? error['lines'] : 0, error?.message.replace(VALUE, '') ?? 'the record cannot be read');
    },
  }));
  try {
    for await (const each of parser) {
      const { record, info } = each as { record: Record<string, CsvValue>; info: { lines: number } };
      yield { record, line: info.lines };
    }
  } catch (error) {
    throwIfCancelled(signal);
    throw error;
  }
}

/** How Parquet values of a column are made, where it is not as hyparquet does. */
export type ColumnParsers = (name: string) => Partial<ParquetParsers>;

/** What of a row is told apart from its record. */
export interface DrawnValues {
  /** Of columns of texts that only their hashes are wanted of, in the order in which they were asked for: the `hash53` of the row's text, 0 where there is none; NaN: the column holds something else, or is missing, and its values are in the record. */
  readonly hashes: Float64Array;
  /** The text itself of a column of that number. */
  readonly text: (column: number) => string;
  /** Values of columns of which only those are wanted, in the order in which they were asked for, undefined where there is no such column. Undefined: they are in the record. */
  readonly listed: readonly unknown[] | undefined;
}

/** What is wanted of columns apart from the record: hashes of texts, and values; names such as `features.amount`. */
export interface DrawnNames {
  readonly hashed?: readonly string[];
  readonly listed?: readonly string[] | undefined;
}

type TellRow = (record: Readonly<Record<string, unknown>>, hashed: DrawnValues) => void;

/**
 * Tells the rows of a Parquet file, only the named columns (those that there are) and columns below them such as `features.amount`, values as Parquet
 * has them, but whole numbers as numbers where they can be. Columns of `hashed` that hold texts are told as hashes. One page of each column is held, or one row group where a column holds lists; `group`: of one row group only, where `parquetGroups` tells of several. A row is the caller's until the next one is told.
 * @throws AppError cancelled, validation when the file is none or damaged
 */
export async function parquetRecords(path: string, columns: readonly string[], parsers: ColumnParsers, tell: TellRow, signal: AbortSignal, { hashed = [], listed, group }: DrawnNames & { readonly group?: number | undefined } = {}): Promise<void> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } = await import('hyparquet');
  const isWanted = wantedIn(columns);
  const handle = await open(path, 'r');
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const schema = parquetSchema(metadata);
    const leaves = leavesOf(schema, schema, isWanted);
    const none = { hashes: new Float64Array(hashed.length).fill(Number.NaN), text: () => '', listed: undefined };
    if (leaves === undefined) await assembledRows(file, metadata, schema.children.map(({ element }) => element.name).filter((name) => isWanted(name) || columns.some((column) => column.startsWith(`${name}.`))), (record) => tell(record, none), signal);
    else for (const each of group === undefined ? metadata.row_groups : metadata.row_groups.slice(group, group + 1)) await pagedRows(leaves.map((leaf) => columnOf(handle.fd, leaf, each, parsers(leaf.path.join('.')), hashed)), { count: Number(each.num_rows), hashed: hashed.length, listed }, tell, signal);
  } catch (error) {
    if (error instanceof AppError && error.code === 'cancelled') throw error;
    throw unreadable(error);
  } finally {
    await handle.close();
  }
}

/** How many rows each row group of a Parquet file has that can be read by itself; none where columns hold lists. @throws AppError validation */
export async function parquetGroups(path: string, columns: readonly string[]): Promise<readonly number[]> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } = await import('hyparquet');
  try {
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(path));
    const schema = parquetSchema(metadata);
    return leavesOf(schema, schema, wantedIn(columns)) === undefined ? [] : metadata.row_groups.map(({ num_rows: count }) => Number(count));
  } catch (error) {
    throw unreadable(error);
  }
}

function wantedIn(columns: readonly string[]): (name: string) => boolean {
  return (name) => columns.some((column) => name === column || name.startsWith(`${column}.`));
}

function unreadable(error: unknown): AppError {
  return new AppError('validation', `The Parquet file cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {}, error);
}

interface Column {
  readonly leaf: Leaf;
  readonly pages: ColumnPages;
  /** Its number among those of which hashes are wanted, or -1. */
  readonly hashed: number;
}

function columnOf(file: number, leaf: Leaf, group: FileMetaData['row_groups'][number], parsers: Partial<ParquetParsers>, hashed: readonly string[]): Column {
  const number = leaf.path.length === 1 && isText(leaf) ? hashed.indexOf(leaf.path[0] ?? '') : -1;
  return { leaf, pages: new ColumnPages(file, leaf, group, parsers, number >= 0), hashed: number };
}

/** Where a column's values go; `outer` is the mapping that may be missing as a whole. */
interface Place {
  readonly pages: ColumnPages;
  readonly into: Record<string, unknown>;
  readonly name: string;
  /** Its number among the listed columns, or -1: it goes into the record. */
  readonly number: number;
  readonly outer: string | undefined;
  last: unknown;
  /** Where the last value stands among those that `indices` mean. */
  lastIndex: number;
  /** Of the page, while rows are told of it: what is asked for at each row. */
  values: ArrayLike<unknown>;
  indices: Uint32Array | undefined;
  start: number;
}

/** Puts a row's value of a column into its record, where it is another than that of the row before. */
function put(place: Place, row: number, listed: unknown[] | undefined): void {
  let at = place.start + row;
  if (place.indices !== undefined) {
    at = place.indices[at] ?? 0;
    if (at === place.lastIndex) return;
    place.lastIndex = at;
  }
  const value = place.values[at];
  if (value === place.last) return;
  place.last = value;
  if (place.number >= 0 && listed !== undefined) listed[place.number] = value;
  else place.into[place.name] = value;
}

function placesOf(columns: readonly Column[], record: Record<string, unknown>, listed: readonly string[] = []): readonly Place[] {
  return columns.filter(({ hashed }) => hashed < 0).map(({ leaf: { path, schemaPath }, pages }): Place => {
    const start = { pages, number: listed.indexOf(path.join('.')), last: undefined, lastIndex: -1, values: [], indices: undefined, start: 0 };
    const [outer = '', inner] = path.length === 1 && (path[0] ?? '').indexOf('.') > 0 ? splitName(path[0] ?? '') : path;
    if (inner === undefined) return { ...start, into: record, name: outer, outer: undefined };
    const fields = record[outer] as Record<string, unknown> | undefined ?? {};
    record[outer] = fields;
    // Where a mapping may be missing as a whole, its first field tells.
    return { ...start, into: fields, name: inner, outer: path.length > 1 && schemaPath[1]?.element.repetition_type === 'OPTIONAL' ? outer : undefined };
  });
}

/** The rows of a row group from the pages of its columns, which end at different rows. */
async function pagedRows(columns: readonly Column[], { count, hashed, listed: names }: { readonly count: number; readonly hashed: number; readonly listed: readonly string[] | undefined }, tell: TellRow, signal: AbortSignal): Promise<void> {
  const record: Record<string, unknown> = {};
  const places = placesOf(columns, record, names);
  const listed = names?.map((): unknown => undefined);
  const ofHashes = columns.filter((column) => column.hashed >= 0);
  const hashes = new Float64Array(hashed).fill(Number.NaN);
  let [row, listened] = [0, 0];
  const told: DrawnValues = { hashes, listed, text: (column) => { const pages = ofHashes.find((each) => each.hashed === column)?.pages; return pages?.text(pages.at + row) ?? ''; } };
  for (let done = 0; done < count;) {
    if (performance.now() - listened > LISTENED_MS) {
      await setImmediate();
      throwIfCancelled(signal);
      listened = performance.now();
    }
    for (const place of places) fill(place, record);
    for (const { pages } of ofHashes) pages.fill();
    const some = Math.min(count - done, ...columns.map(({ pages }) => pages.length - pages.at));
    for (const place of places) {
      const { values, indices, at } = place.pages;
      place.values = values;
      place.indices = indices;
      place.start = at;
      put(place, 0, listed);
    }
    const changing = places.filter(({ pages }) => !pages.isConstant);
    const maybeMissing = places.filter(({ pages, outer }) => outer !== undefined && pages.levels !== undefined);
    for (row = 0; row < some; row += 1) {
      for (let index = 0; index < ofHashes.length; index += 1) {
        const column = ofHashes[index];
        if (column !== undefined) hashes[column.hashed] = hashAt(column.pages, row);
      }
      for (let index = 0; index < changing.length; index += 1) {
        const place = changing[index];
        if (place !== undefined) put(place, row, listed);
      }
      for (const { pages: { levels, at }, outer, into } of maybeMissing) record[outer ?? ''] = levels?.[at + row] === 0 ? null : into;
      tell(record, told);
    }
    for (const { pages } of columns) pages.at += some;
    done += columns.length === 0 ? count : some;
  }
}

function hashAt({ indices, values, at }: ColumnPages, row: number): number {
  return Number(values[indices === undefined ? at + row : indices[at + row] ?? 0] ?? 0);
}

function fill(place: Place, record: Record<string, unknown>): void {
  const { pages, outer, into } = place;
  if (pages.at < pages.length) return;
  pages.fill();
  place.lastIndex = -1;
  // The last row of the page before may have had none.
  if (outer !== undefined) record[outer] = into;
}

function splitName(name: string): readonly [string, string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}

/** The rows by hyparquet's own assembly, a row group at a time. */
async function assembledRows(file: AsyncBuffer, metadata: FileMetaData, wanted: readonly string[], tell: (record: Readonly<Record<string, unknown>>) => void, signal: AbortSignal): Promise<void> {
  const { parquetRead } = await import('hyparquet');
  let start = 0;
  for (const { num_rows: count } of metadata.row_groups) {
    throwIfCancelled(signal);
    const end = start + Number(count);
    const chunks = new Map<string, { readonly first: number; readonly values: ArrayLike<unknown> }[]>(wanted.map((name) => [name, []]));
    await parquetRead({ file, metadata, compressors: COMPRESSORS, columns: [...wanted], rowStart: start, rowEnd: end, onChunk: ({ columnName, columnData, rowStart }) => void chunks.get(columnName)?.push({ first: rowStart, values: columnData }) });
    tellRows([...chunks].map(([name, found]) => ({ name, values: joined(found, start, end) })), end - start, tell);
    start = end;
  }
}

/** The values of a column from `start` on. */
function joined(chunks: readonly { readonly first: number; readonly values: ArrayLike<unknown> }[], start: number, end: number): ArrayLike<unknown> {
  const [only] = chunks;
  if (chunks.length === 1 && only?.first === start && only.values.length === end - start) return only.values;
  const values = new Array<unknown>(end - start);
  for (const { first, values: own } of chunks) for (let index = 0; index < own.length; index += 1) values[first - start + index] = own[index];
  return values;
}

function tellRows(columns: readonly { readonly name: string; readonly values: ArrayLike<unknown> }[], count: number, tell: (record: Readonly<Record<string, unknown>>) => void): void {
  const record: Record<string, unknown> = {};
  // A column such as features.amount is a field of features.
  const places = columns.map(({ name, values }) => {
    const dot = name.indexOf('.');
    if (dot <= 0) return { into: record, name, values };
    const outer = name.slice(0, dot);
    const known = record[outer];
    const into = typeof known === 'object' && known !== null ? known as Record<string, unknown> : {};
    record[outer] = into;
    return { into, name: name.slice(dot + 1), values };
  });
  for (let row = 0; row < count; row += 1) {
    for (const { into, name, values } of places) into[name] = plain(values[row]);
    tell(record);
  }
}

/** Whole numbers as numbers where they can be, those in lists and mappings too. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return plainNumber(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Array.from(value as ArrayLike<bigint>, plainNumber);
  if (Array.isArray(value)) return value.map(plain);
  return ArrayBuffer.isView(value) ? value : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

/** Columns such as `features.amount` as fields of `features`. */
export function nested(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    const dot = key.indexOf('.');
    if (dot <= 0) {
      result[key] = value;
      continue;
    }
    const [outer, inner] = [key.slice(0, dot), key.slice(dot + 1)];
    const known = result[outer];
    const fields = typeof known === 'object' && known !== null ? known as Record<string, unknown> : {};
    fields[inner] = value;
    result[outer] = fields;
  }
  return result;
}
