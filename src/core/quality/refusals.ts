import { absenceOf } from './absence.ts';
import type { MetricDefinition, QualityDefinition } from './definitions.ts';
import { differInLabels } from './labelledShare.ts';
import { scoreRefusals } from './scoreRefusals.ts';
import { allocationIntervals, isDrawn, type ShareAt } from './strata.ts';
import { dispersionIn } from './unitDispersion.ts';
import { unnamedOf } from './unnamed.ts';
import type { QualityData } from './window.ts';

/** As records name those that are compared. */
export const ARMS: readonly [candidate: string, current: string] = ['candidate', 'current'];

/** Why a metric says nothing; `always`: not even that the candidate is worse than the current version. */
export interface Refusal {
  readonly always: boolean;
  readonly verdict: 'void' | 'insufficient data';
  readonly because: string;
}

/** Where absence is an outcome: whether there is nothing else, or lately. */
function absence({ notes, arms }: Pick<QualityData, 'notes' | 'arms'>, environment: string): Refusal | undefined {
  if (notes.outcomesMissing === true) return { always: true, verdict: 'insufficient data', because: 'there is no file of source.outcomes, and absence alone says nothing' };
  const found = absenceOf(arms.filter((each) => each.environment === environment));
  return found === undefined ? undefined : { always: found.isAll, verdict: 'insufficient data', because: `${found.words}, and absence alone says nothing` };
}

/** Of the metrics for which `absent_means` says what a missing outcome counts as: why that says nothing now. */
function absenceRefusals(data: Pick<QualityData, 'notes' | 'arms'>, { labels, metrics }: QualityDefinition, environment: string): ReadonlyMap<string, Refusal> {
  const found = labels.absentMeans === undefined ? undefined : absence(data, environment);
  const readsLabel = ({ labelled, expression }: MetricDefinition): boolean => labelled && (expression === undefined || expression.paths.some(([first]) => first === labels.field));
  return new Map(found === undefined ? [] : metrics.filter(readsLabel).map(({ name }) => [name, found]));
}

/** Why metrics tell nothing of any version that `arms` hold, by comparison or by itself: scores that their threshold does not divide, or absence that says nothing now. */
export function versionRefusals(data: Pick<QualityData, 'notes' | 'arms'>, definition: QualityDefinition, environment: string): ReadonlyMap<string, Refusal> {
  return new Map([...absenceRefusals(data, definition, environment), ...scoreRefusals(data.arms, definition, environment)]);
}

/** Where the share of matured predictions that have what a metric needs of outcomes differs by arm it means nothing: `differInLabels`. */
function labelsDiffer(data: QualityData, environment: string, metric: string, shareAt: ShareAt | undefined): Refusal | undefined {
  const { windows, arms } = data;
  const own = windows.filter((window) => window.environment === environment && window.slice === undefined && ARMS.includes(window.arm));
  const whole = own.filter((window) => isDrawn(window, shareAt));
  const [candidate, current] = [whole.filter(({ arm }) => arm === ARMS[0]), whole.filter(({ arm }) => arm === ARMS[1])];
  const phi = Math.max(dispersionIn(own, arms.filter((each) => each.environment === environment && ARMS.includes(each.arm)), metric, 'labelSums') ?? 1, unnamedOf(data, environment)?.designEffect ?? 1);
  return differInLabels(allocationIntervals(candidate, current, shareAt), metric, phi) ? { always: true, verdict: 'void', because: 'the arms have outcomes for different shares of their predictions' } : undefined;
}

/**
 * The metrics that say nothing of candidate and current because of their scores and outcomes.
 *
 * @param data from when on it counts
 */
export function toldRefusals(data: QualityData, definition: QualityDefinition, environment: string, shareAt?: ShareAt): ReadonlyMap<string, Refusal> {
  // What other arms log says nothing of these.
  const byItself = versionRefusals({ ...data, arms: data.arms.filter(({ arm }) => ARMS.includes(arm)) }, definition, environment);
  return new Map(definition.metrics.flatMap(({ name, labelled }) => {
    const own = byItself.get(name);
    const refused = own?.always === true || !labelled ? own : labelsDiffer(data, environment, name, shareAt) ?? own;
    return refused === undefined ? [] : [[name, refused] as const];
  }));
}
