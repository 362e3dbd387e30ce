/** A sample and where it stands, to go on from later. */
export interface SavedReservoir {
  readonly values: Float64Array;
  readonly state: number;
  readonly largest: number;
  readonly passed: number;
}

/**
 * A uniform sample of a stream, the same for the same stream. How many values are passed over until the next one is kept is drawn at one go, so that most values take no work.
 *
 * Source: Li, Reservoir-sampling algorithms of time complexity O(n (1 + log(N / n))), ACM TOMS 20(4), 1994, algorithm L.
 */
export class Reservoir {
  readonly values: number[];
  readonly #size: number;
  #state: number;
  /** Had each value a uniform number of its own, the largest of those that are kept, which are the smallest of all; 1: nothing was passed over yet. */
  #largest: number;
  /** How many values are still to be passed over. */
  #passed: number;

  constructor(size: number, seed = 1, saved?: SavedReservoir) {
    this.#size = size;
    this.values = [...saved?.values ?? []];
    this.#state = saved?.state ?? seed >>> 0;
    this.#largest = saved?.largest ?? 1;
    this.#passed = saved?.passed ?? 0;
  }

  get saved(): SavedReservoir {
    return { values: Float64Array.from(this.values), state: this.#state, largest: this.#largest, passed: this.#passed };
  }

  add(value: number): void {
    if (this.values.length < this.#size) {
      this.values.push(value);
      if (this.values.length === this.#size && this.#largest === 1) this.#draw();
    } else if (this.#passed > 0) {
      this.#passed -= 1;
    } else {
      this.values[Math.floor(this.#random() * this.#size)] = value;
      this.#draw();
    }
  }

  /** Takes a value back that was added; one that is not in the sample changes nothing. */
  remove(value: number): void {
    const place = this.values.indexOf(value);
    if (place >= 0) this.values.splice(place, 1);
  }

  /** `add` for the first `count` values. */
  addMany(values: Float64Array, count: number): void {
    for (let index = 0; index < count; index += 1) {
      if (this.values.length === this.#size) {
        const passed = Math.min(this.#passed, count - index);
        this.#passed -= passed;
        index += passed;
      }
      if (index < count) this.add(values[index] ?? 0);
    }
  }

  #draw(): void {
    this.#largest *= this.#random() ** (1 / this.#size);
    this.#passed = Math.floor(Math.log(this.#random()) / Math.log1p(-this.#largest));
  }

  /** Uniform between 0 and 1, neither of which it is (Knuth, TAOCP 2, 3.2.1: a linear congruential generator). */
  #random(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return (this.#state + 0.5) / 4294967296;
  }
}
