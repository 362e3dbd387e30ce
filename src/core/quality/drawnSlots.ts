import { HashSlots, isDrawn, MOST_LEVEL, NumberColumn } from './hashSlots.ts';

/** What happens to places; told before it does. */
interface PlaceListener {
  /** A place is given back because others are drawn, or because it has waited longest. */
  readonly dropped: (place: number, isDrawnOut: boolean) => void;
  /** What stands at a place is to stand at a lower one. */
  readonly moved: (from: number, to: number) => void;
}

/**
 * Places in columns for requests of which something is still to come. When more wait than can be kept, only every second request is followed, then every fourth, and so on: which ones depends on the
 * id alone, so what is known of them stands for all. When all that there is has been read, what has waited longest is forgotten in time, and new requests are followed more closely again.
 */
export class DrawnSlots {
  readonly #slots = new HashSlots();
  /** The later one came, the larger. */
  readonly #order = new NumberColumn();
  readonly #most: number;
  readonly #listener: PlaceListener;
  /** Before one is looked for: requests by their places, in the order in which they came. Most logs have only such. */
  readonly #appended = new NumberColumn();
  #count = 0;
  #isIndexed = false;
  #level: number;
  #next = 0;

  constructor(most: number, listener: PlaceListener, level = 1) {
    this.#most = most;
    this.#listener = listener;
    this.#level = level;
  }

  /** Of how many requests one is followed now. */
  get level(): number {
    return this.#level;
  }

  get size(): number {
    return this.#isIndexed ? this.#slots.size : this.#count;
  }

  follows(request: number): boolean {
    return isDrawn(request, this.#level);
  }

  /** The place of a request, or -1. */
  find(request: number): number {
    this.#index();
    return this.#slots.find(request);
  }

  /** A place for a request that has none. */
  add(request: number): number {
    this.#index();
    const place = this.#slots.add(request);
    this.#order.set(place, this.#next);
    this.#next += 1;
    return place;
  }

  /** A place for a request, which costs least while none is looked for; undefined as soon as one was. */
  append(request: number): number | undefined {
    if (this.#isIndexed) return undefined;
    this.#appended.set(this.#count, request);
    this.#count += 1;
    return this.#count - 1;
  }

  #index(): void {
    if (this.#isIndexed) return;
    this.#isIndexed = true;
    for (let from = 0; from < this.#count; from += 1) {
      const request = this.#appended.get(from);
      const known = this.#slots.find(request);
      const place = known < 0 ? this.add(request) : known;
      if (place !== from) this.#listener.moved(from, place);
    }
  }

  delete(request: number): void {
    this.#index();
    this.#slots.delete(request);
  }

  /** Requests in the order in which they came. */
  inOrder(): number[] {
    this.#index();
    const byOrder = new Map<number, number>();
    for (const request of this.#slots) byOrder.set(this.#order.get(this.#slots.find(request)), request);
    return Array.from(Float64Array.from(byOrder.keys()).sort(), (order) => byOrder.get(order) ?? 0);
  }

  /** For when the columns of what was added last hold it. */
  makeRoom(): void {
    while (this.size > this.#most) {
      // Where hashes are as somebody chose them, drawing would never end.
      if (this.#level > MOST_LEVEL) {
        this.#forget(this.size - this.#most);
        return;
      }
      this.#level *= 2;
      this.#drop((request) => !this.follows(request), true);
    }
  }

  /** For when all files have been read to their end. */
  settle(): void {
    const isDrawing = this.#level > 1;
    const kept = Math.floor(this.#most / (isDrawing ? 4 : 2));
    // Not at every look: to find which ones they are takes a moment.
    if (this.size > (isDrawing ? kept : 1.5 * kept)) this.#forget(this.size - kept);
    if (isDrawing) this.#level /= 2;
  }

  #forget(count: number): void {
    if (!this.#isIndexed) {
      this.#drop((_, place) => place < count, false);
      return;
    }
    const orders = Float64Array.from(this.#slots, (request) => this.#order.get(this.#slots.find(request))).sort();
    const first = orders[count] ?? Number.POSITIVE_INFINITY;
    this.#drop((_, place) => this.#order.get(place) < first, false);
  }

  #drop(isDropped: (request: number, place: number) => boolean, isDrawnOut: boolean): void {
    if (!this.#isIndexed) {
      this.#dropAppended(isDropped, isDrawnOut);
      return;
    }
    for (const request of this.#slots) {
      const place = this.#slots.find(request);
      if (!isDropped(request, place)) continue;
      this.#listener.dropped(place, isDrawnOut);
      this.#slots.delete(request);
    }
  }

  #dropAppended(isDropped: (request: number, place: number) => boolean, isDrawnOut: boolean): void {
    let to = 0;
    for (let from = 0; from < this.#count; from += 1) {
      const request = this.#appended.get(from);
      if (isDropped(request, from)) {
        this.#listener.dropped(from, isDrawnOut);
        continue;
      }
      if (to !== from) {
        this.#appended.set(to, request);
        this.#listener.moved(from, to);
      }
      to += 1;
    }
    this.#count = to;
  }
}
