import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { armValueWords, effectWords } from '../../src/core/quality/reportText.ts';
import type { MetricComparison } from '../../src/core/quality/comparison.ts';
import { eventually } from '../support/eventually.ts';
import { LiveRecords } from '../support/liveRecords.ts';
import { openWorkbench, type WorkbenchPage } from '../support/ui.ts';
import { sharedUnleash } from '../support/unleash.ts';

const cli = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/** A release that does badly, beside a real Unleash: lens, tree and dashboard show it while a service logs. */
describe('quality in production', () => {
  let dir: string;
  let workbench: WorkbenchPage;
  let service: LiveRecords;
  const ending = new AsyncDisposableStack();

  before(async function start() {
    this.timeout(600_000);
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-dashboard-'));
    ending.defer(() => rmSync(dir, { recursive: true, force: true }));
    const unleash = await sharedUnleash();
    service = new LiveRecords(dir, 1000 * Math.ceil(Date.now() / 1000), 20, { flag: 'credit-risk-v2', candidateErrors: 0.12, drift: 1.6 });
    service.start();
    ending.defer(() => service.stop());
    writeFileSync(join(dir, 'modelswitch.yaml'), `version: 1
unleash: {url: ${unleash.url}, project: default, environment: production}
models:
  credit-risk:
    flag: credit-risk-v2
    quality:
      source: {log: logs/predictions-*.jsonl}
      guardrails:
        - {name: errors, bad: error, max_ratio: 1.2, min_rate: 0.001}
        - {name: slow answers, bad: latency_ms > 20, max_ratio: 1.5}
      signals:
        - {name: score, mean: score, margin: 0.2}
      by: [features.country]
      drift: {reference: data/train.csv, features: [income, age, country]}
      window: 1s
`);
    writeFileSync(join(dir, 'scoring.py'), 'from UnleashClient import UnleashClient\n\nclient = UnleashClient(url="http://unleash/api", app_name="credit")\n\n\ndef score(user):\n    return client.is_enabled("credit-risk-v2", {"userId": user})\n');
    workbench = await openWorkbench({ folder: dir, settings: { 'modelswitch.pollSeconds': 5 }, env: { UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy, MLFLOW_TRACKING_URI: undefined } });
    ending.defer(() => workbench.close());
  });

  after(async function stop() {
    this.timeout(60_000);
    await ending.disposeAsync();
  });

  afterEach(async function look() {
    await workbench.look('dashboard', this.currentTest);
  });

  const cells = async (frame: Frame, name: string): Promise<string[][]> => {
    const rows = await frame.locator(`[role="region"][aria-label^="${name}"] tbody tr`).all();
    return Promise.all(rows.map((row) => row.locator('th, td').allInnerTexts()));
  };
  const theme = async (name: string): Promise<void> => {
    await workbench.runCommand('Preferences: Color Theme');
    await workbench.quickInput().locator('input').first().fill(name);
    await workbench.pick(new RegExp(`^${name}`));
  };

  it('says the worst in the lens, within 80 characters', async function lens() {
    this.timeout(120_000);
    await workbench.openFile('scoring.py');
    await workbench.lens(/errors worse: \d/).first().waitFor({ timeout: 90_000 });
    const [rollout = '', quality = '', ...actions] = (await workbench.lensTexts())[0]?.split(' | ') ?? [];
    assert.match(rollout, /^production 25 %/);
    assert.match(quality, /^errors worse: [\d.]+ % vs [\d.]+ %( \(n [\d.]+k?, (now|\d+ min)\))?$/);
    assert.ok(`${rollout} | ${quality}`.length <= 80, rollout);
    assert.deepEqual(actions, ['Promote', 'Roll back']);
  });

  it('shows every metric, the share and the drift in the tree', async function tree() {
    this.timeout(120_000);
    await workbench.showContainer('Modelswitch');
    await workbench.collapseView('Models');
    await workbench.collapseView('Releases');
    await workbench.expand('credit-risk-v2');
    await workbench.expand(/^Quality/);
    await workbench.treeRow(/errors.*worse · [\d.]+ % vs [\d.]+ %/).waitFor();
    await workbench.treeRow(/share of units.*observed 2[\d.]+ %, configured/).waitFor();
    await workbench.treeRow(/income drifted/).waitFor();
  });

  it('opens the dashboard by a click on what the lens says of the quality, live', async function open() {
    this.timeout(120_000);
    await workbench.runCommand('View: Toggle Primary Side Bar Visibility');
    await workbench.lens(/errors worse: \d/).first().click();
    const frame = await workbench.dashboard();
    await frame.locator('.uplot canvas').nth(2).waitFor();
    const total = async (): Promise<string> => (await cells(frame, 'Arms')).flat().join(' ');
    const before = await total();
    await eventually(async () => await total() !== before, 30_000);
    assert.match(await frame.locator('.alarms').innerText(), /errors is worse/);
  });

  for (const [name, isDark] of [['Dark Modern', true], ['Light Modern', false], ['Dark High Contrast', true]] as const) {
    it(`is drawn in the colours of ${name}`, async function drawn() {
      this.timeout(180_000);
      await theme(name);
      const frame = await workbench.dashboard();
      await eventually(async () => await frame.evaluate('document.body.className').then((value) => String(value).includes(name.includes('High') ? 'vscode-high-contrast' : isDark ? 'vscode-dark' : 'vscode-light')), 30_000);
      for (const [tab, wanted] of [['overview', '.uplot canvas'], ['drift', 'svg.histogram'], ['distributions', '.uplot canvas'], ['slices', 'td'], ['shadow', '.uplot canvas'], ['timeline', 'td']] as const) {
        await frame.locator(`#tab-${tab}`).click();
        await frame.locator(`#panel ${wanted}`).first().waitFor();
        await workbench.screenshot(`dashboard-${name}-${tab}`);
      }
      await frame.locator('#tab-overview').click();
      // Something of the line's colour and of the text's is on the canvas: it is neither blank nor drawn in a colour of another theme.
      const colours = await frame.evaluate(`(() => {
        const canvas = document.querySelectorAll('.uplot canvas')[1];
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const seen = new Set();
        for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] === 255) seen.add([pixels[at], pixels[at + 1], pixels[at + 2]].join());
        const probe = document.createElement('canvas').getContext('2d');
        return ['--vscode-charts-yellow', '--vscode-charts-blue'].map((name) => {
          probe.fillStyle = getComputedStyle(document.body).getPropertyValue(name).trim();
          probe.fillRect(0, 0, 1, 1);
          return seen.has([...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)].join());
        });
      })()`);
      assert.deepEqual(colours, [true, true]);
    });
  }

  it('has the numbers of the command line', async function numbers() {
    this.timeout(180_000);
    service.stop();
    const frame = await workbench.dashboard();
    await frame.locator('#tab-overview').click();
    const { stdout } = spawnSync(process.execPath, [cli, 'quality', '--json'], { cwd: dir, encoding: 'utf8' });
    const { comparisons: [comparison] } = JSON.parse(stdout) as { comparisons: { metrics: MetricComparison[] }[] };
    const expected = comparison?.metrics.map((metric) => [metric.name, armValueWords(metric, metric.candidate), armValueWords(metric, metric.current)]);
    assert.equal(expected?.length, 3);
    await frame.locator('#refresh').click();
    // The command line knows no event log, by which the dashboard says how current did where the candidate was.
    const shown = async (): Promise<string[][]> => (await cells(frame, 'Candidate against current')).map((row) => row.slice(0, 3).map((cell) => cell.split('; weighed')[0] ?? ''));
    await eventually(async () => JSON.stringify(await shown()) === JSON.stringify(expected), 60_000).catch(async () => assert.deepEqual(await shown(), expected));
    const errors = comparison?.metrics.find(({ name }) => name === 'errors') ?? assert.fail();
    const [row] = await cells(frame, 'Candidate against current');
    assert.deepEqual(row?.slice(3, 5), [effectWords(errors), 'worse']);
  });

  it('is reached by keyboard, tab by tab', async () => {
    const frame = await workbench.dashboard();
    await frame.locator('#tab-overview').focus();
    const focused = (): Promise<unknown> => frame.evaluate('document.activeElement.id || document.activeElement.getAttribute("aria-label")');
    await workbench.page.keyboard.press('ArrowRight');
    assert.equal(await focused(), 'tab-drift');
    assert.equal(await frame.locator('#tab-drift').getAttribute('aria-selected'), 'true');
    await workbench.page.keyboard.press('Tab');
    assert.match(String(await focused()), /against/);
    await frame.locator('#tab-drift').focus();
    await workbench.page.keyboard.press('Home');
    assert.equal(await focused(), 'tab-overview');
    await workbench.page.keyboard.press('Tab');
    assert.match(String(await focused()), /^Candidate against current/);
  });

  it('keeps focus and what was opened when new numbers come', async () => {
    const frame = await workbench.dashboard();
    await frame.locator('#tab-drift').click();
    const opened = (): Promise<unknown> => frame.evaluate('[...document.querySelectorAll("#panel details")].map(({ open }) => open).indexOf(true)');
    await frame.locator('#panel summary').nth(1).click();
    assert.equal(await opened(), 1);
    const read = (): Promise<unknown> => frame.evaluate('document.querySelector("time").dateTime');
    const before = await read();
    await frame.evaluate('document.querySelector("#panel .scroll").focus()');
    await frame.evaluate('document.getElementById("refresh").click()');
    await eventually(async () => (await read()) !== before, 30_000);
    assert.match(String(await frame.evaluate('document.activeElement.getAttribute("aria-label")')), /against/);
    assert.equal(await opened(), 1);
    await frame.locator('#panel summary').nth(1).click();
  });

  it('keeps what is read in a table where it is, and selected, when new numbers come', async () => {
    const frame = await workbench.dashboard();
    await frame.locator('#tab-overview').click();
    await frame.locator('.uplot canvas').nth(2).waitFor();
    // In one go: what is read meanwhile comes after it. A new window comes first in the table, and the newest but one has other figures.
    const { before, after, first, second } = await frame.evaluate<Record<'before' | 'after' | 'first' | 'second', unknown>>(`(async () => {
      const model = await new Promise((resolve) => {
        window.addEventListener('message', ({ data }) => { if (data.kind === 'model') resolve(data.model); });
        document.getElementById('refresh').click();
      });
      const table = () => document.querySelectorAll('.beside > .scroll')[1];
      const rows = () => [...table().querySelectorAll('tbody tr')];
      table().style.maxWidth = '250px';
      table().scrollTop = 700;
      table().scrollLeft = 40;
      document.scrollingElement.scrollTop = 300;
      const head = rows().find((row) => row.getBoundingClientRect().top > table().getBoundingClientRect().top + 60).querySelector('th').textContent;
      const row = () => rows().find((each) => each.querySelector('th').textContent === head);
      const range = document.createRange();
      range.selectNodeContents(row());
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      const state = () => ({ head, place: Math.round(row().getBoundingClientRect().top - table().getBoundingClientRect().top), left: table().scrollLeft, page: document.scrollingElement.scrollTop, selected: String(getSelection()).replaceAll(/\\s+/g, ' ') });
      const before = state();
      const [metric, ...others] = model.metrics;
      const [newest, ...older] = metric.table.rows;
      const told = { ...metric, table: { ...metric.table, rows: [['2099-01-01 00:00:00', '-', '0', '-', '0'], [newest[0], '1 %', '7', '2 %', '8'], ...older] } };
      window.dispatchEvent(new MessageEvent('message', { data: { kind: 'model', model: { ...model, readAt: 1, metrics: [told, ...others] } } }));
      const texts = (index) => [...rows()[index].querySelectorAll('th, td')].map(({ textContent }) => textContent);
      const shown = { before, after: state(), first: texts(0), second: texts(1).slice(1) };
      getSelection().removeAllRanges();
      document.scrollingElement.scrollTop = 0;
      return shown;
    })()`);
    assert.match(JSON.stringify(before), /"left":40,"page":300,"selected":"[\d-]{10} [\d:]{8} /);
    assert.deepEqual(after, before);
    assert.deepEqual([first, second], [['2099-01-01 00:00:00', '-', '0', '-', '0'], ['1 %', '7', '2 %', '8']]);
    await frame.locator('#refresh').click();
    await eventually(async () => !(await frame.locator('time').innerText()).startsWith('1970'), 30_000);
    assert.match(await frame.locator('time').innerText(), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  });

  it('has an outline: one first heading, the tab below it, charts below that', async () => {
    const frame = await workbench.dashboard();
    for (const tab of ['overview', 'drift', 'distributions', 'slices', 'shadow', 'timeline', 'source']) {
      await frame.locator(`#tab-${tab}`).click();
      const levels = await frame.evaluate<number[]>('[...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(({ localName }) => Number(localName.slice(1)))');
      assert.deepEqual([levels[0], levels.filter((level) => level === 1).length, levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1)], [1, 1, []], `${tab}: ${levels.join()}`);
      assert.equal(await frame.locator('#panel h2').first().textContent(), await frame.locator(`#tab-${tab}`).innerText());
    }
    await frame.locator('#tab-overview').click();
    assert.equal(await frame.locator('#panel h3').count(), 4);
    assert.equal(await frame.locator('section.alarms > h2').innerText(), 'Alarms');
  });

  it('says a new alarm once to those who do not see it, and shows what was not measured apart from alarms', async () => {
    const frame = await workbench.dashboard();
    // In one go: what is read meanwhile comes after it.
    const { said, region, shown } = await frame.evaluate<Record<'said' | 'region' | 'shown', unknown[]>>(`(async () => {
      const model = await new Promise((resolve) => {
        window.addEventListener('message', ({ data }) => { if (data.kind === 'model') resolve(data.model); });
        document.getElementById('refresh').click();
      });
      const region = document.getElementById('news');
      const tell = (change) => {
        const before = region.firstChild;
        window.dispatchEvent(new MessageEvent('message', { data: { kind: 'model', model: { ...model, ...change } } }));
        return region.firstChild === before ? '' : region.textContent;
      };
      const alarm = (words) => ({ alarms: [...model.alarms, { about: 'drift of a test', words }] });
      const nothing = { insufficient: ['Drift of production: nothing was compared: one arm has 3 units.'] };
      const said = [tell({ readAt: 1 }), tell({ readAt: 2, ...alarm('age drifted: PSI 0.3.') }), tell({ readAt: 3, ...alarm('age drifted: PSI 0.4.') }), tell({ readAt: 4, ...nothing }), tell({ readAt: 5, ...nothing, ...alarm('age drifted: PSI 0.4.') })];
      const texts = (selector) => [...document.querySelectorAll(selector)].map(({ textContent }) => textContent);
      const { display, visibility } = getComputedStyle(region);
      return { said, region: [region.getAttribute('role'), region.getAttribute('aria-live'), display === 'none', visibility, region.closest('#dashboard') === null], shown: [texts('.insufficient h2'), texts('.insufficient li'), texts('.alarms li').filter((text) => text.includes('compared')), texts('.alarms li').includes('age drifted: PSI 0.4.')] };
    })()`);
    assert.deepEqual(said, ['', 'New alarm: age drifted: PSI 0.3.', '', '', 'New alarm: age drifted: PSI 0.4.']);
    assert.deepEqual(region, ['status', 'polite', false, 'visible', true]);
    assert.deepEqual(shown, [['Insufficient data'], ['Drift of production: nothing was compared: one arm has 3 units.'], [], true]);
  });

  it('tells the history of the release, also by keyboard', async () => {
    const frame = await workbench.dashboard();
    await frame.locator('#tab-overview').focus();
    await workbench.page.keyboard.press('End');
    await workbench.page.keyboard.press('ArrowLeft');
    assert.equal(await frame.evaluate('document.activeElement.id'), 'tab-timeline');
    await workbench.page.keyboard.press('Tab');
    assert.match(String(await frame.evaluate('document.activeElement.getAttribute("aria-label")')), /^History of credit-risk behind credit-risk-v2, newest first/);
    const rows = await cells(frame, 'History of credit-risk');
    assert.match(rows.at(-1)?.join(' | ') ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| every environment \| created \| {2}\| {2}\| /);
    assert.ok(rows.some(([, where, what, , , who]) => where === 'production' && / -> /.test(what ?? '') && who !== ''), rows.map((row) => row.join(' | ')).join('\n'));
  });

  it('switches the shadow on, samples it and switches it off by its buttons, each after a question', async function shadow() {
    this.timeout(120_000);
    const alice = (await sharedUnleash()).as.alice;
    const flag = 'credit-risk-v2.shadow';
    ending.defer(async () => {
      await alice.archive(flag);
      await alice.deleteArchived(flag);
    });
    const state = async (): Promise<string> => {
      const found = (await alice.flag(flag))?.environments.find(({ name }) => name === 'production');
      return found === undefined ? 'none' : `${found.enabled ? 'on' : 'off'} ${found.strategies.map(({ parameters }) => parameters['rollout']).join('+')}`;
    };
    const frame = await workbench.dashboard();
    await frame.locator('#tab-shadow').click();
    await frame.locator('#panel .about', { hasText: 'The shadow in production is off: there is no flag credit-risk-v2.shadow.' }).waitFor();
    await frame.locator('#shadow-on').click();
    await workbench.dialog().waitFor();
    assert.match(await workbench.dialogText(), /Create the flag credit-risk-v2\.shadow at 0 %/);
    assert.equal(await state(), 'none');
    await workbench.answerDialog('Create at 0 %');
    await workbench.answerDialog('Shadow 100 % of Requests');
    await eventually(async () => await state() === 'on 100', 30_000);
    await frame.locator('#shadow-sampling').click();
    await workbench.inputMessage('its answers are logged, never served').waitFor();
    await workbench.fillInput('20');
    assert.match(await workbench.dialogText(), /production: 100 %.* -> 20 %/);
    await workbench.answerDialog('Shadow 20 % of Requests');
    await eventually(async () => await state() === 'on 20', 30_000);
    await frame.locator('#panel .about', { hasText: 'The shadow in production is on: 20 % · random per call (flag credit-risk-v2.shadow).' }).waitFor();
    await frame.locator('#shadow-off').click();
    await workbench.dialog().waitFor();
    await workbench.answerDialog('Cancel');
    assert.equal(await state(), 'on 20');
    await frame.locator('#shadow-off').click();
    await workbench.answerDialog('Switch Shadow Off');
    await eventually(async () => await state() === 'off 20', 30_000);
    await frame.locator('#panel .about', { hasText: 'The shadow in production is off (flag credit-risk-v2.shadow).' }).waitFor();
    await workbench.runCommand('Notifications: Clear All Notifications');
  });

  it('is there again after the window was loaded anew, at the tab where one was', async function reloaded() {
    this.timeout(120_000);
    await (await workbench.dashboard()).locator('#tab-shadow').click();
    // VS Code writes down every five seconds what its editors keep; what changed since is lost with the window.
    await workbench.page.waitForTimeout(8000);
    await workbench.reload();
    const frame = await workbench.dashboard();
    await frame.locator('#tab-shadow[aria-selected="true"]').waitFor();
    await frame.locator('#tab-timeline').click();
    await frame.locator('[role="region"][aria-label^="History of credit-risk"] tbody tr').first().waitFor();
    await frame.locator('#tab-overview').click();
    await frame.locator('.uplot canvas').nth(2).waitFor();
    assert.match(await frame.locator('.alarms').innerText(), /errors is worse/);
  });

  it('exports CSV and Markdown', async function exported() {
    this.timeout(120_000);
    const frame = await workbench.dashboard();
    const target = join(dir, 'figures.csv');
    await frame.locator('#export-csv').click();
    // The dialog puts its own proposal in first.
    await eventually(async () => /quality-credit-risk\.csv$/.test(await workbench.quickInput().locator('input').first().inputValue()), 30_000);
    await workbench.fillInput(target);
    await eventually(() => existsSync(target), 30_000);
    const csv = readFileSync(target, 'utf8');
    assert.match(csv, /^part,name,at,arm,n,value,low,high,verdict,units,because\r\n/);
    for (const line of [/^comparison,errors,,candidate,\d+,0\.\d+/m, /^arm,predictions,,candidate,\d+,/m, /^drift,income,PSI,/m]) assert.match(csv, line);
    await frame.locator('#export-markdown').click();
    await eventually(async () => /credit-risk \(credit-risk-v2\) in production/.test((await workbench.page.locator('.editor-instance .view-lines').last().innerText()).replaceAll(/\s+/g, ' ').replaceAll('\\', '')), 30_000);
  });
});
