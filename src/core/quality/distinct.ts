/** Enough for three per cent. */
const KEPT = 1024;
/** What `hash53` gives is spread evenly up to here. */
const LARGEST_HASH = 2 ** 53;

/**
 * How many different hashes there were, from the smallest of them: k of them below a share u of all possible ones mean about (k - 1) / u. Exact up to k; the standard error is 1 / sqrt(k - 2).
 *
 * Source: Beyer, Haas, Reinwald, Sismanis and Gemulla, On synopses for distinct-value estimation under multiset operations, SIGMOD 2007, section 4.1.
 */
export class DistinctCount {
  /** In ascending order, each once, where that is so. */
  #smallest: number[] = [];
  #isTidy = true;
  #limit = Number.POSITIVE_INFINITY;

  constructor(saved: Float64Array = new Float64Array(0)) {
    for (const hash of saved) this.add(hash);
  }

  /** The smallest hashes, to go on from later. */
  get saved(): Float64Array {
    this.#tidy();
    return Float64Array.from(this.#smallest);
  }

  /** @param hash of `hash53` */
  add(hash: number): void {
    if (hash >= this.#limit) return;
    this.#smallest.push(hash);
    this.#isTidy = false;
    if (this.#smallest.length > 2 * KEPT) this.#tidy();
  }

  /** Takes in what another one counted: what both saw counts once. */
  merge(other: DistinctCount): void {
    other.#tidy();
    for (const hash of other.#smallest) {
      // Those after it are larger.
      if (hash >= this.#limit) return;
      this.add(hash);
    }
  }

  get estimate(): number {
    this.#tidy();
    const count = this.#smallest.length;
    if (count < KEPT) return count;
    return Math.round((KEPT - 1) / ((this.#smallest[KEPT - 1] ?? LARGEST_HASH) / LARGEST_HASH));
  }

  #tidy(): void {
    if (this.#isTidy) return;
    this.#isTidy = true;
    const sorted = Float64Array.from(this.#smallest).sort();
    const kept: number[] = [];
    let last = Number.NaN;
    for (let place = 0; place < sorted.length && kept.length < KEPT; place += 1) {
      const hash = sorted[place] ?? 0;
      if (hash !== last) kept.push(hash);
      last = hash;
    }
    this.#smallest = kept;
    if (this.#smallest.length === KEPT) this.#limit = this.#smallest[KEPT - 1] ?? Number.POSITIVE_INFINITY;
  }
}
