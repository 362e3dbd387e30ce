import assert from 'node:assert/strict';
import { openQualitySource } from '../../../src/adapters/quality/open.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { NOW, fakeSource, type FakeSeries, type FakeSource, type Samples } from '../../support/fakePrometheus.ts';

const GUARDED = { guardrails: [{ name: 'errors', bad: 'error' }], by: ['country'] };
const HOUR = 60;
const DAY = 24 * HOUR;
const MINUTE_MS = 60_000;
const SELECTORS = { total: 'p{arm="$arm"}', bad: 'p{arm="$arm",outcome="error"}' };
const EXPRESSIONS = { total: 'sum by (country) (increase(p{arm="$arm"}[$range]))', bad: 'sum by (country) (increase(p{arm="$arm",outcome="error"}[$range]))' };
const LATENCY = { buckets: 'b_bucket{arm="$arm"}', unit: 's' };

/** A sample every so many minutes, up to now; of an expression: what came since the one before. */
function grown(labels: FakeSeries['labels'], each: number, [minutes, every]: readonly [number, number], isExpression: boolean): FakeSeries {
  const count = minutes / every;
  return { labels, samples: Array.from({ length: count }, (_, index): Samples[number] => [10 - every * (count - 1 - index), String(isExpression ? each : 1000 + each * index)]) };
}

const answers = (...minutes: readonly [number, number]) => (query: string): readonly FakeSeries[] => {
  const isExpression = query.includes('increase');
  if (query.includes('b_bucket')) return [grown({ le: '0.1', instance: 'a' }, 8, minutes, false), grown({ le: '+Inf', instance: 'a' }, 10, minutes, false)];
  const error = grown({ instance: 'a', country: 'DE', outcome: 'error' }, 1, minutes, isExpression);
  return query.includes('outcome') ? [error] : [error, grown({ instance: 'a', country: 'FR', outcome: 'ok' }, 9, minutes, isExpression)];
};

const source = (queries: object, minutes: number, { lookback = '2h', every = 1, more = undefined as Parameters<typeof fakeSource>[3] } = {}): FakeSource => fakeSource({ ...GUARDED, window: `${every}min` }, { queries: { errors: queries }, latency: LATENCY, lookback }, answers(minutes, every), more);
const read = (of: FakeSource, at: number, since?: number, from?: number): Promise<QualityData> => of.source.read({ now: NOW + at * MINUTE_MS, ...(since === undefined ? {} : { since: NOW + since * MINUTE_MS }), ...(from === undefined ? {} : { from: NOW + from * MINUTE_MS }), signal: new AbortController().signal });
const whole = ({ windows }: QualityData): QualityData['windows'] => windows.filter(({ slice, arm }) => slice === undefined && arm === 'candidate');
const totals = (data: QualityData): readonly number[] => ['n', 'sum'].map((key) => whole(data).reduce((sum, { metrics }) => sum + (metrics['errors']?.[key as 'n' | 'sum'] ?? 0), 0));
/** How many minutes before NOW the questions reach. */
const reach = (asked: readonly URLSearchParams[]): number => Math.max(...asked.map((query) => (NOW / 1000 - (query.has('start') ? Number(query.get('start')) : Number(query.get('time')) - Number(/\[(\d+)s\]/.exec(query.get('query') ?? '')?.[1]))) / 60));

for (const [words, queries] of [['by selectors', SELECTORS], ['by expressions', EXPRESSIONS]] as const) {
  describe(`what is read of a Prometheus one time after another, ${words}`, () => {
    it('is what one read tells, and only what is new is asked for', async () => {
      const followed = source(queries, 5 * HOUR);
      for (const at of [-60, -45, -44, -20, -3]) await read(followed, at);
      followed.asked.length = 0;
      const [after, anew] = [await read(followed, 0), await read(source(queries, 5 * HOUR), 0)];
      assert.deepEqual([after.windows, after.arms, after.notes], [anew.windows, anew.arms, anew.notes]);
      assert.deepEqual([totals(anew), new Set(anew.windows.map(({ slice }) => slice)).size], [[1200, 120], 3]);
      assert.ok(reach(followed.asked) <= 15, `asked for ${reach(followed.asked)} min`);
    });

    it('has what came to the server late, too', async () => {
      let late = 0;
      const followed = fakeSource({ ...GUARDED, window: '1min' }, { queries: { errors: queries }, latency: LATENCY, lookback: '2h' }, (query) => answers(5 * HOUR, 1)(query).map(({ labels, samples }) => ({ labels, samples: samples.filter(([minute]) => minute <= 10 - late) })));
      late = 5;
      await read(followed, -1);
      late = 0;
      assert.deepEqual((await read(followed, 0)).windows, (await read(source(queries, 5 * HOUR), 0)).windows);
    });

    it('reaches back to when evidence began, but for slices and latency', async () => {
      const data = await read(source(queries, 5 * HOUR), 0, -4 * HOUR);
      assert.deepEqual(totals(data), [2400, 240]);
      const [candidate] = data.arms;
      assert.equal(candidate?.latency.counts.reduce((sum, count) => sum + count, 0), 1200);
      const sliced = data.windows.filter(({ arm, slice }) => arm === 'candidate' && slice === 'country = FR').reduce((sum, { requests }) => sum + requests, 0);
      assert.equal(sliced, 120 * 9);
      // Evidence that began within lookback cuts nothing.
      assert.deepEqual((await read(source(queries, 5 * HOUR), 0, -5)).windows, (await read(source(queries, 5 * HOUR), 0)).windows);
    });

    it('reaches back further where members had it alone before, as far as it did when evidence began', async () => {
      for (const [from, minutes] of [[-3.5 * HOUR, 3.5 * HOUR], [-4.5 * HOUR, 4 * HOUR], [Number.NEGATIVE_INFINITY, 4 * HOUR]] as const) {
        assert.deepEqual(totals(await read(source(queries, 5 * HOUR), 0, -2 * HOUR, from)), [10 * minutes, minutes]);
      }
      assert.deepEqual(totals(await read(source(queries, 5 * HOUR), 0, -3 * HOUR)), [10 * 3 * HOUR, 3 * HOUR]);
    });

    it('is read anew where evidence began before what is known', async () => {
      const followed = source(queries, 5 * HOUR);
      await read(followed, -30);
      assert.deepEqual((await read(followed, 0, -4 * HOUR)).windows, (await read(source(queries, 5 * HOUR), 0, -4 * HOUR)).windows);
      // So it stays when Unleash does not tell for once.
      assert.deepEqual(totals(await read(followed, 1)), [2400, 240]);
    });

    it('of evidence from before thirty days it says so', async () => {
      const hourly = (lookback: string): FakeSource => source(queries, 40 * DAY, { lookback, every: HOUR });
      const data = await read(hourly('2h'), 0, -35 * DAY);
      assert.equal(totals(data)[0], 10 * 30 * 24);
      assert.deepEqual(data.notes.messages, ['Prometheus: evidence began 2026-01-26 11:00:00 UTC, of which the last 30 d are read: more by lookback of source.prometheus.']);
      const all = await read(hourly('36d'), 0, -35 * DAY);
      assert.deepEqual([totals(all)[0], all.notes.messages], [10 * 36 * 24, []]);
    });

    it('is all there where the clock was ahead for a time, or once', async () => {
      for (const ahead of [[12, 12, 12, 12, 12], [0, 120, 0, 0, 0]]) {
        let truth = -60;
        const followed = fakeSource({ ...GUARDED, window: '1min' }, { queries: { errors: queries }, latency: LATENCY, lookback: '2h' }, (query) => answers(5 * HOUR, 1)(query).map(({ labels, samples }) => ({ labels, samples: samples.filter(([minute]) => minute <= 10 + truth) })));
        for (const [index, minutes] of ahead.entries()) {
          truth = -60 + 12 * index;
          await read(followed, truth + minutes);
        }
        truth = 0;
        assert.deepEqual(totals(await read(followed, 0)), [1200, 120], ahead.join());
      }
    });

    it('where a part of the past was missing it is asked for again', async () => {
      let isWhole = false;
      const followed = source(queries, 5 * HOUR, { more: () => (isWhole ? {} : { warnings: ['store-1 is down'] }) });
      assert.equal((await read(followed, -1)).notes.incomplete, 'store-1 is down');
      isWhole = true;
      followed.asked.length = 0;
      const data = await read(followed, 0);
      assert.deepEqual([data.notes.incomplete, reach(followed.asked) >= 119], [undefined, true]);
      assert.deepEqual(data.windows, (await read(source(queries, 5 * HOUR), 0)).windows);
    });
  });
}

describe('the first value of a series of a Prometheus that is read from later on than others of its process', () => {
  // Between the starts of windows, so that the first sample is within the first window.
  const halfway = (query: string): readonly FakeSeries[] => answers(5 * HOUR, 1)(query).map(({ labels, samples }) => ({ labels, samples: samples.map(([minute, value]): Samples[number] => [minute - 0.5, value]) }));
  const opened = (more?: Parameters<typeof fakeSource>[3]): FakeSource => fakeSource({ ...GUARDED, window: '1min' }, { queries: { errors: SELECTORS }, latency: LATENCY, lookback: '2h' }, halfway, more);

  it('is not what it counted since then, where its query failed when the others were read', async () => {
    let isDown = true;
    const followed = opened((asked) => (isDown && asked.get('query')?.startsWith('p{arm="candidate",outcome') === true ? assert.fail('down') : {}));
    await assert.rejects(read(followed, -5));
    isDown = false;
    // Of the total what came before the first sample is known, too.
    assert.deepEqual([totals(await read(followed, 0)), totals(await read(opened(), 0))], [[1200, 119], [1190, 119]]);
  });

  it('is not what it counted since then, where only some are read back to when evidence began', async () => {
    const data = await read(opened(), 0, -4 * HOUR);
    assert.deepEqual([totals(data)[0], data.arms[0]?.latency.counts], [2390, [119 * 8, 119 * 2]]);
  });

  it('still counts where it is new', async () => {
    const data = await read(fakeSource({ ...GUARDED, window: '1min' }, { queries: { errors: SELECTORS }, latency: LATENCY, lookback: '2h' }, (query) => halfway(query).map(({ labels, samples }) => (query.includes('b_bucket') ? { labels, samples: samples.slice(-100).map(([minute], index): Samples[number] => [minute, labels['le'] === '+Inf' ? String(5 + index) : '0']) } : { labels, samples }))), 0, -4 * HOUR);
    assert.deepEqual(data.arms[0]?.latency.counts, [0, 5 + 99]);
  });
});

describe('a question to a Prometheus', () => {
  it('is asked once, however many metrics it is a part of', async () => {
    const followed = fakeSource({ guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80' }] }, { queries: { errors: SELECTORS, slow: { total: SELECTORS.total, bad: 'slow{arm="$arm"}' } } }, answers(HOUR, 1));
    const data = await read(followed, 0);
    const queries = followed.asked.map((query) => `${query.get('query') ?? ''} ${query.get('time') ?? ''}`);
    assert.equal(queries.length, new Set(queries).size);
    assert.deepEqual(whole(data).map(({ metrics }) => Object.keys(metrics).join()).filter((keys) => keys !== 'errors,slow'), []);
  });

  it('has no comments, behind which nothing could be put', async () => {
    const followed = source({ total: 'p{arm="$arm"} # all', bad: '# those that\np{arm="$arm",outcome="error"} # failed' }, 5 * HOUR);
    assert.deepEqual((await read(followed, 0)).windows, (await read(source(SELECTORS, 5 * HOUR), 0)).windows);
    assert.deepEqual(followed.asked.filter((asked) => asked.get('query')?.includes('#') === true), []);
  });

  it('is about windows that have ended, where those are long', async () => {
    for (const at of [5, 9, 11, 30, 59]) {
      const data = await read(source(EXPRESSIONS, 5 * HOUR, { every: HOUR }), at);
      assert.equal(whole(data).at(-1)?.end, NOW, `${at} min later`);
    }
  });

  it('is about less time where the server counts too many samples, or its answer is too large', async () => {
    for (const refusal of [() => Response.json({ status: 'error', data: null, error: 'query processing would load too many samples into memory in query execution' }, { status: 422 }), () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 22)) }))]) {
      let refused = 0;
      const followed = fakeSource({ ...GUARDED, window: '1min' }, { queries: { errors: SELECTORS }, lookback: '4h' }, answers(5 * HOUR, 1), undefined, (asked) => (Number(/\[(\d+)s\]$/.exec(asked.get('query') ?? '')?.[1]) <= 1800 ? undefined : (refused += 1, refusal())));
      assert.deepEqual(totals(await read(followed, 0)), [2400, 240]);
      // Once for each of the queries, down from an hour.
      assert.ok(refused <= 8, String(refused));
      refused = 0;
      assert.deepEqual([totals(await read(followed, 0)), refused], [[2400, 240], 0]);
    }
    const never = fakeSource({ ...GUARDED, window: '1min' }, { queries: { errors: SELECTORS } }, () => [], undefined, () => Response.json({ status: 'error', data: null, error: 'too many samples' }, { status: 422 }));
    await assert.rejects(read(never, 0), /refuses the query p\{arm="candidate"\}.*: too many samples$/);
    assert.ok(never.asked.length < 10, String(never.asked.length));
  });

  it('for raw samples is about less time where there are many', async () => {
    const many = Array.from({ length: 100 }, (_, instance) => ({ labels: { instance: String(instance) }, samples: Array.from({ length: 8 * HOUR * 4 }, (__, index): Samples[number] => [10 - index / 4, String(100_000 - index)]).reverse() }));
    const followed = fakeSource({ guardrails: [{ name: 'errors', bad: 'error' }] }, { queries: { errors: { total: 'p{arm="$arm"}', bad: 'errors{arm="$arm"}' } }, arms: { current: 'nobody' }, lookback: '8h' }, (query) => (query.includes('nobody') || query.startsWith('errors') ? [] : many));
    const data = await read(followed, 0);
    assert.equal(totals(data)[0], 100 * (8 * HOUR * 4 - 1));
    const spans = followed.asked.filter((query) => query.get('query')?.startsWith('p{arm="candidate"') === true).map((query) => Number(/\[(\d+)s\]/.exec(query.get('query') ?? '')?.[1]));
    // 100 series, four samples a minute.
    assert.ok(Math.max(...spans) * 100 * 4 / 60 <= 60_000, spans.join());
  });

  it('that tells no counts is not asked, whatever became of the problem of the file', async () => {
    const { quality, problems } = readQuality({ ...GUARDED, source: { prometheus: { url: 'http://prometheus.test', design_effect: 1, queries: { errors: { total: 'sum(p{arm="$arm"})', bad: 'e{arm="$arm"}' } } } } });
    assert.equal(problems.length, 1);
    const opened = openQualitySource(quality ?? assert.fail(), { folder: '/', flags: ['fraud'], environment: 'production', fetch: () => assert.fail('it was asked'), credentialsFor: () => ({}) });
    await assert.rejects(opened.read({ now: NOW, signal: new AbortController().signal }), /^AppError: Prometheus is not asked: sum\(p\{arm="candidate"\}\) is no plain selector and has no \[\$range\]/);
  });
});
