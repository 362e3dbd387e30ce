import assert from 'node:assert/strict';
import { candidateLimits, limitWindows } from '../../../src/core/quality/limits.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { records, START } from '../../support/qualityRecords.ts';

const MEASURES = ['accuracy', 'precision', 'recall', 'uncertain', 'confident'] as const;

function defined(labels: Record<string, unknown> = {}): QualityDefinition {
  const { quality, problems } = readQuality({ source: { log: 'x.jsonl' }, labels, guardrails: MEASURES.map((measure) => ({ name: measure, measure, margin: 0.05, ...(measure === 'accuracy' ? { limit: 0.7 } : {}) })) });
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

interface Scored { readonly score: number; readonly outcome: boolean; readonly label?: number; readonly assigned_arm?: string }

/** Services that cut at 50 of 100: current is right in 95 %, the candidate by chance. `scored`: what is logged of it. */
function collected(definition: QualityDefinition, scored: (score: number, outcome: boolean, index: number) => Scored): QualityData {
  const random = seeded(7);
  const collector = new Collector(definition, { flags: ['fraud-v2'] });
  for (const [index, record] of records({ count: 12_000, units: 12_000, share: 0.5 }).entries()) {
    const outcome = random() < 0.4;
    const isRight = random() < (record.assigned_arm === 'candidate' ? 0.5 : 0.95);
    collector.add({ ...record, ...scored((isRight === outcome ? 51 : 1) + 48 * random(), outcome, index) }, () => 'record');
  }
  return collector.data(START + 86_400_000, []);
}

const compared = (data: QualityData, definition: QualityDefinition, since?: number): readonly MetricComparison[] => compareArms(data, definition, 'production', { shareAt: () => 0.5, since }).metrics;
const verdicts = (metrics: readonly MetricComparison[]): Readonly<Record<string, string>> => Object.fromEntries(metrics.map(({ name, verdict }) => [name, verdict]));
const ALL_INSUFFICIENT = Object.fromEntries(MEASURES.map((name) => [name, 'insufficient data']));

describe('scores that are no probabilities', () => {
  it('decide nothing at the usual threshold, which is said with the mend', () => {
    const definition = defined();
    const metrics = compared(collected(definition, (score, outcome) => ({ score, outcome })), definition);
    assert.deepEqual(verdicts(metrics), ALL_INSUFFICIENT);
    assert.match(metrics[0]?.because ?? '', /^give labels: \{threshold: \.\.\.\}, at which the service decides: 0\.5 does not divide scores with an outcome outside 0 to 1 \(\S+ of \S+ of candidate, \S+ of \S+ of current\)$/);
    assert.match(metrics[3]?.because ?? '', /^give labels: .* does not divide scores outside 0 to 1/);
  });

  it('say nothing by the few that lie between 0 and 1, such as logits, nor against a limit', () => {
    const definition = defined();
    const data = collected(definition, (score, outcome) => ({ score: (score - 50) / 20, outcome }));
    assert.ok((data.windows[0]?.metrics['accuracy']?.n ?? 0) > 0);
    assert.deepEqual(verdicts(compared(data, definition)), ALL_INSUFFICIENT);
    const [limit] = candidateLimits(limitWindows(data, 'production', { since: undefined }), data, definition, 'production', { since: undefined });
    assert.deepEqual([limit?.state, limit?.because?.startsWith('give labels: {threshold: ...}')], ['insufficient', true]);
  });

  it('are divided where the threshold is given', () => {
    const definition = defined({ threshold: 50, band: 10 });
    const data = collected(definition, (score, outcome) => ({ score, outcome }));
    const { accuracy, uncertain } = verdicts(compared(data, definition));
    assert.deepEqual([accuracy, uncertain], ['worse', 'not worse']);
    assert.equal(candidateLimits(limitWindows(data, 'production', { since: undefined }), data, definition, 'production', { since: undefined })[0]?.state, 'passed');
  });

  it('do not matter where labels decide', () => {
    const definition = defined();
    const metrics = compared(collected(definition, (score, outcome) => ({ score: score - 50, outcome, label: Number(score >= 50) })), definition);
    assert.deepEqual({ ...ALL_INSUFFICIENT, accuracy: 'worse', precision: 'worse', recall: 'worse' }, verdicts(metrics));
  });

  it('of a hundredth are left out, and the others count', () => {
    const definition = defined();
    const data = collected(definition, (score, outcome, index) => ({ score: index % 150 === 0 ? 1.000001 : score / 100, outcome }));
    assert.equal(verdicts(compared(data, definition))['accuracy'], 'worse');
    const n = data.windows.reduce((sum, { metrics: { accuracy } }) => sum + (accuracy?.n ?? 0), 0);
    assert.equal(n, 12_000 - 80);
  });

  it('of an arm that is not compared do not matter', () => {
    const definition = defined();
    const data = collected(definition, (score, outcome, index) => ({ score: score / 100, outcome, ...(index % 30 < 2 ? { score: 50, assigned_arm: 'rules' } : {}) }));
    assert.deepEqual(data.arms.map(({ arm }) => arm).sort(), ['candidate', 'current', 'rules']);
    assert.equal(verdicts(compared(data, definition))['accuracy'], 'worse');
    const [limit] = candidateLimits(limitWindows(data, 'production', { since: undefined }), data, definition, 'production', { since: undefined });
    assert.equal(limit?.state, 'passed');
  });

  it('from before evidence began do not matter', () => {
    const definition = defined();
    const half = 6000;
    const data = collected(definition, (score, outcome, index) => ({ score: index < half ? score : score / 100, outcome }));
    assert.deepEqual(verdicts(compared(data, definition)), ALL_INSUFFICIENT);
    assert.equal(verdicts(compared(data, definition, START + 100 * half))['accuracy'], 'worse');
  });
});
