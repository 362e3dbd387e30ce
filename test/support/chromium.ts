import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { canInstallDebianPackages, installDebianPackages } from '../../sandbox/editor/debian.ts';
import { SandboxError, messageOf, run } from '../../sandbox/processes.ts';
import type { Log } from '../../sandbox/processes.ts';

const root = join(import.meta.dirname, '..', '..');

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'];

const usualPlaces: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'],
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].map((name) => join(process.env[name] ?? '', 'Google', 'Chrome', 'Application', 'chrome.exe')),
};

/** A Chromium or Chrome that is here already: `CHROME_PATH`, the PATH, the usual places, Playwright's own. */
function findInstalled(): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [...onPath, ...(usualPlaces[process.platform] ?? []), chromium.executablePath()].find((path) => existsSync(path));
}

/**
 * Path of a Chromium or Chrome. When there is none, Debian's package is installed (as root), else Playwright's build is
 * downloaded. Throws, naming the mend, when neither is possible or `CHROME_PATH` names nothing.
 */
export async function findChromium(log: Log): Promise<string> {
  const wanted = process.env['CHROME_PATH'];
  if (wanted !== undefined && wanted !== '') {
    if (existsSync(wanted)) return wanted;
    throw new SandboxError(`CHROME_PATH is "${wanted}", where there is no file: set it to the program of a Chromium or Chrome, or leave it unset.`);
  }
  const installed = findInstalled();
  if (installed !== undefined) return installed;
  const failures: string[] = [];
  if (canInstallDebianPackages()) {
    await installDebianPackages(['chromium', 'fonts-liberation'], log).catch((error: unknown) => failures.push(`apt: ${messageOf(error)}`));
  } else {
    log('Downloading Chromium with Playwright ...');
    await run(process.execPath, [join(root, 'node_modules', 'playwright-core', 'cli.js'), 'install', 'chromium']).catch((error: unknown) => failures.push(`Playwright: ${messageOf(error)}`));
  }
  const found = findInstalled();
  if (found !== undefined) return found;
  throw new SandboxError(`There is no Chromium or Chrome here, and none could be installed: install one, or set CHROME_PATH to its program.\n${failures.join('\n')}`);
}

/** Starts a headless browser. Its `close` ends it. */
export async function launchChromium(log: Log): Promise<Browser> {
  return chromium.launch({
    executablePath: await findChromium(log),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}
