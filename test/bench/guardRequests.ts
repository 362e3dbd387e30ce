/** What a guard over many releases asks of a real Unleash. Run alone with `node test/bench/guardRequests.ts [RELEASES]`. */
import { fileURLToPath } from 'node:url';
import { COUNTERS_EVERY_LOOKS } from '../../src/adapters/releases/watchedReadings.ts';
import { PlannedReleases, type PlannedRelease } from '../support/plannedReleases.ts';
import { stopSharedUnleash } from '../support/unleash.ts';
import { watchRequests } from '../support/watchRequests.ts';
import { printTable, type BenchRow } from './table.ts';

const RELEASES = 100;
const IDLE = 2 * COUNTERS_EVERY_LOOKS;
/** Rounds in an hour, at the default interval. */
const AN_HOUR = 60;

/** Requests of `guard --watch` per round and per hour: all releases healthy, and one of them in breach; beside reading each release at each look, as `guard --once` does. */
export async function benchGuardRequests(count: number = RELEASES): Promise<BenchRow[]> {
  const releases = await PlannedReleases.start('bench');
  try {
    const all: PlannedRelease[] = [];
    while (all.length < count) all.push(await releases.release(2));
    const breach = IDLE + 2;
    const rounds = await watchRequests(releases, all, breach + 1, async (round) => {
      for (const [index, each] of all.entries()) await each.traffic(0.25, round >= breach && index === 0 ? 0.5 : 0.02, round === 1 || round >= breach ? 800 : 40, 2000 * round);
    });
    const of = (round: number): number => rounds[round - 1]!.calls.length;
    if (rounds[breach - 1]!.states[0] !== 'rolled back') throw new Error(`the breach was not seen: ${rounds[breach - 1]!.states[0] ?? ''}`);
    const perLook = of(1) / count;
    const idle = rounds.slice(1, 1 + IDLE).reduce((sum, { calls }) => sum + calls.length, 0) / IDLE;
    const each = { name: 'each release at each look', value: perLook * count };
    return [
      { name: `first round over ${count} releases`, value: of(1), unit: '' },
      { name: 'a round while all are healthy and nobody changes anything', value: idle, unit: '', baseline: each },
      { name: 'an hour of that, a round a minute', value: AN_HOUR * idle, unit: '', baseline: { ...each, value: AN_HOUR * each.value } },
      { name: 'the round in which one is taken back', value: of(breach), unit: '', baseline: each },
      { name: 'the round after it', value: of(breach + 1), unit: '', baseline: each },
    ];
  } finally {
    await releases.stop();
    await stopSharedUnleash();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printTable(await benchGuardRequests(process.argv[2] === undefined ? RELEASES : Number(process.argv[2])));
