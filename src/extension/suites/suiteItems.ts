import * as vscode from 'vscode';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import { SUITE_ENDING } from '../../core/suites/schema.ts';
import type { Suite, SuiteTest } from '../../core/suites/load.ts';
import type { Example } from '../../core/suites/report.ts';
import type { Problem, SourceRange } from '../../core/workspace/source.ts';
import { suiteProblems } from '../../adapters/suites/suiteCheck.ts';
import { suitePaths } from '../../adapters/suites/suitesOnDisk.ts';
import type { Log } from '../platform/log.ts';

/** While somebody types, once in so many milliseconds. */
const QUIET_MS = 250;
const SEVERITIES = { error: vscode.DiagnosticSeverity.Error, warning: vscode.DiagnosticSeverity.Warning, information: vscode.DiagnosticSeverity.Information } as const;

export function rangeOf({ start, end }: SourceRange): vscode.Range {
  return new vscode.Range(start.line, start.column, end.line, end.column);
}

/** A suite's file in the Test Explorer. Ids are its URI, with `#test` the test's, with `#test/row/n` a case's that failed. */
export class SuiteItems implements Disposable {
  readonly #controller: vscode.TestController;
  readonly #log: Log;
  readonly #problems = vscode.languages.createDiagnosticCollection('modelswitch-suites');
  readonly #subscriptions = new DisposableStore();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #reading = new Map<string, AbortController>();
  #discovering: Promise<void> | undefined;

  constructor(controller: vscode.TestController, log: Log) {
    this.#controller = controller;
    this.#log = log;
    this.#subscriptions.add(this.#problems);
    const watcher = this.#subscriptions.add(vscode.workspace.createFileSystemWatcher(`**/*${SUITE_ENDING}`));
    this.#subscriptions.add(watcher.onDidCreate((uri) => void this.#refind(uri)));
    this.#subscriptions.add(watcher.onDidChange((uri) => this.#readSoon(uri, true)));
    this.#subscriptions.add(watcher.onDidDelete((uri) => this.#remove(uri)));
    this.#subscriptions.add(vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => { if (isSuite(document.uri) && contentChanges.length > 0) this.#readSoon(document.uri, false); }));
    this.#subscriptions.add(vscode.workspace.onDidOpenTextDocument(({ uri }) => { if (isSuite(uri)) void this.#opened(uri); }));
    for (const { uri } of vscode.workspace.textDocuments) if (isSuite(uri)) void this.#opened(uri);
  }

  dispose(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const abort of this.#reading.values()) abort.abort();
    this.#subscriptions.dispose();
  }

  /** The files of all folders; one look at a time. */
  discover(): Promise<void> {
    return this.#discovering ??= this.#discover().finally(() => { this.#discovering = undefined; });
  }

  /** The tests of a file. */
  async resolve(item: vscode.TestItem): Promise<void> {
    if (item.parent === undefined && item.uri !== undefined) await this.#read(item.uri, false);
  }

  /** The item of a file, made where it is new. */
  fileItem(uri: vscode.Uri): vscode.TestItem {
    const id = uri.toString();
    const known = this.#controller.items.get(id);
    if (known !== undefined) return known;
    const item = this.#controller.createTestItem(id, vscode.workspace.asRelativePath(uri), uri);
    item.canResolveChildren = true;
    this.#controller.items.add(item);
    return item;
  }

  /** The cases of a test that failed, in the place of those before. */
  showCases(test: vscode.TestItem, failures: readonly Example[]): vscode.TestItem[] {
    const seen = new Map<number, number>();
    const cases = failures.map((failure) => {
      const twin = seen.get(failure.index) ?? 0;
      seen.set(failure.index, twin + 1);
      const item = this.#controller.createTestItem(`${test.id}/row/${failure.index}${twin === 0 ? '' : `/${twin}`}`, plainLine(`row ${failure.index}${failure.change === undefined ? '' : `: ${failure.change}`}`, 120), test.uri);
      item.range = test.range;
      item.sortText = String(failure.index).padStart(8, '0');
      return item;
    });
    test.children.replace(cases);
    return cases;
  }

  async #discover(): Promise<void> {
    const found = new Map<string, vscode.Uri>();
    for (const folder of vscode.workspace.workspaceFolders ?? []) {
      if (folder.uri.scheme !== 'file') continue;
      const paths = await suitePaths(folder.uri.fsPath, []).catch((error: unknown) => {
        this.#log.error(`Looking for suites in ${folder.name}`, error);
        return [];
      });
      for (const path of paths) {
        const uri = vscode.Uri.joinPath(folder.uri, path);
        found.set(uri.toString(), uri);
      }
    }
    for (const [id] of this.#controller.items) if (!found.has(id) && !vscode.workspace.textDocuments.some(({ uri }) => uri.toString() === id)) this.#controller.items.delete(id);
    for (const uri of found.values()) this.fileItem(uri);
  }

  async #opened(uri: vscode.Uri): Promise<void> {
    this.fileItem(uri);
    await this.#read(uri, false);
  }

  /** A new file is there by the rules of discovery, such as those of `.gitignore`. */
  async #refind(uri: vscode.Uri): Promise<void> {
    await this.discover();
    if (this.#controller.items.get(uri.toString()) !== undefined) await this.#read(uri, false);
  }

  #remove(uri: vscode.Uri): void {
    this.#controller.items.delete(uri.toString());
    this.#problems.delete(uri);
  }

  #readSoon(uri: vscode.Uri, changedOnDisk: boolean): void {
    const id = uri.toString();
    clearTimeout(this.#timers.get(id));
    this.#timers.set(id, setTimeout(() => {
      this.#timers.delete(id);
      void this.#read(uri, changedOnDisk);
    }, QUIET_MS));
  }

  async #read(uri: vscode.Uri, isOutdated: boolean): Promise<void> {
    const id = uri.toString();
    this.#reading.get(id)?.abort();
    const abort = new AbortController();
    this.#reading.set(id, abort);
    try {
      const text = await textOf(uri);
      const { suite, problems } = await suiteProblems(uri.fsPath, text, abort.signal);
      if (abort.signal.aborted) return;
      this.#show(this.fileItem(uri), suite, problems);
      if (isOutdated) this.#controller.invalidateTestResults(this.fileItem(uri));
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'cancelled' || abort.signal.aborted) return;
      const item = this.#controller.items.get(id);
      if (item !== undefined) item.error = error.message;
    } finally {
      if (this.#reading.get(id) === abort) this.#reading.delete(id);
    }
  }

  #show(item: vscode.TestItem, suite: Suite | undefined, problems: readonly Problem[]): void {
    if (item.uri !== undefined) this.#problems.set(item.uri, problems.map(({ message, severity, range }) => {
      const diagnostic = new vscode.Diagnostic(rangeOf(range), message, SEVERITIES[severity]);
      diagnostic.source = 'Modelswitch';
      return diagnostic;
    }));
    item.busy = false;
    const wrong = problems.find(({ severity }) => severity === 'error');
    item.error = wrong === undefined ? undefined : `${wrong.range.start.line + 1}: ${plainLine(wrong.message, 300)}`;
    if (suite === undefined) return;
    item.range = new vscode.Range(0, 0, 0, 0);
    const tests = suite.tests.map((test, index) => this.#testItem(item, test, index));
    item.children.replace(tests);
  }

  #testItem(file: vscode.TestItem, test: SuiteTest, index: number): vscode.TestItem {
    const id = `${file.id}#${test.id}`;
    // What is known of it stays with it: its result, and the cases that failed.
    const item = file.children.get(id) ?? this.#controller.createTestItem(id, test.id, file.uri);
    item.description = test.kind;
    item.range = rangeOf(test.range);
    item.sortText = String(index).padStart(6, '0');
    item.tags = (test.content.tags ?? []).map((tag) => new vscode.TestTag(tag));
    for (const [, each] of item.children) each.range = item.range;
    return item;
  }
}

export function isSuite({ path, scheme }: vscode.Uri): boolean {
  return scheme === 'file' && path.endsWith(SUITE_ENDING);
}

async function textOf(uri: vscode.Uri): Promise<string> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  if (open !== undefined) return open.getText();
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch (error) {
    throw new AppError('notFound', `${vscode.workspace.asRelativePath(uri)} cannot be read.`, {}, error);
  }
}
