import type { ModelRegistry } from '../core/models/registry.ts';
import type { RegistryKindName, RegistryTarget } from '../core/workspace/registry.ts';
import type { MlflowCredentials } from './mlflow/credentials.ts';
import { mlflowKind } from './mlflow/kind.ts';
import { mlflowDbKind } from './mlflowDb/kind.ts';
import type { FetchLike } from './node/httpClient.ts';
import { registryFileKind } from './registryFile/kind.ts';

/** What registries are opened with. */
export interface RegistryContext {
  /** Absolute path of the folder that relative paths start from: that of `modelswitch.yaml`. */
  readonly folder: string;
  /** The credential that was meant for an origin, such as `https://mlflow.example.com`. */
  readonly credentialsFor: (origin: string) => MlflowCredentials | undefined;
  readonly fetch: FetchLike;
}

export interface RegistryKind {
  /** Opens nothing yet: the first call does. @throws AppError auth, validation when the target cannot be one */
  open(target: Omit<RegistryTarget, 'range'>, context: RegistryContext): ModelRegistry;
}

/** Every kind of registry by its key in `modelswitch.yaml`. */
const KINDS: Readonly<Record<RegistryKindName, RegistryKind>> = {
  mlflow: mlflowKind,
  file: registryFileKind,
  sqlite: mlflowDbKind,
};

/** The registry that a target names. @throws AppError auth, validation */
export function openRegistry(target: Omit<RegistryTarget, 'range'>, context: RegistryContext): ModelRegistry {
  return KINDS[target.kind].open(target, context);
}
