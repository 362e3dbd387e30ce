import * as z from 'zod';
import { kindSchema, metricSchema, providesSchema } from './featureSet.ts';
import { guardSchema } from './guard.ts';
import { planSchema } from './plan.ts';
import { qualitySchema } from './quality.ts';
import { registrySchema } from './registry.ts';
import { retrainSchema } from './retrain.ts';

/** Text with a message that shows what is expected; numbers are not turned into text silently. */
function text(description: string, example: string): z.ZodString {
  const expected = `must be text, such as ${example}`;
  return z.string({ error: expected }).min(1, { error: `must not be empty; write for example ${example}` }).meta({ description, examples: [example] });
}

/** A name that people write with or without quotes: `champion`, `"13"` or `13`. */
function textOrNumber(description: string, ...examples: string[]): z.ZodUnion<readonly [z.ZodString, z.ZodInt]> {
  const error = `must be text or a whole number, such as ${examples.join(' or ')}`;
  return z.union([z.string().min(1, { error }), z.int()], { error }).meta({ description, examples });
}

function mapping(what: string): { error: string } {
  return { error: `must be a mapping of ${what}` };
}

const unleash = z.strictObject({
  url: text('Address of the Unleash server, without /api and without credentials. A token never stands in this file: the command "Modelswitch: Connect" keeps it in the secret store.', 'https://unleash.example.com')
    // For editors only: loading a file checks the address itself and says more.
    .meta({ pattern: '^https?://[^@]*$' }).optional(),
  project: text('Id of the Unleash project whose flags are shown.', 'default').optional(),
  environment: text('The environment that lenses and commands name first.', 'production').optional(),
}, mapping('url, project and environment')).meta({ description: 'The Unleash server that holds the flags.' });

const modelSwitch = z.strictObject({
  flag: text('Name of the Unleash flag.', 'fraud-v2'),
  on: textOrNumber('What serves when the flag is on: candidate (the default), current, an alias or a version.', 'candidate').optional(),
  off: textOrNumber('What serves when the flag is off: current (the default), candidate, an alias or a version.', 'current').optional(),
  variants: z.record(z.string(), textOrNumber('What serves who gets the variant: candidate, current, an alias or a version.', 'candidate'), mapping('variants to what serves, such as {treatment: candidate, control: current}'))
    .meta({ description: 'What serves by variant, where the code asks for variants and their payloads do not name a version.' }).optional(),
}, mapping('flag, on, off and variants')).meta({ description: 'One flag and what serves when it is on and off.' });

const later = (description: string): z.ZodOptional<z.ZodUnknown> => z.unknown().meta({ description }).optional();

export const modelSchema = z.strictObject({
  kind: kindSchema.optional(),
  flag: text('Name of the Unleash flag that switches this model: the candidate serves when it is on, the current version when it is off.', 'fraud-v2').optional(),
  switches: z.array(modelSwitch, { error: 'must be a list, such as [{flag: fraud-v2, on: candidate, off: current}]' })
    .meta({ description: 'The flags that switch this model, when there are several or on and off mean something else. Instead of flag.' }).optional(),
  registered_model: text('Name of the model in the model registry.', 'fraud-detector').optional(),
  current: textOrNumber('Alias or version that serves when the switch is off. Default: champion.', 'champion', '"13"').optional(),
  candidate: textOrNumber('Alias or version that serves when the switch is on. Default: challenger.', 'challenger', '"14"').optional(),
  metric: metricSchema.optional(),
  provides: providesSchema.optional(),
  suites: later('Behavioural test suites of the model: paths or globs of *.mltest.yaml files.'),
  contract: text('File that says which features the application provides and which outputs it consumes.', 'features.yaml').optional(),
  retrain: retrainSchema.optional(),
  quality: qualitySchema.optional(),
  plan: planSchema.optional(),
  guard: guardSchema.optional(),
}, mapping('settings, such as flag: fraud-v2')).meta({ description: 'A model and the flag that switches between its current version and the candidate.' });

const property = z.union([z.string(), z.number(), z.boolean()], { error: 'must be text, a number or true/false' });

const personaSchema = z.strictObject({
  name: text('What the persona is called.', 'internal tester'),
  userId: textOrNumber('The userId of its context.', '"7"').optional(),
  sessionId: textOrNumber('The sessionId of its context.', '"s-1"').optional(),
  properties: z.record(z.string(), property, mapping('context fields, such as {region: eu}')).meta({ description: 'Further context fields, as the application sends them to Unleash.' }).optional(),
}, mapping('name, userId, sessionId and properties')).meta({ description: 'A named evaluation context to ask: which model would this user get?' });

const wrapper = z.strictObject({
  function: text('Dotted name of the function or method as it is imported.', 'app.flags.enabled'),
  key: z.union([z.int().min(0), z.string().min(1)], { error: 'must be the place of the argument, counted from 0, or its name' })
    .meta({ description: 'Which argument is the key: its place, counted from 0 (without self), or its name. Default: 0.', examples: [0, 'key'] }).optional(),
}, mapping('function and key')).meta({ description: 'A function that asks for a flag in a way that no analysis can see.' });

const callsites = z.strictObject({
  wrappers: z.array(wrapper, { error: 'must be a list, such as [{function: app.flags.enabled, key: 0}]' }).meta({ description: 'Functions that ask for a flag. Those that call the SDK in this folder are found without it.' }).optional(),
  clients: z.array(text('Dotted name of a variable that holds an Unleash client.', 'app.core.unleash_client'), { error: 'must be a list, such as [app.core.unleash_client]' })
    .meta({ description: 'Variables that hold an Unleash client although nothing in the code says so.' }).optional(),
  exclude: z.array(text('Glob of files and folders, relative to this file.', 'legacy/**'), { error: 'must be a list of globs, such as ["legacy/**"]' })
    .meta({ description: 'Files and folders that are not searched, beside those in .gitignore.' }).optional(),
}, mapping('wrappers, clients and exclude')).meta({ description: 'What the search for call sites cannot find out by itself.' });

/** The whole of `modelswitch.yaml`. Sections that other parts of Modelswitch read are accepted as they are. */
export const workspaceSchema = z.strictObject({
  version: z.literal(1, { error: 'must be 1, the only version of this file format so far' }).meta({ description: 'Version of this file format.' }),
  unleash: unleash.optional(),
  registry: registrySchema.optional(),
  models: z.record(z.string(), modelSchema, mapping('model names to their settings')).meta({ description: 'Models by name, each with the flag that switches it.' }).optional(),
  callsites: callsites.optional(),
  personas: z.array(personaSchema, { error: 'must be a list, such as [{name: internal tester, userId: "7"}]' }).meta({ description: 'Named evaluation contexts to ask which model they would get.' }).optional(),
}).meta({ title: 'modelswitch.yaml', description: 'Which model versions stand behind which Unleash feature flags.' });

/** The JSON schema with which editors complete, explain and check `modelswitch.yaml` (draft 7, the one YAML editors know best). */
export function workspaceJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(workspaceSchema, { target: 'draft-07', io: 'input' }) };
}
