import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AppError } from '../../../src/core/base/errors.ts';
import type { StrategyVariant } from '../../../src/core/flags/model.ts';
import { planRollback, planSetRollout, rollbackTargets } from '../../../src/core/flags/planner.ts';
import { checkWeights, parseWeights, planSetWeights, reweighted, weightsText } from '../../../src/core/flags/weights.ts';
import { EventLog, INTERNAL, rolloutStrategy } from './flagSupport.ts';

const variant = (name: string, weight: number, weightType: 'fix' | 'variable' = 'variable'): StrategyVariant => ({ name, weight, weightType, stickiness: 'userId', payload: { type: 'string', value: `model:${name}` } });
const halves = [variant('v1', 500), variant('v2', 500)];
const OURS = { title: 'Modelswitch · 25 %' };

function problem(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'validation');
    return error.message;
  }
  return assert.fail('it was accepted');
}

/** As Unleash 8.2 does with what it is sent: variable variants share evenly what the fixed ones leave, the first get the remainder. */
function asServer(variants: readonly StrategyVariant[]): number[] {
  const variable = variants.filter(({ weightType }) => weightType === 'variable');
  assert.ok(variable.length > 0, 'Unleash asks for a variable variant');
  const rest = 1000 - variants.filter(({ weightType }) => weightType === 'fix').reduce((sum, { weight }) => sum + weight, 0);
  assert.ok(rest >= 0);
  return variants.map((each) => (each.weightType === 'fix' ? each.weight : Math.floor(rest / variable.length) + (variable.indexOf(each) < rest % variable.length ? 1 : 0)));
}

describe('weights as text', () => {
  const names = ['v1', 'v2', 'v1 large, quantised', 'v10'];

  it('reads what it writes, and the other ways to write it', () => {
    assert.equal(weightsText(halves), 'v1 50, v2 50');
    for (const text of ['v1 70, v2 30', 'v1=70,v2=30', ' v1: 70 % , v2:30% ', 'v1  70,v2 = 30']) assert.deepEqual(parseWeights(text, ['v1', 'v2']), { v1: 70, v2: 30 }, text);
    assert.deepEqual(parseWeights('v10 12.5, v1 large, quantised 80, v1 7.5', names), { v10: 12.5, 'v1 large, quantised': 80, v1: 7.5 });
  });

  const wrong: [string, RegExp][] = [
    ['v3 70, v2 30', /^There is no variant "v3"\. Did you mean "v1"\?/],
    ['blue 70', /^There is no variant "blue"\. There are v1, v2\./],
    ['v1, v2 30', /^"v1" needs a percentage/],
    ['v1 many, v2 30', /^"v1" needs a percentage/],
    ['v1 70, v1 30', /^"v1" is named twice/],
    ['v1 70 30', /^"v1" needs a percentage|^There is no variant/],
    ['=', /^There is no variant/],
  ];
  for (const [text, says] of wrong) it(`refuses "${text}"`, () => assert.match(problem(() => parseWeights(text, ['v1', 'v2'])), says));
});

describe('checking weights', () => {
  const wrong: [Record<string, number>, RegExp][] = [
    [{ v1: 70, v2: 20 }, /^The shares add up to 90 %, not 100 %\./],
    [{ v1: 110, v2: -10 }, /^"v1" cannot get 110 %/],
    [{ v1: 100, v2: -0.1 }, /^"v2" cannot get -0.1 %/],
    [{ v1: 100 }, /^"v2" is missing/],
    [{ v1: 33.33, v2: 66.67 }, /one decimal/],
    [{ v1: Number.NaN, v2: 100 }, /^"v1" cannot get NaN %/],
    [{ v1: 50, V2: 50 }, /^There is no variant "V2"\. Did you mean "v2"\?/],
    [{ v1: 50, v2: 50, toString: 0 }, /^There is no variant "toString"/],
  ];
  for (const [weights, says] of wrong) it(`refuses ${JSON.stringify(weights)}`, () => assert.match(problem(() => checkWeights(weights, ['v1', 'v2'])), says));

  it('takes one decimal, and sums without rounding errors', () => {
    assert.deepEqual([...checkWeights({ v1: 33.3, v2: 66.7 }, ['v1', 'v2'])], [['v1', 333], ['v2', 667]]);
    assert.deepEqual([...checkWeights({ a: 0.1, b: 0.2, c: 99.7 }, ['a', 'b', 'c']).values()], [1, 2, 997]);
  });
});

describe('weights that Unleash keeps', () => {
  const types = (variants: readonly StrategyVariant[], ...weights: number[]): string[] =>
    reweighted(variants, new Map(variants.map(({ name }, index) => [name, weights[index]!]))).map(({ weightType }) => weightType);

  it('keeps types that fit, fixes no more than it must, and never loosens a fixed one', () => {
    assert.deepEqual(types(halves, 500, 500), ['variable', 'variable']);
    assert.deepEqual(types([variant('a', 334), variant('b', 333), variant('c', 333)], 334, 333, 333), ['variable', 'variable', 'variable']);
    assert.deepEqual(types(halves, 700, 300), ['variable', 'fix']);
    assert.deepEqual(types([variant('a', 250), variant('b', 250), variant('c', 250), variant('d', 250)], 100, 300, 300, 300), ['fix', 'variable', 'variable', 'variable']);
    assert.deepEqual(types([variant('a', 500, 'fix'), variant('b', 250), variant('c', 250)], 800, 100, 100), ['fix', 'variable', 'variable']);
    assert.deepEqual(types([variant('a', 700, 'fix'), variant('b', 300)], 0, 1000), ['fix', 'variable']);
  });

  it('reads back as asked whatever the variants were, with payload and stickiness as they were', () => {
    const variants = fc.array(fc.constantFrom('fix' as const, 'variable' as const), { minLength: 1, maxLength: 6 }).filter((all) => all.includes('variable'));
    fc.assert(fc.property(variants, fc.array(fc.nat({ max: 1000 }), { minLength: 6, maxLength: 6 }), fc.boolean(), (weightTypes, cuts, even) => {
      const present = weightTypes.map((weightType, index) => variant(`v${index}`, 0, weightType));
      const edges = [0, ...cuts.slice(1, present.length).map((cut) => (even ? cut - (cut % 100) : cut)).toSorted((a, b) => a - b), 1000];
      const wanted = present.map((_, index) => edges[index + 1]! - edges[index]!);
      const sent = reweighted(present, new Map(present.map(({ name }, index) => [name, wanted[index]!])));
      assert.deepEqual(asServer(sent), wanted);
      assert.ok(sent.every(({ weightType }, index) => weightTypes[index] === 'variable' || weightType === 'fix'));
      assert.deepEqual(sent.map(({ payload, stickiness }) => [payload, stickiness]), present.map(({ payload, stickiness }) => [payload, stickiness]));
    }), { seed: 20261123, numRuns: 2000 });
  });
});

describe('planning a split', () => {
  const log = (...more: Parameters<EventLog['add']>[0][]): EventLog => {
    const made = new EventLog().add(rolloutStrategy('a', 25, { ...OURS, variants: halves }));
    for (const strategy of more) made.add(strategy);
    return made.switch(true);
  };
  const words = (plan: ReturnType<typeof planSetWeights>): string => plan.environments.map(({ from, to }) => `${from} -> ${to}`).join();

  it('is one compare-and-set that exposes the flag to nobody else, with old and new split in words', () => {
    const plan = planSetWeights(log().reading(), 'production', { v1: 70, v2: 30 }, { version: 'fraud v14' });
    const [step] = plan.environments[0]!.steps;
    assert.ok(step?.kind === 'patch' && plan.environments[0]!.steps.length === 1);
    assert.deepEqual([plan.kind, words(plan), step.exposure, step.to.title], ['set weights', '25 % · v1 50 % / v2 50 % -> 25 % · v1 70 % / v2 30 %', 'equal', 'Modelswitch · fraud v14 · v1 70 % / v2 30 % · set weights']);
    assert.deepEqual(step.to.variants.map(({ weight, payload }) => [weight, payload?.value]), [[700, 'model:v1'], [300, 'model:v2']]);
  });

  it('gives the split to every strategy of ours, for the first that matches decides', () => {
    const plan = planSetWeights(log(rolloutStrategy('in', 100, { ...OURS, segments: [1], variants: halves })).reading([INTERNAL]), 'production', { v1: 90, v2: 10 });
    assert.deepEqual(plan.environments[0]!.steps.map(({ kind }) => kind), ['patch', 'patch']);
    assert.equal(plan.environments[0]!.to, '25 % · internal 100 % · v1 90 % / v2 10 %');
  });

  it('warns of strategies of others, and refuses when ours have other variants', () => {
    const foreign = planSetWeights(log(rolloutStrategy('qa', 100, { title: 'QA', segments: [1], variants: halves })).reading([INTERNAL]), 'production', { v1: 90, v2: 10 });
    assert.deepEqual([foreign.environments[0]!.steps.length, foreign.warnings], [1, ['The strategy "QA" was not made by Modelswitch: whom it answers first gets its split.']]);
    const other = log(rolloutStrategy('in', 100, { title: 'Modelswitch · in', segments: [1], variants: [variant('v3', 1000)] }));
    assert.match(problem(() => planSetWeights(other.reading([INTERNAL]), 'production', { v1: 90, v2: 10 })), /"Modelswitch · in" has other variants \(v3\) than v1, v2/);
  });

  it('says so when there are no variants, or not ours', () => {
    const none = new EventLog().add(rolloutStrategy('a', 5)).switch(true);
    assert.match(problem(() => planSetWeights(none.reading(), 'production', { v1: 100 })), /fraud has no variants in production: add them/);
    const theirs = none.add(rolloutStrategy('b', 5)).add(rolloutStrategy('c', 5, { title: 'QA', segments: [1], variants: halves }));
    assert.match(problem(() => planSetWeights(theirs.reading([INTERNAL]), 'production', { v1: 100, v2: 0 })), /in the strategy "QA", which was not made by Modelswitch/);
  });

  it('changes nothing when the split is so already', () => {
    assert.deepEqual(planSetWeights(log().reading(), 'production', { v1: 50, v2: 50 }).environments[0]!.steps, []);
  });

  it('keeps the split when a percentage is set', () => {
    const split = log();
    const [step] = planSetWeights(split.reading(), 'production', { v1: 70, v2: 30 }).environments[0]!.steps;
    assert.ok(step?.kind === 'patch');
    split.update('a', step.to);
    const [set] = planSetRollout(split.reading(), 'production', 50).environments[0]!.steps;
    assert.deepEqual(set?.kind === 'patch' && set.to.variants, step.to.variants);
  });

  const weights = fc.nat({ max: 1000 }).map((v1) => ({ v1: v1 / 10, v2: (1000 - v1) / 10 }));

  it('can always be taken back by Roll Back: any number of splits, one at a time, at any share, on or off', () => {
    fc.assert(fc.property(fc.uniqueArray(weights, { minLength: 1, maxLength: 5, selector: ({ v1 }) => v1 }), fc.constantFrom(0, 5, 25, 100), fc.boolean(), fc.boolean(), (splits, percent, on, second) => {
      const made = new EventLog().add(rolloutStrategy('a', percent, { ...OURS, variants: halves }));
      if (second) made.add(rolloutStrategy('in', 100, { ...OURS, segments: [1], variants: halves }));
      if (on) made.switch(true);
      const states = [made.environment];
      const apply = (plan: ReturnType<typeof planSetWeights>): void => {
        for (const step of plan.environments[0]!.steps) {
          assert.ok(step.kind === 'patch', 'a split takes edits only');
          made.update(step.from.id, step.to);
        }
      };
      for (const split of splits) {
        if (split.v1 === 50) continue;
        apply(planSetWeights(made.reading([INTERNAL]), 'production', split));
        states.push(made.environment);
      }
      for (const earlier of states.slice(0, -1).toReversed()) {
        const plan = planRollback(made.reading([INTERNAL]), 'production');
        assert.equal(plan.environments[0]!.exposure, 'equal');
        apply(plan);
        assert.deepEqual(made.environment.strategies.map(({ variants }) => variants), earlier.strategies.map(({ variants }) => variants));
      }
      if (!on || (percent === 0 && !second)) assert.equal(rollbackTargets(made.reading([INTERNAL]), 'production').lower, undefined);
    }), { seed: 7, numRuns: 200 });
  });
});
