import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { Connection } from '../connection/connection.ts';
import { errorActions } from '../platform/errors.ts';
import type { DetailNode } from './flagNodes.ts';

/** Why what is shown of a connection may be old. */
export function failureOf({ state, session, origin }: Connection): AppError | undefined {
  if (state.kind === 'signedOut') return new AppError('auth', `Not signed in to ${origin}.`);
  return state.kind === 'failed' ? state.error : session?.store.error;
}

/** Leads to what one may do about it. */
export function failureNode(connection: Connection, error: AppError): DetailNode {
  const { message } = error;
  const command = errorActions(error)[0]?.command;
  return {
    kind: 'detail',
    id: `${connection.baseUrl} ${connection.project}!`,
    label: plainLine(message),
    tooltip: plainLine(message, 500),
    icon: 'warning',
    ...(command === undefined ? {} : { command: { title: 'What to do', command } }),
  };
}

export function detailItem(node: DetailNode): vscode.TreeItem {
  const item = new vscode.TreeItem(plainLine(node.label), node.children === undefined ? vscode.TreeItemCollapsibleState.None : vscode.TreeItemCollapsibleState.Collapsed);
  if (node.context !== undefined) item.contextValue = node.context;
  if (node.description !== undefined) item.description = plainLine(node.description);
  if (node.tooltip !== undefined) item.tooltip = node.tooltip;
  if (node.command !== undefined) item.command = node.command;
  item.iconPath = new vscode.ThemeIcon(node.icon);
  return item;
}
