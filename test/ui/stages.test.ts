import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { startWorld, type World } from '../../sandbox/world.ts';
import { eventually } from '../support/eventually.ts';
import { shifted } from '../support/shifted.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';

/** A release by its plan, from nobody to everybody and completed, by clicks; real Unleash, real registry, real service, real traffic. */
describe('a release by its plan from the editor', () => {
  let dir: string;
  let world: World;
  let workbench: WorkbenchPage;
  const ending = new AsyncDisposableStack();

  /** The demo's file with a plan in seconds, and with aliases for the versions. */
  function planQuickly(folder: string): void {
    const path = join(folder, 'modelswitch.yaml');
    const file = parseDocument(readFileSync(path, 'utf8'));
    const model = ['models', 'credit-risk'];
    file.setIn([...model, 'current'], 'champion');
    file.setIn([...model, 'candidate'], 'challenger');
    file.setIn([...model, 'quality', 'guardrails'], [{ name: 'errors', bad: 'error', max_ratio: 1.2, min_rate: 0.05 }]);
    file.setIn([...model, 'plan'], [
      { environment: 'production', segment: 'internal', percent: 100, gates: ['compatibility'] },
      { environment: 'production', percent: 25, hold: '5s', min_predictions: 100, gates: ['compatibility', 'statistics'] },
      { environment: 'production', percent: 50, hold: '5s', gates: ['compatibility', 'statistics'] },
      { environment: 'production', percent: 100 },
    ]);
    file.deleteIn([...model, 'quality', 'signals']);
    file.deleteIn([...model, 'suites']);
    writeFileSync(path, file.toString());
  }

  before(async function start() {
    this.timeout(300_000);
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-stages-'));
    chmodSync(dir, 0o711);
    ending.defer(() => rmSync(dir, { recursive: true, force: true }));
    world = await startWorld({ dir, log: () => undefined, traffic: { perSecond: 150 } });
    ending.defer(() => world.stop());
    planQuickly(world.workspace);
    workbench = await openWorkbench({ folder: world.workspace, env: { UNLEASH_URL: world.unleash.url, UNLEASH_TOKEN: world.tokens.eddy, MLFLOW_TRACKING_URI: undefined }, settings: { 'modelswitch.pollSeconds': 5 } });
    ending.defer(() => workbench.close());
  });

  after(async function stop() {
    this.timeout(60_000);
    await ending.disposeAsync();
  });

  afterEach(async function look() {
    await workbench.look('stages', this.currentTest);
  });

  const row = /^credit-risk/;
  const release = async (): Promise<string> => (await workbench.treeTexts('Releases'))[0] ?? '';
  const stands = (pattern: RegExp): Promise<void> => eventually(async () => pattern.test(await release()), 120_000);

  async function advance(stage: number, ask = (): Promise<void> => workbench.rowAction(row, 'Advance Release...')): Promise<string> {
    await ask();
    await workbench.dialog().waitFor();
    const text = await workbench.dialogText();
    await workbench.screenshot(`stages-advance to stage ${stage}`);
    await workbench.answerDialog(`Advance to Stage ${stage}`);
    await stands(new RegExp(`stage ${stage} of 4`));
    return text;
  }

  async function rollBack(target: string, verb: string, change: RegExp): Promise<void> {
    await workbench.rowMenu(row, 'Roll Back Release...', workbench.quickPickRow(target).first());
    await workbench.pick(target);
    assert.match(await workbench.dialogText(), change);
    await workbench.answerDialog(verb);
  }

  it('shows where the release stands, and why', async function shows() {
    this.timeout(180_000);
    await workbench.showContainer('Modelswitch');
    await workbench.widenSideBar(560);
    await workbench.collapseView('Flags');
    await workbench.collapseView('Models');
    await workbench.openFile('app/scoring.py');
    await stands(/^credit-risk v14 over v13 production 25 % · stage 2 of 4 · .+ · data (just now|\d+ s old)/);
    await workbench.expand(row);
    await workbench.treeRow(/^Guard/).waitFor();
    const rows = await workbench.treeTexts('Releases');
    assert.match(rows[1] ?? '', /^Verdict: /);
    assert.deepEqual(rows.slice(2, 6), ['1. segment internal of production 100 % left', '2. production 25 % here · hold 5 s · 100 predictions', '3. production 50 % hold 5 s', '4. production 100 %']);
  });

  it('is taken back by the guard of the window when the candidate fails more often, and the service follows', async function guarded() {
    this.timeout(240_000);
    await workbench.rowMenu(row, 'Turn Guard On', workbench.statusBarItem('guard: credit-risk'));
    world.setFaults({ degrade: { candidate: 0.3 } });
    await workbench.toast(/The guard took credit-risk back in production \(flag credit-risk-v2\): errors [\d.]+ % vs 0 % \(n [\d.k]+\), ratio above 1\.2/).waitFor({ timeout: 150_000 });
    await stands(/latched · production · before the first stage/);
    await workbench.treeRow(/^The guard took production back/).waitFor();
    await workbench.statusBarItem('guard: credit-risk latched').waitFor();
    await workbench.lens(/production 0 %/).waitFor();
    await shifted(world, 0);
    world.setFaults({});
  });

  it('raises nothing before somebody has re-armed it', async function latched() {
    this.timeout(120_000);
    await workbench.runCommand('Modelswitch: Advance Release...');
    await workbench.toast('The guard took production back: re-arm first.').waitFor();
    await workbench.lens('Advance').waitFor({ state: 'detached' });
    await workbench.clickLens('Re-arm', workbench.dialog());
    assert.match(await workbench.dialogText(), /The guard, .* UTC: .*errors/);
    await workbench.answerDialog('Re-Arm');
    await stands(/^(?!.*latched).*before the first stage · not started/);
  });

  it('tells in the dashboard who did what, and what the guard did', async function history() {
    this.timeout(120_000);
    await workbench.runCommand('Modelswitch: Open Dashboard');
    const frame = await workbench.dashboard();
    await frame.locator('#tab-timeline').click();
    const newest = frame.locator('[role="region"][aria-label^="History of credit-risk"] tbody tr');
    await newest.nth(1).filter({ hasText: 'taken back by the guard' }).waitFor();
    const [rearmed, guarded] = await Promise.all([0, 1].map(async (row) => newest.nth(row).locator('th, td').allInnerTexts()));
    assert.deepEqual([rearmed?.[1], rearmed?.[4], rearmed?.[5]], ['production', 're-armed', 'eddy@example.com']);
    assert.deepEqual([guarded?.[1], guarded?.[3], guarded?.[4], guarded?.[5]], ['production', 'before the first stage', 'taken back by the guard', 'eddy@example.com']);
    assert.match(guarded?.[6] ?? '', /credit-risk v14 over v13 .*errors/);
    await workbench.screenshot('stages-history in the dashboard');
    await workbench.openFile('app/scoring.py');
  });

  it('advances from stage to stage and one back, each with its evidence, as soon as it is there', async function up() {
    this.timeout(500_000);
    assert.match(await advance(1), /production: 0 % -> 0 % · internal 100 %/);
    await stands(/stage 1 of 4 · advance/);
    assert.match(await advance(2), /production: 0 % · internal 100 % -> 25 % · internal 100 %/);
    await shifted(world, 25);
    await stands(/stage 2 of 4 · advance/);
    const evidence = await advance(3);
    assert.match(evidence, /Verdict at stage 2 of 4: advance\. Data (just now|\d+ s old)\./);
    assert.match(evidence, /errors 0 % vs 0 % .*evidence .* that the rate is less than/);
    assert.match(evidence, /held for \d+ s \(at least 5 s\)/);
    assert.match(evidence, /predictions of the candidate \(at least 100\)/);
    assert.match(evidence, /production: 25 % · internal 100 % -> 50 % · internal 100 %/);
    await shifted(world, 50);
    await rollBack('Previous stage: stage 2 of 4', 'Roll Back to Stage 2', /production: 50 % · internal 100 % -> 25 % · internal 100 %/);
    await stands(/stage 2 of 4 · advance/);
    await advance(3, () => workbench.clickLens('Advance', workbench.dialog()));
    await stands(/stage 3 of 4 · advance/);
    assert.match(await advance(4), /production: 50 % · internal 100 % -> 100 %/);
    await shifted(world, 100);
  });

  it('completes the release: what serves is called so in the registry', async function complete() {
    this.timeout(120_000);
    await workbench.clickLens('Complete', workbench.dialog());
    assert.match(await workbench.dialogText(), /champion of credit-risk: 13 -> 14/);
    await workbench.answerDialog('Complete Release');
    await workbench.toast('The release of credit-risk is complete: champion names version 14 now.').waitFor();
    await workbench.toast('Remove the Switch from the Code...').waitFor();
    const answer = await fetch(`${world.mlflow.url}/api/2.0/mlflow/registered-models/alias?name=credit-risk&alias=champion`);
    assert.equal(((await answer.json()) as { model_version: { version: string } }).model_version.version, '14');
  });
});
