import * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { CALL_SITE_DOCUMENTS, PYTHON_DOCUMENTS } from '../../core/callsites/languages.ts';
import type { CallSite, Range } from '../../core/callsites/model.ts';
import type { DocumentThread, OpenText } from '../../adapters/treeSitter/documentThread.ts';
import type { Log } from '../platform/log.ts';
import { notebookOf, sitesInCell, textOfNotebook } from './notebookCells.ts';

/**
 * The call sites of the documents that are open, read when something asks for them and once per version. The cells of a notebook are read
 * as one text, in their order.
 */
export class DocumentCallSites implements vscode.Disposable {
  readonly #thread: DocumentThread;
  readonly #log: Log;
  readonly #known = new Map<string, readonly CallSite[]>();
  readonly #notebooks = new Map<string, OpenNotebook>();
  readonly #changes = new vscode.EventEmitter<vscode.TextDocument>();
  readonly #relinks = new vscode.EventEmitter<void>();
  readonly #subscriptions = new DisposableStore();

  /** `thread` is disposed of with this. */
  constructor(thread: DocumentThread, log: Log, onDidChangeFolders: vscode.Event<void>) {
    this.#thread = this.#subscriptions.add(thread);
    this.#log = log;
    this.#subscriptions.add(this.#changes);
    this.#subscriptions.add(this.#relinks);
    this.#subscriptions.add(onDidChangeFolders(() => void this.#relink()));
    this.#subscriptions.add(vscode.workspace.onDidOpenTextDocument((document) => this.#open(document)));
    this.#subscriptions.add(vscode.workspace.onDidCloseTextDocument((document) => this.#close(document)));
    this.#subscriptions.add(vscode.workspace.onDidCloseNotebookDocument(({ uri }) => this.#closeNotebook(uri.toString())));
    this.#subscriptions.add(vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0) thread.change(document.uri.toString(), contentChanges);
    }));
    for (const document of vscode.workspace.textDocuments) this.#open(document);
    const ahead = setImmediate(() => void this.#readVisible());
    this.#subscriptions.add({ dispose: () => clearImmediate(ahead) });
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
      const notebook = notebookOf(document);
      const found = notebook ? await this.#inCell(notebook, document) : await this.#thread.callSites(uri) ?? [];
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
      return await this.#inNotebook(notebook, textOfNotebook(notebook).text);
    } catch (error) {
      this.#log.error('Reading call sites', error);
      return [];
    }
  }

  async #inCell(notebook: vscode.NotebookDocument, document: vscode.TextDocument): Promise<readonly CallSite[]> {
    const text = textOfNotebook(notebook);
    const sites = await this.#inNotebook(notebook, text.text);
    return sitesInCell(sites, text, notebook.getCells().findIndex((cell) => cell.document === document));
  }

  async #inNotebook(notebook: vscode.NotebookDocument, text: string): Promise<readonly CallSite[]> {
    const uri = notebook.uri.toString();
    const known = this.#notebooks.get(uri);
    const source = known ?? new OpenNotebook(text);
    if (known === undefined) {
      this.#notebooks.set(uri, source);
      this.#thread.open(uri, source);
    } else if (known.take(text)) {
      this.#thread.change(uri, []);
    }
    return await this.#thread.callSites(uri) ?? [];
  }

  #closeNotebook(uri: string): void {
    this.#thread.close(uri);
    this.#notebooks.delete(uri);
  }

  async #relink(): Promise<void> {
    this.#thread.forgetAnswers();
    await this.#readVisible();
    this.#relinks.fire();
  }

  /** At the start too, right after activation: VS Code is about to ask for the lenses of what it shows, and a thread takes its time to start. */
  async #readVisible(): Promise<void> {
    await Promise.all(vscode.window.visibleTextEditors.filter(({ document }) => isSupported(document)).map(({ document }) => this.read(document)));
  }

  /** The flag whose call the position is in, if its key is known. */
  flagAt(document: vscode.TextDocument, position: vscode.Position): string | undefined {
    const site = this.of(document).find(({ range }) => contains(range, position));
    return site === undefined || site.key.kind === 'dynamic' ? undefined : site.key.value;
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #open(document: vscode.TextDocument): void {
    if (isSupported(document) && !notebookOf(document)) this.#thread.open(document.uri.toString(), document);
  }

  #close(document: vscode.TextDocument): void {
    this.#thread.close(document.uri.toString());
    this.#known.delete(document.uri.toString());
  }
}

/** The Python of a notebook's cells, as one text. */
class OpenNotebook implements OpenText {
  readonly languageId = PYTHON_DOCUMENTS[0] ?? '';
  version = 0;
  #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  getText(): string {
    return this.#text;
  }

  /** Whether the text is another one. */
  take(text: string): boolean {
    if (text === this.#text) return false;
    this.#text = text;
    this.version += 1;
    return true;
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
