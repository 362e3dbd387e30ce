import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import * as vscode from 'vscode';
import { toAppError } from '../../src/core/base/errors.ts';
import type { ModelNode, VersionNode } from '../../src/extension/models/modelNodes.ts';
import type { Services } from '../../src/extension/services.ts';
import { admin, answering, eventually, server, services, useConfiguration } from './services.ts';

const flag = 'host-models';
const strategies = `/features/${flag}/environments/production/strategies`;
const ODD = 'Größe/模型 $(bug) [x](command:y)';
const mlflow = { url: process.env['MODELSWITCH_TEST_MLFLOW'] ?? '', database: process.env['MODELSWITCH_TEST_MLFLOW_DB'] ?? '' };

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

describe('models in the editor', function () {
  this.timeout(60_000);
  let all: Services;
  let configuration: string;
  let commit: string;

  const folder = (): vscode.WorkspaceFolder => vscode.workspace.workspaceFolders![0]!;
  const file = (path: string): vscode.Uri => vscode.Uri.joinPath(folder().uri, path);
  const write = (path: string, text: string): Thenable<void> => vscode.workspace.fs.writeFile(file(path), new TextEncoder().encode(text));
  const read = async (path: string): Promise<string> => new TextDecoder().decode(await vscode.workspace.fs.readFile(file(path)));
  const git = (...args: string[]): string => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false', ...args], { cwd: file('ml').fsPath, encoding: 'utf8' }).trim();

  /** The tree below a node, as a person sees it: label and description. */
  const children = (node?: ModelNode): Promise<ModelNode[]> => all.models.getChildren(node);
  const shown = async (node?: ModelNode): Promise<string[]> => Promise.all((await children(node)).map(async (each) => {
    const { label, description } = await all.models.getTreeItem(each);
    return [label, description].flatMap((part) => (typeof part === 'string' && part !== '' ? [part] : [])).join(' | ');
  }));
  const find = async (parent: ModelNode | undefined, label: string): Promise<ModelNode> => {
    for (const node of await children(parent)) if ((await all.models.getTreeItem(node)).label === label) return node;
    assert.fail(`no ${label}`);
  };
  const version = async (number: string, model = 'fraud-detector'): Promise<VersionNode> => {
    const node = await find(await find(undefined, model), number);
    assert.equal(node.kind, 'version');
    return node;
  };
  /** A command of the feature itself, so that its error is seen and not shown. */
  const run = async (command: string, ...args: unknown[]): Promise<unknown> => (await all.models.load()).commands[command]!(args[0], args[1]);
  const activeUri = (): vscode.Uri | undefined => vscode.window.activeTextEditor?.document.uri;
  const openText = (): string => vscode.window.activeTextEditor?.document.getText() ?? '';
  const refusal = async (work: Promise<unknown>): Promise<string> => work.then(() => 'no error', (error: unknown) => `${toAppError(error).code}: ${toAppError(error).message}`);

  async function useRegistry(registry: string): Promise<void> {
    await useConfiguration(all, `${configuration.trimEnd().replace(/^models:\n/m, `${registry === '' ? '' : `registry: ${registry}\n`}models:\n  scoring:\n    flag: ${flag}\n    registered_model: fraud-detector\n    retrain: {folder: ml, stage: train}\n`)}\n`);
    await vscode.commands.executeCommand('modelswitch.models.focus');
    await eventually(() => ['connected', 'failed', 'signedOut'].includes(all.registries.overview), `an answer of ${registry}`);
  }

  before(async () => {
    all = await services();
    configuration = await read('modelswitch.yaml');
    await admin('POST', '/features', { name: flag, type: 'release' });
    if ((await admin('GET', strategies) as unknown[]).length === 0) {
      await admin('POST', strategies, { name: 'flexibleRollout', title: 'canary', parameters: { rollout: '25', stickiness: 'userId', groupId: flag }, constraints: [], segments: [], variants: [] });
    }
    await admin('POST', `/features/${flag}/environments/production/on`);
    await eventually(() => all.connections.overview === 'connected', 'connected');
    await vscode.commands.executeCommand('modelswitch.refresh');
    await write('ml/data/raw.csv', 'a,b\n1,2\n');
    await write('ml/train.py', 'print(1)\n');
    await write('ml/dvc.yaml', 'stages:\n  train: {cmd: python train.py, deps: [data/raw.csv, train.py], outs: [model.bin]}\n  report: {cmd: echo report, deps: [model.bin]}\n');
    await write('ml/model.bin', 'model');
    await write('ml/dvc.lock', `schema: '2.0'\nstages:\n  train:\n    cmd: python train.py\n    deps:\n    - {path: data/raw.csv, hash: md5, md5: ${md5('a,b\n1,2\n')}, size: 8}\n    - {path: train.py, hash: md5, md5: ${md5('print(1)\n')}, size: 9}\n    outs:\n    - {path: model.bin, hash: md5, md5: ${md5('model')}, size: 5}\n`);
    git('init', '--quiet');
    git('add', '.');
    git('commit', '--quiet', '-m', 'train');
    commit = git('rev-parse', 'HEAD');
    await write('ml/train.py', 'print(2)\n');
    git('commit', '--quiet', '-am', 'another way to train');
    await write('ml/data/raw.csv', 'a,b\n1,3\n');
    await write('models/registry.yaml', `version: 1
models:
  ${JSON.stringify(ODD)}:
    versions: [{version: 1}]
  fraud-detector:
    aliases:
      champion: "1" # serves
      challenger: "2"
    versions:
      - version: "1"
        run: {id: run-1, name: first, started: 2026-11-01T10:00:00Z, ended: 2026-11-01T10:05:00Z, user: alice}
        data: [{name: train, digest: d1, source: data/raw.csv, context: training}]
        params: {C: "1.0", solver: lbfgs}
        code: {commit: ${commit}, branch: main, entry: train.py}
        metrics: {auc: 0.908, loss: .nan}
        signature: {inputs: [{name: amount, type: double}], outputs: [{name: score, type: double}]}
      - version: "2"
        run: {id: run-2, name: second, started: 2026-11-02T10:00:00Z, ended: 2026-11-02T10:05:00Z, user: alice}
        data: [{name: train, digest: d2, source: data/raw.csv, context: training}]
        params: {C: "0.5", solver: lbfgs}
        metrics: {auc: 0.914, loss: .inf}
        tags: {modelswitch.suite.fraud: pass, modelswitch.needs.application: "2.4"}
        signature: {inputs: [{name: amount, type: double}, {name: visits, type: long, required: false}], outputs: [{name: score, type: double}]}
      - version: "3"
`);
    await useRegistry('{file: models/registry.yaml}');
  });
  after(async () => {
    await useConfiguration(all, configuration);
    await vscode.workspace.fs.delete(file('models'), { recursive: true });
    await vscode.workspace.fs.delete(file('ml'), { recursive: true });
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  describe('with a registry file', () => {
    it('shows mapped models first, with what their aliases name; names are text', async () => {
      const expected = ['fraud-detector | champion 1 · challenger 2', 'Größe/模型 $ (bug) [x] (command:y) | latest 1'];
      // The registry before it may be shown for a moment still.
      await eventually(async () => isDeepStrictEqual(await shown(), expected), 'the models of the file').catch(async () => assert.deepEqual(await shown(), expected));
    });

    it('shows where a version is out, its evidence, and whether it should be trained anew', async () => {
      const model = await find(undefined, 'fraud-detector');
      const first = async (): Promise<string | undefined> => (await shown(model)).find((line) => line.startsWith('1 '));
      await eventually(async () => (await first())?.endsWith('retrain needed: data changed') === true, 'the lineage of version 1');
      assert.deepEqual(await shown(model), [
        'Pipeline', '3', `2 | challenger · candidate of ${flag} · production 25 % · suite.fraud pass`,
        `1 | champion · current of ${flag} · production 75 % · retrain needed: data changed`,
      ]);
      const item = await all.models.getTreeItem(await version('1'));
      assert.equal(item.contextValue, 'version ready out mapped stale');
      const { tooltip } = await all.models.resolveTreeItem(item, await version('1'));
      assert.ok(tooltip instanceof vscode.MarkdownString && tooltip.isTrusted !== true && tooltip.supportThemeIcons !== true);
      assert.match(tooltip.value, /loss\\: NaN/);
    });

    it('shows the stages of the pipeline with what has changed', async () => {
      const pipeline = await find(await find(undefined, 'fraud-detector'), 'Pipeline');
      assert.deepEqual(await shown(pipeline), ['train | changed: data/raw.csv, train.py', 'report | never run: model.bin']);
      const [train] = await children(pipeline);
      assert.equal((await all.models.getTreeItem(train!)).contextValue, 'stage stale');
      assert.deepEqual([train?.kind === 'stage' && train.folder, train?.kind === 'stage' && train.stage], [folder().uri.toString(), 'train']);
    });

    it('shows everything about a version as a document', async () => {
      await vscode.commands.executeCommand('modelswitch.showVersion', await version('1'));
      const text = openText();
      for (const part of [
        'model: fraud-detector\nversion: "1"\n', 'aliases:\n  - champion\n', `out:\n  - "current of ${flag}, where it is off: production 75 %, development 100 %"`, 'name: first\n  id: run-1\n', 'took: 300 s',
        `commit: ${commit}\n`, 'subject: train\n  behind_head: 1 commit\n', 'name: train\n    used_for: training\n    digest: d1\n    source: data/raw.csv', 'verdict: "retrain needed: data changed"', 'path: data/raw.csv',
        'parameters:\n  C: "1.0"\n  solver: lbfgs\n', 'metrics:\n  auc: 0.908\n  loss: .nan\n', 'inputs:\n    amount: double',
      ]) assert.ok(text.includes(part), `${part}\nis not in\n${text}`);
      assert.equal(vscode.window.activeTextEditor?.document.languageId, 'yaml');
      const titles = (await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', activeUri(), 100)).map(({ command }) => command?.title);
      assert.deepEqual(titles.toSorted(), ['Compare with...', 'Move an Alias Here...', 'Retrain...', 'Show Changes to HEAD']);
    });

    it('counts a variant whose payload names the version as a way out', async () => {
      const [{ id }] = await admin('GET', strategies) as [{ id: string }];
      const set = async (variants: readonly unknown[]): Promise<void> => {
        await admin('PATCH', `${strategies}/${id}`, [{ op: 'replace', path: '/variants', value: variants }]);
        await vscode.commands.executeCommand('modelswitch.refresh');
      };
      const line = async (): Promise<string | undefined> => (await shown(await find(undefined, 'fraud-detector'))).find((each) => each.startsWith('3'));
      const variant = (name: string, weight: number, value: string): unknown => ({ name, weight, weightType: name === 'b' ? 'fix' : 'variable', stickiness: 'userId', payload: { type: 'json', value } });
      await set([variant('a', 600, '{"method": "x"}'), variant('b', 400, '{"model_version": 3}')]);
      await eventually(async () => await line() === `3 | variant b of ${flag} · production 10 %`, 'version 3 is out').catch(async (error: unknown) => assert.fail(`${String(error)}: ${String(await line())}`));
      await vscode.commands.executeCommand('modelswitch.showVersion', await version('3'));
      assert.ok(openText().includes(`out:\n  - "variant b of ${flag}, where it is on: production 10 %"`), openText());
      await set([]);
      await eventually(async () => await line() === '3', 'version 3 is not out any more');
    });

    it('says so where something is not known', async () => {
      await vscode.commands.executeCommand('modelswitch.showVersion', await version('3'));
      assert.match(openText(), /signature: "?missing/);
      assert.match(openText(), /The run names no commit/);
    });

    it('compares two versions in stable order, the older on the left', async () => {
      const [one, two] = [await version('1'), await version('2')];
      await vscode.commands.executeCommand('modelswitch.compareVersions', two, [two, one]);
      const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      assert.ok(input instanceof vscode.TabInputTextDiff);
      assert.equal(vscode.window.tabGroups.activeTabGroup.activeTab?.label, 'fraud-detector: 1 ↔ 2');
      const texts = await Promise.all([input.original, input.modified].map(async (uri) => (await vscode.workspace.openTextDocument(uri)).getText().split('\n')));
      const differing = texts[0]!.filter((line) => !texts[1]!.includes(line));
      assert.deepEqual(differing, ['  C: "1.0"', '  auc: 0.908', '  loss: .nan', '    digest: d1', 'code:', `  commit: ${commit}`, '  branch: main', '  entry: train.py']);
      assert.deepEqual(texts[1]!.filter((line) => !texts[0]!.includes(line)), ['  C: "0.5"', '  auc: 0.914', '  loss: .inf', '    digest: d2', '    visits: long, optional', 'code: none']);
      assert.match(await refusal(run('modelswitch.compareVersions', one, [one, two, await version('3')])), /^validation: Select two versions/);
    });

    it('shows the code that changed since a version', async () => {
      await run('modelswitch.showCodeChanges', await version('1'));
      await eventually(() => vscode.window.tabGroups.activeTabGroup.activeTab?.label.startsWith(`fraud-detector 1: ${commit.slice(0, 10)} ↔ HEAD`) === true, 'the changes are shown');
      assert.match(await refusal(run('modelswitch.showCodeChanges', await version('2'))), /^notFound: The run of fraud-detector 2 names no commit/);
    });

    it('moves an alias after a confirmation that says who is served by it, and keeps the file\'s comments', async () => {
      const before = await read('models/registry.yaml');
      const cancelled = answering(all, 'cancel');
      assert.equal(await run('modelswitch.moveAlias', await version('2'), 'champion'), false);
      assert.equal(await read('models/registry.yaml'), before);
      assert.deepEqual(cancelled, [{
        message: 'Move the alias champion of fraud-detector from version 1 to version 2?',
        detail: `Registry: ${file('models/registry.yaml').fsPath}\nchampion: 1 -> 2\nIt is live: the current of scoring, where the flag ${flag} is off: production 75 %, development 100 %.`,
        verb: 'Move to 2',
      }]);
      answering(all, 'confirm');
      assert.equal(await run('modelswitch.moveAlias', await version('2'), 'champion'), true);
      assert.equal(await read('models/registry.yaml'), before.replace('champion: "1" # serves', 'champion: "2" # serves'));
      assert.equal((await shown())[0], 'fraud-detector | champion 2 · challenger 2');
      assert.equal(await run('modelswitch.moveAlias', await version('1'), 'champion'), true);
      assert.equal(await read('models/registry.yaml'), before);
    });

    it('moves nothing when somebody else moved the alias during the question, nor in read-only mode', async () => {
      const before = await read('models/registry.yaml');
      const moved = before.replace('champion: "1"', 'champion: "3"');
      const node = await version('2');
      all.prompts.current = { confirm: async () => { await write('models/registry.yaml', moved); return true; } };
      assert.match(await refusal(run('modelswitch.moveAlias', node, 'champion')), /^conflict: Somebody moved the alias champion of fraud-detector: it names version 3 now, not version 1; nothing was written/);
      assert.equal(await read('models/registry.yaml'), moved);
      await eventually(async () => (await shown())[0] === 'fraud-detector | champion 3 · challenger 2', 'the tree shows what it names now');
      await write('models/registry.yaml', before);
      answering(all, 'confirm');
      const settings = vscode.workspace.getConfiguration('modelswitch');
      await settings.update('readOnly', true, vscode.ConfigurationTarget.Global);
      assert.match(await refusal(run('modelswitch.moveAlias', node, 'champion')), /^forbidden: Modelswitch only reads here/);
      await settings.update('readOnly', undefined, vscode.ConfigurationTarget.Global);
      assert.equal(await read('models/registry.yaml'), before);
    });

    it('filters by a part of the name', async () => {
      const { tree } = await all.models.load();
      await tree.setFilter('MODEL');
      assert.deepEqual(await shown(), []);
      await tree.setFilter('模型');
      assert.equal((await shown()).length, 1);
      await tree.setFilter('');
      assert.equal((await shown()).length, 2);
    });

    it('follows edits of the file, and says what is wrong with a broken one while it shows what it knows', async () => {
      const before = await read('models/registry.yaml');
      await write('models/registry.yaml', 'version: 1\nmodels: [');
      await eventually(async () => /cannot be read.* \| shown is what was read /.test((await shown())[0] ?? ''), 'the reason and the age');
      assert.equal((await shown()).length, 3);
      await write('models/registry.yaml', before);
      await eventually(async () => (await shown()).length === 2, 'the file is read again');
    });

    it('is read again with modelswitch.yaml where VS Code does not watch it', async () => {
      const before = await read('models/registry.yaml');
      const settings = vscode.workspace.getConfiguration('files');
      await settings.update('watcherExclude', { '**/models/**': true }, vscode.ConfigurationTarget.Workspace);
      try {
        await write('models/registry.yaml', before.replace('champion: "1"', 'champion: "3"'));
        await useRegistry('{file: models/registry.yaml}');
        await eventually(async () => (await shown())[0] === 'fraud-detector | champion 3 · challenger 2', 'the tree shows what it names now');
      } finally {
        await settings.update('watcherExclude', undefined, vscode.ConfigurationTarget.Workspace);
        await write('models/registry.yaml', before);
        await useRegistry('{file: models/registry.yaml}');
      }
      await eventually(async () => (await shown())[0] === 'fraud-detector | champion 1 · challenger 2', 'the file as it was');
    });

    it('works without git: the details say why the lineage is not known', async () => {
      const path = process.env['PATH'];
      process.env['PATH'] = '';
      try {
        await vscode.commands.executeCommand('modelswitch.refreshModels');
        await eventually(async () => (await shown(await find(undefined, 'fraud-detector'))).some((line) => line.endsWith('production 75 %')), 'version 1 without a verdict');
        await vscode.commands.executeCommand('workbench.action.closeAllEditors');
        await vscode.commands.executeCommand('modelswitch.showVersion', await version('1'));
        await eventually(() => /verdict: unknown\n {2}reasons:\n {4}- .*git/.test(openText()), 'the reason in the details');
      } finally {
        process.env['PATH'] = path;
        await vscode.commands.executeCommand('modelswitch.refreshModels');
      }
    });
  });

  describe('with MLflow', () => {
    const original = globalThis.fetch;
    afterEach(() => (globalThis.fetch = original));

    it('shows models after one request, and reads versions when they are opened', async () => {
      const asked: string[] = [];
      globalThis.fetch = (input, init) => {
        const url = typeof input === 'string' ? input : '';
        if (url.startsWith(mlflow.url)) asked.push(url.slice(mlflow.url.length).replace(/\?.*/, ''));
        return original(input, init);
      };
      await useRegistry(`{mlflow: "${mlflow.url}"}`);
      await eventually(async () => (await shown()).length === 3, 'three models');
      // What modelswitch.yaml maps is asked for afterwards, when there is something to look at.
      assert.equal(asked[0], '/api/2.0/mlflow/registered-models/search');
      assert.equal(asked.filter((path) => path.endsWith('/search')).length, 1, asked.join());
      assert.equal((await shown())[0], 'fraud-detector | challenger 2 · champion 1');
      assert.deepEqual((await shown(await find(undefined, 'fraud-detector'))).map((line) => line.replace(/ \| .*?· /, ' | ')), [
        'Pipeline', '4', '3', `2 | candidate of ${flag} · production 25 %`, `1 | current of ${flag} · production 75 %`,
      ]);
    });

    it('tells run, experiment and signature with links, and what is gone', async () => {
      await vscode.commands.executeCommand('modelswitch.showVersion', await version('2'));
      assert.match(openText(), /experiment:\n {4}name: fraud\n {4}id: "\d+"\n {4}page: http:.*\/#\/experiments\/\d+\n/);
      assert.match(openText(), /metrics:\n {2}auc: 0\.905\n {2}loss: \.nan\n {2}low: -\.inf\n {2}peak: \.inf\n/);
      assert.match(openText(), /visits: long/);
      await vscode.commands.executeCommand('modelswitch.showVersion', await version('3'));
      assert.match(openText(), /status: finished, deleted/);
      assert.match(openText(), /gaps:\n {2}- Its run \w+ was deleted in MLflow/);
    });

    it('moves an alias by compare-and-set', async () => {
      answering(all, 'confirm');
      assert.equal(await run('modelswitch.moveAlias', await version('4'), 'shadow'), true);
      assert.equal((await shown())[0], 'fraud-detector | challenger 2 · champion 1 · shadow 4');
      const node = await version('1');
      all.prompts.current = { confirm: async () => { await setAlias('shadow', '3'); return true; } };
      assert.match(await refusal(run('modelswitch.moveAlias', node, 'shadow')), /^conflict: /);
      await eventually(async () => (await shown())[0] === 'fraud-detector | challenger 2 · champion 1 · shadow 3', 'where it is now');
      await setAlias('shadow', undefined);
    });

    const setAlias = async (alias: string, to: string | undefined): Promise<void> => {
      const answer = await original(`${mlflow.url}/api/2.0/mlflow/registered-models/alias`, { method: to === undefined ? 'DELETE' : 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'fraud-detector', alias, version: to }) });
      assert.ok(answer.ok);
    };

    it('keeps what it showed when the server goes away, with its age', async () => {
      globalThis.fetch = (input, init) => (typeof input === 'string' && input.startsWith(mlflow.url) ? Promise.reject(new TypeError('fetch failed')) : original(input, init));
      await vscode.commands.executeCommand('modelswitch.refreshModels');
      const lines = await shown();
      assert.equal(lines.length, 4);
      assert.match(lines[0]!, / \| shown is what was read /);
    });

    it('reads mlflow.db without a server, and does not write it', async () => {
      await useRegistry(`{sqlite: "${mlflow.database}"}`);
      await eventually(async () => (await shown()).length === 3, 'three models');
      assert.match(await refusal(run('modelswitch.moveAlias', await version('4'), 'champion')), /^forbidden: /);
    });
  });

  describe('with what is no registry', () => {
    const failure = async (registry: string): Promise<string> => {
      await useRegistry(registry);
      await eventually(async () => (await shown()).length > 0, 'a reason');
      assert.equal((await shown()).length, 1);
      return (await shown())[0]!;
    };

    it('says in a sentence what is wrong', async () => {
      const closed = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => { closed.once('listening', resolve); });
      const { port } = closed.address() as AddressInfo;
      await new Promise((resolve) => { closed.close(resolve); });
      assert.match(await failure(`{mlflow: "http://127.0.0.1:${port}"}`), new RegExp(`127.0.0.1:${port}.* \\| asked just now`));
      assert.match(await failure(`{mlflow: "${server.url}/health"}`), /MLflow/);
      await write('models/other.db', 'this is no database at all, but long enough to look at');
      assert.match(await failure('{sqlite: models/other.db}'), /other\.db/);
      assert.match(await failure('{file: models/nowhere.yaml}'), /There is no registry file/);
    });

    it('shows what is wrong with registry: and asks no other one', async () => {
      await useConfiguration(all, `${configuration.trimEnd()}\nregistry: {mlflow: "ftp://nowhere"}\n`);
      await eventually(async () => /modelswitch\.yaml:\d+: .*http/.test((await shown())[0] ?? ''), 'the problem of the file');
      assert.deepEqual(all.registries.all, []);
    });

    it('takes models/registry.yaml where the file names none', async () => {
      await useConfiguration(all, configuration);
      await eventually(() => all.registries.all.some(({ place }) => place.location === 'models/registry.yaml'), 'the embedded default');
    });
  });
});
