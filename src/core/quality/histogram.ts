import type { Histogram } from './window.ts';

/** Where a quantile of a histogram lies: in the bin from `low` up to `high`. In the last bin, which has no end, `high` is infinite and `value` NaN: no more is known than that it is above `low`. */
export interface HistogramQuantile {
  /** By linear interpolation within the bin. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export const NO_HISTOGRAM: Histogram = { edges: [], counts: [] };

/**
 * The q-quantile (q from 0 to 1) of a histogram: low + (q n - below) / count (high - low); the first bin begins at 0. Undefined without counts.
 *
 * Source: what Prometheus' `histogram_quantile` does, but that it gives the lower end of the last bin as if it were the quantile.
 */
export function histogramQuantile({ edges, counts }: Histogram, q: number): HistogramQuantile | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [bin, count] of counts.entries()) {
    if (count > 0 && below + count >= q * total) {
      const high = edges[bin] ?? Number.POSITIVE_INFINITY;
      const low = edges[bin - 1] ?? Math.min(0, high);
      return { low, high, value: Number.isFinite(high) ? low + ((q * total - below) / count) * (high - low) : Number.NaN };
    }
    below += count;
  }
  return undefined;
}
