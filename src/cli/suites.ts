import { existsSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { AppError } from '../core/base/errors.ts';
import type { VersionDetail } from '../core/models/model.ts';
import type { ModelRegistry } from '../core/models/registry.ts';
import type { Arm, Suite } from '../core/suites/load.ts';
import { SUITE_ENDING, type SubjectContent } from '../core/suites/schema.ts';
import type { ModelMapping, WorkspaceConfig } from '../core/workspace/config.ts';
import { globExpression } from '../adapters/node/globs.ts';
import type { SuiteFile } from '../adapters/suites/suiteFile.ts';
import { suitePaths } from '../adapters/suites/suitesOnDisk.ts';
import type { CliContext } from './context.ts';
import { openCliRegistry } from './registry.ts';

/** Suites by their paths, as given; without any those of modelswitch.yaml, else every one in the folder. @throws AppError validation when there is none */
export async function chosenSuites({ operands, cwd, signal }: Pick<CliContext, 'operands' | 'cwd' | 'signal'>, config: WorkspaceConfig): Promise<readonly string[]> {
  if (operands.length > 0) return operands;
  const patterns = config.models.flatMap(({ suites }) => suites ?? []);
  const found = await suitePaths(cwd, patterns, signal);
  if (found.length === 0) throw new AppError('validation', patterns.length === 0 ? `There is no *${SUITE_ENDING} in this folder: name the suites to run.` : `modelswitch.yaml names the suites ${patterns.join(', ')}, but there is no such file.`);
  return found;
}

/** The model that a suite is about: by its own word, by the mapping that names the file, or the only one. */
function mappingOf({ path }: SuiteFile, suite: Suite, config: WorkspaceConfig, cwd: string): ModelMapping | undefined {
  if (suite.model !== undefined) return config.models.find(({ name }) => name === suite.model);
  const inside = relative(cwd, path).split(sep).join('/');
  const [only, ...others] = config.models;
  return config.models.find(({ suites = [] }) => suites.some((pattern) => globExpression(pattern).test(inside))) ?? (others.length === 0 ? only : undefined);
}

/** What the registry says of a suite's model; nothing is asked until it is needed. */
export class SuiteModel {
  readonly #context: CliContext;
  readonly #config: WorkspaceConfig;
  readonly #mapping: ModelMapping | undefined;
  readonly #file: string;
  readonly #versions = new Map<Arm, Promise<VersionDetail>>();
  #registry: ModelRegistry | undefined;

  constructor(context: CliContext, config: WorkspaceConfig, file: SuiteFile, suite: Suite) {
    this.#context = context;
    this.#config = config;
    this.#file = file.name;
    this.#mapping = mappingOf(file, suite, config, context.cwd);
  }

  /** @throws AppError validation where the suite belongs to no model of the registry */
  get registered(): { readonly model: string; readonly mapping: ModelMapping; readonly registry: ModelRegistry } {
    const mapping = this.#mapping;
    if (mapping?.registeredModel === undefined) throw new AppError('validation', `${this.#file} belongs to no registered model: let a model of modelswitch.yaml name it under suites, and its registered_model.`);
    this.#registry ??= openCliRegistry(this.#context, this.#config);
    return { model: mapping.registeredModel, mapping, registry: this.#registry };
  }

  /** The version behind an arm. @throws AppError of the registry */
  version(arm: Arm): Promise<VersionDetail> {
    const { model, mapping, registry } = this.registered;
    const known = this.#versions.get(arm) ?? registry.readVersion(model, mapping[arm], this.#context.signal);
    this.#versions.set(arm, known);
    return known;
  }

  /** Whether `modelswitch.yaml` says which registered model this is. */
  get isMapped(): boolean {
    return this.#mapping?.registeredModel !== undefined;
  }

  /** What `mlflow models serve` needs to serve an arm's version. @throws AppError validation for a registry that MLflow cannot read */
  async served(arm: Arm): Promise<{ readonly model: string; readonly version: string; readonly trackingUri: string }> {
    const { model, registry } = this.registered;
    if (registry.kind === 'file') throw new AppError('validation', `${registry.location} is a registry file, whose versions MLflow cannot serve: name the subject by python, exec or http.`);
    const { version } = await this.version(arm);
    return { model, version, trackingUri: registry.kind === 'sqlite' ? `sqlite:///${resolve(registry.location)}` : registry.location };
  }

  close(): void {
    this.#registry?.close();
  }
}

/** The Python of a run: `--python`, the folder's `.venv`, `python3`. */
export function pythonOf(cwd: string, given: string | undefined): string {
  if (given !== undefined) return given;
  const own = process.platform === 'win32' ? join(cwd, '.venv', 'Scripts', 'python.exe') : join(cwd, '.venv', 'bin', 'python');
  return existsSync(own) ? own : 'python3';
}

/** Folder of the scripts that Modelswitch ships: beside the bundle, or where the sources have them. */
export function scriptsFolder(): string {
  const [bundled, sources] = [join(import.meta.dirname, 'python'), join(import.meta.dirname, '..', '..', 'media', 'python')];
  return existsSync(bundled) ? bundled : sources;
}

/** What `--subject` says: an arm of the suite, or another subject in the place of its own. @throws AppError validation */
export function chosenSubject(suite: Suite, given: string | undefined, file: string): { readonly arm: Arm; readonly content: SubjectContent } {
  const { candidate, current } = suite.subjects;
  if (given === 'candidate' || given === 'current' || given === undefined) {
    const arm = given ?? (candidate === undefined && current !== undefined ? 'current' : 'candidate');
    const content = suite.subjects[arm];
    if (content === undefined) throw new AppError('validation', `${file} names no ${given === undefined ? '' : `${given} `}subject: add it to the suite, or give --subject with an address, python:module:function or registry:candidate.`);
    return { arm, content };
  }
  const own = candidate ?? {};
  if (/^https?:/i.test(given)) return { arm: 'candidate', content: { ...(own.http === undefined ? {} : own), http: given } };
  const [, kind, rest = ''] = /^(python|registry):(.+)$/.exec(given) ?? [];
  if (kind === 'python') return { arm: 'candidate', content: { ...(own.python === undefined ? {} : own), python: rest } };
  if (kind === 'registry' && (rest === 'candidate' || rest === 'current')) return { arm: rest, content: { ...(own.registry === undefined ? {} : own), registry: rest } };
  throw new AppError('validation', `--subject takes candidate, current, an address, python:module:function, registry:candidate or registry:current, not "${given}".`);
}
