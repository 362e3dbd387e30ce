/** Which names a piece of Python binds and reads, and in which scope. */
import { identifierAt, isField, isFirst, nearest, textOf, type Source, type Span, type SyntaxNode } from '../../callsites/syntax.ts';

/**
 * What an identifier does: `load` reads the name, `bind` makes it local to its scope, `declare` is `global` or `nonlocal`;
 * `label` names something else: an attribute, a keyword argument, a module in an import.
 */
export type Role = 'load' | 'bind' | 'declare' | 'label';

export interface Occurrence {
  readonly node: SyntaxNode;
  readonly role: Role;
}

export const FUNCTION_SCOPES: ReadonlySet<string> = new Set(['function_definition', 'lambda']);
const BODY_SCOPES: ReadonlySet<string> = new Set(['function_definition', 'lambda', 'class_definition', 'module']);
const TARGET_LISTS: ReadonlySet<string> = new Set(['pattern_list', 'tuple_pattern', 'list_pattern', 'list_splat_pattern', 'splat_pattern', 'dictionary_splat_pattern', 'tuple', 'list', 'expression_list']);
const PARAMETER_LISTS: ReadonlySet<string> = new Set(['parameters', 'lambda_parameters', 'typed_parameter']);
const PATTERNS: ReadonlySet<string> = new Set(['case_pattern', 'union_pattern', 'keyword_pattern', 'splat_pattern', 'as_pattern']);

/** The function, class or module whose body a node stands in; what stands in a definition's head belongs to the scope around. */
export function scopeOf(node: SyntaxNode): SyntaxNode {
  let child = node;
  for (let above = node.parent; above; child = above, above = above.parent) {
    if (above.type === 'module') return above;
    if (BODY_SCOPES.has(above.type) && isField(above, 'body', child)) return above;
  }
  return child;
}

/** Every node of a type below and including a node, in the order of the text. */
export function* descendants(node: SyntaxNode, into: (node: SyntaxNode) => boolean = () => true): Generator<SyntaxNode> {
  yield node;
  for (const child of node.namedChildren) if (into(child)) yield* descendants(child, into);
}

/** All occurrences of a name in a subtree. */
export function occurrences(source: Source, name: string, within: Span): readonly Occurrence[] {
  const found: Occurrence[] = [];
  for (let at = source.text.indexOf(name, within.start); at !== -1 && at + name.length <= within.end; at = source.text.indexOf(name, at + name.length)) {
    const node = identifierAt(source, at, name.length);
    if (node) found.push({ node, role: roleOf(node) });
  }
  return found;
}

export function spanOf({ startIndex, endIndex }: SyntaxNode): Span {
  return { start: startIndex, end: endIndex };
}

export function contains(outer: Span, { startIndex, endIndex }: SyntaxNode): boolean {
  return outer.start <= startIndex && endIndex <= outer.end;
}

export function roleOf(node: SyntaxNode): Role {
  const { parent } = node;
  if (!parent) return 'load';
  switch (parent.type) {
    case 'attribute': return isFirst(parent, node) ? 'load' : 'label';
    case 'keyword_argument': return isField(parent, 'name', node) ? 'label' : 'load';
    case 'function_definition': case 'class_definition': return isField(parent, 'name', node) ? 'bind' : 'load';
    case 'default_parameter': case 'typed_default_parameter': return isField(parent, 'name', node) ? 'bind' : 'load';
    case 'global_statement': case 'nonlocal_statement': return 'declare';
    case 'aliased_import': return isField(parent, 'alias', node) ? 'bind' : 'label';
    case 'dotted_name': return dottedRole(node, parent);
    case 'keyword_pattern': return isFirst(parent, node) ? 'label' : 'bind';
    case 'as_pattern': return parent.parent?.type === 'case_pattern' && !isFirst(parent, node) ? 'bind' : 'load';
    default: return targetRole(node, parent);
  }
}

function dottedRole(node: SyntaxNode, dotted: SyntaxNode): Role {
  const holder = dotted.parent;
  const first = isFirst(dotted, node);
  switch (holder?.type) {
    case 'import_statement': return first ? 'bind' : 'label';
    case 'import_from_statement': return isField(holder, 'module_name', dotted) ? 'label' : first ? 'bind' : 'label';
    case 'aliased_import': case 'relative_import': case 'future_import_statement': return 'label';
    default: {
      if (!first) return 'label';
      return holder && PATTERNS.has(holder.type) && dotted.namedChildren.length === 1 ? 'bind' : 'load';
    }
  }
}

function targetRole(node: SyntaxNode, parent: SyntaxNode): Role {
  let top = node;
  let holder: SyntaxNode | null = parent;
  while (holder && TARGET_LISTS.has(holder.type)) {
    top = holder;
    holder = holder.parent;
  }
  if (!holder) return 'load';
  if (PARAMETER_LISTS.has(holder.type)) return isField(holder, 'type', top) ? 'load' : 'bind';
  switch (holder.type) {
    case 'assignment': case 'augmented_assignment': case 'for_statement': case 'for_in_clause':
      return isField(holder, 'left', top) ? 'bind' : 'load';
    case 'named_expression': return isField(holder, 'name', top) ? 'bind' : 'load';
    case 'as_pattern_target': case 'delete_statement': return 'bind';
    case 'type': return holder.parent?.type === 'type_alias_statement' && isField(holder.parent, 'left', holder) ? 'bind' : 'load';
    case 'case_pattern': case 'dict_pattern': return top.type === 'splat_pattern' ? 'bind' : 'load';
    default: return 'load';
  }
}

const COMPREHENSIONS: ReadonlySet<string> = new Set(['list_comprehension', 'set_comprehension', 'dictionary_comprehension', 'generator_expression']);

/** The names that a subtree binds in the scope it stands in: not those of nested functions, classes and comprehensions. */
export function boundNames(source: Source, node: SyntaxNode): ReadonlySet<string> {
  const names = new Set<string>();
  const home = node.type === 'module' ? node : scopeOf(node);
  for (const each of descendants(node)) {
    if (each.type !== 'identifier' || roleOf(each) !== 'bind') continue;
    const scope = scopeOf(each);
    const isParameter = nearest(each, new Set(['parameters', 'lambda_parameters'])) !== undefined;
    const inComprehension = each.parent?.type !== 'named_expression' && nearest(each, COMPREHENSIONS) !== undefined;
    if (scope.id === home.id && !isParameter && !inComprehension) names.add(textOf(source, each));
  }
  return names;
}

/** Names through which code may reach variables that it does not spell out. */
const REFLECTION = /\b(?:exec|eval|locals|vars|globals|dir)\s*\(/;

/** Whether code in a span may read or write variables by other means than their names. */
export function isReflective(source: Source, { start, end }: Span): boolean {
  return REFLECTION.test(source.text.slice(start, end));
}

/** Whether an f-string prints the text of the expression that a node stands in: `f"{x=}"`. */
export function isPrinted(source: Source, node: SyntaxNode): boolean {
  for (let child = node, above = node.parent; above; child = above, above = above.parent) {
    if (above.type === 'interpolation') return /^\s*=/.test(source.text.slice(child.endIndex, above.endIndex));
    if (above.type === 'block') return false;
  }
  return false;
}

/** A definition's name with those of the definitions around it: `Scorer.score`; empty for the module. */
export function qualifiedName(source: Source, scope: SyntaxNode): string {
  const names: string[] = [];
  for (let node: SyntaxNode | null = scope; node; node = node.parent) {
    const name = node.type === 'function_definition' || node.type === 'class_definition' ? node.childForFieldName('name') : null;
    if (name) names.unshift(textOf(source, name));
  }
  return names.join('.');
}

/** The functions of a qualified name, in the order of the text. */
export function functionsNamed(source: Source, qualified: string): readonly SyntaxNode[] {
  const name = qualified.split('.').at(-1) ?? '';
  return occurrences(source, name, spanOf(source.root)).flatMap(({ node, role }) => {
    const { parent } = node;
    return role === 'bind' && parent?.type === 'function_definition' && qualifiedName(source, parent) === qualified ? [parent] : [];
  });
}
