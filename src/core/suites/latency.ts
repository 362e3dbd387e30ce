import binomialCdf from '@stdlib/stats-base-dists-binomial-cdf';
import { effectiveCount } from '../quality/stats/orderStatistics.ts';

/** What a sample tells of a quantile: its estimate, and bounds each at confidence 1 - alpha; a bound is missing where the sample is too small. */
export interface QuantileBounds {
  readonly estimate: number;
  readonly lower?: number;
  readonly upper?: number;
}

/**
 * Rank (from 1) of the smallest order statistic of n that is an upper bound of quantile `p` with confidence 1 - alpha (Wilks 1941):
 * the least k with P(Bin(n, p) <= k - 1) >= 1 - alpha. Undefined where n is too small: p95 needs 59, p99 299 at alpha 0.05.
 */
export function upperRank(n: number, p: number, alpha = 0.05): number | undefined {
  if (n < 1 || p ** n > alpha) return undefined;
  let [low, high] = [Math.max(1, Math.floor(n * p)), n];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (binomialCdf(middle - 1, n, p) >= 1 - alpha) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Rank (from 1) of the largest order statistic that is a lower bound: the mirror of `upperRank`. */
export function lowerRank(n: number, p: number, alpha = 0.05): number | undefined {
  const mirrored = upperRank(n, 1 - p, alpha);
  return mirrored === undefined ? undefined : n + 1 - mirrored;
}

/**
 * How many independent samples a series in its order of time is worth for quantile `p`: what counts is how often values above the quantile
 * follow each other.
 */
function effectiveSize(series: Float64Array, limit: number): number {
  return Math.max(1, Math.floor(effectiveCount(Array.from(series, (value) => (value > limit ? 1 : 0)))));
}

/** The order statistic of rank ceil(n p). */
export function quantileOf(sorted: Float64Array, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * p) - 1))] ?? Number.NaN;
}

/** Bounds of quantile `p` of a series in its order of time; dependent samples count by their effective number. */
export function quantileBounds(series: Float64Array, p: number, alpha = 0.05): QuantileBounds {
  const sorted = series.toSorted();
  const size = effectiveSize(series, quantileOf(sorted, p));
  // The bound's place among the effective samples, carried over to the whole series, outwards.
  const [upper, lower] = [upperRank(size, p, alpha), lowerRank(size, p, alpha)];
  const scale = sorted.length / size;
  return {
    estimate: quantileOf(sorted, p),
    ...(upper === undefined ? {} : { upper: sorted[Math.min(sorted.length, Math.ceil(upper * scale)) - 1] ?? Number.NaN }),
    ...(lower === undefined ? {} : { lower: sorted[Math.max(1, Math.floor((lower - 1) * scale) + 1) - 1] ?? Number.NaN }),
  };
}

export type LimitVerdict = 'passed' | 'failed' | 'inconclusive';

/** Rule 9: pass if the upper bound keeps the limit, fail if the lower bound exceeds it, else inconclusive. */
export function limitVerdict({ lower, upper }: Pick<QuantileBounds, 'lower' | 'upper'>, limit: number): LimitVerdict {
  if (upper !== undefined && upper <= limit) return 'passed';
  return lower !== undefined && lower > limit ? 'failed' : 'inconclusive';
}

/** Bounds of candidate / current of one quantile at confidence 1 - alpha: each side takes half of alpha (Bonferroni). */
export function ratioBounds(candidate: Float64Array, current: Float64Array, p: number, alpha = 0.05): QuantileBounds {
  const [ours, theirs] = [quantileBounds(candidate, p, alpha / 2), quantileBounds(current, p, alpha / 2)];
  const lower = ours.lower === undefined || theirs.upper === undefined ? undefined : ours.lower / theirs.upper;
  const upper = ours.upper === undefined || theirs.lower === undefined ? undefined : ours.upper / theirs.lower;
  return { estimate: ours.estimate / theirs.estimate, ...(lower === undefined ? {} : { lower }), ...(upper === undefined ? {} : { upper }) };
}
