import { ageWords, plainLine } from '../base/words.ts';
import { rawShare } from '../flags/shares.ts';
import type { Answer } from './answer.ts';
import type { Evaluation, EvaluationContext, SdkAnswer } from './model.ts';

export type DifferenceReason =
  /** The token is of another environment, or of another project. */
  | 'tokenEnvironment' | 'tokenProject'
  /** The answer is drawn at every call. */
  | 'random'
  /** On with nothing but disabled strategies: the playground says off, every SDK on. */
  | 'onlyDisabled'
  /** Something changed within the last seconds. */
  | 'serverLag'
  /** A field that the frontend API fills in by itself, or ignores. */
  | 'contextField'
  /** A condition that the playground decides otherwise than the SDKs. */
  | 'playground'
  /** A parent flag, which the playground evaluates otherwise. */
  | 'parent'
  | 'notKnown';

/** What Unleash's playground and the frontend API say to one question. */
export interface Comparison {
  /** False where they were not asked the same thing. */
  readonly comparable: boolean;
  readonly same: boolean;
  /** Why they differ, or cannot be compared. */
  readonly reason?: DifferenceReason;
  /** One or two sentences. */
  readonly words: string;
}

/** What is known around the two answers. */
export interface ComparisonFacts {
  /** Of the frontend token. */
  readonly token: { readonly environment: string; readonly project: string };
  readonly project: string;
  readonly evaluation: Evaluation;
  readonly hasParents: boolean;
  /** Milliseconds since the newest event that may concern the flag; undefined: none is known. */
  readonly newestEventAgeMs?: number | undefined;
}

/** Unleash's SDK and frontend APIs lag about a second behind a change; a proxy in between adds its own poll. */
const LAG_MS = 15_000;
/** What the frontend API and its SDK add to a context that lacks it. */
const FILLED_IN: Readonly<Record<string, string>> = {
  sessionId: 'the frontend SDK gives every context a sessionId of its own',
  remoteAddress: 'the frontend API takes the address of the caller as remoteAddress',
  environment: 'the frontend SDK sends the environment of its token',
  appName: 'the frontend SDK sends the name of the application',
};

function words({ enabled, variant }: SdkAnswer): string {
  return enabled && variant !== undefined ? `on with variant ${plainLine(variant, 60)}` : enabled ? 'on' : 'off';
}

/** Fields that the answer hangs on: those of conditions and those that draws hash. */
function fieldsInUse({ strategies }: Evaluation, context: EvaluationContext): Set<string> {
  const used = new Set<string>();
  for (const { strategy, constraints, segments } of strategies.filter((each) => !each.strategy.disabled)) {
    for (const { constraint } of [...constraints, ...segments.flatMap((segment) => segment.constraints)]) {
      used.add(constraint.operator.startsWith('DATE_') ? 'currentTime' : constraint.contextName);
    }
    if (strategy.name === 'remoteAddress') used.add('remoteAddress');
    for (const stickiness of [rawShare(strategy)?.draw.stickiness, strategy.variants[0]?.stickiness]) {
      if (stickiness === 'default' && context['userId'] === undefined) used.add('sessionId');
      else if (stickiness !== undefined && stickiness !== 'default') used.add(stickiness);
    }
  }
  return used;
}

/** Why a field that the frontend API treats in its own way may be what makes the answers differ. */
function fieldReason(evaluation: Evaluation): string | undefined {
  const { context } = evaluation;
  const used = fieldsInUse(evaluation, context);
  const filled = Object.keys(FILLED_IN).find((field) => context[field] === undefined && used.has(field));
  if (filled !== undefined) return `The context lacks ${filled}, and ${FILLED_IN[filled] ?? ''}.`;
  return context['currentTime'] !== undefined && used.has('currentTime') ? 'The frontend API ignores currentTime: it takes the moment of the call.' : undefined;
}

function difference(answer: Answer, facts: ComparisonFacts): { reason: DifferenceReason; words: string } {
  const { evaluation, newestEventAgeMs: age } = facts;
  const isOnlyDisabled = evaluation.switchedOn && evaluation.strategies.length > 0 && evaluation.strategies.every(({ strategy }) => strategy.disabled);
  if (isOnlyDisabled) return { reason: 'onlyDisabled', words: 'The environment is on with disabled strategies only: the playground shows off, every SDK answers on (100 %). The frontend answer is the true one.' };
  if (answer.outcome === 'random' || answer.variant?.random === true) {
    const field = fieldReason(evaluation);
    return { reason: 'random', words: `The answer is drawn at random at each call${field === undefined ? '.' : `. ${field}`}` };
  }
  if (age !== undefined && age < LAG_MS) {
    return { reason: 'serverLag', words: `The flag was changed ${age < 0 ? 'just now' : `${Math.round(age / 1000)} s ago`}, and the SDK and frontend APIs lag about a second behind: ask again.` };
  }
  const field = fieldReason(evaluation);
  if (field !== undefined) return { reason: 'contextField', words: field };
  if (facts.hasParents || evaluation.blocked) return { reason: 'parent', words: 'The flag hangs on a parent, which the playground does not evaluate as the SDKs do. The frontend answer is the true one.' };
  const stated = evaluation.enabled !== (answer.outcome === 'on');
  if (stated || answer.notes.length > 0) return { reason: 'playground', words: `${answer.notes.join(' ')} The frontend answer is the true one.` };
  const since = age === undefined ? '' : ` (last change ${ageWords(age)})`;
  return { reason: 'notKnown', words: `No reason is known${since}: perhaps an Unleash Edge or a proxy in between holds older flags.` };
}

function tokenDifference({ token, project, evaluation }: ComparisonFacts): { reason: DifferenceReason; words: string } | undefined {
  if (token.environment !== evaluation.environment) {
    return { reason: 'tokenEnvironment', words: `The frontend token is of the environment ${plainLine(token.environment, 60)}, so it says nothing about ${plainLine(evaluation.environment, 60)}.` };
  }
  // An empty list stands for several projects, which the token does not name.
  if (token.project === '*' || token.project === '[]' || token.project === project) return undefined;
  return { reason: 'tokenProject', words: `The frontend token is of the project ${plainLine(token.project, 60)}, so it sees no flag of ${plainLine(project, 60)}.` };
}

/** Whether Unleash's playground and the frontend API give the same answer, and if not, the likely reason. */
export function compareAnswers(answer: Answer, frontend: SdkAnswer, facts: ComparisonFacts): Comparison {
  const token = tokenDifference(facts);
  if (token !== undefined) return { comparable: false, same: false, ...token };
  const { playground } = answer;
  const sameVariant = !frontend.enabled || frontend.variant === playground.variant;
  if (frontend.enabled === playground.enabled && sameVariant) return { comparable: true, same: true, words: `The frontend API agrees: ${words(frontend)}.` };
  const found = difference(answer, facts);
  return { comparable: true, same: false, reason: found.reason, words: `The frontend API says ${words(frontend)}, the playground ${words(playground)}. ${found.words}` };
}
