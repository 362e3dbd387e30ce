import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, toAppError } from '../core/base/errors.ts';
import type { Lineage } from '../core/models/lineage.ts';
import { checkLock, digestOf, LOCK_FILE, lockVersion, readLock, type ApplicationChange, type Bundle, type LockedModel, type LockedVersion, type LockFinding } from '../core/models/lock.ts';
import type { VersionDetail } from '../core/models/model.ts';
import type { ModelRegistry } from '../core/models/registry.ts';
import type { ModelMapping, WorkspaceConfig } from '../core/workspace/config.ts';
import { Hasher } from '../adapters/dvc/hasher.ts';
import { globExpression } from '../adapters/node/globs.ts';
import { lineageOf as versionLineage, repositoryOf } from '../adapters/lineages.ts';
import { sourceFiles } from '../adapters/node/sourceFiles.ts';

export interface BundleContext {
  /** Folder of `modelswitch.yaml`. */
  readonly cwd: string;
  readonly signal: AbortSignal;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** One for the command: several versions come from the same data. */
const hasher = new Hasher();

/** The lineage of a version of a mapped model, or of one that no mapping names. */
export function lineageOf({ cwd, signal }: BundleContext, mapping: ModelMapping | undefined, detail: VersionDetail): Promise<Lineage> {
  return versionLineage(cwd, mapping, detail, hasher, signal);
}

/** What a lock would say now. @throws AppError of the registry; validation when no model is mapped to it */
export async function currentBundle(context: BundleContext, config: WorkspaceConfig, registry: ModelRegistry): Promise<Bundle> {
  const mapped = config.models.filter(({ registeredModel }) => registeredModel !== undefined);
  if (mapped.length === 0) throw new AppError('validation', 'Nothing to lock: no model in modelswitch.yaml names its registered_model.');
  const repository = await repositoryOf(context.cwd, context.signal);
  const head = 'reason' in repository ? undefined : await repository.head(context.signal);
  const models: Record<string, LockedModel> = {};
  for (const mapping of mapped) models[mapping.name] = await lockedModel(context, mapping, registry);
  return { ...(head === undefined ? {} : { application: head }), models };
}

async function lockedModel(context: BundleContext, mapping: ModelMapping, registry: ModelRegistry): Promise<LockedModel> {
  const registered = mapping.registeredModel ?? mapping.name;
  const read = async (name: string): Promise<LockedVersion> => {
    const detail = await registry.readVersion(registered, name, context.signal);
    return lockVersion(detail, (await lineageOf(context, mapping, detail)).data, sha256);
  };
  const current = await read(mapping.current);
  // Between two releases there is no candidate.
  const candidate = await read(mapping.candidate).catch((error: unknown) => {
    if (toAppError(error).code === 'notFound') return undefined;
    throw error;
  });
  const suites = await suiteDigest(context, mapping.suites ?? []);
  return { registered, current, ...(candidate === undefined ? {} : { candidate }), ...(suites === undefined ? {} : { suites }) };
}

/** Digest of the suites' names and contents. @throws AppError validation when a pattern finds no file */
async function suiteDigest({ cwd, signal }: BundleContext, patterns: readonly string[]): Promise<string | undefined> {
  if (patterns.length === 0) return undefined;
  const { paths: files } = await sourceFiles(cwd, { endings: ['.yaml', '.yml'], signal });
  const chosen = new Set<string>();
  for (const pattern of patterns) {
    const found = files.filter((file) => globExpression(pattern).test(file));
    if (found.length === 0) throw new AppError('validation', `modelswitch.yaml names the suites ${pattern}, but there is no such file.`);
    for (const file of found) chosen.add(file);
  }
  return digestOf(await Promise.all([...chosen].map(async (file) => `${file} ${sha256(await readFile(join(cwd, file), 'utf8'))}`)), sha256);
}

/** Files of the application that changed between the locked commit and HEAD. */
async function applicationChange({ cwd, signal }: BundleContext, locked: string | undefined): Promise<ApplicationChange> {
  const repository = await repositoryOf(cwd, signal);
  if ('reason' in repository) return { files: [], ...(locked === undefined ? {} : { unknown: repository.reason }) };
  const head = await repository.head(signal);
  if (locked === undefined || head === undefined) return { files: [], unknown: `${LOCK_FILE} names no commit of the application: run \`modelswitch lock\` in its git repository.` };
  const commit = await repository.commit(locked, signal);
  if (commit.kind === 'unknown') return { files: [], unknown: commit.reason };
  return { files: (await repository.changedFiles(commit.commit.id, head, [], signal)).filter((file) => file !== LOCK_FILE) };
}

/**
 * What is no longer as `modelswitch.lock` says; undefined when there is no lock.
 * @throws AppError validation when the lock cannot be read, and what the registry throws
 */
export async function lockFindings(context: BundleContext, config: WorkspaceConfig, registry: ModelRegistry): Promise<LockFinding[] | undefined> {
  let text: string;
  try {
    text = await readFile(join(context.cwd, LOCK_FILE), 'utf8');
  } catch {
    return undefined;
  }
  const { bundle, problems } = readLock(text);
  if (bundle === undefined) throw new AppError('validation', problems[0]?.message ?? `${LOCK_FILE} cannot be read.`);
  return checkLock(bundle, await currentBundle(context, config, registry), await applicationChange(context, bundle.application));
}
