import betaQuantile from '@stdlib/stats-base-dists-beta-quantile';
import cdf from '@stdlib/stats-base-dists-binomial-cdf';

/** P(X <= k) for X binomial(n, p). */
export function binomialCdf(k: number, n: number, p: number): number {
  return cdf(k, n, p);
}

/** One-sided upper bound of a rate at confidence 1 - alpha after `k` of `n` (Clopper & Pearson 1934). */
export function upperRate(k: number, n: number, alpha = 0.05): number {
  return k >= n ? 1 : betaQuantile(1 - alpha, k + 1, n - k);
}

/** One-sided lower bound of a rate at confidence 1 - alpha after `k` of `n` (Clopper & Pearson 1934). */
export function lowerRate(k: number, n: number, alpha = 0.05): number {
  return k <= 0 ? 0 : betaQuantile(alpha, k, n - k + 1);
}
