import assert from 'node:assert/strict';
import type { ExposureCount } from '../../../src/core/releases/findings.ts';
import type { ReleaseAssessment, ReleaseLook } from '../../../src/core/releases/assessment.ts';
import type { QualityData, QualityWindow } from '../../../src/core/quality/window.ts';
import { GUARD_DEFAULTS } from '../../../src/core/workspace/guard.ts';
import { assess, data, lastEvent, MINUTE, model, released, windows } from './assessSupport.ts';
import { stage } from './worldSupport.ts';

const HOUR = 60 * MINUTE;
const PLAN = [stage('development', 100), stage('production', 5, { gates: ['statistics'] }), stage('production', 25, { gates: ['statistics'], hold: HOUR }), stage('production', 95)];

describe('what a look has heard of', () => {
  const world = released(3, PLAN);
  const start = Math.ceil(lastEvent(world) / HOUR) * HOUR;
  /** At 25 %, healthy; no new units come, so that the sample ratio says nothing. */
  const healthy = (hours: number, service = 'credit'): QualityWindow[] => windows({ start, count: 12 * hours, service }).map((each) => ({ ...each, units: 0 }));
  const look = (all: readonly QualityWindow[], more: Partial<ReleaseLook> = {}): ReleaseAssessment => assess(world, all.toSorted((a, b) => a.start - b.start), { model: model({ plan: PLAN }), ...more });
  const said = ({ verdict }: ReleaseAssessment): readonly unknown[] => [verdict.word, verdict.alarm, verdict.reasons[0]?.kind];

  describe('in other environments than that of the stage', () => {
    const heard = (environment: string, lastSeen: number): QualityData => {
      const known = data(healthy(3));
      return { ...known, arms: [...known.arms, ...known.arms.map((arm) => ({ ...arm, environment, lastSeen }))] };
    };
    const rollback = { ...GUARD_DEFAULTS, onBlind: 'rollback' } as const;

    it('holds nothing back where it is a developer’s own, which is quiet at night', () => {
      const quality = { kind: 'data', data: heard('development', start - 48 * HOUR) } as const;
      assert.deepEqual(said(look(healthy(3), { quality })), ['advance', false, undefined]);
      assert.equal(look(healthy(3), { quality, model: model({ plan: PLAN, guard: rollback }) }).verdict.word, 'advance', 'production is not taken back because development is quiet');
    });

    it('holds where it is one of production, and takes back the one that is not heard of', () => {
      const plan = [stage('development', 100), ...PLAN.slice(1)];
      const known = released(3, plan);
      known.environments = known.environments.map((each) => ({ ...each, type: 'production' }));
      const quality = { kind: 'data', data: heard('development', start - 48 * HOUR) } as const;
      const of = (guard: typeof rollback | typeof GUARD_DEFAULTS): ReleaseAssessment => assess(known, healthy(3), { quality, model: model({ plan, guard }) });
      assert.deepEqual(said(of(GUARD_DEFAULTS)), ['hold', true, 'blind']);
      const back = of(rollback);
      assert.equal(back.verdict.word, 'rollback');
      assert.deepEqual(back.rollback.kind === 'change' && back.rollback.change.environments.map(({ environment }) => environment), ['development']);
    });
  });

  it('is not what is logged under names of other arms', () => {
    const known = data(healthy(3));
    const now = start + 9 * HOUR;
    const renamed = known.arms.map((arm) => ({ ...arm, arm: arm.arm === 'candidate' ? 'v14' : 'v13', lastSeen: now - 1 }));
    const found = look(healthy(3), { now, quality: { kind: 'data', data: { ...known, arms: [...known.arms, ...renamed] } } });
    assert.deepEqual(said(found), ['hold', true, 'blind']);
    assert.match(found.verdict.reasons[0]?.words ?? '', /^the newest prediction of production was logged 6 h ago, but newer records of "v13", "v14", neither candidate nor current/);
  });

  it('alarms of one service of several that logs nothing any more of either arm, while it goes on asking for the flag', () => {
    const exposures = (hours: number): ExposureCount[] => ['web', 'credit'].flatMap((app) => Array.from({ length: app === 'web' ? 8 : hours }, (_, hour) => ({ environment: 'production', app, start: start + hour * HOUR, end: start + (hour + 1) * HOUR, yes: 12_000, no: 36_000, variants: {} })));
    const all = [...healthy(8, 'web'), ...healthy(3)];
    const found = look(all, { exposures: exposures(8) });
    assert.deepEqual(said(found), ['hold', true, 'blind']);
    assert.match(found.verdict.reasons[0]?.words ?? '', /^credit: the newest prediction of production was logged 5 h ago, though it goes on asking for the flag/);
    assert.equal(look(all, { exposures: exposures(3) }).verdict.word, 'advance', 'it asks no more, and may be retired');
    assert.equal(look(healthy(3), { exposures: exposures(3), now: start + 3 * HOUR + 5 * MINUTE }).verdict.word, 'advance');
    assert.equal(look([...healthy(8, 'web'), ...healthy(7)], { exposures: exposures(8) }).verdict.word, 'advance', 'of the hour that has just ended records may still come');
  });

  it('hears of a service that has ended, that is at rest, or of which all is left out, and of one that is asked seldom', () => {
    const asked = (app: string, hours: number, yes: number, from = 0): ExposureCount[] => Array.from({ length: hours }, (_, hour) => ({ environment: 'production', app, start: start + (from + hour) * HOUR, end: start + (from + hour + 1) * HOUR, yes, no: 3 * yes, variants: {} }));
    const word = (all: readonly QualityWindow[], exposures: readonly ExposureCount[], hours = 8): string => look([...healthy(8, 'web'), ...all], { exposures: [...asked('web', 8, 12_000), ...exposures], now: start + hours * HOUR + 10 * MINUTE }).verdict.word;
    const before = asked('credit', 3, 12_000);
    assert.equal(word(healthy(3), [...before, ...asked('credit', 5, 12_000, 3)]), 'hold', 'it goes on asking');
    // What was asked in its last seconds is told in the next hour.
    assert.equal(word(healthy(3), [...before, ...asked('credit', 1, 2, 3), ...asked('credit', 4, 0, 4)]), 'advance', 'it has ended');
    assert.equal(word(healthy(7), [...asked('credit', 7, 12_000), ...asked('credit', 1, 2, 7)]), 'advance', 'it has just ended');
    const leftOut = windows({ start: start + 3 * HOUR, count: 60, service: 'credit' }).map((each) => ({ ...each, units: 0, requests: 0, metrics: {}, served: each.requests }));
    assert.equal(word([...healthy(3), ...leftOut], [...before, ...asked('credit', 5, 12_000, 3)]), 'advance', 'it logs what nobody wants');
    const seldom = healthy(7).filter(({ start: at }) => (at - start) % HOUR === 0).map((each) => ({ ...each, requests: 1, metrics: {} }));
    assert.notEqual(word(seldom, asked('credit', 8, 5)), 'hold', 'it is asked once an hour');
  });
});
