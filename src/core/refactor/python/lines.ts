/** Lines and indentation of a Python text. Offsets count UTF-16 code units; lines end with LF, CRLF or a lone CR. */
import type { Span, SyntaxNode, Source } from '../../callsites/syntax.ts';

export function lineStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && text[start - 1] !== '\n' && text[start - 1] !== '\r') start -= 1;
  return start;
}

/** Where the characters of a line end, before its line ending. */
export function lineEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && text[end] !== '\n' && text[end] !== '\r') end += 1;
  return end;
}

/** Where the next line starts. */
export function nextLine(text: string, at: number): number {
  const end = lineEnd(text, at);
  if (text[end] === '\r' && text[end + 1] === '\n') return end + 2;
  return Math.min(end + 1, text.length);
}

export function indentationAt(text: string, at: number): string {
  return /^[ \t\f]*/.exec(text.slice(lineStart(text, at), at))?.[0] ?? '';
}

/** The line ending that a text uses. */
export function newlineOf(text: string): string {
  return /\r\n|\r|\n/.exec(text)?.[0] ?? '\n';
}

export function startsItsLine(text: string, at: number): boolean {
  return text.slice(lineStart(text, at), at).trim() === '';
}

/** Whether nothing but blanks and a comment follows on the line. */
export function endsItsLine(text: string, at: number): boolean {
  return /^[ \t\f]*(?:;[ \t\f]*)?(?:#.*)?$/.test(text.slice(at, lineEnd(text, at)));
}

const STRINGS: ReadonlySet<string> = new Set(['string', 'concatenated_string']);

/** Whether an offset lies inside a string literal, so that the characters there are its value. */
export function isInString({ root }: Source, at: number): boolean {
  let node: SyntaxNode | null = root.namedDescendantForIndex(at, at);
  while (node) {
    if (node.type === 'string' && node.startIndex < at && node.endIndex > at) return true;
    if (!STRINGS.has(node.type) && node.type === 'block') return false;
    node = node.parent;
  }
  return false;
}

/** The whole lines of a span with another indentation. Lines that start inside a string literal stay as they are. */
export function reindented(source: Source, span: Span, from: string, to: string): string {
  if (from === to) return source.text.slice(span.start, span.end);
  let result = '';
  for (let at = span.start; at < span.end;) {
    const next = Math.min(nextLine(source.text, at), span.end);
    const line = source.text.slice(at, next);
    result += line.startsWith(from) && !isInString(source, at) ? to + line.slice(from.length) : line;
    at = next;
  }
  return result;
}
