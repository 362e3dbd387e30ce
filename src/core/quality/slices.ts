import { plainLine } from '../base/words.ts';
import { boundedName } from './hashing.ts';
import { RECORD_FIELDS } from './recordFields.ts';
import { featureMend } from './untoldFields.ts';

/** As many slices are counted of one source, whatever a record or a series holds. */
export const MOST_SLICES = 50;

const LONGEST = 60;
/** Names that are made once, of each entry of `by`. */
const MOST_NAMES = 1000;
const NO_SLICES: readonly string[] = [];

/** What slices by an entry of `by` are called by: `country` for `features.country`; `features.service` as it stands, for a record has a service of its own. */
export function sliceTitle(by: string): string {
  const field = /^features\.(\w+)/.exec(by)?.[1];
  return field === undefined || Object.hasOwn(RECORD_FIELDS, field) ? by : by.slice('features.'.length);
}

/** What a slice is called: `country = DE`, for the value DE of `by: [features.country]`; one name for each value, however long that is. */
export function sliceName(by: string, value: number | string | boolean): string {
  return `${sliceTitle(by)} = ${boundedName(String(value), LONGEST)}`;
}

/** The names of slices by one entry of `by`, made once for values that come again and again. */
export class SliceNames {
  readonly #by: string;
  readonly #names = new Map<number | string | boolean, string>();

  constructor(by: string) {
    this.#by = by;
  }

  of(value: number | string | boolean): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = sliceName(this.#by, value);
    if (this.#names.size < MOST_NAMES) this.#names.set(value, name);
    return name;
  }
}

/** Of `by`, what no record tells: said while all slices that came are counted by themselves. `by`: as it was written; `names`: the slices that came; `features`: the names of those that came. */
export function untoldSlices(by: readonly string[], names: readonly string[], features: ReadonlySet<string>): readonly string[] {
  if (names.length >= MOST_SLICES) return [];
  return by.filter((each) => !names.some((name) => name.startsWith(sliceName(each, ''))))
    .map((each) => `by: no record tells ${plainLine(each, 80)}, so there are no slices of it. ${featureMend(each.split('.'), features) ?? 'A feature is called features.NAME.'}`);
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
