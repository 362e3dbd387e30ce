import { AppError } from '../base/errors.ts';
import { didYouMean } from '../workspace/suggest.ts';
import { strategyKey } from './compare.ts';
import { GRADUAL_ROLLOUT, type Segment } from './model.ts';
import type { NewStrategy } from './ports.ts';
import { segmentMap } from './planning.ts';
import { strategyWords } from './rollout.ts';
import { wholePercent } from './shares.ts';

/** What Unleash adds when an environment without an enabled strategy is switched on. */
export interface EnvironmentDefault {
  readonly environment: string;
  /** Undefined: nobody set one, and Unleash adds a rollout of 100 %. */
  readonly strategy: NewStrategy | undefined;
}

export interface ProjectDefaults {
  readonly environments: readonly EnvironmentDefault[];
  /** What new strategies of the project are sticky on. */
  readonly stickiness: string;
}

export interface ProjectDefaultPort {
  readProjectDefaults(project: string, signal?: AbortSignal): Promise<ProjectDefaults>;
  readSegments(signal?: AbortSignal): Promise<readonly Segment[]>;
  writeProjectDefault(project: string, environment: string, strategy: NewStrategy, signal?: AbortSignal): Promise<void>;
}

export interface DefaultChange {
  readonly environment: string;
  readonly before: NewStrategy | undefined;
  readonly after: NewStrategy;
  /** The default in words, old and new. */
  readonly from: string;
  readonly to: string;
  /** False when it is safe already. */
  readonly changes: boolean;
}

/** A change of a project's settings, not of a flag: plain data, as a change plan is. */
export interface SafeDefaultPlan {
  readonly version: 1;
  readonly kind: 'safe default';
  readonly server: string;
  readonly project: string;
  readonly environments: readonly DefaultChange[];
}

/**
 * Makes the strategy that Unleash adds at a switch-on one of 0 %; what a team set beside the percentage stays.
 * @throws AppError notFound for an environment that the project does not have
 */
export function planSafeDefault({ server, project, defaults, segments }: { server: string; project: string; defaults: ProjectDefaults; segments: readonly Segment[] }, environments: readonly string[]): SafeDefaultPlan {
  const names = defaults.environments.map(({ environment }) => environment);
  return {
    version: 1,
    kind: 'safe default',
    server,
    project,
    environments: environments.map((environment) => {
      const found = defaults.environments.find((candidate) => candidate.environment === environment);
      if (found === undefined) throw new AppError('notFound', `The project ${project} has no environment "${environment}"; it has ${names.join(', ')}.${didYouMean(environment, names)}`, { environment });
      const before = found.strategy;
      const after = safeStrategy(before, defaults.stickiness);
      return { environment, before, after, from: defaultWords(before, segments), to: defaultWords(after, segments), changes: before === undefined || strategyKey(before) !== strategyKey(after) };
    }),
  };
}

function safeStrategy(before: NewStrategy | undefined, stickiness: string): NewStrategy {
  if (before?.name !== GRADUAL_ROLLOUT) {
    // Without a group Unleash takes each flag's own name: one group for all flags would expose the same users to all of them.
    return { name: GRADUAL_ROLLOUT, title: '', disabled: false, parameters: { rollout: '0', stickiness }, constraints: [], segments: [], variants: [] };
  }
  const isSafe = wholePercent(before.parameters['rollout']) === 0 && before.parameters['rollout'] !== undefined;
  // A disabled default would leave the environment on without an enabled strategy, which is 100 %.
  return isSafe && !before.disabled ? before : { ...before, disabled: false, parameters: { ...before.parameters, rollout: '0' } };
}

function defaultWords(strategy: NewStrategy | undefined, segments: readonly Segment[]): string {
  return strategy === undefined ? '100 % of everyone (not set)' : strategyWords({ ...strategy, id: '' }, segmentMap(segments));
}

/** Plans from a fresh reading. Without `environments`: all of the project's. */
export async function readSafeDefault(port: ProjectDefaultPort, { server, project }: { server: string; project: string }, environments: readonly string[] | undefined, signal?: AbortSignal): Promise<SafeDefaultPlan> {
  const [defaults, segments] = await Promise.all([port.readProjectDefaults(project, signal), port.readSegments(signal)]);
  return planSafeDefault({ server, project, defaults, segments }, environments ?? defaults.environments.map(({ environment }) => environment));
}

/**
 * Writes and reads back.
 * @throws AppError conflict when the settings are not those of the plan any more, or do not read back as asked
 */
export async function applySafeDefault(port: ProjectDefaultPort, plan: SafeDefaultPlan, signal?: AbortSignal): Promise<void> {
  const now = async (environment: string): Promise<NewStrategy | undefined> =>
    (await port.readProjectDefaults(plan.project, signal)).environments.find((each) => each.environment === environment)?.strategy;
  for (const { environment, before, after, changes } of plan.environments) {
    if (!changes) continue;
    if (!sameDefault(await now(environment), before)) throw new AppError('conflict', `The default strategy of ${environment} was changed by somebody else; it was left as it is.`, { reason: 'stale', environment });
    await port.writeProjectDefault(plan.project, environment, after, signal);
    if (!sameDefault(await now(environment), after)) throw new AppError('conflict', `The default strategy of ${environment} does not read back as asked.`, { reason: 'readBack', environment });
  }
}

function sameDefault(a: NewStrategy | undefined, b: NewStrategy | undefined): boolean {
  return a === undefined || b === undefined ? a === b : strategyKey(a) === strategyKey(b);
}
