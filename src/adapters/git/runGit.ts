import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';

export interface GitAnswer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface GitLimits {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /** Bytes of output that are read at most. */
  readonly largest?: number;
}

const TIMEOUT_MS = 20_000;
const LARGEST = 32 * 1024 * 1024;

/** Settings of a repository that could start a program or reach out, taken back for this one call. */
const SAFE_SETTINGS = ['core.fsmonitor=false', 'core.hooksPath=', 'core.pager=cat', 'core.sshCommand=false', 'core.alternateRefsCommand=', 'diff.external=', 'log.showSignature=false', 'protocol.allow=never'];

/** What a hook or a shell around us may have set, and would lead git to another repository. */
const FOREIGN = /^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|NAMESPACE|PREFIX|EXTERNAL_DIFF|SSH|SSH_COMMAND|TRACE.*)$/;

function environment(): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))),
    LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_LITERAL_PATHSPECS: '1', GIT_NO_REPLACE_OBJECTS: '1',
    // A partial clone would fetch what it lacks, by a program that its own configuration names.
    GIT_NO_LAZY_FETCH: '1', GIT_ALLOW_PROTOCOL: 'none',
    // Windows would take a git.exe from the current folder.
    NoDefaultCurrentDirectoryInExePath: '1',
  };
}

/**
 * Runs git in a folder: no shell, no terminal, no pager, no hooks, no locks, no network. Any exit code is an answer.
 * @throws AppError notFound (no git), timeout, validation (too much output), cancelled
 */
export async function runGit(folder: string, args: readonly string[], { signal, timeoutMs = TIMEOUT_MS, largest = LARGEST }: GitLimits = {}): Promise<GitAnswer> {
  if (signal?.aborted === true) throw new AppError('cancelled', 'Cancelled.');
  const settings = SAFE_SETTINGS.flatMap((setting) => ['-c', setting]);
  const child = spawn('git', ['--no-pager', ...settings, '-C', folder, ...args], {
    cwd: dirname(process.execPath), env: environment(), stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true,
  });
  let failure: AppError | undefined;
  const end = (error: AppError): void => {
    failure ??= error;
    child.kill('SIGKILL');
    // What git itself started would hold these open.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const cancel = (): void => end(new AppError('cancelled', 'Cancelled.'));
  signal?.addEventListener('abort', cancel);
  const timer = setTimeout(() => end(new AppError('timeout', `git ${args[0] ?? ''} did not end within ${timeoutMs / 1000} s in ${folder}.`)), timeoutMs);
  const chunks: Buffer[] = [];
  let size = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > largest) end(new AppError('validation', `git ${args[0] ?? ''} answered with more than ${Math.round(largest / 1024 / 1024)} MB in ${folder}: it was dropped.`, { reason: 'tooLarge' }));
    else chunks.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => { stderr = `${stderr}${chunk.toString()}`.slice(0, 4000); });
  try {
    const [code] = await once(child, 'close') as [number | null];
    if (failure !== undefined) throw failure;
    return { code: code ?? 1, stdout: Buffer.concat(chunks), stderr };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('notFound', 'git cannot be started: install it (https://git-scm.com), so that it is on the PATH.', { reason: 'noGit' }, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

/** What git refused, as an error for people. */
export function gitError(folder: string, { stderr }: GitAnswer): AppError {
  const dubious = /detected dubious ownership in repository at '([^']+)'/.exec(stderr)?.[1];
  if (dubious !== undefined) {
    return new AppError('forbidden', `Git does not read ${plainLine(dubious, 300)} because it belongs to another user: if you trust it, run git config --global --add safe.directory "${plainLine(dubious, 300)}".`, { reason: 'dubiousOwnership' });
  }
  if (/not a git repository/.test(stderr)) return new AppError('notFound', `${folder} is in no git repository: without one nothing can be said about commits.`, { reason: 'noRepository' });
  if (/must be run in a work tree/.test(stderr)) return new AppError('notFound', `${folder} is in a bare git repository: open a clone with files.`, { reason: 'bare' });
  if (/cannot change to|No such file or directory/.test(stderr)) return new AppError('notFound', `${folder} cannot be entered.`);
  return new AppError('validation', `git: ${plainLine(stderr.replace(/^(fatal|error): /, ''), 300)}`);
}
