import { AppError, toAppError } from '../base/errors.ts';
import { sameEnvironment, strategyKey } from './compare.ts';
import { afterCall, reached, type Call, type ChangePlan, type EnvironmentChange, type Step } from './changePlan.ts';
import { changesRollout } from './history.ts';
import { environmentOf, type FlagEnvironment } from './model.ts';
import { segmentMap, type FlagReading } from './planner.ts';
import type { FlagEvent, FlagReader, FlagWriter } from './ports.ts';
import { compareExposure, describeRollout, effectiveRollout } from './rollout.ts';

export interface EnvironmentOutcome {
  readonly environment: string;
  /** The rollout in words as it was read back; undefined when it could not be read. */
  readonly now: string | undefined;
  readonly reached: boolean;
}

export interface ChangeOutcome {
  /** `done`: read back as planned; `unchanged`: it was so already; `stopped`: some call failed, see `error`. */
  readonly kind: 'done' | 'unchanged' | 'stopped';
  readonly environments: readonly EnvironmentOutcome[];
  /** Changes of others to this flag's rollout since the plan was computed. */
  readonly foreign: readonly FlagEvent[];
  readonly error?: AppError;
}

export interface ChangeRunnerOptions {
  readonly port: FlagReader & FlagWriter;
  readonly server: string;
  /** The Unleash user who writes, to tell one's own events from others'. */
  readonly userId: () => number | undefined;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly onInFlight?: (key: FlightKey, changing: boolean) => void;
}

export interface FlightKey {
  readonly project: string;
  readonly flag: string;
  readonly environment: string;
}

const EVENTS_READ = 200;
const LOWERING_TRIES = 4;
const RETRY_WAIT_MS = 500;
/** After these nothing was written; after any other failure of a write, what holds now has to be read. */
const REFUSALS = new Set(['auth', 'forbidden', 'notFound', 'conflict']);
const MAX_RETRY_WAIT_MS = 10_000;

/**
 * Reads, applies and verifies changes of live flags: one change in flight per flag and environment; refused when what
 * the plan was computed from has changed; calls that lower exposure are repeated through faults, calls that raise it
 * never; success is only what was read back.
 */
export class ChangeRunner {
  readonly #options: ChangeRunnerOptions;
  readonly #inFlight = new Set<string>();

  constructor(options: ChangeRunnerOptions) {
    this.#options = options;
  }

  isChanging(key: FlightKey): boolean {
    return this.#inFlight.has(flightId(key));
  }

  /** A fresh reading of a flag to compute plans from. */
  async read(project: string, flag: string, signal?: AbortSignal): Promise<FlagReading> {
    const { port, server } = this.#options;
    // The log first: an event that comes in between is then seen as newer than the baseline, never missed.
    const { events } = await port.readEvents({ flag, limit: EVENTS_READ }, signal);
    const [detail, segments] = await Promise.all([port.readFlag(project, flag, signal), port.readSegments(signal)]);
    return { server, detail, segments, events };
  }

  /** @throws AppError conflict when the plan no longer holds or a change is under way; validation when it has blockers */
  async apply(plan: ChangePlan, signal?: AbortSignal): Promise<ChangeOutcome> {
    const [blocker] = plan.blockers;
    if (blocker !== undefined) throw new AppError('validation', blocker.message, { reason: 'blocked', environment: blocker.environment });
    const keys = plan.environments.map(({ environment }) => ({ project: plan.project, flag: plan.flag, environment }));
    const busy = keys.find((key) => this.isChanging(key));
    if (busy !== undefined) {
      throw new AppError('conflict', `A change of ${busy.flag} in ${busy.environment} is under way: wait for it to end.`, { reason: 'inFlight' });
    }
    for (const key of keys) this.#setInFlight(key, true);
    try {
      return await this.#applyAll(plan, signal);
    } finally {
      for (const key of keys) this.#setInFlight(key, false);
    }
  }

  #setInFlight(key: FlightKey, changing: boolean): void {
    if (changing) this.#inFlight.add(flightId(key));
    else this.#inFlight.delete(flightId(key));
    this.#options.onInFlight?.(key, changing);
  }

  async #applyAll(plan: ChangePlan, signal?: AbortSignal): Promise<ChangeOutcome> {
    const changes = await this.#preflight(plan, signal);
    let error: AppError | undefined;
    for (const change of changes) {
      error = await this.#applyEnvironment(plan, change, signal).then(() => undefined, toAppError);
      if (error !== undefined) break;
    }
    return this.#verify(plan, changes.length === 0, error);
  }

  /** The changes still to be made. A double click finds none: the first one has reached the target. */
  async #preflight(plan: ChangePlan, signal?: AbortSignal): Promise<EnvironmentChange[]> {
    const { port } = this.#options;
    const [{ flag }, segments] = await Promise.all([
      port.readFlag(plan.project, plan.flag, signal),
      plan.segments.length > 0 ? port.readSegments(signal) : [],
    ]);
    const live = segmentMap(segments);
    if (plan.segments.some((segment) => JSON.stringify(live.get(segment.id)) !== JSON.stringify(segment))) {
      throw stale(plan, 'a segment it uses was edited');
    }
    return plan.environments.filter((change) => {
      const now = environmentOf(flag, change.environment);
      if (now === undefined) throw stale(plan, `${change.environment} is gone`);
      if (reached(now, change.after)) return false;
      if (!sameEnvironment(now, change.before)) throw stale(plan, `${change.environment} was changed by somebody else`);
      return true;
    });
  }

  async #applyEnvironment(plan: ChangePlan, change: EnvironmentChange, signal?: AbortSignal): Promise<void> {
    let state = change.before;
    for (const step of change.steps) {
      const next = afterCall(state, step);
      await this.#applyStep(plan, change, step, state, next, signal);
      state = next;
    }
  }

  /** One call. A failure that leaves it open whether it was written is settled by reading. */
  async #applyStep(plan: ChangePlan, change: EnvironmentChange, step: Step, before: FlagEnvironment, after: FlagEnvironment, signal?: AbortSignal): Promise<void> {
    const mayRepeat = step.exposure === 'lower' || step.exposure === 'equal';
    for (let attempt = 1; ; attempt += 1) {
      const error = await this.#write(plan, change.environment, step, signal).then(() => undefined, toAppError);
      if (error === undefined) return;
      if (REFUSALS.has(error.code) && attempt === 1) throw error;
      const now = await this.#readBack(plan, change.environment);
      if (now !== undefined && reached(now, after) && !reached(now, before)) return;
      if (!mayRepeat || error.code === 'cancelled' || attempt >= LOWERING_TRIES || (now !== undefined && !reached(now, before))) throw error;
      const asked = error.data['retryAfterMs'];
      await this.#options.sleep(Math.min(typeof asked === 'number' ? asked : RETRY_WAIT_MS * attempt, MAX_RETRY_WAIT_MS), signal);
    }
  }

  #write(plan: ChangePlan, environment: string, call: Call, signal?: AbortSignal): Promise<void> {
    const { port } = this.#options;
    const ref = { project: plan.project, flag: plan.flag, environment };
    switch (call.kind) {
      case 'patch':
        return port.patchStrategy({ ...ref, strategyId: call.from.id }, call.from, call.to, signal);
      case 'add':
        return port.addStrategy(ref, call.strategy, signal);
      case 'remove':
        return port.removeStrategy({ ...ref, strategyId: call.strategy.id }, signal);
      case 'switch':
        return port.setEnvironmentEnabled(ref, call.enabled, signal);
    }
  }

  async #readBack(plan: ChangePlan, environment: string): Promise<FlagEnvironment | undefined> {
    try {
      return environmentOf((await this.#options.port.readFlag(plan.project, plan.flag)).flag, environment);
    } catch {
      return undefined;
    }
  }

  /** Reads back, also after a failure or cancel: what holds now is told either way. */
  async #verify(plan: ChangePlan, unchanged: boolean, error: AppError | undefined): Promise<ChangeOutcome> {
    const { port } = this.#options;
    const segments = segmentMap(plan.segments);
    const [flag, events] = await Promise.all([
      port.readFlag(plan.project, plan.flag).then((detail) => detail.flag, toAppError),
      port.readEvents({ flag: plan.flag, limit: EVENTS_READ }).then((page) => page.events, toAppError),
    ]);
    const environments = plan.environments.map((change): EnvironmentOutcome => {
      const now = flag instanceof AppError ? undefined : environmentOf(flag, change.environment);
      return {
        environment: change.environment,
        now: now && describeRollout(effectiveRollout(now, segments)),
        reached: now !== undefined && compareExposure(now, change.after, segments) === 'equal' && reached(now, change.after),
      };
    });
    const foreign = events instanceof AppError ? [] : foreignChanges(plan, events, this.#options.userId());
    const failure = error ?? (flag instanceof AppError ? flag : undefined) ?? (events instanceof AppError ? events : undefined) ?? notReached(plan, environments);
    return {
      kind: failure !== undefined ? 'stopped' : unchanged ? 'unchanged' : 'done',
      environments,
      foreign,
      ...(failure === undefined ? {} : { error: failure }),
    };
  }
}

function flightId({ project, flag, environment }: FlightKey): string {
  return JSON.stringify([project, flag, environment]);
}

function stale(plan: ChangePlan, what: string): AppError {
  return new AppError('conflict', `Nothing was changed: since the change of ${plan.flag} was computed, ${what}. Look at the present state and try again.`, { reason: 'stale' });
}

function notReached(plan: ChangePlan, environments: readonly EnvironmentOutcome[]): AppError | undefined {
  const missed = environments.find(({ reached: ok }) => !ok);
  return missed && new AppError('conflict', `${plan.flag} in ${missed.environment} is not what was asked for: it reads back as ${missed.now ?? 'unknown'}.`, { reason: 'readBack' });
}

/**
 * The flag's rollout events since the plan that the plan's own calls do not account for. A strategy edit of ours whose
 * "before" is not what we read is foreign as well: somebody wrote in between and was overwritten.
 */
export function foreignChanges(plan: ChangePlan, events: readonly FlagEvent[], userId: number | undefined): FlagEvent[] {
  const expected = plan.environments.flatMap(({ environment, steps }) => steps.map((step) => ({ environment, step })));
  const ownGroups = new Set<string>();
  return events
    .filter((event) => event.id > plan.baselineEvent && changesRollout(event))
    .toSorted((a, b) => a.id - b.id)
    .filter((event) => {
      if (event.groupId !== undefined && ownGroups.has(event.groupId)) return false;
      const index = expected.findIndex(({ environment, step }) => event.byId === userId && event.environment === environment && isEventOf(step, event));
      if (index < 0) return true;
      expected.splice(index, 1);
      if (event.groupId !== undefined) ownGroups.add(event.groupId);
      return false;
    });
}

function isEventOf(step: Step, event: FlagEvent): boolean {
  switch (step.kind) {
    case 'patch':
      return event.type === 'feature-strategy-update' && event.strategy?.id === step.from.id && strategyKey(event.strategy) === strategyKey(step.to)
        && event.previousStrategy !== undefined && strategyKey(event.previousStrategy) === strategyKey(step.from);
    case 'add':
      return event.type === 'feature-strategy-add' && event.strategy !== undefined && strategyKey(event.strategy) === strategyKey(step.strategy);
    case 'remove':
      return event.type === 'feature-strategy-remove' && event.previousStrategy?.id === step.strategy.id;
    case 'switch':
      return event.type === (step.enabled ? 'feature-environment-enabled' : 'feature-environment-disabled');
  }
}
