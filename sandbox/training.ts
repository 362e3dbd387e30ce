import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createModel, setAlias } from './mlflow/registry.ts';
import { quiet, requirements as mlflowRequirements } from './mlflow/server.ts';
import { SandboxError, messageOf, run } from './processes.ts';
import type { Log } from './processes.ts';
import { commitAll, template } from './workspace.ts';

export const dvcRequirements = fileURLToPath(new URL('dvc/requirements.txt', import.meta.url));

/** Pythons of the virtual environments. */
export interface Tools { mlflow: string; dvc: string }

/** The environment in which the workspace's pipeline runs: `python` is MLflow's, `dvc` the real one. */
export function toolEnvironment({ mlflow, dvc }: Tools, mlflowUrl: string): { PATH: string; MLFLOW_TRACKING_URI: string } {
  const folders = [mlflow, dvc].map((python) => dirname(python));
  return { PATH: [...folders, process.env['PATH'] ?? ''].join(delimiter), MLFLOW_TRACKING_URI: mlflowUrl };
}

const sources = ['app/features.py', 'dvc.yaml', 'params.yaml', 'training/fetch.py', 'training/generate.py', 'training/train.py'];

/** Digest of all that decides what the trained models are. */
export function trainingDigest(): string {
  const hash = createHash('sha256').update(readFileSync(mlflowRequirements)).update(readFileSync(dvcRequirements));
  for (const path of sources) hash.update(path).update('\0').update(readFileSync(join(template, path)));
  return hash.digest('hex');
}

/** Whether the workspace has all that training left there. */
export function isTrained(workspace: string): boolean {
  return ['models/credit-risk-13.joblib', 'models/credit-risk-14.joblib', 'models/credit-explainer.json', 'data/applicants.jsonl'].every((path) => existsSync(join(workspace, path)));
}

/** Puts a registry of other models, or of a training that was interrupted, aside; one that was there before goes. */
export function putRegistryAside(dir: string): void {
  rmSync(`${dir}-before`, { recursive: true, force: true });
  if (existsSync(dir)) renameSync(dir, `${dir}-before`);
}

export interface TrainingOptions {
  workspace: string;
  tools: Tools;
  /** Of an MLflow server whose registry is empty. */
  mlflowUrl: string;
  log: Log;
  signal: AbortSignal | undefined;
}

/**
 * Makes the history of a model by the real tools: applications up to August, on which version 13 is trained; those of September, on which version
 * 14 is trained. Each step is a commit, and as with every `dvc repro` the lock is committed after the run that it describes.
 */
export async function trainModels({ workspace, tools, mlflowUrl, log, signal }: TrainingOptions): Promise<void> {
  const environment = toolEnvironment(tools, mlflowUrl);
  const env = { ...process.env, ...quiet, ...environment, DVC_NO_ANALYTICS: '1', OMP_NUM_THREADS: '1' };
  const python = (...args: string[]): Promise<string> => run(tools.mlflow, args, { cwd: workspace, env, log, signal });
  const dvc = (...args: string[]): Promise<string> => run(join(dirname(tools.dvc), 'dvc'), args, { cwd: workspace, env, log, signal });
  const train = async (until: string, month: string, stage: string): Promise<void> => {
    await python('-m', 'training.generate', until);
    await dvc('add', '--quiet', 'data/applications.csv');
    await commitAll(workspace, `Applications up to ${month}`);
    // By force: the model is wanted in this registry, whatever an earlier one had.
    await dvc('repro', '--force', '--single-item', `train@${stage}`);
    await commitAll(workspace, `Train the ${stage} model on the applications up to ${month}`);
  };
  try {
    await createModel(mlflowUrl, 'credit-risk', 'Probability that a loan defaults', 12);
    await train('2026-08', 'August', 'logistic');
    await train('2026-09', 'September', 'boosting');
    for (const [alias, version] of [['champion', '13'], ['challenger', '14']] as const) await setAlias(mlflowUrl, 'credit-risk', alias, version);
    await python('-m', 'training.fetch', '13', '14');
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof SandboxError ? error : new SandboxError(`The models could not be trained: ${messageOf(error)}`, { cause: error });
  }
}
