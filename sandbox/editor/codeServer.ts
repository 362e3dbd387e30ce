import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SandboxError, freePort, logLines, messageOf, ownGroup, run, stop, waitForHttp } from '../processes.ts';
import type { Log } from '../processes.ts';

const root = dirname(dirname(import.meta.dirname));

/** code-server 4.N.P carries VS Code 1.N.P. */
export const newestCodeServer = '4.139.1';
/** Carries the oldest VS Code that `engines.vscode` allows. Its `entry.js` needs a compiler, so only `server` can be used of it. */
export const oldestCodeServer = '4.103.2';

export interface CodeServer {
  readonly version: string;
  /** The Node binary that runs it. */
  readonly node: string;
  /** code-server's own program: the workbench with extensions installed. */
  readonly entry: string;
  /** VS Code's server: for extension tests. */
  readonly server: string;
}

export interface InstallOptions {
  readonly version?: string;
  /** Where installed editors are kept; default `.vscode-test` in the project root. */
  readonly cache?: string;
  readonly log?: Log;
}

/** npm's package with nothing but the Node binary for this machine. */
const nodePackage = `node-${process.platform}-${process.arch}`;

function describeInstall(version: string, folder: string): CodeServer {
  const packages = join(folder, 'node_modules');
  const ownNode = join(packages, nodePackage, 'bin', 'node');
  return {
    version,
    node: existsSync(ownNode) ? ownNode : process.execPath,
    entry: join(packages, 'code-server', 'out', 'node', 'entry.js'),
    server: join(packages, 'code-server', 'lib', 'vscode', 'out', 'server-main.js'),
  };
}

/** Removes what an install that was killed left behind: folders named after a process that is gone. */
async function removeLeftovers(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const pid = /^installing-code-server-.*-(\d+)$/.exec(name)?.[1];
    if (pid === undefined) continue;
    try {
      process.kill(Number(pid), 0);
    } catch {
      await rm(join(cache, name), { recursive: true, force: true });
    }
  }
}

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

async function npmInstall(cwd: string, ...args: string[]): Promise<void> {
  await run(npm, ['install', ...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd });
}

/** Installs everything into an empty folder. */
async function installInto(folder: string, version: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"private": true}\n');
  await npmInstall(folder, `code-server@${version}`);
  const packageFolder = join(folder, 'node_modules', 'code-server');
  const vscode = join(packageFolder, 'lib', 'vscode');
  await npmInstall(vscode, '--omit=dev');

  // Its extension host hangs under another major version of Node than its own.
  const { engines } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as { engines: { node: string } };
  if (process.versions.node.split('.')[0] !== engines.node) await npmInstall(folder, `${nodePackage}@${engines.node}`);

  // Older ones fetch ripgrep, which finds files, in an install script.
  const ripgrep = join(vscode, 'node_modules', '@vscode', 'ripgrep');
  if (existsSync(ripgrep)) {
    await npmInstall(folder, '@vscode/ripgrep-universal@1.18.0');
    await cp(join(folder, 'node_modules', '@vscode', 'ripgrep-universal', 'bin', `${process.platform}-${process.arch}`), join(ripgrep, 'bin'), { recursive: true });
  }
}

/**
 * Installs code-server from npm into the cache, once per version: into a folder of another name first, which takes the
 * final name when it is complete, so a killed install is never used. 300 to 600 MB; no compiler is needed, because
 * install scripts do not run (what is missing then is native logging). Throws with npm's output when npm fails.
 */
export async function installCodeServer({ version = newestCodeServer, cache = join(root, '.vscode-test'), log }: InstallOptions = {}): Promise<CodeServer> {
  const folder = join(cache, `code-server-${version}`);
  const server = (): CodeServer => describeInstall(version, folder);
  if (existsSync(server().server)) return server();
  await mkdir(cache, { recursive: true });
  await removeLeftovers(cache);
  log?.(`Installing code-server ${version} (VS Code 1${version.slice(1)}) from npm, once ...`);
  const staging = join(cache, `installing-code-server-${version}-${process.pid}`);
  try {
    await mkdir(staging);
    await installInto(staging, version);
    await rename(staging, folder).catch((error: unknown) => {
      // Another process finished the same install in the meantime.
      if (!existsSync(server().server)) throw error;
    });
  } catch (error) {
    throw new SandboxError(`code-server ${version} could not be installed. Is the npm registry reachable? ${messageOf(error)}`, { cause: error });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return server();
}

/** User settings for a run without welcome pages, update checks and telemetry; in a browser VS Code would save what is typed after a second. */
export const quietSettings: Readonly<Record<string, unknown>> = {
  'workbench.startupEditor': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'telemetry.telemetryLevel': 'off',
  // A workbench in a browser saves by itself after a second; a test that takes an edit back later would find it on disk.
  'files.autoSave': 'off',
  // It looks through the processes of the machine every two seconds, in the extension host.
  'remote.autoForwardPorts': false,
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'security.workspace.trust.enabled': false,
};

/** Adds settings to a user data folder; what its user has set there already wins. A settings file that is not plain JSON is left alone. */
export async function writeSettings(userDataDir: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const path = join(userDataDir, 'User', 'settings.json');
  await mkdir(dirname(path), { recursive: true });
  let present: unknown = {};
  try {
    present = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    if (existsSync(path)) return;
  }
  await writeFile(path, `${JSON.stringify({ ...settings, ...(present as object) }, null, 2)}\n`);
}

/** What a server may not inherit when this process runs in a terminal of VS Code or code-server: it would talk to that instance instead of being a new one. */
export function cleanEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(VSCODE_|CODE_SERVER_|ELECTRON_RUN_AS_NODE$)/.test(name)));
}

export interface ServerProcess {
  readonly child: ChildProcess;
  /** Resolves, never rejects, when the process has ended. */
  readonly ended: Promise<void>;
  /** The last lines that it printed. */
  output(): string;
  stop(): Promise<void>;
}

/** Starts one of code-server's servers and resolves when `healthUrl` answers; rejects with what it printed when it does not within a minute. */
export async function startServer(codeServer: CodeServer, args: readonly string[], { env, healthUrl, log }: { env: NodeJS.ProcessEnv; healthUrl: string; log?: Log | undefined }): Promise<ServerProcess> {
  const child = spawn(codeServer.node, args, { ...ownGroup, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const last: string[] = [];
  logLines(child, (line) => {
    log?.(line);
    last.push(line);
    if (last.length > 40) last.shift();
  });
  // It is in a group of its own, so an exit of this process would leave it behind.
  const killAtExit = (): void => {
    try {
      if (child.pid !== undefined) process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  };
  process.once('exit', killAtExit);
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  }).then(() => void process.removeListener('exit', killAtExit));
  try {
    await waitForHttp(healthUrl, { child, timeoutMs: 60_000 });
  } catch (error) {
    await stop(child);
    throw new SandboxError(`code-server ${codeServer.version} did not start: ${messageOf(error)}\n${last.join('\n')}`, { cause: error });
  }
  return { child, ended, output: () => last.join('\n'), stop: () => stop(child) };
}

export interface WorkbenchOptions {
  readonly codeServer: CodeServer;
  /** Absolute path of the folder to open. */
  readonly folder: string;
  readonly userDataDir: string;
  readonly extensionsDir: string;
  /** Absolute path of a `.vsix` to install first. */
  readonly vsix?: string | undefined;
  /** Added to the environment of the server and so of the extension host; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** User settings beside the quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Whether the editor asks to trust workspaces, which starts every folder untrusted; default false. */
  readonly workspaceTrust?: boolean | undefined;
  /** The port to prefer; another one is taken when something listens there. */
  readonly port?: number | undefined;
  readonly log?: Log | undefined;
}

export interface Workbench extends Omit<ServerProcess, 'child'> {
  /** On localhost, a secure context: SecretStorage needs one. */
  readonly url: string;
  readonly port: number;
}

/** Installs the `.vsix` and starts code-server's workbench on 127.0.0.1, without a password. Resolves when it answers; rejects with its output when it does not start. */
export async function startWorkbench({ codeServer, folder, userDataDir, extensionsDir, vsix, log, ...options }: WorkbenchOptions): Promise<Workbench> {
  await writeSettings(userDataDir, { ...quietSettings, 'security.workspace.trust.enabled': options.workspaceTrust === true, ...options.settings });
  await mkdir(extensionsDir, { recursive: true });
  const config = join(userDataDir, 'code-server.yaml');
  await writeFile(config, 'cert: false\n');
  const env = { ...cleanEnvironment(process.env), ...options.env };
  const common = [codeServer.entry, '--user-data-dir', userDataDir, '--extensions-dir', extensionsDir, '--config', config];
  if (vsix !== undefined) await run(codeServer.node, [...common, '--install-extension', vsix, '--force'], { env });
  const port = await freePort(options.port);
  const quiet = ['--auth', 'none', '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override', ...(options.workspaceTrust === true ? [] : ['--disable-workspace-trust'])];
  const server = await startServer(codeServer, [...common, '--bind-addr', `127.0.0.1:${port}`, ...quiet], { env, log, healthUrl: `http://127.0.0.1:${port}/healthz` });
  return { ...server, port, url: `http://localhost:${port}/?folder=${encodeURIComponent(folder).replaceAll('%2F', '/')}` };
}
