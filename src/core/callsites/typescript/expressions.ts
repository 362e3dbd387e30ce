import { joined, quoted } from '../project/parts.ts';
import type { Argument, Expression } from '../project/summary.ts';
import { childrenOf, textOf, type Source, type SyntaxNode } from '../syntax.ts';
import { stringPieces } from './strings.ts';

/** Deeper than this nothing real is nested; it also bounds the recursion. */
const MAX_DEPTH = 60;

const PLAIN = new Set(['true', 'false', 'regex', 'unary_expression', 'update_expression', 'class', 'jsx_element', 'jsx_self_closing_element', 'binary_expression', 'import', 'meta_property', 'yield_expression']);

export const FUNCTIONS: ReadonlySet<string> = new Set(['arrow_function', 'function_expression', 'generator_function']);

/** Calls that give their first argument back, as far as names and keys go. */
const TRANSPARENT = /^(?:Object\.(?:freeze|seal)|Promise\.resolve|(?:React\.)?(?:useCallback|memo|forwardRef)|observer|markRaw|toRaw)$/;

/** What reading an expression needs of the block it stands in. */
export interface ExpressionContext {
  readonly source: Source;
  /** The name under which a name is kept. */
  nameOf(name: string): string;
  /** The place of a function's block in `blocks`. */
  lambda(node: SyntaxNode): number;
}

export function readExpression(context: ExpressionContext, node: SyntaxNode, depth = 0): Expression {
  const { source } = context;
  if (depth > MAX_DEPTH) return { kind: 'other', words: 'an expression that is nested too deeply' };
  const read = (child: SyntaxNode | null | undefined): Expression => (child ? readExpression(context, child, depth + 1) : unread(source, node));
  if (FUNCTIONS.has(node.type)) return { kind: 'lambda', block: context.lambda(node), words: words(source, node) };
  switch (node.type) {
    case 'identifier':
    case 'shorthand_property_identifier':
      return { kind: 'name', name: context.nameOf(textOf(source, node)) };
    case 'undefined':
    case 'null':
      return { kind: 'none' };
    case 'this':
      return { kind: 'this', name: 'this' };
    case 'super':
      return { kind: 'super' };
    case 'member_expression': {
      const property = node.childForFieldName('property');
      return property ? { kind: 'attribute', object: read(node.childForFieldName('object')), name: textOf(source, property) } : unread(source, node);
    }
    case 'subscript_expression':
      return { kind: 'item', object: read(node.childForFieldName('object')), key: read(node.childForFieldName('index')), words: words(source, node) };
    case 'call_expression':
    case 'new_expression':
      return readCall(context, node, depth);
    case 'string':
    case 'template_string':
      return readString(context, node, depth);
    case 'number': {
      const digits = textOf(source, node);
      return /^(?:0|[1-9]\d*)$/.test(digits) ? { kind: 'integer', digits } : { kind: 'plain', words: words(source, node) };
    }
    case 'parenthesized_expression':
    case 'as_expression':
    case 'satisfies_expression':
    case 'non_null_expression':
    case 'await_expression':
      return read(childrenOf(node)[0]);
    case 'instantiation_expression':
      return read(node.childForFieldName('function'));
    case 'sequence_expression':
      return read(childrenOf(node).at(-1));
    case 'assignment_expression':
      return read(node.childForFieldName('right'));
    case 'ternary_expression':
      return { kind: 'choice', by: 'either', options: [read(node.childForFieldName('consequence')), read(node.childForFieldName('alternative'))] };
    case 'binary_expression':
      return readOperator(source, node, read);
    case 'object':
      return readObject(context, node, depth);
    case 'array':
      return { kind: 'list', items: childrenOf(node).map(read), words: words(source, node) };
    default:
      return PLAIN.has(node.type) ? { kind: 'plain', words: words(source, node) } : unread(source, node);
  }
}

/** The arguments of a call, with where they stand from the start of the file. */
export function readArguments(context: ExpressionContext, list: SyntaxNode, depth = 0): Argument[] {
  return childrenOf(list).map((node) => {
    const value = readExpression(context, node.type === 'spread_element' ? childrenOf(node)[0] ?? node : node, depth + 1);
    return { value, start: node.startIndex, end: node.endIndex, ...(node.type === 'spread_element' ? { spread: 'list' as const } : {}) };
  });
}

function readCall(context: ExpressionContext, node: SyntaxNode, depth: number): Expression {
  const callee = node.childForFieldName(node.type === 'new_expression' ? 'constructor' : 'function');
  const list = node.childForFieldName('arguments');
  if (!callee) return unread(context.source, node);
  const first = list?.type === 'arguments' ? childrenOf(list)[0] : undefined;
  if (first && TRANSPARENT.test(textOf(context.source, callee))) return readExpression(context, first, depth + 1);
  const args = list?.type === 'arguments' ? readArguments(context, list, depth + 1).map(({ value, spread }): Argument => (spread === undefined ? { value } : { value, spread })) : undefined;
  return { kind: 'call', callee: readExpression(context, callee, depth + 1), args: list === null ? [] : args };
}

function readOperator(source: Source, node: SyntaxNode, read: (child: SyntaxNode | null) => Expression): Expression {
  const operator = node.childForFieldName('operator');
  const left = node.childForFieldName('left');
  const right = node.childForFieldName('right');
  switch (operator === null ? '' : textOf(source, operator)) {
    case '+':
      return joined([{ formatted: false, value: read(left) }, { formatted: false, value: read(right) }]);
    case '||':
    case '??':
      return { kind: 'choice', by: 'or', options: [read(left), read(right)] };
    case '&&':
      return { kind: 'choice', by: 'and', options: [read(left), read(right)] };
    default:
      return { kind: 'plain', words: words(source, node) };
  }
}

function readString(context: ExpressionContext, node: SyntaxNode, depth: number): Expression {
  const pieces = stringPieces(context.source, node);
  if (!pieces) return { kind: 'plain', words: words(context.source, node) };
  return joined(pieces.map((piece) => ('text' in piece
    ? { formatted: false, value: { kind: 'text', value: piece.text } }
    : { formatted: true, value: readHole(context, piece.hole, depth) })));
}

function readHole(context: ExpressionContext, hole: SyntaxNode, depth: number): Expression {
  const inner = childrenOf(hole)[0];
  return inner ? readExpression(context, inner, depth + 1) : unread(context.source, hole);
}

function readObject(context: ExpressionContext, node: SyntaxNode, depth: number): Expression {
  const { source } = context;
  let open = false;
  const entries = childrenOf(node).flatMap((child) => {
    switch (child.type) {
      case 'pair': {
        const key = child.childForFieldName('key');
        const value = child.childForFieldName('value');
        return key && value ? [{ key: propertyKey(context, key, depth), value: readExpression(context, value, depth + 1) }] : [];
      }
      case 'shorthand_property_identifier':
        return [{ key: { kind: 'text' as const, value: textOf(source, child) }, value: readExpression(context, child, depth + 1) }];
      case 'method_definition': {
        const key = child.childForFieldName('name');
        return key ? [{ key: propertyKey(context, key, depth), value: { kind: 'lambda' as const, block: context.lambda(child), words: words(source, child) } }] : [];
      }
      default:
        open = true;
        return [];
    }
  });
  return { kind: 'record', entries, open, words: words(source, node) };
}

function propertyKey(context: ExpressionContext, node: SyntaxNode, depth: number): Expression {
  switch (node.type) {
    case 'property_identifier':
    case 'private_property_identifier':
    case 'number':
      return { kind: 'text', value: textOf(context.source, node) };
    case 'computed_property_name': {
      const inner = childrenOf(node)[0];
      return inner ? readExpression(context, inner, depth + 1) : unread(context.source, node);
    }
    default:
      return readExpression(context, node, depth + 1);
  }
}

function unread(source: Source, node: SyntaxNode): Expression {
  return { kind: 'other', words: words(source, node) };
}

/** Long texts are cut before they are looked at. */
function words(source: Source, node: SyntaxNode): string {
  return quoted(source.text.slice(node.startIndex, Math.min(node.endIndex, node.startIndex + 200)));
}
