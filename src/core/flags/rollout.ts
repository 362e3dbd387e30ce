import type { FlagEnvironment, Strategy, StrategyVariant } from './model.ts';
import { plainLine } from '../base/words.ts';
import { isCustomStrategy, predicateOf } from './audiences.ts';
import type { Predicate, Segments } from './audiences.ts';
import { holdsIn, spaceOf } from './atoms.ts';
import type { Space } from './atoms.ts';
import { coverage } from './coverage.ts';
import type { AudienceShare } from './coverage.ts';
import { activeShares, drawKey, isUnrestricted, rawShare, stickyFields, strategyShare, unionShare, wholePercent } from './shares.ts';
import type { StrategyShare } from './shares.ts';

export type { AudienceShare, Segments };

/** Other flags this flag hangs on. */
export interface Parents {
  /** Flags whose condition is known not to hold. */
  readonly blockedBy: readonly string[];
  /** All flags there is a condition on. */
  readonly dependsOn: readonly string[];
}

/**
 * What an environment really exposes. Shares are of units (users, sessions: what the strategies are sticky on) whose
 * context has the fields in `needs`; parents come on top and lower no number here.
 */
export interface EffectiveRollout {
  /** The environment's switch. */
  readonly on: boolean;
  /** On without an enabled strategy, which means everybody. */
  readonly unrestricted: boolean;
  /** Disabled strategies; they count for nothing. */
  readonly disabled: number;
  /** Per cent of everybody; equal when exact, a range when the sizes of the audiences decide. */
  readonly low: number;
  readonly high: number;
  /** Everyone (or everyone else) first, then constrained audiences in strategy order. */
  readonly audiences: readonly AudienceShare[];
  /** Context fields without which fewer (or no) units get the flag on, such as userId. */
  readonly needs: readonly string[];
  /** The answer may change from call to call: random stickiness, or default stickiness for a context without ids. */
  readonly unstable: boolean;
  /** The answer does change from call to call, whatever the context: random stickiness. */
  readonly random: boolean;
  readonly blockedBy: readonly string[];
  readonly dependsOn: readonly string[];
  /** Why, one sentence each. */
  readonly reasons: readonly string[];
}

const NO_PARENTS: Parents = { blockedBy: [], dependsOn: [] };

/** The shares of all atoms of a space, with some context fields missing; one element where there are too many atoms. */
function sharesOver(space: Space, shares: readonly StrategyShare[], missing: ReadonlySet<string> = new Set()): number[] {
  if (space.atoms === undefined) return [unionShare(shares, () => true, missing)];
  return space.atoms.map((atom) => unionShare(shares, (each) => holdsIn(space, atom, each.predicate), missing));
}

function neededFields(space: Space, shares: readonly StrategyShare[]): string[] {
  const named = new Set(shares.flatMap(({ draw }) => (draw === undefined ? [] : [draw.stickiness])));
  const fields = [...named].filter((field) => field !== 'default' && field !== 'random');
  if (fields.length === 0) return [];
  const complete = sharesOver(space, shares);
  return fields.filter((field) => sharesOver(space, shares, new Set([field])).some((share, index) => share < (complete[index] ?? 0)));
}

/** Whether strategies with this stickiness leave the answer open for anybody: neither nobody nor everybody gets it without them. */
function leavesOpen(space: Space, shares: readonly StrategyShare[], stickiness: string): boolean {
  const isDrawn = ({ draw, share }: StrategyShare): boolean => draw?.stickiness === stickiness && share < 100;
  return shares.some(isDrawn) && sharesOver(space, shares.filter((each) => !isDrawn(each))).some((share) => share < 100);
}

function name(strategy: Strategy): string {
  return strategy.title === '' ? `Strategy ${strategy.name}` : `Strategy "${plainLine(strategy.title)}"`;
}

function strategyReasons(strategy: Strategy, segments: Segments): string[] {
  const reasons = [`${name(strategy)}: ${strategyWords(strategy, segments)}.`];
  const raw = rawShare(strategy);
  if (raw !== undefined && raw.text !== String(wholePercent(raw.text))) {
    reasons.push(`${name(strategy)}: its rollout ${raw.text === undefined ? 'is missing' : `"${raw.text}" is no whole number from 0 to 100`}; the SDKs take it as ${wholePercent(raw.text)} %.`);
  }
  if (isCustomStrategy(strategy.name)) reasons.push(`${name(strategy)}: ${strategy.name} is not a built-in strategy type; an SDK that does not have it answers off.`);
  const { impossible, literals } = predicateOf(strategy, segments);
  if (impossible !== undefined) reasons.push(`${name(strategy)}: ${impossible}.`);
  if (raw !== undefined && literals.some((each) => each.field === raw.draw.stickiness && !each.negated)) {
    reasons.push(`${name(strategy)}: ${raw.draw.stickiness} decides both who is meant and who gets it, so for few values the real share can be far from ${wholePercent(raw.text)} %.`);
  }
  return reasons;
}

function drawReasons(shares: readonly StrategyShare[]): string[] {
  const drawn = shares.flatMap((each, index) => (each.draw === undefined ? [] : [drawKey(each.draw, index, new Set())]));
  const distinct = new Set(drawn).size;
  const reasons = [];
  if (distinct < drawn.length) reasons.push('Strategies with the same group and stickiness pick the same units: the larger share counts, not the sum.');
  if (distinct > 1) reasons.push('Strategies with different group or stickiness draw independently, so together they reach more than the larger of them.');
  return reasons;
}

function parentReasons(parents: Parents): string[] {
  return [
    ...parents.blockedBy.map((parent) => `Off at present: the condition on the parent flag ${parent} does not hold.`),
    ...parents.dependsOn.filter((parent) => !parents.blockedBy.includes(parent)).map((parent) => `Off wherever the condition on the parent flag ${parent} does not hold.`),
  ];
}

/**
 * What the strategies of an environment really expose, as the SDKs evaluate them. Hash-based shares are exact in the limit of
 * many units; a constraint whose operator cannot be decided by lists or numbers counts as independent of the others.
 */
export function effectiveRollout(environment: FlagEnvironment, segments: Segments, parents: Parents = NO_PARENTS): EffectiveRollout {
  const enabled = environment.strategies.filter((strategy) => !strategy.disabled);
  const disabled = environment.strategies.length - enabled.length;
  const nothing = { unrestricted: false, disabled, needs: [], unstable: false, random: false, blockedBy: parents.blockedBy, dependsOn: parents.dependsOn };
  const everyone = (share: number): AudienceShare => ({ audience: 'everyone', label: '', low: share, high: share, holds: [], lacks: [] });
  if (!environment.enabled) {
    return { ...nothing, on: false, low: 0, high: 0, audiences: [everyone(0)], reasons: ['The environment is switched off.', ...parentReasons(parents)] };
  }
  const ignored = disabled === 0 ? [] : [disabled === 1 ? 'One disabled strategy is ignored.' : `${disabled} disabled strategies are ignored.`];
  if (isUnrestricted(environment)) {
    const reasons = ['The environment is on without an enabled strategy, so everyone gets it.', ...ignored, ...parentReasons(parents)];
    return { ...nothing, on: true, unrestricted: true, low: 100, high: 100, audiences: [everyone(100)], reasons };
  }
  const shares = activeShares(environment, segments);
  const space = spaceOf(shares.map((each) => each.predicate));
  const needs = neededFields(space, shares);
  const random = leavesOpen(space, shares, 'random');
  const byDefault = leavesOpen(space, shares, 'default');
  const reasons = [...enabled.flatMap((strategy) => strategyReasons(strategy, segments)), ...drawReasons(shares), ...ignored];
  if (needs.length > 0) reasons.push(`Needs ${needs.join(', ')} in the context: without it the strategies that are sticky on it answer off.`);
  if (byDefault) reasons.push('Sticky on userId, else on sessionId; for a context with neither the answer may change from call to call.');
  if (random) reasons.push('Random stickiness: the answer may change from call to call, so one user may meet both models.');
  return { ...nothing, on: true, ...coverage(shares, space), needs, unstable: random || byDefault, random, reasons: [...reasons, ...parentReasons(parents)].map((reason) => plainLine(reason, 500)) };
}

/** A share for people: at most one decimal, and never 0 or 100 when it is neither. */
export function percentWords(share: number): string {
  if (share > 0 && share < 0.05) return '<0.1 %';
  if (share < 100 && share >= 99.95) return '>99.9 %';
  return `${Number(share.toFixed(1))} %`;
}

/** `25 %`, `10–25 %`. */
export function rangeWords(low: number, high: number): string {
  return low === high ? percentWords(low) : `${percentWords(low).replace(' %', '')}–${percentWords(high)}`;
}

const MOST_AUDIENCES = 3;

/** One line for a lens or tree node: `off`, `25 %`, `25 % · internal 100 %`, `100 % (no strategies)`, `100 % (no enabled strategy)`. Plain text: names in it went through `plainLine`. */
export function describeRollout(rollout: EffectiveRollout): string {
  if (!rollout.on) return 'off';
  const parts = rollout.unrestricted ? [rollout.disabled === 0 ? '100 % (no strategies)' : '100 % (no enabled strategy)'] : rollout.audiences.map((each) => `${each.label === '' ? '' : `${each.label} `}${rangeWords(each.low, each.high)}`);
  const named = rollout.audiences[0]?.label === '' ? MOST_AUDIENCES + 1 : MOST_AUDIENCES;
  const rest = parts.length - named;
  const shown = rest > 0 ? [...parts.slice(0, named), `${rest} more`] : parts;
  if (rollout.random) shown.push('random per call');
  if (rollout.blockedBy.length > 0) shown.push(`blocked by ${rollout.blockedBy.join(', ')}`);
  return plainLine(shown.join(' · '), 300);
}

/** One strategy in words, as plain text: `25 % of segment internal where region in eu, fr · sticky on userId`. */
export function strategyWords(strategy: Strategy, segments: Segments): string {
  const { predicate, share, draw } = strategyShare(strategy, segments);
  const parts = [draw === undefined ? predicate.text : `${share} % of ${predicate.text}`];
  if (draw?.stickiness === 'random') parts.push('random per call');
  else if (draw !== undefined) parts.push(draw.stickiness === 'default' ? 'sticky by default' : `sticky on ${draw.stickiness}`);
  if (strategy.disabled) parts.push('disabled');
  return plainLine(parts.join(' · '), 400);
}

export interface VariantShare {
  readonly name: string;
  /** Per cent of the units that get the flag on. */
  readonly share: number;
}

function split(variants: readonly StrategyVariant[]): VariantShare[] {
  const total = variants.reduce((sum, variant) => sum + variant.weight, 0);
  return total <= 0 ? [] : variants.filter((variant) => variant.weight > 0).map((variant) => ({ name: variant.name, share: (100 * variant.weight) / total }));
}

/** How those whom a strategy answers divide into its variants; empty without variants. */
export function strategyVariants({ variants }: Strategy): readonly VariantShare[] {
  return split(variants);
}

/**
 * How those who get the flag on divide into variants. Empty: no variants; undefined: it depends on which strategy answers
 * first, because they split differently.
 */
export function variantSplit(environment: FlagEnvironment, segments: Segments): readonly VariantShare[] | undefined {
  if (!environment.enabled) return [];
  const splits = activeShares(environment, segments).map(({ strategy }) => split(strategy.variants));
  const [first = []] = splits;
  return splits.every((each) => JSON.stringify(each) === JSON.stringify(first)) ? first : undefined;
}

/** A split in one line, as plain text: `v1 70 % / v2 30 %`. */
export function splitWords(split: readonly VariantShare[] | undefined): string {
  return split === undefined ? 'variants differ by strategy' : split.map((each) => `${plainLine(each.name)} ${percentWords(each.share)}`).join(' / ');
}

/** The rollout in one line, with the split of its variants where it has some: `25 % · v1 70 % / v2 30 %`. */
export function describeEnvironment(environment: FlagEnvironment, segments: Segments, parents: Parents = NO_PARENTS): string {
  return [describeRollout(effectiveRollout(environment, segments, parents)), splitWords(variantSplit(environment, segments))].filter((words) => words !== '').join(' · ');
}

const EVERYONE: Predicate = { key: '', text: 'everyone', label: '', literals: [] };

/** An environment's strategies as shares: none when it is off, one of 100 % when it is on without an enabled strategy. */
export function stateShares(environment: FlagEnvironment, segments: Segments): StrategyShare[] {
  if (!environment.enabled) return [];
  if (!isUnrestricted(environment)) return activeShares(environment, segments);
  const strategy = { id: '', name: 'default', title: '', disabled: false, parameters: {}, constraints: [], segments: [], variants: [] };
  return [{ strategy, predicate: EVERYONE, share: 100 }];
}

/** Which sticky fields a context may lack: none, each one, all, and both ids of default stickiness. */
export function worlds(states: readonly StrategyShare[][]): ReadonlySet<string>[] {
  const fields = stickyFields(states.flat());
  return [new Set<string>(), ...[...fields].map((field) => new Set([field])), new Set(['userId', 'sessionId']), fields];
}

/**
 * For each kind of context (audience, and sticky fields it lacks) the share each state gives it; undefined when the states
 * have more predicates than can be combined.
 */
function table(states: readonly StrategyShare[][]): number[][] | undefined {
  const space = spaceOf(states.flat().map((each) => each.predicate));
  const { atoms } = space;
  if (atoms === undefined) return undefined;
  return worlds(states).flatMap((missing) => atoms.map((atom) => states.map((shares) => unionShare(shares, (each) => holdsIn(space, atom, each.predicate), missing))));
}

/** The strategies as a map from audience and draw to share: if each entry of one state is at most another's, so is every audience. */
function signature(shares: readonly StrategyShare[]): Map<string, number> {
  const entries = new Map<string, number>();
  for (const { predicate, share, draw } of shares) {
    const key = JSON.stringify([predicate.key, draw ?? 'all']);
    // Draws that may be made anew for each strategy add up, so each needs an entry of its own.
    const isAnew = draw?.stickiness === 'random' || draw?.stickiness === 'default';
    let own = key;
    for (let copy = 2; isAnew && entries.has(own); copy += 1) own = `${key} ${copy}`;
    entries.set(own, Math.max(share, entries.get(own) ?? 0));
  }
  return entries;
}

function isCovered(state: readonly StrategyShare[], bound: readonly StrategyShare[]): boolean {
  const limits = signature(bound);
  return [...signature(state)].every(([key, share]) => share <= (limits.get(key) ?? 0));
}

export type ExposureChange = 'equal' | 'lower' | 'raise' | 'mixed';

/**
 * Whether a change raises or lowers exposure, over every audience of both states and for contexts that lack sticky fields
 * too. It compares shares: another group or stickiness with the same share is `equal` although other units are picked.
 */
export function compareExposure(before: FlagEnvironment, after: FlagEnvironment, segments: Segments): ExposureChange {
  const states = [stateShares(before, segments), stateShares(after, segments)] as const;
  const rows = table([...states]);
  const isRaised = rows === undefined ? !isCovered(states[1], states[0]) : rows.some(([from = 0, to = 0]) => to > from);
  const isLowered = rows === undefined ? !isCovered(states[0], states[1]) : rows.some(([from = 0, to = 0]) => to < from);
  if (isRaised) return isLowered ? 'mixed' : 'raise';
  return isLowered ? 'lower' : 'equal';
}

/** The largest share of any audience in per cent, for contexts with all sticky fields. */
export function maxExposure(environment: FlagEnvironment, segments: Segments): number {
  const shares = stateShares(environment, segments);
  return coverage(shares, spaceOf(shares.map((each) => each.predicate))).high;
}

/**
 * Whether a state exposes no audience more than the most exposing of `bounds` does. Where the predicates are too many to
 * combine, a sufficient condition is used: it may say no to a state that is within, never yes to one that is not.
 */
export function exposureWithin(state: FlagEnvironment, bounds: readonly FlagEnvironment[], segments: Segments): boolean {
  const shares = stateShares(state, segments);
  const limits = bounds.map((bound) => stateShares(bound, segments));
  const rows = table([shares, ...limits]);
  if (rows === undefined) return limits.some((limit) => isCovered(shares, limit));
  return rows.every(([own = 0, ...others]) => own <= Math.max(0, ...others));
}
