import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { SandboxError, type Log } from './processes.ts';
import { startPythonServer } from './pythonServer.ts';
import type { RunningServer } from './pythonServer.ts';

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
  /** The file that says what goes wrong; it may be written while the service runs. */
  faults?: string;
  log?: Log;
  signal?: AbortSignal | undefined;
}

export interface RunningService extends RunningServer {
  /** Origin of the inference service. */
  url: string;
}

/**
 * Starts the workspace's inference service and waits until it is healthy. A rollout reaches it within about 2 s (Unleash's cache and a refresh every second).
 * It ends with this process, however that ends. Throws a SandboxError with the service's last lines when it does not start.
 */
export async function startService({ python, workspace, port, unleashUrl, unleashToken, cacheDirectory, faults, log, signal }: ServiceOptions): Promise<RunningService> {
  const env = {
    ...process.env,
    UNLEASH_TOKEN: undefined, UNLEASH_URL: unleashUrl, UNLEASH_API_TOKEN: unleashToken, UNLEASH_ENVIRONMENT: 'production',
    UNLEASH_REFRESH_INTERVAL: '1', UNLEASH_METRICS_INTERVAL: '5', UNLEASH_CACHE_DIRECTORY: cacheDirectory,
    PREDICTION_LOG_HOURS: '2', OMP_NUM_THREADS: '1', PYTHONUNBUFFERED: '1', SANDBOX_FAULTS: faults,
  };
  const url = `http://127.0.0.1:${port}`;
  const args = [fileURLToPath(new URL('serve.py', import.meta.url)), String(port)];
  return { url, ...await startPythonServer({ name: 'The inference service', python, args, cwd: workspace, env, health: `${url}/health`, bootTimeoutMs: 60_000, log, signal }) };
}

/** So many applicants, each a new one, that a service asks and answers by itself: traffic as fast as it goes. Gives the answers by assigned arm. */
export async function serviceAnswers(url: string, count: number): Promise<Record<string, number>> {
  const response = await fetch(`${url}/sandbox/answers?count=${count}`, { method: 'POST' });
  if (!response.ok) throw new SandboxError(`The service answered ${response.status} when it was asked for ${count} answers: ${(await response.text()).slice(0, 200)}`);
  return z.record(z.string(), z.number()).parse(await response.json());
}
