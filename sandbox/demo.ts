/**
 * The demo: `npm run demo -- [--no-editor] [--seconds N] [--dir FOLDER] [faults]` (default folder: .sandbox; faults: faults.ts). Builds the extension, starts the sandbox's world and opens the editor on its workspace;
 * Ctrl-C, SIGTERM, the end of the editor or the end of N seconds end everything.
 */
import { createWriteStream, mkdirSync } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { FAULT_OPTIONS, FAULT_USAGE, readFaults } from './faults.ts';
import type { Faults } from './faults.ts';
import { openEditor } from './editor/open.ts';
import type { OpenedEditor } from './editor/open.ts';
import { SandboxError, endRuns, messageOf, run } from './processes.ts';
import { startWorld, worldSteps } from './world.ts';
import type { Step, World } from './world.ts';

interface Options { editor: boolean; seconds: number | undefined; dir: string; faults: Faults }

const root = join(import.meta.dirname, '..');
const statusIntervalMs = 5_000;
const usage = `Usage: npm run demo -- [--no-editor] [--seconds N] [--dir FOLDER] ${FAULT_USAGE}`;

function readOptions(): Options {
  let values: { 'no-editor'?: boolean | undefined; seconds?: string | undefined; dir?: string | undefined } & Parameters<typeof readFaults>[0];
  try {
    ({ values } = parseArgs({ options: { 'no-editor': { type: 'boolean' }, seconds: { type: 'string' }, dir: { type: 'string' }, ...FAULT_OPTIONS } }));
  } catch (error) {
    throw new SandboxError(`${messageOf(error)}\n${usage}`);
  }
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (seconds !== undefined && !(seconds > 0 && seconds <= 86_400)) throw new SandboxError(`--seconds takes a number from 1 to 86400, not "${values.seconds ?? ''}".\n${usage}`);
  return { editor: values['no-editor'] !== true, seconds, dir: values.dir === undefined ? join(root, '.sandbox') : resolve(values.dir), faults: readFaults(values) };
}

/** Numbers the steps: `[3/8] Starting Unleash ... http://127.0.0.1:4242`. */
function numbered(total: number, log: WriteStream): Step {
  let number = 0;
  return async (title, work, outcome) => {
    number += 1;
    process.stdout.write(`[${number}/${total}] ${title} ... `);
    try {
      const result = await work();
      const line = outcome(result);
      process.stdout.write(`${line}\n`);
      log.write(`demo | ${title} ... ${line}\n`);
      return result;
    } catch (error) {
      process.stdout.write('failed\n');
      throw error;
    }
  };
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') || isAbsolute(short) ? path : short;
}

function explain(world: World, logFile: string, editor: string | undefined): string {
  return `
Everything runs.

  Unleash         ${world.unleash.url}   log in as alice (admin), eddy (editor) or vera (viewer)
  Secrets         ${shown(world.stateFile)}: their passwords and tokens; only you can read it
  MLflow          ${world.mlflow.url}: the runs and versions of credit-risk
  Service         ${world.service.url}/docs, metrics at ${world.service.url}/metrics
  Workspace       ${shown(world.workspace)}
  Predictions     ${shown(join(world.predictionLog, 'predictions-*.jsonl'))}
  Log             ${shown(logFile)}
  Editor          ${editor ?? `not opened; another editor connects with UNLEASH_URL=${world.unleash.url} and UNLEASH_TOKEN set to eddy's token`}

What to look at
  1. Open app/scoring.py: the lens above is_enabled shows how much traffic the candidate gets.
  2. Click Promote on it and confirm: within seconds the share below follows.
  3. Click Roll back: the environment is as it was before.
  4. The flags are in the tree behind the Modelswitch icon, their history in Unleash's event log.
  5. The view Releases below them: credit-risk v14 at stage 4 of 7, its evidence, Advance when the verdict says so, and the guard.
  6. Quality, below the flag in the tree: each metric with its verdict; choose the line for the dashboard.

Ctrl-C ends everything.
`;
}

function status(world: World): string {
  const since = Date.now() - 2 * statusIntervalMs;
  const [customers, internals] = [world.exposure('customers', since), world.exposure('internals', since)];
  const { sent, failed, lastFailure } = world.traffic.stats();
  const percent = (share: number): string => Number.isNaN(share) ? '-' : `${(share * 100).toFixed(1)} %`;
  return `candidate: ${percent(customers.share)} of ${customers.users} customers, ${percent(internals.share)} of ${internals.users} internals; ${sent} requests, ${failed} failed${lastFailure === undefined ? '' : ` (${lastFailure})`}`;
}

/** Shows the live share until `end`: one line rewritten in a terminal, else one line a minute. */
async function watch(world: World, end: Promise<string>): Promise<string> {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${status(world)}`);
    else if (ticks % 12 === 1) process.stdout.write(`${status(world)}\n`);
  }, statusIntervalMs);
  const reason = await end;
  clearInterval(timer);
  if (process.stdout.isTTY) process.stdout.write('\n');
  return reason;
}

async function makeVsix(log: WriteStream, signal: AbortSignal): Promise<string> {
  const output = await run(process.execPath, [join(root, 'scripts', 'package.ts')], { cwd: root, signal, log: (line) => log.write(`build | ${line}\n`) });
  return output.trim().split('\n').at(-1)?.trim() ?? '';
}

class Ended extends SandboxError {
  readonly because: string;

  constructor(because: string) {
    super(`Ended before everything ran (${because}).`);
    this.because = because;
  }
}

interface End {
  /** Aborts, with an Ended, for the first reason there is. */
  signal: AbortSignal;
  reason: Promise<string>;
  because: (reason: string) => void;
}

/** What ends the demo: a signal, or whoever calls `because`. */
function listenForEnd(): End {
  const abort = new AbortController();
  const because = (reason: string): void => abort.abort(new Ended(reason));
  const reason = new Promise<string>((resolve) => {
    abort.signal.addEventListener('abort', () => resolve((abort.signal.reason as Ended).because));
  });
  let asked = false;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // Asked twice: without waiting. What runs ends by itself when this process is gone.
      if (asked) process.exit(130);
      asked = true;
      because(name === 'SIGINT' ? 'Ctrl-C' : name);
    });
  }
  return { signal: abort.signal, reason, because };
}

interface Stoppable { stop(): Promise<void> }

/** Opens the editor. When the demo is ended meanwhile it does not wait: what is opened later is closed at once. */
async function open(world: World, vsix: string, end: End, log: (line: string) => void): Promise<OpenedEditor> {
  const opening = openEditor({ folder: world.workspace, vsix, env: { UNLEASH_URL: world.unleash.url, UNLEASH_TOKEN: world.tokens.eddy, ...world.toolEnvironment }, log });
  const ended = end.reason.then(() => end.signal.throwIfAborted());
  try {
    return await Promise.race([opening, ended.then(() => opening)]);
  } catch (error) {
    await endRuns();
    await opening.then((editor) => editor.stop(), () => undefined);
    throw error;
  }
}

/** Runs the demo until its end; what it leaves in `started` is to be stopped. */
async function runDemo({ editor, seconds, dir, faults }: Options, end: End, started: Stoppable[]): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const logFile = join(dir, 'demo.log');
  const log = createWriteStream(logFile, { mode: 0o600 });
  const writeLog = (line: string): void => { log.write(`${line}\n`); };
  const step = numbered(worldSteps + (editor ? 2 : 0), log);
  const vsix = editor ? await step('Building the extension', () => makeVsix(log, end.signal), shown) : undefined;
  const world = await startWorld({ dir, faults, log: writeLog, step, signal: end.signal, ports: { unleash: 4242, service: 8000, mlflow: 5000 } });
  started.push(world);
  let broken: string | undefined;
  void world.broken.then((name) => end.because(broken = `${name} ended unexpectedly, see ${shown(logFile)}`));
  let opened: OpenedEditor | undefined;
  if (vsix !== undefined) {
    opened = await step('Opening the editor', () => open(world, vsix, end, writeLog), ({ describe }) => describe);
    started.push(opened);
    void opened.closed.then(() => end.because('the editor was closed'));
  }
  end.signal.throwIfAborted();
  if (seconds !== undefined) setTimeout(end.because, seconds * 1000, `${seconds} s are over`).unref();
  process.stdout.write(explain(world, logFile, opened?.describe));
  process.stdout.write(`Ending: ${await watch(world, end.reason)}.\n`);
  if (broken !== undefined) throw new SandboxError(`${broken}.`);
}

async function main(): Promise<number> {
  const failures: unknown[] = [];
  const started: Stoppable[] = [];
  try {
    await runDemo(readOptions(), listenForEnd(), started);
  } catch (error) {
    failures.push(error);
  }
  for (const thing of started.toReversed()) await thing.stop().catch((error: unknown) => failures.push(error));
  for (const failure of failures) process.stderr.write(`\n${failure instanceof Error && !(failure instanceof SandboxError) ? failure.stack ?? failure.message : messageOf(failure)}\n`);
  if (started.length > 0) process.stdout.write('Everything has ended.\n');
  return failures.length > 0 ? 1 : 0;
}

process.exit(await main());
