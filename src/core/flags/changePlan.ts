import { AppError } from '../base/errors.ts';
import { armsWithin } from './arms.ts';
import { environmentKey, isOrdered, sameStrategy, strategyKey } from './compare.ts';
import type { FlagEnvironment, Segment, Strategy } from './model.ts';
import { audienceKey } from './ownership.ts';
import type { NewStrategy } from './ports.ts';
import { compareExposure, exposureWithin, type ExposureChange, type Segments } from './rollout.ts';

export type ChangeKind = 'promote' | 'set rollout' | 'set weights' | 'roll back' | 'restore' | 'kill' | 'enable' | 'disable' | 'start' | 're-pin' | 're-arm' | 'approve';

/** One call of the Admin API. */
export type Call =
  | { readonly kind: 'patch'; readonly from: Strategy; readonly to: Strategy }
  | { readonly kind: 'add'; readonly strategy: NewStrategy }
  | { readonly kind: 'remove'; readonly strategy: Strategy }
  /** Puts the strategies into this order; those that were added before have no id yet and are found by what they do. */
  | { readonly kind: 'order'; readonly strategies: readonly Strategy[] }
  | { readonly kind: 'switch'; readonly enabled: boolean };

/** A call and what it does to the exposure, given the calls before it. */
export type Step = Call & { readonly exposure: ExposureChange };

export interface EnvironmentChange {
  readonly environment: string;
  readonly before: FlagEnvironment;
  readonly after: FlagEnvironment;
  /** The rollout in words, old and new. */
  readonly from: string;
  readonly to: string;
  readonly exposure: ExposureChange;
  readonly steps: readonly Step[];
  /** The titles of the strategies are part of what is to be reached: the change is about what they say. */
  readonly titled?: true;
}

/** Something that keeps the environment from reaching its target, and that Modelswitch does not edit. */
export interface Blocker {
  readonly environment: string;
  readonly strategyId: string;
  readonly message: string;
}

/**
 * A change, complete before anything is written: the same value is shown in the confirmation, printed by a dry run,
 * and call. It is plain data, so it can be written as JSON.
 */
export interface ChangePlan {
  readonly version: 1;
  readonly kind: ChangeKind;
  readonly server: string;
  readonly project: string;
  readonly flag: string;
  readonly environments: readonly EnvironmentChange[];
  /** The segments that the strategies use: if one is edited meanwhile, the plan no longer holds. */
  readonly segments: readonly Segment[];
  /** The flag's newest event when the plan was computed; 0 when it had none. */
  readonly baselineEvent: number;
  readonly warnings: readonly string[];
  readonly blockers: readonly Blocker[];
}

/**
 * What the environment is after one call, as Unleash does it: an environment that loses its last enabled strategy is
 * switched off by the server. Switching on without an enabled strategy would make the server add one of 100 %.
 *
 * @throws AppError validation for that switch
 */
export function afterCall(environment: FlagEnvironment, call: Call): FlagEnvironment {
  switch (call.kind) {
    case 'patch':
      return offWhenEmpty({ ...environment, strategies: environment.strategies.map((current) => (current.id === call.from.id ? call.to : current)) }, environment);
    case 'add':
      return { ...environment, strategies: [...environment.strategies, { ...call.strategy, id: '' }] };
    case 'remove':
      return offWhenEmpty({ ...environment, strategies: environment.strategies.filter(({ id }) => id !== call.strategy.id) }, environment);
    case 'order':
      return { ...environment, strategies: call.strategies.flatMap((goal) => findAlike(environment.strategies, goal) ?? []) };
    case 'switch':
      if (call.enabled && !hasEnabledStrategy(environment)) throw noEnabledStrategy(environment.name);
      return { ...environment, enabled: call.enabled };
  }
}

export function hasEnabledStrategy({ strategies }: FlagEnvironment): boolean {
  return strategies.some(({ disabled }) => !disabled);
}

export function noEnabledStrategy(environment: string): AppError {
  return new AppError(
    'validation',
    `${environment} has no enabled strategy: switching it on would make Unleash add one of 100 %. Set a rollout first.`,
    { environment, reason: 'noEnabledStrategy' },
  );
}

function offWhenEmpty(after: FlagEnvironment, before: FlagEnvironment): FlagEnvironment {
  return after.enabled && hasEnabledStrategy(before) && !hasEnabledStrategy(after) ? { ...after, enabled: false } : after;
}

/**
 * The calls that turn `before` into `after`, in an order in which an interruption anywhere leaves every audience's
 * share, and every variant's part of it, within the larger of before and after. What ends exposure comes first, what starts it last.
 */
export function planSteps(before: FlagEnvironment, after: FlagEnvironment, segments: Segments): Step[] {
  const steps: Step[] = [];
  let state = before;
  const take = (call: Call): void => {
    const next = afterCall(state, call);
    steps.push({ ...call, exposure: compareExposure(state, next, segments) });
    state = next;
  };
  const pending = strategyEdits(before, after);
  if (before.enabled && !after.enabled) take({ kind: 'switch', enabled: false });
  while (pending.length > 0) {
    const within = (call: Call): boolean => {
      const next = afterCall(state, call);
      return exposureWithin(next, [before, after], segments) && armsWithin(next, [before, after], segments);
    };
    const lowering = pending.findIndex((call) => within(call) && compareExposure(state, afterCall(state, call), segments) === 'lower');
    const index = lowering >= 0 ? lowering : pending.findIndex(within);
    if (index < 0) {
      // No order keeps within the bounds (two audiences that trade places): nobody is exposed while it happens.
      take({ kind: 'switch', enabled: false });
      continue;
    }
    const [next] = pending.splice(index, 1);
    if (next !== undefined) take(next);
  }
  if (isOrdered(after.strategies) && environmentKey({ ...state, enabled: true }) !== environmentKey({ ...after, enabled: true })) take({ kind: 'order', strategies: after.strategies });
  if (state.enabled !== after.enabled) take({ kind: 'switch', enabled: after.enabled });
  return steps;
}

/** Removals and edits first, additions last. */
function strategyEdits(before: FlagEnvironment, after: FlagEnvironment): Call[] {
  const goals = new Map(after.strategies.filter(({ id }) => before.strategies.some((current) => current.id === id)).map((goal) => [goal.id, goal]));
  const additions = after.strategies.filter(({ id }) => !goals.has(id));
  const edits: Call[] = [];
  for (const current of before.strategies) {
    const goal = goals.get(current.id) ?? takeSameAudience(additions, current);
    if (goal === undefined) edits.push({ kind: 'remove', strategy: current });
    else if (!sameStrategy({ ...goal, id: current.id }, current)) edits.push({ kind: 'patch', from: current, to: { ...goal, id: current.id } });
  }
  return [...edits, ...additions.map((strategy): Call => ({ kind: 'add', strategy: withoutId(strategy) }))];
}

/** A strategy that was deleted and made again has a new id; it is edited rather than replaced. */
function takeSameAudience(additions: Strategy[], current: Strategy): Strategy | undefined {
  const index = additions.findIndex((goal) => goal.name === current.name && audienceKey(goal) === audienceKey(current));
  return index < 0 ? undefined : additions.splice(index, 1)[0];
}

function withoutId({ name, title, disabled, parameters, constraints, segments, variants }: Strategy): NewStrategy {
  return { name, title, disabled, parameters, constraints, segments, variants };
}

/** The strategy itself, or one that does the same. */
export function findAlike(strategies: readonly Strategy[], goal: Strategy): Strategy | undefined {
  return strategies.find(({ id }) => id !== '' && id === goal.id) ?? strategies.find((candidate) => sameEffect(candidate, goal));
}

/** Whether the environment now behaves as the change wants it. */
export function reached(now: FlagEnvironment, target: FlagEnvironment): boolean {
  return environmentKey(now) === environmentKey(target);
}

/** Whether every strategy says what the change wants it to say. */
export function titlesReached(now: FlagEnvironment, target: FlagEnvironment): boolean {
  return target.strategies.every((goal) => now.strategies.some((candidate) => candidate.title === goal.title && (candidate.id === goal.id || sameEffect(candidate, goal))));
}

/** Whether a strategy does what another does, titles and ids aside. */
export function sameEffect(a: Strategy, b: Strategy): boolean {
  return strategyKey(a) === strategyKey(b);
}
