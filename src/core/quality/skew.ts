import { toNumber, type RecordLike } from '../expressions/evaluate.ts';
import { featureValue, isCode } from './featureValue.ts';
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

/** A number that a text writes as such; a text of digits alone may be an id, and is compared as what it is. */
const FRACTION = /[.e]/i;
const WHOLE = /^\s*[+-]?\d+\s*$/;

type Tolerance = Pick<SkewDefinition, 'abs' | 'rel'>;
type Value = number | string | object;

/** A value that can be compared; undefined: there is none. What is true or false is 1 or 0, as many write it. */
function valueOf(value: unknown): Value | undefined {
  const known = featureValue(value);
  if (typeof known === 'boolean') return Number(known);
  if (typeof known === 'number') return Number.isFinite(known) ? known : undefined;
  if (typeof known === 'string') return known === '' ? undefined : /^(?:true|false)$/i.test(known) ? Number(known.toLowerCase() === 'true') : known;
  return typeof known === 'object' && known !== null ? known : undefined;
}

/** How far two values lie apart as numbers; undefined: they are not compared as such, but are the same or not. */
function differenceOf(a: Value, b: Value): number | undefined {
  if (typeof a === 'object' || typeof b === 'object') return undefined;
  const texts = [a, b].filter((each) => typeof each === 'string');
  if (texts.some(isCode) || (texts.length === 2 && !texts.every((text) => FRACTION.test(text)))) return undefined;
  const [first, second] = [toNumber(a), toNumber(b)];
  return first === null || second === null ? undefined : Math.abs(first - second);
}

function isSame(a: unknown, b: unknown, tolerance: Tolerance): boolean {
  const [first, second] = [valueOf(a), valueOf(b)];
  if (first === undefined || second === undefined) return first === second;
  if (typeof first === 'object' && typeof second === 'object') {
    const [names, others] = [Object.keys(first), Object.keys(second)];
    return Array.isArray(first) === Array.isArray(second) && names.length === others.length && names.every((name) => Object.hasOwn(second, name) && isSame((first as RecordLike)[name], (second as RecordLike)[name], tolerance));
  }
  const difference = differenceOf(first, second);
  if (difference === undefined) return first === second;
  // Digits in a text, a whole number on the other side: an id, of which one is as far from the next as from any.
  const isId = typeof first !== typeof second && [first, second].every((each) => WHOLE.test(shown(each)));
  return isId ? difference === 0 : difference <= tolerance.abs + tolerance.rel * Math.max(Math.abs(Number(first)), Math.abs(Number(second)));
}

function shown(value: Value): string {
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, 60);
}

function count(counts: Counts, requestId: string, logged: unknown, recomputed: unknown, tolerance: Tolerance): void {
  const [a, b] = [valueOf(logged), valueOf(recomputed)];
  counts.requests += 1;
  if (a === undefined || b === undefined) {
    if (a === b) counts.equal += 1;
    else if (b === undefined) counts.onlyLogged += 1;
    else counts.onlyRecomputed += 1;
    return;
  }
  if (isSame(a, b, tolerance)) {
    counts.equal += 1;
    return;
  }
  counts.different += 1;
  const difference = differenceOf(a, b);
  if (counts.largest === undefined || (difference ?? -1) > (counts.largest.difference ?? -1)) counts.largest = { requestId, logged: shown(a), recomputed: shown(b), ...(difference === undefined ? {} : { difference }) };
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
 * Features as they were logged against those that were recomputed, by request id; the worst first. Numbers are equal when |a - b| <= abs + rel max(|a|, |b|), those in texts where they have a fraction or an
 * exponent on both sides, and those in lists and mappings, too; texts of digits are ids. A feature alarms when the share of requests
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
