import * as z from 'zod';

/** MLflow leaves out what is not set, and some stores send null. */
const text = z.string().nullish();
/** int64: numbers today, texts in strict protobuf JSON. */
const time = z.union([z.number(), z.string().transform(Number)]).nullish();
/** NaN and both infinities come as texts; unreadable ones become NaN rather than make a whole answer unreadable. */
const metricValue = z.union([z.number(), z.string().transform(Number), z.null().transform(() => Number.NaN)]);

const pairs = z.array(z.object({ key: z.string(), value: text })).nullish();
const versionText = z.union([z.string(), z.number().transform(String)]);

export const wireVersion = z.object({
  name: z.string(),
  version: versionText,
  creation_timestamp: time,
  user_id: text,
  description: text,
  source: text,
  run_id: text,
  status: text,
  tags: pairs,
  aliases: z.array(z.string()).nullish(),
});
export type WireVersion = z.output<typeof wireVersion>;

export const wireModel = z.object({
  name: z.string(),
  creation_timestamp: time,
  last_updated_timestamp: time,
  description: text,
  latest_versions: z.array(z.object({ version: versionText })).nullish(),
  tags: pairs,
  aliases: z.array(z.object({ alias: z.string(), version: versionText })).nullish(),
});
export type WireModel = z.output<typeof wireModel>;

export const wireModels = z.object({ registered_models: z.array(wireModel).nullish(), next_page_token: text });
export const wireOneModel = z.object({ registered_model: wireModel });
export const wireVersions = z.object({ model_versions: z.array(wireVersion).nullish(), next_page_token: text });
export const wireOneVersion = z.object({ model_version: wireVersion });
export const wireArtifactUri = z.object({ artifact_uri: text });

const metric = z.object({ key: z.string(), value: metricValue, run_id: text, dataset_name: text, dataset_digest: text });
const dataset = z.object({ name: text, digest: text, source_type: text, source: text, profile: text });

export const wireRun = z.object({
  run: z.object({
    info: z.object({
      run_id: text,
      run_uuid: text,
      run_name: text,
      experiment_id: text,
      user_id: text,
      status: text,
      start_time: time,
      end_time: time,
      lifecycle_stage: text,
    }),
    data: z.object({ metrics: z.array(metric).nullish(), params: pairs, tags: pairs }).nullish(),
    inputs: z.object({ dataset_inputs: z.array(z.object({ tags: pairs, dataset: dataset.nullish() })).nullish() }).nullish(),
  }),
});
export type WireRun = z.output<typeof wireRun>['run'];

export const wireExperiment = z.object({ experiment: z.object({ name: text }) });

export const wireLoggedModel = z.object({
  model: z.object({
    info: z.object({ model_id: z.string(), source_run_id: text, artifact_uri: text, tags: pairs }),
    data: z.object({ params: pairs, metrics: z.array(metric).nullish() }).nullish(),
  }),
});
export type WireLoggedModel = z.output<typeof wireLoggedModel>['model'];

export const wireError = z.object({ error_code: z.union([z.string(), z.number().transform(String)]), message: text });
