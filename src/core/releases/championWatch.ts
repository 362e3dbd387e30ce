import { countWords, plainLine, utcTime } from '../base/words.ts';
import { limitFinding } from '../quality/absolute.ts';
import { ALPHA, compareArms } from '../quality/comparison.ts';
import type { MetricDefinition, QualityDefinition } from '../quality/definitions.ts';
import { versionRefusals } from '../quality/refusals.ts';
import type { QualityData, QualityWindow, WindowLabels } from '../quality/window.ts';
import type { Moments } from '../quality/stats/confidenceSequence.ts';
import type { ReleaseLook } from './assessment.ts';
import { comparisonWords, rounded, sinceWords } from './metricWords.ts';

/** How what serves does without a candidate to compare it with. */
export interface ChampionWatch {
  /** Sentences; each asks for somebody to look. */
  readonly alarms: readonly string[];
  /** What was compared with what, and which limit could not be judged: `the last day with the same hours of 3 earlier weeks`. */
  readonly words: string;
}

/** What calls for retraining, without what changes from look to look; undefined where nothing does. */
export function retrainReason(watch: ChampionWatch | undefined): string | undefined {
  return (watch?.alarms.length ?? 0) === 0 ? undefined : 'what serves is past a limit, or does worse than in the same hours of earlier weeks';
}

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
const WEEKS = 4;
const NO_LABELS: WindowLabels = { matured: 0, labelled: {} };

/**
 * All that served in the last day against the limits of the metrics, and against the same hours of up to four earlier weeks, which have the same season. What needs outcomes is judged by the last day of which they are known:
 * of the last one nothing has matured where `mature_after` is as long. It alarms and never changes anything: what an application is asked for may differ from week to week without a fault of the model. Undefined without `quality:` or data.
 */
export function watchChampion({ model, quality, now, reading }: Pick<ReleaseLook, 'model' | 'quality' | 'now' | 'reading'>): ChampionWatch | undefined {
  const definition = model.quality;
  if (definition === undefined || quality.kind !== 'data') return undefined;
  const production = reading.detail.flag.environments.filter(({ type }) => type === 'production').map(({ name }) => name);
  const watched = production.map((environment) => watchEnvironment(quality.data, definition, environment, now));
  return { alarms: watched.flatMap(({ alarms }) => alarms), words: watched.map(({ words }) => words).join('; ') };
}

/** A day, and the guardrails that are judged by it. */
interface Day {
  /** Up to but without, in milliseconds since 1970. */
  readonly to: number;
  readonly isLast: boolean;
  readonly metrics: readonly MetricDefinition[];
}

function watchEnvironment(data: QualityData, definition: QualityDefinition, environment: string, now: number): ChampionWatch {
  const own = data.windows.filter((each) => each.environment === environment && each.slice === undefined);
  const guardrails = definition.metrics.filter(({ role, measure }) => role === 'guardrail' && measure !== 'pr_auc');
  const found = daysOf(own, guardrails, now).map((day) => watchDay(day, own, { data, definition, environment, among: guardrails }));
  const untold = guardrails.filter(({ labelled, name }) => labelled && own.length > 0 && lastTold(own, name, now) === undefined).map(({ name }) => `${plainLine(name, 40)} is not judged: no outcome is known yet`);
  return { alarms: found.flatMap(({ alarms }) => alarms).map((words) => `${environment}: ${words}`), words: `${environment}: ${[...found.map(({ words }) => words), ...untold].join('; ')}` };
}

/** The newest window of which a metric is told. */
function lastTold(windows: readonly QualityWindow[], metric: string, now: number): QualityWindow | undefined {
  return windows.reduce<QualityWindow | undefined>((last, each) => (each.start < now && isTold(each, metric) && each.end > (last?.end ?? Number.NEGATIVE_INFINITY) ? each : last), undefined);
}

function isTold({ metrics }: QualityWindow, metric: string): boolean {
  return (metrics[metric]?.n ?? 0) > 0;
}

/** The last day, for what is known at once, and for what needs outcomes the last one of which they are known. */
function daysOf(windows: readonly QualityWindow[], guardrails: readonly MetricDefinition[], now: number): Day[] {
  const days = new Map<number, MetricDefinition[]>([[now, []]]);
  for (const metric of guardrails) {
    const last = metric.labelled ? lastTold(windows, metric.name, now) : undefined;
    if (metric.labelled && last === undefined) continue;
    // The window that runs has not matured, whatever is asked for.
    const to = last === undefined || 2 * last.end - last.start > now ? now : last.end;
    days.set(to, [...days.get(to) ?? [], metric]);
  }
  return [...days].filter(([, { length }]) => length > 0 || guardrails.length === 0).map(([to, metrics]) => ({ to, isLast: to === now, metrics }));
}

/** What a day is judged with. */
interface Watched {
  readonly data: QualityData;
  readonly definition: QualityDefinition;
  readonly environment: string;
  /** All guardrails, which share the level. */
  readonly among: readonly MetricDefinition[];
}

function watchDay({ to, isLast, metrics }: Day, own: readonly QualityWindow[], { data, definition, environment, among }: Watched): ChampionWatch {
  const before = (week: number): QualityWindow[] => own.filter(({ start, end }) => start < to - week * WEEK_MS && end > to - week * WEEK_MS - DAY_MS);
  const recent = merged(before(0));
  const when = isLast ? 'the last day' : `the last day whose outcomes are known (${utcTime(recent[0]?.start ?? to - DAY_MS)} to ${utcTime(to)}${supersededWords(data, environment, to)})`;
  const named = isLast ? '' : `${metrics.map(({ name }) => plainLine(name, 40)).join(', ')}: `;
  // Outcomes that are written no more look like a model that is wrong, or right, from then on.
  const untold = versionRefusals(data, definition, environment);
  const limited = metrics.filter(({ limit }) => limit !== undefined);
  const found = limited.filter(({ name }) => !untold.has(name)).flatMap((metric) => limitFinding(metric, recent, { data, environment, among: among.filter(({ limit }) => limit !== undefined).length }) ?? []);
  const limits = found.filter(({ state }) => state === 'passed').map(({ name, value, n, limit, since }) => `${plainLine(name, 40)} is ${rounded(value, 2, limit)} (n ${countWords(n)})${since === undefined ? ` in ${when}` : sinceWords(since)}, past its limit ${limit}`);
  const silent = [...limited.flatMap(({ name }) => { const refused = untold.get(name); return refused === undefined ? [] : [{ name, because: refused.because }]; }), ...found.filter(({ state }) => state === 'insufficient')];
  const withoutLimits = silent.map(({ name, because = '' }) => `; the limit of ${plainLine(name, 40)} is not judged: ${because}`).join('');
  const weeks = Array.from({ length: WEEKS }, (_, index) => index + 1).filter((week) => before(week).some((each) => isLast || metrics.some(({ name }) => isTold(each, name))));
  if (weeks.length === 0) return { alarms: limits, words: `${named}the records go less than a week back${isLast ? '' : ` from ${when}`}, so there are no same hours to compare with${withoutLimits}` };
  const earlier = weeks.flatMap((week) => before(week).map((each) => ({ ...each, start: each.start + week * WEEK_MS, end: each.end + week * WEEK_MS })));
  const windows = [...as('candidate', recent), ...as('current', merged(earlier))].sort((a, b) => a.start - b.start);
  // Each day has the part of the level that its guardrails have of all.
  const report = compareArms({ ...data, windows }, { ...definition, metrics }, environment, { mixed: true, alpha: (ALPHA * metrics.length) / Math.max(1, among.length) });
  const worse = report.metrics.filter(({ name, verdict }) => verdict === 'worse' && !untold.has(name));
  return {
    alarms: [...limits, ...worse.map((metric) => `${comparisonWords(metric)}, ${when} against the same hours of ${weeks.length === 1 ? 'the week' : `${weeks.length} weeks`} before`)],
    words: `${named}${when} with the same hours of ${weeks.length === 1 ? 'one earlier week' : `${weeks.length} earlier weeks`}${withoutLimits}`,
  };
}

/** Where a version has answered first when the day was over, the day says nothing about it. */
function supersededWords({ arms }: QualityData, environment: string, to: number): string {
  const versions = arms.filter((each) => each.environment === environment).flatMap((each) => each.versions ?? []);
  const newest = versions.toSorted((a, b) => b.first - a.first)[0];
  return newest === undefined || newest.first < to ? '' : `, before ${plainLine(newest.version, 40)} answered`;
}

const as = (arm: string, windows: readonly QualityWindow[]): QualityWindow[] => windows.map((each) => ({ ...each, arm }));

/** Windows of all arms and weeks that stand at the same time in the same service, as one. */
function merged(windows: readonly QualityWindow[]): QualityWindow[] {
  const found = new Map<string, QualityWindow>();
  for (const each of windows) {
    const key = JSON.stringify([each.service, each.start]);
    const known = found.get(key);
    found.set(key, known === undefined ? each : both(known, each));
  }
  return [...found.values()].sort((a, b) => a.start - b.start);
}

function both(a: QualityWindow, b: QualityWindow): QualityWindow {
  const { labels, served, drawn, ...rest } = a;
  return {
    ...rest, requests: a.requests + b.requests, units: a.units + b.units, metrics: sums(a.metrics, b.metrics),
    ...(served === undefined && b.served === undefined ? {} : { served: (served ?? a.requests) + (b.served ?? b.requests) }),
    ...(drawn === undefined && b.drawn === undefined ? {} : { drawn: (drawn ?? a.units) + (b.drawn ?? b.units) }),
    ...(labels === undefined && b.labels === undefined ? {} : { labels: labelsOfBoth(labels, b.labels) }),
  };
}

function labelsOfBoth(a: WindowLabels = NO_LABELS, b: WindowLabels = NO_LABELS): WindowLabels {
  const names = [...new Set([...Object.keys(a.labelled), ...Object.keys(b.labelled)])];
  return { matured: a.matured + b.matured, labelled: Object.fromEntries(names.map((name) => [name, (a.labelled[name] ?? 0) + (b.labelled[name] ?? 0)])) };
}

function sums(a: QualityWindow['metrics'], b: QualityWindow['metrics']): Record<string, Moments> {
  const all: Record<string, Moments> = { ...a };
  for (const [name, { n, sum, squares }] of Object.entries(b)) {
    const known = all[name] ?? { n: 0, sum: 0, squares: 0 };
    all[name] = { n: known.n + n, sum: known.sum + sum, squares: known.squares + squares };
  }
  return all;
}
