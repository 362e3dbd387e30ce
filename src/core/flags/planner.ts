import { AppError } from '../base/errors.ts';
import { environmentKey } from './compare.ts';
import { hasEnabledStrategy, noEnabledStrategy, planSteps, sameEffect, type Blocker, type ChangeKind, type ChangePlan } from './changePlan.ts';
import { changesRollout, environmentHistory, undoStack, type EnvironmentState } from './history.ts';
import { environmentOf, GRADUAL_ROLLOUT, type FlagEnvironment, type Segment, type Strategy } from './model.ts';
import { audienceKey, editableStrategy, EVERYONE, ownership, ownIds } from './ownership.ts';
import type { FlagDetail, FlagEvent } from './ports.ts';
import { compareExposure, describeRollout, effectiveRollout, maxExposure, strategyWords, type AudienceShare, type Segments } from './rollout.ts';
import { strategyTitle } from './titles.ts';

/** Where promotion goes until a plan says otherwise. */
export const DEFAULT_STAGES: readonly number[] = [5, 25, 50, 100];

/** Everything that plans are computed from: one fresh reading of a flag. */
export interface FlagReading {
  readonly server: string;
  readonly detail: FlagDetail;
  readonly segments: readonly Segment[];
  /** The flag's events, newest first. */
  readonly events: readonly FlagEvent[];
}

/** What goes into the strategy's title beside the percentage. */
export interface ChangeNote {
  /** The model version that is released, such as `fraud v14`. */
  readonly version?: string | undefined;
  readonly reason?: string | undefined;
}

/** One environment of a reading, with what planning needs of it. */
interface Situation {
  readonly reading: FlagReading;
  readonly environment: FlagEnvironment;
  readonly segments: Segments;
  readonly own: ReadonlySet<string>;
}

/** @throws AppError notFound when the flag has no such environment */
function situation(reading: FlagReading, environmentName: string): Situation {
  const { flag } = reading.detail;
  const environment = environmentOf(flag, environmentName);
  if (environment === undefined) {
    const names = flag.environments.map(({ name }) => name).join(', ');
    throw new AppError('notFound', `${flag.name} has no environment "${environmentName}"; it has ${names}.`, { environment: environmentName });
  }
  return { reading, environment, segments: segmentMap(reading.segments), own: ownIds(reading.events) };
}

export function segmentMap(segments: readonly Segment[]): Segments {
  return new Map(segments.map((segment) => [segment.id, segment]));
}

/** The share of everyone (those in no audience of their own) that the environment exposes now, in per cent; 0 when off. */
export function everyoneShare(environment: FlagEnvironment, segments: Segments): number {
  return environment.enabled ? everyone(environment, segments)?.high ?? 0 : 0;
}

/** The share of those whom no constraint singles out. */
function everyone(environment: FlagEnvironment, segments: Segments): AudienceShare | undefined {
  return effectiveRollout(environment, segments).audiences.find(({ label }) => label === '');
}

/** The next stage above a share, or undefined at the top. */
export function nextStage(share: number, stages: readonly number[] = DEFAULT_STAGES): number | undefined {
  return stages.find((stage) => stage > share);
}

/** @throws AppError validation when there is no further stage */
export function planPromote(reading: FlagReading, environmentName: string, note: ChangeNote = {}): ChangePlan {
  const { environment, segments } = situation(reading, environmentName);
  const percent = nextStage(everyoneShare(environment, segments));
  if (percent === undefined) {
    throw new AppError('validation', `${reading.detail.flag.name} is at 100 % in ${environmentName} already.`, { reason: 'atTop' });
  }
  return planRollout('promote', reading, environmentName, percent, note);
}

/** @throws AppError validation for a percentage that is not a whole number from 0 to 100 */
export function planSetRollout(reading: FlagReading, environmentName: string, percent: number, note: ChangeNote = {}): ChangePlan {
  if (!Number.isInteger(percent) || percent < 0 || percent > 100) {
    throw new AppError('validation', `A rollout is a whole number from 0 to 100; "${percent}" is not (Unleash assigns users in steps of 1 %).`, { reason: 'percent' });
  }
  return planRollout('set rollout', reading, environmentName, percent, note);
}

function planRollout(kind: ChangeKind, reading: FlagReading, environmentName: string, percent: number, note: ChangeNote): ChangePlan {
  const here = situation(reading, environmentName);
  const { environment, own, segments } = here;
  const switchOn = percent > 0 && !environment.enabled;
  const title = strategyTitle([note.version ?? '', `${percent} %`, note.reason ?? kind], switchOn);
  const current = editableStrategy(environment, EVERYONE, own);
  // Copies of our own strategy (Unleash's UI makes them) would keep the share up beside the one that is set.
  const copies = environment.strategies.filter((strategy) =>
    strategy !== current && strategy.name === GRADUAL_ROLLOUT && audienceKey(strategy) === EVERYONE && ownership(environment, strategy, own) === 'own');
  const set = (strategy: Strategy, to: number): Strategy => ({ ...strategy, title, parameters: { ...strategy.parameters, rollout: String(to) } });
  const edited = environment.strategies.map((strategy) => {
    if (strategy === current) return { ...set(strategy, percent), disabled: false };
    return copies.includes(strategy) && !strategy.disabled ? set(strategy, 0) : strategy;
  });
  const strategies = current === undefined ? [...edited, newStrategy(here, percent, title)] : edited;
  const after = { ...environment, enabled: environment.enabled || switchOn, strategies };
  const share = everyone({ ...after, enabled: true }, segments);
  const blockers = share === undefined || share.high <= percent ? [] : keepUp(here, after, (strategy) => audienceKey(strategy) === EVERYONE);
  return plan(kind, here, after, blockers);
}

/**
 * A new gradual rollout for everyone, sticky on what the flag's other strategies are sticky on; random stickiness is not
 * taken over, because it would flip users between the models from call to call.
 */
function newStrategy({ reading, environment }: Situation, percent: number, title: string): Strategy {
  const { flag } = reading.detail;
  const peer = [environment, ...flag.environments].flatMap(({ strategies }) => strategies).find(({ name, parameters }) => name === GRADUAL_ROLLOUT && parameters['stickiness'] !== 'random');
  return {
    id: '',
    name: GRADUAL_ROLLOUT,
    title,
    disabled: false,
    parameters: { rollout: String(percent), stickiness: peer?.parameters['stickiness'] ?? 'default', groupId: peer?.parameters['groupId'] ?? flag.name },
    constraints: [],
    segments: [],
    variants: [],
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
  const lower = exposed ? earlier.find((state) => ['lower', 'equal'].includes(compareExposure(environment, state.environment, segments))) : undefined;
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
  const words = describeRollout(effectiveRollout(target, segments));
  const title = strategyTitle([note.version ?? '', `${kind} to ${words}`, note.reason ?? ''], target.enabled && !environment.enabled);
  const goals = new Map(target.strategies.map((strategy) => [strategy.id, strategy]));
  const kept = environment.strategies.flatMap((current) => {
    const goal = goals.get(current.id);
    goals.delete(current.id);
    const owner = ownership(environment, current, own);
    if (owner === 'foreign' || owner === 'plan' || (goal !== undefined && sameEffect(goal, current))) return [current];
    if (goal !== undefined) return [{ ...goal, title }];
    // An adopted strategy may be edited, but what somebody else made is not ours to delete.
    return owner === 'own' ? [] : [current];
  });
  const readded = [...goals.values()].map((goal) => ({ ...goal, title }));
  const order = target.strategies.map(({ id }) => id);
  const rank = ({ id }: Strategy): number => (order.includes(id) ? order.indexOf(id) : order.length);
  const after = { ...environment, enabled: target.enabled, strategies: [...kept, ...readded].toSorted((a, b) => rank(a) - rank(b)) };
  const excess = compareExposure(target, after, segments);
  const blockers = excess === 'raise' || excess === 'mixed'
    ? keepUp(here, after, (strategy) => !target.strategies.some((goal) => goal.id === strategy.id && sameEffect(goal, strategy)))
    : [];
  return plan(kind, here, after, blockers);
}

/** Off, whatever the strategies say: the one call that always works. */
export function planSwitchOff(kind: 'kill' | 'disable', reading: FlagReading, environmentNames: readonly string[]): ChangePlan {
  const plans = environmentNames.map((name) => {
    const here = situation(reading, name);
    return plan(kind, here, { ...here.environment, enabled: false }, []);
  });
  return merge(plans);
}

/** @throws AppError validation when no strategy is enabled, which Unleash would turn into 100 % */
export function planSwitchOn(reading: FlagReading, environmentName: string): ChangePlan {
  const here = situation(reading, environmentName);
  if (!hasEnabledStrategy(here.environment)) throw noEnabledStrategy(environmentName);
  return plan('enable', here, { ...here.environment, enabled: true }, []);
}

function merge(plans: readonly ChangePlan[]): ChangePlan {
  const [first] = plans;
  if (first === undefined) throw new AppError('validation', 'No environment was named.');
  return {
    ...first,
    environments: plans.flatMap(({ environments }) => environments),
    segments: [...new Map(plans.flatMap(({ segments }) => segments).map((segment) => [segment.id, segment])).values()],
    warnings: [...new Set(plans.flatMap(({ warnings }) => warnings))],
  };
}

/** What holds the exposure above the target and is left untouched, named for the person who has to deal with it. Never empty. */
function keepUp({ environment, segments }: Situation, after: FlagEnvironment, culprit: (strategy: Strategy) => boolean): Blocker[] {
  const culprits = after.strategies.filter((strategy) => !strategy.disabled && environment.strategies.includes(strategy) && culprit(strategy));
  const blockers = culprits.map((strategy) => {
    const name = strategy.title === '' ? strategy.name : `"${strategy.title}"`;
    const owner = strategy.milestoneId === undefined ? 'was not made by Modelswitch' : 'belongs to a release plan';
    return {
      environment: environment.name,
      strategyId: strategy.id,
      message: `Strategy ${name} (${strategyWords(strategy, segments)}) keeps exposure up in ${environment.name}; it ${owner} and is not edited. Change it in Unleash, or switch the environment off.`,
    };
  });
  const words = describeRollout(effectiveRollout({ ...after, enabled: true }, segments));
  return blockers.length > 0 ? blockers : [{
    environment: environment.name,
    strategyId: '',
    message: `${environment.name} would expose more than asked (${words}). Look at its strategies in Unleash, or switch the environment off.`,
  }];
}

/** What a person should know before confirming. */
function warningsOf({ detail }: FlagReading, environment: FlagEnvironment, after: FlagEnvironment): string[] {
  const parents = detail.flag.dependencies.map(({ feature }) => `"${feature}"`);
  const draw = ({ parameters }: Strategy): string => JSON.stringify([parameters['groupId'], parameters['stickiness']]);
  const reshuffles = after.strategies.some((strategy) => {
    const before = environment.strategies.find(({ id }) => id === strategy.id);
    return before !== undefined && before.name === GRADUAL_ROLLOUT && draw(before) !== draw(strategy);
  });
  return [
    ...(parents.length === 0 ? [] : [`${detail.flag.name} depends on ${parents.join(', ')}: it is off wherever that condition does not hold.`]),
    ...(reshuffles ? [`Group or stickiness change in ${environment.name}: users are assigned anew, also at an equal percentage.`] : []),
  ];
}

function plan(kind: ChangeKind, { reading, environment, segments }: Situation, after: FlagEnvironment, blockers: readonly Blocker[]): ChangePlan {
  const { detail, events, server } = reading;
  const used = new Set([environment, after].flatMap(({ strategies }) => strategies.flatMap((strategy) => strategy.segments)));
  return {
    version: 1,
    kind,
    server,
    project: detail.flag.project,
    flag: detail.flag.name,
    environments: [{
      environment: environment.name,
      before: environment,
      after,
      from: describeRollout(effectiveRollout(environment, segments)),
      to: describeRollout(effectiveRollout(after, segments)),
      exposure: compareExposure(environment, after, segments),
      steps: environmentKey(environment) === environmentKey(after) ? [] : planSteps(environment, after, segments),
    }],
    segments: reading.segments.filter(({ id }) => used.has(id)),
    baselineEvent: Math.max(0, ...events.map(({ id }) => id)),
    warnings: warningsOf(reading, environment, after),
    blockers,
  };
}

/** The flag's newest change of rollout in an environment, for "last change, and by whom". */
export function lastChange(events: readonly FlagEvent[], environmentName: string): FlagEvent | undefined {
  return events.filter((event) => event.environment === environmentName && changesRollout(event)).toSorted((a, b) => b.id - a.id)[0];
}
