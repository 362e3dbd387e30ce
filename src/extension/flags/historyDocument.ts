import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
import type { FlagReading } from '../../core/flags/planner.ts';
import { flagTimeline } from '../../core/flags/timeline.ts';

const SCHEME = 'modelswitch-history';

/** Read-only documents with the history of a flag: who, when, what, and the reason that stands in the strategy's title. */
export class HistoryDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #texts = new Map<string, string>();
  readonly #changes = new vscode.EventEmitter<vscode.Uri>();
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  readonly onDidChange = this.#changes.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? '';
  }

  /** Shows the history of a reading; showing it again replaces what it said. */
  async show(reading: FlagReading): Promise<void> {
    const { flag } = reading.detail;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${plainLine(flag.project).replaceAll('/', '∕')}/History of ${plainLine(flag.name).replaceAll('/', '∕')}`, query: reading.server });
    this.#texts.set(uri.toString(), historyText(reading));
    this.#changes.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changes.dispose();
  }
}

function historyText(reading: FlagReading): string {
  const { flag } = reading.detail;
  const { entries, complete } = flagTimeline(reading);
  const lines = entries.map(({ at, environment, by, from, to, title, events }) => {
    const reason = title === '' ? '' : `  "${plainLine(title)}"`;
    return `${plainLine(at.slice(0, 19).replace('T', ' '))}  ${plainLine(environment)}: ${from} -> ${to}  by ${plainLine(by)}${reason}  (event ${events.join(', ')})`;
  });
  const end = complete ? 'The log leads back to the beginning.' : 'Older changes are not known: the event log does not explain an earlier state.';
  return [`History of ${plainLine(flag.name)} on ${plainLine(reading.server, 300)}, newest first (times in UTC)`, '', ...lines, '', end, ''].join('\n');
}
