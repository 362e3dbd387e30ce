import { plainLine } from '../../core/base/words.ts';
import { armsOfVersion, armWords, isServed, type VersionArm } from '../../core/models/versionArms.ts';
import type { ModelStore } from '../../core/models/modelStore.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Connections } from '../connection/connections.ts';
import { environmentNames, flagFacts, rolloutIn } from '../flags/facts.ts';
import type { FolderRegistry, Registries } from './registries.ts';
import type { RegistryConnection } from './registryConnection.ts';

/** A model of `modelswitch.yaml` that a registered model stands for. */
export interface Mapped {
  readonly registry: FolderRegistry;
  readonly mapping: ModelMapping;
}

/** The mappings of a registered model; one without `registered_model` means the model of its own name. */
export function mappingsOf(registries: Registries, connection: RegistryConnection, registered: string): readonly Mapped[] {
  return registries.folders.filter((each) => each.connection === connection)
    .flatMap((registry) => registry.models.filter(({ name, registeredModel }) => (registeredModel ?? name) === registered).map((mapping) => ({ registry, mapping })));
}

/** What one environment gives to one side of a flag. */
export interface OutIn {
  readonly environment: string;
  /** `25 %`, or what keeps us from saying so. */
  readonly words: string;
  readonly isLive: boolean;
}

/** One side of a flag that a version serves, and who gets it. */
export interface Outing {
  readonly arm: VersionArm;
  readonly model: string;
  /** The environment that is named first comes first; empty while the flag is not known. */
  readonly environments: readonly OutIn[];
}

/** Who gets the given sides of a mapping's flags, by the last reading of Unleash. */
export function outingsOf({ registry, mapping }: Mapped, arms: readonly VersionArm[], connections: Connections): Outing[] {
  const target = connections.targets.find(({ folder }) => folder.uri.toString() === registry.folder.uri.toString());
  return arms.map((arm): Outing => {
    const facts = target === undefined ? undefined : flagFacts(connections, target.connection, arm.flag);
    const environments = facts === undefined || facts.status !== 'active' ? [] : environmentNames(facts).map((environment): OutIn => {
      const rollout = rolloutIn(facts, environment);
      if (rollout === undefined) return { environment, words: 'unknown', isLive: false };
      return { environment, words: armWords(rollout, arm), isLive: isServed(rollout, arm) };
    });
    return { arm, model: mapping.name, environments };
  });
}

/** Where a version is out, over all mappings of its model. */
export function whereOut(registries: Registries, connections: Connections, connection: RegistryConnection, registered: string, version: string): Outing[] {
  const { store } = connection;
  return mappingsOf(registries, connection, registered).flatMap((mapped) => outingsOf(mapped, armsOfVersion(mapped.mapping, version, (name) => resolved(store, registered, name)), connections));
}

function resolved(store: ModelStore | undefined, registered: string, name: string): string | undefined {
  return store?.resolve(registered, name);
}

/** `candidate of fraud-v2 · production 25 %`. */
export function outingWords({ arm: { role, flag }, environments: [first] }: Outing): string {
  return plainLine(`${role} of ${flag}${first === undefined ? '' : ` · ${first.environment} ${first.words}`}`, 160);
}

/** The same with every environment: `candidate of fraud-v2: production 25 %, development 100 %`. */
export function outingSentence({ arm: { role, flag, on }, environments }: Outing): string {
  const where = environments.map(({ environment, words }) => `${environment} ${words}`).join(', ');
  return plainLine(`${role} of ${flag}, where it is ${on ? 'on' : 'off'}: ${where === '' ? 'the flag is not known' : where}`, 400);
}
