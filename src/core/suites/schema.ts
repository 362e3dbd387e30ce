import * as z from 'zod';

/** Suites are read as text; a larger one has its rows in a file of their own. */
export const LARGEST_SUITE = 1024 * 1024;
export const SUITE_ENDING = '.mltest.yaml';

const must = (words: string): { error: string } => ({ error: `must be ${words}` });
const text = (description: string, ...examples: string[]): z.ZodString => z.string(must(`text, such as ${examples[0] ?? ''}`)).min(1, must(`text, such as ${examples[0] ?? ''}`)).meta({ description, examples });
const number = (description: string, ...examples: number[]): z.ZodNumber => z.number(must(`a number, such as ${examples[0] ?? 1}`)).meta({ description, examples });
const count = (description: string, least: number, most: number, ...examples: number[]): z.ZodInt => z.int(must(`a whole number, such as ${examples[0] ?? least}`)).min(least, must(`at least ${least}`)).max(most, must(`at most ${most}`)).meta({ description, examples });
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()], must('text, a number, true, false or null'));
const path = (what: string, ...examples: string[]): z.ZodString => text(`JSONPath (RFC 9535) of ${what} in the model's answer to one row.`, ...examples);
const list = <T extends z.ZodType>(items: T, example: string): z.ZodArray<T> => z.array(items, must(`a list, such as ${example}`)).min(1, must(`a list with at least one entry, such as ${example}`));

const seed = z.union([z.int(), z.string()], must('a whole number or text, such as 7')).meta({ description: 'Fixes every random choice: the same seed, the same cases.', examples: [7] });

const one = {
  http: text('Address of a server that answers predictions; ${NAME} is filled in from the environment.', '${MODEL_URL}', 'http://127.0.0.1:5001').optional(),
  format: z.enum(['mlflow', 'kserve-v2', 'json'], must('mlflow, kserve-v2 or json')).meta({ description: 'What the server at `http` speaks: MLflow\'s scoring server, the Open Inference Protocol (KServe V2), or any JSON by `request`. Default: mlflow.' }).optional(),
  model: text('Open Inference Protocol: the name of the model.', 'fraud').optional(),
  model_version: text('Open Inference Protocol: the version that is asked for.', '"3"').optional(),
  input: z.enum(['columns', 'tensor'], must('columns or tensor')).meta({ description: 'Open Inference Protocol: one input per column (the default), or one tensor of all columns in their order.' }).optional(),
  path: text('Path of the predictions below the address. Default for mlflow: /invocations; for json: the address itself.', '/predict').optional(),
  request: z.json().meta({ description: 'JSON: the body. "{{column}}" stands for a value, "{{row}}" for the whole row, "{{rows}}" for a list of rows. Default: the row.', examples: [{ applicant: '{{row}}' }] }).optional(),
  answers: path('the list of answers, where `request` has "{{rows}}": the answers', '$.results').optional(),
  python: text('A Python callable, `module:function`, that takes a row as a dict and returns something that is JSON.', 'app.models:candidate').optional(),
  exec: list(z.string(must('text')), '[python3, predict.py]').meta({ description: 'A program that reads JSON Lines {"id", "inputs"} and writes {"id", "output"}.' }).optional(),
  batch: z.boolean(must('true or false')).meta({ description: 'python, exec: the callable takes a list of rows and returns a list of answers. Default: false.' }).optional(),
  registry: z.enum(['candidate', 'current'], must('candidate or current')).meta({ description: 'The version of the model in the registry; it is served with `mlflow models serve` and stopped again.' }).optional(),
  version_from: text('Where the answer says which version it is from: a JSONPath, or header:NAME. Without it an HTTP subject is unverified.', '$.model_version', 'header:x-model-version').optional(),
  timeout_ms: count('How long one request may take.', 1, 3_600_000, 10_000).optional(),
  batch_size: count('Rows in one request at most, where the subject takes several. Default: 32.', 1, 10_000, 32).optional(),
  concurrency: count('Requests at the same time at most. Default: 8 for HTTP, 1 for a process.', 1, 256, 8).optional(),
};
const subjectKeys = 'http, python, exec or registry';
export const subjectSchema = z.strictObject(one, must(`a mapping with one of ${subjectKeys}`)).meta({ description: 'What is asked.' });
const subjects = z.strictObject({
  ...one,
  candidate: subjectSchema.optional(),
  current: subjectSchema.optional(),
}, must(`a mapping with one of ${subjectKeys}`)).meta({ description: `What is tested: one of ${subjectKeys}; or candidate and current, each with one of them.` });

export const outputSchema = z.strictObject({
  label: path('the predicted label', '$.label').optional(),
  score: path('the score, a number', '$.predictions[0]').optional(),
  proba: path('the class probabilities, a list or a mapping', '$.predictions[0]').optional(),
  classes: list(scalar, '[repaid, default]').meta({ description: 'The classes of `proba`, in the order of its list.' }).optional(),
  range: z.tuple([z.number(), z.number()], must('two numbers, such as [0, 1]')).meta({ description: 'Least and greatest possible score: a case at the edge that cannot fail is skipped.', examples: [[0, 1]] }).optional(),
}, must('a mapping of label, score and proba')).meta({ description: 'Where the answer is. Default: the score, at the usual place of the subject.' });

const row = z.record(z.string(), z.json(), must('a mapping of columns to values')).meta({ description: 'One row of input.' });

export const dataSchema = z.strictObject({
  file: text('JSON Lines, CSV or Parquet, by its ending, relative to the suite.', 'fixtures/people.jsonl').optional(),
  format: z.enum(['jsonl', 'csv', 'parquet'], must('jsonl, csv or parquet')).meta({ description: 'Where the ending of the file does not say it.' }).optional(),
  rows: list(row, '[{age: 30}]').meta({ description: 'Rows in place, instead of a file.' }).optional(),
  sample: count('A random sample of so many rows. Without it every row is used.', 1, 1_000_000, 500).optional(),
  seed: seed.optional(),
  columns: list(z.string(), '[income, age]').meta({ description: 'The columns that the model gets; without it all, but those in `leave_out`. Others can still be named in conditions.' }).optional(),
  leave_out: list(z.string(), '[defaulted]').meta({ description: 'Columns that the model does not get, such as the label.' }).optional(),
}, must('a mapping with file or rows')).meta({ description: 'The rows that cases are made from.' });

const tolerance = z.union([
  z.number().min(0),
  z.strictObject({ abs: z.number().min(0).optional(), rel: z.number().min(0).optional() }),
], must('a number, or a mapping of abs and rel, none of them negative, such as {abs: 0.01, rel: 0.02}')).meta({ description: 'How far two scores may lie apart, as Python\'s math.isclose: at most max(rel * the larger one\'s size, abs). A number is abs. Default, as there: rel 1e-9.' });

const times = count('How often a random change is drawn for a row. Default: 1.', 1, 1000, 3);
const change = z.union([
  list(scalar, '[Anna, Ahmed]'),
  z.strictObject({
    values: list(scalar, '[Anna, Ahmed]').meta({ description: 'Each of these in turn; the row\'s own value is left out.' }).optional(),
    set: scalar.meta({ description: 'This value.' }).optional(),
    add: number('Adds to a number.', 5).optional(),
    add_pct: number('Adds so many per cent of the number\'s size: 20 makes 50 to 60 and -50 to -40.', 20).optional(),
    multiply: number('Multiplies a number.', 2).optional(),
    jitter: z.strictObject({ abs: z.number().positive().optional(), rel: z.number().positive().optional() }, must('{abs: ...} or {rel: ...}')).meta({ description: 'A uniform random number between -x and +x is added; with rel, x is that share of the number\'s size.', examples: [{ rel: 0.01 }] }).optional(),
    typos: count('So many random typos: two neighbours swapped, a letter doubled, left out or replaced.', 1, 20, 1).optional(),
    case: z.union([z.enum(['upper', 'lower', 'title', 'swap']), z.array(z.enum(['upper', 'lower', 'title', 'swap'])).min(1)], must('upper, lower, title, swap or a list of them')).meta({ description: 'Letter case.' }).optional(),
    whitespace: z.union([z.enum(['lead', 'trail', 'double', 'tab']), z.array(z.enum(['lead', 'trail', 'double', 'tab'])).min(1)], must('lead, trail, double, tab or a list of them')).meta({ description: 'A blank before or behind, two in the place of one, a tab in the place of a blank.' }).optional(),
    replace: z.record(z.string(), z.union([z.string(), z.array(z.string()).min(1)]), must('a mapping of text to text, such as {good: [great, fine]}')).meta({ description: 'Whole words replaced, each replacement in turn.' }).optional(),
  }, must('values, set, add, add_pct, multiply, jitter, typos, case, whitespace or replace')),
], must('a list of values, or a mapping such as {add_pct: 20}'));
const changes = z.union([
  z.literal('shuffle_columns'),
  z.record(z.string(), change),
], must('a mapping of columns to changes, such as {first_name: [Anna, Ahmed]}, or shuffle_columns')).meta({ description: 'What is changed; several columns change together.' });

const template = z.strictObject({
  column: text('The column that gets the text.', 'text'),
  texts: list(z.string(), '["I {verb} this {thing}"]').meta({ description: 'Texts with {placeholders}.' }),
  placeholders: z.record(z.string(), list(scalar, '[love, like]'), must('a mapping of placeholders to lists')).meta({ description: 'The values of each placeholder; every combination makes a row, in which the placeholders are columns, too, for conditions.' }),
  vary: text('Invariance, directional: this placeholder changes, all others stay.', 'thing').optional(),
}, must('a mapping of column, texts and placeholders')).meta({ description: 'Rows from texts with placeholders, instead of data.' });

const between = z.tuple([z.number(), z.number()], must('two numbers, such as [0, 1]'));
const statuses = z.union([z.int().min(100).max(599), z.array(z.int().min(100).max(599)).min(1)], must('an HTTP status, such as 400, or a list of them'));
const expect = z.strictObject({
  finite: z.literal(true).meta({ description: 'The score and every probability is a finite number.' }).optional(),
  between: between.meta({ description: 'The score lies between these, both included.' }).optional(),
  label: scalar.meta({ description: 'The label is this.' }).optional(),
  one_of: list(scalar, '[approve, decline]').meta({ description: 'The label is one of these.' }).optional(),
  label_from: text('The label is what this column of the row says.', 'defaulted').optional(),
  score: number('The score is this, within the tolerance.', 0.5).optional(),
  score_from: text('The score is what this column of the row says, within the tolerance.', 'expected').optional(),
  that: text('A condition over the row and score, label and proba.', 'score < 0.5 or income < 20').optional(),
  error: statuses.meta({ description: 'The model refuses the row with this status.' }).optional(),
  or_error: statuses.meta({ description: 'Refusing the row with this status passes, too.' }).optional(),
}, must('a mapping such as {between: [0, 1]}')).meta({ description: 'What the answer must be; all that is named must hold.' });

const common = {
  id: z.string(must('text, such as name-blind')).regex(/^[\w.-]{1,80}$/, must('at most 80 letters, digits, dots, hyphens and underscores, such as name-blind')).meta({ description: 'Name of the test, unique in the suite.' }),
  why: text('Why this must hold; shown when it fails, for a failure may mean that this is wrong.', 'names carry no risk').optional(),
  where: text('Only rows for which this condition holds.', 'age >= 18 and country == "DE"').optional(),
  slices: z.record(z.string(), z.string(), must('a mapping of names to conditions, such as {young: "age < 25"}')).meta({ description: 'Parts of the rows that are reported apart.' }).optional(),
  data: dataSchema.optional(),
  min_pass: z.number(must('a share between 0 and 1, such as 0.98')).gt(0, must('greater than 0')).max(1, must('at most 1: write 0.98 for 98 %')).meta({ description: 'Share of the cases that must pass. Default: 1.', examples: [0.98] }).optional(),
  severity: z.enum(['block', 'warn'], must('block or warn')).meta({ description: 'Whether a failure fails the run. Default: block; for a performance test without max_ratio: warn.' }).optional(),
  tags: list(z.string(), '[fairness]').optional(),
  waive: z.strictObject({
    until: z.string(must('a date, such as 2026-12-31')).regex(/^\d{4}-\d\d-\d\d$/, must('a date in quotes, such as "2026-12-31"')),
    reason: text('Why it may fail until then.', 'known since v12, fixed in v15'),
  }, must('a mapping of until and reason')).meta({ description: 'A failure does not count until the end of this day (UTC).' }).optional(),
};

const expectation = z.strictObject({ ...common, kind: z.literal('expectation'), template: template.optional(), expect, tolerance: tolerance.optional() });
const compare = z.enum(['label', 'score'], must('label or score')).meta({ description: 'What must stay. Default: label where the suite has one or class probabilities; with a tolerance the label\'s probability may move that much instead (CheckList).' });
const invariance = z.strictObject({ ...common, kind: z.literal('invariance'), template: template.optional(), change: changes.optional(), times: times.optional(), compare: compare.optional(), tolerance: tolerance.optional() });
const by = z.strictObject({ at_least: z.number().min(0).optional(), at_most: z.number().min(0).optional() }, must('a mapping of at_least and at_most')).meta({ description: 'How much it moves.' });
const sweep = z.record(z.string(), z.union([
  list(scalar, '[20, 40, 60]'),
  z.strictObject({ from: z.number(), to: z.number(), steps: z.int().min(2).max(1000) }),
], must('a list of values, or {from: 0, to: 100, steps: 11}')), must('a mapping of one column to its values')).meta({ description: 'One column goes through these values, and the answer moves in one direction from each to the next.' });
const directional = z.strictObject({
  ...common, kind: z.literal('directional'), template: template.optional(), change: changes.optional(), times: times.optional(), sweep: sweep.optional(),
  expect: z.enum(['increase', 'decrease'], must('increase or decrease')).meta({ description: 'Where the score goes; with class probabilities, that of `class`.' }),
  class: scalar.meta({ description: 'The class whose probability moves. Default: the one predicted for the unchanged row (CheckList).' }).optional(),
  by: by.optional(), tolerance: tolerance.optional(),
});
export const EDGE_KINDS = ['null', 'missing', 'zero', 'negative', 'limits', 'empty', 'long', 'unseen', 'unicode'] as const;
const edgeKind = z.enum(EDGE_KINDS, must(EDGE_KINDS.join(', ')));
const boundary = z.strictObject({
  ...common, kind: z.literal('boundary'), expect, tolerance: tolerance.optional(),
  generate: z.enum(['from_signature', 'from_data'], must('from_signature or from_data')).meta({ description: 'Edges by the types of the model\'s signature, or of the data.' }).optional(),
  only: list(edgeKind, '[null, missing]').meta({ description: 'Only these kinds of generated edges.' }).optional(),
  except: list(edgeKind, '[long]').meta({ description: 'All but these kinds of generated edges.' }).optional(),
  edges: z.record(z.string(), list(z.json(), '[0, -1, null]'), must('a mapping of columns to values, such as {age: [0, -1]}')).meta({ description: 'Values that are tried, each by itself, in the first row.' }).optional(),
});
const limit = z.number(must('a number greater than 0')).positive(must('greater than 0'));
const quantiles = z.strictObject({ p50: limit.optional(), p95: limit.optional(), p99: limit.optional() }, must('a mapping of p50, p95 and p99'));
const performance = z.strictObject({
  ...common, kind: z.literal('performance'),
  warmup: count('Requests before measuring. Default: 20.', 0, 100_000, 20).optional(),
  samples: count('Requests that are measured. Default: 300: p95 needs 59, p99 299.', 1, 1_000_000, 300).optional(),
  concurrency: count('Requests at the same time. Default: 1.', 1, 256, 1).optional(),
  batch_sizes: list(z.int().min(1).max(10_000), '[1, 16]').meta({ description: 'Rows per request, each measured apart; the limits hold for each. Default: [1].' }).optional(),
  limits_ms: quantiles.meta({ description: 'Milliseconds per request.' }).optional(),
  cold_start_ms: limit.meta({ description: 'From the start of the subject to its first answer; measured apart.' }).optional(),
  min_per_second: limit.meta({ description: 'Rows per second at least.' }).optional(),
  max_ratio: z.union([limit, quantiles], must('a ratio such as 1.2 (of p95), or {p50: 1.1, p95: 1.25}')).meta({ description: 'Candidate by current, measured in turns: this is the evidence, milliseconds depend on the machine. A number is about p95.' }).optional(),
});

export const testSchema = z.discriminatedUnion('kind', [expectation, invariance, directional, boundary, performance], must('expectation, invariance, directional, boundary or performance'));

export const suiteSchema = z.strictObject({
  subject: subjects.optional(),
  model: text('The model of modelswitch.yaml that this suite is about. Default: the one whose suites name this file.', 'fraud').optional(),
  signature: text('MLmodel file whose signature says which columns the model takes, relative to the suite. Default: the signature in the registry.', 'models/fraud/MLmodel').optional(),
  output: outputSchema.optional(),
  data: dataSchema.optional(),
  seed: seed.optional(),
  tests: list(testSchema, '[{id: edges, kind: boundary, generate: from_signature, expect: {finite: true}}]').meta({ description: 'The tests.' }),
}).meta({ title: '*.mltest.yaml', description: 'A behavioural suite: what a model must answer.' });

export type SuiteContent = z.output<typeof suiteSchema>;
export type SubjectContent = z.output<typeof subjectSchema>;
export type DataContent = z.output<typeof dataSchema>;
export type TemplateContent = z.output<typeof template>;
export type ChangesContent = z.output<typeof changes>;
export type ChangeContent = z.output<typeof change>;
export type ExpectContent = z.output<typeof expect>;
export type TestContent = z.output<typeof testSchema>;
export type TestOf<K extends TestContent['kind']> = Extract<TestContent, { readonly kind: K }>;
export type EdgeKind = (typeof EDGE_KINDS)[number];

/** The JSON schema with which editors complete, explain and check a suite (draft 7). */
export function suiteJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(suiteSchema, { target: 'draft-07', io: 'input' }) };
}
