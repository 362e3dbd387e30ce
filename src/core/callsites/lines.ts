import type { Position, Range } from './model.ts';

/** Offsets (UTF-16 code units) at which the lines of a text start. */
export type LineStarts = readonly number[];

/** Lines end with LF, CRLF or a lone CR: the rule of VS Code's text documents. */
export function editorLineStarts(text: string): LineStarts {
  if (!text.includes('\r')) return newlineStarts(text);
  const starts = [0];
  for (const match of text.matchAll(/\r\n?|\n/g)) starts.push(match.index + match[0].length);
  return starts;
}

/** Lines end with LF alone: the rule of tree-sitter's points. */
export function newlineStarts(text: string): LineStarts {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** The line and column of an offset; an offset past the end is on the last line. */
export function positionAt(starts: LineStarts, offset: number): Position {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low, character: offset - (starts[low] ?? 0) };
}

export function rangeBetween(starts: LineStarts, start: number, end: number): Range {
  return { start: positionAt(starts, start), end: positionAt(starts, end) };
}
