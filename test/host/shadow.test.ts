import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services.ts';
import { admin, answering, eventually, services } from './services.ts';

// Archived at the end: a name is taken for ever.
const flag = `host-shadowed-${Date.now().toString(36)}`;

describe('the shadow of a flag in the editor', function () {
  this.timeout(90_000);
  let all: Services;

  const state = async (name = `${flag}.shadow`): Promise<unknown> => {
    const found = await admin('GET', `/features/${name}/environments/production`) as { enabled?: boolean } | undefined;
    const strategies = await admin('GET', `/features/${name}/environments/production/strategies`) as { parameters: Record<string, string> }[];
    return found?.enabled === undefined ? undefined : [found.enabled, strategies.map(({ parameters }) => [parameters['rollout'], parameters['stickiness']])];
  };
  const run = (command: string): Thenable<unknown> => vscode.commands.executeCommand(`modelswitch.${command}`, { connection: all.connections.all[0], flag, environment: 'production' });

  before(async () => {
    all = await services();
    await admin('POST', '/features', { name: flag, type: 'release' });
    await eventually(() => all.connections.overview === 'connected', 'connected');
    await all.connections.refresh();
    await eventually(() => all.connections.all[0]?.session?.store.snapshot?.flags.has(flag) === true, 'the flag is known');
  });
  after(async () => {
    for (const name of [flag, `${flag}.shadow`]) await admin('DELETE', `/features/${name}`);
    await vscode.workspace.getConfiguration('modelswitch').update('readOnly', undefined, vscode.ConfigurationTarget.Global);
  });

  it('is made and switched on after two questions, with the server and old and new in them', async () => {
    const cancelled = answering(all, 'cancel');
    await run('shadowOn');
    assert.deepEqual([cancelled.map(({ verb }) => verb), (await admin('GET', `/features/${flag}.shadow`) as { name: string }).name], [['Create at 0 %'], 'NotFoundError']);
    const asked = answering(all, 'confirm');
    await run('shadowOn');
    assert.deepEqual(asked.map(({ verb }) => verb), ['Create at 0 %', 'Shadow 100 % of Requests']);
    assert.match(asked[1]?.detail ?? '', /production: .* -> .*100 %/);
    assert.deepEqual(await state(), [true, [['100', 'random']]]);
  });

  it('is switched off by one question, and the flag itself is not touched', async () => {
    const asked = answering(all, 'confirm');
    await eventually(() => all.connections.all[0]?.session?.store.snapshot?.flags.has(`${flag}.shadow`) === true, 'the shadow is known');
    await run('shadowOff');
    assert.deepEqual(asked.map(({ verb }) => verb), ['Switch Shadow Off']);
    assert.deepEqual(await state(), [false, [['100', 'random']]]);
    assert.deepEqual(await state(flag), [false, []]);
  });

  it('is sampled by a share that is asked for', async () => {
    const asked = answering(all, 'confirm');
    let isDone = false;
    const running = Promise.resolve(run('shadowSampling')).then(() => (isDone = true));
    // Where it is off, the box proposes ten per cent.
    await eventually(async () => {
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      return isDone;
    }, 'the box is answered');
    await running;
    assert.deepEqual(asked.map(({ verb }) => verb), ['Shadow 10 % of Requests']);
    assert.deepEqual(await state(), [true, [['10', 'random']]]);
  });

  it('is left as it is where nothing may be written', async () => {
    await vscode.workspace.getConfiguration('modelswitch').update('readOnly', true, vscode.ConfigurationTarget.Global);
    const asked = answering(all, 'confirm');
    // It ends with a message, which waits for an answer.
    const running = run('shadowOn');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await vscode.commands.executeCommand('notifications.clearAll');
    await running;
    assert.deepEqual([asked, await state()], [[], [true, [['10', 'random']]]]);
  });
});
