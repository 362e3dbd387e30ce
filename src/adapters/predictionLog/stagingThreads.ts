import { Worker } from 'node:worker_threads';
import { AppError } from '../../core/base/errors.ts';
import type { BatchRows } from '../../core/quality/batch.ts';
import type { FoundFile } from './files.ts';
import { RowUnpacker, type PackedRows } from './stagedRows.ts';
import type { StagedApart } from './staging.ts';
import type { RangeReader } from './tail.ts';

/** Parts of a log that are given to each thread at one time: so that it need not wait for the one that counts. */
const UNDER_WAY = 3;

/** What a thread of `quality.worker.ts` is started with. */
export interface StagingData {
  /** The content of `quality:`. */
  readonly section: unknown;
  readonly flags: readonly string[];
  readonly features: readonly string[] | undefined;
  /** How many messages of the thread were told: it waits when too many were not. */
  readonly told: SharedArrayBuffer;
}

/** A part of a file: whole lines from a byte to another, or a row group of a Parquet file. */
export interface ToStaging {
  readonly id: number;
  readonly path: string;
  /** The file must be this one still. */
  readonly identity: string;
  readonly part: { readonly from: number; readonly to: number } | { readonly group: number };
}

export interface FromStaging {
  readonly id: number;
  readonly rows: PackedRows;
  readonly apart: readonly StagedApart[];
  /** How many lines or rows the part had, with the last message of it. */
  readonly over?: number;
  /** Why the rest of the part cannot be read; then it is over, too. */
  readonly failure?: string;
}

/** Who counts: told in the order of the log. */
export interface StagedListener {
  rows(rows: BatchRows, apart: readonly StagedApart[]): void;
  /** So many lines or rows are over. */
  over(count: number): void;
}

/** A thread has failed: what was given is not all told, and nothing more will be. */
export class StagingFailed extends Error {}

interface Part {
  readonly listener: StagedListener;
  readonly received: FromStaging[];
}

/**
 * Threads that parse parts of a log and stage their records. What they give is told in the order in which they were given the parts, so it is counted as if one thread had read them all.
 */
export class StagingThreads {
  /** Whether a log is read by threads now: whoever reads many at one time would start threads for each. */
  static isBusy = false;
  readonly #workers: readonly Worker[];
  readonly #told: readonly Int32Array[];
  readonly #queue: Part[] = [];
  readonly #unpacker = new RowUnpacker();
  #given = 0;
  /** Parts that are over. */
  #over = 0;
  #error: Error | undefined;
  #wake: () => void = () => undefined;
  readonly #signal: AbortSignal;
  readonly #cancel = (): void => this.#fail(new AppError('cancelled', 'Cancelled.'));

  /** @param script the built or source file of `quality.worker.ts` */
  constructor(script: string | URL, data: Omit<StagingData, 'told'>, count: number, signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#cancel);
    this.#told = Array.from({ length: count }, () => new Int32Array(new SharedArrayBuffer(4)));
    this.#workers = this.#told.map(({ buffer }) => {
      const worker = new Worker(script, { workerData: { ...data, told: buffer as SharedArrayBuffer } satisfies StagingData, resourceLimits: { maxYoungGenerationSizeMb: 16 } });
      const fail = (reason: string): void => this.#fail(new StagingFailed(`A thread that reads the log ${reason}.`));
      worker.on('message', (message: FromStaging) => this.#receive(message));
      worker.on('error', (error: unknown) => fail(`failed: ${error instanceof Error ? error.message : String(error)}`));
      worker.on('exit', () => fail('ended'));
      return worker;
    });
    StagingThreads.isBusy = true;
  }

  /** Gives a part of a file to the next thread; waits while much is under way. @throws StagingFailed; AppError cancelled, validation when what was given cannot be read */
  async give({ path, identity }: FoundFile, part: ToStaging['part'], listener: StagedListener): Promise<void> {
    this.#queue.push({ listener, received: [] });
    this.#workers[this.#given % this.#workers.length]?.postMessage({ id: this.#given, path, identity, part } satisfies ToStaging);
    this.#given += 1;
    await this.#until(UNDER_WAY * this.#workers.length - 1);
  }

  /** Waits until all is told. @throws as `give` */
  drain(): Promise<void> {
    return this.#until(0);
  }

  /** For the lines of a file. */
  ranges(file: FoundFile, listener: StagedListener): RangeReader {
    return { range: (from, to) => this.give(file, { from, to }, listener), drain: () => this.drain() };
  }

  async #until(most: number): Promise<void> {
    while (this.#queue.length > most && this.#error === undefined) await new Promise<void>((resolve) => { this.#wake = resolve; });
    if (this.#error !== undefined) throw this.#error;
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  #receive(message: FromStaging): void {
    this.#queue[message.id - this.#over]?.received.push(message);
    for (let first = this.#queue[0]; first !== undefined && first.received.length > 0 && this.#error === undefined; first = this.#queue[0]) this.#tell(first);
    this.#wake();
  }

  #tell({ listener, received }: Part): void {
    for (const { id, rows, apart, over, failure } of received.splice(0)) {
      listener.rows(this.#unpacker.unpack(rows), apart);
      const told = this.#told[id % this.#told.length];
      if (told !== undefined) {
        Atomics.add(told, 0, 1);
        Atomics.notify(told, 0);
      }
      if (failure !== undefined) this.#fail(new AppError('validation', failure));
      if (over === undefined) continue;
      listener.over(over);
      this.#queue.shift();
      this.#over += 1;
    }
  }

  async dispose(): Promise<void> {
    StagingThreads.isBusy = false;
    this.#signal.removeEventListener('abort', this.#cancel);
    await Promise.all(this.#workers.map((worker) => {
      worker.removeAllListeners();
      return worker.terminate();
    }));
  }
}
