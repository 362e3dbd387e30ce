import { createHash } from 'node:crypto';
import type { ProjectIndex } from '../../core/callsites/project/projectIndex.ts';
import type { FileSites, SiteChanges } from './messages.ts';

/** Whoever receives more at once is held up for longer than a few milliseconds. */
const MOST_SITES = 500;

/** Remembers what another thread was told of an index, so that it is told only what changed, in portions. */
export class ToldSites {
  /** Digests: the call sites themselves are in the index already. */
  readonly #told = new Map<string, string>();
  #waiting: FileSites[] = [];
  #revision = 0;

  /** @param since the revision of the last answer that arrived; 0, or one that is not the newest, gives everything */
  since(index: Pick<ProjectIndex, 'all' | 'summaryOf'>, since: number): SiteChanges {
    const whole = since === 0 || since !== this.#revision;
    if (whole) {
      this.#told.clear();
      this.#waiting = [];
    }
    if (this.#waiting.length === 0) this.#waiting = this.#changed(index);
    const files = this.#portion();
    this.#revision += 1;
    return { revision: this.#revision, whole, files, more: this.#waiting.length > 0 };
  }

  #changed(index: Pick<ProjectIndex, 'all' | 'summaryOf'>): FileSites[] {
    const files: FileSites[] = [];
    const present = new Set<string>();
    for (const { path, sites } of index.all()) {
      present.add(path);
      const cells = index.summaryOf(path)?.cells;
      const digest = createHash('sha1').update(JSON.stringify([sites, cells])).digest('base64');
      if (this.#told.get(path) === digest) continue;
      this.#told.set(path, digest);
      files.push({ path, sites, ...(cells === undefined ? {} : { cells }) });
    }
    for (const path of this.#told.keys()) {
      if (present.has(path)) continue;
      this.#told.delete(path);
      files.push({ path, sites: [] });
    }
    return files;
  }

  #portion(): readonly FileSites[] {
    let sites = 0;
    let end = 0;
    while (end < this.#waiting.length && (end === 0 || sites < MOST_SITES)) {
      sites += this.#waiting[end]?.sites.length ?? 0;
      end += 1;
    }
    return this.#waiting.splice(0, end);
  }
}
