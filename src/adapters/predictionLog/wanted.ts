import type { QualityDefinition } from '../../core/quality/definitions.ts';
import type { Wanted } from './lineShape.ts';

const COLUMNS = ['ts', 'request_id', 'unit_id', 'environment', 'service', 'flag', 'assigned_arm', 'model_version', 'role', 'fallback', 'batch_id', 'features', 'score', 'proba', 'label', 'latency_ms', 'error', 'dropped'];

/** What the metrics, slices and drift of a definition read of a record. */
export function wantedBy(definition: QualityDefinition, features: readonly string[] | undefined): Wanted {
  const { metrics, labels, where, slices } = definition;
  const expressions = [...metrics.flatMap(({ expression }) => expression ?? []), ...(where === undefined ? [] : [where]), ...slices];
  const paths = expressions.flatMap((expression) => expression.paths);
  const ofFeatures = paths.filter(([first]) => first === 'features').map(([, second]) => second);
  const asWritten = paths.some(([first]) => ['ts', 'request_id', 'unit_id', 'batch_id'].includes(first ?? ''));
  return {
    fields: new Set([...COLUMNS, labels.field, ...paths.map(([first = '']) => first)]),
    asWritten,
    listed: asWritten || ofFeatures.length > 0 || features === undefined ? undefined : [...new Set(features)],
    // A feature that is compared or tested; all of them where none is named.
    features: features === undefined || ofFeatures.includes(undefined) ? undefined : new Set([...features, ...ofFeatures.flatMap((name) => name ?? [])]),
  };
}
