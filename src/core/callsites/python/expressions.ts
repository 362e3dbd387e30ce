import type { Argument, Expression } from '../project/summary.ts';
import { childrenOf, textOf, type Source, type SyntaxNode } from '../syntax.ts';
import { joined, quoted } from '../project/parts.ts';
import { stringPieces } from './strings.ts';

/** Deeper than this nothing real is nested; it also bounds the recursion. */
const MAX_DEPTH = 60;
/** Arguments of calls that lie deeper in an expression say nothing about keys. */
const MAX_CALL_DEPTH = 4;
/** Larger literals are data, not tables of keys. */
const MAX_ITEMS = 1_000;

const PLAIN = new Set([
  'true', 'false', 'float', 'set', 'list_comprehension', 'set_comprehension', 'dictionary_comprehension', 'generator_expression',
  'comparison_operator', 'not_operator', 'ellipsis',
]);

/** Gives the place of a lambda in the block in which it stands; undefined where lambdas are not looked into. */
export type LambdaPlace = (lambda: SyntaxNode) => number | undefined;

/** Reads expressions of one text. What it gives holds no positions and no nodes, so it outlives the tree. */
export class ExpressionReader {
  readonly #source: Source;
  readonly #lambda: LambdaPlace;

  constructor(source: Source, lambda: LambdaPlace) {
    this.#source = source;
    this.#lambda = lambda;
  }

  read(node: SyntaxNode | null | undefined, depth = 0, calls = 0): Expression {
    if (!node) return { kind: 'other', words: '``' };
    if (depth > MAX_DEPTH) return { kind: 'other', words: 'an expression that is nested too deeply' };
    const read = (child: SyntaxNode | null | undefined): Expression => child ? this.read(child, depth + 1, calls) : this.#unread(node);
    switch (node.type) {
      case 'identifier':
        // The parser puts an empty identifier where one is missing: `f"{}"`.
        return node.startIndex === node.endIndex ? this.#unread(node) : named(textOf(this.#source, node));
      case 'attribute': {
        const name = node.childForFieldName('attribute');
        return name ? { kind: 'attribute', object: read(objectOf(node)), name: textOf(this.#source, name) } : this.#unread(node);
      }
      case 'call': return this.#call(node, depth, calls);
      case 'subscript': return this.#item(node, read);
      case 'string': return this.#string(node, depth);
      case 'concatenated_string': return joined(childrenOf(node).map((child) => ({ formatted: false, value: read(child) })));
      case 'parenthesized_expression':
      case 'await':
        return read(childrenOf(node)[0]);
      case 'named_expression': return read(node.childForFieldName('value'));
      case 'binary_operator': return this.#sum(node, read);
      case 'boolean_operator': return this.#boolean(node, read);
      case 'conditional_expression': {
        const [whenTrue, , whenFalse] = childrenOf(node);
        return { kind: 'choice', by: 'either', options: [read(whenTrue), read(whenFalse)] };
      }
      case 'none': return { kind: 'none' };
      case 'integer': {
        const digits = textOf(this.#source, node);
        return /^(?:0|[1-9]\d*)$/.test(digits) ? { kind: 'integer', digits } : { kind: 'plain', words: quoted(digits) };
      }
      case 'dictionary': return this.#record(node, read);
      case 'list':
      case 'tuple':
        return { kind: 'list', items: childrenOf(node).slice(0, MAX_ITEMS).map(read), words: this.#words(node) };
      case 'lambda': {
        const block = this.#lambda(node);
        return block === undefined ? { kind: 'plain', words: this.#words(node) } : { kind: 'lambda', block, words: this.#words(node) };
      }
      default:
        return PLAIN.has(node.type) ? { kind: 'plain', words: this.#words(node) } : this.#unread(node);
    }
  }

  /** The arguments of a call; `positions` counts from there when given. */
  args(list: SyntaxNode | null, positions: number | undefined, depth = 0, calls = 0): readonly Argument[] {
    if (!list) return [];
    const argument = (value: SyntaxNode, more: Omit<Argument, 'value'> = {}): Argument => ({
      ...more,
      value: this.read(value, depth + 1, calls),
      ...(positions === undefined ? {} : { start: value.startIndex - positions, end: value.endIndex - positions }),
    });
    // `f(x for x in y)`: the generator is the only argument, and it is the list node itself.
    if (list.type !== 'argument_list') return [argument(list)];
    return childrenOf(list).map((child) => {
      switch (child.type) {
        case 'keyword_argument': {
          const name = child.childForFieldName('name');
          const value = child.childForFieldName('value');
          return name && value ? argument(value, { name: textOf(this.#source, name) }) : argument(child);
        }
        case 'list_splat': return argument(childrenOf(child)[0] ?? child, { spread: 'list' });
        case 'dictionary_splat': return argument(childrenOf(child)[0] ?? child, { spread: 'record' });
        default: return argument(child);
      }
    });
  }

  #call(node: SyntaxNode, depth: number, calls: number): Expression {
    const callee = node.childForFieldName('function');
    const builtin = callee?.type === 'identifier' ? textOf(this.#source, callee) : undefined;
    if (builtin === 'super') return { kind: 'super' };
    if (builtin === 'staticmethod') {
      // Its result is called like its argument.
      const [made, ...more] = childrenOf(node.childForFieldName('arguments') ?? node);
      if (made && more.length === 0) return this.read(made, depth + 1, calls);
    }
    const args = calls < MAX_CALL_DEPTH ? this.args(node.childForFieldName('arguments'), undefined, depth, calls + 1) : undefined;
    return { kind: 'call', callee: callee ? this.read(callee, depth + 1, calls + 1) : this.#unread(node), args };
  }

  #item(node: SyntaxNode, read: (child: SyntaxNode | null | undefined) => Expression): Expression {
    const [object, key, ...more] = childrenOf(node);
    if (!object || !key || more.length > 0 || key.type === 'slice') return this.#unread(node);
    return { kind: 'item', object: read(object), key: read(key), words: this.#words(node) };
  }

  #boolean(node: SyntaxNode, read: (child: SyntaxNode | null) => Expression): Expression {
    const operator = node.childForFieldName('operator');
    const by = operator && textOf(this.#source, operator) === 'and' ? 'and' : 'or';
    return { kind: 'choice', by, options: [read(node.childForFieldName('left')), read(node.childForFieldName('right'))] };
  }

  #record(node: SyntaxNode, read: (child: SyntaxNode | null) => Expression): Expression {
    const pairs = childrenOf(node);
    const entries = pairs.slice(0, MAX_ITEMS).flatMap((pair) => pair.type === 'pair'
      ? [{ key: read(pair.childForFieldName('key')), value: read(pair.childForFieldName('value')) }]
      : []);
    return { kind: 'record', entries, open: entries.length < pairs.length, words: this.#words(node) };
  }

  #string(node: SyntaxNode, depth: number): Expression {
    const pieces = stringPieces(this.#source, node);
    if (!pieces) return { kind: 'plain', words: this.#words(node) };
    return joined(pieces.map((piece) => 'text' in piece
      ? { formatted: false, value: { kind: 'text', value: piece.text } }
      : { formatted: true, value: this.#hole(piece.hole, depth) }));
  }

  /** A hole counts only when it prints the bare value: `{KEY}` or `{KEY!s}`, without format or `=`. */
  #hole(hole: SyntaxNode, depth: number): Expression {
    const inner = hole.childForFieldName('expression');
    if (!inner) return this.#unread(hole);
    const rest = this.#source.text.slice(inner.endIndex, hole.endIndex).replace(/\s+/g, '');
    return rest === '}' || rest === '!s}' ? this.read(inner, depth + 1) : this.#unread(hole);
  }

  #sum(node: SyntaxNode, read: (child: SyntaxNode | null) => Expression): Expression {
    const left = node.childForFieldName('left');
    const right = node.childForFieldName('right');
    const operator = node.childForFieldName('operator');
    if (!left || !right || !operator || textOf(this.#source, operator) !== '+') return this.#unread(node);
    return joined([{ formatted: false, value: read(left) }, { formatted: false, value: read(right) }]);
  }

  #words(node: SyntaxNode): string {
    return quoted(this.#source.text.slice(node.startIndex, Math.min(node.endIndex, node.startIndex + 200)));
  }

  #unread(node: SyntaxNode): Expression {
    return { kind: 'other', words: this.#words(node) };
  }
}

function named(name: string): Expression {
  return name === 'self' || name === 'cls' ? { kind: 'this', name } : { kind: 'name', name };
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
