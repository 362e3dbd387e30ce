import type { ArmValue } from './comparison.ts';
import { averagePrecision } from './measures.ts';
import { ARMS } from './refusals.ts';
import type { ArmSummary } from './window.ts';

/** The part of the scores that may be none, and how far apart the areas under a curve may be that scores in one bin allow. */
const [MOST_OUTSIDE, MOST_UNORDERED] = [0.001, 0.2];

/** PR-AUC of both arms. */
export interface CurveAreas {
  readonly candidate: ArmValue;
  readonly current: ArmValue;
  /** candidate - current. */
  readonly effect: number;
  /** Why an arm has none, whose value is then NaN. */
  readonly untold: string | undefined;
}

function areaOf(arms: readonly ArmSummary[], name: string, metric: string): ArmValue & { readonly untold: string | undefined } {
  const own = arms.filter(({ arm }) => arm === name);
  const add = (pick: (arm: ArmSummary) => readonly number[]): number[] => own.map(pick).reduce<number[]>((sum, counts) => counts.map((count, bin) => count + (sum[bin] ?? 0)), []);
  const all = add(({ labelledScore }) => labelledScore.counts);
  const [n, units] = [all.reduce((sum, count) => sum + count, 0), own.reduce((sum, { unitSums }) => sum + (unitSums[metric]?.units ?? 0), 0)];
  const { value, low, high } = averagePrecision(all, add(({ scoreOfPositives }) => scoreOfPositives.counts));
  const outside = (all[0] ?? 0) + (all.at(-1) ?? 0);
  const untold = outside > MOST_OUTSIDE * n ? `${outside} of ${n} scores of ${name} are outside 0 to 1`
    : high - low > MOST_UNORDERED ? `the scores of ${name} lie too near to each other to tell their order (between ${low.toFixed(2)} and ${high.toFixed(2)})` : undefined;
  return { n, ...(units === 0 ? {} : { units }), value: untold === undefined ? value : Number.NaN, untold };
}

/** @param arms of one environment; `metric`: by whose records units are counted */
export function curveAreas(arms: readonly ArmSummary[], metric: string): CurveAreas {
  const [{ untold, ...candidate }, { untold: also, ...current }] = [areaOf(arms, ARMS[0], metric), areaOf(arms, ARMS[1], metric)];
  return { candidate, current, effect: candidate.value - current.value, untold: untold ?? also };
}
