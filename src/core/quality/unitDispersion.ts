import { NO_MOMENTS } from './stats/confidenceSequence.ts';
import { dispersionBound, type UnitSums } from './stats/dispersion.ts';
import type { ArmSummary, QualityWindow } from './window.ts';

/** Which sums of an arm: those of a metric, or of who has what it needs of outcomes. */
type Pick = 'unitSums' | 'labelSums';

/** Records that told a metric, or predictions that have matured. */
function told({ metrics, labels }: QualityWindow, metric: string, pick: Pick): number {
  return pick === 'unitSums' ? (metrics[metric] ?? NO_MOMENTS).n : labels?.matured ?? 0;
}

/**
 * How much more the counts of some windows vary than independent requests would (`dispersionBound`), by the units that were counted in them; never less than what they show. Of the part w of the counts that came before units were counted anew
 * (`ArmSummary.unitsBefore`) it is known only how much all did until then: phi' of the arm in which it was most. The norm of a sum is at most the sum of the norms, so phi of both parts together is at most
 * (sqrt((1 - w) phi) + sqrt(w phi'))^2, whichever units each is of: that is answered. Where nothing is known from before, it is taken for as many parts like the one that is known as it takes: phi / (1 - w). Undefined where the
 * source knows no units.
 *
 * @param estimate `dispersion`: what units show, also where they are too few to be sure of it
 *
 * Source: Minkowski's inequality for the vectors b_i - rate m_i of `dispersion`.
 */
export function dispersionIn(windows: readonly QualityWindow[], arms: readonly ArmSummary[], metric: string, pick: Pick = 'unitSums', estimate = dispersionBound): number | undefined {
  const sums = arms.flatMap((arm): readonly UnitSums[] => { const own = arm[pick]?.[metric]; return own === undefined ? [] : [own]; });
  const before = arms.flatMap(({ unitsBefore }) => unitsBefore ?? []);
  const from = before[0]?.from;
  if (from === undefined) return sums.length === 0 ? undefined : estimate(sums);
  let [n, missing] = [0, 0];
  for (const window of windows) {
    const own = told(window, metric, pick);
    n += own;
    if (window.start < from) missing += own;
  }
  const known = estimate(sums);
  if (missing === 0) return known;
  const earlier = before.flatMap((each) => each[pick][metric] ?? []);
  const part = missing / n;
  return earlier.length === 0 ? known / (1 - part) : (Math.sqrt((1 - part) * known) + Math.sqrt(part * Math.max(...earlier))) ** 2;
}
