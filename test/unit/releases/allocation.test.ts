import assert from 'node:assert/strict';
import { planSetRollout, planSwitchOff } from '../../../src/core/flags/planner.ts';
import { planRepin, planStart } from '../../../src/core/flags/startRollout.ts';
import { pin } from '../../../src/core/flags/titles.ts';
import { allocations, evidenceStart, SETTLE_MS, shareDuring } from '../../../src/core/releases/allocation.ts';
import { planRearm, planStepDown } from '../../../src/core/releases/stageChange.ts';
import { rolloutStrategy } from '../flags/flagSupport.ts';
import { stage, World } from './worldSupport.ts';

const MINUTE = 60_000;
const set = (world: World, percent: number): World => world.apply(planSetRollout(world.reading(), 'production', percent));
const now = (world: World): number => Date.parse(world.events.at(-1)!.createdAt);
const began = (world: World): number => Date.parse(world.events[0]!.createdAt) - MINUTE;

describe('what an environment gave out', () => {
  it('is a time for each share of everyone; segments and titles make none', () => {
    const world = new World();
    set(world, 5);
    const first = now(world);
    world.apply(planSetRollout(world.reading(), 'production', 100, {}, { segment: 'internal' }));
    set(world, 25);
    const second = now(world);
    world.apply(planSwitchOff('kill', world.reading(), ['production']));
    assert.deepEqual(allocations(world.reading(), 'production'), [
      { from: undefined, to: first, share: 0 }, { from: first, to: second, share: 0.05 }, { from: second, to: now(world), share: 0.25 }, { from: now(world), to: undefined, share: 0 },
    ]);
  });

  it('of a variant is its part of the share', () => {
    const world = new World();
    const variants = [['v13', 800], ['v14', 200]].map(([name, weight]) => ({ name: String(name), weight: Number(weight), weightType: 'fix' as const, stickiness: 'userId' }));
    world.environments = world.environments.map((each) => (each.name === 'production' ? { ...each, enabled: true, strategies: [rolloutStrategy('a', 50, { variants })] } : each));
    assert.deepEqual(allocations(world.reading(), 'production', 'v14').map(({ share }) => share), [0.1]);
  });

  it('is nothing in an environment that there is not', () => {
    assert.deepEqual(allocations(new World().reading(), 'staging'), []);
  });

  it('is known of a time only where it did not change, nor just before: SDKs ask every so often', () => {
    const given = [{ from: undefined, to: 10 * MINUTE, share: 0.05 }, { from: 10 * MINUTE, to: undefined, share: 0.25 }];
    assert.deepEqual([[0, MINUTE], [9 * MINUTE, 10 * MINUTE], [9 * MINUTE, 11 * MINUTE], [10 * MINUTE, 11 * MINUTE], [10 * MINUTE + SETTLE_MS, 20 * MINUTE]].map(([start, end]) => shareDuring(given, start!, end!)),
      [0.05, 0.05, undefined, undefined, 0.25]);
  });
});

describe('when evidence begins to count', () => {
  const released = (): World => set(new World().apply(planStart(new World().reading(), { environments: ['production'], pin: pin('fraud', '14', '13') })), 5);

  it('is the first exposure', () => {
    const world = released();
    assert.deepEqual(evidenceStart(world.reading(), 'production', 'fraud'), { at: now(world), because: 'exposure', counted: Date.UTC(2026, 0, 1) });
    const first = now(world);
    set(world, 25);
    assert.equal(evidenceStart(world.reading(), 'production', 'fraud').at, first);
  });

  it('is by the hour also where the segment before was pinned in it, as a release begins', () => {
    const world = new World().apply(planStart(new World().reading(), { environments: ['production'], pin: pin('fraud', '14', '13') }));
    world.apply(planSetRollout(world.reading(), 'production', 100, {}, { segment: 'internal' }));
    set(world, 5);
    assert.deepEqual(evidenceStart(world.reading(), 'production', 'fraud'), { at: now(world), because: 'exposure', counted: Date.UTC(2026, 0, 1) });
  });

  it('is when another version was pinned', () => {
    const world = released();
    world.apply(planRepin(world.reading(), pin('fraud', '15', '13')));
    assert.deepEqual(evidenceStart(world.reading(), 'production', 'fraud'), { at: now(world), because: 'versions' });
    set(world, 25);
    assert.equal(evidenceStart(world.reading(), 'production', 'fraud').because, 'versions');
  });

  it("is a guard's rollback, and then its re-arming", () => {
    const world = released();
    set(world, 25);
    world.apply(planStepDown([stage('production', 5), stage('production', 25)], 0, world.reading(), 'production', 'guard'));
    assert.deepEqual(evidenceStart(world.reading(), 'production', 'fraud'), { at: now(world), because: 'guard rollback' });
    world.apply(planRearm(world.reading(), 'production'));
    assert.deepEqual(evidenceStart(world.reading(), 'production', 'fraud'), { at: now(world), because: 're-armed' });
  });

  it('is not moved by what a person writes over a title', () => {
    const world = released();
    const { at } = evidenceStart(world.reading(), 'production', 'fraud');
    const [strategy] = world.environments[1]!.strategies;
    const renamed = { ...strategy!, title: 'my own words' };
    world.edit('production', (each) => ({ ...each, strategies: [renamed] }), { type: 'feature-strategy-update', strategy: renamed, previousStrategy: strategy! });
    assert.equal(evidenceStart(world.reading(), 'production', 'fraud').at, at);
  });

  it('is again the first exposure after everything was switched off', () => {
    const world = released();
    world.apply(planSwitchOff('kill', world.reading(), ['production']));
    assert.ok((evidenceStart(world.reading(), 'production', 'fraud').at ?? 0) > began(world));
    set(world, 5);
    assert.deepEqual(evidenceStart(world.reading(), 'production', 'fraud'), { at: now(world), because: 'exposure' });
  });
});
