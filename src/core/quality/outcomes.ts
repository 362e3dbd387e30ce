import type { RecordLike } from '../expressions/evaluate.ts';
import type { QualityDefinition } from './definitions.ts';
import type { Group } from './groups.ts';
import { RecentMap } from './hashing.ts';

/** Predictions that wait for their outcome (this many at least, and twice as many at most), and outcomes for their prediction. */
const MOST_WAITING = 500_000;

/** A prediction whose outcome is not known or not final. */
export interface Waiting {
  readonly record: RecordLike;
  readonly group: Group;
  readonly slices: readonly string[];
  readonly unitHash: number;
  readonly at: number;
  matured: boolean;
  outcome: RecordLike | undefined;
  /** The time that the outcome's record bears; NaN: none, or there is no outcome. */
  told: number;
}

/** A prediction with its outcome, or without one where that means something; `isNew`: it was not told as matured before. */
export type Settled = (waiting: Waiting, outcome: RecordLike | undefined, isNew: boolean) => void;

/** Joins predictions and outcomes by the hash of their request id, in whatever order they come. */
export class Outcomes {
  readonly #definition: QualityDefinition;
  readonly #settled: Settled;
  readonly #matured: (group: Group) => void;
  readonly #waiting = new RecentMap<Waiting>(MOST_WAITING);
  readonly #due = new Map<number, number[]>();
  readonly #early = new Map<number, { readonly outcome: RecordLike; readonly told: number }>();

  constructor(definition: QualityDefinition, settled: Settled, matured: (group: Group) => void) {
    this.#definition = definition;
    this.#settled = settled;
    this.#matured = matured;
  }

  get withoutPrediction(): number {
    return this.#early.size;
  }

  /** A prediction; `own` is the outcome that stands in it. */
  wait(request: number, own: RecordLike | undefined, waiting: Omit<Waiting, 'matured' | 'outcome' | 'told'>): void {
    const early = own === undefined ? this.#early.get(request) : undefined;
    if (own === undefined) this.#early.delete(request);
    this.#waiting.set(request, { ...waiting, matured: false, outcome: own ?? early?.outcome, told: early?.told ?? Number.NaN });
    const due = Math.floor(waiting.at / this.#definition.windowMs);
    const list = this.#due.get(due);
    if (list === undefined) this.#due.set(due, [request]);
    else list.push(request);
  }

  /** `told`: the time that its record bears, NaN where there is none. */
  add(request: number, outcome: RecordLike, told: number): void {
    const waiting = this.#waiting.get(request);
    if (waiting === undefined) {
      if (this.#early.size < MOST_WAITING) this.#early.set(request, { outcome, told });
      return;
    }
    waiting.outcome = outcome;
    waiting.told = told;
    if (waiting.matured) this.#settle(request, waiting);
  }

  #settle(request: number, waiting: Waiting): void {
    this.#waiting.delete(request);
    this.#settled(waiting, waiting.outcome, !waiting.matured);
  }

  /** Counts the predictions that have matured by now: earlier, only quick outcomes would be known, and they differ from slow ones. */
  settle(now: number): void {
    const { windowMs, labels: { matureAfterMs, absentMeans } } = this.#definition;
    for (const [window, requests] of this.#due) {
      if ((window + 1) * windowMs + matureAfterMs > now) continue;
      this.#due.delete(window);
      for (const request of requests) {
        const waiting = this.#waiting.get(request);
        if (waiting === undefined) continue;
        if (waiting.outcome !== undefined || absentMeans !== undefined) {
          this.#settle(request, waiting);
        } else {
          waiting.matured = true;
          this.#matured(waiting.group);
        }
      }
    }
  }
}
