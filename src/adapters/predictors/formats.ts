import { compile } from 'json-p3';
import { nameOf, type Json } from '../../core/suites/json.ts';
import type { Row } from '../../core/suites/model.ts';
import type { SubjectContent } from '../../core/suites/schema.ts';

/** What goes over the wire for some rows, and how the answer to one of them is found in that to all. */
export interface WireFormat {
  /** Whether a request takes several rows. */
  readonly takesSeveral: boolean;
  /** JSONPath of the score in the answer to one row. */
  readonly answerPath: string;
  /** Path below the address of the subject. */
  readonly path: string;
  readonly body: (rows: readonly Row[]) => Json;
  /** One document for each row, in the shape of an answer to that row alone; undefined where it does not have so many. */
  readonly split: (document: Json, rows: number) => readonly Json[] | undefined;
}

type Mapping = Readonly<Record<string, Json>>;

function isMapping(value: Json | undefined): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listAt(document: Json, key: string): readonly Json[] | undefined {
  const value = isMapping(document) ? document[key] : undefined;
  return Array.isArray(value) ? value as readonly Json[] : undefined;
}

/** MLflow's scoring server: `dataframe_split` in, `predictions` out. */
export const MLFLOW: WireFormat = {
  takesSeveral: true,
  answerPath: '$.predictions[0]',
  path: '/invocations',
  body: (rows) => {
    const columns = Object.keys(rows[0] ?? {});
    return { dataframe_split: { columns, data: rows.map((row) => columns.map((column) => row[column] ?? null)) } };
  },
  split: (document, rows) => {
    const predictions = listAt(document, 'predictions');
    return predictions?.length === rows ? predictions.map((each) => ({ ...(document as Mapping), predictions: [each] })) : undefined;
  },
};

/** An input or output of the Open Inference Protocol, as its metadata tells. */
export interface TensorFacts {
  readonly name: string;
  readonly datatype: string;
}

function datatypeOf(values: readonly Json[]): string {
  const known = values.filter((value) => value !== null);
  if (known.every((value) => typeof value === 'boolean') && known.length > 0) return 'BOOL';
  return known.every((value) => typeof value === 'number') ? 'FP64' : 'BYTES';
}

/** The Open Inference Protocol (KServe V2). `declared` are the model's inputs by its metadata. */
export function kserveV2(content: Pick<SubjectContent, 'model' | 'model_version' | 'input'>, declared: readonly TensorFacts[]): WireFormat {
  const version = content.model_version === undefined ? '' : `/versions/${encodeURIComponent(content.model_version)}`;
  const inputs = (rows: readonly Row[]): Json => {
    const columns = Object.keys(rows[0] ?? {});
    if (content.input === 'tensor') {
      const [only] = declared;
      return [{ name: only?.name ?? 'predict', shape: [rows.length, columns.length], datatype: only?.datatype ?? 'FP64', data: rows.flatMap((row) => columns.map((column) => row[column] ?? null)) }];
    }
    return columns.map((column) => {
      const data = rows.map((row) => row[column] ?? null);
      return { name: column, shape: [rows.length, 1], datatype: declared.find(({ name }) => name === column)?.datatype ?? datatypeOf(data), data };
    });
  };
  return {
    takesSeveral: true,
    answerPath: '$.outputs[0].data[0]',
    path: `/v2/models/${encodeURIComponent(content.model ?? '')}${version}/infer`,
    body: (rows) => ({ inputs: inputs(rows) }),
    split: (document, rows) => {
      const outputs = listAt(document, 'outputs')?.map((output) => tensorRows(output, rows));
      if (outputs === undefined || outputs.length === 0 || outputs.some((each) => each === undefined)) return undefined;
      return Array.from({ length: rows }, (_, index) => ({ ...(document as Mapping), outputs: outputs.map((each) => each?.[index] ?? null) }));
    },
  };
}

/** An output tensor as one tensor for each row: `data` may be flat, in row-major order, or nested. */
function tensorRows(output: Json, rows: number): Json[] | undefined {
  const data = listAt(output, 'data');
  if (data === undefined || rows === 0 || data.length % rows !== 0 || data.length === 0) return undefined;
  const width = data.length / rows;
  const shape = listAt(output, 'shape') ?? [rows];
  return Array.from({ length: rows }, (_, index) => ({ ...(output as Mapping), shape: [1, ...shape.slice(1)], data: data.slice(index * width, (index + 1) * width) }));
}

/** Any JSON: `request` is the body with placeholders, `answers` the list of answers where it takes several rows. */
export function jsonTemplate({ request, answers, path }: Pick<SubjectContent, 'request' | 'answers' | 'path'>): WireFormat {
  const template = (request ?? '{{row}}') as Json;
  const takesSeveral = JSON.stringify(template).includes('"{{rows}}"');
  const find = compile(answers ?? '$');
  return {
    takesSeveral,
    answerPath: '$',
    path: path ?? '',
    body: (rows) => filled(template, rows),
    split: (document, rows) => {
      if (!takesSeveral) return rows === 1 ? [document] : undefined;
      const found = find.match(document as never)?.value as Json | undefined;
      return Array.isArray(found) && found.length === rows ? found as Json[] : undefined;
    },
  };
}

const WHOLE = /^\{\{\s*([^{}]+?)\s*\}\}$/;

function filled(template: Json, rows: readonly Row[]): Json {
  const [row = {}] = rows;
  if (typeof template === 'string') {
    const name = WHOLE.exec(template)?.[1];
    if (name === 'rows') return rows;
    if (name === 'row') return row;
    if (name !== undefined) return row[name] ?? null;
    return template.replace(/\{\{\s*([^{}]+?)\s*\}\}/g, (_, column: string) => nameOf(row[column] ?? ''));
  }
  if (Array.isArray(template)) return template.map((each: Json) => filled(each, rows));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(Object.entries(template as Mapping).map(([key, each]) => [key, filled(each, rows)]));
}
