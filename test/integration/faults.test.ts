import assert from 'node:assert/strict';
import { AppError, toAppError } from '../../src/core/base/errors.ts';
import type { ChangePlan } from '../../src/core/flags/changePlan.ts';
import type { ChangeOutcome, ChangeRunner } from '../../src/core/flags/changeRunner.ts';
import { planPromote, planRollback, planSetRollout, planSwitchOff, type FlagReading } from '../../src/core/flags/planner.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { faults, FaultProxy } from '../support/faultProxy.ts';
import { inLanes } from '../support/lanes.ts';
import { archiveFlags, freshFlag, sharedUnleash, type FreshFlag, type SharedUnleash } from '../support/unleash.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

const TIMEOUT_MS = 250;
const LANES = 6;
const production = 'production';

interface Operation {
  readonly make: () => Promise<string>;
  readonly plan: (reading: FlagReading) => ChangePlan;
  /** The everyone-share before and after; 0 is off. */
  readonly before: number;
  readonly after: number;
}

/** A way to the server that can be spoilt, apart from the others. */
interface Lane {
  readonly proxy: FaultProxy;
  readonly runner: ChangeRunner;
}

/** Each fault at each call of each operation, on a real server behind a proxy. */
describe('faults', () => {
  let unleash: SharedUnleash;
  let direct: ChangeRunner;
  const lanes: Lane[] = [];
  const callsOf = new Map<string, number>();
  let spoilt = 0;

  const at50: FreshFlag['environments'] = { production: { strategies: (flag) => [gradual(flag, 50, { title: 'Modelswitch · test' })] } };
  const made = async (environments: FreshFlag['environments'] & object): Promise<string> => (await freshFlag({ prefix: 'fault', environments })).name;
  const operations: Readonly<Record<string, Operation>> = {
    promote: { make: () => made(at50), plan: (reading) => planPromote(reading, production), before: 50, after: 100 },
    'set up': { make: () => made(at50), plan: (reading) => planSetRollout(reading, production, 80), before: 50, after: 80 },
    'set down': { make: () => made(at50), plan: (reading) => planSetRollout(reading, production, 10), before: 50, after: 10 },
    'roll back': { make: twice, plan: (reading) => planRollback(reading, production), before: 50, after: 25 },
    kill: { make: () => made(at50), plan: (reading) => planSwitchOff('kill', reading, [production]), before: 50, after: 0 },
    'first rollout': { make: () => made({}), plan: (reading) => planPromote(reading, production), before: 0, after: 5 },
  };

  /** At 50 %, and at 25 % before that. */
  async function twice(): Promise<string> {
    const { name, strategies } = await freshFlag({ prefix: 'fault' });
    await unleash.as.eddy.setRollout(name, production, strategies.production[0]!, 50);
    return name;
  }

  before(async function start() {
    this.timeout(180_000);
    unleash = await sharedUnleash();
    direct = await runnerOf(clientOf(unleash.url, unleash.tokens.eddy));
    for (let lane = 0; lane < LANES; lane += 1) {
      const proxy = await FaultProxy.start(unleash.url);
      lanes.push({ proxy, runner: await runnerOf(clientOf(proxy.url, unleash.tokens.eddy, proxy.fetch, TIMEOUT_MS)) });
    }
    for (const [name, operation] of Object.entries(operations)) callsOf.set(name, await countCalls(operation));
  });
  after(async function stop() {
    this.timeout(180_000);
    await archiveFlags('fault');
    for (const { proxy } of lanes) proxy.close();
    console.log(`      ${spoilt} changes, ${[...callsOf].map(([name, calls]) => `${name}: ${calls} calls`).join(', ')}`);
  });

  async function countCalls(operation: Operation): Promise<number> {
    const { proxy } = lanes[0]!;
    const runner = await runnerOf(clientOf(proxy.url, unleash.tokens.eddy));
    const flag = await operation.make();
    proxy.arm();
    const outcome = await attempt(runner, flag, operation);
    assert.ok(!(outcome instanceof AppError) && outcome.kind === 'done');
    assert.equal(await share(flag), operation.after);
    return proxy.calls.length;
  }

  async function share(flag: string): Promise<number> {
    const { enabled, strategies } = (await unleash.as.alice.flag(flag))!.environments.find(({ name }) => name === production)!;
    if (!enabled) return 0;
    return strategies.length === 0 ? 100 : Math.max(...strategies.map(({ parameters }) => Number(parameters['rollout'])));
  }

  async function attempt(runner: ChangeRunner, flag: string, { plan }: Operation): Promise<ChangeOutcome | AppError> {
    try {
      return await runner.apply(plan(await runner.read('default', flag)));
    } catch (error) {
      return toAppError(error);
    }
  }

  /** What the person is told agrees with what holds, and exposure is nowhere above the larger of before and after. */
  async function check(flag: string, { before, after }: Operation, outcome: ChangeOutcome | AppError): Promise<void> {
    const actual = await share(flag);
    assert.ok(actual <= Math.max(before, after), `exposure ${actual}`);
    if (outcome instanceof AppError) {
      assert.equal(actual, before, `"${outcome.message}" was said, but ${actual} % holds`);
      assert.ok(outcome.message.length > 10 && outcome.code !== 'cancelled');
      return;
    }
    const environment = outcome.environments[0]!;
    const said = environment.now === 'off' ? 0 : Number.parseInt(environment.now ?? 'NaN', 10);
    const isOpen = outcome.error?.data['reason'] === 'unknown';
    assert.ok(environment.now === undefined || said === actual || isOpen, `${environment.now ?? ''} was said, but ${actual} % holds`);
    if (isOpen) assert.match(outcome.error.message, /may still take effect/);
    if (outcome.kind === 'stopped') assert.ok(outcome.error !== undefined);
    else assert.equal(actual, after, `${outcome.kind} was said`);
    assert.deepEqual(outcome.foreign.map(({ id, type }) => `${id} ${type}`), [], 'nobody else was there');
  }

  /** The way to the same target from wherever the fault left it. */
  function planOrTarget(reading: FlagReading, { after }: Operation): ChangePlan {
    return after === 0 ? planSwitchOff('kill', reading, [production]) : planSetRollout(reading, production, after);
  }

  it('really are refused connections where they say so', async () => {
    const { proxy } = lanes[0]!;
    proxy.arm(0, faults['connection refused']);
    const refused = proxy.fetch(`${proxy.url}/health`, {});
    await assert.rejects(refused, ({ cause }: Error) => (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED');
    assert.equal((await proxy.fetch(`${proxy.url}/health`, {})).status, 200);
    assert.equal(proxy.calls.length, 1);
  });

  it('meets seven to twelve calls in each operation', () => {
    for (const [name, calls] of callsOf) assert.ok(calls >= 7 && calls <= 12, `${name} made ${calls} calls`);
  });

  for (const [fault, handling] of Object.entries(faults)) {
    it(`${fault}: at every call of every change`, async function everyCall() {
      this.timeout(240_000);
      const cases = Object.entries(operations).flatMap(([name, operation]) =>
        Array.from({ length: callsOf.get(name)! }, (_, at) => ({ name, operation, at })));
      await inLanes(lanes, cases, ({ name, at }) => `${name}, call ${at}`, async ({ proxy, runner }, { operation, at }) => {
        const flag = await operation.make();
        proxy.arm(at, handling);
        const outcome = await attempt(runner, flag, operation);
        spoilt += 1;
        await proxy.settled();
        proxy.arm();
        await check(flag, operation, outcome);
        const again = await direct.apply(planOrTarget(await direct.read('default', flag), operation));
        assert.ok(again.kind === 'done' || again.kind === 'unchanged', `the next run ended with ${again.error?.message ?? again.kind}`);
        assert.equal(await share(flag), operation.after);
      });
    });
  }
});
