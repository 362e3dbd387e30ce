import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import type { HoverPart } from '../callsites/hover.ts';
import type { LensPart } from '../callsites/parts.ts';
import type { FlagTreePart } from '../flags/flagNodes.ts';
import { Command } from '../ids.ts';
import { showError } from '../platform/errors.ts';
import { InputFlow } from '../platform/inputFlow.ts';
import { requireTrust } from '../platform/trust.ts';
import type { QualityFeature } from './quality.lazy.ts';
import type { QualityStoreParts } from './qualityStore.ts';

/** What the editor gives to the part that is loaded later. */
export interface QualityParts extends Omit<QualityStoreParts, 'credentials'> {
  readonly context: Pick<vscode.ExtensionContext, 'secrets' | 'globalState' | 'extensionUri'>;
  /** Handed in so that the lazy part does not bring it along a second time. */
  readonly InputFlow: typeof InputFlow;
  readonly flagUnderCursor: (editor: vscode.TextEditor) => string | undefined;
}

export const DASHBOARD = 'modelswitch.dashboard';

const UNTRUSTED = '<!DOCTYPE html><html lang="en"><body><p>This workspace is not trusted: no source of quality is read here, and no command is run.</p></body></html>';

const COMMANDS: Readonly<Record<string, string>> = {
  [Command.openDashboard]: 'Open dashboard',
  [Command.refreshQuality]: 'Refresh quality',
  [Command.checkSkew]: 'Check feature skew',
  [Command.prometheusSignIn]: 'Sign in to Prometheus',
  [Command.prometheusSignOut]: 'Sign out of Prometheus',
};

/**
 * Quality in production in lens, hover, tree and dashboard. Nothing of it is needed to activate: it is loaded when something shows flags and a model has
 * `quality:`, or when somebody asks for it; never in an untrusted workspace.
 */
export class LazyQuality implements Disposable {
  readonly #parts: QualityParts;
  readonly #subscriptions = new DisposableStore();
  readonly #changes = this.#subscriptions.add(new vscode.EventEmitter<ReadonlySet<string>>());
  #loading: Promise<QualityFeature> | undefined;
  #loaded: QualityFeature | undefined;
  #active = false;

  constructor(parts: Omit<QualityParts, 'InputFlow'>) {
    this.#parts = { ...parts, InputFlow };
    const all = this.#subscriptions;
    all.add(parts.files.onDidChange(() => this.#loadIfShown()));
    all.add(vscode.workspace.onDidGrantWorkspaceTrust(() => this.#loadIfShown()));
    for (const [id, title] of Object.entries(COMMANDS)) {
      all.add(vscode.commands.registerCommand(id, (argument: unknown) => this.load().then((loaded) => loaded.run(id, argument)).catch((error: unknown) => void showError(parts.log, title, error))));
    }
    all.add(vscode.window.registerWebviewPanelSerializer(DASHBOARD, { deserializeWebviewPanel: (panel: vscode.WebviewPanel, state: unknown): Promise<void> => this.#restore(panel, state) }));
  }

  /** Fires with the flags about which something else is told than before. */
  readonly onDidChange = this.#changes.event;

  readonly lens: LensPart = { separator: ' · ', early: true, text: (facts, room) => this.#loaded?.lens(facts, room), urgent: (facts) => this.#loaded?.isUrgent(facts) === true, opens: ({ name }) => ({ command: Command.openDashboard, arguments: [{ flag: name }] }) };
  readonly hover: HoverPart = (facts) => this.#loaded?.hover(facts) ?? '';
  readonly flagTree: FlagTreePart = (facts) => this.#loaded?.flagTree(facts) ?? [];

  /** Something that shows flags is visible, or nothing is. */
  setActive(active: boolean): void {
    this.#active = active;
    this.#loaded?.setActive(active);
    this.#loadIfShown();
  }

  /** @throws AppError forbidden in an untrusted workspace */
  async load(): Promise<QualityFeature> {
    requireTrust();
    return this.#loading ??= import('./quality.lazy.ts').then(({ QualityFeature }) => {
      const loaded = this.#subscriptions.add(new QualityFeature(this.#parts, (flags) => this.#changes.fire(flags)));
      loaded.setActive(this.#active);
      return this.#loaded = loaded;
    }).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  /** A dashboard of the last time the window was open. An untrusted one says that nothing is read, until it is trusted. */
  async #restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    if (vscode.workspace.isTrusted) {
      (await this.load()).dashboards.restore(panel, state);
      return;
    }
    panel.webview.options = { enableScripts: false };
    panel.webview.html = UNTRUSTED;
    const waiting = vscode.workspace.onDidGrantWorkspaceTrust(() => {
      waiting.dispose();
      void this.#restore(panel, state).catch((error: unknown) => this.#parts.log.error('Restoring a dashboard', error));
    });
    panel.onDidDispose(() => void waiting.dispose());
  }

  #loadIfShown(): void {
    if (!this.#active || this.#loading !== undefined || !vscode.workspace.isTrusted) return;
    const wanted = (vscode.workspace.workspaceFolders ?? []).some((folder) => this.#parts.files.saved(folder)?.file.config?.models.some(({ quality }) => quality?.source !== undefined) === true);
    if (wanted) void this.load().catch((error: unknown) => this.#parts.log.error('Loading quality', error));
  }
}
