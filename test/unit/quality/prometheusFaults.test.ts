import assert from 'node:assert/strict';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { NOW, fakeSource, readFake, type FakeSeries, type Samples } from '../../support/fakePrometheus.ts';

const RANGE = 'sum(increase(predictions_total{arm="$arm"}[$range]))';

/** What a server answers that tells these samples of the candidate's total and bad counters; the current arm has nothing. */
function read(total: Samples, bad: Samples, more: object = {}, query = 'predictions_total{arm="$arm"}', kind = 'bad', lookback = '10m'): Promise<QualityData> {
  return readFake({ guardrails: [{ name: 'errors', bad: 'error' }] }, { lookback, queries: { errors: { total: query, [kind]: query.replace('predictions', 'errors') } } }, (asked) => {
    const samples = asked.includes('candidate') ? (asked.includes('errors_total') ? bad : total) : [];
    return samples.length === 0 ? [] : [{ labels: {}, samples }];
  }, more);
}

const told = ({ windows }: QualityData): unknown => windows.map(({ arm, requests, metrics }) => [arm, requests, metrics['errors']?.n, metrics['errors']?.sum]);

describe('a Prometheus that tells half of it', () => {
  it('NaN of a counter is never counted: what it grew by shows at the next number, and no error is lost', async () => {
    const data = await read([[0, '100'], [1, '200'], [2, 'NaN'], [3, '400'], [4, '+Inf'], [5, '450']], [[0, '1'], [1, 'NaN'], [2, '3'], [3, '5'], [5, '6']]);
    assert.deepEqual(told(data), [['candidate', 100, 100, 2], ['candidate', 200, 200, 2], ['candidate', 50, 50, 1]]);
    assert.ok(data.windows.every(({ metrics }) => Object.values(metrics['errors'] ?? {}).every(Number.isFinite)));
    assert.deepEqual([data.notes.messages, data.notes.incomplete], [[], undefined]);
  });

  for (const [kind, query, first] of [['a selector', undefined, 0], ['an expression', RANGE, 1]] as const) {
    it(`errors that are told while the total stands still count where it last grew, by ${kind}`, async () => {
      // Of an expression, each number is an increase.
      const [total, bad]: [Samples, Samples] = first === 0
        ? [[[0, '100'], [1, '200'], [2, '200'], [3, '200'], [4, '300']], [[0, '1'], [1, '2'], [2, '9'], [3, '9'], [4, '10']]]
        : [[[1, '100'], [2, '0'], [3, '0'], [4, '100']], [[1, '1'], [2, '7'], [3, '0'], [4, '1']]];
      const data = await read(total, bad, {}, query);
      assert.deepEqual(told(data), [['candidate', 100, 100, 8], ['candidate', 100, 100, 1]]);
      assert.deepEqual([data.notes.messages, data.notes.incomplete], [[], undefined]);
    });

    it(`errors before the total first grows count where it does, by ${kind}`, async () => {
      const data = first === 0 ? await read([[0, '100'], [1, '100'], [2, '150']], [[0, '1'], [1, '4'], [2, '4']]) : await read([[1, '0'], [2, '50']], [[1, '3'], [2, '0']], {}, query);
      assert.deepEqual(told(data), [['candidate', 50, 50, 3]]);
      assert.equal(data.notes.incomplete, undefined);
    });
  }

  it('good answers that are told late are not taken for bad ones', async () => {
    const data = await read([[0, '100'], [1, '200'], [2, '200']], [[0, '50'], [1, '140'], [2, '150']], {}, undefined, 'good');
    assert.deepEqual(told(data), [['candidate', 100, 100, 0]]);
  });

  it('a minute without any request says nothing', async () => {
    for (const query of [undefined, RANGE]) {
      const data = await read([[1, '100'], [2, query === undefined ? '100' : '0']], [[1, '0'], [2, '0']], {}, query);
      assert.deepEqual([data.notes.messages.filter((message) => message.includes('missing')), data.notes.incomplete], [[], undefined]);
    }
  });

  it('errors whose total is missing are left out, which is said, and nothing is decided', async () => {
    for (const [total, query] of [[[[0, '100'], [1, '200']], undefined], [[[1, '100'], [2, '0']], RANGE]] as const) {
      const data = await read(total, [[0, '0'], [1, '0'], [8, '5']], {}, query);
      assert.deepEqual(told(data), [['candidate', 100, 100, 0]]);
      assert.deepEqual(data.notes.messages, ['Prometheus: the total of errors is missing or no number for a time: left out.']);
      assert.equal(data.notes.incomplete, 'the total of errors is missing or no number for a time');
    }
  });

  it('good events that are not told at all are no failures: left out, which is said, and nothing is decided', async () => {
    for (const query of [undefined, RANGE]) {
      const data = await read([[0, '100'], [1, '200'], [2, '300']], [], {}, query, 'good');
      assert.deepEqual(told(data), []);
      assert.ok(data.notes.messages.includes('Prometheus: the count of good events of errors is missing or no number for a time: left out.'), data.notes.messages.join());
      assert.equal(data.notes.incomplete, 'the count of good events of errors is missing or no number for a time');
      // Errors may never have happened.
      const without = await read([[0, '100'], [1, '200'], [2, '300']], [], {}, query);
      assert.deepEqual([without.windows.map(({ metrics }) => metrics['errors']?.sum).filter((sum) => sum !== 0), without.notes.incomplete], [[], undefined]);
      assert.ok(without.windows.length >= 2);
      // A counter that stands still is told, and all failed.
      const still = await read([[1, '0'], [2, '100']], [[1, '0'], [2, '0']], {}, query, 'good');
      assert.deepEqual([told(still), still.notes.incomplete], [[['candidate', 100, 100, 100]], undefined]);
    }
  });

  it('a window that has not ended, of which not all is told yet, is not missing', async () => {
    const [total, good]: [Samples, Samples] = [[[-109, '0'], [-51, '100'], [9, '200'], [12, '220']], [[-109, '0'], [-51, '90'], [4, '185']]];
    for (const [query, samples] of [['n{arm="$arm"}', [total, good]], [RANGE, [[[-50, '100'], [10, '100']], [[-50, '90'], [10, '95']]]]] as const) {
      const { source } = fakeSource({ guardrails: [{ name: 'errors', bad: 'error' }], window: '1h' }, { lookback: '2h', queries: { errors: { total: query, good: query.replace('arm=', 'good="1",arm=') } } }, (asked) => (asked.includes('candidate') ? [{ labels: {}, samples: samples[asked.includes('good') ? 1 : 0] }] : []));
      const data = await source.read({ now: NOW + 300_000, signal: new AbortController().signal });
      assert.deepEqual(told(data), [['candidate', 100, 100, 10], ['candidate', 100, 100, 5]]);
      assert.deepEqual(data.notes.messages.filter((message) => message.includes('missing')), []);
    }
  });

  it('good answers that are told now too many, now too few, are none too few in all', async () => {
    // As increase() extrapolates; of 100 good answers a window.
    const told20 = Array.from({ length: 10 }, (_, index): Samples[number] => [index + 1, String([120, 80][index % 2])]);
    const data = await read(told20.map(([minute]) => [minute, '100']), told20, {}, RANGE, 'good');
    assert.deepEqual((told(data) as readonly number[][]).map(([, n, , bad]) => [n, bad]), Array.from({ length: 10 }, () => [100, 0]));
    // What is left over is no good answer of a window before.
    const late = await read([[1, '100'], [2, '100'], [3, '100']], [[1, '60'], [2, '130'], [3, '60']], {}, RANGE, 'good');
    assert.deepEqual((told(late) as readonly number[][]).map(([, n, , bad]) => [n, bad]), [[100, 40], [100, 0], [100, 10]]);
  });

  it('a mean whose sum or squares are not told is no 0, but that of a condition may be', async () => {
    const mean = (text: string, known: readonly string[]): Promise<QualityData> => readFake({ guardrails: [{ name: 'latency', mean: text, tolerance: { absolute: 1 } }] }, { queries: { latency: { total: 'n{arm="$arm"}', sum: 'sum_of{arm="$arm"}', squares: 'squares_of{arm="$arm"}' } } }, (asked) => (asked.includes('candidate') && known.some((name) => asked.startsWith(name)) ? [{ labels: {}, samples: [[0, '0'], [1, '100']] }] : []));
    for (const [missing, known] of [['sum', ['n', 'squares_of']], ['sum of squares', ['n', 'sum_of']]] as const) {
      const data = await mean('latency_ms', known);
      assert.deepEqual([data.windows, data.notes.incomplete], [[], `the ${missing} of latency is missing or no number for a time`]);
    }
    assert.deepEqual((await mean('latency_ms', ['n', 'sum_of', 'squares_of'])).windows.map(({ metrics }) => metrics['latency']), [{ n: 100, sum: 100, squares: 100 }]);
    assert.deepEqual((await mean('converted == 1', ['n'])).windows.map(({ metrics }) => metrics['latency']?.sum), [0]);
  });

  it('a process that lacks the bucket of good is not one that always fails, but one without a good answer may be', async () => {
    const counter = (labels: FakeSeries['labels'], ...values: readonly number[]): FakeSeries => ({ labels: { job: 'service', ...labels }, samples: values.map((value, minute): Samples[number] => [minute, String(value)]) });
    const late = (labels: FakeSeries['labels'], value: number): FakeSeries => ({ labels: { job: 'service', ...labels }, samples: [[2, '0'], [3, String(value)]] });
    const data = (total: readonly FakeSeries[], good: readonly FakeSeries[]): Promise<QualityData> => readFake({ guardrails: [{ name: 'errors', bad: 'latency_ms > 80' }] }, { arms: { current: 'nobody' }, queries: { errors: { total: 'all{arm="$arm"}', good: 'good{arm="$arm"}' } } }, (asked) => (asked.includes('nobody') ? [] : asked.startsWith('all') ? total : good));
    const [a, b] = [counter({ instance: 'a' }, 0, 100, 200, 300), late({ instance: 'b' }, 50)];
    const bucket = counter({ instance: 'a', le: '0.08' }, 0, 98, 196, 294);
    const mixed = await data([a, b], [bucket]);
    assert.deepEqual(told(mixed), [['candidate', 100, 100, 2]]);
    assert.deepEqual([mixed.notes.incomplete, mixed.notes.messages], [undefined, ['Prometheus: 1 of the series of the total of errors (candidate; b) have no such bucket as good asks for: windows in which they counted are left out. Let all processes of an arm have the same boundaries.']]);
    assert.deepEqual(told(await data([a, b], [bucket, late({ instance: 'b', le: '0.08' }, 49)])), [['candidate', 100, 100, 2], ['candidate', 100, 100, 2], ['candidate', 150, 150, 3]]);
    // What is made by its first good event is missing where all failed.
    assert.deepEqual(told(await data([a, b], [counter({ instance: 'a' }, 0, 98, 196, 294)])), [['candidate', 100, 100, 2], ['candidate', 100, 100, 2], ['candidate', 150, 150, 52]]);
  });

  it('an arm is last seen when its total last grew, and never later than now', async () => {
    const { source } = fakeSource({ guardrails: [{ name: 'errors', bad: 'error' }], window: '6h' }, { lookback: '12h', queries: { errors: { total: 'n{arm="$arm"}', bad: 'e{arm="$arm"}' } } }, (asked) => [{ labels: {}, samples: Array.from({ length: 300 }, (_, index): Samples[number] => [index - 289, String(asked.startsWith('e{') ? 0 : Math.min(index, asked.includes('candidate') ? 200 : 300))]) }]);
    const { arms } = await source.read({ now: NOW, signal: new AbortController().signal });
    // It last grew at minute 200, and would have been scraped again a minute later.
    assert.deepEqual(arms.map(({ arm, lastSeen }) => [arm, (NOW - lastSeen) / 60_000]), [['candidate', 300 - 201 - 1], ['current', 0]]);
  });

  it('more errors than answers are no part of them: left out, which is said', async () => {
    const data = await read([[0, '0'], [1, '100']], [[0, '0'], [1, '180']]);
    assert.deepEqual([data.windows, data.notes.incomplete, data.notes.messages[0]], [[], undefined, 'Prometheus: more events of errors (candidate) are told than there were in all, so they are no part of total: left out.']);
    // What a server extrapolates may be some too many.
    assert.deepEqual(told(await read([[1, '100']], [[1, '104']], {}, RANGE)), [['candidate', 100, 100, 104]]);
  });

  it('a signal whose squares are not told is left out, which is said, and blinds no guardrail', async () => {
    const data = await readFake({ guardrails: [{ name: 'errors', bad: 'error' }], signals: [{ name: 'latency', mean: 'latency_ms' }] }, { queries: { errors: { total: 'n{arm="$arm"}', bad: 'e{arm="$arm"}' }, latency: { total: 'n{arm="$arm"}', sum: 'sum_of{arm="$arm"}', squares: 'squares_of{arm="$arm"}' } } }, (asked) => (asked.startsWith('squares_of') ? [] : [{ labels: {}, samples: [[0, '0'], [1, '100']] }]));
    assert.deepEqual(data.windows.map(({ metrics }) => Object.keys(metrics).join()), ['errors', 'errors']);
    assert.deepEqual([data.notes.incomplete, data.notes.messages.filter((message) => message.includes('missing'))], [undefined, ['Prometheus: the sum of squares of latency is missing or no number for a time: left out.']]);
  });

  it('a total that was missing long ago blinds nobody for as long as one looks back', async () => {
    const data = await read([[-60, '0'], [1, '200']], [[-100, '1'], [-99, '4'], [1, '6']], {}, undefined, 'bad', '3h');
    assert.deepEqual(data.notes.messages, ['Prometheus: the total of errors is missing or no number for a time: left out.']);
    assert.deepEqual([told(data), data.notes.incomplete], [[['candidate', 200, 200, 2]], undefined]);
  });

  it('a total that is nothing but NaN is no data, not a healthy zero, whatever the errors say', async () => {
    for (const query of [undefined, RANGE]) {
      const data = await read([[0, 'NaN'], [1, 'NaN'], [2, 'NaN']], [[0, '0'], [1, '5'], [2, '9']], {}, query);
      assert.deepEqual([data.windows, data.arms], [[], []]);
      assert.ok(data.notes.messages.some((message) => message.includes('has no data for errors')), data.notes.messages.join('\n'));
      assert.equal(data.notes.incomplete, 'the total of errors is missing or no number for a time');
    }
  });

  it('warnings, infos and a partial answer are passed on once each, and what was told is shown as incomplete', async () => {
    const data = await read([[0, '100'], [1, '200']], [[0, '1'], [1, '3']], { warnings: ['store-1 is down'], infos: ['PromQL info: metric might not be a counter'], isPartial: true });
    assert.deepEqual(told(data), [['candidate', 100, 100, 2]]);
    assert.deepEqual(data.notes.messages, ['Prometheus: store-1 is down', 'Prometheus: the answer is partial', 'Prometheus: PromQL info: metric might not be a counter']);
    assert.equal(data.notes.incomplete, 'store-1 is down');
  });

  it('a remark that says nothing of missing data makes nothing incomplete, wherever an older server puts it', async () => {
    const data = await read([[0, '100'], [1, '200']], [[0, '1'], [1, '3']], { warnings: ['PromQL info: metric might not be a counter'] });
    assert.deepEqual([data.notes.incomplete, data.notes.messages.length], [undefined, 1]);
  });
});
