import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { FinishOutcome } from '../../src/extension/refactor/finishRelease.ts';
import { eventually, services } from './services.ts';

const CLIENT = 'from UnleashClient import UnleashClient\n\nclient = UnleashClient(url="http://unleash/api", app_name="fraud")\n';
const cell = (source: string): unknown => ({ cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source });
const notebook = (...sources: string[]): string => JSON.stringify({ cells: sources.map(cell), metadata: { language_info: { name: 'python' } }, nbformat: 4, nbformat_minor: 5 });

/** A small service that asks through wrappers, across modules, in notebooks and in TypeScript. */
const FILES: Readonly<Record<string, string>> = {
  'across/__init__.py': '',
  'across/client.py': CLIENT,
  'across/flags.py': 'from across.client import client\n\n\ndef enabled(name, *, user=None):\n    return client.is_enabled(name, {"userId": user})\n\n\nclass Flag:\n    def __init__(self, key):\n        self.key = key\n\n    def active(self):\n        return enabled(self.key)\n',
  'across/keys.py': 'from across.flags import Flag\n\nWRAPPED = "host-wrapped"\nKEPT = "host-kept"\nCARRIED = Flag(WRAPPED)\n',
  'across/service.py': 'from across import keys\nfrom across.flags import enabled\nfrom across.keys import CARRIED\n\n\ndef predict(user, row):\n    if enabled(keys.WRAPPED, user=user) and not enabled(keys.KEPT):\n        return row * 2\n    return row\n\n\ndef explain():\n    return "new" if CARRIED.active() else "old"\n',
  'across/switches.py': 'from across.flags import enabled\n\n\ndef use_new(user):\n    return enabled("host-wrapped", user=user)\n',
  'across/open.ipynb': notebook('from across.flags import enabled\nKEY = "host-wrapped"', '%matplotlib inline\nprint(1 if enabled(KEY) else 2)', 'print("untouched")'),
  'across/closed.ipynb': notebook('from across.switches import use_new', 'print("on" if use_new("7") else "off")'),
  'across/magic.ipynb': notebook('from across.flags import enabled', '%time print(enabled("host-wrapped"))'),
  'across/panel.tsx': 'import { useFlag } from "@unleash/proxy-client-react";\n\nexport const Panel = () => <p>{useFlag("host-wrapped")}</p>;\n',
};

describe('code actions across modules and notebooks', () => {
  const root = vscode.workspace.workspaceFolders![0]!.uri;
  const at = (path: string): vscode.Uri => vscode.Uri.joinPath(root, path);

  before(async function write() {
    this.timeout(60_000);
    const { sites } = await services();
    for (const [path, text] of Object.entries(FILES)) await vscode.workspace.fs.writeFile(at(path), new TextEncoder().encode(text));
    const document = await vscode.workspace.openTextDocument(at('across/service.py'));
    await eventually(async () => (await sites.read(document)).filter(({ via }) => via === 'wrapper').length === 3, 'the index knows the wrappers', 40_000);
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.workspace.fs.delete(at('across'), { recursive: true });
  });

  async function opened(path: string): Promise<vscode.NotebookDocument> {
    const found = await vscode.workspace.openNotebookDocument(at(path));
    await vscode.window.showNotebookDocument(found);
    return found;
  }

  const cellsOf = async (path: string): Promise<readonly string[]> => (await vscode.workspace.openNotebookDocument(at(path))).getCells().map(({ document }) => document.getText());

  it('lets a cell see the cells above it and the modules', async () => {
    const { sites } = await services();
    const found = await opened('across/open.ipynb');
    const [site, ...more] = await sites.read(found.cellAt(1).document);
    assert.deepEqual([site?.keys.map(({ value }) => value), site?.via, site?.range.start, more.length], [['host-wrapped'], 'wrapper', { line: 1, character: 11 }, 0]);
    assert.deepEqual(await sites.read(found.cellAt(2).document), []);
  });

  it('wraps a predict call in a cell, with the client of a cell above', async () => {
    const content = new vscode.NotebookData([CLIENT, 'context = {"userId": "7"}\n%matplotlib inline\ncandidate = load("2")', 'print(1)\nscore = model.predict(row)'].map((source) => new vscode.NotebookCellData(vscode.NotebookCellKind.Code, source, 'python')));
    const made = await vscode.workspace.openNotebookDocument('jupyter-notebook', content);
    await vscode.window.showNotebookDocument(made);
    const { document } = made.cellAt(2);
    const place = document.positionAt(document.getText().indexOf('predict'));
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, new vscode.Range(place, place), vscode.CodeActionKind.RefactorRewrite.value, 20);
    const action = actions.find(({ title }) => title.startsWith('Wrap in a Model Switch'));
    assert.ok(action, actions.map(({ title }) => title).join());
    const edits = action.edit!.entries().flatMap(([uri, all]) => all.map(({ range, newText }) => [uri.toString() === document.uri.toString(), range.start.line, range.end.line, newText] as const));
    assert.equal(edits.length, 1);
    const [isHere, start, end, text] = edits[0]!;
    assert.deepEqual([isHere, start, end], [true, 1, 1]);
    assert.equal(text, 'if client.is_enabled("host-fraud", context):\n    score = candidate.predict(row)\nelse:\n    score = model.predict(row)');
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  it('finishes a release through wrappers of other modules, in open and closed notebooks, and tells what it leaves', async function finish() {
    this.timeout(60_000);
    const found = await opened('across/open.ipynb');
    let result: FinishOutcome;
    let done = false;
    const running = vscode.commands.executeCommand<FinishOutcome>('modelswitch.finishKeepCandidate', { flag: 'host-wrapped' }).then((outcome) => { result = outcome; done = true; });
    await eventually(async () => {
      await vscode.commands.executeCommand('refactorPreview.apply');
      return done;
    }, 'the preview applied', 40_000);
    await running;
    const text = async (path: string): Promise<string> => (await vscode.workspace.openTextDocument(at(path))).getText();
    assert.equal(await text('across/service.py'), 'from across import keys\nfrom across.flags import enabled\n\n\ndef predict(user, row):\n    if not enabled(keys.KEPT):\n        return row * 2\n    return row\n\n\ndef explain():\n    return "new"\n');
    assert.equal(await text('across/switches.py'), '');
    assert.match(await text('across/flags.py'), /^from across\.client import client\n\n\ndef enabled\(/);
    assert.deepEqual(found.getCells().map(({ document }) => document.getText()), ['', '%matplotlib inline\nprint(1)', 'print("untouched")']);
    assert.deepEqual(await cellsOf('across/closed.ipynb'), ['', 'print("on")']);
    assert.deepEqual(await cellsOf('across/magic.ipynb'), ['from across.flags import enabled', '%time print(enabled("host-wrapped"))']);
    const left = result!.left.filter(({ kind }) => kind === 'call').map(({ file, reason }) => `${file.split('/').at(-1)}: ${reason}`);
    assert.deepEqual(left, ['magic.ipynb: in its notebook it meets lines that are no Python', 'panel.tsx: it is TypeScript: only Python is rewritten']);
  });
});
