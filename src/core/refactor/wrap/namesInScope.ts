/** What the code around a place can use: Unleash clients, contexts, candidates. */
import { ClassTable, isOwnInstance } from '../../callsites/python/classes.ts';
import { isClassName, nameHint } from '../../callsites/python/clientNames.ts';
import { readExpression, written, type Expression } from '../../callsites/python/expressions.ts';
import { FactStore } from '../../callsites/python/factStore.ts';
import { Receivers } from '../../callsites/python/receivers.ts';
import { NameTable, type Binding, type Scopes } from '../../callsites/python/scopes.ts';
import { childrenOf, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { descendants } from '../python/names.ts';

/** A call of `is_enabled` that the file has already. */
interface KnownCall {
  readonly node: SyntaxNode;
  readonly receiver: string;
  readonly context: SyntaxNode | undefined;
  readonly fallback: SyntaxNode | undefined;
}

export class NamesInScope {
  readonly #source: Source;
  readonly #at: number;
  readonly #names: NameTable;
  readonly #classes: ClassTable;
  readonly #receivers: Receivers;
  readonly #scopes: Scopes;
  readonly #calls: readonly KnownCall[];

  /** `place` is an identifier in the code that asks. */
  constructor(source: Source, place: SyntaxNode) {
    const store = new FactStore();
    store.begin(source);
    this.#source = source;
    this.#at = place.startIndex;
    this.#names = new NameTable(source, store);
    this.#classes = new ClassTable(this.#names);
    this.#receivers = new Receivers(this.#names, this.#classes);
    this.#scopes = this.#names.scopesOf(textOf(source, place), { at: place.startIndex, start: place.startIndex, end: place.endIndex, data: { kind: 'base' } });
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
    if (object !== 'self' && object !== 'cls') return new RegExp(`\\b${object.replaceAll('.', '\\.')}\\.${name}\\b`).test(this.#source.text);
    const owner = this.#classes.around(this.#scopes);
    return owner !== undefined && (this.#classes.membersOf(name, owner).length > 0 || this.#names.inClass(name, owner.definition).length > 0);
  }

  #visible(name: string): number | undefined {
    const bindings = this.#names.lookup(name, this.#scopes);
    const [first] = bindings;
    if (!first) return undefined;
    const depth = this.#depthOf(name, first);
    return depth > 0 || bindings.some(({ at, data }) => at < this.#at && !(data.kind === 'assign' && data.value === undefined)) ? depth : undefined;
  }

  /** How many scopes out a binding is; one of the module counts as outside of every function. */
  #depthOf(name: string, binding: Binding): number {
    const home = this.#names.scopesOf(name, binding)[0]?.node.id;
    const index = this.#scopes.findIndex(({ node }) => node.id === home);
    return binding.data.kind === 'parameter' ? 0 : index === -1 ? 0 : index;
  }

  #depth(expression: Expression | undefined): number | undefined {
    if (!expression || !this.#receivers.isClient(expression, this.#scopes)) return undefined;
    if (expression.kind === 'name') return isClassName(expression.name) ? undefined : this.#visible(expression.name);
    if (expression.kind !== 'attribute') return expression.kind === 'call' && expression.callee.kind === 'name' ? this.#visible(expression.callee.name) : undefined;
    if (isOwnInstance(expression.object)) return this.hasAttribute('self', expression.name) && this.#visible('self') !== undefined ? 0.5 : undefined;
    return expression.object.kind === 'name' ? this.#visible(expression.object.name) : undefined;
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
      return depth === undefined || this.#names.lookup(word, this.#scopes).some(({ data }) => data.kind === 'function' || data.kind === 'class' || data.kind === 'import') ? [] : [{ word, depth }];
    });
    return found.toSorted((a, b) => a.depth - b.depth).map(({ word }) => word);
  }
}

function expressionOf(text: string): Expression | undefined {
  const isCall = text.endsWith('()');
  const parts = (isCall ? text.slice(0, -2) : text).split('.');
  if (!parts.every((part) => /^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(part))) return undefined;
  const path = parts.slice(1).reduce<Expression>((object, name) => ({ kind: 'attribute', object, name }), { kind: 'name', name: parts[0] ?? '' });
  return isCall ? { kind: 'call', callee: path } : path;
}

function knownCalls(source: Source): readonly KnownCall[] {
  if (!source.text.includes('is_enabled')) return [];
  return [...descendants(source.root)].flatMap((node) => {
    const callee = node.type === 'call' ? node.childForFieldName('function') : null;
    const list = node.childForFieldName('arguments');
    if (callee?.type !== 'attribute' || list?.type !== 'argument_list' || !textOf(source, callee).endsWith('.is_enabled')) return [];
    const object = callee.childForFieldName('object');
    const receiver = object ? written(readExpression(source, object)) : undefined;
    if (receiver === undefined) return [];
    const args = childrenOf(list);
    const keyword = (name: string): SyntaxNode | undefined => args.find((argument) => argument.type === 'keyword_argument' && textOf(source, argument).startsWith(`${name}=`));
    const second = args[1]?.type === 'keyword_argument' ? undefined : args[1];
    return [{ node, receiver, context: keyword('context')?.childForFieldName('value') ?? second, fallback: keyword('fallback_function') }];
  });
}
