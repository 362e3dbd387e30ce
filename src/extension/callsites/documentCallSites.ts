import * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { CALL_SITE_DOCUMENTS, PYTHON_DOCUMENTS } from '../../core/callsites/languages.ts';
import type { CallSite, Range } from '../../core/callsites/model.ts';
import type { CallSiteTracker } from '../../adapters/treeSitter/tracker.ts';
import type { Log } from '../platform/log.ts';
import { notebookOf, sitesInCell, textOfNotebook } from './notebookCells.ts';

/**
 * The call sites of the documents that are open, read when something asks for them and once per version. The cells of a notebook are read
 * as one text, in their order.
 */
export class DocumentCallSites implements vscode.Disposable {
  readonly #load: () => Promise<CallSiteTracker>;
  readonly #log: Log;
  readonly #known = new Map<string, readonly CallSite[]>();
  readonly #notebooks = new Map<string, { readonly text: string; readonly version: number }>();
  readonly #changes = new vscode.EventEmitter<vscode.TextDocument>();
  readonly #relinks = new vscode.EventEmitter<void>();
  readonly #subscriptions = new DisposableStore();
  #tracker: CallSiteTracker | undefined;
  #loading: Promise<CallSiteTracker> | undefined;

  /** `load` gives what reads documents; it is called when the first one is read. */
  constructor(load: () => Promise<CallSiteTracker>, log: Log, onDidChangeFolders: vscode.Event<void>) {
    this.#load = load;
    this.#log = log;
    this.#subscriptions.add({ dispose: () => this.#tracker?.dispose() });
    this.#subscriptions.add(this.#changes);
    this.#subscriptions.add(this.#relinks);
    this.#subscriptions.add(onDidChangeFolders(() => void this.#relink()));
    this.#subscriptions.add(vscode.workspace.onDidOpenTextDocument((document) => this.#open(document)));
    this.#subscriptions.add(vscode.workspace.onDidCloseTextDocument((document) => this.#close(document)));
    this.#subscriptions.add(vscode.workspace.onDidCloseNotebookDocument(({ uri }) => this.#closeNotebook(uri.toString())));
    this.#subscriptions.add(vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0) this.#tracker?.change(document.uri.toString(), document.version, document.getText(), contentChanges);
    }));
  }

  /** Fires when a document was read and its call sites are not those known before. */
  readonly onDidChange = this.#changes.event;

  /** Fires when documents were read again because of what other files say. */
  readonly onDidRelink = this.#relinks.event;

  /** What was read last. */
  of(document: vscode.TextDocument): readonly CallSite[] {
    return this.#known.get(document.uri.toString()) ?? [];
  }

  /** The call sites of the document as it is now. Never rejects: a parser that does not load is logged. */
  async read(document: vscode.TextDocument): Promise<readonly CallSite[]> {
    const uri = document.uri.toString();
    try {
      const tracker = isSupported(document) ? await this.#loaded() : undefined;
      const notebook = tracker && notebookOf(document);
      const found = notebook ? await this.#inCell(tracker, notebook, document) : (await tracker?.callSites(uri))?.callSites ?? [];
      const known = this.#known.get(uri);
      this.#known.set(uri, found);
      if (known !== found && JSON.stringify(known?.map(({ key, keys }) => [key, keys]) ?? []) !== JSON.stringify(found.map(({ key, keys }) => [key, keys]))) this.#changes.fire(document);
      return found;
    } catch (error) {
      this.#log.error('Reading call sites', error);
      return [];
    }
  }

  /** The call sites of a notebook that is open, in the lines of the text that its cells make; not those of its file. */
  async readNotebook(notebook: vscode.NotebookDocument): Promise<readonly CallSite[]> {
    try {
      return await this.#inNotebook(await this.#loaded(), notebook, textOfNotebook(notebook).text);
    } catch (error) {
      this.#log.error('Reading call sites', error);
      return [];
    }
  }

  async #inCell(tracker: CallSiteTracker, notebook: vscode.NotebookDocument, document: vscode.TextDocument): Promise<readonly CallSite[]> {
    const text = textOfNotebook(notebook);
    const sites = await this.#inNotebook(tracker, notebook, text.text);
    return sitesInCell(sites, text, notebook.getCells().findIndex((cell) => cell.document === document));
  }

  async #inNotebook(tracker: CallSiteTracker, notebook: vscode.NotebookDocument, text: string): Promise<readonly CallSite[]> {
    const uri = notebook.uri.toString();
    const known = this.#notebooks.get(uri);
    if (known === undefined) tracker.open(uri, PYTHON_DOCUMENTS[0] ?? '', 0, text);
    else if (known.text !== text) tracker.change(uri, known.version + 1, text, []);
    if (known?.text !== text) this.#notebooks.set(uri, { text, version: (known?.version ?? -1) + 1 });
    return (await tracker.callSites(uri))?.callSites ?? [];
  }

  #closeNotebook(uri: string): void {
    this.#tracker?.close(uri);
    this.#notebooks.delete(uri);
  }

  async #relink(): Promise<void> {
    this.#tracker?.forgetAnswers();
    await Promise.all(vscode.window.visibleTextEditors.filter(({ document }) => isSupported(document)).map(({ document }) => this.read(document)));
    this.#relinks.fire();
  }

  /** The flag whose call the position is in, if its key is known. */
  flagAt(document: vscode.TextDocument, position: vscode.Position): string | undefined {
    const site = this.of(document).find(({ range }) => contains(range, position));
    return site === undefined || site.key.kind === 'dynamic' ? undefined : site.key.value;
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  /** A failure is not kept: the next document tries again. */
  #loaded(): Promise<CallSiteTracker> {
    return this.#loading ??= this.#load().then((tracker) => {
      this.#tracker = tracker;
      for (const document of vscode.workspace.textDocuments) this.#open(document);
      return tracker;
    }).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
  }

  #open(document: vscode.TextDocument): void {
    if (isSupported(document) && !notebookOf(document)) this.#tracker?.open(document.uri.toString(), document.languageId, document.version, document.getText());
  }

  #close(document: vscode.TextDocument): void {
    this.#tracker?.close(document.uri.toString());
    this.#known.delete(document.uri.toString());
  }
}

export function contains({ start, end }: Range, { line, character }: vscode.Position): boolean {
  const afterStart = line > start.line || (line === start.line && character >= start.character);
  const beforeEnd = line < end.line || (line === end.line && character <= end.character);
  return afterStart && beforeEnd;
}

function isSupported({ languageId }: vscode.TextDocument): boolean {
  return CALL_SITE_DOCUMENTS.includes(languageId);
}
