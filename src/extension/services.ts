import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../core/base/events.ts';
import { pythonDetector } from '../core/callsites/python/detector.ts';
import { createPythonParser } from '../adapters/treeSitter/parser.ts';
import { CallSiteTracker } from '../adapters/treeSitter/tracker.ts';
import { BulkWorker } from '../adapters/unleash/bulkWorker.ts';
import { CallSiteHover, environmentsHoverPart, titleHoverPart, type HoverPart } from './callsites/hover.ts';
import { CallSiteLenses } from './callsites/lens.ts';
import { DocumentCallSites } from './callsites/documentCallSites.ts';
import { ageLensPart, modelLensPart, rolloutLensPart, variantsLensPart, type LensPart } from './callsites/parts.ts';
import { ConfigurationDiagnostics } from './connection/configurationDiagnostics.ts';
import { registerConnectionCommands } from './connection/connectionCommands.ts';
import { unleashClient, type ConnectionParts } from './connection/connection.ts';
import { Connections } from './connection/connections.ts';
import { Credentials } from './connection/credentials.ts';
import { SnapshotFile } from './connection/snapshotFile.ts';
import { StatusBar } from './connection/statusBar.ts';
import { WorkspaceFiles } from './connection/workspaceFiles.ts';
import { registerFlagCommands } from './flags/flagCommands.ts';
import type { EnvironmentTreePart } from './flags/flagNodes.ts';
import { FlagTree } from './flags/flagTree.ts';
import { FlagHistories } from './flags/histories.ts';
import { HistoryDocuments } from './flags/historyDocument.ts';
import { observedPart, strategiesPart } from './flags/strategiesPart.ts';
import { registerRetrain } from './pipelines/retrain.ts';
import { systemClock } from './platform/clock.ts';
import { Log } from './platform/log.ts';
import { modalPrompts, type Prompts } from './platform/prompts.ts';
import { settings } from './platform/settings.ts';

/** What lens, hover and tree are made of, in order. A feature adds its parts here. */
const LENS_PARTS: readonly LensPart[] = [ageLensPart, rolloutLensPart, variantsLensPart, modelLensPart];
const HOVER_PARTS: readonly HoverPart[] = [titleHoverPart, environmentsHoverPart];
const TREE_PARTS: readonly EnvironmentTreePart[] = [strategiesPart, observedPart];

/** Nobody looks at an unfocused window closely. */
const UNFOCUSED_POLL_FACTOR = 4;

/** What tests of the extension may look at and replace. */
export interface Services extends Disposable {
  readonly connections: Connections;
  readonly prompts: { current: Prompts };
  readonly tree: FlagTree;
  readonly lenses: CallSiteLenses;
  readonly sites: DocumentCallSites;
}

/** Puts the extension together. It registers everything at once and waits for nothing. */
export function createServices(context: vscode.ExtensionContext): Services {
  const all = new DisposableStore();
  const log = all.add(new Log());
  const dist = (file: string): string => vscode.Uri.joinPath(context.extensionUri, 'dist', file).fsPath;
  const worker = all.add(new BulkWorker(dist('bulk.worker.cjs')));
  const parts: ConnectionParts = {
    // Looked up at each call: VS Code replaces it with one that honours the proxy settings.
    fetch: (url, init) => globalThis.fetch(url, init),
    parseBulk: worker.parse,
    clock: systemClock,
    log,
    pollEveryMs: () => settings.pollSeconds() * 1000 * (vscode.window.state.focused ? 1 : UNFOCUSED_POLL_FACTOR),
    snapshots: all.add(new SnapshotFile(context.storageUri, log)),
  };
  const credentials = new Credentials(context);
  const files = all.add(new WorkspaceFiles());
  const connections = all.add(new Connections(files, credentials, parts));
  const prompts = { current: modalPrompts };

  const tracker = new CallSiteTracker([{
    detector: pythonDetector,
    loadParser: () => createPythonParser({ runtimeWasm: dist('web-tree-sitter.wasm'), grammarWasm: dist('tree-sitter-python.wasm') }),
  }]);
  const sites = all.add(new DocumentCallSites(tracker, log));
  const lenses = all.add(new CallSiteLenses(connections, sites, LENS_PARTS));
  all.add(vscode.languages.registerCodeLensProvider({ language: 'python' }, lenses));
  all.add(vscode.languages.registerHoverProvider({ language: 'python' }, new CallSiteHover(connections, sites, HOVER_PARTS)));

  const histories = new FlagHistories();
  const tree = all.add(new FlagTree(connections, histories, TREE_PARTS));
  all.add(new StatusBar(connections));
  all.add(new ConfigurationDiagnostics(files, connections));
  all.add(registerConnectionCommands({ connections, credentials, files, log, client: (baseUrl, token) => unleashClient(baseUrl, token, parts) }));
  all.add(registerFlagCommands({
    connections,
    log,
    tree,
    prompts: { confirm: (confirmation) => prompts.current.confirm(confirmation) },
    histories,
    historyDocuments: all.add(new HistoryDocuments(connections, histories)),
    flagUnderCursor: (editor) => sites.flagAt(editor.document, editor.selection.active),
  }));

  all.add(registerRetrain({ files, log }));

  const updateActivity = (): void => connections.setActive(vscode.window.state.focused || tree.visible || lenses.visible);
  all.add(vscode.window.onDidChangeWindowState(updateActivity));
  all.add(vscode.window.onDidChangeVisibleTextEditors(updateActivity));
  all.add(tree.onDidChangeVisibility(updateActivity));
  all.add(sites.onDidChange(updateActivity));
  updateActivity();
  void connections.update();
  return { connections, prompts, tree, lenses, sites, dispose: () => all.dispose() };
}
