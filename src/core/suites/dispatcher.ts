import { AppError, toAppError } from '../base/errors.ts';
import type { Answer } from './cases.ts';
import type { Row } from './model.ts';
import type { OutputReader } from './output.ts';
import type { Failure, RawAnswer, Subject } from './subject.ts';

/** After so many requests in a row to which nobody answered, asking on is pointless. */
const MOST_DEAD = 20;

interface Question {
  readonly row: Row;
  readonly columns: string;
  readonly alone: boolean;
  readonly done: (answer: Answer) => void;
}

/** Takes rows in, asks for them in batches with a bounded number of requests at once, and hands each its answer. */
export class Dispatcher {
  readonly #subject: Subject;
  readonly #read: OutputReader;
  readonly #signal: AbortSignal;
  #queue: Question[] = [];
  #head = 0;
  #inFlight = 0;
  #flushing = false;
  #dead = 0;
  #thrown: AppError | undefined;
  #wake: (() => void)[] = [];
  /** Why asking on is pointless, once it is. */
  stopped: string | undefined;

  constructor(subject: Subject, read: OutputReader, signal: AbortSignal) {
    this.#subject = subject;
    this.#read = read;
    this.#signal = signal;
  }

  /** Asks for a row; `alone` in a request of its own, so that what is wrong with it is no other row's fault. */
  ask(row: Row, alone: boolean, done: (answer: Answer) => void): void {
    this.#queue.push({ row, alone, done, columns: Object.keys(row).join('\0') });
    this.#pump();
  }

  /** Whether no more rows should be taken in now, or ever: `room` tells. */
  get isFull(): boolean {
    return this.#thrown !== undefined || this.#waiting > 2 * this.#subject.concurrency * this.#subject.batchSize;
  }

  /** Resolves when more rows can be taken in. @throws what the subject throws: cancelled */
  async room(): Promise<void> {
    while (this.#thrown === undefined && this.isFull) await this.#changed();
    if (this.#thrown !== undefined) throw this.#thrown;
  }

  /** Resolves when every row has its answer. @throws what the subject throws: cancelled */
  async drain(): Promise<void> {
    this.#flushing = true;
    this.#pump();
    while (this.#thrown === undefined && (this.#waiting > 0 || this.#inFlight > 0)) await this.#changed();
    this.#flushing = false;
    if (this.#thrown !== undefined) throw this.#thrown;
  }

  get #waiting(): number {
    return this.#queue.length - this.#head;
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #pump(): void {
    // A request that is not full waits for company, unless nothing else is on its way.
    while (this.#thrown === undefined && this.#waiting > 0 && this.#inFlight < this.#subject.concurrency && (this.#flushing || this.#inFlight === 0 || this.#waiting >= this.#subject.batchSize)) {
      const batch = this.#take();
      this.#inFlight += 1;
      void this.#carry(batch);
    }
  }

  async #carry(batch: readonly Question[]): Promise<void> {
    try {
      await this.#send(batch);
    } catch (thrown) {
      this.#thrown ??= toAppError(thrown);
    }
    this.#inFlight -= 1;
    this.#pump();
    if (this.#wake.length > 0) for (const wake of this.#wake.splice(0)) wake();
  }

  /** The next rows that go into one request: of the same columns. */
  #take(): Question[] {
    const first = this.#queue[this.#head];
    const batch: Question[] = [];
    while (this.#waiting > 0 && batch.length < this.#subject.batchSize) {
      const next = this.#queue[this.#head];
      if (next === undefined || next.columns !== first?.columns || (next.alone && batch.length > 0)) break;
      batch.push(next);
      this.#head += 1;
      if (next.alone) break;
    }
    if (this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return batch;
  }

  async #send(batch: readonly Question[]): Promise<void> {
    if (this.stopped !== undefined) {
      for (const { done } of batch) done({ failed: 'unreachable', message: this.stopped });
      return;
    }
    const answers = await this.#predict(batch.map(({ row }) => row));
    const [first] = answers;
    if (batch.length > 1 && first !== undefined && 'failed' in first && (first.failed === 'status' || first.failed === 'garbage') && answers.every((each) => each === first)) {
      // One row may have spoilt it for all.
      for (const { row, done } of batch) done(this.#answer((await this.#predict([row]))[0]));
      return;
    }
    for (const [index, { done }] of batch.entries()) done(this.#answer(answers[index]));
  }

  async #predict(rows: readonly Row[]): Promise<readonly RawAnswer[]> {
    if (this.#signal.aborted) throw new AppError('cancelled', 'Cancelled.');
    const answers = await this.#subject.predict(rows, this.#signal);
    const silent = answers.every((each) => 'failed' in each && (each.failed === 'unreachable' || each.failed === 'crash' || each.failed === 'timeout'));
    this.#dead = silent ? this.#dead + 1 : 0;
    if (this.#dead >= MOST_DEAD) this.stopped ??= `stopped after ${MOST_DEAD} requests in a row without an answer: ${(answers[0] as Failure).message}`;
    return answers;
  }

  #answer(raw: RawAnswer | undefined): Answer {
    if (raw === undefined) return { failed: 'missing', message: 'The answer has fewer entries than there were rows.' };
    return 'failed' in raw ? raw : this.#read(raw.document);
  }
}
