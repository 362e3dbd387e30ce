import type { ParquetParsers } from 'hyparquet/src/types.js';
import { AppError, throwIfCancelled, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { Collector, type CollectorOptions } from '../../core/quality/collector.ts';
import type { QualityDefinition } from '../../core/quality/definitions.ts';
import type { QualityData, QualityRequest, QualitySource } from '../../core/quality/window.ts';
import { csvRecords, nested, parquetRecords } from '../rows/tolerant.ts';
import type { CachePlace } from '../node/diskCache.ts';
import { DrawnColumns, IDS } from './drawnColumns.ts';
import { filesOf, type FoundFile } from './files.ts';
import { LineReader } from './lineReader.ts';
import type { Wanted } from './lineShape.ts';
import { SavedLogs, type ReadFile } from './savedLog.ts';
import { tail } from './tail.ts';

const MOST_MESSAGES = 20;
/** What is read again sooner than it is saved. */
const LEAST_SAVED = 16 * 1024 * 1024;
const COLUMNS = ['ts', 'request_id', 'unit_id', 'environment', 'service', 'flag', 'assigned_arm', 'model_version', 'role', 'fallback', 'batch_id', 'features', 'score', 'proba', 'label', 'latency_ms', 'error'];

export interface LogSourceOptions extends CollectorOptions {
  /** What paths are relative to. */
  readonly folder: string;
  readonly definition: QualityDefinition;
  /** Where what was counted may be kept, so that another start goes on from there; without it nowhere. */
  readonly cache?: CachePlace | undefined;
  /** Bytes that are read before anything is kept; 16 MB where it is not given. */
  readonly leastSaved?: number | undefined;
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

/**
 * The prediction log as a source: JSON Lines are read on from where the last call ended, files in other formats once. A file is known by its identity, so a rotation by
 * renaming loses and doubles nothing; a file that was cut is read from its beginning, and its earlier records still count. When a CSV or Parquet file that was read
 * has changed, everything is read anew. Files that vanish have been counted and are named. Where there is a cache, the first read goes on from what an earlier source has counted: `SavedLogs`.
 */
export class LogSource implements QualitySource {
  readonly #options: LogSourceOptions;
  #collector: Collector;
  readonly #wanted: Wanted;
  readonly #lines: LineReader;
  #known = new Map<string, ReadFile>();
  readonly #saved: SavedLogs | undefined;
  /** Bytes that were read since something was saved, and so many that it is worth it. */
  #unsaved = 0;
  #enough: number;
  /** Whether the last read, or that of a file that is read on, was cut off by an error or a cancel: what is in the collector is then not known. */
  #broken = false;
  /** Whether what was counted is more than the files hold: another start could not get to it from them, so it is not saved. */
  #impure = false;
  /** Why a file that is read as a whole could be read only in part, by its identity: what was told of it counts once. */
  readonly #failed = new Map<string, string>();

  constructor(options: LogSourceOptions) {
    this.#options = options;
    this.#collector = new Collector(options.definition, options);
    this.#wanted = wantedBy(options);
    this.#lines = new LineReader(this.#wanted);
    const { cache, definition: { section }, folder, flags, features, edges, sample } = options;
    this.#saved = cache === undefined ? undefined : new SavedLogs(cache, [section, folder, flags, features, edges, sample, Intl.DateTimeFormat().resolvedOptions().timeZone]);
    this.#enough = options.leastSaved ?? LEAST_SAVED;
  }

  dispose(): void {
    this.#known.clear();
  }

  async read(request: QualityRequest): Promise<QualityData> {
    const { now } = request;
    const { source } = this.#options.definition;
    if (source?.kind !== 'log') throw new AppError('internal', 'The source is no prediction log.');
    const patterns = [...source.log, ...source.outcomes];
    const messages: string[] = [];
    const files = await this.#find(patterns, messages);
    const said = messages.length;
    if (this.#broken || this.#isRewritten(files)) this.#reset();
    if (this.#known.size === 0 && files.length > 0) await this.#resume(files);
    await this.#readFiles(files, messages, request);
    if (this.#collector.isIncomplete) {
      this.#saved?.delete();
      this.#reset();
      messages.length = said;
      await this.#readFiles(files, messages, request);
    }
    for (const [identity, { path }] of this.#known) {
      if (files.some((file) => file.identity === identity)) continue;
      messages.push(`${this.#name(path)} is gone; what it held counts.`);
      this.#impure = true;
    }
    await this.#save();
    return this.#collector.data(now, messages.slice(0, MOST_MESSAGES));
  }

  /** Goes on from what was saved of these files. */
  async #resume(files: readonly FoundFile[]): Promise<void> {
    try {
      const saved = await this.#saved?.get(files);
      if (saved === undefined) return;
      this.#collector = new Collector(this.#options.definition, this.#options, saved.collected);
      this.#known = new Map(saved.files.map((file) => [file.identity, file]));
    } catch {
      // Something else than was saved here, however it came there.
    }
  }

  async #save(): Promise<void> {
    if (this.#saved === undefined || this.#impure || this.#unsaved < this.#enough) return;
    const collected = this.#collector.saved;
    this.#unsaved = 0;
    // Of a record from the future, what counts depends on when it was read.
    if (collected === undefined || collected.notes.future > 0) return;
    // What is large is written less often.
    this.#enough = Math.max(this.#enough, await this.#saved.set({ files: [...this.#known.values()], collected }));
  }

  async #readFiles(files: readonly FoundFile[], messages: string[], { now, signal, onProgress }: QualityRequest): Promise<void> {
    this.#broken = true;
    this.#collector.now = now;
    const total = files.reduce((sum, { identity, size }) => sum + Math.max(0, size - (this.#known.get(identity)?.tail?.offset ?? 0)), 0);
    let done = 0;
    const progress = (bytes: number): void => {
      done += bytes;
      this.#unsaved += bytes;
      onProgress?.(done, Math.max(done, total));
    };
    let isKnown = true;
    for (const file of files) isKnown = await this.#readFile(file, messages, signal, progress) && isKnown;
    this.#broken = !isKnown;
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
    return files.some(({ path, identity, size, modified }) => {
      const known = this.#known.get(identity);
      if (known === undefined) return false;
      // A name may come later than the content, and another file take an identity that has become free.
      if ((wholeFormatOf(path) === undefined) !== (known.tail !== undefined)) return true;
      return known.tail === undefined && (known.size !== size || known.modified !== modified);
    });
  }

  #reset(): void {
    this.#collector = new Collector(this.#options.definition, this.#options);
    this.#known.clear();
    this.#failed.clear();
    this.#impure = false;
  }

  #name(path: string): string {
    const { folder } = this.#options;
    return plainLine(path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path);
  }

  /** Answers whether it is known what was counted of it. */
  async #readFile(file: FoundFile, messages: string[], signal: AbortSignal, progress: (bytes: number) => void): Promise<boolean> {
    const format = wholeFormatOf(file.path);
    const before = this.#collector.told;
    try {
      if (format === undefined) await this.#tail(file, messages, signal, progress);
      // Were it another than the known one, all would be read anew.
      else if (!this.#known.has(file.identity)) await this.#whole(file, format, signal, progress);
      else if (this.#failed.has(file.identity)) messages.push(`${this.#name(file.path)}: ${this.#failed.get(file.identity)}`);
    } catch (error) {
      throwIfCancelled(signal);
      // It vanished between the listing and the reading, or is no file of its kind: the others count.
      const message = plainLine(toAppError(error).message, 200);
      messages.push(`${this.#name(file.path)}: ${message}`);
      if (this.#collector.told === before) return true;
      this.#impure = true;
      if (format === undefined) return false;
      this.#known.set(file.identity, file);
      this.#failed.set(file.identity, message);
    }
    return true;
  }

  async #whole(file: FoundFile, format: string, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    if (format === 'csv') await this.#csv(file, signal);
    else await this.#parquet(file, signal);
    progress(file.size);
    this.#known.set(file.identity, file);
  }

  async #tail(file: FoundFile, messages: string[], signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    const name = this.#name(file.path);
    const known = this.#known.get(file.identity)?.tail;
    const { restarted, ...state } = await tail(file.path, known, {
      lines: (bytes, from, to, line) => this.#readLines(name, bytes, from, to, line),
      tooLong: (line) => this.#collector.malformed(`${name}:${line}`, 'the line is longer than 16 MB'),
    }, signal, progress);
    if (restarted) {
      messages.push(`${name} was cut or written anew: it is read from its beginning.`);
      this.#impure = true;
    }
    this.#known.set(file.identity, { ...file, tail: state });
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
    const { fields, asWritten } = this.#wanted;
    let row = 0;
    const place = (): string => `${name}, row ${row}`;
    const drawn = new DrawnColumns();
    await parquetRecords(file.path, [...fields], (column) => (column === 'ts' && !asWritten ? TIMES : {}), (record, hashed) => {
      row += 1;
      if (!asWritten) drawn.take(record, hashed);
      this.#collector.add(record, place, asWritten ? undefined : drawn);
    }, signal, asWritten ? [] : IDS);
  }
}

/** The format of a file that is read as a whole; undefined: its lines are read on. */
function wholeFormatOf(path: string): string | undefined {
  return /\.(csv|parquet)$/i.exec(path)?.[1]?.toLowerCase();
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
