import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, Pair, YAMLError, YAMLMap } from 'yaml';

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

export type ProblemCode = 'syntax' | 'size' | 'type' | 'missing' | 'unknownKey' | 'duplicate' | 'url' | 'secret' | 'incomplete' | 'unknownFlag' | 'archivedFlag' | 'unknownEnvironment' | 'unknownProject' | 'unknownContextField';

/** What is wrong in a file, where, and the mend. The message quotes names of the file, never a secret. */
export interface Problem {
  readonly code: ProblemCode;
  readonly severity: 'error' | 'warning' | 'information';
  readonly message: string;
  readonly range: SourceRange;
}

export type SourcePath = readonly (string | number)[];

/** Aliases of aliases grow exponentially; nobody needs more than this many. */
export const MOST_ALIASES = 100;
export const ALIASES_MEND = `The file has more than ${MOST_ALIASES} aliases (*name), counted as they multiply: write the values out.`;
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

/** A parsed YAML text that can say where each of its parts stands. */
export class Source {
  readonly document: Document.Parsed;
  readonly problems: readonly Problem[];
  readonly #counter: LineCounter;
  readonly #length: number;
  readonly #index = new WeakMap<YAMLMap<Node, Node | null>, ReadonlyMap<string, Pair<Node, Node | null>>>();

  constructor(text: string) {
    this.#counter = new LineCounter();
    this.#length = text.length;
    this.document = parseDocument(text, { lineCounter: this.#counter, prettyErrors: false, stringKeys: true, uniqueKeys: false, merge: true, logLevel: 'error' });
    const problems = (errors: readonly YAMLError[], severity: Problem['severity']): Problem[] => errors.map((error) => ({
      code: 'syntax',
      severity,
      message: MENDS[error.code] ?? `Not valid YAML: ${error.message}. Check indentation, colons, quotes and brackets here.`,
      range: this.range(error.pos[0], error.pos[1]),
    }));
    this.problems = [...problems(this.document.errors, 'error'), ...problems(this.document.warnings, 'warning'), ...this.#contentProblems()];
  }

  range(start: number, end: number): SourceRange {
    const from = Math.min(Math.max(start, 0), this.#length);
    const to = Math.min(Math.max(end, from), this.#length);
    return { start: place(this.#counter, from), end: place(this.#counter, to) };
  }

  rangeOf(node: Node): SourceRange {
    const [start, end] = node.range ?? [0, 0];
    return this.range(start, end);
  }

  /** What the parser lets pass (aliases without an anchor) or would take quadratic time to find (keys that stand twice). */
  #contentProblems(): Problem[] {
    const problems: Problem[] = [];
    let aliases = 0;
    visit(this.document, {
      Alias: (_, alias) => {
        aliases += 1;
        if (aliases === MOST_ALIASES + 1) problems.push({ code: 'size', severity: 'error', message: ALIASES_MEND, range: this.rangeOf(alias) });
        // Each look for an anchor walks through the whole document.
        if (aliases > MOST_ALIASES) return;
        if (alias.resolve(this.document) === undefined) problems.push({ code: 'syntax', severity: 'error', message: ALIAS_MEND, range: this.rangeOf(alias) });
      },
      Map: (_, map) => {
        const seen = new Set<string>();
        for (const { key } of map.items) {
          if (!isScalar(key) || key.value === '<<') continue;
          const name = String(key.value);
          if (seen.has(name)) problems.push({ code: 'duplicate', severity: 'error', message: `The key "${name}" stands twice in the same mapping: keep one of them.`, range: this.rangeOf(key) });
          seen.add(name);
        }
      },
    });
    return problems;
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
    return isAlias(node) ? node.resolve(this.document) : node;
  }
}

function isEmpty(node: Node): boolean {
  const [start, end] = node.range ?? [0, 0];
  return isScalar(node) && start === end;
}
