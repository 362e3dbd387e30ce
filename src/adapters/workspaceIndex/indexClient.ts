import { Worker } from 'node:worker_threads';
import { AppError } from '../../core/base/errors.ts';
import { Emitter, type Disposable } from '../../core/base/events.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import type { FileLimit, IndexProgress } from '../../core/callsites/project/projectIndex.ts';
import type { FileSummary } from '../../core/callsites/project/summary.ts';
import type { IndexReply, IndexRequest, IndexThreadData, PlacedSite, SiteChanges } from './messages.ts';

/** A thread that ends is started again this often: what ends it is mostly the same each time. */
const MOST_RESTARTS = 2;
/** An index of 10,000 files needs a tenth of it. */
const LARGEST_HEAP_MB = 1500;

type Answer = Extract<IndexReply, { readonly id: number }>;
type Question = IndexRequest extends infer Request ? Request extends { readonly id: number } ? Omit<Request, 'id'> : never : never;

/** The index of one folder in a thread of its own, which starts with the first question. Paths are relative to the folder. */
export class IndexClient implements Disposable {
  readonly #script: string;
  readonly #data: IndexThreadData;
  readonly #waiting = new Map<number, { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void }>();
  readonly #changes = new Emitter<void>();
  readonly #progressed = new Emitter<IndexProgress>();
  #worker: Worker | undefined;
  #names: ReadonlySet<string> = new Set();
  #lastId = 0;
  #isScanned = false;
  /** How often a thread ended by itself. */
  #ended = 0;

  constructor(options: Omit<IndexThreadData, 'role'>) {
    this.#script = options.script;
    this.#data = { role: 'index', ...options };
  }

  /** Fires when call sites may have changed. */
  readonly onDidChange = this.#changes.event;
  readonly onDidProgress = this.#progressed.event;

  /** Names of the functions that ask for flags. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /**
   * Reads the folder; what is found before it ends can be asked for meanwhile.
   * @throws AppError cancelled, notFound, internal
   */
  async scan(signal?: AbortSignal): Promise<void> {
    await this.#ask({ kind: 'scan' }, signal);
    this.#isScanned = true;
  }

  /** Tells of files that came, changed or went. */
  async update(changed: readonly string[], removed: readonly string[]): Promise<void> {
    await this.#ask({ kind: 'update', changed, removed });
  }

  /** The call sites of an open document; without a summary its file counts again. */
  async link(path: string, summary: FileSummary | undefined): Promise<readonly CallSite[]> {
    const answer = await this.#ask({ kind: 'document', path, summary });
    return answer.kind === 'callSites' ? answer.sites : [];
  }

  /** The call sites of a flag, or all. */
  async sites(flag?: string): Promise<readonly PlacedSite[]> {
    const answer = await this.#ask({ kind: 'sites', flag });
    return answer.kind === 'sites' ? answer.sites : [];
  }

  /** The files whose call sites are other than at the answer with this revision; every file that has some for 0. */
  async changes(since: number): Promise<SiteChanges> {
    const answer = await this.#ask({ kind: 'changes', since });
    return answer.kind === 'changes' ? answer.changes : { revision: 0, whole: true, files: [], more: false };
  }

  async limits(): Promise<readonly FileLimit[]> {
    const answer = await this.#ask({ kind: 'limits' });
    return answer.kind === 'limits' ? answer.limits : [];
  }

  dispose(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
    this.#fail(new AppError('cancelled', 'The index was closed.'));
    this.#changes.dispose();
    this.#progressed.dispose();
  }

  #ask(question: Question, signal?: AbortSignal): Promise<Answer> {
    if (signal?.aborted === true) return Promise.reject(new AppError('cancelled', 'The search was cancelled.'));
    let worker: Worker;
    try {
      worker = this.#started();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    const id = (this.#lastId += 1);
    const cancel = (): void => worker.postMessage({ kind: 'cancel', id } satisfies IndexRequest);
    signal?.addEventListener('abort', cancel, { once: true });
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ ...question, id } satisfies IndexRequest);
    }).finally(() => signal?.removeEventListener('abort', cancel));
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    if (this.#ended > MOST_RESTARTS) throw new AppError('internal', 'The index stopped several times: reload the window to start it again.');
    const worker = new Worker(this.#script, { workerData: this.#data, resourceLimits: { maxOldGenerationSizeMb: LARGEST_HEAP_MB } });
    worker.unref();
    worker.on('message', (reply: IndexReply) => this.#receive(reply));
    const end = (message: string): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#ended += 1;
      this.#fail(new AppError('internal', message));
    };
    worker.on('error', (error: unknown) => end(`The index stopped: ${error instanceof Error ? error.message : String(error)}`));
    worker.on('exit', () => end('The index stopped.'));
    this.#worker = worker;
    // One that ended is replaced by one that knows nothing.
    if (this.#isScanned) this.#ask({ kind: 'scan' }).catch(() => undefined);
    return worker;
  }

  #receive(reply: IndexReply): void {
    switch (reply.kind) {
      case 'progress': { this.#progressed.fire(reply.progress); return; }
      case 'changed':
        this.#names = new Set(reply.names);
        { this.#changes.fire(); return; }
      case 'failed': {
        const { code, message } = reply;
        this.#waiting.get(reply.id)?.reject(new AppError(code, message));
        break;
      }
      default: this.#waiting.get(reply.id)?.resolve(reply);
    }
    this.#waiting.delete(reply.id);
  }

  #fail(error: AppError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
