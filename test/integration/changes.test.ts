import assert from 'node:assert/strict';
import { AppError } from '../../src/core/base/errors.ts';
import type { ChangePlan } from '../../src/core/flags/changePlan.ts';
import type { ChangeOutcome, ChangeRunner } from '../../src/core/flags/changeRunner.ts';
import { environmentHistory } from '../../src/core/flags/history.ts';
import { planPromote, planRestore, planRollback, planSetRollout, planSwitchOff, planSwitchOn, rollbackTargets, type FlagReading } from '../../src/core/flags/planner.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import type { FetchLike } from '../../src/adapters/node/httpClient.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

describe('changing flags of a real Unleash', () => {
  let unleash: SharedUnleash;
  let client: UnleashClient;
  let runner: ChangeRunner;

  before(async function start() {
    this.timeout(60_000);
    unleash = await sharedUnleash();
    client = clientOf(unleash.url, unleash.tokens.eddy);
    runner = await runnerOf(client);
  });

  const production = 'production';
  const rolloutOf = async (flag: string): Promise<(string | undefined)[]> => {
    const environment = (await unleash.as.alice.flag(flag))!.environments.find(({ name }) => name === production)!;
    return [environment.enabled ? 'on' : 'off', ...environment.strategies.map(({ parameters }) => parameters['rollout'])];
  };
  const change = async (flag: string, plan: (reading: FlagReading) => ChangePlan, by = runner): Promise<ChangeOutcome> =>
    by.apply(plan(await by.read('default', flag)));
  const done = async (flag: string, plan: (reading: FlagReading) => ChangePlan): Promise<void> => {
    const outcome = await change(flag, plan);
    assert.deepEqual([outcome.kind, outcome.error, outcome.foreign], ['done', undefined, []]);
  };

  it('promotes 5, 25, 50, 100 and rolls back the same way, down to off', async () => {
    const { name } = await freshFlag({ environments: {} });
    for (const expected of ['5', '25', '50', '100']) {
      await done(name, (reading) => planPromote(reading, production, { version: 'fraud v14' }));
      assert.deepEqual(await rolloutOf(name), ['on', expected]);
    }
    for (const expected of ['50', '25', '5']) {
      await done(name, (reading) => planRollback(reading, production));
      assert.deepEqual(await rolloutOf(name), ['on', expected]);
    }
    await done(name, (reading) => planRollback(reading, production));
    assert.deepEqual(await rolloutOf(name), ['off']);
  });

  it('restores parameters, constraints, segments and variants exactly, and undoes that again', async () => {
    const variants = [{ name: 'v1', weight: 300, weightType: 'variable' as const, stickiness: 'userId', payload: { type: 'string' as const, value: 'm:1' } }, { name: 'v2', weight: 700, weightType: 'variable' as const, stickiness: 'userId' }];
    const { name, strategies } = await freshFlag({
      environments: { production: { strategies: (flag) => [gradual(flag, 20, { constraints: [{ contextName: 'region', operator: 'IN', values: ['eu'] }, { contextName: 'age', operator: 'NUM_GT', value: '18' }], segments: [unleash.seeded.internalSegment], variants })] } },
    });
    const before = (await runner.read('default', name)).detail.flag.environments.find((each) => each.name === production)!;
    await unleash.as.vera.request('GET', '/api/admin/user');
    await unleash.as.alice.patchStrategy(name, production, strategies.production[0]!, [
      { op: 'replace', path: '/parameters/rollout', value: '60' }, { op: 'replace', path: '/constraints', value: [] }, { op: 'replace', path: '/segments', value: [] }, { op: 'replace', path: '/variants', value: [] },
    ]);
    const changed = (await runner.read('default', name)).detail.flag.environments.find((each) => each.name === production)!;
    await done(name, (reading) => planRollback(reading, production));
    const after = (await runner.read('default', name)).detail.flag.environments.find((each) => each.name === production)!;
    assert.deepEqual(after.strategies.map((each) => ({ ...each, title: '' })), before.strategies.map((each) => ({ ...each, title: '' })));
    await done(name, (reading) => planRestore(reading, production, changed));
    assert.deepEqual(await rolloutOf(name), ['on', '60']);
  });

  it('kills in one call and restores what was', async () => {
    const { name } = await freshFlag();
    await done(name, (reading) => planSwitchOff('kill', reading, [production]));
    assert.deepEqual(await rolloutOf(name), ['off', '25']);
    const { lower, previous } = rollbackTargets(await runner.read('default', name), production);
    assert.equal(lower, undefined);
    await done(name, (reading) => planRestore(reading, production, previous!.environment));
    assert.deepEqual(await rolloutOf(name), ['on', '25']);
  });

  it('never makes an environment 100 % by switching it on', async () => {
    const { name } = await freshFlag({ environments: {} });
    await assert.rejects(change(name, (reading) => planSwitchOn(reading, production)), /has no enabled strategy/);
    assert.deepEqual(await rolloutOf(name), ['off']);
  });

  it('changes nothing when somebody else was faster', async () => {
    const { name, strategies } = await freshFlag();
    const plan = planPromote(await runner.read('default', name), production);
    await unleash.as.alice.patchStrategy(name, production, strategies.production[0]!, [{ op: 'replace', path: '/parameters/rollout', value: '7' }]);
    await assert.rejects(runner.apply(plan), (error) => error instanceof AppError && error.code === 'conflict' && /changed by somebody else/.test(error.message));
    assert.deepEqual(await rolloutOf(name), ['on', '7']);
  });

  it('compares and sets: a write between the last read and ours is not overwritten', async () => {
    const { name, strategies } = await freshFlag();
    const path = `/api/admin/projects/default/features/${name}/environments/production/strategies/${strategies.production[0]!}`;
    // Between the adapter's own reading of the strategy and its PATCH, alice writes.
    const racing: FetchLike = async (url, init) => {
      if (init.method === 'PATCH' && url.endsWith(path)) await unleash.as.alice.patchStrategy(name, production, strategies.production[0]!, [{ op: 'replace', path: '/parameters/rollout', value: '9' }]);
      return fetch(url, init);
    };
    const racer = await runnerOf(clientOf(unleash.url, unleash.tokens.eddy, racing));
    const outcome = await change(name, (reading) => planPromote(reading, production), racer);
    assert.deepEqual([outcome.kind, outcome.error?.code, outcome.foreign.length], ['stopped', 'conflict', 1]);
    assert.deepEqual([await rolloutOf(name), outcome.environments[0]!.now], [['on', '9'], '9 %']);
  });

  it('advances once for a double click', async () => {
    const { name } = await freshFlag();
    const plan = planPromote(await runner.read('default', name), production);
    const clicks = await Promise.allSettled([runner.apply(plan), runner.apply(plan)]);
    assert.deepEqual(clicks.map(({ status }) => status), ['fulfilled', 'rejected']);
    assert.equal((await runner.apply(plan)).kind, 'unchanged');
    assert.deepEqual(await rolloutOf(name), ['on', '50']);
  });

  it('finds out whether a write arrived whose answer was lost', async () => {
    const { name } = await freshFlag();
    let writes = 0;
    const lossy: FetchLike = async (url, init) => {
      const response = await fetch(url, init);
      if (init.method !== 'PATCH') return response;
      writes += 1;
      throw new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) });
    };
    const unlucky = await runnerOf(clientOf(unleash.url, unleash.tokens.eddy, lossy));
    const outcome = await change(name, (reading) => planPromote(reading, production), unlucky);
    assert.deepEqual([outcome.kind, writes, await rolloutOf(name)], ['done', 1, ['on', '50']]);
  });

  it('repeats a lowering through faults, and a raising never', async () => {
    const { name } = await freshFlag();
    let failures = 0;
    const flaky: FetchLike = async (url, init) => {
      if ((init.method === 'PATCH' || init.method === 'POST') && failures < 2) {
        failures += 1;
        throw new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) });
      }
      return fetch(url, init);
    };
    const unlucky = await runnerOf(clientOf(unleash.url, unleash.tokens.eddy, flaky));
    const raised = await change(name, (reading) => planPromote(reading, production), unlucky);
    assert.deepEqual([raised.kind, failures, raised.environments[0]!.now, await rolloutOf(name)], ['stopped', 1, '25 %', ['on', '25']]);
    failures = 0;
    const lowered = await change(name, (reading) => planSetRollout(reading, production, 5), unlucky);
    assert.deepEqual([lowered.kind, failures, await rolloutOf(name)], ['done', 2, ['on', '5']]);
  });

  it('refuses a plan when a segment it uses was edited meanwhile', async () => {
    const segment = await unleash.as.alice.request('POST', '/api/admin/segments', { name: `s-${Date.now()}`, constraints: [{ contextName: 'tenant', operator: 'IN', values: ['a'] }] }) as { id: number; name: string };
    const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 25), gradual(flag, 50, { segments: [segment.id] })] } } });
    const plan = planPromote(await runner.read('default', name), production);
    await unleash.as.alice.request('PUT', `/api/admin/segments/${segment.id}`, { name: segment.name, constraints: [{ contextName: 'tenant', operator: 'IN', values: ['a', 'b'] }] });
    await assert.rejects(runner.apply(plan), /a segment it uses was edited/);
  });

  it('tells of a viewer that it may not', async () => {
    const { name } = await freshFlag();
    const vera = await runnerOf(clientOf(unleash.url, unleash.tokens.vera));
    const outcome = await change(name, (reading) => planPromote(reading, production), vera);
    assert.deepEqual([outcome.kind, outcome.error?.code, await rolloutOf(name)], ['stopped', 'forbidden', ['on', '25']]);
    assert.match(outcome.error!.message, /UPDATE_FEATURE_STRATEGY/);
  });

  const title = 'Modelswitch · made before';
  const broken = (code: string): TypeError => new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });
  /** A runner whose requests go through `meddle` first; it may answer, throw, or let the request pass. */
  const meddled = (meddle: (url: string, init: RequestInit) => Promise<Response | undefined> | Response | undefined): Promise<ChangeRunner> =>
    runnerOf(clientOf(unleash.url, unleash.tokens.eddy, async (url, init) => (await meddle(url, init)) ?? fetch(url, init)));

  it('brings copies of its own strategy down with it', async () => {
    const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 5, { title }), gradual(flag, 50, { title })] } } });
    await done(name, (reading) => planSetRollout(reading, production, 10));
    assert.deepEqual(await rolloutOf(name), ['on', '10', '0']);
  });

  it('makes sure that a raise whose answer was lost cannot land after it was reported as not made', async () => {
    const { name } = await freshFlag();
    let late: (() => Promise<Response>) | undefined;
    const unlucky = await meddled((url, init) => {
      if (init.method !== 'PATCH' || late !== undefined) return undefined;
      late = () => fetch(url, { ...init, signal: null });
      throw broken('ECONNRESET');
    });
    const outcome = await change(name, (reading) => planPromote(reading, production), unlucky);
    assert.deepEqual([outcome.kind, outcome.error?.data['reason'], outcome.environments[0]!.now], ['stopped', 'withdrawn', '25 %']);
    assert.equal((await late!()).status, 500);
    assert.deepEqual(await rolloutOf(name), ['on', '25']);
  });

  it('says so when it is not known whether a raise arrived', async () => {
    const { name } = await freshFlag({ environments: {} });
    const unlucky = await meddled((url, init) => {
      if (init.method === 'POST' && url.endsWith('/strategies')) throw broken('ECONNRESET');
      return undefined;
    });
    const outcome = await change(name, (reading) => planPromote(reading, production), unlucky);
    assert.deepEqual([outcome.kind, outcome.error?.data['reason'], await rolloutOf(name)], ['stopped', 'unknown', ['off']]);
    assert.match(outcome.error!.message, /may still take effect/);
  });

  it('switches off again when the last strategy vanished just before the switch, which makes Unleash add 100 %', async () => {
    const { name, strategies } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 5)], on: false } } });
    const racing = await meddled(async (url, init) => {
      if (init.method === 'POST' && url.endsWith('/production/on')) await unleash.as.alice.removeStrategy(name, production, strategies.production[0]!);
      return undefined;
    });
    const outcome = await change(name, (reading) => planSwitchOn(reading, production), racing);
    assert.match(outcome.error!.message, /would have exposed 100 %.*switched off again/);
    assert.equal((await rolloutOf(name))[0], 'off');
    assert.ok(outcome.foreign.some(({ by }) => by.startsWith('alice')));
  });

  it('does not send the rest when somebody steps in between two calls', async () => {
    const { name, strategies } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 100)], on: false } } });
    const racing = await meddled(async (url, init) => {
      if (init.method !== 'PATCH') return undefined;
      const response = await fetch(url, init);
      await unleash.as.alice.setRollout(name, production, strategies.production[0]!, 80);
      return response;
    });
    const outcome = await change(name, (reading) => planPromote(reading, production), racing);
    assert.match(outcome.error!.message, /in the middle of the change/);
    assert.deepEqual(await rolloutOf(name), ['off', '80']);
  });

  it('leaves a strategy that somebody else made, and refuses a roll back that it would defeat', async () => {
    const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 5, { title })] } } });
    await done(name, (reading) => planPromote(reading, production));
    await unleash.as.alice.addStrategy(name, production, gradual(name, 100, { title: 'QA team, do not touch', segments: [unleash.seeded.internalSegment] }));
    const plan = planRollback(await runner.read('default', name), production);
    assert.match(plan.blockers[0]!.message, /"QA team, do not touch".*is not edited/);
    await assert.rejects(runner.apply(plan), /QA team/);
    assert.equal((await rolloutOf(name)).length, 3);
  });

  it('restores the order of strategies, which decides the variant', async () => {
    const variants = (only: string): { name: string; weight: number; weightType: 'variable'; stickiness: string }[] => [{ name: only, weight: 1000, weightType: 'variable', stickiness: 'userId' }];
    const { name, strategies } = await freshFlag({
      environments: { production: { strategies: (flag) => [
        gradual(flag, 100, { title, constraints: [{ contextName: 'region', operator: 'IN', values: ['eu'] }], variants: variants('current') }),
        gradual(flag, 50, { title, variants: variants('candidate') }),
      ] } },
    });
    await unleash.as.alice.removeStrategy(name, production, strategies.production[0]!);
    const { previous } = rollbackTargets(await runner.read('default', name), production);
    await done(name, (reading) => planRestore(reading, production, previous!.environment));
    const first = async (): Promise<string | undefined> => (await client.readFlag('default', name)).flag.environments.find((each) => each.name === production)!.strategies[0]!.variants[0]?.name;
    assert.equal(await first(), 'current');
    const ids = (await client.readFlag('default', name)).flag.environments.find((each) => each.name === production)!.strategies.map(({ id }) => id);
    await unleash.as.alice.request('POST', `/api/admin/projects/default/features/${name}/environments/production/strategies/set-sort-order`, ids.toReversed().map((id, sortOrder) => ({ id, sortOrder })));
    assert.equal(await first(), 'candidate');
    await done(name, (reading) => planRollback(reading, production));
    assert.equal(await first(), 'current');
  });

  it('restores a removed strategy with its segments, which the event of the removal does not tell', async () => {
    const { internalSegment } = unleash.seeded;
    const { name, strategies } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 5, { title }), gradual(flag, 100, { title, segments: [internalSegment] })] } } });
    await unleash.as.alice.removeStrategy(name, production, strategies.production[1]!);
    const { previous, complete } = rollbackTargets(await runner.read('default', name), production);
    assert.ok(complete);
    await done(name, (reading) => planRestore(reading, production, previous!.environment));
    const restored = (await client.readFlag('default', name)).flag.environments.find((each) => each.name === production)!;
    assert.deepEqual(restored.strategies.map(({ parameters, segments }) => [parameters['rollout'], segments]), [['5', []], ['100', [internalSegment]]]);
  });

  it('restores a strategy whose type somebody changed', async () => {
    const { name, strategies } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 5, { title })] } } });
    await unleash.as.alice.patchStrategy(name, production, strategies.production[0]!, [{ op: 'replace', path: '/name', value: 'default' }]);
    await done(name, (reading) => planRollback(reading, production));
    const { detail } = await runner.read('default', name);
    assert.equal(detail.flag.environments.find((each) => each.name === production)!.strategies[0]!.name, 'flexibleRollout');
  });

  it('kills also when somebody changed the strategies while one was asked', async () => {
    const { name, strategies } = await freshFlag();
    const plan = planSwitchOff('kill', await runner.read('default', name), [production]);
    await unleash.as.alice.setRollout(name, production, strategies.production[0]!, 60);
    const outcome = await runner.apply(plan);
    assert.deepEqual([outcome.kind, await rolloutOf(name), outcome.foreign.map(({ by }) => by)], ['done', ['off', '60'], ['alice@example.com']]);
  });

  it('kills in the other environments when one refuses', async () => {
    const { name } = await freshFlag({ environments: { development: { strategies: (flag) => [gradual(flag, 100)] }, production: { strategies: (flag) => [gradual(flag, 25)] } } });
    const partly = await meddled((url) => (url.endsWith('/development/off') ? new Response('{"name":"PermissionError","message":"no","permissions":["UPDATE_FEATURE_ENVIRONMENT"]}', { status: 403 }) : undefined));
    const outcome = await change(name, (reading) => planSwitchOff('kill', reading, ['development', production]), partly);
    assert.deepEqual([outcome.kind, outcome.error?.code, outcome.environments.map(({ now }) => now)], ['stopped', 'forbidden', ['100 %', 'off']]);
  });

  it('does not call a change undone because the event log could not be read afterwards', async () => {
    const { name } = await freshFlag();
    let written = false;
    const partly = await meddled((url, init) => {
      written ||= init.method === 'PATCH';
      return written && url.includes('/search/events') ? new Response('{"message":"boom"}', { status: 500 }) : undefined;
    });
    const outcome = await change(name, (reading) => planPromote(reading, production), partly);
    assert.deepEqual([outcome.kind, outcome.environments[0]!.now], ['done', '50 %']);
    assert.match(outcome.warnings[0]!, /event log could not be read/);
  });

  it('rebuilds every state of the seeded flags from the event log', async () => {
    for (const flag of ['credit-risk-v2', 'credit-explainer']) {
      const { detail, events } = await runner.read('default', flag);
      for (const environment of detail.flag.environments) {
        const { complete, states } = environmentHistory(environment, events);
        assert.ok(complete, `${flag} in ${environment.name}`);
        assert.deepEqual([states[0]!.environment.enabled, states[0]!.environment.strategies], [false, []]);
      }
    }
  });

  it('reads the same flags in bulk as one by one', async () => {
    const environments = await client.readEnvironments('default');
    for (const flag of await client.readAllFlags('default', environments)) {
      const { flag: single } = await client.readFlag('default', flag.name);
      // The playground does not tell places in the order, only the order.
      const withoutPlaces = JSON.parse(JSON.stringify(single.environments, (key, value: unknown) => (key === 'sortOrder' ? undefined : value))) as unknown;
      assert.deepEqual(flag.environments, withoutPlaces, flag.name);
      assert.deepEqual([flag.stale, flag.type, flag.description], [single.stale, single.type, single.description]);
    }
  });

  it('writes a title of at most 120 characters that names version, stage and reason', async () => {
    const { name } = await freshFlag();
    await done(name, (reading) => planPromote(reading, production, { version: `fraud v14 ${'x'.repeat(200)}` }));
    const { detail } = await runner.read('default', name);
    const title = detail.flag.environments.find((each) => each.name === production)!.strategies[0]!.title;
    assert.ok(title.startsWith('Modelswitch · fraud v14') && title.length <= 120, title);
  });
});
