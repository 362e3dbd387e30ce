import type { WorkspaceFile } from './config.ts';
import type { RegistryTarget } from './registry.ts';
import type { Problem } from './source.ts';
import { checkTrackingUrl } from './url.ts';

/** The registry of a repository that names none. */
export const DEFAULT_REGISTRY_FILE = 'models/registry.yaml';

/** What keeps the registry section from being read: another registry than the one that was meant would answer with other versions. */
export function registryProblem({ config, problems }: WorkspaceFile): Problem | undefined {
  if (config?.registry !== undefined) return undefined;
  return problems.find(({ severity, path }) => severity === 'error' && (config === undefined || path?.[0] === 'registry'));
}

/** @param trackingUri MLFLOW_TRACKING_URI of the environment, or nothing */
export function environmentRegistry(trackingUri: string): Omit<RegistryTarget, 'range'> | { readonly problem: string } | undefined {
  if (!/^https?:/.test(trackingUri)) return undefined;
  const checked = checkTrackingUrl(trackingUri);
  return 'problem' in checked ? { problem: `MLFLOW_TRACKING_URI ${checked.problem}.` } : { kind: 'mlflow', location: checked.url };
}
