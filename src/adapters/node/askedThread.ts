import { Worker } from 'node:worker_threads';
import { AppError, type ErrorCode } from '../../core/base/errors.ts';
import type { Disposable } from '../../core/base/events.ts';

/** A thread that ends is started again this often: what ends it is mostly the same each time. */
const MOST_RESTARTS = 2;
/** An index of 10,000 files needs a tenth of it. */
const LARGEST_HEAP_MB = 1500;

/** The answer to a question that could not be answered. */
export interface FailedReply {
  readonly kind: 'failed';
  readonly id: number;
  readonly code: ErrorCode;
  readonly message: string;
}

interface Message {
  readonly kind: string;
  readonly id: number;
}

/** A request without its number; those without one are told, not asked. */
type Question<Request> = Request extends Message ? Omit<Request, 'id'> : never;
type Answer<Reply> = Exclude<Extract<Reply, { readonly id: number }>, FailedReply>;

export interface AskedThreadOptions<Reply> {
  /** The file that the thread runs. */
  readonly script: string;
  readonly data: unknown;
  /** What ended, for messages: `The index`. */
  readonly name: string;
  /** The thread has started, for the first time or anew: it knows nothing. */
  readonly onStart?: () => void;
  /** What the thread says without being asked. */
  readonly onTold?: (reply: Exclude<Reply, { readonly id: number }>) => void;
}

/** A thread that answers questions by their number. It starts with the first one, and anew, a few times, after it has ended by itself. */
export class AskedThread<Request extends { readonly kind: string }, Reply extends { readonly kind: string }> implements Disposable {
  readonly #options: AskedThreadOptions<Reply>;
  readonly #waiting = new Map<number, { readonly resolve: (answer: Answer<Reply>) => void; readonly reject: (error: Error) => void }>();
  #worker: Worker | undefined;
  #lastId = 0;
  /** How often a thread ended by itself. */
  #ended = 0;

  constructor(options: AskedThreadOptions<Reply>) {
    this.#options = options;
  }

  /**
   * @throws AppError internal when it has ended too often
   */
  start(): void {
    this.#started();
  }

  /** Says something that needs no answer to the thread, if it runs. */
  tell(request: Exclude<Request, Message>): void {
    this.#worker?.postMessage(request);
  }

  /**
   * When the signal aborts, the thread is told `{kind: 'cancel'}` with the number of the question.
   * @throws AppError cancelled, internal when the thread ends, and what the thread says
   */
  ask(question: Question<Request>, signal?: AbortSignal): Promise<Answer<Reply>> {
    if (signal?.aborted === true) return Promise.reject(new AppError('cancelled', 'The search was cancelled.'));
    let worker: Worker;
    try {
      worker = this.#started();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    const id = (this.#lastId += 1);
    const cancel = (): void => worker.postMessage({ kind: 'cancel', id });
    signal?.addEventListener('abort', cancel, { once: true });
    return new Promise<Answer<Reply>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ ...question, id });
    }).finally(() => signal?.removeEventListener('abort', cancel));
  }

  dispose(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
    this.#fail(new AppError('cancelled', `${this.#options.name} was closed.`));
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const { script, data, name, onStart } = this.#options;
    if (this.#ended > MOST_RESTARTS) throw new AppError('internal', `${name} stopped several times: reload the window to start it again.`);
    const worker = new Worker(script, { workerData: data, resourceLimits: { maxOldGenerationSizeMb: LARGEST_HEAP_MB } });
    worker.unref();
    worker.on('message', (reply: Reply) => this.#receive(reply));
    const end = (message: string): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#ended += 1;
      this.#fail(new AppError('internal', message));
    };
    worker.on('error', (error: unknown) => end(`${name} stopped: ${error instanceof Error ? error.message : String(error)}`));
    worker.on('exit', () => end(`${name} stopped.`));
    this.#worker = worker;
    onStart?.();
    return worker;
  }

  #receive(reply: Reply | FailedReply): void {
    if (!hasId(reply)) {
      this.#options.onTold?.(reply as Exclude<Reply, { readonly id: number }>);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (isFailed(reply)) waiting?.reject(new AppError(reply.code, reply.message));
    else waiting?.resolve(reply);
  }

  #fail(error: AppError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

function hasId(reply: { readonly kind: string }): reply is Message {
  return 'id' in reply;
}

function isFailed(reply: Message): reply is FailedReply {
  return reply.kind === 'failed';
}
