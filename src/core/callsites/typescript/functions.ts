import type { Expression } from '../project/summary.ts';
import { childrenOf, type SyntaxNode } from '../syntax.ts';
import { BlockBuilder, Scope, type FunctionParts, type Place } from './blocks.ts';
import { FUNCTIONS } from './expressions.ts';
import { patternNames } from './patterns.ts';
import { read, text, typeNames, type Walk } from './walk.ts';

export function readFunction(walk: Walk, { node, name, method, property }: FunctionParts, outer: Place): number {
  const anonymous = FUNCTIONS.has(node.type) && name === '';
  const builder = new BlockBuilder(anonymous ? 'lambda' : 'function', name, node.startIndex);
  const place: Place = { scope: new Scope(builder, outer.scope), direct: true, depth: outer.depth };
  const body = node.childForFieldName('body');
  const { type: returns } = typeNames(walk, node.childForFieldName('return_type'));
  builder.function = { receiver: method, property, results: [], empty: body?.type === 'statement_block' && childrenOf(body).length === 0, ...(returns === undefined ? {} : { returns }) };
  if (method) builder.bind(node.startIndex, { name: place.scope.declare('this'), kind: 'parameter' });
  const single = node.childForFieldName('parameter');
  const list = node.childForFieldName('parameters');
  if (single) readParameter(walk, single, undefined, undefined, place);
  for (const parameter of list ? childrenOf(list) : []) {
    const pattern = parameter.childForFieldName('pattern');
    if (!pattern || pattern.type === 'this') continue;
    readParameter(walk, pattern, parameter.childForFieldName('type'), parameter.childForFieldName('value'), place);
    if (isField(walk, parameter)) assignField(walk, pattern, place);
  }
  if (body?.type === 'statement_block') walk.statements(body, place);
  else if (body) {
    walk.visit(body, place);
    builder.results.push(read(walk, body, place));
  }
  return outer.scope.builder.add(builder);
}

/** `constructor(private client: Unleash)` declares a field and assigns it. */
export function isField(walk: Walk, parameter: SyntaxNode): boolean {
  return childrenOf(parameter).some(({ type }) => type === 'accessibility_modifier' || type === 'override_modifier') || /^readonly\b/.test(text(walk, parameter));
}

function assignField(walk: Walk, pattern: SyntaxNode, place: Place): void {
  const name = text(walk, pattern);
  if (pattern.type === 'identifier') place.scope.builder.member(pattern.startIndex, { name, object: { kind: 'this', name: 'this' }, value: { kind: 'name', name }, direct: true });
}

function readParameter(walk: Walk, pattern: SyntaxNode, annotation: SyntaxNode | null | undefined, fallback: SyntaxNode | null | undefined, place: Place): void {
  const { scope } = place;
  if (fallback) walk.visit(fallback, place);
  const facts = { kind: 'parameter' as const, ...typeNames(walk, annotation), ...(fallback ? { fallback: read(walk, fallback, place) } : {}) };
  if (pattern.type === 'identifier') scope.builder.bind(pattern.startIndex, { ...facts, name: scope.declare(text(walk, pattern)) });
  else if (pattern.type === 'rest_pattern') {
    const [inner] = childrenOf(pattern);
    if (inner?.type === 'identifier') scope.builder.bind(pattern.startIndex, { ...facts, rest: 'list', name: scope.declare(text(walk, inner)) });
  } else {
    const hidden = walk.hiddenName('argument');
    scope.builder.bind(pattern.startIndex, { ...facts, name: scope.declare(hidden) });
    for (const { key, name } of patternNames(pattern)) {
      const kept = scope.declare(text(walk, name));
      const value: Expression | undefined = key && { kind: 'attribute', object: { kind: 'name', name: hidden }, name: text(walk, key) };
      scope.builder.bind(name.startIndex, value ? { name: kept, kind: 'assign', value, direct: true } : { name: kept, kind: 'bound', words: 'unpacked from another value' });
    }
  }
}

export function readReturn(walk: Walk, node: SyntaxNode, place: Place): void {
  const [value] = childrenOf(node);
  if (!value) return;
  walk.visit(value, place);
  place.scope.builder.results.push(read(walk, value, place));
}
