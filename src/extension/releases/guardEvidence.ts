import { plainLine } from '../../core/base/words.ts';
import { TAG_PREFIX } from '../../core/models/evidence.ts';
import type { GuardPorts } from '../../core/releases/guard.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Target } from '../connection/connections.ts';
import { registryOf } from '../models/registryOf.ts';
import type { ReleaseFeatureParts } from './lazyReleases.ts';

/** Keeps why the guard took a version back as a tag of that version, as the command line's guard does. */
export function keepGuardEvidence({ registries, clock }: Pick<ReleaseFeatureParts, 'registries' | 'clock'>, { folder }: Target, { registeredModel }: ModelMapping): GuardPorts['keepEvidence'] {
  return async ({ flag, environment, pin, stageWords }, words, signal) => {
    if (pin === undefined || registeredModel === undefined) return;
    const registry = await registryOf(folder, registries);
    if (!registry.capabilities.setTag) return;
    const value = JSON.stringify({ outcome: 'rolled back', by: 'guard', at: new Date(clock.now()).toISOString(), flag, environment, candidate: pin.candidate, current: pin.current, stage: stageWords, reasons: words.slice(0, 5).map((each) => plainLine(each, 300)) });
    await registry.setVersionTag(registeredModel, pin.candidate.replace(/^v(?=\d)/, ''), `${TAG_PREFIX}guard.${flag}.${environment}`.replace(/[^\w./-]+/g, '_').slice(0, 250), value, signal);
  };
}
