import { plainLine } from '../base/words.ts';
import type { MetricDefinition } from './definitions.ts';
import { NO_HISTOGRAM } from './histogram.ts';
import { countTold } from './toldShare.ts';
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
  readonly hasOwnTotals?: boolean;
  /** Why it told a part only. */
  readonly incomplete?: string | undefined;
  readonly doubts?: QualityData['doubts'];
  /** Up to when anything can have been seen, by arm or of all: a window that goes on has not been seen to its end. Milliseconds since 1970. */
  readonly seen?: (arm: string) => number;
  /** By arm. */
  readonly latencies?: ReadonlyMap<string, LatencyTold>;
}

/** What a source knows that has windows: no units, no scores, no features. */
export function dataOfWindows(windows: readonly QualityWindow[], { designEffect, messages, hasOwnTotals, incomplete, doubts, seen = () => Number.POSITIVE_INFINITY, latencies }: BesideWindows): QualityData {
  const arms = new Map<string, { -readonly [K in keyof ArmSummary]: ArmSummary[K] }>();
  for (const { arm, environment, requests, units, end, newest = end } of windows.filter(({ slice }) => slice === undefined)) {
    const key = `${environment}\n${arm}`;
    const known = arms.get(key) ?? { arm, environment, requests: 0, units: 0, lastSeen: 0, unitSums: {}, latency: NO_HISTOGRAM, score: NO_HISTOGRAM, labelledScore: NO_HISTOGRAM, scoreOfPositives: NO_HISTOGRAM, matured: 0, labelled: 0, ...latencies?.get(arm) };
    known.requests += requests;
    known.units += units;
    if (requests > 0) known.lastSeen = Math.max(known.lastSeen, Math.min(newest, seen(arm)));
    arms.set(key, known);
  }
  return { windows: [...windows].sort((a, b) => a.start - b.start), arms: [...arms.values()], designEffect, ...(hasOwnTotals === undefined ? {} : { hasOwnTotals }), ...(doubts === undefined ? {} : { doubts }), notes: { ...NO_NOTES, messages, ...(incomplete === undefined ? {} : { incomplete }) } };
}

/** The metrics of a definition for which a source of windows has no numbers. */
export function metricsWithout(windows: readonly QualityWindow[], metrics: readonly MetricDefinition[]): readonly string[] {
  return metrics.filter(({ name }) => !windows.some((window) => (window.metrics[name]?.n ?? 0) > 0)).map(({ name }) => name);
}

/** A share of the records that is too small to be spoken of: the answer of a request that failed has no score. */
const LITTLE = 0.01;

/**
 * In words, of which metrics an arm's records do not tell more than a little: they count neither for them nor against them, so what they would say is missing from the rate. Of metrics that need outcomes, which are told later or
 * never, only records that have them.
 */
export function untoldWords(windows: readonly QualityWindow[], metrics: readonly MetricDefinition[]): readonly string[] {
  const arms = new Map<string, QualityWindow[]>();
  for (const window of windows) {
    if (window.slice !== undefined) continue;
    const own = arms.get(window.arm);
    if (own === undefined) arms.set(window.arm, [window]);
    else own.push(window);
  }
  return metrics.flatMap((metric) => {
    const { name, labelled } = metric;
    const found = [...arms].flatMap(([arm, own]) => {
      const { n, sum } = countTold(own, metric);
      return n - sum > LITTLE * n ? [`${n - sum} of ${n} records of ${plainLine(arm, 60)}${labelled ? ' with an outcome' : ''}`] : [];
    });
    return found.length === 0 ? [] : [`${found.join(' and ')} do not tell ${plainLine(name, 60)}: they do not count for it.`];
  });
}

/** In words, how many predictions with an outcome have a score that is no probability, where a metric needs one. */
export function outsideWords(arms: readonly ArmSummary[], metrics: readonly MetricDefinition[]): readonly string[] {
  const names = metrics.filter(({ measure }) => measure === 'brier' || measure === 'pr_auc').map(({ name }) => plainLine(name, 60));
  const outside = arms.reduce((sum, { labelledScore: { counts } }) => sum + (counts[0] ?? 0) + (counts.at(-1) ?? 0), 0);
  return names.length === 0 || outside === 0 ? [] : [`${outside} scores of predictions with an outcome are outside 0 to 1: they tell nothing of ${names.join(' and ')}.`];
}
