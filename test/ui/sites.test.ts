import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';
import { sharedUnleash, type SharedUnleash } from '../support/unleash.ts';

const unknown = 'credit-risk-v3-new';

/** Where a flag is asked for, by clicks: tree, peek, hover, and a flag for code that asks for one that does not exist. */
describe('call sites of the workspace', () => {
  let dir: string;
  let unleash: SharedUnleash;
  let workbench: WorkbenchPage;
  const ending = new AsyncDisposableStack();

  before(async function start() {
    this.timeout(300_000);
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-sites-'));
    ending.defer(() => rmSync(dir, { recursive: true, force: true }));
    unleash = await sharedUnleash();
    mkdirSync(join(dir, 'app'));
    const write = (path: string, text: string): void => writeFileSync(join(dir, path), text);
    write('modelswitch.yaml', `version: 1\nunleash: {url: ${unleash.url}, project: default, environment: production}\nmodels:\n  credit-risk:\n    flag: credit-risk-v2\n`);
    write('app/keys.py', 'CREDIT = "credit-risk-v2"\n');
    write('app/flags.py', 'from UnleashClient import UnleashClient\n\nclient = UnleashClient(url="http://unleash/api", app_name="credit")\n\n\ndef is_on(key, user):\n    return client.is_enabled(key, {"userId": user})\n');
    write('app/scoring.py', `from app.flags import client, is_on\nfrom app.keys import CREDIT\n\n\nclass Scorer:\n    def score(self, user):\n        if client.is_enabled(CREDIT, {"userId": user}):\n            return "candidate"\n        return "current"\n\n\ndef explain(user):\n    return is_on("credit-risk-v2", user)\n\n\ndef later(user):\n    return is_on("${unknown}", user)\n`);
    write('app/web.ts', "import { Unleash } from 'unleash-client';\n\nconst unleash = new Unleash({ url: 'http://unleash/api', appName: 'web' });\n\nexport function banner(userId: string): boolean {\n  return unleash.isEnabled('credit-risk-v2', { userId });\n}\n");
    workbench = await openWorkbench({ folder: dir, env: { UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy, UNLEASH_FRONTEND_TOKEN: undefined } });
    ending.defer(() => workbench.close());
  });

  after(async function stop() {
    this.timeout(60_000);
    await ending.disposeAsync();
  });

  afterEach(async function look() {
    await workbench.look('sites', this.currentTest);
  });

  const peek = (): ReturnType<WorkbenchPage['page']['locator']> => workbench.page.locator('.peekview-widget');

  it('stand below their flag, and open from there', async () => {
    await workbench.showContainer('Modelswitch');
    await workbench.expand('credit-risk-v2');
    await workbench.expand('Call sites (3)');
    await workbench.treeRow(/scoring\.py:7.*Scorer\.score · key in app\/keys\.py:1/s).waitFor();
    await workbench.treeRow(/scoring\.py:13.*explain · via is_on/s).waitFor();
    await workbench.treeRow(/web\.ts:6.*banner/s).click();
    await workbench.page.locator('.tab.active[data-resource-name="web.ts"]').waitFor();
    await workbench.lens('production 25 %').first().waitFor();
  });

  it('open as references from the context menu of a flag', async () => {
    await workbench.rowMenu('credit-risk-v2', 'Show Call Sites', peek());
    await peek().getByText('(3)').first().waitFor();
    await workbench.screenshot('sites-peek');
    await workbench.page.keyboard.press('Escape');
    await peek().waitFor({ state: 'hidden' });
  });

  it('are counted in the hover, which leads to them', async () => {
    await workbench.openFile('scoring.py');
    await workbench.lens('production 25 %').first().waitFor();
    await eventually(async () => (await workbench.hover('is_enabled')).includes('3 call sites in 2 files'), 30_000);
    await workbench.screenshot('sites-hover');
    await workbench.page.locator('.monaco-hover:visible a').filter({ hasText: '3 call sites in 2 files' }).click();
    await peek().waitFor();
    await workbench.page.keyboard.press('Escape');
    await peek().waitFor({ state: 'hidden' });
  });

  it('are a problem where Unleash has no such flag, and get one at 0 % by the light bulb', async () => {
    await workbench.openFile('scoring.py');
    await workbench.page.locator('.editor-instance .squiggly-warning').first().waitFor();
    await workbench.goToLine(17);
    await workbench.page.keyboard.press('End');
    for (let turn = 0; turn < 10; turn += 1) await workbench.page.keyboard.press('ArrowLeft');
    await workbench.page.keyboard.press('Control+.');
    const create = workbench.page.locator('.action-widget .monaco-list-row').filter({ hasText: `Create "${unknown}" in Unleash at 0 %...` });
    await create.waitFor();
    await workbench.screenshot('sites-quick-fix');
    await create.click();
    await workbench.dialog().waitFor();
    const text = await workbench.dialogText();
    assert.match(text, new RegExp(`Create the flag ${unknown} at 0 %\\?`));
    assert.match(text, /production: no such flag -> off, and 0 % when it is switched on/);
    await workbench.screenshot('sites-question');
    await workbench.answerDialog('Create at 0 %');
    await workbench.toast(`Created: ${unknown}`).waitFor();
    await workbench.page.locator('.editor-instance .squiggly-warning').first().waitFor({ state: 'hidden' });
    const made = await unleash.as.alice.flag(unknown);
    assert.deepEqual(made?.environments.map(({ enabled, strategies }) => [enabled, strategies.map(({ parameters }) => parameters['rollout'])]), [[false, ['0']], [false, ['0']]]);
  });
});
