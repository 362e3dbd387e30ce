import * as vscode from 'vscode';
import type { Clock } from '../../core/base/clock.ts';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import type { CalledFor } from '../../core/releases/calledFor.ts';
import type { GatePorts } from '../../core/releases/gates.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { SiteActionPart } from '../callsites/parts.ts';
import type { Connections, Target } from '../connection/connections.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import type { changeFlag, ChangeParts } from '../flags/changeFlow.ts';
import type { FlagFacts } from '../flags/facts.ts';
import type { FlagUnderCursor } from '../flags/flagCommands.ts';
import type { FlagContextPart } from '../flags/flagNodes.ts';
import { mayOffer } from '../flags/flagTree.ts';
import type { FlagHistories } from '../flags/histories.ts';
import { Command, View } from '../ids.ts';
import type { Registries } from '../models/registries.ts';
import { showError } from '../platform/errors.ts';
import { requireTrust } from '../platform/trust.ts';
import type { LazyQuality } from '../quality/lazyQuality.ts';
import { segmentFixes } from './missingSegments.ts';
import type { ReleaseFeature } from './releases.lazy.ts';
import type { ReleaseNode } from './releaseTree.ts';

export interface ReleaseFeatureParts {
  readonly connections: Connections;
  readonly files: WorkspaceFiles;
  readonly registries: Registries;
  readonly quality: LazyQuality;
  readonly histories: FlagHistories;
  readonly change: ChangeParts;
  /** Handed in so that the lazy part does not bring it along a second time. */
  readonly changeFlag: typeof changeFlag;
  readonly gatePorts: (target: Target) => GatePorts;
  readonly flagUnderCursor: FlagUnderCursor;
  readonly memory: vscode.Memento;
  readonly clock: Clock;
  readonly pollEveryMs: () => number;
}

/** What the lazy part tells the views that stand for it. */
export interface ReleaseShell {
  readonly view: vscode.TreeView<ReleaseNode>;
  readonly treeChanged: () => void;
  readonly documentChanged: (uri: vscode.Uri) => void;
  /** Flags that lenses are about. */
  readonly lensFlags: () => ReadonlySet<string>;
}

export const TIMELINE_SCHEME = 'modelswitch-release';
/** Releases whose guard is on in this window, in the workspace's memory. */
export const GUARDED = 'modelswitch.guarded';
/** Those of them that a file planned when it was last looked, with the folder of that file: without it nobody could tell a release that is long gone from one that a mistake hides. */
export const GUARDED_IN = 'modelswitch.guardedIn';

/** Commands by what a failure of theirs is called. */
const COMMANDS: Readonly<Record<string, string>> = {
  [Command.refreshReleases]: 'Refresh releases',
  [Command.advanceRelease]: 'Advance release',
  [Command.rollBackRelease]: 'Roll back release',
  [Command.rearmRelease]: 'Re-arm release',
  [Command.approveRelease]: 'Approve',
  [Command.completeRelease]: 'Complete release',
  [Command.shipCandidate]: 'Ship candidate',
  [Command.keepCurrent]: 'Keep current',
  [Command.wayBack]: 'Way back',
  [Command.releaseTimeline]: 'Show timeline',
  [Command.exportTimeline]: 'Export timeline',
  [Command.createSegment]: 'Create segment',
  [Command.guardOn]: 'Guard',
  [Command.guardOff]: 'Guard',
};

/** How the things that a release may call for are named where a flag is shown. */
const CALLS: Readonly<Record<CalledFor['kind'], { readonly title: string; readonly command: string }>> = {
  advance: { title: 'Advance', command: Command.advanceRelease },
  're-arm': { title: 'Re-arm', command: Command.rearmRelease },
  approve: { title: 'Approve', command: Command.approveRelease },
  complete: { title: 'Complete', command: Command.completeRelease },
  ship: { title: 'Ship candidate', command: Command.shipCandidate },
};

/**
 * The view "Releases", its documents and its commands, as they are registered on activation. What they do is loaded when somebody looks at it, asks for it, or left a guard on.
 */
export class LazyReleases implements vscode.TreeDataProvider<ReleaseNode>, vscode.TextDocumentContentProvider, vscode.CodeLensProvider, Disposable {
  readonly #parts: ReleaseFeatureParts;
  readonly #all = new DisposableStore();
  readonly #treeChanges = this.#all.add(new vscode.EventEmitter<undefined>());
  readonly #documentChanges = this.#all.add(new vscode.EventEmitter<vscode.Uri>());
  readonly #lensChanges = this.#all.add(new vscode.EventEmitter<void>());
  readonly #callChanges = this.#all.add(new vscode.EventEmitter<ReadonlySet<string>>());
  readonly #view: vscode.TreeView<ReleaseNode>;
  #loading: Promise<ReleaseFeature> | undefined;
  #loaded: ReleaseFeature | undefined;
  #lensFlags: ReadonlySet<string> = new Set();
  /** What is called for by flag, to see whose has changed. */
  #called = new Map<string, string>();

  readonly onDidChangeTreeData = this.#treeChanges.event;
  readonly onDidChange = this.#documentChanges.event;
  readonly onDidChangeCodeLenses = this.#lensChanges.event;
  /** Fires with the flags whose releases call for something else than before. */
  readonly onDidChangeActions = this.#callChanges.event;

  constructor(parts: ReleaseFeatureParts) {
    this.#parts = parts;
    this.#view = this.#all.add(vscode.window.createTreeView(View.releases, { treeDataProvider: this, showCollapseAll: true }));
    this.#all.add(vscode.workspace.registerTextDocumentContentProvider(TIMELINE_SCHEME, this));
    this.#all.add(vscode.languages.registerCodeLensProvider({ scheme: 'file', pattern: '**/modelswitch.yaml' }, this));
    this.#all.add(vscode.languages.registerCodeActionsProvider({ scheme: 'file', pattern: '**/modelswitch.yaml' }, {
      provideCodeActions: (document, _range, { diagnostics }) => segmentFixes(parts, document, diagnostics),
    }, { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] }));
    this.#all.add(this.#view.onDidChangeVisibility(() => this.#loaded?.updateActivity()));
    this.#all.add(vscode.window.onDidChangeWindowState(() => this.#loaded?.updateActivity()));
    for (const [id, title] of Object.entries(COMMANDS)) {
      this.#all.add(vscode.commands.registerCommand(id, (argument: unknown) => this.load().then((loaded) => loaded.run(id, argument)).catch((error: unknown) => void showError(parts.change.log, title, error))));
    }
    const loadGuard = (): void => {
      const isNeeded = Object.keys(parts.memory.get<Readonly<Record<string, string>>>(GUARDED_IN, {})).length > 0 || (this.#hasPlan() && parts.memory.get<readonly string[]>(GUARDED, []).length > 0);
      if (isNeeded && vscode.workspace.isTrusted) void this.load().catch((error: unknown) => parts.change.log.error('Loading the guard', error));
    };
    this.#all.add(parts.files.onDidChange(() => {
      this.#treeChanges.fire(undefined);
      loadGuard();
      this.setLensFlags(this.#lensFlags);
    }));
    this.#all.add(parts.connections.onDidChange(loadGuard));
  }

  /** What a flag with a plan calls for. */
  readonly actions: SiteActionPart = (facts) => this.#callsFor(facts)?.map(({ kind, environment }) => ({ ...CALLS[kind], environment }));

  /** Words for the menus of a flag in the tree: that it has a plan, and what is called for. */
  readonly flagContext: FlagContextPart = (facts) => {
    const calls = this.#callsFor(facts);
    if (calls === undefined) return [];
    const first = calls.find(({ environment }) => mayOffer(facts, 'set rollout', environment));
    return ['planned', ...(first === undefined ? [] : [`calls-${first.kind}`])];
  };

  /** Lenses are about these flags: of their releases it is known what they call for. */
  setLensFlags(flags: ReadonlySet<string>): void {
    this.#lensFlags = flags;
    this.#loaded?.updateActivity();
    const isPlanned = this.#plans().some(({ switches }) => switches.some(({ flag }) => flags.has(flag)));
    if (isPlanned && this.#loading === undefined) void this.load().catch((error: unknown) => this.#parts.change.log.error('Loading releases', error));
  }

  get visible(): boolean {
    return this.#view.visible;
  }

  get onDidChangeVisibility(): vscode.Event<unknown> {
    return this.#view.onDidChangeVisibility;
  }

  async getChildren(node?: ReleaseNode): Promise<ReleaseNode[]> {
    return this.#hasPlan() ? (await this.load()).tree.getChildren(node) : [];
  }

  async getTreeItem(node: ReleaseNode): Promise<vscode.TreeItem> {
    return (await this.load()).tree.getTreeItem(node);
  }

  getParent(node: ReleaseNode): ReleaseNode | undefined {
    return node.parent;
  }

  provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    return this.load().then((loaded) => loaded.timelines.text(uri));
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    return this.#hasPlan() ? (await this.load()).planLenses(document) : [];
  }

  /** @throws AppError forbidden in an untrusted workspace */
  async load(): Promise<ReleaseFeature> {
    requireTrust();
    return this.#loading ??= import('./releases.lazy.ts').then(({ ReleaseFeature }) => {
      const shell: ReleaseShell = {
        view: this.#view,
        treeChanged: () => {
          this.#treeChanges.fire(undefined);
          this.#lensChanges.fire();
          this.#tellActions();
        },
        documentChanged: (uri) => this.#documentChanges.fire(uri),
        lensFlags: () => this.#lensFlags,
      };
      return this.#loaded = this.#all.add(new ReleaseFeature(this.#parts, shell));
    }).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
  }

  dispose(): void {
    this.#all.dispose();
  }

  /** Before the first look the next stage: the command looks itself. Undefined without a plan. */
  #callsFor({ arms, connection, name, mainEnvironment }: FlagFacts): readonly CalledFor[] | undefined {
    if (!arms.some(({ model: { plan = [] } }) => plan.length > 0)) return undefined;
    return this.#loaded?.calledFor(connection, name) ?? [{ kind: 'advance', environment: mainEnvironment }];
  }

  #tellActions(): void {
    const loaded = this.#loaded;
    const now = new Map(loaded?.store.states.map(({ flag, target: { connection } }) => [flag, JSON.stringify(loaded.calledFor(connection, flag) ?? null)]));
    const changed = new Set([...now].filter(([flag, called]) => this.#called.get(flag) !== called).map(([flag]) => flag));
    this.#called = now;
    if (changed.size > 0) this.#callChanges.fire(changed);
  }

  /** Models with a plan, of folders that may be looked into. */
  #plans(): readonly ModelMapping[] {
    if (!vscode.workspace.isTrusted) return [];
    return (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => this.#parts.files.saved(folder)?.file.config?.models.filter(({ plan = [] }) => plan.length > 0) ?? []);
  }

  #hasPlan(): boolean {
    return this.#plans().length > 0;
  }
}
