/** String literals in the style of a file. */
import { nearest, type SyntaxNode } from '../../callsites/syntax.ts';

export type Quote = '"' | "'";

/** The quotes that a file uses more. */
export function usualQuote(text: string): Quote {
  const count = (quote: Quote): number => text.split(quote).length;
  return count("'") > count('"') ? "'" : '"';
}

/** The quotes that may stand inside the f-string around a node: before Python 3.12 those of the f-string may not. */
export function quoteAround(text: string, node: SyntaxNode): Quote | undefined {
  const holder = nearest(node, new Set(['string', 'block']));
  if (holder?.type !== 'string') return undefined;
  return /^[^"']*"/.test(text.slice(holder.startIndex, holder.endIndex)) ? "'" : '"';
}

export function stringLiteral(value: string, quote: Quote): string {
  const escaped = value.replace(/[\\\n\r\t]/g, (character) => ({ '\n': '\\n', '\r': '\\r', '\t': '\\t' })[character] ?? '\\\\').replaceAll(quote, `\\${quote}`);
  return quote + escaped + quote;
}
