import * as vscode from 'vscode';
import { Setting, SETTINGS_SECTION } from '../ids.ts';

/** The extension's settings, read when asked for: they may change at any time. */
export const settings = {
  url: (folder?: vscode.Uri): string => text(Setting.url, folder),
  project: (folder?: vscode.Uri): string => text(Setting.project, folder),
  environment: (folder?: vscode.Uri): string => text(Setting.environment, folder),
  pollSeconds: (): number => Math.max(5, vscode.workspace.getConfiguration(SETTINGS_SECTION).get<number>(Setting.pollSeconds) ?? 15),
  lens: (): boolean => vscode.workspace.getConfiguration(SETTINGS_SECTION).get<boolean>(Setting.lens) ?? true,
  problems: (): boolean => vscode.workspace.getConfiguration(SETTINGS_SECTION).get<boolean>(Setting.problems) ?? true,
  python: (folder?: vscode.Uri): string => text(Setting.python, folder),
  /** Whether the outcome of suites is written to the version in the registry: `ask`, `always`, `never`. */
  recordSuites: (folder?: vscode.Uri): string => text(Setting.recordSuites, folder),
  readOnly,
};

/** Set anywhere it holds: a workspace, which is somebody else's input, cannot take back what the user set. */
function readOnly(): boolean {
  const set = vscode.workspace.getConfiguration(SETTINGS_SECTION).inspect<boolean>(Setting.readOnly);
  return [set?.globalValue, set?.workspaceValue, set?.workspaceFolderValue].includes(true);
}

function text(key: string, folder?: vscode.Uri): string {
  return (vscode.workspace.getConfiguration(SETTINGS_SECTION, folder).get<string>(key) ?? '').trim();
}
