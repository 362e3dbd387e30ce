import { countWords, plainLine } from '../base/words.ts';
import { limitFinding } from '../quality/absolute.ts';
import { compareArms } from '../quality/comparison.ts';
import type { QualityDefinition } from '../quality/definitions.ts';
import { absenceRefusals } from '../quality/refusals.ts';
import type { QualityData, QualityWindow } from '../quality/window.ts';
import type { Moments } from '../quality/stats/confidenceSequence.ts';
import type { ReleaseLook } from './assessment.ts';
import { comparisonWords, sinceWords } from './metricWords.ts';

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

/**
 * All that served in the last day against the limits of the metrics, and against the same hours of up to four earlier weeks, which have the same season. It alarms and never changes
 * anything: what an application is asked for may differ from week to week without a fault of the model. Undefined without `quality:` or data.
 */
export function watchChampion({ model, quality, now, reading }: Pick<ReleaseLook, 'model' | 'quality' | 'now' | 'reading'>): ChampionWatch | undefined {
  const definition = model.quality;
  if (definition === undefined || quality.kind !== 'data') return undefined;
  const production = reading.detail.flag.environments.filter(({ type }) => type === 'production').map(({ name }) => name);
  const watched = production.map((environment) => watchEnvironment(quality.data, definition, environment, now));
  return { alarms: watched.flatMap(({ alarms }) => alarms), words: watched.map(({ words }) => words).join('; ') };
}

function watchEnvironment(data: QualityData, definition: QualityDefinition, environment: string, now: number): ChampionWatch {
  const own = data.windows.filter((each) => each.environment === environment && each.slice === undefined);
  const recent = own.filter(({ start }) => start > now - DAY_MS);
  const guardrails = definition.metrics.filter(({ role, limit }) => role === 'guardrail' && limit !== undefined);
  // Outcomes that are written no more look like a model that is wrong, or right, from then on.
  const untold = absenceRefusals(data, definition, environment);
  const found = guardrails.filter(({ name }) => !untold.has(name)).flatMap((metric) => limitFinding(metric, merged(recent), { data, environment, among: guardrails.length }) ?? []);
  const limits = found.filter(({ state }) => state === 'passed').map(({ name, value, n, limit, since }) => `${environment}: ${plainLine(name, 40)} is ${Number(value.toPrecision(2))} (n ${countWords(n)})${since === undefined ? ' in the last day' : sinceWords(since)}, past its limit ${limit}`);
  const unjudged = [...guardrails.flatMap(({ name }) => { const refused = untold.get(name); return refused === undefined ? [] : [{ name, because: refused.because }]; }), ...found.filter(({ state }) => state === 'insufficient')]
    .map(({ name, because = '' }) => `; the limit of ${plainLine(name, 40)} is not judged: ${because}`).join('');
  const weeks = Array.from({ length: WEEKS }, (_, index) => index + 1).filter((week) => own.some(({ start }) => start <= now - week * WEEK_MS && start > now - week * WEEK_MS - DAY_MS));
  if (weeks.length === 0) return { alarms: limits, words: `${environment}: the records go less than a week back, so there are no same hours to compare with${unjudged}` };
  const earlier = weeks.flatMap((week) => own.filter(({ start }) => start <= now - week * WEEK_MS && start > now - week * WEEK_MS - DAY_MS).map((each) => ({ ...each, start: each.start + week * WEEK_MS, end: each.end + week * WEEK_MS })));
  const windows = [...as('candidate', merged(recent)), ...as('current', merged(earlier))].sort((a, b) => a.start - b.start);
  const report = compareArms({ ...data, windows }, definition, environment, { mixed: true });
  const worse = report.metrics.filter(({ name, role, verdict }) => role === 'guardrail' && verdict === 'worse' && !untold.has(name));
  return {
    alarms: [...limits, ...worse.map((metric) => `${environment}: ${comparisonWords(metric)}, the last day against the same hours of ${weeks.length === 1 ? 'the week' : `${weeks.length} weeks`} before`)],
    words: `${environment}: the last day with the same hours of ${weeks.length === 1 ? 'one earlier week' : `${weeks.length} earlier weeks`}${unjudged}`,
  };
}

const as = (arm: string, windows: readonly QualityWindow[]): QualityWindow[] => windows.map((each) => ({ ...each, arm }));

/** Windows of all arms and weeks that stand at the same time in the same service, as one. */
function merged(windows: readonly QualityWindow[]): QualityWindow[] {
  const found = new Map<string, QualityWindow>();
  for (const each of windows) {
    const key = JSON.stringify([each.service, each.start]);
    const known = found.get(key);
    found.set(key, known === undefined ? each : { ...known, requests: known.requests + each.requests, units: known.units + each.units, metrics: sums(known.metrics, each.metrics) });
  }
  return [...found.values()].sort((a, b) => a.start - b.start);
}

function sums(a: QualityWindow['metrics'], b: QualityWindow['metrics']): Record<string, Moments> {
  const all: Record<string, Moments> = { ...a };
  for (const [name, { n, sum, squares }] of Object.entries(b)) {
    const known = all[name] ?? { n: 0, sum: 0, squares: 0 };
    all[name] = { n: known.n + n, sum: known.sum + sum, squares: known.squares + squares };
  }
  return all;
}
