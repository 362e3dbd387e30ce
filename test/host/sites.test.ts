import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { DetailNode, FlagNode } from '../../src/extension/flags/flagNodes.ts';
import type { Services } from '../../src/extension/services.ts';
import { admin, answering, eventually, hoverAt, lenses, openFile, services } from './services.ts';

const flag = 'host-sites';
const old = 'host-sites-old';

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

describe('call sites of the workspace in the editor', () => {
  let all: Services;
  const folder = (): vscode.Uri => vscode.workspace.workspaceFolders![0]!.uri;
  const uriOf = (path: string): vscode.Uri => vscode.Uri.joinPath(folder(), path);
  const connection = (): Services['connections']['all'][number] => all.connections.targets[0]!.connection;
  const flagNode = (name = flag): FlagNode => ({ kind: 'flag', connection: connection(), flag: name });

  before(async function start() {
    this.timeout(90_000);
    all = await services();
    for (const name of [flag, old, 'host-archived']) await admin('POST', '/features', { name, type: 'release' });
    await admin('DELETE', '/features/host-archived');
    await admin('POST', '/stale', { features: [flag], stale: false });
    await eventually(() => all.connections.overview === 'connected', 'connected');
    await vscode.commands.executeCommand('modelswitch.refresh');
    await eventually(() => all.workspaceSites.loaded?.sites.state(connection()) === 'complete', 'the index complete', 60_000);
  });

  async function below(node: FlagNode): Promise<DetailNode[]> {
    return (await all.tree.getChildren(node)).filter((each) => each.kind === 'detail');
  }

  async function sitesNode(name = flag): Promise<DetailNode | undefined> {
    return (await below(flagNode(name))).find(({ label }) => label.startsWith('Call sites'));
  }

  const itemsOf = (node: DetailNode | undefined): string[] => (node?.children?.() ?? []).map((each) => {
    const { label, description } = all.tree.getTreeItem(each);
    return `${textOf(label)}  ${textOf(description)}`;
  });

  it('stand below their flag in the tree: place, function, wrapper, and where the key comes from', async () => {
    const node = await sitesNode();
    assert.equal(node?.label, 'Call sites (3)');
    assert.deepEqual(itemsOf(node), [
      'scoring.py:14  Scorer.score · key in sites/keys.py:1',
      'scoring.py:16  Scorer.score · via is_on',
      'web.ts:7  banner · key in sites/webKeys.ts:1',
    ]);
    assert.equal((await sitesNode('host-sites-nothing'))?.label, 'Call sites (0)');
  });

  it('open their place when they are chosen, in a notebook its cell', async () => {
    const [, second] = (await sitesNode())!.children!();
    const { command, arguments: args } = all.tree.getTreeItem(second!).command!;
    await vscode.commands.executeCommand(command, ...args as unknown[]);
    assert.equal(vscode.window.activeTextEditor?.document.uri.path, uriOf('sites/scoring.py').path);
    assert.equal(vscode.window.activeTextEditor.document.getText(vscode.window.activeTextEditor.selection), 'is_on("host-sites", user)');
    const inNotebook = (await sitesNode('host-fraud'))!.children!().find(({ label }) => label === 'explore.ipynb[2]:3');
    const chosen = all.tree.getTreeItem(inNotebook!).command!;
    await vscode.commands.executeCommand(chosen.command, ...chosen.arguments as unknown[]);
    const opened = vscode.window.activeNotebookEditor;
    assert.deepEqual([opened?.notebook.uri.path, opened?.selection.start], [uriOf('explore.ipynb').path, 1]);
  });

  it('follow files that come, change unsaved and go, and only their flags are drawn anew', async function follow() {
    this.timeout(90_000);
    await sitesNode();
    await sitesNode('host-fraud');
    const drawn: unknown[] = [];
    const listening = all.tree.onDidChangeTreeData((nodes) => drawn.push(nodes === undefined ? 'everything' : [nodes].flat().map((node) => (node.kind === 'flag' ? node.flag : node.kind))));
    const file = uriOf('sites/late.py');
    const code = 'from sites.scoring import is_on\n\n\ndef late():\n    return is_on("host-sites", "7")\n';
    try {
      await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(code));
      await eventually(async () => (await sitesNode())?.label === 'Call sites (4)', 'the new file counts');
      const document = await openFile('sites/late.py');
      const edit = new vscode.WorkspaceEdit();
      edit.insert(file, new vscode.Position(5, 0), '\n\ndef later():\n    return is_on("host-sites", "8")\n');
      await vscode.workspace.applyEdit(edit);
      await eventually(async () => itemsOf(await sitesNode()).includes('late.py:9  later · via is_on'), 'the unsaved call');
      assert.equal(document.isDirty, true);
      await vscode.commands.executeCommand('workbench.action.files.revert');
      await eventually(async () => (await sitesNode())?.label === 'Call sites (4)', 'the text of the file counts again');
    } finally {
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
      await vscode.workspace.fs.delete(file);
    }
    await eventually(async () => (await sitesNode())?.label === 'Call sites (3)', 'the file is gone');
    listening.dispose();
    // The store may have everything drawn anew between two steps: a flag that waits for that is not named beside it.
    assert.ok(drawn.length >= 4, JSON.stringify(drawn));
    const partial = drawn.filter((each) => each !== 'everything');
    assert.ok(partial.length > 0, JSON.stringify(drawn));
    assert.ok(partial.every((each) => JSON.stringify(each) === JSON.stringify([flag])), JSON.stringify(drawn));
  });

  describe('when the folder is searched anew', () => {
    const { withProgress } = vscode.window;
    /** What a notification of progress was asked for, and what it was told. */
    const shown: { title: string | undefined; cancellable: boolean | undefined; told: string[] }[] = [];
    const exclude = (globs: Record<string, boolean> | undefined): Thenable<void> => vscode.workspace.getConfiguration('files').update('exclude', globs, vscode.ConfigurationTarget.Workspace);
    const state = (): string => all.indexes.stateOf(vscode.workspace.workspaceFolders![0]!);
    const countOf = async (): Promise<string | undefined> => (await sitesNode())?.label;

    /** Every search counts as a long one; its notification is seen here, and somebody presses its button, or nobody does. */
    function watchProgress({ isStopped }: { readonly isStopped: boolean }): void {
      shown.length = 0;
      all.indexes.longSearchMs = 0;
      const watched: typeof withProgress = ({ title, cancellable }, task) => {
        const told: string[] = [];
        shown.push({ title, cancellable, told });
        const button = new vscode.CancellationTokenSource();
        const work = task({ report: (value) => void told.push((value as { message?: string }).message ?? '') }, button.token);
        if (isStopped) button.cancel();
        return work;
      };
      Object.assign(vscode.window, { withProgress: watched });
    }

    afterEach(async () => {
      Object.assign(vscode.window, { withProgress });
      all.indexes.longSearchMs = 3000;
      await exclude(undefined);
      await all.indexes.search();
      await eventually(async () => state() === 'complete' && await countOf() === 'Call sites (3)', 'everything is found again', 60_000);
    });

    it('leave out what files.exclude hides, until it hides it no more', async function hide() {
      this.timeout(120_000);
      await exclude({ 'sites/scoring.py': true });
      await eventually(async () => JSON.stringify(itemsOf(await sitesNode())) === JSON.stringify(['web.ts:7  banner · key in sites/webKeys.ts:1']), 'the hidden file is left out', 60_000);
      await exclude({ '**/web*.ts': true });
      await eventually(async () => await countOf() === 'Call sites (2)', 'another one is', 60_000);
    });

    it('show how far a search is that takes long', async function show() {
      this.timeout(120_000);
      watchProgress({ isStopped: false });
      await exclude({ nothing: true });
      await all.indexes.search();
      await eventually(() => state() === 'complete', 'searched', 60_000);
      assert.equal(shown.length, 1);
      const [{ title, cancellable, told }] = shown as [typeof shown[number]];
      assert.deepEqual([title, cancellable], [`Modelswitch: searching ${vscode.workspace.workspaceFolders![0]!.name} for calls of flags`, true]);
      assert.match(told.at(-1) ?? '', /^(\d+) of \1 files$/);
      assert.ok(told.every((each, index) => each !== told[index - 1]));
    });

    it('are read by themselves after somebody has stopped the search, and all again when somebody asks for all', async function stop() {
      this.timeout(120_000);
      watchProgress({ isStopped: true });
      await exclude({ nothing: true });
      const document = await openFile('sites/scoring.py');
      await all.sites.read(document);
      await eventually(() => shown.length === 1 && state() === 'none', 'stopped', 60_000);
      // Neither documents nor the tree start it again.
      assert.deepEqual((await all.sites.read(document)).map(({ via }) => via), ['dynamic', 'dynamic', 'wrapper', 'dynamic', 'direct', 'dynamic']);
      await sitesNode();
      assert.deepEqual([shown.length, state()], [1, 'none']);
      watchProgress({ isStopped: false });
      await all.indexes.search();
      assert.equal(state(), 'complete');
      await eventually(async () => (await all.sites.read(document)).some(({ via }) => via === 'constant'), 'the key of another file is known again');
    });
  });

  async function references(path: string, word: string, offset = 1): Promise<string[]> {
    const document = await openFile(path);
    const at = document.positionAt(document.getText().indexOf(word) + offset);
    const found = await vscode.commands.executeCommand<vscode.Location[]>('vscode.executeReferenceProvider', document.uri, at);
    return found.map(({ uri, range }) => `${vscode.workspace.asRelativePath(uri)}:${range.start.line + 1}`).toSorted();
  }

  it('are the references of a key: on the call, on the constant, and on its text', async () => {
    const expected = ['sites/keys.py:1', 'sites/scoring.py:14', 'sites/scoring.py:16', 'sites/web.ts:7', 'sites/webKeys.ts:1'];
    for (const [path, word] of [['sites/scoring.py', '"host-sites"'], ['sites/keys.py', 'SITES'], ['sites/keys.py', '"host-sites"']] as const) {
      assert.deepEqual([...new Set(await references(path, word))], expected, `${word} in ${path}`);
    }
    // A built-in language server may add what it knows of the constant.
    const inTypeScript = await references('sites/web.ts', 'WEB, {');
    assert.deepEqual(expected.filter((each) => !inTypeScript.includes(each)), []);
    assert.deepEqual(await references('sites/scoring.py', '"candidate"'), []);
  });

  it('are counted in the hover, with a link that may run nothing but the peek', async () => {
    const document = await openFile('sites/scoring.py');
    const at = document.positionAt(document.getText().indexOf('"host-sites"') + 2);
    const { contents } = await hoverAt(document, at.line, at.character);
    const link = contents.find(({ value }) => value.includes('call sites'))!;
    assert.match(link.value, /^\[3 call sites in 2 files\]\(command:modelswitch\.showCallSites\?[^()\s]+\)$/);
    assert.deepEqual(link.isTrusted, { enabledCommands: ['modelswitch.showCallSites'] });
    assert.ok(contents.filter((each) => each !== link).every(({ isTrusted }) => isTrusted !== true));
    const [argument] = JSON.parse(decodeURIComponent(/\?([^)]+)\)/.exec(link.value)![1]!)) as unknown[];
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('modelswitch.showCallSites', argument);
    assert.equal(vscode.window.activeTextEditor?.document.uri.path, uriOf('sites/scoring.py').path);
    await vscode.commands.executeCommand('closeReferenceSearch');
  });

  it('have their lens across modules and in TypeScript', async () => {
    const python = await lenses(await openFile('sites/scoring.py'));
    assert.match(python.get(14)![0]!, /^production off/);
    assert.match(python.get(16)![0]!, /^production off/);
    const typescript = await lenses(await openFile('sites/web.ts'));
    assert.match(typescript.get(7)!.join(), /^production off/);
  });

  const problemsIn = (path: string): string[] => vscode.languages.getDiagnostics(uriOf(path)).filter(({ source }) => source === 'Modelswitch')
    .map(({ range, code, message, severity }) => `${range.start.line + 1} ${vscode.DiagnosticSeverity[severity]} ${textOf(code)}: ${message}`);

  it('are told where the server does not know their flag, or has it archived, in files that are not open', async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await eventually(() => problemsIn('sites/scoring.py').length >= 2, 'problems of scoring.py');
    assert.deepEqual(problemsIn('sites/scoring.py').filter((each) => !each.includes(old)), [
      '18 Warning unknownFlag: Unleash has no flag "host-sitse" in project default, so it is off for everyone. Did you mean "host-sites"?',
      '20 Warning unknownFlag: Unleash has no flag "host-siets" in project default, so it is off for everyone. Did you mean "host-sites"?',
    ]);
    await eventually(() => problemsIn('service.py').some((each) => each.startsWith('13 Warning archivedFlag: The flag "host-archived" is archived')), 'an archived flag told from an unknown one');
    assert.ok(problemsIn('service.py').some((each) => /^11 Warning unknownFlag: Unleash has no flag "host-nowhere"/.test(each)));
    const isThere = connection().session?.store.snapshot?.flags.has('host-fraud') === true;
    assert.equal(problemsIn('service.py').some((each) => each.startsWith('8 ')), !isThere);
  });

  it('are told when their flag is marked stale or archived meanwhile, and no longer when it is not', async () => {
    await admin('POST', '/stale', { features: [flag], stale: true });
    await vscode.commands.executeCommand('modelswitch.refresh');
    await eventually(() => problemsIn('sites/web.ts').join().startsWith('7 Information staleFlag: The flag "host-sites" is marked stale'), 'stale');
    await admin('POST', '/stale', { features: [flag], stale: false });
    await vscode.commands.executeCommand('modelswitch.refresh');
    await eventually(() => problemsIn('sites/web.ts').length === 0, 'no longer stale');
    await admin('DELETE', `/features/${old}`);
    await vscode.commands.executeCommand('modelswitch.refresh');
    await eventually(() => problemsIn('sites/scoring.py').some((each) => /^22 Warning archivedFlag/.test(each)), 'archived while it was followed');
    const fixes = await fixesAt('sites/scoring.py', 'Keys.OLD');
    assert.deepEqual(fixes.map(({ title }) => title), ['Finish Release: Keep Current (host-sites-old)...', 'Finish Release: Keep Candidate (host-sites-old)...']);
  });

  async function fixesAt(path: string, word: string): Promise<vscode.CodeAction[]> {
    const document = await openFile(path);
    const at = document.positionAt(document.getText().indexOf(word) + 1);
    let found: vscode.CodeAction[] = [];
    await eventually(async () => {
      found = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, new vscode.Range(at, at), vscode.CodeActionKind.QuickFix.value, 20);
      return found.length > 0;
    }, `fixes at ${word}`);
    return found;
  }

  it('are mended by the name that was meant: in the call, or where the constant is defined', async () => {
    const [literal] = await fixesAt('sites/scoring.py', '"host-siets"');
    assert.equal(literal?.title, 'Change to "host-sites"');
    assert.equal(literal.isPreferred, true);
    await vscode.workspace.applyEdit(literal.edit!);
    const document = await openFile('sites/scoring.py');
    assert.equal(document.lineAt(19).text, '        if client.is_enabled("host-sites"):');
    await eventually(() => !problemsIn('sites/scoring.py').some((each) => each.startsWith('20 ')), 'the problem is gone');
    await vscode.commands.executeCommand('workbench.action.files.revert');
    const [constant] = await fixesAt('sites/scoring.py', 'MISSPELT)');
    assert.equal(constant?.title, 'Change to "host-sites" in sites/keys.py');
    await vscode.workspace.applyEdit(constant.edit!);
    const keys = await openFile('sites/keys.py');
    assert.equal(keys.lineAt(1).text, 'MISSPELT = "host-sites"');
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await eventually(() => problemsIn('sites/scoring.py').some((each) => each.startsWith('20 ')), 'the problem is back');
  });

  it('get a flag at 0 % after a question, and their problem goes', async () => {
    // Both editors are tested on one server.
    const name = `host-new-${Date.now()}`;
    const file = uriOf('sites/fresh.py');
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(`from sites.scoring import is_on\n\n\ndef fresh():\n    return is_on("${name}", "7")\n`));
    try {
      await eventually(() => problemsIn('sites/fresh.py').length === 1, 'the unknown flag');
      const create = (await fixesAt('sites/fresh.py', `"${name}"`)).find(({ title }) => title.startsWith('Create'))!;
      assert.equal(create.title, `Create "${name}" in Unleash at 0 %...`);
      const refused = answering(all, 'cancel');
      await vscode.commands.executeCommand(create.command!.command, ...create.command!.arguments as unknown[]);
      assert.deepEqual([refused[0]!.message, refused[0]!.verb], [`Create the flag ${name} at 0 %?`, 'Create at 0 %']);
      assert.match(refused[0]!.detail, /production: no such flag -> off, and 0 % when it is switched on/);
      assert.ok(!(await flagNames()).includes(name));
      answering(all, 'confirm');
      await vscode.commands.executeCommand(create.command!.command, ...create.command!.arguments as unknown[]);
      const strategies = await admin('GET', `/features/${name}/environments/production/strategies`) as { title: string; parameters: Record<string, string> }[];
      assert.deepEqual(strategies.map(({ title, parameters }) => [title, parameters['rollout']]), [['Modelswitch · 0 % · create', '0']]);
      await eventually(() => problemsIn('sites/fresh.py').length === 0, 'the problem is gone');
    } finally {
      await vscode.commands.executeCommand('workbench.action.closeActiveEditor');
      await vscode.workspace.fs.delete(file);
    }
  });

  async function flagNames(): Promise<string[]> {
    return (await admin('GET', '/features') as { features: { name: string }[] }).features.map(({ name }) => name);
  }

  it('get no flag while changes are switched off', async () => {
    const settings = vscode.workspace.getConfiguration('modelswitch');
    await settings.update('readOnly', true, vscode.ConfigurationTarget.Workspace);
    try {
      const titles = (await fixesAt('sites/scoring.py', '"host-siets"')).map(({ title }) => title);
      assert.deepEqual(titles, ['Change to "host-sites"']);
      const asked = answering(all, 'confirm');
      await vscode.commands.executeCommand('modelswitch.createFlag', { flag: 'host-never', connection: connection() });
      assert.deepEqual(asked, []);
      assert.ok(!(await flagNames()).includes('host-never'));
    } finally {
      await settings.update('readOnly', undefined, vscode.ConfigurationTarget.Workspace);
    }
  });

  it('are missed for the flag of a model, at its line in modelswitch.yaml', async () => {
    const uncalled = (): string[] => problemsIn('modelswitch.yaml').filter((each) => each.includes('uncalledFlag'));
    const document = await openFile('modelswitch.yaml');
    await admin('POST', '/features', { name: 'host-idle', type: 'release' });
    await vscode.commands.executeCommand('modelswitch.refresh');
    const edit = new vscode.WorkspaceEdit();
    edit.insert(document.uri, new vscode.Position(4, 0), '  idle:\n    flag: host-idle\n');
    await vscode.workspace.applyEdit(edit);
    try {
      await eventually(() => uncalled().length > 0, 'a flag that nothing calls');
      assert.deepEqual(uncalled(), ['6 Information uncalledFlag: No Python, TypeScript or JavaScript of this workspace asks for the flag "host-idle" of the model idle.']);
    } finally {
      await openFile('modelswitch.yaml');
      await vscode.commands.executeCommand('workbench.action.files.revert');
    }
    await eventually(() => uncalled().length === 0, 'no model without calls');
  });

  it('have no problems while the setting is off', async () => {
    const settings = vscode.workspace.getConfiguration('modelswitch');
    assert.ok(problemsIn('sites/scoring.py').length > 0);
    await settings.update('problems.enabled', false, vscode.ConfigurationTarget.Workspace);
    await eventually(() => problemsIn('sites/scoring.py').length === 0, 'no problems');
    await settings.update('problems.enabled', undefined, vscode.ConfigurationTarget.Workspace);
    await eventually(() => problemsIn('sites/scoring.py').length > 0, 'problems again');
  });

  describe('beside what the server says', () => {
    const original = globalThis.fetch;
    let asked = 0;
    after(() => (globalThis.fetch = original));

    /** Answers one path of the server in its place. */
    function answer(path: string, response: () => Response | Promise<Response>): void {
      globalThis.fetch = (input, init) => {
        const url = typeof input === 'string' ? input : '';
        if (!url.includes(path)) return original(input, init);
        asked += 1;
        return Promise.resolve(response());
      };
    }

    const seenAt = '2026-11-23T03:20:00.000Z';
    const report = (name: string, appName: string): unknown => ({ name, lastSeenAt: seenAt, lastEventAt: null, reports: [{ appName, environments: [{ environment: 'production', seenAt }] }] });
    const askedNode = async (): Promise<DetailNode | undefined> => (await all.tree.getChildren()).filter((each) => each.kind === 'detail').find(({ label }) => label.startsWith('Asked for'));

    it('say who asks for a flag that is missing, in the problem and in the tree', async () => {
      answer('/metrics/unknown-flags', () => Response.json({ unknownFlags: [report('host-siets', 'scorer'), report('elsewhere $(bug)', 'web')] }, { headers: { etag: '"one"' } }));
      await vscode.commands.executeCommand('modelswitch.refresh');
      await eventually(async () => (await askedNode())?.label === 'Asked for, but not in Unleash (2)', 'names that applications ask for');
      assert.deepEqual(itemsOf(await askedNode()), [
        'host-siets  1 call site in 1 file · scorer in production; last seen 2026-11-23 03:20 UTC',
        'elsewhere $ (bug)  not in the code of this workspace · web in production; last seen 2026-11-23 03:20 UTC',
      ]);
      await eventually(() => problemsIn('sites/scoring.py').some((each) => each.endsWith('Did you mean "host-sites"? Applications ask for it: scorer in production; last seen 2026-11-23 03:20 UTC.')), 'the reports in the problem');
      globalThis.fetch = original;
      await vscode.commands.executeCommand('modelswitch.refresh');
      await eventually(async () => await askedNode() === undefined, 'what the real server says');
    });

    it('leave a server alone that does not tell, without a word', async () => {
      for (const status of [403, 404]) {
        answer('/metrics/unknown-flags', () => Response.json({ name: 'X', message: 'No.' }, { status }));
        asked = 0;
        await vscode.commands.executeCommand('modelswitch.refresh');
        await eventually(() => asked > 0 || status === 404, 'asked once');
        await vscode.commands.executeCommand('modelswitch.refresh');
        assert.equal(asked, status === 403 ? 1 : 0);
        assert.equal(await askedNode(), undefined);
        assert.ok(problemsIn('sites/scoring.py').length > 0);
      }
    });

    it('keep what was known while the server does not answer', async () => {
      const before = problemsIn('sites/scoring.py');
      answer('/api/admin', () => Promise.reject(new TypeError('fetch failed')));
      await vscode.commands.executeCommand('modelswitch.refresh');
      await eventually(() => connection().session?.store.error !== undefined || connection().state.kind === 'failed', 'no answer');
      assert.deepEqual(problemsIn('sites/scoring.py'), before);
      globalThis.fetch = original;
      await vscode.commands.executeCommand('modelswitch.refresh');
      await eventually(() => connection().session?.store.error === undefined && all.connections.overview === 'connected', 'connected again');
      assert.deepEqual(problemsIn('sites/scoring.py'), before);
    });
  });
});
