import assert from 'node:assert/strict';
import { FlagStore } from '../../src/core/flags/store.ts';
import type { FetchLike } from '../../src/adapters/node/httpClient.ts';
import { BulkWorker } from '../../src/adapters/unleash/bulkWorker.ts';
import { parseBulk } from '../../src/adapters/unleash/bulk.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf } from '../support/unleashClient.ts';

describe('the flag store on a real Unleash', () => {
  let unleash: SharedUnleash;
  let client: UnleashClient;
  let store: FlagStore;
  const requests: string[] = [];
  let late = 0;
  const clock = { now: () => Date.now() + late, after: () => ({ dispose: () => undefined }) };

  const counting: FetchLike = async (url, init) => {
    const response = await fetch(url, init);
    requests.push(`${init.method ?? 'GET'} ${new URL(url).pathname.replace('/api/admin', '')} ${response.status}`);
    return response;
  };

  before(async function start() {
    this.timeout(60_000);
    unleash = await sharedUnleash();
    client = clientOf(unleash.url, unleash.tokens.vera, counting);
    await freshFlag({ prefix: 'quiet' });
  });

  beforeEach(async () => {
    store = new FlagStore({ reader: client, project: 'default', clock, pollEveryMs: () => 1000 });
    await store.refresh();
    await store.refresh();
    requests.length = 0;
  });
  afterEach(() => store.dispose());

  const share = (flag: string): string | undefined => store.snapshot?.flags.get(flag)?.environments.find(({ name }) => name === 'production')?.strategies[0]?.parameters['rollout'];

  it('starts with at most 8 requests, sign-in included, and as a viewer', async () => {
    await Promise.all([client.readIdentity(), client.readServer()]);
    const fresh = new FlagStore({ reader: client, project: 'default', clock, pollEveryMs: () => 1000 });
    await fresh.refresh();
    assert.equal(fresh.status, 'ready');
    assert.ok(requests.length <= 8, requests.join('\n'));
  });

  it('polls with one request that the server answers by 304 without a body', async () => {
    await store.refresh();
    await store.refresh();
    assert.deepEqual(requests.slice(-1), ['GET /search/events 304']);
    assert.equal(requests.length, 2);
  });

  it('sees a change of somebody else by reading that flag only', async () => {
    const { name, strategies } = await freshFlag();
    await store.refresh();
    requests.length = 0;
    await unleash.as.eddy.setRollout(name, 'production', strategies.production[0]!, 60);
    await store.refresh();
    assert.equal(share(name), '60');
    assert.deepEqual(requests, ['GET /search/events 200', `GET /projects/default/features/${name} 200`]);
  });

  it('sees flags come, go stale, get archived and revived', async () => {
    const { name } = await freshFlag();
    await store.refresh();
    assert.equal(share(name), '25');
    await unleash.as.eddy.setStale(name);
    await store.refresh();
    assert.equal(store.snapshot?.flags.get(name)?.stale, true);
    await unleash.as.eddy.archive(name);
    await store.refresh();
    const presence = (): (boolean | undefined)[] => [store.snapshot?.flags.has(name), store.snapshot?.archived.has(name)];
    assert.deepEqual(presence(), [false, true]);
    await unleash.as.alice.request('POST', `/api/admin/archive/revive/${name}`);
    await store.refresh();
    assert.deepEqual(presence(), [true, false]);
  });

  it('tells a flag that was archived before it started from one that never was', async () => {
    const { name } = await freshFlag();
    await unleash.as.eddy.archive(name);
    await store.refresh(true);
    await store.observe([name]);
    await store.observe(['never-made']);
    assert.deepEqual([store.snapshot?.archived.has(name), store.snapshot?.archived.has('never-made')], [true, false]);
  });

  it('reads an edited segment again within a minute, though the log hides its events from a viewer, and knows whom it concerns', async () => {
    const segment = await unleash.as.alice.createSegment({ name: `seg-${Date.now()}`, description: '', constraints: [{ contextName: 'tenant', operator: 'IN', values: ['a'] }] });
    const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 50, { segments: [segment] })] } } });
    await store.refresh();
    const concerned: (ReadonlySet<string> | undefined)[] = [];
    store.onDidChange(({ flags }) => concerned.push(flags));
    await unleash.as.alice.request('PUT', `/api/admin/segments/${segment}`, { name: `renamed-${segment}`, constraints: [{ contextName: 'tenant', operator: 'IN', values: ['a', 'b'] }] });
    late += 60_000;
    await store.refresh();
    assert.deepEqual(store.snapshot?.segments.get(segment)?.constraints[0]?.values, ['a', 'b']);
    assert.ok(concerned.some((flags) => flags?.has(name)));
  });

  it('knows a parent that blocks, and that it no longer does', async () => {
    const parent = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 100)], on: false } } });
    const child = await freshFlag({ parent: parent.name });
    await store.refresh();
    assert.deepEqual(store.snapshot?.flags.get(child.name)?.dependencies, [{ feature: parent.name, enabled: true, variants: [] }]);
    const concerned: (ReadonlySet<string> | undefined)[] = [];
    store.onDidChange(({ flags }) => concerned.push(flags));
    await unleash.as.eddy.switchEnvironment(parent.name, 'production', 'on');
    await store.refresh();
    assert.ok(concerned.some((flags) => flags?.has(child.name) && flags.has(parent.name)));
  });

  it('parses the bulk answers in a worker as on this thread', async () => {
    const worker = new BulkWorker(new URL('../../src/adapters/unleash/bulk.worker.ts', import.meta.url));
    const environments = [{ name: 'production', type: 'production', enabled: true }];
    const read = async (path: string, body?: unknown): Promise<string> =>
      (await fetch(`${unleash.url}/api/admin${path}`, {
        method: body === undefined ? 'GET' : 'POST', headers: { authorization: unleash.tokens.vera, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })).text();
    const texts = { list: await read('/projects/default/features'), playgrounds: [await read('/playground/advanced', { environments: ['production'], projects: ['default'], context: { appName: 'x' } })], environments };
    const flags = await worker.parse(texts);
    assert.ok(flags.length > 5);
    assert.deepEqual(flags, parseBulk(texts));
    await assert.rejects(worker.parse({ ...texts, playgrounds: ['{"features":'] }), /JSON/);
    assert.equal((await worker.parse(texts)).length, flags.length);
    worker.dispose();
  });
});
