import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import { readPipelineLock, type PipelineLock } from '../../core/models/pipelineLock.ts';
import { readPipelineFile, variableFiles, type PipelineFile } from '../../core/models/pipelineStages.ts';
import { hashKey, hashesNeeded, paramFilesNeeded, pipelineStatus, type HashNow, type HashRequest, type StageStatus } from '../../core/models/pipelineState.ts';
import type { Problem } from '../../core/workspace/source.ts';
import { Hasher } from './hasher.ts';
import { IgnoreRules } from './ignoreRules.ts';

const LARGEST_TEXT = 16 * 1024 * 1024;

/** A pipeline as it stands in the working tree. */
export interface Pipeline {
  readonly file: PipelineFile;
  readonly lock: PipelineLock;
  readonly stages: readonly StageStatus[];
  /** By file: `dvc.yaml`, `dvc.lock`. */
  readonly problems: readonly { readonly file: string; readonly problem: Problem }[];
}

/** A folder with a `dvc.yaml`. DVC itself is not needed, and nothing of the folder is run. */
export class PipelineFolder {
  /** Absolute. */
  readonly folder: string;
  readonly #hasher: Hasher;

  /** @param hasher shared by those who look at the same files again and again */
  constructor(folder: string, hasher: Hasher = new Hasher()) {
    this.folder = resolve(folder);
    this.#hasher = hasher;
  }

  /** A text by its path relative to the folder; undefined where there is none. @throws AppError validation when it is too large */
  async text(path: string): Promise<string | undefined> {
    const absolute = join(this.folder, path);
    try {
      const { size } = await stat(absolute);
      if (size > LARGEST_TEXT) throw new AppError('validation', `${path} is larger than 16 MB: it is not read.`);
      return await readFile(absolute, 'utf8');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
      if (error instanceof AppError) throw error;
      throw new AppError('validation', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {}, error);
    }
  }

  async texts(paths: readonly string[]): Promise<Map<string, string | undefined>> {
    return new Map(await Promise.all(paths.map(async (path) => [path, await this.text(path)] as const)));
  }

  /** One hash after the other: the disk is what takes the time. */
  async hashes(requests: readonly HashRequest[], signal?: AbortSignal): Promise<Map<string, HashNow>> {
    const root = await this.#dvcRoot();
    const found = new Map<string, HashNow>();
    for (const request of requests) {
      const path = join(this.folder, request.location);
      found.set(hashKey(request), await this.#hasher.hash(path, request.kind, await IgnoreRules.at(dirname(path), root), signal));
    }
    return found;
  }

  /** @throws AppError notFound when the folder has no `dvc.yaml`, validation when a file cannot be read */
  async read(signal?: AbortSignal): Promise<Pipeline> {
    const written = await this.text('dvc.yaml');
    if (written === undefined) throw new AppError('notFound', `${this.folder} has no dvc.yaml: there is no pipeline.`);
    const file = readPipelineFile(written, await this.texts(variableFiles(written)));
    const lock = readPipelineLock(await this.text('dvc.lock') ?? '');
    const [texts, hashes] = [await this.texts(paramFilesNeeded(file.stages)), await this.hashes(hashesNeeded(file.stages, lock), signal)];
    return {
      file, lock,
      stages: lock.problems.some(({ severity }) => severity === 'error') ? [] : pipelineStatus(file, lock, hashes, texts),
      problems: [...file.problems.map((problem) => ({ file: 'dvc.yaml', problem })), ...lock.problems.map((problem) => ({ file: 'dvc.lock', problem }))],
    };
  }

  /** The nearest folder with `.dvc`; without one this folder. */
  async #dvcRoot(): Promise<string> {
    for (let folder = this.folder; ; folder = dirname(folder)) {
      if (await stat(join(folder, '.dvc')).then((stats) => stats.isDirectory(), () => false)) return folder;
      if (dirname(folder) === folder) return this.folder;
    }
  }
}
