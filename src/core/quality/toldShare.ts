import type { MetricDefinition } from './definitions.ts';
import { NO_MOMENTS } from './stats/confidenceSequence.ts';
import { cochranMantelHaenszel, type ShareStratum } from './stats/fixedTests.ts';
import { dispersionBound, type UnitSums } from './stats/dispersion.ts';
import { totalOf } from './totals.ts';
import type { ArmSummary, QualityWindow } from './window.ts';

/** How sure it must be that shares differ, and the most of them that may be hidden. */
const [LEVEL, MOST_DIFFERENCE] = [0.001, 0.01];
/** By how much the shares must differ where few records tell a metric: by less they may at one look of many. What a mean is of, such as the value of an order, there may be more of because a model is better. */
const FEW_DIFFERENCE = { bad: 0.002, mean: 0.005 };

/** Whether a metric by design says nothing of a part of the predictions: precision of those that were decided no, recall of those whose outcome was no. */
export function isOfAPart({ measure }: { readonly measure?: MetricDefinition['measure'] | undefined }): boolean {
  return measure === 'precision' || measure === 'recall';
}

/** Records that could tell a metric, and those of them that did. */
export interface Told {
  readonly n: number;
  readonly sum: number;
}

/**
 * Of how many records of windows a metric could be told, and of how many it was: a metric of outcomes by matured predictions that have the outcome that it needs, any other by all that were served. Precision and recall count by what
 * was decided at all, for which part of it they are of is the model's doing. Nothing where the source does not tell
 * (`QualityWindow.labels`), or where labels are classes, of which the metric is not.
 */
export function countTold(windows: readonly QualityWindow[], { name, measure, labelled }: Pick<MetricDefinition, 'name' | 'measure' | 'labelled'>): Told {
  return windows.reduce<Told>((total, { requests, metrics, labels }) => {
    const n = !labelled ? requests : labels === undefined || metrics[name] === undefined ? 0 : labels.labelled[name] ?? labels.matured;
    const told = isOfAPart({ measure }) ? labels?.decided ?? n : (metrics[name] ?? NO_MOMENTS).n;
    return { n: total.n + n, sum: total.sum + Math.min(n, told) };
  }, { n: 0, sum: 0 });
}

/** What part of what tells a metric may be hidden, so that it could not be more than the metric tolerates, were all of it bad. At most a hundredth: what a mean of any values lacks may be anything. */
function tolerated({ name, kind, maxRatio, minRate, margin }: MetricDefinition, current: readonly QualityWindow[], isShare: boolean): number {
  const { n, sum } = totalOf(current, name);
  const own = kind === 'bad' ? Math.max(maxRatio * (sum / n), minRate) - sum / n : isShare ? margin : MOST_DIFFERENCE;
  return Math.min(MOST_DIFFERENCE, Math.max(0, own));
}

/** How much more shares vary where a unit tells a metric with all its records, or with none: sum m_i^2 / sum m_i over units i with m_i records, the design effect of Kish (1965) for values that are alike within a unit. */
function wholeUnits(sums: readonly UnitSums[]): number {
  return Math.max(1, ...sums.map(({ requests, requestsSquared }) => requestsSquared / requests));
}

/**
 * How much more the share of records that tell a metric varies by units than that of independent records would: by what was counted of them (`ArmSummary.toldSums`), or, where that is not known, as if each told it with all its records or
 * with none; of whatever was counted of either arm, the largest, since of any one metric records may be missing. Where a part w of the records came before units were counted anew, it is taken for as many parts like the one that is known
 * as it takes. Undefined where the source knows no units.
 */
export function toldDispersion(windows: readonly QualityWindow[], arms: readonly ArmSummary[], metric: string): number | undefined {
  const sums = arms.flatMap(({ unitSums, labelSums = {} }): readonly UnitSums[] => [...Object.values(unitSums), ...Object.values(labelSums)]).filter(({ requests }) => requests > 0);
  if (sums.length === 0) return undefined;
  const told = arms.flatMap(({ toldSums }) => toldSums?.[metric] ?? []);
  const known = told.length === 0 ? wholeUnits(sums) : dispersionBound(told);
  const from = arms.find(({ unitsBefore }) => unitsBefore !== undefined)?.unitsBefore?.from ?? Number.NEGATIVE_INFINITY;
  const count = (own: readonly QualityWindow[]): number => own.reduce((total, { requests }) => total + requests, 0);
  const missing = count(windows.filter(({ start }) => start < from));
  return missing === 0 ? known : known / (1 - missing / count(windows));
}

/**
 * Whether the share of the records that tell a metric, of those that could, differs by arm, beyond chance and by more than the metric tolerates: then what one arm leaves out may be what would speak against it, such as the requests
 * that it has no answer to. Compared within services and stretches of constant allocation, as `differInLabels` does.
 *
 * @param strata windows of both arms, of one service and one allocation each
 * @param by `phi`: `toldDispersion`; `isShare`: whether every value of the metric is 0 or 1
 */
export function differInTold(strata: readonly (readonly [candidate: readonly QualityWindow[], current: readonly QualityWindow[]])[], metric: MetricDefinition, by: { readonly phi: number; readonly isShare: boolean }): boolean {
  const { phi, isShare } = by;
  const shares = strata.map(([candidate, current]): ShareStratum => ({ candidate: countTold(candidate, metric), current: countTold(current, metric) }));
  const { p, difference, share } = cochranMantelHaenszel(shares, phi);
  // Of a metric that few records tell, a few of all records are many of those.
  return p < LEVEL && Math.abs(difference) > Math.max(share * tolerated(metric, strata.flatMap(([, current]) => current), isShare), (1 - share) * FEW_DIFFERENCE[metric.kind]);
}
