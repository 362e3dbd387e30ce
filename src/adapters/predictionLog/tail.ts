import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { throwIfCancelled } from '../../core/base/errors.ts';
import { LONGEST_BETWEEN } from './lineShape.ts';

const CHUNK = 1024 * 1024;
/** After so many bytes others get their turn. */
const LISTENED = 8 * CHUNK;
const LONGEST_LINE = 16 * 1024 * 1024;
/** Bytes at the beginning, and before the place where reading ended. */
const MARKED = 1024;
const LINE_END = 10;
/** Bytes after the last line. */
const PADDING = LONGEST_BETWEEN + 64;

/** How far a file was read. */
export interface TailState {
  /** Bytes whose lines have been told. */
  readonly offset: number;
  readonly line: number;
  /** See `markOf`. */
  readonly mark: string;
}

export interface TailResult extends TailState {
  /** Whether the file was begun anew, because it is another or was cut. */
  readonly restarted: boolean;
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

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What is told of a file: whole lines as bytes, each with its end, and that a line is too long. The bytes are the teller's again after the call. */
export interface TailListener {
  /** Lines from `from` to `to`, the first of number `line`; answers how many there are. Beyond `to` there are at least `PADDING` bytes that mean nothing. */
  lines(bytes: Buffer, from: number, to: number, line: number): number;
  tooLong(line: number): void;
}

/** Bytes of a file with room for what was left of the last ones, and for what comes after. */
function room(size: number): Buffer {
  return Buffer.alloc(size + PADDING);
}

/**
 * Tells the lines of a file that are new since `from`. A last line without its end is told only when it is whole JSON: the writer may be in the middle of it. A line of
 * more than 16 MB is told to be too long.
 * @throws AppError cancelled; errors of the file system as they come
 */
export async function tail(path: string, from: TailState | undefined, listener: TailListener, signal: AbortSignal, progress: (bytes: number) => void): Promise<TailResult> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const isSame = from !== undefined && size >= from.offset && (await markOf(file, from.offset)) === from.mark;
    let [offset, line] = isSame ? [from.offset, from.line] : [0, 0];
    let bytes = room(2 * CHUNK);
    let [rest, tooLong] = [0, false];
    for (let position = offset; ;) {
      throwIfCancelled(signal);
      if (rest + CHUNK + PADDING > bytes.length) {
        const larger = room(2 * bytes.length);
        bytes.copy(larger, 0, 0, rest);
        bytes = larger;
      }
      // At once, for waiting takes longer than reading; whoever wants to cancel is heard in between.
      if (position % LISTENED < CHUNK) await setImmediate();
      const bytesRead = readSync(file.fd, bytes, rest, CHUNK, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      progress(bytesRead);
      const [end, whole] = [rest + bytesRead, bytes.lastIndexOf(LINE_END, rest + bytesRead - 1) + 1];
      let start = 0;
      if (tooLong && whole > 0) {
        start = bytes.indexOf(LINE_END) + 1;
        line += 1;
        listener.tooLong(line);
        tooLong = false;
      }
      if (whole > start) line += listener.lines(bytes, start, whole, line + 1);
      bytes.copyWithin(0, whole, end);
      rest = end - whole;
      if (tooLong || rest > LONGEST_LINE) [rest, tooLong] = [0, true];
      offset = position - rest;
    }
    if (!tooLong && rest > 0 && isWhole(bytes.toString('utf8', 0, rest))) {
      // The end of the line comes later, as an empty one.
      bytes[rest] = LINE_END;
      listener.lines(bytes, 0, rest + 1, line + 1);
      offset += rest;
    }
    return { offset, line, mark: await markOf(file, offset), restarted: from !== undefined && !isSame };
  } finally {
    await file.close();
  }
}
