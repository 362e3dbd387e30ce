/** What the code around a place can use: Unleash clients, contexts, candidates. */
import { isClassName, nameHint } from '../../callsites/clientNames.ts';
import { Origins } from '../../callsites/project/origins.ts';
import { ModuleRef, type BlockRef, type BoundName } from '../../callsites/project/blocks.ts';
import { Program } from '../../callsites/project/program.ts';
import { Resolver } from '../../callsites/project/resolver.ts';
import type { Expression } from '../../callsites/project/summary.ts';
import { written } from '../../callsites/project/texts.ts';
import { placeIn } from '../../callsites/project/things.ts';
import { pythonSummarizer } from '../../callsites/python/detector.ts';
import { ExpressionReader } from '../../callsites/python/expressions.ts';
import { childrenOf, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { descendants } from '../python/names.ts';

/** A call of `is_enabled` that the file has already. */
interface KnownCall {
  readonly node: SyntaxNode;
  readonly receiver: string;
  readonly context: SyntaxNode | undefined;
  readonly fallback: SyntaxNode | undefined;
}

/** Nodes that are blocks of their own in a summary. */
const BLOCKS: Readonly<Record<string, BlockRef['kind']>> = { function_definition: 'function', class_definition: 'class', lambda: 'lambda' };
const OBJECTS = new Set(['self', 'cls']);

export class NamesInScope {
  readonly #source: Source;
  readonly #at: number;
  readonly #block: BlockRef;
  readonly #resolver: Resolver;
  readonly #origins: Origins;
  readonly #calls: readonly KnownCall[];

  /** `place` is an identifier in the code that asks. */
  constructor(source: Source, place: SyntaxNode) {
    const program = new Program({ paths: new Set(), roots: new Set() });
    const module = new ModuleRef('', pythonSummarizer.open().summary(source), pythonSummarizer.rules);
    program.set(module);
    this.#source = source;
    this.#at = place.startIndex;
    this.#block = blockAround(module, place);
    this.#resolver = new Resolver(program);
    this.#origins = new Origins(this.#resolver, new Set());
    this.#calls = knownCalls(source);
  }

  /** The nearest client that can be named here: one that a call nearby uses, then by scope, from the inside out. */
  client(): string | undefined {
    const candidates = [...new Set([...this.#calls.map(({ receiver }) => receiver), ...this.#words()])];
    const usable = candidates.flatMap((text) => {
      const depth = this.#depth(expressionOf(text));
      return depth === undefined ? [] : [{ text, depth, distance: this.#distance(text) }];
    });
    return usable.toSorted((a, b) => a.depth - b.depth || a.distance - b.distance)[0]?.text;
  }

  /** The context that the nearest call passes, if it can be named here, else a variable that is called like one. */
  context(): string | undefined {
    for (const { context } of this.#nearestFirst()) {
      if (context?.type === 'identifier' && this.isVisible(textOf(this.#source, context))) return textOf(this.#source, context);
    }
    return this.#wordsLike(/^(?:context|ctx|\w+_(?:context|ctx))$/)[0];
  }

  /** A parameter that identifies who asks. */
  userId(): string | undefined {
    return this.#wordsLike(/^(?:user_?id|customer_?id|account_?id|client_id|subject_?id|uid)$/i)[0];
  }

  /** The fallback argument of the nearest call, as it is written. */
  fallback(): string | undefined {
    const found = this.#nearestFirst().find(({ fallback }) => fallback !== undefined)?.fallback;
    const value = found?.childForFieldName('value');
    return found && value && (value.type === 'lambda' || (value.type === 'identifier' && this.isVisible(textOf(this.#source, value)))) ? textOf(this.#source, found) : undefined;
  }

  /** Whether a name is bound here, by something above the place or in a scope around. */
  isVisible(name: string): boolean {
    return this.#visible(name) !== undefined;
  }

  /** Whether an object of this class is known to have the attribute. */
  hasAttribute(object: string, name: string): boolean {
    if (!OBJECTS.has(object)) return new RegExp(`\\b${object.replaceAll('.', '\\.')}\\.${name}\\b`).test(this.#source.text);
    const owner = this.#block.classAround;
    if (owner === undefined) return false;
    const family = this.#resolver.family(owner);
    return family.some((each) => each.own(name).length > 0) || this.#resolver.membersOf(family, name).length > 0;
  }

  /** How many scopes out a name is bound that can be used here; undefined when there is none. */
  #visible(name: string): number | undefined {
    const found = this.#block.lookup(name);
    const [first] = found;
    if (!first) return undefined;
    const depth = this.#depthOf(first);
    const isAbove = ({ binding, home }: BoundName): boolean => home.start + binding.at < this.#at && !(binding.kind === 'assign' && binding.value === undefined);
    return depth > 0 || found.some(isAbove) ? depth : undefined;
  }

  #depthOf({ binding, home }: BoundName): number {
    if (binding.kind === 'parameter') return 0;
    let depth = 0;
    for (let scope: BlockRef | undefined = this.#block; scope; scope = scope.parent, depth += 1) if (scope === home) return depth;
    return 0;
  }

  #depth(expression: Expression | undefined): number | undefined {
    if (!expression || !this.#isClient(expression)) return undefined;
    if (expression.kind === 'name') return isClassName(expression.name) ? undefined : this.#visible(expression.name);
    if (expression.kind !== 'attribute') return expression.kind === 'call' && expression.callee.kind === 'name' ? this.#visible(expression.callee.name) : undefined;
    const { object, name } = expression;
    if (object.kind === 'this') return this.hasAttribute('self', name) && this.#visible(object.name) !== undefined ? 0.5 : undefined;
    return object.kind === 'name' ? this.#visible(object.name) : undefined;
  }

  #isClient(expression: Expression): boolean {
    const question = pythonSummarizer.rules.questions.get('is_enabled');
    this.#resolver.begin();
    return question !== undefined && this.#origins.answers(expression, placeIn(this.#block), question);
  }

  #distance(text: string): number {
    const used = this.#nearestFirst().find(({ receiver }) => receiver === text);
    return used ? Math.abs(used.node.startIndex - this.#at) : this.#source.text.length;
  }

  #nearestFirst(): readonly KnownCall[] {
    return this.#calls.toSorted((a, b) => Math.abs(a.node.startIndex - this.#at) - Math.abs(b.node.startIndex - this.#at));
  }

  /** Words that may name a client: by their own words, or because the file says so where they are made. */
  #words(): readonly string[] {
    const { text } = this.#source;
    const made = [...text.matchAll(/(?:\b(self|cls)\.)?\b(\w+)[ \t]*(?::[^=\n]*)?(?:=|:=|:)[^\n]*Unleash/g)].map(([, object, name = '']) => (object === undefined ? name : `${object}.${name}`));
    const hinted = [...new Set(text.match(/\b[A-Za-z_]\w*\b/g) ?? [])].filter((word) => nameHint(word) !== 'no');
    return [...made, ...hinted, ...hinted.map((word) => `self.${word}`)];
  }

  /** Names of this kind that are bound here, the nearest first. */
  #wordsLike(pattern: RegExp): readonly string[] {
    const words = [...new Set(this.#source.text.match(/\b[A-Za-z_]\w*\b/g) ?? [])].filter((word) => pattern.test(word));
    const found = words.flatMap((word) => {
      const depth = this.#visible(word);
      return depth === undefined || this.#block.lookup(word).some(({ binding }) => binding.kind === 'block' || binding.kind === 'import') ? [] : [{ word, depth }];
    });
    return found.toSorted((a, b) => a.depth - b.depth).map(({ word }) => word);
  }
}

/** The innermost block around a node. */
function blockAround({ blocks, root }: ModuleRef, place: SyntaxNode): BlockRef {
  for (let node: SyntaxNode | null = place; node; node = node.parent) {
    const { startIndex, type } = node;
    const found = BLOCKS[type] && blocks.find(({ start, kind }) => start === startIndex && kind === BLOCKS[type]);
    if (found) return found;
  }
  return root;
}

function expressionOf(text: string): Expression | undefined {
  const isCall = text.endsWith('()');
  const [first = '', ...rest] = (isCall ? text.slice(0, -2) : text).split('.');
  if (![first, ...rest].every((part) => /^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(part))) return undefined;
  const start: Expression = { kind: OBJECTS.has(first) ? 'this' : 'name', name: first };
  const path = rest.reduce<Expression>((object, name) => ({ kind: 'attribute', object, name }), start);
  return isCall ? { kind: 'call', callee: path, args: [] } : path;
}

function knownCalls(source: Source): readonly KnownCall[] {
  if (!source.text.includes('is_enabled')) return [];
  const expressions = new ExpressionReader(source, () => undefined);
  return [...descendants(source.root)].flatMap((node) => {
    const callee = node.type === 'call' ? node.childForFieldName('function') : null;
    const list = node.childForFieldName('arguments');
    if (callee?.type !== 'attribute' || list?.type !== 'argument_list' || !textOf(source, callee).endsWith('.is_enabled')) return [];
    const object = callee.childForFieldName('object');
    const receiver = object ? written(expressions.read(object)) : undefined;
    if (receiver === undefined) return [];
    const args = childrenOf(list);
    const keyword = (name: string): SyntaxNode | undefined => args.find((argument) => argument.type === 'keyword_argument' && textOf(source, argument).startsWith(`${name}=`));
    const second = args[1]?.type === 'keyword_argument' ? undefined : args[1];
    return [{ node, receiver, context: keyword('context')?.childForFieldName('value') ?? second, fallback: keyword('fallback_function') }];
  });
}
