import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import { resolveRef, type FlagCommandParts } from '../flags/flagCommands.ts';
import { Command } from '../ids.ts';
import type { Registries } from '../models/registries.ts';
import { showError } from '../platform/errors.ts';
import type * as gating from '../models/models.lazy.ts';

export interface ReleaseParts extends FlagCommandParts {
  readonly registries: Registries;
  readonly files: WorkspaceFiles;
  /** What they do is loaded when the first of them is needed. */
  readonly loadReleases: () => Promise<typeof gating>;
}

/** Start a release, and re-pin one. */
export function registerReleaseCommands(parts: ReleaseParts): Disposable {
  const commands = new DisposableStore();
  const register = (id: string, title: string, run: (argument: unknown) => Promise<unknown>): void => {
    commands.add(vscode.commands.registerCommand(id, (argument: unknown) => run(argument).catch((error: unknown) => showError(parts.log, title, error))));
  };
  register(Command.startRelease, 'Start a release', async (argument) => (await parts.loadReleases()).startRelease(parts, argument));
  register(Command.repin, 'Re-pin', async (argument) => {
    const ref = await resolveRef(parts, argument, false);
    return ref === undefined ? undefined : (await parts.loadReleases()).repinRelease(parts, ref);
  });
  return commands;
}
