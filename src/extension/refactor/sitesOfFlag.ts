import * as vscode from 'vscode';
import type { CallSite } from '../../core/callsites/model.ts';
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
  const isAlone = (path: string): boolean => vscode.workspace.getWorkspaceFolder(vscode.Uri.parse(path, true)) === undefined;
  const sites = files.flatMap(({ path }) => ((isAlone(path) ? read : indexed).get(path) ?? []).flatMap((site) => flagSite(path, site, flag)));
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

/** A call that asks for the flag, or may. */
function flagSite(file: string, { range, api, key, keys, via }: CallSite, flag: string): FlagSite[] {
  if (key.kind === 'dynamic') return [{ file, range, api, keys: [], via, reason: key.reason }];
  const values = keys.map(({ value }) => value);
  return values.includes(flag) ? [{ file, range, api, keys: values, via }] : [];
}
