import { AppError, toAppError } from '../base/errors.ts';
import type { FlagReading } from './planner.ts';
import { segmentMap } from './planner.ts';
import type { FlagReader } from './ports.ts';
import { sameEnvironment } from './compare.ts';
import { describeRollout, effectiveRollout } from './rollout.ts';

export interface FlagArchiver {
  /** @throws AppError conflict when other flags depend on it */
  archiveFlag(project: string, name: string, signal?: AbortSignal): Promise<void>;
}

/** What archiving a flag ends, for a person to confirm. */
export interface ArchivePlan {
  readonly reading: FlagReading;
  /** Per environment what is exposed now: `production: 25 % -> off`. */
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

/** Archiving a flag answers "off" to whoever still asks for it. */
export function planArchive(reading: FlagReading): ArchivePlan {
  const segments = segmentMap(reading.segments);
  const rollouts = reading.detail.flag.environments.map((environment) => ({ name: environment.name, rollout: effectiveRollout(environment, segments) }));
  const partial = rollouts.filter(({ rollout: { low, high } }) => high > 0 && low < 100).map(({ name, rollout }) => `${name} is at ${describeRollout(rollout)}, neither at 0 % nor at 100 %: the release is not complete there.`);
  const exposed = rollouts.some(({ rollout: { high } }) => high > 0);
  return {
    reading,
    lines: rollouts.map(({ name, rollout }) => `${name}: ${describeRollout(rollout)} -> off`),
    warnings: [...partial, ...exposed ? ['What still runs code with this switch gets off, and so the current model, as soon as the flag is archived: deploy first.'] : []],
  };
}

/**
 * Archives a flag if it is still what the plan was computed from, and reads back that it is gone.
 * @throws AppError conflict when it was changed meanwhile, when other flags depend on it, or when it is still there
 */
export async function archive(port: FlagReader & FlagArchiver, { reading }: ArchivePlan, signal?: AbortSignal): Promise<void> {
  const { project, name, environments } = reading.detail.flag;
  const now = (await port.readFlag(project, name, signal)).flag.environments;
  const isSame = now.length === environments.length && environments.every((before) => now.some((after) => after.name === before.name && sameEnvironment(after, before)));
  if (!isSame) throw new AppError('conflict', `"${name}" was changed by somebody else since it was read; nothing was written.`, { reason: 'stale' });
  await port.archiveFlag(project, name, signal);
  const error = await port.readFlag(project, name, signal).then(() => undefined, toAppError);
  if (error?.code === 'notFound') return;
  throw error ?? new AppError('conflict', `"${name}" is still active although Unleash accepted to archive it: look at it in Unleash.`, { reason: 'notArchived' });
}
