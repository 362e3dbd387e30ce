import { setTimeout as wait } from 'node:timers/promises';

/** Waits; rejects with an `AbortError` when the signal aborts. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await wait(ms, undefined, signal === undefined ? {} : { signal });
}
