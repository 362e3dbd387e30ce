import { isMap, isScalar, parseDocument, type Node, type YAMLMap } from 'yaml';
import { AppError } from '../base/errors.ts';
import { setEntry } from '../models/yamlEdit.ts';
import type { ModelMapping } from './config.ts';
import { loadWorkspaceFile } from './load.ts';
import { quotable } from './source.ts';

/** What a release writes into `modelswitch.yaml`. */
export interface WrittenMapping {
  /** The model's name in the file. */
  readonly model: string;
  readonly flag: string;
  readonly registeredModel: string;
  /** Aliases or versions. */
  readonly current: string;
  readonly candidate: string;
}

/** A change of the file: `from` is its text now, undefined when there is none. Equal texts: it says so already. */
export interface MappingEdit {
  readonly from: string | undefined;
  readonly to: string;
  /** What changes, one line each: `models.fraud.candidate: challenger -> 14`. */
  readonly lines: readonly string[];
}

const KEYS = [['registeredModel', 'registered_model'], ['current', 'current'], ['candidate', 'candidate']] as const;
const DEFAULTS = { registeredModel: undefined, current: 'champion', candidate: 'challenger' } as const;

/**
 * The text with the mapping in it. Nothing else of it changes: comments, order and quotes stay.
 * @throws AppError validation when the file cannot be read, or the model has another flag
 */
export function editMapping(text: string | undefined, wanted: WrittenMapping): MappingEdit {
  const file = text === undefined ? undefined : loadWorkspaceFile(text);
  const wrong = file !== undefined && file.config === undefined ? file.problems.find(({ severity }) => severity === 'error') : undefined;
  if (wrong !== undefined) throw new AppError('validation', `modelswitch.yaml:${wrong.range.start.line + 1}: ${wrong.message}`, { reason: 'configuration' });
  const known = file?.config?.models.find(({ name }) => name === wanted.model);
  if (known === undefined) {
    if (file?.config?.features?.some(({ name }) => name === wanted.model) === true) throw new AppError('validation', `${quotable(wanted.model)} is of kind features in modelswitch.yaml: give the model another name there.`, { reason: 'configuration' });
    return { from: text, to: withModel(text ?? '', wanted), lines: [`modelswitch.yaml: models.${quotable(wanted.model)} is added`] };
  }
  if (known.switches.length > 0 && !known.switches.some(({ flag }) => flag === wanted.flag)) {
    throw new AppError('validation', `${quotable(wanted.model)} is switched by ${known.switches.map(({ flag }) => quotable(flag)).join(' and ')} in modelswitch.yaml, not by ${quotable(wanted.flag)}: release it behind that flag, or add {flag: ${quotable(wanted.flag)}} to its switches first.`, { reason: 'configuration' });
  }
  return changedModel(text ?? '', known, wanted);
}

function changedModel(text: string, known: ModelMapping, wanted: WrittenMapping): MappingEdit {
  let to = text;
  const lines: string[] = [];
  const set = (key: string, from: string | undefined, value: string): void => {
    to = setEntry(to, ['models', known.name], key, value);
    lines.push(`modelswitch.yaml: models.${quotable(known.name)}.${key}: ${from === undefined ? 'not set' : quotable(from)} -> ${quotable(value)}`);
  };
  if (known.switches.length === 0) set('flag', undefined, wanted.flag);
  for (const [field, key] of KEYS) {
    const now = known[field];
    // A default that nobody wrote stays unwritten.
    if (now !== wanted[field]) set(key, known.ranges?.[field] === undefined ? DEFAULTS[field] : now, wanted[field]);
  }
  return { from: text, to, lines };
}

/** A model more, behind the others. */
function withModel(text: string, wanted: WrittenMapping): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const document = parseDocument(text, { logLevel: 'error' });
  const models = document.get('models', true) as Node | undefined;
  const isBlock = isMap<Node, Node | null>(models) && models.flow !== true && models.items.length > 0;
  const indent = isBlock ? indentOf(text, models) : '  ';
  const block = [`${indent}${scalar(wanted.model)}:`, `flag: ${scalar(wanted.flag)}`, `registered_model: ${scalar(wanted.registeredModel)}`, `current: ${scalar(wanted.current)}`, `candidate: ${scalar(wanted.candidate)}`]
    .map((line, index) => (index === 0 ? line : `${indent}  ${line}`)).join(newline);
  const to = isBlock ? insertAfter(text, endOfBlock(text, document.range[1], models), block, newline)
    : models === undefined || (isScalar(models) && models.value === null && !document.has('models')) ? `${withEnd(text === '' ? 'version: 1' : text, newline)}models:${newline}${block}${newline}`
    : undefined;
  const written = to === undefined ? undefined : loadWorkspaceFile(to).config?.models.find(({ name }) => name === wanted.model);
  if (to !== undefined && written?.registeredModel === wanted.registeredModel && written.current === wanted.current && written.candidate === wanted.candidate) return to;
  throw new AppError('validation', `modelswitch.yaml is written in a way that cannot be edited automatically at "models": add the model ${quotable(wanted.model)} by hand.`, { reason: 'notEditable' });
}

function indentOf(text: string, models: YAMLMap<Node, Node | null>): string {
  const start = models.items[0]?.key.range?.[0] ?? 0;
  return text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
}

/** Where the last line of the models that says something ends. */
function endOfBlock(text: string, end: number, models: YAMLMap<Node, Node | null>): number {
  const last = models.items.at(-1);
  const lastEnd = last?.value?.range?.[1] ?? last?.key.range?.[1] ?? end;
  // A block's range goes on to the next key: blank lines and comments at its end are not its own.
  const said = text.slice(0, lastEnd).replace(/(?:\s*(?:\n[ \t]*#[^\n]*)?)*$/, '');
  const lineEnd = text.indexOf('\n', said.length);
  return lineEnd < 0 ? text.length : text[lineEnd - 1] === '\r' ? lineEnd - 1 : lineEnd;
}

function insertAfter(text: string, at: number, block: string, newline: string): string {
  return `${text.slice(0, at)}${newline}${block}${text.slice(at) === '' ? newline : text.slice(at)}`;
}

function withEnd(text: string, newline: string): string {
  return text.endsWith('\n') ? text : `${text}${newline}`;
}

/** Plain where that means the same text, else in quotes. */
function scalar(value: string): string {
  return /^[A-Za-z_][\w./-]*$/.test(value) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value) ? value : JSON.stringify(value);
}
