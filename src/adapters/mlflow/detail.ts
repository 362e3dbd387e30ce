import { modelswitchTags } from '../../core/models/evidence.ts';
import type { CodeState, DatasetFacts, Facts, ModelVersion, Run, VersionDetail } from '../../core/models/model.ts';
import { readMlmodel } from '../../core/models/signature.ts';
import { given } from './normalise.ts';

/** MLflow 3's logged model: what a version was registered from. */
export interface LoggedModel {
  readonly id: string;
  readonly sourceRunId?: string;
  readonly tags: Facts;
  readonly params: Facts;
  readonly metrics: readonly {
    readonly name: string;
    readonly value: number;
    readonly runId?: string;
    readonly dataset?: string;
    readonly digest?: string;
  }[];
}

/** What was found about a version, wherever it was read. */
export interface VersionParts {
  readonly version: ModelVersion;
  readonly run?: Run | undefined;
  readonly loggedModel?: LoggedModel | undefined;
  readonly artifactUri?: string | undefined;
  /** The text of its `MLmodel` file, or a sentence that says why there is none. */
  readonly mlmodel: { readonly text: string } | { readonly missing: string };
  readonly gaps: readonly string[];
}

const COMMIT = 'mlflow.source.git.commit';

/** The id of the logged model that a version's source names: `models:/m-618b...`. */
export function loggedModelId(source: string | null | undefined): string | undefined {
  return /^models:\/(m-[^/]+)/.exec(source ?? '')?.[1];
}

export function versionDetail({ version, run, loggedModel, artifactUri, mlmodel, gaps }: VersionParts): VersionDetail {
  const file = 'text' in mlmodel ? readMlmodel(mlmodel.text) : undefined;
  const sha256 = version.tags['modelswitch.artifact.sha256'];
  return {
    ...version,
    ...given('runId', run?.id ?? version.runId),
    ...given('run', run),
    ...given('loggedModelId', loggedModel?.id),
    params: { ...run?.params, ...loggedModel?.params },
    metrics: metrics(run, loggedModel),
    datasets: datasets(run, loggedModel),
    // The logged model's tags say where its script ran, so they count only where the run says nothing.
    code: codeState(run?.tags[COMMIT] === undefined ? { ...run?.tags, ...loggedModel?.tags } : run.tags),
    signature: file?.signature ?? { kind: 'missing', reason: 'missing' in mlmodel ? mlmodel.missing : '' },
    ...(artifactUri === undefined ? {} : { artifact: { uri: artifactUri, ...given('sizeBytes', file?.sizeBytes), ...given('sha256', sha256) } }),
    evidence: modelswitchTags({ ...run?.tags, ...loggedModel?.tags, ...version.tags }),
    gaps: run?.deleted === true ? [...gaps, `Its run ${run.id} was deleted in MLflow; what is shown of it may be removed for good at any time.`] : gaps,
  };
}

/** A run that logs several models has the last metrics of them all, so the logged model's own go first. */
function metrics(run: Run | undefined, loggedModel: LoggedModel | undefined): Readonly<Record<string, number>> {
  const own = (loggedModel?.metrics ?? []).map(({ name, value, runId }): [string, number] => {
    const inRun = run !== undefined && runId === run.id ? run.metrics[name] : undefined;
    // MLflow tells a logged model's NaN as 0, but not its run's.
    return [name, value === 0 && Number.isNaN(inRun) ? Number.NaN : value];
  });
  return { ...run?.metrics, ...Object.fromEntries(own) };
}

/** The run's inputs, and what the logged model was evaluated on. */
function datasets(run: Run | undefined, loggedModel: LoggedModel | undefined): readonly DatasetFacts[] {
  const found = [...run?.datasets ?? []];
  for (const { dataset, digest } of loggedModel?.metrics ?? []) {
    if (dataset === undefined || found.some((known) => known.name === dataset && known.digest === (digest ?? ''))) continue;
    found.push({ name: dataset, digest: digest ?? '', context: 'evaluation' });
  }
  return found;
}

function codeState(tags: Facts): CodeState {
  return {
    ...given('commit', tags[COMMIT]),
    ...given('branch', tags['mlflow.source.git.branch']),
    ...given('repository', tags['mlflow.source.git.repoURL']),
    ...given('entry', tags['mlflow.source.name']),
  };
}
