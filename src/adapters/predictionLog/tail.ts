import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { AppError, throwIfCancelled } from '../../core/base/errors.ts';
import { withoutNaN } from '../rows/lines.ts';
import { identityOf } from './files.ts';
import { LONGEST_BETWEEN } from './lineShape.ts';

const CHUNK = 1024 * 1024;
/** Of a small file: there may be thousands. */
const LEAST_CHUNK = 64 * 1024;
/** After so many bytes others get their turn. */
const LISTENED = 8 * CHUNK;
/** Bytes that are read elsewhere at one go, and in how many of them at its end a line must end. */
const RANGE = CHUNK;
const SEEN = 32 * 1024;
const LONGEST_LINE = 16 * 1024 * 1024;
/** Bytes at the beginning, and before the place where reading ended. */
const MARKED = 1024;
const LINE_END = 10;
/** Bytes after the last line. */
export const PADDING = LONGEST_BETWEEN + 64;

/** How far a file was read. */
export interface TailState {
  /** Bytes whose lines have been told. */
  readonly offset: number;
  /** See `markOf`. */
  readonly mark: string;
  /** `markOf` the first bytes alone, once there are enough of them: files that begin in the same way have the same one. */
  readonly head?: string | undefined;
  /** Whether reading ended within a line that is too long: what comes of it is no line. */
  readonly isWithin?: boolean | undefined;
}

/** Digest of the first bytes of a file and of those before `length`: another file, or one that was truncated and written anew, has another. */
export async function markOf(file: FileHandle, length: number): Promise<string> {
  const digest = createHash('sha256');
  const some = Math.min(MARKED, length);
  for (const start of [0, length - some]) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(some), 0, some, start);
    digest.update(buffer.subarray(0, bytesRead));
  }
  return digest.digest('base64');
}

/** `markOf` of the file at a path. */
export async function markAt(path: string, length: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    return await markOf(file, length);
  } finally {
    await file.close();
  }
}

/** How far a file was read. `from`: how far it was before. */
async function reached(file: FileHandle, offset: number, isWithin: boolean, from?: TailState): Promise<TailState> {
  const head = from?.head ?? (offset < MARKED ? undefined : await markOf(file, MARKED));
  return { offset, mark: await markOf(file, offset), ...(head === undefined ? {} : { head }), ...(isWithin ? { isWithin } : {}) };
}

/** Whether a text is a whole record. */
function isWhole(text: string): boolean {
  const line = text.replace(/^\ufeff/, '').trim();
  if (!line.startsWith('{')) return false;
  try {
    JSON.parse(line);
    return true;
  } catch {
    return withoutNaN(line) !== undefined;
  }
}

/** What is told of a file: whole lines as bytes, each with its end, and that a line is too long. The bytes are the teller's again when that is done. */
export interface TailListener {
  /** Before anything else, where the file is begun anew because it is another or was cut. */
  restarted?(): void;
  /** Lines from `from` to `to`. Beyond `to` there are at least `PADDING` bytes that mean nothing. `isOpen`: in the file the last of them has no end yet, which comes later as that of an empty one. */
  lines(bytes: Buffer, from: number, to: number, isOpen: boolean): void;
  tooLong?(): void;
  /** The file ends within a line: its writer may be in the middle of it. `isTooLong`: it is already too long. */
  unfinished?(isTooLong: boolean): void;
  /** After what is told before an error or a cancel ends the reading, where it is known how far that is. */
  stopped?(state: TailState): void;
}

/** Who reads whole lines elsewhere: from a place of the file to another. Waits as long as it has enough to do. */
export interface RangeReader {
  range(from: number, to: number): Promise<void>;
  /** Waits until all is told. */
  drain(): Promise<void>;
}

/** Gives whole lines, a chunk or so at a time, until less than two chunks are left or a line is long. Answers where that is. */
async function giveRanges(file: number, { from, to }: { readonly from: number; readonly to: number }, ranges: RangeReader, signal: AbortSignal, progress: (bytes: number) => void): Promise<number> {
  const seen = Buffer.alloc(SEEN);
  let start = from;
  while (to - start > 2 * RANGE) {
    throwIfCancelled(signal);
    const read = readSync(file, seen, 0, SEEN, start + RANGE - SEEN);
    const end = start + RANGE - SEEN + seen.lastIndexOf(LINE_END, read - 1) + 1;
    if (read < SEEN || end <= start + RANGE - SEEN) break;
    await ranges.range(start, end);
    progress(end - start);
    start = end;
  }
  await ranges.drain();
  return start;
}

/** Bytes of a file with room for what was left of the last ones, and for what comes after. */
function room(size: number): Buffer {
  return Buffer.alloc(size + PADDING);
}

/**
 * Tells the lines of a file that are new since `from`. A last line without its end is told only when it is whole JSON: the writer may be in the middle of it. A line of
 * more than 16 MB is told to be too long. With a `ranges`, that is given all but the end.
 * @param identity which file it must be, where that matters: it may have got another name since it was found
 * @throws AppError cancelled, conflict when it is another file; errors of the file system as they come
 */
export async function tail({ path, identity }: { readonly path: string; readonly identity?: string }, from: TailState | undefined, listener: TailListener, signal: AbortSignal, progress: (bytes: number) => void, ranges?: RangeReader): Promise<TailState> {
  const file = await open(path, 'r');
  let [offset, tooLong, isTelling] = [0, false, true];
  const tell = (bytes: Buffer, start: number, end: number, isOpen = false): void => {
    isTelling = true;
    listener.lines(bytes, start, end, isOpen);
  };
  try {
    const stats = await file.stat({ bigint: true });
    if (identity !== undefined && identityOf(stats) !== identity) throw new AppError('conflict', 'It was given another name while it was looked for: the next reading goes on with it.');
    const size = Number(stats.size);
    const isSame = from !== undefined && size >= from.offset && (await markOf(file, from.offset)) === from.mark;
    if (from !== undefined && !isSame) listener.restarted?.();
    if (isSame) [offset, tooLong] = [from.offset, from.isWithin === true];
    if (ranges !== undefined && !tooLong) offset = await giveRanges(file.fd, { from: offset, to: size }, ranges, signal, progress);
    const chunk = Math.min(CHUNK, Math.max(LEAST_CHUNK, size - offset));
    let bytes = room(2 * chunk);
    let rest = 0;
    isTelling = false;
    for (let position = offset; ;) {
      throwIfCancelled(signal);
      if (rest + chunk + PADDING > bytes.length) {
        const larger = room(2 * bytes.length);
        bytes.copy(larger, 0, 0, rest);
        bytes = larger;
      }
      // At once, for waiting takes longer than reading; whoever wants to cancel is heard in between.
      if (position % LISTENED < chunk) await setImmediate();
      const bytesRead = readSync(file.fd, bytes, rest, chunk, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      progress(bytesRead);
      const [end, whole] = [rest + bytesRead, bytes.lastIndexOf(LINE_END, rest + bytesRead - 1) + 1];
      let start = 0;
      if (tooLong && whole > 0) {
        start = bytes.indexOf(LINE_END) + 1;
        listener.tooLong?.();
        tooLong = false;
      }
      if (whole > start) tell(bytes, start, whole);
      bytes.copyWithin(0, whole, end);
      rest = end - whole;
      if (tooLong || rest > LONGEST_LINE) [rest, tooLong] = [0, true];
      offset = position - rest;
      isTelling = false;
    }
    const last = tooLong ? '' : bytes.toString('utf8', 0, rest);
    if (isWhole(last)) {
      bytes[rest] = LINE_END;
      tell(bytes, 0, rest + 1, true);
      offset += rest;
    } else if (tooLong || last.trim() !== '') {
      listener.unfinished?.(tooLong);
    }
    return await reached(file, offset, tooLong, isSame ? from : undefined);
  } catch (error) {
    if (!isTelling) await reached(file, offset, tooLong).then((state) => listener.stopped?.(state), () => undefined);
    throw error;
  } finally {
    await file.close();
  }
}
