import type { ColumnType, ScalarType } from './model.ts';

/** Types that MLflow's schema enforcement takes for a column of another type, rows being complete: widening, and what it does not look into. */
const ACCEPTED: Readonly<Record<ScalarType, readonly ScalarType[]>> = {
  boolean: ['boolean'],
  integer: ['integer', 'long', 'double'],
  long: ['long'],
  float: ['float', 'double'],
  double: ['double'],
  string: ['string', 'binary'],
  binary: ['binary', 'string', 'boolean'],
  datetime: ['datetime'],
};

/** The same where values are missing: pandas has integers as float64 then, and booleans as objects, which MLflow hardly checks. */
const ACCEPTED_WITH_GAPS: Readonly<Record<ScalarType, readonly ScalarType[]>> = {
  ...ACCEPTED,
  boolean: ['boolean', 'double', 'string', 'binary'],
  integer: ['double'],
  long: ['double'],
};

/** Whether a column passes MLflow's schema enforcement, or `unknown` where that depends on more than the types. */
export type Fit = 'fits' | 'refused' | 'unknown';

/**
 * Whether values of one type may go into a column of another: for scalars exactly as MLflow enforces signatures. Lists do not go into
 * scalars, though MLflow lets them pass as text.
 */
export function fit(from: ColumnType, nullable: boolean, to: ColumnType): Fit {
  if (to.kind === 'any') return 'fits';
  if (from.kind === 'any' || to.kind === 'other') return 'unknown';
  if (from.kind === 'scalar' && to.kind === 'scalar') return (nullable ? ACCEPTED_WITH_GAPS : ACCEPTED)[from.type].includes(to.type) ? 'fits' : 'refused';
  // Whether a list's elements widen depends on what holds them, a Python list or an array.
  if (from.kind === 'array' && to.kind === 'array') return !nullable && typeWords(from) === typeWords(to) ? 'fits' : 'unknown';
  // What a tensor takes depends on its shape and on the values, which a contract does not tell.
  if (to.kind === 'tensor' || from.kind === 'tensor') return 'unknown';
  return 'refused';
}

/** A type for people: `array<double>`, `tensor float64 (-1, 4)`. */
export function typeWords(type: ColumnType): string {
  switch (type.kind) {
    case 'scalar':
      return type.type;
    case 'array':
      return `array<${typeWords(type.items)}>`;
    case 'map':
      return `map<${typeWords(type.values)}>`;
    case 'object':
      return `object {${type.properties.map(({ name, type: inner, required }) => `${name}${required ? '' : '?'}: ${typeWords(inner)}`).join(', ')}}`;
    case 'tensor':
      return `tensor ${type.dtype} (${type.shape.join(', ')})`;
    case 'any':
      return 'any';
    case 'other':
      return type.text;
  }
}
