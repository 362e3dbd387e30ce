import * as vscode from 'vscode';
import { flagSites } from '../../core/refactor/flagSites.ts';
import type { FlagSite, RefactorFile } from '../../core/refactor/model.ts';
import type { DocumentCallSites } from '../callsites/documentCallSites.ts';
import type { FolderIndexes } from '../callsites/folderIndexes.ts';

/** The Python code of the workspace, and where a flag is evaluated in it. Files are named by their URIs. */
export interface FlagCode {
  readonly files: readonly RefactorFile[];
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

/**
 * Reads documents as they stand in the editor and other files from disk. Call sites come from the index of their folder; a document
 * in no folder is looked at by itself. Undefined when it was cancelled.
 */
export async function sitesOfFlag(flag: string, { indexes, sites: documents }: FlagCodeParts, token: vscode.CancellationToken): Promise<FlagCode | undefined> {
  const open = vscode.workspace.textDocuments.filter(isPython);
  // The index knows what stands in the editor of the documents that were read.
  const read = new Map(await Promise.all(open.map(async (document) => [document.uri.toString(), await documents.read(document)] as const)));
  const indexed = await indexes.sites();
  const texts = new Map(open.map((document) => [document.uri.toString(), document.getText()]));
  const uris = await vscode.workspace.findFiles('**/*.py', EXCLUDED, undefined, token);
  const files: RefactorFile[] = [];
  const skipped: vscode.Uri[] = [];
  for (const [path, uri] of new Map([...uris, ...open.map((document) => document.uri)].map((each) => [each.toString(), each]))) {
    if (token.isCancellationRequested) return undefined;
    const text = texts.get(path) ?? await readText(uri);
    if (text === undefined || text.length > LARGEST) skipped.push(uri);
    else files.push({ path, text });
  }
  const sites = files.flatMap(({ path }) => {
    const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.parse(path, true));
    // A document by itself is all there is: every path means it.
    if (folder === undefined) return flagSites(path, read.get(path) ?? [], flag, () => path);
    const fileOf = (within: string): string => vscode.Uri.joinPath(folder.uri, within).toString();
    return flagSites(path, indexed.get(path) ?? [], flag, fileOf);
  });
  return { files, sites, skipped };
}

function isPython({ languageId, uri }: vscode.TextDocument): boolean {
  return languageId === 'python' && (uri.scheme === 'file' || uri.scheme === 'untitled' || uri.scheme === 'vscode-remote');
}

async function readText(uri: vscode.Uri): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await vscode.workspace.fs.readFile(uri));
  } catch {
    return undefined;
  }
}
