import type { Column } from '../models/model.ts';
import { columnsOfRows, explicitEdges, signatureEdges } from './boundaries.ts';
import { judgeDirection, judgeExpectation, judgeInvariance, type Direction, type Expected, type Judgement } from './judge.ts';
import type { Suite, SuiteTest } from './load.ts';
import type { CaseOutcome, Output, Row, Variant } from './model.ts';
import { changeWords, perturb, sweepValues, withValue } from './perturb.ts';
import { randomOf } from './random.ts';
import type { ExpectContent, TestOf } from './schema.ts';
import type { Failure } from './subject.ts';
import { DEFAULT_TOLERANCE, type Tolerance } from './tolerance.ts';

export type Answer = Output | Failure;

/** A row of the data: `record` with all its columns and placeholders, for conditions; `row` is what the model gets. */
export interface Given {
  readonly index: number;
  readonly record: Row;
  readonly row: Row;
  /** A template's other texts: what varies is the change. */
  readonly varied?: readonly Row[];
}

/** One case of one test: the rows to ask for, the unchanged one first, and what their answers come to. */
export interface SuiteCase {
  readonly index: number;
  readonly rows: readonly Row[];
  readonly slices: readonly string[];
  readonly judge: (answers: readonly Answer[]) => CaseOutcome;
}

export interface CaseContext {
  readonly suite: Suite;
  /** Columns of the model, where a signature says so. */
  readonly columns: readonly Column[] | undefined;
  /** Columns that hold whole numbers only. */
  readonly integers: ReadonlySet<string>;
}

export function isFailure(answer: Answer): answer is Failure {
  return 'failed' in answer;
}

function toleranceOf(content: number | { readonly abs?: number | undefined; readonly rel?: number | undefined } | undefined): Tolerance {
  const given = typeof content === 'number' ? { abs: content } : content;
  return { abs: given?.abs ?? DEFAULT_TOLERANCE.abs, rel: given?.rel ?? DEFAULT_TOLERANCE.rel };
}

/** Whether a test is about a row: null where its condition cannot be told. */
export function applies(test: SuiteTest, record: Row): boolean | null {
  return test.where === undefined ? true : test.where.evaluate(record);
}

function slicesOf(test: SuiteTest, record: Row): string[] {
  return test.slices.filter(({ condition }) => condition.evaluate(record) === true).map(({ name }) => name);
}

/** The case that a test makes of a row. A boundary test makes several of its first row: see `edgeCases`. */
export function caseOf(test: SuiteTest, given: Given, context: CaseContext): SuiteCase | undefined {
  const { content } = test;
  const base = { index: given.index, slices: slicesOf(test, given.record) };
  switch (content.kind) {
    case 'expectation': return { ...base, rows: [given.row], judge: ([answer]) => expectationOutcome(answer, given.row, undefined, content.expect, expectedOf(test, content, given.record)) };
    case 'invariance': {
      const variants = variantsOf(test, content, given, context);
      const tolerance = toleranceOf(content.tolerance);
      return { ...base, rows: [given.row, ...variants.map(({ row }) => row)], judge: (answers) => compared(answers, given.row, variants, (original, changed) => judgeInvariance(original, changed, content.compare, tolerance)) };
    }
    case 'directional': return { ...base, ...directionalCase(test, content, given, context) };
    case 'boundary':
    case 'performance': return undefined;
  }
}

function variantsOf(test: SuiteTest, content: TestOf<'invariance' | 'directional'>, given: Given, { suite, integers }: CaseContext): readonly Variant[] {
  if (given.varied !== undefined && content.change === undefined) return given.varied.map((row) => ({ row, change: changeWords(given.row, row) }));
  if (content.change === undefined) return [];
  return perturb(given.row, content.change, { times: content.times ?? 1, integers, random: randomOf(suite.seed, test.id, given.index) });
}

function directionalCase(test: SuiteTest, content: TestOf<'directional'>, given: Given, context: CaseContext): Pick<SuiteCase, 'rows' | 'judge'> {
  const direction: Direction = {
    expect: content.expect, class: content.class, atLeast: content.by?.at_least, atMost: content.by?.at_most,
    tolerance: toleranceOf(content.tolerance), range: context.suite.output.range,
  };
  const [sweep] = Object.entries(content.sweep ?? {});
  if (sweep === undefined) {
    const variants = variantsOf(test, content, given, context);
    return { rows: [given.row, ...variants.map(({ row }) => row)], judge: (answers) => compared(answers, given.row, variants, (original, changed) => judgeDirection(original, changed, direction)) };
  }
  const [column, values] = sweep;
  const rows = sweepValues(values).map((value) => withValue(given.row, column, context.integers.has(column) && typeof value === 'number' ? Math.round(value) : value));
  const judge = (answers: readonly Answer[]): CaseOutcome => {
    const [first] = answers;
    // One class for the whole sweep: that of its first value.
    const fixed = direction.class ?? (first === undefined || isFailure(first) || first.score !== undefined ? undefined : first.label);
    return sweptOutcome(answers, rows, { ...direction, class: fixed });
  };
  return { rows, judge };
}

function sweptOutcome(answers: readonly Answer[], rows: readonly Row[], direction: Direction): CaseOutcome {
  const failed = answers.findIndex(isFailure);
  if (failed >= 0) return { kind: 'error', reason: (answers[failed] as Failure).message, row: rows[failed] ?? {} };
  let skipped: CaseOutcome | undefined;
  let passed = false;
  for (let index = 1; index < rows.length; index += 1) {
    const [before = {}, after = {}] = [rows[index - 1], rows[index]];
    const judgement = judgeDirection(answers[index - 1] as Output, answers[index] as Output, direction);
    if (judgement.kind === 'failed') return { ...judgement, reason: reasonOf(judgement), change: changeWords(before, after), row: after };
    if (judgement.kind === 'error') return { ...judgement, row: after };
    if (judgement.kind === 'passed') passed = true;
    else skipped ??= judgement;
  }
  return passed || skipped === undefined ? { kind: 'passed' } : skipped;
}

function reasonOf({ expected, actual }: { readonly expected: string; readonly actual: string }): string {
  return `expected ${expected}, got ${actual}`;
}

/** As CheckList: a case fails when one of its changes does; changes that cannot fail are left out, and a case of only such is skipped. */
function compared(answers: readonly Answer[], row: Row, variants: readonly Variant[], judge: (original: Output, changed: Output) => Judgement): CaseOutcome {
  const [original] = answers;
  if (variants.length === 0) return { kind: 'skipped', reason: 'the change changes nothing in this row' };
  if (original === undefined || isFailure(original)) return { kind: 'error', reason: original?.message ?? 'There is no answer.', row };
  let error: CaseOutcome | undefined;
  let skipped: CaseOutcome | undefined;
  let passed = false;
  for (const [index, variant] of variants.entries()) {
    const answer = answers[index + 1];
    if (answer === undefined || isFailure(answer)) {
      error ??= { kind: 'error', reason: `${answer?.message ?? 'There is no answer.'} (${variant.change})`, row: variant.row };
      continue;
    }
    const judgement = judge(original, answer);
    if (judgement.kind === 'failed') return { ...judgement, reason: reasonOf(judgement), change: variant.change, row: variant.row };
    if (judgement.kind === 'error') error ??= { ...judgement, row: variant.row };
    else if (judgement.kind === 'passed') passed = true;
    else skipped ??= judgement;
  }
  return error ?? (passed ? { kind: 'passed' } : skipped ?? { kind: 'passed' });
}

function expectedOf(test: SuiteTest, content: TestOf<'expectation' | 'boundary'>, record: Row): Expected {
  const { expect } = content;
  const { that } = test;
  const fromScore = expect.score_from === undefined ? undefined : record[expect.score_from];
  return {
    finite: expect.finite, between: expect.between, oneOf: expect.one_of,
    label: expect.label_from === undefined ? expect.label : record[expect.label_from],
    score: typeof fromScore === 'number' ? fromScore : expect.score,
    tolerance: toleranceOf(content.tolerance),
    ...(that === undefined ? {} : { that: { text: that.text, holds: (output) => that.evaluate({ ...record, ...output }) } }),
  };
}

function statusesOf(value: number | readonly number[] | undefined): readonly number[] {
  return value === undefined ? [] : typeof value === 'number' ? [value] : value;
}

function expectationOutcome(answer: Answer | undefined, row: Row, change: string | undefined, expect: ExpectContent, expected: Expected): CaseOutcome {
  const wanted = { ...(change === undefined ? {} : { change }), row };
  const allowed = statusesOf(expect.error ?? expect.or_error);
  if (answer === undefined) return { kind: 'error', reason: 'There is no answer.', row };
  if (isFailure(answer)) {
    if (answer.status !== undefined && allowed.includes(answer.status)) return { kind: 'passed' };
    // A test that asks for finite numbers is about just this; elsewhere nobody knows what the answer would have been.
    if (answer.failed === 'notFinite' && expect.finite === true) return { kind: 'failed', reason: answer.message, expected: 'a finite number', actual: answer.message, ...wanted };
    return { kind: 'error', reason: change === undefined ? answer.message : `${answer.message} (${change})`, row };
  }
  if (expect.error !== undefined) return { kind: 'failed', reason: `expected an error with status ${allowed.join(' or ')}, got an answer`, expected: `an error with status ${allowed.join(' or ')}`, actual: 'an answer', ...wanted };
  if ((expect.label_from !== undefined && (expected.label ?? null) === null) || (expect.score_from !== undefined && expected.score === undefined)) return { kind: 'skipped', reason: `the row does not say what is expected: ${expect.label_from ?? expect.score_from ?? ''} is empty` };
  const judgement = judgeExpectation(answer, expected);
  if (judgement.kind === 'failed') return { ...judgement, reason: reasonOf(judgement), ...wanted };
  return judgement.kind === 'error' ? { ...judgement, row } : judgement;
}

/** The cases of a boundary test: each edge of the first row that it applies to. */
export function edgeCases(test: SuiteTest, content: TestOf<'boundary'>, given: Given, sample: readonly Row[], { columns }: CaseContext): SuiteCase[] {
  const wanted = (kind: (typeof content.only & object)[number]): boolean => (content.only?.includes(kind) ?? true) && !(content.except?.includes(kind) ?? false);
  const generated = content.generate === undefined ? [] : signatureEdges(content.generate === 'from_signature' ? columns ?? [] : columnsOfRows(sample), given.row, wanted);
  const edges: readonly Variant[] = [...generated, ...explicitEdges((content.edges ?? {}), given.row)];
  return edges.map(({ row, change }, index) => ({
    index, rows: [row], slices: [],
    judge: ([answer]) => expectationOutcome(answer, row, change, content.expect, expectedOf(test, content, { ...given.record, ...row })),
  }));
}
