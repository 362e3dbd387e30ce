import { relative } from 'node:path';
import * as vscode from 'vscode';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';

/** Saves, checkouts and generators touch many files at once. */
const SETTLE_MS = 300;
const SOURCE = /\.(?:py|ipynb|[cm]?[jt]s|[jt]sx)$/;
/** They say which files count, and what imports mean. */
const PROJECT_FILE = /(?:^|\/)(?:\.gitignore|tsconfig[^/]*\.json|jsconfig\.json|package\.json|pyproject\.toml|setup\.(?:py|cfg)|manage\.py|requirements\.txt|Pipfile)$/;
/** What is written there never counts. */
const ELSEWHERE = /(?:^|\/)(?:\.git|node_modules|__pycache__)\//;

/** Paths are relative to the folder. Of a folder that comes or goes with all that is in it the system may tell nothing but its own path. */
export function watchSources(folder: vscode.WorkspaceFolder, onChange: (changed: readonly string[], removed: readonly string[]) => void): Disposable {
  const parts = new DisposableStore();
  const changed = new Set<string>();
  const removed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const note = (into: Set<string>, other: Set<string>, path: string): void => {
    into.add(path);
    other.delete(path);
    clearTimeout(timer);
    timer = setTimeout(() => {
      onChange([...changed], [...removed]);
      changed.clear();
      removed.clear();
    }, SETTLE_MS);
  };
  const isMeant = (path: string): boolean => !ELSEWHERE.test(path) && (SOURCE.test(path) || PROJECT_FILE.test(path));
  const mayBeFolder = (path: string): boolean => !ELSEWHERE.test(`${path}/`) && !/\.\w{1,5}$/.test(path);
  const watcher = parts.add(vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, '**')));
  parts.add(watcher.onDidChange((uri) => {
    const path = pathIn(folder, uri);
    if (isMeant(path)) note(changed, removed, path);
  }));
  parts.add(watcher.onDidCreate((uri) => {
    const path = pathIn(folder, uri);
    if (isMeant(path) || mayBeFolder(path)) note(changed, removed, path);
  }));
  parts.add(watcher.onDidDelete((uri) => {
    const path = pathIn(folder, uri);
    // A project file that went changes what others mean.
    if (PROJECT_FILE.test(path)) note(changed, removed, path);
    else if (isMeant(path) || mayBeFolder(path)) note(removed, changed, path);
  }));
  parts.add({ dispose: () => clearTimeout(timer) });
  return parts;
}

export function pathIn(folder: vscode.WorkspaceFolder, uri: vscode.Uri): string {
  return relative(folder.uri.fsPath, uri.fsPath).replaceAll('\\', '/');
}
