import assert from 'node:assert/strict';
import { planRestore, planSetRollout } from '../../../src/core/flags/planner.ts';
import type { ChangePlan } from '../../../src/core/flags/changePlan.ts';
import { gateSubject, passGates, type GatePorts, type GateVerdict } from '../../../src/core/releases/gates.ts';
import { latchGate } from '../../../src/core/releases/latchGate.ts';
import { PROMOTION_GATES } from '../../../src/core/releases/promotionGates.ts';
import { planAdvance, planRearm, planStepDown } from '../../../src/core/releases/stageChange.ts';
import { stage, World } from './worldSupport.ts';

const PLAN = [stage('development', 100), stage('production', 25), stage('production', 100)];
const nobody = (): Promise<never> => Promise.reject(new Error('nobody is asked'));
const ports: GatePorts = { registry: nobody, readText: nobody, readFlag: nobody, suites: nobody, now: () => 0 };

function takenBack(): World {
  const world = new World();
  for (let count = 0; count < 2; count += 1) world.apply(planAdvance(PLAN, world.reading()).change);
  return world.apply(planStepDown(PLAN, -1, world.reading(), 'production', 'guard', { reason: 'errors 5 % vs 2 %' }), 'guard');
}

const judged = (world: World, plan: ChangePlan): Promise<GateVerdict> => passGates([latchGate], gateSubject(plan, world.reading(), { models: [], features: [] }, ports));

describe('the gate of a guard rollback', () => {
  it('is passed by every raise, in the editor and on the command line', () => {
    assert.equal(PROMOTION_GATES[0], latchGate);
  });

  it('lets nothing raise what the guard took back: a rollout, a restore, the next stage; and cannot be overridden', async () => {
    const world = takenBack();
    const before = world.environments.find(({ name }) => name === 'production')!;
    const raised = { ...before, strategies: before.strategies.map((strategy) => ({ ...strategy, parameters: { ...strategy.parameters, rollout: '25' } })) };
    for (const plan of [planSetRollout(world.reading(), 'production', 1), planRestore(world.reading(), 'production', raised), planAdvance(PLAN, world.reading()).change]) {
      const { kind, blocks } = await judged(world, plan);
      assert.deepEqual([plan.kind, kind, blocks[0]?.overridable], [plan.kind, 'block', false]);
      assert.match(blocks[0]?.reasons[0] ?? '', /^The guard took fraud back in production at 2026-01-01T\d\d:\d\dZ \(Modelswitch · guard rollback .*errors 5 % vs 2 %\), and nobody has re-armed it\./);
    }
  });

  it('leaves other environments and what lowers alone, and opens when somebody re-arms', async () => {
    const world = takenBack();
    assert.equal((await judged(world, planSetRollout(world.reading(), 'development', 50))).kind, 'pass');
    world.apply(planRearm(world.reading(), 'production'), 'alice');
    assert.equal((await judged(world, planSetRollout(world.reading(), 'production', 1))).kind, 'pass');
  });
});
