import { AppError, throwIfCancelled } from '../../core/base/errors.ts';
import type { RecordLike } from '../../core/expressions/evaluate.ts';
import { hash53 } from '../../core/quality/hashing.ts';
import { RecordTimes } from '../../core/quality/recordTimes.ts';
import type { LoggedFeatures } from '../../core/quality/skew.ts';
import { isServed, keptOf } from '../../core/quality/stager.ts';
import { RECORD_TYPES } from '../../core/quality/definitions.ts';
import { filesOf } from '../predictionLog/files.ts';
import { LineReader } from '../predictionLog/lineReader.ts';
import { readRecords } from '../predictionLog/readLines.ts';
import { tail } from '../predictionLog/tail.ts';
import { csvRecords, nested } from '../rows/csvRows.ts';
import { parquetRecords } from '../rows/parquetRows.ts';

export interface SampleRequest {
  readonly patterns: readonly string[];
  /** What paths are relative to. */
  readonly folder: string;
  readonly flags: readonly string[];
  /** Of this environment; undefined: of any. */
  readonly environment?: string | undefined;
  /** Not older than this, in milliseconds since 1970. */
  readonly since: number;
  readonly size: number;
}

export interface SampledRecord extends LoggedFeatures {
  /** All of it, as it was logged. */
  readonly record: RecordLike;
}

const COLUMNS = Object.keys(RECORD_TYPES.fields);

/**
 * A uniform sample of the served predictions of the last time: those whose request ids have the smallest hashes, so a second call gives mostly the same. Malformed records are passed over.
 * @throws AppError cancelled, notFound when there is none
 */
export async function sampleLogged(request: SampleRequest, signal: AbortSignal): Promise<readonly SampledRecord[]> {
  const { patterns, folder, since, size, flags, environment } = request;
  const [known, times] = [new Set(flags), new RecordTimes()];
  let kept = new Map<string, { readonly hash: number; readonly record: RecordLike }>();
  let limit = Number.POSITIVE_INFINITY;
  const add = (record: RecordLike): void => {
    const { request_id: id, assigned_arm: arm, flag, role, features } = record;
    if ((typeof id !== 'string' && typeof id !== 'number') || id === '' || arm === undefined || arm === null || !isServed(role) || typeof features !== 'object' || features === null) return;
    if ((typeof flag === 'string' && !known.has(flag)) || (environment !== undefined && record['environment'] !== environment) || !(times.of(record['ts']) >= since)) return;
    const hash = hash53(String(id));
    if (hash > limit || kept.has(String(id))) return;
    kept.set(String(id), { hash, record: Object.fromEntries(Object.entries(record).map(([name, value]) => [name, keptOf(value)])) });
    if (kept.size < 2 * size) return;
    kept = new Map([...kept].sort(([, a], [, b]) => a.hash - b.hash).slice(0, size));
    limit = Math.max(...[...kept.values()].map((each) => each.hash));
  };
  for (const pattern of patterns) {
    for (const { path, modified } of await filesOf(folder, pattern)) {
      // What was not written to since has no newer record.
      if (modified >= since) await readFile(path, add, signal);
    }
  }
  const sampled = [...kept].sort(([, a], [, b]) => a.hash - b.hash).slice(0, size);
  if (sampled.length === 0) throw new AppError('notFound', `The log has no served prediction with features and a request id since ${new Date(since).toISOString()}${environment === undefined ? '' : ` in ${environment}`}: nothing can be recomputed.`);
  return sampled.map(([requestId, { record }]) => ({ requestId, record, features: record['features'] as RecordLike }));
}

async function readFile(path: string, add: (record: RecordLike) => void, signal: AbortSignal): Promise<void> {
  const format = /\.(csv|parquet)$/i.exec(path)?.[1]?.toLowerCase();
  try {
    if (format === 'csv') {
      for await (const { record } of csvRecords(path, () => undefined, signal)) add(nested(record));
    } else if (format === 'parquet') {
      await parquetRecords({ path, columns: COLUMNS }, add, signal);
    } else {
      const reader = new LineReader({ fields: new Set(COLUMNS), features: undefined, listed: undefined, asWritten: true });
      const lines = (bytes: Buffer, from: number, to: number): void => { readRecords(reader, bytes, from, to, { record: add, malformed: () => undefined }); };
      await tail({ path }, undefined, { lines }, signal, () => undefined);
    }
  } catch {
    // A file that vanished or is damaged is told by the reading of the source; the others count.
    throwIfCancelled(signal);
  }
}
