import type { RecordLike } from '../expressions/evaluate.ts';
import type { QualityDefinition } from './definitions.ts';
import { EarlyOutcomes, type SavedEarly } from './earlyOutcomes.ts';
import type { Group } from './groups.ts';
import { isDrawn, MOST_LEVEL, savedAt, type SavedRecords } from './hashSlots.ts';
import { isBetterTold, isLate, OWN } from './outcomeRank.ts';
import { WaitingPredictions, type OutcomeFields, type ToldOutcome, type Waiting } from './waitingPredictions.ts';

/** So many predictions at most wait for their outcome, and so many outcomes for their prediction; 100 to 200 bytes each. */
const MOST_WAITING = 500_000;
/** Of those that have counted with an outcome so many are remembered, for corrections; of those that matured without one as many at least. */
const REMEMBERED = 0.25;

/** A prediction with its outcome, or without one where that means something; `isNew`: it was not told as matured before. */
export type Settled = (waiting: Waiting, outcome: ToldOutcome | undefined, isNew: boolean) => void;

/** What is told by `Outcomes`. */
export interface OutcomeListener {
  readonly settled: Settled;
  /** A prediction that was told as settled has another outcome than it had then (undefined: none). */
  readonly changed: (waiting: Waiting, before: ToldOutcome | undefined, outcome: ToldOutcome) => void;
  /** A prediction has matured without an outcome. */
  readonly matured: (waiting: Waiting) => void;
}

/** What waits, to go on from later: hashes of requests and units, and what is kept of predictions and outcomes. */
export interface SavedOutcomes {
  readonly level: number;
  readonly largest: number;
  readonly dropped: number;
  readonly tooLate: number;
  readonly withoutTime: number;
  readonly passedOver: number;
  readonly elsewhere: number;
  readonly predictions: {
    readonly requests: Float64Array;
    readonly units: Float64Array;
    readonly times: Float64Array;
    /** When each field of the outcomes was told; NaN: it bears no time, -Infinity: it stands in the record of the prediction. */
    readonly told: readonly Float64Array[];
    /** Numbers of the groups. */
    readonly groups: Float64Array;
    readonly states: Float64Array;
    /** Undefined: none is in a slice. */
    readonly slices?: readonly (readonly string[])[] | undefined;
    readonly records: SavedRecords;
    readonly outcomes: SavedRecords;
  };
  readonly early: SavedEarly;
}

/** Of a prediction in `states`. */
const [HAS_OUTCOME, HAS_MATURED] = [1, 2];

/**
 * Joins predictions and outcomes by the hash of their request id, in whatever order they come, and however much of them is read at one time: which of several outcomes counts depends on what they tell and
 * on their times alone. Each field counts by itself: what one record does not tell another may have told. Of those that are not later than `mature_after` after the prediction it is the newest. Where there is none, it is the last that bears no time, then the one in the record of the
 * prediction, then the first of the late ones, but where `absent_means` says what it means that none came in time. When more wait for each other than can be kept, only every second request is
 * followed, then every fourth, and so on: which ones depends on the id alone, so what is known of them stands for all. Nothing is forgotten but by that, and, when all files have been read to their end,
 * what has waited, or has counted, longest.
 */
export class Outcomes {
  readonly #definition: QualityDefinition;
  readonly #listener: OutcomeListener;
  readonly #most: number;
  /** Of outcomes. */
  readonly #fields: readonly string[];
  readonly #waiting: WaitingPredictions;
  readonly #due = new Map<number, number[]>();
  /** Requests that have matured without an outcome, which may come late, in that order; some have one by now. */
  #late: number[] = [];
  #answered = 0;
  /** Requests that have matured and have an outcome, which may be corrected. */
  #counted: number[] = [];
  /** How many are kept that have matured. */
  #matured = 0;
  readonly #early: EarlyOutcomes;
  #dropped = 0;
  /** Where `absent_means` is given: outcomes that came too late, and those that bear no time. */
  tooLate = 0;
  withoutTime = 0;
  /** Predictions of which an outcome may have counted that was not kept until they came. */
  passedOver = 0;
  /** Predictions that wait for nothing, because one of another environment has the same request id. */
  elsewhere = 0;
  #level = 1;
  #largest = 1;

  constructor(definition: QualityDefinition, fields: OutcomeFields, listener: OutcomeListener, most = MOST_WAITING) {
    this.#definition = definition;
    this.#listener = listener;
    this.#most = most;
    this.#fields = fields.outcome;
    this.#waiting = new WaitingPredictions(fields);
    this.#early = new EarlyOutcomes(fields.outcome);
  }

  get saved(): SavedOutcomes {
    const { slots, records, outcomes, told, hasOutcome, hasMatured, groups, slices, units, times } = this.#waiting;
    // In the order in which they are settled, so that what goes on from here counts in the same order.
    const requests = [...new Set([...[...this.#due.values()].flat(), ...this.#late, ...this.#counted])].filter((request) => slots.find(request) >= 0);
    const places = requests.map((request) => slots.find(request));
    const numbers = (of: (place: number) => number): Float64Array => Float64Array.from(places, of);
    return {
      level: this.#level, largest: this.#largest, dropped: this.#dropped, tooLate: this.tooLate, withoutTime: this.withoutTime, passedOver: this.passedOver, elsewhere: this.elsewhere,
      predictions: {
        requests: Float64Array.from(requests), units: numbers((place) => units.get(place)), times: numbers((place) => times.get(place)), told: Array.from(told.values(), (times) => numbers((place) => times.get(place))), groups: numbers((place) => groups[place]?.number ?? 0),
        states: numbers((place) => (hasOutcome[place] === true ? HAS_OUTCOME : 0) | (hasMatured[place] === true ? HAS_MATURED : 0)),
        ...(places.some((place) => (slices[place]?.length ?? 0) > 0) ? { slices: places.map((place) => slices[place] ?? []) } : {}),
        records: records.saved(places), outcomes: outcomes.saved(places),
      },
      early: this.#early.saved,
    };
  }

  /** Goes on from what was saved, where nothing has been told yet. */
  restore({ level, largest, dropped, tooLate, withoutTime, passedOver, elsewhere, predictions, early }: SavedOutcomes, groups: readonly Group[]): void {
    const { requests, units, times, told, groups: numbers, states, slices, records, outcomes } = predictions;
    for (const [index, request] of requests.entries()) {
      const group = groups[numbers[index] ?? 0];
      if (group === undefined) continue;
      const state = states[index] ?? 0;
      const hasOutcome = (state & HAS_OUTCOME) !== 0;
      const place = this.#put(request, { record: savedAt(records, index), group, slices: slices?.[index] ?? [], unitHash: units[index] ?? 0, at: times[index] ?? 0 }, { hasOutcome, hasMatured: (state & HAS_MATURED) !== 0 });
      if (!hasOutcome) continue;
      const outcome = savedAt(outcomes, index);
      for (const [number, field] of this.#fields.entries()) this.#waiting.setTold(place, { outcome, at: told[number]?.[index] ?? Number.NaN }, [field]);
    }
    this.#early.restore(early);
    [this.#level, this.#largest, this.#dropped, this.tooLate, this.withoutTime, this.passedOver, this.elsewhere] = [level, largest, dropped, tooLate, withoutTime, passedOver, elsewhere];
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
    const known = this.#waiting.slots.find(request);
    // Whose the outcome is, nothing says.
    if (known >= 0 && this.#waiting.groups[known]?.environment !== waiting.group.environment) {
      this.elsewhere += 1;
      return;
    }
    const early = this.#early.of(request);
    if (this.#early.mayLack(request, waiting.at + this.#definition.labels.matureAfterMs)) this.passedOver += 1;
    this.#early.delete(request);
    const place = this.#put(request, waiting, { hasOutcome: own !== undefined, hasMatured: false });
    if (own !== undefined) this.#waiting.setTold(place, { outcome: own, at: OWN }, this.#fields);
    for (const told of early) this.#tell(request, place, told);
    if (this.#waiting.slots.size > this.#most) this.#makeRoom();
  }

  #put(request: number, { record, group, slices, unitHash, at }: Waiting, { hasOutcome, hasMatured }: { readonly hasOutcome: boolean; readonly hasMatured: boolean }): number {
    const waiting = this.#waiting;
    const known = waiting.slots.find(request);
    const place = known < 0 ? waiting.slots.add(request) : known;
    if (known >= 0 && waiting.hasMatured[place] === true) this.#matured -= 1;
    waiting.records.set(place, record);
    waiting.hasOutcome[place] = hasOutcome;
    waiting.hasMatured[place] = hasMatured;
    waiting.groups[place] = group;
    waiting.slices[place] = slices;
    waiting.units.set(place, unitHash);
    waiting.times.set(place, at);
    const due = Math.floor(at / this.#definition.windowMs);
    const list = this.#due.get(due);
    if (hasMatured) this.#remember(request, hasOutcome);
    else if (list === undefined) this.#due.set(due, [request]);
    else list.push(request);
    return place;
  }

  #remember(request: number, hasOutcome: boolean): void {
    this.#matured += 1;
    (hasOutcome ? this.#counted : this.#late).push(request);
  }

  add(request: number, outcome: RecordLike, at: number): void {
    if (!this.#isFollowed(request)) return;
    const place = this.#waiting.slots.find(request);
    if (place >= 0) {
      this.#tell(request, place, { outcome, at });
      return;
    }
    this.#early.add(request, { outcome, at });
    if (this.#early.size <= this.#most) return;
    if (this.#level > MOST_LEVEL) this.#dropped += this.#early.keepNewest(this.#most);
    else this.#thinOut();
  }

  /** An outcome of a prediction that is there: from now on its, where it is the one that counts. */
  #tell(request: number, place: number, told: ToldOutcome): void {
    const waiting = this.#waiting;
    const isAbsentKnown = this.#definition.labels.absentMeans !== undefined;
    if (isAbsentKnown && Number.isNaN(told.at)) this.withoutTime += 1;
    if (isAbsentKnown && isLate(told.at, this.#limit(place))) this.tooLate += 1;
    else {
      const before = waiting.toldOf(place);
      const better = this.#fields.filter((field) => this.#isBetter(place, field, before?.outcome[field], told));
      if (better.length === 0) return;
      const { group, ...rest } = waiting.at(place);
      waiting.setTold(place, { outcome: { ...before?.outcome, ...Object.fromEntries(better.map((field) => [field, told.outcome[field]])) }, at: told.at }, better);
      const now = waiting.toldOf(place);
      if (now === undefined || group === undefined || waiting.hasMatured[place] !== true) return;
      if (before === undefined) {
        this.#counted.push(request);
        this.#answered += 1;
      }
      if (before === undefined && !isAbsentKnown) this.#listener.settled({ group, ...rest }, now, false);
      else this.#listener.changed({ group, ...rest }, before, now);
    }
  }

  /** Whether a prediction of this request is known. */
  has(request: number): boolean {
    return this.#waiting.slots.find(request) >= 0;
  }

  /** Forgets outcomes that came before a prediction that does not count. */
  leaveOut(request: number): void {
    this.#early.delete(request);
  }

  /** Up to when an outcome is in time. */
  #limit(place: number): number {
    return this.#waiting.times.get(place) + this.#definition.labels.matureAfterMs;
  }

  /** Whether what an outcome tells of a field counts rather than what is known of it. */
  #isBetter(place: number, field: string, known: unknown, { outcome: { [field]: told }, at }: ToldOutcome): boolean {
    if (told === undefined || known === undefined) return told !== undefined;
    return isBetterTold({ value: told, at }, { value: known, at: this.#waiting.toldAt(place, field) }, this.#limit(place));
  }

  #isFollowed(request: number): boolean {
    return isDrawn(request, this.#level);
  }

  #forget(request: number): void {
    const place = this.#waiting.slots.find(request);
    if (place < 0) return;
    if (this.#waiting.hasMatured[place] === true) this.#matured -= 1;
    this.#waiting.slots.delete(request);
  }

  /** Those that have counted, and then those that wait for what seldom comes, go first. */
  #makeRoom(): void {
    for (const request of this.#counted.splice(0)) this.#forget(request);
    for (const request of this.#late.splice(0, Math.max(0, this.#late.length - REMEMBERED * this.#most))) this.#forget(request);
    while (this.#waiting.slots.size > this.#most && this.#level <= MOST_LEVEL) this.#thinOut();
    if (this.#waiting.slots.size > this.#most) this.#forgetOldest(this.#waiting.slots.size - this.#most);
  }

  /** Where hashes are as somebody chose them, so that drawing drops none. */
  #forgetOldest(count: number): void {
    let left = count;
    for (const [window, requests] of [...this.#due].sort(([a], [b]) => a - b)) {
      for (const request of requests.splice(0, left)) {
        this.#forget(request);
        left -= 1;
      }
      if (requests.length === 0) this.#due.delete(window);
      if (left <= 0) return;
    }
  }

  #thinOut(): void {
    this.#level *= 2;
    this.#largest = Math.max(this.#largest, this.#level);
    for (const request of this.#waiting.slots) if (!this.#isFollowed(request)) this.#forget(request);
    this.#early.keep((request) => this.#isFollowed(request));
    this.#late = this.#late.filter((request) => this.#isFollowed(request));
    this.#counted = this.#counted.filter((request) => this.#isFollowed(request));
    for (const [window, requests] of this.#due) this.#due.set(window, requests.filter((request) => this.#isFollowed(request)));
  }

  /** Counts the predictions that have matured by now: earlier, only quick outcomes would be known, and they differ from slow ones. For when all files have been read to their end. */
  settle(now: number): void {
    const { windowMs, labels: { matureAfterMs } } = this.#definition;
    for (const [window, requests] of this.#due) {
      if ((window + 1) * windowMs + matureAfterMs > now) continue;
      this.#due.delete(window);
      for (const request of requests) this.#mature(request);
    }
    for (const request of this.#counted.splice(0, Math.max(0, this.#counted.length - REMEMBERED * this.#most))) this.#forget(request);
    if (this.#answered > 0) this.#late = this.#late.filter((request) => this.#waiting.hasOutcome[this.#waiting.slots.find(request)] === false);
    this.#answered = 0;
    this.#dropped += this.#early.keepNewest(this.#most / 2);
    // New requests are followed more closely again when there is room.
    if (this.#level > 1 && 4 * (this.#waiting.slots.size - this.#matured) < this.#most) this.#level /= 2;
  }

  #mature(request: number): void {
    const { slots, hasMatured } = this.#waiting;
    const place = slots.find(request);
    if (place < 0 || hasMatured[place] === true) return;
    const [told, { group, ...rest }] = [this.#waiting.toldOf(place), this.#waiting.at(place)];
    if (group === undefined) return;
    hasMatured[place] = true;
    this.#remember(request, told !== undefined);
    if (told !== undefined || this.#definition.labels.absentMeans !== undefined) this.#listener.settled({ group, ...rest }, told, true);
    else this.#listener.matured({ group, ...rest });
  }
}
