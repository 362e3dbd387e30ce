import { isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLError, YAMLMap } from 'yaml';
import { redact } from '../base/redact.ts';
import { plainLine } from '../base/words.ts';

/** A place in a text; all zero-based, as in VS Code, and in UTF-16 units. */
export interface SourcePosition {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** From `start` up to but without `end`. */
export interface SourceRange {
  readonly start: SourcePosition;
  readonly end: SourcePosition;
}

export type ProblemCode = 'syntax' | 'size' | 'type' | 'missing' | 'unknownKey' | 'duplicate' | 'url' | 'secret' | 'incomplete' | 'unknownFlag' | 'archivedFlag' | 'unknownEnvironment' | 'unknownProject' | 'unknownContextField'
  | 'unknownModel' | 'unknownVersion' | 'unknownVariant' | 'movedAlias' | 'plan' | 'unknownSegment';

/** What is wrong in a file, where, and the mend. The message quotes names of the file, never a secret. */
export interface Problem {
  readonly code: ProblemCode;
  readonly severity: 'error' | 'warning' | 'information';
  readonly message: string;
  readonly range: SourceRange;
  /** The keys that lead to it, list places as numbers; undefined where it is about the text, or all of it. */
  readonly path?: SourcePath;
}

/** Text of the file or the server for a message: what looks like a token is out, and so are pieces of one. */
export function withoutSecrets(text: string): string {
  return redact(text).replace(/[0-9a-f]{16,}/gi, '[redacted]');
}

/** A name of the file or the server, for a message: short and plain, without secrets. */
export function quotable(name: string): string {
  return plainLine(withoutSecrets(name), 60);
}

const MOST_PROBLEMS = 100;
const LONGEST_MESSAGE = 1000;

/** The first hundred, for people; where there are more, errors before the rest, because by them the file may not be gone by. Names of the file stand in messages: nothing in them may be a token, or be obeyed or reordered where it is shown. */
export function shown(problems: readonly Problem[]): Problem[] {
  const errorsFirst = problems.length <= MOST_PROBLEMS ? problems : [...problems].sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'));
  return errorsFirst.slice(0, MOST_PROBLEMS).map((problem) => ({ ...problem, message: plainLine(withoutSecrets(problem.message), LONGEST_MESSAGE) }));
}

export type SourcePath = readonly (string | number)[];

/** Aliases of aliases grow exponentially; nobody needs more than this many, nor more values by them. */
export const MOST_ALIASES = 100;
const MOST_REPEATED = 10_000;
export const ALIASES_MEND = `The file has more than ${MOST_ALIASES} aliases (*name), counted as they multiply, or they repeat more than ${MOST_REPEATED} values: write the values out.`;
const SELF_MEND = 'This alias (*name) stands inside of what it repeats, so it would never end: write the value out.';
/** A text that is no YAML at all has an error at every character. */
const MOST_ERRORS = 100;
const ALIAS_MEND = 'An alias (*name) needs an anchor (&name) before it: define it, or put text that starts with * in quotes.';

const MENDS: Partial<Record<YAMLError['code'], string>> = {
  TAB_AS_INDENT: 'A tab is used to indent: YAML takes spaces only. Replace it by spaces.',
  MULTIPLE_DOCS: 'The file holds several documents: remove the line "---" and what follows, or merge it into the first.',
  NON_STRING_KEY: 'A key must be plain text: put it in quotes, or put values that start with [, { or * in quotes.',
  BAD_ALIAS: ALIAS_MEND,
};

function place(counter: LineCounter, offset: number): SourcePosition {
  const { line, col } = counter.linePos(offset);
  // An empty text has no line yet.
  return { offset, line: Math.max(0, line - 1), column: Math.max(0, col - 1) };
}

/** Where every character is an error, the parser spends its time on stack traces that nobody reads. */
function withoutStackTraces<T>(parse: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parse();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The parser quotes the text where it fails, which may be a password: the range shows the place instead. */
function withoutQuotes(message: string): string {
  return plainLine(message.replace(/(?<=\w):\s[^]*$/, '').replace(/["'](?=quote$)/, '').replace(/[.\s]+$/, ''), 200);
}

/** A parsed YAML text that can say where each of its parts stands. */
export class Source {
  readonly document: Document.Parsed;
  readonly problems: readonly Problem[];
  readonly #counter: LineCounter;
  /** What each alias repeats. */
  readonly #anchors = new WeakMap<Node, Node>();
  readonly text: string;
  readonly #index = new WeakMap<YAMLMap<Node, Node | null>, ReadonlyMap<string, Pair<Node, Node | null>>>();

  constructor(text: string) {
    this.#counter = new LineCounter();
    this.text = text;
    this.document = withoutStackTraces(() => parseDocument(text, { lineCounter: this.#counter, prettyErrors: false, stringKeys: true, uniqueKeys: false, merge: true, logLevel: 'error' }));
    const problems = (errors: readonly YAMLError[], severity: Problem['severity']): Problem[] => errors.slice(0, MOST_ERRORS).map((error) => ({
      code: 'syntax',
      severity,
      message: MENDS[error.code] ?? `Not valid YAML: ${withoutQuotes(error.message)}. Check indentation, colons, quotes and brackets here.`,
      range: this.range(error.pos[0], error.pos[1]),
    }));
    this.problems = [...problems(this.document.errors, 'error'), ...problems(this.document.warnings, 'warning'), ...(this.document.errors.length > 0 ? [] : this.#contentProblems())];
  }

  range(start: number, end: number): SourceRange {
    const from = Math.min(Math.max(start, 0), this.text.length);
    const to = Math.min(Math.max(end, from), this.text.length);
    return { start: place(this.#counter, from), end: place(this.#counter, to) };
  }

  rangeOf(node: Node): SourceRange {
    const [start, end] = node.range ?? [0, 0];
    return this.range(start, end);
  }

  /** What the parser lets pass (aliases without an anchor, or of too much) or would take quadratic time to find (keys that stand twice). */
  #contentProblems(): Problem[] {
    const problems: Problem[] = [];
    const add = (code: Problem['code'], message: string, node: Node): void => void problems.push({ code, severity: 'error', message, range: this.rangeOf(node) });
    let aliases = 0;
    let repeated = 0;
    const measured = new Map<string, { readonly node: Node; size: number | undefined }>();
    /** How many values a node stands for, aliases followed; anchors stand before their aliases, so each is known when it is needed. */
    const measure = (node: Node | null | undefined): number => {
      if (node === null || node === undefined) return 1;
      if (isAlias(node)) {
        const anchor = measured.get(node.source);
        aliases += 1;
        repeated += anchor?.size ?? 0;
        if (anchor === undefined) add('syntax', ALIAS_MEND, node);
        else if (anchor.size === undefined) add('size', SELF_MEND, node);
        else this.#anchors.set(node, anchor.node);
        if (aliases === MOST_ALIASES + 1 || (aliases <= MOST_ALIASES && repeated > MOST_REPEATED)) {
          add('size', ALIASES_MEND, node);
          aliases = MOST_ALIASES + 1;
        }
        return anchor?.size ?? 1;
      }
      const entry: { readonly node: Node; size: number | undefined } = { node, size: undefined };
      if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) measured.set(node.anchor, entry);
      if (isMap<Node, Node | null>(node)) this.#reportTwins(node, add);
      const children = isMap<Node, Node | null>(node) ? node.items.flatMap(({ key, value }) => [key, value]) : isSeq<Node>(node) ? node.items : [];
      entry.size = Math.min(1 + children.reduce((sum, child) => sum + measure(child), 0), 10 * MOST_REPEATED);
      return entry.size;
    };
    measure(this.document.contents);
    return problems;
  }

  #reportTwins(map: YAMLMap<Node, Node | null>, add: (code: Problem['code'], message: string, node: Node) => void): void {
    const seen = new Set<string>();
    for (const { key } of map.items) {
      if (!isScalar(key) || key.value === '<<') continue;
      const name = String(key.value);
      if (seen.has(name)) add('duplicate', `The key "${quotable(name)}" stands twice in the same mapping: keep one of them.`, key);
      seen.add(name);
    }
  }

  /** The key and value nodes at a path; aliases are followed. Undefined where the text has nothing there. */
  find(path: SourcePath): { key: Node | undefined; value: Node | undefined } | undefined {
    let found: { key: Node | undefined; value: Node | undefined } = { key: undefined, value: this.document.contents ?? undefined };
    for (const step of path) {
      const parent = found.value === undefined ? undefined : this.#resolve(found.value);
      if (isSeq<Node>(parent)) {
        const item = typeof step === 'number' ? parent.items[step] : undefined;
        if (item === undefined) return undefined;
        found = { key: undefined, value: item };
      } else if (isMap<Node, Node | null>(parent)) {
        const pair = this.#pairs(parent).get(String(step));
        if (pair === undefined) return undefined;
        found = { key: pair.key, value: pair.value ?? undefined };
      } else {
        return undefined;
      }
    }
    return found;
  }

  /** Where the value at a path stands; its key where it has no value; the nearest enclosing key where the text lacks it. */
  valueRange(path: SourcePath): SourceRange {
    const found = this.find(path);
    const value = found?.value;
    if (value !== undefined && !isEmpty(value) && !isMap(value)) return this.rangeOf(value);
    return this.keyRange(path);
  }

  /** A part of the text at a path, counted in the text itself; all of the value where it is written with escapes or over several lines. */
  rangeWithin(path: SourcePath, { start, end }: { readonly start: number; readonly end: number }): SourceRange {
    const whole = this.valueRange(path);
    const value = this.find(path)?.value;
    if (value === undefined || !isScalar(value) || typeof value.value !== 'string') return whole;
    const offset = whole.start.offset + (value.type === 'QUOTE_DOUBLE' || value.type === 'QUOTE_SINGLE' ? 1 : 0);
    return this.text.startsWith(value.value, offset) ? this.range(offset + start, offset + Math.max(end, start)) : whole;
  }

  /** Where the key at a path stands; a list's element has none, so it is the element. */
  keyRange(path: SourcePath): SourceRange {
    for (let length = path.length; length > 0; length -= 1) {
      const found = this.find(path.slice(0, length));
      const node = found?.key ?? found?.value;
      if (node !== undefined) return this.rangeOf(node);
    }
    const contents = this.document.contents;
    const first = isMap<Node>(contents) ? contents.items[0]?.key : contents;
    return first?.range == null ? this.range(0, 0) : this.rangeOf(first);
  }

  /** A mapping's pairs by key, looked up once: a file may have thousands of models. */
  #pairs(map: YAMLMap<Node, Node | null>): ReadonlyMap<string, Pair<Node, Node | null>> {
    const known = this.#index.get(map);
    if (known !== undefined) return known;
    const pairs = new Map(map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair] as const] : [])));
    this.#index.set(map, pairs);
    return pairs;
  }

  #resolve(node: Node): Node | undefined {
    return isAlias(node) ? this.#anchors.get(node) : node;
  }
}

function isEmpty(node: Node): boolean {
  const [start, end] = node.range ?? [0, 0];
  return isScalar(node) && start === end;
}
