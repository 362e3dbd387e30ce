import { HashIndex } from './hashing.ts';

/** An answer of a model that waits for that of the other. */
export interface Answer {
  readonly score: number | null;
  readonly decision: boolean | null;
  readonly error: boolean;
  readonly outcome: boolean | null;
  readonly label: string | undefined;
  readonly slices: readonly string[];
  /** Of a shadow's answer: what the pair is called among the examples. Undefined where the answer was saved, without it. */
  readonly requestId: string | undefined;
}

const NO_SLICES: readonly string[] = [];
const THREE: readonly (boolean | null)[] = [null, false, true];
const three = (value: boolean | null): number => (value === null ? 0 : value ? 2 : 1);

/** Facts as one number. */
export function factsOf(decision: boolean | null, outcome: boolean | null, error: boolean): number {
  return three(decision) + 3 * three(outcome) + (error ? 9 : 0);
}

/** An answer by its parts; a score of NaN: it has none. */
export function answerOf(score: number, facts: number, label: string | undefined, slices: readonly string[], requestId: string | undefined): Answer {
  return { score: Number.isNaN(score) ? null : score, decision: THREE[facts % 3] ?? null, outcome: THREE[Math.floor(facts / 3) % 3] ?? null, error: facts >= 9, label, slices, requestId };
}

/** Values that mostly come again, each once, and for every answer its place among them, from 1 on; 0: none. */
interface SavedValues<T> {
  readonly values: readonly T[];
  readonly places: Float64Array;
}

/** Answers one after another. Of one that was taken there is the hash only, of a shadow's no request id. */
interface SavedGeneration {
  readonly hashes: Float64Array;
  readonly scores: Float64Array;
  readonly facts: Float64Array;
  /** Undefined: none has one. */
  readonly labels?: SavedValues<string> | undefined;
  readonly slices?: SavedValues<readonly string[]> | undefined;
}

/** Answers that wait, to go on from later. */
export interface SavedAnswers {
  readonly young: SavedGeneration;
  readonly old?: SavedGeneration | undefined;
}

/** In saved facts: it was taken. */
const TAKEN = 18;

function savedValues<T>(size: number, at: (place: number) => T | undefined): SavedValues<T> | undefined {
  const values: T[] = [];
  // What is the same mostly is so by identity; lists that are not are the same by what they hold.
  const [places, known, texts] = [new Float64Array(size), new Map<T, number>(), new Map<string, number>()];
  for (let place = 0; place < size; place += 1) {
    const value = at(place);
    if (value === undefined) continue;
    let found = known.get(value);
    if (found === undefined) {
      const text = JSON.stringify(value);
      found = texts.get(text) ?? values.push(value);
      texts.set(text, found);
      known.set(value, found);
    }
    places[place] = found;
  }
  return values.length === 0 ? undefined : { values, places };
}

function valuesOf<T>(saved: SavedValues<T> | undefined): (T | undefined)[] {
  return saved === undefined ? [] : Array.from(saved.places, (place) => saved.values[place - 1]);
}

/** As many answers as it was made for, in arrays of numbers: most are never asked for, and an index is made only when one is. */
class Generation {
  readonly #hashes: Float64Array;
  readonly #scores: Float64Array;
  /** decision, outcome: 0 not known, 1 no, 2 yes; error. */
  readonly #facts: Uint8Array;
  readonly #taken: Uint8Array;
  readonly #labels: (string | undefined)[];
  readonly #slices: (readonly string[] | undefined)[];
  readonly #ids: (string | undefined)[] = [];
  #index: HashIndex | undefined;
  #given = 0;
  size = 0;

  constructor(size: number, saved?: SavedGeneration) {
    this.#hashes = new Float64Array(size);
    this.#scores = new Float64Array(size);
    this.#facts = new Uint8Array(size);
    this.#taken = new Uint8Array(size);
    [this.#labels, this.#slices] = [valuesOf(saved?.labels), valuesOf(saved?.slices)];
    if (saved !== undefined) this.#restore(saved);
  }

  /** With those that were taken, so that it is full after as many more, and what comes again is not found again. */
  get saved(): SavedGeneration {
    const { size } = this;
    const waits = (place: number): boolean => this.#taken[place] === 0;
    return {
      hashes: this.#hashes.slice(0, size),
      scores: this.#scores.slice(0, size).map((score, place) => (waits(place) ? score : Number.NaN)),
      facts: new Float64Array(this.#facts.subarray(0, size)).map((facts, place) => (waits(place) ? facts : TAKEN)),
      labels: savedValues(size, (place) => (waits(place) ? this.#labels[place] : undefined)),
      slices: savedValues(size, (place) => (waits(place) ? this.#slices[place] : undefined)),
    };
  }

  #restore({ hashes, scores, facts }: SavedGeneration): void {
    this.#hashes.set(hashes);
    this.#scores.set(scores);
    this.size = hashes.length;
    for (const [place, each] of facts.entries()) {
      if (each < TAKEN) this.#facts[place] = each;
      else this.#taken[place] = 1;
    }
    this.#given = this.#taken.reduce((sum, taken) => sum + taken, 0);
  }

  get waiting(): number {
    return this.size - this.#given;
  }

  add(hash: number, score: number, facts: number, label: string | undefined, slices: readonly string[], requestId: string | undefined): void {
    const place = this.size;
    this.size += 1;
    this.#hashes[place] = hash;
    this.#scores[place] = score;
    this.#facts[place] = facts;
    // Only where there are any: most logs have scores, and no slices.
    if (label !== undefined || place < this.#labels.length) this.#labels[place] = label;
    if (slices.length > 0 || place < this.#slices.length) this.#slices[place] = slices;
    if (requestId !== undefined || place < this.#ids.length) this.#ids[place] = requestId;
    if (this.#index !== undefined) addTo(this.#index, hash);
  }

  take(hash: number): Answer | undefined {
    if (this.#index === undefined) {
      this.#index = new HashIndex();
      for (let place = 0; place < this.size; place += 1) addTo(this.#index, this.#hashes[place] ?? 0);
    }
    const place = this.#index.find(hash);
    if (place < 0 || this.#taken[place] === 1) return undefined;
    this.#taken[place] = 1;
    this.#given += 1;
    return answerOf(this.#scores[place] ?? Number.NaN, this.#facts[place] ?? 0, this.#labels[place], this.#slices[place] ?? NO_SLICES, this.#ids[place]);
  }
}

/** Places are numbered as answers are, so one that comes again, which its collector lets through after a million others only, takes a number that nobody asks for. */
function addTo(index: HashIndex, hash: number): void {
  index.add(index.find(hash) < 0 ? hash : -index.size - 1);
}

/** The last answers by the hash of their request: between one and two generations of them. */
export class RecentAnswers {
  readonly #generation: number;
  #young: Generation;
  #old: Generation | undefined;

  constructor(generation: number, saved?: SavedAnswers) {
    this.#generation = generation;
    this.#young = new Generation(generation, saved?.young);
    if (saved?.old !== undefined) this.#old = new Generation(generation, saved.old);
  }

  get saved(): SavedAnswers {
    return { young: this.#young.saved, old: this.#old?.saved };
  }

  get size(): number {
    return this.#young.waiting + (this.#old?.waiting ?? 0);
  }

  /** Takes an answer out. */
  take(hash: number): Answer | undefined {
    return this.#young.take(hash) ?? this.#old?.take(hash);
  }

  /** The parts of an answer, as `answerOf` takes them: most are only kept. */
  add(hash: number, score: number, facts: number, label: string | undefined, slices: readonly string[], requestId: string | undefined): void {
    if (this.#young.size >= this.#generation) [this.#old, this.#young] = [this.#young, new Generation(this.#generation)];
    this.#young.add(hash, score, facts, label, slices, requestId);
  }
}
