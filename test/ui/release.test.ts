import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient } from '../../sandbox/unleash/admin.ts';
import { startWorld, type World } from '../../sandbox/world.ts';
import { eventually } from '../support/eventually.ts';
import { shifted } from '../support/shifted.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';

/** The main job, by clicks, in a real editor against a real Unleash, with real traffic through a real service. */
describe('releasing a model from the editor', () => {
  let dir: string;
  let world: World;
  let workbench: WorkbenchPage;
  const ending = new AsyncDisposableStack();

  before(async function start() {
    this.timeout(300_000);
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-release-'));
    chmodSync(dir, 0o711);
    ending.defer(() => rmSync(dir, { recursive: true, force: true }));
    world = await startWorld({ dir, log: () => undefined, traffic: { perSecond: 150 } });
    ending.defer(() => world.stop());
    workbench = await openWorkbench({ folder: world.workspace, env: { UNLEASH_URL: undefined, UNLEASH_TOKEN: undefined }, settings: { 'modelswitch.pollSeconds': 5 } });
    ending.defer(() => workbench.close());
  });

  after(async function stop() {
    this.timeout(60_000);
    await ending.disposeAsync();
  });

  afterEach(async function look() {
    await workbench.look('release', this.currentTest);
  });

  it('invites to connect when nobody is signed in', async () => {
    await workbench.showContainer('Modelswitch');
    await workbench.page.getByText('You are not signed in to the Unleash server').waitFor();
    await workbench.statusBarItem('Modelswitch: connect').waitFor();
  });

  it('says why a token is refused and stays in the dialog', async () => {
    await workbench.runCommand('Modelswitch: Connect to Unleash...');
    await workbench.inputMessage('URL of the Unleash server').waitFor();
    await workbench.page.keyboard.press('Enter');
    await workbench.inputMessage(`sent to ${world.unleash.url} only`).waitFor();
    await workbench.fillInput('user:wrong');
    await workbench.inputMessage('does not accept the token').waitFor();
  });

  it('connects with a personal access token and says who one is and what one may do', async () => {
    await workbench.fillInput(world.tokens.eddy);
    await workbench.toast(/Connected to 127\.0\.0\.1:\d+ as eddy.*may change rollouts in every environment/).waitFor();
    await workbench.statusBarItem('credit-risk 25 %').waitFor();
  });

  it('shows the flags as a tree, the model first', async () => {
    await workbench.treeRow('credit-risk-v2').waitFor();
    assert.match((await workbench.treeTexts())[0] ?? '', /^credit-risk-v2 25 % · internal 100 % · -> credit-risk v14/);
    // All its lines have room only when the other views are folded away: a row out of sight is not there.
    await workbench.collapseView('Models');
    await workbench.collapseView('Releases');
    await workbench.expand(/^credit-risk-v2/);
    await workbench.expand(/^production/);
    await workbench.treeRow('25 % of everyone').waitFor();
    await workbench.treeRow('100 % of segment internal').waitFor();
    await workbench.treeRow(/observed \d/).waitFor();
  });

  it('shows the live rollout above the call', async () => {
    await workbench.openFile('app/scoring.py');
    await workbench.lens('production 25 % · internal 100 % -> credit-risk v14').waitFor();
    // The model has a plan: what is offered is its next stage, and at most two things.
    await workbench.lens('Advance').waitFor();
    await eventually(async () => (await workbench.lensTexts())[0]?.split(' | ').slice(-2).join() === 'Advance,Roll back', 30_000);
    await shifted(world, 25);
  });

  it('promotes by the tree through a modal, and the traffic shifts', async () => {
    await workbench.rowAction(/^production/, 'Promote');
    await workbench.dialog().waitFor();
    const text = await workbench.dialogText();
    assert.match(text, /Promote to 50 %.*credit-risk-v2 in production/s);
    assert.match(text, /production: 25 % · internal 100 % -> 50 % · internal 100 %/);
    await workbench.screenshot('release-modal');
    await workbench.answerDialog('Promote to 50 %');
    await workbench.toast('Promoted: credit-risk-v2. production: 50 % · internal 100 %').waitFor();
    await workbench.lens('production 50 % · internal 100 %').waitFor();
    await shifted(world, 50);
  });

  it('rolls back with two interactions, and the traffic shifts back', async () => {
    await workbench.lens('Roll back').click();
    await workbench.answerDialog('Roll Back to 25 %');
    await workbench.toast('Rolled back: credit-risk-v2. production: 25 % · internal 100 %').waitFor();
    await workbench.lens('production 25 % · internal 100 %').waitFor();
    await shifted(world, 25);
  });

  it('undoes a roll back, but only after asking', async () => {
    await workbench.answerToast('Rolled back', 'Undo');
    await workbench.dialog().waitFor();
    assert.match(await workbench.dialogText(), /This raises exposure/);
    await workbench.answerDialog('Cancel');
    await workbench.lens('production 25 % · internal 100 %').waitFor();
  });

  it('sets a percentage by the palette for the flag under the cursor', async () => {
    await workbench.runCommand('Modelswitch: Set Rollout...');
    await workbench.quickPickRow('credit-risk-v2').first().waitFor();
    await workbench.pick('credit-risk-v2');
    await workbench.pick('production');
    await workbench.pick('Everyone');
    await workbench.fillInput('250');
    await workbench.inputMessage('A whole number from 0 to 100').waitFor();
    await workbench.fillInput('10');
    await workbench.answerDialog('Set to 10 %');
    await workbench.lens('production 10 % · internal 100 %').waitFor();
    await shifted(world, 10);
  });

  it('follows a change that somebody made in Unleash', async () => {
    const alice = new AdminClient(world.unleash.url, world.tokens.alice);
    const flag = await alice.flag('credit-risk-v2');
    const strategy = flag!.environments.find(({ name }) => name === 'production')!.strategies.find(({ segments }) => segments.length === 0)!;
    await alice.setRollout('credit-risk-v2', 'production', strategy.id, 33);
    await workbench.lens('production 33 % · internal 100 %').waitFor();
  });

  it('shows the split of a variant switch whose key is a constant of the file, and sets another', async () => {
    await workbench.openFile('app/explaining.py');
    await workbench.lens(/^production 50 % · .+ % \/ .+ %/).waitFor();
    await workbench.runCommand('Modelswitch: Set Variant Weights...');
    await workbench.quickPickRow('credit-explainer').first().waitFor();
    await workbench.pick('credit-explainer');
    await workbench.pick('production');
    await workbench.fillInput('ablation 80, coefficients 30');
    await workbench.inputMessage('add up to 110 %').waitFor();
    await workbench.fillInput('ablation 80, coefficients 20');
    assert.match(await workbench.dialogText(), /production: 50 % · ablation 40 % \/ coefficients 60 % -> 50 % · ablation 80 % \/ coefficients 20 %/);
    await workbench.answerDialog('Set Weights');
    await workbench.lens('production 50 % · ablation 80 % / coefficients 20 %').waitFor();
    await workbench.openFile('app/scoring.py');
  });

  it('makes 0 % the safe default, after showing old and new', async () => {
    await workbench.runCommand('Modelswitch: Make 0 % the Safe Default...');
    await workbench.quickPickRow('production').waitFor();
    await workbench.page.keyboard.press('Enter');
    await workbench.dialog().waitFor();
    assert.match(await workbench.dialogText(), /production: 100 % of everyone \(not set\) -> 0 % of everyone/);
    await workbench.answerDialog('Set Default to 0 %');
    await workbench.toast('now exposes 0 % in development, production').waitFor();
  });

  it('filters the tree', async () => {
    await workbench.runCommand('Modelswitch: Filter Flags...');
    await workbench.fillInput('BANDIT');
    await workbench.treeRow('credit-risk-v2').waitFor({ state: 'detached' });
    assert.deepEqual(await workbench.treeTexts(), ['pricing-bandit stale · 100 %']);
    await workbench.runCommand('Modelswitch: Clear Filter');
    await workbench.treeRow('credit-risk-v2').waitFor();
  });

  it('tells more in the hover: every environment, and the last change with its author', async () => {
    const text = await workbench.hover('is_enabled');
    assert.match(text, /production/);
    assert.match(text, /development/);
    assert.match(text, /last change .* by alice/);
  });

  it('sets the rollout of a segment from its line in the tree', async () => {
    await workbench.showContainer('Modelswitch');
    await workbench.expand(/^credit-risk-v2/);
    await workbench.expand(/^production/);
    await workbench.treeRow('100 % of segment internal').click();
    await workbench.inputMessage('Per cent of segment internal').waitFor();
    await workbench.fillInput('60');
    await workbench.answerDialog('Set segment internal to 60 %');
    await workbench.lens('production 33 % · internal 60 %').waitFor();
  });

  it('tells the history below the environment and in a document, and restores from both', async () => {
    await workbench.showContainer('Modelswitch');
    await workbench.expand('History');
    await workbench.treeRow(/^33 % · internal 60 % ?just now by eddy/).waitFor();
    await workbench.rowAction(/^10 % · internal 100 % ?just now by eddy.*set rollout/, 'Restore This State...');
    assert.match(await workbench.dialogText(), /production: 33 % · internal 60 % -> 10 % · internal 100 %/);
    await workbench.answerDialog('Restore 10 %');
    await workbench.lens('production 10 % · internal 100 %').waitFor();
    await workbench.rowMenu(/^credit-risk-v2/, 'Show History', workbench.page.locator('.tab.active').filter({ hasText: 'History of credit-risk-v2' }));
    await workbench.lens('Restore 33 % · internal 100 %').first().click();
    assert.match(await workbench.dialogText(), /This raises exposure/);
    await workbench.answerDialog('Cancel');
    await workbench.openFile('app/scoring.py');
  });

  it('kills the switch from the tree', async () => {
    await workbench.showContainer('Modelswitch');
    await workbench.rowMenu(/^credit-risk-v2/, 'Kill Switch...', workbench.quickPickRow(/^\s*production/));
    await workbench.pick('production');
    await workbench.answerDialog('Switch Off');
    await workbench.lens('production off').waitFor();
    await shifted(world, 0);
  });
});
