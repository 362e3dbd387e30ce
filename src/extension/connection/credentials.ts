import type * as vscode from 'vscode';

const ORIGINS_KEY = 'modelswitch.origins';

/** Where a token comes from: `environment` is the pair UNLEASH_URL and UNLEASH_TOKEN. */
export interface Credential {
  readonly token: string;
  readonly source: 'secretStorage' | 'environment';
}

/**
 * Tokens by origin. A token goes only to the origin that was shown when it was entered, or to UNLEASH_URL when it came
 * beside it as UNLEASH_TOKEN; it lives in VS Code's secret storage and nowhere else.
 */
export class Credentials {
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

  /** The URL of the environment's pair, if both halves are there. */
  get environmentUrl(): string | undefined {
    const { UNLEASH_URL: url, UNLEASH_TOKEN: token } = this.#env;
    return url !== undefined && url !== '' && token !== undefined && token !== '' ? url : undefined;
  }

  async find(origin: string): Promise<Credential | undefined> {
    const stored = await this.#secrets.get(key(origin));
    if (stored !== undefined) return { token: stored, source: 'secretStorage' };
    const url = this.environmentUrl;
    const token = this.#env['UNLEASH_TOKEN'];
    return url !== undefined && token !== undefined && URL.parse(url)?.origin === origin ? { token, source: 'environment' } : undefined;
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
  return `modelswitch.token:${origin}`;
}
