import type { FlagEnvironment, Strategy } from './model.ts';

/** A value as text that does not depend on the order of object keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part);
}

/** Everything that decides who gets what, and nothing else: no id, no title. */
export function strategyKey({ name, disabled, parameters, constraints, segments, variants }: Omit<Strategy, 'id' | 'title'>): string {
  return canonical({ name, disabled, parameters, constraints, segments: segments.toSorted((a, b) => a - b), variants });
}

/** Equal in everything, title included. */
export function sameStrategy(a: Strategy, b: Strategy): boolean {
  return a.id === b.id && a.title === b.title && strategyKey(a) === strategyKey(b);
}

/** Equal in everything that was read: what a change plan was computed from still stands. */
export function sameEnvironment(a: FlagEnvironment, b: FlagEnvironment): boolean {
  return a.enabled === b.enabled && a.strategies.length === b.strategies.length
    && a.strategies.every((strategy, index) => {
      const other = b.strategies[index];
      return other !== undefined && sameStrategy(strategy, other);
    });
}

/** The first strategy that matches decides the variant: without variants the order of strategies means nothing. */
export function isOrdered(strategies: readonly Strategy[]): boolean {
  return strategies.some(({ variants }) => variants.length > 0);
}

/** The same for two environments that behave alike, whatever the ids and titles of their strategies. */
export function environmentKey({ enabled, strategies }: Pick<FlagEnvironment, 'enabled' | 'strategies'>): string {
  const keys = strategies.map(strategyKey);
  return `${enabled ? 'on' : 'off'} ${(isOrdered(strategies) ? keys : keys.toSorted()).join('\n')}`;
}

/** Whether two environments differ in nothing but how their variants share those who are exposed. */
export function onlySplitDiffers(a: FlagEnvironment, b: FlagEnvironment): boolean {
  const unweighted = (environment: FlagEnvironment): string => environmentKey({
    ...environment,
    strategies: environment.strategies.map((strategy) => ({ ...strategy, variants: strategy.variants.map((variant) => ({ ...variant, weight: 0, weightType: 'variable' })) })),
  });
  return environmentKey(a) !== environmentKey(b) && unweighted(a) === unweighted(b);
}
