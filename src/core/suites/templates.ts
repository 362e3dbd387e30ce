import { nameOf, type Json } from './json.ts';
import type { Row } from './model.ts';
import type { TemplateContent } from './schema.ts';

const PLACEHOLDER = /\{(\w+)\}/g;

/** The placeholders that a text names. */
export function placeholdersOf(text: string): string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name))];
}

function fill(text: string, values: Readonly<Record<string, Json>>): string {
  return text.replace(PLACEHOLDER, (whole, name: string) => (Object.hasOwn(values, name) ? nameOf(values[name] ?? null) : whole));
}

/** A text with the values of its placeholders, and the texts that differ from it by the placeholder that varies. */
export interface TemplateCase {
  /** What conditions see: the text's column and the placeholders. */
  readonly record: Row;
  readonly row: Row;
  readonly varied: readonly Row[];
}

/** All combinations, one after another: the values of the placeholders that a text names; where one varies, its first value makes the original. */
export function* templateCases(template: TemplateContent): Generator<TemplateCase> {
  const { column, vary } = template;
  for (const text of template.texts) {
    const names = placeholdersOf(text).filter((name) => name !== vary);
    const varying = vary !== undefined && placeholdersOf(text).includes(vary) ? template.placeholders[vary] ?? [] : [];
    for (const values of product(names.map((name) => [name, template.placeholders[name] ?? []] as const))) {
      const rowOf = (value: Json | undefined): Row => ({ [column]: fill(text, value === undefined || vary === undefined ? values : { ...values, [vary]: value }) });
      const row = rowOf(varying[0]);
      yield { row, record: { ...values, ...(vary === undefined || varying[0] === undefined ? {} : { [vary]: varying[0] }), ...row }, varied: varying.slice(1).map(rowOf) };
    }
  }
}

function* product(lists: readonly (readonly [string, readonly Json[]])[]): Generator<Readonly<Record<string, Json>>> {
  const [first, ...rest] = lists;
  if (first === undefined) {
    yield {};
    return;
  }
  for (const value of first[1]) for (const others of product(rest)) yield { [first[0]]: value, ...others };
}
