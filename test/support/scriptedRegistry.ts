import { AppError } from '../../src/core/base/errors.ts';
import { checkExpected } from '../../src/core/models/aliases.ts';
import type { ModelVersion, RegisteredModel, Run, VersionDetail } from '../../src/core/models/model.ts';
import type { AliasChange, ModelQuery, ModelRegistry, Page, PageRequest } from '../../src/core/models/registry.ts';

interface Entry { aliases: Map<string, string>; versions: number; tags: Map<string, Record<string, string>> }

/** A registry that counts what it is asked, and fails on demand: the counts and faults are what is tested. */
export class ScriptedRegistry implements ModelRegistry {
  readonly kind = 'scripted';
  readonly location = 'nowhere';
  readonly capabilities = { setAlias: true, setTag: true };
  readonly asked: string[] = [];
  readonly models = new Map<string, Entry>();
  failing: AppError | undefined;
  failingOn: RegExp | undefined;
  closed = false;

  add(name: string, versions: number): void {
    this.models.set(name, { aliases: new Map([['champion', '1']]), versions, tags: new Map() });
  }
  alias(name: string, alias: string, version: string): void {
    this.#entry(name).aliases.set(alias, version);
  }
  tag(name: string, version: string, key: string, value: string): void {
    this.#entry(name).tags.set(version, { [key]: value });
  }
  listModels({ page = '0', size = 100 }: ModelQuery = {}): Promise<Page<RegisteredModel>> {
    return this.#answer(`models ${page}+${size}`, () => pageOf([...this.models.keys()].map((name) => this.#model(name)), page, size));
  }
  readModel(name: string): Promise<RegisteredModel> {
    return this.#answer(`model ${name}`, () => this.#model(name));
  }
  listVersions(name: string, { page = '0', size = 100 }: PageRequest = {}): Promise<Page<ModelVersion>> {
    return this.#answer(`versions ${name} ${page}+${size}`, () => {
      const { versions } = this.#entry(name);
      return pageOf(Array.from({ length: versions }, (_, index) => this.#version(name, String(versions - index))), page, size);
    });
  }
  readVersion(name: string, versionOrAlias: string): Promise<VersionDetail> {
    return this.#answer(`version ${name} ${versionOrAlias}`, () => {
      const entry = this.#entry(name);
      const version = Number(versionOrAlias) <= entry.versions ? versionOrAlias : entry.aliases.get(versionOrAlias);
      if (version === undefined) throw new AppError('notFound', `${name} has no ${versionOrAlias}`);
      return { ...this.#version(name, version), params: {}, metrics: {}, datasets: [], code: {}, signature: { kind: 'missing', reason: 'none' }, evidence: {}, gaps: [] };
    });
  }
  readRun(id: string): Promise<Run> {
    return this.#answer(`run ${id}`, () => { throw new AppError('notFound', 'no runs'); });
  }
  setAlias(model: string, alias: string, version: string | undefined, expected: string | undefined): Promise<AliasChange> {
    return this.#answer(`alias ${model} ${alias}`, () => {
      const change = checkExpected(this.#model(model), alias, version, expected);
      if (version === undefined) this.#entry(model).aliases.delete(alias);
      else this.alias(model, alias, version);
      return change;
    });
  }
  setVersionTag(model: string, version: string, key: string, value: string): Promise<void> {
    return this.#answer(`tag ${model}`, () => this.tag(model, version, key, value));
  }
  close(): void {
    this.closed = true;
  }

  async #answer<T>(request: string, answer: () => T): Promise<T> {
    this.asked.push(request);
    await Promise.resolve();
    if (this.failing !== undefined) throw this.failing;
    if (this.failingOn?.test(request) === true) throw new AppError('forbidden', 'not yours');
    return answer();
  }
  #entry(name: string): Entry {
    const entry = this.models.get(name);
    if (entry === undefined) throw new AppError('notFound', `no model ${name}`);
    return entry;
  }
  #model(name: string): RegisteredModel {
    return { name, description: '', aliases: [...this.#entry(name).aliases].map(([alias, version]) => ({ alias, version })), tags: {}, latestVersion: String(this.#entry(name).versions) };
  }
  #version(model: string, version: string): ModelVersion {
    const { aliases, tags } = this.#entry(model);
    return { model, version, aliases: [...aliases].filter(([, each]) => each === version).map(([alias]) => alias), status: 'ready', description: '', tags: tags.get(version) ?? {} };
  }
}

function pageOf<T>(items: readonly T[], page: string, size: number): Page<T> {
  const from = Number(page);
  return { items: items.slice(from, from + size), ...(from + size < items.length ? { next: String(from + size) } : {}) };
}
