/** Functions around the call of a flag: what they give once the flag's answer is known. */
import { childrenOf, isField, textOf, type Source, type SyntaxNode } from '../../callsites/syntax.ts';
import { bodyOf } from './dropping.ts';
import { functionsNamed } from './names.ts';
import { answerOf } from './pass.ts';

/** Decorators that leave what a function without effects gives as it is. */
const HARMLESS: ReadonlySet<string> = new Set(['staticmethod', 'classmethod', 'property', 'cached_property', 'functools.cached_property', 'cache', 'lru_cache', 'functools.cache', 'functools.lru_cache']);

export interface Definition {
  readonly node: SyntaxNode;
  /** With its decorators. */
  readonly whole: SyntaxNode;
  readonly isAsync: boolean;
  readonly isProperty: boolean;
}

/** The only function of this qualified name; undefined when there are none or several, or a decorator may change what it gives. */
export function definitionOf(source: Source, qualified: string): Definition | undefined {
  const found = functionsNamed(source, qualified);
  const [node] = found;
  if (!node || found.length > 1) return undefined;
  const whole = node.parent?.type === 'decorated_definition' ? node.parent : node;
  const decorators = whole.namedChildren.filter(({ type }) => type === 'decorator').map((each) => textOf(source, each).replace(/^@\s*/, '').replace(/\(.*$/s, ''));
  if (!decorators.every((decorator) => HARMLESS.has(decorator))) return undefined;
  return { node, whole, isAsync: textOf(source, node).startsWith('async'), isProperty: decorators.some((decorator) => decorator.endsWith('property')) };
}

/** The function whose name stands in a span of the text; undefined for what has none, such as a lambda. */
export function functionAt(source: Source, start: number, end: number): SyntaxNode | undefined {
  const name = source.root.namedDescendantForIndex(start, end);
  const definition = name?.parent;
  return name && definition?.type === 'function_definition' && isField(definition, 'name', name) ? definition : undefined;
}

/** What a function gives when all it does is to return the answer. */
export function constantOf(source: Source, { node }: Definition): boolean | undefined {
  const body = bodyOf(node);
  const statements = body ? childrenOf(body).filter((each, index) => index > 0 || !isDocstring(each)) : [];
  const [only] = statements;
  return statements.length === 1 && only?.type === 'return_statement' ? answerOf(source, childrenOf(only)[0]) : undefined;
}

function isDocstring(statement: SyntaxNode): boolean {
  const children = childrenOf(statement);
  return statement.type === 'expression_statement' && children.length === 1 && children[0]?.type === 'string';
}
