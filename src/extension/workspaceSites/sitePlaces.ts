import * as vscode from 'vscode';
import type { Range } from '../../core/callsites/model.ts';
import type { FlagSite } from '../../core/callsites/siteCatalog.ts';
import { placeOfSite } from '../../core/callsites/siteWords.ts';

/** `service.py:12`, `explore.ipynb[2]:3`. */
export function siteLabel(found: FlagSite): string {
  const { cell, line } = placeOfSite(found);
  const name = found.file.slice(found.file.lastIndexOf('/') + 1);
  return `${decodeURIComponent(name)}${cell === undefined ? '' : `[${cell}]`}:${line}`;
}

/** Where a range of a call site is. The cells of a notebook that is not open have no place of their own: then it is the notebook as a whole. */
export function locationOf({ file, cells }: Pick<FlagSite, 'file' | 'cells'>, { start, end }: Range): vscode.Location {
  const uri = vscode.Uri.parse(file, true);
  const cell = cells?.findLast(({ line }) => line <= start.line);
  if (cell === undefined) return new vscode.Location(uri, new vscode.Range(start.line, start.character, end.line, end.character));
  const notebook = vscode.workspace.notebookDocuments.find((each) => each.uri.toString() === file);
  if (notebook === undefined || cell.cell > notebook.cellCount) return new vscode.Location(uri, new vscode.Position(0, 0));
  return new vscode.Location(notebook.cellAt(cell.cell - 1).document.uri, new vscode.Range(start.line - cell.line, start.character, end.line - cell.line, end.character));
}
