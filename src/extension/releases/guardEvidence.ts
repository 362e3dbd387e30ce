import type { GuardPorts } from '../../core/releases/guard.ts';
import { armsOf, wantedDetails } from '../../core/models/mapping.ts';
import { readView } from '../../core/models/readView.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Target } from '../connection/connections.ts';
import { registryOf } from '../models/registryOf.ts';
import type { ReleaseFeatureParts } from './lazyReleases.ts';

/** The tag of a version that says why a guard took it back. */
const TAG = 'modelswitch.guard';
const LONGEST = 4000;

/** Keeps why the guard took a version back as a tag of that version, where the registry can be written. */
export function keepGuardEvidence({ registries }: Pick<ReleaseFeatureParts, 'registries'>, { folder }: Target, model: ModelMapping): GuardPorts['keepEvidence'] {
  return async ({ flag, environment, pin, stageWords }, words, signal) => {
    if (registries.folders.every((each) => each.folder !== folder)) return;
    const registry = await registryOf(folder, registries);
    if (!registry.capabilities.setTag) return;
    const [arms] = armsOf([model], flag, await readView(() => Promise.resolve(registry), wantedDetails(armsOf([model], flag, undefined)), signal));
    if (arms?.on.version === undefined) return;
    const text = JSON.stringify({ at: new Date().toISOString(), flag, environment, stage: stageWords, ...(pin === undefined ? {} : { versions: `${pin.candidate} over ${pin.current}` }), because: words });
    await registry.setVersionTag(arms.on.registered, arms.on.version, TAG, text.slice(0, LONGEST), signal);
  };
}
