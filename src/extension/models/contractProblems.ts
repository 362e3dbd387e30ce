import * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import { versionWords } from '../../core/flags/titles.ts';
import { checkCompatibility } from '../../core/models/compatibility.ts';
import { loadContract } from '../../core/models/contract.ts';
import { providedFeatures } from '../../core/models/featureFlags.ts';
import { armsOf, type Arm } from '../../core/models/mapping.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { SourceRange } from '../../core/workspace/source.ts';
import type { Connections, Target } from '../connection/connections.ts';
import { readInside } from '../releases/judgeRaise.ts';

const SOON_MS = 300;

/** At the lines of a contract: what the candidates of the mapped models do not fit, as the gate of a raise would say it. Nothing about versions that are not known yet. */
export class ContractProblems implements vscode.Disposable {
  readonly #connections: Connections;
  readonly #subscriptions = new DisposableStore();
  readonly #shown = this.#subscriptions.add(vscode.languages.createDiagnosticCollection('modelswitch contracts'));
  #contracts: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #round = 0;

  constructor(connections: Connections) {
    this.#connections = connections;
    this.#subscriptions.add(connections.onDidChange(() => this.#updateSoon()));
    const changed = (uri: vscode.Uri): void => {
      if (this.#contracts.has(uri.toString())) this.#updateSoon();
    };
    this.#subscriptions.add(vscode.workspace.onDidChangeTextDocument(({ document }) => changed(document.uri)));
    const watcher = this.#subscriptions.add(vscode.workspace.createFileSystemWatcher('**/*.{yaml,yml}'));
    for (const event of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete]) this.#subscriptions.add(event(changed));
    this.#updateSoon();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#subscriptions.dispose();
  }

  #updateSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#update();
    }, SOON_MS);
  }

  async #update(): Promise<void> {
    const round = this.#round += 1;
    const found = new Map<string, { readonly uri: vscode.Uri; readonly problems: vscode.Diagnostic[] }>();
    for (const target of this.#connections.targets) {
      for (const path of new Set(target.models.flatMap(({ contract }) => contract ?? []))) {
        const uri = vscode.Uri.joinPath(target.folder.uri, path);
        const text = await readInside(target.folder, path, 'shown').catch(() => undefined);
        found.set(uri.toString(), { uri, problems: text === undefined ? [] : this.#problemsOf(target, path, text) });
      }
    }
    if (round !== this.#round) return;
    this.#contracts = new Set(found.keys());
    this.#shown.clear();
    for (const { uri, problems } of found.values()) this.#shown.set(uri, problems);
  }

  #problemsOf(target: Target, path: string, text: string): vscode.Diagnostic[] {
    const { contract, problems } = loadContract(text);
    const snapshot = target.connection.session?.store.snapshot;
    const provided = snapshot === undefined ? [] : providedFeatures(target.features, target.environment, snapshot.flags, snapshot.segments);
    const judged = contract === undefined ? [] : this.#candidates(target, path).flatMap(({ model, arm }) => (arm.detail === undefined ? [] : checkCompatibility(contract, arm.detail, provided).reasons
      .filter(({ verdict }) => verdict !== 'note')
      .map(({ verdict, message, range }) => diagnostic(range, `${plainLine(model.name, 40)} ${plainLine(versionWords(arm.detail?.version ?? ''), 40)}: ${plainLine(message, 300)}`, verdict === 'incompatible'))));
    const told = [...problems.map(({ range, message, severity }) => diagnostic(range, plainLine(message, 400), severity === 'error')), ...judged];
    return [...new Map(told.map((each) => [`${each.range.start.line} ${each.message}`, each])).values()];
  }

  /** What serves, or is to serve, where a flag of the model is on. */
  #candidates({ models, folder, connection, environment }: Target, path: string): { readonly model: ModelMapping; readonly arm: Arm }[] {
    const view = this.#connections.registryView(folder);
    const flags = connection.session?.store.snapshot?.flags;
    const own = models.filter(({ contract }) => contract === path);
    const names = [...new Set(own.flatMap(({ switches }) => switches.map(({ flag }) => flag)))];
    return names.flatMap((name) => armsOf(own, name, view, flags?.get(name), environment).flatMap(({ model, on, variants }) => [on, ...variants].map((arm) => ({ model, arm }))));
  }
}

function diagnostic({ start, end }: SourceRange, message: string, isError: boolean): vscode.Diagnostic {
  const made = new vscode.Diagnostic(new vscode.Range(start.line, start.column, end.line, end.column), message, isError ? vscode.DiagnosticSeverity.Error : vscode.DiagnosticSeverity.Warning);
  made.source = 'Modelswitch';
  return made;
}
