import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SandboxError, logLines, messageOf, ownGroup, stop, waitForHttp } from './processes.ts';
import type { Log } from './processes.ts';

export interface PythonServerOptions {
  /** With a capital letter, for the sentence when it does not start. */
  name: string;
  python: string;
  /** A script that ends when its stdin closes, and its arguments. */
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Address that answers 2xx as soon as the server can be used. */
  health: string;
  bootTimeoutMs: number;
  log?: Log | undefined;
  signal?: AbortSignal | undefined;
}

export interface RunningServer {
  /** Resolves when its process has ended, for whatever reason. */
  ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until it is healthy. It ends with this process, however that ends: its stdin stays open as long as this process lives.
 * Throws a SandboxError with its last lines when it does not start.
 */
export async function startPythonServer({ name, python, args, cwd, env, health, bootTimeoutMs, log, signal }: PythonServerOptions): Promise<RunningServer> {
  const child = spawn(python, args, { ...ownGroup, cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'exit').then(() => undefined, () => undefined);
  const last: string[] = [];
  logLines(child, (line) => {
    log?.(line);
    if (last.push(line) > 15) last.shift();
  });
  try {
    await once(child, 'spawn');
    await waitForHttp(health, { child, timeoutMs: bootTimeoutMs, signal });
  } catch (error) {
    await stop(child);
    signal?.throwIfAborted();
    throw new SandboxError(`${name} did not start: ${messageOf(error)}\n${last.join('\n')}`, { cause: error });
  }
  return { ended, stop: () => stop(child) };
}
