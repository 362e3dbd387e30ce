import { Worker } from 'node:worker_threads';
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../../core/base/errors.ts';
import type { BatchRows } from '../../core/quality/batch.ts';
import type { FoundFile } from './files.ts';
import type { OwnStaging, StagedPart } from './ownStaging.ts';
import type { StagedApart } from './staging.ts';
import type { RangeReader } from './tail.ts';

/** Parts of a log that are given to each thread at one time: so that it need not wait for the one that counts. */
const UNDER_WAY = 4;
/** Batches that are staged by the thread that counts and wait for their turn: more would only take memory. */
const MOST_HELD = 4;

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

/** Its rows are in memory that the thread uses again when it was told that they were counted. */
export interface FromStaging extends StagedPart {
  readonly id: number;
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
  /** Undefined: the thread that counts has staged it. */
  readonly worker: StagingWorker | undefined;
  readonly received: Omit<FromStaging, 'id'>[];
}

interface StagingWorker {
  readonly thread: Worker;
  /** How many messages of it were counted. */
  readonly told: Int32Array;
  /** How many parts it has that are not over. */
  underWay: number;
}

/**
 * Threads that parse parts of a log and stage their records; while they have enough to do and there is nothing to count, so does the thread that counts. What they give is told in the order in which
 * they were given the parts, so it is counted as if one thread had read them all.
 */
export class StagingThreads {
  /** Whether a log is read by threads now: whoever reads many at one time would start threads for each. */
  static isBusy = false;
  readonly #workers: readonly StagingWorker[];
  readonly #own: OwnStaging;
  readonly #queue: Part[] = [];
  #given = 0;
  /** Parts that are over. */
  #over = 0;
  #error: Error | undefined;
  #wake: () => void = () => undefined;
  readonly #signal: AbortSignal;
  readonly #cancel = (): void => this.#fail(new AppError('cancelled', 'Cancelled.'));

  /** @param script the built or source file of `quality.worker.ts` */
  constructor(script: string | URL, data: Omit<StagingData, 'told'>, count: number, own: OwnStaging, signal: AbortSignal) {
    this.#own = own;
    this.#signal = signal;
    signal.addEventListener('abort', this.#cancel);
    this.#workers = Array.from({ length: count }, () => {
      const told = new Int32Array(new SharedArrayBuffer(4));
      const thread = new Worker(script, { workerData: { ...data, told: told.buffer } satisfies StagingData, resourceLimits: { maxYoungGenerationSizeMb: 16 } });
      const fail = (reason: string): void => this.#fail(new StagingFailed(`A thread that reads the log ${reason}.`));
      thread.on('message', ({ id, ...staged }: FromStaging) => this.#receive(id, staged));
      thread.on('error', (error: unknown) => fail(`failed: ${error instanceof Error ? error.message : String(error)}`));
      thread.on('exit', () => fail('ended'));
      return { thread, told, underWay: 0 };
    });
    StagingThreads.isBusy = true;
    if (signal.aborted) this.#cancel();
  }

  /** Gives a part of a file to a thread, or stages it here; tells what is there while threads have enough to do. @throws StagingFailed; AppError cancelled, validation when what was given cannot be read */
  async give(file: FoundFile, part: ToStaging['part'], listener: StagedListener): Promise<void> {
    for (let hasListened = false; ;) {
      if (this.#error !== undefined) throw this.#error;
      const worker = this.#workers.reduce((least, each) => (each.underWay < least.underWay ? each : least));
      if (worker.underWay < UNDER_WAY) {
        this.#queue.push({ listener, worker, received: [] });
        worker.underWay += 1;
        worker.thread.postMessage({ id: this.#given, path: file.path, identity: file.identity, part } satisfies ToStaging);
        this.#given += 1;
        return;
      }
      if (this.#tellOne()) continue;
      if (!hasListened) {
        hasListened = true;
        await setImmediate();
      } else if ('from' in part && this.#own.held < MOST_HELD) {
        this.#queue.push({ listener, worker: undefined, received: [...this.#stageHere(file, part)] });
        this.#given += 1;
        return;
      } else {
        await this.#change();
      }
    }
  }

  #stageHere(file: FoundFile, range: { readonly from: number; readonly to: number }): readonly StagedPart[] {
    try {
      return this.#own.stage(file, range);
    } catch (error) {
      throw new StagingFailed(`The log cannot be read in parts: ${error instanceof Error ? error.message : String(error)}.`);
    }
  }

  /** Waits until all is told. @throws as `give` */
  async drain(): Promise<void> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#tellOne()) continue;
      if (this.#queue.length === 0) return;
      await this.#change();
    }
  }

  /** For the lines of a file. */
  ranges(file: FoundFile, listener: StagedListener): RangeReader {
    return { range: (from, to) => this.give(file, { from, to }, listener), drain: () => this.drain() };
  }

  #change(): Promise<void> {
    return new Promise((resolve) => { this.#wake = resolve; });
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  #receive(id: number, staged: Part['received'][number]): void {
    this.#queue[id - this.#over]?.received.push(staged);
    this.#wake();
  }

  /** Tells the rows whose turn it is; false: they are not there yet. */
  #tellOne(): boolean {
    const part = this.#queue[0];
    const staged = part?.received.shift();
    if (part === undefined || staged === undefined) return false;
    const { listener, worker } = part;
    const { rows, apart, over, failure } = staged;
    listener.rows(rows, apart);
    if (worker === undefined) {
      this.#own.giveBack(rows);
    } else {
      Atomics.add(worker.told, 0, 1);
      Atomics.notify(worker.told, 0);
    }
    if (failure !== undefined) this.#fail(new AppError('validation', failure));
    if (over === undefined) return true;
    listener.over(over);
    if (worker !== undefined) worker.underWay -= 1;
    this.#queue.shift();
    this.#over += 1;
    return true;
  }

  async dispose(): Promise<void> {
    StagingThreads.isBusy = false;
    this.#signal.removeEventListener('abort', this.#cancel);
    this.#own.close();
    await Promise.all(this.#workers.map(({ thread }) => {
      thread.removeAllListeners();
      // One that fails now has nobody left to tell it to.
      thread.on('error', () => undefined);
      return thread.terminate();
    }));
  }
}
