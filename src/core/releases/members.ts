import { plainLine } from '../base/words.ts';
import { environmentHistory } from '../flags/history.ts';
import { environmentOf, type FlagEnvironment } from '../flags/model.ts';
import { everyoneShare } from '../flags/planner.ts';
import { segmentMap, type FlagReading } from '../flags/planning.ts';
import { maxExposure, type Segments } from '../flags/rollout.ts';
import { activeShares } from '../flags/shares.ts';
import type { ComparisonOptions, ComparisonReport, MetricComparison } from '../quality/comparison.ts';
import { MISSING_ANSWERS, type MetricDefinition, type QualityDefinition } from '../quality/definitions.ts';
import { areProportions } from '../quality/proportions.ts';
import type { Moments } from '../quality/stats/confidenceSequence.ts';
import { normalPoint, wilson } from '../quality/stats/intervals.ts';
import { isAcrossChange, type ShareAt } from '../quality/strata.ts';
import { totalOf } from '../quality/totals.ts';
import type { QualityData, QualityWindow } from '../quality/window.ts';
import { whereWithout } from '../workspace/plan.ts';
import { comparedDuring, type Allocation, type EvidenceStart } from './allocation.ts';

type Time = Pick<QualityWindow, 'start' | 'end'>;

/**
 * Those who get the candidate beside the percentage, such as a segment at 100 % while everyone is at 5 %, and are counted as the candidate's. They are no sample of everyone, and nobody like them has the current version.
 */
export interface Members {
  /** `members of segment internal`. */
  readonly who: string;
  /** What leaves them out: `leave them out by ...`. */
  readonly mend: string;
  /** Whether the source could leave them out by something that is written here; what another one leaves out is not known. */
  readonly isCertain: boolean;
  readonly isExposed: (time: Time) => boolean;
  /** Whether nobody else had what is released now. */
  readonly isAlone: (time: Time) => boolean;
}

/** Most of the candidate's predictions that may be theirs: of what is all theirs nothing would be left to tell by. */
const MOST = 0.99;

/** When somebody was exposed beside the percentage, by which state; undefined: not since evidence began, or `where` says who is compared. Only a log knows `where`. */
function timesBeside({ detail, segments: known, events }: FlagReading, environmentName: string, definition: QualityDefinition, { at = Number.NEGATIVE_INFINITY }: EvidenceStart): { readonly from: number; readonly to: number; readonly state: FlagEnvironment }[] | undefined {
  const environment = environmentOf(detail.flag, environmentName);
  if (environment === undefined || (isOfLog(definition) && definition.where !== undefined)) return undefined;
  const segments = segmentMap(known);
  const { states } = environmentHistory(environment, events);
  const began = states.map((state) => Date.parse(state.events.at(-1)?.createdAt ?? ''));
  const times = states.flatMap(({ environment: state }, index) => {
    const [from, to] = [began[index] ?? Number.NaN, began[index + 1] ?? Number.POSITIVE_INFINITY];
    return maxExposure(state, segments) > everyoneShare(state, segments) ? [{ from: Number.isNaN(from) ? Number.NEGATIVE_INFINITY : from, to, state }] : [];
  });
  return (times.at(-1)?.to ?? Number.NEGATIVE_INFINITY) > at ? times : undefined;
}

function isOfLog({ source }: QualityDefinition): boolean {
  return source === undefined || source.kind === 'log';
}

/** From when on they alone had what is released now, in milliseconds since 1970, where they count in evidence; undefined: never before it began. */
export function aloneFrom(reading: FlagReading, environmentName: string, definition: QualityDefinition, since: EvidenceStart): number | undefined {
  const { at = Number.NEGATIVE_INFINITY, alone = Number.NEGATIVE_INFINITY, because } = since;
  const first = timesBeside(reading, environmentName, definition, since)?.find(({ to }) => to > alone);
  const from = Math.max(alone, first?.from ?? at);
  return because === 'exposure' && from < at ? from : undefined;
}

/** Undefined where nobody was exposed beside the percentage since evidence began, or `where` says who is compared. */
export function membersOf(reading: FlagReading, environmentName: string, definition: QualityDefinition, since: EvidenceStart, given: readonly Allocation[]): Members | undefined {
  const times = timesBeside(reading, environmentName, definition, since);
  const last = times?.at(-1);
  if (times === undefined || last === undefined) return undefined;
  const isLog = isOfLog(definition);
  const names = segmentsBeside(last.state, segmentMap(reading.segments));
  const isExposed = ({ start, end }: Time): boolean => times.some(({ from, to }) => from < end && to > start);
  return {
    who: names.length === 0 ? 'those whom its strategies single out' : `members of segment ${names.join(', ')}`, isExposed, isCertain: isLog,
    mend: isLog ? `leave them out of what is counted by where of quality${names.length === 0 ? '' : `, such as where: ${whereWithout(names)}`}` : 'leave them out of what the source tells, such as by a matcher in its queries',
    isAlone: (time) => since.because === 'exposure' && time.start >= (since.alone ?? Number.NEGATIVE_INFINITY) && time.end <= (since.at ?? Number.NEGATIVE_INFINITY) && isExposed(time) && comparedDuring(given, time.start, time.end) === 0,
  };
}

function segmentsBeside(state: FlagEnvironment, segments: Segments): string[] {
  const everyone = everyoneShare(state, segments);
  const ids = activeShares(state, segments).filter(({ share }) => share > everyone).flatMap(({ strategy }) => strategy.segments);
  return [...new Set(ids)].map((id) => plainLine(segments.get(id)?.name ?? String(id), 40));
}

/** What a report is made of. `since`: from when on, in milliseconds since 1970; undefined: all. */
export interface Counted {
  readonly data: QualityData;
  readonly definition: QualityDefinition;
  readonly environment: string;
  readonly shareAt: ShareAt;
  /** Why the arms need not hold who that share says; undefined: they do. */
  readonly unchecked: string | undefined;
  readonly since: number | undefined;
}

/** The windows of one configured share. */
interface Stretch {
  readonly candidate: QualityWindow[];
  readonly current: QualityWindow[];
  /** Which part of the candidate's predictions is theirs, from 0 to 1. */
  part: number;
}

/** By share. */
type Stretches = ReadonlyMap<number, Stretch>;

/**
 * Of the candidate's predictions is theirs what it has beyond share / (1 - share) times those of the current version, which all are of those who were drawn. Units say nothing of it: who had the candidate in a stage
 * before is not new. By chance, for users differ, it is a little more or less. Undefined where no share is known, or another one than that holds.
 */
function stretchesOf({ data, environment, shareAt, unchecked, since = Number.NEGATIVE_INFINITY }: Counted, { isExposed }: Members): Stretches | undefined {
  if (unchecked !== undefined) return undefined;
  const stretches = new Map<number, Stretch>();
  let isUnknown = false;
  for (const window of data.windows) {
    if (window.environment !== environment || window.slice !== undefined || window.start < since || (window.arm !== 'candidate' && window.arm !== 'current')) continue;
    const share = shareAt(window.start, window.end);
    if (share === undefined) isUnknown ||= !isAcrossChange(window, shareAt);
    else if (share > 0 && share < 1) {
      const own = stretches.get(share) ?? { candidate: [], current: [], part: 0 };
      stretches.set(share, own);
      own[window.arm].push(window);
    }
  }
  const requestsOf = (windows: readonly QualityWindow[]): number => windows.filter(isExposed).reduce((sum, { requests }) => sum + requests, 0);
  for (const [share, own] of stretches) {
    const all = own.candidate.reduce((sum, { requests }) => sum + requests, 0);
    own.part = all === 0 ? 0 : Math.min(MOST, Math.max(0, (requestsOf(own.candidate) - (requestsOf(own.current) * share) / (1 - share)) / all));
  }
  return stretches.size === 0 && isUnknown ? undefined : stretches;
}

/**
 * A report in which members count, as far as it tells of the others. With a part m of the candidate's records theirs, the others came to (all - m theirs) / (1 - m). `not worse` is what is so still were theirs as good as they may be by what they
 * were while they alone had this version (nothing known of it: as good as can be), and `worse` what is so still were theirs as bad as that lets them be; the rest cannot be told. A breach of which they told nothing before stays one.
 *
 * @param compare what other records say of the same metrics
 */
export function besideMembers(report: ComparisonReport, counted: Counted, members: Members, compare: (data: QualityData, options: Pick<ComparisonOptions, 'since' | 'shareAt'>) => ComparisonReport): ComparisonReport {
  const { data, since, shareAt } = counted;
  const stretches = stretchesOf(counted, members);
  const who = `${members.who} count in it, who have the candidate whatever the percentage is`;
  if (stretches === undefined) {
    const because = `${who}, and how many of its predictions are theirs is not known: ${counted.unchecked ?? 'the configured share is not'}; ${members.mend}`;
    return members.isCertain ? { ...report, metrics: report.metrics.map((metric) => (isShown(metric) ? { ...metric, verdict: 'undecided', because } : metric)) } : report;
  }
  const judged = report.metrics.filter((metric) => isShown(metric) || isBreach(metric));
  if (mostOf(stretches) === 0 || judged.length === 0) return report;
  const others = (of: Stretches, theirs: Theirs): ComparisonReport => compare(othersIn(counted, of, theirs), { since, shareAt });
  const alone = data.windows.filter((window) => members.isAlone(window));
  const fewer = judged.some(isBreach) ? capped(stretches, alone, counted.environment) : stretches;
  const before = beforeOf(alone, counted.environment, report);
  const good = judged.some(isShown) ? others(stretches, { are: 'good', before }) : undefined;
  const bad = judged.some(isBreach) ? others(fewer, { are: 'bad', before }) : undefined;
  const part = (of: Stretches): string => `${who}, up to about ${Number((100 * mostOf(of)).toPrecision(2))} % of its predictions`;
  const metrics = report.metrics.map((metric): MetricComparison => {
    const isKnown = isShown(metric) || totalOf(before.candidate, metric.name).n >= LEAST_TOLD;
    if (!judged.includes(metric) || !isKnown || like(metric, isShown(metric) ? good : bad)?.verdict === metric.verdict) return metric;
    return isShown(metric) ? { ...metric, verdict: 'undecided', because: `${part(stretches)}, and theirs may be better: of the others it is not shown; ${members.mend}` }
      : { ...metric, verdict: 'void', because: `worse than tolerated, but ${part(fewer)}, and it may be theirs alone: ${members.mend}` };
  });
  return { ...report, metrics };
}

function mostOf(stretches: Stretches): number {
  return Math.max(0, ...[...stretches.values()].map(({ part }) => part));
}

/** How many times as much of all predictions as while they alone had this version may be theirs later, by the hours of a day. */
const MORE = 3;

/** Of few users who ask much a part would be theirs by chance that is not: for a breach no more counts than they may have had by what they asked for while they alone had this version. */
function capped(stretches: Stretches, alone: readonly QualityWindow[], environment: string): Stretches {
  const told = alone.filter((window) => window.environment === environment && window.slice === undefined);
  const requestsOf = (arm: string): number => told.reduce((sum, window) => sum + (window.arm === arm ? window.requests : 0), 0);
  const [theirs, others] = [requestsOf('candidate'), requestsOf('current')];
  if (theirs + others === 0) return stretches;
  const most = Math.min(MOST, (MORE * theirs) / (theirs + others));
  return new Map([...stretches].map(([share, stretch]) => [share, { ...stretch, part: Math.min(stretch.part, most / (most + share * (1 - most))) }]));
}

/** Whether it would let a release go on. */
function isShown({ role, verdict, name }: MetricComparison): boolean {
  return role === 'guardrail' && verdict === 'not worse' && name !== MISSING_ANSWERS;
}

function isBreach({ verdict, name }: MetricComparison): boolean {
  return verdict === 'worse' && name !== MISSING_ANSWERS;
}

function like({ name }: Pick<MetricComparison, 'name'>, report: ComparisonReport | undefined): MetricComparison | undefined {
  return report?.metrics.find((each) => each.name === name);
}

/** So many records of theirs tell what they are like; so many bad events of the current version, by how much its rate has changed since. */
const [LEAST_TOLD, LEAST_EVENTS] = [30, 20];
/** Two-sided: once in twenty theirs are worse, or better, than is taken for them. */
const SURE = 0.9;

/** What was told while they alone had this version, and the dispersion of each metric. */
interface Before {
  readonly candidate: readonly QualityWindow[];
  readonly current: readonly QualityWindow[];
  readonly dispersions: ReadonlyMap<string, number>;
}

function beforeOf(alone: readonly QualityWindow[], environment: string, { metrics }: ComparisonReport): Before {
  const of = (name: string): readonly QualityWindow[] => alone.filter(({ arm, environment: own, slice }) => arm === name && own === environment && slice === undefined);
  return { candidate: of('candidate'), current: of('current'), dispersions: new Map(metrics.map(({ name, dispersion }) => [name, dispersion])) };
}

/** What is taken for how theirs are. */
interface Theirs {
  readonly are: 'good' | 'bad';
  readonly before: Before;
}

/**
 * The rate, or mean, that theirs have at best or at worst: the end of an interval of what they had while they alone had this version (of a rate Wilson's), changed as the current version's has changed since. Undefined: too few of them tell.
 *
 * @param now the current version's, while the percentage is up
 */
function boundOf({ name, kind, better }: MetricDefinition, { are, before: { candidate, current, dispersions } }: Theirs, now: number): number | undefined {
  const [own, other] = [totalOf(candidate, name), totalOf(current, name)];
  if (own.n < LEAST_TOLD) return undefined;
  const n = own.n / (dispersions.get(name) ?? 1);
  if (kind === 'bad') {
    const times = other.sum < LEAST_EVENTS ? 1 : now / (other.sum / other.n);
    const { low, high } = wilson((n * own.sum) / own.n, n, SURE);
    return are === 'good' ? low * Math.min(1, times) : Math.min(1, high * Math.max(1, times));
  }
  if (other.n < LEAST_TOLD) return undefined;
  const half = normalPoint(0.5 + SURE / 2) * Math.sqrt(Math.max(0, own.squares / own.n - (own.sum / own.n) ** 2) / n);
  return own.sum / own.n + now - other.sum / other.n + ((are === 'bad') === (better === 'lower') ? half : -half);
}

/** The data without theirs, as far as it has windows of a share. */
function othersIn({ data, definition, environment, shareAt }: Counted, stretches: Stretches, theirs: Theirs): QualityData {
  const without = new Map([...stretches].flatMap(([share, stretch]) => (stretch.part === 0 ? [] : [[share, new Map(definition.metrics.map((metric) => [metric.name, othersOf(metric, stretch, theirs)]))] as const])));
  const windows = data.windows.filter(({ slice }) => slice === undefined).map((window): QualityWindow => {
    const share = window.environment === environment && window.arm === 'candidate' ? shareAt(window.start, window.end) : undefined;
    const [left, others] = share === undefined ? [1, undefined] : [1 - (stretches.get(share)?.part ?? 0), without.get(share)];
    if (others === undefined) return window;
    const { labels } = window;
    return {
      ...window, requests: window.requests * left, metrics: Object.fromEntries(Object.entries(window.metrics).map(([name, told]) => [name, others.get(name)?.(told) ?? told])),
      ...(labels === undefined ? {} : { labels: {
        ...labels, matured: labels.matured * left, labelled: Object.fromEntries(Object.entries(labels.labelled).map(([name, n]) => [name, n * left])), ...(labels.decided === undefined ? {} : { decided: labels.decided * left }),
      } }),
    };
  });
  return { ...data, windows };
}

/** What is left of a metric's records in a window without theirs. Bad events are left out in the same proportion in each, so that what is theirs by all of the stretch is. */
function othersOf(metric: MetricDefinition, { candidate, current, part }: Stretch, theirs: Theirs): (told: Moments) => Moments {
  const left = 1 - part;
  const [own, other] = [totalOf(candidate, metric.name), totalOf(current, metric.name)];
  if (own.n === 0) return (told) => told;
  const [mean, currentMean] = [own.sum / own.n, other.sum / other.n];
  const bound = boundOf(metric, theirs, currentMean);
  if (metric.kind === 'bad') {
    const rate = bound ?? (theirs.are === 'good' ? 0 : 1);
    const kept = own.sum === 0 ? 1 : Math.max(0, 1 - (part * rate) / mean);
    return ({ n, sum }) => ({ n: Math.max(kept * sum, left * n), sum: kept * sum, squares: kept * sum });
  }
  const isLower = metric.better === 'lower';
  const { high, low } = spread([...candidate, ...current], metric.name, own, part);
  // By how much the others differ from all.
  const shift = bound === undefined ? ((theirs.are === 'good') === isLower ? high : -low) : Math.min(high, Math.max(-low, (part / left) * (mean - bound)));
  return ({ n, sum, squares }) => ({ n: left * n, sum: left * (sum + shift * n), squares: left * (squares + 2 * shift * sum + shift ** 2 * n) });
}

/**
 * By how much the mean of the others may be above (`high`) or below (`low`) that of all. Of a share by its bounds 0 and 1; else a part m of values of standard deviation s has a mean at most s sqrt((1 - m) / m) away (Cauchy and Schwarz),
 * so the others have one at most s sqrt(m / (1 - m)) away.
 */
function spread(windows: readonly QualityWindow[], name: string, { n, sum, squares }: Moments, part: number): { readonly high: number; readonly low: number } {
  const [mean, odds] = [sum / n, part / (1 - part)];
  if (areProportions(windows.flatMap(({ metrics }) => metrics[name] ?? []))) return { high: mean * odds, low: (1 - mean) * odds };
  const most = Math.sqrt(Math.max(0, squares / n - mean ** 2) * odds);
  return { high: most, low: most };
}
