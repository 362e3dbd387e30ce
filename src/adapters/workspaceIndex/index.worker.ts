import { deserialize } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '../../core/base/errors.ts';
import type { FileReading } from '../../core/callsites/project/projectIndex.ts';
import type { FileSummary } from '../../core/callsites/project/summary.ts';
import { LocalReader } from './fileReader.ts';
import { FolderIndex } from './folderIndex.ts';
import { callSiteLanguages } from './languages.ts';
import type { IndexReply, IndexRequest, IndexThreadData, ReaderReply, ReaderRequest, ReaderThreadData } from './messages.ts';
import { SummaryCache, summaryVersion } from './summaryCache.ts';
import { ToldSites } from './toldSites.ts';

/** Reads files for an index in another thread. */
function serveReader({ folder, parser, cache }: ReaderThreadData): void {
  const reader = new LocalReader(folder, callSiteLanguages(parser), cache && new SummaryCache(cache));
  const reply = (message: ReaderReply): void => parentPort?.postMessage(message);
  parentPort?.on('message', ({ id, paths, words, all }: ReaderRequest) => {
    const readings: FileReading[] = [];
    reader.read(paths, { words, all }, (reading) => readings.push(reading), new AbortController().signal)
      .then(() => reply({ kind: 'readings', id, readings }))
      .catch((error: unknown) => reply({ kind: 'failed', id, message: error instanceof Error ? error.message : String(error) }));
  });
}

/** Holds the index of a folder. */
class IndexThread {
  readonly #folder: FolderIndex;
  readonly #running = new Map<number, AbortController>();
  readonly #told = new ToldSites();

  constructor({ cacheFolder, ...data }: IndexThreadData) {
    this.#folder = new FolderIndex({ ...data, ...cacheFolder === undefined ? {} : { cache: { folder: cacheFolder, version: summaryVersion(data.script) } } });
    const { index } = this.#folder;
    index.onDidProgress((progress) => this.#reply({ kind: 'progress', progress }));
    index.onDidChange(() => this.#reply({ kind: 'changed', names: [...index.names()] }));
  }

  receive(request: IndexRequest): void {
    const { index } = this.#folder;
    switch (request.kind) {
      case 'scan': { this.#run(request.id, (signal) => this.#folder.scan(signal)); return; }
      case 'update': { this.#run(request.id, (signal) => this.#folder.update(request.changed, request.removed, signal)); return; }
      case 'cancel': return this.#running.get(request.id)?.abort();
      case 'document': {
        const reply = (): IndexReply => ({ kind: 'callSites', id: request.id, sites: index.sitesIn(request.path) });
        this.#run(request.id, (signal) => index.setDocument(request.path, summaryOf(request), signal), reply); return;
      }
      case 'sites': {
        const all = [...index.all()].flatMap(({ path, sites }) => sites.map((site) => ({ path, site })));
        this.#reply({ kind: 'sites', id: request.id, sites: request.flag === undefined ? all : index.sitesOf(request.flag) }); return;
      }
      case 'changes': { this.#reply({ kind: 'changes', id: request.id, changes: this.#told.since(index, request.since) }); return; }
      case 'limits': { this.#reply({ kind: 'limits', id: request.id, limits: this.#folder.limits() }); return; }
    }
  }

  #run(id: number, work: (signal: AbortSignal) => Promise<void>, reply: () => IndexReply = () => ({ kind: 'done', id })): void {
    const abort = new AbortController();
    this.#running.set(id, abort);
    work(abort.signal)
      .then(() => this.#reply(reply()))
      .catch((error: unknown) => this.#reply({ kind: 'failed', id, code: codeOf(error), message: error instanceof Error ? error.message : String(error) }))
      .finally(() => this.#running.delete(id));
  }

  #reply(message: IndexReply): void {
    parentPort?.postMessage(message);
  }
}

function summaryOf({ summary, cells }: Extract<IndexRequest, { readonly kind: 'document' }>): FileSummary | undefined {
  return summary && { ...deserialize(summary) as FileSummary, ...cells && { cells } };
}

function codeOf(error: unknown): 'cancelled' | 'notFound' | 'internal' {
  if (error instanceof Error && error.name === 'AbortError') return 'cancelled';
  return error instanceof AppError && error.code === 'notFound' ? 'notFound' : 'internal';
}

const data = workerData as IndexThreadData | ReaderThreadData;
if (data.role === 'reader') {
  serveReader(data);
} else {
  const thread = new IndexThread(data);
  parentPort?.on('message', (request: IndexRequest) => thread.receive(request));
}
