import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { differInTold } from '../../../src/core/quality/toldShare.ts';
import type { QualityData, QualityWindow } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { START } from '../../support/qualityRecords.ts';

const HOUR = 3_600_000;
const DIFFERS = /^the arms tell it of different shares of their records/;

interface Drawn { readonly isCandidate: boolean; readonly random: () => number; readonly unit: number }

function defined(section: Record<string, unknown>): QualityDefinition {
  const { quality, problems } = readQuality({ source: { log: 'log.jsonl' }, window: '1h', ...section });
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

/** Predictions, a second apart, a quarter of the candidate's: of as many users as records, or of fewer that come again and again. */
function collected(definition: QualityDefinition, make: (drawn: Drawn) => Record<string, unknown>, { count = 20_000, units = count, seed = 1, service = () => 'credit' }: { readonly count?: number; readonly units?: number; readonly seed?: number; readonly service?: (index: number) => string } = {}): QualityData {
  const [collector, random] = [new Collector(definition, { flags: ['f'] }), seeded(seed)];
  const candidates = Array.from({ length: units }, () => random() < 0.25);
  for (let index = 0; index < count; index += 1) {
    const unit = units === count ? index : Math.floor(random() * units);
    const isCandidate = candidates[unit] === true;
    const record = { ts: START + 1000 * index, request_id: `r-${index}`, unit_id: `u-${unit}`, environment: 'production', service: service(index), flag: 'f', assigned_arm: isCandidate ? 'candidate' : 'current', score: 0.5, error: null };
    collector.add({ ...record, ...make({ isCandidate, random, unit }) }, () => 'record');
  }
  return collector.data(START + 1000 * count + 48 * HOUR, []);
}

function judged(data: QualityData, definition: QualityDefinition): Record<string, MetricComparison> {
  return Object.fromEntries(compareArms(data, definition, 'production', { shareAt: () => 0.25 }).metrics.map((metric) => [metric.name, metric]));
}

const verdictOf = (data: QualityData, definition: QualityDefinition, name: string): readonly [verdict: string | undefined, differs: boolean] => {
  const found = judged(data, definition)[name];
  return [found?.verdict, DIFFERS.test(found?.because ?? '')];
};

const ACCURATE = { guardrails: [{ name: 'errors', bad: 'error' }, { name: 'accuracy', measure: 'accuracy', margin: 0.02 }], labels: { field: 'outcome' } };
const SLOW = { guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80', max_ratio: 1.25 }] };

/** Right answers of 90 % of the easy requests, of 60 % of the hard ones, which are 30 %, in both arms; `hides`: whether there is no answer to a hard one. */
function answered(isRight: number, hides: (drawn: Drawn) => boolean): (drawn: Drawn) => Record<string, unknown> {
  return (drawn) => {
    const [isHard, outcome] = [drawn.random() < 0.3, drawn.random() < 0.5];
    const right = drawn.random() < (isHard ? 0.6 : 0.9) * (drawn.isCandidate ? isRight : 1);
    return { outcome: Number(outcome), score: isHard && hides(drawn) ? null : right === outcome ? 0.9 : 0.1 };
  };
}

/** 10 % slow, of which the arms do not tell as many as `hidden`, and of the others `others`. */
function timed({ hidden, others = 0, slow = 0.1 }: { readonly hidden: (drawn: Drawn) => number; readonly others?: number; readonly slow?: number }): (drawn: Drawn) => Record<string, unknown> {
  return (drawn) => {
    const isSlow = drawn.random() < slow;
    return { latency_ms: drawn.random() < (isSlow ? hidden(drawn) : others) ? null : isSlow ? 120 : 40 };
  };
}

describe('records that do not tell a metric', () => {
  it('void it where one arm answers nothing to what is hard: it looks better than it is', () => {
    const definition = defined(ACCURATE);
    const data = collected(definition, answered(1, ({ isCandidate }) => isCandidate));
    const { accuracy } = judged(data, definition);
    assert.ok((accuracy?.candidate.value ?? 0) > 0.88 && (accuracy?.current.value ?? 1) < 0.83, JSON.stringify(accuracy));
    assert.deepEqual(verdictOf(data, definition, 'accuracy'), ['void', true]);
    assert.match(accuracy?.because ?? '', /with an outcome \(candidate 7\d\.\d\d? %, current 100 %\)/);
    assert.ok(data.notes.messages.some((words) => /^\d+ of \d+ records of candidate with an outcome do not tell accuracy: they do not count for it\.$/.test(words)), data.notes.messages.join('\n'));
  });

  it('void nothing where both arms leave out the same', () => {
    const definition = defined(ACCURATE);
    assert.deepEqual(verdictOf(collected(definition, answered(1, () => true)), definition, 'accuracy'), ['not worse', false]);
    const slow = defined(SLOW);
    assert.deepEqual(verdictOf(collected(slow, timed({ hidden: () => 0.5, others: 0.05 }), { count: 40_000 }), slow, 'slow'), ['not worse', false]);
  });

  it('hide no candidate that is worse even so', () => {
    const definition = defined(ACCURATE);
    assert.deepEqual(verdictOf(collected(definition, answered(0.7, ({ isCandidate }) => isCandidate)), definition, 'accuracy'), ['worse', false]);
  });

  it('void counts of bad events: slow answers without a latency', () => {
    const definition = defined(SLOW);
    const data = collected(definition, timed({ hidden: ({ isCandidate }) => (isCandidate ? 0.5 : 0) }), { count: 40_000 });
    assert.deepEqual(verdictOf(data, definition, 'slow'), ['void', true]);
    // Not by themselves a reason about what all of them tell.
    assert.equal(verdictOf(data, definition, 'errors')[1], false);
  });

  it('void by less than a point where the metric is as rare as that', () => {
    const definition = defined(SLOW);
    const rare = (hidden: number, slow: number): unknown => verdictOf(collected(definition, timed({ hidden: ({ isCandidate }) => (isCandidate ? hidden : 0), slow }), { count: 60_000 }), definition, 'slow')[1];
    assert.deepEqual([rare(0.6, 0.01), rare(0, 0.01)], [true, false], 'of 1 % slow answers most are hidden');
    // A quarter of 2 % is tolerated; so much is missing at random.
    const few = collected(definition, ({ isCandidate, random }) => ({ latency_ms: isCandidate && random() < 0.003 ? null : random() < 0.02 ? 120 : 40 }), { count: 60_000 });
    assert.equal(verdictOf(few, definition, 'slow')[1], false);
  });

  it('void by what is hidden of those that tell it, where few do', () => {
    const [metric = assert.fail()] = defined({ guardrails: [{ name: 'slow', bad: 'latency_ms > 80', max_ratio: 1.2 }] }).metrics;
    const arm = (requests: number, told: number): QualityWindow => ({ arm: '', environment: '', service: '', start: 0, end: 1, requests, units: requests, metrics: { slow: { n: told, sum: 0.02 * told, squares: 0.02 * told } } });
    /** Of a tenth of the requests it is told; of the candidate's of so much less. */
    const differs = (part: number): boolean => differInTold([[[arm(5e7, 5e6 * (1 - part))], [arm(1.5e8, 1.5e7)]]], metric, { phi: 1, isShare: true });
    // Slow are 2 %, and up to 2.4 % are tolerated: it may be 5.4 %, were all slow that is not told, and 2.3 %.
    assert.deepEqual([differs(0.035), differs(0.003)], [true, false]);
  });

  it('void nothing where the expression says what a missing value means', () => {
    const definition = defined({ guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'coalesce(latency_ms, 0) > 80' }] });
    // Fallbacks, which only the candidate has, have no latency.
    const data = collected(definition, ({ isCandidate, random }) => ({ ...(isCandidate && random() < 0.1 ? { fallback: true } : { latency_ms: random() < 0.1 ? 120 : 40 }) }), { count: 40_000 });
    assert.deepEqual(verdictOf(data, definition, 'slow'), ['not worse', false]);
  });

  it('are not those of which precision and recall say nothing: those that were decided no, or were none', () => {
    const definition = defined({ signals: [{ name: 'precision', measure: 'precision', margin: 0.05 }, { name: 'recall', measure: 'recall', margin: 0.05 }], labels: { field: 'outcome' } });
    // The candidate says yes twice as often; a prediction of it makes more of what it is about happen.
    const made = (hides: boolean) => ({ isCandidate, random }: Drawn): Record<string, unknown> => {
      const decided = random() < (isCandidate ? 0.5 : 0.25);
      const outcome = Number(random() < (decided ? 0.8 : isCandidate ? 0.2 : 0.1));
      return { outcome, score: hides && isCandidate && random() < 0.05 ? null : decided ? 0.9 : 0.1 };
    };
    const differ = (data: QualityData): readonly boolean[] => ['precision', 'recall'].map((name) => verdictOf(data, definition, name)[1]);
    assert.deepEqual(differ(collected(definition, made(false))), [false, false]);
    assert.deepEqual(differ(collected(definition, made(true))), [true, true]);
  });

  it('count where absence is an outcome, too', () => {
    const definition = defined({ ...ACCURATE, labels: { field: 'outcome', mature_after: '1h', absent_means: 0 } });
    const made = (hides: boolean) => (drawn: Drawn): Record<string, unknown> => {
      const { outcome, ...rest } = answered(1, ({ isCandidate }) => hides && isCandidate)(drawn);
      return outcome === 1 ? { ...rest, outcome } : rest;
    };
    assert.deepEqual([true, false].map((hides) => verdictOf(collected(definition, made(hides)), definition, 'accuracy')), [['void', true], ['not worse', false]]);
  });

  it('are as many as services have, compared within each', () => {
    const definition = defined(SLOW);
    // In b half of the records tell no latency, and there the candidate comes seldom, as if it had more of them.
    const service = (index: number): string => (index % 2 === 0 ? 'a' : 'b');
    const [collector, random] = [new Collector(definition, { flags: ['f'] }), seeded(5)];
    for (let index = 0; index < 40_000; index += 1) {
      const isCandidate = random() < (service(index) === 'a' ? 0.5 : 0.1);
      const isTold = service(index) === 'a' || random() < 0.5;
      collector.add({ ts: START + 1000 * index, request_id: `r-${index}`, unit_id: `u-${index}`, environment: 'production', service: service(index), flag: 'f', assigned_arm: isCandidate ? 'candidate' : 'current', error: null, ...(isTold ? { latency_ms: random() < 0.1 ? 120 : 40 } : {}) }, () => 'record');
    }
    const found = compareArms(collector.data(START + 200 * HOUR, []), definition, 'production').metrics.find(({ name }) => name === 'slow');
    assert.deepEqual([found?.verdict, DIFFERS.test(found?.because ?? '')], ['not worse', false]);
  });

  it('vary by units: those of a user that never has a latency are one observation, those that lack it here and there are many', () => {
    const definition = defined(SLOW);
    // 300 users, of whom 5 % never have one: by chance 2 to 9 % of either arm's records.
    const whole = Array.from({ length: 20 }, (_, seed) => {
      const [random, silent] = [seeded(seed + 1), new Map<number, boolean>()];
      const isSilent = (unit: number): boolean => { if (!silent.has(unit)) silent.set(unit, random() < 0.05); return silent.get(unit) === true; };
      return collected(definition, (drawn) => ({ latency_ms: isSilent(drawn.unit) ? null : drawn.random() < 0.1 ? 120 : 40 }), { count: 6000, units: 300, seed: seed + 1 });
    });
    assert.deepEqual(whole.filter((data) => verdictOf(data, definition, 'slow')[1]).length, 0);
    // As far apart by pure chance as this: counted as independent, some would have been taken for different.
    const shares = whole.map(({ arms }) => arms.map(({ toldSums }) => (toldSums?.['slow']?.bad ?? 0) / (toldSums?.['slow']?.requests ?? 1)));
    assert.ok(shares.some(([one = 0, other = 0]) => Math.abs(one - other) > 0.03), JSON.stringify(shares));
    const scattered = collected(definition, ({ isCandidate, random }) => ({ latency_ms: isCandidate && random() < 0.03 ? null : random() < 0.1 ? 120 : 40 }), { units: 300 });
    assert.deepEqual(verdictOf(scattered, definition, 'slow')[1], true);
  });

  it('are as if a user told all or nothing where what users could tell is not counted', () => {
    const definition = defined({ guardrails: [{ name: 'slow', bad: 'latency_ms > 80' }] });
    const of = (share: number): boolean => verdictOf(collected(definition, ({ isCandidate, random }) => ({ latency_ms: isCandidate && random() < share ? null : random() < 0.1 ? 120 : 40 }), { units: 300 }), definition, 'slow')[1];
    assert.deepEqual([of(0.03), of(0.3)], [false, true]);
  });

  it('vary as design_effect says where records name no unit', () => {
    const definition = defined(SLOW);
    const data = collected(definition, ({ isCandidate, random }) => ({ latency_ms: isCandidate && random() < 0.03 ? null : random() < 0.1 ? 120 : 40 }));
    const differs = (designEffect: number): boolean => verdictOf({ ...data, unnamed: { environments: ['production'], designEffect } }, definition, 'slow')[1];
    assert.deepEqual([differs(1), differs(100)], [true, false]);
  });

  it('are unknown where each metric has a total of its own', () => {
    const definition = defined(SLOW);
    const data = collected(definition, timed({ hidden: ({ isCandidate }) => (isCandidate ? 0.5 : 0) }), { count: 40_000 });
    assert.deepEqual(verdictOf({ ...data, hasOwnTotals: true }, definition, 'slow'), ['not worse', false]);
  });
});
