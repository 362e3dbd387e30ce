import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { AppError } from '../../src/core/base/errors.ts';
import { applyCreate, planCreate, type CreateOutcome, type CreatePlan } from '../../src/core/flags/createFlag.ts';
import { lackingToCreate } from '../../src/core/flags/permissions.ts';
import { planPromote } from '../../src/core/flags/planner.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { FaultProxy, faults } from '../support/faultProxy.ts';
import { startReleases, type Releases } from '../support/releases.ts';
import { freshFlag } from '../support/unleash.ts';
import { clientOf } from '../support/unleashClient.ts';
import { withDatabase } from '../support/database.ts';

const environments = ['development', 'production'];

describe('creating a flag at 0 %', function () {
  this.timeout(60_000);
  let all: Releases;
  let proxy: FaultProxy;
  let userId: number;

  before(async () => {
    all = await startReleases();
    proxy = await FaultProxy.start(all.unleash.url);
    userId = (await all.client.readIdentity()).id;
  });
  after(() => proxy.close());

  const newName = (): string => `created-${randomBytes(4).toString('hex')}`;
  const plan = (flag: string, client: UnleashClient = all.client): Promise<CreatePlan> => planCreate(client, { server: all.unleash.url, project: 'default', flag });
  const refusal = (code: string, words: RegExp) => (error: unknown): boolean => error instanceof AppError && error.code === code && words.test(error.message);
  const exists = (flag: string): Promise<boolean> => all.unleash.as.alice.flag(flag).then((found) => found !== undefined);

  async function assertSafe(flag: string): Promise<void> {
    const { environments: made } = (await all.client.readFlag('default', flag)).flag;
    assert.deepEqual(made.map(({ name }) => name).toSorted(), environments);
    for (const { enabled, strategies } of made) {
      assert.equal(enabled, false);
      assert.deepEqual(strategies.map(({ name, title, disabled, parameters }) => [name, title, disabled, parameters['rollout'], parameters['groupId']]), [['flexibleRollout', 'Modelswitch · 0 % · create', false, '0', flag]]);
    }
  }

  it('makes it off everywhere, with 0 % in every environment, and tells so before', async () => {
    const flag = newName();
    const made = await plan(flag);
    assert.equal(await exists(flag), false);
    assert.deepEqual(made.environments.map(({ environment, from, to }) => `${environment}: ${from} -> ${to}`).toSorted(), environments.map((name) => `${name}: no such flag -> off, and 0 % when it is switched on`));
    const { kind, error, environments: now } = await applyCreate(all.client, made, userId);
    assert.deepEqual([kind, error, now.map((each) => each.now)], ['done', undefined, ['off', 'off']]);
    await assertSafe(flag);
    const detail = await all.unleash.as.alice.request('GET', `/api/admin/projects/default/features/${flag}`) as { type: string };
    assert.equal(detail.type, 'release');
  });

  it('leaves in the event log what a person would look for, and nothing else', async () => {
    const flag = newName();
    await applyCreate(all.client, await plan(flag), userId);
    const { events } = await all.client.readEvents({ flag, limit: 50 });
    assert.deepEqual(events.map(({ type, environment, byId }) => `${type} ${environment ?? ''} ${byId === userId ? 'by us' : 'by others'}`).toReversed().toSorted(), [
      'feature-created  by us', 'feature-strategy-add development by us', 'feature-strategy-add production by us',
    ]);
  });

  it('stays at 0 % for everyone when an environment is switched on, as the playground says', async () => {
    const flag = newName();
    await applyCreate(all.client, await plan(flag), userId);
    await all.unleash.as.eddy.switchEnvironment(flag, 'production', 'on');
    assert.equal(await all.state(flag), 'on, 0');
    const userIds = Array.from({ length: 50 }, (_, index) => `user-${index}`).join(',');
    const { features } = await all.unleash.as.vera.request('POST', '/api/admin/playground/advanced', { environments: ['production'], projects: ['default'], context: { appName: 'test', userId: userIds } }) as { features: { name: string; environments: Record<string, { isEnabled: boolean }[]> }[] };
    const answers = features.find(({ name }) => name === flag)!.environments['production']!;
    assert.equal(answers.length, 50);
    assert.ok(answers.every(({ isEnabled }) => !isEnabled));
  });

  it('can be promoted from there, through our own strategy', async () => {
    const flag = newName();
    await applyCreate(all.client, await plan(flag), userId);
    await all.done(flag, (reading) => planPromote(reading, 'production'));
    assert.equal(await all.state(flag), 'on, 5');
  });

  it('takes the stickiness that the project is set to', async () => {
    const { stickiness } = await all.client.readProjectDefaults('default');
    const flag = newName();
    await applyCreate(all.client, await plan(flag), userId);
    assert.equal((await all.production(flag)).strategies[0]!.parameters['stickiness'], stickiness);
  });

  it('is refused for a name that is taken, archived or illegal, before anything is asked', async () => {
    const taken = await freshFlag();
    await assert.rejects(plan(taken.name), refusal('conflict', /already exists/));
    await all.unleash.as.alice.archive(taken.name);
    await assert.rejects(plan(taken.name), refusal('conflict', /archived flag with that name/));
    for (const name of ['not a name', '', '.', '..', 'a/b', 'ü', 'a'.repeat(101)]) {
      await assert.rejects(plan(name), refusal('validation', /cannot be the name of a flag/), name);
      await assert.rejects(all.client.checkFlagName('default', name), (error: unknown) => error instanceof AppError && error.code === 'validation', `the server takes "${name}"`);
    }
    for (const name of ["a.b_c-d~e!f*g'h(i)", 'a'.repeat(100)]) await all.client.checkFlagName('default', name);
  });

  it('is refused when somebody took the name meanwhile, and theirs is left alone', async () => {
    const flag = newName();
    const made = await plan(flag);
    await all.unleash.as.alice.createFlag({ name: flag });
    await assert.rejects(applyCreate(all.client, made, userId), refusal('conflict', /already exists/));
    assert.equal(await all.state(flag), 'off');
  });

  it('is refused when the environments are not what was shown', async () => {
    const flag = newName();
    const made = await plan(flag);
    await assert.rejects(applyCreate(all.client, { ...made, environments: made.environments.slice(1) }, userId), refusal('conflict', /environments of project default changed/));
    assert.equal(await exists(flag), false);
  });

  it('names the pattern that the names of the project must have', async function pattern() {
    this.timeout(120_000);
    await withDatabase(async ({ url, token, query }) => {
      await query('INSERT INTO project_settings (project, feature_naming_pattern, feature_naming_example) VALUES ($1, $2, $3) ON CONFLICT (project) DO UPDATE SET feature_naming_pattern = $2, feature_naming_example = $3', ['default', 'ml-[a-z]+', 'ml-fraud']);
      const client = clientOf(url, token);
      const target = { server: url, project: 'default' };
      await assert.rejects(planCreate(client, { ...target, flag: 'fraud' }), refusal('validation', /naming pattern: "\^?ml-\[a-z\]\+\$?".*ml-fraud/));
      const made = await planCreate(client, { ...target, flag: 'ml-credit' });
      await assert.rejects(applyCreate(client, { ...made, flag: 'credit' }, undefined), refusal('validation', /naming pattern/));
      assert.equal((await applyCreate(client, made, undefined)).kind, 'done');
    });
  });

  it('says which permission a viewer lacks, before and when it is tried', async () => {
    const viewer = clientOf(all.unleash.url, all.unleash.tokens.vera);
    assert.deepEqual(lackingToCreate(await viewer.readIdentity(), 'default', environments), { permission: 'CREATE_FEATURE' });
    for (const token of [all.unleash.tokens.alice, all.unleash.tokens.eddy]) assert.equal(lackingToCreate(await clientOf(all.unleash.url, token).readIdentity(), 'default', environments), undefined);
    const flag = newName();
    await assert.rejects(applyCreate(viewer, await plan(flag, viewer), userId), refusal('forbidden', /CREATE_FEATURE/));
    assert.equal(await exists(flag), false);
  });

  describe('with faults on the way', () => {
    /** Spoils one call of `applyCreate`, counted from 0: environments, create, add, add, then the reading back. */
    async function spoilt(at: number, fault: string): Promise<{ readonly flag: string; readonly outcome: CreateOutcome }> {
      const flag = newName();
      const made = await plan(flag);
      proxy.arm(at, faults[fault]);
      const outcome = await applyCreate(clientOf(proxy.url, all.unleash.tokens.eddy, proxy.fetch, 2000), made, userId);
      await proxy.settled();
      return { flag, outcome };
    }

    for (const at of [1, 2, 3]) {
      it(`goes on when the answer of call ${at} is lost after the server took it, and does nothing twice`, async () => {
        const { flag, outcome } = await spoilt(at, 'answer lost after the server has applied it');
        assert.deepEqual([outcome.kind, outcome.error], ['done', undefined]);
        await assertSafe(flag);
      });
    }

    for (const fault of ['reset before the server has it', '500', 'request that hangs']) {
      it(`adds the 0 % again after: ${fault}`, async () => {
        const { flag, outcome } = await spoilt(3, fault);
        assert.deepEqual([outcome.kind, outcome.error], ['done', undefined]);
        await assertSafe(flag);
      });
    }

    it('makes nothing when the flag itself does not arrive', async () => {
      await assert.rejects(spoilt(1, 'reset before the server has it'), refusal('network', /./));
      await assert.rejects(spoilt(1, '503 of maintenance'), refusal('network', /maintenance/));
    });

    it('says which environment lacks its 0 % when that is forbidden, and keeps the others', async () => {
      const { flag, outcome } = await spoilt(2, '403 of change requests');
      assert.equal(outcome.kind, 'stopped');
      assert.match(outcome.error!.message, /change request/);
      const [first, second] = outcome.environments;
      assert.match(first!.now, /no 0 % strategy, so switching it on gives the project's default, 100 %/);
      assert.equal(second!.now, 'off');
      assert.equal((await all.client.readFlag('default', flag)).flag.environments.filter(({ strategies }) => strategies.length === 1).length, 1);
    });

    it('says that nothing is known when it cannot be read back', async () => {
      const { flag, outcome } = await spoilt(2, 'connection refused from then on');
      assert.equal(outcome.kind, 'stopped');
      assert.ok(outcome.environments.every(({ now }) => now === 'could not be read'));
      assert.equal(await exists(flag), true);
    });
  });
});
