/** When code that never runs may go: in Python even that can give meaning to code that does. */
import { nearest, type SyntaxNode } from '../../callsites/syntax.ts';
import { boundNames, contains, descendants, FUNCTION_SCOPES, occurrences, scopeOf, spanOf } from './names.ts';
import type { Pass } from './pass.ts';

/** Whether code that is never reached, all of it in one scope, can be removed without changing what the rest means. */
export function mayDrop(pass: Pass, dropped: readonly SyntaxNode[]): boolean {
  return whyNotDrop(pass, dropped) === undefined;
}

/** A clause that says why the rest of the function would mean something else without the code. */
export function whyNotDrop(pass: Pass, dropped: readonly SyntaxNode[]): string | undefined {
  const { source } = pass;
  const [first] = dropped;
  if (!first || !dropped.some((node) => /[:=]|yield|import|global|nonlocal|del\b/.test(pass.text(node)))) return undefined;
  const scope = scopeOf(first);
  const isDropped = (node: SyntaxNode): boolean => dropped.some((each) => contains(spanOf(each), node));
  if (scope.type === 'function_definition' && dropped.some((node) => pass.text(node).includes('yield') && hasYield(node))) {
    const others = [...descendants(scope, (node) => !FUNCTION_SCOPES.has(node.type))].some((node) => node.type === 'yield' && !isDropped(node));
    if (!others) return 'without the `yield` in the code that would go the function were no generator';
  }
  const declares = dropped.filter((node) => /\b(?:global|nonlocal)\b/.test(pass.text(node))).flatMap((node) => [...descendants(node)]).find((node) => (node.type === 'global_statement' || node.type === 'nonlocal_statement') && scopeOf(node).id === scope.id);
  if (declares) return `\`${pass.text(declares)}\` stands in the code that would go`;
  if (!FUNCTION_SCOPES.has(scope.type)) return undefined;
  const bound = new Set(dropped.flatMap((node) => [...boundNames(source, node)]));
  for (const name of bound) {
    const rest = occurrences(source, name, spanOf(scope)).filter(({ node, role }) => role !== 'label' && !isDropped(node));
    const isBoundElsewhere = rest.some(({ node, role }) => role !== 'load' && (scopeOf(node).id === scope.id || nearest(node, FUNCTION_SCOPES)?.id === scope.id));
    if (!isBoundElsewhere && rest.some(({ role }) => role === 'load')) return `\`${name}\` is only assigned in the code that would go, and is used in the rest`;
  }
  return undefined;
}

function hasYield(node: SyntaxNode): boolean {
  return [...descendants(node, (child) => !FUNCTION_SCOPES.has(child.type))].some(({ type }) => type === 'yield');
}

const ENDS: ReadonlySet<string> = new Set(['return_statement', 'raise_statement', 'continue_statement', 'break_statement']);

/** Whether nothing after a block's last statement can be reached through it. */
export function leaves(block: SyntaxNode): boolean {
  const last = block.namedChildren.findLast((child) => child.type !== 'comment');
  if (!last) return false;
  if (ENDS.has(last.type)) return true;
  if (last.type !== 'if_statement') return false;
  const branches = branchesOf(last);
  return branches.at(-1)?.type === 'else_clause' && branches.every((branch) => {
    const body = bodyOf(branch);
    return body !== undefined && leaves(body);
  });
}

/** An `if` with its `elif` and `else` clauses in their order; the first stands for the `if` itself. */
export function branchesOf(statement: SyntaxNode): readonly SyntaxNode[] {
  return [statement, ...statement.namedChildren.filter(({ type }) => type === 'elif_clause' || type === 'else_clause')];
}

/** The block of an `if`, a clause, a loop or a definition. */
export function bodyOf(clause: SyntaxNode): SyntaxNode | undefined {
  return clause.namedChildren.find(({ type }) => type === 'block');
}
