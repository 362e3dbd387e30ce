import { createHash } from 'node:crypto';
import type { ProjectIndex } from '../../core/callsites/project/projectIndex.ts';
import type { FileSites, SiteChanges } from './messages.ts';

/** Remembers what another thread was told of an index, so that it is told only what changed. */
export class ToldSites {
  /** Digests: the call sites themselves are in the index already. */
  readonly #told = new Map<string, string>();
  #revision = 0;

  /** @param since the revision of the last answer that arrived; 0, or one that is not the newest, gives everything */
  since(index: Pick<ProjectIndex, 'all' | 'summaryOf'>, since: number): SiteChanges {
    const whole = since === 0 || since !== this.#revision;
    if (whole) this.#told.clear();
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
    this.#revision += 1;
    return { revision: this.#revision, whole, files };
  }
}
