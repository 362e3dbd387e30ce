/** n, sum and sum of squares: all that means and variances need. */
export interface Moments {
  readonly n: number;
  readonly sum: number;
  /** NaN where the source tells none: then there is no variance, and nothing is decided by the mean. */
  readonly squares: number;
}

export const NO_MOMENTS: Moments = { n: 0, sum: 0, squares: 0 };

/** sum / n; NaN without values. */
export function mean({ n, sum }: Moments): number {
  return sum / n;
}

/** Of a mean's square: below it a variance that comes from a sum of squares is rounding, and might be 0 by chance. */
export const LEAST_VARIANCE = 1e-12;

/** The unbiased variance of one observation; never less than rounding lets one tell, for an interval without width would be certainty. */
export function variance({ n, sum, squares }: Moments): number {
  return n < 2 ? Number.NaN : Math.max(LEAST_VARIANCE * (sum / n) ** 2, (squares - (sum * sum) / n) / (n - 1));
}

/** A difference of two arms and its standard error. */
export interface Difference {
  readonly estimate: number;
  readonly standardError: number;
  /** Observations of both arms. */
  readonly n: number;
}

/**
 * candidate - current, with se^2 = s_T^2 / n_T + s_C^2 / n_C: the arms' variances are their own. Infinite or NaN where an arm has fewer than two values.
 *
 * Source: Welch, The generalization of "Student's" problem when several different population variances are involved, Biometrika 34, 1947.
 */
export function difference(candidate: Moments, current: Moments): Difference {
  return {
    estimate: mean(candidate) - mean(current),
    standardError: Math.sqrt(variance(candidate) / candidate.n + variance(current) / current.n),
    n: candidate.n + current.n,
  };
}

/**
 * candidate - current with the larger of both variances for each arm, se^2 = max(s_T^2, s_C^2) (1 / n_T + 1 / n_C): never narrower than `difference`. What decides goes by it. Where most values are 0, or a few are very large (revenue,
 * losses), an arm that happens to have few of them has a mean that is off and, from the same few, next to no variance: with variances of their own 35 % of healthy releases were called worse at the level of 2.5 %
 * (2 of 100 buy, log-normal revenue, 5 % of the traffic), with the larger one 0 to 2 %.
 */
export function cautiousDifference(candidate: Moments, current: Moments): Difference {
  return { ...difference(candidate, current), standardError: Math.sqrt(Math.max(variance(candidate), variance(current)) * (1 / candidate.n + 1 / current.n)) };
}

/**
 * (candidate - current) / current, as a share of current's mean, which must not be 0. With means a (current) and b (candidate), by the delta method:
 * se^2 = s_T^2 / (a^2 n_T) + b^2 s_C^2 / (a^4 n_C).
 *
 * Source: Deng, Knoblich and Lu, Applying the delta method in metric analytics, KDD 2018 (arXiv 1803.06336), on percent change; compared with gbstats' relative effects.
 */
export function relativeDifference(candidate: Moments, current: Moments): Difference {
  const [a, b] = [mean(current), mean(candidate)];
  return {
    estimate: b / a - 1,
    standardError: Math.sqrt(variance(candidate) / (a * a * candidate.n) + (variance(current) * b * b) / (a ** 4 * current.n)),
    n: candidate.n + current.n,
  };
}

/**
 * The difference over strata (intervals of constant allocation): sum w_k diff_k with w_k proportional to n_T n_C / (n_T + n_C), se^2 = sum w_k^2 se_k^2, se_k of `cautiousDifference`. Rates are never pooled
 * across them: a candidate that is better on every day can look worse in the sum (Simpson's paradox; Crook et al., Seven pitfalls, KDD 2009). The weights are those of
 * Cochran, Some methods for strengthening the common chi-squared tests, Biometrics 10, 1954. Undefined when no stratum has both arms.
 */
export function stratifiedDifference(strata: readonly (readonly [candidate: Moments, current: Moments])[]): Difference | undefined {
  const usable = strata.filter(([candidate, current]) => candidate.n > 1 && current.n > 1);
  const weights = usable.map(([candidate, current]) => (candidate.n * current.n) / (candidate.n + current.n));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return undefined;
  let estimate = 0;
  let squared = 0;
  let n = 0;
  for (const [index, [candidate, current]] of usable.entries()) {
    const weight = (weights[index] ?? 0) / total;
    const stratum = cautiousDifference(candidate, current);
    estimate += weight * stratum.estimate;
    squared += weight * weight * stratum.standardError ** 2;
    n += stratum.n;
  }
  return { estimate, standardError: Math.sqrt(squared), n };
}

/** The parameter rho that makes the sequence tightest at `tightest` observations: rho^2 = (-2 ln a + ln(1 - 2 ln a)) / N*. */
function rho(alpha: number, tightest: number): number {
  return Math.sqrt((-2 * Math.log(alpha) + Math.log(1 - 2 * Math.log(alpha))) / tightest);
}

/**
 * Half the width of the two-sided asymptotic confidence sequence: estimate +- this holds the truth at all looks together with probability 1 - alpha.
 *
 * Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence sequences, 2024 (arXiv 2103.06476), theorem 2.2.
 */
export function sequentialHalfWidth({ standardError, n }: Difference, alpha: number, tightest: number): number {
  const r = rho(alpha, tightest);
  const spread = n * r * r + 1;
  return standardError * Math.sqrt(n) * Math.sqrt((2 * spread / (n * r) ** 2) * Math.log(Math.sqrt(spread) / alpha));
}

/**
 * The same to one side: the truth is above estimate - this (or below estimate + this) at all looks with probability 1 - alpha.
 *
 * Source: the same, one-sided form in appendix B; rho with 2 alpha.
 */
export function sequentialOneSidedHalfWidth({ standardError, n }: Difference, alpha: number, tightest: number): number {
  const r = rho(2 * alpha, tightest);
  const spread = n * r * r + 1;
  return standardError * Math.sqrt(n) * Math.sqrt((2 * spread / (n * r) ** 2) * Math.log(1 + Math.sqrt(spread) / (2 * alpha)));
}

/**
 * Asymptotic: below these the normal approximation calls a candidate non-inferior that is twice as bad. `events` are those of a yes-or-no metric; others need units only.
 */
export const LEAST_UNITS = 200;
export const LEAST_EVENTS = 20;

/** Whether both arms of a stratum would have enough events, and enough others, if they were alike: one that has none at all of what the other has many may be called worse. */
export function mayTell(arms: readonly [Moments, Moments]): boolean {
  const rate = arms.reduce((sum, each) => sum + each.sum, 0) / arms.reduce((sum, { n }) => sum + n, 0);
  return arms.every(({ n }) => Math.min(n * rate, n * (1 - rate)) >= LEAST_EVENTS);
}

/** Whether both arms have them in all strata that are compared: below that nothing is called not worse. */
export function hasTold(strata: readonly (readonly [Moments, Moments])[]): boolean {
  return ([0, 1] as const).every((arm) => {
    const [n, sum] = strata.reduce<readonly [number, number]>((all, each) => [all[0] + each[arm].n, all[1] + each[arm].sum], [0, 0]);
    return Math.min(sum, n - sum) >= LEAST_EVENTS;
  });
}
