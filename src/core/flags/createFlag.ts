import { AppError, toAppError, type ErrorCode } from '../base/errors.ts';
import { environmentOf, GRADUAL_ROLLOUT } from './model.ts';
import { segmentMap } from './planning.ts';
import type { EnvironmentInfo, FlagReader, FlagWriter, NewStrategy } from './ports.ts';
import type { ProjectDefaultPort } from './projectDefault.ts';
import { describeEnvironment, maxExposure } from './rollout.ts';
import { strategyTitle } from './titles.ts';

/** The type that Modelswitch gives to a flag it makes: a model that is to be released. */
export const NEW_FLAG_TYPE = 'release';

export interface FlagCreator extends FlagReader, Pick<FlagWriter, 'addStrategy'>, Pick<ProjectDefaultPort, 'readProjectDefaults'> {
  readEnvironments(project: string, signal?: AbortSignal): Promise<readonly EnvironmentInfo[]>;
  /** @throws AppError conflict when the name is taken, also by an archived flag or in another project; validation when it is not allowed */
  checkFlagName(project: string, name: string, signal?: AbortSignal): Promise<void>;
  /** Makes a flag that is off in every environment and has no strategies. */
  createFlag(project: string, flag: { readonly name: string; readonly type: string; readonly description: string }, signal?: AbortSignal): Promise<void>;
}

/** A flag to be made, complete before anything is written; plain data, as a change plan is. */
export interface CreatePlan {
  readonly version: 1;
  readonly kind: 'create';
  readonly server: string;
  readonly project: string;
  readonly flag: string;
  readonly type: string;
  readonly description: string;
  /** Per environment what is there after: off, with a strategy that gives nobody the flag when somebody switches it on. */
  readonly environments: readonly { readonly environment: string; readonly from: string; readonly to: string; readonly strategy: NewStrategy }[];
  /** The newest event of the server when the plan was computed; 0 when there was none. */
  readonly baselineEvent: number;
}

export interface CreateOutcome {
  /** `stopped`: the flag exists, but not every environment is as planned. */
  readonly kind: 'done' | 'stopped';
  readonly environments: readonly { readonly environment: string; readonly now: string }[];
  readonly error?: AppError;
}

const LONGEST_NAME = 100;

/** Whether Unleash takes it as the name of a flag: letters, digits and what a URL leaves as it is, at most 100 characters. */
export function isFlagName(name: string): boolean {
  return name.length <= LONGEST_NAME && /^[\w.~!*'()-]+$/.test(name) && name !== '.' && name !== '..';
}

/**
 * Looks whether a flag may have this name, and what its environments will be.
 * @throws AppError conflict when the name is taken; validation when it is not allowed here
 */
export async function planCreate(port: FlagCreator, { server, project, flag }: Pick<CreatePlan, 'server' | 'project' | 'flag'>, signal?: AbortSignal): Promise<CreatePlan> {
  if (!isFlagName(flag)) throw new AppError('validation', `"${flag}" cannot be the name of a flag: it may have letters, digits and - _ . ~ ! * ' ( ), at most ${LONGEST_NAME} together.`, { reason: 'name' });
  const [, environments, defaults, { events }] = await Promise.all([
    port.checkFlagName(project, flag, signal),
    port.readEnvironments(project, signal),
    port.readProjectDefaults(project, signal),
    port.readEvents({ limit: 1 }, signal),
  ]);
  const strategy: NewStrategy = {
    name: GRADUAL_ROLLOUT,
    title: strategyTitle(['0 %', 'create']),
    disabled: false,
    parameters: { rollout: '0', stickiness: defaults.stickiness, groupId: flag },
    constraints: [],
    segments: [],
    variants: [],
  };
  return {
    version: 1,
    kind: 'create',
    server,
    project,
    flag,
    type: NEW_FLAG_TYPE,
    description: '',
    environments: environments.map(({ name }) => ({ environment: name, from: 'no such flag', to: 'off, and 0 % when it is switched on', strategy })),
    baselineEvent: events[0]?.id ?? 0,
  };
}

/** After these one cannot know whether the server took the call. */
const LOST: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'internal']);
/** A strategy of 0 % exposes nobody, so its call may be repeated. */
const ATTEMPTS = 3;

/**
 * Makes the flag, off everywhere, and gives each environment a strategy of 0 %: without one Unleash would add its default of 100 % at
 * the first switch-on. Nobody is exposed at any point between the calls.
 * @throws AppError when there is no flag after it: conflict when the name or the environments are not what they were at the plan
 */
export async function applyCreate(port: FlagCreator, plan: CreatePlan, userId: number | undefined, signal?: AbortSignal): Promise<CreateOutcome> {
  const { project, flag, type, description } = plan;
  const names = (await port.readEnvironments(project, signal)).map(({ name }) => name);
  const planned = plan.environments.map(({ environment }) => environment);
  if (names.toSorted().join('\n') !== planned.toSorted().join('\n')) {
    throw new AppError('conflict', `The environments of project ${project} changed since they were read; nothing was written.`, { reason: 'stale' });
  }
  try {
    // Not to be cancelled: nobody would know whether it arrived.
    await port.createFlag(project, { name: flag, type, description });
  } catch (thrown) {
    const error = toAppError(thrown);
    if (!LOST.has(error.code) || !(await isOurs(port, plan, userId))) throw error;
  }
  // From here on it is finished whatever happens: a flag without a strategy of 0 % is what nobody asked for.
  const failures: AppError[] = [];
  for (const { environment, strategy } of plan.environments) {
    const error = await addOnce(port, { project, flag, environment }, strategy);
    if (error !== undefined) failures.push(error);
  }
  return readBack(port, plan, failures[0]);
}

/** Whether the flag was made by us after the plan, although the answer was lost. */
async function isOurs(port: FlagCreator, { project, flag, baselineEvent }: CreatePlan, userId: number | undefined): Promise<boolean> {
  try {
    await port.readFlag(project, flag);
    const { events } = await port.readEvents({ flag, limit: 50 });
    return userId !== undefined && events.some(({ type, id, byId }) => type === 'feature-created' && id > baselineEvent && byId === userId);
  } catch {
    return false;
  }
}

/** Adds the strategy unless it is there; an answer that was lost is looked for first. Gives why it is not there. */
async function addOnce(port: FlagCreator, ref: { readonly project: string; readonly flag: string; readonly environment: string }, strategy: NewStrategy): Promise<AppError | undefined> {
  let last: AppError | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      if (attempt > 0) {
        const { flag } = await port.readFlag(ref.project, ref.flag);
        if (environmentOf(flag, ref.environment)?.strategies.some(({ title }) => title === strategy.title) === true) return undefined;
      }
      await port.addStrategy(ref, strategy);
      return undefined;
    } catch (thrown) {
      last = toAppError(thrown);
      if (!LOST.has(last.code)) return last;
    }
  }
  return last;
}

async function readBack(port: FlagCreator, plan: CreatePlan, failure: AppError | undefined): Promise<CreateOutcome> {
  try {
    const [{ flag }, segments] = await Promise.all([port.readFlag(plan.project, plan.flag), port.readSegments()]);
    const known = segmentMap(segments);
    const environments = plan.environments.map(({ environment }) => {
      const state = environmentOf(flag, environment);
      const isSafe = state !== undefined && maxExposure({ ...state, enabled: true }, known) === 0;
      const words = state === undefined ? 'missing' : describeEnvironment(state, known);
      return { environment, isSafe, now: isSafe ? words : `${words}; no 0 % strategy, so switching it on gives the project's default, 100 % unless that is set` };
    });
    const error = failure ?? (environments.every(({ isSafe }) => isSafe) ? undefined : new AppError('conflict', 'It does not read back as asked: somebody may have changed it meanwhile.', { reason: 'readBack' }));
    return { kind: error === undefined ? 'done' : 'stopped', environments: environments.map(({ environment, now }) => ({ environment, now })), ...(error === undefined ? {} : { error }) };
  } catch (thrown) {
    const environments = plan.environments.map(({ environment }) => ({ environment, now: 'could not be read' }));
    return { kind: 'stopped', environments, error: failure ?? toAppError(thrown) };
  }
}
