import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../core/base/errors.ts';
import type { Arm, Suite } from '../core/suites/load.ts';
import { SUITE_ENDING, type SubjectContent } from '../core/suites/schema.ts';
import type { WorkspaceConfig } from '../core/workspace/config.ts';
import { suitePaths } from '../adapters/suites/suitesOnDisk.ts';
import type { CliContext } from './context.ts';

/** Suites by their paths, as given; without any those of modelswitch.yaml, else every one in the folder. @throws AppError validation when there is none */
export async function chosenSuites({ operands, cwd, signal }: Pick<CliContext, 'operands' | 'cwd' | 'signal'>, config: WorkspaceConfig): Promise<readonly string[]> {
  if (operands.length > 0) return operands;
  const patterns = config.models.flatMap(({ suites }) => suites ?? []);
  const found = await suitePaths(cwd, patterns, signal);
  if (found.length === 0) throw new AppError('validation', patterns.length === 0 ? `There is no *${SUITE_ENDING} in this folder: name the suites to run.` : `modelswitch.yaml names the suites ${patterns.join(', ')}, but there is no such file.`);
  return found;
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
