import type { FetchLike } from '../../src/adapters/node/httpClient.ts';
import { FlagStore } from '../../src/core/flags/store.ts';
import { freshFlag, sharedUnleash, stopSharedUnleash } from '../support/unleash.ts';
import { clientOf } from '../support/unleashClient.ts';
import type { BenchRow } from './table.ts';

const FLAGS = 100;
const POLL_MS = 15_000;

/** Requests and bytes that the flag store costs a real Unleash with some hundred flags, beside reading every flag by itself. */
export async function benchRequests(): Promise<BenchRow[]> {
  const unleash = await sharedUnleash();
  try {
    for (let made = 0; made < FLAGS; made += 10) await Promise.all(Array.from({ length: 10 }, () => freshFlag({ prefix: 'bench' })));
    return await measure(unleash.url, unleash.tokens.vera);
  } finally {
    await stopSharedUnleash();
  }
}

async function measure(url: string, token: string): Promise<BenchRow[]> {
  let count = 0;
  let bytes = 0;
  const counting: FetchLike = async (target, init) => {
    const response = await fetch(target, init);
    count += 1;
    bytes += (await response.clone().arrayBuffer()).byteLength;
    return response;
  };
  const reset = (): { count: number; bytes: number } => {
    const taken = { count, bytes };
    count = 0;
    bytes = 0;
    return taken;
  };
  const client = clientOf(url, token, counting);
  let now = Date.now();
  const store = new FlagStore({ reader: client, project: 'default', clock: { now: () => now, after: () => ({ dispose: () => undefined }) }, pollEveryMs: () => POLL_MS });

  await Promise.all([client.readIdentity(), client.readServer()]);
  await store.refresh();
  const start = reset();
  await store.refresh();
  reset();
  for (let passed = 0; passed < 60_000; passed += POLL_MS) {
    now += POLL_MS;
    await store.refresh();
  }
  const minute = reset();
  for (const name of store.snapshot?.flags.keys() ?? []) await client.readFlag('default', name);
  const oneByOne = reset();

  const naive = (value: number): { name: string; value: number } => ({ name: 'each flag by itself', value });
  return [
    { name: `requests at start, sign-in included (${store.snapshot?.flags.size ?? 0} flags)`, value: start.count, unit: '', target: '<= 8', baseline: naive(oneByOne.count) },
    { name: 'read at start', value: start.bytes / 1024, unit: 'KiB', baseline: naive(oneByOne.bytes / 1024) },
    { name: 'requests in an idle minute', value: minute.count, unit: '', baseline: naive(oneByOne.count) },
    { name: 'read in an idle minute', value: minute.bytes / 1024, unit: 'KiB', baseline: naive(oneByOne.bytes / 1024) },
  ];
}
