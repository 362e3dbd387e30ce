import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { DisposableStore, type Event } from '../../core/base/events.ts';
import { ageWords, plainLine } from '../../core/base/words.ts';
import type { ChangeKind } from '../../core/flags/changePlan.ts';
import { describeRollout } from '../../core/flags/rollout.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { Command, ContextKey, View } from '../ids.ts';
import { settings } from '../platform/settings.ts';
import { mayChange } from '../../core/flags/permissions.ts';
import { environmentNames, flagFacts, modelText, rolloutIn, type FlagFacts } from './facts.ts';
import type { FlagHistories } from './histories.ts';
import { detailItem, failureNode, failureOf } from './detailItems.ts';
import { historyChildren, historyItem, stateItem } from './historyNodes.ts';
import { nodeId, type FlagNode, type TreeParts } from './flagNodes.ts';

const PAGE = 200;

/** The tree "Flags": mapped model flags first, then the others; below each flag its environments. */
export class FlagTree implements vscode.TreeDataProvider<FlagNode>, vscode.Disposable {
  readonly #connections: Connections;
  readonly #histories: FlagHistories;
  readonly #parts: TreeParts;
  readonly #changes = new vscode.EventEmitter<FlagNode | FlagNode[] | undefined>();
  readonly #subscriptions = new DisposableStore();
  readonly #view: vscode.TreeView<FlagNode>;
  readonly #expanded = new Set<string>();
  readonly #limits = new Map<Connection, number>();
  /** Nodes of flags of which VS Code has the parts, or words for the menus, by their id: only these can be drawn anew by themselves. */
  readonly #drawn = new Map<string, FlagNode & { readonly kind: 'flag' }>();
  #filter = '';

  /** `onDidChangeParts`: what parts show beside the connections' state is other than it was. */
  constructor(connections: Connections, histories: FlagHistories, parts: TreeParts, onDidChangeParts: Event<unknown>) {
    this.#connections = connections;
    this.#histories = histories;
    this.#parts = parts;
    this.#view = this.#subscriptions.add(vscode.window.createTreeView(View.flags, { treeDataProvider: this, showCollapseAll: true }));
    this.#subscriptions.add(this.#changes);
    this.#subscriptions.add(connections.onDidChange(() => this.#refresh()));
    this.#subscriptions.add(onDidChangeParts(() => this.#refresh()));
    this.#subscriptions.add(this.#view.onDidExpandElement(({ element }) => {
      if (element.kind !== 'flag') return;
      this.#expanded.add(nodeId(element));
      void element.connection.session?.store.observe([element.flag]);
    }));
    this.#subscriptions.add(this.#view.onDidCollapseElement(({ element }) => void this.#expanded.delete(nodeId(element))));
    this.#refresh();
  }

  readonly onDidChangeTreeData = this.#changes.event;

  get visible(): boolean {
    return this.#view.visible;
  }

  get onDidChangeVisibility(): vscode.Event<unknown> {
    return this.#view.onDidChangeVisibility;
  }

  get filter(): string {
    return this.#filter;
  }

  setFilter(filter: string): void {
    this.#filter = filter.trim().toLowerCase();
    this.#limits.clear();
    void vscode.commands.executeCommand('setContext', ContextKey.filtered, this.#filter !== '');
    this.#refresh();
  }

  /** What the parts say of these flags is other than it was: draws those of them anew that are open, and nothing else; everything without flags. */
  refreshParts(flags: ReadonlySet<string> | undefined): void {
    if (flags === undefined) {
      this.#refresh();
      return;
    }
    const nodes = [...this.#drawn.values()].filter(({ flag }) => flags.has(flag));
    if (nodes.length > 0) this.#changes.fire(nodes);
  }

  loadMore(connection: Connection): void {
    this.#limits.set(connection, this.#limit(connection) + PAGE);
    this.#refresh();
  }

  /** Selects a flag in the tree, expanded. */
  async reveal(connection: Connection, flag: string): Promise<void> {
    if (!flag.toLowerCase().includes(this.#filter)) this.setFilter('');
    const index = this.#names(connection).indexOf(flag);
    if (index < 0) throw new AppError('notFound', `${flag} is not in the tree: it may have been archived.`);
    if (index >= this.#limit(connection)) this.#limits.set(connection, index + 1);
    this.#refresh();
    await vscode.commands.executeCommand(`${View.flags}.focus`);
    await this.#view.reveal({ kind: 'flag', connection, flag }, { select: true, focus: true, expand: true });
  }

  getParent(node: FlagNode): FlagNode | undefined {
    if (node.kind === 'environment') return { kind: 'flag', connection: node.connection, flag: node.flag };
    if (node.kind === 'flag') return this.#shown.length > 1 ? { kind: 'connection', connection: node.connection } : undefined;
    return undefined;
  }

  getChildren(node?: FlagNode): FlagNode[] | Promise<FlagNode[]> {
    if (node === undefined) {
      const shown = this.#shown;
      return shown.length === 1 && shown[0] !== undefined ? this.#flags(shown[0]) : shown.map((connection) => ({ kind: 'connection', connection }));
    }
    switch (node.kind) {
      case 'connection':
        return this.#flags(node.connection);
      case 'flag':
        return this.#belowFlag(node);
      case 'environment': {
        const facts = flagFacts(this.#connections, node.connection, node.flag);
        const details = this.#parts.environment.flatMap((part) => part(facts, node.environment));
        return facts.status === 'active' ? [...details, { ...node, kind: 'history' }] : details;
      }
      case 'history':
        return historyChildren(this.#histories, node);
      case 'detail':
        return [...node.children?.() ?? []];
      case 'state':
      case 'more':
        return [];
    }
  }

  getTreeItem(node: FlagNode): vscode.TreeItem {
    const item = this.#item(node);
    item.id = nodeId(node);
    return item;
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  /** Connections that have something to show; the others are the welcome view's business. */
  get #shown(): readonly Connection[] {
    const shown = this.#connections.all.filter(({ session, state }) => session?.store.snapshot !== undefined || (state.kind === 'connected' && session?.store.status === 'failed'));
    // Beside one that shows something, the others say what they lack.
    return shown.length > 0 ? this.#connections.all : [];
  }

  #refresh(): void {
    this.#view.message = this.#message();
    this.#view.description = this.#filter === '' ? '' : `filter: ${this.#filter}`;
    if (this.#view.visible) this.#observe();
    this.#drawn.clear();
    this.#changes.fire(undefined);
  }

  #message(): string {
    const old = this.#connections.all.find((connection) => failureOf(connection) !== undefined)?.session?.store.snapshot;
    if (old !== undefined) return `The server does not answer as it should; shown is what was read ${ageWords(Date.now() - old.readAt)}.`;
    if (this.#connections.overview !== 'connected') return '';
    const shown = this.#shown;
    if (shown.length === 0) return 'Reading flags...';
    if (shown.some((connection) => this.#names(connection).length > 0)) return '';
    return this.#filter === '' ? 'This project has no flags.' : `No flag contains "${this.#filter}".`;
  }

  /** Expanded flags have counters to show; of mapped ones that the server does not list one wants to know why. */
  #observe(): void {
    for (const connection of this.#connections.all) {
      const store = connection.session?.store;
      const expanded = [...store?.snapshot?.flags.keys() ?? []].filter((flag) => this.#expanded.has(nodeId({ kind: 'flag', connection, flag })));
      const missing = this.#mappedFlags(connection).filter((flag) => store?.snapshot?.flags.has(flag) === false);
      void store?.observe([...expanded, ...missing]);
    }
  }

  #flags(connection: Connection): FlagNode[] {
    const error = failureOf(connection);
    const failure = error === undefined ? [] : [failureNode(connection, error)];
    const all = this.#names(connection);
    const limit = this.#limit(connection);
    const nodes = all.slice(0, limit).map((flag): FlagNode => ({ kind: 'flag', connection, flag }));
    const more: FlagNode[] = all.length > limit ? [{ kind: 'more', connection, hidden: all.length - limit }] : [];
    return [...failure, ...nodes, ...more, ...this.#parts.connection.flatMap((part) => part(connection))];
  }

  /** What the tree shows of a connection, mapped flags first, behind the filter. */
  #names(connection: Connection): string[] {
    const names = [...connection.session?.store.snapshot?.flags.keys() ?? []].toSorted();
    const mapped = this.#mappedFlags(connection);
    return [...mapped, ...names.filter((name) => !mapped.includes(name))].filter((name) => name.toLowerCase().includes(this.#filter));
  }

  #limit(connection: Connection): number {
    return this.#limits.get(connection) ?? PAGE;
  }

  #mappedFlags(connection: Connection): string[] {
    const mappings = this.#connections.targets.filter((target) => target.connection === connection).flatMap(({ models }) => models);
    return [...new Set(mappings.flatMap(({ switches }) => switches.map(({ flag }) => flag)))];
  }

  #belowFlag(node: FlagNode & { readonly kind: 'flag' }): FlagNode[] {
    const facts = flagFacts(this.#connections, node.connection, node.flag);
    this.#drawn.set(nodeId(node), node);
    return [...this.#environments(facts), ...this.#parts.flag.flatMap((part) => part(facts))];
  }

  #environments(facts: FlagFacts): FlagNode[] {
    const { name, connection } = facts;
    return environmentNames(facts).map((environment) => ({ kind: 'environment', connection, flag: name, environment }));
  }

  /** A flag without environments opens only if a part has something to say of it, which may change. */
  #flagItem(node: FlagNode & { readonly kind: 'flag' }): vscode.TreeItem {
    const facts = flagFacts(this.#connections, node.connection, node.flag);
    const context = this.#parts.context.flatMap((part) => part(facts));
    if (facts.status !== 'active' || context.length > 0) this.#drawn.set(nodeId(node), node);
    return flagItem(facts, facts.status === 'active' || this.#parts.flag.some((part) => part(facts).length > 0), context);
  }

  #item(node: FlagNode): vscode.TreeItem {
    switch (node.kind) {
      case 'connection': {
        const item = new vscode.TreeItem(`${new URL(node.connection.baseUrl).host} · ${plainLine(node.connection.project)}`, vscode.TreeItemCollapsibleState.Expanded);
        item.iconPath = new vscode.ThemeIcon('server');
        return item;
      }
      case 'flag':
        return this.#flagItem(node);
      case 'environment':
        return environmentItem(flagFacts(this.#connections, node.connection, node.flag), node.environment);
      case 'history':
        return historyItem();
      case 'state':
        return stateItem(node, mayOffer(flagFacts(this.#connections, node.connection, node.flag), 'restore', node.environment));
      case 'detail':
        return detailItem(node);
      case 'more': {
        const item = new vscode.TreeItem(`Load more... (${node.hidden})`);
        item.command = { title: 'Load more', command: Command.loadMore, arguments: [node.connection] };
        return item;
      }
    }
  }
}

function flagItem(facts: FlagFacts, opens: boolean, context: readonly string[]): vscode.TreeItem {
  const { name, status, flag, mainEnvironment, mapping } = facts;
  const rollout = rolloutIn(facts, mainEnvironment);
  const collapsible = opens ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None;
  const item = new vscode.TreeItem(plainLine(name), collapsible);
  const arm = modelText(facts);
  const state = status === 'active' ? rollout === undefined ? 'no such environment' : describeRollout(rollout) : status === 'unknown' ? 'not in Unleash' : status;
  item.description = [flag?.stale === true ? 'stale' : '', state, arm === undefined ? '' : `-> ${plainLine(arm, 160)}`].filter((part) => part !== '').join(' · ');
  item.iconPath = flagIcon(facts, rollout?.on === true && rollout.high > 0);
  const switchable = environmentNames(facts).some((name) => mayOffer(facts, 'kill', name));
  item.contextValue = ['flag', status, mapping === undefined ? 'plain' : 'mapped', flag?.stale === true ? 'stale' : 'fresh', switchable ? 'switch' : '', ...context].filter((word) => word !== '').join(' ');
  item.tooltip = [plainLine(name, 300), plainLine(flag?.description ?? '', 500), `${plainLine(mainEnvironment)}: ${state}`].filter((part) => part !== '').join('\n');
  item.accessibilityInformation = { label: plainLine(`flag ${plainLine(name)}, ${mainEnvironment} ${state}`, 400) };
  return item;
}

function flagIcon({ status, flag, mapping }: FlagFacts, exposed: boolean): vscode.ThemeIcon {
  if (status === 'archived') return new vscode.ThemeIcon('archive', new vscode.ThemeColor('disabledForeground'));
  if (status === 'unknown') return new vscode.ThemeIcon('question', new vscode.ThemeColor('list.warningForeground'));
  if (flag?.stale === true) return new vscode.ThemeIcon('history', new vscode.ThemeColor('list.deemphasizedForeground'));
  const color = exposed ? new vscode.ThemeColor('charts.green') : undefined;
  return new vscode.ThemeIcon(mapping === undefined ? 'milestone' : 'git-branch', color);
}

function environmentItem(facts: FlagFacts, environment: string): vscode.TreeItem {
  const { connection, name } = facts;
  const rollout = rolloutIn(facts, environment);
  const changing = connection.isChanging(name, environment);
  const item = new vscode.TreeItem(plainLine(environment), vscode.TreeItemCollapsibleState.Collapsed);
  const words = rollout === undefined ? '' : describeRollout(rollout);
  item.description = changing ? 'changing...' : words;
  const exposed = rollout?.on === true && rollout.high > 0;
  item.iconPath = new vscode.ThemeIcon(exposed ? 'circle-filled' : 'circle-outline', exposed ? new vscode.ThemeColor('charts.green') : undefined);
  const may = [mayOffer(facts, 'set rollout', environment) ? 'rollout' : '', mayOffer(facts, 'kill', environment) ? 'switch' : ''];
  item.contextValue = ['environment', rollout?.on === true ? 'on' : 'off', ...may].filter((token) => token !== '').join(' ');
  item.tooltip = [`${plainLine(environment)}: ${words}`, ...rollout?.reasons ?? []].join('\n');
  item.accessibilityInformation = { label: `${plainLine(environment)}, ${words}` };
  return item;
}

/** Whether to offer a change of a flag in an environment. */
export function mayOffer({ connection, flag }: FlagFacts, kind: ChangeKind, environment: string): boolean {
  const { identity, project } = connection;
  return flag !== undefined && !settings.readOnly() && identity !== undefined && mayChange(identity, kind, project, environment);
}
