import type { Constraint } from '../flags/model.ts';
import { plainLine } from '../base/words.ts';
import { fieldValue, type ConstraintResult, type EvaluationContext } from './model.ts';

const LISTS: Readonly<Record<string, string>> = {
  IN: 'one of', NOT_IN: 'one of', STR_STARTS_WITH: 'start with', STR_ENDS_WITH: 'end with', STR_CONTAINS: 'contain', IN_CIDR: 'in network',
};
const SINGLES: Readonly<Record<string, string>> = {
  NUM_EQ: 'be', NUM_GT: 'be >', NUM_GTE: 'be >=', NUM_LT: 'be <', NUM_LTE: 'be <=',
  SEMVER_EQ: 'be version', SEMVER_GT: 'be version >', SEMVER_GTE: 'be version >=', SEMVER_LT: 'be version <', SEMVER_LTE: 'be version <=', REGEX: 'match',
  DATE_AFTER: 'be after', DATE_BEFORE: 'be before',
};
const MOST_VALUES = 5;

/** Dates are compared with the moment of the call, whatever field the constraint names. */
function fieldOf({ contextName, operator }: Constraint): string {
  return operator.startsWith('DATE_') ? 'currentTime' : contextName;
}

function demand(constraint: Constraint): string {
  const { operator, values, value = '' } = constraint;
  const not = (operator === 'NOT_IN') !== constraint.inverted ? 'must not' : 'must';
  const list = Object.hasOwn(LISTS, operator) ? LISTS[operator] : undefined;
  if (list === undefined) return `${not} ${Object.hasOwn(SINGLES, operator) ? SINGLES[operator] ?? '' : operator} ${value === '' ? values.join(', ') : value}`;
  const verb = list === 'one of' || list === 'in network' ? `be ${list}` : list;
  const shown = values.slice(0, MOST_VALUES).join(', ');
  return `${not} ${verb} ${shown}${values.length > MOST_VALUES ? ` and ${values.length - MOST_VALUES} more` : ''}`;
}

function found(constraint: Constraint, context: EvaluationContext): string {
  const field = fieldOf(constraint);
  const value = fieldValue(context, field);
  if (value === undefined) return field === 'currentTime' ? 'it is the moment of the call' : 'it is missing';
  const isNoNumber = constraint.operator.startsWith('NUM_') && Number.isNaN(Number(value));
  return `it is ${value}${isNoNumber ? ', which is no number' : ''}`;
}

/** A condition that does not hold, in words: `region must be one of eu, us; it is missing`. */
export function unmetWords({ constraint }: ConstraintResult, context: EvaluationContext): string {
  return plainLine(`${fieldOf(constraint)} ${demand(constraint)}; ${found(constraint, context)}`, 200);
}

/** As the SDKs read a list: empty values are dropped, the others trimmed. */
function cleaned(values: readonly string[]): string[] {
  return values.filter((value) => value !== '').map((value) => value.trim());
}

/**
 * What the SDKs make of a condition where Unleash's playground is known to decide otherwise: the playground ignores case in
 * IN and NOT_IN when asked to, and takes a version that begins with v.
 */
export function sdkResult({ constraint, holds }: ConstraintResult, context: EvaluationContext): boolean {
  const value = fieldValue(context, constraint.contextName);
  if ((constraint.operator === 'IN' || constraint.operator === 'NOT_IN') && constraint.caseInsensitive) {
    const isListed = value !== undefined && cleaned(constraint.values).includes(value);
    return isListed !== ((constraint.operator === 'NOT_IN') !== constraint.inverted);
  }
  if (constraint.operator.startsWith('SEMVER_') && value?.startsWith('v') === true) return constraint.inverted;
  return holds;
}
