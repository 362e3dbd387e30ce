/** Notebooks as texts that a release is finished in, and the way back to their cells. */
import type { Position, Range } from '../callsites/model.ts';
import { notebookText, pythonLines } from '../callsites/notebookText.ts';
import { lineDiff, toReplacements } from './edits.ts';
import type { TextReplacement } from './model.ts';

/** Stands above each cell, to find the cells again: no program has it. */
const BORDER = '#| modelswitch: the next cell of the notebook';

/** Stands for a line that is no Python, which a blank line does not: those come and go. */
const FOREIGN = '#| modelswitch: a line of the notebook that is no Python';

/** The lines of a cell as they are worked on. */
function codeLines(source: string): readonly string[] {
  const lines = source.split(/\r\n|\r|\n/);
  return pythonLines(source).map((line, index) => (line === '' && lines[index]?.trim() !== '' ? FOREIGN : line));
}

/** Edits of the cell with this index. */
export interface CellEdits {
  readonly cell: number;
  readonly edits: readonly TextReplacement[];
}

export class NotebookCode {
  /** The Python of all cells as one text. */
  readonly text: string;
  readonly #cells: readonly (string | undefined)[];
  readonly #starts: readonly { readonly line: number; readonly cell: number }[];

  /** @param cells undefined for those that hold no Python */
  constructor(cells: readonly (string | undefined)[]) {
    this.#cells = cells;
    this.#starts = notebookText(cells).cells;
    this.text = `${cells.flatMap((cell) => (cell === undefined ? [] : [BORDER, ...codeLines(cell)])).join('\n')}\n`;
  }

  /** Whether the cells are those that it was made of. */
  isOf(cells: readonly (string | undefined)[]): boolean {
    return new NotebookCode(cells).text === this.text && cells.every((cell, index) => withoutReturns(cell) === withoutReturns(this.#cells[index]));
  }

  /** Where a range of the index's text of the notebook is in `text`. */
  rangeOf({ start, end }: Range): Range {
    const moved = ({ line, character }: Position): Position => ({ line: line + this.#starts.filter((each) => each.line <= line).length, character });
    return { start: moved(start), end: moved(end) };
  }

  /** The cell, by its index, and the line in it, of a line of `text`. */
  placeOf(line: number): { readonly cell: number; readonly line: number } {
    for (const [index, { line: start, cell }] of [...this.#starts.entries()].toReversed()) {
      if (line > start + index) return { cell: cell - 1, line: line - start - index - 1 };
    }
    return { cell: 0, line: 0 };
  }

  /** What leads to a text that `text` was changed into; undefined where that would touch what is no Python, or what it may read. */
  edits(after: string): readonly CellEdits[] | undefined {
    const pieces = piecesOf(after);
    if (pieces?.length !== this.#starts.length) return undefined;
    const found: CellEdits[] = [];
    const magicNames = new Set(this.#cells.flatMap((cell) => (cell === undefined ? [] : namesInMagics(cell))));
    for (const [index, { cell }] of this.#starts.entries()) {
      const edits = cellEdits(this.#cells[cell - 1] ?? '', pieces[index] ?? '', magicNames);
      if (edits === undefined) return undefined;
      if (edits.length > 0) found.push({ cell: cell - 1, edits });
    }
    return found;
  }
}

/** The texts below the borders; undefined when something stands above the first. */
function piecesOf(text: string): readonly string[] | undefined {
  const pieces: string[][] = [];
  for (const line of text.replace(/\n$/, '').split('\n')) {
    if (line === BORDER) pieces.push([]);
    else if (pieces.length > 0) pieces.at(-1)?.push(line);
    else if (line.trim() !== '') return undefined;
  }
  return pieces.map((lines) => lines.join('\n'));
}

function withoutReturns(text: string | undefined): string | undefined {
  return text?.replace(/\r\n?/g, '\n');
}

/** Edits of one cell; undefined where one would touch, or take a name from, a line that is no Python. */
function cellEdits(source: string, after: string, magicNames: ReadonlySet<string>): readonly TextReplacement[] | undefined {
  const lines = source.split(/\r\n|\r|\n/);
  const python = codeLines(source);
  const before = `${python.join('\n')}\n`;
  const edits = toReplacements(before, lineDiff(before, `${after}\n`));
  const isSafe = edits.every(({ range: { start, end }, text }) => {
    const kept = new Set(wordsIn(text));
    return python.slice(start.line, end.line).every((line, index) => line === lines[start.line + index] && !wordsIn(line).some((word) => magicNames.has(word) && !kept.has(word)));
  });
  return isSafe ? edits.map((edit) => withinCell(edit, lines)) : undefined;
}

/** The last line of a cell has no end: an edit of it takes the end of the line before. */
function withinCell(edit: TextReplacement, lines: readonly string[]): TextReplacement {
  const { range: { start, end }, text } = edit;
  if (end.line < lines.length) return edit;
  const last = { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 };
  const rest = text.replace(/\n$/, '');
  if (start.line === 0) return { range: { start, end: last }, text: rest };
  const line = start.line - 1;
  return { range: { start: { line, character: lines[line]?.length ?? 0 }, end: last }, text: text === '' ? '' : `\n${rest}` };
}

function wordsIn(text: string): readonly string[] {
  return text.match(/[\p{ID_Start}_][\p{ID_Continue}]*/gu) ?? [];
}

/** What magics may read of the program: `%prun predict(row)`, `!echo {KEY} $KEY`, `:KEY` in a cell of SQL. */
function namesInMagics(source: string): readonly string[] {
  const python = codeLines(source);
  const others = source.split(/\r\n|\r|\n/).filter((line, index) => line !== python[index]);
  return others.flatMap((line) => (/^\s*%/.test(line) ? wordsIn(line) : [...line.matchAll(/\{([^}]*)\}|[$:](\w+)/g)].flatMap(([, hole, name]) => wordsIn(hole ?? name ?? ''))));
}
