import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../core/base/errors.ts';
import type { ModelRegistry } from '../core/models/registry.ts';
import type { MeantModels } from '../core/workspace/concerning.ts';
import type { WorkspaceConfig } from '../core/workspace/config.ts';
import type { RegistryTarget } from '../core/workspace/registry.ts';
import { checkTrackingUrl } from '../core/workspace/url.ts';
import { DEFAULT_REGISTRY_FILE, environmentRegistry, registryProblem } from '../core/workspace/registryChoice.ts';
import { environmentCredentials } from '../adapters/mlflow/credentials.ts';
import { openRegistry } from '../adapters/registries.ts';
import { CONFIGURATION_FILE, readWorkspace, refuseProblems } from './configuration.ts';
import type { CliContext } from './context.ts';

type Target = Omit<RegistryTarget, 'range'>;

/**
 * What can be read of the folder's `modelswitch.yaml`, empty when there is none. With `meant`, for a command that decides by it, what is wrong there ends it.
 * @throws AppError validation, in any case when its registry section is wrong
 */
export async function readConfiguration(context: CliContext, meant?: MeantModels): Promise<WorkspaceConfig> {
  const file = await readWorkspace(context, context.cwd);
  if (meant !== undefined) refuseProblems(context, file, meant);
  const wrong = file === undefined ? undefined : registryProblem(file);
  if (wrong !== undefined) throw new AppError('validation', `${CONFIGURATION_FILE}:${wrong.range.start.line + 1}: ${wrong.message}`);
  return file?.config ?? { models: [], personas: [] };
}

/**
 * The registry that a command asks: `--registry`, then the file's, then MLFLOW_TRACKING_URI, then `models/registry.yaml`. The credentials of
 * the environment go to the origin of MLFLOW_TRACKING_URI only; a file that names another origin ends with an error before any request.
 * @throws AppError validation
 */
export function openCliRegistry({ options, env, cwd }: CliContext, config: WorkspaceConfig): ModelRegistry {
  const meant = env['MLFLOW_TRACKING_URI'] ?? '';
  const open = (target: Target, folder = cwd): ModelRegistry => openRegistry(target, { folder, credentialsFor: environmentCredentials(env), fetch: (url, init) => fetch(url, init) });
  if (options.registry !== undefined) {
    const target = targetOf(options.registry);
    // A path that somebody types may lead anywhere; the file's own folder stands for the repository.
    return target.kind === 'file' ? open({ ...target, location: resolve(cwd, target.location) }, dirname(resolve(cwd, target.location))) : open(target);
  }
  if (config.registry !== undefined) {
    refuseOtherOrigin(config.registry, meant);
    return open(config.registry);
  }
  const fromEnvironment = environmentRegistry(meant);
  if (fromEnvironment !== undefined && 'problem' in fromEnvironment) throw new AppError('validation', fromEnvironment.problem);
  if (fromEnvironment !== undefined) return open(fromEnvironment);
  if (existsSync(join(cwd, DEFAULT_REGISTRY_FILE))) return open({ kind: 'file', location: DEFAULT_REGISTRY_FILE });
  throw new AppError('validation', `No registry: give --registry, name one in ${CONFIGURATION_FILE} (registry: {mlflow: url}), or set MLFLOW_TRACKING_URI.`);
}

/** `--registry` by its look: an address, a YAML file, or a database (also as sqlite:///path). */
function targetOf(written: string): Target {
  if (/^https?:/i.test(written)) return { kind: 'mlflow', location: trackingUrl(written) };
  if (/\.ya?ml$/i.test(written)) return { kind: 'file', location: written };
  if (/^sqlite:/i.test(written) || /\.(?:db|sqlite3?)$/i.test(written)) return { kind: 'sqlite', location: written.replace(/^sqlite:(?:\/\/\/?)?/i, '') };
  throw new AppError('validation', `--registry takes the address of an MLflow server, a registry file (.yaml) or an MLflow database (.db), not "${written}".`);
}

function trackingUrl(written: string): string {
  const checked = checkTrackingUrl(written);
  if ('problem' in checked) throw new AppError('validation', `--registry ${checked.problem}.`);
  return checked.url;
}

function refuseOtherOrigin({ kind, location }: RegistryTarget, meant: string): void {
  if (kind !== 'mlflow' || !/^https?:/.test(meant)) return;
  const [wanted, allowed] = [new URL(location).origin, URL.parse(meant)?.origin];
  if (wanted === allowed) return;
  throw new AppError('validation', `${CONFIGURATION_FILE} names the registry ${wanted}, but MLFLOW_TRACKING_URI is ${allowed ?? 'no address'}: nothing was sent.`, { reason: 'otherOrigin' });
}
