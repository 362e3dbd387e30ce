import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from '../../sandbox/world.ts';
import { modelFlag } from '../../sandbox/unleash/flags.ts';
import { AdminClient } from '../../sandbox/unleash/admin.ts';
import { openRegistry } from '../../src/adapters/registries.ts';
import { planStart } from '../../src/core/flags/startRollout.ts';
import { pin } from '../../src/core/flags/titles.ts';
import { eventually } from './eventually.ts';
import { clientOf, runnerOf } from './unleashClient.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const HEALTHY = { errors: { current: 0.02, candidate: 0.02 } };
const DEGRADED = { errors: { current: 0.02, candidate: 0.04 } };
/** Answers between two looks at what holds. */
const STEP = 600;
/** Generous: each ends when its state is there. */
const WITHIN_MS = 120_000;

const RELEASE = `    guard: {blind_after: 15s}
    plan:
      - {environment: development, percent: 100, gates: [suites]}
      - {environment: production, segment: internal, percent: 100, gates: [], auto: true}
      - {environment: production, percent: 5, gates: [], hold: 2s, auto: true}
      - {environment: production, percent: 25, gates: [statistics], hold: 2s, min_predictions: 500, auto: true}
      - {environment: production, percent: 100}
    quality:
      source: {log: logs/predictions-*.jsonl}
      window: 1s
      guardrails: [{name: errors, bad: error, max_ratio: 1.2, min_rate: 0.001}]
`;

/**
 * Whole releases on the sandbox: a real Unleash, the FastAPI service with the Python SDK, models from MLflow, the prediction log, and `modelswitch guard --watch` as a process.
 * One story after the other, on the same flag. Holds are short and applicants come as fast as the service answers them; states are asserted, times are not.
 */
export function releaseStories(world: () => World): void {
  let guard: ChildProcess;
  let said = '';
  let original = '';
  const file = (): string => join(world().workspace, 'modelswitch.yaml');
  const alice = (): AdminClient => new AdminClient(world().unleash.url, world().tokens.alice);
  const env = (): NodeJS.ProcessEnv => ({ ...process.env, UNLEASH_URL: world().unleash.url, UNLEASH_TOKEN: world().tokens.eddy, MLFLOW_TRACKING_URI: world().mlflow.url });

  async function cli(...args: string[]): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, ['--no-warnings', main, ...args], { cwd: world().workspace, env: env(), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = await once(child, 'close') as [number | null];
    return { code, output };
  }

  /** What production's strategies give: everyone's share and that of the internal segment; 0 where it is off. */
  async function production(): Promise<{ everyone: number; internal: number }> {
    const { enabled, strategies } = (await alice().flag(modelFlag))!.environments.find(({ name }) => name === 'production')!;
    const of = (isInternal: boolean): number => (enabled ? Number(strategies.find(({ segments }) => (segments.length > 0) === isInternal)?.parameters['rollout'] ?? 0) : 0);
    return { everyone: of(false), internal: of(true) };
  }

  /** Lets applicants come until it is so; gives how many there were. */
  async function trafficUntil(isSo: () => boolean | Promise<boolean>, step = STEP): Promise<number> {
    let answered = 0;
    try {
      await eventually(async () => {
        if (await isSo()) return true;
        await world().answers(step);
        answered += step;
        return isSo();
      }, WITHIN_MS);
    } catch (error) {
      throw new Error(`after ${answered} answers the guard had said: ${said.slice(-2000)}`, { cause: error });
    }
    return answered;
  }

  const heard = (pattern: RegExp): boolean => pattern.test(said);
  const forget = (): void => { said = ''; };
  /** The share as the service has it, of those who are drawn by the percentage. */
  const served = (share: number, since: number): boolean => {
    const { users, share: found } = world().exposure('customers', since);
    return users >= 200 && found === share;
  };

  async function again(): Promise<void> {
    const { code, output } = await cli('rearm', '--reason', 'mended');
    assert.equal(code, 0, output);
    const advanced = await cli('advance', '--from', '1');
    assert.equal(advanced.code, 0, advanced.output);
    assert.equal((await production()).internal, 100);
  }

  /** The guard goes on by itself. It says so after its change: who has seen the change may not have heard of it yet. */
  async function isAt25(): Promise<void> {
    await trafficUntil(() => heard(/advanced: production: [^\n]*5 %[^]*advanced: production: [^\n]*25 %/), 200);
    assert.equal((await production()).everyone, 25);
  }

  async function isTakenBack(because: RegExp): Promise<void> {
    assert.match(said, because);
    assert.deepEqual(await production(), { everyone: 0, internal: 0 });
    world().setFaults(HEALTHY);
    let since = Date.now();
    // What SDKs know of a change comes with their next poll.
    await eventually(async () => {
      if (served(0, since)) return true;
      since = Date.now();
      await world().answers(300);
      return served(0, since);
    }, WITHIN_MS);
    const latched = await cli('release');
    assert.match(latched.output, /the guard took production back/);
    assert.equal((await cli('advance')).code, 6, 'nothing is raised before somebody re-arms');
  }

  before(async function start() {
    this.timeout(120_000);
    original = readFileSync(file(), 'utf8');
    const kept = original.slice(0, original.indexOf('    quality:'));
    writeFileSync(file(), `${kept}    suites: [suites/*.mltest.yaml]\n${RELEASE}`);
    const everyone = (await alice().flag(modelFlag))!.environments.find(({ name }) => name === 'production')!.strategies.find(({ segments }) => segments.length === 0)!;
    await alice().setRollout(modelFlag, 'production', everyone.id, 25, 'Modelswitch · 25 %');
    guard = spawn(process.execPath, ['--no-warnings', main, 'guard', '--watch', '--every', '1s'], { cwd: world().workspace, env: env(), stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [guard.stdout!, guard.stderr!]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  });
  after(async () => {
    const ended = once(guard, 'close');
    guard.kill('SIGTERM');
    await ended;
    world().setFaults({});
    writeFileSync(file(), original);
  });

  it('a candidate that falls silent is taken back, and the service sends nobody to it any more', async function silent() {
    this.timeout(3 * WITHIN_MS);
    world().setFaults({ ...HEALTHY, silence: ['candidate'] });
    await trafficUntil(() => heard(/: rolled back: /));
    await isTakenBack(/: rolled back: missing answers /);
  });

  it('one that degrades from 2 to 4 % at 25 % is taken back, and the evidence stands at its version in MLflow', async function degrading() {
    this.timeout(3 * WITHIN_MS);
    const runner = await runnerOf(clientOf(world().unleash.url, world().tokens.eddy));
    const pinned = await runner.apply(planStart(await runner.read('default', modelFlag), { environments: ['production'], pin: pin('credit-risk', '14', '13') }));
    assert.equal(pinned.error, undefined);
    forget();
    await again();
    await isAt25();
    world().setFaults(DEGRADED);
    const answers = await trafficUntil(() => heard(/: rolled back: /));
    await isTakenBack(/: rolled back: errors [\d.]+ % vs [\d.]+ % [^\n]*ratio/);
    const { tags } = await openRegistry({ kind: 'mlflow', location: world().mlflow.url }, { folder: world().workspace, credentialsFor: () => undefined, fetch }).readVersion('credit-risk', '14');
    const evidence = JSON.parse(tags[`modelswitch.guard.${modelFlag}.production`] ?? 'null') as { outcome: string; reasons: string[] } | null;
    assert.equal(evidence?.outcome, 'rolled back');
    assert.match(evidence.reasons[0] ?? '', /^errors /);
    console.log(`      ${answers} answers from the degradation to the rollback`);
  });

  it('while its source is dead it holds and alarms, and goes on when the source is back; a good one goes out to everybody', async function good() {
    this.timeout(3 * WITHIN_MS);
    forget();
    await again();
    await isAt25();
    forget();
    world().setFaults({ silence: ['current', 'candidate'] });
    await eventually(() => heard(/: alarm: the newest prediction of production was logged [^\n]*Unleash counts/), WITHIN_MS);
    assert.deepEqual(await production(), { everyone: 25, internal: 100 });
    world().setFaults(HEALTHY);
    const answers = await trafficUntil(() => heard(/advanced: production: 25 %[^\n]* -> 100 %/));
    assert.equal((await production()).everyone, 100);
    let since = Date.now();
    await eventually(async () => {
      since = Date.now();
      await world().answers(300);
      return served(1, since);
    }, WITHIN_MS);
    const shown = await cli('release');
    assert.match(shown.output, /v14 over v13: stage 5 of 5 in production/);
    console.log(`      ${answers} answers from the return of the source to 100 %`);
  });
}
