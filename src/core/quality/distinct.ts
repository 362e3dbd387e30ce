/** Enough for three per cent. */
const KEPT = 1024;
/** Places to begin with: most hours have few units. */
const FIRST = 16;
/** What `hash53` gives is spread evenly up to here. */
const LARGEST_HASH = 2 ** 53;

/**
 * How many different hashes there were, from the smallest of them: k of them below a share u of all possible ones mean about (k - 1) / u. Exact up to k; the standard error is 1 / sqrt(k - 2). Of each of these it is known how
 * often it came, for one that is among the smallest in the end has always been: a uniform sample of all of them, by which it is told how unequal they are.
 *
 * Source: Beyer, Haas, Reinwald, Sismanis and Gemulla, On synopses for distinct-value estimation under multiset operations, SIGMOD 2007, section 4.1.
 */
export class DistinctCount {
  /** In ascending order, each once, and how often each came. */
  #hashes = new Float64Array(FIRST);
  #counts = new Float64Array(FIRST);
  #size = 0;
  /** The largest that is kept, once there are enough. */
  #limit = Number.POSITIVE_INFINITY;

  constructor(saved: Float64Array = new Float64Array(0)) {
    for (let place = 0; place + 1 < saved.length; place += 2) this.add(saved[place] ?? 0, saved[place + 1]);
  }

  /** The smallest hashes, each with its count behind it, to go on from later. */
  get saved(): Float64Array {
    return Float64Array.from({ length: 2 * this.#size }, (_, place) => (place % 2 === 0 ? this.#hashes : this.#counts)[place >> 1] ?? 0);
  }

  /** @param hash of `hash53`. It is called for every record: most are above the limit where there are many, and few are new. */
  add(hash: number, count = 1): void {
    if (hash > this.#limit) return;
    let [low, high] = [0, this.#size];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#hashes[middle] ?? 0) < hash) low = middle + 1;
      else high = middle;
    }
    if (low < this.#size && this.#hashes[low] === hash) this.#counts[low] = (this.#counts[low] ?? 0) + count;
    else this.#insert(low, hash, count);
  }

  #insert(place: number, hash: number, count: number): void {
    if (this.#size === this.#hashes.length && this.#size < KEPT) {
      const grown = Math.min(KEPT, 2 * this.#size);
      [this.#hashes, this.#counts] = [this.#hashes, this.#counts].map((old) => { const larger = new Float64Array(grown); larger.set(old); return larger; }) as [Float64Array<ArrayBuffer>, Float64Array<ArrayBuffer>];
    }
    // Beyond the last place the largest one falls out.
    const end = Math.min(this.#size, KEPT - 1);
    this.#hashes.copyWithin(place + 1, place, end);
    this.#counts.copyWithin(place + 1, place, end);
    this.#hashes[place] = hash;
    this.#counts[place] = count;
    this.#size = end + 1;
    if (this.#size === KEPT) this.#limit = this.#hashes[KEPT - 1] ?? Number.POSITIVE_INFINITY;
  }

  /** Takes in what another one counted: what both saw counts once, as often as in both. `weight`: as how many each of the other's counts. */
  merge(other: DistinctCount, weight = 1): void {
    for (let place = 0; place < other.#size; place += 1) this.add(other.#hashes[place] ?? 0, weight * (other.#counts[place] ?? 0));
  }

  get estimate(): number {
    return this.#size < KEPT ? this.#size : Math.round((KEPT - 1) / (this.#limit / LARGEST_HASH));
  }

  /**
   * How many that came equally often would tell as much, where all that is of one may be the same: those that there are, times (sum c)^2 / (k sum c^2) of the counts of the k kept ones (Kish, Survey sampling, 1965).
   */
  get effective(): number {
    let [sum, squares] = [0, 0];
    for (const count of this.#counts.subarray(0, this.#size)) {
      sum += count;
      squares += count * count;
    }
    return squares === 0 ? 0 : (this.estimate * sum * sum) / (this.#size * squares);
  }
}
