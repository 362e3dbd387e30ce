import * as vscode from 'vscode';
import type { SyntaxParser } from '../../adapters/treeSitter/parser.ts';
import { notebookText } from '../../core/callsites/notebookText.ts';
import type { Refused, WrapPart, Wrapped } from '../../core/refactor/wrap/wrapInSwitch.ts';
import { plainLine } from '../../core/base/words.ts';
import { contains, type DocumentCallSites } from '../callsites/documentCallSites.ts';
import { notebookOf, pythonCells } from '../callsites/notebookCells.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import { Command } from '../ids.ts';
import { toRange } from './ranges.ts';
import type * as refactoring from './refactoring.lazy.ts';

const WRAP = vscode.CodeActionKind.RefactorRewrite.append('modelswitch').append('wrap');
const SHADOW = vscode.CodeActionKind.RefactorRewrite.append('modelswitch').append('shadow');
const FINISH = vscode.CodeActionKind.RefactorRewrite.append('modelswitch').append('finish');
/** One action for each flag of `modelswitch.yaml`, up to this many. */
const MOST_FLAGS = 5;

type Refactoring = typeof refactoring & { readonly parser: SyntaxParser };

/** Offers to wrap a call in a model switch, to ask the candidate in the shadow of one, and to finish the release of the flag that a call asks for. */
export class SwitchActions implements vscode.CodeActionProvider {
  static readonly kinds: readonly vscode.CodeActionKind[] = [WRAP, SHADOW, FINISH];
  readonly #sites: DocumentCallSites;
  readonly #files: WorkspaceFiles;
  readonly #loadParser: () => Promise<SyntaxParser>;

  constructor(sites: DocumentCallSites, files: WorkspaceFiles, loadParser: () => Promise<SyntaxParser>) {
    this.#sites = sites;
    this.#files = files;
    this.#loadParser = loadParser;
  }

  async provideCodeActions(document: vscode.TextDocument, range: vscode.Range, { only, triggerKind }: vscode.CodeActionContext, token: vscode.CancellationToken): Promise<vscode.CodeAction[]> {
    const wants = (kind: vscode.CodeActionKind): boolean => only === undefined || only.contains(kind);
    const found = wants(FINISH) ? await this.#finishActions(document, range) : [];
    const isAsked = triggerKind === vscode.CodeActionTriggerKind.Invoke;
    if (wants(SHADOW) && document.languageId === 'python' && notebookOf(document) === undefined && document.lineAt(range.start.line).text.includes('is_enabled')) {
      const [parser, { addShadowCall }] = await Promise.all([this.#loadParser(), import('./refactoring.lazy.ts')]);
      const shadow = token.isCancellationRequested ? undefined : shadowAction(document, range, { parser, addShadowCall }, isAsked);
      if (shadow !== undefined) return [...found, shadow];
    }
    if (found.length > 0 || !wants(WRAP) || !mayBeCall(document, range)) return found;
    const [parser, computing] = await Promise.all([this.#loadParser(), import('./refactoring.lazy.ts')]);
    return token.isCancellationRequested ? [] : this.#wrapActions(document, range, { parser, ...computing }, isAsked);
  }

  async #finishActions(document: vscode.TextDocument, range: vscode.Range): Promise<vscode.CodeAction[]> {
    const site = (await this.#sites.read(document)).find((each) => contains(each.range, range.start));
    if (site === undefined || site.key.kind === 'dynamic') return [];
    const flag = site.key.value;
    return [['Candidate', Command.finishKeepCandidate] as const, ['Current', Command.finishKeepCurrent] as const].map(([arm, command]) => {
      const title = `Finish Release: Keep ${arm} (${plainLine(flag, 40)})...`;
      const action = new vscode.CodeAction(title, FINISH);
      action.command = { title, command, arguments: [{ flag }] };
      return action;
    });
  }

  /** What cannot be wrapped is told only to those who ask. */
  #wrapActions(document: vscode.TextDocument, range: vscode.Range, { parser, callAt, wrapInSwitch }: Refactoring, isAsked: boolean): vscode.CodeAction[] {
    // What stands below a cell runs later.
    const { text: above, lines } = textAbove(document);
    const text = above + document.getText();
    const selection = { start: above.length + document.offsetAt(range.start), end: above.length + document.offsetAt(range.end) };
    const tree = parser.parse(text);
    try {
      const source = { text, root: tree.root };
      if (callAt(source, selection) === undefined) return [];
      return this.#flagsFor(document).flatMap((flag) => {
        const result = inDocument(wrapInSwitch(source, selection, { flag }), lines);
        return result.kind === 'refused' && !isAsked ? [] : [wrapAction(document, flag, result)];
      });
    } finally {
      tree.delete();
    }
  }

  /** The flags of the models in `modelswitch.yaml`; undefined, for the person to write one, when it has none. */
  #flagsFor({ uri }: vscode.TextDocument): readonly (string | undefined)[] {
    const folder = vscode.workspace.getWorkspaceFolder(uri) ?? vscode.workspace.workspaceFolders?.[0];
    const models = folder === undefined ? [] : this.#files.of(folder)?.file.config?.models ?? [];
    const flags = [...new Set(models.flatMap(({ switches }) => switches.map(({ flag }) => flag)))].slice(0, MOST_FLAGS);
    return flags.length === 0 ? [undefined] : flags;
  }
}

/** What the cells above a cell of a notebook define; nothing for other documents. */
function textAbove(document: vscode.TextDocument): { readonly text: string; readonly lines: number } {
  const notebook = notebookOf(document);
  if (!notebook) return { text: '', lines: 0 };
  const index = notebook.getCells().findIndex((cell) => cell.document === document);
  const lines = notebookText(pythonCells(notebook).slice(0, index)).text;
  return { text: lines, lines: lines.split('\n').length - 1 };
}

function inDocument(result: Wrapped | Refused, lines: number): Wrapped | Refused {
  if (result.kind === 'refused') return result;
  const { start, end } = result.range;
  return { ...result, range: { start: { ...start, line: start.line - lines }, end: { ...end, line: end.line - lines } } };
}

/** Cheap: nothing is parsed while the cursor is where no call can be. */
function mayBeCall(document: vscode.TextDocument, range: vscode.Range): boolean {
  if (!range.isEmpty) return document.getText(range).trimEnd().endsWith(')');
  return /\.\s*\w+\s*\(/.test(document.lineAt(range.start.line).text);
}

function wrapAction(document: vscode.TextDocument, flag: string | undefined, result: Wrapped | Refused): vscode.CodeAction {
  const action = new vscode.CodeAction(flag === undefined ? 'Wrap in a Model Switch' : `Wrap in a Model Switch (${plainLine(flag, 40)})`, WRAP);
  if (result.kind === 'refused') {
    action.disabled = { reason: result.reason };
    return action;
  }
  action.edit = new vscode.WorkspaceEdit();
  action.edit.set(document.uri, [editOf(toRange(result.range), result.parts)]);
  return action;
}

/** What cannot be done is told only to those who ask. */
function shadowAction(document: vscode.TextDocument, range: vscode.Range, { parser, addShadowCall }: Pick<Refactoring, 'parser' | 'addShadowCall'>, isAsked: boolean): vscode.CodeAction | undefined {
  const text = document.getText();
  const tree = parser.parse(text);
  try {
    const result = addShadowCall({ text, root: tree.root }, { start: document.offsetAt(range.start), end: document.offsetAt(range.end) }, (code) => parser.parse(code));
    if (result === undefined || (result.kind === 'refused' && !isAsked)) return undefined;
    const action = new vscode.CodeAction('Add Shadow Call', SHADOW);
    if (result.kind === 'refused') {
      action.disabled = { reason: result.reason };
      return action;
    }
    action.edit = new vscode.WorkspaceEdit();
    action.edit.set(document.uri, result.insertions.map((each) => editOf(toRange(each.range), each.parts)));
    return action;
  } finally {
    tree.delete();
  }
}

function editOf(range: vscode.Range, parts: readonly WrapPart[]): vscode.TextEdit | vscode.SnippetTextEdit {
  if (parts.every((part) => typeof part === 'string')) return new vscode.TextEdit(range, parts.join(''));
  const snippet = new vscode.SnippetString();
  for (const part of parts) {
    if (typeof part === 'string') snippet.appendText(part);
    else if (part.placeholder === '') snippet.appendTabstop();
    else snippet.appendPlaceholder(part.placeholder);
  }
  const edit = new vscode.SnippetTextEdit(range, snippet);
  // The text is indented as it must be; strings of several lines must not be touched.
  edit.keepWhitespace = true;
  return edit;
}
