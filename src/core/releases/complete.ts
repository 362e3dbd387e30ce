import { AppError } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import { pinnedVersion } from '../flags/titles.ts';
import type { ModelRegistry } from '../models/registry.ts';
import type { ModelMapping } from '../workspace/config.ts';
import type { ReleaseAssessment } from './assessment.ts';

/** The last thing of a release: the alias of what serves names the version that everybody gets. */
export interface Completion {
  readonly registered: string;
  /** The alias, `champion` by default. */
  readonly alias: string;
  readonly from: string | undefined;
  readonly to: string;
}

/**
 * What completing a release will do; undefined when the alias names the candidate already.
 * @throws AppError validation where the release cannot be completed now, with what to do instead; conflict where an alias moved under it; as the registry fails
 */
export async function planCompletion(assessment: ReleaseAssessment, mapping: ModelMapping, registry: Pick<ModelRegistry, 'readModel'>, signal?: AbortSignal): Promise<Completion | undefined> {
  const { state, verdict, latch, pin, stageWords, position } = assessment;
  const refused = (message: string): never => { throw new AppError('validation', message, { reason: 'notComplete' }); };
  if (latch !== undefined) refused(`The guard took ${plainLine(latch.environment, 40)} back: re-arm, or keep the current model.`);
  if (state !== 'last stage' || position.deviations.length > 0) refused(`${mapping.name} is at ${stageWords}, and a release is completed from the last stage of its plan: advance first.`);
  if (verdict.word === 'rollback') refused(`${verdict.reasons[0]?.words ?? 'A guardrail is breached'}: roll back instead.`);
  if (pin === undefined) return refused(`No version is pinned for ${mapping.name}: re-pin the release, so that it is known which version to complete.`);
  const { registeredModel, current, candidate } = mapping;
  if (registeredModel === undefined) return refused(`${mapping.name} names no registered_model in modelswitch.yaml: there is no alias to move.`);
  if (/^v?\d+$/.test(current)) refused(`current of ${mapping.name} is the version ${current}, not an alias: write the released version there in modelswitch.yaml.`);
  const { aliases } = await registry.readModel(registeredModel, signal);
  const named = (alias: string): string | undefined => aliases.find((each) => each.alias === alias)?.version ?? (/^v?\d+$/.test(alias) ? alias.replace(/^v/, '') : undefined);
  const [from, to] = [named(current), named(candidate)];
  if (from !== undefined && pinnedVersion(from) === pin.candidate) return undefined;
  if (to === undefined || pinnedVersion(to) !== pin.candidate) {
    throw new AppError('conflict', `${candidate} of ${registeredModel} names ${to === undefined ? 'no version' : `version ${to}`}, and ${pin.candidate} is what was released: move the alias back, or re-pin.`, { reason: 'movedAlias' });
  }
  return { registered: registeredModel, alias: current, from, to };
}
