import { ExpressionFault, type Span } from './syntax.ts';

export type Token = Span & (
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'name'; readonly value: string; /** Written in backquotes, so never a word of the language. */ readonly quoted: boolean }
  | { readonly kind: 'sign'; readonly value: string }
  | { readonly kind: 'end' }
);

const LONGEST = 2000;
const PATTERN = /\s+|(?<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>[\p{L}_][\p{L}\p{N}_]*)|`(?<quoted>[^`]+)`|(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<sign>==|!=|<=|>=|&&|\|\||[<>+\-*/%()[\],.!])/uy;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function fault(text: string, start: number): ExpressionFault {
  const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
  const span = { start, end: start + character.length };
  if (character === '"' || character === "'" || character === '`') return new ExpressionFault(`the quote ${character} is not closed`, { start, end: text.length });
  if (character === '=') return new ExpressionFault('write == to compare; = is not known', span);
  if (character === '&' || character === '|') return new ExpressionFault(`write ${character === '&' ? 'and' : 'or'} instead of ${character}`, span);
  return new ExpressionFault(`the character ${character} is not known here`, span);
}

/** The words of an expression, the last of kind `end`. @throws ExpressionFault */
export function tokens(text: string): readonly Token[] {
  if (text.length > LONGEST) throw new ExpressionFault(`the expression is longer than ${LONGEST} characters`, { start: LONGEST, end: text.length });
  const found: Token[] = [];
  let start = 0;
  while (start < text.length) {
    PATTERN.lastIndex = start;
    const match = PATTERN.exec(text);
    if (match === null) throw fault(text, start);
    const { number, name, quoted, text: literal, sign } = match.groups ?? {};
    const span = { start, end: PATTERN.lastIndex };
    if (number !== undefined) found.push({ kind: 'number', value: Number(number), ...span });
    else if (name !== undefined) found.push({ kind: 'name', value: name, quoted: false, ...span });
    else if (quoted !== undefined) found.push({ kind: 'name', value: quoted, quoted: true, ...span });
    else if (literal !== undefined) found.push({ kind: 'text', value: literal.slice(1, -1).replace(/\\(.)/gsu, (_, character: string) => ESCAPES[character] ?? character), ...span });
    else if (sign !== undefined) found.push({ kind: 'sign', value: sign, ...span });
    start = span.end;
  }
  found.push({ kind: 'end', start: text.length, end: text.length });
  return found;
}
