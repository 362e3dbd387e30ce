/**
 * What one word of a Python text means where it stands. A fact depends only on the text of its own span and on the types
 * of the nodes above it: exactly what an incremental parse reports when it changes. Whatever needs more (scopes, other
 * names) is worked out afterwards from the facts and the newest tree.
 */
import type { FlagApi } from '../model.ts';
import { childrenOf, identifierAt, isField, isFirst, textOf, type Source, type Span, type SyntaxNode } from '../syntax.ts';
import { readCall, type CallData } from './calls.ts';
import { quoted, readExpression, type Expression } from './expressions.ts';

export type FactData =
  | CallData
  /** `word = value`; without a value only declared. `direct`: a statement of its own in a module, class or function body. */
  | { readonly kind: 'assign'; readonly value: Expression | undefined; readonly annotation: string | undefined; readonly direct: boolean }
  /** `object.word = value`, or only declared as above */
  | { readonly kind: 'member'; readonly object: Expression; readonly value: Expression | undefined; readonly annotation: string | undefined; readonly direct: boolean }
  | { readonly kind: 'parameter'; readonly annotation: string | undefined }
  /** `from module import name as word`, or `import module as word` when there is no name */
  | { readonly kind: 'import'; readonly module: string; readonly name: string | undefined }
  | { readonly kind: 'class'; readonly bases: readonly Expression[] }
  | { readonly kind: 'function'; readonly returns: string | undefined }
  /** `global word`, `nonlocal word` */
  | { readonly kind: 'outer'; readonly scope: 'global' | 'nonlocal' }
  /** Bound in another way: `words` say how, as the end of "`KEY` is ..." */
  | { readonly kind: 'bound'; readonly words: string; readonly value: Expression | undefined; readonly walrus: boolean }
  /** The word is a base of the class around it. */
  | { readonly kind: 'base' }
  /** A whole import statement; `names` are all its words: modules, imported names and aliases. */
  | { readonly kind: 'importStatement'; readonly names: readonly string[]; readonly wildcard: string | undefined };

export interface Fact<Data extends FactData = FactData> extends Span {
  /** Where the word itself starts. */
  readonly at: number;
  readonly data: Data;
}

/** The keyword under which import statements are found as a whole. */
export const IMPORT = 'import';

const APIS: Readonly<Record<string, FlagApi>> = { is_enabled: 'is_enabled', get_variant: 'get_variant' };
export const API_NAMES: readonly string[] = Object.keys(APIS);

const TARGET_LISTS = new Set(['pattern_list', 'tuple_pattern', 'list_pattern', 'list_splat_pattern', 'tuple', 'list', 'expression_list', 'parenthesized_expression']);

/** The fact about `word` at the offset `at`, or undefined when it stands there for nothing of interest: a use, a comment, a part of a string. */
export function factAt(source: Source, word: string, at: number): Fact | undefined {
  if (word === IMPORT) return importStatement(source, at);
  const node = identifierAt(source, at, word.length);
  const parent = node?.parent;
  if (!node || !parent) return undefined;
  const api = APIS[word];
  const call = api && readCall(source, node, api);
  if (call) return { at, ...call };
  const { type } = parent;
  const found = declaration(source, node, parent, type) ?? target(source, node, parent, type);
  return found && { at, start: found.span.startIndex, end: found.end ?? found.span.endIndex, data: found.data };
}

interface Found {
  readonly span: SyntaxNode;
  /** When the span ends before its node does. */
  readonly end?: number;
  readonly data: FactData;
}

/** Names that are bound by what they stand in, not by an assignment. */
function declaration(source: Source, node: SyntaxNode, parent: SyntaxNode, type: string): Found | undefined {
  switch (type) {
    case 'function_definition':
    case 'class_definition':
      return isField(parent, 'name', node) ? definition(source, parent) : undefined;
    case 'argument_list':
      return parent.parent?.type === 'class_definition' ? { span: parent, data: { kind: 'base' } } : undefined;
    case 'parameters':
    case 'lambda_parameters':
      return { span: node, data: { kind: 'parameter', annotation: undefined } };
    case 'default_parameter':
    case 'typed_default_parameter':
    case 'typed_parameter':
      return isFirst(parent, node) ? parameter(source, parent) : undefined;
    case 'dictionary_splat_pattern':
      return { span: parent, data: { kind: 'parameter', annotation: undefined } };
    case 'global_statement':
    case 'nonlocal_statement':
      return { span: parent, data: { kind: 'outer', scope: type === 'global_statement' ? 'global' : 'nonlocal' } };
    case 'aliased_import':
      return isField(parent, 'alias', node) ? imported(source, parent.parent, parent.childForFieldName('name')) : undefined;
    case 'dotted_name':
      return dottedName(source, node, parent);
    case 'splat_pattern':
      return { span: parent, data: bound('captured by a case') };
    case 'as_pattern': {
      // In a case the name stands here itself; in `with` and `except` this is the value, and the name is in a target node.
      const captured = parent.parent?.type === 'case_pattern' && parent.namedChildren.at(-1)?.id === node.id;
      return captured ? { span: parent, data: bound('captured by a case') } : undefined;
    }
    default:
      return undefined;
  }
}

function definition(source: Source, node: SyntaxNode): Found {
  const end = node.childForFieldName('body')?.startIndex ?? node.endIndex;
  if (node.type === 'class_definition') {
    const bases = node.childForFieldName('superclasses');
    return { span: node, end, data: { kind: 'class', bases: bases ? childrenOf(bases).map((base) => readExpression(source, base)) : [] } };
  }
  const returns = node.childForFieldName('return_type');
  return { span: node, end, data: { kind: 'function', returns: returns ? textOf(source, returns) : undefined } };
}

function parameter(source: Source, node: SyntaxNode): Found {
  const annotation = node.childForFieldName('type');
  return { span: node, data: { kind: 'parameter', annotation: annotation ? textOf(source, annotation) : undefined } };
}

/** A dotted name binds its first part in an import, and the whole of a plain name in a case pattern. */
function dottedName(source: Source, node: SyntaxNode, dotted: SyntaxNode): Found | undefined {
  const holder = dotted.parent;
  if (!holder || dotted.namedChildren[0]?.id !== node.id) return undefined;
  if (holder.type === 'import_statement' || holder.type === 'import_from_statement') {
    return isField(holder, 'module_name', dotted) ? undefined : imported(source, holder, dotted);
  }
  const capture = holder.type === 'case_pattern' || holder.type === 'union_pattern' || holder.type === 'keyword_pattern';
  return capture && dotted.namedChildren.length === 1 ? { span: dotted, data: bound('captured by a case') } : undefined;
}

function imported(source: Source, statement: SyntaxNode | null, name: SyntaxNode | null): Found | undefined {
  if (!statement || !name) return undefined;
  const module = statement.childForFieldName('module_name');
  const data: FactData = module
    ? { kind: 'import', module: textOf(source, module), name: textOf(source, name) }
    : { kind: 'import', module: textOf(source, name), name: undefined };
  return { span: statement, data };
}

function bound(words: string, value?: Expression, walrus = false): FactData {
  return { kind: 'bound', words, value, walrus };
}

/** Names and members (`object.word`) to which something is assigned. */
function target(source: Source, node: SyntaxNode, parent: SyntaxNode, type: string): Found | undefined {
  const member = type === 'attribute';
  // The member's name is the last thing in an attribute; before it stands the object, which is only read.
  if (member && parent.endIndex !== node.endIndex) return undefined;
  const whole = member ? parent : node;
  let top = whole;
  let holder = member ? parent.parent : parent;
  let kind = holder?.type ?? '';
  while (holder && TARGET_LISTS.has(kind)) {
    top = holder;
    holder = top.parent;
    kind = holder?.type ?? '';
  }
  if (!holder) return undefined;
  const found = top === whole && kind === 'assignment' ? assignment(source, whole, holder) : rebinding(source, top, holder, kind);
  return found && member ? { ...found, data: memberData(source, parent, found) } : found;
}

function memberData(source: Source, attribute: SyntaxNode, { span, data }: Found): FactData {
  const object = attribute.childForFieldName('object');
  const base = { kind: 'member', object: readExpression(source, object ?? attribute) } as const;
  if (data.kind === 'assign') return { ...base, value: data.value, annotation: data.annotation, direct: data.direct };
  const value = data.kind === 'bound' ? data.value : undefined;
  return { ...base, value: value ?? { kind: 'other', words: quoted(textOf(source, span)) }, annotation: undefined, direct: false };
}

function assignment(source: Source, node: SyntaxNode, statement: SyntaxNode): Found | undefined {
  if (!isFirst(statement, node)) return undefined;
  const annotation = statement.childForFieldName('type');
  let right = statement.childForFieldName('right');
  while (right?.type === 'assignment') right = right.childForFieldName('right');
  let top = statement;
  let above = top.parent;
  let kind = above?.type;
  while (above && kind === 'assignment') {
    top = above;
    above = top.parent;
    kind = above?.type;
  }
  const data: FactData = {
    kind: 'assign',
    value: right ? readExpression(source, right) : undefined,
    annotation: annotation ? textOf(source, annotation) : undefined,
    direct: kind === 'expression_statement' && isDirect(above),
  };
  return { span: top, data };
}

/** Whether a statement is one of a module, a class body or a function body, under no condition and in no loop. */
function isDirect(statement: SyntaxNode | null): boolean {
  const body = statement?.parent;
  const kind = body?.type;
  if (kind !== 'block') return kind === 'module';
  const owner = body?.parent?.type;
  return owner === 'function_definition' || owner === 'class_definition';
}

function rebinding(source: Source, node: SyntaxNode, holder: SyntaxNode, kind: string): Found | undefined {
  switch (kind) {
    case 'parameters':
    case 'lambda_parameters':
    case 'typed_parameter':
      return { span: kind === 'typed_parameter' ? holder : node, data: { kind: 'parameter', annotation: undefined } };
    case 'assignment':
      return isFirst(holder, node) ? { span: holder, data: bound('unpacked from a sequence') } : undefined;
    case 'augmented_assignment':
      return isFirst(holder, node) ? { span: holder, data: bound('changed by an augmented assignment') } : undefined;
    case 'named_expression': {
      const value = holder.childForFieldName('value');
      return isFirst(holder, node) ? { span: holder, data: bound('assigned inside an expression', value ? readExpression(source, value) : undefined, true) } : undefined;
    }
    case 'for_statement':
    case 'for_in_clause':
      return isField(holder, 'left', node) ? { span: holder, end: node.endIndex, data: bound('the variable of a loop') } : undefined;
    case 'as_pattern_target': {
      const value = holder.parent?.namedChildren[0];
      return { span: holder.parent ?? holder, data: bound('bound by `as`', value ? readExpression(source, value) : undefined) };
    }
    case 'delete_statement':
      return { span: holder, data: bound('deleted') };
    case 'type':
      return holder.parent?.type === 'type_alias_statement' && isField(holder.parent, 'left', holder) ? { span: holder, data: bound('a type') } : undefined;
    default:
      return undefined;
  }
}

function importStatement(source: Source, at: number): Fact | undefined {
  const node = source.root.namedDescendantForIndex(at, at + IMPORT.length);
  if (node?.type !== 'import_statement' && node?.type !== 'import_from_statement') return undefined;
  const module = node.childForFieldName('module_name');
  const wildcard = module && childrenOf(node).some((child) => child.type === 'wildcard_import') ? textOf(source, module) : undefined;
  const names = textOf(source, node).replace(/#.*/g, '').match(/[\p{ID_Continue}]+/gu) ?? [];
  return { at, start: node.startIndex, end: node.endIndex, data: { kind: 'importStatement', names: names.filter((name) => name !== 'import' && name !== 'from' && name !== 'as'), wildcard } };
}
