import * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { ageWords, plainLine } from '../../core/base/words.ts';
import type { Lineage } from '../../core/models/lineage.ts';
import type { Listed, Reading } from '../../core/models/modelSnapshot.ts';
import type { RegisteredModel } from '../../core/models/model.ts';
import type { Connections } from '../connection/connections.ts';
import { Command, ContextKey } from '../ids.ts';
import { DrawnNodes } from './drawnNodes.ts';
import { failureLine, lineItem, modelItem, pipelineItem, registryItem, stageItem, versionItem, versionTooltip } from './modelItems.ts';
import { modelNodeId, registryKey, type ModelEntryNode, type ModelNode, type VersionNode } from './modelNodes.ts';
import type { Registries } from './registries.ts';
import type { RegistryConnection } from './registryConnection.ts';
import { mappingsOf, whereOut, type Mapped, type Outing } from './whereOut.ts';
import type { WorkingTree } from './workingTree.ts';

export interface ModelTreeParts {
  readonly registries: Registries;
  readonly connections: Connections;
  readonly workingTree: WorkingTree;
  readonly view: vscode.TreeView<ModelNode>;
  /** What stands below this node, or all of the tree, has to be drawn anew. */
  readonly changed: (node: ModelNode | undefined) => void;
}

/** The tree "Models": mapped models first, then the registry's others; below each its versions, newest first, and its pipeline. */
export class ModelTree implements vscode.Disposable {
  readonly #parts: ModelTreeParts;
  readonly #subscriptions = new DisposableStore();
  readonly #searches = new Map<RegistryConnection, Reading<Listed<RegisteredModel>>>();
  readonly #drawn: DrawnNodes;
  #filter = '';

  constructor(parts: ModelTreeParts) {
    this.#parts = parts;
    this.#drawn = new DrawnNodes({ children: (node) => this.#children(node), item: (node) => this.#item(node), changed: parts.changed });
    const redraw = (): void => this.#redrawSoon();
    this.#subscriptions.add(parts.registries.onDidChange(redraw));
    this.#subscriptions.add(parts.connections.onDidChange(redraw));
    this.#subscriptions.add(parts.workingTree.onDidChange(redraw));
    this.#subscriptions.add(parts.view.onDidCollapseElement(({ element }) => {
      this.#drawn.collapsed(element);
      if (element.kind === 'model') element.connection.store?.forgetVersions(element.registered);
    }));
    this.#subscriptions.add(parts.view.onDidExpandElement(({ element }) => this.#drawn.expanded(element)));
    this.#updateMessage();
  }

  get filter(): string {
    return this.#filter;
  }

  /** Models whose name contains a text: those that are read, and where there are more, those that the registry finds. */
  async setFilter(filter: string): Promise<void> {
    this.#filter = filter.trim().toLowerCase();
    void vscode.commands.executeCommand('setContext', ContextKey.modelsFiltered, this.#filter !== '');
    await this.search();
  }

  /** Asks the registries again for what the filter wants. */
  async search(): Promise<void> {
    const filter = this.#filter;
    this.#searches.clear();
    await Promise.all((filter === '' ? [] : this.#parts.registries.all).map(async (connection) => {
      const { store } = connection;
      if (store?.snapshot.list.value?.next === undefined) return;
      const found = await store.find(filter);
      if (filter === this.#filter) this.#searches.set(connection, found);
    }));
    this.#redrawSoon();
  }

  async loadMore({ connection, registered }: Extract<ModelNode, { kind: 'more' }>): Promise<void> {
    const found = this.#searches.get(connection);
    if (registered !== undefined) await connection.store?.loadMoreVersions(registered);
    else if (found?.value === undefined) await connection.store?.loadMore();
    else if (connection.store !== undefined) this.#searches.set(connection, await connection.store.find(this.#filter, found.value));
    this.#redrawSoon();
  }

  getParent(node: ModelNode): ModelNode | undefined {
    if (node.kind === 'version') return this.#modelNode(node.connection, node.registered);
    if (node.kind === 'model') return this.#shown.length > 1 ? { kind: 'registry', connection: node.connection } : undefined;
    return undefined;
  }

  async getChildren(node?: ModelNode): Promise<ModelNode[]> {
    const children = await this.#children(node);
    this.#drawn.remember(node, children);
    return children;
  }

  async #children(node: ModelNode | undefined): Promise<ModelNode[]> {
    switch (node?.kind) {
      case undefined: {
        const shown = this.#shown;
        const { problem } = this.#parts.registries;
        const problems = problem === undefined ? [] : [failureLine('problem', problem, {})];
        return [...problems, ...(shown.length === 1 && shown[0] !== undefined ? this.#models(shown[0]) : shown.map((connection) => ({ kind: 'registry' as const, connection })))];
      }
      case 'registry':
        return this.#models(node.connection);
      case 'model':
        return [...await this.#pipelines(node), ...await this.#versions(node)];
      case 'pipeline':
        return this.#stages(node);
      case 'version':
      case 'stage':
      case 'line':
      case 'more':
        return [];
    }
  }

  getTreeItem(node: ModelNode): vscode.TreeItem {
    const item = this.#item(node);
    item.id = modelNodeId(node);
    return item;
  }

  async resolveTreeItem(item: vscode.TreeItem, node: ModelNode): Promise<vscode.TreeItem> {
    if (node.kind !== 'version' || node.connection.store === undefined) return item;
    try {
      const detail = await node.connection.store.readDetail(node.registered, node.version);
      item.tooltip = versionTooltip(detail, this.#outings(node), this.#lineage(node));
    } catch (error) {
      item.tooltip = plainLine(error instanceof Error ? error.message : String(error), 500);
    }
    return item;
  }

  dispose(): void {
    this.#drawn.dispose();
    this.#subscriptions.dispose();
  }

  /** Registries that have something to show. Where there is none, the view's welcome says what to do. */
  get #shown(): readonly RegistryConnection[] {
    const { all } = this.#parts.registries;
    return all.some(({ state }) => state === 'connected' || state === 'failed') ? all : [];
  }

  #redrawSoon(): void {
    this.#updateMessage();
    this.#drawn.checkSoon();
  }

  #updateMessage(): void {
    const { view } = this.#parts;
    view.message = this.#message();
    view.description = this.#filter === '' ? '' : `filter: ${this.#filter}`;
  }

  #message(): string {
    const { registries } = this.#parts;
    const old = registries.all.find(({ state, error }) => state === 'connected' && error !== undefined)?.store?.snapshot.list;
    if (old?.readAt !== undefined) return `The registry does not answer as it should; shown is what was read ${ageWords(Date.now() - old.readAt)}.`;
    if (registries.overview === 'connecting') return 'Reading models...';
    const shown = this.#shown;
    if (shown.length === 0 || shown.some((connection) => connection.state !== 'connected' || this.#names(connection).length > 0)) return '';
    return this.#filter === '' ? 'This registry has no models.' : `No model contains "${this.#filter}".`;
  }

  #models(connection: RegistryConnection): ModelNode[] {
    const { error, store } = connection;
    const list = store?.snapshot.list;
    const failure = error === undefined ? [] : [failureLine(`${registryKey(connection)}!`, error, { readAt: list?.readAt, failedAt: list?.failedAt })];
    if (list?.value === undefined) return failure;
    const search = this.#searches.get(connection);
    const notFound = search?.error === undefined ? [] : [failureLine(`${registryKey(connection)}?`, search.error, {})];
    const more: ModelNode[] = (search?.value ?? list.value).next === undefined ? [] : [{ kind: 'more', connection }];
    return [...failure, ...notFound, ...this.#names(connection).map((registered) => this.#modelNode(connection, registered)), ...more];
  }

  /** Mapped models first, in the order of `modelswitch.yaml`; behind the filter. */
  #names(connection: RegistryConnection): string[] {
    const listed = (this.#searches.get(connection)?.value ?? connection.store?.snapshot.list.value)?.items.map(({ name }) => name) ?? [];
    const known = new Set(listed);
    const mapped = this.#parts.registries.modelsOf(connection).flatMap(({ name, registeredModel }) => registeredModel ?? (known.has(name) ? [name] : []));
    return [...new Set([...mapped, ...listed])].filter((name) => name.toLowerCase().includes(this.#filter));
  }

  #modelNode(connection: RegistryConnection, registered: string): ModelEntryNode {
    const [mapped] = mappingsOf(this.#parts.registries, connection, registered);
    return { kind: 'model', connection, registered, ...(mapped === undefined ? {} : { folder: mapped.registry.folder.uri.toString(), model: mapped.mapping.name }) };
  }

  async #versions({ connection, registered, folder, model }: ModelEntryNode): Promise<ModelNode[]> {
    const { store } = connection;
    if (store === undefined) return [];
    await store.loadVersions(registered);
    const { value, error, readAt, failedAt } = store.versions(registered);
    const id = JSON.stringify([registryKey(connection), registered]);
    const failure = error === undefined ? [] : [failureLine(`${id}!`, error, { readAt, failedAt })];
    const mapped = folder === undefined || model === undefined ? {} : { folder, model };
    const nodes = (value?.items ?? []).map(({ version }): VersionNode => ({ kind: 'version', connection, registered, version, ...mapped }));
    const empty: ModelNode[] = value?.items.length === 0 ? [{ kind: 'line', id: `${id}0`, label: 'no versions', icon: 'info' }] : [];
    return [...failure, ...nodes, ...empty, ...(value?.next === undefined ? [] : [{ kind: 'more' as const, connection, registered }])];
  }

  /** One for each mapping whose folder has a `dvc.yaml`. */
  async #pipelines({ connection, registered }: ModelEntryNode): Promise<ModelNode[]> {
    const found = await Promise.all(mappingsOf(this.#parts.registries, connection, registered).map(async (mapped): Promise<ModelNode[]> => {
      if (!await this.#parts.workingTree.hasPipeline(mapped)) return [];
      return [{ kind: 'pipeline', folder: mapped.registry.folder.uri.toString(), model: mapped.mapping.name }];
    }));
    return found.flat();
  }

  async #stages({ folder, model }: { folder: string; model: string }): Promise<ModelNode[]> {
    const mapped = this.#mapped(folder, model);
    if (mapped === undefined) return [];
    const { value, error } = await this.#parts.workingTree.pipeline(mapped);
    const id = JSON.stringify(['pipeline', folder, model]);
    if (value === undefined) return error === undefined ? [] : [failureLine(`${id}!`, error, {})];
    const problems = value.problems.filter(({ problem }) => problem.severity === 'error').map(({ file, problem }, index): ModelNode => ({
      kind: 'line', id: `${id}${index}`, label: `${file}:${problem.range.start.line + 1}`, description: problem.message, tooltip: problem.message, icon: 'warning',
    }));
    return [...problems, ...value.stages.map((status): ModelNode => ({ kind: 'stage', folder, model, stage: status.name, status }))];
  }

  #mapped(folder: string, model: string): Mapped | undefined {
    const registry = this.#parts.registries.folders.find((each) => each.folder.uri.toString() === folder);
    const mapping = registry?.models.find(({ name }) => name === model);
    return registry === undefined || mapping === undefined ? undefined : { registry, mapping };
  }

  #outings({ connection, registered, version }: VersionNode): Outing[] {
    return whereOut(this.#parts.registries, this.#parts.connections, connection, registered, version);
  }

  /** Asked for only of versions that serve: each one is read, and git is asked about it. */
  #lineage({ connection, registered, version, folder, model }: VersionNode): Lineage | undefined {
    const mapped = folder === undefined || model === undefined ? undefined : this.#mapped(folder, model);
    return mapped === undefined ? undefined : this.#parts.workingTree.lineage({ connection, folder: mapped.registry.folder, mapping: mapped.mapping, registered, version }).value;
  }

  #item(node: ModelNode): vscode.TreeItem {
    switch (node.kind) {
      case 'registry':
        return registryItem(node.connection);
      case 'model':
        return modelItem(node, node.connection.store?.model(node.registered) ?? { loading: true });
      case 'version': {
        const outings = this.#outings(node);
        const version = node.connection.store?.versions(node.registered).value?.items.find((each) => each.version === node.version);
        return versionItem(node, version, outings, outings.length > 0 ? this.#lineage(node) : undefined);
      }
      case 'pipeline':
        return pipelineItem();
      case 'stage':
        return stageItem(node);
      case 'line':
        return lineItem(node);
      case 'more': {
        const item = new vscode.TreeItem('Load more...');
        item.command = { title: 'Load more', command: Command.loadMoreModels, arguments: [node] };
        return item;
      }
    }
  }
}
