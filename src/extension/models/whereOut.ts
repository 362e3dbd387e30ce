import { plainLine } from '../../core/base/words.ts';
import { environmentOf } from '../../core/flags/model.ts';
import { armsOfModel, armsOfVersion, armWords, isServed, type VersionArm } from '../../core/models/versionArms.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Connections } from '../connection/connections.ts';
import { environmentNames, flagFacts, rolloutIn, type FlagFacts } from '../flags/facts.ts';
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

/** Every side that versions of a registered model serve, and who gets it, by the last reading of Unleash. @param serves which of the sides are meant */
export function outingsOf(registries: Registries, connections: Connections, connection: RegistryConnection, registered: string, serves: (arms: readonly VersionArm[]) => readonly VersionArm[]): Outing[] {
  return registries.folders.filter((each) => each.connection === connection).flatMap((registry) => {
    const target = connections.targets.find(({ folder }) => folder.uri.toString() === registry.folder.uri.toString());
    const factsOf = (flag: string): FlagFacts | undefined => target && flagFacts(connections, target.connection, flag);
    // Every mapping of the folder: the payload of a variant may name another model than the mapping does.
    return registry.models.flatMap((mapping) => serves(armsOfModel(mapping, registered, (flag) => factsOf(flag)?.flag)).map((arm): Outing => {
      const facts = factsOf(arm.flag);
      return { arm, model: mapping.name, environments: facts === undefined ? [] : environmentsOf(facts, arm) };
    }));
  });
}

function environmentsOf(facts: FlagFacts, arm: VersionArm): OutIn[] {
  const { flag, snapshot, status } = facts;
  if (status !== 'active') return [];
  return environmentNames(facts).filter((name) => arm.variant?.environments.includes(name) ?? true).map((name): OutIn => {
    const rollout = rolloutIn(facts, name);
    const environment = flag && environmentOf(flag, name);
    if (rollout === undefined || environment === undefined || snapshot === undefined) return { environment: name, words: 'unknown', isLive: false };
    const place = { environment, segments: snapshot.segments, rollout };
    return { environment: name, words: armWords(place, arm), isLive: isServed(place, arm) };
  });
}

/** Where a version is out, over all mappings and variants that name it. */
export function whereOut(registries: Registries, connections: Connections, connection: RegistryConnection, registered: string, version: string): Outing[] {
  const { store } = connection;
  return outingsOf(registries, connections, connection, registered, (arms) => armsOfVersion(arms, version, (name) => store?.resolve(registered, name)));
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
