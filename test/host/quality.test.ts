import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../src/extension/services.ts';
import type { FlagNode } from '../../src/extension/flags/flagNodes.ts';
import type { QualityFeature } from '../../src/extension/quality/quality.lazy.ts';
import type { DashboardModel } from '../../src/shared/dashboard.ts';
import { admin, eventually, lenses, openFile, services, useConfiguration } from './services.ts';

// Archived at the end: a name is taken for ever.
const flag = `host-watched-${Date.now().toString(36)}`;
const MINUTE = 60_000;

interface Arm { readonly errors: number; readonly until?: number }

describe('quality in the editor', function () {
  this.timeout(90_000);
  let all: Services;
  let feature: QualityFeature;
  let configuration: string;
  let logs = 0;
  let exposed = 0;
  let ref: { readonly folder: string; readonly model: string };

  const folder = (): vscode.WorkspaceFolder => vscode.workspace.workspaceFolders![0]!;
  const file = (path: string): vscode.Uri => vscode.Uri.joinPath(folder().uri, path);
  const write = (path: string, text: string): Thenable<void> => vscode.workspace.fs.writeFile(file(path), new TextEncoder().encode(text));

  /** Records of each arm, up to so many milliseconds ago. */
  async function log({ candidate, current }: { readonly candidate: Arm; readonly current: Arm }, change: (index: number) => object = () => ({}), stepMs = 75): Promise<void> {
    const now = Date.now();
    const rows = Array.from({ length: 8000 }, (_, index) => {
      const isCandidate = index % 4 === 0;
      const { errors, until = 0 } = isCandidate ? candidate : current;
      const place = Math.floor(index / 4);
      return JSON.stringify({
        ts: new Date(now - until - Math.round((8000 - index) * stepMs)).toISOString(), request_id: `${now}-${index}`, unit_id: `u${index}`, environment: 'production', service: 's', flag, assigned_arm: isCandidate ? 'candidate' : 'current', model_version: isCandidate ? '14' : '13',
        role: 'serving', features: { amount: 100 + ((index * 7919) % 1000), country: ['DE', 'FR'][place % 2] }, score: ((index * 31) % 100) / 100, latency_ms: 5, error: place % 1000 < errors * 1000 ? 'timeout' : null, ...change(index),
      });
    });
    // Another name, and so another reading: what a file held counts for good.
    logs += 1;
    await write(`watched-${logs}.jsonl`, `${rows.join('\n')}\n`);
    await configure(`watched-${logs}.jsonl`);
    await feature.store.refresh(ref);
  }
  async function configure(source: string): Promise<void> {
    await useConfiguration(all, configuration.replace(/^models:\n/m, `models:\n  watched:\n    flag: ${flag}\n    quality:\n      source: {log: ${source}}\n      window: 1s\n      guardrails: [{name: errors, bad: error, max_ratio: 1.2, min_rate: 0.001}]\n      drift: {reference: train.csv, features: [amount, country]}\n      skew: {exec: [${JSON.stringify(process.execPath)}, -e, "process.stdin.pipe(process.stdout)"], sample: 100}\n`));
    await eventually(() => { const target = feature.store.of(ref)?.definition.source; return target?.kind === 'log' && target.log[0] === source; }, `the source ${source} is known`);
  }
  const lens = async (): Promise<string> => [...(await lenses(await openFile('watched.py'))).values()].flat().join(' | ');
  const label = (node: FlagNode): string => { const item = all.tree.getTreeItem(node); return `${typeof item.label === 'string' ? item.label : item.label?.label ?? ''} | ${String(item.description)}`; };
  const children = async (node?: FlagNode): Promise<FlagNode[]> => (await all.tree.getChildren(node));
  /** The node Quality and its lines. */
  async function tree(): Promise<string[]> {
    const roots = await children();
    const flags = roots.some((node) => node.kind === 'flag') ? roots : (await Promise.all(roots.map((node) => children(node)))).flat();
    const own = flags.find((node) => node.kind === 'flag' && node.flag === flag);
    if (own === undefined) return [];
    const quality = (await children(own)).find((node) => label(node).startsWith('Quality'));
    return quality === undefined ? [] : [label(quality), ...(await children(quality)).map(label)];
  }
  const shown = (): DashboardModel | undefined => { const last = feature.dashboards.of(ref)?.last; return last?.kind === 'model' ? last.model : undefined; };

  before(async () => {
    all = await services();
    configuration = new TextDecoder().decode(await vscode.workspace.fs.readFile(file('modelswitch.yaml')));
    await admin('POST', '/features', { name: flag, type: 'release' });
    await admin('POST', `/features/${flag}/environments/production/strategies`, { name: 'flexibleRollout', parameters: { rollout: '25', stickiness: 'default', groupId: flag }, constraints: [], segments: [] });
    await admin('POST', `/features/${flag}/environments/production/on`);
    exposed = Date.now();
    await write('watched.py', `from UnleashClient import UnleashClient\n\nclient = UnleashClient(url="http://unleash/api", app_name="watched")\n\n\ndef predict(user):\n    return client.is_enabled("${flag}", {"userId": user})\n`);
    await write('train.csv', `amount,country\n${Array.from({ length: 2000 }, (_, row) => `${100 + ((row * 7919) % 1000)},${['DE', 'FR'][row % 2]}`).join('\n')}\n`);
    ref = { folder: folder().uri.toString(), model: 'watched' };
    await eventually(() => all.connections.overview === 'connected', 'connected');
    feature = await all.quality.load();
    await configure('watched-0.jsonl');
    await all.connections.refresh();
  });
  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await useConfiguration(all, configuration);
    for (const name of ['watched.py', 'train.csv', ...Array.from({ length: logs }, (_, index) => `watched-${index + 1}.jsonl`)]) await Promise.resolve(vscode.workspace.fs.delete(file(name))).catch(() => undefined);
    await admin('DELETE', `/features/${flag}`);
  });

  it('says the worst guardrail in words: in the lens, and with every line in the tree', async () => {
    // Evidence begins with the first exposure: what counts came after it.
    await eventually(() => Date.now() > exposed + 3000, 'the exposure is a while ago');
    await log({ candidate: { errors: 0.1 }, current: { errors: 0.02 } }, undefined, 0.05);
    await eventually(async () => /errors worse: 10 % vs 2 %/.test(await lens()), 'the lens').catch(async () => assert.fail(await lens()));
    const [quality, ...lines] = await tree();
    assert.match(quality ?? '', /^Quality \| errors worse: 10 % vs 2 % \(n 8k, now\)$/);
    assert.ok(lines.some((line) => /^errors \| worse · 10 % vs 2 %/.test(line)), lines.join('\n'));
    assert.ok(lines.some((line) => /^share of units \| observed 25 %, configured /.test(line)), lines.join('\n'));
    assert.ok(lines.includes('no drift | against train.csv, last 24 h'), lines.join('\n'));
  });

  it('opens the dashboard by a click on what the lens says of the quality', async () => {
    const document = await openFile('watched.py');
    const found = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', document.uri, 100);
    assert.deepEqual(found.map(({ command }) => [command?.title.replace(/: .*/, ''), command?.command]), [
      ['production 25 % -> watched candidate', 'modelswitch.revealFlag'], ['errors worse', 'modelswitch.openDashboard'], ['Promote', 'modelswitch.promote'], ['Roll back', 'modelswitch.rollBack'],
    ]);
    await vscode.commands.executeCommand(found[1]!.command!.command, ...found[1]!.command!.arguments as unknown[]);
    await eventually(() => shown()?.model === 'watched', 'the dashboard');
    feature.dashboards.of(ref)?.dispose();
  });

  it('asks which of two models behind a flag is meant, and says how each does', async () => {
    const whole = new TextDecoder().decode(await vscode.workspace.fs.readFile(file('modelswitch.yaml')));
    const { showQuickPick } = vscode.window;
    const asked: { readonly items: readonly { readonly label: string; readonly description: string; readonly detail: string }[]; readonly title: string }[] = [];
    Object.assign(vscode.window, { showQuickPick: (items: (typeof asked)[number]['items'], { title }: { readonly title: string }) => { asked.push({ items, title }); return Promise.resolve(items.find(({ label: name }) => name === 'watched')); } });
    try {
      await useConfiguration(all, whole.replace(/^models:\n/m, `models:\n  beside:\n    flag: ${flag}\n    quality: {source: {log: beside.jsonl}, guardrails: [{name: errors, bad: error}]}\n`));
      await feature.store.refresh();
      await vscode.commands.executeCommand('modelswitch.openDashboard', { flag });
      await eventually(() => shown()?.model === 'watched', 'the dashboard of the one that was chosen');
    } finally {
      Object.assign(vscode.window, { showQuickPick });
      feature.dashboards.of(ref)?.dispose();
      await useConfiguration(all, whole);
    }
    assert.deepEqual(asked.map(({ title, items }) => [title, items.map(({ label: name, description, detail }) => [name, description, detail.replace(/: .*/, '')]).sort()]), [
      [`Quality in production of ${flag}`, [['beside', `${folder().name} · ${flag}`, 'no record yet'], ['watched', `${folder().name} · ${flag}`, 'errors worse']]],
    ]);
  });

  it('says since when an arm is silent', async () => {
    await log({ candidate: { errors: 0.02, until: 12 * MINUTE + 5000 }, current: { errors: 0.02 } });
    await eventually(async () => /candidate: no data for 12 min/.test(await lens()), 'the lens').catch(async () => assert.fail(await lens()));
    assert.match((await tree())[0] ?? '', /^Quality \| candidate: no data for 12 min$/);
  });

  it('names the feature that drifted and what it drifted from', async () => {
    await log({ candidate: { errors: 0.02 }, current: { errors: 0.02 } }, (index) => ({ features: { amount: 900 + ((index * 7919) % 1000), country: 'DE' } }));
    assert.ok((await tree()).some((line) => /^amount drifted \| (candidate|current) against train\.csv, last 24 h: PSI/.test(line)), (await tree()).join('\n'));
  });

  it('has features recomputed only by the command', async () => {
    assert.equal(feature.store.of(ref)?.skew, undefined);
    await vscode.commands.executeCommand('modelswitch.checkFeatureSkew', ref);
    assert.deepEqual([feature.store.of(ref)?.skew?.report.told, (await tree()).some((line) => line === 'no feature skew | 100 requests recomputed')], [100, true]);
  });

  it('opens the dashboard, and the one of the last time again', async () => {
    await vscode.commands.executeCommand('modelswitch.openDashboard', ref);
    await eventually(() => shown() !== undefined, 'the dashboard');
    assert.deepEqual([shown()?.model, shown()?.environment, shown()?.metrics.map(({ title }) => title), shown()?.skew?.table?.rows.length], ['watched', 'production', ['errors'], 2]);
    assert.match(shown()?.drift[0]?.title ?? '', /against train\.csv, last 24 h$/);
    feature.dashboards.of(ref)?.dispose();
    await eventually(() => feature.dashboards.of(ref) === undefined, 'closed');
    const panel = vscode.window.createWebviewPanel('modelswitch.dashboard', 'Dashboard', vscode.ViewColumn.Active);
    feature.dashboards.restore(panel, { ...ref, environment: 'production', tab: 'drift' });
    await eventually(() => shown()?.model === 'watched', 'restored');
    const other = vscode.window.createWebviewPanel('modelswitch.dashboard', 'Dashboard', vscode.ViewColumn.Active);
    let isClosed = false;
    other.onDidDispose(() => (isClosed = true));
    feature.dashboards.restore(other, { nothing: 'of ours' });
    assert.equal(isClosed, true);
  });

  it('keeps what was read when the source is gone, and says so', async () => {
    await vscode.workspace.fs.delete(file(`watched-${logs}.jsonl`));
    await feature.store.refresh(ref);
    assert.ok((await tree()).some((line) => /watched-\d+\.jsonl is gone: what was read of it counts;/.test(line)), (await tree()).join('\n'));
  });

  it('tells an open dashboard what became of modelswitch.yaml: an error keeps what was read, a removal ends it', async () => {
    await log({ candidate: { errors: 0.02 }, current: { errors: 0.02 } });
    await vscode.commands.executeCommand('modelswitch.openDashboard', ref);
    const wrong = (): string | undefined => shown()?.alarms.find(({ about }) => about === 'file')?.words;
    await eventually(() => shown() !== undefined && wrong() === undefined, 'the dashboard');
    const whole = new TextDecoder().decode(await vscode.workspace.fs.readFile(file('modelswitch.yaml')));
    await useConfiguration(all, whole.replace('max_ratio: 1.2', 'max_ratio: 0.9'));
    await eventually(() => /^modelswitch\.yaml:\d+ is wrong, so shown is what was read by it before: /.test(wrong() ?? ''), 'the dashboard says what is wrong').catch(() => assert.fail(JSON.stringify(feature.dashboards.of(ref)?.last).slice(0, 300)));
    assert.deepEqual(shown()?.metrics.map(({ title }) => title), ['errors']);
    await useConfiguration(all, `${whole}\n  broken: [\n`);
    await eventually(() => /is wrong/.test(wrong() ?? ''), 'it says so of a text that is no YAML');
    await useConfiguration(all, whole);
    await eventually(() => shown() !== undefined && wrong() === undefined, 'it is right again');
    await useConfiguration(all, configuration);
    await eventually(() => { const last = feature.dashboards.of(ref)?.last; return last?.kind === 'empty' && last.text === 'watched has no source of quality in modelswitch.yaml any more.'; }, 'it is gone');
    feature.dashboards.of(ref)?.dispose();
  });
});
