import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';

/**
 * In an untrusted workspace no server is called: its files and settings could name any.
 * @throws AppError forbidden, with the mend
 */
export function requireTrust(): void {
  if (!vscode.workspace.isTrusted) throw new AppError('forbidden', 'This workspace is not trusted, so no server is called: trust it first (Workspaces: Manage Workspace Trust).', { reason: 'untrusted' });
}
