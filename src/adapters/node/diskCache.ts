import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';

/** Where something is kept, and by which code it was made: what other code made is not read. */
export interface CachePlace {
  readonly folder: string;
  readonly version: string;
}

const VERSION = /^v\d+-[0-9a-f]{12}$/;
const LINE_END = 10;

/** How a bundle names another one beside it. */
const SIBLING = /["'`]\.\/([\w.-]+\.cjs)["'`]/g;

/** The version of what the code in a file makes, with the bundles beside it that it loads: any change in one of them makes others. */
export function codeVersion(format: number, script: string): string {
  const digest = createHash('sha256');
  const names = new Set([basename(script)]);
  // What is found on the way is gone through, too.
  for (const name of names) {
    let code: string;
    try {
      code = readFileSync(join(dirname(script), name), 'utf8');
    } catch (error) {
      if (name === basename(script)) throw error;
      // Only a text that looks like one.
      continue;
    }
    digest.update(`${name}\n${code.length}\n${code}`);
    for (const [, sibling = ''] of code.matchAll(SIBLING)) names.add(sibling);
  }
  return `v${format}-${digest.digest('hex').slice(0, 12)}`;
}

/**
 * Entries on disk, each a file that only the user may read. Several threads and windows may use one folder. Nothing here ever fails: what is broken, foreign or cannot be
 * written is as if it were not there.
 */
export class DiskCache {
  readonly #place: CachePlace;
  readonly #folder: string;
  readonly #mark: string;
  #isMade = false;

  constructor(place: CachePlace, mark: string) {
    this.#place = place;
    this.#folder = join(place.folder, place.version);
    this.#mark = mark;
  }

  /** `key` is made of letters, digits and dashes. */
  get(key: string): Buffer | undefined {
    try {
      const file = readFileSync(this.#file(key));
      const end = file.indexOf(LINE_END);
      const content = file.subarray(end + 1);
      return file.toString('latin1', 0, end) === this.#head(key, [content]) ? content : undefined;
    } catch {
      return undefined;
    }
  }

  set(key: string, content: readonly (string | Uint8Array)[]): void {
    const temporary = `${this.#file(key)}.${process.pid}-${threadId}.tmp`;
    try {
      if (!this.#isMade) mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      this.#isMade = true;
      // Whoever reads meanwhile sees the whole file or none.
      const file = openSync(temporary, 'w', 0o600);
      try {
        for (const part of [`${this.#head(key, content)}\n`, ...content]) writeFileSync(file, part);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, this.#file(key));
    } catch {
      this.#isMade = false;
      remove(temporary);
    }
  }

  delete(key: string): void {
    remove(this.#file(key));
  }

  /** Throws away what other versions left, and the oldest entries where there are more than `largest` bytes. */
  prune(largest: number): void {
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

  /** Tells an entry of this content from a file that was cut off, changed or put there by something else. */
  #head(key: string, content: readonly (string | Uint8Array)[]): string {
    const digest = createHash('sha256').update(`${key}\n`);
    for (const part of content) digest.update(part);
    return `${this.#mark} ${digest.digest('hex')}`;
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its folder is no folder.
  }
}
