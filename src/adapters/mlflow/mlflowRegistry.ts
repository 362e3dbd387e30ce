import { type AppError, toAppError } from '../../core/base/errors.ts';
import type { ModelVersion, RegisteredModel, Run, VersionDetail } from '../../core/models/model.ts';
import type { AliasChange, ModelQuery, ModelRegistry, Page, PageRequest, RegistryCapabilities } from '../../core/models/registry.ts';
import { checkExpected } from '../../core/models/aliases.ts';
import { loggedModelId, versionDetail, type LoggedModel } from './detail.ts';
import { likeName, nameFilter } from './filters.ts';
import type { MlflowApi } from './mlflowApi.ts';
import { loggedModel, modelVersion, registeredModel, run } from './normalise.ts';
import {
  wireArtifactUri, wireExperiment, wireLoggedModel, wireModels, wireOneModel, wireOneVersion, wireRun, wireVersions, type WireVersion,
} from './wire.ts';

const PAGE_SIZE = 100;

/** MLflow's model registry and tracking server over REST (3.x). */
export class MlflowRegistry implements ModelRegistry {
  readonly kind = 'mlflow';
  readonly capabilities: RegistryCapabilities = { setAlias: true, setTag: true };
  readonly #api: MlflowApi;
  /** Names of experiments do not change often enough to ask for them with each run. */
  readonly #experiments = new Map<string, Promise<string | undefined>>();

  constructor(api: MlflowApi) {
    this.#api = api;
  }

  get location(): string {
    return this.#api.baseUrl;
  }

  async listModels({ name, page, size = PAGE_SIZE }: ModelQuery = {}, signal?: AbortSignal): Promise<Page<RegisteredModel>> {
    const filter = name === undefined || name === '' ? undefined : likeName(name);
    const { registered_models: found, next_page_token: next } = await this.#api.read('/registered-models/search', { filter, max_results: String(size), page_token: page }, wireModels, signal);
    // An empty list is `{}`, which many an API answers that is no MLflow.
    if (found === null || found === undefined) {
      if (page === undefined && !await this.#api.isMlflow(signal)) throw this.#api.notMlflow();
    }
    return { items: (found ?? []).map(registeredModel), ...(next === null || next === undefined || next === '' ? {} : { next }) };
  }

  async readModel(model: string, signal?: AbortSignal): Promise<RegisteredModel> {
    return registeredModel((await this.#api.read('/registered-models/get', { name: model }, wireOneModel, signal)).registered_model);
  }

  async listVersions(model: string, { page, size = PAGE_SIZE }: PageRequest = {}, signal?: AbortSignal): Promise<Page<ModelVersion>> {
    const query = { filter: nameFilter(model), order_by: 'version_number DESC', max_results: String(size), page_token: page };
    const [{ aliases }, answer] = await Promise.all([
      this.readModel(model, signal),
      this.#api.read('/model-versions/search', query, wireVersions, signal),
    ]);
    const items = (answer.model_versions ?? []).filter(({ name }) => name === model)
      .map((wire) => modelVersion(wire, aliases.filter(({ version }) => version === wire.version).map(({ alias }) => alias)));
    const next = answer.next_page_token ?? '';
    return { items, ...(next === '' ? {} : { next }) };
  }

  async readVersion(model: string, versionOrAlias: string, signal?: AbortSignal): Promise<VersionDetail> {
    const wire = await this.#findVersion(model, versionOrAlias, signal);
    const gaps: string[] = [];
    const optional = <T>(what: string, work: Promise<T>): Promise<T | undefined> => work.catch((thrown: unknown) => {
      gaps.push(gapOf(what, toAppError(thrown)));
      return undefined;
    });
    const modelId = loggedModelId(wire.source);
    const [source, mlmodel, artifactUri] = await Promise.all([
      this.#readSource(wire.run_id ?? undefined, modelId, optional, signal),
      this.#api.readArtifact(model, wire.version, 'MLmodel', signal).then((text) => ({ text }), (thrown: unknown) => ({ missing: gapOf('Its MLmodel file', toAppError(thrown)) })),
      optional('The place of its files', this.#readArtifactUri(model, wire.version, signal)),
    ]);
    return versionDetail({ version: modelVersion(wire, wire.aliases ?? []), ...source, artifactUri, mlmodel, gaps });
  }

  async readRun(runId: string, signal?: AbortSignal): Promise<Run> {
    const { run: wire } = await this.#api.read('/runs/get', { run_id: runId }, wireRun, signal);
    const read = run(wire, runId);
    if (read.experiment === undefined) return read;
    const name = await this.#experimentName(read.experiment.id, signal);
    return { ...read, experiment: { id: read.experiment.id, ...(name === undefined ? {} : { name }) } };
  }

  async setAlias(model: string, alias: string, version: string | undefined, expected: string | undefined, signal?: AbortSignal): Promise<AliasChange> {
    const change = checkExpected(await this.readModel(model, signal), alias, version, expected);
    if (change.from === change.to) return change;
    try {
      if (version === undefined) await this.#api.write('DELETE', '/registered-models/alias', { name: model, alias }, signal);
      else await this.#api.write('POST', '/registered-models/alias', { name: model, alias, version }, signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'network' && error.code !== 'timeout') throw error;
      // The answer was lost, not necessarily the request.
      const now = (await this.readModel(model, signal)).aliases.find((entry) => entry.alias === alias)?.version;
      if (now !== version) throw error;
    }
    return change;
  }

  async setVersionTag(model: string, version: string, key: string, value: string, signal?: AbortSignal): Promise<void> {
    await this.#api.write('POST', '/model-versions/set-tag', { name: model, version, key, value }, signal);
  }

  close(): void {
    this.#experiments.clear();
  }

  async #findVersion(model: string, versionOrAlias: string, signal?: AbortSignal): Promise<WireVersion> {
    const byAlias = async (): Promise<WireVersion> => (await this.#api.read('/registered-models/alias', { name: model, alias: versionOrAlias }, wireOneVersion, signal)).model_version;
    if (!/^\d+$/.test(versionOrAlias)) {
      // MLflow answers an alias of an unknown model as an unknown alias.
      return byAlias().catch(async (thrown: unknown) => {
        if (toAppError(thrown).code === 'notFound') await this.readModel(model, signal);
        throw thrown;
      });
    }
    try {
      return (await this.#api.read('/model-versions/get', { name: model, version: versionOrAlias }, wireOneVersion, signal)).model_version;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'notFound') throw error;
      return byAlias().catch(() => Promise.reject(error));
    }
  }

  /** The run and the logged model behind a version; the run may be known only from the logged model. */
  async #readSource(
    runId: string | undefined, modelId: string | undefined,
    optional: <T>(what: string, work: Promise<T>) => Promise<T | undefined>, signal?: AbortSignal,
  ): Promise<{ run: Run | undefined; loggedModel: LoggedModel | undefined }> {
    const reading = modelId === undefined ? Promise.resolve(undefined) : optional(`Its logged model ${modelId}`, this.#readLoggedModel(modelId, signal));
    const known = runId === undefined || runId === '' ? (await reading)?.sourceRunId : runId;
    const [found, logged] = await Promise.all([known === undefined ? undefined : optional(`Its run ${known}`, this.readRun(known, signal)), reading]);
    return { run: found, loggedModel: logged };
  }

  async #readLoggedModel(id: string, signal?: AbortSignal): Promise<LoggedModel> {
    return loggedModel((await this.#api.read(`/logged-models/${encodeURIComponent(id)}`, {}, wireLoggedModel, signal)).model);
  }

  async #readArtifactUri(model: string, version: string, signal?: AbortSignal): Promise<string | undefined> {
    return (await this.#api.read('/model-versions/get-download-uri', { name: model, version }, wireArtifactUri, signal)).artifact_uri ?? undefined;
  }

  /** Undefined where it cannot be read: a run is worth reading without it. */
  #experimentName(id: string, signal?: AbortSignal): Promise<string | undefined> {
    const known = this.#experiments.get(id);
    if (known !== undefined) return known;
    const reading = this.#api.read('/experiments/get', { experiment_id: id }, wireExperiment, signal).then(({ experiment }) => experiment.name ?? undefined, () => {
      this.#experiments.delete(id);
      return undefined;
    });
    this.#experiments.set(id, reading);
    return reading;
  }
}

/** A sentence about a part that could not be read; cancelling is not one. */
function gapOf(what: string, error: AppError): string {
  if (error.code === 'cancelled') throw error;
  if (error.code === 'notFound') return `${what} is not there any more: it was removed from MLflow.`;
  return `${what} cannot be read: ${error.message}`;
}
