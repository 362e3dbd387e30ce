import { createHash } from 'node:crypto';
import type { SavedCollector } from '../../core/quality/collector.ts';
import { DiskCache, type CachePlace } from '../node/diskCache.ts';
import type { FoundFile } from './files.ts';
import { follow, goingOn } from './followed.ts';
import { passedStill, type Passed } from './linkedFiles.ts';
import { markAt, type TailState } from './tail.ts';

/** Of what is written here; the digest of the code stands beside it. */
export const SAVED_LOG_FORMAT = 26;
const LARGEST_BYTES = 256_000_000;
const LARGEST_ENTRY = 128_000_000;
const FLOAT_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** A file as it was read. */
export interface ReadFile extends FoundFile {
  /** How far, where it is read on from there. */
  readonly tail?: TailState & { readonly line: number } | undefined;
  /** `markOf` all of it, where it was read as a whole. */
  readonly mark?: string | undefined;
  /** Whether no record was in it. */
  readonly isEmpty?: boolean | undefined;
}

/** Whether a file is as it was read, to its end. */
export function isAsRead(known: ReadFile | undefined, { path, size, modified }: FoundFile): boolean {
  return known?.tail?.offset === size && known.tail.isWithin !== true && known.path === path && known.size === size && known.modified === modified;
}

/** What was counted of which files, and which ones links have passed by. */
export interface SavedLog {
  readonly files: readonly ReadFile[];
  readonly collected: SavedCollector;
  readonly passed: readonly Passed[];
}

/** Why what was saved cannot be used: files that are there no more, or were cut or written anew. */
export interface NotContinued extends Pick<SavedLog, 'passed'> {
  readonly gone: readonly ReadFile[];
  readonly cut: readonly ReadFile[];
  /** Those that go on as they were. */
  readonly others: readonly ReadFile[];
}

/** With a file's mark (`markOf`) as it was when it was read. */
type MarkedFile = ReadFile & { readonly mark: string };
interface Written extends SavedLog { readonly files: readonly MarkedFile[] }

/**
 * What was counted of a log, on disk, so that another start goes on from there. It holds aggregates, hashes of ids, what metrics need of predictions that wait for their outcome, shadow answers and those that wait for one, and nothing that is run. It counts only for the very question (`digest` of metrics, expressions, window, features...),
 * made by the same code, and where every file still begins and goes on as it did: else the log is read from its beginning, without a word.
 */
export class SavedLogs {
  readonly #disk: DiskCache;
  readonly #key: string;
  readonly #largest: number;

  /** Nothing of more than `largest` bytes is kept. */
  constructor(place: CachePlace, question: unknown, largest = LARGEST_ENTRY) {
    this.#largest = largest;
    this.#disk = new DiskCache(place, 'modelswitch-quality');
    this.#key = createHash('sha256').update(JSON.stringify(question)).digest('hex').slice(0, 32);
  }

  /** What was saved, where it is of files as they are now: found, or under another name in their folder, or the copy that was made before one was cut, or what was written in the place of one that is gone. */
  async get(found: readonly FoundFile[]): Promise<SavedLog | NotContinued | undefined> {
    const content = this.#disk.get(this.#key);
    if (content === undefined) return undefined;
    const { files, collected, passed } = decoded(content) as Written;
    const there = new Map(found.map((file) => [file.identity, file]));
    const followed = await follow(files.filter(({ tail }) => tail !== undefined), found);
    const [others, cut, gone]: [MarkedFile[], ReadFile[], ReadFile[]] = [[], [], []];
    let isChanged = false;
    for (const saved of files) {
      const now = saved.tail === undefined ? there.get(saved.identity) : followed.now.get(saved);
      if (now === undefined) {
        const lost = followed.cut.has(saved) ? cut : saved.tail === undefined || followed.gone.has(saved) ? gone : undefined;
        lost?.push(saved);
        isChanged ||= lost !== undefined;
        continue;
      }
      if (now.identity !== saved.identity) {
        others.push(goingOn(saved, now));
        continue;
      }
      const state = await continuation(saved, now);
      if (state === 'cut' && saved.tail !== undefined) cut.push(saved);
      else others.push(saved);
      isChanged ||= state !== 'continued';
    }
    const still = await passedStill(passed);
    return isChanged ? { gone: gone.filter(({ tail, path }) => tail !== undefined || !found.some((file) => file.path === path)), cut, others, passed: still } : { files: others, collected, passed: still };
  }

  /** Answers how many bytes it takes, also where they are too many to be kept, so that who asks does not ask soon again; 0: a file is gone. */
  async set({ files, ...counted }: SavedLog): Promise<number> {
    try {
      const marked = await Promise.all(files.map(async (file) => ({ ...file, mark: file.tail?.mark ?? file.mark ?? (await markAt(file.path, file.size)) })));
      const content = encoded({ files: marked, ...counted } satisfies Written);
      const size = content.reduce((sum, part) => sum + part.length, 0);
      if (size > this.#largest) return size;
      this.#disk.set(this.#key, content);
      this.#disk.prune(LARGEST_BYTES);
      return size;
    } catch {
      return 0;
    }
  }

  delete(): void {
    this.#disk.delete(this.#key);
  }
}

/** Whether a file is as it was, or, where it is read on, has only grown; or was cut or written anew. One that was written to and has no more bytes than before may have been changed somewhere within. */
async function continuation(saved: MarkedFile, now: FoundFile): Promise<'continued' | 'changed' | 'cut'> {
  const read = saved.tail?.offset ?? saved.size;
  if (now.size < read || (await markAt(now.path, read).catch(() => '')) !== saved.mark) return 'cut';
  const isSame = now.size === saved.size && now.modified === saved.modified;
  return isSame || (saved.tail !== undefined && now.size > saved.size) ? 'continued' : 'changed';
}

/** A length, JSON of that length, and after it the numbers of the arrays, for which their places stand in the JSON. */
function encoded(value: unknown): Buffer[] {
  const arrays: Buffer[] = [];
  let place = 0;
  const json = Buffer.from(JSON.stringify(value, (_, each: unknown) => {
    if (!(each instanceof Float64Array || each instanceof Uint32Array)) return each;
    const at = { [each instanceof Float64Array ? 'floatsAt' : 'countsAt']: place, count: each.length };
    arrays.push(Buffer.from(each.buffer, each.byteOffset, each.byteLength));
    place += each.byteLength;
    return at;
  }));
  const length = Buffer.alloc(FLOAT_BYTES);
  length.writeUInt32LE(json.length);
  return [length, json, ...arrays];
}

function decoded(content: Buffer): unknown {
  const end = FLOAT_BYTES + content.readUInt32LE(0);
  return JSON.parse(content.toString('utf8', FLOAT_BYTES, end), (_, each: unknown) => {
    if (typeof each !== 'object' || each === null || !('count' in each)) return each;
    const array = 'floatsAt' in each ? new Float64Array(Number(each.count)) : 'countsAt' in each ? new Uint32Array(Number(each.count)) : undefined;
    if (array === undefined) return each;
    content.copy(new Uint8Array(array.buffer), 0, end + Number('floatsAt' in each ? each.floatsAt : 'countsAt' in each ? each.countsAt : 0));
    return array;
  });
}
