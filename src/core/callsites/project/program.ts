import type { FolderFiles, LanguageRules, ModuleResolver, ModuleTarget } from './language.ts';
import { WHOLE_EXPORT, type Binding, type Block, type Call, type Expression, type FileSummary, type MemberAssignment } from './summary.ts';

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

/** Names under which a module's bindings go on: `from a import b as c` and `c = b` lead from `b` to `c`. */
function aliasesOf(module: ModuleRef): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  const add = (from: string | undefined, to: string): void => {
    if (from !== undefined && from !== to) found.push([from, to]);
  };
  const aliased = (value: Expression | undefined, to: string): void => {
    if (value?.kind === 'name' || value?.kind === 'attribute') add(value.name, to);
    if (value?.kind === 'call') for (const argument of (value.args ?? []).slice(0, 1)) if (argument.value.kind === 'name' || argument.value.kind === 'attribute') add(argument.value.name, to);
    if (value?.kind === 'lambda') add('', to);
    if (value?.kind === 'record') for (const entry of value.entries) if (entry.key.kind === 'text') aliased(entry.value, entry.key.value);
    if (value?.kind === 'choice') for (const option of value.options) aliased(option, to);
  };
  for (const { block } of module.blocks) {
    for (const binding of block.bindings) {
      if (binding.kind === 'import') add(binding.imported ?? WHOLE_EXPORT, binding.name);
      if (binding.kind === 'assign' || binding.kind === 'bound') aliased(binding.value, binding.name);
    }
    for (const member of block.members) aliased(member.value, member.name);
  }
  for (const { name, local } of module.summary.exports ?? []) add(local, name);
  return found;
}

/** A multiset of pairs, so that files can be taken out again. */
class Pairs<Value> {
  readonly #values = new Map<string, Map<Value, number>>();

  add(key: string, value: Value, count: number): void {
    let values = this.#values.get(key);
    if (!values) this.#values.set(key, values = new Map<Value, number>());
    const left = (values.get(value) ?? 0) + count;
    if (left > 0) values.set(value, left);
    else values.delete(value);
    if (values.size === 0) this.#values.delete(key);
  }

  of(key: string): Iterable<Value> {
    return this.#values.get(key)?.keys() ?? [];
  }
}

/** The files that are linked, with what leads from one to others by name. */
export class Program {
  readonly #modules = new Map<string, ModuleRef>();
  readonly #callers = new Pairs<ModuleRef>();
  readonly #aliases = new Pairs<string>();
  readonly #heirs = new Pairs<BlockRef>();
  readonly #resolvers = new Map<LanguageRules, ModuleResolver>();
  #providers = 0;
  #files: FolderFiles;

  constructor(files: FolderFiles) {
    this.#files = files;
  }

  setFiles(files: FolderFiles): void {
    this.#files = files;
    this.#resolvers.clear();
  }

  set(module: ModuleRef): void {
    this.delete(module.path);
    this.#modules.set(module.path, module);
    this.#count(module, 1);
  }

  delete(path: string): void {
    const old = this.#modules.get(path);
    if (!old) return;
    this.#modules.delete(path);
    this.#count(old, -1);
  }

  get(path: string): ModuleRef | undefined {
    return this.#modules.get(path);
  }

  get modules(): Iterable<ModuleRef> {
    return this.#modules.values();
  }

  get usesUnleashProvider(): boolean {
    return this.#providers > 0;
  }

  callers(name: string): Iterable<ModuleRef> {
    return this.#callers.of(name);
  }

  /** A name and all names under which it may go on, anywhere. */
  aliases(name: string): ReadonlySet<string> {
    const found = new Set([name]);
    for (const each of found) for (const alias of this.#aliases.of(each)) found.add(alias);
    return found;
  }

  /** Classes whose list of bases names a class so; whether that is the one meant is for the caller to find out. */
  heirs(name: string): Iterable<BlockRef> {
    return this.#heirs.of(name);
  }

  resolver(module: ModuleRef): ModuleResolver {
    const known = this.#resolvers.get(module.rules);
    if (known) return known;
    const resolver = module.rules.modules(this.#files);
    this.#resolvers.set(module.rules, resolver);
    return resolver;
  }

  target(from: ModuleRef, module: string): ModuleTarget {
    return this.resolver(from).resolve(from.path, module);
  }

  #count(module: ModuleRef, count: 1 | -1): void {
    for (const name of module.calls.keys()) this.#callers.add(name, module, count);
    for (const [from, to] of aliasesOf(module)) this.#aliases.add(from, to, count);
    for (const ref of module.blocks) {
      for (const base of ref.block.bases ?? []) this.#heirs.add(lastName(base) ?? '', ref, count);
      for (const binding of ref.block.bindings) {
        if (binding.kind === 'import' && module.rules.isUnleashProvider(binding.module, binding.imported)) this.#providers += count;
      }
    }
  }
}
