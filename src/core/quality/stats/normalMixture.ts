import normalCdf from '@stdlib/stats-base-dists-normal-cdf';

/**
 * The mixture's variance rho that makes its boundary nearly the tightest at intrinsic time `v`: v / (2 ln(1/alpha) + ln(1 + 2 ln(1/alpha))), one-sided with 2 alpha.
 *
 * Source: Howard, Ramdas, McAuliffe and Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals of Statistics 49, 2021 (arXiv 1810.08240), 3.5, with the approximation of its package confseq to Lambert's function.
 */
export function normalMixtureRho(v: number, alpha: number, oneSided = false): number {
  const level = oneSided ? 2 * alpha : alpha;
  const twice = -2 * Math.log(level);
  return v / (twice + Math.log(1 + twice));
}

/** ln of the normal mixture's supermartingale at sum `s` and intrinsic time `v` (the same, propositions 5 and 6). */
export function normalLogMixture(s: number, v: number, rho: number, oneSided = false): number {
  const common = 0.5 * Math.log(rho / (v + rho)) + (s * s) / (2 * (v + rho));
  return oneSided ? Math.log(2) + common + Math.log(normalCdf(s / Math.sqrt(v + rho), 0, 1)) : common;
}

/** The boundary that the sum crosses ever with probability at most alpha: two-sided in closed form, one-sided by bisection. */
export function normalMixtureBound(v: number, alpha: number, rho: number, oneSided = false): number {
  const threshold = -Math.log(alpha);
  const closed = Math.sqrt((v + rho) * (2 * threshold + Math.log((v + rho) / rho)));
  if (!oneSided) return closed;
  let [low, high] = [0, closed];
  for (let round = 0; round < 100; round += 1) {
    const middle = (low + high) / 2;
    if (normalLogMixture(middle, v, rho, true) < threshold) low = middle;
    else high = middle;
  }
  return high;
}
