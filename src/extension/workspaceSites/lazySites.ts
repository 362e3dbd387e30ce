import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import type { Clock } from '../../core/base/clock.ts';
import { CALL_SITE_DOCUMENTS } from '../../core/callsites/languages.ts';
import type { DocumentCallSites } from '../callsites/documentCallSites.ts';
import type { FolderIndexes } from '../callsites/folderIndexes.ts';
import type { HoverPart } from '../callsites/hover.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import { requireOpen, requireWritable, withProgress, type ChangeParts, type FlagRef } from '../flags/changeFlow.ts';
import type { ConnectionTreePart, FlagTreePart } from '../flags/flagNodes.ts';
import { Command } from '../ids.ts';
import { showError } from '../platform/errors.ts';
import type { LoadedSites } from './workspaceSites.lazy.ts';

/** How the editor changes flags, handed in so that the lazy part does not bring it along a second time. */
export interface ChangeFlow {
  readonly requireOpen: typeof requireOpen;
  readonly requireWritable: typeof requireWritable;
  readonly withProgress: typeof withProgress;
}

export interface SiteParts extends Omit<ChangeParts, 'judge'> {
  readonly indexes: FolderIndexes;
  readonly documents: DocumentCallSites;
  readonly files: WorkspaceFiles;
  readonly clock: Clock;
  readonly flow: ChangeFlow;
}

/** What is only there when the rest of the editor is put together. */
export interface SiteCommandParts {
  readonly flagUnderCursor: (editor: vscode.TextEditor) => string | undefined;
  /** Lets a person choose a flag. */
  readonly pickFlag: () => Promise<FlagRef | undefined>;
}

/**
 * The call sites of the workspace in tree, hover, references and problems. Nothing of it is needed to activate: it is loaded when the
 * flags of a server are there, or when somebody asks for it.
 */
export class LazySites implements Disposable {
  readonly #parts: SiteParts;
  readonly #subscriptions = new DisposableStore();
  readonly #changes = new vscode.EventEmitter<ReadonlySet<string> | undefined>();
  #loading: Promise<LoadedSites> | undefined;
  #loaded: LoadedSites | undefined;
  #isDisposed = false;

  constructor(parts: Omit<SiteParts, 'flow'>) {
    this.#parts = { ...parts, flow: { requireOpen, requireWritable, withProgress } };
    this.#subscriptions.add(this.#changes);
    this.#subscriptions.add(parts.connections.onDidChange(() => {
      if (this.#loading === undefined && parts.connections.all.some(({ session }) => session?.store.snapshot !== undefined)) void this.#load().catch(() => undefined);
    }));
  }

  /** Fires with the flags of which the tree says something else than before; undefined: with those lines that are about no flag. */
  readonly onDidChange = this.#changes.event;

  readonly flagTree: FlagTreePart = (facts) => this.#loaded?.flagTree(facts) ?? [];
  readonly connectionTree: ConnectionTreePart = (connection) => this.#loaded?.connectionTree(connection) ?? [];
  readonly hover: HoverPart = (facts, events) => this.#loaded?.hover(facts, events) ?? '';

  /** For tests. */
  get loaded(): LoadedSites | undefined {
    return this.#loaded;
  }

  /** Commands, references and fixes. */
  register(parts: SiteCommandParts): Disposable {
    const all = new DisposableStore();
    const command = (id: string, title: string, run: (loaded: LoadedSites, argument: unknown) => Promise<unknown>): void => {
      all.add(vscode.commands.registerCommand(id, (argument: unknown) => this.#load().then((loaded) => run(loaded, argument)).catch((error: unknown) => {
        void showError(this.#parts.log, title, error);
      })));
    };
    command(Command.showCallSites, 'Show call sites', (loaded, argument) => loaded.showCallSites(parts, argument));
    command(Command.openCallSite, 'Open call site', (loaded, argument) => loaded.openCallSite(argument));
    command(Command.createFlag, 'Create flag', (loaded, argument) => loaded.createFlag(parts, argument));
    const languages = CALL_SITE_DOCUMENTS.map((language) => ({ language }));
    all.add(vscode.languages.registerReferenceProvider(languages, { provideReferences: (document, position, context, token) => this.#load().then((loaded) => loaded.references(document, position, context, token)) }));
    all.add(vscode.languages.registerCodeActionsProvider(languages, { provideCodeActions: (document, _range, context) => this.#loaded?.fixes(document, context) }, { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] }));
    return all;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#loaded?.dispose();
    this.#subscriptions.dispose();
  }

  /** A failure is logged and not kept. */
  #load(): Promise<LoadedSites> {
    return this.#loading ??= import('./workspaceSites.lazy.ts').then(({ loadSites }) => {
      const loaded = loadSites(this.#parts, (flags) => this.#changes.fire(flags));
      if (this.#isDisposed) loaded.dispose();
      return this.#loaded = loaded;
    }).catch((error: unknown) => {
      this.#loading = undefined;
      this.#parts.log.error('Loading the call sites of the workspace', error);
      throw error;
    });
  }
}
