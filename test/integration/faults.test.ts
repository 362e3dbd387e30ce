import assert from 'node:assert/strict';
import { AppError, toAppError } from '../../src/core/base/errors.ts';
import type { ChangePlan } from '../../src/core/flags/changePlan.ts';
import type { ChangeOutcome, ChangeRunner } from '../../src/core/flags/changeRunner.ts';
import { planPromote, planRollback, planSetRollout, planSwitchOff, type FlagReading } from '../../src/core/flags/planner.ts';
import { FlagStore } from '../../src/core/flags/store.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { faults, FaultProxy } from '../support/faultProxy.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

const TIMEOUT_MS = 150;

interface Operation {
  readonly plan: (reading: FlagReading) => ChangePlan;
  /** The everyone-share before and after; 0 is off. */
  readonly before: number;
  readonly after: number;
}

const production = 'production';
const operations: Readonly<Record<string, Operation>> = {
  promote: { plan: (reading) => planPromote(reading, production), before: 50, after: 100 },
  'set up': { plan: (reading) => planSetRollout(reading, production, 80), before: 50, after: 80 },
  'set down': { plan: (reading) => planSetRollout(reading, production, 10), before: 50, after: 10 },
  'roll back': { plan: (reading) => planRollback(reading, production), before: 50, after: 25 },
  kill: { plan: (reading) => planSwitchOff('kill', reading, [production]), before: 50, after: 0 },
};

/** Each fault at each call of each operation, on a real server behind a proxy. */
describe('faults', () => {
  let unleash: SharedUnleash;
  let proxy: FaultProxy;
  let runner: ChangeRunner;
  let flag: string;
  let strategy: string;

  before(async function start() {
    this.timeout(60_000);
    unleash = await sharedUnleash();
    proxy = await FaultProxy.start(unleash.url);
    runner = await runnerOf(clientOf(proxy.url, unleash.tokens.eddy, undefined, TIMEOUT_MS));
  });
  after(() => proxy.close());

  async function share(): Promise<number> {
    const { enabled, strategies } = (await unleash.as.alice.flag(flag))!.environments.find(({ name }) => name === production)!;
    return enabled ? Math.max(...strategies.map(({ parameters }) => Number(parameters['rollout']))) : 0;
  }

  /** On at 50 %, and at 25 % before that. */
  async function reset(): Promise<void> {
    for (const percent of [25, 50]) await unleash.as.eddy.setRollout(flag, production, strategy, percent, 'Modelswitch · test');
    await unleash.as.eddy.switchEnvironment(flag, production, 'on');
  }

  async function attempt({ plan }: Operation): Promise<ChangeOutcome | AppError> {
    try {
      return await runner.apply(plan(await runner.read('default', flag)));
    } catch (error) {
      return toAppError(error);
    }
  }

  /** What the person is told agrees with what holds, and exposure is nowhere above the larger of before and after. */
  async function check({ before, after }: Operation, outcome: ChangeOutcome | AppError): Promise<void> {
    const actual = await share();
    assert.ok(actual <= Math.max(before, after), `exposure ${actual}`);
    if (outcome instanceof AppError) {
      assert.equal(actual, before, `"${outcome.message}" was said, but ${actual} % holds`);
      assert.ok(outcome.message.length > 10 && outcome.code !== 'cancelled');
      return;
    }
    const [environment] = outcome.environments;
    const said = environment?.now === 'off' ? 0 : Number.parseInt(environment?.now ?? 'NaN', 10);
    assert.ok(environment?.now === undefined || said === actual, `${environment?.now ?? ''} was said, but ${actual} % holds`);
    if (outcome.kind === 'stopped') assert.ok(outcome.error !== undefined);
    else assert.equal(actual, after, `${outcome.kind} was said`);
  }

  for (const [name, operation] of Object.entries(operations)) {
    describe(name, () => {
      let calls: number;

      before(async () => {
        const made = await freshFlag({ prefix: 'fault' });
        flag = made.name;
        strategy = made.strategies.production[0]!;
        await reset();
        proxy.arm();
        const outcome = await attempt(operation);
        assert.ok(!(outcome instanceof AppError) && outcome.kind === 'done');
        calls = proxy.calls.length;
        assert.ok(calls >= 7 && calls <= 10, proxy.calls.join('\n'));
      });

      for (const [fault, spoil] of Object.entries(faults)) {
        it(`with ${fault}, at every call`, async function everyCall() {
          this.timeout(120_000);
          for (let at = 0; at < calls; at += 1) {
            await reset();
            proxy.arm(at, spoil);
            const outcome = await attempt(operation);
            const spoilt = proxy.calls[at] ?? '';
            proxy.arm();
            await check(operation, outcome).catch((error: unknown) => assert.fail(`call ${at} (${spoilt}): ${error instanceof Error ? error.message : String(error)}`));
            const again = await runner.apply(planOrTarget(await runner.read('default', flag), operation));
            assert.ok(again.kind === 'done' || again.kind === 'unchanged', `the next run after call ${at} (${spoilt}) ended with ${again.error?.message ?? again.kind}`);
            assert.equal(await share(), operation.after);
          }
        });
      }
    });
  }

  /** The way to the same target from wherever the fault left it. */
  function planOrTarget(reading: FlagReading, { after }: Operation): ChangePlan {
    return after === 0 ? planSwitchOff('kill', reading, [production]) : planSetRollout(reading, production, after);
  }

  describe('reading', () => {
    for (const [fault, spoil] of Object.entries(faults)) {
      it(`the list, with ${fault}, at every call: never empty instead of failed`, async function everyCall() {
        this.timeout(60_000);
        for (let at = 0; at < 6; at += 1) {
          const store = new FlagStore({
            reader: clientOf(proxy.url, unleash.tokens.vera, undefined, TIMEOUT_MS), project: 'default', clock: { now: () => Date.now(), after: () => ({ dispose: () => undefined }) }, pollEveryMs: () => 1000,
          });
          proxy.arm(at, spoil);
          await store.refresh();
          const loaded = store.snapshot !== undefined && store.snapshot.flags.size > 5;
          assert.ok(loaded ? store.status === 'ready' : store.status === 'failed' && store.error !== undefined && store.snapshot === undefined, `call ${at}: ${store.status}`);
          proxy.arm();
          await store.refresh();
          assert.ok(store.status === 'ready' && (store.snapshot?.flags.size ?? 0) > 5, `the next refresh after call ${at}`);
          proxy.arm(0, spoil);
          await store.refresh();
          assert.ok((store.snapshot?.flags.size ?? 0) > 5, 'a failed refresh keeps what was known');
          store.dispose();
        }
      });
    }
  });
});
