import { neverTold } from './constant.ts';
import { evaluator, type RecordLike } from './evaluate.ts';
import { parse } from './parse.ts';
import { ExpressionFault, type ExpressionProblem } from './syntax.ts';
import { Checker, type FieldTypes, type Typed } from './types.ts';

export type { ExpressionProblem } from './syntax.ts';
export type { RecordLike } from './evaluate.ts';
export type { FieldTypes, ValueType } from './types.ts';

/**
 * A small language over the fields of a record: `latency_ms > 80 or error`, `features.country in ["DE", "FR"]`, `abs(score - 0.5) < 0.1`.
 *
 * - literals: numbers, texts in single or double quotes, `true`, `false`, lists of them behind `in`
 * - fields: `score`, `features.amount`, with other characters in backquotes: features.`loan amount`
 * - from loose to tight: `or`; `and`; `not`; `== != < <= > >=`, `in`, `not in`, `is null`, `is not null`; `+ -`; `* / %`; minus. `||`, `&&`, `!` are taken too
 * - functions: abs sqrt log exp round min max length lower contains starts_with ends_with coalesce
 *
 * **Null.** A field that is missing, null, NaN or of another type than the expression needs is null. Arithmetic, comparisons, `in` and functions
 * with a null give null (`coalesce` takes the first that is not); `and`, `or` and `not` are three-valued: `false and null` is false, `true or null` true. A quotient
 * by zero and a logarithm of what is not positive are null. Only `is null` asks for it. A null condition is neither true nor false: whoever
 * counts leaves the record out and says how many. Fields that are `emptyWhereAbsent` mean the empty text where nothing stands, but to `is null` and `coalesce`:
 * a record without `error` is one without an error, so `error == "timeout"` and `starts_with(error, "time")` are false of it.
 *
 * **Types** are checked when the expression is read. A number that stands as text (CSV) is a number where one is needed. A field of type text in the place of a
 * condition asks whether it is there: `error` is false where it is missing or empty, and never null. True and false count as 1 and 0 where a mean is taken.
 * Two fields whose types only the record tells are compared as CSV would read them: texts that are plain numbers (`"10"`, not `"007"`) as numbers, true and false,
 * also as texts, as 1 and 0; a number and another text are different, and neither is before the other. A literal text makes it a comparison of texts.
 */
export interface Expression<Result> {
  readonly text: string;
  /** Null where the record does not tell; it never throws. */
  readonly evaluate: (record: RecordLike) => Result | null;
  /** The fields that it reads, for readers that can leave out columns. */
  readonly paths: readonly (readonly string[])[];
  readonly tree: Typed;
}

export type Compiled<Result> = { readonly expression: Expression<Result> } | { readonly problem: ExpressionProblem };

/** Fields of any name and type. */
export const OPEN_FIELDS: FieldTypes = { fields: {}, others: true };

function compiled<Result>(text: string, types: FieldTypes, check: (checker: Checker) => Typed): Compiled<Result> {
  try {
    const checker = new Checker(types);
    const tree = check(checker);
    const never = neverTold(tree);
    if (never !== undefined) return { problem: { message: 'this has no value, whatever the record is: it divides by zero, or takes a root or logarithm that does not exist', start: never.start, end: never.end } };
    return { expression: { text, tree, paths: checker.paths, evaluate: evaluator(tree) as (record: RecordLike) => Result | null } };
  } catch (error) {
    if (error instanceof ExpressionFault) return { problem: error.problem };
    throw error;
  }
}

/** Reads a text as a condition. */
export function compileCondition(text: string, types: FieldTypes): Compiled<boolean> {
  return compiled(text, types, (checker) => checker.condition(parse(text), 'a condition'));
}

/** Reads a text as something whose mean can be taken; true is 1, false 0. */
export function compileNumber(text: string, types: FieldTypes): Compiled<number> {
  return compiled(text, types, (checker) => checker.number(parse(text), 'a mean'));
}

/** Reads a text as a value of any type, such as what to group by. */
export function compileValue(text: string, types: FieldTypes): Compiled<number | string | boolean> {
  return compiled(text, types, (checker) => checker.check(parse(text)));
}
