import type * as TreeSitter from 'web-tree-sitter';
import { AppError } from '../../core/base/errors.ts';
import { newlineStarts, positionAt } from '../../core/callsites/lines.ts';
import type { SyntaxNode, TextEdit } from '../../core/callsites/syntax.ts';

/** A path, or the bytes themselves. */
export type WasmFile = string | Uint8Array;

export interface WasmFiles {
  /** `web-tree-sitter.wasm` of the npm package web-tree-sitter. */
  readonly runtimeWasm: WasmFile;
  /** The grammar, such as `tree-sitter-python.wasm` of the npm package tree-sitter-python. */
  readonly grammarWasm: WasmFile;
}

/** A tree that belongs to one version of a text. It lives in the wasm heap: `delete` it when it is no longer needed. */
export interface ParsedTree {
  readonly root: SyntaxNode;
  /** Whether any part of the text could not be understood. */
  readonly hasError: boolean;
  delete(): void;
}

export interface SyntaxParser {
  parse(text: string): ParsedTree;
  /** Parses a new version of a text from the tree of the old one, which it deletes. `edits` lead from `oldText` to `text`. */
  reparse(old: ParsedTree, oldText: string, edits: readonly DocumentEdit[], text: string): ParsedTree;
}

/** An edit with the text that it put in place; each is in the coordinates left by those before it. */
export interface DocumentEdit extends TextEdit {
  readonly inserted: string;
}

/**
 * Loads tree-sitter and one grammar; nothing is loaded before.
 * @throws AppError internal when a file is missing or no grammar that this runtime can read; names the files
 */
export async function createParser(files: WasmFiles): Promise<SyntaxParser> {
  try {
    const treeSitter = await import('web-tree-sitter');
    await treeSitter.Parser.init(runtimeOptions(files.runtimeWasm));
    const language = await treeSitter.Language.load(files.grammarWasm);
    const parser = new treeSitter.Parser();
    parser.setLanguage(language);
    return new LoadedParser(parser, (edit) => new treeSitter.Edit(edit));
  } catch (error) {
    throw new AppError('internal', `The syntax parser could not be loaded from ${named(files.runtimeWasm)} and ${named(files.grammarWasm)}: reinstall the extension.`, {}, error);
  }
}

/** The runtime must never look for its file beside itself: in a bundle it does not know where that is. */
function runtimeOptions(wasm: WasmFile): NonNullable<Parameters<typeof TreeSitter.Parser.init>[0]> {
  return typeof wasm === 'string'
    ? { locateFile: () => wasm }
    : { wasmBinary: Uint8Array.from(wasm).buffer, locateFile: (name: string) => name };
}

function named(wasm: WasmFile): string {
  return typeof wasm === 'string' ? wasm : 'memory';
}

type EditFields = ConstructorParameters<typeof TreeSitter.Edit>[0];

class LoadedTree implements ParsedTree {
  readonly tree: TreeSitter.Tree;

  constructor(tree: TreeSitter.Tree) {
    this.tree = tree;
  }

  get root(): SyntaxNode {
    return this.tree.rootNode;
  }

  get hasError(): boolean {
    return this.tree.rootNode.hasError;
  }

  delete(): void {
    this.tree.delete();
  }
}

class LoadedParser implements SyntaxParser {
  readonly #parser: TreeSitter.Parser;
  readonly #edit: (fields: EditFields) => TreeSitter.Edit;

  constructor(parser: TreeSitter.Parser, edit: (fields: EditFields) => TreeSitter.Edit) {
    this.#parser = parser;
    this.#edit = edit;
  }

  parse(text: string): ParsedTree {
    return this.#parse(text, null);
  }

  reparse(old: ParsedTree, oldText: string, edits: readonly DocumentEdit[], text: string): ParsedTree {
    if (!(old instanceof LoadedTree)) throw new AppError('internal', 'The old tree comes from another parser.');
    let before = oldText;
    for (const edit of edits) {
      const after = applyEdit(before, edit);
      old.tree.edit(this.#edit(withPoints(edit, before, after)));
      before = after;
    }
    const tree = this.#parse(text, old.tree);
    old.delete();
    return tree;
  }

  #parse(text: string, old: TreeSitter.Tree | null): LoadedTree {
    const tree = this.#parser.parse(text, old);
    if (!tree) throw new AppError('internal', 'The syntax parser gave up on a document.');
    return new LoadedTree(tree);
  }
}

/** A text after an edit. */
export function applyEdit(text: string, { start, oldEnd, inserted }: DocumentEdit): string {
  return text.slice(0, start) + inserted + text.slice(oldEnd);
}

/** Tree-sitter wants rows and columns beside offsets; its rows end with LF only, its columns are UTF-16 code units here. */
function withPoints({ start, oldEnd, newEnd }: DocumentEdit, before: string, after: string): EditFields {
  const lines = newlineStarts(before);
  const point = (starts: readonly number[], offset: number): TreeSitter.Point => {
    const { line, character } = positionAt(starts, offset);
    return { row: line, column: character };
  };
  return {
    startIndex: start,
    oldEndIndex: oldEnd,
    newEndIndex: newEnd,
    startPosition: point(lines, start),
    oldEndPosition: point(lines, oldEnd),
    newEndPosition: point(newlineStarts(after), newEnd),
  };
}
