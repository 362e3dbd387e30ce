import type { Exposure, Flag, FlagEnvironment } from '../../core/flags/model.ts';
import { environmentOf } from '../../core/flags/model.ts';
import { parentsIn } from '../../core/flags/parents.ts';
import { effectiveRollout, type EffectiveRollout } from '../../core/flags/rollout.ts';
import type { FlagSnapshot } from '../../core/flags/store.ts';
import type { ModelMapping } from '../../core/workspace/load.ts';
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
  /** The environment that is named first. */
  readonly mainEnvironment: string;
  readonly exposures: readonly Exposure[];
}

export function flagFacts(connections: Connections, connection: Connection, name: string): FlagFacts {
  const store = connection.session?.store;
  const snapshot = store?.snapshot;
  const flag = snapshot?.flags.get(name);
  const targets = connections.targets.filter((target) => target.connection === connection);
  const mapped = targets.flatMap(({ models }) => models).find(({ switches }) => switches.some((entry) => entry.flag === name));
  return {
    connection,
    name,
    status: statusOf(snapshot, flag, name),
    flag,
    snapshot,
    mapping: mapped,
    mainEnvironment: targets[0]?.environment ?? 'production',
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

/** The switch of a mapped model that this flag stands for: `fraud candidate`. */
export function armWords({ mapping, name }: FlagFacts): string | undefined {
  const entry = mapping?.switches.find((candidate) => candidate.flag === name);
  return mapping === undefined || entry === undefined ? undefined : `${mapping.name} ${entry.on}`;
}
