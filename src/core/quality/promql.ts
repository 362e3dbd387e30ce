import { plainLine } from '../base/words.ts';

const SPACE = /\s*/y;
const METRIC = /[a-zA-Z_:][\w:]*/y;
const LABEL = /[a-zA-Z_]\w*/y;
/** Prometheus unquotes as Go does: in backquotes nothing is an escape. */
const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y;
/** What is quoted, in which # begins nothing, or else a comment. */
const COMMENT = new RegExp(`(${QUOTED.source})|#[^\\n]*`, 'g');
const OPERATOR = /=~|!~|!=|=/y;
const MATCHER = new RegExp(`(${LABEL.source})\\s*(${OPERATOR.source})\\s*(${QUOTED.source})`, 'g');
const BINARY = /==|!=|>=|<=|[-+*/%^<>]|\b(?:and|atan2)\b/g;
/** What may stand between an operator and its right side. */
const MATCHING = /^\s*(?:bool\b\s*|(?:on|ignoring|group_left|group_right)\b\s*(?:\([^)]*\))?\s*)+/;
/** Also those of VictoriaMetrics' language. */
const PER_SECOND = /\b(rate|irate|deriv|deriv_fast|ideriv|rollup_rate|rollup_deriv|idelta)\s*\(/;
/** Functions that tell what a counter stood at in a range, and not what it grew by; `count_over_time` and `sum_over_time` count samples and what they say. */
const LEVEL = /\b((?!count|sum)\w+_over_time)\s*\(/;
/** Where growth is asked for. */
const OVER_RANGE = /\[\s*\$range\b/;
const COMPARISON = /(==|!=|>=|<=|>(?!=)|<(?!=))(?!\s*bool\b)/g;
/** A number on one side of an operator. */
const [NUMBER_BEFORE, NUMBER_AFTER] = [/(?<![\w:.])([\d.][\w.]*)$/, /^([-+]?[\d.][\w.]*)/];
/** Words that are numbers. */
const NUMBER = /^(?:nan|inf)$/i;

/** Takes one piece of a text after the other. */
class Pieces {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** What comes next, where it is this; it is behind us then. */
  take(pattern: RegExp): string | undefined {
    this.#skip(SPACE);
    return this.#skip(pattern);
  }

  get isAtEnd(): boolean {
    this.#skip(SPACE);
    return this.#at === this.#text.length;
  }

  #skip(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [piece] = pattern.exec(this.#text) ?? [];
    if (piece !== undefined) this.#at += piece.length;
    return piece;
  }
}

/** What stands in braces: `name="value"` and, since Prometheus 3, a metric's name in quotes. */
function takeMatchers(pieces: Pieces): boolean {
  while (pieces.take(/\}/y) === undefined) {
    const quoted = pieces.take(QUOTED);
    if (quoted === undefined && pieces.take(LABEL) === undefined) return false;
    const isMatched = pieces.take(OPERATOR) !== undefined;
    if (isMatched ? pieces.take(QUOTED) === undefined : quoted === undefined) return false;
    if (pieces.take(/,/y) === undefined) return pieces.take(/\}/y) !== undefined;
  }
  return true;
}

/** A query without its comments: what is put behind one, such as a range, would be a part of it, and a word in it is none of the query. */
export function withoutComments(text: string): string {
  return text.replace(COMMENT, (_, quoted: string | undefined) => quoted ?? '').trim();
}

/** Whether PromQL takes a text without comments for the selector of an instant vector, to which a range can be put: `errors_total{arm="a"}`, `{__name__=~"errors.*"}`. */
export function isSelector(text: string): boolean {
  const pieces = new Pieces(text);
  const name = pieces.take(METRIC);
  if (name !== undefined && NUMBER.test(name)) return false;
  const hasBraces = pieces.take(/\{/y) !== undefined;
  return (name !== undefined || hasBraces) && (!hasBraces || takeMatchers(pieces)) && pieces.isAtEnd;
}

/** The matchers of a selector as they are written, such as `outcome="error"`, with the labels that they are of. */
export function matchersOf(written: string): ReadonlyMap<string, string> {
  return new Map(Array.from(withoutComments(written).matchAll(MATCHER), ([, label = '', operator = '', value = '']) => [`${label}${operator}${value}`, label]));
}

/** The name of what may be a recording rule, and is read by a selector: it has a colon, as hardly any other name has (`vllm:request_success_total` is a counter). Undefined: it reads none. */
export function ruleOf(written: string): string | undefined {
  const [name = ''] = /^[\w:]+/.exec(withoutComments(written)) ?? [];
  return name.includes(':') && isWrittenSelector(written) ? name : undefined;
}

function isWrittenSelector(written: string): boolean {
  return isSelector(withoutComments(written).replaceAll('$arm', 'arm'));
}

/** What is wrong with a query beside the total of the same metric; with `$arm` and `$range`. */
export function mixProblem(total: string, written: string): string | undefined {
  if (isWrittenSelector(total) === isWrittenSelector(written)) return undefined;
  const [is, other] = isWrittenSelector(written) ? ['a plain selector', 'an expression'] : ['an expression', 'a plain selector'];
  return `is ${is} and total ${other}: a selector is counted as it is, an expression is extrapolated by the server and tells only windows that have ended, so the two do not fit together: write both in one way`;
}

/** What is neither quoted, nor a matcher, nor a range. */
function bare(written: string): string {
  return withoutComments(written).replace(new RegExp(QUOTED.source, 'g'), '').replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ');
}

/** What begins with a bracket at a place, up to where that is closed; `step` -1 goes backwards. */
function bracketed(text: string, at: number, step: 1 | -1): string {
  let depth = 0;
  for (let end = at; end >= 0 && end < text.length; end += step) {
    if (text[end] === '(') depth += step;
    if (text[end] === ')') depth -= step;
    if (depth === 0) return step === 1 ? text.slice(at, end + 1) : text.slice(end, at + 1);
  }
  return '';
}

/** Whether a side of an operator is 0 where it has no series: what stands in brackets next to it says so. */
function hasZero(side: string): boolean {
  return /\bor\b[^]*\bvector\s*\(/.test(side);
}

/** The first operator between two vectors that tells nothing where one of them has no series; with a plain number nothing is missing, nor is what is subtracted from where there is no total either. */
function operatorOf(text: string): string | undefined {
  for (const { 0: operator, index } of text.matchAll(BINARY)) {
    const [before, after] = [text.slice(0, index).trimEnd(), text.slice(index + operator.length).replace(MATCHING, '').trimStart()];
    const isSign = /^[-+]$/.test(operator) && (!/[\w:.)]$/.test(before) || /\b(?:offset|and|or|unless|atan2|bool)$/.test(before));
    const isExponent = /(?<![\w:.])\d[\d.]*e$/i.test(before) && /^\d/.test(after);
    const besideNumber = NUMBER_BEFORE.test(before) || NUMBER_AFTER.test(after);
    const isZero = hasZero(bracketed(after, after.indexOf('('), 1)) && (operator === '-' || hasZero(bracketed(before, before.length - 1, -1)));
    if (!isSign && !isExponent && !besideNumber && !isZero) return operator;
  }
  return undefined;
}

/** A comparison with a number that leaves out more than what is 0; with `bool` it leaves out nothing. */
function filterOf(text: string): string | undefined {
  for (const { 0: found, 1: operator = '', index } of text.matchAll(COMPARISON)) {
    const [before, after] = [NUMBER_BEFORE.exec(text.slice(0, index).trimEnd())?.[1], NUMBER_AFTER.exec(text.slice(index + found.length).trimStart())?.[1]];
    const number = Number(after ?? before);
    const isAbove = after === undefined ? operator.startsWith('<') : operator.startsWith('>');
    const leavesAll = (isAbove && number <= 0) || (operator === '!=' && number === 0);
    if ((before ?? after) !== undefined && !leavesAll) return `${operator} ${after ?? before}`;
  }
  return undefined;
}

/**
 * What is wrong with a query of which no answer is taken for no events: PromQL answers nothing to `a - b` where b has no series yet, and then all may be events, and nothing to `a > 5` where a is 5.
 */
export function absenceProblem(written: string): string | undefined {
  const filter = filterOf(bare(written));
  if (filter !== undefined) return `tells nothing where ${filter} does not hold, and that would be no event: leave the comparison out, for all events count`;
  const operator = operatorOf(bare(written));
  return operator === undefined ? undefined : `tells nothing where one side of its ${operator} has no series, and that would be no event: give each side a 0, as (sum(increase(...)) or vector(0)), or write good, the counter of those that are not bad`;
}

/** What is wrong with a query that tells no counts; `written`: with `$range`, `$arm` may be replaced. */
export function queryProblem(written: string): string | undefined {
  const query = withoutComments(written);
  if (isWrittenSelector(written)) return undefined;
  const [, perSecond] = PER_SECOND.exec(bare(written)) ?? [];
  if (perSecond !== undefined) return `${plainLine(written, 150)} goes by ${perSecond}, which tells no counts of a window (rate is per second), so evidence would be a fraction of what there is: write increase`;
  const [, level] = LEVEL.exec(bare(written)) ?? [];
  if (level !== undefined) return `${plainLine(written, 150)} goes by ${level}, which tells what counters stood at, and not what they grew by in a window: write increase`;
  if (OVER_RANGE.test(query.replace(new RegExp(QUOTED.source, 'g'), ''))) return undefined;
  return `${plainLine(written, 150)} is no plain selector and has no [$range], so it tells what counters have reached, not what they grew by in a window: write a selector, such as predictions_total{arm="$arm"}, or an expression of their growth, such as sum(increase(predictions_total{arm="$arm"}[$range]))`;
}
