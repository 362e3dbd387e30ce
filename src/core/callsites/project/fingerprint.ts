/** The words of a text as a set of bits: it may say yes to a word that is not there, never no to one that is. */
export type Fingerprint = Uint32Array;

const SMALLEST_BITS = 512;
const LARGEST_BITS = 1 << 17;

/** The fingerprint of UTF-8 bytes. Words are runs of ASCII letters, digits, `_`, `$` and of everything beyond ASCII. */
export function fingerprintOf(bytes: Uint8Array): Fingerprint {
  const bits = new Uint32Array(sizeFor(bytes.length) >>> 5);
  const mask = bits.length * 32 - 1;
  let hash = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (WORD[byte] === 1) {
      hash = (Math.imul(hash, 31) + byte + 1) | 0;
    } else if (hash !== 0) {
      mark(bits, mask, hash);
      hash = 0;
    }
  }
  if (hash !== 0) mark(bits, mask, hash);
  return bits;
}

export function mayHold(bits: Fingerprint, word: string): boolean {
  let hash = 0;
  for (const byte of new TextEncoder().encode(word)) hash = (Math.imul(hash, 31) + byte + 1) | 0;
  const mask = bits.length * 32 - 1;
  const [first, second] = places(hash, mask);
  return isSet(bits, first) && isSet(bits, second);
}

const WORD = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 128 || /[\w$]/.test(String.fromCharCode(byte)) ? 1 : 0));

function sizeFor(length: number): number {
  let bits = SMALLEST_BITS;
  while (bits < length / 2 && bits < LARGEST_BITS) bits *= 2;
  return bits;
}

function mark(bits: Uint32Array, mask: number, hash: number): void {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  const first = mixed & mask;
  const second = (mixed >>> 16 ^ Math.imul(hash, 0x297a2d39)) & mask;
  bits[first >>> 5] = (bits[first >>> 5] ?? 0) | (1 << (first & 31));
  bits[second >>> 5] = (bits[second >>> 5] ?? 0) | (1 << (second & 31));
}

function places(hash: number, mask: number): readonly [number, number] {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return [mixed & mask, (mixed >>> 16 ^ Math.imul(hash, 0x297a2d39)) & mask];
}

function isSet(bits: Uint32Array, place: number): boolean {
  return ((bits[place >>> 5] ?? 0) & (1 << (place & 31))) !== 0;
}
