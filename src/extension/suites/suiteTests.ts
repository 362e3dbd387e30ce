import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';
import type { FlagUnderCursor } from '../flags/flagCommands.ts';
import { Command } from '../ids.ts';
import type { RegistryCredentials } from '../models/registryCredentials.ts';
import type { Registries } from '../models/registries.ts';
import { showError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Prompts } from '../platform/prompts.ts';
import type { SuitesFeature } from './suitesFeature.ts';

export interface SuiteTestsParts {
  readonly files: WorkspaceFiles;
  readonly registries: Registries;
  readonly credentials: RegistryCredentials;
  readonly prompts: Prompts;
  readonly memory: vscode.Memento;
  readonly log: Log;
  /** Folder of the Python scripts that Modelswitch ships. */
  readonly scripts: string;
  readonly flagUnderCursor: FlagUnderCursor;
}

/** Which subjects a run asks. */
export type SuiteTarget = 'candidate' | 'current' | 'both';

const PROFILES: readonly (readonly [string, SuiteTarget])[] = [['Candidate', 'candidate'], ['Current', 'current'], ['Both', 'both']];
const COMMANDS: Readonly<Record<string, string>> = { [Command.runSuites]: 'Run behavioural suites', [Command.runModelSuites]: 'Run suites for this model', [Command.newSuite]: 'New suite from signature' };
const SUITE_FILE = /\.mltest\.yaml$/;

/** Suites in the Test Explorer, and their commands, as they are registered on activation: what they do is loaded when somebody first looks at one. */
export class SuiteTests implements Disposable {
  readonly controller: vscode.TestController;
  readonly #parts: SuiteTestsParts;
  readonly #subscriptions = new DisposableStore();
  #loading: Promise<SuitesFeature> | undefined;

  constructor(parts: SuiteTestsParts) {
    this.#parts = parts;
    const controller = this.controller = this.#subscriptions.add(vscode.tests.createTestController('modelswitch.suites', 'Behavioural Suites'));
    controller.resolveHandler = async (item) => (await this.load()).resolve(item);
    controller.refreshHandler = async (token) => (await this.load()).refresh(token);
    for (const [label, target] of PROFILES) {
      controller.createRunProfile(label, vscode.TestRunProfileKind.Run, (request, token) => this.#try('Run behavioural suites', async () => { await (await this.load()).run(request, target, token); }), target === 'candidate', undefined, true);
    }
    for (const [id, name] of Object.entries(COMMANDS)) {
      this.#subscriptions.add(vscode.commands.registerCommand(id, (argument: unknown) => this.#try(name, async () => (await this.load()).commands[id]?.(argument))));
    }
    const look = ({ uri }: vscode.TextDocument): void => { if (SUITE_FILE.test(uri.path)) void this.load().catch((error: unknown) => parts.log.error('Loading suites', error)); };
    this.#subscriptions.add(vscode.workspace.onDidOpenTextDocument(look));
    vscode.workspace.textDocuments.forEach(look);
  }

  load(): Promise<SuitesFeature> {
    return this.#loading ??= import('./suites.lazy.ts').then(({ SuitesFeature }) => this.#subscriptions.add(new SuitesFeature(this.#parts, this.controller))).catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async #try<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      void showError(this.#parts.log, name, error);
      return undefined;
    }
  }
}
