import type { DynamicCause, DynamicKey } from '../model.ts';
import { FileMemo } from './memo.ts';
import { lastName, type BlockRef, type BoundName, type MemberRef } from './blocks.ts';
import { argumentFor } from './arguments.ts';
import type { Resolver } from './resolver.ts';
import { isHidden, type Expression } from './summary.ts';
import { placeIn, type Place, type Thing } from './things.ts';

export type DynamicValue = DynamicKey & {
  /** Functions whose calls may say more. */
  readonly needs: readonly Need[];
};

/** A function and the parameter that the value depends on; without one it depends on the object that the function is called on. */
export interface Need {
  readonly function: BlockRef;
  readonly parameter: string | undefined;
}

/** What an expression is worth. `named`: reached through a name; `member`: an enum member that also is a string. */
export type Value =
  | { readonly kind: 'text'; readonly value: string; readonly named: boolean; readonly member: boolean; readonly from: BoundName | undefined }
  | { readonly kind: 'integer'; readonly digits: string }
  | DynamicValue;

const MAX_VALUES = 16;
const MAX_DEPTH = 60;

function dynamic(cause: DynamicCause, reason: string, needs: readonly Need[] = []): DynamicValue {
  return { kind: 'dynamic', cause, reason, needs };
}

/**
 * Works out the texts that expressions stand for: one, several where a condition chooses, or why it cannot be known. A name
 * counts as a constant when its scope assigns it exactly once, as a statement of its own; everything else is dynamic and
 * says why.
 */
export class Texts {
  readonly #resolver: Resolver;
  readonly #active = new Set<BoundName | MemberRef>();
  /** Values of assignments where no call is followed. */
  readonly #known = new FileMemo<BoundName | MemberRef, readonly Value[]>();
  #depth = 0;

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  forget(path: string): void {
    this.#known.forget(path);
  }

  evaluate(expression: Expression, at: Place): readonly Value[] {
    if (this.#depth > MAX_DEPTH || !this.#resolver.step()) return [dynamic('expression', 'an expression that is nested too deeply')];
    this.#depth += 1;
    try {
      const values = this.#evaluate(expression, at);
      return values.length > MAX_VALUES ? [dynamic('conditional', 'there are too many possible values')] : values;
    } finally {
      this.#depth -= 1;
    }
  }

  #evaluate(expression: Expression, at: Place): readonly Value[] {
    switch (expression.kind) {
      case 'text': return [{ kind: 'text', value: expression.value, named: false, member: false, from: undefined }];
      case 'integer': return [expression];
      case 'none': return [dynamic('notText', '`None` is not text')];
      case 'plain': case 'record': case 'list': case 'lambda': return [dynamic('notText', `${expression.words} is not text`)];
      case 'name': return this.#name(expression.name, at);
      case 'this': return this.#this(expression.name, at);
      case 'attribute': return this.#attribute(expression, at);
      case 'item': return this.#item(expression.object, expression.key, expression.words, undefined, at);
      case 'join': return this.#join(expression.parts, at);
      case 'choice': return this.#choice(expression, at);
      case 'call': return this.#call(expression, at);
      case 'super': return [dynamic('notText', '`super()` is not text')];
      case 'other': return [dynamic('expression', `${expression.words} is not a constant`)];
    }
  }

  #join(parts: Extract<Expression, { kind: 'join' }>['parts'], at: Place): readonly Value[] {
    let values: readonly Extract<Value, { kind: 'text' }>[] = [{ kind: 'text', value: '', named: false, member: false, from: undefined }];
    for (const { formatted, value: part } of parts) {
      const pieces: { readonly text: string; readonly named: boolean; readonly from: BoundName | undefined }[] = [];
      for (const value of this.evaluate(part, at)) {
        if (value.kind === 'dynamic') return [value];
        if (value.kind === 'integer') {
          if (!formatted) return [dynamic('notText', `\`${value.digits}\` is a number, not text`)];
          pieces.push({ text: value.digits, named: part.kind !== 'integer', from: undefined });
        } else {
          // What an enum member prints depends on the version of Python.
          if (formatted && value.member) return [dynamic('notText', `${inBackquotes(part) ?? 'a part'} is an enum member`)];
          pieces.push({ text: value.value, named: value.named, from: value.from });
        }
      }
      values = values.flatMap((before) => pieces.map(({ text, named, from }) => ({ ...before, value: before.value + text, named: before.named || named, from: before.from ?? from })));
      if (values.length > MAX_VALUES) return [dynamic('conditional', 'there are too many possible values')];
    }
    return values;
  }

  #choice({ by, options }: Extract<Expression, { kind: 'choice' }>, at: Place): readonly Value[] {
    const found: Value[] = [];
    for (const [index, option] of options.entries()) {
      const isLast = index === options.length - 1;
      // `None or "a"` is "a"; `"a" or b` never looks at b.
      if (by !== 'either' && !isLast && option.kind === 'none') {
        if (by === 'or') continue;
        return [dynamic('notText', '`None` is not text')];
      }
      const values = this.evaluate(option, at);
      const unknown = values.find((value) => value.kind === 'dynamic');
      if (unknown) return [unknown.cause === 'expression' ? { ...unknown, cause: 'conditional' } : unknown];
      const isTrue = values.every((value) => value.kind === 'text' && value.value !== '');
      if (by === 'and' && !isLast && isTrue) continue;
      found.push(...values);
      if (by === 'or' && isTrue) break;
    }
    return distinct(found);
  }

  #name(name: string, at: Place): readonly Value[] {
    const { block } = at;
    const found = block.lookup(name);
    if (found.length === 0) return this.#fromStars(name, block);
    const values = this.#binding(`\`${name}\``, found, at);
    // A star import after the assignment may replace it.
    const over = values.every(({ kind }) => kind !== 'dynamic') ? this.#starAfter(name, found) : undefined;
    return over === undefined ? values : [dynamic('imported', `\`${name}\` may be replaced by the names of \`${over}\``)];
  }

  #fromStars(name: string, block: BlockRef): readonly Value[] {
    const { root } = block.module;
    const found = this.#resolver.stars(root, name);
    if (found.length > 0) return this.#elsewhere(`\`${name}\``, found, block);
    const open = root.block.stars.findLast(({ module }) => this.#resolver.file(this.#resolver.program.target(root.module, module)) === undefined);
    return [open ? dynamic('imported', `\`${name}\` may come from \`${open.module}\``) : dynamic('undefined', `\`${name}\` is not defined in this file`)];
  }

  #starAfter(name: string, found: readonly BoundName[]): string | undefined {
    const own = found.filter(({ home }) => home.kind === 'module');
    return own[0]?.home.block.stars.find(({ module, at }) => own.some(({ binding }) => binding.at < at) && this.#starMayBind(own[0]?.home, module, name))?.module;
  }

  #starMayBind(root: BlockRef | undefined, module: string, name: string): boolean {
    const target = root && this.#resolver.program.target(root.module, module);
    return !target || !this.#resolver.file(target) || this.#resolver.exportedNames(target, name).length > 0;
  }

  /** The value of a name of another file, as seen from `from`. */
  #elsewhere(shown: string, found: readonly BoundName[], from: BlockRef): readonly Value[] {
    const home = found[0]?.home;
    if (!home) return [dynamic('undefined', `${shown} is not defined`)];
    return this.#binding(shown, found, placeIn(home)).map((value) => {
      if (value.kind === 'text') return { ...value, named: true };
      if (value.kind !== 'dynamic' || home.module === from.module || / in `[^`]+`$/.test(value.reason)) return value;
      return { ...value, reason: `${value.reason} in \`${home.module.path}\`` };
    });
  }

  /** The value of a name from all that binds it; `shown` is how messages call it. */
  #binding(shown: string, found: readonly BoundName[], at: Place): readonly Value[] {
    const assigned = found.filter(({ binding }) => binding.kind !== 'assign' || binding.value !== undefined);
    const [only, ...more] = assigned;
    if (!only) return [dynamic('undefined', `${shown} is declared, but not assigned in this file`)];
    if (more.length > 0) return this.#agreed(shown, assigned, at) ?? [dynamic('reassigned', `${shown} is assigned more than once`)];
    return this.#single(shown, only, at);
  }

  /** `try: from a import KEY`, `except ImportError: from b import KEY`: known when both say the same. */
  #agreed(shown: string, bounds: readonly BoundName[], at: Place): readonly Value[] | undefined {
    if (!bounds.every(({ binding }) => binding.kind === 'import')) return undefined;
    const values = distinct(bounds.flatMap((bound) => this.#single(shown, bound, at)));
    return values.length === 1 && values[0]?.kind === 'text' ? values : undefined;
  }

  #single(shown: string, bound: BoundName, at: Place): readonly Value[] {
    const { binding, home } = bound;
    switch (binding.kind) {
      case 'assign':
        if (!binding.direct) return [dynamic('conditional', `${shown} is assigned under a condition or in a loop`)];
        return binding.value ? this.#named(bound, bound, binding.value, shown, placeIn(home, at.frames)) : [dynamic('undefined', `${shown} has no value`)];
      case 'parameter': return this.#parameter(shown, binding.name, home, at);
      case 'import': return this.#imported(shown, bound);
      case 'bound': return [dynamic('reassigned', `${shown} is ${binding.words}`)];
      case 'block': return [dynamic('notText', `${shown} is a ${home.children[binding.block]?.kind ?? 'function'}`)];
    }
  }

  #parameter(shown: string, name: string, owner: BlockRef, at: Place): readonly Value[] {
    const argument = this.#resolver.argument(owner, name, at.frames);
    if (argument) return this.evaluate(argument.value, argument.at).map((value) => value.kind === 'text' ? { ...value, named: true } : value);
    const of = owner.block.name === '' ? '' : ` of \`${owner.block.name}\``;
    const handedOn = this.#resolver.handedOn(owner, at.frames).map(({ binding, home }) => ({ function: home, parameter: binding.name }));
    return [dynamic('parameter', `${shown} is a parameter${of}`, [...handedOn, { function: owner, parameter: name }])];
  }

  #imported(shown: string, { binding, home }: BoundName): readonly Value[] {
    if (binding.kind !== 'import') return [];
    const { module, imported } = binding;
    const target = this.#resolver.program.target(home.module, module);
    if (imported === undefined) return [dynamic('imported', `${shown} is imported from \`${module}\``)];
    if (target.kind === 'ambiguous') return [dynamic('imported', `\`${module}\` may be ${target.paths.slice(0, 3).map((path) => `\`${path}\``).join(' or ')}`)];
    const found = this.#resolver.exportedNames(target, imported);
    if (found.length > 0) {
      if (this.#active.size > MAX_DEPTH) return [dynamic('imported', `${shown} is imported through too many files`)];
      return this.#guarded({ binding, home }, shown, () => this.#elsewhere(`\`${imported}\``, found, home));
    }
    if (this.#resolver.file(target) === undefined) return [dynamic('imported', `${shown} is imported from \`${module}\``)];
    if (this.#resolver.program.resolver(home.module).inside(target, imported)) return [dynamic('notText', `${shown} is a module`)];
    return [dynamic('undefined', `${shown} is not defined in \`${target.kind === 'file' ? target.path : module}\``)];
  }

  readonly #guards = new Map<BoundName['binding'], Set<BlockRef>>();

  /** Imports that go round in circles end here. */
  #guarded({ binding, home }: BoundName, shown: string, work: () => readonly Value[]): readonly Value[] {
    const homes = this.#guards.get(binding) ?? new Set();
    if (homes.has(home)) return [dynamic('imported', `${shown} is imported in a circle`)];
    this.#guards.set(binding, homes.add(home));
    try {
      return work();
    } finally {
      homes.delete(home);
      if (homes.size === 0) this.#guards.delete(binding);
    }
  }

  /** The value of an expression that is reached through a name. */
  #named(id: BoundName | MemberRef, from: BoundName | undefined, expression: Expression, shown: string, at: Place): readonly Value[] {
    if (this.#active.has(id)) return [dynamic('expression', `${shown} is defined by itself`)];
    const known = at.frames.length === 0 ? this.#known.get(at.block.module.path, id) : undefined;
    if (known) return known;
    this.#active.add(id);
    try {
      const values = this.evaluate(expression, at).map((value) => value.kind === 'text' ? { ...value, named: true, from: value.from ?? from } : value);
      if (at.frames.length === 0) this.#known.set(at.block.module.path, id, values);
      return values;
    } finally {
      this.#active.delete(id);
    }
  }

  #this(name: string, at: Place): readonly Value[] {
    const owner = at.block.functions.find((each) => each.own(name).some(({ binding }) => binding.kind === 'parameter'));
    if (!owner) return [dynamic('undefined', `\`${name}\` is not defined in this file`)];
    const of = owner.block.name === '' ? '' : ` of \`${owner.block.name}\``;
    return [dynamic('parameter', `\`${name}\` is a parameter${of}`, [{ function: owner, parameter: name }])];
  }

  #attribute(expression: Extract<Expression, { kind: 'attribute' }>, at: Place): readonly Value[] {
    const shown = inBackquotes(expression) ?? 'the attribute';
    const { object, name } = expression;
    const things = this.#resolver.resolve(object, at).filter((thing) => thing.kind !== 'value' || thing.value.kind !== 'none');
    const found = distinct(things.flatMap((thing) => this.#memberOf(thing, name, shown, object, at)));
    if (found.length > 0) return found.find((value) => value.kind === 'dynamic') ? found.filter((value) => value.kind === 'dynamic').slice(0, 1) : found;
    return [this.#unknownAttribute(shown, object, at)];
  }

  #unknownAttribute(shown: string, object: Expression, at: Place): Value {
    const [bound] = object.kind === 'name' ? at.block.lookup(object.name) : [];
    if (bound?.binding.kind === 'import') return dynamic('imported', `${shown} is defined in another file`);
    if (bound?.binding.kind === 'parameter' && isHidden(bound.binding.name)) {
      const of = bound.home.block.name === '' ? '' : ` of \`${bound.home.block.name}\``;
      return dynamic('parameter', `${shown.replace(/^`.*\./, '`')} is a parameter${of}`, [{ function: bound.home, parameter: bound.binding.name }]);
    }
    if (bound?.binding.kind === 'parameter') return dynamic('expression', `${shown} is not a constant of this file`, [{ function: bound.home, parameter: bound.binding.name }]);
    return dynamic('expression', `${shown} is not a constant of this file`);
  }

  #memberOf(thing: Thing, name: string, shown: string, object: Expression, at: Place): readonly Value[] {
    switch (thing.kind) {
      case 'module': {
        const found = this.#resolver.exportedNames({ kind: 'file', path: thing.module.path }, name);
        return found.length > 0 ? this.#elsewhere(shown, found, at.block) : [dynamic('undefined', `${shown} is not defined in \`${thing.module.path}\``)];
      }
      case 'outside': return [dynamic('imported', `${shown} is defined in another file`)];
      case 'enumMember': {
        if (name === 'value') return this.#constant(thing.class, thing.class, thing.name, shown, undefined);
        return name === 'name' ? [{ kind: 'text', value: thing.name, named: true, member: false, from: undefined }] : [];
      }
      case 'class': case 'instance': return this.#ofClass(thing, name, shown, object, at);
      case 'value': return thing.value.kind === 'record' && thing.at.block.module.rules.entriesAreAttributes ? this.#item(object, { kind: 'text', value: name }, shown, undefined, at) : [];
      default: return [];
    }
  }

  #ofClass(thing: Extract<Thing, { kind: 'class' | 'instance' }>, name: string, shown: string, object: Expression, at: Place): readonly Value[] {
    const method = object.kind === 'this' ? at.block.method : undefined;
    const open = (values: readonly Value[]): readonly Value[] => method && !at.frames.some((frame) => frame.function === method && frame.self)
      ? values.map((value) => value.kind === 'dynamic' ? { ...value, needs: [...value.needs, { function: method, parameter: undefined }] } : value)
      : this.#needsObject(values, object, at);
    const exact = thing.kind === 'instance' && thing.made !== undefined;
    const kind = this.#resolver.enumKind(thing.class);
    if (kind === 'plain' && thing.kind === 'class') return open([dynamic('notText', `${shown} is an enum member`)]);
    if (!exact && (object.kind === 'this' || thing.kind === 'instance')) {
      const heir = this.#resolver.heirs(thing.class).find((each) => each.own(name).some(({ binding }) => binding.kind !== 'assign' || binding.value !== undefined));
      if (heir) return open([dynamic('reassigned', `${shown} is assigned anew in \`${heir.block.name}\``)]);
    }
    const values = this.#constant(thing.class, thing.class, name, shown, thing.kind === 'instance' ? thing : undefined);
    return open(values.map((value) => value.kind === 'text' && kind === 'text' ? { ...value, member: true } : value));
  }

  /** `flag.key` of a parameter: whoever calls the function says which object it is. */
  #needsObject(values: readonly Value[], object: Expression, at: Place): readonly Value[] {
    const [bound] = object.kind === 'name' ? at.block.lookup(object.name) : [];
    if (bound?.binding.kind !== 'parameter' || this.#resolver.argument(bound.home, bound.binding.name, at.frames)) return values;
    return values.map((value) => value.kind === 'dynamic' ? { ...value, needs: [...value.needs, { function: bound.home, parameter: bound.binding.name }] } : value);
  }

  #constant(owner: BlockRef, of: BlockRef, name: string, shown: string, self: Extract<Thing, { kind: 'instance' }> | undefined): readonly Value[] {
    const family = this.#resolver.family(of);
    const members = this.#membersReaching(name, family);
    const field = self && this.#field(self, name);
    if (field && members.length === 0) return field;
    for (const one of family) {
      const found = one.own(name);
      if (found.length === 0 || found.every(({ binding }) => binding.kind === 'assign' && binding.value === undefined)) continue;
      if (members.length > 0) return [dynamic('reassigned', `${shown} is assigned more than once`)];
      const property = self && this.#property(found, self);
      if (property) return property;
      const auto = this.#auto(found, owner, name);
      return auto ?? (one.module === of.module ? this.#binding(shown, found, placeIn(one)) : this.#elsewhere(shown, found, of));
    }
    const [member, ...more] = members;
    if (more.length > 0) return [dynamic('reassigned', `${shown} is assigned more than once`)];
    if (member?.member.value) return this.#fromConstructor(member, shown, self);
    const base = this.#resolver.unknownBases(of).map((each) => inBackquotes(each.base)).find((words) => words !== undefined && words !== '`object`');
    return [base ? dynamic('imported', `${shown} may come from the base class ${base}`) : dynamic('undefined', `${shown} is not defined in this file`)];
  }

  #fromConstructor(ref: MemberRef, shown: string, self: Extract<Thing, { kind: 'instance' }> | undefined): readonly Value[] {
    const { member, block } = ref;
    const isConstructor = block.kind === 'function' && block.module.rules.constructors.includes(block.block.name);
    if (!member.value || !member.direct || member.object.kind !== 'this' || !isConstructor) {
      return [dynamic('conditional', `${shown} is assigned under a condition or outside \`${block.module.rules.constructors[0] ?? ''}\``)];
    }
    return this.#named(ref, undefined, member.value, shown, placeIn(block, self ? [this.#resolver.frameOf(block, self)] : []));
  }

  /** `key = auto()` of an enum whose members are texts: the name in lower case. */
  #auto(found: readonly BoundName[], owner: BlockRef, name: string): readonly Value[] | undefined {
    const [bound] = found;
    const value = bound?.binding.kind === 'assign' ? bound.binding.value : undefined;
    if (value?.kind !== 'call' || lastName(value) !== 'auto' || this.#resolver.enumKind(owner) !== 'text') return undefined;
    const strEnum = this.#resolver.unknownBases(owner).some(({ base }) => lastName(base) === 'StrEnum');
    return strEnum ? [{ kind: 'text', value: name.toLowerCase(), named: true, member: false, from: bound }] : [dynamic('notText', 'the value of `auto()` is a number')];
  }

  /** The field of a dataclass, when it is known how the object was made. */
  #field(self: Extract<Thing, { kind: 'instance' }>, name: string): readonly Value[] | undefined {
    const family = this.#resolver.family(self.class);
    const words = [...family.flatMap(({ block }) => block.decorators.map(lastName)), ...this.#resolver.unknownBases(self.class).map(({ base }) => lastName(base))];
    if (!self.class.module.rules.takesFields(words.flatMap((word) => word ?? [])) || this.#resolver.constructorOf(self.class)) return undefined;
    const fields = family.toReversed().flatMap(({ block }) => block.bindings.flatMap((binding) => binding.kind === 'assign' && binding.type ? [binding] : []));
    const own = fields.find((each) => each.name === name);
    if (!own) return undefined;
    if (!self.made) return [dynamic('parameter', `\`${name}\` is a field of \`${self.class.block.name}\``)];
    const parameters = fields.map((each) => ({ kind: 'parameter', name: each.name, at: each.at } as const));
    const argument = argumentFor(parameters, name, { args: self.made, skip: 0 }, self.class, this.#resolver);
    return argument && this.evaluate(argument.value, argument.at).map((value) => value.kind === 'text' ? { ...value, named: true } : value);
  }

  #property(found: readonly BoundName[], self: Thing): readonly Value[] | undefined {
    const [bound, ...more] = found;
    const block = bound?.binding.kind === 'block' && more.length === 0 ? bound.home.children[bound.binding.block] : undefined;
    const facts = block?.block.function;
    const [result, ...others] = facts?.results ?? [];
    if (!bound || !block || facts?.property !== true || !result || others.length > 0) return undefined;
    return this.#guarded(bound, `\`${block.block.name}\``, () => this.evaluate(result, placeIn(block, [{ function: block, self, given: undefined }])));
  }

  /**
   * Assignments to `object.name` that may reach instances of a class: through `self`, `cls` or a class's name when that is
   * of the same family, and through any other object of its files, because nobody can tell what it is.
   */
  #membersReaching(name: string, family: readonly BlockRef[]): readonly MemberRef[] {
    const [of] = family;
    if (!of) return [];
    const related = new Set([...family, ...this.#resolver.heirs(of)]);
    const modules = new Set([...related].map(({ module }) => module));
    return [...modules].flatMap((module) => module.members(name)).filter(({ member, block }) => {
      if (member.value === undefined) return false;
      const owner = this.#resolver.ownerOf(member.object, block);
      return owner ? related.has(owner) : member.object.kind !== 'this';
    });
  }

  #call(expression: Extract<Expression, { kind: 'call' }>, at: Place): readonly Value[] {
    const { callee, args = [] } = expression;
    const [first, second] = args;
    if (callee.kind === 'attribute' && callee.name === 'get' && first && first.name === undefined && first.spread === undefined && this.#tables(callee.object, at).length > 0) {
      return this.#item(callee.object, first.value, inBackquotes(expression) ?? 'the item', second?.value ?? { kind: 'none' }, at);
    }
    return [dynamic('expression', `the result of ${inBackquotes(expression) ?? 'a call'}`)];
  }

  #tables(object: Expression, at: Place): readonly Extract<Thing, { kind: 'value' }>[] {
    return this.#resolver.resolve(object, at).filter((thing) => thing.kind === 'value' && (thing.value.kind === 'record' || thing.value.kind === 'list')) as Extract<Thing, { kind: 'value' }>[];
  }

  #item(object: Expression, key: Expression, words: string, fallback: Expression | undefined, at: Place): readonly Value[] {
    const [table, ...more] = this.#tables(object, at);
    const isEnum = key.kind === 'text' && this.#resolver.resolve(object, at).some((thing) => thing.kind === 'class' && this.#resolver.enumKind(thing.class) === 'text');
    if (!table && key.kind === 'text' && isEnum) return this.#attribute({ kind: 'attribute', object, name: key.value }, at);
    if (!table || more.length > 0) return [dynamic('expression', `${words} is not a constant`, object.kind === 'name' ? this.#ownerOfParameter(object.name, at) : [])];
    const name = lastName(object);
    const changed = [name, table.name].some((each) => each !== undefined && (at.block.module.changes(each) || table.at.block.module.changes(each)));
    if (changed) return [dynamic('reassigned', `the items of \`${name ?? 'the table'}\` are changed`)];
    return distinct(this.evaluate(key, at).flatMap((value): readonly Value[] => {
      if (value.kind === 'dynamic') return [value];
      return this.#entry(table, value, words, fallback, at);
    }));
  }

  #entry(table: Extract<Thing, { kind: 'value' }>, key: Exclude<Value, DynamicValue>, words: string, fallback: Expression | undefined, at: Place): readonly Value[] {
    const named = (values: readonly Value[]): readonly Value[] => values.map((value) => value.kind === 'text' ? { ...value, named: true } : value);
    if (table.value.kind === 'list') {
      const item = key.kind === 'integer' ? table.value.items[Number(key.digits)] : undefined;
      return item ? named(this.evaluate(item, table.at)) : [dynamic('expression', `${words} is not a constant`)];
    }
    if (table.value.kind !== 'record') return [];
    const wanted = key.kind === 'text' ? `t${key.value}` : `i${key.digits}`;
    const entry = table.value.entries.findLast((each) => this.evaluate(each.key, table.at).some((value) => value.kind !== 'dynamic' && (value.kind === 'text' ? `t${value.value}` : `i${value.digits}`) === wanted));
    if (entry) return named(this.evaluate(entry.value, table.at));
    if (table.value.open) return [dynamic('expression', `${words} may come from another table`)];
    return fallback ? named(this.evaluate(fallback, at)) : [dynamic('undefined', `${words} is not in the table`)];
  }

  #ownerOfParameter(name: string, at: Place): readonly Need[] {
    return at.block.lookup(name).flatMap(({ binding, home }) => binding.kind === 'parameter' ? [{ function: home, parameter: name }] : []);
  }
}

/** Values without those that say the same. */
function distinct(values: readonly Value[]): readonly Value[] {
  const seen = new Set<string>();
  return values.filter((value) => {
    const id = value.kind === 'text' ? `t${value.value}` : value.kind === 'integer' ? `i${value.digits}` : `d${value.reason}`;
    if (seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** A dotted expression as it could be written: `self.client`, `get_client()`; undefined for anything else. */
export function written(expression: Expression): string | undefined {
  switch (expression.kind) {
    case 'name': case 'this': return expression.name;
    case 'super': return 'super()';
    case 'attribute': {
      const object = written(expression.object);
      return object === undefined ? undefined : `${object}.${expression.name}`;
    }
    case 'call': {
      const callee = written(expression.callee);
      return callee === undefined ? undefined : `${callee}()`;
    }
    default: return undefined;
  }
}

function inBackquotes(expression: Expression): string | undefined {
  const words = written(expression);
  return words === undefined ? undefined : `\`${words}\``;
}
