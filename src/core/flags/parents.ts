import { toAppError } from '../base/errors.ts';
import { environmentKey } from './compare.ts';
import { environmentOf, type Dependency, type FlagEnvironment } from './model.ts';
import type { FlagDetail, FlagReader } from './ports.ts';
import { describeEnvironment, effectiveRollout, maxExposure, type Parents, type Segments } from './rollout.ts';
import { activeShares } from './shares.ts';

/** A parent or child as it was read; `detail` is undefined when the flag is archived or gone. */
export interface Relative {
  readonly flag: string;
  readonly detail: FlagDetail | undefined;
}

/** The flags that a flag depends on, and those that depend on it. */
export interface Family {
  readonly parents: readonly Relative[];
  readonly children: readonly Relative[];
  /** Children that were too many to read. */
  readonly unread: readonly string[];
}

/** A reading asks for so many children at most, one request each. */
const MOST_CHILDREN = 20;

/** Undefined when one of them could not be read: that is no reason to keep a person from changing the flag, or from killing it. */
export async function readFamily(port: FlagReader, detail: FlagDetail, signal?: AbortSignal): Promise<Family | undefined> {
  try {
    return await readRelatives(port, detail, signal);
  } catch (thrown) {
    if (toAppError(thrown).code === 'cancelled') throw thrown;
    return undefined;
  }
}

async function readRelatives(port: FlagReader, { flag, children = [] }: FlagDetail, signal?: AbortSignal): Promise<Family> {
  const read = async (name: string): Promise<Relative> => {
    try {
      return { flag: name, detail: await port.readFlag(flag.project, name, signal) };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'notFound' && error.data['reason'] !== 'route') return { flag: name, detail: undefined };
      throw error;
    }
  };
  const [parents, offspring] = await Promise.all([
    Promise.all(flag.dependencies.map(({ feature }) => read(feature))),
    Promise.all(children.slice(0, MOST_CHILDREN).map(read)),
  ]);
  return { parents, children: offspring, unread: children.slice(MOST_CHILDREN) };
}

/** For whom the condition on a parent holds, whatever the child itself says. */
export type ConditionReach = 'nobody' | 'some' | 'everybody';

/** @param parent the parent in the environment; undefined when it is archived or gone, and then no condition on it holds */
export function conditionReach({ enabled, variants }: Dependency, parent: FlagEnvironment | undefined, segments: Segments): ConditionReach {
  if (parent === undefined) return 'nobody';
  const { low, high, needs, unrestricted } = effectiveRollout(parent, segments);
  const isOnForAll = unrestricted || (low === 100 && needs.length === 0);
  if (!enabled) return isOnForAll ? 'nobody' : high === 0 ? 'everybody' : 'some';
  if (high === 0) return 'nobody';
  if (variants.length === 0) return isOnForAll ? 'everybody' : 'some';
  const answers = unrestricted ? [] : activeShares(parent, segments).map(({ strategy }) => strategy.variants.filter(({ weight }) => weight > 0).map(({ name }) => name));
  if (!answers.flat().some((name) => variants.includes(name))) return 'nobody';
  return isOnForAll && answers.every((names) => names.length > 0 && names.every((name) => variants.includes(name))) ? 'everybody' : 'some';
}

function conditionWords({ feature, enabled, variants }: Dependency): string {
  if (!enabled) return `"${feature}" is off`;
  return variants.length === 0 ? `"${feature}" is on` : `"${feature}" is on with ${variants.join(' or ')}`;
}

function parentIn(family: Family, feature: string, environment: string): FlagEnvironment | undefined {
  const detail = family.parents.find(({ flag }) => flag === feature)?.detail;
  return detail && environmentOf(detail.flag, environment);
}

/** What to show of a flag's parents beside its rollout. */
export function parentsIn(dependencies: readonly Dependency[], parentOf: (feature: string) => FlagEnvironment | undefined, segments: Segments): Parents {
  const named = dependencies.map((dependency) => {
    const parent = parentOf(dependency.feature);
    return { name: parent === undefined ? `${dependency.feature} (archived or gone)` : dependency.feature, reach: conditionReach(dependency, parent, segments) };
  });
  return { blockedBy: named.flatMap(({ name, reach }) => (reach === 'nobody' ? [name] : [])), dependsOn: named.map(({ name }) => name) };
}

/** The same from a reading; a reading without family knows the names only. */
export function familyParents(detail: FlagDetail, family: Family | undefined, environment: string, segments: Segments): Parents {
  const { dependencies } = detail.flag;
  if (family === undefined) return { blockedBy: [], dependsOn: dependencies.map(({ feature }) => feature) };
  return parentsIn(dependencies, (feature) => parentIn(family, feature, environment), segments);
}

/** What a flag's parents make of a state of it, a sentence each; nothing about those that let everybody through. */
export function parentWarnings(detail: FlagDetail, family: Family | undefined, after: FlagEnvironment, segments: Segments): string[] {
  if (maxExposure(after, segments) === 0) return [];
  return detail.flag.dependencies.flatMap((dependency) => {
    const { feature } = dependency;
    if (family === undefined) return [`${detail.flag.name} depends on "${feature}": it is off wherever that condition does not hold.`];
    const parent = parentIn(family, feature, after.name);
    if (parent === undefined) return [`Blocked by the parent "${feature}", which is archived or gone: nobody gets it until the parent is back or the dependency removed.`];
    const state = `"${feature}" (${describeEnvironment(parent, segments)} in ${after.name})`;
    switch (conditionReach(dependency, parent, segments)) {
      case 'nobody':
        return [`Blocked by the parent ${state}: nobody gets it until ${conditionWords(dependency)}.`];
      case 'some':
        return [`Limited by the parent ${state}: only those get it for whom ${conditionWords(dependency)}.`];
      case 'everybody':
        return [];
    }
  });
}

/** Which other flags start, stop or follow when this one changes in an environment, a sentence each. */
export function childWarnings({ flag: { name: flag }, children = [] }: FlagDetail, family: Family | undefined, before: FlagEnvironment, after: FlagEnvironment, segments: Segments): string[] {
  if (environmentKey(before) === environmentKey(after)) return [];
  if (family === undefined) return notLookedAt(children);
  const warnings = family.children.flatMap((child) => {
    const dependency = child.detail?.flag.dependencies.find(({ feature }) => feature === flag);
    const own = child.detail && environmentOf(child.detail.flag, before.name);
    if (dependency === undefined || own === undefined || maxExposure(own, segments) === 0) return [];
    const [was, becomes] = [before, after].map((state) => conditionReach(dependency, state, segments));
    if (was === becomes && was !== 'some') return [];
    const verb = was === 'nobody' ? 'Starts' : becomes === 'nobody' ? 'Stops' : 'Changes';
    return [`${verb} the child "${child.flag}" (${describeEnvironment(own, segments)} in ${before.name}) too: it is on only where ${conditionWords(dependency)}.`];
  });
  return [...warnings, ...notLookedAt(family.unread)];
}

function notLookedAt(children: readonly string[]): string[] {
  return children.length === 0 ? [] : [`Flags that depend on it and were not looked at: ${children.slice(0, 5).join(', ')}${children.length > 5 ? ` and ${children.length - 5} more` : ''}.`];
}
