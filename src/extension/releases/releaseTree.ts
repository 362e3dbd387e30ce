import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
import { releaseRow, type ReleaseRow } from '../../core/releases/releaseView.ts';
import { Command } from '../ids.ts';
import type { Guards } from './guards.ts';
import type { ReleaseState, ReleaseStore } from './releaseStore.ts';

/** A line of the view "Releases": a release, or something that stands behind it. */
export interface ReleaseNode {
  /** The release that it is about. */
  readonly release: string;
  readonly row: ReleaseRow;
  readonly parent: ReleaseNode | undefined;
}

const COLOURS = { good: 'charts.green', warning: 'list.warningForeground', bad: 'list.errorForeground', plain: undefined } as const;

/** The lines of the view, made from what the store knows; nothing is asked for here. */
export class ReleaseTree {
  readonly #store: ReleaseStore;
  readonly #guards: Guards;
  readonly #now: () => number;

  constructor(store: ReleaseStore, guards: Guards, now: () => number) {
    this.#store = store;
    this.#guards = guards;
    this.#now = now;
  }

  getChildren(node?: ReleaseNode): ReleaseNode[] {
    if (node === undefined) return this.#store.states.map((state) => ({ release: state.key, row: this.#row(state), parent: undefined }));
    return node.row.children.map((row) => ({ release: node.release, row, parent: node }));
  }

  getTreeItem(node: ReleaseNode): vscode.TreeItem {
    const { release, row, parent } = node;
    const { label, description, tooltip, icon, tone, context, children, way, collapsed } = row;
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(label, children.length === 0 ? None : parent === undefined || collapsed === true ? Collapsed : Expanded);
    item.id = idOf(node);
    item.description = description;
    item.tooltip = tooltip;
    const colour = COLOURS[tone];
    item.iconPath = new vscode.ThemeIcon(icon, colour === undefined ? undefined : new vscode.ThemeColor(colour));
    item.contextValue = context;
    item.accessibilityInformation = { label: plainLine([parent === undefined ? 'release' : '', label, description].filter((part) => part !== '').join(', '), 400) };
    if (way !== undefined) item.command = { title: label, command: Command.wayBack, arguments: [{ release, way }] };
    return item;
  }

  #row(state: ReleaseState): ReleaseRow {
    const { model, flag, looked, lookedAt, error, key } = state;
    return releaseRow({ model: model.name, flag, plan: model.plan ?? [], assessment: looked?.assessment, lookedAt, failure: error?.message, guarded: this.#guards.isOn(key), now: this.#now() });
  }
}

function idOf({ release, row, parent }: ReleaseNode): string {
  return parent === undefined ? release : `${idOf(parent)} ${row.id}`;
}
