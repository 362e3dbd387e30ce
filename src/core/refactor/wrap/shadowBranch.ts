/** What a branch does beside asking the candidate: what changes what it is asked, and what is made of its answer. */
import { editorLineStarts, positionAt } from '../../callsites/lines.ts';
import { childrenOf, isField, isFirst, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { statementOf } from '../python/blocks.ts';
import { boundNames, descendants, occurrences, roleOf, scopeOf, type Occurrence } from '../python/names.ts';
import { isPure } from '../python/purity.ts';
import { freeNames, identifiersIn } from './shadowNames.ts';

const SILENT: ReadonlySet<string> = new Set(['comment', 'pass_statement', 'global_statement', 'nonlocal_statement']);
const LOGGERS = /^(?:(?:self|cls)\.)?_{0,2}(?:log|logger|logging)\.(?:debug|info|warning|warn|error|exception|critical)$|^print$/i;
const EXCEPT: ReadonlySet<string> = new Set(['except_clause', 'except_group_clause']);
/** What makes another answer of one. */
const CHANGING: ReadonlySet<string> = new Set(['binary_operator', 'unary_operator', 'augmented_assignment']);
const CONVERSIONS = /^(?:int|max|min|sum|(?:np|numpy)\.(?:argmax|argmin|max|min|mean))$/;
/** In which a value stands as it is. */
const WHOLE: ReadonlySet<string> = new Set(['parenthesized_expression', 'dictionary', 'pair', 'list', 'tuple', 'set', 'expression_list']);
/** Statements that give something to others; what binds a name is one, too. */
const ANSWERING: ReadonlySet<string> = new Set(['return_statement', 'yield', 'assignment', 'augmented_assignment']);

function lineOf({ text }: Source, at: number): number {
  return positionAt(editorLineStarts(text), at).line + 1;
}

/** Why something above the statement at the end of a path changes what its expression means, or does what must come before it. */
export function changedAbove(source: Source, path: readonly SyntaxNode[], expression: SyntaxNode): string | undefined {
  const used = new Set([...freeNames(source, expression)].map((node) => textOf(source, node)));
  const above = path.flatMap((statement) => statement.parent?.namedChildren.filter(({ startIndex }) => startIndex < statement.startIndex) ?? []);
  const bound = new Set(above.flatMap((statement) => identifiersIn(statement).filter((each) => roleOf(each) === 'bind').map((each) => textOf(source, each))));
  const set = [...used].find((name) => bound.has(name));
  if (set !== undefined) return `\`${set}\` is set in the branch of the candidate, and is another in the other: name the candidate itself in the call, and set variables in front of the switch`;
  const doing = above.find((statement) => !isHarmless(source, statement));
  return doing && `line ${lineOf(source, doing.startIndex)} does something before the candidate is asked, which a shadow call would leave out: move it in front of the switch, or behind the call`;
}

function isHarmless(source: Source, statement: SyntaxNode): boolean {
  if (SILENT.has(statement.type)) return true;
  const [only] = childrenOf(statement);
  if (statement.type !== 'expression_statement' || !only) return false;
  if (only.type !== 'assignment') return isLogging(source, only) || isPure(source, only);
  const left = only.childForFieldName('left');
  const right = only.childForFieldName('right');
  return left?.type === 'identifier' && (right === null || isPure(source, right));
}

function isLogging(source: Source, node: SyntaxNode): boolean {
  const callee = node.type === 'call' ? node.childForFieldName('function') : null;
  const args = node.childForFieldName('arguments');
  return callee !== null && args !== null && LOGGERS.test(textOf(source, callee)) && childrenOf(args).every((each) => isPure(source, each));
}

/**
 * Why the answer that a path ends with is not what is served: another is made of it further down in the branch, while the
 * other branch, from `off` on, has no variable of its name.
 */
export function madeInBranch(source: Source, path: readonly SyntaxNode[], targets: readonly SyntaxNode[], off: SyntaxNode): string | undefined {
  const branchEnd = path[0]?.parent?.endIndex;
  const statement = path.at(-1);
  if (branchEnd === undefined || !statement) return undefined;
  const others = new Set(off.parent?.namedChildren.filter(({ startIndex }) => startIndex >= off.startIndex).flatMap((each) => [...boundNames(source, each)]));
  for (const name of targets.filter(({ type }) => type === 'identifier').map((target) => textOf(source, target))) {
    if (others.has(name)) continue;
    const uses = occurrences(source, name, { start: statement.endIndex, end: branchEnd }).filter(({ node, role }) => role === 'load' && !isFallback(path, node));
    for (const { node } of uses) {
      if (isMade(source, node)) return `another answer is made of \`${name}\` in line ${lineOf(source, node.startIndex)}: do that within the expressions of both branches, or set \`${name}\` in the branch that serves, too, so that the shadow's answer is one that would be served`;
      // The same answer by another name.
      const left = aliasOf(node);
      const problem = left && (madeInBranch(source, [...path, statementOf(left)], [left], off) ?? partUsedBelow(source, [...path, statementOf(left)], [left]));
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

/** Whether the statement that a name is read in, or one within that, binds, returns or yields what is not the name's own value. */
function isMade(source: Source, node: SyntaxNode): boolean {
  const statement = statementOf(node);
  const [only] = childrenOf(statement);
  if (only && isLogging(source, only)) return false;
  let top = node;
  while (top.parent && WHOLE.has(top.parent.type)) top = top.parent;
  const holder = top.parent;
  if (holder?.type === 'return_statement' || (holder?.type === 'assignment' && isField(holder, 'right', top))) return false;
  return [...descendants(statement)].some((each) => ANSWERING.has(each.type) || (each.type === 'identifier' && roleOf(each) === 'bind'));
}

/** The other name in `other = name`. */
function aliasOf(node: SyntaxNode): SyntaxNode | undefined {
  const { parent } = node;
  const left = parent?.type === 'assignment' && isField(parent, 'right', node) ? parent.childForFieldName('left') : null;
  return left?.type === 'identifier' ? left : undefined;
}

/** Why the answer that a path ends with is not what is served: another is made of it further down. */
export function partUsedBelow(source: Source, path: readonly SyntaxNode[], targets: readonly SyntaxNode[]): string | undefined {
  const [first] = path;
  const statement = path.at(-1);
  if (!first || !statement) return undefined;
  const branchEnd = first.parent?.endIndex ?? first.endIndex;
  const switchEnd = first.parent?.parent?.endIndex ?? branchEnd;
  const scope = scopeOf(statement);
  for (const target of targets.filter(({ type }) => type === 'identifier')) {
    const name = textOf(source, target);
    for (const use of occurrences(source, name, { start: statement.endIndex, end: scope.endIndex })) {
      if (scopeOf(use.node).id !== scope.id || (use.node.startIndex >= branchEnd && use.node.startIndex < switchEnd) || isFallback(path, use.node)) continue;
      const isOver = use.role === 'bind' && use.node.startIndex >= switchEnd && !readsItself(source, use.node, name);
      if (isOver) break;
      if (changesAnswer(source, use)) return `another answer is made of \`${name}\` in line ${lineOf(source, use.node.startIndex)}: do that within the expressions of both branches, so that the shadow's answer is one that would be served`;
    }
  }
  return undefined;
}

/** Whether a node stands where an error in the body of a `try` on a path is handled: what answers there is not the candidate. */
export function isFallback(path: readonly SyntaxNode[], node: SyntaxNode): boolean {
  return path.some((tried) => tried.namedChildren.some(({ type, startIndex, endIndex }) => EXCEPT.has(type) && startIndex <= node.startIndex && node.endIndex <= endIndex));
}

function readsItself(source: Source, target: SyntaxNode, name: string): boolean {
  const { parent } = target;
  if (parent?.type === 'augmented_assignment') return true;
  const right = parent?.type === 'assignment' ? parent.childForFieldName('right') : null;
  return right !== null && identifiersIn(right).some((each) => textOf(source, each) === name && roleOf(each) === 'load');
}

function changesAnswer(source: Source, { node, role }: Occurrence): boolean {
  if (role === 'bind') return true;
  const { parent } = node;
  const [logging] = childrenOf(statementOf(node));
  if (role !== 'load' || !parent || (logging && isLogging(source, logging))) return false;
  if (parent.type === 'subscript' || parent.type === 'attribute') return isFirst(parent, node);
  if (CHANGING.has(parent.type)) return true;
  const call = parent.type === 'argument_list' ? parent.parent : null;
  const callee = call?.childForFieldName('function');
  return call?.type === 'call' && callee !== null && callee !== undefined && isField(call, 'arguments', parent) && CONVERSIONS.test(textOf(source, callee));
}
