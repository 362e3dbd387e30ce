import assert from 'node:assert/strict';
import type { Context } from 'unleash-client';
import { environmentHistory } from '../../src/core/flags/history.ts';
import type { FlagEnvironment } from '../../src/core/flags/model.ts';
import { planPromote, planRestore, planRollback, planSetRollout, planSwitchOff, planSwitchOn, rollbackTargets } from '../../src/core/flags/planner.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { sdkFeature, startSdk } from '../support/sdk.ts';
import { crossed, raced, startReleases, type Releases } from '../support/releases.ts';
import { freshFlag } from '../support/unleash.ts';

const production = 'production';
const internal = { segment: 'internal' };
const title = 'Modelswitch · 5 %';
const OURS = { title };
const europe = [{ contextName: 'region', operator: 'IN', values: ['eu'] }];
const USERS = 4000;

describe('audiences on a real Unleash', () => {
  let all: Releases;

  before(async function start() {
    this.timeout(60_000);
    all = await startReleases();
  });

  /** The share of internal users and of customers in per cent, as the real SDK answers for the environment. */
  async function observed(environment: FlagEnvironment): Promise<{ internal: number; customers: number }> {
    const sdk = await startSdk([sdkFeature('flag', environment)], await all.client.readSegments());
    const share = (group: string): number => {
      const users = Array.from({ length: USERS }, (_, index): Context => ({ userId: `user-${index}`, properties: { group } }));
      return (100 * users.filter((user) => sdk.isEnabled('flag', user)).length) / USERS;
    };
    const shares = { internal: share('internal'), customers: share('customer') };
    sdk.stop();
    return shares;
  }

  const near = (seen: number, expected: number): void => {
    assert.ok(Math.abs(seen - expected) <= 4 * Math.sqrt((expected * (100 - expected)) / USERS) + 1e-9, `${seen} % instead of ${expected} %`);
  };

  it('gives a segment 100 % while everyone stays at 5 %, in one draw, and takes it back', async () => {
    const { name } = await freshFlag({ environments: {} });
    await all.done(name, (reading) => planPromote(reading, production));
    await all.done(name, (reading) => planSetRollout(reading, production, 100, {}, internal));
    const { strategies } = await all.production(name);
    assert.deepEqual(strategies.map(({ parameters, segments }) => [parameters['rollout'], parameters['groupId'], parameters['stickiness'], segments.length]), [['5', name, 'default', 0], ['100', name, 'default', 1]]);
    const seen = await observed(await all.production(name));
    assert.equal(seen.internal, 100);
    near(seen.customers, 5);
    await all.done(name, (reading) => planRollback(reading, production));
    assert.equal(await all.state(name), 'on, 5');
  });

  it('changes one audience at a time and never raises another, as the SDK sees it', async () => {
    const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 25, OURS)] } } });
    const steps: [number, typeof internal | undefined, number, number][] = [
      [60, internal, 60, 25], [50, undefined, 60, 50], [0, internal, 50, 50], [100, internal, 100, 50], [0, undefined, 100, 0], [0, internal, 0, 0],
    ];
    for (const [percent, audience, inside, outside] of steps) {
      await all.done(name, (reading) => planSetRollout(reading, production, percent, {}, audience));
      const seen = await observed(await all.production(name));
      near(seen.internal, inside);
      near(seen.customers, outside);
    }
    assert.equal(await all.state(name), 'on, 0, 0 segment');
  });

  it('rolls back and restores whole environments with several audiences', async () => {
    const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 5, OURS)] } } });
    for (const [percent, audience] of [[100, internal], [25, undefined], [50, undefined]] as const) await all.done(name, (reading) => planSetRollout(reading, production, percent, {}, audience));
    const full = await all.production(name);
    for (const expected of ['on, 25, 100 segment', 'on, 5, 100 segment', 'on, 5']) {
      await all.done(name, (reading) => planRollback(reading, production));
      assert.equal(await all.state(name), expected);
    }
    await all.done(name, (reading) => planRestore(reading, production, full));
    assert.equal(await all.state(name), 'on, 50, 100 segment');
    await all.done(name, (reading) => planSwitchOff('kill', reading, [production]));
    const { previous } = rollbackTargets(await all.read(name), production);
    await all.done(name, (reading) => planRestore(reading, production, previous!.environment));
    assert.equal(await all.state(name), 'on, 50, 100 segment');
  });

  it('says which segments there are', async () => {
    const { name } = await freshFlag();
    await assert.rejects(all.change(name, (reading) => planSetRollout(reading, production, 5, {}, { segment: 'internl' })), /There is no segment "internl"\. Did you mean "internal"\?/);
    assert.equal(await all.state(name), 'on, 25');
  });

  describe('of strategies that a person made', () => {
    const only = (more: object = {}): ReturnType<typeof freshFlag> => freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 25, { title: 'canary of team A', ...more })] } } });
    const titleOf = async (flag: string): Promise<string> => (await all.production(flag)).strategies[0]!.title;

    it('adopts the only one: every command edits it, none deletes it, and its title comes back', async () => {
      const { name, strategies } = await only();
      await all.done(name, (reading) => planPromote(reading, production));
      assert.match(await titleOf(name), /^Modelswitch · 50 %/);
      await all.done(name, (reading) => planSetRollout(reading, production, 80));
      await all.done(name, (reading) => planRollback(reading, production));
      await all.done(name, (reading) => planRollback(reading, production));
      assert.deepEqual([await all.state(name), await titleOf(name)], ['on, 25', 'canary of team A']);
      await all.done(name, (reading) => planSwitchOff('disable', reading, [production]));
      await all.done(name, (reading) => planSwitchOn(reading, production));
      const before = await all.production(name);
      await all.done(name, (reading) => planSetRollout(reading, production, 5));
      await all.done(name, (reading) => planRestore(reading, production, before));
      assert.deepEqual([await titleOf(name), (await all.production(name)).strategies.map(({ id }) => id)], ['canary of team A', strategies.production]);
      // The states before it existed: it is kept, because it is not ours to delete.
      const first = environmentHistory(await all.production(name), (await all.read(name)).events).states[0]!;
      await all.done(name, (reading) => planRestore(reading, production, first.environment));
      assert.deepEqual([(await all.production(name)).enabled, (await all.production(name)).strategies.map(({ id }) => id)], [false, strategies.production]);
    });

    it('adopts the only one with its constraints, which stay, and lets nobody else in', async () => {
      const { name } = await only({ constraints: europe });
      await all.done(name, (reading) => planPromote(reading, production));
      assert.equal(await all.state(name), 'on, 50 constrained');
      await all.done(name, (reading) => planSetRollout(reading, production, 0));
      assert.equal(await all.state(name), 'on, 0 constrained');
      await all.done(name, (reading) => planRestore(reading, production, environmentHistory(reading.detail.flag.environments.find((each) => each.name === production)!, reading.events).states.findLast(({ environment }) => environment.strategies[0]?.parameters['rollout'] === '25')!.environment));
      assert.deepEqual([await all.state(name), await titleOf(name)], ['on, 25 constrained', 'canary of team A']);
    });

    it('adopts the only one for everyone beside a segment, which it leaves', async () => {
      const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 100, { title: 'QA', segments: [all.unleash.seeded.internalSegment] }), gradual(flag, 25, { title: 'canary' })] } } });
      await all.done(name, (reading) => planPromote(reading, production));
      assert.deepEqual([await all.state(name), (await all.production(name)).strategies[0]!.title], ['on, 100 segment, 50', 'QA']);
      await all.done(name, (reading) => planRollback(reading, production));
      assert.deepEqual([await all.state(name), (await all.production(name)).strategies.map((strategy) => strategy.title)], ['on, 100 segment, 25', ['QA', 'canary']]);
    });

    it('is blocked by a strategy of type default, by name, and offers nothing but the switch', async () => {
      const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 25), { name: 'default', title: 'for the demo' }] } } });
      for (const plan of [planSetRollout(await all.read(name), production, 5), planSetRollout(await all.read(name), production, 5, {}, internal)]) {
        assert.match(plan.blockers[0]!.message, /Strategy "for the demo" \(everyone\) keeps exposure up in production; it was not made by Modelswitch/);
        await assert.rejects(all.runner.apply(plan), /for the demo/);
      }
      assert.equal(await all.state(name), 'on, 25, default');
      await all.done(name, (reading) => planSwitchOff('kill', reading, [production]));
      assert.equal(await all.state(name), 'off, 25, default');
    });
  });

  describe('of disabled strategies', () => {
    const disable = (flag: string, id: string): Promise<void> => all.unleash.as.alice.patchStrategy(flag, production, id, [{ op: 'replace', path: '/disabled', value: true }]);

    it('enables ours again when asked for a rollout, says so, and a roll back restores what was', async () => {
      const { name, strategies } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 25, OURS)] } } });
      await disable(name, strategies.production[0]!);
      assert.equal(await all.state(name), 'off, 25 disabled');
      const plan = await all.done(name, (reading) => planSetRollout(reading, production, 10));
      assert.match(plan.warnings[0]!, /^Enables the strategy "Modelswitch · 5 %"/);
      assert.equal(await all.state(name), 'on, 10');
      await all.done(name, (reading) => planRollback(reading, production));
      assert.equal(await all.state(name), 'off, 25 disabled');
    });

    it('leaves those of others disabled, and does not count them', async () => {
      const { name, strategies } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 5, OURS), gradual(flag, 100, { title: 'theirs' })] } } });
      await disable(name, strategies.production[1]!);
      const plan = await all.done(name, (reading) => planPromote(reading, production));
      assert.deepEqual([await all.state(name), plan.environments[0]!.to], ['on, 25, 100 disabled', '25 %']);
    });

    it('lowers an environment that is on with nothing but disabled ones, which is 100 %', async function slow() {
      this.timeout(60_000);
      // Two requests that cross leave Unleash so.
      const name = await raced(async (round) => {
        const made = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 50, OURS)], on: false } } });
        await crossed(disable(made.name, made.strategies.production[0]!), () => all.unleash.as.eddy.switchEnvironment(made.name, production, 'on'), round % 6);
        return (await all.state(made.name)) === 'on, 50 disabled' ? made.name : undefined;
      });
      assert.deepEqual(await observed(await all.production(name)), { internal: 100, customers: 100 });
      const plan = await all.done(name, (reading) => planSetRollout(reading, production, 10));
      assert.deepEqual([plan.environments[0]!.from, plan.environments[0]!.exposure, await all.state(name)], ['100 % (no enabled strategy)', 'lower', 'on, 10']);
    });
  });

  describe('of environments without strategies', () => {
    it('sets a rollout first and switches on then', async () => {
      const { name } = await freshFlag({ environments: {} });
      const plan = await all.done(name, (reading) => planSetRollout(reading, production, 10, {}, internal));
      assert.deepEqual([plan.environments[0]!.steps.map(({ kind }) => kind), await all.state(name)], [['add', 'switch'], 'on, 10 segment']);
    });

    it('is everybody when such an environment is on: adding a strategy is the first call, and lowers', async function slow() {
      this.timeout(60_000);
      const name = await raced(async (round) => {
        const made = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 50)], on: false } } });
        await crossed(all.unleash.as.alice.removeStrategy(made.name, production, made.strategies.production[0]!), () => all.unleash.as.eddy.switchEnvironment(made.name, production, 'on'), round % 5);
        return (await all.state(made.name)) === 'on' ? made.name : undefined;
      });
      assert.deepEqual(await observed(await all.production(name)), { internal: 100, customers: 100 });
      const plan = await all.done(name, (reading) => planSetRollout(reading, production, 25));
      assert.deepEqual([plan.environments[0]!.from, plan.environments[0]!.steps.map(({ kind, exposure }) => [kind, exposure]), await all.state(name)], ['100 % (no strategies)', [['add', 'lower']], 'on, 25']);
      near((await observed(await all.production(name))).customers, 25);
    });
  });
});
