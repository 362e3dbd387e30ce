/** A real Prometheus scrapes the sandbox's real service: its windows are those of the service's own prediction log. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { openQualitySource } from '../../src/adapters/quality/open.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import type { QualityData } from '../../src/core/quality/window.ts';
import { startCreditService, type CreditService } from '../support/creditService.ts';
import { eventually } from '../support/eventually.ts';
import { prometheusBinary, startPrometheus, type RunningPrometheus } from '../support/prometheus.ts';

/** By arm: how many answers there were up to some times. */
type Latencies = readonly (readonly [arm: string, counts: readonly number[]])[];

const [WINDOW_MS, PREDICTED] = [15_000, 80];
const [FLAG, SCRAPED_AFTER_MS] = ['credit-risk-v2', 3000];
const QUERIES = {
  errors: { total: `credit_predictions_total{flag="${FLAG}",arm="$arm"}`, bad: `credit_predictions_total{flag="${FLAG}",arm="$arm",outcome="fallback"}` },
  // A boundary of the service's buckets.
  slow: { total: `credit_prediction_seconds_count{flag="${FLAG}",arm="$arm"}`, good: `credit_prediction_seconds_bucket{flag="${FLAG}",arm="$arm",le="0.02"}` },
  latency: { total: `credit_prediction_seconds_count{flag="${FLAG}",arm="$arm"}`, sum: `credit_prediction_seconds_sum{flag="${FLAG}",arm="$arm"}` },
};

describe('Prometheus beside the real service', function () {
  this.timeout(240_000);
  let service: CreditService;
  let prometheus: RunningPrometheus;
  let unscraped: Latencies = [];
  const ending = new AsyncDisposableStack();

  before(async function start() {
    this.timeout(600_000);
    const binary = prometheusBinary();
    if ('reason' in binary) assert.fail(`This test needs Prometheus: ${binary.reason}.`);
    // Half of the candidate's answers fail; all of them take longer than the boundary of a bucket.
    service = await startCreditService({ degrade: { candidate: 0.5 }, delay: { candidate: 25 } });
    ending.defer(() => service.stop());
    // What a process has counted before it was first scraped is of nobody knows when.
    await predict('first');
    await eventually(async () => (await read(log, Date.now())).arms.reduce((sum, { requests }) => sum + requests, 0) === PREDICTED, 30_000);
    unscraped = upTo(await read(log, Date.now()));
    prometheus = await startPrometheus(binary.binary, new URL(service.url).host);
    ending.defer(() => prometheus.stop());
    await eventually(async () => /"candidate".*"current"|"current".*"candidate"/.test(await (await fetch(`${prometheus.url}/api/v1/query?query=credit_predictions_total`)).text()), 30_000);
  });
  after(() => ending.disposeAsync());

  const predict = async (name: string): Promise<void> => {
    const asked = service.applicants.slice(0, PREDICTED).map((applicant, index) => () => service.predict(`${name}-${index}`, applicant));
    for (let at = 0; at < asked.length; at += 8) await Promise.all(asked.slice(at, at + 8).map((ask) => ask()));
  };
  const read = async (source: unknown, now: number): Promise<QualityData> => {
    const { quality, problems } = readQuality({ by: ['model_version'], guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 20' }], signals: [{ name: 'latency', mean: 'latency_ms / 1000' }], window: `${WINDOW_MS / 1000}s`, source });
    // The service's histogram has no sum of squares: its mean is shown and decides nothing.
    assert.deepEqual(problems.filter(({ severity }) => severity === undefined), []);
    const opened = openQualitySource(quality ?? assert.fail(), { folder: service.folder, flags: [FLAG], environment: 'production', fetch: (url, init) => fetch(url, init), credentialsFor: () => ({}) });
    try {
      return await opened.read({ now, signal: AbortSignal.timeout(60_000) });
    } finally {
      opened.dispose();
    }
  };
  const scraped = (arms = {}): unknown => ({ prometheus: { url: prometheus.url, design_effect: 2, lookback: '1h', queries: QUERIES, latency: { buckets: `credit_prediction_seconds_bucket{flag="${FLAG}",arm="$arm"}`, unit: 's' }, arms } });
  const log = { log: 'logs/predictions-*.jsonl' };
  /** By window and arm: how many records, failures, slow answers; seconds in thousandths. */
  const counts = ({ windows }: QualityData, starts: readonly number[]): unknown => windows.filter(({ start, slice }) => starts.includes(start) && slice === undefined).map(({ arm, start, requests, metrics }) => [start, arm, requests, metrics['errors']?.n, metrics['errors']?.sum, metrics['slow']?.n, metrics['slow']?.sum, metrics['latency']?.n, Math.round(20 * (metrics['latency']?.sum ?? 0)) / 20]).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

  /** By window, arm and slice: how many records, failures. Only the counter of predictions has the version that answered as a label. */
  const sliced = ({ windows }: QualityData, starts: readonly number[]): unknown => windows.filter(({ start, slice }) => starts.includes(start) && slice !== undefined).map(({ arm, start, slice, metrics }) => [start, arm, slice, metrics['errors']?.n, metrics['errors']?.sum]).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  /** By arm: how many answers took at most 1, 10 and 100 ms, which are ends of bins in both, and how many there were. */
  const upTo = ({ arms }: QualityData): Latencies => arms.map(({ arm, latency: { edges, counts: bins } }): Latencies[number] => [arm, [1, 10, 100, Number.POSITIVE_INFINITY].map((most) => bins.reduce((sum, count, bin) => ((edges[bin] ?? Number.POSITIVE_INFINITY) <= most ? sum + count : sum), 0))]).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

  it('has the windows of the prediction log, counter by counter and bucket by bucket', async () => {
    const whole: number[] = [];
    // A window counts when all of it was scraped within it.
    for (let burst = 0; whole.length < 2; burst += 1) {
      const start = WINDOW_MS * (Math.floor(Date.now() / WINDOW_MS) + 1);
      await sleep(Math.max(0, start + 1500 - Date.now()));
      await predict(`customer-${burst}`);
      if (Date.now() + SCRAPED_AFTER_MS < start + WINDOW_MS) whole.push(start);
    }
    let [logged, told] = [await read(log, Date.now()), await read(scraped(), Date.now())];
    const all = (data: QualityData): unknown => [counts(data, whole), sliced(data, whole), upTo(data)];
    const sinceScraped = (data: QualityData): unknown => [counts(data, whole), sliced(data, whole), upTo(data).map(([arm, numbers], index) => [arm, numbers.map((count, place) => count - (unscraped[index]?.[1][place] ?? 0))])];
    await eventually(async () => {
      const now = Date.now();
      [logged, told] = [await read(log, now), await read(scraped(), now)];
      return JSON.stringify(all(told)) === JSON.stringify(sinceScraped(logged));
    }, 30_000).catch(() => undefined);
    assert.deepEqual(all(told), sinceScraped(logged));
    assert.deepEqual([...new Set(told.windows.flatMap(({ slice }) => slice ?? []))].sort(), ['model_version = 13', 'model_version = 14']);
    // Current has not failed yet: the service counts that from 0 on.
    assert.deepEqual(told.notes.messages, ['Prometheus: no slices by model_version of slow, latency (candidate, current): the series have no label model_version. An expression keeps it by sum by (model_version) (...).']);
    assert.ok(told.arms.every(({ latency }) => latency.edges.join() === '0.5,1,2,5,10,20,50,100,250' && latency.counts.some((count) => count > 0)), JSON.stringify(told.arms));
    const rows = counts(logged, whole) as [number, string, number, number, number, number, number][];
    assert.deepEqual([...new Set(rows.map(([, arm]) => arm))].sort(), ['candidate', 'current']);
    for (const [, arm, requests, n, errors, , slow] of rows) assert.ok(n === requests && (arm === 'candidate' ? errors > 0 && slow === requests : errors === 0), JSON.stringify(rows));
  });

  it('tells an arm without data as none, and says so when no arm has any', async () => {
    const one = await read(scraped({ candidate: 'nobody' }), Date.now());
    assert.deepEqual(one.arms.map(({ arm }) => arm), ['current']);
    const none = await read(scraped({ candidate: 'nobody', current: 'no "one" \\' }), Date.now());
    assert.deepEqual([none.arms, none.notes.messages], [[], ['Prometheus has no data for errors.', 'Prometheus has no data for slow.', 'Prometheus has no data for latency.']]);
  });
});
