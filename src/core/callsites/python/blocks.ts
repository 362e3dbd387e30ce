import type { Binding, Block, Call, Expression, FunctionFacts, MemberAssignment } from '../project/summary.ts';

/**
 * Where a value goes: `answer` into what the function returns, `condition` into an `if` that decides whether it returns `True` or `False`, a
 * name into a local variable.
 */
export type Role = 'answer' | 'condition' | { readonly variable: string } | undefined;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A return statement's expression, and the names it passes on (`return bool(enabled) and other`). */
interface Result {
  readonly value: Expression;
  readonly names: readonly string[];
  readonly isBoolean: boolean;
}

/** Collects what one block holds. */
export class BlockBuilder {
  readonly kind: Block['kind'];
  readonly name: string;
  /** Offset in the text from which all places in the block count. */
  readonly start: number;
  readonly parent: BlockBuilder | undefined;
  readonly #bindings: Binding[] = [];
  readonly #members: MemberAssignment[] = [];
  readonly #calls: { readonly call: Omit<Call, 'answers'>; readonly role: Role }[] = [];
  readonly #blocks: { readonly start: number; readonly block: Block }[] = [];
  readonly #outer: { readonly name: string; readonly scope: 'global' | 'nonlocal' }[] = [];
  readonly #stars: { readonly module: string; readonly at: number }[] = [];
  readonly #changed = new Set<string>();
  readonly #results: Result[] = [];
  readonly #deciding = new Set<string>();

  constructor(kind: Block['kind'], name: string, start: number, parent: BlockBuilder | undefined) {
    this.kind = kind;
    this.name = name;
    this.start = start;
    this.parent = parent;
  }

  /** `:=` reaches out of comprehensions. */
  get home(): BlockBuilder {
    return this.kind === 'comprehension' && this.parent ? this.parent.home : this;
  }

  bind(binding: Binding): void {
    this.#bindings.push(binding);
  }

  member(member: MemberAssignment): void {
    this.#members.push(member);
  }

  call(call: Omit<Call, 'answers'>, role: Role): void {
    this.#calls.push({ call, role });
  }

  /** Keeps a place for a block that is not read yet; `fill` puts it there. */
  reserve(start: number): number {
    return this.#blocks.push({ start, block: NOTHING }) - 1;
  }

  fill(place: number, block: Block): void {
    this.#blocks[place] = { start: this.#blocks[place]?.start ?? 0, block };
  }

  bindOuter(name: string, scope: 'global' | 'nonlocal'): void {
    this.#outer.push({ name, scope });
  }

  star(module: string, at: number): void {
    this.#stars.push({ module, at });
  }

  change(name: string): void {
    this.#changed.add(name);
  }

  /** A condition, by its text, of a branch that returns `True` or `False`. */
  decide(condition: string): void {
    for (const [name] of condition.matchAll(/[\p{ID_Start}_][\p{ID_Continue}]*/gu)) this.#deciding.add(name);
  }

  result(value: Expression, text: string): void {
    this.#results.push({ value, names: passedOn(text), isBoolean: /^(?:True|False|None|)$/.test(text) });
  }

  build(head: Pick<Block, 'head' | 'decorators'>, facts?: FunctionFacts, bases?: readonly Expression[]): Block {
    const decides = this.#results.length > 0 && this.#results.every(({ isBoolean }) => isBoolean);
    const names = new Set(this.#results.flatMap((result) => result.names));
    const answers = (role: Role): boolean => role === 'answer' || (role === 'condition' && decides)
      || (typeof role === 'object' && (names.has(role.variable) || (decides && this.#deciding.has(role.variable))));
    const block: Writable<Block> = {
      kind: this.kind,
      name: this.name,
      bindings: this.#bindings,
      members: this.#members,
      calls: this.#calls.map(({ call, role }) => ({ ...call, answers: answers(role) })),
      blocks: this.#blocks,
      outer: this.#outer,
      stars: this.#stars,
      changed: [...this.#changed],
      head: head.head,
      decorators: head.decorators,
    };
    if (facts) block.function = { ...facts, results: this.#results.slice(0, MAX_RESULTS).map(({ value }) => value) };
    if (bases) block.bases = bases;
    return block;
  }
}

const MAX_RESULTS = 8;

const NOTHING: Block = { kind: 'comprehension', name: '', bindings: [], members: [], calls: [], blocks: [], outer: [], stars: [], changed: [], head: [], decorators: [] };

/** The names whose value an expression gives on as it is or negated, by its text. */
function passedOn(text: string): readonly string[] {
  const names = new Set<string>();
  const first = /^(?:not\s+|await\s+|bool\(|\()*([\p{ID_Start}_][\p{ID_Continue}]*)(?!\s*\(|[\p{ID_Continue}])/u.exec(text)?.[1];
  if (first !== undefined) names.add(first);
  for (const match of text.matchAll(/\b(?:and|or)\s+(?:not\s+)?([\p{ID_Start}_][\p{ID_Continue}]*)(?!\s*\(|[\p{ID_Continue}])/gu)) names.add(match[1] ?? '');
  return [...names];
}
