import * as vscode from 'vscode';
import type { CallSite } from '../../core/callsites/model.ts';
import { flagSites } from '../../core/refactor/flagSites.ts';
import type { FlagSite, RefactorFile } from '../../core/refactor/model.ts';
import { NotebookCode } from '../../core/refactor/notebook.ts';
import { readCells } from '../../adapters/workspaceIndex/notebook.ts';
import type { DocumentCallSites } from '../callsites/documentCallSites.ts';
import type { FolderIndexes } from '../callsites/folderIndexes.ts';
import { pythonCells } from '../callsites/notebookCells.ts';

/** The Python code of the workspace, and where a flag is evaluated in it. Files are named by their URIs. */
export interface FlagCode {
  readonly files: readonly RefactorFile[];
  /** Those of the files that are notebooks. */
  readonly notebooks: ReadonlyMap<string, NotebookCode>;
  readonly sites: readonly FlagSite[];
  /** Files that could not be read as text, or are too large to be written by hand. */
  readonly skipped: readonly vscode.Uri[];
}

export interface FlagCodeParts {
  readonly indexes: FolderIndexes;
  readonly sites: DocumentCallSites;
}

const EXCLUDED = '**/{node_modules,.venv,venv,env,site-packages,__pycache__,.git,.tox,build,dist}/**';
const LARGEST = 2_000_000;
/** Notebooks hold pictures too. */
const LARGEST_NOTEBOOK = 20_000_000;

/**
 * Reads documents and notebooks as they stand in the editor and other files from disk. Call sites come from the index of their folder; a
 * document in no folder is looked at by itself. Undefined when it was cancelled.
 */
export async function sitesOfFlag(flag: string, { indexes, sites: documents }: FlagCodeParts, token: vscode.CancellationToken): Promise<FlagCode | undefined> {
  const open = vscode.workspace.textDocuments.filter(isPython);
  const openNotebooks = vscode.workspace.notebookDocuments.filter(({ uri }) => isReadable(uri));
  // The index knows what stands in the editor of the documents that were read.
  const read = new Map(await Promise.all([
    ...open.map(async (document) => [document.uri.toString(), await documents.read(document)] as const),
    ...openNotebooks.map(async (notebook) => [notebook.uri.toString(), await documents.readNotebook(notebook)] as const),
  ]));
  const indexed = await indexes.sites(token);
  const reading = new Reading(open, openNotebooks);
  const uris = await vscode.workspace.findFiles('**/*.{py,ipynb}', EXCLUDED, undefined, token);
  for (const uri of new Map([...uris, ...open.map((document) => document.uri), ...openNotebooks.map((notebook) => notebook.uri)].map((each) => [each.toString(), each])).values()) {
    if (token.isCancellationRequested) return undefined;
    await reading.take(uri);
  }
  const { files, notebooks, skipped } = reading;
  const known = new Set(files.map(({ path }) => path));
  for (const [path, sites] of indexed) if (!known.has(path) && asks(sites, flag)) files.push({ path, text: '', frozen: frozenWords(path) });
  const sites = files.flatMap(({ path }) => sitesIn(path, flag, read, indexed)).map((site) => inBorders(site, notebooks));
  return { files, notebooks, sites, skipped };
}

class Reading {
  readonly files: RefactorFile[] = [];
  readonly notebooks = new Map<string, NotebookCode>();
  readonly skipped: vscode.Uri[] = [];
  readonly #texts: ReadonlyMap<string, string>;
  readonly #cells: ReadonlyMap<string, readonly (string | undefined)[]>;

  constructor(open: readonly vscode.TextDocument[], openNotebooks: readonly vscode.NotebookDocument[]) {
    this.#texts = new Map(open.map((document) => [document.uri.toString(), document.getText()]));
    this.#cells = new Map(openNotebooks.map((notebook) => [notebook.uri.toString(), pythonCells(notebook)]));
  }

  async take(uri: vscode.Uri): Promise<void> {
    const path = uri.toString();
    if (this.#cells.has(path) || uri.path.endsWith('.ipynb')) return this.#takeNotebook(uri);
    const text = this.#texts.get(path) ?? await readText(uri);
    if (text === undefined || text.length > LARGEST) this.skipped.push(uri);
    else this.files.push({ path, text });
  }

  async #takeNotebook(uri: vscode.Uri): Promise<void> {
    const path = uri.toString();
    const cells = this.#cells.get(path) ?? await cellsIn(uri);
    if (cells === undefined) { this.skipped.push(uri); return; }
    const code = new NotebookCode(cells);
    this.notebooks.set(path, code);
    this.files.push({ path, text: code.text });
  }
}

function sitesIn(path: string, flag: string, read: ReadonlyMap<string, readonly CallSite[]>, indexed: ReadonlyMap<string, readonly CallSite[]>): readonly FlagSite[] {
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.parse(path, true));
  // A document by itself is all there is: every path means it.
  if (folder === undefined) return flagSites(path, read.get(path) ?? [], flag, () => path);
  return flagSites(path, indexed.get(path) ?? [], flag, (within) => vscode.Uri.joinPath(folder.uri, within).toString());
}

/** A call site of a notebook, or through one, in the text that is worked on. */
function inBorders(site: FlagSite, notebooks: ReadonlyMap<string, NotebookCode>): FlagSite {
  const rangeIn = (file: string, range: FlagSite['range']): FlagSite['range'] => notebooks.get(file)?.rangeOf(range) ?? range;
  const wrappers = site.wrappers?.map(({ file, definition, inner }) => ({ file, definition: rangeIn(file, definition), inner: rangeIn(file, inner) }));
  return { ...site, range: rangeIn(site.file, site.range), ...wrappers ? { wrappers } : {} };
}

function asks(sites: readonly CallSite[], flag: string): boolean {
  return sites.some(({ keys }) => keys.some(({ value }) => value === flag));
}

function frozenWords(path: string): string {
  const [, language] = /\.[cm]?([jt])sx?$/.exec(path) ?? [];
  return language === undefined ? 'its file could not be read' : `it is ${language === 't' ? 'TypeScript' : 'JavaScript'}: only Python is rewritten`;
}

function isReadable({ scheme }: vscode.Uri): boolean {
  return scheme === 'file' || scheme === 'untitled' || scheme === 'vscode-remote';
}

function isPython({ languageId, uri }: vscode.TextDocument): boolean {
  return languageId === 'python' && isReadable(uri);
}

async function cellsIn(uri: vscode.Uri): Promise<readonly (string | undefined)[] | undefined> {
  const json = await readText(uri);
  if (json === undefined || json.length > LARGEST_NOTEBOOK) return undefined;
  try {
    return readCells(json);
  } catch {
    return undefined;
  }
}

async function readText(uri: vscode.Uri): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await vscode.workspace.fs.readFile(uri));
  } catch {
    return undefined;
  }
}
