import { isUtf8 } from 'node:buffer';
import { hash53, hash53OfBytes } from '../../core/quality/hashing.ts';

const LAST_ASCII = 127;
const LENGTH_BYTES = 4;

/** The `hash53` of a text that stands in UTF-8 at a place; 0: it is empty. */
function hashAt(bytes: Uint8Array, from: number, to: number): number {
  if (from === to) return 0;
  for (let at = from; at < to; at += 1) if ((bytes[at] ?? 0) > LAST_ASCII) return hash53(textAt(bytes, from, to));
  return hash53OfBytes(bytes, from, to);
}

function textAt({ buffer, byteOffset }: Uint8Array, from: number, to: number): string {
  return Buffer.from(buffer, byteOffset + from, to - from).toString('utf8');
}

export function textOf(bytes: Uint8Array): string {
  return textAt(bytes, 0, bytes.length);
}

/** Bytes of fixed length of which no type says what they are: the text without the zeros that fill it up, or where they are none in UTF-8 their hexadecimal digits. Anything else as it is. */
export function plainBytes(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  return isUtf8(value) ? textOf(value).replace(/\0+$/, '') : Buffer.from(value).toString('hex');
}

export function hashOfText(bytes: Uint8Array): number {
  return hashAt(bytes, 0, bytes.length);
}

/** Tells where each of so many texts lies that stand one after another, each after its length. @throws Error where they do not fit */
function eachText(bytes: Uint8Array, count: number, tell: (from: number, to: number, index: number) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const from = at + LENGTH_BYTES;
    at = from + view.getUint32(at, true);
    if (at > bytes.length) throw new Error('a text is longer than its page');
    tell(from, at, index);
  }
}

/** The hashes of texts in Parquet's plain encoding, without making the texts. */
export function plainHashes(bytes: Uint8Array, count: number): Float64Array {
  const hashes = new Float64Array(count);
  eachText(bytes, count, (from, to, index) => { hashes[index] = hashAt(bytes, from, to); });
  return hashes;
}

export function plainTexts(bytes: Uint8Array, count: number): string[] {
  const texts: string[] = [];
  eachText(bytes, count, (from, to) => { texts.push(textAt(bytes, from, to)); });
  return texts;
}
