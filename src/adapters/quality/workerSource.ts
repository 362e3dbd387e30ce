import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AppError, type ErrorCode } from '../../core/base/errors.ts';
import type { SkewReport } from '../../core/quality/skew.ts';
import type { QualityData, QualityRequest, QualitySource } from '../../core/quality/window.ts';
import { ProcessGroups } from '../node/processGroups.ts';
import type { FoundTrainingData } from './reference.ts';
import { KILL_MS } from './runCommand.ts';

/** What a thread opens: plain data only. */
export interface WorkerOptions {
  /** The content of `quality:`. */
  readonly section: unknown;
  readonly folder: string;
  readonly flags: readonly string[];
  /** Which arm an assigned variant stands for. */
  readonly roles?: Readonly<Record<string, string>>;
  readonly environment: string;
  readonly features?: readonly string[];
  readonly edges?: Readonly<Record<string, readonly number[]>>;
  /** Headers for the one origin that they are meant for. */
  readonly credentials?: { readonly origin: string; readonly headers: Readonly<Record<string, string>> };
  /** Whether the thread reads what drift is measured against, too: production is then counted in its bins. */
  readonly withDrift?: boolean;
  /** The training data, where drift is measured against that of a version. */
  readonly training?: FoundTrainingData;
  /** Where what was counted of a log may be kept; without it nowhere. */
  readonly cacheFolder?: string;
}

/** What a thread is started with. */
export interface WorkerData extends WorkerOptions {
  /** The file that it runs: what other code has counted is not taken up. */
  readonly script: string;
  /** Where the commands stand that it runs (`ProcessGroups`). */
  readonly groups: SharedArrayBuffer;
}

export type ToWorker = { readonly kind: 'read' | 'skew'; readonly id: number; readonly now: number; readonly since?: number | undefined; readonly from?: number | undefined } | { readonly kind: 'cancel'; readonly id: number };

export type FromWorker =
  | { readonly kind: 'progress'; readonly id: number; readonly done: number; readonly total: number }
  | { readonly kind: 'data'; readonly id: number; readonly data: QualityData }
  | { readonly kind: 'skew'; readonly id: number; readonly report: SkewReport }
  | { readonly kind: 'failed'; readonly id: number; readonly code: ErrorCode; readonly message: string };

/** What a thread has for what is new to it. It keeps that for good, as every model has a thread; with more, reading a log is no faster. */
const YOUNG_MB = 16;
/** So much longer than its commands a thread lives that was told to end. */
const SEEN_MS = 1000;

interface Pending {
  /** Who was asked. */
  readonly worker: Worker;
  readonly heard: (message: Extract<FromWorker, { kind: 'data' | 'skew' }>) => void;
  readonly reject: (error: AppError) => void;
  readonly onProgress: QualityRequest['onProgress'];
}

/**
 * A source in a thread of its own, which keeps what it has read: a refresh reads what is new. The thread starts with the first read and anew after it has died, and then
 * reads everything once more. `script` is the worker's file.
 */
export class WorkerSource implements QualitySource {
  readonly #script: string | URL;
  readonly #options: WorkerOptions;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  /** What the thread has started. */
  #groups = new ProcessGroups();
  #last = 0;

  constructor(script: string | URL, options: WorkerOptions) {
    this.#script = script;
    this.#options = options;
  }

  read(request: QualityRequest): Promise<QualityData> {
    return this.#ask('read', request, (message) => (message.kind === 'data' ? message.data : undefined));
  }

  /** Has the command of `skew:` recompute features: it runs a program. @throws AppError */
  skew(request: Pick<QualityRequest, 'now' | 'signal'>): Promise<SkewReport> {
    return this.#ask('skew', request, (message) => (message.kind === 'skew' ? message.report : undefined));
  }

  #ask<T>(kind: 'read' | 'skew', { now, since, from, signal, onProgress }: QualityRequest, of: (message: Parameters<Pending['heard']>[0]) => T | undefined): Promise<T> {
    if (signal.aborted) return Promise.reject(new AppError('cancelled', 'Cancelled.'));
    const id = (this.#last += 1);
    const worker = this.#started();
    const cancel = (): void => worker.postMessage({ kind: 'cancel', id } satisfies ToWorker);
    signal.addEventListener('abort', cancel, { once: true });
    return new Promise<T>((resolve, reject) => {
      const heard = (message: Parameters<Pending['heard']>[0]): void => {
        const answer = of(message);
        if (answer === undefined) reject(new AppError('internal', 'The thread that reads the source answered something else.'));
        else resolve(answer);
      };
      this.#pending.set(id, { worker, heard, reject, onProgress });
      worker.postMessage({ kind, id, now, since, from } satisfies ToWorker);
    }).finally(() => {
      signal.removeEventListener('abort', cancel);
    });
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const groups = new ProcessGroups();
    const script = typeof this.#script === 'string' ? this.#script : fileURLToPath(this.#script);
    const worker = new Worker(this.#script, { workerData: { ...this.#options, script, groups: groups.memory } satisfies WorkerData, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    groups.guard();
    worker.unref();
    worker.on('message', (message: FromWorker) => this.#heard(message));
    const fail = (reason: string): void => {
      if (this.#worker === worker) this.#worker = undefined;
      // The end of a thread that died is told late: the one that was started meanwhile goes on.
      for (const [id, { worker: asked, reject }] of this.#pending) {
        if (asked !== worker) continue;
        this.#pending.delete(id);
        reject(new AppError('internal', reason));
      }
    };
    worker.on('error', (error: Error) => fail(`The thread that reads the source failed: ${error.message}`));
    worker.on('exit', () => {
      groups.end();
      fail('The thread that reads the source ended.');
    });
    this.#worker = worker;
    this.#groups = groups;
    return worker;
  }

  #heard(message: FromWorker): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.kind === 'progress') {
      pending.onProgress?.(message.done, message.total);
      return;
    }
    this.#pending.delete(message.id);
    if (message.kind === 'failed') pending.reject(new AppError(message.code, message.message));
    else pending.heard(message);
  }

  /** A command that runs ends with all that it has started: it is asked to, and killed some seconds later, or when this process ends before. */
  dispose(): void {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#worker = undefined;
    this.#groups.close();
    if (this.#groups.isEmpty) {
      void worker.terminate();
      return;
    }
    // The last first: one that waits would begin as soon as the one before it is told to end.
    for (const [id, { worker: asked }] of [...this.#pending].reverse()) if (asked === worker) worker.postMessage({ kind: 'cancel', id } satisfies ToWorker);
    // The thread sees them end, which nobody else can wait for; where it does not come to it, its end kills them.
    setTimeout(() => void worker.terminate(), KILL_MS + SEEN_MS).unref();
  }
}
