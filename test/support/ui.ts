/** Drives a real workbench with the extension installed from its `.vsix`, for `test/ui`. */
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame, Locator, Page } from 'playwright-core';
import { installCodeServer, startWorkbench } from '../../sandbox/editor/codeServer.ts';
import { defaultVsixPath } from '../../scripts/package.ts';
import { launchChromium } from './chromium.ts';
import { eventually } from './eventually.ts';

const root = join(import.meta.dirname, '..', '..');
const resultsFolder = join(root, 'test-results');

export interface OpenWorkbenchOptions {
  /** Absolute path of the folder to open. It is not copied. */
  readonly folder: string;
  /** Absolute path; default the one that `npm run package` writes, or `MODELSWITCH_VSIX`. */
  readonly vsix?: string;
  /** Reaches the extension host, such as UNLEASH_URL and UNLEASH_TOKEN; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Whether the folder is opened untrusted, as VS Code does by itself; default false. */
  readonly workspaceTrust?: boolean;
  /** User settings beside the quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A workbench in a browser. Waiting functions time out after 30 s unless they say otherwise. */
export class WorkbenchPage {
  readonly page: Page;
  readonly url: string;
  readonly #close: () => Promise<void>;

  constructor(page: Page, url: string, close: () => Promise<void>) {
    this.page = page;
    this.url = url;
    this.#close = close;
  }

  /** After each test: saves a screenshot `<suite>-<title>.png`, and of one that failed prints what the window says, as a log shows no pictures. */
  async look(suite: string, test: Mocha.Test | undefined): Promise<void> {
    const path = await this.screenshot(`${suite}-${test?.title ?? ''}`);
    if (test?.state !== 'failed') return;
    const said = async (what: string, selector: string): Promise<string> => `  ${what}: ${(await this.page.locator(selector).allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' ').trim()).join(' | ')}`;
    console.log([
      `  ${test.title}: ${path}`,
      await said('tabs', '.tab'), await said('lenses', '.codelens-decoration'), await said('notifications', '.notifications-toasts .notification-list-item'),
      await said('dialog', '.monaco-dialog-box'), await said('quick input', '.quick-input-widget:visible'), await said('menu', '.monaco-menu'), await said('rows', '.sidebar .monaco-list-row'),
    ].join('\n'));
  }

  /** Saves `test-results/screenshots/<name>.png` and gives its path. */
  async screenshot(name: string): Promise<string> {
    const path = join(resultsFolder, 'screenshots', `${name.replaceAll(/[^\w.-]+/g, '-')}.png`);
    await this.page.screenshot({ path });
    return path;
  }

  /** Runs a command from the palette by its whole title, such as `Modelswitch: Refresh`. Rejects when the palette does not offer it. */
  async runCommand(title: string): Promise<void> {
    await this.#fillQuickInput('F1', `>${title}`);
    // Recently used commands come first, so the row is found by its label, never by its place.
    await this.quickPickRow(title).first().click();
  }

  /** Opens a file of the folder by its path in it, and waits for its editor. */
  async openFile(path: string): Promise<void> {
    const name = path.split('/').at(-1) ?? path;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#fillQuickInput('Control+P', path);
        await this.quickPickRow(name).first().click({ timeout: 10_000 });
        break;
      } catch (error) {
        // An editor that is opened meanwhile closes the list.
        if (attempt === 4) throw error;
      }
    }
    await this.page.locator('.editor-instance .monaco-editor').first().waitFor();
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor();
  }

  /** Puts the cursor on a line of the active editor, counted from 1, and scrolls to it. */
  async goToLine(line: number): Promise<void> {
    await this.#fillQuickInput('Control+G', `:${line}`);
    await this.page.keyboard.press('Enter');
    await this.quickInput().waitFor({ state: 'hidden' });
  }

  async #fillQuickInput(key: string, text: string): Promise<void> {
    await this.page.keyboard.press(key);
    await this.quickInput().locator('input').first().fill(text);
  }

  /** Texts and actions of code lenses that contain the text; an action can be clicked. */
  lens(text: string | RegExp): Locator {
    return this.page.locator('.codelens-decoration a, .codelens-decoration > span').filter({ hasText: text });
  }

  /** Clicks a lens until what it opens is there: one that is drawn anew under the mouse loses the click. */
  async clickLens(text: string | RegExp, opened: Locator): Promise<void> {
    await untilOpen(opened, () => this.lens(text).first().click());
  }

  /** The texts of all visible lenses, each as one line per place: `production 25 % | Promote | Roll back`. */
  async lensTexts(): Promise<string[]> {
    const lines = await this.page.locator('.codelens-decoration').allInnerTexts();
    return lines.map((line) => line.replaceAll(/\s+/g, ' ').trim()).filter((line) => line !== '');
  }

  /** The modal dialog. */
  dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  /** The modal's message and detail, as one text. */
  async dialogText(): Promise<string> {
    return this.dialog().locator('.dialog-message-container').innerText();
  }

  /** Clicks a button of the modal by its exact label and waits until the modal is gone. */
  async answerDialog(button: string): Promise<void> {
    await this.dialog().locator('.dialog-buttons .monaco-button').filter({ hasText: exactly(button) }).click();
    await this.dialog().waitFor({ state: 'hidden' });
  }

  /** Shows a view container by its title in the activity bar. */
  async showContainer(title: string): Promise<void> {
    const tab = this.page.locator('.activitybar .action-item').filter({ has: this.page.locator(`[aria-label^="${title}"]`) }).first();
    if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
    await this.page.locator('.sidebar .composite.title').filter({ hasText: new RegExp(title, 'i') }).waitFor();
  }

  /** Rows of the side bar's trees by what they show: label and description. */
  treeRow(text: string | RegExp): Locator {
    return this.page.locator('.sidebar .monaco-list-row').filter({ hasText: text });
  }

  /** Folds a view of the side bar away, so that another has all the room. */
  async collapseView(name: string): Promise<void> {
    const header = this.page.locator(`.sidebar .pane-header[aria-label^="${name}"]`);
    await header.waitFor();
    if ((await header.getAttribute('aria-expanded')) === 'true') await header.click();
    await this.page.locator(`.sidebar .pane-header[aria-label^="${name}"][aria-expanded="false"]`).waitFor();
  }

  /** The texts of the visible tree rows of a view, label and description with one space between. */
  async treeTexts(view = 'Flags'): Promise<string[]> {
    const rows = await this.page.locator('.sidebar .pane').filter({ has: this.page.locator(`.pane-header[aria-label^="${view}"]`) }).locator('.monaco-list-row').all();
    return Promise.all(rows.map(async (row) => (await row.locator('.label-name, .label-description').allInnerTexts()).join(' ').trim()));
  }

  /** Expands a tree row; one that is open stays so. */
  async expand(text: string | RegExp): Promise<void> {
    const row = this.treeRow(text).first();
    const open = this.page.locator('.sidebar .monaco-list-row[aria-expanded="true"]').filter({ hasText: text }).first();
    for (let attempt = 1; ; attempt += 1) {
      await row.waitFor();
      if ((await row.getAttribute('aria-expanded')) === 'false') await row.locator('.monaco-tl-twistie').click();
      try {
        await open.waitFor({ timeout: 4000 });
        return;
      } catch (error) {
        // A row that is drawn anew under the mouse loses the click.
        if (attempt === 5) throw error;
      }
    }
  }

  /** Makes the side bar so many pixels wide, by dragging its edge. */
  async widenSideBar(width: number): Promise<void> {
    const box = await this.page.locator('.sidebar').first().boundingBox();
    if (box === null) throw new Error('The side bar is not shown.');
    await this.page.mouse.move(box.x + box.width + 1, 300);
    await this.page.mouse.down();
    await this.page.mouse.move(box.x + width, 300, { steps: 5 });
    await this.page.mouse.up();
  }

  /** Clicks an inline action of a tree row by its tooltip, until the modal of its command is there. */
  async rowAction(text: string | RegExp, action: string): Promise<void> {
    const row = this.treeRow(text).first();
    await untilOpen(this.dialog(), async () => {
      await row.hover({ timeout: 10_000 });
      await row.locator(`.actions .action-label[aria-label^="${action}"]`).click({ timeout: 10_000 });
    });
  }

  /** Picks an item from the menu of a row, until what it opens is there. */
  async rowMenu(text: string | RegExp, item: string, opened: Locator): Promise<void> {
    const entry = this.page.locator('.monaco-menu .action-menu-item').filter({ hasText: exactly(item) });
    await untilOpen(opened, async () => {
      await this.treeRow(text).first().click({ button: 'right' });
      // A menu takes no mouse button that is released within a tenth of a second.
      await entry.click({ delay: 200, timeout: 4000 });
    });
  }

  /** Notifications that are shown now. */
  toast(text: string | RegExp): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item').filter({ hasText: text });
  }

  /** Clicks a button of a notification. */
  async answerToast(text: string | RegExp, button: string): Promise<void> {
    const toast = this.toast(text).first();
    for (let attempt = 1; ; attempt += 1) {
      await toast.locator('.monaco-button').filter({ hasText: exactly(button) }).click();
      try {
        await toast.waitFor({ state: 'hidden', timeout: 5000 });
        return;
      } catch (error) {
        // A toast that another one moves loses the click.
        if (attempt === 4) throw error;
      }
    }
  }

  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator('.statusbar-item').filter({ hasText: text });
  }

  /** The quick pick or input box that is open. */
  quickInput(): Locator {
    return this.page.locator('.quick-input-widget:visible');
  }

  quickPickRow(text: string | RegExp): Locator {
    return this.quickInput().locator('.quick-input-list .monaco-list-row').filter({ hasText: text });
  }

  /** Picks the first row of the open quick pick that shows the text. */
  async pick(text: string | RegExp): Promise<void> {
    const list = await this.quickInput().innerText();
    const row = this.quickPickRow(text).first();
    await row.click();
    // A list that is drawn anew under the mouse loses the click.
    const closed = await row.waitFor({ state: 'hidden', timeout: 3000 }).then(() => true, () => false);
    if (!closed && await this.quickInput().innerText() === list) await row.click();
  }

  /** What stands above the open quick pick or input box: title and step, such as `Start a release (2/4)`. */
  async inputTitle(): Promise<string> {
    return (await this.quickInput().locator('.quick-input-title').innerText()).trim();
  }

  /** The row of the open quick pick that Enter takes. */
  focusedRow(): Locator {
    return this.quickInput().locator('.quick-input-list .monaco-list-row.focused');
  }

  /** Clicks the back button of the open quick pick or input box. */
  async goBack(): Promise<void> {
    await this.quickInput().locator('.quick-input-left-action-bar .action-label').click();
  }

  /** Fills the open input box and confirms it. */
  async fillInput(text: string): Promise<void> {
    await this.quickInput().locator('input').first().fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** The message under the open input box, its prompt or what its validation says, when it contains the text. */
  inputMessage(text: string | RegExp): Locator {
    return this.quickInput().locator('.quick-input-message').filter({ hasText: text });
  }

  /** The text of the hover over the first place in the editor that shows `text`. */
  async hover(text: string): Promise<string> {
    // Hovers of tabs and buttons are others.
    const hover = this.page.locator('.monaco-hover:not(.workbench-hover):visible .monaco-hover-content').first();
    for (let attempt = 1; ; attempt += 1) {
      await this.page.mouse.move(0, 0);
      await this.page.locator('.editor-instance .view-line span').filter({ hasText: text }).last().hover();
      try {
        await hover.waitFor({ timeout: 5000 });
        // VS Code says so until every provider has answered.
        await hover.filter({ hasNotText: /Loading\.\.\./ }).waitFor({ timeout: 10_000 });
        return await hover.innerText();
      } catch (error) {
        // Lines that moved under the mouse, such as below a new lens, show none.
        if (attempt === 5) throw error;
      }
    }
  }

  /** The document inside the dashboard's webview, once it is there. */
  async dashboard(): Promise<Frame> {
    let found: Frame | undefined;
    await eventually(async () => {
      for (const frame of this.page.frames()) if (await frame.locator('#dashboard').count().catch(() => 0) > 0) found = frame;
      return found !== undefined;
    }, 60_000);
    return found ?? assert.fail();
  }

  /** Loads the window anew, as after it was closed: the extension host starts again, and editors come back. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.locator('.monaco-workbench .statusbar').waitFor({ timeout: 60_000 });
  }

  /** Ends the browser and the editor and removes their folders. */
  async close(): Promise<void> {
    await this.#close();
  }
}

/** Acts until what that opens is there: a row or a lens that is drawn anew under the mouse loses the click, and closes its menu, without a word. */
async function untilOpen(opened: Locator, act: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await act();
      await opened.waitFor({ timeout: 15_000 });
      return;
    } catch (error) {
      // One that was slow to open covers what is clicked again.
      if (await opened.isVisible()) return;
      if (attempt === 4) throw error;
      // A menu that is still open would take the next click.
      await opened.page().keyboard.press('Escape');
    }
  }
}

function exactly(text: string): RegExp {
  return new RegExp(`^\\s*${text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}\\s*$`);
}

/** Installs the extension in a fresh editor, opens the folder and waits for the workbench. */
export async function openWorkbench({ folder, vsix = process.env['MODELSWITCH_VSIX'] ?? defaultVsixPath(), env, workspaceTrust, settings }: OpenWorkbenchOptions): Promise<WorkbenchPage> {
  await mkdir(resultsFolder, { recursive: true });
  const stack = new AsyncDisposableStack();
  try {
    const data = stack.use(await mkdtempDisposable(join(tmpdir(), 'modelswitch-ui-')));
    const codeServer = await installCodeServer({ log: console.log });
    const workbench = await startWorkbench({ codeServer, folder, vsix, env, workspaceTrust, settings, userDataDir: join(data.path, 'user-data'), extensionsDir: join(data.path, 'extensions') });
    stack.defer(() => workbench.stop());
    const browser = await launchChromium(console.log);
    stack.defer(() => browser.close());
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(30_000);
    await page.goto(workbench.url);
    await page.locator('.monaco-workbench .statusbar').waitFor({ timeout: 60_000 });
    return new WorkbenchPage(page, workbench.url, () => stack.disposeAsync());
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
