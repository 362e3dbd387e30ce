import type { HashKind, LockedItem, LockedStage, PipelineLock } from './pipelineLock.ts';
import type { PipelineFile, StageDefinition, StageItem, StageParams } from './pipelineStages.ts';
import { fileValues, NotEvaluated, type Texts } from './pipelineTemplates.ts';
import { sameValue, valueAt, type Value } from './pipelineValues.ts';

/** What stands at a path now. */
export type HashNow =
  | { readonly hash: string; readonly size: number }
  | { readonly missing: true }
  /** A sentence: why it could not be hashed. */
  | { readonly problem: string };

/** Hashes by `hashKey`. */
export type HashesNow = ReadonlyMap<string, HashNow>;

export interface HashRequest {
  /** Relative to the pipeline's folder. */
  readonly location: string;
  readonly kind: Exclude<HashKind, 'other'>;
}

export function hashKey({ location, kind }: HashRequest): string {
  return `${kind}:${location}`;
}

/** `new`: the lock does not know it yet. */
export type ItemState = 'modified' | 'missing' | 'new';

export interface StageChange {
  readonly what: 'dependency' | 'parameter' | 'output' | 'command';
  /** Path of the file, as `dvc.yaml` writes it; for a command the stage's name. */
  readonly path: string;
  /** The same file, relative to the pipeline's folder. */
  readonly location: string;
  /** The parameter's dotted name. */
  readonly name?: string;
  readonly state: ItemState;
}

export interface StageStatus {
  readonly name: string;
  readonly state: 'up to date' | 'changed' | 'never run' | 'always runs' | 'not evaluated';
  readonly changes: readonly StageChange[];
  /** Stages before this one that would run first, though nothing of its own has changed. */
  readonly upstream: readonly string[];
  readonly frozen: boolean;
  /** A sentence, for `not evaluated`. */
  readonly reason?: string;
  /** Line in `dvc.yaml`, from 0. */
  readonly line: number;
}

/** The files and folders whose hashes decide the state of these stages. */
export function hashesNeeded(stages: readonly StageDefinition[], lock: PipelineLock): HashRequest[] {
  const needed = new Map<string, HashRequest>();
  for (const stage of stages) {
    const locked = lock.stages.get(stage.name);
    for (const { path, location } of [...stage.deps, ...stage.outs]) {
      const kind = itemOf(locked, path)?.kind ?? 'md5';
      if (kind !== 'other') needed.set(hashKey({ location, kind }), { location, kind });
    }
  }
  return [...needed.values()];
}

function itemOf(locked: LockedStage | undefined, path: string): LockedItem | undefined {
  return [...locked?.deps ?? [], ...locked?.outs ?? []].find((item) => item.path === path);
}

/** The parameter files whose values decide the state of these stages. */
export function paramFilesNeeded(stages: readonly StageDefinition[]): string[] {
  return [...new Set(stages.flatMap(({ params }) => params.map(({ location }) => location)))];
}

/** The state of every stage, as `dvc status` tells it, without asking DVC. */
export function pipelineStatus(file: PipelineFile, lock: PipelineLock, hashes: HashesNow, texts: Texts): StageStatus[] {
  const own = file.stages.map((stage) => ({ stage, status: stageStatus(stage, lock.stages.get(stage.name), hashes, texts) }));
  const stale = new Set(own.filter(({ status }) => status.state !== 'up to date').map(({ status }) => status.name));
  const evaluated = own.map(({ stage, status }) => ({ ...status, upstream: ancestors(stage, file.stages).map(({ name }) => name).filter((name) => stale.has(name)) }));
  return [
    ...evaluated,
    ...file.unknown.map(({ name, reason, range }) => ({ name, reason, state: 'not evaluated' as const, changes: [], upstream: [], frozen: false, line: range.start.line })),
  ].sort((a, b) => a.line - b.line);
}

/** The stages whose outputs a stage takes, and theirs, nearest first. */
export function ancestors(stage: StageDefinition, stages: readonly StageDefinition[]): StageDefinition[] {
  const found = new Set<StageDefinition>();
  const visit = (of: StageDefinition): void => {
    for (const before of stages) {
      if (before === stage || found.has(before) || !of.deps.some((dep) => before.outs.some((out) => overlaps(dep, out)))) continue;
      found.add(before);
      visit(before);
    }
  };
  visit(stage);
  return [...found];
}

/** One is the other, or lies in it. */
function overlaps({ location: a }: StageItem, { location: b }: StageItem): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

function stageStatus(stage: StageDefinition, locked: LockedStage | undefined, hashes: HashesNow, texts: Texts): StageStatus {
  const base = { name: stage.name, upstream: [], frozen: stage.frozen, line: stage.range.start.line };
  try {
    const changes = [
      ...(stage.frozen ? [] : stage.deps.flatMap((dep) => itemChange('dependency', dep, locked?.deps, hashes))),
      ...(stage.frozen ? [] : stage.params.flatMap((params) => paramChanges(params, locked?.params[params.path], texts))),
      ...stage.outs.flatMap((out) => itemChange('output', out, locked?.outs, hashes)),
      ...(locked !== undefined && !sameValue(stage.command, locked.command) ? [{ what: 'command', path: stage.name, location: 'dvc.yaml', state: 'modified' } as const] : []),
    ];
    if (stage.alwaysChanged) return { ...base, state: 'always runs', changes };
    if (locked === undefined) return { ...base, state: stage.frozen && changes.length === 0 ? 'up to date' : 'never run', changes };
    return { ...base, state: changes.length === 0 ? 'up to date' : 'changed', changes };
  } catch (error) {
    if (!(error instanceof NotEvaluated)) throw error;
    return { ...base, state: 'not evaluated', changes: [], reason: `Not evaluated: ${error.message}.` };
  }
}

/** @throws NotEvaluated when what stands there could not be hashed */
function itemChange(what: 'dependency' | 'output', { path, location }: StageItem, locked: readonly LockedItem[] | undefined, hashes: HashesNow): StageChange[] {
  const item = locked?.find((candidate) => candidate.path === path);
  const kind = item?.kind ?? 'md5';
  if (kind === 'other') throw new NotEvaluated(`the lock has no MD5 of ${path}`);
  const now = hashes.get(hashKey({ location, kind }));
  if (now === undefined) throw new NotEvaluated(`${path} was not looked at`);
  if ('problem' in now) throw new NotEvaluated(now.problem.replace(/\.$/, ''));
  if ('missing' in now) return [{ what, path, location, state: 'missing' }];
  if (item === undefined) return [{ what, path, location, state: 'new' }];
  return now.hash === item.hash ? [] : [{ what, path, location, state: 'modified' }];
}

/** @throws NotEvaluated when the file cannot be read */
function paramChanges({ path, location, names }: StageParams, locked: Readonly<Record<string, Value>> | undefined, texts: Texts): StageChange[] {
  if (texts.get(location) === undefined) return [{ what: 'parameter', path, location, state: 'missing' }];
  if (locked === undefined) return [{ what: 'parameter', path, location, state: 'new' }];
  const values = fileValues(texts, location);
  const all = names.length > 0 ? names : [...new Set([...Object.keys(values), ...Object.keys(locked)])];
  return all.flatMap((name): StageChange[] => {
    const [now, then] = [names.length > 0 ? valueAt(values, name) : values[name], locked[name]];
    if (now === undefined && then === undefined) return [{ what: 'parameter', path, location, name, state: 'missing' }];
    const state = now === undefined ? 'missing' : then === undefined ? 'new' : sameValue(now, then) ? undefined : 'modified';
    return state === undefined ? [] : [{ what: 'parameter', path, location, name, state }];
  });
}
