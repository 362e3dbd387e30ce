import * as vscode from 'vscode';
import { DisposableStore } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import type { FileEntry } from '../../core/callsites/siteCatalog.ts';
import { siteProblems, uncalledFlags, type FlagVerdict, type SiteProblem } from '../../core/callsites/siteProblems.ts';
import { placeOfSite } from '../../core/callsites/siteWords.ts';
import { locationOf } from './sitePlaces.ts';
import type { SitesChange, WorkspaceSites } from './workspaceSites.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import type { ServerNotes } from './serverNotes.ts';
import { SETTINGS_SECTION } from '../ids.ts';
import { settings } from '../platform/settings.ts';
import { ProjectVerdicts } from './projectVerdicts.ts';

export const SOURCE = 'Modelswitch';

export interface ProblemParts {
  readonly sites: WorkspaceSites;
  readonly connections: Connections;
  readonly notes: ServerNotes;
  readonly files: WorkspaceFiles;
}

/**
 * Problems of code that asks for flags, in all files of the workspace: a flag that the server does not know, one that is archived or
 * stale, a model's flag that nothing asks for. Nothing is said of a folder before its index is complete and the server's flags were
 * read; while the server does not answer, what was read last counts.
 */
export class CodeProblems implements vscode.Disposable {
  readonly #parts: ProblemParts;
  readonly #inCode = vscode.languages.createDiagnosticCollection('modelswitch code');
  readonly #inMappings = vscode.languages.createDiagnosticCollection('modelswitch models');
  readonly #verdicts = new Map<Connection, ProjectVerdicts>();
  /** What was said last by file: where, and as text to see whether it is the same. */
  readonly #said = new Map<string, { readonly uris: readonly vscode.Uri[]; readonly text: string }>();
  #saidOfModels = '';
  readonly #subscriptions = new DisposableStore();

  constructor(parts: ProblemParts) {
    this.#parts = parts;
    const { sites, connections, notes, files } = parts;
    this.#subscriptions.add(this.#inCode);
    this.#subscriptions.add(this.#inMappings);
    this.#subscriptions.add(sites.onDidChange((change) => this.#followSites(change)));
    this.#subscriptions.add(connections.onDidChange(() => this.#followServers()));
    this.#subscriptions.add(notes.onDidChange(() => this.#followServers()));
    this.#subscriptions.add(files.onDidChange(() => this.#sayUncalled()));
    const notebook = ({ uri }: vscode.NotebookDocument): void => this.#say([uri.toString()]);
    this.#subscriptions.add(vscode.workspace.onDidOpenNotebookDocument(notebook));
    this.#subscriptions.add(vscode.workspace.onDidCloseNotebookDocument(notebook));
    this.#subscriptions.add(vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(SETTINGS_SECTION)) this.#sayAll();
    }));
    this.#followServers();
    this.#sayAll();
  }

  /** What there is to say of a flag in a folder; nothing while that is not known. */
  verdictOf(folder: vscode.WorkspaceFolder, flag: string): FlagVerdict | undefined {
    return this.#isReady(folder) ? this.#verdictsFor(folder)?.of(flag) : undefined;
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #verdictsFor(folder: vscode.WorkspaceFolder): ProjectVerdicts | undefined {
    const target = this.#parts.connections.targets.find((each) => each.folder.uri.toString() === folder.uri.toString());
    return target && this.#verdicts.get(target.connection);
  }

  #isReady(folder: vscode.WorkspaceFolder): boolean {
    return settings.problems() && this.#parts.sites.stateOf(folder) === 'complete';
  }

  #followSites({ folder, isOtherState, files }: SitesChange): void {
    this.#withhold();
    this.#say(isOtherState ? this.#filesOf(folder) : files);
    this.#sayUncalled();
  }

  /** Servers whose flags are others than before: says anew what is about those flags. */
  #followServers(): void {
    const { connections, notes, sites } = this.#parts;
    const now = new Set(connections.targets.map(({ connection }) => connection));
    for (const connection of this.#verdicts.keys()) if (!now.has(connection)) this.#verdicts.delete(connection);
    let isOther = false;
    for (const connection of now) {
      const known = this.#verdicts.get(connection);
      if (connection.state.kind === 'signedOut') {
        if (!this.#verdicts.delete(connection)) continue;
        this.#say(sites.folders(connection).flatMap((folder) => this.#filesOf(folder)));
        isOther = true;
        continue;
      }
      const verdicts = known ?? new ProjectVerdicts(connection);
      const folders = sites.folders(connection);
      if (!verdicts.learn(notes.of(connection))) continue;
      this.#verdicts.set(connection, verdicts);
      isOther = true;
      const changed = verdicts.changedAmong(folders.flatMap((folder) => [...sites.catalog(folder).keys]));
      this.#say(known === undefined ? folders.flatMap((folder) => this.#filesOf(folder)) : folders.flatMap((folder) => changed.flatMap((flag) => [...sites.catalog(folder).filesOf(flag)])));
    }
    this.#withhold();
    if (isOther) this.#sayUncalled();
  }

  /** Names that the server does not list may be archived; until that is known nothing is said of them. */
  #withhold(): void {
    for (const [connection, verdicts] of this.#verdicts) {
      const folders = this.#parts.sites.folders(connection).filter((folder) => this.#isReady(folder));
      const names = folders.flatMap((folder) => [...this.#parts.sites.catalog(folder).keys]);
      const open = verdicts.unsettled(names);
      if (open.length === 0) continue;
      void verdicts.settle(open).then((settled) => {
        if (settled) this.#say(folders.flatMap((folder) => open.flatMap((flag) => [...this.#parts.sites.catalog(folder).filesOf(flag)])));
      });
    }
  }

  #sayAll(): void {
    this.#withhold();
    this.#say([...this.#said.keys(), ...this.#parts.sites.folders().flatMap((folder) => this.#filesOf(folder))]);
    this.#sayUncalled();
  }

  #filesOf(folder: vscode.WorkspaceFolder): readonly string[] {
    const inside = [...this.#said.keys()].filter((file) => file.startsWith(`${folder.uri.toString()}/`));
    return [...this.#parts.sites.catalog(folder).files, ...inside];
  }

  #say(files: Iterable<string>): void {
    const groups: [vscode.Uri, vscode.Diagnostic[] | undefined][] = [];
    for (const file of new Set(files)) {
      const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.parse(file, true));
      const entry = folder && this.#parts.sites.catalog(folder).get(file);
      const verdicts = folder && this.#isReady(folder) ? this.#verdictsFor(folder) : undefined;
      const problems = entry === undefined || verdicts === undefined ? [] : siteProblems(entry.sites, (flag) => verdicts.of(flag));
      const isSaid = this.#said.get(file);
      const diagnostics = diagnosticsOf(file, entry, problems);
      const text = JSON.stringify(diagnostics.map(([uri, list]) => [uri.toString(), list]));
      if (text === (isSaid?.text ?? '[]')) continue;
      for (const uri of isSaid?.uris ?? []) if (!diagnostics.some(([each]) => each.toString() === uri.toString())) groups.push([uri, undefined]);
      groups.push(...diagnostics);
      if (diagnostics.length === 0) this.#said.delete(file);
      else this.#said.set(file, { uris: diagnostics.map(([uri]) => uri), text });
    }
    if (groups.length > 0) this.#inCode.set(groups);
  }

  /** One unread file may hold the call, so then nothing is said. */
  #sayUncalled(): void {
    const { connections, files } = this.#parts;
    const found = connections.targets.flatMap(({ folder }) => {
      const loaded = files.of(folder);
      return loaded?.file.config === undefined ? [] : [[loaded.uri, this.#uncalledIn(folder, loaded.file.config.models)] as const];
    });
    const text = JSON.stringify(found);
    if (text === this.#saidOfModels) return;
    this.#saidOfModels = text;
    this.#inMappings.clear();
    for (const [uri, diagnostics] of found) this.#inMappings.set(uri, diagnostics);
  }

  #uncalledIn(folder: vscode.WorkspaceFolder, models: readonly ModelMapping[]): readonly vscode.Diagnostic[] {
    const { sites } = this.#parts;
    const verdicts = this.#verdictsFor(folder);
    const folders = sites.folders();
    if (verdicts === undefined || !folders.every((each) => this.#isReady(each) && sites.gapsIn(each) === 0)) return [];
    const dynamic = folders.reduce((sum, each) => sum + sites.catalog(each).dynamic, 0);
    return uncalledFlags(models, (flag) => !verdicts.has(flag) || sites.count(flag).calls > 0, dynamic).map(({ message, range: { start, end } }) => {
      const result = new vscode.Diagnostic(new vscode.Range(start.line, start.column, end.line, end.column), plainLine(message, 500), vscode.DiagnosticSeverity.Information);
      return Object.assign(result, { source: SOURCE, code: 'uncalledFlag' });
    });
  }
}

const SEVERITIES = { warning: vscode.DiagnosticSeverity.Warning, information: vscode.DiagnosticSeverity.Information, hint: vscode.DiagnosticSeverity.Hint } as const;

/** By the document in which they stand: the cells of an open notebook are documents of their own. */
function diagnosticsOf(file: string, entry: FileEntry | undefined, problems: readonly SiteProblem[]): readonly [vscode.Uri, vscode.Diagnostic[]][] {
  const found = new Map<string, [vscode.Uri, vscode.Diagnostic[]]>();
  for (const { range, code, severity, message } of problems) {
    const cells = entry?.cells;
    const { uri, range: place } = locationOf({ file, ...(cells === undefined ? {} : { cells }) }, range);
    const isClosedNotebook = cells !== undefined && uri.toString() === file;
    const { cell, line } = placeOfSite({ site: { range }, ...(cells === undefined ? {} : { cells }) });
    const prefix = isClosedNotebook ? `Cell ${cell ?? 0}, line ${line}: ` : '';
    const diagnostic = Object.assign(new vscode.Diagnostic(place, plainLine(prefix + message, 1000), SEVERITIES[severity]), { source: SOURCE, code });
    const group = found.get(uri.toString());
    if (group === undefined) found.set(uri.toString(), [uri, [diagnostic]]);
    else group[1].push(diagnostic);
  }
  return [...found.values()];
}
