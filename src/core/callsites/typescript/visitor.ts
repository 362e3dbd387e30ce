import type { Block } from '../project/summary.ts';
import { childrenOf, type Source, type SyntaxNode } from '../syntax.ts';
import { readAssignment, readCatch, readDeclaration, readLoop, readUnary, readUpdate } from './assignments.ts';
import { BlockBuilder, Scope, type Place } from './blocks.ts';
import { readCall, readElement } from './calls.ts';
import { readClass, readEnum, readNamespace } from './classes.ts';
import { FUNCTIONS } from './expressions.ts';
import { readFunction, readReturn } from './functions.ts';
import { readExport, readImport } from './imports.ts';
import { bindBlock, CLASSES, text, type Walk } from './walk.ts';

/** Deeper than this is generated text; the recursion has to end somewhere. */
const MAX_DEPTH = 800;

const DECLARED_FUNCTIONS: ReadonlySet<string> = new Set(['function_declaration', 'generator_function_declaration']);
const CONDITIONAL: ReadonlySet<string> = new Set(['if_statement', 'while_statement', 'do_statement', 'for_statement', 'for_in_statement', 'switch_statement', 'try_statement', 'ternary_expression']);

type Reader = (walk: Walk, node: SyntaxNode, place: Place) => void;

const readChildren: Reader = (walk, node, place) => walk.children(node, place);
const readNothing: Reader = () => undefined;
const inner = (place: Place): Place => ({ ...place, scope: new Scope(place.scope.builder, place.scope) });
const readBraces: Reader = (walk, node, place) => walk.statements(node, inner(place));

/** What is read in its own way; of everything else the children are. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['import_statement', readImport],
  ['export_statement', readExport],
  ['lexical_declaration', (walk, node, place) => readDeclaration(walk, node, place, place.scope)],
  ['variable_declaration', (walk, node, place) => readDeclaration(walk, node, place, place.scope.outermost)],
  ['enum_declaration', readEnum],
  ['internal_module', readNamespace],
  ['module', readNamespace],
  ['statement_block', readBraces],
  ['switch_body', readBraces],
  ['for_statement', (walk, node, place) => walk.children(node, inner(place))],
  ['for_in_statement', readLoop],
  ['catch_clause', readCatch],
  ['return_statement', readReturn],
  ['assignment_expression', readAssignment],
  ['augmented_assignment_expression', readUpdate],
  ['update_expression', readUpdate],
  ['unary_expression', readUnary],
  ['call_expression', readCall],
  ['new_expression', readCall],
  ['jsx_element', (walk, node, place) => readElement(walk, node, node.childForFieldName('open_tag') ?? node, place)],
  ['jsx_self_closing_element', (walk, node, place) => readElement(walk, node, node, place)],
  ['type_annotation', readNothing],
  ['type_arguments', readNothing],
  ['interface_declaration', readNothing],
  ['type_alias_declaration', readNothing],
]);

/** Reads one file: every node is visited once, where it stands. */
export class Visitor implements Walk {
  readonly source: Source;
  readonly exports: { readonly name: string; readonly local: string }[] = [];
  readonly limits: string[] = [];
  #hidden = 0;

  constructor(source: Source) {
    this.source = source;
  }

  module(): Block {
    const builder = new BlockBuilder('module', '', 0);
    this.statements(this.source.root, { scope: new Scope(builder, undefined), direct: true, depth: 0 });
    return builder.build();
  }

  statements(body: SyntaxNode, place: Place): void {
    for (const child of childrenOf(body)) this.#declare(child.type === 'export_statement' ? child.childForFieldName('declaration') ?? child : child, place.scope);
    for (const child of childrenOf(body)) this.visit(child, place);
  }

  #declare(node: SyntaxNode, scope: Scope): void {
    if (node.type === 'lexical_declaration' || node.type === 'variable_declaration') {
      for (const declarator of childrenOf(node)) {
        const name = declarator.childForFieldName('name');
        if (name?.type === 'identifier') scope.declare(text(this, name));
      }
    } else if (CLASSES.has(node.type) || DECLARED_FUNCTIONS.has(node.type) || node.type === 'enum_declaration') {
      const name = node.childForFieldName('name');
      if (name) scope.declare(text(this, name));
    }
  }

  visit(node: SyntaxNode, outer: Place): void {
    if (outer.depth > MAX_DEPTH) {
      if (this.limits.length === 0) this.limits.push('A part that is nested more than 800 deep was not read.');
      return;
    }
    const place = { ...outer, depth: outer.depth + 1, direct: outer.direct && !CONDITIONAL.has(node.type) };
    if (FUNCTIONS.has(node.type) || node.type === 'method_definition') this.lambda(node, place);
    else if (CLASSES.has(node.type)) readClass(this, node, place);
    else if (DECLARED_FUNCTIONS.has(node.type)) this.#function(node, place);
    else (READERS.get(node.type) ?? readChildren)(this, node, place);
  }

  children(node: SyntaxNode, place: Place): void {
    for (const child of node.namedChildren) this.visit(child, place);
  }

  lambda(node: SyntaxNode, place: Place, name?: string): number {
    const { lambdas } = place.scope.builder;
    const known = lambdas.get(node.id);
    if (known !== undefined) return known;
    const own = node.childForFieldName('name');
    const index = readFunction(this, { node, name: name ?? (own ? text(this, own) : ''), method: false, property: false }, place);
    lambdas.set(node.id, index);
    return index;
  }

  hiddenName(hint: string): string {
    this.#hidden += 1;
    return `${hint}*${this.#hidden}`;
  }

  #function(node: SyntaxNode, place: Place): void {
    const name = node.childForFieldName('name');
    if (name) bindBlock(this, name, readFunction(this, { node, name: text(this, name), method: false, property: false }, place), place.direct, place.scope);
  }
}
