import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Log } from '../processes.ts';
import { startPythonServer } from '../pythonServer.ts';
import type { RunningServer } from '../pythonServer.ts';

export interface MlflowOptions {
  /** Python of the virtual environment with MLflow. */
  python: string;
  /** Holds `mlflow.db` and `artifacts`; made when it is not there. */
  dir: string;
  port: number;
  log?: Log | undefined;
  signal?: AbortSignal | undefined;
}

export interface RunningMlflow extends RunningServer {
  /** Origin of the tracking server and registry. */
  url: string;
}

export const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url));

/** Keeps MLflow from calling home and from warning about itself. */
export const quiet: NodeJS.ProcessEnv = { MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: 'true', PYTHONWARNINGS: 'ignore', PYTHONUNBUFFERED: '1' };

/**
 * Starts a real MLflow tracking server and registry with an SQLite database, in one process: `mlflow server` would start eight, of 250 MB each.
 * It ends with this process, however that ends. Throws a SandboxError with its last lines when it does not start.
 */
export async function startMlflow({ python, dir, port, log, signal }: MlflowOptions): Promise<RunningMlflow> {
  mkdirSync(dir, { recursive: true });
  const url = `http://127.0.0.1:${port}`;
  const args = [fileURLToPath(new URL('serve.py', import.meta.url)), String(port), dir];
  return { url, ...await startPythonServer({ name: 'MLflow', python, args, cwd: dir, env: { ...process.env, ...quiet }, health: `${url}/health`, bootTimeoutMs: 180_000, log, signal }) };
}
