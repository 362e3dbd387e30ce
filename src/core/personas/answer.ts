import { plainLine } from '../base/words.ts';
import type { Dependency, Strategy } from '../flags/model.ts';
import type { ModelMapping } from '../workspace/config.ts';
import { sdkResult, unmetWords } from './conditions.ts';
import { drawResult, stickyField } from './draw.ts';
import { fieldValue, type Evaluation, type EvaluationContext, type StrategyEvaluation } from './model.ts';

/** `random`: on for some calls and off for others of the same context; `unknown`: only the service itself can tell. */
export type Outcome = 'on' | 'off' | 'random' | 'unknown';

export type StrategyVerdict =
  | 'matched'
  /** A constraint or a segment does not hold. */
  | 'constraint'
  /** Addressed, but drawn out, or without the field that the draw needs. */
  | 'rollout'
  | 'random'
  | 'disabled'
  | 'unknown';

/** What one strategy makes of a context, and why. */
export interface StrategyReason {
  readonly id: string;
  /** `strategy "Modelswitch · 25 %"`, with server text in it. */
  readonly strategy: string;
  readonly verdict: StrategyVerdict;
  /** `matched at 25 % (userId 7 is in bucket 18 of 100)`. */
  readonly words: string;
}

export interface AnsweredVariant {
  readonly name: string;
  /** Drawn anew at every call: the name is one that it may be. */
  readonly random: boolean;
}

/** What a context gets from a flag in an environment, as the SDKs answer it. */
export interface Answer {
  readonly flag: string;
  readonly environment: string;
  readonly context: EvaluationContext;
  readonly outcome: Outcome;
  /** Only when the flag is on, or may be. */
  readonly variant?: AnsweredVariant;
  /** What serves: `candidate`, `current`, an alias, or a variant's name; undefined for a flag that no model is mapped to. */
  readonly arm?: string;
  /** Alias or version behind the arm, where the mapping tells one. */
  readonly version?: string;
  /** The one reason that decided, in words. */
  readonly because: string;
  /** Every strategy in evaluation order. */
  readonly reasons: readonly StrategyReason[];
  /** What Unleash's playground shows, right or wrong. */
  readonly playground: { readonly enabled: boolean; readonly variant?: string };
  /** What one should know beside the answer, one sentence each. */
  readonly notes: readonly string[];
}

/** What the evaluation of a flag does not say by itself. */
export interface AnswerFacts {
  /** Undefined: not known; what the evaluator says about parents counts then. */
  readonly dependencies?: readonly Dependency[] | undefined;
  /** The parents' evaluations for the same environment and context. */
  readonly parents?: readonly Evaluation[] | undefined;
  readonly mapping?: ModelMapping | undefined;
}

interface Decision {
  readonly outcome: Outcome;
  readonly because: string;
}

function nameOf({ title, name }: Strategy): string {
  return title === '' ? `strategy ${plainLine(name, 60)}` : `strategy "${plainLine(title, 80)}"`;
}

/** Strategy types that nobody but the service can evaluate, and those that the draw says nothing about. */
function typeReason({ strategy, result }: StrategyEvaluation, context: EvaluationContext): Pick<StrategyReason, 'verdict' | 'words'> | undefined {
  if (result === 'unknown') return { verdict: 'unknown', words: `not known: only the service itself can evaluate the strategy type ${plainLine(strategy.name, 60)}` };
  const lists: Readonly<Record<string, readonly [string, string]>> = { remoteAddress: ['IPs', 'remoteAddress'], userWithId: ['userIds', 'userId'] };
  const [parameter, field] = (Object.hasOwn(lists, strategy.name) ? lists[strategy.name] : undefined) ?? [];
  if (result || parameter === undefined || field === undefined) return undefined;
  const value = context[field];
  return { verdict: 'constraint', words: plainLine(`not matched: ${field} must be one of ${strategy.parameters[parameter] ?? 'an empty list'}; ${value === undefined ? 'it is missing' : `it is ${value}`}`, 240) };
}

interface Judged extends StrategyReason {
  readonly evaluation: StrategyEvaluation;
  readonly notes: readonly string[];
}

function judge(evaluation: StrategyEvaluation, context: EvaluationContext): Judged {
  const { strategy, constraints, segments } = evaluation;
  const base = { id: strategy.id, strategy: nameOf(strategy), evaluation };
  if (strategy.disabled) return { ...base, verdict: 'disabled', words: 'disabled, so the SDKs never see it', notes: [] };
  const conditions = [
    ...constraints.map((each) => ({ each, where: '' })),
    ...segments.flatMap((segment) => segment.constraints.map((each) => ({ each, where: `segment ${plainLine(segment.name, 60)}: ` }))),
  ];
  const notes = conditions.filter(({ each }) => sdkResult(each, context) !== each.holds)
    .map(({ each }) => `Unleash's playground decides the condition on ${plainLine(each.constraint.contextName, 60)} otherwise than the SDKs do.`);
  const unmet = conditions.filter(({ each }) => !sdkResult(each, context)).map(({ each, where }) => where + unmetWords(each, context));
  if (unmet.length > 0) return { ...base, verdict: 'constraint', words: `not matched: ${unmet.join('; also ')}`, notes };
  const byType = typeReason(evaluation, context);
  if (byType !== undefined) return { ...base, ...byType, notes };
  const draw = drawResult(strategy, context);
  switch (draw.kind) {
    case 'none':
      return { ...base, verdict: 'matched', words: conditions.length === 0 && strategy.name === 'default' ? 'matched (it addresses everyone)' : 'matched (all its conditions hold)', notes };
    case 'in':
      return { ...base, verdict: 'matched', words: `matched ${draw.words}`, notes: draw.note === undefined ? notes : [...notes, draw.note] };
    case 'out':
      return { ...base, verdict: 'rollout', words: `not matched: ${draw.words}`, notes: draw.note === undefined ? notes : [...notes, draw.note] };
    case 'missing':
      return { ...base, verdict: 'rollout', words: `not matched: ${draw.words}`, notes };
    case 'random':
      return { ...base, verdict: 'random', words: draw.words, notes };
  }
}

/** Why none of some strategies matches. */
export function unmatchedWords(reasons: readonly StrategyReason[]): string {
  const active = reasons.filter(({ verdict }) => verdict !== 'disabled');
  return active.map(({ strategy, words }) => (active.length === 1 ? words.replace(/^not matched: /, '') : `${strategy} ${words}`)).join('; ');
}

/** Strategies are OR-ed: one that surely matches decides, then one that may. */
function decide(switchedOn: boolean, judged: readonly Judged[]): Decision & { readonly by?: Judged } {
  if (!switchedOn) return { outcome: 'off', because: 'the environment is switched off' };
  const active = judged.filter(({ verdict }) => verdict !== 'disabled');
  if (active.length === 0) return { outcome: 'on', because: 'the environment is on without an enabled strategy, so everyone gets it' };
  const found = (verdict: StrategyVerdict): Judged | undefined => active.find((each) => each.verdict === verdict);
  for (const [verdict, outcome] of [['matched', 'on'], ['random', 'random'], ['unknown', 'unknown']] as const) {
    const by = found(verdict);
    if (by !== undefined) return { outcome, because: `${by.strategy} ${by.words}`, by };
  }
  return { outcome: 'off', because: unmatchedWords(active) };
}

/** The variant of the strategy that answers first. A strategy before it that may match makes it uncertain. */
function variantOf(evaluation: Evaluation, judged: readonly Judged[]): AnsweredVariant | undefined {
  const first = judged.findIndex(({ verdict }) => verdict === 'matched' || verdict === 'random');
  const deciding = judged[first];
  if (deciding === undefined) return evaluation.variant === undefined ? undefined : { name: evaluation.variant, random: false };
  const { strategy, variant } = deciding.evaluation;
  const later = deciding.verdict === 'random' ? judged.slice(first + 1).filter(({ verdict }) => verdict === 'matched' || verdict === 'random') : [];
  const mayDiffer = later.some((each) => each.evaluation.variant !== variant);
  if (variant === undefined) {
    const other = later.find((each) => each.evaluation.variant !== undefined)?.evaluation.variant;
    if (other !== undefined) return { name: other, random: true };
    // Variants of the environment, as flags of older servers have them; no strategy says how they are drawn.
    return evaluation.variant === undefined ? undefined : { name: evaluation.variant, random: false };
  }
  return { name: variant, random: mayDiffer || isRandomVariant(strategy, evaluation.context) };
}

const VARIANT_IDS = ['userId', 'sessionId', 'remoteAddress'];

/** Variants are drawn by the first one's stickiness, else the strategy's; without the field a call gets any. */
function isRandomVariant({ variants, parameters }: Strategy, context: EvaluationContext): boolean {
  const possible = variants.filter(({ weight }) => weight > 0);
  const stickiness = variants[0]?.stickiness ?? parameters['stickiness'] ?? 'default';
  const field = stickyField(stickiness, context, VARIANT_IDS);
  return possible.length > 1 && (field === undefined || fieldValue(context, field) === undefined);
}

/** Whether a condition on a parent holds, as far as the parent's own answer tells. */
function parentDecision({ feature, enabled, variants }: Dependency, evaluation: Evaluation | undefined): Decision | undefined {
  const parent = plainLine(feature, 80);
  if (evaluation === undefined) return { outcome: 'off', because: `the parent flag ${parent} does not exist or is archived` };
  const { outcome, variant, because } = answerOf(evaluation);
  const wanted = enabled ? 'on' : 'off';
  if (outcome === 'random' || outcome === 'unknown') return { outcome, because: `the parent flag ${parent} must be ${wanted}; it is ${because}` };
  if (outcome !== wanted) return { outcome: 'off', because: `the parent flag ${parent} must be ${wanted}; it is ${outcome}: ${because}` };
  if (!enabled || variants.length === 0) return undefined;
  if (variant?.random === true) return { outcome: 'random', because: `the parent flag ${parent} must answer one of ${variants.join(', ')}, and draws its variant at random` };
  const got = variant?.name ?? 'none';
  return variants.includes(got) ? undefined : { outcome: 'off', because: plainLine(`the parent flag ${parent} must answer one of ${variants.join(', ')}; it answers ${got}`, 240) };
}

const WORST_FIRST: readonly Outcome[] = ['off', 'unknown', 'random'];

/** What the parents decide; undefined: nothing, the flag's own strategies do. */
function byParents(evaluation: Evaluation, { dependencies, parents = [] }: AnswerFacts): Decision | undefined {
  if (dependencies === undefined) return evaluation.blocked ? { outcome: 'off', because: 'the condition on a parent flag does not hold' } : undefined;
  const decisions = dependencies.flatMap((dependency) => parentDecision(dependency, parents.find(({ flag }) => flag === dependency.feature)) ?? []);
  return WORST_FIRST.map((outcome) => decisions.find((each) => each.outcome === outcome)).find((each) => each !== undefined);
}

function combine(parents: Decision | undefined, own: Decision): Decision {
  if (parents === undefined || own.outcome === 'off') return own;
  return parents.outcome === 'random' && own.outcome === 'unknown' ? own : parents;
}

/** Reads an evaluation as the SDKs would answer it, which differs from Unleash's playground in a few known cases. */
export function answerOf(evaluation: Evaluation, facts: AnswerFacts = {}): Answer {
  const { flag, environment, context, switchedOn } = evaluation;
  const judged = evaluation.strategies.map((each) => judge(each, context));
  const own = decide(switchedOn, judged);
  const decision = combine(byParents(evaluation, facts), own);
  const variant = decision.outcome === 'off' ? undefined : variantOf(evaluation, judged);
  const playground = { enabled: evaluation.enabled, ...(evaluation.variant === undefined ? {} : { variant: evaluation.variant }) };
  const notes = new Set(judged.flatMap((each) => each.notes));
  if (decision.outcome === 'on' && !evaluation.enabled || decision.outcome === 'off' && evaluation.enabled) {
    notes.add(`Unleash's playground shows ${evaluation.enabled ? 'on' : 'off'} here; the SDKs answer ${decision.outcome}.`);
  }
  if (variant?.random === true) notes.add('The variant is drawn at random at each call: the context lacks what it is sticky on, or strategies with other variants draw at random.');
  return {
    flag, environment, context,
    outcome: decision.outcome,
    ...(variant === undefined ? {} : { variant }),
    ...armOf(flag, decision.outcome, variant, facts.mapping),
    because: decision.because,
    reasons: judged.map(({ id, strategy, verdict, words }) => ({ id, strategy, verdict, words })),
    playground,
    notes: [...notes],
  };
}

function armOf(flag: string, outcome: Outcome, variant: AnsweredVariant | undefined, mapping: ModelMapping | undefined): Pick<Answer, 'arm' | 'version'> {
  const entry = mapping?.switches.find((each) => each.flag === flag);
  if (mapping === undefined || entry === undefined || outcome === 'random' || outcome === 'unknown') return {};
  if (outcome === 'on' && variant !== undefined) return { arm: variant.name };
  const arm = outcome === 'on' ? entry.on : entry.off;
  if (arm === 'candidate') return { arm, version: mapping.candidate };
  return arm === 'current' ? { arm, version: mapping.current } : { arm };
}
