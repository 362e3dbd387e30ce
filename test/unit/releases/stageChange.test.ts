import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AppError } from '../../../src/core/base/errors.ts';
import type { Strategy, StrategyVariant } from '../../../src/core/flags/model.ts';
import { planRestore, planSetRollout, planSwitchOff, planSwitchOn } from '../../../src/core/flags/planner.ts';
import { planStart } from '../../../src/core/flags/startRollout.ts';
import { pin, pinsOf } from '../../../src/core/flags/titles.ts';
import { segmentMap } from '../../../src/core/flags/planning.ts';
import { compareExposure, exposureWithin } from '../../../src/core/flags/rollout.ts';
import { latches } from '../../../src/core/releases/latch.ts';
import { planPosition } from '../../../src/core/releases/position.ts';
import { planAdvance, planRearm, planStepDown } from '../../../src/core/releases/stageChange.ts';
import type { Stage } from '../../../src/core/workspace/plan.ts';
import { rolloutStrategy } from '../flags/flagSupport.ts';
import { stage, World } from './worldSupport.ts';

const PLAN: readonly Stage[] = [
  stage('development', 100), stage('production', 100, { segment: 'internal' }), stage('production', 5), stage('production', 25), stage('production', 100),
];

function advanced(times: number, plan: readonly Stage[] = PLAN, world = new World()): World {
  for (let count = 0; count < times; count += 1) world.apply(planAdvance(plan, world.reading()).change);
  return world;
}

const productionOf = (world: World) => world.environments.find(({ name }) => name === 'production')!;
const titles = (world: World): string[] => productionOf(world).strategies.map(({ title }) => title);
const foreign = (rollout: number): Strategy => rolloutStrategy('other', rollout, { title: 'by hand', parameters: { rollout: String(rollout), stickiness: 'userId', groupId: 'else' } });

function refusal(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  return assert.fail('It was not refused.');
}

describe('advancing a release', () => {
  it('goes through all stages of its plan, one change each, and stops at the last', () => {
    const world = new World();
    for (const [index] of PLAN.entries()) {
      const { to, change } = planAdvance(PLAN, world.reading());
      assert.deepEqual([to, change.environments.length, change.kind], [index, 1, 'promote']);
      world.apply(change);
      assert.deepEqual(planPosition(PLAN, world.reading()), { stage: index, deviations: [] });
    }
    assert.equal(refusal(() => planAdvance(PLAN, world.reading())).data['reason'], 'atTop');
    assert.match(titles(world)[1] ?? '', /100 % · stage 5 of 5$/);
  });

  it('does not go on from between two stages: it names both ways', () => {
    const world = advanced(4);
    world.apply(planSetRollout(world.reading(), 'production', 40));
    const error = refusal(() => planAdvance(PLAN, world.reading()));
    assert.equal(error.data['reason'], 'deviates');
    assert.match(error.message, /production is at 40 % instead of 25 %\. Go back to stage 4 of 5, or set what stage 5 of 5 has\./);
  });

  it('does not switch on along with a stage what somebody left in an environment that is off', () => {
    const off = (share: number): World => {
      const world = advanced(3);
      world.apply(planSetRollout(world.reading(), 'production', share));
      world.apply(planSetRollout(world.reading(), 'production', 0, {}, { segment: 'internal' }));
      world.apply(planSwitchOff('kill', world.reading(), ['production']));
      assert.deepEqual(planPosition(PLAN, world.reading()), { stage: 0, deviations: [] });
      return world;
    };
    assert.equal(planAdvance(PLAN, off(0).reading()).to, 1);
    assert.match(refusal(() => planAdvance(PLAN, off(60).reading())).message, /production is at 60 % instead of 0 %/);
    const beside = off(0);
    beside.environments = beside.environments.map((each) => (each.name === 'production' ? { ...each, strategies: [...each.strategies, foreign(80)] } : each));
    const { message, data } = refusal(() => planAdvance(PLAN, beside.reading()));
    assert.equal(data['reason'], 'beyond');
    assert.match(message, /^stage 2 of 5 of fraud would not be as its plan has it: "by hand" in production exposes more than the plan\. Set that to what the plan has/);
  });

  it('sets share and split of variants in one change, and the variants that are not named keep their proportion', () => {
    const plan = [stage('production', 50, { weights: { v14: 10 } }), stage('production', 100, { weights: { v14: 50 } })];
    const variants: StrategyVariant[] = [['v12', 600], ['v13', 300], ['v14', 100]].map(([name, weight]) => ({ name: String(name), weight: Number(weight), weightType: 'variable', stickiness: 'userId' }));
    const world = new World();
    world.environments = world.environments.map((each) => (each.name === 'production' ? { ...each, strategies: [rolloutStrategy('a', 0, { variants })] } : each));
    advanced(2, plan, world);
    assert.deepEqual(productionOf(world).strategies.map((each) => [each.parameters['rollout'], each.variants.map(({ weight }) => weight)]), [['100', [333, 167, 500]]]);
    assert.deepEqual(planPosition(plan, world.reading()), { stage: 1, deviations: [] });
    world.apply(planStepDown(plan, 0, world.reading(), 'production', 'guard'));
    assert.deepEqual(planPosition(plan, world.reading()), { stage: 0, deviations: [] });
    assert.equal(latches(world.events).length, 1);
  });
});

describe('taking a release back', () => {
  for (const to of [3, 2, 1, 0, -1]) {
    it(`goes from the last stage to ${to + 1} of ${PLAN.length} in production, and leaves development`, () => {
      const world = advanced(5);
      const change = planStepDown(PLAN, to, world.reading(), 'production', 'person');
      assert.deepEqual([change.blockers, change.environments.map(({ environment }) => environment)], [[], ['production']]);
      world.apply(change);
      assert.deepEqual(planPosition(PLAN, world.reading()), { stage: Math.max(0, to), deviations: [] });
    });
  }

  it('names what others made and keeps exposure up, and does not edit it', () => {
    const world = advanced(5);
    world.edit('production', (each) => ({ ...each, strategies: [...each.strategies, foreign(30)] }), { type: 'feature-strategy-add', strategy: foreign(30) });
    const change = planStepDown(PLAN, 2, world.reading(), 'production', 'guard');
    assert.match(change.blockers.map(({ message }) => message).join(), /"by hand".*was not made by Modelswitch/);
    assert.deepEqual(change.environments[0]?.after.strategies.at(-1), foreign(30));
  });

  it('by the guard latches, whatever people do, until somebody re-arms', () => {
    const world = advanced(4);
    world.apply(planStepDown(PLAN, 2, world.reading(), 'production', 'guard', { reason: 'errors 4.1 % vs 2.0 %' }), 'guard');
    assert.match(titles(world).join(), /guard rollback to 5 % · errors 4\.1 % vs 2\.0 %/);
    const [latch] = latches(world.events);
    assert.deepEqual([latch?.environment, latch?.by, latch?.event], ['production', 'guard', world.events.length]);
    world.apply(planSetRollout(world.reading(), 'production', 25));
    world.apply(planSwitchOff('kill', world.reading(), ['production']));
    assert.equal(latches(world.events).length, 1);
    world.apply(planRearm(world.reading(), 'production', { reason: 'found the bug' }));
    assert.deepEqual(latches(world.events), []);
    assert.match(titles(world).join(), /re-armed at 25 % · found the bug/);
  });

  it('keeps in its titles which versions the release is about', () => {
    const world = new World();
    world.apply(planStart(world.reading(), { environments: ['production'], pin: pin('fraud', '14', '13') }));
    world.apply(planSetRollout(world.reading(), 'production', 25));
    for (const change of [() => planStepDown(PLAN, -1, world.reading(), 'production', 'guard'), () => planRearm(world.reading(), 'production')]) {
      world.apply(change());
      assert.deepEqual(pinsOf(titles(world)[0] ?? ''), [pin('fraud', '14', '13')], titles(world)[0]);
    }
  });

  it('by a person does not latch, whatever is given as the reason', () => {
    const world = advanced(4);
    world.apply(planStepDown(PLAN, 2, world.reading(), 'production', 'person', { reason: 'guard rollback to 5 %' }));
    world.apply(planSetRollout(world.reading(), 'production', 25, { reason: 'guard rollback to 1 %' }));
    world.apply(planSwitchOff('kill', world.reading(), ['production']));
    world.apply(planSwitchOn(world.reading(), 'production', { reason: 'guard rollback to 1 %' }));
    assert.deepEqual(latches(world.events), []);
  });

  it('re-arming raises nothing, and needs a strategy of ours', () => {
    const world = advanced(4);
    assert.deepEqual(planRearm(world.reading(), 'production').environments.map(({ exposure }) => exposure), ['equal']);
    assert.equal(refusal(() => planRearm(new World().reading(), 'production')).data['reason'], 'nothingToRearm');
  });
});

describe('taking a release back, over random states', () => {
  const percents = fc.constantFrom(0, 1, 5, 25, 40, 100);
  it('never raises, neither at its end nor between its calls, and ends at or below the stage or says why not', () => {
    fc.assert(fc.property(fc.record({ everyone: percents, internal: percents, other: fc.option(percents), off: fc.boolean(), to: fc.integer({ min: -1, max: 4 }) }), ({ everyone, internal, other, off, to }) => {
      const world = new World();
      world.apply(planSetRollout(world.reading(), 'production', everyone));
      world.apply(planSetRollout(world.reading(), 'production', internal, {}, { segment: 'internal' }));
      if (other !== null) world.edit('production', (each) => ({ ...each, strategies: [...each.strategies, foreign(other)] }), { type: 'feature-strategy-add', strategy: foreign(other) });
      if (off) world.apply(planSwitchOff('kill', world.reading(), ['production']));
      const before = productionOf(world);
      const change = planStepDown(PLAN, to, world.reading(), 'production', 'guard');
      const [{ after, exposure }] = change.environments as [(typeof change.environments)[number]];
      const segments = segmentMap(world.segments);
      assert.ok(exposure === 'lower' || exposure === 'equal', exposure);
      assert.ok(exposureWithin(after, [before], segments));
      world.apply(change);
      const reached = new World();
      for (const each of PLAN.slice(0, to + 1)) reached.apply(planSetRollout(reached.reading(), each.environment, each.percent, {}, each.segment === undefined ? undefined : { segment: each.segment }));
      const isWithin = ['lower', 'equal'].includes(compareExposure(productionOf(reached), { ...productionOf(world), strategies: productionOf(world).strategies.map((each) => ({ ...each, parameters: { ...each.parameters, stickiness: 'default', groupId: 'fraud' } })) }, segments));
      assert.ok(isWithin || change.blockers.length > 0, JSON.stringify(productionOf(world)));
    }), { seed: 20261123, numRuns: 400 });
  });

  it('can be restored to what was before', () => {
    const world = advanced(4);
    const before = productionOf(world);
    world.apply(planStepDown(PLAN, -1, world.reading(), 'production', 'person'));
    world.apply(planRestore(world.reading(), 'production', before));
    assert.deepEqual(planPosition(PLAN, world.reading()), { stage: 3, deviations: [] });
  });
});
