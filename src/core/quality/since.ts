import { sumOfStretches } from './stretches.ts';
import type { ArmSummary, QualityData, QualityWindow } from './window.ts';

function armSince(arm: ArmSummary, at: number): ArmSummary {
  const { stretches, latency, score, labelledScore } = arm;
  if (stretches === undefined || stretches.every(({ start }) => start >= at)) return arm;
  const counted = stretches.filter(({ start }) => start >= at);
  return { ...arm, stretches: counted, ...sumOfStretches(counted, { latency: latency.edges, score: score.edges, ranked: labelledScore.edges }) };
}

/**
 * What counts from a time on: windows and histograms that began then or later, and how many outcomes there are of them. How dependent the requests of a unit are is known of what a source that was told so counted since then, or else of all that was read (`dispersionIn`); units, drift and
 * when an arm was last seen are of all.
 *
 * @param at milliseconds since 1970; undefined: all counts
 */
export function dataSince(data: QualityData, at: number | undefined): QualityData {
  if (at === undefined) return data;
  return { ...data, windows: data.windows.every(({ start }) => start >= at) ? data.windows : data.windows.filter(({ start }) => start >= at), arms: data.arms.map((arm) => armSince(arm, at)) };
}

/** From when on windows are there that count: those that began before `at` do not, so hours of the exposure counters in them have no records to be compared with. In milliseconds since 1970, as `at`. */
export function countedSince(windows: readonly QualityWindow[], at: number | undefined): number {
  return at === undefined ? Number.NEGATIVE_INFINITY : Math.max(at, ...windows.filter(({ start, end }) => start < at && end > at).map(({ end }) => end));
}
