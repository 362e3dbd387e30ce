import { argumentFor, restParameter, skipped, spreadArguments, type FoundArgument, type Parameter } from './arguments.ts';
import type { ModuleTarget } from './language.ts';
import { FileMemo } from './memo.ts';
import { lastName, type BlockRef, type BoundName, type MemberRef, type ModuleRef } from './blocks.ts';
import type { Program } from './program.ts';
import { WHOLE_EXPORT, type Expression, type TypeNames } from './summary.ts';
import { placed, placeIn, type Frame, type Given, type Place, type PlacedArgument, type Thing } from './things.ts';

/** Chains of names, attributes and calls longer than this are not followed. */
const MAX_DEPTH = 40;
const MAX_THINGS = 24;
/** Steps that one call may cost: code whose names run in circles is left alone, not followed for minutes. */
const MAX_STEPS = 20_000;

/** Finds what expressions stand for, across files. Whatever it cannot follow is left out of the answer. */
export class Resolver {
  readonly program: Program;
  /** Files that were looked for and are not in the program. */
  readonly wanted = new Set<string>();
  readonly #active = new Set<BoundName>();
  /** What names stand for where no call is followed. */
  readonly #known = new FileMemo<BoundName, readonly Thing[]>();
  #depth = 0;
  #steps = 0;

  constructor(program: Program) {
    this.program = program;
  }

  forget(path: string): void {
    this.#known.forget(path);
  }

  /** Starts on a call. */
  begin(): void {
    this.#steps = 0;
  }

  /** Counts a step; false when the call has cost too many. */
  step(): boolean {
    this.#steps += 1;
    return this.#steps <= MAX_STEPS;
  }

  resolve(expression: Expression, at: Place): readonly Thing[] {
    if (this.#depth > MAX_DEPTH || !this.step()) return [];
    this.#depth += 1;
    try {
      const things = this.#resolve(expression, at);
      return things.length > MAX_THINGS ? things.slice(0, MAX_THINGS) : things;
    } finally {
      this.#depth -= 1;
    }
  }

  #resolve(expression: Expression, at: Place): readonly Thing[] {
    switch (expression.kind) {
      case 'name': return this.name(expression.name, at);
      case 'this': return this.#this(expression.name, at);
      case 'super': {
        const around = at.block.classAround;
        return around ? [{ kind: 'instance', class: around, made: undefined, above: true }] : [];
      }
      case 'attribute': {
        const objects = this.resolve(expression.object, at);
        const found = objects.flatMap((object) => this.member(object, expression.name));
        return found.length > 0 || objects.some(({ kind }) => kind !== 'outside' && kind !== 'value') ? found : [{ kind: 'method', object: expression.object, name: expression.name, at }];
      }
      case 'call': return this.#called(this.resolve(expression.callee, at), placed(expression.args ?? [], at), at);
      case 'item': return this.#item(expression, at);
      case 'choice': return expression.options.flatMap((option) => this.resolve(option, at));
      case 'lambda': {
        const block = at.block.children[expression.block];
        return block ? [{ kind: 'function', function: block, self: undefined, frames: at.frames }] : [];
      }
      default: return [{ kind: 'value', value: expression, at, name: undefined }];
    }
  }

  name(name: string, at: Place): readonly Thing[] {
    const bounds = at.block.lookup(name);
    if (bounds.length > 0) return bounds.flatMap((bound) => this.bound(bound, at.frames));
    return this.stars(at.block.module.root, name).flatMap((bound) => this.bound(bound, []));
  }

  /** What the star imports of a module bind a name to. */
  stars(root: BlockRef, name: string, seen = new Set<BlockRef>()): readonly BoundName[] {
    if (seen.has(root)) return [];
    seen.add(root);
    for (const { module } of root.block.stars.toReversed()) {
      const target = this.file(this.program.target(root.module, module));
      if (!target) continue;
      const own = target.exported(name);
      const found = own.length > 0 ? own : this.stars(target.root, name, seen);
      if (found.length > 0) return found;
    }
    return [];
  }

  /** The module of a target, if it is in the program; otherwise it is noted as wanted. */
  file(target: ModuleTarget): ModuleRef | undefined {
    if (target.kind !== 'file') return undefined;
    const module = this.program.get(target.path);
    if (!module) this.wanted.add(target.path);
    return module;
  }

  bound(bound: BoundName, frames: readonly Frame[]): readonly Thing[] {
    if (this.#active.has(bound)) return [];
    const known = frames.length === 0 ? this.#known.get(bound.home.module.path, bound) : undefined;
    if (known) return known;
    this.#active.add(bound);
    try {
      const things = this.#bound(bound, frames).slice(0, MAX_THINGS);
      if (frames.length === 0) this.#known.set(bound.home.module.path, bound, things);
      return things;
    } finally {
      this.#active.delete(bound);
    }
  }

  #bound({ binding, home }: BoundName, frames: readonly Frame[]): readonly Thing[] {
    const at = placeIn(home, frames);
    switch (binding.kind) {
      case 'assign': return this.#assigned(binding.value, binding.type, at, binding.name);
      case 'bound': return binding.value ? this.resolve(binding.value, at) : [];
      case 'import': return this.imported(home.module, binding);
      case 'block': {
        const block = home.children[binding.block];
        if (!block) return [];
        return block.kind === 'class' ? [{ kind: 'class', class: block }] : [{ kind: 'function', function: block, self: undefined, frames }];
      }
      case 'parameter': {
        const argument = this.argument(home, binding.name, frames);
        if (argument) return this.resolve(argument.value, argument.at);
        const typed = this.types(binding.type, placeIn(home.parent ?? home));
        if (typed.length > 0) return typed;
        const { fallback } = binding;
        // FastAPI: the default says which function makes the argument.
        if (fallback?.kind === 'call' && lastName(fallback.callee) === 'Depends' && fallback.args?.[0]) {
          const place = placeIn(home.parent ?? home);
          return this.#called(this.resolve(fallback.args[0].value, place), [], place);
        }
        return [];
      }
    }
  }

  #assigned(value: Expression | undefined, type: TypeNames | undefined, at: Place, name: string): readonly Thing[] {
    const things = value ? this.resolve(value, at).map((thing) => thing.kind === 'value' && thing.name === undefined ? { ...thing, name } : thing) : [];
    if (things.some(({ kind }) => kind === 'instance' || kind === 'class' || kind === 'function' || kind === 'partial' || kind === 'module')) return things;
    const typed = this.types(type, at);
    return typed.length > 0 ? typed : things;
  }

  imported(from: ModuleRef, { module, imported, first }: { readonly module: string; readonly imported?: string; readonly first?: boolean }): readonly Thing[] {
    const written = first === true ? module.split('.')[0] ?? module : module;
    const target = this.program.target(from, written);
    if (target.kind === 'outside') return [{ kind: 'outside', module: written, name: imported }];
    return imported === undefined ? this.#module(from, target) : this.exported(from, target, imported);
  }

  #module(from: ModuleRef, target: ModuleTarget): readonly Thing[] {
    if (target.kind === 'folder') return [{ kind: 'folder', from, path: target.path }];
    const module = this.file(target);
    const whole = module?.exported(WHOLE_EXPORT) ?? [];
    if (whole.length > 0) return whole.flatMap((bound) => this.bound(bound, []));
    return module ? [{ kind: 'module', module }] : [];
  }

  /** What a module gives under a name: its own, what it imports with a star, or a module inside of it. */
  exported(from: ModuleRef, target: ModuleTarget, name: string): readonly Thing[] {
    const bounds = this.exportedNames(target, name);
    if (bounds.length > 0) return bounds.flatMap((bound) => this.bound(bound, []));
    const inside = this.program.resolver(from).inside(target, name);
    return inside ? this.#module(from, inside) : [];
  }

  exportedNames(target: ModuleTarget, name: string): readonly BoundName[] {
    const module = this.file(target);
    if (!module) return [];
    const own = module.exported(name);
    const found = own.length > 0 ? own : this.stars(module.root, name);
    // `import name from` a module that is a value as a whole gets that value.
    return found.length > 0 || name !== 'default' ? found : module.exported(WHOLE_EXPORT);
  }

  #this(name: string, at: Place): readonly Thing[] {
    const method = at.block.method;
    const self = method && at.frames.find((frame) => frame.function === method)?.self;
    if (self) return [self];
    const around = at.block.classAround;
    if (!around) return [];
    return name === 'cls' ? [{ kind: 'class', class: around }] : [{ kind: 'instance', class: around, made: undefined, above: false }];
  }

  #item(expression: Extract<Expression, { kind: 'item' }>, at: Place): readonly Thing[] {
    const key = expression.key.kind === 'text' ? expression.key.value : undefined;
    return this.resolve(expression.object, at).flatMap((object): readonly Thing[] => {
      if (object.kind === 'class' && key !== undefined) return this.enumKind(object.class) === undefined ? [] : this.member(object, key);
      return object.kind === 'value' && key !== undefined ? this.#entry(object, key) : [];
    });
  }

  #entry({ value, at }: Extract<Thing, { kind: 'value' }>, key: string): readonly Thing[] {
    const entry = value.kind === 'record' ? value.entries.findLast((each) => each.key.kind === 'text' && each.key.value === key) : undefined;
    return entry ? this.resolve(entry.value, at) : [];
  }

  member(object: Thing, name: string): readonly Thing[] {
    switch (object.kind) {
      case 'module': return this.exported(object.module, { kind: 'file', path: object.module.path }, name);
      case 'folder': {
        const inside = this.program.resolver(object.from).inside({ kind: 'folder', path: object.path }, name);
        return inside ? this.#module(object.from, inside) : [];
      }
      case 'outside': return [{ ...object, name: object.name === undefined ? name : `${object.name}.${name}` }];
      case 'class': case 'instance': return this.#attribute(object, name);
      case 'value': return object.at.block.module.rules.entriesAreAttributes ? this.#entry(object, name) : [];
      default: return [];
    }
  }

  #attribute(object: Extract<Thing, { kind: 'class' | 'instance' }>, name: string): readonly Thing[] {
    const family = this.family(object.class);
    const classes = object.kind === 'instance' && object.above ? family.slice(1) : family;
    const self: Thing = object.kind === 'instance' && object.above ? { ...object, above: false } : object;
    for (const owner of classes) {
      const bounds = owner.own(name);
      if (bounds.length === 0) continue;
      const isMember = bounds.some(({ binding }) => binding.kind === 'assign') && this.enumKind(owner) !== undefined;
      const found = isMember ? [{ kind: 'enumMember', class: owner, name } as const] : bounds.flatMap((bound) => this.#classBinding(bound, self));
      return [...found, ...this.#members(classes, name, self)];
    }
    return this.#members(classes, name, self);
  }

  #classBinding(bound: BoundName, self: Thing): readonly Thing[] {
    const block = bound.binding.kind === 'block' ? bound.home.children[bound.binding.block] : undefined;
    const facts = block?.block.function;
    // What is assigned in the body of the class, a lambda for one, is a method of it; what is merely named there may be one of elsewhere.
    if (!block || !facts) return this.bound(bound, []).map((thing) => thing.kind === 'function' && thing.function.parent === bound.home && thing.self === undefined ? { ...thing, self } : thing);
    return facts.property ? this.results(block, undefined, self, []) : [{ kind: 'function', function: block, self, frames: [] }];
  }

  /** What methods assign to an attribute of their object. */
  #members(classes: readonly BlockRef[], name: string, self: Thing): readonly Thing[] {
    return this.membersOf(classes, name).flatMap(({ member, block }) => {
      const method = block.method;
      return this.#assigned(member.value, member.type, placeIn(block, method ? [this.frameOf(method, self)] : []), name);
    });
  }

  membersOf(classes: readonly BlockRef[], name: string): readonly MemberRef[] {
    const modules = new Set(classes.map(({ module }) => module));
    return [...modules].flatMap((module) => module.members(name)).filter(({ member, block }) => {
      const owner = this.ownerOf(member.object, block);
      return owner !== undefined && classes.includes(owner);
    });
  }

  /** The class that `self`, `cls` or a class's name stands for or is an instance of, within its file. */
  ownerOf(object: Expression, block: BlockRef): BlockRef | undefined {
    if (object.kind === 'this') return block.classAround;
    if (object.kind !== 'name') return undefined;
    const [bound, ...more] = block.lookup(object.name);
    const owner = bound?.binding.kind === 'block' && more.length === 0 ? bound.home.children[bound.binding.block] : undefined;
    return owner?.kind === 'class' ? owner : undefined;
  }

  /** What a method of an object knows when it runs: the object, and for its constructor the arguments. */
  frameOf(method: BlockRef, self: Thing): Frame {
    return { function: method, self, given: self.kind === 'instance' && self.made ? this.#constructorArguments(self, method) : undefined };
  }

  #constructorArguments(self: Extract<Thing, { kind: 'instance' }>, method: BlockRef, depth = 0): Given | undefined {
    if (!self.made || depth > 8 || !method.module.rules.constructors.includes(method.block.name)) return undefined;
    const first = this.constructorOf(self.class);
    if (!first || first === method) return { args: self.made, skip: 1 };
    // The constructor of an heir hands arguments on: `super().__init__(...)`.
    const chain = this.family(self.class).flatMap((owner) => this.#ownConstructor(owner) ?? []);
    const below = chain[chain.indexOf(method) - 1];
    const call = below?.block.calls.find((each) => each.name === method.block.name && each.callee.kind === 'attribute' && each.callee.object.kind === 'super');
    if (!below || !call) return undefined;
    const given = this.#constructorArguments(self, below, depth + 1);
    return { args: placed(call.args, placeIn(below, [{ function: below, self, given }])), skip: 1 };
  }

  constructorOf(owner: BlockRef): BlockRef | undefined {
    for (const each of this.family(owner)) {
      const own = this.#ownConstructor(each);
      if (own) return own;
    }
    return undefined;
  }

  #ownConstructor(owner: BlockRef): BlockRef | undefined {
    for (const name of owner.module.rules.constructors) {
      for (const { binding, home } of owner.own(name)) if (binding.kind === 'block') return home.children[binding.block];
    }
    return undefined;
  }

  /** A class and the bases that are defined in the folder, nearest first. */
  family(of: BlockRef): readonly BlockRef[] {
    const family = [of];
    for (const each of family) {
      for (const base of each.block.bases ?? []) {
        for (const thing of this.resolve(base, placeIn(each.parent ?? each))) {
          if (thing.kind === 'class' && !family.includes(thing.class)) family.push(thing.class);
        }
      }
    }
    return family;
  }

  /** The bases of a class and its bases that nobody in the folder defines. */
  unknownBases(of: BlockRef): readonly { readonly base: Expression; readonly at: Place }[] {
    return this.family(of).flatMap((each) => {
      const at = placeIn(each.parent ?? each);
      return (each.block.bases ?? []).flatMap((base) => this.resolve(base, at).some(({ kind }) => kind === 'class') ? [] : [{ base, at }]);
    });
  }

  /** The classes that inherit from a class, near and far. */
  heirs(of: BlockRef): readonly BlockRef[] {
    const heirs: BlockRef[] = [];
    const names = (one: BlockRef): Iterable<string> => this.program.aliases(one.block.name);
    const visit = (one: BlockRef): void => {
      for (const name of names(one)) {
        for (const heir of this.program.heirs(name)) {
          if (heir === of || heirs.includes(heir) || !this.family(heir).includes(one)) continue;
          heirs.push(heir);
          visit(heir);
        }
      }
    };
    visit(of);
    return heirs;
  }

  enumKind(of: BlockRef): 'plain' | 'text' | undefined {
    return of.module.rules.enumKind(this.unknownBases(of).flatMap(({ base }) => lastName(base) ?? []));
  }

  #called(callees: readonly Thing[], args: readonly PlacedArgument[], at: Place): readonly Thing[] {
    return callees.flatMap((callee): readonly Thing[] => {
      switch (callee.kind) {
        case 'class': return [{ kind: 'instance', class: callee.class, made: args, above: false }];
        case 'function': return this.results(callee.function, { args, skip: skipped(callee) }, callee.self, callee.frames);
        case 'partial': return this.#called(callee.of, [...callee.args, ...args], at);
        case 'outside': {
          const [first, ...rest] = args;
          const name = callee.name?.split('.').at(-1) ?? '';
          return first && at.block.module.rules.partials.has(name) ? [{ kind: 'partial', of: this.resolve(first.argument.value, first.at), args: rest }] : [];
        }
        default: return [];
      }
    });
  }

  /** What a function gives: what its annotation says, or else what it returns. */
  results(block: BlockRef, given: Given | undefined, self: Thing | undefined, outer: readonly Frame[]): readonly Thing[] {
    const facts = block.block.function;
    if (!facts || outer.some((frame) => frame.function === block)) return [];
    const typed = this.types(facts.returns, placeIn(block.parent ?? block));
    if (typed.length > 0) return typed;
    const at = placeIn(block, [{ function: block, given, self }, ...outer]);
    return facts.results.flatMap((result) => this.resolve(result, at));
  }

  /** The objects that an annotation promises. */
  types(names: TypeNames | undefined, at: Place): readonly Thing[] {
    return (names ?? []).flatMap((dotted) => {
      const [first = '', ...rest] = dotted.split('.');
      if (at.block.module.rules.openTypes.has(rest.at(-1) ?? first)) return [];
      let things = this.name(first, at);
      for (const name of rest) things = things.flatMap((thing) => this.member(thing, name));
      return things.flatMap((thing): readonly Thing[] => thing.kind === 'class' ? [{ kind: 'instance', class: thing.class, made: undefined, above: false }] : []);
    });
  }

  /** The argument that a followed call gives a parameter; undefined when no call is followed there or it cannot be told. */
  argument(owner: BlockRef, name: string, frames: readonly Frame[]): FoundArgument | undefined {
    const frame = frames.find((each) => each.function === owner);
    return frame?.given && argumentFor(this.parameters(owner), name, frame.given, owner, this);
  }

  /** The `*args` and `**kwargs` that a followed call hands on to a function: what is in them is up to the callers of theirs. */
  handedOn(owner: BlockRef, frames: readonly Frame[]): readonly BoundName[] {
    const given = frames.find((each) => each.function === owner)?.given;
    return given ? spreadArguments(given.args, this).flatMap((each) => restParameter(each) ?? []) : [];
  }

  parameters(owner: BlockRef): readonly Parameter[] {
    return owner.block.bindings.flatMap((binding) => binding.kind === 'parameter' ? [binding] : []);
  }
}
