import type { Segments } from './audiences.ts';
import { holdsIn, spaceOf } from './atoms.ts';
import type { FlagEnvironment } from './model.ts';
import { stateShares, worlds } from './rollout.ts';
import { drawKey, type StrategyShare } from './shares.ts';

/** The arm of those who get the flag on from a strategy without variants. */
const NO_VARIANT = '';
const EVERY_UNIT = 'every unit';
/** Shares are sums of fractions. */
const ROUNDING = 1e-6;

/** Per cent of the units that each arm answers: the first strategy that matches decides the variant. */
export function armShares(shares: readonly StrategyShare[], addresses: (share: StrategyShare) => boolean, missing: ReadonlySet<string>): Map<string, number> {
  const arms = new Map<string, number>();
  const taken = new Map<string, number>();
  for (const [index, each] of shares.entries()) {
    const key = each.draw === undefined ? EVERY_UNIT : drawKey(each.draw, index, missing);
    if (!addresses(each) || key === undefined) continue;
    // What an earlier strategy with the same draw took is gone; of what others took, the same part as of everybody.
    const before = taken.get(key) ?? 0;
    let share = Math.max(0, each.share - before);
    for (const [other, largest] of taken) if (other !== key) share *= (100 - largest) / 100;
    taken.set(key, Math.max(before, each.share));
    const { variants } = each.strategy;
    const total = variants.reduce((sum, { weight }) => sum + weight, 0);
    if (total <= 0) arms.set(NO_VARIANT, (arms.get(NO_VARIANT) ?? 0) + share);
    else for (const { name, weight } of variants) arms.set(name, (arms.get(name) ?? 0) + (share * weight) / total);
  }
  return arms;
}

/**
 * Whether no arm serves more of any audience than in the one of `bounds` where it serves most. Where the predicates are too
 * many to combine, nothing is said against a state.
 */
export function armsWithin(state: FlagEnvironment, bounds: readonly FlagEnvironment[], segments: Segments): boolean {
  const states = [state, ...bounds].map((each) => stateShares(each, segments));
  const { atoms, ...space } = spaceOf(states.flat().map(({ predicate }) => predicate));
  if (atoms === undefined || states.flat().every(({ strategy }) => strategy.variants.length === 0)) return true;
  return worlds(states).every((missing) => atoms.every((atom) => {
    const [own = new Map<string, number>(), ...limits] = states.map((shares) => armShares(shares, ({ predicate }) => holdsIn({ ...space, atoms }, atom, predicate), missing));
    return [...own].every(([arm, share]) => share <= Math.max(0, ...limits.map((limit) => limit.get(arm) ?? 0)) + ROUNDING);
  }));
}

/** The largest part of any audience that gets a variant, in per cent, for contexts with all sticky fields. */
export function largestArm(environment: FlagEnvironment, segments: Segments, variant: string): number {
  return Math.max(0, ...armOverAudiences(environment, segments, variant));
}

/** The smallest part of any audience that gets a variant. */
export function smallestArm(environment: FlagEnvironment, segments: Segments, variant: string): number {
  return Math.min(100, ...armOverAudiences(environment, segments, variant));
}

function armOverAudiences(environment: FlagEnvironment, segments: Segments, variant: string): number[] {
  const shares = stateShares(environment, segments);
  const space = spaceOf(shares.map(({ predicate }) => predicate));
  const of = (addresses: (share: StrategyShare) => boolean): number => armShares(shares, addresses, new Set()).get(variant) ?? 0;
  // Predicates that are too many to combine: each by itself.
  if (space.atoms === undefined) return shares.map((each) => of((other) => other === each));
  return space.atoms.map((atom) => of(({ predicate }) => holdsIn(space, atom, predicate)));
}
