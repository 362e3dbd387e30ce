import type { VersionDetail } from '../../core/models/model.ts';
import type { VersionPage } from '../../core/models/versionText.ts';
import type { RegistryPlace } from './registryConnection.ts';

/** Pages of MLflow's own interface; nothing for registries that have none. */
export function registryLinks({ kind, location }: RegistryPlace, { model, version, run, runId }: Pick<VersionDetail, 'model' | 'version' | 'run' | 'runId'>): VersionPage['links'] {
  if (kind !== 'mlflow') return {};
  const experiment = run?.experiment === undefined ? undefined : `${location}/#/experiments/${encodeURIComponent(run.experiment.id)}`;
  const id = run?.id ?? runId;
  return {
    version: `${location}/#/models/${encodeURIComponent(model.replace(/\p{Cs}/gu, '\ufffd'))}/versions/${encodeURIComponent(version)}`,
    ...(experiment === undefined ? {} : { experiment }),
    ...(experiment === undefined || id === undefined ? {} : { run: `${experiment}/runs/${encodeURIComponent(id)}` }),
  };
}
