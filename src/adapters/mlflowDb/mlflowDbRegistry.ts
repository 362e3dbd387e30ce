import { AppError } from '../../core/base/errors.ts';
import type { DatasetFacts, ModelVersion, RegisteredModel, Run, VersionDetail } from '../../core/models/model.ts';
import type { AliasChange, ModelQuery, ModelRegistry, Page, PageRequest, RegistryCapabilities } from '../../core/models/registry.ts';
import { loggedModelId, versionDetail, type LoggedModel } from '../mlflow/detail.ts';
import { readMlmodelFile } from './artifacts.ts';
import { readDatabase, type Reader, type Row } from './database.ts';
import { dataset, loggedModel, modelVersion, pairs, registeredModel, run, text } from './rows.ts';

const PAGE_SIZE = 100;
const READ_ONLY = 'An MLflow database is only read: changes go through the MLflow server, so give its address as the registry to make them.';

/** Tables and columns without which it is no model registry. */
const REQUIRED: Readonly<Record<string, readonly string[]>> = { registered_models: ['name'], model_versions: ['name', 'version'] };

export interface MlflowDbOptions {
  /** Absolute path of the SQLite file. */
  readonly path: string;
  /** MLflow's workspace; databases of servers without workspaces have only `default`. */
  readonly workspace?: string | undefined;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** MLflow's SQLite database, read without a server and never written. It is opened for each call, so no lock and no file stays held. */
export class MlflowDbRegistry implements ModelRegistry {
  readonly kind = 'sqlite';
  readonly capabilities: RegistryCapabilities = { setAlias: false, setTag: false, reason: READ_ONLY };
  readonly #options: MlflowDbOptions;

  constructor(options: MlflowDbOptions) {
    this.#options = options;
  }

  get location(): string {
    return this.#options.path;
  }

  listModels({ name, page, size = PAGE_SIZE }: ModelQuery = {}, signal?: AbortSignal): Promise<Page<RegisteredModel>> {
    return this.#read((tables) => tables.models(name ?? '', page ?? '', size), signal);
  }

  readModel(model: string, signal?: AbortSignal): Promise<RegisteredModel> {
    return this.#read((tables) => tables.model(model), signal);
  }

  listVersions(model: string, { page, size = PAGE_SIZE }: PageRequest = {}, signal?: AbortSignal): Promise<Page<ModelVersion>> {
    return this.#read((tables) => tables.versions(model, page, size), signal);
  }

  async readVersion(model: string, versionOrAlias: string, signal?: AbortSignal): Promise<VersionDetail> {
    const parts = await this.#read((tables) => tables.version(model, versionOrAlias), signal);
    return versionDetail({ ...parts, mlmodel: await readMlmodelFile(parts.artifactUri, this.#options.path) });
  }

  readRun(runId: string, signal?: AbortSignal): Promise<Run> {
    return this.#read((tables) => {
      const found = tables.run(runId);
      if (found === undefined) throw new AppError('notFound', `${this.location} has no run ${runId}.`);
      return found;
    }, signal);
  }

  setAlias(): Promise<AliasChange> {
    return Promise.reject(new AppError('forbidden', READ_ONLY, { reason: 'readOnly' }));
  }

  setVersionTag(): Promise<void> {
    return Promise.reject(new AppError('forbidden', READ_ONLY, { reason: 'readOnly' }));
  }

  close(): void {
    // Nothing stays open between two calls.
  }

  #read<T>(work: (tables: Tables) => T, signal?: AbortSignal): Promise<T> {
    const { path, sleep, workspace = 'default' } = this.#options;
    return readDatabase(path, sleep, (reader) => work(new Tables(reader, path, workspace)), signal);
  }
}

/** The questions to one state of the database. */
class Tables {
  readonly #reader: Reader;
  readonly #path: string;
  readonly #workspace: string;

  /** @throws AppError validation when it is not MLflow's, or of a schema that lacks what is needed */
  constructor(reader: Reader, path: string, workspace: string) {
    this.#reader = reader;
    this.#path = path;
    this.#workspace = workspace;
    for (const [table, needed] of Object.entries(REQUIRED)) {
      const columns = reader.columns(table);
      const missing = needed.find((name) => !columns.has(name));
      if (columns.size > 0 && missing === undefined) continue;
      const schema = text(reader.select('alembic_version', ['version_num'], 'LIMIT 1')[0]?.['version_num']);
      const what = columns.size === 0 ? `the table ${table}` : `the column ${table}.${missing ?? ''}`;
      throw new AppError('validation', `${path} lacks ${what}${schema === undefined ? ': it is not a database of MLflow 2 or 3.' : `: its schema (${schema}) is not one that Modelswitch knows. Start MLflow's server on it and give its address instead.`}`, { reason: 'unknownSchema' });
    }
  }

  models(name: string, after: string, size: number): Page<RegisteredModel> {
    const rows = this.#reader.select('registered_models', ['name', 'creation_time', 'last_updated_time', 'description'],
      `WHERE name > ? AND (? = '' OR instr(lower(name), lower(?)) > 0)${this.#own('registered_models')} ORDER BY name LIMIT ?`, after, name, name, size + 1);
    const items = rows.slice(0, size).map((row) => this.#model(row));
    const last = items.at(-1)?.name;
    return { items, ...(rows.length > size && last !== undefined ? { next: last } : {}) };
  }

  model(name: string): RegisteredModel {
    const [row] = this.#reader.select('registered_models', ['name', 'creation_time', 'last_updated_time', 'description'], `WHERE name = ?${this.#own('registered_models')}`, name);
    if (row === undefined) throw new AppError('notFound', `${this.#path} has no registered model "${name}".`);
    return this.#model(row);
  }

  versions(model: string, before: string | undefined, size: number): Page<ModelVersion> {
    const name = this.model(model).name;
    const limit = before === undefined ? Number.MAX_SAFE_INTEGER : Number(before);
    const rows = this.#reader.select('model_versions', VERSION_COLUMNS, `WHERE name = ? AND version < ?${this.#listed()} ORDER BY version DESC LIMIT ?`, name, limit, size + 1);
    const aliases = this.#aliases(name);
    const [newest, oldest] = [Number(rows[0]?.['version']), Number(rows.at(-1)?.['version'])];
    const tags = rows.length === 0 ? [] : this.#reader.select('model_version_tags', ['version', 'key', 'value'], `WHERE name = ? AND version BETWEEN ? AND ?${this.#own('model_version_tags')}`, name, oldest, newest);
    const items = rows.slice(0, size).map((row) => modelVersion(row, aliases, tags));
    const last = items.at(-1)?.version;
    return { items, ...(rows.length > size && last !== undefined ? { next: last } : {}) };
  }

  version(model: string, versionOrAlias: string): { version: ModelVersion; run: Run | undefined; loggedModel: LoggedModel | undefined; artifactUri: string | undefined; gaps: string[] } {
    const row = this.#findVersion(model, versionOrAlias);
    const number = Number(row['version']);
    const tags = this.#reader.select('model_version_tags', ['version', 'key', 'value'], `WHERE name = ? AND version = ?${this.#own('model_version_tags')}`, model, number);
    const version = modelVersion(row, this.#aliases(model), tags);
    const gaps: string[] = [];
    const modelId = loggedModelId(text(row['source']));
    const logged = modelId === undefined ? undefined : this.#loggedModel(modelId);
    if (modelId !== undefined && logged === undefined) gaps.push(`Its logged model ${modelId} is not there any more: it was removed from MLflow.`);
    const runId = version.runId ?? logged?.model.sourceRunId;
    const found = runId === undefined ? undefined : this.run(runId);
    if (runId !== undefined && found === undefined) gaps.push(`Its run ${runId} is not there any more: it was removed from MLflow.`);
    const artifactUri = text(row['storage_location']) ?? logged?.place ?? text(row['source']);
    return { version, run: found, loggedModel: logged?.model, artifactUri, gaps };
  }

  run(id: string): Run | undefined {
    const [row] = this.#reader.select('runs', ['run_uuid', 'name', 'experiment_id', 'status', 'start_time', 'end_time', 'user_id', 'lifecycle_stage'], 'WHERE run_uuid = ?', id);
    if (row === undefined) return undefined;
    const experiment = Number(row['experiment_id']);
    return run({
      run: row,
      experiment: Number.isNaN(experiment) ? undefined : this.#reader.select('experiments', ['name'], 'WHERE experiment_id = ?', experiment)[0],
      params: this.#reader.select('params', ['key', 'value'], 'WHERE run_uuid = ?', id),
      metrics: this.#reader.select('latest_metrics', ['key', 'value', 'is_nan'], 'WHERE run_uuid = ?', id),
      tags: this.#reader.select('tags', ['key', 'value'], 'WHERE run_uuid = ?', id),
      datasets: this.#datasets(id),
    });
  }

  #model(row: Row): RegisteredModel {
    const name = text(row['name']) ?? '';
    const [latest] = this.#reader.select('model_versions', ['version'], `WHERE name = ?${this.#listed()} ORDER BY version DESC LIMIT 1`, name);
    const tags = this.#reader.select('registered_model_tags', ['key', 'value'], `WHERE name = ?${this.#own('registered_model_tags')}`, name);
    return registeredModel({ ...row, latest: latest?.['version'] }, this.#aliases(name), tags);
  }

  #aliases(model: string): readonly Row[] {
    return this.#reader.select('registered_model_aliases', ['alias', 'version'], `WHERE name = ?${this.#own('registered_model_aliases')} ORDER BY alias`, model);
  }

  #findVersion(model: string, versionOrAlias: string): Row {
    const find = (version: unknown): Row | undefined => this.#reader.select('model_versions', [...VERSION_COLUMNS, 'source', 'storage_location'], `WHERE name = ? AND version = ?${this.#listed()}`, model, Number(version))[0];
    const known = this.model(model);
    const found = /^\d+$/.test(versionOrAlias) ? find(versionOrAlias) : undefined;
    const alias = known.aliases.find((entry) => entry.alias === versionOrAlias);
    const row = found ?? (alias === undefined ? undefined : find(alias.version));
    if (row === undefined) throw new AppError('notFound', `The model ${model} has no version or alias "${versionOrAlias}" in ${this.#path}.`);
    return row;
  }

  #loggedModel(id: string): { readonly model: LoggedModel; readonly place: string | undefined } | undefined {
    const [row] = this.#reader.select('logged_models', ['model_id', 'source_run_id', 'artifact_location', 'lifecycle_stage'], 'WHERE model_id = ?', id);
    if (row === undefined || row['lifecycle_stage'] === 'deleted') return undefined;
    const part = (table: string, columns: readonly string[]): readonly Row[] => this.#reader.select(table, columns, 'WHERE model_id = ?', id);
    const metrics = part('logged_model_metrics', ['metric_name', 'metric_value', 'run_id', 'dataset_name', 'dataset_digest']);
    return {
      model: loggedModel(row, part('logged_model_tags', ['tag_key', 'tag_value']), part('logged_model_params', ['param_key', 'param_value']), metrics),
      place: text(row['artifact_location']),
    };
  }

  #datasets(runId: string): DatasetFacts[] {
    const inputs = this.#reader.select('inputs', ['input_uuid', 'source_id'], "WHERE destination_type = 'RUN' AND destination_id = ? AND source_type = 'DATASET'", runId);
    return inputs.flatMap((input) => {
      const [row] = this.#reader.select('datasets', ['name', 'digest', 'dataset_source_type', 'dataset_source', 'dataset_profile'], 'WHERE dataset_uuid = ?', text(input['source_id']) ?? '');
      const tags = pairs(this.#reader.select('input_tags', ['name', 'value'], 'WHERE input_uuid = ?', text(input['input_uuid']) ?? ''), 'name');
      return row === undefined ? [] : [dataset(row, tags['mlflow.data.context'])];
    });
  }

  /** The condition that rows are of the workspace, where this schema has workspaces. */
  #own(table: string): string {
    return this.#reader.columns(table).has('workspace') ? ` AND workspace = '${this.#workspace.replaceAll("'", "''")}'` : '';
  }

  /** Deleting a version leaves its row behind under an internal stage. */
  #listed(): string {
    const stage = this.#reader.columns('model_versions').has('current_stage') ? " AND (current_stage IS NULL OR current_stage <> 'Deleted_Internal')" : '';
    return stage + this.#own('model_versions');
  }
}

const VERSION_COLUMNS = ['name', 'version', 'creation_time', 'user_id', 'description', 'run_id', 'status'];
