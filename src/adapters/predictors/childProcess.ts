import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { AppError } from '../../core/base/errors.ts';
import { redact } from '../../core/base/redact.ts';
import { ownGroups, signalGroup } from '../node/processGroups.ts';

export interface ProcessCommand {
  /** The program and its arguments; no shell reads them. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Bytes of the error stream that are kept. */
const TAIL = 4000;
const GRACE_MS = 3000;
const isWindows = process.platform === 'win32';

/** A process in a group of its own, which is ended with all that it started. */
export class PredictorProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves with the sentence that says how it ended, once it has and all that it wrote is read. */
  readonly ended: Promise<string>;
  readonly #name: string;
  #tail = '';

  private constructor(child: ChildProcessWithoutNullStreams, name: string) {
    this.child = child;
    this.#name = name;
    child.stderr.on('data', (chunk: Buffer) => { this.#tail = `${this.#tail}${chunk.toString()}`.slice(-TAIL); });
    // It may end while something is written to it: `ended` says so.
    child.stdin.on('error', () => undefined);
    const { pid } = child;
    const exit = once(child, 'exit').then(() => {
      // What it started and left behind would hold its streams, and a port.
      this.kill('SIGKILL');
      if (pid !== undefined) ownGroups().remove(pid);
    });
    this.ended = Promise.all([once(child, 'close'), exit]).then(() => `${this.#name} ended with ${child.exitCode === null ? `signal ${child.signalCode ?? 'unknown'}` : `code ${child.exitCode}`}${this.tail === '' ? '' : `: ${this.tail}`}`);
  }

  /** @throws AppError notFound when the program cannot be started */
  static async start({ command: [program = '', ...args], cwd, env }: ProcessCommand): Promise<PredictorProcess> {
    const child = ownGroups().start(() => spawn(program, args, { cwd, env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true, detached: !isWindows }));
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new AppError('notFound', `${program} cannot be started (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}): check that it is installed and that the folder exists.`, {}, error);
    }
    return new PredictorProcess(child, program);
  }

  /** The end of the error stream, without what looks like a credential. */
  get tail(): string {
    return redact(this.#tail.trim());
  }

  kill(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (pid !== undefined) signalGroup(pid, signal);
  }

  /** Closes its input, asks it to end, and ends it after `graceMs`. */
  async stop(graceMs = GRACE_MS): Promise<void> {
    this.child.stdin.end();
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs);
    this.kill('SIGTERM');
    await this.ended;
    clearTimeout(timer);
  }
}
