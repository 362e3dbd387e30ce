import { plainLine } from '../base/words.ts';

/** As many slices are counted of one source, whatever a record or a series holds. */
export const MOST_SLICES = 50;

const LONGEST = 60;
const NO_SLICES: readonly string[] = [];

/** What a slice is called: `country = DE`, for the value DE of `by: [features.country]`. */
export function sliceName(by: string, value: number | string | boolean): string {
  return `${by.replace(/^features\./, '')} = ${String(value).slice(0, LONGEST)}`;
}

/** Of `by`, what no record tells: said while all slices that came are counted by themselves. `by`: as it was written; `names`: the slices that came. */
export function untoldSlices(by: readonly string[], names: readonly string[]): readonly string[] {
  if (names.length >= MOST_SLICES) return [];
  return by.filter((each) => !names.some((name) => name.startsWith(sliceName(each, ''))))
    .map((each) => `by: no record tells ${plainLine(each, 80)}, so there are no slices of it. A feature is called features.NAME.`);
}

/** The slices that are counted by themselves: the first ones that came. */
export class CountedSlices {
  readonly #names: Set<string>;

  constructor(saved: readonly string[] = []) {
    this.#names = new Set(saved);
  }

  get saved(): readonly string[] {
    return [...this.#names];
  }

  /** Of the slices that a record is in those that are counted. */
  of(names: readonly string[] | undefined): readonly string[] {
    if (names === undefined) return NO_SLICES;
    if (names.every((name) => this.#names.has(name))) return names;
    return names.filter((name) => {
      if (!this.#names.has(name) && this.#names.size < MOST_SLICES) this.#names.add(name);
      return this.#names.has(name);
    });
  }
}
