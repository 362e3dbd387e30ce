import type { DynamicCause, DynamicKey, FlagKey } from '../model.ts';
import { nearest } from '../syntax.ts';
import { isOwnInstance, type ClassInFile, type ClassTable } from './classes.ts';
import { written, type Expression } from './expressions.ts';
import type { Fact } from './facts.ts';
import { FUNCTIONS, type Binding, type NameTable, type Scopes } from './scopes.ts';

/** What an expression is worth. `named`: reached through a name; `member`: an enum member that also is a string. */
type Value =
  | { readonly kind: 'text'; readonly value: string; readonly named: boolean; readonly member: boolean }
  | { readonly kind: 'integer'; readonly digits: string }
  | DynamicKey;

function dynamic(cause: DynamicCause, reason: string): DynamicKey {
  return { kind: 'dynamic', cause, reason };
}

/**
 * Works out the texts that expressions stand for. A name counts as a constant when its scope assigns it exactly once, as
 * a statement of its own; everything else is dynamic and says why.
 */
export class Constants {
  readonly #names: NameTable;
  readonly #classes: ClassTable;
  /** Values of assignments; undefined while one is being worked out: met again then, it is defined by itself. */
  readonly #known = new Map<Fact, Value | undefined>();

  constructor(names: NameTable, classes: ClassTable) {
    this.#names = names;
    this.#classes = classes;
  }

  key(expression: Expression, scopes: Scopes): FlagKey {
    const value = this.#evaluate(expression, scopes);
    switch (value.kind) {
      case 'dynamic': return value;
      case 'integer': return dynamic('notText', `\`${value.digits}\` is a number, not text`);
      case 'text': return { kind: value.named ? 'constant' : 'literal', value: value.value };
    }
  }

  #evaluate(expression: Expression, scopes: Scopes): Value {
    switch (expression.kind) {
      case 'text': return { kind: 'text', value: expression.value, named: false, member: false };
      case 'integer': return expression;
      case 'none': return dynamic('notText', '`None` is not text');
      case 'plain': return dynamic('notText', `${expression.words} is not text`);
      case 'name': return this.#name(expression.name, scopes);
      case 'attribute': return this.#attribute(expression, scopes);
      case 'join': return this.#join(expression.parts, scopes);
      case 'either': return dynamic('conditional', 'a condition chooses between values');
      case 'call': return dynamic('expression', `the result of ${inBackquotes(expression) ?? 'a call'}`);
      case 'other': return dynamic('expression', `${expression.words} is not a constant`);
    }
  }

  #join(parts: Extract<Expression, { kind: 'join' }>['parts'], scopes: Scopes): Value {
    let text = '';
    let named = false;
    for (const { formatted, value: part } of parts) {
      const value = this.#evaluate(part, scopes);
      if (value.kind === 'dynamic') return value;
      if (value.kind === 'integer') {
        if (!formatted) return dynamic('notText', `\`${value.digits}\` is a number, not text`);
        named ||= part.kind !== 'integer';
        text += value.digits;
      } else {
        // What an enum member prints depends on the version of Python.
        if (formatted && value.member) return dynamic('notText', `${inBackquotes(part) ?? 'a part'} is an enum member`);
        named ||= value.named;
        text += value.value;
      }
    }
    return { kind: 'text', value: text, named, member: false };
  }

  #name(name: string, scopes: Scopes): Value {
    const found = this.#names.lookup(name, scopes);
    const { wildcards } = this.#names.imports();
    if (found.length === 0) {
      const source = wildcards.at(-1);
      return source ? dynamic('imported', `\`${name}\` may come from \`${source.module}\``) : dynamic('undefined', `\`${name}\` is not defined in this file`);
    }
    const value = this.#binding(name, `\`${name}\``, found);
    // A star import after the assignment may replace it.
    const over = value.kind === 'dynamic' ? undefined : wildcards.find(({ at }) => found.some((binding) => binding.at < at && this.#isOfModule(name, binding)));
    return over ? dynamic('imported', `\`${name}\` may be replaced by the names of \`${over.module}\``) : value;
  }

  #isOfModule(name: string, binding: Binding): boolean {
    return this.#names.scopesOf(name, binding).length === 1;
  }

  /** The value of a name from all that binds it; `shown` is how messages call it. */
  #binding(name: string, shown: string, found: readonly Binding[]): Value {
    const assigned = found.filter(({ data }) => data.kind !== 'assign' || data.value !== undefined);
    const [only, ...more] = assigned;
    if (!only) return dynamic('undefined', `${shown} is declared, but not assigned in this file`);
    if (more.length > 0) return dynamic('reassigned', `${shown} is assigned more than once`);
    const { data } = only;
    switch (data.kind) {
      case 'assign':
        if (!data.direct) return dynamic('conditional', `${shown} is assigned under a condition or in a loop`);
        return data.value ? this.#named(only, data.value, shown, this.#names.scopesOf(name, only)) : dynamic('undefined', `${shown} has no value`);
      case 'parameter': return dynamic('parameter', `${shown} is a parameter${this.#owner(name, only)}`);
      case 'import': return dynamic('imported', `${shown} is imported from \`${data.module}\``);
      case 'bound': return dynamic('reassigned', `${shown} is ${data.words}`);
      case 'class': return dynamic('notText', `${shown} is a class`);
      case 'function': return dynamic('notText', `${shown} is a function`);
    }
  }

  /** The value of an expression that is reached through a name. */
  #named(fact: Fact, expression: Expression, shown: string, scopes: Scopes): Value {
    if (this.#known.has(fact)) return this.#known.get(fact) ?? dynamic('expression', `${shown} is defined by itself`);
    this.#known.set(fact, undefined);
    const evaluated = this.#evaluate(expression, scopes);
    const value = evaluated.kind === 'text' ? { ...evaluated, named: true } : evaluated;
    this.#known.set(fact, value);
    return value;
  }

  #owner(name: string, parameter: Fact): string {
    const owner = nearest(this.#names.nodeOf(name, parameter), FUNCTIONS);
    const label = owner?.childForFieldName('name');
    return label ? ` of \`${this.#names.source.text.slice(label.startIndex, label.endIndex)}\`` : '';
  }

  #attribute(expression: Extract<Expression, { kind: 'attribute' }>, scopes: Scopes): Value {
    const shown = inBackquotes(expression) ?? 'the attribute';
    const { object, name } = expression;
    if (name === 'value' && object.kind === 'attribute') {
      const owner = this.#classes.behind(object.object, scopes);
      if (owner && this.#enumKind(owner) !== undefined) return this.#classConstant(owner, object.name, shown, false);
    }
    const owner = this.#classes.behind(object, scopes);
    if (owner) {
      const kind = this.#enumKind(owner);
      if (kind === 'plain') return dynamic('notText', `${shown} is an enum member`);
      const value = this.#classConstant(owner, name, shown, isOwnInstance(object));
      return value.kind === 'text' && kind === 'text' ? { ...value, member: true } : value;
    }
    const imported = object.kind === 'name' ? this.#names.lookup(object.name, scopes).find(({ data }) => data.kind === 'import') : undefined;
    return imported ? dynamic('imported', `${shown} is defined in another file`) : dynamic('expression', `${shown} is not a constant of this file`);
  }

  /** Whether a class is an enum, and whether its members are strings themselves. */
  #enumKind(owner: ClassInFile): 'plain' | 'text' | undefined {
    const bases = this.#classes.bases(owner).unknown.flatMap((base) => written(base)?.split('.').at(-1) ?? []);
    if (bases.includes('StrEnum')) return 'text';
    if (!bases.some((base) => base === 'Enum' || base === 'IntEnum' || base === 'Flag' || base === 'IntFlag')) return undefined;
    return bases.includes('str') ? 'text' : 'plain';
  }

  #classConstant(owner: ClassInFile, name: string, shown: string, throughInstance: boolean): Value {
    const { known, unknown } = this.#classes.bases(owner);
    const heir = throughInstance ? this.#classes.heirs(owner).find(({ definition }) => this.#names.inClass(name, definition).length > 0) : undefined;
    if (heir) return dynamic('reassigned', `${shown} is assigned anew in \`${heir.name}\``);
    const members = this.#classes.membersOf(name, owner);
    for (const one of [owner, ...known]) {
      const found = this.#names.inClass(name, one.definition);
      if (found.length === 0 || found.every(({ data }) => data.kind === 'assign' && data.value === undefined)) continue;
      return members.length > 0 ? dynamic('reassigned', `${shown} is assigned more than once`) : this.#binding(name, shown, found);
    }
    const [member, ...more] = members;
    if (more.length > 0) return dynamic('reassigned', `${shown} is assigned more than once`);
    if (member?.data.value) {
      return member.data.direct && isOwnInstance(member.data.object) && this.#isInInit(name, member)
        ? this.#named(member, member.data.value, shown, this.#names.scopesOf(name, member))
        : dynamic('conditional', `${shown} is assigned under a condition or outside \`__init__\``);
    }
    const base = unknown.map(inBackquotes).find((words) => words !== undefined && words !== '`object`');
    return base ? dynamic('imported', `${shown} may come from the base class ${base}`) : dynamic('undefined', `${shown} is not defined in this file`);
  }

  #isInInit(name: string, member: Fact): boolean {
    const method = this.#names.scopesOf(name, member)[0]?.node.childForFieldName('name');
    return method ? this.#names.source.text.slice(method.startIndex, method.endIndex) === '__init__' : false;
  }
}

function inBackquotes(expression: Expression): string | undefined {
  const words = written(expression);
  return words === undefined ? undefined : `\`${words}\``;
}
