import * as vscode from 'vscode';
import type { MlflowCredentials } from '../../adapters/mlflow/credentials.ts';
import type { FetchLike } from '../../adapters/node/httpClient.ts';
import { openRegistry } from '../../adapters/registries.ts';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { InputFlow, type InputStep } from '../platform/inputFlow.ts';
import { requireTrust } from '../platform/trust.ts';
import type { Registries } from './registries.ts';
import type { RegistryConnection } from './registryConnection.ts';
import type { RegistryCredentials } from './registryCredentials.ts';

export interface SignInParts {
  readonly registries: Registries;
  readonly credentials: RegistryCredentials;
  readonly fetch: FetchLike;
}

/** Asks how and with what to sign in at the registry's server, tries it, and keeps it for that origin. */
export async function signIn(parts: SignInParts): Promise<void> {
  requireTrust();
  await parts.registries.update();
  const connection = await chooseServer(parts.registries);
  if (connection?.origin === undefined) return;
  const { origin } = connection;
  const kinds = [
    { label: 'User Name and Password', description: 'MLflow\'s basic authentication', basic: true },
    { label: 'Token', description: 'sent as a bearer token, for a proxy in front of MLflow', basic: false },
  ];
  const kind = await vscode.window.showQuickPick(kinds, { title: `Sign in to ${plainLine(origin)}`, placeHolder: `What is entered is kept in VS Code's secret storage and sent to ${plainLine(origin)} only` });
  if (kind === undefined) return;
  const credentials = await ask(parts, connection, origin, kind.basic);
  if (credentials === undefined) return;
  await parts.credentials.store(origin, credentials);
  await parts.registries.update();
  void vscode.window.showInformationMessage(plainLine(`Signed in to ${origin}${credentials.kind === 'basic' ? ` as ${credentials.username}` : ''}.`, 300));
}

async function ask(parts: SignInParts, connection: RegistryConnection, origin: string, basic: boolean): Promise<MlflowCredentials | undefined> {
  const secret = (of: (answer: string, answers: readonly string[]) => MlflowCredentials, what: string): InputStep => ({
    prompt: `${what} for ${origin}: it is kept in VS Code's secret storage and sent to ${origin} only`, placeholder: what, password: true, value: () => '',
    validate: async (answer, answers) => (answer === '' ? `Enter a ${what.toLowerCase()}` : tryOut(parts, connection, of(answer, answers))),
  });
  const asBasic = (password: string, [username = '']: readonly string[]): MlflowCredentials => ({ kind: 'basic', username: username.trim(), password });
  const asToken = (token: string): MlflowCredentials => ({ kind: 'bearer', token: token.trim() });
  const name: InputStep = {
    prompt: `User name at ${origin}`, placeholder: 'User name', value: () => '',
    validate: (answer) => Promise.resolve(answer.trim() === '' ? 'Enter a user name' : answer.includes(':') ? 'A user name has no colon' : undefined),
  };
  const steps = basic ? [name, secret(asBasic, 'Password')] : [secret(asToken, 'Token')];
  const answers = await new InputFlow('Sign in to the model registry', steps.length).run(steps);
  if (answers === undefined) return undefined;
  return basic ? asBasic(answers[1] ?? '', answers) : asToken(answers[0] ?? '');
}

/** The sentence that says why a credential is of no use, or undefined. */
async function tryOut({ fetch }: SignInParts, { place, origin }: RegistryConnection, credentials: MlflowCredentials): Promise<string | undefined> {
  const registry = openRegistry(place, { folder: place.folder, credentialsFor: (each) => (each === origin ? credentials : undefined), fetch });
  try {
    await registry.listModels({ size: 1 });
    return undefined;
  } catch (error) {
    const { code, message } = toAppError(error);
    return code === 'auth' ? `${origin ?? ''} does not accept it.` : message;
  } finally {
    registry.close();
  }
}

async function chooseServer({ all }: Registries): Promise<RegistryConnection | undefined> {
  const servers = all.filter(({ origin }) => origin !== undefined);
  if (servers.length === 0) throw new AppError('validation', 'No registry here needs a sign-in: name an MLflow server in modelswitch.yaml first (registry: {mlflow: http://localhost:5000}).');
  if (servers.length === 1) return servers[0];
  return (await vscode.window.showQuickPick(servers.map((connection) => ({ label: plainLine(connection.origin ?? ''), connection })), { title: 'Sign in to which registry?' }))?.connection;
}

/** Forgets the credential of one origin. What stands in the environment stays: it is not ours to take away. */
export async function signOut({ registries, credentials }: SignInParts): Promise<void> {
  const origins = credentials.origins();
  if (origins.length === 0) {
    void vscode.window.showInformationMessage(`No sign-in to a model registry is stored.${registries.all.some(({ isSignedIn }) => isSignedIn) ? ' The present one comes from MLFLOW_TRACKING_URI and what stands beside it in the environment.' : ''}`);
    return;
  }
  const origin = origins.length === 1 ? origins[0] : (await vscode.window.showQuickPick(origins.map((each) => ({ label: plainLine(each), origin: each })), { title: 'Sign out of', placeHolder: 'The sign-in to this server is forgotten' }))?.origin;
  if (origin === undefined) return;
  await credentials.forget(origin);
  await registries.update();
  void vscode.window.showInformationMessage(`Signed out of ${plainLine(origin)}.`);
}
