import { availableParallelism } from 'node:os';
import { AppError, throwIfCancelled, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { Collector, MOST_EXAMPLES, type CollectorOptions } from '../../core/quality/collector.ts';
import type { QualityDefinition } from '../../core/quality/definitions.ts';
import { Stager } from '../../core/quality/stager.ts';
import type { QualityData, QualityRequest, QualitySource } from '../../core/quality/window.ts';
import { csvRecords, nested } from '../rows/csvRows.ts';
import { parquetGroups } from '../rows/parquetRows.ts';
import type { CachePlace } from '../node/diskCache.ts';
import { Copies } from './copies.ts';
import type { FoundFile } from './files.ts';
import { findLogs, nameIn } from './findLogs.ts';
import { wholeFormatOf } from './fileNames.ts';
import { begins, FollowedFiles, isBeside, placeOf, type Followed } from './followed.ts';
import { checkHeader, emptyMessages, LeftOut, unreadableAs } from './leftOut.ts';
import { LineReader } from './lineReader.ts';
import type { Wanted } from './lineShape.ts';
import { PassedFiles } from './linkedFiles.ts';
import { goneMessages, Losses } from './losses.ts';
import { readRecords } from './readLines.ts';
import { OwnStaging } from './ownStaging.ts';
import { parquetQuestion, readParquet } from './readParquet.ts';
import { isAsRead, SavedLogs, type ReadFile } from './savedLog.ts';
import { Staging } from './staging.ts';
import { StagingFailed, StagingThreads, type StagedListener } from './stagingThreads.ts';
import { markAt, tail, type TailState } from './tail.ts';
import { wantedBy } from './wanted.ts';

const MOST_MESSAGES = 20;
/** What is read again sooner than it is saved. */
const LEAST_SAVED = 16 * 1024 * 1024;
/** Bytes of a file for which threads are worth their start. */
const LEAST_THREADED = 16 * 1024 * 1024;
const MOST_THREADS = 2;
/** A last line of a file that was not written to for so long stays as it is. */
const WRITTEN_MS = 60_000;
const TOO_LONG = 'the line is longer than 16 MB';
/** How much larger the same records are as lines. */
const PARQUET_SHRINKS = 10;

/** The first messages, and how many more there are. */
function someOf(messages: readonly string[]): readonly string[] {
  return messages.length <= MOST_MESSAGES ? messages : [...messages.slice(0, MOST_MESSAGES - 1), `${messages.length - MOST_MESSAGES + 1} more of the files of the log are not listed here.`];
}

export interface LogSourceOptions extends CollectorOptions {
  /** What paths are relative to. */
  readonly folder: string;
  readonly definition: QualityDefinition;
  /** Where what was counted may be kept, so that another start goes on from there; without it nowhere. */
  readonly cache?: CachePlace | undefined;
  /** Bytes that are read before anything is kept; 16 MB where it is not given. */
  readonly leastSaved?: number | undefined;
  /** The built or source file of `quality.worker.ts`; without it everything is read in this thread. */
  readonly threads?: { readonly script: string | URL; readonly count?: number; readonly least?: number } | undefined;
}

/**
 * The prediction log as a source: JSON Lines are read on from where the last call ended, files in other formats once. A file is known by its identity and by what was read of it, so a rotation by
 * renaming loses and doubles nothing, also where no pattern finds its new name, or that of one that was rotated before it was read: `FollowedFiles`. A file that was cut after a copy was made of it is as one that was renamed; without a copy it is read from its beginning, and its
 * earlier records still count. When a CSV or Parquet file that was read has changed, or another has taken its place, everything is read anew. What no file holds any more is told at each reading: `Losses`. Where there is a cache, the first read goes on from what an earlier source has counted: `SavedLogs`.
 */
export class LogSource implements QualitySource {
  readonly #options: LogSourceOptions;
  #collector: Collector;
  readonly #wanted: Wanted;
  readonly #lines: LineReader;
  #known = new Map<string, ReadFile>();
  readonly #followed = new FollowedFiles();
  /** What was counted before a restart and is not any more. */
  #beforeRestart: readonly string[] = [];
  readonly #losses = new Losses();
  readonly #passed = new PassedFiles();
  readonly #copies = new Copies();
  readonly #saved: SavedLogs | undefined;
  /** Bytes that were read since something was saved, and so many that it is worth it. */
  #unsaved = 0;
  #enough: number;
  #now = 0;
  /** Lines that count as malformed as long as nobody goes on with them. */
  #unfinished: string[] = [];
  /** Whether the last read, or that of a file that is read on, was cut off by an error or a cancel: what is in the collector is then not known. */
  #broken = false;
  /** Whether what was counted is more than the files hold: another start could not get to it from them, so it is not saved. */
  #impure = false;
  #threads: StagingThreads | undefined;
  /** Whether threads failed here: they are not asked again. */
  #withoutThreads = false;
  /** Why a file that is read as a whole could be read only in part, by its identity: what was told of it counts once. */
  readonly #failed = new Map<string, string>();

  constructor(options: LogSourceOptions) {
    this.#options = options;
    this.#collector = new Collector(options.definition, options);
    this.#wanted = wantedBy(options.definition, options.features);
    this.#lines = new LineReader(this.#wanted);
    const { cache, definition: { section }, folder, flags, roles, features, edges, categories, sample } = options;
    this.#saved = cache === undefined ? undefined : new SavedLogs(cache, [section, folder, flags, roles, features, edges, categories, sample]);
    this.#enough = options.leastSaved ?? LEAST_SAVED;
  }

  dispose(): void {
    this.#known.clear();
  }

  async read(request: QualityRequest): Promise<QualityData> {
    const { now } = request;
    const { source } = this.#options.definition;
    if (source?.kind !== 'log') throw new AppError('internal', 'The source is no prediction log.');
    const messages: string[] = [];
    const { found, without } = await findLogs(this.#options.folder, source, messages);
    if (this.#broken || this.#isRewritten(found)) await this.#reset(found);
    if (this.#known.size === 0) await this.#resume(found);
    messages.push(...this.#beforeRestart);
    const { moved, unread, gone } = await this.#follow(found);
    // What was appended to a log before it was rotated comes before what is in the new one.
    const files = [...moved, ...unread, ...found];
    const said = messages.length;
    try {
      await this.#readFiles(files, messages, request);
    } catch (error) {
      if (!(error instanceof StagingFailed)) throw error;
      this.#withoutThreads = true;
      await this.#reset(found);
      messages.length = said;
      await this.#readFiles(files, messages, request);
    }
    if (this.#collector.isIncomplete) {
      this.#saved?.delete();
      await this.#reset(found);
      messages.length = said;
      await this.#readFiles(files, messages, request);
    }
    this.#tellGone(files, gone, messages);
    messages.push(...this.#passed.messages(({ identity }) => this.#known.has(identity), (path) => this.#name(path)));
    messages.push(...await this.#copies.messages([...this.#known.values()], (path) => this.#name(path)));
    await this.#save();
    const data = this.#collector.data(now, someOf(messages));
    const { notes } = data;
    const empty = emptyMessages(this.#emptyOf(files, data.arms.length > 0));
    const outcomesMissing = source.outcomes.length > 0 && moved.length === 0 && source.outcomes.every((pattern) => without.has(pattern));
    const [malformed, examples] = [notes.malformed + this.#unfinished.length, [...notes.examples, ...this.#unfinished].slice(0, MOST_EXAMPLES)];
    return { ...data, notes: { ...notes, malformed, examples, ...(outcomesMissing ? { outcomesMissing } : {}), messages: [...empty, ...notes.messages] } };
  }

  /** Files without a record; a log that has just been rotated is none of them, as long as others tell something. */
  #emptyOf(files: readonly FoundFile[], hasOthers: boolean): readonly string[] {
    return files.filter(({ identity, path }) => this.#known.get(identity)?.isEmpty === true && !(hasOthers && wholeFormatOf(path) === undefined)).map(({ path }) => this.#name(path));
  }

  /** Says of files that are there no more what of them counts. */
  #tellGone(files: readonly FoundFile[], gone: Followed['gone'], messages: string[]): void {
    const there = new Set(files.map(({ identity }) => identity));
    const missing = [...this.#known.values()].filter(({ identity }) => !there.has(identity));
    if (missing.length > 0) this.#impure = true;
    this.#losses.gone = missing.filter(({ tail: read }) => read === undefined).map(({ path }) => this.#name(path));
    messages.push(...this.#losses.messages);
    messages.push(...goneMessages([...gone].map(([file, compressed]) => ({ name: this.#name(placeOf(file)), isCounted: this.#known.has(file.identity), compressed: compressed.map((each) => this.#name(each)) }))));
  }

  /** Goes on from what was saved of these files. */
  async #resume(found: readonly FoundFile[]): Promise<void> {
    try {
      const saved = await this.#saved?.get(found);
      if (saved === undefined) return;
      for (const each of saved.passed) this.#passed.add(each);
      if ('gone' in saved) {
        this.#beforeRestart = [
          ...saved.gone.map((file) => `${this.#name(placeOf(file))}, which was read before the restart, is gone: what it held counts no more.`),
          ...saved.cut.map((file) => `${this.#name(placeOf(file))}, which was read before the restart, was cut or written anew: what it held then counts only as far as it still does.`),
        ];
        for (const file of saved.others) this.#followed.keep(file);
        return;
      }
      this.#beforeRestart = [];
      this.#collector = new Collector(this.#options.definition, this.#options, saved.collected);
      this.#known = new Map(saved.files.map((file) => [file.identity, file]));
      for (const file of saved.files) this.#followed.keep(file);
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
    this.#enough = Math.max(this.#enough, await this.#saved.set({ files: [...this.#known.values()], collected, passed: this.#passed.all }));
  }

  async #readFiles(files: readonly FoundFile[], messages: string[], { now, since, signal, onProgress }: QualityRequest): Promise<void> {
    this.#collector.now = this.#now = now;
    this.#unfinished = [];
    this.#collector.since = since;
    const total = files.reduce((sum, { identity, size }) => sum + Math.max(0, size - (this.#known.get(identity)?.tail?.offset ?? 0)), 0);
    let done = 0;
    const progress = (bytes: number): void => {
      done += bytes;
      this.#unsaved += bytes;
      onProgress?.(done, Math.max(done, total));
    };
    const leftOut = new LeftOut();
    try {
      for (const file of files) await this.#readFile(file, { messages, leftOut }, signal, progress);
    } finally {
      await this.#endThreads();
    }
    messages.push(...leftOut.messages);
  }

  /** What was read of a file that has become another is that of the other now. */
  async #follow(found: readonly FoundFile[]): Promise<Pick<Followed, 'moved' | 'unread' | 'gone'>> {
    const { changes, passed, ...followed } = await this.#followed.look(found);
    for (const each of passed) this.#passed.add(each);
    const counted = [...changes].map(([{ identity }, now]) => ({ known: this.#known.get(identity), now })).filter(({ known }) => known?.tail !== undefined);
    // One may have the identity that another had.
    for (const { known } of counted) if (known !== undefined) this.#known.delete(known.identity);
    for (const { known, now } of counted) if (now !== undefined) this.#known.set(now.identity, { ...known, ...now });
    return followed;
  }

  #isRewritten(files: readonly FoundFile[]): boolean {
    const there = new Set(files.map(({ identity }) => identity));
    const missing = new Set([...this.#known.values()].filter(({ identity, tail: read }) => read === undefined && !there.has(identity)).map(({ path }) => path));
    return files.some(({ path, identity, size, modified }) => {
      const known = this.#known.get(identity);
      // Careful writers put a new file in the place of the one before.
      if (known === undefined) return missing.has(path);
      // A name may come later than the content, and another file take an identity that has become free.
      if ((wholeFormatOf(path) === undefined) !== (known.tail !== undefined)) return true;
      return known.tail === undefined && (known.size !== size || known.modified !== modified);
    });
  }

  async #reset(found: readonly FoundFile[]): Promise<void> {
    const paths = new Map(found.map((file) => [file.path, file]));
    const there = new Map(found.map((file) => [file.identity, file]));
    this.#losses.loseCut();
    for (const file of this.#known.values()) {
      if (file.tail !== undefined) continue;
      const [now, same] = [paths.get(file.path), there.get(file.identity)];
      const isThere = same !== undefined && (same.path === file.path || await begins(same, file));
      if (now === undefined && !isThere) this.#losses.lose('gone', this.#name(file.path));
      // Rotated, or written anew with less: nothing else tells it from one that was only corrected.
      if (now !== undefined && (now.size < file.size || (!isThere && await isBeside(file)))) this.#losses.lose('exchanged', this.#name(file.path));
    }
    this.#collector = new Collector(this.#options.definition, this.#options);
    this.#known.clear();
    this.#failed.clear();
    this.#impure = false;
    this.#broken = false;
  }

  /** Threads that read so many bytes of lines. Records that wait for their outcome are kept by the thread that counts, so it reads them itself. */
  #threadsFor(bytes: number, signal: AbortSignal): StagingThreads | undefined {
    const { threads, definition, flags, features } = this.#options;
    const { section, metrics } = definition;
    if (threads === undefined || this.#withoutThreads || bytes < (threads.least ?? LEAST_THREADED) || metrics.some(({ labelled }) => labelled)) return undefined;
    if (this.#threads === undefined && StagingThreads.isBusy) return undefined;
    const count = threads.count ?? Math.min(MOST_THREADS, availableParallelism() - 1);
    if (count > 0) this.#threads ??= new StagingThreads(threads.script, { section, flags, features }, count, new OwnStaging(definition, this.#options), signal);
    return this.#threads;
  }

  async #endThreads(): Promise<void> {
    await this.#threads?.dispose();
    this.#threads = undefined;
  }

  #name(path: string): string {
    return nameIn(this.#options.folder, path);
  }

  async #readFile(file: FoundFile, { messages, leftOut }: { readonly messages: string[]; readonly leftOut: LeftOut }, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    const format = wholeFormatOf(file.path);
    const before = this.#collector.told;
    const known = this.#known.get(file.identity);
    if (isAsRead(known, file)) return;
    try {
      const other = format === 'parquet' || (known !== undefined && known.tail?.offset !== 0) ? undefined : await unreadableAs(file.path);
      if (other !== undefined) {
        leftOut.add(this.#name(file.path), other.what, other.mend);
        return;
      }
      if (format === undefined) await this.#tail(file, signal, progress);
      // Were it another than the known one, all would be read anew.
      else if (known === undefined) await this.#whole(file, format, signal, progress);
      else if (this.#failed.has(file.identity)) messages.push(`${this.#name(file.path)}: ${this.#failed.get(file.identity)}`);
    } catch (error) {
      // What else was given to them is not wanted any more.
      await this.#endThreads();
      const isKnown = this.#collector.told === before || this.#known.get(file.identity) !== known;
      this.#keepEmpty(file, known, before);
      if (signal.aborted || error instanceof StagingFailed) this.#broken ||= !isKnown;
      throwIfCancelled(signal);
      if (error instanceof StagingFailed) throw error;
      // It vanished between the listing and the reading, or is no file of its kind: the others count.
      const message = plainLine(toAppError(error).message, 200);
      messages.push(`${this.#name(file.path)}: ${message}`);
      if (isKnown) return;
      this.#impure = true;
      if (format === undefined) {
        this.#broken = true;
        return;
      }
      this.#known.set(file.identity, file);
      this.#failed.set(file.identity, message);
      return;
    }
    this.#keepEmpty(file, known, before);
  }

  /** Whether a file that was read further has no record still. `told`: how many were told before. */
  #keepEmpty({ identity }: FoundFile, known: ReadFile | undefined, told: number): void {
    const read = this.#known.get(identity);
    if (read !== undefined && read !== known) this.#known.set(identity, { ...read, isEmpty: known?.isEmpty !== false && this.#collector.told === told });
  }

  async #whole(file: FoundFile, format: string, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    const mark = await markAt(file.path, file.size);
    let left = file.size;
    const some = (bytes: number): void => {
      left -= bytes;
      progress(bytes);
    };
    if (format === 'csv') await this.#csv(file, signal, some);
    else await this.#parquet(file, signal, (rows, all) => some(all === 0 ? 0 : (file.size * rows) / all));
    some(Math.max(0, left));
    this.#losses.back(this.#name(file.path));
    this.#known.set(file.identity, { ...file, mark });
  }

  async #tail(file: FoundFile, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    const name = this.#name(file.path);
    const before = this.#known.get(file.identity);
    const known = before?.tail;
    const threads = this.#threadsFor(file.size - (known?.offset ?? 0), signal);
    let line = known?.line ?? 0;
    const placeOf = (index: number): string => `${name}:${line + index + 1}`;
    const staged = this.#staged(placeOf, (count) => { line += count; });
    const keep = (reached: TailState): void => {
      const read = { ...file, tail: { ...reached, line } };
      this.#known.set(file.identity, read);
      this.#followed.keep(read);
    };
    const state = await tail(file, known, {
      restarted: () => {
        line = 0;
        this.#losses.cut(name);
        this.#impure = true;
      },
      lines: (bytes, from, to, isOpen) => {
        const count = readRecords(this.#lines, bytes, from, to, { record: (record, index, drawn) => this.#collector.add(record, () => placeOf(index), drawn), malformed: (index, reason) => this.#collector.malformed(placeOf(index), reason) });
        line += count - Number(isOpen);
      },
      tooLong: () => {
        line += 1;
        this.#collector.malformed(`${name}:${line}`, TOO_LONG);
      },
      unfinished: (isTooLong) => {
        if (file.modified < this.#now - WRITTEN_MS) this.#unfinished.push(`${name}:${line + 1}: ${isTooLong ? TOO_LONG : 'the last line is not whole, and nobody goes on with it'}`);
      },
      stopped: (state) => keep(state),
    }, signal, progress, threads?.ranges(file, staged));
    keep(state);
  }

  /** Counts what was staged, here or in threads. */
  #staged(placeOf: (index: number) => string, over: (count: number) => void): StagedListener {
    return { rows: (rows, apart) => this.#collector.addRows(rows, apart.map(({ index, drawn, ...each }) => ({ ...each, place: () => placeOf(index), drawn: drawn === undefined ? undefined : { ...drawn, requestId: () => drawn.id } }))), over };
  }

  async #csv(file: FoundFile, signal: AbortSignal, progress: (bytes: number) => void): Promise<void> {
    const name = this.#name(file.path);
    let isHeaderKnown = false;
    for await (const { record, line } of csvRecords(file.path, (at, reason) => this.#collector.malformed(`${name}:${at}`, plainLine(reason)), signal, progress)) {
      if (!isHeaderKnown) checkHeader(Object.keys(record));
      isHeaderKnown = true;
      this.#collector.add(nested(record), () => `${name}:${line}`);
    }
  }

  async #parquet(file: FoundFile, signal: AbortSignal, onRows: (some: number, all: number) => void): Promise<void> {
    const name = this.#name(file.path);
    const threads = this.#threadsFor(PARQUET_SHRINKS * file.size, signal);
    const groups = threads === undefined ? [] : await parquetGroups(parquetQuestion(file.path, this.#wanted));
    if (threads !== undefined && groups.length > 0) {
      const all = groups.reduce((sum, count) => sum + count, 0);
      let row = 0;
      const staged = this.#staged((index) => `${name}, row ${row + index + 1}`, (count) => {
        row += count;
        onRows(count, all);
      });
      for (const group of groups.keys()) await threads.give(file, { group }, staged);
      await threads.drain();
      return;
    }
    const { definition } = this.#options;
    const staged = this.#staged((index) => `${name}, row ${index + 1}`, () => undefined);
    const staging = new Staging(new Stager(definition, this.#options), (batch, apart) => {
      staged.rows(batch, apart);
      return batch;
    });
    try {
      await readParquet(file.path, this.#wanted, staging, signal, { onRows });
    } finally {
      staging.close();
    }
  }
}
