/**
 * MurmurHash3 (x86, 32 bit) by Austin Appleby, who placed it in the public domain (github.com/aappleby/smhasher,
 * MurmurHash3.cpp), over the low bytes of a text's UTF-16 units, as Unleash's server and its Node SDK take them.
 */
export function murmur3(text: string, seed = 0): number {
  const scramble = (block: number): number => {
    const product = Math.imul(block, 0xcc9e2d51);
    return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
  };
  const byte = (index: number): number => text.charCodeAt(index) & 0xff;
  const whole = text.length - (text.length % 4);
  let hash = seed;
  for (let index = 0; index < whole; index += 4) {
    hash ^= scramble(byte(index) | (byte(index + 1) << 8) | (byte(index + 2) << 16) | (byte(index + 3) << 24));
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let index = text.length - 1; index >= whole; index -= 1) rest = (rest << 8) | byte(index);
  hash ^= scramble(rest) ^ text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The bucket, 1 to 100, of a sticky value: a rollout of N % exposes buckets 1 to N. */
export function rolloutBucket(groupId: string, value: string): number {
  return (murmur3(`${groupId}:${value}`) % 100) + 1;
}

/** Whether SDKs in other languages may put the value elsewhere: they hash its UTF-8 bytes. */
export function dependsOnSdk(groupId: string, value: string): boolean {
  return /[^\0-\x7f]/.test(groupId + value);
}
