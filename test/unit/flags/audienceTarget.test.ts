import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import { audienceChoices, audienceShare, strategyAudience } from '../../../src/core/flags/audienceTarget.ts';
import { predicateOf } from '../../../src/core/flags/audiences.ts';
import type { ChangePlan } from '../../../src/core/flags/changePlan.ts';
import type { Constraint, Segment } from '../../../src/core/flags/model.ts';
import { everyoneShare, planPromote, planRestore, planRollback, planSetRollout } from '../../../src/core/flags/planner.ts';
import { EventLog, INTERNAL, production, rolloutStrategy } from './flagSupport.ts';

const OURS = { title: 'Modelswitch · 5 %' };
const EUROPE: Constraint = { contextName: 'region', operator: 'IN', values: ['eu'], inverted: false, caseInsensitive: false };
const BETA: Segment = { id: 2, name: 'beta', constraints: [{ ...EUROPE, contextName: 'plan', values: ['pro'] }] };
const segments = new Map([INTERNAL, BETA].map((segment) => [segment.id, segment]));

const words = (plan: ChangePlan): string => plan.environments.map(({ from, to }) => `${from} -> ${to}`).join();
const calls = (plan: ChangePlan): string[] => plan.environments.flatMap(({ steps }) => steps.map(({ kind }) => kind));
const internal = { segment: 'internal' };

describe('planning for a segment', () => {
  const ramp = (): EventLog => new EventLog().add(rolloutStrategy('all', 5, { ...OURS, parameters: { rollout: '5', stickiness: 'account', groupId: 'release-7' } })).switch(true);

  it('adds one strategy for the segment, drawn like the one for everyone, which keeps its share', () => {
    const plan = planSetRollout(ramp().reading([INTERNAL]), 'production', 100, {}, internal);
    assert.equal(words(plan), '5 % -> 5 % · internal 100 %');
    const [step] = plan.environments[0]!.steps;
    assert.ok(step?.kind === 'add' && plan.environments[0]!.steps.length === 1);
    assert.deepEqual([step.strategy.segments, step.strategy.parameters], [[1], { rollout: '100', stickiness: 'account', groupId: 'release-7' }]);
    assert.equal(step.strategy.title, 'Modelswitch · 100 % of segment internal · set rollout');
  });

  it('draws like our own strategy rather than like others', () => {
    const log = new EventLog().add(rolloutStrategy('theirs', 1, { parameters: { rollout: '1', stickiness: 'userId', groupId: 'theirs' }, segments: [2] }))
      .add(rolloutStrategy('ours', 5, { ...OURS, parameters: { rollout: '5', stickiness: 'userId', groupId: 'ours' } })).switch(true);
    const [step] = planSetRollout(log.reading([INTERNAL, BETA]), 'production', 100, {}, internal).environments[0]!.steps;
    assert.equal(step?.kind === 'add' && step.strategy.parameters['groupId'], 'ours');
  });

  it('edits the strategy of the segment the next time, found by name or id, and keeps it at 0 %', () => {
    const log = ramp().add(rolloutStrategy('in', 100, { ...OURS, segments: [1] }));
    for (const segment of ['internal', 1, '1']) {
      const plan = planSetRollout(log.reading([INTERNAL]), 'production', 0, {}, { segment });
      assert.deepEqual([words(plan), calls(plan), plan.environments[0]!.exposure], ['5 % · internal 100 % -> 5 %', ['patch'], 'lower']);
    }
  });

  it('never raises another audience when one is lowered or ended', () => {
    const log = ramp().add(rolloutStrategy('in', 100, { ...OURS, segments: [1] })).add(rolloutStrategy('beta', 50, { ...OURS, segments: [2] }));
    const reading = log.reading([INTERNAL, BETA]);
    for (const audience of [undefined, internal, { segment: 'beta' }]) {
      for (const percent of [0, 1]) assert.equal(planSetRollout(reading, 'production', percent, {}, audience).environments[0]!.exposure, 'lower');
    }
  });

  it('promotes a segment from the share its members really have', () => {
    const plan = planPromote(ramp().reading([INTERNAL]), 'production', {}, internal);
    assert.equal(words(plan), '5 % -> 5 % · internal 25 %');
    const top = ramp().add(rolloutStrategy('in', 100, { ...OURS, segments: [1] }));
    assert.throws(() => planPromote(top.reading([INTERNAL]), 'production', {}, internal), /at 100 % of segment internal in production already/);
  });

  it('leaves no variant out: a new audience of a variant switch gets the same split', () => {
    const variants = [{ name: 'v1', weight: 1000, weightType: 'variable' as const, stickiness: 'userId' }];
    const log = new EventLog().add(rolloutStrategy('all', 5, { ...OURS, variants })).switch(true);
    const [step] = planSetRollout(log.reading([INTERNAL]), 'production', 100, {}, internal).environments[0]!.steps;
    assert.deepEqual(step?.kind === 'add' && step.strategy.variants, variants);
  });

  it('names a strategy of others that gives the segment more', () => {
    const log = new EventLog().add(rolloutStrategy('all', 5, OURS)).add(rolloutStrategy('qa', 100, { title: 'QA', segments: [1] })).switch(true);
    const plan = planSetRollout(log.reading([INTERNAL]), 'production', 10, {}, internal);
    assert.match(plan.blockers[0]!.message, /Strategy "QA" \(100 % of segment internal.*keeps exposure up/);
    const everyone = new EventLog().add(rolloutStrategy('all', 5, OURS)).add(rolloutStrategy('any', 5, { name: 'default', title: 'by hand', parameters: {} })).switch(true);
    assert.match(planSetRollout(everyone.reading([INTERNAL]), 'production', 10, {}, internal).blockers[0]!.message, /"by hand"/);
  });

  it('says so when the members get more through everyone', () => {
    const log = new EventLog().add(rolloutStrategy('all', 50, OURS)).switch(true);
    const plan = planSetRollout(log.reading([INTERNAL]), 'production', 10, {}, internal);
    assert.deepEqual([plan.blockers, plan.warnings], [[], ['Together with its other strategies production gives 50 % to segment internal.']]);
  });

  it('says so when switching on makes the other audiences count too, or everyone comes in for the first time', () => {
    const off = new EventLog().add(rolloutStrategy('all', 25, OURS));
    assert.deepEqual(planSetRollout(off.reading([INTERNAL]), 'production', 100, {}, internal).warnings, ['Switching production on makes its other strategies count too: 25 % · internal 100 %.']);
    const inside = new EventLog().add(rolloutStrategy('in', 100, { ...OURS, segments: [1] })).switch(true);
    assert.deepEqual(planPromote(inside.reading([INTERNAL]), 'production').warnings, ['So far production had a rollout for segment internal only; this is the first for everyone.']);
  });

  it('says which segment was probably meant, or which there are', () => {
    const problem = (segment: string, known: Segment[]): string => {
      try {
        planSetRollout(ramp().reading(known), 'production', 5, {}, { segment });
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === 'notFound');
        return error.message;
      }
      return assert.fail();
    };
    assert.equal(problem('intrenal', [INTERNAL, BETA]), 'There is no segment "intrenal". Did you mean "internal"?');
    assert.equal(problem('moon', [INTERNAL, BETA]), 'There is no segment "moon". There are internal, beta.');
    assert.equal(problem('moon', []), 'There is no segment "moon". Unleash has no segments.');
  });

  it('offers everyone and our segments as choices', () => {
    const environment = production(true, rolloutStrategy('all', 5, OURS), rolloutStrategy('in', 100, { ...OURS, segments: [1] }), rolloutStrategy('qa', 10, { title: 'QA', segments: [2] }));
    assert.deepEqual(audienceChoices(environment, segments).map(({ audience, words: text, percent }) => [audience?.segment, text, percent]), [[undefined, 'everyone', 5], [1, 'segment internal', 100]]);
    assert.deepEqual(environment.strategies.map((strategy) => strategyAudience(environment, strategy, segments)), [{ audience: undefined }, { audience: { segment: 1 } }, undefined]);
  });
});

describe('the strategy that stands in for everyone', () => {
  const limited = (rollout: number): EventLog => new EventLog().add(rolloutStrategy('eu', rollout, { title: 'EU only', constraints: [EUROPE] })).switch(true);

  it('is the only gradual rollout, however it is constrained: it is promoted and nobody else is let in', () => {
    const plan = planPromote(limited(5).reading(), 'production');
    assert.deepEqual([words(plan), calls(plan)], ['0 % · eu 5 % -> 0 % · eu 25 %', ['patch']]);
    assert.throws(() => planPromote(limited(100).reading(), 'production'), /at 100 % of region in eu in production already/);
    assert.equal(words(planSetRollout(limited(50).reading(), 'production', 0)), '0 % · eu 50 % -> 0 %');
  });

  it('stays so beside our own segments, and counts for what promotion may raise', () => {
    const log = limited(5).add(rolloutStrategy('in', 100, { ...OURS, segments: [1] }));
    assert.equal(words(planPromote(log.reading([INTERNAL]), 'production')), '0 % · eu 5 % · internal 100 % -> 0 % · eu 25 % · internal 100 %');
    assert.equal(everyoneShare(log.environment, segments), 5);
  });

  it('is none of two that others made', () => {
    const log = limited(5).add(rolloutStrategy('qa', 100, { title: 'QA', segments: [1] }));
    assert.deepEqual(calls(planPromote(log.reading([INTERNAL]), 'production')), ['add']);
  });
});

describe('what a person wrote into the title', () => {
  it('gives way to ours and comes back with a roll back or restore', () => {
    const log = new EventLog().add(rolloutStrategy('a', 5, { title: 'canary of team A' })).switch(true);
    const [promoted] = planPromote(log.reading(), 'production').environments[0]!.steps;
    assert.ok(promoted?.kind === 'patch' && promoted.to.title.startsWith('Modelswitch · '));
    log.update('a', promoted.to);
    const [back] = planRollback(log.reading(), 'production').environments[0]!.steps;
    assert.equal(back?.kind === 'patch' && back.to.title, 'canary of team A');
    const [restored] = planRestore(log.reading(), 'production', production(true, rolloutStrategy('a', 5, { title: 'Modelswitch · 5 % · older' }))).environments[0]!.steps;
    assert.equal(restored?.kind === 'patch' && restored.to.title, 'Modelswitch · restore to 5 %');
  });
});

describe('a strategy that a person made and we adopted', () => {
  it('is set to 0 %, not deleted, where the state to restore did not have it; ours are deleted', () => {
    const log = new EventLog().add(rolloutStrategy('beta', 10, { ...OURS, segments: [2] })).switch(true);
    const target = log.environment;
    log.add(rolloutStrategy('a', 25, { title: 'canary' })).update('a', { title: 'Modelswitch · 25 %' }).add(rolloutStrategy('in', 100, { ...OURS, segments: [1] }));
    const plan = planRestore(log.reading([INTERNAL, BETA]), 'production', target);
    assert.deepEqual(plan.environments[0]!.after.strategies.map(({ id, parameters }) => [id, parameters['rollout']]), [['beta', '10'], ['a', '0']]);
    assert.deepEqual([words(plan), plan.blockers], ['25 % · internal 100 % -> 0 % · beta 10 %', []]);
  });
});

describe('disabled strategies', () => {
  it('are enabled by name in the plan, and disabled again by a roll back', () => {
    const log = new EventLog().add(rolloutStrategy('a', 25, OURS)).switch(true).update('a', { disabled: true }, { groupId: 't' }).switch(false, { groupId: 't' });
    const plan = planSetRollout(log.reading(), 'production', 10);
    assert.deepEqual([words(plan), plan.warnings], ['off -> 10 %', ['Enables the strategy "Modelswitch · 5 %" (10 % of everyone · sticky on userId) in production.']]);
    log.update('a', { disabled: false, parameters: { ...log.environment.strategies[0]!.parameters, rollout: '10' }, title: 'Modelswitch · 10 % · set rollout · then on' }).switch(true);
    const back = planRollback(log.reading(), 'production');
    assert.deepEqual([back.environments[0]!.after.strategies[0]!.disabled, back.environments[0]!.after.strategies[0]!.parameters['rollout'], back.environments[0]!.after.enabled], [true, '25', false]);
    assert.match(back.warnings[0]!, /^Disables the strategy/);
  });

  it('of others stay disabled', () => {
    const log = new EventLog().add(rolloutStrategy('a', 5, OURS)).add(rolloutStrategy('b', 100, { title: 'theirs', disabled: true })).switch(true);
    const plan = planSetRollout(log.reading(), 'production', 50);
    assert.deepEqual([plan.environments[0]!.after.strategies[1]!.disabled, plan.blockers, plan.warnings], [true, [], []]);
  });

  it('leave an environment that is on at 100 %, which is said, and setting a rollout lowers it', () => {
    const environment = production(true, rolloutStrategy('a', 5, { disabled: true }));
    const plan = planSetRollout(new EventLog(environment).reading(), 'production', 25);
    assert.deepEqual([words(plan), calls(plan), plan.environments[0]!.exposure], ['100 % (no enabled strategy) -> 25 %', ['patch'], 'lower']);
  });
});

describe('the share of an audience', () => {
  const share = (strategies: ReturnType<typeof rolloutStrategy>[], segment?: Segment): number =>
    audienceShare({ strategies }, predicateOf(rolloutStrategy('', 0, segment === undefined ? {} : { segments: [segment.id] }), segments), segments);

  it('is what its members get whom nothing else singles out', () => {
    const strategies = [rolloutStrategy('all', 5), rolloutStrategy('in', 60, { segments: [1] }), rolloutStrategy('beta', 100, { segments: [2] })];
    assert.deepEqual([share(strategies), share(strategies, INTERNAL), share(strategies, BETA)], [5, 60, 100]);
  });

  it('adds up draws that are independent, and is nobody without strategies', () => {
    const other = { parameters: { rollout: '50', stickiness: 'userId', groupId: 'other' }, segments: [1] };
    assert.equal(share([rolloutStrategy('all', 50), rolloutStrategy('in', 50, other)], INTERNAL), 75);
    assert.equal(share([], INTERNAL), 0);
  });
});
