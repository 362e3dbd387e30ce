/** Tags and parameters as the registry holds them: text, whatever it means. */
export type Facts = Readonly<Record<string, string>>;

/** One alias and the version that it names. */
export interface Alias {
  readonly alias: string;
  readonly version: string;
}

/** A registered model, as a list shows it. */
export interface RegisteredModel {
  readonly name: string;
  readonly description: string;
  readonly aliases: readonly Alias[];
  readonly tags: Facts;
  /** The newest version, where the registry tells it with the list. */
  readonly latestVersion?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt?: number;
  readonly updatedAt?: number;
}

/** `pending` and `failed`: the registration is not over or went wrong; such a version cannot be served. */
export type VersionStatus = 'ready' | 'pending' | 'failed';

/** A version of a model, as a list shows it. */
export interface ModelVersion {
  readonly model: string;
  /** Text, though most registries count: `13`. */
  readonly version: string;
  readonly aliases: readonly string[];
  readonly status: VersionStatus;
  readonly description: string;
  readonly tags: Facts;
  /** Milliseconds since the epoch. */
  readonly createdAt?: number;
  /** Who registered it. */
  readonly user?: string;
  /** The training run, where the list tells it; `readVersion` also finds it by way of the logged model. */
  readonly runId?: string;
}

export type RunStatus = 'running' | 'scheduled' | 'finished' | 'failed' | 'killed' | 'unknown';

/** Data that went into a run. */
export interface DatasetFacts {
  readonly name: string;
  /** As the tracking system computed it; equal digests mean equal data. Empty when it has none. */
  readonly digest: string;
  readonly sourceType?: string;
  /** A path, a URL or a JSON text of the source's own kind. */
  readonly source?: string;
  /** What it was used for, such as `training` or `eval`. */
  readonly context?: string;
  /** How many rows it had, where the tracking system was told. */
  readonly rows?: number;
}

/** A training run. */
export interface Run {
  readonly id: string;
  readonly name: string;
  readonly experiment?: { readonly id: string; readonly name?: string };
  readonly status: RunStatus;
  /** It was deleted in the tracking system; what is left of it can still be read. */
  readonly deleted: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly user?: string;
  readonly params: Facts;
  /** The last value of each metric: NaN and both infinities are values. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly tags: Facts;
  readonly datasets: readonly DatasetFacts[];
}

/** The code that made a version. */
export interface CodeState {
  readonly commit?: string;
  readonly branch?: string;
  readonly repository?: string;
  /** The script or notebook that ran. */
  readonly entry?: string;
}

/** The files of a version. */
export interface ArtifactFacts {
  readonly uri: string;
  readonly sizeBytes?: number;
  /** Lower-case hexadecimal. */
  readonly sha256?: string;
}

/** The scalar types of a signature, by MLflow's names. */
export const SCALAR_TYPES = ['boolean', 'integer', 'long', 'float', 'double', 'string', 'binary', 'datetime'] as const;
export type ScalarType = (typeof SCALAR_TYPES)[number];

export type ColumnType =
  | { readonly kind: 'scalar'; readonly type: ScalarType }
  | { readonly kind: 'array'; readonly items: ColumnType }
  | { readonly kind: 'object'; readonly properties: readonly NamedColumn[] }
  | { readonly kind: 'map'; readonly values: ColumnType }
  /** `dtype` by NumPy's name; -1 in `shape` is a free dimension. */
  | { readonly kind: 'tensor'; readonly dtype: string; readonly shape: readonly number[] }
  | { readonly kind: 'any' }
  /** A type that this version of Modelswitch does not know. */
  | { readonly kind: 'other'; readonly text: string };

export interface Column {
  /** Without one, the column goes by its position. */
  readonly name?: string;
  readonly type: ColumnType;
  readonly required: boolean;
}

export interface NamedColumn extends Column {
  readonly name: string;
}

/** An inference parameter. */
export interface SignatureParam {
  readonly name: string;
  readonly type: ColumnType;
  readonly default: unknown;
}

/** What goes into a model and what comes out; a part that the model does not declare is undefined. */
export interface Signature {
  readonly kind: 'known';
  readonly inputs?: readonly Column[];
  readonly outputs?: readonly Column[];
  readonly params?: readonly SignatureParam[];
}

/** Never an empty signature in the place of one that could not be read. */
export type SignatureState =
  | Signature
  /** The model declares none, or its files cannot be reached: `reason` is a sentence. */
  | { readonly kind: 'missing'; readonly reason: string }
  /** There is one and it cannot be understood. */
  | { readonly kind: 'broken'; readonly reason: string };

/** All that a registry and its tracking system know of one version. */
export interface VersionDetail extends ModelVersion {
  readonly run?: Run;
  /** MLflow 3: the logged model that the version was registered from. */
  readonly loggedModelId?: string;
  readonly params: Facts;
  readonly metrics: Readonly<Record<string, number>>;
  readonly datasets: readonly DatasetFacts[];
  readonly code: CodeState;
  readonly signature: SignatureState;
  readonly artifact?: ArtifactFacts;
  /** Tags of the version and of what it was made from whose keys begin with `modelswitch.`; the version's own go first. */
  readonly evidence: Facts;
  /** Sentences about what could not be read: a deleted run, files out of reach. The rest holds. */
  readonly gaps: readonly string[];
}
