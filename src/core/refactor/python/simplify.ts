import type { Source, SyntaxNode } from '../../callsites/syntax.ts';
import { applySpanEdits } from '../edits.ts';
import type { Parse } from '../model.ts';
import { replaceVariable, type Elsewhere } from './assigned.ts';
import { removeGone } from './blocks.ts';
import { simplifyExpression } from './expressions.ts';
import { GONE, marksIn, Pass } from './pass.ts';
import { simplifyEffectfulCondition, simplifyStatement } from './statements.ts';
import { simplifyVariant, type KnownVariant } from './variants.ts';

export interface Simplified {
  readonly text: string;
  /** Why an answer that still stands in the text was not simplified further, by site. */
  readonly reasons: ReadonlyMap<number, string>;
  readonly effects: readonly { readonly site: number; readonly words: string }[];
}

export interface Simplifying {
  readonly parse: Parse;
  readonly variant: KnownVariant;
  readonly elsewhere: Elsewhere;
}

/** Every step makes the text simpler, so this is only for the case that one does not. */
const MAX_PASSES = 2000;

/** Simplifies a text with marks until no rule applies. */
export function simplify(text: string, { parse, variant, elsewhere }: Simplifying): Simplified {
  let now = text;
  let reasons: ReadonlyMap<number, string> = new Map();
  const effects: Simplified['effects'][number][] = [];
  for (let count = 0; count < MAX_PASSES; count += 1) {
    const pass = inTree(parse, now, (source) => onePass(source, variant, elsewhere));
    reasons = pass.reasons;
    effects.push(...pass.effects);
    if (pass.edits.length === 0) break;
    now = applySpanEdits(now, pass.edits);
  }
  return { text: now, reasons, effects };
}

/** Parses, works, and frees the tree. */
export function inTree<T>(parse: Parse, text: string, work: (source: Source, hasError: boolean) => T): T {
  const tree = parse(text);
  try {
    return work({ text, root: tree.root }, tree.hasError);
  } finally {
    tree.delete();
  }
}

function onePass(source: Source, variant: KnownVariant, elsewhere: Elsewhere): Pass {
  const pass = new Pass(source);
  const rules = [
    (node: SyntaxNode) => simplifyVariant(pass, node, variant),
    (node: SyntaxNode) => simplifyExpression(pass, node),
    (node: SyntaxNode) => simplifyEffectfulCondition(pass, node),
    (node: SyntaxNode) => simplifyStatement(pass, node),
    (node: SyntaxNode) => replaceVariable(pass, node, elsewhere),
  ];
  // The first rule that changes something; the others have their turn in the next pass.
  for (const { node } of marksIn(source)) rules.some((rule) => rule(node));
  for (let at = source.text.indexOf(GONE); at !== -1; at = source.text.indexOf(GONE, at + GONE.length)) {
    const node = source.root.namedDescendantForIndex(at, at + GONE.length);
    if (node?.type === 'identifier') removeGone(pass, node);
  }
  return pass;
}
