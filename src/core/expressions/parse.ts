import { ExpressionFault, type ComparisonOperator, type Span, type Syntax } from './syntax.ts';
import { tokens, type Token } from './tokens.ts';

const DEEPEST = 100;
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
/** Words of the language; a field of such a name is written in backquotes. */
const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in', 'is', 'null', 'true', 'false']);

function span(from: Span, to: Span): Span {
  return { start: from.start, end: to.end };
}

/** Recursive descent; every level takes what binds tighter than itself. */
class Parser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokens(text);
  }

  whole(): Syntax {
    if (this.#peek().kind === 'end') throw new ExpressionFault('the expression is empty', this.#peek());
    const expression = this.#or();
    const rest = this.#peek();
    if (rest.kind !== 'end') throw new ExpressionFault(`${this.#quoted(rest)} is not expected here${rest.kind === 'name' || rest.kind === 'number' || rest.kind === 'text' ? ': an operator such as and, or, == is missing before it' : ''}`, rest);
    return expression;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', start: this.#text.length, end: this.#text.length };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #quoted(token: Token): string {
    return token.kind === 'end' ? 'the end' : `"${this.#text.slice(token.start, token.end)}"`;
  }

  #isSign(...signs: readonly string[]): boolean {
    const token = this.#peek();
    return token.kind === 'sign' && signs.includes(token.value);
  }

  #isWord(word: string): boolean {
    const token = this.#peek();
    return token.kind === 'name' && !token.quoted && token.value === word;
  }

  #expect(sign: string, after: string): Token {
    if (!this.#isSign(sign)) throw new ExpressionFault(`${sign} is missing ${after}`, this.#peek());
    return this.#take();
  }

  #or(): Syntax {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new ExpressionFault(`the expression nests deeper than ${DEEPEST} levels`, this.#peek());
    let left = this.#and();
    while (this.#isWord('or') || this.#isSign('||')) {
      this.#take();
      const right = this.#and();
      left = { kind: 'or', left, right, ...span(left, right) };
    }
    this.#depth -= 1;
    return left;
  }

  #and(): Syntax {
    let left = this.#not();
    while (this.#isWord('and') || this.#isSign('&&')) {
      this.#take();
      const right = this.#not();
      left = { kind: 'and', left, right, ...span(left, right) };
    }
    return left;
  }

  #not(): Syntax {
    const signs: Token[] = [];
    while (this.#isWord('not') || this.#isSign('!')) signs.push(this.#take());
    const operand = this.#comparison();
    return signs.reduceRight<Syntax>((inner, sign) => ({ kind: 'not', operand: inner, ...span(sign, inner) }), operand);
  }

  #comparison(): Syntax {
    const left = this.#sum();
    const token = this.#peek();
    if (token.kind === 'sign' && COMPARISONS.has(token.value)) return this.#compared(left);
    if (this.#isWord('is')) return this.#isNull(left);
    const negated = this.#isWord('not');
    if (!negated && !this.#isWord('in')) return left;
    this.#take();
    if (negated && !this.#isWord('in')) throw new ExpressionFault('in is missing after not, as in country not in ["DE", "FR"]', this.#peek());
    if (negated) this.#take();
    return this.#in(left, negated);
  }

  #compared(left: Syntax): Syntax {
    const operator = this.#take() as Token & { value: ComparisonOperator };
    if (this.#isWord('null')) throw new ExpressionFault(`nothing equals null: write ${operator.value === '!=' ? 'is not null' : 'is null'}`, span(operator, this.#peek()));
    const right = this.#sum();
    const next = this.#peek();
    if (next.kind === 'sign' && COMPARISONS.has(next.value)) throw new ExpressionFault('comparisons cannot be chained: join two of them with and', next);
    return { kind: 'comparison', operator: operator.value, left, right, ...span(left, right) };
  }

  #isNull(operand: Syntax): Syntax {
    this.#take();
    const negated = this.#isWord('not');
    if (negated) this.#take();
    if (!this.#isWord('null')) throw new ExpressionFault('null is missing after is: it asks only is null and is not null', this.#peek());
    return { kind: 'isNull', negated, operand, ...span(operand, this.#take()) };
  }

  #in(operand: Syntax, negated: boolean): Syntax {
    this.#expect('[', 'after in: write a list, such as ["DE", "FR"]');
    const items: Syntax[] = [];
    do {
      const item = this.#unary();
      if (item.kind !== 'literal') throw new ExpressionFault('a list holds texts, numbers, true and false only', item);
      items.push(item);
    } while (this.#comma());
    return { kind: 'in', negated, operand, items, ...span(operand, this.#expect(']', 'at the end of the list')) };
  }

  #comma(): boolean {
    if (!this.#isSign(',')) return false;
    this.#take();
    return true;
  }

  #sum(): Syntax {
    let left = this.#product();
    while (this.#isSign('+', '-')) {
      const operator = (this.#take() as Token & { value: '+' | '-' }).value;
      const right = this.#product();
      left = { kind: 'arithmetic', operator, left, right, ...span(left, right) };
    }
    return left;
  }

  #product(): Syntax {
    let left = this.#unary();
    while (this.#isSign('*', '/', '%')) {
      const operator = (this.#take() as Token & { value: '*' | '/' | '%' }).value;
      const right = this.#unary();
      left = { kind: 'arithmetic', operator, left, right, ...span(left, right) };
    }
    return left;
  }

  #unary(): Syntax {
    const signs: Token[] = [];
    while (this.#isSign('-')) signs.push(this.#take());
    const operand = this.#primary();
    return signs.reduceRight<Syntax>((inner, sign) => {
      if (inner.kind === 'literal' && typeof inner.value === 'number') return { kind: 'literal', value: -inner.value, ...span(sign, inner) };
      return { kind: 'negate', operand: inner, ...span(sign, inner) };
    }, operand);
  }

  #primary(): Syntax {
    const token = this.#take();
    if (token.kind === 'number' || token.kind === 'text') return { kind: 'literal', value: token.value, start: token.start, end: token.end };
    if (token.kind === 'sign' && token.value === '(') {
      const inner = this.#or();
      return { ...inner, ...span(token, this.#expect(')', 'at the end of the brackets')) };
    }
    if (token.kind !== 'name') throw new ExpressionFault(`${this.#quoted(token)} is not expected here: a field, a number or a text is missing`, token);
    return token.quoted || !WORDS.has(token.value) ? this.#named(token) : this.#word(token);
  }

  #word(token: Token & { readonly value: string }): Syntax {
    if (token.value === 'true' || token.value === 'false') return { kind: 'literal', value: token.value === 'true', start: token.start, end: token.end };
    if (token.value === 'null') throw new ExpressionFault('null stands only in is null and is not null', token);
    throw new ExpressionFault(`"${token.value}" is not expected here: a field, a number or a text is missing before it. A field of that name is written \`${token.value}\``, token);
  }

  #named(first: Token & { readonly kind: 'name' }): Syntax {
    if (!first.quoted && this.#isSign('(')) return this.#call(first);
    const path = [first.value];
    let last: Token = first;
    while (this.#isSign('.')) {
      const dot = this.#take();
      const step = this.#take();
      if (step.kind !== 'name') throw new ExpressionFault('the name of a field is missing after the point', dot);
      path.push(step.value);
      last = step;
    }
    return { kind: 'field', path, ...span(first, last) };
  }

  #call(name: Token & { readonly kind: 'name' }): Syntax {
    this.#take();
    const given: Syntax[] = [];
    if (!this.#isSign(')')) do given.push(this.#or()); while (this.#comma());
    return { kind: 'call', name: name.value, nameSpan: { start: name.start, end: name.end }, arguments: given, ...span(name, this.#expect(')', `at the end of ${name.value}(...`)) };
  }
}

/** Parses an expression. @throws ExpressionFault with the place of what is wrong */
export function parse(text: string): Syntax {
  return new Parser(text).whole();
}
