import { WHOLE_EXPORT, type TypeNames } from '../project/summary.ts';
import { childrenOf, type SyntaxNode } from '../syntax.ts';
import { Scope, type BindingFacts, type Place } from './blocks.ts';
import { classBlock } from './classes.ts';
import { exportValue } from './imports.ts';
import { FUNCTIONS } from './expressions.ts';
import { patternNames } from './patterns.ts';
import { CLASSES, literal, read, text, typeNames, type Walk } from './walk.ts';

type WithoutName<T> = T extends unknown ? Omit<T, 'name'> : never;

export function readDeclaration(walk: Walk, node: SyntaxNode, place: Place, scope: Scope): void {
  const constant = walk.source.text.startsWith('const', node.startIndex);
  for (const declarator of childrenOf(node)) {
    const name = declarator.childForFieldName('name');
    const value = declarator.childForFieldName('value');
    if (!name) continue;
    const type = typeNames(walk, declarator.childForFieldName('type'));
    // What is declared in inner braces is not seen outside of them: there it is under no condition.
    const direct = node.type === 'lexical_declaration' || place.direct;
    if (name.type !== 'identifier') destructure(walk, name, value, { ...place, scope, direct });
    else if (value === null) scope.builder.bind(name.startIndex, { name: scope.declare(text(walk, name)), kind: 'assign', direct, ...type });
    else bindValue(walk, name, scope.declare(text(walk, name)), value, { ...place, direct }, type, constant);
  }
}

/** A constant that is a function or class is bound as such; `require` as an import. */
export function bindValue(walk: Walk, at: SyntaxNode, name: string, value: SyntaxNode, place: Place, type: { readonly type?: TypeNames }, constant: boolean): void {
  const { builder } = place.scope;
  const required = requiredModule(walk, value);
  if (required) builder.bind(at.startIndex, { name, kind: 'import', ...required });
  else if (constant && FUNCTIONS.has(value.type)) builder.bind(at.startIndex, { name, kind: 'block', block: walk.lambda(value, place, name), direct: place.direct });
  else if (constant && CLASSES.has(value.type)) builder.bind(at.startIndex, { name, kind: 'block', block: classBlock(walk, value, name, place), direct: place.direct });
  else {
    walk.visit(value, place);
    builder.bind(at.startIndex, { name, kind: 'assign', value: read(walk, value, place), direct: place.direct, ...type });
  }
}

/** `require("m")`, `require("m").name`, `require("m").default` */
function requiredModule(walk: Walk, value: SyntaxNode): { readonly module: string; readonly imported?: string } | undefined {
  if (value.type === 'member_expression') {
    const object = value.childForFieldName('object');
    const property = value.childForFieldName('property');
    const inner = object && requiredModule(walk, object);
    return inner && property && inner.imported === undefined ? { ...inner, imported: text(walk, property) } : undefined;
  }
  const callee = value.type === 'call_expression' ? value.childForFieldName('function') : null;
  const argument = callee && text(walk, callee) === 'require' ? childrenOf(value.childForFieldName('arguments') ?? value)[0] : undefined;
  const module = argument?.type === 'string' ? literal(walk, argument) : undefined;
  return module === undefined ? undefined : { module };
}

/** `const {a, b: c} = value`: each name is an attribute of the value. */
function destructure(walk: Walk, pattern: SyntaxNode, value: SyntaxNode | null, place: Place): void {
  const { scope } = place;
  const required = value && requiredModule(walk, value);
  if (value && !required) walk.visit(value, place);
  const object = value ? read(walk, value, place) : undefined;
  for (const { key, name } of patternNames(pattern)) {
    const at = name.startIndex;
    const kept = scope.declare(text(walk, name));
    if (key === undefined || object === undefined) scope.builder.bind(at, { name: kept, kind: 'bound', words: 'unpacked from another value' });
    else if (required && required.imported === undefined) scope.builder.bind(at, { name: kept, kind: 'import', module: required.module, imported: text(walk, key) });
    else scope.builder.bind(at, { name: kept, kind: 'assign', value: { kind: 'attribute', object, name: text(walk, key) }, direct: place.direct });
  }
}

export function readAssignment(walk: Walk, node: SyntaxNode, place: Place): void {
  const left = node.childForFieldName('left');
  const right = node.childForFieldName('right');
  if (!left || !right) return;
  if (isModuleExports(walk, left)) {
    exportValue(walk, right, WHOLE_EXPORT, place);
    return;
  }
  walk.visit(right, place);
  if (left.type === 'identifier') assign(walk, left, { kind: 'assign', value: read(walk, right, place), direct: place.direct }, place);
  else if (left.type === 'member_expression') assignMember(walk, left, right, place);
  else if (left.type === 'subscript_expression') changed(walk, left.childForFieldName('object'), place);
  else for (const { name } of patternNames(left)) assign(walk, name, { kind: 'bound', words: 'unpacked from another value' }, place);
}

function assignMember(walk: Walk, left: SyntaxNode, right: SyntaxNode, place: Place): void {
  const object = left.childForFieldName('object');
  const property = left.childForFieldName('property');
  if (!object || !property) return;
  const value = read(walk, right, place);
  if (isModuleExports(walk, object) || text(walk, object) === 'exports') {
    const local = walk.hiddenName(text(walk, property));
    place.scope.builder.bind(property.startIndex, { name: local, kind: 'assign', value, direct: place.direct });
    walk.exports.push({ name: text(walk, property), local });
  } else place.scope.builder.member(property.startIndex, { name: text(walk, property), object: read(walk, object, place), value, direct: place.direct });
}

function isModuleExports(walk: Walk, node: SyntaxNode): boolean {
  return node.type === 'member_expression' && text(walk, node) === 'module.exports';
}

/** Assigns a name that was declared before, here or in a block around. */
function assign(walk: Walk, name: SyntaxNode, binding: WithoutName<BindingFacts>, { scope }: Place): void {
  const found = scope.find(text(walk, name));
  scope.builder.bind(name.startIndex, { ...binding, name: found?.name ?? text(walk, name) });
  if (found && found.builder !== scope.builder) scope.builder.assignOuter(found.name, found.builder.kind === 'module' ? 'global' : 'nonlocal');
}

export function readUpdate(walk: Walk, node: SyntaxNode, place: Place): void {
  const target = node.childForFieldName('left') ?? node.childForFieldName('argument');
  if (target?.type === 'identifier') assign(walk, target, { kind: 'bound', words: 'changed by an augmented assignment' }, place);
  else if (target) changed(walk, target.childForFieldName('object'), place);
  const right = node.childForFieldName('right');
  if (right) walk.visit(right, place);
}

export function readUnary(walk: Walk, node: SyntaxNode, place: Place): void {
  const argument = node.childForFieldName('argument');
  if (argument && walk.source.text.startsWith('delete', node.startIndex)) changed(walk, argument.childForFieldName('object'), place);
  walk.children(node, place);
}

export function changed(walk: Walk, object: SyntaxNode | null, { scope }: Place): void {
  const name = object?.type === 'member_expression' ? object.childForFieldName('property') : object;
  if (name) scope.builder.change(name.type === 'identifier' ? scope.find(text(walk, name))?.name ?? text(walk, name) : text(walk, name));
}

export function readLoop(walk: Walk, node: SyntaxNode, place: Place): void {
  const inner = { ...place, scope: new Scope(place.scope.builder, place.scope) };
  const declares = node.childForFieldName('kind') !== null;
  for (const { name } of patternNames(node.childForFieldName('left'))) {
    if (declares) inner.scope.builder.bind(name.startIndex, { name: inner.scope.declare(text(walk, name)), kind: 'bound', words: 'the variable of a loop' });
    else assign(walk, name, { kind: 'bound', words: 'the variable of a loop' }, inner);
  }
  for (const field of ['right', 'body']) {
    const child = node.childForFieldName(field);
    if (child) walk.visit(child, inner);
  }
}

export function readCatch(walk: Walk, node: SyntaxNode, place: Place): void {
  const inner = { ...place, scope: new Scope(place.scope.builder, place.scope) };
  for (const { name } of patternNames(node.childForFieldName('parameter'))) {
    inner.scope.builder.bind(name.startIndex, { name: inner.scope.declare(text(walk, name)), kind: 'bound', words: 'bound by `catch`' });
  }
  const body = node.childForFieldName('body');
  if (body) walk.statements(body, inner);
}
