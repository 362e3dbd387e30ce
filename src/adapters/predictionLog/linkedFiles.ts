import { basename, dirname, join } from 'node:path';
import type { FoundFile } from './files.ts';

/** A link that was given to another file, and files that it may have led to meanwhile, which nobody reads: whose they are only their writer knows. */
export interface Passed {
  /** Path of the link, and of the files that it led to and leads to now. */
  readonly link: string;
  readonly before: string;
  readonly now: string;
  readonly files: readonly FoundFile[];
}

/** The path of a file without the numbers in its name. */
function formOf(path: string): string {
  return join(dirname(path), basename(path).replace(/\d+/g, '0'));
}

function numbersOf(path: string): readonly string[] {
  return basename(path).match(/\d+/g) ?? [];
}

/**
 * Files with names as those of the two that a link led to and leads to now, but for the numbers in them, to which no other link leads or, as the numbers say that do not change, has led.
 *
 * @param listed files of their folders and of that of the link, links among them
 */
export function namedAlike(before: string, now: string, listed: readonly FoundFile[]): readonly FoundFile[] {
  const paths = new Map<string, Set<string>>();
  for (const { identity, path } of listed) paths.set(identity, (paths.get(identity) ?? new Set()).add(path));
  const forms = new Set([before, now].map(formOf));
  const alike = listed.filter(({ path }) => path !== before && path !== now && forms.has(formOf(path)));
  const isLinked = ({ identity }: FoundFile): boolean => (paths.get(identity)?.size ?? 0) > 1;
  // Such as that of a worker in `log-10-0.jsonl` and `log-11-0.jsonl`.
  const [numbers, later] = [numbersOf(before), numbersOf(now)];
  const places = formOf(before) === formOf(now) ? [...numbers.keys()].filter((place) => numbers[place] === later[place]) : [];
  const ownerOf = (path: string): string => places.map((place) => numbersOf(path)[place]).join();
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

  /** `isRead`: of files that were read since, nothing is said. */
  messages(isRead: (file: FoundFile) => boolean, nameOf: (path: string) => string): readonly string[] {
    return [...this.#links.values()].flatMap(({ link, before, now, files }) => {
      const left = files.filter((file) => !isRead(file));
      const [first] = left;
      if (first === undefined) return [];
      const which = left.length === 1 ? `a file with such a name that was written meanwhile (${nameOf(first.path)}) is not read, for it` : `${left.length} files with such names that were written meanwhile (${nameOf(first.path)}, ...) are not read, for they`;
      return [`${nameOf(link)} led to ${nameOf(before)} and leads to ${nameOf(now)} now: ${which} may belong to another log. Name the dated files by a glob.`];
    });
  }
}
