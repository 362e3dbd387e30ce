import assert from 'node:assert/strict';
import fc from 'fast-check';
import { planRollback, planSetRollout, planSwitchOff, planSwitchOn } from '../../../src/core/flags/planner.ts';
import { demandsAt, planPosition, planVisits } from '../../../src/core/releases/position.ts';
import type { Stage } from '../../../src/core/workspace/plan.ts';
import { rolloutStrategy } from '../flags/flagSupport.ts';
import { stage, World } from './worldSupport.ts';

const PLAN: readonly Stage[] = [
  stage('development', 100), stage('production', 100, { segment: 'internal' }), stage('production', 5), stage('production', 25), stage('production', 100),
];

/** Applies the first stages of a plan, one change each. */
function reach(world: World, plan: readonly Stage[], count: number): World {
  for (const { environment, percent, segment } of plan.slice(0, count)) {
    world.apply(planSetRollout(world.reading(), environment, percent, {}, segment === undefined ? undefined : { segment }));
  }
  return world;
}

describe('where a release stands', () => {
  for (let count = 0; count <= PLAN.length; count += 1) {
    it(`is stage ${count} of ${PLAN.length} after ${count} of its changes, and nothing deviates`, () => {
      assert.deepEqual(planPosition(PLAN, reach(new World(), PLAN, count).reading()), { stage: count - 1, deviations: [] });
    });
  }

  it('tells a percentage between two stages, and one below', () => {
    const world = reach(new World(), PLAN, 4);
    world.apply(planSetRollout(world.reading(), 'production', 40));
    assert.deepEqual(planPosition(PLAN, world.reading()), { stage: 3, deviations: [{ environment: 'production', kind: 'more', message: 'production is at 40 % instead of 25 %' }] });
    world.apply(planSetRollout(world.reading(), 'production', 20));
    assert.deepEqual(planPosition(PLAN, world.reading()), { stage: 2, deviations: [{ environment: 'production', kind: 'more', message: 'production is at 20 % instead of 5 %' }] });
  });

  it('falls back behind an early stage that was taken back, and names what is ahead', () => {
    const world = reach(new World(), PLAN, 4);
    world.apply(planSwitchOff('kill', world.reading(), ['development']));
    const { stage: reached, deviations } = planPosition(PLAN, world.reading());
    assert.equal(reached, -1);
    assert.deepEqual(deviations.map(({ message }) => message).toSorted(), ['production is at 25 % instead of 0 %', 'segment internal of production is at 100 % instead of 0 %']);
  });

  it("names somebody's strategy that exposes more than the plan", () => {
    const world = reach(new World(), PLAN, 3);
    const foreign = rolloutStrategy('other', 30, { title: 'by hand', parameters: { rollout: '30', stickiness: 'userId', groupId: 'else' } });
    world.edit('production', (each) => ({ ...each, strategies: [...each.strategies, foreign] }), { type: 'feature-strategy-add', strategy: foreign });
    assert.deepEqual(planPosition(PLAN, world.reading()), { stage: 2, deviations: [{ environment: 'production', kind: 'more', message: '"by hand" in production exposes more than the plan' }] });
  });

  it('takes an environment that is on without a strategy as 100 %', () => {
    const world = new World();
    world.edit('production', (each) => ({ ...each, enabled: true }), { type: 'feature-environment-enabled' });
    assert.ok(planPosition(PLAN, world.reading()).deviations.some(({ message }) => message === 'production is at 100 % instead of 0 %'));
  });

  it('compares the split of variants by name', () => {
    const plan = [stage('production', 100, { weights: { v14: 20 } }), stage('production', 100, { weights: { v14: 50 } })];
    const world = new World();
    const split = (v14: number) => [['v13', 1000 - v14] as const, ['v14', v14] as const].map(([name, weight]) => ({ name, weight, weightType: 'fix' as const, stickiness: 'userId' }));
    const serve = (v14: number): void => {
      world.environments = world.environments.map((each) => (each.name === 'production' ? { ...each, enabled: true, strategies: [rolloutStrategy('a', 100, { variants: split(v14) })] } : each));
    };
    serve(200);
    assert.deepEqual(planPosition(plan, world.reading()), { stage: 0, deviations: [] });
    serve(500);
    assert.deepEqual(planPosition(plan, world.reading()), { stage: 1, deviations: [] });
    serve(300);
    assert.deepEqual(planPosition(plan, world.reading()).deviations.map(({ message }) => message), ['variant v14 has 30 % of production instead of 50 %']);
  });

  it('knows of a segment that does not exist that nobody has reached it', () => {
    const plan = [stage('production', 100, { segment: 'gone' })];
    assert.deepEqual(planPosition(plan, new World().reading()), { stage: -1, deviations: [] });
  });

  it('tells from the log how it came there, and since when', () => {
    const world = reach(new World(), PLAN, 4);
    const before = world.events.length;
    world.apply(planRollback(world.reading(), 'production'), 'guard');
    const visits = planVisits(PLAN, world.reading());
    assert.deepEqual(visits.filter(({ deviations }) => deviations.length === 0).map((visit) => visit.stage), [-1, 0, 1, 2, 3, 2]);
    assert.deepEqual(visits.at(-1), { stage: 2, deviations: [], since: world.events[before]?.createdAt, event: before + 1, by: 'guard' });
    assert.equal(visits[0]?.since, '2026-01-01T00:00:00.000Z');
  });

  it('says no time where the log does not lead back', () => {
    const world = reach(new World(), PLAN, 4);
    world.events.splice(0, world.events.length);
    assert.deepEqual(planVisits(PLAN, world.reading()), [{ stage: 3, deviations: [], since: undefined, event: 0, by: undefined }]);
  });
});

const PERCENTS = [1, 5, 25, 50, 95, 100];
const AUDIENCES = [['development', undefined], ['production', undefined], ['production', 'internal']] as const;
type Audience = (typeof AUDIENCES)[number];

/** Plans that only go up, over two environments and a segment. */
const plans: fc.Arbitrary<readonly Stage[]> = fc.array(fc.tuple(fc.constantFrom(...AUDIENCES), fc.constantFrom(...PERCENTS)), { minLength: 1, maxLength: 8 }).map((wanted) => {
  const last = new Map<Audience, number>();
  return wanted.flatMap(([audience, percent]) => {
    if (percent <= (last.get(audience) ?? 0)) return [];
    last.set(audience, percent);
    const [environment, segment] = audience;
    return [stage(environment, percent, segment === undefined ? {} : { segment })];
  });
});

type Act = { readonly kind: 'set'; readonly audience: Audience; readonly percent: number } | { readonly kind: 'kill' | 'on' | 'roll back'; readonly environment: string };
const acts: fc.Arbitrary<readonly Act[]> = fc.array(fc.oneof(
  fc.record({ kind: fc.constant('set' as const), audience: fc.constantFrom(...AUDIENCES), percent: fc.constantFrom(0, ...PERCENTS) }),
  fc.record({ kind: fc.constantFrom('kill' as const, 'on' as const, 'roll back' as const), environment: fc.constantFrom('development', 'production') }),
), { maxLength: 12 });

function act(world: World, step: Act): void {
  try {
    const reading = world.reading();
    if (step.kind === 'set') world.apply(planSetRollout(reading, step.audience[0], step.percent, {}, step.audience[1] === undefined ? undefined : { segment: step.audience[1] }));
    else if (step.kind === 'kill') world.apply(planSwitchOff('kill', reading, [step.environment]));
    else if (step.kind === 'on') world.apply(planSwitchOn(reading, step.environment));
    else world.apply(planRollback(reading, step.environment));
  } catch (error) {
    // What cannot be planned (nothing to roll back, no strategy to switch on) is not done: the world stays as it is.
    assert.equal((error as { code?: string }).code, 'validation', String(error));
  }
}

/** The oracle: what each strategy says, by its segment, where the environment is on. */
function percentOf(world: World, [environment, segment]: Audience): number {
  const found = world.environments.find(({ name }) => name === environment)!;
  if (!found.enabled) return 0;
  return Number(found.strategies.find(({ segments, disabled }) => !disabled && segments.length === (segment === undefined ? 0 : 1))?.parameters['rollout'] ?? 0);
}

describe('where a release stands, over random histories', () => {
  it('is the last stage whose demands are met exactly, else the last that nothing falls short of', () => {
    let exact = 0;
    let others = 0;
    fc.assert(fc.property(plans, acts, (plan, steps) => {
      const world = new World();
      for (const step of steps) act(world, step);
      const real = (index: number): (readonly [number, number])[] => demandsAt(plan, index).map((demand) => [percentOf(world, [demand.environment, demand.segment] as Audience), demand.percent] as const);
      const indices = Array.from({ length: plan.length + 1 }, (_, index) => index - 1);
      const met = indices.findLast((index) => real(index).every(([is, wanted]) => is === wanted));
      const { stage: found, deviations } = planPosition(plan, world.reading());
      const beside = deviations.filter(({ message }) => message.includes('exposes more than the plan'));
      if (beside.length === 0 && met !== undefined) {
        exact += 1;
        assert.deepEqual([found, deviations], [met, []]);
      } else {
        others += 1;
        assert.ok(deviations.length > 0);
        assert.equal(found, indices.findLast((index) => index === -1 || real(index).every(([is, wanted]) => is >= wanted)));
      }
    }), { seed: 20261123, numRuns: 2000 });
    assert.ok(exact > 300 && others > 300, `${exact} exact, ${others} others`);
  });

  it('the visits end with the present position, each differs from the one before, and times only go on', () => {
    fc.assert(fc.property(plans, acts, (plan, steps) => {
      const world = new World();
      for (const step of steps) act(world, step);
      const visits = planVisits(plan, world.reading());
      const last = visits.at(-1)!;
      assert.deepEqual({ stage: last.stage, deviations: last.deviations }, planPosition(plan, world.reading()));
      for (const [index, visit] of visits.entries()) {
        const before = visits[index - 1];
        if (before === undefined) continue;
        assert.ok(visit.event > before.event && (visit.since ?? '') >= (before.since ?? ''));
        assert.notDeepEqual([visit.stage, visit.deviations], [before.stage, before.deviations]);
      }
    }), { seed: 7, numRuns: 500 });
  });
});
