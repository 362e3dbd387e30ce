import { childrenOf, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { markOf } from './pass.ts';

/** Built-in functions that, given values without effects, only compute. */
const COMPUTING: ReadonlySet<string> = new Set(['str', 'repr', 'bool', 'len', 'dict', 'isinstance', 'callable', 'hasattr', 'id', 'type']);

/**
 * Reading a name, an attribute or an item is taken to have no effect, and so are operators: code that relies on the effect
 * of one inside the arguments of a flag's call is not to be met. Lambdas are not called by being passed.
 */
const TRANSPARENT: ReadonlySet<string> = new Set([
  'dictionary', 'list', 'tuple', 'set', 'pair', 'parenthesized_expression', 'attribute', 'subscript', 'slice', 'binary_operator', 'boolean_operator', 'comparison_operator',
  'not_operator', 'unary_operator', 'conditional_expression', 'list_splat', 'dictionary_splat', 'string', 'concatenated_string', 'interpolation', 'format_specifier',
  'type_conversion', 'argument_list', 'expression_list', 'string_content',
]);
const LEAVES: ReadonlySet<string> = new Set([
  'identifier', 'integer', 'float', 'true', 'false', 'none', 'ellipsis', 'string_start', 'string_end', 'escape_sequence', 'escape_interpolation', 'lambda', 'comment',
]);

/** Whether evaluating an expression only computes a value. */
export function isPure(source: Source, node: SyntaxNode): boolean {
  // The call of a wrapper that waits under a mark may do anything.
  if (markOf(source, node)?.kind === 'call') return false;
  if (LEAVES.has(node.type)) return true;
  if (node.type === 'keyword_argument') return isPure(source, node.childForFieldName('value') ?? node);
  if (node.type === 'call') return isComputing(source, node);
  return TRANSPARENT.has(node.type) && node.namedChildren.every((child) => isPure(source, child));
}

function isComputing(source: Source, call: SyntaxNode): boolean {
  const callee = call.childForFieldName('function');
  const list = call.childForFieldName('arguments');
  if (callee?.type !== 'identifier' || list?.type !== 'argument_list') return false;
  return COMPUTING.has(textOf(source, callee)) && childrenOf(list).every((child) => isPure(source, child));
}

const IN_ORDER: ReadonlySet<string> = new Set(['dictionary', 'list', 'tuple', 'set', 'pair', 'parenthesized_expression', 'binary_operator', 'unary_operator', 'argument_list', 'keyword_argument', 'attribute', 'subscript']);

/**
 * The parts of an expression that may have effects, outermost first and in the order of evaluation, each of which can stand
 * as a statement; undefined when one of them is evaluated under a condition, or cannot be told apart.
 */
export function effectsOf(source: Source, node: SyntaxNode): readonly SyntaxNode[] | undefined {
  if (isPure(source, node)) return [];
  if (node.type === 'call' || node.type === 'named_expression' || node.type === 'await') return hasYield(node) ? undefined : [node];
  if (!IN_ORDER.has(node.type)) return undefined;
  const parts = childrenOf(node).map((child) => effectsOf(source, child));
  return parts.some((part) => part === undefined) ? undefined : parts.flatMap((part) => part ?? []);
}

function hasYield(node: SyntaxNode): boolean {
  return node.type === 'yield' || node.namedChildren.some(hasYield);
}
