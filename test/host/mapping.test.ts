import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services.ts';
import type { Confirmation } from '../../src/extension/platform/prompts.ts';
import { admin, answering, eventually, lenses, openFile, server, services, useConfiguration } from './services.ts';

const flag = 'host-mapped';
const strategies = `/features/${flag}/environments/production/strategies`;
const INPUTS = '[{name: amount, type: double}]';
const VISITS = '[{name: amount, type: double}, {name: visits, type: long}]';

describe('models behind flags in the editor', function () {
  this.timeout(60_000);
  let all: Services;
  let configuration: string;

  const folder = (): vscode.WorkspaceFolder => vscode.workspace.workspaceFolders![0]!;
  const file = (path: string): vscode.Uri => vscode.Uri.joinPath(folder().uri, path);
  const write = (path: string, text: string): Thenable<void> => vscode.workspace.fs.writeFile(file(path), new TextEncoder().encode(text));
  const read = async (path: string): Promise<string> => new TextDecoder().decode(await vscode.workspace.fs.readFile(file(path)));
  const ref = (): unknown => ({ connection: all.connections.targets[0]!.connection, flag, environment: 'production' });
  const lens = async (): Promise<string[]> => (await lenses(await openFile('mapped.py'))).get(5) ?? [];
  const first = async (): Promise<{ id: string; title: string; parameters: Record<string, string> }> => (await admin('GET', strategies) as { id: string; title: string; parameters: Record<string, string> }[])[0]!;
  const rollout = async (): Promise<string | undefined> => (await first()).parameters['rollout'];
  const problems = (): string[] => vscode.languages.getDiagnostics(file('modelswitch.yaml')).map(({ message, range }) => `${range.start.line + 1} ${message}`);

  /** The registry of the folder; `challenger` names another version when a pipeline moved it. */
  const register = (challenger: string, inputs = INPUTS): Thenable<void> => write('models/registry.yaml', `version: 1
models:
  host-detector:
    aliases: {champion: "13", challenger: "${challenger}"}
    versions:
      - {version: "13", metrics: {auc: 0.908}, signature: {inputs: ${INPUTS}, outputs: [{name: score, type: double}]}}
      - version: "14"
        run: {id: 4f3c21, name: "nightly $(bug)", started: 2026-11-01T10:00:00Z}
        data: [{name: train, digest: "a69432b1"}]
        params: {C: "1.0"}
        code: {commit: "1fcd0f01fcd0f01fcd0f01fcd0f01fcd0f01fcd0"}
        metrics: {auc: 0.914}
        signature: {inputs: ${inputs}, outputs: [{name: score, type: double}]}
      - {version: "15", metrics: {auc: 0.93}, signature: {inputs: ${INPUTS}, outputs: [{name: score, type: double}]}}
`);
  const configure = (model = `  mapped:\n    flag: ${flag}\n    registered_model: host-detector\n    candidate: challenger\n    contract: features.yaml\n`): Promise<void> =>
    useConfiguration(all, `${configuration.trimEnd().replace(/^models:\n/m, `registry: {file: models/registry.yaml}\nmodels:\n${model}`)}\n`);
  async function set(change: { title?: string; rollout?: string }): Promise<void> {
    const operations = [...change.title === undefined ? [] : [{ op: 'replace', path: '/title', value: change.title }], ...change.rollout === undefined ? [] : [{ op: 'replace', path: '/parameters/rollout', value: change.rollout }]];
    await admin('PATCH', `${strategies}/${(await first()).id}`, operations);
    await vscode.commands.executeCommand('modelswitch.refresh');
  }
  async function lensIs(words: string): Promise<void> {
    await eventually(async () => (await lens())[0] === words, `the lens says ${words}`).catch(async (error: unknown) => { throw new Error(`${String(error)}; it says ${(await lens()).join(' | ')}`); });
  }

  before(async () => {
    all = await services();
    configuration = await read('modelswitch.yaml');
    await admin('POST', '/features', { name: flag, type: 'release' });
    if ((await admin('GET', strategies) as unknown[]).length === 0) await admin('POST', strategies, { name: 'flexibleRollout', title: '', parameters: { rollout: '25', stickiness: 'userId', groupId: flag }, constraints: [], segments: [], variants: [] });
    await set({ title: '', rollout: '25' });
    await admin('POST', `/features/${flag}/environments/production/on`);
    await write('mapped.py', `from UnleashClient import UnleashClient\n\nclient = UnleashClient("u", "a")\n\nclient.is_enabled("${flag}")\n`);
    await write('features.yaml', `version: 1\nfeatures:\n  - {name: amount, type: double}\noutputs: [{name: score, type: double}]\n`);
    await register('14');
    await configure();
    await eventually(() => all.connections.overview === 'connected', 'connected');
    await vscode.commands.executeCommand('modelswitch.refresh');
  });
  after(async () => {
    await useConfiguration(all, configuration);
    await vscode.workspace.fs.delete(file('models'), { recursive: true });
    for (const name of ['mapped.py', 'features.yaml']) await vscode.workspace.fs.delete(file(name));
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('names the version with its alias and offline metric in lens and tree', async () => {
    await lensIs('production 25 % -> mapped v14 (challenger) · AUC 0.914 vs 0.908 offline');
    const { connection } = all.connections.targets[0]!;
    assert.equal(all.tree.getTreeItem({ kind: 'flag', connection, flag }).description, '25 % · -> mapped v14 (challenger) · AUC 0.914 vs 0.908 offline');
  });

  it('shows where both versions come from in the hover, and their names as text', async () => {
    const document = await openFile('mapped.py');
    const [hover] = await vscode.commands.executeCommand<vscode.Hover[]>('vscode.executeHoverProvider', document.uri, new vscode.Position(4, 22));
    const text = (hover!.contents as vscode.MarkdownString[]).map(({ value }) => value).join('\n');
    assert.match(text, /AUC 0\\\.914 vs 0\\\.908 offline \\\(better\\\)/);
    assert.match(text, /on: v14 \\\(challenger\\\) · run nightly .*data train a69432b1 · commit 1fcd0f01fc · C\\=1\\\.0/);
    assert.match(text, /off: v13 \\\(champion\\\)/);
    assert.doesNotMatch(text, /\$\(bug\)/);
  });

  it('marks what the registry does not have at its line, with what was meant', async () => {
    assert.deepEqual(problems().filter((line) => /detector/.test(line)), []);
    await configure(`  mapped:\n    flag: ${flag}\n    registered_model: host-detector\n    candidate: chalenger\n`);
    const line = (await read('modelswitch.yaml')).split('\n').findIndex((each) => each.includes('chalenger')) + 1;
    await eventually(() => problems().includes(`${line} host-detector has no version or alias "chalenger". Did you mean "challenger"?`), 'the unknown alias').catch(() => assert.deepEqual(problems(), []));
    await configure(`  mapped:\n    flag: ${flag}\n    registered_model: host-detecter\n`);
    await eventually(() => problems().some((each) => each.includes('no model "host-detecter". Did you mean "host-detector"?')), 'the unknown model').catch(() => assert.deepEqual(problems(), []));
    await configure();
    await eventually(() => !problems().some((each) => each.includes('host-dete')), 'no problem');
  });

  describe('before a raise', () => {
    beforeEach(async () => {
      await set({ title: 'Modelswitch · mapped v14 over v13 · 25 % · promote', rollout: '25' });
      await register('14', VISITS);
      await lensIs('production 25 % -> mapped v14 (challenger) · AUC 0.914 vs 0.908 offline');
    });
    afterEach(async () => register('14'));

    it('says that a model does not fit, and writes nothing unless somebody gives a reason', async () => {
      const asked = answering(all, 'cancel');
      await vscode.commands.executeCommand('modelswitch.promote', ref());
      assert.deepEqual(asked.map(({ message, verb }) => [message, verb]), [[`Promote to 50 %: ${flag} is blocked by compatibility.`, 'Override...']]);
      assert.match(asked[0]!.detail, /^mapped v14: incompatible: column visits \(long\) is missing \(features\.yaml:2\)\n/);
      assert.equal(await rollout(), '25');

      const confirmed: Confirmation[] = [];
      all.prompts.current = { confirm: (confirmation) => { confirmed.push(confirmation); return Promise.resolve(true); }, ask: () => Promise.resolve('hotfix 7') };
      await vscode.commands.executeCommand('modelswitch.promote', ref());
      assert.deepEqual(confirmed.map(({ verb }) => verb), ['Override...', 'Promote to 50 %']);
      assert.match(confirmed[1]!.detail, /Overridden: mapped v14: incompatible/);
      assert.deepEqual([await rollout(), (await first()).title], ['50', 'Modelswitch · mapped v14 over v13 · 50 % · override compatibility: hotfix 7']);

      all.prompts.current = { confirm: () => Promise.resolve(true), ask: () => Promise.resolve(undefined) };
      await vscode.commands.executeCommand('modelswitch.promote', ref());
      assert.equal(await rollout(), '50', 'without a reason nothing is overridden');
    });

    it('asks the contract as it is saved, whatever somebody is writing in it', async () => {
      const document = await openFile('features.yaml');
      const edit = new vscode.WorkspaceEdit();
      edit.insert(document.uri, new vscode.Position(2, 0), '  - {name: visits, type: long}\n');
      await vscode.workspace.applyEdit(edit);
      try {
        assert.match(document.getText(), /visits/);
        const asked = answering(all, 'cancel');
        await vscode.commands.executeCommand('modelswitch.promote', ref());
        assert.deepEqual(asked.map(({ message }) => message), [`Promote to 50 %: ${flag} is blocked by compatibility.`]);
      } finally {
        await vscode.window.showTextDocument(document);
        await vscode.commands.executeCommand('workbench.action.files.revert');
      }
    });

    it('says so before that, at the line of the contract, until it fits', async () => {
      const said = (): string[] => vscode.languages.getDiagnostics(file('features.yaml')).map(({ message, range, severity }) => `${range.start.line + 1} ${severity === vscode.DiagnosticSeverity.Error ? 'error' : 'warning'} ${message}`);
      await vscode.commands.executeCommand('modelswitch.models.focus');
      await eventually(() => said().join('\n') === '2 error mapped v14: column visits (long) is missing', 'the missing column').catch((error: unknown) => assert.fail(`${String(error)}: ${said().join('\n')}`));
      const contract = await read('features.yaml');
      await write('features.yaml', contract.replace('features:\n', 'features:\n  - {name: visits, type: long}\n'));
      await eventually(() => said().length === 0, 'the contract has the column').catch((error: unknown) => assert.fail(`${String(error)}: ${said().join('\n')}`));
      await write('features.yaml', 'version: 1\nfeatures: 3\n');
      await eventually(() => said().some((each) => /^2 error /.test(each)), 'what is wrong with the contract itself').catch((error: unknown) => assert.fail(`${String(error)}: ${said().join('\n')}`));
      await write('features.yaml', contract);
    });

    it('asks nobody on the way down, and needs no registry for it', async () => {
      await set({ rollout: '60' });
      await write('models/registry.yaml', 'this is: [no registry');
      const asked = answering(all, 'confirm');
      await vscode.commands.executeCommand('modelswitch.rollBack', ref());
      assert.deepEqual([asked.length, await rollout()], [1, '25']);
    });

    it('warns and goes on while the registry fails', async () => {
      await write('models/registry.yaml', 'this is: [no registry');
      const asked = answering(all, 'confirm');
      await vscode.commands.executeCommand('modelswitch.promote', ref());
      assert.match(asked[0]!.detail, /compatibility is unknown: /);
      assert.equal(await rollout(), '50');
    });
  });

  it('shows an alias that moved under a release, does not advance it, and re-pins it', async () => {
    await set({ title: 'Modelswitch · mapped v14 over v13 · 25 % · promote', rollout: '25' });
    await lensIs('production 25 % -> mapped v14 (challenger) · AUC 0.914 vs 0.908 offline');
    await register('15');
    await lensIs('production 25 % -> mapped: challenger moved from v14 to v15');
    await eventually(() => problems().some((each) => each.includes('challenger moved from v14 to v15 while host-mapped is out in production')), 'the moved alias at its line');
    const { connection } = all.connections.targets[0]!;
    const children = (await all.tree.getChildren({ kind: 'environment', connection, flag, environment: 'production' })).map((node) => all.tree.getTreeItem(node).label as string);
    assert.ok(children.includes('challenger moved from v14 to v15') && children.includes('mapped v14 over v13'), children.join('\n'));

    const asked = answering(all, 'confirm');
    await vscode.commands.executeCommand('modelswitch.promote', ref());
    assert.deepEqual([asked, await rollout()], [[], '25'], 'nobody is even asked');

    await vscode.commands.executeCommand('modelswitch.repin', ref());
    assert.match(asked[0]!.detail, /mapped v14 over v13 -> v15 over v13; the rollout stays/);
    assert.deepEqual([await rollout(), (await first()).title], ['25', 'Modelswitch · mapped v15 over v13 · 25 % · re-pinned']);
    await lensIs('production 25 % -> mapped v15 (challenger) · AUC 0.930 vs 0.908 offline');
    await vscode.commands.executeCommand('modelswitch.promote', ref());
    assert.equal(await rollout(), '50');
    await register('14');
  });

  it('starts a release: one question with everything in it, then flag, pins and mapping', async () => {
    const name = `host-started-${Date.now()}`;
    const chosen = { registered: 'host-detector', version: '14', model: 'started', flag: name, stickiness: 'userId', segments: [] };
    let asked = answering(all, 'cancel');
    await vscode.commands.executeCommand('modelswitch.startRelease', chosen);
    assert.equal(asked.length, 1);
    assert.equal(asked[0]!.message, `Start the release of started v14 behind ${name}?`);
    assert.match(asked[0]!.detail, new RegExp(`the flag ${name} is made, off in development, production`));
    assert.match(asked[0]!.detail, /modelswitch\.yaml: models\.started is added\nNobody is exposed by this\.\n/);
    assert.ok(asked[0]!.detail.endsWith(server.url));
    assert.equal((await read('modelswitch.yaml')).includes(name), false);

    answering(all, 'confirm');
    await vscode.commands.executeCommand('modelswitch.startRelease', chosen);
    for (const environment of ['development', 'production']) {
      const made = await admin('GET', `/features/${name}/environments/${environment}/strategies`) as { title: string; parameters: Record<string, string> }[];
      assert.deepEqual(made.map(({ title, parameters }) => [title, parameters['rollout'], parameters['stickiness']]), [['Modelswitch · started v14 over v13 · 0 % · start', '0', 'userId']]);
    }
    assert.match(await read('modelswitch.yaml'), new RegExp(`\\n {2}started:\\n {4}flag: ${name}\\n {4}registered_model: host-detector\\n {4}current: champion\\n {4}candidate: challenger\\n`));

    asked = answering(all, 'confirm');
    await vscode.commands.executeCommand('modelswitch.startRelease', chosen);
    assert.deepEqual(asked, [], 'everything is done already');
  });
});
