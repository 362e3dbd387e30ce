import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lock } from 'proper-lockfile';
import { SandboxError, messageOf, run } from './processes.ts';
import type { Log } from './processes.ts';

export interface PythonOptions {
  /** Where the virtual environment is, or is made. */
  venvDir: string;
  /** A requirements.txt with pinned versions. */
  requirements: string;
  log?: Log;
  /** Environment in which Python is looked for; this process's by default. */
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
}

interface Python { command: string; version: string; hasVenv: boolean }

/** MLflow's. */
const oldest = [3, 10] as const;
const windows = process.platform === 'win32';
const candidates: readonly (readonly [string, ...string[]])[] = windows
  ? [['py', '-3'], ['python3'], ['python']]
  : [['python3'], ['python'], ['python3.14'], ['python3.13'], ['python3.12'], ['python3.11'], ['python3.10']];
const probe = `
import importlib.util, sys
print(sys.executable)
print("%d.%d.%d" % sys.version_info[:3])
print(all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")))
`;

async function ask([command, ...args]: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Promise<Python | undefined> {
  try {
    const [executable, version, hasVenv] = (await run(command, [...args, '-c', probe], { env })).trim().split(/\r?\n/);
    return executable && version ? { command: executable, version, hasVenv: hasVenv === 'True' } : undefined;
  } catch {
    return undefined;
  }
}

function isRecent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

/** What to type to get Python on this system. */
function mend(packages: string): string {
  if (process.platform === 'darwin') return 'install it with `brew install python` or from https://www.python.org';
  if (windows) return 'install it from https://www.python.org';
  if (existsSync('/etc/debian_version')) return `install it with \`apt-get install ${packages}\` (as root)`;
  return 'install it with your package manager (packages python3 and python3-pip)';
}

/** The first Python that is new enough, one that can make virtual environments before one that can't. */
async function findPython(env: NodeJS.ProcessEnv): Promise<Python> {
  const found: Python[] = [];
  for (const candidate of candidates) {
    const python = await ask(candidate, env);
    if (python && isRecent(python.version) && python.hasVenv) return python;
    if (python) found.push(python);
  }
  const recent = found.find(({ version }) => isRecent(version));
  if (recent) return recent;
  const needed = `The sandbox needs Python ${oldest.join('.')} or newer`;
  const tooOld = found[0];
  throw new SandboxError(tooOld
    ? `${needed}; ${tooOld.command} is ${tooOld.version}: ${mend('python3 python3-venv')}, then start again.`
    : `${needed}, and there is no \`python3\` on the PATH: ${mend('python3 python3-venv')}, then start again.`);
}

/** Debian ships Python without `venv`: as root it is installed, else the mend is named. */
async function completePython(python: Python, { env, log, signal }: { env: NodeJS.ProcessEnv; log: Log; signal: AbortSignal | undefined }): Promise<void> {
  if (python.hasVenv) return;
  const [major, minor] = python.version.split('.');
  const missing = `${python.command} (${python.version}) can't make virtual environments: its modules venv and ensurepip are missing`;
  const packageName = `python${major}.${minor}-venv`;
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) throw new SandboxError(`${missing}: ${mend(packageName)}, then start again.`);
  log(`${missing}; installing ${packageName} by apt`);
  const apt = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, log, signal };
  try {
    await run('apt-get', ['update', '-q'], apt);
    await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', packageName], apt);
  } catch (error) {
    signal?.throwIfAborted();
    throw new SandboxError(`${missing}, and apt could not install ${packageName}: ${messageOf(error)}`);
  }
}

/** The Python of a virtual environment. */
const pythonOf = (venvDir: string): string => join(venvDir, ...windows ? ['Scripts', 'python.exe'] : ['bin', 'python']);

/**
 * Makes sure that a virtual environment with the required packages exists, and gives its Python. Nothing is done, not even looking for
 * Python, when the last run here was for the same requirements.
 * Throws a SandboxError that names what is missing (Python, venv, a package that pip can't install) and how to mend it.
 */
export async function ensurePython({ venvDir, requirements, log = () => undefined, env = process.env, signal }: PythonOptions): Promise<string> {
  const python = pythonOf(venvDir);
  const stamp = join(venvDir, '.modelswitch-requirements');
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const isReady = async (): Promise<boolean> => existsSync(stamp) && readFileSync(stamp, 'utf8') === digest && await ask([python], env) !== undefined;
  if (await isReady()) return python;
  // Another process may be making it now: two at once would remove each other's files.
  mkdirSync(dirname(venvDir), { recursive: true });
  const unlock = await lock(venvDir, { realpath: false, stale: 60_000, retries: { retries: 1200, factor: 1, minTimeout: 500, maxTimeout: 500 } });
  try {
    if (await isReady()) return python;
    await makeVenv({ venvDir, requirements, log, env, signal }, python);
    writeFileSync(stamp, digest);
  } finally {
    await unlock();
  }
  return python;
}

async function makeVenv({ venvDir, requirements, log, env, signal }: Required<Omit<PythonOptions, 'signal'>> & Pick<PythonOptions, 'signal'>, python: string): Promise<void> {
  const found = await findPython(env);
  await completePython(found, { env, log, signal });
  log(`Python ${found.version} (${found.command})`);
  rmSync(venvDir, { recursive: true, force: true });
  try {
    await run(found.command, ['-m', 'venv', venvDir], { env, log, signal });
    await run(python, ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--requirement', requirements], { env, log, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw new SandboxError(`The Python packages could not be installed (${requirements}): ${messageOf(error)}`);
  }
}
