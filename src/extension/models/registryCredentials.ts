import type * as vscode from 'vscode';
import * as z from 'zod';
import { environmentCredentials, type MlflowCredentials } from '../../adapters/mlflow/credentials.ts';

const ORIGINS_KEY = 'modelswitch.registryOrigins';

const stored = z.union([
  z.object({ kind: z.literal('basic'), username: z.string(), password: z.string() }),
  z.object({ kind: z.literal('bearer'), token: z.string() }),
]);

/**
 * What signs in at model registries, by origin. A credential goes only to the origin that was shown when it was entered, or to that of
 * MLFLOW_TRACKING_URI when it stood beside it in the environment; it lives in VS Code's secret storage and nowhere else.
 */
export class RegistryCredentials {
  readonly #secrets: vscode.SecretStorage;
  readonly #state: vscode.Memento;
  readonly #env: NodeJS.ProcessEnv;

  constructor(context: Pick<vscode.ExtensionContext, 'secrets' | 'globalState'>, env: NodeJS.ProcessEnv = process.env) {
    this.#secrets = context.secrets;
    this.#state = context.globalState;
    this.#env = env;
  }

  /** Fires when this or another window signs in or out. */
  get onDidChange(): vscode.Event<unknown> {
    return this.#secrets.onDidChange;
  }

  /** MLFLOW_TRACKING_URI, or nothing. */
  get trackingUri(): string {
    return this.#env['MLFLOW_TRACKING_URI'] ?? '';
  }

  async find(origin: string): Promise<MlflowCredentials | undefined> {
    const text = await this.#secrets.get(key(origin));
    return parsed(text) ?? environmentCredentials(this.#env)(origin);
  }

  async store(origin: string, credentials: MlflowCredentials): Promise<void> {
    await this.#state.update(ORIGINS_KEY, [...new Set([...this.origins(), origin])]);
    await this.#secrets.store(key(origin), JSON.stringify(credentials));
  }

  async forget(origin: string): Promise<void> {
    await this.#secrets.delete(key(origin));
    await this.#state.update(ORIGINS_KEY, this.origins().filter((known) => known !== origin));
  }

  /** The origins that have a stored credential. `SecretStorage.keys` is newer than the oldest supported VS Code. */
  origins(): readonly string[] {
    return this.#state.get<string[]>(ORIGINS_KEY) ?? [];
  }
}

/** Undefined for what another version of Modelswitch has left there. */
function parsed(text: string | undefined): MlflowCredentials | undefined {
  try {
    return text === undefined ? undefined : stored.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function key(origin: string): string {
  return `modelswitch.registry:${origin}`;
}
