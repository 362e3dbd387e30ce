import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { foundAt, type FoundFile } from './files.ts';
import type { ReadFile } from './savedLog.ts';
import { markAt } from './tail.ts';

/** Names of a folder that are looked at for a file that has another name now: those that begin as its old one first. */
const MOST_LOOKED_AT = 1000;
const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4|z)$/i;
/** Times of change of compressed copies are those of what they were made of, some of them without what is less than a second. */
const SECOND = 1000;

/** Where files went that no pattern finds any more. */
export interface Elsewhere {
  /** Those that have another name in their folder, in the order in which they were asked for. */
  readonly moved: readonly FoundFile[];
  /** The others. `compressed`: files that may be one of them, or hold what came after it, compressed. */
  readonly gone: readonly { readonly file: ReadFile; readonly compressed: readonly string[] }[];
  /** Files beside them that were written after them and were rotated, too, before they were read. The one that was written first comes first. */
  readonly unread: readonly FoundFile[];
}

/** The format of a file that is read as a whole; undefined: its lines are read on. */
export function wholeFormatOf(path: string): string | undefined {
  return /\.(csv|parquet)$/i.exec(path)?.[1]?.toLowerCase();
}

/** The plain files of a folder among whose names those that begin with a text come first. */
async function neighbours(folder: string, start: string): Promise<FoundFile[]> {
  const names = await readdir(folder).catch(() => []);
  const rank = (name: string): number => (name.startsWith(start) ? 0 : 1);
  const first = names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).slice(0, MOST_LOOKED_AT);
  return (await Promise.all(first.map(async (name) => foundAt(join(folder, name))))).filter((file) => file !== undefined);
}

/** A name up to its first dot: what names of rotated files have in common. */
function stemOf(name: string): string {
  return /^.[^.]*/.exec(name)?.[0] ?? name;
}

/** Whether a file of this identity is the one whose lines were read: an identity that has become free may be another file's by now. */
export async function isThat({ tail }: ReadFile, { path, size }: FoundFile): Promise<boolean> {
  return tail !== undefined && size >= tail.offset && wholeFormatOf(path) === undefined && (await markAt(path, tail.offset).catch(() => '')) === tail.mark;
}

/** Whether a file begins as one that was read as a whole. */
export async function begins({ path, size }: FoundFile, read: ReadFile): Promise<boolean> {
  return size >= read.size && (await markAt(path, read.size).catch(() => '')) === read.mark;
}

/** The name of a log is followed by a number or a time, as those of rotated files are: `log.jsonl.1`, `log.jsonl-20260302`. */
const ROTATED = /^[-._]\d[\dTZ._:-]*$/;
/** Such an end behind an extension. */
const SUFFIX = /(?<=\.[a-z]\w*)[-._]\d[\dTZ._:-]*$/i;
/** A counter goes up to 999; more digits are a time. */
const MOST_DIGITS = 3;

/** Paths in the order in which files were written, as far as names tell it: others by name, but `log.jsonl.2` before `log.jsonl.1` and that before `log.jsonl`, which is written still. */
export function byAge(a: string, b: string): number {
  const [[log, age], [otherLog, otherAge]] = [ageOf(a), ageOf(b)];
  if (log !== otherLog) return log < otherLog ? -1 : 1;
  return otherAge - age || (a < b ? -1 : 1);
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
function isRotatedName(log: string, as: string | undefined): (name: string) => boolean {
  const stem = stemOf(log);
  const end = log.slice(stem.length);
  const inserted = (name: string): string => (name.length > log.length && name.startsWith(stem) && name.endsWith(end) ? name.slice(stem.length, name.length - end.length) : '');
  const added = as === undefined || !ROTATED.test(inserted(as)) ? undefined : inserted(as);
  const form = added === undefined ? undefined : new RegExp(`^${added.replace(/\d+|[^\d]/g, (part) => (/^\d/.test(part) ? `\\d{${part.length > MOST_DIGITS ? part.length : `1,${MOST_DIGITS}`}}` : `[${part}]`))}$`);
  return (name) => (name.startsWith(log) && ROTATED.test(name.slice(log.length))) || form?.test(inserted(name)) === true;
}

/** Looks for files whose lines were read under other names in the folders where they were: a log that is rotated is written on until its writer opens the new one. */
export async function filesElsewhere(read: readonly ReadFile[], found: readonly FoundFile[]): Promise<Elsewhere> {
  const there = new Set(found.map(({ identity }) => identity));
  const moved: FoundFile[] = [];
  const gone: Elsewhere['gone'][number][] = [];
  const folders = new Map<string, Promise<readonly FoundFile[]>>();
  /** By the name of a log, since when what is written beside it is not read, and how it was called when it was rotated. */
  const logs = new Map<string, { readonly since: number; readonly as: string | undefined; readonly others: readonly FoundFile[] }>();
  for (const file of read) {
    if (there.has(file.identity)) continue;
    const [folder, name] = [dirname(file.path), basename(file.path)];
    const stem = stemOf(name);
    const key = join(folder, stem);
    const others = await (folders.get(key) ?? folders.set(key, neighbours(folder, stem)).get(key)) ?? [];
    const same = others.find(({ identity }) => identity === file.identity);
    const other = same !== undefined && await isThat(file, same) ? same : undefined;
    const log = join(folder, name.replace(SUFFIX, ''));
    if (file.modified >= (logs.get(log)?.since ?? 0)) logs.set(log, { since: file.modified, as: other === undefined ? undefined : basename(other.path), others });
    if (other !== undefined) {
      moved.push(other);
      continue;
    }
    // The compressed copy of `log.jsonl.1` may be called `log.jsonl.2.gz` when it is looked for.
    const start = name.replace(/[.-]\d+$/, '');
    const compressed = others.filter(({ path, modified }) => basename(path).startsWith(start) && COMPRESSED.test(path) && modified >= file.modified - SECOND).map(({ path }) => path).sort();
    gone.push({ file, compressed });
  }
  const known = new Set([...found, ...moved].map(({ identity }) => identity));
  const unread: FoundFile[] = [];
  for (const [path, { since, as, others }] of logs) {
    const isRotated = isRotatedName(basename(path), as);
    for (const other of others) {
      if (other.modified < since || known.has(other.identity) || !isRotated(basename(other.path)) || await isCopy(other, read)) continue;
      known.add(other.identity);
      unread.push(other);
    }
  }
  return { moved, gone, unread: unread.sort((a, b) => a.modified - b.modified) };
}

/** Whether a file begins with all that was read of one of others. */
async function isCopy(file: FoundFile, others: readonly ReadFile[]): Promise<boolean> {
  for (const other of others) if (other.tail !== undefined && other.tail.offset > 0 && await isThat(other, file)) return true;
  return false;
}

/** The copy of a file that was cut after it was read, as logrotate's `copytruncate` makes it in the same folder: what was read of the one was read of the other. `known`: files that are none. */
export async function copyOf(read: ReadFile, known: ReadonlySet<string>): Promise<FoundFile | undefined> {
  for (const other of await neighbours(dirname(read.path), stemOf(basename(read.path)))) if (!known.has(other.identity) && await isCopy(other, [read])) return other;
  return undefined;
}

/** The file among some, of those of its folder, that begins with all that was read of one that is gone, as rsync and the sync of object stores write a log anew each time, also under the name that it was rotated to: reading goes on in it. */
export async function successorOf(read: ReadFile, among: Iterable<FoundFile>): Promise<FoundFile | undefined> {
  const place = (path: string): string => join(dirname(path), stemOf(basename(path)));
  for (const other of among) if (place(other.path) === place(read.path) && await isCopy(other, [read])) return other;
  return undefined;
}

/** Whether a file that was read as a whole lies in its folder under another name, as a rotated one does. */
export async function isBeside({ path, identity, size }: FoundFile): Promise<boolean> {
  return (await neighbours(dirname(path), stemOf(basename(path)))).some((other) => other.identity === identity && other.size === size && other.path !== path);
}

/**
 * Files whose lines were read, also when everything has to be read anew: what a log held before it was rotated is found by no pattern any more.
 */
export class FollowedFiles {
  readonly #files = new Map<string, ReadFile>();

  keep(file: ReadFile): void {
    if (file.tail !== undefined) this.#files.set(file.identity, file);
  }

  /** What was read of one is that of another now. */
  replace(before: ReadFile, now: ReadFile): void {
    this.#files.delete(before.identity);
    this.keep(now);
  }

  /** Where those are that are not among what patterns find. */
  elsewhere(found: readonly FoundFile[]): Promise<Elsewhere> {
    return filesElsewhere([...this.#files.values()], found);
  }
}
