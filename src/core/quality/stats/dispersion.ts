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
  /** sum m^2 / sum m, how much more units vary whose requests are all alike: of all arms together, and the largest of an arm. */
  readonly alike: number;
  readonly most: number;
  /** How many degrees of freedom tell of units as large as those of the arm that has the largest. */
  readonly freedom: number;
}

function deviations(sums: readonly UnitSums[]): Deviations {
  const arms = sums.filter(({ requests }) => requests > 0);
  const most = Math.max(1, ...arms.map(({ requests, requestsSquared }) => requestsSquared / requests));
  let [observed, expected, aboutOwnRates, freedom, all, allSquared] = [0, 0, 0, 0, 0, 0];
  for (const { requests, bad, requestsSquared, badSquared, product, variance } of arms) {
    const rate = bad / requests;
    const independent = requests * (variance ?? rate * (1 - rate));
    const units = requests ** 2 / requestsSquared;
    observed += badSquared - 2 * rate * product + rate * rate * requestsSquared;
    expected += independent;
    aboutOwnRates += independent * Math.max(0, 1 - 1 / units);
    freedom += Math.max(0, units - 1) * (requestsSquared / requests / most) ** 2;
    [all, allSquared] = [all + requests, allSquared + requestsSquared];
  }
  return { observed, expected, aboutOwnRates, alike: all === 0 ? 1 : allSquared / all, most, freedom };
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
 * `dispersion`, never less than it may well be: a handful of units, such as nightly batches, hardly tells how alike the requests of one are, one in each arm tells nothing, and thousands of small ones of one arm tell little of a large one
 * in the other. So phi is estimated without the bias of own rates; with the intra-class correlation that it shows, (phi - 1) / (M - 1) with M = sum m^2 / sum m, it is that of the arm with the largest M; of this the upper end (95 %) is
 * taken, by chi-squared with as many degrees of freedom as there are effective units (Kish) less one for each arm, those of an arm with a smaller M for less by the square of it; and not more than the largest M, as if all requests of a
 * unit were alike. So units that came once have 1, and of thousands, drawn into arms, it is what `dispersion` says.
 *
 * Source: Kish, Survey Sampling, 1965, 5.4 (1 + (m - 1) rho), 8.2 (effective number, requests that are all alike); the interval of a variance by chi-squared, its quantile by Wilson and Hilferty, The distribution of chi-square, PNAS 17, 1931.
 * That small units count for less by the square is ours: by that much a unit deviates where its requests are alike.
 */
export function dispersionBound(arms: readonly UnitSums[]): number {
  const { observed, aboutOwnRates, alike, most, freedom } = deviations(arms);
  if (Number.isNaN(observed)) return Number.POSITIVE_INFINITY;
  const estimate = aboutOwnRates > 0 ? Math.max(1, observed / aboutOwnRates) : 1;
  const ofMost = alike > 1 ? 1 + ((estimate - 1) * (most - 1)) / (alike - 1) : estimate;
  return Math.min(ofMost * upperEnd(freedom), Math.max(dispersion(arms), most));
}
