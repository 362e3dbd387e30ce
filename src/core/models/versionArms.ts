import type { ModelMapping } from '../workspace/load.ts';
import type { EffectiveRollout } from '../flags/rollout.ts';

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

/** The per cent of everybody that gets one side of a flag, as a range. */
export function armShare({ on, low, high, blockedBy }: EffectiveRollout, arm: Pick<VersionArm, 'on'>): { readonly low: number; readonly high: number } {
  const share = on && blockedBy.length === 0 ? { low, high } : { low: 0, high: 0 };
  return arm.on ? share : { low: 100 - share.high, high: 100 - share.low };
}

