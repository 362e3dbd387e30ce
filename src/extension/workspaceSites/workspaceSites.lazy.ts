import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import type { HoverPart } from '../callsites/hover.ts';
import type { ConnectionTreePart, FlagTreePart } from '../flags/flagNodes.ts';
import { settings } from '../platform/settings.ts';
import { CodeProblems, SOURCE } from './codeProblems.ts';
import type { SiteCommandParts, SiteParts } from './lazySites.ts';
import { problemFixes } from './problemFixes.ts';
import { FlagReferences } from './references.ts';
import { ServerNotes } from './serverNotes.ts';
import { createFlag, openSite, showCallSites } from './siteCommands.ts';
import { askedTreePart, callSitesHoverPart, callSitesTreePart } from './siteParts.ts';
import { WorkspaceSites } from './workspaceSites.ts';

export interface LoadedSites extends Disposable {
  readonly sites: WorkspaceSites;
  readonly flagTree: FlagTreePart;
  readonly connectionTree: ConnectionTreePart;
  readonly hover: HoverPart;
  references(document: vscode.TextDocument, position: vscode.Position, context: vscode.ReferenceContext, token: vscode.CancellationToken): Promise<vscode.Location[]>;
  fixes(document: vscode.TextDocument, context: vscode.CodeActionContext): Promise<vscode.CodeAction[]>;
  showCallSites(parts: SiteCommandParts, argument: unknown): Promise<void>;
  openCallSite(argument: unknown): Promise<void>;
  createFlag(parts: SiteCommandParts, argument: unknown): Promise<unknown>;
}

/** @param changed told of the flags of which the tree says something else; undefined: of lines that are about no flag, or about all */
export function loadSites(parts: SiteParts, changed: (flags: ReadonlySet<string> | undefined) => void): LoadedSites {
  const all = new DisposableStore();
  const { connections, documents, files, log, clock } = parts;
  const sites = all.add(new WorkspaceSites(parts));
  const notes = all.add(new ServerNotes(connections, clock, log));
  const references = new FlagReferences(sites, documents);
  all.add(sites.onDidChange(({ isOtherState, flags }) => {
    // Every line tells whether the code was read whole.
    if (isOtherState) changed(undefined);
    else if (flags.size > 0) changed(flags);
  }));
  all.add(notes.onDidChange(() => changed(undefined)));
  all.add(new CodeProblems({ sites, connections, notes, files }));
  return {
    sites,
    flagTree: callSitesTreePart(sites),
    connectionTree: askedTreePart(sites, notes),
    hover: callSitesHoverPart(sites),
    references: (document, position, context, token) => references.provideReferences(document, position, context, token),
    fixes: async (document, { diagnostics, only }) => {
      const own = diagnostics.filter(({ source, code }) => source === SOURCE && code !== undefined);
      const target = connections.targetFor(document.uri);
      if (target === undefined || own.length === 0 || !settings.problems() || (only !== undefined && !only.contains(vscode.CodeActionKind.QuickFix))) return [];
      return problemFixes({ document, diagnostics: own, sites: await documents.read(document), target });
    },
    showCallSites: (commandParts, argument) => showCallSites(sites, { ...parts, ...commandParts }, argument),
    openCallSite: openSite,
    createFlag: (commandParts, argument) => createFlag({ ...parts, ...commandParts }, argument),
    dispose: () => all.dispose(),
  };
}
