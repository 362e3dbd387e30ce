import type { CallSite } from './model.ts';
import type { FileSummary } from './project/summary.ts';

/** The call sites of one file; `cells` tells where a notebook's cells start. */
export interface FileEntry {
  readonly sites: readonly CallSite[];
  readonly cells?: FileSummary['cells'];
}

export interface FlagSite {
  readonly file: string;
  readonly site: CallSite;
  readonly cells?: FileSummary['cells'];
}

export interface SiteCount {
  readonly calls: number;
  readonly files: number;
}

/** The call sites of a folder by flag, kept up to date file by file. Files are named as the caller likes. */
export class SiteCatalog {
  readonly #files = new Map<string, FileEntry>();
  readonly #byKey = new Map<string, Set<string>>();

  /** Takes what a file has now. Gives the flags whose call sites are others than before, also where they only moved. */
  set(file: string, entry: FileEntry): ReadonlySet<string> {
    const before = this.#files.get(file);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(entry)) return new Set();
    const [old, now] = [keysOf(before?.sites ?? []), keysOf(entry.sites)];
    for (const key of old) if (!now.has(key)) this.#forget(key, file);
    for (const key of now) {
      const files = this.#byKey.get(key);
      if (files === undefined) this.#byKey.set(key, new Set([file]));
      else files.add(file);
    }
    if (entry.sites.length === 0) this.#files.delete(file);
    else this.#files.set(file, entry);
    return new Set([...old, ...now]);
  }

  /** In the order of the files' names, and of the text within a file. */
  of(flag: string): readonly FlagSite[] {
    return [...this.#byKey.get(flag) ?? []].toSorted().flatMap((file) => {
      const { sites = [], cells } = this.#files.get(file) ?? {};
      return sites.filter(({ keys }) => keys.some(({ value }) => value === flag)).map((site) => ({ file, site, ...(cells === undefined ? {} : { cells }) }));
    });
  }

  count(flag: string): SiteCount {
    const files = this.#byKey.get(flag) ?? [];
    let calls = 0;
    let number = 0;
    for (const file of files) {
      number += 1;
      for (const { keys } of this.#files.get(file)?.sites ?? []) if (keys.some(({ value }) => value === flag)) calls += 1;
    }
    return { calls, files: number };
  }

  get(file: string): FileEntry | undefined {
    return this.#files.get(file);
  }

  /** Files that have call sites. */
  get files(): Iterable<string> {
    return this.#files.keys();
  }

  /** Files that ask for a flag. */
  filesOf(flag: string): Iterable<string> {
    return this.#byKey.get(flag) ?? [];
  }

  /** Every key that is asked for. */
  get keys(): Iterable<string> {
    return this.#byKey.keys();
  }

  /** Calls whose key nobody can know from the code; not those whose callers choose it: these are call sites themselves. */
  get dynamic(): number {
    let calls = 0;
    for (const { sites } of this.#files.values()) for (const { key, upToCallers } of sites) if (key.kind === 'dynamic' && upToCallers !== true) calls += 1;
    return calls;
  }

  #forget(key: string, file: string): void {
    const files = this.#byKey.get(key);
    files?.delete(file);
    if (files?.size === 0) this.#byKey.delete(key);
  }
}

function keysOf(sites: readonly CallSite[]): ReadonlySet<string> {
  return new Set(sites.flatMap(({ keys }) => keys.map(({ value }) => value)));
}
