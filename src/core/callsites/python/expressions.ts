import { childrenOf, textOf, type Source, type SyntaxNode } from '../syntax.ts';
import { stringPieces } from './strings.ts';

/**
 * An expression as far as detection can follow it. It holds no positions and no nodes, so it outlives the tree that it
 * was read from.
 */
export type Expression =
  | { readonly kind: 'text'; readonly value: string }
  /** A decimal whole number: no key by itself, but it may fill the hole of an f-string. */
  | { readonly kind: 'integer'; readonly digits: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'call'; readonly callee: Expression }
  /** Parts that make one string; `formatted` parts come from the holes of an f-string. */
  | { readonly kind: 'join'; readonly parts: readonly { readonly formatted: boolean; readonly value: Expression }[] }
  /** One of several values, by a condition: `a or b`, `a if c else b`. */
  | { readonly kind: 'either'; readonly options: readonly Expression[] }
  /** A value that is certainly no object of a class: a number, list, dictionary, lambda, comprehension, ... */
  | { readonly kind: 'plain'; readonly words: string }
  | { readonly kind: 'other'; readonly words: string };

/** Deeper than this nothing real is nested; it also bounds the recursion. */
const MAX_DEPTH = 60;

const PLAIN = new Set([
  'true', 'false', 'float', 'list', 'dictionary', 'set', 'tuple', 'lambda', 'list_comprehension', 'set_comprehension',
  'dictionary_comprehension', 'generator_expression', 'comparison_operator', 'not_operator', 'ellipsis',
]);

export function readExpression(source: Source, node: SyntaxNode, depth = 0): Expression {
  if (depth > MAX_DEPTH) return { kind: 'other', words: 'an expression that is nested too deeply' };
  const read = (child: SyntaxNode | null | undefined): Expression => child ? readExpression(source, child, depth + 1) : unread(source, node);
  switch (node.type) {
    case 'identifier':
      // The parser puts an empty identifier where one is missing: `f"{}"`.
      return node.startIndex === node.endIndex ? unread(source, node) : { kind: 'name', name: textOf(source, node) };
    case 'attribute': {
      const name = node.childForFieldName('attribute');
      return name ? { kind: 'attribute', object: read(objectOf(node)), name: textOf(source, name) } : unread(source, node);
    }
    case 'call':
      return { kind: 'call', callee: read(node.childForFieldName('function')) };
    case 'string':
      return readString(source, node, depth);
    case 'concatenated_string':
      return join(childrenOf(node).map((child) => ({ formatted: false, value: read(child) })));
    case 'parenthesized_expression':
    case 'await':
      return read(childrenOf(node)[0]);
    case 'named_expression':
      return read(node.childForFieldName('value'));
    case 'binary_operator':
      return readSum(source, node, read);
    case 'boolean_operator':
      return { kind: 'either', options: [read(node.childForFieldName('left')), read(node.childForFieldName('right'))] };
    case 'conditional_expression': {
      const [whenTrue, , whenFalse] = childrenOf(node);
      return { kind: 'either', options: [read(whenTrue), read(whenFalse)] };
    }
    case 'none':
      return { kind: 'none' };
    case 'integer': {
      const digits = textOf(source, node);
      return /^(?:0|[1-9]\d*)$/.test(digits) ? { kind: 'integer', digits } : { kind: 'plain', words: quoted(digits) };
    }
    default:
      return PLAIN.has(node.type) ? { kind: 'plain', words: quoted(textOf(source, node)) } : unread(source, node);
  }
}

/**
 * What stands before the last dot of an attribute. Below an unclosed bracket the parser joins two statements, `a("x")` and
 * `b.c`, to `a("x").c` with `b` as an error in between: then it is `b`.
 */
export function objectOf(attribute: SyntaxNode): SyntaxNode | null {
  const stray = attribute.hasError ? attribute.namedChildren.findLast((child) => child.type === 'ERROR')?.namedChildren.at(-1) : undefined;
  return stray ?? attribute.childForFieldName('object');
}

/** Where an expression such as `a.b().c` starts. */
export function startOf(expression: SyntaxNode): number {
  if (!expression.hasError) return expression.startIndex;
  for (let node = expression; ;) {
    const inner = node.type === 'attribute' ? objectOf(node) : node.type === 'call' ? node.childForFieldName('function') : null;
    if (!inner) return node.startIndex;
    node = inner;
  }
}

/** Source text for a message: in backquotes, on one line, at most 40 characters. */
export function quoted(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().replaceAll('`', "'");
  return `\`${line.length > 40 ? `${line.slice(0, 39)}…` : line}\``;
}

/** A dotted expression as it could be written: `self.client`, `get_client()`; undefined for anything else. */
export function written(expression: Expression): string | undefined {
  switch (expression.kind) {
    case 'name': return expression.name;
    case 'attribute': {
      const object = written(expression.object);
      return object === undefined ? undefined : `${object}.${expression.name}`;
    }
    case 'call': {
      const callee = written(expression.callee);
      return callee === undefined ? undefined : `${callee}()`;
    }
    default: return undefined;
  }
}

function unread(source: Source, node: SyntaxNode): Expression {
  return { kind: 'other', words: quoted(textOf(source, node)) };
}

function readString(source: Source, node: SyntaxNode, depth: number): Expression {
  const pieces = stringPieces(source, node);
  if (!pieces) return { kind: 'plain', words: quoted(textOf(source, node)) };
  return join(pieces.map((piece) => 'text' in piece
    ? { formatted: false, value: { kind: 'text', value: piece.text } }
    : { formatted: true, value: readHole(source, piece.hole, depth) }));
}

/** A hole counts only when it prints the bare value: `{KEY}` or `{KEY!s}`, without format or `=`. */
function readHole(source: Source, hole: SyntaxNode, depth: number): Expression {
  const inner = hole.childForFieldName('expression');
  if (!inner) return unread(source, hole);
  const rest = source.text.slice(inner.endIndex, hole.endIndex).replace(/\s+/g, '');
  return rest === '}' || rest === '!s}' ? readExpression(source, inner, depth + 1) : unread(source, hole);
}

function readSum(source: Source, node: SyntaxNode, read: (child: SyntaxNode | null) => Expression): Expression {
  const left = node.childForFieldName('left');
  const right = node.childForFieldName('right');
  const operator = node.childForFieldName('operator');
  if (!left || !right || !operator || textOf(source, operator) !== '+') return unread(source, node);
  return join([{ formatted: false, value: read(left) }, { formatted: false, value: read(right) }]);
}

type Part = Extract<Expression, { kind: 'join' }>['parts'][number];

/** Joins neighbouring texts at once, so that a plain literal is a plain text. */
function join(parts: readonly Part[]): Expression {
  const joined: Part[] = [];
  for (const part of parts.flatMap((each) => !each.formatted && each.value.kind === 'join' ? each.value.parts : [each])) {
    const last = joined.at(-1);
    if (last?.value.kind === 'text' && part.value.kind === 'text') {
      joined[joined.length - 1] = { formatted: false, value: { kind: 'text', value: last.value.value + part.value.value } };
    } else {
      joined.push(part);
    }
  }
  const only = joined[0];
  if (!only) return { kind: 'text', value: '' };
  return joined.length === 1 && only.value.kind === 'text' ? only.value : { kind: 'join', parts: joined };
}
