import * as vscode from 'vscode';
import { toAppError } from '../../core/base/errors.ts';
import { ageWords, plainLine } from '../../core/base/words.ts';
import { entryWords, flagTimeline, type BesideEntry } from '../../core/flags/timeline.ts';
import { Command } from '../ids.ts';
import { nodeId, type DetailNode, type FlagNode, type HistoryNode, type StateNode } from './flagNodes.ts';
import type { FlagHistories } from './histories.ts';

/** As many as one looks through in a tree; the document has them all. */
const MOST_ENTRIES = 20;

export async function historyChildren(histories: FlagHistories, node: HistoryNode): Promise<FlagNode[]> {
  const { connection, flag, environment } = node;
  const id = nodeId(node);
  try {
    const { entries } = flagTimeline(await histories.read(connection, flag), environment);
    const shown = entries.slice(0, MOST_ENTRIES).map((entry): FlagNode => (entry.kind === 'rollout' ? { ...node, kind: 'state', entry } : besideNode(id, entry)));
    const command = { title: 'Show History', command: Command.showHistory, arguments: [{ connection, flag }] };
    return entries.length > MOST_ENTRIES ? [...shown, { kind: 'detail', id: `${id}...`, label: `Show all... (${entries.length})`, icon: 'history', command }] : shown;
  } catch (error) {
    return [{ kind: 'detail', id: `${id}!`, label: plainLine(toAppError(error).message), icon: 'warning' }];
  }
}

function besideNode(id: string, entry: BesideEntry): DetailNode {
  return { kind: 'detail', id: `${id}/${entry.events.join()}`, label: plainLine(entryWords(entry), 200), description: byWords(entry), tooltip: plainLine(entry.at, 30), icon: 'link' };
}

export function historyItem(): vscode.TreeItem {
  const item = new vscode.TreeItem('History', vscode.TreeItemCollapsibleState.Collapsed);
  item.iconPath = new vscode.ThemeIcon('history');
  return item;
}

export function stateItem({ entry }: StateNode, restorable: boolean): vscode.TreeItem {
  // What it became is what one restores; from what is told by the line below, and by the tooltip.
  const item = new vscode.TreeItem(plainLine(entry.from === entry.to ? entryWords(entry) : entry.to, 200));
  const title = plainLine(entry.title);
  item.description = [byWords(entry), title].filter((part) => part !== '').join(' · ');
  item.tooltip = [plainLine(entryWords(entry), 200), `${plainLine(entry.at, 30)} by ${plainLine(entry.by)}`, title, `event ${entry.events.join(', ')}`].filter((part) => part !== '').join('\n');
  item.iconPath = new vscode.ThemeIcon('git-commit');
  item.contextValue = restorable ? 'state rollout' : 'state';
  return item;
}

function byWords({ at, by }: { readonly at: string; readonly by: string }): string {
  return `${ageWords(Date.now() - Date.parse(at))} by ${plainLine(by)}`;
}
