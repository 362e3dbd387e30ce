import { durationWords } from '../base/duration.ts';
import { utcTime } from '../base/words.ts';
import { evidenceWords, NEEDS, oddsWords, shortWindows } from './comparisonWords.ts';
import { curveAreas } from './curveAreas.ts';
import { MISSING_ANSWERS, type LabelDefinition, type MetricDefinition, type QualityDefinition } from './definitions.ts';
import { NO_MOMENTS, hasTold, LEAST_EVENTS, LEAST_UNITS, mayTell, sequentialHalfWidth, sequentialOneSidedHalfWidth, stratifiedDifference, type Difference, type Moments } from './stats/confidenceSequence.ts';
import { alarms, evidenceNotWorse, guardEvidence, joinEvidence, worseSince } from './stats/countRule.ts';
import { dispersion, dispersionBound } from './stats/dispersion.ts';
import type { Interval } from './stats/intervals.ts';
import { doubtOf } from './doubts.ts';
import { ratioOf, type RatioReport } from './observedShare.ts';
import { areProportions, proportionInterval } from './proportions.ts';
import { ratioInterval, stratifiedRatio } from './ratioOfRates.ts';
import { MISSING_LEAST, MISSING_RATIO, silence, type AnswerLog, type Exposed, type Exposure } from './silence.ts';
import { ARMS, toldRefusals, type Refusal } from './refusals.ts';
import { scoreRefusals } from './scoreRefusals.ts';
import { countedSince, dataSince } from './since.ts';
import { atUsualRate } from './stats/usualRate.ts';
import { allocationIntervals, apartWords, comparedPart, countIntervals, isDrawn, leftOutWords, momentsAlike, onlyAcrossWords, restarts, windowsFrom, type ShareAt, type TimedInterval } from './strata.ts';
import { toldOf } from './told.ts';
import { isToldAlike, toldUntil, type Claim, type ToldUntil } from './toldFurther.ts';
import { countTold, differInTold, toldDispersion } from './toldShare.ts';
import { totalOf } from './totals.ts';
import { dispersionIn } from './unitDispersion.ts';
import { unitsIn } from './unitsIn.ts';
import { UNNAMED, unnamedOf, type UnnamedUnits } from './unnamed.ts';
import { unusualWords } from './unusualWords.ts';
import type { ArmSummary, QualityData, QualityWindow } from './window.ts';

/** One release, all stages and looks together. */
export const ALPHA = 0.025;

/** Among how many the level of a release is divided before its guardrails share it: comparison and limits of their own have half of it each, where there are limits. */
export function levelShares(metrics: readonly MetricDefinition[]): 1 | 2 {
  return metrics.some(({ role, limit }) => role === 'guardrail' && limit !== undefined) ? 2 : 1;
}

/** Observations at which the intervals of means are tightest. */
const TIGHTEST = 10_000;

export type ComparisonVerdict =
  /** A guardrail's alarm: evidence that it is worse than tolerated. */
  | 'worse'
  /** Evidence that it is not worse than tolerated. */
  | 'not worse'
  /** Neither. */
  | 'undecided'
  | 'insufficient data'
  /** Nobody has the current version, or nobody the candidate, or no service and stretch both: there is nothing to compare with. */
  | 'no control'
  /** The arms do not hold whom they should, or are labelled differently: a difference would say nothing. */
  | 'void';

/** One metric of the candidate against the current version. */
export interface MetricComparison {
  readonly name: string;
  readonly role: MetricDefinition['role'];
  readonly kind: MetricDefinition['kind'];
  readonly better: MetricDefinition['better'];
  readonly slice?: string;
  readonly candidate: ArmValue;
  readonly current: ArmValue;
  /** `bad`: candidate's rate / current's; `mean`: candidate - current. Stratified over intervals of constant allocation; undefined where there is none. */
  readonly effect?: number;
  /** Holds the truth at all looks together with 95 %. */
  readonly interval?: Interval;
  /** What the verdict is about: the ratio or difference that is tolerated. */
  readonly tolerated: number;
  /** Of bad events: up to this rate a candidate is not worse, whatever the current version does; missing: none. */
  readonly minRate?: number;
  readonly verdict: ComparisonVerdict;
  /** E of the count rule as a plain number, at most 1e12; alarm at 1 / alpha. */
  readonly evidence?: number;
  /** How much more units vary than requests; counts are divided by it. */
  readonly dispersion: number;
  readonly because: string;
  /** What scores or outcomes tell of it says nothing at all, not even that the candidate is worse, so nothing was compared; missing: it does. */
  readonly isRefused?: true;
  /** Where what is worse is so since a part of the time (milliseconds since 1970): what that part shows, which the sum of all may hide. */
  readonly lately?: { readonly since: number; readonly candidate: ArmValue; readonly current: ArmValue; readonly effect?: number };
}

export interface ArmValue {
  /** Records that told the metric. */
  readonly n: number;
  /** Rate of bad events, or mean; NaN without records. */
  readonly value: number;
  /** Units that told it, where the source knows them: counted where all that was read is compared, else at least so many (`unitsIn`). */
  readonly units?: number;
  /** Of a proportion: Wilson's interval (95 %) at one look. Verdicts go by `MetricComparison.interval`, which holds at every look. */
  readonly interval?: Interval;
}

export interface ComparisonReport {
  readonly environment: string;
  readonly sampleRatio: RatioReport;
  readonly metrics: readonly MetricComparison[];
  readonly slices: readonly MetricComparison[];
  /** Mean of the count guardrails' E, from which level it alarms (1 / alpha where there are no others), and whether it does. */
  readonly joint: { readonly evidence: number; readonly level: number; readonly alarms: boolean };
}

export interface ComparisonOptions {
  /** Configured share of the candidate at a time; undefined where it is not known. */
  readonly shareAt?: ShareAt | undefined;
  /** Why the sample ratio cannot be checked by it, though it says when the percentage changed. */
  readonly unchecked?: string | undefined;
  readonly alpha?: number;
  /** From when on observations count, in milliseconds since 1970: what was learnt about another version is no evidence about this one. */
  readonly since?: number | undefined;
  /** What the exposure counters say: with it, answers that are missing are a guardrail of their own, `MISSING_ANSWERS`. */
  readonly exposed?: Exposed | undefined;
  /** Each side of the comparison holds records of all arms: units are those of all of them. */
  readonly mixed?: boolean;
  /** When the records were read, in milliseconds since 1970: one arm may have been told further than the other. Where it is not said, all that there is has been told. */
  readonly now?: number | undefined;
  /** So many milliseconds later than the other's an arm's records may be told; 10 min where it is not said. */
  readonly lateMs?: number | undefined;
}

/** Of how much of its value the current version may be off before it is told apart. */
const ALIKE = 0.02;

/**
 * What the current version came to where it is weighed as the candidate is, over stretches and services: what the effect is relative to. Undefined where that is what it came to in all: only where the percentage
 * or the traffic changed meanwhile the two differ, and then the plain rates may contradict the ratio (Simpson).
 */
export function currentAlike({ kind, effect, candidate, current }: Pick<MetricComparison, 'kind' | 'effect' | 'candidate' | 'current'>): number | undefined {
  if (effect === undefined || !Number.isFinite(effect) || (kind === 'bad' && effect <= 0)) return undefined;
  const alike = kind === 'bad' ? candidate.value / effect : candidate.value - effect;
  return Math.abs(alike - current.value) > ALIKE * Math.abs(current.value) ? alike : undefined;
}

/** Whether every value of a metric was 0 or 1: accuracy, precision, recall, the uncertain share, a mean of what is true or false. */
function isProportion(metric: string, arms: readonly (readonly QualityWindow[])[]): boolean {
  return areProportions(arms.flat().map(({ metrics }) => metrics[metric] ?? NO_MOMENTS));
}

/** `dispersion`: of a proportion, whose interval is told. */
function armValue({ n, sum }: Pick<Moments, 'n' | 'sum'>, dispersion: number | undefined, units?: number): ArmValue {
  const interval = dispersion === undefined ? undefined : proportionInterval({ n, sum }, dispersion);
  return { n, value: sum / n, ...(units === undefined ? {} : { units }), ...(interval === undefined ? {} : { interval }) };
}

function bounded(logEvidence: number): number {
  return Math.min(1e12, Math.exp(logEvidence));
}

/** So many times as much as they show units may vary where they are a handful, about nine in each arm. */
const FEW = 2;
/** Below this part of what could be compared, windows are too short for the traffic. */
const LEAST_COMPARED = 0.5;

type Arms = readonly [candidate: readonly QualityWindow[], current: readonly QualityWindow[]];

function bySlice(windows: readonly QualityWindow[]): ReadonlyMap<string | undefined, Arms> {
  const found = new Map<string | undefined, [QualityWindow[], QualityWindow[]]>();
  for (const window of windows) {
    const arms = found.get(window.slice) ?? [[], []];
    found.set(window.slice, arms);
    arms[ARMS.indexOf(window.arm)]?.push(window);
  }
  return found;
}

class Comparer {
  readonly #data: QualityData;
  /** The windows of both arms in the environment; of all records where it is undefined. */
  readonly #bySlice: ReadonlyMap<string | undefined, Arms>;
  /** From when on windows of all records count, in milliseconds since 1970. */
  readonly #counted: number;
  readonly #environment: string;
  readonly #options: ComparisonOptions;
  readonly #labels: LabelDefinition;
  readonly #windowMs: number;
  /** The largest dispersion of bad events: a metric that has none yet may depend on units as much as the others do. */
  readonly #widest: number;
  readonly #toldUntil: ToldUntil;
  /** By metric. */
  readonly #doubts: ReadonlyMap<string, string | undefined>;
  /** The windows in which evidence began: what came in them before is about something else, so they do not count. */
  readonly #begun: readonly QualityWindow[];
  /** Among how many the level is divided, so that all of them together raise one false alarm at most in 1 / alpha releases. */
  readonly guardrails: number;
  /** The level of the whole comparison. */
  readonly alpha: number;

  constructor(data: QualityData, definition: QualityDefinition, environment: string, options: ComparisonOptions) {
    this.guardrails = Math.max(1, definition.metrics.filter(({ role, measure }) => role === 'guardrail' && measure !== 'pr_auc').length + (options.exposed === undefined ? 0 : 1));
    this.#data = dataSince(data, options.since);
    this.#bySlice = bySlice(this.#data.windows.filter((window) => window.environment === environment));
    const whole = data.windows.filter((window) => window.environment === environment && window.slice === undefined);
    this.#counted = countedSince(whole, options.since);
    this.#environment = environment;
    const { since, now, lateMs } = options;
    this.#toldUntil = toldUntil(this.#data, environment, now, lateMs);
    this.#begun = since === undefined ? [] : whole.filter(({ start, end }) => start < since && end > since);
    this.#options = options;
    this.#doubts = new Map(definition.metrics.map((metric) => [metric.name, doubtOf(metric, this.#data, environment)]));
    this.#labels = definition.labels;
    this.#windowMs = definition.windowMs;
    this.alpha = (options.alpha ?? ALPHA) / levelShares(definition.metrics);
    this.#widest = Math.max(1, ...definition.metrics.filter(({ kind }) => kind === 'bad').map(({ name }) => this.dispersionOf(name)));
  }

  windows(slice?: string): Arms {
    return this.#bySlice.get(slice) ?? [[], []];
  }

  /** Where one arm has been told further its units are more, so those of a window count when both have been told of it. */
  get sampleRatio(): RatioReport {
    const { shareAt, unchecked } = this.#options;
    const [candidate, current] = this.windows();
    const [own, other] = [this.#toldAlike(candidate), this.#toldAlike(current)];
    const isUntold = own.length + other.length === 0 && candidate.length + current.length > 0;
    return ratioOf([own, other], shareAt, unchecked ?? (this.unnamed === undefined ? undefined : UNNAMED) ?? (isUntold ? 'no window has been told of both arms to its end yet' : undefined));
  }

  /** The windows that both arms have been told of. */
  #toldAlike(windows: readonly QualityWindow[]): readonly QualityWindow[] {
    return windows.filter((window) => isToldAlike(window, this.#toldUntil));
  }

  /** By metric; of those that need outcomes. */
  refusals(definition: QualityDefinition): ReadonlyMap<string, Refusal> {
    return toldRefusals(this.#data, definition, this.#environment, this.#options.shareAt);
  }

  /** Where the share of records that tell a metric, of those that could, differs by arm, what one of them leaves out may be what would speak against it: `differInTold`. */
  toldDiffers(metric: MetricDefinition): Refusal | undefined {
    if (this.#data.hasOwnTotals === true || metric.measure === 'pr_auc') return undefined;
    const [candidate, current] = this.windows();
    const drawn = [candidate.filter(this.#isDrawn), current.filter(this.#isDrawn)] as const;
    // Of an arm that tells nothing of it that is what is said.
    if (drawn.some((windows) => totalOf(windows, metric.name).n === 0)) return undefined;
    const isShare = metric.kind === 'bad' || isProportion(metric.name, drawn);
    const phi = Math.max(toldDispersion(drawn.flat(), this.#arms(), metric.name) ?? this.#data.designEffect ?? 1, this.unnamed?.designEffect ?? 1);
    if (!differInTold(allocationIntervals(...drawn, this.#options.shareAt), metric, { phi, isShare })) return undefined;
    return { always: false, verdict: 'void', because: `the arms tell it of different shares of their records${metric.labelled ? ' with an outcome' : ''} (${ARMS.map((arm, index) => `${arm} ${toldWords(drawn[index] ?? [], metric)}`).join(', ')}), and what is left out may be what is bad` };
  }

  #arms(): readonly ArmSummary[] {
    return this.#data.arms.filter(({ arm, environment }) => environment === this.#environment && ARMS.includes(arm));
  }

  /** `estimate`: `dispersion` for what units show, be they ever so few. */
  dispersionOf(metric: string, estimate = dispersionBound): number {
    return Math.max(dispersionIn(this.windows().flat(), this.#arms(), metric, 'unitSums', estimate) ?? this.#data.designEffect ?? 1, this.unnamed?.designEffect ?? 1);
  }

  /** Undefined: records name their unit, or the source has none. */
  get unnamed(): UnnamedUnits | undefined {
    return unnamedOf(this.#data, this.#environment);
  }

  /** Of records that name no unit nobody knows how much they show, so they let no release go on. That it is worse counts: to take a healthy one back costs less than to let a bad one go on. */
  #unitless<T extends Pick<MetricComparison, 'verdict' | 'because'>>(result: T): T {
    const isUnknown = this.unnamed !== undefined && this.unnamed.designEffect === undefined;
    return !isUnknown || result.verdict !== 'not worse' ? result : { ...result, verdict: 'undecided', because: `${UNNAMED}, so nobody knows how many are of one user: log unit_id, or say source.design_effect` };
  }

  /** Why much that was told decides nothing, where it is of a handful of units. */
  #ofFew<T extends Pick<MetricComparison, 'verdict' | 'because'>>({ name, dispersion: phi, candidate, current }: Pick<MetricComparison, 'name' | 'dispersion' | 'candidate' | 'current'>, result: T): T {
    if (result.verdict !== 'undecided' || phi <= FEW * this.dispersionOf(name, dispersion)) return result;
    const counts = candidate.units === undefined || current.units === undefined ? '' : ` (${candidate.units} and ${current.units})`;
    return { ...result, because: `too few units${counts}, or too unequal ones, to know how alike the records of one are: they count for little until there are more` };
  }

  /** How many units told a metric in windows of the candidate (0) or of the current version (1); undefined where the source knows no units. */
  #units(windows: readonly QualityWindow[], metric: string, arm: 0 | 1): number | undefined {
    const all = this.#data.arms.filter(({ environment }) => environment === this.#environment);
    const own: readonly ArmSummary[] = this.#options.mixed === true ? all : all.filter((each) => each.arm === ARMS[arm]);
    return unitsIn(windows, metric, own, all);
  }

  /** Why a metric has no observation in either arm. */
  #untold({ name, measure, labelled }: MetricDefinition): string {
    const arms = this.#arms();
    const sum = (of: (arm: ArmSummary) => number): number => arms.reduce((total, arm) => total + of(arm), 0);
    // Sources of windows count by themselves what has matured.
    const isUnmatured = labelled && this.#data.designEffect === undefined && sum(({ requests }) => requests) > 0 && sum(({ matured }) => matured) === 0;
    if (isUnmatured && sum(({ withoutRequest = 0 }) => withoutRequest) >= sum(({ requests }) => requests)) return 'no prediction has a request_id, so no outcome is known to be theirs';
    const isWaiting = isUnmatured && this.#labels.matureAfterMs > 0;
    if (isWaiting) return `no prediction has matured yet: outcomes count ${durationWords(this.#labels.matureAfterMs)} after their prediction (labels.mature_after)`;
    const begun = this.#begun.filter(({ metrics }) => (metrics[name]?.n ?? 0) > 0);
    if (begun.length > 0) return `evidence began within a window (of ${durationWords(Math.max(...begun.map(({ start, end }) => end - start)))}), and counts from the next one on, which begins at ${utcTime(Math.max(...begun.map(({ end }) => end)))}`;
    const isUnlike = measure === 'accuracy' && sum((arm) => arm.labelled) > 0;
    return `no record tells it${measure === undefined || (measure === 'accuracy' && !isUnlike) ? '' : NEEDS[measure] ?? ''}`;
  }

  compare(metric: MetricDefinition, refused: Refusal | undefined, slice?: string): MetricComparison & { readonly logEvidence?: number } {
    const [candidate, current] = this.windows(slice);
    const [a, b] = [totalOf(candidate, metric.name), totalOf(current, metric.name)];
    const phi = this.dispersionOf(metric.name);
    const isBad = metric.kind === 'bad';
    const isShare = isBad || isProportion(metric.name, [candidate, current]);
    const curve = metric.measure === 'pr_auc' && a.n + b.n > 0 ? curveAreas(this.#arms(), metric.name) : undefined;
    // Of a slice units are told where its windows do; what the verdict goes by else is an estimate.
    const unitsOf = (windows: readonly QualityWindow[], arm: 0 | 1): number | undefined => (slice === undefined || windows.some(({ units }) => units > 0) ? this.#units(windows, metric.name, arm) : undefined);
    const common = {
      name: metric.name, role: metric.role, kind: metric.kind, better: metric.better, ...(slice === undefined ? {} : { slice }),
      candidate: curve?.candidate ?? armValue(a, isShare ? phi : undefined, unitsOf(candidate, 0)),
      current: curve?.current ?? armValue(b, isShare ? phi : undefined, unitsOf(current, 1)),
      tolerated: isBad ? metric.maxRatio : metric.margin, ...(isBad && metric.minRate > 0 ? { minRate: metric.minRate } : {}), dispersion: phi, ...(refused?.always === true ? { isRefused: true as const } : {}),
    };
    if (a.n === 0 && b.n === 0) return { ...common, verdict: 'insufficient data', because: scoreRefusals(this.#arms(), { labels: this.#labels, metrics: [metric] }, this.#environment).get(metric.name)?.because ?? this.#untold(metric) };
    // Whom there is nothing to compare with may be judged alone, but not by what says nothing of either.
    if ((a.n === 0 || b.n === 0) && refused !== undefined) return { ...common, verdict: refused.verdict, because: refused.because };
    if (a.n === 0 || b.n === 0) return { ...common, verdict: 'no control', because: `${a.n === 0 ? ARMS[0] : ARMS[1]} has no data` };
    if (curve?.untold !== undefined) return { ...common, verdict: 'insufficient data', because: curve.untold };
    if (curve !== undefined) return { ...common, effect: curve.effect, verdict: 'undecided', because: 'shown only: the area has no interval here' };
    const across = onlyAcrossWords([candidate, current], metric.name, this.#options.shareAt);
    if (across !== undefined) return { ...common, verdict: 'insufficient data', because: across };
    const drawn = [candidate.filter(this.#isDrawn), current.filter(this.#isDrawn)] as const;
    if (comparedPart(...drawn, metric.name, this.#options.shareAt) === undefined) return { ...common, verdict: 'no control', because: apartWords(...drawn, metric.name) };
    const found = this.#unitless(this.#doubted(metric, this.#ofFew(common, isBad ? this.#counts(metric, ...drawn, phi) : this.#means(metric, ...drawn, phi, slice !== undefined))));
    const result = { ...found, because: `${found.because}${leftOutWords([...candidate, ...current], metric.name, this.#options.shareAt)}` };
    // A mismatch voids what would let a release go on, never a breach, and so do outcomes that have ceased. Where only some predictions have outcomes, chosen differently by arm, neither is known.
    if (refused === undefined || (result.verdict === 'worse' && !refused.always)) return { ...common, ...result };
    // What says nothing is no evidence in the mean of all guardrails either.
    return { ...common, ...result, verdict: refused.verdict, because: refused.because, ...(refused.always && 'logEvidence' in result ? { logEvidence: 0 } : {}) };
  }

  readonly #isDrawn = (window: QualityWindow): boolean => isDrawn(window, this.#options.shareAt);

  /** What was told as none, but may only not have been told, lets no release go on. */
  #doubted<T extends Pick<MetricComparison, 'verdict' | 'because'>>(metric: MetricDefinition, result: T): T {
    const doubt = result.verdict === 'not worse' || result.verdict === 'undecided' ? this.#doubts.get(metric.name) : undefined;
    return doubt === undefined ? result : { ...result, verdict: 'undecided', because: doubt };
  }

  /** The records in which answers of some services are looked for; undefined: of all. */
  #logOf(exposures: readonly Exposure[], services: readonly string[] | undefined): AnswerLog {
    const isCounted = ({ service }: QualityWindow): boolean => services?.includes(service) !== false;
    const data = { ...this.#data, windows: this.#data.windows.filter(isCounted) };
    const told = [toldOf(data, this.#environment, ARMS[0], services !== undefined), toldOf(data, this.#environment, ARMS[1], services !== undefined)] as const;
    const [candidate, current] = this.windows();
    return { exposures, candidate: candidate.filter(isCounted), current: current.filter(isCounted), told, ...(services === undefined ? {} : { service: services.join(' ') }) };
  }

  /** Predictions that are missing where the flag chose an arm; `dispersions` are those that the other bad events show, of which the largest stands for theirs: records get lost by the service, not by the unit, so a handful of units hides no silence. */
  missing(dispersions: readonly number[]): (MetricComparison & { readonly logEvidence: number }) | undefined {
    const { exposed, shareAt } = this.#options;
    if (exposed === undefined) return undefined;
    const phi = Math.max(1, ...dispersions);
    const { counted, ...known } = exposed;
    const logs = counted.map(({ exposures, services }) => this.#logOf(exposures.filter(({ start }) => start >= this.#counted), services));
    const { intervals, candidate, current, evidence } = silence(logs, { ...known, shareAt, dispersion: phi });
    const leftOut = counted.flatMap(({ without }) => without ?? []);
    const value = ({ chosen, missing }: typeof candidate): ArmValue => armValue({ n: chosen, sum: missing }, phi);
    const effect = stratifiedRatio(intervals);
    const isWorse = alarms(evidence.restarted, this.alpha);
    const nobody = candidate.chosen === 0 || current.chosen === 0;
    const verdict = nobody ? candidate.chosen === current.chosen ? 'insufficient data' : 'no control' : isWorse ? 'worse' : 'undecided';
    const why = logs.every(({ exposures }) => exposures.length === 0) ? 'Unleash counts by the hour, and has told no hour since evidence began'
      : intervals.length === 0 ? 'Unleash counts by the hour, and the records of no hour since evidence began have been told far enough' : 'the exposure counters say that nobody was sent to an arm';
    const missing = `${Math.round(candidate.missing)} of ${candidate.chosen} answers of the candidate are missing, ${Math.round(current.missing)} of ${current.chosen} of the current version${leftOut.map((each) => `, without ${each}`).join('')}`;
    return {
      name: MISSING_ANSWERS, role: 'guardrail', kind: 'bad', better: 'lower', candidate: value(candidate), current: value(current), ...(effect === undefined ? {} : { effect }),
      tolerated: MISSING_RATIO, dispersion: phi, verdict, evidence: bounded(evidence.restarted), logEvidence: evidence.restarted,
      because: nobody ? why : isWorse ? `evidence ${evidenceWords(evidence.restarted)}: ${missing}` : `${missing}; up to ${100 * MISSING_LEAST} % may be lost on the way`,
    };
  }

  #counts(metric: MetricDefinition, candidate: readonly QualityWindow[], current: readonly QualityWindow[], phi: number): Pick<MetricComparison, 'verdict' | 'because' | 'effect' | 'interval' | 'evidence' | 'lately'> & { readonly logEvidence: number } {
    const intervals = countIntervals(candidate, current, metric.name, phi);
    const counted = (claim: Claim['claim'], dispersion: number): TimedInterval[] => countIntervals(candidate, current, metric.name, dispersion, { until: this.#toldUntil, claim });
    const [forWorse, forNotWorse] = [counted('worse', phi), counted('not worse', phi)];
    const usual = atUsualRate(forNotWorse);
    const worse = guardEvidence(forWorse, metric.maxRatio, metric.minRate).restarted;
    const notWorse = evidenceNotWorse(usual, metric.acceptRatio, metric.minRate, counted('not worse', Math.max(phi, this.#widest)));
    const effect = stratifiedRatio(intervals);
    const verdict = alarms(worse, this.alpha) ? 'worse' : alarms(notWorse, this.alpha) ? 'not worse' : 'undecided';
    const events = intervals.reduce((sum, { bad }) => sum + bad, 0);
    // Of what is told of the newest window by one arm only, figures and ratio are shown all the same.
    const isWaiting = verdict === 'undecided' && forWorse.some((each, index) => each.bad !== intervals[index]?.bad) && alarms(guardEvidence(intervals, metric.maxRatio, metric.minRate).restarted, this.alpha);
    const part = verdict === 'undecided' ? comparedPart(candidate, current, metric.name, this.#options.shareAt) : undefined;
    const lately = verdict === 'worse' ? lateValues(countIntervals(candidate, current, metric.name, 1).slice(worseSince(forWorse, metric.maxRatio, metric.minRate)), intervals[0]?.start) : undefined;
    const because = verdict === 'worse' ? `evidence ${evidenceWords(worse)} that the rate is more than ${metric.maxRatio} times the current one's${lately === undefined ? '' : `, since ${utcTime(lately.since)}`}`
      : verdict === 'not worse' ? `evidence ${evidenceWords(notWorse)} that the rate is less than ${metric.acceptRatio} times the current one's${metric.minRate > 0 ? `, or than ${Number((100 * metric.minRate).toPrecision(3))} %` : ''}` : isWaiting ? 'one arm has been told further than the other within the newest window, which counts in full when both have been told of it to its end' : part !== undefined && part < LEAST_COMPARED ? shortWindows(part, this.#windowMs) : events < 2 * LEAST_EVENTS ? 'too few bad events to tell' : `shown is neither more than ${metric.maxRatio} times the current one's rate nor less than ${metric.acceptRatio} times${unusualWords(forNotWorse, usual, phi)}`;
    return { verdict, because, ...(lately === undefined ? {} : { lately }), ...(effect === undefined ? {} : { effect }), interval: ratioInterval(intervals, this.alpha), evidence: bounded(worse), logEvidence: worse };
  }

  /**
   * The difference of the arms' means over the stretches of constant allocation that hold enough of both. `strata`: them, as many independent observations as they are worth.
   */
  #difference(name: string, candidate: readonly QualityWindow[], current: readonly QualityWindow[], phi: number, isShare: boolean): { readonly found: Difference; readonly strata: readonly (readonly [Moments, Moments])[] } | undefined {
    const effective = ({ n, sum, squares }: Moments): Moments => ({ n: n / phi, sum: sum / phi, squares: squares / phi });
    const hasUnits = (windows: readonly QualityWindow[], arm: 0 | 1): boolean => {
      const { n } = effective(totalOf(windows, name));
      return Math.min(n, this.#units(windows, name, arm) ?? n) >= LEAST_UNITS;
    };
    const large = allocationIntervals(candidate, current, this.#options.shareAt).filter(([own, other]) => hasUnits(own, 0) && hasUnits(other, 1)).map((pair) => { const [own, other] = momentsAlike(pair, name); return [effective(own), effective(other)] as const; }).filter((pair) => pair.every(({ n }) => Math.round(n) >= LEAST_UNITS));
    const strata = isShare ? large.filter(mayTell) : large;
    const found = stratifiedDifference(strata);
    return found === undefined ? undefined : { found, strata };
  }

  /**
   * Worse is what differs by more than the margin in all windows, or in those from a later block on, each at its part of the level: after long health everything together hardly shows that a model has decayed. Slices, which only
   * inform, are not begun anew.
   */
  #means({ name, better, margin, role }: MetricDefinition, candidate: readonly QualityWindow[], current: readonly QualityWindow[], phi: number, isSlice: boolean): Pick<MetricComparison, 'verdict' | 'because' | 'effect' | 'interval' | 'lately'> {
    const untold = [totalOf(candidate, name), totalOf(current, name)].some(({ squares }) => Number.isNaN(squares));
    if (untold) return { verdict: 'insufficient data', because: this.#data.designEffect === undefined ? 'an absurd value was corrected, which has left rounding in the place of the squares, so the mean has no interval' : 'the source tells no squares of the values, so the mean has no interval' };
    const isShare = isProportion(name, [candidate, current]);
    const [ownWhole, otherWhole] = [this.#toldAlike(candidate), this.#toldAlike(current)];
    const told = this.#difference(name, ownWhole, otherWhole, phi, isShare);
    const isWaiting = ownWhole.length + otherWhole.length < candidate.length + current.length;
    const needs = `needs ${LEAST_UNITS} units${isShare ? `, ${LEAST_EVENTS} events and ${LEAST_EVENTS} others` : ''} per arm${isWaiting ? ', in windows that both arms have been told of' : ''}`;
    if (told === undefined) return { verdict: 'insufficient data', because: needs };
    const { found, strata } = told;
    const twoSided = sequentialHalfWidth(found, 2 * this.alpha, TIGHTEST);
    const oneSided = sequentialOneSidedHalfWidth(found, this.alpha, TIGHTEST);
    const worseBy = ({ estimate }: Difference): number => (better === 'lower' ? estimate : -estimate);
    const level = role === 'guardrail' ? this.alpha / this.guardrails : this.alpha;
    const isBeyond = (difference: Difference, part: number): boolean => worseBy(difference) - sequentialOneSidedHalfWidth(difference, part * level, TIGHTEST) > margin;
    const common = { effect: found.estimate, interval: { low: found.estimate - twoSided, high: found.estimate + twoSided } };
    const [first, ...later] = isSlice ? [] : restarts(ownWhole, otherWhole, name);
    if (isBeyond(found, first?.part ?? 1)) return { ...common, verdict: 'worse', because: `worse by more than ${margin}` };
    for (const { start, part } of later) {
      const [own, other] = [windowsFrom(ownWhole, start), windowsFrom(otherWhole, start)];
      const since = this.#difference(name, own, other, phi, isShare)?.found;
      if (since === undefined || !isBeyond(since, part)) continue;
      return { ...common, verdict: 'worse', because: `worse by more than ${margin} since ${utcTime(start)}`, lately: { since: start, effect: since.estimate, candidate: armValue(totalOf(own, name), isShare ? phi : undefined), current: armValue(totalOf(other, name), isShare ? phi : undefined) } };
    }
    const verdict = worseBy(found) + oneSided >= margin ? 'undecided' : isShare && !hasTold(strata) ? 'insufficient data' : 'not worse';
    return { ...common, verdict, because: verdict === 'insufficient data' ? needs : verdict === 'not worse' ? `not worse by more than ${margin}` : `shown is neither worse by more than ${margin} nor by less` };
  }
}

function toldWords(windows: readonly QualityWindow[], metric: MetricDefinition): string {
  const { n, sum } = countTold(windows, metric);
  return `${Number(((100 * sum) / n).toFixed(2))} %`;
}

/** What a part of the intervals shows; undefined where they are all. `first`: when those began. */
function lateValues(part: readonly TimedInterval[], first: number | undefined): MetricComparison['lately'] {
  const [since, effect] = [part[0]?.start, stratifiedRatio(part)];
  if (since === undefined || since === first) return undefined;
  const sum = (of: (interval: TimedInterval) => number): number => part.reduce((total, each) => total + of(each), 0);
  const [candidate, current] = [{ n: sum(({ candidateCount }) => candidateCount), sum: sum(({ candidateBad }) => candidateBad) }, { n: sum(({ currentCount }) => currentCount), sum: sum(({ bad, candidateBad }) => bad - candidateBad) }];
  return { since, candidate: armValue(candidate, undefined), current: armValue(current, undefined), ...(effect === undefined ? {} : { effect }) };
}

/**
 * The candidate against the current version in one environment. First whether the arms hold whom they should; then each metric with an interval that is valid however often
 * one looks; then slices, which only inform. Environments are never pooled.
 */
export function compareArms(data: QualityData, definition: QualityDefinition, environment: string, options: ComparisonOptions = {}): ComparisonReport {
  const comparer = new Comparer(data, definition, environment, options);
  const sampleRatio = comparer.sampleRatio;
  const mismatch: Refusal | undefined = sampleRatio.verdict === 'mismatch' ? { always: false, verdict: 'void', because: 'the sample ratio is not as configured' } : undefined;
  const byLabels = comparer.refusals(definition);
  const byTold = new Map(definition.metrics.map((metric) => [metric.name, comparer.toldDiffers(metric)]));
  const refused = ({ name }: MetricDefinition): Refusal | undefined => byLabels.get(name) ?? byTold.get(name) ?? mismatch;
  const declared = definition.metrics.map((metric) => comparer.compare(metric, refused(metric)));
  const missing = comparer.missing(declared.filter(({ kind }) => kind === 'bad').map(({ name }) => comparer.dispersionOf(name, dispersion)));
  const compared: readonly (MetricComparison & { readonly logEvidence?: number })[] = missing === undefined ? declared : [...declared, missing];
  const names = [...new Set(data.windows.flatMap(({ slice, environment: own }) => (slice === undefined || own !== environment ? [] : [slice])))].sort();
  const slices = names.flatMap((slice) => definition.metrics.filter(({ measure }) => measure !== 'pr_auc').map((metric) => comparer.compare(metric, refused(metric), slice)));
  const logs = compared.flatMap(({ role, logEvidence }) => (role === 'guardrail' && logEvidence !== undefined ? [logEvidence] : []));
  const evidence = joinEvidence(logs);
  // Guardrails of means have the rest of the level.
  const level = comparer.guardrails / (Math.max(1, logs.length) * comparer.alpha);
  const joint = { evidence: bounded(evidence), level, alarms: logs.length > 0 && evidence >= Math.log(level) };
  return { environment, sampleRatio, metrics: compared.map((metric) => plain(joint.alarms ? metric : withoutAlarm(metric, level))), slices: slices.map(plain), joint };
}

/** One of several guardrails may have much evidence by chance: it is worse only when all together alarm. */
function withoutAlarm<T extends MetricComparison>(metric: T, level: number): T {
  if (metric.role !== 'guardrail' || metric.kind !== 'bad' || metric.verdict !== 'worse') return metric;
  return { ...metric, verdict: 'undecided', because: `${metric.because}; all guardrails together alarm at ${oddsWords(level)} : 1 on average` };
}

/** Without what only the joint alarm needs. */
function plain(compared: MetricComparison & { readonly logEvidence?: number }): MetricComparison {
  const { logEvidence, ...rest } = compared;
  return logEvidence === undefined ? compared : rest;
}
