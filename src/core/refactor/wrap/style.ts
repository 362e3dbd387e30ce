/** How a file is written: its indentation and the length of its lines. */
import { indentationAt } from '../python/lines.ts';
import { nearest, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { usualQuote, type Quote } from '../python/quotes.ts';

export interface Style {
  /** One step of indentation. */
  readonly unit: string;
  readonly quote: Quote;
  /** Characters that a line may have. */
  readonly width: number;
}

const NARROWEST = 79;
const WIDEST = 120;
const BLOCKS: ReadonlySet<string> = new Set(['block']);

export function styleOf(source: Source, near: SyntaxNode): Style {
  const longest = Math.max(...source.text.split(/\r\n|\r|\n/).map(({ length }) => length).filter((length) => length <= WIDEST), NARROWEST);
  return { unit: unitOf(source, near), quote: usualQuote(source.text), width: longest };
}

/** The step from the block around a node to the one around that, else that of the file's first block. */
function unitOf(source: Source, near: SyntaxNode): string {
  const { text } = source;
  for (let block = nearest(near, BLOCKS); block; block = nearest(block, BLOCKS)) {
    const [inner, outer] = [indentationAt(text, block.startIndex), indentationAt(text, block.parent?.startIndex ?? 0)];
    if (inner.length > outer.length && inner.startsWith(outer)) return inner.slice(outer.length);
  }
  return /:[ \t]*(?:#.*)?(?:\r\n|\r|\n)([ \t]+)\S/.exec(text)?.[1] ?? '    ';
}
