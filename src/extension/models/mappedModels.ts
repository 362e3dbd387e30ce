import type * as vscode from 'vscode';
import { DisposableStore, Emitter, type Disposable } from '../../core/base/events.ts';
import { armsOf, wantedDetails } from '../../core/models/mapping.ts';
import type { RegistryNames } from '../../core/models/mappingProblems.ts';
import type { ModelStore } from '../../core/models/modelStore.ts';
import type { RegistryViews } from '../connection/connections.ts';
import type { Registries } from './registries.ts';

/** A file may map thousands; what is not asked for from the start is shown by the names of the file. */
const MOST_WANTED = 200;
const SOON_MS = 50;

/** The registries as lens, hover, tree and problems see them: what is known of the mapped models, which are asked for as soon as a registry is looked at. */
export class MappedModels implements RegistryViews, Disposable {
  readonly #registries: Registries;
  readonly #changes = new Emitter<undefined>();
  readonly #subscriptions = new DisposableStore();
  #known = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(registries: Registries) {
    this.#registries = registries;
    this.#subscriptions.add(registries.onDidChange(() => this.#updateSoon()));
    this.#subscriptions.add(this.#changes);
  }

  readonly onDidChange = this.#changes.event;

  of(folder: vscode.WorkspaceFolder): RegistryNames | undefined {
    const store = this.#registries.folders.find((each) => each.folder.uri.toString() === folder.uri.toString())?.connection.store;
    return store && viewOf(store);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#subscriptions.dispose();
  }

  /** Not within the store's own event: asking it for something would fire the next one. */
  #updateSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#update();
    }, SOON_MS);
  }

  /** Asks for what mappings name, and tells of a change when it is one that anybody could see: a store fires at every request. */
  #update(): void {
    const seen: unknown[] = [];
    for (const { models, connection: { store } } of this.#registries.folders) {
      if (store === undefined || store.snapshot.list.readAt === undefined) continue;
      const flags = [...new Set(models.flatMap(({ switches }) => switches.map(({ flag }) => flag)))];
      const wanted = wantedDetails(flags.flatMap((flag) => armsOf(models, flag, undefined))).slice(0, MOST_WANTED);
      for (const { model, name } of wanted) {
        // A model that somebody deleted, or a mapping without one, is not asked for again and again.
        if (store.model(model).value !== undefined) store.wantDetail(model, name);
        const { value, error } = store.detail(model, name);
        seen.push([model, store.model(model).error?.code, name, value?.version, value?.metrics, value?.aliases, error?.code]);
      }
    }
    const known = JSON.stringify(seen);
    if (known === this.#known) return;
    this.#known = known;
    this.#changes.fire(undefined);
  }
}

function viewOf(store: ModelStore): RegistryNames {
  return {
    model: (name) => store.model(name),
    detail: (model, name) => store.detail(model, name),
    resolve: (model, name) => store.resolve(model, name),
    names: store.snapshot.list.value?.items.map(({ name }) => name),
    versionNames: (model) => store.versions(model).value?.items.map(({ version }) => version) ?? [],
  };
}
