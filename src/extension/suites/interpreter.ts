import { isAbsolute, resolve } from 'node:path';
import * as vscode from 'vscode';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { DEFAULT_PYTHON, ownPython } from '../../adapters/suites/python.ts';
import type { Log } from '../platform/log.ts';
import type { Prompts } from '../platform/prompts.ts';
import { settings } from '../platform/settings.ts';

export interface Interpreter {
  readonly path: string;
  /** Where it is from, for people. */
  readonly from: string;
}

/** As much of the Python extension's API as is used here: https://github.com/microsoft/vscode-python/tree/main/pythonExtensionApi */
interface PythonApi {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(environment: { readonly path: string }): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
  };
}

const PYTHON_EXTENSION = 'ms-python.python';
const SHOWN_KEY = 'modelswitch.shownInterpreters';

async function chosenInPythonExtension(folder: vscode.Uri, log: Log): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi>(PYTHON_EXTENSION);
  if (extension === undefined) return undefined;
  try {
    const { environments } = await extension.activate();
    const active = environments?.getActiveEnvironmentPath(folder);
    return active === undefined ? undefined : (await environments?.resolveEnvironment(active))?.executable.uri?.fsPath;
  } catch (error) {
    // Another extension's fault is no reason not to run.
    log.error('Asking the Python extension for its interpreter', error);
    return undefined;
  }
}

/** The Python that runs a folder's suites: the setting, what is chosen in the Python extension, `.venv` of the folder, `python3`. */
export async function interpreterOf({ uri }: vscode.WorkspaceFolder, log: Log): Promise<Interpreter> {
  const set = settings.python(uri);
  if (set !== '') return { path: isAbsolute(set) || !/[\\/]/.test(set) ? set : resolve(uri.fsPath, set), from: 'the setting modelswitch.python.interpreter' };
  const chosen = await chosenInPythonExtension(uri, log);
  if (chosen !== undefined) return { path: chosen, from: 'the Python extension' };
  const own = ownPython(uri.fsPath);
  return own === undefined ? { path: DEFAULT_PYTHON, from: 'the PATH' } : { path: own, from: 'the folder\'s .venv' };
}

/** The same, shown before a workspace first runs with it. @throws AppError cancelled when the person does not want it */
export async function shownInterpreter(folder: vscode.WorkspaceFolder, { log, prompts, memory }: { readonly log: Log; readonly prompts: Prompts; readonly memory: vscode.Memento }): Promise<string> {
  const { path, from } = await interpreterOf(folder, log);
  const shown = memory.get<string[]>(SHOWN_KEY) ?? [];
  const key = JSON.stringify([folder.uri.toString(), path]);
  if (shown.includes(key)) return path;
  const confirmed = await prompts.confirm({
    message: `Run the suites of ${plainLine(folder.name, 60)} with this Python?`,
    detail: `${plainLine(path, 300)}\nfrom ${from}.\nIt runs code of this folder. This is asked once for each interpreter; set modelswitch.python.interpreter to choose another.`,
    verb: 'Run',
    instead: { verb: 'Choose Another...', run: () => void vscode.commands.executeCommand('workbench.action.openSettings', 'modelswitch.python.interpreter') },
  });
  if (!confirmed) throw new AppError('cancelled', 'Cancelled.');
  await memory.update(SHOWN_KEY, [...shown, key].slice(-50));
  return path;
}
