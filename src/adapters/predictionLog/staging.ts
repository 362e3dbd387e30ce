import type { RecordLike } from '../../core/expressions/evaluate.ts';
import type { Batch } from '../../core/quality/batch.ts';
import type { Drawn, Stager } from '../../core/quality/stager.ts';

const STAGED_ROWS = 4096;
/** Of more features fewer rows, so that batches are no larger. */
const FULL_FEATURES = 50;

/** Rows that go from who stages them to who counts them at one go; `features`: those that are named. */
export function stagedRows(features: readonly string[] | undefined): number {
  return Math.ceil(STAGED_ROWS * Math.min(1, FULL_FEATURES / Math.max(1, features?.length ?? 0)));
}

/** A record that is no served prediction, or a line that is no record. */
export interface StagedApart {
  /** How many rows of the batch come before it. */
  readonly row: number;
  /** The how manyth line or row of what was read it is, from 0. */
  readonly index: number;
  /** Undefined: what cannot be read, and why. */
  readonly record: RecordLike | undefined;
  readonly drawn: StagedIds | undefined;
  readonly reason: string;
}

/** What of a record is not in it. */
export interface StagedIds {
  readonly request: number;
  readonly unit: number;
  readonly time: number;
  readonly id: string;
}

/** Stages the records of a log in their order, and hands them over when there are many. */
export class Staging {
  readonly stager: Stager;
  readonly #take: (batch: Batch, apart: readonly StagedApart[]) => Batch;
  #apart: StagedApart[] = [];

  /** `take` is given what was staged, and gives the batch to go on with, which may be the same. */
  constructor(stager: Stager, take: (batch: Batch, apart: readonly StagedApart[]) => Batch) {
    this.stager = stager;
    this.#take = take;
  }

  add(record: RecordLike, index: number, drawn: Drawn | undefined): void {
    this.room();
    if (this.stager.stage(record, drawn)) return;
    this.apart(record, index, drawn === undefined ? undefined : { request: drawn.request, unit: drawn.unit, time: drawn.time, id: drawn.requestId() });
  }

  /** A record that the stager did not take. */
  apart(record: RecordLike, index: number, drawn: StagedIds | undefined): void {
    // The reader may use it again.
    this.#apart.push({ row: this.stager.batch.size, index, record: structuredClone(record), drawn, reason: '' });
  }

  malformed(index: number, reason: string): void {
    this.#apart.push({ row: this.stager.batch.size, index, record: undefined, drawn: undefined, reason });
  }

  /** Makes room for a row. */
  room(): void {
    if (this.stager.isFull) this.close();
  }

  /** Hands over what is staged. */
  close(): void {
    const apart = this.#apart;
    this.#apart = [];
    this.stager.batch = this.#take(this.stager.batch, apart);
    this.stager.batch.clear();
  }
}
