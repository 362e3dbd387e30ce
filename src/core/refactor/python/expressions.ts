/** Simplifies expressions in which the answer of a flag is known, by one step, without changing what they are worth. */
import { childrenOf, isField, isFirst, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { mayDrop } from './dropping.ts';
import { answerOf, boolMark, isCondition, markOf, type Pass } from './pass.ts';
import { isPure } from './purity.ts';

/** The other operand or operands go; what stays takes the place of the whole. */
export function simplifyExpression(pass: Pass, node: SyntaxNode): boolean {
  const { source } = pass;
  const answer = answerOf(source, node);
  const site = markOf(source, node)?.site ?? 0;
  const { parent } = node;
  if (answer === undefined || !parent) return false;
  switch (parent.type) {
    case 'parenthesized_expression': return childrenOf(parent).length === 1 && pass.replace(parent, pass.text(node));
    case 'not_operator': return pass.replace(parent, boolMark(!answer, site));
    case 'boolean_operator': return booleanOperator(pass, parent, node, answer);
    case 'comparison_operator': return comparison(pass, parent, node, answer, site);
    case 'conditional_expression': return conditional(pass, parent, node, answer);
    case 'argument_list': return isBoolCall(source, parent) && parent.parent !== null && pass.replace(parent.parent, pass.text(node));
    default: return false;
  }
}

function booleanOperator(pass: Pass, whole: SyntaxNode, node: SyntaxNode, answer: boolean): boolean {
  const left = whole.childForFieldName('left');
  const right = whole.childForFieldName('right');
  if (!left || !right) return false;
  const isAnd = isConjunction(pass.source, whole);
  if (left.id === node.id) {
    // `True and x` and `False or x` are x; `False and x` and `True or x` never look at x.
    return answer === isAnd ? take(pass, whole, right) : mayDrop(pass, [right]) && take(pass, whole, left);
  }
  const use = useOf(pass.source, whole);
  const isBool = isBoolean(pass.source, left);
  if (answer === isAnd) {
    // `x and True` and `x or False` are as true as x; they are x where that is all that counts.
    const same = use === 'truth' || isBool || use === (isAnd ? 'falsy' : 'truthy');
    return same && take(pass, whole, left);
  }
  const certain = use === 'truth' || isBool || use === (isAnd ? 'truthy' : 'falsy');
  return certain && isPure(pass.source, left) && mayDrop(pass, [left]) && take(pass, whole, right);
}

function isConjunction(source: Source, operation: SyntaxNode): boolean {
  const operator = operation.childForFieldName('operator');
  return operator !== null && textOf(source, operator) === 'and';
}

/**
 * What of an expression's value counts: `truth`: only whether it is true; `falsy`: its truth, and when it is false also
 * its value (the left side of `and`); `truthy`: the same the other way round; `value`: all of it.
 */
type Use = 'truth' | 'falsy' | 'truthy' | 'value';

function useOf(source: Source, node: SyntaxNode): Use {
  const { parent } = node;
  switch (parent?.type) {
    case 'parenthesized_expression': return useOf(source, parent);
    case 'if_statement': case 'elif_clause': case 'while_statement': return isCondition(parent, node) ? 'truth' : 'value';
    case 'not_operator': case 'if_clause': return 'truth';
    case 'assert_statement': return childrenOf(parent)[0]?.id === node.id ? 'truth' : 'value';
    case 'conditional_expression': return childrenOf(parent)[1]?.id === node.id ? 'truth' : useOf(source, parent);
    case 'argument_list': return isBoolCall(source, parent) ? 'truth' : 'value';
    case 'boolean_operator': {
      const outer = useOf(source, parent);
      if (!isField(parent, 'left', node) || outer === 'truth') return outer;
      const leaks = isConjunction(source, parent) ? 'falsy' : 'truthy';
      return outer === 'value' || outer === leaks ? leaks : 'truth';
    }
    default: return 'value';
  }
}

const BOOLEAN_CALLS: ReadonlySet<string> = new Set(['bool', 'isinstance', 'issubclass', 'callable', 'hasattr', 'any', 'all']);

/** Whether an expression can only be `True` or `False`. A comparison by `==` or `<` may be anything its operands define. */
function isBoolean(source: Source, node: SyntaxNode): boolean {
  switch (node.type) {
    case 'true': case 'false': case 'not_operator': return true;
    case 'identifier': return answerOf(source, node) !== undefined;
    case 'parenthesized_expression': return childrenOf(node).every((child) => isBoolean(source, child));
    case 'boolean_operator': return childrenOf(node).every((child) => isBoolean(source, child));
    case 'comparison_operator': return operatorsOf(source, node).every((operator) => /^(?:is|is not|in|not in)$/.test(operator));
    case 'call': {
      const callee = node.childForFieldName('function');
      return callee?.type === 'identifier' && BOOLEAN_CALLS.has(textOf(source, callee));
    }
    default: return false;
  }
}

function operatorsOf(source: Source, comparison: SyntaxNode): readonly string[] {
  const operands = childrenOf(comparison);
  return operands.slice(1).map((operand, index) => source.text.slice(operands[index]?.endIndex, operand.startIndex).replace(/#.*/g, '').replace(/\\/g, ' ').trim().replace(/\s+/g, ' '));
}

const EQUAL: ReadonlySet<string> = new Set(['is', '==']);
const DIFFERENT: ReadonlySet<string> = new Set(['is not', '!=']);

function comparison(pass: Pass, whole: SyntaxNode, node: SyntaxNode, answer: boolean, site: number): boolean {
  const operands = childrenOf(whole);
  const other = operands.find(({ id }) => id !== node.id);
  const [operator = ''] = operatorsOf(pass.source, whole);
  if (operands.length !== 2 || !other) return false;
  const value = other.type === 'true' ? true : other.type === 'false' ? false : answerOf(pass.source, other);
  if (value === undefined && other.type !== 'none') return false;
  if (EQUAL.has(operator)) return pass.replace(whole, boolMark(answer === value, site));
  return DIFFERENT.has(operator) && pass.replace(whole, boolMark(answer !== value, site));
}

function conditional(pass: Pass, whole: SyntaxNode, node: SyntaxNode, answer: boolean): boolean {
  const [whenTrue, condition, whenFalse] = childrenOf(whole);
  if (!whenTrue || !whenFalse || condition?.id !== node.id) return false;
  const [kept, dropped] = answer ? [whenTrue, whenFalse] : [whenFalse, whenTrue];
  return mayDrop(pass, [dropped]) && take(pass, whole, kept);
}

/** `bool(x)`, unless the file gives `bool` another meaning. */
function isBoolCall(source: Source, list: SyntaxNode): boolean {
  const callee = list.parent?.childForFieldName('function');
  if (list.parent?.type !== 'call' || callee?.type !== 'identifier' || childrenOf(list).length !== 1) return false;
  return textOf(source, callee) === 'bool' && !/\b(?:bool\s*=[^=]|def\s+bool\b|import\s+bool\b|as\s+bool\b)/.test(source.text);
}

const ATOMS: ReadonlySet<string> = new Set(['identifier', 'call', 'attribute', 'subscript', 'string', 'integer', 'float', 'true', 'false', 'none', 'list', 'dictionary', 'parenthesized_expression']);
/** Where an expression may stand without brackets, as long as it is on one line. */
const OPEN_PLACES: ReadonlySet<string> = new Set(['if_statement', 'elif_clause', 'while_statement', 'return_statement', 'assignment', 'expression_statement']);
const NEEDS_BRACKETS: ReadonlySet<string> = new Set(['named_expression', 'yield', 'generator_expression', 'lambda']);

/** Puts a part in the place of the whole, and drops brackets around the whole that have no use any more. */
function take(pass: Pass, whole: SyntaxNode, part: SyntaxNode): boolean {
  const text = pass.text(part);
  const brackets = whole.parent;
  if (brackets?.type !== 'parenthesized_expression' || childrenOf(brackets).length !== 1) return pass.replace(whole, text);
  const holder = brackets.parent;
  const isOpen = holder !== null && OPEN_PLACES.has(holder.type) && !NEEDS_BRACKETS.has(part.type);
  const onOneLine = !/[\r\n]/.test(text);
  return onOneLine && (ATOMS.has(part.type) || isOpen) ? pass.replace(brackets, text) : pass.replace(whole, text);
}

/** Whether an expression is the first thing that its statement evaluates, and always is. */
export function isEvaluatedFirst(node: SyntaxNode, statement: SyntaxNode): boolean {
  for (let child = node, parent = node.parent; parent; child = parent, parent = parent.parent) {
    if (child.id === statement.id) return true;
    const first = firstEvaluated(parent, child);
    if (!first) return false;
    if (parent.id === statement.id) return true;
  }
  return false;
}

function firstEvaluated(parent: SyntaxNode, child: SyntaxNode): boolean {
  switch (parent.type) {
    case 'parenthesized_expression': case 'not_operator': case 'await': case 'return_statement': case 'expression_statement': case 'unary_operator': return true;
    case 'boolean_operator': case 'comparison_operator': case 'binary_operator': case 'attribute': case 'subscript': return isFirst(parent, child);
    case 'call': return isField(parent, 'function', child);
    case 'conditional_expression': return childrenOf(parent)[1]?.id === child.id;
    case 'assignment': return isField(parent, 'right', child);
    case 'named_expression': return isField(parent, 'value', child);
    case 'if_statement': case 'assert_statement': return isCondition(parent, child) || childrenOf(parent)[0]?.id === child.id;
    default: return false;
  }
}
