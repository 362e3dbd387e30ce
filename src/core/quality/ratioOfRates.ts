import { alarms, evidenceNotWorse, evidenceWorse, type CountInterval } from './stats/countRule.ts';
import type { Interval } from './stats/intervals.ts';
import { atUsualRate } from './stats/usualRate.ts';

/** The ratios that are looked at, in ln, and how near an end of an interval is found: to a thousandth of itself. */
const [LOWEST, HIGHEST, NEAR] = [Math.log(1e-3), Math.log(1e3), 1e-3];
/** How far from the ratio that was seen an end is looked for first. */
const FIRST_STEP = 0.1;

/** The ratios that neither the rule nor its mirror refutes: an interval that is valid at every look. The mirror by those events it decides by, and by all, for in an outage the arms may differ: else it could be below what the rule shows. */
export function ratioInterval(intervals: readonly CountInterval[], alpha: number): Interval {
  const usual = atUsualRate(intervals);
  // Mostly nothing is unusual, and both are one. Where neither arm had bad events nothing is told.
  const mirrored = (usual.every((each, index) => each === intervals[index]) ? [intervals] : [usual, intervals]).map(withBad);
  const rule = withBad(intervals);
  const seen = Math.min(HIGHEST, Math.max(LOWEST, Math.log(stratifiedRatio(intervals) ?? 1)));
  return {
    low: boundary((ratio) => alarms(evidenceWorse(rule, ratio).plain, alpha), seen),
    high: boundary((ratio) => !mirrored.every((each) => alarms(evidenceNotWorse(each, ratio), alpha)), seen),
  };
}

function withBad(intervals: readonly CountInterval[]): readonly CountInterval[] {
  return intervals.filter(({ bad }) => bad > 0);
}

/**
 * The ratio below which something is so, and above which it is not: 0 where it never is, infinite where it always is. Looked for from a ratio near it on (in ln) by ever longer steps, then by halves: each look at a ratio goes through all intervals.
 */
function boundary(isBelow: (ratio: number) => boolean, near: number): number {
  const isLow = (log: number): boolean => isBelow(Math.exp(log));
  let [low, high, step] = [near, near, FIRST_STEP];
  if (isLow(near)) {
    do {
      if (high === HIGHEST) return Number.POSITIVE_INFINITY;
      [low, high, step] = [high, Math.min(HIGHEST, high + step), 2 * step];
    } while (isLow(high));
  } else {
    do {
      if (low === LOWEST) return 0;
      [high, low, step] = [low, Math.max(LOWEST, low - step), 2 * step];
    } while (!isLow(low));
  }
  while (high - low > NEAR) {
    const middle = (low + high) / 2;
    if (isLow(middle)) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/** Mantel and Haenszel's ratio of rates over strata (JNCI 22, 1959; for rates: Rothman and Greenland). */
export function stratifiedRatio(intervals: readonly CountInterval[]): number | undefined {
  let [above, below] = [0, 0];
  for (const { candidateBad, bad, candidateCount, currentCount } of intervals) {
    const n = candidateCount + currentCount;
    if (n === 0) continue;
    above += (candidateBad * currentCount) / n;
    below += ((bad - candidateBad) * candidateCount) / n;
  }
  return above === 0 && below === 0 ? undefined : above / below;
}
