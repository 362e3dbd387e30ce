import type { DatasetFacts, Facts, ModelVersion, RegisteredModel, Run, RunStatus, VersionStatus } from '../../core/models/model.ts';
import type { LoggedModel } from './detail.ts';
import type { WireLoggedModel, WireModel, WireRun, WireVersion } from './wire.ts';

type Pairs = readonly { key: string; value?: string | null | undefined }[] | null | undefined;

/** Key and value pairs as a record, of which `__proto__` is an ordinary key. */
export function facts(pairs: Pairs): Facts {
  return Object.fromEntries((pairs ?? []).map(({ key, value }) => [key, value ?? '']));
}

/** `{key: value}`, or nothing for null, undefined and the empty text, by which MLflow says "not set". */
export function given<Key extends string, Value>(key: Key, value: Value | null | undefined): { readonly [K in Key]?: Value } {
  return value === undefined || value === null || value === '' ? {} : { [key]: value } as { readonly [K in Key]?: Value };
}

export function registeredModel(wire: WireModel): RegisteredModel {
  return {
    name: wire.name,
    description: wire.description ?? '',
    aliases: (wire.aliases ?? []).map(({ alias, version }) => ({ alias, version })),
    tags: facts(wire.tags),
    ...given('latestVersion', newest((wire.latest_versions ?? []).map(({ version }) => version))),
    ...given('createdAt', wire.creation_timestamp),
    ...given('updatedAt', wire.last_updated_timestamp),
  };
}

/** MLflow lists the newest version of each of its former stages. */
function newest(versions: readonly string[]): string | undefined {
  return versions.toSorted((a, b) => Number(b) - Number(a))[0];
}

/** `aliases` comes from the model: lists of versions do not hold them. */
export function modelVersion(wire: WireVersion, aliases: readonly string[]): ModelVersion {
  return {
    model: wire.name,
    version: wire.version,
    aliases,
    status: versionStatus(wire.status),
    description: wire.description ?? '',
    tags: facts(wire.tags),
    ...given('createdAt', wire.creation_timestamp),
    ...given('user', wire.user_id),
    ...given('runId', wire.run_id),
  };
}

export function versionStatus(status: string | null | undefined): VersionStatus {
  if (status === 'PENDING_REGISTRATION') return 'pending';
  return status === 'FAILED_REGISTRATION' ? 'failed' : 'ready';
}

const RUN_STATUS: Readonly<Record<string, RunStatus>> = { RUNNING: 'running', SCHEDULED: 'scheduled', FINISHED: 'finished', FAILED: 'failed', KILLED: 'killed' };

export function runStatus(status: string | null | undefined): RunStatus {
  return RUN_STATUS[status ?? ''] ?? 'unknown';
}

/** MLflow's databases keep infinities as the largest numbers. */
export function metricValue(value: number): number {
  if (value === Number.MAX_VALUE) return Infinity;
  return value === -Number.MAX_VALUE ? -Infinity : value;
}

/** How many rows a data set had, by its profile: JSON of whatever its kind knows. */
export function rowsOf(profile: string | null | undefined): number | undefined {
  try {
    const told: unknown = JSON.parse(profile ?? '');
    return typeof told === 'object' && told !== null && 'num_rows' in told && typeof told.num_rows === 'number' ? told.num_rows : undefined;
  } catch {
    return undefined;
  }
}

export function run(wire: WireRun, id: string): Run {
  const { info, data } = wire;
  return {
    id: info.run_id ?? info.run_uuid ?? id,
    name: info.run_name ?? '',
    ...(info.experiment_id === null || info.experiment_id === undefined ? {} : { experiment: { id: info.experiment_id } }),
    status: runStatus(info.status),
    deleted: info.lifecycle_stage === 'deleted',
    ...given('startedAt', info.start_time),
    ...given('endedAt', info.end_time),
    ...given('user', info.user_id),
    params: facts(data?.params),
    metrics: Object.fromEntries((data?.metrics ?? []).map(({ key, value }) => [key, metricValue(value)])),
    tags: facts(data?.tags),
    datasets: (wire.inputs?.dataset_inputs ?? []).map((input): DatasetFacts => ({
      name: input.dataset?.name ?? '',
      digest: input.dataset?.digest ?? '',
      ...given('sourceType', input.dataset?.source_type),
      ...given('source', input.dataset?.source),
      ...given('context', facts(input.tags)['mlflow.data.context']),
      ...given('rows', rowsOf(input.dataset?.profile)),
    })),
  };
}

export function loggedModel({ info, data }: WireLoggedModel): LoggedModel {
  return {
    id: info.model_id,
    ...given('sourceRunId', info.source_run_id),
    tags: facts(info.tags),
    params: facts(data?.params),
    metrics: (data?.metrics ?? []).map((metric) => ({
      name: metric.key,
      value: metricValue(metric.value),
      ...given('runId', metric.run_id),
      ...given('dataset', metric.dataset_name),
      ...given('digest', metric.dataset_digest),
    })),
  };
}
