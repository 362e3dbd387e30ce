import type { Argument, Binding, Block, Call, Expression, FunctionFacts, MemberAssignment } from '../project/summary.ts';
import type { SyntaxNode } from '../syntax.ts';

/** A block while its text is read. Offsets are given from the start of the file and kept from the start of the block. */
export class BlockBuilder {
  readonly kind: Block['kind'];
  readonly name: string;
  readonly start: number;
  /** Of the blocks that nodes of functions became, their places in `blocks`. */
  readonly lambdas = new Map<number, number>();
  /** Names of this block that are taken, also by inner scopes. */
  readonly taken = new Set<string>();
  readonly decorators: Expression[] = [];
  readonly results: Expression[] = [];
  function: FunctionFacts | undefined;
  bases: Expression[] | undefined;
  readonly #bindings: Binding[] = [];
  readonly #members: MemberAssignment[] = [];
  readonly #calls: Call[] = [];
  readonly #blocks: { readonly start: number; readonly block: Block }[] = [];
  readonly #outer: Block['outer'][number][] = [];
  readonly #stars: Block['stars'][number][] = [];
  readonly #changed: string[] = [];

  constructor(kind: Block['kind'], name: string, start: number) {
    this.kind = kind;
    this.name = name;
    this.start = start;
  }

  bind(at: number, binding: BindingFacts): void {
    this.#bindings.push({ ...binding, at: at - this.start });
  }

  /** Says that a name which this block assigns belongs to a block around it. */
  assignOuter(name: string, scope: 'global' | 'nonlocal'): void {
    if (!this.#outer.some((known) => known.name === name)) this.#outer.push({ name, scope });
  }

  member(at: number, member: Omit<MemberAssignment, 'at'>): void {
    this.#members.push({ ...member, at: at - this.start });
  }

  call({ at, start, end, args, ...call }: Call): void {
    this.#calls.push({ ...call, at: at - this.start, start: start - this.start, end: end - this.start, args: args.map((each) => this.#moved(each)) });
  }

  #moved(argument: Argument): Argument {
    const { start, end } = argument;
    return start === undefined || end === undefined ? argument : { ...argument, start: start - this.start, end: end - this.start };
  }

  star(module: string, at: number): void {
    this.#stars.push({ module, at: at - this.start });
  }

  change(name: string): void {
    this.#changed.push(name);
  }

  /** Adds a finished block and gives its place. */
  add(builder: BlockBuilder): number {
    this.#blocks.push({ start: builder.start - this.start, block: builder.build() });
    return this.#blocks.length - 1;
  }

  build(): Block {
    return {
      kind: this.kind,
      name: this.name,
      bindings: this.#bindings,
      members: this.#members,
      calls: this.#calls,
      blocks: this.#blocks,
      outer: this.#outer,
      stars: this.#stars,
      changed: this.#changed,
      head: [],
      decorators: this.decorators,
      ...(this.function === undefined ? {} : { function: { ...this.function, results: this.results } }),
      ...(this.bases === undefined ? {} : { bases: this.bases }),
    };
  }
}

/** A binding without its place. */
export type BindingFacts = Binding extends infer Each ? Each extends Binding ? Omit<Each, 'at'> : never : never;

/**
 * The names of one pair of braces. Summaries know the scopes of functions only; a name of an inner scope that also
 * means something else in the file is given another name there, so that the two are never taken for one another.
 */
export class Scope {
  readonly builder: BlockBuilder;
  readonly parent: Scope | undefined;
  readonly #names = new Map<string, string>();

  constructor(builder: BlockBuilder, parent: Scope | undefined) {
    this.builder = builder;
    this.parent = parent;
  }

  /** Makes a name known here and gives the one to keep it under. */
  declare(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const inner = this.parent?.builder === this.builder;
    const kept = inner && (this.find(name) !== undefined || this.builder.taken.has(name)) ? `${name}·${this.builder.taken.size}` : name;
    this.#names.set(name, kept);
    this.builder.taken.add(kept);
    return kept;
  }

  /** The name under which a name is kept, and the block that binds it; undefined when nothing in the file binds it. */
  find(name: string): { readonly name: string; readonly builder: BlockBuilder } | undefined {
    const kept = this.#names.get(name);
    return kept === undefined ? this.parent?.find(name) : { name: kept, builder: this.builder };
  }

  /** The scope of the function, class or module around. */
  get outermost(): Scope {
    return this.parent?.builder === this.builder ? this.parent.outermost : this;
  }
}

/** Where a statement or expression stands. `direct`: under no condition and in no loop of its block. */
export interface Place {
  readonly scope: Scope;
  readonly direct: boolean;
  readonly depth: number;
}

/** What of a function's head and body its block is made of. */
export interface FunctionParts {
  readonly node: SyntaxNode;
  readonly name: string;
  /** A method or an arrow function that is a field: called on an object. */
  readonly method: boolean;
  readonly property: boolean;
}
