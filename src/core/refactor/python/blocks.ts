/** Statements and blocks as lines: what belongs to a body, how to take one out, how to unfold one. */
import { childrenOf, type Source, type Span, type SyntaxNode } from '../../callsites/syntax.ts';
import { bodyOf } from './dropping.ts';
import { endsItsLine, indentationAt, isInString, lineEnd, lineStart, newlineOf, nextLine, reindented, startsItsLine } from './lines.ts';
import { GONE, type Pass } from './pass.ts';
import { isPure } from './purity.ts';

/** The statement that a node stands in, simple or compound. */
export function statementOf(node: SyntaxNode): SyntaxNode {
  let child = node;
  while (child.parent && child.parent.type !== 'block' && child.parent.type !== 'module') child = child.parent;
  return child;
}

/**
 * The end of the lines of something that ends at `at`: with a comment behind it, and with comment lines below it that are
 * indented at least as deep as `indentation`.
 */
export function linesEnd({ text }: Source, at: number, indentation: string): number {
  let end = nextLine(text, at);
  for (let probe = end; probe < text.length; probe = nextLine(text, probe)) {
    const line = text.slice(probe, lineEnd(text, probe));
    if (line.trim() === '') continue;
    if (!line.trim().startsWith('#') || indentation === '' || !line.startsWith(indentation)) break;
    end = nextLine(text, probe);
  }
  return end;
}

export interface Body extends Span {
  /** The whitespace in front of its lines; undefined when it stands behind the colon. */
  readonly indentation: string | undefined;
}

/** The lines of a clause's body, from below the colon, with its comments. */
export function bodyLines(source: Source, clause: SyntaxNode): Body | undefined {
  const block = bodyOf(clause);
  const [first] = block ? childrenOf(block) : [];
  if (!block || !first) return undefined;
  if (!startsItsLine(source.text, first.startIndex)) return { start: first.startIndex, end: block.endIndex, indentation: undefined };
  const indentation = indentationAt(source.text, first.startIndex);
  const above = clause.namedChildren.find((child) => child.type === 'comment' && child.startIndex < block.startIndex && startsItsLine(source.text, child.startIndex));
  const start = lineStart(source.text, Math.min(above?.startIndex ?? first.startIndex, first.startIndex));
  return { start, end: linesEnd(source, block.endIndex, indentation), indentation };
}

/** The lines of a clause's body with another indentation, ending with a line ending; a lone `pass` comes to nothing. */
export function unfolded(source: Source, clause: SyntaxNode, indentation: string): string {
  const body = bodyLines(source, clause);
  const block = bodyOf(clause);
  if (!body || !block) return '';
  const statements = childrenOf(block);
  if (block.namedChildren.length === 1 && statements[0]?.type === 'pass_statement') return '';
  if (body.indentation === undefined) return `${indentation}${source.text.slice(body.start, body.end)}${newlineOf(source.text)}`;
  const lines = reindented(source, body, body.indentation, indentation);
  return /[\r\n]$/.test(lines) ? lines : lines + newlineOf(source.text);
}

/** Whether a statement stands alone on its lines. */
function isLine(source: Source, statement: SyntaxNode): boolean {
  return startsItsLine(source.text, statement.startIndex) && endsItsLine(source.text, statement.endIndex) && !isInString(source, statement.startIndex);
}

/** The whole lines of a statement that stands alone on them. */
function statementLines(source: Source, statement: SyntaxNode): Span {
  return { start: lineStart(source.text, statement.startIndex), end: nextLine(source.text, statement.endIndex) };
}

/** Takes a statement out of its block; a block that would be empty keeps a `pass`. */
export function removeStatement(pass: Pass, statement: SyntaxNode): boolean {
  const { source } = pass;
  const block = statement.parent;
  if (!block) return false;
  const [first, second] = childrenOf(block);
  const others = childrenOf(block).filter(({ id }) => id !== statement.id);
  if (first?.id === statement.id && wouldBeDocstring(block, second)) return false;
  const claim = { start: block.startIndex, end: block.endIndex };
  if (others.length === 0 && block.type === 'block') return pass.change(claim, [{ start: statement.startIndex, end: statement.endIndex, text: GONE }]);
  return pass.change(claim, [{ ...removalOf(source, statement), text: '' }]);
}

const DOCUMENTED: ReadonlySet<string> = new Set(['function_definition', 'class_definition']);

/** Whether a statement would become the documentation of what a block is the body of, if it were the block's first. */
export function wouldBeDocstring(block: SyntaxNode, statement: SyntaxNode | undefined): boolean {
  const isBody = block.type === 'module' || (block.parent !== null && DOCUMENTED.has(block.parent.type));
  const expression = statement?.type === 'expression_statement' ? childrenOf(statement)[0] : undefined;
  return isBody && (expression?.type === 'string' || expression?.type === 'concatenated_string');
}

/** What to cut for a statement to go: its lines, or its part of a line. Blank lines around it do not add up. */
export function removalOf(source: Source, statement: SyntaxNode): Span {
  const { text } = source;
  if (isLine(source, statement)) return withBlankLines(text, statementLines(source, statement));
  const siblings = childrenOf(statement.parent ?? statement);
  const index = siblings.findIndex(({ id }) => id === statement.id);
  const next = siblings[index + 1];
  if (next && lineStart(text, next.startIndex) === lineStart(text, statement.startIndex)) return { start: statement.startIndex, end: next.startIndex };
  const previous = siblings[index - 1];
  return { start: previous?.endIndex ?? statement.startIndex, end: statement.endIndex };
}

/** Between two runs of blank lines only the longer one stays; below a colon none does. */
function withBlankLines(text: string, { start, end }: Span): Span {
  let above = 0;
  let top = start;
  while (top > 0 && text.slice(lineStart(text, top - 1), top).trim() === '') {
    top = lineStart(text, top - 1);
    above += 1;
  }
  let below = end;
  const ends: number[] = [];
  while (below < text.length && text.slice(below, lineEnd(text, below)).trim() === '') {
    below = nextLine(text, below);
    ends.push(below);
  }
  if (below >= text.length) return { start: top, end: below };
  const isFirst = top === 0 || /:[ \t]*(?:#.*)?[\r\n]+$/.test(text.slice(lineStart(text, top - 1), top));
  if (isFirst) return { start: above === 0 ? start : top, end: below };
  if (above === 0) return { start, end };
  return above >= ends.length ? { start, end: below } : { start: top, end };
}

/**
 * A statement that only holds a removed one goes with it, when nothing is lost: an `if` with nothing in it whose condition
 * only computes, an `else` with nothing in it. Elsewhere `pass` stays.
 */
export function removeGone(pass: Pass, gone: SyntaxNode): boolean {
  const statement = gone.parent;
  const block = statement?.parent;
  const clause = block?.parent;
  if (!statement || block?.type !== 'block' || !clause || block.namedChildren.length !== 1) return false;
  if (clause.type === 'else_clause') {
    const start = lineStart(pass.source.text, clause.startIndex);
    return startsItsLine(pass.source.text, clause.startIndex) && pass.change({ start, end: clause.endIndex }, [{ start, end: nextLine(pass.source.text, clause.endIndex), text: '' }]);
  }
  if (clause.type !== 'if_statement') return false;
  const condition = clause.childForFieldName('condition');
  const alone = clause.namedChildren.every((child) => child.id === condition?.id || child.id === block.id);
  return alone && condition !== null && isPure(pass.source, condition) && removeStatement(pass, clause);
}
