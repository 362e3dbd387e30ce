import type { Constraint, Strategy } from '../flags/model.ts';

/** An evaluation context: every field by its name, standard ones and those of the project alike. A missing field is absent, never empty. */
export type EvaluationContext = Readonly<Record<string, string>>;

/** A context with a name: of `modelswitch.yaml`, or one that somebody put together. */
export interface NamedContext {
  readonly name: string;
  readonly context: EvaluationContext;
}

/** A field that contexts of the server may have. */
export interface ContextField {
  readonly name: string;
  readonly description: string;
  readonly stickiness: boolean;
  /** Empty: any value goes. */
  readonly legalValues: readonly { readonly value: string; readonly description: string }[];
}

export interface ConstraintResult {
  readonly constraint: Constraint;
  readonly holds: boolean;
}

export interface SegmentResult {
  readonly id: number;
  readonly name: string;
  readonly holds: boolean;
  readonly constraints: readonly ConstraintResult[];
}

/** What an evaluator found out about one strategy for one context. */
export interface StrategyEvaluation {
  readonly strategy: Strategy;
  readonly constraints: readonly ConstraintResult[];
  readonly segments: readonly SegmentResult[];
  /** Conditions and draw together; `unknown` where the evaluator cannot tell (disabled, a type that it does not have). */
  readonly result: boolean | 'unknown';
  /** What a match of this strategy would answer; random where the strategy's variants are. */
  readonly variant?: string;
}

/** An evaluator's answer for one flag in one environment and one context. */
export interface Evaluation {
  readonly flag: string;
  readonly environment: string;
  readonly context: EvaluationContext;
  /** The environment's switch. */
  readonly switchedOn: boolean;
  readonly enabled: boolean;
  readonly variant?: string;
  /** By the evaluator's own reckoning, the condition on a parent flag does not hold. */
  readonly blocked: boolean;
  /** In evaluation order. */
  readonly strategies: readonly StrategyEvaluation[];
}

export interface EvaluationQuery {
  readonly project: string;
  /** The flags whose evaluations are wanted, parents included. */
  readonly flags: readonly string[];
  readonly environments: readonly string[];
  readonly contexts: readonly EvaluationContext[];
  /** How many flags the project has, as far as known: what one request may ask for depends on it. */
  readonly flagCount?: number;
}

/** Answers for contexts, with what decided. A flag or environment that the server does not have is missing from the answer. */
export interface FlagEvaluator {
  /** @throws AppError */
  evaluate(query: EvaluationQuery, signal?: AbortSignal): Promise<readonly Evaluation[]>;
  readContextFields(signal?: AbortSignal): Promise<readonly ContextField[]>;
}

/** What an SDK gets for one flag and context, without reasons. */
export interface SdkAnswer {
  readonly enabled: boolean;
  readonly variant?: string;
}

/** Asks as an application with a frontend token does; the token belongs to one environment. */
export interface SdkEvaluator {
  readonly environment: string;
  /** Of the token: `*` is every project. */
  readonly project: string;
  /** @throws AppError */
  ask(flag: string, context: EvaluationContext, signal?: AbortSignal): Promise<SdkAnswer>;
}

interface PersonaFields {
  readonly name: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** A persona's context; an empty value counts as missing. */
export function namedContext({ name, userId, sessionId, properties }: PersonaFields): NamedContext {
  const fields = { ...properties, ...(userId === undefined ? {} : { userId }), ...(sessionId === undefined ? {} : { sessionId }) };
  return { name, context: Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '')) };
}

/** A field's value; a field may be called like something that every object has. */
export function fieldValue(context: EvaluationContext, name: string): string | undefined {
  return Object.hasOwn(context, name) ? context[name] : undefined;
}

/** `userId 7, region eu`. */
export function contextWords(context: EvaluationContext): string {
  const fields = Object.entries(context).map(([name, value]) => `${name} ${value}`);
  return fields.length === 0 ? 'no context field' : fields.join(', ');
}

/** Two contexts with the same key are the same. */
export function contextKey(context: EvaluationContext): string {
  return JSON.stringify(Object.entries(context).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
