import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { planSetRollout } from '../../../src/core/flags/planner.ts';
import { planStart } from '../../../src/core/flags/startRollout.ts';
import { pin } from '../../../src/core/flags/titles.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { assessRelease, type ReleaseAssessment } from '../../../src/core/releases/assessment.ts';
import { calledFor } from '../../../src/core/releases/calledFor.ts';
import { planPower } from '../../../src/core/releases/detectable.ts';
import { releaseTimeline, timelineMarkdown, timelineTable } from '../../../src/core/releases/releaseTimeline.ts';
import { isExperiment } from '../../../src/core/releases/experiment.ts';
import { advanceHurdles, releaseRow, type ReleaseRow } from '../../../src/core/releases/releaseView.ts';
import { planAdvance, planStepDown } from '../../../src/core/releases/stageChange.ts';
import type { Stage } from '../../../src/core/workspace/plan.ts';
import { stage, World } from './worldSupport.ts';

const nowhere = { start: { offset: 0, line: 0, column: 0 }, end: { offset: 0, line: 0, column: 0 } };
const PLAN: readonly Stage[] = [stage('development', 100), stage('production', 5, { minPredictions: 2000 }), stage('production', 25, { minPredictions: 20_000 }), stage('production', 100)];

function released(times: number, plan = PLAN): World {
  const world = new World();
  world.apply(planStart(world.reading(), { environments: ['development', 'production'], pin: pin('fraud', '14', '13') }));
  for (let count = 0; count < times; count += 1) world.apply(planAdvance(plan, world.reading()).change);
  return world;
}

function assess(world: World, plan = PLAN): ReleaseAssessment {
  const model = { name: 'fraud', switches: [{ flag: 'fraud', on: 'candidate', off: 'current', range: nowhere }], current: 'champion', candidate: 'challenger', range: nowhere, plan };
  return assessRelease({ now: Date.parse(world.events.at(-1)!.createdAt), model, reading: world.reading(), quality: { kind: 'none' }, gates: [], moved: [], sha256: (text) => createHash('sha256').update(text).digest('hex') }) ?? assert.fail('no plan');
}

const row = (world: World): ReleaseRow => releaseRow({ model: 'fraud', flag: 'fraud', plan: PLAN, assessment: assess(world), lookedAt: 0, failure: undefined, guarded: false, now: 0 });

describe('the view of a release', () => {
  it('tells what is going out, where, the stage and the verdict, and what one may do', () => {
    const { label, description, context, children } = row(released(2));
    assert.equal(label, 'fraud v14 over v13');
    assert.match(description, /^production 5 % · stage 2 of 4 · \w+/);
    assert.match(context, /^release next back unguarded$/);
    assert.deepEqual(children.filter(({ id }) => id.startsWith('stage')).map(({ icon }) => icon), ['pass-filled', 'circle-filled', 'circle-large-outline', 'circle-large-outline']);
  });

  it('shows a deviation with the ways out', () => {
    const world = released(2);
    world.apply(planSetRollout(world.reading(), 'production', 10));
    const deviations = row(world).children.find(({ id }) => id === 'deviations');
    assert.match(deviations?.children[0]?.label ?? '', /production is at 10 % instead of 5 %/);
    assert.ok(deviations!.children.some(({ way }) => way === 0), JSON.stringify(deviations));
  });

  it('shows a latch, and lets nobody advance over it', () => {
    const world = released(2);
    world.apply(planStepDown(PLAN, -1, world.reading(), 'production', 'guard', { reason: 'errors doubled' }));
    const latched = row(world);
    assert.match(latched.description, /^latched · /);
    assert.ok(latched.context.includes('latched') && !latched.context.includes('next'), latched.context);
    assert.match(advanceHurdles(assess(world), 1).final[0] ?? '', /re-arm first/);
    const { entries } = releaseTimeline('fraud', PLAN, { ...world.reading(), parents: [], segmentEvents: [] });
    assert.equal(entries.at(-1)?.mark, 'guard');
    const timeline = releaseTimeline('fraud', PLAN, { ...world.reading(), parents: [], segmentEvents: [] });
    assert.match(timelineMarkdown(timeline), /taken back by the guard/);
    const { title, columns, rows } = timelineTable(timeline, 2);
    assert.match(title, /^History of fraud behind fraud, newest first, .*; \d+ older entries are in the release timeline$/);
    assert.deepEqual([columns, rows.length], [['when (UTC)', 'where', 'what', 'stage', 'guard', 'who', 'versions, reason, evidence', 'events'], 2]);
    assert.deepEqual(rows[0]?.slice(1, 5), ['production', '5 % -> 0 %', 'stage 1 of 4', 'taken back by the guard']);
    assert.match(rows[0][6] ?? '', /fraud v14 over v13 · errors doubled$/);
    assert.equal(releaseTimeline('fraud', [], { ...world.reading(), parents: [], segmentEvents: [] }).entries.every((entry) => entry.stage === undefined), true);
  });

  it('tells an experiment from a ramp', () => {
    assert.equal(isExperiment(PLAN), false);
    assert.equal(isExperiment([stage('development', 100), stage('production', 50)]), true);
  });
});

describe('what a stage could notice', () => {
  it('is a smaller ratio for a larger sample, and nothing without a control', () => {
    const quality = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2, min_rate: 0.02 }] }).quality!;
    const [, small, large, all] = planPower({ plan: PLAN, quality });
    assert.ok(large!.detections[0]!.ratio < small!.detections[0]!.ratio, JSON.stringify([small, large]));
    assert.match(all!.words, /nobody is left to compare with/);
  });
});

describe('what a release calls for', () => {
  const latched = (): World => {
    const world = released(2);
    world.apply(planStepDown(PLAN, -1, world.reading(), 'production', 'guard', { reason: 'errors doubled' }));
    return world;
  };

  it('is the next stage until the last, then the completion, in the environment that it changes', () => {
    assert.deepEqual([released(0), released(1), released(4)].map((world) => calledFor(assess(world), PLAN, 1)), [
      { kind: 'advance', environment: 'development' }, { kind: 'advance', environment: 'production' }, { kind: 'complete', environment: 'production' },
    ]);
  });

  it('is re-arming after the guard, and nothing where Unleash is not as the plan has it, or a stage that ends the release is still held', () => {
    assert.deepEqual(calledFor(assess(latched()), PLAN, 1), { kind: 're-arm', environment: 'production' });
    const deviating = released(2);
    deviating.apply(planSetRollout(deviating.reading(), 'production', 10));
    assert.equal(calledFor(assess(deviating), PLAN, 1), undefined);
    const held = [...PLAN.slice(0, 3), stage('production', 100, { hold: 3_600_000 })];
    assert.equal(calledFor(assess(released(4), held), held, 1), undefined);
  });

  it('is consent where a stage waits for it, and going on only for another person than who gave it', () => {
    const plan = PLAN.map((each) => ({ ...each, gates: ['approval' as const] }));
    const world = released(2);
    assert.deepEqual(calledFor(assess(world, plan), plan, 1), { kind: 'approve', environment: 'production' });
    const { approval, ...rest } = assess(world, plan);
    const given = { ...rest, approval: { digest: approval!.digest, given: [{ event: 1, at: '', by: 'eve', byId: 1 }] } };
    assert.deepEqual([1, 2].map((userId) => calledFor(given, plan, userId)?.kind), [undefined, 'advance']);
  });

  it('is shipping at the end of an experiment, and no raise while a guardrail is in breach', () => {
    const plan = [stage('development', 100), stage('production', 50)];
    assert.deepEqual(calledFor(assess(released(2, plan), plan), plan, 1), { kind: 'ship', environment: 'production' });
    const known = assess(released(2));
    assert.equal(calledFor({ ...known, verdict: { word: 'rollback', reasons: [{ kind: 'breach', words: 'errors' }], alarm: true, needsPerson: true } }, PLAN, 1), undefined);
  });
});
