/** Writes a shadow call into an existing switch: where the current version serves, the candidate is asked beside it. */
import { editorLineStarts, rangeBetween } from '../../callsites/lines.ts';
import type { Range } from '../../callsites/model.ts';
import { childrenOf, nearest, textOf, type Source, type Span, type SyntaxNode } from '../../callsites/syntax.ts';
import { applySpanEdits } from '../edits.ts';
import type { Parse } from '../model.ts';
import { indentationAt, lineStart, newlineOf, startsItsLine } from '../python/lines.ts';
import { occurrences, scopeOf } from '../python/names.ts';
import { isPure } from '../python/purity.ts';
import { inTree } from '../python/simplify.ts';
import { NamesInScope } from './namesInScope.ts';
import { answerOf, receiversIn, refused } from './shadowAnswer.ts';
import { SHADOW_NAME } from './shadowHelper.ts';
import { helperFor } from './shadowHelperPlace.ts';
import { freeNames, identifiersIn, isKept, ownerOf } from './shadowNames.ts';
import { wrappedText, type Refused, type WrapPart } from './wrapInSwitch.ts';

/** Insertions, the first in the text first. */
export interface Shadowed {
  readonly kind: 'shadowed';
  readonly insertions: readonly { readonly range: Range; readonly parts: readonly WrapPart[] }[];
}

/** A switch: its `if`, and where what runs while the flag is on and off stands. */
interface Switch {
  readonly question: SyntaxNode;
  readonly on: SyntaxNode;
  /** The first statement of what runs while the flag is off. */
  readonly off: SyntaxNode;
}

/** How a flag is asked, as it is written. */
interface Question {
  readonly client: string;
  readonly flag: string;
  readonly context: string;
}

const IF = new Set(['if_statement']);
const ELSE_IF = new Set(['elif_clause']);
const LEAVING = new Set(['return_statement', 'raise_statement', 'continue_statement', 'break_statement']);

/** The question of a flag in the condition of an `if` at a place; undefined where there is none. */
function switchAt(source: Source, { start, end }: Span): Switch | Refused | undefined {
  let question: SyntaxNode | null = source.root.namedDescendantForIndex(start, end);
  while (question && !(question.type === 'call' && /\.is_enabled$/.test(textOf(source, question.childForFieldName('function') ?? question)))) question = question.parent;
  if (!question) return undefined;
  const statement = nearest(question, IF);
  const condition = statement?.childForFieldName('condition');
  const clause = nearest(question, ELSE_IF);
  if (clause && statement && clause.startIndex > statement.startIndex && isWithin(question, clause.childForFieldName('condition'))) return refused('it has more than two branches');
  if (!statement || !condition || !isWithin(question, condition)) return refused('the flag is not asked in the condition of an if statement');
  const asked = bare(condition);
  const isNegated = asked?.type === 'not_operator' && isSame(bare(asked.childForFieldName('argument')), question);
  if (!isNegated && !isSame(asked, question)) return refused('the condition asks for more than the flag');
  const body = statement.childForFieldName('consequence');
  const alternatives = childrenOf(statement).filter(({ type }) => type === 'elif_clause' || type === 'else_clause');
  const [alternative] = alternatives;
  if (!body || alternatives.length > 1 || alternative?.type === 'elif_clause') return refused('it has more than two branches');
  const first = body.namedChildren.find(({ type }) => type !== 'comment');
  const last = body.namedChildren.at(-1);
  const other = alternative?.childForFieldName('body');
  // Without an else, what follows is the other branch when the first one leaves.
  const after = alternative === undefined && last !== undefined && LEAVING.has(last.type) ? followingOf(statement) : undefined;
  if (isNegated) return first && other ? { question, on: other, off: first } : refused('it has no branch in which the candidate answers');
  const off = other?.namedChildren.find(({ type }) => type !== 'comment') ?? after;
  return off === undefined ? refused('it has no branch in which the current version answers') : { question, on: body, off };
}

/** An expression without the brackets around it. */
function bare(node: SyntaxNode | null | undefined): SyntaxNode | null | undefined {
  return node?.type === 'parenthesized_expression' ? bare(childrenOf(node)[0]) : node;
}

function isSame(a: SyntaxNode | null | undefined, b: SyntaxNode): boolean {
  return a?.startIndex === b.startIndex && a.endIndex === b.endIndex;
}

function isWithin(node: SyntaxNode, outer: SyntaxNode | null | undefined): boolean {
  return outer !== null && outer !== undefined && outer.startIndex <= node.startIndex && node.endIndex <= outer.endIndex;
}

function followingOf(statement: SyntaxNode): SyntaxNode | undefined {
  return statement.parent?.namedChildren.find(({ type, startIndex }) => type !== 'comment' && startIndex >= statement.endIndex);
}

/**
 * Inserts into the switch at a selection the call of the candidate beside the current version, and what it needs in the file. Undefined where no flag is asked.
 * What it adds to the branch that serves is one statement that cannot raise: all that it reads is read within the class. Refused is whatever
 * is not known to be what the candidate's branch would have answered.
 */
export function addShadowCall(source: Source, selection: Span, parse: Parse): Shadowed | Refused | undefined {
  const found = switchAt(source, selection);
  if (found === undefined || 'kind' in found) return found;
  const { question, on, off } = found;
  const { text } = source;
  if (source.root.hasError) return refused(nearest(question, IF)?.hasError === true ? 'there is a syntax error in it' : 'there is a syntax error in the file');
  if (!startsItsLine(text, off.startIndex)) return refused('other statements stand on its line');
  if (scopeOf(question).type === 'class_definition') return refused('it stands in the body of a class, whose variables a later call cannot read');
  const isVariable = variablesAt(source, question);
  const answer = answerOf(source, on, off, isVariable);
  if ('kind' in answer) return answer;
  if (isShadowed(source, off, answer)) return refused('it has its shadow call');
  const asked = questionParts(source, question);
  if ('kind' in asked) return asked;
  const helper = helperFor(source, off);
  if (helper !== undefined && 'kind' in helper) return helper;
  const request: WrapPart = isBoundAbove(source, 'request_id', found) ? 'request_id' : { placeholder: 'request_id' };
  const place = lineStart(text, off.startIndex);
  const line: WrapPart[] = [`${indentationAt(text, off.startIndex)}${SHADOW_NAME}.submit(${asked.flag}, lambda: (${asked.client}, ${asked.context}, `, request, `, ${lambdaOf(source, answer, isVariable)}))${newlineOf(text)}`];
  const inserted = [...(helper === undefined ? [] : [{ at: helper.start, parts: [helper.text] }]), { at: place, parts: line }];
  const after = applySpanEdits(text, inserted.map(({ at, parts }) => ({ start: at, end: at, text: wrappedText(parts) })));
  if (inTree(parse, after, (_source, hasError) => hasError)) return refused('a call of the candidate cannot be written there without a syntax error');
  const starts = editorLineStarts(text);
  return { kind: 'shadowed', insertions: inserted.map(({ at, parts }) => ({ range: rangeBetween(starts, at, at), parts })) };
}

/** Whether a name is there in the branch that serves: bound above, and not in the branch of the candidate alone. */
function isBoundAbove(source: Source, name: string, { on, off }: Switch): boolean {
  const scope = scopeOf(off);
  const own = occurrences(source, name, { start: scope.startIndex, end: off.startIndex }).filter(({ node, role }) => role === 'bind' && ownerOf(node)?.id === scope.id);
  if (own.length > 0 && own.every(({ node }) => isWithin(node, on))) return false;
  return new NamesInScope(source, identifiersIn(off)[0] ?? off).isVisible(name);
}

/** What is found in the whole file is asked once for each name. */
function variablesAt(source: Source, place: SyntaxNode): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const kept = known.get(name) ?? isKept(source, place, name);
    known.set(name, kept);
    return kept;
  };
}

/** Whether a statement of the branch that serves submits the call already. */
function isShadowed(source: Source, off: SyntaxNode, answer: SyntaxNode): boolean {
  const siblings = off.parent?.namedChildren ?? [];
  const submits = siblings.map((each) => textOf(source, each)).filter((written) => written.startsWith(`${SHADOW_NAME}.submit(`));
  const packed = (written: string): string => written.replace(/\s+/g, '');
  return submits.some((written) => packed(written).includes(packed(textOf(source, answer))));
}

/**
 * The expression, later. Variables are kept as they are now, as defaults of parameters: those that are asked (`self`) after
 * the star, which are shared, and data before it, which the class copies.
 */
function lambdaOf(source: Source, answer: SyntaxNode, isVariable: (name: string) => boolean): string {
  const kept = [...new Set([...freeNames(source, answer)].map((node) => textOf(source, node)))].filter(isVariable);
  const receivers = receiversIn(source, answer);
  const isShared = (name: string): boolean => receivers.has(name) || name === 'self' || name === 'cls';
  const shared = kept.filter(isShared);
  const parameters = [...kept.filter((name) => !isShared(name)).map(named), ...(shared.length === 0 ? [] : ['*', ...shared.map(named)])].join(', ');
  return `lambda${parameters === '' ? '' : ` ${parameters}`}: ${textOf(source, answer)}`;
}

function named(name: string): string {
  return `${name}=${name}`;
}

/** What asks the flag, to be asked about its shadow in the same way. Line breaks stay: brackets are around them. */
function questionParts(source: Source, question: SyntaxNode): Question | Refused {
  const client = question.childForFieldName('function')?.childForFieldName('object');
  const args = childrenOf(question.childForFieldName('arguments') ?? question).filter(({ type }) => type !== 'line_continuation');
  const argument = (name: string): SyntaxNode | null | undefined => args.find((each) => each.type === 'keyword_argument' && textOf(source, each.childForFieldName('name') ?? each) === name)?.childForFieldName('value');
  const positional = args.filter(({ type }) => type !== 'keyword_argument');
  const flag = argument('feature_name') ?? positional[0];
  const context = argument('context') ?? positional[1];
  if (args.some(({ type }) => type === 'list_splat' || type === 'dictionary_splat')) return refused('the flag is asked with `*` or `**`');
  if (!client || !flag || !['string', 'identifier', 'attribute'].includes(flag.type) || !isPure(source, flag)) return refused('the flag\'s name is neither a text nor a constant');
  if (!isPure(source, client) && !isGetter(source, client)) return refused('the client of the flag is made where it is asked: assign it to a variable first');
  if (context && !isPure(source, context)) return refused('the flag\'s context calls something, which would be done twice: assign it to a variable first');
  return { client: textOf(source, client), flag: textOf(source, flag), context: context ? textOf(source, context) : '{}' };
}

/** Asking a getter for the client is taken to have no effect, and a class is none. */
function isGetter(source: Source, client: SyntaxNode): boolean {
  const callee = client.type === 'call' ? client.childForFieldName('function') : null;
  const args = client.childForFieldName('arguments');
  return callee !== null && args !== null && childrenOf(args).length === 0 && isPure(source, callee) && !/(?:^|\.)[A-Z]\w*$/.test(textOf(source, callee));
}
