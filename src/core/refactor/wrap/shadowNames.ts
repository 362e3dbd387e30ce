/** Which names an expression reads, and which of them may mean something else by the time it is evaluated. */
import { isField, isFirst, nearest, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { FUNCTION_SCOPES, occurrences, roleOf, scopeOf, spanOf } from '../python/names.ts';

export const COMPREHENSIONS: ReadonlySet<string> = new Set(['list_comprehension', 'set_comprehension', 'dictionary_comprehension', 'generator_expression']);
const PARAMETERS: ReadonlySet<string> = new Set(['parameters', 'lambda_parameters']);
const LOOPS: ReadonlySet<string> = new Set(['for_statement', 'while_statement']);
const DEFINITIONS: ReadonlySet<string> = new Set(['function_definition', 'class_definition', 'aliased_import']);
const IMPORTS: ReadonlySet<string> = new Set(['import_statement', 'import_from_statement']);
/** Methods that change a list, a dictionary, a set or an array. */
const CHANGING = /^(?:append|appendleft|extend|insert|pop|popleft|popitem|remove|discard|clear|update|setdefault|add|sort|reverse|fill|resize|put)$/;

/** The identifiers of an expression that are read from outside of it: not the variables of its comprehensions and lambdas. */
export function* freeNames(source: Source, node: SyntaxNode, hidden: ReadonlySet<string> = new Set()): Generator<SyntaxNode> {
  if (node.type === 'identifier') {
    if (roleOf(node) === 'load' && !hidden.has(textOf(source, node))) yield node;
    return;
  }
  if (node.type === 'lambda') {
    const inner = withBound(source, hidden, node.namedChildren.filter(({ type }) => PARAMETERS.has(type)));
    for (const child of node.namedChildren) yield* freeNames(source, child, PARAMETERS.has(child.type) ? hidden : inner);
    return;
  }
  const clauses = COMPREHENSIONS.has(node.type) ? node.namedChildren.filter(({ type }) => type === 'for_in_clause') : [];
  const inner = clauses.length === 0 ? hidden : withBound(source, hidden, clauses.flatMap((clause) => clause.childForFieldName('left') ?? []));
  for (const child of node.namedChildren) {
    if (child.id !== clauses[0]?.id) yield* freeNames(source, child, inner);
    // What is gone through first is read outside.
    else for (const part of child.namedChildren) yield* freeNames(source, part, isField(child, 'left', part) ? inner : hidden);
  }
}

function withBound(source: Source, hidden: ReadonlySet<string>, nodes: readonly SyntaxNode[]): ReadonlySet<string> {
  return new Set([...hidden, ...nodes.flatMap((node) => identifiersIn(node)).filter((each) => roleOf(each) === 'bind').map((each) => textOf(source, each))]);
}

export function identifiersIn(node: SyntaxNode): readonly SyntaxNode[] {
  return node.type === 'identifier' ? [node] : node.namedChildren.flatMap(identifiersIn);
}

/** The innermost scopes around a place, without the module's. */
function functionsAround(place: SyntaxNode): ReadonlySet<number> {
  const found = new Set<number>();
  for (let scope = scopeOf(place); scope.type !== 'module'; scope = scopeOf(scope)) if (FUNCTION_SCOPES.has(scope.type)) found.add(scope.id);
  return found;
}

/** The scope in which an identifier is bound; undefined for the variable of a comprehension. */
export function ownerOf(bound: SyntaxNode): SyntaxNode | undefined {
  const parameters = nearest(bound, PARAMETERS);
  const scope = scopeOf(bound);
  if (parameters?.parent && parameters.startIndex >= scope.startIndex) return parameters.parent;
  return bound.parent?.type !== 'named_expression' && isInComprehension(bound, scope) ? undefined : scope;
}

function isInComprehension(node: SyntaxNode, scope: SyntaxNode): boolean {
  const comprehension = nearest(node, COMPREHENSIONS);
  return comprehension !== undefined && comprehension.startIndex >= scope.startIndex && comprehension.endIndex <= scope.endIndex;
}

/**
 * Whether a name must be kept as it is at a place, for code that runs later: it is a variable of a function, or one of the
 * module that is set in several places. What the module imports, defines or sets once is read then.
 */
export function isKept(source: Source, place: SyntaxNode, name: string): boolean {
  const found = occurrences(source, name, spanOf(source.root)).filter(({ role }) => role === 'bind' || role === 'declare');
  const around = functionsAround(place);
  const bound = found.filter(({ role }) => role === 'bind').map(({ node }) => ({ node, owner: ownerOf(node) }));
  if (bound.some(({ owner }) => owner !== undefined && around.has(owner.id))) return true;
  const own = bound.filter(({ owner }) => owner?.type === 'module').map(({ node }) => node);
  if (own.length === 0 || own.every(isDefinition)) return false;
  return own.length > 1 || around.size === 0 || found.some(({ role }) => role === 'declare') || own.some((node) => nearest(node, LOOPS) !== undefined) || isChanged(source, name);
}

/** Whether a file changes what a name holds: `seen.append(x)`, `seen[x] = 1`. */
function isChanged(source: Source, name: string): boolean {
  return occurrences(source, name, spanOf(source.root)).some(({ node, role }) => {
    const { parent } = node;
    if (role !== 'load' || !parent || !isFirst(parent, node)) return false;
    const holder = parent.parent;
    const method = parent.type === 'attribute' && holder?.type === 'call' && isField(holder, 'function', parent) ? parent.childForFieldName('attribute') : null;
    if (method) return CHANGING.test(textOf(source, method));
    const isTarget = holder?.type === 'delete_statement' || ((holder?.type === 'assignment' || holder?.type === 'augmented_assignment') && isField(holder, 'left', parent));
    return isTarget && (parent.type === 'subscript' || parent.type === 'attribute');
  });
}

/** Whether a name is bound by an import or a definition. */
function isDefinition({ parent }: SyntaxNode): boolean {
  return parent !== null && (DEFINITIONS.has(parent.type) || (parent.type === 'dotted_name' && parent.parent !== null && IMPORTS.has(parent.parent.type)));
}
