/** What the candidate's branch of a switch answers, as one expression that can be evaluated beside the branch, too. */
import { childrenOf, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { statementOf } from '../python/blocks.ts';
import { descendants, FUNCTION_SCOPES } from '../python/names.ts';
import { isPure } from '../python/purity.ts';
import { changedAbove, isFallback, madeInBranch, partUsedBelow } from './shadowBranch.ts';
import { freeNames } from './shadowNames.ts';
import { isModelCall, type Refused } from './wrapInSwitch.ts';

/** What must not be done twice. */
const EFFECTS: ReadonlySet<string> = new Set(['call', 'await', 'yield', 'named_expression', 'lambda']);
/** What may stand between the candidate's call and what is assigned or returned. */
const TAKEN: ReadonlySet<string> = new Set([
  'argument_list', 'keyword_argument', 'attribute', 'subscript', 'slice', 'parenthesized_expression', 'binary_operator', 'unary_operator', 'comparison_operator', 'not_operator',
  'boolean_operator', 'conditional_expression',
]);
const SEVERAL: ReadonlySet<string> = new Set(['expression_list', 'tuple', 'list', 'set', 'dictionary', 'pattern_list', 'tuple_pattern', 'list_pattern']);
/** Functions of a number, a text or an array that only compute. */
const COMPUTING = /^(?:float|int|str|bool|round|abs|min|max|sum|len|(?:np|numpy|math)\.(?:float\d*|int\d*|argmax|argmin|max|min|mean|median|sum|round|around|clip|asarray|array|ravel|squeeze|exp|log|log1p|expm1|sqrt|abs|where))$/;
/** Methods of what models answer, arrays, tables, texts and dictionaries, that only compute. */
const METHODS = /^(?:item|tolist|to_list|to_numpy|numpy|detach|cpu|ravel|flatten|reshape|squeeze|astype|argmax|argmin|max|min|mean|median|sum|round|clip|get|strip|lower|upper|title|decode|item|copy|values|keys|softmax|sigmoid|float|double)$/;
/** Functions that look a model up. */
const GETTERS = /^(?:get|candidate|challenger)(?:_\w+)?$|_(?:candidate|challenger|v2)$/;

/** What is shared by the requests of a service. */
const OBJECTS: ReadonlySet<string> = new Set(['self', 'cls']);

/** A clause that says why, for people. */
export function refused(reason: string): Refused {
  return { kind: 'refused', reason };
}

/** A function that is named as a candidate is. */
function isCandidate(source: Source, call: SyntaxNode): boolean {
  const callee = call.childForFieldName('function');
  return callee?.type === 'identifier' && /^(?:candidate|challenger|new)_|_(?:candidate|challenger|new|v2)$/.test(textOf(source, callee));
}

function isCallOfModel(source: Source, node: SyntaxNode): boolean {
  return node.type === 'call' && (isModelCall(source, node) || isCandidate(source, node));
}

function modelCalls(source: Source, node: SyntaxNode): readonly SyntaxNode[] {
  return [...descendants(node, ({ type }) => !FUNCTION_SCOPES.has(type) && type !== 'class_definition')].filter((each) => isCallOfModel(source, each));
}

/** What is called in an expression, but for methods of what models answer. */
function calleesIn(source: Source, expression: SyntaxNode): readonly SyntaxNode[] {
  return [...descendants(expression)].flatMap((node) => (node.type === 'call' && !isMethodOfAnswer(source, node) ? node.childForFieldName('function') ?? [] : []));
}

/** Names of what is called in an expression: `self` of `self.candidate.predict(x)`. */
export function receiversIn(source: Source, expression: SyntaxNode): ReadonlySet<string> {
  return new Set(calleesIn(source, expression).flatMap((callee) => [...freeNames(source, callee)].map((each) => textOf(source, each))));
}

/** Whether a call is a method of what a model answered: `candidate.predict(x).item()`. */
function isMethodOfAnswer(source: Source, call: SyntaxNode): boolean {
  const callee = call.childForFieldName('function');
  return callee !== null && modelCalls(source, callee).length > 0;
}

/** The whole expression that is assigned or returned in the branch of the candidate; `off` is the first statement of the other. `isVariable` tells of a name whether it may mean something else later. */
export function answerOf(source: Source, on: SyntaxNode, off: SyntaxNode, isVariable: (name: string) => boolean): SyntaxNode | Refused {
  const calls = modelCalls(source, on);
  const [call] = calls;
  if (call === undefined) return refused('no model is called in the branch of the candidate');
  const path = pathTo(on, statementOf(call));
  if (typeof path === 'string') return refused(path);
  const statement = path.at(-1) ?? on;
  if (calls.some((each) => !isWithin(each, statement) && !isFallback(path, each))) return refused('several models are called in the branch of the candidate');
  const assigned = assignedIn(statement);
  if (assigned === undefined || !isWithin(call, assigned.value)) return refused('the answer of the candidate is neither assigned nor returned: assign it to a variable');
  const { value, targets } = assigned;
  const problem = problemOf(source, value) ?? (targets.some(({ type }) => SEVERAL.has(type)) ? 'several values are assigned at once: assign the answer to a variable of its own' : undefined)
    ?? sharedRead(source, value, isVariable) ?? changedAbove(source, path, value) ?? partUsedBelow(source, path, targets) ?? madeInBranch(source, path, targets, off);
  return problem === undefined ? value : refused(problem);
}

function isWithin({ startIndex, endIndex }: SyntaxNode, outer: SyntaxNode): boolean {
  return outer.startIndex <= startIndex && endIndex <= outer.endIndex;
}

/** The statements from a branch to one in it, which may stand in the body of `try` only; else why it cannot be taken from there. */
function pathTo(on: SyntaxNode, statement: SyntaxNode): readonly SyntaxNode[] | string {
  const block = statement.parent;
  if (!block || block.id === on.id) return [statement];
  const holder = block.parent;
  const isTried = holder?.type === 'try_statement' && holder.namedChildren.find(({ type }) => type !== 'comment')?.id === block.id;
  if (!holder || !isTried) return `the candidate is called within ${WITHIN[holder?.type ?? ''] ?? 'another statement'} of its branch, which a shadow call would leave out`;
  const path = pathTo(on, holder);
  return typeof path === 'string' ? path : [...path, statement];
}

const WITHIN: Readonly<Record<string, string>> = { for_statement: 'a `for`', while_statement: 'a `while`', with_statement: 'a `with`', if_statement: 'an `if`', elif_clause: 'an `if`', else_clause: 'an `else`', except_clause: 'an `except`', case_clause: 'a `match`' };

function assignedIn(statement: SyntaxNode): { readonly value: SyntaxNode; readonly targets: readonly SyntaxNode[] } | undefined {
  const [only] = childrenOf(statement);
  if (statement.type === 'return_statement') return only && { value: only, targets: [] };
  const targets: SyntaxNode[] = [];
  let node: SyntaxNode | null | undefined = statement.type === 'expression_statement' ? only : undefined;
  for (; node?.type === 'assignment'; node = node.childForFieldName('right')) targets.push(...[node.childForFieldName('left')].flatMap((left) => left ?? []));
  return node && targets.length > 0 ? { value: node, targets } : undefined;
}

function problemOf(source: Source, value: SyntaxNode): string | undefined {
  const all = [...descendants(value)];
  if (all.some(({ type }) => type === 'await')) return 'the candidate\'s answer is awaited: a thread cannot ask for it';
  if (all.some((node) => node.type === 'yield' || node.type === 'named_expression')) return 'a variable is set, or something is yielded, within the expression of the candidate';
  if (all.some((node) => node.type === 'for_in_clause' && textOf(source, node).startsWith('async'))) return 'something is awaited in the expression of the candidate: a thread cannot do that';
  if (SEVERAL.has(value.type)) return 'the answer of the candidate is a part of what is returned or assigned: assign it to a variable of its own';
  return problemIn(source, value);
}

/** Why what stands around a model's call, or one itself, cannot be evaluated in shadow. */
function problemIn(source: Source, node: SyntaxNode): string | undefined {
  const children = childrenOf(node);
  if (modelCalls(source, node).length === 0) return effectIn(source, node) ? 'a function is called beside the candidate, which would be done twice: assign what it gives to a variable first' : undefined;
  if (node.type !== 'call') return TAKEN.has(node.type) ? firstProblem(source, children) : 'the answer of the candidate cannot be taken whole from its expression: assign it to a variable of its own';
  const callee = node.childForFieldName('function');
  const args = node.childForFieldName('arguments');
  if (!callee || !args) return undefined;
  const name = textOf(source, callee.type === 'attribute' ? callee.childForFieldName('attribute') ?? callee : callee);
  if (isMethodOfAnswer(source, node)) {
    if (!METHODS.test(name) && !isModelCall(source, node)) return `\`${name}\` is called on the answer of the candidate, and would be in shadow, too: assign the answer to a variable first`;
    return firstProblem(source, [callee]) ?? argumentsProblem(source, args);
  }
  if (isCallOfModel(source, node)) return receiverProblem(source, callee) ?? argumentsProblem(source, args);
  const written = textOf(source, callee).replace(/\s/g, '');
  return COMPUTING.test(written) ? firstProblem(source, [args]) : `\`${written}\` is called with the answer of the candidate, and would be in shadow, too: assign the answer to a variable first`;
}

function firstProblem(source: Source, nodes: readonly SyntaxNode[]): string | undefined {
  for (const node of nodes) {
    const problem = problemIn(source, node);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function argumentsProblem(source: Source, args: SyntaxNode): string | undefined {
  return effectIn(source, args) ? 'the candidate\'s arguments call something, which would be done twice: assign them to variables first' : undefined;
}

/** Names, attributes, items, and getters of models. */
function receiverProblem(source: Source, callee: SyntaxNode): string | undefined {
  for (const call of [...descendants(callee)].filter(({ type }) => EFFECTS.has(type))) {
    const getter = call.type === 'call' ? call.childForFieldName('function') : null;
    const name = getter?.type === 'attribute' ? getter.childForFieldName('attribute') : getter;
    const args = call.childForFieldName('arguments');
    if (!name || !GETTERS.test(textOf(source, name)) || !args || effectIn(source, args)) return `\`${textOf(source, call)}\` would be called twice: assign the candidate to a variable in front of the switch`;
  }
  return undefined;
}

function effectIn(source: Source, node: SyntaxNode): boolean {
  return EFFECTS.has(node.type) ? node.type !== 'call' || !isPure(source, node) : node.namedChildren.some((child) => effectIn(source, child));
}

/** An attribute of an object that other requests have, too, and that is read when the candidate is asked. */
function sharedRead(source: Source, value: SyntaxNode, isVariable: (name: string) => boolean): string | undefined {
  const callees = calleesIn(source, value);
  const receivers = receiversIn(source, value);
  const shared = [...freeNames(source, value)].find((node) => {
    const name = textOf(source, node);
    const isPart = node.parent?.type === 'attribute' || node.parent?.type === 'subscript';
    return isPart && (receivers.has(name) || OBJECTS.has(name)) && isVariable(name) && !callees.some((callee) => isWithin(node, callee));
  });
  return shared && `\`${textOf(source, shared.parent ?? shared)}\` may be another by the time the candidate is asked: assign it to a variable in front of the switch`;
}
