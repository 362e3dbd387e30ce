import { DrawnSlots } from './drawnSlots.ts';
import { NumberColumn } from './hashSlots.ts';
import { isBetterTold } from './outcomeRank.ts';

/** An answer of a model that waits for that of the other. */
export interface Answer {
  /** Null: it has none, or it is no number. */
  readonly score: number | null;
  readonly error: boolean;
  readonly outcome: boolean | null;
  /** When the outcome was told: `TimedValue.at`. */
  readonly told: number;
  /** Up to when an outcome is in time; of a shadow's answer, whose prediction is not known, that of one that is. */
  readonly limit: number;
  readonly label: string | undefined;
  readonly slices: readonly string[];
  /** Number of its environment; of a shadow's 0 where it names none. */
  readonly environment: number;
  /** Of a shadow's answer: number of its version. */
  readonly version: number;
  /** Of a shadow's answer: what the pair is called among the examples. Undefined where the answer was saved, without it. */
  readonly requestId: string | undefined;
}

const NO_SLICES: readonly string[] = [];
const THREE: readonly (boolean | null)[] = [null, false, true];

/** Whose answer waits; none: only an outcome does. */
export type Side = 'served' | 'shadow';
const SIDES: readonly (Side | undefined)[] = [undefined, 'served', 'shadow'];
/** In `facts`: outcome, error, side. */
const [ERROR, SIDE] = [3, 6];

/** Values that mostly come again, each once, and for every answer its place among them, from 1 on; 0: none. */
interface SavedValues<T> {
  readonly values: readonly T[];
  readonly places: Float64Array;
}

/** What waits, one after another in the order in which it came, to go on from later; without request ids. */
export interface SavedWaiting {
  readonly level: number;
  readonly requests: Float64Array;
  readonly scores: Float64Array;
  readonly facts: Float64Array;
  readonly told: Float64Array;
  readonly limits: Float64Array;
  readonly environments: Float64Array;
  readonly versions: Float64Array;
  /** Undefined: none has one. */
  readonly labels?: SavedValues<string> | undefined;
  readonly slices?: SavedValues<readonly string[]> | undefined;
  /** Shadow answers without a partner by the number of the environment that they name. */
  readonly unpaired: readonly number[];
}

function savedValues<T>(places: readonly number[], column: readonly (T | undefined)[]): SavedValues<T> | undefined {
  const values: T[] = [];
  // What is the same mostly is so by identity; lists that are not are the same by what they hold.
  const [saved, known, texts] = [new Float64Array(places.length), new Map<T, number>(), new Map<string, number>()];
  for (const [index, place] of places.entries()) {
    const value = column[place];
    if (value === undefined) continue;
    let found = known.get(value);
    if (found === undefined) {
      const text = JSON.stringify(value);
      found = texts.get(text) ?? values.push(value);
      texts.set(text, found);
      known.set(value, found);
    }
    saved[index] = found;
  }
  return values.length === 0 ? undefined : { values, places: saved };
}

/** The parts of an answer. */
export interface AnswerParts extends Omit<Answer, 'score'> {
  /** NaN: it has none. */
  readonly score: number;
}

/** Requests of which one answer, or only the outcome, is known. */
export class WaitingAnswers {
  readonly #slots: DrawnSlots;
  readonly #scores = new NumberColumn();
  readonly #facts = new NumberColumn();
  readonly #told = new NumberColumn();
  readonly #limits = new NumberColumn();
  readonly #environments = new NumberColumn();
  readonly #versions = new NumberColumn();
  // Only where there are any: most logs have scores, and no slices.
  readonly #labels: (string | undefined)[] = [];
  readonly #slices: (readonly string[] | undefined)[] = [];
  readonly #ids: (string | undefined)[] = [];
  readonly #unpaired: number[];

  /** @param drawnOut told when a shadow's answer is given up because others are drawn */
  constructor(most: number, drawnOut: () => void, saved?: SavedWaiting) {
    this.#unpaired = [...saved?.unpaired ?? []];
    const dropped = (place: number, isDrawnOut: boolean): void => {
      // What is forgotten because it has waited longest still has no partner.
      if (isDrawnOut && this.#sideAt(place) === 'shadow') {
        this.#countUnpaired(this.#environments.get(place), -1);
        drawnOut();
      }
      this.#clear(place);
    };
    this.#slots = new DrawnSlots(most, { dropped, moved: (from, to) => this.#move(from, to) }, saved?.level);
    if (saved !== undefined) this.#restore(saved);
  }

  get saved(): SavedWaiting {
    const requests = this.#slots.inOrder();
    const places = requests.map((request) => this.#slots.find(request));
    const numbers = (column: NumberColumn): Float64Array => Float64Array.from(places, (place) => column.get(place));
    return {
      level: this.#slots.level, requests: Float64Array.from(requests), scores: numbers(this.#scores), facts: numbers(this.#facts), told: numbers(this.#told), limits: numbers(this.#limits), environments: numbers(this.#environments), versions: numbers(this.#versions),
      labels: savedValues(places, this.#labels), slices: savedValues(places, this.#slices), unpaired: this.#unpaired,
    };
  }

  #restore({ requests, scores, facts, told, limits, environments, versions, labels, slices }: SavedWaiting): void {
    for (const [index, request] of requests.entries()) {
      const place = this.#slots.add(request);
      this.#scores.set(place, scores[index] ?? Number.NaN);
      this.#facts.set(place, facts[index] ?? 0);
      this.#told.set(place, told[index] ?? Number.NaN);
      this.#limits.set(place, limits[index] ?? Number.NaN);
      this.#environments.set(place, environments[index] ?? 0);
      this.#versions.set(place, versions[index] ?? 0);
      const [label, list] = [labels?.values[(labels.places[index] ?? 0) - 1], slices?.values[(slices.places[index] ?? 0) - 1]];
      if (label !== undefined) this.#labels[place] = label;
      if (list !== undefined) this.#slices[place] = list;
    }
  }

  /** Of how many requests one is followed now. */
  get level(): number {
    return this.#slots.level;
  }

  /** Shadow answers without a partner by the number of the environment that they name; 0: none. */
  get unpaired(): readonly number[] {
    return this.#unpaired;
  }

  follows(request: number): boolean {
    return this.#slots.follows(request);
  }

  /** The answer of a request, if it is of that side; it waits no more. */
  take(request: number, side: Side): Answer | undefined {
    const place = this.#slots.find(request);
    if (place < 0 || this.#sideAt(place) !== side) return undefined;
    const score = this.#scores.get(place);
    const facts = this.#facts.get(place);
    const answer = {
      score: Number.isNaN(score) ? null : score, outcome: this.#outcomeAt(place), told: this.#told.get(place), limit: this.#limits.get(place), error: facts % SIDE >= ERROR, label: this.#labels[place], slices: this.#slices[place] ?? NO_SLICES,
      environment: this.#environments.get(place), version: this.#versions.get(place), requestId: this.#ids[place],
    };
    if (side === 'shadow') this.#countUnpaired(answer.environment, -1);
    this.#clear(place);
    this.#slots.delete(request);
    return answer;
  }

  /** An answer, which has the outcome that came before it, unless its own counts rather than that. One that comes again takes the place of the former. */
  add(request: number, side: Side, { score, error, outcome, told, limit, label, slices, environment, version, requestId }: AnswerParts): void {
    // Nothing is looked for before the first shadow's answer, or the first outcome.
    const appended = side === 'served' ? this.#slots.append(request) : undefined;
    const known = appended === undefined ? this.#slots.find(request) : -1;
    const place = appended ?? (known < 0 ? this.#slots.add(request) : known);
    const before = known < 0 ? null : this.#outcomeAt(known);
    const isBefore = before !== null && (outcome === null || !isBetterTold({ value: outcome, at: told }, { value: before, at: this.#told.get(known) }, limit));
    if (known >= 0 && this.#sideAt(known) === 'shadow') this.#countUnpaired(this.#environments.get(known), -1);
    this.#scores.set(place, score);
    this.#facts.set(place, factsOf(isBefore ? before : outcome, error, side));
    if (!isBefore) this.#told.set(place, told);
    this.#limits.set(place, limit);
    this.#environments.set(place, environment);
    this.#versions.set(place, version);
    if (label !== undefined || place < this.#labels.length) this.#labels[place] = label;
    if (slices.length > 0 || place < this.#slices.length) this.#slices[place] = slices;
    if (requestId !== undefined || place < this.#ids.length) this.#ids[place] = requestId;
    if (side === 'shadow') this.#countUnpaired(environment, 1);
    if (known < 0) this.#slots.makeRoom();
  }

  /** An outcome of a request whose answers have not both come. `limit`: up to when it is in time where that is not known. */
  addOutcome(request: number, outcome: boolean, told: number, limit: number): void {
    const known = this.#slots.find(request);
    if (known >= 0) {
      const before = this.#outcomeAt(known);
      if (before !== null && !isBetterTold({ value: outcome, at: told }, { value: before, at: this.#told.get(known) }, this.#limits.get(known))) return;
      this.#facts.set(known, this.#facts.get(known) - outcomeFact(before) + outcomeFact(outcome));
      this.#told.set(known, told);
      return;
    }
    const place = this.#slots.add(request);
    this.#scores.set(place, Number.NaN);
    this.#facts.set(place, factsOf(outcome, false, undefined));
    this.#told.set(place, told);
    this.#limits.set(place, limit);
    this.#environments.set(place, 0);
    this.#versions.set(place, 0);
    this.#slots.makeRoom();
  }

  settle(): void {
    this.#slots.settle();
  }

  #sideAt(place: number): Side | undefined {
    return SIDES[Math.floor(this.#facts.get(place) / SIDE)];
  }

  #outcomeAt(place: number): boolean | null {
    return THREE[this.#facts.get(place) % ERROR] ?? null;
  }

  #countUnpaired(environment: number, by: number): void {
    while (this.#unpaired.length <= environment) this.#unpaired.push(0);
    this.#unpaired[environment] = (this.#unpaired[environment] ?? 0) + by;
  }

  #move(from: number, to: number): void {
    for (const column of [this.#scores, this.#facts, this.#told, this.#limits, this.#environments, this.#versions]) column.set(to, column.get(from));
    for (const column of [this.#labels, this.#slices, this.#ids]) if (to < column.length) column[to] = column[from];
    this.#clear(from);
  }

  /** Whatever a place refers to may go. */
  #clear(place: number): void {
    if (place < this.#labels.length) this.#labels[place] = undefined;
    if (place < this.#slices.length) this.#slices[place] = undefined;
    if (place < this.#ids.length) this.#ids[place] = undefined;
  }
}

function outcomeFact(outcome: boolean | null): number {
  return THREE.indexOf(outcome);
}

function factsOf(outcome: boolean | null, error: boolean, side: Side | undefined): number {
  return outcomeFact(outcome) + (error ? ERROR : 0) + SIDE * SIDES.indexOf(side);
}
