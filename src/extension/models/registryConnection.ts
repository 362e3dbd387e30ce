import type { MlflowCredentials } from '../../adapters/mlflow/credentials.ts';
import type { FetchLike } from '../../adapters/node/httpClient.ts';
import { AppError, toAppError } from '../../core/base/errors.ts';
import type { Clock } from '../../core/base/clock.ts';
import { Emitter, type Disposable } from '../../core/base/events.ts';
import type { ModelStore } from '../../core/models/modelStore.ts';
import type { AliasChange } from '../../core/models/registry.ts';
import type { RegistryTarget } from '../../core/workspace/registry.ts';
import type { Log } from '../platform/log.ts';

/**
 * `idle`: nothing has shown it yet, so nothing was read. `signedOut`: the server asks for a sign-in, or does not accept the one there is.
 * `connected`: there is something to show; it may be old (`store.snapshot.list.error`).
 */
export type RegistryState = 'idle' | 'connecting' | 'signedOut' | 'failed' | 'connected';

export interface RegistryConnectionParts {
  readonly fetch: FetchLike;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollEveryMs: () => number;
}

export type RegistryPlace = Omit<RegistryTarget, 'range'> & { readonly folder: string };

/** One model registry, shared by the workspace folders that name it. Its adapter is loaded when something first asks for it. */
export class RegistryConnection implements Disposable {
  readonly place: RegistryPlace;
  /** The origin that credentials are kept for; undefined where there is no server. */
  readonly origin: string | undefined;
  readonly #parts: RegistryConnectionParts;
  readonly #changes = new Emitter<readonly AliasChange[]>();
  #credentials: MlflowCredentials | undefined;
  #opening: Promise<ModelStore> | undefined;
  #store: ModelStore | undefined;
  #error: AppError | undefined;
  #followed: readonly string[] = [];
  #active = false;
  #generation = 0;

  constructor(place: RegistryPlace, credentials: MlflowCredentials | undefined, parts: RegistryConnectionParts) {
    this.place = place;
    this.origin = place.kind === 'mlflow' ? new URL(place.location).origin : undefined;
    this.#credentials = credentials;
    this.#parts = parts;
  }

  /** The state or what is known; with it the aliases that moved since the last look. */
  readonly onDidChange = this.#changes.event;

  /** Undefined until something showed the registry, and where it cannot be opened. */
  get store(): ModelStore | undefined {
    return this.#store;
  }

  get state(): RegistryState {
    if (this.#store === undefined) return this.#error !== undefined ? 'failed' : this.#opening === undefined ? 'idle' : 'connecting';
    const { value, error, loading } = this.#store.snapshot.list;
    if (value !== undefined) return 'connected';
    if (error !== undefined) return error.code === 'auth' ? 'signedOut' : 'failed';
    return loading ? 'connecting' : 'idle';
  }

  /** Why there is nothing to show, or why what is shown may be old. */
  get error(): AppError | undefined {
    return this.#error ?? this.#store?.snapshot.list.error;
  }

  get isSignedIn(): boolean {
    return this.#credentials !== undefined;
  }

  /** The store, opened if it is not yet; it may have read nothing. @throws AppError when the registry cannot be opened */
  open(): Promise<ModelStore> {
    return this.#opening ??= this.#open();
  }

  /** Look at the registry from time to time while something shows it; the first time opens it. */
  setActive(active: boolean): void {
    this.#active = active;
    if (active && this.#opening === undefined) void this.open().catch(() => undefined);
    else this.#store?.setActive(active);
  }

  /** The models of `modelswitch.yaml`: they are read whatever page they are on. */
  follow(models: readonly string[]): void {
    this.#followed = models;
    this.#store?.follow(models);
  }

  /** Everything anew, also after a failure to open. */
  async refresh(): Promise<void> {
    if (this.#error !== undefined) this.#close();
    await this.open().then((store) => store.refreshAll(), () => undefined);
  }

  /** Another credential is another view of the registry: nothing of the former one's is shown. */
  setCredentials(credentials: MlflowCredentials | undefined): void {
    if (JSON.stringify(credentials) === JSON.stringify(this.#credentials)) return;
    this.#credentials = credentials;
    const wasOpen = this.#opening !== undefined;
    this.#close();
    if (wasOpen || this.#active) void this.open().catch(() => undefined);
    this.#changes.fire([]);
  }

  dispose(): void {
    this.#close();
    this.#changes.dispose();
  }

  async #open(): Promise<ModelStore> {
    const generation = this.#generation;
    const { clock, fetch, pollEveryMs, log } = this.#parts;
    try {
      const { openRegistry, ModelStore } = await import('./models.lazy.ts');
      if (generation !== this.#generation) throw new AppError('cancelled', 'Cancelled.');
      const registry = openRegistry(this.place, { folder: this.place.folder, credentialsFor: (origin) => (origin === this.origin ? this.#credentials : undefined), fetch });
      const store = new ModelStore({ registry, clock, pollEveryMs });
      let logged: AppError | undefined;
      store.onDidChange(({ moved }) => {
        const { error } = store.snapshot.list;
        if (error !== undefined && error !== logged) log.error(`Reading models of ${this.place.location}`, error);
        logged = error;
        this.#changes.fire(moved);
      });
      store.follow(this.#followed);
      this.#store = store;
      store.setActive(this.#active);
      return store;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (generation === this.#generation) {
        log.error(`Opening the registry ${this.place.location}`, error);
        this.#error = error;
        this.#changes.fire([]);
      }
      throw error;
    }
  }

  #close(): void {
    this.#generation += 1;
    this.#store?.dispose();
    this.#store = undefined;
    this.#opening = undefined;
    this.#error = undefined;
  }
}
