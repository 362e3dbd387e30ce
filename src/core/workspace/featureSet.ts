import * as z from 'zod';
import type { SourceRange } from './source.ts';

/** Feature-engineering code behind a flag of its own: which versions of which sources the application has where the flag is on. */
export interface FeatureSet {
  readonly name: string;
  readonly flag: string;
  /** Versions by source, as the contract names both: `transactions: v3`. */
  readonly provides: Readonly<Record<string, string>>;
  /** Where the flag's name stands. */
  readonly range: SourceRange;
}

/** The metric by which a model's versions are shown beside each other. */
export interface ModelMetric {
  /** As the registry has it. */
  readonly name: string;
  readonly better: 'higher' | 'lower';
}

const name = z.string({ error: 'must be the name of a metric in the registry, such as auc' }).min(1, { error: 'must be the name of a metric in the registry, such as auc' })
  .meta({ description: 'Name of the metric in the registry.', examples: ['auc'] });

export const metricSchema = z.union([name, z.strictObject({
  name,
  better: z.enum(['higher', 'lower'], { error: 'must be higher or lower' }).meta({ description: 'Which of two values is the better one. Default: lower for names that speak of an error or a loss, else higher.' }).optional(),
})], { error: 'must be a name, such as auc, or {name: rmse, better: lower}' }).meta({ description: 'The offline metric that lens and tree show for both versions. Default: the first usual one that both have.' });

export const kindSchema = z.enum(['model', 'features'], { error: 'must be model or features' })
  .meta({ description: 'model (the default), or features: new feature-engineering code behind a flag of its own.' });

const version = z.union([z.string().min(1), z.int()], { error: 'must be a version, such as v3' });
export const providesSchema = z.record(z.string(), version, { error: 'must be a mapping of sources to versions, such as {transactions: v3}' })
  .meta({ description: 'With kind: features, the versions of sources that the application has where the flag is on; the contract names sources as source@version.', examples: [{ transactions: 'v3' }] });

const SMALLER_IS_BETTER = /(?:loss|error|brier|rmse|mse|mae|mape|deviance|perplexity|wer|fpr|fnr)/i;

/** What a metric's name says about which value is the better one. */
export function betterByName(metric: string): ModelMetric['better'] {
  return SMALLER_IS_BETTER.test(metric) ? 'lower' : 'higher';
}

/** The content of `metric:`; what is of another type has been told by the schema. */
export function readMetric(value: unknown): ModelMetric | undefined {
  if (typeof value === 'string' && value !== '') return { name: value, better: betterByName(value) };
  if (typeof value !== 'object' || value === null) return undefined;
  const { name: called, better } = value as Record<string, unknown>;
  if (typeof called !== 'string' || called === '') return undefined;
  return { name: called, better: better === 'higher' || better === 'lower' ? better : betterByName(called) };
}

/** The content of `provides:`, without what is no version. */
export function readProvides(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).flatMap(([source, each]: [string, unknown]) => (typeof each === 'string' || typeof each === 'number' ? [[source, String(each)]] : [])));
}
