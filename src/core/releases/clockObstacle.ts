import { durationWords } from '../base/duration.ts';
import type { ReleaseLook } from './assessment.ts';
import { newestData } from './dataAge.ts';

/** Clocks of servers that are kept right differ by less. */
export const SKEW_MS = 60_000;

/**
 * A log whose clock is ahead tells of a stage what happened before it, so nothing is raised on it; a breach stays one. One that is behind tells of a stage too late, which only
 * delays (what came just before the share changed is in no sample ratio, nor are answers missing of it), and is old when it is far behind.
 */
export function clockObstacle({ quality, now }: Pick<ReleaseLook, 'quality' | 'now'>, environment: string): { readonly words: string }[] {
  const data = newestData(quality);
  if (data === undefined) return [];
  // No spread: there are more windows of months, or of slices, than a call takes arguments.
  const newest = data.windows.reduce((last, each) => (each.environment === environment ? Math.max(last, each.start) : last), Number.NEGATIVE_INFINITY);
  return newest > now + SKEW_MS ? [{ words: `the clock of the prediction log is ahead of Unleash's by ${durationWords(newest - now)} or more: which stage its records belong to is not known` }] : [];
}
