import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services.ts';
import { admin, answering, eventually, server, services, useConfiguration } from './services.ts';

// Archived at the end: a name is taken for ever.
const flag = `host-segmented-${Date.now().toString(36)}`;
const segment = `${flag}-staff`;

describe('segments of a plan that Unleash does not have', function () {
  this.timeout(60_000);
  let all: Services;
  let configuration: string;
  const uri = (): vscode.Uri => vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, 'modelswitch.yaml');
  const problems = (): vscode.Diagnostic[] => vscode.languages.getDiagnostics(uri()).filter(({ message }) => message.includes(`no segment "${segment}"`));

  async function segments(): Promise<{ id: number; name: string; constraints: { contextName: string; operator: string; values: string[] }[] }[]> {
    const answer = await fetch(`${server.url}/api/admin/segments`, { headers: { authorization: server.token } });
    return (await answer.json() as { segments: Awaited<ReturnType<typeof segments>> }).segments.filter(({ name }) => name === segment);
  }
  async function fixes(): Promise<vscode.CodeAction[]> {
    const [problem] = problems();
    if (problem === undefined) return [];
    const found = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', uri(), problem.range);
    return found.filter(({ title }) => title.startsWith('Create Segment'));
  }
  async function fix(): Promise<void> {
    const [action] = await fixes();
    assert.equal(action?.title, `Create Segment "${segment}" in Unleash...`);
    const { command, arguments: given = [] } = action.command ?? assert.fail('no command');
    await vscode.commands.executeCommand(command, ...given as unknown[]);
  }

  /** Answers the questions: a field by its name, then texts until one is taken. Gives what was said against the texts. */
  async function answeringQuestions(field: string, texts: readonly string[], command: () => Promise<void>): Promise<readonly (string | undefined)[]> {
    const { createQuickPick, createInputBox } = vscode.window;
    const said: (string | undefined)[] = [];
    const nothing = (): void => undefined;
    Object.assign(vscode.window, {
      createQuickPick: () => {
        let accept = nothing;
        let busy = true;
        return {
          items: [] as { label: string }[], selectedItems: [] as { label: string }[], onDidTriggerButton: nothing, onDidHide: nothing, show: nothing, dispose: nothing,
          onDidAccept: (taken: () => void) => (accept = taken),
          get busy() { return busy; },
          set busy(value: boolean) {
            busy = value;
            if (busy) return;
            this.selectedItems = this.items.filter(({ label }) => label === field);
            queueMicrotask(accept);
          },
        };
      },
      createInputBox: () => {
        let accept = (): Promise<void> => Promise.resolve();
        const box = {
          value: '', validationMessage: undefined as string | undefined, busy: false, onDidTriggerButton: nothing, onDidHide: nothing, onDidChangeValue: nothing, dispose: nothing,
          onDidAccept: (taken: () => Promise<void>) => (accept = taken),
          show: async () => {
            for (const text of texts) {
              Object.assign(box, { value: text, validationMessage: undefined });
              await accept();
              said.push(box.validationMessage);
            }
          },
        };
        return box;
      },
    });
    try {
      await command();
    } finally {
      Object.assign(vscode.window, { createQuickPick, createInputBox });
    }
    return said;
  }

  before(async () => {
    all = await services();
    configuration = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri()));
    await admin('POST', '/features', { name: flag, type: 'release' });
    await useConfiguration(all, configuration.replace(/^models:\n/m, `models:\n  segmented:\n    flag: ${flag}\n    plan:\n      - {environment: production, segment: ${segment}, percent: 100, gates: []}\n      - {environment: production, percent: 50, gates: []}\n`));
    await eventually(() => all.connections.overview === 'connected', 'connected');
    await vscode.workspace.openTextDocument(uri());
  });
  after(async () => {
    await vscode.workspace.getConfiguration('modelswitch').update('readOnly', undefined, vscode.ConfigurationTarget.Workspace);
    await useConfiguration(all, configuration);
    await admin('DELETE', `/features/${flag}`);
    for (const { id } of await segments()) await fetch(`${server.url}/api/admin/segments/${id}`, { method: 'DELETE', headers: { authorization: server.token } });
  });

  it('are a problem at their line, which nothing but the fix changes, and that not without being asked', async () => {
    await eventually(() => problems().length === 1, 'the problem');
    assert.match((await vscode.workspace.openTextDocument(uri())).lineAt(problems()[0]!.range.start.line).text, new RegExp(segment));
    const asked = answering(all, 'cancel');
    await answeringQuestions('userId', ['7'], fix);
    assert.deepEqual([asked.map(({ verb }) => verb), await segments(), problems().length], [['Create Segment'], [], 1]);
  });

  it('are neither offered nor made while changes are switched off', async () => {
    const setting = vscode.workspace.getConfiguration('modelswitch');
    await setting.update('readOnly', true, vscode.ConfigurationTarget.Workspace);
    const asked = answering(all, 'confirm');
    assert.deepEqual(await fixes(), []);
    await answeringQuestions('userId', ['7'], async () => { await vscode.commands.executeCommand('modelswitch.createSegment', { segment }); });
    assert.deepEqual([asked, await segments()], [[], []]);
    await setting.update('readOnly', undefined, vscode.ConfigurationTarget.Workspace);
  });

  it('are made by field and values, shown before, and the problem goes', async () => {
    const asked = answering(all, 'confirm');
    const said = await answeringQuestions('userId', [' , ', '7, 8'], fix);
    assert.match(said[0] ?? '', /At least one value/);
    assert.equal(said[1], undefined);
    assert.deepEqual(asked.map(({ message, verb }) => [message, verb]), [[`Create the segment ${segment} in Unleash?`, 'Create Segment']]);
    assert.match(asked[0]!.detail, /^Members: userId is one of 7, 8\.\n.*Nobody gets a candidate by it/);
    assert.ok(asked[0]!.detail.includes(server.url));
    assert.deepEqual((await segments()).map(({ constraints }) => constraints.map(({ contextName, operator, values }) => [contextName, operator, values])), [[['userId', 'IN', ['7', '8']]]]);
    await eventually(() => problems().length === 0, 'the problem goes');
    assert.deepEqual(await fixes(), []);
  });
});
