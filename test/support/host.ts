/** Runs code inside the extension host of a real VS Code: code-server's by default, the desktop build's with MODELSWITCH_EDITOR=desktop. */
import { existsSync, globSync } from 'node:fs';
import { cp, mkdir, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { TestRunFailedError, runTests } from '@vscode/test-electron';
import type { MochaOptions } from 'mocha';
import type { Page } from 'playwright-core';
import { cleanEnvironment, installCodeServer, newestCodeServer, quietSettings, startServer, writeSettings } from '../../sandbox/editor/codeServer.ts';
import type { CodeServer } from '../../sandbox/editor/codeServer.ts';
import { freePort } from '../../sandbox/processes.ts';
import type { Log } from '../../sandbox/processes.ts';
import { launchChromium } from './chromium.ts';
import { hostLogMark } from './hostLog.ts';
import type { TestResults } from './mochaJson.ts';

const root = join(import.meta.dirname, '..', '..');

/** An entry of `.vscode-test.mjs`. Paths are relative to the project root. */
export interface HostSuite {
  readonly label: string;
  /** Glob of the bundled suites. */
  readonly files: string;
  /** The folder to open, or the `.code-workspace` file in one; the tests get a copy of it. */
  readonly workspaceFolder: string;
  /** Version of VS Code, such as `1.103.2`; default the newest known. */
  readonly version?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly mocha?: MochaOptions;
}

export interface HostRun {
  /** Absolute path of a CommonJS module that exports `run(): Promise<void>`. */
  readonly testsPath: string;
  /** Absolute path of the folder to open, or of a `.code-workspace` file. */
  readonly folder: string;
  /** Absolute path of the extension under development; default this project. A workbench takes one. */
  readonly extension?: string;
  readonly version?: string | undefined;
  /** Reaches the extension host. */
  readonly env?: Readonly<Record<string, string>>;
  /** Absolute path of the folder that gets a screenshot and the editor's logs when the run fails. */
  readonly evidence: string;
  /** Gets what the module prints by `hostLog`. It must print something at once, and at least every two minutes. */
  readonly log: Log;
}

/** How long the tests may print nothing: until their first line, and between two lines. */
const silence = { first: 60_000, later: 120_000 };

interface Automation {
  /** Resolves with the exit code that VS Code reports for the run; rejects when it hangs. */
  readonly exit: Promise<number>;
  /** Everything that the workbench and its extension host logged. */
  readonly lines: readonly string[];
  stopWaiting(): void;
}

/** Answers the two functions that the workbench calls in a test run, and watches that the tests go on. */
async function automate(page: Page, log: Log): Promise<Automation> {
  const lines: string[] = [];
  let resolve: (code: number) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const exit = new Promise<number>((...settle) => [resolve, reject] = settle);
  let timer: NodeJS.Timeout | undefined;
  const expectLineWithin = (timeoutMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => reject(new Error(`The tests in the extension host have printed nothing for ${timeoutMs / 1000} s.`)), timeoutMs);
  };
  await page.exposeFunction('codeAutomationLog', (_level: string, parts: unknown[]) => {
    const line = format(...parts);
    lines.push(line);
    if (!line.startsWith(hostLogMark)) return;
    expectLineWithin(silence.later);
    log(line.slice(hostLogMark.length));
  });
  await page.exposeFunction('codeAutomationExit', (code: number) => resolve(code));
  page.on('crash', () => reject(new Error('The page of the workbench crashed.')));
  expectLineWithin(silence.first);
  return { exit, lines, stopWaiting: () => clearTimeout(timer) };
}

async function saveEvidence(page: Page, { lines }: Automation, dataDir: string, evidence: string): Promise<void> {
  await mkdir(evidence, { recursive: true });
  await writeFile(join(evidence, 'workbench.log'), lines.join('\n'));
  await page.screenshot({ path: join(evidence, 'screenshot.png') }).catch(() => undefined);
  const logs = join(dataDir, 'data', 'logs');
  if (existsSync(logs)) await cp(logs, join(evidence, 'logs'), { recursive: true });
}

const WORKSPACE = '.code-workspace';

/** The workbench's URL: it loads the extension and the tests from this machine, so both are named by the page's own host and port. */
function workbenchUrl(port: number, folder: string, extension: string, testsPath: string): string {
  const remote = (path: string): string => `vscode-remote://127.0.0.1:${port}${path}`;
  const payload = [['extensionDevelopmentPath', remote(extension)], ['extensionTestsPath', remote(testsPath)]];
  return `http://127.0.0.1:${port}/?${new URLSearchParams({ [folder.endsWith(WORKSPACE) ? 'workspace' : 'folder']: folder, payload: JSON.stringify(payload) }).toString()}`;
}

async function runInCodeServer(codeServer: CodeServer, { testsPath, folder, extension = root, env, evidence, log }: HostRun): Promise<number> {
  await using data = await mkdtempDisposable(join(tmpdir(), 'modelswitch-host-'));
  await writeSettings(join(data.path, 'data'), quietSettings);
  const port = await freePort();
  // Without the smoke-test driver a release build ignores the payload, without a word.
  const args = [codeServer.server, '--host', '127.0.0.1', '--port', String(port), '--without-connection-token', '--accept-server-license-terms', '--enable-smoke-test-driver', '--server-data-dir', data.path, '--disable-telemetry', '--disable-workspace-trust'];
  const server = await startServer(codeServer, args, { env: { ...cleanEnvironment(process.env), ...env }, healthUrl: `http://127.0.0.1:${port}/version` });
  try {
    const browser = await launchChromium(log);
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      const automation = await automate(page, log);
      const died = server.ended.then(() => Promise.reject(new Error(`code-server ended during the run:\n${server.output()}`)));
      try {
        const [code] = await Promise.all([Promise.race([automation.exit, died]), page.goto(workbenchUrl(port, folder, extension, testsPath))]);
        if (code !== 0) await saveEvidence(page, automation, data.path, evidence);
        return code;
      } catch (error) {
        await saveEvidence(page, automation, data.path, evidence);
        throw error;
      } finally {
        automation.stopWaiting();
        died.catch(() => undefined);
      }
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
  }
}

async function runInDesktop({ testsPath, folder, extension = root, version, env = {} }: HostRun): Promise<number> {
  await using data = await mkdtempDisposable(join(tmpdir(), 'modelswitch-host-'));
  const userDataDir = join(data.path, 'user-data');
  await writeSettings(userDataDir, quietSettings);
  try {
    return await runTests({
      ...(version === undefined ? {} : { version }),
      extensionDevelopmentPath: extension,
      extensionTestsPath: testsPath,
      extensionTestsEnv: { ...env },
      launchArgs: [folder, '--user-data-dir', userDataDir, '--extensions-dir', join(data.path, 'extensions'), '--disable-workspace-trust', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    });
  } catch (error) {
    if (error instanceof TestRunFailedError) return error.code ?? 1;
    throw error;
  }
}

/** Opens the folder in a VS Code and runs the module in its extension host. Gives the exit code (1 when `run` rejected); rejects when the editor could not be started, died or hung. */
export async function runInHost(options: HostRun): Promise<number> {
  await rm(options.evidence, { recursive: true, force: true });
  if (process.env['MODELSWITCH_EDITOR'] === 'desktop') return runInDesktop(options);
  // VS Code 1.N.P comes as code-server 4.N.P.
  const version = options.version === undefined ? newestCodeServer : `4${options.version.slice(1)}`;
  return runInCodeServer(await installCodeServer({ version, log: options.log }), options);
}

/** The suites of `.vscode-test.mjs`. */
export async function readHostSuites(): Promise<readonly HostSuite[]> {
  const module = (await import(pathToFileURL(join(root, '.vscode-test.mjs')).href)) as { default: readonly HostSuite[] };
  return module.default;
}

/** Runs one suite on a copy of its folder. Throws when the editor could not be run or ended before the results were written. */
export async function runHostSuite(suite: HostSuite, log: Log): Promise<TestResults> {
  const files = globSync(suite.files, { cwd: root }).map((file) => join(root, file));
  if (files.length === 0) throw new Error(`No file matches ${suite.files}: build with --tests first.`);
  await using temporary = await mkdtempDisposable(join(tmpdir(), 'modelswitch-workspace-'));
  const copy = join(temporary.path, 'workspace');
  const isFile = suite.workspaceFolder.endsWith(WORKSPACE);
  await cp(join(root, isFile ? dirname(suite.workspaceFolder) : suite.workspaceFolder), copy, { recursive: true });
  const folder = isFile ? join(copy, basename(suite.workspaceFolder)) : copy;
  const output = join(temporary.path, 'results.json');
  const evidence = join(root, 'test-results', 'host', suite.label.replaceAll(/\W+/g, '-'));
  const code = await runInHost({
    testsPath: join(root, 'dist', 'test', 'host', 'index.cjs'),
    folder,
    version: suite.version,
    env: { ...suite.env, VSCODE_TEST_OPTIONS: JSON.stringify({ files, output, mochaOpts: suite.mocha ?? {} }) },
    evidence,
    log,
  });
  if (!existsSync(output)) throw new Error(`The extension host ended with code ${code} before it had results; its logs are in ${evidence}.`);
  const results = JSON.parse(await readFile(output, 'utf8')) as TestResults;
  if (code !== 0 && results.failed.length === 0) throw new Error(`No test failed, but the extension host ended with code ${code}; its logs are in ${evidence}.`);
  return results;
}
