import type { ModelVersion, RegisteredModel, Run, VersionDetail } from './model.ts';

/** Part of a list. `next` goes into the following call as `page`; without it the list is complete. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface PageRequest {
  /** `next` of the page before; opaque. */
  readonly page?: string | undefined;
  /** How many items at most; a registry may give fewer. Default: 100. */
  readonly size?: number | undefined;
}

export interface ModelQuery extends PageRequest {
  /** Only models whose name contains this text; upper and lower case count as equal where the registry can. */
  readonly name?: string | undefined;
}

/** What can be changed through this registry; where something cannot, `reason` is a sentence that says why. */
export interface RegistryCapabilities {
  readonly setAlias: boolean;
  readonly setTag: boolean;
  readonly reason?: string;
}

/** A change that was made: `from` is undefined when the alias is new, `to` when it was removed. */
export interface AliasChange {
  readonly model: string;
  readonly alias: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/**
 * A model registry with what it knows of training runs. Every failure is an `AppError`: `notFound` for models, versions, aliases and runs that
 * do not exist, `forbidden` for one call leaves the others working, `conflict` when somebody else moved an alias.
 */
export interface ModelRegistry {
  /** Its key in `modelswitch.yaml`: `mlflow`, `sqlite`, `file`. */
  readonly kind: string;
  /** Address or path, for people; without credentials. */
  readonly location: string;
  readonly capabilities: RegistryCapabilities;

  /** Models by name. One request, or none. */
  listModels(query?: ModelQuery, signal?: AbortSignal): Promise<Page<RegisteredModel>>;
  readModel(model: string, signal?: AbortSignal): Promise<RegisteredModel>;
  /** Newest first. */
  listVersions(model: string, query?: PageRequest, signal?: AbortSignal): Promise<Page<ModelVersion>>;
  /** A version by its number or name, or by an alias; a version goes before an alias of the same name. */
  readVersion(model: string, versionOrAlias: string, signal?: AbortSignal): Promise<VersionDetail>;
  readRun(runId: string, signal?: AbortSignal): Promise<Run>;

  /**
   * Points an alias to a version, or removes it with `version` undefined. `expected` is what the alias names now, undefined when it must
   * be new: looked up right before the write, `conflict` when it is something else. `forbidden` where the registry is read-only.
   */
  setAlias(model: string, alias: string, version: string | undefined, expected: string | undefined, signal?: AbortSignal): Promise<AliasChange>;
  /** Sets one tag of a version; the value before is overwritten. */
  setVersionTag(model: string, version: string, key: string, value: string, signal?: AbortSignal): Promise<void>;
  /** Lets go of files and connections. */
  close(): void;
}
