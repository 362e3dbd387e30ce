import { ageWords, countWords, plainLine, utcTime } from '../base/words.ts';
import { limitFinding } from '../quality/absolute.ts';
import { ALPHA, compareArms, currentAlike, levelShares, type ComparisonReport, type MetricComparison } from '../quality/comparison.ts';
import { MISSING_ANSWERS, type QualityDefinition } from '../quality/definitions.ts';
import type { Exposure } from '../quality/silence.ts';
import type { ShareAt } from '../quality/strata.ts';
import type { QualityData, QualityWindow } from '../quality/window.ts';
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
  const { name, kind, tolerated, because, lately } = metric;
  const shown = { ...metric, ...lately };
  const { effect, candidate, current } = shown;
  const since = lately === undefined ? '' : `since ${utcTime(lately.since)} `;
  const values = `${plainLine(name, 40)} ${since}${figure(metric, candidate.value)} vs ${figure(metric, currentAlike(shown) ?? current.value)} (n ${countWords(candidate.n)})`;
  if (metric.verdict === 'worse' && name !== MISSING_ANSWERS) {
    // Where the current version has no bad event there is no ratio to tell.
    const ratio = effect !== undefined && Number.isFinite(effect) ? `${Number(effect.toPrecision(2))} ` : '';
    return `${values}, ${kind === 'bad' ? `ratio ${ratio}above ${tolerated}` : `worse by more than ${tolerated}`}`;
  }
  return `${values}: ${because}`;
}

/** Counters are by the hour: who asked in this one or the one before is still there. */
const ASKED_MS = 3_600_000;
/** A service that has logged nothing for so long, while others have, may be retired. */
const QUIET_MS = 86_400_000;

/** Who is judged in an environment. */
interface Services {
  /** Those that have served since evidence began. */
  readonly judged: readonly string[];
  /** Those that served before, have logged nothing since and are still asking for the flag. */
  readonly silent: readonly { readonly service: string; readonly asked: number }[];
}

/**
 * A service that has served nothing since evidence began says nothing about what is released now, also where one of its windows reaches over the beginning: it is retired, so it neither keeps anything back nor has a part of
 * the level; so is one of which `where` leaves out all. Where Unleash counts that it asks for the flag, and it logs nothing, it is not retired but unseen.
 */
function servicesOf({ data, environment, exposures = [], since = Number.NEGATIVE_INFINITY, now }: FindingsInput): Services {
  const own = data.windows.filter((each) => each.environment === environment);
  const servicesIn = (windows: readonly QualityWindow[]): string[] => [...new Set(windows.map(({ service }) => service))].sort();
  const counted = own.filter(({ start }) => start >= since);
  const judged = servicesIn(counted.filter(({ requests }) => requests > 0));
  const heard = new Set(servicesIn(counted.filter(({ served, requests }) => (served ?? requests) > 0)));
  const others = servicesIn(own).filter((service) => service !== '' && !heard.has(service));
  const asking = exposures.filter((each) => each.environment === environment && each.start >= since && each.end > now - ASKED_MS);
  const silent = others.map((service) => ({ service, asked: asking.filter(({ app }) => app === service).reduce((sum, { yes, no }) => sum + yes + no, 0) })).filter(({ asked }) => asked > 0);
  // Where nobody has logged yet, that is said by the age of the data.
  return { judged, silent: judged.length === 0 ? [] : silent };
}

const named = <T>(service: string | undefined, finding: T): T => (service === undefined ? finding : { service, ...finding });

/** What keeps a release back for ever, where it is of a service that comes no more, with what to do about it; else nothing. */
function quietWords({ data, environment, now }: FindingsInput, service: string | undefined): string {
  if (service === undefined) return '';
  const last = Math.max(...data.windows.filter((each) => each.environment === environment && each.service === service && each.requests > 0).map(({ end }) => end));
  return now - last > QUIET_MS ? `; it logged last ${ageWords(now - last)}: where it is retired, leave it out by where: service != "${plainLine(service, 40)}"` : '';
}

/** The findings of one service, or of all that are judged together. `services`: among how many the level is divided. */
function judge(input: FindingsInput, service: string | undefined, judged: readonly string[], services: number): Findings {
  const { definition, environment, since, now, shareAt, comparable, statistics } = input;
  const data = service === undefined ? input.data : { ...input.data, windows: input.data.windows.filter((window) => window.service === service) };
  const exposures = exposuresOf(input, service, judged);
  const report = compareArms(data, definition, environment, {
    shareAt, since, unchecked: input.unchecked, alpha: ALPHA / services,
    ...(exposures === undefined ? {} : { exposed: { exposures, now } }),
  });
  const metrics = report.metrics.filter(({ name }) => definition.metrics.find((each) => each.name === name)?.measure !== 'pr_auc');
  const isDoubted = ({ name }: MetricComparison): boolean => data.doubts?.[name] !== undefined;
  const guardrails = metrics.filter(({ role }) => role === 'guardrail').map((metric) => named(service, guardrail(metric, comparable, isDoubted(metric))));
  const signals = metrics.filter(({ role }) => role === 'signal').map((metric) => named(service, signal(metric, comparable, statistics, isDoubted(metric))));
  const acceptance = !statistics ? [] : metrics.filter(({ role, name }) => role === 'guardrail' && name !== MISSING_ANSWERS).map((metric) => named(service, accepted(metric, comparable)));
  const { sampleRatio } = report;
  const mismatches = sampleRatio.verdict === 'mismatch' && comparable
    ? [named(service, { words: `the candidate has ${figure({ kind: 'bad' }, sampleRatio.observed)} of the units instead of ${figure({ kind: 'bad' }, sampleRatio.configured ?? Number.NaN)}: ${sampleRatio.because}` })] : [];
  const told = [...guardrails, ...limits(input, { data, service, services, metrics, guardrails })];
  const quiet = quietWords(input, service);
  const withQuiet = <T extends { readonly state: string; readonly words: string }>(finding: T): T => (finding.state === 'open' || finding.state === 'insufficient' ? { ...finding, words: `${finding.words}${quiet}` } : finding);
  return { guardrails: told.map(withQuiet), signals: signals.map(withQuiet), acceptance: acceptance.map(withQuiet), mismatches, reports: [named(service, { report })] };
}

/** Counters of the applications that log predictions, by the services they are; of all where no name agrees and there is one service. */
function exposuresOf({ exposures, environment, variants: { candidateVariant, currentVariant }, data }: FindingsInput, service: string | undefined, judged: readonly string[]): Exposure[] | undefined {
  if (exposures === undefined) return undefined;
  const own = exposures.filter((each) => each.environment === environment);
  const all = (): string[] => data.windows.filter((each) => each.environment === environment).map((each) => each.service);
  const services = new Set(service !== undefined ? [service] : judged.length > 0 ? judged : all());
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

/** Whether a metric says nothing: not of the candidate, or not what it was told of it. What is worse is worse all the same. */
function isUntold(metric: MetricComparison, isDoubted: boolean): boolean {
  const { verdict, candidate, current } = metric;
  return verdict === 'void' || verdict === 'insufficient data' || isBlind(metric) || (isDoubted && candidate.n > 0 && current.n > 0);
}

/** `isDoubted`: what was told as none may only not have been told. */
function guardrail(metric: MetricComparison, comparable: boolean, isDoubted: boolean): GuardrailFinding {
  const { name, verdict } = metric;
  const words = comparisonWords(metric);
  if (!comparable) return { name, state: 'clear', words: `${plainLine(name, 40)}: members of a segment are no sample of everyone, so only limits count here` };
  if (verdict === 'worse') return { name, state: 'breach', words };
  // The counters are a second witness: where they say nothing, the records still do.
  if (name === MISSING_ANSWERS) return { name, state: 'clear', words };
  return { name, state: isUntold(metric, isDoubted) ? 'insufficient' : 'clear', words };
}

function signal(metric: MetricComparison, comparable: boolean, statistics: boolean, isDoubted: boolean): SignalFinding {
  const { name, verdict } = metric;
  const words = comparisonWords(metric);
  if (comparable && verdict === 'worse') return { name, state: 'worse', words };
  return { name, state: comparable && statistics && isUntold(metric, isDoubted) ? 'insufficient' : 'clear', words };
}

function accepted(metric: MetricComparison, comparable: boolean): AcceptanceFinding {
  const { name, verdict } = metric;
  const words = comparisonWords(metric);
  if (!comparable || (verdict === 'no control' && metric.current.n === 0)) return { name, state: 'no control', words: `${plainLine(name, 40)}: nobody is left to compare with` };
  return { name, state: verdict === 'not worse' ? 'accepted' : 'open', words };
}

/** What was found of one service beside its limits. */
interface Compared {
  readonly data: QualityData;
  readonly service: string | undefined;
  readonly services: number;
  readonly metrics: readonly MetricComparison[];
  readonly guardrails: readonly GuardrailFinding[];
}

/**
 * Limits hold for the candidate whatever the current version does. One that says nothing is told where nothing else judges the metric: what was told as none may not have been told, or nobody is left to compare with. Of a
 * segment, which may be small for ever, only what no record tells.
 */
function limits({ definition, environment, since = Number.NEGATIVE_INFINITY, comparable }: FindingsInput, { data, service, services, metrics, guardrails }: Compared): GuardrailFinding[] {
  const windows = data.windows.filter((each) => each.environment === environment && each.arm === 'candidate' && each.slice === undefined && each.start >= since);
  const limited = definition.metrics.filter(({ role, limit }) => role === 'guardrail' && limit !== undefined);
  const isServed = windows.some(({ requests }) => requests > 0);
  return limited.flatMap((metric): GuardrailFinding[] => {
    const { name, labelled } = metric;
    const found = limitFinding(metric, windows, { data, environment, arm: 'candidate', among: limited.length * services * levelShares(limited) });
    if (found === undefined) return [];
    const words = `${plainLine(name, 40)} ${figure(metric, found.value)} (n ${countWords(found.n)}), limit ${figure(metric, found.limit)}`;
    if (found.state !== 'insufficient') return [named(service, { name, state: found.state === 'passed' ? 'breach' : 'clear', words })];
    if (guardrails.some((each) => each.name === name && each.state === 'insufficient')) return [];
    const isAlone = comparable && metrics.some((each) => each.name === name && each.verdict === 'no control');
    const isMissing = data.doubts?.[name] !== undefined || isAlone || (!comparable && found.n === 0 && isServed && !labelled);
    return isMissing || !comparable ? [named(service, { name, state: isMissing ? 'insufficient' : 'clear', words: `${words}: not judged, ${found.because ?? ''}` })] : [];
  });
}

/** A service that is asked for answers and logs none: nothing is known of it. */
function unseen({ service, asked }: Services['silent'][number]): GuardrailFinding {
  return { service, name: MISSING_ANSWERS, state: 'insufficient', words: `it has logged nothing since evidence began, though Unleash counts that it asked ${countWords(asked)} times of late: see whether its predictions are logged` };
}

/** What the records of one environment say of the candidate; where one flag serves several services, of each by itself. A breach may also be one of all together: each may have too little to tell. Half of the level is that of all together, the rest is divided. */
export function qualityFindings(input: FindingsInput): Findings {
  const { judged, silent } = servicesOf(input);
  const each = judged.length < 2 ? [judge(input, undefined, judged, 1)] : judged.map((service) => judge(input, service, judged, 2 * judged.length));
  const breaches = ({ guardrails }: Findings): readonly GuardrailFinding[] => guardrails.filter(({ state }) => state === 'breach');
  const alone = new Set(each.flatMap(breaches).map(({ name }) => name));
  const together = judged.length < 2 ? [] : breaches(judge(input, undefined, judged, 2)).filter(({ name }) => !alone.has(name)).map((finding) => named(`${judged.length} services together`, finding));
  return {
    guardrails: [...each.flatMap(({ guardrails }) => guardrails), ...together, ...silent.map(unseen)], signals: each.flatMap(({ signals }) => signals), acceptance: each.flatMap(({ acceptance }) => acceptance),
    mismatches: each.flatMap(({ mismatches }) => mismatches), reports: each.flatMap(({ reports }) => reports),
  };
}
