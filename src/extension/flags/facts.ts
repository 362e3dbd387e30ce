import type { Exposure, Flag, FlagEnvironment } from '../../core/flags/model.ts';
import { environmentOf } from '../../core/flags/model.ts';
import { parentsIn } from '../../core/flags/parents.ts';
import { effectiveRollout, type EffectiveRollout } from '../../core/flags/rollout.ts';
import type { FlagSnapshot } from '../../core/flags/store.ts';
import { armsOf, movedPins, type FlagArms, type MovedPin } from '../../core/models/mapping.ts';
import { armVersionWords, modelWords } from '../../core/models/mappingWords.ts';
import { maxExposure } from '../../core/flags/rollout.ts';
import { pinsOf, type Pin } from '../../core/flags/titles.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Connection } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';

/** How a flag stands: `loading` before the first reading, `unknown` when the project has no such flag. */
export type FlagStatus = 'loading' | 'active' | 'archived' | 'unknown';

/** What views know of one flag, from the snapshot: the input of lens, hover and tree parts. */
export interface FlagFacts {
  readonly connection: Connection;
  readonly name: string;
  readonly status: FlagStatus;
  readonly flag: Flag | undefined;
  readonly snapshot: FlagSnapshot | undefined;
  /** The model that stands behind the flag, when `modelswitch.yaml` maps it. */
  readonly mapping: ModelMapping | undefined;
  /** Every model behind the flag with its versions, as far as the registry has told them. */
  readonly arms: readonly FlagArms[];
  /** The environment that is named first. */
  readonly mainEnvironment: string;
  readonly exposures: readonly Exposure[];
}

export function flagFacts(connections: Connections, connection: Connection, name: string): FlagFacts {
  const store = connection.session?.store;
  const snapshot = store?.snapshot;
  const flag = snapshot?.flags.get(name);
  const targets = connections.targets.filter((target) => target.connection === connection);
  const mainEnvironment = targets[0]?.environment ?? 'production';
  const arms = targets.flatMap(({ models, folder }) => armsOf(models, name, connections.registryView(folder), flag, mainEnvironment));
  return {
    connection,
    name,
    status: statusOf(snapshot, flag, name),
    flag,
    snapshot,
    mapping: arms[0]?.model,
    arms,
    mainEnvironment,
    exposures: store?.observed(name)?.exposures ?? [],
  };
}

function statusOf(snapshot: FlagSnapshot | undefined, flag: Flag | undefined, name: string): FlagStatus {
  if (snapshot === undefined) return 'loading';
  if (flag !== undefined) return flag.archived ? 'archived' : 'active';
  return snapshot.archived.has(name) ? 'archived' : 'unknown';
}

/** The flag's environments, the main one first. */
export function environmentNames({ flag, mainEnvironment }: FlagFacts): readonly string[] {
  return (flag?.environments ?? []).map(({ name }) => name).toSorted((a, b) => Number(b === mainEnvironment) - Number(a === mainEnvironment));
}

/** The rollout of a flag in an environment, parents considered. */
export function rolloutIn({ flag, snapshot }: FlagFacts, environment: string): EffectiveRollout | undefined {
  const found = flag && environmentOf(flag, environment);
  return found === undefined || snapshot === undefined ? undefined : rolloutOf(found, flag, snapshot);
}

function rolloutOf(environment: FlagEnvironment, flag: Flag | undefined, { flags, segments }: FlagSnapshot): EffectiveRollout {
  const parentOf = (feature: string): FlagEnvironment | undefined => {
    const parent = flags.get(feature);
    return parent && environmentOf(parent, environment.name);
  };
  const { blockedBy, dependsOn } = parentsIn(flag?.dependencies ?? [], parentOf, segments);
  // Until the flag was read by itself one only knows that for some context some parent says no.
  const unnamed = flag?.dependencies === undefined && flag?.blockedIn.includes(environment.name) === true ? ['a parent flag'] : [];
  return effectiveRollout(environment, segments, { blockedBy, dependsOn: [...dependsOn, ...unnamed] });
}

/** The share of evaluations of the last hour that answered "on", when there were any. */
export function observedShare(facts: FlagFacts, environment: string): { readonly percent: number; readonly n: number } | undefined {
  const exposure = facts.exposures.find((candidate) => candidate.environment === environment);
  const n = (exposure?.yes ?? 0) + (exposure?.no ?? 0);
  return exposure === undefined || n === 0 ? undefined : { percent: (100 * exposure.yes) / n, n };
}

/** What serves where the flag is on: `fraud v14 (challenger)`, or `fraud candidate` while the registry has not told the version. */
export function armWords({ arms }: FlagFacts): string | undefined {
  return arms.length === 0 ? undefined : arms.map(({ model, on }) => `${model.name} ${armVersionWords(on)}`).join(' + ');
}

/** The same with the offline metric of both versions, and with what moved under the release; by variant where the code asks for variants. */
export function modelText(facts: FlagFacts, { byVariant = false, withMetric = true, environment = facts.mainEnvironment } = {}): string | undefined {
  const moved = movedIn(facts, environment);
  return facts.arms.length === 0 ? undefined : facts.arms.map((arms) => modelWords(arms, { byVariant, withMetric, moved: moved.filter(({ model }) => model === arms.model.name) })).join(' + ');
}

/** What the strategies of an environment pin. */
export function pinsIn({ flag }: FlagFacts, environment: string): readonly Pin[] {
  const found = flag && environmentOf(flag, environment);
  const pins = found?.strategies.flatMap(({ title }) => pinsOf(title)) ?? [];
  return [...new Map(pins.map((pin) => [pin.model, pin])).values()];
}

/** Versions that somebody swapped under a release that exposes somebody in an environment. */
export function movedIn(facts: FlagFacts, environment: string): readonly MovedPin[] {
  const pins = pinsIn(facts, environment);
  const found = facts.flag && environmentOf(facts.flag, environment);
  if (pins.length === 0 || found === undefined || facts.snapshot === undefined || maxExposure(found, facts.snapshot.segments) === 0) return [];
  return facts.arms.flatMap((arms) => movedPins(arms, pins));
}
