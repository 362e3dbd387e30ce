import { HashSlots, NumberColumn, RecordColumns, savedAt, type SavedRecords } from './hashSlots.ts';
import { MOST_OF_ONE, withoutOne, type PassedOver } from './severalOutcomes.ts';
import type { ToldOutcome } from './waitingPredictions.ts';

/** Outcomes whose predictions are not there, to go on from later; in their order, several of one request too. */
export interface SavedEarly {
  readonly requests: Float64Array;
  readonly told: Float64Array;
  readonly outcomes: SavedRecords;
  /** Requests of which some were passed over. */
  readonly passed: readonly (readonly [request: number, from: number | null, to: number | null])[];
}

/** Outcomes that wait for their prediction, by the hash of its request. */
export class EarlyOutcomes {
  readonly #fields: readonly string[];
  readonly #slots = new HashSlots();
  readonly #outcomes: RecordColumns;
  readonly #told = new NumberColumn();
  /** Where there are several of one request, those after the first. */
  readonly #more = new Map<number, ToldOutcome[]>();
  /** What was passed over of requests that had more than are kept. */
  readonly #passed = new Map<number, PassedOver>();
  /** Requests in the order in which they came; some have gone. */
  #order: number[] = [];

  constructor(fields: readonly string[]) {
    this.#fields = fields;
    this.#outcomes = new RecordColumns(fields);
  }

  get saved(): SavedEarly {
    this.#tidy();
    const all = this.#order.flatMap((request) => this.of(request).map((each) => ({ request, ...each })));
    const records = new RecordColumns(this.#fields);
    for (const [place, { outcome }] of all.entries()) records.set(place, outcome);
    return { requests: Float64Array.from(all, ({ request }) => request), told: Float64Array.from(all, ({ at }) => at), outcomes: records.saved(all.map((_, place) => place)), passed: [...this.#passed].map(([request, { from, to }]) => [request, finiteOrNull(from), finiteOrNull(to)]) };
  }

  restore({ requests, told, outcomes, passed }: SavedEarly): void {
    for (const [index, request] of requests.entries()) this.add(request, { outcome: savedAt(outcomes, index), at: told[index] ?? Number.NaN });
    for (const [request, from, to] of passed) this.#passed.set(request, { from: from ?? Number.NEGATIVE_INFINITY, to: to ?? Number.POSITIVE_INFINITY });
  }

  /** Of how many requests there are some. */
  get size(): number {
    return this.#slots.size;
  }

  /** In the order in which they came. */
  of(request: number): readonly ToldOutcome[] {
    const place = this.#slots.find(request);
    return place < 0 ? [] : [{ outcome: this.#outcomes.get(place), at: this.#told.get(place) }, ...this.#more.get(request) ?? []];
  }

  add(request: number, told: ToldOutcome): void {
    const known = this.#slots.find(request);
    if (known >= 0) {
      const more = this.#more.get(request) ?? [];
      if (more.length + 1 < MOST_OF_ONE) this.#more.set(request, [...more, told]);
      else this.#addToMany(request, known, told);
      return;
    }
    const place = this.#slots.add(request);
    this.#outcomes.set(place, told.outcome);
    this.#told.set(place, told.at);
    this.#order.push(request);
  }

  #addToMany(request: number, place: number, told: ToldOutcome): void {
    const { kept: [first = told, ...more], passed } = withoutOne([...this.of(request), told]);
    this.#outcomes.set(place, first.outcome);
    this.#told.set(place, first.at);
    this.#more.set(request, more);
    if (passed === undefined) return;
    const before = this.#passed.get(request) ?? passed;
    this.#passed.set(request, { from: Math.min(before.from, passed.from), to: Math.max(before.to, passed.to) });
  }

  /** Whether one that was passed over may be the one that counts, where outcomes count up to a time, in milliseconds since 1970. */
  mayLack(request: number, until: number): boolean {
    const passed = this.#passed.get(request);
    return passed !== undefined && passed.from <= until && until < passed.to;
  }

  delete(request: number): void {
    this.#passed.delete(request);
    this.#slots.delete(request);
    this.#more.delete(request);
  }

  /** Keeps those of some requests only. */
  keep(isKept: (request: number) => boolean): void {
    for (const request of this.#slots) if (!isKept(request)) this.delete(request);
    this.#tidy();
  }

  /** Keeps those of so many requests, the newest. Answers of how many they have gone. */
  keepNewest(most: number): number {
    const { size } = this;
    this.#tidy();
    for (const request of this.#order.splice(0, Math.max(0, this.#order.length - most))) this.delete(request);
    return size - this.size;
  }

  #tidy(): void {
    // One that went and came again stands where it came first.
    this.#order = [...new Set(this.#order)].filter((request) => this.#slots.find(request) >= 0);
  }
}

/** JSON has no infinities. */
function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
