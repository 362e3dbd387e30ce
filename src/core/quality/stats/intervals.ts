import betaQuantile from '@stdlib/stats-base-dists-beta-quantile';
import normalQuantile from '@stdlib/stats-base-dists-normal-quantile';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The standard normal's value below which the share `p` lies. */
export function normalPoint(p: number): number {
  return normalQuantile(p, 0, 1);
}

/**
 * Wilson's score interval of a proportion, `hits` of `n`. Neither leaves [0, 1] nor collapses at 0 hits.
 *
 * Source: Wilson, JASA 22, 1927; values: Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17, 1998, method 3.
 */
export function wilson(hits: number, n: number, confidence = 0.95): Interval {
  if (n === 0) return { low: 0, high: 1 };
  const z = normalPoint(0.5 + confidence / 2);
  const middle = 2 * hits + z * z;
  const spread = z * Math.sqrt(z * z + 4 * hits * (1 - hits / n));
  const scale = 2 * (n + z * z);
  return { low: hits === 0 ? 0 : (middle - spread) / scale, high: hits === n ? 1 : (middle + spread) / scale };
}

/**
 * The interval of a difference of two independent proportions, from their Wilson intervals.
 *
 * Source: Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17, 1998, method 10.
 */
export function newcombeDifference(hits1: number, n1: number, hits2: number, n2: number, confidence = 0.95): Interval {
  const [p1, p2] = [hits1 / n1, hits2 / n2];
  const [first, second] = [wilson(hits1, n1, confidence), wilson(hits2, n2, confidence)];
  return {
    low: p1 - p2 - Math.hypot(p1 - first.low, second.high - p2),
    high: p1 - p2 + Math.hypot(first.high - p1, p2 - second.low),
  };
}

/**
 * The exact interval of a proportion: it covers at least as often as it says, at every n.
 *
 * Source: Clopper and Pearson, Biometrika 26, 1934; by quantiles of the beta distribution.
 */
export function clopperPearson(hits: number, n: number, confidence = 0.95): Interval {
  const tail = (1 - confidence) / 2;
  return {
    low: hits === 0 ? 0 : betaQuantile(tail, hits, n - hits + 1),
    high: hits === n ? 1 : betaQuantile(1 - tail, hits + 1, n - hits),
  };
}

/** The largest failure rate that `failures` of `n` do not contradict, one-sided: what a suite without failures proves. Clopper and Pearson, to one side. */
export function provenRate(failures: number, n: number, confidence = 0.95): number {
  return failures >= n ? 1 : betaQuantile(confidence, failures + 1, n - failures);
}
