import assert from 'node:assert/strict';
import fc from 'fast-check';
import { armsWithin } from '../../../src/core/flags/arms.ts';
import { afterCall, planSteps, reached } from '../../../src/core/flags/changePlan.ts';
import type { FlagEnvironment, Segment, Strategy, StrategyVariant } from '../../../src/core/flags/model.ts';
import { compareExposure, exposureWithin } from '../../../src/core/flags/rollout.ts';
import { INTERNAL, production } from './flagSupport.ts';

const BETA: Segment = { id: 2, name: 'beta', constraints: [{ contextName: 'plan', operator: 'IN', values: ['pro'], inverted: false, caseInsensitive: false }] };
const segments = new Map([[INTERNAL.id, INTERNAL], [BETA.id, BETA]]);
const region = (value: string): Strategy['constraints'] => [{ contextName: 'region', operator: 'IN', values: [value], inverted: false, caseInsensitive: false }];

const split = (v1: number): StrategyVariant[] => [['v1', v1] as const, ['v2', 1000 - v1] as const].map(([name, weight]) => ({ name, weight, weightType: name === 'v1' ? 'fix' : 'variable', stickiness: 'userId' }));

const strategy = (id: string): fc.Arbitrary<Strategy> => fc.record({
  id: fc.constant(id),
  name: fc.constantFrom('flexibleRollout', 'flexibleRollout', 'default'),
  title: fc.constantFrom('', 'Modelswitch · x'),
  disabled: fc.boolean(),
  parameters: fc.record({ rollout: fc.constantFrom('0', '5', '25', '50', '100'), stickiness: fc.constantFrom('userId', 'default'), groupId: fc.constantFrom('g', 'h') }),
  constraints: fc.constantFrom<Strategy['constraints'][]>([], region('eu'), region('us')),
  segments: fc.constantFrom<number[][]>([], [1], [2]),
  variants: fc.constantFrom<StrategyVariant[][]>([], [], split(0), split(300), split(1000)),
});

const environment: fc.Arbitrary<FlagEnvironment> = fc.tuple(fc.boolean(), fc.subarray(['a', 'b', 'c']).chain((ids) => fc.tuple(...ids.map(strategy))))
  .map(([enabled, strategies]) => production(enabled, ...strategies))
  // Unleash switches such an environment off by itself, or fills in 100 %: it is no goal that anybody can ask for.
  .filter((candidate) => !candidate.enabled || candidate.strategies.some(({ disabled }) => !disabled));

describe('the order of the calls of a change', () => {
  it('reaches the target, and an interruption anywhere exposes no audience, and no variant to it, more than the larger of before and after', () => {
    fc.assert(fc.property(environment, environment, (before, after) => {
      let state = before;
      for (const step of planSteps(before, after, segments)) {
        const next = afterCall(state, step);
        assert.ok(exposureWithin(next, [before, after], segments), `after ${step.kind}`);
        assert.ok(armsWithin(next, [before, after], segments), `a variant after ${step.kind}`);
        assert.equal(step.exposure, compareExposure(state, next, segments));
        state = next;
      }
      assert.ok(reached(state, after));
    }), { seed: 20261122, numRuns: 3000 });
  });

  it('ends exposure with the first call when the target is off', () => {
    fc.assert(fc.property(environment, environment, (before, after) => {
      const [first] = planSteps(before, { ...after, enabled: false }, segments);
      assert.ok(!before.enabled || (first?.kind === 'switch' && !first.enabled));
    }), { seed: 7, numRuns: 300 });
  });
});
