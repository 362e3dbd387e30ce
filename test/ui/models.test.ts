import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { ADMIN, runScript, startMlflow, type RunningMlflow } from '../support/mlflow.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';
import { sharedUnleash, type SharedUnleash } from '../support/unleash.ts';

/** The models of a real MLflow that asks for a sign-in, beside a real Unleash: by clicks only. */
describe('models of a registry', () => {
  let dir: string;
  let unleash: SharedUnleash;
  let mlflow: RunningMlflow;
  let workbench: WorkbenchPage;
  const ending = new AsyncDisposableStack();

  before(async function start() {
    this.timeout(600_000);
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-models-'));
    ending.defer(() => rmSync(dir, { recursive: true, force: true }));
    unleash = await sharedUnleash();
    mlflow = await startMlflow({ auth: 'basic' });
    ending.defer(() => mlflow.stop());
    await runScript('seed.py', mlflow.url, [], { MLFLOW_TRACKING_USERNAME: ADMIN.username, MLFLOW_TRACKING_PASSWORD: ADMIN.password });
    writeFileSync(join(dir, 'modelswitch.yaml'), `version: 1
unleash: {url: ${unleash.url}, project: default, environment: production}
registry: {mlflow: ${mlflow.url}}
models:
  credit-risk:
    flag: credit-risk-v2
    registered_model: fraud-detector
    retrain: {stage: train}
`);
    mkdirSync(join(dir, 'data'));
    writeFileSync(join(dir, 'data', 'raw.csv'), 'a\n');
    writeFileSync(join(dir, 'dvc.yaml'), 'stages:\n  train: {cmd: python train.py, deps: [data/raw.csv], outs: [model.bin]}\n');
    execFileSync('git', ['init', '--quiet'], { cwd: dir });
    workbench = await openWorkbench({ folder: dir, settings: { 'workbench.colorTheme': 'Default Dark Modern' }, env: { UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy, MLFLOW_TRACKING_URI: undefined } });
    ending.defer(() => workbench.close());
  });

  after(async function stop() {
    this.timeout(60_000);
    await ending.disposeAsync();
  });

  afterEach(async function look() {
    await workbench.screenshot(`models-${this.currentTest?.title ?? ''}`);
  });

  const editorText = async (): Promise<string> => (await workbench.page.locator('.editor-instance .view-lines').last().innerText()).replaceAll(/\s+/g, ' ');

  it('asks for a sign-in, refuses a wrong password, and keeps the right one for this server', async () => {
    await workbench.showContainer('Modelswitch');
    await workbench.page.getByText('asks for a sign-in').first().waitFor();
    await workbench.screenshot('models-welcome');
    await workbench.runCommand('Modelswitch: Sign In to Model Registry...');
    await workbench.pick('User Name and Password');
    await workbench.inputMessage(`User name at ${mlflow.url}`).waitFor();
    await workbench.fillInput(ADMIN.username);
    await workbench.inputMessage(`sent to ${mlflow.url} only`).waitFor();
    await workbench.fillInput('wrong');
    await workbench.inputMessage('does not accept it').waitFor();
    await workbench.fillInput(ADMIN.password);
    await workbench.toast(`Signed in to ${mlflow.url} as admin`).waitFor();
    await workbench.treeRow(/^fraud-detector/).waitFor();
  });

  it('shows versions with what they are and where they are out', async () => {
    await workbench.expand('fraud-detector');
    await workbench.treeRow(/challenger · candidate of credit-risk-v2 · production 25 % · internal 100 %/).waitFor();
    await workbench.treeRow(/champion · current of credit-risk-v2 · production 75 % · internal 0 %/).waitFor();
    await workbench.expand('Pipeline');
    await workbench.treeRow(/train.*never run/).waitFor();
  });

  it('opens a version as a document with lenses', async () => {
    await workbench.treeRow(/challenger · candidate of credit-risk-v2/).click();
    await eventually(async () => (await editorText()).includes('model: fraud-detector'), 30_000);
    assert.match(await editorText(), /version: "2"/);
    await workbench.lens('Move an Alias Here...').waitFor();
    await workbench.lens('Show Changes to HEAD').waitFor();
  });

  it('compares two versions side by side', async () => {
    await workbench.treeRow(/challenger · candidate of credit-risk-v2/).click();
    await workbench.treeRow(/champion · current of credit-risk-v2/).click({ modifiers: ['Control'] });
    await workbench.rowMenu(/champion · current of credit-risk-v2/, 'Compare Versions...');
    await workbench.page.locator('.tab', { hasText: 'fraud-detector: 1 ↔ 2' }).waitFor();
    await eventually(async () => (await workbench.page.locator('.monaco-diff-editor .modified .view-lines').innerText()).replaceAll(/\s+/g, ' ').includes('visits: long'), 30_000);
  });

  it('moves an alias after a modal that says who is served by it', async () => {
    await workbench.rowMenu(/challenger · candidate of credit-risk-v2/, 'Move Alias...');
    await workbench.pick('champion');
    const text = await workbench.dialogText();
    await workbench.screenshot('models-modal');
    assert.match(text, /Move the alias champion of fraud-detector from version 1 to version 2\?/);
    assert.match(text, /It is live: the current of credit-risk, where the flag credit-risk-v2 is off: production 75 % · internal 0 %/);
    await workbench.answerDialog('Move to 2');
    await workbench.toast('champion of fraud-detector: 1 -> 2').waitFor();
    await workbench.treeRow(/champion, challenger|challenger, champion/).waitFor();
  });

  it('reads nothing any more after the sign-out', async () => {
    await workbench.runCommand('Modelswitch: Sign Out of Model Registry');
    await workbench.toast(`Signed out of ${mlflow.url}`).waitFor();
    await workbench.page.getByText('asks for a sign-in').first().waitFor();
  });
});
