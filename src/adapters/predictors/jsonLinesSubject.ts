import { AppError, toAppError } from '../../core/base/errors.ts';
import type { Json } from '../../core/suites/json.ts';
import type { Row } from '../../core/suites/model.ts';
import type { SubjectContent } from '../../core/suites/schema.ts';
import type { Failure, RawAnswer, Subject, VersionState } from '../../core/suites/subject.ts';
import { linesOf } from '../rows/lines.ts';
import { PredictorProcess, type ProcessCommand } from './childProcess.ts';
import { TIMEOUT_MS } from './httpSubject.ts';
import { excerpt, parseJson } from './json.ts';
import { AnswerVersions } from './versions.ts';

const LARGEST_LINE = 64 * 1024 * 1024;
const START_TIMEOUT_MS = 120_000;
/** A program that ends again and again is not started for every row of a million. */
const MOST_STARTS = 5;
const BATCH_SIZE = 32;

interface Pending {
  readonly done: (answer: { readonly output: Json } | Failure) => void;
  readonly timer: NodeJS.Timeout;
}

/** One running process with the requests that it has not answered. */
class Session {
  readonly process: PredictorProcess;
  readonly #pending = new Map<number, Pending>();
  #fault: Failure | undefined;
  #next = 0;
  #ready: () => void = () => undefined;
  readonly ready: Promise<void>;
  isOver = false;

  constructor(process: PredictorProcess) {
    this.process = process;
    this.ready = new Promise((resolve) => { this.#ready = resolve; });
    void this.#read();
    void process.ended.then((how) => this.#end({ failed: 'crash', message: how }));
  }

  ask(inputs: Json, timeoutMs: number, signal: AbortSignal): Promise<{ readonly output: Json } | Failure> {
    if (this.isOver) return Promise.resolve(this.#fault ?? { failed: 'crash', message: 'The process has ended.' });
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      const cancel = (): void => { settle(() => reject(new AppError('cancelled', 'Cancelled.'))); };
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
        this.#pending.delete(id);
        how();
      };
      // A process that hangs would hang for the next row, too.
      const timer = setTimeout(() => this.#abandon({ failed: 'timeout', message: `There was no answer within ${timeoutMs} ms; the process was ended.${this.process.tail === '' ? '' : ` ${this.process.tail}`}` }), timeoutMs);
      this.#pending.set(id, { timer, done: (answer) => settle(() => resolve(answer)) });
      signal.addEventListener('abort', cancel);
      this.process.child.stdin.write(`${JSON.stringify({ id, inputs })}\n`);
    });
  }

  async #read(): Promise<void> {
    try {
      for await (const line of linesOf(this.process.child.stdout as AsyncIterable<Uint8Array>, LARGEST_LINE)) if (line.trim() !== '') this.#take(line);
    } catch (error) {
      this.#abandon({ failed: 'garbage', message: `On stdout, which is for answers: ${toAppError(error).message}` });
    }
  }

  #take(line: string): void {
    let message: Json;
    try {
      message = parseJson(line);
    } catch {
      this.#garbage(line);
      return;
    }
    if (typeof message !== 'object' || message === null || Array.isArray(message)) { this.#garbage(line); return; }
    const { id, output, error, status, ready } = message as Readonly<Record<string, Json>>;
    if (ready === true) { this.#ready(); return; }
    const pending = typeof id === 'number' ? this.#pending.get(id) : undefined;
    if (pending === undefined) { this.#garbage(line); return; }
    if (error !== undefined && error !== null) pending.done({ failed: 'status', message: typeof error === 'string' ? error : JSON.stringify(error), ...(typeof status === 'number' ? { status } : {}) });
    else if (output === undefined) pending.done({ failed: 'missing', message: `The answer has no output: ${excerpt(line)}` });
    else pending.done({ output });
  }

  /** Not of the protocol: the oldest request is told, for nobody knows whether its answer will come. */
  #garbage(line: string): void {
    const [oldest] = this.#pending.values();
    oldest?.done({ failed: 'garbage', message: `On stdout, which is for answers, stands: ${excerpt(line)}` });
  }

  #abandon(fault: Failure): void {
    this.#end(fault);
    this.process.kill('SIGKILL');
  }

  #end(fault: Failure): void {
    this.isOver = true;
    this.#fault ??= fault;
    for (const { done } of [...this.#pending.values()]) done(fault);
  }
}

export interface JsonLinesOptions extends ProcessCommand {
  readonly name: string;
  readonly content: SubjectContent;
  /** The process says `{"ready": true}` before it can be asked. */
  readonly saysReady: boolean;
}

/** A process that answers JSON Lines; it stays warm, and is started anew after it ended. */
export class JsonLinesSubject implements Subject {
  readonly name: string;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly answerPath = '$';
  readonly #options: JsonLinesOptions;
  readonly #versions: AnswerVersions;
  #session: Promise<Session> | undefined;
  #starts = 0;
  #isClosed = false;

  constructor(options: JsonLinesOptions) {
    const { content } = options;
    this.#options = options;
    this.name = options.name;
    this.batchSize = content.batch === true ? content.batch_size ?? BATCH_SIZE : 1;
    // One process answers one after another; a few requests ahead keep it from waiting for us.
    this.concurrency = content.concurrency ?? 4;
    this.#versions = new AnswerVersions(content.version_from);
  }

  async start(signal: AbortSignal): Promise<void> {
    const session = await this.#open(signal);
    if (session.isOver) throw new AppError('validation', `${this.name} cannot be started: ${await session.process.ended}`);
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const open = this.#session;
    if (open !== undefined && !(await open).isOver) return open;
    if (this.#isClosed) throw new AppError('cancelled', 'Cancelled.');
    // Several requests find the process gone at once; one of them starts it.
    if (open !== this.#session && this.#session !== undefined) return this.#session;
    this.#starts += 1;
    this.#session = this.#begin(signal);
    return this.#session;
  }

  async #begin(signal: AbortSignal): Promise<Session> {
    const session = new Session(await PredictorProcess.start(this.#options));
    if (!this.#options.saysReady) return session;
    const stop = (): void => session.process.kill('SIGKILL');
    const timer = setTimeout(stop, START_TIMEOUT_MS);
    signal.addEventListener('abort', stop);
    await Promise.race([session.ready, session.process.ended]);
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    if (signal.aborted) {
      await session.process.ended;
      throw new AppError('cancelled', 'Cancelled.');
    }
    return session;
  }

  async predict(rows: readonly Row[], signal: AbortSignal): Promise<readonly RawAnswer[]> {
    const { content } = this.#options;
    const current = this.#session === undefined ? undefined : await this.#session;
    if (current?.isOver === true && this.#starts >= MOST_STARTS) return rows.map(() => ({ failed: 'crash', message: `${this.name} ended ${MOST_STARTS} times and was not started again.` }));
    const session = await this.#open(signal);
    const answer = await session.ask(content.batch === true ? rows : rows[0] ?? {}, content.timeout_ms ?? TIMEOUT_MS, signal);
    if ('failed' in answer) return rows.map(() => answer);
    this.#versions.see(answer.output);
    if (content.batch !== true) return [{ document: answer.output }];
    const { output } = answer;
    const failure: Failure = { failed: 'garbage', message: `The answer is no list with one entry for each of ${rows.length} rows: ${excerpt(JSON.stringify(output))}` };
    return Array.isArray(output) && output.length === rows.length ? output.map((document: Json) => ({ document })) : rows.map(() => failure);
  }

  version(): VersionState {
    return this.#versions.state();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const session = await this.#session?.catch(() => undefined);
    await session?.process.stop();
  }
}
