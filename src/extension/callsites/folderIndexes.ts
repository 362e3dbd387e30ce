import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { DisposableStore } from '../../core/base/events.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import type { FolderLinks } from '../../adapters/treeSitter/documentThread.ts';
import { IndexClient } from '../../adapters/workspaceIndex/indexClient.ts';
import type { SiteChanges } from '../../adapters/workspaceIndex/messages.ts';
import type { ParserFiles } from '../../adapters/workspaceIndex/languages.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import type { Log } from '../platform/log.ts';
import { textOfNotebook } from './notebookCells.ts';
import { showSearch } from './showSearch.ts';
import { pathIn, watchSources } from './watchSources.ts';

const NO_NAMES: ReadonlySet<string> = new Set();

interface FolderIndexEntry {
  readonly client: IndexClient;
  readonly parts: DisposableStore;
  readonly settings: string;
  /** Ends when the folder was searched; never rejects. */
  readonly scanned: Promise<unknown>;
  state: IndexState;
}

/** Of a folder's index: `none` when nothing has started it yet. */
export type IndexState = 'none' | 'reading' | 'complete' | 'failed';

/** An index for each workspace folder in which a document was read, started by the first such document. */
export class FolderIndexes implements FolderLinks, vscode.Disposable {
  readonly #script: string;
  readonly #parser: ParserFiles;
  readonly #cacheFolder: string;
  readonly #files: WorkspaceFiles;
  readonly #log: Log;
  readonly #entries = new Map<string, FolderIndexEntry>();
  /** Folders whose search a person has stopped: only one who asks for all call sites starts it again. */
  readonly #stopped = new Set<string>();
  readonly #changes = new vscode.EventEmitter<void>();
  readonly #siteChanges = new vscode.EventEmitter<vscode.WorkspaceFolder>();
  readonly #parts = new DisposableStore();

  constructor(options: { readonly script: string; readonly parser: ParserFiles; readonly cacheFolder: string; readonly files: WorkspaceFiles; readonly log: Log }) {
    this.#script = options.script;
    this.#parser = options.parser;
    this.#cacheFolder = options.cacheFolder;
    this.#files = options.files;
    this.#log = options.log;
    this.#parts.add(this.#changes);
    this.#parts.add(this.#siteChanges);
    this.#parts.add(vscode.workspace.onDidChangeWorkspaceFolders(({ removed }) => removed.forEach((folder) => this.#stop(folder))));
    this.#parts.add(options.files.onDidChange(() => this.#stopChanged()));
    this.#parts.add(vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('files.exclude')) for (const folder of this.#stopChanged()) this.start(folder);
    }));
  }

  /** Most folders are searched sooner than in this time: of those nobody needs to hear. */
  longSearchMs = 3000;

  /** Fires when call sites of open documents may have changed by what other files say. */
  readonly onDidChange = this.#changes.event;

  /** Fires when call sites of a folder, or the state of its index, may have changed. */
  readonly onDidChangeSites = this.#siteChanges.event;

  /** Starts the index of a folder on disk, if nothing has yet. */
  start(folder: vscode.WorkspaceFolder): void {
    if (folder.uri.scheme === 'file') this.#entryOf(folder);
  }

  stateOf(folder: vscode.WorkspaceFolder): IndexState {
    return this.#entries.get(folder.uri.toString())?.state ?? 'none';
  }

  /**
   * What is other in a folder than at the answer with the revision `since`; undefined without an index. The paths are relative to it.
   * @throws AppError cancelled, internal when the index ended meanwhile
   */
  async changes(folder: vscode.WorkspaceFolder, since: number): Promise<SiteChanges | undefined> {
    const changes = await this.#entries.get(folder.uri.toString())?.client.changes(since);
    return changes && { ...changes, files: changes.files.filter(({ path }) => isOwn(folder, vscode.Uri.joinPath(folder.uri, path))) };
  }

  /** How many files and folders could not be read, or only in part. */
  async gaps(folder: vscode.WorkspaceFolder): Promise<number> {
    return (await this.#entries.get(folder.uri.toString())?.client.limits())?.length ?? 0;
  }

  /**
   * Searches all folders, also those whose search a person has stopped. Resolves when they are searched; see `stateOf` for how it went.
   * @throws AppError cancelled by the token
   */
  async search(token?: vscode.CancellationToken): Promise<void> {
    for (const folder of vscode.workspace.workspaceFolders ?? []) {
      if (folder.uri.scheme !== 'file') continue;
      this.#stopped.delete(folder.uri.toString());
      await unlessCancelled((this.#entryOf(folder) ?? this.#start(folder)).scanned, token);
    }
  }

  names(uri: string): ReadonlySet<string> {
    return this.#of(uri)?.entry.client.names ?? NO_NAMES;
  }

  async link(uri: string, summary: Uint8Array): Promise<readonly CallSite[] | undefined> {
    const found = this.#of(uri);
    if (!found) return undefined;
    try {
      // A notebook stands in the index by its text: its places are told by cell.
      const notebook = vscode.workspace.notebookDocuments.find((each) => each.uri.toString() === uri);
      return await found.entry.client.link(found.path, summary, notebook && textOfNotebook(notebook).cells);
    } catch (error) {
      // The document by itself still has an answer.
      this.#log.error('Reading call sites across files', error);
      return undefined;
    }
  }

  close(uri: string): void {
    const found = this.#of(uri);
    found?.entry.client.link(found.path, undefined).catch((error: unknown) => this.#log.error('Closing a document in the index', error));
  }

  /**
   * The call sites of all workspace folders by the URI of their file, once all are searched.
   * @throws AppError cancelled by the token
   */
  async sites(token?: vscode.CancellationToken): Promise<ReadonlyMap<string, readonly CallSite[]>> {
    const found = new Map<string, readonly CallSite[]>();
    for (const folder of vscode.workspace.workspaceFolders ?? []) {
      if (folder.uri.scheme !== 'file') continue;
      this.#stopped.delete(folder.uri.toString());
      const { client, scanned } = this.#entries.get(folder.uri.toString()) ?? this.#start(folder);
      await unlessCancelled(scanned, token);
      const byPath = new Map<string, CallSite[]>();
      for (const { path, site } of await client.sites()) {
        const sites = byPath.get(path);
        if (sites) sites.push(site);
        else byPath.set(path, [site]);
      }
      for (const [path, sites] of byPath) {
        const uri = vscode.Uri.joinPath(folder.uri, path);
        if (isOwn(folder, uri)) found.set(uri.toString(), sites);
      }
    }
    return found;
  }

  dispose(): void {
    for (const { parts } of this.#entries.values()) parts.dispose();
    this.#entries.clear();
    this.#parts.dispose();
  }

  #of(uri: string): { readonly entry: FolderIndexEntry; readonly path: string } | undefined {
    const parsed = vscode.Uri.parse(uri);
    const folder = parsed.scheme === 'file' ? vscode.workspace.getWorkspaceFolder(parsed) : undefined;
    const entry = folder && this.#entryOf(folder);
    return entry && { entry, path: pathIn(folder, parsed) };
  }

  #entryOf(folder: vscode.WorkspaceFolder): FolderIndexEntry | undefined {
    const key = folder.uri.toString();
    return this.#entries.get(key) ?? (this.#stopped.has(key) ? undefined : this.#start(folder));
  }

  #start(folder: vscode.WorkspaceFolder): FolderIndexEntry {
    const { wrappers = [], clients = [], exclude = [] } = this.#files.of(folder)?.file.config?.callsites ?? {};
    const parts = new DisposableStore();
    const client = parts.add(new IndexClient({
      script: this.#script,
      folder: folder.uri.fsPath,
      parser: this.#parser,
      cacheFolder: this.#cacheFolder,
      settings: { wrappers, clients },
      exclude: [...exclude, ...hiddenIn(folder)],
    }));
    const settle = (state: IndexState): void => {
      if (this.#entries.get(folder.uri.toString()) !== entry) return;
      entry.state = state;
      this.#siteChanges.fire(folder);
    };
    const scanned = showSearch(folder, client, this.longSearchMs, () => {
      this.#stopped.add(folder.uri.toString());
      this.#stop(folder);
    }).then(() => settle('complete'), (error: unknown) => {
      if (!this.#stopped.has(folder.uri.toString())) this.#log.error(`Searching ${folder.name} for call sites`, error);
      settle('failed');
    });
    const entry: FolderIndexEntry = { client, parts, settings: this.#settingsOf(folder), scanned, state: 'reading' };
    this.#entries.set(folder.uri.toString(), entry);
    parts.add(client.onDidChange(() => {
      this.#changes.fire();
      this.#siteChanges.fire(folder);
    }));
    parts.add(watchSources(folder, (changed, removed) => {
      client.update(changed, removed).catch((error: unknown) => this.#log.error('Reading changed files', error));
    }));
    return entry;
  }

  #settingsOf(folder: vscode.WorkspaceFolder): string {
    return JSON.stringify([this.#files.of(folder)?.file.config?.callsites ?? {}, hiddenIn(folder)]);
  }

  /** Other settings need another index; it starts with the next question, as one types in `modelswitch.yaml`. */
  #stopChanged(): readonly vscode.WorkspaceFolder[] {
    const changed = (vscode.workspace.workspaceFolders ?? []).filter((folder) => {
      const entry = this.#entries.get(folder.uri.toString());
      return entry !== undefined && entry.settings !== this.#settingsOf(folder);
    });
    for (const folder of changed) this.#stop(folder);
    if (changed.length > 0) this.#changes.fire();
    return changed;
  }

  #stop(folder: vscode.WorkspaceFolder): void {
    this.#entries.get(folder.uri.toString())?.parts.dispose();
    if (this.#entries.delete(folder.uri.toString())) this.#siteChanges.fire(folder);
  }
}

/** Globs of `files.exclude`, as the index takes them: those without a folder are about the first level only. */
function hiddenIn(folder: vscode.WorkspaceFolder): readonly string[] {
  const globs = Object.entries(vscode.workspace.getConfiguration('files', folder.uri).get<Record<string, unknown>>('exclude') ?? {});
  return globs.flatMap(([glob, on]) => (on !== true ? [] : [glob.includes('/') ? glob : `/${glob}`]));
}

/** Where one workspace folder lies in another, both indexes know its files: they are told by its own. */
function isOwn(folder: vscode.WorkspaceFolder, uri: vscode.Uri): boolean {
  return vscode.workspace.getWorkspaceFolder(uri)?.uri.toString() === folder.uri.toString();
}

async function unlessCancelled(work: Promise<unknown>, token: vscode.CancellationToken | undefined): Promise<void> {
  const parts = new DisposableStore();
  const cancelled = new Promise<never>((_resolve, reject) => {
    const cancel = (): void => reject(new AppError('cancelled', 'The search was cancelled.'));
    if (token?.isCancellationRequested === true) cancel();
    else if (token) parts.add(token.onCancellationRequested(cancel));
  });
  try {
    await Promise.race([work, cancelled]);
  } finally {
    parts.dispose();
  }
}
