import { childrenOf, type SyntaxNode } from '../syntax.ts';
import { BlockBuilder, Scope, type Place } from './blocks.ts';
import { FUNCTIONS } from './expressions.ts';
import { isField, readFunction } from './functions.ts';
import { ENUM } from './rules.ts';
import { bindBlock, nameOf, read, text, typeNames, type Walk } from './walk.ts';

export function readClass(walk: Walk, node: SyntaxNode, place: Place): void {
  const name = node.childForFieldName('name');
  const block = classBlock(walk, node, name ? text(walk, name) : '', place);
  if (name && node.type !== 'class') bindBlock(walk, name, block, place.direct, place.scope);
}

export function classBlock(walk: Walk, node: SyntaxNode, name: string, outer: Place): number {
  const builder = new BlockBuilder('class', name, node.startIndex);
  const place: Place = { scope: new Scope(builder, outer.scope), direct: true, depth: outer.depth };
  const heritage = childrenOf(node).find(({ type }) => type === 'class_heritage');
  const clause = heritage && childrenOf(heritage).find(({ type }) => type === 'extends_clause');
  const base = clause?.childForFieldName('value');
  if (base) walk.visit(base, outer);
  builder.bases = base ? [read(walk, base, outer)] : [];
  for (const decorator of childrenOf(node).filter(({ type }) => type === 'decorator')) builder.decorators.push(read(walk, childrenOf(decorator)[0] ?? decorator, outer));
  const body = node.childForFieldName('body');
  for (const member of body ? childrenOf(body) : []) classMember(walk, member, place);
  return outer.scope.builder.add(builder);
}

function classMember(walk: Walk, node: SyntaxNode, place: Place): void {
  const { builder } = place.scope;
  const name = node.childForFieldName('name');
  const head = name ? walk.source.text.slice(node.startIndex, name.startIndex) : '';
  if (node.type === 'method_definition' && name) {
    const property = /\bget\s+$/.test(head);
    const block = readFunction(walk, { node, name: nameOf(walk, name), method: true, property }, place);
    // A setter has the name of its getter and answers nothing.
    if (!/\bset\s+$/.test(head)) builder.bind(name.startIndex, { name: nameOf(walk, name), kind: 'block', block, direct: true });
    if (text(walk, name) === 'constructor') parameterFields(walk, node, builder);
  } else if (node.type === 'public_field_definition' && name) {
    const value = node.childForFieldName('value');
    const key = nameOf(walk, name);
    if (value && FUNCTIONS.has(value.type)) builder.bind(name.startIndex, { name: key, kind: 'block', block: readFunction(walk, { node: value, name: key, method: true, property: false }, place), direct: true });
    else {
      if (value) walk.visit(value, place);
      builder.bind(name.startIndex, { name: key, kind: 'assign', direct: true, ...(value ? { value: read(walk, value, place) } : {}), ...typeNames(walk, node.childForFieldName('type')) });
    }
  } else if (node.type === 'class_static_block') walk.children(node, place);
}

/** The fields that the constructor's parameters declare. */
function parameterFields(walk: Walk, node: SyntaxNode, builder: BlockBuilder): void {
  const list = node.childForFieldName('parameters');
  for (const parameter of list ? childrenOf(list) : []) {
    const pattern = parameter.childForFieldName('pattern');
    if (pattern?.type === 'identifier' && isField(walk, parameter)) builder.bind(pattern.startIndex, { name: text(walk, pattern), kind: 'assign', direct: true, ...typeNames(walk, parameter.childForFieldName('type')) });
  }
}

export function readEnum(walk: Walk, node: SyntaxNode, outer: Place): void {
  const name = node.childForFieldName('name');
  const body = node.childForFieldName('body');
  if (!name || !body) return;
  const builder = new BlockBuilder('class', text(walk, name), node.startIndex);
  const place: Place = { scope: new Scope(builder, outer.scope), direct: true, depth: outer.depth };
  builder.bases = [{ kind: 'name', name: ENUM }];
  for (const member of childrenOf(body)) {
    const key = member.type === 'enum_assignment' ? member.childForFieldName('name') : undefined;
    const value = member.childForFieldName('value');
    if (key && value) builder.bind(key.startIndex, { name: nameOf(walk, key), kind: 'assign', value: read(walk, value, place), direct: true });
  }
  bindBlock(walk, name, outer.scope.builder.add(builder), outer.direct, outer.scope);
}

/** `namespace Flags { export const KEY = ... }` is reached like a class. */
export function readNamespace(walk: Walk, node: SyntaxNode, outer: Place): void {
  const name = node.childForFieldName('name');
  const body = node.childForFieldName('body');
  if (name?.type !== 'identifier' || !body) return;
  const builder = new BlockBuilder('class', text(walk, name), node.startIndex);
  const place: Place = { scope: new Scope(builder, outer.scope), direct: true, depth: outer.depth };
  builder.bases = [];
  const before = walk.exports.length;
  walk.statements(body, place);
  walk.exports.length = before;
  bindBlock(walk, name, outer.scope.builder.add(builder), outer.direct, outer.scope);
}
