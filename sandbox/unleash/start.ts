import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { SandboxError, answers, canListen, freePort, logLines, ownGroup } from '../processes.ts';
import type { Log } from '../processes.ts';
import { packagedBinaries, place } from './postgres.ts';
import type { FromServer, ServerConfiguration, ToServer } from './server.ts';

export interface RunningUnleash {
  /** Origin of the server, e.g. `http://127.0.0.1:4242`. */
  url: string;
  port: number;
  /** An admin API token (`*:*.…`): for seeding only, its events carry no person's name. */
  adminToken: string;
  /** Resolves when its process has ended, for whatever reason. */
  ended: Promise<void>;
  /** Ends the server, then its database. Resolves when both processes are gone; may be called again. */
  stop(): Promise<void>;
}

export interface UnleashOptions {
  /** Holds the database and its secrets; a second start on it reuses the data. */
  dataDir: string;
  /** Port on 127.0.0.1; a free one when not given. */
  port?: number;
  log?: Log;
  /** Gives up a start in progress. */
  signal?: AbortSignal | undefined;
}

const stateSchema = z.object({
  adminToken: z.string(),
  postgresPassword: z.string(),
  sessionSecret: z.string(),
  /** Of the last start. */
  port: z.number().optional(),
  pid: z.number().optional(),
  placement: z.object({ cluster: z.string(), binaries: z.string(), fallback: z.string().exactOptional() }).exactOptional(),
});
type State = z.infer<typeof stateSchema>;

const stateFile = (dataDir: string): string => join(dataDir, 'unleash.json');
const bootTimeoutMs = 120_000;
const stopTimeoutMs = 15_000;

function readState(dataDir: string): State {
  const file = stateFile(dataDir);
  if (!existsSync(file)) {
    const secret = (): string => randomBytes(24).toString('hex');
    return { adminToken: `*:*.${secret()}`, postgresPassword: secret(), sessionSecret: secret() };
  }
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new SandboxError(`${file} can't be read: delete the folder ${dataDir} to begin with a new Unleash.`, { cause: error });
  }
}

/**
 * Starts a real Unleash with its own PostgreSQL as one child process, about 6 s the first time and 3 s later.
 * The child ends with this process, however that ends.
 * Throws a SandboxError when the port is taken, another sandbox runs on `dataDir`, or PostgreSQL can't run.
 */
export async function startUnleash({ dataDir, port: wanted, log = () => undefined, signal }: UnleashOptions): Promise<RunningUnleash> {
  signal?.throwIfAborted();
  mkdirSync(dataDir, { recursive: true });
  const state = readState(dataDir);
  if (isAlive(state.pid) && await answers(`http://127.0.0.1:${state.port ?? 0}/health`)) {
    throw new SandboxError(`Unleash already runs on the data in ${dataDir} (http://127.0.0.1:${state.port}): end the demo that uses it, then start again.`);
  }
  if (wanted !== undefined && !await canListen(wanted)) throw new SandboxError(`Port ${wanted} of 127.0.0.1 is taken: end what listens there or leave the port open.`);
  const port = wanted ?? await freePort();
  const placement = place(dataDir, state.placement, packagedBinaries());
  const save = (saved: State): void => writeFileSync(stateFile(dataDir), JSON.stringify(saved, null, 2), { mode: 0o600 });
  // Before anything is made there: an interrupted start must not lose the password or a folder outside of the project.
  save({ ...state, placement });
  const { adminToken, postgresPassword, sessionSecret } = state;
  const server = forkServer(adminToken, log);
  save({ ...state, port, pid: server.child.pid, placement });
  const ended = once(server.child, 'exit').then(() => undefined, () => undefined);
  await bootServer(server, { placement, postgresPassword, sessionSecret, port }, signal);
  return { url: `http://127.0.0.1:${port}`, port, adminToken, ended, stop: () => endServer(server) };
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Removes what `startUnleash` keeps for a data directory, also outside of it. The server must not run. */
export function removeUnleashData(dataDir: string): void {
  const fallback = existsSync(stateFile(dataDir)) ? readState(dataDir).placement?.fallback : undefined;
  for (const folder of [fallback, dataDir]) if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

/** What the child inherits. Nothing else: Unleash reads dozens of variables, and `UNLEASH_URL` or `DATABASE_URL` may be set for another server. */
function serverEnvironment(adminToken: string): NodeJS.ProcessEnv {
  const inherited = ['PATH', 'HOME', 'USER', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'LANG', 'TZ'];
  return {
    ...Object.fromEntries(inherited.map((name) => [name, process.env[name]])),
    NODE_ENV: 'production', SEND_TELEMETRY: 'false', CHECK_VERSION: 'false', INIT_ADMIN_API_TOKENS: adminToken,
  };
}

interface Server { child: ChildProcess; postgresPid?: number }

function forkServer(adminToken: string, log: Log): Server {
  const child = fork(fileURLToPath(new URL('server.ts', import.meta.url)), { ...ownGroup, execArgv: [], env: serverEnvironment(adminToken), stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const server: Server = { child };
  logLines(child, log);
  child.on('message', (message: FromServer) => {
    if (message.type === 'postgres') server.postgresPid = message.pid;
  });
  child.once('exit', () => killPostgres(server));
  return server;
}

async function bootServer(server: Server, configuration: ServerConfiguration, signal: AbortSignal | undefined): Promise<void> {
  const { child } = server;
  const timeout = AbortSignal.timeout(bootTimeoutMs);
  const given = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    await new Promise<void>((resolve, reject) => {
      given.addEventListener('abort', () => reject(timeout.aborted ? new SandboxError(`Unleash did not start within ${bootTimeoutMs / 1000} s: see its log.`) : given.reason as Error), { once: true });
      child.on('message', (message: FromServer) => {
        if (message.type === 'ready') resolve();
        else if (message.type === 'failed') reject(new SandboxError(`Unleash did not start: ${message.message}`));
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new SandboxError(`Unleash did not start: its process ended with ${code === null ? 'a signal' : `code ${code}`}; see its log.`)));
      child.send({ type: 'start', configuration } satisfies ToServer);
    });
  } catch (error) {
    await endServer(server);
    throw error;
  }
}

/** PostgreSQL survives a child that was killed (it is the child that stops it): then this process ends it. */
function killPostgres({ child, postgresPid }: Server): void {
  if (child.exitCode === 0 || postgresPid === undefined) return;
  try {
    process.kill(postgresPid, 'SIGINT');
  } catch {
    // It is gone already.
  }
}

async function endServer(server: Server): Promise<void> {
  const { child } = server;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  if (child.connected) child.send({ type: 'stop' } satisfies ToServer, () => undefined);
  await exit;
  clearTimeout(timer);
}
