import { plainLine } from '../base/words.ts';
import type { VersionDetail } from './model.ts';
import type { LockedItem, LockedStage } from './pipelineLock.ts';
import type { HashNow } from './pipelineState.ts';
import { isValueMap, plainText, sameValue, valueWords, type Value, type ValueMap } from './pipelineValues.ts';
import type { CommitState } from './repository.ts';

/** What lineage needs to know of a version: any registry's detail has it. */
export type LineageSubject = Pick<VersionDetail, 'model' | 'version' | 'params' | 'datasets' | 'code'> & { readonly run?: { readonly id: string; readonly name: string } };

export type LineageVerdict = 'up to date' | 'retrain needed: data changed' | 'parameters changed' | 'code changed' | 'unknown';

/** `missing`: not in the working tree, and nothing there says what it is now. */
export type LineageState = 'same' | 'changed' | 'missing' | 'unknown';

export interface LineageData {
  readonly path: string;
  /** Of the data that the version was trained on. */
  readonly hash?: string;
  /** Bytes. */
  readonly size?: number;
  readonly files?: number;
  readonly state: LineageState;
  /** The hash now, where it is another one. */
  readonly now?: string;
  /** The commit that brought the change, or `uncommitted`. */
  readonly changedSince?: string;
  /** The stage that makes it. */
  readonly producedBy?: string;
  /** A sentence, where the state is unknown. */
  readonly reason?: string;
}

export interface LineageParameter {
  readonly name: string;
  readonly file?: string;
  readonly then: string;
  /** Undefined where the parameter is gone or nothing is known. */
  readonly now?: string;
  readonly state: LineageState;
}

export interface LineageCode {
  readonly path: string;
  readonly state: LineageState;
  readonly changedSince?: string;
}

/** Which code, data and parameters made a version, and what of them is different now. */
export interface Lineage {
  readonly model: string;
  readonly version: string;
  readonly run?: { readonly id: string; readonly name: string };
  readonly commit?: CommitState & { readonly id: string };
  /** The commit whose dvc.lock describes the run: its own, or the one by which the lock was committed after it. */
  readonly lockedAt?: string;
  /** The stage of the pipeline that trains the version, with those before it; empty without a pipeline. */
  readonly stages: readonly string[];
  readonly data: readonly LineageData[];
  readonly parameters: readonly LineageParameter[];
  readonly code: readonly LineageCode[];
  readonly verdict: LineageVerdict;
  /** Sentences, the weightiest first. */
  readonly reasons: readonly string[];
}

/** A dependency of the version as its lock has it, with what stands there now. */
export interface DependencyFacts {
  readonly location: string;
  readonly then: LockedItem;
  readonly now: HashNow | undefined;
  /** Where no file is here, what the `.dvc` file or the lock in the working tree says. */
  readonly recorded?: LockedItem;
  readonly producedBy?: string;
  /** It is tracked by DVC by itself. */
  readonly tracked: boolean;
  readonly changedSince?: string;
}

export interface ParameterFacts {
  readonly file: string;
  readonly name: string;
  readonly then: Value;
  readonly now: Value | undefined;
  /** Why the file cannot be read now. */
  readonly problem?: string;
}

/** All that was found out; `computeLineage` only judges. */
export interface LineageFacts {
  readonly subject: LineageSubject;
  readonly commit: CommitState | undefined;
  /** A sentence about why there is no lock, or a lock that cannot be the run's: the verdict is unknown. */
  readonly gap?: string;
  /** A sentence about how the lock was found, where that is not plain. */
  readonly remark?: string;
  readonly lockedAt?: string;
  readonly stages: readonly string[];
  readonly dependencies: readonly DependencyFacts[];
  readonly parameters: readonly ParameterFacts[];
  /** Code known without a pipeline: the script that ran. */
  readonly entry?: LineageCode;
}

/** What is code by its name; whatever else a stage takes is data. */
const CODE = /\.(py|pyx|ipynb|r|rmd|jl|scala|java|kt|go|rs|c|cc|cpp|h|js|ts|sh|bash|ps1|sql|toml|cfg|ini)$/i;

export function isCode({ location, tracked, producedBy }: Pick<DependencyFacts, 'location' | 'tracked' | 'producedBy'>): boolean {
  return !tracked && producedBy === undefined && CODE.test(location);
}

export function computeLineage(facts: LineageFacts): Lineage {
  const { subject, commit, stages } = facts;
  const data = facts.dependencies.filter((each) => !isCode(each)).map(dataOf);
  const parameters = facts.parameters.map(parameterOf);
  const code = [...facts.dependencies.filter(isCode).map(codeOf), ...facts.entry === undefined ? [] : [facts.entry]];
  const withoutLock = facts.gap !== undefined && stages.length === 0;
  const found = {
    data: withoutLock ? subject.datasets.map((dataset): LineageData => ({ path: dataset.name, hash: dataset.digest, state: 'unknown' })) : data,
    parameters: withoutLock ? Object.entries(subject.params).map(([name, then]): LineageParameter => ({ name, then, state: 'unknown' })) : parameters,
    code,
  };
  return {
    model: subject.model,
    version: subject.version,
    ...(subject.run === undefined ? {} : { run: { id: subject.run.id, name: subject.run.name } }),
    ...(commit === undefined ? {} : { commit: { ...commit, id: commit.kind === 'known' ? commit.commit.id : subject.code.commit ?? '' } }),
    ...(facts.lockedAt === undefined ? {} : { lockedAt: facts.lockedAt }),
    stages, ...found, ...judge(facts, found),
  };
}

function judge(facts: LineageFacts, { data, parameters, code }: Pick<Lineage, 'data' | 'parameters' | 'code'>): Pick<Lineage, 'verdict' | 'reasons'> {
  const changed = <T extends { readonly state: LineageState }>(items: readonly T[]): T[] => items.filter(({ state }) => state === 'changed');
  const since = (commit: string | undefined): string => (commit === undefined ? '' : commit === 'uncommitted' ? ', not committed' : ` since ${commit.slice(0, 10)}`);
  const reasons = [
    ...facts.gap === undefined ? [] : [facts.gap],
    ...facts.commit?.kind === 'unknown' && facts.gap === undefined ? [facts.commit.reason] : [],
    ...changed(data).map(({ path, changedSince }) => `Data changed: ${path}${since(changedSince)}.`),
    ...changed(parameters).map(({ name, then, now }) => `Parameter ${name}: ${then} -> ${now ?? 'gone'}.`),
    ...changed(code).map(({ path, changedSince }) => `Code changed: ${path}${since(changedSince)}.`),
    ...data.flatMap(({ reason }) => reason ?? []),
    ...data.filter(({ state }) => state === 'missing').map(({ path }) => `${path} is not here: run dvc pull to compare it.`),
    ...facts.parameters.flatMap(({ problem }) => problem ?? []),
    ...facts.remark === undefined ? [] : [facts.remark],
  ].map((reason) => plainLine(reason, 400));
  const open = facts.gap !== undefined || facts.commit?.kind !== 'known';
  const unsure = [...data, ...parameters, ...code].some(({ state }) => state === 'unknown' || state === 'missing');
  const verdict = open ? 'unknown'
    : changed(data).length > 0 ? 'retrain needed: data changed'
    : changed(parameters).length > 0 ? 'parameters changed'
    : changed(code).length > 0 ? 'code changed'
    : unsure ? 'unknown' : 'up to date';
  return { verdict, reasons: [...new Set(reasons)] };
}

/** What a dependency is now, compared with what it was. */
function comparison({ then, now, recorded }: DependencyFacts): { state: LineageState; now?: string; reason?: string } {
  if (then.hash === undefined) return { state: 'unknown', reason: `The lock has no MD5 of ${then.path}.` };
  if (now !== undefined && 'problem' in now) return { state: 'unknown', reason: now.problem };
  const hash = now !== undefined && 'hash' in now ? now.hash : recorded?.kind === then.kind ? recorded.hash : undefined;
  if (hash === undefined) return { state: 'missing' };
  return hash === then.hash ? { state: 'same' } : { state: 'changed', now: hash };
}

function dataOf(facts: DependencyFacts): LineageData {
  const { location, then, producedBy, changedSince } = facts;
  const compared = comparison(facts);
  return {
    path: location,
    ...(then.hash === undefined ? {} : { hash: then.hash }),
    ...(then.size === undefined ? {} : { size: then.size }),
    ...(then.files === undefined ? {} : { files: then.files }),
    ...compared,
    ...(producedBy === undefined ? {} : { producedBy }),
    ...(compared.state === 'changed' && changedSince !== undefined ? { changedSince } : {}),
  };
}

function codeOf(facts: DependencyFacts): LineageCode {
  const { state } = comparison(facts);
  return { path: facts.location, state, ...(state === 'changed' && facts.changedSince !== undefined ? { changedSince: facts.changedSince } : {}) };
}

function parameterOf({ file, name, then, now, problem }: ParameterFacts): LineageParameter {
  const state = problem !== undefined ? 'unknown' : sameValue(then, now) ? 'same' : 'changed';
  return { name, file, then: valueWords(then), ...(now === undefined ? {} : { now: valueWords(now) }), state };
}

/** A parameter of the lock that the run logged too, by its whole name or the last part of it. */
export interface SharedParameter { readonly name: string; readonly said: string; readonly locked: string }

export function sharedParameters(params: LineageSubject['params'], { params: files }: LockedStage): SharedParameter[] {
  return Object.values(files).flatMap((values) => leaves(values)).flatMap(([name, value]) => {
    const said = params[name] ?? params[name.slice(name.lastIndexOf('.') + 1)];
    const locked = plainText(value);
    return said === undefined || locked === undefined ? [] : [{ name, said, locked }];
  });
}

/** Dotted names and values of a mapping and of those in it. */
function leaves(values: ValueMap, prefix = ''): [string, Value][] {
  return Object.entries(values).flatMap(([key, value]) => (isValueMap(value) ? leaves(value, `${prefix}${key}.`) : [[`${prefix}${key}`, value] as [string, Value]]));
}

/** What the run says otherwise than the lock: `lr: 0.1 in the run, 0.05 in the lock`. */
export function disagreements(params: LineageSubject['params'], stages: readonly LockedStage[]): string[] {
  return stages.flatMap((stage) => sharedParameters(params, stage)).filter(({ said, locked }) => !sameText(said, locked)).map(({ name, said, locked }) => `${name}: ${said} in the run, ${locked} in the lock`);
}

/** Equal as text, as truth value (`True`, `true`) or as number (`0.10`, `1e-1`). */
function sameText(a: string, b: string): boolean {
  if (a.toLowerCase() === b.toLowerCase()) return true;
  return a.trim() !== '' && b.trim() !== '' && Number(a) === Number(b);
}
