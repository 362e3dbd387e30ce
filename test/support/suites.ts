/** Runs the test suites that `test/run.ts` knows, each to a `TestResults`. */
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../sandbox/processes.ts';
import { readHostSuites, runHostSuite } from './host.ts';
import { runScript, sharedMlflow, stopSharedMlflow } from './mlflow.ts';
import type { TestResults } from './mochaJson.ts';
import { sharedUnleash, stopSharedUnleash } from './unleash.ts';

const root = join(import.meta.dirname, '..', '..');

export type SuiteName = 'unit' | 'integration' | 'host' | 'ui';

/** In the order in which they run. `timeoutMs` is for one test, `lanes` how many processes share the files: servers leave a core idle. */
export const suites: Readonly<Record<SuiteName, { readonly files: string; readonly timeoutMs: number; readonly lanes?: number }>> = {
  unit: { files: 'test/unit/**/*.test.ts', timeoutMs: 30_000, lanes: 2 },
  integration: { files: 'test/integration/**/*.test.ts', timeoutMs: 60_000, lanes: 2 },
  // Timeouts of these stand in .vscode-test.mjs.
  host: { files: 'test/host/**/*.test.ts', timeoutMs: 0 },
  ui: { files: 'test/ui/**/*.test.ts', timeoutMs: 180_000 },
};

export interface SuiteOutcome {
  readonly name: string;
  readonly results: TestResults;
  /** Why the suite as a whole failed, beside its tests. */
  readonly problem?: string;
}

export const nothing: TestResults = { passed: [], failed: [], skipped: [], durationMs: 0, files: {} };

/** How long mocha's process may go on after its last test: a socket or a process that a test left open keeps it alive. */
const lingerMs = 30_000;

/** There and back again, 0 1 1 0: of neighbours by name, which are often about one thing, the second is the longer one more often than not. */
function laneOf(index: number, lanes: number): number {
  const place = index % (2 * lanes);
  return place < lanes ? place : 2 * lanes - 1 - place;
}

/** Runs a suite in its lanes side by side. What the first prints is seen at once, what the others print after it. */
async function runMocha(name: SuiteName, env: NodeJS.ProcessEnv): Promise<SuiteOutcome> {
  const { files, lanes = 1 } = suites[name];
  const all = globSync(files, { cwd: root }).sort();
  const shares = Array.from({ length: lanes }, (_, lane) => all.filter((_file, index) => laneOf(index, lanes) === lane)).filter((share) => share.length > 0);
  await mkdir(join(root, 'test-results'), { recursive: true });
  const outcomes = await Promise.all(shares.map((share, lane) => runLane(name, lane, share, env)));
  for (let lane = 1; lane < shares.length; lane += 1) console.log(await readFile(logOf(name, lane), 'utf8'));
  const problems = outcomes.flatMap(({ problem }) => problem ?? []);
  const results: TestResults = {
    passed: outcomes.flatMap(({ results: { passed } }) => passed),
    failed: outcomes.flatMap(({ results: { failed } }) => failed),
    skipped: outcomes.flatMap(({ results: { skipped } }) => skipped),
    durationMs: Math.max(...outcomes.map(({ results: { durationMs } }) => durationMs)),
    files: Object.assign({}, ...outcomes.map(({ results: { files: ofLane } }) => ofLane)) as TestResults['files'],
  };
  return { name, results, ...(problems.length === 0 ? {} : { problem: problems.join(' ') }) };
}

const logOf = (name: SuiteName, lane: number): string => join(root, 'test-results', `${name}-${lane + 1}.log`);

async function runLane(name: SuiteName, lane: number, files: readonly string[], env: NodeJS.ProcessEnv): Promise<SuiteOutcome> {
  const output = join(root, 'test-results', `${name}-${lane + 1}.json`);
  await rm(output, { force: true });
  const args = ['node_modules/mocha/bin/mocha.js', '--forbid-only', '--timeout', String(suites[name].timeoutMs), '--reporter', './test/support/mochaJson.ts', '--reporter-option', `output=${output}`, ...files];
  const log = lane === 0 ? undefined : await open(logOf(name, lane), 'w');
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', log?.fd ?? 'inherit', log?.fd ?? 'inherit'] });
  // An interrupted mocha still runs its hooks, which end what the tests started.
  const interrupt = (): void => void child.kill('SIGINT');
  process.once('SIGTERM', interrupt);
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const killLingering = async (): Promise<boolean> => {
    while (running() && !existsSync(output)) await delay(500);
    await Promise.race([exit, delay(lingerMs, undefined, { ref: false })]);
    return running() && child.kill('SIGKILL');
  };
  const [code, lingered] = await Promise.all([exit, killLingering()]);
  process.removeListener('SIGTERM', interrupt);
  await log?.close();
  if (!existsSync(output)) return { name, results: nothing, problem: `mocha ended with ${code === null ? 'a signal' : `code ${code}`} before it had results.` };
  const results = JSON.parse(await readFile(output, 'utf8')) as TestResults;
  if (lingered) return { name, results, problem: `mocha was still running ${lingerMs / 1000} s after the last test: a test leaves something open.` };
  if (code !== 0 && results.failed.length === 0) return { name, results, problem: `no test failed, but mocha ended with ${code === null ? 'a signal' : `code ${code}`}.` };
  return { name, results };
}

async function runHost(): Promise<SuiteOutcome[]> {
  const outcomes: SuiteOutcome[] = [];
  try {
    const [{ url, tokens, seeded }, mlflow] = await Promise.all([sharedUnleash(), sharedMlflow()]);
    await runScript('seed.py', mlflow.url);
    const models = { MODELSWITCH_TEST_MLFLOW: mlflow.url, MODELSWITCH_TEST_MLFLOW_DB: mlflow.database };
    for (const suite of await readHostSuites()) {
      const name = `host, ${suite.label}`;
      console.log(`\n  ${name}`);
      try {
        outcomes.push({ name, results: await runHostSuite({ ...suite, env: { ...suite.env, ...models, UNLEASH_URL: url, UNLEASH_TOKEN: tokens.alice, UNLEASH_FRONTEND_TOKEN: seeded.tokens.productionFrontend } }, (line) => console.log(line)) });
      } catch (error) {
        outcomes.push({ name, results: nothing, problem: messageOf(error) });
      }
    }
  } finally {
    await Promise.all([stopSharedUnleash(), stopSharedMlflow()]);
  }
  return outcomes;
}

/** Runs a suite; the host suite gives one outcome per entry of `.vscode-test.mjs`. A suite without files gives none. */
export async function runSuite(name: SuiteName, env: NodeJS.ProcessEnv): Promise<SuiteOutcome[]> {
  if (globSync(suites[name].files, { cwd: root }).length === 0) {
    console.log(`No file matches ${suites[name].files}.`);
    return [];
  }
  let outcomes: SuiteOutcome[];
  try {
    outcomes = name === 'host' ? await runHost() : [await runMocha(name, env)];
  } catch (error) {
    return [{ name, results: nothing, problem: messageOf(error) }];
  }
  return outcomes.map((outcome) => {
    const { passed, failed, skipped } = outcome.results;
    const empty = passed.length + failed.length + skipped.length === 0;
    return empty && outcome.problem === undefined ? { ...outcome, problem: 'its files hold no test.' } : outcome;
  });
}
