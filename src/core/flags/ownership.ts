import { GRADUAL_ROLLOUT, type FlagEnvironment, type Strategy } from './model.ts';
import type { FlagEvent } from './ports.ts';
import { isOwnTitle } from './titles.ts';

/** Why Modelswitch may edit a strategy; `foreign` ones it never edits. */
export type Ownership = 'own' | 'adopted' | 'plan' | 'foreign';

/** Ids of strategies that an event with our title was about: they stay ours when somebody edits the title. */
export function ownIds(events: readonly FlagEvent[]): Set<string> {
  return new Set(events.flatMap(({ strategy }) => (strategy !== undefined && isOwnTitle(strategy.title) ? [strategy.id] : [])));
}

/** Ids of strategies that we added ourselves: only those are ours to delete, not what a person made and we adopted. */
export function madeIds(events: readonly FlagEvent[]): Set<string> {
  return new Set(events.flatMap(({ type, strategy }) => (type === 'feature-strategy-add' && strategy !== undefined && isOwnTitle(strategy.title) ? [strategy.id] : [])));
}

/** Strategies with the same audience have the same key: their constraints and segments. */
export function audienceKey({ constraints, segments }: Pick<Strategy, 'constraints' | 'segments'>): string {
  return JSON.stringify([constraints, segments.toSorted((a, b) => a - b)]);
}

export const EVERYONE = audienceKey({ constraints: [], segments: [] });

/** Made by us, or once ours by its title; never one that a release plan drives. */
export function isOwn({ id, title, milestoneId }: Strategy, own: ReadonlySet<string>): boolean {
  return milestoneId === undefined && (isOwnTitle(title) || own.has(id));
}

function gradualRollouts({ strategies }: FlagEnvironment): Strategy[] {
  return strategies.filter(({ name }) => name === GRADUAL_ROLLOUT);
}

/**
 * Ours are the strategies with our title, and those that had it. The only gradual rollout of an environment, its only one
 * for everyone, or the one that stands in for it is adopted. What a release plan of Unleash Enterprise drives is left to it.
 */
export function ownership(environment: FlagEnvironment, strategy: Strategy, own: ReadonlySet<string>): Ownership {
  if (strategy.milestoneId !== undefined) return 'plan';
  if (isOwn(strategy, own)) return 'own';
  if (strategy.name !== GRADUAL_ROLLOUT) return 'foreign';
  const gradual = gradualRollouts(environment);
  const isOnlyForEveryone = audienceKey(strategy) === EVERYONE && gradual.filter((candidate) => audienceKey(candidate) === EVERYONE).length === 1;
  return gradual.length === 1 || isOnlyForEveryone || standIn(environment, own) === strategy ? 'adopted' : 'foreign';
}

/**
 * The gradual rollout that a change of everyone's share means where none is for everyone: one that its author limited by
 * constraints, beside which there are only our own. A rollout for a single segment is an audience of its own.
 */
export function standIn(environment: FlagEnvironment, own: ReadonlySet<string>): Strategy | undefined {
  const gradual = gradualRollouts(environment);
  const limited = gradual.filter(({ constraints, segments }) => constraints.length > 0 || segments.length > 1);
  const [only] = limited;
  const hasOther = gradual.some((candidate) => candidate !== only && (audienceKey(candidate) === EVERYONE || !isOwn(candidate, own)));
  return limited.length === 1 && only?.milestoneId === undefined && !hasOther ? only : undefined;
}

/** The strategy that a change of an audience's share edits, if there is one. */
export function editableStrategy(environment: FlagEnvironment, audience: string, own: ReadonlySet<string>): Strategy | undefined {
  const candidates = environment.strategies.filter((strategy) => strategy.name === GRADUAL_ROLLOUT && audienceKey(strategy) === audience);
  return candidates.find((strategy) => ownership(environment, strategy, own) === 'own')
    ?? candidates.find((strategy) => ownership(environment, strategy, own) === 'adopted');
}
