import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SandboxError, logLines, messageOf, ownGroup, stop, waitForHttp } from './processes.ts';
import type { Log } from './processes.ts';

export interface ServiceOptions {
  /** Python of the virtual environment. */
  python: string;
  /** The workspace with trained models. */
  workspace: string;
  port: number;
  unleashUrl: string;
  /** Backend token; it decides the environment. */
  unleashToken: string;
  /** Where the SDK keeps its last flags. */
  cacheDirectory: string;
  log?: Log;
  signal?: AbortSignal | undefined;
}

export interface RunningService {
  /** Origin of the inference service. */
  url: string;
  /** Resolves when its process has ended, for whatever reason. */
  ended: Promise<void>;
  stop(): Promise<void>;
}

const bootTimeoutMs = 60_000;

/**
 * Starts the workspace's inference service and waits until it is healthy. A rollout reaches it within about 2 s (Unleash's cache and a refresh every second).
 * It ends with this process, however that ends. Throws a SandboxError with the service's last lines when it does not start.
 */
export async function startService({ python, workspace, port, unleashUrl, unleashToken, cacheDirectory, log = () => undefined, signal }: ServiceOptions): Promise<RunningService> {
  const env = {
    ...process.env,
    UNLEASH_TOKEN: undefined, UNLEASH_URL: unleashUrl, UNLEASH_API_TOKEN: unleashToken, UNLEASH_ENVIRONMENT: 'production',
    UNLEASH_REFRESH_INTERVAL: '1', UNLEASH_METRICS_INTERVAL: '5', UNLEASH_CACHE_DIRECTORY: cacheDirectory,
    PREDICTION_LOG_HOURS: '2', OMP_NUM_THREADS: '1', PYTHONUNBUFFERED: '1',
  };
  // stdin stays open as long as this process lives; serve.py ends when it closes.
  const child = spawn(python, [fileURLToPath(new URL('serve.py', import.meta.url)), String(port)], { ...ownGroup, cwd: workspace, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'exit').then(() => undefined, () => undefined);
  const last: string[] = [];
  logLines(child, (line) => {
    log(line);
    if (last.push(line) > 15) last.shift();
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await once(child, 'spawn');
    await waitForHttp(`${url}/health`, { child, timeoutMs: bootTimeoutMs, signal });
  } catch (error) {
    await stop(child);
    signal?.throwIfAborted();
    throw new SandboxError(`The inference service did not start: ${messageOf(error)}\n${last.join('\n')}`, { cause: error });
  }
  return { url, ended, stop: () => stop(child) };
}
