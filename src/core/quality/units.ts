import { HashIndex } from './hashing.ts';
import type { UnitSums } from './stats/dispersion.ts';

/** From this many units on, only a half of them (by hash) is followed, then a quarter, and so on; each stands for two, four... */
const MOST = 1_000_000;

/** The units of a source: who was seen, in which arm first, and what its requests came to. */
export class Units {
  readonly #metrics: number;
  readonly #most: number;
  #index = new HashIndex();
  #hashes = new Float64Array(1024);
  #groups = new Uint16Array(1024);
  /** Per unit and metric: requests, sum of values. */
  #sums: Float64Array;
  #level = 1;
  inBothArms = 0;
  #crossed = new Uint8Array(1024);

  constructor(metrics: number, most = MOST) {
    this.#metrics = metrics;
    this.#most = most;
    this.#sums = new Float64Array(1024 * 2 * metrics);
  }

  /** For how many units the last one that was seen counts because it is new; 0: it is not. */
  isNew = 0;

  /**
   * The number of a unit by its hash; -1: it is not followed. `isNew` then says for how many it counts. `group` is its arm and environment; a unit
   * belongs to the arm in which it was seen first, and is -1 in another.
   */
  see(hash: number, group: number): number {
    this.isNew = 0;
    if (this.#level > 1 && hash % this.#level !== 0) return -1;
    const known = this.#index.find(hash);
    if (known >= 0) {
      if (this.#groups[known] === group) return known;
      if (this.#crossed[known] === 0) {
        this.#crossed[known] = 1;
        this.inBothArms += this.#level;
      }
      return -1;
    }
    if (this.#index.size >= this.#most) this.#thinOut();
    if (hash % this.#level !== 0) return -1;
    const unit = this.#index.add(hash);
    if (unit >= this.#groups.length) this.#grow();
    this.#hashes[unit] = hash;
    this.#groups[unit] = group;
    this.isNew = this.#level;
    return unit;
  }

  add(unit: number, metric: number, value: number): void {
    if (unit < 0) return;
    const place = 2 * (unit * this.#metrics + metric);
    this.#sums[place] = (this.#sums[place] ?? 0) + 1;
    this.#sums[place + 1] = (this.#sums[place + 1] ?? 0) + value;
  }

  /** The sums that dispersion needs, per metric, for the units of some groups. */
  sums(groups: ReadonlySet<number>): readonly UnitSums[] {
    const sums = Array.from({ length: this.#metrics }, () => ({ units: 0, requests: 0, bad: 0, requestsSquared: 0, badSquared: 0, product: 0 }));
    for (let unit = 0; unit < this.#index.size; unit += 1) {
      if (!groups.has(this.#groups[unit] ?? 0)) continue;
      for (const [metric, into] of sums.entries()) {
        const place = 2 * (unit * this.#metrics + metric);
        const [m, b] = [this.#sums[place] ?? 0, this.#sums[place + 1] ?? 0];
        if (m === 0) continue;
        into.units += 1;
        into.requests += m;
        into.bad += b;
        into.requestsSquared += m * m;
        into.badSquared += b * b;
        into.product += m * b;
      }
    }
    return sums;
  }

  #grow(): void {
    const length = 2 * this.#groups.length;
    const grown = <T extends Float64Array | Uint16Array | Uint8Array>(next: T, old: T): T => { next.set(old); return next; };
    this.#hashes = grown(new Float64Array(length), this.#hashes);
    this.#groups = grown(new Uint16Array(length), this.#groups);
    this.#crossed = grown(new Uint8Array(length), this.#crossed);
    this.#sums = grown(new Float64Array(length * 2 * this.#metrics), this.#sums);
  }

  #thinOut(): void {
    this.#level *= 2;
    const [count, width] = [this.#index.size, 2 * this.#metrics];
    this.#index = new HashIndex();
    for (let unit = 0; unit < count; unit += 1) {
      const hash = this.#hashes[unit] ?? 0;
      if (hash % this.#level !== 0) continue;
      const place = this.#index.add(hash);
      this.#hashes[place] = hash;
      this.#groups[place] = this.#groups[unit] ?? 0;
      this.#crossed[place] = this.#crossed[unit] ?? 0;
      this.#sums.copyWithin(place * width, unit * width, (unit + 1) * width);
    }
    this.#sums.fill(0, this.#index.size * width);
    this.#crossed.fill(0, this.#index.size);
  }
}
