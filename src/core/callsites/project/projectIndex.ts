import { Emitter, type Disposable, type Event } from '../../base/events.ts';
import type { CallSite, Location } from '../model.ts';
import { mayHold, soughtWord, type Fingerprint, type SoughtWord } from './fingerprint.ts';
import type { FolderFiles, ImportSettings, LanguageRules } from './language.ts';
import { Linker, type CallSiteSettings } from './linker.ts';
import { ModuleRef } from './blocks.ts';
import { Program } from './program.ts';
import type { FileSummary } from './summary.ts';

/** What reading a file gave. */
export interface FileReading {
  readonly path: string;
  /** Of the bytes of a file that was summarised; empty for others, undefined when the file is gone. */
  readonly hash: string | undefined;
  readonly fingerprint?: Fingerprint;
  /** Undefined when the file was not worth a tree. */
  readonly summary?: FileSummary;
  /** Why the file was left out or read in part, as a sentence. */
  readonly limit?: string;
}

/** Reads files and makes their summaries: a port, because it needs files, a parser and perhaps threads. */
export interface FileReader {
  /**
   * Reads files; one that holds none of `words` is only fingerprinted, unless `all`. Gives the readings in any order; files that
   * cannot be read come with a limit instead of failing.
   */
  read(paths: readonly string[], wanted: { readonly words: readonly string[]; readonly all: boolean }, onReading: (reading: FileReading) => void, signal: AbortSignal): Promise<void>;
}

export interface IndexProgress {
  readonly done: number;
  readonly total: number;
  readonly finished: boolean;
}

export interface FileLimit {
  readonly path: string;
  readonly limit: string;
}

/** What project files say about how the folder is laid out. */
export interface FolderLayout {
  /** Folders that hold a project file; '' is the folder itself. */
  readonly roots: readonly string[];
  readonly imports: ImportSettings;
}

interface FileEntry {
  hash: string | undefined;
  fingerprint: Fingerprint | undefined;
  summary: FileSummary | undefined;
  limit: string | undefined;
  /** For how many of the sought names the fingerprint was looked through. */
  checked: number;
}

/** More rounds than this, each for wrappers of wrappers in files not read before, no project needs. */
const MAX_ROUNDS = 20;
/** When more files than this changed, linking from scratch is cheaper. */
const MOST_UPDATED = 100;

/**
 * The call sites of the files of a folder, kept up to date: told of files that come, change and go, it reads what may matter and
 * links again. It can be asked at any time and answers from what it has.
 */
export class ProjectIndex implements Disposable {
  readonly #rules: ReadonlyMap<string, LanguageRules>;
  readonly #reader: FileReader;
  readonly #settings: CallSiteSettings;
  readonly #words: readonly string[];
  readonly #files = new Map<string, FileEntry>();
  /** Summaries of open documents, which stand in for their files. */
  readonly #documents = new Map<string, FileSummary>();
  readonly #program: Program;
  readonly #changes = new Emitter<void>();
  readonly #progressed = new Emitter<IndexProgress>();
  #layout: FolderLayout = { roots: [], imports: { maps: [], packages: [] } };
  #linker: Linker | undefined;
  #progress: IndexProgress = { done: 0, total: 0, finished: true };
  /** Names of questions and wrappers that files were looked through for; it only grows. */
  readonly #sought: SoughtWord[] = [];
  readonly #soughtNames = new Set<string>();
  /** Files whose summary changed since the last linking. */
  readonly #stale = new Set<string>();
  #queue: Promise<void> = Promise.resolve();

  constructor(options: { readonly rules: readonly LanguageRules[]; readonly words: readonly string[]; readonly reader: FileReader; readonly settings: CallSiteSettings }) {
    this.#rules = new Map(options.rules.map((rules) => [rules.id, rules]));
    this.#reader = options.reader;
    this.#settings = options.settings;
    this.#words = [...options.words, ...options.settings.wrappers.flatMap((wrapper) => wrapper.function.split('.').at(-1) ?? [])];
    this.#program = new Program(this.#folder());
  }

  /** Fires when call sites may have changed. */
  get onDidChange(): Event<void> {
    return this.#changes.event;
  }

  get onDidProgress(): Event<IndexProgress> {
    return this.#progressed.event;
  }

  get progress(): IndexProgress {
    return this.#progress;
  }

  /** Takes files that came or changed, and forgets those that went. Resolves when all that follows from it is read. */
  update(change: { readonly changed?: readonly string[]; readonly removed?: readonly string[]; readonly layout?: FolderLayout }, signal: AbortSignal): Promise<void> {
    const work = this.#queue.then(() => this.#update(change, signal));
    this.#queue = work.catch(() => undefined);
    return work;
  }

  /**
   * What stands in for a file while it is open in an editor; undefined when it is closed. Resolves when what it leads to is read.
   * Tells of a change only when other open documents have other call sites by it.
   */
  setDocument(path: string, summary: FileSummary | undefined, signal: AbortSignal): Promise<void> {
    if (!this.#progress.finished) {
      // While the folder is read, what is known so far has to do; its end tells of a change.
      this.#replace(path, summary);
      return Promise.resolve();
    }
    const others = (): string => JSON.stringify([...this.#documents.keys()].filter((each) => each !== path).map((each) => this.sitesIn(each)));
    const work = this.#queue.then(async () => {
      const before = others();
      this.#replace(path, summary);
      await this.#follow(signal);
      if (others() !== before) this.#changes.fire();
    });
    this.#queue = work.catch(() => undefined);
    return work;
  }

  #replace(path: string, summary: FileSummary | undefined): void {
    if (summary) this.#documents.set(path, summary);
    else this.#documents.delete(path);
    this.#place(path);
  }

  sitesIn(path: string): readonly CallSite[] {
    return this.#linked().sitesIn(path);
  }

  /** All call sites by file, in the order of the paths. */
  *all(): Generator<{ readonly path: string; readonly sites: readonly CallSite[] }> {
    for (const path of [...this.#files.keys()].sort()) {
      const sites = this.#linked().sitesIn(path);
      if (sites.length > 0) yield { path, sites };
    }
  }

  sitesOf(flag: string): readonly { readonly path: string; readonly site: CallSite }[] {
    return [...this.all()].flatMap(({ path, sites }) => sites.filter(({ keys }) => keys.some(({ value }) => value === flag)).map((site) => ({ path, site })));
  }

  /** The keys that are asked for anywhere, in order. */
  allFlags(): readonly string[] {
    return [...new Set([...this.all()].flatMap(({ sites }) => sites.flatMap(({ keys }) => keys.map(({ value }) => value))))].sort();
  }

  wrappers(): readonly (Location & { readonly name: string })[] {
    return this.#linked().wrappers();
  }

  /** Names whose calls may be call sites: a document that holds one is worth a tree. */
  names(): ReadonlySet<string> {
    return this.#linked().names;
  }

  /** What could not be read, by file. */
  limits(): readonly FileLimit[] {
    return [...this.#files].flatMap(([path, { limit, summary }]) => [...limit === undefined ? [] : [limit], ...summary?.limits ?? []].map((each) => ({ path, limit: each })));
  }

  summaryOf(path: string): FileSummary | undefined {
    return this.#documents.get(path) ?? this.#files.get(path)?.summary;
  }

  dispose(): void {
    this.#changes.dispose();
    this.#progressed.dispose();
  }

  async #update({ changed = [], removed = [], layout }: Parameters<ProjectIndex['update']>[0], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const isNew = changed.some((path) => !this.#files.has(path));
    for (const path of removed) {
      this.#files.delete(path);
      this.#place(path);
    }
    for (const path of changed) if (!this.#files.has(path)) this.#files.set(path, { hash: undefined, fingerprint: undefined, summary: undefined, limit: undefined, checked: 0 });
    const isOther = layout !== undefined && JSON.stringify(layout) !== JSON.stringify(this.#layout);
    if (layout) this.#layout = layout;
    if (isNew || removed.length > 0 || isOther) {
      this.#program.setFiles(this.#folder());
      this.#linker = undefined;
    }
    this.#report(0, changed.length, false);
    try {
      const known = new Set([...changed].filter((path) => this.#files.get(path)?.summary !== undefined));
      await this.#read(changed.filter((path) => !known.has(path)), { all: false, words: this.#words }, signal);
      await this.#read([...known], { all: true, words: [] }, signal);
      await this.#follow(signal);
    } finally {
      this.#report(this.#progress.total, this.#progress.total, true);
      this.#changes.fire();
    }
  }

  /** Reads what the linker asks for until it has all: modules that imports lead to, and callers of wrappers. */
  async #follow(signal: AbortSignal): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const linker = this.#linked();
      const wanted = [...linker.wanted].filter((path) => this.#isUnread(path));
      for (const name of linker.names) this.#seek(name);
      const callers = this.#mayCall().filter((path) => !wanted.includes(path));
      if (wanted.length === 0 && callers.length === 0) return;
      await this.#read(wanted, { all: true, words: [] }, signal);
      await this.#read(callers, { all: false, words: this.#sought.map(({ word }) => word) }, signal, true);
    }
  }

  #seek(name: string): void {
    if (name === '' || this.#soughtNames.has(name)) return;
    this.#soughtNames.add(name);
    this.#sought.push(soughtWord(name));
  }

  /** Files without a summary whose text may hold a name that it was not looked through for. */
  #mayCall(): readonly string[] {
    const found: string[] = [];
    for (const [path, entry] of this.#files) {
      const { fingerprint, summary, checked } = entry;
      entry.checked = this.#sought.length;
      if (summary || !fingerprint) continue;
      for (let index = checked; index < this.#sought.length; index += 1) {
        const sought = this.#sought[index];
        if (!sought || !mayHold(fingerprint, sought)) continue;
        found.push(path);
        break;
      }
    }
    return found;
  }

  #isUnread(path: string): boolean {
    const entry = this.#files.get(path);
    return entry !== undefined && entry.summary === undefined && entry.limit === undefined;
  }

  async #read(paths: readonly string[], wanted: { readonly all: boolean; readonly words: readonly string[] }, signal: AbortSignal, searched = false): Promise<void> {
    if (paths.length === 0) return;
    let done = 0;
    await this.#reader.read(paths, wanted, (reading) => {
      done += 1;
      this.#take(reading, searched);
      if (done % 200 === 0) this.#report(Math.min(done, this.#progress.total), this.#progress.total, false);
    }, signal);
  }

  #take({ path, hash, fingerprint, summary, limit }: FileReading, wasSearched: boolean): void {
    const entry = this.#files.get(path);
    // Touched, or the same again: nothing follows from it.
    if (!entry || (summary && entry.summary && entry.hash === hash)) return;
    if (hash === undefined && limit === undefined) this.#files.delete(path);
    else this.#files.set(path, { hash, fingerprint, summary, limit, checked: wasSearched ? entry.checked : 0 });
    this.#place(path);
  }

  /** Puts the newest summary of a file into the program. */
  #place(path: string): void {
    const summary = this.summaryOf(path);
    const rules = summary && this.#rules.get(summary.language);
    if (summary && rules) this.#program.set(new ModuleRef(path, summary, rules));
    else this.#program.delete(path);
    this.#stale.add(path);
  }

  #linked(): Linker {
    const stale = new Set(this.#stale);
    this.#stale.clear();
    if (stale.size > MOST_UPDATED) this.#linker = undefined;
    if (this.#linker && stale.size > 0 && !this.#linker.update(stale)) this.#linker = undefined;
    return this.#linker ??= new Linker(this.#program, this.#settings);
  }

  #folder(): FolderFiles {
    const { roots, imports } = this.#layout;
    return { paths: new Set(this.#files.keys()), roots: new Set(roots), imports };
  }

  #report(done: number, total: number, finished: boolean): void {
    this.#progress = { done, total, finished };
    this.#progressed.fire(this.#progress);
  }
}
