import assert from 'node:assert/strict';
import { retrainReason, watchChampion } from '../../../src/core/releases/championWatch.ts';
import type { GuardReport } from '../../../src/core/releases/guard.ts';
import { guardMetrics } from '../../../src/core/releases/guardMetrics.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityWindow } from '../../../src/core/quality/window.ts';
import { assess, data, lastEvent, model, released, windows } from './assessSupport.ts';

const DAY = 86_400_000;
const WEEK = 7 * DAY;
const NOW = Date.UTC(2026, 2, 2, 12);

/** A day of one service in five-minute windows, so many weeks ago. */
function day(weeks: number, errors: number, { start = NOW - DAY, perWindow = 200, count = 280 } = {}): QualityWindow[] {
  return windows({ start: start - weeks * WEEK, share: 0, currentErrors: errors, count, perWindow }).filter(({ requests }) => requests > 0);
}

describe('the watch over what serves', () => {
  const watch = (all: readonly QualityWindow[]): ReturnType<typeof watchChampion> =>
    watchChampion({ model: model(), quality: { kind: 'data', data: data([...all].sort((a, b) => a.start - b.start)) }, now: NOW, reading: released(0).reading() });

  it('alarms on a limit that was passed in the last day, and not on one that was passed before', () => {
    assert.match(watch(day(0, 0.3))?.alarms[0] ?? '', /^production: errors is 0\.3 \(n 56k\) in the last day, past its limit 0\.2$/);
    assert.deepEqual(watch([...day(1, 0.3), ...day(0, 0.1)])?.alarms, []);
  });

  it('alarms when the last day is worse than the same hours of earlier weeks, and says how many they were', () => {
    const found = watch([...day(1, 0.02), ...day(2, 0.02), ...day(3, 0.02), ...day(0, 0.05)]);
    assert.deepEqual(found?.alarms.length, 1, JSON.stringify(found));
    assert.match(found.alarms[0] ?? '', /^production: errors 5 % vs 2 % .*ratio 2\.5 above 1\.2, the last day against the same hours of 3 weeks before$/);
    assert.equal(found.words, 'production: the last day with the same hours of 3 earlier weeks');
    assert.deepEqual(watch([...day(1, 0.02), ...day(2, 0.02), ...day(0, 0.02)])?.alarms, []);
  });

  it('counts units of all arms together, of whom nobody is new in the last day', () => {
    const quality = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'latency', mean: 'latency_ms', limit: 60 }], window: '5min' }).quality ?? assert.fail();
    const all = [[1, 40], [0, 80]].flatMap(([weeks = 0, mean = 0]) => day(weeks, 0).map((window): QualityWindow => ({ ...window, units: 0, metrics: { latency: { n: window.requests, sum: mean * window.requests, squares: (mean * mean + 100) * window.requests } } })));
    const alarms = (units: number): readonly string[] => {
      const known = data(all.sort((a, b) => a.start - b.start));
      // Few of the units were ever in the candidate.
      const arms = known.arms.map((arm) => ({ ...arm, requests: arm.arm === 'current' ? 111_600 : 500, units: arm.arm === 'current' ? units : 1 }));
      return watchChampion({ model: model({ quality }), quality: { kind: 'data', data: { ...known, arms } }, now: NOW, reading: released(0).reading() })?.alarms ?? [];
    };
    assert.deepEqual(alarms(3000).map((words) => words.split(' (')[0]?.slice(0, 40)), ['production: latency is 80', 'production: latency 80 vs 40']);
    assert.deepEqual(alarms(150), []);
  });

  it('calls for retraining in words that stay the same, so that it is offered once', () => {
    const because = retrainReason(watch(day(0, 0.3)));
    assert.match(because ?? '', /^what serves is past a limit, or does worse than in the same hours of earlier weeks$/);
    assert.equal(retrainReason(watch(day(0, 0.35))), because);
    assert.equal(retrainReason(watch(day(0, 0.1))), undefined);
    assert.equal(retrainReason(undefined), undefined);
  });

  it('compares with the same hours: a night that is always worse is none', () => {
    const nights = (weeks: number): QualityWindow[] => [...day(weeks, 0.01, { count: 140 }), ...day(weeks, 0.06, { start: NOW - DAY / 2, count: 140 })];
    assert.deepEqual(watch([...nights(1), ...nights(0)])?.alarms, []);
    // Against another hour it would be one: the morning is four times as good.
    assert.equal(watch([...day(1, 0.01), ...nights(0)])?.alarms.length, 1);
  });

  describe('by outcomes that are known a week later', () => {
    const HOUR = DAY / 24;
    const quality = readQuality({ source: { log: 'x.jsonl' }, window: '1h', labels: { mature_after: '7d' }, guardrails: [{ name: 'accuracy', measure: 'accuracy', margin: 0.02, limit: 0.8 }, { name: 'errors', bad: 'error', limit: 0.2 }] }).quality ?? assert.fail();
    /** Forty days by the hour, of which the last seven have no outcome yet. */
    const hours = (accuracy: (start: number) => number): QualityWindow[] => Array.from({ length: 40 * 24 }, (_, index): QualityWindow => {
      const start = NOW - (40 * 24 - index) * HOUR;
      const n = start + HOUR + WEEK <= NOW ? 1000 : 0;
      const right = Math.round(n * accuracy(start));
      return { arm: 'current', environment: 'production', service: 'credit', start, end: start + HOUR, requests: 1000, units: 1000, metrics: { accuracy: { n, sum: right, squares: right }, errors: { n: 1000, sum: 20, squares: 20 } } };
    });
    const watchOf = (all: readonly QualityWindow[], known: Partial<ReturnType<typeof data>> = {}, own = quality): NonNullable<ReturnType<typeof watchChampion>> =>
      watchChampion({ model: model({ quality: own }), quality: { kind: 'data', data: { ...data(all), ...known } }, now: NOW, reading: released(0).reading() }) ?? assert.fail();
    const LAST = 'the last day whose outcomes are known (2026-02-22 12:00:00 UTC to 2026-02-23 12:00:00 UTC)';

    it('judges the last day of which they are known, and says which it is', () => {
      const { alarms, words } = watchOf(hours((start) => (start < NOW - 20 * DAY ? 0.9 : 0.3)));
      assert.deepEqual(alarms, [`production: accuracy is 0.3 (n 24k) in ${LAST}, past its limit 0.8`, `production: accuracy 0.3 vs 0.75 (n 24k), worse by more than 0.02, ${LAST} against the same hours of 4 weeks before`]);
      assert.equal(words, `production: the last day with the same hours of 4 earlier weeks; accuracy: ${LAST} with the same hours of 4 earlier weeks`);
      assert.deepEqual(watchOf(hours(() => 0.9)).alarms, []);
    });

    it('says that a version which answers now is not the one of that day', () => {
      const all = hours(() => 0.3);
      const arms = data(all).arms.map((arm) => ({ ...arm, versions: [{ version: '13', first: 0, last: NOW - 3 * DAY, requests: 1 }, { version: '15', first: NOW - 3 * DAY, last: NOW, requests: 1 }] }));
      assert.match(watchOf(all, { arms }).alarms[0] ?? '', /in the last day whose outcomes are known \(.* UTC to .* UTC, before 15 answered\), past its limit 0\.8$/);
    });

    it('says that none is known yet, and judges the rest', () => {
      const untold = hours(() => 0.9).slice(-6 * 24);
      assert.match(watchOf(untold).words, /less than a week back.*; accuracy is not judged: no outcome is known yet$/);
      assert.match(watchOf(untold.map((window) => ({ ...window, metrics: { ...window.metrics, errors: { n: 1000, sum: 300, squares: 300 } } }))).alarms[0] ?? '', /^production: errors is 0\.3 .* in the last day, past its limit 0\.2$/);
    });

    it('does not take the absence of all outcomes for the fault of a model', () => {
      const absent = readQuality({ ...quality.section as object, labels: { mature_after: '7d', absent_means: 0 } }).quality ?? assert.fail();
      const found = watchOf(hours(() => 0.3), { notes: { ...data([]).notes, outcomesMissing: true } }, absent);
      assert.deepEqual(found.alarms, []);
      assert.match(found.words, /; the limit of accuracy is not judged: there is no file of source\.outcomes, and absence alone says nothing$/);
      assert.equal(watchOf(hours(() => 0.3), {}, absent).alarms.length, 1);
    });

    it('counts who has an outcome in all arms and weeks together, whichever comes first', () => {
      // Of the candidate all have one, of the others half.
      const arms = (window: QualityWindow): QualityWindow[] => (['candidate', 'current'] as const).map((arm) => {
        const [part, labelled] = arm === 'candidate' ? [0.1, 1] : [0.9, 0.5];
        const matured = (window.metrics['accuracy']?.n ?? 0) * part;
        const { n = 0, sum = 0, squares = 0 } = window.metrics['accuracy'] ?? {};
        const told = { n: n * part * labelled, sum: sum * part * labelled, squares: squares * part * labelled };
        return { ...window, arm, requests: window.requests * part, units: window.units * part, metrics: { accuracy: told, errors: { n: window.requests * part, sum: 0, squares: 0 } }, labels: { matured, labelled: { accuracy: told.n } } };
      });
      const all = hours((start) => (start < NOW - 9 * DAY ? 0.9 : 0.85)).flatMap((window) => (window.start < NOW - 9 * DAY ? arms(window).reverse() : arms(window)));
      assert.match(watchOf(all).alarms.join(), /^production: accuracy 0\.85 vs 0\.9 \(n 13\.2k\), worse by more than 0\.02/);
    });
  });

  it('says that there is nothing to compare with in the first week, and nothing at all without data', () => {
    assert.match(watch(day(0, 0.02))?.words ?? '', /less than a week back/);
    assert.equal(watchChampion({ model: model(), quality: { kind: 'failed', because: 'refused' }, now: NOW, reading: released(0).reading() }), undefined);
  });
});

describe('the metrics of the guard', () => {
  it('are the text format of Prometheus, with one sample per state and names that need escaping', () => {
    const world = released(3);
    const assessment = assess(world, windows({ start: lastEvent(world) }));
    const report: GuardReport = { model: 'fraud "x"\\', flag: 'a\nb', environments: ['production'], state: 'alarm', words: [], assessment };
    const text = guardMetrics([report, { model: 'other', flag: 'c', environments: [], state: 'unreadable', words: ['refused'] }], 1_700_000_000_500);
    const samples = text.trim().split('\n').filter((line) => !line.startsWith('#'));
    for (const line of samples) assert.match(line, /^modelswitch_\w+(\{(\w+="(?:[^"\\\n]|\\["\\n])*",?)+\})? \d+$/);
    assert.ok(samples.includes('modelswitch_guard_last_look_timestamp_seconds 1700000000'));
    assert.equal(samples.filter((line) => line.startsWith('modelswitch_guard_state') && line.endsWith(' 1')).length, 2);
    assert.ok(samples.includes('modelswitch_guard_state{model="fraud \\"x\\"\\\\",flag="a\\nb",state="alarm"} 1'));
    assert.ok(samples.includes('modelswitch_release_stage{model="fraud \\"x\\"\\\\",flag="a\\nb"} 3'));
    assert.equal(samples.filter((line) => line.includes('model="other"') && line.startsWith('modelswitch_release')).length, 0, 'what could not be read has no stage');
    const names = [...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name);
    assert.deepEqual(names, [...new Set(names)]);
  });
});
