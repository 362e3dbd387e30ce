/**
 * What a detector needs of a syntax tree: a structural subset of tree-sitter's `Node`, so that core stays free of the
 * parser. Offsets are UTF-16 code units into the parsed text.
 */
export interface SyntaxNode {
  /** Unique within one tree, and no longer. */
  readonly id: number;
  readonly type: string;
  readonly startIndex: number;
  readonly endIndex: number;
  /** Whether the parser had to mend something in it. */
  readonly hasError: boolean;
  readonly parent: SyntaxNode | null;
  readonly namedChildren: readonly SyntaxNode[];
  childForFieldName(name: string): SyntaxNode | null;
  /** The smallest named node that spans `start` to `end`. */
  namedDescendantForIndex(start: number, end: number): SyntaxNode | null;
}

/** A text and the tree that was parsed from it. */
export interface Source {
  readonly text: string;
  readonly root: SyntaxNode;
}

/** From `start` up to, and without, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One replacement in a text: the characters `start` to `oldEnd` became `start` to `newEnd`. */
export interface TextEdit {
  readonly start: number;
  readonly oldEnd: number;
  readonly newEnd: number;
}

export function textOf(source: Source, node: SyntaxNode): string {
  return source.text.slice(node.startIndex, node.endIndex);
}

/** Children that mean something: a comment may stand between any two of them. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return node.namedChildren.filter((child) => child.type !== 'comment');
}

/** Whether `node` is the child of `parent` under that field. */
export function isField(parent: SyntaxNode, field: string, node: SyntaxNode): boolean {
  return parent.childForFieldName(field)?.id === node.id;
}

/** Whether `node` is the first thing in its parent: the target of an assignment, the function of a call. */
export function isFirst(parent: SyntaxNode, node: SyntaxNode): boolean {
  return parent.startIndex === node.startIndex;
}

/** The nearest node above one that has one of these types. */
export function nearest(node: SyntaxNode, types: ReadonlySet<string>): SyntaxNode | undefined {
  let above = node.parent;
  while (above && !types.has(above.type)) above = above.parent;
  return above ?? undefined;
}

/** The node of the identifier that starts at `at`, or undefined when another kind of node is there. */
export function identifierAt(source: Source, at: number, length: number): SyntaxNode | undefined {
  const node = source.root.namedDescendantForIndex(at, at + length);
  return node?.startIndex === at && node.endIndex === at + length && node.type === 'identifier' ? node : undefined;
}
