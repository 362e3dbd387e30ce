import { countWords, plainLine } from '../base/words.ts';
import { currentAlike, type ComparisonReport, type MetricComparison } from './comparison.ts';
import { largestPsi } from './drift.ts';
import { againstWords, type DriftFinding } from './productionDrift.ts';
import { valueWords } from './reportText.ts';
import type { SkewReport } from './skew.ts';
import type { ArmSummary, QualityData } from './window.ts';

/** An arm is silent when nothing came from it for a minute at least, or for less while another was heard of, so that the source is not late as a whole. */
const [SILENT_MS, SILENT_BESIDE_MS] = [60_000, 40_000];
/** And for so long that with its usual traffic it would have been heard of: a gap of twenty means is one of e^20 by chance. */
export const SILENT_GAPS = 20;
/** So many of an arm's newest predictions, or a few more, tell its usual traffic. */
const NEWEST = 50;

/** The worst first. */
const FACT_KINDS = ['worse', 'failed', 'elsewhere', 'silent', 'ratio', 'drift', 'fine'] as const;

/** The worst that is known, in words of different length for the room that there is. */
export interface WorstFact {
  readonly kind: (typeof FACT_KINDS)[number];
  /** Longest first. */
  readonly words: readonly string[];
}

export interface ProductionFacts {
  readonly data: QualityData;
  readonly report: ComparisonReport;
  readonly drift: readonly DriftFinding[];
  /** Shares that are configured now; undefined where they are not known. */
  readonly configured?: number | undefined;
  /** When the data was read, and whether a later reading failed. */
  readonly readAt: number;
  readonly failed?: boolean | undefined;
  readonly now: number;
}

/** `now`, `1 min`, `3 h`, `2 d`: as coarse as a lens may be. */
export function coarseAge(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (!(minutes >= 1)) return 'now';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** Where every record is of another environment than the one that is looked at: no arm fell silent, the names differ. */
export interface Elsewhere {
  readonly words: string;
  readonly mend: string;
}

/** How many records the environments have that are not looked at, where the one that is has none; undefined: it has some, or nobody has. */
export function elsewhere({ arms }: Pick<QualityData, 'arms'>, environment: string): Elsewhere | undefined {
  const counts = new Map<string, number>();
  for (const arm of arms) if (arm.requests > 0) counts.set(arm.environment, (counts.get(arm.environment) ?? 0) + arm.requests);
  if (counts.size === 0 || counts.has(environment)) return undefined;
  const [[name, count] = ['', 0], ...others] = [...counts].sort(([, a], [, b]) => b - a);
  const named = name === '' ? `${countWords(count)} without environment` : `${countWords(count)} of ${plainLine(name, 24)}`;
  return {
    words: `no record of ${plainLine(environment, 24)}, ${named}${others.length > 0 ? ` and ${others.length} more` : ''}`,
    mend: `let the service log environment: ${plainLine(environment, 40)}${name === '' ? '' : `, or name ${plainLine(name, 40)} as unleash.environment in modelswitch.yaml`}`,
  };
}

/** An arm that should answer, but had not been heard of for longer than its traffic explains when the source was read. */
export interface Silence {
  readonly arm: string;
  /** `no data for 12 min`; `no data` where it was never heard of. */
  readonly words: string;
}

/** Arms that should answer and do not: those that fell silent, and those that have a share and no record. What came since the source was read is not known, so its age is no silence. */
export function silences({ data, report: { environment }, configured, readAt }: Omit<ProductionFacts, 'now'>): Silence[] {
  if (elsewhere(data, environment) !== undefined) return [];
  const own = new Map(data.arms.filter((each) => each.environment === environment && each.requests > 0).map((each) => [each.arm, each]));
  const expected = configured === undefined ? [...own.keys()] : [...(configured > 0 ? ['candidate'] : []), ...(configured < 1 ? ['current'] : [])];
  const newest = Math.max(...Array.from(own.values(), ({ lastSeen }) => lastSeen)) - vagueness(data);
  return expected.flatMap((name): Silence[] => {
    const arm = own.get(name);
    if (arm === undefined) return data.notes.rows > 0 ? [{ arm: name, words: 'no data' }] : [];
    const usual = SILENT_GAPS * newestDistance(data, arm);
    const gap = readAt - arm.lastSeen;
    return gap > Math.max(SILENT_MS, usual) || newest - arm.lastSeen > Math.max(SILENT_BESIDE_MS, usual) ? [{ arm: name, words: `no data for ${gap < 60_000 ? `${Math.floor(gap / 1000)} s` : coarseAge(gap)}` }] : [];
  });
}

/** The mean distance of an arm's newest predictions, in milliseconds: how busy it was weeks ago says nothing of today. */
export function newestDistance({ windows }: Pick<QualityData, 'windows'>, { environment, arm, lastSeen }: Pick<ArmSummary, 'environment' | 'arm' | 'lastSeen'>): number {
  let requests = 0;
  for (const window of windows.toReversed()) {
    if (window.arm !== arm || window.environment !== environment || window.slice !== undefined) continue;
    requests += window.requests;
    if (requests >= NEWEST) return (lastSeen - window.start) / requests;
  }
  const first = windows.find((window) => window.arm === arm && window.environment === environment && window.slice === undefined)?.start ?? lastSeen;
  return (lastSeen - first) / Math.max(1, requests);
}

/** By how much earlier an arm may have been heard of for the last time, in milliseconds: a source of windows only tells the end of a window. */
function vagueness({ designEffect, windows }: QualityData): number {
  const last = windows.at(-1);
  return designEffect === undefined || last === undefined ? 0 : last.end - last.start;
}

/** How near a guardrail is to what is tolerated: above 1 it is beyond. */
function badness({ kind, effect, tolerated, better, candidate, minRate }: MetricComparison): number {
  if (effect === undefined || Number.isNaN(effect)) return Number.NEGATIVE_INFINITY;
  if (kind === 'bad') return Math.min(effect / tolerated, minRate === undefined ? Number.POSITIVE_INFINITY : candidate.value / minRate);
  const worseBy = better === 'lower' ? effect : -effect;
  return tolerated > 0 ? worseBy / tolerated : 1 + Math.sign(worseBy);
}

/** The guardrail to look at: one that is worse before all others, then the one that is nearest to what is tolerated. */
export function worstGuardrail({ metrics }: ComparisonReport): MetricComparison | undefined {
  const rank = (metric: MetricComparison): number => (metric.verdict === 'worse' ? 1e9 : 0) + Math.max(-1e6, Math.min(1e6, badness(metric)));
  const told = metrics.filter(({ candidate, current }) => candidate.n > 0 || current.n > 0);
  const guardrails = told.filter(({ role }) => role === 'guardrail');
  return (guardrails.length > 0 ? guardrails : told).toSorted((a, b) => rank(b) - rank(a))[0];
}

function pairWords(metric: MetricComparison): string {
  return `${valueWords(metric, metric.candidate.value)} vs ${valueWords(metric, currentAlike(metric) ?? metric.current.value)}`;
}

function metricFact(metric: MetricComparison, kind: WorstFact['kind'], age: string): WorstFact {
  const name = plainLine(metric.name, 24);
  const state = metric.verdict === 'worse' ? ' worse:' : metric.verdict === 'void' ? ' void:' : '';
  const pair = pairWords(metric);
  const n = countWords(metric.candidate.n + metric.current.n);
  return { kind, words: [`${name}${state} ${pair} (n ${n}, ${age})`, `${name}${state} ${pair} (n ${n})`, `${name}${state} ${pair}`, ...(metric.verdict === 'worse' ? [`${name} worse`] : [])] };
}

/**
 * The one fact that a lens has room for: a guardrail that is worse; an arm that fell silent; arms that do not hold whom they should; drift; else the guardrail
 * that is nearest to what is tolerated. A reading that failed says how old it is.
 */
export function worstFact(facts: ProductionFacts): WorstFact | undefined {
  const { report, data, drift, failed, now, readAt } = facts;
  const lastSeen = Math.max(0, ...data.arms.filter(({ environment }) => environment === report.environment).map((arm) => arm.lastSeen));
  const age = coarseAge(now - (failed === true ? readAt : lastSeen));
  const metric = worstGuardrail(report);
  if (metric?.verdict === 'worse') return metricFact(metric, 'worse', age);
  if (failed === true) return { kind: 'failed', words: [`quality as of ${age} ago: the source cannot be read`, `quality as of ${age} ago`] };
  const other = elsewhere(data, report.environment);
  if (other !== undefined) return { kind: 'elsewhere', words: [other.words, `no record of ${plainLine(report.environment, 24)}`] };
  const [silent, alsoSilent] = silences(facts);
  if (silent !== undefined) {
    return { kind: 'silent', words: [`${alsoSilent === undefined ? `${silent.arm}: ` : ''}${silent.words}`, silent.words] };
  }
  const { sampleRatio } = report;
  if (sampleRatio.verdict === 'mismatch') {
    const observed = `candidate gets ${valueWords({ kind: 'bad' }, sampleRatio.observed)}`;
    return { kind: 'ratio', words: [sampleRatio.configured === undefined ? observed : `${observed}, configured ${valueWords({ kind: 'bad' }, sampleRatio.configured)}`, 'sample ratio mismatch'] };
  }
  const drifted = driftAlarms(drift);
  if (drifted.length > 0) {
    const first = plainLine(drifted[0]?.feature ?? '', 24);
    return { kind: 'drift', words: [`${first} drifted (PSI ${Number((drifted[0]?.psi ?? 0).toPrecision(2))})${drifted.length > 1 ? ` and ${drifted.length - 1} more` : ''}`, `${first} drifted`] };
  }
  if (metric === undefined) return lastSeen === 0 ? undefined : { kind: 'fine', words: ['no metric told'] };
  return metricFact(metric, 'fine', age);
}

/** The worst of several facts; of two that are as bad the first. */
export function worstOf(facts: readonly WorstFact[]): WorstFact | undefined {
  return facts.toSorted((a, b) => FACT_KINDS.indexOf(a.kind) - FACT_KINDS.indexOf(b.kind))[0];
}

/** What alarms against the reference, each feature once, the worst first; between the arms where there is no reference. */
export function driftAlarms(findings: readonly DriftFinding[]): { readonly feature: string; readonly psi: number; readonly because: string }[] {
  const found = new Map<string, { feature: string; psi: number; because: string }>();
  for (const finding of findings) {
    const { report, production } = finding;
    for (const { alarm, because, ...each } of report.features) {
      const [feature, psi] = [each.feature, largestPsi(each)];
      const known = found.get(feature);
      if (alarm && (known === undefined || known.psi < psi)) found.set(feature, { feature, psi, because: `${production} against ${againstWords(finding)}: ${because}` });
    }
  }
  return [...found.values()].sort((a, b) => b.psi - a.psi);
}

/** What a check of feature skew came to, in a message. What too few requests tell is no all-clear. */
export function skewMessage({ features, told, asked, insufficient }: SkewReport): { readonly words: string; readonly isFine: boolean } {
  const skewed = features.filter(({ alarm }) => alarm).map(({ feature, because }) => `${feature}: ${because}`);
  const words = insufficient === undefined ? `${told} of ${asked} requests recomputed: ${skewed.length === 0 ? 'no feature is skewed' : `skewed are ${skewed.slice(0, 3).join('; ')}`}.` : `Feature skew is not known: ${insufficient}.`;
  return { words: plainLine(words, 300), isFine: insufficient === undefined && skewed.length === 0 };
}
