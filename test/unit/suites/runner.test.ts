import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Row } from '../../../src/core/suites/model.ts';
import { signatureFromLists } from '../../../src/core/models/signature.ts';
import { FunctionSubject, run, suiteOf, type Ran } from '../../support/suiteRuns.ts';

/** A logistic score of income (down) and debt (up). */
function score(row: Row): number {
  return 1 / (1 + Math.exp((Number(row['income']) - 50) / 20 - Number(row['debt'] ?? 0)));
}

const ROWS = `data: {rows: [${Array.from({ length: 20 }, (_, index) => `{income: ${10 + index * 5}, debt: ${index % 3}, name: Tom}`).join(', ')}]}`;
const suite = (...tests: readonly string[]): string => `output: {score: $, range: [0, 1]}\n${ROWS}\ntests:\n${tests.map((test) => `  - ${test}\n`).join('')}`;
const outcomes = ({ report }: Ran): string[] => report.suites[0]?.tests.map(({ id, outcome }) => `${id} ${outcome}`) ?? [];

describe('the runner of suites', () => {
  it('runs every kind against a good model and passes it', async () => {
    const ran = await run(suite(
      '{id: same, kind: invariance, change: {name: [Anna, Ahmed]}}',
      '{id: order, kind: invariance, change: shuffle_columns, times: 3}',
      '{id: noise, kind: invariance, change: {income: {jitter: {rel: 0.01}}}, times: 3, tolerance: 0.05}',
      '{id: up, kind: directional, change: {income: {add_pct: 20}}, expect: decrease}',
      '{id: sweep, kind: directional, sweep: {income: {from: 0, to: 200, steps: 9}}, expect: decrease}',
      '{id: known, kind: expectation, where: "income < 20", expect: {that: "score > 0.5 and debt >= 0"}}',
      '{id: edges, kind: boundary, edges: {income: [0, -1, 1e308]}, expect: {finite: true, between: [0, 1]}}',
      '{id: fast, kind: performance, warmup: 1, samples: 100, concurrency: 2, batch_sizes: [1, 4], limits_ms: {p50: 1000}}',
    ), FunctionSubject.of(score));
    assert.deepEqual(outcomes(ran), ['same passed', 'order passed', 'noise passed', 'up passed', 'sweep passed', 'known passed', 'edges passed', 'fast passed']);
    assert.equal(ran.report.suites[0]?.verdict, 'passed');
    assert.equal(ran.test('same').message, '0 of 20 failed: the failure rate is at most 14 % (95 % confidence)');
    assert.equal(ran.test('known').counts.passed, 2);
    assert.deepEqual(ran.test('fast').measurements?.map(({ batchSize, samples, extended }) => [batchSize, samples === (extended ? 200 : 100)]), [[1, true], [4, true]]);
  });

  it('fails what fails, with input, change, expected and actual, and the lowest rows first', async () => {
    const ran = await run(suite(
      '{id: same, kind: invariance, change: {name: [Anna, Ahmed]}, slices: {rich: "income > 60"}, why: names carry no risk}',
      '{id: up, kind: directional, change: {income: {add: 10}}, expect: increase, severity: warn}',
      '{id: known, kind: expectation, expect: {between: [0, 0.5]}, waive: {until: "2026-11-23", reason: later}}',
      '{id: past, kind: expectation, expect: {between: [0, 0.5]}, waive: {until: "2026-11-22", reason: later}}',
    ), FunctionSubject.of((row) => score(row) + (row['name'] === 'Ahmed' && Number(row['income']) > 40 ? 0.1 : 0)));
    assert.deepEqual(outcomes(ran), ['same failed', 'up failed', 'known failed', 'past failed']);
    const { counts, failures, slices, why } = ran.test('same');
    assert.deepEqual([counts.failed, why, slices.map(({ name, counts: { passed, failed } }) => [name, passed, failed])], [13, 'names carry no risk', [['rich', 0, 9]]]);
    assert.deepEqual(failures.map(({ index }) => index), Array.from({ length: 13 }, (_, index) => index + 7));
    assert.deepEqual({ ...failures[0] }, { index: 7, change: 'name "Tom" -> "Ahmed"', reason: 'expected 0.7773, got 0.8773', expected: '0.7773', actual: '0.8773', row: { income: 45, debt: 1, name: 'Ahmed' } });
    assert.equal(ran.test('known').waived?.until, '2026-11-23');
    assert.match(ran.test('past').message, /its waiver ended on 2026-11-22/);
    assert.equal(ran.report.suites[0]?.verdict, 'failed');
    const { report } = await run(suite('{id: up, kind: directional, change: {income: {add: 10}}, expect: increase, severity: warn}'), FunctionSubject.of(score));
    assert.equal(report.suites[0]?.verdict, 'passed');
  });

  it('asks for an unchanged row once, however many tests need it, in batches, with bounded concurrency', async () => {
    const subject = FunctionSubject.of(score);
    await run(suite('{id: a, kind: invariance, change: {name: [Anna]}}', '{id: b, kind: invariance, change: {name: [Ahmed]}}', '{id: c, kind: expectation, expect: {finite: true}}'), subject);
    const asked = subject.requests.flat();
    // Two for the probe.
    assert.equal(asked.length, 2 + 20 * 3);
    assert.equal(asked.filter(({ name }) => name === 'Tom').length, 22);
    assert.ok(subject.requests.every((rows) => rows.length <= 4) && subject.requests.some((rows) => rows.length === 4));
    assert.ok(subject.mostAtOnce > 1 && subject.mostAtOnce <= 3, String(subject.mostAtOnce));
  });

  it('keeps errors apart from failures and passes: status, NaN, missing output', async () => {
    const answers = (row: Row): { document: number | string } | { failed: 'status' | 'missing'; message: string; status?: number } => {
      if (row['income'] === 10) return { failed: 'status', status: 500, message: 'The server answered 500.' };
      if (row['income'] === 15) return { document: 'NaN' };
      return { document: score(row) };
    };
    const ran = await run(suite(
      '{id: known, kind: expectation, expect: {between: [0, 1]}}', '{id: finite, kind: expectation, where: "income == 15", expect: {finite: true}}',
      '{id: refused, kind: boundary, edges: {income: [10]}, expect: {error: 500}}', '{id: either, kind: boundary, edges: {income: [10, 20]}, expect: {finite: true, or_error: [400, 500]}}', '{id: other, kind: boundary, edges: {income: [10]}, expect: {error: 400}}', '{id: answers, kind: boundary, edges: {income: [20]}, expect: {error: 400}}',
    ), new FunctionSubject(answers));
    assert.deepEqual(ran.test('known').counts, { passed: 18, failed: 0, skipped: 0, errors: 2, leftOut: 0 });
    assert.deepEqual(ran.test('known').errors.map(({ reason }) => reason), ['The server answered 500.', 'The score is no finite number: "NaN".']);
    assert.deepEqual(outcomes(ran), ['known error', 'finite failed', 'refused passed', 'either passed', 'other error', 'answers failed']);
    assert.equal(ran.report.suites[0]?.verdict, 'failed');
  });

  it('asks again row by row where a batch is refused for one of them', async () => {
    const refused = { failed: 'status', status: 400, message: 'bad row' } as const;
    const ran = await run(suite('{id: known, kind: expectation, expect: {finite: true}}'), new FunctionSubject((row, rows) => (rows.some(({ income }) => income === 30) ? refused : { document: score(row) })));
    assert.deepEqual([ran.test('known').counts.passed, ran.test('known').errors.map(({ index }) => index)], [19, [4]]);
  });

  it('stops asking where nobody answers, and has no verdict', async () => {
    const many = `data: {rows: [${Array.from({ length: 2000 }, (_, index) => `{a: ${index}}`).join(', ')}]}\ntests: [{id: a, kind: expectation, expect: {finite: true}}]`;
    const subject = new FunctionSubject(() => ({ failed: 'unreachable', message: 'nobody is there' }));
    const { report, test } = await run(many, subject);
    assert.ok(subject.requests.length < 40, String(subject.requests.length));
    assert.match(test('a').message, /no verdict, stopped after 20 requests in a row without an answer: nobody is there/);
    assert.deepEqual([report.suites[0]?.verdict, test('a').outcome], ['error', 'error']);
  });

  it('skips and counts what cannot fail, and calls a test of nothing else inconclusive', async () => {
    const rows = 'output: {score: $, range: [0, 1]}\ndata: {rows: [{a: 0}, {a: 1}, {a: 2}]}\ntests:\n  - ';
    const ran = await run(`${rows}{id: a, kind: directional, change: {a: {add: 1}}, expect: increase}`, FunctionSubject.of(({ a }) => (a === 0 ? 0 : 0.5)));
    assert.deepEqual([ran.test('a').counts.skipped, ran.test('a').counts.passed, ran.test('a').skipped], [1, 2, 'it cannot fail: the answer is 0 already']);
    const none = await run(`${rows}{id: a, kind: invariance, change: {b: {add: 1}, a: {case: upper}}}`.replace('{a: 0}', '{a: 0, b: x}'), FunctionSubject.of(() => 0.5));
    assert.deepEqual([none.test('a').outcome, none.report.suites[0]?.verdict], ['inconclusive', 'inconclusive']);
  });

  it('names the column, the line and the mend where data and suite do not fit', async () => {
    await assert.rejects(run(suite('{id: a, kind: invariance, change: {nmae: [x]}}'), FunctionSubject.of(score)), { code: 'validation', message: 'a.mltest.yaml:4: test a: the data has no column "nmae". Did you mean "name"?' });
    await assert.rejects(run(suite('{id: a, kind: expectation, where: "incme > 1", expect: {finite: true}}'), FunctionSubject.of(score)), /no column "incme"/);
    await assert.rejects(run(suite('{id: a, kind: boundary, generate: from_signature, expect: {finite: true}}'), FunctionSubject.of(score)), /signature is not known/);
  });

  it('finds nondeterminism by asking for the first row twice', async () => {
    let asked = 0;
    const { report } = await run(suite('{id: a, kind: expectation, expect: {finite: true}}'), FunctionSubject.of(() => (asked += 1) / 1000));
    assert.equal(report.suites[0]?.nondeterministic, 'the same row got score 0.001 and then score 0.002');
    assert.equal((await run(suite('{id: a, kind: expectation, expect: {finite: true}}'), FunctionSubject.of(score))).report.suites[0]?.nondeterministic, undefined);
  });

  it('decides by bounds on sampled rows and by counting on all', async () => {
    const rows = Array.from({ length: 1000 }, (_, index) => `{a: ${index}}`).join(', ');
    const of = async (data: string, least: number, bad: number): Promise<string> => {
      const ran = await run(`output: {score: $}\ndata: {rows: [${rows}]${data}}\ntests: [{id: a, kind: expectation, min_pass: ${least}, expect: {between: [0, 1]}}]`, FunctionSubject.of(({ a }) => (Number(a) % 1000 < bad ? 2 : 0.5)));
      return ran.test('a').outcome;
    };
    assert.deepEqual([await of('', 0.98, 20), await of('', 0.98, 21)], ['passed', 'failed']);
    assert.deepEqual([await of(', sample: 200, seed: 1', 0.9, 20), await of(', sample: 200, seed: 1', 0.98, 20), await of(', sample: 200, seed: 1', 0.98, 200)], ['passed', 'inconclusive', 'failed']);
    assert.equal(await of(', sample: 1000', 0.98, 20), 'passed');
  });

  it('makes the same of a suite whatever the batches and the concurrency, as one request after another would', async () => {
    const text = suite('{id: noise, kind: invariance, change: {income: {jitter: {rel: 0.3}}}, times: 4, tolerance: 0.05}', '{id: typo, kind: invariance, change: {name: {typos: 1}}, times: 2}', '{id: known, kind: expectation, expect: {between: [0.2, 0.9]}}');
    const plain = ({ report }: Ran): unknown => report.suites[0]?.tests.map((test) => ({ ...test, range: undefined }));
    const wanted = plain(await run(text, new FunctionSubject((row) => ({ document: score(row) }), { batchSize: 1, concurrency: 1 })));
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.integer({ min: 0, max: 2 })), async (batchSize, concurrency, waits: IterableIterator<number, unknown>) => {
      const subject = new FunctionSubject(async (row) => {
        for (let wait = Number(waits.next().value); wait > 0; wait -= 1) await new Promise((resolve) => setImmediate(resolve));
        return { document: score(row) };
      }, { batchSize, concurrency });
      assert.deepEqual(plain(await run(text, subject)), wanted);
    }), { seed: 20_261_130, numRuns: 20 });
  });

  it('takes the model\'s columns only, and conditions see all', async () => {
    const subject = FunctionSubject.of(({ b }) => Number(b));
    const ran = await run('data: {rows: [{a: 1, b: 0.5, y: 1}], leave_out: [y], columns: [b, y]}\ntests: [{id: a, kind: expectation, where: "y == 1 and a == 1", expect: {that: "score == b"}}]', subject);
    assert.equal(ran.test('a').outcome, 'passed');
    assert.deepEqual(subject.requests[0], [{ b: 0.5 }]);
  });

  it('leaves rows out whose condition cannot be told, and says how many', async () => {
    const ran = await run('data: {rows: [{a: 1}, {a: null}, {a: 3}]}\ntests: [{id: a, kind: expectation, where: "a > 0", expect: {finite: true}}]', FunctionSubject.of(() => 1));
    assert.deepEqual([ran.test('a').counts.passed, ran.test('a').counts.leftOut], [2, 1]);
  });

  it('generates edges by the signature and rounds what is whole', async () => {
    const signature = signatureFromLists({ inputs: [{ name: 'income', type: 'double' }, { name: 'debt', type: 'long' }] });
    const columns = signature.kind === 'known' ? signature.inputs ?? [] : [];
    const subject = FunctionSubject.of((row) => (row['income'] === null ? 'NaN' : 0.5));
    const ran = await run(suite('{id: edges, kind: boundary, generate: from_signature, except: [missing], expect: {finite: true}}', '{id: noise, kind: invariance, change: {debt: {jitter: {abs: 2}}}, times: 3}'), subject, { columns });
    assert.deepEqual([ran.test('edges').counts.failed, ran.test('edges').failures[0]?.change], [1, 'income null']);
    assert.ok(subject.requests.flat().every(({ debt }) => debt === null || Number.isInteger(debt) || Number(debt) > 1e15));
  });

  it('compares two subjects: worse, better, flipped, with examples', async () => {
    const label = (limit: number) => (row: Row): { label: string; score: number } => ({ label: Number(row['income']) > limit ? 'approve' : 'decline', score: Number(row['income']) / 200 });
    const text = `output: {label: $.label, score: $.score}\n${ROWS}\ntests: [{id: poor, kind: expectation, where: "income < 50", expect: {label: decline}}, {id: rich, kind: expectation, where: "income >= 50", expect: {label: approve}}]`;
    const { report } = await run(text, [FunctionSubject.of(label(40)), FunctionSubject.of(label(60))]);
    const { worse, better, same, flipped, compared, scoreDistance, examples } = report.regression ?? assert.fail();
    assert.deepEqual({ worse, better, same, flipped, compared, scoreDistance }, { worse: 1, better: 3, same: 16, flipped: 4, compared: 20, scoreDistance: { mean: 0, max: 0 } });
    assert.deepEqual(examples.worse.map(({ test, index, current, candidate }) => [test, index, current, candidate]), [['poor', 7, 'passed', 'expected "decline", got "approve", score 0.225']]);
    assert.deepEqual(examples.flipped[0]?.row, { income: 45, debt: 1, name: 'Tom' });
    assert.deepEqual(report.suites.map(({ arm, verdict }) => [arm, verdict]), [['candidate', 'failed'], ['current', 'failed']]);
  });

  it('measures the ratio with both in turns, and calls it open with one', async () => {
    let now = 0;
    let asked = 0;
    const slow = (ms: number): FunctionSubject => new FunctionSubject(() => { now += ms * (1 + (((asked += 1) * 7919) % 1009) / 5000); return { document: 1 }; }, { batchSize: 1 });
    const clock = { ms: () => now };
    const text = suite('{id: fast, kind: performance, warmup: 2, samples: 150, max_ratio: 1.5, limits_ms: {p50: 0.0001}}');
    const slower = await run(text, [slow(1), slow(0.2)], clock);
    assert.deepEqual([slower.test('fast').outcome, slower.test('fast').severity, slower.test('fast').measurements?.[0]?.ratios[0]?.verdict], ['failed', 'block', 'failed']);
    assert.equal((await run(text, [slow(0.2), slow(1)], clock)).test('fast').outcome, 'passed');
    assert.equal((await run(text, slow(0.1), clock)).test('fast').outcome, 'inconclusive');
  });

  it('extends what stays open once, and no more', async () => {
    const subject = new FunctionSubject(() => ({ document: 1 }), { batchSize: 1 });
    let now = 0;
    let calls = 0;
    // Every other request takes 1, every other 3: the median's bounds lie on both sides of 2 for ever.
    const ran = await run(suite('{id: fast, kind: performance, warmup: 0, samples: 20, severity: block, limits_ms: {p50: 2}}'), subject, { ms: () => { calls += 1; now += calls % 4 < 2 ? 1 : 3; return now; } });
    const [measurement] = ran.test('fast').measurements ?? [];
    assert.deepEqual([measurement?.extended, measurement?.samples, ran.test('fast').outcome], [true, 40, 'inconclusive']);
  });

  it('ends at once when it is cancelled', async () => {
    const stop = new AbortController();
    const subject = new FunctionSubject(async () => { stop.abort(); await Promise.resolve(); return { document: 1 }; });
    await assert.rejects(run(suiteOf(suite('{id: a, kind: expectation, expect: {finite: true}}')), subject, { signal: stop.signal }), { code: 'cancelled' });
  });

  it('streams: failing cases are told before the end', async () => {
    const { events } = await run(suite('{id: known, kind: expectation, expect: {between: [0, 0.5]}}'), FunctionSubject.of(score));
    assert.deepEqual([...new Set(events.map(({ kind }) => kind))], ['started', 'example', 'test', 'progress']);
  });
});
