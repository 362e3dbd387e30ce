import assert from 'node:assert/strict';
import { audienceWords } from '../../../src/core/flags/audiences.ts';
import type { FlagEnvironment, StrategyVariant } from '../../../src/core/flags/model.ts';
import { describeRollout, effectiveRollout, percentWords, strategyWords, variantSplit } from '../../../src/core/flags/rollout.ts';
import { sdkFeature, startSdk } from '../../support/sdk.ts';
import { constraint, environment, gradual, segmentsOf, strategy } from './rolloutSupport.ts';

const segments = segmentsOf(
  { id: 1, name: 'internal', constraints: [constraint('group', 'IN', ['internal'])] },
  { id: 2, name: 'europe', constraints: [constraint('region', 'IN', ['eu', 'uk'])] },
);

const none = segmentsOf();
const told = (...strategies: Parameters<typeof environment>): string => describeRollout(effectiveRollout(environment(...strategies), segments));
const rows = (from: FlagEnvironment): [string, number, number][] => effectiveRollout(from, segments).audiences.map((each) => [each.audience, each.low, each.high]);

describe('effective rollout: what one environment exposes', () => {
  it('is off when the environment is off, whatever its strategies', () => {
    const rollout = effectiveRollout({ ...environment(gradual(100)), enabled: false }, segments);
    assert.equal(describeRollout(rollout), 'off');
    assert.deepEqual([rollout.on, rollout.low, rollout.high], [false, 0, 0]);
    assert.deepEqual(rollout.reasons, ['The environment is switched off.']);
  });

  it('is everybody when the environment is on without strategies', () => {
    assert.equal(told(), '100 % (no strategies)');
  });

  it('is everybody when all strategies are disabled', () => {
    const rollout = effectiveRollout(environment(gradual(5, { disabled: true })), segments);
    assert.equal(describeRollout(rollout), '100 % (no enabled strategy)');
    assert.deepEqual(rollout.reasons, ['The environment is on without an enabled strategy, so everyone gets it.', 'One disabled strategy is ignored.']);
  });

  for (const [raw, share] of [['5', 5], ['12.5', 12], ['0.9', 0], ['250', 100], ['-3', 0], ['abc', 0], ['', 0], [' 25 ', 25], ['1e1', 10], ['Infinity', 100]] as const) {
    it(`takes rollout ${JSON.stringify(raw)} as ${share} %, as the SDKs do`, async () => {
      const rollout = effectiveRollout(environment(gradual(raw)), segments);
      assert.deepEqual([rollout.low, rollout.high], [share, share]);
      const sdk = await startSdk([sdkFeature('f', environment(gradual(raw)))], []);
      // Each of the 100 hash values is met many times, so the share of the hash values that are on is exact.
      const on = Array.from({ length: 3000 }, (_, user) => sdk.isEnabled('f', { userId: `u${user}` })).filter(Boolean).length;
      sdk.stop();
      assert.ok(Math.abs(on / 30 - share) < 3, `the SDK says ${on / 30}`);
      const warned = rollout.reasons.some((reason) => reason.includes(`"${raw}" is no whole number from 0 to 100; the SDKs take it as ${share} %`));
      assert.equal(warned, raw !== '5');
    });
  }

  it('takes a missing rollout as 0 %', () => {
    const rollout = effectiveRollout(environment(strategy({ parameters: { stickiness: 'userId' } })), segments);
    assert.equal(describeRollout(rollout), '0 %');
    assert.ok(rollout.reasons.some((reason) => reason.includes('its rollout is missing')));
  });

  it('counts the larger of two strategies that draw the same units', () => {
    assert.equal(told(gradual(20), gradual(30)), '30 %');
  });

  it('combines strategies with different groups as independent', () => {
    const rollout = effectiveRollout(environment(gradual(20, {}, { groupId: 'a' }), gradual(30, {}, { groupId: 'b' })), segments);
    assert.equal(describeRollout(rollout), '44 %');
    assert.ok(rollout.reasons.some((reason) => reason.startsWith('Strategies with different group or stickiness')));
  });

  it('combines strategies with different stickiness as independent', () => {
    assert.equal(told(gradual(20, {}, { stickiness: 'userId' }), gradual(30, {}, { stickiness: 'sessionId' })), '44 %');
  });

  it('hashes default stickiness as userId', () => {
    assert.equal(told(gradual(20, {}, { stickiness: 'default' }), gradual(30)), '30 %');
    assert.equal(told(gradual(20, {}, { stickiness: '' }), gradual(30, {}, { stickiness: 'default' })), '30 %');
  });

  it('draws random stickiness anew for every strategy, even in one group', () => {
    const rollout = effectiveRollout(environment(gradual(20, {}, { stickiness: 'random' }), gradual(30, {}, { stickiness: 'random' })), segments);
    assert.equal(describeRollout(rollout), '44 % · random per call');
    assert.equal(rollout.unstable, true);
    assert.equal(rollout.random, true);
  });

  it('is everybody beside a strategy of type default', () => {
    const rollout = effectiveRollout(environment(gradual(5), strategy({ name: 'default', parameters: {} })), segments);
    assert.equal(describeRollout(rollout), '100 %');
    assert.deepEqual(rollout.needs, [], 'a context without userId gets it too');
  });

  it('understands the old gradual types', () => {
    assert.equal(told(strategy({ name: 'gradualRolloutUserId', parameters: { percentage: '30', groupId: 'flag' } }), gradual(20)), '30 %');
    assert.equal(told(strategy({ name: 'gradualRolloutRandom', parameters: { percentage: '30' } })), '30 % · random per call');
  });
});

describe('effective rollout: what a context must carry', () => {
  it('needs the field it is sticky on, even at 100 %', async () => {
    const from = environment(gradual(100));
    assert.deepEqual(effectiveRollout(from, segments).needs, ['userId']);
    const sdk = await startSdk([sdkFeature('f', from)], []);
    assert.equal(sdk.isEnabled('f', {}), false);
    assert.equal(sdk.isEnabled('f', { userId: '1' }), true);
    sdk.stop();
  });

  it('needs nothing where stickiness is default, but may flip for a context without ids', () => {
    const rollout = effectiveRollout(environment(gradual(50, {}, { stickiness: 'default' })), segments);
    assert.deepEqual([rollout.needs, rollout.unstable, rollout.random], [[], true, false]);
    assert.equal(effectiveRollout(environment(gradual(100, {}, { stickiness: 'default' })), segments).unstable, false);
    assert.equal(effectiveRollout(environment(gradual(50, {}, { stickiness: 'random' }), gradual(100)), segments).random, false);
  });

  it('does not need a field of a strategy that adds nothing', () => {
    const from = environment(gradual(0, {}, { stickiness: 'account' }), gradual(20, {}, { stickiness: 'default' }));
    assert.deepEqual(effectiveRollout(from, segments).needs, []);
  });

  it('says so when one field decides who is meant and who gets it', () => {
    const from = environment(gradual(50, { constraints: [constraint('userId', 'IN', ['1', '2'])] }));
    assert.ok(effectiveRollout(from, segments).reasons.some((reason) => reason.includes('decides both who is meant')));
  });
});

describe('effective rollout: audiences', () => {
  const internal = { segments: [1] };
  const europe = { segments: [2] };

  it('tells a segment beside everyone', () => {
    const from = environment(gradual(100, internal), gradual(25));
    assert.deepEqual(rows(from), [['everyone else', 25, 25], ['segment internal', 100, 100]]);
    const rollout = effectiveRollout(from, segments);
    assert.deepEqual([rollout.low, rollout.high], [25, 100]);
    assert.equal(describeRollout(rollout), '25 % · internal 100 %');
  });

  it('tells a constrained rollout, and nobody else', () => {
    assert.equal(told(gradual(50, { constraints: [constraint('region', 'IN', ['eu'])] })), '0 % · eu 50 %');
  });

  it('needs constraints and segments together within one strategy', () => {
    const both = environment(gradual(50, { ...internal, constraints: [constraint('region', 'IN', ['eu', 'fr'])] }));
    assert.deepEqual(rows(both), [['everyone else', 0, 0], ['segment internal where region in eu, fr', 50, 50]]);
  });

  it('gives overlapping audiences one share each', () => {
    const from = environment(gradual(100, internal), gradual(50, europe), gradual(5));
    assert.deepEqual(rows(from), [['everyone else', 5, 5], ['segment internal', 100, 100], ['segment europe, not segment internal', 50, 50]]);
    assert.equal(told(...from.strategies), '5 % · internal 100 % · europe 50 %');
  });

  it('gives overlaps their own line where draws are independent', () => {
    const from = environment(gradual(50, internal, { groupId: 'a' }), gradual(20, europe, { groupId: 'b' }));
    assert.deepEqual(rows(from), [
      ['everyone else', 0, 0],
      ['segment internal, not segment europe', 50, 50],
      ['segment internal and also segment europe', 60, 60],
      ['segment europe, not segment internal', 20, 20],
    ]);
  });

  it('leaves out an audience that gets no more than everyone', () => {
    assert.equal(told(gradual(10, internal), gradual(25)), '25 %');
    assert.equal(told(gradual(0, internal), gradual(25)), '25 %');
  });

  it('knows that lists of one field exclude each other', () => {
    const from = environment(gradual(50, { constraints: [constraint('region', 'IN', ['eu'])] }), gradual(20, { constraints: [constraint('region', 'NOT_IN', ['eu'])] }));
    assert.deepEqual(rows(from), [['region in eu', 50, 50], ['region not in eu', 20, 20]]);
    assert.equal(told(...from.strategies), 'eu 50 % · not eu 20 %');
  });

  it('knows that numbers of one field exclude each other', () => {
    const from = environment(gradual(50, { constraints: [constraint('age', 'NUM_GTE', '18')] }), gradual(20, { constraints: [constraint('age', 'NUM_GTE', '18', { inverted: true })] }));
    assert.deepEqual(rows(from), [['age >= 18', 50, 50], ['not (age >= 18)', 20, 20]]);
    // 18 itself belongs to `>=`, and a missing age to none of the three.
    const three = environment(...[['NUM_GTE', 50], ['NUM_LT', 20], ['NUM_EQ', 70]].map(([operator, share]) => gradual(share!, { constraints: [constraint('age', String(operator), '18')] })));
    assert.deepEqual(rows(three), [['everyone else', 0, 0], ['age >= 18, not age = 18', 50, 50], ['age < 18', 20, 20], ['age = 18', 70, 70]]);
  });

  it('reads an inverted list as its opposite', () => {
    const [words] = rows(environment(gradual(50, { constraints: [constraint('region', 'IN', ['eu'], { inverted: true })] })))[1] ?? [];
    assert.equal(words, 'region not in eu');
    const same = environment(gradual(50, { constraints: [constraint('region', 'IN', ['eu'], { inverted: true })] }), gradual(70, { constraints: [constraint('region', 'NOT_IN', ['eu'])] }));
    assert.deepEqual(rows(same).map(([, low]) => low), [0, 70]);
  });

  it('sees that a segment and a constraint say the same', () => {
    const from = environment(gradual(50, europe), gradual(70, { constraints: [constraint('region', 'IN', ['uk', '', ' eu ', 'uk'])] }));
    // The SDKs trim listed values and drop empty ones.
    assert.deepEqual(rows(from), [['everyone else', 0, 0], ['segment europe', 70, 70]]);
  });

  it('sees that a wider audience covers a narrower one', () => {
    const from = environment(gradual(100, { constraints: [constraint('region', 'IN', ['eu'])] }), gradual(50, europe));
    assert.deepEqual(rows(from), [['everyone else', 0, 0], ['region in eu', 100, 100], ['segment europe, not region in eu', 50, 50]]);
  });

  it('matches nobody through a deleted segment, an unknown operator or an empty list, and says so', () => {
    for (const [parts, why] of [
      [{ segments: [9] }, 'segment 9 does not exist'],
      [{ constraints: [constraint('region', 'LIKE', ['eu'], { inverted: true })] }, 'operator LIKE is unknown'],
      [{ constraints: [constraint('region', 'IN', [])] }, 'region is compared with an empty list'],
    ] as const) {
      const rollout = effectiveRollout(environment(gradual(100, parts)), segments);
      assert.deepEqual([describeRollout(rollout), rollout.high], ['0 %', 0]);
      assert.ok(rollout.reasons.some((reason) => reason.includes(why)), rollout.reasons.join('\n'));
    }
  });

  it('matches a missing field with negative operators, as the SDK does', async () => {
    const from = environment(gradual(100, { constraints: [constraint('region', 'NOT_IN', ['eu']), constraint('age', 'NUM_GT', '5', { inverted: true })] }));
    const sdk = await startSdk([sdkFeature('f', from)], []);
    assert.equal(sdk.isEnabled('f', { userId: '1' }), true);
    sdk.stop();
    assert.equal(rows(from)[1]?.[1], 100);
  });

  it('names what targeted and unknown strategy types select', () => {
    assert.equal(told(strategy({ name: 'userWithId', parameters: { userIds: '7, 8' } }), gradual(5)), '5 % · 7 +1 100 %');
    assert.equal(told(strategy({ name: 'remoteAddress', parameters: { IPs: '10.0.0.0/8' } })), '0 % · 10.0.0.0/8 100 %');
    const rollout = effectiveRollout(environment(strategy({ name: 'ourOwn', parameters: { a: '1' } })), segments);
    assert.deepEqual(rollout.audiences.map((each) => each.audience), ['everyone else', 'those the strategy type ourOwn selects']);
    assert.ok(rollout.reasons.some((reason) => reason.includes('is not a built-in strategy type')));
  });

  it('keeps sound bounds where the audiences are too many to combine', () => {
    const many = Array.from({ length: 14 }, (_, index) => gradual(10 + index, { constraints: [constraint(`field${index}`, 'IN', ['x'])] }));
    const rollout = effectiveRollout(environment(...many, gradual(5)), segments);
    assert.equal(rollout.audiences.length, 15);
    assert.deepEqual(rollout.audiences[0], { ...rollout.audiences[0], audience: 'everyone else', low: 5, high: 5 });
    assert.deepEqual(rollout.audiences.slice(1).map((each) => [each.low, each.high]), many.map((_, index) => [10 + index, 23]));
    assert.deepEqual([rollout.low, rollout.high], [5, 23]);
    assert.equal(describeRollout(rollout), '5 % · x 10–23 % · x 11–23 % · x 12–23 % · 11 more');
  });

  it('gives ranges instead of dozens of overlaps', () => {
    const many = Array.from({ length: 6 }, (_, index) => gradual(20, { constraints: [constraint(`field${index}`, 'IN', ['x'])] }, { groupId: `g${index}` }));
    const { audiences } = effectiveRollout(environment(...many), segments);
    assert.equal(audiences.length, 7);
    assert.deepEqual([audiences[1]?.low, audiences[1]?.high], [20, 73.7856]);
  });

  it('is plain data, so that it can come from a worker', () => {
    const rollout = effectiveRollout(environment(gradual(100, internal), gradual(25)), segments);
    assert.deepEqual(structuredClone(rollout), rollout);
  });
});

describe('effective rollout: parents and words', () => {
  it('names the parents that block and those it hangs on', () => {
    const rollout = effectiveRollout(environment(gradual(25)), segments, { blockedBy: ['p'], dependsOn: ['p', 'q'] });
    assert.equal(describeRollout(rollout), '25 % · blocked by p');
    assert.deepEqual(rollout.reasons.slice(-2), ['Off at present: the condition on the parent flag p does not hold.', 'Off wherever the condition on the parent flag q does not hold.']);
  });

  it('puts a strategy in words', () => {
    const each = gradual(25, { segments: [1], constraints: [constraint('region', 'IN', ['eu', 'fr'])] });
    assert.equal(strategyWords(each, segments), '25 % of segment internal where region in eu, fr · sticky on userId');
    assert.equal(strategyWords(gradual(5, { disabled: true }, { stickiness: 'default' }), none), '5 % of everyone · sticky by default · disabled');
    assert.equal(strategyWords(gradual(5, {}, { stickiness: 'random' }), none), '5 % of everyone · random per call');
    assert.equal(strategyWords(strategy({ name: 'default', parameters: {} }), none), 'everyone');
  });

  it('puts every operator in words', () => {
    const words = (...args: Parameters<typeof constraint>): string => audienceWords(strategy({ constraints: [constraint(...args)] }), none);
    assert.equal(words('region', 'NOT_IN', ['a', 'b', 'c', 'd', 'e']), 'region not in a, b, c and 2 more');
    assert.equal(words('mail', 'STR_ENDS_WITH', ['@x.org']), 'mail ends with @x.org');
    assert.equal(words('mail', 'STR_CONTAINS', ['x'], { inverted: true }), 'not (mail contains x)');
    assert.equal(words('currentTime', 'DATE_AFTER', '2026-01-01'), 'time after 2026-01-01');
    assert.equal(words('v', 'SEMVER_GTE', '2.0.0'), 'v version >= 2.0.0');
    assert.equal(words('v', 'REGEX', '^a'), 'v matches ^a');
    assert.equal(words('v', 'constructor', 'z'), 'v constructor z');
    assert.equal(audienceWords(strategy({ segments: [1, 9] }), segments), 'segment internal and segment 9 (deleted)');
  });

  it('never rounds a share to nobody or everybody', () => {
    assert.deepEqual([0, 0.01, 43.75, 99.99, 100].map(percentWords), ['0 %', '<0.1 %', '43.8 %', '>99.9 %', '100 %']);
  });
});

describe('variant split', () => {
  const variant = (name: string, weight: number): StrategyVariant => ({ name, weight, weightType: 'variable', stickiness: 'userId' });

  it('is the weights of the only strategy, or of strategies that agree', () => {
    const variants = [variant('a', 250), variant('b', 750), variant('never', 0)];
    assert.deepEqual(variantSplit(environment(gradual(50, { variants })), none), [{ name: 'a', share: 25 }, { name: 'b', share: 75 }]);
    assert.deepEqual(variantSplit(environment(gradual(50, { variants }), gradual(90, { variants })), none)?.length, 2);
  });

  it('is empty without variants and undefined when strategies differ', () => {
    assert.deepEqual(variantSplit(environment(gradual(50)), none), []);
    assert.deepEqual(variantSplit({ ...environment(gradual(50, { variants: [variant('a', 1000)] })), enabled: false }, none), []);
    assert.equal(variantSplit(environment(gradual(50, { variants: [variant('a', 1000)] }), gradual(50)), none), undefined);
  });

  it('divides those who are on as the SDK does', async () => {
    const from = environment(gradual(40, { variants: [variant('a', 250), variant('b', 750)] }));
    const sdk = await startSdk([sdkFeature('f', from)], []);
    const seen = Array.from({ length: 10_000 }, (_, user) => sdk.getVariant('f', { userId: `u${user}` }));
    sdk.stop();
    const on = seen.filter((each) => each !== 'disabled').length;
    const share = (100 * seen.filter((each) => each === 'a').length) / on;
    assert.ok(Math.abs(share - 25) <= 4 * Math.sqrt((25 * 75) / on), `a for ${share} % of ${on}`);
  });
});
