import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import type { ChangePlan } from '../../../src/core/flags/changePlan.ts';
import { planPromote, planRollback, planSetRollout, planSwitchOn } from '../../../src/core/flags/planner.ts';
import { planRepin, planStart } from '../../../src/core/flags/startRollout.ts';
import { pin, pinsOf, pinsText } from '../../../src/core/flags/titles.ts';
import { EventLog, INTERNAL, rolloutStrategy } from './flagSupport.ts';

const fraud = pin('fraud', '14', '13');
const start = (log: EventLog, more: object = {}): ChangePlan => planStart(log.reading([INTERNAL]), { environments: ['production'], pin: fraud, ...more });
const words = (plan: ChangePlan): string => plan.environments.map(({ from, to }) => `${from} -> ${to}`).join();
const titles = (plan: ChangePlan): string[] => plan.environments.flatMap(({ after }) => after.strategies.map(({ title }) => title));
const steps = (plan: ChangePlan): string[] => plan.environments.flatMap((each) => each.steps.map(({ kind, exposure }) => `${kind} ${exposure}`));

describe('pins in titles', () => {
  it('reads what it writes, whatever the names', () => {
    for (const [model, candidate, current] of [['fraud', '14', '13'], ['a, b · c…', '2026-11 x', 'v1'], ['m'.repeat(90), '1'.repeat(60), '2'.repeat(60)], ['over v1 over v2', '1', '2']] as const) {
      const written = pin(model, candidate, current);
      const title = `Modelswitch · ${pinsText([written])!} · 25 % · promote`;
      assert.deepEqual(pinsOf(title), [written]);
      assert.ok(title.length <= 120);
    }
    assert.deepEqual(pinsOf('Modelswitch · fraud candidate · 25 % · promote'), []);
    assert.deepEqual(pinsOf('fraud v14 over v13'), [], 'a title of somebody else pins nothing');
  });

  it('says when there is no room for another', () => {
    assert.equal(pinsText([fraud, pin('m'.repeat(90), '1'.repeat(60), '2'.repeat(60))]), undefined);
  });
});

describe('starting a release', () => {
  it('lowers what may be edited to 0 % and pins both versions', () => {
    const plan = start(new EventLog().add(rolloutStrategy('a', 25)).switch(true));
    assert.equal(words(plan), '25 % -> 0 %');
    assert.deepEqual(titles(plan), ['Modelswitch · fraud v14 over v13 · 0 % · start']);
    assert.deepEqual(steps(plan), ['patch lower']);
  });

  it('writes the pins where only the title differs, and nothing the second time', () => {
    const log = new EventLog().add(rolloutStrategy('a', 0)).switch(true);
    const plan = start(log);
    assert.deepEqual(steps(plan), ['patch equal']);
    log.update('a', { title: titles(plan)[0]! });
    assert.deepEqual(steps(start(log)), []);
  });

  it('takes nothing back from a release of the same versions that is under way', () => {
    const log = new EventLog().add(rolloutStrategy('a', 25, { title: 'Modelswitch · fraud v14 over v13 · 25 % · promote' })).switch(true);
    assert.deepEqual(steps(start(log)), []);
    assert.equal(words(start(log, { pin: pin('fraud', '15', '13') })), '25 % -> 0 %');
  });

  it('adds a strategy of 0 % for everyone and for each segment, drawn as the others are', () => {
    const plan = start(new EventLog(), { segments: ['internal'], stickiness: 'sessionId' });
    assert.deepEqual(plan.environments[0]!.after.strategies.map(({ parameters, segments }) => [parameters['rollout'], parameters['stickiness'], segments]), [['0', 'sessionId', []], ['0', 'sessionId', [1]]]);
    const adopted = start(new EventLog().add(rolloutStrategy('a', 0)), { segments: ['internal'], stickiness: 'sessionId' });
    assert.deepEqual(adopted.environments[0]!.after.strategies.map(({ parameters }) => parameters['stickiness']), ['userId', 'userId']);
  });

  it('does not edit what others made: it names what exposes somebody', () => {
    const log = new EventLog().add(rolloutStrategy('a', 50)).add(rolloutStrategy('b', 30)).switch(true);
    const plan = start(log);
    assert.equal(plan.blockers.length, 2);
    assert.match(plan.blockers[0]!.message, /was not made by Modelswitch/);
    assert.deepEqual(start(new EventLog().add(rolloutStrategy('a', 0)).add(rolloutStrategy('b', 0)).switch(true)).blockers, []);
  });

  it('keeps the pins of another model, as long as the title has room', () => {
    const log = new EventLog().add(rolloutStrategy('a', 0, { title: 'Modelswitch · ranking v3 over v2 · 0 % · start' }));
    assert.deepEqual(titles(start(log)), ['Modelswitch · ranking v3 over v2, fraud v14 over v13 · 0 % · start']);
    assert.throws(() => start(log, { pin: pin('m'.repeat(90), '1'.repeat(60), '2'.repeat(60)) }), (error) => error instanceof AppError && error.code === 'validation' && error.message.includes('ranking'));
  });
});

describe('pins under a release', () => {
  const log = (): EventLog => new EventLog().add(rolloutStrategy('a', 0, { title: 'Modelswitch · fraud v14 over v13 · 0 % · start' })).switch(true);

  it('stay through promotion, roll back, and a switch-on with a reason', () => {
    const raised = log().rollout('a', 5);
    assert.deepEqual(titles(planPromote(log().reading(), 'production', { version: 'fraud candidate' })), ['Modelswitch · fraud v14 over v13 · 5 % · promote']);
    assert.deepEqual(titles(planSetRollout(raised.reading(), 'production', 0)), ['Modelswitch · fraud v14 over v13 · 0 % · set rollout']);
    assert.deepEqual(titles(planRollback(raised.reading(), 'production')), ['Modelswitch · fraud v14 over v13 · roll back to 0 %']);
    const off = log().switch(false);
    assert.deepEqual(titles(planSwitchOn(off.reading(), 'production', { reason: 'override compatibility: hotfix' })), ['Modelswitch · fraud v14 over v13 · switch on · override compatibility: hotfix · then on']);
  });

  it('are found in the log when a person wrote over the title', () => {
    const edited = log().update('a', { title: 'my canary' });
    assert.deepEqual(titles(planPromote(edited.reading(), 'production')), ['Modelswitch · fraud v14 over v13 · 5 % · promote']);
  });

  it('change by a plan of their own, which leaves the rollout', () => {
    const raised = log().rollout('a', 25);
    const plan = planRepin(raised.reading(), pin('fraud', '15', '13'));
    assert.deepEqual([words(plan), steps(plan), titles(plan)], ['25 % -> 25 %', ['patch equal'], ['Modelswitch · fraud v15 over v13 · 25 % · re-pinned']]);
    assert.match(plan.warnings[0]!, /fraud v14 over v13 -> v15 over v13; the rollout stays/);
    assert.deepEqual(steps(planRepin(raised.reading(), fraud)), []);
    assert.throws(() => planRepin(raised.reading(), pin('other', '2', '1')), /start a release first/);
  });
});
