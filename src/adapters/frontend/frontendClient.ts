import { AppError, toAppError } from '../../core/base/errors.ts';
import type { FrontendToken } from '../../core/personas/frontendToken.ts';
import type { EvaluationContext, SdkAnswer, SdkEvaluator } from '../../core/personas/model.ts';
import { HttpClient, type HttpAnswer, type HttpClientOptions } from '../node/httpClient.ts';
import { notUnleash } from '../unleash/errors.ts';
import { wireToggles } from '../unleash/wire.ts';

export interface FrontendClientOptions extends Omit<HttpClientOptions, 'credentials'> {
  readonly token: FrontendToken;
}

/** Fields of a context that stand beside its properties. */
const STANDARD = ['userId', 'sessionId', 'remoteAddress', 'currentTime'] as const;
const APP_NAME = 'modelswitch';
/** Nothing of a question is kept, not even in memory. */
const NO_STORAGE = { save: (): Promise<void> => Promise.resolve(), get: (): Promise<undefined> => Promise.resolve(undefined) };

function sdkContext(context: EvaluationContext): Record<string, string | Record<string, string>> {
  const isStandard = (name: string): boolean => STANDARD.some((each) => each === name) || name === 'appName' || name === 'environment';
  const entries = Object.entries(context);
  return {
    ...Object.fromEntries(entries.filter(([name]) => STANDARD.some((each) => each === name))),
    properties: Object.fromEntries(entries.filter(([name]) => !isStandard(name))),
  };
}

/** What the SDK throws away without a word; it prints every other error to the console. */
function silent(): Error {
  return Object.assign(new Error('stopped'), { name: 'AbortError' });
}

/**
 * Asks Unleash's frontend API as a browser application does, through Unleash's own SDK: one request for each question, nothing
 * stored, no metrics, so an answer never counts as exposure. The token goes to `baseUrl` only, and never across a redirect.
 */
export class FrontendClient implements SdkEvaluator {
  readonly #http: HttpClient;
  readonly #token: FrontendToken;

  /** @throws AppError auth when the token cannot stand in a header */
  constructor({ token, ...http }: FrontendClientOptions) {
    this.#http = new HttpClient({ ...http, credentials: { authorization: token.token } });
    this.#token = token;
  }

  get environment(): string {
    return this.#token.environment;
  }

  get project(): string {
    return this.#token.project;
  }

  /** @throws AppError */
  async ask(flag: string, context: EvaluationContext, signal?: AbortSignal): Promise<SdkAnswer> {
    let failure: AppError | undefined;
    // Loaded when somebody asks: few have a frontend token.
    const { UnleashClient } = await import('unleash-proxy-client');
    const sdk = new UnleashClient({
      url: `${this.#http.baseUrl}/api/frontend`,
      // The real token is added below, where nothing but this server can get it.
      clientKey: 'unset',
      appName: context['appName'] ?? APP_NAME,
      environment: context['environment'] ?? this.environment,
      context: sdkContext(context),
      disableMetrics: true,
      disableRefresh: true,
      refreshInterval: 0,
      storageProvider: NO_STORAGE,
      fetch: async (url: string) => {
        try {
          return await this.#fetch(url, signal);
        } catch (error) {
          failure = toAppError(error);
          throw silent();
        }
      },
    });
    try {
      await sdk.start();
      if (failure !== undefined) throw failure;
      if (!sdk.isReady()) throw new AppError('internal', `The frontend API of ${this.#http.origin} gave no answer.`);
      const { name, enabled } = sdk.getVariant(flag);
      return { enabled: sdk.isEnabled(flag), ...(enabled ? { variant: name } : {}) };
    } finally {
      sdk.stop();
    }
  }

  /** The SDK's request by our own client: time limit, no redirect, size limit, and an answer of the right shape or an error. */
  async #fetch(url: string, signal: AbortSignal | undefined): Promise<Response> {
    const path = url.slice(this.#http.baseUrl.length);
    if (!url.startsWith(`${this.#http.baseUrl}/`)) throw new AppError('internal', 'The frontend SDK asked for another address.');
    const answer = await this.#http.send({ method: 'GET', path, signal });
    const error = this.#errorOf(answer);
    if (error !== undefined) throw error;
    return new Response(answer.text, { status: 200, headers: { 'content-type': 'application/json' } });
  }

  #errorOf({ status, text }: HttpAnswer): AppError | undefined {
    const { origin } = this.#http;
    const data = { origin, status };
    switch (status) {
      case 200:
        return isToggles(text) ? undefined : notUnleash(origin, status);
      case 401:
        return new AppError('auth', `${origin} does not accept the frontend token of ${this.environment}: it is wrong, expired or deleted. Set it anew.`, { ...data, reason: 'frontendToken' });
      case 403:
        return new AppError('forbidden', `The token for the frontend API of ${origin} is of another kind: it must be a frontend token, neither a backend token nor a personal one.`, { ...data, reason: 'tokenType' });
      case 404:
        return new AppError('notFound', `${origin} has no frontend API at /api/frontend: Unleash may be behind another base path, or serve SDKs elsewhere.`, { ...data, reason: 'route' });
      default:
        return new AppError(status >= 500 ? 'internal' : 'validation', `The frontend API of ${origin} failed with status ${status}.`, data);
    }
  }
}

function isToggles(text: string): boolean {
  try {
    return wireToggles.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}
