import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';

const MODEL = `import time

def candidate(row):
    return {"score": 0.9 if row["name"] == "Ahmed" else row["income"] / 100, "version": "14"}

def slow(row):
    time.sleep(300)
`;
const SUITE = `subject: {python: "uimodels:candidate", version_from: $.version}
output: {score: $.score, range: [0, 1]}
data: {rows: [{name: Tom, income: 20}, {name: Eva, income: 40}]}
tests:
  - id: name-blind
    kind: invariance
    change: {name: [Anna, Ahmed]}
    tolerance: 0.01
    why: names carry no risk
  - id: income-up
    kind: directional
    change: {income: {add: 10}}
    expect: increase
`;

describe('suites by clicks', () => {
  let folder: string;
  let workbench: WorkbenchPage;
  const ending = new AsyncDisposableStack();

  before(async function start() {
    this.timeout(300_000);
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-ui-suites-'));
    ending.defer(() => rmSync(folder, { recursive: true, force: true }));
    for (const name of ['suites', 'models']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'uimodels.py'), MODEL);
    writeFileSync(join(folder, 'suites', 'people.mltest.yaml'), SUITE);
    writeFileSync(join(folder, 'modelswitch.yaml'), 'version: 1\nregistry: {file: models/registry.yaml}\nmodels:\n  fraud: {flag: fraud-v2, registered_model: detector, suites: [suites/*.mltest.yaml]}\n');
    writeFileSync(join(folder, 'models', 'registry.yaml'), 'version: 1\nmodels:\n  detector:\n    aliases: {champion: "13", challenger: "14"}\n    versions: [{version: "13"}, {version: "14"}]\n');
    workbench = await openWorkbench({ folder, env: { UNLEASH_URL: undefined, UNLEASH_TOKEN: undefined }, settings: { 'workbench.editor.useModal': 'off' } });
    ending.defer(() => workbench.close());
  });
  after(async function stop() {
    this.timeout(60_000);
    await ending.disposeAsync();
  });
  afterEach(async function look() {
    await workbench.look('suites', this.currentTest);
  });

  const tests = (text: string | RegExp): ReturnType<WorkbenchPage['treeRow']> => workbench.page.locator('.test-explorer .monaco-list-row').filter({ hasText: text });

  it('show a failing case at its line, after the interpreter was shown', async () => {
    await workbench.openFile('suites/people.mltest.yaml');
    await workbench.page.locator('.monaco-editor .glyph-margin-widgets .testing-run-glyph').first().waitFor();
    await workbench.runCommand('Test: Run All Tests');
    await workbench.dialog().waitFor();
    assert.match(await workbench.dialogText(), /Run the suites of modelswitch-ui-suites-.* with this Python\?.*python3\nfrom the PATH\./s);
    await workbench.screenshot('suites-interpreter');
    await workbench.answerDialog('Run');
    await workbench.answerToast('suites/people.mltest.yaml (candidate): failed. Record this', 'Record');
    await workbench.page.locator('.monaco-editor .glyph-margin-widgets .codicon-testing-failed-icon').first().waitFor();
    // In place: what was answered and what was expected, at the line of the test.
    await workbench.page.locator('.test-error-content-widget').filter({ hasText: '0.9 != 0.2 (tolerance abs 0.01)' }).first().waitFor();
    await workbench.runCommand('Testing: Focus on Test Explorer View');
    for (const name of ['suites/people.mltest.yaml', 'name-blind']) {
      const row = tests(name).first();
      await row.waitFor();
      if ((await row.getAttribute('aria-expanded')) === 'false') await row.locator('.monaco-tl-twistie').click();
    }
    await tests('row 0: name "Tom" -> "Ahmed"').waitFor();
    await tests('income-up').waitFor();
  });

  it('are recorded when the person says so, and their badge stands in the tree', async () => {
    await eventually(() => readFileSync(join(folder, 'models', 'registry.yaml'), 'utf8').includes('modelswitch.suite.suites/people'), 30_000);
    await workbench.showContainer('Modelswitch');
    await workbench.expand('detector');
    await workbench.treeRow(/14.*suite\.people failed 1 of 2/).waitFor();
  });

  it('run for a model from its menu in the tree', async () => {
    writeFileSync(join(folder, 'uimodels.py'), MODEL.replace('0.9 if row["name"] == "Ahmed" else ', ''));
    await workbench.rowMenu(/^14/, 'Run Suites for This Model', workbench.toast('Suites: passed. suites/people.mltest.yaml: passed, recorded at detector 14.'));
    await workbench.treeRow(/14.*suite\.people passed/).waitFor();
  });

  it('stop by the button, and leave no process', async () => {
    writeFileSync(join(folder, 'suites', 'people.mltest.yaml'), SUITE.replace('"uimodels:candidate", version_from: $.version', '"uimodels:slow", timeout_ms: 200000'));
    const processes = (): string[] => spawnSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' }).stdout.split('\n').filter((line) => line.includes('uimodels:slow') && !/^\s*\d+\s+Z/.test(line));
    await workbench.runCommand('Testing: Focus on Test Explorer View');
    await workbench.runCommand('Test: Run All Tests');
    await eventually(() => processes().length > 0, 30_000);
    await workbench.runCommand('Test: Cancel Test Run');
    await eventually(() => processes().length === 0, 30_000);
  });
});
