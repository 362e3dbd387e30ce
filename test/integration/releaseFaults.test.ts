import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { guardRelease, type GuardReport } from '../../src/core/releases/guard.ts';
import { latches } from '../../src/core/releases/latch.ts';
import type { FlagEnvironment } from '../../src/core/flags/model.ts';
import { segmentMap } from '../../src/core/flags/planning.ts';
import { exposureWithin, maxExposure } from '../../src/core/flags/rollout.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { eventChain, type ChainEvent } from '../support/eventChain.ts';
import { FaultProxy, killing } from '../support/faultProxy.ts';
import { foreignWrites, writeForeign } from '../support/foreignWrites.ts';
import { seeded } from '../support/guardSimulation.ts';
import { inLanes } from '../support/lanes.ts';
import { environmentNow, ownExcess } from '../support/ownExcess.ts';
import { PlannedReleases, type Ended, type PlannedRelease } from '../support/plannedReleases.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

const program = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'modelswitch.cjs');
const production = 'production';
const LANES = 3;
const RANDOM_RUNS = 24;
/** Two audiences, so that taking it back takes two writes. */
const TWO = `[{environment: production, segment: internal, percent: 100, gates: []}, {environment: production, percent: 5, gates: []}, {environment: production, percent: 25, gates: []}, {environment: production, percent: 100}]`;
const AT_25 = 3;
/** The file names no server: the command line goes through a proxy. */
const QUIET = { plan: TWO, server: false };

/** What happens beside a release while it is advanced or taken back: processes that are killed, and colleagues. */
describe('a release under fire', () => {
  let releases: PlannedReleases;
  const proxies: FaultProxy[] = [];
  let kills = 0;

  before(async function start() {
    this.timeout(180_000);
    assert.ok(existsSync(program), `${program} is missing: run esbuild.js first, as npm test does.`);
    releases = await PlannedReleases.start('under-fire');
    for (let lane = 0; lane < LANES; lane += 1) proxies.push(await FaultProxy.start(releases.unleash.url));
  });
  after(async function stop() {
    this.timeout(60_000);
    for (const proxy of proxies) proxy.close();
    await releases.stop();
    console.log(`      ${kills} processes killed`);
  });

  const look = ({ flag }: PlannedRelease): Promise<FlagEnvironment> => environmentNow(releases.client, flag, production);
  const segments = async (flag: string): Promise<ReturnType<typeof segmentMap>> => segmentMap((await releases.runner.read('default', flag)).segments);
  const isLatched = async ({ flag }: PlannedRelease): Promise<boolean> => latches((await releases.runner.read('default', flag)).events).length > 0;
  const breached = async (): Promise<PlannedRelease> => {
    const made = await releases.release(AT_25, QUIET);
    await made.traffic(0.25, 0.12, 8000);
    return made;
  };

  function command(proxy: FaultProxy | undefined, { folder }: PlannedRelease, args: readonly string[], begun?: (pid: number) => void): Promise<Ended> {
    return releases.run(folder, args, { ...(proxy === undefined ? {} : { UNLEASH_URL: proxy.url }), NODE_COMPILE_CACHE: join(releases.dir, 'cache') }, begun, program);
  }

  /** The command, killed at one of its calls: before the server has it, or after it applied it. */
  async function killAt(proxy: FaultProxy, made: PlannedRelease, args: readonly string[], at: number, applied: boolean): Promise<void> {
    let pid = 0;
    const kill = (): void => {
      process.kill(pid, 'SIGKILL');
      kills += 1;
    };
    proxy.arm(at, killing(kill, applied));
    assert.equal((await command(proxy, made, args, (begun) => (pid = begun))).signal, 'SIGKILL');
    await proxy.settled();
  }

  /** Where a kill may leave something: at each write, before and after it, and at what is read between the first write and the end; one of the reads before stands for all. */
  async function casesOf(make: () => Promise<PlannedRelease>, args: readonly string[], code: number, reads = true): Promise<{ at: number; applied: boolean }[]> {
    const [proxy] = proxies;
    const made = await make();
    proxy!.arm();
    const ended = await command(proxy, made, args);
    assert.equal(ended.code, code, ended.stdout + ended.stderr);
    const isRead = (call: string): boolean => call.startsWith('GET');
    const first = proxy!.calls.findIndex((call) => !isRead(call));
    assert.ok(first > 0, proxy!.calls.join('\n'));
    return proxy!.calls.flatMap((call, at) => (isRead(call) ? (reads && (at === first - 1 || at > first) ? [false] : []) : [false, true]).map((applied) => ({ at, applied })));
  }
  const name = ({ at, applied }: { at: number; applied: boolean }): string => `call ${at}, ${applied ? 'applied' : 'not sent'}`;

  it("a guard that is killed at any call of its rollback: the next one finishes it, and the latch is there", async function killedGuard() {
    this.timeout(300_000);
    const cases = await casesOf(breached, ['guard'], 10);
    await inLanes(proxies, cases, name, async (lane, { at, applied }) => {
      const made = await breached();
      const before = await look(made);
      await killAt(lane, made, ['guard'], at, applied);
      assert.ok(exposureWithin(await look(made), [before], await segments(made.flag)), 'more than before');
      const next = await command(undefined, made, ['guard']);
      assert.ok(next.code === 10 || next.code === 13, `${String(next.code)}: ${next.stdout}${next.stderr}`);
      assert.deepEqual([await made.isExposed(), await isLatched(made)], [false, true], next.stdout);
      // What somebody raises by hand afterwards is theirs: it was no part of the rollback.
      const [everyone] = (await look(made)).strategies.filter((each) => each.segments.length === 0);
      await releases.unleash.as.alice.setRollout(made.flag, production, everyone!.id, 25);
      assert.equal((await command(undefined, made, ['guard'])).code, 13);
      assert.ok(await made.isExposed());
    });
  });

  it('a guard that can only switch the environment off, killed at any write: the next one finishes it, and the latch is there', async function killedLastResort() {
    this.timeout(300_000);
    const heldUp = async (): Promise<PlannedRelease> => {
      const made = await breached();
      await releases.unleash.as.alice.addStrategy(made.flag, production, gradual(made.flag, 30, { title: 'by hand', constraints: [{ contextName: 'region', operator: 'IN', values: ['eu'] }] }));
      return made;
    };
    const cases = await casesOf(heldUp, ['guard'], 10, false);
    await inLanes(proxies, cases, name, async (lane, { at, applied }) => {
      const made = await heldUp();
      const before = await look(made);
      await killAt(lane, made, ['guard'], at, applied);
      assert.ok(exposureWithin(await look(made), [before], await segments(made.flag)), 'more than before');
      const next = await command(undefined, made, ['guard']);
      assert.ok(next.code === 10 || next.code === 13, `${String(next.code)}: ${next.stdout}${next.stderr}`);
      assert.deepEqual([(await look(made)).enabled, await isLatched(made)], [false, true], next.stdout);
      // Whoever switches it on again has their way: that was no part of the rollback.
      await releases.unleash.as.alice.switchEnvironment(made.flag, production, 'on');
      assert.equal((await command(undefined, made, ['guard'])).code, 13);
      assert.ok((await look(made)).enabled);
    });
  });

  it('an advance that is killed at any call: no more than the next stage, and once more from the same stage ends there', async function killedAdvance() {
    this.timeout(300_000);
    const make = async (): Promise<PlannedRelease> => {
      const made = await releases.release(AT_25 - 1, QUIET);
      await made.traffic(0.05, 0.02, 8000);
      return made;
    };
    const args = ['advance', '--from', '2'];
    const cases = await casesOf(make, args, 0);
    const first = await casesOf(() => releases.release(0, QUIET), ['advance', '--from', '0'], 0);
    const all = [...cases.map((each) => ({ ...each, from: 2 })), ...first.map((each) => ({ ...each, from: 0 }))];
    await inLanes(proxies, all, (each) => `from ${each.from}: ${name(each)}`, async (lane, { at, applied, from }) => {
      const made = from === 2 ? await make() : await releases.release(0, QUIET);
      const before = await look(made);
      await killAt(lane, made, ['advance', '--from', String(from)], at, applied);
      const left = await look(made);
      const next = await command(undefined, made, ['advance', '--from', String(from)]);
      assert.equal(next.code, 0, next.stdout + next.stderr);
      const after = await look(made);
      assert.ok(exposureWithin(left, [before, after], await segments(made.flag)), 'more than before and after');
      assert.deepEqual(after.strategies.map(({ parameters, segments: own }) => `${own.length} ${parameters['rollout'] ?? ''}`).toSorted(), from === 2 ? ['0 25', '1 100'] : after.strategies.length === 1 ? ['1 100'] : ['0 0', '1 100']);
    });
  });

  /** One look of a guard through a proxy, with a colleague's writes just before some of its calls. */
  async function meddled(proxy: FaultProxy, made: PlannedRelease, writes: readonly { readonly gap: number; readonly write: () => Promise<void> }[]): Promise<{ report: GuardReport; calls: readonly string[] }> {
    const client = clientOf(proxy.url, releases.unleash.tokens.eddy, proxy.fetch);
    const runner = await runnerOf(client);
    proxy.meddle(async (number) => {
      for (const { gap, write } of writes) if (gap === number) await write();
    });
    const ports = made.ports(client, runner);
    const report = await guardRelease(ports, made.model, made.flag);
    ports.dispose();
    await proxy.settled();
    return { report, calls: proxy.calls };
  }

  it('a colleague raises in the middle of a rollback: it is not called done while somebody is exposed', async function raised() {
    this.timeout(120_000);
    const [proxy] = proxies;
    const { calls } = await meddled(proxy!, await breached(), []);
    const writes = calls.flatMap((call, at) => (call.startsWith('PATCH') ? [at] : []));
    assert.equal(writes.length, 2, calls.join('\n'));
    await inLanes(proxies, [writes[0]! + 1, writes[1]!, writes[1]! + 1], String, async (lane, gap) => {
      const made = await breached();
      const raise = async (): Promise<void> => {
        for (const { id } of (await look(made)).strategies) await releases.unleash.as.alice.setRollout(made.flag, production, id, 60);
      };
      const { report } = await meddled(lane, made, [{ gap, write: raise }]);
      assert.deepEqual([report.state, await made.isExposed(), await isLatched(made)], ['rolled back', false, true], JSON.stringify(report.words));
    });
  });

  it(`${RANDOM_RUNS} rollbacks with two or three foreign writes at random calls: what is said is so, by Unleash's own log`, async function random() {
    this.timeout(300_000);
    const next = seeded(8_2026);
    const below = (limit: number): number => Math.floor(next() * limit);
    const kinds = Object.keys(foreignWrites);
    const { calls } = await meddled(proxies[0]!, await breached(), []);
    // Before the look has read the flag a colleague's write is nothing that crosses the rollback.
    const first = calls.findIndex((call) => /features\/under-fire-[^/]+$/.test(call)) + 1;
    const cases = Array.from({ length: RANDOM_RUNS }, () => Array.from({ length: 2 + below(2) }, () => ({ gap: first + below(calls.length - first), kind: kinds[below(kinds.length)]!, percent: below(101), pick: below(3) })));
    let exposedAfter = 0;
    await inLanes(proxies, cases, (writes) => JSON.stringify(writes), async (lane, writes) => {
      const made = await breached();
      const start = await look(made);
      const { report, calls: made_ } = await meddled(lane, made, writes.map(({ gap, kind, percent, pick }) => ({ gap, write: () => writeForeign(releases.unleash.as.alice, made.flag, kind, percent, pick) })));
      const lastLook = made_.findLastIndex((call) => /features\/[^/]+$/.test(call));
      const chain = await eventChain(releases.unleash.as.alice, made.flag);
      const began = chain.findIndex(({ type, createdBy }) => createdBy.startsWith('alice') || type === 'feature-archived');
      const known = await segments(made.flag).catch(() => undefined);
      if (known === undefined || chain.some(({ type }) => type === 'feature-archived')) return;
      const isForeign = ({ createdBy }: ChainEvent): boolean => createdBy.startsWith('alice');
      assert.deepEqual(ownExcess(start, [start], chain.slice(Math.max(0, began)), isForeign, known).map(({ words }) => words), []);
      const isExposed = maxExposure(await look(made), known) > 0;
      if (isExposed) exposedAfter += 1;
      const isLate = writes.some(({ gap }) => gap >= lastLook - 1);
      if (report.state === 'rolled back' && !isLate) assert.ok(!isExposed, `said ${JSON.stringify(report.words)}`);
      if (report.state === 'rolled back') assert.ok(await isLatched(made) || report.words.some((each) => each.includes('do not say')), `no latch after ${JSON.stringify(report.words)}`);
      assert.notEqual(report.state, 'healthy', JSON.stringify(report.words));
    });
    console.log(`      ${exposedAfter} of ${RANDOM_RUNS} ended exposed by what a colleague did last`);
  });
});
