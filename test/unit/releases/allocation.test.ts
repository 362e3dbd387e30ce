import assert from 'node:assert/strict';
import { planSetRollout, planSwitchOff } from '../../../src/core/flags/planner.ts';
import { planRepin, planStart } from '../../../src/core/flags/startRollout.ts';
import { pin } from '../../../src/core/flags/titles.ts';
import { allocations, comparedDuring, evidenceStart, parentsLimit, SETTLE_MS, shareDuring, type Allocation } from '../../../src/core/releases/allocation.ts';
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

  it('of three variants is also that of those who get either arm, whoever gets the flag off having the current version', () => {
    const of = (percent: number, weights: Readonly<Record<string, number>>): Pick<Allocation, 'share' | 'compared'>[] => {
      const world = new World();
      const variants = Object.entries(weights).map(([name, weight]) => ({ name, weight, weightType: 'fix' as const, stickiness: 'userId' }));
      world.environments = world.environments.map((each) => (each.name === 'production' ? { ...each, enabled: true, strategies: [rolloutStrategy('a', percent, { variants })] } : each));
      return allocations(world.reading(), 'production', 'v14', 'v13').map(({ share, compared }) => ({ share, ...(compared === undefined ? {} : { compared }) }));
    };
    assert.deepEqual(of(100, { v13: 500, v14: 500 }), [{ share: 0.5 }]);
    assert.deepEqual(of(50, { v13: 500, v14: 500 }), [{ share: 0.25 }]);
    assert.deepEqual(of(100, { v13: 450, v14: 450, v15: 100 }), [{ share: 0.45, compared: 0.5 }]);
    assert.deepEqual(of(50, { v13: 400, v14: 200, v15: 400 }), [{ share: 0.1, compared: 0.12500000000000003 }]);
    assert.deepEqual(of(100, { v13: 600, v15: 400 }), [{ share: 0 }]);
    const given = [{ from: undefined, to: undefined, share: 0.2, compared: 1 / 3 }];
    assert.deepEqual([shareDuring(given, 0, 1), comparedDuring(given, 0, 1), comparedDuring([{ from: undefined, to: undefined, share: 0.2 }], 0, 1)], [0.2, 1 / 3, 0.2]);
  });

  it('is of another time where only the part of the current version changed', () => {
    const world = new World();
    const strategy = (weights: Readonly<Record<string, number>>): ReturnType<typeof rolloutStrategy> => rolloutStrategy('a', 100, { variants: Object.entries(weights).map(([name, weight]) => ({ name, weight, weightType: 'fix' as const, stickiness: 'userId' })) });
    const [before, after] = [strategy({ v13: 400, v14: 200, v15: 400 }), strategy({ v13: 600, v14: 200, v15: 200 })];
    world.environments = world.environments.map((each) => (each.name === 'production' ? { ...each, enabled: true, strategies: [before] } : each));
    world.edit('production', (environment) => ({ ...environment, strategies: [after] }), { type: 'feature-strategy-update', strategy: after, previousStrategy: before });
    assert.deepEqual(allocations(world.reading(), 'production', 'v14', 'v13').map(({ compared }) => compared), [1 / 3, 0.25]);
  });

  it('does not say who the arms hold where a parent has a say that is not on for everybody', () => {
    const world = new World();
    const reading = world.reading();
    const parent = (rollout: number): NonNullable<typeof reading.family>['parents'][number] =>
      ({ flag: 'base', detail: { ...reading.detail, flag: { ...reading.detail.flag, name: 'base', environments: [{ name: 'production', type: 'production', enabled: true, strategies: [rolloutStrategy('p', rollout)] }] } } });
    const child = { ...reading, detail: { ...reading.detail, flag: { ...reading.detail.flag, dependencies: [{ feature: 'base', enabled: true, variants: [] }] } } };
    const of = (family: typeof reading.family): string | undefined => parentsLimit({ ...child, family }, 'production');
    const words = 'the condition on base decides beside the percentage who gets the candidate';
    assert.equal(parentsLimit(reading, 'production'), undefined);
    assert.equal(of({ parents: [parent(100)], children: [], unread: [] }), undefined);
    assert.equal(of({ parents: [parent(50)], children: [], unread: [] }), words);
    assert.equal(of({ parents: [{ flag: 'base', detail: undefined }], children: [], unread: [] }), words);
    assert.equal(of(undefined), words, 'nobody has read it');
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
    const off = now(world);
    assert.ok((evidenceStart(world.reading(), 'production', 'fraud').at ?? 0) > began(world));
    set(world, 5);
    assert.deepEqual(evidenceStart(world.reading(), 'production', 'fraud'), { at: now(world), alone: off, because: 'exposure' });
  });
});
