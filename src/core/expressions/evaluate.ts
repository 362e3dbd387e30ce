import type { Literal } from './syntax.ts';
import type { FunctionName, Typed } from './types.ts';

/** What an expression gives: null where the record does not tell. */
export type Value = Literal | null;
/** A record: anything; what is no number, text or boolean counts as missing. */
export type RecordLike = Readonly<Record<string, unknown>>;

type Evaluator = (record: RecordLike) => Value;

const DECIMAL = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

const NOT_FINITE = /^\s*[+-]?(?:nan|inf(?:inity)?)\s*$/i;

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** A number of a record, or one that stands in it as text (CSV); NaN, infinities and what is no number are null. */
export function toNumber(value: unknown): number | null {
  if (typeof value === 'number') return finiteOrNull(value);
  if (typeof value === 'bigint') return finiteOrNull(Number(value));
  return typeof value === 'string' && DECIMAL.test(value) ? finiteOrNull(Number(value)) : null;
}

/** Whether NaN or an infinity stands where a number does, also as text (`nan`, `-inf`, `1e999`). */
export function isNotFinite(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'string' && (NOT_FINITE.test(value) || (DECIMAL.test(value) && !Number.isFinite(Number(value))));
}

const MIDNIGHT = 'T00:00:00.000Z';

/** A date as formats agree on it, of milliseconds since 1970: without a time of day at midnight, else as ISO 8601 in UTC with milliseconds; null where it is none. */
export function dateText(millis: number): string | null {
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) return null;
  const text = date.toISOString();
  return text.endsWith(MIDNIGHT) ? text.slice(0, -MIDNIGHT.length) : text;
}

/** A text of a record, or a number, truth or date (of Parquet, others have texts) as text; what is none of these is null. */
export function toText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null;
  if (value instanceof Date) return dateText(value.getTime());
  return typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : null;
}

/** A truth of a record, also as a text or as 0 and 1; null: it is none. */
export function toBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'True' || value === 'TRUE' || value === 1 || value === '1') return true;
  return value === 'false' || value === 'False' || value === 'FALSE' || value === 0 || value === '0' ? false : null;
}

const PLAIN_NUMBER = /^[+-]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const TRUTH = /^(?:true|false)$/i;

/** A text by its look, as a CSV file means it: a number, true or false, or a text. What a number would not give back, such as leading zeros and long ids, stays text. */
export function byLook(text: string): string | number | boolean {
  if (PLAIN_NUMBER.test(text)) { const number = Number(text); return Number.isInteger(number) && !Number.isSafeInteger(number) ? text : number; }
  return TRUTH.test(text) ? text.toLowerCase() === 'true' : text;
}

/** Where numbers are meant: what tools write for a value that is missing. */
const MISSING = /^\s*(?:n\/?a|<na>|nat|null|none|\\n)?\s*$/i;
/** What loggers write for no error, beside that: Go, Ruby and JavaScript for none, access logs, an empty list as text. */
const NOTHING = /^(?:nil|<nil>|undefined|-|\[\s*\])$/i;
/** So begins whatever says nothing, where it is no short word; most errors do not. */
const MAY_SAY_NOTHING = /^(?:[\s\d+\-.<\\[]|[fniu].{0,8}\s*$)/i;

/** Whether a text says, among numbers, that there is none: blank, `NA`, `NULL`, `None`. */
export function saysMissing(text: string): boolean {
  return MISSING.test(text);
}

/**
 * Whether there is anything, such as an error: a missing or blank text is false, as are false, 0 and NaN in its place, also as texts, and what loggers write for nothing (`None`, `null`, `N/A`, `nil`, `undefined`, `-`, `[]`). So is a list or
 * mapping in which nothing else stands. A mapping without a field is an error: JSON makes one of every exception, whose message is no field.
 */
export function isPresent(value: unknown): boolean {
  switch (typeof value) {
    case 'number': return Number.isFinite(value) && value !== 0;
    case 'bigint': return value !== 0n;
    case 'string': return value !== '' && !(MAY_SAY_NOTHING.test(value) && saysNothing(value));
    case 'object': return value !== null && holdsAnything(value);
    default: return value !== undefined && value !== false;
  }
}

function saysNothing(text: string): boolean {
  const trimmed = text.trim();
  const value = byLook(trimmed);
  if (typeof value !== 'string') return !isPresent(value);
  return isNotFinite(trimmed) || saysMissing(trimmed) || NOTHING.test(trimmed);
}

/** Whether anything stands in a list or mapping; a mapping without a field is what JSON makes of an exception. */
function holdsAnything(outer: object): boolean {
  const all = [outer];
  // What stands in it is put behind it, however deep that goes.
  for (const each of all) {
    const values: readonly unknown[] = Object.values(each);
    if (values.length === 0 && !Array.isArray(each)) return true;
    for (const value of values) {
      if (typeof value === 'object' && value !== null) all.push(value);
      else if (isPresent(value)) return true;
    }
  }
  return false;
}

function toValue(value: unknown): Value {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return value instanceof Date ? toText(value) : toNumber(value);
}

/** What stands at a path, as it is. */
export function fieldReader(path: readonly string[]): (record: RecordLike) => unknown {
  const [first = '', second] = path;
  if (path.length === 1) return (record) => record[first];
  if (path.length === 2 && second !== undefined) {
    return (record) => {
      const inner = record[first];
      return typeof inner === 'object' && inner !== null ? (inner as RecordLike)[second] : undefined;
    };
  }
  return (record) => path.reduce<unknown>((value, step) => (typeof value === 'object' && value !== null ? (value as RecordLike)[step] : undefined), record);
}

function finite(value: number): Value {
  return Number.isNaN(value) ? null : value;
}

const ARITHMETIC = {
  '+': (a: number, b: number) => a + b,
  '-': (a: number, b: number) => a - b,
  '*': (a: number, b: number) => a * b,
  // A quotient by zero is no number that could be averaged.
  '/': (a: number, b: number) => (b === 0 ? Number.NaN : a / b),
  // The remainder has the sign of what is divided, as in SQL: -5 % 3 is -2.
  '%': (a: number, b: number) => a % b,
} as const;

const ORDER = {
  '==': (a: Literal, b: Literal) => a === b,
  '!=': (a: Literal, b: Literal) => a !== b,
  '<': (a: Literal, b: Literal) => a < b,
  '<=': (a: Literal, b: Literal) => a <= b,
  '>': (a: Literal, b: Literal) => a > b,
  '>=': (a: Literal, b: Literal) => a >= b,
} as const;

const CALLS: Readonly<Record<Exclude<FunctionName, 'coalesce'>, (...given: never[]) => Literal>> = {
  abs: Math.abs,
  sqrt: Math.sqrt,
  log: (value: number) => (value <= 0 ? Number.NaN : Math.log(value)),
  exp: Math.exp,
  round: Math.round,
  min: Math.min,
  max: Math.max,
  length: (text: string) => text.length,
  lower: (text: string) => text.toLowerCase(),
  contains: (text: string, part: string) => text.includes(part),
  starts_with: (text: string, part: string) => text.startsWith(part),
  ends_with: (text: string, part: string) => text.endsWith(part),
};

function convert({ type, from, operand }: Typed & { readonly kind: 'convert' }): Evaluator {
  // Conversions look at the record's own value, so that a text which is a number keeps what it says.
  const read: (record: RecordLike) => unknown = operand.kind === 'field' ? fieldReader(operand.path) : evaluator(operand);
  if (from === 'boolean') return (record) => { const value = read(record); return typeof value === 'boolean' ? Number(value) : null; };
  if (type === 'boolean' && from === 'text') return (record) => isPresent(read(record));
  if (type === 'number') return (record) => { const value = read(record); return toNumber(typeof value === 'boolean' ? Number(value) : typeof value === 'string' && TRUTH.test(value) ? Number(toBoolean(value)) : value); };
  if (type === 'text') return (record) => toText(read(record));
  return (record) => toBoolean(read(record));
}

function field({ path, type, emptyWhereAbsent }: Typed & { readonly kind: 'field' }): Evaluator {
  const read = fieldReader(path);
  const [first = ''] = path;
  // Metrics mostly read these, of every record.
  if (type === 'number' && path.length === 1) return (record) => toNumber(record[first]);
  if (emptyWhereAbsent === true) return (record) => { const value = read(record); return isPresent(value) ? toText(value) : ''; };
  if (type === 'number') return (record) => toNumber(read(record));
  if (type === 'text') return (record) => toText(read(record));
  if (type === 'boolean') return (record) => toBoolean(read(record));
  return (record) => toValue(read(record));
}

/** and, or: three-valued, so that a null decides nothing which the other side has decided. */
function junction({ kind, left, right }: Typed & { readonly kind: 'and' | 'or' }): Evaluator {
  const [first, second] = [evaluator(left), evaluator(right)];
  const decisive = kind === 'or';
  return (record) => {
    const a = first(record);
    if (a === decisive) return a;
    const b = second(record);
    if (b === decisive) return b;
    return a === null || b === null ? null : !decisive;
  };
}

function binary(left: Typed, right: Typed, combine: (a: never, b: never) => Literal): Evaluator {
  const [first, second] = [evaluator(left), evaluator(right)];
  const call = combine as (a: Literal, b: Literal) => Literal;
  if (right.kind === 'literal') {
    const { value } = right;
    return (record) => { const a = first(record); return a === null ? null : call(a, value); };
  }
  return (record) => {
    const a = first(record);
    const b = a === null ? null : second(record);
    return a === null || b === null ? null : call(a, b);
  };
}

/** A value as every format of a log means it, so that none of them compares otherwise; true and false are 1 and 0. */
function plainOf(value: Literal): string | number {
  const plain = typeof value === 'string' ? byLook(value) : value;
  return typeof plain === 'boolean' ? Number(plain) : typeof plain === 'number' && !Number.isFinite(plain) ? String(value) : plain;
}

/** Two values whose types only the record tells: numbers, truths and texts of them are compared as numbers; a number and another text are different, and neither is before the other. */
function anyComparison(operator: keyof typeof ORDER): (a: Literal, b: Literal) => Literal {
  const compare = ORDER[operator];
  return (a, b) => {
    const [x, y] = [plainOf(a), plainOf(b)];
    return typeof x === typeof y ? compare(x, y) : operator === '!=';
  };
}

function call({ name, arguments: given }: Typed & { readonly kind: 'call' }): Evaluator {
  const evaluators = given.map(evaluator);
  if (name === 'coalesce') {
    return (record) => {
      for (const each of evaluators) {
        const value = each(record);
        if (value !== null) return value;
      }
      return null;
    };
  }
  const apply = CALLS[name] as (...values: Literal[]) => Literal;
  return (record) => {
    const values: Literal[] = [];
    for (const each of evaluators) {
      const value = each(record);
      if (value === null) return null;
      values.push(value);
    }
    const result = apply(...values);
    return typeof result === 'number' ? finite(result) : result;
  };
}

/** A function that computes a typed tree for a record. It never throws. */
export function evaluator(node: Typed): Evaluator {
  switch (node.kind) {
    case 'literal': { const { value } = node; return () => value; }
    case 'field': return field(node);
    case 'convert': return convert(node);
    case 'not': { const inner = evaluator(node.operand); return (record) => { const value = inner(record); return value === null ? null : value !== true; }; }
    case 'negate': { const inner = evaluator(node.operand); return (record) => { const value = inner(record); return typeof value === 'number' ? -value : null; }; }
    case 'and': case 'or': return junction(node);
    case 'arithmetic': { const inner = binary(node.left, node.right, ARITHMETIC[node.operator]); return (record) => { const value = inner(record); return typeof value === 'number' ? finite(value) : null; }; }
    case 'comparison': return binary(node.left, node.right, node.left.type === 'any' ? anyComparison(node.operator) : ORDER[node.operator]);
    case 'in': {
      const inner = evaluator(node.operand);
      const items = new Set<Value>(node.items);
      const { negated } = node;
      return (record) => { const value = inner(record); return value === null ? null : items.has(value) !== negated; };
    }
    case 'isNull': { const inner = evaluator(node.operand); const { negated } = node; return (record) => (inner(record) === null) !== negated; }
    case 'call': return call(node);
  }
}
