import { AppError } from '../base/errors.ts';
import type { Column, ScalarType, SignatureState } from '../models/model.ts';
import type { Json } from './json.ts';

export interface NewSuite {
  /** Its name in `modelswitch.yaml`, and that in the registry with the version whose signature this is. */
  readonly model: string;
  readonly registered: string;
  readonly version: string;
  readonly signature: SignatureState;
  /** Whether `mlflow models serve` can serve the version: not from a registry file. */
  readonly servable: boolean;
}

const SAMPLES: Readonly<Record<ScalarType, Json>> = { boolean: true, integer: 1, long: 1, float: 1.5, double: 1.5, string: 'text', binary: 'dGV4dA==', datetime: '2026-01-01T00:00:00' };
const NUMERIC: ReadonlySet<ScalarType> = new Set(['integer', 'long', 'float', 'double']);

/** Text that YAML reads as this very value. */
function yaml(value: Json): string {
  return typeof value === 'string' && /^[A-Za-z_][\w -]*\w$/.test(value) && !/^(?:true|false|null|yes|no|on|off)$/i.test(value) ? value : JSON.stringify(value);
}

function sampleOf({ type }: Column): Json {
  return type.kind === 'scalar' ? SAMPLES[type.type] : type.kind === 'array' ? [] : null;
}

function scalarOf({ type }: Column): ScalarType | undefined {
  return type.kind === 'scalar' ? type.type : undefined;
}

interface Answer {
  /** Lines of `output`, if the usual place is not it. */
  readonly lines: readonly string[];
  readonly hasScore: boolean;
}

/** Where answers of `mlflow models serve` have their score, label or probabilities, by the signature's outputs. */
function answerOf(outputs: readonly Column[] | undefined): Answer {
  const [first, ...more] = outputs ?? [];
  if (first === undefined) return { lines: ['# Where the answer has its score. The signature does not tell; this is the usual place.', 'output: {score: "$.predictions[0]"}'], hasScore: true };
  if (more.length === 0 && first.type.kind === 'tensor') {
    const width = first.type.shape.at(-1) ?? -1;
    return first.type.shape.length > 1 && width > 1 ? { lines: ['output: {proba: "$.predictions[0]"} # a probability for each class'], hasScore: true } : { lines: ['output: {score: "$.predictions[0]"}'], hasScore: true };
  }
  if (more.length === 0 && first.name === undefined) {
    const type = scalarOf(first);
    return type !== undefined && NUMERIC.has(type) ? { lines: ['output: {score: "$.predictions[0]"}'], hasScore: true } : { lines: ['output: {label: "$.predictions[0]"}'], hasScore: false };
  }
  const named = [first, ...more].filter((column) => column.name !== undefined);
  const path = ({ name = '' }: Column): string => JSON.stringify(`$.predictions[0][${JSON.stringify(name)}]`);
  const score = named.find((column) => NUMERIC.has(scalarOf(column) ?? 'string'));
  const label = named.find((column) => scalarOf(column) === 'string' || scalarOf(column) === 'boolean');
  const parts = [...(score === undefined ? [] : [`score: ${path(score)}`]), ...(label === undefined ? [] : [`label: ${path(label)}`])];
  return { lines: [`output: {${parts.length === 0 ? 'score: "$.predictions[0]"' : parts.join(', ')}}`], hasScore: score !== undefined || label === undefined };
}

/**
 * The text of a first suite for a version, from its signature: edges of every column, and skeletons of the other kinds with what they are for. It parses and
 * runs as it is; what only a person knows warns until that person has said it.
 * @throws AppError validation where the signature does not name the model's columns
 */
export function newSuiteText({ model, registered, version, signature, servable }: NewSuite): string {
  if (signature.kind !== 'known') throw new AppError('validation', `${registered} ${version} has no signature to start from: ${signature.reason}`);
  const columns = (signature.inputs ?? []).filter((column): column is Column & { readonly name: string } => column.name !== undefined);
  if (columns.length === 0) throw new AppError('validation', `The signature of ${registered} ${version} names no columns, so rows cannot be written by their names: write the suite by hand (docs/suites.md).`);
  const { lines, hasScore } = answerOf(signature.outputs);
  const number = columns.find((column) => NUMERIC.has(scalarOf(column) ?? 'string'));
  const words = columns.find((column) => scalarOf(column) === 'string');
  const whole = number !== undefined && (scalarOf(number) === 'integer' || scalarOf(number) === 'long');
  return [
    `# What every version of ${model} must do. Made from the signature of ${registered} ${version.replace(/\n/g, ' ')}.`,
    ...(servable ? ['subject: {registry: candidate} # served with `mlflow models serve`; runs against current, too'] : ['# The server that answers; a registry file cannot be served. version_from says where answers name their version.', 'subject: {http: "${MODEL_URL}"}']),
    `model: ${yaml(model)}`,
    ...lines,
    'data:',
    '  rows: # replace these by real ones, or by a file: {file: fixtures/rows.jsonl, sample: 500, seed: 7}',
    `    - {${columns.map((column) => `${yaml(column.name)}: ${yaml(sampleOf(column))}`).join(', ')}}`,
    'tests:',
    '  # Null, missing, zero, negative, limits, empty, long, unseen and unicode values of each column: a finite answer, or a refusal with status 400.',
    '  - {id: edges, kind: boundary, generate: from_signature, expect: {finite: true, or_error: [400, 422]}}',
    '  # Columns go by their names.',
    '  - {id: column-order, kind: invariance, change: shuffle_columns}',
    ...(words === undefined ? [] : [
      '  # Invariance: what must not matter. Put the values that must be treated alike here, then remove severity.',
      `  - {id: ${slug(words.name)}-blind, kind: invariance, change: {${yaml(words.name)}: {whitespace: trail}}, tolerance: {abs: 0.01}, severity: warn, why: ${yaml(`say why ${words.name} must not matter`)}}`,
    ]),
    ...(number === undefined || !hasScore ? [] : [
      '  # Directional: which way the answer moves. Choose column, direction and tolerance, then remove severity.',
      `  - {id: ${slug(number.name)}-up, kind: directional, change: {${yaml(number.name)}: ${whole ? '{add: 1}' : '{add_pct: 10}'}}, expect: increase, tolerance: {abs: 0.01}, severity: warn, why: ${yaml(`say why more ${number.name} means a higher answer`)}}`,
    ]),
    '',
  ].join('\n');
}

function slug(name: string): string {
  return name.replace(/[^\w.-]+/g, '-').slice(0, 40) || 'column';
}
