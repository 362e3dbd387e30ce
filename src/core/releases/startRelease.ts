import { AppError, toAppError } from '../base/errors.ts';
import { applyCreate, planCreate, type CreatePlan, type FlagCreator } from '../flags/createFlag.ts';
import type { ChangePlan } from '../flags/changePlan.ts';
import type { ChangeOutcome, ChangeRunner } from '../flags/changeRunner.ts';
import type { FlagReading } from '../flags/planning.ts';
import { planStart, type StartWish } from '../flags/startRollout.ts';
import { pin, pinsText, strategyTitle, versionWords } from '../flags/titles.ts';
import type { VersionDetail } from '../models/model.ts';
import type { ModelRegistry } from '../models/registry.ts';
import type { ModelMapping } from '../workspace/config.ts';
import { editMapping, type MappingEdit } from '../workspace/writeMapping.ts';

/** What somebody asks for who starts a release. */
export interface StartRequest {
  /** The model's name in `modelswitch.yaml`, present or to be. */
  readonly model: string;
  /** Its mapping as it is now. */
  readonly mapping?: ModelMapping | undefined;
  /** Its name in the registry. */
  readonly registered: string;
  /** The version that goes out, or an alias of it. */
  readonly candidate: string;
  /** What serves where the flag is off: version or alias; default: as the mapping says, else `champion`. */
  readonly current?: string | undefined;
  readonly flag: string;
  /** Default: all of the flag's. */
  readonly environments?: readonly string[] | undefined;
  readonly stickiness?: string | undefined;
  readonly segments?: readonly (string | number)[] | undefined;
  readonly reason?: string | undefined;
}

export interface StartPorts {
  readonly client: FlagCreator;
  readonly runner: ChangeRunner;
  readonly server: string;
  readonly project: string;
  /** Who writes, to tell whether a flag whose answer was lost is ours. */
  readonly userId: () => number | undefined;
  readonly registry: Pick<ModelRegistry, 'readVersion'>;
  /** The text of `modelswitch.yaml`; undefined when there is none. */
  readonly readFile: () => Promise<string | undefined>;
  readonly writeFile: (text: string) => Promise<void>;
}

/** All that starting a release changes, complete before anything is written; plain data. What is done already is not in it. */
export interface StartPlan {
  readonly version: 1;
  readonly kind: 'start';
  readonly model: string;
  readonly registered: string;
  /** Versions. */
  readonly candidate: string;
  readonly current: string;
  readonly flag: string;
  /** Undefined where the flag exists. */
  readonly create?: CreatePlan;
  /** Everything of the flag at 0 % with the versions in the titles. */
  readonly rollout: ChangePlan;
  readonly file: MappingEdit;
  readonly wish: StartWish;
  readonly warnings: readonly string[];
}

export interface StartOutcome {
  /** `stopped`: what was done stays, and starting again goes on from there. */
  readonly kind: 'done' | 'unchanged' | 'stopped';
  /** Where it stopped. */
  readonly at?: 'flag' | 'rollout' | 'file';
  readonly rollout?: ChangeOutcome;
  readonly error?: AppError;
}

/**
 * Reads versions, flag and file anew and plans what is left to do.
 * @throws AppError notFound for a version that there is not; validation when it cannot be released; conflict when the flag's name is taken
 */
export async function planStartRelease(ports: StartPorts, request: StartRequest, signal?: AbortSignal): Promise<StartPlan> {
  const { model, mapping, registered, flag } = request;
  const currentName = request.current ?? mapping?.current ?? 'champion';
  const [candidate, current] = await Promise.all([
    ports.registry.readVersion(registered, request.candidate, signal),
    ports.registry.readVersion(registered, currentName, signal).catch((thrown: unknown) => { throw withoutCurrent(thrown, registered, currentName); }),
  ]);
  requireReleasable(candidate, current);
  const wish: StartWish = {
    environments: request.environments ?? [], pin: pin(model, candidate.version, current.version),
    stickiness: request.stickiness, segments: request.segments, note: { reason: request.reason },
  };
  const known = await readFlag(ports, flag, signal);
  const create = known === undefined ? await planCreate(ports.client, { server: ports.server, project: ports.project, flag }, signal, {
    stickiness: request.stickiness, description: `Releases ${registered}, a model.`,
    title: strategyTitle([pinsText([wish.pin]) ?? '', '0 %', request.reason ?? 'start']),
  }) : undefined;
  const reading = known ?? createdReading(ports, await ports.client.readSegments(signal), create);
  const complete = { ...wish, environments: request.environments ?? reading.detail.flag.environments.map(({ name }) => name) };
  const file = editMapping(await ports.readFile(), { model, flag, registeredModel: registered, current: nameFor(current, currentName), candidate: nameFor(candidate, mapping?.candidate ?? 'challenger', request.candidate) });
  return {
    version: 1, kind: 'start', model, registered, candidate: candidate.version, current: current.version, flag,
    ...(create === undefined ? {} : { create }), rollout: planStart(reading, complete), file, wish: complete,
    warnings: [...candidate.gaps, ...(candidate.signature.kind === 'known' ? [] : [candidate.signature.reason])],
  };
}

function withoutCurrent(thrown: unknown, registered: string, name: string): AppError {
  const error = toAppError(thrown);
  if (error.code !== 'notFound') return error;
  return new AppError('notFound', `${registered} has no version or alias "${name}" to serve where the flag is off: name the one that serves now.`, { reason: 'noCurrent' }, error);
}

function requireReleasable(candidate: VersionDetail, current: VersionDetail): void {
  const words = `${candidate.model} ${versionWords(candidate.version)}`;
  if (candidate.status !== 'ready') throw new AppError('validation', `${words} cannot be released: its registration ${candidate.status === 'pending' ? 'is not over' : 'failed'}.`, { reason: 'notReady' });
  if (candidate.version === current.version) throw new AppError('validation', `${words} is what serves now: choose another version, or name what serves where the flag is off.`, { reason: 'sameVersion' });
}

/** The alias where it names the version: a mapping by alias goes on to hold after the release. */
function nameFor({ version, aliases }: VersionDetail, ...preferred: readonly string[]): string {
  return preferred.find((name) => name === version || aliases.includes(name)) ?? version;
}

/** Undefined when the project has no such flag. */
async function readFlag({ runner, project }: StartPorts, flag: string, signal?: AbortSignal): Promise<FlagReading | undefined> {
  try {
    return await runner.read(project, flag, signal);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'notFound' && error.data['reason'] !== 'route') return undefined;
    throw error;
  }
}

/** The flag as it is right after it was made. */
function createdReading({ server, project }: StartPorts, segments: FlagReading['segments'], create: CreatePlan | undefined): FlagReading {
  const environments = (create?.environments ?? []).map(({ environment, strategy }) => ({ name: environment, type: '', enabled: false, strategies: [{ ...strategy, id: `new ${environment}` }] }));
  const flag = { name: create?.flag ?? '', project, type: create?.type ?? '', description: '', stale: false, archived: false, impressionData: false, blockedIn: [], dependencies: [], environments };
  return { server, segments, events: [], detail: { flag, exposures: [] } };
}

/** Whether a plan has nothing left to do. */
export function isStarted({ create, rollout, file }: StartPlan): boolean {
  return create === undefined && rollout.environments.every(({ steps }) => steps.length === 0) && file.from === file.to;
}

/**
 * Makes the flag, pins the versions, writes the mapping, in this order: nobody is exposed by any of it. It never throws for a failure on the way.
 * @throws AppError validation when the plan has blockers
 */
export async function applyStartRelease(ports: StartPorts, plan: StartPlan, signal?: AbortSignal): Promise<StartOutcome> {
  const [blocker] = plan.rollout.blockers;
  if (blocker !== undefined) throw new AppError('validation', blocker.message, { reason: 'blocked', environment: blocker.environment });
  if (isStarted(plan)) return { kind: 'unchanged' };
  let at: NonNullable<StartOutcome['at']> = 'flag';
  let rollout: ChangeOutcome | undefined;
  try {
    if (plan.create !== undefined) {
      const { error } = await applyCreate(ports.client, plan.create, ports.userId(), signal);
      if (error !== undefined) throw error;
    }
    at = 'rollout';
    const change = plan.create === undefined ? plan.rollout : await afterCreation(ports, plan, signal);
    if (change.environments.some(({ steps }) => steps.length > 0)) rollout = await ports.runner.apply(change, signal);
    if (rollout?.error !== undefined) throw rollout.error;
    at = 'file';
    if (plan.file.from !== plan.file.to) {
      if (await ports.readFile() !== plan.file.from) throw new AppError('conflict', 'modelswitch.yaml was changed meanwhile: start again to see what it comes to now.', { reason: 'stale' });
      await ports.writeFile(plan.file.to);
    }
    return { kind: 'done', ...(rollout === undefined ? {} : { rollout }) };
  } catch (thrown) {
    return { kind: 'stopped', at, ...(rollout === undefined ? {} : { rollout }), error: toAppError(thrown) };
  }
}

/** The rest of the rollout of a flag that was just made: somebody may have been at it. */
async function afterCreation({ runner, project }: StartPorts, plan: StartPlan, signal?: AbortSignal): Promise<ChangePlan> {
  const change = planStart(await runner.read(project, plan.flag, signal), plan.wish);
  const differs = change.blockers.length > 0 || change.environments.some(({ environment, to, before }) => before.enabled || plan.rollout.environments.find((each) => each.environment === environment)?.to !== to);
  if (differs) throw new AppError('conflict', `${plan.flag} was changed by somebody else right after it was made: look at it and start again.`, { reason: 'stale' });
  return change;
}

/** The whole of a plan in lines, old -> new. */
export function startWords({ create, rollout, file, model, candidate, current }: StartPlan): string[] {
  return [
    `${model}: ${versionWords(candidate)} where the flag is on, ${versionWords(current)} where it is off; both are pinned in the strategies' titles`,
    ...(create === undefined ? [] : [`the flag ${create.flag} is made, off in ${create.environments.map(({ environment }) => environment).join(', ')}, with 0 % for when it is switched on`]),
    ...rollout.environments.map(({ environment, from, to, steps, after }) => {
      if (create !== undefined && steps.length === 0) return '';
      const segments = steps.filter((step) => step.kind === 'add').length;
      const added = segments === 0 ? '' : ` (${segments} ${segments === 1 ? 'strategy' : 'strategies'} of 0 % ${segments === 1 ? 'is' : 'are'} added, ${after.strategies.length} in all)`;
      return `${environment}: ${steps.length === 0 ? `${from} already` : `${from} -> ${to}`}${added}`;
    }),
    ...file.lines,
  ].filter((line) => line !== '');
}
