import type { ModelMapping } from '../workspace/config.ts';
import { describeRollout, rangeWords, type EffectiveRollout } from '../flags/rollout.ts';

/** One side of a flag that a version serves. */
export interface VersionArm {
  readonly flag: string;
  /** Whether it serves where the flag is on, or where it is off. */
  readonly on: boolean;
  /** `candidate`, `current`, or the alias or version that the mapping writes. */
  readonly role: string;
  /** The alias or version by which the mapping names it: what has to move for another version to serve. */
  readonly name: string;
}

/** All sides of a mapping's flags, with the alias or version behind each. */
export function armsOf({ switches, candidate, current }: ModelMapping): VersionArm[] {
  const nameOf = (role: string): string => (role === 'candidate' ? candidate : role === 'current' ? current : role);
  return switches.flatMap(({ flag, on, off }) => [{ flag, on: true, role: on, name: nameOf(on) }, { flag, on: false, role: off, name: nameOf(off) }]);
}

/** The sides that a version serves. @param resolve the version that an alias or number means, undefined when that is not known */
export function armsOfVersion(mapping: ModelMapping, version: string, resolve: (versionOrAlias: string) => string | undefined): VersionArm[] {
  return armsOf(mapping).filter(({ name }) => resolve(name) === version);
}

/** Whether anybody gets one side of a flag. */
export function isServed({ on, low, high, blockedBy }: EffectiveRollout, arm: Pick<VersionArm, 'on'>): boolean {
  const some = on && blockedBy.length === 0;
  return arm.on ? some && high > 0 : !some || low < 100;
}

/** Who gets one side of a flag: `25 % · internal 100 %` where it is on, `75 % · internal 0 %` where it is off. */
export function armWords(rollout: EffectiveRollout, arm: Pick<VersionArm, 'on'>): string {
  const { on, blockedBy, audiences, unrestricted, low, high } = rollout;
  if (arm.on) return describeRollout(rollout);
  if (!on || blockedBy.length > 0) return '100 %';
  if (unrestricted || audiences.length === 0) return rangeWords(100 - high, 100 - low);
  // The complement of what is said about the other side, in the same words.
  const rest = audiences.map((each) => ({ ...each, low: 100 - each.high, high: 100 - each.low }));
  return describeRollout({ ...rollout, audiences: rest });
}
