import type * as vscode from 'vscode';
import { prometheusCredentials } from '../../adapters/prometheus/credentials.ts';

const ORIGINS_KEY = 'modelswitch.prometheusOrigins';

/**
 * Tokens for Prometheus servers, by origin. A token goes only to the origin that was shown when it was entered, or to that of PROMETHEUS_URL when
 * it stood beside it in the environment; it lives in VS Code's secret storage and nowhere else.
 */
export class PrometheusCredentials {
  readonly #secrets: vscode.SecretStorage;
  readonly #state: vscode.Memento;
  readonly #env: NodeJS.ProcessEnv;

  constructor({ secrets, globalState }: Pick<vscode.ExtensionContext, 'secrets' | 'globalState'>, env: NodeJS.ProcessEnv = process.env) {
    this.#secrets = secrets;
    this.#state = globalState;
    this.#env = env;
  }

  /** Fires when this or another window signs in or out. */
  get onDidChange(): vscode.Event<unknown> {
    return this.#secrets.onDidChange;
  }

  /** Headers for an origin; none where no token is meant for it. */
  async headers(origin: string): Promise<Readonly<Record<string, string>>> {
    const token = await this.#secrets.get(key(origin));
    return token === undefined ? prometheusCredentials(this.#env)(origin) : { authorization: `Bearer ${token}` };
  }

  async store(origin: string, token: string): Promise<void> {
    await this.#state.update(ORIGINS_KEY, [...new Set([...this.origins(), origin])]);
    await this.#secrets.store(key(origin), token);
  }

  async forget(origin: string): Promise<void> {
    await this.#secrets.delete(key(origin));
    await this.#state.update(ORIGINS_KEY, this.origins().filter((known) => known !== origin));
  }

  /** The origins that have a stored token. `SecretStorage.keys` is newer than the oldest supported VS Code. */
  origins(): readonly string[] {
    return this.#state.get<string[]>(ORIGINS_KEY) ?? [];
  }
}

function key(origin: string): string {
  return `modelswitch.prometheus:${origin}`;
}
