/** One file of the program, and its blocks where they stand. */
import type { LanguageRules } from './language.ts';
import type { Binding, Block, Call, Expression, FileSummary, MemberAssignment } from './summary.ts';

/** A binding and the block in which it is written. There is one object per binding, so it can be a key. */
export interface BoundName {
  readonly binding: Binding;
  readonly home: BlockRef;
}

export interface MemberRef {
  readonly member: MemberAssignment;
  readonly block: BlockRef;
}

/** A call with the block in which its expressions are looked up; `offset` is what its places count from. */
export interface CallRef {
  readonly call: Call;
  readonly block: BlockRef;
  readonly offset: number;
}

/** A block of one file where it stands: the same `Block` may stand in several places. */
export class BlockRef {
  readonly module: ModuleRef;
  readonly block: Block;
  readonly parent: BlockRef | undefined;
  /** Where the block starts in its file. */
  readonly start: number;
  readonly children: BlockRef[] = [];
  /** The class whose body, or whose method's body, is around. */
  readonly classAround: BlockRef | undefined;
  /** The method of that class in which the block is. */
  readonly method: BlockRef | undefined;
  /** Bindings that blocks below make here by `global` or `nonlocal`. */
  readonly #fromBelow: BoundName[] = [];
  readonly #elsewhere = new Map<string, BlockRef>();
  #names: Map<string, BoundName[]> | undefined;

  constructor(module: ModuleRef, block: Block, parent: BlockRef | undefined, start: number) {
    this.module = module;
    this.block = block;
    this.parent = parent;
    this.start = start;
    this.classAround = block.kind === 'class' ? this : parent?.classAround;
    this.method = block.kind === 'class' ? undefined : block.kind === 'function' && parent?.kind === 'class' ? this : parent?.method;
    module.blocks.push(this);
    for (const nested of block.blocks) this.children.push(new BlockRef(module, nested.block, this, start + nested.start));
    if (parent === undefined) this.#settleOuterNames();
  }

  get kind(): Block['kind'] {
    return this.block.kind;
  }

  /** What the block binds a name to. */
  own(name: string): readonly BoundName[] {
    const elsewhere = this.#elsewhere.get(name);
    if (elsewhere) return elsewhere.own(name);
    return (this.#names ??= this.#readNames()).get(name) ?? [];
  }

  /** What a name can be bound to where it is used; empty when nothing in the file binds it. Functions do not see the classes around them. */
  lookup(name: string): readonly BoundName[] {
    const own = this.own(name);
    if (own.length > 0) return own;
    for (let scope = this.parent; scope; scope = scope.parent) {
      if (scope.kind === 'class') continue;
      const found = scope.own(name);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** The functions around, innermost first, this one included. */
  get functions(): readonly BlockRef[] {
    const outer = this.parent?.functions ?? [];
    return this.kind === 'function' || this.kind === 'lambda' ? [this, ...outer] : outer;
  }

  #readNames(): Map<string, BoundName[]> {
    const names = new Map<string, BoundName[]>();
    const add = (bound: BoundName): void => {
      const known = names.get(bound.binding.name);
      if (known) known.push(bound);
      else names.set(bound.binding.name, [bound]);
    };
    for (const binding of this.block.bindings) if (!this.#elsewhere.has(binding.name)) add({ binding, home: this });
    this.#fromBelow.forEach(add);
    return names;
  }

  #settleOuterNames(): void {
    for (const ref of this.module.blocks) {
      for (const { name, scope } of ref.block.outer) {
        const target = scope === 'global' ? this : ref.#functionThatBinds(name) ?? this;
        if (target === ref) continue;
        ref.#elsewhere.set(name, target);
        for (const binding of ref.block.bindings) if (binding.name === name) target.#fromBelow.push({ binding, home: ref });
      }
    }
  }

  #functionThatBinds(name: string): BlockRef | undefined {
    for (let scope = this.parent; scope; scope = scope.parent) {
      if (scope.kind === 'function' && !scope.#elsewhere.has(name) && scope.block.bindings.some((binding) => binding.name === name)) return scope;
    }
    return undefined;
  }
}

/** One file of the program. */
export class ModuleRef {
  readonly path: string;
  readonly summary: FileSummary;
  readonly rules: LanguageRules;
  readonly root: BlockRef;
  /** All blocks of the file. */
  readonly blocks: BlockRef[] = [];
  #calls: ReadonlyMap<string, readonly CallRef[]> | undefined;
  #members: ReadonlyMap<string, readonly MemberRef[]> | undefined;
  #importWords: boolean | undefined;
  #changed: ReadonlySet<string> | undefined;

  constructor(path: string, summary: FileSummary, rules: LanguageRules) {
    this.path = path;
    this.summary = summary;
    this.rules = rules;
    this.root = new BlockRef(this, summary.module, undefined, 0);
  }

  /** What others see under a name. */
  exported(name: string): readonly BoundName[] {
    const { exports } = this.summary;
    const local = exports === undefined ? name : exports.find((each) => each.name === name)?.local;
    return local === undefined ? [] : this.root.own(local);
  }

  /** The calls of the file by the name that is called. */
  get calls(): ReadonlyMap<string, readonly CallRef[]> {
    return this.#calls ??= grouped(this.#allCalls(), ({ call }) => call.name);
  }

  /** Assignments to `object.name` anywhere in the file. */
  members(name: string): readonly MemberRef[] {
    this.#members ??= grouped(this.blocks.flatMap((block) => block.block.members.map((member) => ({ member, block }))), ({ member }) => member.name);
    return this.#members.get(name) ?? [];
  }

  /** Whether an import of the file speaks for feature flags. */
  get importsFlags(): boolean {
    return this.#importWords ??= this.blocks.some(({ block }) => block.stars.some(({ module }) => this.#speaks(module))
      || block.bindings.some((binding) => binding.kind === 'import' && (this.#speaks(binding.module) || this.#speaks(binding.imported ?? '') || this.#speaks(binding.name))));
  }

  /** Whether the file changes items of an object that is called so. */
  changes(name: string): boolean {
    this.#changed ??= new Set(this.blocks.flatMap(({ block }) => block.changed));
    return this.#changed.has(name);
  }

  #speaks(name: string): boolean {
    return name.split('.').some((part) => this.rules.mentionsFlags(part));
  }

  #allCalls(): readonly CallRef[] {
    const found: CallRef[] = [];
    for (const ref of this.blocks) {
      for (const call of ref.block.calls) found.push({ call, block: ref, offset: ref.start });
      if (ref.parent) for (const call of ref.block.head) found.push({ call, block: ref.parent, offset: ref.start });
    }
    return found;
  }
}

function grouped<Value>(values: readonly Value[], nameOf: (value: Value) => string): ReadonlyMap<string, readonly Value[]> {
  const groups = new Map<string, Value[]>();
  for (const value of values) {
    const name = nameOf(value);
    const group = groups.get(name);
    if (group) group.push(value);
    else groups.set(name, [value]);
  }
  return groups;
}

/** The last name of a dotted expression: `client` of `self.client`, `partial` of `functools.partial(...)`. */
export function lastName(expression: Expression): string | undefined {
  switch (expression.kind) {
    case 'name': case 'attribute': return expression.name;
    case 'call': return lastName(expression.callee);
    default: return undefined;
  }
}
