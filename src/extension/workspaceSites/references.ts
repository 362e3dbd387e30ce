import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import type { FlagSite } from '../../core/callsites/siteCatalog.ts';
import type { Connection } from '../connection/connection.ts';
import { contains, type DocumentCallSites } from '../callsites/documentCallSites.ts';
import { locationOf } from './sitePlaces.ts';
import type { WorkspaceSites } from './workspaceSites.ts';

/** The places of so many closed notebooks are made exact, by opening them in the background. */
const MOST_NOTEBOOKS = 20;

/** Where a flag is asked for: the keys of the calls, or their names where a call has no key of its own. */
export async function callSiteLocations(sites: WorkspaceSites, flag: string, connection?: Connection): Promise<vscode.Location[]> {
  const found = sites.of(flag, connection);
  const notebooks = new Set(found.flatMap(({ file, cells }) => (cells === undefined ? [] : [file])));
  await Promise.all([...notebooks].slice(0, MOST_NOTEBOOKS).map((file) => vscode.workspace.openNotebookDocument(vscode.Uri.parse(file, true)).then(undefined, () => undefined)));
  return found.map((each) => locationOf(each, each.site.keyRange ?? each.site.nameRange));
}

/** Opens the file of a call site, or its notebook's cell, with the call selected. */
export async function openCallSite(found: FlagSite): Promise<void> {
  const { uri, range } = await exactLocation(found);
  if (uri.scheme !== 'vscode-notebook-cell') {
    await vscode.window.showTextDocument(uri, { selection: range });
    return;
  }
  const notebook = vscode.workspace.notebookDocuments.find((each) => each.uri.toString() === found.file);
  const index = notebook?.getCells().findIndex(({ document }) => document.uri.toString() === uri.toString()) ?? -1;
  if (notebook === undefined || index < 0) return;
  await vscode.window.showNotebookDocument(notebook, { selections: [new vscode.NotebookRange(index, index + 1)] });
}

async function exactLocation(found: FlagSite): Promise<vscode.Location> {
  if (found.cells !== undefined) await vscode.workspace.openNotebookDocument(vscode.Uri.parse(found.file, true));
  return locationOf(found, found.site.range);
}

/** Opens the references peek with the call sites of a flag, at the cursor when it is on one of them. */
export async function peekCallSites(sites: WorkspaceSites, flag: string, connection?: Connection): Promise<void> {
  if (sites.state() !== 'complete') {
    await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: `Looking for call sites of ${plainLine(flag)}...`, cancellable: true }, (_progress, token) => sites.search(token));
  }
  const locations = await callSiteLocations(sites, flag, connection);
  const [first] = locations;
  if (first === undefined) {
    const state = sites.state(connection);
    const rest = state === 'complete' ? '' : state === 'failed' ? ' The code could not be read whole: see the log.' : ' The code is still being read.';
    void vscode.window.showInformationMessage(`No call site of ${plainLine(flag)} was found in the code of this workspace.${rest}`);
    return;
  }
  const editor = vscode.window.activeTextEditor;
  const here = editor && locations.find(({ uri, range }) => uri.toString() === editor.document.uri.toString() && range.start.line === editor.selection.active.line);
  const anchor = here ?? first;
  await vscode.commands.executeCommand('editor.action.showReferences', anchor.uri, anchor.range.start, locations);
}

/** Shift+F12 on the key of a call, on the constant that holds it, or on its text where that stands: the call sites of the flag. */
export class FlagReferences implements vscode.ReferenceProvider {
  readonly #sites: WorkspaceSites;
  readonly #documents: DocumentCallSites;

  constructor(sites: WorkspaceSites, documents: DocumentCallSites) {
    this.#sites = sites;
    this.#documents = documents;
  }

  async provideReferences(document: vscode.TextDocument, position: vscode.Position, { includeDeclaration }: vscode.ReferenceContext, token: vscode.CancellationToken): Promise<vscode.Location[]> {
    await this.#sites.search(token);
    const site = (await this.#documents.read(document)).find(({ keyRange }) => keyRange !== undefined && contains(keyRange, position));
    const flags = site?.keys.map(({ value }) => value) ?? this.#definedAt(document, position);
    const locations = await Promise.all(flags.map((flag) => callSiteLocations(this.#sites, flag)));
    return [...includeDeclaration ? this.#definitions(flags) : [], ...locations.flat()];
  }

  /** Flags whose constant is named at the position, or whose key stands there in quotes. */
  #definedAt(document: vscode.TextDocument, position: vscode.Position): readonly string[] {
    const quoted = document.getWordRangeAtPosition(position, /(["'`])[\w.~!*()-]+\1/);
    const text = quoted === undefined ? undefined : document.getText(quoted).slice(1, -1);
    if (text !== undefined) return this.#sites.count(text).calls > 0 ? [text] : [];
    const file = document.uri.toString();
    return [...new Set(this.#sites.folders().flatMap((folder) => [...this.#sites.catalog(folder).keys].filter((flag) =>
      this.#definitionsIn(folder, flag).some(({ uri, range }) => uri.toString() === file && range.contains(position)))))];
  }

  #definitions(flags: readonly string[]): vscode.Location[] {
    const found = flags.flatMap((flag) => this.#sites.folders().flatMap((folder) => this.#definitionsIn(folder, flag)));
    return [...new Map(found.map((each) => [JSON.stringify([each.uri.toString(), each.range]), each])).values()];
  }

  #definitionsIn(folder: vscode.WorkspaceFolder, flag: string): vscode.Location[] {
    return this.#sites.catalog(folder).of(flag).flatMap(({ site }) => definitionsOf(site, flag)).filter(({ path }) => path !== '' && !path.endsWith('.ipynb')).map(({ path, range: { start, end } }) =>
      new vscode.Location(vscode.Uri.joinPath(folder.uri, path), new vscode.Range(start.line, start.character, end.line, end.character)));
  }
}

function definitionsOf({ keys }: CallSite, flag: string): NonNullable<CallSite['keys'][number]['definition']>[] {
  return keys.flatMap(({ value, definition }) => (value === flag && definition !== undefined ? [definition] : []));
}
