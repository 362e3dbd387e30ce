import type { Column, ScalarType } from '../models/model.ts';
import type { Json } from './json.ts';
import type { Row, Variant } from './model.ts';
import { withValue } from './perturb.ts';
import type { EdgeKind } from './schema.ts';

const LONG_TEXT = 100_000;
/** Right-to-left letters, a family of joined emoji, a combining accent, a NUL-like control picture, full-width digits. */
const UNICODE = 'שלום 👩‍👩‍👧 e\u0301 ␀ １２３ Ω';
const UNSEEN = '__modelswitch_unseen__';

type Edges = Partial<Record<EdgeKind, readonly Json[]>>;

const INTEGER_LIMIT = 2 ** 31;
/** Beyond 2^53 - 1 JSON's numbers are no whole numbers any more for most readers, so that is what `long` is tried with. */
const LONG_LIMIT = Number.MAX_SAFE_INTEGER;
const FLOAT_LIMIT = 3.4028234663852886e38;

function integerEdges(limit: number): Edges {
  return { zero: [0], negative: [-1], limits: [limit, -limit] };
}

const BY_TYPE: Readonly<Record<ScalarType, Edges>> = {
  integer: { zero: [0], negative: [-1], limits: [INTEGER_LIMIT - 1, -INTEGER_LIMIT] },
  long: integerEdges(LONG_LIMIT),
  float: { zero: [0], negative: [-1], limits: [FLOAT_LIMIT, -FLOAT_LIMIT, 1.1754943508222875e-38] },
  double: { zero: [0], negative: [-1], limits: [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE] },
  boolean: {},
  string: { empty: ['', ' '], long: ['x'.repeat(LONG_TEXT)], unseen: [UNSEEN], unicode: [UNICODE] },
  binary: { empty: [''] },
  datetime: { limits: ['1970-01-01T00:00:00', '2262-04-11T23:47:16', '1677-09-21T00:12:44'] },
};

/** What is tried at a column, and what it is called. */
function edgesOf({ type }: Column): Edges {
  return type.kind === 'scalar' ? BY_TYPE[type.type] : type.kind === 'array' ? { empty: [[]] } : {};
}

function edgeWords(kind: EdgeKind, value: Json): string {
  if (kind === 'long') return `a text of ${LONG_TEXT} characters`;
  return typeof value === 'string' && kind === 'empty' ? (value === '' ? 'an empty text' : 'a blank') : JSON.stringify(value);
}

/**
 * Rows at the edges of a model's columns: the given row, with one column at an edge each. `wanted` chooses kinds. Edges that the row has
 * already are left out. Columns without a name, and of types that JSON cannot tell apart, are only null and missing.
 */
export function signatureEdges(columns: readonly Column[], row: Row, wanted: (kind: EdgeKind) => boolean): (Variant & { readonly column: string; readonly kind: EdgeKind })[] {
  return columns.flatMap((column) => {
    const { name } = column;
    if (name === undefined) return [];
    const found: (Variant & { readonly column: string; readonly kind: EdgeKind })[] = [];
    if (wanted('null')) found.push({ row: withValue(row, name, null), change: `${name} null`, column: name, kind: 'null' });
    if (wanted('missing')) found.push({ row: Object.fromEntries(Object.entries(row).filter(([key]) => key !== name)), change: `${name} left out`, column: name, kind: 'missing' });
    for (const [kind, values] of Object.entries(edgesOf(column)) as [EdgeKind, readonly Json[]][]) {
      if (!wanted(kind)) continue;
      for (const value of values) found.push({ row: withValue(row, name, value), change: `${name} ${edgeWords(kind, value)}`, column: name, kind });
    }
    return found.filter((edge) => JSON.stringify(edge.row) !== JSON.stringify(row));
  });
}

/** Edges that the suite names, each by itself. */
export function explicitEdges(edges: Readonly<Record<string, readonly Json[]>>, row: Row): Variant[] {
  return Object.entries(edges).flatMap(([column, values]) => values.map((value) => ({ row: withValue(row, column, value), change: `${column} ${JSON.stringify(value).slice(0, 60)}` })));
}

/** Columns and types as the data shows them, where there is no signature: a column of whole numbers is `long`. */
export function columnsOfRows(rows: readonly Row[]): Column[] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return names.map((name) => {
    const values = rows.map((row) => row[name]).filter((value) => value !== null && value !== undefined);
    return { name, required: values.length === rows.length, type: typeOf(values) };
  });
}

function typeOf(values: readonly unknown[]): Column['type'] {
  const every = (is: (value: unknown) => boolean): boolean => values.length > 0 && values.every(is);
  if (every(Number.isInteger)) return { kind: 'scalar', type: 'long' };
  if (every((value) => typeof value === 'number')) return { kind: 'scalar', type: 'double' };
  if (every((value) => typeof value === 'boolean')) return { kind: 'scalar', type: 'boolean' };
  return every((value) => typeof value === 'string') ? { kind: 'scalar', type: 'string' } : { kind: 'any' };
}
