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

/** The fields of an outcome that a metric needs. Where `absent_means` says what it means that there is none, the label's is always there. */
function fieldsOf({ expression }: MetricDefinition, { labels }: QualityDefinition, outcomeFields: readonly string[]): readonly string[] {
  const read = expression === undefined ? [labels.field] : outcomeFields.filter((field) => expression.paths.some(([first]) => first === field));
  return labels.absentMeans === undefined ? read : read.filter((field) => field !== labels.field);
}

/** See `LabelSlot.isTold`. */
function toldBy(metric: MetricDefinition, fields: readonly string[], { labels }: QualityDefinition): LabelSlot['isTold'] {
  if (metric.expression === undefined) return (outcome) => outcome[labels.field] !== undefined;
  const value = valueOf(metric, labels);
  return (outcome, whole) => fields.every((field) => outcome[field] !== undefined) || value(whole) !== null;
}

/**
 * The metrics that need outcomes, by what they need: measures `labels.field`, an expression the fields of the outcome that it reads, or as many as it has a value with (`coalesce(refunded, 0)` has one without).
 * What else an expression may lack, such as a score, is no matter of outcomes. Where `absent_means` says what a missing label means, that is no need.
 */
export function labelSlots(definition: QualityDefinition, outcomeFields: readonly string[]): readonly LabelSlot[] {
  const byNeed = new Map<string, MetricDefinition[]>();
  for (const metric of definition.metrics) {
    if (!metric.labelled || fieldsOf(metric, definition, outcomeFields).length === 0) continue;
    const need = metric.expression?.text ?? '';
    byNeed.set(need, [...byNeed.get(need) ?? [], metric]);
  }
  return [...byNeed.values()].flatMap((metrics) => (metrics[0] === undefined ? [] : [{ metrics: metrics.map(({ name }) => name), isTold: toldBy(metrics[0], fieldsOf(metrics[0], definition, outcomeFields), definition) }]));
}
