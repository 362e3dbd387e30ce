import { countWords, plainLine } from '../base/words.ts';
import { limitFinding } from '../quality/absolute.ts';
import { ALPHA, compareArms, levelShares, type ComparisonReport, type MetricComparison } from '../quality/comparison.ts';
import { MISSING_ANSWERS, type QualityDefinition } from '../quality/definitions.ts';
import { outcomeRefusals } from '../quality/refusals.ts';
import type { Exposure } from '../quality/silence.ts';
import { dataSince } from '../quality/since.ts';
import type { ShareAt } from '../quality/strata.ts';
import type { QualityData } from '../quality/window.ts';
import { acceptanceOf } from './acceptance.ts';
import type { ArmVariants } from './armVariants.ts';
import { comparisonWords, figure, isUntold, sinceWords, untoldWords, type Allotted } from './metricWords.ts';
import type { GuardrailFinding, Look, SignalFinding } from './verdict.ts';

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
  /** Undefined: not known, so that missing answers are no guardrail. */
  readonly exposures: readonly ExposureCount[] | undefined;
  readonly now: number;
  /** Whether the percentage draws who gets the candidate: members of a segment are no sample of everyone. */
  readonly comparable: boolean;
  /** Whether the percentage gave the candidate to everyone in all the time from `from` on, in milliseconds since 1970, so that nobody is left to compare with. */
  readonly isForAll: (from: number) => boolean;
  /** Whether the stage asks for statistics. */
  readonly statistics: boolean;
  /** When the stage that is to be left was reached, in milliseconds since 1970, where that is after evidence began. */
  readonly stageSince?: number | undefined;
}

export interface Findings extends Pick<Look, 'guardrails' | 'signals' | 'acceptance' | 'mismatches'> {
  /** One per service where there are several. */
  readonly reports: readonly { readonly service?: string; readonly report: ComparisonReport }[];
}

const named = <T>(service: string | undefined, finding: T): T => (service === undefined ? finding : { service, ...finding });

/** The findings of one service, or of all together. `services`: among how many the level is divided. */
function judge(input: FindingsInput, service: string | undefined, services: number): Findings {
  const { definition, environment, since, now, shareAt, comparable, statistics } = input;
  const data = service === undefined ? input.data : { ...input.data, windows: input.data.windows.filter((window) => window.service === service) };
  const allotted = { comparable, everyone: isForAll(input, data) };
  const exposures = exposuresOf(input, service);
  const options = { shareAt, alpha: ALPHA / services };
  const report = compareArms(data, definition, environment, { ...options, since, ...(exposures === undefined ? {} : { exposed: { exposures, now } }) });
  const metrics = report.metrics.filter(({ name }) => definition.metrics.find((each) => each.name === name)?.measure !== 'pr_auc');
  const guardrails = metrics.filter(({ role }) => role === 'guardrail').map((metric) => named(service, guardrail(metric, allotted)));
  const signals = metrics.filter(({ role }) => role === 'signal').map((metric) => named(service, signal(metric, allotted, statistics)));
  const { stageSince } = input;
  const ofStage = stageSince === undefined ? undefined
    : { compare: (): ComparisonReport => compareArms(data, definition, environment, { ...options, since: stageSince }), allotted: { comparable, everyone: isForAll({ ...input, since: stageSince }, data) } };
  const acceptance = !statistics ? [] : acceptanceOf({ metrics, definition, alpha: options.alpha, allotted }, ofStage).map((finding) => named(service, finding));
  const { sampleRatio } = report;
  const mismatches = sampleRatio.verdict === 'mismatch' && comparable
    ? [named(service, { words: `the candidate has ${figure({ kind: 'bad' }, sampleRatio.observed)} of the units instead of ${figure({ kind: 'bad' }, sampleRatio.configured ?? Number.NaN)}: ${sampleRatio.because}` })] : [];
  // What a comparison says already of a metric that tells nothing is not said again of its limit.
  const untold = new Set(guardrails.filter(({ state }) => state === 'insufficient').map(({ name }) => name));
  const byLimit = limits(input, data, service, services).filter(({ name, state }) => state !== 'insufficient' || !untold.has(name));
  return { guardrails: [...guardrails, ...byLimit], signals, acceptance, mismatches, reports: [named(service, { report })] };
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

/** Of the time that records tell: what came before the oldest of them is no matter of these. */
function isForAll(input: FindingsInput, { windows }: QualityData): boolean {
  const { environment, since = Number.NEGATIVE_INFINITY } = input;
  const first = windows.find((each) => each.environment === environment && each.slice === undefined && each.start >= since);
  return first !== undefined && input.isForAll(first.start);
}

function guardrail(metric: MetricComparison, allotted: Allotted): GuardrailFinding {
  const { name, verdict } = metric;
  if (!allotted.comparable) return { name, state: 'clear', words: `${plainLine(name, 40)}: members of a segment are no sample of everyone, so only limits count here` };
  if (verdict === 'worse') return { name, state: 'breach', words: comparisonWords(metric) };
  // The counters are a second witness: where they say nothing, the records still do.
  if (name === MISSING_ANSWERS) return { name, state: 'clear', words: comparisonWords(metric) };
  return { name, state: isUntold(metric, allotted) ? 'insufficient' : 'clear', words: untoldWords(metric, allotted) };
}

function signal(metric: MetricComparison, allotted: Allotted, statistics: boolean): SignalFinding {
  const { name, verdict } = metric;
  if (allotted.comparable && verdict === 'worse') return { name, state: 'worse', words: comparisonWords(metric) };
  return { name, state: allotted.comparable && statistics && isUntold(metric, allotted) ? 'insufficient' : 'clear', words: untoldWords(metric, allotted) };
}

/** Limits hold for the candidate whatever the current version does. */
function limits({ definition, environment, since = Number.NEGATIVE_INFINITY, shareAt }: FindingsInput, data: QualityData, service: string | undefined, services: number): GuardrailFinding[] {
  const windows = data.windows.filter((each) => each.environment === environment && each.arm === 'candidate' && each.slice === undefined && each.start >= since);
  const guardrails = definition.metrics.filter(({ role, limit }) => role === 'guardrail' && limit !== undefined);
  const refusals = guardrails.some(({ labelled }) => labelled) ? outcomeRefusals(dataSince(data, since), definition, environment, shareAt) : undefined;
  return guardrails.flatMap((metric): GuardrailFinding[] => {
    // What outcomes do not tell they tell of no version: absence that means nothing passes no limit.
    const refused = refusals?.get(metric.name);
    if (refused !== undefined) return [named(service, { name: metric.name, state: 'insufficient', words: `${plainLine(metric.name, 40)}, limit ${figure(metric, metric.limit ?? Number.NaN)}: ${refused.because}` })];
    const found = limitFinding(metric, windows, { data, environment, arm: 'candidate', among: guardrails.length * services * levelShares(guardrails) });
    if (found === undefined || found.state === 'insufficient') return [];
    const words = `${plainLine(metric.name, 40)} ${figure(metric, found.value)} (n ${countWords(found.n)})${sinceWords(found.since)}, limit ${figure(metric, found.limit)}`;
    return [named(service, { name: metric.name, state: found.state === 'passed' ? 'breach' : 'clear', words })];
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
