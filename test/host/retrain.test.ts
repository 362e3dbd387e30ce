import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services.ts';
import { reproTask, RetrainOffers, stageWords } from '../../src/extension/pipelines/retrain.ts';
import { eventually, services, useConfiguration } from './services.ts';

describe('Retrain', () => {
  const folder = (): vscode.WorkspaceFolder => vscode.workspace.workspaceFolders![0]!;
  const file = (path: string): vscode.Uri => vscode.Uri.joinPath(folder().uri, path);
  const write = (path: string, text: string): Thenable<void> => vscode.workspace.fs.writeFile(file(path), new TextEncoder().encode(text));
  const read = async (path: string): Promise<string> => new TextDecoder().decode(await vscode.workspace.fs.readFile(file(path)));
  let all: Services;
  let configuration: string;

  before(async () => {
    all = await services();
    configuration = await read('modelswitch.yaml');
    const train = { label: 'Train fraud', type: 'process', command: 'sh', args: ['-c', 'echo trained > trained.txt'] };
    await write('.vscode/tasks.json', JSON.stringify({ version: '2.0.0', tasks: [train, { ...train, label: 'Fail', args: ['-c', 'exit 3'] }] }));
  });
  after(() => useConfiguration(all, configuration));

  /** Runs the command for the model of the fixture, with a task that modelswitch.yaml names. */
  const retrain = async (task: string): Promise<unknown> => {
    await useConfiguration(all, configuration.replace(/^( +)flag: .*$/m, (line, indent: string) => `${line}\n${indent}retrain: {task: ${task}}`));
    const model = /^models:\n +(\S+):/m.exec(configuration)![1]!;
    return vscode.commands.executeCommand('modelswitch.retrain', { folder: folder().uri.toString(), model });
  };
  const tasksAreKnown = (): Promise<void> => eventually(async () => (await vscode.tasks.fetchTasks()).some(({ name }) => name === 'Train fraud'), 'tasks.json was read');

  it('starts the task that modelswitch.yaml names, and no other', async function start() {
    this.timeout(60_000);
    await tasksAreKnown();
    const started: string[] = [];
    const subscription = vscode.tasks.onDidStartTask(({ execution }) => started.push(execution.task.name));
    assert.equal(await retrain('Nowhere'), undefined);
    void retrain('Train fraud');
    await eventually(() => started.length > 0, 'a task started', 30_000);
    subscription.dispose();
    assert.deepEqual(started, ['Train fraud']);
    for (const execution of vscode.tasks.taskExecutions) execution.terminate();
  });

  it('tells how the task ended', async function run() {
    if (vscode.version.startsWith('1.103.')) return this.skip();
    this.timeout(60_000);
    assert.equal(await retrain('Train fraud'), 0);
    assert.equal(await read('trained.txt'), 'trained\n');
    assert.equal(await retrain('Fail'), 3);
  });

  it('is offered once where drift calls for it, and only where there is something to run', async () => {
    const offered: string[] = [];
    const model = /^models:\n +(\S+):/m.exec(configuration)![1]!;
    const offers = new RetrainOffers({ files: all.files }, (message, action) => { offered.push(`${message} ${action}`); return Promise.resolve(false); });
    const offer = { folder: folder().uri.toString(), model, because: 'amount drifted in $(bug) production' };
    const withRetrain = (retrain: string): Promise<void> => useConfiguration(all, configuration.replace(/^( +)flag: .*$/m, (line, indent: string) => `${line}\n${indent}retrain: {${retrain}}`));
    await withRetrain('folder: nowhere');
    assert.equal(await offers.offer(offer), undefined);
    assert.deepEqual(offered, [], 'no pipeline, no task');
    await withRetrain('task: Train fraud');
    assert.equal(await offers.offer(offer), undefined, 'nobody wanted it');
    await offers.offer(offer);
    await offers.offer({ ...offer, model: 'no such model' });
    assert.deepEqual(offered, [`${model}: amount drifted in $ (bug) production. Retrain...`]);
    await offers.offer({ ...offer, because: 'age drifted in production' });
    assert.equal(offered.length, 2);
  });

  it('runs dvc without a shell, and takes no stage for an option', () => {
    const model = { name: 'fraud', switches: [], current: 'champion', candidate: 'challenger', retrain: { folder: 'ml' }, range: undefined! };
    const { execution } = reproTask({ folder: folder(), model }, '--help; touch x');
    assert.ok(execution instanceof vscode.ProcessExecution);
    assert.deepEqual([execution.process, execution.args, execution.options?.cwd], ['dvc', ['repro', '--', '--help; touch x'], file('ml').fsPath]);
    assert.deepEqual((reproTask({ folder: folder(), model }, '').execution as vscode.ProcessExecution).args, ['repro']);
  });

  it('says in a few words what has changed', () => {
    const base = { name: 'a', upstream: [], frozen: false, line: 0 };
    const change = (path: string): { what: 'dependency'; path: string; location: string; state: 'modified' } => ({ what: 'dependency', path, location: path, state: 'modified' });
    assert.equal(stageWords({ ...base, state: 'changed', changes: ['a', 'b', 'c', 'd'].map(change) }), 'changed: a, b, c, 1 more');
    assert.equal(stageWords({ ...base, state: 'up to date', changes: [], upstream: ['prepare'] }), 'after prepare');
    assert.equal(stageWords({ ...base, state: 'up to date', changes: [] }), 'up to date');
  });
});
