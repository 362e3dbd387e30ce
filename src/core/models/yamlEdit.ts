import { isMap, isScalar, isSeq, parseDocument, type Document, type Node, type Pair, type YAMLMap } from 'yaml';
import { AppError } from '../base/errors.ts';

type Map = YAMLMap<Node, Node | null>;
type Path = readonly (string | number)[];

/**
 * A YAML text in which the mapping at `path` has `key: value`, or lacks the key with `value` undefined. Nothing else of the text changes:
 * comments, order, quotes and blank lines stay. The mapping itself is made where it is missing, its parent must exist.
 * @throws AppError validation when the text is written in a way that cannot be edited at this place
 */
export function setEntry(text: string, path: Path, key: string, value: string | undefined): string {
  const document = parseDocument(text, { logLevel: 'error' });
  const edited = edit(text, document, path, key, value);
  // What the edit means is checked by reading it again: a text is not written that says something else.
  const result = parseDocument(edited, { logLevel: 'error' });
  const meant = changed(document.toJS() as unknown, [...path, key], value);
  if (result.errors.length > 0 || JSON.stringify(withoutEmpty(result.toJS() as unknown)) !== JSON.stringify(withoutEmpty(meant))) throw notEditable(path, key);
  return edited;
}

function notEditable(path: Path, key: string): AppError {
  return new AppError('validation', `${path.map(String).join('.')} is written in a way that cannot be edited automatically: set ${key} by hand.`, { reason: 'notEditable' });
}

/** The content with one value set or removed; mappings on the way are made. */
function changed(content: unknown, [step, ...rest]: Path, value: string | undefined): unknown {
  if (step === undefined) return value;
  if (Array.isArray(content)) return content.map((each: unknown, index) => (index === step ? changed(each, rest, value) : each));
  const fields = typeof content === 'object' && content !== null ? content as Record<string, unknown> : {};
  return { ...fields, [step]: changed(fields[step], rest, value) };
}

function edit(text: string, document: Document.Parsed, path: Path, key: string, value: string | undefined): string {
  const map = document.getIn(path, true) as Node | undefined;
  if (!isMap<Node, Node | null>(map) || map.items.length === 0) return value === undefined ? text : addMapping(text, document, path, map, `${name(key)}: ${JSON.stringify(value)}`);
  const pair = map.items.find((each) => isScalar(each.key) && String(each.key.value) === key);
  if (pair === undefined) return value === undefined ? text : addPair(text, map, `${name(key)}: ${JSON.stringify(value)}`);
  if (value === undefined) return removePair(text, map, pair);
  const [start, end] = pair.value?.range ?? [0, 0];
  return splice(text, start, end, `${start === end ? ' ' : ''}${JSON.stringify(value)}`);
}

/** Appends a pair to a mapping that has some. */
function addPair(text: string, map: Map, pair: string): string {
  const end = endOf(map.items.at(-1));
  if (map.flow === true) return splice(text, end, end, `, ${pair}`);
  const at = lineEnd(text, end);
  return splice(text, at, at, `${newline(text)}${' '.repeat(indentOf(text, startOf(map.items[0])))}${pair}`);
}

/** Puts the first pair into a mapping that is missing or empty. */
function addMapping(text: string, document: Document.Parsed, path: Path, map: Node | undefined, pair: string): string {
  if (isMap(map) && map.flow === true) return splice(text, (map.range?.[0] ?? 0) + 1, (map.range?.[0] ?? 0) + 1, pair);
  const parent = document.getIn(path.slice(0, -1), true);
  const key = String(path.at(-1));
  if (!isMap<Node, Node | null>(parent) || parent.items.length === 0) throw notEditable(path.slice(0, -1), key);
  const own = parent.items.find((each) => isScalar(each.key) && String(each.key.value) === key);
  if (own !== undefined) {
    // The key stands there with nothing, or null, behind it.
    const [start, end] = own.value?.range ?? [0, 0];
    return splice(text, start, end, `${start === end ? ' ' : ''}{${pair}}`);
  }
  return addPair(text, parent, `${name(key)}: {${pair}}`);
}

function removePair(text: string, map: Map, pair: Pair<Node, Node | null>): string {
  const index = map.items.indexOf(pair);
  const [start, end] = [startOf(pair), endOf(pair)];
  if (map.flow === true) {
    const next = map.items[index + 1];
    if (next !== undefined) return splice(text, start, startOf(next), '');
    return splice(text, index === 0 ? start : endOf(map.items[index - 1]), end, '');
  }
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  // The first key of a list's element shares its line with the dash.
  if (text.slice(lineStart, start).trim() !== '') return splice(text, start, startOf(map.items[index + 1]), '');
  return splice(text, lineStart, Math.min(text.length, lineEnd(text, end) + newline(text).length), '');
}

function startOf(pair: Pair<Node, Node | null> | undefined): number {
  return pair?.key.range?.[0] ?? 0;
}

/** Where a pair's last character is, without the comment behind it. */
function endOf(pair: Pair<Node, Node | null> | undefined): number {
  const value = pair?.value;
  if (value === null || value === undefined) return pair?.key.range?.[1] ?? 0;
  if ((isMap<Node, Node | null>(value) || isSeq<Node>(value)) && value.flow !== true) {
    const last = value.items.at(-1);
    if (last === undefined) return value.range?.[1] ?? 0;
    return isMap(value) ? endOf(last as Pair<Node, Node | null>) : endOfNode(last as Node);
  }
  return value.range?.[1] ?? 0;
}

function endOfNode(node: Node): number {
  return isMap<Node, Node | null>(node) && node.flow !== true ? endOf(node.items.at(-1)) : (node.range?.[1] ?? 0);
}

function indentOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

function lineEnd(text: string, offset: number): number {
  const at = text.indexOf('\n', offset);
  if (at < 0) return text.length;
  return text[at - 1] === '\r' ? at - 1 : at;
}

function newline(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function splice(text: string, start: number, end: number, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** A key as it may stand without quotes, else in quotes. */
function name(key: string): string {
  return /^[A-Za-z_][\w./-]*$/.test(key) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(key) ? key : JSON.stringify(key);
}

/** Removing the last entry may leave an empty mapping or nothing: both say the same. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  const entries = Object.entries(value).map(([key, each]): [string, unknown] => [key, withoutEmpty(each)]);
  return Object.fromEntries(entries.filter(([, each]) => each !== null && each !== undefined && !(typeof each === 'object' && Object.keys(each).length === 0)));
}
