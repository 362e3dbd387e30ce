import assert from 'node:assert/strict';
import { advance } from '../../src/cli/commands/release.ts';
import { toAppError, type AppError } from '../../src/core/base/errors.ts';
import { reached, type ChangePlan } from '../../src/core/flags/changePlan.ts';
import type { ChangeOutcome } from '../../src/core/flags/changeRunner.ts';
import type { FlagEnvironment } from '../../src/core/flags/model.ts';
import { segmentMap } from '../../src/core/flags/planning.ts';
import { describeEnvironment } from '../../src/core/flags/rollout.ts';
import { planPosition } from '../../src/core/releases/position.ts';
import { eventChain, type ChainEvent } from '../support/eventChain.ts';
import { FaultProxy } from '../support/faultProxy.ts';
import { foreignWrites, writeForeign } from '../support/foreignWrites.ts';
import { seeded } from '../support/guardSimulation.ts';
import { inLanes } from '../support/lanes.ts';
import { environmentNow, eventName, isAfterLastLook, ownExcess } from '../support/ownExcess.ts';
import { PlannedReleases, type PlannedRelease } from '../support/plannedReleases.ts';

const production = 'production';
const LANES = 3;
const WRITES_A_GAP = 2;
const RANDOM_RUNS = 24;
/** The first stage adds a strategy and switches on; the last one gives two audiences another split, each by a call of its own. */
const PLAN = '[{environment: production, segment: internal, percent: 100, weights: {v14: 10}, gates: []}, {environment: production, percent: 25, weights: {v14: 50}, gates: []}]';
const VARIANTS = [['v13', 900], ['v14', 100]].map(([name, weight]) => ({ name, weight, weightType: 'variable', stickiness: 'userId' }));

interface Write {
  readonly gap: number;
  readonly kind: string;
  readonly percent: number;
  readonly pick: number;
}

interface Told {
  readonly plan: ChangePlan;
  readonly outcome: Omit<ChangeOutcome, 'kind' | 'error'> & { readonly kind: ChangeOutcome['kind'] | 'blocked'; readonly error?: { readonly code: string; readonly message: string } };
}

/** `modelswitch advance` of several calls, with a colleague's writes between any two of them; the server's own event log is the judge. */
describe('an advance among other writers', () => {
  let releases: PlannedReleases;
  const proxies: FaultProxy[] = [];
  const callsFrom = new Map<number, readonly string[]>();
  const tally = { runs: 0, foreign: 0, refused: 0, stopped: 0, done: 0, again: 0 };

  before(async function start() {
    this.timeout(180_000);
    releases = await PlannedReleases.start('advancing');
    for (let lane = 0; lane < LANES; lane += 1) proxies.push(await FaultProxy.start(releases.unleash.url));
    for (const from of [0, 1]) {
      const { calls, code } = await advancing(proxies[0]!, await at(from), from);
      assert.equal(code, 0);
      assert.ok(calls.filter((call) => !call.startsWith('GET')).length >= 2, calls.join('\n'));
      callsFrom.set(from, calls);
    }
  });
  after(async function stop() {
    this.timeout(120_000);
    for (const proxy of proxies) proxy.close();
    await releases.stop();
    console.log(`      ${Object.entries(tally).map(([what, count]) => `${count} ${what}`).join(', ')}`);
  });

  /** A release whose flag has variants, at one of the stages. */
  async function at(from: number): Promise<PlannedRelease> {
    const made = await releases.release(0, { plan: PLAN, server: false });
    const { strategies } = await environmentNow(releases.client, made.flag, production);
    for (const { id } of strategies) await releases.unleash.as.eddy.patchStrategy(made.flag, production, id, [{ op: 'replace', path: '/variants', value: VARIANTS }]);
    for (let stage = 0; stage < from; stage += 1) await made.advance();
    return made;
  }

  /** The command through a proxy, with writes just before some of its calls; what it said, or what it refused to do. */
  async function advancing(proxy: FaultProxy, made: PlannedRelease, from: number, writes: readonly Write[] = []): Promise<{ code: number; told?: Told; refusal?: AppError; calls: readonly string[] }> {
    proxy.meddle(async (number) => {
      for (const { gap, kind, percent, pick } of writes) if (gap === number) await writeForeign(releases.unleash.as.alice, made.flag, kind, percent, pick);
    });
    let text = '';
    const context = {
      options: { json: true, from: String(from) }, operands: [], own: {}, env: { UNLEASH_URL: proxy.url, UNLEASH_TOKEN: releases.unleash.tokens.eddy }, cwd: made.folder, signal: new AbortController().signal,
      write: (part: string) => void (text += part), warn: () => undefined, progress: () => undefined,
    };
    try {
      const code = await advance.run(context);
      return { code, told: JSON.parse(text) as Told, calls: proxy.calls };
    } catch (thrown) {
      return { code: 1, refusal: toAppError(thrown), calls: proxy.calls };
    } finally {
      await proxy.settled();
    }
  }

  const isForeign = ({ createdBy }: ChainEvent): boolean => createdBy.startsWith('alice');

  /** One advance among the writes, judged, and then once more without any: it goes to the stage, or says why not and leaves everything. */
  async function judged(proxy: FaultProxy, from: number, writes: readonly Write[]): Promise<void> {
    const made = await at(from);
    const begun = (await eventChain(releases.unleash.as.alice, made.flag)).at(-1)!.id;
    const start = await environmentNow(releases.client, made.flag, production);
    const { code, told, refusal, calls } = await advancing(proxy, made, from, writes);
    const chain = (await eventChain(releases.unleash.as.alice, made.flag)).filter(({ id }) => id > begun);
    tally.runs += 1;
    tally.foreign += chain.filter(isForeign).length;
    if (told === undefined || told.outcome.kind === 'blocked') {
      tally.refused += 1;
      assert.deepEqual(chain.filter((event) => !isForeign(event)).map(eventName), [], `"${refusal?.message ?? 'blocked'}" was said, but something was written`);
      assert.ok(refusal === undefined || (refusal.code !== 'internal' && refusal.message.length > 10), refusal?.message);
    } else {
      await judge(made, start, told, code, chain, writes.some(({ gap }) => isAfterLastLook(gap, calls)));
    }
    await again(proxy, made, from);
  }

  async function judge({ flag }: PlannedRelease, start: FlagEnvironment, { plan, outcome }: Told, code: number, chain: readonly ChainEvent[], isLate: boolean): Promise<void> {
    const { before, after } = plan.environments[0]!;
    const segments = segmentMap(plan.segments);
    tally[outcome.kind === 'stopped' ? 'stopped' : 'done'] += 1;
    assert.deepEqual([code === 0, outcome.error === undefined], Array(2).fill(outcome.kind !== 'stopped'), JSON.stringify(outcome));
    const since = chain.filter(({ id }) => id > plan.baselineEvent);
    const reported = new Set(outcome.foreign.map(({ id }) => id));
    assert.deepEqual(since.filter((event) => isForeign(event) && !reported.has(event.id)).map(eventName), [], `unreported foreign writes: ${JSON.stringify(outcome)}`);
    assert.deepEqual(since.filter((event) => !isForeign(event) && reported.has(event.id)).map(eventName), [], 'calls of ours were called foreign');
    assert.deepEqual(ownExcess(start, [start, before, after], chain, isForeign, segments).filter(({ isTakenBack }) => !isTakenBack).map(({ words }) => words), []);
    if (isLate || chain.some(({ type }) => type === 'feature-archived')) return;
    const now = await environmentNow(releases.client, flag, production);
    assert.equal(outcome.environments[0]!.now, describeEnvironment(now, segments));
    if (outcome.kind !== 'stopped') assert.ok(reached(now, after), `${outcome.kind} was said`);
  }

  async function again(proxy: FaultProxy, made: PlannedRelease, from: number): Promise<void> {
    const newest = async (): Promise<number> => (await eventChain(releases.unleash.as.alice, made.flag)).at(-1)!.id;
    const before = await newest();
    const { code, refusal } = await advancing(proxy, made, from);
    if (code !== 0) {
      assert.equal(await newest(), before, `refused (${refusal?.message ?? 'blocked'}), but something was written`);
      return;
    }
    tally.again += 1;
    assert.deepEqual(planPosition(made.model.plan!, await releases.runner.read('default', made.flag)), { stage: from, deviations: [] });
  }

  const kinds = Object.keys(foreignWrites);
  const words = (writes: readonly Write[]): string => writes.map(({ gap, kind, percent, pick }) => `${kind} before call ${gap} (${percent} %, strategy ${pick})`).join(', ');

  for (const [from, what] of [[0, 'the first stage, which adds a strategy and switches on'], [1, 'a stage that splits two audiences anew']] as const) {
    it(`${what}: a write in each gap`, async function everyGap() {
      this.timeout(300_000);
      const next = seeded(8 + from);
      const below = (limit: number): number => Math.floor(next() * limit);
      const calls = callsFrom.get(from)!;
      // Before the flag was read a colleague's write is nothing that crosses the advance.
      const first = calls.findIndex((call) => /features\/advancing-[^/]+$/.test(call)) + 1;
      const cases = Array.from({ length: (calls.length - first) * WRITES_A_GAP }, (_, index): Write => ({ gap: first + Math.floor(index / WRITES_A_GAP), kind: kinds[(index + from) % kinds.length]!, percent: below(101), pick: below(3) }));
      await inLanes(proxies, cases, (each) => words([each]), (lane, each) => judged(lane, from, [each]));
    });
  }

  it(`${RANDOM_RUNS} advances with two or three writes at random calls`, async function random() {
    this.timeout(300_000);
    const next = seeded(8_2027);
    const below = (limit: number): number => Math.floor(next() * limit);
    const cases = Array.from({ length: RANDOM_RUNS }, (_, index) => {
      const from = index % 2;
      return { from, writes: Array.from({ length: 2 + below(2) }, (): Write => ({ gap: below(callsFrom.get(from)!.length), kind: kinds[below(kinds.length)]!, percent: below(101), pick: below(3) })) };
    });
    await inLanes(proxies, cases, ({ from, writes }) => `from ${from}: ${words(writes)}`, (lane, { from, writes }) => judged(lane, from, writes));
  });
});
