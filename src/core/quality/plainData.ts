import { plainLine } from '../base/words.ts';
import { RECORD_TYPES, type MetricDefinition } from './definitions.ts';
import { NO_HISTOGRAM } from './histogram.ts';
import { countTold } from './toldShare.ts';
import { featureMend } from './untoldFields.ts';
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
 *
 * @param features the names of those that came
 */
export function untoldWords(windows: readonly QualityWindow[], metrics: readonly MetricDefinition[], features: ReadonlySet<string>): readonly string[] {
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
    return found.length === 0 ? [] : [`${found.join(' and ')} do not tell ${plainLine(name, 60)}${readWords(metric, features)}: they do not count for it.`];
  });
}

/** What records need for a metric that is an expression: its fields, numbers as such. */
function readWords({ expression }: MetricDefinition, features: ReadonlySet<string>): string {
  const paths = expression?.paths ?? [];
  if (paths.length === 0) return '';
  const fields = [...new Set(paths.map((path) => `${path.join('.')}${RECORD_TYPES.fields[path[0] ?? ''] === 'number' ? ' as a number' : ''}`))];
  const mends = new Set(paths.flatMap((path) => featureMend(path, features) ?? []));
  return `, which reads ${plainLine(fields.join(', '), 120)}${mends.size === 0 ? '' : ` (${plainLine([...mends].join(' '), 120)})`}`;
}

/** A latency, in milliseconds, that hardly any model stays below, and the part of so many records that must. */
const [QUICK_MS, NEARLY_ALL, MANY] = [2, 0.99, 1000];

/** What is said where a metric reads latencies that may be seconds: an objective in milliseconds is then never missed. */
export function secondsWords(arms: readonly Pick<ArmSummary, 'latency'>[], metrics: readonly MetricDefinition[]): readonly string[] {
  const names = metrics.filter(({ expression }) => expression?.paths.some(([first]) => first === 'latency_ms') === true).map(({ name }) => plainLine(name, 60));
  const total = arms.reduce((sum, { latency: { counts } }) => sum + counts.reduce((all, count) => all + count, 0), 0);
  const quick = arms.reduce((sum, { latency: { edges, counts } }) => sum + counts.reduce((all, count, bin) => ((edges[bin] ?? Number.POSITIVE_INFINITY) <= QUICK_MS ? all + count : all), 0), 0);
  return names.length === 0 || total < MANY || quick < NEARLY_ALL * total ? [] : [`latency_ms, which ${names.join(' and ')} read${names.length === 1 ? 's' : ''}, is below ${QUICK_MS} in nearly all records. It is in milliseconds: where these are seconds, log 1,000 times as much.`];
}

/** In words, of which predictions no outcome can be known. */
export function withoutRequestWords(arms: readonly Pick<ArmSummary, 'arm' | 'environment' | 'withoutRequest'>[]): readonly string[] {
  return arms.flatMap(({ arm, environment, withoutRequest }) => (withoutRequest === undefined ? [] : [`${environment === '' ? '' : `${plainLine(environment, 60)}: `}${withoutRequest.toLocaleString('en')} ${withoutRequest === 1 ? 'prediction' : 'predictions'} of ${plainLine(arm, 60)} ${withoutRequest === 1 ? 'has' : 'have'} no request_id, so no outcome is known to be theirs: metrics that need one leave them out. Log the same request_id with both.`]));
}

/** In words, how many predictions with an outcome have a score that is no probability, where a metric needs one. */
export function outsideWords(arms: readonly ArmSummary[], metrics: readonly MetricDefinition[]): readonly string[] {
  const names = metrics.filter(({ measure }) => measure === 'brier' || measure === 'pr_auc').map(({ name }) => plainLine(name, 60));
  const outside = arms.reduce((sum, { labelledScore: { counts } }) => sum + (counts[0] ?? 0) + (counts.at(-1) ?? 0), 0);
  return names.length === 0 || outside === 0 ? [] : [`${outside} scores of predictions with an outcome are outside 0 to 1: they tell nothing of ${names.join(' and ')}.`];
}
