import * as z from 'zod';
import type { Problem } from '../workspace/source.ts';
import { modelswitchTags } from './evidence.ts';
import type { Facts, ModelVersion, RegisteredModel, Run, VersionDetail } from './model.ts';
import { signatureFromLists } from './signature.ts';
import { checkYaml } from './yamlFile.ts';

/** Some thousand versions. */
const LARGEST = 8 * 1024 * 1024;

function text(description: string, example: string): z.ZodString {
  return z.string({ error: `must be text, such as ${example}` }).min(1, { error: `must not be empty; write for example ${example}` }).meta({ description, examples: [example] });
}

/** A value that people write with or without quotes. */
function loose(description: string, example: string): z.ZodPipe<z.ZodUnion<readonly [z.ZodString, z.ZodNumber, z.ZodBoolean]>, z.ZodTransform<string, string | number | boolean>> {
  return z.union([z.string(), z.number(), z.boolean()], { error: `must be text or a number, such as ${example}` }).meta({ description, examples: [example] }).transform(String);
}

function mapping(what: string): { error: string } {
  return { error: `must be a mapping of ${what}` };
}

const versionName = z.union([z.string().min(1), z.int()], { error: 'must be text or a whole number, such as "13"' }).meta({ description: 'The name of the version, such as "13".', examples: ['13'] }).transform(String);
const facts = (description: string, example: string): z.ZodOptional<z.ZodRecord<z.ZodString, ReturnType<typeof loose>>> =>
  z.record(z.string(), loose('A value.', '0.1'), mapping(`names to values, such as {${example}}`)).meta({ description }).optional();
const time = z.string({ error: 'must be a time, such as 2026-11-02T10:00:00Z' }).refine((value) => !Number.isNaN(Date.parse(value)), { error: 'must be a time, such as 2026-11-02T10:00:00Z' }).meta({ examples: ['2026-11-02T10:00:00Z'] });
const columns = (description: string): z.ZodOptional<z.ZodArray<z.ZodRecord<z.ZodString, z.ZodUnknown>>> =>
  z.array(z.record(z.string(), z.unknown(), mapping('name, type and required')), { error: 'must be a list, such as [{name: amount, type: double}]' }).meta({ description }).optional();

const metricValue = z.custom<number>((value) => typeof value === 'number', { error: 'must be a number; .nan and .inf are numbers' }).meta({ type: 'number' });

const runSchema = z.strictObject({
  id: text('The id of the run where it was tracked.', '4f3c21'),
  name: text('The name of the run.', 'nightly').optional(),
  started: time.optional(),
  ended: time.optional(),
  user: text('Who ran it.', 'alice').optional(),
}, mapping('id, name, started, ended and user'));

const dataSchema = z.strictObject({
  name: text('What the data is called.', 'train'),
  digest: text('A hash of its content: equal digests mean equal data. In quotes, or YAML may take it for a number.', '"55d1e700"'),
  source: text('Where it is.', 'data/train.parquet').optional(),
  context: text('What it was used for.', 'training').optional(),
}, mapping('name, digest, source and context'));

const versionSchema = z.strictObject({
  version: versionName,
  status: z.enum(['ready', 'pending', 'failed'], { error: 'must be ready, pending or failed' }).optional(),
  created: time.meta({ description: 'When it was registered.' }).optional(),
  user: text('Who registered it.', 'alice').optional(),
  description: z.string({ error: 'must be text' }).optional(),
  tags: facts('Tags of the version, such as what it needs of the application.', 'modelswitch.needs.application: "2.4"'),
  run: z.union([runSchema, text('The id of the run.', '4f3c21').transform((id) => ({ id }))], { error: 'must be the id of the run, or a mapping with id, name, started, ended and user' }).meta({ description: 'The training run.' }).optional(),
  data: z.array(dataSchema, { error: 'must be a list, such as [{name: train, digest: 55d1e700}]' }).meta({ description: 'The data it was trained on.' }).optional(),
  params: facts('Parameters of the training.', 'C: 1.0'),
  code: z.strictObject({
    commit: text('The commit that was trained from. In quotes, or YAML may take it for a number.', '"1fcd0f0"'),
    branch: text('Its branch.', 'main').optional(),
    repository: text('Where the code is, if not in this repository.', 'https://git.example.com/fraud.git').optional(),
    entry: text('The script that ran.', 'training/train.py').optional(),
  }, mapping('commit, branch, repository and entry')).meta({ description: 'The code that made it.' }).optional(),
  metrics: z.record(z.string(), metricValue, mapping('names to numbers, such as {auc: 0.91}')).meta({ description: 'Metrics; .nan and .inf are numbers.' }).optional(),
  signature: z.strictObject({ inputs: columns('What goes in, by MLflow types.'), outputs: columns('What comes out.'), params: columns('Inference parameters.') }, mapping('inputs and outputs')).meta({ description: 'What goes in and what comes out, with the types of MLflow.' }).optional(),
  artifact: z.strictObject({
    path: text('The file, relative to the folder of modelswitch.yaml, or an address such as s3://...', 'models/fraud-13.joblib'),
    sha256: z.string({ error: 'must be text of 64 hexadecimal digits' }).regex(/^[0-9a-f]{64}$/i, { error: 'must be 64 hexadecimal digits' }).optional(),
    size: z.int({ error: 'must be a number of bytes' }).optional(),
  }, mapping('path, sha256 and size')).meta({ description: 'The file that is served.' }).optional(),
}, mapping('version, run, data, params, code, metrics, signature and artifact'));

const modelSchema = z.strictObject({
  description: z.string({ error: 'must be text' }).optional(),
  tags: facts('Tags of the model.', 'team: risk'),
  aliases: z.record(z.string(), versionName, mapping('aliases to versions, such as {champion: "13"}')).nullish().meta({ description: 'Which version each alias names.' }),
  versions: z.array(versionSchema, { error: 'must be a list of versions' }).meta({ description: 'The versions, oldest first.' }).optional(),
}, mapping('description, tags, aliases and versions'));

/** The whole of a registry file. */
export const registryFileSchema = z.strictObject({
  version: z.literal(1, { error: 'must be 1, the only version of this file format so far' }),
  models: z.record(z.string(), modelSchema, mapping('model names to their versions')).nullish().meta({ description: 'The registered models by name.' }),
}).meta({ title: 'models/registry.yaml', description: 'Models and their versions, kept in the repository.' });

type FileVersion = z.output<typeof versionSchema>;
type FileModel = z.output<typeof modelSchema>;

/** A registry file as the core's own types, versions newest first. */
export interface RegistryFile {
  readonly models: readonly { readonly model: RegisteredModel; readonly versions: readonly VersionDetail[] }[];
}

/** What a registry file says; `file` is undefined while there is an error. It never throws. */
export function loadRegistryFile(written: string): { readonly file?: RegistryFile; readonly problems: readonly Problem[] } {
  const { content, source, problems } = checkYaml(written, registryFileSchema, LARGEST);
  if (content === undefined || source === undefined) return { problems };
  const found = [...problems];
  const models = Object.entries(content.models ?? {}).map(([name, entry]) => {
    const seen = new Set<string>();
    for (const [index, { version }] of (entry.versions ?? []).entries()) {
      const range = source.valueRange(['models', name, 'versions', index, 'version']);
      if (seen.has(version)) found.push({ code: 'duplicate', severity: 'error', message: `${name} has the version ${version} twice: give each a name of its own.`, range });
      seen.add(version);
    }
    for (const [alias, version] of Object.entries(entry.aliases ?? {})) {
      if (seen.has(version)) continue;
      found.push({ code: 'missing', severity: 'warning', message: `${name} has no version ${version}: point the alias ${alias} to one that is listed.`, range: source.valueRange(['models', name, 'aliases', alias]) });
    }
    return modelOf(name, entry);
  });
  const isRight = found.every(({ severity }) => severity !== 'error');
  return { ...(isRight ? { file: { models: models.toSorted((a, b) => (a.model.name < b.model.name ? -1 : 1)) } } : {}), problems: found };
}

function modelOf(name: string, entry: FileModel): RegistryFile['models'][number] {
  const aliases = Object.entries(entry.aliases ?? {}).map(([alias, version]) => ({ alias, version }));
  const versions = (entry.versions ?? []).map((version) => detailOf(name, version, aliases.filter((each) => each.version === version.version).map(({ alias }) => alias))).toReversed();
  const latest = versions[0]?.version;
  return {
    model: { name, description: entry.description ?? '', aliases, tags: entry.tags ?? {}, ...(latest === undefined ? {} : { latestVersion: latest }) },
    versions,
  };
}

function detailOf(model: string, entry: FileVersion, aliases: readonly string[]): VersionDetail {
  const tags: Facts = entry.tags ?? {};
  const version: ModelVersion = {
    model, version: entry.version, aliases, status: entry.status ?? 'ready', description: entry.description ?? '', tags,
    ...(entry.created === undefined ? {} : { createdAt: Date.parse(entry.created) }),
    ...(entry.user === undefined ? {} : { user: entry.user }),
    ...(entry.run === undefined ? {} : { runId: entry.run.id }),
  };
  const run = runOf(entry);
  const { commit, branch, repository, entry: script } = entry.code ?? {};
  return {
    ...version,
    ...(run === undefined ? {} : { run }),
    params: entry.params ?? {},
    metrics: entry.metrics ?? {},
    datasets: datasetsOf(entry),
    code: {
      ...(commit === undefined ? {} : { commit }), ...(branch === undefined ? {} : { branch }),
      ...(repository === undefined ? {} : { repository }), ...(script === undefined ? {} : { entry: script }),
    },
    signature: entry.signature === undefined ? { kind: 'missing', reason: 'The registry file gives no signature for it.' } : signatureFromLists(entry.signature),
    ...(entry.artifact === undefined ? {} : {
      artifact: {
        uri: entry.artifact.path,
        ...(entry.artifact.size === undefined ? {} : { sizeBytes: entry.artifact.size }),
        ...(entry.artifact.sha256 === undefined ? {} : { sha256: entry.artifact.sha256.toLowerCase() }),
      },
    }),
    evidence: modelswitchTags(tags),
    gaps: [],
  };
}

function runOf(entry: FileVersion): Run | undefined {
  if (entry.run === undefined) return undefined;
  const about: z.output<typeof runSchema> = entry.run;
  return {
    id: about.id, name: about.name ?? '', status: 'finished', deleted: false,
    ...(about.started === undefined ? {} : { startedAt: Date.parse(about.started) }),
    ...(about.ended === undefined ? {} : { endedAt: Date.parse(about.ended) }),
    ...(about.user === undefined ? {} : { user: about.user }),
    params: entry.params ?? {}, metrics: entry.metrics ?? {}, tags: {}, datasets: datasetsOf(entry),
  };
}

function datasetsOf(entry: FileVersion): VersionDetail['datasets'] {
  return (entry.data ?? []).map(({ name, digest, source, context }) => ({ name, digest, ...(source === undefined ? {} : { source }), ...(context === undefined ? {} : { context }) }));
}

/** The JSON schema with which editors complete, explain and check a registry file (draft 7). */
export function registryFileJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(registryFileSchema, { target: 'draft-07', io: 'input', unrepresentable: 'any' }) };
}
