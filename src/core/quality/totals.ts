import { NO_MOMENTS, type Moments } from './stats/confidenceSequence.ts';
import type { QualityWindow } from './window.ts';

/** A metric of several windows together. */
export function totalOf(windows: readonly QualityWindow[], metric: string): Moments {
  return windows.reduce<Moments>((sum, { metrics }) => {
    const { n, sum: added, squares } = metrics[metric] ?? NO_MOMENTS;
    return { n: sum.n + n, sum: sum.sum + added, squares: sum.squares + squares };
  }, NO_MOMENTS);
}
