/** Random numbers that a seed fixes: the same seed gives the same numbers on every machine. */
export interface Random {
  /** At least 0, less than 1. */
  next(): number;
  /** A whole number of at least 0 and less than `below`. */
  below(below: number): number;
}

/** FNV-1a, 32 bits, over UTF-16 units, finished as MurmurHash3 does, so that neighbouring texts lie far apart. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/**
 * A generator for one purpose: seed, test and row each make a stream of their own, so that a case has the same numbers
 * whatever ran before it. Mulberry32 (Tommy Ettinger, public domain).
 */
export function randomOf(...seed: readonly (string | number)[]): Random {
  let state = hash(seed.join('\0'));
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return { next, below: (below) => Math.floor(next() * below) };
}

/** A copy in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items];
  for (let index = copy.length - 1; index > 0; index -= 1) {
    const other = random.below(index + 1);
    [copy[index], copy[other]] = [copy[other] as T, copy[index] as T];
  }
  return copy;
}

/**
 * A uniform sample of at most `size` items, in their order (reservoir, algorithm R: Vitter 1985): one pass, memory by `size`.
 * `total` is how many there were.
 */
export async function sampleOf<T>(items: AsyncIterable<T>, size: number, random: Random): Promise<{ readonly items: T[]; readonly total: number }> {
  const kept: { readonly index: number; readonly item: T }[] = [];
  let total = 0;
  for await (const item of items) {
    const place = total < size ? total : random.below(total + 1);
    if (place < size) kept[place] = { index: total, item };
    total += 1;
  }
  return { items: kept.toSorted((a, b) => a.index - b.index).map(({ item }) => item), total };
}
