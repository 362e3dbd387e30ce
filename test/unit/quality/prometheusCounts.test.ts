import assert from 'node:assert/strict';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { NOW, readFake, type FakeSeries, type Samples } from '../../support/fakePrometheus.ts';

const NOW_S = NOW / 1000;
const [MINUTE, HOUR] = [60, 3600];
const GUARDED = { guardrails: [{ name: 'errors', bad: 'error' }] };
const QUERIES = { errors: { total: 'p{arm="$arm"}', bad: 'p{arm="$arm",outcome="error"}' } };
const ERRORS = 0.02;

/** A process that answers `rate` requests a second; of those before `bad` ends (seconds since 1970), 30 % failed. */
interface Life {
  readonly start: number;
  readonly end: number;
  readonly rate: number;
  readonly badUntil: number;
}

/** What scrapes one instance, whose process may be started anew. */
interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly lives: readonly Life[];
  readonly every: number;
  readonly phase: number;
  /** From when on it is scraped, and when it is not. */
  readonly from: number;
  readonly gaps: readonly (readonly [from: number, to: number])[];
}

function errorsUpTo({ start, rate, badUntil }: Life, at: number): number {
  return Math.floor(0.3 * rate * Math.max(0, Math.min(at, badUntil) - start)) + Math.floor(ERRORS * rate * Math.max(0, at - Math.max(start, badUntil)));
}

const totalUpTo = ({ start, rate }: Life, at: number): number => Math.floor(rate * Math.max(0, at - start));

/** A series for each outcome, which is there from its first request on. */
function scraped({ labels, lives, every, phase, from, gaps }: Target): FakeSeries[] {
  const series = new Map<string, (readonly [number, string])[]>([['ok', []], ['error', []]]);
  for (let at = from + phase; at <= NOW_S; at += every) {
    const life = lives.find(({ start, end }) => at >= start && at < end);
    if (life === undefined || gaps.some(([begin, end]) => at >= begin && at <= end)) continue;
    const errors = errorsUpTo(life, at);
    for (const [outcome, value] of [['ok', totalUpTo(life, at) - errors], ['error', errors]] as const) if (value > 0) series.get(outcome)?.push([(at - NOW_S + 600) / MINUTE, String(value)]);
  }
  return [...series].map(([outcome, samples]): FakeSeries => ({ labels: { ...labels, outcome }, samples }));
}

/** What truly happened from a time on: requests, errors. */
function truth(targets: readonly Target[], from: number): readonly [number, number] {
  const all = targets.flatMap(({ lives }) => lives).map((life) => {
    const [begin, end] = [Math.max(life.start, from), Math.min(life.end, NOW_S)];
    return end <= begin ? [0, 0] : [totalUpTo(life, end) - totalUpTo(life, begin), errorsUpTo(life, end) - errorsUpTo(life, begin)];
  });
  return [all.reduce((sum, [n = 0]) => sum + n, 0), all.reduce((sum, [, bad = 0]) => sum + bad, 0)];
}

function read(arms: Readonly<Record<string, readonly Target[]>>, hours: number, window: string): Promise<QualityData> {
  const answers = new Map(Object.entries(arms).map(([arm, targets]) => [arm, targets.flatMap(scraped)]));
  return readFake({ ...GUARDED, window }, { queries: QUERIES, lookback: `${hours}h` }, (query) => {
    const arm = /arm="(\w+)"/.exec(query)?.[1] ?? '';
    return (answers.get(arm) ?? []).filter(({ labels }) => !query.includes('outcome') || labels['outcome'] === 'error');
  });
}

function counted({ windows }: QualityData, arm: string): readonly [number, number] {
  const own = windows.filter((window) => window.arm === arm).map(({ metrics }) => metrics['errors'] ?? assert.fail());
  return [own.reduce((sum, { n }) => sum + n, 0), own.reduce((sum, { sum: bad }) => sum + bad, 0)];
}

const verdict = (data: QualityData, window: string): unknown => compareArms(data, readQuality({ ...GUARDED, window }).quality ?? assert.fail(), 'production').metrics.map(({ verdict: word }) => word);

const target = (labels: Target['labels'], lives: readonly Partial<Life>[], more: Partial<Target> = {}): Target => ({
  labels: { job: 'service', ...labels }, every: 15, phase: 3, from: NOW_S - 8 * HOUR, gaps: [],
  lives: lives.map((life) => ({ start: NOW_S - 72 * HOUR, end: Number.POSITIVE_INFINITY, rate: 4, badUntil: NOW_S - 48 * HOUR, ...life })), ...more,
});
/** A process of the candidate with an early bad phase, and one of the current version without. */
const pair = (more: Partial<Target>, life: Partial<Life> = {}): Record<string, readonly Target[]> => ({ candidate: [target({ instance: 'a', arm: 'candidate' }, [{ rate: 4, ...life }], more)], current: [target({ instance: 'b', arm: 'current' }, [{ rate: 12, badUntil: 0, ...life }], more)] });

/** Nothing that did not happen is counted, and not so much is lost that a rate is another one. */
function assertTrue(data: QualityData, arms: Readonly<Record<string, readonly Target[]>>, from: number, words: string): void {
  for (const [arm, targets] of Object.entries(arms)) {
    const [[n, bad], [allN, allBad]] = [counted(data, arm), truth(targets, from)];
    assert.ok(n <= allN && bad <= allBad, `${words}: ${arm} has ${bad} of ${n}, but there were ${allBad} of ${allN}`);
    const lives = targets.flatMap(({ lives: each }) => each).length;
    assert.ok(Math.abs(bad - ERRORS * n) <= 2 + 2 * lives + 0.0002 * n, `${words}: ${arm} has ${bad} of ${n}, which is ${(100 * bad) / n} %`);
    assert.ok(n > 0.75 * allN, `${words}: ${arm} has ${n} of ${allN}`);
  }
}

describe('counts of a Prometheus are of what happened in the time that is read', () => {
  const from = (hours: number): number => NOW_S - hours * HOUR;
  for (const [words, arms, window] of [
    ['scraping was interrupted when it begins', pair({ gaps: [[from(6) - 10 * MINUTE, from(6) + 10 * MINUTE]] }), '5min'],
    ['it is scraped more seldom than windows are long, either arm at another time', { ...pair({ every: 300, phase: 240 }), current: pair({ every: 300, phase: 70 })['current'] ?? [] }, '1min'],
    ['Prometheus was installed meanwhile', pair({ from: from(5) }), '5min'],
    ['processes were started anew', pair({}, { end: from(3) }), '5min'],
  ] as const) {
    it(`where ${words}`, async () => {
      const whole = words.includes('anew') ? Object.fromEntries(Object.entries(arms).map(([arm, [only = assert.fail()]]) => [arm, [{ ...only, lives: [...only.lives, { start: from(3) + 20, end: Number.POSITIVE_INFINITY, rate: 5, badUntil: 0 }] }]])) : arms;
      const data = await read(whole, 6, window);
      assertTrue(data, whole, from(6), words);
      assert.deepEqual(verdict(data, window), ['not worse']);
      assert.deepEqual(data.notes.messages, words.includes('seldom') ? ['Prometheus: it is scraped every 5 min, so windows are of 5 min, not of 1 min (window:).'] : []);
      assert.ok(data.windows.every(({ start, end }) => end - start === 5 * MINUTE * 1000 && start % (5 * MINUTE * 1000) === 0));
    });
  }

  it('where all series get another label meanwhile, as metric_relabel_configs give them', async () => {
    const [before, after] = [pair({ gaps: [[from(3), NOW_S]] }), pair({ from: from(3) })];
    const arms = Object.fromEntries(['candidate', 'current'].map((arm) => [arm, [...before[arm] ?? [], ...(after[arm] ?? []).map((each) => ({ ...each, labels: { ...each.labels, zone: 'eu' } }))]]));
    const data = await read(arms, 6, '5min');
    for (const [arm, rate] of [['candidate', 4], ['current', 12]] as const) assert.ok(counted(data, arm)[0] <= rate * 6 * HOUR && counted(data, arm)[0] > 0.98 * rate * 6 * HOUR, JSON.stringify(counted(data, arm)));
    assert.deepEqual(verdict(data, '5min'), ['not worse']);
  });

  it('of all errors of a process that was scraped before: the first of them, too', async () => {
    // 200 requests without an error, then one that fails, then 100 more.
    const told = (rows: readonly (readonly [number, number])[], outcome: string, instance: string): FakeSeries => ({ labels: { instance, outcome }, samples: rows.map(([minute, value]): Samples[number] => [minute, String(value)]) });
    const ok = told([[0, 100], [1, 200], [2, 300], [3, 400]], 'ok', 'a');
    const data = await readFake(GUARDED, { queries: QUERIES }, (query) => (query.includes('outcome') ? [] : [ok]).concat(told([[2, 3], [3, 4]], 'error', 'a')));
    assert.deepEqual(counted(data, 'candidate'), [304, 4]);
    // Of a process that is first scraped then, nobody knows since when it counts: neither in the total nor in the errors.
    const other = await readFake(GUARDED, { queries: QUERIES }, (query) => (query.includes('outcome') ? [] : [ok, told([[2, 9000], [3, 9100]], 'ok', 'b')]).concat(told([[2, 700], [3, 702]], 'error', 'b')));
    assert.deepEqual(counted(other, 'candidate'), [300 + 102, 2]);
    // What has no instance may be of several that are scraped at different times.
    const aggregated = await readFake(GUARDED, { queries: QUERIES }, (query) => (query.includes('outcome') ? [] : [told([[0, 100], [1, 200], [2, 300], [3, 400]], 'ok', '')]).map(({ samples }) => ({ labels: { outcome: 'ok' }, samples })).concat({ labels: { outcome: 'error' }, samples: [[1.9, '70'], [2.9, '71'], [3.9, '72']] }));
    assert.deepEqual(counted(aggregated, 'candidate')[1], 72);
    // Nor do two metrics without one tell anything about each other.
    const two = await readFake(GUARDED, { queries: QUERIES }, (query) => (query.includes('outcome') ? [] : [{ labels: { __name__: 'p' } as FakeSeries['labels'], samples: ok.samples }]).concat({ labels: { __name__: 'failed', outcome: 'error' }, samples: [[2, '70'], [3, '71']] }));
    assert.deepEqual(counted(two, 'candidate')[1], 1);
    const seldom = await readFake(GUARDED, { queries: QUERIES }, (query) => (query.includes('outcome') ? [] : [{ labels: { outcome: 'ok' }, samples: ok.samples }]).concat({ labels: { outcome: 'error' }, samples: [[2, '70'], [7, '71']] }));
    assert.deepEqual(counted(seldom, 'candidate')[1], 1);
  });

  it('for intervals, gaps, restarts and new processes as they come', async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const random = seeded(seed);
      const between = (least: number, most: number): number => Math.floor(least + random() * (most - least + 1));
      const hours = between(3, 12);
      const start = from(hours);
      const arms = Object.fromEntries(['candidate', 'current'].map((arm) => [arm, Array.from({ length: between(1, 3) }, (_, index): Target => {
        const rate = between(2, 12);
        const isOld = random() < 0.7;
        const born = isOld ? NOW_S - between(24, 90) * HOUR : start + between(0, 20) * MINUTE;
        const restart = random() < 0.4 ? start + between(60, 60 * hours - 30) * MINUTE : Number.POSITIVE_INFINITY;
        const lives: Life[] = [{ start: born, end: restart, rate, badUntil: isOld && arm === 'candidate' ? start - 2 * HOUR : 0 }];
        if (Number.isFinite(restart)) lives.push({ start: restart + between(1, 60), end: Number.POSITIVE_INFINITY, rate, badUntil: 0 });
        const gapAt = random() < 0.5 ? start - between(1, 10) * MINUTE : start + between(60, 60 * hours) * MINUTE;
        return { labels: { job: 'service', arm, instance: `${arm}-${index}` }, lives, every: [15, 30, 60, 300, 600][between(0, 4)] ?? 15, phase: between(0, 14), from: random() < 0.3 ? start + between(0, 20) * MINUTE : start - 2 * HOUR, gaps: random() < 0.5 ? [[gapAt, gapAt + between(2, 20) * MINUTE]] : [] };
      })]));
      const window = ['1min', '5min'][between(0, 1)] ?? '1min';
      const data = await read(arms, hours, window);
      assertTrue(data, arms, start, `seed ${seed}`);
      assert.ok(!JSON.stringify(verdict(data, window)).includes('"worse"'), `seed ${seed}: ${JSON.stringify(verdict(data, window))}`);
    }
  });
});
