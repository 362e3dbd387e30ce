import type { Segments } from '../flags/audiences.ts';
import { largestArm, smallestArm } from '../flags/arms.ts';
import type { Flag, FlagEnvironment } from '../flags/model.ts';
import type { ModelMapping } from '../workspace/config.ts';
import { describeRollout, rangeWords, variantSplit, type EffectiveRollout } from '../flags/rollout.ts';
import { armsOf as flagArms, roleName } from './mapping.ts';

/** One side of a flag that a version serves. */
export interface VersionArm {
  readonly flag: string;
  /** Whether it serves where the flag is on, or where it is off. */
  readonly on: boolean;
  /** `candidate`, `current`, the alias or version that the mapping writes, or `variant treatment`. */
  readonly role: string;
  /** The alias or version by which mapping or payload names it: what has to move for another version to serve. */
  readonly name: string;
  /** A variant of the flag, and the environments in which it stands for this. */
  readonly variant?: { readonly name: string; readonly environments: readonly string[] };
}

/** All sides of a mapping's flags, with the alias or version behind each. */
export function armsOf(mapping: ModelMapping): VersionArm[] {
  return mapping.switches.flatMap(({ flag, on, off }) => [{ flag, on: true, role: on, name: roleName(mapping, on) }, { flag, on: false, role: off, name: roleName(mapping, off) }]);
}

/**
 * The sides of a mapping's flags that versions of one registered model serve, variants included: what serves a variant the mapping says or the payload, which may
 * name a model beside the mapping's own.
 * @param flagOf a flag as it was read last
 */
export function armsOfModel(mapping: ModelMapping, registered: string, flagOf: (name: string) => Flag | undefined): VersionArm[] {
  const own = (mapping.registeredModel ?? mapping.name) === registered ? armsOf(mapping) : [];
  return [...own, ...mapping.switches.flatMap(({ flag }) => variantArms(mapping, registered, flagOf(flag)))];
}

function variantArms(mapping: ModelMapping, registered: string, flag: Flag | undefined): VersionArm[] {
  const found = new Map<string, VersionArm & { readonly variant: { readonly environments: string[] } }>();
  for (const environment of flag?.environments ?? []) {
    const [arms] = flagArms([mapping], flag?.name ?? '', undefined, flag, environment.name);
    for (const { side, name } of arms?.variants.filter((arm) => arm.registered === registered) ?? []) {
      const key = JSON.stringify([side, name]);
      const known = found.get(key) ?? { flag: flag?.name ?? '', on: true, role: `variant ${side}`, name, variant: { name: side, environments: [] } };
      known.variant.environments.push(environment.name);
      found.set(key, known);
    }
  }
  return [...found.values()];
}

/** The sides that a version serves. @param resolve the version that an alias or number means, undefined when that is not known */
export function armsOfVersion(arms: readonly VersionArm[], version: string, resolve: (versionOrAlias: string) => string | undefined): VersionArm[] {
  return arms.filter(({ name }) => resolve(name) === version);
}

/** Where an arm is served: an environment as it was read, and what it exposes. */
export interface ArmPlace {
  readonly environment: FlagEnvironment;
  readonly segments: Segments;
  readonly rollout: EffectiveRollout;
}

/** Whether anybody gets one side of a flag. */
export function isServed({ environment, segments, rollout: { on, low, high, blockedBy } }: ArmPlace, arm: Pick<VersionArm, 'on' | 'variant'>): boolean {
  const some = on && blockedBy.length === 0;
  if (arm.variant !== undefined) return some && largestArm(environment, segments, arm.variant.name) > 0;
  return arm.on ? some && high > 0 : !some || low < 100;
}

/** Who gets one side of a flag: `25 % · internal 100 %` where it is on, `75 % · internal 0 %` where it is off, of a variant its part of those who get it on. */
export function armWords(place: ArmPlace, arm: Pick<VersionArm, 'on' | 'variant'>): string {
  const { rollout } = place;
  const { on, blockedBy, audiences, unrestricted, low, high } = rollout;
  if (arm.variant !== undefined) return variantWords(place, arm.variant.name);
  if (arm.on) return describeRollout(rollout);
  if (!on || blockedBy.length > 0) return '100 %';
  if (unrestricted || audiences.length === 0) return rangeWords(100 - high, 100 - low);
  // The complement of what is said about the other side, in the same words.
  const rest = audiences.map((each) => ({ ...each, low: 100 - each.high, high: 100 - each.low }));
  return describeRollout({ ...rollout, audiences: rest });
}

function variantWords({ environment, segments, rollout }: ArmPlace, variant: string): string {
  if (!rollout.on) return describeRollout(rollout);
  const split = variantSplit(environment, segments);
  // Where strategies split differently, who matches which of them decides.
  if (rollout.unrestricted || split === undefined) return rangeWords(smallestArm(environment, segments, variant), largestArm(environment, segments, variant));
  const part = (split.find(({ name }) => name === variant)?.share ?? 0) / 100;
  return describeRollout({ ...rollout, audiences: rollout.audiences.map((each) => ({ ...each, low: each.low * part, high: each.high * part })) });
}
