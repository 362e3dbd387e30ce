import { childrenOf, textOf, type Source, type SyntaxNode } from '../syntax.ts';

const TRANSPARENT = new Set(['parenthesized_expression', 'await_expression', 'as_expression', 'satisfies_expression', 'non_null_expression', 'ternary_expression']);

/** Whether the result of a call is what the function around it answers: `return client.isEnabled("a")`, `if (...) return true`. */
export function answers(source: Source, call: SyntaxNode): boolean {
  let node = call;
  for (let above = node.parent; above; node = above, above = above.parent) {
    if (above.type === 'return_statement') return true;
    if (above.type === 'arrow_function') return above.childForFieldName('body')?.id === node.id;
    if (above.type === 'if_statement') return returnsTruth(source, above.childForFieldName('consequence'));
    const logical = above.type === 'binary_expression' && /^(?:&&|\|\||\?\?|[!=]==?)$/.test(textOf(source, above.childForFieldName('operator') ?? above));
    const negated = above.type === 'unary_expression' && source.text.startsWith('!', above.startIndex);
    const converted = above.type === 'arguments' && /^Boolean$/.test(textOf(source, above.parent?.childForFieldName('function') ?? above));
    if (!logical && !negated && !converted && !TRANSPARENT.has(above.type) && !(above.type === 'call_expression' && node.type === 'arguments')) return false;
  }
  return false;
}

function returnsTruth(source: Source, consequence: SyntaxNode | null): boolean {
  const statement = consequence?.type === 'statement_block' ? childrenOf(consequence)[0] : consequence;
  return statement?.type === 'return_statement' && /^return\s+(?:true|false)\b/.test(textOf(source, statement));
}
