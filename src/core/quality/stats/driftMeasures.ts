import chiSquaredQuantile from '@stdlib/stats-base-dists-chisquare-quantile';

/** A share of nothing would make logarithms infinite; shares below this count as this. */
export const FLOOR = 1e-4;

function shares(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / total);
}

function floored(counts: readonly number[]): number[] {
  return shares(counts).map((share) => Math.max(share, FLOOR));
}

/**
 * Population stability index, sum (a - b) ln(a / b), natural logarithm, shares floored at 1e-4; counts of the same bins. The symmetric divergence of
 * Jeffreys, Proceedings of the Royal Society A 186, 1946; under this name: Siddiqi, Credit Risk Scorecards, 2006.
 */
export function psi(reference: readonly number[], production: readonly number[]): number {
  const [a, b] = [floored(reference), floored(production)];
  return a.reduce((sum, share, bin) => sum + (share - (b[bin] ?? FLOOR)) * Math.log(share / (b[bin] ?? FLOOR)), 0);
}

/**
 * What PSI exceeds by chance alone in `level` of the cases: about chi-squared(bins - 1) (1/n + 1/m). n and m are units, not rows.
 *
 * Source: Yurdakul and Naranjo, Statistical properties of the population stability index, Journal of Risk Model Validation 14, 2020.
 */
export function psiNoise(bins: number, n: number, m: number, level = 0.05): number {
  return chiSquaredQuantile(1 - level, bins - 1) * (1 / n + 1 / m);
}

/** From this value on a shift matters in practice, however many units make smaller ones significant. */
export const PSI_MATTERS = 0.1;

/**
 * Jensen-Shannon distance: the root of the divergence, in base 2 where no other is given, so from 0 to 1.
 *
 * Source: Lin, IEEE Transactions on Information Theory 37, 1991; Endres and Schindelin, ibid. 49, 2003. scipy's jensenshannon takes base e by default.
 */
export function jensenShannon(reference: readonly number[], production: readonly number[], base = 2): number {
  const [a, b] = [shares(reference), shares(production)];
  let sum = 0;
  for (const [bin, p] of a.entries()) {
    const q = b[bin] ?? 0;
    const middle = (p + q) / 2;
    if (p > 0) sum += p * Math.log(p / middle);
    if (q > 0) sum += q * Math.log(q / middle);
  }
  return Math.sqrt(Math.max(0, sum / 2 / Math.log(base)));
}

/** Walks the merged values of two ascending samples: each step's width and both distribution functions on it. */
function walk(first: ArrayLike<number>, second: ArrayLike<number>, step: (width: number, f: number, g: number) => void): void {
  let [i, j] = [0, 0];
  while (i < first.length || j < second.length) {
    const value = Math.min(first[i] ?? Number.POSITIVE_INFINITY, second[j] ?? Number.POSITIVE_INFINITY);
    while (i < first.length && first[i] === value) i += 1;
    while (j < second.length && second[j] === value) j += 1;
    const next = Math.min(first[i] ?? Number.POSITIVE_INFINITY, second[j] ?? Number.POSITIVE_INFINITY);
    step(next === Number.POSITIVE_INFINITY ? 0 : next - value, i / first.length, j / second.length);
  }
}

/** The largest distance of the two empirical distribution functions; values ascending (Kolmogorov 1933, Smirnov 1939). */
export function kolmogorovSmirnov(first: ArrayLike<number>, second: ArrayLike<number>): number {
  let largest = 0;
  walk(first, second, (_, f, g) => void (largest = Math.max(largest, Math.abs(f - g))));
  return largest;
}

/** The chance of a KS distance at least this large without drift: Kolmogorov's limit with Stephens' correction (JRSS B 32, 1970); n and m are units. */
export function kolmogorovSmirnovP(distance: number, n: number, m: number): number {
  const root = Math.sqrt((n * m) / (n + m));
  const lambda = (root + 0.12 + 0.11 / root) * distance;
  if (lambda < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k += 1) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * lambda * lambda);
  return Math.min(1, Math.max(0, sum));
}

/** The first Wasserstein distance: the area between the two distribution functions, in units of the value (Vallender, Theory of Probability 18, 1974); values ascending. */
export function wasserstein(first: ArrayLike<number>, second: ArrayLike<number>): number {
  let area = 0;
  walk(first, second, (width, f, g) => void (area += width * Math.abs(f - g)));
  return area;
}

const double = new Float64Array(1);
const bitsOfDouble = new BigInt64Array(double.buffer);

/** The largest number that is less than this one (IEEE 754). */
export function justBelow(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  double[0] = value;
  bitsOfDouble[0] = (bitsOfDouble[0] ?? 0n) + (value > 0 ? -1n : 1n);
  return double[0];
}

/** How many of the ascending values are less than this one. */
export function countBelow(values: ArrayLike<number>, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Inner edges of bins that each hold the same share of the reference (values ascending); equal edges of repeated values are one. A value belongs to the bin
 * whose edge is the first that is not below it. Edges are values of the reference (Hyndman and Fan 1996, type 1), so that repeated values are not cut through.
 * A value that is repeated so often that it would fill a bin has one of its own, with an edge just below it: of a feature that is 1 in most rows, or in all, one then sees how much is less, and how much is more.
 */
export function quantileEdges(reference: ArrayLike<number>, bins = 10): number[] {
  const edges = new Set<number>();
  const { length } = reference;
  for (let bin = 1; bin <= bins && length > 0; bin += 1) {
    const place = Math.ceil((bin / bins) * length) - 1;
    const edge = reference[place] ?? Number.NaN;
    const first = countBelow(reference, edge);
    const isHeavy = reference[first + Math.max(2, Math.ceil(length / bins)) - 1] === edge;
    if (isHeavy) edges.add(justBelow(edge));
    if (isHeavy || edge < (reference[length - 1] ?? 0)) edges.add(edge);
  }
  return [...edges];
}

/** The bin of a value among ascending inner edges. */
export function binOf(edges: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (edges[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return low;
}
