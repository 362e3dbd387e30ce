import * as z from 'zod';
import type { Problem, Source, SourceRange } from '../workspace/source.ts';
import { isRemote, joinPath } from './pipelinePaths.ts';
import { addVars, fileValues, NotEvaluated, resolveTemplate, varsFiles, type Texts } from './pipelineTemplates.ts';
import { parsePipelineText } from './pipelineText.ts';
import { isValueList, isValueMap, parseValues, plainText, type Value, type ValueMap } from './pipelineValues.ts';

export interface StageItem {
  /** As it is written, relative to the stage's working folder; so it stands in `dvc.lock`. */
  readonly path: string;
  /** Relative to the pipeline's folder. */
  readonly location: string;
}

export interface StageParams extends StageItem {
  /** Dotted names; empty: the whole file. */
  readonly names: readonly string[];
}

export interface StageDefinition {
  readonly name: string;
  /** Its working folder, relative to the pipeline's; empty when it is that. */
  readonly folder: string;
  readonly command: string | readonly string[];
  readonly deps: readonly StageItem[];
  readonly params: readonly StageParams[];
  readonly outs: readonly StageItem[];
  readonly frozen: boolean;
  /** It runs each time: by its own word, or because it has neither dependencies nor outputs. */
  readonly alwaysChanged: boolean;
  /** Where its name stands in `dvc.yaml`. */
  readonly range: SourceRange;
}

/** A stage, or a group of `foreach` or `matrix`, that cannot be evaluated here. */
export interface UnknownStage {
  readonly name: string;
  /** A sentence. */
  readonly reason: string;
  readonly range: SourceRange;
}

export interface PipelineFile {
  readonly stages: readonly StageDefinition[];
  readonly unknown: readonly UnknownStage[];
  /** An error means that nothing could be read. */
  readonly problems: readonly Problem[];
}

const DEFAULT_PARAMS = 'params.yaml';
const MOST_STAGES = 5000;

const outputs = z.array(z.union([z.string(), z.record(z.string(), z.unknown())])).nullish();
const stageSchema = z.looseObject({
  cmd: z.union([z.string(), z.array(z.string()).min(1)]),
  wdir: z.string().nullish(),
  deps: z.array(z.string()).nullish(),
  params: z.array(z.union([z.string(), z.record(z.string(), z.array(z.string()).nullish())])).nullish(),
  outs: outputs, metrics: outputs, plots: outputs,
  frozen: z.boolean().nullish(),
  always_changed: z.boolean().nullish(),
});

/** One stage as it is generated: its name, its template and the variables that hold in it. */
interface Generated { readonly name: string; readonly template: ValueMap; readonly context: ValueMap }

/** Files whose values a `dvc.yaml` may need for its `${...}`: to be read before `readPipelineFile`. */
export function variableFiles(text: string): string[] {
  const parsed = parseValues(text);
  if ('reason' in parsed || !isValueMap(parsed.value)) return [DEFAULT_PARAMS];
  const stages = isValueMap(parsed.value['stages']) ? Object.values(parsed.value['stages']) : [];
  const own = stages.flatMap((stage) => {
    const template = isValueMap(stage) && isValueMap(stage['do']) ? stage['do'] : stage;
    if (!isValueMap(template)) return [];
    return varsFiles(template['vars']).map((path) => joinPath(plainText(template['wdir'] ?? '') ?? '', path));
  });
  return [...new Set([DEFAULT_PARAMS, ...varsFiles(parsed.value['vars']), ...own])];
}

/**
 * Reads a `dvc.yaml` with its templates. It never throws: what cannot be evaluated is named with the reason and never guessed.
 * @param texts the files of `variableFiles`
 */
export function readPipelineFile(text: string, texts: Texts): PipelineFile {
  const parsed = parsePipelineText(text, 'dvc.yaml', 'look at the file again');
  if (!('source' in parsed)) return { stages: [], unknown: [], problems: parsed.problems };
  const values = parseValues(text);
  if ('reason' in values || (values.value !== null && !isValueMap(values.value))) {
    const message = `dvc.yaml ${'reason' in values ? values.reason : 'is no mapping: it starts with stages:'}.`;
    return { stages: [], unknown: [], problems: [{ code: 'type', severity: 'error', message, range: parsed.source.keyRange([]) }] };
  }
  const reader = new Reader(parsed.source, texts);
  reader.read(values.value ?? {});
  return { stages: reader.stages, unknown: reader.unknown, problems: parsed.problems };
}

class Reader {
  readonly stages: StageDefinition[] = [];
  readonly unknown: UnknownStage[] = [];
  readonly #source: Source;
  readonly #texts: Texts;

  constructor(source: Source, texts: Texts) {
    this.#source = source;
    this.#texts = texts;
  }

  read(file: ValueMap): void {
    const stages = file['stages'];
    if (!isValueMap(stages)) return;
    let context: ValueMap | string;
    try {
      const named = isValueList(file['vars']) && file['vars'].includes(DEFAULT_PARAMS);
      const base = named || this.#texts.get(DEFAULT_PARAMS) === undefined ? {} : fileValues(this.#texts, DEFAULT_PARAMS);
      context = addVars(base, file['vars'], this.#texts);
    } catch (error) {
      context = reasonOf(error);
    }
    for (const [name, template] of Object.entries(stages)) this.#group(name, template, context);
  }

  #group(name: string, template: Value, context: ValueMap | string): void {
    const range = this.#source.keyRange(['stages', name]);
    // Without variables a stage that uses none can still be evaluated.
    const known = typeof context === 'string' ? {} : context;
    const explain = (error: unknown): string => (typeof context === 'string' ? context : reasonOf(error));
    let generated: readonly Generated[];
    try {
      if (!isValueMap(template)) throw new NotEvaluated('it is no mapping with cmd');
      generated = generate(name, template, known);
    } catch (error) {
      this.unknown.push({ name, reason: sentence(explain(error)), range });
      return;
    }
    for (const each of generated) {
      if (this.stages.length + this.unknown.length >= MOST_STAGES) {
        this.unknown.push({ name, reason: sentence(`the pipeline has more than ${MOST_STAGES} stages`), range });
        return;
      }
      try {
        this.stages.push(this.#stage(each, range));
      } catch (error) {
        this.unknown.push({ name: each.name, reason: sentence(explain(error)), range });
      }
    }
  }

  #stage({ name, template, context }: Generated, range: SourceRange): StageDefinition {
    const { vars, ...rest } = template;
    const wdir = plainText(resolveTemplate(rest['wdir'] ?? '', context)) ?? '';
    const moved = new Map([...this.#texts].map(([path, text]) => [path, text] as const));
    for (const path of varsFiles(vars)) moved.set(path, this.#texts.get(joinPath(wdir, path)));
    const full = addVars(context, vars, moved);
    const checked = stageSchema.safeParse(resolveTemplate(rest, full));
    if (!checked.success) {
      const [issue] = checked.error.issues;
      throw new NotEvaluated(`${issue?.path.join('.') ?? 'it'} is not what DVC expects there`);
    }
    const stage = checked.data;
    const item = (path: string): StageItem => ({ path, location: joinPath(wdir, path) });
    const deps = (stage.deps ?? []).map(item);
    const params = paramFiles(stage.params ?? []).map(({ path, names }) => ({ ...item(path), names }));
    const outs = [...stage.outs ?? [], ...stage.metrics ?? [], ...stage.plots ?? []].flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.keys(entry))).map(item);
    const remote = [...deps, ...outs].find(({ path }) => isRemote(path));
    if (remote !== undefined) throw new NotEvaluated(`${remote.path} is not on this machine`);
    return {
      name, folder: wdir, command: stage.cmd, deps, params, outs, range,
      frozen: stage.frozen === true,
      alwaysChanged: stage.always_changed === true || (deps.length === 0 && params.length === 0 && outs.length === 0),
    };
  }
}

/** `train.lr`, `file.yaml:a,b` and `{file.yaml: [a, b]}` as names by file, in the order of the files. */
function paramFiles(entries: readonly (string | Readonly<Record<string, readonly string[] | null | undefined>>)[]): { path: string; names: readonly string[] }[] {
  const files = new Map<string, readonly string[]>();
  const add = (path: string, names: readonly string[]): void => void files.set(path, [...files.get(path) ?? [], ...names]);
  for (const entry of entries) {
    if (typeof entry !== 'string') {
      for (const [path, names] of Object.entries(entry)) add(path, names ?? []);
      continue;
    }
    const colon = entry.lastIndexOf(':');
    if (colon === -1) add(DEFAULT_PARAMS, [entry]);
    else add(entry.slice(0, colon), entry.slice(colon + 1).split(',').filter((name) => name !== ''));
  }
  return [...files].map(([path, names]) => ({ path, names: [...new Set(names)] }));
}

/** The stages that a `foreach` or a `matrix` makes; any other stage makes itself. @throws NotEvaluated */
function generate(name: string, template: ValueMap, context: ValueMap): readonly Generated[] {
  if (template['matrix'] !== undefined) {
    const { matrix, ...rest } = template;
    const axes = resolveTemplate(matrix, context, true);
    if (!isValueMap(axes)) throw new NotEvaluated('matrix is no mapping of names to lists');
    return combinations(axes).map(({ key, item }) => ({ name: `${name}@${key}`, template: rest, context: { ...context, key, item } }));
  }
  if (template['foreach'] === undefined) return [{ name, template, context }];
  const body = template['do'];
  if (!isValueMap(body)) throw new NotEvaluated('foreach has no do');
  const over = resolveTemplate(template['foreach'], context, true);
  if (isValueMap(over)) return Object.entries(over).map(([key, item]) => ({ name: `${name}@${key}`, template: body, context: { ...context, key, item } }));
  if (!isValueList(over)) throw new NotEvaluated('foreach is neither a list nor a mapping');
  const composite = over.some((item) => plainText(item) === undefined);
  return over.map((item, index) => ({ name: `${name}@${composite ? index : plainText(item)}`, template: body, context: { ...context, item } }));
}

function combinations(axes: ValueMap): { key: string; item: ValueMap }[] {
  let all: { key: string; item: ValueMap }[] = [{ key: '', item: {} }];
  for (const [axis, values] of Object.entries(axes)) {
    if (!isValueList(values)) throw new NotEvaluated(`matrix.${axis} is no list`);
    if (all.length * values.length > MOST_STAGES) throw new NotEvaluated(`its matrix makes more than ${MOST_STAGES} stages`);
    all = all.flatMap(({ key, item }) => values.map((value, index) => ({
      key: `${key === '' ? '' : `${key}-`}${plainText(value) ?? `${axis}${index}`}`,
      item: { ...item, [axis]: value },
    })));
  }
  return all;
}

function reasonOf(error: unknown): string {
  if (error instanceof NotEvaluated) return error.message;
  throw error;
}

function sentence(reason: string): string {
  return `Not evaluated: ${reason}.`;
}
