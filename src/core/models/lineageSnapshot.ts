import { AppError } from '../base/errors.ts';
import { sharedParameters, type LineageSubject } from './lineage.ts';
import { joinPath } from './pipelinePaths.ts';
import { readDvcFile, readPipelineLock, type LockedItem, type LockedStage, type PipelineLock } from './pipelineLock.ts';
import { readPipelineFile, variableFiles, type PipelineFile } from './pipelineStages.ts';
import { ancestors } from './pipelineState.ts';
import { fileValues, NotEvaluated, type Texts } from './pipelineTemplates.ts';
import { sameValue, valueAt } from './pipelineValues.ts';
import type { Repository } from './repository.ts';

/** The files of one commit, as far as they are asked for. */
export interface LockedTree {
  readonly texts: Texts;
  /** The bytes as they were committed; undefined where there is none, or too much to compare. */
  file(path: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** MD5, lower-case hexadecimal. */
  md5(bytes: Uint8Array): Promise<string>;
}

/** `dvc.yaml` and `dvc.lock` as they are at one commit. */
export class LockSnapshot {
  readonly commit: string;
  readonly lock: PipelineLock;
  readonly pipeline: PipelineFile;
  readonly tree: LockedTree;
  /** A sentence, when there is no lock or it cannot be read. */
  readonly problem: string | undefined;

  private constructor(commit: string, lock: PipelineLock, pipeline: PipelineFile, tree: LockedTree, problem: string | undefined) {
    this.commit = commit;
    this.lock = lock;
    this.pipeline = pipeline;
    this.tree = tree;
    this.problem = problem;
  }

  static async read(repository: Repository, commit: string, signal?: AbortSignal): Promise<LockSnapshot> {
    const file = async (path: string): Promise<Uint8Array | undefined> => {
      try {
        return await repository.file(commit, path, signal);
      } catch (error) {
        if (error instanceof AppError && error.data['reason'] === 'tooLarge') return undefined;
        throw error;
      }
    };
    const text = async (path: string): Promise<string | undefined> => {
      const bytes = await file(path);
      return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
    };
    const [written, locked] = [await text('dvc.yaml'), await text('dvc.lock')];
    const texts = new Map<string, string | undefined>();
    for (const path of written === undefined ? [] : variableFiles(written)) texts.set(path, await text(path));
    const pipeline = written === undefined ? { stages: [], unknown: [], problems: [] } : readPipelineFile(written, texts);
    const lock = readPipelineLock(locked ?? '');
    const broken = lock.problems.find(({ severity }) => severity === 'error');
    const problem = locked === undefined
      ? `There is no dvc.lock at commit ${commit.slice(0, 10)}: which data the run took is not known.`
      : broken === undefined ? undefined : `At commit ${commit.slice(0, 10)}: ${broken.message}`;
    for (const stage of lock.stages.values()) {
      for (const path of Object.keys(stage.params)) {
        const location = joinPath(folderOfStage(pipeline, stage), path);
        if (!texts.has(location)) texts.set(location, await text(location));
      }
    }
    return new LockSnapshot(commit, lock, pipeline, { texts, file, md5: (bytes) => repository.md5(bytes) }, problem);
  }

  /** Where a path of a locked stage is, relative to the pipeline's folder. */
  location(stage: LockedStage, path: string): string {
    return joinPath(folderOfStage(this.pipeline, stage), path);
  }

  /** The stage whose output this is, or in whose output it lies. */
  producer(location: string): string | undefined {
    return this.pipeline.stages.find(({ outs }) => outs.some((out) => out.location === location || location.startsWith(`${out.location}/`)))?.name;
  }

  /**
   * The locked stages that made a version, the training one first, with every stage before it: the named one; else those that depend on
   * the script that ran; else the whole pipeline. Of several, as `foreach` makes them, those that share most parameters with the run.
   */
  training(name: string | undefined, { code: { entry }, params }: LineageSubject): LockedStage[] {
    const all = [...this.lock.stages.values()].filter((stage) => this.pipeline.stages.length === 0 || this.#definition(stage) !== undefined || this.#isUnknown(stage));
    const script = (entry ?? '').replaceAll('\\', '/');
    const runs = (stage: LockedStage): boolean => stage.deps.some(({ path }) => { const at = this.location(stage, path); return script === at || script.endsWith(`/${at}`); });
    const named = name === undefined ? undefined : all.filter((stage) => stage.name === name || stage.name.startsWith(`${name}@`));
    const byScript = script === '' ? [] : all.filter(runs);
    const several = named ?? (byScript.length > 0 ? byScript : all);
    const shared = several.map((stage) => sharedParameters(params, stage).length);
    const most = Math.max(...shared);
    const last = named === undefined && byScript.length === 0 ? all : several.filter((_, index) => shared[index] === most);
    const before = last.flatMap((stage) => {
      const definition = this.#definition(stage);
      return definition === undefined ? [] : ancestors(definition, this.pipeline.stages).flatMap((each) => this.lock.stages.get(each.name) ?? []);
    });
    return [...new Set([...last, ...before])];
  }

  #definition({ name }: LockedStage): PipelineFile['stages'][number] | undefined {
    return this.pipeline.stages.find((stage) => stage.name === name);
  }

  #isUnknown({ name }: LockedStage): boolean {
    return this.pipeline.unknown.some((stage) => name === stage.name || name.startsWith(`${stage.name}@`));
  }
}

function folderOfStage(pipeline: PipelineFile, { name }: LockedStage): string {
  return pipeline.stages.find((stage) => stage.name === name)?.folder ?? '';
}

/**
 * What in a tree differs from what the stages' lock says, by path: parameters, files in git, and data behind `.dvc` files. What the tree does not
 * hold (data that is not in git) and what git stores in another form (Git LFS) is not compared.
 */
export async function dependenciesAgree(snapshot: LockSnapshot, stages: readonly LockedStage[], tree: LockedTree, signal?: AbortSignal): Promise<string[]> {
  const differs = new Set<string>();
  for (const stage of stages) {
    for (const [path, values] of Object.entries(stage.params)) {
      const location = snapshot.location(stage, path);
      if (tree.texts.get(location) !== undefined && !sameParams(tree.texts, location, values)) differs.add(location);
    }
    for (const item of stage.deps) {
      const location = snapshot.location(stage, item.path);
      if (await sameFile(tree, location, item, signal) === false) differs.add(location);
    }
  }
  return [...differs];
}

function sameParams(texts: Texts, location: string, values: LockedStage['params'][string]): boolean {
  try {
    const now = fileValues(texts, location);
    return Object.entries(values).every(([name, value]) => sameValue(valueAt(now, name), value));
  } catch (error) {
    if (error instanceof NotEvaluated) return true;
    throw error;
  }
}

/** Undefined where it cannot be told. */
async function sameFile(tree: LockedTree, location: string, item: LockedItem, signal: AbortSignal | undefined): Promise<boolean | undefined> {
  if (item.hash === undefined) return undefined;
  const tracked = await tree.file(`${location}.dvc`, signal);
  if (tracked !== undefined) {
    const own = ownItem(new TextDecoder().decode(tracked), location);
    return own?.kind === item.kind ? own.hash === item.hash : undefined;
  }
  const bytes = await tree.file(location, signal);
  if (bytes === undefined || item.hash.endsWith('.dir') || isPointer(bytes)) return undefined;
  // Checked out on Windows, or hashed by DVC 2, a text has other line ends than in git.
  for (const form of [bytes, withLineEnds(bytes, false), withLineEnds(bytes, true)]) if (await tree.md5(form) === item.hash) return true;
  return false;
}

/** What the `.dvc` file of a path says of it. */
export function ownItem(text: string, location: string): LockedItem | undefined {
  const name = location.slice(location.lastIndexOf('/') + 1);
  return readDvcFile(text, `${location}.dvc`).items.find(({ path }) => path === name);
}

/** Git LFS keeps the file elsewhere and this in git. */
function isPointer(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, 40)).startsWith('version https://git-lfs.github.com/');
}

const [RETURN, FEED] = [13, 10];

function withLineEnds(bytes: Uint8Array, windows: boolean): Uint8Array {
  const changed: number[] = [];
  for (const [index, byte] of bytes.entries()) {
    if (byte === RETURN && bytes[index + 1] === FEED) continue;
    if (byte === FEED && windows) changed.push(RETURN);
    changed.push(byte);
  }
  return Uint8Array.from(changed);
}
