/** A piece of the text: from `start` up to but without `end`, in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What is wrong with an expression, and where in its text. */
export interface ExpressionProblem extends Span {
  /** A sentence without its full stop: what is wrong, and the mend. */
  readonly message: string;
}

/** Thrown and caught inside this folder only: whoever uses it gets a problem as a value. */
export class ExpressionFault extends Error {
  readonly problem: ExpressionProblem;

  constructor(message: string, { start, end }: Span) {
    super(message);
    this.problem = { message, start, end };
  }
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type Literal = number | string | boolean;

/** The tree of an expression as it was written. */
export type Syntax = Span & (
  | { readonly kind: 'literal'; readonly value: Literal }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'not' | 'negate'; readonly operand: Syntax }
  | { readonly kind: 'and' | 'or'; readonly left: Syntax; readonly right: Syntax }
  | { readonly kind: 'arithmetic'; readonly operator: ArithmeticOperator; readonly left: Syntax; readonly right: Syntax }
  | { readonly kind: 'comparison'; readonly operator: ComparisonOperator; readonly left: Syntax; readonly right: Syntax }
  | { readonly kind: 'in'; readonly negated: boolean; readonly operand: Syntax; readonly items: readonly Syntax[] }
  | { readonly kind: 'isNull'; readonly negated: boolean; readonly operand: Syntax }
  | { readonly kind: 'call'; readonly name: string; readonly nameSpan: Span; readonly arguments: readonly Syntax[] }
);
