import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services.ts';
import { otherServer } from '../support/otherServer.ts';
import { admin, answering, eventually, hoverAt, lenses, openFile, server, services, useConfiguration } from './services.ts';

const flag = 'host-fraud';

describe('flags in the editor', () => {
  let all: Services;

  before(async function start() {
    this.timeout(60_000);
    all = await services();
    for (const name of [flag, 'host-explainer', 'host-archived']) await admin('POST', '/features', { name, type: 'release', description: `**bold** <b>${name}</b> [x](command:evil)` });
    await admin('DELETE', '/features/host-archived');
    const strategies = await admin('GET', `/features/${flag}/environments/production/strategies`) as unknown[];
    if (strategies.length === 0) {
      await strategy(flag, {});
      await strategy('host-explainer', { variants: ['a', 'b'].map((name) => ({ name, weight: 500, weightType: 'variable', stickiness: 'userId' })) });
    }
    await admin('POST', `/features/${flag}/environments/production/on`);
    await eventually(() => all.connections.overview === 'connected', 'connected');
    await vscode.commands.executeCommand('modelswitch.refresh');
    await setRollout('25');
  });

  async function strategy(name: string, more: Record<string, unknown>): Promise<void> {
    await admin('POST', `/features/${name}/environments/production/strategies`, {
      name: 'flexibleRollout', parameters: { rollout: '25', stickiness: 'userId', groupId: name }, constraints: [], segments: [], variants: [], ...more,
    });
  }

  async function rollout(): Promise<string | undefined> {
    const [first] = await admin('GET', `/features/${flag}/environments/production/strategies`) as { id: string; parameters: Record<string, string> }[];
    return first?.parameters['rollout'];
  }

  /** By somebody else, until the extension has seen it. */
  async function setRollout(percent: string): Promise<void> {
    const [first] = await admin('GET', `/features/${flag}/environments/production/strategies`) as { id: string }[];
    await admin('PATCH', `/features/${flag}/environments/production/strategies/${first!.id}`, [{ op: 'replace', path: '/parameters/rollout', value: percent }]);
    await vscode.commands.executeCommand('modelswitch.refresh');
    await eventually(() => all.connections.all[0]?.session?.store.snapshot?.flags.get(flag)?.environments.find(({ name }) => name === 'production')?.strategies[0]?.parameters['rollout'] === percent, `${percent} % in the snapshot`);
  }

  const ref = (): unknown => ({ connection: all.connections.targets[0]!.connection, flag, environment: 'production' });

  it('shows a lens above every call: rollout, variants, unknown and archived flags, dynamic keys', async () => {
    const byLine = await lenses(await openFile('service.py'));
    assert.deepEqual(byLine.get(8), ['production 25 % -> fraud candidate', 'Promote', 'Roll back']);
    assert.equal(byLine.get(10)![0], 'production off');
    assert.deepEqual(byLine.get(11), ['flag "host-nowhere" is not in Unleash (project default)']);
    await eventually(async () => (await lenses(await openFile('service.py'))).get(13)!.join() === 'flag "host-archived" is archived in Unleash', 'archived told from unknown');
    assert.match(byLine.get(15)!.join(), /^dynamic key: /);
    assert.ok([...byLine.values()].flat().every((title) => title.length <= 80));
  });

  it('shows lens and hover in the cells of a notebook', async () => {
    const folder = vscode.workspace.workspaceFolders![0]!;
    const notebook = await vscode.workspace.openNotebookDocument(vscode.Uri.joinPath(folder.uri, 'explore.ipynb'));
    await vscode.window.showNotebookDocument(notebook);
    const cell = notebook.cellAt(1).document;
    // The workbench refuses to ask about a cell until its editor is drawn.
    await eventually(() => lenses(cell).then(({ size }) => size > 0, () => false), 'a lens in the cell');
    assert.deepEqual([...(await lenses(cell)).entries()], [[3, ['production 25 % -> fraud candidate', 'Promote', 'Roll back']]]);
    assert.match((await hoverAt(cell, 2, 45)).text, /\*\*production\*\*/);
  });

  it('follows the text as it is edited, and asks no server for it', async () => {
    const document = await openFile('service.py');
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(7, 0), '    # a comment\n');
    await vscode.workspace.applyEdit(edit);
    assert.equal((await lenses(document)).get(9)![0], 'production 25 % -> fraud candidate');
    await vscode.commands.executeCommand('undo');
  });

  it('promotes after a confirmation that names old and new', async () => {
    await setRollout('25');
    const asked = answering(all, 'confirm');
    await vscode.commands.executeCommand('modelswitch.promote', ref());
    assert.equal(await rollout(), '50');
    assert.deepEqual(asked.map(({ message, verb }) => [message, verb]), [['Promote to 50 %: host-fraud in production?', 'Promote to 50 %']]);
    assert.match(asked[0]!.detail, /production: 25 % -> 50 %/);
    assert.ok(asked[0]!.detail.includes(server.url));
  });

  it('writes nothing when the person cancels', async () => {
    const before = await rollout();
    answering(all, 'cancel');
    await vscode.commands.executeCommand('modelswitch.promote', ref());
    assert.equal(await rollout(), before);
  });

  it('rolls back to what was, by two interactions', async () => {
    await setRollout('25');
    await setRollout('60');
    const asked = answering(all, 'confirm');
    await vscode.commands.executeCommand('modelswitch.rollBack', ref());
    assert.equal(await rollout(), '25');
    assert.equal(asked.length, 1);
  });

  it('offers the kill switch beside a roll back, so that it is reached from the lens', async () => {
    const asked = answering(all, 'cancel');
    await vscode.commands.executeCommand('modelswitch.rollBack', ref());
    assert.equal(asked[0]?.instead?.verb, 'Kill Switch...');
    asked[0].instead.run();
    await eventually(() => asked.length === 2, 'the question of the kill switch');
    assert.match(asked[1]!.detail, /production: 25 % .*-> off/);
    assert.equal(await rollout(), '25', 'nothing changes before the question is answered');
  });

  it('shows the history as a document: who, when, from what to what, and why', async () => {
    await setRollout('25');
    answering(all, 'confirm');
    await vscode.commands.executeCommand('modelswitch.promote', ref());
    await vscode.commands.executeCommand('modelswitch.showHistory', ref());
    const { document } = vscode.window.activeTextEditor!;
    const line = (): string => document.getText().split('\n').slice(document.getText().split('\n').indexOf('production'))[1]!;
    assert.match(line(), /^ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}25 % -> 50 % {2}by .* {2}"Modelswitch · fraud candidate · 50 % · promote" {2}\(event \d+\)$/);
    assert.match(document.getText(), /The log leads back to the beginning/);
    await setRollout('33');
    await eventually(() => line().includes('50 % -> 33 %'), 'the open document follows the flag');
  });

  it('shows in the history what changed while the editor opened it', async () => {
    await setRollout('12');
    const documents = all.historyDocuments;
    const provide = documents.provideTextDocumentContent.bind(documents);
    Object.assign(documents, {
      provideTextDocumentContent: async (uri: vscode.Uri) => {
        Object.assign(documents, { provideTextDocumentContent: provide });
        const text = provide(uri);
        await setRollout('14');
        await eventually(() => provide(uri) !== text, 'the page of the changed flag');
        return text;
      },
    });
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('modelswitch.showHistory', ref());
    const { document } = vscode.window.activeTextEditor!;
    await eventually(() => document.getText().includes('12 % -> 14 %'), 'the change in the document');
    await eventually(async () => (await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 100)).some(({ command }) => command?.title === 'Restore 14 %'), 'a lens at the change');
  });

  it('restores a state from its line in the history, and from the tree', async () => {
    await setRollout('20');
    await setRollout('30');
    await setRollout('45');
    await vscode.commands.executeCommand('modelswitch.showHistory', ref());
    const { document } = vscode.window.activeTextEditor!;
    const lensOfState = async (): Promise<vscode.CodeLens | undefined> => {
      const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 100);
      return found.find(({ range }) => document.lineAt(range.start.line).text.includes('20 % -> 30 %'));
    };
    await eventually(async () => await lensOfState() !== undefined, 'a lens at the line of the state');
    const lens = (await lensOfState())!;
    assert.equal(lens.command!.title, 'Restore 30 %');
    const asked = answering(all, 'confirm');
    await vscode.commands.executeCommand(lens.command!.command, ...(lens.command!.arguments as unknown[]));
    assert.equal(await rollout(), '30');

    const environment = { kind: 'environment' as const, connection: all.connections.targets[0]!.connection, flag, environment: 'production' };
    const history = (await all.tree.getChildren(environment)).find(({ kind }) => kind === 'history')!;
    const states = (await all.tree.getChildren(history)).filter((node) => node.kind === 'state');
    assert.deepEqual(states.slice(0, 3).map((node) => all.tree.getTreeItem(node).label), ['30 %', '45 %', '30 %']);
    assert.match(all.tree.getTreeItem(states[0]!).tooltip as string, /^45 % -> 30 %\n/);
    assert.match(String(all.tree.getTreeItem(states[0]!).description), /^just now by .* · Modelswitch · .*restore to 30 %/);
    assert.ok((await all.tree.getChildren(history)).length <= 21);
    await vscode.commands.executeCommand('modelswitch.restoreThisState', states[1]);
    assert.equal(await rollout(), '45');
    assert.deepEqual(asked.map(({ verb }) => verb), ['Restore 30 %', 'Restore 45 %']);
    assert.match(asked[1]!.detail, /This raises exposure/);
  });

  it('advances once when the command comes twice', async () => {
    await setRollout('5');
    answering(all, 'confirm');
    await Promise.all([vscode.commands.executeCommand('modelswitch.promote', ref()), vscode.commands.executeCommand('modelswitch.promote', ref())]);
    assert.equal(await rollout(), '25');
  });

  it('changes nothing while read-only, and offers nothing', async () => {
    const configuration = vscode.workspace.getConfiguration('modelswitch');
    await configuration.update('readOnly', true, vscode.ConfigurationTarget.Workspace);
    try {
      const before = await rollout();
      const asked = answering(all, 'confirm');
      void vscode.commands.executeCommand('modelswitch.promote', ref()).then(undefined, () => undefined);
      await eventually(async () => (await lenses(await openFile('service.py'))).get(8)?.length === 1, 'a lens without actions');
      assert.deepEqual([await rollout(), asked], [before, []]);
    } finally {
      await configuration.update('readOnly', undefined, vscode.ConfigurationTarget.Workspace);
    }
  });

  it('explains in the hover, and shows what the server says as text', async () => {
    const document = await openFile('service.py');
    const { contents, text } = await hoverAt(document, 7, 25);
    assert.match(text, /\*\*production\*\*/);
    assert.match(text, /last change .* by/);
    assert.ok(text.includes('\\*\\*bold\\*\\* \\<b\\>'), text);
    assert.ok(contents.every(({ isTrusted, supportHtml, value }) => isTrusted !== true && supportHtml !== true && (isTrusted === undefined || /^\[\d+ call sites? in \d+ files?\]/.test(value))));
  });

  it('marks problems of modelswitch.yaml at their place, unknown flags included', async () => {
    const document = await openFile('modelswitch.yaml');
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), 'version: 1\nmodels:\n  fraud:\n    flag: host-fruad\nunleash: {enviroment: production}\n');
    await vscode.workspace.applyEdit(edit);
    const messages = (): string[] => vscode.languages.getDiagnostics(document.uri).map(({ message, range }) => `${range.start.line + 1}: ${message}`);
    await eventually(() => messages().some((message) => /^4: .*host-fraud/.test(message)), 'a did-you-mean at line 4');
    assert.ok(messages().some((message) => /^5: .*environment/.test(message)), messages().join('\n'));
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await eventually(() => messages().length === 0, 'no problems after the revert');
  });

  it('sends nothing to another origin that the workspace names', async () => {
    const other = await otherServer();
    const { origin } = other;
    const configuration = (await openFile('modelswitch.yaml')).getText();
    try {
      await useConfiguration(all, configuration.replace('\n', `\nunleash: {url: "${origin}"}\n`));
      await eventually(() => all.connections.targets[0]?.baseUrl === origin, 'the other origin is asked for');
      await eventually(() => all.connections.overview === 'signedOut', 'signed out there');
      await vscode.commands.executeCommand('modelswitch.refresh');
      const byLine = await lenses(await openFile('service.py'));
      assert.deepEqual(byLine.get(8), [`connect to ${origin} to see the rollout`]);
      assert.equal(other.requests(), 0);
    } finally {
      other.close();
      await useConfiguration(all, configuration);
      await eventually(() => all.connections.overview === 'connected', 'connected again');
    }
  });
});
