import { lastName } from '../project/blocks.ts';
import type { Block, Call, Expression, FunctionFacts, TypeNames } from '../project/summary.ts';
import { childrenOf, textOf, type Source, type SyntaxNode } from '../syntax.ts';
import { BlockBuilder, type Role } from './blocks.ts';
import { quoted } from '../project/parts.ts';
import { ExpressionReader, objectOf, startOf } from './expressions.ts';

/** A definition as it was read: what depends on where it stands is added by `FileWalk`. */
export interface KnownBlock {
  readonly block: Block;
}

export interface KnownBlocks {
  remembered(source: Source, node: SyntaxNode, read: () => KnownBlock): KnownBlock;
}

const COMPREHENSIONS = new Set(['list_comprehension', 'set_comprehension', 'dictionary_comprehension', 'generator_expression']);
const TARGET_LISTS = new Set(['pattern_list', 'tuple_pattern', 'list_pattern', 'list_splat_pattern', 'tuple', 'list', 'expression_list', 'parenthesized_expression']);
/** Without one of these an expression holds nothing that is collected. */
const WORTH_A_LOOK = /[([{]|:=|lambda|\bas\b/;
const MUTATORS = new Set(['update', 'pop', 'popitem', 'clear', 'setdefault', 'append', 'extend', 'insert', 'remove']);
/** Calls that give the truth or text of their argument. */
const TRANSPARENT = new Set(['bool', 'str', 'int', 'any', 'all', 'cast']);
const MAX_DEPTH = 600;

/** Reads the blocks of one Python text. */
export class FileWalk {
  readonly #source: Source;
  readonly #places: readonly number[] | undefined;
  readonly #known: KnownBlocks;
  #depth = 0;

  /** `places`: where words of interest occur; functions without one are read as little as their callers need. */
  constructor(source: Source, places: readonly number[] | undefined, known: KnownBlocks) {
    this.#source = source;
    this.#places = places;
    this.#known = known;
  }

  module(): Block {
    const { root } = this.#source;
    const builder = new BlockBuilder('module', '', 0, undefined);
    this.#suite(root, builder, root.type === 'module');
    return builder.build(HEADLESS);
  }

  #suite(body: SyntaxNode, into: BlockBuilder, direct: boolean): void {
    for (const child of body.namedChildren) this.#visit(child, into, undefined, direct);
  }

  #visitAll(nodes: readonly SyntaxNode[], into: BlockBuilder): void {
    for (const node of nodes) this.#visit(node, into);
  }

  #visit(whole: SyntaxNode, into: BlockBuilder, role?: Role, direct = false): void {
    let node = whole;
    // Brackets may nest deeper than anything else that has a meaning.
    while (node.type === 'parenthesized_expression') {
      const [inner, ...more] = node.namedChildren;
      if (!inner || more.length > 0) break;
      node = inner;
    }
    if (this.#depth >= MAX_DEPTH) return;
    this.#depth += 1;
    try {
      this.#visitNode(node, into, role, direct);
    } finally {
      this.#depth -= 1;
    }
  }

  #visitNode(node: SyntaxNode, into: BlockBuilder, role: Role, direct: boolean): void {
    switch (node.type) {
      case 'identifier': case 'comment': case 'integer': case 'float': case 'true': case 'false': case 'none':
      case 'pass_statement': case 'break_statement': case 'continue_statement':
        return;
      case 'expression_statement':
        for (const child of node.namedChildren) this.#visit(child, into, undefined, direct);
        return;
      case 'function_definition': { this.#function(node, into, [], direct); return; }
      case 'class_definition': { this.#class(node, into, [], direct); return; }
      case 'decorated_definition': { this.#decorated(node, into, direct); return; }
      case 'import_statement': case 'import_from_statement': { this.#import(node, into); return; }
      case 'assignment': { this.#assignment(node, into, direct); return; }
      case 'augmented_assignment':
        this.#target(node.childForFieldName('left'), into, { kind: 'bound', words: 'changed by an augmented assignment' });
        { this.#look(node.childForFieldName('right'), into); return; }
      case 'global_statement': case 'nonlocal_statement':
        for (const name of node.namedChildren) into.bindOuter(textOf(this.#source, name), node.type === 'global_statement' ? 'global' : 'nonlocal');
        return;
      case 'return_statement': {
        const value = childrenOf(node)[0];
        this.#result(value, into);
        this.#look(value, into, 'answer'); return;
      }
      case 'if_statement': case 'elif_clause': { this.#condition(node, into); return; }
      case 'for_statement': case 'for_in_clause':
        this.#target(node.childForFieldName('left'), into, { kind: 'bound', words: 'the variable of a loop' });
        { this.#rest(node, 'left', into); return; }
      case 'as_pattern': { this.#as(node, into); return; }
      case 'except_clause': { this.#except(node, into); return; }
      case 'delete_statement':
        for (const child of childrenOf(node)) this.#target(child, into, { kind: 'bound', words: 'deleted' });
        return;
      case 'case_clause': { this.#case(node, into); return; }
      case 'type_alias_statement': {
        const name = node.childForFieldName('left')?.namedChildren[0];
        if (name?.type === 'identifier') this.#bindName(name, into, { kind: 'bound', words: 'a type' });
        return;
      }
      default: { this.#expression(node, into, role); return; }
    }
  }

  /** Expressions, and statements that only hold others. */
  #expression(node: SyntaxNode, into: BlockBuilder, role: Role): void {
    const { type } = node;
    switch (type) {
      case 'call': { this.#call(node, into, role); return; }
      case 'lambda': return void this.#lambda(node, into);
      case 'parenthesized_expression': case 'not_operator': case 'boolean_operator': case 'await': case 'comparison_operator': case 'attribute': case 'subscript':
        for (const child of childrenOf(node)) this.#look(child, into, role);
        return;
      case 'conditional_expression': {
        const [whenTrue, condition, whenFalse] = childrenOf(node);
        const decides = [whenTrue, whenFalse].every((branch) => branch?.type === 'true' || branch?.type === 'false');
        this.#look(condition, into, decides ? role : undefined);
        this.#look(whenTrue, into, role);
        this.#look(whenFalse, into, role); return;
      }
      case 'named_expression': {
        const name = node.childForFieldName('name');
        const value = node.childForFieldName('value');
        this.#target(name, into.home, { kind: 'bound', words: 'assigned inside an expression', value: this.#reader(into).read(value) });
        this.#look(value, into, role ?? (name ? { variable: textOf(this.#source, name) } : undefined)); return;
      }
      default:
        if (COMPREHENSIONS.has(type)) { this.#comprehension(node, into); return; }
        { this.#visitAll(type === 'string' || type === 'concatenated_string' ? node.namedChildren.filter((child) => child.type !== 'string_content') : node.namedChildren, into); return; }
    }
  }

  /** Visits an expression if its text shows that it may hold something. */
  #look(node: SyntaxNode | null | undefined, into: BlockBuilder, role?: Role): void {
    if (!node || node.type === 'identifier') return;
    if (WORTH_A_LOOK.test(this.#source.text.slice(node.startIndex, node.endIndex))) this.#visit(node, into, role);
  }

  #rest(node: SyntaxNode, field: string, into: BlockBuilder): void {
    const done = node.childForFieldName(field)?.id;
    for (const child of node.namedChildren) if (child.id !== done) this.#visit(child, into);
  }

  #reader(into: BlockBuilder): ExpressionReader {
    return new ExpressionReader(this.#source, (lambda) => this.#lambda(lambda, into));
  }

  readonly #lambdas = new Map<number, number>();

  /** Reads a lambda once, whoever comes first: the walk, or an expression that it is part of. */
  #lambda(node: SyntaxNode, into: BlockBuilder): number {
    const known = this.#lambdas.get(node.id);
    if (known !== undefined) return known;
    const start = node.startIndex;
    const place = into.reserve(start - into.start);
    this.#lambdas.set(node.id, place);
    const builder = new BlockBuilder('lambda', '', start, into);
    this.#parameters(node.childForFieldName('parameters'), builder, into);
    const body = node.childForFieldName('body');
    this.#result(body ?? undefined, builder);
    this.#look(body, builder, 'answer');
    // `on = lambda self, key: ...` in a class is a method; as an argument, of `staticmethod` above all, it is none.
    const receiver = into.kind === 'class' && node.parent?.type === 'assignment';
    into.fill(place, builder.build(HEADLESS, { receiver, property: false, results: [], empty: false }));
    return place;
  }

  #comprehension(node: SyntaxNode, into: BlockBuilder): void {
    const place = into.reserve(node.startIndex - into.start);
    const builder = new BlockBuilder('comprehension', '', node.startIndex, into);
    this.#visitAll(node.namedChildren, builder);
    into.fill(place, builder.build(HEADLESS));
  }

  #decorated(node: SyntaxNode, into: BlockBuilder, direct: boolean): void {
    const decorators = node.namedChildren.filter((child) => child.type === 'decorator').map((decorator) => childrenOf(decorator)[0]);
    const definition = node.childForFieldName('definition');
    for (const decorator of decorators) this.#look(decorator, into);
    const read = decorators.map((decorator) => this.#reader(into).read(decorator));
    if (definition?.type === 'function_definition') this.#function(definition, into, read, direct);
    else if (definition) this.#class(definition, into, read, direct);
  }

  #function(node: SyntaxNode, into: BlockBuilder, decorators: readonly Expression[], direct: boolean): void {
    const place = into.reserve(node.startIndex - into.start);
    const name = node.childForFieldName('name');
    if (name) into.bind({ name: textOf(this.#source, name), at: name.startIndex - into.start, kind: 'block', block: place, direct });
    const { block } = this.#known.remembered(this.#source, node, () => ({ block: this.#readFunction(node, name) }));
    const words = decorators.map(lastName);
    const isMethod = into.kind === 'class' && !words.includes('staticmethod');
    const isProperty = words.some((word) => word !== undefined && /property$/i.test(word));
    const facts = block.function;
    into.fill(place, !facts || (!isMethod && decorators.length === 0) ? block : { ...block, decorators, function: { ...facts, receiver: isMethod, property: isProperty } });
  }

  #readFunction(node: SyntaxNode, name: SyntaxNode | null): Block {
    const { startIndex } = node;
    const builder = new BlockBuilder('function', name ? textOf(this.#source, name) : '', startIndex, undefined);
    const heads = new BlockBuilder('module', '', startIndex, undefined);
    this.#parameters(node.childForFieldName('parameters'), builder, heads);
    // What the parser could not place between head and body.
    if (node.hasError) for (const child of node.namedChildren) if (child.type === 'ERROR') this.#visit(child, builder);
    const body = node.childForFieldName('body');
    const returns = node.childForFieldName('return_type');
    const facts: FunctionFacts = {
      receiver: false,
      property: false,
      results: [],
      empty: body !== null && childrenOf(body).every((statement) => this.#isIdle(statement)),
      ...(returns ? { returns: this.#types(returns) } : {}),
    };
    if (body && this.#isIdleText(body)) {
      for (const child of body.namedChildren) if (child.type === 'return_statement') this.#result(childrenOf(child)[0], builder);
    } else if (body) {
      this.#suite(body, builder, true);
    }
    return builder.build({ head: this.#headCalls(heads), decorators: [] }, facts);
  }

  /** Whether nothing in a function's body can matter to the words of interest. */
  #isIdleText(body: SyntaxNode): boolean {
    if (!this.#places || anyWithin(this.#places, body.startIndex, body.endIndex)) return false;
    const text = this.#source.text.slice(body.startIndex, body.endIndex);
    if (/\b(?:self|cls)\s*\.\s*\w+\s*(?::[^=\n]*)?=(?!=)|\bglobal\b|\bnonlocal\b|\bclass\b|:=/.test(text)) return false;
    const direct = body.namedChildren.filter((child) => child.type === 'return_statement').length;
    return (text.match(/\breturn\b/g)?.length ?? 0) === direct;
  }

  #isIdle(statement: SyntaxNode): boolean {
    if (statement.type === 'pass_statement') return true;
    if (statement.type === 'raise_statement') return textOf(this.#source, statement).includes('NotImplemented');
    const child = statement.type === 'expression_statement' ? childrenOf(statement)[0] : undefined;
    return child?.type === 'string' || child?.type === 'ellipsis';
  }

  #headCalls(heads: BlockBuilder): readonly Call[] {
    const { calls, blocks } = heads.build(HEADLESS);
    return [...calls, ...blocks.flatMap(({ start, block }) => callsWithin(block, start))];
  }

  #class(node: SyntaxNode, into: BlockBuilder, decorators: readonly Expression[], direct: boolean): void {
    const place = into.reserve(node.startIndex - into.start);
    const name = node.childForFieldName('name');
    if (name) into.bind({ name: textOf(this.#source, name), at: name.startIndex - into.start, kind: 'block', block: place, direct });
    const { block } = this.#known.remembered(this.#source, node, () => ({ block: this.#readClass(node, name) }));
    into.fill(place, decorators.length === 0 ? block : { ...block, decorators });
  }

  #readClass(node: SyntaxNode, name: SyntaxNode | null): Block {
    const builder = new BlockBuilder('class', name ? textOf(this.#source, name) : '', node.startIndex, undefined);
    const heads = new BlockBuilder('module', '', node.startIndex, undefined);
    const list = node.childForFieldName('superclasses');
    const bases = list ? childrenOf(list).filter((base) => base.type !== 'keyword_argument') : [];
    for (const base of bases) this.#look(base, heads);
    const body = node.childForFieldName('body');
    if (body) this.#suite(body, builder, true);
    return builder.build({ head: this.#headCalls(heads), decorators: [] }, undefined, bases.map((base) => this.#headReader().read(base)));
  }

  #headReader(): ExpressionReader {
    return new ExpressionReader(this.#source, () => undefined);
  }

  #parameters(list: SyntaxNode | null, into: BlockBuilder, heads: BlockBuilder): void {
    let keywordOnly = false;
    for (const node of list ? childrenOf(list) : []) {
      if (node.type === 'keyword_separator') keywordOnly = true;
      const isTyped = node.type === 'typed_parameter' || node.type === 'typed_default_parameter';
      const inner = node.type === 'typed_parameter' ? childrenOf(node)[0] : node.type.includes('default') ? node.childForFieldName('name') : node;
      if (!inner) continue;
      const rest = inner.type === 'list_splat_pattern' ? 'list' : inner.type === 'dictionary_splat_pattern' ? 'record' : undefined;
      const name = rest ? childrenOf(inner)[0] : inner;
      if (name?.type !== 'identifier') continue;
      const type = isTyped ? node.childForFieldName('type') : null;
      const fallback = node.childForFieldName('value');
      this.#look(fallback, heads);
      into.bind({
        name: textOf(this.#source, name),
        at: name.startIndex - into.start,
        kind: 'parameter',
        ...(type ? { type: this.#types(type) } : {}),
        ...(fallback ? { fallback: this.#headReader().read(fallback) } : {}),
        ...(rest ? { rest } : {}),
        ...(keywordOnly && !rest ? { keywordOnly } : {}),
      });
      if (rest === 'list') keywordOnly = true;
    }
  }

  #types(annotation: SyntaxNode): TypeNames {
    return textOf(this.#source, annotation).match(/[\p{ID_Start}_][\p{ID_Continue}]*(?:\s*\.\s*[\p{ID_Start}_][\p{ID_Continue}]*)*/gu)?.map((name) => name.replace(/\s+/g, '')) ?? [];
  }

  #result(value: SyntaxNode | undefined, into: BlockBuilder): void {
    into.result(value ? this.#reader(into).read(value) : { kind: 'none' }, value ? textOf(this.#source, value) : '');
  }

  /** Whether a branch ends with `return True` or `return False`: one that merely gives up is no answer. */
  #returnsTruth(branch: SyntaxNode | null): boolean {
    const last = branch ? childrenOf(branch).at(-1) : undefined;
    return last?.type === 'return_statement' && /^return\s+(?:True|False)$/.test(textOf(this.#source, last));
  }

  #condition(node: SyntaxNode, into: BlockBuilder): void {
    const condition = node.childForFieldName('condition');
    const decides = condition !== null && this.#returnsTruth(node.childForFieldName('consequence'));
    if (decides) into.decide(textOf(this.#source, condition));
    this.#look(condition, into, decides ? 'condition' : undefined);
    this.#rest(node, 'condition', into);
  }

  #call(node: SyntaxNode, into: BlockBuilder, role: Role): void {
    const callee = node.childForFieldName('function');
    const list = node.childForFieldName('arguments');
    if (!callee || !list) { this.#visitAll(node.namedChildren, into); return; }
    const name = callee.type === 'attribute' ? callee.childForFieldName('attribute') : callee.type === 'identifier' ? callee : null;
    const called = name ? textOf(this.#source, name) : '';
    if (name && name.startIndex < name.endIndex && called !== 'super') {
      const start = startOf(node);
      const reader = this.#reader(into);
      into.call({
        name: called,
        at: name.startIndex - into.start,
        start: start - into.start,
        end: node.endIndex - into.start,
        callee: reader.read(callee),
        args: reader.args(list, into.start),
      }, role);
      const object = MUTATORS.has(called) && callee.type === 'attribute' ? lastName(reader.read(objectOf(callee))) : undefined;
      if (object !== undefined) into.change(object);
    }
    this.#look(callee, into, role);
    const passes = TRANSPARENT.has(called) ? role : undefined;
    if (list.type === 'argument_list') for (const child of list.namedChildren) this.#look(child, into, passes);
    else this.#visit(list, into);
  }

  #import(node: SyntaxNode, into: BlockBuilder): void {
    const from = node.childForFieldName('module_name');
    const module = from ? textOf(this.#source, from).replace(/\s+/g, '') : undefined;
    for (const child of childrenOf(node)) {
      if (child.id === from?.id) continue;
      if (child.type === 'wildcard_import' && module !== undefined) {
        into.star(module, child.startIndex - into.start);
        continue;
      }
      const alias = child.type === 'aliased_import' ? child.childForFieldName('alias') : null;
      const dotted = child.type === 'aliased_import' ? child.childForFieldName('name') : child;
      const name = alias ?? dotted?.namedChildren[0];
      if (!dotted || !name || dotted.type !== 'dotted_name') continue;
      const text = textOf(this.#source, dotted).replace(/\s+/g, '');
      const base = { name: textOf(this.#source, name), at: name.startIndex - into.start, kind: 'import' } as const;
      if (module !== undefined) into.bind({ ...base, module, imported: text });
      else into.bind({ ...base, module: text, ...(alias ? {} : { first: true }) });
    }
  }

  #assignment(node: SyntaxNode, into: BlockBuilder, direct: boolean): void {
    const left = node.childForFieldName('left');
    const right = node.childForFieldName('right');
    const type = node.childForFieldName('type');
    let value = right;
    while (value?.type === 'assignment') value = value.childForFieldName('right');
    if (right?.type === 'assignment') this.#assignment(right, into, direct);
    const read = value ? this.#reader(into).read(value) : undefined;
    const facts = { direct, ...(read ? { value: read } : {}), ...(type ? { type: this.#types(type) } : {}) };
    if (left?.type === 'identifier') this.#bindName(left, into, { kind: 'assign', ...facts });
    else if (left?.type === 'attribute') this.#member(left, into, facts);
    else this.#target(left, into, { kind: 'bound', words: 'unpacked from a sequence' });
    if (right?.type !== 'assignment') this.#look(value, into, left?.type === 'identifier' ? { variable: textOf(this.#source, left) } : undefined);
  }

  #bindName(node: SyntaxNode, into: BlockBuilder, data: Parameters<typeof withName>[2]): void {
    into.bind(withName(textOf(this.#source, node), node.startIndex - into.start, data));
  }

  #member(attribute: SyntaxNode, into: BlockBuilder, facts: { readonly direct: boolean; readonly value?: Expression; readonly type?: TypeNames }): void {
    const object = attribute.childForFieldName('object');
    const name = attribute.childForFieldName('attribute');
    if (!object || !name) return;
    into.member({ name: textOf(this.#source, name), at: name.startIndex - into.start, object: this.#reader(into).read(object), ...facts });
  }

  /** What binds one or several names in another way than by a plain assignment. */
  #target(node: SyntaxNode | null | undefined, into: BlockBuilder, data: { readonly kind: 'bound'; readonly words: string; readonly value?: Expression }): void {
    if (!node) return;
    if (node.type === 'identifier') this.#bindName(node, into, data);
    else if (node.type === 'attribute') this.#member(node, into, { direct: false, value: data.value ?? { kind: 'other', words: quoted(textOf(this.#source, node)) } });
    else if (node.type === 'subscript') {
      const object = childrenOf(node)[0];
      const name = object && lastName(this.#reader(into).read(object));
      if (name !== undefined) into.change(name);
      this.#look(node, into);
    } else if (TARGET_LISTS.has(node.type)) {
      for (const child of childrenOf(node)) this.#target(child, into, { kind: data.kind, words: data.words });
    }
  }

  #as(node: SyntaxNode, into: BlockBuilder): void {
    const [value, ...more] = childrenOf(node);
    const target = node.childForFieldName('alias')?.namedChildren[0] ?? more.at(-1);
    this.#target(target, into, { kind: 'bound', words: 'bound by `as`', ...(value ? { value: this.#reader(into).read(value) } : {}) });
    this.#look(value, into);
  }

  #except(node: SyntaxNode, into: BlockBuilder): void {
    const alias = node.childForFieldName('alias');
    if (alias) this.#target(alias, into, { kind: 'bound', words: 'bound by `as`' });
    this.#rest(node, 'alias', into);
  }

  #case(node: SyntaxNode, into: BlockBuilder): void {
    for (const child of node.namedChildren) {
      if (child.type === 'case_pattern') this.#captures(child, into, true);
      else this.#visit(child, into);
    }
  }

  #captures(node: SyntaxNode, into: BlockBuilder, isPattern: boolean): void {
    const capture = { kind: 'bound', words: 'captured by a case' } as const;
    const children = childrenOf(node);
    if (node.type === 'dotted_name') {
      const [name, ...more] = children;
      if (isPattern && name && more.length === 0) this.#target(name, into, capture);
      return;
    }
    if (node.type === 'splat_pattern') this.#target(children[0], into, capture);
    if (node.type === 'as_pattern') this.#target(children.at(-1), into, capture);
    const holdsPatterns = node.type === 'case_pattern' || node.type === 'union_pattern' || node.type === 'keyword_pattern';
    for (const child of children) if (child.type !== 'identifier') this.#captures(child, into, holdsPatterns);
  }
}

const HEADLESS = { head: [], decorators: [] } as const;

type BindingData =
  | { readonly kind: 'assign'; readonly value?: Expression; readonly type?: TypeNames; readonly direct: boolean }
  | { readonly kind: 'bound'; readonly words: string; readonly value?: Expression };

function withName(name: string, at: number, data: BindingData): BindingData & { readonly name: string; readonly at: number } {
  return { name, at, ...data };
}

function anyWithin(places: readonly number[], start: number, end: number): boolean {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  const place = places[low];
  return place !== undefined && place < end;
}

/** The calls of a function without a name, as if they stood where it stands: in a head it is called or kept by whoever is around. */
function callsWithin({ calls, blocks }: Block, offset: number): readonly Call[] {
  const moved = calls.map((call) => ({
    ...call,
    at: call.at + offset,
    start: call.start + offset,
    end: call.end + offset,
    answers: false,
    args: call.args.map((argument) => (argument.start === undefined || argument.end === undefined ? argument : { ...argument, start: argument.start + offset, end: argument.end + offset })),
  }));
  return [...moved, ...blocks.flatMap(({ start, block }) => callsWithin(block, offset + start))];
}
