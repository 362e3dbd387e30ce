import { AppError } from '../base/errors.ts';
import type { ChangePlan } from '../flags/changePlan.ts';
import { environmentHistory } from '../flags/history.ts';
import { mergePlans, planRestore } from '../flags/planner.ts';
import { keepUp, situation, type ChangeNote, type FlagReading } from '../flags/planning.ts';
import { maxExposure } from '../flags/rollout.ts';
import type { Stage } from '../workspace/plan.ts';
import { planPosition } from './position.ts';
import { planStepDown, stageBefore } from './stageChange.ts';

/** A way down for a release; it is made from Unleash's state alone, so it is there while registry and sources are not. */
export interface TakeBack {
  /** Index of the stage that is reached by it; -1: nobody gets the candidate. */
  readonly to: number;
  readonly environments: readonly string[];
  readonly change: ChangePlan;
}

/** To a stage of the plan in the environments that are named; `to` is -1 for before the first. It never raises. */
export function planToStage(plan: readonly Stage[], to: number, environments: readonly string[], reading: FlagReading, note: ChangeNote = {}): TakeBack {
  return { to, environments, change: mergePlans(environments.map((name) => planStepDown(plan, to, reading, name, 'person', note))) };
}

/** One stage down, in the environment of the stage that was reached or in the one that is named. */
export function planPreviousStage(plan: readonly Stage[], reading: FlagReading, note: ChangeNote = {}, environmentName?: string): TakeBack {
  const { stage } = planPosition(plan, reading);
  const environment = environmentName ?? (plan[Math.max(0, stage)] ?? plan[0])?.environment ?? '';
  return planToStage(plan, stageBefore(plan, stage, environment), [environment], reading, note);
}

/** Nobody gets the candidate any more, in every environment that is on: those of the plan, or all of the flag's where there is none. */
export function planAllTheWay(plan: readonly Stage[], reading: FlagReading, note: ChangeNote = {}, environmentName?: string): TakeBack | undefined {
  const planned = new Set(plan.map(({ environment }) => environment));
  const environments = reading.detail.flag.environments.filter(({ name, enabled }) => enabled && (environmentName === undefined ? plan.length === 0 || planned.has(name) : name === environmentName)).map(({ name }) => name);
  if (environments.length === 0) return undefined;
  const stages = plan.length > 0 ? plan : environments.map(everyoneOf);
  const back = planToStage(stages, -1, environments, reading, note);
  // What we may not edit is told by the step down; whatever else keeps exposure up is no success either.
  const left = back.change.blockers.length > 0 ? [] : back.change.environments.filter(({ environment, after }) => maxExposure(after, situation(reading, environment).segments) > 0);
  const blockers = left.flatMap(({ environment, after }) => keepUp(situation(reading, environment), after, () => true));
  return { ...back, change: { ...back.change, blockers: [...back.change.blockers, ...blockers] } };
}

/** Stands for the plan of a flag that has none: everyone, and nothing else. */
function everyoneOf(environment: string): Stage {
  const nowhere = { offset: 0, line: 0, column: 0 };
  return { environment, percent: 100, hold: 0, minPredictions: 0, gates: [], auto: false, range: { start: nowhere, end: nowhere } };
}

/** Whether anything is lowered by it. */
export function lowers({ change }: TakeBack): boolean {
  return change.environments.some(({ steps }) => steps.length > 0);
}

/**
 * To what an environment was right after an event of the flag's log, as `history` lists them; an event in the middle of a change stands for the whole of it.
 * @throws AppError validation where the log does not lead back there, or where it would raise, which is no rollback; notFound for an event that the flag does not have
 */
export function planBackToEvent(reading: FlagReading, event: number, note: ChangeNote = {}, environmentName?: string): ChangePlan {
  const { flag } = reading.detail;
  const environment = environmentName ?? reading.events.find(({ id }) => id === event)?.environment;
  if (environment === undefined) throw new AppError('notFound', `${flag.name} has no event ${event} in an environment: modelswitch history lists them, or say which environment is meant.`, { reason: 'noEvent' });
  const here = situation(reading, environment);
  const { states } = environmentHistory(here.environment, reading.events);
  const state = states.findLast(({ events }) => events.length > 0 && (events[0]?.id ?? 0) <= event);
  if (state === undefined) throw new AppError('validation', `The event log does not tell what ${environment} was at event ${event}.`, { reason: 'noEarlierState' });
  const change = planRestore(reading, environment, state.environment, note);
  if (change.environments.some(({ exposure }) => exposure === 'raise' || exposure === 'mixed')) {
    throw new AppError('validation', `After event ${event} ${environment} exposed more than it does now, and a rollback never raises: take the last change back with modelswitch undo, or set a rollout.`, { reason: 'raises' });
  }
  return { ...change, kind: 'roll back' };
}
