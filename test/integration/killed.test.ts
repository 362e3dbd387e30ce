import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reached } from '../../src/core/flags/changePlan.ts';
import type { FlagEnvironment } from '../../src/core/flags/model.ts';
import { planPromote, planRollback, planSetRollout, planSwitchOff, segmentMap, type FlagReading } from '../../src/core/flags/planner.ts';
import type { ChangePlan } from '../../src/core/flags/changePlan.ts';
import type { ChangeRunner } from '../../src/core/flags/changeRunner.ts';
import { describeEnvironment, exposureWithin } from '../../src/core/flags/rollout.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { FaultProxy, killing } from '../support/faultProxy.ts';
import { inLanes } from '../support/lanes.ts';
import { archiveFlags, freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf, runnerOf } from '../support/unleashClient.ts';

const LANES = 3;
const program = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'modelswitch.cjs');
const production = 'production';
const title = 'Modelswitch · made before';

interface Command {
  readonly args: readonly string[];
  readonly make: () => Promise<string>;
  /** What the command computes from a reading. */
  readonly plan: (reading: FlagReading) => ChangePlan;
  /** Whether a second run after a complete first one goes on from there, as a second promotion does. */
  readonly goesOn: boolean;
}

interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly said: string;
}

/** The command line, killed at every call that it makes: before the server has the call, and after it applied it. */
describe('a killed process', () => {
  let unleash: SharedUnleash;
  let direct: ChangeRunner;
  let dir: string;
  const proxies: FaultProxy[] = [];
  let kills = 0;

  before(async function start() {
    this.timeout(180_000);
    assert.ok(existsSync(program), `${program} is missing: run esbuild.js first, as npm test does.`);
    unleash = await sharedUnleash();
    direct = await runnerOf(clientOf(unleash.url, unleash.tokens.eddy));
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-killed-'));
    for (let lane = 0; lane < LANES; lane += 1) proxies.push(await FaultProxy.start(unleash.url));
  });
  after(async function stop() {
    this.timeout(180_000);
    await archiveFlags('killed');
    for (const proxy of proxies) proxy.close();
    rmSync(dir, { recursive: true, force: true });
    console.log(`      ${kills} processes killed`);
  });

  const at50 = async (): Promise<string> => {
    const { name, strategies } = await freshFlag({ prefix: 'killed' });
    await unleash.as.eddy.setRollout(name, production, strategies.production[0]!, 50, title);
    return name;
  };
  const environments = ['development', production];
  const commands: Readonly<Record<string, Command>> = {
    promote: { args: ['promote'], make: at50, plan: (reading) => planPromote(reading, production), goesOn: true },
    'promote, the first time': {
      args: ['promote'],
      make: async () => (await freshFlag({ prefix: 'killed', environments: {} })).name,
      plan: (reading) => planPromote(reading, production), goesOn: true,
    },
    'rollout up': { args: ['rollout', '--percent', '80'], make: at50, plan: (reading) => planSetRollout(reading, production, 80), goesOn: false },
    'rollout down': { args: ['rollout', '--percent', '10'], make: at50, plan: (reading) => planSetRollout(reading, production, 10), goesOn: false },
    'rollout of an environment that is off at 100 %': {
      args: ['rollout', '--percent', '30'],
      make: async () => (await freshFlag({ prefix: 'killed', environments: { production: { strategies: (flag) => [gradual(flag, 100, { title })], on: false } } })).name,
      plan: (reading) => planSetRollout(reading, production, 30), goesOn: false,
    },
    rollback: { args: ['rollback'], make: at50, plan: (reading) => planRollback(reading, production), goesOn: true },
    'rollback by several edits': { args: ['rollback'], make: severalEditsAbove25, plan: (reading) => planRollback(reading, production), goesOn: true },
    kill: { args: ['kill'], make: at50, plan: (reading) => planSwitchOff('kill', reading, [production]), goesOn: false },
    'kill everywhere': {
      args: ['kill', '--all-environments'],
      make: async () => (await freshFlag({ prefix: 'killed', environments: { development: { strategies: (flag) => [gradual(flag, 100)] }, production: { strategies: (flag) => [gradual(flag, 25)] } } })).name,
      plan: (reading) => planSwitchOff('kill', reading, environments), goesOn: false,
    },
  };

  /** From 25 % by way of 60 % to 50 % with a segment: the nearest state that exposes less is two edits away. */
  async function severalEditsAbove25(): Promise<string> {
    const { name, strategies } = await freshFlag({ prefix: 'killed', environments: { production: { strategies: (flag) => [gradual(flag, 25, { title })] } } });
    const { eddy } = unleash.as;
    await eddy.setRollout(name, production, strategies.production[0]!, 60, title);
    await eddy.addStrategy(name, production, gradual(name, 100, { title, segments: [unleash.seeded.internalSegment] }));
    await eddy.setRollout(name, production, strategies.production[0]!, 50, title);
    return name;
  }

  const commandLine = (command: Command, flag: string): string[] =>
    [...command.args, '--flag', flag, ...command.args.includes('--all-environments') ? [] : ['--environment', production]];

  /** Runs the program; `begun` gets its process. */
  function run(args: readonly string[], url: string, begun: (pid: number) => void = () => undefined): Promise<Ended> {
    const env = { ...process.env, UNLEASH_URL: url, UNLEASH_TOKEN: unleash.tokens.eddy, NODE_COMPILE_CACHE: join(dir, 'cache') };
    const child = spawn(process.execPath, [program, ...args], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid !== undefined) begun(child.pid);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal, said }));
    });
  }

  /** Each environment as everybody's SDK would be told now. */
  async function look(flag: string): Promise<{ reading: FlagReading; of: (environment: string) => FlagEnvironment }> {
    const reading = await direct.read('default', flag);
    return { reading, of: (environment) => reading.detail.flag.environments.find(({ name }) => name === environment)! };
  }

  async function killAt(proxy: FaultProxy, command: Command, flag: string, at: number, applied: boolean): Promise<Ended> {
    let pid = 0;
    const kill = (): void => {
      process.kill(pid, 'SIGKILL');
      kills += 1;
    };
    proxy.arm(at, killing(kill, applied));
    const ended = await run(commandLine(command, flag), proxy.url, (started) => (pid = started));
    await proxy.settled();
    return ended;
  }

  for (const [name, command] of Object.entries(commands)) {
    it(`${name}, killed at every call`, async function everyCall() {
      this.timeout(180_000);
      const [proxy] = proxies;
      const whole = await command.make();
      proxy!.arm();
      const undisturbed = await run(commandLine(command, whole), proxy!.url);
      assert.equal(undisturbed.code, 0, undisturbed.said);
      assert.ok(proxy!.calls.length >= 8 && proxy!.calls.length <= 16, proxy!.calls.join('\n'));

      // A read that the server has answered leaves no more than one that never came.
      const cases = proxy!.calls.flatMap((call, at) => (call.startsWith('GET') ? [false] : [false, true]).map((applied) => ({ at, applied })));
      await inLanes(proxies, cases, ({ at, applied }) => `call ${at}, ${applied ? 'applied' : 'not sent'}`, async (lane, { at, applied }) => {
        const flag = await command.make();
        const before = await look(flag);
        const plan = command.plan(before.reading);
        const killed = await killAt(lane, command, flag, at, applied);
        assert.deepEqual([killed.signal, killed.said], ['SIGKILL', ''], killed.said);

        const left = await look(flag);
        for (const change of plan.environments) {
          const now = left.of(change.environment);
          assert.ok(exposureWithin(now, [change.before, change.after], segmentMap(left.reading.segments)), `${change.from} -> ${change.to} was left at ${words(now, left.reading)}`);
        }
        await again(command, flag, plan, left);
      });
    });
  }

  const words = (environment: FlagEnvironment, reading: FlagReading): string => describeEnvironment(environment, segmentMap(reading.segments));

  /** The same command once more completes what the killed one began, or goes on from where that had come to an end; it says what holds. */
  async function again(command: Command, flag: string, plan: ChangePlan, left: Awaited<ReturnType<typeof look>>): Promise<void> {
    const complete = plan.environments.every((change) => change.steps.length === 0 || reached(left.of(change.environment), change.after));
    const next = await run(commandLine(command, flag), unleash.url);
    const after = await look(flag);
    assert.doesNotMatch(next.said, /meanwhile changed/);
    if (next.code !== 0) {
      assert.match(next.said, /^modelswitch: .{20,}\.\n$/s);
      assert.ok(complete && command.goesOn, `the next run could not go on: ${next.said}`);
      return;
    }
    const goal = complete && command.goesOn ? command.plan(left.reading) : plan;
    for (const change of goal.environments) {
      const now = after.of(change.environment);
      assert.ok(reached(now, change.after) || (change.after.enabled === now.enabled && !now.enabled), `the next run left ${words(now, after.reading)} instead of ${change.to}`);
      assert.ok(next.said.includes(`${flag} ${change.environment}: ${words(now, after.reading)} (`), next.said);
    }
  }
});
