import * as vscode from 'vscode';
import { toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { permissionWords } from '../../core/flags/permissions.ts';
import { checkServerUrl } from '../../core/workspace/url.ts';
import type { UnleashClient } from '../../adapters/unleash/unleashClient.ts';
import { Setting, SETTINGS_SECTION } from '../ids.ts';
import { settings } from '../platform/settings.ts';
import { InputFlow } from '../platform/inputFlow.ts';
import { normaliseUrl, type Connections } from './connections.ts';
import type { Credentials } from './credentials.ts';
import type { WorkspaceFiles } from './workspaceFiles.ts';

export interface ConnectParts {
  readonly connections: Connections;
  readonly credentials: Credentials;
  readonly files: WorkspaceFiles;
  readonly client: (baseUrl: string, token: string) => UnleashClient;
}

const TITLE = 'Connect to Unleash';
const DEFAULT_PROJECT = 'default';

/** Asks for URL and token, tries them, says who one is and what one may do, then keeps the token for that origin. */
export async function connect({ connections, credentials, files, client }: ConnectParts): Promise<void> {
  const target = connections.targetFor(vscode.window.activeTextEditor?.document.uri) ?? connections.targets[0];
  const flow = new InputFlow(TITLE, 2);
  let tried: { token: string; words: string } | undefined;
  const answers = await flow.run([
    {
      prompt: 'URL of the Unleash server, as in the browser',
      placeholder: 'https://unleash.example.com',
      value: () => target?.baseUrl ?? settings.url(),
      validate: (url) => {
        const checked = checkServerUrl(url);
        return Promise.resolve('problem' in checked ? `The address ${checked.problem}` : undefined);
      },
    },
    {
      prompt: ([url]) => `Personal access token for ${originOf(url)}: it is kept in VS Code's secret storage and sent to ${originOf(url)} only`,
      placeholder: 'user:...  (in Unleash: Profile > Personal API tokens)',
      password: true,
      value: () => '',
      validate: async (token, [url]) => {
        if (token.trim() === '') return 'Paste a personal access token';
        try {
          tried = { token: token.trim(), words: await whoAmI(client(normaliseUrl(url ?? '') ?? '', token.trim()), target?.project ?? DEFAULT_PROJECT) };
          return undefined;
        } catch (error) {
          return toAppError(error).message;
        }
      },
    },
  ]);
  const baseUrl = normaliseUrl(answers?.[0] ?? '');
  if (answers === undefined || tried === undefined || baseUrl === undefined) return;
  await credentials.store(new URL(baseUrl).origin, tried.token);
  const isNamedByFile = target !== undefined && files.saved(target.folder)?.file.config?.unleash?.url !== undefined;
  if (target?.baseUrl !== baseUrl && !isNamedByFile) {
    await vscode.workspace.getConfiguration(SETTINGS_SECTION).update(Setting.url, baseUrl, vscode.ConfigurationTarget.Global);
  }
  await connections.update(true);
  const host = new URL(baseUrl).host;
  if (connections.all.some((connection) => connection.baseUrl === baseUrl)) void vscode.window.showInformationMessage(plainLine(`Connected to ${host} as ${tried.words}.`, 600));
  else void vscode.window.showWarningMessage(plainLine(`The token for ${host} is kept (${tried.words}), but nothing here uses that server: ${isNamedByFile ? `modelswitch.yaml names ${target.baseUrl}` : 'open a folder'}.`, 1000));
}

function originOf(url: string | undefined): string {
  return URL.parse(url ?? '')?.origin ?? 'the server';
}

async function whoAmI(client: UnleashClient, project: string): Promise<string> {
  const [identity, server] = await Promise.all([client.readIdentity(), client.readServer()]);
  const environments = await client.readEnvironments(project);
  return `${plainLine(identity.name)} (Unleash ${plainLine(server.version, 40)}); ${permissionWords(identity, project, environments.map(({ name }) => name))}`;
}

/** Forgets the token of one origin. A pair from the environment stays: it is not ours to take away. */
export async function signOut({ connections, credentials }: ConnectParts): Promise<void> {
  const origins = credentials.origins();
  if (origins.length === 0) {
    const hint = credentials.environmentUrl === undefined ? '' : ' The present connection comes from UNLEASH_URL and UNLEASH_TOKEN in the environment.';
    void vscode.window.showInformationMessage(`No token is stored.${hint}`);
    return;
  }
  const origin = origins.length === 1 ? origins[0] : (await vscode.window.showQuickPick(origins.map((each) => ({ label: plainLine(each), origin: each })), { title: 'Sign out of', placeHolder: 'The token of this server is forgotten' }))?.origin;
  if (origin === undefined) return;
  await credentials.forget(origin);
  await connections.update();
  void vscode.window.showInformationMessage(`Signed out of ${plainLine(origin)}. To revoke the token itself, delete it in Unleash (Profile > Personal API tokens).`);
}
