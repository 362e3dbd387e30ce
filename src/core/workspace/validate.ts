import * as z from 'zod';
import { workspaceSchema } from './schema.ts';
import { quotable } from './source.ts';
import type { Problem, Source, SourcePath } from './source.ts';
import { didYouMean, nearest } from './suggest.ts';

/** Each is looked for in the text; more than a hundred problems are not shown. */
const MOST_ISSUES = 200;

type Issue = z.core.$ZodIssue;

/** `models.fraud.switches[0].flag`: a path for people. */
function pathWords(path: SourcePath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${quotable(step)}`)).join('');
}

function pathOf(issue: Issue): SourcePath {
  return issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
}

/** The keys that the mapping at a path may have, by the schema. */
function knownKeys(path: SourcePath): string[] {
  let schemas: unknown[] = [workspaceSchema];
  for (const step of path) schemas = schemas.flatMap(alternatives).flatMap((schema) => inside(schema, step));
  return schemas.flatMap(alternatives).flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape as Record<string, unknown>) : []));
}

/** What a value may be: an optional is what it wraps, a union each of its options. */
function alternatives(schema: unknown): unknown[] {
  if (schema instanceof z.ZodOptional) return alternatives(schema.unwrap());
  return schema instanceof z.ZodUnion ? schema.options.flatMap(alternatives) : [schema];
}

function inside(schema: unknown, step: string | number): unknown[] {
  if (schema instanceof z.ZodObject) return [(schema.shape as Record<string, unknown>)[step]];
  if (schema instanceof z.ZodRecord) return [schema.valueType];
  return schema instanceof z.ZodArray ? [schema.element] : [];
}

/** Sections of a model by which releases are judged and guarded, with what a key that nobody knows does to them. */
const JUDGING: Readonly<Record<string, string>> = { plan: 'the plan is not followed with it', quality: 'the model is not judged with it', guard: 'the model is not guarded with it' };

/**
 * What a key that nobody knows keeps from being done, where it is an error: a plan with a condition left out would be another plan, and a guardrail that nobody reads guards nothing. Undefined
 * where what is not known is ignored: elsewhere, and of keys of a model, of quality and of guard that say by their name, x-..., that they are somebody else's.
 */
function keptFrom(path: SourcePath, key: string): string | undefined {
  const [section, , judging] = path;
  if (section !== 'models') return undefined;
  // Of a model itself: a section that was meant to judge it.
  if (path.length === 2) return key.startsWith('x-') ? undefined : JUDGING[nearest(key, knownKeys(path)) ?? ''];
  return judging === 'plan' || !key.startsWith('x-') ? JUDGING[String(judging)] : undefined;
}

function unknownKey(source: Source, path: SourcePath, key: string): Problem {
  const known = knownKeys(path);
  const where = path.length === 0 ? '' : ` in ${pathWords(path)}`;
  const hint = didYouMean(key, known);
  const place = path[0] === 'personas' ? ' Context fields of your own stand under properties.' : ` Known here: ${known.join(', ')}.`;
  const kept = keptFrom(path, key);
  return {
    code: 'unknownKey', severity: kept === undefined ? 'warning' : 'error',
    message: `Unknown key "${quotable(key)}"${where}; ${kept ?? 'it is ignored'}.${hint === '' ? place : hint}`, range: source.keyRange([...path, key]), path: [...path, key],
  };
}

function wrongValue(source: Source, issue: Issue): Problem {
  const path = pathOf(issue);
  const found = source.find(path);
  if (found === undefined) {
    const parent = path.slice(0, -1);
    const where = parent.length === 0 ? 'The file' : pathWords(parent);
    const severity = path[0] === 'version' ? 'warning' : 'error';
    return { code: 'missing', severity, message: `${where} lacks ${String(path.at(-1))}, which ${issue.message}.`, range: source.keyRange(path), path };
  }
  const value: unknown = issue.input;
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  const quote = isPlain && issue.message.startsWith('must be text') ? ` Put ${String(value)} in quotes.` : '';
  return { code: 'type', severity: 'error', message: `${path.length === 0 ? 'The file' : pathWords(path)} ${issue.message}.${quote}`, range: source.valueRange(path), path };
}

/** Those first that may be errors: of too many the rest is not told. */
function order(issue: Issue): number {
  if (issue.code !== 'unrecognized_keys') return 0;
  return issue.keys.some((key) => keptFrom(pathOf(issue), key) !== undefined) ? 1 : 2;
}

/** What the schema has against a file's content: unknown keys, and each other issue where its value stands. */
export function schemaProblems(source: Source, content: unknown): Problem[] {
  const result = workspaceSchema.safeParse(content, { reportInput: true });
  if (result.success) return [];
  const issues = result.error.issues.map((issue) => [order(issue), issue] as const).sort(([a], [b]) => a - b);
  return issues.slice(0, MOST_ISSUES).flatMap(([, issue]) => (issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownKey(source, pathOf(issue), key)) : [wrongValue(source, issue)]));
}
