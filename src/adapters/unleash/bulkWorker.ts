import { Worker } from 'node:worker_threads';
import type { Disposable } from '../../core/base/events.ts';
import type { Flag } from '../../core/flags/model.ts';
import type { BulkParser, BulkTexts } from './bulk.ts';

interface Reply {
  readonly id: number;
  readonly flags?: readonly Flag[];
  readonly error?: string;
}

/**
 * Parses bulk answers in a worker thread. The thread starts with the first request and is restarted after it has died;
 * `script` is the worker's file.
 */
export class BulkWorker implements Disposable {
  readonly #script: string | URL;
  readonly #waiting = new Map<number, { resolve: (flags: readonly Flag[]) => void; reject: (error: Error) => void }>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(script: string | URL) {
    this.#script = script;
  }

  readonly parse: BulkParser = (texts: BulkTexts) =>
    new Promise((resolve, reject) => {
      const id = (this.#lastId += 1);
      this.#waiting.set(id, { resolve, reject });
      this.#started().postMessage({ id, texts });
    });

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.#script);
    worker.unref();
    worker.on('message', ({ id, flags, error }: Reply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (flags !== undefined) waiting?.resolve(flags);
      else waiting?.reject(new Error(error ?? 'The parser gave no answer.'));
    });
    const fail = (error: Error): void => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('The parser thread ended.')));
    this.#worker = worker;
    return worker;
  }

  dispose(): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
  }
}
