import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import type { Keep } from '../../core/refactor/model.ts';
import { resolveRef, type FlagCommandParts } from '../flags/flagCommands.ts';
import { Command } from '../ids.ts';
import { showError } from '../platform/errors.ts';
import { archiveFlag } from './archiveFlag.ts';
import type { FinishParts } from './finishRelease.ts';

/** Finish Release and Archive Flag: by palette, tree and code action. */
export function registerRefactorCommands(parts: FlagCommandParts & FinishParts): Disposable {
  const commands = new DisposableStore();
  const register = (id: string, title: string, run: (argument: unknown) => Promise<unknown>): void => {
    commands.add(vscode.commands.registerCommand(id, (argument: unknown) => run(argument).catch((error: unknown) => {
      void showError(parts.log, title, error);
    })));
  };
  const finish = async (argument: unknown, keep: Keep): Promise<unknown> => {
    const { finishFlag, pickFlagToFinish } = await import('./refactoring.lazy.ts');
    const editor = vscode.window.activeTextEditor;
    const flag = flagOf(argument) ?? await pickFlagToFinish(parts.connections, editor && parts.flagUnderCursor(editor));
    return flag === undefined ? undefined : finishFlag(parts, flag, keep);
  };
  register(Command.finishKeepCandidate, 'Finish release', (argument) => finish(argument, 'candidate'));
  register(Command.finishKeepCurrent, 'Finish release', (argument) => finish(argument, 'current'));
  register(Command.archiveFlag, 'Archive flag', async (argument) => {
    const ref = await resolveRef(parts, argument, false);
    return ref === undefined ? undefined : archiveFlag(parts, ref);
  });
  return commands;
}

/** A tree node, or the argument of a code action. */
function flagOf(argument: unknown): string | undefined {
  if (typeof argument !== 'object' || argument === null || !('flag' in argument)) return undefined;
  return typeof argument.flag === 'string' ? argument.flag : undefined;
}
