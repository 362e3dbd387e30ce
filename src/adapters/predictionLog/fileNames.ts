/** Names of log files: what they say of which log a file is of, and how old it is. */
import { basename, dirname, join } from 'node:path';

/** The format of a file that is read as a whole; undefined: its lines are read on. */
export function wholeFormatOf(path: string): string | undefined {
  return /\.(csv|parquet)$/i.exec(path)?.[1]?.toLowerCase();
}

const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4|z)$/i;

/** The path of what a compressed file was made of; of others their own. */
export function unpackedPath(path: string): string {
  return path.replace(COMPRESSED, '');
}

export function isCompressed(path: string): boolean {
  return COMPRESSED.test(path);
}

/** Whether the lines of a file at a path are read on. */
export function isLog(path: string): boolean {
  return wholeFormatOf(path) === undefined && !isCompressed(path);
}

/** A name up to its first dot: what names of rotated files have in common. */
export function stemOf(name: string): string {
  return /^.[^.]*/.exec(name)?.[0] ?? name;
}

/** The name of a log is followed by a number or a time, as those of rotated files are: `log.jsonl.1`, `log.jsonl-20260302`. */
const ROTATED = /^[-._]\d[\dTZ._:-]*$/;
/** Such an end behind an extension. */
export const SUFFIX = /(?<=\.[a-z]\w*)[-._]\d[\dTZ._:-]*$/i;
/** A counter goes up to 999; more digits are a time. */
const MOST_DIGITS = 3;
const DIGIT = /\d/;

/** Paths in the order in which files were written, as far as names tell it: others by name and the numbers in it, but `log.jsonl.2` before `log.jsonl.1` and that before `log.jsonl`, which is written still. */
export function byAge(a: string, b: string): number {
  const [[log, age], [otherLog, otherAge]] = [ageOf(a), ageOf(b)];
  return log === otherLog ? otherAge - age || byNumbers(a, b) : byNumbers(log, otherLog);
}

/** Names in which what differs first are numbers by those, `part2` before `part10`. */
export function byNumbers(a: string, b: string): number {
  let start = 0;
  while (start < a.length && a.charAt(start) === b.charAt(start)) start += 1;
  while (DIGIT.test(a.charAt(start - 1))) start -= 1;
  const [number, other] = [a, b].map((name) => /^\d+/.exec(name.slice(start))?.[0]);
  const difference = number === undefined || other === undefined ? 0 : Number(number) - Number(other);
  return difference !== 0 ? difference : a < b ? -1 : Number(a > b);
}

/** The log that a file is of by its name, and how old it is beside others of that. */
function ageOf(path: string): readonly [log: string, age: number] {
  const [suffix = ''] = SUFFIX.exec(path) ?? [];
  const digits = suffix.replace(/\D/g, '');
  return [path.slice(0, path.length - suffix.length), suffix === '' ? 0 : digits.length > MOST_DIGITS ? 10 ** MOST_DIGITS : Number(digits)];
}

/**
 * What names of rotated files are of a log, by that which one of them has got: numbers and times in the same place and form. Others of the folder with a number in their name may be logs of their own.
 */
export function isRotatedName(log: string, as: string | undefined): (name: string) => boolean {
  const stem = stemOf(log);
  const end = log.slice(stem.length);
  const inserted = (name: string): string => (name.length > log.length && name.startsWith(stem) && name.endsWith(end) ? name.slice(stem.length, name.length - end.length) : '');
  const added = as === undefined || !ROTATED.test(inserted(as)) ? undefined : inserted(as);
  const form = added === undefined ? undefined : new RegExp(`^${added.replace(/\d+|[^\d]/g, (part) => (/^\d/.test(part) ? `\\d{${part.length > MOST_DIGITS ? part.length : `1,${MOST_DIGITS}`}}` : `[${part}]`))}$`);
  return (name) => (name.startsWith(log) && ROTATED.test(name.slice(log.length))) || form?.test(inserted(name)) === true;
}

/** The path of a file without the numbers in its name and in that of its folder, for files may be dated by either. */
export function formOf(path: string): string {
  const folder = dirname(path);
  return join(dirname(folder), ...[basename(folder), basename(path)].map((name) => name.replace(/\d+/g, '0')));
}

/** The numbers that `formOf` leaves out. */
export function numbersOf(path: string): readonly string[] {
  return [basename(dirname(path)), basename(path)].flatMap((name) => name.match(/\d+/g) ?? []);
}

/** Whether a path lies between two others by the numbers in them. */
export function isBetween(before: string, path: string, now: string): boolean {
  return byNumbers(before, path) < 0 && byNumbers(path, now) < 0;
}
