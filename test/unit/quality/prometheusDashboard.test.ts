import assert from 'node:assert/strict';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { dashboardCsv } from '../../../src/extension/quality/dashboardCsv.ts';
import { dashboardMarkdown, dashboardModel, type DashboardInput } from '../../../src/extension/quality/dashboardModel.ts';
import { toDashboard } from '../../../src/shared/dashboard.ts';
import { NOW, readFake, type FakeSeries } from '../../support/fakePrometheus.ts';

const SECTION = { guardrails: [{ name: 'errors', bad: 'error' }], by: ['features.country'], window: '1min' };

const grown = (labels: FakeSeries['labels'], count: number): FakeSeries => ({ labels, samples: [[0, '0'], [1, String(count)]] });

const QUERIES = { queries: { errors: { total: 'predictions_total{arm="$arm"}', bad: 'errors_total{arm="$arm"}' } } };
const LATENCY = { latency: { buckets: 'latency_seconds_bucket{arm="$arm"}', unit: 's' } };

/** Of 1000 answers of the candidate 600 took 50 ms at most, 980 took 250; current was faster. */
async function input(prometheus: object = { ...QUERIES, ...LATENCY }, hasBuckets = true): Promise<DashboardInput> {
  const data = await readFake(SECTION, prometheus, (asked) => {
    if (asked.includes('_bucket') && !hasBuckets) return [];
    if (asked.includes('predictions_total')) return [grown({ country: 'DE' }, 700), grown({ country: 'FR' }, 300)];
    if (asked.includes('errors_total')) return [grown({ country: 'DE' }, 7)];
    return asked.includes('candidate') ? [grown({ le: '0.05' }, 600), grown({ le: '0.25' }, 980), grown({ le: '+Inf' }, 1000)] : [grown({ le: '0.05' }, 1000), grown({ le: '0.25' }, 1000), grown({ le: '+Inf' }, 1000)];
  });
  const quality = readQuality({ source: { prometheus: { url: 'http://prometheus.test', design_effect: 1, lookback: '10m', ...prometheus } }, ...SECTION }).quality ?? assert.fail();
  const report = compareArms(data, quality, 'production');
  return { model: 'fraud', flag: 'fraud-v2', environment: 'production', definition: quality, data, since: { at: undefined, because: 'exposure' }, report, drift: [], now: NOW, history: undefined, readAt: NOW, failure: undefined };
}

describe('the dashboard of a model that Prometheus tells of', () => {
  it('has latency quantiles with their buckets, none where nothing is known, and slices', async () => {
    const model = dashboardModel(await input());
    assert.deepEqual(toDashboard.parse(JSON.parse(JSON.stringify({ kind: 'model', model }))), { kind: 'model', model });
    const { series, table } = model.latency ?? assert.fail('no latency');
    assert.deepEqual(series.map(({ arm, values }) => [arm, values[0], values[4]]), [['candidate', 50 * (500 / 600), null], ['current', 25, 49.5]]);
    assert.deepEqual(table.rows, [
      ['candidate', '1k', '41.7 (0 to 50)', '129 (50 to 250)', '208 (50 to 250)', '234 (50 to 250)', '> 250', '> 250'],
      ['current', '1k', '25 (0 to 50)', '37.5 (0 to 50)', '45 (0 to 50)', '47.5 (0 to 50)', '49.5 (0 to 50)', '50 (0 to 50)'],
    ]);
    assert.equal(table.title, 'Latency quantiles by arm, ms. Latency quantiles are interpolated within their bucket, in brackets. After >: the last boundary, above which no more is known.');
    assert.deepEqual(model.arms.rows.map((row) => row.slice(5, 8)), [['41.7 (0 to 50)', '234 (50 to 250)', '> 250'], ['25 (0 to 50)', '47.5 (0 to 50)', '49.5 (0 to 50)']]);
    assert.ok(model.summary.some((line) => line.startsWith('Latency quantiles are interpolated within')));
    assert.deepEqual(model.slices?.rows.map(([name, candidate]) => [name, candidate]), [['errors, country = DE', '1 % (0.485 % to 2.05 %), n 700'], ['errors, country = FR', '0 % (0 % to 1.26 %), n 300']]);
    assert.equal(model.scores, undefined);
  });

  it('says truly why there are no scores or latencies', async () => {
    const scores = (who: string): string => `Scores need the records themselves, source: {log: ...}: ${who} tells counts only.`;
    assert.deepEqual(dashboardModel(await input()).undrawn, [scores('Prometheus')]);
    assert.deepEqual(dashboardModel(await input(QUERIES)).undrawn, [scores('Prometheus'), 'Latency needs the buckets of a histogram: source.prometheus has no latency: {buckets: ...}.']);
    assert.deepEqual(dashboardModel(await input({ ...QUERIES, ...LATENCY }, false)).undrawn, [scores('Prometheus'), 'Prometheus has told no answer by latency.buckets in the last 10 min; what it said stands in the tab Source.']);
    const given = await input(QUERIES);
    const exec = { ...given, definition: { ...given.definition, source: { kind: 'exec' as const, command: ['windows'] } } };
    assert.deepEqual(dashboardModel(exec).undrawn, [scores('the command of source.exec'), 'Latency needs the records themselves, source: {log: ...}, or the buckets of a histogram in Prometheus: the command of source.exec tells counts and sums only.']);
  });

  it('is exported with the buckets, and without a number above the last boundary', async () => {
    const given = await input();
    const rows = dashboardCsv(given, dashboardModel(given)).split('\r\n');
    assert.deepEqual(rows.filter((row) => /^arm,p\d+ ms,,candidate/.test(row)), [
      `arm,p50 ms,,candidate,1000,${50 * (500 / 600)},0,50,,,interpolated within the bucket from low to high`,
      `arm,p95 ms,,candidate,1000,${50 + (350 / 380) * 200},50,250,,,interpolated within the bucket from low to high`,
      'arm,p99 ms,,candidate,1000,,250,,,,"above the last boundary, low"',
    ]);
    assert.match(dashboardMarkdown(given), /\| production \| candidate \|.*\| 41\.7 \(0 to 50\) \| 234 \(50 to 250\) \| \\> 250 \|/);
  });
});
