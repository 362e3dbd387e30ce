/** A 53-bit hash of a text, never 0 (cyrb53: two multiplicative hashes of 32 bits). Among a million texts two are alike with a chance of 1 in 18,000. Another seed gives another hash of the same text. */
export function hash53(text: string, seed = 0): number {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
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

/** Whether a hash was among the last million or two: two generations, the older of which is forgotten when the younger is full. */
export class RecentHashes {
  readonly #generation: number;
  #young = new HashIndex();
  #old = new HashIndex();

  constructor(generation = 1_000_000) {
    this.#generation = generation;
  }

  /** Remembers it; true when it had been seen. */
  seen(hash: number): boolean {
    if (this.#young.find(hash) >= 0) return true;
    const isOld = this.#old.find(hash) >= 0;
    if (this.#young.size >= this.#generation) [this.#old, this.#young] = [this.#young, new HashIndex()];
    this.#young.add(hash);
    return isOld;
  }
}

/** A map of the last entries: between one and two generations of them. Deleting a Map's oldest entry one by one takes longer the more were deleted before. */
export class RecentMap<T> {
  readonly #generation: number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();

  constructor(generation: number) {
    this.#generation = generation;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): T | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: T): void {
    this.#old.delete(key);
    this.#young.set(key, value);
    if (this.#young.size >= this.#generation) [this.#old, this.#young] = [this.#young, new Map<string, T>()];
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}

/** A uniform sample of a stream (Vitter, Random sampling with a reservoir, ACM TOMS 11, 1985, algorithm R), the same for the same stream. */
export class Reservoir {
  readonly values: number[] = [];
  readonly #size: number;
  #seen = 0;
  #state: number;

  constructor(size: number, seed = 1) {
    this.#size = size;
    this.#state = seed >>> 0;
  }

  add(value: number): void {
    this.#seen += 1;
    if (this.values.length < this.#size) {
      this.values.push(value);
      return;
    }
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    const place = Math.floor((this.#state / 4294967296) * this.#seen);
    if (place < this.#size) this.values[place] = value;
  }
}
