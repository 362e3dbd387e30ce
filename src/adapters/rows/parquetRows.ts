import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import type { AsyncBuffer, FileMetaData, SchemaTree } from 'hyparquet';
import { AppError, throwIfCancelled } from '../../core/base/errors.ts';
import type { ColumnRun, RowRun } from '../../core/quality/columnStager.ts';
import { COMPRESSORS } from './compressors.ts';
import { takeDecimals } from './decimals.ts';
import { ColumnPages, isOwnColumn, isText, leavesOf, type Leaf } from './parquetPages.ts';
import { plainBytes } from './parquetTexts.ts';
import { wholeNumber } from './wholeNumbers.ts';

/** After so many milliseconds others get their turn, such as who wants to cancel. */
const LISTENED_MS = 20;

/** What of a row is told apart from its record. */
export interface DrawnValues {
  /** Of columns of texts that only their hashes are wanted of, in the order in which they were asked for: the `hash53` of the row's text, 0 where there is none; NaN: the column holds something else, or is missing, and its values are in the record. */
  readonly hashes: Float64Array;
  /** The text itself of a column of that number. */
  readonly text: (column: number) => string;
}

type TellRow = (record: Readonly<Record<string, unknown>>, hashed: DrawnValues) => void;

/** What is read of a Parquet file. */
export interface ParquetQuestion {
  readonly path: string;
  /** The wanted columns (those that there are), and columns below them such as `features.amount`. */
  readonly columns: readonly string[];
  /** Columns whose times are told in milliseconds since 1970, where `RecordTimes` takes those for what they are. */
  readonly asMillis?: readonly string[];
  /** Columns that are told as hashes where they hold texts. */
  readonly hashed?: readonly string[];
  /** Of this row group only: see `parquetGroups`. */
  readonly group?: number | undefined;
  /** Told how many rows more were told, of how many in all. */
  readonly onRows?: ((some: number, all: number) => void) | undefined;
}

/** An open file. */
interface Opened {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly schema: SchemaTree;
  /** Says that so many rows more were told. */
  readonly onRows: (some: number) => void;
  /** The columns of each row group that is asked for; undefined: some hold lists. */
  readonly groups: readonly { readonly columns: readonly Column[]; readonly count: number }[] | undefined;
}

/** The content of a Parquet file, and what its end says of it. @throws Error when it is none */
export async function openParquet(path: string): Promise<Pick<Opened, 'file' | 'metadata'>> {
  const { asyncBufferFromFile, parquetMetadataAsync } = await import('hyparquet');
  const file = await asyncBufferFromFile(path);
  if (file.byteLength === 0) throw new Error('it is empty, as one is whose writer has not closed it');
  return { file, metadata: await parquetMetadataAsync(file) };
}

/** @throws AppError cancelled, validation when the file is none or damaged */
async function withFile<T>({ path, columns, asMillis = [], hashed = [], group, onRows }: ParquetQuestion, read: (opened: Opened) => Promise<T>): Promise<T> {
  const { parquetSchema } = await import('hyparquet');
  const handle = await open(path, 'r');
  try {
    const { file, metadata } = await openParquet(path);
    const schema = parquetSchema(metadata);
    const leaves = leavesOf(schema, schema, wantedIn(columns), isWithin(columns));
    const groups = leaves === undefined ? undefined : metadata.row_groups.filter((_, index) => group === undefined || index === group)
      .map((each) => ({ columns: leaves.map((leaf) => columnOf(handle.fd, leaf, each, hashed, asMillis)), count: Number(each.num_rows) }));
    return await read({ file, metadata, schema, onRows: (some) => onRows?.(some, Number(metadata.num_rows)), groups });
  } catch (error) {
    if (error instanceof AppError && error.code === 'cancelled') throw error;
    throw new AppError('validation', `The Parquet file cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {}, error);
  } finally {
    await handle.close();
  }
}

/**
 * Tells the rows of a Parquet file, values as Parquet has them, but whole numbers as numbers where they can be. One page of each column is held, or one row group where a column holds lists. A row is
 * the caller's until the next one is told.
 * @throws AppError cancelled, validation when the file is none or damaged
 */
export async function parquetRecords(question: ParquetQuestion, tell: TellRow, signal: AbortSignal): Promise<void> {
  const { columns, hashed = [] } = question;
  await withFile(question, async ({ file, metadata, schema, onRows, groups }) => {
    const isWanted = wantedIn(columns);
    const none = { hashes: new Float64Array(hashed.length).fill(Number.NaN), text: () => '' };
    if (groups === undefined) await assembledRows({ file, metadata, schema }, (name) => isWanted(name) || isWithin(columns)(name), { row: (record) => tell(record, none), onRows }, signal);
    else for (const group of groups) await pagedRows(group.columns, { count: group.count, hashed: hashed.length, onRows }, tell, signal);
  });
}

/**
 * Tells the rows of a Parquet file by columns, as many at a time as one page of each has: a run is the caller's until the next one is told. False, and none is told: columns hold lists, or mappings
 * other than those that `isNested` names, so that rows are to be told one by one.
 * @throws as `parquetRecords`
 */
export function parquetRuns(question: ParquetQuestion, isNested: (name: string) => boolean, tell: (run: RowRun) => void, signal: AbortSignal): Promise<boolean> {
  return withFile(question, async ({ groups, onRows }) => {
    if (groups?.every(({ columns }) => columns.every(({ leaf: { path } }) => { const name = path.join('.'); return !name.includes('.') || isNested(name); })) !== true) return false;
    for (const { columns, count } of groups) await columnRuns(columns, count, (run) => { tell(run); onRows(run.count); }, signal);
    return true;
  });
}

/** How many rows the row groups of a Parquet file have, where they can be read by themselves: none where columns hold lists. @throws AppError validation */
export function parquetGroups(question: ParquetQuestion): Promise<readonly number[]> {
  return withFile(question, ({ groups }) => Promise.resolve((groups ?? []).map(({ count }) => count)));
}

function wantedIn(columns: readonly string[]): (name: string) => boolean {
  return (name) => columns.some((column) => name === column || name.startsWith(`${column}.`));
}

function isWithin(columns: readonly string[]): (name: string) => boolean {
  return (name) => columns.some((column) => column.startsWith(`${name}.`));
}

interface Column {
  readonly leaf: Leaf;
  readonly pages: ColumnPages;
  /** Its number among those of which hashes are wanted, or -1. */
  readonly hashed: number;
}

function columnOf(file: number, leaf: Leaf, group: FileMetaData['row_groups'][number], hashed: readonly string[], asMillis: readonly string[]): Column {
  const number = leaf.path.length === 1 && isText(leaf) ? hashed.indexOf(leaf.path[0] ?? '') : -1;
  return { leaf, pages: new ColumnPages(file, leaf, group, { asHashes: number >= 0, asMillis: asMillis.includes(leaf.path.join('.')) }), hashed: number };
}

/** Where a column's values go; `outer` is the mapping that may be missing as a whole. */
interface Place {
  readonly pages: ColumnPages;
  readonly into: Record<string, unknown>;
  readonly name: string;
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
function put(place: Place, row: number): void {
  let at = place.start + row;
  if (place.indices !== undefined) {
    at = place.indices[at] ?? 0;
    if (at === place.lastIndex) return;
    place.lastIndex = at;
  }
  const value = place.values[at];
  if (value === place.last) return;
  place.last = value;
  place.into[place.name] = value;
}

function placesOf(columns: readonly Column[], record: Record<string, unknown>): readonly Place[] {
  return columns.filter(({ hashed }) => hashed < 0).map(({ leaf: { path, schemaPath }, pages }): Place => {
    const start = { pages, last: undefined, lastIndex: -1, values: [], indices: undefined, start: 0 };
    const [outer = '', inner] = path.length === 1 && (path[0] ?? '').indexOf('.') > 0 ? splitName(path[0] ?? '') : path;
    if (inner === undefined) return { ...start, into: record, name: outer, outer: undefined };
    const fields = record[outer] as Record<string, unknown> | undefined ?? {};
    record[outer] = fields;
    // Where a mapping may be missing as a whole, its first field tells.
    return { ...start, into: fields, name: inner, outer: path.length > 1 && schemaPath[1]?.element.repetition_type === 'OPTIONAL' ? outer : undefined };
  });
}

/** Tells how many rows of a row group come next, for which each of its columns, whose pages end at different rows, has values from `at` on. */
async function eachRun(columns: readonly Column[], count: number, fillAll: () => void, tell: (some: number) => void, signal: AbortSignal): Promise<void> {
  let listened = 0;
  for (let done = 0; done < count;) {
    if (performance.now() - listened > LISTENED_MS) {
      await setImmediate();
      throwIfCancelled(signal);
      listened = performance.now();
    }
    fillAll();
    const some = Math.min(count - done, ...columns.map(({ pages }) => pages.length - pages.at));
    tell(some);
    for (const { pages } of columns) pages.at += some;
    done += columns.length === 0 ? count : some;
  }
}

/** The rows of a row group. */
async function pagedRows(columns: readonly Column[], { count, hashed, onRows }: { readonly count: number; readonly hashed: number; readonly onRows: (some: number) => void }, tell: TellRow, signal: AbortSignal): Promise<void> {
  const record: Record<string, unknown> = {};
  const places = placesOf(columns, record);
  const ofHashes = columns.filter((column) => column.hashed >= 0);
  const hashes = new Float64Array(hashed).fill(Number.NaN);
  let row = 0;
  const told: DrawnValues = { hashes, text: (column) => { const pages = ofHashes.find((each) => each.hashed === column)?.pages; return pages?.text(pages.at + row) ?? ''; } };
  const fillAll = (): void => {
    for (const place of places) fill(place, record);
    for (const { pages } of ofHashes) pages.fill();
  };
  await eachRun(columns, count, fillAll, (some) => {
    for (const place of places) {
      const { values, indices, at } = place.pages;
      place.values = values;
      place.indices = indices;
      place.start = at;
      put(place, 0);
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
        if (place !== undefined) put(place, row);
      }
      for (const { pages: { levels, at }, outer, into } of maybeMissing) record[outer ?? ''] = levels?.[at + row] === 0 ? null : into;
      tell(record, told);
    }
    onRows(some);
  }, signal);
}

/** The rows of a row group by columns. */
function columnRuns(columns: readonly Column[], count: number, tell: (run: RowRun) => void, signal: AbortSignal): Promise<void> {
  const named = new Map(columns.map((column) => [column.leaf.path.join('.'), column]));
  const fillAll = (): void => { for (const { pages } of columns) pages.fill(); };
  return eachRun(columns, count, fillAll, (some) => tell({
    count: some,
    columns: new Map([...named].map(([name, { pages: { values, indices, isConstant, at }, hashed }]): [string, ColumnRun] => [name, { values, indices, start: at, isConstant, isHashed: hashed >= 0 }])),
    text: (name, row) => { const pages = named.get(name)?.pages; return pages?.text(pages.at + row) ?? ''; },
  }), signal);
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
async function assembledRows({ file, metadata, schema }: Pick<Opened, 'file' | 'metadata' | 'schema'>, isWanted: (name: string) => boolean, { row, onRows }: { readonly row: (record: Readonly<Record<string, unknown>>) => void; readonly onRows: (some: number) => void }, signal: AbortSignal): Promise<void> {
  const { parquetRead } = await import('hyparquet');
  const wanted = schema.children.map(({ element }) => element.name).filter(isWanted);
  const decimals = takeDecimals(schema);
  let start = 0;
  for (const { num_rows: count } of metadata.row_groups) {
    throwIfCancelled(signal);
    const end = start + Number(count);
    const chunks = new Map<string, { readonly first: number; readonly values: ArrayLike<unknown> }[]>(wanted.map((name) => [name, []]));
    await parquetRead({ file, metadata, compressors: COMPRESSORS, columns: wanted, rowStart: start, rowEnd: end, onChunk: ({ columnName, columnData, rowStart }) => void chunks.get(columnName)?.push({ first: rowStart, values: columnData }) });
    tellRows([...chunks].map(([name, found]) => ({ name, values: decimalsIn(joined(found, start, end), decimals.get(name)) })), end - start, row);
    onRows(end - start);
    start = end;
  }
}

function decimalsIn(values: ArrayLike<unknown>, of: ((value: unknown) => unknown) | undefined): ArrayLike<unknown> {
  return of === undefined ? values : Array.from(values, of);
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
    if (dot <= 0) return { into: record, name, values, isOwn: isOwnColumn([name]) };
    const outer = name.slice(0, dot);
    const known = record[outer];
    const into = typeof known === 'object' && known !== null ? known as Record<string, unknown> : {};
    record[outer] = into;
    return { into, name: name.slice(dot + 1), values, isOwn: false };
  });
  for (let row = 0; row < count; row += 1) {
    for (const { into, name, values, isOwn } of places) into[name] = plain(values[row], isOwn);
    tell(record);
  }
}

/** Whole numbers and bytes as a record has them, those in lists and mappings too. */
function plain(value: unknown, isOwn: boolean): unknown {
  const within = (each: unknown): unknown => plain(each, false);
  if (typeof value === 'bigint') return wholeNumber(value, isOwn);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Array.from(value as ArrayLike<bigint>, within);
  if (Array.isArray(value)) return value.map(within);
  return ArrayBuffer.isView(value) ? plainBytes(value) : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, within(each)]));
}
