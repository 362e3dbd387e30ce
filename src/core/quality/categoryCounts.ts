import { toNumber } from '../expressions/evaluate.ts';
import { boundedName, hash53 } from './hashing.ts';

/** Names that are counted by themselves; and where those of the reference are, names that it does not have. */
export const MOST_CATEGORIES = 1000;
const MOST_UNLISTED = 100;
/** A longer text is counted by a shorter name, the same for the same text wherever it is counted. */
const LONGEST_NAME = 200;
/** Groups of the others: a power of two, so that groups of half the number are sums of two. */
export const OTHER_GROUPS = 2048;
const TRUTHS = { true: ['true', 'True', 'TRUE', '1'], false: ['false', 'False', 'FALSE', '0'] } as const;

/** The group that a name is in: the same wherever it is counted. */
export function groupOf(name: string): number {
  return hash53(name) & (OTHER_GROUPS - 1);
}

/** The categories of a reference: production counts them by themselves. */
export class ListedCategories {
  readonly names: readonly string[];
  readonly #places = new Map<string, number>();
  /** Of those that are numbers: production may have logged them as such. */
  readonly #numbers = new Map<number, number>();

  constructor(names: readonly string[]) {
    this.names = names;
    for (const [place, name] of names.entries()) {
      this.#places.set(name, place);
      const number = toNumber(name);
      if (number !== null && !this.#numbers.has(number)) this.#numbers.set(number, place);
    }
  }

  placeOf(name: string): number {
    return this.#places.get(name) ?? -1;
  }

  /** The name for what is logged as a number or a truth. */
  nameOf(value: number | boolean): string {
    if (typeof value === 'number') return this.names[this.#numbers.get(value) ?? -1] ?? String(value);
    return TRUTHS[value ? 'true' : 'false'].find((name) => this.#places.has(name)) ?? String(value);
  }
}

const known = new WeakMap<readonly string[], ListedCategories>();

/** The same for the same list: hours share it. */
export function listedCategories(names: readonly string[]): ListedCategories {
  const found = known.get(names) ?? new ListedCategories(names);
  known.set(names, found);
  return found;
}

/** What is known of categories, to go on from later. */
export interface SavedCategories {
  readonly named: readonly (readonly [name: string, count: number])[];
  readonly others: Uint32Array | undefined;
}

/**
 * Counts categories: those of the reference and the first others by their names, and what comes beyond by a hash of its name, for two sides that each have thousands of them may meet different ones first,
 * but have the same groups.
 */
export class CategoryCounts {
  readonly #listed: ListedCategories | undefined;
  readonly #counts: Uint32Array;
  readonly #own = new Map<string, { count: number }>();
  readonly #most: number;
  #others: Uint32Array | undefined;
  /** The category that came last, which often comes next; and where it is counted: a place of the list, -1: by `#counter`, or -2 less its group. */
  #last: string | undefined;
  #place = -1;
  #counter = { count: 0 };

  constructor(listed: ListedCategories | undefined, saved?: SavedCategories) {
    this.#listed = listed;
    const size = listed?.names.length ?? 0;
    this.#counts = new Uint32Array(size);
    this.#most = size === 0 ? MOST_CATEGORIES : MOST_UNLISTED;
    this.#others = saved?.others;
    for (const [name, count] of saved?.named ?? []) {
      const place = listed?.placeOf(name) ?? -1;
      if (place >= 0) this.#counts[place] = count;
      else this.#own.set(name, { count });
    }
  }

  get saved(): SavedCategories {
    return { named: this.#named(false), others: this.#others };
  }

  add(value: string): void {
    if (value !== this.#last) this.#turnTo(value);
    if (this.#place === -1) this.#counter.count += 1;
    else if (this.#place >= 0) this.#counts[this.#place] = (this.#counts[this.#place] ?? 0) + 1;
    else if (this.#others !== undefined) this.#others[-2 - this.#place] = (this.#others[-2 - this.#place] ?? 0) + 1;
  }

  #turnTo(value: string): void {
    this.#last = value;
    const name = boundedName(value, LONGEST_NAME);
    this.#place = this.#listed?.placeOf(name) ?? -1;
    if (this.#place >= 0) return;
    const own = this.#own.get(name);
    if (own !== undefined) {
      this.#counter = own;
    } else if (this.#own.size < this.#most) {
      this.#counter = { count: 0 };
      this.#own.set(name, this.#counter);
    } else {
      this.#others ??= new Uint32Array(OTHER_GROUPS);
      this.#place = -2 - groupOf(name);
    }
  }

  #named(withZeros: boolean): (readonly [name: string, count: number])[] {
    const listed = (this.#listed?.names ?? []).map((name, place) => [name, this.#counts[place] ?? 0] as const).filter(([, count]) => withZeros || count > 0);
    return [...listed, ...Array.from(this.#own, ([name, { count }]) => [name, count] as const)];
  }

  /** Where there are others, a name of the list that has no count stands there, too: it is not among them. */
  get counted(): { readonly categories: Readonly<Record<string, number>>; readonly otherCategories: number; readonly others?: readonly number[] } {
    const others = this.#others === undefined ? undefined : [...this.#others];
    return { categories: Object.fromEntries(this.#named(others !== undefined)), otherCategories: others?.reduce((sum, count) => sum + count, 0) ?? 0, ...(others === undefined ? {} : { others }) };
  }
}
