import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services.ts';
import type { ReleaseNode } from '../../src/extension/releases/releaseTree.ts';
import type { ReleaseFeature } from '../../src/extension/releases/releases.lazy.ts';
import { loadWorkspaceFile } from '../../src/extension/connection/workspaceFile.lazy.ts';
import { admin, answering, eventually, server, services, useConfiguration } from './services.ts';

// Archived at the end: a name is taken for ever.
const flag = `host-released-${Date.now().toString(36)}`;
const PLAN = [
  '      - {environment: development, percent: 100, gates: []}',
  '      - {environment: production, percent: 25, gates: []}',
  '      - {environment: production, percent: 95, gates: []}',
  '      - {environment: production, percent: 100, gates: []}',
].join('\n');
const QUALITY = '    quality: {source: {log: released.jsonl}, window: 1s, guardrails: [{name: errors, bad: error, max_ratio: 1.2, min_rate: 0.001}]}\n';

describe('releases in the editor', function () {
  this.timeout(90_000);
  let all: Services;
  let feature: ReleaseFeature;
  let configuration: string;

  const file = (path: string): vscode.Uri => vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, path);
  const write = (path: string, text: string): Thenable<void> => vscode.workspace.fs.writeFile(file(path), new TextEncoder().encode(text));
  const rollout = async (environment = 'production'): Promise<string | undefined> => (await admin('GET', `/features/${flag}/environments/${environment}/strategies`) as { parameters: Record<string, string> }[])[0]?.parameters['rollout'];
  const titles = async (): Promise<string[]> => (await admin('GET', `/features/${flag}/environments/production/strategies`) as { title: string }[]).map(({ title }) => title);
  const key = (): string => feature.store.states.find((state) => state.flag === flag)!.key;
  const run = (command: string): Thenable<unknown> => vscode.commands.executeCommand(`modelswitch.${command}`, { release: key() });
  const item = (node: ReleaseNode): vscode.TreeItem => feature.tree.getTreeItem(node);
  const root = (): ReleaseNode => feature.tree.getChildren().find(({ release }) => release === key())!;
  const described = (): string => String(item(root()).description);
  const lines = (node = root()): string[] => feature.tree.getChildren(node).flatMap((child) => [`${child.row.label}${child.row.description === '' ? '' : ` | ${child.row.description}`}`, ...lines(child)]);
  const configure = (quality = ''): Promise<void> => useConfiguration(all, configuration.replace(/^models:\n/m, `models:\n  released:\n    flag: ${flag}\n${quality}    plan:\n${PLAN}\n`));

  /** Records of the last moment, 2,000 of the candidate with this rate of errors. Evidence counts by windows that began after the last change, so a window passes first. */
  async function log(candidateErrors: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const now = Date.now();
    const rows = Array.from({ length: 8000 }, (_, index) => {
      const isCandidate = index % 4 === 0;
      const isError = isCandidate ? (index / 4) % 100 < candidateErrors * 100 : index % 50 === 1;
      return JSON.stringify({ ts: new Date(now - 400 + index / 20).toISOString(), request_id: `${now}-${index}`, unit_id: `u${index}`, environment: 'production', service: 's', flag, assigned_arm: isCandidate ? 'candidate' : 'current', model_version: isCandidate ? '14' : '13', role: 'serving', score: 0.5, latency_ms: 5, error: isError ? 'x' : null });
    });
    await write('released.jsonl', `${rows.join('\n')}\n`);
  }

  before(async () => {
    all = await services();
    configuration = new TextDecoder().decode(await vscode.workspace.fs.readFile(file('modelswitch.yaml')));
    await admin('POST', '/features', { name: flag, type: 'release' });
    await configure();
    await eventually(() => all.connections.overview === 'connected', 'connected');
    feature = await all.releases.load();
    await eventually(() => feature.store.states.some((state) => state.flag === flag), 'the release is known');
  });
  after(async () => {
    await vscode.commands.executeCommand('modelswitch.guardOff', { release: key() });
    await useConfiguration(all, configuration);
    await admin('DELETE', `/features/${flag}`);
    await Promise.resolve(vscode.workspace.fs.delete(file('released.jsonl'))).catch(() => undefined);
    await vscode.workspace.getConfiguration('modelswitch').update('readOnly', undefined, vscode.ConfigurationTarget.Global);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('shows what is not started, with its stages', async () => {
    await vscode.commands.executeCommand('modelswitch.refreshReleases');
    await eventually(() => described().includes('not started'), 'looked at').catch(() => assert.fail(described()));
    assert.equal(item(root()).label, 'released');
    assert.match(item(root()).contextValue ?? '', /^release next .*unguarded$/);
    assert.match(item(root()).accessibilityInformation?.label ?? '', /^release, released, /);
    assert.ok(lines().some((line) => line.startsWith('Guard | off in this window')), lines().join('\n'));
    assert.equal(lines().filter((line) => /^\d\. |development 100 %|production \d+ %/.test(line)).length, 4, lines().join('\n'));
  });

  it('changes nothing when the question is cancelled', async () => {
    const asked = answering(all, 'cancel');
    await run('advanceRelease');
    assert.equal(asked.length, 1, JSON.stringify(asked));
    assert.match(asked[0]!.detail, /development: .* -> .*100 %/);
    assert.equal(await rollout('development'), undefined);
  });

  it('advances stage by stage, each after a confirmation with evidence and old and new', async () => {
    const asked = answering(all, 'confirm');
    await run('advanceRelease');
    await run('advanceRelease');
    assert.deepEqual(asked.map(({ verb }) => verb), ['Advance to Stage 1', 'Advance to Stage 2']);
    assert.match(asked[1]!.detail, /production: .* -> .*25 %/);
    assert.match(asked[1]!.detail, /Verdict at stage 1 of 4: advance\./);
    assert.deepEqual([await rollout('development'), await rollout()], ['100', '25']);
    await eventually(() => described().includes('stage 2 of 4'), 'stage 2').catch(() => assert.fail(described()));
  });

  it('shows at the line of its stage in modelswitch.yaml where the release stands', async () => {
    const document = await vscode.workspace.openTextDocument(file('modelswitch.yaml'));
    const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 50);
    assert.deepEqual(found.map(({ range, command }) => [document.lineAt(range.start.line).text.trim(), command?.title]), [['- {environment: production, percent: 25, gates: []}', 'the release is here: advance']]);
  });

  it('tells what is not as the plan has it, and offers the ways out', async () => {
    const [strategy] = await admin('GET', `/features/${flag}/environments/production/strategies`) as { id: string }[];
    await admin('PATCH', `/features/${flag}/environments/production/strategies/${strategy!.id}`, [{ op: 'replace', path: '/parameters/rollout', value: '40' }]);
    await vscode.commands.executeCommand('modelswitch.refresh');
    await vscode.commands.executeCommand('modelswitch.refreshReleases');
    const shown = lines();
    assert.ok(shown.some((line) => line.includes('production is at 40 % instead of 25 %')), shown.join('\n'));
    const way = feature.tree.getChildren(root()).flatMap((node) => feature.tree.getChildren(node)).find(({ row }) => row.way !== undefined && row.label.startsWith('Go back'));
    answering(all, 'confirm');
    const { command } = item(way!);
    await vscode.commands.executeCommand(command!.command, ...command!.arguments as unknown[]);
    assert.equal(await rollout(), '25');
  });

  it('rolls back to the stage before, and goes on again', async () => {
    const quick = vscode.window.showQuickPick;
    const asked = answering(all, 'confirm');
    Object.assign(vscode.window, { showQuickPick: (items: readonly { label: string }[]) => Promise.resolve(items[0]) });
    try {
      await run('rollBackRelease');
    } finally {
      Object.assign(vscode.window, { showQuickPick: quick });
    }
    assert.equal(asked.length, 1);
    assert.notEqual(await rollout(), '25');
    await run('advanceRelease');
    assert.equal(await rollout(), '25');
  });

  it('takes back by the guard what breaches, once, latches, and lets nothing be raised before it is re-armed', async () => {
    await log(0.5);
    await configure(QUALITY);
    await eventually(() => feature.store.states.find((state) => state.flag === flag)?.model.quality !== undefined, 'quality is known');
    answering(all, 'confirm');
    await run('guardOn');
    await eventually(async () => await rollout() === '0', 'taken back', 30_000).catch(async () => assert.fail(`${await rollout()}: ${JSON.stringify(feature.guards.reportOf(key())?.words)}`));
    assert.match((await titles())[0] ?? '', /guard rollback to 0 % .*errors/);
    const changes = async (): Promise<number> => ((await (await fetch(`${process.env['UNLEASH_URL']}/api/admin/events?feature=${flag}`, { headers: { authorization: process.env['UNLEASH_TOKEN'] ?? '' } })).json()) as { events?: unknown[] }).events?.length ?? 0;
    const before = await changes();
    for (let look = 0; look < 3; look += 1) await feature.guards.lookNow();
    assert.equal(await changes(), before);
    await eventually(() => described().startsWith('latched'), 'latched').catch(() => assert.fail(described()));
    const asked = answering(all, 'confirm');
    await run('advanceRelease');
    assert.equal(await rollout(), '0');
    await vscode.commands.executeCommand('modelswitch.promote', { connection: all.connections.targets[0]!.connection, flag, environment: 'production' });
    assert.equal(await rollout(), '0');
    await run('rearmRelease');
    assert.ok(asked.some(({ verb }) => verb === 'Re-Arm'));
    assert.match((await titles())[0] ?? '', /re-armed/);
    await eventually(() => !described().startsWith('latched'), 're-armed').catch(() => assert.fail(described()));
  });

  it('tells the timeline with stages and what the guard did', async () => {
    await run('releaseTimeline');
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    assert.match(text, /guard/);
    assert.match(text, /re-armed/);
  });

  it('says what the guard would do, and does nothing, while changes are switched off', async () => {
    await run('guardOff');
    const asked = answering(all, 'confirm');
    await run('advanceRelease');
    assert.ok(asked.length >= 1);
    await log(0.5);
    await vscode.workspace.getConfiguration('modelswitch').update('readOnly', true, vscode.ConfigurationTarget.Global);
    const held = await rollout();
    await run('guardOn');
    assert.equal(await rollout(), held);
    await run('advanceRelease');
    assert.equal(await rollout(), held);
  });

  it('goes by modelswitch.yaml as it is saved, while somebody is writing in it', async () => {
    const [folder] = vscode.workspace.workspaceFolders!;
    const guarded = key();
    await run('guardOn');
    const saved = all.files.saved(folder!)?.file;
    const document = await vscode.workspace.openTextDocument(file('modelswitch.yaml'));
    const type = async (text: string): Promise<void> => {
      const edit = new vscode.WorkspaceEdit();
      edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
      await vscode.workspace.applyEdit(edit);
      await eventually(() => JSON.stringify(all.files.of(folder!)?.file) === JSON.stringify(loadWorkspaceFile(text)), 'what is typed is read');
      await all.connections.update();
    };
    const whole = document.getText();
    try {
      for (const text of [whole.replace('max_ratio: 1.2', 'max_ratio: 12'), whole.replace('bad: error', 'bad: eror'), 'models: [']) {
        assert.notEqual(text, whole);
        await type(text);
        assert.deepEqual([document.isDirty, all.files.saved(folder!)?.file === saved], [true, true]);
        await feature.guards.lookNow();
        assert.notEqual(feature.guards.reportOf(guarded)?.state ?? 'unreadable', 'unreadable', text);
        assert.equal(feature.store.of(guarded)?.model.quality?.metrics[0]?.maxRatio, 1.2);
      }
      assert.ok(vscode.languages.getDiagnostics(document.uri).length > 0, 'problems are those of what is typed');
      await type(whole.replace('max_ratio: 1.2', 'max_ratio: 1.3'));
      assert.ok(await document.save());
      await eventually(() => feature.store.of(guarded)?.model.quality?.metrics[0]?.maxRatio === 1.3, 'what was saved counts');
    } finally {
      await vscode.commands.executeCommand('workbench.action.files.revert');
      await configure(QUALITY);
    }
  });

  it('says that it does not guard while the window is not connected', async () => {
    const { connection } = all.connections.targets[0]!;
    const looked = async (): Promise<[string | undefined, string | undefined]> => {
      await feature.guards.lookNow();
      const report = feature.guards.reportOf(key());
      return [report?.state, report?.words[0]];
    };
    assert.notEqual((await looked())[0], 'unreadable');
    connection.close();
    assert.deepEqual(await looked(), ['unreadable', `not guarded: this window is not connected to ${server.url}`]);
    await connection.open(server.token);
    assert.notEqual((await looked())[0], 'unreadable');
  });

  it('alarms when modelswitch.yaml no longer says what is to be guarded, and goes on when it does', async () => {
    const guarded = key();
    const warned: string[] = [];
    const { showWarningMessage } = vscode.window;
    Object.assign(vscode.window, { showWarningMessage: (message: string) => { warned.push(message); return Promise.resolve(undefined); } });
    const looked = async (): Promise<[string | undefined, string | undefined]> => {
      await feature.guards.lookNow();
      const report = feature.guards.reportOf(guarded);
      return [report?.state, report?.words[1]];
    };
    try {
      await run('guardOn');
      assert.notEqual((await looked())[0], 'unreadable');
      await configure(QUALITY.replace('bad: error', 'bad: eror'));
      const [state, words] = await looked();
      assert.equal(state, 'unreadable');
      assert.match(words ?? '', /^modelswitch\.yaml:\d+: guardrails\[0\]\.bad: there is no field eror\./);
      await useConfiguration(all, 'models: [');
      assert.equal(feature.store.of(guarded), undefined, 'nothing is known of a plan');
      assert.match((await looked()).join(' '), /^unreadable modelswitch\.yaml:1: Not valid YAML/);
      assert.equal(warned.filter((message) => message.includes('not guarded: modelswitch.yaml is wrong about it; modelswitch.yaml:')).length, 1, warned.join('\n'));
      await configure(QUALITY);
      await eventually(async () => (await looked())[0] !== 'unreadable', 'guarded again');
    } finally {
      Object.assign(vscode.window, { showWarningMessage });
    }
  });

  it('says once that the guard of a release which is planned no more has ended, alarms by nothing of it then, and goes on with a plan', async () => {
    const guarded = key();
    const told: string[] = [];
    const { showWarningMessage, showInformationMessage } = vscode.window;
    const tell = (message: string): Promise<undefined> => { told.push(message); return Promise.resolve(undefined); };
    Object.assign(vscode.window, { showWarningMessage: tell, showInformationMessage: tell });
    const looked = async (text: string): Promise<string | undefined> => {
      await useConfiguration(all, text);
      await feature.guards.lookNow();
      return feature.guards.reportOf(guarded)?.state;
    };
    try {
      assert.equal(await looked(configuration), undefined);
      assert.deepEqual(told.filter((message) => message.includes(flag)), [`The guard of released (flag ${flag}) in this window has ended: modelswitch.yaml has no plan for it any more. It goes on by itself when there is one again.`]);
      told.length = 0;
      for (const text of ['models: [', configuration.replace(/^models:\n/m, 'models:\n  released: 5\n'), configuration]) assert.equal(await looked(text), undefined, text);
      assert.deepEqual(told.filter((message) => message.includes(flag)), []);
      assert.ok(feature.guards.isOn(guarded));
      await configure(QUALITY);
      await feature.guards.lookNow();
      assert.ok(!['unreadable', undefined].includes(feature.guards.reportOf(guarded)?.state));
    } finally {
      Object.assign(vscode.window, { showWarningMessage, showInformationMessage });
    }
  });
});
