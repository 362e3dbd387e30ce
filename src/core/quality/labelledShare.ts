import { cochranMantelHaenszel, type ShareStratum } from './stats/fixedTests.ts';
import type { QualityWindow } from './window.ts';

/** How sure it must be that shares differ, and by how much they must: by a point, or where few have outcomes by half of one, of which a point may be many. Less may be so by chance at one look of many. */
const [LEVEL, LEAST_DIFFERENCE, FEW_DIFFERENCE, FEW] = [0.001, 0.01, 0.005, 0.5];

function labelled(windows: readonly QualityWindow[], metric: string): ShareStratum['candidate'] {
  return windows.reduce((total, { labels }) => {
    const n = labels?.matured ?? 0;
    return { n: total.n + n, sum: total.sum + Math.min(n, labels?.labelled[metric] ?? 0) };
  }, { n: 0, sum: 0 });
}

/**
 * Whether the share of matured predictions that have what a metric needs of outcomes differs by arm, by more than a point, or half of one where few have it: then those that have it are chosen differently, and a difference of the metric says nothing. Compared is
 * within services and stretches of constant allocation: outcomes that come for more predictions in one service, or of one week, than in another differ between arms only in how many of theirs were there. The share of a
 * source without `QualityWindow.labels` is not known.
 *
 * @param strata windows of both arms, of one service and one allocation each
 * @param dispersion how much more the counts of units vary than independent ones would, for a unit whose outcomes come, or not, all together
 */
export function differInLabels(strata: readonly (readonly [candidate: readonly QualityWindow[], current: readonly QualityWindow[]])[], metric: string, dispersion: number): boolean {
  const { p, difference, share } = cochranMantelHaenszel(strata.map(([candidate, current]) => ({ candidate: labelled(candidate, metric), current: labelled(current, metric) })), dispersion);
  return p < LEVEL && Math.abs(difference) > (share < FEW ? FEW_DIFFERENCE : LEAST_DIFFERENCE);
}
