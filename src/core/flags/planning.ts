import { AppError } from '../base/errors.ts';
import { environmentKey } from './compare.ts';
import { planSteps, titlesReached, type Blocker, type ChangeKind, type ChangePlan } from './changePlan.ts';
import { environmentOf, GRADUAL_ROLLOUT, type Flag, type FlagEnvironment, type Segment, type Strategy } from './model.ts';
import { isOwn, ownIds } from './ownership.ts';
import { childWarnings, familyParents, parentWarnings, type Family } from './parents.ts';
import type { FlagDetail, FlagEvent } from './ports.ts';
import { compareExposure, describeRollout, effectiveRollout, splitWords, strategyWords, variantSplit, type Segments } from './rollout.ts';
import { isOwnTitle, pinsOf, pinsText, type Pin } from './titles.ts';

/** Everything that plans are computed from: one fresh reading of a flag. */
export interface FlagReading {
  readonly server: string;
  readonly detail: FlagDetail;
  readonly segments: readonly Segment[];
  /** The flag's events, newest first. */
  readonly events: readonly FlagEvent[];
  /** Parents and children; undefined when they were not read. */
  readonly family?: Family | undefined;
}

/** What goes into the strategy's title beside the percentage. */
export interface ChangeNote {
  /** The model version that is released, such as `fraud v14`. */
  readonly version?: string | undefined;
  readonly reason?: string | undefined;
}

/** One environment of a reading, with what planning needs of it. */
export interface Situation {
  readonly reading: FlagReading;
  readonly environment: FlagEnvironment;
  readonly segments: Segments;
  readonly own: ReadonlySet<string>;
}

export function segmentMap(segments: readonly Segment[]): Segments {
  return new Map(segments.map((segment) => [segment.id, segment]));
}

/** @throws AppError notFound when the flag has no such environment */
export function requireEnvironment(flag: Flag, name: string): FlagEnvironment {
  const environment = environmentOf(flag, name);
  if (environment === undefined) throw new AppError('notFound', `${flag.name} has no environment "${name}"; it has ${flag.environments.map((each) => each.name).join(', ')}.`, { environment: name });
  return environment;
}

/** @throws AppError notFound when the flag has no such environment */
export function situation(reading: FlagReading, environmentName: string): Situation {
  const environment = requireEnvironment(reading.detail.flag, environmentName);
  return { reading, environment, segments: segmentMap(reading.segments), own: ownIds(reading.events) };
}

/** Changes that write down which versions a release is about, also where the rollout stays as it is. */
const TITLED: ReadonlySet<ChangeKind> = new Set(['start', 're-pin', 're-arm', 'approve']);

/** What an environment's strategies of ours pin, by model; the newest title that pins something where a person wrote over it. */
export function environmentPins({ environment, own, reading }: Pick<Situation, 'environment' | 'own' | 'reading'>): readonly Pin[] {
  const pins = environment.strategies.filter((strategy) => isOwn(strategy, own)).flatMap(({ id, title }) => {
    const here = pinsOf(title);
    if (here.length > 0 || isOwnTitle(title)) return here;
    return reading.events.map(({ strategy }) => (strategy?.id === id ? pinsOf(strategy.title) : [])).find((found) => found.length > 0) ?? [];
  });
  return [...new Map(pins.map((each) => [each.model, each])).values()];
}

/** What a new title says first: what is pinned, which a change of the rollout leaves, else the version of the note. */
export function releaseWords(here: Situation, note: ChangeNote): string {
  const pins = environmentPins(here);
  return (pins.length === 0 ? undefined : pinsText(pins)) ?? note.version ?? '';
}

/** The plan from an environment as it is to one as it shall be. */
export function planTo(kind: ChangeKind, { reading, environment, segments }: Situation, after: FlagEnvironment, blockers: readonly Blocker[] = [], warnings: readonly string[] = []): ChangePlan {
  const { detail, events, server, family } = reading;
  const used = new Set([environment, after].flatMap(({ strategies }) => strategies.flatMap((strategy) => strategy.segments)));
  const parents = familyParents(detail, family, environment.name, segments);
  const splits = [environment, after].map((state) => configuredSplit(state, segments));
  const titled = TITLED.has(kind);
  const words = (state: FlagEnvironment, split = ''): string =>
    [describeRollout(effectiveRollout(state, segments, parents)), splits[0] === splits[1] ? '' : split].filter((part) => part !== '').join(' · ');
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
      from: words(environment, splits[0]),
      to: words(after, splits[1]),
      exposure: compareExposure(environment, after, segments),
      steps: environmentKey(environment) === environmentKey(after) && (!titled || titlesReached(environment, after)) ? [] : planSteps(environment, after, segments),
      ...(titled ? { titled } : {}),
    }],
    segments: reading.segments.filter(({ id }) => used.has(id)),
    baselineEvent: Math.max(0, ...events.map(({ id }) => id)),
    warnings: [
      ...warnings,
      ...switchedStrategies(environment, after, segments),
      ...reshuffles(environment, after),
      ...parentWarnings(detail, family, after, segments),
      ...childWarnings(detail, family, environment, after, segments),
    ],
    blockers,
  };
}

/** The split of the variants as it stands in the strategies, exposed or not. */
function configuredSplit(environment: FlagEnvironment, segments: Segments): string {
  const strategies = environment.strategies.map((strategy) => ({ ...strategy, parameters: { ...strategy.parameters, rollout: '100' } }));
  return splitWords(variantSplit({ ...environment, enabled: true, strategies }, segments));
}

/** Strategies that the change enables or disables: nobody reads that from a percentage. */
function switchedStrategies(environment: FlagEnvironment, after: FlagEnvironment, segments: Segments): string[] {
  return after.strategies.flatMap((strategy) => {
    const before = environment.strategies.find(({ id }) => id === strategy.id);
    if (before === undefined || before.disabled === strategy.disabled) return [];
    return [`${strategy.disabled ? 'Disables' : 'Enables'} the strategy ${strategyName(before)} (${strategyWords({ ...strategy, disabled: false }, segments)}) in ${environment.name}.`];
  });
}

function reshuffles(environment: FlagEnvironment, after: FlagEnvironment): string[] {
  const draw = ({ parameters }: Strategy): string => JSON.stringify([parameters['groupId'], parameters['stickiness']]);
  const isDrawnAnew = after.strategies.some((strategy) => {
    const before = environment.strategies.find(({ id }) => id === strategy.id);
    return before !== undefined && before.name === GRADUAL_ROLLOUT && draw(before) !== draw(strategy);
  });
  return isDrawnAnew ? [`Group or stickiness change in ${environment.name}: users are assigned anew, also at an equal percentage.`] : [];
}

/** A strategy by its title, or its type where it has none. */
export function strategyName({ title, name }: Strategy): string {
  return title === '' ? name : `"${title}"`;
}

/** What holds the exposure above the target and is left untouched, named for the person who has to deal with it. Never empty. */
export function keepUp({ environment, segments }: Situation, after: FlagEnvironment, culprit: (strategy: Strategy) => boolean): Blocker[] {
  const culprits = after.strategies.filter((strategy) => !strategy.disabled && environment.strategies.includes(strategy) && culprit(strategy));
  const blockers = culprits.map((strategy) => {
    const owner = strategy.milestoneId === undefined ? 'was not made by Modelswitch' : 'belongs to a release plan';
    return {
      environment: environment.name,
      strategyId: strategy.id,
      message: `Strategy ${strategyName(strategy)} (${strategyWords(strategy, segments)}) keeps exposure up in ${environment.name}; it ${owner} and is not edited. Change it in Unleash, or switch the environment off.`,
    };
  });
  const words = describeRollout(effectiveRollout({ ...after, enabled: true }, segments));
  return blockers.length > 0 ? blockers : [{
    environment: environment.name,
    strategyId: '',
    message: `${environment.name} would expose more than asked (${words}). Look at its strategies in Unleash, or switch the environment off.`,
  }];
}
