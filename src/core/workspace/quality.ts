import * as z from 'zod';
import { DURATION_PATTERN, parseDuration } from '../base/duration.ts';

/**
 * The section `quality:` of a model as the file has it. What it means, and what is wrong with its expressions, is for core/quality/definitions.ts, which is
 * loaded when somebody asks for quality.
 */

function words(description: string, ...examples: string[]): z.ZodString {
  const error = `must be text, such as ${examples.join(' or ')}`;
  return z.string({ error }).min(1, { error }).meta({ description, examples });
}

function amount(description: string, least: number, ...examples: number[]): z.ZodNumber {
  const error = `must be a number of at least ${least}, such as ${examples.join(' or ')}`;
  return z.number({ error }).min(least, { error }).meta({ description, examples });
}

function duration(description: string, example: string): z.ZodString {
  const error = `must be a duration, such as ${example} (units: s, min or m, h, d, w)`;
  return z.string({ error }).regex(new RegExp(DURATION_PATTERN), { error }).meta({ description, examples: [example] });
}

const paths = z.union([words('A path or glob, relative to this file.', 'logs/predictions-*.jsonl'), z.array(words('A path or glob, relative to this file.', 'logs/predictions-*.jsonl')).min(1, { error: 'must be a path or glob, or a list of them, not an empty list' })], { error: 'must be a path or glob, or a list of them, such as logs/predictions-*.jsonl' });

const SERIES = 'predictions_total{arm="$arm"}';
const query = z.strictObject({
  total: words('Counter of all observations of an arm; $arm stands for the arm. A plain selector is read sample by sample, so counts are exact; anything else is evaluated per window and must tell growth, [$range].', SERIES),
  bad: words('Counter of the bad ones.', 'predictions_total{arm="$arm",outcome="error"}').optional(),
  good: words('Counter of those that are not bad, such as the bucket of a histogram up to the limit.', 'latency_seconds_bucket{arm="$arm",le="0.1"}').optional(),
  sum: words('Counter of the sum of the values, for a mean. Its interval needs squares.', 'latency_seconds_sum{arm="$arm"}').optional(),
  squares: words('Counter of the sum of the squared values.', 'latency_seconds_squared_sum{arm="$arm"}').optional(),
}, { error: 'must be a mapping of total and bad, good or sum' }).meta({ description: 'How Prometheus is asked for one metric.' });

/** What Mimir, Cortex and Loki call the tenant, and what Thanos does. There are no others, so that no credential can stand in the file. */
const TENANT_HEADERS = ['X-Scope-OrgID', 'THANOS-TENANT'] as const;
const LABEL = 'must be the name of a label, such as country';
const TENANT = "must be the id of a tenant: letters, digits and !-_.*'(), several with | between, such as team-a";

const buckets = z.strictObject({
  buckets: words('The buckets of a classic histogram of latencies, with their label le; $arm stands for the arm. As total, a plain selector is read sample by sample, and anything else per window, $range.', 'latency_seconds_bucket{arm="$arm"}', 'sum by (le) (increase(latency_seconds_bucket{arm="$arm"}[$range]))'),
  unit: z.enum(['s', 'ms'], { error: 'must be s or ms' }).meta({ description: 'What the boundaries of the buckets are in.' }),
}, { error: 'must be a mapping of buckets and unit' }).meta({ description: 'The histogram that latency quantiles are told by.' });

const prometheus = z.strictObject({
  url: words('Address of the server: Prometheus, Thanos, Mimir or VictoriaMetrics.', 'http://localhost:9090').meta({ pattern: '^https?://[^@]*$' }),
  design_effect: amount('How much more the bad events vary than independent requests would; Prometheus knows no units. 1 says that requests are independent.', 1, 1, 3),
  lookback: duration('How far back is read. Default: 1d. The guard and the editor read back to when evidence began, at most 30d or this, if that is longer.', '7d').optional(),
  tenant: z.string({ error: TENANT }).regex(/^[\w!.*'()|-]{1,150}$/, { error: TENANT }).meta({ description: 'The tenant whose series are read (Mimir, Cortex, Thanos). No secret: a sign-in is PROMETHEUS_TOKEN. VictoriaMetrics has it in the address: /select/7/prometheus.', examples: ['team-a'] }).optional(),
  tenant_header: z.enum(TENANT_HEADERS, { error: `must be one of ${TENANT_HEADERS.join(', ')}` }).meta({ description: 'The header that names the tenant. Default: X-Scope-OrgID, which is that of Mimir and Cortex.' }).optional(),
  queries: z.record(z.string(), query, { error: 'must be a mapping of metric names to queries' }).meta({ description: 'Queries by the name of a guardrail or signal.' }),
  latency: buckets.optional(),
  slices: z.record(z.string(), z.string({ error: LABEL }).regex(/^[a-zA-Z_]\w*$/, { error: LABEL }).meta({ description: 'A label.', examples: ['country'] }), { error: 'must be a mapping of entries of by to labels' }).meta({ description: 'The label that has the values of an entry of by. Default: the label of its own name, country for features.country.' }).optional(),
  arms: z.record(z.string(), words('The value that the label has for this arm.', 'candidate'), { error: 'must be a mapping of candidate and current to label values' }).meta({ description: 'What stands for $arm in the queries; the name of the arm by default.' }).optional(),
}, { error: 'must be a mapping of url, design_effect and queries' }).meta({ description: 'Counters of a Prometheus server.' });

const source = z.strictObject({
  log: paths.meta({ description: 'The prediction log: *.jsonl, *.parquet or *.csv.' }).optional(),
  outcomes: paths.meta({ description: 'Where outcomes are that arrive later, joined by request_id; they may stand in the prediction log, too.' }).optional(),
  design_effect: amount('Of a log whose records have neither unit_id nor batch_id: how much more the bad events vary than independent requests would. 1 says that requests are independent. Where records name their unit it is measured.', 1, 1, 3).optional(),
  prometheus: prometheus.optional(),
  exec: z.array(words('The command and its arguments.', 'scripts/windows.sh'), { error: 'must be a list of texts, such as [python, scripts/windows.py]' }).min(1).meta({ description: 'A command that prints windows as JSON.' }).optional(),
}, { error: 'must name one source: {log: glob}, {prometheus: {...}} or {exec: [command]}' }).meta({ description: 'Where the observations come from.' });

const labels = z.strictObject({
  field: words('The field of the outcome that says what was true. Default: outcome.', 'defaulted').optional(),
  mature_after: duration('How long after its prediction an outcome is final; younger predictions do not count. Default: 0s.', '7d').optional(),
  absent_means: z.union([z.number(), z.boolean(), z.string()], { error: 'must be a value, such as 0' }).meta({ description: 'What a prediction without an outcome means once it has matured. Without it such predictions do not count.', examples: [0] }).optional(),
  threshold: z.number({ error: 'must be a number, such as 0.5' }).meta({ description: 'From which score on a prediction is positive. Default: 0.5, for records without a label; where it is given it decides in the place of labels, too.' }).optional(),
  band: amount('A score closer than this to the threshold is uncertain. Default: 0.1.', 0, 0.1).optional(),
}, { error: 'must be a mapping of field, mature_after, absent_means, threshold and band' }).meta({ description: 'Outcomes that arrive later.' });

export const MEASURES = ['accuracy', 'precision', 'recall', 'pr_auc', 'brier', 'uncertain', 'confident', 'entropy'] as const;

const metricShape = {
  name: words('What the metric is called.', 'errors'),
  bad: words('A condition over the record: an observation for which it is true is a bad event.', 'error', 'latency_ms > 80').optional(),
  mean: words('An expression over the record whose mean is taken.', 'converted').optional(),
  measure: z.enum(MEASURES, { error: `must be one of ${MEASURES.join(', ')}` }).meta({ description: 'A measure of the predictions or of their labels.' }).optional(),
  better: z.enum(['lower', 'higher'], { error: 'must be lower or higher' }).meta({ description: 'Which way is better. Default: lower; higher for accuracy, precision, recall, pr_auc and confident.' }).optional(),
  max_ratio: amount('How many times the current rate of bad events is still tolerated. Default: 1.2.', 1, 1.2).optional(),
  min_rate: amount('A rate of bad events that is tolerated in any case: tiny baselines say nothing by their ratio.', 0, 0.001).optional(),
  accept_ratio: amount('To advance, the ratio must be shown to be below this. Default: 1.5 times max_ratio.', 1, 1.8).optional(),
  limit: z.number({ error: 'must be a number, such as 0.05' }).meta({ description: 'A rate of bad events, or a mean, that the version which serves must not pass, whatever the other one does: what is left to compare with where there is no control.', examples: [0.05] }).optional(),
  margin: amount('How much worse a mean may be, in its own units.', 0, 0.005).optional(),
};

const metric = z.strictObject(metricShape, { error: 'must be a mapping, such as {name: errors, bad: error, max_ratio: 1.2}' }).meta({ description: 'A metric: bad events, a mean, or a measure.' });
const metrics = (description: string): z.ZodType => z.array(metric, { error: 'must be a list, such as [{name: errors, bad: error, max_ratio: 1.2}]' }).meta({ description });

const training = z.strictObject({
  training: words('Whose training data: candidate, current, an alias or a version. It is the data set of its run in the registry, which must be a file that can be read here.', 'candidate', 'current', '13'),
  dataset: words('Name of the data set, where the run has several.', 'train').optional(),
});
const whole = (description: string, least: number, most: number, ...examples: number[]): z.ZodNumber => {
  const error = `must be a whole number from ${least} to ${most}, such as ${examples.join(' or ')}`;
  return z.number({ error }).int({ error }).min(least, { error }).max(most, { error }).meta({ description, examples });
};
const earlier = z.strictObject({
  weeks_ago: whole('How many weeks before the last hours.', 1, 52, 1),
  hours: whole('How many hours are compared, up to now. Default: 24.', 1, 168, 24).optional(),
});
const reference = z.union([words('The data that the model was trained on: *.parquet, *.csv or *.jsonl with the features as columns.', 'data/train.parquet'), training, earlier], {
  error: 'must be a file, such as data/train.parquet, the training data of a version, such as {training: candidate}, or the same hours of an earlier week, such as {weeks_ago: 1, hours: 24}',
});

const DRIFT_WINDOW = 'must be a duration of whole hours from 1h to 7d, such as 24h';
const [HOUR_MS, MOST_DRIFT_HOURS] = [3_600_000, 168];
const driftWindow = z.string({ error: DRIFT_WINDOW }).refine((text) => {
  const hours = (parseDuration(text) ?? 0) / HOUR_MS;
  return Number.isInteger(hours) && hours >= 1 && hours <= MOST_DRIFT_HOURS;
}, { error: DRIFT_WINDOW }).meta({ description: 'How many hours of production are looked at, up to now: whole hours of UTC with the one that runs. Default: 24h; with weeks_ago, its hours.', examples: ['24h'], pattern: DURATION_PATTERN });

const drift = z.strictObject({
  reference: reference.meta({ description: 'What production is measured against: a file, the training data of a version ({training: candidate}), or the same hours of an earlier week of the log ({weeks_ago: 1}).' }).optional(),
  weight: words('The column of the file that says how many rows each row stands for, where the training data was resampled.', 'sample_weight').optional(),
  unit: words('The column of the file that says whose row it is: rows of one unit are not independent.', 'customer_id').optional(),
  window: driftWindow.optional(),
  features: z.array(words('A feature, as the record has it below features.', 'amount'), { error: 'must be a list of features, such as [amount, age]' }).min(1, { error: 'names no feature: name those that are watched, or leave features out for all' }).meta({ description: 'The features that are watched, at most 500. Default: the first 200 that the records have.' }).optional(),
}, { error: 'must be a mapping of reference, weight, unit, window and features' }).meta({ description: 'Whether inputs and predictions shift.' });

const tolerance = (description: string, example: number): z.ZodOptional<z.ZodNumber> => amount(description, 0, example).optional();
const skew = z.strictObject({
  exec: z.array(words('The command and its arguments.', 'scripts/features.py'), { error: 'must be a list of texts, such as [python, scripts/features.py]' }).min(1).meta({ description: 'A command that reads logged predictions from its standard input, a JSON mapping a line, and prints their features as it computes them, {"request_id": ..., "features": {...}}, a line each.' }),
  abs: tolerance('By how much a number may differ. Default: 0.', 0.001),
  rel: tolerance('By which part of itself a number may differ. Default: 0.000001.', 1e-6),
  max_share: amount('The share of requests with another value that is tolerated. Default: 0.01.', 0, 0.01).max(1, { error: 'must be a share from 0 to 1, such as 0.01' }).optional(),
  sample: whole('How many requests are recomputed at most. Default: 1000.', 1, 100_000, 1000).optional(),
  lookback: duration('How far back requests are taken from. Default: 1d.', '1d').optional(),
}, { error: 'must be a mapping of exec, abs, rel, max_share, sample and lookback' }).meta({ description: 'Whether the features that were logged are those that the model was meant to get.' });

const slice = words('A field whose values are looked at by themselves.', 'features.country');

const qualityShape = {
  source: source.optional(),
  labels: labels.optional(),
  where: words('Only records for which this is true are compared: those whom the percentage has randomised.', 'features.group != "internal"').optional(),
  guardrails: metrics('Metrics whose breach rolls back.').optional(),
  signals: metrics('Metrics that only hold the ramp.').optional(),
  by: z.union([slice, z.array(slice)], { error: 'must be a field, or a list of fields, such as [features.country]' }).meta({ description: 'Slices.' }).optional(),
  drift: drift.optional(),
  skew: skew.optional(),
  window: duration('Length of a window, at least 1s. The arms are compared window by window, so let it be so long that most windows have records of both. Default: 5min.', '5min').optional(),
};

export const qualitySchema = z.strictObject(qualityShape, { error: 'must be a mapping of source, labels, guardrails, signals and drift' }).meta({ description: 'Where predictions are logged and which metrics guard the rollout.' });

export type QualitySection = z.infer<typeof qualitySchema>;
export type MetricSection = z.infer<typeof metric>;
