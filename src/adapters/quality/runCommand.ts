import { spawn } from 'node:child_process';
import { AppError } from '../../core/base/errors.ts';
import { redact } from '../../core/base/redact.ts';
import { plainLine } from '../../core/base/words.ts';
import { isGroupLeft, ownGroups, signalGroup } from '../node/processGroups.ts';

const LARGEST = 64 * 1024 * 1024;
/** Characters of what it writes for people: more than a last line has, of which a part might hide what is to be redacted. */
const KEPT = 64 * 1024;
const TIMEOUT_MS = 5 * 60_000;
/** What a command has left running may hold its output open; so long it is waited for. */
const LEFT_MS = 1000;
/** One that does not end when it is asked to is ended after so long. */
export const KILL_MS = 5000;

export interface CommandInput {
  /** What it reads from its standard input; nothing where it is not given. */
  readonly text?: string;
  /** What it prints, for people: `windows, not rows`. */
  readonly instead: string;
}

/** What a command that failed has said last: behind a colon, or that it said nothing. */
function lastWords(errors: string): string {
  const last = plainLine(redact(errors.trim().split('\n').at(-1) ?? ''), 300);
  return last === '' ? ' and wrote nothing to its standard error.' : `: ${last}`;
}

/**
 * What a command of the user's prints; no shell reads its arguments. It gets five minutes and may print 64 MB. It has told all when it ends, also where something that it has started goes on and holds its output open.
 * @throws AppError network when it cannot be started or fails, as a server that does not answer, validation when it prints too much, timeout, cancelled
 */
export function runCommand([command = '', ...args]: readonly string[], cwd: string, { text, instead }: CommandInput, signal: AbortSignal): Promise<string> {
  const name = plainLine(command);
  return new Promise((resolve, reject) => {
    const groups = ownGroups();
    const child = groups.start(() => spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'], detached: process.platform !== 'win32' }));
    const { pid } = child;
    let killing: NodeJS.Timeout | undefined;
    const parts: Buffer[] = [];
    let [size, errors] = [0, ''];
    const timer = setTimeout(() => stop(new AppError('timeout', `${name} took longer than five minutes and was ended.`)), TIMEOUT_MS);
    const cancel = (): void => stop(new AppError('cancelled', 'Cancelled.'));
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      for (const stream of [child.stdout, child.stderr, child.stdin]) stream.destroy();
    };
    const stop = (error: AppError): void => {
      reject(error);
      done();
      if (pid === undefined || killing !== undefined) return;
      signalGroup(pid, 'SIGTERM');
      killing = setTimeout(() => {
        signalGroup(pid, 'SIGKILL');
        groups.remove(pid);
      }, KILL_MS).unref();
    };
    // What it has started may go on where it ended by itself, and where it was ended only until it is killed.
    const forget = (): void => {
      if (pid === undefined || (killing !== undefined && isGroupLeft(pid))) return;
      clearTimeout(killing);
      groups.remove(pid);
    };
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > LARGEST) stop(new AppError('validation', `${name} printed more than 64 MB: print ${instead}.`));
      else parts.push(part);
    });
    child.stderr.on('data', (part: Buffer) => void (errors = (errors + part.toString('utf8')).slice(-KEPT)));
    // One that does not read all of its input is no failure: its exit code says what is.
    child.stdin.on('error', () => undefined);
    child.stdin.end(text ?? '');
    child.on('error', (error) => {
      reject(new AppError('network', `${name} cannot be started: ${plainLine(error.message)}.`));
      done();
    });
    child.on('exit', () => {
      forget();
      setTimeout(done, LEFT_MS).unref();
    });
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(parts).toString('utf8'));
      else reject(new AppError('network', `${name} failed with exit code ${code ?? 'none'}${lastWords(errors)}`));
      done();
    });
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
  });
}
