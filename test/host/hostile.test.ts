import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { Connection, type ConnectionParts } from '../../src/extension/connection/connection.ts';
import { SnapshotFile } from '../../src/extension/connection/snapshotFile.ts';
import type { Services } from '../../src/extension/services.ts';
import { Log } from '../../src/extension/platform/log.ts';
import { parseBulk } from '../../src/adapters/unleash/bulk.ts';
import { systemClock } from '../../src/extension/platform/clock.ts';
import { HOSTILE_NAME, holdsToken, hostileServer, hostileUnleash, type HostileServer } from '../support/hostileServer.ts';
import { admin, answering, eventually, openFile, server, services, useConfiguration } from './services.ts';

const TOKEN = `user:${'3f9c51d20b7a84e6'.repeat(4)}`;
const flag = 'hostile-flag';

describe('hostile workspaces and servers in the editor', () => {
  let all: Services;

  before(async function start() {
    this.timeout(60_000);
    all = await services();
    await eventually(() => all.connections.overview === 'connected', 'connected', 45_000);
    await admin('POST', '/features', { name: flag, type: 'release' });
    const strategies = await admin('GET', `/features/${flag}/environments/production/strategies`) as unknown[];
    if (strategies.length === 0) await admin('POST', `/features/${flag}/environments/production/strategies`, { name: 'flexibleRollout', parameters: { rollout: '25', stickiness: 'userId', groupId: flag } });
    await admin('POST', `/features/${flag}/environments/production/on`);
    await vscode.commands.executeCommand('modelswitch.refresh');
    await eventually(() => all.connections.all[0]?.session?.store.snapshot?.flags.has(flag) === true, 'the flag is known');
  });

  describe('another origin in modelswitch.yaml', () => {
    let other: HostileServer;
    let configuration: string;
    before(async () => {
      other = await hostileServer();
      configuration = (await openFile('modelswitch.yaml')).getText();
    });
    after(async function restore() {
      other.close();
      await useConfiguration(all, configuration);
      await eventually(() => all.connections.overview === 'connected', 'connected again');
    });

    for (const [what, spelled] of Object.entries({
      'another port': (port: number) => `http://127.0.0.1:${port}`,
      'capitals and a trailing dot': (port: number) => `HTTP://LOCALHOST.:${port}/`,
      'IPv6': (port: number) => `http://[::1]:${port}`,
      'a number': (port: number) => `http://2130706433:${port}`,
      'backslashes': (port: number) => `http:\\\\\\\\localhost:${port}`,
      'a user that looks like the host': (port: number) => `${server.url}@localhost:${port}`,
      'wide letters and a tab': (port: number) => `http://ｌｏｃａｌ\\thost:${port}`,
      'an API path': (port: number) => `http://localhost:${port}/api/admin`,
    })) {
      it(`gets no request: ${what}`, async () => {
        await useConfiguration(all, `version: 1\nunleash: {url: "${spelled(other.port)}"}\nmodels: {fraud: {flag: host-fraud}}\n`);
        // What is no address of a server is left out, and what the user set himself counts.
        await eventually(() => all.connections.overview === 'signedOut' || all.connections.targets[0]?.baseUrl === server.url, 'the file was read');
        await vscode.commands.executeCommand('modelswitch.refresh');
        await new Promise((resolve) => setTimeout(resolve, 300));
        assert.deepEqual(other.requests, []);
      });
    }
  });

  describe('read-only', () => {
    const configuration = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('modelswitch');
    const ref = (environment = 'production'): unknown => ({ connection: all.connections.targets[0]!.connection, flag, environment });
    const set = async (global: boolean | undefined, workspace: boolean | undefined): Promise<void> => {
      await configuration().update('readOnly', global, vscode.ConfigurationTarget.Global);
      await configuration().update('readOnly', workspace, vscode.ConfigurationTarget.Workspace);
    };
    const state = async (): Promise<unknown> => {
      const { environments } = await admin('GET', `/features/${flag}`) as { environments: { name: string; enabled: boolean; strategies: { parameters: unknown }[] }[] };
      return environments.map(({ name, enabled, strategies }) => [name, enabled, strategies.map(({ parameters }) => parameters)]);
    };
    afterEach(() => set(undefined, undefined));

    for (const [what, global, workspace] of [['set by the user', true, undefined], ['set by the workspace', undefined, true], ['set by the user, though the workspace says no', true, false]] as const) {
      it(`refuses every command that writes: ${what}`, async () => {
        await set(global, workspace);
        const before = await state();
        const asked = answering(all, 'confirm');
        for (const command of ['promote', 'rollBack', 'enableEnvironment', 'disableEnvironment']) {
          void vscode.commands.executeCommand(`modelswitch.${command}`, ref()).then(undefined, () => undefined);
        }
        // These two ask for something first; what is picked leads to the same refusal.
        for (const command of ['killSwitch', 'setRollout', 'restoreState']) {
          void vscode.commands.executeCommand(`modelswitch.${command}`, ref()).then(undefined, () => undefined);
          await new Promise((resolve) => setTimeout(resolve, 700));
          await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
          await new Promise((resolve) => setTimeout(resolve, 300));
          await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
        }
        assert.deepEqual([await state(), asked], [before, []]);
        const environments = await all.tree.getChildren({ kind: 'flag', connection: all.connections.targets[0]!.connection, flag });
        assert.ok(environments.length > 0 && environments.every((node) => !/rollout|switch/.test(all.tree.getTreeItem(node).contextValue ?? '')), 'nothing is offered');
      });
    }

    it('stops a change that was confirmed when it is switched on while the question is open', async () => {
      const before = await state();
      let open = (): void => undefined;
      const opened = new Promise<void>((resolve) => (open = resolve));
      let answer: (confirmed: boolean) => void = () => undefined;
      all.prompts.current = { confirm: () => new Promise((resolve) => {
        answer = resolve;
        open();
      }) };
      void vscode.commands.executeCommand('modelswitch.promote', ref());
      await opened;
      await set(true, undefined);
      answer(true);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      assert.deepEqual(await state(), before);
    });
  });

  describe('a server that calls everything by hostile names and writes the token back', () => {
    let hostile: HostileServer;
    let connection: Connection;
    let folder: vscode.Uri;
    const logged: string[] = [];

    before(async function connect() {
      this.timeout(60_000);
      hostile = await hostileServer(hostileUnleash((place) => `${place} ${TOKEN} ${HOSTILE_NAME}`));
      folder = vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, '.hostile-storage');
      const log = new Log();
      for (const level of ['trace', 'info', 'warn'] as const) log[level] = (message) => void logged.push(message);
      const snapshots = new SnapshotFile(folder, log);
      const parts: ConnectionParts = { fetch: (url, init) => fetch(url, init), parseBulk: (texts) => Promise.resolve(parseBulk(texts)), clock: systemClock, log, pollEveryMs: () => 60_000, snapshots };
      connection = new Connection(hostile.origin, 'default', parts);
      await connection.open(TOKEN);
      await connection.session!.store.refresh();
    });
    after(async () => {
      connection.dispose();
      hostile.close();
      await vscode.workspace.fs.delete(folder, { recursive: true });
    });

    it('has no token in the state, the flags or the file that keeps them', async () => {
      assert.equal(connection.state.kind, 'connected');
      const { snapshot } = connection.session!.store;
      assert.equal(snapshot?.flags.size, 1);
      const file = await eventuallyFile(folder);
      assert.ok(file.includes('[redacted]') && !holdsToken(file, TOKEN));
      assert.ok(!holdsToken(JSON.stringify([connection.state, [...snapshot.flags], [...snapshot.segments], logged]), TOKEN));
    });

    it('says nothing of it when the server fails', async () => {
      const failing = new Connection(hostile.origin, 'default', { ...({} as ConnectionParts), fetch: () => Promise.resolve(new Response(`{"name":"${TOKEN}","message":"${TOKEN}"}`, { status: 400 })), parseBulk: () => Promise.resolve([]), clock: systemClock, log: new Log(), pollEveryMs: () => 60_000, snapshots: new SnapshotFile(undefined, new Log()) });
      await failing.open(TOKEN);
      assert.ok(failing.state.kind === 'failed' && failing.state.error.message.includes('[redacted]') && !holdsToken(failing.state.error.message, TOKEN));
      failing.dispose();
    });
  });
});

async function eventuallyFile(folder: vscode.Uri): Promise<string> {
  let text = '';
  await eventually(async () => {
    const [found] = await vscode.workspace.fs.readDirectory(folder).then((entries) => entries, () => []);
    if (found === undefined) return false;
    text = new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.joinPath(folder, found[0])));
    return text !== '';
  }, 'the snapshot is saved');
  return text;
}
