import { WHOLE_EXPORT } from '../project/summary.ts';
import { childrenOf, type SyntaxNode } from '../syntax.ts';
import { bindValue } from './assignments.ts';
import type { Place, Scope } from './blocks.ts';
import { boundNames } from './patterns.ts';
import { DEFAULT_EXPORT, literal, nameOf, read, text, type Walk } from './walk.ts';

export function readImport(walk: Walk, node: SyntaxNode, { scope }: Place): void {
  const source = node.childForFieldName('source') ?? childrenOf(node).find(({ type }) => type === 'import_require_clause')?.childForFieldName('source');
  const module = source && literal(walk, source);
  if (module === undefined || module === null) return;
  for (const clause of childrenOf(node)) {
    if (clause.type === 'import_require_clause') importName(walk, childrenOf(clause)[0], module, undefined, scope);
    if (clause.type !== 'import_clause') continue;
    for (const child of childrenOf(clause)) {
      if (child.type === 'identifier') importName(walk, child, module, DEFAULT_EXPORT, scope);
      else if (child.type === 'namespace_import') importName(walk, childrenOf(child)[0], module, undefined, scope);
      else for (const specifier of childrenOf(child)) {
        const imported = specifier.childForFieldName('name');
        if (imported) importName(walk, specifier.childForFieldName('alias') ?? imported, module, nameOf(walk, imported), scope);
      }
    }
  }
}

function importName(walk: Walk, name: SyntaxNode | undefined, module: string, imported: string | undefined, scope: Scope): void {
  if (name) scope.builder.bind(name.startIndex, { name: scope.declare(text(walk, name)), kind: 'import', module, ...(imported === undefined ? {} : { imported }) });
}

export function readExport(walk: Walk, node: SyntaxNode, place: Place): void {
  const source = node.childForFieldName('source');
  const declaration = node.childForFieldName('declaration');
  const isDefault = /^export\s+default\b/.test(walk.source.text.slice(node.startIndex, node.startIndex + 40));
  if (declaration) exportDeclaration(walk, declaration, isDefault, place);
  else if (source) reexport(walk, node, literal(walk, source) ?? '', place);
  else {
    const clause = childrenOf(node).find(({ type }) => type === 'export_clause');
    for (const specifier of clause ? childrenOf(clause) : []) {
      const name = specifier.childForFieldName('name');
      if (name) walk.exports.push({ name: nameOf(walk, specifier.childForFieldName('alias') ?? name), local: nameOf(walk, name) });
    }
    // `export default value` and `export = value`
    const value = node.childForFieldName('value') ?? (clause ? undefined : childrenOf(node)[0]);
    if (value) exportValue(walk, value, isDefault ? DEFAULT_EXPORT : WHOLE_EXPORT, place);
  }
}

function exportDeclaration(walk: Walk, declaration: SyntaxNode, isDefault: boolean, place: Place): void {
  walk.visit(declaration, place);
  const names = declaration.type === 'lexical_declaration' || declaration.type === 'variable_declaration'
    ? childrenOf(declaration).flatMap((declarator) => boundNames(declarator.childForFieldName('name')))
    : [declaration.childForFieldName('name')];
  for (const name of names) if (name) walk.exports.push({ name: isDefault ? DEFAULT_EXPORT : text(walk, name), local: text(walk, name) });
}

function reexport(walk: Walk, node: SyntaxNode, module: string, { scope: { builder } }: Place): void {
  const [child] = childrenOf(node);
  if (child?.type === 'export_clause') {
    for (const specifier of childrenOf(child)) {
      const imported = specifier.childForFieldName('name');
      if (!imported) continue;
      const local = walk.hiddenName('from');
      builder.bind(imported.startIndex, { name: local, kind: 'import', module, imported: nameOf(walk, imported) });
      walk.exports.push({ name: nameOf(walk, specifier.childForFieldName('alias') ?? imported), local });
    }
  } else if (child?.type === 'namespace_export') {
    const local = walk.hiddenName('from');
    builder.bind(child.startIndex, { name: local, kind: 'import', module });
    const name = childrenOf(child)[0];
    if (name) walk.exports.push({ name: nameOf(walk, name), local });
  } else builder.star(module, node.startIndex);
}

export function exportValue(walk: Walk, value: SyntaxNode, name: string, place: Place): void {
  const local = value.type === 'identifier' ? text(walk, value) : walk.hiddenName(name);
  if (value.type !== 'identifier') bindValue(walk, value, local, value, place, {}, true);
  walk.exports.push({ name, local });
  if (value.type === 'object') exportProperties(walk, value, place);
}

/** `module.exports = {a, b: value}`: each property can be taken by name. */
function exportProperties(walk: Walk, object: SyntaxNode, place: Place): void {
  for (const child of childrenOf(object)) {
    if (child.type === 'shorthand_property_identifier') walk.exports.push({ name: text(walk, child), local: text(walk, child) });
    const key = child.childForFieldName(child.type === 'method_definition' ? 'name' : 'key');
    const value = child.type === 'method_definition' ? child : child.childForFieldName('value');
    if (!key || !value) continue;
    const local = walk.hiddenName(text(walk, key));
    if (value.type === 'identifier') walk.exports.push({ name: nameOf(walk, key), local: text(walk, value) });
    else {
      place.scope.builder.bind(key.startIndex, { name: local, kind: 'assign', value: read(walk, value, place), direct: true });
      walk.exports.push({ name: nameOf(walk, key), local });
    }
  }
}
