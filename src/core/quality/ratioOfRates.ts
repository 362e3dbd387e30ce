import { alarms, evidenceNotWorse, evidenceWorse, type CountInterval } from './stats/countRule.ts';
import type { Interval } from './stats/intervals.ts';
import { atUsualRate } from './stats/usualRate.ts';

/** The ratios that neither the rule nor its mirror refutes: an interval that is valid at every look. The mirror by those events it decides by, and by all, for in an outage the arms may differ: else it could be below what the rule shows. */
export function ratioInterval(intervals: readonly CountInterval[], alpha: number): Interval {
  const usual = atUsualRate(intervals);
  // Mostly nothing is unusual, and both are one.
  const mirrored = usual.every((each, index) => each === intervals[index]) ? [intervals] : [usual, intervals];
  const bisect = (isLow: (ratio: number) => boolean): number => {
    let [low, high] = [Math.log(1e-3), Math.log(1e3)];
    if (!isLow(1e-3)) return 0;
    if (isLow(1e3)) return Number.POSITIVE_INFINITY;
    for (let round = 0; round < 30; round += 1) {
      const middle = (low + high) / 2;
      if (isLow(Math.exp(middle))) low = middle;
      else high = middle;
    }
    return Math.exp((low + high) / 2);
  };
  return {
    low: bisect((ratio) => alarms(evidenceWorse(intervals, ratio).plain, alpha)),
    high: bisect((ratio) => !mirrored.every((each) => alarms(evidenceNotWorse(each, ratio), alpha))),
  };
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
