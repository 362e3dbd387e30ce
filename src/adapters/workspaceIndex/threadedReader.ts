import { Worker } from 'node:worker_threads';
import type { Disposable } from '../../core/base/events.ts';
import { AppError } from '../../core/base/errors.ts';
import type { FileReader, FileReading } from '../../core/callsites/project/projectIndex.ts';
import type { ReaderReply, ReaderRequest, ReaderThreadData } from './messages.ts';

/** Fewer files are read here: a thread takes longer to start. */
const FEW = 200;
const FILES_PER_REQUEST = 64;

interface Thread {
  readonly worker: Worker;
  waiting: { readonly resolve: (readings: readonly FileReading[]) => void; readonly reject: (error: Error) => void } | undefined;
}

/** Reads few files in this thread and many in others, which end when the work is done. */
export class ThreadedReader implements FileReader, Disposable {
  readonly #local: FileReader;
  readonly #script: string | URL;
  readonly #data: ReaderThreadData;
  readonly #count: number;
  readonly #threads = new Set<Thread>();
  #lastId = 0;

  constructor(options: { readonly local: FileReader; readonly script: string | URL; readonly threads: number; readonly data: ReaderThreadData }) {
    this.#local = options.local;
    this.#script = options.script;
    this.#data = options.data;
    this.#count = options.threads;
  }

  async read(paths: readonly string[], wanted: { readonly words: readonly string[]; readonly all: boolean }, onReading: (reading: FileReading) => void, signal: AbortSignal): Promise<void> {
    if (paths.length < FEW || this.#count === 0) return this.#local.read(paths, wanted, onReading, signal);
    let next = 0;
    const work = async (thread: Thread): Promise<void> => {
      while (next < paths.length) {
        signal.throwIfAborted();
        const some = paths.slice(next, next + FILES_PER_REQUEST);
        next += some.length;
        for (const reading of await this.#ask(thread, some, wanted)) onReading(reading);
      }
    };
    while (this.#threads.size < this.#count) this.#start();
    await Promise.all([...this.#threads].map(work));
  }

  /** Ends the threads. They start again when they are needed. */
  dispose(): void {
    for (const { worker } of this.#threads) void worker.terminate();
    this.#threads.clear();
  }

  #start(): void {
    const thread: Thread = { worker: new Worker(this.#script, { workerData: this.#data }), waiting: undefined };
    const fail = (error: Error): void => {
      this.#threads.delete(thread);
      thread.waiting?.reject(error);
    };
    thread.worker.unref();
    thread.worker.on('message', (reply: ReaderReply) => {
      const { waiting } = thread;
      thread.waiting = undefined;
      if (reply.kind === 'readings') waiting?.resolve(reply.readings);
      else waiting?.reject(new AppError('internal', reply.message));
    });
    thread.worker.on('error', (error: unknown) => fail(error instanceof Error ? error : new Error(String(error))));
    thread.worker.on('exit', () => fail(new AppError('internal', 'A thread that reads files ended.')));
    this.#threads.add(thread);
  }

  #ask(thread: Thread, paths: readonly string[], { words, all }: { readonly words: readonly string[]; readonly all: boolean }): Promise<readonly FileReading[]> {
    const id = (this.#lastId += 1);
    thread.worker.ref();
    return new Promise<readonly FileReading[]>((resolve, reject) => {
      thread.waiting = { resolve, reject };
      const request: ReaderRequest = { kind: 'read', id, paths, words, all };
      thread.worker.postMessage(request);
    }).finally(() => thread.worker.unref());
  }
}
