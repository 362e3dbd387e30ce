import { SUMMARY_VERSION, type FileSummary } from '../../core/callsites/project/summary.ts';
import { codeVersion, DiskCache, type CachePlace } from '../node/diskCache.ts';

const LARGEST_BYTES = 64_000_000;

/** The version of summaries that the code in a file makes. */
export function summaryVersion(script: string): string {
  return codeVersion(SUMMARY_VERSION, script);
}

/** Summaries on disk by the content of the files that they were made of, so that a file is parsed once, whatever it is called and however often the editor starts. Nothing here ever fails: see `DiskCache`. */
export class SummaryCache {
  readonly #disk: DiskCache;

  constructor(place: CachePlace) {
    this.#disk = new DiskCache(place, 'modelswitch-summary');
  }

  /** `key` is made of letters, digits and dashes. */
  get(key: string): FileSummary | undefined {
    const json = this.#disk.get(key)?.toString('utf8');
    return json === undefined ? undefined : JSON.parse(json) as FileSummary;
  }

  set(key: string, summary: FileSummary): void {
    this.#disk.set(key, [JSON.stringify(summary)]);
  }

  /** Throws away what other versions left, and the oldest summaries where there are more than `largest` bytes. */
  prune(largest = LARGEST_BYTES): void {
    this.#disk.prune(largest);
  }
}
