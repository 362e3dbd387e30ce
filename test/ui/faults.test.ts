import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readFaults } from '../../sandbox/faults.ts';
import { startTraffic } from '../../sandbox/traffic.ts';
import { template } from '../../sandbox/workspace.ts';
import { startCreditService, type CreditService } from '../support/creditService.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';
import { sharedUnleash } from '../support/unleash.ts';

/** The demo's faults where the user looks: the real service with its traffic, beside a real Unleash, and the quality of the demo's own workspace. */
describe('faults of the demo', () => {
  let service: CreditService;
  let workbench: WorkbenchPage;
  /** Writes the settings: the demo's own quality, or another one of the same source. */
  let configure: (other?: object) => void;
  const ending = new AsyncDisposableStack();

  before(async function start() {
    this.timeout(600_000);
    const unleash = await sharedUnleash();
    // What `--degrade candidate=0.04 --delay candidate=60 --drift income --labels-late` means.
    service = await startCreditService(readFaults({ degrade: ['candidate=0.04'], delay: ['candidate=60'], drift: ['income'], 'labels-late': true }));
    ending.defer(() => service.stop());
    const { models } = parse(readFileSync(join(template, 'modelswitch.yaml'), 'utf8')) as { models: Record<string, { quality: { source: unknown } }> };
    const { quality } = models['credit-risk'] ?? assert.fail('the demo has no credit-risk');
    configure = (other) => writeFileSync(join(service.folder, 'modelswitch.yaml'), `version: 1\nunleash: {url: ${unleash.url}, project: default, environment: production}\nmodels: ${JSON.stringify({ 'credit-risk': { flag: 'credit-risk-v2', current: '13', candidate: '14', quality: other === undefined ? quality : { source: quality.source, ...other } } })}\n`);
    configure();
    const traffic = startTraffic({ url: service.url, applicants: join(service.folder, 'data', 'applicants.jsonl'), perSecond: 60 });
    ending.defer(() => traffic.stop());
    workbench = await openWorkbench({ folder: service.folder, settings: { 'modelswitch.pollSeconds': 5 }, env: { UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy, MLFLOW_TRACKING_URI: undefined } });
    ending.defer(() => workbench.close());
  });

  after(async function stop() {
    this.timeout(60_000);
    await ending.disposeAsync();
  });

  afterEach(async function look() {
    await workbench.look('faults', this.currentTest);
  });

  it('--degrade, --delay, --drift and --labels-late stand in lens and tree', async function lens() {
    this.timeout(180_000);
    await workbench.openFile('scoring.py');
    await workbench.lens(/(errors|slow answers) worse/).first().waitFor({ timeout: 120_000 });
    await workbench.showContainer('Modelswitch');
    await workbench.collapseView('Models');
    await workbench.collapseView('Releases');
    await workbench.expand('credit-risk-v2');
    await workbench.expand(/^Quality/);
    for (const line of [/^errors.*worse · [\d.]+ % vs/, /^slow answers.*worse · [\d.]+ % vs/, /^income drifted/, /^brier.*insufficient data/]) await workbench.treeRow(line).waitFor({ timeout: 120_000 });
  });

  it('and in the dashboard', async function shown() {
    this.timeout(120_000);
    await workbench.runCommand('View: Toggle Primary Side Bar Visibility');
    await workbench.runCommand('Modelswitch: Open Dashboard');
    const frame = await workbench.dashboard();
    for (const line of [/errors is worse/, /slow answers is worse/, /income drifted/]) await frame.locator('.alarms li').filter({ hasText: line }).first().waitFor({ timeout: 60_000 });
    await workbench.screenshot('faults-dashboard');
    await frame.locator('#tab-drift').click();
    await frame.locator('#panel caption').filter({ hasText: /against data\/applications\.csv/ }).first().waitFor();
  });

  it('--silence candidate: no data, in dashboard, tree and lens', async function silence() {
    this.timeout(240_000);
    service.setFaults(readFaults({ silence: ['candidate'] }));
    const frame = await workbench.dashboard();
    await frame.locator('.alarms li').filter({ hasText: /candidate: no data for \d+ (s|min)/ }).first().waitFor({ timeout: 150_000 });
    assert.equal(await frame.locator('.alarms li').filter({ hasText: /current: no data/ }).count(), 0);
    await workbench.runCommand('View: Toggle Primary Side Bar Visibility');
    // A view that is hidden while its items change may have them folded when it comes back.
    await workbench.expand(/^Quality/);
    await workbench.treeRow(/candidate: no data for \d+ (s|min)/).waitFor();
    // A lens has room for one fact, and a guardrail that is worse comes before silence: one that the other faults leave alone.
    configure({ guardrails: [{ name: 'negative scores', bad: 'score < 0' }] });
    await workbench.openFile('scoring.py');
    await workbench.lens(/candidate: no data for \d+ (s|min)/).first().waitFor({ timeout: 60_000 });
  });
});
