import type { Expression } from '../project/summary.ts';
import { childrenOf, type SyntaxNode } from '../syntax.ts';
import { answers } from './answers.ts';
import type { Place } from './blocks.ts';
import { readArguments, readExpression } from './expressions.ts';
import { changed } from './assignments.ts';
import { expressionContext, read, text, type Walk } from './walk.ts';

export function readCall(walk: Walk, node: SyntaxNode, place: Place): void {
  const callee = node.childForFieldName(node.type === 'new_expression' ? 'constructor' : 'function');
  const list = node.childForFieldName('arguments');
  if (!callee) return;
  walk.visit(callee, place);
  if (list) walk.children(list, place);
  const name = callee.type === 'member_expression' ? callee.childForFieldName('property') : callee.type === 'identifier' ? callee : null;
  if (!name || list?.type === 'template_string') return;
  if (text(walk, callee) === 'Object.assign') {
    changed(walk, childrenOf(list ?? node)[0] ?? null, place);
    return;
  }
  const context = expressionContext(walk, place);
  place.scope.builder.call({
    name: text(walk, name),
    at: name.startIndex,
    start: node.startIndex,
    end: node.endIndex,
    callee: readExpression(context, callee),
    args: list ? readArguments(context, list) : [],
    answers: answers(walk.source, node),
  });
}

/** `<Feature flag="a">` calls the component with one object. */
export function readElement(walk: Walk, element: SyntaxNode, head: SyntaxNode, place: Place): void {
  walk.children(element, place);
  const name = head.childForFieldName('name');
  const last = name?.type === 'member_expression' ? name.childForFieldName('property') : name?.type === 'identifier' ? name : null;
  if (!name || !last || !/^\p{Lu}/u.test(text(walk, last))) return;
  const attributes = childrenOf(head).filter(({ type }) => type === 'jsx_attribute');
  const entries = attributes.flatMap((attribute) => {
    const [key, given] = childrenOf(attribute);
    const value = given?.type === 'jsx_expression' ? childrenOf(given)[0] : given;
    return key && value ? [{ key: { kind: 'text' as const, value: text(walk, key) }, value: read(walk, value, place) }] : [];
  });
  const open = attributes.length < childrenOf(head).filter(({ type }) => type === 'jsx_attribute' || type === 'jsx_expression').length;
  const value: Expression = { kind: 'record', entries, open, words: 'the attributes of an element' };
  place.scope.builder.call({
    name: text(walk, last), at: last.startIndex, start: element.startIndex, end: head.endIndex,
    callee: read(walk, name, place), args: [{ value, start: name.endIndex, end: head.endIndex }], answers: false,
  });
}
