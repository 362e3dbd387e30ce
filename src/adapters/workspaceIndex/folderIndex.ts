import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Disposable } from '../../core/base/events.ts';
import { NO_SETTINGS, type CallSiteSettings } from '../../core/callsites/project/linker.ts';
import { ProjectIndex, type FileLimit, type FolderLayout } from '../../core/callsites/project/projectIndex.ts';
import { PROJECT_FILES, sourceFiles } from '../node/sourceFiles.ts';
import { LocalReader, NOTEBOOK } from './fileReader.ts';
import { importSettings } from './importSettings.ts';
import { callSiteLanguages, type ParserFiles } from './languages.ts';
import type { CachePlace } from '../node/diskCache.ts';
import { SummaryCache } from './summaryCache.ts';
import { ThreadedReader } from './threadedReader.ts';

/** Threads beside this one that read files: more than two wait for the disk and for the linker. */
const MOST_THREADS = 2;

export interface FolderIndexOptions {
  readonly folder: string;
  readonly parser: ParserFiles;
  /** The built or source file of `index.worker.ts`; without it everything is read in this thread. */
  readonly script?: string | URL;
  readonly settings?: CallSiteSettings;
  readonly exclude?: readonly string[];
  /** Where summaries are kept from one start to the next; without it nowhere. */
  readonly cache?: CachePlace;
}

/** The index over one folder on disk. */
export class FolderIndex implements Disposable {
  readonly index: ProjectIndex;
  readonly #options: FolderIndexOptions;
  readonly #endings: readonly string[];
  readonly #threads: ThreadedReader | undefined;
  readonly #cache: SummaryCache | undefined;
  #paths: ReadonlySet<string> = new Set();
  #folderLimits: readonly FileLimit[] = [];

  constructor(options: FolderIndexOptions) {
    this.#options = options;
    const { folder, parser, script, cache } = options;
    const languages = callSiteLanguages(parser);
    this.#cache = cache && new SummaryCache(cache);
    const local = new LocalReader(folder, languages, this.#cache);
    const threads = Math.min(MOST_THREADS, availableParallelism());
    this.#threads = script === undefined || threads < 2 ? undefined : new ThreadedReader({ local, script, threads, data: { role: 'reader', folder, parser, cache } });
    this.#endings = [...languages.flatMap(({ detector: { summarizer } }) => summarizer.endings), NOTEBOOK];
    this.index = new ProjectIndex({
      rules: languages.map(({ detector: { summarizer } }) => summarizer.rules),
      words: languages.flatMap(({ detector: { summarizer } }) => summarizer.words),
      reader: this.#threads ?? local,
      settings: options.settings ?? NO_SETTINGS,
    });
  }

  /**
   * Lists the folder and brings the index up to date with it.
   * @throws AppError notFound when the folder cannot be read; AbortError when it is cancelled
   */
  async scan(signal: AbortSignal): Promise<void> {
    const { paths, layout } = await this.#list(signal);
    const now = new Set(paths);
    const removed = [...this.#paths].filter((path) => !now.has(path));
    this.#paths = now;
    try {
      await this.index.update({ changed: paths, removed, layout }, signal);
    } finally {
      this.#threads?.dispose();
      this.#cache?.prune();
    }
  }

  /**
   * Takes what changed on disk. A file that is new is taken only if a scan would find it. A path may be that of a folder, which stands for
   * all that is in it.
   */
  async update(changed: readonly string[], removed: readonly string[], signal: AbortSignal): Promise<void> {
    const known = changed.filter((path) => this.#paths.has(path));
    const gone = removed.length === 0 ? [] : [...this.#paths].filter((path) => removed.some((each) => path === each || path.startsWith(`${each}/`)));
    if (!changed.some((path) => !this.#paths.has(path) && this.#mayBring(path))) {
      this.#paths = new Set([...this.#paths].filter((path) => !gone.includes(path)));
      if (known.length + gone.length > 0) await this.index.update({ changed: known, removed: gone }, signal);
      return;
    }
    const before = this.#paths;
    const { paths, layout } = await this.#list(signal);
    this.#paths = new Set(paths);
    await this.index.update({
      changed: paths.filter((path) => !before.has(path) || known.includes(path)),
      removed: [...before].filter((path) => !this.#paths.has(path)),
      layout,
    }, signal);
  }

  /** Whether a path that is not known may change which files count: of what is neither source nor project file, only folders do. */
  #mayBring(path: string): boolean {
    if (/\.\w+$/.test(path) || PROJECT_FILES.has(path.slice(path.lastIndexOf('/') + 1))) return true;
    return statSync(join(this.#options.folder, path), { throwIfNoEntry: false })?.isDirectory() === true;
  }

  async #list(signal: AbortSignal): Promise<{ readonly paths: readonly string[]; readonly layout: FolderLayout }> {
    const { folder, exclude = [] } = this.#options;
    const { paths, roots, projectFiles, limits } = await sourceFiles(folder, { endings: this.#endings, exclude, signal });
    this.#folderLimits = limits;
    return { paths, layout: { roots, imports: await importSettings(folder, projectFiles) } };
  }

  /** What could not be read. */
  limits(): readonly FileLimit[] {
    return [...this.#folderLimits, ...this.index.limits()];
  }

  dispose(): void {
    this.#threads?.dispose();
    this.index.dispose();
  }
}
