/** Variables that hold the answer of a flag: assigned once, they are replaced by it wherever they are read. */
import { childrenOf, isField, type Span, type SyntaxNode } from '../../callsites/syntax.ts';
import type { SpanEdit } from '../edits.ts';
import { removalOf, statementOf } from './blocks.ts';
import { replaceAttribute } from './attributes.ts';
import { contains, isPrinted, isReflective, occurrences, scopeOf, spanOf } from './names.ts';
import { GONE, markOf, type Pass } from './pass.ts';
import { isInText } from '../projectTexts.ts';

/** What other files may do to the names of this one. */
export interface Elsewhere {
  /** Whether another file may read or replace the variable of this name in this module. */
  referenced(word: string): boolean;
  /** Whether another file has an attribute of this name. */
  attribute(word: string): boolean;
}

/** Replaces the variable that a mark is assigned to, by `=` or `:=`; says in `pass.reasons` why it does not. */
export function replaceVariable(pass: Pass, node: SyntaxNode, elsewhere: Elsewhere): boolean {
  const { parent } = node;
  if (parent?.type === 'assignment') return isField(parent, 'right', node) && replaceAssigned(pass, node, parent, elsewhere);
  if (parent?.type === 'named_expression') return replaceWalrus(pass, node, parent, elsewhere);
  return false;
}

function refuse(pass: Pass, node: SyntaxNode, reason: string): false {
  const mark = markOf(pass.source, node);
  if (mark && !pass.reasons.has(mark.site)) pass.reasons.set(mark.site, reason);
  return false;
}

function replaceAssigned(pass: Pass, node: SyntaxNode, assignment: SyntaxNode, elsewhere: Elsewhere): boolean {
  const target = assignment.childForFieldName('left');
  const statement = assignment.parent;
  const block = statement?.parent;
  if (statement?.type !== 'expression_statement' || !block) return refuse(pass, node, 'it is assigned together with something else');
  if (target?.type === 'attribute') return replaceAttribute(pass, { node, target, statement, block }, elsewhere) || refuse(pass, node, `\`${pass.text(target)}\` is an attribute, which others may read and change`);
  if (target?.type !== 'identifier') return refuse(pass, node, 'it is assigned together with something else');
  const name = pass.text(target);
  const reason = whyNotReplace(pass, name, target, elsewhere);
  if (reason !== undefined) return refuse(pass, node, reason);
  const siblings = childrenOf(block);
  const following = { start: statement.endIndex, end: siblings.at(-1)?.endIndex ?? statement.endIndex };
  return replaceReads(pass, { name, node, target, scope: scopeOf(statement), reachable: following, binding: { claim: block, edit: gone(pass, statement) } });
}

/** Takes the statement out; where nothing else stands in the block, a `pass` stays. */
export function gone(pass: Pass, statement: SyntaxNode): SpanEdit {
  const isOnly = childrenOf(statement.parent ?? statement).length === 1;
  return isOnly ? { start: statement.startIndex, end: statement.endIndex, text: GONE } : { ...removalOf(pass.source, statement), text: '' };
}

/** Where an expression inside a statement may be evaluated never, or again and again. */
const CONDITIONAL: ReadonlySet<string> = new Set(['lambda', 'conditional_expression', 'elif_clause', 'while_statement', 'list_comprehension', 'set_comprehension', 'dictionary_comprehension', 'generator_expression', 'case_clause', 'for_statement', 'with_statement', 'function_definition', 'class_definition']);

function replaceWalrus(pass: Pass, node: SyntaxNode, walrus: SyntaxNode, elsewhere: Elsewhere): boolean {
  const target = walrus.childForFieldName('name') ?? childrenOf(walrus)[0];
  if (target?.type !== 'identifier' || target.id === node.id) return false;
  const statement = statementOf(walrus);
  for (let child: SyntaxNode = walrus, above = walrus.parent; above && child.id !== statement.id; child = above, above = above.parent) {
    if (CONDITIONAL.has(above.type) || (above.type === 'boolean_operator' && !isField(above, 'left', child))) return refuse(pass, node, 'it is assigned in a part of an expression that may not be evaluated');
  }
  const name = pass.text(target);
  const reason = whyNotReplace(pass, name, target, elsewhere);
  if (reason !== undefined) return refuse(pass, node, reason);
  const block = statement.parent ?? statement;
  const reachable = { start: walrus.endIndex, end: block.endIndex };
  return replaceReads(pass, { name, node, target, scope: scopeOf(statement), reachable, binding: { claim: block, edit: { ...spanOf(walrus), text: pass.text(node) } } });
}

/** Why the variable must stay, in the scope that the target stands in. */
function whyNotReplace(pass: Pass, name: string, target: SyntaxNode, elsewhere: Elsewhere): string | undefined {
  const { source } = pass;
  const scope = scopeOf(target);
  if (scope.type === 'class_definition') return `\`${name}\` is an attribute of a class, which others may read and change`;
  if (isReflective(source, spanOf(scope))) return 'the code uses `exec`, `eval`, `locals` or the like, which may read the variable';
  const bindings = occurrences(source, name, spanOf(scope)).filter(({ role }) => role === 'bind' || role === 'declare');
  if (bindings.some(({ role }) => role === 'declare')) return `\`${name}\` is declared global or nonlocal`;
  if (bindings.length > 1) return `\`${name}\` is assigned in several places`;
  if (scope.type !== 'module') return undefined;
  if (/\bimport\s+\*/.test(source.text)) return 'a wildcard import may give it another value';
  if (elsewhere.referenced(name)) return `\`${name}\` is also named in another file`;
  return isInText(source.text, name) ? `\`${name}\` is also named in a text` : undefined;
}

interface Replacing {
  readonly name: string;
  readonly node: SyntaxNode;
  readonly target: SyntaxNode;
  readonly scope: SyntaxNode;
  /** The code that runs only after the assignment. */
  readonly reachable: Span;
  readonly binding: { readonly claim: SyntaxNode; readonly edit: SpanEdit };
}

function replaceReads(pass: Pass, { name, node, target, scope, reachable, binding }: Replacing): boolean {
  const { source } = pass;
  const reads = occurrences(source, name, spanOf(scope)).filter(({ node: each, role }) => role === 'load' && each.id !== target.id);
  if (reads.some(({ node: each }) => !contains(reachable, each))) return refuse(pass, node, `\`${name}\` may be read before it is assigned, or without it`);
  if (reads.some(({ node: each }) => isPrinted(source, each))) return refuse(pass, node, `an f-string prints the name \`${name}\``);
  const text = pass.text(node);
  const edits = reads.map(({ node: each }) => ({ ...spanOf(each), text }));
  const { edit } = binding;
  const claim = { start: Math.min(edit.start, binding.claim.startIndex), end: Math.max(edit.end, binding.claim.endIndex) };
  return pass.change(claim, [...edits, edit]);
}
