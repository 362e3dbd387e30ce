import { toNumber, type RecordLike } from '../expressions/evaluate.ts';
import { clopperPearson, type Interval } from './stats/intervals.ts';

const LEVEL = 0.05;

/** How features are recomputed, and how near they must come to those that were logged. */
export interface SkewDefinition {
  /** The program and its arguments; no shell reads them. */
  readonly command: readonly string[];
  readonly abs: number;
  readonly rel: number;
  /** The share of requests with another value that is still tolerated. */
  readonly maxShare: number;
  /** How many requests are recomputed at most. */
  readonly sample: number;
  readonly lookbackMs: number;
}

/** A logged prediction whose features are recomputed. */
export interface LoggedFeatures {
  readonly requestId: string;
  readonly features: RecordLike;
}

/** One feature, request by request. Every request counts in exactly one of `equal`, `different`, `onlyLogged`, `onlyRecomputed`. */
export interface FeatureSkew {
  readonly feature: string;
  readonly requests: number;
  /** Within the tolerance, the same text, or missing on both sides. */
  readonly equal: number;
  readonly different: number;
  /** Requests with a value in the log and none recomputed, and the other way round. Null, NaN and infinities are no values. */
  readonly onlyLogged: number;
  readonly onlyRecomputed: number;
  /** The pair of numbers that lies farthest apart, or else a pair of other values. */
  readonly largest?: { readonly requestId: string; readonly logged: string; readonly recomputed: string; readonly difference?: number };
  /** Share of requests that are not equal, with the exact interval (Clopper and Pearson) at the level .05 over the number of features, to each side. */
  readonly share: number;
  readonly interval: Interval;
  readonly alarm: boolean;
  readonly because: string;
}

export interface SkewReport {
  readonly features: readonly FeatureSkew[];
  /** Requests that were asked for, and those among them that the command told. */
  readonly asked: number;
  readonly told: number;
  /** Request ids that nobody asked for. */
  readonly unknown: number;
  readonly notRecomputed: readonly string[];
  readonly notLogged: readonly string[];
  /** Why so little was compared that the report says nothing, be there alarms or none. */
  readonly insufficient?: string;
}

/** Of the requests that are asked for, so many must be told: those that a command passes over may be those that it cannot recompute. */
const LEAST_TOLD = 0.5;

interface Counts { requests: number; equal: number; different: number; onlyLogged: number; onlyRecomputed: number; largest: FeatureSkew['largest'] }

/** A value that can be compared; undefined: there is none. What is true or false is 1 or 0, as many write it. */
function valueOf(value: unknown): number | string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string' && /^(?:true|false)$/i.test(value)) return Number(value.toLowerCase() === 'true');
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return toNumber(value) ?? (typeof value === 'string' ? value : JSON.stringify(value));
}

function count(counts: Counts, requestId: string, logged: unknown, recomputed: unknown, { abs, rel }: Pick<SkewDefinition, 'abs' | 'rel'>): void {
  const [a, b] = [valueOf(logged), valueOf(recomputed)];
  counts.requests += 1;
  if (a === undefined || b === undefined) {
    if (a === b) counts.equal += 1;
    else if (b === undefined) counts.onlyLogged += 1;
    else counts.onlyRecomputed += 1;
    return;
  }
  const difference = typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) : undefined;
  const isEqual = difference === undefined ? a === b : difference <= abs + rel * Math.max(Math.abs(Number(a)), Math.abs(Number(b)));
  if (isEqual) {
    counts.equal += 1;
    return;
  }
  counts.different += 1;
  if (counts.largest === undefined || (difference ?? -1) > (counts.largest.difference ?? -1)) {
    counts.largest = { requestId, logged: String(a).slice(0, 60), recomputed: String(b).slice(0, 60), ...(difference === undefined ? {} : { difference }) };
  }
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function judged(feature: string, counts: Counts, features: number, { maxShare }: Pick<SkewDefinition, 'maxShare'>): FeatureSkew {
  const { requests, equal } = counts;
  const share = (requests - equal) / requests;
  const interval = clopperPearson(requests - equal, requests, 1 - (2 * LEVEL) / features);
  const alarm = interval.low > maxShare;
  const words = `${percent(share)} of ${requests} requests (${percent(interval.low)} to ${percent(interval.high)})`;
  const because = share === 0 ? (requests === 1 ? 'equal in the one request' : `equal in all ${requests} requests`) : alarm ? `other values in ${words}, more than ${percent(maxShare)}` : `other values in ${words}: no evidence for more than ${percent(maxShare)}`;
  const { largest, ...rest } = counts;
  return { feature, ...rest, ...(largest === undefined ? {} : { largest }), share, interval, alarm, because };
}

/**
 * Features as they were logged against those that were recomputed, by request id; the worst first. Numbers are equal when |a - b| <= abs + rel max(|a|, |b|). A feature alarms when the share of requests
 * with another value is shown to be above `maxShare`. Judged are features that one side has and the other names, were it without a value; the others are named.
 */
export function skewReport(logged: readonly LoggedFeatures[], recomputed: ReadonlyMap<string, RecordLike>, definition: SkewDefinition): SkewReport {
  const asked = new Set(logged.map(({ requestId }) => requestId));
  const pairs = logged.flatMap(({ requestId, features }) => { const other = recomputed.get(requestId); return other === undefined ? [] : [{ requestId, features, other }]; });
  const names = (records: readonly RecordLike[]): Set<string> => new Set(records.flatMap((record) => Object.keys(record).filter((name) => valueOf(record[name]) !== undefined)));
  const [own, others] = [names(pairs.map(({ features }) => features)), names(pairs.map(({ other }) => other))];
  const [ownNames, otherNames] = [new Set(pairs.flatMap(({ features }) => Object.keys(features))), new Set(pairs.flatMap(({ other }) => Object.keys(other)))];
  const both = [...new Set([...own, ...others])].filter((name) => ownNames.has(name) && otherNames.has(name));
  const features = both.map((name): FeatureSkew => {
    const counts: Counts = { requests: 0, equal: 0, different: 0, onlyLogged: 0, onlyRecomputed: 0, largest: undefined };
    for (const { requestId, features: record, other } of pairs) count(counts, requestId, record[name], other[name], definition);
    return judged(name, counts, both.length, definition);
  });
  return {
    features: features.sort((a, b) => b.interval.low - a.interval.low || b.share - a.share || (a.feature < b.feature ? -1 : 1)),
    asked: asked.size, told: pairs.length, unknown: [...recomputed.keys()].filter((id) => !asked.has(id)).length,
    notRecomputed: [...own].filter((name) => !otherNames.has(name)).sort(), notLogged: [...others].filter((name) => !ownNames.has(name)).sort(),
    ...(pairs.length < LEAST_TOLD * asked.size ? { insufficient: `the command told ${pairs.length} of ${asked.size} requests` } : both.length === 0 ? { insufficient: 'no feature is on both sides under the same name' } : {}),
  };
}
