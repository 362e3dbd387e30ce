import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { InputFlow } from '../platform/inputFlow.ts';
import type { PrometheusCredentials } from './prometheusCredentials.ts';
import type { QualityStore } from './qualityStore.ts';

interface SignInParts {
  readonly store: QualityStore;
  readonly credentials: PrometheusCredentials;
  readonly InputFlow: typeof InputFlow;
}

/** Asks for a token for a Prometheus server that a model names, and keeps it for that origin. @throws AppError validation when none names one */
export async function prometheusSignIn({ store, credentials, InputFlow: Flow }: SignInParts): Promise<void> {
  await store.update();
  const origins = [...new Set(store.readings.flatMap(({ definition: { source } }) => (source?.kind === 'prometheus' ? URL.parse(source.prometheus.url)?.origin ?? [] : [])))];
  if (origins.length === 0) throw new AppError('validation', 'No model here reads Prometheus: name a server in modelswitch.yaml first (quality: {source: {prometheus: {url: http://localhost:9090, ...}}}).');
  const origin = origins.length === 1 ? origins[0] : await vscode.window.showQuickPick(origins.map((each) => plainLine(each)), { title: 'Sign in to which Prometheus?' });
  if (origin === undefined) return;
  const answers = await new Flow('Sign in to Prometheus', 1).run([{
    prompt: `Token for ${origin}, sent as a bearer token: it is kept in VS Code's secret storage and sent to ${origin} only`, placeholder: 'Token', password: true, value: () => '',
    validate: (answer) => Promise.resolve(answer.trim() === '' ? 'Enter a token' : undefined),
  }]);
  const token = answers?.[0]?.trim();
  if (token === undefined) return;
  await credentials.store(origin, token);
  void vscode.window.showInformationMessage(`A token for ${plainLine(origin)} is kept.`);
}

/** Forgets the token of one origin. What stands in the environment stays: it is not ours to take away. */
export async function prometheusSignOut({ credentials }: SignInParts): Promise<void> {
  const origins = credentials.origins();
  if (origins.length === 0) {
    void vscode.window.showInformationMessage('No token for Prometheus is stored.');
    return;
  }
  const origin = origins.length === 1 ? origins[0] : await vscode.window.showQuickPick(origins.map((each) => plainLine(each)), { title: 'Forget the token of which Prometheus?' });
  if (origin === undefined) return;
  await credentials.forget(origin);
  void vscode.window.showInformationMessage(`The token for ${plainLine(origin)} is forgotten.`);
}
