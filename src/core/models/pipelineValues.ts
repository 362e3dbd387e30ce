import { parseDocument } from 'yaml';

/**
 * What stands in a YAML or JSON file that DVC reads. Whole numbers are bigints and the rest are numbers, because DVC, being Python, writes
 * `1` and `1.0` differently into commands and stage names.
 */
export type Value = null | boolean | number | bigint | string | readonly Value[] | ValueMap;
export interface ValueMap { readonly [key: string]: Value }

const MOST_ALIASES = 100;

/** Parses YAML or JSON. Gives the reason, a part of a sentence, where it is neither. */
export function parseValues(text: string): { value: Value } | { reason: string } {
  try {
    const document = parseDocument(text, { intAsBigInt: true, merge: true, prettyErrors: false, stringKeys: true, logLevel: 'error' });
    const [error] = document.errors;
    if (error !== undefined) return { reason: `is not valid YAML: ${error.message}` };
    return { value: (document.toJS({ maxAliasCount: MOST_ALIASES }) ?? null) as Value };
  } catch (error) {
    return { reason: `cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

export function isValueMap(value: Value | undefined): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isValueList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** The value at a dotted path, such as `train.layers.0`; undefined where there is none. */
export function valueAt(value: Value, path: string): Value | undefined {
  let found: Value | undefined = value;
  for (const step of path.split('.')) {
    if (isValueList(found)) found = /^\d+$/.test(step) ? found[Number(step)] : undefined;
    else if (isValueMap(found) && Object.hasOwn(found, step)) found = found[step];
    else return undefined;
  }
  return found;
}

/** Equal as Python compares: `1`, `1.0` and a bigint 1 are the same number. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (typeof a === 'bigint' || typeof b === 'bigint') return isNumeric(a) && isNumeric(b) && a == b;
  if (isValueList(a)) return isValueList(b) && a.length === b.length && a.every((item, index) => sameValue(item, b[index]));
  if (isValueMap(a)) {
    if (!isValueMap(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]));
  }
  return Object.is(a, b) || (a === 0 && b === 0);
}

function isNumeric(value: Value | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** A float as Python's `repr` writes it: `1.0`, `1e-05`, `inf`. */
function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value);
}

/** A plain value as DVC writes it into commands, paths and stage names; undefined for lists and mappings. */
export function plainText(value: Value): string | undefined {
  if (value === null) return 'None';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return typeof value === 'number' ? pythonFloat(value) : undefined;
}

/** A value for people, in one line. */
export function valueWords(value: Value | undefined): string {
  if (value === undefined) return 'none';
  if (isValueList(value)) return `[${value.map(valueWords).join(', ')}]`;
  if (isValueMap(value)) return `{${Object.entries(value).map(([key, item]) => `${key}: ${valueWords(item)}`).join(', ')}}`;
  return value === null ? 'null' : plainText(value) ?? '';
}
