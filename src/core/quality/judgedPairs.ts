import { HashSlots, NumberColumn } from './hashSlots.ts';

/** A pair that was judged by an outcome. */
export interface JudgedPair {
  /** What both decided, as a number. */
  readonly decisions: number;
  /** The number of its environment's and version's pairs. */
  readonly pairs: number;
  readonly outcome: boolean;
  /** When the outcome was told: `TimedValue.at`. */
  readonly told: number;
  /** Up to when one is in time. */
  readonly limit: number;
}

/** Pairs that were judged, one after another in the order in which they were, to go on from later. */
export interface SavedJudged {
  readonly requests: Float64Array;
  readonly decisions: Float64Array;
  readonly pairs: Float64Array;
  readonly outcomes: Float64Array;
  readonly told: Float64Array;
  readonly limits: Float64Array;
}

/** Pairs that another outcome may correct, by the hash of their request: those that were judged last. */
export class JudgedPairs {
  readonly #most: number;
  readonly #slots = new HashSlots();
  readonly #columns = { decisions: new NumberColumn(), pairs: new NumberColumn(), outcomes: new NumberColumn(), told: new NumberColumn(), limits: new NumberColumn() };
  /** From the one that was judged first on; some are there no more. */
  #order: number[] = [];

  constructor(most: number, saved?: SavedJudged) {
    this.#most = most;
    for (const [index, request] of saved?.requests.entries() ?? []) {
      const at = (column: Float64Array | undefined): number => column?.[index] ?? 0;
      this.keep(request, { decisions: at(saved?.decisions), pairs: at(saved?.pairs), outcome: at(saved?.outcomes) === 1, told: at(saved?.told), limit: at(saved?.limits) });
    }
  }

  /** `placeOf`: what the pairs are called from now on; undefined where they are no more. */
  saved(placeOf: (pairs: number) => number | undefined): SavedJudged {
    const { decisions, pairs, outcomes, told, limits } = this.#columns;
    const requests = this.#order.filter((request) => placeOf(pairs.get(this.#slots.find(request))) !== undefined);
    const numbers = (of: (place: number) => number): Float64Array => Float64Array.from(requests, (request) => of(this.#slots.find(request)));
    const values = (column: NumberColumn): Float64Array => numbers((place) => column.get(place));
    return { requests: Float64Array.from(requests), decisions: values(decisions), pairs: numbers((place) => placeOf(pairs.get(place)) ?? 0), outcomes: values(outcomes), told: values(told), limits: values(limits) };
  }

  find(request: number): JudgedPair | undefined {
    const place = this.#slots.find(request);
    if (place < 0) return undefined;
    const { decisions, pairs, outcomes, told, limits } = this.#columns;
    return { decisions: decisions.get(place), pairs: pairs.get(place), outcome: outcomes.get(place) === 1, told: told.get(place), limit: limits.get(place) };
  }

  keep(request: number, { decisions, pairs, outcome, told, limit }: JudgedPair): void {
    const known = this.#slots.find(request);
    const place = known < 0 ? this.#slots.add(request) : known;
    const columns = this.#columns;
    columns.decisions.set(place, decisions);
    columns.pairs.set(place, pairs);
    columns.outcomes.set(place, Number(outcome));
    columns.told.set(place, told);
    columns.limits.set(place, limit);
    if (known < 0) this.#order.push(request);
    if (this.#order.length < 2 * this.#most) return;
    for (const first of this.#order.splice(0, this.#order.length - this.#most)) this.#slots.delete(first);
  }
}
