import assert from 'node:assert/strict';
import { histogramQuantile } from '../../../src/core/quality/histogram.ts';
import { blocksText, quantileWords, statusBlocks } from '../../../src/core/quality/reportText.ts';
import { dataSince } from '../../../src/core/quality/since.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { NOW, readFake, type FakeSeries, type Samples } from '../../support/fakePrometheus.ts';

const BUCKETS = 'latency_seconds_bucket{arm="$arm"}';
const GUARDED = { guardrails: [{ name: 'errors', bad: 'error' }] };

/** The buckets of one process: for each boundary what it held, minute by minute from the first on. */
function process(instance: string, held: Readonly<Record<string, readonly (number | string)[]>>, first = 0): FakeSeries[] {
  return Object.entries(held).map(([le, values]) => ({ labels: { instance, le }, samples: values.map((value, index): Samples[number] => [first + index, String(value)]) }));
}

/** What is told of the candidate, who answered 100 in the first minute; the current version has no buckets. */
function read(series: readonly FakeSeries[], { buckets = BUCKETS, unit = 's', more = {} } = {}): Promise<QualityData> {
  return readFake(GUARDED, { queries: { errors: { total: 'predictions_total{arm="$arm"}', bad: 'errors_total{arm="$arm"}' } }, latency: { buckets, unit } }, (asked) => {
    if (asked.includes('predictions_total')) return [{ labels: {}, samples: [[0, '0'], [1, '100']] }];
    if (asked.includes('errors_total')) return [{ labels: {}, samples: [[0, '0'], [1, '0']] }];
    return asked.includes('candidate') ? series : [];
  }, more);
}

const latencyOf = ({ arms }: QualityData): unknown => { const { edges = [], counts = [] } = arms.find(({ arm }) => arm === 'candidate')?.latency ?? {}; return [edges, counts]; };

describe('latency by the buckets of a Prometheus', () => {
  it('counts what each bucket holds alone, in milliseconds', async () => {
    const data = await read(process('a', { '0.05': [5, 65], '0.1': [5, 95], '0.25': [9, 103], '+Inf': [9, 109] }));
    assert.deepEqual(latencyOf(data), [[50, 100, 250], [60, 30, 4, 6]]);
    assert.deepEqual(data.arms.map(({ arm, latency }) => [arm, latency.counts.length]), [['candidate', 4], ['current', 0]]);
    assert.deepEqual([data.notes.messages, data.notes.incomplete], [[], undefined]);
    const inMs = await read(process('a', { 50: [0, 60], '+Inf': [0, 90] }), { unit: 'ms' });
    assert.deepEqual(latencyOf(inMs), [[50], [60, 30]]);
  });

  it('goes on counting where a process starts anew, and adds those of several', async () => {
    const data = await read([...process('a', { '0.1': [40, 60, 10, 20], '+Inf': [50, 80, 20, 35] }), ...process('b', { '0.1': [7], '+Inf': [9] }, 3)]);
    // a: 20 and 30, then from 0: 20 and 35. How long b had been counting when it was first scraped nobody knows.
    assert.deepEqual(latencyOf(data), [[100], [40, 25]]);
  });

  it('a number that is none is never counted, and what one bucket lacks shows in the next', async () => {
    const data = await read(process('a', { '0.05': [0, 'NaN', 60], '0.1': [0, 20, 'NaN'], '+Inf': [0, '+Inf', 80] }));
    assert.deepEqual(latencyOf(data), [[50, 100], [60, 0, 20]]);
  });

  it('takes what the server sums by le, window by window', async () => {
    const data = await read([{ labels: { le: '0.1' }, samples: [[1, '30'], [2, '12'], [3, 'NaN']] }, { labels: { le: '+Inf' }, samples: [[1, '40'], [2, '15'], [3, 'NaN']] }], { buckets: 'sum by (le) (increase(latency_seconds_bucket{arm="$arm"}[$range]))' });
    assert.deepEqual(latencyOf(data), [[100], [42, 13]]);
  });

  it('is known of a part of the time, too, and fractions are not lost', async () => {
    const data = await read(process('a', { '0.1': [0, 10, 30, 30], '+Inf': [0, 10, 45, 47] }));
    const since = (minute: number): unknown => latencyOf(dataSince(data, NOW - 600_000 + 60_000 * minute));
    assert.deepEqual([latencyOf(data), since(0), since(1), since(2), since(3)], [[[100], [30, 17]], [[100], [30, 17]], [[100], [20, 17]], [[100], [0, 2]], [[100], [0, 0]]]);
    const tenths = (each: string): Samples => Array.from({ length: 10 }, (_, minute) => [minute + 1, each]);
    const fractions = await read([{ labels: { le: '0.1' }, samples: tenths('0.3') }, { labels: { le: '+Inf' }, samples: tenths('0.7') }], { buckets: 'sum by (le) (increase(latency_seconds_bucket{arm="$arm"}[$range]))' });
    assert.deepEqual(latencyOf(fractions), [[100], [3, 4]]);
  });

  it('goes by the boundaries that all have, and says so', async () => {
    const data = await read([...process('a', { '0.05': [0, 5], '0.1': [0, 10], '0.2': [0, 20], '+Inf': [0, 30] }), ...process('b', { '0.1': [0, 100], '0.25': [0, 200], '+Inf': [0, 300] }), ...process('idle', { '7': [3, 3], '+Inf': [3, 3] })]);
    assert.deepEqual(latencyOf(data), [[100], [110, 220]]);
    assert.deepEqual(data.notes.messages, ['Prometheus: the series of latency.buckets have different boundaries: quantiles go by the 1 that all of them have.']);
    const none = await read([...process('a', { '0.05': [0, 5], '+Inf': [0, 30] }), ...process('b', { '0.1': [0, 100], '+Inf': [0, 300] })]);
    assert.deepEqual([latencyOf(none), none.notes.messages], [[[], []], ['Prometheus: the series of latency.buckets have different boundaries: quantiles go by the 0 that all of them have.']]);
  });

  it('leaves out what is no bucket of a classic histogram, and says so', async () => {
    const data = await read([{ labels: { instance: 'a' }, samples: [[0, '0'], [1, '5']] }, ...process('b', { '0.1': [0, 8] }), ...process('c', { 'soon': [0, 8] })]);
    assert.deepEqual(latencyOf(data), [[], []]);
    assert.deepEqual(data.notes.messages, [
      'Prometheus: series of latency.buckets have no label le, so they are left out: it must name the _bucket series of a classic histogram.',
      'Prometheus: series of latency.buckets have no bucket le="+Inf", so they are left out: it must name all buckets.',
    ]);
    assert.equal(data.notes.incomplete, undefined);
  });

  it('a part of the buckets is shown as a part', async () => {
    const data = await read(process('a', { '0.1': [0, 8], '+Inf': [0, 9] }), { more: { warnings: ['store-1 is down'] } });
    assert.deepEqual([latencyOf(data), data.notes.incomplete], [[[100], [8, 1]], 'store-1 is down']);
  });
});

describe('a quantile of a histogram', () => {
  const WIDE = { edges: [50, 100, 250], counts: [60, 30, 4, 6] };

  it('is interpolated within its bin, as histogram_quantile does', () => {
    assert.deepEqual(histogramQuantile(WIDE, 0.3), { value: 25, low: 0, high: 50 });
    assert.deepEqual(histogramQuantile(WIDE, 0.75), { value: 75, low: 50, high: 100 });
    assert.deepEqual(histogramQuantile({ edges: [-1, 1], counts: [1, 0, 0] }, 0.5), { value: -1, low: -1, high: -1 });
    assert.equal(histogramQuantile({ edges: [1], counts: [0, 0] }, 0.5), undefined);
  });

  it('above the last boundary is no number', () => {
    assert.deepEqual(histogramQuantile(WIDE, 0.95), { value: Number.NaN, low: 250, high: Number.POSITIVE_INFINITY });
  });

  it('is shown with its bucket where that is wide', () => {
    assert.deepEqual([0.3, 0.75, 0.94, 0.95].map((q) => quantileWords(WIDE, q)), ['25 (0 to 50)', '75 (50 to 100)', '250 (100 to 250)', '> 250']);
    assert.equal(quantileWords({ edges: [79.4, 100], counts: [0, 10, 0] }, 0.5), '89.7');
    assert.equal(quantileWords({ edges: [], counts: [] }, 0.5), '-');
  });

  it('stands in the report of each arm, with what the words mean', async () => {
    const data = await read(process('a', { '0.05': [5, 65], '0.1': [5, 95], '0.25': [9, 103], '+Inf': [9, 109] }));
    const text = blocksText(statusBlocks(data, NOW), false);
    assert.match(text, /candidate +100 +- +[^ ].* 41\.7 \(0 to 50\) +> 250 +> 250 /);
    assert.match(text, /current +100 +- +[^ ].* - +- +- /);
    assert.match(text, /^Latency quantiles are interpolated within their bucket, in brackets\.$/m);
    assert.match(text, /^After >: the last boundary, above which no more is known\.$/m);
  });
});
