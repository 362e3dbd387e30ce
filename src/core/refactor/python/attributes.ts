/** Attributes that hold the answer of a flag: set once, in the constructor, and only read through `self` in the same class. */
import { nearest, type SyntaxNode } from '../../callsites/syntax.ts';
import { isInText } from '../projectTexts.ts';
import { gone, type Elsewhere } from './assigned.ts';
import { contains, isPrinted, occurrences, scopeOf, spanOf } from './names.ts';
import type { Pass } from './pass.ts';

export interface AttributeAssignment {
  readonly node: SyntaxNode;
  readonly target: SyntaxNode;
  readonly statement: SyntaxNode;
  readonly block: SyntaxNode;
}

/** Ways to read all attributes of an object. */
const REFLECTION = /__dict__|__slots__|__getstate__|__getattr|\bvars\s*\(|\b(?:get|set|has)attr\s*\(|\basdict\b|\bpickle\b/;

export function replaceAttribute(pass: Pass, { node, target, statement, block }: AttributeAssignment, elsewhere: Elsewhere): boolean {
  const { source } = pass;
  const name = target.childForFieldName('attribute');
  const constructor = scopeOf(statement);
  const home = nearest(constructor, new Set(['class_definition', 'function_definition']));
  if (!name || home?.type !== 'class_definition' || home.parent?.type === 'decorated_definition') return false;
  if (constructor.childForFieldName('body')?.id !== block.id || pass.text(constructor.childForFieldName('name') ?? name) !== '__init__') return false;
  const word = pass.text(name);
  if (REFLECTION.test(source.text) || isInText(source.text, word) || elsewhere.attribute(word)) return false;
  const uses = occurrences(source, word, spanOf(source.root)).filter(({ node: each }) => each.id !== name.id);
  const isRead = (each: SyntaxNode): boolean => {
    const attribute = each.parent;
    return attribute?.type === 'attribute' && contains(spanOf(home), each) && !isWritten(attribute) && !isPrinted(source, each) && pass.text(attribute) === `self.${word}`;
  };
  if (!uses.every(({ node: each }) => isRead(each) && !contains({ start: constructor.startIndex, end: statement.endIndex }, each))) return false;
  const edit = gone(pass, statement);
  const text = pass.text(node);
  const reads = uses.map(({ node: each }) => ({ ...spanOf(each.parent ?? each), text }));
  return pass.change({ start: Math.min(home.startIndex, edit.start), end: Math.max(home.endIndex, edit.end) }, [...reads, edit]);
}

const WRITERS: ReadonlySet<string> = new Set(['assignment', 'augmented_assignment', 'for_statement', 'for_in_clause', 'delete_statement', 'as_pattern_target', 'pattern_list', 'tuple_pattern', 'list_pattern']);

function isWritten(attribute: SyntaxNode): boolean {
  const { parent } = attribute;
  return parent !== null && WRITERS.has(parent.type) && parent.startIndex === attribute.startIndex;
}
