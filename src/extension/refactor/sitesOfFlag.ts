import * as vscode from 'vscode';
import { detectOnce } from '../../core/callsites/detector.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import { pythonDetector } from '../../core/callsites/python/detector.ts';
import type { FlagSite, RefactorFile } from '../../core/refactor/model.ts';
import type { SyntaxParser } from '../../adapters/treeSitter/parser.ts';

/** The Python code of the workspace, and where a flag is evaluated in it. Files are named by their URIs. */
export interface FlagCode {
  readonly files: readonly RefactorFile[];
  readonly sites: readonly FlagSite[];
  /** Files that could not be read as text, or are too large to be written by hand. */
  readonly skipped: readonly vscode.Uri[];
}

const EXCLUDED = '**/{node_modules,.venv,venv,env,site-packages,__pycache__,.git,.tox,build,dist}/**';
const LARGEST = 2_000_000;

/** Reads documents as they stand in the editor and other files from disk. Undefined when it was cancelled. */
export async function sitesOfFlag(flag: string, parser: SyntaxParser, token: vscode.CancellationToken): Promise<FlagCode | undefined> {
  const open = new Map(vscode.workspace.textDocuments.filter(isPython).map((document) => [document.uri.toString(), document.getText()]));
  const uris = await vscode.workspace.findFiles('**/*.py', EXCLUDED, undefined, token);
  const files: RefactorFile[] = [];
  const skipped: vscode.Uri[] = [];
  for (const uri of [...uris, ...[...open.keys()].map((key) => vscode.Uri.parse(key, true))]) {
    const path = uri.toString();
    if (files.some((file) => file.path === path)) continue;
    if (token.isCancellationRequested) return undefined;
    const text = open.get(path) ?? await readText(uri);
    if (text === undefined || text.length > LARGEST) skipped.push(uri);
    else files.push({ path, text });
  }
  const sites = files.flatMap((file) => callSites(file.text, parser).map((site) => flagSite(file.path, site))).filter(({ keys }) => keys.length === 0 || keys.includes(flag));
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

function callSites(text: string, parser: SyntaxParser): readonly CallSite[] {
  if (!pythonDetector.mayHaveCallSites(text)) return [];
  const tree = parser.parse(text);
  try {
    return detectOnce(pythonDetector, { text, root: tree.root });
  } finally {
    tree.delete();
  }
}

function flagSite(file: string, { range, api, key, via }: CallSite): FlagSite {
  return key.kind === 'dynamic' ? { file, range, api, keys: [], via, reason: key.reason } : { file, range, api, keys: [key.value], via };
}
