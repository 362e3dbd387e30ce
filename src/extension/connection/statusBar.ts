import * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import { describeRollout } from '../../core/flags/rollout.ts';
import { flagFacts, rolloutIn } from '../flags/facts.ts';
import { Command, View } from '../ids.ts';
import type { Connections } from './connections.ts';

/** One item: the first model's rollout, or what is needed to see it. Hidden where nothing has to do with Unleash. */
export class StatusBar implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem('modelswitch.status', vscode.StatusBarAlignment.Left, 50);
  readonly #subscriptions = new DisposableStore();
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
    this.#item.name = 'Modelswitch';
    this.#subscriptions.add(this.#item);
    this.#subscriptions.add(connections.onDidChange(() => this.#update()));
    this.#update();
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #update(): void {
    const state = this.#describe();
    if (state === undefined) {
      this.#item.hide();
      return;
    }
    const text = `$(git-branch) ${plainLine(state.text)}`;
    if (this.#item.text !== text) this.#item.text = text;
    this.#item.tooltip = state.tooltip;
    this.#item.command = state.command;
    this.#item.show();
  }

  #describe(): { text: string; tooltip: string; command: string } | undefined {
    const failed = this.#connections.all.find(({ state }) => state.kind === 'failed');
    switch (this.#connections.overview) {
      case 'untrusted':
      case 'noUrl':
        return undefined;
      case 'signedOut':
        return { text: 'Modelswitch: connect', tooltip: 'Connect to Unleash with a personal access token', command: Command.connect };
      case 'connecting':
        return { text: 'Modelswitch: connecting...', tooltip: 'Connecting to Unleash', command: Command.showLog };
      case 'failed':
        return { text: 'Modelswitch: no connection', tooltip: failed?.state.kind === 'failed' ? plainLine(failed.state.error.message, 500) : '', command: Command.connect };
      case 'connected':
        if (this.#connections.all.some(({ session }) => session?.store.error !== undefined)) {
          return { text: 'Modelswitch: server does not answer', tooltip: this.#tooltip(), command: Command.refresh };
        }
        return { text: this.#firstModel() ?? 'Modelswitch', tooltip: this.#tooltip(), command: `${View.flags}.focus` };
    }
  }

  #firstModel(): string | undefined {
    for (const { models, connection, environment } of this.#connections.targets) {
      const model = models[0];
      const flag = model?.switches[0]?.flag;
      if (model === undefined || flag === undefined) continue;
      const facts = flagFacts(this.#connections, connection, flag);
      const rollout = rolloutIn(facts, environment);
      return `${plainLine(model.name, 30)} ${rollout === undefined ? facts.status : plainLine(describeRollout(rollout), 40)}`;
    }
    return undefined;
  }

  #tooltip(): string {
    return this.#connections.all.map(({ baseUrl, state }) => (state.kind === 'connected' ? `${baseUrl} as ${plainLine(state.identity.name)}, Unleash ${plainLine(state.server.version, 40)}` : baseUrl)).map((line) => plainLine(line, 300)).join('\n');
  }
}
