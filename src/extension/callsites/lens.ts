import * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import type { CallSite } from '../../core/callsites/model.ts';
import { environmentOf } from '../../core/flags/model.ts';
import { everyoneShare, nextStage } from '../../core/flags/planner.ts';
import { maxExposure } from '../../core/flags/rollout.ts';
import type { Connections, Target } from '../connection/connections.ts';
import { flagFacts } from '../flags/facts.ts';
import { mayOffer } from '../flags/flagTree.ts';
import { Command } from '../ids.ts';
import { settings } from '../platform/settings.ts';
import type { DocumentCallSites } from './documentCallSites.ts';
import { lensTexts, type LensPart, type SiteActionPart, type SiteFacts } from './parts.ts';

/** A lens and what it is about: its text is made when VS Code asks for it, from the snapshot. */
class SiteLens extends vscode.CodeLens {
  readonly title: string;
  readonly id: string;
  readonly arguments: unknown[];

  constructor(range: vscode.Range, title: string, id: string, args: unknown[]) {
    super(range);
    this.title = title;
    this.id = id;
    this.arguments = args;
  }
}

interface LensEntry {
  readonly title: string;
  readonly command: string;
  readonly arguments: unknown[];
}

/** Lenses above call sites: the live rollout and how good it is, then at most two things that one may do about it. */
export class CallSiteLenses implements vscode.CodeLensProvider<SiteLens>, vscode.Disposable {
  readonly #connections: Connections;
  readonly #sites: DocumentCallSites;
  readonly #parts: readonly LensPart[];
  readonly #actions: readonly SiteActionPart[];
  readonly #changes = new vscode.EventEmitter<void>();
  readonly #subscriptions = new DisposableStore();
  readonly #shown = new Map<string, string>();

  constructor(connections: Connections, sites: DocumentCallSites, parts: readonly LensPart[], actions: readonly SiteActionPart[]) {
    this.#connections = connections;
    this.#sites = sites;
    this.#parts = parts;
    this.#actions = actions;
    this.#subscriptions.add(this.#changes);
    this.#subscriptions.add(connections.onDidChange(() => this.#refresh()));
    this.#subscriptions.add(sites.onDidChange(() => this.#observe()));
    this.#subscriptions.add(sites.onDidRelink(() => this.#refresh()));
    this.#subscriptions.add(vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('modelswitch')) this.#changes.fire();
    }));
    this.#subscriptions.add(vscode.window.onDidChangeVisibleTextEditors(() => this.#observe()));
  }

  readonly onDidChangeCodeLenses = this.#changes.event;

  /** Whether an editor with call sites is visible. */
  get visible(): boolean {
    return settings.lens() && this.#visibleDocuments().some((document) => this.#sites.of(document).length > 0);
  }

  /** The flags that visible lenses are about. */
  get flags(): ReadonlySet<string> {
    if (!settings.lens()) return new Set();
    return new Set(this.#visibleDocuments().flatMap((document) => this.#sites.of(document).flatMap(({ keys }) => keys.map(({ value }) => value))));
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<SiteLens[]> {
    if (!settings.lens()) return [];
    const sites = await this.#sites.read(document);
    const lenses = sites.flatMap((site) => {
      const { line, character } = site.range.start;
      const range = new vscode.Range(line, character, line, character);
      return this.#entries(document, site).map(({ title, command, arguments: args }) => new SiteLens(range, title, command, args));
    });
    this.#shown.set(document.uri.toString(), this.#textOf(document));
    return lenses;
  }

  resolveCodeLens(lens: SiteLens): SiteLens {
    lens.command = { title: lens.title, command: lens.id, arguments: lens.arguments };
    return lens;
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #entries(document: vscode.TextDocument, site: CallSite): LensEntry[] {
    const target = this.#connections.targetFor(document.uri);
    if (site.key.kind === 'dynamic') return [{ title: plainLine(`dynamic key: ${site.key.reason}`, 80), command: '', arguments: [] }];
    if (target === undefined) return [];
    const { connection } = target;
    if (connection.state.kind === 'signedOut') return [{ title: plainLine(`connect to ${connection.origin} to see the rollout`), command: Command.connect, arguments: [] }];
    if (connection.state.kind === 'failed' && connection.session?.store.snapshot === undefined) {
      return [{ title: plainLine(`no rollout: ${connection.state.error.message}`, 80), command: Command.refresh, arguments: [] }];
    }
    return site.keys.flatMap(({ value }) => this.#flagEntries(target, site, value));
  }

  #flagEntries(target: Target, site: CallSite, name: string): LensEntry[] {
    const { connection, environment } = target;
    const facts: SiteFacts = { ...flagFacts(this.#connections, connection, name), api: site.api, mainEnvironment: environment };
    const texts = lensTexts(this.#parts, facts);
    const reference = { connection, flag: name, environment };
    const active = facts.status === 'active';
    const entries = texts.map(({ text, opens }): LensEntry => ({ title: text, command: active ? Command.revealFlag : '', arguments: [reference], ...(active ? opens : undefined) }));
    const here = facts.flag && environmentOf(facts.flag, environment);
    if (entries.length === 0 || here === undefined || facts.snapshot === undefined) return entries;
    const { segments } = facts.snapshot;
    const promote = nextStage(everyoneShare(here, segments)) === undefined ? [] : [{ title: 'Promote', command: Command.promote, environment }];
    const onwards = this.#actions.map((part) => part(facts)).find((found) => found !== undefined) ?? promote;
    const back = maxExposure(here, segments) > 0 ? [{ title: 'Roll back', command: Command.rollBack, environment }] : [];
    const possible = [...onwards.slice(0, 1), ...back].filter((each) => mayOffer(facts, 'set rollout', each.environment) && !connection.isChanging(name, each.environment));
    return [...entries, ...possible.map(({ title, command, environment: changed }) => ({ title, command, arguments: [{ ...reference, environment: changed }] }))];
  }

  /** Everything a document's lenses say, to see whether anything changed. */
  #textOf(document: vscode.TextDocument): string {
    return this.#sites.of(document).map((site) => this.#entries(document, site).map(({ title }) => title).join('\t')).join('\n');
  }

  #visibleDocuments(): readonly vscode.TextDocument[] {
    return vscode.window.visibleTextEditors.map(({ document }) => document);
  }

  /** Something that a part tells has changed. */
  refreshParts(): void {
    this.#refresh();
  }

  /** Redraws only when a text changed: lenses that are drawn anew make the editor jump. */
  #refresh(): void {
    this.#observe();
    const changed = this.#visibleDocuments().some((document) => {
      const shown = this.#shown.get(document.uri.toString());
      return shown !== undefined && shown !== this.#textOf(document);
    });
    if (changed) this.#changes.fire();
  }

  #observe(): void {
    if (!settings.lens()) return;
    for (const document of this.#visibleDocuments()) {
      const store = this.#connections.targetFor(document.uri)?.connection.session?.store;
      void store?.observe(this.#sites.of(document).flatMap(({ keys }) => keys.map(({ value }) => value)));
    }
  }
}
