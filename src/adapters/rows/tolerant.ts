import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { parse } from 'csv-parse';
import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import type { ParquetParsers } from 'hyparquet/src/types.js';
import { AppError, throwIfCancelled } from '../../core/base/errors.ts';
import { COMPRESSORS } from './compressors.ts';
import { ColumnPages, leavesOf, type Leaf } from './parquetPages.ts';

const LARGEST_RECORD = 1024 * 1024;
const NUMBER = /^[+-]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

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
      skipped(typeof error?.['lines'] === 'number' ? error['lines'] : 0, error?.message ?? 'the record cannot be read');
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

/**
 * Tells the rows of a Parquet file, only the named columns (those that there are) and columns below them such as `features.amount`, values as Parquet
 * has them. One page of each column is held, or one row group where a column holds lists. A row is the caller's until the next one is told.
 * @throws AppError cancelled, validation when the file is none or damaged
 */
export async function parquetRecords(path: string, columns: readonly string[], parsers: ColumnParsers, tell: (record: Readonly<Record<string, unknown>>) => void, signal: AbortSignal): Promise<void> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } = await import('hyparquet');
  const isWanted = (name: string): boolean => columns.some((column) => name === column || name.startsWith(`${column}.`));
  const handle = await open(path, 'r');
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const schema = parquetSchema(metadata);
    const leaves = leavesOf(schema, schema, isWanted);
    if (leaves === undefined) await assembledRows(file, metadata, schema.children.map(({ element }) => element.name).filter(isWanted), tell, signal);
    else for (const group of metadata.row_groups) await pagedRows(leaves.map((leaf) => ({ leaf, pages: new ColumnPages(handle, leaf, group, parsers(leaf.path.join('.'))) })), Number(group.num_rows), tell, signal);
  } catch (error) {
    if (error instanceof AppError && error.code === 'cancelled') throw error;
    throw new AppError('validation', `The Parquet file cannot be read: ${error instanceof Error ? error.message : String(error)}.`, {}, error);
  } finally {
    await handle.close();
  }
}

/** Where a column's values go; `outer` is the mapping that may be missing as a whole. */
interface Place {
  readonly pages: ColumnPages;
  readonly into: Record<string, unknown>;
  readonly name: string;
  readonly outer: string | undefined;
  last: unknown;
}

/** The rows of a row group from the pages of its columns, which end at different rows. */
async function pagedRows(columns: readonly { readonly leaf: Leaf; readonly pages: ColumnPages }[], count: number, tell: (record: Readonly<Record<string, unknown>>) => void, signal: AbortSignal): Promise<void> {
  const record: Record<string, unknown> = {};
  const places = columns.map(({ leaf: { path, schemaPath }, pages }): Place => {
    const [outer = '', inner] = path.length === 1 && (path[0] ?? '').indexOf('.') > 0 ? splitName(path[0] ?? '') : path;
    if (inner === undefined) return { pages, into: record, name: outer, outer: undefined, last: undefined };
    const fields = record[outer] as Record<string, unknown> | undefined ?? {};
    record[outer] = fields;
    // Where a mapping may be missing as a whole, its first field tells.
    return { pages, into: fields, name: inner, outer: path.length > 1 && schemaPath[1]?.element.repetition_type === 'OPTIONAL' ? outer : undefined, last: undefined };
  });
  for (let done = 0; done < count;) {
    throwIfCancelled(signal);
    for (const { pages } of places) await pages.fill();
    const some = Math.min(count - done, ...places.map(({ pages }) => pages.values.length - pages.at));
    for (let row = 0; row < some; row += 1) {
      for (const place of places) {
        const { pages, outer } = place;
        const value = pages.values[pages.at + row];
        if (value !== place.last) {
          place.last = value;
          place.into[place.name] = value;
        }
        if (outer !== undefined && pages.levels !== undefined) record[outer] = pages.levels[pages.at + row] === 0 ? null : place.into;
      }
      tell(record);
    }
    for (const { pages } of places) pages.at += some;
    done += places.length === 0 ? count : some;
  }
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
    for (const { into, name, values } of places) into[name] = values[row];
    tell(record);
  }
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
