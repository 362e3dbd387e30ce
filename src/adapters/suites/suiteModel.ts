import { resolve } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import type { VersionDetail } from '../../core/models/model.ts';
import type { ModelRegistry } from '../../core/models/registry.ts';
import type { Arm, Suite } from '../../core/suites/load.ts';
import type { ModelMapping, WorkspaceConfig } from '../../core/workspace/config.ts';
import { credentialVariables, type MlflowCredentials } from '../mlflow/credentials.ts';
import { globExpression } from '../node/globs.ts';
import type { RegisteredVersion } from './subjects.ts';

/** The model that a suite is about: by its own word, by the mapping that names the file, or the only one. `path`: by the folder of `modelswitch.yaml`. */
export function mappingOf(path: string, suite: Pick<Suite, 'model'>, { models }: Pick<WorkspaceConfig, 'models'>): ModelMapping | undefined {
  if (suite.model !== undefined) return models.find(({ name }) => name === suite.model);
  const [only, ...others] = models;
  return models.find(({ suites = [] }) => suites.some((pattern) => globExpression(pattern).test(path))) ?? (others.length === 0 ? only : undefined);
}

export interface SuiteModelParts {
  /** Path of the suite by the folder of `modelswitch.yaml`. */
  readonly path: string;
  readonly folder: string;
  readonly mapping: ModelMapping | undefined;
  readonly registry: () => Promise<ModelRegistry>;
  /** Versions that stand in for those of the mapping. */
  readonly versions?: Readonly<Partial<Record<Arm, string>>>;
  /** What signs in at an origin; nothing where that is another one than the credentials are for. */
  readonly credentials: (origin: string) => Promise<MlflowCredentials | undefined>;
}

/** What the registry says of a suite's model; nothing is asked until it is needed. */
export class SuiteModel {
  readonly #parts: SuiteModelParts;
  readonly #signal: AbortSignal;
  readonly #versions = new Map<Arm, Promise<VersionDetail>>();

  constructor(parts: SuiteModelParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Whether `modelswitch.yaml` says which registered model this is. */
  get isMapped(): boolean {
    return this.#parts.mapping?.registeredModel !== undefined;
  }

  /** The registered model's name. @throws AppError validation where the suite belongs to none */
  get registered(): string {
    const name = this.#parts.mapping?.registeredModel;
    if (name === undefined) throw new AppError('validation', `${this.#parts.path} belongs to no registered model: let a model of modelswitch.yaml name it under suites, and its registered_model.`);
    return name;
  }

  registry(): Promise<ModelRegistry> {
    return this.#parts.registry();
  }

  /** The version behind an arm. @throws AppError of the registry */
  version(arm: Arm): Promise<VersionDetail> {
    const read = async (): Promise<VersionDetail> => {
      const { registered } = this;
      const { mapping, versions, registry } = this.#parts;
      return (await registry()).readVersion(registered, versions?.[arm] ?? mapping?.[arm] ?? arm, this.#signal);
    };
    const known = this.#versions.get(arm) ?? read();
    this.#versions.set(arm, known);
    return known;
  }

  /** What `mlflow models serve` needs to serve an arm's version. @throws AppError validation for a registry that MLflow cannot read */
  async served(arm: Arm): Promise<RegisteredVersion> {
    const { registered: model } = this;
    const registry = await this.registry();
    if (registry.kind === 'file') throw new AppError('validation', `${registry.location} is a registry file, whose versions MLflow cannot serve: name the subject by python, exec or http.`);
    const { version } = await this.version(arm);
    const origin = registry.kind === 'mlflow' ? URL.parse(registry.location)?.origin : undefined;
    const env = credentialVariables(origin === undefined ? undefined : await this.#parts.credentials(origin));
    return { model, version, trackingUri: registry.kind === 'sqlite' ? `sqlite:///${resolve(this.#parts.folder, registry.location)}` : registry.location, env };
  }
}
