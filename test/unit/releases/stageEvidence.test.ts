import assert from 'node:assert/strict';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { predictionsToAccept } from '../../../src/core/quality/stats/power.ts';
import type { QualityWindow } from '../../../src/core/quality/window.ts';
import type { ReleaseAssessment } from '../../../src/core/releases/assessment.ts';
import { planAdvance } from '../../../src/core/releases/stageChange.ts';
import type { Stage } from '../../../src/core/workspace/plan.ts';
import { MINUTE, QUALITY, assess, lastEvent, model, released, windows } from './assessSupport.ts';
import { stage, type World } from './worldSupport.ts';

const gates: Stage['gates'] = ['statistics'];
const PLAN: readonly Stage[] = [stage('production', 5, { gates }), stage('production', 25, { gates }), stage('production', 100, { gates }), stage('development', 100)];
const ERRORS = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error' }], window: '5min' }).quality ?? assert.fail();

function reach(world: World, plan: readonly Stage[], at: number): void {
  world.at = at;
  world.apply(planAdvance(plan, world.reading()).change);
}

/** A release at 25 % that was healthy for 100,000 predictions at 5 %. */
function atQuarter(): { readonly world: World; readonly early: readonly QualityWindow[]; readonly since: number } {
  const world = released(1, PLAN);
  const early = windows({ start: lastEvent(world) + 5 * MINUTE, count: 25, share: 0.05 });
  reach(world, PLAN, early.at(-1)!.end + 1);
  return { world, early, since: lastEvent(world) + MINUTE };
}

describe('the evidence of a stage', () => {
  const { world, early, since } = atQuarter();
  const judged = (late: readonly QualityWindow[], quality: QualityDefinition = ERRORS): ReleaseAssessment => assess(world, [...early, ...late], { model: model({ plan: PLAN, quality }) });
  const told = ({ verdict }: ReleaseAssessment): readonly unknown[] => [verdict.word, verdict.reasons.map(({ kind }) => kind)];

  it('is needed to leave it, whatever was shown before', () => {
    assert.deepEqual(told(judged(windows({ start: since }))), ['advance', []]);
    for (const [candidateErrors, perWindow] of [[0.04, 800], [0.06, 400]] as const) {
      const found = judged(windows({ start: since, candidateErrors, perWindow, count: candidateErrors === 0.04 ? 10 : 6 }));
      assert.equal(found.comparisons[0]?.report.metrics[0]?.verdict, 'not worse', 'all evidence together is for it');
      assert.deepEqual(told(found), ['hold', ['evidence']], String(candidateErrors));
      assert.match(found.verdict.reasons[0]?.words ?? '', new RegExp(`^errors ${100 * candidateErrors} % vs 2 % \\(n [\\d.]+k?\\) in this stage: not worse by all evidence, but not shown yet by this stage alone \\(.+\\)`));
    }
  });

  it('is none before its first record', () => {
    const found = judged([]);
    assert.deepEqual([found.stageWords, found.verdict.word, found.verdict.reasons[0]], ['stage 2 of 4', 'insufficient data', { kind: 'data', words: 'the stage asks for statistics, and no window with a prediction of the candidate has begun since it was reached' }]);
    assert.deepEqual(told(judged(windows({ start: since }).filter(({ arm }) => arm === 'current').map((each) => ({ ...each, units: 0 })))), ['hold', ['blind', 'evidence']]);
  });

  it('is missed by about as many predictions as is said, if the candidate is as good', () => {
    const late = (count: number): QualityWindow[] => windows({ start: since, perWindow: 400, count });
    const needed = Number(/about ([\d.]+)k more predictions of the candidate show it$/.exec(judged(late(2)).verdict.reasons[0]?.words ?? '')?.[1]) * 1000;
    assert.ok(needed > 1000 && needed < 3000, String(needed));
    // A window has a hundred of the candidate.
    assert.deepEqual([judged(late(2 + Math.floor(0.8 * needed / 100))).verdict.word, judged(late(2 + Math.ceil(1.1 * needed / 100))).verdict.word], ['hold', 'advance']);
  });

  it('is said in numbers for what is rarer than min_rate and for means, too', () => {
    const rare = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error', min_rate: 0.01 }], window: '5min' }).quality ?? assert.fail();
    const none = { candidateErrors: 0, currentErrors: 0 };
    const healthy = windows({ start: early[0]!.start, count: 25, share: 0.05, ...none });
    const [short, long] = [8, 24].map((count) => assess(world, [...healthy, ...windows({ start: since, perWindow: 200, count, ...none })], { model: model({ plan: PLAN, quality: rare }) }));
    assert.match(short?.verdict.reasons[0]?.words ?? '', /^errors 0 % vs 0 % \(n 400\) in this stage: .* \(too few bad events to tell\); .* about 350 more predictions of the candidate show it$/);
    assert.equal(long?.verdict.word, 'advance');
    const quality = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'latency', mean: 'latency_ms', margin: 2 }], window: '5min' }).quality ?? assert.fail();
    const means = (all: readonly QualityWindow[], mean: number): QualityWindow[] => all.map((each) => ({ ...each, metrics: { latency: { n: each.requests, sum: (each.arm === 'candidate' ? mean : 40) * each.requests, squares: ((each.arm === 'candidate' ? mean : 40) ** 2 + 400) * each.requests } } }));
    const of = (count: number, mean = 40): ReleaseAssessment => assess(world, [...means(early, 40), ...means(windows({ start: since, count, perWindow: 1000 }), mean)], { model: model({ plan: PLAN, quality }) });
    const needed = Number(/^latency 40 vs 40 \(n 500\) in this stage: .* about ([\d.]+)k? more predictions of the candidate show it$/.exec(of(2).verdict.reasons[0]?.words ?? '')?.[1]);
    assert.ok(needed >= 1 && needed < 10, String(of(2).verdict.reasons[0]?.words));
    assert.deepEqual([of(4 * needed + 2).verdict.word, of(4 * needed + 2, 42).verdict.word], ['advance', 'hold']);
  });

  it('does not matter to a breach, which goes by all of it', () => {
    const bad = windows({ start: since, candidateErrors: 0.1, perWindow: 200, count: 6 });
    assert.equal(judged(bad).verdict.word, 'rollback');
    const before = released(1, PLAN);
    const worse = windows({ start: lastEvent(before) + 5 * MINUTE, count: 25, share: 0.05, candidateErrors: 0.05 });
    reach(before, PLAN, worse.at(-1)!.end + 1);
    assert.equal(assess(before, [...worse, ...windows({ start: lastEvent(before) + MINUTE, count: 1 })], { model: model({ plan: PLAN, quality: ERRORS }) }).verdict.word, 'rollback');
  });

  it('is not asked of what needs outcomes, which have not matured', () => {
    const labelled = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'defaults', bad: 'defaulted' }], labels: { field: 'defaulted', mature_after: '7d' }, window: '5min' }).quality ?? assert.fail();
    const renamed = (all: readonly QualityWindow[], isMature: boolean): QualityWindow[] => all.map((each) => ({ ...each, metrics: isMature ? { defaults: each.metrics['errors'] ?? assert.fail() } : {} }));
    const late = renamed(windows({ start: since, count: 2 }), false);
    const found = assess(world, [...renamed(early, true), ...late], { model: model({ plan: PLAN, quality: labelled }) });
    assert.deepEqual(told(found), ['advance', []]);
    assert.equal(assess(world, renamed(early, true), { model: model({ plan: PLAN, quality: labelled }) }).verdict.word, 'insufficient data', 'but of a prediction');
  });

  it('is that of the candidate alone where the stage leaves nobody else', () => {
    const { world: whole, early: first, since: quarter } = atQuarter();
    const middle = windows({ start: quarter });
    reach(whole, PLAN, middle.at(-1)!.end + 1);
    const alone = windows({ start: lastEvent(whole) + MINUTE, share: 1 }).filter(({ requests }) => requests > 0);
    const of = (late: readonly QualityWindow[]): readonly unknown[] => [assess(whole, [...first, ...middle, ...late], { model: model({ plan: PLAN, quality: QUALITY }) })].map(({ stageWords, verdict }) => [stageWords, verdict.word])[0]!;
    assert.deepEqual([of(alone), of([])], [['stage 3 of 4', 'advance'], ['stage 3 of 4', 'insufficient data']]);
  });

  it('begins anew when the stage is reached again', () => {
    const { world: again, early: first, since: quarter } = atQuarter();
    const middle = windows({ start: quarter });
    reach(again, PLAN, middle.at(-1)!.end + 1);
    const back = PLAN.slice(0, 2);
    again.at = middle.at(-1)!.end + 20 * MINUTE;
    again.apply(planAdvance([stage('production', 100), ...back], again.reading()).change);
    assert.equal(assess(again, [...first, ...middle], { model: model({ plan: PLAN, quality: ERRORS }) }).verdict.word, 'insufficient data');
  });

  it('of members of a segment is that there are records of them', () => {
    const plan = [stage('production', 100, { segment: 'internal', gates }), ...PLAN];
    const internal = released(1, plan);
    const all = windows({ start: lastEvent(internal), count: 2 });
    const of = (each: readonly QualityWindow[]): string => assess(internal, each, { now: all.at(-1)!.end, model: model({ plan, quality: ERRORS }) }).verdict.word;
    assert.deepEqual([of(all), of(all.filter(({ arm }) => arm === 'current'))], ['advance', 'insufficient data']);
  });
});

describe('how many predictions show that a candidate is not worse', () => {
  const base = { rate: 0.02, acceptRatio: 1.8, minRate: 0, alpha: 0.025 };

  it('are more with fewer bad events, a stricter ratio or level, and where few have the current version', () => {
    const [usual, rarer, stricter, surer, left] = [{}, { rate: 0.01 }, { acceptRatio: 1.4 }, { alpha: 0.0025 }, { share: 0.95 }].map((more) => predictionsToAccept({ ...base, share: 0.25, ...more }));
    assert.ok(usual !== undefined && [rarer, stricter, surer, left].every((each) => each !== undefined && each > usual), JSON.stringify([usual, rarer, stricter, surer, left]));
  });

  it('are without end where nothing bad happens and min_rate is not given', () => {
    assert.equal(predictionsToAccept({ ...base, share: 0.25, rate: 0 }), Number.POSITIVE_INFINITY);
    assert.ok(predictionsToAccept({ ...base, share: 0.25, rate: 0, minRate: 0.01 }) < 1000);
  });
});
