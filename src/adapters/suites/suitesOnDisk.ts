import { relative, resolve, sep } from 'node:path';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { firstProblem } from '../../core/models/yamlFile.ts';
import type { SuiteOnDisk } from '../../core/suites/evidence.ts';
import { SUITE_ENDING } from '../../core/suites/schema.ts';
import { globExpression } from '../node/globs.ts';
import { sourceFiles } from '../node/sourceFiles.ts';
import { readSuiteFile, suiteDigests } from './suiteFile.ts';

/** The suites below a folder that patterns name, all of them without patterns; relative, with forward slashes, in order. */
export async function suitePaths(folder: string, patterns: readonly string[], signal?: AbortSignal): Promise<readonly string[]> {
  const { paths } = await sourceFiles(folder, { endings: [SUITE_ENDING], ...(signal === undefined ? {} : { signal }) });
  const wanted = patterns.map(globExpression);
  return wanted.length === 0 ? paths : paths.filter((path) => wanted.some((pattern) => pattern.test(path)));
}

/** A path as evidence names a suite: by the folder of `modelswitch.yaml`. Suites elsewhere keep their whole path. */
export function suiteName(folder: string, path: string): string {
  const inside = relative(folder, resolve(folder, path)).split(sep).join('/');
  return inside.startsWith('../') ? resolve(folder, path).split(sep).join('/') : inside;
}

async function stateOf(folder: string, path: string, signal: AbortSignal): Promise<SuiteOnDisk> {
  try {
    const file = await readSuiteFile(resolve(folder, path), path);
    const { suite, problems } = file.loaded;
    if (suite === undefined) return { path, problem: (firstProblem(problems) ?? 'it cannot be read').replace(/\.?$/, '.') };
    const { suite: digest, data } = await suiteDigests(file, suite, signal);
    return { path, digest, data };
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'cancelled' || signal.aborted) throw new AppError('cancelled', 'Cancelled.');
    return { path, problem: error.message };
  }
}

/** The suites that patterns name with the digests that evidence of them has to have. @throws AppError cancelled */
export async function suitesOnDisk(folder: string, patterns: readonly string[], signal: AbortSignal = new AbortController().signal): Promise<SuiteOnDisk[]> {
  const found: SuiteOnDisk[] = [];
  for (const path of await suitePaths(folder, patterns, signal)) found.push(await stateOf(folder, path, signal));
  return found;
}
