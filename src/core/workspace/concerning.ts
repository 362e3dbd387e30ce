import type { WorkspaceConfig, WorkspaceFile } from './config.ts';
import type { Problem } from './source.ts';

/** Sections that no verdict about a model reads. */
const ASIDE: ReadonlySet<unknown> = new Set(['personas', 'callsites']);

/** Which models a question is about; what is not given means all of them. */
export interface MeantModels {
  readonly model?: string | undefined;
  readonly flag?: string | undefined;
  /** The keys of a model that the answer goes by. */
  readonly keys?: readonly string[] | undefined;
}

/** What the guard goes by of a model. What it raises by itself passes the gates, which know of every error. */
const GUARDED: ReadonlySet<unknown> = new Set(['flag', 'switches', 'variants', 'plan', 'guard', 'quality', 'current', 'candidate', 'registered_model']);
/** What of `quality:` is looked at by people only. */
const UNGUARDED: readonly (readonly string[])[] = [['drift'], ['skew'], ['by'], ['source', 'prometheus', 'latency'], ['source', 'prometheus', 'slices']];

/** What keeps releases from being guarded. */
export interface GuardHindrances {
  /** Those of no model: nothing is guarded. */
  readonly general: readonly Problem[];
  /** By the model's name; the others are guarded. */
  readonly models: ReadonlyMap<string, readonly Problem[]>;
}

/** The errors by which the guard would guard something that nobody wrote. */
export function guardHindrances(file: WorkspaceFile, meant: Omit<MeantModels, 'keys'>): GuardHindrances {
  const [general, models]: [Problem[], Map<string, Problem[]>] = [[], new Map<string, Problem[]>()];
  for (const problem of hindering(file, meant)) {
    const [section, model, key, ...below] = problem.path ?? [];
    if (file.config !== undefined && section === 'registry') continue;
    if (file.config === undefined || section !== 'models' || model === undefined) general.push(problem);
    // A key that nobody knows is an error only where one that is guarded by was meant.
    else if (isGuarded(file.config, String(model), problem.code === 'unknownKey' && below.length === 0 ? undefined : key, below)) models.set(String(model), [...models.get(String(model)) ?? [], problem]);
  }
  return { general, models };
}

function isGuarded({ models, features = [] }: WorkspaceConfig, model: string, key: string | number | undefined, below: readonly (string | number)[]): boolean {
  if (features.some(({ name }) => name === model) || (key !== undefined && !GUARDED.has(key))) return false;
  // Where all of it could not be read, the guard has none of it.
  const isRead = models.find(({ name }) => name === model)?.quality !== undefined;
  return key !== 'quality' || !isRead || !UNGUARDED.some((aside) => aside.every((step, index) => below[index] === step));
}

/**
 * The errors of a file by which a verdict about the models that are meant would be another one: metrics, guardrails and sections that cannot be read are left out of
 * the configuration, so whoever decides by the rest decides by something that nobody wrote. What is wrong with other models, personas and call sites is none of them.
 */
export function hindering({ config, problems }: WorkspaceFile, meant: MeantModels): readonly Problem[] {
  return problems.filter((problem) => problem.severity === 'error' && (config === undefined || concerns(problem, config, meant)));
}

function concerns({ code, path }: Problem, config: WorkspaceConfig, meant: MeantModels): boolean {
  // A token in a comment changes nothing of what is read.
  if (path === undefined) return code !== 'secret';
  const [section, model, key] = path;
  if (ASIDE.has(section)) return false;
  return section !== 'models' || model === undefined || isMeant(String(model), key, config, meant);
}

/** What cannot be read may be what is meant: a model without a readable flag may be switched by any. */
function isMeant(name: string, key: string | number | undefined, { models, features = [] }: WorkspaceConfig, { model, flag, keys }: MeantModels): boolean {
  if (keys !== undefined && key !== undefined && !keys.includes(String(key))) return false;
  if (features.some((each) => each.name === name)) return true;
  if (model !== undefined && model !== name) return false;
  const mapped = models.find((each) => each.name === name);
  if (flag === undefined || mapped === undefined) return true;
  return mapped.switches.some((each) => each.flag === flag) || key === undefined || key === 'flag' || key === 'switches';
}
