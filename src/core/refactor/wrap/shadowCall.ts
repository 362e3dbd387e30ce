/** Writes a shadow call into an existing switch: where the current version serves, the candidate is asked beside it. */
import { editorLineStarts, rangeBetween } from '../../callsites/lines.ts';
import type { Range } from '../../callsites/model.ts';
import { childrenOf, nearest, textOf, type Source, type Span, type SyntaxNode } from '../../callsites/syntax.ts';
import { isInString, indentationAt, lineEnd, lineStart, newlineOf, nextLine, startsItsLine } from '../python/lines.ts';
import { descendants } from '../python/names.ts';
import { stringLiteral, usualQuote } from '../python/quotes.ts';
import { NamesInScope } from './namesInScope.ts';
import { SHADOW_CLASS, SHADOW_IMPORTS, SHADOW_LOG, SHADOW_NAME } from './shadowHelper.ts';
import { isModelCall, type Refused, type WrapPart } from './wrapInSwitch.ts';

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

const IF = new Set(['if_statement']);
const LEAVING = new Set(['return_statement', 'raise_statement', 'continue_statement', 'break_statement']);
/** What must not be done twice. */
const EFFECTS = new Set(['call', 'await', 'yield', 'named_expression', 'lambda']);

function refused(reason: string): Refused {
  return { kind: 'refused', reason };
}

/** The question of a flag in the condition of an `if` at a place; undefined where there is none. */
function switchAt(source: Source, { start, end }: Span): Switch | Refused | undefined {
  let question: SyntaxNode | null = source.root.namedDescendantForIndex(start, end);
  while (question && !(question.type === 'call' && /\.is_enabled$/.test(textOf(source, question.childForFieldName('function') ?? question)))) question = question.parent;
  if (!question) return undefined;
  const statement = nearest(question, IF);
  const condition = statement?.childForFieldName('condition');
  if (!statement || !condition) return refused('the flag is not asked in the condition of an if statement');
  const isNegated = condition.type === 'not_operator' && isSame(condition.childForFieldName('argument'), question);
  if (!isNegated && !isSame(condition, question)) return refused('the condition asks for more than the flag');
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

function isSame(a: SyntaxNode | null | undefined, b: SyntaxNode): boolean {
  return a?.startIndex === b.startIndex && a.endIndex === b.endIndex;
}

function followingOf(statement: SyntaxNode): SyntaxNode | undefined {
  return statement.parent?.namedChildren.find(({ type, startIndex }) => type !== 'comment' && startIndex >= statement.endIndex);
}

/**
 * Inserts into the switch at a selection the call of the candidate beside the current version, and what it needs in the file. Undefined where no flag is asked.
 * What the arguments of the candidate's call name is kept as it is at that moment; objects that are changed later are seen changed.
 */
export function addShadowCall(source: Source, selection: Span): Shadowed | Refused | undefined {
  const found = switchAt(source, selection);
  if (found === undefined || 'kind' in found) return found;
  const { question, on, off } = found;
  const { text } = source;
  if (nearest(question, IF)?.hasError === true) return refused('there is a syntax error in it');
  if (!startsItsLine(text, off.startIndex)) return refused('other statements stand on its line');
  const call = [...descendants(on)].find((node) => node.type === 'call' && (isModelCall(source, node) || isCandidate(source, node)));
  if (call === undefined) return refused('no model is called in the branch of the candidate');
  const problem = problemOf(source, on, call);
  if (problem !== undefined) return refused(problem);
  const asked = questionParts(source, question);
  if (asked === undefined) return refused('the flag\'s name is neither a text nor a constant');
  if (text.includes(`${SHADOW_NAME}.submit(`) && new RegExp(`${SHADOW_NAME}\\.submit\\([^\\n]*${escaped(textOf(source, call))}`).test(text)) return refused('it has its shadow call');
  const names = new NamesInScope(source, firstIdentifier(off) ?? off);
  const request: WrapPart = names.isVisible('request_id') ? 'request_id' : { placeholder: 'request_id' };
  const newline = newlineOf(text);
  const indentation = indentationAt(text, off.startIndex);
  const line: WrapPart[] = [`${indentation}${SHADOW_NAME}.submit(${asked.client}, ${asked.flag}, ${asked.context}, `, request, `, ${lambdaOf(source, call)})${newline}`];
  const starts = editorLineStarts(text);
  const at = (offset: number): Range => rangeBetween(starts, offset, offset);
  const place = lineStart(text, off.startIndex);
  const helper = names.isVisible(SHADOW_NAME) || text.includes('class ShadowCalls') ? undefined : helperIn(source, newline);
  if (helper !== undefined && helper.at > place) return refused('the imports of the file stand below it');
  return { kind: 'shadowed', insertions: [...(helper === undefined ? [] : [{ range: at(helper.at), parts: [helper.text] }]), { range: at(place), parts: line }] };
}

/** A function that is named as a candidate is. */
function isCandidate(source: Source, call: SyntaxNode): boolean {
  const callee = call.childForFieldName('function');
  return callee?.type === 'identifier' && /^(?:candidate|challenger|new)_|_(?:candidate|challenger|new|v2)$/.test(textOf(source, callee));
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function problemOf(source: Source, on: SyntaxNode, call: SyntaxNode): string | undefined {
  if (call.parent?.type === 'await') return 'the candidate\'s answer is awaited: a thread cannot ask for it';
  if (/[\r\n]/.test(textOf(source, call)) && isInString(source, call.startIndex)) return 'it stands in a text';
  const args = call.childForFieldName('arguments');
  if (args && [...descendants(args)].some((node) => EFFECTS.has(node.type))) return 'the candidate\'s arguments call something, which would be done twice: assign them to variables first';
  const bound = new Set([...descendants(on)].flatMap((node) => (node.type === 'assignment' ? identifiersOf(source, node.childForFieldName('left')) : [])));
  const used = identifiersOf(source, call).find((name) => bound.has(name));
  return used === undefined ? undefined : `\`${used}\` is set in the branch of the candidate, and is another in the other: name the candidate itself in the call`;
}

/** Identifiers in an expression, without the names of attributes and keywords. */
function identifiersOf(source: Source, node: SyntaxNode | null): string[] {
  if (!node) return [];
  const all = [node, ...descendants(node)].filter(({ type }) => type === 'identifier');
  return [...new Set(all.filter((each) => !isSame(each.parent?.type === 'attribute' ? each.parent.childForFieldName('attribute') : each.parent?.type === 'keyword_argument' ? each.parent.childForFieldName('name') : null, each)).map((each) => textOf(source, each)))];
}

/** The call, later: names in its arguments are those of now. */
function lambdaOf(source: Source, call: SyntaxNode): string {
  const bound = identifiersOf(source, call.childForFieldName('arguments')).map((name) => `${name}=${name}`);
  const [code, ...rest] = textOf(source, call).split(/\r\n|\r|\n/);
  return `lambda${bound.length === 0 ? '' : ` ${bound.join(', ')}`}: ${[code ?? '', ...rest.map((line) => line.trim())].join(' ')}`;
}

function questionParts(source: Source, question: SyntaxNode): { readonly client: string; readonly flag: string; readonly context: string } | undefined {
  const client = question.childForFieldName('function')?.childForFieldName('object');
  const args = question.childForFieldName('arguments')?.namedChildren.filter(({ type }) => type !== 'comment') ?? [];
  const named = (name: string): SyntaxNode | null | undefined => args.find((each) => each.type === 'keyword_argument' && textOf(source, each.childForFieldName('name') ?? each) === name)?.childForFieldName('value');
  const positional = args.filter(({ type }) => type !== 'keyword_argument');
  const flag = named('feature_name') ?? positional[0];
  const context = named('context') ?? positional[1];
  if (!client || !flag || !['string', 'identifier', 'attribute'].includes(flag.type)) return undefined;
  return { client: oneLine(source, client), flag: oneLine(source, flag), context: context ? oneLine(source, context) : '{}' };
}

function oneLine(source: Source, node: SyntaxNode): string {
  return textOf(source, node).split(/\r\n|\r|\n/).map((line) => line.trim()).join(' ');
}

function firstIdentifier(node: SyntaxNode): SyntaxNode | undefined {
  return [node, ...descendants(node)].find(({ type }) => type === 'identifier');
}

/** The class behind the last import at the top of the file; imports that are there already are left out. */
function helperIn(source: Source, newline: string): { readonly at: number; readonly text: string } {
  const { text, root } = source;
  const statements = childrenOf(root).filter(({ type }) => type !== 'comment');
  const imports = statements.filter(({ type }) => /^(?:future_)?import(?:_from)?_statement$/.test(type));
  const isDocstring = statements[0]?.type === 'expression_statement' && statements[0].namedChildren[0]?.type === 'string';
  const before = imports.at(-1) ?? (isDocstring ? statements[0] : undefined);
  const at = before === undefined ? 0 : nextLine(text, before.endIndex);
  const present = new Set(text.split(/\r\n|\r|\n/).map((line) => line.trim()));
  const missing = SHADOW_IMPORTS.filter((line) => !present.has(line));
  const lines = [...missing, '', '', ...SHADOW_CLASS.trimEnd().split('\n'), '', '', `${SHADOW_NAME} = ShadowCalls(${stringLiteral(SHADOW_LOG, usualQuote(text))})`, ''];
  return { at, text: `${before !== undefined && lineEnd(text, before.endIndex) === text.length && !text.endsWith('\n') ? newline : ''}${lines.join(newline)}` };
}
