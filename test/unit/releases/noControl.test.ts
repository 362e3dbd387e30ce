import assert from 'node:assert/strict';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import type { QualityData, QualityWindow } from '../../../src/core/quality/window.ts';
import type { ReleaseAssessment, ReleaseLook } from '../../../src/core/releases/assessment.ts';
import { planAdvance } from '../../../src/core/releases/stageChange.ts';
import type { Stage } from '../../../src/core/workspace/plan.ts';
import { MINUTE, PLAN, assess, data, lastEvent, model, released, windows } from './assessSupport.ts';
import { stage, type World } from './worldSupport.ts';

function defined(section: object): QualityDefinition {
  return readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80' }], ...section }).quality ?? assert.fail('no quality');
}

/** As many slow answers as errors, told by the arms that are named. */
function slow(all: readonly QualityWindow[], arms: readonly string[]): QualityWindow[] {
  return all.map((each) => ({ ...each, metrics: { ...each.metrics, ...(arms.includes(each.arm) ? { slow: each.metrics['errors'] ?? assert.fail() } : {}) } }));
}

const only = (arm: string, all: readonly QualityWindow[]): QualityWindow[] => all.filter((each) => each.arm === arm).map((each) => ({ ...each, units: 0 }));
const EVERYONE: readonly Stage[] = [stage('production', 25, { gates: ['statistics'] }), stage('production', 100, { gates: ['statistics'] }), stage('development', 100)];

describe('an arm that tells nothing', () => {
  const judged = (world: World, all: readonly QualityWindow[], plan: readonly Stage[], quality: QualityDefinition, more: Partial<ReleaseLook> = {}): ReleaseAssessment => assess(world, all, { model: model({ plan, quality }), ...more });
  const MEND = /^(slow|errors) .*: (current|candidate) has no data, though it has a share: see that the source tells this metric of \2 as well, with the same environment and service$/;

  it('is no evidence while it has a share: not of one metric, and not of all', () => {
    const world = released(3);
    const all = windows({ start: lastEvent(world), count: 14 });
    const found = (each: readonly QualityWindow[], section: object = {}): readonly unknown[] => {
      const { verdict } = judged(world, each, PLAN, defined(section));
      return [verdict.word, verdict.reasons[0]?.kind, MEND.exec(verdict.reasons[0]?.words ?? '')?.slice(1)];
    };
    assert.deepEqual(found(slow(all, ['candidate', 'current'])), ['advance', undefined, undefined]);
    assert.deepEqual(found(slow(all, ['candidate'])), ['insufficient data', 'data', ['slow', 'current']]);
    assert.deepEqual(found(slow(all, ['current'])), ['insufficient data', 'data', ['slow', 'candidate']]);
    assert.deepEqual(found(slow(only('candidate', all), ['candidate'])).slice(0, 2), ['hold', 'blind'], 'nothing of current was ever heard');
    assert.deepEqual(found(slow(all, ['candidate']), { guardrails: [{ name: 'errors', bad: 'error' }], signals: [{ name: 'slow', bad: 'latency_ms > 80' }] }), ['insufficient data', 'data', ['slow', 'current']]);
  });

  it('is nobody where everyone has the candidate, in all the time that the records tell', () => {
    const world = released(1, EVERYONE);
    const before = slow(only('candidate', windows({ start: lastEvent(world), count: 4 })), ['candidate']);
    world.at = before.at(-1)!.end;
    world.apply(planAdvance(EVERYONE, world.reading()).change);
    const after = slow(only('candidate', windows({ start: lastEvent(world) + MINUTE, share: 1 })), ['candidate']);
    const alone = judged(world, after, EVERYONE, defined({}));
    assert.deepEqual([alone.stage, alone.verdict.word, alone.look.acceptance.map(({ state, words }) => [state, words])], [1, 'advance', [['no control', 'errors: nobody is left to compare with'], ['no control', 'slow: nobody is left to compare with']]]);
    // Then somebody had the current version, of whom nothing is told.
    const { verdict } = judged(world, [...before, ...after], EVERYONE, defined({}));
    assert.deepEqual([verdict.word, verdict.reasons[0]?.words.replace(/ \(n .*/, '')], ['insufficient data', 'errors 2 % vs no data']);
    assert.equal(judged(world, after.map((each) => ({ ...each, arm: 'current' })), EVERYONE, defined({})).verdict.word, 'insufficient data', 'a candidate of which nothing is told');
    const services = [...before.map((each) => ({ ...each, service: 'old' })), ...after.map((each) => ({ ...each, service: 'new' }))];
    assert.deepEqual(judged(world, services, EVERYONE, defined({})).look.acceptance.map(({ service, name, state }) => [service, name, state]), [['new', 'errors', 'no control'], ['new', 'slow', 'no control'], ['old', 'errors', 'open'], ['old', 'slow', 'open']]);
  });

  it('does not make acceptable what its outcomes do not tell', () => {
    const world = released(1, EVERYONE.slice(1));
    const quality = defined({ source: { log: 'x.jsonl', outcomes: 'o.jsonl' }, guardrails: [{ name: 'defaults', bad: 'defaulted' }], labels: { field: 'defaulted', mature_after: '0s', absent_means: 0 } });
    const all = windows({ start: lastEvent(world) + MINUTE, share: 1 }).filter(({ requests }) => requests > 0).map((each) => ({ ...each, metrics: { defaults: each.metrics['errors'] ?? assert.fail() } }));
    const looked = (notes: Partial<QualityData['notes']>): readonly unknown[] => {
      const known = data(all);
      const { verdict, look } = judged(world, all, EVERYONE.slice(1), quality, { quality: { kind: 'data', data: { ...known, notes: { ...known.notes, ...notes } } } });
      return [verdict.word, look.acceptance[0]?.state];
    };
    assert.deepEqual([looked({}), looked({ outcomesMissing: true })], [['advance', 'no control'], ['insufficient data', 'open']]);
  });
});
