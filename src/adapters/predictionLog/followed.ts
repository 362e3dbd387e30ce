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
  /** The others. `compressed`: a file that may be one of them, compressed. */
  readonly gone: readonly { readonly file: ReadFile; readonly compressed: string | undefined }[];
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

/** Whether a file of this identity is the one that was read: an identity that has become free may be another file's by now. */
async function isThat({ tail }: ReadFile, { path, size }: FoundFile): Promise<boolean> {
  return tail !== undefined && size >= tail.offset && wholeFormatOf(path) === undefined && (await markAt(path, tail.offset).catch(() => '')) === tail.mark;
}

/** Looks for files whose lines were read under other names in the folders where they were: a log that is rotated is written on until its writer opens the new one. */
export async function filesElsewhere(missing: readonly ReadFile[]): Promise<Elsewhere> {
  const moved: FoundFile[] = [];
  const gone: Elsewhere['gone'][number][] = [];
  const folders = new Map<string, Promise<FoundFile[]>>();
  for (const file of missing) {
    const [folder, name] = [dirname(file.path), basename(file.path)];
    const stem = stemOf(name);
    const key = join(folder, stem);
    const others = await (folders.get(key) ?? folders.set(key, neighbours(folder, stem)).get(key));
    const other = others?.find(({ identity }) => identity === file.identity);
    if (other !== undefined && await isThat(file, other)) {
      moved.push(other);
      continue;
    }
    // The compressed copy of `log.jsonl.1` may be called `log.jsonl.2.gz` when it is looked for.
    const start = name.replace(/[.-]\d+$/, '');
    const compressed = others?.filter(({ path, modified }) => basename(path).startsWith(start) && COMPRESSED.test(path) && modified >= file.modified - SECOND).map(({ path }) => path).sort()[0];
    gone.push({ file, compressed });
  }
  return { moved, gone };
}

/**
 * Files whose lines were read, also when everything has to be read anew: what a log held before it was rotated is found by no pattern any more.
 */
export class FollowedFiles {
  readonly #files = new Map<string, ReadFile>();

  keep(file: ReadFile): void {
    if (file.tail !== undefined) this.#files.set(file.identity, file);
  }

  /** Where those are that are not among what patterns find. */
  elsewhere(found: readonly FoundFile[]): Promise<Elsewhere> {
    const identities = new Set(found.map(({ identity }) => identity));
    return filesElsewhere([...this.#files.values()].filter(({ identity }) => !identities.has(identity)));
  }
}
