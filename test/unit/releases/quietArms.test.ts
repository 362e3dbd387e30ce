import assert from 'node:assert/strict';
import type { ExposureCount } from '../../../src/core/releases/findings.ts';
import type { ReleaseAssessment, ReleaseLook } from '../../../src/core/releases/assessment.ts';
import { planAdvance } from '../../../src/core/releases/stageChange.ts';
import type { QualityWindow } from '../../../src/core/quality/window.ts';
import { assess, data, lastEvent, MINUTE, model, released, windows } from './assessSupport.ts';
import { stage } from './worldSupport.ts';

const HOUR = 60 * MINUTE;
const PLAN = [stage('development', 100), stage('production', 5, { gates: ['statistics'] }), stage('production', 25, { gates: ['statistics'], hold: HOUR }), stage('production', 50, { gates: ['statistics'] }), stage('production', 95)];

interface Story {
  /** Minutes for which an arm has logged nothing. */
  readonly quiet?: number;
  readonly arm?: string;
  readonly perWindow?: number;
  readonly service?: string;
}

/** Six hours at 25 %, of which an arm is heard of but for the last minutes. No new units come, so that the sample ratio says nothing. */
function story(start: number, { quiet = 0, arm = 'candidate', perWindow = 4000, service = 'credit' }: Story): QualityWindow[] {
  const all = windows({ start, count: 72, perWindow, service });
  const end = all.at(-1)!.end;
  return all.filter((each) => each.arm !== arm || each.end <= end - quiet * MINUTE).map((each) => ({ ...each, units: 0 }));
}

describe('an arm of which nothing is told any more', () => {
  const world = released(3, PLAN);
  const start = Math.ceil(lastEvent(world) / HOUR) * HOUR;
  const look = (all: readonly QualityWindow[], more: Partial<ReleaseLook> = {}): ReleaseAssessment => assess(world, all.toSorted((a, b) => a.start - b.start), { model: model({ plan: PLAN }), ...more });
  const of = (told: Story, more?: Partial<ReleaseLook>): ReleaseAssessment => look(story(start, told), more);
  const hours = (yes: number): ExposureCount[] => [3, 4, 5].map((hour) => ({ environment: 'production', app: 'credit', start: start + hour * HOUR, end: start + (hour + 1) * HOUR, yes, no: 36_000, variants: {} }));

  it('holds and alarms where the counters tell nothing, and takes nothing back', () => {
    for (const exposures of [undefined, []]) {
      const { verdict } = of({ quiet: 180 }, { exposures });
      assert.deepEqual([verdict.word, verdict.alarm, verdict.reasons.map(({ kind }) => kind)], ['hold', true, ['blind']], JSON.stringify(verdict.reasons));
      assert.match(verdict.reasons[0]?.words ?? '', /^the newest prediction of the candidate in production was logged 3 h ago, while the newest of the current version was just now/);
    }
    assert.equal(of({ quiet: 180 }, { model: model({ plan: PLAN, guard: { onBreach: 'zero', blindAfter: 30 * MINUTE, onBlind: 'rollback' } }) }).verdict.word, 'hold', 'also where blindness takes back');
    assert.match(of({ quiet: 180, arm: 'current' }).verdict.reasons[0]?.words ?? '', /^the newest prediction of the current version in production/);
  });

  it('is one that was heard of within blind_after no more than one that goes on', () => {
    assert.equal(of({ quiet: 25 }).verdict.word, 'advance');
    assert.equal(of({ quiet: 35 }).verdict.word, 'hold');
    assert.equal(of({}).verdict.word, 'advance');
  });

  it('is none that nobody was sent to, or that has so little traffic', () => {
    assert.equal(of({ quiet: 180 }, { exposures: hours(0) }).verdict.word, 'advance');
    assert.equal(of({ quiet: 180 }, { exposures: hours(12_000) }).verdict.word, 'rollback', 'missing answers');
    assert.equal(of({ quiet: 35, perWindow: 8 }).look.quiet, undefined, 'two in five minutes: twenty of their distances are 50 minutes');
    assert.notEqual(of({ quiet: 60, perWindow: 8 }).look.quiet, undefined);
  });

  it('is looked at in each service by itself', () => {
    const found = look([...story(start, {}), ...story(start, { quiet: 180, service: 'web' })]);
    assert.deepEqual(found.look.quiet?.map(({ service }) => service), ['web']);
    assert.match(found.verdict.reasons[0]?.words ?? '', /^web: the newest prediction of the candidate/);
    const gone = look([...story(start, {}), ...story(start, { service: 'web' }).filter(({ arm, end }) => end <= start + (arm === 'candidate' ? 2 : 4) * HOUR)]);
    assert.equal(gone.look.quiet, undefined, 'a service that nothing is heard of any more tells no arm from the other');
  });

  it('is one that was never heard of, once it has had its share for so long', () => {
    const young = released(2, PLAN);
    young.at = start + 5 * HOUR;
    young.apply(planAdvance(PLAN, young.reading()).change);
    const silent = windows({ start, count: 72 }).filter(({ arm }) => arm === 'current').map((each) => ({ ...each, units: 0 }));
    const at = (end: number): ReleaseAssessment => assess(young, silent.filter((each) => each.end <= end), { model: model({ plan: PLAN }) });
    assert.match(at(start + 6 * HOUR).look.quiet?.[0]?.words ?? '', /^no prediction of the candidate in production was logged, while/);
    const first = released(1, PLAN);
    first.at = start;
    first.apply(planAdvance(PLAN, first.reading()).change);
    for (const [minutes, isQuiet] of [[25, false], [40, true]] as const) {
      const all = silent.filter((each) => each.end <= start + minutes * MINUTE);
      assert.equal(assess(first, all, { model: model({ plan: PLAN }), quality: { kind: 'data', data: data(all) } }).look.quiet !== undefined, isQuiet, `${minutes} minutes`);
    }
  });

  it('is none where nobody is left to compare with, or the share is 0', () => {
    const full = released(5, [...PLAN.slice(0, 4), stage('production', 100)]);
    for (const arm of ['candidate', 'current']) assert.equal(assess(full, story(lastEvent(full), { quiet: 180, arm }), { model: model({ plan: PLAN }) }).look.quiet, undefined, arm);
  });
});
