import * as z from 'zod';
import { workspaceSchema } from './schema.ts';
import { quotable } from './source.ts';
import type { Problem, Source, SourcePath } from './source.ts';
import { didYouMean } from './suggest.ts';

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

/** A plan with a condition left out would be another plan, so it is not followed; elsewhere what is not known is ignored. */
function unknownKey(source: Source, path: SourcePath, key: string): Problem {
  const known = knownKeys(path);
  const where = path.length === 0 ? '' : ` in ${pathWords(path)}`;
  const hint = didYouMean(key, known);
  const place = path[0] === 'personas' ? ' Context fields of your own stand under properties.' : ` Known here: ${known.join(', ')}.`;
  const isPlan = path[0] === 'models' && path[2] === 'plan';
  return {
    code: 'unknownKey', severity: isPlan ? 'error' : 'warning',
    message: `Unknown key "${quotable(key)}"${where}; ${isPlan ? 'the plan is not followed with it' : 'it is ignored'}.${hint === '' ? place : hint}`, range: source.keyRange([...path, key]), path: [...path, key],
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

/** What the schema has against a file's content: unknown keys as warnings, each other issue where its value stands. */
export function schemaProblems(source: Source, content: unknown): Problem[] {
  const result = workspaceSchema.safeParse(content, { reportInput: true });
  if (result.success) return [];
  const issues = [...result.error.issues].sort((a, b) => Number(a.code === 'unrecognized_keys') - Number(b.code === 'unrecognized_keys'));
  return issues.slice(0, MOST_ISSUES).flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys.map((key) => unknownKey(source, pathOf(issue), key)) : [wrongValue(source, issue)]));
}
