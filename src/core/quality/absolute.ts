import { ALPHA } from './comparison.ts';
import { areProportions } from './proportions.ts';
import type { MetricDefinition } from './definitions.ts';
import { doubtOf } from './doubts.ts';
import { LEAST_EVENTS, LEAST_UNITS, sequentialOneSidedHalfWidth, variance } from './stats/confidenceSequence.ts';
import { aboveRateSince, alarms, evidenceAboveRate } from './stats/countRule.ts';
import { countIntervals, restarts, windowsFrom } from './strata.ts';
import { totalOf } from './totals.ts';
import { dispersionIn } from './unitDispersion.ts';
import { unitsIn } from './unitsIn.ts';
import { unnamedOf } from './unnamed.ts';
import type { QualityData, QualityWindow } from './window.ts';

/** Observations at which the interval of a mean is tightest. */
const TIGHTEST = 10_000;

/** What one version does against the limit that a metric has for every version. */
export interface LimitFinding {
  readonly name: string;
  readonly limit: number;
  readonly n: number;
  /** Rate of bad events, or mean; NaN without records. */
  readonly value: number;
  /** Of what is past its limit since a part of the time, in milliseconds since 1970: `n` and `value` are of that part, for those of all may be within it. */
  readonly since?: number;
  readonly state: 'passed' | 'within' | 'insufficient';
  /** Why it says nothing: of what is insufficient. */
  readonly because?: string;
}

/** What decides whether a limit was passed. */
export interface LimitOptions {
  readonly data: Pick<QualityData, 'arms' | 'designEffect' | 'windows' | 'doubts' | 'unnamed'>;
  readonly environment: string;
  /** The arm that the windows are of; all that serve where it is not given. */
  readonly arm?: string;
  /** From when on evidence counts, in milliseconds since 1970; undefined: all. */
  readonly since?: number | undefined;
  /** Of the level, how many limits share it. */
  readonly among: number;
}

/**
 * Whether a version passes a metric's own limit, by evidence that is valid however often one looks: for rates the count rule against a fixed share
 * (`evidenceAboveRate`), for means the one-sided confidence sequence, begun anew at later blocks, too (`restarts`). The variance is the larger of what these windows show and, of a share, that at the limit, of another mean that of all arms: few values that happen to lack the
 * rare large ones have neither the right mean nor the variance that would show it. What is in doubt (`doubtOf`) is within no limit. Undefined for metrics without a limit.
 *
 * @param windows of one arm or of all that serve, in the order of time
 */
export function limitFinding(metric: MetricDefinition, windows: readonly QualityWindow[], { data, environment, arm, since: counted, among }: LimitOptions): LimitFinding | undefined {
  const { name, limit, better } = metric;
  if (limit === undefined || metric.measure === 'pr_auc') return undefined;
  const total = totalOf(windows, name);
  const found = { name, limit, n: total.n, value: total.sum / total.n };
  if (total.n === 0) return { ...found, state: 'insufficient', because: 'no record tells it' };
  const all = data.arms.filter((each) => each.environment === environment);
  const phi = Math.max(dispersionIn(windows, all, name) ?? data.designEffect ?? 1, unnamedOf(data, environment)?.designEffect ?? 1);
  const alpha = ALPHA / Math.max(1, among);
  // All that serves together, where it fails always, is past its limit.
  const doubt = arm === undefined ? data.doubts?.[name] : doubtOf(metric, data, environment, counted);
  const decided = (isPassed: boolean): LimitFinding => (isPassed ? { ...found, state: 'passed' } : doubt === undefined ? { ...found, state: 'within' } : { ...found, state: 'insufficient', because: doubt });
  const passedSince = (since: number): LimitFinding => {
    const late = totalOf(windowsFrom(windows, since), name);
    return { ...found, n: late.n, value: late.sum / late.n, since, state: 'passed' };
  };
  if (metric.kind === 'bad') {
    const intervals = countIntervals(windows, [], name, phi);
    const isPassed = alarms(evidenceAboveRate(intervals, limit).restarted, alpha);
    const since = isPassed ? intervals[aboveRateSince(intervals, limit)]?.start : undefined;
    if (since === undefined || since === intervals[0]?.start) return decided(isPassed);
    return passedSince(since);
  }
  if (Number.isNaN(total.squares)) return { ...found, state: 'insufficient', because: 'the squares of its values are not known, so the mean has no interval' };
  const isShare = areProportions([total]);
  const known = isShare ? limit * (1 - limit) : variance(totalOf(data.windows.filter((each) => each.environment === environment && each.slice === undefined), name));
  const own = arm === undefined ? all : all.filter((each) => each.arm === arm);
  const room = Math.min(limit, 1 - limit);
  /** Whether it is passed in a part, or why that says nothing. */
  const passedIn = (part: readonly QualityWindow[], level: number): boolean | string => {
    const sums = totalOf(part, name);
    const n = sums.n / phi;
    if (Math.min(n, unitsIn(part, name, own, all) ?? n) < LEAST_UNITS) return `a limit of a mean needs ${LEAST_UNITS} units`;
    // If it were just at its limit, it would have enough events, and enough others: so one that has none at all passes it, too.
    if (isShare && n * room < LEAST_EVENTS) return room > 0 ? `a limit of ${limit} needs ${Math.ceil(LEAST_EVENTS / room)} independent records of what is 0 or 1` : `nothing that is 0 or 1 can be held against a limit of ${limit}: give one between the two`;
    const estimate = { estimate: sums.sum / sums.n, standardError: Math.sqrt(Math.max(variance(sums), Number.isNaN(known) ? 0 : known) / n), n };
    const beyond = better === 'lower' ? estimate.estimate - limit : limit - estimate.estimate;
    return beyond - sequentialOneSidedHalfWidth(estimate, level, TIGHTEST) > 0;
  };
  const [first, ...later] = restarts(windows, [], name);
  const passed = passedIn(windows, alpha * (first?.part ?? 1));
  if (typeof passed === 'string') return { ...found, state: 'insufficient', because: passed };
  const late = passed ? undefined : later.find(({ start, part }) => passedIn(windowsFrom(windows, start), alpha * part) === true);
  return late === undefined ? decided(passed) : passedSince(late.start);
}
