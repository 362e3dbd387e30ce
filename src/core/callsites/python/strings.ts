import { textOf, type Source, type SyntaxNode } from '../syntax.ts';

/** A piece of a string literal: text as Python reads it, or the hole of an f-string. */
export type StringPiece = { readonly text: string } | { readonly hole: SyntaxNode };

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\', "'": "'", '"': '"', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v',
};

const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g;

/**
 * The value of a `string` node, in pieces; undefined when it is no text (bytes, template strings) or holds an escape
 * that needs a table of character names or is an error in Python.
 * Rules: https://docs.python.org/3/reference/lexical_analysis.html#string-and-bytes-literals
 */
export function stringPieces(source: Source, node: SyntaxNode): readonly StringPiece[] | undefined {
  const children = node.namedChildren;
  const first = children[0];
  const last = children.at(-1);
  if (first?.type !== 'string_start' || last?.type !== 'string_end' || last === first) return undefined;
  const prefix = textOf(source, first).replace(/["']+$/, '').toLowerCase();
  if (prefix.includes('b') || prefix.includes('t')) return undefined;
  const pieces: StringPiece[] = [];
  for (const child of children.slice(1, -1)) {
    if (child.type === 'interpolation') {
      pieces.push({ hole: child });
      continue;
    }
    if (child.type !== 'string_content') return undefined;
    const text = decode(textOf(source, child), prefix);
    if (text === undefined) return undefined;
    pieces.push({ text });
  }
  return pieces;
}

function decode(written: string, prefix: string): string | undefined {
  // Python reads every line ending in a literal as one newline.
  let text = written.replace(/\r\n?/g, '\n');
  if (prefix.includes('f')) text = text.replace(/\{\{/g, '{').replace(/\}\}/g, '}');
  if (prefix.includes('r') || !text.includes('\\')) return text;
  let decoded = '';
  let from = 0;
  for (const escape of text.matchAll(ESCAPE)) {
    const meant = character(escape);
    if (meant === undefined) return undefined;
    decoded += text.slice(from, escape.index) + meant;
    from = escape.index + escape[0].length;
  }
  return decoded + text.slice(from);
}

/** What an escape stands for; undefined for `\N{name}` and for those that are errors. */
function character([whole, octal, two, four, eight, letter]: RegExpExecArray): string | undefined {
  if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
  const digits = two ?? four ?? eight;
  if (digits !== undefined) {
    const code = parseInt(digits, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
  }
  if (letter === undefined || 'xuUN'.includes(letter)) return undefined;
  if (letter === '\n') return '';
  // An unknown escape keeps its backslash.
  return SIMPLE_ESCAPES[letter] ?? whole;
}
