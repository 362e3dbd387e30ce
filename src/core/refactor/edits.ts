import { editorLineStarts, rangeBetween, type LineStarts } from '../callsites/lines.ts';
import type { Position } from '../callsites/model.ts';
import type { Span } from '../callsites/syntax.ts';
import type { TextReplacement } from './model.ts';

/** Puts `text` in the place of a span; spans count UTF-16 code units. */
export interface SpanEdit extends Span {
  readonly text: string;
}

/** The text after edits that do not overlap, in any order. */
export function applySpanEdits(text: string, edits: readonly SpanEdit[]): string {
  let result = '';
  let from = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    result += text.slice(from, edit.start) + edit.text;
    from = edit.end;
  }
  return result + text.slice(from);
}

export function offsetAt(starts: LineStarts, { line, character }: Position): number {
  return (starts[line] ?? 0) + character;
}

export function toReplacements(text: string, edits: readonly SpanEdit[]): readonly TextReplacement[] {
  const lines = editorLineStarts(text);
  return edits.map((edit) => ({ range: rangeBetween(lines, edit.start, edit.end), text: edit.text }));
}

/** Where a line of the text before the edits is after them; a line that an edit replaced, where the replacement starts. */
export function lineAfter(edits: readonly TextReplacement[], line: number): number {
  let moved = line;
  for (const { range: { start, end }, text } of edits) {
    const lines = text.split(/\r\n|\r|\n/).length - 1;
    if (end.line <= line) moved += lines - (end.line - start.line);
    else if (start.line <= line) moved += Math.min(0, lines - 1 - (line - start.line));
  }
  return Math.max(0, moved);
}

/** Lines with their endings; `''.join` gives the text again. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
}

/** Edits of whole lines that lead from one text to another, as few lines as possible. */
export function lineDiff(before: string, after: string): readonly SpanEdit[] {
  const old = linesOf(before);
  const fresh = linesOf(after);
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < fresh.length - head && old[old.length - 1 - tail] === fresh[fresh.length - 1 - tail]) tail += 1;
  const kept = commonLines(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail));
  const pairs = [...kept.map(([a, b]) => [a + head, b + head] as const), [old.length - tail, fresh.length - tail] as const];
  const edits: SpanEdit[] = [];
  const offsets = [0];
  for (const line of old) offsets.push((offsets.at(-1) ?? 0) + line.length);
  let [oldAt, newAt] = [head, head];
  for (const [a, b] of pairs) {
    if (a > oldAt || b > newAt) edits.push({ start: offsets[oldAt] ?? 0, end: offsets[a] ?? before.length, text: fresh.slice(newAt, b).join('') });
    [oldAt, newAt] = [a + 1, b + 1];
  }
  return edits;
}

/** Beyond this many cells a table of lines costs more than a coarse edit is worth. */
const MAX_CELLS = 4_000_000;

/** A longest common subsequence, as pairs of indices. */
function commonLines(a: readonly string[], b: readonly string[]): readonly (readonly [number, number])[] {
  if (a.length * b.length === 0 || a.length * b.length > MAX_CELLS) return [];
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return pairs;
}
