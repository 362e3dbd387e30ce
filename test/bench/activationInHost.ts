import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { hostLog } from '../support/hostLog.ts';

/** What the bench passes by the environment variable `MODELSWITCH_ACTIVATION`, as JSON. */
export interface ActivationTask {
  readonly output: string;
  /** Written into the folder before the activation, which must not happen by itself. */
  readonly configuration: string;
  readonly id: string;
  /** Absolute path of the extension's bundle. */
  readonly main: string;
}

/** Times in milliseconds. */
export interface ActivationTimes {
  /** Loading the bundle. */
  readonly load: number;
  /** The call of `activate`, until it returned. */
  readonly activate: number;
  /** From the demand for the extension until VS Code called it active; without `load`. */
  readonly active: number;
  /** Requests that `activate` began before it returned. */
  readonly requestsInside: number;
  /** Requests begun in the two seconds after: without any, a silent server proves nothing. */
  readonly requestsAfter: number;
}

interface ExtensionModule {
  readonly activate: (...args: unknown[]) => unknown;
}

/** Loads the extension's module before VS Code does and puts a stopwatch around its `activate`. */
async function measure({ id, main }: ActivationTask): Promise<ActivationTimes> {
  const extension = vscode.extensions.getExtension(id);
  if (extension === undefined) throw new Error(`There is no extension ${id} in this host.`);
  if (extension.isActive) throw new Error(`${id} is active before it was asked for: its activation can't be measured.`);
  const load = createRequire(import.meta.url);
  const loading = performance.now();
  const module = load(main) as ExtensionModule;
  const loaded = performance.now();
  let requests = 0;
  let requestsInside = 0;
  let activate = Number.NaN;
  const realFetch = globalThis.fetch;
  globalThis.fetch = (...request) => {
    requests += 1;
    return realFetch(...request);
  };
  const timed = (...args: unknown[]): unknown => {
    const before = performance.now();
    try {
      return module.activate(...args);
    } finally {
      activate = performance.now() - before;
      requestsInside = requests;
    }
  };
  const cached = load.cache[main];
  if (cached === undefined) throw new Error(`${main} is not in the module cache under its own name.`);
  cached.exports = { ...module, activate: timed };
  const before = performance.now();
  await extension.activate();
  const active = performance.now() - before;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return { load: loaded - loading, activate, active, requestsInside, requestsAfter: requests - requestsInside };
}

/** Called by VS Code inside its extension host. */
export async function run(): Promise<void> {
  hostLog('The extension host is up.');
  const task = JSON.parse(process.env['MODELSWITCH_ACTIVATION'] ?? '{}') as ActivationTask;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (folder === undefined) throw new Error('No folder is open.');
  writeFileSync(join(folder, 'modelswitch.yaml'), task.configuration);
  writeFileSync(task.output, JSON.stringify(await measure(task)));
}
