/** Simplifies what is asked of the variant that a flag gives from now on: its name, and whether it is enabled. */
import { childrenOf, isField, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { stringPieces } from '../../callsites/python/strings.ts';
import { boolMark, markOf, markText, type Pass } from './pass.ts';

/** What the SDK answers: the kept variant, or `disabled` when the flag is off. */
export interface KnownVariant {
  readonly name: string;
  readonly enabled: boolean;
}

export function simplifyVariant(pass: Pass, node: SyntaxNode, variant: KnownVariant): boolean {
  const mark = markOf(pass.source, node);
  if (mark?.kind === 'variant') return field(pass, node, mark.site, variant);
  return mark?.kind === 'name' && comparedName(pass, node, mark.site, variant);
}

/** `variant["name"]` and `variant.get("name")`; `feature_enabled` says the same of the flag as `enabled` of the variant. */
function field(pass: Pass, node: SyntaxNode, site: number, variant: KnownVariant): boolean {
  const { parent } = node;
  if (!parent) return false;
  const read = readField(pass.source, node, parent);
  if (!read) return parent.type === 'parenthesized_expression' && pass.replace(parent, pass.text(node));
  if (read.key === 'name') return pass.replace(read.whole, markText('name', site));
  return (read.key === 'enabled' || read.key === 'feature_enabled') && pass.replace(read.whole, boolMark(variant.enabled, site));
}

function readField(source: Source, node: SyntaxNode, parent: SyntaxNode): { readonly key: string | undefined; readonly whole: SyntaxNode } | undefined {
  if (parent.type === 'subscript' && isField(parent, 'value', node)) {
    const key = parent.childForFieldName('subscript');
    return key ? { key: plainText(source, key), whole: parent } : undefined;
  }
  const call = parent.parent;
  const list = call?.childForFieldName('arguments');
  if (parent.type !== 'attribute' || call?.type !== 'call' || !isField(call, 'function', parent) || !list) return undefined;
  const method = parent.childForFieldName('attribute');
  const args = childrenOf(list);
  const [key] = args;
  const isGet = method && source.text.slice(method.startIndex, method.endIndex) === 'get';
  return isGet && key && args.length <= 2 && args.every(({ type }) => type !== 'keyword_argument') ? { key: plainText(source, key), whole: call } : undefined;
}

function comparedName(pass: Pass, node: SyntaxNode, site: number, variant: KnownVariant): boolean {
  const { parent } = node;
  if (parent?.type !== 'comparison_operator') return false;
  const [left, right, ...more] = childrenOf(parent);
  if (!left || !right || more.length > 0) return false;
  const operator = pass.source.text.slice(left.endIndex, right.startIndex).trim().replace(/\s+/g, ' ');
  const other = left.id === node.id ? right : left;
  if (operator === '==' || operator === '!=') {
    const text = plainText(pass.source, other);
    return text !== undefined && pass.replace(parent, boolMark((text === variant.name) === (operator === '=='), site));
  }
  if ((operator !== 'in' && operator !== 'not in') || left.id !== node.id || !['tuple', 'list', 'set'].includes(right.type)) return false;
  const names = childrenOf(right).map((child) => plainText(pass.source, child));
  return names.every((name) => name !== undefined) && pass.replace(parent, boolMark(names.includes(variant.name) === (operator === 'in'), site));
}

/** The value of a string literal without holes. */
export function plainText(source: Source, node: SyntaxNode): string | undefined {
  if (node.type !== 'string') return undefined;
  const pieces = stringPieces(source, node);
  return pieces?.every((piece) => 'text' in piece) === true ? pieces.map((piece) => ('text' in piece ? piece.text : '')).join('') : undefined;
}
