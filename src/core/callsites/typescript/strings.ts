import { textOf, type Source, type SyntaxNode } from '../syntax.ts';

/** A piece of a literal: text as JavaScript reads it, or the substitution of a template. */
export type StringPiece = { readonly text: string } | { readonly hole: SyntaxNode };

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', 0: '\0' };

/**
 * The value of a `string` or `template_string` node, in pieces; undefined when it holds an escape that is an error.
 * Rules: ECMA-262, 12.9.4 String Literals and 12.9.6 Template Literal Lexical Components.
 */
export function stringPieces(source: Source, node: SyntaxNode): readonly StringPiece[] | undefined {
  const pieces: StringPiece[] = [];
  let from = node.startIndex + 1;
  const take = (end: number): void => {
    // Line endings in a template are one newline each; a string has none that is not escaped.
    if (end > from) pieces.push({ text: source.text.slice(from, end).replace(/\r\n?/g, '\n') });
  };
  for (const child of node.namedChildren) {
    if (child.type !== 'escape_sequence' && child.type !== 'template_substitution') continue;
    take(child.startIndex);
    from = child.endIndex;
    if (child.type === 'template_substitution') {
      pieces.push({ hole: child });
      continue;
    }
    const text = character(textOf(source, child).slice(1));
    if (text === undefined) return undefined;
    pieces.push({ text });
  }
  take(node.endIndex - 1);
  return pieces;
}

/** What an escape stands for, without its backslash; undefined for an error. */
function character(escape: string): string | undefined {
  const digits = /^(?:x|u)\{?([0-9a-f]{1,6})\}?$/i.exec(escape)?.[1];
  if (digits !== undefined) {
    const code = parseInt(digits, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
  }
  if (/^[xu1-9]/.test(escape) || /^0\d/.test(escape)) return undefined;
  if (/^(?:\r\n?|[\n\u2028\u2029])$/.test(escape)) return '';
  return SIMPLE_ESCAPES[escape] ?? escape;
}
