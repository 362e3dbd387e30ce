import assert from 'node:assert/strict';
import { AppError } from '../../src/core/base/errors.ts';
import { applySafeDefault, readSafeDefault } from '../../src/core/flags/projectDefault.ts';
import { startReleases, type Releases } from '../support/releases.ts';
import { freshFlag } from '../support/unleash.ts';
import { clientOf } from '../support/unleashClient.ts';

const production = 'production';

describe('the project default strategy on a real Unleash', () => {
  let all: Releases;
  const path = '/api/admin/projects/default/environments/production/default-strategy';

  before(async function start() {
    this.timeout(60_000);
    all = await startReleases();
  });
  // Unleash cannot unset it; a hundred per cent is what it does without one.
  after(() => all.unleash.as.alice.request('POST', path, { name: 'flexibleRollout', parameters: { rollout: '100', stickiness: 'default' } }));

  const target = (): { server: string; project: string } => ({ server: all.unleash.url, project: 'default' });

  it('makes switching on a flag without strategies expose 0 % instead of 100 %, in its own group', async () => {
    const [before, after] = [await freshFlag({ environments: {} }), await freshFlag({ environments: {} })];
    await all.unleash.as.eddy.switchEnvironment(before.name, production, 'on');
    assert.equal(await all.state(before.name), 'on, 100');
    const plan = await readSafeDefault(all.client, target(), [production]);
    assert.deepEqual(plan.environments.map(({ from, to }) => `${from} -> ${to}`), ['100 % of everyone (not set) -> 0 % of everyone · sticky by default']);
    await applySafeDefault(all.client, plan);
    await all.unleash.as.eddy.switchEnvironment(after.name, production, 'on');
    assert.equal(await all.state(after.name), 'on, 0');
    assert.equal((await all.production(after.name)).strategies[0]!.parameters['groupId'], after.name);
    const again = await readSafeDefault(all.client, target(), undefined);
    assert.deepEqual(again.environments.map(({ environment, changes }) => [environment, changes]), [['development', true], ['production', false]]);
  });

  it('keeps what a team set beside the percentage, and refuses when that changed meanwhile', async () => {
    const { alice } = all.unleash.as;
    const strategy = { name: 'flexibleRollout', title: 'ours', parameters: { rollout: '40', stickiness: 'userId' }, constraints: [{ contextName: 'region', operator: 'IN', values: ['eu'] }] };
    await alice.request('POST', path, strategy);
    const plan = await readSafeDefault(all.client, target(), [production]);
    assert.equal(plan.environments[0]!.from, '40 % of region in eu · sticky on userId');
    await alice.request('POST', path, { ...strategy, parameters: { ...strategy.parameters, rollout: '60' } });
    await assert.rejects(applySafeDefault(all.client, plan), (error) => error instanceof AppError && error.code === 'conflict');
    await applySafeDefault(all.client, await readSafeDefault(all.client, target(), [production]));
    const { name } = await freshFlag({ environments: {} });
    await all.unleash.as.eddy.switchEnvironment(name, production, 'on');
    assert.deepEqual([await all.state(name), (await all.production(name)).strategies[0]!.title], ['on, 0 constrained', 'ours']);
  });

  it('tells of a viewer that it may not, and which permission it lacks', async () => {
    await all.unleash.as.alice.request('POST', path, { name: 'flexibleRollout', parameters: { rollout: '100', stickiness: 'default' } });
    const vera = clientOf(all.unleash.url, all.unleash.tokens.vera);
    const plan = await readSafeDefault(vera, target(), [production]);
    await assert.rejects(applySafeDefault(vera, plan), (error) => error instanceof AppError && error.code === 'forbidden' && error.message.includes('UPDATE_PROJECT'));
  });

  it('names the environments there are', async () => {
    await assert.rejects(readSafeDefault(all.client, target(), ['moon']), /has no environment "moon"; it has development, production/);
  });
});
