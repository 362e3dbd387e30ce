import { ROWS, type RowList } from './batch.ts';
import { leftOf } from './sums.ts';
import type { UnitSums } from './stats/dispersion.ts';

/** From this many units on, only a half of them (by hash) is followed, then a quarter, and so on; each stands for two, four... */
const MOST = 1_000_000;
/** A slot holds a unit's number + 1 and, above it, some of its hash, so that few others are looked at. */
const NUMBER_BITS = 20;
const NUMBER_MASK = 2 ** NUMBER_BITS - 1;
/** In front of a unit's sums stand its hash (`elsewhere` where it was first seen in another group) and its group (an arm of an environment, of all services), the latter negative once it was seen in another, and 0 as long as it was seen only before units were counted anew. */
const HEAD = 2;
const FIRST = 1024;
/** Hashes have 53 bits; a multiple of it by a mark changes the first 21. */
const ODD = 648_053;
/** Sums per group and metric: units, requests, bad, requestsSquared, badSquared, product. */
const SUMS = 6;

/** All that is known of units, to go on from later. */
export interface SavedUnits {
  readonly rows: Float64Array;
  readonly sums: Float64Array;
  readonly level: number;
  readonly inBothArms: number;
  /** Missing: all count. */
  readonly from?: number | undefined;
}

/** The units of a source: who was seen, in which arm first, and what its requests came to. A unit's facts lie together, because bringing them from memory is what takes time. */
export class Units {
  readonly #metrics: number;
  readonly #most: number;
  readonly #width: number;
  #slots = new Uint32Array(2 * FIRST);
  /** Per unit: hash, group + 1, and per metric requests and sum of values. */
  #rows: Float64Array;
  /** Kept up with every value, because passing over all units takes long. */
  #sums: Float64Array;
  readonly #touched = new Int32Array(ROWS);
  readonly #oneHash = new Float64Array(1);
  readonly #oneGroup = new Int32Array(1);
  readonly #oneNumber = new Int32Array(1);
  readonly #oneNew = new Float64Array(1);
  #size = 0;
  #level = 1;
  inBothArms = 0;
  /** What units came to is counted of predictions from then on, in milliseconds since 1970. */
  from = Number.NEGATIVE_INFINITY;

  constructor(metrics: number, most = MOST, saved?: SavedUnits) {
    this.#metrics = metrics;
    this.#most = most;
    this.#width = HEAD + 2 * metrics;
    this.#rows = new Float64Array(FIRST * this.#width);
    this.#sums = new Float64Array(SUMS * metrics);
    if (saved !== undefined) this.#restore(saved);
  }

  get saved(): SavedUnits {
    return { rows: this.#rows.slice(0, this.#size * this.#width), sums: this.#sums.slice(), level: this.#level, inBothArms: this.inBothArms, from: Number.isFinite(this.from) ? this.from : undefined };
  }

  #restore({ rows, sums, level, inBothArms, from = Number.NEGATIVE_INFINITY }: SavedUnits): void {
    const size = rows.length / this.#width;
    let slots = this.#slots.length;
    while (2 * size > slots) slots *= 2;
    this.#slots = new Uint32Array(slots);
    this.#rows = new Float64Array(Math.min(slots / 2, this.#most + 1) * this.#width);
    this.#rows.set(rows);
    this.#sums = sums;
    this.#size = size;
    this.#level = level;
    this.inBothArms = inBothArms;
    this.from = from;
    for (let number = 0; number < size; number += 1) this.#put(rows[number * this.#width] ?? 0, number);
  }

  /** Forgets what units came to and which arm they were in, not who they are: it is counted anew, of what comes from a time on. Whoever adds asks for it. */
  beginAnew(from: number): void {
    this.from = from;
    this.#sums.fill(0);
    for (let row = 0; row < this.#size * this.#width; row += this.#width) this.#rows.fill(0, row + 1, row + this.#width);
  }

  /** For how many units the last one that was seen counts because it is new; 0: it is not. */
  isNew = 0;

  /** Something of the places of the first hashes, so that they are near when they are asked for: see `HashSet.touch`. */
  #touch(hashes: Float64Array, count: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const rows = this.#rows;
    const width = this.#width;
    const numbers = this.#touched;
    for (let index = 0; index < count; index += 1) numbers[index] = (slots[(hashes[index] ?? 0) & mask] ?? 0) & NUMBER_MASK;
    let sum = 0;
    for (let index = 0; index < count; index += 1) sum += rows[Math.max(0, (numbers[index] ?? 0) - 1) * width] ?? 0;
    return sum;
  }

  /** Whether so many new units would have half of them forgotten, which changes the numbers of the others. */
  isFullWith(count: number): boolean {
    return this.#size + count > this.#most;
  }

  /** `see` for the first `count` hashes, `ROWS` at most and no more than there is room for: their numbers, and at the same places for how many units each counts. */
  seeMany(hashes: Float64Array, groups: Int32Array, count: number, numbers: Int32Array, news: Float64Array): void {
    while (2 * (this.#size + count) > this.#slots.length) this.#grow();
    // Never NaN; were it not asked for, nothing would be brought from memory.
    if (Number.isNaN(this.#touch(hashes, count))) return;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const rows = this.#rows;
    const width = this.#width;
    const level = this.#level;
    let size = this.#size;
    for (let index = 0; index < count; index += 1) {
      const hash = hashes[index] ?? 0;
      const mark = (groups[index] ?? 0) + 1;
      news[index] = 0;
      numbers[index] = -1;
      if (level > 1 && hash % level !== 0) continue;
      const tag = tagOf(hash);
      let sought = hash;
      let slot = hash & mask;
      let found = slots[slot] ?? 0;
      while (found !== 0) {
        const place = ((found & NUMBER_MASK) - 1) * width;
        if (found >>> NUMBER_BITS === tag && rows[place] === sought) {
          const own = rows[place + 1] ?? 0;
          if (sought !== hash || mark <= 0 || own === 0 || own === mark || own === -mark) break;
          if (own > 0) {
            rows[place + 1] = -own;
            this.inBothArms += level;
          }
          // What it comes to here is told in a row of its own, which is of the same places.
          sought = elsewhere(hash, mark);
        }
        slot = (slot + 1) & mask;
        found = slots[slot] ?? 0;
      }
      if (found === 0) {
        rows[size * width] = sought;
        rows[size * width + 1] = mark;
        numbers[index] = size;
        news[index] = sought === hash ? level : 0;
        size += 1;
        slots[slot] = ((tag << NUMBER_BITS) | size) >>> 0;
        continue;
      }
      const number = (found & NUMBER_MASK) - 1;
      const own = rows[number * width + 1] ?? 0;
      if (own === 0) rows[number * width + 1] = mark;
      if (own === 0 || own === mark || own === -mark) numbers[index] = number;
    }
    this.#size = size;
  }

  /**
   * The number of a unit by its hash; -1: it is not followed. `isNew` then says for how many it counts. `group` is its arm and environment: a unit is
   * new in the arm in which it was seen first only, and has a number of its own in each other, where it may be as unlike others. Of what is from before `from`, -1: then it is not yet said whose it is.
   */
  see(hash: number, group: number): number {
    if (this.isFullWith(1) && hash % this.#level === 0 && this.#isAdded(hash, group + 1)) this.#thinOut();
    const [hashes, groups, numbers, news] = [this.#oneHash, this.#oneGroup, this.#oneNumber, this.#oneNew];
    hashes[0] = hash;
    groups[0] = group;
    this.seeMany(hashes, groups, 1, numbers, news);
    this.isNew = news[0] ?? 0;
    return numbers[0] ?? -1;
  }

  /** @param times -1: takes back what was added */
  add(unit: number, metric: number, value: number, times: 1 | -1 = 1): void {
    if (unit < 0) return;
    const [rows, row] = [this.#rows, unit * this.#width];
    const place = row + HEAD + 2 * metric;
    const [m, b] = [rows[place] ?? 0, rows[place + 1] ?? 0];
    rows[place] = m + times;
    rows[place + 1] = b + times * value;
    this.#count(Math.abs(rows[row + 1] ?? 0) - 1, metric, m, b, times, times * value);
  }

  /** `add` for many at one go: values of a metric (NaN: none) of some rows, whose units (-1: not followed) belong to one group; `units` begins with that of the row `from`. The sums stay in registers. */
  addRows(group: number, metric: number, units: Int32Array, from: number, values: Float64Array, { rows: which, size }: RowList): void {
    const place = SUMS * (group * this.#metrics + metric);
    if (place + SUMS > this.#sums.length) this.#makeRoom(place);
    const rows = this.#rows;
    const width = this.#width;
    const sums = this.#sums;
    let [count = 0, requests = 0, bad = 0, requestsSquared = 0, badSquared = 0, product = 0] = sums.subarray(place, place + SUMS);
    for (let index = 0; index < size; index += 1) {
      const row = which[index] ?? 0;
      const unit = units[row - from] ?? -1;
      const value = values[row] ?? Number.NaN;
      if (unit < 0 || Number.isNaN(value)) continue;
      const at = unit * width + HEAD + 2 * metric;
      const m = rows[at] ?? 0;
      const b = rows[at + 1] ?? 0;
      rows[at] = m + 1;
      rows[at + 1] = b + value;
      if (m === 0) count += 1;
      requests += 1;
      bad += value;
      requestsSquared += 2 * m + 1;
      badSquared += value * (2 * b + value);
      product += (m + 1) * value + b;
    }
    sums.set([count, requests, bad, requestsSquared, badSquared, product], place);
  }

  /** To a unit's m requests with values of b in all come some more, or fewer. */
  #count(group: number, metric: number, m: number, b: number, requests: number, value: number): void {
    const place = SUMS * (group * this.#metrics + metric);
    if (place + SUMS > this.#sums.length) this.#makeRoom(place);
    const sums = this.#sums;
    if (m === 0) sums[place] = (sums[place] ?? 0) + 1;
    else if (m + requests === 0) sums[place] = (sums[place] ?? 0) - 1;
    sums[place + 1] = (sums[place + 1] ?? 0) + requests;
    sums[place + 2] = (sums[place + 2] ?? 0) + value;
    sums[place + 3] = (sums[place + 3] ?? 0) + requests * (2 * m + requests);
    sums[place + 4] = leftOf((sums[place + 4] ?? 0) + value * (2 * b + value), value, requests);
    sums[place + 5] = (sums[place + 5] ?? 0) + (m + requests) * value + requests * b;
  }

  #makeRoom(place: number): void {
    const larger = new Float64Array(2 * (place + SUMS * this.#metrics));
    larger.set(this.#sums);
    this.#sums = larger;
  }

  /** The sums that dispersion needs, by group and metric. */
  sums(groups: number): readonly (readonly UnitSums[])[] {
    return Array.from({ length: groups }, (_, group) => Array.from({ length: this.#metrics }, (__, metric) => unitSumsAt(this.#sums, SUMS * (group * this.#metrics + metric))));
  }

  /**
   * By group and pair the sums of dispersion where the bad events are records that told a metric, of those that could. It passes over all units.
   *
   * @param pairs `could`: the metric whose requests could, or, by `isBad`, whose bad events
   */
  toldSums(groups: number, pairs: readonly { readonly told: number; readonly could: number; readonly isBad: boolean }[]): readonly (readonly UnitSums[])[] {
    const sums = new Float64Array(SUMS * groups * pairs.length);
    const rows = this.#rows;
    for (let row = 0; row < this.#size * this.#width; row += this.#width) {
      const group = Math.abs(rows[row + 1] ?? 0) - 1;
      for (let pair = 0; pair < pairs.length; pair += 1) {
        const { told = 0, could = 0, isBad = false } = pairs[pair] ?? {};
        const m = rows[row + HEAD + 2 * could + Number(isBad)] ?? 0;
        if (group < 0 || m === 0) continue;
        const place = SUMS * (group * pairs.length + pair);
        const b = Math.min(m, rows[row + HEAD + 2 * told] ?? 0);
        sums[place] = (sums[place] ?? 0) + 1;
        sums[place + 1] = (sums[place + 1] ?? 0) + m;
        sums[place + 2] = (sums[place + 2] ?? 0) + b;
        sums[place + 3] = (sums[place + 3] ?? 0) + m * m;
        sums[place + 4] = (sums[place + 4] ?? 0) + b * b;
        sums[place + 5] = (sums[place + 5] ?? 0) + b * m;
      }
    }
    return Array.from({ length: groups }, (_, group) => pairs.map((__, pair) => unitSumsAt(sums, SUMS * (group * pairs.length + pair))));
  }

  /** Whether a unit has no row yet in which it would be counted. */
  #isAdded(hash: number, mark: number): boolean {
    const number = this.#find(hash);
    if (number < 0) return true;
    const own = Math.abs(this.#rows[number * this.#width + 1] ?? 0);
    return mark > 0 && own !== 0 && own !== mark && this.#find(elsewhere(hash, mark)) < 0;
  }

  #find(hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const tag = tagOf(hash);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = slots[slot] ?? 0;
      if (found === 0) return -1;
      if (found >>> NUMBER_BITS !== tag) continue;
      const number = (found & NUMBER_MASK) - 1;
      if (this.#rows[number * this.#width] === hash) return number;
    }
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
    this.#sums.fill(0);
    for (let row = 0; row < this.#size * width; row += width) {
      const group = Math.abs(this.#rows[row + 1] ?? 0) - 1;
      for (let metric = 0; metric < this.#metrics; metric += 1) {
        const place = row + HEAD + 2 * metric;
        const [m, b] = [this.#rows[place] ?? 0, this.#rows[place + 1] ?? 0];
        if (m > 0) this.#count(group, metric, 0, 0, m, b);
      }
    }
  }
}

function unitSumsAt(sums: Float64Array, place: number): UnitSums {
  const [units = 0, requests = 0, bad = 0, requestsSquared = 0, badSquared = 0, product = 0] = sums.subarray(place, place + SUMS);
  return { units, requests, bad, requestsSquared, badSquared, product };
}

/** What a unit is called in another arm than its first: the last 32 bits are the same, so that it is in the same places, and in the same half or quarter of those that are followed. */
function elsewhere(hash: number, mark: number): number {
  const low = hash >>> 0;
  return (((hash - low) / 2 ** 32 + mark * ODD) % 2 ** 21) * 2 ** 32 + low;
}

function tagOf(hash: number): number {
  return (hash >>> NUMBER_BITS) & 0xfff;
}
