import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isBetween, isCompressed, isLog, isRotatedName, stemOf, SUFFIX, unpackedPath, wholeFormatOf } from './fileNames.ts';
import { foundAt, type FoundFile } from './files.ts';
import { foldersBetween, namedAlike, type Passed } from './linkedFiles.ts';
import type { ReadFile } from './savedLog.ts';
import { markAt } from './tail.ts';

/** Names of a folder that are looked at for a file that has another name now: those that begin as its old one first. */
const MOST_LOOKED_AT = 1000;
/** Times of change of compressed copies are those of what they were made of, some of them without what is less than a second. */
const SECOND = 1000;
/** Before the number of a file that is gone, in place of its identity: that may be another file's by now. */
const GONE = 'gone ';

/** What has become of files whose lines were read. Those in none of these held nothing, and another lies in their place, or are read as a whole now. */
export interface Followed {
  /** The file that holds now what was read of one: the same one, maybe under another name, or another that begins with all that was read. */
  readonly now: ReadonlyMap<ReadFile, FoundFile>;
  /** The same files, of which nothing holds what was read of them. */
  readonly cut: ReadonlySet<ReadFile>;
  /** Those that are there no more, each with files that may be it, or hold what came after it, compressed. */
  readonly gone: ReadonlyMap<ReadFile, readonly string[]>;
  /** Of the files of now those that no pattern finds, in the order in which they were asked for. */
  readonly moved: readonly FoundFile[];
  /** Files beside them that were written after them and were rotated, too, before they were read. The one that was written first comes first. */
  readonly unread: readonly FoundFile[];
  /** Of links that lead to other files now: what was written meanwhile, maybe there, and is not read. */
  readonly passed: readonly Passed[];
}

/** Where a file itself lies, which a link to it does not tell. */
export function placeOf({ path, target }: FoundFile): string {
  return target ?? path;
}

type Listing = (folder: string) => Promise<readonly FoundFile[]>;

/** The plain files of folders: those that were found, and so many of the others, first those with a name that begins as that of one that is looked for. A folder is listed once. */
function listing(lookedFor: readonly FoundFile[], found: readonly FoundFile[]): Listing {
  const known = new Map(found.map((file) => [file.path, file]));
  const starts = new Set(lookedFor.map((file) => stemOf(basename(placeOf(file)))));
  const rank = (name: string): number => (Array.from(name, (_, end) => name.slice(0, end + 1)).some((start) => starts.has(start)) ? 0 : 1);
  const list = async (folder: string): Promise<readonly FoundFile[]> => {
    const paths = (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
    const others = paths.filter((path) => !known.has(path));
    const first = others.length <= MOST_LOOKED_AT ? others : others.map((path) => ({ path, order: rank(basename(path)) })).sort((a, b) => a.order - b.order || (a.path < b.path ? -1 : 1)).slice(0, MOST_LOOKED_AT).map(({ path }) => path);
    return [...paths.flatMap((path) => known.get(path) ?? []), ...(await Promise.all(first.map(foundAt))).filter((file) => file !== undefined)];
  };
  return once(list);
}

/** Asks for each folder once. */
function once(list: Listing): Listing {
  const folders = new Map<string, ReturnType<Listing>>();
  return (folder) => {
    const listed = folders.get(folder) ?? list(folder);
    folders.set(folder, listed);
    return listed;
  };
}

/** Whether a file begins with all lines that were read of one. */
export async function holds({ path, size }: FoundFile, { tail }: ReadFile): Promise<boolean> {
  return tail !== undefined && size >= tail.offset && (await markAt(path, tail.offset).catch(() => '')) === tail.mark;
}

/** Whether a file begins as one that was read as a whole. */
export async function begins({ path, size }: FoundFile, read: ReadFile): Promise<boolean> {
  return size >= read.size && (await markAt(path, read.size).catch(() => '')) === read.mark;
}

/** Whether a file begins with all that another holds now. */
async function beginsWith(file: FoundFile, other: FoundFile): Promise<boolean> {
  return begins(file, { ...other, mark: await markAt(other.path, other.size).catch(() => undefined) });
}

/** What was read of one, in another. When that was stays, for what is written after it is not read. */
export function goingOn<File extends ReadFile>(file: File, { identity }: FoundFile): File {
  return { ...file, identity };
}

function isGone({ identity }: ReadFile): boolean {
  return identity.startsWith(GONE);
}

/** How much of a file was read; its lines are what it is known by. */
function lengthOf({ tail }: ReadFile): number {
  return tail?.offset ?? 0;
}

/**
 * Follows files whose lines were read, also where no pattern finds them any more: a log that is rotated is written on until its writer opens the new one. A file is what was read of it: its identity may be another file's by now, and it lies in another file where a copy was made of it
 * before it was cut (logrotate's `copytruncate`), or where it is written anew as a whole each time (rsync, the sync of object stores). No two go on in one.
 */
export async function follow(read: readonly ReadFile[], found: readonly FoundFile[]): Promise<Followed> {
  const there = new Map(found.map((file) => [file.identity, file]));
  const paths = new Map(found.map((file) => [file.path, file]));
  const list = listing(read, found);
  const now = new Map<ReadFile, FoundFile>();
  const taken = new Set<string>();
  const whole = new Set<ReadFile>();
  const take = (file: ReadFile, other: FoundFile): void => {
    // One that no link leads to any more is still what one led to.
    now.set(file, file.target === undefined ? other : { ...other, target: placeOf(other) });
    taken.add(other.identity);
  };
  /** What the link by which a file was found leads to now. */
  const nextOf = (file: ReadFile): FoundFile | undefined => (file.target === undefined ? undefined : paths.get(file.path));
  const sameOf = async (file: ReadFile): Promise<FoundFile | undefined> => (isGone(file) ? undefined : there.get(file.identity) ?? (await list(dirname(placeOf(file)))).find(({ identity }) => identity === file.identity));
  const isOfLog = (path: string, file: ReadFile): boolean => [file.path, placeOf(file)].some((before) => path.startsWith(join(dirname(before), stemOf(basename(before)))));
  // What begins with more of a log holds also what a shorter one is known by.
  const byLength = read.toSorted((a, b) => lengthOf(b) - lengthOf(a));
  const [some, none] = [byLength.filter((file) => lengthOf(file) > 0), byLength.filter((file) => lengthOf(file) === 0)];
  for (const file of some) {
    const [same, next] = [await sameOf(file), nextOf(file)];
    const isSame = same !== undefined && !taken.has(same.identity) && ((same.size === file.size && same.modified === file.modified) || await holds(same, file));
    // A link that is given to a newer copy, as one that is made anew each time. Another that only begins in the same way lacks what came in the file itself.
    if (next !== undefined && next.identity !== file.identity && isLog(next.path) && !taken.has(next.identity) && await (isSame ? beginsWith(next, same) : holds(next, file))) take(file, next);
    else if (isSame && wholeFormatOf(same.path) === undefined) take(file, same);
    else if (isSame) whole.add(file);
  }
  const free = once(async (folder) => (await list(folder)).filter((file) => isLog(file.path) && !taken.has(file.identity)).sort((a, b) => b.size - a.size));
  const isCut = (file: ReadFile): boolean => {
    const same = there.get(file.identity);
    return same !== undefined && placeOf(same) === placeOf(file) && !taken.has(same.identity);
  };
  for (const file of some) {
    if (now.has(file) || whole.has(file)) continue;
    // What holds it was not written before it; what patterns find is looked at in any case, for that is read.
    const isNear = (other: FoundFile): boolean => isCut(file) || (isOfLog(other.path, file) && (there.has(other.identity) || other.modified >= file.modified - SECOND));
    for (const other of await free(dirname(placeOf(file)))) {
      if (other.identity === file.identity || taken.has(other.identity) || !isNear(other) || !(await holds(other, file))) continue;
      take(file, other);
      break;
    }
  }
  // One of which nothing was read is known by nothing but its identity, which may be another's.
  for (const file of none) {
    const same = await sameOf(file);
    if (same !== undefined && !taken.has(same.identity) && isLog(same.path) && (there.has(same.identity) || isOfLog(same.path, file))) take(file, same);
  }
  const cut = new Set(some.filter((file) => !now.has(file) && !whole.has(file) && isCut(file)));
  const packed = once(async (folder) => (await list(folder)).filter(({ path }) => isCompressed(path)));
  const gone = new Map<ReadFile, readonly string[]>();
  for (const file of read) {
    if (now.has(file) || whole.has(file) || cut.has(file)) continue;
    // The compressed copy of `log.jsonl.1` may be called `log.jsonl.2.gz` when it is looked for.
    const start = placeOf(file).replace(/[.-]\d+$/, '');
    const compressed = (await packed(dirname(placeOf(file)))).filter(({ path, modified }) => path.startsWith(start) && modified >= file.modified - SECOND).map(({ path }) => path).sort();
    if (lengthOf(file) > 0 || compressed.length > 0 || !paths.has(file.path)) gone.set(file, compressed);
  }
  const moved = read.flatMap((file) => now.get(file) ?? []).filter(({ identity }) => !there.has(identity));
  const isWhereItWas = (file: ReadFile): boolean => cut.has(file) || (now.get(file)?.identity === file.identity && there.has(file.identity));
  const left = read.filter((file) => !isWhereItWas(file));
  const beside = left.map((file) => ({ file, as: now.get(file)?.path }));
  const unread = await unreadBeside(beside, read, new Set([...found, ...moved].map(({ identity }) => identity)), free);
  const known = new Set([...found, ...moved, ...unread].map(({ identity }) => identity));
  const passed: Passed[] = [];
  for (const file of left) {
    const [before, next] = [placeOf(file), nextOf(file)];
    if (isGone(file) || next === undefined || !isMoved(file, next)) continue;
    const folders = new Set([...[file.path, before, placeOf(next)].map(dirname), ...await foldersBetween(before, placeOf(next))]);
    const listed = await Promise.all([...folders].map(list));
    const same = now.get(file);
    const isCopied = (other: FoundFile): Promise<boolean> => (same?.identity === file.identity && same.size > 0 ? beginsWith(other, same) : isCopy(other, read));
    // The time of change of what was compressed may be that of the packing.
    const isPassed = async (other: FoundFile): Promise<boolean> => (isCompressed(other.path) ? isBetween(before, unpackedPath(other.path), placeOf(next)) : isLog(other.path) && other.modified >= file.modified && !(await isCopied(other)));
    const files: FoundFile[] = [];
    for (const other of namedAlike(before, placeOf(next), listed.flat())) if (!known.has(other.identity) && await isPassed(other)) files.push(other);
    passed.push({ link: file.path, before, now: placeOf(next), files });
  }
  return { now, cut, gone, moved, unread, passed };
}

/** Whether the link by which a file was found leads to another now. */
function isMoved(file: ReadFile, next: FoundFile | undefined): boolean {
  return next?.target !== undefined && next.target !== file.target;
}

/** A file whose log is written on in another. `as`: where it is now. */
interface Left {
  readonly file: ReadFile;
  readonly as: string | undefined;
}

/** Files that were rotated after the newest of those of their log that have been, and before they were read. `known`: identities of files that are read anyway. */
async function unreadBeside(left: readonly Left[], read: readonly ReadFile[], known: ReadonlySet<string>, free: Listing): Promise<readonly FoundFile[]> {
  /** By the path of a log, since when what is written beside it is not read, and what names such files have. */
  const logs = new Map<string, { readonly since: number; readonly isOfLog: (name: string) => boolean }>();
  for (const { file, as } of left) {
    const { modified } = file;
    // What a link led to has a number of its own, beside which others lie that are not of its log.
    const log = file.target === undefined ? file.path.replace(SUFFIX, '') : file.target;
    if (modified < (logs.get(log)?.since ?? 0)) continue;
    logs.set(log, { since: modified, isOfLog: isRotatedName(basename(log), as === undefined ? undefined : basename(as)) });
  }
  const unread = new Map<string, FoundFile>();
  for (const [log, { since, isOfLog }] of logs) {
    for (const other of await free(dirname(log))) {
      if (other.modified >= since && !known.has(other.identity) && !unread.has(other.identity) && isOfLog(basename(other.path)) && !(await isCopy(other, read))) unread.set(other.identity, other);
    }
  }
  return [...unread.values()].sort((a, b) => a.modified - b.modified);
}

/** Whether a file begins with all that was read of one of others. */
async function isCopy(file: FoundFile, others: readonly ReadFile[]): Promise<boolean> {
  for (const other of others) if (lengthOf(other) > 0 && await holds(file, other)) return true;
  return false;
}

/** Whether a file that was read as a whole lies in its folder under another name, as a rotated one does. */
export async function isBeside(file: FoundFile): Promise<boolean> {
  return (await listing([file], [])(dirname(file.path))).some((other) => other.identity === file.identity && other.size === file.size && other.path !== file.path);
}

/**
 * Files whose lines were read, also when everything has to be read anew: what a log held before it was rotated is found by no pattern any more.
 */
export class FollowedFiles {
  #files = new Map<string, ReadFile>();
  #gone = 0;

  keep(file: ReadFile): void {
    if (file.tail !== undefined) this.#files.set(file.identity, file);
  }

  /** Where they are. `changes`: of those that are not what they were, what they are now; one that is gone has an identity that no file has, and one that held nothing is none. */
  async look(found: readonly FoundFile[]): Promise<Pick<Followed, 'moved' | 'unread' | 'passed' | 'gone'> & { readonly changes: ReadonlyMap<ReadFile, ReadFile | undefined> }> {
    const { now, cut, gone, ...others } = await follow([...this.#files.values()], found);
    const after = new Map([...this.#files.values()].map((file) => [file, this.#isNow(file, now.get(file), cut.has(file), gone.has(file))]));
    this.#files = new Map([...after.values()].filter((file) => file !== undefined).map((file) => [file.identity, file]));
    return { ...others, changes: new Map([...after].filter(([before, file]) => before !== file)), gone: new Map([...gone].map(([file, compressed]) => [after.get(file) ?? file, compressed])) };
  }

  #isNow(file: ReadFile, now: FoundFile | undefined, isCut: boolean, isLost: boolean): ReadFile | undefined {
    if (now !== undefined) return now.identity === file.identity ? file : goingOn(file, now);
    if (isCut || isGone(file)) return isCut || isLost ? file : undefined;
    this.#gone += Number(isLost);
    return isLost ? { ...file, identity: `${GONE}${this.#gone}` } : undefined;
  }
}
