import assert from 'node:assert/strict';
import { reached, type ChangePlan } from '../../src/core/flags/changePlan.ts';
import type { ChangeOutcome, ChangeRunner } from '../../src/core/flags/changeRunner.ts';
import { AppError, toAppError } from '../../src/core/base/errors.ts';
import type { FlagEnvironment } from '../../src/core/flags/model.ts';
import { planPromote, planRestore, planRollback, planSetRollout, planSwitchOff, segmentMap, type FlagReading } from '../../src/core/flags/planner.ts';
import { describeEnvironment } from '../../src/core/flags/rollout.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { gradual, type AdminClient, type StrategyInput } from '../../sandbox/unleash/admin.ts';
import { eventChain, lostWrites, type ChainEvent } from '../support/eventChain.ts';
import { FaultProxy } from '../support/faultProxy.ts';
import { foreignWrites, writeForeign } from '../support/foreignWrites.ts';
import { inLanes } from '../support/lanes.ts';
import { environmentNow, eventName, isAfterLastLook, ownExcess } from '../support/ownExcess.ts';
import { archiveFlags, freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';
import { seeded } from '../unit/flags/rolloutSupport.ts';

const LANES = 6;
const RANDOM_RUNS = 120;
const production = 'production';
const title = 'Modelswitch · made before';

interface Operation {
  readonly make: () => Promise<{ flag: string; target?: FlagEnvironment }>;
  readonly plan: (reading: FlagReading, target: FlagEnvironment | undefined) => ChangePlan;
}

interface Lane {
  readonly proxy: FaultProxy;
  readonly runner: ChangeRunner;
}

interface Write {
  readonly gap: number;
  readonly kind: string;
  readonly writer: AdminClient;
  readonly percent: number;
  readonly pick: number;
}

interface Result {
  readonly flag: string;
  readonly start: FlagEnvironment;
  readonly plan: ChangePlan | undefined;
  readonly outcome: ChangeOutcome | AppError;
  /** Ids of events that the same person made in another window; alice's are foreign anyway. */
  readonly elsewhere: ReadonlySet<number>;
  readonly calls: readonly string[];
}

/** Foreign writes between the calls of a change, judged by the server's own event log. */
describe('other writers', () => {
  let unleash: SharedUnleash;
  let direct: UnleashClient;
  const lanes: Lane[] = [];
  const callsOf = new Map<string, number>();
  const tally = { runs: 0, refused: 0, stopped: 0, done: 0, foreign: 0, overwritten: 0, passing: 0 };

  before(async function start() {
    this.timeout(300_000);
    unleash = await sharedUnleash();
    direct = clientOf(unleash.url, unleash.tokens.eddy);
    for (let lane = 0; lane < LANES; lane += 1) {
      const proxy = await FaultProxy.start(unleash.url);
      lanes.push({ proxy, runner: await runnerOf(clientOf(proxy.url, unleash.tokens.eddy, proxy.fetch)) });
    }
    for (const [name, operation] of Object.entries(operations)) {
      const { outcome, calls } = await change(lanes[0]!, operation, []);
      assert.ok(!(outcome instanceof AppError) && outcome.kind === 'done', `${name}: ${outcome instanceof AppError ? outcome.message : outcome.error?.message ?? ''}`);
      callsOf.set(name, calls.length);
    }
  });
  after(async function stop() {
    this.timeout(180_000);
    await archiveFlags('writers');
    for (const { proxy } of lanes) proxy.close();
    console.log(`      ${Object.entries(tally).map(([what, count]) => `${count} ${what}`).join(', ')}`);
  });

  const variants = (only: string): NonNullable<StrategyInput['variants']> => [{ name: only, weight: 1000, weightType: 'variable', stickiness: 'userId' }];
  const internal = (flag: string): StrategyInput => gradual(flag, 100, { title, segments: [unleash.seeded.internalSegment] });

  async function at50(): Promise<{ flag: string }> {
    const { name, strategies } = await freshFlag({ prefix: 'writers', environments: { production: { strategies: (flag) => [gradual(flag, 25, { title }), internal(flag)] } } });
    await unleash.as.eddy.setRollout(name, production, strategies.production[0]!, 50, title);
    return { flag: name };
  }

  /** Off at 10 %, a strategy removed since it was on at 50 % with two kinds of variants. */
  async function taken(): Promise<{ flag: string; target: FlagEnvironment }> {
    const { name, strategies } = await freshFlag({ prefix: 'writers', environments: { production: { strategies: (flag) => [
      { ...internal(flag), variants: variants('current') }, gradual(flag, 50, { title, variants: variants('candidate') }),
    ] } } });
    const target = await look(name);
    const { eddy } = unleash.as;
    await eddy.removeStrategy(name, production, strategies.production[0]!);
    await eddy.setRollout(name, production, strategies.production[1]!, 10, title);
    await eddy.switchEnvironment(name, production, 'off');
    return { flag: name, target };
  }

  const operations: Readonly<Record<string, Operation>> = {
    promote: { make: at50, plan: (reading) => planPromote(reading, production) },
    'set up': { make: at50, plan: (reading) => planSetRollout(reading, production, 80) },
    'set down': { make: at50, plan: (reading) => planSetRollout(reading, production, 10) },
    'roll back': { make: at50, plan: (reading) => planRollback(reading, production) },
    kill: { make: at50, plan: (reading) => planSwitchOff('kill', reading, [production]) },
    'first rollout': { make: async () => ({ flag: (await freshFlag({ prefix: 'writers', environments: {} })).name }), plan: (reading) => planPromote(reading, production) },
    restore: { make: taken, plan: (reading, target) => planRestore(reading, production, target!) },
  };

  const look = (flag: string): Promise<FlagEnvironment> => environmentNow(direct, flag, production);

  /** Makes a flag and changes it, with foreign writes in gaps; gap n is just before the n-th call. */
  async function change({ proxy, runner }: Lane, operation: Operation, writes: readonly Write[]): Promise<Result> {
    const { flag, target } = await operation.make();
    const start = await look(flag);
    const elsewhere = new Set<number>();
    const newest = async (): Promise<number> => (await eventChain(unleash.as.alice, flag)).at(-1)?.id ?? 0;
    proxy.meddle(async (number) => {
      for (const { writer, kind, percent, pick } of writes.filter(({ gap }) => gap === number)) {
        const known = writer === unleash.as.alice ? Infinity : await newest();
        await writeForeign(writer, flag, kind, percent, pick);
        if (known < Infinity) for (const { id } of await eventChain(unleash.as.alice, flag)) if (id > known) elsewhere.add(id);
      }
    });
    let plan: ChangePlan | undefined;
    let outcome: ChangeOutcome | AppError;
    try {
      plan = operation.plan(await runner.read('default', flag), target);
      outcome = await runner.apply(plan);
    } catch (error) {
      outcome = toAppError(error);
    }
    await proxy.settled();
    return { flag, start, plan, outcome, elsewhere, calls: proxy.calls };
  }

  /** What is wrong with what was said or done; nothing, if all is well. */
  async function judge({ flag, start, plan, outcome, elsewhere, calls }: Result, writes: readonly Write[]): Promise<void> {
    const chain = await eventChain(unleash.as.alice, flag);
    const foreign = new Set(chain.flatMap(({ id, createdBy }) => (createdBy.startsWith('alice') || elsewhere.has(id) ? [id] : [])));
    const since = chain.filter(({ id }) => id > (plan?.baselineEvent ?? Infinity));
    const ours = since.filter(({ id }) => !foreign.has(id));
    tally.runs += 1;
    tally.foreign += foreign.size;
    if (outcome instanceof AppError) {
      tally.refused += 1;
      assert.deepEqual(ours.map(({ type }) => type), [], `"${outcome.message}" was said, but something was written`);
      assert.ok(outcome.message.length > 10 && outcome.code !== 'internal', outcome.message);
      return;
    }
    tally[outcome.kind === 'stopped' ? 'stopped' : 'done'] += 1;
    const told = new Set(outcome.foreign.map(({ id }) => id));
    const untold = since.filter(({ id }) => foreign.has(id) && !told.has(id));
    assert.deepEqual(untold.map(eventName), [], `unreported foreign writes (${outcome.kind}: ${outcome.error?.message ?? ''})`);
    assert.deepEqual(ours.filter(({ id }) => told.has(id)).map(eventName), [], 'calls of ours were called foreign');
    tally.overwritten += lostWrites(chain).length;
    // From the first event of this run on: the flag's making is no part of it.
    const first = chain.find(({ id }) => id > plan!.baselineEvent || foreign.has(id))?.id ?? Infinity;
    checkExposure(start, plan!, chain.filter(({ id }) => id >= first), foreign);
    await checkWords(flag, plan!, outcome, writes.some(({ gap }) => isAfterLastLook(gap, calls)));
  }

  /** After no call of ours is anybody more exposed than by the states before, after, and those that others made. */
  function checkExposure(start: FlagEnvironment, plan: ChangePlan, chain: readonly ChainEvent[], foreign: ReadonlySet<number>): void {
    const { before, after } = plan.environments[0]!;
    for (const { words: said, isTakenBack } of ownExcess(start, [before, after], chain, ({ id }) => foreign.has(id), segmentMap(plan.segments))) {
      assert.ok(isTakenBack, said);
      tally.passing += 1;
    }
  }

  /** `now` is what holds; `done` only for what was asked. */
  async function checkWords(flag: string, plan: ChangePlan, { kind, environments, error }: ChangeOutcome, isLate: boolean): Promise<void> {
    if (kind === 'stopped') assert.ok(error !== undefined && error.code !== 'internal', error?.message);
    if (isLate || (await unleash.as.alice.flag(flag)) === undefined) return;
    const now = await look(flag);
    assert.equal(environments[0]!.now, describeEnvironment(now, segmentMap(plan.segments)));
    if (kind !== 'stopped') assert.ok(plan.kind === 'kill' ? !now.enabled : reached(now, plan.environments[0]!.after), `${kind} was said`);
  }

  const words = (writes: readonly Write[]): string => writes.map(({ gap, kind, percent, pick, writer }) => `${kind} before call ${gap} (${percent} %, strategy ${pick}, by ${writer === unleash.as.alice ? 'alice' : 'eddy'})`).join(', ');

  for (const [operationName, operation] of Object.entries(operations)) {
    it(`${operationName}: one foreign write of each kind in each gap`, async function everyGap() {
      this.timeout(300_000);
      const cases = Array.from({ length: callsOf.get(operationName)! }, (_, gap) =>
        Object.keys(foreignWrites).map((kind): Write => ({ gap, kind, writer: unleash.as.alice, percent: 33, pick: 0 }))).flat();
      await inLanes(lanes, cases, (write) => words([write]), async (lane, write) => judge(await change(lane, operation, [write]), [write]));
    });
  }

  it(`${RANDOM_RUNS} runs with two or three foreign writes at random, also by the same person in another window`, async function random() {
    this.timeout(300_000);
    const next = seeded(20_26);
    const below = (limit: number): number => Math.floor(next() * limit);
    const cases = Array.from({ length: RANDOM_RUNS }, () => {
      const operation = Object.keys(operations)[below(Object.keys(operations).length)]!;
      const writes = Array.from({ length: 2 + below(2) }, (): Write => ({
        gap: below(callsOf.get(operation)!), kind: Object.keys(foreignWrites)[below(Object.keys(foreignWrites).length)]!,
        writer: below(2) === 0 ? unleash.as.alice : unleash.as.eddy, percent: below(101), pick: below(3),
      }));
      return { operation, writes };
    });
    await inLanes(lanes, cases, ({ operation, writes }) => `${operation}: ${words(writes)}`, async (lane, { operation, writes }) =>
      judge(await change(lane, operations[operation]!, writes), writes));
  });
});
