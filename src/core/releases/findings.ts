import { ageWords, countWords, plainLine } from '../base/words.ts';
import { ALPHA, compareArms, type ComparisonReport, type MetricComparison } from '../quality/comparison.ts';
import { MISSING_ANSWERS, type QualityDefinition } from '../quality/definitions.ts';
import { doubtOf } from '../quality/doubts.ts';
import { candidateLimits, limitWindows } from '../quality/limits.ts';
import type { ShareAt } from '../quality/strata.ts';
import type { QualityData, QualityWindow } from '../quality/window.ts';
import { acceptanceOf } from './acceptance.ts';
import type { ArmVariants } from './armVariants.ts';
import { judgedExposures } from './askingApps.ts';
import { besideMembers, type Members } from './members.ts';
import { comparisonWords, figure, isUntold, limitFigure, sinceWords, untoldWords, type Allotted } from './metricWords.ts';
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
  /** When evidence began: `since` may be the beginning of that hour. */
  readonly began?: number | undefined;
  /** From when on windows in which evidence began hold nothing of the candidate that is about something else, in milliseconds since 1970; undefined: they may. */
  readonly alone?: number | undefined;
  readonly shareAt: ShareAt;
  /** Why the sample ratio cannot be checked by that share. */
  readonly unchecked?: string | undefined;
  /** Undefined: not known, so that missing answers are no guardrail. */
  readonly exposures: readonly ExposureCount[] | undefined;
  /** So many milliseconds later than the other's an arm's records may be told; 10 min where it is not said. */
  readonly lateMs?: number | undefined;
  readonly now: number;
  /** Whether the percentage draws who gets the candidate: members of a segment are no sample of everyone. */
  readonly comparable: boolean;
  /** Whether the percentage gave the candidate to everyone in all the time from `from` on, in milliseconds since 1970, so that nobody is left to compare with. */
  readonly isForAll: (from: number) => boolean;
  /** Those who are counted as the candidate's without having been drawn; undefined: nobody. */
  readonly members?: Members | undefined;
  /** Whether the stage asks for statistics. */
  readonly statistics: boolean;
  /** When the stage that is to be left was reached, in milliseconds since 1970, where that is after evidence began. */
  readonly stageSince?: number | undefined;
}

export interface Findings extends Pick<Look, 'guardrails' | 'signals' | 'acceptance' | 'mismatches'> {
  /** One per service where there are several. */
  readonly reports: readonly { readonly service?: string; readonly report: ComparisonReport }[];
}

/** Counters are by the hour: who asked in this one or the one before is still there. */
export const ASKED_MS = 3_600_000;
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
  const last = data.windows.reduce((newest, each) => (each.environment === environment && each.service === service && each.requests > 0 ? Math.max(newest, each.end) : newest), Number.NEGATIVE_INFINITY);
  return now - last > QUIET_MS ? `; it logged last ${ageWords(now - last)}: where it is retired, leave it out by where: service != "${plainLine(service, 40)}"` : '';
}

/** The findings of one service, or of all that are judged together. `services`: among how many the level is divided. */
function judge(input: FindingsInput, service: string | undefined, judged: readonly string[], services: number): Findings {
  const { definition, environment, since, began, lateMs, now, shareAt, comparable, statistics } = input;
  const data = service === undefined ? input.data : { ...input.data, windows: input.data.windows.filter((window) => window.service === service) };
  const allotted = { comparable, everyone: isForAll(input, data) };
  const { counted } = judgedExposures(input, service, judged);
  const options = { shareAt, unchecked: input.unchecked, alpha: ALPHA / services, now, lateMs };
  const exposed = counted.length === 0 ? {} : { exposed: { counted, now, began, lateMs } };
  const report = besideIn(input, data, since, compareArms(data, definition, environment, { ...options, since, ...exposed }), options.alpha);
  const metrics = report.metrics.filter(({ name }) => definition.metrics.find((each) => each.name === name)?.measure !== 'pr_auc');
  const doubtful = new Set(definition.metrics.filter((metric) => doubtOf(metric, data, environment, since) !== undefined).map(({ name }) => name));
  const isSilent = (metric: MetricComparison): boolean => isUntold(metric, allotted) || (doubtful.has(metric.name) && metric.candidate.n > 0 && metric.current.n > 0);
  const guardrails = metrics.filter(({ role }) => role === 'guardrail').map((metric) => named(service, guardrail(metric, allotted, isSilent(metric), !input.isForAll(now))));
  const signals = metrics.filter(({ role }) => role === 'signal').map((metric) => named(service, signal(metric, allotted, statistics && isSilent(metric))));
  const { stageSince } = input;
  const ofStage = stageSince === undefined ? undefined
    : { compare: (): ComparisonReport => besideIn(input, data, stageSince, compareArms(data, definition, environment, { ...options, since: stageSince }), options.alpha), allotted: { comparable, everyone: isForAll({ ...input, since: stageSince }, data) } };
  const acceptance = !statistics ? [] : acceptanceOf({ metrics, definition, alpha: options.alpha, allotted }, ofStage).map((finding) => named(service, finding));
  const { sampleRatio } = report;
  const mismatches = sampleRatio.verdict === 'mismatch' && comparable
    ? [named(service, { words: `the candidate has ${figure({ kind: 'bad' }, sampleRatio.observed, sampleRatio.configured)} of the units instead of ${figure({ kind: 'bad' }, sampleRatio.configured ?? Number.NaN)}: ${sampleRatio.because}` })] : [];
  const told = [...guardrails, ...limits(input, { data, service, services, metrics, guardrails, doubtful })];
  const quiet = quietWords(input, service);
  const withQuiet = <T extends { readonly state: string; readonly words: string }>(finding: T): T => (finding.state === 'open' || finding.state === 'insufficient' ? { ...finding, words: `${finding.words}${quiet}` } : finding);
  return { guardrails: told.map(withQuiet), signals: signals.map(withQuiet), acceptance: acceptance.map(withQuiet), mismatches, reports: [named(service, { report })] };
}

/** A report as far as it tells of those who were drawn. */
function besideIn({ members, comparable, definition, environment, shareAt, unchecked, now, lateMs }: FindingsInput, data: QualityData, since: number | undefined, report: ComparisonReport, alpha: number): ComparisonReport {
  if (members === undefined || !comparable) return report;
  return besideMembers(report, { data, definition, environment, shareAt, unchecked, since }, members, (other, options) => compareArms(other, definition, environment, { ...options, alpha, now, lateMs }));
}

/** Of the time that records tell: what came before the oldest of them is no matter of these. */
function isForAll(input: FindingsInput, { windows }: QualityData): boolean {
  const { environment, since = Number.NEGATIVE_INFINITY } = input;
  const first = windows.find((each) => each.environment === environment && each.slice === undefined && each.start >= since);
  return first !== undefined && input.isForAll(first.start);
}

/** `isSilent`: it says nothing of the candidate, or not what it was told of it. What is worse is worse all the same. `isCompared`: whether anybody has the current version; where nobody has, nothing that is told will end a void. */
function guardrail(metric: MetricComparison, allotted: Allotted, isSilent: boolean, isCompared: boolean): GuardrailFinding {
  const { name, verdict } = metric;
  if (!allotted.comparable) return { name, state: 'clear', words: `${plainLine(name, 40)}: members of a segment are no sample of everyone, so only limits count here` };
  if (verdict === 'worse') return { name, state: 'breach', words: comparisonWords(metric) };
  // The counters are a second witness: where they say nothing, the records still do.
  if (name === MISSING_ANSWERS) return { name, state: 'clear', words: comparisonWords(metric) };
  return { name, state: isSilent ? 'insufficient' : 'clear', words: untoldWords(metric, allotted), ...(verdict === 'void' && isCompared ? { isVoid: true } : {}) };
}

function signal(metric: MetricComparison, allotted: Allotted, isSilent: boolean): SignalFinding {
  const { name, verdict } = metric;
  if (allotted.comparable && verdict === 'worse') return { name, state: 'worse', words: comparisonWords(metric) };
  return { name, state: allotted.comparable && isSilent ? 'insufficient' : 'clear', words: untoldWords(metric, allotted) };
}

/** What was found of one service beside its limits. */
interface Compared {
  readonly data: QualityData;
  readonly service: string | undefined;
  readonly services: number;
  readonly metrics: readonly MetricComparison[];
  readonly guardrails: readonly GuardrailFinding[];
  /** The metrics of which what was told lets no candidate go on (`doubtOf`). */
  readonly doubtful: ReadonlySet<string>;
}

/**
 * The limits of the candidate (`candidateLimits`). One that says nothing is told where nothing else judges the metric: what was told as none may not have been told, or nobody is left to compare with. Of a
 * segment, which may be small for ever, only what no record tells.
 */
function limits({ definition, environment, since, began, alone, comparable, shareAt, isForAll: isForAllFrom, now }: FindingsInput, { data, service, services, metrics, guardrails, doubtful }: Compared): GuardrailFinding[] {
  const windows = limitWindows(data, environment, { since, began, alone });
  const isServed = windows.some(({ requests }) => requests > 0);
  return candidateLimits(windows, data, definition, environment, { since, shareAt, services }).flatMap((found): GuardrailFinding[] => {
    const { name, metric, refused } = found;
    const isSaid = guardrails.some((each) => each.name === name && each.state === 'insufficient');
    if (refused !== undefined) return isSaid ? [] : [named(service, { name, state: 'insufficient', words: `${plainLine(name, 40)}, limit ${limitFigure(metric, found.limit)}: ${refused.because}`, ...(refused.verdict === 'void' && !isForAllFrom(now) ? { isVoid: true } : {}) })];
    const words = `${plainLine(name, 40)} ${figure(metric, found.value, found.limit)} (n ${countWords(found.n)})${sinceWords(found.since)}, limit ${limitFigure(metric, found.limit)}`;
    if (found.state !== 'insufficient') return [named(service, { name, state: found.state === 'passed' ? 'breach' : 'clear', words })];
    if (isSaid) return [];
    const isAlone = comparable && metrics.some((each) => each.name === name && each.verdict === 'no control');
    const isMissing = doubtful.has(name) || isAlone || (!comparable && found.n === 0 && isServed && !metric.labelled);
    return isMissing || !comparable ? [named(service, { name, state: isMissing ? 'insufficient' : 'clear', words: `${words}: not judged, ${found.because ?? ''}` })] : [];
  });
}

/** A service that is asked for answers and logs none: nothing is known of it. */
function unseen({ service, asked }: Services['silent'][number]): GuardrailFinding {
  return { service, name: MISSING_ANSWERS, state: 'insufficient', words: `it has logged nothing since evidence began, though Unleash counts that it asked ${countWords(asked)} times of late: see whether its predictions are logged` };
}

/** What the records of one environment say of the candidate; where one flag serves several services, of each by itself. A breach may also be one of all together: each may have too little to tell. Half of the level is that of all together, the rest is divided. Slices, which inform only, are left out. */
export function qualityFindings(given: FindingsInput): Findings {
  const input = { ...given, data: { ...given.data, windows: given.data.windows.filter(({ slice }) => slice === undefined) } };
  const { judged, silent } = servicesOf(input);
  const each = judged.length < 2 ? [judge(input, undefined, judged, 1)] : judged.map((service) => judge(input, service, judged, 2 * judged.length));
  const breaches = ({ guardrails }: Findings): readonly GuardrailFinding[] => guardrails.filter(({ state }) => state === 'breach');
  const alone = new Set(each.flatMap(breaches).map(({ name }) => name));
  const together = judged.length < 2 ? [] : breaches(judge({ ...input, statistics: false }, undefined, judged, 2)).filter(({ name }) => !alone.has(name)).map((finding) => named(`${judged.length} services together`, finding));
  const told = [...each.flatMap(({ guardrails }) => guardrails), ...together];
  // What is left to judge by may still show a breach.
  const { unjudged } = input.comparable && !told.some(({ name, state }) => name === MISSING_ANSWERS && state === 'breach') ? judgedExposures(input, undefined, judged) : {};
  const guardrails = unjudged === undefined ? told : [...told.filter(({ name }) => name !== MISSING_ANSWERS), { name: MISSING_ANSWERS, state: 'clear', words: `${MISSING_ANSWERS}: hardly judged, for ${unjudged}` } as const];
  return {
    guardrails: [...guardrails, ...silent.map(unseen)], signals: each.flatMap(({ signals }) => signals), acceptance: each.flatMap(({ acceptance }) => acceptance),
    mismatches: each.flatMap(({ mismatches }) => mismatches), reports: each.flatMap(({ reports }) => reports),
  };
}
