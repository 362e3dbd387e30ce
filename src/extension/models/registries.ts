import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { DisposableStore, Emitter, type Disposable } from '../../core/base/events.ts';
import type { AliasChange } from '../../core/models/registry.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import { DEFAULT_REGISTRY_FILE, environmentRegistry, registryProblem } from '../../core/workspace/registryChoice.ts';
import { fileOf } from '../connection/connections.ts';
import { CONFIGURATION_FILE, type WorkspaceFiles } from '../connection/workspaceFiles.ts';
import { ContextKey } from '../ids.ts';
import { RegistryConnection, type RegistryConnectionParts, type RegistryPlace } from './registryConnection.ts';
import type { RegistryCredentials } from './registryCredentials.ts';

/** The registry of a workspace folder, and the models that the folder maps. */
export interface FolderRegistry {
  readonly folder: vscode.WorkspaceFolder;
  readonly models: readonly ModelMapping[];
  readonly connection: RegistryConnection;
}

export type RegistryOverview = 'untrusted' | 'none' | 'signedOut' | 'connecting' | 'failed' | 'connected';

export interface RegistriesChange {
  /** The registry whose state or content changed; undefined when folders, mappings or sign-ins did. */
  readonly connection: RegistryConnection | undefined;
  readonly moved: readonly AliasChange[];
}

/**
 * The model registries that the workspace folders name: `registry:` of `modelswitch.yaml`, else MLFLOW_TRACKING_URI of the environment, else
 * `models/registry.yaml`. Nothing is read before something shows them, and nothing at all in an untrusted workspace. A folder whose
 * `registry:` is wrong has none: its problems say why.
 */
export class Registries implements vscode.Disposable {
  readonly #files: WorkspaceFiles;
  readonly #credentials: RegistryCredentials;
  readonly #parts: RegistryConnectionParts;
  readonly #changes = new Emitter<RegistriesChange>();
  readonly #subscriptions = new DisposableStore();
  readonly #connections = new Map<string, { connection: RegistryConnection; subscriptions: Disposable }>();
  #folders: readonly FolderRegistry[] = [];
  #problem: AppError | undefined;
  #active = false;
  #updating: Promise<void> = Promise.resolve();
  #disposed = false;

  constructor(files: WorkspaceFiles, credentials: RegistryCredentials, parts: RegistryConnectionParts) {
    this.#files = files;
    this.#credentials = credentials;
    this.#parts = parts;
    const update = (): void => void this.update();
    this.#subscriptions.add(files.onDidChange(update));
    this.#subscriptions.add(credentials.onDidChange(update));
    this.#subscriptions.add(vscode.workspace.onDidGrantWorkspaceTrust(update));
    const watcher = this.#subscriptions.add(vscode.workspace.createFileSystemWatcher(`**/${DEFAULT_REGISTRY_FILE}`, false, true));
    this.#subscriptions.add(watcher.onDidCreate(update));
    this.#subscriptions.add(watcher.onDidDelete(update));
    this.#subscriptions.add(this.#changes);
  }

  readonly onDidChange = this.#changes.event;

  /** The folders that have a registry. */
  get folders(): readonly FolderRegistry[] {
    return this.#folders;
  }

  get all(): readonly RegistryConnection[] {
    return [...this.#connections.values()].map(({ connection }) => connection);
  }

  /** Why a folder has no registry though it names one. */
  get problem(): AppError | undefined {
    return this.#problem;
  }

  /** The registry of the folder that a file lies in; with one folder, of any file. */
  of(uri: vscode.Uri | undefined): FolderRegistry | undefined {
    const folder = uri === undefined ? undefined : vscode.workspace.getWorkspaceFolder(fileOf(uri));
    if (folder === undefined) return this.#folders.length === 1 ? this.#folders[0] : undefined;
    return this.#folders.find((each) => each.folder.uri.toString() === folder.uri.toString());
  }

  /** The mappings of all folders that use a registry. */
  modelsOf(connection: RegistryConnection): readonly ModelMapping[] {
    return this.#folders.filter((each) => each.connection === connection).flatMap(({ models }) => models);
  }

  /** The state of the registries in a word: `connected` as soon as there is something to show. */
  get overview(): RegistryOverview {
    if (!vscode.workspace.isTrusted) return 'untrusted';
    const states = new Set(this.all.map(({ state }) => state));
    if (states.size === 0) return this.#problem === undefined ? 'none' : 'failed';
    return (['connected', 'failed', 'signedOut'] as const).find((state) => states.has(state)) ?? 'connecting';
  }

  /** Look at the registries from time to time: something shows them. */
  setActive(active: boolean): void {
    this.#active = active;
    for (const connection of this.all) connection.setActive(active);
  }

  /** Reads everything anew. */
  async refresh(): Promise<void> {
    await this.update();
    await Promise.all(this.all.map((connection) => connection.refresh()));
  }

  /** Brings folders and registries in line with files, environment and credentials; one run after another. */
  update(): Promise<void> {
    this.#updating = this.#updating.then(() => this.#update()).catch((error: unknown) => this.#parts.log.error('Updating the registries', error));
    return this.#updating;
  }

  dispose(): void {
    this.#disposed = true;
    this.#subscriptions.dispose();
    for (const { subscriptions } of this.#connections.values()) subscriptions.dispose();
    this.#connections.clear();
  }

  async #update(): Promise<void> {
    await this.#files.ready;
    this.#problem = undefined;
    const found: FolderRegistry[] = [];
    for (const folder of vscode.workspace.isTrusted ? vscode.workspace.workspaceFolders ?? [] : []) {
      const place = await this.#placeOf(folder);
      if (this.#disposed) return;
      if (place !== undefined) found.push({ folder, models: this.#files.saved(folder)?.file.config?.models ?? [], connection: await this.#connection(place) });
    }
    this.#folders = found;
    for (const [key, { connection, subscriptions }] of this.#connections) {
      if (found.some((each) => each.connection === connection)) {
        connection.follow(this.modelsOf(connection).flatMap(({ registeredModel }) => registeredModel ?? []));
        connection.setActive(this.#active);
      } else {
        subscriptions.dispose();
        this.#connections.delete(key);
      }
    }
    this.#announce(undefined, []);
  }

  async #placeOf(folder: vscode.WorkspaceFolder): Promise<RegistryPlace | undefined> {
    const file = this.#files.saved(folder)?.file;
    const wrong = file === undefined ? undefined : registryProblem(file);
    if (wrong !== undefined) {
      this.#problem = new AppError('validation', `${CONFIGURATION_FILE}:${wrong.range.start.line + 1}: ${wrong.message}`);
      return undefined;
    }
    const target = file?.config?.registry ?? environmentRegistry(this.#credentials.trackingUri);
    if (target !== undefined && 'problem' in target) {
      this.#problem = new AppError('validation', target.problem);
      return undefined;
    }
    if (target !== undefined) {
      const { kind, location, workspace } = target;
      return { kind, location, folder: folder.uri.fsPath, ...(workspace === undefined ? {} : { workspace }) };
    }
    const isThere = await vscode.workspace.fs.stat(vscode.Uri.joinPath(folder.uri, DEFAULT_REGISTRY_FILE)).then(() => true, () => false);
    return isThere ? { kind: 'file', location: DEFAULT_REGISTRY_FILE, folder: folder.uri.fsPath } : undefined;
  }

  async #connection(place: RegistryPlace): Promise<RegistryConnection> {
    // A server is the same for all folders; a path starts from its folder.
    const key = JSON.stringify([place.kind, place.location, place.workspace, place.kind === 'mlflow' ? '' : place.folder]);
    const known = this.#connections.get(key)?.connection;
    const origin = known?.origin ?? (place.kind === 'mlflow' ? new URL(place.location).origin : undefined);
    const credentials = origin === undefined ? undefined : await this.#credentials.find(origin);
    if (known !== undefined) {
      known.setCredentials(credentials);
      // VS Code tells nothing of files that files.watcherExclude names, and not always of those in a folder that is made anew.
      if (place.kind === 'file') void known.store?.refreshAll();
      return known;
    }
    const connection = new RegistryConnection(place, credentials, this.#parts);
    const subscriptions = new DisposableStore();
    subscriptions.add(connection);
    subscriptions.add(connection.onDidChange((moved) => this.#announce(connection, moved)));
    if (place.kind === 'file') {
      const watcher = subscriptions.add(vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(place.folder), place.location)));
      const reread = (): void => void connection.store?.refreshAll();
      subscriptions.add(watcher.onDidChange(reread));
      subscriptions.add(watcher.onDidCreate(reread));
      subscriptions.add(watcher.onDidDelete(reread));
    }
    this.#connections.set(key, { connection, subscriptions });
    return connection;
  }

  #announce(connection: RegistryConnection | undefined, moved: readonly AliasChange[]): void {
    void vscode.commands.executeCommand('setContext', ContextKey.registry, this.overview);
    this.#changes.fire({ connection, moved });
  }
}
