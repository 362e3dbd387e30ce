import * as vscode from 'vscode';
import type { AppError, ErrorCode } from '../../core/base/errors.ts';
import { toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { Command } from '../ids.ts';
import type { Log } from './log.ts';

interface ErrorAction {
  readonly title: string;
  readonly command: string;
  readonly arguments?: readonly unknown[];
}

const connect: ErrorAction = { title: 'Connect...', command: Command.connect };
const refresh: ErrorAction = { title: 'Refresh', command: Command.refresh };
const manageTrust: ErrorAction = { title: 'Manage Workspace Trust', command: 'workbench.trust.manage' };
const showLog: ErrorAction = { title: 'Show Log', command: Command.showLog };

/** What one can do about an error, by its code. The sentence is the error's own message. */
const ACTIONS: Record<ErrorCode, readonly ErrorAction[]> = {
  auth: [connect],
  forbidden: [connect],
  notFound: [refresh],
  conflict: [refresh],
  rateLimited: [],
  network: [refresh, showLog],
  timeout: [refresh, showLog],
  validation: [],
  cancelled: [],
  internal: [showLog],
};

/** Tells a person about a failed action, with what to do about it. A cancel is not an error. */
export async function showError(log: Log, context: string, thrown: unknown, more: readonly ErrorAction[] = []): Promise<void> {
  const error = toAppError(thrown);
  if (error.code === 'cancelled') return;
  log.error(context, error);
  const actions = [...more, ...errorActions(error)];
  const chosen = await vscode.window.showErrorMessage(plainLine(`${context}: ${error.message}`, 1000), ...actions.map(({ title }) => title));
  const action = actions.find(({ title }) => title === chosen);
  if (action !== undefined) await vscode.commands.executeCommand(action.command, ...action.arguments ?? []);
}

export function errorActions(error: AppError): readonly ErrorAction[] {
  if (error.data['reason'] === 'notUnleash' || error.data['reason'] === 'redirect' || error.data['reason'] === 'dns') return [connect];
  if (error.data['reason'] === 'untrusted') return [manageTrust];
  return ACTIONS[error.code];
}
