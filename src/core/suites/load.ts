import { compileCondition, OPEN_FIELDS, type Expression } from '../expressions/expression.ts';
import { checkYaml } from '../models/yamlFile.ts';
import { samplesForBound } from '../quality/stats/orderStatistics.ts';
import { quotable, type Problem, type Source, type SourcePath, type SourceRange } from '../workspace/source.ts';
import { didYouMean } from '../workspace/suggest.ts';
import { nameOf } from './json.ts';
import { pathProblem, type OutputSpec } from './output.ts';
import { combinations, MOST_COMBINATIONS } from './perturb.ts';
import { LARGEST_SUITE, suiteSchema, type DataContent, type SubjectContent, type SuiteContent, type TestContent } from './schema.ts';
import { placeholdersOf } from './templates.ts';

export type Arm = 'candidate' | 'current';

export interface Slice {
  readonly name: string;
  readonly condition: Expression<boolean>;
}

/** One test of a suite, with its expressions read. */
export interface SuiteTest {
  readonly id: string;
  readonly kind: TestContent['kind'];
  readonly content: TestContent;
  readonly where?: Expression<boolean>;
  readonly that?: Expression<boolean>;
  readonly slices: readonly Slice[];
  readonly severity: 'block' | 'warn';
  readonly data: DataContent | undefined;
  /** Where its id stands. */
  readonly range: SourceRange;
}

/** A suite file that is right by itself; whether its columns exist is seen with the data. */
export interface Suite {
  readonly subjects: Readonly<Partial<Record<Arm, SubjectContent>>>;
  readonly model?: string;
  readonly signature?: string;
  readonly output: OutputSpec;
  readonly seed: string;
  readonly tests: readonly SuiteTest[];
  readonly source: Source;
}

export interface LoadedSuite {
  /** Undefined while there is an error. */
  readonly suite?: Suite;
  readonly problems: readonly Problem[];
}

/** Collects what is wrong, by paths of the file. */
class Findings {
  readonly problems: Problem[] = [];
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  add(path: SourcePath, message: string, severity: Problem['severity'] = 'error'): void {
    this.problems.push({ code: 'type', severity, message, range: this.#source.valueRange(path) });
  }

  /** A piece of a text of the file; exact where it stands on one line as it is, else the whole text. */
  addWithin(path: SourcePath, written: string, start: number, end: number, message: string): void {
    const range = this.#source.valueRange(path);
    const offset = this.#source.text.slice(range.start.offset, range.end.offset).indexOf(written);
    const exact = offset < 0 ? range : this.#source.range(range.start.offset + offset + start, range.start.offset + offset + Math.max(end, start + 1));
    this.problems.push({ code: 'type', severity: 'error', message, range: exact });
  }

  condition(path: SourcePath, text: string | undefined): Expression<boolean> | undefined {
    if (text === undefined) return undefined;
    const compiled = compileCondition(text, OPEN_FIELDS);
    if ('expression' in compiled) return compiled.expression;
    this.addWithin(path, text, compiled.problem.start, compiled.problem.end, `This condition cannot be read: ${compiled.problem.message}.`);
    return undefined;
  }
}

const STARTERS = ['http', 'python', 'exec', 'registry'] as const;
const FITTING: Readonly<Record<string, readonly (typeof STARTERS)[number][]>> = {
  format: ['http'], model: ['http'], model_version: ['http'], input: ['http'], path: ['http'], request: ['http'], answers: ['http'],
  version_from: ['http', 'python', 'exec'], batch: ['python', 'exec'],
};

function checkSubject(content: SubjectContent, path: SourcePath, found: Findings): void {
  const given = STARTERS.filter((key) => content[key] !== undefined);
  const [kind] = given;
  if (kind === undefined) found.add(path, 'A subject needs one of http, python, exec or registry.');
  if (given.length > 1) found.add([...path, given[1] ?? ''], `A subject has one of http, python, exec and registry, not both ${given.slice(0, 2).join(' and ')}: keep one.`);
  for (const [key, kinds] of Object.entries(FITTING)) {
    if (kind !== undefined && Object.hasOwn(content, key) && !kinds.includes(kind)) found.add([...path, key], `${key} means nothing for a subject by ${kind}: remove it.`);
  }
  if (content.http !== undefined && content.format === 'kserve-v2' && content.model === undefined) found.add([...path, 'http'], 'The Open Inference Protocol asks for a model by its name: add model.');
  if (content.python !== undefined && !/^[\w.]+:[\w.]+$/.test(content.python)) found.add([...path, 'python'], 'python must be module:function, such as app.models:predict.');
  if (content.answers !== undefined && !JSON.stringify(content.request ?? null).includes('"{{rows}}"')) found.add([...path, 'answers'], 'answers is for a request with "{{rows}}"; this one sends one row at a time: remove it.');
  for (const key of ['answers', 'version_from'] as const) if (content[key] !== undefined && !content[key].startsWith('header:')) checkPath([...path, key], content[key], found);
}

function checkPath(path: SourcePath, text: string, found: Findings): void {
  const problem = pathProblem(text);
  if (problem !== undefined) found.addWithin(path, text, problem.offset, problem.offset + 1, `This is no JSONPath: ${problem.message}. Write for example $.predictions[0].`);
}

function subjectsOf({ subject }: SuiteContent, found: Findings): Suite['subjects'] {
  if (subject === undefined) return {};
  const { candidate, current, ...own } = subject;
  const isOwn = Object.keys(own).length > 0;
  if ((candidate !== undefined || current !== undefined) && isOwn) found.add(['subject'], 'A subject is one, or has candidate and current, not both: move the first below candidate.');
  if (candidate !== undefined) checkSubject(candidate, ['subject', 'candidate'], found);
  if (current !== undefined) checkSubject(current, ['subject', 'current'], found);
  if (candidate !== undefined || current !== undefined) return { ...(candidate === undefined ? {} : { candidate }), ...(current === undefined ? {} : { current }) };
  checkSubject(own, ['subject'], found);
  return own.registry === undefined ? { candidate: own } : { candidate: { ...own, registry: 'candidate' }, current: { ...own, registry: 'current' } };
}

function checkOutput(output: OutputSpec, found: Findings): void {
  for (const key of ['label', 'score', 'proba'] as const) if (output[key] !== undefined) checkPath(['output', key], output[key], found);
  if (output.classes !== undefined && output.proba === undefined) found.add(['output', 'classes'], 'classes names the entries of proba, which is missing: add it, or remove classes.');
  if (output.range !== undefined && output.range[0] >= output.range[1]) found.add(['output', 'range'], 'The range is impossible: its first number must be less than its second.');
}

function checkData(data: DataContent, path: SourcePath, found: Findings): void {
  if ((data.file === undefined) === (data.rows === undefined)) found.add(path, 'Data needs either file or rows.');
  if (data.file !== undefined && data.format === undefined && !/\.(?:jsonl|ndjson|csv|parquet)$/i.test(data.file)) found.add([...path, 'file'], 'The ending of the file must be .jsonl, .ndjson, .csv or .parquet, or format must say what it is.');
}

/** Checks of one kind of test: what the schema cannot say. */
function checkKind(test: TestContent, path: SourcePath, output: OutputSpec, found: Findings): void {
  const onlyLabel = output.label !== undefined && output.score === undefined && output.proba === undefined;
  const onlyScore = output.score !== undefined && output.label === undefined && output.proba === undefined;
  switch (test.kind) {
    case 'expectation':
    case 'boundary': {
      const { expect } = test;
      if (Object.keys(expect).length === 0 || (Object.keys(expect).length === 1 && expect.or_error !== undefined)) found.add([...path, 'expect'], 'Nothing is expected: write for example {between: [0, 1]}.');
      if (expect.between !== undefined && expect.between[0] > expect.between[1]) found.add([...path, 'expect', 'between'], `No score lies between ${expect.between[0]} and ${expect.between[1]}: swap them.`);
      const { between, score } = expect;
      const { range } = output;
      if (between !== undefined && between[0] <= between[1] && range !== undefined && (between[0] > range[1] || between[1] < range[0])) found.add([...path, 'expect', 'between'], `No score lies there: the range of the output is ${range[0]} to ${range[1]}.`);
      if (score !== undefined && range !== undefined && (score < range[0] || score > range[1])) found.add([...path, 'expect', 'score'], `No score is ${score}: the range of the output is ${range[0]} to ${range[1]}.`);
      if (expect.error !== undefined && Object.keys(expect).length > 1) found.add([...path, 'expect', 'error'], 'A row that is refused has no answer: error stands alone; or_error lets both pass.');
      if (onlyScore && (expect.label !== undefined || expect.one_of !== undefined || expect.label_from !== undefined)) found.add([...path, 'expect'], 'A label is expected, and output names only a score: add label or proba to output.');
      if (onlyLabel && (between !== undefined || score !== undefined || expect.score_from !== undefined)) found.add([...path, 'expect'], 'A score is expected, and output names only a label: add score to output.');
      if (test.kind === 'boundary' && test.generate === undefined && test.edges === undefined) found.add(path, `The test ${test.id} needs edges: write generate: from_signature, or edges: {column: [values]}.`);
      if (test.kind === 'boundary' && test.generate === undefined && (test.only ?? test.except) !== undefined) found.add(path, 'only and except choose among generated edges: add generate.');
      break;
    }
    case 'invariance':
      checkChange(test, path, found);
      if (test.compare === 'label' && onlyScore) found.add([...path, 'compare'], 'There is no label to compare: add label or proba to output.');
      if (test.compare === 'score' && onlyLabel) found.add([...path, 'compare'], 'There is no score to compare: add score or proba to output.');
      break;
    case 'directional': {
      if (test.sweep === undefined) checkChange(test, path, found);
      else if (Object.keys(test.sweep).length !== 1) found.add([...path, 'sweep'], 'A sweep goes through the values of one column.');
      else if (test.change !== undefined || test.template !== undefined) found.add([...path, 'sweep'], 'A directional test has a change, a template that varies or a sweep: keep one.');
      const values = Object.values(test.sweep ?? {})[0];
      if (Array.isArray(values) && values.length < 2) found.add([...path, 'sweep'], 'A sweep needs at least two values.');
      if (onlyLabel) found.add([...path, 'expect'], 'A label neither increases nor decreases: add score or proba to output.');
      if (test.class !== undefined && output.classes !== undefined && !output.classes.some((each) => nameOf(each) === nameOf(test.class ?? null))) found.add([...path, 'class'], `There is no class ${quotable(String(test.class))}.${didYouMean(String(test.class), output.classes.map(nameOf))}`);
      const { at_least: least, at_most: most } = test.by ?? {};
      if (least !== undefined && most !== undefined && least > most) found.add([...path, 'by'], `Nothing moves by at least ${least} and at most ${most}: swap them.`);
      break;
    }
    case 'performance':
      checkPerformance(test, path, found);
      break;
  }
}

function checkChange(test: Extract<TestContent, { kind: 'invariance' | 'directional' }>, path: SourcePath, found: Findings): void {
  const { change, template } = test;
  if (change === undefined && template?.vary === undefined) found.add(path, `The test ${test.id} changes nothing: add change, or a template with vary.`);
  if (change !== undefined && template?.vary !== undefined) found.add([...path, 'change'], 'A template that varies is the change: remove one of them.');
  if (change === undefined || change === 'shuffle_columns') return;
  if (combinations(change) > MOST_COMBINATIONS) found.add([...path, 'change'], `These changes make more than ${MOST_COMBINATIONS} rows of one: shorten the lists, or make tests of their own.`);
  for (const [column, details] of Object.entries(change)) if (!Array.isArray(details) && Object.keys(details).length === 0) found.add([...path, 'change', column], 'This changes nothing: write for example {add_pct: 20}.');
}

const QUANTILES = [['p50', 0.5], ['p95', 0.95], ['p99', 0.99]] as const;

function checkPerformance(test: Extract<TestContent, { kind: 'performance' }>, path: SourcePath, found: Findings): void {
  const { limits_ms: limits, max_ratio: ratio, samples = 300 } = test;
  if (limits === undefined && ratio === undefined && test.min_per_second === undefined && test.cold_start_ms === undefined) found.add(path, `The test ${test.id} has no limit: add limits_ms, max_ratio, min_per_second or cold_start_ms.`);
  for (const [name, p] of QUANTILES) {
    const least = Math.max(limits?.[name] === undefined ? 0 : samplesForBound(p), (typeof ratio === 'number' ? name === 'p95' : ratio?.[name] !== undefined) ? samplesForBound(p, 1, 0.975) : 0);
    if (samples < least) found.add(test.samples === undefined ? path : [...path, 'samples'], `${name} needs at least ${least} samples for a verdict: ${samples} can only be inconclusive.`, 'warning');
  }
}

function checkTemplate(test: TestContent, path: SourcePath, found: Findings): void {
  const template = 'template' in test ? test.template : undefined;
  if (template === undefined) return;
  const named = new Set(template.texts.flatMap(placeholdersOf));
  const known = Object.keys(template.placeholders);
  for (const [index, text] of template.texts.entries()) {
    for (const name of placeholdersOf(text)) if (!known.includes(name)) found.add([...path, 'template', 'texts', index], `There are no values for {${name}}.${didYouMean(name, known)}`);
  }
  for (const name of known) if (!named.has(name)) found.add([...path, 'template', 'placeholders', name], `No text has {${name}}.${didYouMean(name, named)}`, 'warning');
  if (template.vary !== undefined && !known.includes(template.vary)) found.add([...path, 'template', 'vary'], `There is no placeholder ${quotable(template.vary)}.${didYouMean(template.vary, known)}`);
  if (test.data !== undefined) found.add([...path, 'data'], 'A template makes its own rows: remove data.');
}

function suiteTest(test: TestContent, path: SourcePath, content: SuiteContent, source: Source, found: Findings): SuiteTest {
  const data = test.data ?? content.data;
  const hasTemplate = 'template' in test && test.template !== undefined;
  checkTemplate(test, path, found);
  if (test.data !== undefined) checkData(test.data, [...path, 'data'], found);
  else if (data === undefined && !hasTemplate) found.add(path, `The test ${test.id} has no rows: add data to the suite or to the test.`);
  checkKind(test, path, content.output ?? {}, found);
  const where = found.condition([...path, 'where'], test.where);
  const that = 'expect' in test && typeof test.expect === 'object' ? found.condition([...path, 'expect', 'that'], test.expect.that) : undefined;
  const slices = Object.entries(test.slices ?? {}).flatMap(([name, text]) => {
    const condition = found.condition([...path, 'slices', name], text);
    return condition === undefined ? [] : [{ name, condition }];
  });
  return {
    id: test.id, kind: test.kind, content: test, slices,
    ...(where === undefined ? {} : { where }), ...(that === undefined ? {} : { that }),
    severity: test.severity ?? (test.kind === 'performance' && test.max_ratio === undefined ? 'warn' : 'block'),
    data: hasTemplate ? undefined : data,
    range: source.valueRange([...path, 'id']),
  };
}

/** Reads a suite file. It never throws; `problems` are in the order of the text. */
export function loadSuite(text: string): LoadedSuite {
  const { content, source, problems } = checkYaml(text, suiteSchema, LARGEST_SUITE, 'subject: or tests:');
  // What a suite says and nobody reads would be a test that is not made.
  const strict = problems.map((problem): Problem => (problem.code === 'unknownKey' ? { ...problem, severity: 'error', message: problem.message.replace(/; it is ignored\.$/, ': correct its spelling, or remove it.') } : problem));
  if (content === undefined || source === undefined) return { problems: strict };
  const found = new Findings(source);
  const subjects = subjectsOf(content, found);
  const output = content.output ?? {};
  checkOutput(output, found);
  if (content.data !== undefined) checkData(content.data, ['data'], found);
  const seen = new Set<string>();
  const tests = content.tests.map((test, index) => {
    if (seen.has(test.id)) found.add(['tests', index, 'id'], `The id ${test.id} stands twice: give each test one of its own.`);
    seen.add(test.id);
    return suiteTest(test, ['tests', index], content, source, found);
  });
  const all = [...strict, ...found.problems].toSorted((a, b) => a.range.start.offset - b.range.start.offset);
  if (all.some(({ severity }) => severity === 'error')) return { problems: all };
  const suite: Suite = {
    subjects, output, seed: String(content.seed ?? content.data?.seed ?? 0), tests, source,
    ...(content.model === undefined ? {} : { model: content.model }), ...(content.signature === undefined ? {} : { signature: content.signature }),
  };
  return { suite, problems: all };
}
