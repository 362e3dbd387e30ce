import assert from 'node:assert/strict';
import type { ChangePlan } from '../../../src/core/flags/changePlan.ts';
import type { ChangeOutcome } from '../../../src/core/flags/changeRunner.ts';
import { planSetRollout, planSwitchOff, planSwitchOn } from '../../../src/core/flags/planner.ts';
import { planRepin } from '../../../src/core/flags/startRollout.ts';
import { pin } from '../../../src/core/flags/titles.ts';
import { guardRelease } from '../../../src/core/releases/guard.ts';
import { latches } from '../../../src/core/releases/latch.ts';
import { planAdvance, planLatch, planStepDown, planTowardsOff } from '../../../src/core/releases/stageChange.ts';
import { interruptedRollback } from '../../../src/core/releases/interrupted.ts';
import { GUARD_DEFAULTS } from '../../../src/core/workspace/guard.ts';
import { rolloutStrategy } from '../flags/flagSupport.ts';
import { MINUTE, PLAN, QUALITY, assess, data, lastEvent, model, released, windows } from './assessSupport.ts';
import { stage, type World } from './worldSupport.ts';

/** What happens to a release between two looks, other than its own changes. */
describe('in the middle of a release', () => {
  const good = (world: World): ReturnType<typeof windows> => windows({ start: lastEvent(world), count: 14 });
  const obstacles = ({ verdict }: ReturnType<typeof assess>): string[] => verdict.reasons.filter(({ kind }) => kind === 'obstacle').map(({ words }) => words);

  it('an edited plan is followed from where Unleash stands: the stage is derived anew, a deviation is shown with its ways out', () => {
    const world = released(3);
    const all = good(world);
    assert.equal(assess(world, all).verdict.word, 'advance');
    const finer = [...PLAN.slice(0, 3), stage('production', 50), stage('production', 100)];
    const between = assess(world, all, { model: model({ plan: finer }) });
    assert.deepEqual([between.stageWords, between.next.kind === 'change' && between.next.change.environments[0]?.to], ['stage 3 of 5', '50 %']);
    const moved = assess(world, all, { model: model({ plan: [stage('production', 10), stage('production', 50), stage('production', 100)] }) });
    assert.deepEqual([moved.verdict.word, moved.stage, obstacles(moved), moved.next.kind], ['hold', 0, ['production is at 25 % instead of 10 %'], 'none']);
    assert.deepEqual(moved.ways.map(({ change }) => change.environments[0]?.to), ['10 %', '50 %']);
    const longer = assess(world, all, { model: model({ plan: PLAN.map((each) => (each.percent === 25 ? { ...each, hold: 1000 * MINUTE } : each)) }) });
    assert.deepEqual([longer.verdict.word, longer.verdict.reasons[0]?.kind], ['hold', 'hold time']);
    // A breach is one under any plan that exposes the environment.
    const bad = windows({ start: lastEvent(world), candidateErrors: 0.04 });
    for (const plan of [finer, [stage('production', 10), stage('production', 100)]]) assert.equal(assess(world, bad, { model: model({ plan }) }).verdict.word, 'rollback');
  });

  it('what only somebody else’s strategy exposes is taken back, too: by the switch, for nothing else does', async () => {
    const world = released(2);
    world.apply(planSetRollout(world.reading(), 'production', 0));
    const strategy = rolloutStrategy('theirs', 25, { title: 'of operations' });
    world.edit('production', (each) => ({ ...each, enabled: true, strategies: [...each.strategies, strategy] }), { type: 'feature-strategy-add', strategy });
    const bad = windows({ start: lastEvent(world), candidateErrors: 0.08 });
    const found = assess(world, bad);
    assert.equal(found.verdict.word, 'rollback');
    assert.deepEqual(found.rollback.kind === 'change' && found.rollback.change.blockers.map(({ strategyId }) => strategyId), ['theirs'], JSON.stringify(found.rollback));
    const runner = {
      read: () => Promise.resolve(world.reading()),
      apply: (change: ChangePlan): Promise<ChangeOutcome> => {
        world.apply(change, 'guard');
        return Promise.resolve({ kind: 'done', environments: [], foreign: [], warnings: [] });
      },
    };
    const look = { now: found.data.lastSeen ?? 0, model: model(), reading: world.reading(), quality: { kind: 'data', data: data(bad) }, gates: [], moved: [], sha256: String } as const;
    const report = await guardRelease({ reader: { look: () => Promise.resolve({ look, assessment: found }) }, runner, project: 'default', sleep: () => Promise.resolve(), keepEvidence: () => Promise.resolve() }, model(), 'fraud');
    assert.equal(report.state, 'rolled back', JSON.stringify(report.words));
    assert.deepEqual(world.environments.map(({ name, enabled }) => [name, enabled]), [['development', true], ['production', false]]);
  });

  it('a moved alias holds until it is moved back or re-pinned, and a breach is one all the same', () => {
    const world = released(3);
    const moved = [{ model: 'fraud', side: 'on' as const, name: 'challenger', alias: true, pinned: 'v14', now: 'v15' }];
    const held = assess(world, good(world), { moved });
    assert.deepEqual([held.verdict.word, held.verdict.needsPerson, obstacles(held).length], ['hold', true, 1]);
    assert.equal(assess(world, windows({ start: lastEvent(world), candidateErrors: 0.04 }), { moved }).verdict.word, 'rollback');
  });

  it('re-pinned, evidence, hold time and sample begin anew', () => {
    const world = released(3);
    const before = good(world);
    for (let hours = 0; lastEvent(world) < before.at(-1)!.end; hours += 1) world.apply(planRepin(world.reading(), pin('fraud', String(15 + hours), '13')));
    const found = assess(world, before, { quality: { kind: 'data', data: data(before, { candidate: '14', current: '13' }) } });
    assert.deepEqual([found.since.because, found.look.stage.predictions, found.verdict.word === 'advance'], ['versions', 0, false]);
    assert.ok(found.look.stage.heldMs < MINUTE);
    assert.ok(found.look.guardrails.every(({ state }) => state !== 'breach'));
  });

  it('another logged version begins anew, and is no ground to go on while it is not the pinned one', () => {
    const world = released(3);
    const all = good(world);
    const known = data(all);
    const middle = all[14]!.start;
    const versions = [{ version: '14', first: 0, last: middle - 1, requests: 1 }, { version: '15', first: middle, last: all.at(-1)!.end - 1, requests: 1 }];
    const found = assess(world, all, { quality: { kind: 'data', data: { ...known, arms: known.arms.map((arm) => (arm.arm === 'candidate' ? { ...arm, versions } : arm)) } } });
    assert.deepEqual([found.since, obstacles(found)], [{ at: middle, because: 'versions' }, ['candidate is answered by v15, the release pinned v14']]);
    assert.ok(found.look.stage.predictions < all.filter(({ arm }) => arm === 'candidate').reduce((sum, { requests }) => sum + requests, 0));
  });

  /** The second release of the log, raised at five past nine in windows of a day, by the versions that answered as the candidate. `until`: when the first one did last. */
  const second = (until: number, errors: number, [before, after]: readonly [string, string] = ['13', '14']): ReturnType<typeof assess> => {
    const DAY = 1440 * MINUTE;
    const plan = [stage('production', 5, { gates: ['statistics'] }), stage('production', 25, { gates: ['statistics'] })];
    const world = released(0, plan);
    world.at = Date.UTC(2026, 0, 5, 9, 5);
    world.apply(planAdvance(plan, world.reading()).change);
    const [raised, today] = [lastEvent(world), Date.UTC(2026, 0, 5)];
    const all = windows({ start: raised, count: 2, candidateErrors: errors }).map((each) => ({ ...each, start: today, end: today + DAY }));
    const now = raised + 10 * MINUTE;
    const told = data(all);
    const versionsOf = { candidate: [{ version: before, first: raised - 30 * DAY, last: raised - until, requests: 90_000 }, { version: after, first: raised + 20_000, last: now, requests: 400 }], current: [{ version: '13', first: raised - 25 * DAY, last: now, requests: 90_000 }] };
    const arms = told.arms.map((arm) => ({ ...arm, lastSeen: now, versions: arm.arm === 'candidate' ? versionsOf.candidate : versionsOf.current }));
    return assess(world, all, { now, model: model({ plan, quality: { ...QUALITY, windowMs: DAY } }), quality: { kind: 'data', data: { ...told, arms } } });
  };

  it('a version that answered in an earlier release only begins nothing anew, so a limit is watched from the raise on', () => {
    const hour = Date.UTC(2026, 0, 5, 9);
    const found = second(20 * 1440 * MINUTE, 1);
    assert.deepEqual([found.since.because, found.since.counted, found.since.at! - hour < 6 * MINUTE, found.verdict.word], ['exposure', hour, true, 'rollback']);
    assert.match(found.verdict.reasons[0]!.words, /^errors 100 % .*limit 20 %/);
  });

  it('what another version answered before the raise, in its hour or window, counts for no limit and no counter', () => {
    for (const [minutes, versions] of [[2, ['13', '14']], [60, ['13', '14']], [60, ['green-1', 'green-2']]] as const) {
      const found = second(minutes * MINUTE, 1, versions);
      assert.deepEqual([found.since.because, found.since.alone, found.since.counted === undefined], ['exposure', found.since.at! - minutes * MINUTE + 1, minutes === 2]);
      assert.ok(found.look.guardrails.every(({ state }) => state !== 'breach'));
    }
  });

  it('a version that comes back is judged from when the one between answered last, and goes on by none of its answers', () => {
    const world = released(3);
    const [before] = [lastEvent(world)];
    for (const [hours, version] of [[24, '15'], [48, '14']] as const) {
      world.at = before + hours * 60 * MINUTE;
      world.apply(planRepin(world.reading(), pin('fraud', version, '13')));
    }
    const again = lastEvent(world);
    // The service answers as 15 for an hour more, and is then worse or better than 14 ever was.
    const reload = again + 60 * MINUTE;
    const all = [...windows({ start: again, count: 12, perWindow: 8000, candidateErrors: 0.01 }), ...windows({ start: reload, count: 36, perWindow: 8000 })];
    const seen = (minutes: number): ReturnType<typeof assess> => {
      const now = reload + minutes * MINUTE;
      const told = data(all.filter(({ end }) => end <= now));
      const versions = [{ version: '14', first: before, last: now - 1, requests: 9000 }, { version: '15', first: before + 24 * 60 * MINUTE, last: reload - 1, requests: 50_000 }];
      const arms = told.arms.map((arm) => ({ ...arm, lastSeen: now - 1, ...(arm.arm === 'candidate' ? { versions } : {}) }));
      return assess(world, told.windows, { now, quality: { kind: 'data', data: { ...told, arms } } });
    };
    const soon = seen(5);
    assert.deepEqual([soon.verdict.word, obstacles(soon)], ['hold', ['candidate is answered by v15, too, the release pinned v14']], 'it may answer still');
    const later = seen(30);
    assert.deepEqual([later.since, obstacles(later)], [{ at: reload, because: 'versions' }, []]);
    assert.equal(later.look.stage.predictions, 2000 * all.filter(({ arm, start, end }) => arm === 'candidate' && start >= reload && end <= reload + 30 * MINUTE).length);
    assert.equal(seen(170).verdict.word, 'advance', 'and goes on by its own');
  });

  it('an older version that now and then answers as current, such as in a nightly job, begins nothing anew', () => {
    const world = released(3);
    const all = good(world);
    const known = data(all);
    const versions = [{ version: '12', first: 0, last: all[10]!.start, requests: 5000 }, { version: '13', first: 1, last: all.at(-1)!.end - 1, requests: 90_000 }];
    const found = assess(world, all, { quality: { kind: 'data', data: { ...known, arms: known.arms.map((arm) => (arm.arm === 'current' ? { ...arm, versions } : arm)) } } });
    assert.deepEqual([found.since.because, obstacles(found)], ['exposure', []]);
  });

  it('what keeps every change from leading on is told, though nothing deviates', () => {
    const plan = [PLAN[0]!, stage('production', 100, { segment: 'internal' }), ...PLAN.slice(1)];
    const world = released(1, plan);
    assert.equal(assess(world, good(world), { model: model({ plan }) }).verdict.word, 'advance');
    const theirs = { ...world.environments.find(({ name }) => name === 'production')!.strategies[0]!, id: 'theirs', title: 'by hand' };
    const withTheirs = (rollout: string): World => world.edit('production', (each) => ({ ...each, enabled: false, strategies: [...each.strategies.filter(({ id }) => id !== 'theirs'), { ...theirs, parameters: { ...theirs.parameters, rollout } }] }), { type: 'feature-strategy-add' });
    const found = assess(withTheirs('80'), good(world), { model: model({ plan }) });
    assert.deepEqual([found.position.deviations, found.next.kind, found.verdict.word, found.needsPerson], [[], 'none', 'hold', true], JSON.stringify(found.verdict));
    assert.match(obstacles(found)[0] ?? '', /^stage 2 of 5 of fraud would not be as its plan has it: "by hand" in production exposes more than the plan/);
  });

  it('a log whose clock is ahead lets nothing go on, and hides no breach', () => {
    const world = released(3);
    const ahead = windows({ start: lastEvent(world), count: 14 });
    const now = ahead.at(-1)!.start - 10 * MINUTE;
    const found = assess(world, ahead, { now });
    assert.deepEqual([found.verdict.word, found.verdict.needsPerson], ['hold', true]);
    assert.match(obstacles(found)[0] ?? '', /^the clock of the prediction log is ahead of Unleash's by 10 min or more/);
    assert.equal(assess(world, windows({ start: lastEvent(world), candidateErrors: 0.04, count: 14 }), { now }).verdict.word, 'rollback');
  });

  it('a log whose clock is behind delays, and is told as old when it is far behind', () => {
    const world = released(3);
    const late = windows({ start: lastEvent(world) - 2 * 60 * MINUTE, count: 12 });
    const found = assess(world, late, { now: lastEvent(world) + 60 * MINUTE });
    assert.deepEqual([found.verdict.word, found.verdict.alarm, found.look.stage.predictions], ['hold', true, 0]);
  });

  it('predictions of the stage before do not count for this one, nor a window that holds both', () => {
    const world = released(2);
    const early = windows({ start: lastEvent(world), share: 0.05, count: 2 });
    while (lastEvent(world) <= early.at(-1)!.start) world.apply(planSetRollout(world.reading(), 'production', 5, { reason: String(world.events.length) })).edit('production', (each) => each, { type: 'feature-environment-variants-updated' });
    world.apply(planSetRollout(world.reading(), 'production', 25));
    assert.ok(lastEvent(world) > early.at(-1)!.start && lastEvent(world) < early.at(-1)!.end);
    assert.deepEqual([assess(world, early).stage, assess(world, early).look.stage.predictions], [2, 0]);
  });

  it("a guard's rollback of which a part was done is found, and one that is whole is not, nor what a person raised since", () => {
    const plan = [stage('production', 100, { segment: 'internal' }), stage('production', 5), stage('production', 25)];
    const world = released(3, plan);
    const rollback = planStepDown(plan, -1, world.reading(), 'production', 'guard');
    const [change] = rollback.environments;
    assert.equal(change?.steps.length, 2);
    const part = { ...rollback, environments: [{ ...change, steps: change.steps.slice(0, 1) }] };
    world.apply(part);
    const found = interruptedRollback(plan, world.reading(), 'production', GUARD_DEFAULTS);
    assert.deepEqual([found?.environment, found?.stage], ['production', 2]);
    world.apply(planStepDown(plan, -1, world.reading(), 'production', 'guard'));
    assert.equal(interruptedRollback(plan, world.reading(), 'production', GUARD_DEFAULTS), undefined);
    world.apply(planSetRollout(world.reading(), 'production', 25));
    assert.equal(interruptedRollback(plan, world.reading(), 'production', GUARD_DEFAULTS), undefined);
  });

  it('a guard that was to switch off and did not is found, until it is off or somebody has switched on again', () => {
    const plan = [stage('production', 5), stage('production', 25)];
    const world = released(2, plan);
    world.apply(planTowardsOff(plan, -1, world.reading(), 'production', { reason: 'errors' }));
    assert.deepEqual([latches(world.events).length, interruptedRollback(plan, world.reading(), 'production', GUARD_DEFAULTS)], [1, undefined], 'nothing of others keeps exposure up');
    world.edit('production', (environment) => ({ ...environment, strategies: [...environment.strategies, { ...environment.strategies[0]!, id: 'theirs', title: 'by hand', segments: [], parameters: { ...environment.strategies[0]!.parameters, rollout: '50' } }] }), { type: 'feature-strategy-add' });
    const found = interruptedRollback(plan, world.reading(), 'production', GUARD_DEFAULTS);
    assert.deepEqual([found?.environment, found?.because], ['production', 'errors']);
    world.apply(planSwitchOff('kill', world.reading(), ['production']));
    assert.equal(interruptedRollback(plan, world.reading(), 'production', GUARD_DEFAULTS), undefined);
    world.apply(planSwitchOn(world.reading(), 'production'));
    assert.equal(interruptedRollback(plan, world.reading(), 'production', GUARD_DEFAULTS), undefined);
    // Unleash's own form keeps the title: no word of a guard.
    const [ours] = world.environments.find(({ name }) => name === 'production')!.strategies;
    const edited = { ...ours!, parameters: { ...ours!.parameters, rollout: '5' } };
    world.edit('production', (environment) => ({ ...environment, strategies: environment.strategies.map((each) => (each.id === edited.id ? edited : each)) }), { type: 'feature-strategy-update', strategy: edited, previousStrategy: ours! });
    assert.equal(interruptedRollback(plan, world.reading(), 'production', GUARD_DEFAULTS), undefined);
    const down = released(2, plan);
    down.apply(planSetRollout(down.reading(), 'production', 0));
    down.apply(planLatch(down.reading(), 'production'));
    assert.deepEqual([latches(down.events).length, interruptedRollback(plan, down.reading(), 'production', GUARD_DEFAULTS)], [1, undefined]);
  });
});
