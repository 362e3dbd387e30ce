import assert from 'node:assert/strict';
import { Growth } from '../../../src/adapters/prometheus/growth.ts';
import { Scrapes, type Presence } from '../../../src/adapters/prometheus/scrapes.ts';
import { limitFinding } from '../../../src/core/quality/absolute.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { NOW, fakeSource, readFake, type Answering, type FakeSeries, type Samples } from '../../support/fakePrometheus.ts';

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
  return readFake(GUARDED, { queries: QUERIES, lookback: '3h' }, answering(all));
}

function answering(all: readonly FakeSeries[]): Answering {
  return (query) => all.filter(({ labels }) => query.includes(`"${labels['arm'] ?? ''}"`) && query.includes('outcome') === (labels['outcome'] === 'error'));
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

  it('has all of its errors counted where no life is long enough for a second scrape of them', async () => {
    const once = crashing(() => 5).map(({ labels, samples }) => ({ labels, samples: labels['outcome'] === 'error' ? samples.filter((_, index) => index % 2 === 0) : samples }));
    const data = await read([...once, ...steady(0.001)]);
    assert.equal(counts(data)[1], LIVES * 5);
    assert.deepEqual(verdicts(data), ['worse']);
  });

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
    // The restart is between 60 and 75 s, where it shows without a missed scrape, too.
    for (const [words, values, sum] of [
      ['away meanwhile', [[0, 7], [15, 8], [30, 8], [150, 9], [165, 9]], 1 + 9],
      ['away later', [[0, 7], [15, 8], [30, 8], [45, 8], [60, 8], [75, 8], [240, 9]], 1 + 8 + 1],
      ['not away', [[0, 7], [15, 8], [30, 8], [45, 8], [60, 8], [75, 9], [90, 9]], 1 + 9],
    ] as const) assert.equal(counts(await read([total, errors(values)]))[1], sum, words);
  });
});

describe('a process that is started anew between two scrapes, of a Prometheus', () => {
  const minutes = Array.from({ length: 120 }, (_, minute) => minute);
  const each = (labels: FakeSeries['labels'], value: (minute: number) => number): FakeSeries => series({ arm: 'candidate', instance: 'a', ...labels }, minutes.map((minute) => [60 * minute, value(minute)]));
  /** In the last hour it ends once a minute, after one error; its counters are made at 0. */
  const looping = (labels: FakeSeries['labels'] = {}): readonly FakeSeries[] => [each(labels, (minute) => (minute < 60 ? 1000 + 100 * minute : minute % 2 === 0 ? 80 : 120)), each({ ...labels, outcome: 'error' }, () => 1)];

  it('has its errors counted where they come back at as many as before', async () => {
    const data = await read([...looping(), ...steady(0.001)]);
    // Half of the restarts show: where nothing falls nobody knows.
    assert.deepEqual(counts(data), [59 * 100 + 30 * 80 + 30 * 40, 30]);
    assert.deepEqual(verdicts(data), ['worse']);
  });

  it('has its errors counted where another label tells them apart in the total', async () => {
    const [ok, failed] = looping();
    const all = [{ ...ok, labels: { ...ok?.labels, outcome: 'ok' } }, failed] as readonly FakeSeries[];
    const data = await readFake(GUARDED, { queries: QUERIES, lookback: '3h' }, (query) => (query.includes('"candidate"') ? all.filter(({ labels }) => !query.includes('outcome') || labels['outcome'] === 'error') : []));
    assert.equal(counts(data)[1], 30);
  });

  it('has all counted in full where any of its counters fell: neither errors nor good ones are more than there were', async () => {
    // Total and errors take turns to fall.
    const data = await read([each({}, (minute) => (minute < 60 ? 1000 + 100 * minute : minute % 2 === 0 ? 80 : 120)), each({ outcome: 'error' }, (minute) => (minute < 60 ? 30 * minute : minute % 2 === 0 ? 30 : 20))]);
    assert.deepEqual(counts(data), [59 * 100 + 30 * 80 + 30 * 120, 59 * 30 + 30 * 30 + 30 * 20]);
    const good = { errors: { total: 'p{arm="$arm"}', good: 'p{arm="$arm",outcome="error"}' } };
    const [total, ok] = [each({}, (minute) => (minute < 60 ? 1000 + 100 * minute : 90 - (minute % 2))), each({ outcome: 'error' }, (minute) => (minute < 60 ? 1000 + 100 * minute : 80 + (minute % 2)))];
    const bad = counts(await readFake(GUARDED, { queries: good, lookback: '3h' }, answering([total, ok])))[1] ?? 0;
    assert.ok(bad <= 10 * 60, `${bad} bad of at most 600`);
  });

  for (const [words, labels] of [['another process of its instance', { pid: '2' }], ['nobody knows which process, of counters that somebody else exposes,', { exported_instance: 'x' }]] as const) {
    it(`counts what it grew by where ${words} fell`, async () => {
      const others = looping(labels).filter(({ labels: { outcome } }) => outcome === undefined);
      const own = [each({ ...labels, ...('pid' in labels ? { pid: '1' } : {}) }, (minute) => 5000 + 10 * minute), each({ ...labels, ...('pid' in labels ? { pid: '1' } : {}), outcome: 'error' }, (minute) => 50 + minute)];
      assert.equal(counts(await read('pid' in labels ? [...others, ...own] : [...others, ...own.slice(1)]))[1], 119);
    });
  }

  it('is told by what a counter fell to only where that is no more than it counts in the time, and no less than what went on', async () => {
    const sum = each({}, (minute) => 10_000 + 100 * minute - (minute < 60 ? 0 : 2500));
    const all = each({}, (minute) => (minute < 60 ? 10_000 + 100 * minute : 100 * (minute - 59)));
    const errors = each({ outcome: 'error' }, (minute) => 50 + minute);
    assert.equal(counts(await read([sum, errors]))[1], 119);
    assert.equal(counts(await read([all, each({ outcome: 'error' }, () => 1)]))[1], 1);
    // A total that is reset by itself, with errors that go on: they would have failed more often than anything was asked.
    assert.equal(counts(await read([all, errors]))[1], 119);
  });
});

describe('what a Prometheus tells in another way than it was', () => {
  const steady2 = (labels: FakeSeries['labels'], rate: number, from = 0, to = 480, begin = 1000): FakeSeries => series({ arm: 'candidate', instance: 'a', ...labels }, Array.from({ length: to - from }, (_, index) => [15 * (from + index), begin + rate * (from + index)]));

  it('is counted once where two collect the same', async () => {
    const labels = (prometheus_replica: string, more: object = {}): FakeSeries['labels'] => ({ prometheus_replica, ...more });
    const pair = ['0', '1'].flatMap((replica) => [steady2(labels(replica), 100), steady2(labels(replica, { outcome: 'error' }), 2)]);
    const [once, twice] = [await read(pair.slice(0, 2)), await read(pair)];
    assert.deepEqual([counts(once), once.notes.messages], [[100 * 479, 2 * 479], []]);
    assert.deepEqual(counts(twice), [100 * 479, 2 * 479]);
    assert.ok(twice.notes.messages.some((message) => /differ by replica or prometheus_replica alone, so they are counted once/.test(message)), twice.notes.messages.join());
    // Without an instance they may be processes.
    const processes = await read(pair.map(({ labels: { instance, ...rest }, samples }) => ({ labels: { ...rest, job: instance ?? '' }, samples })));
    assert.equal(counts(processes)[0], 2 * 100 * 479);
  });

  it('is nothing new where labels alone have changed', async () => {
    const total = steady2({}, 100);
    const [before, after] = [steady2({ outcome: 'error', reason: 'x' }, 2, 0, 240), steady2({ outcome: 'error' }, 2, 240)];
    assert.deepEqual(counts(await read([total, before, after])), [100 * 479, 2 * 239 + 2 * 239]);
    // One that ended long before, or had reached more, is another.
    assert.equal(counts(await read([total, steady2({ outcome: 'error', reason: 'x' }, 2, 0, 200), after]))[1], 2 * 199 + 2 * 479 + 1000);
    assert.equal(counts(await read([total, before, steady2({ outcome: 'error' }, 1, 240, 480, -235)]))[1], 2 * 239 + 480 - 236);
  });

  it('is left out where scraping was interrupted while evidence began', async () => {
    const interrupted = (each: FakeSeries): FakeSeries => ({ labels: each.labels, samples: each.samples.filter(([minute]) => minute < -60 || minute > -20) });
    const all = [interrupted(steady2({}, 100)), interrupted(steady2({ outcome: 'error' }, 2))];
    const sum = async (since: number | undefined): Promise<readonly number[]> => counts(await fakeSource(GUARDED, { queries: QUERIES, lookback: '3h' }, answering(all)).source.read({ now: NOW, since: since === undefined ? undefined : NOW + since * 60_000, signal: new AbortController().signal }));
    const missing = 4 * 40 + 2;
    assert.deepEqual(await sum(-40), [100 * (479 - missing), 2 * (479 - missing)]);
    for (const since of [undefined, -80, -5]) assert.deepEqual(await sum(since), [100 * 479, 2 * 479], String(since));
  });
});

describe('what is kept of counters of a Prometheus', () => {
  const NAME = { __name__: 'p', instance: 'a' };
  const followed = (growth: Growth, labels: Record<string, string>, samples: readonly (readonly [number, number])[]): void => growth.follow({ labels: { ...NAME, ...labels }, samples }, () => ['']);

  it('is no missed scrape where they are scraped more seldom than before', async () => {
    // Every 15 s, then every minute; while it is, one of several processes ends that are summed.
    const at = (index: number): number => 15 * Math.min(index, 20) + 60 * Math.max(0, index - 20);
    const scraped = (outcome: object, value: (index: number) => number): FakeSeries => series({ arm: 'candidate', instance: 'a', ...outcome }, Array.from({ length: 80 }, (_, index) => [at(index), value(index)]));
    const data = await read([scraped({}, (index) => 1000 * (index < 50 ? index + 1 : index - 20)), scraped({ outcome: 'error' }, (index) => 5 + index)]);
    assert.equal(counts(data)[1], 79);
  });

  it('is told by windows as long as scrapes are apart now, and an arm is seen until the next one is due', async () => {
    // Every 15 s, and since an hour ago every 5 min, either arm at another time.
    const at = (index: number): number => 15 * Math.min(index, 240) + 300 * Math.max(0, index - 240);
    const scraped = (labels: object, each: number, phase: number): FakeSeries => series({ instance: String(phase), ...labels }, Array.from({ length: 252 }, (_, index) => [at(index) + phase, each * at(index)]));
    const all = [['candidate', 100], ['current', 250]].flatMap(([arm, phase]) => [scraped({ arm }, 10, Number(phase)), scraped({ arm, outcome: 'error' }, 1, Number(phase))]);
    const { notes, windows, arms } = await readFake({ ...GUARDED, window: '1min' }, { queries: QUERIES, lookback: '3h' }, answering(all));
    assert.deepEqual(notes.messages, ['Prometheus: it is scraped every 5 min, so windows are of 5 min, not of 1 min (window:).']);
    const lately = (name: string): readonly number[] => windows.filter(({ arm, start }) => arm === name && start >= NOW - 3_000_000).map(({ start }) => start);
    assert.deepEqual(lately('candidate').slice(0, 8), lately('current').slice(0, 8));
    assert.deepEqual(arms.map(({ lastSeen }) => lastSeen), [NOW, NOW]);
  });

  it('is what recording rules grew by, and never all of what is left where a process has ended', async () => {
    const rule = (outcome: object, left: number): FakeSeries => ({ labels: { __name__: 'job:p:sum', arm: 'candidate', ...outcome }, samples: series({}, Array.from({ length: 480 }, (_, index) => [15 * index, (index < 240 ? 5000 : left) + index])).samples });
    const data = await read([rule({}, 3000), rule({ outcome: 'error' }, 2000)]);
    assert.deepEqual(counts(data), [478, 478]);
    assert.match(data.notes.messages.join(), /Prometheus: job:p:sum fell\. By the colon in the name, .* it is a recording rule .* Name the counters themselves\./);
  });

  it('is what counters of the service itself grew by where their names have colons, and where rules keep the instance', async () => {
    for (const name of ['vllm:request_success_total', 'instance:p:sum']) {
      const named = [...crashing(() => 5), ...steady(0.001)].map(({ labels, samples }) => ({ labels: { ...labels, __name__: name }, samples }));
      const data = await read(named);
      assert.deepEqual([counts(data), data.notes.messages, verdicts(data)], [[LIVES * 350 - 50, LIVES * 5], [], ['worse']], name);
    }
  });

  it('lets no release go on where a sum over processes has fallen, of either arm, and hides no breach', async () => {
    const sum = (arm: string, outcome: object, rate: number, falls: boolean): FakeSeries => series({ __name__: 'job:p:sum', arm, ...outcome }, Array.from({ length: 480 }, (_, index) => [15 * index, falls && index > 240 ? rate * (index - 240) : rate * index]));
    const both = (errors: number, fallen: string | undefined): readonly FakeSeries[] => [['candidate', errors], ['current', 2]].flatMap(([arm, rate]) => [sum(String(arm), {}, 100, fallen === arm), sum(String(arm), { outcome: 'error' }, Number(rate), false)]);
    assert.deepEqual(verdicts(await read(both(2, undefined))), ['not worse']);
    for (const arm of ['candidate', 'current']) {
      const data = await read(both(2, arm));
      assert.match(compareArms(data, readQuality(GUARDED).quality ?? assert.fail(), 'production').metrics[0]?.because ?? '', /^job:p:sum fell, so what it grew by is not known/);
      assert.deepEqual([verdicts(data), verdicts(await read(both(20, arm)))], [['undecided'], ['worse']], arm);
      const limited = readQuality({ guardrails: [{ name: 'errors', bad: 'error', limit: 0.1 }] }).quality?.metrics[0] ?? assert.fail();
      const { state, because } = limitFinding(limited, data.windows.filter((each) => each.arm === 'candidate'), { data, environment: 'production', arm: 'candidate', among: 1 }) ?? assert.fail();
      assert.deepEqual([state, because?.startsWith('job:p:sum fell')], ['insufficient', true]);
    }
  });

  it('is not taken for seldom scraped where each life of a process makes one sample of its errors', async () => {
    // Lives of 15 min; the first error comes with the last scrape.
    const life = (index: number): number => index % 60;
    const all = ['candidate', 'current'].flatMap((arm) => [
      series({ arm, instance: arm }, Array.from({ length: 480 }, (_, index) => [15 * index, 10 * (life(index) + 1)])),
      series({ arm, instance: arm, outcome: 'error' }, Array.from({ length: 8 }, (_, index) => [15 * (60 * index + 59), 3])),
    ]);
    const { notes, windows } = await readFake({ ...GUARDED, window: '1min' }, { queries: QUERIES, lookback: '3h' }, answering(all));
    assert.deepEqual([notes.messages, new Set(windows.map(({ start, end }) => end - start))], [[], new Set([60_000])]);
  });

  it('is none of series that ended long before', () => {
    const growth = new Growth(300_000, 0);
    growth.begin({ from: 0, detailFrom: 0 });
    for (let pod = 0; pod < 50; pod += 1) followed(growth, { pod: String(pod) }, [[1000 + 60 * pod, 1], [1060 + 60 * pod, 3]]);
    assert.equal(growth.counters.length, 50);
    growth.begin({ from: 9_000_000, detailFrom: 9_000_000 });
    assert.equal(growth.counters.length, 0);
    assert.equal(growth.increases.size, 0);
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
