import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { downloadAndUnzipVSCode, resolveCliPathFromVSCodeExecutablePath } from '@vscode/test-electron';
import { SandboxError, logLines, messageOf, ownGroup, run, stop } from '../processes.ts';
import type { Log } from '../processes.ts';
import { chooseEditor } from './choose.ts';
import type { EditorKind } from './choose.ts';
import { cleanEnvironment, installCodeServer, quietSettings, startWorkbench, writeSettings } from './codeServer.ts';
import { canInstallDebianPackages, installDebianPackages } from './debian.ts';

const root = dirname(dirname(import.meta.dirname));

export interface OpenOptions {
  /** Absolute path of the folder to open. */
  readonly folder: string;
  /** Absolute path of the extension to install. */
  readonly vsix: string;
  /** Reaches the extension host, beside this process's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: Log;
  /** Where the editor keeps its settings and extensions, one folder per kind of editor; default `.sandbox/editor` in the project root. Nothing of the user's own editor is touched. */
  readonly userDataDir?: string | undefined;
}

export interface OpenedEditor {
  /** What was opened, for the user: a sentence, with the URL to open when there is one. */
  readonly describe: string;
  /** Resolves, never rejects, when the user has closed the window or the editor has ended. */
  readonly closed: Promise<void>;
  stop(): Promise<void>;
}

interface Launch extends OpenOptions {
  readonly profile: string;
  readonly extensions: string;
}

/** Arguments that keep a desktop editor away from the user's own settings and extensions. */
function desktopArguments({ profile, extensions }: Launch): string[] {
  // Electron refuses to run as root inside its sandbox.
  return ['--user-data-dir', profile, '--extensions-dir', extensions, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
}

const windowArguments = ['--new-window', '--disable-workspace-trust', '--skip-welcome', '--skip-release-notes', '--disable-telemetry'];

function findCode(): string | undefined {
  const name = process.platform === 'win32' ? 'code.cmd' : 'code';
  return (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Version of the `code` on the PATH; undefined when there is none or it does not answer. */
async function codeVersion(launch: Launch): Promise<string | undefined> {
  const code = findCode();
  if (code === undefined) return undefined;
  try {
    const output = await run(code, [...desktopArguments(launch), '--version'], { env: cleanEnvironment(process.env), signal: AbortSignal.timeout(20_000) });
    return /^\d+\.\d+\.\d+/m.exec(output)?.[0];
  } catch {
    return undefined;
  }
}

function startWindow(command: string, args: readonly string[], { env, log }: Launch): ChildProcess {
  const child = spawn(command, args, { ...ownGroup, env: { ...cleanEnvironment(process.env), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  // An editor prints warnings of its own all the time; they are of no use to the user.
  logLines(child, () => undefined);
  child.on('error', (error) => log(`The editor could not be started: ${error.message}`));
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  return once(child, 'exit').then(() => undefined, () => undefined);
}

/** `code --wait` only waits: the window belongs to another process, whose id VS Code keeps in its user data folder. */
async function stopWindowOf(profile: string): Promise<void> {
  const lock = join(profile, 'code.lock');
  const pid = Number(await readFile(lock, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return;
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended already.
  }
}

async function openCode(launch: Launch): Promise<OpenedEditor> {
  const code = findCode();
  if (code === undefined) throw new SandboxError('There is no `code` command on the PATH: install it from VS Code ("Shell Command: Install \'code\' command in PATH").');
  const args = desktopArguments(launch);
  // A lock file that a crash left would name a process of somebody else.
  await rm(join(launch.profile, 'code.lock'), { force: true });
  await run(code, [...args, '--install-extension', launch.vsix, '--force'], { env: cleanEnvironment(process.env) });
  const child = startWindow(code, [...args, ...windowArguments, '--wait', launch.folder], launch);
  return {
    describe: 'Your VS Code, in a window with settings and extensions of its own.',
    closed: ended(child),
    stop: async () => {
      await stopWindowOf(launch.profile);
      await stop(child);
    },
  };
}

/** What the desktop build needs of the system and Debian does not install by itself. */
const desktopLibraries = ['chromium', 'libxkbfile1', 'libsecret-1-0'];

async function openDesktop(launch: Launch): Promise<OpenedEditor> {
  launch.log('Downloading VS Code, once ...');
  const executable = await downloadAndUnzipVSCode({ cachePath: join(root, '.vscode-test'), reporter: { report: () => undefined, error: () => undefined } });
  if (process.platform === 'linux' && canInstallDebianPackages()) {
    const libraries = await run('ldd', [executable]);
    // Chromium's package brings the same libraries, under whatever name this release of Debian has for them.
    if (libraries.includes('not found')) await installDebianPackages(desktopLibraries, launch.log);
  }
  const args = desktopArguments(launch);
  await run(resolveCliPathFromVSCodeExecutablePath(executable), [...args, '--install-extension', launch.vsix, '--force'], { env: cleanEnvironment(process.env) });
  const child = startWindow(executable, [...args, ...windowArguments, launch.folder], launch);
  return { describe: 'VS Code, downloaded for the demo.', closed: ended(child), stop: () => stop(child) };
}

async function openCodeServer({ folder, vsix, env, log, profile, extensions }: Launch): Promise<OpenedEditor> {
  const codeServer = await installCodeServer({ log });
  const workbench = await startWorkbench({ codeServer, folder, vsix, env, userDataDir: profile, extensionsDir: extensions });
  return { describe: `VS Code in your browser: open ${workbench.url}`, closed: workbench.ended, stop: workbench.stop };
}

const openers: Readonly<Record<EditorKind, (launch: Launch) => Promise<OpenedEditor>>> = { code: openCode, desktop: openDesktop, 'code-server': openCodeServer };

/**
 * Opens a VS Code on the folder with the extension installed: the user's own `code`, else the desktop build downloaded,
 * else code-server with a URL to open (see `chooseEditor`). Throws a `SandboxError` when none of them works.
 */
export async function openEditor(options: OpenOptions): Promise<OpenedEditor> {
  const { log, userDataDir = join(root, '.sandbox', 'editor') } = options;
  const launchOf = (kind: EditorKind): Launch => ({ ...options, profile: join(userDataDir, kind, 'user-data'), extensions: join(userDataDir, kind, 'extensions') });
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { engines: { vscode: string } };
  const { order, reasons } = chooseEditor({
    platform: process.platform,
    env: process.env,
    codeVersion: await codeVersion(launchOf('code')),
    oldestVersion: manifest.engines.vscode.replace(/^\D*/, ''),
  });
  reasons.forEach((reason) => log(reason));
  const failures: string[] = [];
  for (const kind of order) {
    try {
      const launch = launchOf(kind);
      await writeSettings(launch.profile, quietSettings);
      return await openers[kind](launch);
    } catch (error) {
      failures.push(`${kind}: ${messageOf(error)}`);
      log(`${kind} could not be opened: ${messageOf(error).split('\n')[0] ?? ''}`);
    }
  }
  throw new SandboxError(`No editor could be opened.\n${failures.join('\n')}`);
}
