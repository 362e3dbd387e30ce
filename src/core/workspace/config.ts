import type { QualityDefinition } from '../quality/definitions.ts';
import type { FeatureSet, ModelMetric } from './featureSet.ts';
import type { GuardSettings } from './guard.ts';
import type { Stage } from './plan.ts';
import type { RegistryTarget } from './registry.ts';
import type { RetrainTarget } from './retrain.ts';
import type { Problem, SourceRange } from './source.ts';

/** One flag of a model and what serves when it is on and off: `candidate`, `current`, an alias or a version. */
export interface ModelSwitch {
  readonly flag: string;
  readonly on: string;
  readonly off: string;
  /** What serves by variant, where the file says it. */
  readonly variants?: Readonly<Record<string, string>>;
  /** Where the flag's name stands. */
  readonly range: SourceRange;
  /** Where on, off and the variants' names stand, as far as they are written. */
  readonly ranges?: Readonly<Record<string, SourceRange>>;
}

/** A model and what switches it. */
export interface ModelMapping {
  readonly name: string;
  /** Empty while the model has no flag yet. */
  readonly switches: readonly ModelSwitch[];
  readonly registeredModel?: string;
  /** Path of the application's feature contract, relative to the folder of this file. */
  readonly contract?: string;
  /** Paths and globs of behavioural suites, relative to the folder of this file. */
  readonly suites?: readonly string[];
  readonly retrain?: RetrainTarget;
  /** The stages of its release, in order; none for a plan that cannot be followed. */
  readonly plan?: readonly Stage[];
  /** What the guard does about it by itself; undefined: as `GUARD_DEFAULTS` has it. */
  readonly guard?: GuardSettings;
  /** The offline metric to show; undefined: the first usual one that both versions have. */
  readonly metric?: ModelMetric;
  /** Sources and metrics of production. */
  readonly quality?: QualityDefinition;
  /** Aliases or versions; `champion` and `challenger` where the file says nothing. */
  readonly current: string;
  readonly candidate: string;
  /** Where the model's name stands. */
  readonly range: SourceRange;
  /** Where the names of registry and versions stand, as far as they are written. */
  readonly ranges?: { readonly registeredModel?: SourceRange; readonly current?: SourceRange; readonly candidate?: SourceRange };
}

/** A named evaluation context. */
export interface Persona {
  readonly name: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Where the persona's name stands. */
  readonly range: SourceRange;
  /** Where the names of its properties stand. */
  readonly propertyRanges: Readonly<Record<string, SourceRange>>;
}

/** The server section; what the file does not say is undefined, so that settings can say it. */
export interface UnleashTarget {
  /** http(s), without credentials, query and trailing slash. */
  readonly url?: string;
  readonly project?: string;
  readonly environment?: string;
  readonly ranges: { readonly url?: SourceRange; readonly project?: SourceRange; readonly environment?: SourceRange };
}

/** What the file says about call sites that cannot be found out. */
export interface CallSiteConfig {
  readonly wrappers: readonly { readonly function: string; readonly key: number | string }[];
  readonly clients: readonly string[];
  readonly exclude: readonly string[];
}

export interface WorkspaceConfig {
  readonly unleash?: UnleashTarget;
  readonly registry?: RegistryTarget;
  readonly models: readonly ModelMapping[];
  /** Entries of `models` with `kind: features`. */
  readonly features?: readonly FeatureSet[];
  readonly personas: readonly Persona[];
  readonly callsites?: CallSiteConfig;
}

/** What a `modelswitch.yaml` says. `config` holds everything that is right, and is undefined when nothing can be read. */
export interface WorkspaceFile {
  readonly config?: WorkspaceConfig;
  readonly problems: readonly Problem[];
}
