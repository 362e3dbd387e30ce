/** A 53-bit hash of a text, never 0 (cyrb53: two multiplicative hashes of 32 bits). Among a million texts two are alike with a chance of 1 in 18,000. Another seed gives another hash of the same text. */
export function hash53(text: string, seed = 0): number {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  return finished(high, low);
}

/** A text as a name of at most `most` characters, 60 or more: a longer one by its beginning, its end and a hash of all of it, so that no two have one name. */
export function boundedName(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, 24)}…${text.slice(-20)} ${hash53(text).toString(36)}`;
}

/** `hash53` of the text that stands in ASCII at a place. */
export function hash53OfBytes(bytes: Uint8Array, from: number, to: number): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = from; index < to; index += 1) {
    const unit = bytes[index] ?? 0;
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  return finished(high, low);
}

/** Another hash of the same text, by its first one: as many as there are seeds. */
export function rehash(hash: number, seed: number): number {
  const low = hash | 0;
  return finished(Math.imul(((hash - (low >>> 0)) / 4294967296) ^ seed, 2654435761), Math.imul(low ^ Math.imul(seed, 2246822507), 1597334677));
}

export function finished(first: number, second: number): number {
  const high = Math.imul(first ^ (first >>> 16), 2246822507) ^ Math.imul(second ^ (second >>> 13), 3266489909);
  const low = Math.imul(second ^ (second >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0) + 1;
}

/** A map from hashes to the numbers 0, 1, 2... in the order of their arrival; 8 to 16 bytes each. */
export class HashIndex {
  #slots: Float64Array;
  #places: Uint32Array;
  #size = 0;

  constructor(capacity = 1024) {
    this.#slots = new Float64Array(capacity);
    this.#places = new Uint32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** The number of a hash, or -1. */
  find(hash: number): number {
    const mask = this.#slots.length - 1;
    // Its lowest 32 bits, which are mixed well.
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot];
      if (found === hash) return this.#places[slot] ?? -1;
      if (found === 0) return -1;
    }
  }

  /** The new number of a hash that is not yet in it. */
  add(hash: number): number {
    if (2 * (this.#size + 1) > this.#slots.length) this.#grow();
    this.#put(hash, this.#size);
    this.#size += 1;
    return this.#size - 1;
  }

  #put(hash: number, place: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = hash;
    this.#places[slot] = place;
  }

  #grow(): void {
    const [slots, places] = [this.#slots, this.#places];
    this.#slots = new Float64Array(2 * slots.length);
    this.#places = new Uint32Array(2 * slots.length);
    for (let slot = 0; slot < slots.length; slot += 1) {
      const hash = slots[slot] ?? 0;
      if (hash !== 0) this.#put(hash, places[slot] ?? 0);
    }
  }
}

/** A set of hashes: 16 to 32 bytes each, and a bit or two to say of most others that they are not in it. */
class HashSet {
  #slots: Float64Array;
  /** Two bits of a word for each hash. */
  readonly #filter: Int32Array;
  size = 0;

  constructor(generation: number, saved: Float64Array = new Float64Array(0)) {
    let slots = 1024;
    while (2 * saved.length > slots) slots *= 2;
    this.#slots = new Float64Array(slots);
    this.#filter = new Int32Array(2 ** Math.max(5, Math.ceil(Math.log2(generation / 4))));
    for (const hash of saved) this.add(hash);
  }

  /** Its hashes in the order of their places, so that they are put back one beside the other. */
  get saved(): Float64Array {
    return this.#slots.filter((hash) => hash !== 0);
  }

  clear(): void {
    this.#slots.fill(0);
    this.#filter.fill(0);
    this.size = 0;
  }

  /** Something of the places of hashes, so that they are near when they are asked for: in a loop that does nothing else the processor waits for many of them at once. */
  touch(hashes: Float64Array, from: number, to: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let sum = 0;
    for (let index = from; index < to; index += 1) sum += slots[(hashes[index] ?? 0) & mask] ?? 0;
    return sum;
  }

  has(hash: number): boolean {
    const bits = bitsOf(hash);
    if (((this.#filter[(hash >>> 10) & (this.#filter.length - 1)] ?? 0) & bits) !== bits) return false;
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot];
      if (found === hash) return true;
      if (found === 0) return false;
    }
  }

  /** Adds hashes, of which 0 is none, and notes at their places in `known`, from 0 on, those that were in it. */
  addMany(hashes: Float64Array, from: number, to: number, known: Uint8Array): void {
    while (2 * (this.size + to - from) > this.#slots.length) this.#grow();
    const slots = this.#slots;
    const mask = slots.length - 1;
    const filter = this.#filter;
    const filterMask = filter.length - 1;
    let size = this.size;
    for (let index = from; index < to; index += 1) {
      const hash = hashes[index] ?? 0;
      let slot = hash & mask;
      let found = slots[slot];
      while (found !== 0 && found !== hash) {
        slot = (slot + 1) & mask;
        found = slots[slot];
      }
      known[index - from] = found === 0 || hash === 0 ? 0 : 1;
      if (found !== 0 || hash === 0) continue;
      slots[slot] = hash;
      size += 1;
      const word = (hash >>> 10) & filterMask;
      filter[word] = (filter[word] ?? 0) | bitsOf(hash);
    }
    this.size = size;
  }

  /** Whether it is new. */
  add(hash: number): boolean {
    if (2 * (this.size + 1) > this.#slots.length) this.#grow();
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let found = slots[slot]; found !== 0; found = slots[slot]) {
      if (found === hash) return false;
      slot = (slot + 1) & mask;
    }
    slots[slot] = hash;
    this.size += 1;
    const word = (hash >>> 10) & (this.#filter.length - 1);
    this.#filter[word] = (this.#filter[word] ?? 0) | bitsOf(hash);
    return true;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Float64Array(2 * old.length);
    const mask = slots.length - 1;
    for (const hash of old) {
      if (hash === 0) continue;
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = hash;
    }
    this.#slots = slots;
  }
}

function bitsOf(hash: number): number {
  return (1 << (hash & 31)) | (1 << ((hash >>> 5) & 31));
}

/** What `RecentHashes` remembers, to go on from later. */
export interface SavedHashes {
  readonly young: Float64Array;
  readonly old: Float64Array;
}

/** Whether a hash was among the last million or two: two generations, the older of which is forgotten when the younger is full. */
export class RecentHashes {
  readonly #generation: number;
  #young: HashSet;
  #old: HashSet;

  constructor(generation = 1_000_000, saved?: SavedHashes) {
    this.#generation = generation;
    this.#young = new HashSet(generation, saved?.young);
    this.#old = new HashSet(generation, saved?.old);
  }

  get saved(): SavedHashes {
    return { young: this.#young.saved, old: this.#old.saved };
  }

  /** `seen` for many at one go, of which 0 is none: 1 at the place of each in `known`, from 0 on, that had been seen. */
  seenMany(hashes: Float64Array, from: number, to: number, known: Uint8Array): void {
    const isRoom = this.#young.size + to - from <= this.#generation;
    // Never negative; were it not asked for, nothing would be brought from memory.
    if (isRoom && this.#young.touch(hashes, from, to) >= 0) {
      this.#young.addMany(hashes, from, to, known);
      if (this.#old.size === 0) return;
      for (let index = from; index < to; index += 1) {
        const hash = hashes[index] ?? 0;
        if (hash !== 0 && this.#old.has(hash)) known[index - from] = 1;
      }
      return;
    }
    for (let index = from; index < to; index += 1) {
      const hash = hashes[index] ?? 0;
      known[index - from] = hash !== 0 && this.seen(hash) ? 1 : 0;
    }
  }

  /** Whether it had been seen. */
  has(hash: number): boolean {
    return this.#young.has(hash) || this.#old.has(hash);
  }

  /** Remembers it; true when it had been seen. */
  seen(hash: number): boolean {
    const isOld = this.#old.has(hash);
    if (this.#young.size >= this.#generation) {
      if (this.#young.has(hash)) return true;
      [this.#old, this.#young] = [this.#young, this.#old];
      this.#young.clear();
    }
    return !this.#young.add(hash) || isOld;
  }
}
