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

/** Whether a model is released by a plan, or may be: of one without a plan nothing is guarded, so nothing is missed. One that is not read, or where a plan may have been meant, may have one. */
function mayBeReleased({ config }: WorkspaceFile, model: string, problems: readonly Problem[]): boolean {
  const mapped = config?.models.find(({ name }) => name === model);
  if (mapped === undefined || (mapped.plan ?? []).length > 0) return true;
  return problems.some(({ code, path = [] }) => path.length < 3 || path.includes('plan') || (code === 'unknownKey' && path.length === 3));
}

/** Each release that is not guarded because of what is wrong with its model; without a flag where that cannot be read either. */
export function unguarded(file: WorkspaceFile, meant: { readonly model?: string | undefined; readonly flag?: string | undefined }): GuardReport[] {
  return [...guardHindrances(file, meant).models].filter(([model, problems]) => mayBeReleased(file, model, problems)).flatMap(([model, problems]) => {
    const flags = (file.config?.models.find(({ name }) => name === model)?.switches ?? []).map(({ flag }) => flag).filter((flag) => meant.flag === undefined || flag === meant.flag);
    return (flags.length === 0 ? [''] : flags).map((flag) => report(model, flag, problems));
  });
}

/** The same of one release, also where nothing of the file can be read; undefined where it is right about it, or does not have it any more. */
function unguardedRelease(file: WorkspaceFile, model: string, flag: string): GuardReport | undefined {
  const { general, models } = guardHindrances(file, { model, flag });
  const own = models.get(model) ?? [];
  const problems = [...general, ...mayBeReleased(file, model, own) ? own : []];
  return problems.length === 0 ? undefined : report(model, flag, problems);
}

/** A release whose guard somebody has turned on. */
export interface TurnedOn {
  readonly model: string;
  readonly flag: string;
  /** Whether the file plans it now. */
  readonly isPlanned: boolean;
  /** Whether it was being guarded when the file was last looked at: only such a one can cease to be. */
  readonly wasGuarded: boolean;
}

export type Guarding =
  | { readonly kind: 'guarded' }
  /** It would be guarded, if the file were right. */
  | { readonly kind: 'wrong'; readonly report: GuardReport }
  /** The file is right, or not there, and plans it no more: with this look it ceases to be guarded. */
  | { readonly kind: 'ended' }
  /** It is long gone: whatever is wrong with the file is not about it. */
  | { readonly kind: 'gone' };

/** What becomes of the guard of one release by its folder's file. */
export function guardingOf(file: WorkspaceFile | undefined, { model, flag, isPlanned, wasGuarded }: TurnedOn): Guarding {
  if (!isPlanned && !wasGuarded) return { kind: 'gone' };
  const wrong = file === undefined ? undefined : unguardedRelease(file, model, flag);
  if (wrong !== undefined) return { kind: 'wrong', report: wrong };
  return { kind: isPlanned ? 'guarded' : 'ended' };
}
