import * as vscode from 'vscode';
import { archive, planArchive } from '../../core/flags/archive.ts';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { Log } from '../platform/log.ts';
import type { Prompts } from '../platform/prompts.ts';
import { readFlag, requireOpen, requireWritable, withProgress, type FlagRef } from '../flags/changeFlow.ts';

export interface ArchiveParts {
  readonly log: Log;
  readonly prompts: Prompts;
}

/**
 * Reads a flag afresh, says what archiving it ends, archives it, and reads back that it is gone. True when it was done.
 * @throws AppError when it is refused
 */
export async function archiveFlag({ log, prompts }: ArchiveParts, ref: FlagRef): Promise<boolean> {
  requireWritable();
  const { connection, flag } = ref;
  const session = requireOpen(connection);
  const plan = planArchive(await readFlag(ref));
  const detail = [...plan.lines, ...plan.warnings, 'An archived flag can be revived in Unleash (project > Archived flags), switched off everywhere.', connection.baseUrl].map((line) => plainLine(line, 300));
  if (!await prompts.confirm({ message: `Archive ${plainLine(flag)}?`, detail: detail.join('\n'), verb: 'Archive Flag' })) return false;
  requireWritable();
  if (requireOpen(connection) !== session) throw new AppError('conflict', 'The connection changed meanwhile: nothing was written.', { reason: 'session' });
  await withProgress(`Archiving ${flag}...`, (signal) => archive(session.client, plan, signal));
  await session.store.expectChange();
  log.info(`archive ${flag}: done`);
  void vscode.window.showInformationMessage(`Archived: ${plainLine(flag)}. To take it back, revive it in Unleash: project ${plainLine(connection.project)} > Archived flags.`);
  return true;
}
