import assert from 'node:assert/strict';
import { Scrapes, type Presence } from '../../../src/adapters/prometheus/scrapes.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { NOW, readFake, type FakeSeries, type Samples } from '../../support/fakePrometheus.ts';

const GUARDED = { guardrails: [{ name: 'errors', bad: 'error' }], window: '5min' };
const QUERIES = { errors: { total: 'p{arm="$arm"}', bad: 'p{arm="$arm",outcome="error"}' } };
const LIVES = 120;

/** Values by seconds since two hours ago. */
function series(labels: FakeSeries['labels'], values: readonly (readonly [second: number, value: number])[]): FakeSeries {
  return { labels: { __name__: 'p', job: 'service', ...labels }, samples: values.map(([second, value]): Samples[number] => [10 - 120 + second / 60, String(value)]) };
}

/** A process that is gone after each minute, scraped every 15 s; its counter of errors is made by the first of them, 20 s after it began. */
function crashing(errors: (life: number) => number): readonly FakeSeries[] {
  const lives = Array.from({ length: LIVES }, (_, life) => life);
  const at = (life: number, seconds: readonly number[], value: (second: number) => number): (readonly [number, number])[] => seconds.map((second) => [60 * life + second, value(second)]);
  return [
    series({ arm: 'candidate', instance: 'a' }, lives.flatMap((life) => at(life, [5, 20, 35], (second) => 10 * second))),
    series({ arm: 'candidate', instance: 'a', outcome: 'error' }, lives.flatMap((life) => at(life, [20, 35], () => errors(life)))),
  ];
}

const steady = (errors: number): readonly FakeSeries[] => [[{}, 10], [{ outcome: 'error' }, 10 * errors]].map(([labels, rate]) => series({ arm: 'current', instance: 'b', ...(labels as object) }, Array.from({ length: 480 }, (_, index) => [15 * index, Math.floor(15 * index * (rate as number))])));

function read(all: readonly FakeSeries[]): Promise<QualityData> {
  return readFake(GUARDED, { queries: QUERIES, lookback: '3h' }, (query) => all.filter(({ labels }) => query.includes(`"${labels['arm'] ?? ''}"`) && query.includes('outcome') === (labels['outcome'] === 'error')));
}

const counts = ({ windows }: QualityData): readonly number[] => (['n', 'sum'] as const).map((key) => windows.filter(({ arm }) => arm === 'candidate').reduce((sum, { metrics }) => sum + (metrics['errors']?.[key] ?? 0), 0));
const verdicts = (data: QualityData): readonly string[] => compareArms(data, readQuality(GUARDED).quality ?? assert.fail(), 'production').metrics.map(({ verdict }) => verdict);

describe('a process that is started anew again and again, of a Prometheus', () => {
  for (const [words, errors] of [['as many as before', () => 5], ['more or less than before', (life: number) => 3 + (life * 7) % 5]] as const) {
    it(`has all of its errors counted where it comes back with ${words}`, async () => {
      const data = await read([...crashing(errors), ...steady(0.001)]);
      // Its first life may have begun long before.
      assert.deepEqual(counts(data), [LIVES * 350 - 50, Array.from({ length: LIVES }, (_, life) => errors(life)).reduce((sum, each) => sum + each, 0)]);
      assert.deepEqual(verdicts(data), ['worse']);
    });
  }

  it('is told by its own counters alone: what misses scrapes while the process goes on counts what it grew by', async () => {
    const running = series({ arm: 'candidate', instance: 'a' }, Array.from({ length: 480 }, (_, index) => [15 * index, 150 * index]));
    const missing = series({ arm: 'candidate', instance: 'a', outcome: 'error' }, Array.from({ length: 480 }, (_, index): [number, number] => [15 * index, index]).filter(([second]) => second % 60 < 30));
    const other = crashing(() => 5).map(({ labels, samples }) => ({ labels: { ...labels, instance: 'c' }, samples }));
    assert.deepEqual(counts(await read([running, missing])), [150 * 479, 477]);
    assert.deepEqual(counts(await read([running, missing, ...other]))[1], 477 + LIVES * 5);
  });

  it('is told by a fall, within the time that a counter was away', async () => {
    const total = series({ arm: 'candidate', instance: 'a' }, Array.from({ length: 40 }, (_, index) => [15 * index, index < 5 ? 100 + 100 * index : 100 * (index - 4)]));
    const errors = (values: readonly (readonly [number, number])[]): FakeSeries => series({ arm: 'candidate', instance: 'a', outcome: 'error' }, values);
    // The restart is between 60 and 75 s.
    for (const [words, values, sum] of [
      ['away meanwhile', [[0, 7], [15, 8], [30, 8], [150, 9], [165, 9]], 1 + 9],
      ['away later', [[0, 7], [15, 8], [30, 8], [45, 8], [60, 8], [75, 8], [240, 9]], 2],
      ['not away', [[0, 7], [15, 8], [30, 8], [45, 8], [60, 8], [75, 9], [90, 9]], 2],
    ] as const) assert.equal(counts(await read([total, errors(values)]))[1], sum, words);
  });
});

describe('which scrapes there were', () => {
  it('is asked once for all series that were there at the same times, however many those are', () => {
    const scrapes = new Scrapes();
    let looked = 0;
    const each = (): Presence => ({ target: 'a', first: NOW, step: 15_000, get last() { looked += 1; return NOW + 60_000; } });
    const all = Array.from({ length: 1000 }, each);
    for (const presence of all) scrapes.add(presence);
    assert.ok(all.every((presence) => !scrapes.isNew(presence, NOW - 1)));
    assert.ok(looked <= 4 * all.length, `${looked} looks at ${all.length} series`);
  });
});
