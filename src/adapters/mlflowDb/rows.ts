import type { DatasetFacts, Facts, ModelVersion, RegisteredModel, Run } from '../../core/models/model.ts';
import type { LoggedModel } from '../mlflow/detail.ts';
import { facts, given, metricValue, rowsOf, runStatus, versionStatus } from '../mlflow/normalise.ts';
import type { Row } from './database.ts';

/** SQLite's columns have no types of their own: what is in one is text, a number or nothing. */
export function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function pairs(rows: readonly Row[], key = 'key', value = 'value'): Facts {
  return facts(rows.map((row) => ({ key: text(row[key]) ?? '', value: text(row[value]) })));
}

export function registeredModel(row: Row, aliases: readonly Row[], tags: readonly Row[]): RegisteredModel {
  return {
    name: text(row['name']) ?? '',
    description: text(row['description']) ?? '',
    aliases: aliases.map((entry) => ({ alias: text(entry['alias']) ?? '', version: text(entry['version']) ?? '' })),
    tags: pairs(tags),
    ...given('latestVersion', text(row['latest'])),
    ...given('createdAt', count(row['creation_time'])),
    ...given('updatedAt', count(row['last_updated_time'])),
  };
}

export function modelVersion(row: Row, aliases: readonly Row[], tags: readonly Row[]): ModelVersion {
  const version = text(row['version']) ?? '';
  const own = (entry: Row): boolean => text(entry['version']) === version;
  return {
    model: text(row['name']) ?? '',
    version,
    aliases: aliases.filter(own).map((entry) => text(entry['alias']) ?? ''),
    status: versionStatus(text(row['status'])),
    description: text(row['description']) ?? '',
    tags: pairs(tags.filter(own)),
    ...given('createdAt', count(row['creation_time'])),
    ...given('user', text(row['user_id'])),
    ...given('runId', text(row['run_id'])),
  };
}

export interface RunRows {
  readonly run: Row;
  readonly experiment: Row | undefined;
  readonly params: readonly Row[];
  readonly metrics: readonly Row[];
  readonly tags: readonly Row[];
  readonly datasets: readonly DatasetFacts[];
}

export function run({ run: row, experiment, params, metrics, tags, datasets }: RunRows): Run {
  const id = text(row['experiment_id']);
  return {
    id: text(row['run_uuid']) ?? '',
    name: text(row['name']) ?? pairs(tags)['mlflow.runName'] ?? '',
    ...(id === undefined ? {} : { experiment: { id, ...given('name', text(experiment?.['name'])) } }),
    status: runStatus(text(row['status'])),
    deleted: row['lifecycle_stage'] === 'deleted',
    ...given('startedAt', count(row['start_time'])),
    ...given('endedAt', count(row['end_time'])),
    ...given('user', text(row['user_id'])),
    params: pairs(params),
    metrics: Object.fromEntries(metrics.map((metric) => [text(metric['key']) ?? '', numberOf(metric)])),
    tags: pairs(tags),
    datasets,
  };
}

function numberOf(metric: Row): number {
  const value = count(metric['value']);
  return metric['is_nan'] === 1 || value === undefined ? Number.NaN : metricValue(value);
}

export function dataset(row: Row, context: string | undefined): DatasetFacts {
  return {
    name: text(row['name']) ?? '',
    digest: text(row['digest']) ?? '',
    ...given('sourceType', text(row['dataset_source_type'])),
    ...given('source', text(row['dataset_source'])),
    ...given('context', context),
    ...given('rows', rowsOf(text(row['dataset_profile']))),
  };
}

export function loggedModel(row: Row, tags: readonly Row[], params: readonly Row[], metrics: readonly Row[]): LoggedModel {
  return {
    id: text(row['model_id']) ?? '',
    ...given('sourceRunId', text(row['source_run_id'])),
    tags: pairs(tags, 'tag_key', 'tag_value'),
    params: pairs(params, 'param_key', 'param_value'),
    metrics: metrics.map((metric) => ({
      name: text(metric['metric_name']) ?? '',
      value: metricValue(count(metric['metric_value']) ?? Number.NaN),
      ...given('runId', text(metric['run_id'])),
      ...given('dataset', text(metric['dataset_name'])),
      ...given('digest', text(metric['dataset_digest'])),
    })),
  };
}
