import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FlagEnvironment, Strategy } from '../../../src/core/flags/model.ts';
import { compareExposure, effectiveRollout, exposureWithin, maxExposure } from '../../../src/core/flags/rollout.ts';
import { constraint, environment, gradual, segmentsOf, strategy } from './rolloutSupport.ts';

const segments = segmentsOf(
  { id: 1, name: 'internal', constraints: [constraint('group', 'IN', ['internal'])] },
  { id: 2, name: 'europe', constraints: [constraint('region', 'IN', ['eu', 'uk'])] },
);
const internal = { segments: [1] };
const off = (from: FlagEnvironment): FlagEnvironment => ({ ...from, enabled: false });
const compare = (before: FlagEnvironment, after: FlagEnvironment): string => compareExposure(before, after, segments);

describe('comparing exposure', () => {
  it('sees a share go up or down', () => {
    assert.equal(compare(environment(gradual(5)), environment(gradual(25))), 'raise');
    assert.equal(compare(environment(gradual(25)), environment(gradual(5))), 'lower');
    assert.equal(compare(environment(gradual(25)), environment(gradual(25, { title: 'other' }))), 'equal');
  });

  it('sees one audience go up while another goes down', () => {
    assert.equal(compare(environment(gradual(100, internal), gradual(5)), environment(gradual(50, internal), gradual(25))), 'mixed');
  });

  it('sees that removing a segment before lowering raises', () => {
    assert.equal(compare(environment(gradual(100, internal)), environment(gradual(100))), 'raise');
    assert.equal(compare(environment(gradual(100, internal)), environment(gradual(5))), 'mixed');
  });

  it('sees that removing or disabling the last strategy means everybody', () => {
    assert.equal(compare(environment(gradual(5)), environment()), 'raise');
    assert.equal(compare(environment(gradual(5)), environment(gradual(5, { disabled: true }))), 'raise');
    assert.equal(compare(environment(gradual(100, {}, { stickiness: 'default' })), environment()), 'equal');
  });

  it('sees that 100 % sticky on userId is less than everybody', () => {
    assert.equal(compare(environment(gradual(100)), environment()), 'raise');
    assert.equal(compare(environment(strategy({ name: 'default', parameters: {} })), environment(gradual(100))), 'lower');
  });

  it('sees what default stickiness does for contexts without ids', () => {
    const twice = (draw: string): FlagEnvironment => environment(gradual(30, {}, { stickiness: draw }), gradual(20, {}, { stickiness: draw }));
    assert.equal(compare(twice('default'), environment(gradual(30, {}, { stickiness: 'default' }))), 'lower');
    assert.equal(compare(twice('userId'), environment(gradual(30))), 'equal');
  });

  it('sees the switch', () => {
    assert.equal(compare(environment(gradual(5)), off(environment(gradual(50)))), 'lower');
    assert.equal(compare(off(environment()), environment(gradual(0))), 'equal');
    assert.equal(compare(off(environment()), environment()), 'raise');
  });

  it('sees that a strategy beside an equal one changes nothing', () => {
    assert.equal(compare(environment(gradual(25)), environment(gradual(25), gradual(10, internal))), 'equal');
    assert.equal(compare(environment(gradual(25)), environment(gradual(25), gradual(10, internal, { groupId: 'other' }))), 'raise');
  });

  it('compares audiences that only one state names', () => {
    const region = (value: string): FlagEnvironment => environment(gradual(50, { constraints: [constraint('region', 'IN', [value])] }));
    assert.equal(compare(region('eu'), region('us')), 'mixed');
    assert.equal(compare(region('eu'), environment(gradual(50, { segments: [2] }))), 'raise');
  });
});

describe('bounding exposure', () => {
  it('tells the largest share of any audience', () => {
    assert.equal(maxExposure(environment(gradual(100, internal), gradual(5)), segments), 100);
    assert.equal(maxExposure(environment(gradual(20, {}, { groupId: 'a' }), gradual(30, {}, { groupId: 'b' })), segments), 44);
    assert.equal(maxExposure(environment(), segments), 100);
    assert.equal(maxExposure(off(environment()), segments), 0);
    assert.equal(maxExposure(environment(gradual(100, { segments: [9] })), segments), 0);
  });

  it('lets an audience have what either bound gives it', () => {
    const before = environment(gradual(100, internal), gradual(5));
    const after = environment(gradual(0, internal), gradual(25));
    const between = environment(gradual(0, internal), gradual(5));
    assert.equal(exposureWithin(between, [before, after], segments), true);
    assert.equal(exposureWithin(environment(gradual(100, internal), gradual(25)), [before, after], segments), true);
    assert.equal(exposureWithin(environment(gradual(30, internal), gradual(26)), [before, after], segments), false);
    assert.equal(exposureWithin(environment(gradual(1)), [], segments), false);
    assert.equal(exposureWithin(off(environment()), [], segments), true);
  });

  it('compares strategy by strategy where the audiences are too many to combine', () => {
    const many = (share: number): FlagEnvironment => environment(...Array.from({ length: 14 }, (_, index) => gradual(share + index, { constraints: [constraint(`field${index}`, 'IN', ['x'])] })));
    assert.equal(compare(many(10), many(11)), 'raise');
    assert.equal(compare(many(11), many(10)), 'lower');
    assert.equal(compare(many(11), many(11)), 'equal');
    assert.equal(exposureWithin(many(10), [many(11), environment()], segments), true);
    assert.equal(exposureWithin(many(12), [many(11)], segments), false);
    assert.equal(maxExposure(many(10), segments), 23);
    // Two strategies of default stickiness reach more of the contexts without ids than one does.
    const more = (from: FlagEnvironment, count: number, stickiness: string): FlagEnvironment => ({ ...from, strategies: [...from.strategies, ...Array.from({ length: count }, () => gradual(5, {}, { stickiness }))] });
    assert.equal(compare(more(many(10), 1, 'default'), more(many(10), 2, 'default')), 'raise');
    assert.equal(compare(more(many(10), 1, 'userId'), more(many(10), 2, 'userId')), 'equal');
  });
});

const share = fc.integer({ min: 0, max: 100 });
const anyStrategy: fc.Arbitrary<Strategy> = fc.record({
  rollout: share,
  stickiness: fc.constantFrom('userId', 'default', 'random', 'sessionId'),
  groupId: fc.constantFrom('a', 'b'),
  segments: fc.constantFrom([], [], [1], [2], [1, 2], [9]),
  region: fc.constantFrom(undefined, ['eu'], ['us']),
  disabled: fc.constantFrom(false, false, false, true),
}).map(({ rollout, stickiness, groupId, region, ...parts }) =>
  gradual(rollout, { ...parts, constraints: region === undefined ? [] : [constraint('region', 'IN', region)] }, { stickiness, groupId }));
const anyState: fc.Arbitrary<FlagEnvironment> = fc.record({ strategies: fc.array(anyStrategy, { maxLength: 4 }), enabled: fc.constantFrom(true, true, true, false) })
  .map(({ strategies, enabled }) => ({ ...environment(...strategies), enabled }));
const opposite = { raise: 'lower', lower: 'raise', equal: 'equal', mixed: 'mixed' } as const;

describe('comparing exposure: laws', () => {
  it('holds a state within itself and within anything that only raises', () => {
    fc.assert(fc.property(anyState, anyState, (a, b) => {
      assert.equal(compareExposure(a, a, segments), 'equal');
      assert.equal(exposureWithin(a, [a], segments), true);
      assert.equal(exposureWithin(a, [b, a], segments), true);
      const change = compareExposure(a, b, segments);
      assert.equal(compareExposure(b, a, segments), opposite[change]);
      assert.equal(exposureWithin(b, [a], segments), change === 'equal' || change === 'lower');
      if (exposureWithin(b, [a], segments)) assert.ok(maxExposure(b, segments) <= maxExposure(a, segments));
    }), { seed: 5, numRuns: 1500 });
  });

  it('never calls it a raise when shares only go down, or a reduction when they only go up', () => {
    fc.assert(fc.property(anyState, fc.array(share, { minLength: 4, maxLength: 4 }), (a, caps) => {
      const capped = { ...a, strategies: a.strategies.map((each, index) => ({ ...each, parameters: { ...each.parameters, rollout: String(Math.min(Number(each.parameters['rollout']), caps[index] ?? 0)) } })) };
      assert.ok(['equal', 'lower'].includes(compareExposure(a, capped, segments)));
      assert.ok(['equal', 'raise'].includes(compareExposure(capped, a, segments)));
    }), { seed: 6, numRuns: 1500 });
  });

  it('agrees with the effective rollout on the largest share', () => {
    fc.assert(fc.property(anyState, (a) => {
      const rollout = effectiveRollout(a, segments);
      assert.equal(maxExposure(a, segments), rollout.high);
      assert.equal(Math.max(...rollout.audiences.map((each) => each.high)), rollout.high);
      assert.equal(Math.min(...rollout.audiences.map((each) => each.low)), rollout.low);
    }), { seed: 7, numRuns: 1500 });
  });
});
