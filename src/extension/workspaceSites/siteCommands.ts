import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import type { FlagSite } from '../../core/callsites/siteCatalog.ts';
import { shadowWish } from '../../core/flags/shadowFlag.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { createFlagAtZero } from './createFlag.ts';
import type { SiteCommandParts, SiteParts } from './lazySites.ts';
import { openCallSite, peekCallSites } from './references.ts';
import type { WorkspaceSites } from './workspaceSites.ts';

type Parts = SiteParts & SiteCommandParts;

/** Of the flag that the command is called with, else of that under the cursor, else of one that is chosen. */
export async function showCallSites(sites: WorkspaceSites, { connections, flagUnderCursor, pickFlag }: Parts, argument: unknown): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const under = editor && flagUnderCursor(editor);
  const given = flagOf(connections, argument) ?? (under === undefined ? await pickFlag() : { flag: under, connection: undefined });
  if (given !== undefined) await peekCallSites(sites, given.flag, given.connection);
}

export async function openSite(argument: unknown): Promise<void> {
  if (typeof argument === 'object' && argument !== null && 'file' in argument && 'site' in argument) await openCallSite(argument as FlagSite);
}

/** A flag for a key in code, or for a name that is typed. */
export async function createFlag(parts: Parts, argument: unknown): Promise<unknown> {
  const { connections, flow } = parts;
  flow.requireWritable();
  const given = flagOf(connections, argument);
  const editor = vscode.window.activeTextEditor;
  const connection = given?.connection ?? (connections.targetFor(editor?.document.uri) ?? connections.targets[0])?.connection;
  if (connection === undefined) throw new AppError('auth', 'Connect to Unleash first.');
  const flag = given?.flag ?? await askName(parts, connection, editor);
  return flag === undefined ? undefined : createFlagAtZero(parts, connection, flag, given?.isShadow === true ? shadowWish(flag) : {});
}

async function askName({ flagUnderCursor }: Parts, connection: Connection, editor: vscode.TextEditor | undefined): Promise<string | undefined> {
  const flags = connection.session?.store.snapshot?.flags;
  const under = editor && flagUnderCursor(editor);
  const name = await vscode.window.showInputBox({
    title: 'Create a flag at 0 %',
    prompt: 'Its name, as code asks for it; it is made off in every environment, after a question',
    value: under !== undefined && flags?.has(under) !== true ? under : '',
    ignoreFocusOut: true,
    validateInput: (text) => (flags?.has(text.trim()) === true ? 'There is such a flag already' : undefined),
  });
  return name === undefined || name.trim() === '' ? undefined : name.trim();
}

/** A node of the tree; or what a link or a fix is about, which name the server because they cannot hold a connection. */
function flagOf({ all }: Connections, argument: unknown): { readonly flag: string; readonly connection: Connection | undefined; readonly isShadow: boolean } | undefined {
  if (typeof argument !== 'object' || argument === null) return undefined;
  const { flag, connection, project, baseUrl, shadow } = argument as Record<string, unknown>;
  if (typeof flag !== 'string') return undefined;
  return { flag, isShadow: shadow === true, connection: all.find((each) => each === connection || (each.project === project && each.baseUrl === baseUrl)) };
}
