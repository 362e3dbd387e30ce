import * as vscode from 'vscode';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { checkFrontendToken, type FrontendToken } from '../../core/personas/frontendToken.ts';
import { FrontendClient } from '../../adapters/frontend/frontendClient.ts';
import type { FetchLike } from '../../adapters/node/httpClient.ts';
import { sleep } from '../../adapters/node/sleep.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import type { Credentials } from '../connection/credentials.ts';
import { InputFlow } from '../platform/inputFlow.ts';
import type { Log } from '../platform/log.ts';

export interface FrontendParts {
  readonly credentials: Credentials;
  readonly fetch: FetchLike;
  readonly log: Log;
}

function client({ fetch, log }: FrontendParts, baseUrl: string, token: FrontendToken): FrontendClient {
  // The query holds the context, which is nobody's business in a log.
  return new FrontendClient({ baseUrl, token, fetch, sleep, onRequest: ({ method, path, status, ms }) => log.trace(`${method} ${path.split('?', 1)[0] ?? ''} -> ${status} in ${Math.round(ms)} ms`) });
}

/** The frontend API of a connection's server, once for each environment that a token is known for. */
export async function frontendClients(parts: FrontendParts, { origin, baseUrl }: Connection): Promise<FrontendClient[]> {
  return (await parts.credentials.frontendTokens(origin)).map((token) => client(parts, baseUrl, token));
}

/** Asks for a frontend token, tries it, and keeps it for the server that was shown. */
export async function setFrontendToken(parts: FrontendParts, connections: Connections): Promise<void> {
  const connection = await pickServer(connections);
  if (connection === undefined) return;
  const { origin, baseUrl } = connection;
  let checked: FrontendToken | undefined;
  const answers = await new InputFlow('Set Frontend Token', 1).run([{
    prompt: `Frontend token for ${origin}: it is kept in VS Code's secret storage and sent to ${origin} only`,
    placeholder: 'default:production...  (in Unleash: Admin > API access, kind Frontend)',
    password: true,
    value: () => '',
    validate: async (written) => {
      const token = checkFrontendToken(written);
      if ('problem' in token) return token.problem;
      try {
        await client(parts, baseUrl, token).ask('', {});
        checked = token;
        return undefined;
      } catch (error) {
        return toAppError(error).message;
      }
    },
  }]);
  if (answers === undefined || checked === undefined) return;
  await parts.credentials.storeFrontend(origin, checked);
  void vscode.window.showInformationMessage(`Answers about ${checked.environment} are now compared with the frontend API of ${new URL(baseUrl).host}.`);
}

async function pickServer({ all }: Connections): Promise<Connection | undefined> {
  const servers = [...new Map(all.filter(({ state }) => state.kind === 'connected').map((connection) => [connection.baseUrl, connection])).values()];
  if (servers.length === 0) throw new AppError('auth', 'Connect to Unleash first: a frontend token belongs to its server.');
  if (servers.length === 1) return servers[0];
  const chosen = await vscode.window.showQuickPick(servers.map((connection) => ({ label: connection.baseUrl, connection })), { title: 'Frontend token for which server?' });
  return chosen?.connection;
}
