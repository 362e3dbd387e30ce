import type { RecordLike } from '../expressions/evaluate.ts';
import type { QualityDefinition } from './definitions.ts';
import type { Group } from './groups.ts';
import { HashSlots, isDrawn, NumberColumn, RecordColumns, savedAt, type SavedRecords } from './hashSlots.ts';

/** So many predictions at most wait for their outcome, and so many outcomes for their prediction; 100 to 200 bytes each. */
const MOST_WAITING = 500_000;

/** A prediction whose outcome is known and final, or will not come. */
export interface Waiting {
  readonly record: RecordLike;
  readonly group: Group;
  readonly slices: readonly string[];
  readonly unitHash: number;
  readonly at: number;
}

/** An outcome as its record told it. */
export interface ToldOutcome {
  readonly outcome: RecordLike;
  /** The time that the record bears, in milliseconds since 1970; NaN: none. */
  readonly at: number;
}

/** A prediction with its outcome, or without one where that means something; `isNew`: it was not told as matured before. */
export type Settled = (waiting: Waiting, outcome: ToldOutcome | undefined, isNew: boolean) => void;

/** What is told by `Outcomes`. */
export interface OutcomeListener {
  readonly settled: Settled;
  /** A prediction of the group, made at that time, has matured without an outcome. */
  readonly matured: (group: Group, at: number) => void;
}

interface OutcomeFields {
  /** What is kept of a prediction, and of an outcome. */
  readonly kept: Iterable<string>;
  readonly outcome: readonly string[];
}

/** What waits, to go on from later: hashes of requests and units, and what is kept of predictions and outcomes. */
export interface SavedOutcomes {
  readonly level: number;
  readonly largest: number;
  readonly dropped: number;
  readonly predictions: {
    readonly requests: Float64Array;
    readonly units: Float64Array;
    readonly times: Float64Array;
    /** When the outcome was told. */
    readonly told: Float64Array;
    /** Numbers of the groups. */
    readonly groups: Float64Array;
    readonly states: Float64Array;
    /** Undefined: none is in a slice. */
    readonly slices?: readonly (readonly string[])[] | undefined;
    readonly records: SavedRecords;
    readonly outcomes: SavedRecords;
  };
  readonly early: { readonly requests: Float64Array; readonly told: Float64Array; readonly outcomes: SavedRecords };
}

/** Of a prediction in `states`. */
const [HAS_OUTCOME, HAS_MATURED] = [1, 2];

/** Predictions by the hash of their request. */
class Predictions {
  readonly slots = new HashSlots();
  readonly records: RecordColumns;
  readonly outcomes: RecordColumns;
  /** When they were told. */
  readonly told = new NumberColumn();
  readonly hasOutcome: boolean[] = [];
  readonly hasMatured: boolean[] = [];
  readonly groups: Group[] = [];
  readonly slices: (readonly string[])[] = [];
  readonly units = new NumberColumn();
  readonly times = new NumberColumn();

  constructor({ kept, outcome }: OutcomeFields) {
    this.records = new RecordColumns(kept);
    this.outcomes = new RecordColumns(outcome);
  }
}

/**
 * Joins predictions and outcomes by the hash of their request id, in whatever order they come. When more wait for each other than can be kept, only every second request is followed, then every fourth,
 * and so on: which ones depends on the id alone, so what is known of them stands for all. Nothing is forgotten but by that, and, when all files have been read to their end, what has waited longest.
 */
export class Outcomes {
  readonly #definition: QualityDefinition;
  readonly #listener: OutcomeListener;
  readonly #most: number;
  readonly #waiting: Predictions;
  readonly #due = new Map<number, number[]>();
  /** Requests that have matured without an outcome, which may come late, in that order. */
  #late: number[] = [];
  readonly #early = new HashSlots();
  readonly #earlyOutcomes: RecordColumns;
  readonly #earlyTold = new NumberColumn();
  #earlyOrder: number[] = [];
  #dropped = 0;
  #level = 1;
  #largest = 1;

  constructor(definition: QualityDefinition, fields: OutcomeFields, listener: OutcomeListener, most = MOST_WAITING) {
    this.#definition = definition;
    this.#listener = listener;
    this.#most = most;
    this.#waiting = new Predictions(fields);
    this.#earlyOutcomes = new RecordColumns(fields.outcome);
  }

  get saved(): SavedOutcomes {
    const { slots, records, outcomes, told, hasOutcome, hasMatured, groups, slices, units, times } = this.#waiting;
    // In the order in which they are settled, so that what goes on from here counts in the same order.
    const requests = [...new Set([...[...this.#due.values()].flat(), ...this.#late])].filter((request) => slots.find(request) >= 0);
    const places = requests.map((request) => slots.find(request));
    const early = this.#earlyOrder.filter((request) => this.#early.find(request) >= 0);
    const earlyPlaces = early.map((request) => this.#early.find(request));
    const numbers = (of: (place: number) => number): Float64Array => Float64Array.from(places, of);
    return {
      level: this.#level, largest: this.#largest, dropped: this.#dropped,
      predictions: {
        requests: Float64Array.from(requests), units: numbers((place) => units.get(place)), times: numbers((place) => times.get(place)), told: numbers((place) => told.get(place)), groups: numbers((place) => groups[place]?.number ?? 0),
        states: numbers((place) => (hasOutcome[place] === true ? HAS_OUTCOME : 0) | (hasMatured[place] === true ? HAS_MATURED : 0)),
        ...(places.some((place) => (slices[place]?.length ?? 0) > 0) ? { slices: places.map((place) => slices[place] ?? []) } : {}),
        records: records.saved(places), outcomes: outcomes.saved(places),
      },
      early: { requests: Float64Array.from(early), told: Float64Array.from(earlyPlaces, (place) => this.#earlyTold.get(place)), outcomes: this.#earlyOutcomes.saved(earlyPlaces) },
    };
  }

  /** Goes on from what was saved, where nothing has been told yet. */
  restore({ level, largest, dropped, predictions, early }: SavedOutcomes, groups: readonly Group[]): void {
    const { requests, units, times, told, groups: numbers, states, slices, records, outcomes } = predictions;
    for (const [index, request] of requests.entries()) {
      const group = groups[numbers[index] ?? 0];
      if (group === undefined) continue;
      const state = states[index] ?? 0;
      const outcome = (state & HAS_OUTCOME) === 0 ? undefined : { outcome: savedAt(outcomes, index), at: told[index] ?? Number.NaN };
      this.#put(request, { record: savedAt(records, index), group, slices: slices?.[index] ?? [], unitHash: units[index] ?? 0, at: times[index] ?? 0 }, outcome, (state & HAS_MATURED) !== 0);
    }
    for (const [index, request] of early.requests.entries()) this.#wait(request, savedAt(early.outcomes, index), early.told[index] ?? Number.NaN);
    [this.#level, this.#largest, this.#dropped] = [level, largest, dropped];
  }

  /** Of those that are followed. */
  get withoutPrediction(): number {
    return this.#early.size + this.#dropped;
  }

  /** Of how many requests at most one was followed. */
  get oneIn(): number {
    return this.#largest;
  }

  /** A prediction; `own` is the outcome that stands in it. */
  wait(request: number, own: RecordLike | undefined, waiting: Waiting): void {
    if (!this.#isFollowed(request)) return;
    const early = this.#early.find(request);
    const told = own !== undefined ? { outcome: own, at: Number.NaN } : early < 0 ? undefined : { outcome: this.#earlyOutcomes.get(early), at: this.#earlyTold.get(early) };
    if (own === undefined && early >= 0) this.#early.delete(request);
    this.#put(request, waiting, told, false);
    if (this.#waiting.slots.size > this.#most) this.#makeRoom();
  }

  #put(request: number, { record, group, slices, unitHash, at }: Waiting, told: ToldOutcome | undefined, hasMatured: boolean): void {
    const waiting = this.#waiting;
    const known = waiting.slots.find(request);
    const place = known < 0 ? waiting.slots.add(request) : known;
    waiting.records.set(place, record);
    waiting.hasOutcome[place] = told !== undefined;
    if (told !== undefined) waiting.outcomes.set(place, told.outcome);
    waiting.told.set(place, told?.at ?? Number.NaN);
    waiting.hasMatured[place] = hasMatured;
    waiting.groups[place] = group;
    waiting.slices[place] = slices;
    waiting.units.set(place, unitHash);
    waiting.times.set(place, at);
    const due = Math.floor(at / this.#definition.windowMs);
    const list = this.#due.get(due);
    if (hasMatured) this.#late.push(request);
    else if (list === undefined) this.#due.set(due, [request]);
    else list.push(request);
  }

  add(request: number, outcome: RecordLike, at: number): void {
    if (!this.#isFollowed(request)) return;
    const place = this.#waiting.slots.find(request);
    if (place < 0) {
      this.#wait(request, outcome, at);
      return;
    }
    this.#waiting.hasOutcome[place] = true;
    this.#waiting.outcomes.set(place, outcome);
    this.#waiting.told.set(place, at);
    if (this.#waiting.hasMatured[place] === true) this.#settle(request, place);
  }

  /** An outcome whose prediction is not there. */
  #wait(request: number, outcome: RecordLike, at: number): void {
    const known = this.#early.find(request);
    const place = known < 0 ? this.#early.add(request) : known;
    this.#earlyOutcomes.set(place, outcome);
    this.#earlyTold.set(place, at);
    if (known < 0) this.#earlyOrder.push(request);
    if (this.#early.size > this.#most) this.#thinOut();
  }

  #isFollowed(request: number): boolean {
    return isDrawn(request, this.#level);
  }

  /** Those that have matured wait for what seldom comes: they go first. */
  #makeRoom(): void {
    const forgotten = this.#late.splice(0, Math.max(0, this.#late.length - this.#most / 4));
    for (const request of forgotten) this.#waiting.slots.delete(request);
    while (this.#waiting.slots.size > this.#most) this.#thinOut();
  }

  #thinOut(): void {
    this.#level *= 2;
    this.#largest = Math.max(this.#largest, this.#level);
    for (const slots of [this.#waiting.slots, this.#early]) for (const request of slots) if (!this.#isFollowed(request)) slots.delete(request);
    this.#late = this.#late.filter((request) => this.#isFollowed(request));
    this.#earlyOrder = this.#earlyOrder.filter((request) => this.#early.find(request) >= 0);
    for (const [window, requests] of this.#due) this.#due.set(window, requests.filter((request) => this.#isFollowed(request)));
  }

  #settle(request: number, place: number): void {
    const { records, outcomes, told, hasOutcome, hasMatured, groups, slices, units, times, slots } = this.#waiting;
    const [group, outcome] = [groups[place], hasOutcome[place] === true ? { outcome: outcomes.get(place), at: told.get(place) } : undefined];
    slots.delete(request);
    if (group !== undefined) this.#listener.settled({ record: records.get(place), group, slices: slices[place] ?? [], unitHash: units.get(place), at: times.get(place) }, outcome, hasMatured[place] !== true);
  }

  /** Counts the predictions that have matured by now: earlier, only quick outcomes would be known, and they differ from slow ones. For when all files have been read to their end. */
  settle(now: number): void {
    const { windowMs, labels: { matureAfterMs } } = this.#definition;
    for (const [window, requests] of this.#due) {
      if ((window + 1) * windowMs + matureAfterMs > now) continue;
      this.#due.delete(window);
      for (const request of requests) this.#mature(request);
    }
    this.#late = this.#late.filter((request) => this.#waiting.slots.find(request) >= 0);
    this.#earlyOrder = this.#earlyOrder.filter((request) => this.#early.find(request) >= 0);
    const forgotten = this.#earlyOrder.splice(0, Math.max(0, this.#earlyOrder.length - this.#most / 2));
    for (const request of forgotten) this.#early.delete(request);
    this.#dropped += forgotten.length;
    // New requests are followed more closely again when there is room.
    if (this.#level > 1 && 4 * (this.#waiting.slots.size - this.#late.length) < this.#most) this.#level /= 2;
  }

  #mature(request: number): void {
    const { slots, hasOutcome, hasMatured, groups, times } = this.#waiting;
    const place = slots.find(request);
    const group = groups[place];
    if (place < 0 || group === undefined || hasMatured[place] === true) return;
    if (hasOutcome[place] === true || this.#definition.labels.absentMeans !== undefined) {
      this.#settle(request, place);
      return;
    }
    hasMatured[place] = true;
    this.#late.push(request);
    this.#listener.matured(group, times.get(place));
  }
}
