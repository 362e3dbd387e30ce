import { spawn } from 'node:child_process';
import { AppError, throwIfCancelled, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';

const LARGEST = 64 * 1024 * 1024;
const TIMEOUT_MS = 5 * 60_000;

export interface CommandInput {
  /** What it reads from its standard input; nothing where it is not given. */
  readonly text?: string;
  /** What it prints, for people: `windows, not rows`. */
  readonly instead: string;
}

/**
 * What a command of the user's prints; no shell reads its arguments. It gets five minutes and may print 64 MB.
 * @throws AppError network when it cannot be started or fails, as a server that does not answer, validation when it prints too much, timeout, cancelled
 */
export function runCommand([command = '', ...args]: readonly string[], cwd: string, { text, instead }: CommandInput, signal: AbortSignal): Promise<string> {
  const name = plainLine(command);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'], signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    const parts: Buffer[] = [];
    let [size, errors] = [0, ''];
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size > LARGEST) child.kill();
      else parts.push(part);
    });
    child.stderr.on('data', (part: Buffer) => void (errors = (errors + part.toString('utf8')).slice(-2000)));
    // One that does not read all of its input is no failure: its exit code says what is.
    child.stdin.on('error', () => undefined);
    child.stdin.end(text ?? '');
    child.on('error', (error) => {
      try {
        throwIfCancelled(signal);
      } catch (cancelled) {
        reject(toAppError(cancelled));
        return;
      }
      reject(error.name === 'AbortError' ? new AppError('timeout', `${name} took longer than five minutes and was ended.`) : new AppError('network', `${name} cannot be started: ${plainLine(error.message)}.`));
    });
    child.on('close', (code) => {
      if (size > LARGEST) reject(new AppError('validation', `${name} printed more than 64 MB: print ${instead}.`));
      else if (code !== 0) reject(new AppError('network', `${name} failed with exit code ${code ?? 'none'}: ${plainLine(errors.trim().split('\n').at(-1) ?? '', 300)}`));
      else resolve(Buffer.concat(parts).toString('utf8'));
    });
  });
}
