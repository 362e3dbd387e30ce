/**
 * Is the object before `.is_enabled` an Unleash client? The rule, in this order:
 *
 * 1. What the file says about where the object comes from decides. It *is* a client when it is made by `UnleashClient(...)`
 *    or a subclass of it in this file, annotated as one, imported from a module or under a name with "unleash" in it, or
 *    assigned from such a thing, be it a variable, an attribute (`self.client`), a `with ... as` or a function's annotated
 *    result. It is *not* one when all that is assigned to it is something else: a literal, a collection, an object of a
 *    class whose name says nothing of flags, an import from another vendor's flag SDK with the same method names.
 * 2. Where the file is silent (an unannotated parameter, an import from elsewhere), the name decides: see `NameHint`. A
 *    bare `client` passes when it is a parameter or when the file imports something of flags.
 * 3. Everything else is rejected: `logger.is_enabled("x")`, `plugin.is_enabled("x")`, `self.is_enabled("x")` of a class
 *    that is no UnleashClient.
 */
import type { ClassInFile, ClassTable } from './classes.ts';
import { isAboutUnleash, isClassName, mentionsFlags, mentionsUnleash, nameHint } from './clientNames.ts';
import { written, type Expression } from './expressions.ts';
import type { Fact } from './facts.ts';
import type { Binding, Member, NameTable, Scopes } from './scopes.ts';

/** `likely` and `generic` rest on a name; `nothing` is `None`, a placeholder for what is assigned elsewhere. */
type Origin = 'client' | 'likely' | 'generic' | 'unknown' | 'other' | 'nothing';

/** Other vendors' packages whose clients have `is_enabled` or `get_variant` as well. */
const FOREIGN_PACKAGES = new Set(['featuremanagement']);

/** Names in annotations that leave the type open. */
const OPEN_TYPES = new Set(['Any', 'object', 'Optional', 'Union', 'None', 'Annotated', 'Final', 'ClassVar', 'Depends', 'typing', 't']);

export class Receivers {
  readonly #names: NameTable;
  readonly #classes: ClassTable;
  /** What assignments were found to give; `unknown` while that is being worked out, which ends circles. */
  readonly #known = new Map<Fact, Origin>();

  constructor(names: NameTable, classes: ClassTable) {
    this.#names = names;
    this.#classes = classes;
  }

  isClient(receiver: Expression, scopes: Scopes): boolean {
    const origin = this.#origin(receiver, scopes);
    return origin === 'client' || origin === 'likely' || (origin === 'generic' && this.#names.imports().names.some(mentionsFlags));
  }

  #origin(expression: Expression, scopes: Scopes): Origin {
    switch (expression.kind) {
      case 'name': return this.#name(expression.name, scopes);
      case 'attribute': return this.#attribute(expression.object, expression.name, scopes);
      case 'call': return this.#call(expression.callee, scopes);
      case 'either': return strongest(expression.options.map((option) => this.#origin(option, scopes)));
      case 'none': return 'nothing';
      case 'text': case 'integer': case 'join': case 'plain': return 'other';
      case 'other': return 'unknown';
    }
  }

  #name(name: string, scopes: Scopes): Origin {
    if (name === 'self' || name === 'cls') return this.#isClientClass(this.#classes.around(scopes)) ? 'client' : 'other';
    const origin = strongest(this.#names.lookup(name, scopes).map((binding) => this.#binding(name, binding)));
    return origin === 'unknown' || origin === 'nothing' ? hinted(name) : origin;
  }

  #binding(name: string, binding: Binding): Origin {
    const { data } = binding;
    switch (data.kind) {
      case 'assign': return this.#assigned(name, binding, data);
      case 'bound': return data.value ? this.#assigned(name, binding, { value: data.value, annotation: undefined }) : 'unknown';
      case 'parameter': {
        const origin = this.#annotation(data.annotation, this.#names.scopesOf(name, binding));
        // A parameter called `client` that is asked for a flag by name is one: nothing else in the file could tell.
        return origin === 'unknown' && nameHint(name) === 'generic' ? 'likely' : origin;
      }
      case 'import': return importOrigin(data.module, data.name);
      case 'class': case 'function': return 'other';
    }
  }

  #assigned(word: string, fact: Fact, { value, annotation }: { readonly value: Expression | undefined; readonly annotation: string | undefined }): Origin {
    const known = this.#known.get(fact);
    if (known) return known;
    this.#known.set(fact, 'unknown');
    const scopes = this.#names.scopesOf(word, fact);
    const declared = this.#annotation(annotation, scopes);
    const origin = declared !== 'unknown' || !value ? declared : this.#origin(value, scopes);
    this.#known.set(fact, origin);
    return origin;
  }

  #attribute(object: Expression, name: string, scopes: Scopes): Origin {
    const owner = this.#classes.behind(object, scopes);
    const found = owner ? this.#inClass(name, owner) : this.#names.members(name).map((member) => this.#member(name, member));
    const origin = strongest(found);
    if (origin !== 'unknown' && origin !== 'nothing') return origin;
    const hint = hinted(name);
    // `unleash.client`: what the object is called says what kind of client it is.
    const outer = written(object)?.split('.').at(-1);
    return hint === 'generic' && outer !== undefined && nameHint(outer.replace('()', '')) === 'yes' ? 'likely' : hint;
  }

  #inClass(name: string, owner: ClassInFile): readonly Origin[] {
    const family = [owner, ...this.#classes.bases(owner).known];
    const bindings = family.flatMap(({ definition }) => this.#names.inClass(name, definition));
    const members = this.#names.members(name).filter((member) => {
      const other = this.#classes.behind(member.data.object, this.#names.scopesOf(name, member));
      return other !== undefined && family.some(({ definition }) => definition.id === other.definition.id);
    });
    return [
      // A function in a class body that is read as an attribute is a property: its annotated result counts.
      ...bindings.map((binding) => binding.data.kind === 'function' ? this.#annotation(binding.data.returns, this.#names.scopesOf(name, binding)) : this.#binding(name, binding)),
      ...members.map((member) => this.#member(name, member)),
    ];
  }

  #member(name: string, member: Member): Origin {
    return this.#assigned(name, member, member.data);
  }

  /** What calling something gives: an object of a class, or the result of a function. */
  #call(callee: Expression, scopes: Scopes): Origin {
    const name = callee.kind === 'name' || callee.kind === 'attribute' ? callee.name : undefined;
    if (name === undefined) return 'unknown';
    if (name === 'UnleashClient') return 'client';
    if (callee.kind === 'name') {
      if (name === 'super') return this.#name('self', scopes);
      const returned = this.#names.lookup(name, scopes).flatMap(({ data }) => data.kind === 'function' ? [this.#annotation(data.returns, scopes)] : []);
      if (returned.length > 0) return strongest([...returned, hinted(name)]);
    }
    if (isClassName(name) || (callee.kind === 'name' && this.#classes.named(name, scopes))) return this.#type(name, callee.kind === 'name' ? scopes : []);
    return hinted(name);
  }

  /** What an annotation says; `unknown` when there is none, or one that leaves the type open. */
  #annotation(annotation: string | undefined, scopes: Scopes): Origin {
    const names = annotation?.match(/[\p{ID_Start}_][\p{ID_Continue}]*/gu)?.filter((name) => !OPEN_TYPES.has(name)) ?? [];
    return strongest(names.map((name) => this.#type(name, scopes)));
  }

  /** What objects of a class are, by the class's name where it is used. */
  #type(name: string, scopes: Scopes): Origin {
    if (mentionsUnleash(name)) return 'client';
    const [binding] = this.#names.lookup(name, scopes);
    if (binding?.data.kind === 'import') {
      const origin = importOrigin(binding.data.module, binding.data.name);
      if (origin !== 'unknown') return origin;
    }
    if (binding?.data.kind === 'class' && this.#isClientClass(this.#classes.named(name, scopes))) return 'client';
    const hint = nameHint(name);
    if (hint === 'generic') return 'unknown';
    return hint === 'yes' ? 'likely' : 'other';
  }

  #isClientClass(candidate: ClassInFile | undefined): boolean {
    if (!candidate) return false;
    const family = [candidate, ...this.#classes.bases(candidate).known];
    return family.some((one) => one.bases.some((base) => {
      if (base.kind === 'attribute') return base.name === 'UnleashClient';
      if (base.kind !== 'name') return false;
      const [binding] = this.#names.lookup(base.name, one.scopes);
      return binding?.data.kind === 'import' ? binding.data.name === 'UnleashClient' : binding === undefined && base.name === 'UnleashClient';
    }));
  }
}

function importOrigin(module: string, name: string | undefined): Origin {
  if (FOREIGN_PACKAGES.has(module.split('.')[0] ?? '')) return 'other';
  if (name !== undefined && isAboutUnleash(name)) return 'unknown';
  return mentionsUnleash(module) || (name !== undefined && mentionsUnleash(name)) ? 'client' : 'unknown';
}

function hinted(name: string): Origin {
  const hint = nameHint(name);
  return hint === 'yes' ? 'likely' : hint === 'generic' ? 'generic' : 'unknown';
}

const STRENGTH: readonly Origin[] = ['client', 'likely', 'generic', 'unknown', 'other', 'nothing'];

/** Of several origins the one that speaks most for a client: one good assignment is enough. */
function strongest(origins: readonly Origin[]): Origin {
  return STRENGTH.find((origin) => origins.includes(origin)) ?? 'unknown';
}
