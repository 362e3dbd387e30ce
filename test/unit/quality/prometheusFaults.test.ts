import assert from 'node:assert/strict';
import { openQualitySource } from '../../../src/adapters/quality/open.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';

const NOW = Date.parse('2026-03-02T11:00:00Z');
const at = (minute: number): number => NOW / 1000 - 600 + 60 * minute;
type Samples = readonly (readonly [minute: number, value: string])[];

/** What a server answers that tells these samples of the candidate's total and bad counters; the current arm has nothing. */
async function read(total: Samples, bad: Samples, more: object = {}, query = 'predictions_total{arm="$arm"}'): Promise<QualityData> {
  const { quality, problems } = readQuality({ source: { prometheus: { url: 'http://prometheus.test', design_effect: 1, lookback: '10m', queries: { errors: { total: query, bad: query.replace('predictions', 'errors') } } } }, guardrails: [{ name: 'errors', bad: 'error' }], window: '1min' });
  assert.deepEqual(problems, []);
  const fetchLike = (url: string): Promise<Response> => {
    const asked = new URL(url).searchParams.get('query') ?? '';
    const samples = asked.includes('candidate') ? (asked.includes('errors_total') ? bad : total) : [];
    const result = samples.length === 0 ? [] : [{ metric: {}, values: samples.map(([minute, value]) => [at(minute), value]) }];
    return Promise.resolve(new Response(JSON.stringify({ status: 'success', ...more, data: { resultType: 'matrix', result } }), { headers: { 'content-type': 'application/json' } }));
  };
  const source = openQualitySource(quality!, { folder: '/', flags: ['fraud'], environment: 'production', fetch: fetchLike, credentialsFor: () => ({}) });
  return source.read({ now: NOW, signal: new AbortController().signal });
}

const told = ({ windows }: QualityData): unknown => windows.map(({ arm, requests, metrics }) => [arm, requests, metrics['errors']?.n, metrics['errors']?.sum]);

describe('a Prometheus that tells half of it', () => {
  it('NaN of a counter is never counted: what it grew by shows at the next number', async () => {
    const data = await read([[0, '100'], [1, '200'], [2, 'NaN'], [3, '400'], [4, '+Inf'], [5, '450']], [[0, '1'], [1, 'NaN'], [2, '3'], [3, '5'], [5, '6']]);
    assert.deepEqual(told(data), [['candidate', 100, 100, 0], ['candidate', 200, 200, 2], ['candidate', 50, 50, 1]]);
    assert.ok(data.windows.every(({ metrics }) => Object.values(metrics['errors'] ?? {}).every(Number.isFinite)));
    // Errors of a minute whose total is no number have no rate: they are left out, and that is said.
    assert.ok(data.notes.messages.includes('Prometheus: the total of errors is missing or no number for a time: left out.'), data.notes.messages.join('\n'));
  });

  it('a total that is nothing but NaN is no data, not a healthy zero, whatever the errors say', async () => {
    for (const query of [undefined, 'sum(increase(predictions_total{arm="$arm"}[$range]))']) {
      const data = await read([[0, 'NaN'], [1, 'NaN'], [2, 'NaN']], [[0, '0'], [1, '5'], [2, '9']], {}, query);
      assert.deepEqual([data.windows, data.arms], [[], []]);
      assert.ok(data.notes.messages.some((message) => message.includes('has no data for errors')), data.notes.messages.join('\n'));
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
