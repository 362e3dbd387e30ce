import * as vscode from 'vscode';
import { ageWords, countWords, escapeMarkdown, plainLine } from '../../core/base/words.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import { lastChange } from '../../core/flags/planner.ts';
import type { FlagEvent } from '../../core/flags/ports.ts';
import { describeRollout, percentWords } from '../../core/flags/rollout.ts';
import type { Connections } from '../connection/connections.ts';
import { armWords, environmentNames, flagFacts, observedShare, rolloutIn, type FlagFacts } from '../flags/facts.ts';
import { contains, type DocumentCallSites } from './documentCallSites.ts';

/**
 * A section of the hover, as Markdown; features contribute theirs in order. What a server or file said goes through `shown`. A
 * `MarkdownString` stands by itself: only one that holds nothing of theirs may be trusted with a command.
 */
export type HoverPart = (facts: FlagFacts, events: readonly FlagEvent[]) => string | vscode.MarkdownString | Promise<string>;

const shown = (text: string, length?: number): string => escapeMarkdown(plainLine(text, length));

/** Name, description and model of the flag. */
export const titleHoverPart: HoverPart = (facts) => {
  const { name, flag, status } = facts;
  const arm = armWords(facts);
  const state = status === 'active' ? '' : status === 'unknown' ? 'not in Unleash' : status;
  const title = [`**${shown(name)}**`, state, flag?.stale === true ? 'stale' : '', arm === undefined ? '' : `\\-> ${shown(arm)}`];
  const description = flag === undefined || flag.description === '' ? '' : `\n\n${shown(flag.description, 300)}`;
  return title.filter((part) => part !== '').join(' · ') + description;
};

/** Every environment, the main one first: rollout, observed share, the last change, and why it is so. */
export const environmentsHoverPart: HoverPart = (facts, events) =>
  environmentNames(facts).map((name) => {
    const rollout = rolloutIn(facts, name);
    if (rollout === undefined) return '';
    const observed = observedShare(facts, name);
    const change = lastChange(events, name);
    const lines = [
      `**${shown(name)}** ${shown(describeRollout(rollout), 200)}`,
      ...(observed === undefined ? [] : [`observed ${percentWords(observed.percent)} of ${countWords(observed.n)} evaluations in the last hour`]),
      ...(change === undefined ? [] : [`last change ${ageWords(Date.now() - Date.parse(change.createdAt))} by ${shown(change.by, 80)}`]),
      ...rollout.reasons.map((reason) => shown(reason, 250)),
    ];
    return `\n- ${lines.join('  \n')}`;
  }).join('');

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
    if (site.key.kind === 'dynamic') return new vscode.Hover(`The flag is not known here: ${shown(site.key.reason, 300)}\\.`, rangeOf(site));
    const connection = this.#connections.targetFor(document.uri)?.connection;
    const store = connection?.session?.store;
    if (connection === undefined || store?.snapshot === undefined) return undefined;
    const sections = await Promise.all(site.keys.map(async ({ value }) => {
      const events = await store.changesOf(value).catch(() => []);
      const facts = flagFacts(this.#connections, connection, value);
      return Promise.all(this.#parts.map(async (part) => part(facts, events)));
    }));
    return new vscode.Hover(contentsOf(sections), rangeOf(site));
  }
}

/** Text parts of a flag are one piece; a line stands between flags. */
function contentsOf(sections: readonly (readonly (string | vscode.MarkdownString)[])[]): vscode.MarkdownString[] {
  const contents: vscode.MarkdownString[] = [];
  for (const [index, parts] of sections.entries()) {
    let text = index === 0 ? [] : ['---'];
    const flush = (): void => {
      if (text.length > 0) contents.push(new vscode.MarkdownString(text.join('\n\n')));
      text = [];
    };
    for (const part of parts) {
      if (typeof part === 'string') {
        if (part !== '') text.push(part);
        continue;
      }
      flush();
      contents.push(part);
    }
    flush();
  }
  return contents;
}

function rangeOf({ keyRange, nameRange }: CallSite): vscode.Range {
  const { start, end } = keyRange ?? nameRange;
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
