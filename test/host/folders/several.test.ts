import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Services } from '../../../src/extension/services.ts';
import { eventually, services } from '../services.ts';

describe('call sites of several folders', function () {
  this.timeout(90_000);
  let all: Services;

  before(async () => {
    all = await services();
    assert.deepEqual(vscode.workspace.workspaceFolders?.map(({ name }) => name), ['shop', 'loans', 'jobs']);
  });

  /** Every key with the files that ask for it, relative to the workspace. */
  async function keys(): Promise<Record<string, string[]>> {
    const found: Record<string, string[]> = {};
    for (const [uri, sites] of await all.indexes.sites()) {
      for (const { keys: known } of sites) for (const { value } of known) (found[value] ??= []).push(vscode.workspace.asRelativePath(vscode.Uri.parse(uri), true));
    }
    return found;
  }

  const WHOLE = { 'shop-flag': ['shop/views.py'], both: ['shop/views.py'], 'loans-loans-flag': ['loans/views.py'], 'loans-both': ['loans/views.py'], nightly: ['jobs/nightly.py'] };

  it('are those of each folder by its own constants and wrappers, told once where one lies in another', async () => {
    assert.deepEqual(await keys(), WHOLE);
  });

  it('are linked within the folder of a document', async () => {
    const [shop, loans] = vscode.workspace.workspaceFolders!;
    const valuesIn = async (folder: vscode.WorkspaceFolder): Promise<string[]> => {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder.uri, 'views.py'));
      return (await all.sites.read(document)).flatMap((site) => site.keys.map(({ value }) => value));
    };
    assert.deepEqual(await valuesIn(shop!), ['shop-flag', 'both']);
    assert.deepEqual(await valuesIn(loans!), ['loans-loans-flag', 'loans-both']);
  });

  it('belong to all folders below a flag in the tree', async () => {
    await eventually(() => all.workspaceSites.loaded?.sites.state() === 'complete', 'the indexes complete', 60_000);
    const { sites } = all.workspaceSites.loaded!;
    assert.deepEqual([sites.count('both'), sites.count('loans-both'), sites.count('nightly')].map(({ calls, files }) => [calls, files]), [[1, 1], [1, 1], [1, 1]]);
  });

  it('go with a folder that is removed, and come with one that is added', async () => {
    const jobs = vscode.workspace.workspaceFolders![2]!;
    /** The next change may be asked for when the last one is told. */
    const update = async (...args: Parameters<typeof vscode.workspace.updateWorkspaceFolders>): Promise<void> => {
      const told = new Promise((resolve) => {
        const listening = vscode.workspace.onDidChangeWorkspaceFolders((event) => {
          listening.dispose();
          resolve(event);
        });
      });
      assert.ok(vscode.workspace.updateWorkspaceFolders(...args));
      await told;
    };
    await update(2, 1);
    // Its files are still files of the folder around it.
    await eventually(async () => JSON.stringify((await keys())['nightly']) === JSON.stringify(['shop/jobs/nightly.py']), 'told by the folder around it');
    await update(1, 1);
    assert.deepEqual(Object.keys(await keys()).toSorted(), ['both', 'nightly', 'shop-flag']);
    await update(1, 0, { uri: vscode.Uri.joinPath(vscode.workspace.workspaceFolders![0]!.uri, '..', 'loans') }, jobs);
    assert.deepEqual(await keys(), WHOLE);
  });
});
