import { AppError } from '../base/errors.ts';
import { didYouMean } from '../workspace/suggest.ts';
import { holdsIn, spaceOf } from './atoms.ts';
import { predicateOf, type Predicate, type Segments } from './audiences.ts';
import type { FlagEnvironment, Segment, Strategy } from './model.ts';
import { audienceKey, editableStrategy, EVERYONE, standIn } from './ownership.ts';
import { activeShares, unionShare } from './shares.ts';

/** Whose share a change sets: a segment's members, by its name or id; `undefined` where an audience is asked for means everyone. */
export interface Audience {
  readonly segment: string | number;
}

/** An audience as an environment has it: the strategy that decides its share, if there is one yet, and whom it addresses. */
export interface AudienceGoal {
  readonly key: string;
  readonly segments: readonly number[];
  readonly predicate: Predicate;
  readonly current: Strategy | undefined;
}

/** @throws AppError notFound, with what was probably meant, when there is no such segment */
export function findSegment({ segment: wanted }: Audience, segments: readonly Segment[]): Segment {
  const found = segments.find(({ name }) => name === wanted) ?? segments.find(({ id }) => String(id) === String(wanted));
  if (found !== undefined) return found;
  const names = segments.map(({ name }) => name);
  const known = names.length === 0 ? ' Unleash has no segments.' : didYouMean(String(wanted), names) || ` There are ${names.slice(0, 10).join(', ')}${names.length > 10 ? ' and others' : ''}.`;
  throw new AppError('notFound', `There is no segment "${wanted}".${known}`, { segment: wanted });
}

const EVERYBODY: Pick<Strategy, 'constraints' | 'segments'> = { constraints: [], segments: [] };

/** Everyone is as the environment's only gradual rollout limits it by constraints, where there is nothing else: those are its author's to widen. */
export function audienceGoal(environment: FlagEnvironment, audience: Audience | undefined, segments: Segments, own: ReadonlySet<string>): AudienceGoal {
  const ids = audience === undefined ? [] : [findSegment(audience, [...segments.values()]).id];
  const key = audience === undefined ? EVERYONE : audienceKey({ ...EVERYBODY, segments: ids });
  const current = editableStrategy(environment, key, own) ?? (audience === undefined ? standIn(environment, own) : undefined);
  const addressed = current ?? { id: '', name: 'default', title: '', disabled: false, parameters: {}, variants: [], ...EVERYBODY, segments: ids };
  return { key: current === undefined ? key : audienceKey(current), segments: ids, predicate: predicateOf(addressed, segments), current };
}

/**
 * The share of an audience's members whom nothing else singles out, in per cent, as the enabled strategies have it; the
 * environment's switch is not looked at. Where the predicates are too many to combine it is a lower bound.
 */
export function audienceShare({ strategies }: Pick<FlagEnvironment, 'strategies'>, audience: Predicate, segments: Segments): number {
  const environment = { name: '', type: '', enabled: true, strategies };
  const shares = activeShares(environment, segments);
  const space = spaceOf([audience, ...shares.map(({ predicate }) => predicate)]);
  if (space.atoms === undefined) return unionShare(shares, ({ predicate }) => predicate.literals.length === 0 || predicate.key === audience.key);
  const inside = space.atoms.filter((atom) => holdsIn(space, atom, audience));
  return inside.length === 0 ? 0 : Math.min(...inside.map((atom) => unionShare(shares, ({ predicate }) => holdsIn(space, atom, predicate))));
}

/** Whether everybody in an audience is addressed by a predicate; where that cannot be decided, no. */
export function addresses(predicate: Predicate, audience: Predicate): boolean {
  if (predicate.impossible !== undefined) return false;
  const space = spaceOf([audience, predicate]);
  return space.atoms?.every((atom) => !holdsIn(space, atom, audience) || holdsIn(space, atom, predicate)) ?? false;
}

export interface AudienceChoice {
  /** `undefined`: everyone. */
  readonly audience: Audience | undefined;
  /** In words: `everyone`, `segment internal`. */
  readonly words: string;
  /** The share of its own strategy in per cent, 0 without one. */
  readonly percent: number;
}

/** Everyone first, then each segment that has a strategy of ours: what one may set a rollout for without naming a new segment. */
export function audienceChoices(environment: FlagEnvironment, segments: Segments, own: ReadonlySet<string> = new Set()): AudienceChoice[] {
  const choice = (audience: Audience | undefined): AudienceChoice => {
    const { predicate } = audienceGoal(environment, audience, segments, own);
    return { audience, words: predicate.text, percent: audienceShare(environment, predicate, segments) };
  };
  const targeted = environment.strategies.flatMap((strategy) => strategyAudience(environment, strategy, segments, own)?.audience ?? []);
  return [undefined, ...targeted].map(choice);
}

/** The audience whose share a strategy decides; undefined for a strategy that is not edited, or that a change of everyone's share does not mean. */
export function strategyAudience(environment: FlagEnvironment, strategy: Strategy, segments: Segments, own: ReadonlySet<string> = new Set()): { readonly audience: Audience | undefined } | undefined {
  const [segment, ...others] = strategy.segments;
  const audience = segment !== undefined && others.length === 0 && strategy.constraints.length === 0 ? { segment } : undefined;
  if (audience !== undefined && !segments.has(audience.segment)) return undefined;
  return audienceGoal(environment, audience, segments, own).current === strategy ? { audience } : undefined;
}
