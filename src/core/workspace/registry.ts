import * as z from 'zod';
import { hasCredentials } from './secrets.ts';
import type { SourceRange } from './source.ts';
import { checkTrackingUrl } from './url.ts';

/** The registry section: which kind, where, and for whom. */
export interface RegistryTarget {
  readonly kind: RegistryKindName;
  /** `mlflow`: origin and path, without a trailing slash; `file` and `sqlite`: a path, relative to the folder of `modelswitch.yaml`. */
  readonly location: string;
  /** MLflow's workspace, on servers that have them. */
  readonly workspace?: string;
  /** Where the location stands. */
  readonly range: SourceRange;
}

function place(description: string, example: string): z.ZodString {
  const expected = `must be text, such as ${example}`;
  return z.string({ error: expected }).min(1, { error: `must not be empty; write for example ${example}` }).meta({ description, examples: [example] });
}

const kinds = {
  mlflow: place('Address of the MLflow server, with its --static-prefix if it has one and without credentials.', 'http://localhost:5000').meta({ pattern: '^https?://[^@]*$' }).optional(),
  file: place('Path of a registry file in this repository.', 'models/registry.yaml').optional(),
  sqlite: place('Path of an MLflow SQLite database, which is read without a server and never written.', 'mlflow.db').optional(),
};

/** The keys that name a registry: adding one here asks for its adapter in adapters/registries.ts. */
export type RegistryKindName = keyof typeof kinds;
export const REGISTRY_KIND_NAMES = Object.keys(kinds) as readonly RegistryKindName[];

const WHICH = 'must name one registry: {mlflow: url}, {file: path} or {sqlite: path}';

export const registrySchema = z.strictObject({
  ...kinds,
  workspace: place('Workspace on the MLflow server, where it has several.', 'team-a').optional(),
}, { error: WHICH }).meta({ description: 'The model registry that holds the versions: {mlflow: url}, {file: path} or {sqlite: path}.' });

/** What is wrong with a section that the schema accepts, or what it says; undefined when the schema has said it. */
export type CheckedRegistry = { readonly target: Omit<RegistryTarget, 'range'>; readonly key: RegistryKindName } | { readonly problem: string; readonly key?: string } | undefined;

/** Reads the content of `registry:`; problems of type have been told by the schema. */
export function readRegistry(section: Readonly<Record<string, unknown>>): CheckedRegistry {
  const named = REGISTRY_KIND_NAMES.filter((kind) => section[kind] !== undefined && section[kind] !== null);
  if (named.length !== 1) return { problem: named.length === 0 ? WHICH : `names ${named.join(' and ')}: keep one of them`, ...(named[1] === undefined ? {} : { key: named[1] }) };
  const [key] = named as [RegistryKindName];
  const location = section[key];
  if (typeof location !== 'string' || location === '') return undefined;
  const workspace = section['workspace'];
  const target = { kind: key, location, ...(typeof workspace === 'string' && workspace !== '' ? { workspace } : {}) };
  if (key === 'mlflow') return mlflowTarget(target);
  return location.includes('\0') ? { problem: 'must be a path', key } : { target, key };
}

function mlflowTarget(target: Omit<RegistryTarget, 'range'>): CheckedRegistry {
  const key = 'mlflow';
  // Credentials in it have been reported as a secret.
  if (hasCredentials(target.location)) return undefined;
  const checked = checkTrackingUrl(target.location);
  if ('problem' in checked) return { problem: checked.problem, key };
  return { target: { ...target, location: checked.url }, key };
}
