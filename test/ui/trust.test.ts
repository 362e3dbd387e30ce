import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { HOSTILE_NAME, hostileServer, hostileUnleash, type HostileServer } from '../support/hostileServer.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';

/** Prints no window, and leaves a file that says that it ran. */
const QUALITY_COMMAND = [process.execPath, '-e', 'require("node:fs").writeFileSync("quality-ran", ""); console.log(JSON.stringify({ windows: [] }))'];
const TOKEN = `user:${'3f9c51d20b7a84e6'.repeat(4)}`;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process has ended.
    return '';
  }
}

/** Every process that an extension host started, by its command line; processes of the test's own editor are known by a mark in their environment. */
class ProcessWatch {
  readonly started = new Set<string>();
  readonly hosts = new Set<string>();
  readonly #mark: string;
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(mark: string) {
    this.#mark = mark;
    this.#timers.push(setInterval(() => this.#findHosts(), 200), setInterval(() => this.#look(), 10));
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #findHosts(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (read(`/proc/${pid}/cmdline`).includes('--type=extensionHost') && read(`/proc/${pid}/environ`).includes(this.#mark)) this.hosts.add(pid);
    }
  }

  #look(): void {
    for (const host of this.hosts) {
      for (const child of read(`/proc/${host}/task/${host}/children`).split(' ').filter((pid) => pid !== '')) {
        const command = read(`/proc/${child}/cmdline`).replaceAll('\0', ' ').trim();
        if (command !== '') this.started.add(command);
      }
    }
  }
}

/** The editor's own extensions start servers of theirs, which lie in its folder; and looking for ports to forward, it runs these two. */
const ofOthers = (command: string): boolean => /\/lib\/vscode\/|^(\/bin\/sh -c )?(ls -l \/proc\/|ps -F -A -l|grep (socket:|root))/.test(command) && !/modelswitch\.modelswitch/.test(command);

describe('an untrusted workspace', () => {
  let folder: string;
  let hostile: HostileServer;
  let workbench: WorkbenchPage;
  let processes: ProcessWatch;
  const ending = new AsyncDisposableStack();

  before(async function start() {
    this.timeout(300_000);
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-trust-'));
    ending.defer(() => rmSync(folder, { recursive: true, force: true }));
    const names: Record<string, string> = { flag: 'fraud-v2', environment: 'production', stickiness: 'userId' };
    hostile = await hostileServer(hostileUnleash((place) => names[place] ?? `${place} ${HOSTILE_NAME}`));
    ending.defer(() => hostile.close());
    writeFileSync(join(folder, 'modelswitch.yaml'), `version: 1\nunleash: {url: "${hostile.origin}"}\nmodels: {fraud: {flag: fraud-v2, quality: {source: {exec: ${JSON.stringify(QUALITY_COMMAND)}}}}}\n`);
    mkdirSync(join(folder, 'models'));
    writeFileSync(join(folder, 'models', 'registry.yaml'), `version: 1\nmodels: {${JSON.stringify(`model ${HOSTILE_NAME}`)}: {versions: [{version: 1}]}}\n`);
    writeFileSync(join(folder, 'service.py'), 'from UnleashClient import UnleashClient\nclient = UnleashClient(url="http://unleash/api", app_name="fraud")\nif client.is_enabled("fraud-v2"):\n    pass\n');
    writeFileSync(join(folder, 'evil.py'), 'open("ran", "w").close()\n\ndef predict(row):\n    return 1\n');
    writeFileSync(join(folder, 'a.mltest.yaml'), 'subject: {python: "evil:predict"}\ndata: {rows: [{a: 1}]}\ntests: [{id: runs-code, kind: expectation, expect: {finite: true}}]\n');
    const mark = randomUUID();
    processes = new ProcessWatch(mark);
    ending.defer(() => processes.stop());
    workbench = await openWorkbench({
      folder, workspaceTrust: true, env: { UNLEASH_URL: hostile.origin, UNLEASH_TOKEN: TOKEN, MODELSWITCH_TEST_MARK: mark },
      settings: { 'security.workspace.trust.startupPrompt': 'never', 'workbench.editor.useModal': 'off', 'modelswitch.pollSeconds': 5 },
    });
    ending.defer(() => workbench.close());
  });

  after(async function stop() {
    this.timeout(60_000);
    await ending.disposeAsync();
  });

  afterEach(async function look() {
    await workbench.look('trust', this.currentTest);
  });

  it('says so in the welcome view, and sends nothing', async () => {
    await workbench.showContainer('Modelswitch');
    await workbench.page.getByText('This workspace is not trusted: Modelswitch calls no server here.').waitFor();
    await workbench.page.getByText('This workspace is not trusted: Modelswitch reads no model registry here.').waitFor();
    await workbench.openFile('service.py');
    await delay(5000);
    assert.deepEqual([hostile.requests, await workbench.lensTexts()], [[], []]);
  });

  it('explains in its commands why nothing happens', async () => {
    for (const command of ['Modelswitch: Connect to Unleash...', 'Modelswitch: Refresh']) {
      await workbench.runCommand(command);
      await workbench.toast('This workspace is not trusted, so no server is called').waitFor();
      await workbench.page.keyboard.press('Escape');
      await workbench.runCommand('Notifications: Clear All Notifications');
    }
    assert.deepEqual(hostile.requests, []);
  });

  it('runs no suite, though its tests are shown', async () => {
    await workbench.openFile('a.mltest.yaml');
    await workbench.page.locator('.monaco-editor .glyph-margin-widgets .testing-run-glyph').first().click();
    await workbench.dialog().waitFor();
    assert.match(await workbench.dialogText(), /trust/i);
    await workbench.answerDialog('Cancel');
    await delay(2000);
    assert.equal(existsSync(join(folder, 'ran')), false);
    assert.equal(existsSync(join(folder, 'quality-ran')), false);
  });

  it('starts no process', () => {
    assert.ok(processes.hosts.size > 0, 'the extension host was found');
    assert.deepEqual([...processes.started].filter((command) => !ofOthers(command)), []);
  });

  it('connects without a reload as soon as it is trusted', async () => {
    await workbench.page.evaluate('window.stillTheSamePage = true');
    await workbench.runCommand('Workspaces: Manage Workspace Trust');
    await workbench.page.locator('.workspace-trust-editor .monaco-button').filter({ hasText: /^Trust$/ }).first().click();
    await workbench.statusBarItem('fraud 25 %').waitFor();
    await workbench.treeRow(/^model /).waitFor();
    // Only now is the source of quality asked.
    await eventually(() => existsSync(join(folder, 'quality-ran')), 60_000);
    await workbench.screenshot('trust-granted');
    assert.equal(await workbench.page.evaluate('window.stillTheSamePage'), true);
    assert.ok(hostile.requests.length > 0 && hostile.requests.every(({ headers }) => headers.authorization === TOKEN));
  });

  /** Icons that a name asked for, links and pictures, in a part of the workbench. */
  const interpreted = (part: string): Promise<number> => workbench.page.locator(`${part} :is(.codicon-trash, a[href*="command:"], a[href*="evil.example"], img[src*="evil.example"], img[src="x"])`).count();

  it('shows what the server calls things as text: tree, lens, status bar, hover', async () => {
    await workbench.treeRow('fraud-v2').waitFor();
    await workbench.expand('fraud-v2');
    await workbench.expand('production');
    await workbench.treeRow('$ (trash)').first().waitFor();
    await workbench.openFile('service.py');
    await workbench.lens('$ (trash)[z] (command:').first().waitFor();
    // The panel of test results took the focus.
    await workbench.page.locator('.editor-instance .view-line').first().click();
    await workbench.statusBarItem('$ (trash)').waitFor();
    const lens = (await workbench.lensTexts()).join('\n');
    assert.match(lens, /^production 25 %/);
    const hover = await workbench.hover('is_enabled');
    assert.ok(hover.includes('<b>') || hover.includes('<img src=x'), hover);
    await workbench.screenshot('trust-hostile-names');
    for (const part of ['.sidebar', '.codelens-decoration', '.statusbar', '.monaco-hover']) assert.equal(await interpreted(part), 0, part);
    assert.doesNotMatch(lens + hover + (await workbench.treeTexts()).join(), /[\u202a-\u202e\u2066-\u2069\u200b]/);
  });

  it('shows it as text in quick picks, the modal and notifications', async () => {
    await workbench.runCommand('Modelswitch: Restore a State...');
    await workbench.quickPickRow('fraud-v2').first().waitFor();
    assert.equal(await interpreted('.quick-input-widget'), 0);
    await workbench.pick('fraud-v2');
    await workbench.quickPickRow('production').first().waitFor();
    assert.equal(await interpreted('.quick-input-widget'), 0);
    await workbench.screenshot('trust-hostile-quick-pick');
    await workbench.page.keyboard.press('Escape');
    await workbench.lens('Promote').click();
    await workbench.dialog().waitFor();
    assert.equal(await interpreted('.monaco-dialog-box'), 0);
    assert.doesNotMatch(await workbench.dialogText(), /[\u202a-\u202e\u2066-\u2069\u200b]/);
    await workbench.screenshot('trust-hostile-modal');
    await workbench.answerDialog('Promote to 50 %');
    await workbench.toast('[z] (command:workbench.action.quit)').first().waitFor();
    assert.equal(await workbench.page.locator('.notifications-toasts .notification-list-item-message a').count(), 0);
    assert.equal(await interpreted('.notifications-toasts'), 0);
  });

  it('shows it as text in the history', async () => {
    await workbench.runCommand('Notifications: Clear All Notifications');
    await workbench.rowMenu(/^fraud-v2/, 'Show History', workbench.page.locator('.tab.active').filter({ hasText: 'History of fraud-v2' }));
    await workbench.page.locator('.statusbar-item').filter({ hasText: 'Plain Text' }).waitFor();
    assert.equal(await workbench.page.locator('.editor-instance .detected-link').filter({ hasText: 'command' }).count(), 0);
  });
});
