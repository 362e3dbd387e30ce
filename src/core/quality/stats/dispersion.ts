/** What dispersion needs of the units of one arm, as sums over units i with m_i requests whose values add up to b_i (bad events count 1). */
export interface UnitSums {
  readonly units: number;
  /** sum of m_i */
  readonly requests: number;
  /** sum of b_i */
  readonly bad: number;
  /** sum of m_i^2 */
  readonly requestsSquared: number;
  /** sum of b_i^2 */
  readonly badSquared: number;
  /** sum of b_i m_i */
  readonly product: number;
  /** Variance of one request's value; where it is not given, that of a bad event: rate (1 - rate). */
  readonly variance?: number;
}

export const NO_UNITS: UnitSums = { units: 0, requests: 0, bad: 0, requestsSquared: 0, badSquared: 0, product: 0 };

/**
 * How much more the bad events of units vary than independent requests would: phi = max(1, sum (b_i - rate m_i)^2 / sum m_i rate (1 - rate)), each arm about its
 * own rate, the sums of all arms together. Counts divided by phi can be tested as if requests were independent.
 *
 * Source: the quasi-likelihood dispersion of McCullagh and Nelder, Generalized Linear Models, 1989, 4.5; as a design effect: Rao and Scott, A simple
 * method for the analysis of clustered binary data, Biometrics 48, 1992.
 */
export function dispersion(arms: readonly UnitSums[]): number {
  let observed = 0;
  let expected = 0;
  for (const { requests, bad, requestsSquared, badSquared, product, variance } of arms) {
    if (requests === 0) continue;
    const rate = bad / requests;
    observed += badSquared - 2 * rate * product + rate * rate * requestsSquared;
    expected += requests * (variance ?? rate * (1 - rate));
  }
  // What is not known of units may be anything: nothing is left to decide by.
  if (Number.isNaN(observed)) return Number.POSITIVE_INFINITY;
  return expected > 0 ? Math.max(1, observed / expected) : 1;
}
