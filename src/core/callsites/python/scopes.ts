import { identifierAt, nearest, type Source, type SyntaxNode } from '../syntax.ts';
import type { Fact, FactData } from './facts.ts';
import { IMPORT } from './facts.ts';
import type { FactStore } from './factStore.ts';

export interface Scope {
  readonly kind: 'module' | 'class' | 'function' | 'lambda' | 'comprehension';
  /** The module, definition, lambda or comprehension; its id names the scope. */
  readonly node: SyntaxNode;
}

/** Scopes around a place, innermost first; the last is the module. */
export type Scopes = readonly Scope[];

export type Binding = Fact<Exclude<FactData, { kind: 'call' | 'member' | 'base' | 'importStatement' | 'outer' }>>;
export type Member = Fact<Extract<FactData, { kind: 'member' }>>;

export const FUNCTIONS: ReadonlySet<string> = new Set(['function_definition', 'lambda']);
const COMPREHENSIONS = new Set(['list_comprehension', 'set_comprehension', 'dictionary_comprehension', 'generator_expression']);

interface WordBindings {
  readonly byScope: ReadonlyMap<number, readonly Binding[]>;
  /** Scopes in which the word is `global` or `nonlocal`, with the scope that is meant. */
  readonly elsewhere: ReadonlyMap<number, number>;
}

/**
 * Names of one version of a text by Python's rules: function scopes see the scopes around them but not the classes among
 * them, `global` and `nonlocal` bind elsewhere, a parameter belongs to its function, `:=` reaches out of comprehensions.
 * https://docs.python.org/3/reference/executionmodel.html#resolution-of-names
 */
export class NameTable {
  readonly source: Source;
  readonly #store: FactStore;
  readonly #words = new Map<string, WordBindings>();
  readonly #nodes = new Map<Fact, SyntaxNode>();
  /** The scopes around the nodes that were passed on the way up, by their ids. */
  readonly #scopes = new Map<number, Scopes>();

  constructor(source: Source, store: FactStore) {
    this.source = source;
    this.#store = store;
  }

  facts(word: string): readonly Fact[] {
    return this.#store.facts(word);
  }

  /** The scopes around the identifier that a fact is about. */
  scopesOf(word: string, fact: Fact): Scopes {
    return this.#scopesAround(this.nodeOf(word, fact));
  }

  /** The identifier that a fact is about. */
  nodeOf(word: string, fact: Fact): SyntaxNode {
    return remembered(this.#nodes, fact, () => identifierAt(this.source, fact.at, word.length) ?? this.source.root);
  }

  /** What a name can be bound to where it is used; empty when nothing in the file binds it. */
  lookup(name: string, scopes: Scopes): readonly Binding[] {
    const { byScope, elsewhere } = this.#bindings(name);
    for (const [index, scope] of scopes.entries()) {
      if (scope.kind === 'class' && index > 0) continue;
      const found = byScope.get(elsewhere.get(scope.node.id) ?? scope.node.id);
      if (found) return found;
    }
    return [];
  }

  /** What a class body binds a name to. */
  inClass(name: string, definition: SyntaxNode): readonly Binding[] {
    return this.#bindings(name).byScope.get(definition.id) ?? [];
  }

  /** Assignments to `object.name` anywhere in the file. */
  members(name: string): readonly Member[] {
    return this.facts(name).filter((fact): fact is Member => fact.data.kind === 'member');
  }

  /** Names that occur in import statements, and the modules of `from module import *` with their places. */
  imports(): { readonly names: readonly string[]; readonly wildcards: readonly { readonly module: string; readonly at: number }[] } {
    const statements = this.facts(IMPORT).flatMap(({ at, data }) => data.kind === 'importStatement' ? [{ at, data }] : []);
    return {
      names: statements.flatMap(({ data }) => data.names),
      wildcards: statements.flatMap(({ at, data }) => data.wildcard === undefined ? [] : [{ module: data.wildcard, at }]),
    };
  }

  #bindings(word: string): WordBindings {
    const known = this.#words.get(word);
    if (known) return known;
    const placed = this.facts(word).flatMap((fact) => isOfScope(fact) ? [{ fact, scopes: this.#homesOf(word, fact) }] : []);
    const elsewhere = new Map<number, number>();
    for (const { fact, scopes } of placed) {
      const [home] = scopes;
      if (fact.data.kind === 'outer' && home) elsewhere.set(home.node.id, meant(fact.data.scope, scopes, placed));
    }
    const byScope = new Map<number, Binding[]>();
    for (const { fact, scopes: [home] } of placed) {
      if (!home || !isBinding(fact)) continue;
      const id = elsewhere.get(home.node.id) ?? home.node.id;
      byScope.set(id, [...byScope.get(id) ?? [], fact]);
    }
    const bindings = { byScope, elsewhere };
    this.#words.set(word, bindings);
    return bindings;
  }

  /** The scope that a fact binds its word in, with those around it. */
  #homesOf(word: string, fact: Fact): Scopes {
    const owner = fact.data.kind === 'parameter' ? nearest(this.nodeOf(word, fact), FUNCTIONS) : undefined;
    if (owner) return [{ kind: owner.type === 'lambda' ? 'lambda' : 'function', node: owner }, ...this.#scopesAround(owner)];
    const scopes = this.scopesOf(word, fact);
    if (fact.data.kind === 'bound' && fact.data.walrus) return scopes.slice(scopes.findIndex(({ kind }) => kind !== 'comprehension'));
    return scopes;
  }

  /** Goes up to the first node that was passed before, then down again. */
  #scopesAround(node: SyntaxNode): Scopes {
    const steps: { readonly parent: SyntaxNode; readonly child: SyntaxNode }[] = [];
    let scopes = this.#scopes.get(node.id);
    let child = node;
    while (!scopes) {
      const { parent } = child;
      if (!parent) break;
      steps.push({ parent, child });
      child = parent;
      scopes = this.#scopes.get(parent.id);
    }
    scopes ??= [{ kind: 'module', node: child }];
    this.#scopes.set(child.id, scopes);
    for (const step of steps.reverse()) {
      const kind = scopeKind(step.parent, step.child);
      if (kind) scopes = [{ kind, node: step.parent }, ...scopes];
      this.#scopes.set(step.child.id, scopes);
    }
    return scopes;
  }
}

/** A value that is worked out once in the life of a map. */
export function remembered<Key, Value>(known: Map<Key, Value>, key: Key, work: () => Value): Value {
  const old = known.get(key);
  if (old !== undefined) return old;
  const value = work();
  known.set(key, value);
  return value;
}

function isOfScope(fact: Fact): boolean {
  return isBinding(fact) || fact.data.kind === 'outer';
}

function isBinding(fact: Fact): fact is Binding {
  const { kind } = fact.data;
  return kind !== 'call' && kind !== 'member' && kind !== 'base' && kind !== 'importStatement' && kind !== 'outer';
}

/** The scope that `global` or `nonlocal` means: the module, or the nearest function around that binds the word. */
function meant(statement: 'global' | 'nonlocal', scopes: Scopes, placed: readonly { readonly fact: Fact; readonly scopes: Scopes }[]): number {
  const module = scopes.at(-1)?.node.id ?? 0;
  if (statement === 'global') return module;
  const binds = (scope: Scope): boolean => placed.some(({ fact, scopes: [home] }) => isBinding(fact) && home?.node.id === scope.node.id);
  return scopes.slice(1).find((scope) => scope.kind === 'function' && binds(scope))?.node.id ?? module;
}

/**
 * The scope that lies between a node and its child. Decorators, defaults, annotations and bases stand in a definition's
 * node but outside its scope, which is its body.
 */
function scopeKind(node: SyntaxNode, child: SyntaxNode): Scope['kind'] | undefined {
  const { type } = node;
  switch (type) {
    case 'function_definition': return child.type === 'block' ? 'function' : undefined;
    case 'class_definition': return child.type === 'block' ? 'class' : undefined;
    case 'lambda': return child.type === 'lambda_parameters' ? undefined : 'lambda';
    default: return COMPREHENSIONS.has(type) ? 'comprehension' : undefined;
  }
}
