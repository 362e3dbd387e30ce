import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as vscode from 'vscode';
import { suiteEvidence } from '../../src/core/models/evidence.ts';
import type { Confirmation } from '../../src/extension/platform/prompts.ts';
import type { Services } from '../../src/extension/services.ts';
import { admin, answering, eventually, lenses, openFile, services, useConfiguration } from './services.ts';

// Archived at the end: a name is taken for ever.
const flag = `host-suites-${Date.now().toString(36)}`;
const strategies = `/features/${flag}/environments/production/strategies`;

const MODELS = `import time

def candidate(row):
    return {"score": 0.9 if row["name"] == "Ahmed" else row["income"] / 100, "version": "14"}

def current(row):
    return {"score": row["income"] / 100, "version": "13"}

def slow(row):
    time.sleep(300)
`;
const PEOPLE = `subject:
  candidate: {python: "hostmodels:candidate", version_from: $.version}
  current: {python: "hostmodels:current", version_from: $.version}
output: {score: $.score, range: [0, 1]}
data: {rows: [{name: Tom, income: 20}, {name: Eva, income: 40}]}
tests:
  - {id: name-blind, kind: invariance, change: {name: [Anna, Ahmed]}, tolerance: 0.01, why: names carry no risk, tags: [fairness]}
  - {id: income-up, kind: directional, change: {income: {add: 10}}, expect: increase}
  - {id: late, kind: expectation, expect: {between: [0.5, 1]}, severity: warn}
`;

type Shown = [state: string, item: string, message?: string];

/** One test run, as the extension told it to VS Code. */
interface Seen {
  readonly states: Shown[];
  readonly messages: vscode.TestMessage[];
  output: string;
  ended: number;
}

describe('suites in the Test Explorer', function () {
  this.timeout(180_000);
  let all: Services;
  let configuration: string;
  let asked: Confirmation[] = [];
  const seen: Seen[] = [];
  const invalidated: string[] = [];

  const folder = (): vscode.WorkspaceFolder => vscode.workspace.workspaceFolders![0]!;
  const file = (path: string): vscode.Uri => vscode.Uri.joinPath(folder().uri, path);
  const write = (path: string, text: string): Thenable<void> => vscode.workspace.fs.writeFile(file(path), new TextEncoder().encode(text));
  const read = async (path: string): Promise<string> => new TextDecoder().decode(await vscode.workspace.fs.readFile(file(path)));
  const item = (path: string): vscode.TestItem => {
    const found = all.suites.controller.items.get(file(path).toString());
    assert.ok(found, `${path} is not in the Test Explorer`);
    return found;
  };
  const children = (parent: vscode.TestItem): vscode.TestItem[] => [...parent.children].map(([, each]) => each);
  const test = (path: string, id: string): vscode.TestItem => children(item(path)).find(({ label }) => label === id) ?? assert.fail(id);
  const never = new vscode.CancellationTokenSource().token;
  const configure = (key: string, value: unknown): Thenable<void> => vscode.workspace.getConfiguration('modelswitch').update(key, value, vscode.ConfigurationTarget.Workspace);

  async function run(include: vscode.TestItem[] | undefined, target: 'candidate' | 'current' | 'both' = 'candidate', token = never, exclude: vscode.TestItem[] = []): Promise<Seen> {
    await (await all.suites.load()).run(new vscode.TestRunRequest(include, exclude), target, token);
    return seen.at(-1)!;
  }
  const evidence = async (version: string): Promise<string[]> => {
    const registry = (await all.registries.folders[0]!.connection.open()).registry;
    return suiteEvidence((await registry.readVersion('host-suited', version)).tags).map(({ suite, outcome, verified, blocking }) => `${suite} ${outcome} ${verified} ${blocking?.join(' ') ?? ''}`.trim());
  };
  const register = (challenger: string): Thenable<void> => write('models/registry.yaml', `version: 1\nmodels:\n  host-suited:\n    aliases: {champion: "13", challenger: "${challenger}"}\n    versions:\n      - {version: "13"}\n      - {version: "14", signature: {inputs: [{name: name, type: string}, {name: income, type: double}], outputs: [{name: score, type: double}]}}\n      - {version: "15"}\n`);

  before(async () => {
    all = await services();
    const { controller } = all.suites;
    const create = controller.createTestRun.bind(controller);
    controller.createTestRun = (...args) => {
      const real = create(...args);
      const record: Seen = { states: [], messages: [], output: '', ended: 0 };
      seen.push(record);
      const told = (state: string) => (each: vscode.TestItem, message?: vscode.TestMessage | readonly vscode.TestMessage[]): void => {
        const messages = (message === undefined || typeof message === 'number' ? [] : [message].flat()) as readonly vscode.TestMessage[];
        const [first] = messages;
        record.states.push(first === undefined ? [state, each.label] : [state, each.label, typeof first.message === 'string' ? first.message : first.message.value]);
        record.messages.push(...messages);
        (real as unknown as Record<string, (...given: unknown[]) => void>)[state]!(each, ...(messages.length === 0 ? [] : [messages]));
      };
      return Object.assign(Object.create(real) as vscode.TestRun, {
        token: real.token, enqueued: told('enqueued'), started: told('started'), passed: told('passed'), failed: told('failed'), errored: told('errored'), skipped: told('skipped'),
        appendOutput: (text: string, ...more: []) => { record.output += text; real.appendOutput(text, ...more); },
        end: () => { record.ended += 1; real.end(); },
      });
    };
    const invalidate = controller.invalidateTestResults.bind(controller);
    controller.invalidateTestResults = (items) => {
      invalidated.push(...[items ?? []].flat().map(({ label }) => label));
      invalidate(items);
    };
    configuration = await read('modelswitch.yaml');
    await admin('POST', '/features', { name: flag, type: 'release' });
    if ((await admin('GET', strategies) as unknown[]).length === 0) await admin('POST', strategies, { name: 'flexibleRollout', title: 'canary', parameters: { rollout: '5', stickiness: 'userId', groupId: flag }, constraints: [], segments: [], variants: [] });
    await admin('POST', `/features/${flag}/environments/production/on`);
    await register('14');
    await write('hostmodels.py', MODELS);
    await write('switched.py', `from UnleashClient import UnleashClient\n\nunleash = UnleashClient(url="http://x", app_name="x")\n\nif unleash.is_enabled("${flag}"):\n    pass\n`);
    await write('suites/people.mltest.yaml', PEOPLE);
    await useConfiguration(all, `${configuration.trimEnd().replace(/^models:\n/m, `registry: {file: models/registry.yaml}\nmodels:\n  suited: {flag: ${flag}, registered_model: host-suited, suites: [suites/*.mltest.yaml]}\n`)}\n`);
    await configure('suites.record', 'never');
    asked = answering(all, 'confirm');
  });
  after(async () => {
    for (const key of ['suites.record', 'readOnly']) await configure(key, undefined);
    await useConfiguration(all, configuration);
    for (const path of ['models', 'suites', 'hostmodels.py', 'switched.py']) await vscode.workspace.fs.delete(file(path), { recursive: true });
    await admin('DELETE', `/features/${flag}`);
  });

  it('finds files, and their tests when somebody looks, at their lines', async () => {
    const feature = await all.suites.load();
    await feature.resolve(undefined);
    assert.deepEqual([item('suites/people.mltest.yaml').id, item('suites/people.mltest.yaml').label], [file('suites/people.mltest.yaml').toString(), 'suites/people.mltest.yaml']);
    await feature.resolve(item('suites/people.mltest.yaml'));
    assert.deepEqual(children(item('suites/people.mltest.yaml')).map(({ id, label, description, range, tags }) => [id, label, description, range?.start.line, tags.map((tag) => tag.id)]), [
      [`${file('suites/people.mltest.yaml').toString()}#name-blind`, 'name-blind', 'invariance', 6, ['fairness']],
      [`${file('suites/people.mltest.yaml').toString()}#income-up`, 'income-up', 'directional', 7, []],
      [`${file('suites/people.mltest.yaml').toString()}#late`, 'late', 'expectation', 8, []],
    ]);
    await write('suites/second.mltest.yaml', PEOPLE);
    await eventually(() => all.suites.controller.items.get(file('suites/second.mltest.yaml').toString()) !== undefined, 'a new file is found');
    await vscode.workspace.fs.delete(file('suites/second.mltest.yaml'));
    await eventually(() => all.suites.controller.items.get(file('suites/second.mltest.yaml').toString()) === undefined, 'a deleted file goes');
  });

  it('shows the interpreter before the first run only, and tells what passed and failed with input, change, expected and actual', async () => {
    const { states, messages, output, ended } = await run([item('suites/people.mltest.yaml')]);
    assert.deepEqual(asked.map(({ message, verb, detail }) => [message.replace(/of .* with/, 'of * with'), verb, detail.split('\n')[1]]), [['Run the suites of * with this Python?', 'Run', 'from the PATH.']]);
    const told = states.filter(([state]) => state !== 'enqueued' && state !== 'started');
    assert.deepEqual(told.map(([state, label]) => [state, label]), [
      ['failed', 'row 0: name "Tom" -> "Ahmed"'], ['failed', 'row 1: name "Eva" -> "Ahmed"'], ['failed', 'name-blind'], ['passed', 'income-up'], ['skipped', 'late'],
    ]);
    assert.equal(told[0]![2], 'name-blind, row 0 (2 of 2 failed)\nchange: name "Tom" -> "Ahmed"\ninput: {"name":"Ahmed","income":20}\nexpected: 0.2 (tolerance abs 0.01)\nactual: 0.9\nwhy: names carry no risk');
    assert.deepEqual([messages[0]!.expectedOutput, messages[0]!.actualOutput, messages[0]!.location?.uri.path, messages[0]!.location?.range.start.line], ['0.2 (tolerance abs 0.01)', '0.9', file('suites/people.mltest.yaml').path, 6]);
    assert.deepEqual(children(test('suites/people.mltest.yaml', 'name-blind')).map(({ id }) => id.split('#')[1]), ['name-blind/row/0', 'name-blind/row/1']);
    assert.match(output, /candidate hostmodels:candidate answers after \d+ ms\r\n/);
    assert.match(output, /candidate hostmodels:candidate, version 14 by the answers/);
    assert.match(output, /failed {7}late \(warning\): 2 of 2 failed/);
    assert.equal(/[^\r]\n/.test(output), false, 'every line ends as a terminal wants it');
    assert.equal(ended, 1);
    assert.deepEqual(await evidence('14'), []);
    await run([item('suites/people.mltest.yaml')], 'current');
    assert.equal(asked.length, 1, 'the interpreter was shown once');
    assert.deepEqual(children(test('suites/people.mltest.yaml', 'name-blind')), [], 'the current version fails no case');
  });

  it('compares both, and honours what is included and excluded', async () => {
    const path = 'suites/people.mltest.yaml';
    const both = await run([item(path)], 'both');
    assert.match(both.output, /candidate against current: 2 worse, 0 better/);
    assert.deepEqual(both.states.filter(([state]) => state === 'failed').map(([, label]) => label).at(-1), 'name-blind');
    const one = await run([test(path, 'income-up')]);
    assert.deepEqual(one.states, [['enqueued', 'income-up'], ['started', 'income-up'], ['passed', 'income-up']]);
    const rest = await run(undefined, 'candidate', never, [test(path, 'name-blind')]);
    assert.deepEqual([...new Set(rest.states.filter(([, label]) => ['name-blind', 'income-up', 'late'].includes(label)).map(([, label]) => label))], ['income-up', 'late']);
    const failing = children(test(path, 'name-blind'))[0]!;
    assert.ok((await run([failing])).states.some(([state, label]) => state === 'failed' && label === 'name-blind'), 'a case is run with its test');
    assert.deepEqual((await run([item(path)], 'candidate', never, [item(path)])).states, []);
  });

  it('stops at once when it is cancelled, and leaves no process', async () => {
    await write('suites/slow.mltest.yaml', PEOPLE.replace('hostmodels:candidate', 'hostmodels:slow').replace('version_from: $.version}', 'timeout_ms: 200000}'));
    await eventually(() => all.suites.controller.items.get(file('suites/slow.mltest.yaml').toString()) !== undefined, 'the slow suite is found');
    const source = new vscode.CancellationTokenSource();
    const running = run([item('suites/slow.mltest.yaml')], 'candidate', source.token);
    const processes = (): string[] => spawnSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' }).stdout.split('\n').filter((line) => line.includes('hostmodels:slow') && !/^\s*\d+\s+Z/.test(line));
    await eventually(() => processes().length > 0, 'the model is asked', 30_000);
    source.cancel();
    const { states, ended } = await running;
    assert.deepEqual([processes(), ended, states.some(([state]) => ['passed', 'failed', 'errored'].includes(state))], [[], 1, false]);
    await vscode.workspace.fs.delete(file('suites/slow.mltest.yaml'));
  });

  it('says at its tests why a file cannot be run', async () => {
    await write('suites/broken.mltest.yaml', PEOPLE.replaceAll('hostmodels:', 'nomodule:'));
    await eventually(() => all.suites.controller.items.get(file('suites/broken.mltest.yaml').toString()) !== undefined, 'the broken suite is found');
    const { states, ended } = await run([item('suites/broken.mltest.yaml')]);
    assert.deepEqual([states.filter(([state]) => state === 'errored').map(([, label]) => label), ended], [['name-blind', 'income-up', 'late'], 1]);
    assert.match(states.find(([state]) => state === 'errored')?.[2] ?? '', /nomodule:candidate cannot be started: .*No module named 'nomodule'/s);
    await vscode.workspace.fs.delete(file('suites/broken.mltest.yaml'));
  });

  it('shows problems at their places while a suite is edited', async () => {
    await write('suites/wrong.mltest.yaml', PEOPLE.replace('change: {income:', 'change: {incme:').replace('between: [0.5, 1]', 'between: [2, 1]').replace(/data: .*/, 'data: {file: nothing.jsonl}'));
    const document = await openFile('suites/wrong.mltest.yaml');
    const problems = (): string[] => vscode.languages.getDiagnostics(document.uri).filter(({ source }) => source === 'Modelswitch').map(({ message, range }) => `${range.start.line + 1}:${document.getText(range)} ${message}`);
    await eventually(() => problems().length === 1, 'the impossible range');
    assert.deepEqual(problems(), ['9:[2, 1] No score lies between 2 and 1: swap them.']);
    const replace = async (from: string, to: string): Promise<void> => {
      const edit = new vscode.WorkspaceEdit();
      const start = document.getText().indexOf(from);
      edit.replace(document.uri, new vscode.Range(document.positionAt(start), document.positionAt(start + from.length)), to);
      await vscode.workspace.applyEdit(edit);
    };
    await replace('[2, 1]', '[0, 1]');
    await eventually(() => problems().some((line) => line.includes('nothing.jsonl')), 'the missing file');
    assert.deepEqual(problems(), ['5:nothing.jsonl There is no file nothing.jsonl.']);
    await replace('{file: nothing.jsonl}', '{rows: [{name: Tom, income: 1}]}');
    await eventually(() => problems().some((line) => line.includes('incme')), 'the unknown column');
    assert.deepEqual(problems(), ['8:incme The data has no column "incme". Did you mean "income"?']);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await vscode.workspace.fs.delete(document.uri);
  });

  it('runs again when the suite or the model\'s code is saved, until that ends', async () => {
    const source = new vscode.CancellationTokenSource();
    const request = new vscode.TestRunRequest([item('suites/people.mltest.yaml')], undefined, undefined, true);
    const before = seen.length;
    await (await all.suites.load()).run(request, 'candidate', source.token);
    assert.equal(seen.length, before, 'nothing runs before something is saved');
    const save = async (path: string, from: string, to: string): Promise<void> => {
      const document = await openFile(path);
      const edit = new vscode.WorkspaceEdit();
      edit.replace(document.uri, new vscode.Range(document.positionAt(0), document.positionAt(document.getText().length)), document.getText().replace(from, to));
      await vscode.workspace.applyEdit(edit);
      await document.save();
    };
    await save('hostmodels.py', '0.9 if', '0.2 if');
    await eventually(() => seen.length > before && seen.at(-1)!.ended === 1, 'the code was saved', 30_000);
    assert.deepEqual(seen.at(-1)!.states.filter(([state]) => state === 'failed').map(([, label]) => label), ['row 1: name "Eva" -> "Ahmed"', 'name-blind']);
    const runs = seen.length;
    await save('suites/people.mltest.yaml', 'why: names', 'why: first names');
    await eventually(() => seen.length > runs && seen.at(-1)!.ended === 1, 'the suite was saved', 30_000);
    source.cancel();
    const ended = seen.length;
    await save('hostmodels.py', '0.2 if', '0.9 if');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal(seen.length, ended, 'nothing runs any more');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('writes evidence where it may, outdates results when an alias moves, and nothing when only reading', async () => {
    const path = 'suites/people.mltest.yaml';
    await configure('suites.record', 'always');
    await run([test(path, 'income-up')]);
    assert.deepEqual(await evidence('14'), [], 'a part of a suite is no evidence');
    await configure('readOnly', true);
    await run([item(path)]);
    assert.deepEqual(await evidence('14'), []);
    await configure('readOnly', undefined);
    await run([item(path)], 'both');
    assert.deepEqual([await evidence('14'), await evidence('13')], [['suites/people.mltest.yaml failed true name-blind'], ['suites/people.mltest.yaml passed true']]);
    await vscode.commands.executeCommand('modelswitch.models.focus');
    await eventually(() => all.registries.folders[0]!.connection.store?.resolve('host-suited', 'challenger') === '14', 'the registry was read');
    await run([item(path)]);
    invalidated.length = 0;
    const text = await read('models/registry.yaml');
    await write('models/registry.yaml', text.replace('challenger: "14"', 'challenger: "15"'));
    await eventually(() => invalidated.includes(path), 'the results of 14 are outdated');
    await write('models/registry.yaml', text);
    await configure('suites.record', 'never');
  });

  it('stands in the way of a promotion until the suites passed, and offers to run them', async () => {
    await eventually(() => all.connections.overview === 'connected', 'connected');
    await vscode.commands.executeCommand('modelswitch.refresh');
    const ref = { connection: all.connections.targets[0]!.connection, flag, environment: 'production' };
    const rollout = async (): Promise<string | undefined> => (await admin('GET', strategies) as { parameters: Record<string, string> }[])[0]?.parameters['rollout'];
    let confirmations = answering(all, 'cancel');
    await vscode.commands.executeCommand('modelswitch.promote', ref);
    assert.deepEqual(confirmations.map(({ message, verb, instead }) => [/is blocked by suites\./.test(message), verb, instead?.verb]), [[true, 'Override...', 'Run Suites']]);
    assert.match(confirmations[0]!.detail, /^suited: suites\/people\.mltest\.yaml failed against v14 \(name-blind\)/);
    assert.equal(await rollout(), '5');
    // The model is mended, and the button in the modal runs its suites and writes down what they say.
    await write('hostmodels.py', MODELS.replace('0.9 if row["name"] == "Ahmed" else ', ''));
    answering(all, 'confirm');
    confirmations[0]!.instead!.run();
    await eventually(async () => (await evidence('14'))[0] === 'suites/people.mltest.yaml passed true', 'the evidence is there', 30_000);
    confirmations = answering(all, 'confirm');
    await vscode.commands.executeCommand('modelswitch.promote', ref);
    assert.deepEqual([confirmations.length, await rollout()], [1, '25']);
    await write('suites/people.mltest.yaml', `${await read('suites/people.mltest.yaml')}# changed\n`);
    confirmations = answering(all, 'cancel');
    await vscode.commands.executeCommand('modelswitch.promote', ref);
    assert.match(confirmations[0]!.detail, /^suited: suites\/people\.mltest\.yaml changed since it was run against v14: run it again\./);
    // An override is named and recorded.
    all.prompts.current = { confirm: () => Promise.resolve(true), ask: () => Promise.resolve('hotfix 7') };
    await vscode.commands.executeCommand('modelswitch.promote', ref);
    const titles = (await admin('GET', strategies) as { title: string; parameters: Record<string, string> }[]).map(({ title, parameters }) => [title, parameters['rollout']]);
    assert.deepEqual(titles, [['Modelswitch · suited v14 (challenger) · 50 % · override suites: hotfix 7', '50']]);
  });

  it('runs for the flag under the cursor and from the trees, and shows evidence there', async () => {
    answering(all, 'confirm');
    const document = await openFile('switched.py');
    await eventually(async () => ((await lenses(document)).get(5) ?? []).length > 0, 'the call site is known');
    const before = seen.length;
    vscode.window.activeTextEditor!.selection = new vscode.Selection(4, 25, 4, 25);
    await vscode.commands.executeCommand('modelswitch.runModelSuites');
    await vscode.commands.executeCommand('modelswitch.runModelSuites', { kind: 'flag', connection: all.connections.targets[0]!.connection, flag });
    assert.deepEqual(seen.slice(before).map(({ states }) => states.some(([state]) => state === 'passed')), [true, true]);
    const version = await (async () => {
      for (const model of await all.models.getChildren()) {
        if (model.kind !== 'model' || model.registered !== 'host-suited') continue;
        for (const node of await all.models.getChildren(model)) if (node.kind === 'version' && node.version === '13') return node;
      }
      return assert.fail('no version 13');
    })();
    await vscode.commands.executeCommand('modelswitch.runModelSuites', version);
    assert.deepEqual(await evidence('13'), ['suites/people.mltest.yaml passed true']);
    await eventually(async () => String((await all.models.getTreeItem(version)).description).includes('suite.people passed'), 'the badge of the evidence');
  });

  it('makes a suite from the signature, which has no problem', async () => {
    const uri = await vscode.commands.executeCommand<vscode.Uri>('modelswitch.newSuite', { flag });
    assert.equal(uri.path, file('suites/suited.mltest.yaml').path);
    await eventually(() => children(item('suites/suited.mltest.yaml')).length > 0, 'its tests are shown');
    assert.deepEqual(children(item('suites/suited.mltest.yaml')).map(({ label }) => label), ['edges', 'column-order', 'name-blind', 'income-up']);
    assert.deepEqual(vscode.languages.getDiagnostics(uri), []);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
});
