import * as vscode from 'vscode';
import { PYTHON_DOCUMENTS } from '../../core/callsites/languages.ts';
import type { CallSite, Range } from '../../core/callsites/model.ts';
import { notebookText, type NotebookText } from '../../core/callsites/notebookText.ts';

const CELL = 'vscode-notebook-cell';

/** The notebook of which a document is a cell that holds Python. */
export function notebookOf(document: vscode.TextDocument): vscode.NotebookDocument | undefined {
  if (document.uri.scheme !== CELL || !PYTHON_DOCUMENTS.includes(document.languageId)) return undefined;
  return vscode.workspace.notebookDocuments.find((notebook) => notebook.getCells().some((cell) => cell.document === document));
}

/** The Python of the cells, undefined for cells that hold none. */
export function pythonCells(notebook: vscode.NotebookDocument): readonly (string | undefined)[] {
  return notebook.getCells().map(({ kind, document }) => (kind === vscode.NotebookCellKind.Code && PYTHON_DOCUMENTS.includes(document.languageId) ? document.getText() : undefined));
}

export function textOfNotebook(notebook: vscode.NotebookDocument): NotebookText {
  return notebookText(pythonCells(notebook));
}

/** The call sites of one cell, in its own lines, of those of its notebook. */
export function sitesInCell(sites: readonly CallSite[], { cells }: NotebookText, index: number): readonly CallSite[] {
  const at = cells.findIndex(({ cell }) => cell === index + 1);
  const start = cells[at]?.line;
  if (start === undefined) return [];
  const end = cells[at + 1]?.line ?? Infinity;
  return sites.filter(({ range }) => range.start.line >= start && range.start.line < end).map((site) => {
    const { range, nameRange, keyRange } = site;
    return { ...site, range: moved(range, start), nameRange: moved(nameRange, start), keyRange: keyRange && moved(keyRange, start) };
  });
}

function moved({ start, end }: Range, lines: number): Range {
  return { start: { ...start, line: start.line - lines }, end: { ...end, line: end.line - lines } };
}
