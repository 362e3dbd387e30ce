import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Clock } from '../../core/base/clock.ts';
import { evidenceSince } from '../../core/quality/productionShare.ts';
import { toAppError } from '../../core/base/errors.ts';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import { dashboardState, fromDashboard, type DashboardState, type FromDashboard, type ToDashboard } from '../../shared/dashboard.ts';
import { Command } from '../ids.ts';
import type { Log } from '../platform/log.ts';
import { dashboardCsv } from './dashboardCsv.ts';
import { dashboardMarkdown, dashboardModel, type DashboardInput } from './dashboardModel.ts';
import { DASHBOARD } from './lazyQuality.ts';
import { driftIn } from './qualityFacts.ts';
import { reportOf } from './qualityReader.ts';
import type { QualityRef, QualityStore } from './qualityStore.ts';

export interface DashboardParts {
  readonly store: QualityStore;
  readonly clock: Clock;
  readonly extensionUri: vscode.Uri;
  readonly log: Log;
  /** Told when a dashboard is shown or hidden. */
  readonly changed: () => void;
}

/** The dashboards that are open: one for each model. */
export class Dashboards implements Disposable {
  readonly #parts: DashboardParts;
  readonly #open = new Map<string, Dashboard>();

  constructor(parts: DashboardParts) {
    this.#parts = parts;
  }

  get visible(): boolean {
    return [...this.#open.values()].some((each) => each.visible);
  }

  /** For tests: what the dashboard of a model was told last. */
  of(ref: QualityRef): Dashboard | undefined {
    return this.#open.get(keyOf(ref));
  }

  open(ref: QualityRef): void {
    const known = this.#open.get(keyOf(ref));
    if (known !== undefined) {
      known.reveal();
      return;
    }
    const panel = vscode.window.createWebviewPanel(DASHBOARD, plainLine(`Dashboard: ${ref.model}`, 80), vscode.ViewColumn.Active, this.#options());
    this.#add(panel, { folder: ref.folder, model: ref.model });
  }

  /** After the window was closed and opened again. */
  restore(panel: vscode.WebviewPanel, state: unknown): void {
    const kept = dashboardState.safeParse(state);
    if (!kept.success || this.#open.has(keyOf(kept.data))) {
      panel.dispose();
      return;
    }
    panel.webview.options = this.#options();
    this.#add(panel, kept.data);
  }

  dispose(): void {
    for (const each of [...this.#open.values()]) each.dispose();
  }

  #options(): vscode.WebviewOptions & vscode.WebviewPanelOptions {
    return { enableScripts: true, enableForms: false, enableCommandUris: false, localResourceRoots: [vscode.Uri.joinPath(this.#parts.extensionUri, 'dist')] };
  }

  #add(panel: vscode.WebviewPanel, state: DashboardState): void {
    const key = keyOf(state);
    this.#open.set(key, new Dashboard(panel, state, this.#parts, () => {
      this.#open.delete(key);
      this.#parts.changed();
    }));
    this.#parts.changed();
  }
}

function keyOf({ folder, model }: QualityRef): string {
  return JSON.stringify([folder, model]);
}

/** A panel, and what it shows of a model. */
export class Dashboard implements Disposable {
  readonly #panel: vscode.WebviewPanel;
  readonly #ref: QualityRef;
  readonly #parts: DashboardParts;
  readonly #all = new DisposableStore();
  #environment: string | undefined;
  #ready = false;
  #percent: number | null = null;
  /** What was told last, for tests. */
  last: ToDashboard | undefined;

  constructor(panel: vscode.WebviewPanel, state: DashboardState, parts: DashboardParts, closed: () => void) {
    this.#panel = panel;
    this.#ref = { folder: state.folder, model: state.model };
    this.#environment = state.environment;
    this.#parts = parts;
    this.#all.add(panel.webview.onDidReceiveMessage((message: unknown) => {
      const parsed = fromDashboard.safeParse(message);
      if (parsed.success) void this.#heard(parsed.data).catch((error: unknown) => parts.log.error('Dashboard', toAppError(error)));
      else parts.log.error('Dashboard', toAppError(new Error('The dashboard said something that is not understood.')));
    }));
    this.#all.add(panel.onDidChangeViewState(() => parts.changed()));
    this.#all.add(panel.onDidDispose(() => {
      this.#all.dispose();
      closed();
    }));
    this.#all.add(parts.store.onDidChange(({ folder, model }) => {
      if (folder.uri.toString() === this.#ref.folder && model.name === this.#ref.model) void this.#tell();
    }));
    panel.webview.html = page(panel.webview, parts.extensionUri, state);
  }

  get visible(): boolean {
    return this.#panel.visible;
  }

  reveal(): void {
    this.#panel.reveal();
  }

  dispose(): void {
    this.#panel.dispose();
  }

  async #heard(message: FromDashboard): Promise<void> {
    switch (message.kind) {
      case 'ready':
        this.#ready = true;
        await this.#tell();
        return this.#parts.store.refresh(this.#ref, (done, total) => this.#progress(done, total)).then(() => this.#progress(0, 0));
      case 'refresh':
        return this.#parts.store.refresh(this.#ref, (done, total) => this.#progress(done, total)).then(() => this.#progress(0, 0));
      case 'cancel':
        this.#parts.store.cancel(this.#ref);
        return;
      case 'retrain':
        await vscode.commands.executeCommand(Command.retrain, this.#ref);
        return;
      case 'skew':
        await vscode.commands.executeCommand(Command.checkSkew, this.#ref);
        return;
      case 'shadow':
        await this.#shadow(message.wish);
        return;
      case 'environment':
        this.#environment = message.environment;
        return this.#tell();
      case 'export':
        return this.#export(message.format);
    }
  }

  /** The shadow of the flag in the environment that is shown: planned, asked and applied as any change. */
  async #shadow(wish: 'on' | 'off' | 'sampling'): Promise<void> {
    const reading = this.#parts.store.of(this.#ref);
    const connection = reading && this.#parts.store.connectionOf(reading.folder);
    const flag = reading?.model.switches[0]?.flag;
    if (reading === undefined || connection === undefined || flag === undefined) {
      void vscode.window.showErrorMessage('Connect to Unleash first: the shadow is a flag.');
      return;
    }
    const environment = this.last?.kind === 'model' && this.last.model.environment !== '' ? this.last.model.environment : reading.environment;
    await vscode.commands.executeCommand({ on: Command.shadowOn, off: Command.shadowOff, sampling: Command.shadowSampling }[wish], { connection, flag, environment });
    await this.#tell();
  }

  #progress(done: number, total: number): void {
    const percent = total > 0 ? Math.round(Math.min(100, (100 * done) / total)) : null;
    if (percent === this.#percent) return;
    this.#percent = percent;
    void this.#panel.webview.postMessage({ kind: 'progress', percent } satisfies ToDashboard);
  }

  async #input(): Promise<DashboardInput | string> {
    const reading = this.#parts.store.of(this.#ref);
    if (reading === undefined) return vscode.workspace.isTrusted ? `${this.#ref.model} has no source of quality in modelswitch.yaml any more.` : 'This workspace is not trusted: nothing is read.';
    const { data, readAt, error, wrong, loading, model, skew, definition } = reading;
    if (data === undefined || readAt === undefined) return error !== undefined ? error.message : wrong !== undefined ? wrong.message : loading ? 'Reading the source...' : 'Nothing was read yet.';
    const environments = [...new Set(data.arms.map((arm) => arm.environment))].sort();
    const [first] = environments;
    if (first === undefined) return `There is no record of ${model.switches.map(({ flag }) => flag).join(', ')} yet.${notesOf(data.notes)}`;
    const environment = [this.#environment, reading.environment].find((each) => each !== undefined && environments.includes(each)) ?? first;
    const history = environment === reading.environment ? reading.history : await this.#parts.store.historyOf(reading, environment);
    const timeline = await this.#parts.store.timelineOf(reading);
    return {
      model: model.name, flag: model.switches[0]?.flag ?? '', environment, definition, data, since: evidenceSince(data, environment, history), history, timeline, readAt, failure: error?.message, wrong: wrong?.message, now: this.#parts.clock.now(),
      ...(definition.skew === undefined ? {} : { skew: { command: definition.skew.command.join(' '), last: skew } }),
      drift: driftIn(data, environment), shadowFlag: this.#parts.store.shadowFlagOf(reading, environment), report: reportOf(reading, data, environment, history, { now: readAt, withSlices: true }),
    };
  }

  async #tell(): Promise<void> {
    if (!this.#ready) return;
    const input = await this.#input();
    this.last = typeof input === 'string' ? { kind: 'empty', text: plainLine(input, 500) } : { kind: 'model', model: dashboardModel(input) };
    void this.#panel.webview.postMessage(this.last);
  }

  async #export(format: 'markdown' | 'csv'): Promise<void> {
    const input = await this.#input();
    if (typeof input === 'string') {
      void vscode.window.showInformationMessage(plainLine(input, 500));
      return;
    }
    if (format === 'markdown') {
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: 'markdown', content: dashboardMarkdown(input) }), { preview: false });
      return;
    }
    const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.toString() === this.#ref.folder)?.uri;
    const name = `quality-${this.#ref.model.replaceAll(/[^\w.-]+/g, '-')}.csv`;
    const target = await vscode.window.showSaveDialog({ title: 'Export the figures', filters: { CSV: ['csv'] }, ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, name) }) });
    if (target !== undefined) await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(dashboardCsv(input, dashboardModel(input))));
  }
}

function notesOf({ malformed, messages }: { readonly malformed: number; readonly messages: readonly string[] }): string {
  return `${malformed === 0 ? '' : ` ${malformed} malformed ${malformed === 1 ? 'record was' : 'records were'} left out.`}${messages.length === 0 ? '' : ` ${messages.join(' ')}`}`;
}

/** Nothing but our own script and style sheet runs in it. The state is text in an attribute. */
function page(webview: vscode.Webview, extensionUri: vscode.Uri, state: DashboardState): string {
  const nonce = randomBytes(16).toString('base64');
  const file = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, 'dist', name)).toString();
  const attribute = JSON.stringify(state).replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="UTF-8">
  <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}'; style-src ${webview.cspSource}; img-src data:">
  <meta name="viewport" content="width=device-width, initial-scale=1.0">
  <link rel="stylesheet" href="${file('dashboard.webview.css')}">
  <title>Dashboard</title>
</head>
<body data-state="${attribute}">
  <main id="dashboard" aria-live="off"></main>
  <div id="news" class="unseen" role="status" aria-live="polite"></div>
  <script nonce="${nonce}" src="${file('dashboard.webview.js')}"></script>
</body>
</html>`;
}
