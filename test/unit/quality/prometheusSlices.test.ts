import assert from 'node:assert/strict';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { readFake, type FakeSeries, type Samples } from '../../support/fakePrometheus.ts';

const GUARDED = { guardrails: [{ name: 'errors', bad: 'error' }], by: ['features.country'] };
const QUERIES: Readonly<Record<string, object>> = { errors: { total: 'predictions_total{arm="$arm"}', bad: 'errors_total{arm="$arm"}' } };

const grown = (labels: FakeSeries['labels'], ...values: readonly (number | string)[]): FakeSeries => ({ labels, samples: values.map((value, minute): Samples[number] => [minute, String(value)]) });

/** What is told where both arms have the same series. */
function read(total: readonly FakeSeries[], bad: readonly FakeSeries[], { quality = GUARDED, prometheus = { queries: QUERIES } }: { readonly quality?: object; readonly prometheus?: object } = {}): Promise<QualityData> {
  return readFake(quality, prometheus, (asked) => (asked.includes('errors_total') ? bad : total));
}

/** The candidate's: slice, requests, n, bad. */
const told = ({ windows }: QualityData): unknown => windows.filter(({ arm }) => arm === 'candidate').map(({ slice = 'all', requests, metrics }) => [slice, requests, metrics['errors']?.n, metrics['errors']?.sum]).sort();

describe('slices by the labels of a Prometheus', () => {
  it('are the values of the label, and all of them together is the whole', async () => {
    const data = await read([
      grown({ country: 'DE', outcome: 'ok' }, 10, 90), grown({ country: 'DE', outcome: 'error' }, 0, 4), grown({ country: 'FR', outcome: 'ok' }, 5, 25), grown({ outcome: 'ok' }, 0, 7),
    ], [grown({ country: 'DE' }, 0, 4)]);
    // A series without a country is in no slice.
    assert.deepEqual(told(data), [['all', 111, 111, 4], ['country = DE', 84, 84, 4], ['country = FR', 20, 20, 0]]);
    assert.deepEqual(data.arms.map(({ arm, requests }) => [arm, requests]), [['candidate', 111], ['current', 111]]);
    assert.deepEqual([data.notes.messages, data.notes.incomplete], [[], undefined]);
  });

  it('are counted once where two entries have the same', async () => {
    const data = await read([grown({ country: 'DE' }, 0, 84)], [], { quality: { ...GUARDED, by: ['country', 'features.country'] } });
    assert.deepEqual(told(data), [['all', 84, 84, 0], ['country = DE', 84, 84, 0]]);
  });

  it('go on counting where a process starts anew', async () => {
    const data = await read([grown({ country: 'DE', instance: 'a' }, 100, 130, 20), grown({ country: 'DE', instance: 'b' }, 0, 1, 'NaN', 6)], [grown({ country: 'DE' }, 0, 0, 3)]);
    assert.deepEqual(told(data), [['all', 20, 20, 3], ['all', 31, 31, 0], ['all', 5, 5, 0], ['country = DE', 20, 20, 3], ['country = DE', 31, 31, 0], ['country = DE', 5, 5, 0]]);
  });

  it('take the label that is named, and an expression that keeps it', async () => {
    const series = [grown({ region_code: 'eu' }, 0, 12), grown({ region_code: 'us' }, 0, 30)];
    const queries = { errors: { total: 'sum by (region_code) (increase(predictions_total{arm="$arm"}[$range]))', bad: 'sum by (region_code) (increase(errors_total{arm="$arm"}[$range]))' } };
    const data = await read(series, [], { quality: { ...GUARDED, by: ['lower(features.region)'] }, prometheus: { queries, slices: { 'lower(features.region)': 'region_code' } } });
    assert.deepEqual(told(data), [['all', 42, 42, 0], ['lower(features.region) = eu', 12, 12, 0], ['lower(features.region) = us', 30, 30, 0]]);
  });

  it('are not told where series have no such label, which is said and fails nothing', async () => {
    const total = [grown({ country: 'DE' }, 0, 50)];
    const data = await read(total, [grown({}, 0, 5)]);
    assert.deepEqual(told(data), [['all', 50, 50, 5]]);
    assert.deepEqual(data.notes.messages, ['Prometheus: no slices by features.country of errors (candidate, current): the series have no label country. An expression keeps it by sum by (country) (...).']);
    assert.equal(data.notes.incomplete, undefined);
    // No error yet is no series without a label.
    assert.deepEqual(told(await read(total, [])), [['all', 50, 50, 0], ['country = DE', 50, 50, 0]]);
  });

  it('errors whose total is missing in a slice are left out there, and the whole goes on', async () => {
    const late = { labels: { country: 'FR' }, samples: [[1, '0'], [8, '2']] as const };
    const data = await read([grown({ country: 'DE' }, 0, 80, 80, 80, 80, 80, 80, 80, 80), grown({ country: 'FR' }, 0, 10)], [late, grown({ country: 'DE' }, 0, 1)]);
    assert.deepEqual(told(data), [['all', 90, 90, 3], ['country = DE', 80, 80, 1], ['country = FR', 10, 10, 0]]);
    assert.deepEqual([data.notes.messages, data.notes.incomplete], [['Prometheus: the total of errors is missing or no number for a time where country = FR: left out.'], undefined]);
  });

  it('are the 50 with the most observations, the same for all metrics, and how many others there are is said', async () => {
    const cities = Array.from({ length: 70 }, (_, city) => grown({ city: `c${String(city).padStart(2, '0')}` }, 0, 10 + city));
    const data = await read(cities, cities.map(({ labels }) => grown(labels, 0, 0)), { quality: { guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80' }], by: ['city'] }, prometheus: { queries: { ...QUERIES, slow: { total: 'predictions_total{arm="$arm"}', bad: 'errors_total{arm="$arm"}' } } } });
    const slices = data.windows.flatMap(({ arm, slice, metrics }) => (slice === undefined || arm !== 'candidate' ? [] : [[slice, Object.keys(metrics).join()]])).sort();
    assert.deepEqual(slices, Array.from({ length: 50 }, (_, index) => [`city = c${20 + index}`, 'errors,slow']));
    assert.deepEqual(data.notes.messages, ['Prometheus: the 50 slices with the most observations are counted, 20 others are left out.']);
    assert.equal(data.arms.find(({ arm }) => arm === 'candidate')?.requests, 70 * 10 + (69 * 70) / 2);
  });

  it('are compared as those of a log are', async () => {
    const data = await read([grown({ country: 'DE' }, 0, 5000)], [grown({ country: 'DE' }, 0, 50)]);
    const { quality } = readQuality(GUARDED);
    const { slices } = compareArms(data, quality ?? assert.fail(), 'production');
    assert.deepEqual(slices.map(({ name, slice, candidate, current }) => [name, slice, candidate.n, candidate.value, current.n]), [['errors', 'country = DE', 5000, 0.01, 5000]]);
  });

  it('need a label for what is no name, and an entry for a label that is named', () => {
    const problems = (by: readonly string[], slices: object): unknown => readQuality({ ...GUARDED, by, source: { prometheus: { url: 'http://prometheus.test', design_effect: 1, queries: QUERIES, slices } } }).problems;
    assert.deepEqual(problems(['features.age > 60'], {}), [{ path: ['by', 0], message: 'features.age > 60 is no name that a label can have: say which label has its values, as slices: {"features.age > 60": label} of source.prometheus' }]);
    assert.deepEqual(problems(['features.age > 60', 'country'], { 'features.age > 60': 'senior' }), []);
    assert.deepEqual(problems(['country'], { contry: 'country' }), [{ path: ['source', 'prometheus', 'slices', 'contry'], message: 'by has no entry contry, whose label this would be' }]);
  });
});
