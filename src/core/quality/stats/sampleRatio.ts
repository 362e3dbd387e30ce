import gammaln from '@stdlib/math-base-special-gammaln';
import { chiSquaredTail, type TestResult } from './fixedTests.ts';

/**
 * Units of the arms against the shares (1 together, none of them 0) that they should have, for one look: X^2 = sum (n_i - n p_i)^2 / (n p_i), chi-squared with one degree less than
 * there are arms.
 *
 * Source: Pearson, Philosophical Magazine 50, 1900; on experiments: Fabijan et al., Diagnosing sample ratio mismatch in online controlled experiments, KDD 2019.
 */
export function sampleRatioTest(counts: readonly number[], shares: readonly number[]): TestResult {
  const n = counts.reduce((sum, count) => sum + count, 0);
  const statistic = counts.reduce((sum, count, index) => sum + (count - n * (shares[index] ?? 0)) ** 2 / (n * (shares[index] ?? 0)), 0);
  return { statistic, p: chiSquaredTail(statistic, counts.length - 1) };
}

/** Units that appeared for the first time while the shares were these. */
export interface RatioInterval {
  readonly counts: readonly number[];
  /** Configured shares of the arms, 1 together. */
  readonly shares: readonly number[];
}

/** How sure the prior is that the split is as configured: pseudo-units. */
const CONCENTRATION = 10_000;
/** A Bayes factor from which a mismatch is told. */
export const MISMATCH = 1000;

/**
 * ln of the Bayes factor that units do not fall into the arms as configured; valid at every look: it reaches 1000 in at most one of 1000 healthy releases.
 * ln B = ln G(a0) - sum ln G(a_i) + sum ln G(a_i + n_i) - ln G(a0 + n) - sum n_i ln p_i, a = c p. Over intervals of different shares the factors
 * multiply. A unit counts once, where it first appeared: counting sticky units again and again finds mismatches that are none.
 *
 * Source: Lindon and Malek, arXiv 2011.03567, section 4 (sequential multinomial test with a Dirichlet prior).
 */
export function sampleRatioEvidence(intervals: Iterable<RatioInterval>): number {
  let log = 0;
  for (const { counts, shares } of intervals) {
    const n = counts.reduce((sum, count) => sum + count, 0);
    log += gammaln(CONCENTRATION) - gammaln(CONCENTRATION + n);
    for (const [index, count] of counts.entries()) {
      const share = shares[index] ?? 0;
      if (share <= 0) {
        // A unit in an arm that nobody is sent to contradicts the split by itself.
        if (count > 0) return Number.POSITIVE_INFINITY;
        continue;
      }
      const a = CONCENTRATION * share;
      log += gammaln(a + count) - gammaln(a) - count * Math.log(share);
    }
  }
  return log;
}

/** Whether the evidence, the natural logarithm of the Bayes factor, reaches ln 1000 (`MISMATCH`): healthy releases get there once in 1,000, however often one looks. */
export function isMismatch(logEvidence: number): boolean {
  return logEvidence >= Math.log(MISMATCH);
}
