import { toAppError, type AppError, type ErrorCode } from '../../core/base/errors.ts';
import type { Clock } from '../../core/base/clock.ts';
import { DisposableStore, Emitter, type Disposable } from '../../core/base/events.ts';
import { ChangeRunner } from '../../core/flags/changeRunner.ts';
import type { Identity, ServerInfo } from '../../core/flags/ports.ts';
import { FlagStore } from '../../core/flags/store.ts';
import { HttpClient, type FetchLike } from '../../adapters/node/httpClient.ts';
import { sleep } from '../../adapters/node/sleep.ts';
import type { BulkParser } from '../../adapters/unleash/bulk.ts';
import { UnleashClient } from '../../adapters/unleash/unleashClient.ts';
import type { Log } from '../platform/log.ts';
import type { SnapshotFile } from './snapshotFile.ts';

export type ConnectionState =
  | { readonly kind: 'signedOut' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'failed'; readonly error: AppError }
  | { readonly kind: 'connected'; readonly identity: Identity; readonly server: ServerInfo };

export interface ConnectionParts {
  readonly fetch: FetchLike;
  readonly parseBulk: BulkParser;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollEveryMs: () => number;
  readonly snapshots: SnapshotFile;
}

const PASSING: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'rateLimited']);
const FIRST_RETRY_MS = 15_000;
const MAX_RETRY_MS = 5 * 60_000;

/** The part of a connection that exists while a token is known. */
export interface Session {
  readonly client: UnleashClient;
  readonly store: FlagStore;
  readonly runner: ChangeRunner;
}

/** A client of an Unleash server with one token, for this connection or for trying a token out. */
export function unleashClient(baseUrl: string, token: string, { fetch, parseBulk, log }: Pick<ConnectionParts, 'fetch' | 'parseBulk' | 'log'>): UnleashClient {
  const http = new HttpClient({
    baseUrl,
    credentials: { authorization: token },
    fetch,
    sleep,
    onRequest: ({ method, path, status, ms }) => log.trace(`${method} ${path} -> ${status} in ${Math.round(ms)} ms`),
  });
  return new UnleashClient(http, parseBulk);
}

/** One project on one Unleash server, shared by all workspace folders that name it. */
export class Connection implements Disposable {
  readonly baseUrl: string;
  readonly origin: string;
  readonly project: string;
  readonly #parts: ConnectionParts;
  readonly #changes = new Emitter<undefined>();
  #state: ConnectionState = { kind: 'signedOut' };
  #session: Session | undefined;
  #sessionParts = new DisposableStore();
  #active = false;
  #generation = 0;
  #failures = 0;

  constructor(baseUrl: string, project: string, parts: ConnectionParts) {
    this.baseUrl = baseUrl;
    this.origin = new URL(baseUrl).origin;
    this.project = project;
    this.#parts = parts;
  }

  /** The state, the flags, or a change in flight. */
  readonly onDidChange = this.#changes.event;

  get state(): ConnectionState {
    return this.#state;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  get identity(): Identity | undefined {
    return this.#state.kind === 'connected' ? this.#state.identity : undefined;
  }

  /** Signs in; a failure becomes the state, it is not thrown. Until then the last session's snapshot is shown. */
  async open(token: string): Promise<void> {
    const generation = this.#close();
    this.#failures = 0;
    this.#setState({ kind: 'connecting' });
    try {
      const client = unleashClient(this.baseUrl, token, this.#parts);
      await this.#start(client, generation);
      await this.#signIn(client, generation);
    } catch (error) {
      this.#fail(toAppError(error), generation);
    }
  }

  close(): void {
    this.#close();
    this.#setState({ kind: 'signedOut' });
  }

  /** Signs in once more where a failure passes by itself: for who works while nobody looks, when nothing else tries. It never rejects. */
  async retry(): Promise<void> {
    const session = this.#session;
    if (session === undefined || this.#state.kind !== 'failed' || !PASSING.has(this.#state.error.code)) return;
    await this.#trySignIn(session.client, this.#generation);
  }

  /** Follow the server's changes while something shows them. */
  setActive(active: boolean): void {
    this.#active = active;
    if (this.#state.kind === 'connected') this.#session?.store.setActive(active);
  }

  isChanging(flag: string, environment: string): boolean {
    return this.#session?.runner.isChanging({ project: this.project, flag, environment }) ?? false;
  }

  dispose(): void {
    this.#close();
    this.#changes.dispose();
  }

  async #start(client: UnleashClient, generation: number): Promise<void> {
    const { clock, pollEveryMs, snapshots } = this.#parts;
    const saved = await snapshots.load(this.baseUrl, this.project);
    if (generation !== this.#generation) return;
    const store = this.#sessionParts.add(new FlagStore({ reader: client, project: this.project, clock, pollEveryMs }));
    const runner = new ChangeRunner({ port: client, server: this.baseUrl, userId: () => this.identity?.id, sleep, onInFlight: () => this.#changes.fire(undefined) });
    if (saved !== undefined) store.restore(saved);
    this.#sessionParts.add(store.onDidChange(({ flags }) => {
      if (store.snapshot !== undefined && (flags === undefined || flags.size > 0)) snapshots.save(this.baseUrl, this.project, store.snapshot);
      this.#changes.fire(undefined);
    }));
    this.#sessionParts.add(store.onDidPoll(() => {
      // A token that was revoked while we watched: somebody has to sign in again.
      if (store.error?.code !== 'auth') {
        this.#changes.fire(undefined);
        return;
      }
      store.setActive(false);
      this.#setState({ kind: 'failed', error: store.error });
    }));
    this.#session = { client, store, runner };
  }

  async #signIn(client: UnleashClient, generation: number): Promise<void> {
    const error = await this.#trySignIn(client, generation);
    if (error !== undefined && generation === this.#generation && PASSING.has(error.code)) this.#tryAgainLater(client, generation);
  }

  /** Why it failed. */
  async #trySignIn(client: UnleashClient, generation: number): Promise<AppError | undefined> {
    try {
      const [identity, server] = await Promise.all([client.readIdentity(), client.readServer()]);
      if (generation !== this.#generation) return undefined;
      this.#setState({ kind: 'connected', identity, server });
      if (this.#active) this.#session?.store.setActive(true);
      return undefined;
    } catch (thrown) {
      const error = toAppError(thrown);
      this.#fail(error, generation);
      return error;
    }
  }

  #fail(error: AppError, generation: number): void {
    if (generation !== this.#generation) return;
    this.#parts.log.error(`Connecting to ${this.baseUrl}`, error);
    this.#setState({ kind: 'failed', error });
  }

  /** A laptop wakes up before its network does. Nobody has to press a button for that. */
  #tryAgainLater(client: UnleashClient, generation: number): void {
    const wait = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#sessionParts.add(this.#parts.clock.after(wait, () => {
      if (this.#state.kind === 'connected') return;
      if (this.#active) void this.#signIn(client, generation);
      else this.#tryAgainLater(client, generation);
    }));
  }

  #close(): number {
    this.#sessionParts.dispose();
    this.#sessionParts = new DisposableStore();
    this.#session = undefined;
    this.#generation += 1;
    return this.#generation;
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#changes.fire(undefined);
  }
}
