import * as vscode from 'vscode';
import { plainLine } from '../../core/base/words.ts';
import { countOfSites, siteWords } from '../../core/callsites/siteWords.ts';
import type { FlagSite } from '../../core/callsites/siteCatalog.ts';
import { askedWords } from '../../core/flags/serverNotes.ts';
import type { Connection } from '../connection/connection.ts';
import { nodeId, type ConnectionTreePart, type DetailNode, type FlagTreePart } from '../flags/flagNodes.ts';
import type { ServerNotes } from './serverNotes.ts';
import { Command } from '../ids.ts';
import type { HoverPart } from '../callsites/hover.ts';
import { siteLabel } from './sitePlaces.ts';
import type { WorkspaceSites } from './workspaceSites.ts';

/** So many places are listed; the peek has them all. */
const MOST_SITES = 200;
const MOST_ASKED = 100;

/** Below a flag: `Call sites (12)`, with the places below it. */
export function callSitesTreePart(sites: WorkspaceSites): FlagTreePart {
  return ({ connection, name }) => {
    const { calls } = sites.count(name, connection);
    const state = sites.state(connection);
    if (calls === 0 && state !== 'complete') return [];
    const id = `${nodeId({ kind: 'flag', connection, flag: name })}#sites`;
    return [{
      kind: 'detail',
      id,
      label: `Call sites (${calls})`,
      ...(state === 'complete' ? {} : { description: state === 'failed' ? 'the code could not be read whole' : 'still reading...' }),
      icon: 'references',
      ...(calls === 0 ? {} : { children: () => siteNodes(sites, connection, name, id), context: 'callsites', connection, flag: name }),
    }];
  };
}

function siteNodes(sites: WorkspaceSites, connection: Connection, flag: string, id: string): readonly DetailNode[] {
  const found = sites.of(flag, connection);
  const nodes = found.slice(0, MOST_SITES).map((site, index): DetailNode => siteNode(site, flag, `${id}/${index}`));
  if (found.length <= MOST_SITES) return nodes;
  return [...nodes, {
    kind: 'detail', id: `${id}/more`, label: `${found.length - MOST_SITES} more...`, icon: 'ellipsis',
    command: { title: 'Show Call Sites', command: Command.showCallSites, arguments: [{ connection, flag }] },
  }];
}

function siteNode(site: FlagSite, flag: string, id: string): DetailNode {
  const folder = vscode.workspace.asRelativePath(vscode.Uri.parse(site.file, true));
  const words = siteWords(site, flag);
  return {
    kind: 'detail',
    id,
    label: siteLabel(site),
    description: words,
    tooltip: plainLine(`${folder}\n${words}`, 500),
    icon: site.site.via === 'wrapper' ? 'symbol-method' : 'symbol-event',
    command: { title: 'Open Call Site', command: Command.openCallSite, arguments: [site] },
  };
}

/** Below the flags: names that applications ask the server for and that it does not know, those of this workspace's code first. */
export function askedTreePart(sites: WorkspaceSites, notes: ServerNotes): ConnectionTreePart {
  return (connection) => {
    const { asked } = notes.of(connection);
    const unknown = [...asked.values()].filter(({ name }) => connection.session?.store.snapshot?.flags.has(name) !== true);
    if (unknown.length === 0) return [];
    const id = `${connection.baseUrl} ${connection.project}#asked`;
    const rows = unknown.map((flag) => ({ flag, calls: sites.count(flag.name, connection).calls }))
      .toSorted((a, b) => Number(b.calls > 0) - Number(a.calls > 0) || (a.flag.lastSeenAt < b.flag.lastSeenAt ? 1 : -1));
    const children = (): readonly DetailNode[] => rows.slice(0, MOST_ASKED).map(({ flag, calls }) => ({
      kind: 'detail',
      id: `${id} ${flag.name}`,
      label: flag.name,
      description: `${calls > 0 ? countOfSites(sites.count(flag.name, connection)) : sites.state(connection) === 'complete' ? 'not in the code of this workspace' : ''} · ${askedWords(flag)}`.replace(/^ · /, ''),
      tooltip: plainLine(`${flag.name}\n${askedWords(flag)}`, 500),
      icon: 'question',
      context: calls > 0 ? 'asked callsites' : 'asked',
      connection,
      flag: flag.name,
      ...(calls > 0 ? { command: { title: 'Show Call Sites', command: Command.showCallSites, arguments: [{ connection, flag: flag.name }] } } : {}),
    }));
    return [{ kind: 'detail', id, label: `Asked for, but not in Unleash (${unknown.length})`, tooltip: 'Names that applications asked this server for in the last 24 hours, and that are flags in none of its projects.', icon: 'question', children }];
  };
}

/** In the hover: `12 call sites in 4 files`, which leads to them. */
export function callSitesHoverPart(sites: WorkspaceSites): HoverPart {
  return ({ connection, name }) => {
    const count = sites.count(name, connection);
    const state = sites.state(connection);
    const words = state === 'failed' ? ' (the code could not be read whole)' : state === 'complete' ? '' : ' (still reading...)';
    if (count.calls === 0) return state === 'complete' || state === 'none' ? '' : `call sites:${words}`;
    // Of a key that comes from code nothing may end the link; the flag is all that the command is told.
    const argument = encodeURIComponent(JSON.stringify([{ flag: name, project: connection.project, baseUrl: connection.baseUrl }])).replace(/[()']/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
    const link = new vscode.MarkdownString(`[${countOfSites(count)}](command:${Command.showCallSites}?${argument})${words}`);
    link.isTrusted = { enabledCommands: [Command.showCallSites] };
    return link;
  };
}
