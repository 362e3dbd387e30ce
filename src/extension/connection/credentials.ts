import type * as vscode from 'vscode';
import { checkFrontendToken, type FrontendToken } from '../../core/personas/frontendToken.ts';

const ORIGINS_KEY = 'modelswitch.origins';
/** Origins and environments that have a frontend token. */
const FRONTEND_KEY = 'modelswitch.frontendTokens';

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
    await this.#state.update(ORIGINS_KEY, [...new Set([...this.#stored(), origin])]);
    await this.#secrets.store(key(origin), token);
  }

  /** Forgets every token of an origin, those for its frontend API too. */
  async forget(origin: string): Promise<void> {
    await this.#secrets.delete(key(origin));
    for (const { environment } of this.#frontend().filter((known) => known.origin === origin)) await this.#secrets.delete(frontendKey(origin, environment));
    await this.#state.update(ORIGINS_KEY, this.#stored().filter((known) => known !== origin));
    await this.#state.update(FRONTEND_KEY, this.#frontend().filter((known) => known.origin !== origin));
  }

  /** The origins that have a stored token. `SecretStorage.keys` is newer than the oldest supported VS Code. */
  origins(): readonly string[] {
    return [...new Set([...this.#stored(), ...this.#frontend().map(({ origin }) => origin)])];
  }

  async storeFrontend(origin: string, { token, environment }: FrontendToken): Promise<void> {
    const others = this.#frontend().filter((known) => known.origin !== origin || known.environment !== environment);
    await this.#state.update(FRONTEND_KEY, [...others, { origin, environment }]);
    await this.#secrets.store(frontendKey(origin, environment), token);
  }

  /** The frontend tokens for an origin, at most one for each environment; UNLEASH_FRONTEND_TOKEN counts beside UNLEASH_URL. */
  async frontendTokens(origin: string): Promise<readonly FrontendToken[]> {
    const environments = this.#frontend().filter((known) => known.origin === origin).map(({ environment }) => environment);
    const stored = await Promise.all(environments.map((environment) => this.#secrets.get(frontendKey(origin, environment))));
    const url = this.#env['UNLEASH_URL'] ?? '';
    const given = URL.parse(url)?.origin === origin ? this.#env['UNLEASH_FRONTEND_TOKEN'] : undefined;
    const tokens = [...stored, given].flatMap((written) => {
      const checked = written === undefined ? undefined : checkFrontendToken(written);
      return checked === undefined || 'problem' in checked ? [] : [checked];
    });
    return tokens.filter(({ environment }, index) => tokens.findIndex((each) => each.environment === environment) === index);
  }

  #stored(): readonly string[] {
    return this.#state.get<string[]>(ORIGINS_KEY) ?? [];
  }

  #frontend(): readonly { readonly origin: string; readonly environment: string }[] {
    return this.#state.get<{ origin: string; environment: string }[]>(FRONTEND_KEY) ?? [];
  }
}

function frontendKey(origin: string, environment: string): string {
  return `modelswitch.frontendToken:${origin} ${environment}`;
}

function key(origin: string): string {
  return `modelswitch.token:${origin}`;
}
