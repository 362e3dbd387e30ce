import type { FetchLike } from '../../src/adapters/node/httpClient.ts';
import { planPromote, planRollback, type FlagReading } from '../../src/core/flags/planner.ts';
import type { ChangePlan } from '../../src/core/flags/changePlan.ts';
import { freshFlag, sharedUnleash, stopSharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';
import { median, type BenchRow } from './table.ts';

const ROUNDS = 50;
const WARM_UP = 5;
const environment = 'production';

interface Timed {
  readonly ms: number[];
  /** Requests of one round. */
  requests: number;
}

/** Prepares a round untimed; gives what is timed, which gives its number of requests. */
type Prepare = () => Promise<() => Promise<number>>;

/** From the command to the change that was read back and whose event log was looked through, on a real Unleash; beside a bare PATCH that checks nothing. */
export async function benchChanges(): Promise<BenchRow[]> {
  const unleash = await sharedUnleash();
  try {
    const [rollback, promotion, bare] = await timed([
      () => changing(unleash, (reading) => planRollback(reading, environment)),
      () => changing(unleash, (reading) => planPromote(reading, environment)),
      () => barePatch(unleash),
    ]);
    const rows = (name: string, { ms, requests }: Timed): BenchRow[] => {
      const naive = (value: number): { name: string; value: number } => ({ name: 'a bare PATCH', value });
      return [
        { name: `${name}, median of ${ROUNDS}`, value: median(ms), unit: 'ms', baseline: naive(median(bare.ms)) },
        { name: `${name}, worst of ${ROUNDS}`, value: Math.max(...ms), unit: 'ms', baseline: naive(Math.max(...bare.ms)) },
        { name: `${name}, medians relative to a bare PATCH`, value: median(ms) / median(bare.ms), unit: 'x' },
        { name: `${name}, requests`, value: requests, unit: '', baseline: naive(bare.requests) },
      ];
    };
    return [...rows('roll back, confirmed', rollback), ...rows('promotion, confirmed', promotion)];
  } finally {
    await stopSharedUnleash();
  }
}

/** In turns, so that whatever else the machine does meets all of them. */
async function timed(contestants: readonly [Prepare, Prepare, Prepare]): Promise<[Timed, Timed, Timed]> {
  const results: [Timed, Timed, Timed] = [{ ms: [], requests: 0 }, { ms: [], requests: 0 }, { ms: [], requests: 0 }];
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    for (const [index, result] of results.entries()) {
      const work = await contestants[index]?.();
      const started = performance.now();
      result.requests = await work?.() ?? 0;
      if (round >= 0) result.ms.push(performance.now() - started);
    }
  }
  return results;
}

async function changing(unleash: SharedUnleash, plan: (reading: FlagReading) => ChangePlan): Promise<() => Promise<number>> {
  const { name, strategies } = await freshFlag({ prefix: 'bench' });
  await unleash.as.eddy.setRollout(name, environment, strategies.production[0] ?? '', 50);
  let requests = 0;
  const counting: FetchLike = (url, init) => {
    requests += 1;
    return fetch(url, init);
  };
  const runner = await runnerOf(clientOf(unleash.url, unleash.tokens.eddy, counting));
  return async () => {
    requests = 0;
    const outcome = await runner.apply(plan(await runner.read('default', name)));
    if (outcome.kind !== 'done') throw new Error(`${outcome.kind}: ${outcome.error?.message ?? ''}`);
    return requests;
  };
}

async function barePatch(unleash: SharedUnleash): Promise<() => Promise<number>> {
  const { name, strategies } = await freshFlag({ prefix: 'bench' });
  return async () => {
    await unleash.as.eddy.setRollout(name, environment, strategies.production[0] ?? '', 50);
    return 1;
  };
}
