import * as vscode from 'vscode';
import { ageWords, countWords, plainLine } from '../../core/base/words.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import { lastChange } from '../../core/flags/planner.ts';
import type { FlagEvent } from '../../core/flags/ports.ts';
import { describeRollout, percentWords } from '../../core/flags/rollout.ts';
import type { Connections } from '../connection/connections.ts';
import { armWords, flagFacts, observedShare, rolloutIn, type FlagFacts } from '../flags/facts.ts';
import { contains, type DocumentCallSites } from './documentCallSites.ts';

/** A section of the hover; features contribute theirs in order. Text goes in by `appendText`: it may come from a server. */
export type HoverPart = (markdown: vscode.MarkdownString, facts: FlagFacts, events: readonly FlagEvent[]) => void;

/** Name, description and model of the flag. */
export const titleHoverPart: HoverPart = (markdown, facts) => {
  const { name, flag, status } = facts;
  markdown.appendMarkdown('**').appendText(plainLine(name)).appendMarkdown('**');
  const arm = armWords(facts);
  const words = [status === 'active' ? '' : status === 'unknown' ? 'not in Unleash' : status, flag?.stale === true ? 'stale' : '', arm === undefined ? '' : `-> ${arm}`];
  markdown.appendText(words.filter((word) => word !== '').map((word) => ` · ${word}`).join(''));
  if (flag !== undefined && flag.description !== '') markdown.appendMarkdown('\n\n').appendText(plainLine(flag.description, 300));
};

/** Every environment: rollout, observed share, why, and the last change. */
export const environmentsHoverPart: HoverPart = (markdown, facts, events) => {
  for (const { name } of facts.flag?.environments ?? []) {
    const rollout = rolloutIn(facts, name);
    if (rollout === undefined) continue;
    markdown.appendMarkdown('\n\n- **').appendText(plainLine(name)).appendMarkdown('** ').appendText(plainLine(describeRollout(rollout), 200));
    const observed = observedShare(facts, name);
    if (observed !== undefined) markdown.appendText(` · observed ${percentWords(observed.percent)} of ${countWords(observed.n)} in the last hour`);
    const change = lastChange(events, name);
    if (change !== undefined) markdown.appendMarkdown('  \n').appendText(`last change ${ageWords(Date.now() - Date.parse(change.createdAt))} by ${plainLine(change.by, 80)}`);
    for (const reason of rollout.reasons) markdown.appendMarkdown('  \n').appendText(plainLine(reason, 200));
  }
};

export class CallSiteHover implements vscode.HoverProvider {
  readonly #connections: Connections;
  readonly #sites: DocumentCallSites;
  readonly #parts: readonly HoverPart[];

  constructor(connections: Connections, sites: DocumentCallSites, parts: readonly HoverPart[]) {
    this.#connections = connections;
    this.#sites = sites;
    this.#parts = parts;
  }

  async provideHover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const site = (await this.#sites.read(document)).find(({ keyRange, nameRange }) => contains(nameRange, position) || (keyRange !== undefined && contains(keyRange, position)));
    if (site === undefined) return undefined;
    const markdown = new vscode.MarkdownString('', true);
    if (site.key.kind === 'dynamic') {
      markdown.appendText(`The flag is not known here: ${site.key.reason}.`);
      return new vscode.Hover(markdown, rangeOf(site));
    }
    const connection = this.#connections.targetFor(document.uri)?.connection;
    const store = connection?.session?.store;
    if (connection === undefined || store?.snapshot === undefined) return undefined;
    const events = await store.changesOf(site.key.value).catch(() => []);
    const facts = flagFacts(this.#connections, connection, site.key.value);
    for (const part of this.#parts) part(markdown, facts, events);
    return new vscode.Hover(markdown, rangeOf(site));
  }
}

function rangeOf({ keyRange, nameRange }: CallSite): vscode.Range {
  const { start, end } = keyRange ?? nameRange;
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
