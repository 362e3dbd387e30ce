import type { Block, Expression, TypeNames } from '../project/summary.ts';
import { childrenOf, textOf, type Source, type SyntaxNode } from '../syntax.ts';
import { answers } from './answers.ts';
import { BlockBuilder, Scope, type BindingFacts, type FunctionParts, type Place } from './blocks.ts';
import { FUNCTIONS, readArguments, readExpression, type ExpressionContext } from './expressions.ts';
import { ENUM } from './rules.ts';

/** Deeper than this is generated text; the recursion has to end somewhere. */
const MAX_DEPTH = 800;

const CLASSES: ReadonlySet<string> = new Set(['class_declaration', 'abstract_class_declaration', 'class']);
const DECLARED_FUNCTIONS: ReadonlySet<string> = new Set(['function_declaration', 'generator_function_declaration']);
const CONDITIONAL: ReadonlySet<string> = new Set(['if_statement', 'while_statement', 'do_statement', 'for_statement', 'for_in_statement', 'switch_statement', 'try_statement', 'ternary_expression']);
/** `DEFAULT` is what `import name from` gets. */
const DEFAULT = 'default';

/** Reads one file into blocks. */
export class Walker {
  readonly #source: Source;
  readonly exports: { readonly name: string; readonly local: string }[] = [];
  readonly limits: string[] = [];
  #hidden = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  module(): Block {
    const builder = new BlockBuilder('module', '', 0);
    const scope = new Scope(builder, undefined);
    this.#statements(this.#source.root, { scope, direct: true, depth: 0 });
    return builder.build();
  }

  /** What is declared in a pair of braces is known from its beginning. */
  #statements(body: SyntaxNode, place: Place): void {
    for (const child of childrenOf(body)) this.#declare(child.type === 'export_statement' ? child.childForFieldName('declaration') ?? child : child, place.scope);
    for (const child of childrenOf(body)) this.#visit(child, place);
  }

  #declare(node: SyntaxNode, scope: Scope): void {
    if (node.type === 'lexical_declaration' || node.type === 'variable_declaration') {
      for (const declarator of childrenOf(node)) {
        const name = declarator.childForFieldName('name');
        if (name?.type === 'identifier') scope.declare(this.#text(name));
      }
    } else if (CLASSES.has(node.type) || DECLARED_FUNCTIONS.has(node.type) || node.type === 'enum_declaration') {
      const name = node.childForFieldName('name');
      if (name) scope.declare(this.#text(name));
    }
  }

  #visit(node: SyntaxNode, outer: Place): void {
    if (outer.depth > MAX_DEPTH) {
      if (this.limits.length === 0) this.limits.push('A part that is nested more than 800 deep was not read.');
      return;
    }
    const place = { ...outer, depth: outer.depth + 1, direct: outer.direct && !CONDITIONAL.has(node.type) };
    if (FUNCTIONS.has(node.type)) {
      this.#lambda(node, place);
      return;
    }
    if (CLASSES.has(node.type)) {
      this.#class(node, place);
      return;
    }
    if (DECLARED_FUNCTIONS.has(node.type)) {
      const name = node.childForFieldName('name');
      if (name) this.#bindBlock(name, this.#function({ node, name: this.#text(name), method: false, property: false }, place), place, place.scope);
      return;
    }
    switch (node.type) {
      case 'import_statement': return this.#import(node, place);
      case 'export_statement': return this.#export(node, place);
      case 'lexical_declaration': return this.#declaration(node, place, place.scope);
      case 'variable_declaration': return this.#declaration(node, place, place.scope.outermost);
      case 'enum_declaration': return this.#enum(node, place);
      case 'internal_module':
      case 'module': return this.#namespace(node, place);
      case 'statement_block':
      case 'switch_body': return this.#statements(node, { ...place, scope: new Scope(place.scope.builder, place.scope) });
      case 'for_statement': return this.#children(node, { ...place, scope: new Scope(place.scope.builder, place.scope) });
      case 'for_in_statement': return this.#loop(node, place);
      case 'catch_clause': return this.#catch(node, place);
      case 'return_statement': return this.#return(node, place);
      case 'assignment_expression': return this.#assignment(node, place);
      case 'augmented_assignment_expression':
      case 'update_expression': return this.#update(node, place);
      case 'unary_expression': return this.#unary(node, place);
      case 'call_expression':
      case 'new_expression': return this.#call(node, place);
      case 'jsx_element': return this.#jsx(node, node.childForFieldName('open_tag') ?? node, place);
      case 'jsx_self_closing_element': return this.#jsx(node, node, place);
      case 'method_definition': return void this.#lambda(node, place);
      case 'type_annotation':
      case 'type_arguments':
      case 'interface_declaration':
      case 'type_alias_declaration': return;
      default: return this.#children(node, place);
    }
  }

  #children(node: SyntaxNode, place: Place): void {
    for (const child of node.namedChildren) this.#visit(child, place);
  }

  // Imports and exports

  #import(node: SyntaxNode, { scope }: Place): void {
    const source = node.childForFieldName('source') ?? childrenOf(node).find(({ type }) => type === 'import_require_clause')?.childForFieldName('source');
    const module = source && this.#string(source);
    if (module === undefined || module === null) return;
    for (const clause of childrenOf(node)) {
      if (clause.type === 'import_require_clause') this.#importName(childrenOf(clause)[0], module, undefined, scope);
      if (clause.type !== 'import_clause') continue;
      for (const child of childrenOf(clause)) {
        if (child.type === 'identifier') this.#importName(child, module, DEFAULT, scope);
        else if (child.type === 'namespace_import') this.#importName(childrenOf(child)[0], module, undefined, scope);
        else for (const specifier of childrenOf(child)) {
          const imported = specifier.childForFieldName('name');
          if (imported) this.#importName(specifier.childForFieldName('alias') ?? imported, module, this.#nameOf(imported), scope);
        }
      }
    }
  }

  #importName(name: SyntaxNode | undefined, module: string, imported: string | undefined, scope: Scope): void {
    if (name) scope.builder.bind(name.startIndex, { name: scope.declare(this.#text(name)), kind: 'import', module, ...(imported === undefined ? {} : { imported }) });
  }

  #export(node: SyntaxNode, place: Place): void {
    const source = node.childForFieldName('source');
    const declaration = node.childForFieldName('declaration');
    const isDefault = /^export\s+default\b/.test(this.#source.text.slice(node.startIndex, node.startIndex + 40));
    if (declaration) this.#exportDeclaration(declaration, isDefault, place);
    else if (source) this.#reexport(node, this.#string(source) ?? '', place);
    else {
      const clause = childrenOf(node).find(({ type }) => type === 'export_clause');
      for (const specifier of clause ? childrenOf(clause) : []) {
        const name = specifier.childForFieldName('name');
        if (name) this.exports.push({ name: this.#nameOf(specifier.childForFieldName('alias') ?? name), local: this.#nameOf(name) });
      }
      // `export default value` and `export = value`
      const value = node.childForFieldName('value') ?? (clause ? undefined : childrenOf(node)[0]);
      if (value) this.#exportValue(value, isDefault ? DEFAULT : '=', place);
    }
  }

  #exportDeclaration(declaration: SyntaxNode, isDefault: boolean, place: Place): void {
    this.#visit(declaration, place);
    const names = declaration.type === 'lexical_declaration' || declaration.type === 'variable_declaration'
      ? childrenOf(declaration).flatMap((declarator) => boundNames(declarator.childForFieldName('name')))
      : [declaration.childForFieldName('name')];
    for (const name of names) if (name) this.exports.push({ name: isDefault ? DEFAULT : this.#text(name), local: this.#text(name) });
  }

  #reexport(node: SyntaxNode, module: string, { scope: { builder } }: Place): void {
    const [child] = childrenOf(node);
    if (child?.type === 'export_clause') {
      for (const specifier of childrenOf(child)) {
        const imported = specifier.childForFieldName('name');
        if (!imported) continue;
        const local = this.#hiddenName('from');
        builder.bind(imported.startIndex, { name: local, kind: 'import', module, imported: this.#nameOf(imported) });
        this.exports.push({ name: this.#nameOf(specifier.childForFieldName('alias') ?? imported), local });
      }
    } else if (child?.type === 'namespace_export') {
      const local = this.#hiddenName('from');
      builder.bind(child.startIndex, { name: local, kind: 'import', module });
      const name = childrenOf(child)[0];
      if (name) this.exports.push({ name: this.#nameOf(name), local });
    } else builder.star(module, node.startIndex);
  }

  #exportValue(value: SyntaxNode, name: string, place: Place): void {
    const local = value.type === 'identifier' ? this.#text(value) : this.#hiddenName(name);
    if (value.type !== 'identifier') this.#bindValue(value, local, value, place, undefined, true);
    this.exports.push({ name, local });
    if (value.type === 'object') this.#exportProperties(value, place);
  }

  /** `module.exports = {a, b: value}`: each property can be taken by name. */
  #exportProperties(object: SyntaxNode, place: Place): void {
    for (const child of childrenOf(object)) {
      if (child.type === 'shorthand_property_identifier') this.exports.push({ name: this.#text(child), local: this.#text(child) });
      const key = child.childForFieldName(child.type === 'method_definition' ? 'name' : 'key');
      const value = child.type === 'method_definition' ? child : child.childForFieldName('value');
      if (!key || !value) continue;
      const local = this.#hiddenName(this.#text(key));
      if (value.type === 'identifier') this.exports.push({ name: this.#nameOf(key), local: this.#text(value) });
      else {
        place.scope.builder.bind(key.startIndex, { name: local, kind: 'assign', value: this.#read(value, place), direct: true });
        this.exports.push({ name: this.#nameOf(key), local });
      }
    }
  }

  // Declarations and assignments

  #declaration(node: SyntaxNode, place: Place, scope: Scope): void {
    const constant = this.#source.text.startsWith('const', node.startIndex);
    for (const declarator of childrenOf(node)) {
      const name = declarator.childForFieldName('name');
      const value = declarator.childForFieldName('value');
      if (!name) continue;
      const type = this.#types(declarator.childForFieldName('type'));
      // What is declared in inner braces is not seen outside of them: there it is under no condition.
      const direct = node.type === 'lexical_declaration' || place.direct;
      if (name.type !== 'identifier') this.#destructure(name, value, { ...place, scope, direct });
      else if (value === null) scope.builder.bind(name.startIndex, { name: scope.declare(this.#text(name)), kind: 'assign', direct, ...(type === undefined ? {} : { type }) });
      else this.#bindValue(name, scope.declare(this.#text(name)), value, { ...place, direct }, type, constant);
    }
  }

  /** A constant that is a function or class is bound as such; `require` as an import. */
  #bindValue(at: SyntaxNode, name: string, value: SyntaxNode, place: Place, type: TypeNames | undefined, constant: boolean): void {
    const { builder } = place.scope;
    const required = this.#required(value);
    if (required) builder.bind(at.startIndex, { name, kind: 'import', ...required });
    else if (constant && FUNCTIONS.has(value.type)) builder.bind(at.startIndex, { name, kind: 'block', block: this.#lambda(value, place, name), direct: place.direct });
    else if (constant && CLASSES.has(value.type)) builder.bind(at.startIndex, { name, kind: 'block', block: this.#classBlock(value, name, place), direct: place.direct });
    else {
      this.#visit(value, place);
      builder.bind(at.startIndex, { name, kind: 'assign', value: this.#read(value, place), direct: place.direct, ...(type === undefined ? {} : { type }) });
    }
  }

  /** `require("m")`, `require("m").name`, `require("m").default` */
  #required(value: SyntaxNode): { readonly module: string; readonly imported?: string } | undefined {
    if (value.type === 'member_expression') {
      const object = value.childForFieldName('object');
      const property = value.childForFieldName('property');
      const inner = object && this.#required(object);
      return inner && property && inner.imported === undefined ? { ...inner, imported: this.#text(property) } : undefined;
    }
    const callee = value.type === 'call_expression' ? value.childForFieldName('function') : null;
    const argument = callee && this.#text(callee) === 'require' ? childrenOf(value.childForFieldName('arguments') ?? value)[0] : undefined;
    const module = argument?.type === 'string' ? this.#string(argument) : undefined;
    return module === undefined ? undefined : { module };
  }

  /** `const {a, b: c} = value`: each name is an attribute of the value. */
  #destructure(pattern: SyntaxNode, value: SyntaxNode | null, place: Place): void {
    const { scope } = place;
    const required = value && this.#required(value);
    if (value && !required) this.#visit(value, place);
    const object = value ? this.#read(value, place) : undefined;
    for (const { key, name } of patternNames(pattern)) {
      const at = name.startIndex;
      const kept = scope.declare(this.#text(name));
      if (key === undefined || object === undefined) scope.builder.bind(at, { name: kept, kind: 'bound', words: 'unpacked from another value' });
      else if (required?.imported === undefined && required) scope.builder.bind(at, { name: kept, kind: 'import', module: required.module, imported: this.#text(key) });
      else scope.builder.bind(at, { name: kept, kind: 'assign', value: { kind: 'attribute', object, name: this.#text(key) }, direct: place.direct });
    }
  }

  #assignment(node: SyntaxNode, place: Place): void {
    const left = node.childForFieldName('left');
    const right = node.childForFieldName('right');
    if (!left || !right) return;
    if (this.#isModuleExports(left)) {
      this.#exportValue(right, '=', place);
      return;
    }
    this.#visit(right, place);
    if (left.type === 'identifier') this.#assign(left, { kind: 'assign', value: this.#read(right, place), direct: place.direct }, place);
    else if (left.type === 'member_expression') this.#assignMember(left, right, place);
    else if (left.type === 'subscript_expression') this.#changed(left.childForFieldName('object'), place);
    else for (const { name } of patternNames(left)) this.#assign(name, { kind: 'bound', words: 'unpacked from another value' }, place);
  }

  #assignMember(left: SyntaxNode, right: SyntaxNode, place: Place): void {
    const object = left.childForFieldName('object');
    const property = left.childForFieldName('property');
    if (!object || !property) return;
    const value = this.#read(right, place);
    if (this.#isModuleExports(object) || this.#text(object) === 'exports') {
      const local = this.#hiddenName(this.#text(property));
      place.scope.builder.bind(property.startIndex, { name: local, kind: 'assign', value, direct: place.direct });
      this.exports.push({ name: this.#text(property), local });
    } else place.scope.builder.member(property.startIndex, { name: this.#text(property), object: this.#read(object, place), value, direct: place.direct });
  }

  #isModuleExports(node: SyntaxNode): boolean {
    return node.type === 'member_expression' && this.#text(node) === 'module.exports';
  }

  /** Assigns a name that was declared before, here or in a block around. */
  #assign(name: SyntaxNode, binding: DistributiveOmit<BindingFacts, 'name'>, { scope }: Place): void {
    const found = scope.find(this.#text(name));
    scope.builder.bind(name.startIndex, { ...binding, name: found?.name ?? this.#text(name) } as BindingFacts);
    if (found && found.builder !== scope.builder) scope.builder.assignOuter(found.name, found.builder.kind === 'module' ? 'global' : 'nonlocal');
  }

  #update(node: SyntaxNode, place: Place): void {
    const target = node.childForFieldName('left') ?? node.childForFieldName('argument');
    if (target?.type === 'identifier') this.#assign(target, { kind: 'bound', words: 'changed by an augmented assignment' }, place);
    else if (target) this.#changed(target.childForFieldName('object'), place);
    const right = node.childForFieldName('right');
    if (right) this.#visit(right, place);
  }

  #unary(node: SyntaxNode, place: Place): void {
    const argument = node.childForFieldName('argument');
    if (argument && this.#source.text.startsWith('delete', node.startIndex)) this.#changed(argument.childForFieldName('object'), place);
    this.#children(node, place);
  }

  #changed(object: SyntaxNode | null, { scope }: Place): void {
    const name = object?.type === 'member_expression' ? object.childForFieldName('property') : object;
    if (name) scope.builder.change(name.type === 'identifier' ? scope.find(this.#text(name))?.name ?? this.#text(name) : this.#text(name));
  }

  #loop(node: SyntaxNode, place: Place): void {
    const inner = { ...place, scope: new Scope(place.scope.builder, place.scope) };
    const declares = node.childForFieldName('kind') !== null;
    for (const { name } of patternNames(node.childForFieldName('left'))) {
      if (declares) inner.scope.builder.bind(name.startIndex, { name: inner.scope.declare(this.#text(name)), kind: 'bound', words: 'the variable of a loop' });
      else this.#assign(name, { kind: 'bound', words: 'the variable of a loop' }, inner);
    }
    for (const field of ['right', 'body']) {
      const child = node.childForFieldName(field);
      if (child) this.#visit(child, inner);
    }
  }

  #catch(node: SyntaxNode, place: Place): void {
    const inner = { ...place, scope: new Scope(place.scope.builder, place.scope) };
    for (const { name } of patternNames(node.childForFieldName('parameter'))) {
      inner.scope.builder.bind(name.startIndex, { name: inner.scope.declare(this.#text(name)), kind: 'bound', words: 'bound by `catch`' });
    }
    const body = node.childForFieldName('body');
    if (body) this.#statements(body, inner);
  }

  // Functions and classes

  /** The block of a function without a declaration of its own, read once. */
  #lambda(node: SyntaxNode, place: Place, name?: string): number {
    const { lambdas } = place.scope.builder;
    const known = lambdas.get(node.id);
    if (known !== undefined) return known;
    const own = node.childForFieldName('name');
    const index = this.#function({ node, name: name ?? (own ? this.#text(own) : ''), method: false, property: false }, place);
    lambdas.set(node.id, index);
    return index;
  }

  #function({ node, name, method, property }: FunctionParts, outer: Place): number {
    const anonymous = FUNCTIONS.has(node.type) && name === '';
    const builder = new BlockBuilder(anonymous ? 'lambda' : 'function', name, node.startIndex);
    const place: Place = { scope: new Scope(builder, outer.scope), direct: true, depth: outer.depth };
    const body = node.childForFieldName('body');
    const returns = this.#types(node.childForFieldName('return_type'));
    builder.function = { receiver: method, property, results: [], empty: body?.type === 'statement_block' && childrenOf(body).length === 0, ...(returns === undefined ? {} : { returns }) };
    if (method) builder.bind(node.startIndex, { name: place.scope.declare('this'), kind: 'parameter' });
    const single = node.childForFieldName('parameter');
    const list = node.childForFieldName('parameters');
    if (single) this.#parameter(single, undefined, undefined, place);
    for (const parameter of list ? childrenOf(list) : []) {
      const pattern = parameter.childForFieldName('pattern');
      if (pattern && pattern.type !== 'this') this.#parameter(pattern, parameter.childForFieldName('type'), parameter.childForFieldName('value'), place);
    }
    if (body?.type === 'statement_block') this.#statements(body, place);
    else if (body) {
      this.#visit(body, place);
      builder.results.push(this.#read(body, place));
    }
    return outer.scope.builder.add(builder);
  }

  #parameter(pattern: SyntaxNode, annotation: SyntaxNode | null | undefined, fallback: SyntaxNode | null | undefined, place: Place): void {
    const { scope } = place;
    if (fallback) this.#visit(fallback, place);
    const type = this.#types(annotation);
    const facts = { kind: 'parameter' as const, ...(type === undefined ? {} : { type }), ...(fallback ? { fallback: this.#read(fallback, place) } : {}) };
    if (pattern.type === 'identifier') scope.builder.bind(pattern.startIndex, { ...facts, name: scope.declare(this.#text(pattern)) });
    else if (pattern.type === 'rest_pattern') {
      const [inner] = childrenOf(pattern);
      if (inner?.type === 'identifier') scope.builder.bind(pattern.startIndex, { ...facts, rest: 'list', name: scope.declare(this.#text(inner)) });
    } else {
      const hidden = this.#hiddenName('argument');
      scope.builder.bind(pattern.startIndex, { ...facts, name: scope.declare(hidden) });
      for (const { key, name } of patternNames(pattern)) {
        const kept = scope.declare(this.#text(name));
        const value: Expression | undefined = key && { kind: 'attribute', object: { kind: 'name', name: hidden }, name: this.#text(key) };
        scope.builder.bind(name.startIndex, value ? { name: kept, kind: 'assign', value, direct: true } : { name: kept, kind: 'bound', words: 'unpacked from another value' });
      }
    }
  }

  #class(node: SyntaxNode, place: Place): void {
    const name = node.childForFieldName('name');
    const block = this.#classBlock(node, name ? this.#text(name) : '', place);
    if (name && node.type !== 'class') this.#bindBlock(name, block, place, place.scope);
  }

  #bindBlock(name: SyntaxNode, block: number, { direct }: Place, scope: Scope): void {
    scope.builder.bind(name.startIndex, { name: scope.declare(this.#text(name)), kind: 'block', block, direct });
  }

  #classBlock(node: SyntaxNode, name: string, outer: Place): number {
    const builder = new BlockBuilder('class', name, node.startIndex);
    const place: Place = { scope: new Scope(builder, outer.scope), direct: true, depth: outer.depth };
    const heritage = childrenOf(node).find(({ type }) => type === 'class_heritage');
    const clause = heritage && childrenOf(heritage).find(({ type }) => type === 'extends_clause');
    const base = clause?.childForFieldName('value');
    if (base) this.#visit(base, outer);
    builder.bases = base ? [this.#read(base, outer)] : [];
    for (const decorator of childrenOf(node).filter(({ type }) => type === 'decorator')) builder.decorators.push(this.#read(childrenOf(decorator)[0] ?? decorator, outer));
    const body = node.childForFieldName('body');
    for (const member of body ? childrenOf(body) : []) this.#classMember(member, place);
    return outer.scope.builder.add(builder);
  }

  #classMember(node: SyntaxNode, place: Place): void {
    const { builder } = place.scope;
    const name = node.childForFieldName('name');
    const head = name ? this.#source.text.slice(node.startIndex, name.startIndex) : '';
    if (node.type === 'method_definition' && name) {
      const property = /\bget\s+$/.test(head);
      const block = this.#function({ node, name: this.#nameOf(name), method: true, property }, place);
      // A setter has the name of its getter and answers nothing.
      if (!/\bset\s+$/.test(head)) builder.bind(name.startIndex, { name: this.#nameOf(name), kind: 'block', block, direct: true });
      if (this.#text(name) === 'constructor') this.#parameterProperties(node, builder);
    } else if (node.type === 'public_field_definition' && name) {
      const value = node.childForFieldName('value');
      const type = this.#types(node.childForFieldName('type'));
      const key = this.#nameOf(name);
      if (value && FUNCTIONS.has(value.type)) builder.bind(name.startIndex, { name: key, kind: 'block', block: this.#function({ node: value, name: key, method: true, property: false }, place), direct: true });
      else {
        if (value) this.#visit(value, place);
        builder.bind(name.startIndex, { name: key, kind: 'assign', direct: true, ...(value ? { value: this.#read(value, place) } : {}), ...(type === undefined ? {} : { type }) });
      }
    } else if (node.type === 'class_static_block') this.#children(node, place);
  }

  /** `constructor(private client: Unleash)` declares and assigns a field. */
  #parameterProperties(node: SyntaxNode, builder: BlockBuilder): void {
    const list = node.childForFieldName('parameters');
    for (const parameter of list ? childrenOf(list) : []) {
      const pattern = parameter.childForFieldName('pattern');
      const modified = childrenOf(parameter).some(({ type }) => type === 'accessibility_modifier' || type === 'override_modifier') || /^\s*readonly\b/.test(this.#text(parameter));
      const type = this.#types(parameter.childForFieldName('type'));
      if (pattern?.type === 'identifier' && modified) builder.bind(pattern.startIndex, { name: this.#text(pattern), kind: 'assign', direct: true, ...(type === undefined ? {} : { type }) });
    }
  }

  #enum(node: SyntaxNode, outer: Place): void {
    const name = node.childForFieldName('name');
    const body = node.childForFieldName('body');
    if (!name || !body) return;
    const builder = new BlockBuilder('class', this.#text(name), node.startIndex);
    const place: Place = { scope: new Scope(builder, outer.scope), direct: true, depth: outer.depth };
    builder.bases = [{ kind: 'name', name: ENUM }];
    for (const member of childrenOf(body)) {
      const key = member.type === 'enum_assignment' ? member.childForFieldName('name') : undefined;
      const value = member.childForFieldName('value');
      if (key && value) builder.bind(key.startIndex, { name: this.#nameOf(key), kind: 'assign', value: this.#read(value, place), direct: true });
    }
    this.#bindBlock(name, outer.scope.builder.add(builder), outer, outer.scope);
  }

  /** `namespace Flags { export const KEY = ... }` is reached like a class. */
  #namespace(node: SyntaxNode, outer: Place): void {
    const name = node.childForFieldName('name');
    const body = node.childForFieldName('body');
    if (name?.type !== 'identifier' || !body) return;
    const builder = new BlockBuilder('class', this.#text(name), node.startIndex);
    const place: Place = { scope: new Scope(builder, outer.scope), direct: true, depth: outer.depth };
    builder.bases = [];
    const before = this.exports.length;
    this.#statements(body, place);
    this.exports.length = before;
    this.#bindBlock(name, outer.scope.builder.add(builder), outer, outer.scope);
  }

  #return(node: SyntaxNode, place: Place): void {
    const [value] = childrenOf(node);
    if (!value) return;
    this.#visit(value, place);
    place.scope.builder.results.push(this.#read(value, place));
  }

  // Calls

  #call(node: SyntaxNode, place: Place): void {
    const callee = node.childForFieldName(node.type === 'new_expression' ? 'constructor' : 'function');
    const list = node.childForFieldName('arguments');
    if (!callee) return;
    this.#visit(callee, place);
    if (list) this.#children(list, place);
    const name = callee.type === 'member_expression' ? callee.childForFieldName('property') : callee.type === 'identifier' ? callee : null;
    if (!name || list?.type === 'template_string') return;
    if (this.#text(callee) === 'Object.assign') {
      this.#changed(childrenOf(list ?? node)[0] ?? null, place);
      return;
    }
    const context = this.#context(place);
    place.scope.builder.call({
      name: this.#text(name),
      at: name.startIndex,
      start: node.startIndex,
      end: node.endIndex,
      callee: readExpression(context, callee),
      args: list ? readArguments(context, list) : [],
      answers: answers(this.#source, node),
    });
  }

  /** `<Feature flag="a">` calls the component with one object. */
  #jsx(element: SyntaxNode, head: SyntaxNode, place: Place): void {
    this.#children(element, place);
    const name = head.childForFieldName('name');
    const last = name?.type === 'member_expression' ? name.childForFieldName('property') : name?.type === 'identifier' ? name : null;
    if (!name || !last || !/^\p{Lu}/u.test(this.#text(last))) return;
    const attributes = childrenOf(head).filter(({ type }) => type === 'jsx_attribute');
    const entries = attributes.flatMap((attribute) => {
      const [key, given] = childrenOf(attribute);
      const value = given?.type === 'jsx_expression' ? childrenOf(given)[0] : given;
      return key && value ? [{ key: { kind: 'text' as const, value: this.#text(key) }, value: this.#read(value, place) }] : [];
    });
    const open = attributes.length < childrenOf(head).filter(({ type }) => type === 'jsx_attribute' || type === 'jsx_expression').length;
    const value: Expression = { kind: 'record', entries, open, words: 'the attributes of an element' };
    place.scope.builder.call({
      name: this.#text(last), at: last.startIndex, start: element.startIndex, end: head.endIndex,
      callee: this.#read(name, place), args: [{ value, start: name.endIndex, end: head.endIndex }], answers: false,
    });
  }

  // Small things

  #context({ scope, depth, direct }: Place): ExpressionContext {
    return {
      source: this.#source,
      nameOf: (name) => scope.find(name)?.name ?? name,
      lambda: (node) => this.#lambda(node, { scope, depth: depth + 1, direct }),
    };
  }

  #read(node: SyntaxNode, place: Place): Expression {
    return readExpression(this.#context(place), node);
  }

  #types(annotation: SyntaxNode | null | undefined): TypeNames | undefined {
    if (!annotation) return undefined;
    const names: string[] = [];
    const collect = (node: SyntaxNode, depth: number): void => {
      if (node.type === 'type_identifier' || node.type === 'nested_type_identifier' || node.type === 'predefined_type') names.push(this.#text(node));
      else if (depth < 8) for (const child of node.namedChildren) collect(child, depth + 1);
    };
    collect(annotation, 0);
    return names;
  }

  #string(node: SyntaxNode): string | undefined {
    const expression = readExpression({ source: this.#source, nameOf: (name) => name, lambda: () => 0 }, node);
    return expression.kind === 'text' ? expression.value : undefined;
  }

  /** The name that an identifier or a quoted name stands for. */
  #nameOf(node: SyntaxNode): string {
    return node.type === 'string' ? this.#string(node) ?? this.#text(node) : this.#text(node);
  }

  #hiddenName(hint: string): string {
    this.#hidden += 1;
    return `${hint}*${this.#hidden}`;
  }

  #text(node: SyntaxNode): string {
    return textOf(this.#source, node);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

interface PatternName {
  /** The property that it is taken from; undefined for what lies deeper or comes by position. */
  readonly key: SyntaxNode | undefined;
  readonly name: SyntaxNode;
}

/** The names that a pattern binds. */
function patternNames(pattern: SyntaxNode | null): readonly PatternName[] {
  if (!pattern) return [];
  if (pattern.type === 'identifier') return [{ key: undefined, name: pattern }];
  return childrenOf(pattern).flatMap((child): readonly PatternName[] => {
    switch (child.type) {
      case 'shorthand_property_identifier_pattern':
        return [{ key: child, name: child }];
      case 'pair_pattern': {
        const key = child.childForFieldName('key');
        const value = child.childForFieldName('value');
        return value?.type === 'identifier' && key?.type === 'property_identifier' ? [{ key, name: value }] : patternNames(value).map(({ name }) => ({ key: undefined, name }));
      }
      case 'object_assignment_pattern':
        return patternNames(child).map(({ name }) => ({ key: undefined, name })).slice(0, 1);
      case 'assignment_pattern':
        return patternNames(child.childForFieldName('left')).map(({ name }) => ({ key: undefined, name }));
      default:
        return patternNames(child).map(({ name }) => ({ key: undefined, name }));
    }
  });
}

function boundNames(pattern: SyntaxNode | null): readonly SyntaxNode[] {
  return patternNames(pattern).map(({ name }) => name);
}
