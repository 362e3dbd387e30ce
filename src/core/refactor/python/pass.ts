import { isField, textOf, type Source, type Span, type SyntaxNode } from '../../callsites/syntax.ts';
import type { SpanEdit } from '../edits.ts';

/**
 * The answer of a call site that is gone, as it stands in the text while the text is simplified: a name that no program
 * has, with the answer and the number of the site. What is left of them at the end becomes `True` or `False`.
 */
const MARK = /__modelswitch_(on|off|variant|name|call)_(\d+)__/g;
/** Stands where a statement was removed from a block that would be empty without it. */
export const GONE = '__modelswitch_gone__';
/** No program has this in it; one that does is left alone. */
export const RESERVED = '__modelswitch_';

/** `call` stands for the call of a wrapper of which it is not known yet what it gives. */
export type MarkKind = 'on' | 'off' | 'variant' | 'name' | 'call';

export interface Mark {
  readonly kind: MarkKind;
  readonly site: number;
}

export function markText(kind: MarkKind, site: number): string {
  return `__modelswitch_${kind}_${site}__`;
}

export function boolMark(value: boolean, site: number): string {
  return markText(value ? 'on' : 'off', site);
}

export function markOf(source: Source, node: SyntaxNode | null | undefined): Mark | undefined {
  if (node?.type !== 'identifier') return undefined;
  const [, kind, site] = new RegExp(`^${MARK.source}$`).exec(textOf(source, node)) ?? [];
  return kind === undefined ? undefined : { kind: kind as MarkKind, site: Number(site) };
}

/** True or false for a mark of a boolean; undefined for everything else. */
export function answerOf(source: Source, node: SyntaxNode | null | undefined): boolean | undefined {
  const kind = markOf(source, node)?.kind;
  return kind === 'on' ? true : kind === 'off' ? false : undefined;
}

/** The marks of a text in its order. */
export function marksIn(source: Source, within: Span = { start: 0, end: source.text.length }): readonly { readonly node: SyntaxNode; readonly mark: Mark }[] {
  const found = [];
  for (const match of source.text.slice(within.start, within.end).matchAll(MARK)) {
    const at = within.start + match.index;
    const node = source.root.namedDescendantForIndex(at, at + match[0].length);
    const mark = markOf(source, node);
    if (node && mark) found.push({ node, mark });
  }
  return found;
}

/** Edits of one version of a text. Edits that would touch each other wait for the next version. */
export class Pass {
  readonly source: Source;
  readonly edits: SpanEdit[] = [];
  readonly #claims: Span[] = [];
  /** Why the answer of a site could not be simplified further, by site. */
  readonly reasons = new Map<number, string>();
  /** Statements that stay for the sake of what they do, by site. */
  readonly effects: { readonly site: number; readonly words: string }[] = [];

  constructor(source: Source) {
    this.source = source;
  }

  text(node: SyntaxNode): string {
    return textOf(this.source, node);
  }

  /** Makes edits within a span, all or none; false when an earlier edit of this pass touches the span. */
  change(claim: Span, edits: readonly SpanEdit[]): boolean {
    if (this.#claims.some(({ start, end }) => start < claim.end && claim.start < end)) return false;
    this.#claims.push(claim);
    this.edits.push(...edits.map((edit) => this.#spaced(edit)));
    return true;
  }

  /** Puts text in the place of an expression. */
  replace(node: SyntaxNode, text: string): boolean {
    const span = { start: node.startIndex, end: node.endIndex };
    return this.change(span, [{ ...span, text }]);
  }

  /** Keeps words apart: `if(x)else` without the brackets is `if x else`. */
  #spaced(edit: SpanEdit): SpanEdit {
    const { text } = this.source;
    const word = /[\p{ID_Continue}]/u;
    if (edit.text === '') return edit;
    const before = word.test(text[edit.start - 1] ?? '') && /^[\p{ID_Continue}"']/u.test(edit.text) ? ' ' : '';
    const after = word.test(text[edit.end] ?? '') && word.test(edit.text.at(-1) ?? '') ? ' ' : '';
    return { ...edit, text: before + edit.text + after };
  }
}

export function isCondition(parent: SyntaxNode, node: SyntaxNode): boolean {
  return isField(parent, 'condition', node);
}
