import { strategyKey } from '../flags/compare.ts';
import { environmentHistory } from '../flags/history.ts';
import { environmentOf, type Strategy } from '../flags/model.ts';
import { isTowardsOff } from '../flags/titles.ts';
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
}

/**
 * A rollback of several strategies is several calls, and a guard may be killed between them. Evidence begins anew at the first, so the breach is not seen again; but the log tells
 * what the environment was before, so what the rollback was to come to is computed once more, and strategies that it left and nobody has touched since are still to be lowered. One that was
 * to switch the environment off says so before it does.
 */
export function interruptedRollback(plan: readonly Stage[], reading: FlagReading, environmentName: string, { onBreach }: GuardSettings): InterruptedRollback | undefined {
  const environment = environmentOf(reading.detail.flag, environmentName);
  const mark = markedEvents(reading.events, environmentName).at(-1);
  if (environment?.enabled !== true || mark?.mark !== 'guard') return undefined;
  if (isTowardsOff(mark.title)) {
    const isSwitchedOn = reading.events.some(({ id, type, environment: where }) => id > mark.event && where === environmentName && type === 'feature-environment-enabled');
    return isSwitchedOn ? undefined : { environment: environmentName, stage: planPosition(plan, reading).stage, event: mark.event };
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
  return isLeft ? { environment: environmentName, stage, event: mark.event } : undefined;
}
