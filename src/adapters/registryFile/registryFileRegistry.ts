import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { AppError, throwIfCancelled, toAppError } from '../../core/base/errors.ts';
import { checkExpected } from '../../core/models/aliases.ts';
import type { ArtifactFacts, ModelVersion, RegisteredModel, Run, VersionDetail } from '../../core/models/model.ts';
import type { AliasChange, ModelQuery, ModelRegistry, Page, PageRequest, RegistryCapabilities } from '../../core/models/registry.ts';
import { loadRegistryFile, type RegistryFile } from '../../core/models/registryFile.ts';
import { setEntry } from '../../core/models/yamlEdit.ts';
import { firstProblem } from '../../core/models/yamlFile.ts';

const PAGE_SIZE = 100;

type Entry = RegistryFile['models'][number];

export interface RegistryFileOptions {
  /** Absolute path of the file. */
  readonly path: string;
  /** The folder that the paths of artifacts are relative to. */
  readonly folder: string;
}

/** A registry file in the repository. Its history is that of the repository: changes are written to the file and committed by people. */
export class RegistryFileRegistry implements ModelRegistry {
  readonly kind = 'file';
  readonly capabilities: RegistryCapabilities = { setAlias: true, setTag: true };
  readonly #options: RegistryFileOptions;
  /** Digests by path, size and time of change: a large file is read once. */
  readonly #digests = new Map<string, string>();

  constructor(options: RegistryFileOptions) {
    this.#options = options;
  }

  get location(): string {
    return this.#options.path;
  }

  async listModels({ name, page, size = PAGE_SIZE }: ModelQuery = {}, signal?: AbortSignal): Promise<Page<RegisteredModel>> {
    const { models } = await this.#load(signal);
    const wanted = (name ?? '').toLowerCase();
    return pageOf(models.map(({ model }) => model).filter((model) => model.name.toLowerCase().includes(wanted)), ({ name: key }) => key, page, size);
  }

  async readModel(model: string, signal?: AbortSignal): Promise<RegisteredModel> {
    return (await this.#entry(model, signal)).model;
  }

  async listVersions(model: string, { page, size = PAGE_SIZE }: PageRequest = {}, signal?: AbortSignal): Promise<Page<ModelVersion>> {
    return pageOf((await this.#entry(model, signal)).versions.map(listed), ({ version }) => version, page, size);
  }

  async readVersion(model: string, versionOrAlias: string, signal?: AbortSignal): Promise<VersionDetail> {
    const entry = await this.#entry(model, signal);
    const aliased = entry.model.aliases.find(({ alias }) => alias === versionOrAlias)?.version;
    const found = entry.versions.find(({ version }) => version === versionOrAlias) ?? entry.versions.find(({ version }) => version === aliased);
    if (found === undefined) throw new AppError('notFound', `The model ${model} has no version or alias "${versionOrAlias}" in ${this.location}.`);
    if (found.artifact === undefined) return found;
    const { artifact, gap } = await this.#artifact(found.artifact, signal);
    return { ...found, artifact, gaps: gap === undefined ? found.gaps : [...found.gaps, gap] };
  }

  async readRun(runId: string, signal?: AbortSignal): Promise<Run> {
    const { models } = await this.#load(signal);
    const run = models.flatMap(({ versions }) => versions).find((version) => version.run?.id === runId)?.run;
    if (run === undefined) throw new AppError('notFound', `${this.location} has no run ${runId}.`);
    return run;
  }

  async setAlias(model: string, alias: string, version: string | undefined, expected: string | undefined, signal?: AbortSignal): Promise<AliasChange> {
    const entry = await this.#entry(model, signal);
    const change = checkExpected(entry.model, alias, version, expected);
    if (version !== undefined) requireVersion(entry, version, this.location);
    if (change.from !== change.to) await this.#edit((text) => setEntry(text, ['models', model, 'aliases'], alias, version), signal);
    return change;
  }

  async setVersionTag(model: string, version: string, key: string, value: string, signal?: AbortSignal): Promise<void> {
    const entry = await this.#entry(model, signal);
    requireVersion(entry, version, this.location);
    // The file lists them oldest first.
    const index = entry.versions.toReversed().findIndex((each) => each.version === version);
    await this.#edit((text) => setEntry(text, ['models', model, 'versions', index, 'tags'], key, value), signal);
  }

  close(): void {
    this.#digests.clear();
  }

  async #text(signal?: AbortSignal): Promise<string> {
    try {
      return await readFile(this.location, { encoding: 'utf8', ...(signal === undefined ? {} : { signal }) });
    } catch (thrown) {
      throwIfCancelled(signal);
      const missing = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
      throw new AppError(missing ? 'notFound' : 'validation', missing ? `There is no registry file ${this.location}: create it with version: 1 and models:, or name another registry in modelswitch.yaml.` : `${this.location} cannot be read: ${toAppError(thrown).message}`, {}, thrown);
    }
  }

  async #load(signal?: AbortSignal): Promise<RegistryFile> {
    return this.#parse(await this.#text(signal));
  }

  #parse(text: string): RegistryFile {
    const { file, problems } = loadRegistryFile(text);
    if (file === undefined) throw new AppError('validation', `${this.location} cannot be read: ${firstProblem(problems) ?? 'it is empty'}`, { reason: 'registryFile' });
    return file;
  }

  async #entry(model: string, signal?: AbortSignal): Promise<Entry> {
    const found = (await this.#load(signal)).models.find((entry) => entry.model.name === model);
    if (found === undefined) throw new AppError('notFound', `${this.location} has no model "${model}".`);
    return found;
  }

  /** Replaces the file as a whole, so that nobody reads half of it; behind a link, the file that it names. */
  async #edit(change: (text: string) => string, signal?: AbortSignal): Promise<void> {
    const before = await this.#text(signal);
    const after = change(before);
    this.#parse(after);
    const path = await realpath(this.location);
    const draft = `${path}.${process.pid}.tmp`;
    const { mode } = await stat(path);
    try {
      await writeFile(draft, after, { mode });
      if (await readFile(path, 'utf8') !== before) throw new AppError('conflict', `${this.location} was changed meanwhile: nothing was written.`, { reason: 'compareAndSet' });
      await rename(draft, path);
    } catch (thrown) {
      await rm(draft, { force: true });
      throw thrown instanceof AppError ? thrown : new AppError('forbidden', `${this.location} cannot be written: ${toAppError(thrown).message}`, {}, thrown);
    }
  }

  /** What the file itself says, beside what is recorded of it. */
  async #artifact(recorded: ArtifactFacts, signal?: AbortSignal): Promise<{ artifact: ArtifactFacts; gap?: string }> {
    const path = localPath(this.#options.folder, recorded.uri);
    if (path === undefined) return { artifact: recorded };
    try {
      const { size, mtimeMs } = await stat(path);
      const sha256 = await this.#digest(path, `${path}\0${size}\0${mtimeMs}`, signal);
      const artifact = { uri: recorded.uri, sizeBytes: size, sha256 };
      if (recorded.sha256 === undefined || recorded.sha256 === sha256) return { artifact };
      return { artifact, gap: `${recorded.uri} is not the file that was registered: its sha256 is ${sha256}, the registry file says ${recorded.sha256}.` };
    } catch {
      throwIfCancelled(signal);
      return { artifact: recorded, gap: `${recorded.uri} cannot be read here: it may have to be pulled, for example with dvc pull.` };
    }
  }

  async #digest(path: string, key: string, signal?: AbortSignal): Promise<string> {
    const digest = this.#digests.get(key) ?? await sha256Of(path, signal);
    this.#digests.set(key, digest);
    return digest;
  }
}

function requireVersion({ model, versions }: Entry, version: string, location: string): void {
  if (!versions.some((each) => each.version === version)) throw new AppError('notFound', `The model ${model.name} has no version ${version} in ${location}.`);
}

/** A version as a list shows it. */
function listed({ model, version, aliases, status, description, tags, createdAt, user, runId }: VersionDetail): ModelVersion {
  return {
    model, version, aliases, status, description, tags,
    ...(createdAt === undefined ? {} : { createdAt }), ...(user === undefined ? {} : { user }), ...(runId === undefined ? {} : { runId }),
  };
}

/** The page behind the item of this key. */
function pageOf<T>(all: readonly T[], key: (item: T) => string, after: string | undefined, size: number): Page<T> {
  const start = after === undefined ? 0 : all.findIndex((item) => key(item) === after) + 1;
  const items = all.slice(start, start + size);
  const last = items.at(-1);
  return { items, ...(start + size < all.length && last !== undefined ? { next: key(last) } : {}) };
}

/** The absolute path of an artifact inside the folder; undefined for addresses and for what is elsewhere. */
function localPath(folder: string, uri: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]+:/i.test(uri) || isAbsolute(uri)) return undefined;
  const path = resolve(folder, uri);
  return relative(folder, path).startsWith('..') ? undefined : path;
}

async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, signal === undefined ? {} : { signal })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
