import { compile, JSONPathError } from 'json-p3';
import { jsonWords, nameOf, type Json } from './json.ts';
import type { Output } from './model.ts';
import type { Failure } from './subject.ts';

/** Where the parts of an output are in an answer; JSONPaths that compile. */
export interface OutputSpec {
  readonly label?: string | undefined;
  readonly score?: string | undefined;
  readonly proba?: string | undefined;
  readonly classes?: readonly Json[] | undefined;
  /** Least and greatest possible score. */
  readonly range?: readonly [number, number] | undefined;
}

export type OutputReader = (document: Json) => Output | Failure;

/** What is wrong with a JSONPath, with the offset in its text; undefined when it is right. */
export function pathProblem(path: string): { readonly message: string; readonly offset: number } | undefined {
  try {
    compile(path);
    return undefined;
  } catch (error) {
    if (!(error instanceof JSONPathError)) throw error;
    return { message: error.message.replace(/ \('.*?':\d+\)$/s, ''), offset: error.token.index };
  }
}

/** The value at a path; undefined where there is none. Names and places are looked up directly, the rest is json-p3's. */
function finder(path: string): (document: Json) => Json | undefined {
  const steps = /^\$(?:\.[A-Za-z_]\w*|\[\d+\])*$/.test(path) ? [...path.matchAll(/\.(\w+)|\[(\d+)\]/g)].map(([, name, place]) => name ?? Number(place)) : undefined;
  if (steps === undefined) {
    const query = compile(path);
    return (document) => query.match(document as never)?.value as Json | undefined;
  }
  return (document) => {
    let value: Json | undefined = document;
    for (const step of steps) {
      if (typeof value !== 'object' || value === null) return undefined;
      if (typeof step === 'number') value = Array.isArray(value) ? (value as readonly Json[])[step] : undefined;
      else value = !Array.isArray(value) && Object.hasOwn(value, step) ? (value as Readonly<Record<string, Json>>)[step] : undefined;
    }
    return value;
  };
}

/** JSON has no NaN: servers write it as a text or as null. */
const NOT_FINITE = /^[+-]?(?:nan|inf|infinity)$/i;

function finite(value: Json | undefined, what: string, path: string): number | Failure {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value === undefined) return { failed: 'missing', message: `The answer has no ${what}: ${path} finds nothing.` };
  if (typeof value === 'number' || value === null || (typeof value === 'string' && NOT_FINITE.test(value))) return { failed: 'notFinite', message: `The ${what} is no finite number: ${jsonWords(value)}.` };
  return { failed: 'garbage', message: `The ${what} at ${path} is no number: ${jsonWords(value)}.` };
}

function probabilities(value: Json | undefined, path: string, classes: readonly Json[] | undefined): Readonly<Record<string, number>> | Failure {
  if (typeof value !== 'object' || value === null) return value === undefined ? { failed: 'missing', message: `The answer has no class probabilities: ${path} finds nothing.` } : { failed: 'garbage', message: `The class probabilities at ${path} are no list and no mapping: ${jsonWords(value)}.` };
  const entries = Array.isArray(value) ? (value as readonly Json[]).map((each, index) => [nameOf(classes?.[index] ?? index), each] as const) : Object.entries(value as Readonly<Record<string, Json>>);
  if (classes !== undefined && entries.length !== classes.length) return { failed: 'garbage', message: `There are ${entries.length} class probabilities for ${classes.length} classes.` };
  if (entries.length === 0) return { failed: 'missing', message: `The answer has no class probabilities: the list at ${path} is empty.` };
  const found: Record<string, number> = {};
  for (const [name, each] of entries) {
    const number = finite(each, `probability of ${name}`, path);
    if (typeof number !== 'number') return number;
    found[name] = number;
  }
  return found;
}

/** The class with the greatest probability; the first of equals. */
function mostLikely(proba: Readonly<Record<string, number>>, classes: readonly Json[] | undefined): Json {
  let [best, most] = ['', -Infinity];
  for (const [name, value] of Object.entries(proba)) if (value > most) [best, most] = [name, value];
  return classes?.find((each) => nameOf(each) === best) ?? best;
}

/** Takes the output out of answers. Where the suite names no part, a number at `fallback` is the score and anything else the label. */
export function outputReader(spec: OutputSpec, fallback: string): OutputReader {
  const { classes } = spec;
  if (spec.label === undefined && spec.score === undefined && spec.proba === undefined) {
    const find = finder(fallback);
    return (document) => {
      const value = find(document);
      if (typeof value === 'boolean' || (typeof value === 'string' && !NOT_FINITE.test(value))) return { label: value };
      const score = finite(value, 'score', fallback);
      return typeof score === 'number' ? { score } : score;
    };
  }
  const label = spec.label === undefined ? undefined : finder(spec.label);
  const score = spec.score === undefined ? undefined : finder(spec.score);
  const proba = spec.proba === undefined ? undefined : finder(spec.proba);
  return (document) => {
    const parts: { label?: Json; score?: number; proba?: Readonly<Record<string, number>> } = {};
    if (proba !== undefined) {
      const found = probabilities(proba(document), spec.proba ?? '', classes);
      if ('failed' in found && typeof found.failed === 'string') return found;
      parts.proba = found as Readonly<Record<string, number>>;
      parts.label = mostLikely(parts.proba, classes);
    }
    if (score !== undefined) {
      const found = finite(score(document), 'score', spec.score ?? '');
      if (typeof found !== 'number') return found;
      parts.score = found;
    }
    if (label !== undefined) {
      const found = label(document);
      if (found === undefined || found === null) return { failed: 'missing', message: `The answer has no label: ${spec.label ?? ''} finds nothing.` };
      parts.label = found;
    }
    return parts;
  };
}

/** An output for people: `approve, score 0.42`. */
export function outputWords({ label, score, proba }: Output): string {
  const likely = proba === undefined || label === undefined ? undefined : proba[nameOf(label)];
  return [
    ...(label === undefined ? [] : [jsonWords(label)]),
    ...(score === undefined ? [] : [`score ${numberWords(score)}`]),
    ...(likely === undefined ? [] : [`probability ${numberWords(likely)}`]),
  ].join(', ');
}

/** At most six digits that count. */
export function numberWords(value: number): string {
  return String(Number(value.toPrecision(6)));
}
