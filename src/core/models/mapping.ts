import { plainLine } from '../base/words.ts';
import { environmentOf, type Flag } from '../flags/model.ts';
import { pinnedVersion, pinsModel, versionWords, type Pin } from '../flags/titles.ts';
import { betterByName, type ModelMetric } from '../workspace/featureSet.ts';
import type { ModelMapping, ModelSwitch } from '../workspace/config.ts';
import type { RegisteredModel, VersionDetail } from './model.ts';
import type { Reading } from './modelSnapshot.ts';
import { payloadVersion } from './payloadVersion.ts';

/** What is known of a registry, as `ModelStore` tells it without asking the registry. */
export interface RegistryView {
  model(name: string): Reading<RegisteredModel>;
  detail(model: string, versionOrAlias: string): Reading<VersionDetail>;
  resolve(model: string, versionOrAlias: string): string | undefined;
}

/** What serves on one side of a switch. */
export interface Arm {
  /** `on`, `off`, or the name of a variant. */
  readonly side: string;
  /** As the file has it: `candidate`, `current`, an alias or a version; for a payload what that names. */
  readonly role: string;
  /** Name in the registry: the mapping's own where it names none. */
  readonly registered: string;
  /** The alias or version that the role stands for. */
  readonly name: string;
  /** The version, as far as it is known. */
  readonly version: string | undefined;
  /** An alias that names the version. */
  readonly alias: string | undefined;
  /** `missing`: the registry was read and has no such model, version or alias. */
  readonly state: 'known' | 'missing' | 'unknown';
  readonly detail: VersionDetail | undefined;
  /** Why it could not be read, as a sentence. */
  readonly failure?: string;
}

/** A model behind a flag. */
export interface FlagArms {
  readonly model: ModelMapping;
  readonly entry: ModelSwitch;
  readonly on: Arm;
  readonly off: Arm;
  /** In the order of the first strategy that has them; only variants of which a mapping or payload says what serves. */
  readonly variants: readonly Arm[];
}

/** Every model that a flag switches: an ensemble has several flags for a model, and one flag may be asked in several services. */
export function armsOf(models: readonly ModelMapping[], flagName: string, view: RegistryView | undefined, flag?: Flag, environment?: string): FlagArms[] {
  return models.flatMap((model) => model.switches.filter((entry) => entry.flag === flagName).slice(0, 1).map((entry): FlagArms => ({
    model, entry,
    on: roleArm(model, 'on', entry.on, view),
    off: roleArm(model, 'off', entry.off, view),
    variants: variantArms(model, entry, view, flag, environment),
  })));
}

/** The alias or version that a role stands for. */
export function roleName({ candidate, current }: Pick<ModelMapping, 'candidate' | 'current'>, role: string): string {
  return role === 'candidate' ? candidate : role === 'current' ? current : role;
}

function roleArm(model: ModelMapping, side: string, role: string, view: RegistryView | undefined): Arm {
  const found = arm(side, role, model.registeredModel ?? model.name, roleName(model, role), view);
  // Nobody said that the registry has a model of this name.
  return model.registeredModel === undefined && found.state !== 'known' ? { ...found, state: 'unknown' } : found;
}

function arm(side: string, role: string, registered: string, name: string, view: RegistryView | undefined): Arm {
  const bare = /^\d/.test(name) ? name : undefined;
  if (view === undefined) return { side, role, registered, name, version: bare, alias: undefined, state: 'unknown', detail: undefined };
  const reading = view.detail(registered, name);
  const isMissing = reading.error?.code === 'notFound' || view.model(registered).error?.code === 'notFound';
  const version = isMissing ? bare : view.resolve(registered, name) ?? bare;
  const alias = version === name || version === undefined ? view.model(registered).value?.aliases.find((each) => each.version === name)?.alias : name;
  return { side, role, registered, name, version, alias, state: isMissing ? 'missing' : reading.value !== undefined || (version !== undefined && version !== name) ? 'known' : 'unknown', detail: isMissing ? undefined : reading.value, ...(isMissing || reading.error === undefined ? {} : { failure: plainLine(reading.error.message, 300) }) };
}

function variantArms(model: ModelMapping, entry: ModelSwitch, view: RegistryView | undefined, flag: Flag | undefined, environment: string | undefined): Arm[] {
  const strategies = flag === undefined ? [] : (environment === undefined ? flag.environments : [environmentOf(flag, environment)]).flatMap((each) => each?.strategies ?? []);
  const variants = new Map(strategies.flatMap((strategy) => strategy.variants).map((variant) => [variant.name, variant]));
  return [...variants.values()].flatMap(({ name, payload }): Arm[] => {
    const role = entry.variants?.[name];
    if (role !== undefined) return [roleArm(model, name, role, view)];
    const carried = payload === undefined ? undefined : payloadVersion(payload);
    return carried === undefined ? [] : [arm(name, carried.version, carried.model ?? model.registeredModel ?? model.name, carried.version, view)];
  });
}

/** The names that have to be read so that a mapping can be resolved: registered model and alias or version. */
export function wantedDetails(arms: readonly FlagArms[]): { readonly model: string; readonly name: string }[] {
  const wanted = arms.flatMap(({ on, off, variants }) => [on, off, ...variants]).map(({ registered, name }) => ({ model: registered, name }));
  return [...new Map(wanted.map((each) => [JSON.stringify(each), each])).values()];
}

/** A version that a release pinned and that the mapping does not mean any more. */
export interface MovedPin {
  readonly model: string;
  readonly side: 'on' | 'off';
  /** The alias, or the version where the mapping itself names another one. */
  readonly name: string;
  readonly alias: boolean;
  /** In words: `v14` -> `v15`. */
  readonly pinned: string;
  readonly now: string;
}

/** What moved under a release. Nothing for what is not known: a registry that does not answer has not moved anything. */
export function movedPins({ model, on, off }: FlagArms, pins: readonly Pin[]): MovedPin[] {
  const own = pins.find((each) => pinsModel(each, model.name));
  if (own === undefined) return [];
  return ([['on', on, own.candidate], ['off', off, own.current]] as const).flatMap(([side, { version, name, state }, pinned]): MovedPin[] => {
    if (version === undefined || pinnedVersion(version) === pinned) return [];
    // A number needs no registry to be another one; an alias is taken to have moved only when the registry says so.
    return state === 'unknown' && version !== name ? [] : [{ model: model.name, side, name, alias: version !== name, pinned, now: versionWords(version) }];
  });
}

export function movedWords({ name, alias, pinned, now }: MovedPin): string {
  return alias ? `${plainLine(name, 40)} moved from ${pinned} to ${now}` : `the mapping names ${now}, the release pinned ${pinned}`;
}

/** Shown first of those that both versions have, where the mapping names none. */
const USUAL = ['auc', 'roc_auc', 'pr_auc', 'average_precision', 'f1', 'f1_score', 'accuracy', 'r2', 'r2_score', 'ndcg', 'map', 'rmse', 'mae', 'mape', 'mse', 'log_loss', 'logloss', 'loss'];
const SHORT = new Set(['auc', 'f1', 'r2', 'ndcg', 'map', 'rmse', 'mae', 'mape', 'mse']);

/** A metric of both sides. */
export interface OfflineMetric extends ModelMetric {
  readonly label: string;
  readonly on: number | undefined;
  readonly off: number | undefined;
}

/**
 * The metric of the mapping; without one the first of the usual names, also with a prefix such as `val_`, that both versions have, else the only one that they share.
 */
export function offlineMetric({ model, on, off }: FlagArms): OfflineMetric | undefined {
  const [first, second] = [on.detail?.metrics, off.detail?.metrics];
  if (first === undefined) return undefined;
  const chosen = model.metric ?? defaultMetric(first, second ?? first);
  if (chosen === undefined || (first[chosen.name] === undefined && second?.[chosen.name] === undefined)) return undefined;
  return { ...chosen, label: SHORT.has(chosen.name.toLowerCase()) ? chosen.name.toUpperCase() : plainLine(chosen.name, 20), on: first[chosen.name], off: second?.[chosen.name] };
}

function baseName(metric: string): string {
  return metric.toLowerCase().replace(/^.*\//, '').replace(/^(?:val|valid|validation|test|eval)_/, '');
}

function defaultMetric(first: VersionDetail['metrics'], second: VersionDetail['metrics']): ModelMetric | undefined {
  const shared = Object.keys(first).filter((name) => second[name] !== undefined).toSorted();
  const name = USUAL.flatMap((usual) => shared.filter((each) => baseName(each) === usual)).at(0) ?? (shared.length === 1 ? shared[0] : undefined);
  return name === undefined ? undefined : { name, better: betterByName(name) };
}

/** `0.914`; as many digits as tell two values apart, at most six. */
export function metricWords(value: number, other?: number): string {
  if (!Number.isFinite(value)) return String(value);
  const written = (digits: number, each: number): string => (Math.abs(each) >= 1000 ? each.toFixed(0) : Math.abs(each) >= 10 ? each.toFixed(Math.max(1, digits - 2)) : each.toFixed(digits));
  let digits = 3;
  while (other !== undefined && other !== value && digits < 6 && written(digits, value) === written(digits, other)) digits += 1;
  return written(digits, value);
}
