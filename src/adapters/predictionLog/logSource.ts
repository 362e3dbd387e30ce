import type { ParquetParsers } from 'hyparquet/src/types.js';
import { AppError, throwIfCancelled, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { Collector, type CollectorOptions } from '../../core/quality/collector.ts';
import type { QualityDefinition } from '../../core/quality/definitions.ts';
import type { QualityData, QualityRequest, QualitySource } from '../../core/quality/window.ts';
import { csvRecords, nested, parquetRecords } from '../rows/tolerant.ts';
import { filesOf, type FoundFile } from './files.ts';
import { LineReader } from './lineReader.ts';
import type { Wanted } from './lineShape.ts';
import { tail, type TailState } from './tail.ts';

const MOST_MESSAGES = 20;
const COLUMNS = ['ts', 'request_id', 'unit_id', 'environment', 'service', 'flag', 'assigned_arm', 'model_version', 'role', 'fallback', 'batch_id', 'features', 'score', 'proba', 'label', 'latency_ms', 'error'];

export interface LogSourceOptions extends CollectorOptions {
  /** What paths are relative to. */
  readonly folder: string;
  readonly definition: QualityDefinition;
}

/** Times without a date for each, where a number says the same: see `RecordTimes`. */
const TIMES: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => timeOf(Number(millis)),
  timestampFromMicroseconds: (micros) => timeOf(Number(micros / 1000n)),
  timestampFromNanoseconds: (nanos) => timeOf(Number(nanos / 1_000_000n)),
};

function timeOf(millis: number): number | Date {
  return millis >= 1e11 && millis < 1e14 ? millis : new Date(millis);
}

interface KnownFile {
  path: string;
  readonly tail?: TailState;
  /** Of files that are read as a whole. */
  readonly version?: string;
}

/**
 * The prediction log as a source: JSON Lines are read on from where the last call ended, files in other formats once. A file is known by its identity, so a rotation by
 * renaming loses and doubles nothing; a file that was cut is read from its beginning, and its earlier records still count. When a CSV or Parquet file that was read
 * has changed, everything is read anew. Files that vanish have been counted and are named.
 */
export class LogSource implements QualitySource {
  readonly #options: LogSourceOptions;
  #collector: Collector;
  readonly #wanted: Wanted;
  readonly #lines: LineReader;
  #known = new Map<string, KnownFile>();
  /** Whether the last read was cut off by an error or a cancel: what is in the collector is then not known. */
  #broken = false;

  constructor(options: LogSourceOptions) {
    this.#options = options;
    this.#collector = new Collector(options.definition, options);
    this.#wanted = wantedBy(options);
    this.#lines = new LineReader(this.#wanted);
  }

  dispose(): void {
    this.#known.clear();
  }

  async read({ now, signal, onProgress }: QualityRequest): Promise<QualityData> {
    const { source } = this.#options.definition;
    if (source?.kind !== 'log') throw new AppError('internal', 'The source is no prediction log.');
    const patterns = [...source.log, ...source.outcomes];
    const messages: string[] = [];
    const files = await this.#find(patterns, messages);
    if (this.#broken || this.#isRewritten(files)) this.#reset();
    this.#broken = true;
    this.#collector.now = now;
    const total = files.reduce((sum, { identity, size }) => sum + Math.max(0, size - (this.#known.get(identity)?.tail?.offset ?? 0)), 0);
    let done = 0;
    const progress = (bytes: number): void => {
      done += bytes;
      onProgress?.(done, Math.max(done, total));
    };
    for (const file of files) await this.#readFile(file, messages, signal, progress);
    this.#broken = false;
    for (const [identity, { path }] of this.#known) {
      if (files.some((file) => file.identity === identity)) continue;
      messages.push(`${this.#name(path)} is gone; what it held counts.`);
    }
    return this.#collector.data(now, messages.slice(0, MOST_MESSAGES));
  }

  async #find(patterns: readonly string[], messages: string[]): Promise<FoundFile[]> {
    const found = new Map<string, FoundFile>();
    for (const pattern of patterns) {
      const files = await filesOf(this.#options.folder, pattern);
      if (files.length === 0) messages.push(`No file is called ${plainLine(pattern)}.`);
      for (const file of files) found.set(file.identity, file);
    }
    return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #isRewritten(files: readonly FoundFile[]): boolean {
    return files.some(({ identity, size, modified }) => {
      const version = this.#known.get(identity)?.version;
      return version !== undefined && version !== `${size} ${modified}`;
    });
  }

  #reset(): void {
    this.#collector = new Collector(this.#options.definition, this.#options);
    this.#known.clear();
  }

  #name(path: string): string {
    const { folder } = this.#options;
    return plainLine(path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path);
  }

  async #readFile(file: FoundFile, messages: string[], signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    const format = /\.(csv|parquet)$/i.exec(file.path)?.[1]?.toLowerCase();
    try {
      if (format === undefined) {
        await this.#tail(file, messages, signal, progress);
        return;
      }
      const version = `${file.size} ${file.modified}`;
      if (this.#known.get(file.identity)?.version === version) return;
      if (format === 'csv') await this.#csv(file, signal);
      else await this.#parquet(file, signal);
      progress(file.size);
      this.#known.set(file.identity, { path: file.path, version });
    } catch (error) {
      throwIfCancelled(signal);
      // It vanished between the listing and the reading, or is no file of its kind: the others count.
      messages.push(`${this.#name(file.path)}: ${plainLine(toAppError(error).message, 200)}`);
    }
  }

  async #tail(file: FoundFile, messages: string[], signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    const name = this.#name(file.path);
    const known = this.#known.get(file.identity)?.tail;
    const { restarted, ...state } = await tail(file.path, known, {
      lines: (bytes, from, to, line) => this.#readLines(name, bytes, from, to, line),
      tooLong: (line) => this.#collector.malformed(`${name}:${line}`, 'the line is longer than 16 MB'),
    }, signal, progress);
    if (restarted) messages.push(`${name} was cut or written anew: it is read from its beginning.`);
    this.#known.set(file.identity, { path: file.path, tail: state });
  }

  #readLines(name: string, bytes: Buffer, from: number, to: number, first: number): number {
    const reader = this.#lines;
    return readLines(reader, bytes, from, to, (value, at, index) => {
      const place = (): string => `${name}:${first + index}`;
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) this.#collector.add(value as Record<string, unknown>, place, reader.isDrawn ? reader : undefined);
      else if (!/^\ufeff?\s*$/.test(reader.line(at))) this.#collector.malformed(place(), value === undefined ? 'no valid JSON' : 'no mapping');
    });
  }

  async #csv(file: FoundFile, signal: AbortSignal): Promise<void> {
    const name = this.#name(file.path);
    for await (const { record, line } of csvRecords(file.path, (at, reason) => this.#collector.malformed(`${name}:${at}`, plainLine(reason)), signal)) {
      this.#collector.add(nested(record), () => `${name}:${line}`);
    }
  }

  async #parquet(file: FoundFile, signal: AbortSignal): Promise<void> {
    const name = this.#name(file.path);
    let row = 0;
    const place = (): string => `${name}, row ${row}`;
    await parquetRecords(file.path, [...this.#wanted.fields], (column) => (column === 'ts' && !this.#wanted.asWritten ? TIMES : {}), (record) => {
      row += 1;
      this.#collector.add(record, place);
    }, signal);
  }
}

/** What the metrics, slices and drift of a definition read of a record. */
function wantedBy({ definition, features }: LogSourceOptions): Wanted {
  const { metrics, labels, where, slices } = definition;
  const expressions = [...metrics.flatMap(({ expression }) => expression ?? []), ...(where === undefined ? [] : [where]), ...slices];
  const paths = expressions.flatMap((expression) => expression.paths);
  const ofFeatures = paths.filter(([first]) => first === 'features').map(([, second]) => second);
  return {
    fields: new Set([...COLUMNS, labels.field, ...paths.map(([first = '']) => first)]),
    // A feature that is compared or tested; all of them where none is named.
    asWritten: paths.some(([first]) => ['ts', 'request_id', 'unit_id', 'batch_id'].includes(first ?? '')),
    features: features === undefined || ofFeatures.includes(undefined) ? undefined : new Set([...features, ...ofFeatures.flatMap((name) => name ?? [])]),
  };
}

/** Tells the value of each line from `from` to `to`, where it begins, and the how manyth it is from 0; undefined: no JSON. Answers how many lines there are. */
export function readLines(reader: LineReader, bytes: Buffer, from: number, to: number, told: (value: unknown, at: number, index: number) => void): number {
  reader.take(bytes);
  let index = 0;
  for (let at = from; at < to; at = reader.end, index += 1) {
    let value: unknown;
    try {
      value = reader.read(at);
    } catch {
      value = withoutNaN(reader.line(at));
    }
    told(value, at, index);
  }
  return index;
}

/** The value of a line in which NaN or an infinity stands where a value does; undefined when that is not what is wrong with it. */
export function withoutNaN(line: string): unknown {
  if (!/NaN|Infinity/.test(line)) return undefined;
  try {
    // Texts are matched first, so that a NaN in one stays.
    return JSON.parse(line.replace(/"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)\b/g, (part) => (part.startsWith('"') ? part : 'null')));
  } catch {
    return undefined;
  }
}
