import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { FlagNode } from '../../src/extension/flags/flagNodes.ts';
import type { Services } from '../../src/extension/services.ts';
import { admin, eventually, hoverAt, openFile, server, services } from './services.ts';

const flag = 'host-personas';
const strategies = `/features/${flag}/environments/production/strategies`;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

describe('personas in the editor', () => {
  let all: Services;
  const original = globalThis.fetch;
  let playground = 0;

  before(async function start() {
    this.timeout(60_000);
    all = await services();
    await admin('POST', '/features', { name: flag, type: 'release' });
    if ((await admin('GET', strategies) as unknown[]).length === 0) {
      await admin('POST', strategies, { name: 'flexibleRollout', title: 'canary', parameters: { rollout: '100', stickiness: 'userId', groupId: flag }, constraints: [], segments: [], variants: [] });
    }
    await admin('POST', `/features/${flag}/environments/production/on`);
    await eventually(() => all.connections.overview === 'connected', 'connected');
    await setRollout('100');
    globalThis.fetch = (input, init) => {
      // The one with a user in it is about personas: the store's own bulk read has none.
      if (textOf(input).includes('/playground') && textOf(init?.body).includes('"userId"')) playground += 1;
      return original(input, init);
    };
  });
  after(() => (globalThis.fetch = original));

  const connection = (): Services['connections']['all'][number] => all.connections.targets[0]!.connection;
  const environment = (): FlagNode => ({ kind: 'environment', connection: connection(), flag, environment: 'production' });
  const lines = (): { label: string; tooltip: string }[] => (all.tree.getChildren(environment()) as FlagNode[])
    .flatMap((node) => (node.kind === 'detail' && node.icon === 'person' ? [{ label: node.label, tooltip: node.tooltip ?? '' }] : []));
  const labels = (): string => lines().map(({ label }) => label).join(' | ');

  async function setRollout(percent: string): Promise<void> {
    const [first] = await admin('GET', strategies) as { id: string }[];
    await admin('PATCH', `${strategies}/${first!.id}`, [{ op: 'replace', path: '/parameters/rollout', value: percent }]);
    await vscode.commands.executeCommand('modelswitch.refresh');
    await eventually(() => connection().session?.store.snapshot?.flags.get(flag)?.environments.find(({ name }) => name === 'production')?.strategies[0]?.parameters['rollout'] === percent, `${percent} % in the snapshot`);
  }

  it('shows what each persona gets below the environment, with the reason', async () => {
    await eventually(() => labels() === 'seven: on | nobody: off', 'answers in the tree');
    assert.deepEqual(lines().map(({ tooltip }) => tooltip), [
      'production: on: strategy "canary" matched at 100 %',
      'production: off: it is sticky on userId, which is missing',
    ]);
  });

  it('asks once for each change of the flag, however often tree and hover show it', async () => {
    await eventually(() => labels() === 'seven: on | nobody: off', 'answers in the tree');
    const before = playground;
    const document = await openFile('service.py');
    for (let turn = 0; turn < 5; turn += 1) {
      labels();
      await vscode.commands.executeCommand('vscode.executeHoverProvider', document.uri, new vscode.Position(7, 25));
    }
    // The mapped flag was asked for in the same request.
    assert.equal(playground, before);
    await setRollout('0');
    const refreshed = playground;
    await eventually(() => labels() === 'seven: off | nobody: off', 'new answers');
    for (let turn = 0; turn < 5; turn += 1) labels();
    assert.equal(playground, refreshed + 1);
    await setRollout('100');
  });

  it('tells in the hover what each persona gets in the environment that is named first, as text', async () => {
    await admin('POST', '/features/host-fraud/environments/production/on');
    const document = await openFile('service.py');
    const hover = async (): Promise<vscode.MarkdownString> => (await hoverAt(document, 7, 25)).contents.find(({ value }) => value.includes('**personas**'))!;
    await eventually(async () => /\*\*personas\*\* in production\n\n- seven: \*\*(candidate|current) \\\((on|off)\\\)\*\*/.test((await hoverAt(document, 7, 25)).text), 'personas in the hover');
    const { value, isTrusted } = await hover();
    assert.match(value, /- nobody: \*\*current \\\(off\\\)\*\* it is sticky on userId\\, which is missing/);
    assert.ok(isTrusted !== true);
  });

  it('shows a document with the reasons, and compares with the frontend API', async () => {
    await setRollout('100');
    await vscode.commands.executeCommand('modelswitch.whichModel', { connection: connection(), flag, environment: 'production', persona: 'seven' });
    const text = (): string => vscode.window.activeTextEditor!.document.getText();
    assert.match(text(), /^Which model would seven get of host-personas, on http/);
    assert.match(text(), /seven, asked with region eu, userId 7\n\nproduction: on: strategy "canary" matched at 100 %\n/);
    assert.match(text(), /The frontend API (agrees: on|says off, the playground on\. The flag was changed)/);
    assert.match(text(), /\ndevelopment: off: the environment is switched off\n/);
    // The frontend API follows a change within a second or so.
    await eventually(async () => {
      await vscode.commands.executeCommand('modelswitch.whichModel', { connection: connection(), flag, environment: 'production', persona: 'seven' });
      return text().includes('The frontend API agrees: on.');
    }, 'a later look');
  });

  it('informs about a property of a persona that is no context field', async () => {
    const document = await openFile('modelswitch.yaml');
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(document.lineCount - 1, 0), '  - {name: typo, properties: {regoin: eu}}\n');
    await vscode.workspace.applyEdit(edit);
    const found = (): vscode.Diagnostic[] => vscode.languages.getDiagnostics(document.uri);
    try {
      await eventually(() => found().some(({ message }) => message.includes('no context field "regoin"') && message.includes('Did you mean "region"?')), 'a hint');
      assert.deepEqual(found().map(({ severity, range }) => [severity, document.getText(range)]), [[vscode.DiagnosticSeverity.Information, 'regoin']]);
    } finally {
      await vscode.commands.executeCommand('workbench.action.files.revert');
    }
  });

  it('never sends the frontend token to another origin', async () => {
    assert.ok(server.url !== '');
    const sent: string[] = [];
    const counting = globalThis.fetch;
    globalThis.fetch = (input, init) => {
      if (JSON.stringify(init?.headers ?? {}).includes(process.env['UNLEASH_FRONTEND_TOKEN'] ?? 'no token')) sent.push(textOf(input));
      return counting(input, init);
    };
    try {
      await vscode.commands.executeCommand('modelswitch.whichModel', { connection: connection(), flag, environment: 'production', persona: 'seven' });
    } finally {
      globalThis.fetch = counting;
    }
    assert.ok(sent.length > 0);
    assert.ok(sent.every((url) => url.startsWith(`${server.url}/api/frontend?`)), sent.join());
  });
});
