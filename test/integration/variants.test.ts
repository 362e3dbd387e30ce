import assert from 'node:assert/strict';
import { AppError } from '../../src/core/base/errors.ts';
import type { StrategyVariant } from '../../src/core/flags/model.ts';
import { planPromote, planRestore, planRollback, planSetRollout, planSwitchOff } from '../../src/core/flags/planner.ts';
import { describeEnvironment, variantSplit } from '../../src/core/flags/rollout.ts';
import { segmentMap } from '../../src/core/flags/planner.ts';
import { planSetWeights, type Weights } from '../../src/core/flags/weights.ts';
import { flagTimeline, readHistory } from '../../src/core/flags/timeline.ts';
import { gradual, type Variant } from '../../sandbox/unleash/admin.ts';
import { startReleases, type Releases } from '../support/releases.ts';
import { freshFlag } from '../support/unleash.ts';
import { sdkFeature, startSdk } from '../support/sdk.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

const production = 'production';
const title = 'Modelswitch · 25 %';
const USERS = 4000;

const model = (name: string, weight: number, weightType: 'fix' | 'variable' = 'variable'): Variant => ({
  name, weight, weightType, stickiness: 'userId', payload: { type: 'json', value: `{"model":"fraud:${name}"}` },
});

describe('variants on a real Unleash', () => {
  let all: Releases;

  before(async function start() {
    this.timeout(60_000);
    all = await startReleases();
  });

  const withVariants = (variants: Variant[], percent = 100): ReturnType<typeof freshFlag> =>
    freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, percent, { title, variants })] } } });
  const variantsOf = async (flag: string): Promise<(readonly StrategyVariant[])[]> => (await all.production(flag)).strategies.map(({ variants }) => variants);
  const weightsOf = async (flag: string): Promise<number[][]> => (await variantsOf(flag)).map((variants) => variants.map(({ weight }) => weight));
  const set = (flag: string, weights: Weights): ReturnType<Releases['done']> => all.done(flag, (reading) => planSetWeights(reading, production, weights));

  it('sets a split by one edit, reads it back as asked, and rolls back to the split before', async () => {
    const { name } = await withVariants([model('v1', 500), model('v2', 500)], 25);
    const before = await variantsOf(name);
    const plan = await set(name, { v1: 70, v2: 30 });
    assert.deepEqual([plan.environments[0]!.steps.map(({ kind, exposure }) => [kind, exposure]), plan.environments[0]!.to], [[['patch', 'equal']], '25 % · v1 70 % / v2 30 %']);
    assert.deepEqual(await weightsOf(name), [[700, 300]]);
    await set(name, { v1: 99.9, v2: 0.1 });
    assert.deepEqual(await weightsOf(name), [[999, 1]]);
    await all.done(name, (reading) => planRollback(reading, production));
    assert.deepEqual(await weightsOf(name), [[700, 300]]);
    await all.done(name, (reading) => planRollback(reading, production));
    assert.deepEqual(await variantsOf(name), before);
    const { entries } = flagTimeline(await readHistory(all.client, all.client.baseUrl, 'default', name), production);
    assert.ok(entries.some((entry) => entry.kind === 'rollout' && entry.to === '25 % · v1 70 % / v2 30 %' && entry.title.includes('v1 70 % / v2 30 % · set weights') && entry.by.startsWith('eddy')));
  });

  it('is kept by Unleash whatever the types of the weights are, with payload and stickiness', async () => {
    const mixes: [Variant[], Weights, number[]][] = [
      [[model('a', 500, 'fix'), model('b', 300), model('c', 200)], { a: 50, b: 30, c: 20 }, [500, 300, 200]],
      [[model('a', 900, 'fix'), model('b', 100)], { a: 0, b: 100 }, [0, 1000]],
      [[model('a', 0), model('b', 0), model('c', 0)], { a: 33.4, b: 33.3, c: 33.3 }, [334, 333, 333]],
      [[model('a', 0), model('b', 0), model('c', 0)], { a: 33.3, b: 33.3, c: 33.4 }, [333, 333, 334]],
      [[model('a', 0), model('b', 0)], { a: 100, b: 0 }, [1000, 0]],
      [[model('a', 1000)], { a: 100 }, [1000]],
    ];
    for (const [variants, weights, expected] of mixes) {
      const { name } = await withVariants(variants);
      const { kind } = await all.change(name, (reading) => planSetWeights(reading, production, weights));
      assert.notEqual(kind, 'stopped');
      assert.deepEqual(await weightsOf(name), [expected]);
      for (const [variant] of await variantsOf(name)) assert.deepEqual([variant!.payload, variant!.stickiness], [{ type: 'json', value: '{"model":"fraud:a"}' }, 'userId']);
    }
  });

  it('divides users as asked, as the SDK answers', async () => {
    const { name } = await withVariants([model('v1', 500), model('v2', 500)], 50);
    await set(name, { v1: 10, v2: 90 });
    const sdk = await startSdk([sdkFeature(name, await all.production(name))], await all.client.readSegments());
    const answers = Array.from({ length: USERS }, (_, index) => sdk.getVariant(name, { userId: `user-${index}` }));
    sdk.stop();
    for (const [answer, expected] of [['disabled', 50], ['v1', 5], ['v2', 45]] as const) {
      const seen = (100 * answers.filter((each) => each === answer).length) / USERS;
      assert.ok(Math.abs(seen - expected) <= 4 * Math.sqrt((expected * (100 - expected)) / USERS), `${answer}: ${seen} %`);
    }
  });

  it('gives the split to every audience of ours, as one change in the history', async () => {
    const { name } = await withVariants([model('v1', 500), model('v2', 500)], 5);
    await all.done(name, (reading) => planSetRollout(reading, production, 100, {}, { segment: 'internal' }));
    assert.deepEqual(await weightsOf(name), [[500, 500], [500, 500]]);
    await set(name, { v1: 80, v2: 20 });
    assert.deepEqual(await weightsOf(name), [[800, 200], [800, 200]]);
    await all.done(name, (reading) => planRollback(reading, production));
    assert.deepEqual(await weightsOf(name), [[500, 500], [500, 500]]);
    const environment = await all.production(name);
    assert.equal(describeEnvironment(environment, segmentMap(await all.client.readSegments())), '5 % · internal 100 % · v1 50 % / v2 50 %');
  });

  it('keeps the split through promotions, kills and restores', async () => {
    const { name } = await withVariants([model('v1', 500), model('v2', 500)], 5);
    await set(name, { v1: 70, v2: 30 });
    await all.done(name, (reading) => planPromote(reading, production));
    const before = await all.production(name);
    await all.done(name, (reading) => planSwitchOff('kill', reading, [production]));
    await all.done(name, (reading) => planRestore(reading, production, before));
    assert.deepEqual([await all.state(name), await weightsOf(name)], ['on, 25', [[700, 300]]]);
  });

  it('can be taken back where nobody is exposed', async () => {
    const { name } = await withVariants([model('v1', 500), model('v2', 500)], 0);
    await set(name, { v1: 70, v2: 30 });
    await all.done(name, (reading) => planRollback(reading, production));
    assert.deepEqual(await weightsOf(name), [[500, 500]]);
    await assert.rejects(all.change(name, (reading) => planRollback(reading, production)), /Nothing to roll back/);
  });

  it('does not overwrite a split that somebody set meanwhile, and refuses what does not fit', async () => {
    const { name, strategies } = await withVariants([model('v1', 500), model('v2', 500)]);
    const plan = planSetWeights(await all.read(name), production, { v1: 70, v2: 30 });
    await all.unleash.as.alice.patchStrategy(name, production, strategies.production[0]!, [{ op: 'replace', path: '/variants', value: [model('v1', 100, 'fix'), model('v2', 900)] }]);
    await assert.rejects(all.runner.apply(plan), (error) => error instanceof AppError && error.code === 'conflict');
    for (const weights of [{ v1: 70, v2: 40 }, { v1: -1, v2: 101 }, { v1: 70, v3: 30 }]) await assert.rejects(all.change(name, (reading) => planSetWeights(reading, production, weights)), (error) => error instanceof AppError && error.code === 'validation');
    assert.deepEqual(await weightsOf(name), [[100, 900]]);
  });

  it('finds out whether a split arrived whose answer was lost, and shows it', async () => {
    const { name } = await withVariants([model('v1', 500), model('v2', 500)]);
    const lossy = await runnerOf(clientOf(all.unleash.url, all.unleash.tokens.eddy, async (url, init) => {
      const response = await fetch(url, init);
      if (init.method === 'PATCH') throw new TypeError('fetch failed', { cause: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) });
      return response;
    }));
    const outcome = await lossy.apply(planSetWeights(await lossy.read('default', name), production, { v1: 70, v2: 30 }));
    assert.deepEqual([outcome.kind, outcome.environments[0]!.now, outcome.foreign], ['done', '100 % · v1 70 % / v2 30 %', []]);
  });

  it('shows the new split in what lens and tree are made from', async () => {
    const { name } = await withVariants([model('v1', 500), model('v2', 500)], 25);
    await set(name, { v1: 12.5, v2: 87.5 });
    const flags = await all.client.readAllFlags('default', await all.client.readEnvironments('default'));
    const environment = flags.find((flag) => flag.name === name)!.environments.find((each) => each.name === production)!;
    assert.deepEqual(variantSplit(environment, new Map()), [{ name: 'v1', share: 12.5 }, { name: 'v2', share: 87.5 }]);
  });
});
