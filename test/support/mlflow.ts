import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, logLines, ownGroup, run, stop, waitForHttp } from '../../sandbox/processes.ts';
import { ensurePython } from '../../sandbox/python.ts';

const root = join(import.meta.dirname, '..', '..');
const scripts = join(import.meta.dirname, 'mlflow');

/** MLflow's own Python: the first use installs about 850 MB, which takes minutes. */
export function mlflowPython(): Promise<string> {
  return ensurePython({ venvDir: join(root, '.sandbox', 'mlflow'), requirements: join(root, 'sandbox', 'mlflow', 'requirements.txt') });
}

const quiet = { MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true', PYTHONWARNINGS: 'ignore', GIT_PYTHON_REFRESH: 'quiet' };

export interface MlflowOptions {
  /** Such as `/ml`. */
  readonly prefix?: string;
  /** The basic-auth app; its administrator is `admin` with `password1234password`. */
  readonly auth?: 'basic' | 'bearer';
  readonly workspaces?: boolean;
  /** Folder of another server whose database and artifacts it starts with, as a copy. */
  readonly copyOf?: string;
}

export interface RunningMlflow {
  /** With the prefix, without a trailing slash. */
  readonly url: string;
  /** Holds `mlflow.db` and `mlartifacts`. */
  readonly dir: string;
  readonly database: string;
  readonly log: readonly string[];
  stop(): Promise<void>;
}

export const ADMIN = { username: 'admin', password: 'password1234password' } as const;
export const BEARER = 'test-token-of-nobody';

/** A real MLflow server with an empty SQLite database in a folder of its own; about 13 s on two cores. */
export async function startMlflow({ prefix = '', auth, workspaces = false, copyOf }: MlflowOptions = {}): Promise<RunningMlflow> {
  const python = await mlflowPython();
  const dir = mkdtempSync(join(tmpdir(), 'modelswitch-mlflow-'));
  if (copyOf !== undefined) for (const name of ['mlflow.db', 'mlartifacts']) cpSync(join(copyOf, name), join(dir, name), { recursive: true });
  const port = await freePort();
  const database = join(dir, 'mlflow.db');
  const args = [
    '-m', 'mlflow', 'server', '--backend-store-uri', `sqlite:///${database}`, '--artifacts-destination', join(dir, 'mlartifacts'),
    '--host', '127.0.0.1', '--port', String(port), '--workers', '1',
    ...(prefix === '' ? [] : ['--static-prefix', prefix]), ...(auth === undefined ? [] : ['--app-name', 'basic-auth']), ...(workspaces ? ['--enable-workspaces'] : []),
  ];
  const child = spawn(python, args, { ...ownGroup, cwd: dir, env: { ...process.env, ...quiet, MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false', ...authEnvironment(dir, auth) }, stdio: ['ignore', 'pipe', 'pipe'] });
  const log: string[] = [];
  logLines(child, (line) => void log.push(line));
  const url = `http://127.0.0.1:${port}${prefix}`;
  try {
    await waitForHttp(`${url}/health`, { child, timeoutMs: 120_000 });
  } catch (error) {
    await end(child, dir);
    throw new Error(`MLflow did not start: ${log.slice(-15).join('\n')}`, { cause: error });
  }
  return { url, dir, database, log, stop: () => end(child, dir) };
}

function authEnvironment(dir: string, auth: MlflowOptions['auth']): Record<string, string> {
  if (auth === undefined) return {};
  const config = join(dir, 'auth.ini');
  writeFileSync(config, `[mlflow]
default_permission = READ
auth_cache_ttl_seconds = 600
database_uri = sqlite:///${join(dir, 'auth.db')}
admin_username = ${ADMIN.username}
admin_password = ${ADMIN.password}
authorization_function = ${auth === 'basic' ? 'mlflow.server.auth:authenticate_request_basic_auth' : 'bearer_auth:authenticate'}
`);
  return { MLFLOW_AUTH_CONFIG_PATH: config, MLFLOW_FLASK_SERVER_SECRET_KEY: 'only-for-this-test', PYTHONPATH: scripts, TEST_BEARER: BEARER };
}

async function end(child: ChildProcess, dir: string): Promise<void> {
  await stop(child, 5_000);
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}

/** Runs one of the scripts of test/support/mlflow against a server or a database; gives the JSON of its last line. */
export async function runScript(name: string, trackingUri: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<unknown> {
  const cwd = mkdtempSync(join(tmpdir(), 'modelswitch-script-'));
  mkdirSync(join(cwd, 'data'));
  try {
    const output = await run(await mlflowPython(), [join(scripts, name), ...args], { cwd, env: { ...process.env, ...quiet, MLFLOW_TRACKING_URI: trackingUri, ...env } });
    return JSON.parse(output.trim().split('\n').at(-1) ?? 'null') as unknown;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

let shared: Promise<RunningMlflow> | undefined;

/** The server of this process, started by the first call and stopped after all specs. */
export function sharedMlflow(): Promise<RunningMlflow> {
  return shared ??= startMlflow();
}

/** Ends the shared server and removes its data. */
export async function stopSharedMlflow(): Promise<void> {
  const ending = shared;
  shared = undefined;
  await (await ending?.catch(() => undefined))?.stop();
}

// Specs import this module while mocha loads them, when its `after` stands for the root suite; elsewhere there is no `after`.
if (typeof after === 'function') {
  after(async function stopMlflow() {
    this.timeout(60_000);
    await stopSharedMlflow();
  });
}
