import assert from 'node:assert/strict';
import type { Column } from '../../src/core/models/model.ts';
import type { Json } from '../../src/core/suites/json.ts';
import { loadSuite, type Suite } from '../../src/core/suites/load.ts';
import type { Row } from '../../src/core/suites/model.ts';
import type { RunReport, TestReport } from '../../src/core/suites/report.ts';
import { runSuite, type RunEvent, type RunOptions } from '../../src/core/suites/runner.ts';
import type { RawAnswer, Subject, VersionState } from '../../src/core/suites/subject.ts';

export function suiteOf(text: string): Suite {
  const { suite, problems } = loadSuite(text);
  assert.ok(suite, JSON.stringify(problems));
  return suite;
}

/** A subject in this process: a function of a row, with what was asked of it. */
export class FunctionSubject implements Subject {
  readonly name = 'function';
  readonly answerPath = '$';
  readonly batchSize: number;
  readonly concurrency: number;
  readonly requests: (readonly Row[])[] = [];
  mostAtOnce = 0;
  #atOnce = 0;
  readonly #answer: (row: Row, rows: readonly Row[]) => RawAnswer | Promise<RawAnswer>;

  constructor(answer: (row: Row, rows: readonly Row[]) => RawAnswer | Promise<RawAnswer>, { batchSize = 4, concurrency = 3 } = {}) {
    this.#answer = answer;
    this.batchSize = batchSize;
    this.concurrency = concurrency;
  }

  static of(score: (row: Row) => Json): FunctionSubject {
    return new FunctionSubject((row) => ({ document: score(row) }));
  }

  start(): Promise<void> { return Promise.resolve(); }

  async predict(rows: readonly Row[]): Promise<readonly RawAnswer[]> {
    this.requests.push(rows);
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    await Promise.resolve();
    const answers: RawAnswer[] = [];
    for (const row of rows) answers.push(await this.#answer(row, rows));
    this.#atOnce -= 1;
    return answers;
  }

  version(): VersionState { return { kind: 'unverified', reason: 'a test' }; }
  close(): Promise<void> { return Promise.resolve(); }
}

export interface Ran {
  readonly report: RunReport;
  readonly events: readonly RunEvent[];
  /** The candidate's report of a test. */
  readonly test: (id: string) => TestReport;
}

/** Runs a suite against subjects, the candidate first. */
export async function run(text: string | Suite, subjects: Subject | readonly Subject[], options: Partial<Omit<RunOptions, 'columns'>> & { readonly columns?: readonly Column[] } = {}): Promise<Ran> {
  const events: RunEvent[] = [];
  const all = Array.isArray(subjects) ? subjects as readonly Subject[] : [subjects as Subject];
  const report = await runSuite({
    file: 'a.mltest.yaml', digest: 'sha256:0', dataDigest: undefined, suite: typeof text === 'string' ? suiteOf(text) : text,
    subjects: all.map((subject, index) => ({ arm: index === 0 ? 'candidate' : 'current', subject })),
    rowsOf: () => { throw new Error('no files here'); },
    now: () => Date.UTC(2026, 10, 23), ms: () => performance.now(), signal: new AbortController().signal,
    onEvent: (event) => void events.push(event),
    ...options, columns: options.columns,
  });
  const test = (id: string): TestReport => {
    const found = report.suites[0]?.tests.find((each) => each.id === id);
    assert.ok(found, id);
    return found;
  };
  return { report, events, test };
}
