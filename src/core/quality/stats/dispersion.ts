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

/** Squared deviations of what units came to from what their arm's rate makes expected, and what independent requests would make of them. */
interface Deviations {
  readonly observed: number;
  /** Were the rates known. */
  readonly expected: number;
  /** As they are, each arm's own: of one unit nothing is left, of k alike k - 1 of k. */
  readonly aboutOwnRates: number;
  /** Kish's effective number of units, of all arms: (sum m)^2 / sum m^2. */
  readonly units: number;
  readonly arms: number;
  /** The largest sum m^2 / sum m of an arm: how much more units vary whose requests are all alike. */
  readonly most: number;
}

function deviations(sums: readonly UnitSums[]): Deviations {
  let [observed, expected, aboutOwnRates, all, allSquared, arms, most] = [0, 0, 0, 0, 0, 0, 1];
  for (const { requests, bad, requestsSquared, badSquared, product, variance } of sums) {
    if (requests === 0) continue;
    const rate = bad / requests;
    const independent = requests * (variance ?? rate * (1 - rate));
    observed += badSquared - 2 * rate * product + rate * rate * requestsSquared;
    expected += independent;
    aboutOwnRates += independent * Math.max(0, 1 - requestsSquared / requests ** 2);
    [all, allSquared, arms, most] = [all + requests, allSquared + requestsSquared, arms + 1, Math.max(most, requestsSquared / requests)];
  }
  return { observed, expected, aboutOwnRates, units: arms === 0 ? 0 : all ** 2 / allSquared, arms, most };
}

/**
 * How much more the bad events of units vary than independent requests would: phi = max(1, sum (b_i - rate m_i)^2 / sum m_i rate (1 - rate)), each arm about its
 * own rate, the sums of all arms together. Counts divided by phi can be tested as if requests were independent, where there are many units; see `dispersionBound`.
 *
 * Source: the quasi-likelihood dispersion of McCullagh and Nelder, Generalized Linear Models, 1989, 4.5; as a design effect: Rao and Scott, A simple
 * method for the analysis of clustered binary data, Biometrics 48, 1992.
 */
export function dispersion(arms: readonly UnitSums[]): number {
  const { observed, expected } = deviations(arms);
  // What is not known of units may be anything: nothing is left to decide by.
  if (Number.isNaN(observed)) return Number.POSITIVE_INFINITY;
  return expected > 0 ? Math.max(1, observed / expected) : 1;
}

/** The normal quantile of 95 %. */
const Z95 = 1.645;

/** By how much an estimate of a variance with so many degrees of freedom is multiplied for its upper end (95 %): df / chi-squared quantile (5 %, df), which is 1.04 at 4,000, 1.3 at 100, 2.9 at 8, and beyond all bounds at about one. */
function upperEnd(freedom: number): number {
  const spread = freedom > 0 ? 2 / (9 * freedom) : Number.POSITIVE_INFINITY;
  const root = 1 - spread - Z95 * Math.sqrt(spread);
  return root > 0 ? root ** -3 : Number.POSITIVE_INFINITY;
}

/**
 * `dispersion`, never less than it may well be: a handful of units, such as nightly batches, hardly tells how alike the requests of one are, and one in each arm tells nothing. So it is the upper end (95 %) of phi, estimated without the bias of
 * own rates, by chi-squared with as many degrees of freedom as there are effective units (Kish) less one for each arm, and not more than sum m^2 / sum m, as if all requests of a unit were alike. So units
 * that came once have 1, and of thousands it is what `dispersion` says.
 *
 * Source: Kish, Survey Sampling, 1965, 8.2 (effective number, requests that are all alike); the interval of a variance by chi-squared, its quantile by Wilson and Hilferty, The distribution of chi-square, PNAS 17, 1931.
 */
export function dispersionBound(arms: readonly UnitSums[]): number {
  const { observed, aboutOwnRates, units, arms: count, most } = deviations(arms);
  if (Number.isNaN(observed)) return Number.POSITIVE_INFINITY;
  const estimate = aboutOwnRates > 0 ? Math.max(1, observed / aboutOwnRates) : 1;
  return Math.min(estimate * upperEnd(units - count), Math.max(dispersion(arms), most));
}
