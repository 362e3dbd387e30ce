import assert from 'node:assert/strict';
import { PlannedReleases, type PlannedRelease } from '../support/plannedReleases.ts';
import { watchRequests, type WatchedLook } from '../support/watchRequests.ts';

const RELEASES = 5;
const IDLE = 5;
const [RAISED, BREACHED] = [IDLE + 2, IDLE + 3];

describe('a guard that goes on looking', () => {
  let releases: PlannedReleases;
  const all: PlannedRelease[] = [];
  let rounds: WatchedLook[];

  before(async function start() {
    this.timeout(240_000);
    releases = await PlannedReleases.start('watched');
    while (all.length < RELEASES) all.push(await releases.release(2));
    rounds = await watchRequests(releases, all, BREACHED + 1, async (round) => {
      for (const [index, each] of all.entries()) if (round !== RAISED || index !== 1) await each.traffic(0.25, round === BREACHED && index === 0 ? 0.5 : 0.02, round === BREACHED ? 800 : 100, 2000 * round);
      if (round !== RAISED) return;
      const { strategies } = (await releases.unleash.as.alice.flag(all[1]!.flag))!.environments.find(({ name }) => name === 'production')!;
      await releases.unleash.as.alice.setRollout(all[1]!.flag, 'production', strategies[0]!.id, 60);
    });
  });
  after(async function stop() {
    this.timeout(60_000);
    await releases.stop();
  });

  const asked = (round: number, flag: string): string[] => rounds[round - 1]!.calls.filter((call) => call.includes(flag));

  it('asks of releases that nobody changed for the log and the segments, and for counters every fifth time', () => {
    assert.deepEqual(rounds[0]!.states, Array(RELEASES).fill('healthy'));
    const idle = rounds.slice(1, 1 + IDLE);
    assert.deepEqual(idle.map(({ states }) => states.join()), Array(IDLE).fill(Array(RELEASES).fill('healthy').join()));
    assert.deepEqual(idle.map(({ calls }) => calls.length), Array(IDLE).fill(3));
    for (const { flag } of all) assert.equal(idle.flatMap(({ calls }) => calls).filter((call) => call.includes(`client-metrics/features/${flag}/`)).length, 1);
  });

  it('reads what a colleague changed, and says at once that it is not as planned', () => {
    assert.equal(rounds[RAISED - 1]!.states[1], 'needs a person');
    assert.ok(asked(RAISED, all[1]!.flag).some((call) => call.endsWith(`/features/${all[1]!.flag}`)));
    for (const { flag } of [all[0]!, all[2]!]) assert.deepEqual(asked(RAISED, flag).filter((call) => !call.includes('client-metrics')), []);
  });

  it('takes a breach back from a fresh reading', async () => {
    assert.deepEqual(rounds[BREACHED - 1]!.states, ['rolled back', 'needs a person', 'healthy', 'healthy', 'healthy']);
    assert.equal(rounds[BREACHED]!.states[0], 'needs a person');
    const calls = asked(BREACHED, all[0]!.flag);
    const write = calls.findIndex((call) => call.startsWith('PATCH'));
    assert.ok(calls.slice(0, write).some((call) => call.endsWith(`/features/${all[0]!.flag}`)), calls.join('\n'));
    assert.deepEqual((await all[0]!.production()).rollouts, ['0']);
  });
});
