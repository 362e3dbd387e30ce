import * as vscode from 'vscode';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { firstProblem } from '../../core/models/yamlFile.ts';
import type { Arm, SuiteTest } from '../../core/suites/load.ts';
import { regressionLines, suiteHead, testLines } from '../../core/suites/reportText.ts';
import { countsAs, type Example, type RunReport, type TestReport } from '../../core/suites/report.ts';
import type { RunEvent } from '../../core/suites/runner.ts';
import { runSuiteFile, subjectOf } from '../../adapters/suites/runSuiteFile.ts';
import { readSuiteFile } from '../../adapters/suites/suiteFile.ts';
import type { SuiteModel } from '../../adapters/suites/suiteModel.ts';
import type { SubjectContext } from '../../adapters/suites/subjects.ts';
import type { SuiteItems } from './suiteItems.ts';

/** One file of a run: what of it is wanted, and against what. */
export interface FileRun {
  readonly item: vscode.TestItem;
  readonly uri: vscode.Uri;
  readonly name: string;
  readonly tests: readonly vscode.TestItem[];
  readonly isWhole: boolean;
  readonly arms: readonly Arm[];
  readonly model: (suite: { readonly model?: string }) => SuiteModel;
  readonly context: Omit<SubjectContext, 'registered'>;
}

/** What came of a file; `model` is there to write evidence by. */
export interface FileOutcome {
  readonly report: RunReport;
  readonly model: SuiteModel;
}

const LONGEST_ROW = 600;

/** Text for a terminal, which wants carriage returns. */
function crlf(text: string): string {
  return text.replace(/\r?\n/g, '\r\n');
}

/** Shows one run in the Test Explorer: states as they come, messages where they belong, output as it is made. */
export class SuiteRun {
  readonly #run: vscode.TestRun;
  readonly #items: SuiteItems;
  readonly #signal: AbortSignal;

  constructor(run: vscode.TestRun, items: SuiteItems, signal: AbortSignal) {
    this.#run = run;
    this.#items = items;
    this.#signal = signal;
  }

  line(text: string, item?: vscode.TestItem): void {
    const location = item?.uri === undefined || item.range === undefined ? undefined : new vscode.Location(item.uri, item.range);
    this.#run.appendOutput(`${crlf(text)}\r\n`, location, item);
  }

  /** Runs a file; undefined where it could not be run, which its tests then say. @throws AppError cancelled */
  async file({ item, uri, name, tests, isWhole, arms, model, context }: FileRun): Promise<FileOutcome | undefined> {
    for (const test of tests) this.#run.started(test);
    try {
      const file = await readSuiteFile(uri.fsPath, name);
      const { suite, problems } = file.loaded;
      if (suite === undefined) throw new AppError('validation', `${name}: ${firstProblem(problems) ?? 'it cannot be read.'}`);
      const wanted = new Set(tests.map(({ id }) => id.slice(item.id.length + 1)));
      const used = model(suite);
      const byId = new Map(tests.map((test) => [test.id.slice(item.id.length + 1), test]));
      const report = await runSuiteFile({
        file, suite, model: used, context, signal: this.#signal, subjects: arms.map((arm) => subjectOf(suite, arm, name)), only: isWhole ? undefined : wanted,
        onEvent: (event) => this.#event(event, name, arms, (id) => byId.get(id)),
      });
      for (const each of report.suites) this.line(`${suiteHead(each)}\n  ${each.verdict}`);
      if (report.regression !== undefined) this.line(regressionLines(report.regression).join('\n'));
      return { report, model: used };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'cancelled' || this.#signal.aborted) throw new AppError('cancelled', 'Cancelled.');
      this.line(error.message);
      const message = new vscode.TestMessage(error.message);
      const line: unknown = error.data['line'];
      message.location = new vscode.Location(uri, new vscode.Position(typeof line === 'number' ? line : item.range?.start.line ?? 0, 0));
      for (const test of tests) this.#run.errored(test, message);
      return undefined;
    }
  }

  #event(event: RunEvent, name: string, arms: readonly Arm[], itemOf: (id: string) => vscode.TestItem | undefined): void {
    const isFirst = (arm: Arm): boolean => arm === arms[0];
    switch (event.kind) {
      case 'started':
        this.line(`${name}: ${event.arm} ${event.subject} answers after ${Math.round(event.coldStartMs)} ms`);
        return;
      case 'progress':
        return;
      case 'example':
        this.line(exampleLine(event.arm, event.test, event.example), itemOf(event.test.id));
        return;
      case 'test': {
        const item = itemOf(event.report.id);
        this.line(`${arms.length > 1 ? `${event.arm}:` : ''}${testLines(name, { ...event.report, failures: [], errors: [] }).join('\n')}`, item);
        if (item !== undefined && isFirst(event.arm)) this.#show(item, event.report);
      }
    }
  }

  /** What fails the suite is failed, with its cases below; warnings and waived failures are skipped with their reason, for they are no passes; without a verdict there is an error. */
  #show(item: vscode.TestItem, report: TestReport): void {
    const counts = countsAs(report);
    const cases = this.#items.showCases(item, report.outcome === 'failed' && counts === 'failed' ? report.failures : []);
    if (counts === 'failed') {
      for (const [index, each] of cases.entries()) {
        const failure = report.failures[index];
        if (failure !== undefined) this.#run.failed(each, messageOf(item, report, failure));
      }
      const [first] = report.failures;
      this.#run.failed(item, first === undefined ? placed(new vscode.TestMessage(withWhy(report, report.message)), item) : messageOf(item, report, first));
    } else if (report.outcome === 'failed') this.#run.skipped(item);
    else if (report.outcome === 'passed') this.#run.passed(item);
    else this.#run.errored(item, report.errors.length === 0 ? placed(new vscode.TestMessage(withWhy(report, `${report.outcome}: ${report.message}`)), item) : report.errors.map((each) => messageOf(item, report, each)));
  }
}

function withWhy({ why }: Pick<TestReport, 'why'>, text: string): string {
  return why === undefined ? text : `${text}\nwhy: ${plainLine(why, 300)}`;
}

function placed(message: vscode.TestMessage, { uri, range }: vscode.TestItem): vscode.TestMessage {
  if (uri !== undefined && range !== undefined) message.location = new vscode.Location(uri, range);
  return message;
}

function rowWords(row: Example['row']): string {
  const text = JSON.stringify(row);
  return text.length > LONGEST_ROW ? `${text.slice(0, LONGEST_ROW)}…` : text;
}

/** Input, change, expected and actual of one case, at the line of its test. */
function messageOf(item: vscode.TestItem, report: TestReport, { index, reason, change, expected, actual, row }: Example): vscode.TestMessage {
  const { failed, passed } = report.counts;
  const lines = [
    `${report.id}, row ${index}${report.outcome === 'failed' ? ` (${failed} of ${failed + passed} failed)` : ''}`,
    ...(change === undefined ? [] : [`change: ${plainLine(change, LONGEST_ROW)}`]),
    `input: ${plainLine(rowWords(row), LONGEST_ROW + 10)}`,
    ...(expected === undefined || actual === undefined ? [plainLine(reason, LONGEST_ROW)] : [`expected: ${plainLine(expected, 300)}`, `actual: ${plainLine(actual, 300)}`]),
  ];
  const message = new vscode.TestMessage(withWhy(report, lines.join('\n')));
  if (expected !== undefined && actual !== undefined) {
    message.expectedOutput = expected;
    message.actualOutput = actual;
  }
  return placed(message, item);
}

function exampleLine(arm: Arm, { id }: SuiteTest, { index, change, reason }: Example): string {
  return `  ${arm} ${id} row ${index}${change === undefined ? '' : `, ${plainLine(change, 200)}`}: ${plainLine(reason, 300)}`;
}


