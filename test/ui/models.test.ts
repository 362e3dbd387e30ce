import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBearerProxy } from '../support/bearerProxy.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN, BEARER, runScript, startMlflow, type RunningMlflow } from '../support/mlflow.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';
import { sharedUnleash, type SharedUnleash } from '../support/unleash.ts';

const asAdmin = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;

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
    await registerSpamFilter();
    writeFileSync(join(dir, 'modelswitch.yaml'), `version: 1 # who changes this tells the team
unleash: {url: ${unleash.url}, project: default, environment: production}
registry: {mlflow: ${mlflow.url}}
models:
  credit-risk:
    flag: credit-risk-v2
    registered_model: fraud-detector
    retrain: {stage: train}
`);
    writeFileSync(join(dir, 'spam.py'), 'from UnleashClient import UnleashClient\nimport mlflow\n\nclient = UnleashClient("u", "a")\nspam = mlflow.pyfunc.load_model("models:/spam-filter@champion")\n\ndef is_spam(mail):\n    return spam.predict(mail)\n');
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
    await workbench.look('models', this.currentTest);
  });

  /** A call of MLflow's REST API by somebody else than the editor. */
  async function register(path: string, body: object): Promise<void> {
    const headers = { 'content-type': 'application/json', authorization: asAdmin };
    const response = await fetch(`${mlflow.url}/api/2.0/mlflow/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.ok(response.ok, `${path}: ${response.status} ${await response.text()}`);
  }

  /** A model that nothing maps: version 1 serves, 3 is the challenger. */
  async function registerSpamFilter(): Promise<void> {
    const name = 'spam-filter';
    await register('registered-models/create', { name });
    for (const version of ['1', '2', '3']) await register('model-versions/create', { name, source: `s3://nowhere.example/spam/${version}`, description: `number ${version}` });
    for (const [alias, version] of [['champion', '1'], ['challenger', '3']]) await register('registered-models/alias', { name, alias, version });
  }

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
    await workbench.rowMenu(/champion · current of credit-risk-v2/, 'Compare Versions...', workbench.page.locator('.tab', { hasText: 'fraud-detector: 1 ↔ 2' }));
    await eventually(async () => (await workbench.page.locator('.monaco-diff-editor .modified .view-lines').innerText()).replaceAll(/\s+/g, ' ').includes('visits: long'), 30_000);
  });

  it('starts a release: asks step by step, with a way back, and says beforehand what it will do', async () => {
    await workbench.openFile('spam.py');
    await workbench.goToLine(8);
    await workbench.page.keyboard.press('End');
    for (let press = 0; press < 3; press += 1) await workbench.page.keyboard.press('ArrowLeft');
    await workbench.runCommand('Modelswitch: Start a Release...');
    await workbench.quickPickRow('spam-filter').waitFor();
    assert.match(await workbench.inputTitle(), /^Start a release.*1\/\d/s);
    await workbench.pick('spam-filter');

    await workbench.quickPickRow('v2').waitFor();
    assert.match(await workbench.inputTitle(), /^Start a release of spam-filter.*2\/\d/s);
    // The challenger is what Enter takes.
    await workbench.focusedRow().filter({ hasText: /v3.*challenger/s }).waitFor();
    assert.equal(await workbench.quickPickRow('v1').count(), 0, 'what serves is not offered');
    await workbench.screenshot('models-start-version');
    await workbench.pick('v2');

    await workbench.quickPickRow('A New Flag...').waitFor();
    await workbench.quickPickRow(/^credit-risk-v2adopted: its rollout is set to 0 %/).waitFor();
    await workbench.goBack();
    await workbench.quickPickRow('v3').waitFor();
    // What was answered before is preselected.
    await workbench.focusedRow().filter({ hasText: 'v2' }).waitFor();
    await workbench.screenshot('models-start-back');
    await workbench.pick('v3');
    await workbench.pick('A New Flag...');

    await workbench.inputMessage('Name of the new flag').waitFor();
    assert.equal(await workbench.quickInput().locator('input').first().inputValue(), 'spam-filter');
    await workbench.fillInput('not a name');
    await workbench.inputMessage('Letters, digits').waitFor();
    await workbench.fillInput('pricing-bandit');
    await workbench.inputMessage('There is a flag of this name').waitFor();
    await workbench.fillInput('spam-v3');

    await workbench.quickPickRow('the same model within a session').waitFor();
    await workbench.focusedRow().filter({ hasText: 'a user always gets the same model' }).waitFor();
    await workbench.goBack();
    await workbench.inputMessage('Name of the new flag').waitFor();
    assert.equal(await workbench.quickInput().locator('input').first().inputValue(), 'spam-v3');
    await workbench.page.keyboard.press('Enter');
    await workbench.pick('the same model within a session');

    await workbench.quickPickRow('internal').waitFor();
    const title = await workbench.inputTitle();
    assert.match(title, /^Start a release of spam-filter v3.*6\/6/s, title);
    await workbench.screenshot('models-start-segments');
    await workbench.quickPickRow('internal').click();
    await workbench.quickInput().locator('.quick-input-action .monaco-button').filter({ hasText: 'OK' }).click();

    await workbench.dialog().waitFor();
    const text = await workbench.dialogText();
    await workbench.screenshot('models-start-modal');
    for (const says of ['Start the release of spam-filter v3 behind spam-v3?', 'the flag spam-v3 is made, off in development, production', 'models.spam-filter is added', 'Nobody is exposed by this.', unleash.url]) assert.ok(text.includes(says), text);
    await workbench.answerDialog('Start Release');
    await workbench.toast('Release started: spam-filter v3 behind spam-v3 at 0 %').waitFor();
  });

  it('has the flag at 0 % with both versions pinned, the mapping with its comments, and the call to wrap', async () => {
    for (const environment of ['development', 'production']) {
      const { enabled, strategies } = (await unleash.as.eddy.flag('spam-v3'))!.environments.find(({ name }) => name === environment)!;
      assert.deepEqual([enabled, strategies.map(({ title, parameters, segments }) => [title, parameters['rollout'], parameters['stickiness'], segments.length])], [false, [
        ['Modelswitch · spam-filter v3 over v1 · 0 % · start', '0', 'sessionId', 0],
        ['Modelswitch · spam-filter v3 over v1 · 0 % · start', '0', 'sessionId', 1],
      ]]);
    }
    const file = readFileSync(join(dir, 'modelswitch.yaml'), 'utf8');
    assert.ok(file.startsWith('version: 1 # who changes this tells the team\n') && file.includes('    retrain: {stage: train}\n'), file);
    assert.match(file, /\n {2}spam-filter:\n {4}flag: spam-v3\n {4}registered_model: spam-filter\n {4}current: champion\n {4}candidate: challenger\n/);

    await workbench.answerToast('Release started', 'Wrap Call in Switch...');
    const action = workbench.page.locator('.action-widget .monaco-list-row').filter({ hasText: 'Wrap in a Model Switch (spam-v3)' });
    await action.waitFor();
    await workbench.screenshot('models-start-wrap');
    await action.click();
    await eventually(async () => (await editorText()).includes('is_enabled("spam-v3"'), 30_000);
    await workbench.runCommand('File: Save');
    await workbench.lens(/production off/).waitFor();
  });

  it('moves an alias after a modal that says who is served by it', async () => {
    await workbench.rowMenu(/challenger · candidate of credit-risk-v2/, 'Move Alias...', workbench.quickPickRow('champion').first());
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

  it('signs in with a token at a proxy in front of MLflow', async () => {
    const proxy = await startBearerProxy(mlflow.url, BEARER, asAdmin);
    ending.defer(() => proxy.stop());
    const file = join(dir, 'modelswitch.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(mlflow.url, proxy.url));
    await eventually(() => proxy.authorizations.length > 0, 30_000);
    await workbench.runCommand('Modelswitch: Sign In to Model Registry...');
    await workbench.pick('Token');
    await workbench.inputMessage(`sent to ${proxy.url} only`).waitFor();
    await workbench.fillInput('wrong');
    await workbench.inputMessage('does not accept it').waitFor();
    await workbench.fillInput(BEARER);
    await workbench.toast(`Signed in to ${proxy.url}`).waitFor();
    await workbench.treeRow(/^fraud-detector/).waitFor();
    assert.deepEqual([...new Set(proxy.authorizations)].toSorted(), ['', 'Bearer wrong', `Bearer ${BEARER}`].toSorted(), 'what was entered for another origin is not sent here');
  });
});
