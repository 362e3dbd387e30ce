import * as vscode from 'vscode';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import type { Arm } from '../../core/suites/load.ts';
import { together, type Outcome } from '../../core/suites/report.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import { mappingOf, SuiteModel } from '../../adapters/suites/suiteModel.ts';
import { suiteName } from '../../adapters/suites/suitesOnDisk.ts';
import { registryOf } from '../models/registryOf.ts';
import { continuous } from './continuousRuns.ts';
import { writeEvidence, type Recordable } from './evidenceWriter.ts';
import { shownInterpreter } from './interpreter.ts';
import { suiteCommands } from './suiteCommands.ts';
import { SuiteItems } from './suiteItems.ts';
import { SuiteRun, type FileRun } from './suiteRun.ts';
import type { SuiteTarget, SuiteTestsParts } from './suiteTests.ts';

/** How a run differs from one of the Test Explorer. */
export interface RunOptions {
  /** Versions in the place of those of the mapping. */
  readonly versions?: Readonly<Partial<Record<Arm, string>>>;
  /** The run is for its evidence, so that nobody is asked whether to write it. */
  readonly record?: boolean;
}

/** What a run came to, for whoever started it. */
export interface RunSummary {
  readonly verdict: Outcome;
  readonly recorded: readonly string[];
}

const ARMS: Readonly<Record<SuiteTarget, readonly Arm[]>> = { candidate: ['candidate'], current: ['current'], both: ['candidate', 'current'] };

/** Suites in the Test Explorer: items, runs, evidence. Nothing runs in an untrusted workspace. */
export class SuitesFeature implements Disposable {
  readonly items: SuiteItems;
  readonly commands: Readonly<Record<string, (argument: unknown) => Promise<unknown>>>;
  readonly controller: vscode.TestController;
  readonly #parts: SuiteTestsParts;
  readonly #subscriptions = new DisposableStore();
  /** The versions behind a file's arms when it last ran: results of others are no results. */
  readonly #ranWith = new Map<string, string>();

  constructor(parts: SuiteTestsParts, controller: vscode.TestController) {
    this.#parts = parts;
    this.controller = controller;
    this.items = this.#subscriptions.add(new SuiteItems(controller, parts.log));
    this.commands = suiteCommands(parts, this);
    this.#subscriptions.add(parts.registries.onDidChange(() => this.#invalidate()));
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async resolve(item: vscode.TestItem | undefined): Promise<void> {
    await (item === undefined ? this.items.discover() : this.items.resolve(item));
  }

  async refresh(token: vscode.CancellationToken): Promise<void> {
    await this.items.discover();
    for (const [, item] of this.controller.items) {
      if (token.isCancellationRequested) return;
      await this.items.resolve(item);
    }
  }

  /** Runs what is asked for, now, or each time that something is saved. @throws AppError forbidden (untrusted) */
  async run(request: vscode.TestRunRequest, target: SuiteTarget, token: vscode.CancellationToken, options: RunOptions = {}): Promise<RunSummary | undefined> {
    requireTrustToRun();
    if (request.continuous === true) {
      continuous(request, token, { run: (again, stop) => this.run(again, target, stop, options), log: this.#parts.log });
      return undefined;
    }
    const abort = new AbortController();
    const run = this.controller.createTestRun(request);
    const stop = [token, run.token].map((each) => each.onCancellationRequested(() => abort.abort()));
    if (token.isCancellationRequested) abort.abort();
    const recordable: Recordable[] = [];
    const outcomes: Outcome[] = [];
    try {
      const files = await this.#chosen(request);
      for (const { tests } of files) for (const test of tests) run.enqueued(test);
      const shown = new SuiteRun(run, this.items, abort.signal);
      for (const file of files) await this.#runFile(shown, file, target, options, abort.signal, recordable, outcomes);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'cancelled') throw error;
    } finally {
      for (const each of stop) each.dispose();
      run.end();
    }
    if (abort.signal.aborted) return undefined;
    const recorded = await writeEvidence(recordable, options.record === true);
    if (recorded.length > 0) await Promise.all(this.#parts.registries.all.map((connection) => connection.refresh()));
    for (const line of recorded) this.#parts.log.info(line);
    return { verdict: together(outcomes), recorded };
  }

  async #runFile(shown: SuiteRun, file: Chosen, target: SuiteTarget, { versions }: RunOptions, signal: AbortSignal, recordable: Recordable[], outcomes: Outcome[]): Promise<void> {
    const folder = vscode.workspace.getWorkspaceFolder(file.uri);
    if (folder === undefined || signal.aborted) return;
    const { registries, credentials, scripts } = this.#parts;
    const path = suiteName(folder.uri.fsPath, file.uri.fsPath);
    const models = this.#modelsOf(folder);
    let mapping: ModelMapping | undefined;
    const outcome = await shown.file({
      ...file, name: path, arms: ARMS[target],
      model: (suite) => {
        mapping = mappingOf(path, suite, { models });
        return new SuiteModel({ path, folder: folder.uri.fsPath, mapping, registry: () => registryOf(folder, registries), ...(versions === undefined ? {} : { versions }), credentials: (origin) => credentials.find(origin) }, signal);
      },
      context: { cwd: folder.uri.fsPath, env: process.env, scripts, python: () => shownInterpreter(folder, this.#parts) },
    });
    if (outcome === undefined) {
      outcomes.push('error');
      return;
    }
    outcomes.push(outcome.report.suites[0]?.verdict ?? 'inconclusive');
    this.#ranWith.set(file.item.id, this.#versionsOf(folder, mapping));
    if (file.isWhole) recordable.push(...outcome.report.suites.map((report) => ({ path, folder, report, model: outcome.model })));
  }

  /** Files with their tests, without what is excluded. A case is asked for with its test. */
  async #chosen({ include, exclude = [] }: vscode.TestRunRequest): Promise<Chosen[]> {
    if (include === undefined) await this.items.discover();
    const excluded = new Set(exclude.map(({ id }) => id));
    const wanted = new Map<vscode.TestItem, Set<string> | undefined>();
    for (const item of include ?? [...this.controller.items].map(([, each]) => each)) {
      let [test, file]: [vscode.TestItem | undefined, vscode.TestItem] = [undefined, item];
      while (file.parent !== undefined) [test, file] = [file, file.parent];
      if (test === undefined) wanted.set(file, undefined);
      else if (!wanted.has(file)) wanted.set(file, new Set([test.id]));
      else wanted.get(file)?.add(test.id);
    }
    const chosen: Chosen[] = [];
    for (const [item, tests] of wanted) {
      if (item.uri === undefined || excluded.has(item.id)) continue;
      await this.items.resolve(item);
      const all = [...item.children].map(([, each]) => each);
      const left = all.filter(({ id }) => (tests?.has(id) ?? true) && !excluded.has(id));
      // A file that cannot be read has no tests, and says so itself.
      if (left.length > 0 || all.length === 0) chosen.push({ item, uri: item.uri, tests: left.length > 0 ? left : [item], isWhole: left.length === all.length && all.length > 0 });
    }
    return chosen;
  }

  #modelsOf(folder: vscode.WorkspaceFolder): readonly ModelMapping[] {
    return this.#parts.files.of(folder)?.file.config?.models ?? [];
  }

  #versionsOf(folder: vscode.WorkspaceFolder, mapping: ModelMapping | undefined): string {
    const store = this.#parts.registries.of(folder.uri)?.connection.store;
    const registered = mapping?.registeredModel;
    if (registered === undefined || mapping === undefined || store === undefined) return '';
    return JSON.stringify([mapping.name, store.resolve(registered, mapping.candidate), store.resolve(registered, mapping.current)]);
  }

  /** Results are those of a version: when an alias moves, they are outdated. */
  #invalidate(): void {
    for (const [id, before] of this.#ranWith) {
      const item = this.controller.items.get(id);
      const folder = item?.uri === undefined ? undefined : vscode.workspace.getWorkspaceFolder(item.uri);
      if (item === undefined || folder === undefined) continue;
      const [name] = before === '' ? [] : JSON.parse(before) as [string];
      const now = this.#versionsOf(folder, this.#modelsOf(folder).find((model) => model.name === name));
      if (now === before || now === '') continue;
      this.#ranWith.set(id, now);
      // What was not known at the run is no change of it.
      if (before !== '' && !before.includes('null')) this.controller.invalidateTestResults(item);
    }
  }
}

/** A suite runs code of the workspace. */
export function requireTrustToRun(): void {
  if (!vscode.workspace.isTrusted) throw new AppError('forbidden', 'This workspace is not trusted, so no suite is run: trust it first (Workspaces: Manage Workspace Trust).', { reason: 'untrusted' });
}

type Chosen = Pick<FileRun, 'item' | 'uri' | 'tests' | 'isWhole'>;
