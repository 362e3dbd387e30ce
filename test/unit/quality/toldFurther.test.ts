import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { toldOf } from '../../../src/core/quality/told.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';

const MINUTE = 60_000;
const BEGIN = Date.UTC(2026, 2, 2, 10);

function definitionOf(window: string): QualityDefinition {
  const { quality } = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2 }, { name: 'latency', mean: 'latency_ms', better: 'lower', margin: 5 }], window });
  return quality ?? assert.fail();
}

interface Logged {
  readonly minutes: number;
  /** Minutes up to which each arm has been told. */
  readonly told: readonly [candidate: number, current: number];
  /** Share of errors of an arm at a minute; each costs a second. */
  readonly errors: (minute: number, arm: 0 | 1) => number;
  readonly window?: string;
  readonly service?: (index: number) => string;
  /** So many minutes after the last one somebody looks. */
  readonly later?: number;
}

/** 400 predictions a minute, of which every fourth is the candidate's. */
function logged({ minutes, told, errors, window = '5min', service = () => '', isSaved = false }: Logged & { readonly isSaved?: boolean }): QualityData {
  const definition = definitionOf(window);
  let collector = new Collector(definition, { flags: ['fraud'] });
  for (let index = 0; index < 400 * minutes; index += 1) {
    const [minute, arm] = [index / 400, index % 4 === 0 ? 0 : 1] as const;
    if (isSaved && index === 200 * minutes) collector = new Collector(definition, { flags: ['fraud'] }, structuredClone(collector.saved));
    if (minute >= told[arm]) continue;
    const isBad = (Math.floor(index / 4) * 61) % 100 < 100 * errors(minute, arm);
    collector.add({ flag: 'fraud', ts: BEGIN + minute * MINUTE, environment: 'production', service: service(index), assigned_arm: arm === 0 ? 'candidate' : 'current', request_id: `r${index}`, unit_id: `u${index}`, latency_ms: isBad ? 1040 : 40, error: isBad ? 'failed' : null }, () => '');
  }
  return collector.data(BEGIN + minutes * MINUTE, []);
}

function compared(given: Logged): Record<string, MetricComparison> {
  const { metrics } = compareArms(logged(given), definitionOf(given.window ?? '5min'), 'production', { shareAt: () => 0.25, now: BEGIN + (given.minutes + (given.later ?? 0)) * MINUTE });
  return Object.fromEntries(metrics.map((metric) => [metric.name, metric]));
}

/** Both fail from a minute on. */
const outage = (from: number) => (minute: number): number => (minute >= from ? 0.5 : 0.02);

describe('an arm that has been told further than the other', () => {
  it('is not worse because only of it what both fail by has been told', () => {
    for (const behind of [0.25, 0.5, 1, 2]) {
      const { errors, latency } = compared({ minutes: 33, told: [33, 33 - behind], errors: outage(33 - behind) });
      assert.deepEqual([errors?.verdict === 'worse', latency?.verdict === 'worse'], [false, false], `${behind} minutes: ${errors?.because}; ${latency?.because}`);
      // What there is is shown.
      assert.equal(errors?.candidate.n, 3300);
      assert.ok((errors.effect ?? 0) > 1);
    }
    const { errors } = compared({ minutes: 33, told: [33, 32], errors: outage(32) });
    assert.match(errors?.because ?? '', /one arm has been told further than the other within the newest window/);
  });

  it('is not shown to be not worse because only of it has been told that what both failed by is over', () => {
    const over = (minute: number, arm: 0 | 1): number => (minute >= 4 ? 0 : arm === 0 ? 0.6 : 0.3);
    const { errors } = compared({ minutes: 10, told: [10, 4], errors: over, window: '1h' });
    assert.notEqual(errors?.verdict, 'not worse', errors?.because);
  });

  it('is worse when both have been told of the window to its end', () => {
    const bad = (minute: number, arm: 0 | 1): number => (minute >= 25 && arm === 0 ? 0.08 : 0.02);
    assert.equal(compared({ minutes: 29, told: [29, 28], errors: bad }).errors?.verdict, 'undecided');
    assert.equal(compared({ minutes: 31, told: [31, 30], errors: bad }).errors?.verdict, 'worse');
  });

  it('is worse long before that where it fails much, and the window is long', () => {
    const broken = (minute: number, arm: 0 | 1): number => (minute >= 25 && arm === 0 ? 0.9 : 0.02);
    assert.equal(compared({ minutes: 35, told: [35, 34.5], errors: broken, window: '1d' }).errors?.verdict, 'worse');
  });

  it('is compared with what the other had told when that one fell silent', () => {
    const broken = (minute: number, arm: 0 | 1): number => (minute >= 25 && arm === 0 ? 0.9 : 0.02);
    // The candidate fails, and crashes two minutes later.
    assert.equal(compared({ minutes: 29, told: [27, 29], errors: broken }).errors?.verdict, 'worse');
    assert.equal(compared({ minutes: 50, told: [27, 50], errors: broken, window: '1h' }).errors?.verdict, 'worse');
  });

  it('counts in full where nothing has come of either for longer than it is waited for: a batch that has ended', () => {
    const twice = (_: number, arm: 0 | 1): number => (arm === 0 ? 0.12 : 0.04);
    const batch = { minutes: 20, told: [20, 12], errors: twice, window: '1h' } as const;
    assert.deepEqual([compared({ ...batch, later: 11 }), compared({ ...batch, later: 23 })].map(({ errors, latency }) => [errors?.verdict === 'worse', latency?.verdict === 'worse']), [[false, false], [true, true]]);
  });

  it('waits for the current version until it is blind, for what both fail by would be the candidate\'s alone', () => {
    for (const behind of [12, 20, 29]) {
      const late = { minutes: 55, told: [55, 55 - behind], window: '1h' } as const;
      const { errors, latency } = compared({ ...late, errors: outage(55 - behind) });
      assert.deepEqual([errors?.verdict === 'worse', latency?.verdict === 'worse'], [false, false], `${behind} minutes: ${errors?.because}; ${latency?.because}`);
    }
    // A candidate is silent sooner: what it did before it crashed counts.
    assert.equal(compared({ minutes: 55, told: [43, 55], errors: (_, arm) => (arm === 0 ? 0.12 : 0.04), window: '1h' }).latency?.verdict, 'worse');
  });

  it('does not wait for one that has fallen silent, in a window of a day either', () => {
    const broken = (_: number, arm: 0 | 1): number => (arm === 0 ? 0.3 : 0.02);
    for (const window of ['5min', '1d']) assert.equal(compared({ minutes: 90, told: [90, 30], errors: broken, window }).errors?.verdict, 'worse', window);
    const ratio = (told: readonly [number, number]): string => compareArms(logged({ minutes: 90, told, errors: () => 0.02 }), definitionOf('5min'), 'production', { shareAt: () => 0.25, now: BEGIN + 90 * MINUTE }).sampleRatio.verdict;
    assert.deepEqual([ratio([90, 30]), ratio([30, 90])], ['mismatch', 'mismatch']);
  });

  it('is one by more than the distance of its records', () => {
    const latency = (candidate: number): string | undefined => compared({ minutes: 10, told: [candidate, 10], errors: () => 0.02, window: '1h' })['latency']?.verdict;
    // The candidate has one in 0.6 seconds.
    assert.equal(latency(9.5), 'insufficient data');
    assert.notEqual(latency(9.96), 'insufficient data');
  });

  it('has no more units than it should', () => {
    // The first minutes, in which a minute is much.
    const ratio = (given: Pick<Logged, 'minutes' | 'told'>): string => compareArms(logged({ ...given, errors: () => 0.02 }), definitionOf('5min'), 'production', { shareAt: () => 0.25, now: BEGIN + given.minutes * MINUTE }).sampleRatio.verdict;
    assert.deepEqual([ratio({ minutes: 3, told: [3, 1] }), ratio({ minutes: 8, told: [8, 6] }), ratio({ minutes: 8, told: [8, 8] })], ['not checked', 'as configured', 'as configured']);
    // Units that are missing are missing all the same.
    assert.equal(compareArms(logged({ minutes: 21, told: [21, 20], errors: () => 0.02 }), definitionOf('5min'), 'production', { shareAt: () => 0.4, now: BEGIN + 21 * MINUTE }).sampleRatio.verdict, 'mismatch');
  });

  it('is one by service: how far the other service has been told is no matter', () => {
    const service = (index: number): string => (index % 8 < 4 ? 'a' : 'b');
    for (const isSaved of [false, true]) {
      // Current of b is a minute late, current of a is not.
      const both = logged({ minutes: 33, told: [33, 33], errors: outage(32), service, isSaved });
      const late = logged({ minutes: 33, told: [33, 32], errors: outage(32), service, isSaved });
      const data = { ...both, windows: [...both.windows.filter((window) => window.service === 'a'), ...late.windows.filter((window) => window.service === 'b')].sort((a, b) => a.start - b.start) };
      assert.deepEqual(['a', 'b'].map((name) => Math.round((BEGIN + 33 * MINUTE - toldOf({ ...data, windows: data.windows.filter((window) => window.service === name) }, 'production', 'current', true).least) / MINUTE)), [0, 1]);
      const [errors] = compareArms(data, definitionOf('5min'), 'production', { shareAt: () => 0.25, now: BEGIN + 33 * MINUTE }).metrics;
      assert.equal(errors?.verdict, 'undecided', errors?.because);
    }
  });
});
