import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { throwIfCancelled } from '../../core/base/errors.ts';

const CHUNK = 1024 * 1024;
const LONGEST_LINE = 16 * 1024 * 1024;
const HEAD = 1024;
const LINE_END = 10;

/** How far a file was read. */
export interface TailState {
  /** Bytes whose lines have been told. */
  readonly offset: number;
  readonly line: number;
  /** Digest of the first bytes: another file, or one that was truncated and written anew, has another. */
  readonly head: string;
  readonly headLength: number;
}

export interface TailResult extends TailState {
  /** Whether the file was begun anew, because it is another or was cut. */
  readonly restarted: boolean;
}

async function digest(file: FileHandle, length: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
  return createHash('sha256').update(buffer.subarray(0, bytesRead)).digest('base64');
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Tells the lines of a file that are new since `from`. A last line without its end is told only when it is whole JSON: the writer may be in the middle of it. A line of
 * more than 16 MB is told as undefined.
 * @throws AppError cancelled; errors of the file system as they come
 */
export async function tail(path: string, from: TailState | undefined, tell: (line: string | undefined, number: number) => void, signal: AbortSignal, progress: (bytes: number) => void): Promise<TailResult> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const isSame = from !== undefined && size >= from.offset && (from.headLength === 0 || (await digest(file, from.headLength)) === from.head);
    let [offset, line] = isSame ? [from.offset, from.line] : [0, 0];
    let rest: Buffer = Buffer.alloc(0);
    let tooLong = false;
    const chunk = Buffer.alloc(CHUNK);
    for (let position = offset; ;) {
      throwIfCancelled(signal);
      const { bytesRead } = await file.read(chunk, 0, CHUNK, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      progress(bytesRead);
      const bytes = rest.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      let start = 0;
      for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, start)) {
        line += 1;
        if (tooLong) tell(undefined, line);
        else if (end > start) tell(bytes.toString('utf8', start, end), line);
        tooLong = false;
        start = end + 1;
      }
      rest = Buffer.from(bytes.subarray(start));
      offset = position - rest.length;
      if (rest.length > LONGEST_LINE) [rest, tooLong] = [Buffer.alloc(0), true];
    }
    const last = rest.toString('utf8');
    if (!tooLong && last !== '' && isWhole(last)) {
      tell(last, line + 1);
      offset += rest.length;
    }
    const headLength = Math.min(HEAD, offset);
    return { offset, line, headLength, head: await digest(file, headLength), restarted: from !== undefined && !isSame };
  } finally {
    await file.close();
  }
}
