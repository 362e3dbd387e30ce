import { nearest, textOf, type SyntaxNode } from '../syntax.ts';
import type { Expression } from './expressions.ts';
import { remembered, type Member, type NameTable, type Scopes } from './scopes.ts';

const CLASSES: ReadonlySet<string> = new Set(['class_definition']);

/** A class of the file: its definition and what it is called there. */
export interface ClassInFile {
  readonly name: string;
  readonly definition: SyntaxNode;
  readonly bases: readonly Expression[];
  /** The scopes around the definition. */
  readonly scopes: Scopes;
}

/** `self` and `cls` by convention: what every Python style guide asks for. */
export function isOwnInstance(expression: Expression): boolean {
  return expression.kind === 'name' && (expression.name === 'self' || expression.name === 'cls');
}

/** The classes of one version of a text and how they inherit within it. */
export class ClassTable {
  readonly #names: NameTable;
  readonly #around = new Map<number, ClassInFile | null>();

  constructor(names: NameTable) {
    this.#names = names;
  }

  /** The class that a name means, when the file defines it once and binds the name to nothing else. */
  named(name: string, scopes: Scopes): ClassInFile | undefined {
    const [binding, ...more] = this.#names.lookup(name, scopes);
    if (!binding || more.length > 0 || binding.data.kind !== 'class') return undefined;
    const definition = this.#names.nodeOf(name, binding).parent;
    if (definition?.type !== 'class_definition') return undefined;
    return { name, definition, bases: binding.data.bases, scopes: this.#names.scopesOf(name, binding) };
  }

  /** The class whose body, or whose method's body, is around. */
  around(scopes: Scopes): ClassInFile | undefined {
    const index = scopes.findIndex(({ kind }) => kind === 'class');
    const definition = scopes[index]?.node;
    if (!definition) return undefined;
    return remembered(this.#around, definition.id, () => this.#read(definition, scopes.slice(index + 1))) ?? undefined;
  }

  #read(definition: SyntaxNode, scopes: Scopes): ClassInFile | null {
    const node = definition.childForFieldName('name');
    if (!node) return null;
    const name = textOf(this.#names.source, node);
    const fact = this.#names.facts(name).find(({ at }) => at === node.startIndex);
    return { name, definition, bases: fact?.data.kind === 'class' ? fact.data.bases : [], scopes };
  }

  /** The class that an expression such as `self`, `cls` or `Flags` stands for or is an instance of. */
  behind(expression: Expression, scopes: Scopes): ClassInFile | undefined {
    if (expression.kind !== 'name') return undefined;
    return isOwnInstance(expression) ? this.around(scopes) : this.named(expression.name, scopes);
  }

  /** The bases that the file defines, nearest first, and the names of those that it does not. */
  bases(of: ClassInFile): { readonly known: readonly ClassInFile[]; readonly unknown: readonly Expression[] } {
    const known: ClassInFile[] = [];
    const unknown: Expression[] = [];
    const seen = new Set([of.definition.id]);
    const visit = (one: ClassInFile): void => {
      for (const base of one.bases) {
        const found = this.behind(base, one.scopes);
        if (!found) unknown.push(base);
        else if (!seen.has(found.definition.id)) {
          seen.add(found.definition.id);
          known.push(found);
          visit(found);
        }
      }
    };
    visit(of);
    return { known, unknown };
  }

  /** The classes of the file that inherit from a class, near and far. */
  heirs(of: ClassInFile): readonly ClassInFile[] {
    const heirs: ClassInFile[] = [];
    const seen = new Set([of.definition.id]);
    const visit = (one: ClassInFile): void => {
      for (const fact of this.#names.facts(one.name)) {
        if (fact.data.kind !== 'base') continue;
        const definition = nearest(this.#names.nodeOf(one.name, fact), CLASSES);
        if (!definition || seen.has(definition.id)) continue;
        seen.add(definition.id);
        const heir = this.around([{ kind: 'class', node: definition }, ...this.#names.scopesOf(one.name, fact)]);
        if (heir) {
          heirs.push(heir);
          visit(heir);
        }
      }
    };
    visit(of);
    return heirs;
  }

  /**
   * Assignments to `object.name` that may reach instances of a class: through `self`, `cls` or a class's name when that is
   * of the same family, and through any other object, because nobody can tell what it is.
   */
  membersOf(name: string, of: ClassInFile): readonly Member[] {
    const family = new Set([of, ...this.bases(of).known, ...this.heirs(of)].map(({ definition }) => definition.id));
    return this.#names.members(name).filter((member) => {
      if (member.data.value === undefined) return false;
      const owner = this.behind(member.data.object, this.#names.scopesOf(name, member));
      return owner ? family.has(owner.definition.id) : !isOwnInstance(member.data.object);
    });
  }
}
