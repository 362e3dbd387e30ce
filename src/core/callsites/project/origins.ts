/**
 * Is the object before `.is_enabled` a client? The rule, in this order:
 *
 * 1. What the files say about where the object comes from decides. It *is* a client when it is made by `UnleashClient(...)`
 *    or a subclass of it, annotated as one, imported from a package or under a name with "unleash" in it, or assigned from such
 *    a thing, be it a variable, an attribute (`self.client`), a `with ... as`, a function's result or a name of another file. It
 *    is *not* one when all that is assigned to it is something else: a literal, a collection, an object of a class whose name
 *    says nothing of flags, an import from another vendor's flag SDK with the same method names.
 * 2. Where the files are silent (an unannotated parameter, an import from a package), the name decides: see `NameHint`. A
 *    bare `client` passes when it is a parameter or when the file imports something of flags.
 * 3. Everything else is rejected: `logger.is_enabled("x")`, `plugin.is_enabled("x")`, `self.is_enabled("x")` of a class
 *    that is no client.
 *
 * An OpenFeature client counts when something in the folder gives OpenFeature its answers from Unleash.
 */
import type { FlagQuestion } from './language.ts';
import { FileMemo } from './memo.ts';
import { lastName, type BlockRef, type BoundName, type MemberRef } from './blocks.ts';
import { skipped } from './arguments.ts';
import type { Resolver } from './resolver.ts';
import { WHOLE_EXPORT, type Expression, type TypeNames } from './summary.ts';
import { written } from './texts.ts';
import { placed, placeIn, type Place, type Thing } from './things.ts';

/** `likely` and `generic` rest on a name; `nothing` is `None`, a placeholder for what is assigned elsewhere. */
type Origin = 'client' | 'openfeature' | 'likely' | 'generic' | 'unknown' | 'other' | 'nothing';

const MAX_DEPTH = 40;

export class Origins {
  readonly #resolver: Resolver;
  /** Dotted names that configuration calls clients. */
  readonly #clients: ReadonlySet<string>;
  readonly #active = new Set<BoundName | MemberRef | BlockRef>();
  /** What assignments were found to give where no call is followed. */
  readonly #known = new FileMemo<BoundName | MemberRef, Origin>();
  #depth = 0;

  constructor(resolver: Resolver, clients: ReadonlySet<string>) {
    this.#resolver = resolver;
    this.#clients = clients;
  }

  forget(path: string): void {
    this.#known.forget(path);
  }

  answers(receiver: Expression, at: Place, { sdk }: FlagQuestion): boolean {
    if (sdk === 'openfeature' && !this.#resolver.program.usesUnleashProvider) return false;
    const origin = this.#origin(receiver, at);
    if (sdk === 'openfeature') return origin === 'openfeature';
    return origin === 'client' || origin === 'likely' || (origin === 'generic' && at.block.module.importsFlags);
  }

  /**
   * Whether a name that stands for an object of the folder's own by one assignment is a client of the SDK by another: installations and
   * tests put a stand-in where the client is.
   */
  answersElse(name: string, at: Place): boolean {
    const bounds = at.block.lookup(name).flatMap((bound) => this.#exporters(bound));
    return bounds.some((bound) => this.#binding(bound, placeIn(bound.home)) === 'client' && !this.#resolver.bound(bound, []).some(({ kind }) => kind === 'instance' || kind === 'class' || kind === 'function'));
  }

  /** What an import leads to, over all files that hand it on. */
  #exporters(bound: BoundName, seen = new Set<BoundName>()): readonly BoundName[] {
    const { binding, home } = bound;
    if (binding.kind !== 'import' || binding.imported === undefined || seen.has(bound)) return [bound];
    seen.add(bound);
    const found = this.#resolver.exportedNames(this.#resolver.program.target(home.module, binding.module), binding.imported);
    return found.length > 0 ? found.flatMap((each) => this.#exporters(each, seen)) : [bound];
  }

  #origin(expression: Expression, at: Place): Origin {
    if (this.#depth > MAX_DEPTH || !this.#resolver.step()) return 'unknown';
    this.#depth += 1;
    try {
      return this.#originOf(expression, at);
    } finally {
      this.#depth -= 1;
    }
  }

  #originOf(expression: Expression, at: Place): Origin {
    switch (expression.kind) {
      case 'name': return this.#name(expression.name, at);
      case 'this': return this.#own(at.block.classAround);
      case 'super': return this.#own(at.block.classAround);
      case 'attribute': return this.#attribute(expression.object, expression.name, at);
      case 'call': return this.#call(expression, at);
      case 'choice': return strongest(expression.options.map((option) => this.#origin(option, at)));
      case 'item': return expression.key.kind === 'text' ? this.#hinted(expression.key.value, at) === 'likely' ? 'likely' : 'unknown' : 'unknown';
      case 'none': return 'nothing';
      case 'text': case 'integer': case 'join': case 'plain': case 'record': case 'list': case 'lambda': return 'other';
      case 'other': return 'unknown';
    }
  }

  #own(around: BlockRef | undefined): Origin {
    return around && this.#isClientClass(around) ? 'client' : 'other';
  }

  #name(name: string, at: Place): Origin {
    const bounds = at.block.lookup(name);
    const found = bounds.length > 0 ? bounds : this.#resolver.stars(at.block.module.root, name);
    const origin = strongest(found.map((bound) => this.#binding(bound, at)));
    return origin === 'unknown' || origin === 'nothing' ? this.#hinted(name, at) : origin;
  }

  #binding(bound: BoundName, at: Place): Origin {
    const { binding, home } = bound;
    const { rules } = home.module;
    if (this.#configured(bound)) return 'client';
    switch (binding.kind) {
      case 'assign': return this.#assigned(bound, binding, placeIn(home, at.frames));
      case 'bound': return binding.value ? this.#assigned(bound, { value: binding.value }, placeIn(home, at.frames)) : 'unknown';
      case 'parameter': {
        const argument = this.#resolver.argument(home, binding.name, at.frames);
        const given = argument ? this.#origin(argument.value, argument.at) : 'unknown';
        if (given !== 'unknown' && given !== 'nothing') return given;
        const origin = this.#annotation(binding.type, placeIn(home));
        // A parameter called `client` that is asked for a flag by name is one: nothing else in the file could tell.
        return origin === 'unknown' && rules.hint(binding.name) === 'generic' ? 'likely' : origin;
      }
      case 'import': return this.#imported(bound);
      case 'block': return 'other';
    }
  }

  /** Whether configuration names this variable of a module as a client. */
  #configured({ binding, home }: BoundName): boolean {
    if (this.#clients.size === 0) return false;
    const { module } = home;
    if (home.kind === 'module' && this.#clients.has(`${this.#resolver.program.resolver(module).nameOf(module.path)}.${binding.name}`)) return true;
    return binding.kind === 'import' && this.#clients.has(binding.imported === undefined ? binding.module : `${binding.module}.${binding.imported}`);
  }

  #imported(bound: BoundName): Origin {
    const { binding, home } = bound;
    if (binding.kind !== 'import') return 'unknown';
    const { module, imported } = binding;
    if (!this.#active.has(bound)) {
      this.#active.add(bound);
      const target = this.#resolver.program.target(home.module, module);
      const origin = strongest(this.#resolver.exportedNames(target, imported ?? WHOLE_EXPORT).map((each) => this.#binding(each, placeIn(each.home))));
      this.#active.delete(bound);
      if (origin !== 'unknown' && origin !== 'nothing') return origin;
    }
    return home.module.rules.outside(module, imported);
  }

  #assigned(id: BoundName | MemberRef, { value, type }: { readonly value?: Expression; readonly type?: TypeNames }, at: Place): Origin {
    if (this.#active.has(id)) return 'unknown';
    const known = at.frames.length === 0 ? this.#known.get(at.block.module.path, id) : undefined;
    if (known) return known;
    this.#active.add(id);
    try {
      const declared = this.#annotation(type, at);
      const origin = declared !== 'unknown' || !value ? declared : this.#origin(value, at);
      if (at.frames.length === 0) this.#known.set(at.block.module.path, id, origin);
      return origin;
    } finally {
      this.#active.delete(id);
    }
  }

  #attribute(object: Expression, name: string, at: Place): Origin {
    const things = this.#resolver.resolve(object, at);
    const origin = strongest(this.#attributeOrigins(things, name, at));
    if (origin !== 'unknown' && origin !== 'nothing') return origin;
    const hint = this.#hinted(name, at);
    // `unleash.client`: what the object is called says what kind of client it is.
    const outer = written(object)?.split('.').at(-1);
    return hint === 'generic' && outer !== undefined && at.block.module.rules.hint(outer.replace('()', '')) === 'yes' ? 'likely' : hint;
  }

  #attributeOrigins(things: readonly Thing[], name: string, at: Place): readonly Origin[] {
    const owners = things.flatMap((thing) => thing.kind === 'class' || thing.kind === 'instance' ? [thing] : []);
    const modules = things.flatMap((thing) => thing.kind === 'module' ? [thing.module] : []);
    const outside = things.flatMap((thing): readonly Origin[] => thing.kind === 'outside' ? [this.#outside(thing, name, at)] : []);
    if (owners.length > 0) return owners.flatMap((owner) => this.#inClass(name, owner));
    if (modules.length > 0) return modules.flatMap((module) => module.exported(name).map((bound) => this.#binding(bound, placeIn(bound.home))));
    const members = at.block.module.members(name).map((ref) => this.#assigned(ref, ref.member, placeIn(ref.block)));
    return [...outside, ...members];
  }

  #outside({ module, name }: Extract<Thing, { kind: 'outside' }>, attribute: string, at: Place): Origin {
    if (this.#clients.has([module, name, attribute].filter((part) => part !== undefined).join('.'))) return 'client';
    return at.block.module.rules.outside(module, attribute) === 'other' ? 'other' : 'unknown';
  }

  #inClass(name: string, thing: Extract<Thing, { kind: 'class' | 'instance' }>): readonly Origin[] {
    const family = this.#resolver.family(thing.class);
    const self: Thing = thing.kind === 'instance' ? { ...thing, above: false } : thing;
    const bindings = family.flatMap((owner) => owner.own(name));
    const members = this.#resolver.membersOf(family, name);
    return [
      // A function in a class body that is read as an attribute is a property: its result counts.
      ...bindings.map((bound) => {
        const block = bound.binding.kind === 'block' ? bound.home.children[bound.binding.block] : undefined;
        return block?.block.function ? this.#result(block, placeIn(block, [{ function: block, self, given: undefined }])) : this.#binding(bound, placeIn(bound.home));
      }),
      ...members.map((ref) => {
        const { member, block } = ref;
        const { method } = block;
        return this.#assigned(ref, member, placeIn(block, method && thing.kind === 'instance' ? [this.#resolver.frameOf(method, self)] : []));
      }),
    ];
  }

  /** What a function gives: what its annotation says, or else what it returns. */
  #result(block: BlockRef, at: Place): Origin {
    const facts = block.block.function;
    if (!facts || this.#active.has(block)) return 'unknown';
    const declared = this.#annotation(facts.returns, placeIn(block.parent ?? block));
    if (declared !== 'unknown') return declared;
    this.#active.add(block);
    try {
      const origin = strongest(facts.results.map((result) => this.#origin(result, at)));
      // What a function computes says nothing about what else it may give.
      return origin === 'other' || origin === 'nothing' ? 'unknown' : origin;
    } finally {
      this.#active.delete(block);
    }
  }

  /** What calling something gives: an object of a class, or the result of a function. */
  #call(expression: Extract<Expression, { kind: 'call' }>, at: Place): Origin {
    const { callee } = expression;
    const { rules } = at.block.module;
    const name = callee.kind === 'name' || callee.kind === 'attribute' ? callee.name : undefined;
    if (name === undefined) return 'unknown';
    if (rules.clientClasses.has(name)) return 'client';
    const things = this.#resolver.resolve(callee, at);
    const functions = things.flatMap((thing) => thing.kind === 'function' ? [thing] : []);
    if (functions.length > 0) {
      const returned = functions.map((each) => this.#result(each.function, placeIn(each.function, [{ function: each.function, self: each.self, given: { args: placed(expression.args ?? [], at), skip: skipped(each) } }])));
      return strongest([...returned, this.#hinted(name, at)]);
    }
    if (things.some((thing) => thing.kind === 'outside' && rules.clientMakers.has(name) && rules.outside(thing.module, thing.name) === 'client')) return 'client';
    if (things.some((thing) => thing.kind === 'outside' && rules.outside(thing.module, thing.name) === 'openfeature')) return /client/i.test(name) ? 'openfeature' : 'other';
    if (things.some((thing) => thing.kind === 'class' && this.#isClientClass(thing.class))) return 'client';
    if (rules.isClassName(name) || things.some(({ kind }) => kind === 'class')) return this.#type(name, callee.kind === 'name' ? at : undefined, at);
    return this.#hinted(name, at);
  }

  /** What an annotation says; `unknown` when there is none, or one that leaves the type open. */
  #annotation(type: TypeNames | undefined, at: Place): Origin {
    const { openTypes } = at.block.module.rules;
    const parts = (type ?? []).filter((name) => !openTypes.has(name.split('.').at(-1) ?? name));
    return strongest(parts.flatMap((dotted) => dotted.split('.').filter((name) => !openTypes.has(name)).map((name) => this.#type(name, at, at))));
  }

  /** What objects of a class are, by the class's name where it is used. */
  #type(name: string, at: Place | undefined, from: Place): Origin {
    const { rules } = from.block.module;
    if (rules.mentionsClient(name)) return 'client';
    const bounds = at?.block.lookup(name) ?? [];
    const [bound] = bounds;
    if (bound?.binding.kind === 'import') {
      const origin = rules.outside(bound.binding.module, bound.binding.imported);
      if (origin === 'openfeature') return /client/i.test(name) ? 'openfeature' : 'other';
      if (origin !== 'unknown') return origin;
    }
    const things = bound ? this.#resolver.bound(bound, []) : [];
    if (things.some((thing) => thing.kind === 'class' && this.#isClientClass(thing.class))) return 'client';
    const hint = rules.hint(name);
    if (hint === 'generic') return 'unknown';
    return hint === 'yes' ? 'likely' : 'other';
  }

  #isClientClass(candidate: BlockRef): boolean {
    const { clientClasses } = candidate.module.rules;
    return this.#resolver.unknownBases(candidate).some(({ base, at }) => {
      const name = lastName(base) ?? '';
      if (clientClasses.has(name)) return base.kind === 'attribute' || at.block.lookup(name).every(({ binding }) => binding.kind === 'import');
      return this.#resolver.resolve(base, at).some((thing) => thing.kind === 'outside' && clientClasses.has(thing.name?.split('.').at(-1) ?? ''));
    });
  }

  #hinted(name: string, at: Place): Origin {
    const hint = at.block.module.rules.hint(name);
    return hint === 'yes' ? 'likely' : hint === 'generic' ? 'generic' : 'unknown';
  }
}

const STRENGTH: readonly Origin[] = ['client', 'openfeature', 'likely', 'generic', 'unknown', 'other', 'nothing'];

/** Of several origins the one that speaks most for a client: one good assignment is enough. */
function strongest(origins: readonly Origin[]): Origin {
  return STRENGTH.find((origin) => origins.includes(origin)) ?? 'unknown';
}
