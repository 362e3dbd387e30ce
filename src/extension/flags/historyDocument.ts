import * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import { entryWords, flagTimeline, type HistoryReading, type RolloutEntry, type TimelineEntry } from '../../core/flags/timeline.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { Command } from '../ids.ts';
import type { FlagHistories } from './histories.ts';

const SCHEME = 'modelswitch-history';

interface Shown {
  readonly connection: Connection;
  readonly flag: string;
  readonly page: HistoryPage;
}

interface HistoryPage {
  readonly text: string;
  /** What the line (from 0) tells, where one may go back to it. */
  readonly states: ReadonlyMap<number, RolloutEntry>;
}

/**
 * Read-only documents with the history of a flag: who, when, what, and the reason that stands in the strategy's title. Above
 * each state a lens restores it. An open document follows the flag.
 */
export class HistoryDocuments implements vscode.TextDocumentContentProvider, vscode.CodeLensProvider, vscode.Disposable {
  readonly #histories: FlagHistories;
  readonly #shown = new Map<string, Shown>();
  readonly #changes = new vscode.EventEmitter<vscode.Uri>();
  readonly #lensChanges = new vscode.EventEmitter<void>();
  readonly #parts = new DisposableStore();

  readonly onDidChange = this.#changes.event;
  readonly onDidChangeCodeLenses = this.#lensChanges.event;

  constructor(connections: Connections, histories: FlagHistories) {
    this.#histories = histories;
    this.#parts.add(vscode.workspace.registerTextDocumentContentProvider(SCHEME, this));
    this.#parts.add(vscode.languages.registerCodeLensProvider({ scheme: SCHEME }, this));
    this.#parts.add(connections.onDidChange(() => this.#follow()));
    this.#parts.add(vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (document.uri.scheme === SCHEME) this.#lensChanges.fire();
    }));
    this.#parts.add(vscode.workspace.onDidCloseTextDocument(({ uri }) => void this.#shown.delete(uri.toString())));
    this.#parts.add(this.#changes);
    this.#parts.add(this.#lensChanges);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#shown.get(uri.toString())?.page.text ?? '';
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const shown = this.#shown.get(document.uri.toString());
    // The editor takes over a new text later than it asks for lenses: those of another text would stand at other lines.
    if (shown === undefined || shown.page.text !== document.getText()) return [];
    const { connection, flag, page } = shown;
    return [...page.states].map(([line, entry]) => new vscode.CodeLens(new vscode.Range(line, 0, line, 0), {
      title: `Restore ${entry.to}`,
      command: Command.restoreThisState,
      arguments: [{ connection, flag, environment: entry.environment, entry }],
    }));
  }

  /** Shows the history of a flag as it is now; showing it again replaces what it said. */
  async show(connection: Connection, flag: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${plainLine(connection.project).replaceAll('/', '∕')}/History of ${plainLine(flag).replaceAll('/', '∕')}`, query: connection.baseUrl });
    const put = async (): Promise<void> => this.#put(uri, connection, flag, await this.#histories.read(connection, flag));
    await put();
    const document = await vscode.workspace.openTextDocument(uri);
    // A text that changes while the editor opens the document is not asked for again, and one it was just closing was forgotten.
    await put();
    await vscode.window.showTextDocument(document, { preview: true });
  }

  dispose(): void {
    this.#parts.dispose();
  }

  #follow(): void {
    for (const [key, { connection, flag }] of this.#shown) {
      // A document that cannot be read again keeps what it says.
      this.#histories.read(connection, flag).then((reading) => {
        if (this.#shown.has(key)) this.#put(vscode.Uri.parse(key, true), connection, flag, reading);
      }, () => undefined);
    }
  }

  #put(uri: vscode.Uri, connection: Connection, flag: string, reading: HistoryReading): void {
    const key = uri.toString();
    const page = historyPage(reading);
    const said = vscode.workspace.textDocuments.find((document) => document.uri.toString() === key)?.getText();
    if (this.#shown.get(key)?.page.text === page.text && said === page.text) return;
    this.#shown.set(key, { connection, flag, page });
    this.#changes.fire(uri);
    this.#lensChanges.fire();
  }
}

function historyPage(reading: HistoryReading): HistoryPage {
  const { flag } = reading.detail;
  const { entries, complete } = flagTimeline(reading);
  const lines = [`History of ${plainLine(flag.name)} on ${plainLine(reading.server, 300)}, newest first (times in UTC)`];
  const states = new Map<number, RolloutEntry>();
  const section = (title: string, environment: string | undefined): void => {
    const own = entries.filter((entry) => entry.environment === environment);
    if (own.length === 0) return;
    lines.push('', title);
    for (const entry of own) {
      if (entry.kind === 'rollout') states.set(lines.length, entry);
      lines.push(`  ${entryLine(entry)}`);
    }
  };
  for (const { name } of flag.environments) section(plainLine(name), name);
  section('Every environment', undefined);
  lines.push('', complete ? 'The log leads back to the beginning.' : 'Older changes are not known: the event log does not explain an earlier state.');
  if (reading.segments.length > 0 && reading.segmentEvents.length === 0) lines.push('Edits of segments are not among these: Unleash shows them to administrators only.');
  return { text: `${lines.join('\n')}\n`, states };
}

function entryLine(entry: TimelineEntry): string {
  const reason = entry.kind === 'beside' || entry.title === '' ? '' : `  "${plainLine(entry.title)}"`;
  return `${plainLine(entry.at.slice(0, 19).replace('T', ' '))}  ${plainLine(entryWords(entry), 200)}  by ${plainLine(entry.by)}${reason}  (event ${entry.events.join(', ')})`;
}
