/** Puts a call behind a model switch: the candidate answers where the flag is on, the call as it was where it is off. */
import { editorLineStarts, rangeBetween } from '../../callsites/lines.ts';
import type { Range } from '../../callsites/model.ts';
import { nearest, textOf, type Source, type Span, type SyntaxNode } from '../../callsites/syntax.ts';
import { statementOf } from '../python/blocks.ts';
import { endsItsLine, indentationAt, isInString, lineStart, newlineOf, nextLine, startsItsLine } from '../python/lines.ts';
import { stringLiteral } from '../python/quotes.ts';
import { NamesInScope } from './namesInScope.ts';
import { styleOf, type Style } from './style.ts';

/** Text, or a place that the person fills in: what stands there first is selected. */
export type WrapPart = string | { readonly placeholder: string };

/** One replacement; the parts in their order are its text. */
export interface Wrapped {
  readonly kind: 'wrapped';
  readonly range: Range;
  readonly parts: readonly WrapPart[];
}

export interface Refused {
  readonly kind: 'refused';
  /** A clause that says why, for people. */
  readonly reason: string;
}

export interface WrapOptions {
  /** The flag's key; undefined leaves it to the person. */
  readonly flag: string | undefined;
}

const MODEL_CALLS = /^(?:predict\w*|transform|score\w*|infer\w*|classify\w*|decision_function|forward|rank|recommend\w*|generate|embed\w*|default_probabilit\w+)$/;

/**
 * The call that a selection is about: one that is selected as a whole; with a mere cursor, a call of a method that models
 * have. Undefined when there is none.
 */
export function callAt(source: Source, selection: Span): SyntaxNode | undefined {
  let node = source.root.namedDescendantForIndex(selection.start, selection.end);
  const trimmed = source.text.slice(selection.start, selection.end).trim();
  while (node && node.type !== 'block' && node.type !== 'module') {
    if (node.type === 'call' && (trimmed === '' ? isOnCallee(source, node, selection.start) : textOf(source, node) === trimmed)) return node;
    node = node.parent;
  }
  return undefined;
}

/** Whether it is the call of a method that models have. */
export function isModelCall(source: Source, call: SyntaxNode): boolean {
  const callee = call.childForFieldName('function');
  const name = callee?.type === 'attribute' ? callee.childForFieldName('attribute') : null;
  return name !== null && MODEL_CALLS.test(textOf(source, name));
}

function isOnCallee(source: Source, call: SyntaxNode, at: number): boolean {
  const callee = call.childForFieldName('function');
  return callee !== null && isModelCall(source, call) && at >= callee.startIndex && at <= call.endIndex;
}

export function wrapInSwitch(source: Source, selection: Span, options: WrapOptions): Wrapped | Refused {
  const call = callAt(source, selection);
  if (!call) return refused('there is no call to wrap');
  const statement = statementOf(call);
  if (statement.hasError) return refused('there is a syntax error in it');
  const place = firstIdentifier(call);
  if (!place) return refused('the function that is called has no name');
  const names = new NamesInScope(source, place);
  const client = names.client();
  if (client === undefined) return refused('no Unleash client is in scope');
  const wrapping = { source, call, statement, names, style: styleOf(source, statement), question: questionOf(source, statement, names, client, options) };
  if (/\.(?:is_enabled|get_variant)$/.test(textOf(source, call.childForFieldName('function') ?? call))) return refused('it is the call of a flag itself');
  return BRANCHING.has(statement.type) && isInStatementItself(call, statement) ? asBranch(wrapping) : asTernary(wrapping);
}

function refused(reason: string): Refused {
  return { kind: 'refused', reason };
}

interface Wrapping {
  readonly source: Source;
  readonly call: SyntaxNode;
  readonly statement: SyntaxNode;
  readonly names: NamesInScope;
  readonly style: Style;
  readonly question: Question;
}

/** `client.is_enabled(arguments)` */
interface Question {
  readonly callee: string;
  readonly arguments: readonly (readonly WrapPart[])[];
}

const BRANCHING: ReadonlySet<string> = new Set(['expression_statement', 'return_statement', 'raise_statement']);
/** Between these and their statement a value is computed later, or again and again. */
const LATER: ReadonlySet<string> = new Set(['lambda', 'list_comprehension', 'set_comprehension', 'dictionary_comprehension', 'generator_expression', 'conditional_expression', 'boolean_operator']);

function isInStatementItself(call: SyntaxNode, statement: SyntaxNode): boolean {
  const later = nearest(call, LATER);
  return !later || later.startIndex < statement.startIndex || later.endIndex > statement.endIndex;
}

function firstIdentifier(call: SyntaxNode): SyntaxNode | undefined {
  let node = call.childForFieldName('function');
  while (node && node.type !== 'identifier') node = node.type === 'attribute' ? node.childForFieldName('attribute') : node.childForFieldName('function');
  return node ?? undefined;
}

function questionOf(source: Source, statement: SyntaxNode, names: NamesInScope, client: string, { flag }: WrapOptions): Question {
  const { quote } = styleOf(source, statement);
  const key: readonly WrapPart[] = flag === undefined ? [quote, { placeholder: 'flag-name' }, quote] : [stringLiteral(flag, quote)];
  const user = names.userId();
  const context: readonly WrapPart[] = [names.context() ?? (user === undefined ? '' : `{${quote}userId${quote}: ${user}}`)];
  const fallback = names.fallback();
  return { callee: `${client}.is_enabled`, arguments: [key, context[0] === '' ? ['{', { placeholder: '' }, '}'] : context, ...fallback === undefined ? [] : [[fallback]]] };
}

function asked({ callee, arguments: args }: Question): readonly WrapPart[] {
  return [`${callee}(`, ...args.flatMap((argument, index) => (index === 0 ? argument : [', ', ...argument])), ')'];
}

export function wrappedText(parts: readonly WrapPart[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : part.placeholder)).join('');
}

function asBranch({ source, call, statement, names, style, question }: Wrapping): Wrapped | Refused {
  const { text } = source;
  if (!startsItsLine(text, statement.startIndex) || !endsItsLine(text, statement.endIndex)) return refused('other statements stand on its line');
  const indentation = indentationAt(text, statement.startIndex);
  const newline = newlineOf(text);
  const inner = indentation + style.unit;
  const flat = asked(question);
  const isShort = indentation.length + 'if :'.length + wrappedText(flat).length <= style.width;
  const condition = isShort ? flat : [`${question.callee}(`, ...question.arguments.flatMap((argument) => [`${newline}${inner}`, ...argument, ',']), `${newline}${indentation})`];
  const current = moved(source, statement, indentation, style.unit);
  const candidate = candidateOf(source, call, names);
  const change = call.childForFieldName('function') ?? call;
  const parts: WrapPart[] = ['if ', ...condition, `:${newline}${inner}`, current(statement.startIndex, change.startIndex), ...candidate, current(change.endIndex, statement.endIndex), `${newline}${indentation}else:${newline}${inner}`];
  const annotation = statement.namedChildren[0]?.childForFieldName('type');
  const target = annotation ? statement.namedChildren[0]?.childForFieldName('left') : null;
  // A variable is annotated once.
  if (annotation && target) parts.push(current(statement.startIndex, target.endIndex), current(annotation.endIndex, statement.endIndex));
  else parts.push(current(statement.startIndex, statement.endIndex));
  return { kind: 'wrapped', range: rangeBetween(editorLineStarts(text), statement.startIndex, statement.endIndex), parts: joined(parts) };
}

/** Pieces of a statement with its further lines one step deeper. */
function moved(source: Source, statement: SyntaxNode, indentation: string, unit: string): (start: number, end: number) => string {
  return (start, end) => {
    let result = '';
    for (let at = start; at < end;) {
      const next = Math.min(nextLine(source.text, at), end);
      const line = source.text.slice(at, next);
      const isWhole = at === lineStart(source.text, at) && at > statement.startIndex;
      result += isWhole && line.startsWith(indentation) && line.trim() !== '' && !isInString(source, at) ? indentation + unit + line.slice(indentation.length) : line;
      at = next;
    }
    return result;
  };
}

function asTernary({ source, call, names, style, question }: Wrapping): Wrapped | Refused {
  const text = textOf(source, call);
  const callee = call.childForFieldName('function') ?? call;
  const candidate = candidateOf(source, call, names);
  const parts = joined(['(', ...candidate, text.slice(callee.endIndex - call.startIndex), ' if ', ...asked(question), ` else ${text})`]);
  const line = source.text.slice(lineStart(source.text, call.startIndex), call.startIndex);
  if (/[\r\n]/.test(text) || line.length + wrappedText(parts).length > Math.max(style.width, 100)) return refused('it stands where only a short call can be wrapped: assign it to a variable first');
  // Inside a string only an f-string's hole can hold it, where quotes may end the string.
  if (isInString(source, call.startIndex)) return refused('it stands in an f-string: assign it to a variable first');
  return { kind: 'wrapped', range: rangeBetween(editorLineStarts(source.text), call.startIndex, call.endIndex), parts };
}

const SAME: readonly (readonly [RegExp, string])[] = [[/current|champion|old|v1/, 'candidate'], [/current|champion|old|v1/, 'challenger'], [/current|champion|old|v1/, 'new'], [/v1/, 'v2']];
const USUAL = ['candidate', 'candidate_model', 'challenger', 'challenger_model', 'new_model'];

/** What is called instead: something in scope that is named like a candidate, else a place to fill in. */
function candidateOf(source: Source, call: SyntaxNode, names: NamesInScope): readonly WrapPart[] {
  const callee = call.childForFieldName('function') ?? call;
  if (callee.type !== 'attribute') return ownFunction(textOf(source, callee), names);
  const object = callee.childForFieldName('object');
  const method = textOf(source, callee.childForFieldName('attribute') ?? callee);
  const receiver = object ? textOf(source, object) : '';
  const dot = receiver.lastIndexOf('.');
  const [owner, name] = [dot === -1 ? undefined : receiver.slice(0, dot), receiver.slice(dot + 1)];
  const exists = (candidate: string): boolean => (owner === undefined ? names.isVisible(candidate) : names.hasAttribute(owner, candidate));
  const found = [...SAME.map(([pattern, word]) => name.replace(pattern, word)), ...USUAL, `candidate_${name}`, `${name}_candidate`, `new_${name}`, `${name}_v2`].find((candidate) => candidate !== name && exists(candidate));
  const prefix = owner === undefined ? '' : `${owner}.`;
  return found === undefined ? [{ placeholder: 'candidate' }, `.${method}`] : [`${prefix}${found}.${method}`];
}

function ownFunction(name: string, names: NamesInScope): readonly WrapPart[] {
  const found = [`candidate_${name}`, `${name}_candidate`, `new_${name}`, `${name}_new`, `${name}_v2`].find((candidate) => names.isVisible(candidate));
  return [found ?? { placeholder: `candidate_${/^\w+$/.test(name) ? name : 'call'}` }];
}

/** Neighbouring texts as one. */
function joined(parts: readonly WrapPart[]): readonly WrapPart[] {
  return parts.reduce<WrapPart[]>((result, part) => {
    const last = result.at(-1);
    if (typeof last === 'string' && typeof part === 'string') result[result.length - 1] = last + part;
    else result.push(part);
    return result;
  }, []);
}

