import assert from 'node:assert/strict';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { planRestore } from '../../src/core/flags/planner.ts';
import { entryWords, flagTimeline, readHistory, type FlagTimeline } from '../../src/core/flags/timeline.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

describe('history of a flag on a real Unleash', () => {
  let unleash: SharedUnleash;
  const production = 'production';

  before(async function start() {
    this.timeout(60_000);
    unleash = await sharedUnleash();
  });

  async function history(name: string, token = unleash.tokens.alice): Promise<FlagTimeline> {
    const client = clientOf(unleash.url, token);
    return flagTimeline(await readHistory(client, client.baseUrl, 'default', name), production);
  }

  /** Oldest first, without the names that differ from run to run. */
  const told = ({ entries }: FlagTimeline, ...names: string[]): string[] => entries.toReversed().map((entry) => {
    return `${names.reduce((text, name, index) => text.replaceAll(name, `F${index}`), entryWords(entry))} by ${entry.by.split('@')[0]}`;
  });

  it('tells the flag, its rollout, its parent and the segments that it uses, in order', async () => {
    const segmentName = `history-${Date.now()}`;
    const segment = await unleash.as.alice.createSegment({ name: segmentName, description: '', constraints: [{ contextName: 'region', operator: 'IN', values: ['eu'] }] });
    const parent = await freshFlag({ prefix: 'parent' });
    const { name, strategies } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 25)] } } });
    const id = strategies.production[0]!;
    const edit = (path: string, value: unknown): Promise<unknown> => unleash.as.alice.patchStrategy(name, production, id, [{ op: 'replace', path, value }]);
    await edit('/parameters/rollout', '50');
    await unleash.as.alice.addParent(name, parent.name);
    await unleash.as.alice.patchStrategy(parent.name, production, parent.strategies.production[0]!, [{ op: 'replace', path: '/parameters/rollout', value: '80' }]);
    const editSegment = (values: string[]): Promise<unknown> => unleash.as.alice.request('PUT', `/api/admin/segments/${segment}`, { name: segmentName, constraints: [{ contextName: 'region', operator: 'IN', values }] });
    await editSegment(['eu', 'us']);
    await edit('/segments', [segment]);
    await editSegment(['us']);

    assert.deepEqual(told(await history(name), name, parent.name, segmentName), [
      'created by eddy',
      'off (strategies changed) by eddy',
      'off -> 25 % by eddy',
      '25 % -> 50 % by alice',
      'now depends on "F1" being on by alice',
      'parent "F1" 25 % -> 80 % by alice',
      '50 % -> 0 % · F2 50 % by alice',
      'segment "F2" edited by alice',
    ]);
  });

  it('says "edited" only of segments in use at that time, and to nobody whom Unleash does not tell', async () => {
    const { internalSegment } = unleash.seeded;
    const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 10, { segments: [internalSegment] })] } } });
    const { name: other } = await freshFlag();
    const segment = (await clientOf(unleash.url, unleash.tokens.alice).readSegments()).find(({ id }) => id === internalSegment)!;
    await unleash.as.alice.request('PUT', `/api/admin/segments/${internalSegment}`, { name: segment.name, constraints: segment.constraints });
    const edits = ({ entries }: FlagTimeline): number => entries.filter((entry) => entry.kind === 'beside' && entry.what.startsWith('segment')).length;
    assert.deepEqual([edits(await history(name)), edits(await history(other)), edits(await history(name, unleash.tokens.vera))], [1, 0, 0]);
  });

  it('tells that a dependency ended, and archive and revival', async () => {
    const parent = await freshFlag({ prefix: 'parent' });
    const { name } = await freshFlag({ parent: parent.name });
    await unleash.as.alice.request('DELETE', `/api/admin/projects/default/features/${name}/dependencies/${parent.name}`);
    await unleash.as.alice.archive(name);
    await unleash.as.alice.request('POST', `/api/admin/archive/revive/${name}`);
    const lines = told(await history(name), name, parent.name);
    assert.deepEqual(lines.slice(-3).map((line) => line.replace('its parent', '"F1"')), ['no longer depends on "F1" by alice', 'archived by alice', 'revived by alice']);
  });

  it('restores any entry: every state of the history comes back as it was', async () => {
    const { name, strategies } = await freshFlag();
    for (const value of ['40', '70', '15']) await unleash.as.alice.patchStrategy(name, production, strategies.production[0]!, [{ op: 'replace', path: '/parameters/rollout', value }]);
    await unleash.as.alice.request('POST', `/api/admin/projects/default/features/${name}/environments/${production}/off`);
    const client: UnleashClient = clientOf(unleash.url, unleash.tokens.eddy);
    const runner = await runnerOf(client);
    const states = (await history(name)).entries.filter((entry) => entry.kind === 'rollout');
    for (const { to, after } of states) {
      const outcome = await runner.apply(planRestore(await runner.read('default', name), production, after));
      assert.deepEqual([outcome.error, outcome.environments[0]?.now], [undefined, to]);
    }
    assert.ok(states.length >= 5, `${states.length} states`);
  });
});
