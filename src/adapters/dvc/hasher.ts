import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { HashKind } from '../../core/models/pipelineLock.ts';
import type { HashNow } from '../../core/models/pipelineState.ts';
import type { IgnoreRules } from './ignoreRules.ts';

type Kind = Exclude<HashKind, 'other'>;

interface Cached { readonly size: bigint; readonly mtimeNs: bigint; readonly ino: bigint; readonly hash: string }

/** What DVC reads at a time: `md5-dos2unix` looks at each chunk by itself, and keeps a line end that is split between two. */
const CHUNK = 1024 * 1024;
/** How much of a chunk DVC looks at to tell text from the rest. */
const TEXT_BLOCK = 512;
const MOST_FILES = 1_000_000;

/** Hashes files and folders as DVC does. A file that has not changed (size, time, inode) since it was hashed is not read again. */
export class Hasher {
  readonly #cache = new Map<string, Cached>();
  /** Bytes that were really read. */
  bytesRead = 0;

  /**
   * @param path absolute
   * @param ignored what DVC passes over in folders
   * @throws AbortError
   */
  async hash(path: string, kind: Kind, ignored: IgnoreRules, signal?: AbortSignal): Promise<HashNow> {
    signal?.throwIfAborted();
    try {
      const stats = await stat(path, { bigint: true });
      if (stats.isFile()) return { hash: await this.#file(path, kind, stats, signal), size: Number(stats.size) };
      if (stats.isDirectory()) return await this.#folder(path, kind, ignored, signal);
      return { problem: `${path} is neither a file nor a folder.` };
    } catch (error) {
      signal?.throwIfAborted();
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (code === 'ENOENT' || code === 'ENOTDIR') return { missing: true };
      if (code === 'ELOOP') return { problem: `${path} is a link that leads back to itself.` };
      return { problem: `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  async #file(path: string, kind: Kind, stats: BigIntStats, signal: AbortSignal | undefined): Promise<string> {
    const key = `${kind}:${path}`;
    const known = this.#cache.get(key);
    if (known !== undefined && known.size === stats.size && known.mtimeNs === stats.mtimeNs && known.ino === stats.ino) return known.hash;
    const hash = await this.#read(path, kind, signal);
    const after = await stat(path, { bigint: true });
    // A file that is being written gets another hash the next time.
    if (after.size === stats.size && after.mtimeNs === stats.mtimeNs) this.#cache.set(key, { size: stats.size, mtimeNs: stats.mtimeNs, ino: stats.ino, hash });
    return hash;
  }

  async #read(path: string, kind: Kind, signal: AbortSignal | undefined): Promise<string> {
    const md5 = createHash('md5');
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.allocUnsafe(CHUNK);
      for (;;) {
        signal?.throwIfAborted();
        let filled = 0;
        while (filled < CHUNK) {
          const { bytesRead } = await file.read(buffer, filled, CHUNK - filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        if (filled === 0) return md5.digest('hex');
        this.bytesRead += filled;
        const chunk = buffer.subarray(0, filled);
        const text = kind === 'md5-dos2unix' && isText(chunk.subarray(0, TEXT_BLOCK));
        md5.update(text ? Buffer.from(chunk.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : chunk);
      }
    } finally {
      await file.close();
    }
  }

  /** A folder's hash is that of the list of its files' hashes; links to folders are not followed, empty folders do not count. */
  async #folder(path: string, kind: Kind, ignored: IgnoreRules, signal: AbortSignal | undefined): Promise<HashNow> {
    const files: { relpath: string; hash: string }[] = [];
    let size = 0;
    const walk = async (folder: string, relative: string): Promise<string | undefined> => {
      const rules = await ignored.below(folder);
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        signal?.throwIfAborted();
        const [absolute, relpath] = [join(folder, entry.name), relative === '' ? entry.name : `${relative}/${entry.name}`];
        if (entry.name.includes('\ufffd')) return `${absolute} has a name that is not UTF-8.`;
        if (rules.ignores(absolute, entry.isDirectory())) continue;
        if (entry.isDirectory()) {
          const problem = await walk(absolute, relpath);
          if (problem !== undefined) return problem;
          continue;
        }
        const stats = await stat(absolute, { bigint: true }).catch(() => undefined);
        if (stats === undefined) return `${absolute} is a link to nowhere.`;
        if (stats.isDirectory()) continue;
        if (!stats.isFile()) return `${absolute} is neither a file nor a folder.`;
        if (files.length >= MOST_FILES) return `${path} has more than ${MOST_FILES} files.`;
        files.push({ relpath, hash: await this.#file(absolute, kind, stats, signal) });
        size += Number(stats.size);
      }
      return undefined;
    };
    const problem = await walk(path, '');
    return problem === undefined ? { hash: `${folderHash(files)}.dir`, size } : { problem };
  }
}

/** MD5 of the JSON that Python writes of the sorted list: ASCII only, a space behind colons and commas. */
function folderHash(files: readonly { relpath: string; hash: string }[]): string {
  const keyed = files.map((file) => ({ ...file, bytes: Buffer.from(file.relpath) })).sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const ascii = (text: string): string => JSON.stringify(text).replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return createHash('md5').update(`[${keyed.map(({ hash, relpath }) => `{"md5": "${hash}", "relpath": ${ascii(relpath)}}`).join(', ')}]`).digest('hex');
}

/** DVC's way to tell text: no NUL and at most 30 % other than printable ASCII and white space. */
function isText(block: Buffer): boolean {
  if (block.includes(0)) return false;
  const other = block.reduce((count, byte) => count + (byte >= 32 && byte < 127 || byte === 8 || byte === 9 || byte === 10 || byte === 12 || byte === 13 ? 0 : 1), 0);
  return other / block.length <= 0.3;
}
