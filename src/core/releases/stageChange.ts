import { AppError } from '../base/errors.ts';
import type { Audience } from '../flags/audienceTarget.ts';
import type { ChangePlan } from '../flags/changePlan.ts';
import { GRADUAL_ROLLOUT, type FlagEnvironment, type Strategy } from '../flags/model.ts';
import { isOwn, ownership } from '../flags/ownership.ts';
import { planSetRollout } from '../flags/planner.ts';
import { keepUp, planTo, releaseWords, situation, type ChangeNote, type FlagReading, type Situation } from '../flags/planning.ts';
import { compareExposure } from '../flags/rollout.ts';
import { wholePercent } from '../flags/shares.ts';
import { approvedText, MARKS, strategyTitle, TOWARDS_OFF } from '../flags/titles.ts';
import { editableVariants, planSetWeights, type Weights } from '../flags/weights.ts';
import type { Stage } from '../workspace/plan.ts';
import { carrier, demandsAt, deviationsFrom, planPosition, type Demand } from './position.ts';

/** Stages in words count from 1. */
export function stageWords(plan: readonly Stage[], index: number): string {
  return index < 0 ? 'before the first stage' : `stage ${index + 1} of ${plan.length}`;
}

/** The stage to which an environment is taken back: the last one before that exposes less there, or none (-1). */
export function stageBefore(plan: readonly Stage[], stage: number, environment: string): number {
  const own = (index: number): boolean => plan[index]?.environment === environment;
  let last = stage;
  while (last >= 0 && !own(last)) last -= 1;
  return last < 0 ? -1 : last - 1;
}

/** The index of the next stage, and the change that reaches it. */
export interface Advance {
  readonly to: number;
  readonly change: ChangePlan;
}

/**
 * To the next stage of a plan, from what Unleash exposes now.
 * @throws AppError validation at the last stage; and where Unleash is not as the plan has it (`data.reason` `deviates`): a ramp goes on from a stage, not from
 *   somewhere between two; and where the change would expose more than the stage (`beyond`)
 */
export function planAdvance(plan: readonly Stage[], reading: FlagReading, note: ChangeNote = {}): Advance {
  const { stage, deviations } = planPosition(plan, reading);
  const { name } = reading.detail.flag;
  if (deviations.length > 0) {
    const ways = stage + 1 < plan.length ? `Go back to ${stageWords(plan, stage)}, or set what ${stageWords(plan, stage + 1)} has.` : `Go back to ${stageWords(plan, stage)}.`;
    throw new AppError('validation', `${name} is not as its plan has it at ${stageWords(plan, stage)}: ${deviations.map(({ message }) => message).join('; ')}. ${ways}`, { reason: 'deviates', stage });
  }
  const next = plan[stage + 1];
  if (next === undefined) throw new AppError('validation', `${name} is at the last stage of its plan.`, { reason: 'atTop', stage });
  const reason = `${stageWords(plan, stage + 1)}${note.reason === undefined ? '' : `: ${note.reason}`}`;
  const change = planReach(next, reading, { ...note, reason });
  refuseBeyond(plan, stage + 1, reading, change);
  return { to: stage + 1, change };
}

/** What an environment that is off has beside the plan exposes nobody, so it is no deviation; switched on along with the stage it would be one. */
function refuseBeyond(plan: readonly Stage[], to: number, reading: FlagReading, { blockers, environments }: ChangePlan): void {
  if (blockers.length > 0) return;
  const after = environments.reduce((moved, change) => withEnvironment(moved, change.after), reading);
  const switched = new Set(environments.filter(({ before, after: then }) => !before.enabled && then.enabled).map(({ environment }) => environment));
  const beyond = deviationsFrom(plan, to, after).filter(({ kind, environment }) => kind !== 'less' && switched.has(environment));
  if (beyond.length === 0) return;
  const { name } = reading.detail.flag;
  throw new AppError('validation', `${stageWords(plan, to)} of ${name} would not be as its plan has it: ${beyond.map(({ message }) => message).join('; ')}. Set that to what the plan has, or take it away, then go on.`, { reason: 'beyond', stage: to });
}

/** On to the next stage from where Unleash stands somewhere between two; undefined at the last stage. */
export function planWayOn(plan: readonly Stage[], from: number, reading: FlagReading, note: ChangeNote = {}): ChangePlan | undefined {
  const next = plan[from + 1];
  return next === undefined ? undefined : planReach(next, reading, { ...note, reason: note.reason ?? stageWords(plan, from + 1) });
}

/** What a stage has, once more, where something fell short of it. */
export function planStageAgain(plan: readonly Stage[], index: number, reading: FlagReading, note: ChangeNote = {}): ChangePlan | undefined {
  const stage = plan[index];
  return stage === undefined ? undefined : planReach(stage, reading, { ...note, reason: note.reason ?? stageWords(plan, index) });
}

/** One stage's share and split as one change. */
export function planReach(stage: Stage, reading: FlagReading, note: ChangeNote): ChangePlan {
  const audience: Audience | undefined = stage.segment === undefined ? undefined : { segment: stage.segment };
  const rollout = planSetRollout(reading, stage.environment, stage.percent, note, audience);
  if (stage.weights === undefined) return { ...rollout, kind: 'promote' };
  const [{ after }] = rollout.environments as [ChangePlan['environments'][number]];
  const moved = withEnvironment(reading, after);
  const split = planSetWeights(moved, stage.environment, fullWeights(situation(moved, stage.environment), stage.weights), note);
  return planTo('promote', situation(reading, stage.environment), split.environments[0]?.after ?? after, rollout.blockers, split.warnings);
}

/** A reading in which one environment is another. */
export function withEnvironment(reading: FlagReading, environment: FlagEnvironment): FlagReading {
  const { detail } = reading;
  const environments = detail.flag.environments.map((each) => (each.name === environment.name ? environment : each));
  return { ...reading, detail: { ...detail, flag: { ...detail.flag, environments } } };
}

/** What a plan names, and for the other variants the rest, in the proportion that they have now. */
function fullWeights({ environment, own }: Situation, named: Readonly<Record<string, number>>): Weights {
  const others = editableVariants(environment, own).filter(({ name }) => !Object.hasOwn(named, name));
  const rest = 1000 - 10 * Object.values(named).reduce((sum, percent) => sum + percent, 0);
  const total = others.reduce((sum, { weight }) => sum + weight, 0);
  let left = rest;
  const spread = others.map(({ name, weight }, index): [string, number] => {
    const part = index === others.length - 1 ? left : Math.min(left, Math.round(total === 0 ? rest / others.length : rest * weight / total));
    left -= part;
    return [name, part / 10];
  });
  return { ...named, ...Object.fromEntries(spread) };
}

/** Why exposure is taken back: by a person, or by the guard, whose rollback stands until somebody re-arms. */
export type StepDownBy = 'person' | 'guard';

/**
 * Takes one environment back to what a stage has there: -1 is nobody. It never raises: what exposes less already is left. Strategies
 * of ours for audiences that the plan does not name go to 0 %; what others made and keeps exposure up is a blocker.
 */
export function planStepDown(plan: readonly Stage[], to: number, reading: FlagReading, environmentName: string, by: StepDownBy, note: ChangeNote = {}): ChangePlan {
  const here = situation(reading, environmentName);
  const demands = demandsAt(plan, to).filter(({ environment }) => environment === environmentName);
  const lowered = loweredTo(here, demands);
  const weights = demands.findLast(({ percent, weights: named }) => percent > 0 && named !== undefined)?.weights;
  const after = titled(here, weights === undefined ? lowered : resplit(here, lowered, weights), (words) =>
    strategyTitle([...(by === 'guard' ? [`${MARKS.guard} to ${words}`, releaseWords(here, note)] : [releaseWords(here, note), `back to ${words}`]), note.reason ?? stageWords(plan, to)]));
  const isForeign = (strategy: Strategy): boolean => here.environment.strategies.includes(strategy) && !isEditable(here, strategy);
  const ours = after.strategies.filter((strategy) => !isForeign(strategy));
  const oursOnly = { ...after, enabled: after.enabled && ours.some(({ disabled }) => !disabled), strategies: ours };
  const excess = compareExposure(oursOnly, after, here.segments);
  const isHeldUp = excess === 'raise' || excess === 'mixed';
  return planTo('roll back', here, after, isHeldUp ? keepUp(here, after, isForeign) : []);
}

function isEditable({ environment, own }: Situation, strategy: Strategy): boolean {
  return strategy.name === GRADUAL_ROLLOUT && ['own', 'adopted'].includes(ownership(environment, strategy, own));
}

function loweredTo(here: Situation, demands: readonly Demand[]): FlagEnvironment {
  const wanted = new Map(demands.flatMap((demand) => {
    const strategy = carrier(here, demand);
    return strategy === undefined ? [] : [[strategy.id, demand.percent] as const];
  }));
  const strategies = here.environment.strategies.map((strategy) => {
    const target = wanted.get(strategy.id) ?? (isOwn(strategy, here.own) ? 0 : undefined);
    if (target === undefined || !isEditable(here, strategy) || strategy.disabled || wholePercent(strategy.parameters['rollout']) <= target) return strategy;
    return { ...strategy, parameters: { ...strategy.parameters, rollout: String(target) } };
  });
  return { ...here.environment, strategies };
}

function resplit({ reading, environment }: Situation, lowered: FlagEnvironment, weights: Readonly<Record<string, number>>): FlagEnvironment {
  const moved = withEnvironment(reading, lowered);
  return planSetWeights(moved, environment.name, fullWeights(situation(moved, environment.name), weights)).environments[0]?.after ?? lowered;
}

/** Every strategy that is other than before says what it was set to, and why. */
function titled({ environment }: Situation, after: FlagEnvironment, title: (words: string) => string): FlagEnvironment {
  const strategies = after.strategies.map((strategy) =>
    (environment.strategies.includes(strategy) ? strategy : { ...strategy, title: title(`${strategy.parameters['rollout'] ?? ''} %`) }));
  return { ...after, strategies };
}

/**
 * Says that a person has looked at a guard's rollback: from here evidence counts anew, and the ramp may go on. It writes titles only.
 * @throws AppError validation where there is no strategy of ours that could carry it
 */
export function planRearm(reading: FlagReading, environmentName: string, note: ChangeNote = {}): ChangePlan {
  return planTitles(reading, environmentName, note, (strategy, words) => [`${MARKS.rearmed} at ${strategy.parameters['rollout'] ?? '100'} %`, words, note.reason ?? ''], 'there is nothing to re-arm');
}

/** Marks an environment that is down without a title that says so, because somebody else or a switch took it down: it stands until somebody re-arms. It writes titles only. */
export function planLatch(reading: FlagReading, environmentName: string, note: ChangeNote = {}): ChangePlan {
  return planTitles(reading, environmentName, note, (_strategy, words) => [`${MARKS.guard}, kept down`, words, note.reason ?? ''], 'nothing can say that the guard took it back');
}

/**
 * What comes before an environment is switched off as a last resort: strategies of ours are lowered to what a stage has, and say what is meant, so that a guard which is killed
 * before the switch leaves its latch, and the next one finishes it.
 * @throws AppError validation where there is no strategy of ours that could carry it
 */
export function planTowardsOff(plan: readonly Stage[], to: number, reading: FlagReading, environmentName: string, note: ChangeNote = {}): ChangePlan {
  const lowered = loweredTo(situation(reading, environmentName), demandsAt(plan, to).filter(({ environment }) => environment === environmentName));
  const titledOnes = planTitles(withEnvironment(reading, lowered), environmentName, note, (_strategy, words) => [TOWARDS_OFF, words, note.reason ?? ''], 'nothing can say that the guard took it back');
  const [{ after }] = titledOnes.environments as [ChangePlan['environments'][number]];
  return planTo('re-arm', situation(reading, environmentName), after);
}

/**
 * Approves the change that a digest stands for, in the name of whoever writes it. It writes titles only.
 * @throws AppError validation where there is no strategy of ours that could carry it
 */
export function planApprove(reading: FlagReading, environmentName: string, digest: string, note: ChangeNote = {}): ChangePlan {
  return planTitles(reading, environmentName, note, (_strategy, words) => [words, approvedText(digest), note.reason ?? ''], 'nothing can carry the approval', 'approve');
}

function planTitles(reading: FlagReading, environmentName: string, note: ChangeNote, parts: (strategy: Strategy, words: string) => readonly string[], otherwise: string, kind: 're-arm' | 'approve' = 're-arm'): ChangePlan {
  const here = situation(reading, environmentName);
  const titledOnes = here.environment.strategies.map((strategy) => (isOwn(strategy, here.own) ? { ...strategy, title: strategyTitle(parts(strategy, releaseWords(here, note))) } : strategy));
  if (titledOnes.every((strategy, index) => strategy === here.environment.strategies[index])) {
    throw new AppError('validation', `${reading.detail.flag.name} has no strategy of Modelswitch in ${environmentName}: ${otherwise}.`, { reason: 'nothingToRearm' });
  }
  return planTo(kind, here, { ...here.environment, strategies: titledOnes });
}
