import { plainLine } from '../base/words.ts';
import { environmentOf, type Flag } from '../flags/model.ts';
import { effectiveRollout, percentWords, type Segments } from '../flags/rollout.ts';
import type { FeatureSet } from '../workspace/featureSet.ts';

/** A version of a source that an application has where a flag is on, with the state of that flag. */
export interface ProvidedFeatures {
  readonly source: string;
  readonly version: string;
  readonly flag: string;
  readonly environment: string;
  /** Per cent of everyone that get the flag on; undefined while that is not known. */
  readonly share: { readonly low: number; readonly high: number } | undefined;
}

/** What sets of features provide in an environment. @param flags undefined, or without one: its state is not known */
export function providedFeatures(sets: readonly FeatureSet[], environment: string, flags: ReadonlyMap<string, Flag> | undefined, segments: Segments): ProvidedFeatures[] {
  return sets.flatMap(({ flag: name, provides }) => {
    const flag = flags?.get(name);
    const here = flag && environmentOf(flag, environment);
    const rollout = here && effectiveRollout(here, segments);
    // A parent may keep the flag off for anybody: then even 100 % is not certain.
    const blocked = flag !== undefined && ((flag.dependencies ?? []).length > 0 || flag.blockedIn.includes(environment));
    const share = rollout === undefined ? undefined : { low: blocked ? 0 : rollout.low, high: rollout.high };
    return Object.entries(provides).map(([source, version]): ProvidedFeatures => ({ source, version, flag: name, environment, share }));
  });
}

/** Whether everybody, nobody, or only some have a version. */
export function reachOf({ share }: ProvidedFeatures): 'all' | 'none' | 'some' | 'unknown' {
  if (share === undefined) return 'unknown';
  if (share.high === 0) return 'none';
  return share.low >= 100 ? 'all' : 'some';
}

/** `behind transactions-v3, off in production`. */
export function behindWords(provided: ProvidedFeatures): string {
  const { flag, environment, share } = provided;
  const state = share === undefined ? 'whose state is not known' : share.high === 0 ? 'off' : share.low === share.high ? percentWords(share.low) : `${percentWords(share.low)} to ${percentWords(share.high)}`;
  return `behind \`${plainLine(flag, 60)}\`, ${state} in ${plainLine(environment, 40)}`;
}
