import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export type Log = (line: string) => void;

/** A failure of the sandbox whose message is a whole sentence for its user: what is wrong, where, and the mend. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** A TCP port of 127.0.0.1 that nothing listens on now: the preferred one when it is free. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && await canListen(preferred)) return preferred;
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no TCP port');
  return address.port;
}

/** Whether a TCP port of 127.0.0.1 can be listened on now. */
export async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Hands every line of a child's stdout and stderr to `log`. */
export function logLines(child: ChildProcess, log: Log): void {
  const streams: (Readable | null)[] = [child.stdout, child.stderr];
  for (const stream of streams) if (stream) createInterface({ input: stream }).on('line', log);
}

/** The options under which Ctrl-C in the terminal does not reach a child: the demo ends its children itself, in order. */
export const ownGroup: SpawnOptions = process.platform === 'win32' ? { windowsHide: true } : { detached: true };

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Run as this user; only root may. */
  owner?: { uid: number; gid: number } | undefined;
  log?: Log;
  signal?: AbortSignal | undefined;
}

/** Commands that `run` has not seen the end of. */
const running = new Set<ChildProcess>();
let over = false;

/** Ends every command that `run` waits for, and makes it start no more: for the end of the process, when nobody waits for their outcome. */
export async function endRuns(): Promise<void> {
  over = true;
  await Promise.all([...running].map((child) => stop(child, 2_000)));
}

/**
 * Runs a command to its end and gives its stdout.
 * Throws when it can't be started, ends with another code than 0 (message: its last ten lines) or is aborted.
 */
export async function run(command: string, args: readonly string[], { cwd, env, owner, log, signal }: RunOptions = {}): Promise<string> {
  signal?.throwIfAborted();
  if (over) throw new Error(`${command} was not started: everything is ending`);
  const child = spawn(command, args, { ...ownGroup, ...owner, cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const stopped = new AbortController();
  signal?.addEventListener('abort', () => void stop(child), { signal: stopped.signal });
  const last: string[] = [];
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
  logLines(child, (line) => {
    log?.(line);
    last.push(line);
    if (last.length > 10) last.shift();
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal?.throwIfAborted();
    if (code !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${code === null ? 'a signal' : `code ${code}`}:\n${last.join('\n')}`);
    return stdout;
  } finally {
    stopped.abort();
    running.delete(child);
  }
}

/** Ends a child started with `ownGroup`, and what it started itself: asks first, kills after `graceMs`. Resolves when it is gone. */
export async function stop(child: ChildProcess, graceMs = 8_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  signalGroup(child, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  await exit;
  clearTimeout(timer);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

/**
 * Asks `url` until it answers 2xx.
 * Throws after `timeoutMs`, when aborted, or as soon as `child` has ended.
 */
export async function waitForHttp(url: string, { child, timeoutMs, signal }: { child?: ChildProcess; timeoutMs: number; signal?: AbortSignal | undefined }): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    if (child && (child.exitCode !== null || child.signalCode !== null)) throw new Error(`the process behind ${url} has ended with ${child.exitCode ?? child.signalCode ?? 'no code'}`);
    if (await answers(url)) return;
    if (Date.now() > deadline) throw new Error(`${url} did not answer within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Whether a GET of `url` answers 2xx within two seconds. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
