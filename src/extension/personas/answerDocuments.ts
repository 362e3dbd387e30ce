import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
import type { NamedAnswer } from '../../core/personas/ask.ts';
import { answerLines } from '../../core/personas/explain.ts';
import { contextWords, type NamedContext } from '../../core/personas/model.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';

const SCHEME = 'modelswitch-which';

/** Everything that one look at a flag told. */
export interface Shown {
  readonly flag: string;
  readonly server: string;
  readonly mapping: ModelMapping | undefined;
  readonly contexts: readonly NamedContext[];
  readonly answers: readonly NamedAnswer[];
  /** What could not be asked, one sentence each. */
  readonly problems: readonly string[];
}

/** Read-only documents that say which model somebody would get, and why. */
export class AnswerDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #texts = new Map<string, string>();
  readonly #changes = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changes.event;
  // After onDidChange: VS Code looks for that at once.
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? '';
  }

  /** Asking again replaces what the document said. */
  async show(shown: Shown): Promise<void> {
    const name = `Which model would ${whose(shown.contexts)} get of ${plainLine(shown.flag, 80)}.md`.replaceAll('/', '∕');
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: shown.server });
    this.#texts.set(uri.toString(), documentText(shown));
    this.#changes.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changes.dispose();
  }
}

function whose(contexts: readonly NamedContext[]): string {
  const [only] = contexts;
  return contexts.length === 1 && only !== undefined ? plainLine(only.name, 60) : 'the personas';
}

function documentText({ flag, server, mapping, contexts, answers, problems }: Shown): string {
  const entry = mapping?.switches.find((each) => each.flag === flag);
  const version = (arm: string): string => (arm === 'candidate' ? `candidate (${mapping?.candidate ?? ''})` : arm === 'current' ? `current (${mapping?.current ?? ''})` : arm);
  const model = mapping === undefined || entry === undefined ? [] : [plainLine(`Model ${mapping.name}: on is ${version(entry.on)}, off is ${version(entry.off)}`, 200)];
  const lines = contexts.flatMap(({ name, context }) => [
    '', plainLine(name === contextWords(context) ? name : `${name}, asked with ${contextWords(context)}`, 400),
    ...answers.filter((each) => each.name === name).flatMap(({ answer, comparison }) => {
      const [first = '', ...rest] = answerLines(answer);
      return ['', first, ...rest.map((line) => `  ${line}`), ...(comparison === undefined ? [] : [`  - ${comparison.words}`])];
    }),
  ]);
  return [`Which model would ${whose(contexts)} get of ${plainLine(flag, 80)}, on ${server}?`, ...model, ...lines, ...problems.flatMap((problem) => ['', problem]), ''].join('\n');
}
