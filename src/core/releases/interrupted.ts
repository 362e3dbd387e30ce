import { strategyKey } from '../flags/compare.ts';
import { environmentHistory } from '../flags/history.ts';
import { environmentOf, type FlagEnvironment, type Strategy } from '../flags/model.ts';
import { isOwnTitle, isTowardsOff } from '../flags/titles.ts';
import type { FlagReading } from '../flags/planning.ts';
import type { GuardSettings } from '../workspace/guard.ts';
import type { Stage } from '../workspace/plan.ts';
import { markedEvents } from './latch.ts';
import { planPosition } from './position.ts';
import { planStepDown, stageBefore, withEnvironment } from './stageChange.ts';

/** A guard's rollback that came to an end after some of its calls: what is left of it, and from which stage it went. */
export interface InterruptedRollback {
  readonly environment: string;
  readonly stage: number;
  /** The last event of what was done. */
  readonly event: number;
  /** What the guard gave as its reason. */
  readonly because: string;
}

/**
 * A rollback of several strategies is several calls, and a guard may be killed between them. Evidence begins anew at the first, so the breach is not seen again; but the log tells
 * what the environment was before, so what the rollback was to come to is computed once more, and strategies that it left and nobody has touched since are still to be lowered. One that was
 * to switch the environment off says so before it does.
 */
export function interruptedRollback(plan: readonly Stage[], reading: FlagReading, environmentName: string, { onBreach }: GuardSettings): InterruptedRollback | undefined {
  const environment = environmentOf(reading.detail.flag, environmentName);
  // An edit by hand carries the title that was there: it is no word of a guard.
  const written = reading.events.filter(({ strategy, previousStrategy }) => strategy?.title !== previousStrategy?.title);
  const mark = markedEvents(written, environmentName).at(-1);
  if (environment?.enabled !== true || mark?.mark !== 'guard') return undefined;
  const because = mark.title.split(' · ').at(-1) ?? '';
  if (isTowardsOff(mark.title)) {
    const isSwitchedOn = reading.events.some(({ id, type, environment: where }) => id > mark.event && where === environmentName && type === 'feature-environment-enabled');
    const { stage } = planPosition(plan, reading);
    return isSwitchedOn || isLow(plan, stage, reading, environment) ? undefined : { environment: environmentName, stage, event: mark.event, because };
  }
  const { states } = environmentHistory(environment, reading.events);
  const index = states.findLastIndex(({ events }) => events.some(({ id }) => id === mark.event));
  const [before, then] = [states[index - 1]?.environment, states[index]];
  const first = then?.events[0];
  if (before === undefined || then === undefined || first === undefined) return undefined;
  const earlier = { ...withEnvironment(reading, before), events: reading.events.filter(({ id }) => id < first.id) };
  const { stage } = planPosition(plan, earlier);
  const goal = planStepDown(plan, onBreach === 'zero' ? -1 : stageBefore(plan, stage, environmentName), earlier, environmentName, 'guard').environments[0]?.after;
  const isAsBefore = (strategies: readonly Strategy[], was: Strategy): boolean => strategies.some((each) => each.id === was.id && strategyKey(each) === strategyKey(was));
  const isLeft = before.strategies.some((was) => goal !== undefined && !isAsBefore(goal.strategies, was) && isAsBefore(then.environment.strategies, was) && isAsBefore(environment.strategies, was));
  return isLeft ? { environment: environmentName, stage, event: mark.event, because } : undefined;
}

/** Whether all of ours is lowered and says so, and nothing of others keeps exposure up any more: then there is no ground to switch off. */
function isLow(plan: readonly Stage[], stage: number, reading: FlagReading, { name, strategies }: FlagEnvironment): boolean {
  const isSaid = strategies.filter(({ disabled, title }) => !disabled && isOwnTitle(title)).every(({ title }) => isTowardsOff(title));
  return isSaid && planStepDown(plan, stage, reading, name, 'guard').blockers.length === 0;
}
