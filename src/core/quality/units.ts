import type { UnitSums } from './stats/dispersion.ts';

/** From this many units on, only a half of them (by hash) is followed, then a quarter, and so on; each stands for two, four... */
const MOST = 1_000_000;
/** A slot holds a unit's number + 1 and, above it, some of its hash, so that few others are looked at. */
const NUMBER_BITS = 20;
const NUMBER_MASK = 2 ** NUMBER_BITS - 1;
/** In front of a unit's sums stand its hash and its group, the latter negative once it was seen in another. */
const HEAD = 2;
const FIRST = 1024;

/** The units of a source: who was seen, in which arm first, and what its requests came to. A unit's facts lie together, because bringing them from memory is what takes time. */
export class Units {
  readonly #metrics: number;
  readonly #most: number;
  readonly #width: number;
  #slots = new Uint32Array(2 * FIRST);
  /** Per unit: hash, group + 1, and per metric requests and sum of values. */
  #rows: Float64Array;
  #size = 0;
  #level = 1;
  inBothArms = 0;

  constructor(metrics: number, most = MOST) {
    this.#metrics = metrics;
    this.#most = most;
    this.#width = HEAD + 2 * metrics;
    this.#rows = new Float64Array(FIRST * this.#width);
  }

  /** For how many units the last one that was seen counts because it is new; 0: it is not. */
  isNew = 0;

  /** Something of the place of a hash: many that are asked for one after another come from memory together. */
  touch(hash: number): number {
    const number = (this.#slots[hash & (this.#slots.length - 1)] ?? 0) & NUMBER_MASK;
    return number === 0 ? 0 : this.#rows[(number - 1) * this.#width] ?? 0;
  }

  /**
   * The number of a unit by its hash; -1: it is not followed. `isNew` then says for how many it counts. `group` is its arm and environment; a unit
   * belongs to the arm in which it was seen first, and is -1 in another.
   */
  see(hash: number, group: number): number {
    this.isNew = 0;
    if (this.#level > 1 && hash % this.#level !== 0) return -1;
    const known = this.#find(hash);
    if (known >= 0) {
      const place = known * this.#width + 1;
      const own = this.#rows[place] ?? 0;
      if (own === group + 1 || own === -group - 1) return known;
      if (own > 0) {
        this.#rows[place] = -own;
        this.inBothArms += this.#level;
      }
      return -1;
    }
    if (this.#size >= this.#most) this.#thinOut();
    if (hash % this.#level !== 0) return -1;
    this.isNew = this.#level;
    return this.#add(hash, group + 1);
  }

  add(unit: number, metric: number, value: number): void {
    if (unit < 0) return;
    const place = unit * this.#width + HEAD + 2 * metric;
    this.#rows[place] = (this.#rows[place] ?? 0) + 1;
    this.#rows[place + 1] = (this.#rows[place + 1] ?? 0) + value;
  }

  /** The sums that dispersion needs, by group and metric, in one passage over all units. */
  sums(groups: number): readonly (readonly UnitSums[])[] {
    const all = Array.from({ length: groups * this.#metrics }, () => ({ units: 0, requests: 0, bad: 0, requestsSquared: 0, badSquared: 0, product: 0 }));
    const [rows, width, metrics] = [this.#rows, this.#width, this.#metrics];
    for (let row = 0; row < this.#size * width; row += width) {
      const group = Math.abs(rows[row + 1] ?? 0) - 1;
      for (let metric = 0; metric < metrics; metric += 1) {
        const [m, b] = [rows[row + HEAD + 2 * metric] ?? 0, rows[row + HEAD + 2 * metric + 1] ?? 0];
        const into = all[group * metrics + metric];
        if (m === 0 || into === undefined) continue;
        into.units += 1;
        into.requests += m;
        into.bad += b;
        into.requestsSquared += m * m;
        into.badSquared += b * b;
        into.product += m * b;
      }
    }
    return Array.from({ length: groups }, (_, group) => all.slice(group * metrics, (group + 1) * metrics));
  }

  #find(hash: number): number {
    const [mask, tag] = [this.#slots.length - 1, tagOf(hash)];
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot] ?? 0;
      if (found === 0) return -1;
      if (found >>> NUMBER_BITS !== tag) continue;
      const number = (found & NUMBER_MASK) - 1;
      if (this.#rows[number * this.#width] === hash) return number;
    }
  }

  #add(hash: number, mark: number): number {
    if (2 * (this.#size + 1) > this.#slots.length) this.#grow();
    const number = this.#size;
    this.#size += 1;
    this.#rows[number * this.#width] = hash;
    this.#rows[number * this.#width + 1] = mark;
    this.#put(hash, number);
    return number;
  }

  #put(hash: number, number: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = ((tagOf(hash) << NUMBER_BITS) | (number + 1)) >>> 0;
  }

  #grow(): void {
    const rows = new Float64Array(Math.min(this.#slots.length, this.#most + 1) * this.#width);
    rows.set(this.#rows);
    this.#rows = rows;
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (let number = 0; number < this.#size; number += 1) this.#put(rows[number * this.#width] ?? 0, number);
  }

  #thinOut(): void {
    this.#level *= 2;
    const [count, width] = [this.#size, this.#width];
    this.#slots.fill(0);
    this.#size = 0;
    for (let unit = 0; unit < count; unit += 1) {
      const hash = this.#rows[unit * width] ?? 0;
      if (hash % this.#level !== 0) continue;
      this.#rows.copyWithin(this.#size * width, unit * width, (unit + 1) * width);
      this.#put(hash, this.#size);
      this.#size += 1;
    }
    this.#rows.fill(0, this.#size * width);
  }
}

function tagOf(hash: number): number {
  return (hash >>> NUMBER_BITS) & 0xfff;
}
