import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { ModelRegistry } from '../../core/models/registry.ts';
import { firstProblem } from '../../core/models/yamlFile.ts';
import type { Arm, Suite } from '../../core/suites/load.ts';
import { recordEvidence } from '../../core/suites/record.ts';
import { together, type Outcome, type RunReport } from '../../core/suites/report.ts';
import type { RunEvent } from '../../core/suites/runner.ts';
import type { SubjectContent } from '../../core/suites/schema.ts';
import type { WorkspaceConfig } from '../../core/workspace/config.ts';
import { environmentCredentials } from '../../adapters/mlflow/credentials.ts';
import { DEFAULT_PYTHON, ownPython } from '../../adapters/suites/python.ts';
import { runSuiteFile } from '../../adapters/suites/runSuiteFile.ts';
import { readSuiteFile, type SuiteFile } from '../../adapters/suites/suiteFile.ts';
import { mappingOf, SuiteModel } from '../../adapters/suites/suiteModel.ts';
import { suiteName } from '../../adapters/suites/suitesOnDisk.ts';
import { writeJson, type CliContext, type Command } from '../context.ts';
import { INTERRUPTED } from '../exitCodes.ts';
import { openCliRegistry, readConfiguration } from '../registry.ts';
import { junitReport } from '../reporters/junit.ts';
import { markdownReport } from '../reporters/markdown.ts';
import { regressionLines, suiteHead, testLines } from '../../core/suites/reportText.ts';
import { chosenSubject, chosenSuites, scriptsFolder } from '../suites.ts';

const EXIT_CODES: Readonly<Record<Outcome, number>> = { passed: 0, failed: 1, error: 2, inconclusive: 3 };

/** A text of a command's own options, which the others take otherwise or not at all. */
function option(context: CliContext, name: string): string | undefined {
  const value = context.own[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

async function loaded(context: CliContext, name: string): Promise<{ readonly file: SuiteFile; readonly suite: Suite }> {
  const file = await readSuiteFile(resolve(context.cwd, name), name);
  const { suite, problems } = file.loaded;
  if (suite === undefined) throw new AppError('validation', `${name}: ${firstProblem(problems) ?? 'it cannot be read.'}`);
  for (const { severity, message, range } of problems) if (severity === 'warning') context.warn(`${name}:${range.start.line + 1}: ${message}`);
  return { file, suite };
}

/** The subjects of a run, the one that is tested first. */
function subjectsOf(context: CliContext, suite: Suite, name: string): readonly { readonly arm: Arm; readonly content: SubjectContent }[] {
  const given = option(context, 'subject');
  const { candidate, current } = suite.subjects;
  if (context.own['both'] !== true) return [chosenSubject(suite, given, name)];
  if (given !== undefined) throw new AppError('validation', '--both takes the subjects that the suite names: leave --subject out.');
  if (candidate === undefined || current === undefined) throw new AppError('validation', `${name} names one subject, and --both needs candidate and current: write subject: {candidate: {...}, current: {...}}, or subject: {registry: candidate}.`);
  return [{ arm: 'candidate', content: candidate }, { arm: 'current', content: current }];
}

async function runFile(context: CliContext, config: WorkspaceConfig, name: string): Promise<RunReport> {
  const { cwd, env, signal } = context;
  const { file, suite } = await loaded(context, name);
  const path = suiteName(cwd, name);
  let registry: ModelRegistry | undefined;
  const model = new SuiteModel({ path, folder: cwd, mapping: mappingOf(path, suite, config), credentials: (origin) => Promise.resolve(environmentCredentials(env)(origin)), registry: () => Promise.resolve(registry ??= openCliRegistry(context, config)) }, signal);
  const only = context.own['only'];
  try {
    const report = await runSuiteFile({
      file, suite, model, signal, subjects: subjectsOf(context, suite, name),
      only: Array.isArray(only) ? chosenTests(suite, only as readonly string[], name) : undefined,
      context: { cwd, env, scripts: scriptsFolder(), python: () => Promise.resolve(option(context, 'python') ?? ownPython(cwd) ?? DEFAULT_PYTHON) },
      onEvent: (event) => show(context, name, event),
    });
    context.progress('');
    print(context, report);
    if (context.own['record'] === true) await record(context, report, path, model);
    return report;
  } finally {
    context.progress('');
    registry?.close();
  }
}

function chosenTests(suite: Suite, ids: readonly string[], file: string): ReadonlySet<string> {
  const unknown = ids.find((id) => !suite.tests.some((test) => test.id === id));
  if (unknown !== undefined) throw new AppError('validation', `${file} has no test ${unknown}: it has ${suite.tests.map(({ id }) => id).join(', ')}.`);
  return new Set(ids);
}

function show(context: CliContext, name: string, event: RunEvent): void {
  if (event.kind === 'started') context.progress(`${name}: ${event.subject} answers after ${Math.round(event.coldStartMs)} ms`);
  if (event.kind === 'progress') context.progress(`${name}: ${event.cases} cases, ${event.failed} failed${event.errors === 0 ? '' : `, ${event.errors} without an answer`}`);
}

function print({ write }: CliContext, { suites, regression }: RunReport): void {
  for (const suite of suites) write(`${[suiteHead(suite), ...suite.tests.flatMap((test) => testLines(suite.file, test)), `  ${suite.verdict}`].join('\n')}\n`);
  if (regression !== undefined) write(`${regressionLines(regression).join('\n')}\n`);
}

async function record(context: CliContext, { suites }: RunReport, path: string, model: SuiteModel): Promise<void> {
  const { registered } = model;
  const registry = await model.registry();
  for (const suite of suites) {
    const { version, verified } = await recordEvidence(suite, path, { registry, model: registered, version: (arm) => model.version(arm) }, context.signal);
    context.write(`recorded at ${plainLine(registered)} ${plainLine(version)}: ${suite.verdict}${verified ? '' : ', unverified'}\n`);
  }
}

/** Numbers that JSON does not know become texts. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_key, each: unknown) => (typeof each === 'number' && !Number.isFinite(each) ? String(each) : each)));
}

async function writeReports(context: CliContext, runs: readonly RunReport[], verdict: Outcome): Promise<void> {
  const { cwd } = context;
  const [json, junit, markdown] = [option(context, 'json'), option(context, 'junit'), option(context, 'markdown')];
  const texts: string[] = [];
  if (json !== undefined) writeJson((text) => texts.push(text), plain({ verdict, runs }));
  if (json === '-') context.write(texts.join(''));
  else if (json !== undefined) await writeFile(resolve(cwd, json), texts.join(''));
  if (junit !== undefined) await writeFile(resolve(cwd, junit), junitReport(runs));
  if (markdown !== undefined) await writeFile(resolve(cwd, markdown), markdownReport(runs));
}

/** What of a model says which suites are run, and against what. */
const TESTED = ['registered_model', 'current', 'candidate', 'suites'];

async function run(context: CliContext): Promise<number> {
  // What a suite says as a whole is not known from some of its tests.
  if (context.own['record'] === true && Array.isArray(context.own['only'])) throw new AppError('validation', '--record takes whole suites: leave --only out.');
  const config = await readConfiguration(context, { keys: TESTED });
  const runs: RunReport[] = [];
  const broken: string[] = [];
  for (const name of await chosenSuites(context, config)) {
    try {
      runs.push(await runFile(context, config, name));
    } catch (error) {
      const { code, message } = toAppError(error);
      if (code === 'cancelled') throw error;
      // One suite that cannot be run keeps no other from running.
      broken.push(message);
      context.warn(message);
    }
  }
  const verdict = together([...runs.map(({ suites: [first] }) => first?.verdict ?? 'inconclusive'), ...broken.map(() => 'error' as const)]);
  await writeReports(context, runs, verdict);
  return EXIT_CODES[verdict];
}

export const test: Command = {
  name: 'test',
  usage: 'test [FILES] [--subject S | --both] [--only ID]... [--json F] [--junit F] [--markdown F] [--record] [--python P]',
  summary: 'behavioural suites; exit code 0 pass, 1 fail, 2 error, 3 open',
  options: { subject: { type: 'string' }, both: { type: 'boolean' }, only: { type: 'string', multiple: true }, json: { type: 'string' }, junit: { type: 'string' }, markdown: { type: 'string' }, record: { type: 'boolean' }, python: { type: 'string' } },
  async run(context) {
    try {
      return await run(context);
    } catch (error) {
      // Here 1 says that a test failed, so nothing else may end with it.
      const { code, message } = toAppError(error);
      if (code === 'cancelled' || context.signal.aborted) return INTERRUPTED;
      context.warn(message);
      return EXIT_CODES.error;
    }
  },
};
