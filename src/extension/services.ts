import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../core/base/events.ts';
import { CALL_SITE_DOCUMENTS } from '../core/callsites/languages.ts';
import { DocumentThread } from '../adapters/treeSitter/documentThread.ts';
import { createParser } from '../adapters/treeSitter/parser.ts';
import { BulkWorker } from '../adapters/unleash/bulkWorker.ts';
import { CallSiteHover, environmentsHoverPart, titleHoverPart, type HoverPart } from './callsites/hover.ts';
import { CallSiteLenses } from './callsites/lens.ts';
import { DocumentCallSites } from './callsites/documentCallSites.ts';
import { FolderIndexes } from './callsites/folderIndexes.ts';
import { ageLensPart, modelLensPart, rolloutLensPart, variantsLensPart, type LensPart, type SiteActionPart } from './callsites/parts.ts';
import { ConfigurationDiagnostics } from './connection/configurationDiagnostics.ts';
import { registerConnectionCommands } from './connection/connectionCommands.ts';
import { unleashClient, type ConnectionParts } from './connection/connection.ts';
import { Connections } from './connection/connections.ts';
import { Credentials } from './connection/credentials.ts';
import { SnapshotFile } from './connection/snapshotFile.ts';
import { StatusBar } from './connection/statusBar.ts';
import { WorkspaceFiles } from './connection/workspaceFiles.ts';
import { changeFlag } from './flags/changeFlow.ts';
import { registerFlagCommands, resolveRef, type FlagCommandParts, type FlagUnderCursor } from './flags/flagCommands.ts';
import type { ConnectionTreePart, EnvironmentTreePart, FlagContextPart, FlagTreePart } from './flags/flagNodes.ts';
import { FlagTree } from './flags/flagTree.ts';
import { FlagHistories } from './flags/histories.ts';
import { HistoryDocuments } from './flags/historyDocument.ts';
import { observedPart, strategiesPart } from './flags/strategiesPart.ts';
import { MappedModels } from './models/mappedModels.ts';
import { lineageForHover, modelHoverPart, modelTreePart, type LineageOf } from './models/mappedParts.ts';
import { MovedAliasNotice } from './models/movedAliases.ts';
import { ModelViews } from './models/modelViews.ts';
import { Registries } from './models/registries.ts';
import { storeOf } from './models/registryOf.ts';
import { RegistryCredentials } from './models/registryCredentials.ts';
import { AnswerDocuments } from './personas/answerDocuments.ts';
import { personasHoverPart, personasTreePart } from './personas/parts.ts';
import { registerPersonaCommands } from './personas/personaCommands.ts';
import { PersonaStore } from './personas/personaStore.ts';
import { systemClock } from './platform/clock.ts';
import { Log } from './platform/log.ts';
import { modalPrompts, type Prompts } from './platform/prompts.ts';
import { settings } from './platform/settings.ts';
import { LazyQuality } from './quality/lazyQuality.ts';
import { judgeRaise, portsOf } from './releases/judgeRaise.ts';
import { LazyReleases } from './releases/lazyReleases.ts';
import { registerReleaseCommands } from './releases/releaseCommands.ts';
import { registerRefactorCommands } from './refactor/refactorCommands.ts';
import { SuiteTests } from './suites/suiteTests.ts';
import { SwitchActions } from './refactor/switchActions.ts';
import { LazySites } from './workspaceSites/lazySites.ts';

/** What lens, hover and tree are made of, in order. A feature adds its parts here. */
const lensParts = (quality: LazyQuality): readonly LensPart[] => [ageLensPart, rolloutLensPart, variantsLensPart, modelLensPart, quality.lens];
const hoverParts = (personas: PersonaStore, sites: LazySites, quality: LazyQuality, lineageOf: LineageOf): readonly HoverPart[] => [titleHoverPart, sites.hover, modelHoverPart(lineageOf), environmentsHoverPart, quality.hover, personasHoverPart(personas)];
const treeParts = (personas: PersonaStore): readonly EnvironmentTreePart[] => [strategiesPart, modelTreePart, observedPart, personasTreePart(personas)];
const flagTreeParts = (sites: LazySites, quality: LazyQuality): readonly FlagTreePart[] => [quality.flagTree, sites.flagTree];
/** Releases change flags by what the tree brings along, so they are made after what shows them. */
type Late = { releases?: LazyReleases };
/** What is done about a flag where it is shown: the first that feels responsible decides, else it is promoted by itself. */
const actionParts = (late: Late): readonly SiteActionPart[] => [(facts) => late.releases?.actions(facts)];
const flagContextParts = (late: Late): readonly FlagContextPart[] => [(facts) => late.releases?.flagContext(facts) ?? []];
const connectionTreeParts = (sites: LazySites): readonly ConnectionTreePart[] => [sites.connectionTree];

/** Nobody looks at an unfocused window closely. */
const UNFOCUSED_POLL_FACTOR = 4;

/** A registry has no log of events to follow: each look reads a list. */
const REGISTRY_POLL_FACTOR = 4;

/** What tests of the extension may look at and replace. */
export interface Services extends Disposable {
  readonly files: WorkspaceFiles;
  readonly connections: Connections;
  readonly registries: Registries;
  readonly prompts: { current: Prompts };
  readonly tree: FlagTree;
  readonly historyDocuments: HistoryDocuments;
  readonly models: ModelViews;
  readonly lenses: CallSiteLenses;
  readonly sites: DocumentCallSites;
  readonly workspaceSites: LazySites;
  readonly indexes: FolderIndexes;
  readonly suites: SuiteTests;
  readonly quality: LazyQuality;
  readonly releases: LazyReleases;
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
  const registryCredentials = new RegistryCredentials(context);
  const registries = all.add(new Registries(files, registryCredentials, { ...parts, pollEveryMs: () => REGISTRY_POLL_FACTOR * parts.pollEveryMs() }));
  const connections = all.add(new Connections(files, credentials, parts, all.add(new MappedModels(registries))));
  all.add(new MovedAliasNotice(connections));
  const personas = all.add(new PersonaStore(connections, systemClock, log));
  const prompts = { current: modalPrompts };

  const parser = { runtimeWasm: dist('web-tree-sitter.wasm'), pythonWasm: dist('tree-sitter-python.wasm'), typescriptWasm: dist('tree-sitter-tsx.wasm') };
  const documents = CALL_SITE_DOCUMENTS.map((language) => ({ language }));
  // A window without a folder has no storage of its own.
  const cacheFolder = (name: string): string => vscode.Uri.joinPath(context.storageUri ?? context.globalStorageUri, name).fsPath;
  const indexes = all.add(new FolderIndexes({ script: dist('index.worker.cjs'), parser, cacheFolder: cacheFolder('callSites'), files, log }));
  const sites = all.add(new DocumentCallSites(new DocumentThread(dist('documents.worker.cjs'), { parser }, indexes), log, indexes.onDidChange));
  const ask: Prompts = { confirm: (confirmation) => prompts.current.confirm(confirmation), ask: (question) => prompts.current.ask?.(question) ?? Promise.resolve(undefined) };
  const flagUnderCursor: FlagUnderCursor = (editor) => sites.flagAt(editor.document, editor.selection.active);
  const workspaceSites = all.add(new LazySites({ indexes, documents: sites, connections, files, clock: systemClock, log, prompts: ask }));
  const histories = new FlagHistories();
  const quality = all.add(new LazyQuality({
    connections, files, histories, log, clock: systemClock, context, pollEveryMs: parts.pollEveryMs, script: dist('quality.worker.cjs'), cacheFolder: cacheFolder('quality'),
    version: async (folder, registered, versionOrAlias) => (await storeOf(folder, registries)).readDetail(registered, versionOrAlias),
    flagUnderCursor,
  }));
  const late: Late = {};
  const lenses = all.add(new CallSiteLenses(connections, sites, lensParts(quality), actionParts(late)));
  all.add(quality.onDidChange(() => lenses.refreshParts()));
  all.add(vscode.languages.registerCodeLensProvider(documents, lenses));
  const models = all.add(new ModelViews({ registries, connections, credentials: registryCredentials, files, log, fetch: parts.fetch, prompts: ask }));
  all.add(vscode.languages.registerHoverProvider(documents, new CallSiteHover(connections, sites, hoverParts(personas, workspaceSites, quality, lineageForHover(connections, registries, models)))));

  const suites = all.add(new SuiteTests({ files, registries, credentials: registryCredentials, prompts: ask, memory: context.workspaceState, log, scripts: vscode.Uri.joinPath(context.extensionUri, 'media', 'python').fsPath, flagUnderCursor }));

  const historyDocuments = all.add(new HistoryDocuments(connections, histories));
  const tree = all.add(new FlagTree(connections, histories, { environment: treeParts(personas), flag: flagTreeParts(workspaceSites, quality), connection: connectionTreeParts(workspaceSites), context: flagContextParts(late) }, personas.onDidChange));
  all.add(new StatusBar(connections));
  all.add(new ConfigurationDiagnostics(files, connections, personas));
  all.add(registerConnectionCommands({ connections, credentials, files, log, client: (baseUrl, token) => unleashClient(baseUrl, token, parts) }));
  // The gates stand in core/releases/promotionGates.ts: the command line asks the same.
  const loadReleases = once(() => import('./models/models.lazy.ts'));
  const flagCommandParts: FlagCommandParts = {
    connections,
    log,
    tree,
    prompts: ask,
    judge: judgeRaise(connections, registries, loadReleases),
    histories,
    historyDocuments,
    flagUnderCursor,
  };
  all.add(registerFlagCommands(flagCommandParts));
  const releases = late.releases = all.add(new LazyReleases({
    connections, files, registries, quality, histories, change: flagCommandParts, changeFlag, gatePorts: (target) => portsOf(target, registries),
    flagUnderCursor: flagCommandParts.flagUnderCursor, memory: context.workspaceState, clock: systemClock, pollEveryMs: parts.pollEveryMs,
  }));
  all.add(releases.onDidChangeActions((flags) => {
    lenses.refreshParts();
    tree.refreshParts(flags);
  }));
  all.add(registerReleaseCommands({ ...flagCommandParts, registries, files, loadReleases }));
  const loadPython = once(() => createParser({ runtimeWasm: parser.runtimeWasm, grammarWasm: parser.pythonWasm }));
  all.add(registerRefactorCommands({ ...flagCommandParts, loadParser: loadPython, indexes, sites }));
  all.add(vscode.languages.registerCodeActionsProvider({ language: 'python' }, new SwitchActions(sites, files, loadPython), { providedCodeActionKinds: SwitchActions.kinds }));

  all.add(workspaceSites.register({ flagUnderCursor: flagCommandParts.flagUnderCursor, pickFlag: () => resolveRef(flagCommandParts, undefined, false) }));
  all.add(workspaceSites.onDidChange((flags) => tree.refreshParts(flags)));
  all.add(quality.onDidChange((flags) => tree.refreshParts(flags)));
  all.add(registerPersonaCommands({
    connections,
    credentials,
    log,
    fetch: parts.fetch,
    store: personas,
    documents: all.add(new AnswerDocuments()),
    memory: context.workspaceState,
    flagUnderCursor,
  }));

  const updateActivity = (): void => {
    connections.setActive(vscode.window.state.focused || tree.visible || releases.visible || models.visible || lenses.visible);
    const isShown = models.visible || releases.visible || tree.visible || lenses.visible;
    registries.setActive(isShown);
    quality.setActive(isShown);
    releases.setLensFlags(lenses.flags);
  };
  all.add(vscode.window.onDidChangeWindowState(updateActivity));
  all.add(vscode.window.onDidChangeVisibleTextEditors(updateActivity));
  all.add(tree.onDidChangeVisibility(updateActivity));
  all.add(models.onDidChangeVisibility(updateActivity));
  all.add(releases.onDidChangeVisibility(updateActivity));
  all.add(sites.onDidChange(updateActivity));
  updateActivity();
  void connections.update();
  void registries.update();
  return { files, connections, registries, prompts, tree, historyDocuments, models, lenses, sites, workspaceSites, indexes, suites, quality, releases, dispose: () => all.dispose() };
}

/** Loads a thing when it is first needed; a failure is tried again. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
}
