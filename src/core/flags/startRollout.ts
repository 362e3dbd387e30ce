import { AppError } from '../base/errors.ts';
import { audienceGoal, type Audience } from './audienceTarget.ts';
import type { ChangePlan } from './changePlan.ts';
import { GRADUAL_ROLLOUT, type FlagEnvironment, type Strategy } from './model.ts';
import { isOwn, ownership } from './ownership.ts';
import { mergePlans, newStrategy } from './planner.ts';
import { environmentPins, keepUp, planTo, situation, type ChangeNote, type FlagReading, type Situation } from './planning.ts';
import { maxExposure } from './rollout.ts';
import { pinsText, strategyTitle, type Pin } from './titles.ts';

/** What a release begins with. */
export interface StartWish {
  readonly environments: readonly string[];
  /** What the release is about. */
  readonly pin: Pin;
  /** What new strategies are sticky on, where the flag has no strategies yet; default: Unleash's `default`. */
  readonly stickiness?: string | undefined;
  /** Segments that get a strategy of their own beside everyone's, by name or id. */
  readonly segments?: readonly (string | number)[] | undefined;
  readonly note?: ChangeNote | undefined;
}

/**
 * Everything that Modelswitch may edit at 0 %, with the versions in its titles. An environment that pins the same versions already is left
 * at its rollout, so that a start which is repeated takes nothing back. What is not ours and exposes somebody is a blocker.
 * @throws AppError notFound for an environment or segment that there is not; validation when the titles have no room for another model
 */
export function planStart(reading: FlagReading, wish: StartWish): ChangePlan {
  return mergePlans(wish.environments.map((name) => {
    const here = situation(reading, name);
    const after = startState(here, wish);
    const isForeign = (strategy: Strategy): boolean => !['own', 'adopted'].includes(ownership(here.environment, strategy, here.own));
    const exposed = { ...after, strategies: after.strategies.filter((strategy) => here.environment.strategies.includes(strategy) && isForeign(strategy)) };
    const isHeldUp = after.enabled && exposed.strategies.some(({ disabled }) => !disabled) && maxExposure(exposed, here.segments) > 0;
    return planTo('start', here, after, isHeldUp ? keepUp(here, after, isForeign) : []);
  }));
}

function startState(here: Situation, { pin, stickiness, segments = [], note = {} }: StartWish): FlagEnvironment {
  const title = strategyTitle([withPin(here, pin), '0 %', note.reason ?? 'start']);
  const isStarted = environmentPins(here).some((each) => samePin(each, pin));
  const mayEdit = (strategy: Strategy): boolean => strategy.name === GRADUAL_ROLLOUT && ['own', 'adopted'].includes(ownership(here.environment, strategy, here.own));
  let environment: FlagEnvironment = isStarted ? here.environment : {
    ...here.environment,
    strategies: here.environment.strategies.map((strategy) => (mayEdit(strategy) ? { ...strategy, title, disabled: false, parameters: { ...strategy.parameters, rollout: '0' } } : strategy)),
  };
  for (const audience of [undefined, ...segments.map((segment): Audience => ({ segment }))]) {
    const goal = audienceGoal(environment, audience, here.segments, here.own);
    if (goal.current !== undefined) continue;
    environment = { ...environment, strategies: [...environment.strategies, newStrategy({ ...here, environment }, goal, 0, title, stickiness)] };
  }
  return environment;
}

/** The pins of an environment with one more, or with another in the place of the model's own. */
function withPin(here: Situation, wished: Pin): string {
  const others = environmentPins(here).filter(({ model }) => model !== wished.model);
  const text = pinsText([...others, wished]);
  if (text !== undefined) return text;
  throw new AppError('validation', `${here.reading.detail.flag.name} is the switch of ${others.map(({ model }) => model).join(' and ')} already, and the titles of its strategies have no room for ${wished.model}: release it behind a flag of its own.`, { reason: 'pins' });
}

function samePin(a: Pin, b: Pin): boolean {
  return a.model === b.model && a.candidate === b.candidate && a.current === b.current;
}

/**
 * The same rollout, about other versions: what was learnt about those before does not count for these. It writes titles only.
 * @throws AppError validation when no strategy of ours pins the model
 */
export function planRepin(reading: FlagReading, pin: Pin, note: ChangeNote = {}): ChangePlan {
  const pinning = reading.detail.flag.environments.map(({ name }) => situation(reading, name)).filter((here) => environmentPins(here).some(({ model }) => model === pin.model));
  if (pinning.length === 0) throw new AppError('validation', `No strategy of ${reading.detail.flag.name} pins a version of ${pin.model}: start a release first.`, { reason: 'notPinned' });
  return mergePlans(pinning.map((here) => {
    const { environment, own } = here;
    const version = withPin(here, pin);
    const retitle = (strategy: Strategy): Strategy => ({ ...strategy, title: strategyTitle([version, `${strategy.parameters['rollout'] ?? ''} %`, note.reason ?? 're-pinned']) });
    const strategies = environment.strategies.map((strategy) => (isOwn(strategy, own) ? retitle(strategy) : strategy));
    const already = environmentPins(here).some((each) => samePin(each, pin));
    const before = environmentPins(here).find(({ model }) => model === pin.model);
    const words = before === undefined || already ? [] : [`${environment.name}: ${before.model} ${before.candidate} over ${before.current} -> ${pin.candidate} over ${pin.current}; the rollout stays, evidence about ${before.candidate} does not count for ${pin.candidate}.`];
    return planTo('re-pin', here, already ? environment : { ...environment, strategies }, [], words);
  }));
}
