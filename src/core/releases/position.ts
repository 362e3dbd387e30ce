import { audienceGoal } from '../flags/audienceTarget.ts';
import { environmentHistory, type EnvironmentState } from '../flags/history.ts';
import { environmentOf, type FlagEnvironment } from '../flags/model.ts';
import { ownIds } from '../flags/ownership.ts';
import { segmentMap, strategyName, type FlagReading } from '../flags/planning.ts';
import { compareExposure, maxExposure, percentWords, variantSplit, type Segments } from '../flags/rollout.ts';
import { isUnrestricted, strategyShare } from '../flags/shares.ts';
import { stageAudience, type Stage } from '../workspace/plan.ts';

/** What a plan asks of one audience once a stage is reached. */
export interface Demand {
  readonly environment: string;
  /** Undefined: everyone. */
  readonly segment?: string;
  /** 0 where no stage up to then names the audience. */
  readonly percent: number;
  readonly weights?: Readonly<Record<string, number>>;
}

/** Something that is not as the plan has it at the stage that was reached. */
export interface Deviation {
  readonly environment: string;
  readonly segment?: string;
  /** More or less exposure than the plan has, or another split of the variants. */
  readonly kind: 'more' | 'less' | 'split';
  /** One clause: `production is at 40 % instead of 25 %`. */
  readonly message: string;
}

/** Where a release stands, by what Unleash really exposes. */
export interface Position {
  /** Index of the last stage that is reached; -1 before the first. */
  readonly stage: number;
  /** Empty: everything is exactly as the plan has it at that stage. */
  readonly deviations: readonly Deviation[];
}

/** A time during which a release stood at one position. */
export interface Visit extends Position {
  /** ISO 8601, UTC; undefined when the log does not lead back to its beginning. */
  readonly since: string | undefined;
  /** Id of the event that began it; 0 for the state before the first known event. */
  readonly event: number;
  readonly by: string | undefined;
}

/** Every audience that the plan names, in the order in which it names them, as it is once stage `index` is reached. */
export function demandsAt(plan: readonly Stage[], index: number): Demand[] {
  const demands = new Map<string, Demand>();
  for (const [at, { environment, segment, percent, weights }] of plan.entries()) {
    const key = JSON.stringify([environment, segment]);
    const audience = { environment, ...(segment === undefined ? {} : { segment }) };
    if (at <= index) demands.set(key, { ...audience, percent, ...(weights === undefined ? {} : { weights }) });
    else if (!demands.has(key)) demands.set(key, { ...audience, percent: 0 });
  }
  return [...demands.values()];
}

/** One environment's audiences as they are, seen with a plan's eyes. */
export interface Sight {
  readonly environment: FlagEnvironment;
  readonly segments: Segments;
  readonly own: ReadonlySet<string>;
}

/** The strategy that carries a demand's audience; undefined when there is none, or no such segment. */
export function carrier({ environment, segments, own }: Sight, { segment }: Demand): ReturnType<typeof audienceGoal>['current'] {
  if (segment === undefined) return audienceGoal(environment, undefined, segments, own).current;
  const isKnown = [...segments.values()].some(({ name, id }) => name === segment || String(id) === segment);
  return isKnown ? audienceGoal(environment, { segment }, segments, own).current : undefined;
}

/** The share, in per cent, that the audience's own strategy gives it. */
function given(sight: Sight, demand: Demand): number {
  const { environment, segments } = sight;
  if (!environment.enabled) return 0;
  if (isUnrestricted(environment)) return demand.segment === undefined ? 100 : 0;
  const strategy = carrier(sight, demand);
  return strategy === undefined || strategy.disabled ? 0 : strategyShare(strategy, segments).share;
}

function shareDeviation(sight: Sight, demand: Demand): Deviation[] {
  const share = given(sight, demand);
  if (share === demand.percent) return [];
  const where = { environment: demand.environment, ...(demand.segment === undefined ? {} : { segment: demand.segment }) };
  const message = `${stageAudience(where)} is at ${percentWords(share)} instead of ${percentWords(demand.percent)}`;
  return [{ ...where, kind: share > demand.percent ? 'more' : 'less', message }];
}

/** Weights are told by variant names in whole per cent; variants that the plan does not name share the rest. */
function splitDeviation({ environment, segments }: Sight, demands: readonly Demand[]): Deviation[] {
  const weights = demands.findLast((demand) => demand.percent > 0 && demand.weights !== undefined)?.weights;
  if (weights === undefined || !environment.enabled) return [];
  const split = variantSplit(environment, segments);
  const shareOf = (name: string): number => split?.find((each) => each.name === name)?.share ?? 0;
  const wrong = Object.entries(weights).filter(([name, percent]) => split === undefined || Math.abs(shareOf(name) - percent) > 0.051);
  return wrong.map(([name, percent]) => ({
    environment: environment.name, kind: 'split' as const,
    message: `variant ${name} has ${split === undefined ? 'no one share' : percentWords(shareOf(name))} of ${environment.name} instead of ${percent} %`,
  }));
}

/** What exposes more than the audiences of the plan do: somebody's strategy beside them. */
function besideDeviation(sight: Sight, demands: readonly Demand[]): Deviation[] {
  const { environment, segments } = sight;
  if (!environment.enabled || isUnrestricted(environment)) return [];
  const planned = new Set(demands.flatMap((demand) => carrier(sight, demand)?.id ?? []));
  const rest = environment.strategies.filter(({ id, disabled }) => !disabled && !planned.has(id));
  // Without an enabled strategy an environment that is on means everybody, so what is planned is judged as off.
  const plannedOnly = { ...environment, strategies: environment.strategies.filter(({ id }) => planned.has(id)) };
  const base = plannedOnly.strategies.some(({ disabled }) => !disabled) ? plannedOnly : { ...plannedOnly, enabled: false };
  const culprits = rest.filter((strategy) => compareExposure(base, { ...base, enabled: true, strategies: base.enabled ? [...base.strategies, strategy] : [strategy] }, segments) !== 'equal');
  return culprits.map((strategy) => ({ environment: environment.name, kind: 'more' as const, message: `${strategyName(strategy)} in ${environment.name} exposes more than the plan` }));
}

function deviationsAt(plan: readonly Stage[], index: number, sights: readonly Sight[]): Deviation[] {
  const demands = demandsAt(plan, index);
  return sights.flatMap((sight) => {
    const here = demands.filter(({ environment }) => environment === sight.environment.name);
    return [...here.flatMap((demand) => shareDeviation(sight, demand)), ...splitDeviation(sight, here), ...besideDeviation(sight, here)];
  });
}

/**
 * The stage that was reached: the last one at which everything is exactly as the plan has it; where there is none, the last one
 * that nothing falls short of, with what differs. Before the first stage everything is at 0 %, so there always is one.
 */
function positionIn(plan: readonly Stage[], sights: readonly Sight[]): Position {
  let nearest: Position = { stage: -1, deviations: deviationsAt(plan, -1, sights) };
  for (let stage = -1; stage < plan.length; stage += 1) {
    const deviations = deviationsAt(plan, stage, sights);
    if (deviations.length === 0) nearest = { stage, deviations };
    else if (nearest.deviations.length > 0 && deviations.every(({ kind }) => kind !== 'less')) nearest = { stage, deviations };
  }
  return nearest;
}

function sightsOf(reading: FlagReading, environments: readonly FlagEnvironment[]): Sight[] {
  const segments = segmentMap(reading.segments);
  const own = ownIds(reading.events);
  return environments.map((environment) => ({ environment, segments, own }));
}

function plannedEnvironments(plan: readonly Stage[], { detail }: FlagReading): FlagEnvironment[] {
  return [...new Set(plan.map(({ environment }) => environment))].flatMap((name) => environmentOf(detail.flag, name) ?? []);
}

/** Where a release stands by what Unleash exposes now. An environment that the flag does not have counts as off. */
export function planPosition(plan: readonly Stage[], reading: FlagReading): Position {
  return positionIn(plan, sightsOf(reading, plannedEnvironments(plan, reading)));
}

/** What would not be as a plan has it at one stage, were Unleash as in the reading. */
export function deviationsFrom(plan: readonly Stage[], index: number, reading: FlagReading): Deviation[] {
  return deviationsAt(plan, index, sightsOf(reading, plannedEnvironments(plan, reading)));
}

/**
 * How a release came to where it stands, from Unleash's event log alone, oldest first; the last visit is the present. Segments are
 * taken as they are now. Where the log does not lead back to the beginning, the first visit has no `since`.
 */
export function planVisits(plan: readonly Stage[], reading: FlagReading): Visit[] {
  const histories = plannedEnvironments(plan, reading).map((environment) => environmentHistory(environment, reading.events));
  const isComplete = histories.every(({ complete }) => complete);
  const current = new Map(histories.flatMap(({ states }) => states.slice(0, 1).map(({ environment }) => [environment.name, environment] as const)));
  // Where one log begins later than another, what was before is not known as a whole.
  const known = isComplete ? 0 : Math.max(0, ...histories.map(({ complete, states }) => (complete ? 0 : lastEvent(states[0]))));
  const changes = histories.flatMap(({ states }) => states.slice(1)).toSorted((a, b) => lastEvent(a) - lastEvent(b));
  const visits: Visit[] = [];
  // A flag begins without exposure; what begins with some began earlier than the log.
  const hasBeginning = isComplete && [...current.values()].every((environment) => maxExposure(environment, segmentMap(reading.segments)) === 0);
  const look = (since: string | undefined, event: number, by: string | undefined): void => {
    const position = positionIn(plan, sightsOf(reading, [...current.values()]));
    const last = visits.at(-1);
    if (last === undefined || last.stage !== position.stage || JSON.stringify(last.deviations) !== JSON.stringify(position.deviations)) visits.push({ ...position, since, event, by });
  };
  look(hasBeginning ? reading.detail.flag.createdAt : undefined, 0, undefined);
  for (const state of changes) {
    current.set(state.environment.name, state.environment);
    const event = state.events.at(-1);
    if (event !== undefined && event.id > known) look(event.createdAt, event.id, event.by);
  }
  return visits;
}

function lastEvent(state: EnvironmentState | undefined): number {
  return state?.events.at(-1)?.id ?? 0;
}
