import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { SUMMARY_VERSION, type FileSummary } from '../../core/callsites/project/summary.ts';

/** Where summaries are kept, and by which code they are made: others are not read. */
export interface CachePlace {
  readonly folder: string;
  readonly version: string;
}

const LARGEST_BYTES = 64_000_000;
const VERSION = /^v\d+-[0-9a-f]{12}$/;
const MARK = 'modelswitch-summary';

/** The version of summaries that the code in a file makes: a bundle with any change in it makes others. */
export function summaryVersion(script: string): string {
  return `v${SUMMARY_VERSION}-${createHash('sha256').update(readFileSync(script)).digest('hex').slice(0, 12)}`;
}

/**
 * Summaries on disk by the content of the files that they were made of, so that a file is parsed once, whatever it is called and however
 * often the editor starts. Several threads and windows may use one folder. Nothing here ever fails: what is broken, foreign or cannot be
 * written costs the time to parse again.
 */
export class SummaryCache {
  readonly #place: CachePlace;
  readonly #folder: string;
  #isMade = false;

  constructor(place: CachePlace) {
    this.#place = place;
    this.#folder = join(place.folder, place.version);
  }

  /** `key` is made of letters, digits and dashes. */
  get(key: string): FileSummary | undefined {
    try {
      const text = readFileSync(this.#file(key), 'utf8');
      const end = text.indexOf('\n');
      const json = text.slice(end + 1);
      return text.slice(0, end) === head(key, json) ? JSON.parse(json) as FileSummary : undefined;
    } catch {
      return undefined;
    }
  }

  set(key: string, summary: FileSummary): void {
    const json = JSON.stringify(summary);
    const temporary = `${this.#file(key)}.${process.pid}-${threadId}.tmp`;
    try {
      if (!this.#isMade) mkdirSync(this.#folder, { recursive: true });
      this.#isMade = true;
      // Whoever reads meanwhile sees the whole file or none.
      writeFileSync(temporary, `${head(key, json)}\n${json}`);
      renameSync(temporary, this.#file(key));
    } catch {
      this.#isMade = false;
      remove(temporary);
    }
  }

  /** Throws away what other versions left, and the oldest summaries where there are more than `largest` bytes. */
  prune(largest = LARGEST_BYTES): void {
    try {
      for (const name of readdirSync(this.#place.folder)) {
        if (VERSION.test(name) && name !== this.#place.version) rmSync(join(this.#place.folder, name), { recursive: true, force: true });
      }
      const files = readdirSync(this.#folder).map((name) => {
        const path = join(this.#folder, name);
        const { size, mtimeMs } = statSync(path);
        return { path, size, mtimeMs };
      });
      let total = files.reduce((sum, { size }) => sum + size, 0);
      for (const { path, size } of total > largest ? files.toSorted((a, b) => a.mtimeMs - b.mtimeMs) : []) {
        if (total <= largest * 0.8) break;
        rmSync(path, { force: true });
        total -= size;
      }
    } catch {
      // Gone, or another window does the same at this moment.
    }
  }

  #file(key: string): string {
    return join(this.#folder, `${key}.json`);
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its folder is no folder.
  }
}

/** Tells a summary of this content from a file that was cut off, changed or put there by something else. */
function head(key: string, json: string): string {
  return `${MARK} ${createHash('sha256').update(`${key}\n${json}`).digest('hex')}`;
}
