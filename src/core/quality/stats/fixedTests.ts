import gammaInc from '@stdlib/math-base-special-gammainc';
import normalCdf from '@stdlib/stats-base-dists-normal-cdf';
import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { difference, variance, type Moments } from './confidenceSequence.ts';

/** Tests for one look at a sample of fixed size. They decide nothing that is looked at again and again. */

export interface TestResult {
  readonly statistic: number;
  readonly p: number;
}

/**
 * The upper tail of chi-squared, Q(degrees / 2, statistic / 2) of the regularized incomplete gamma function (Abramowitz and Stegun, 26.4.19). Not 1 less the lower one, of which nothing is left below 1e-16.
 */
export function chiSquaredTail(statistic: number, degrees: number): number {
  return statistic <= 0 ? 1 : gammaInc(statistic / 2, degrees / 2, true, true);
}

/**
 * Welch's t-test of candidate - current, unequal variances, with its two-sided interval.
 *
 * Source: Welch, Biometrika 34, 1947; degrees of freedom by Satterthwaite, Biometrics Bulletin 2, 1946.
 */
export function welch(candidate: Moments, current: Moments, confidence = 0.95): TestResult & { readonly estimate: number; readonly degrees: number; readonly low: number; readonly high: number } {
  const { estimate, standardError } = difference(candidate, current);
  const [a, b] = [variance(candidate) / candidate.n, variance(current) / current.n];
  const degrees = (a + b) ** 2 / (a ** 2 / (candidate.n - 1) + b ** 2 / (current.n - 1));
  const statistic = estimate / standardError;
  const width = tQuantile(0.5 + confidence / 2, degrees) * standardError;
  return { statistic, degrees, estimate, p: 2 * tCdf(-Math.abs(statistic), degrees), low: estimate - width, high: estimate + width };
}

/** Pearson's chi-squared of a contingency table, rows by columns; columns without counts are left out (Pearson, Phil. Mag. 50, 1900). */
export function chiSquaredTable(rows: readonly (readonly number[])[]): TestResult & { readonly degrees: number } {
  const width = Math.max(0, ...rows.map(({ length }) => length));
  const columns = Array.from({ length: width }, (_, column) => rows.reduce((sum, row) => sum + (row[column] ?? 0), 0));
  const filled = columns.filter((sum) => sum > 0).length;
  const total = columns.reduce((sum, count) => sum + count, 0);
  let statistic = 0;
  for (const row of rows) {
    const share = row.reduce((sum, count) => sum + count, 0) / total;
    for (const [column, sum] of columns.entries()) {
      if (sum > 0 && share > 0) statistic += ((row[column] ?? 0) - share * sum) ** 2 / (share * sum);
    }
  }
  const degrees = Math.max(0, (rows.length - 1) * (filled - 1));
  return { statistic, degrees, p: degrees === 0 ? 1 : chiSquaredTail(statistic, degrees) };
}

/** A stratum of a comparison of two shares: of how many, and how many of them. */
export interface ShareStratum {
  readonly candidate: { readonly n: number; readonly sum: number };
  readonly current: { readonly n: number; readonly sum: number };
}

/**
 * Whether two shares are alike in every stratum (each a 2 x 2 table), by their differences all together, without continuity correction; `difference` is the mean of candidate - current with weights
 * n_T n_C / (n_T + n_C), `share` that of current's share by the same weights, both NaN without a stratum that has both. Strata that differ in their shares and in how many are on either side make no difference (Simpson). `dispersion`: how much more counts vary than those of
 * independent observations do, by which the statistic is divided (Rao and Scott 1992).
 *
 * Source: Cochran, Some methods for strengthening the common chi-squared tests, Biometrics 10, 1954; Mantel and Haenszel, J. Natl. Cancer Inst. 22, 1959; Agresti, Categorical Data Analysis, 2002, 6.3.
 */
export function cochranMantelHaenszel(strata: readonly ShareStratum[], dispersion = 1): TestResult & { readonly difference: number; readonly share: number } {
  let [difference, share, variance, weight] = [0, 0, 0, 0];
  for (const { candidate, current } of strata) {
    const n = candidate.n + current.n;
    if (candidate.n === 0 || current.n === 0) continue;
    const sum = candidate.sum + current.sum;
    const own = (candidate.n * current.n) / n;
    weight += own;
    share += own * (current.sum / current.n);
    // The same as the count of the candidate less what is expected of it.
    difference += own * (candidate.sum / candidate.n - current.sum / current.n);
    variance += (own * sum * (n - sum)) / (n * (n - 1));
  }
  const statistic = variance > 0 ? difference ** 2 / (variance * dispersion) : 0;
  return { statistic, p: chiSquaredTail(statistic, 1), difference: difference / weight, share: share / weight };
}

/**
 * McNemar's test on pairs: `first` pairs in which only the first was right, `second` in which only the second was. Without continuity correction;
 * exact (binomial) where fewer than 25 pairs differ.
 *
 * Source: McNemar, Psychometrika 12, 1947; values: Agresti, Categorical Data Analysis, 2002, 10.1.
 */
export function mcnemar(first: number, second: number): TestResult & { readonly exact: boolean } {
  const n = first + second;
  if (n === 0) return { statistic: 0, p: 1, exact: true };
  const statistic = (first - second) ** 2 / n;
  if (n >= 25) return { statistic, p: chiSquaredTail(statistic, 1), exact: false };
  let [term, tail] = [0.5 ** n, 0];
  for (let k = 0; k <= Math.min(first, second); k += 1) {
    tail += term;
    term *= (n - k) / (k + 1);
  }
  return { statistic, p: Math.min(1, 2 * tail), exact: true };
}

/** Ranks from 1, equal values sharing the mean of theirs; and the sum of t^3 - t over groups of equal values. */
function ranks(values: readonly number[]): { readonly of: Float64Array; readonly ties: number } {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const of = new Float64Array(values.length);
  let ties = 0;
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end] ?? 0] === values[order[start] ?? 0]) end += 1;
    for (let place = start; place < end; place += 1) of[order[place] ?? 0] = (start + end + 1) / 2;
    ties += (end - start) ** 3 - (end - start);
    start = end;
  }
  return { of, ties };
}

/** How many of the ways to choose n of n + m ranks have U at most u: the recurrence of Mann and Whitney. */
function exactTail(u: number, n: number, m: number): number {
  const most = n * m;
  // counts[u] for the first i of one sample against all m of the other, as products of Gaussian binomials.
  let counts = new Float64Array(most + 1);
  counts[0] = 1;
  for (let i = 1; i <= n; i += 1) {
    const next = Float64Array.from(counts);
    for (let sum = m + i; sum <= most; sum += 1) next[sum] = (next[sum] ?? 0) - (counts[sum - m - i] ?? 0);
    for (let sum = i; sum <= most; sum += 1) next[sum] = (next[sum] ?? 0) + (next[sum - i] ?? 0);
    counts = next;
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.slice(0, Math.floor(u) + 1).reduce((sum, count) => sum + count, 0) / total;
}

/**
 * Mann and Whitney's rank test, two-sided, with U of the first sample. Exact below 20 values a side without ties, else normal with corrections for ties and continuity.
 *
 * Source: Mann and Whitney, Annals of Mathematical Statistics 18, 1947.
 */
export function mannWhitney(first: readonly number[], second: readonly number[]): TestResult & { readonly exact: boolean } {
  const [n, m] = [first.length, second.length];
  const { of, ties } = ranks([...first, ...second]);
  const statistic = of.slice(0, n).reduce((sum, rank) => sum + rank, 0) - (n * (n + 1)) / 2;
  if (ties === 0 && n <= 20 && m <= 20) {
    return { statistic, exact: true, p: Math.min(1, 2 * exactTail(Math.min(statistic, n * m - statistic), n, m)) };
  }
  const total = n + m;
  const spread = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))));
  const distance = Math.max(0, Math.abs(statistic - (n * m) / 2) - 0.5);
  return { statistic, exact: false, p: spread === 0 ? 1 : Math.min(1, 2 * normalCdf(-distance / spread, 0, 1)) };
}
