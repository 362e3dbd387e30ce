import assert from 'node:assert/strict';
import { planSetRollout } from '../../../src/core/flags/planner.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { assessRelease, type ReleaseAssessment } from '../../../src/core/releases/assessment.ts';
import type { ExposureCount } from '../../../src/core/releases/findings.ts';
import { planAdvance, planRearm, stageBefore } from '../../../src/core/releases/stageChange.ts';
import { GUARD_DEFAULTS } from '../../../src/core/workspace/guard.ts';
import { MINUTE, PLAN, QUALITY, assess, data, lastEvent, model, released, windows } from './assessSupport.ts';
import { rolloutStrategy } from '../flags/flagSupport.ts';
import { stage, World } from './worldSupport.ts';

describe('the assessment of a release', () => {
  it('lets a good candidate go on once hold time, sample and evidence are there, with the change that does it', () => {
    const world = released(3);
    const found = assess(world, windows({ start: lastEvent(world), count: 14 }));
    assert.deepEqual([found.stageWords, found.environment, found.verdict.word, found.state], ['stage 3 of 4', 'production', 'advance', 'under way'], JSON.stringify(found.verdict));
    assert.equal(found.next.kind === 'change' && found.next.to, 3);
    assert.deepEqual(found.pin, { model: 'fraud', candidate: 'v14', current: 'v13' });
  });

  it('goes by more windows than a call takes arguments', () => {
    const world = released(3);
    const start = lastEvent(world);
    const all = ['credit', 'web'].flatMap((service) => [...windows({ start: start - 80_000 * 5 * MINUTE, count: 75_000, service, perWindow: 4 }), ...windows({ start, count: 14, service })]);
    assert.equal(assess(world, all.toSorted((a, b) => a.start - b.start)).verdict.word, 'advance');
  });

  it('does not go on by statistics that were asked for and had nothing to go by', () => {
    const world = released(3);
    const plan = (more: Parameters<typeof stage>[2]): typeof PLAN => [...PLAN.slice(0, 2), stage('production', 25, { gates: ['statistics'], auto: true, ...more }), stage('production', 100)];
    const { quality: usual, ...without } = model();
    const judged = (more: Parameters<typeof stage>[2], quality: typeof usual): readonly unknown[] => {
      const { verdict } = assess(world, windows({ start: lastEvent(world), count: 14 }), { model: { ...without, plan: plan(more), ...(quality === undefined ? {} : { quality }) } });
      return [verdict.word, verdict.reasons[0]?.words];
    };
    const untold = ['insufficient data', 'the stage asks for statistics, and no guardrail was compared that could show that the candidate is not worse'];
    const unguarded = { ...QUALITY, metrics: [] };
    assert.deepEqual([judged({ areGatesListed: true }, undefined), judged({ areGatesListed: true }, unguarded)], [untold, untold]);
    assert.deepEqual([judged({}, unguarded), judged({ areGatesListed: true }, usual)], [['advance', undefined], ['advance', undefined]], 'by default only what is set up is asked');
  });

  it('holds a good candidate that has not lasted', () => {
    const world = released(3);
    const found = assess(world, windows({ start: lastEvent(world), count: 4 }));
    assert.deepEqual([found.verdict.word, found.verdict.reasons[0]?.kind, found.needsPerson], ['hold', 'hold time', false]);
  });

  it('takes a candidate back whose errors double, to nobody or to the stage before, in words that stand alone', () => {
    const world = released(3);
    const bad = windows({ start: lastEvent(world), candidateErrors: 0.04 });
    const found = assess(world, bad);
    assert.equal(found.verdict.word, 'rollback');
    assert.match(found.verdict.reasons[0]?.words ?? '', /^errors 4 % vs 2 % \(n 12k\), ratio 2 above 1\.2$/);
    assert.deepEqual(found.rollback.kind === 'change' && found.rollback.change.environments.map(({ environment, after }) => [environment, after.strategies.map(({ parameters }) => parameters['rollout'])]), [['production', ['0']]]);
    const previous = assess(world, bad, { model: model({ guard: { ...GUARD_DEFAULTS, onBreach: 'previous' } }) });
    assert.deepEqual(previous.rollback.kind === 'change' && [previous.rollback.to, previous.rollback.change.environments[0]?.to], [1, '5 %']);
  });

  it('judges what it did not compare: after a guard rollback the same data is no breach, and nothing is raised until somebody re-arms', () => {
    const world = released(3);
    const bad = windows({ start: lastEvent(world) - 60 * MINUTE, candidateErrors: 0.04, count: 6 });
    const all = [...bad];
    const first = assess(released(3), windows({ start: lastEvent(world), candidateErrors: 0.04 }));
    assert.ok(first.rollback.kind === 'change');
    world.apply(first.rollback.change);
    const second = assess(world, all);
    assert.notEqual(second.verdict.word, 'rollback');
    assert.deepEqual([second.latch?.environment, second.needsPerson, second.verdict.reasons.some(({ kind }) => kind === 'latch')], ['production', true, true]);
    // Nobody re-arms by taking the environment out of the plan.
    const elsewhere = assess(world, all, { model: model({ plan: [PLAN[0]!] }) });
    assert.deepEqual([elsewhere.latch?.environment, elsewhere.needsPerson], ['production', true]);
    world.apply(planRearm(world.reading(), 'production'));
    assert.equal(assess(world, all).latch, undefined);
  });

  it('judges a release that began anew by what came after, also within the same hour', () => {
    const world = released(3);
    const bad = windows({ start: lastEvent(world), candidateErrors: 0.2, count: 1 });
    const first = assess(world, bad);
    assert.ok(first.verdict.word === 'rollback' && first.rollback.kind === 'change');
    world.apply(first.rollback.change);
    for (let minute = 0; lastEvent(world) <= bad[0]!.end; minute += 1) world.apply(planRearm(world.reading(), 'production', { reason: String(minute) }));
    world.apply(planAdvance(PLAN, world.reading()).change);
    assert.ok(lastEvent(world) < Date.UTC(2026, 0, 1, 1), 'it began anew in the same hour');
    const found = assess(world, bad);
    assert.deepEqual([found.since.because, found.position.stage], ['exposure', 1]);
    assert.notEqual(found.verdict.word, 'rollback', JSON.stringify(found.verdict.reasons));
    const DAY = 86_400_000;
    const daily = bad.map((each) => ({ ...each, start: Math.floor(each.start / DAY) * DAY, end: Math.ceil(each.end / DAY) * DAY }));
    assert.notEqual(assess(world, daily, { now: lastEvent(world) + MINUTE }).verdict.word, 'rollback', 'nor by its limit, in the same day');
    assert.equal(assess(world, [...bad, ...windows({ start: lastEvent(world), share: 0.05, candidateErrors: 0.2 })]).verdict.word, 'rollback');
  });

  it('does not take back because data is missing: a source that fails holds and alarms', () => {
    const world = released(3);
    const now = lastEvent(world) + 2 * 60 * MINUTE;
    const found = assess(world, [], { now, quality: { kind: 'failed', because: 'connection refused' } });
    assert.deepEqual([found.verdict.word, found.verdict.alarm, found.verdict.reasons[0]?.kind, found.data.state], ['hold', true, 'blind', 'failed']);
    const configured = assess(world, [], { now, quality: { kind: 'failed', because: 'connection refused' }, model: model({ guard: { ...GUARD_DEFAULTS, onBlind: 'rollback' } }) });
    assert.equal(configured.verdict.word, 'rollback');
    const old = assess(world, windows({ start: lastEvent(world), count: 2 }), { now });
    assert.deepEqual([old.verdict.word, old.data.state], ['hold', 'old']);
  });

  it('counts missing answers as failures when the counters say that the candidate was chosen', () => {
    const world = released(3);
    const hour = 60 * MINUTE;
    const start = Math.ceil(lastEvent(world) / hour) * hour;
    const silent = windows({ start, count: 12 }).filter(({ arm }) => arm === 'current');
    const exposures = [{ environment: 'production', app: 'credit', start, end: start + hour, yes: 12_000, no: 36_000, variants: {} }];
    const found = assess(world, silent, { exposures });
    assert.deepEqual([found.verdict.word, found.verdict.reasons.map(({ words }) => words.startsWith('missing answers'))], ['rollback', [true]], JSON.stringify(found.look.guardrails));
    assert.notEqual(assess(world, silent).verdict.word, 'rollback', 'without counters nothing says that anything is missing');
  });

  it('takes nothing back for answers of one service of several that may still be told', () => {
    const world = released(3);
    const hour = 60 * MINUTE;
    const start = Math.ceil(lastEvent(world) / hour) * hour;
    const of = (service: string, count: number): ReturnType<typeof windows> => windows({ start, service, count, perWindow: 40_000 });
    const told = (missing: number, count: number): ReturnType<typeof windows> => [...of('batch', count), ...of('web', count).filter(({ arm, end }) => arm === 'current' || end <= start + (count - missing) * 5 * MINUTE)].toSorted((a, b) => a.start - b.start);
    const exposures = (count: number): ExposureCount[] => ['batch', 'web'].map((app) => ({ environment: 'production', app, start, end: start + hour, yes: 10_000 * count, no: 30_000 * count, variants: {} }));
    assert.notEqual(assess(world, told(1, 6), { exposures: exposures(6) }).verdict.word, 'rollback', 'the candidate of the other service is heard of, and this one may be late');
    assert.match(assess(world, told(4, 9), { exposures: exposures(9) }).verdict.reasons[0]?.words ?? '', /^web: missing answers/);
  });

  it('lets the worst of several services decide', () => {
    const world = released(3);
    const start = lastEvent(world);
    const found = assess(world, [...windows({ start, service: 'web' }), ...windows({ start, service: 'batch', candidateErrors: 0.05 })]);
    assert.match(found.verdict.reasons[0]?.words ?? '', /^batch: errors 5 %/);
    assert.equal(found.verdict.word, 'rollback');
    assert.equal(found.comparisons.length, 2);
  });

  it('takes back what many services show together, though each has too little to tell', () => {
    const world = released(3);
    const start = lastEvent(world);
    const pods = (candidateErrors: number, count: number): ReturnType<typeof windows> =>
      Array.from({ length: count }, (_, pod) => windows({ start, service: `pod-${pod}`, candidateErrors, perWindow: 200, count: 2 })).flat().toSorted((a, b) => a.start - b.start);
    const found = assess(world, pods(0.08, 40));
    assert.deepEqual([found.verdict.word, found.verdict.reasons.length], ['rollback', 1]);
    assert.match(found.verdict.reasons[0]?.words ?? '', /^40 services together: errors 8 % vs 2 %/);
    assert.notEqual(assess(world, pods(0.02, 40)).verdict.word, 'rollback', 'as good as the current version');
  });

  it('says of a window in which evidence began from when on it counts, not that nothing was told', () => {
    const world = released(1);
    for (const at of [Date.UTC(2026, 0, 1, 8, 30), Date.UTC(2026, 0, 1, 8, 40)]) {
      world.at = at;
      world.apply(planAdvance(PLAN, world.reading()).change);
    }
    const DAY = 86_400_000;
    const midnight = Math.floor(lastEvent(world) / DAY) * DAY;
    // A candidate of which half fails, since the morning.
    const days = (count: number): ReturnType<typeof windows> => Array.from({ length: count }, (_, day) => windows({ start: midnight, count: 1, candidateErrors: 0.5 })
      .map((window) => ({ ...window, start: midnight + day * DAY, end: midnight + (day + 1) * DAY }))).flat();
    const daily = (guardrail: object): ReleaseAssessment => assess(world, days(1), { now: lastEvent(world) + 3_600_000, model: model({ quality: readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2, ...guardrail }], window: '1d' }).quality! }) });
    const found = daily({});
    assert.equal(found.verdict.word, 'insufficient data');
    assert.match(found.verdict.reasons[0]?.words ?? '', /^errors .*: evidence began within a window \(of 1 d\), and counts from the next one on, which begins at 2026-01-02 00:00:00 UTC$/);
    // Nobody had the candidate before that morning, so a limit of its own is passed by what it did in the same window.
    assert.match(daily({ limit: 0.2 }).verdict.reasons[0]?.words ?? '', /^errors 50 % \(n 1k\), limit 20 %$/);
    assert.equal(daily({ limit: 0.6 }).verdict.word, 'insufficient data');
    assert.equal(assess(world, days(2)).verdict.word, 'rollback');
    assert.match(assess(world, []).comparisons[0]?.report.metrics[0]?.because ?? '', /^no record tells it/);
  });

  it('holds and alarms when units do not fall into the arms as configured', () => {
    const world = released(3);
    const found = assess(world, windows({ start: lastEvent(world) + 5 * MINUTE, share: 0.35 }));
    assert.deepEqual([found.verdict.word, found.verdict.alarm, found.verdict.reasons[0]?.kind], ['hold', true, 'mismatch']);
    // At 5 % the candidate had 9 % of them, at 25 % now as many as it should.
    const raised = released(2);
    const before = windows({ start: lastEvent(raised) + 5 * MINUTE, share: 0.09 });
    raised.at = before.at(-1)!.end;
    raised.apply(planAdvance(PLAN, raised.reading()).change);
    const since = assess(raised, [...before, ...windows({ start: raised.at + 5 * MINUTE })]);
    assert.match(since.verdict.reasons[0]?.words ?? '', /^the candidate has 9 % of the units instead of 5 %/);
  });

  it('does not take what a parent flag lets through, or a third variant, for units that are missing', () => {
    const world = released(3);
    const reading = world.reading();
    const { flag } = reading.detail;
    const parent = { ...reading.detail, flag: { ...flag, name: 'base', environments: flag.environments.map((each) => ({ ...each, enabled: true, strategies: [rolloutStrategy('p', 50)] })) } };
    const limited = { ...reading, detail: { ...reading.detail, flag: { ...flag, dependencies: [{ feature: 'base', enabled: true, variants: [] }] } }, family: { parents: [{ flag: 'base', detail: parent }], children: [], unread: [] } };
    const halved = windows({ start: lastEvent(world) + 5 * MINUTE, share: 0.125 });
    assert.equal(assess(world, halved).verdict.reasons[0]?.kind, 'mismatch', 'without a parent it is one');
    const found = assess(world, halved, { reading: limited });
    assert.deepEqual(found.look.mismatches, []);
    assert.deepEqual(found.comparisons.map(({ report: { sampleRatio: { verdict, because } } }) => [verdict, because]), [['not checked', 'the condition on base decides beside the percentage who gets the candidate']]);

    const three = { switches: [{ ...model().switches[0]!, variants: { v14: 'candidate', v13: 'current' } }], plan: [stage('production', 100)] };
    const strategy = rolloutStrategy('a', 100, { variants: [['v13', 400], ['v14', 200], ['v15', 400]].map(([name, weight]) => ({ name: String(name), weight: Number(weight), weightType: 'fix', stickiness: 'userId' })) });
    const varied = new World().edit('production', (each) => ({ ...each, enabled: true, strategies: [strategy] }), { type: 'feature-strategy-add', strategy });
    const ratioOf = (share: number): readonly (string | number | undefined)[] => {
      const { sampleRatio } = assess(varied, windows({ start: lastEvent(varied) + 5 * MINUTE, share }), { model: model(three) }).comparisons[0]?.report ?? assert.fail();
      return [sampleRatio.verdict, sampleRatio.configured];
    };
    assert.deepEqual(ratioOf(1 / 3), ['as configured', 1 / 3]);
    assert.deepEqual(ratioOf(0.2), ['mismatch', 1 / 3]);
  });

  it('tests the limit of a metric where nobody is left to compare with', () => {
    const world = released(4);
    const start = lastEvent(world) + 5 * MINUTE;
    const broken = windows({ start, share: 1, candidateErrors: 0.3 }).filter(({ requests }) => requests > 0);
    const found = assess(world, broken);
    assert.equal(found.verdict.word, 'rollback');
    assert.match(found.verdict.reasons[0]?.words ?? '', /errors 30 % \(n 48k\), limit 20 %/);
    const fine = assess(world, windows({ start, share: 1, candidateErrors: 0.1 }).filter(({ requests }) => requests > 0));
    assert.deepEqual([fine.verdict.word, fine.state], ['hold', 'last stage']);
  });

  it('begins anew when another version answers, and says that it is not the pinned one', () => {
    const world = released(3);
    const bad = windows({ start: lastEvent(world), candidateErrors: 0.04 });
    const known = data(bad, { candidate: '15', current: '13' });
    const swapped = { ...known, arms: known.arms.map((arm) => (arm.arm === 'candidate' ? { ...arm, versions: [{ version: '14', first: 0, last: arm.lastSeen - 1, requests: 1 }, { version: '15', first: arm.lastSeen, last: arm.lastSeen, requests: 1 }] } : arm)) };
    const found = assess(world, bad, { quality: { kind: 'data', data: swapped } });
    assert.notEqual(found.verdict.word, 'rollback');
    assert.equal(found.since.because, 'versions');
    assert.ok(found.verdict.reasons.some(({ words }) => words === 'candidate is answered by v15, the release pinned v14'), JSON.stringify(found.verdict));
  });

  it('shows a deviation with the ways out of it', () => {
    const world = released(2);
    world.apply(planSetRollout(world.reading(), 'production', 10));
    const found = assess(world, windows({ start: lastEvent(world), share: 0.1 }));
    assert.deepEqual(found.position.deviations.map(({ message }) => message), ['production is at 10 % instead of 5 %']);
    assert.deepEqual(found.ways.map(({ words, change }) => [words, change.environments[0]?.to]), [['Go back to stage 2 of 4 in production', '5 %'], ['Go on to stage 3 of 4', '25 %']]);
    assert.deepEqual([found.next.kind, found.needsPerson], ['none', true]);
  });

  it('asks for the approval of another user, bound to change, versions and evidence', () => {
    const plan = [stage('production', 5, { gates: ['approval'] }), stage('production', 25)];
    const world = released(1, plan);
    const at = (share: number, errors = 0.02): ReleaseAssessment => assess(world, windows({ start: lastEvent(world), share, candidateErrors: errors }), { model: model({ plan }) });
    const waiting = at(0.05);
    assert.deepEqual([waiting.verdict.word, waiting.verdict.reasons[0]?.kind, waiting.verdict.needsPerson], ['hold', 'approval', true], JSON.stringify(waiting.verdict));
    assert.match(waiting.approval?.digest ?? '', /^[0-9a-f]{16}$/);
    assert.notEqual(at(0.05, 0.04).approval?.digest, waiting.approval?.digest, 'a breach is other evidence');
    assert.equal(at(0.05, 0.0201).approval?.digest, waiting.approval?.digest, 'more of the same is not');
  });

  it('says nothing where there is no plan, and that nobody is exposed before the first stage', () => {
    const world = released(0);
    assert.equal(assess(world, []).state, 'not started');
    assert.equal(assessRelease({ now: 0, model: model({ plan: [] }), reading: world.reading(), quality: { kind: 'none' }, gates: [], moved: [], sha256: String }), undefined);
    assert.deepEqual([stageBefore(PLAN, 3, 'production'), stageBefore(PLAN, 1, 'production'), stageBefore(PLAN, 0, 'production')], [2, 0, -1]);
  });
});
