import { AppError } from '../base/errors.ts';
import { addresses, audienceGoal, audienceShare, type Audience, type AudienceGoal } from './audienceTarget.ts';
import { environmentKey, onlySplitDiffers } from './compare.ts';
import { hasEnabledStrategy, noEnabledStrategy, sameEffect, type Blocker, type ChangeKind, type ChangePlan } from './changePlan.ts';
import { changesRollout, environmentHistory, undoStack, type EnvironmentState } from './history.ts';
import { GRADUAL_ROLLOUT, type FlagEnvironment, type Strategy } from './model.ts';
import { audienceKey, isOwn, madeIds, ownership } from './ownership.ts';
import { keepUp, planTo, releaseWords, situation, type ChangeNote, type FlagReading, type Situation } from './planning.ts';
import type { FlagEvent } from './ports.ts';
import { compareExposure, describeEnvironment, describeRollout, effectiveRollout, maxExposure, percentWords, type Segments } from './rollout.ts';
import { strategyShare } from './shares.ts';
import { isOwnTitle, strategyTitle } from './titles.ts';

export { segmentMap, type ChangeNote, type FlagReading } from './planning.ts';

/** Where promotion goes until a plan says otherwise. */
export const DEFAULT_STAGES: readonly number[] = [5, 25, 50, 100];

/** The share of everyone that promotion raises, in per cent; 0 when the environment is off. */
export function everyoneShare(environment: FlagEnvironment, segments: Segments): number {
  return audienceShareNow(environment, audienceGoal(environment, undefined, segments, new Set()), segments);
}

/** The share of an audience as it is now, in per cent: 0 when the environment is off, 100 when it is on without a strategy. */
export function audienceShareNow(environment: FlagEnvironment, { predicate }: AudienceGoal, segments: Segments): number {
  if (!environment.enabled) return 0;
  return hasEnabledStrategy(environment) ? audienceShare(environment, predicate, segments) : 100;
}

/** The next stage above a share, or undefined at the top. */
export function nextStage(share: number, stages: readonly number[] = DEFAULT_STAGES): number | undefined {
  return stages.find((stage) => stage > share);
}

/**
 * To the next stage: of everyone, or of a segment.
 * @throws AppError validation when there is no further stage; notFound when there is no such segment
 */
export function planPromote(reading: FlagReading, environmentName: string, note: ChangeNote = {}, audience?: Audience): ChangePlan {
  const here = situation(reading, environmentName);
  const goal = audienceGoal(here.environment, audience, here.segments, here.own);
  const percent = nextStage(audienceShareNow(here.environment, goal, here.segments));
  if (percent === undefined) {
    const { text, literals } = goal.predicate;
    throw new AppError('validation', `${reading.detail.flag.name} is at 100 %${literals.length === 0 ? '' : ` of ${text}`} in ${environmentName} already.`, { reason: 'atTop' });
  }
  return planRollout('promote', here, goal, percent, note);
}

/**
 * Sets the share of everyone, or of a segment's members; the other audiences keep theirs. Everyone means those whom the
 * environment's only gradual rollout is limited to by constraints, where there is such a one.
 * @throws AppError validation for a percentage that is not a whole number from 0 to 100; notFound when there is no such segment
 */
export function planSetRollout(reading: FlagReading, environmentName: string, percent: number, note: ChangeNote = {}, audience?: Audience): ChangePlan {
  if (!Number.isInteger(percent) || percent < 0 || percent > 100) {
    throw new AppError('validation', `A rollout is a whole number from 0 to 100; "${percent}" is not (Unleash assigns users in steps of 1 %).`, { reason: 'percent' });
  }
  const here = situation(reading, environmentName);
  return planRollout('set rollout', here, audienceGoal(here.environment, audience, here.segments, here.own), percent, note);
}

function planRollout(kind: ChangeKind, here: Situation, goal: AudienceGoal, percent: number, note: ChangeNote): ChangePlan {
  const { environment, own } = here;
  const switchOn = percent > 0 && !environment.enabled;
  const stage = goal.predicate.literals.length === 0 ? `${percent} %` : `${percent} % of ${goal.predicate.text}`;
  const title = strategyTitle([releaseWords(here, note), stage, note.reason ?? kind], switchOn);
  const { current, key } = goal;
  // Copies of our own strategy (Unleash's UI makes them) would keep the share up beside the one that is set.
  const copies = environment.strategies.filter((strategy) =>
    strategy !== current && strategy.name === GRADUAL_ROLLOUT && audienceKey(strategy) === key && ownership(environment, strategy, own) === 'own');
  const set = (strategy: Strategy, to: number): Strategy => ({ ...strategy, title, parameters: { ...strategy.parameters, rollout: String(to) } });
  const edited = environment.strategies.map((strategy) => {
    if (strategy === current) return { ...set(strategy, percent), disabled: false };
    return copies.includes(strategy) && !strategy.disabled ? set(strategy, 0) : strategy;
  });
  const strategies = current === undefined ? [...edited, newStrategy(here, goal, percent, title)] : edited;
  const after = { ...environment, enabled: environment.enabled || switchOn, strategies };
  return planTo(kind, here, after, shareBlockers(here, after, goal, percent), shareWarnings(here, after, goal, percent));
}

/** Strategies of others that give the whole audience more than what was asked for and what our own give it. */
function shareBlockers(here: Situation, after: FlagEnvironment, { predicate }: AudienceGoal, percent: number): Blocker[] {
  const { environment, own, segments } = here;
  const isForeign = (strategy: Strategy): boolean => environment.strategies.includes(strategy) && !['own', 'adopted'].includes(ownership(environment, strategy, own));
  const ours = after.strategies.filter((strategy) => !isForeign(strategy));
  const asked = Math.max(percent, audienceShare({ strategies: ours }, predicate, segments));
  if (audienceShare(after, predicate, segments) <= asked) return [];
  return keepUp(here, after, (strategy) => isForeign(strategy) && addresses(strategyShare(strategy, segments).predicate, predicate));
}

/** What a person would not expect of a change of one audience's share. */
function shareWarnings({ environment, segments }: Situation, after: FlagEnvironment, goal: AudienceGoal, percent: number): string[] {
  const { predicate, current } = goal;
  const warnings = [];
  const share = audienceShare(after, predicate, segments);
  if (share > percent) warnings.push(`Together with its other strategies ${environment.name} gives ${percentWords(share)} to ${predicate.text}.`);
  const alone = { ...after, strategies: after.strategies.filter(({ id }) => id === (current?.id ?? '')) };
  if (after.enabled && !environment.enabled && ['raise', 'mixed'].includes(compareExposure(alone, after, segments))) {
    warnings.push(`Switching ${environment.name} on makes its other strategies count too: ${describeRollout(effectiveRollout(after, segments))}.`);
  }
  const { audiences } = effectiveRollout({ ...environment, enabled: true }, segments);
  const others = audiences.filter(({ label, high }) => label !== '' && high > 0).map(({ audience }) => audience);
  if (current === undefined && predicate.literals.length === 0 && percent > 0 && others.length > 0 && audienceShare(environment, predicate, segments) === 0) {
    warnings.push(`So far ${environment.name} had a rollout for ${others.slice(0, 3).join('; ')} only; this is the first for everyone.`);
  }
  return warnings;
}

/**
 * A new gradual rollout for an audience, drawn as the flag's other strategies are, ours first, so that the same users come
 * first; random stickiness is not taken over, because it would flip users between the models from call to call. It takes
 * over the variants of the environment: without them its users would be served none. `stickiness` counts where the flag has no other strategy.
 */
export function newStrategy({ reading, environment, own }: Situation, { segments }: Pick<AudienceGoal, 'segments'>, percent: number, title: string, stickiness = 'default'): Strategy {
  const { flag } = reading.detail;
  const oursFirst = (strategies: readonly Strategy[]): Strategy[] =>
    strategies.filter(({ name }) => name === GRADUAL_ROLLOUT).toSorted((a, b) => Number(isOwn(b, own)) - Number(isOwn(a, own)));
  const peer = [environment, ...flag.environments].flatMap(({ strategies }) => oursFirst(strategies)).find(({ parameters }) => parameters['stickiness'] !== 'random');
  return {
    id: '',
    name: GRADUAL_ROLLOUT,
    title,
    disabled: false,
    parameters: { rollout: String(percent), stickiness: peer?.parameters['stickiness'] ?? stickiness, groupId: peer?.parameters['groupId'] ?? flag.name },
    constraints: [],
    segments,
    variants: oursFirst(environment.strategies).find(({ variants }) => variants.length > 0)?.variants ?? [],
  };
}

/** Where a roll back can go: `lower` is its target; `previous` is what the environment was just before, which may expose more. */
export interface RollbackTargets {
  readonly lower: EnvironmentState | undefined;
  readonly previous: EnvironmentState | undefined;
  readonly complete: boolean;
}

/**
 * The nearest earlier state that exposes no audience more than the present one. A roll back never raises: where there is
 * no such state, or nobody is exposed any more, going back up is a `restore` of the previous state, which asks differently.
 */
export function rollbackTargets(reading: FlagReading, environmentName: string): RollbackTargets {
  const { environment, segments } = situation(reading, environmentName);
  const history = environmentHistory(environment, reading.events);
  const earlier = undoStack(history).slice(0, -1).reverse();
  const previous = history.states.findLast((state) => environmentKey(state.environment) !== environmentKey(environment));
  const exposed = maxExposure(environment, segments) > 0;
  // A new split of the variants exposes nobody else: it can be taken back also where nobody is exposed.
  const lower = exposed
    ? earlier.find((state) => ['lower', 'equal'].includes(compareExposure(environment, state.environment, segments)))
    : earlier.slice(0, 1).find((state) => onlySplitDiffers(environment, state.environment));
  return { lower, previous, complete: history.complete };
}

/** @throws AppError validation when no earlier state is known that exposes less */
export function planRollback(reading: FlagReading, environmentName: string, note: ChangeNote = {}): ChangePlan {
  const { lower, previous, complete } = rollbackTargets(reading, environmentName);
  if (lower !== undefined) return planState('roll back', reading, environmentName, lower.environment, note);
  const { environment, segments } = situation(reading, environmentName);
  const { name } = reading.detail.flag;
  if (maxExposure(environment, segments) === 0) {
    throw new AppError('validation', `Nothing to roll back: ${name} exposes nobody in ${environmentName}.`, { reason: 'nothingExposed', previous: previous !== undefined });
  }
  const why = complete ? 'its history has no earlier state that exposes less' : 'its event log does not lead back to an earlier state';
  throw new AppError('validation', `${name} cannot be rolled back in ${environmentName}: ${why}. Set a rollout or switch the environment off.`, { reason: 'noEarlierState' });
}

/** Back to any state, also one that exposes more: undo of a roll back, or a choice from the history. */
export function planRestore(reading: FlagReading, environmentName: string, target: FlagEnvironment, note: ChangeNote = {}): ChangePlan {
  return planState('restore', reading, environmentName, target, note);
}

function planState(kind: 'roll back' | 'restore', reading: FlagReading, environmentName: string, target: FlagEnvironment, note: ChangeNote): ChangePlan {
  const here = situation(reading, environmentName);
  const { environment, own, segments } = here;
  const words = describeEnvironment(target, segments);
  const title = strategyTitle([releaseWords(here, note), `${kind} to ${words}`, note.reason ?? ''], target.enabled && !environment.enabled);
  const made = madeIds(reading.events);
  const goals = new Map(target.strategies.map((strategy) => [strategy.id, strategy]));
  const kept = environment.strategies.flatMap((current) => {
    const goal = goals.get(current.id);
    goals.delete(current.id);
    const owner = ownership(environment, current, own);
    if (owner === 'foreign' || owner === 'plan' || (goal !== undefined && sameEffect(goal, current))) return [current];
    // A title that a person wrote comes back with what it was about.
    if (goal !== undefined) return [goal.title === '' || isOwnTitle(goal.title) ? { ...goal, title } : goal];
    // A strategy that we adopted may be edited, but what somebody else made is not ours to delete.
    if (made.has(current.id)) return [];
    return [target.enabled && !current.disabled && current.name === GRADUAL_ROLLOUT ? { ...current, title, parameters: { ...current.parameters, rollout: '0' } } : current];
  });
  const readded = [...goals.values()].map((goal) => ({ ...goal, title }));
  const order = target.strategies.map(({ id }) => id);
  const rank = ({ id }: Strategy): number => (order.includes(id) ? order.indexOf(id) : order.length);
  const after = { ...environment, enabled: target.enabled, strategies: [...kept, ...readded].toSorted((a, b) => rank(a) - rank(b)) };
  const excess = compareExposure(target, after, segments);
  const blockers = excess === 'raise' || excess === 'mixed'
    ? keepUp(here, after, (strategy) => !target.strategies.some((goal) => goal.id === strategy.id && sameEffect(goal, strategy)))
    : [];
  return planTo(kind, here, after, blockers);
}

/** Off, whatever the strategies say: the one call that always works. */
export function planSwitchOff(kind: 'kill' | 'disable', reading: FlagReading, environmentNames: readonly string[]): ChangePlan {
  const plans = environmentNames.map((name) => {
    const here = situation(reading, name);
    return planTo(kind, here, { ...here.environment, enabled: false });
  });
  return mergePlans(plans);
}

/**
 * A reason, such as that of an override, goes into the titles of our strategies: the switch itself has none.
 * @throws AppError validation when no strategy is enabled, which Unleash would turn into 100 %
 */
export function planSwitchOn(reading: FlagReading, environmentName: string, note: ChangeNote = {}): ChangePlan {
  const here = situation(reading, environmentName);
  if (!hasEnabledStrategy(here.environment)) throw noEnabledStrategy(environmentName);
  const { environment, own } = here;
  const title = note.reason === undefined ? undefined : strategyTitle([releaseWords(here, note), 'switch on', note.reason], true);
  const strategies = title === undefined ? environment.strategies : environment.strategies.map((strategy) => (isOwn(strategy, own) ? { ...strategy, title } : strategy));
  return planTo('enable', here, { ...environment, enabled: true, strategies });
}

export function mergePlans(plans: readonly ChangePlan[]): ChangePlan {
  const [first] = plans;
  if (first === undefined) throw new AppError('validation', 'No environment was named.');
  return {
    ...first,
    environments: plans.flatMap(({ environments }) => environments),
    baselineEvent: Math.min(...plans.map(({ baselineEvent }) => baselineEvent)),
    blockers: plans.flatMap(({ blockers }) => blockers),
    segments: [...new Map(plans.flatMap(({ segments }) => segments).map((segment) => [segment.id, segment])).values()],
    warnings: [...new Set(plans.flatMap(({ warnings }) => warnings))],
  };
}

/** The flag's newest change of rollout in an environment, for "last change, and by whom". */
export function lastChange(events: readonly FlagEvent[], environmentName: string): FlagEvent | undefined {
  return events.filter((event) => event.environment === environmentName && changesRollout(event)).toSorted((a, b) => b.id - a.id)[0];
}
