import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { FlagNode } from '../../src/extension/flags/flagNodes.ts';
import type { ReleaseFeature } from '../../src/extension/releases/releases.lazy.ts';
import type { Services } from '../../src/extension/services.ts';
import { admin, answering, eventually, lenses, openFile, services, useConfiguration } from './services.ts';

// Archived at the end: a name is taken for ever.
const flag = `host-taken-${Date.now().toString(36)}`;
const REGISTRY = 'taken-registry.yaml';
const MODEL = `  taken:
    flag: ${flag}
    registered_model: host-taken
    plan:
      - {environment: development, percent: 100, gates: []}
      - {environment: production, percent: 25, gates: []}
      - {environment: production, percent: 50, gates: []}
      - {environment: production, percent: 100, gates: []}
`;

describe('a release in the editor, at the call site, in the tree, and taken back', function () {
  this.timeout(120_000);
  let all: Services;
  let feature: ReleaseFeature;
  let configuration: string;

  const file = (path: string): vscode.Uri => vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, path);
  const write = (path: string, text: string): Thenable<void> => vscode.workspace.fs.writeFile(file(path), new TextEncoder().encode(text));
  const read = async (path: string): Promise<string> => new TextDecoder().decode(await vscode.workspace.fs.readFile(file(path)));
  const run = (command: string, argument: object = { release: key() }): Thenable<unknown> => vscode.commands.executeCommand(`modelswitch.${command}`, argument);
  const key = (): string => feature.store.states.find((state) => state.flag === flag)!.key;
  const node = (): FlagNode & { readonly kind: 'flag' } => ({ kind: 'flag', connection: all.connections.targets[0]!.connection, flag });
  const ref = (environment?: string): object => ({ connection: node().connection, flag, ...(environment === undefined ? {} : { environment }) });
  const strategies = async (environment: string): Promise<{ id: string; title: string; parameters: Record<string, string> }[]> => await admin('GET', `/features/${flag}/environments/${environment}/strategies`) as { id: string; title: string; parameters: Record<string, string> }[];
  const rollouts = async (): Promise<(string | undefined)[]> => Promise.all(['development', 'production'].map(async (environment) => (await strategies(environment))[0]?.parameters['rollout']));
  const lens = async (): Promise<string[]> => (await lenses(await openFile('taken.py'))).get(5) ?? [];
  const aliases = async (): Promise<string> => /aliases: (\{.*\})/.exec(await read(REGISTRY))?.[1] ?? '';

  /** What is offered at the call site after the texts, and in the flag's menu, both once the extension knows it. */
  async function offers(actions: readonly string[], call: string | undefined): Promise<void> {
    await eventually(async () => (await lens()).slice(1).join() === actions.join(), `the lens offers ${actions.join(', ')}`).catch(async () => assert.fail(`${actions.join(', ')}: ${(await lens()).join(' | ')}`));
    const context = all.tree.getTreeItem(node()).contextValue?.split(' ') ?? [];
    assert.deepEqual([context.includes('planned'), context.find((word) => word.startsWith('calls-'))], [true, call === undefined ? undefined : `calls-${call}`]);
  }
  /** Runs a command that asks by quick picks, and answers each with the first item whose words match. */
  async function choosing(choices: readonly RegExp[], command: () => Thenable<unknown>): Promise<readonly string[]> {
    const quick = vscode.window.showQuickPick;
    const left = [...choices];
    const labels: string[] = [];
    Object.assign(vscode.window, { showQuickPick: async (given: unknown) => {
      const items = await given as readonly { label: string; description?: string }[];
      const choice = left.shift();
      labels.push(...items.map(({ label }) => label));
      return items.find(({ label }) => choice?.test(label)) ?? assert.fail(`${String(choice)}: ${JSON.stringify(items)}`);
    } });
    try {
      await command();
    } finally {
      Object.assign(vscode.window, { showQuickPick: quick });
    }
    assert.deepEqual(left, []);
    return labels;
  }

  before(async () => {
    all = await services();
    configuration = await read('modelswitch.yaml');
    await admin('POST', '/features', { name: flag, type: 'release' });
    for (const environment of ['development', 'production']) {
      await admin('POST', `/features/${flag}/environments/${environment}/strategies`, { name: 'flexibleRollout', title: 'Modelswitch · taken v14 over v13 · start', parameters: { rollout: '0', stickiness: 'userId', groupId: flag }, constraints: [], segments: [], variants: [] });
      await admin('POST', `/features/${flag}/environments/${environment}/on`);
    }
    await write(REGISTRY, 'version: 1\nmodels:\n  host-taken:\n    aliases: {champion: "13", challenger: "14"}\n    versions:\n      - {version: "13"}\n      - {version: "14"}\n');
    await write('taken.py', `from UnleashClient import UnleashClient\n\nunleash = UnleashClient(url="http://x", app_name="x")\n\nif unleash.is_enabled("${flag}"):\n    pass\n`);
    await useConfiguration(all, `${configuration.trimEnd().replace(/^models:\n/m, `registry: {file: ${REGISTRY}}\nmodels:\n${MODEL}`)}\n`);
    await eventually(() => all.connections.overview === 'connected', 'connected');
    await vscode.commands.executeCommand('modelswitch.refresh');
    feature = await all.releases.load();
    await eventually(() => feature.store.states.some((state) => state.flag === flag), 'the release is known');
  });
  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await useConfiguration(all, configuration);
    for (const path of [REGISTRY, 'taken.py']) await vscode.workspace.fs.delete(file(path));
    await admin('DELETE', `/features/${flag}`);
  });

  it('offers the next stage, and nothing to roll back before anybody is exposed', async () => {
    await offers(['Advance'], 'advance');
    assert.match((await lens())[0] ?? '', /^production 0 % -> taken v14 \(challenger\)$/);
  });

  it('advances by what the lens and the tree call, and offers two actions', async () => {
    answering(all, 'confirm');
    const document = await openFile('taken.py');
    const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 100);
    const { command } = found.find((each) => each.command?.title === 'Advance')!;
    await vscode.commands.executeCommand(command!.command, ...command!.arguments as unknown[]);
    assert.deepEqual(await rollouts(), ['100', '0']);
    await run('advanceRelease', node());
    await run('advanceRelease', node());
    assert.deepEqual(await rollouts(), ['100', '50']);
    await offers(['Advance', 'Roll back'], 'advance');
  });

  it('takes back to an earlier stage, not only to the one before', async () => {
    const asked = answering(all, 'confirm');
    const labels = await choosing([/^Earlier: stage 1 of 4$/], () => run('rollBackRelease'));
    assert.deepEqual(labels, ['Previous stage: stage 2 of 4', 'Earlier: stage 1 of 4', 'All the way: nobody gets the candidate', 'A point of the history...']);
    assert.deepEqual(asked.map(({ verb }) => verb), ['Roll Back to Stage 1']);
    assert.match(asked[0]!.detail, /production: 50 % -> 0 %/);
    assert.deepEqual(await rollouts(), ['100', '0']);
  });

  it('undoes the last change, up or down, after a confirmation; twice it is as before', async () => {
    const cancelled = answering(all, 'cancel');
    await run('undoChange', ref());
    assert.deepEqual([cancelled.length, await rollouts()], [1, ['100', '0']]);
    const asked = answering(all, 'confirm');
    await run('undoChange', ref());
    assert.deepEqual(await rollouts(), ['100', '50']);
    assert.equal(asked[0]!.verb, 'Undo: Restore 50 %');
    assert.match(asked[0]!.detail, /production: 0 % -> 50 %[^]*This raises exposure\./);
    await run('undoChange', ref('production'));
    assert.deepEqual(await rollouts(), ['100', '0']);
    await run('undoChange', ref('production'));
    assert.deepEqual(await rollouts(), ['100', '50']);
  });

  it('takes back to a point of the history', async () => {
    answering(all, 'confirm');
    await choosing([/^A point of the history/, /^production: 25 %$/], () => run('rollBackRelease'));
    assert.deepEqual(await rollouts(), ['100', '25']);
  });

  it('takes back all the way, in every environment', async () => {
    const asked = answering(all, 'confirm');
    await choosing([/^All the way/], () => run('rollBackRelease'));
    assert.deepEqual(asked.map(({ verb }) => verb), ['Roll Back All the Way']);
    assert.deepEqual(await rollouts(), ['0', '0']);
    await offers(['Advance'], 'advance');
  });

  it('calls for re-arming while the guard\'s rollback stands', async () => {
    answering(all, 'confirm');
    for (const stage of [1, 2]) {
      await run('advanceRelease');
      assert.deepEqual(await rollouts(), ['100', stage === 1 ? '0' : '25']);
    }
    const [strategy] = await strategies('production');
    await admin('PATCH', `/features/${flag}/environments/production/strategies/${strategy!.id}`, [{ op: 'replace', path: '/title', value: 'Modelswitch · guard rollback to 25 % · taken v14 over v13 · errors' }]);
    await vscode.commands.executeCommand('modelswitch.refresh');
    await offers(['Re-arm', 'Roll back'], 're-arm');
    await run('rearmRelease', ref());
    await offers(['Advance', 'Roll back'], 'advance');
  });

  it('completes at the end of the plan, and takes the completion back', async () => {
    const asked = answering(all, 'confirm');
    await run('advanceRelease');
    await run('advanceRelease');
    assert.deepEqual(await rollouts(), ['100', '100']);
    await offers(['Complete', 'Roll back'], 'complete');
    await run('completeRelease', ref());
    assert.equal(asked.at(-1)?.verb, 'Complete Release');
    assert.match(asked.at(-1)!.detail, /champion of host-taken: 13 -> 14/);
    assert.equal(await aliases(), '{champion: "14", challenger: "14"}');
    await offers(['Roll back'], undefined);
    await choosing([/^Before the completion$/], () => run('rollBackRelease'));
    assert.deepEqual([await rollouts(), await aliases()], [['0', '0'], '{champion: "13", challenger: "14"}']);
    assert.deepEqual(asked.slice(-2).map(({ verb }) => verb), ['Roll Back All the Way', 'Move Alias Back']);
  });

  it('offers and changes nothing while changes are switched off', async () => {
    const setting = vscode.workspace.getConfiguration('modelswitch');
    await setting.update('readOnly', true, vscode.ConfigurationTarget.Workspace);
    try {
      const asked = answering(all, 'confirm');
      await offers([], undefined);
      await Promise.race([run('undoChange', ref()), new Promise((resolve) => setTimeout(resolve, 500))]);
      assert.deepEqual([asked.length, await rollouts()], [0, ['0', '0']]);
    } finally {
      await setting.update('readOnly', undefined, vscode.ConfigurationTarget.Workspace);
    }
  });
});
