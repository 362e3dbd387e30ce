import { isMismatch, sampleRatioEvidence } from './stats/sampleRatio.ts';
import type { ShareAt } from './strata.ts';
import type { QualityWindow } from './window.ts';

/** Whether units fall into the arms as they should. */
export interface RatioReport {
  readonly candidate: number;
  readonly current: number;
  /** The candidate's configured share: the last one, if any is known, or of a mismatch the one at which it is clearest. */
  readonly configured?: number;
  /** The share of the candidate among the units that came while it was that, else among all. */
  readonly observed: number;
  readonly verdict: 'mismatch' | 'as configured' | 'not checked';
  readonly because: string;
}

/** A log whose clock is behind by more than this is old by itself (`blind_after`, as it is by default). */
export const BEHIND_MS = 1_800_000;
/** Fewer units tell nothing of a share. */
const LEAST_UNITS = 10;

/**
 * The units of both arms against the share that was configured when they came; `unchecked`: why that says nothing of them. Windows just before a change of it are left out: where the clock of the log is behind, they hold units
 * that came after the change, and nothing that comes later would outweigh them. While a share lasts all of its windows count.
 */
export function ratioOf([candidate, current]: readonly [candidate: readonly QualityWindow[], current: readonly QualityWindow[]], shareAt: ShareAt | undefined, unchecked?: string): RatioReport {
  const units = (windows: readonly QualityWindow[]): number => windows.reduce((sum, window) => sum + window.units, 0);
  const counted = { candidate: units(candidate), current: units(current) };
  const shareOf = ([own, other]: readonly [number, number]): number => own / (own + other);
  const observed = shareOf([counted.candidate, counted.current]);
  if (shareAt === undefined) return { ...counted, observed, verdict: 'not checked', because: 'the configured share is not known' };
  if (unchecked !== undefined) return { ...counted, observed, verdict: 'not checked', because: unchecked };
  if (counted.candidate + counted.current === 0) return { ...counted, observed, verdict: 'not checked', because: 'the source tells no units' };
  if (counted.candidate + counted.current < LEAST_UNITS) return { ...counted, observed, verdict: 'not checked', because: `${counted.candidate + counted.current} units are too few to tell` };
  const byShare = new Map<number, [number, number]>();
  let last: number | undefined;
  for (const [arm, windows] of [candidate, current].entries()) {
    for (const window of windows) {
      const share = shareAt(window.start, window.end + BEHIND_MS);
      if (share === undefined || share <= 0 || share >= 1) continue;
      const sums = byShare.get(share) ?? [0, 0];
      sums[arm] = (sums[arm] ?? 0) + (window.drawn ?? window.units);
      byShare.set(share, sums);
      last = share;
    }
  }
  if (last === undefined) return { ...counted, observed, verdict: 'not checked', because: 'no window in which the configured share was constant' };
  const intervals = [...byShare].map(([share, counts]) => ({ counts, shares: [share, 1 - share] }));
  const mismatch = isMismatch(sampleRatioEvidence(intervals));
  const worst = intervals.toSorted((a, b) => sampleRatioEvidence([b]) - sampleRatioEvidence([a]))[0];
  const shown = mismatch ? worst?.shares[0] ?? last : last;
  return { ...counted, configured: shown, observed: shareOf(byShare.get(shown) ?? [0, 0]), verdict: mismatch ? 'mismatch' : 'as configured', because: mismatch ? 'units do not fall into the arms as configured: comparisons would be about different people' : 'units fall into the arms as configured' };
}
