import type { FlagEnvironment, Strategy } from './model.ts';
import { predicateOf } from './audiences.ts';
import type { Predicate, Segments } from './audiences.ts';

/** How a strategy draws its units: a hash of group and sticky value, which is uniform over 1..100 in every SDK. */
export interface Draw {
  readonly groupId: string;
  /** A context field, or Unleash's words `default` (userId, else sessionId, else random) and `random` (anew at every call). */
  readonly stickiness: string;
}

/** What an enabled strategy gives: `share` per cent of those its predicate addresses. */
export interface StrategyShare {
  readonly strategy: Strategy;
  readonly predicate: Predicate;
  /** Whole per cent, 0 to 100. */
  readonly share: number;
  /** Undefined: no draw, everybody addressed gets it. */
  readonly draw?: Draw;
}

const STICKY_BY_TYPE: Readonly<Record<string, string>> = { gradualRolloutUserId: 'userId', gradualRolloutSessionId: 'sessionId', gradualRolloutRandom: 'random' };

/** The share parameter as Unleash keeps it: any string, or undefined where the strategy type has none. */
export function rawShare(strategy: Strategy): { text: string | undefined; draw: Draw } | undefined {
  const groupId = strategy.parameters['groupId'] ?? '';
  if (strategy.name === 'flexibleRollout') {
    const stickiness = strategy.parameters['stickiness'] ?? '';
    return { text: strategy.parameters['rollout'], draw: { groupId, stickiness: stickiness === '' ? 'default' : stickiness } };
  }
  const stickiness = Object.hasOwn(STICKY_BY_TYPE, strategy.name) ? STICKY_BY_TYPE[strategy.name] : undefined;
  return stickiness === undefined ? undefined : { text: strategy.parameters['percentage'], draw: { groupId, stickiness } };
}

/** As the SDKs count: the hash is a whole number from 1 to 100, so 12.5 is 12, above 100 is 100, no number is 0. */
export function wholePercent(text: string | undefined): number {
  const value = Number(text);
  return value > 0 ? Math.floor(Math.min(value, 100)) : 0;
}

/** A strategy's share of those it addresses, whether it is enabled or not. */
export function strategyShare(strategy: Strategy, segments: Segments): StrategyShare {
  const raw = rawShare(strategy);
  const predicate = predicateOf(strategy, segments);
  return raw === undefined ? { strategy, predicate, share: 100 } : { strategy, predicate, share: wholePercent(raw.text), draw: raw.draw };
}

/** An environment's enabled strategies in evaluation order, without those that can match nobody or give nobody anything. */
export function activeShares(environment: FlagEnvironment, segments: Segments): StrategyShare[] {
  return environment.strategies
    .filter((strategy) => !strategy.disabled)
    .map((strategy) => strategyShare(strategy, segments))
    .filter(({ share, predicate }) => share > 0 && predicate.impossible === undefined);
}

/** On without any enabled strategy: Unleash then answers on for everybody. */
export function isUnrestricted(environment: FlagEnvironment): boolean {
  return environment.enabled && environment.strategies.every((strategy) => strategy.disabled);
}

/** Context fields that sticky draws hash. */
export function stickyFields(shares: readonly StrategyShare[]): Set<string> {
  const fields = new Set<string>();
  for (const { draw } of shares) {
    if (draw === undefined || draw.stickiness === 'random') continue;
    if (draw.stickiness === 'default') fields.add('userId').add('sessionId');
    else fields.add(draw.stickiness);
  }
  return fields;
}

/**
 * What two draws must have in common to pick the same units; `undefined` when a context without the `missing` fields is
 * never picked. Draws without a sticky value are made anew for every strategy and call.
 */
export function drawKey(draw: Draw, index: number, missing: ReadonlySet<string>): string | undefined {
  let field = draw.stickiness;
  if (field === 'default') field = ['userId', 'sessionId'].find((candidate) => !missing.has(candidate)) ?? 'random';
  if (field === 'random') return JSON.stringify(['random', index]);
  return missing.has(field) ? undefined : JSON.stringify([draw.groupId, field]);
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Per cent of the units for which at least one of the strategies that address them answers on. Strategies with the same
 * draw expose the same units, so the largest counts; different draws are independent: 1 - (1 - a)(1 - b).
 */
export function unionShare(shares: readonly StrategyShare[], addresses: (share: StrategyShare) => boolean, missing: ReadonlySet<string> = NONE): number {
  const largest = new Map<string, number>();
  for (const [index, each] of shares.entries()) {
    if (!addresses(each)) continue;
    if (each.draw === undefined) return 100;
    const key = drawKey(each.draw, index, missing);
    if (key !== undefined) largest.set(key, Math.max(each.share, largest.get(key) ?? 0));
  }
  let rest = 100;
  for (const share of largest.values()) rest = (rest * (100 - share)) / 100;
  return Math.round((100 - rest) * 1e9) / 1e9;
}
