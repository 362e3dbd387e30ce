import { AppError, toAppError } from '../../core/base/errors.ts';
import { redactorOf } from '../../core/base/redact.ts';

export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the base URL, with a leading slash; already encoded. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** `true` for calls that change nothing: only these are repeated after a passing fault. Default: GET only. */
  readonly repeatable?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface HttpClientOptions {
  /** Origin and optional path prefix, without a trailing slash. */
  readonly baseUrl: string;
  /** Headers that carry the credential. They go to this client's own origin only. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly fetch: FetchLike;
  /** Waits between two tries; rejects when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly onRequest?: (line: { method: string; path: string; status: number | string; ms: number }) => void;
  readonly now?: () => number;
  /** How long one try of a request may take; default 20 s. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 20_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_TRIES = 3;
const FIRST_BACK_OFF_MS = 300;
/** A server that asks for a longer wait than this gets an error with the time instead: nobody waits minutes for a click. */
const MAX_RETRY_AFTER_MS = 10_000;

/**
 * One HTTP origin with one credential. Reads are repeated after a passing fault (network, 429, 502-504) with back-off
 * and `Retry-After`; everything else is tried once. Redirects are never followed, so a credential cannot leave its origin; where
 * a server writes the credential back, it is taken out of the answer before anybody sees it. Every failure is an `AppError`; answers of any status below 500 other than 429 are returned.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #withoutCredentials: (text: string) => string;
  readonly origin: string;

  /** @throws AppError auth when the credential cannot stand in a header; the message does not repeat it */
  constructor(options: HttpClientOptions) {
    if (Object.values(options.credentials).some((value) => !/^[\x20-\x7e]+$/.test(value))) {
      throw new AppError('auth', 'The token has characters that no token has, such as a line break: copy it again.', { reason: 'malformedToken' });
    }
    this.#options = options;
    this.#withoutCredentials = redactorOf(Object.values(options.credentials));
    this.origin = new URL(options.baseUrl).origin;
  }

  get baseUrl(): string {
    return this.#options.baseUrl;
  }

  /** @throws AppError network, timeout, rateLimited, validation (answer too large, redirect), cancelled */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const repeatable = request.repeatable ?? request.method === 'GET';
    for (let attempt = 1; ; attempt += 1) {
      const last = !repeatable || attempt >= MAX_TRIES;
      const outcome = await this.#once(request).catch((thrown: unknown) => toAppError(thrown));
      const wait = last ? undefined : waitBeforeRetry(outcome, attempt);
      if (wait !== undefined) {
        await this.#options.sleep(wait, request.signal);
        continue;
      }
      if (outcome instanceof AppError) throw outcome;
      if (outcome.status === 429) throw rateLimited(this.origin, outcome);
      return outcome;
    }
  }

  async #once(request: HttpRequest): Promise<HttpAnswer> {
    const { fetch, baseUrl, credentials, onRequest } = this.#options;
    const now = this.#options.now ?? performance.now.bind(performance);
    const started = now();
    const timeoutMs = request.timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
    let status: number | string = 'failed';
    try {
      const response = await fetch(baseUrl + request.path, {
        method: request.method,
        headers: {
          accept: 'application/json',
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...request.headers,
          ...credentials,
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        redirect: 'manual',
        signal,
      });
      status = response.status;
      if (isRedirect(response)) throw this.#redirected(response, request.path);
      return { status: response.status, headers: response.headers, text: this.#withoutCredentials(await readText(response, this.origin)) };
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      if (request.signal?.aborted === true) throw new AppError('cancelled', 'Cancelled.', {}, thrown);
      if (timeout.aborted) {
        throw new AppError('timeout', `${this.origin} did not answer within ${Math.round(timeoutMs / 1000)} s.`, { origin: this.origin }, thrown);
      }
      throw unreachable(this.origin, thrown);
    } finally {
      onRequest?.({ method: request.method, path: request.path, status, ms: now() - started });
    }
  }

  /** Names the target's origin and no more: its path and query are the server's text. */
  #redirected(response: Response, path: string): AppError {
    void response.body?.cancel().catch(() => undefined);
    const { origin } = this;
    const location = response.headers.get('location') ?? '';
    const asked = this.#options.baseUrl + path;
    const target = URL.canParse(location, asked) ? new URL(location, asked) : undefined;
    const elsewhere = target !== undefined && target.origin !== origin;
    const isWeb = target?.protocol === 'http:' || target?.protocol === 'https:';
    const message = !elsewhere
      ? `${origin} answered with a redirect, which is not followed: give the final address of the server.`
      : isWeb
        ? `${origin} redirects to ${target.origin}, which is not followed because a token goes only to the server it was entered for: connect to ${target.origin} instead, if you trust it.`
        : `${origin} redirects to a ${target.protocol} address, which is not followed: check the URL, and whether a proxy stands in between.`;
    return new AppError('validation', this.#withoutCredentials(message), { origin, reason: 'redirect' });
  }
}

function isRedirect(response: Response): boolean {
  return response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400 && response.status !== 304);
}

async function readText(response: Response, origin: string): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) {
      throw new AppError('validation', `${origin} sent more than ${MAX_ANSWER_BYTES / 1024 / 1024} MB in one answer: it was dropped.`, { origin, reason: 'tooLarge' });
    }
    chunks.push(chunk);
  }
  return new TextDecoder().decode(concat(chunks, size));
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return all;
}

/** Milliseconds to wait before the next try, or undefined when the outcome is final. */
function waitBeforeRetry(outcome: HttpAnswer | AppError, attempt: number): number | undefined {
  const backOff = FIRST_BACK_OFF_MS * 2 ** (attempt - 1);
  if (outcome instanceof AppError) {
    return outcome.code === 'network' && outcome.data['reason'] !== 'tls' && outcome.data['reason'] !== 'dns' ? backOff : undefined;
  }
  if (outcome.status !== 429 && outcome.status !== 502 && outcome.status !== 503 && outcome.status !== 504) return undefined;
  const asked = retryAfterMs(outcome);
  if (asked === undefined) return backOff;
  return asked <= MAX_RETRY_AFTER_MS ? asked : undefined;
}

/** The `Retry-After` header in milliseconds: seconds or an HTTP date (RFC 9110, 10.2.3). */
export function retryAfterMs(answer: Pick<HttpAnswer, 'headers'>): number | undefined {
  const header = answer.headers.get('retry-after');
  if (header === null) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function rateLimited(origin: string, answer: HttpAnswer): AppError {
  const wait = retryAfterMs(answer);
  const when = wait === undefined ? 'Try again in a minute.' : `Try again in ${Math.ceil(wait / 1000)} s.`;
  return new AppError('rateLimited', `${origin} limits how many requests it takes. ${when}`, { origin, retryAfterMs: wait });
}

/** `data.sent` is false where the request certainly never reached the server. */
const TLS_CODES = /^(CERT_|ERR_TLS_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_SSL_|EPROTO)/;

function unreachable(origin: string, thrown: unknown): AppError {
  const code = causeCode(thrown);
  if (TLS_CODES.test(code)) {
    return new AppError('network', `The TLS certificate of ${origin} is not accepted (${code}): check the certificate, or add your company's certificate authority to the system.`, { origin, reason: 'tls', sent: false }, thrown);
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new AppError('network', `The host name of ${origin} cannot be resolved: check the URL and the network or VPN.`, { origin, reason: 'dns', sent: false }, thrown);
  }
  const detail = code === '' ? '' : ` (${code})`;
  return new AppError('network', `${origin} cannot be reached${detail}: check that the server runs and that the network or VPN lets you through.`, { origin, reason: 'unreachable', ...(code === 'ECONNREFUSED' ? { sent: false } : {}) }, thrown);
}

/** The system's error code below a failed fetch, which hides it one or two causes deep. */
function causeCode(thrown: unknown): string {
  for (let error: unknown = thrown, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1) {
    const code: unknown = 'code' in error ? error.code : undefined;
    if (typeof code === 'string') return code;
    if (error instanceof AggregateError && error.errors.length > 0) return causeCode(error.errors[0]);
  }
  return '';
}
