import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, toAppError } from '../core/base/errors.ts';
import { guardHindrances, hindering, type MeantModels } from '../core/workspace/concerning.ts';
import type { WorkspaceFile } from '../core/workspace/config.ts';
import { LARGEST_BYTES, loadWorkspaceFile, tooLargeFile } from '../core/workspace/load.ts';
import type { Problem } from '../core/workspace/source.ts';
import type { CliContext } from './context.ts';

export const CONFIGURATION_FILE = 'modelswitch.yaml';

type Telling = Pick<CliContext, 'warn'>;

/** The folder's `modelswitch.yaml`; undefined when there is none. @throws AppError validation when there is one that cannot be opened */
async function load(folder: string): Promise<WorkspaceFile | undefined> {
  const path = join(folder, CONFIGURATION_FILE);
  try {
    // A repository may hold a link to a device, which never ends.
    const file = await stat(path);
    if (!file.isFile()) throw new AppError('validation', `${CONFIGURATION_FILE} is no file.`, { reason: 'configuration' });
    return file.size <= LARGEST_BYTES ? loadWorkspaceFile(await readFile(path, 'utf8')) : tooLargeFile();
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new AppError('validation', `${CONFIGURATION_FILE} cannot be opened (${code}): check who may read it.`, { reason: 'configuration' }, thrown);
  }
}

/** When the folder's file was written last, in milliseconds since 1970; NaN where there is none. */
export async function writtenAt(folder: string): Promise<number> {
  return stat(join(folder, CONFIGURATION_FILE)).then(({ mtimeMs }) => mtimeMs, () => Number.NaN);
}

/** A command may read the file more than once: what is wrong is told once. */
const told = new WeakMap<CliContext['warn'], Set<string>>();

function tell({ warn }: Telling, problems: readonly Problem[]): void {
  const known = told.get(warn) ?? new Set();
  told.set(warn, known);
  for (const { severity, message, range: { start } } of problems) {
    const line = `${CONFIGURATION_FILE}:${start.line + 1}:${start.column + 1}: ${severity === 'error' ? '' : `${severity}: `}${message}`;
    if (!known.has(line)) warn(line);
    known.add(line);
  }
}

/**
 * The folder's `modelswitch.yaml` for a command that does its work with what can be read of it, such as kill and rollback: errors are told, nothing ends by them. A file that
 * cannot be opened is told, too, and is then as if there were none.
 */
export async function readWorkspace(context: Telling, folder: string): Promise<WorkspaceFile | undefined> {
  try {
    const file = await load(folder);
    tell(context, file?.problems.filter(({ severity }) => severity === 'error') ?? []);
    return file;
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    context.warn(thrown.message);
    return { problems: [] };
  }
}

/**
 * For a command that decides, or raises exposure: tells all that is wrong, warnings too, and ends where something is that the models which are meant are decided by.
 * @throws AppError validation
 */
export function refuseProblems(context: Telling, file: WorkspaceFile | undefined, meant: MeantModels): void {
  if (file === undefined) return;
  tell(context, file.problems);
  const found = hindering(file, meant);
  if (found.length > 0 || file.config === undefined) throw refusal(found);
}

/**
 * For the guard: tells all that is wrong, and ends where nothing could be guarded for it. What is wrong with some of the models only keeps no other from being guarded.
 * @throws AppError validation
 */
export function refuseUnguardable(context: Telling, file: WorkspaceFile | undefined, meant: MeantModels): void {
  if (file === undefined) return;
  tell(context, file.problems);
  const { general, models } = guardHindrances(file, meant);
  if (general.length > 0 || file.config === undefined) throw refusal(general);
  const isGuardable = file.config.models.some(({ name, plan = [], switches }) => plan.length > 0 && !models.has(name) && (meant.model === undefined || meant.model === name) && (meant.flag === undefined || switches.some(({ flag }) => flag === meant.flag)));
  if (models.size > 0 && !isGuardable) throw refusal([...models.values()].flat());
}

function refusal([first, ...more]: readonly Problem[]): AppError {
  const where = first === undefined ? CONFIGURATION_FILE : `${CONFIGURATION_FILE}:${first.range.start.line + 1}`;
  return new AppError('validation', `${where} cannot be gone by as it is${more.length === 0 ? '' : ` (${more.length + 1} errors)`}: nothing was decided or changed. Mend it first; rollback and kill work all the same.`, { reason: 'configuration' });
}

/** What was not found may stand in the project that nobody could read: says so. */
export function askForProject(thrown: unknown, { project }: CliContext['options'], file: WorkspaceFile | undefined): AppError {
  const error = toAppError(thrown);
  const isUnread = file !== undefined && project === undefined && file.config?.unleash?.project === undefined && (file.config === undefined || file.problems.some(({ severity, path }) => severity === 'error' && path?.[0] === 'unleash'));
  return isUnread && error.code === 'notFound' ? new AppError('notFound', `${error.message} Give --project NAME: ${CONFIGURATION_FILE} cannot be read, so the project default was asked.`, error.data, error) : error;
}
