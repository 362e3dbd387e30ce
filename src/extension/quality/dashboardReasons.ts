import { durationWords } from '../../core/base/duration.ts';
import { plainLine, utcTime } from '../../core/base/words.ts';
import type { QualitySourceTarget } from '../../core/quality/definitions.ts';
import { unmeasured } from '../../core/quality/productionDrift.ts';
import type { ArmSummary, Histogram } from '../../core/quality/window.ts';
import { countedFrom } from '../../core/releases/allocation.ts';
import type { DashboardInput } from './dashboardModel.ts';

type Asked = Pick<DashboardInput, 'definition' | 'data' | 'environment' | 'since'>;

function hasCounts({ counts }: Histogram): boolean {
  return counts.some((count) => count > 0);
}

/** Why nothing was counted though the source could tell it: it never did, or not since evidence began. `never`: who tells no such thing, and how it is told. */
function untold({ data, environment, since }: Asked, of: (arm: ArmSummary) => Histogram, what: string, never: string): string {
  const from = countedFrom(since);
  const wasTold = from !== undefined && data.arms.some((arm) => arm.environment === environment && hasCounts(of(arm)));
  return wasTold ? `No ${what} has come since ${utcTime(from)}, when evidence about this release began; it had before.` : never;
}

function recordsOf({ environment }: Asked): string {
  return environment === '' ? 'No record' : `No record of ${plainLine(environment, 60)}`;
}

/** Who tells windows, which hold no scores. */
const TELLERS: Readonly<Record<Exclude<QualitySourceTarget['kind'], 'log'>, string>> = { prometheus: 'Prometheus', exec: 'the command of source.exec' };

/**
 * Why there is no chart of scores (`scoreChart`). A log may have none, may have had them before this release, or has some with an outcome that are no probabilities, but none such of the last hours, by which they are drawn.
 *
 * @param arms those that count, of which there is no chart
 */
export function whyNoScores(asked: Asked, arms: readonly ArmSummary[]): string {
  const { definition: { source }, data } = asked;
  if (source !== undefined && source.kind !== 'log') return `Scores need the records themselves, source: {log: ...}: ${TELLERS[source.kind]} tells counts only.`;
  if (!arms.some(({ score }) => hasCounts(score))) return untold(asked, ({ score }) => score, 'score', `${recordsOf(asked)} tells a score: a number, as score or proba.`);
  return `More than 1 % of an arm's scores with an outcome are outside 0 to 1, so they are no probabilities. Such are drawn by the records of the ${data.production?.name ?? 'last hours'}, if more than 1 % of those are outside, too; they are not.`;
}

/** Why there are no latency quantiles. */
export function whyNoLatency(asked: Asked): string {
  const { source } = asked.definition;
  const of = ({ latency }: ArmSummary): Histogram => latency;
  if (source?.kind === 'exec') return 'Latency needs the records themselves, source: {log: ...}, or the buckets of a histogram in Prometheus: the command of source.exec tells counts and sums only.';
  if (source?.kind !== 'prometheus') return untold(asked, of, 'latency', `${recordsOf(asked)} tells a latency: a number, as latency_ms.`);
  const { latency, lookbackMs } = source.prometheus;
  if (latency === undefined) return 'Latency needs the buckets of a histogram: source.prometheus has no latency: {buckets: ...}.';
  return untold(asked, of, 'latency', `Prometheus has told no answer by latency.buckets in the last ${durationWords(lookbackMs)}; what it said stands in the tab Source.`);
}

function whereWords(environment: string): string {
  return environment === '' ? '' : ` of ${plainLine(environment, 60)}`;
}

/** Why there is no table of drift. */
export function whyNoDrift({ definition: { source, drift }, data, environment }: Asked): string {
  if (source !== undefined && source.kind !== 'log') return `Drift needs the records themselves, source: {log: ...}: ${TELLERS[source.kind]} tells counts only.`;
  return unmeasured(data, environment, [], drift.reference !== undefined).map(({ words }) => words).join(' ');
}

/** Why there are no slices: none is asked for, nothing tells them, or no metric is compared by them. */
export function whyNoSlices({ definition: { slices, metrics }, data, environment }: Asked): string {
  if (slices.length === 0) return 'No slices: by: [features.country] compares the arms by country.';
  if (metrics.every(({ measure }) => measure === 'pr_auc')) return 'No slices: no metric is declared that has a value in a slice.';
  const texts = slices.map(({ text }) => plainLine(text, 60)).join(', ');
  const others = data.windows.some(({ slice }) => slice !== undefined) ? ' There are slices of other environments.' : ' What the source says stands in the tab Source.';
  return `No slices: by asks for ${texts}, and no record${whereWords(environment)} tells a value.${others}`;
}

/** Why there are no shadow answers, and where there are some. */
export function whyNoShadow({ definition: { source }, data, environment }: Asked): string {
  if (source !== undefined && source.kind !== 'log') return `Shadow answers need the records themselves, source: {log: ...}: ${TELLERS[source.kind]} tells counts only.`;
  const others = (data.shadow ?? []).map((each) => (each.environment === '' ? 'records without an environment' : plainLine(each.environment, 60)));
  if (others.length === 0) return 'No shadow answers: records with role "shadow" and the request_id of what was served.';
  return `No shadow answers to what was served${environment === '' ? ' without an environment' : ` in ${plainLine(environment, 60)}`}. There are some of ${others.join(', ')}.`;
}

/** Whether requests are sampled for the shadow now. */
export function shadowStateWords({ shadowFlag, environment }: Pick<DashboardInput, 'shadowFlag' | 'environment'>): string {
  if (shadowFlag === undefined) return 'Whether the shadow is on is not known: that needs Unleash.';
  const [name, where] = [plainLine(shadowFlag.name, 80), environment === '' ? '' : ` in ${plainLine(environment, 60)}`];
  if (shadowFlag.rollout === undefined) return `The shadow${where} is off: there is no flag ${name}.`;
  return shadowFlag.rollout === 'off' ? `The shadow${where} is off (flag ${name}).` : `The shadow${where} is on: ${shadowFlag.rollout} (flag ${name}).`;
}
