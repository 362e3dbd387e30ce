import * as vscode from 'vscode';
import type { WorkspaceFile } from '../../core/workspace/config.ts';
import { DisposableStore } from '../../core/base/events.ts';
import type * as reader from './workspaceFile.lazy.ts';

export const CONFIGURATION_FILE = 'modelswitch.yaml';

export interface LoadedFile {
  readonly uri: vscode.Uri;
  readonly file: WorkspaceFile;
  /** What read it: its checks are there as soon as a file is. */
  readonly reader: WorkspaceFileReader;
}

export type WorkspaceFileReader = typeof reader;

/** One text, and what it says; no text of a file that is too large to be read. */
interface Read {
  readonly text: string | undefined;
  readonly loaded: LoadedFile;
}

interface BothTexts {
  readonly shown: Read | undefined;
  readonly saved: Read | undefined;
}

/**
 * The `modelswitch.yaml` of every workspace folder, twice: as it is saved, and as it stands in the editor. Whoever decides about production goes by what is saved, as the command line and every other window do: a number that is
 * half typed is nobody's wish. Problems, completion and what helps while writing go by the editor.
 */
export class WorkspaceFiles implements vscode.Disposable {
  readonly #files = new Map<string, BothTexts>();
  /** How often each folder's file was begun to be read: of two readings the later one counts, whichever ends first. */
  readonly #readings = new Map<string, number>();
  readonly #changes = new vscode.EventEmitter<void>();
  readonly #parts = new DisposableStore();
  #ready: Promise<void>;

  constructor() {
    const watcher = this.#parts.add(vscode.workspace.createFileSystemWatcher(`**/${CONFIGURATION_FILE}`));
    const reload = (uri: vscode.Uri): void => void this.#reload(uri);
    this.#parts.add(watcher.onDidChange(reload));
    this.#parts.add(watcher.onDidCreate(reload));
    this.#parts.add(watcher.onDidDelete(reload));
    this.#parts.add(vscode.workspace.onDidChangeTextDocument(({ document }) => reload(document.uri)));
    this.#parts.add(vscode.workspace.onDidSaveTextDocument(({ uri }) => reload(uri)));
    // What was not saved is gone with it.
    this.#parts.add(vscode.workspace.onDidCloseTextDocument(({ uri }) => reload(uri)));
    this.#parts.add(vscode.workspace.onDidChangeWorkspaceFolders(() => void (this.#ready = this.#reloadAll())));
    this.#parts.add(this.#changes);
    this.#ready = this.#reloadAll();
  }

  readonly onDidChange = this.#changes.event;

  /** Resolves when every folder's file has been looked for. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** As it stands in the editor, or else on disk: for what helps while writing. */
  of(folder: vscode.WorkspaceFolder): LoadedFile | undefined {
    return this.#files.get(folder.uri.toString())?.shown?.loaded;
  }

  /** As it stands on disk: for what decides, changes or connects. */
  saved(folder: vscode.WorkspaceFolder): LoadedFile | undefined {
    return this.#files.get(folder.uri.toString())?.saved?.loaded;
  }

  dispose(): void {
    this.#parts.dispose();
  }

  async #reloadAll(): Promise<void> {
    this.#files.clear();
    await Promise.all((vscode.workspace.workspaceFolders ?? []).map((folder) => this.#load(folder)));
    this.#changes.fire();
  }

  async #reload(uri: vscode.Uri): Promise<void> {
    const folder = (vscode.workspace.workspaceFolders ?? []).find((candidate) => configurationUri(candidate).toString() === uri.toString());
    if (folder === undefined) return;
    await this.#load(folder);
    this.#changes.fire();
  }

  async #load(folder: vscode.WorkspaceFolder): Promise<void> {
    const key = folder.uri.toString();
    const reading = (this.#readings.get(key) ?? 0) + 1;
    this.#readings.set(key, reading);
    const both = await bothTexts(configurationUri(folder), this.#files.get(key));
    if (this.#readings.get(key) !== reading) return;
    if (both === undefined) this.#files.delete(key);
    else this.#files.set(key, both);
  }
}

export function configurationUri(folder: vscode.WorkspaceFolder): vscode.Uri {
  return vscode.Uri.joinPath(folder.uri, CONFIGURATION_FILE);
}

/** What is the same text as before stays the same object. */
async function bothTexts(uri: vscode.Uri, before: BothTexts | undefined): Promise<BothTexts | undefined> {
  const size = await sizeOnDisk(uri);
  if (size === undefined && openDocument(uri) === undefined) return undefined;
  const reader = await import('./workspaceFile.lazy.ts');
  const known = [before?.saved, before?.shown];
  const read = (text: string): Read => {
    const same = known.find((each) => each?.text === text) ?? { text, loaded: { uri, reader, file: reader.loadWorkspaceFile(text) } };
    known.push(same);
    return same;
  };
  const tooLarge = (): Read => ({ text: undefined, loaded: { uri, reader, file: reader.tooLargeFile() } });
  const text = size === undefined || size > reader.LARGEST_BYTES ? undefined : await textOnDisk(uri);
  const saved = text !== undefined ? read(text) : size !== undefined && size > reader.LARGEST_BYTES ? tooLarge() : undefined;
  // Looked for last: it may have been opened, closed or changed meanwhile.
  const open = openDocument(uri);
  const shown = open === undefined ? saved : read(open.getText());
  return shown === undefined && saved === undefined ? undefined : { shown, saved };
}

function openDocument(uri: vscode.Uri): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
}

/** In bytes; undefined for what is no file: a repository may hold a link to a device, which never ends. */
async function sizeOnDisk(uri: vscode.Uri): Promise<number | undefined> {
  try {
    const { type, size } = await vscode.workspace.fs.stat(uri);
    return (type & vscode.FileType.File) === 0 ? undefined : size;
  } catch {
    return undefined;
  }
}

async function textOnDisk(uri: vscode.Uri): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch {
    return undefined;
  }
}
