import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { formOf, isBetween, isCompressed, numbersOf, unpackedPath } from './fileNames.ts';
import { foundAt, type FoundFile } from './files.ts';

/** A link that was given to another file, and files that it may have led to meanwhile, which nobody reads: whose they are only their writer knows. */
export interface Passed {
  /** Path of the link, and of the files that it led to and leads to now. */
  readonly link: string;
  readonly before: string;
  readonly now: string;
  readonly files: readonly FoundFile[];
}

/** Folders between those of two files that are dated by their folder, such as `2026-03-12` between `2026-03-11` and `2026-03-13`. */
export async function foldersBetween(before: string, now: string): Promise<readonly string[]> {
  const [folder, later] = [dirname(before), dirname(now)];
  if (folder === later || formOf(before) !== formOf(now)) return [];
  const beside = (await readdir(dirname(folder)).catch(() => [])).map((name) => join(dirname(folder), name));
  return beside.filter((each) => formOf(join(each, basename(now))) === formOf(now) && isBetween(folder, each, later));
}

/**
 * Files with names as those of the two that a link led to and leads to now, but for the numbers in them, compressed or not, to which no other link leads or, as the numbers say that do not change, has led.
 *
 * @param listed files of their folders and of that of the link, links among them
 */
export function namedAlike(before: string, now: string, listed: readonly FoundFile[]): readonly FoundFile[] {
  const paths = new Map<string, Set<string>>();
  for (const { identity, path } of listed) paths.set(identity, (paths.get(identity) ?? new Set()).add(path));
  const forms = new Set([before, now].map(formOf));
  const alike = listed.filter(({ path }) => ![before, now].includes(unpackedPath(path)) && forms.has(formOf(unpackedPath(path))));
  const isLinked = ({ identity }: FoundFile): boolean => (paths.get(identity)?.size ?? 0) > 1;
  // Such as that of a worker in `log-10-0.jsonl` and `log-11-0.jsonl`.
  const [numbers, later] = [numbersOf(before), numbersOf(now)];
  const places = formOf(before) === formOf(now) ? [...numbers.keys()].filter((place) => numbers[place] === later[place]) : [];
  const ownerOf = (path: string): string => places.map((place) => numbersOf(unpackedPath(path))[place]).join();
  const others = new Set(alike.filter(isLinked).map(({ path }) => ownerOf(path)));
  others.delete(ownerOf(before));
  return alike.filter((file) => !isLinked(file) && !others.has(ownerOf(file.path)));
}

/** What links have passed by, which is said at every reading, for what it holds does not count. */
export class PassedFiles {
  readonly #links = new Map<string, Passed>();

  add({ link, before, now, files }: Passed): void {
    const known = this.#links.get(link);
    const all = new Map([...known?.files ?? [], ...files].map((file) => [file.identity, file]));
    if (all.size > 0) this.#links.set(link, { link, before: known?.before ?? before, now, files: [...all.values()].sort((a, b) => a.modified - b.modified) });
  }

  get all(): readonly Passed[] {
    return [...this.#links.values()];
  }

  /** `isRead`: of files that were read since, nothing is said. */
  messages(isRead: (file: FoundFile) => boolean, nameOf: (path: string) => string): readonly string[] {
    return [...this.#links.values()].flatMap(({ link, before, now, files }) => {
      const left = files.filter((file) => !isRead(file));
      const [first] = left;
      if (first === undefined) return [];
      const which = left.length === 1 ? `a file with such a name that was written meanwhile (${nameOf(first.path)}) is not read, for it` : `${left.length} files with such names that were written meanwhile (${nameOf(first.path)}, ...) are not read, for they`;
      const mend = left.some(({ path }) => isCompressed(path)) ? 'Unpack what is compressed, and name' : 'Name';
      return [`${nameOf(link)} led to ${nameOf(before)} and leads to ${nameOf(now)} now: ${which} may belong to another log. ${mend} the dated files by a glob.`];
    });
  }
}

/** What links have passed by as far as it is there still: of what nobody can read any more nothing is to be done. */
export async function passedStill(all: readonly Passed[]): Promise<readonly Passed[]> {
  const isThere = async ({ path, identity }: FoundFile): Promise<boolean> => (await foundAt(path))?.identity === identity;
  return Promise.all(all.map(async (each) => {
    const there = await Promise.all(each.files.map(isThere));
    return { ...each, files: each.files.filter((_, index) => there[index]) };
  }));
}
