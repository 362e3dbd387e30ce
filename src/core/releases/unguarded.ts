import { plainLine } from '../base/words.ts';
import { guardHindrances } from '../workspace/concerning.ts';
import type { WorkspaceFile } from '../workspace/config.ts';
import type { Problem } from '../workspace/source.ts';
import type { GuardReport } from './guard.ts';

const MOST_PROBLEMS = 3;

/** What keeps a release from being guarded: an alarm, for nobody else watches it. */
function report(model: string, flag: string, problems: readonly Problem[]): GuardReport {
  const told = problems.slice(0, MOST_PROBLEMS).map(({ message, range: { start } }) => `modelswitch.yaml:${start.line + 1}: ${plainLine(message, 300)}`);
  return { model, flag, environments: [], state: 'unreadable', words: ['not guarded: modelswitch.yaml is wrong about it', ...told] };
}

/** Each release that is not guarded because of what is wrong with its model; without a flag where that cannot be read either. */
export function unguarded(file: WorkspaceFile, meant: { readonly model?: string | undefined; readonly flag?: string | undefined }): GuardReport[] {
  return [...guardHindrances(file, meant).models].flatMap(([model, problems]) => {
    const flags = (file.config?.models.find(({ name }) => name === model)?.switches ?? []).map(({ flag }) => flag).filter((flag) => meant.flag === undefined || flag === meant.flag);
    return (flags.length === 0 ? [''] : flags).map((flag) => report(model, flag, problems));
  });
}

/** The same of one release, also where nothing of the file can be read; undefined where it is right about it, or does not have it any more. */
export function unguardedRelease(file: WorkspaceFile, model: string, flag: string): GuardReport | undefined {
  const { general, models } = guardHindrances(file, { model, flag });
  const problems = [...general, ...models.get(model) ?? []];
  return problems.length === 0 ? undefined : report(model, flag, problems);
}
