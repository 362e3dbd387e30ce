import binomialCdf from '@stdlib/stats-base-dists-binomial-cdf';

/**
 * Bounds of quantiles without an assumption about their distribution: of n independent values, the number below the q-quantile is binomial(n, q).
 *
 * Source: Wilks, Determination of sample sizes for setting tolerance limits, Annals of Mathematical Statistics 12, 1941.
 */

/** The smallest n at which the `rank`-th largest value is an upper bound of the q-quantile with this confidence. */
export function samplesForBound(q: number, rank = 1, confidence = 0.95): number {
  let [low, high] = [rank, rank];
  while (!covers(high, q, rank, confidence)) high *= 2;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (covers(middle, q, rank, confidence)) high = middle;
    else low = middle + 1;
  }
  return high;
}

/** Whether the `rank`-th largest of n is at least the q-quantile: at most n - rank values lie below it. */
function covers(n: number, q: number, rank: number, confidence: number): boolean {
  return binomialCdf(n - rank, n, q) >= confidence;
}

/** Upper bound of the q-quantile, from values in ascending order; undefined when there are too few. */
export function quantileUpperBound(sorted: readonly number[], q: number, confidence = 0.95): number | undefined {
  const n = sorted.length;
  let rank = 0;
  while (rank < n && covers(n, q, rank + 1, confidence)) rank += 1;
  return rank === 0 ? undefined : sorted[n - rank];
}

/** Lower bound of the q-quantile: the largest value that at least so many quantiles' worth lie above; undefined when there are too few. */
export function quantileLowerBound(sorted: readonly number[], q: number, confidence = 0.95): number | undefined {
  let rank = 0;
  // The rank-th smallest is at most the q-quantile when at least `rank` values lie below it.
  while (rank < sorted.length && 1 - binomialCdf(rank, sorted.length, q) >= confidence) rank += 1;
  return rank === 0 ? undefined : sorted[rank - 1];
}

/**
 * How many independent values an autocorrelated series is worth: n (1 - r) / (1 + r) with r the correlation of neighbours, at least 1.
 *
 * Source: Bayley and Hammersley, The "effective" number of independent observations in an autocorrelated time series, JRSS Supplement 8, 1946, for a first-order series.
 */
export function effectiveCount(values: readonly number[]): number {
  const n = values.length;
  const average = values.reduce((sum, value) => sum + value, 0) / n;
  let [together, alone] = [0, 0];
  for (const [index, value] of values.entries()) {
    alone += (value - average) ** 2;
    if (index > 0) together += (value - average) * ((values[index - 1] ?? 0) - average);
  }
  const correlation = alone === 0 ? 0 : Math.min(0.999, Math.max(0, together / alone));
  return Math.max(1, (n * (1 - correlation)) / (1 + correlation));
}

/** A percentile by linear interpolation between closest ranks (Hyndman and Fan 1996, type 7: numpy's default), of ascending values. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = (sorted.length - 1) * q;
  const low = Math.floor(place);
  const [a, b] = [sorted[low] ?? 0, sorted[Math.min(low + 1, sorted.length - 1)] ?? 0];
  return a + (place - low) * (b - a);
}
