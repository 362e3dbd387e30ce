import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { lineAfter } from '../../core/refactor/edits.ts';
import { finishInNotebooks, type NotebookFinish } from '../../core/refactor/finishInNotebooks.ts';
import type { FinishResult, Keep, Leftover, TextReplacement } from '../../core/refactor/model.ts';
import type { CellEdits, NotebookCode } from '../../core/refactor/notebook.ts';
import type { SyntaxParser } from '../../adapters/treeSitter/parser.ts';
import { pythonCells } from '../callsites/notebookCells.ts';
import type { Connections } from '../connection/connections.ts';
import { Command } from '../ids.ts';
import { toRange } from './ranges.ts';
import { sitesOfFlag, type FlagCode, type FlagCodeParts } from './sitesOfFlag.ts';

export interface FinishParts extends FlagCodeParts {
  readonly connections: Connections;
  readonly loadParser: () => Promise<SyntaxParser>;
}

/** What was done, for tests; undefined when there was nothing to do, or the person did not want it. */
export type FinishOutcome = FinishResult | undefined;

/** Removes the switch of a flag from the code of the workspace, after the person has looked at it in the refactor preview. */
export async function finishFlag(parts: FinishParts, flag: string, keep: Keep): Promise<FinishOutcome> {
  const title = `Finish release of ${plainLine(flag)}: keep ${keep}`;
  const parser = await parts.loadParser();
  const code = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: `${title}...`, cancellable: true }, (_progress, token) => sitesOfFlag(flag, parts, token));
  if (code === undefined) return undefined;
  const sites = code.sites.filter(({ keys }) => keys.includes(flag));
  if (sites.length === 0) {
    void vscode.window.showInformationMessage(`No call of ${plainLine(flag)} was found in the Python files and notebooks of this workspace.${skippedWords(code)}`);
    return undefined;
  }
  const asksVariant = keep === 'candidate' && sites.some(({ api }) => api === 'get_variant');
  const variant = asksVariant ? await askVariant(parts.connections, flag) : '';
  if (variant === undefined) return undefined;
  const result = finishInNotebooks(code.files, code.notebooks, { flag, keep, ...variant === '' ? {} : { variant } }, code.sites, (text) => parser.parse(text));
  if (result.files.length === 0) {
    void report(parts, flag, result, code);
    return result;
  }
  if (!await vscode.workspace.applyEdit(await previewed(result, code, title), { isRefactoring: true })) return undefined;
  void report(parts, flag, result, code);
  return result;
}

const PREVIEW_LABEL = 'Look through the changes, then apply or discard them all (this entry changes nothing)';

/**
 * VS Code shows its preview when an edit needs a confirmation, and leaves such edits unchecked. The changes belong
 * together, so they come checked; what asks for the confirmation is an edit that inserts nothing.
 */
async function previewed({ files, cells }: NotebookFinish, { notebooks }: FlagCode, label: string): Promise<vscode.WorkspaceEdit> {
  const edit = new vscode.WorkspaceEdit();
  let isFirst = true;
  const add = (uri: vscode.Uri, edits: readonly TextReplacement[]): void => {
    if (isFirst) edit.insert(uri, new vscode.Position(0, 0), '', { needsConfirmation: true, label: PREVIEW_LABEL });
    isFirst = false;
    for (const { range, text } of edits) edit.replace(uri, toRange(range), text, { needsConfirmation: false, label });
  };
  for (const { file, edits } of files) {
    const uri = vscode.Uri.parse(file, true);
    const code = notebooks.get(file);
    if (!code) add(uri, edits);
    else for (const { document, edits: own } of await cellDocuments(uri, code, cells.get(file) ?? [])) add(document.uri, own);
  }
  return edit;
}

/** The documents of the cells that are edited. A notebook that is closed is opened without being shown; its change is not saved. */
async function cellDocuments(uri: vscode.Uri, code: NotebookCode, cells: readonly CellEdits[]): Promise<readonly { readonly document: vscode.TextDocument; readonly edits: readonly TextReplacement[] }[]> {
  const notebook = await vscode.workspace.openNotebookDocument(uri);
  if (!code.isOf(pythonCells(notebook))) throw new AppError('conflict', `${vscode.workspace.asRelativePath(uri)} changed meanwhile: nothing was written.`, { reason: 'changed' });
  return cells.map(({ cell, edits }) => ({ document: notebook.cellAt(cell).document, edits }));
}

/** The variant that stays; empty when the person leaves it open, undefined when the person gave up. */
async function askVariant(connections: Connections, flag: string): Promise<string | undefined> {
  const known = connections.all.flatMap(({ session }) => session?.store.snapshot?.flags.get(flag)?.environments ?? []).flatMap(({ strategies }) => strategies).flatMap(({ variants }) => variants.map(({ name }) => name));
  const other = 'None of these: leave the calls of get_variant';
  const items = [...[...new Set(known)].map((name) => ({ label: plainLine(name), name })), { label: other, name: '' }];
  return (await vscode.window.showQuickPick(items, { title: `Which variant of ${plainLine(flag)} stays?` }))?.name;
}

async function report(parts: FinishParts, flag: string, result: FinishResult, code: FlagCode): Promise<void> {
  const { files, left, removed } = result;
  const calls = left.filter(({ kind }) => kind === 'call').length;
  const rest = calls === 0 ? '' : ` ${count(calls, 'call')} left as ${calls === 1 ? 'it is' : 'they are'}.`;
  const show = left.length === 0 ? [] : [`Show What to Look At (${left.length})`];
  const connection = parts.connections.all.find(({ session }) => session?.store.snapshot?.flags.has(flag) === true);
  const archive = connection === undefined || calls > 0 ? [] : ['Archive Flag...'];
  const message = `${plainLine(flag)}: ${count(removed, 'call site')} removed in ${count(files.length, 'file')}.${rest}${skippedWords(code)}`;
  const chosen = await (calls === 0 ? vscode.window.showInformationMessage : vscode.window.showWarningMessage)(message, ...show, ...archive);
  if (chosen === undefined) return;
  if (chosen === show[0]) await showLeft(result, code);
  else await vscode.commands.executeCommand(Command.archiveFlag, { connection, flag });
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

function skippedWords({ skipped }: FlagCode): string {
  return skipped.length === 0 ? '' : ` ${count(skipped.length, 'file')} could not be read: ${skipped.slice(0, 3).map((uri) => vscode.workspace.asRelativePath(uri)).join(', ')}.`;
}

const KINDS: Record<Leftover['kind'], { readonly icon: string; readonly words: string }> = {
  call: { icon: 'warning', words: 'left as it is' },
  value: { icon: 'info', words: 'a value stays' },
  effect: { icon: 'info', words: 'a statement stays' },
  unused: { icon: 'info', words: 'not removed' },
};

/** A list of what was left, with the places; choosing one goes there, and the list comes back until it is closed. */
async function showLeft({ files, left }: FinishResult, { notebooks }: FlagCode): Promise<void> {
  const items = left.map((leftover) => {
    const edits = files.find(({ file }) => file === leftover.file)?.edits ?? [];
    const uri = vscode.Uri.parse(leftover.file, true);
    const { icon, words } = KINDS[leftover.kind];
    const place = notebooks.get(leftover.file)?.placeOf(leftover.range.start.line);
    const line = place?.line ?? lineAfter(edits, leftover.range.start.line);
    const name = `${vscode.workspace.asRelativePath(uri)}${place === undefined ? '' : `[${place.cell + 1}]`}`;
    return { label: `$(${icon}) ${name}:${line + 1}`, description: words, detail: plainLine(leftover.reason, 200), uri, line, cell: place?.cell };
  });
  const chosen = await vscode.window.showQuickPick(items, { title: 'Finish release: what to look at', matchOnDetail: true });
  if (chosen === undefined) return;
  if (chosen.cell === undefined) await vscode.window.showTextDocument(chosen.uri, { selection: new vscode.Range(chosen.line, 0, chosen.line, 0) });
  else await vscode.window.showNotebookDocument(await vscode.workspace.openNotebookDocument(chosen.uri), { selections: [new vscode.NotebookRange(chosen.cell, chosen.cell + 1)] });
}

/** The flag that a command without an argument is about. */
export async function pickFlagToFinish(connections: Connections, under: string | undefined): Promise<string | undefined> {
  if (under !== undefined) return under;
  const mapped = connections.targets.flatMap(({ models }) => models).flatMap(({ switches }) => switches.map(({ flag }) => flag));
  const known = connections.all.flatMap(({ session }) => [...session?.store.snapshot?.flags.keys() ?? []].toSorted());
  const flags = [...new Set([...mapped, ...known])];
  if (flags.length === 0) throw new AppError('validation', 'No flag is known here: put the cursor on a call of is_enabled, or connect to Unleash.');
  return vscode.window.showQuickPick(flags, { title: 'Finish the release of which flag?' });
}
