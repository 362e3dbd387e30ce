import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { AppError, throwIfCancelled } from '../../core/base/errors.ts';
import type { Json } from '../../core/suites/json.ts';
import type { Row } from '../../core/suites/model.ts';
import { COMPRESSORS } from './compressors.ts';
import { CsvColumns, type RowUse } from './csvColumns.ts';
import { csvTexts } from './csvRows.ts';
import { takeDecimals } from './decimals.ts';
import { linesOf, withoutNaN } from './lines.ts';
import { openParquet } from './parquetRows.ts';

export type RowFormat = 'jsonl' | 'csv' | 'parquet';

const LARGEST_LINE = 64 * 1024 * 1024;
/** Of one record of a CSV file. */
const MOST_LINES = 10_000;
const FORMATS: Readonly<Record<string, RowFormat>> = { jsonl: 'jsonl', ndjson: 'jsonl', csv: 'csv', parquet: 'parquet' };

/** The format by the ending of a file. `otherwise`: what else could say it. @throws AppError validation */
export function formatOf(path: string, otherwise = ', or format must say what it is'): RowFormat {
  const format = FORMATS[path.split('.').at(-1)?.toLowerCase() ?? ''];
  if (format === undefined) throw new AppError('validation', `${path}: the ending must be .jsonl, .ndjson, .csv or .parquet${otherwise}.`);
  return format;
}

/** A repository may hold a link to a device, which never ends. @throws AppError notFound */
async function checkPlain(path: string, name: string): Promise<void> {
  const file = await stat(path).catch(() => undefined);
  if (file?.isFile() === true) return;
  throw new AppError('notFound', file === undefined ? `There is no file ${name}${/^\w+:\/\//.test(name) ? ': only files of this machine are read, so fetch it before' : ''}.` : `${name} is ${file.isDirectory() ? 'a folder' : 'no plain file'}, and only a plain file is read.`);
}

/**
 * The rows of a file one after another; memory does not grow with the file. A CSV column in which every value is a number holds numbers, one of
 * true and false booleans; an empty field is null; numbers with leading zeros are text. Parquet's whole numbers beyond 2^53 are texts, times ISO 8601.
 * Where rows are counted, values are as those of a log: a CSV column is what most of its values are, whole numbers beyond 2^53 are the nearest numbers, and NaN may stand in JSON.
 * @throws AppError notFound, validation (with the line), cancelled
 */
export async function* readRows(path: string, format: RowFormat, name: string, signal: AbortSignal, use: RowUse = 'replayed'): AsyncGenerator<Row> {
  await checkPlain(path, name);
  try {
    if (format === 'csv') yield* csvRows(path, name, use, signal);
    else if (format === 'parquet') yield* parquetRows(path, name, use, signal);
    else yield* jsonRows(path, name, use, signal);
  } catch (error) {
    throwIfCancelled(signal);
    if (error instanceof AppError && (error.data['reason'] === 'tooLarge' || error.data['reason'] === 'header')) throw new AppError('validation', `${name}: ${error.message}`);
    throw error;
  }
}

async function* jsonRows(path: string, name: string, use: RowUse, signal: AbortSignal): AsyncGenerator<Row> {
  let number = 0;
  for await (const line of linesOf(createReadStream(path, { signal }), LARGEST_LINE)) {
    number += 1;
    const text = number === 1 ? line.replace(/^\ufeff/, '') : line;
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = use === 'counted' ? withoutNaN(text) : undefined;
      if (value === undefined) throw new AppError('validation', `${name}:${number}: the line is not valid JSON: each line holds one row, such as {"age": 30}.`);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new AppError('validation', `${name}:${number}: the line is no mapping of columns to values, such as {"age": 30}.`);
    yield value as Row;
  }
}

async function* csvRecords(path: string, name: string, signal: AbortSignal): AsyncGenerator<Readonly<Record<string, string>>> {
  const refuse = (line: number, reason: string): never => { throw new AppError('validation', `${name}:${line}: ${reason}.`); };
  for await (const { record } of csvTexts(path, refuse, { largest: LARGEST_LINE, lines: MOST_LINES }, signal)) yield record;
}

async function* csvRows(path: string, name: string, use: RowUse, signal: AbortSignal): AsyncGenerator<Row> {
  // Read twice: what a column holds is known only when all of it was seen.
  const columns = new CsvColumns(use);
  for await (const record of csvRecords(path, name, signal)) columns.see(record);
  for await (const record of csvRecords(path, name, signal)) yield columns.rowOf(record);
}

async function* parquetRows(path: string, name: string, use: RowUse, signal: AbortSignal): AsyncGenerator<Row> {
  const { parquetReadObjects, parquetSchema } = await import('hyparquet');
  const ofWhole = use === 'counted' ? Number : String;
  try {
    const { file, metadata } = await openParquet(path);
    const decimals = takeDecimals(parquetSchema(metadata));
    const valueOf = (column: string, value: unknown): unknown => decimals.get(column)?.(value) ?? value;
    let start = 0;
    // One row group after another is held.
    for (const { num_rows: count } of metadata.row_groups) {
      throwIfCancelled(signal);
      const end = start + Number(count);
      for (const row of await parquetReadObjects({ file, metadata, compressors: COMPRESSORS, rowStart: start, rowEnd: end })) yield Object.fromEntries(Object.entries(row).map(([column, value]) => [column, parquetValue(valueOf(column, value), ofWhole)]));
      start = end;
    }
  } catch (error) {
    if (error instanceof AppError && error.code === 'cancelled') throw error;
    throw new AppError('validation', `${name}: the Parquet file cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {}, error);
  }
}

/** JSON's values from Parquet's. `ofWhole` makes one of a whole number beyond 2^53. */
function parquetValue(value: unknown, ofWhole: (whole: bigint) => Json): Json {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case 'bigint': return Number.isSafeInteger(Number(value)) ? Number(value) : ofWhole(value);
    case 'number': return Number.isFinite(value) ? value : null;
    case 'string':
    case 'boolean': return value;
    default:
  }
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return Array.from(value as ArrayLike<unknown>, (each) => parquetValue(each, ofWhole));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, parquetValue(each, ofWhole)]));
}

const PEEKED = 200;

/** The columns of a file without reading all of it; `partial` where they are those of the first rows only. @throws AppError as `readRows` does */
export async function columnsOfFile(path: string, format: RowFormat, name: string, signal: AbortSignal): Promise<{ readonly columns: ReadonlySet<string>; readonly partial: boolean }> {
  if (format === 'csv') {
    await checkPlain(path, name);
    for await (const record of csvRecords(path, name, signal)) return { columns: new Set(Object.keys(record)), partial: false };
    return { columns: new Set(), partial: false };
  }
  const columns = new Set<string>();
  let count = 0;
  for await (const row of readRows(path, format, name, signal)) {
    for (const column of Object.keys(row)) columns.add(column);
    count += 1;
    if (count >= PEEKED) break;
  }
  return { columns, partial: format === 'jsonl' && count >= PEEKED };
}
