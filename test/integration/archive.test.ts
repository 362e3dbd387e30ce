import assert from 'node:assert/strict';
import { AppError } from '../../src/core/base/errors.ts';
import { archive, planArchive, type ArchivePlan } from '../../src/core/flags/archive.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { freshFlag, sharedUnleash } from '../support/unleash.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

describe('archiving a flag', function () {
  this.timeout(60_000);
  let client: UnleashClient;

  before(async () => {
    const { url, tokens } = await sharedUnleash();
    client = clientOf(url, tokens.eddy);
  });

  async function planFor(flag: string): Promise<ArchivePlan> {
    return planArchive(await (await runnerOf(client)).read('default', flag));
  }

  const refusal = (code: string, reason: string) => (error: unknown): boolean => error instanceof AppError && error.code === code && error.data['reason'] === reason;

  it('tells the rollout of every environment, and archives', async () => {
    const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 100)] } } });
    const plan = await planFor(name);
    assert.deepEqual(plan.lines.toSorted(), ['development: off -> off', 'production: 100 % -> off']);
    assert.equal(plan.warnings.length, 1);
    assert.match(plan.warnings[0]!, /deploy first/);
    await archive(client, plan);
    await assert.rejects(client.readFlag('default', name), (error: unknown) => error instanceof AppError && error.code === 'notFound' && error.data['archived'] === true);
  });

  it('warns of an environment that is neither at 0 nor at 100 %', async () => {
    const { name } = await freshFlag();
    const [warning] = (await planFor(name)).warnings;
    assert.match(warning!, /^production is at 25 %.*neither at 0 % nor at 100 %/);
  });

  it('is refused while other flags depend on it, and nothing is written', async () => {
    const parent = await freshFlag();
    await freshFlag({ parent: parent.name });
    await assert.rejects(archive(client, await planFor(parent.name)), refusal('conflict', 'children'));
    assert.equal((await client.readFlag('default', parent.name)).flag.archived, false);
  });

  it('is refused when somebody changed the flag meanwhile', async () => {
    const { name } = await freshFlag();
    const plan = await planFor(name);
    await (await sharedUnleash()).as.alice.switchEnvironment(name, 'development', 'on');
    await assert.rejects(archive(client, plan), refusal('conflict', 'stale'));
    assert.equal((await client.readFlag('default', name)).flag.archived, false);
  });

  it('says which permission a viewer lacks', async () => {
    const { name } = await freshFlag();
    const { url, tokens } = await sharedUnleash();
    const plan = await planFor(name);
    await assert.rejects(archive(clientOf(url, tokens.vera), plan), (error: unknown) => error instanceof AppError && error.code === 'forbidden' && /permission/.test(error.message));
  });
});
