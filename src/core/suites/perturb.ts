import { jsonWords, sameJson, type Json } from './json.ts';
import type { Row, Variant } from './model.ts';
import { numberWords } from './output.ts';
import { shuffled, type Random } from './random.ts';
import type { ChangeContent, ChangesContent } from './schema.ts';

/** More combinations of several columns' changes than this are refused. */
export const MOST_COMBINATIONS = 10_000;

type Details = Exclude<ChangeContent, readonly unknown[]>;
type LetterCase = 'upper' | 'lower' | 'title' | 'swap';
type Blank = 'lead' | 'trail' | 'double' | 'tab';

function upper(text: string): string { return text.toUpperCase(); }
function lower(text: string): string { return text.toLowerCase(); }

const CASES: Readonly<Record<LetterCase, (text: string) => string>> = {
  upper,
  lower,
  title: (text) => text.toLowerCase().replace(/(?<![\p{L}\p{N}'’])\p{L}/gu, upper),
  swap: (text) => text.replace(/\p{L}/gu, (letter) => (letter === upper(letter) ? lower(letter) : upper(letter))),
};

const BLANKS: Readonly<Record<Blank, (text: string) => string>> = {
  lead: (text) => ` ${text}`,
  trail: (text) => `${text} `,
  double: (text) => text.replaceAll(' ', '  '),
  tab: (text) => text.replaceAll(' ', '\t'),
};

/** One typing mistake: two neighbours swapped, or a character doubled, left out or replaced by a letter. Texts without two characters stay. */
function typo(text: string, random: Random): string {
  const characters = Array.from(text);
  if (characters.length < 2) return text;
  const place = random.below(characters.length - 1);
  const [here = '', next = ''] = characters.slice(place, place + 2);
  const put = (...given: readonly string[]): string => [...characters.slice(0, place), ...given, ...characters.slice(place + 2)].join('');
  switch (random.below(4)) {
    case 0: return put(next, here);
    case 1: return put(here, here, next);
    case 2: return put(next);
    default: return put(String.fromCharCode(97 + random.below(26)), next);
  }
}

function typos(text: string, count: number, random: Random): string {
  let changed = text;
  for (let done = 0; done < count; done += 1) changed = typo(changed, random);
  return changed;
}

/** Whole words, as Unicode has letters and digits. */
function replaced(text: string, word: string, by: string): string {
  const pattern = word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}_])${pattern}(?![\\p{L}\\p{N}_])`, 'gu'), () => by);
}

function asList<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? value as readonly T[] : [value as T];
}

function numeric(value: number, change: Details, random: Random): number[] {
  const found: number[] = [];
  if (change.add !== undefined) found.push(value + change.add);
  if (change.add_pct !== undefined) found.push(value + Math.abs(value) * change.add_pct / 100);
  if (change.multiply !== undefined) found.push(value * change.multiply);
  if (change.jitter !== undefined) {
    const most = Math.max(change.jitter.abs ?? 0, (change.jitter.rel ?? 0) * Math.abs(value));
    found.push(value + (2 * random.next() - 1) * most);
  }
  return found;
}

function textual(value: string, change: Details, random: Random): string[] {
  return [
    ...(change.typos === undefined ? [] : [typos(value, change.typos, random)]),
    ...asList(change.case ?? []).map((name) => CASES[name](value)),
    ...asList(change.whitespace ?? []).map((name) => BLANKS[name](value)),
    ...Object.entries(change.replace ?? {}).flatMap(([word, by]) => asList(by).map((each) => replaced(value, word, each))),
  ];
}

/** The values that a change gives a value; none where it does not apply to it (a number change to a text). */
function changedValues(value: Json | undefined, change: ChangeContent, isInteger: boolean, random: Random): Json[] {
  if (Array.isArray(change)) return change;
  const details = change;
  const found: Json[] = [...(details.values ?? []), ...(details.set === undefined ? [] : [details.set])];
  if (typeof value === 'number') found.push(...numeric(value, details, random).filter(Number.isFinite).map((each) => (isInteger ? Math.round(each) : each)));
  if (typeof value === 'string') found.push(...textual(value, details, random));
  return found;
}

/** Whether a change draws random numbers. */
function isRandom(change: ChangeContent): boolean {
  return !Array.isArray(change) && ('jitter' in change || 'typos' in change);
}

function valueWords(value: Json | undefined): string {
  return typeof value === 'number' ? numberWords(value) : jsonWords(value, 40);
}

/** A copy of the row with this value; the column keeps its place. */
export function withValue(row: Row, column: string, value: Json): Row {
  return { ...row, [column]: value };
}

/** What changed between two rows, in words: `income 48 -> 57.6`. */
export function changeWords(before: Row, after: Row): string {
  const changed = Object.keys(after).filter((column) => !sameJson(before[column], after[column]));
  const gone = Object.keys(before).filter((column) => !Object.hasOwn(after, column));
  return [...changed.map((column) => `${column} ${valueWords(before[column])} -> ${valueWords(after[column])}`), ...gone.map((column) => `${column} left out`)].join(', ');
}

export interface Perturbing {
  /** How often random changes are drawn. */
  readonly times: number;
  /** Columns that hold whole numbers only: numbers are rounded. */
  readonly integers: ReadonlySet<string>;
  readonly random: Random;
}

/**
 * The changed rows of a row, without those in which nothing changed and without twins. Changes of several columns are combined, each with each.
 */
export function perturb(row: Row, changes: ChangesContent, { times, integers, random }: Perturbing): Variant[] {
  const found: Variant[] = [];
  if (changes === 'shuffle_columns') {
    const columns = Object.keys(row);
    for (let done = 0; done < times; done += 1) {
      const order = shuffled(columns, random);
      if (order.join('\0') === columns.join('\0')) order.reverse();
      const changed = Object.fromEntries(order.map((column) => [column, row[column] ?? null]));
      // Objects keep whole numbers as names in front, whatever the order.
      if (Object.keys(changed).join('\0') !== columns.join('\0')) found.push({ row: changed, change: `columns in the order ${jsonWords(order, 80)}` });
    }
    return found;
  }
  const columns = Object.entries(changes);
  const rounds = columns.some(([, change]) => isRandom(change)) ? times : 1;
  const seen = new Set<string>();
  for (let done = 0; done < rounds; done += 1) {
    let rows: Row[] = [row];
    for (const [column, change] of columns) {
      const values = changedValues(row[column], change, integers.has(column), random).filter((value) => !sameJson(value, row[column]));
      // A column to which its change does not apply stays, and the others change.
      if (values.length > 0) rows = rows.flatMap((each) => values.map((value) => withValue(each, column, value)));
    }
    for (const changed of rows) {
      const key = JSON.stringify(changed);
      if (changed === row || seen.has(key)) continue;
      seen.add(key);
      found.push({ row: changed, change: changeWords(row, changed) });
    }
  }
  return found;
}

/** How many rows at most the changes make of one. */
export function combinations(changes: ChangesContent): number {
  if (changes === 'shuffle_columns') return 1;
  return Object.values(changes).reduce((product, change) => product * Math.max(1, Array.isArray(change) ? change.length : detailsCount(change)), 1);
}

function detailsCount(change: Details): number {
  const { values, replace, case: cases, whitespace, ...single } = change;
  return (values?.length ?? 0) + Object.values(replace ?? {}).flatMap(asList).length + asList(cases ?? []).length + asList(whitespace ?? []).length + Object.keys(single).length;
}

/** The values of a sweep in their order. */
export function sweepValues(sweep: readonly Json[] | { readonly from: number; readonly to: number; readonly steps: number }): readonly Json[] {
  if ('length' in sweep) return sweep;
  const { from, to, steps } = sweep;
  return Array.from({ length: steps }, (_, index) => from + ((to - from) * index) / (steps - 1));
}
