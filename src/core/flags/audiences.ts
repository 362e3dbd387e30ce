import type { Constraint, Segment, Strategy } from './model.ts';

export type Segments = ReadonlyMap<number, Segment>;

/**
 * One condition on one context field, in plain data (it may cross to a worker). Two literals with the same key ask the
 * same question; `negated` says which answer is wanted. A negated literal holds when the field is missing, as in the SDKs.
 */
export interface Literal {
  readonly key: string;
  /** `list` and `number` can be decided for a given value; `opaque` is only known to hold or not. */
  readonly kind: 'list' | 'number' | 'opaque';
  readonly field: string;
  readonly operator: string;
  readonly values: readonly string[];
  /** The limit of a `number` literal; dates are milliseconds. */
  readonly limit: number;
  readonly negated: boolean;
}

/** Whom a strategy may address: the contexts for which every literal holds. No literals: everyone. */
export interface Predicate {
  /** Equal for predicates that mean the same, however they are written. */
  readonly key: string;
  /** `everyone`, `segment internal where region in eu, fr`. */
  readonly text: string;
  /** Short form for a lens: `internal`, `eu`. */
  readonly label: string;
  readonly literals: readonly Literal[];
  /** Why nobody can match; undefined when somebody may. */
  readonly impossible?: string;
}

const TIME_FIELD = 'currentTime';
const LISTS = new Set(['IN', 'NOT_IN']);
const STRINGS: Readonly<Record<string, string>> = { STR_STARTS_WITH: 'starts with', STR_ENDS_WITH: 'ends with', STR_CONTAINS: 'contains', IN_CIDR: 'in network' };
const NUMBERS: Readonly<Record<string, string>> = { NUM_EQ: '=', NUM_GT: '>', NUM_GTE: '>=', NUM_LT: '<', NUM_LTE: '<=' };
const DATES: Readonly<Record<string, string>> = { DATE_AFTER: 'after', DATE_BEFORE: 'before' };
const OTHERS: Readonly<Record<string, string>> = { SEMVER_EQ: 'version =', SEMVER_GT: 'version >', SEMVER_GTE: 'version >=', SEMVER_LT: 'version <', SEMVER_LTE: 'version <=', REGEX: 'matches' };

function word(table: Readonly<Record<string, string>>, operator: string): string | undefined {
  return Object.hasOwn(table, operator) ? table[operator] : undefined;
}

/** As the SDKs do it: empty values are dropped, the others trimmed. */
function cleanValues(values: readonly string[]): string[] {
  return [...new Set(values.filter((value) => value !== '').map((value) => value.trim()))].sort();
}

function shortList(values: readonly string[], most: number): string {
  return values.length <= most ? values.join(', ') : `${values.slice(0, most).join(', ')} and ${values.length - most} more`;
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function constraintWords(constraint: Constraint): string {
  const { contextName: field, operator, values, value = '' } = constraint;
  if (LISTS.has(operator)) {
    return `${field} ${(operator === 'NOT_IN') !== constraint.inverted ? 'not in' : 'in'} ${shortList(values, 3)}`;
  }
  const many = word(STRINGS, operator);
  const date = word(DATES, operator);
  const one = word(NUMBERS, operator) ?? word(OTHERS, operator);
  let text = `${field} ${operator} ${value}`;
  if (many !== undefined) text = `${field} ${many} ${shortList(values, 3)}`;
  else if (date !== undefined) text = `time ${date} ${value}`;
  else if (one !== undefined) text = `${field} ${one} ${value}`;
  return constraint.inverted ? `not (${text})` : text;
}

function constraintLabel(constraint: Constraint): string {
  if (!LISTS.has(constraint.operator)) return shorten(constraintWords(constraint), 24);
  const negated = (constraint.operator === 'NOT_IN') !== constraint.inverted;
  const [first = '', ...rest] = constraint.values;
  return `${negated ? 'not ' : ''}${shorten(first, 20)}${rest.length > 0 ? ` +${rest.length}` : ''}`;
}

function literal(kind: Literal['kind'], field: string, operator: string, values: readonly string[], limit: number, negated: boolean, extra = ''): Literal {
  return { key: JSON.stringify([operator, field, values, Number.isNaN(limit) ? null : String(limit), extra]), kind, field, operator, values, limit, negated };
}

const UNKNOWN = 'unknown operator';
/** Constraints never change, and a segment's long lists are asked for by every flag that uses it. */
const madeLiterals = new WeakMap<Constraint, Literal | typeof UNKNOWN>();

/** The literal of a constraint; an operator the SDKs do not know gives undefined: it matches nobody, inverted or not. */
function constraintLiteral(constraint: Constraint): Literal | undefined {
  const known = madeLiterals.get(constraint);
  if (known !== undefined) return known === UNKNOWN ? undefined : known;
  const made = makeLiteral(constraint);
  madeLiterals.set(constraint, made ?? UNKNOWN);
  return made;
}

function makeLiteral(constraint: Constraint): Literal | undefined {
  const { contextName: field, operator, inverted } = constraint;
  if (LISTS.has(operator)) return literal('list', field, 'IN', cleanValues(constraint.values), NaN, (operator === 'NOT_IN') !== inverted);
  if (word(NUMBERS, operator) !== undefined) return literal('number', field, operator, [], Number(constraint.value), inverted);
  // Dates compare the moment of the call, whatever field the constraint names.
  if (word(DATES, operator) !== undefined) return literal('number', TIME_FIELD, operator, [], Date.parse(constraint.value ?? ''), inverted);
  if (word(STRINGS, operator) === undefined && word(OTHERS, operator) === undefined) return undefined;
  return literal('opaque', field, operator, cleanValues(constraint.values), NaN, inverted, JSON.stringify([constraint.value ?? '', constraint.caseInsensitive]));
}

/** Strategy types that are nothing but a list of whom they address; the parameter and the field, as in the SDKs. */
const TARGETED: Readonly<Record<string, { parameter: string; field: string; words: string }>> = {
  userWithId: { parameter: 'userIds', field: 'userId', words: 'userId in' },
  remoteAddress: { parameter: 'IPs', field: 'remoteAddress', words: 'remoteAddress in' },
  applicationHostname: { parameter: 'hostNames', field: 'host name', words: 'host name in' },
};

const ROLLOUTS = new Set(['default', 'flexibleRollout', 'gradualRolloutUserId', 'gradualRolloutSessionId', 'gradualRolloutRandom']);

/** True for a strategy type that no SDK has built in: without its own code an SDK answers off. */
export function isCustomStrategy(name: string): boolean {
  return !ROLLOUTS.has(name) && !Object.hasOwn(TARGETED, name);
}

interface Part {
  readonly text: string;
  readonly label: string;
  readonly literal: Literal | undefined;
}

/** What the strategy's type itself asks of a context. */
function typePart(strategy: Strategy): Part | undefined {
  if (ROLLOUTS.has(strategy.name)) return undefined;
  const target = Object.hasOwn(TARGETED, strategy.name) ? TARGETED[strategy.name] : undefined;
  if (target === undefined) {
    const text = `those the strategy type ${strategy.name} selects`;
    return { text, label: shorten(strategy.name, 24), literal: literal('opaque', '', strategy.name, [], NaN, false, JSON.stringify(Object.entries(strategy.parameters).sort())) };
  }
  const values = (strategy.parameters[target.parameter] ?? '').split(/\s*,\s*/).filter((value) => value !== '');
  // Networks overlap in ways that a list of strings does not show.
  const kind = strategy.name === 'userWithId' ? 'list' : 'opaque';
  const part = literal(kind, target.field, kind === 'list' ? 'IN' : strategy.name, [...new Set(values)].sort(), NaN, false);
  return { text: `${target.words} ${shortList(values, 3)}`, label: `${shorten(values[0] ?? 'nobody', 20)}${values.length > 1 ? ` +${values.length - 1}` : ''}`, literal: part };
}

function joinText(segments: readonly string[], conditions: readonly string[]): string {
  const named = segments.length > 0 ? `segment ${segments.join(' and segment ')}` : '';
  if (conditions.length === 0) return named === '' ? 'everyone' : named;
  return `${named === '' ? '' : `${named} where `}${conditions.join(' and ')}`;
}

/** Why the conditions cannot hold for anybody; undefined when they can as far as each one goes. */
function impossibility(constraints: readonly Constraint[], literals: readonly (Literal | undefined)[], missing: number | undefined): string | undefined {
  if (missing !== undefined) return `segment ${missing} does not exist, so the strategy matches nobody`;
  const unknown = constraints.find((constraint) => constraintLiteral(constraint) === undefined);
  if (unknown !== undefined) return `operator ${unknown.operator} is unknown to the SDKs, so the strategy matches nobody`;
  const empty = literals.find((each) => each !== undefined && isEmptyList(each) && !each.negated);
  return empty === undefined ? undefined : `${empty.field} is compared with an empty list, so the strategy matches nobody`;
}

function isEmptyList(each: Literal): boolean {
  return each.kind === 'list' && each.values.length === 0;
}

/** Whom a strategy may address: its constraints, the constraints of all its segments and what its type asks. */
export function predicateOf(strategy: Strategy, segments: Segments): Predicate {
  const chosen = strategy.segments.map((id) => ({ id, segment: segments.get(id) }));
  const inherited = chosen.flatMap(({ segment }) => segment?.constraints ?? []);
  const type = typePart(strategy);
  const own = strategy.constraints.map((constraint): Part => ({ text: constraintWords(constraint), label: constraintLabel(constraint), literal: constraintLiteral(constraint) }));
  const conditions = type === undefined ? own : [type, ...own];
  const literals = [...conditions.map((part) => part.literal), ...inherited.map(constraintLiteral)];
  const impossible = impossibility([...strategy.constraints, ...inherited], literals, chosen.find(({ segment }) => segment === undefined)?.id);
  // Not being in an empty list holds for everybody and says nothing; the same condition twice says it once.
  const distinct = new Map(literals.flatMap((each): [string, Literal][] => (each === undefined || isEmptyList(each) ? [] : [[`${each.negated ? '!' : ''}${each.key}`, each]])));
  const names = chosen.map(({ id, segment }) => segment?.name ?? `${id} (deleted)`);
  return {
    key: `${impossible === undefined ? '' : 'never '}${[...distinct.keys()].sort().join(' ')}`,
    text: joinText(names, conditions.map((part) => part.text)),
    label: [...names, ...conditions.map((part) => part.label)].join(' & '),
    literals: [...distinct.values()],
    ...(impossible === undefined ? {} : { impossible }),
  };
}

/** Whom a strategy may address, in words: `everyone`, `segment internal where region in eu, fr`. */
export function audienceWords(strategy: Strategy, segments: Segments): string {
  return predicateOf(strategy, segments).text;
}
