import type { RecordLike } from '../expressions/evaluate.ts';
import type { MetricDefinition, QualityDefinition } from './definitions.ts';
import { valueOf } from './measures.ts';

/** Metrics that need the same of outcomes: which matured predictions have it is counted once for all of them. */
export interface LabelSlot {
  /** Names of metrics. */
  readonly metrics: readonly string[];
  /** Whether an outcome tells what they need; `whole`: the prediction with it. */
  readonly isTold: (outcome: RecordLike, whole: RecordLike) => boolean;
}

/** See `LabelSlot.isTold`. */
function toldBy(metric: MetricDefinition, { labels }: QualityDefinition, outcomeFields: readonly string[]): LabelSlot['isTold'] {
  const { expression } = metric;
  if (expression === undefined) return (outcome) => outcome[labels.field] !== undefined;
  const fields = outcomeFields.filter((field) => expression.paths.some(([first]) => first === field));
  const value = valueOf(metric, labels);
  return (outcome, whole) => fields.every((field) => outcome[field] !== undefined) || value(whole) !== null;
}

/**
 * The metrics that need outcomes, by what they need: measures `labels.field`, an expression the fields of the outcome that it reads, or as many as it has a value with (`coalesce(refunded, 0)` has one without).
 * What else an expression may lack, such as a score, is no matter of outcomes. None where `absent_means` says what it means that there is no outcome.
 */
export function labelSlots(definition: QualityDefinition, outcomeFields: readonly string[]): readonly LabelSlot[] {
  if (definition.labels.absentMeans !== undefined) return [];
  const byNeed = new Map<string, MetricDefinition[]>();
  for (const metric of definition.metrics) {
    if (!metric.labelled) continue;
    const need = metric.expression?.text ?? '';
    byNeed.set(need, [...byNeed.get(need) ?? [], metric]);
  }
  return [...byNeed.values()].flatMap((metrics) => (metrics[0] === undefined ? [] : [{ metrics: metrics.map(({ name }) => name), isTold: toldBy(metrics[0], definition, outcomeFields) }]));
}
