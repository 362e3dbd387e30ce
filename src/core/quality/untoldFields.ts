import { plainLine } from '../base/words.ts';
import type { Expression } from '../expressions/expression.ts';
import { nearest } from '../workspace/suggest.ts';
import { RECORD_TYPES, type LabelDefinition, type MetricDefinition, type QualityDefinition } from './definitions.ts';

/** Of a name that is looked for in those of the fields of a prediction. */
const LEAST_PART = 4;

/** The fields of outcomes that metrics read, each with the metrics. */
export function outcomeReaders(metrics: readonly MetricDefinition[], labels: LabelDefinition): ReadonlyMap<string, readonly string[]> {
  const readers = new Map<string, string[]>();
  for (const { name, labelled, measure, expression } of metrics) {
    if (!labelled) continue;
    const fields = measure === undefined ? (expression?.paths ?? []).map(([first = '']) => first).filter((field) => !Object.hasOwn(RECORD_TYPES.fields, field)) : [labels.field];
    for (const field of new Set(fields)) readers.set(field, [...readers.get(field) ?? [], name]);
  }
  return readers;
}

/** What may have been meant by a name that no record has. */
function mend(field: string, { field: labelled }: LabelDefinition, features: ReadonlySet<string>): string {
  if (features.has(field)) return `There is a feature of that name: write features.${field}.`;
  const near = field.length < LEAST_PART ? undefined : Object.keys(RECORD_TYPES.fields).find((name) => name.includes(field));
  if (near !== undefined) return `Did you mean ${near}?`;
  return field === labelled ? 'labels: {field: ...} names the field of the outcome.' : 'A feature is called features.NAME, and a text stands in quotes.';
}

/** What may have been meant by a feature that no record has; undefined: it is none, or there is one of that name, or none that is like it. */
export function featureMend([first, name]: readonly string[], features: ReadonlySet<string>): string | undefined {
  const meant = first !== 'features' || name === undefined || features.has(name) ? undefined : nearest(name, features);
  return meant === undefined ? undefined : `Did you mean features.${meant}?`;
}

/** What is said where no record has features, and they are asked for. */
export function featurelessMessages({ metrics, where, slices, drift }: QualityDefinition): readonly string[] {
  const reads = (expressions: readonly (Pick<Expression<unknown>, 'paths'> | undefined)[]): boolean => expressions.some((each) => each?.paths.some(([first]) => first === 'features') === true);
  const who = [...(drift.reference === undefined ? [] : ['drift']), ...(reads(slices) ? ['by'] : []), ...(reads([where]) ? ['where'] : []), ...metrics.filter(({ expression }) => reads([expression])).map(({ name }) => plainLine(name, 60))];
  return who.length === 0 ? [] : [`No record has features, which ${who.join(', ')} ${who.length === 1 ? 'needs' : 'need'}: they stand below features, as in {"features": {"amount": 91.5}}, and in a table in columns such as features.amount.`];
}

/** What is said of fields that metrics read and nothing has told. `features`: the names of those that came. */
export function untoldFieldMessages(fields: Iterable<string>, readers: ReadonlyMap<string, readonly string[]>, labels: LabelDefinition, features: ReadonlySet<string>): readonly string[] {
  return [...fields].map((field) => {
    const name = plainLine(field, 60);
    return `No outcome, and no record with a request_id, has told the field ${name}, which ${(readers.get(field) ?? []).map((metric) => plainLine(metric, 60)).join(', ')} ${readers.get(field)?.length === 1 ? 'reads' : 'read'}. ${plainLine(mend(field, labels, features), 200)}`;
  });
}

/** Of how many predictions it is no chance that there was no error, nor a record that says so. */
const MANY = 1000;

/** The bad events that are so by the field `error`. */
export function readsError({ kind, expression }: MetricDefinition): boolean {
  return kind === 'bad' && expression?.paths.some((path) => path.length === 1 && path[0] === 'error') === true;
}

/** A field that no record has tells no bad event of any metric: in words, of the error. `requests`: how many predictions there are. */
export function errorlessMessages(hasError: boolean, requests: number, metrics: readonly MetricDefinition[]): readonly string[] {
  const names = metrics.filter(readsError).map(({ name }) => plainLine(name, 60));
  return hasError || requests < MANY || names.length === 0 ? [] : [`No record has the field error, which ${names.join(', ')} reads: there was none yet, or it is called otherwise. Log "error": null where all went well.`];
}
