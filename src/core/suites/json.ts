/** JSON's values. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Whether two JSON values are the same; objects regardless of their keys' order. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item: Json, index) => sameJson(item, b[index] as Json));
  const [left, right] = [a as Readonly<Record<string, Json>>, b as Readonly<Record<string, Json>>];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && sameJson(left[key], right[key]));
}

/** A value as the name of a class, or inside a text: a text as it is. */
export function nameOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A value for a message, cut. */
export function jsonWords(value: Json | undefined, length = 60): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
