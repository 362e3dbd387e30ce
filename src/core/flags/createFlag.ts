import { AppError, toAppError } from '../base/errors.ts';
import type { ChangePlan } from './changePlan.ts';
import type { ChangeOutcome, ChangeRunner } from './changeRunner.ts';
import type { Segment } from './model.ts';
import type { FlagReading } from './planning.ts';
import type { EnvironmentInfo, FlagCreator, FlagReader, NewFlag } from './ports.ts';
import { planStart, type StartWish } from './startRollout.ts';

/** What is known of a project before a flag is made in it. */
export interface ProjectFacts {
  readonly server: string;
  readonly project: string;
  readonly environments: readonly EnvironmentInfo[];
  readonly segments: readonly Segment[];
}

/** A new flag that exposes nobody, whoever switches it on: plain data, as a change plan is. */
export interface CreateFlagPlan {
  readonly version: 1;
  readonly kind: 'create';
  readonly flag: NewFlag;
  /** What its environments get: a strategy of 0 % each, for without one a switch-on would expose everybody. They stay off. */
  readonly rollout: ChangePlan;
}

const LONGEST_NAME = 100;

/** What is wrong with a flag's name, as a sentence; undefined when Unleash takes it. */
export function flagNameProblem(name: string): string | undefined {
  if (name === '') return 'A flag needs a name.';
  if (name.length > LONGEST_NAME) return `A flag's name has at most ${LONGEST_NAME} characters.`;
  return /^[\w.~-]+$/.test(name) && name !== '.' && name !== '..' ? undefined : 'A flag\'s name has letters, digits and . _ ~ - only, because it stands in addresses.';
}

/** A flag as it is right after it was made: off everywhere, without strategies. */
export function newFlagReading({ server, project, environments, segments }: ProjectFacts, { name, type, description, impressionData }: NewFlag): FlagReading {
  return {
    server, segments, events: [],
    detail: {
      flag: {
        name, project, type, description, impressionData, stale: false, archived: false, dependencies: [], blockedIn: [],
        environments: environments.map((environment) => ({ name: environment.name, type: environment.type, enabled: false, strategies: [] })),
      },
      exposures: [],
    },
  };
}

/**
 * A flag at 0 % in the named environments, or in all of the project's.
 * @throws AppError validation for a name that Unleash does not take; notFound for an environment or segment that there is not
 */
export function planCreateFlag(facts: ProjectFacts, flag: NewFlag, wish: Omit<StartWish, 'environments'> & { readonly environments?: readonly string[] } = {}): CreateFlagPlan {
  const problem = flagNameProblem(flag.name);
  if (problem !== undefined) throw new AppError('validation', problem, { reason: 'name' });
  const environments = wish.environments ?? facts.environments.map(({ name }) => name);
  return { version: 1, kind: 'create', flag, rollout: planStart(newFlagReading(facts, flag), { ...wish, environments }) };
}

/**
 * Makes the flag, then its strategies; what was made is read back. Where it stops in between, `planStart` on a reading of the flag plans the rest.
 * @throws AppError conflict when a flag of that name exists, or somebody gave the new one strategies meanwhile
 */
export async function applyCreateFlag(port: FlagCreator & FlagReader, runner: ChangeRunner, { flag, rollout }: CreateFlagPlan, signal?: AbortSignal): Promise<ChangeOutcome> {
  try {
    await port.createFlag(rollout.project, flag, signal);
  } catch (thrown) {
    const error = toAppError(thrown);
    // The answer may be lost although the flag was made: the runner finds out whether it is as new.
    const isUncertain = ['network', 'timeout', 'internal'].includes(error.code) && error.data['sent'] !== false;
    const exists = isUncertain && await port.readFlag(rollout.project, flag.name, signal).then(() => true, () => false);
    if (!exists) throw error;
  }
  return runner.apply(rollout, signal);
}
