import * as vscode from 'vscode';
import type { FetchLike } from '../../adapters/node/httpClient.ts';
import { DisposableStore } from '../../core/base/events.ts';
import type { Connections } from '../connection/connections.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import { Command, View } from '../ids.ts';
import { showError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Prompts } from '../platform/prompts.ts';
import type { ModelFeature } from './modelFeature.ts';
import { MODEL_SCHEME, type ModelNode } from './modelNodes.ts';
import type { Registries } from './registries.ts';
import type { RegistryCredentials } from './registryCredentials.ts';

export interface ModelViewParts {
  readonly registries: Registries;
  readonly connections: Connections;
  readonly credentials: RegistryCredentials;
  readonly files: WorkspaceFiles;
  readonly prompts: Prompts;
  readonly fetch: FetchLike;
  readonly log: Log;
}

/** Commands by what a failure of theirs is called. */
const COMMANDS: Readonly<Record<string, string>> = {
  [Command.refreshModels]: 'Refresh models',
  [Command.filterModels]: 'Filter models',
  [Command.clearModelFilter]: 'Filter models',
  [Command.loadMoreModels]: 'Load more models',
  [Command.showVersion]: 'Show version',
  [Command.compareVersions]: 'Compare versions',
  [Command.showCodeChanges]: 'Show code changes',
  [Command.openInRegistry]: 'Open in registry',
  [Command.moveAlias]: 'Move alias',
  [Command.retrain]: 'Retrain',
  [Command.registrySignIn]: 'Sign in to the model registry',
  [Command.registrySignOut]: 'Sign out of the model registry',
};

/**
 * The view "Models", its documents and its commands, as they are registered on activation. What they do is loaded when the first of them is
 * needed, which is when somebody looks.
 */
export class ModelViews implements vscode.TreeDataProvider<ModelNode>, vscode.TextDocumentContentProvider, vscode.CodeLensProvider, vscode.Disposable {
  readonly #parts: ModelViewParts;
  readonly #subscriptions = new DisposableStore();
  readonly #treeChanges = this.#subscriptions.add(new vscode.EventEmitter<ModelNode | undefined>());
  readonly #documentChanges = this.#subscriptions.add(new vscode.EventEmitter<vscode.Uri>());
  readonly #view: vscode.TreeView<ModelNode>;
  #loading: Promise<ModelFeature> | undefined;
  #feature: ModelFeature | undefined;

  readonly onDidChangeTreeData = this.#treeChanges.event;
  readonly onDidChange = this.#documentChanges.event;

  constructor(parts: ModelViewParts) {
    this.#parts = parts;
    this.#view = this.#subscriptions.add(vscode.window.createTreeView(View.models, { treeDataProvider: this, showCollapseAll: true, canSelectMany: true }));
    this.#subscriptions.add(vscode.workspace.registerTextDocumentContentProvider(MODEL_SCHEME, this));
    this.#subscriptions.add(vscode.languages.registerCodeLensProvider({ scheme: MODEL_SCHEME }, this));
    for (const [id, name] of Object.entries(COMMANDS)) {
      this.#subscriptions.add(vscode.commands.registerCommand(id, async (argument: unknown, selected: unknown) => {
        try {
          return await (await this.load()).commands[id]?.(argument, selected);
        } catch (error) {
          void showError(parts.log, name, error);
          return undefined;
        }
      }));
    }
  }

  get visible(): boolean {
    return this.#view.visible;
  }

  get onDidChangeVisibility(): vscode.Event<unknown> {
    return this.#view.onDidChangeVisibility;
  }

  async getChildren(node?: ModelNode): Promise<ModelNode[]> {
    return (await this.load()).tree.getChildren(node);
  }

  async getTreeItem(node: ModelNode): Promise<vscode.TreeItem> {
    return (await this.load()).tree.getTreeItem(node);
  }

  getParent(node: ModelNode): ModelNode | undefined {
    return this.#feature?.tree.getParent(node);
  }

  async resolveTreeItem(item: vscode.TreeItem, node: ModelNode): Promise<vscode.TreeItem> {
    return (await this.load()).tree.resolveTreeItem(item, node);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    return (await this.load()).documents.text(uri);
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    return (await this.load()).documents.lenses(document);
  }

  /** Tree, documents and commands, loaded by the first who asks. */
  load(): Promise<ModelFeature> {
    return this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
  }

  dispose(): void {
    this.#feature?.dispose();
    this.#subscriptions.dispose();
  }

  async #load(): Promise<ModelFeature> {
    const { ModelFeature } = await import('./models.lazy.ts');
    this.#feature = new ModelFeature(this.#parts, { view: this.#view, treeChanged: (node) => this.#treeChanges.fire(node), documentChanged: (uri) => this.#documentChanges.fire(uri) });
    return this.#feature;
  }
}
