import type { RecordLike } from '../expressions/evaluate.ts';

const FIRST = 1024;
/** What of a hash draws the requests that are followed: not what its place in a table goes by. */
const DRAWN_BY = 2 ** 21;

/** One request in so many is less than one of all that can be kept: where there are still too many, somebody chose the hashes. */
export const MOST_LEVEL = 2 ** 31;

/** Whether a request is among those that are followed, where one in `oneIn` is, a power of two; by its hash, so one that is followed is among those of any smaller number, too. */
export function isDrawn(request: number, oneIn: number): boolean {
  // Of a number of more than 32 bits `&` takes the lowest ones.
  return ((request / DRAWN_BY) & (oneIn - 1)) === 0;
}

/** Places in columns for hashes of `hash53`, which can be given back: 16 to 32 bytes each. */
export class HashSlots {
  /** Place + 1 by the lowest bits of the hash, which are mixed well; 0: none. */
  #table = new Int32Array(2 * FIRST);
  #hashes = new Float64Array(FIRST);
  readonly #free: number[] = [];
  #used = 0;

  get size(): number {
    return this.#used - this.#free.length;
  }

  /** The place of a hash, or -1. */
  find(hash: number): number {
    return (this.#table[this.#entry(hash)] ?? 0) - 1;
  }

  /** A place for a hash that has none. */
  add(hash: number): number {
    const place = this.#free.pop() ?? this.#used;
    if (place === this.#used) this.#used += 1;
    if (this.#used > this.#hashes.length) this.#grow();
    this.#hashes[place] = hash;
    this.#table[this.#entry(hash)] = place + 1;
    return place;
  }

  /** Gives the place of a hash back, if it has one. */
  delete(hash: number): void {
    let gap = this.#entry(hash);
    const place = (this.#table[gap] ?? 0) - 1;
    if (place < 0) return;
    this.#free.push(place);
    this.#hashes[place] = 0;
    // Those after it that would not be found any more move up (Knuth, The art of computer programming 3, 6.4, algorithm R).
    const mask = this.#table.length - 1;
    this.#table[gap] = 0;
    for (let entry = (gap + 1) & mask; this.#table[entry] !== 0; entry = (entry + 1) & mask) {
      const moved = this.#table[entry] ?? 0;
      const home = (this.#hashes[moved - 1] ?? 0) & mask;
      if (((entry - home) & mask) < ((entry - gap) & mask)) continue;
      this.#table[gap] = moved;
      this.#table[entry] = 0;
      gap = entry;
    }
  }

  /** Every hash. */
  *[Symbol.iterator](): Generator<number> {
    for (let place = 0; place < this.#used; place += 1) {
      const hash = this.#hashes[place] ?? 0;
      if (hash !== 0) yield hash;
    }
  }

  /** Where a hash stands in the table, or would. */
  #entry(hash: number): number {
    const mask = this.#table.length - 1;
    let entry = hash & mask;
    for (let found = this.#table[entry] ?? 0; found !== 0 && this.#hashes[found - 1] !== hash; found = this.#table[entry] ?? 0) entry = (entry + 1) & mask;
    return entry;
  }

  #grow(): void {
    const hashes = new Float64Array(2 * this.#hashes.length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    this.#table = new Int32Array(2 * hashes.length);
    for (let place = 0; place < this.#used; place += 1) {
      const hash = hashes[place] ?? 0;
      if (hash !== 0) this.#table[this.#entry(hash)] = place + 1;
    }
  }
}

/** Numbers by place. */
export class NumberColumn {
  #numbers = new Float64Array(FIRST);

  get(place: number): number {
    return this.#numbers[place] ?? Number.NaN;
  }

  set(place: number, value: number): void {
    if (place >= this.#numbers.length) {
      const larger = new Float64Array(2 * Math.max(place, this.#numbers.length));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers[place] = value;
  }
}

/** Fields of records, one after another, to go on from later. */
export type SavedRecords = readonly { readonly name: string; readonly numbers: Float64Array; readonly others?: readonly unknown[] | undefined }[];

/** One of them. */
export function savedAt(saved: SavedRecords, index: number): Record<string, unknown> {
  return Object.fromEntries(saved.map(({ name, numbers, others }) => { const number = numbers[index] ?? Number.NaN; return [name, Number.isNaN(number) ? others?.[index] ?? undefined : number]; }));
}

interface Field {
  readonly name: string;
  readonly numbers: NumberColumn;
  /** Made when there is something that is no number. */
  others: unknown[] | undefined;
}

/** Some fields of records by place: numbers take eight bytes each, other values as much again and what they are. */
export class RecordColumns {
  readonly #fields: readonly Field[];

  constructor(names: Iterable<string>) {
    this.#fields = Array.from(names, (name) => ({ name, numbers: new NumberColumn(), others: undefined }));
  }

  /** What stands at some places. */
  saved(places: readonly number[]): SavedRecords {
    return this.#fields.map(({ name, numbers, others }) => ({ name, numbers: Float64Array.from(places, (place) => numbers.get(place)), ...(others === undefined ? {} : { others: places.map((place) => others[place]) }) }));
  }

  get(place: number): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    for (const { name, numbers, others } of this.#fields) {
      const number = numbers.get(place);
      record[name] = Number.isNaN(number) ? others?.[place] : number;
    }
    return record;
  }

  set(place: number, record: RecordLike): void {
    for (const field of this.#fields) {
      const value = record[field.name];
      const isNumber = typeof value === 'number' && !Number.isNaN(value);
      field.numbers.set(place, isNumber ? value : Number.NaN);
      if (!isNumber && value !== undefined) field.others ??= [];
      if (field.others !== undefined) field.others[place] = isNumber ? undefined : value;
    }
  }
}
