import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { guard } from '../../src/cli/commands/guard.ts';
import { toAppError } from '../../src/core/base/errors.ts';
import { FaultProxy } from './faultProxy.ts';
import type { PlannedRelease, PlannedReleases } from './plannedReleases.ts';

/** One round of looks of `guard --watch`: what it asked of Unleash, as `METHOD path`, and the state of each release after it. */
export interface WatchedLook {
  readonly calls: readonly string[];
  readonly states: readonly string[];
}

/**
 * Runs `modelswitch guard --watch` over releases by one file, through a proxy that counts.
 * @param before what happens before a round, counted from 1
 */
export async function watchRequests(releases: PlannedReleases, all: readonly PlannedRelease[], rounds: number, before: (round: number) => Promise<void>): Promise<WatchedLook[]> {
  const models = all.map(({ flag, folder }, index) => `  fraud-${index}:\n    flag: ${flag}\n    current: "13"\n    candidate: "14"\n    plan: [{environment: production, percent: 5, gates: []}, {environment: production, percent: 25, hold: 1h}, {environment: production, percent: 100}]\n    quality:\n      source: {log: ${basename(folder)}/log.jsonl}\n      window: 1s\n      guardrails: [{name: errors, bad: error}]\n`);
  writeFileSync(join(releases.dir, 'modelswitch.yaml'), `version: 1\nmodels:\n${models.join('')}`);
  const proxy = await FaultProxy.start(releases.unleash.url);
  const looks: { calls: string[]; states: string[] }[] = [];
  const end = new AbortController();
  proxy.meddle(async (number) => {
    const call = proxy.calls[number]!;
    if (/search\/events\?limit=\d+$/.test(call)) {
      if (looks.length === rounds) end.abort();
      else {
        looks.push({ calls: [], states: [] });
        await before(looks.length);
      }
    }
    looks.at(-1)?.calls.push(call);
  });
  const context = {
    options: { json: true }, operands: [], own: { watch: true, every: '1s' }, env: { UNLEASH_URL: proxy.url, UNLEASH_TOKEN: releases.unleash.tokens.eddy }, cwd: releases.dir, signal: end.signal,
    write: (text: string) => void looks.at(-1)?.states.push(...(JSON.parse(text) as { state: string }[]).map(({ state }) => state)), warn: () => undefined, progress: () => undefined,
  };
  try {
    await guard.run(context);
  } catch (thrown) {
    if (toAppError(thrown).code !== 'cancelled') throw thrown;
  } finally {
    await proxy.settled();
    proxy.close();
  }
  return looks;
}
