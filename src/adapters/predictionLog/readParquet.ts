import type { ParquetParsers } from 'hyparquet/src/types.js';
import type { RecordLike } from '../../core/expressions/evaluate.ts';
import type { Drawn } from '../../core/quality/stager.ts';
import { parquetRecords } from '../rows/tolerant.ts';
import { DrawnColumns, IDS } from './drawnColumns.ts';
import type { Wanted } from './lineShape.ts';

/** Times without a date for each, where a number says the same: see `RecordTimes`. */
const TIMES: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => timeOf(Number(millis)),
  timestampFromMicroseconds: (micros) => timeOf(Number(micros / 1000n)),
  timestampFromNanoseconds: (nanos) => timeOf(Number(nanos / 1_000_000n)),
};

function timeOf(millis: number): number | Date {
  return millis >= 1e11 && millis < 1e14 ? millis : new Date(millis);
}

/** The columns to be read, as `parquetRecords` takes them. */
export function columnsOf({ fields, features }: Wanted): readonly string[] {
  return features === undefined ? [...fields] : [...[...fields].filter((name) => name !== 'features'), ...[...features].map((name) => `features.${name}`)];
}

/** Tells the records of a Parquet file, or of one of its row groups; `row` counts from 0. @throws AppError cancelled, validation */
export async function readParquet(path: string, wanted: Wanted, tell: (record: RecordLike, row: number, drawn: Drawn | undefined) => void, signal: AbortSignal, group?: number): Promise<void> {
  const { listed, asWritten } = wanted;
  let row = 0;
  const drawn = new DrawnColumns();
  await parquetRecords(path, columnsOf(wanted), (column) => (column === 'ts' && !asWritten ? TIMES : {}), (record, hashed) => {
    if (!asWritten) drawn.take(record, hashed);
    tell(record, row, asWritten ? undefined : drawn);
    row += 1;
  }, signal, { hashed: asWritten ? [] : IDS, listed: listed?.map((name) => `features.${name}`), group });
}
