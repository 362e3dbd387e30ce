import { AppError } from '../base/errors.ts';
import type { Column } from '../models/model.ts';
import { applies, caseOf, edgeCases, isFailure, type Answer, type CaseContext, type Given, type SuiteCase } from './cases.ts';
import { namedColumns, unknownColumnWords } from './columns.ts';
import { Dispatcher } from './dispatcher.ts';
import { sameJson } from './json.ts';
import type { Arm, Suite, SuiteTest } from './load.ts';
import { measurePerformance } from './measure.ts';
import type { CaseOutcome, Output, Row } from './model.ts';
import { outputReader, outputWords, type OutputReader } from './output.ts';
import { randomOf, sampleOf } from './random.ts';
import { Regression } from './regression.ts';
import { countsAs, together, type Example, type RunReport, type SuiteReport, type TestReport } from './report.ts';
import type { DataContent, TemplateContent } from './schema.ts';
import type { Subject } from './subject.ts';
import { Tally } from './tally.ts';
import { templateCases } from './templates.ts';

/** Rows that are looked at to learn the columns, and that a performance test goes round. */
const PEEKED = 200;
const MOST_ROWS_AT_ONCE = 1000;

export type RunEvent =
  | { readonly kind: 'started'; readonly arm: Arm; readonly subject: string; readonly coldStartMs: number }
  /** Cases that have an outcome so far. */
  | { readonly kind: 'progress'; readonly cases: number; readonly failed: number; readonly errors: number }
  | { readonly kind: 'example'; readonly arm: Arm; readonly test: SuiteTest; readonly outcome: 'failed' | 'error'; readonly example: Example }
  | { readonly kind: 'test'; readonly arm: Arm; readonly report: TestReport };

export interface RunOptions {
  readonly file: string;
  readonly digest: string;
  readonly dataDigest: string | undefined;
  readonly suite: Suite;
  /** The subject to test, and where two are compared the current one behind the candidate. The caller closes them. */
  readonly subjects: readonly { readonly arm: Arm; readonly subject: Subject }[];
  /** The rows of a file, in its order. @throws AppError validation */
  readonly rowsOf: (data: DataContent, signal: AbortSignal) => AsyncIterable<Row>;
  /** The model's columns, where a signature says so. */
  readonly columns: readonly Column[] | undefined;
  /** Only these tests; all without it. */
  readonly only?: ReadonlySet<string>;
  readonly now: () => number;
  /** A clock for durations, in milliseconds with a fraction. */
  readonly ms: () => number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

interface Side {
  readonly arm: Arm;
  readonly subject: Subject;
  readonly read: OutputReader;
  readonly dispatcher: Dispatcher;
  readonly reports: Map<SuiteTest, TestReport>;
  coldStartMs: number;
  nondeterministic: string | undefined;
}

/** Tests over the same rows go through them together, so that each unchanged row is asked for once. */
interface Group {
  readonly data: DataContent | undefined;
  readonly tests: readonly SuiteTest[];
}

class Run {
  readonly #options: RunOptions;
  readonly #sides: readonly Side[];
  readonly #context: CaseContext;
  readonly #regression = new Regression();
  readonly #today: string;
  readonly #progress = { cases: 0, failed: 0, errors: 0 };
  #isProbed = false;

  constructor(options: RunOptions) {
    this.#options = options;
    const { suite, columns, signal } = options;
    this.#sides = options.subjects.map(({ arm, subject }) => {
      const read = outputReader(suite.output, subject.answerPath);
      return { arm, subject, read, dispatcher: new Dispatcher(subject, read, signal), reports: new Map(), coldStartMs: 0, nondeterministic: undefined };
    });
    const integers = (columns ?? []).flatMap(({ name, type }) => (name !== undefined && type.kind === 'scalar' && (type.type === 'integer' || type.type === 'long') ? [name] : []));
    this.#context = { suite, columns, integers: new Set(integers) };
    this.#today = new Date(options.now()).toISOString().slice(0, 10);
  }

  async run(): Promise<RunReport> {
    const { suite, only, now, ms, signal, onEvent } = this.#options;
    const [startedAt, started] = [now(), ms()];
    const tests = suite.tests.filter(({ id }) => only === undefined || only.has(id));
    for (const side of this.#sides) {
      const before = ms();
      await side.subject.start(signal);
      side.coldStartMs = ms() - before;
    }
    for (const group of groupsOf(tests.filter(({ kind }) => kind !== 'performance'))) await this.#runGroup(group);
    for (const test of tests) if (test.content.kind === 'performance') await this.#measure(test);
    onEvent({ kind: 'progress', ...this.#progress });
    const reports = this.#sides.map((side) => this.#suiteReport(side, tests, startedAt, ms() - started));
    return { suites: reports, ...(this.#sides.length < 2 ? {} : { regression: this.#regression.report() }) };
  }

  #suiteReport(side: Side, tests: readonly SuiteTest[], startedAt: number, took: number): SuiteReport {
    const { file, digest, dataDigest, suite } = this.#options;
    const reports = tests.flatMap((test) => side.reports.get(test) ?? []);
    return {
      file, digest, data: dataDigest, arm: side.arm, subject: side.subject.name, version: side.subject.version(), seed: suite.seed, startedAt, ms: took, coldStartMs: side.coldStartMs, tests: reports,
      verdict: together(reports.map(countsAs)),
      ...(side.nondeterministic === undefined ? {} : { nondeterministic: side.nondeterministic }),
      ...(side.dispatcher.stopped === undefined ? {} : { stopped: side.dispatcher.stopped }),
    };
  }

  async #runGroup({ data, tests }: Group): Promise<void> {
    const [first] = tests;
    const template = first !== undefined && 'template' in first.content ? first.content.template : undefined;
    const { rows, sampled } = template === undefined && data !== undefined ? await this.#rows(data) : { rows: undefined, sampled: false };
    const peeked: Row[] = [];
    const tallies = tests.map((test) => this.#sides.map(() => new Tally(test, sampled)));
    const edges = new Set(tests.filter(({ kind }) => kind === 'boundary'));
    const given = template === undefined ? recordsOf(rows, data, peeked) : inPlace(fromTemplate(template));
    let isChecked = template !== undefined;
    for await (const each of given) {
      if (!isChecked) {
        // The peeked rows are there before the first of them comes.
        for (const test of tests) this.#checkColumns(test, peeked);
        isChecked = true;
      }
      if (!this.#isProbed) await this.#probe(each.row);
      this.#askAll(tests, tallies, each, edges, peeked);
      for (const { dispatcher } of this.#sides) if (dispatcher.isFull) await dispatcher.room();
      // Nobody answers any more: the rest of a million rows would say no more.
      if (this.#sides.every(({ dispatcher }) => dispatcher.stopped !== undefined)) break;
    }
    for (const { dispatcher } of this.#sides) await dispatcher.drain();
    for (const [place, test] of tests.entries()) {
      for (const [index, side] of this.#sides.entries()) {
        const report = tallies[place]?.[index]?.report(this.#today, side.dispatcher.stopped);
        if (report === undefined) continue;
        side.reports.set(test, report);
        this.#options.onEvent({ kind: 'test', arm: side.arm, report });
      }
    }
  }

  /** The rows of some data, or a sample of them; a sample of all rows is none. */
  async #rows(data: DataContent): Promise<{ readonly rows: AsyncIterable<Row> | readonly Row[]; readonly sampled: boolean }> {
    const { rowsOf, signal, suite } = this.#options;
    const all = data.rows === undefined ? rowsOf(data, signal) : inPlace(data.rows);
    if (data.sample === undefined) return { rows: all, sampled: false };
    const { items, total } = await sampleOf(all, data.sample, randomOf('sample', String(data.seed ?? suite.seed)));
    return { rows: items, sampled: total > items.length };
  }

  /** Asks for the cases that the tests make of a row; the unchanged row is asked for once. */
  #askAll(tests: readonly SuiteTest[], tallies: readonly (readonly Tally[])[], given: Given, edges: Set<SuiteTest>, peeked: readonly Row[]): void {
    let isCompared = false;
    for (const [place, test] of tests.entries()) {
      const counters = tallies[place] ?? [];
      if (test.content.kind === 'boundary' && !edges.has(test)) continue;
      const applicable = applies(test, given.record);
      if (applicable === null) for (const counter of counters) counter.leaveOut();
      if (applicable !== true) continue;
      const found = test.content.kind === 'boundary' ? edgeCases(test, test.content, given, peeked, this.#context) : [caseOf(test, given, this.#context)];
      edges.delete(test);
      for (const each of found) {
        if (each === undefined) continue;
        this.#askCase(test, each, counters, each.rows[0] === given.row && !isCompared);
        if (each.rows[0] === given.row) isCompared = true;
      }
    }
    this.#originals.clear();
  }

  /** Answers to unchanged rows that several tests of the same row wait for, by side. */
  readonly #originals = new Map<Row, { answers: (Answer | undefined)[]; readonly waiting: ((side: number, answer: Answer) => void)[] }>();

  #askCase(test: SuiteTest, { index, rows, slices, judge }: SuiteCase, tallies: readonly Tally[], compareAnswers: boolean): void {
    const answers = this.#sides.map((): Answer[] => []);
    const left = this.#sides.map(() => rows.length);
    const outcomes: (CaseOutcome | undefined)[] = this.#sides.map(() => undefined);
    const take = (side: number, place: number, answer: Answer): void => {
      const [own = []] = [answers[side]];
      own[place] = answer;
      left[side] = (left[side] ?? 1) - 1;
      if (left[side] !== 0) return;
      const outcome = judge(own);
      outcomes[side] = outcome;
      this.#count(test, side, index, slices, outcome, tallies[side]);
      const [candidate, current] = outcomes;
      if (this.#sides.length < 2 || candidate === undefined || current === undefined) return;
      const [row = {}] = rows;
      this.#regression.addCase(test, index, current, candidate, row);
      const [ours, theirs] = [answers[0]?.[0], answers[1]?.[0]];
      if (compareAnswers && ours !== undefined && theirs !== undefined) this.#regression.addAnswers(test, index, theirs, ours, row);
    };
    for (const [place, row] of rows.entries()) this.#askRow(row, place === 0, test.kind === 'boundary', (side, answer) => take(side, place, answer));
  }

  #askRow(row: Row, isOriginal: boolean, alone: boolean, done: (side: number, answer: Answer) => void): void {
    const known = isOriginal && !alone ? this.#originals.get(row) : undefined;
    if (known !== undefined) {
      for (const [side, answer] of known.answers.entries()) if (answer !== undefined) done(side, answer);
      known.waiting.push(done);
      return;
    }
    const entry = { answers: this.#sides.map((): Answer | undefined => undefined), waiting: [done] };
    if (isOriginal && !alone) this.#originals.set(row, entry);
    for (const [side, { dispatcher }] of this.#sides.entries()) {
      dispatcher.ask(row, alone, (answer) => {
        entry.answers[side] = answer;
        for (const each of entry.waiting) each(side, answer);
      });
    }
  }

  #count(test: SuiteTest, side: number, index: number, slices: readonly string[], outcome: CaseOutcome, tally: Tally | undefined): void {
    const example = tally?.add(index, slices, outcome);
    this.#progress.cases += 1;
    if (outcome.kind === 'failed') this.#progress.failed += 1;
    if (outcome.kind === 'error') this.#progress.errors += 1;
    const arm = this.#sides[side]?.arm;
    if (example !== undefined && arm !== undefined) this.#options.onEvent({ kind: 'example', arm, test, outcome: outcome.kind === 'failed' ? 'failed' : 'error', example });
    if (this.#progress.cases % 100 === 0) this.#options.onEvent({ kind: 'progress', ...this.#progress });
  }

  /** Asks for the first row twice: two answers mark the subject nondeterministic. */
  async #probe(row: Row): Promise<void> {
    if (this.#isProbed) return;
    this.#isProbed = true;
    const { ms, signal, onEvent } = this.#options;
    for (const side of this.#sides) {
      const before = ms();
      const [first] = await side.subject.predict([row], signal);
      side.coldStartMs += ms() - before;
      onEvent({ kind: 'started', arm: side.arm, subject: side.subject.name, coldStartMs: side.coldStartMs });
      const [second] = await side.subject.predict([row], signal);
      const [a, b] = [first, second].map((raw) => (raw === undefined || 'failed' in raw ? undefined : side.read(raw.document)));
      if (a === undefined || b === undefined || isFailure(a) || isFailure(b) || sameOutput(a, b)) continue;
      side.nondeterministic = `the same row got ${outputWords(a)} and then ${outputWords(b)}`;
    }
  }

  /** @throws AppError validation naming the line where a column is named that the data does not have */
  #checkColumns(test: SuiteTest, peeked: readonly Row[]): void {
    const { content } = test;
    const known = new Set(peeked.flatMap((row) => Object.keys(row)));
    const columns = new Set((this.#context.columns ?? []).flatMap(({ name }) => name ?? []));
    const unknown = namedColumns(test, [], columns).find(({ name }) => !known.has(name));
    if (unknown !== undefined) throw this.#fault(test, unknownColumnWords(unknown.name, known));
    if (content.kind === 'boundary' && content.generate === 'from_signature' && this.#context.columns === undefined) throw this.#fault(test, 'the model\'s signature is not known: name its MLmodel file under signature, or write generate: from_data.');
  }

  #fault(test: SuiteTest, message: string): AppError {
    return new AppError('validation', `${this.#options.file}:${test.range.start.line + 1}: test ${test.id}: ${message}`, { line: test.range.start.line, column: test.range.start.column });
  }

  async #measure(test: SuiteTest): Promise<void> {
    const { content, data } = test;
    if (content.kind !== 'performance' || data === undefined) return;
    const rows: Row[] = [];
    for await (const given of recordsOf((await this.#rows(data)).rows, data, [])) {
      if (applies(test, given.record) === true) rows.push(given.row);
      if (rows.length >= MOST_ROWS_AT_ONCE) break;
    }
    const [first] = rows;
    if (first === undefined) throw this.#fault(test, 'there are no rows to ask with.');
    await this.#probe(first);
    let samples = 0;
    const { ms, signal, onEvent, suite } = this.#options;
    const report = await measurePerformance(test, content, {
      subjects: this.#sides.map(({ subject }) => subject), rows, seed: suite.seed, ms, signal, coldStartMs: this.#sides[0]?.coldStartMs ?? 0,
      onSample: () => { samples += 1; if (samples % 100 === 0) onEvent({ kind: 'progress', ...this.#progress }); },
    }, this.#today);
    const [side] = this.#sides;
    side?.reports.set(test, report);
    if (side !== undefined) onEvent({ kind: 'test', arm: side.arm, report });
  }
}

function sameOutput(a: Output, b: Output): boolean {
  return a.score === b.score && sameJson(a.label, b.label) && sameJson(a.proba, b.proba);
}

function groupsOf(tests: readonly SuiteTest[]): Group[] {
  const groups: { data: DataContent | undefined; tests: SuiteTest[] }[] = [];
  for (const test of tests) {
    const group = test.data === undefined ? undefined : groups.find(({ data }) => data === test.data);
    if (group === undefined) groups.push({ data: test.data, tests: [test] });
    else group.tests.push(test);
  }
  return groups;
}

/** What is here already, as something to wait for. */
async function* inPlace<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}

/** The rows with what of them the model gets. The first are read ahead into `peeked`. */
async function* recordsOf(rows: AsyncIterable<Row> | readonly Row[] | undefined, data: DataContent | undefined, peeked: Row[]): AsyncGenerator<Given> {
  const { columns, leave_out: leftOut = [] } = data ?? {};
  const isWhole = columns === undefined && leftOut.length === 0;
  const modelRow = (record: Row): Row => {
    if (isWhole) return record;
    const names = columns ?? Object.keys(record);
    return Object.fromEntries(names.flatMap((name) => (leftOut.includes(name) || record[name] === undefined ? [] : [[name, record[name]]])));
  };
  let index = 0;
  const given = (record: Row): Given => ({ index: index++, record, row: modelRow(record) });
  let ahead: Row[] | undefined = [];
  for await (const record of rows ?? []) {
    if (ahead === undefined) {
      yield given(record);
      continue;
    }
    ahead.push(record);
    if (ahead.length < PEEKED) continue;
    peeked.push(...ahead);
    for (const each of ahead) yield given(each);
    ahead = undefined;
  }
  if (ahead === undefined) return;
  peeked.push(...ahead);
  for (const each of ahead) yield given(each);
}

function* fromTemplate(template: TemplateContent): Generator<Given> {
  let index = 0;
  for (const { record, row, varied } of templateCases(template)) {
    yield { index, record, row, ...(template.vary === undefined ? {} : { varied }) };
    index += 1;
  }
}

/**
 * Runs a suite against one subject, or against candidate and current in step. Memory does not grow with the number of cases. Faults of a subject are
 * errors in the report.
 * @throws AppError validation for a suite that does not fit its data, what `start` throws, cancelled
 */
export function runSuite(options: RunOptions): Promise<RunReport> {
  return new Run(options).run();
}
