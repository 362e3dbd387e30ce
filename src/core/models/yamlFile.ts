import { isMap } from 'yaml';
import type * as z from 'zod';
import { nestsTooDeeply } from '../workspace/load.ts';
import { reservedKeyProblems, secretProblems } from '../workspace/secrets.ts';
import { ALIASES_MEND, MOST_ALIASES, Source, type Problem, type SourcePath } from '../workspace/source.ts';

/** A YAML text that was checked against a schema: its content where it is right, and what is wrong with the place. */
export interface CheckedYaml<T> {
  /** Undefined while there is an error. */
  readonly content?: T;
  /** Undefined when the text was not even parsed. */
  readonly source?: Source;
  readonly problems: readonly Problem[];
}

const MOST_PROBLEMS = 100;

/**
 * Reads a YAML file of ours of at most `largest` characters. It never throws; `problems` are in the order of the text, at most 100.
 * Unknown keys are warnings, for which the schema's mappings must be strict. `beginning` is how such a file begins, for the message where it is none.
 */
export function checkYaml<Schema extends z.ZodType>(text: string, schema: Schema, largest: number, beginning = 'version: 1'): CheckedYaml<z.output<Schema>> {
  if (text.length > largest) return { problems: [problem('size', `The file is larger than ${Math.round(largest / 1024)} kB and was not read.`)] };
  if (nestsTooDeeply(text)) return { problems: [problem('size', 'The file nests too deeply: close what is left open, or flatten it.')] };
  let source: Source;
  let content: unknown;
  try {
    source = new Source(text);
  } catch (error) {
    return { problems: [problem('syntax', `The file cannot be read: ${String(error)}.`)] };
  }
  const problems = [...source.problems, ...secretProblems(source), ...reservedKeyProblems(source)];
  if (problems.some(({ code }) => code === 'syntax' || code === 'duplicate')) return { source, problems: ordered(problems) };
  try {
    content = source.document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch {
    return { source, problems: ordered([...problems, problem('size', ALIASES_MEND)]) };
  }
  if (!isMap(source.document.contents)) return { source, problems: [problem('type', `The file must be a mapping that begins with ${beginning}.`)] };
  const result = schema.safeParse(content, { reportInput: true });
  if (!result.success) problems.push(...result.error.issues.flatMap((issue) => issueProblems(source, issue)));
  const all = ordered(problems);
  if (all.some(({ severity }) => severity === 'error')) return { source, problems: all };
  const known = result.success ? result : schema.safeParse(withoutUnknown(content, result.error.issues));
  return { ...(known.success ? { content: known.data } : {}), source, problems: all };
}

/** The content without the keys that the issues call unknown. */
function withoutUnknown(content: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const copy: unknown = structuredClone(content);
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const holder = issue.path.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown>)[step], copy) as Record<string, unknown>;
    for (const key of issue.keys) Reflect.deleteProperty(holder, key);
  }
  return copy;
}

/** The first error in words for a message: `line 3: ...`. */
export function firstProblem(problems: readonly Problem[]): string | undefined {
  const found = problems.find(({ severity }) => severity === 'error');
  return found === undefined ? undefined : `line ${found.range.start.line + 1}: ${found.message}`;
}

function issueProblems(source: Source, issue: z.core.$ZodIssue): Problem[] {
  const path: SourcePath = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key): Problem => ({ code: 'unknownKey', severity: 'warning', message: `Unknown key "${key}"${at(path)}; it is ignored.`, range: source.keyRange([...path, key]) }));
  }
  const found = source.find(path);
  if (found === undefined) return [{ code: 'missing', severity: 'error', message: `${words(path.slice(0, -1))} lacks ${String(path.at(-1))}, which ${issue.message}.`, range: source.keyRange(path) }];
  return [{ code: 'type', severity: 'error', message: `${words(path)} ${issue.message}.`, range: source.valueRange(path) }];
}

function words(path: SourcePath): string {
  return path.length === 0 ? 'The file' : path.map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`)).join('');
}

function at(path: SourcePath): string {
  return path.length === 0 ? '' : ` in ${words(path)}`;
}

function problem(code: Problem['code'], message: string): Problem {
  const start = { offset: 0, line: 0, column: 0 };
  return { code, severity: 'error', message, range: { start, end: start } };
}

function ordered(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.range.start.offset - b.range.start.offset).slice(0, MOST_PROBLEMS);
}
