import assert from 'node:assert/strict';
import { FlagStore } from '../../src/core/flags/store.ts';
import { faults, FaultProxy, tooLarge } from '../support/faultProxy.ts';
import { inLanes } from '../support/lanes.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf } from '../support/unleashClient.ts';

const TIMEOUT_MS = 400;
const LANES = 4;
const production = 'production';

/** Each fault at each call of the first reading and of a refresh that brings news. */
describe('faults while reading', () => {
  let unleash: SharedUnleash;
  const proxies: FaultProxy[] = [];

  before(async function start() {
    this.timeout(180_000);
    unleash = await sharedUnleash();
    for (let lane = 0; lane < LANES; lane += 1) proxies.push(await FaultProxy.start(unleash.url));
  });
  after(() => {
    for (const proxy of proxies) proxy.close();
  });

  const storeOf = (proxy: FaultProxy, timeoutMs: number): FlagStore => new FlagStore({
    reader: clientOf(proxy.url, unleash.tokens.vera, proxy.fetch, timeoutMs),
    project: 'default',
    clock: { now: () => Date.now(), after: () => ({ dispose: () => undefined }) },
    pollEveryMs: () => 1000,
  });

  /** What the store comes to when nothing is spoilt any more; a busy machine may need a second try. */
  async function recover(store: FlagStore): Promise<void> {
    for (let tries = 0; tries < 10 && (tries === 0 || store.status !== 'ready'); tries += 1) await store.refresh();
    assert.equal(store.status, 'ready', store.error?.message);
  }

  const rolloutOf = (store: FlagStore, flag: string): string | undefined =>
    store.snapshot?.flags.get(flag)?.environments.find(({ name }) => name === production)?.strategies[0]?.parameters['rollout'];

  const at = (length: number): number[] => Array.from({ length }, (_, number) => number);

  it('meets six calls in a first reading and three in a refresh with news', async () => {
    const [proxy] = proxies;
    const { name, strategies } = await freshFlag();
    const store = storeOf(proxy!, 20_000);
    proxy!.arm();
    await store.refresh();
    assert.equal(proxy!.calls.length, 6, proxy!.calls.join('\n'));
    await unleash.as.alice.setRollout(name, production, strategies.production[0]!, 26);
    proxy!.arm();
    await store.refresh();
    // The log, the flag with news, and once after the first reading each flag that has parents: tests before this one make some.
    const about = (call: string): string => (!call.includes('/features/') ? 'log' : call.includes(name) ? 'news' : 'child');
    const kinds = proxy!.calls.map(about);
    assert.deepEqual([kinds.filter((kind) => kind === 'log').length, kinds.filter((kind) => kind === 'news').length], [1, 1], proxy!.calls.join('\n'));
    assert.ok(kinds.includes('child'), proxy!.calls.join('\n'));
    store.dispose();
  });

  for (const [fault, handling] of Object.entries({ ...faults, 'answer of 65 MB': tooLarge })) {
    it(`${fault}, at every call of the list: never empty instead of failed`, async function everyCall() {
      this.timeout(180_000);
      await inLanes(proxies, at(6), (call) => `call ${call}`, async (proxy, call) => {
        const store = storeOf(proxy, TIMEOUT_MS);
        proxy.arm(call, handling);
        await store.refresh();
        const loaded = store.snapshot !== undefined && store.snapshot.flags.size > 5;
        assert.ok(loaded ? store.status === 'ready' : store.status === 'failed' && store.error !== undefined && store.snapshot === undefined, store.status);
        proxy.arm();
        await recover(store);
        assert.ok((store.snapshot?.flags.size ?? 0) > 5, 'the next reading');
        store.dispose();
      });
    });

    it(`${fault}, at every call of a refresh: what was known stays, and the next one brings the news`, async function everyCall() {
      this.timeout(180_000);
      await inLanes(proxies, at(3), (call) => `call ${call}`, async (proxy, call) => {
        const { name, strategies } = await freshFlag();
        const store = storeOf(proxy, 2000);
        proxy.arm();
        await recover(store);
        await unleash.as.alice.setRollout(name, production, strategies.production[0]!, 26);
        proxy.arm(call, handling);
        await store.refresh();
        assert.ok((store.snapshot?.flags.size ?? 0) > 5);
        assert.ok(store.status === 'ready' ? rolloutOf(store, name) === '26' : rolloutOf(store, name) === '25' && store.error !== undefined, `${store.status} with ${rolloutOf(store, name) ?? 'nothing'}`);
        proxy.arm();
        await recover(store);
        assert.equal(rolloutOf(store, name), '26');
        store.dispose();
      });
    });
  }
});
