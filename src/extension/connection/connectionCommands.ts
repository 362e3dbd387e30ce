import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import { AppError } from '../../core/base/errors.ts';
import { Command } from '../ids.ts';
import { showError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { requireTrust } from '../platform/trust.ts';
import { connect, signOut, type ConnectParts } from './connectCommand.ts';
import { configurationUri } from './workspaceFiles.ts';

export interface ConnectionCommandParts extends ConnectParts {
  readonly log: Log;
}

export function registerConnectionCommands(parts: ConnectionCommandParts): Disposable {
  const commands = new DisposableStore();
  const register = (id: string, context: string, run: () => Promise<void>): void => {
    commands.add(vscode.commands.registerCommand(id, () => run().catch((error: unknown) => showError(parts.log, context, error))));
  };
  register(Command.connect, 'Connect', () => trusted(() => connect(parts)));
  register(Command.signOut, 'Sign out', () => signOut(parts));
  register(Command.createConfiguration, 'Create modelswitch.yaml', () => createConfiguration(parts));
  commands.add(vscode.commands.registerCommand(Command.showLog, () => parts.log.show()));
  return commands;
}

/** In an untrusted workspace no server is called: its settings could name any. */
export async function trusted(run: () => Promise<void>): Promise<void> {
  requireTrust();
  await run();
}

/** Opens the folder's `modelswitch.yaml`, with a first draft in it when there is none. */
async function createConfiguration({ connections, files }: ConnectionCommandParts): Promise<void> {
  const folder = await chooseFolder();
  if (folder === undefined) return;
  const uri = configurationUri(folder);
  if (files.of(folder) === undefined) {
    const url = connections.targets.find((target) => target.folder === folder)?.baseUrl ?? 'https://unleash.example.com';
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(draft(url)));
  }
  await vscode.window.showTextDocument(uri);
}

async function chooseFolder(): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 0) throw new AppError('validation', 'Open a folder first: modelswitch.yaml belongs into a repository.');
  return folders.length === 1 ? folders[0] : vscode.window.showWorkspaceFolderPick({ placeHolder: 'Folder for modelswitch.yaml' });
}

function draft(url: string): string {
  return `# What Modelswitch connects to, and which model stands behind which flag. Tokens never stand here.
version: 1
unleash:
  url: ${url}
  project: default
  environment: production   # the environment that lenses show first
models:
  my-model:
    flag: my-model-v2       # the flag around the call: on = candidate, off = current
`;
}
