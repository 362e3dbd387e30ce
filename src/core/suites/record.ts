import { AppError } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import { suiteEvidenceTag, suiteEvidenceText } from '../models/evidence.ts';
import type { VersionDetail } from '../models/model.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { evidenceOf } from './evidence.ts';
import type { Arm } from './load.ts';
import type { SuiteReport } from './report.ts';

/** Where a suite's outcome was written. */
export interface Recorded {
  readonly model: string;
  readonly version: string;
  readonly verified: boolean;
}

export interface RecordTarget {
  readonly registry: Pick<ModelRegistry, 'setVersionTag' | 'readVersion'>;
  readonly model: string;
  /** What `modelswitch.yaml` means by an arm. */
  readonly version: (arm: Arm) => Promise<VersionDetail>;
}

/** Whether a name from an answer means a version: its number, its logged model, its run, or the digest of its files. */
function means(name: string, { version, loggedModelId, runId, artifact }: VersionDetail): boolean {
  const bare = name.replace(/^sha256:/i, '').toLowerCase();
  return name === version || name === `v${version}` || name === loggedModelId || name === runId || (artifact?.sha256 !== undefined && artifact.sha256 === bare);
}

async function answeredBy(name: string, arm: Arm, { registry, model, version }: RecordTarget, signal?: AbortSignal): Promise<string> {
  const meant = await version(arm);
  if (means(name, meant)) return meant.version;
  const found = await registry.readVersion(model, name.replace(/^v(?=\d)/, ''), signal).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'notFound') return undefined;
    throw error;
  });
  // An alias in an answer says nothing: it may have been moved since.
  if (found !== undefined && means(name, found)) return found.version;
  throw new AppError('notFound', `The answers name the version ${plainLine(name, 60)}, which ${plainLine(model, 60)} does not have: check version_from.`);
}

/**
 * Writes the outcome of a whole suite to the version that answered; where nobody knows which that was, to the one that `modelswitch.yaml` names,
 * marked unverified. `file`: the suite's path by the folder of `modelswitch.yaml`.
 * @throws AppError what the registry throws; notFound when it has no such version
 */
export async function recordEvidence(report: SuiteReport, file: string, target: RecordTarget, signal?: AbortSignal): Promise<Recorded> {
  const verified = report.version.kind === 'established';
  const version = report.version.kind === 'established' ? await answeredBy(report.version.version, report.arm, target, signal) : (await target.version(report.arm)).version;
  const evidence = evidenceOf({ ...report, file, version: report.version.kind === 'established' ? { ...report.version, version } : report.version });
  await target.registry.setVersionTag(target.model, version, suiteEvidenceTag(file), suiteEvidenceText(evidence), signal);
  return { model: target.model, version, verified };
}
