import { holds } from './followed.ts';
import { namesOf } from './leftOut.ts';
import type { ReadFile } from './savedLog.ts';

/** Longer files that are looked at for all of a shorter one: more do not begin alike by chance. */
const MOST_LONGER = 20;

function by<Value>(values: readonly Value[], keyOf: (value: Value) => string | undefined): readonly (readonly Value[])[] {
  const groups = new Map<string, Value[]>();
  for (const value of values) {
    const key = keyOf(value);
    if (key !== undefined) groups.set(key, [...groups.get(key) ?? [], value]);
  }
  return [...groups.values()].filter(({ length }) => length > 1);
}

/** What tells a file with the same content, as far as it was read; undefined: it has none. */
function contentOf({ tail: read, size, mark }: ReadFile): string | undefined {
  const [length, content] = read === undefined ? [size, mark] : [read.offset, read.mark];
  return length === 0 || content === undefined ? undefined : `${length} ${content}`;
}

/** Files of which records count twice, as those of a backup beside its log do. */
export class Copies {
  /** Whether one begins with all of another, by both. */
  #known = new Map<string, boolean>();

  /** What is said of files that hold the very same, and of those that begin with all that was read of another. `nameOf`: what a path is called. */
  async messages(files: readonly ReadFile[], nameOf: (path: string) => string): Promise<readonly string[]> {
    const names = (some: readonly ReadFile[]): string => namesOf(some.map(({ path }) => nameOf(path)));
    const longer = await this.#longer(files);
    return [
      ...by(files, contentOf).map((same) => `${names(same)} hold the same: what bears no request_id counts ${same.length} times. Narrow the pattern.`),
      ...[...longer].map(([file, shorter]) => `${nameOf(file.path)} begins with all that ${names(shorter)} ${shorter.length === 1 ? 'holds' : 'hold'}: what of that bears no request_id counts more than once. Remove the copy, or narrow the pattern.`),
    ];
  }

  /** Those that begin with all that was read of others, with these. */
  async #longer(files: readonly ReadFile[]): Promise<ReadonlyMap<ReadFile, readonly ReadFile[]>> {
    const before = this.#known;
    this.#known = new Map();
    const found = new Map<ReadFile, ReadFile[]>();
    for (const alike of by(files, ({ tail: read }) => read?.head)) {
      const offsetOf = ({ tail: read }: ReadFile): number => read?.offset ?? 0;
      for (const file of alike) {
        for (const other of alike.filter((each) => offsetOf(each) > offsetOf(file)).sort((a, b) => offsetOf(a) - offsetOf(b)).slice(0, MOST_LONGER)) {
          const key = `${other.identity} ${contentOf(file)}`;
          const isLonger = before.get(key) ?? await holds(other, file);
          this.#known.set(key, isLonger);
          if (!isLonger) continue;
          found.set(other, [...found.get(other) ?? [], file]);
          break;
        }
      }
    }
    return found;
  }
}
