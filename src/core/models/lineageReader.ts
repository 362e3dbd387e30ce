import { AppError } from '../base/errors.ts';
import { computeLineage, disagreements, sharedParameters, type DependencyFacts, type Lineage, type LineageCode, type LineageFacts, type LineageSubject, type ParameterFacts } from './lineage.ts';
import { dependenciesAgree, LockSnapshot, ownItem, type LockedTree } from './lineageSnapshot.ts';
import { readPipelineLock, type LockedItem, type LockedStage, type PipelineLock } from './pipelineLock.ts';
import { hashKey, type HashNow, type HashRequest } from './pipelineState.ts';
import { fileValues, NotEvaluated } from './pipelineTemplates.ts';
import { valueAt } from './pipelineValues.ts';
import type { CommitFacts, Repository } from './repository.ts';

/** The folder of the pipeline as it stands in the working tree. */
export interface WorkingTree {
  /** A text by its path relative to the folder; undefined where there is none. */
  text(path: string): Promise<string | undefined>;
  /** By `hashKey`. */
  hashes(requests: readonly HashRequest[], signal?: AbortSignal): Promise<ReadonlyMap<string, HashNow>>;
}

export interface LineageSources {
  /** Or a sentence about why there is none. */
  readonly repository: Repository | { readonly reason: string };
  readonly tree: WorkingTree;
  /** The stage that trains the model, as `dvc.yaml` names it; found by the script that ran where it is not given. */
  readonly stage?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How many later commits of the lock are looked through for the one that belongs to a run, or that changed something. */
const MOST_COMMITS = 20;

/**
 * Joins a version with the code, data and parameters that made it, and says what of them is different now. No server is asked and nothing is run.
 *
 * A run names the commit that was checked out when it began. DVC writes the lock when the run is over, so the lock that describes it is often
 * committed one commit later, and the one at the run's own commit describes the run before. Which of them it is is decided by what they say: parameters
 * that the run logged, and the files of the run's commit.
 */
export async function readLineage(subject: LineageSubject, sources: LineageSources): Promise<Lineage> {
  return computeLineage(await gather(subject, sources));
}

async function gather(subject: LineageSubject, { repository, tree, stage, signal }: LineageSources): Promise<LineageFacts> {
  const nothing = { subject, stages: [], dependencies: [], parameters: [] };
  const named = subject.code.commit;
  if ('reason' in repository) return { ...nothing, commit: undefined, gap: repository.reason };
  if (named === undefined || named === '') return { ...nothing, commit: undefined, gap: 'The run names no commit: train in a git repository, so that MLflow notes it (mlflow.source.git.commit).' };
  const commit = await repository.commit(named, signal);
  if (commit.kind === 'unknown') return { ...nothing, commit, gap: commit.reason };
  const entry = await entryOf(subject, commit.commit, repository, signal);
  const base = { ...nothing, commit, ...(entry === undefined ? {} : { entry }) };
  const chosen = await chooseLock(subject, commit.commit, repository, stage, signal);
  if (!('snapshot' in chosen)) return { ...base, gap: chosen.gap };
  const { snapshot, stages, remark, gap } = chosen;
  const now = readPipelineLock(await tree.text('dvc.lock') ?? '');
  return {
    ...nothing, commit,
    lockedAt: snapshot.commit,
    stages: stages.map(({ name }) => name),
    dependencies: await dependencies(snapshot, stages, now, { repository, tree, signal }, commit.commit),
    parameters: await parameters(snapshot, stages, tree),
    ...(remark === undefined ? {} : { remark }),
    ...(gap === undefined ? {} : { gap }),
  };
}

/** The script that ran, where it is a file of this repository at the run's commit. */
async function entryOf({ code }: LineageSubject, commit: CommitFacts, repository: Repository, signal: AbortSignal | undefined): Promise<LineageCode | undefined> {
  const head = await repository.head(signal);
  const path = await entryPath(code.entry, commit.id, repository, signal);
  if (head === undefined || path === undefined) return undefined;
  const [first] = await repository.changes(commit.id, head, [path], 1, signal);
  const changed = (await repository.changedFiles(commit.id, head, [path], signal)).length > 0;
  return { path, state: changed ? 'changed' : 'same', ...(changed && first !== undefined ? { changedSince: first.id } : {}) };
}

/** `mlflow.source.name` may be an absolute path of another machine: its longest end that is a file here. */
async function entryPath(entry: string | undefined, commit: string, repository: Repository, signal: AbortSignal | undefined): Promise<string | undefined> {
  const steps = (entry ?? '').split(/[\\/]/).filter((step) => step !== '' && step !== '.');
  for (let from = Math.max(0, steps.length - 6); from < steps.length; from += 1) {
    const path = steps.slice(from).join('/');
    if (await repository.file(commit, path, signal) !== undefined) return path;
  }
  return undefined;
}

type Chosen =
  | { readonly gap: string }
  | { readonly snapshot: LockSnapshot; readonly stages: readonly LockedStage[]; readonly remark?: string; readonly gap?: string };

/** The lock that describes the run: at its commit, or the first one after it with which everything agrees. */
async function chooseLock(subject: LineageSubject, { id }: CommitFacts, repository: Repository, stage: string | undefined, signal: AbortSignal | undefined): Promise<Chosen> {
  const head = await repository.head(signal);
  const later = head === undefined ? [] : await repository.changes(id, head, ['dvc.lock'], MOST_COMMITS, signal);
  const here = await LockSnapshot.read(repository, id, signal);
  let best: Candidate | undefined;
  const missing: string[] = [];
  for (const commit of [id, ...later.map((line) => line.id)]) {
    const snapshot = commit === id ? here : await LockSnapshot.read(repository, commit, signal);
    if (snapshot.problem !== undefined) { missing.push(snapshot.problem); continue; }
    const stages = snapshot.training(stage, subject);
    if (stages.length === 0) { missing.push(`dvc.lock of ${commit.slice(0, 10)} has no stage ${stage ?? 'at all'}.`); continue; }
    const candidate = { snapshot, stages, strange: !shares(subject, stages), said: disagreements(subject.params, stages), differs: await dependenciesAgree(snapshot, stages, here.tree, signal) };
    if (candidate.said.length === 0 && candidate.differs.length === 0 && (!candidate.strange || later.length === 0)) {
      best = candidate;
      break;
    }
    if (best === undefined || rank(candidate) < rank(best)) best = candidate;
  }
  if (best === undefined) return { gap: missing[0] ?? '' };
  const { snapshot, stages, said, differs } = best;
  const after = snapshot.commit === id ? {} : { remark: `The lock of the run was committed after it, as ${snapshot.commit.slice(0, 10)}.` };
  if (said.length === 0 && differs.length === 0) return { snapshot, stages, ...after };
  const where = `dvc.lock of ${snapshot.commit.slice(0, 10)}`;
  if (said.length > 0) return { snapshot, stages, gap: `No dvc.lock describes this run (${said.slice(0, 3).join('; ')}): it was made from files that were never committed.` };
  if (snapshot.commit !== id && (await dependenciesAgree(snapshot, stages, snapshot.tree, signal)).length === 0) {
    return { snapshot, stages, remark: `The run was made before ${differs.slice(0, 3).join(', ')} was committed: ${where} describes it, as far as its parameters tell.` };
  }
  return { snapshot, stages, gap: `${where} does not belong to the files of the run's commit (${differs.slice(0, 3).join(', ')}): after dvc repro, dvc.lock was not committed.` };
}

/** A lock that may describe a run. */
interface Candidate {
  readonly snapshot: LockSnapshot;
  readonly stages: readonly LockedStage[];
  /** The run logged parameters, and none of them is one of the stages': it may be another stage's. */
  readonly strange: boolean;
  /** Parameters on which the run differs. */
  readonly said: readonly string[];
  /** Files of the run's commit that differ. */
  readonly differs: readonly string[];
}

function rank({ said, strange, differs }: Candidate): number {
  return said.length * 100_000 + (strange ? 10_000 : 0) + differs.length;
}

function shares({ params }: LineageSubject, stages: readonly LockedStage[]): boolean {
  return Object.keys(params).length === 0 || stages.some((stage) => sharedParameters(params, stage).length > 0);
}

interface Now { readonly repository: Repository; readonly tree: WorkingTree; readonly signal: AbortSignal | undefined }

async function dependencies(snapshot: LockSnapshot, stages: readonly LockedStage[], lockNow: PipelineLock, now: Now, run: CommitFacts): Promise<DependencyFacts[]> {
  const items = new Map(stages.flatMap((stage) => stage.deps.map((then) => [snapshot.location(stage, then.path), then] as const)));
  const requests = [...items].flatMap(([location, { kind }]) => (kind === 'other' ? [] : [{ location, kind }]));
  const hashes = await now.tree.hashes(requests, now.signal);
  const lockedNow = new Map([...lockNow.stages.values()].flatMap(({ deps, outs }) => [...deps, ...outs]).map((item) => [item.path, item] as const));
  const head = await now.repository.head(now.signal) ?? run.id;
  return Promise.all([...items].map(async ([location, then]): Promise<DependencyFacts> => {
    const dvcText = await now.tree.text(`${location}.dvc`);
    const tracked = dvcText === undefined ? undefined : ownItem(dvcText, location);
    const recorded = tracked ?? lockedNow.get(then.path);
    const found = then.kind === 'other' ? undefined : hashes.get(hashKey({ location, kind: then.kind }));
    const producedBy = snapshot.producer(location);
    const facts: DependencyFacts = {
      location, then, now: found, tracked: tracked !== undefined,
      ...(recorded === undefined ? {} : { recorded }),
      ...(producedBy === undefined ? {} : { producedBy }),
    };
    const hash = found !== undefined && 'hash' in found ? found.hash : recorded?.hash;
    return hash === undefined || hash === then.hash ? facts : { ...facts, changedSince: await changedSince(location, then, snapshot.commit, head, now) };
  }));
}

/** The first commit after the lock's by which the file, its `.dvc` file or its hash in the lock became another. */
async function changedSince(location: string, then: LockedItem, from: string, head: string, { repository, signal }: Now): Promise<string> {
  const [direct] = await repository.changes(from, head, [location, `${location}.dvc`], 1, signal);
  if (direct !== undefined) return direct.id;
  for (const { id } of await repository.changes(from, head, ['dvc.lock'], MOST_COMMITS, signal)) {
    const bytes = await repository.file(id, 'dvc.lock', signal);
    const lock = readPipelineLock(bytes === undefined ? '' : new TextDecoder().decode(bytes));
    const item = [...lock.stages.values()].flatMap(({ deps, outs }) => [...deps, ...outs]).find(({ path }) => path === then.path);
    if (item !== undefined && item.hash !== then.hash) return id;
  }
  return 'uncommitted';
}

async function parameters(snapshot: LockSnapshot, stages: readonly LockedStage[], tree: WorkingTree): Promise<ParameterFacts[]> {
  const found = new Map<string, ParameterFacts>();
  for (const stage of stages) {
    for (const [path, values] of Object.entries(stage.params)) {
      const file = snapshot.location(stage, path);
      const texts = new Map([[file, await tree.text(file)]]);
      for (const [name, then] of Object.entries(values)) found.set(`${file}:${name}`, { file, name, then, ...valueNow(texts, file, name) });
    }
  }
  return [...found.values()];
}

function valueNow(texts: LockedTree['texts'], file: string, name: string): Pick<ParameterFacts, 'now' | 'problem'> {
  try {
    return { now: valueAt(fileValues(texts, file), name) };
  } catch (error) {
    if (error instanceof NotEvaluated) return { now: undefined, problem: `Parameters: ${error.message}.` };
    throw new AppError('internal', String(error), {}, error);
  }
}
