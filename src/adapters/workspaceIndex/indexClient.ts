import { Emitter, type Disposable } from '../../core/base/events.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import type { FileLimit, IndexProgress } from '../../core/callsites/project/projectIndex.ts';
import type { FileSummary } from '../../core/callsites/project/summary.ts';
import { AskedThread } from '../node/askedThread.ts';
import type { IndexReply, IndexRequest, IndexThreadData, PlacedSite, SiteChanges } from './messages.ts';

/** The index of one folder in a thread of its own, which starts with the first question. Paths are relative to the folder. */
export class IndexClient implements Disposable {
  readonly #thread: AskedThread<IndexRequest, IndexReply>;
  readonly #changes = new Emitter<void>();
  readonly #progressed = new Emitter<IndexProgress>();
  #names: ReadonlySet<string> = new Set();
  #isScanned = false;

  constructor(options: Omit<IndexThreadData, 'role'>) {
    this.#thread = new AskedThread({
      script: options.script,
      data: { role: 'index', ...options } satisfies IndexThreadData,
      name: 'The index',
      // One that ended is replaced by one that knows nothing.
      onStart: () => {
        if (this.#isScanned) this.#thread.ask({ kind: 'scan' }).catch(() => undefined);
      },
      onTold: (reply) => {
        if (reply.kind === 'progress') {
          this.#progressed.fire(reply.progress);
          return;
        }
        this.#names = new Set(reply.names);
        this.#changes.fire();
      },
    });
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
    await this.#thread.ask({ kind: 'scan' }, signal);
    this.#isScanned = true;
  }

  /** Tells of files that came, changed or went. */
  async update(changed: readonly string[], removed: readonly string[]): Promise<void> {
    await this.#thread.ask({ kind: 'update', changed, removed });
  }

  /**
   * The call sites of an open document, by its serialised `FileSummary`; without one its file counts again.
   * @param cells of a notebook, whose text the summary is about
   */
  async link(path: string, summary: Uint8Array | undefined, cells?: FileSummary['cells']): Promise<readonly CallSite[]> {
    const answer = await this.#thread.ask({ kind: 'document', path, summary, cells });
    return answer.kind === 'callSites' ? answer.sites : [];
  }

  /** The call sites of a flag, or all. */
  async sites(flag?: string): Promise<readonly PlacedSite[]> {
    const answer = await this.#thread.ask({ kind: 'sites', flag });
    return answer.kind === 'sites' ? answer.sites : [];
  }

  /** The files whose call sites are other than at the answer with this revision; every file that has some for 0. */
  async changes(since: number): Promise<SiteChanges> {
    const answer = await this.#thread.ask({ kind: 'changes', since });
    return answer.kind === 'changes' ? answer.changes : { revision: 0, whole: true, files: [], more: false };
  }

  async limits(): Promise<readonly FileLimit[]> {
    const answer = await this.#thread.ask({ kind: 'limits' });
    return answer.kind === 'limits' ? answer.limits : [];
  }

  dispose(): void {
    this.#thread.dispose();
    this.#changes.dispose();
    this.#progressed.dispose();
  }
}
