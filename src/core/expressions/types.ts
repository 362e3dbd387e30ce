import { didYouMean } from '../workspace/suggest.ts';
import { ExpressionFault, type ArithmeticOperator, type ComparisonOperator, type Literal, type Span, type Syntax } from './syntax.ts';

/** `any`: known only when a record is looked at. */
export type ValueType = 'number' | 'text' | 'boolean' | 'any';

/** The fields that expressions may name, with their types. */
export interface FieldTypes {
  /** Types by the first step of the path; what lies below a field of type `open` may be anything. */
  readonly fields: Readonly<Record<string, ValueType | 'open'>>;
  /** Whether fields that are not listed are allowed; their type is `any`. */
  readonly others: boolean;
  /** Fields of type text that mean the empty text where nothing stands: of a record without `error`, `error == "timeout"` is false, not unknown. */
  readonly emptyWhereAbsent?: readonly string[];
}

/** A tree in which every node has a type, and every conversion is written out. */
export type Typed = Span & (
  | { readonly kind: 'literal'; readonly type: ValueType; readonly value: Literal }
  | { readonly kind: 'field'; readonly type: ValueType; readonly path: readonly string[]; /** The empty text stands for what is not there. */ readonly emptyWhereAbsent?: true }
  | { readonly kind: 'convert'; readonly type: 'number' | 'text' | 'boolean'; readonly from: ValueType; readonly operand: Typed }
  | { readonly kind: 'not'; readonly type: 'boolean'; readonly operand: Typed }
  | { readonly kind: 'negate'; readonly type: 'number'; readonly operand: Typed }
  | { readonly kind: 'and' | 'or'; readonly type: 'boolean'; readonly left: Typed; readonly right: Typed }
  | { readonly kind: 'arithmetic'; readonly type: 'number'; readonly operator: ArithmeticOperator; readonly left: Typed; readonly right: Typed }
  | { readonly kind: 'comparison'; readonly type: 'boolean'; readonly operator: ComparisonOperator; readonly left: Typed; readonly right: Typed }
  | { readonly kind: 'in'; readonly type: 'boolean'; readonly negated: boolean; readonly operand: Typed; readonly items: readonly Literal[] }
  | { readonly kind: 'isNull'; readonly type: 'boolean'; readonly negated: boolean; readonly operand: Typed }
  | { readonly kind: 'call'; readonly type: ValueType; readonly name: FunctionName; readonly arguments: readonly Typed[] }
);

export type FunctionName = keyof typeof FUNCTIONS;

interface Signature {
  readonly takes: ValueType;
  readonly gives: ValueType;
  readonly least: number;
  readonly most: number;
}

/** The functions of the language. `coalesce` gives the first of its values that is not null. */
export const FUNCTIONS = {
  abs: { takes: 'number', gives: 'number', least: 1, most: 1 },
  sqrt: { takes: 'number', gives: 'number', least: 1, most: 1 },
  log: { takes: 'number', gives: 'number', least: 1, most: 1 },
  exp: { takes: 'number', gives: 'number', least: 1, most: 1 },
  round: { takes: 'number', gives: 'number', least: 1, most: 1 },
  min: { takes: 'number', gives: 'number', least: 2, most: 20 },
  max: { takes: 'number', gives: 'number', least: 2, most: 20 },
  length: { takes: 'text', gives: 'number', least: 1, most: 1 },
  lower: { takes: 'text', gives: 'text', least: 1, most: 1 },
  contains: { takes: 'text', gives: 'boolean', least: 2, most: 2 },
  starts_with: { takes: 'text', gives: 'boolean', least: 2, most: 2 },
  ends_with: { takes: 'text', gives: 'boolean', least: 2, most: 2 },
  coalesce: { takes: 'any', gives: 'any', least: 2, most: 20 },
} as const satisfies Readonly<Record<string, Signature>>;

const ARTICLES: Readonly<Record<ValueType, string>> = { number: 'a number', text: 'a text', boolean: 'true or false', any: 'a value' };

function literalType(value: Literal): ValueType {
  return typeof value === 'string' ? 'text' : (typeof value as 'number' | 'boolean');
}

function converted(operand: Typed, type: ValueType, where: string): Typed {
  if (type === 'any' || operand.type === type) return operand;
  const span = { start: operand.start, end: operand.end };
  if (operand.type === 'any') return { kind: 'convert', type, from: 'any', operand, ...span };
  if (type === 'boolean' && operand.type === 'text' && operand.kind !== 'literal') return { kind: 'convert', type, from: 'text', operand, ...span };
  const mend = type === 'boolean' && operand.type === 'number' ? ': compare it, such as > 0' : '';
  throw new ExpressionFault(`${where} takes ${ARTICLES[type]}, and this is ${ARTICLES[operand.type]}${mend}`, span);
}

/** Makes both sides of a comparison of one type; two of type `any` are compared as they come. */
function alike(left: Typed, right: Typed, operator: string): readonly [Typed, Typed] {
  if (left.type === right.type) return [left, right];
  if (left.type === 'any') return [converted(left, right.type, operator), right];
  if (right.type === 'any') return [left, converted(right, left.type, operator)];
  throw new ExpressionFault(`${operator} compares ${ARTICLES[left.type]} with ${ARTICLES[right.type]}, which are never equal`, { start: left.start, end: right.end });
}

/** Types a tree by the fields that there are. */
export class Checker {
  readonly #types: FieldTypes;
  readonly paths: (readonly string[])[] = [];

  constructor(types: FieldTypes) {
    this.#types = types;
  }

  /** @throws ExpressionFault */
  condition(node: Syntax, where: string): Typed {
    return converted(this.check(node), 'boolean', where);
  }

  /** A number; true counts as 1 and false as 0. @throws ExpressionFault */
  number(node: Syntax, where: string): Typed {
    const typed = this.check(node);
    return typed.type === 'boolean' ? { kind: 'convert', type: 'number', from: 'boolean', operand: typed, start: node.start, end: node.end } : converted(typed, 'number', where);
  }

  /** @throws ExpressionFault */
  check(node: Syntax): Typed {
    const { start, end } = node;
    switch (node.kind) {
      case 'literal': return { ...node, type: literalType(node.value) };
      case 'field': return this.#field(node);
      case 'not': return { kind: 'not', type: 'boolean', operand: this.condition(node.operand, 'not'), start, end };
      case 'negate': return { kind: 'negate', type: 'number', operand: converted(this.check(node.operand), 'number', '-'), start, end };
      case 'and': case 'or': return { kind: node.kind, type: 'boolean', left: this.condition(node.left, node.kind), right: this.condition(node.right, node.kind), start, end };
      case 'arithmetic': {
        const { operator } = node;
        return { kind: 'arithmetic', type: 'number', operator, left: converted(this.check(node.left), 'number', operator), right: converted(this.check(node.right), 'number', operator), start, end };
      }
      case 'comparison': return this.#comparison(node);
      case 'in': return this.#in(node);
      case 'isNull': return { kind: 'isNull', type: 'boolean', negated: node.negated, operand: this.check(node.operand), start, end };
      case 'call': return this.#call(node);
    }
  }

  #field(node: Syntax & { readonly kind: 'field' }): Typed {
    const [first = '', ...rest] = node.path;
    const { fields, others } = this.#types;
    const type = Object.hasOwn(fields, first) ? fields[first] : undefined;
    if (type === undefined && !others) {
      const known = Object.keys(fields);
      throw new ExpressionFault(`there is no field ${first}.${didYouMean(first, known) || ` There are ${known.slice(0, 20).join(', ')}`}`.replace(/\?$/, ''), node);
    }
    if (type === 'open' && rest.length === 0) throw new ExpressionFault(`${first} holds fields: name one of them, such as ${first}.amount`, node);
    if (type !== undefined && type !== 'open' && type !== 'any' && rest.length > 0) throw new ExpressionFault(`${first} is ${ARTICLES[type]} and holds no fields`, node);
    this.paths.push(node.path);
    return { kind: 'field', type: type === undefined || type === 'open' ? 'any' : type, path: node.path, start: node.start, end: node.end };
  }

  /** A field in the place of a value: `is null` and `coalesce` ask whether it is there, what else takes it asks what it says. */
  #present(typed: Typed): Typed {
    const isEmpty = typed.kind === 'field' && typed.path.length === 1 && this.#types.emptyWhereAbsent?.includes(typed.path[0] ?? '') === true;
    return isEmpty ? { ...typed, emptyWhereAbsent: true } : typed;
  }

  #comparison(node: Syntax & { readonly kind: 'comparison' }): Typed {
    const { operator, start, end } = node;
    const [left, right] = alike(this.#present(this.check(node.left)), this.#present(this.check(node.right)), operator);
    if (left.type === 'boolean' && operator !== '==' && operator !== '!=') throw new ExpressionFault(`${operator} takes numbers or texts, and this is true or false`, left);
    return { kind: 'comparison', type: 'boolean', operator, left, right, start, end };
  }

  #in(node: Syntax & { readonly kind: 'in' }): Typed {
    const items = node.items.flatMap((item) => (item.kind === 'literal' ? [item] : []));
    const [first] = items;
    const type = first === undefined ? 'any' : literalType(first.value);
    const other = items.find(({ value }) => literalType(value) !== type);
    if (other !== undefined) throw new ExpressionFault('a list holds values of one type', other);
    const operand = this.#present(this.check(node.operand));
    if (operand.type !== 'any' && operand.type !== type) throw new ExpressionFault(`in compares ${ARTICLES[operand.type]} with ${ARTICLES[type]}, which are never equal`, node);
    return { kind: 'in', type: 'boolean', negated: node.negated, operand: converted(operand, type, 'in'), items: items.map(({ value }) => value), start: node.start, end: node.end };
  }

  #call(node: Syntax & { readonly kind: 'call' }): Typed {
    const { name, start, end } = node;
    if (!Object.hasOwn(FUNCTIONS, name)) throw new ExpressionFault(`there is no function ${name}: there are ${Object.keys(FUNCTIONS).join(', ')}`, node.nameSpan);
    const signature: Signature = FUNCTIONS[name as FunctionName];
    const count = node.arguments.length;
    if (count < signature.least || count > signature.most) {
      const wanted = signature.least === signature.most ? String(signature.least) : `${signature.least} to ${signature.most}`;
      throw new ExpressionFault(`${name} takes ${wanted} ${wanted === '1' ? 'value' : 'values'}, not ${count}`, node);
    }
    const given = node.arguments.map((argument) => converted(name === 'coalesce' ? this.check(argument) : this.#present(this.check(argument)), signature.takes, name));
    return { kind: 'call', type: name === 'coalesce' ? this.#common(given) : signature.gives, name: name as FunctionName, arguments: given, start, end };
  }

  #common(given: readonly Typed[]): ValueType {
    const types = new Set(given.map(({ type }) => type));
    const [only] = types;
    return types.size === 1 && only !== undefined ? only : 'any';
  }
}
