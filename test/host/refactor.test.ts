import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services.ts';
import { admin, answering, eventually, openFile, services } from './services.ts';

describe('code actions on model switches', () => {
  let all: Services;

  before(async function start() {
    this.timeout(60_000);
    all = await services();
  });

  async function actionsAt(document: vscode.TextDocument, word: string): Promise<vscode.CodeAction[]> {
    const at = document.positionAt(document.getText().indexOf(word));
    const found = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, new vscode.Range(at, at), vscode.CodeActionKind.RefactorRewrite.value, 20);
    return found.filter(({ title }) => /Model Switch|Finish Release/.test(title));
  }

  async function revert(document: vscode.TextDocument): Promise<void> {
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  }

  it('wraps a predict call in a switch of the mapped flag', async () => {
    const document = await openFile('finish.py');
    const [action] = await actionsAt(document, 'predict(row)');
    assert.equal(action?.title, 'Wrap in a Model Switch (host-fraud)');
    assert.ok(await vscode.workspace.applyEdit(action.edit!));
    assert.ok(document.getText().includes([
      '    if client.is_enabled("host-fraud", {"userId": user_id}):',
      '        score = candidate.predict(row)',
      '    else:',
      '        score = model.predict(row)',
      '    return score',
    ].join('\n')), document.getText());
    await revert(document);
  });

  it('offers nothing where no client is in scope, and nothing away from a call', async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'python', content: 'print(model.predict(1))\nx = 1\n' });
    await vscode.window.showTextDocument(document);
    assert.deepEqual(await actionsAt(document, 'predict'), []);
    const finished = await openFile('finish.py');
    assert.deepEqual(await actionsAt(finished, 'from keys'), []);
    assert.deepEqual(await actionsAt(finished, 'return score'), []);
  });

  it('adds a shadow call, and none where it is refused', async () => {
    const text = (on: string): string => `import json\n\n\ndef score(row, request_id):\n    if client.is_enabled("host-fraud", {"userId": str(row)}):\n        y = ${on}\n    else:\n        y = model.predict(row)\n    return y\n`;
    const shadowAction = async (document: vscode.TextDocument): Promise<vscode.CodeAction | undefined> => {
      const at = document.positionAt(document.getText().indexOf('is_enabled'));
      const found = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, new vscode.Range(at, at), vscode.CodeActionKind.RefactorRewrite.value, 20);
      return found.find(({ title }) => title === 'Add Shadow Call');
    };
    const document = await vscode.workspace.openTextDocument({ language: 'python', content: text('candidate.predict(\n            row,  # whole\n        )[0]') });
    await vscode.window.showTextDocument(document);
    const action = await shadowAction(document);
    assert.ok(action?.edit);
    assert.ok(await vscode.workspace.applyEdit(action.edit));
    const after = document.getText();
    assert.ok(after.includes('    else:\n        shadow_calls.submit("host-fraud", lambda: (client, {"userId": str(row)}, request_id, lambda row=row: candidate.predict(\n            row,  # whole\n        )[0]))\n        y = model.predict(row)\n'), after);
    assert.ok(after.startsWith('import json\n\n\nclass ShadowCalls:\n') && after.includes('\n\n\nshadow_calls = ShadowCalls("logs/predictions-shadow.jsonl")\n\n\ndef score('), after);
    await revert(document);
    const refused = await vscode.workspace.openTextDocument({ language: 'python', content: text('save(candidate.predict(row))') });
    await vscode.window.showTextDocument(refused);
    // Reasons do not come through this command.
    assert.equal((await shadowAction(refused))?.edit, undefined);
    await revert(refused);
  });

  it('finishes a release through the refactor preview, from the text in the editor', async () => {
    const document = await openFile('finish.py');
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(8, 0), '    # not saved yet\n');
    await vscode.workspace.applyEdit(edit);
    const before = document.getText();
    const actions = await actionsAt(document, 'is_enabled');
    assert.deepEqual(actions.map(({ title }) => title), ['Finish Release: Keep Candidate (host-finish)...', 'Finish Release: Keep Current (host-finish)...']);
    let done = false;
    const { command, arguments: args } = actions[0]!.command!;
    const running = vscode.commands.executeCommand(command, ...args as unknown[]).then(() => { done = true; });
    // Nothing changes before the person has accepted it.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.deepEqual([done, document.getText()], [false, before]);
    await eventually(async () => {
      await vscode.commands.executeCommand('refactorPreview.apply');
      return done;
    }, 'the preview applied');
    await running;
    assert.equal(document.getText(), 'def predict(model, candidate, user_id, row):\n    # not saved yet\n    return "candidate"\n');
    const keys = await openFile('keys.py');
    assert.equal(keys.getText(), '');
    await revert(keys);
    await revert(document);
  });

  it('archives a flag after a confirmation that tells the rollout', async function archiveOne() {
    this.timeout(60_000);
    await eventually(() => all.connections.overview === 'connected', 'connected', 40_000);
    // Both editors are tested on one server, and an archived flag keeps its name.
    const flag = `host-archive-${Date.now()}`;
    await admin('POST', '/features', { name: flag, type: 'release' });
    await admin('POST', `/features/${flag}/environments/production/strategies`, { name: 'flexibleRollout', parameters: { rollout: '25', stickiness: 'userId', groupId: flag }, constraints: [], segments: [], variants: [] });
    await admin('POST', `/features/${flag}/environments/production/on`);
    const ref = { connection: all.connections.targets[0]!.connection, flag };
    const refused = answering(all, 'cancel');
    await vscode.commands.executeCommand('modelswitch.archiveFlag', ref);
    assert.match(refused[0]!.detail, /production: 25 % -> off/);
    assert.match(refused[0]!.detail, /neither at 0 % nor at 100 %/);
    assert.notEqual(await admin('GET', `/features/${flag}`), undefined);
    answering(all, 'confirm');
    await vscode.commands.executeCommand('modelswitch.archiveFlag', ref);
    const { features } = await admin('GET', '/features') as { features: { name: string }[] };
    assert.ok(!features.some(({ name }) => name === flag));
  });
});
