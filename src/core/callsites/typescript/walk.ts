import type { Expression, TypeNames } from '../project/summary.ts';
import { textOf, type Source, type SyntaxNode } from '../syntax.ts';
import type { Place, Scope } from './blocks.ts';
import { readExpression, type ExpressionContext } from './expressions.ts';

/** `import name from` gets what is exported under this name. */
export const DEFAULT_EXPORT = 'default';

export const CLASSES: ReadonlySet<string> = new Set(['class_declaration', 'abstract_class_declaration', 'class']);

/** What reading one file has come to, and what all that read its parts share. */
export interface Walk {
  readonly source: Source;
  readonly exports: { readonly name: string; readonly local: string }[];
  readonly limits: string[];
  visit(node: SyntaxNode, place: Place): void;
  children(node: SyntaxNode, place: Place): void;
  /** A pair of braces in the given scope: what is declared there is known from its beginning. */
  statements(body: SyntaxNode, place: Place): void;
  /** The place of the block of a function that is an expression; it is read once. */
  lambda(node: SyntaxNode, place: Place, name?: string): number;
  /** A name that no text can have. */
  hiddenName(hint: string): string;
}

export function text(walk: Walk, node: SyntaxNode): string {
  return textOf(walk.source, node);
}

export function expressionContext(walk: Walk, { scope, depth, direct }: Place): ExpressionContext {
  return {
    source: walk.source,
    nameOf: (name) => scope.find(name)?.name ?? name,
    lambda: (node) => walk.lambda(node, { scope, depth: depth + 1, direct }),
  };
}

export function read(walk: Walk, node: SyntaxNode, place: Place): Expression {
  return readExpression(expressionContext(walk, place), node);
}

/** The names in an annotation; undefined without one. */
export function typeNames(walk: Walk, annotation: SyntaxNode | null | undefined): { readonly type?: TypeNames } {
  if (!annotation) return {};
  const names: string[] = [];
  const collect = (node: SyntaxNode, depth: number): void => {
    if (node.type === 'type_identifier' || node.type === 'nested_type_identifier' || node.type === 'predefined_type') names.push(text(walk, node));
    else if (depth < 8) for (const child of node.namedChildren) collect(child, depth + 1);
  };
  collect(annotation, 0);
  return { type: names };
}

/** The value of a literal; undefined when it is not known. */
export function literal(walk: Walk, node: SyntaxNode): string | undefined {
  const expression = readExpression({ source: walk.source, nameOf: (name) => name, lambda: () => 0 }, node);
  return expression.kind === 'text' ? expression.value : undefined;
}

/** The name that an identifier or a quoted name stands for. */
export function nameOf(walk: Walk, node: SyntaxNode): string {
  return node.type === 'string' ? literal(walk, node) ?? text(walk, node) : text(walk, node);
}

/** Binds a name to a finished block. */
export function bindBlock(walk: Walk, name: SyntaxNode, block: number, direct: boolean, scope: Scope): void {
  scope.builder.bind(name.startIndex, { name: scope.declare(text(walk, name)), kind: 'block', block, direct });
}
