import * as vscode from 'vscode';
import { toAppError } from '../../core/base/errors.ts';
import { DisposableStore } from '../../core/base/events.ts';
import { CALL_SITE_DOCUMENTS } from '../../core/callsites/languages.ts';
import { SiteCatalog, type FileEntry, type FlagSite, type SiteCount } from '../../core/callsites/siteCatalog.ts';
import type { SiteChanges } from '../../adapters/workspaceIndex/messages.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import type { Log } from '../platform/log.ts';
import { notebookOf } from '../callsites/notebookCells.ts';
import type { DocumentCallSites } from '../callsites/documentCallSites.ts';
import type { FolderIndexes, IndexState } from '../callsites/folderIndexes.ts';

/** While somebody types, the places below are shown a moment late. */
const SETTLE_MS = 500;

/** What changed in a folder: the state of its index, its flags' call sites, its files. */
export interface SitesChange {
  readonly folder: vscode.WorkspaceFolder;
  readonly isOtherState: boolean;
  readonly flags: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
}

interface FolderSites {
  readonly folder: vscode.WorkspaceFolder;
  readonly catalog: SiteCatalog;
  state: IndexState;
  /** How many files the index could not read, or only in part. */
  gaps: number;
  revision: number;
  /** Whether something changed since it was asked for. */
  isStale: boolean;
  running: Promise<void> | undefined;
}

/**
 * The call sites of all workspace folders by flag, as the folders' indexes know them: documents that are open count as they stand in the
 * editor. Only what changed comes from the index's thread. Files are named by their URIs.
 */
export class WorkspaceSites implements vscode.Disposable {
  readonly #indexes: FolderIndexes;
  readonly #documents: DocumentCallSites;
  readonly #connections: Connections;
  readonly #log: Log;
  readonly #folders = new Map<string, FolderSites>();
  readonly #changes = new vscode.EventEmitter<SitesChange>();
  readonly #subscriptions = new DisposableStore();
  readonly #typing = new Map<string, NodeJS.Timeout>();

  constructor({ indexes, documents, connections, log }: { readonly indexes: FolderIndexes; readonly documents: DocumentCallSites; readonly connections: Connections; readonly log: Log }) {
    this.#indexes = indexes;
    this.#documents = documents;
    this.#connections = connections;
    this.#log = log;
    this.#subscriptions.add(this.#changes);
    this.#subscriptions.add(indexes.onDidChangeSites((folder) => void this.#refresh(folder)));
    this.#subscriptions.add(connections.onDidChange(() => this.#startIndexes()));
    this.#subscriptions.add(vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0) this.#typed(document);
    }));
    this.#subscriptions.add(vscode.workspace.onDidCloseTextDocument((document) => this.#typed(document)));
    this.#subscriptions.add({ dispose: () => this.#typing.forEach((timer) => clearTimeout(timer)) });
    // This is loaded after the flags have come, and after indexes that documents have started: of those nobody may say anything more.
    this.#startIndexes();
    for (const folder of this.folders()) if (indexes.stateOf(folder) !== 'none') void this.#refresh(folder);
  }

  readonly onDidChange = this.#changes.event;

  /** The call sites of a folder, as far as they are known. */
  catalog(folder: vscode.WorkspaceFolder): SiteCatalog {
    return this.#of(folder).catalog;
  }

  stateOf(folder: vscode.WorkspaceFolder): IndexState {
    return this.#of(folder).state;
  }

  gapsIn(folder: vscode.WorkspaceFolder): number {
    return this.#of(folder).gaps;
  }

  /** The folders whose code asks this server and project; all folders without one. */
  folders(connection?: Connection): readonly vscode.WorkspaceFolder[] {
    if (connection === undefined) return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
    return this.#connections.targets.filter((target) => target.connection === connection).map(({ folder }) => folder);
  }

  /** The call sites of a flag, one folder after the other. */
  of(flag: string, connection?: Connection): readonly FlagSite[] {
    return this.folders(connection).flatMap((folder) => this.catalog(folder).of(flag));
  }

  count(flag: string, connection?: Connection): SiteCount {
    return this.folders(connection).map((folder) => this.catalog(folder).count(flag)).reduce((sum, { calls, files }) => ({ calls: sum.calls + calls, files: sum.files + files }), { calls: 0, files: 0 });
  }

  /** The state of the folders in a word: the one that keeps a number from being the last word first. */
  state(connection?: Connection): IndexState {
    const states = new Set(this.folders(connection).map((folder) => this.stateOf(folder)));
    return (['failed', 'reading', 'none'] as const).find((state) => states.has(state)) ?? 'complete';
  }

  /** Searches what was not searched yet, for somebody who asks for all of it; when it is cancelled, what is known until then counts. */
  async search(token?: vscode.CancellationToken): Promise<void> {
    if (this.state() === 'complete') return;
    try {
      await this.#indexes.search(token);
    } catch (error) {
      if (toAppError(error).code !== 'cancelled') throw error;
    }
    await Promise.all(this.folders().map((folder) => this.#refresh(folder)));
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  /** As soon as a server's flags are known one wants to know where they are asked for. */
  #startIndexes(): void {
    if (this.#connections.all.some(({ session }) => session?.store.snapshot !== undefined)) for (const folder of this.folders()) this.#indexes.start(folder);
  }

  /** The document's text is another, or it is closed and its file counts again. */
  #typed(document: vscode.TextDocument): void {
    const uri = notebookOf(document)?.uri ?? document.uri;
    const folder = uri.scheme === 'file' && CALL_SITE_DOCUMENTS.includes(document.languageId) ? vscode.workspace.getWorkspaceFolder(uri) : undefined;
    if (folder === undefined || this.stateOf(folder) === 'none') return;
    const key = document.uri.toString();
    clearTimeout(this.#typing.get(key));
    this.#typing.set(key, setTimeout(() => {
      this.#typing.delete(key);
      void (document.isClosed ? Promise.resolve() : this.#documents.read(document)).then(() => this.#refresh(folder));
    }, SETTLE_MS));
  }

  #of(folder: vscode.WorkspaceFolder): FolderSites {
    const key = folder.uri.toString();
    const known = this.#folders.get(key);
    if (known !== undefined) return known;
    const made: FolderSites = { folder, catalog: new SiteCatalog(), state: 'none', gaps: 0, revision: 0, isStale: false, running: undefined };
    this.#folders.set(key, made);
    return made;
  }

  /** One question at a time for each folder; what changes meanwhile is asked for after it. */
  #refresh(folder: vscode.WorkspaceFolder): Promise<void> {
    const sites = this.#of(folder);
    sites.isStale = true;
    return sites.running ??= this.#follow(sites).finally(() => {
      sites.running = undefined;
    });
  }

  async #follow(sites: FolderSites): Promise<void> {
    while (sites.isStale) {
      sites.isStale = false;
      try {
        await this.#take(sites);
      } catch (error) {
        // An index that was closed meanwhile has a successor, or none is wanted.
        if (this.#indexes.stateOf(sites.folder) !== 'none') this.#log.error(`Reading the call sites of ${sites.folder.name}`, error);
      }
    }
  }

  async #take(sites: FolderSites): Promise<void> {
    const { folder, catalog } = sites;
    const state = this.#indexes.stateOf(folder);
    const flags = new Set<string>();
    const files = new Set<string>();
    const set = (file: string, entry: FileEntry): void => {
      const known = catalog.get(file);
      for (const flag of catalog.set(file, entry)) flags.add(flag);
      // A call with a computed key has no flag, and still changes what may be said of others.
      if (known !== catalog.get(file)) files.add(file);
    };
    const outdated = new Set<string>();
    let changes: SiteChanges | undefined;
    do {
      changes = await this.#indexes.changes(folder, sites.revision);
      sites.revision = changes?.revision ?? 0;
      if (changes?.whole !== false) for (const file of catalog.files) outdated.add(file);
      for (const { path, sites: found, cells } of changes?.files ?? []) {
        const file = vscode.Uri.joinPath(folder.uri, path).toString();
        outdated.delete(file);
        set(file, { sites: found, ...(cells === undefined ? {} : { cells }) });
      }
    } while (changes?.more === true);
    for (const file of outdated) set(file, { sites: [] });
    const gaps = state === 'complete' ? await this.#indexes.gaps(folder) : 0;
    const isOtherState = sites.state !== state || sites.gaps !== gaps;
    Object.assign(sites, { state, gaps });
    if (isOtherState || files.size > 0) this.#changes.fire({ folder, isOtherState, flags, files });
  }
}
