import { nullShare, WORSE_RATIOS } from './countRule.ts';
import { normalPoint } from './intervals.ts';

/**
 * The smallest ratio of rates that the count rule notices with this power when `predictions` have been seen, `share` of them with the candidate: an approximation, for people who
 * plan. The bad events of both arms are split as nullShare says; ln E grows by about the divergence of the two splits per bad event, and has to reach ln(1/alpha) plus
 * what the mixture costs (ln of its five components). Wald, Sequential Analysis, 1947, chapter 3. Infinite when no ratio up to 1000 can be noticed.
 */
export function detectableRatio({ predictions, share, rate, margin, alpha, power = 0.8 }: { readonly predictions: number; readonly share: number; readonly rate: number; readonly margin: number; readonly alpha: number; readonly power?: number }): number {
  const needed = Math.log(5 / alpha);
  const z = normalPoint(power);
  const p = (margin * share) / (margin * share + 1 - share);
  const detects = (ratio: number): boolean => {
    const q = (ratio * share) / (ratio * share + 1 - share);
    const bad = predictions * rate * (ratio * share + 1 - share);
    const [yes, no] = [Math.log(q / p), Math.log((1 - q) / (1 - p))];
    const drift = bad * (q * yes + (1 - q) * no);
    return drift - z * Math.sqrt(bad * (q * yes * yes + (1 - q) * no * no)) >= needed;
  };
  let [low, high] = [margin, Math.min(1000, 1 / rate)];
  if (!detects(high)) return Number.POSITIVE_INFINITY;
  for (let round = 0; round < 60; round += 1) {
    const middle = (low + high) / 2;
    if (detects(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * About how many predictions of the candidate show that it is not worse, when it has the rate of the current version: an approximation, for people who wait. ln E of the mirror (`evidenceNotWorse`) grows by the divergence of the true split of the bad
 * events, or of the true rate, from what is to be refuted, by the better of its two parts and the best of its components, and has to reach ln(1/alpha) plus what both mixtures cost. Wald, Sequential Analysis, 1947, chapter 3. Infinite where
 * nothing grows.
 */
export function predictionsToAccept({ share, rate, acceptRatio, minRate, alpha }: { readonly share: number; readonly rate: number; readonly acceptRatio: number; readonly minRate: number; readonly alpha: number }): number {
  /** The growth of ln E per event, of which the part `hits` is the candidate's, or bad, and `most` is not to be reached. */
  const growth = (hits: number, most: number): number => Math.max(0, ...WORSE_RATIOS.map((times) => hits * Math.log(1 / times) - Math.log(1 - most + most / times)));
  const relative = growth(share, nullShare(acceptRatio, { candidateCount: share, currentCount: 1 - share })) * (rate / share);
  const absolute = minRate > 0 ? growth(rate, minRate) : 0;
  return Math.log((WORSE_RATIOS.length * (minRate > 0 ? 2 : 1)) / alpha) / Math.max(relative, absolute);
}
