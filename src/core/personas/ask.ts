import type { Flag } from '../flags/model.ts';
import type { ModelMapping } from '../workspace/config.ts';
import { answerOf, type Answer } from './answer.ts';
import { compareAnswers, type Comparison } from './compare.ts';
import { contextKey, type Evaluation, type FlagEvaluator, type NamedContext, type SdkEvaluator } from './model.ts';

/** One flag and whom to ask it for. */
export interface Question {
  readonly flag: Flag;
  readonly environments: readonly string[];
  readonly contexts: readonly NamedContext[];
  readonly mapping: ModelMapping | undefined;
}

/** What one named context gets in one environment, and what the frontend API says to that when it was asked. */
export interface NamedAnswer {
  readonly name: string;
  readonly answer: Answer;
  readonly comparison?: Comparison;
}

/** Evaluations of everything that the questions need: their flags and the parents of those. */
export function evaluateAll(evaluator: FlagEvaluator, project: string, questions: readonly Question[], flagCount: number | undefined, signal?: AbortSignal): Promise<readonly Evaluation[]> {
  const flags = questions.flatMap(({ flag }) => [flag.name, ...(flag.dependencies ?? []).map(({ feature }) => feature)]);
  return evaluator.evaluate({
    project,
    flags: [...new Set(flags)],
    environments: [...new Set(questions.flatMap(({ environments }) => environments))],
    contexts: questions.flatMap(({ contexts }) => contexts.map(({ context }) => context)),
    ...(flagCount === undefined ? {} : { flagCount }),
  }, signal);
}

/** The answers to a question, by environment and then by context; without what the server does not have. */
export function answersOf({ flag, environments, contexts, mapping }: Question, evaluations: readonly Evaluation[]): NamedAnswer[] {
  return environments.flatMap((environment) => contexts.flatMap(({ name, context }) => {
    const key = contextKey(context);
    const here = evaluations.filter((each) => each.environment === environment && contextKey(each.context) === key);
    const evaluation = here.find((each) => each.flag === flag.name);
    return evaluation === undefined ? [] : [{ name, answer: answerOf(evaluation, { dependencies: flag.dependencies, parents: here, mapping }) }];
  }));
}

/** Asks the frontend API too, for the environment of its token. An environment for which there is no evaluator stays as it is. */
export async function withComparisons(
  question: Question, answers: readonly NamedAnswer[], evaluations: readonly Evaluation[],
  { evaluators, newestEventAgeMs }: { readonly evaluators: readonly SdkEvaluator[]; readonly newestEventAgeMs: number | undefined }, signal?: AbortSignal,
): Promise<NamedAnswer[]> {
  const { flag } = question;
  return Promise.all(answers.map(async (named) => {
    const { environment, context } = named.answer;
    const token = evaluators.find((each) => each.environment === environment);
    const evaluation = evaluations.find((each) => each.flag === flag.name && each.environment === environment && contextKey(each.context) === contextKey(context));
    if (token === undefined || evaluation === undefined) return named;
    const asked = await token.ask(flag.name, context, signal);
    const hasParents = (flag.dependencies ?? []).length > 0;
    return { ...named, comparison: compareAnswers(named.answer, asked, { token, project: flag.project, evaluation, hasParents, newestEventAgeMs }) };
  }));
}
