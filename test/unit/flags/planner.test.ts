import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import { environmentHistory } from '../../../src/core/flags/history.ts';
import {
  lastChange, nextStage, planPromote, planRestore, planRollback, planSetRollout, planSwitchOff, planSwitchOn, rollbackTargets,
} from '../../../src/core/flags/planner.ts';
import type { ChangePlan } from '../../../src/core/flags/changePlan.ts';
import { EventLog, INTERNAL, production, rolloutStrategy } from './flagSupport.ts';

const words = (plan: ChangePlan): string => plan.environments.map(({ from, to }) => `${from} -> ${to}`).join();
const calls = (plan: ChangePlan): string[] => plan.environments.flatMap(({ steps }) => steps.map(({ kind }) => kind));

function problem(run: () => unknown): AppError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error;
  }
  return assert.fail('it was accepted');
}

describe('planning a promotion', () => {
  it('goes to the next of 5, 25, 50, 100 by one edit of the only gradual rollout', () => {
    const log = new EventLog().add(rolloutStrategy('a', 5)).switch(true);
    const plan = planPromote(log.reading(), 'production', { version: 'fraud v14' });
    assert.equal(words(plan), '5 % -> 25 %');
    const [step] = plan.environments[0]!.steps;
    assert.ok(step?.kind === 'patch');
    assert.equal(step.to.parameters['rollout'], '25');
    assert.equal(step.to.title, 'Modelswitch · fraud v14 · 25 % · promote');
    assert.deepEqual([step.to.parameters['groupId'], step.to.parameters['stickiness']], ['fraud', 'userId']);
  });

  it('sets the rollout first and switches on last when the environment is off', () => {
    const log = new EventLog().add(rolloutStrategy('a', 100));
    const plan = planPromote(log.reading(), 'production');
    assert.equal(words(plan), 'off -> 5 %');
    assert.deepEqual(calls(plan), ['patch', 'switch']);
  });

  it('adds a strategy of its own where there is none', () => {
    const plan = planPromote(new EventLog().reading(), 'production');
    assert.deepEqual(calls(plan), ['add', 'switch']);
    assert.equal(words(plan), 'off -> 5 %');
  });

  it('lowers to the asked share when an environment is on without strategies, which is 100 %', () => {
    const plan = planSetRollout(new EventLog().switch(true).reading(), 'production', 25);
    assert.equal(words(plan), '100 % (no strategies) -> 25 %');
    assert.equal(plan.environments[0]!.exposure, 'lower');
  });

  it('edits the everyone strategy and leaves the internal one', () => {
    const log = new EventLog().add(rolloutStrategy('all', 25)).add(rolloutStrategy('in', 100, { segments: [1] })).switch(true);
    assert.equal(words(planPromote(log.reading([INTERNAL]), 'production')), '25 % · internal 100 % -> 50 % · internal 100 %');
  });

  it('says so at the top', () => {
    const log = new EventLog().add(rolloutStrategy('a', 100)).switch(true);
    assert.match(problem(() => planPromote(log.reading(), 'production')).message, /at 100 % in production already/);
    assert.equal(nextStage(100), undefined);
    assert.equal(nextStage(24), 25);
  });

  it('keeps its strategy by id after somebody edited the title', () => {
    const log = new EventLog().add(rolloutStrategy('a', 5, { title: 'Modelswitch · 5 %' })).add(rolloutStrategy('b', 1)).switch(true).update('a', { title: 'renamed by hand' });
    const [step] = planSetRollout(log.reading(), 'production', 30).environments[0]!.steps;
    assert.ok(step?.kind === 'patch');
    assert.equal(step.from.id, 'a');
  });

  it('never edits one of several strategies that others made, and names what keeps exposure up', () => {
    const log = new EventLog().add(rolloutStrategy('a', 50, { title: 'canary' })).add(rolloutStrategy('b', 20, { title: 'beta' })).switch(true);
    const plan = planSetRollout(log.reading(), 'production', 10);
    assert.deepEqual(calls(plan), ['add']);
    assert.match(plan.blockers[0]!.message, /"canary" \(50 % of everyone.*keeps exposure up in production/);
    assert.equal(plan.blockers.length, 2);
  });

  it('leaves the strategies of a release plan alone', () => {
    const log = new EventLog().add(rolloutStrategy('a', 50, { milestoneId: 'm' })).switch(true);
    assert.match(planSetRollout(log.reading(), 'production', 10).blockers[0]!.message, /belongs to a release plan/);
  });

  for (const percent of [-1, 101, 12.5, Number.NaN]) {
    it(`refuses ${percent} %`, () => assert.match(problem(() => planSetRollout(new EventLog().reading(), 'production', percent)).message, /whole number from 0 to 100/));
  }

  it('names the environments there are when asked for another', () => {
    assert.match(problem(() => planPromote(new EventLog().reading(), 'staging')).message, /has no environment "staging"; it has production/);
  });
});

describe('planning a roll back', () => {
  const ramp = (): EventLog => new EventLog().add(rolloutStrategy('a', 5)).switch(true).rollout('a', 25).rollout('a', 50);

  it('goes one state back, and a second time one further', () => {
    const log = ramp();
    assert.equal(words(planRollback(log.reading(), 'production')), '50 % -> 25 %');
    log.rollout('a', 25);
    assert.equal(words(planRollback(log.reading(), 'production')), '25 % -> 5 %');
    log.rollout('a', 5);
    assert.equal(words(planRollback(log.reading(), 'production')), '5 % -> off');
  });

  it('restores constraints, segments and variants as they were', () => {
    const constraints = [{ contextName: 'region', operator: 'IN', values: ['eu'], inverted: false, caseInsensitive: false }];
    const variants = [{ name: 'v1', weight: 1000, weightType: 'variable' as const, stickiness: 'userId' }];
    const log = new EventLog().add(rolloutStrategy('a', 20, { constraints, variants, segments: [1] })).switch(true)
      .update('a', { constraints: [], segments: [], variants: [], parameters: { rollout: '60', stickiness: 'userId', groupId: 'fraud' } });
    const [step] = planRollback(log.reading([INTERNAL]), 'production').environments[0]!.steps;
    assert.ok(step?.kind === 'patch');
    assert.deepEqual([step.to.constraints, step.to.segments, step.to.variants, step.to.parameters['rollout']], [constraints, [1], variants, '20']);
  });

  it('ignores edits of the title and events without a change', () => {
    const log = ramp().update('a', { title: 'new words' }).rollout('a', 50);
    assert.equal(words(planRollback(log.reading(), 'production')), '50 % -> 25 %');
  });

  it('ends exposure with its first call when the earlier state was off', () => {
    const log = new EventLog().add(rolloutStrategy('a', 5, { title: 'Modelswitch · 5 % · then on' })).switch(true);
    const plan = planRollback(log.reading(), 'production');
    assert.equal(words(plan), '5 % -> off');
    assert.deepEqual(calls(plan), ['switch', 'remove']);
  });

  it('takes the strategy edit and the switch-on that it announced as one change', () => {
    const log = new EventLog().add(rolloutStrategy('a', 100)).update('a', { title: 'Modelswitch · 5 % · promote · then on', parameters: { rollout: '5', stickiness: 'userId', groupId: 'fraud' } }).switch(true);
    const { states } = environmentHistory(log.environment, log.events);
    assert.deepEqual(states.map(({ environment, events }) => [environment.enabled, events.length]), [[false, 0], [false, 1], [true, 2]]);
  });

  it('takes what one transaction wrote as one change', () => {
    const log = new EventLog().add(rolloutStrategy('a', 100), { groupId: 't' }).switch(true, { groupId: 't' });
    assert.equal(environmentHistory(log.environment, log.events).states.length, 2);
  });

  it('never raises: after a kill switch there is nothing to roll back, but something to restore', () => {
    const log = ramp().switch(false);
    const { lower, previous } = rollbackTargets(log.reading(), 'production');
    assert.equal(lower, undefined);
    assert.equal(previous?.environment.enabled, true);
    assert.match(problem(() => planRollback(log.reading(), 'production')).message, /exposes nobody in production/);
    const restore = planRestore(log.reading(), 'production', previous.environment);
    assert.equal(words(restore), 'off -> 50 %');
    assert.equal(restore.environments[0]!.exposure, 'raise');
  });

  it('goes to the nearest state that exposes less after a lowering by hand', () => {
    const log = ramp().rollout('a', 10);
    assert.equal(words(planRollback(log.reading(), 'production')), '10 % -> 5 %');
    assert.equal(rollbackTargets(log.reading(), 'production').previous?.environment.strategies[0]!.parameters['rollout'], '50');
  });

  it('names a strategy of others that keeps exposure up instead of editing it', () => {
    const log = new EventLog().add(rolloutStrategy('a', 5, { title: 'Modelswitch · 5 %' })).switch(true).rollout('a', 25).add(rolloutStrategy('b', 90, { name: 'default', title: 'by hand' }));
    const plan = planRollback(log.reading(), 'production');
    assert.match(plan.blockers[0]!.message, /"by hand".*was not made by Modelswitch/);
  });

  it('edits a strategy that was deleted and made again under a new id', () => {
    const log = ramp().remove('a').add(rolloutStrategy('b', 60, { title: 'Modelswitch · 60 %' }));
    const target = environmentHistory(log.environment, log.events).states.find(({ environment }) => environment.strategies[0]?.parameters['rollout'] === '25');
    const [step] = planRestore(log.reading(), 'production', target!.environment).environments[0]!.steps;
    assert.ok(step?.kind === 'patch');
    assert.equal(step.from.id, 'b');
  });

  it('works on a log whose beginning is missing, and says when there is nothing before', () => {
    const log = ramp();
    log.events.splice(0, 2);
    assert.equal(words(planRollback(log.reading(), 'production')), '50 % -> 25 %');
    const bare = new EventLog(production(true, rolloutStrategy('a', 30)));
    assert.match(problem(() => planRollback(bare.reading(), 'production')).message, /no earlier state that exposes less/);
  });

  it('stops at a gap: a state that the log does not explain is no way back', () => {
    const log = ramp();
    log.environment = production(true, rolloutStrategy('a', 77));
    assert.deepEqual([environmentHistory(log.environment, log.events).complete, problem(() => planRollback(log.reading(), 'production')).data['reason']], [false, 'noEarlierState']);
  });
});

describe('switching environments', () => {
  it('kills by one call, in several environments at once', () => {
    const log = new EventLog().add(rolloutStrategy('a', 50)).switch(true);
    const reading = log.reading();
    const both = { ...reading, detail: { ...reading.detail, flag: { ...reading.detail.flag, environments: [log.environment, { ...log.environment, name: 'development' }] } } };
    const plan = planSwitchOff('kill', both, ['production', 'development']);
    assert.deepEqual(plan.environments.map(({ environment, to, steps }) => [environment, to, steps.length]), [['production', 'off', 1], ['development', 'off', 1]]);
  });

  it('never switches on an environment without an enabled strategy', () => {
    assert.match(problem(() => planSwitchOn(new EventLog().reading(), 'production')).message, /make Unleash add one of 100 %/);
    const disabled = new EventLog().add(rolloutStrategy('a', 5, { disabled: true }));
    assert.equal(problem(() => planSwitchOn(disabled.reading(), 'production')).data['reason'], 'noEnabledStrategy');
  });

  it('plans nothing when it is so already', () => {
    assert.deepEqual(calls(planSwitchOff('disable', new EventLog().reading(), ['production'])), []);
  });

  it('finds the last change of rollout in an environment', () => {
    const log = new EventLog().add(rolloutStrategy('a', 5)).switch(true, { by: 'vera' });
    assert.equal(lastChange(log.events, 'production')?.by, 'vera');
    assert.equal(lastChange(log.events, 'development'), undefined);
  });
});
