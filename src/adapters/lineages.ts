import { join } from 'node:path';
import { toAppError } from '../core/base/errors.ts';
import type { Lineage } from '../core/models/lineage.ts';
import { readLineage } from '../core/models/lineageReader.ts';
import type { VersionDetail } from '../core/models/model.ts';
import type { Repository } from '../core/models/repository.ts';
import type { ModelMapping } from '../core/workspace/config.ts';
import type { Hasher } from './dvc/hasher.ts';
import { PipelineFolder } from './dvc/pipelineFolder.ts';
import { GitRepository } from './git/gitRepository.ts';

/** The repository of a folder, or the sentence that says why there is none. */
export async function repositoryOf(folder: string, signal?: AbortSignal): Promise<Repository | { readonly reason: string }> {
  try {
    return await GitRepository.open(folder, signal);
  } catch (error) {
    const { code, message } = toAppError(error);
    if (code === 'cancelled') throw error;
    return { reason: message };
  }
}

/** The lineage of a version of a mapped model, or of one that no mapping names. @param folder that of `modelswitch.yaml` */
export async function lineageOf(folder: string, mapping: ModelMapping | undefined, detail: VersionDetail, hasher: Hasher, signal?: AbortSignal): Promise<Lineage> {
  const pipeline = join(folder, mapping?.retrain?.folder ?? '');
  return readLineage(detail, { repository: await repositoryOf(pipeline, signal), tree: new PipelineFolder(pipeline, hasher), stage: mapping?.retrain?.stage, signal });
}
