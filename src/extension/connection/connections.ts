import * as vscode from 'vscode';
import { DisposableStore, type Disposable, type Event } from '../../core/base/events.ts';
import type { RegistryNames } from '../../core/models/mappingProblems.ts';
import type { FeatureSet } from '../../core/workspace/featureSet.ts';
import type { ModelMapping, Persona, WorkspaceFile } from '../../core/workspace/config.ts';
import { checkServerUrl } from '../../core/workspace/url.ts';
import { ContextKey } from '../ids.ts';
import { settings } from '../platform/settings.ts';
import { Connection, type ConnectionParts } from './connection.ts';
import type { Credentials } from './credentials.ts';
import type { WorkspaceFiles } from './workspaceFiles.ts';

const DEFAULT_PROJECT = 'default';
const DEFAULT_ENVIRONMENT = 'production';

/** What a workspace folder wants to be connected to, by its file as it is saved. */
export interface Target {
  readonly folder: vscode.WorkspaceFolder;
  readonly baseUrl: string;
  readonly project: string;
  /** The environment that lenses and commands name first. */
  readonly environment: string;
  readonly models: readonly ModelMapping[];
  readonly features: readonly FeatureSet[];
  readonly personas: readonly Persona[];
  /** The folder's modelswitch.yaml as it is saved; undefined where there is none. */
  readonly file: WorkspaceFile | undefined;
  readonly connection: Connection;
}

/** What registries know of the models that folders map, without asking them. */
export interface RegistryViews {
  of(folder: vscode.WorkspaceFolder): RegistryNames | undefined;
  readonly onDidChange: Event<unknown>;
}

export type Overview = 'untrusted' | 'noUrl' | 'signedOut' | 'connecting' | 'failed' | 'connected';

/**
 * The connections that the workspace folders ask for: one for each server and project. Nothing is sent before a token
 * for exactly that origin is known, and nothing at all in an untrusted workspace.
 */
export class Connections implements vscode.Disposable {
  readonly #files: WorkspaceFiles;
  readonly #credentials: Credentials;
  readonly #parts: ConnectionParts;
  readonly #registries: RegistryViews;
  readonly #changes = new vscode.EventEmitter<void>();
  readonly #subscriptions = new DisposableStore();
  readonly #connections = new Map<string, { connection: Connection; token: string | undefined; subscription: Disposable }>();
  #targets: readonly Target[] = [];
  #active = false;
  #updating: Promise<void> = Promise.resolve();
  #disposed = false;

  constructor(files: WorkspaceFiles, credentials: Credentials, parts: ConnectionParts, registries: RegistryViews) {
    this.#files = files;
    this.#credentials = credentials;
    this.#parts = parts;
    const update = (): void => void this.update();
    this.#subscriptions.add(files.onDidChange(update));
    this.#subscriptions.add(credentials.onDidChange(update));
    this.#subscriptions.add(vscode.workspace.onDidGrantWorkspaceTrust(update));
    this.#subscriptions.add(vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('modelswitch')) update();
    }));
    this.#registries = registries;
    this.#subscriptions.add(registries.onDidChange(() => this.#changes.fire()));
    this.#subscriptions.add(this.#changes);
  }

  readonly onDidChange = this.#changes.event;

  get targets(): readonly Target[] {
    return this.#targets;
  }

  get all(): readonly Connection[] {
    return [...this.#connections.values()].map(({ connection }) => connection);
  }

  /** What the registry of a folder is known to have; undefined where it has none, or nothing was read yet. */
  registryView(folder: vscode.WorkspaceFolder): RegistryNames | undefined {
    return this.#registries.of(folder);
  }

  /** The target of the folder that a file lies in; with one folder, of any file. */
  targetFor(uri: vscode.Uri | undefined): Target | undefined {
    const folder = uri === undefined ? undefined : vscode.workspace.getWorkspaceFolder(fileOf(uri));
    if (folder === undefined) return this.#targets.length === 1 ? this.#targets[0] : undefined;
    return this.#targets.find((target) => target.folder.uri.toString() === folder.uri.toString());
  }

  /** The state of the connections in a word, the one that needs a person first. */
  get overview(): Overview {
    if (!vscode.workspace.isTrusted) return 'untrusted';
    const kinds = new Set(this.all.map(({ state }) => state.kind));
    if (kinds.size === 0) return 'noUrl';
    if (kinds.has('connected')) return 'connected';
    if (kinds.has('connecting')) return 'connecting';
    return kinds.has('failed') ? 'failed' : 'signedOut';
  }

  setActive(active: boolean): void {
    this.#active = active;
    for (const connection of this.all) connection.setActive(active);
  }

  /** Signs in again where a sign-in failed; elsewhere reads everything anew. */
  async refresh(): Promise<void> {
    await this.update(true);
    await Promise.all(this.all.flatMap(({ session, state }) => (session === undefined || state.kind !== 'connected' ? [] : [session.store.refresh(true)])));
  }

  /** Brings targets and connections in line with files, settings and credentials; one run after another. */
  update(retryFailed = false): Promise<void> {
    this.#updating = this.#updating.then(() => this.#update(retryFailed)).catch((error: unknown) => this.#parts.log.error('Updating the connections', error));
    return this.#updating;
  }

  dispose(): void {
    this.#disposed = true;
    this.#subscriptions.dispose();
    for (const { connection, subscription } of this.#connections.values()) {
      subscription.dispose();
      connection.dispose();
    }
    this.#connections.clear();
  }

  async #update(retryFailed: boolean): Promise<void> {
    await this.#files.ready;
    if (this.#disposed) return;
    this.#targets = vscode.workspace.isTrusted
      ? (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => this.#targetOf(folder) ?? [])
      : [];
    this.#dropUnused();
    await Promise.all([...this.#connections.values()].map((entry) => this.#signIn(entry, retryFailed)));
    this.#announce();
  }

  #targetOf(folder: vscode.WorkspaceFolder): Target | undefined {
    const file = this.#files.saved(folder)?.file;
    const config = file?.config;
    const written = config?.unleash?.url ?? (settings.url(folder.uri) || this.#credentials.environmentUrl);
    const baseUrl = written === undefined ? undefined : normaliseUrl(written);
    if (baseUrl === undefined) return undefined;
    const project = config?.unleash?.project ?? (settings.project(folder.uri) || DEFAULT_PROJECT);
    return {
      folder,
      baseUrl,
      project,
      environment: config?.unleash?.environment ?? (settings.environment(folder.uri) || DEFAULT_ENVIRONMENT),
      models: config?.models ?? [],
      features: config?.features ?? [],
      // They only ask: who is writing one sees at once what it would get.
      personas: (this.#files.of(folder)?.file.config ?? config)?.personas ?? [],
      file,
      connection: this.#connection(baseUrl, project),
    };
  }

  #connection(baseUrl: string, project: string): Connection {
    const key = `${baseUrl} ${project}`;
    const known = this.#connections.get(key);
    if (known !== undefined) return known.connection;
    const connection = new Connection(baseUrl, project, this.#parts);
    connection.setActive(this.#active);
    const subscription = connection.onDidChange(() => this.#announce());
    this.#connections.set(key, { connection, token: undefined, subscription });
    return connection;
  }

  #dropUnused(): void {
    for (const [key, { connection, subscription }] of this.#connections) {
      if (this.#targets.some((target) => target.connection === connection)) continue;
      subscription.dispose();
      connection.dispose();
      this.#connections.delete(key);
    }
  }

  async #signIn(entry: { connection: Connection; token: string | undefined }, retryFailed: boolean): Promise<void> {
    const credential = await this.#credentials.find(entry.connection.origin);
    const retry = retryFailed && entry.connection.state.kind === 'failed';
    if (credential?.token === entry.token && !retry) return;
    entry.token = credential?.token;
    if (credential === undefined) entry.connection.close();
    // Not awaited: a server that does not answer must not hold up the other connections, or the next update.
    else void entry.connection.open(credential.token);
  }

  #announce(): void {
    void vscode.commands.executeCommand('setContext', ContextKey.connection, this.overview);
    void vscode.commands.executeCommand('setContext', ContextKey.writable, !settings.readOnly());
    this.#changes.fire();
  }
}

/** The notebook's file for one of its cells. */
export function fileOf(uri: vscode.Uri): vscode.Uri {
  if (uri.scheme !== 'vscode-notebook-cell') return uri;
  return vscode.workspace.notebookDocuments.find((notebook) => notebook.getCells().some((cell) => cell.document.uri.toString() === uri.toString()))?.uri ?? uri;
}

/** Origin and path without a trailing slash; undefined for what cannot be a server's address. */
export function normaliseUrl(written: string): string | undefined {
  const checked = checkServerUrl(written);
  return 'problem' in checked ? undefined : checked.url;
}
