import { evaluator } from './evaluate.ts';
import type { Typed } from './types.ts';

/** The parts of a node that are expressions themselves. */
function parts(node: Typed): readonly Typed[] {
  switch (node.kind) {
    case 'literal': case 'field': return [];
    case 'convert': case 'not': case 'negate': case 'in': case 'isNull': return [node.operand];
    case 'and': case 'or': case 'arithmetic': case 'comparison': return [node.left, node.right];
    case 'call': return node.arguments;
  }
}

/** The innermost part of an expression that reads no field and is null all the same, such as `1 / 0`: whatever needs it is never told, whatever the record is. */
export function neverTold(tree: Typed): Typed | undefined {
  return look(tree).found;
}

function look(node: Typed): { readonly isConstant: boolean; readonly found: Typed | undefined } {
  const inner = parts(node).map(look);
  const isConstant = node.kind !== 'field' && inner.every((each) => each.isConstant);
  const found = inner.find((each) => each.found !== undefined)?.found;
  return { isConstant, found: found ?? (isConstant && evaluator(node)({}) === null ? node : undefined) };
}
