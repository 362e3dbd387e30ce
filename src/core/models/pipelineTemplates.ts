import { isValueList, isValueMap, parseValues, plainText, sameValue, valueAt, type Value, type ValueMap } from './pipelineValues.ts';

/** Why a stage cannot be evaluated: a part of a sentence, such as `params.yaml has no train.lr`. */
export class NotEvaluated extends Error {
  override readonly name = 'NotEvaluated';
}

const EXPRESSION = /(?<!\\)\$\{(.*?)\}/g;

/** The value that an expression such as `item.paths[0]` names. @throws NotEvaluated */
function select(expression: string, context: ValueMap): Value {
  const path = expression.trim().replaceAll('[', '.').replaceAll(']', '');
  const found = valueAt(context, path);
  if (found === undefined) throw new NotEvaluated(`\${${expression}} is not defined`);
  return found;
}

/** Text with every `${...}` replaced; a text that is one expression gives the value itself. @throws NotEvaluated */
function resolveText(text: string, context: ValueMap, composite: boolean): Value {
  const matches = [...text.matchAll(EXPRESSION)];
  const [only] = matches;
  if (matches.length === 1 && only?.[0] === text) {
    const value = select(only[1] ?? '', context);
    if (!composite && plainText(value) === undefined) throw new NotEvaluated(`${text} is a list or a mapping`);
    return value;
  }
  const replaced = text.replace(EXPRESSION, (whole, expression: string) => {
    const plain = plainText(select(expression, context));
    if (plain === undefined) throw new NotEvaluated(`${whole} is a list or a mapping`);
    return plain;
  });
  return replaced.replaceAll('\\${', '${');
}

/**
 * A part of `dvc.yaml` with its `${...}` filled in.
 * @param composite whether an expression may stand for a list or a mapping, as behind `foreach` and `matrix`
 * @throws NotEvaluated
 */
export function resolveTemplate(value: Value, context: ValueMap, composite = false): Value {
  if (typeof value === 'string') return resolveText(value, context, composite);
  if (isValueList(value)) return value.map((item) => resolveTemplate(item, context, composite));
  if (!isValueMap(value)) return value;
  const name = (key: string): string => plainText(resolveText(key, context, false)) ?? key;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [name(key), resolveTemplate(item, context, composite)]));
}

/** Two sets of variables as one; neither may take back what the other says. @throws NotEvaluated */
function merge(into: ValueMap, from: ValueMap, path = ''): ValueMap {
  const merged: Record<string, Value> = { ...into };
  for (const [key, value] of Object.entries(from)) {
    const before = Object.hasOwn(into, key) ? into[key] : undefined;
    if (before === undefined) merged[key] = value;
    else if (isValueMap(before) && isValueMap(value)) merged[key] = merge(before, value, `${path}${key}.`);
    else if (!sameValue(before, value)) throw new NotEvaluated(`the variable ${path}${key} is given twice, differently`);
  }
  return merged;
}

/** Text of files by path relative to the pipeline's folder; undefined: not there. */
export type Texts = ReadonlyMap<string, string | undefined>;

/** Values of a parameter file. @throws NotEvaluated when it is missing, broken, or in a language that is not read here */
export function fileValues(texts: Texts, path: string): ValueMap {
  if (/\.(toml|py)$/i.test(path)) throw new NotEvaluated(`${path} is not read: parameters of YAML and JSON files are`);
  const text = texts.get(path);
  if (text === undefined) throw new NotEvaluated(`${path} is missing`);
  const parsed = parseValues(text);
  if ('reason' in parsed) throw new NotEvaluated(`${path} ${parsed.reason}`);
  if (parsed.value === null) return {};
  if (!isValueMap(parsed.value)) throw new NotEvaluated(`${path} is no mapping of names to values`);
  return parsed.value;
}

/** The files that a `vars` section names, without the keys behind a colon. */
export function varsFiles(vars: Value | undefined): string[] {
  return isValueList(vars) ? vars.flatMap((entry) => (typeof entry === 'string' ? [splitKeys(entry).path] : [])) : [];
}

function splitKeys(entry: string): { path: string; keys: string[] } {
  const [path = '', keys] = entry.split(/:(?![\\/])/, 2);
  return { path, keys: keys === undefined ? [] : keys.split(',').map((key) => key.trim()) };
}

/** The variables of a `vars` section added to those there are. @throws NotEvaluated */
export function addVars(context: ValueMap, vars: Value | undefined, texts: Texts): ValueMap {
  if (vars === undefined || vars === null) return context;
  if (!isValueList(vars)) throw new NotEvaluated('vars is no list');
  return vars.reduce<ValueMap>((known, entry) => {
    if (isValueMap(entry)) return merge(known, entry);
    if (typeof entry !== 'string') throw new NotEvaluated('vars holds something else than files and mappings');
    const { path, keys } = splitKeys(entry);
    const values = fileValues(texts, path);
    if (keys.length === 0) return merge(known, values);
    return merge(known, Object.fromEntries(keys.map((key) => {
      const value = values[key];
      if (value === undefined) throw new NotEvaluated(`${path} has no ${key}`);
      return [key, value];
    })));
  }, context);
}
