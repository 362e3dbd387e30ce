import { HttpClient, type FetchLike } from '../../src/adapters/node/httpClient.ts';
import { sleep } from '../../src/adapters/node/sleep.ts';
import { parseBulk } from '../../src/adapters/unleash/bulk.ts';
import { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { ChangeRunner } from '../../src/core/flags/changeRunner.ts';

/** The extension's own client of a server, with a fetch of the test's choice. */
export function clientOf(baseUrl: string, token: string, fetchLike: FetchLike = (url, init) => fetch(url, init), timeoutMs = 20_000): UnleashClient {
  const http = new HttpClient({ baseUrl, credentials: { authorization: token }, fetch: fetchLike, timeoutMs, sleep: (ms, signal) => sleep(Math.min(ms, 50), signal) });
  return new UnleashClient(http, (texts) => Promise.resolve(parseBulk(texts)));
}

export async function runnerOf(client: UnleashClient): Promise<ChangeRunner> {
  const { id } = await client.readIdentity();
  return new ChangeRunner({ port: client, server: client.baseUrl, userId: () => id, sleep: (ms, signal) => sleep(Math.min(ms, 20), signal) });
}
