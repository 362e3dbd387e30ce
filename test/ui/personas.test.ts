import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';
import { sharedUnleash, type SharedUnleash } from '../support/unleash.ts';

/** Asking by clicks which model somebody would get, with personas of the file and a context of one's own. */
describe('which model would this user get', () => {
  let dir: string;
  let unleash: SharedUnleash;
  let workbench: WorkbenchPage;
  const ending = new AsyncDisposableStack();

  before(async function start() {
    this.timeout(300_000);
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-personas-'));
    ending.defer(() => rmSync(dir, { recursive: true, force: true }));
    unleash = await sharedUnleash();
    const template = readFileSync(join(import.meta.dirname, '..', '..', 'sandbox', 'workspace', 'modelswitch.yaml'), 'utf8');
    writeFileSync(join(dir, 'modelswitch.yaml'), template.replace(/url: .*/, `url: ${unleash.url}`));
    writeFileSync(join(dir, 'scoring.py'), 'from UnleashClient import UnleashClient\n\nclient = UnleashClient(url="http://unleash/api", app_name="credit")\n\n\ndef score(user):\n    return client.is_enabled("credit-risk-v2", {"userId": user})\n');
    workbench = await openWorkbench({ folder: dir, env: { UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy, UNLEASH_FRONTEND_TOKEN: undefined } });
    ending.defer(() => workbench.close());
  });

  after(async function stop() {
    this.timeout(60_000);
    await ending.disposeAsync();
  });

  afterEach(async function look() {
    await workbench.look('personas', this.currentTest);
  });

  const editorText = async (): Promise<string> => (await workbench.page.locator('.editor-instance .view-lines').last().innerText()).replaceAll(/\s+/g, ' ');

  it('shows the personas below the environment', async () => {
    await workbench.showContainer('Modelswitch');
    await workbench.expand('credit-risk-v2');
    await workbench.expand('production');
    await workbench.treeRow(/internal tester: candidate \(on\)/).waitFor();
    await workbench.treeRow(/EU business customer: (candidate|current) \((on|off)\)/).waitFor();
  });

  it('answers for a persona as a document, with the reasons', async () => {
    await workbench.treeRow(/internal tester: candidate/).click();
    await eventually(async () => (await editorText()).includes('Which model would internal tester get of credit-risk-v2'), 30_000);
    assert.match(await editorText(), /production: candidate \(on\): strategy .* matched at 100 %/);
    await workbench.toast(/credit-risk-v2 in production: internal tester: candidate \(on\)/).waitFor();
  });

  it('refuses a personal token as frontend token, and takes one after trying it', async () => {
    await workbench.runCommand('Modelswitch: Set Frontend Token...');
    await workbench.inputMessage(`sent to ${unleash.url} only`).waitFor();
    await workbench.fillInput(unleash.tokens.eddy);
    await workbench.inputMessage('This is a personal access token').waitFor();
    await workbench.fillInput('default:production.0123456789abcdef');
    await workbench.inputMessage('does not accept the frontend token of production').waitFor();
    await workbench.fillInput(unleash.seeded.tokens.productionFrontend);
    await workbench.toast('Answers about production are now compared with the frontend API').waitFor();
  });

  it('answers for a context of the project\'s fields and legal values, beside the frontend API, and saves it as a persona', async () => {
    await workbench.runCommand('Modelswitch: Which Model Would This User Get?...');
    await workbench.pick('credit-risk-v2');
    await workbench.pick('Other Context...');
    await workbench.pick('userId');
    await workbench.fillInput('somebody');
    await workbench.pick('group');
    await workbench.quickPickRow('customer').waitFor();
    await workbench.screenshot('personas-legal values');
    await workbench.pick('customer');
    await workbench.pick('Ask');
    await eventually(async () => (await editorText()).includes('userId somebody, group customer'), 30_000);
    const text = await editorText();
    assert.match(text, /userId somebody is in bucket \d+ of 100/);
    assert.match(text, /segment internal: group must be one of internal; it is customer/);
    assert.match(text, /The frontend API agrees: (on|off)\./);
    await workbench.answerToast('somebody', 'Save as Persona...');
    await workbench.fillInput('some customer');
    const file = join(dir, 'modelswitch.yaml');
    await eventually(() => readFileSync(file, 'utf8').includes('  - {name: some customer, userId: somebody, properties: {group: customer}}\n'), 30_000);
    assert.match(readFileSync(file, 'utf8'), /# the environment that the editor shows first/);
  });

  it('tells in the hover what each persona gets', async () => {
    await workbench.openFile('scoring.py');
    await workbench.lens('production 25 %').waitFor();
    await eventually(async () => /personas in production.*internal tester: candidate \(on\).*some customer: /s.test(await workbench.hover('is_enabled')), 30_000);
  });
});
