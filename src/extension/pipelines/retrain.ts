import * as vscode from 'vscode';
import { Hasher } from '../../adapters/dvc/hasher.ts';
import { PipelineFolder } from '../../adapters/dvc/pipelineFolder.ts';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { StageStatus } from '../../core/models/pipelineState.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { WorkspaceFiles } from '../connection/workspaceFiles.ts';

export interface RetrainParts {
  readonly files: WorkspaceFiles;
}

/** What the command takes: a model of a workspace folder. Without one it asks. */
export interface RetrainTargetRef {
  /** URI of the workspace folder. */
  readonly folder: string;
  readonly model: string;
  /** A stage of its pipeline, in the place of what `modelswitch.yaml` says. */
  readonly stage?: string;
}

/** What calls for it, by whoever found that out, such as a drift of what the model is asked about. */
export interface RetrainOffer extends RetrainTargetRef {
  /** A sentence without what changes from look to look, such as `amount and age drifted in production`: it is said once. */
  readonly because: string;
}

interface Target {
  readonly folder: vscode.WorkspaceFolder;
  readonly model: ModelMapping;
}

const hasher = new Hasher();

/**
 * "Retrain...": runs `dvc repro`, or the task that `modelswitch.yaml` names, in a terminal. Gives the exit code, undefined when nothing was run.
 * @param argument a `RetrainTargetRef`; without one it asks
 * @throws AppError forbidden, notFound, validation
 */
export async function retrain(parts: RetrainParts, argument: unknown): Promise<number | undefined> {
  if (!vscode.workspace.isTrusted) throw new AppError('forbidden', 'This workspace is not trusted: nothing of it is run. Trust it first (Workspaces: Manage Workspace Trust).', { reason: 'untrusted' });
  await parts.files.ready;
  const target = await chooseTarget(targets(parts.files), argument);
  if (target === undefined) return undefined;
  const { task, stage } = target.model.retrain ?? {};
  const asked = isRef(argument) ? argument.stage : undefined;
  if (asked !== undefined) return runTask(reproTask(target, asked), target.model.name);
  if (task !== undefined) return runTask(await namedTask(task), target.model.name);
  const chosen = stage ?? await chooseStage(target);
  return chosen === undefined ? undefined : runTask(reproTask(target, chosen), target.model.name);
}

/** Says what calls for retraining a model, once in a window, and does it when somebody wants it. */
export class RetrainOffers {
  readonly #parts: RetrainParts;
  readonly #ask: (message: string, action: string) => Promise<boolean>;
  readonly #told = new Set<string>();

  /** @param ask whether the person chose the action */
  constructor(parts: RetrainParts, ask: (message: string, action: string) => Promise<boolean> = async (message, action) => (await vscode.window.showWarningMessage(message, action)) === action) {
    this.#parts = parts;
    this.#ask = ask;
  }

  /** The exit code; undefined when nothing was run: nobody wanted it, it was offered before, or the model has neither a pipeline nor a task. */
  async offer(offer: RetrainOffer): Promise<number | undefined> {
    const key = JSON.stringify([offer.folder, offer.model, offer.because]);
    await this.#parts.files.ready;
    const target = await chooseTarget(targets(this.#parts.files), offer);
    if (!vscode.workspace.isTrusted || this.#told.has(key) || target === undefined || !(await mayRetrain(target))) return undefined;
    this.#told.add(key);
    const wanted = await this.#ask(plainLine(`${plainLine(offer.model, 60)}: ${offer.because}.`, 400), 'Retrain...');
    return wanted ? retrain(this.#parts, offer) : undefined;
  }
}

export function isRetrainOffer(argument: unknown): argument is RetrainOffer {
  return isRef(argument) && 'because' in argument && typeof argument.because === 'string';
}

async function mayRetrain({ folder, model }: Target): Promise<boolean> {
  if (model.retrain?.task !== undefined) return true;
  const pipeline = vscode.Uri.joinPath(folder.uri, model.retrain?.folder ?? '', 'dvc.yaml');
  return vscode.workspace.fs.stat(pipeline).then(() => true, () => false);
}

function targets(files: WorkspaceFiles): Target[] {
  return (vscode.workspace.workspaceFolders ?? []).flatMap((folder) => (files.of(folder)?.file.config?.models ?? []).map((model) => ({ folder, model })));
}

async function chooseTarget(all: readonly Target[], argument: unknown): Promise<Target | undefined> {
  if (isRef(argument)) return all.find(({ folder, model }) => folder.uri.toString() === argument.folder && model.name === argument.model);
  if (all.length === 0) throw new AppError('validation', 'No model to retrain: map one in modelswitch.yaml (Modelswitch: Create or Open modelswitch.yaml).');
  if (all.length === 1) return all[0];
  const items = all.map((target) => ({ label: plainLine(target.model.name), description: target.folder.name, target }));
  return (await vscode.window.showQuickPick(items, { title: 'Retrain', placeHolder: 'Which model?' }))?.target;
}

function isRef(argument: unknown): argument is RetrainTargetRef {
  return typeof argument === 'object' && argument !== null && 'folder' in argument && typeof argument.folder === 'string' && 'model' in argument && typeof argument.model === 'string' && (!('stage' in argument) || typeof argument.stage === 'string');
}

/** A stage, or an empty text for the whole pipeline. @throws AppError notFound without a pipeline, validation when it is broken */
async function chooseStage({ folder, model }: Target): Promise<string | undefined> {
  const reading = vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: 'Looking what has changed in the pipeline...', cancellable: true }, (_, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    return new PipelineFolder(pipelineFolder(folder, model), hasher).read(abort.signal);
  });
  const { stages, problems } = await reading;
  const broken = problems.find(({ problem }) => problem.severity === 'error');
  if (broken !== undefined) throw new AppError('validation', broken.problem.message);
  const items = stages.map((status) => ({ label: plainLine(status.name), description: stageWords(status), stage: status.name }));
  const all = { label: 'Whole Pipeline', description: 'every stage that has changed', stage: '' };
  return (await vscode.window.showQuickPick([all, ...items], { title: `Retrain ${plainLine(model.name)}`, placeHolder: 'Which stage? Those before it run too, where they have changed.' }))?.stage;
}

/** `changed: data/raw.csv, train.lr`. */
export function stageWords({ state, changes, upstream, reason }: StageStatus): string {
  if (state === 'not evaluated') return plainLine(reason ?? state);
  const what = changes.map(({ what: kind, path, name }) => (kind === 'command' ? 'its command' : name ?? path));
  if (what.length > 0) return plainLine(`${state}: ${what.slice(0, 3).join(', ')}${what.length > 3 ? `, ${what.length - 3} more` : ''}`);
  return upstream.length > 0 ? plainLine(`after ${upstream.join(', ')}`) : state;
}

function pipelineFolder(folder: vscode.WorkspaceFolder, model: ModelMapping): string {
  return vscode.Uri.joinPath(folder.uri, model.retrain?.folder ?? '').fsPath;
}

/** `dvc repro [stage]`: no shell, and no stage's name can be taken for an option. */
export function reproTask({ folder, model }: Target, stage: string): vscode.Task {
  const args = ['repro', ...stage === '' ? [] : ['--', stage]];
  const execution = new vscode.ProcessExecution('dvc', args, { cwd: pipelineFolder(folder, model) });
  const task = new vscode.Task({ type: 'process' }, folder, `Retrain ${plainLine(model.name)}`, 'Modelswitch', execution);
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, clear: true };
  return task;
}

/** @throws AppError notFound naming the tasks that there are */
async function namedTask(name: string): Promise<vscode.Task> {
  const all = await vscode.tasks.fetchTasks();
  const found = all.find((task) => task.name === name) ?? all.find((task) => `${task.source}: ${task.name}` === name);
  if (found !== undefined) return found;
  const known = all.filter(({ source }) => source === 'Workspace').map((task) => plainLine(task.name)).slice(0, 5);
  throw new AppError('notFound', `There is no task "${plainLine(name)}", which modelswitch.yaml names for retraining${known.length > 0 ? `; there are ${known.join(', ')}` : ''}: correct the name or add it to tasks.json.`);
}

/** Runs a task to its end. */
function runTask(task: vscode.Task, model: string): Thenable<number | undefined> {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: `Retraining ${plainLine(model)}` }, async () => {
    const subscriptions: vscode.Disposable[] = [];
    const ended = new Promise<number | undefined>((resolve) => {
      // A short task may be over before its start is known here, and older versions of VS Code tell it as another object.
      const isOurs = ({ task: each }: vscode.TaskExecution): boolean => each.name === task.name && each.source === task.source;
      subscriptions.push(
        vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => { if (isOurs(execution)) resolve(exitCode); }),
        // A task that could not be started has no process.
        vscode.tasks.onDidEndTask(({ execution }) => { if (isOurs(execution)) setTimeout(resolve, 500, undefined); }),
      );
      void vscode.tasks.executeTask(task).then(undefined, () => resolve(undefined));
    });
    const code = await ended;
    for (const subscription of subscriptions) subscription.dispose();
    if (code === 0) void vscode.window.showInformationMessage(`${plainLine(model)} was retrained.`);
    else void vscode.window.showErrorMessage(code === undefined ? `Retraining ${plainLine(model)} did not start or was ended: is dvc on the PATH?` : `Retraining ${plainLine(model)} failed with exit code ${code}: the terminal says why.`);
    return code;
  });
}
