import * as z from 'zod';
import { AppError } from '../../core/base/errors.ts';
import { contextKey, type ContextField, type Evaluation, type EvaluationContext, type EvaluationQuery, type StrategyEvaluation } from '../../core/personas/model.ts';
import { constraint, strategy } from './normalise.ts';
import { wireContextFields, wireEvaluation } from './wire.ts';

/** A POST below the Admin API that changes nothing; gives the answer's JSON. */
export type Ask = (path: string, body: unknown) => Promise<unknown>;

const APP_NAME = 'modelswitch';
/** Beyond this many evaluations (environments x flags x contexts) in one answer, which are megabytes, contexts are asked for one by one. */
const MOST_AT_ONCE = 3000;

type WireEvaluation = z.output<typeof wireEvaluation>;

const named = z.looseObject({ name: z.string() });
const features = z.object({ features: z.array(z.unknown()) });
const advanced = z.object({ environments: z.record(z.string(), z.array(wireEvaluation)) });

/** Only the wanted flags of an answer about all are looked at more closely. */
function wanted(answer: unknown, flags: ReadonlySet<string>): { name: string; feature: unknown }[] {
  return features.parse(answer).features.flatMap((feature) => {
    const { data } = named.safeParse(feature);
    return data !== undefined && flags.has(data.name) ? [{ name: data.name, feature }] : [];
  });
}

function strategyEvaluation(wire: WireEvaluation['strategies']['data'][number]): StrategyEvaluation {
  const { result, constraints, segments } = wire;
  const results = (list: typeof constraints): StrategyEvaluation['constraints'] => list.map((each) => ({ constraint: constraint(each), holds: each.result }));
  return {
    strategy: strategy({ ...wire, segments: segments.map(({ id }) => id), variants: result?.variants ?? [], sortOrder: undefined, milestoneId: undefined }),
    constraints: results(constraints),
    segments: segments.map((segment) => ({ id: segment.id, name: segment.name, holds: segment.result, constraints: results(segment.constraints) })),
    result: result?.enabled ?? 'unknown',
    ...(result?.variant == null ? {} : { variant: result.variant.name }),
  };
}

function evaluation(flag: string, environment: string, context: EvaluationContext, wire: WireEvaluation): Evaluation {
  const { variant } = wire;
  return {
    flag, environment, context,
    switchedOn: wire.isEnabledInCurrentEnvironment,
    enabled: wire.isEnabled,
    // "disabled" is how Unleash says that there is no variant.
    ...(wire.isEnabled && variant?.enabled === true ? { variant: variant.name } : {}),
    blocked: wire.hasUnsatisfiedDependency ?? false,
    strategies: wire.strategies.data.map(strategyEvaluation),
  };
}

/** The context as it was sent, out of an answer's echo of it. */
function echoed(context: Readonly<Record<string, unknown>>, fields: ReadonlySet<string>): string {
  return contextKey(Object.fromEntries(Object.entries(context).filter(([name]) => fields.has(name)).map(([name, value]) => [name, String(value)])));
}

/** Contexts with the same fields, asked for by one request: lists of values, of which the server makes every combination. */
async function askTogether(query: EvaluationQuery, contexts: readonly EvaluationContext[], ask: Ask): Promise<Evaluation[]> {
  const fields = new Set(Object.keys(contexts[0] ?? {}));
  const lists = Object.fromEntries([...fields].map((field) => [field, [...new Set(contexts.map((context) => context[field]))].join(',')]));
  const answer = await ask('/playground/advanced', { environments: query.environments, projects: [query.project], context: { appName: APP_NAME, ...lists } });
  return wanted(answer, new Set(query.flags)).flatMap(({ name, feature }) =>
    Object.entries(advanced.parse(feature).environments).flatMap(([environment, entries]) => contexts.flatMap((context) => {
      const found = entries.find((entry) => echoed(entry.context ?? {}, fields) === contextKey(context));
      return found === undefined ? [] : [evaluation(name, environment, context, found)];
    })));
}

/** The server refuses too many combinations by a sentence; how many flags it counts is not always known here. */
async function askWithin(query: EvaluationQuery, contexts: readonly EvaluationContext[], ask: Ask): Promise<Evaluation[]> {
  try {
    return await askTogether(query, contexts, ask);
  } catch (error) {
    if (contexts.length === 1 || !(error instanceof AppError) || !error.message.includes('combinations exceeding')) throw error;
    const answers = [];
    for (const context of contexts) answers.push(...await askTogether(query, [context], ask));
    return answers;
  }
}

/** A value with a comma, which the other route takes for a list. One request for each environment. */
async function askLiterally(query: EvaluationQuery, context: EvaluationContext, ask: Ask): Promise<Evaluation[]> {
  const answers = await Promise.all(query.environments.map(async (environment) => {
    const answer = await ask('/playground', { environment, projects: [query.project], context: { appName: APP_NAME, ...context } });
    return wanted(answer, new Set(query.flags)).map(({ name, feature }) => evaluation(name, environment, context, wireEvaluation.parse(feature)));
  }));
  return answers.flat();
}

/** How many contexts the server makes of the values of some. */
function combinations(contexts: readonly EvaluationContext[]): number {
  return Object.keys(contexts[0] ?? {}).reduce((product, field) => product * new Set(contexts.map((context) => context[field])).size, 1);
}

/** One request for all environments and contexts where their fields are the same and the answer stays small; otherwise one for each context. */
export async function evaluate(query: EvaluationQuery, ask: Ask): Promise<Evaluation[]> {
  const contexts = [...new Map(query.contexts.map((context) => [contextKey(context), context])).values()];
  if (query.environments.length === 0) return [];
  const hasComma = (context: EvaluationContext): boolean => Object.values(context).some((value) => value.includes(','));
  const literal = contexts.filter(hasComma);
  const groups = new Map<string, EvaluationContext[]>();
  for (const context of contexts.filter((each) => !hasComma(each))) {
    const key = JSON.stringify(Object.keys(context).toSorted());
    groups.set(key, [...groups.get(key) ?? [], context]);
  }
  const requests = [...groups.values()].flatMap((group) => {
    const size = combinations(group) * query.environments.length * Math.max(1, query.flagCount ?? 1);
    return size <= MOST_AT_ONCE ? [group] : group.map((context) => [context]);
  });
  const answers: Evaluation[] = [];
  for (const together of requests) answers.push(...await askWithin(query, together, ask));
  for (const context of literal) answers.push(...await askLiterally(query, context, ask));
  return answers;
}

export function contextFields(answer: unknown): ContextField[] {
  return wireContextFields.parse(answer).map(({ name, description, stickiness, legalValues }) => ({
    name, description, stickiness: stickiness ?? false, legalValues: legalValues.map((each) => ({ value: each.value, description: each.description })),
  }));
}
