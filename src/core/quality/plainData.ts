import type { MetricDefinition } from './definitions.ts';
import { NO_HISTOGRAM } from './histogram.ts';
import { NO_NOTES, type ArmStretch, type ArmSummary, type Histogram, type QualityData, type QualityWindow } from './window.ts';

/** Latencies of an arm in milliseconds: of all the time that was read, and by stretches of it. */
export interface LatencyTold {
  readonly latency: Histogram;
  readonly stretches: readonly ArmStretch[];
}

/** What a source of windows tells beside them. */
export interface BesideWindows {
  readonly designEffect: number;
  readonly messages: readonly string[];
  /** Why it told a part only. */
  readonly incomplete?: string | undefined;
  /** By arm. */
  readonly latencies?: ReadonlyMap<string, LatencyTold>;
}

/** What a source knows that has windows: no units, no scores, no features. */
export function dataOfWindows(windows: readonly QualityWindow[], { designEffect, messages, incomplete, latencies }: BesideWindows): QualityData {
  const arms = new Map<string, { -readonly [K in keyof ArmSummary]: ArmSummary[K] }>();
  for (const { arm, environment, requests, units, end } of windows.filter(({ slice }) => slice === undefined)) {
    const key = `${environment}\n${arm}`;
    const known = arms.get(key) ?? { arm, environment, requests: 0, units: 0, lastSeen: 0, unitSums: {}, latency: NO_HISTOGRAM, score: NO_HISTOGRAM, labelledScore: NO_HISTOGRAM, scoreOfPositives: NO_HISTOGRAM, matured: 0, labelled: 0, ...latencies?.get(arm) };
    known.requests += requests;
    known.units += units;
    if (requests > 0) known.lastSeen = Math.max(known.lastSeen, end);
    arms.set(key, known);
  }
  return { windows: [...windows].sort((a, b) => a.start - b.start), arms: [...arms.values()], designEffect, notes: { ...NO_NOTES, messages, ...(incomplete === undefined ? {} : { incomplete }) } };
}

/** The metrics of a definition for which a source of windows has no numbers. */
export function metricsWithout(windows: readonly QualityWindow[], metrics: readonly MetricDefinition[]): readonly string[] {
  return metrics.filter(({ name }) => !windows.some((window) => (window.metrics[name]?.n ?? 0) > 0)).map(({ name }) => name);
}
