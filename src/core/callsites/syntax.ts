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
  readonly namedChildren: readonly SyntaxNode[];
  childForFieldName(name: string): SyntaxNode | null;
}

/** A text and the tree that was parsed from it. */
export interface Source {
  readonly text: string;
  readonly root: SyntaxNode;
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
