import { countWords, plainLine } from '../base/words.ts';
import { limitFinding } from '../quality/absolute.ts';
import { ALPHA, compareArms, currentAlike, levelShares, type ComparisonReport, type MetricComparison } from '../quality/comparison.ts';
import { MISSING_ANSWERS, type QualityDefinition } from '../quality/definitions.ts';
import type { Exposure } from '../quality/silence.ts';
import type { ShareAt } from '../quality/strata.ts';
import type { QualityData } from '../quality/window.ts';
import type { ArmVariants } from './armVariants.ts';
import type { AcceptanceFinding, GuardrailFinding, Look, SignalFinding } from './verdict.ts';

/** How often a flag was asked in a stretch of time by one application, as Unleash counts it. Times are milliseconds since 1970. */
export interface ExposureCount {
  readonly environment: string;
  /** What the application calls itself; compared with `service` of the prediction log. */
  readonly app: string;
  readonly start: number;
  readonly end: number;
  readonly yes: number;
  readonly no: number;
  readonly variants: Readonly<Record<string, number>>;
}

/** What the quality of one environment is judged by. */
export interface FindingsInput {
  readonly data: QualityData;
  readonly definition: QualityDefinition;
  readonly environment: string;
  readonly variants: ArmVariants;
  /** From when on evidence counts, in milliseconds since 1970; undefined: all. */
  readonly since: number | undefined;
  readonly shareAt: ShareAt;
  /** Why the sample ratio cannot be checked by that share. */
  readonly unchecked?: string | undefined;
  /** Undefined: not known, so that missing answers are no guardrail. */
  readonly exposures: readonly ExposureCount[] | undefined;
  readonly now: number;
  /** Whether the percentage draws who gets the candidate: members of a segment are no sample of everyone. */
  readonly comparable: boolean;
  /** Whether the stage asks for statistics. */
  readonly statistics: boolean;
}

export interface Findings extends Pick<Look, 'guardrails' | 'signals' | 'acceptance' | 'mismatches'> {
  /** One per service where there are several. */
  readonly reports: readonly { readonly service?: string; readonly report: ComparisonReport }[];
}

function figure({ kind }: Pick<MetricComparison, 'kind'>, value: number): string {
  if (Number.isNaN(value)) return 'no data';
  return kind === 'bad' ? `${Number((100 * value).toPrecision(2))} %` : String(Number(value.toPrecision(3)));
}

/** `errors 4.1 % vs 2 % (n 12.8k), ratio 2.1 above 1.2`. */
export function comparisonWords(metric: MetricComparison): string {
  const { name, kind, candidate, current, effect, tolerated, because } = metric;
  const values = `${plainLine(name, 40)} ${figure(metric, candidate.value)} vs ${figure(metric, currentAlike(metric) ?? current.value)} (n ${countWords(candidate.n)})`;
  if (metric.verdict === 'worse' && name !== MISSING_ANSWERS) {
    // Where the current version has no bad event there is no ratio to tell.
    const ratio = effect !== undefined && Number.isFinite(effect) ? `${Number(effect.toPrecision(2))} ` : '';
    return `${values}, ${kind === 'bad' ? `ratio ${ratio}above ${tolerated}` : `worse by more than ${tolerated}`}`;
  }
  return `${values}: ${because}`;
}

const named = <T>(service: string | undefined, finding: T): T => (service === undefined ? finding : { service, ...finding });

/** The findings of one service, or of all together. `services`: among how many the level is divided. */
function judge(input: FindingsInput, service: string | undefined, services: number): Findings {
  const { definition, environment, since, now, shareAt, comparable, statistics } = input;
  const data = service === undefined ? input.data : { ...input.data, windows: input.data.windows.filter((window) => window.service === service) };
  const exposures = exposuresOf(input, service);
  const report = compareArms(data, definition, environment, {
    shareAt, since, unchecked: input.unchecked, alpha: ALPHA / services,
    ...(exposures === undefined ? {} : { exposed: { exposures, now } }),
  });
  const metrics = report.metrics.filter(({ name }) => definition.metrics.find((each) => each.name === name)?.measure !== 'pr_auc');
  const guardrails = metrics.filter(({ role }) => role === 'guardrail').map((metric) => named(service, guardrail(metric, comparable)));
  const signals = metrics.filter(({ role }) => role === 'signal').map((metric) => named(service, signal(metric, comparable, statistics)));
  const acceptance = !statistics ? [] : metrics.filter(({ role, name }) => role === 'guardrail' && name !== MISSING_ANSWERS).map((metric) => named(service, accepted(metric, comparable)));
  const { sampleRatio } = report;
  const mismatches = sampleRatio.verdict === 'mismatch' && comparable
    ? [named(service, { words: `the candidate has ${figure({ kind: 'bad' }, sampleRatio.observed)} of the units instead of ${figure({ kind: 'bad' }, sampleRatio.configured ?? Number.NaN)}: ${sampleRatio.because}` })] : [];
  return { guardrails: [...guardrails, ...limits(input, data, service, services)], signals, acceptance, mismatches, reports: [named(service, { report })] };
}

/** Counters of the applications that log predictions; of all where no name agrees and there is one service. */
function exposuresOf({ exposures, environment, variants: { candidateVariant, currentVariant }, data }: FindingsInput, service: string | undefined): Exposure[] | undefined {
  if (exposures === undefined) return undefined;
  const own = exposures.filter((each) => each.environment === environment);
  const services = new Set(service === undefined ? data.windows.filter((each) => each.environment === environment).map((each) => each.service) : [service]);
  const matching = own.filter(({ app }) => services.has(app));
  if (matching.length === 0 && service !== undefined) return undefined;
  const byStart = new Map<number, Exposure>();
  for (const { start, end, yes, no, variants } of matching.length === 0 ? own : matching) {
    const chosen = candidateVariant === undefined ? yes : variants[candidateVariant] ?? 0;
    const others = currentVariant === undefined ? no : variants[currentVariant] ?? 0;
    const known = byStart.get(start);
    byStart.set(start, { start, end, yes: chosen + (known?.yes ?? 0), no: others + (known?.no ?? 0) });
  }
  return [...byStart.values()].sort((a, b) => a.start - b.start);
}

/** Whether there is nothing to judge the candidate by though somebody has the current version. */
function isBlind({ verdict, candidate, current }: MetricComparison): boolean {
  return verdict === 'no control' && (candidate.n === 0 || current.n > 0);
}

function guardrail(metric: MetricComparison, comparable: boolean): GuardrailFinding {
  const { name, verdict } = metric;
  const words = comparisonWords(metric);
  if (!comparable) return { name, state: 'clear', words: `${plainLine(name, 40)}: members of a segment are no sample of everyone, so only limits count here` };
  if (verdict === 'worse') return { name, state: 'breach', words };
  // The counters are a second witness: where they say nothing, the records still do.
  if (name === MISSING_ANSWERS) return { name, state: 'clear', words };
  if (verdict === 'void' || verdict === 'insufficient data' || isBlind(metric)) return { name, state: 'insufficient', words };
  return { name, state: 'clear', words };
}

function signal(metric: MetricComparison, comparable: boolean, statistics: boolean): SignalFinding {
  const { name, verdict } = metric;
  const words = comparisonWords(metric);
  if (comparable && verdict === 'worse') return { name, state: 'worse', words };
  const isMissing = verdict === 'void' || verdict === 'insufficient data' || isBlind(metric);
  return { name, state: comparable && statistics && isMissing ? 'insufficient' : 'clear', words };
}

function accepted(metric: MetricComparison, comparable: boolean): AcceptanceFinding {
  const { name, verdict } = metric;
  const words = comparisonWords(metric);
  if (!comparable || (verdict === 'no control' && metric.current.n === 0)) return { name, state: 'no control', words: `${plainLine(name, 40)}: nobody is left to compare with` };
  return { name, state: verdict === 'not worse' ? 'accepted' : 'open', words };
}

/** Limits hold for the candidate whatever the current version does. */
function limits({ definition, environment, since = Number.NEGATIVE_INFINITY }: FindingsInput, data: QualityData, service: string | undefined, services: number): GuardrailFinding[] {
  const windows = data.windows.filter((each) => each.environment === environment && each.arm === 'candidate' && each.slice === undefined && each.start >= since);
  const guardrails = definition.metrics.filter(({ role, limit }) => role === 'guardrail' && limit !== undefined);
  return guardrails.flatMap((metric) => {
    const found = limitFinding(metric, windows, { data, environment, arm: 'candidate', among: guardrails.length * services * levelShares(guardrails) });
    if (found === undefined || found.state === 'insufficient') return [];
    const words = `${plainLine(metric.name, 40)} ${figure(metric, found.value)} (n ${countWords(found.n)}), limit ${figure(metric, found.limit)}`;
    return [named(service, { name: metric.name, state: found.state === 'passed' ? 'breach' : 'clear', words } as const)];
  });
}

/** What the records of one environment say of the candidate; where one flag serves several services, of each by itself. A breach may also be one of all together: each may have too little to tell. Half of the level is that of all together, the rest is divided. */
export function qualityFindings(input: FindingsInput): Findings {
  const since = input.since ?? Number.NEGATIVE_INFINITY;
  const services = [...new Set(input.data.windows.filter(({ environment, end }) => environment === input.environment && end > since).map(({ service }) => service))].sort();
  const each = services.length < 2 ? [judge(input, undefined, 1)] : services.map((service) => judge(input, service, 2 * services.length));
  const breaches = ({ guardrails }: Findings): readonly GuardrailFinding[] => guardrails.filter(({ state }) => state === 'breach');
  const alone = new Set(each.flatMap(breaches).map(({ name }) => name));
  const together = services.length < 2 ? [] : breaches(judge(input, undefined, 2)).filter(({ name }) => !alone.has(name)).map((finding) => named(`${services.length} services together`, finding));
  return {
    guardrails: [...each.flatMap(({ guardrails }) => guardrails), ...together], signals: each.flatMap(({ signals }) => signals), acceptance: each.flatMap(({ acceptance }) => acceptance),
    mismatches: each.flatMap(({ mismatches }) => mismatches), reports: each.flatMap(({ reports }) => reports),
  };
}
