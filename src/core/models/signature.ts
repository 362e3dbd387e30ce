import { parse } from 'yaml';
import * as z from 'zod';
import { nestsTooDeeply } from '../workspace/load.ts';
import { SCALAR_TYPES, type Column, type ColumnType, type NamedColumn, type SignatureParam, type SignatureState } from './model.ts';

/** An `MLmodel` file of a model with thousands of columns has some hundred kB. */
export const LARGEST_MLMODEL = 4 * 1024 * 1024;
const MOST_ALIASES = 100;
/** Types nest a few levels; a text that nests more is an attack or damage. */
const DEEPEST = 50;

const jsonText = z.string().nullish();
const mlmodelSchema = z.object({
  signature: z.object({ inputs: jsonText, outputs: jsonText, params: jsonText }).nullish(),
  model_size_bytes: z.number().nullish().catch(undefined),
});

const columnSchema = z.looseObject({ name: z.string().nullish(), required: z.boolean().nullish(), optional: z.boolean().nullish() });
const arraySchema = z.object({ items: z.unknown() });
const objectSchema = z.object({ properties: z.record(z.string(), columnSchema) });
const mapSchema = z.object({ values: z.unknown() });
const tensorSchema = z.object({ 'tensor-spec': z.object({ dtype: z.string(), shape: z.array(z.number()) }) });
const paramSchema = z.looseObject({ name: z.string(), default: z.unknown(), shape: z.array(z.number()).nullish() });

class Unreadable extends Error {}

/** What Modelswitch takes from an `MLmodel` file. */
export interface MlmodelFacts {
  readonly signature: SignatureState;
  /** Bytes of all the model's files together. */
  readonly sizeBytes?: number;
}

/** Reads an `MLmodel` file (YAML). It never throws: what cannot be read is a broken signature with the reason. */
export function readMlmodel(text: string): MlmodelFacts {
  const broken = (reason: string): MlmodelFacts => ({ signature: { kind: 'broken', reason } });
  if (text.length > LARGEST_MLMODEL) return broken(`Its MLmodel file is larger than ${LARGEST_MLMODEL / 1024 / 1024} MB and was not read.`);
  if (nestsTooDeeply(text)) return broken('Its MLmodel file nests too deeply and was not read.');
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: MOST_ALIASES, logLevel: 'error' });
  } catch {
    return broken('Its MLmodel file is not valid YAML.');
  }
  const file = mlmodelSchema.safeParse(content);
  if (!file.success) return broken('Its MLmodel file holds no signature that can be read: signature.inputs must be a JSON text.');
  const { signature, model_size_bytes: sizeBytes } = file.data;
  return {
    signature: signature === null || signature === undefined ? { kind: 'missing', reason: 'The model was logged without a signature.' } : signatureFromJson(signature),
    ...(sizeBytes === null || sizeBytes === undefined ? {} : { sizeBytes }),
  };
}

type Parts<T> = { readonly [part in 'inputs' | 'outputs' | 'params']?: T | null | undefined };

/** The signature from its three JSON texts, as MLflow writes them into `MLmodel`. It never throws. */
export function signatureFromJson(texts: Parts<string>): SignatureState {
  const lists: Record<string, unknown> = {};
  for (const [part, text] of Object.entries(texts)) {
    if (text === null || text === undefined || text === '') continue;
    try {
      lists[part] = JSON.parse(text);
    } catch {
      return { kind: 'broken', reason: `Its signature's ${part} are not valid JSON.` };
    }
  }
  return signatureFromLists(lists);
}

/** The signature from MLflow's three lists of columns and parameters. It never throws. */
export function signatureFromLists(lists: Parts<unknown>): SignatureState {
  try {
    const [inputs, outputs, params] = [items('inputs', lists.inputs, column), items('outputs', lists.outputs, column), items('params', lists.params, param)];
    if (inputs === undefined && outputs === undefined && params === undefined) return { kind: 'missing', reason: 'The model was logged with an empty signature.' };
    return {
      kind: 'known',
      ...(inputs === undefined ? {} : { inputs }),
      ...(outputs === undefined ? {} : { outputs }),
      ...(params === undefined ? {} : { params }),
    };
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'broken', reason: error.message };
    throw error;
  }
}

function items<T>(part: string, list: unknown, item: (value: unknown, where: string) => T): readonly T[] | undefined {
  if (list === null || list === undefined) return undefined;
  if (!Array.isArray(list)) throw new Unreadable(`Its signature's ${part} are not a list.`);
  return list.map((value, index) => item(value, `${part}[${index}]`));
}

function column(value: unknown, where: string): Column {
  const { name, required, optional } = checked(columnSchema, value, where);
  return { ...(name === null || name === undefined ? {} : { name }), type: columnType(value, where, 0), required: required ?? optional !== true };
}

function param(value: unknown, where: string): SignatureParam {
  const { name, default: byDefault, shape } = checked(paramSchema, value, where);
  const type = columnType(value, where, 0);
  return { name, type: shape === null || shape === undefined || shape.length === 0 ? type : { kind: 'array', items: type }, default: byDefault };
}

function columnType(value: unknown, where: string, depth: number): ColumnType {
  if (depth > DEEPEST) throw new Unreadable(`Its signature nests too deeply at ${where}.`);
  const { type } = checked(z.object({ type: z.string() }), value, where);
  const scalar = SCALAR_TYPES.find((name) => name === type);
  if (scalar !== undefined) return { kind: 'scalar', type: scalar };
  switch (type) {
    case 'array':
      return { kind: 'array', items: columnType(checked(arraySchema, value, where).items, `${where}.items`, depth + 1) };
    case 'map':
      return { kind: 'map', values: columnType(checked(mapSchema, value, where).values, `${where}.values`, depth + 1) };
    case 'object':
      return { kind: 'object', properties: properties(checked(objectSchema, value, where).properties, where, depth + 1) };
    case 'tensor': {
      const { dtype, shape } = checked(tensorSchema, value, where)['tensor-spec'];
      return { kind: 'tensor', dtype, shape };
    }
    case 'any':
      return { kind: 'any' };
    default:
      return { kind: 'other', text: type };
  }
}

function properties(found: Readonly<Record<string, z.output<typeof columnSchema>>>, where: string, depth: number): NamedColumn[] {
  return Object.entries(found).map(([name, value]) => ({ name, type: columnType(value, `${where}.${name}`, depth), required: value.required ?? value.optional !== true }));
}

function checked<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path.map(String).join('.') ?? '';
  throw new Unreadable(`Its signature cannot be read at ${where}${path === '' ? '' : `.${path}`}.`);
}
