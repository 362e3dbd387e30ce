import { ALPHA } from './comparison.ts';
import { areProportions } from './proportions.ts';
import type { MetricDefinition } from './definitions.ts';
import { LEAST_EVENTS, LEAST_UNITS, sequentialOneSidedHalfWidth, variance } from './stats/confidenceSequence.ts';
import { alarms, evidenceAboveRate } from './stats/countRule.ts';
import { countIntervals } from './strata.ts';
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
  readonly state: 'passed' | 'within' | 'insufficient';
}

/** What decides whether a limit was passed. */
export interface LimitOptions {
  readonly data: Pick<QualityData, 'arms' | 'designEffect' | 'windows' | 'unnamed'>;
  readonly environment: string;
  /** The arm that the windows are of; all that serve where it is not given. */
  readonly arm?: string;
  /** Of the level, how many limits share it. */
  readonly among: number;
}

/**
 * Whether a version passes a metric's own limit, by evidence that is valid however often one looks: for rates the count rule against a fixed share
 * (`evidenceAboveRate`), for means the one-sided confidence sequence. The variance is the larger of what these windows show and, of a share, that at the limit, of another mean that of all arms: few values that happen to lack the
 * rare large ones have neither the right mean nor the variance that would show it. Undefined for metrics without a limit.
 *
 * @param windows of one arm or of all that serve, in the order of time
 */
export function limitFinding(metric: MetricDefinition, windows: readonly QualityWindow[], { data, environment, arm, among }: LimitOptions): LimitFinding | undefined {
  const { name, limit, better } = metric;
  if (limit === undefined || metric.measure === 'pr_auc') return undefined;
  const total = totalOf(windows, name);
  const found = { name, limit, n: total.n, value: total.sum / total.n };
  if (total.n === 0) return { ...found, state: 'insufficient' };
  const all = data.arms.filter((each) => each.environment === environment);
  const phi = Math.max(dispersionIn(windows, all, name) ?? data.designEffect ?? 1, unnamedOf(data, environment)?.designEffect ?? 1);
  const alpha = ALPHA / Math.max(1, among);
  if (metric.kind === 'bad') {
    return { ...found, state: alarms(evidenceAboveRate(countIntervals(windows, [], name, phi), limit).restarted, alpha) ? 'passed' : 'within' };
  }
  const units = unitsIn(windows, name, arm === undefined ? all : all.filter((each) => each.arm === arm), all) ?? total.n / phi;
  const n = total.n / phi;
  if (Number.isNaN(total.squares) || Math.min(n, units) < LEAST_UNITS) return { ...found, state: 'insufficient' };
  const isShare = areProportions([total]);
  // If it were just at its limit, it would have enough events, and enough others: so one that has none at all passes it, too.
  if (isShare && n * Math.min(limit, 1 - limit) < LEAST_EVENTS) return { ...found, state: 'insufficient' };
  const known = isShare ? limit * (1 - limit) : variance(totalOf(data.windows.filter((each) => each.environment === environment && each.slice === undefined), name));
  const estimate = { estimate: found.value, standardError: Math.sqrt(Math.max(variance(total), Number.isNaN(known) ? 0 : known) / n), n };
  const beyond = better === 'lower' ? estimate.estimate - limit : limit - estimate.estimate;
  return { ...found, state: beyond - sequentialOneSidedHalfWidth(estimate, alpha, TIGHTEST) > 0 ? 'passed' : 'within' };
}
