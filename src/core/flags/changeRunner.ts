import { AppError, toAppError } from '../base/errors.ts';
import { sameEnvironment, sameStrategy } from './compare.ts';
import { afterCall, findAlike, reached, titlesReached, type Call, type ChangePlan, type EnvironmentChange, type Step } from './changePlan.ts';
import { foreignChanges, type SentCall } from './foreignChanges.ts';
import { environmentOf, type FlagEnvironment, type Strategy } from './model.ts';
import { readFamily } from './parents.ts';
import { segmentMap, type FlagReading } from './planner.ts';
import type { FlagEvent, FlagReader, FlagWriter } from './ports.ts';
import { describeEnvironment, describeRollout, effectiveRollout, exposureWithin } from './rollout.ts';
import { pinsOf, pinsText, strategyTitle } from './titles.ts';

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
  /** What could not be made sure of, or happened beside it. */
  readonly warnings: readonly string[];
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

/** One change on its way. */
interface Run {
  readonly plan: ChangePlan;
  readonly userId: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** What was written, or may have been, once for each time that it was sent. */
  readonly sent: SentCall[];
}

const EVENTS_READ = 200;
const LOWERING_TRIES = 4;
const RETRY_WAIT_MS = 500;
/** After these nothing was written; after any other failure of a write, what holds now has to be read. */
const REFUSALS = new Set(['auth', 'forbidden', 'notFound', 'conflict']);
const MAX_RETRY_WAIT_MS = 10_000;
const SETTLE_LOOKS = 3;
const SETTLE_WAIT_MS = 1000;

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
    return { server, detail, segments, events, family: await readFamily(port, detail, signal) };
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
    const run: Run = { plan, userId: this.#options.userId(), signal, sent: [] };
    const changes = await this.#preflight(plan, signal);
    let error: AppError | undefined;
    for (const change of changes) {
      const failure = await this.#applyEnvironment(run, change).then(() => undefined, toAppError);
      error ??= failure;
      // One environment that cannot be lowered is no reason to leave the others up.
      if (failure !== undefined && (change.exposure !== 'lower' || failure.code === 'cancelled')) break;
    }
    return this.#verify(run, changes.length === 0, error);
  }

  /** The changes still to be made. A double click finds none: the first one has reached the target. */
  async #preflight(plan: ChangePlan, signal?: AbortSignal): Promise<EnvironmentChange[]> {
    const { port } = this.#options;
    const [{ flag }, editedSegment] = await Promise.all([port.readFlag(plan.project, plan.flag, signal), this.#editedSegment(plan, signal)]);
    return plan.environments.filter((change) => {
      const now = environmentOf(flag, change.environment);
      if (now === undefined) throw stale(plan, `${change.environment} is gone`);
      if (isReached(change, now)) return false;
      // Off is off, whatever the strategies have become: in an emergency nothing may get in the way.
      if (isSwitchOff(change)) return true;
      if (editedSegment !== undefined) throw stale(plan, `a segment it uses was edited ("${editedSegment}")`);
      if (!sameEnvironment(now, change.before)) throw stale(plan, `${change.environment} was changed by somebody else`);
      return true;
    });
  }

  /** The name of a segment that is no longer what the plan was computed from. */
  async #editedSegment(plan: ChangePlan, signal?: AbortSignal): Promise<string | undefined> {
    if (plan.segments.length === 0) return undefined;
    const live = segmentMap(await this.#options.port.readSegments(signal));
    return plan.segments.find((segment) => JSON.stringify(live.get(segment.id)) !== JSON.stringify(segment))?.name;
  }

  async #applyEnvironment(run: Run, change: EnvironmentChange): Promise<void> {
    let state = change.before;
    for (const [index, step] of change.steps.entries()) {
      // The first call comes right after the preflight; before later ones that may raise, one looks again.
      if (index > 0 && step.exposure !== 'lower') await this.#requireState(run.plan, change, state);
      const next = afterCall(state, step);
      await this.#applyStep(run, change.environment, step, state, next, run.signal);
      if (step.kind === 'switch' && step.enabled) await this.#checkSwitchedOn(run, change);
      state = next;
    }
  }

  async #requireState(plan: ChangePlan, change: EnvironmentChange, expected: FlagEnvironment): Promise<void> {
    const now = await this.#readBack(plan, change.environment);
    if (now === undefined) throw new AppError('network', `${change.environment} could not be read between two calls, so the rest was not sent.`, { reason: 'readBack' });
    if (!reached(now, expected)) throw new AppError('conflict', `${change.environment} was changed by somebody else in the middle of the change, so the rest was not sent.`, { reason: 'stale' });
  }

  /** Unleash adds 100 % when the last enabled strategy vanished just before the switch: then it goes off again at once. */
  async #checkSwitchedOn(run: Run, change: EnvironmentChange): Promise<void> {
    const now = await this.#readBack(run.plan, change.environment);
    const segments = segmentMap(run.plan.segments);
    if (now === undefined || exposureWithin(now, [change.before, change.after], segments)) return;
    const off: Step = { kind: 'switch', enabled: false, exposure: 'lower' };
    await this.#applyStep(run, change.environment, off, now, { ...now, enabled: false });
    throw new AppError('conflict', `${change.environment} would have exposed ${describeRollout(effectiveRollout(now, segments))}, because somebody changed its strategies meanwhile: it was switched off again.`, { reason: 'stale' });
  }

  /** One call. A failure that leaves it open whether it was written is settled by reading. */
  async #applyStep(run: Run, environment: string, step: Step, before: FlagEnvironment, after: FlagEnvironment, signal?: AbortSignal): Promise<void> {
    // An addition that is sent twice makes two strategies, also where it exposes nobody yet.
    const mayRepeat = step.exposure === 'lower' || (step.exposure === 'equal' && step.kind !== 'add');
    for (let attempt = 1; ; attempt += 1) {
      const error = await this.#send(run, environment, step, signal);
      if (error === undefined) return;
      if (isCertain(error) && (!mayRepeat || REFUSALS.has(error.code)) && attempt === 1) throw error;
      const now = await this.#readBack(run.plan, environment);
      if (now !== undefined && hasLanded(step, now, before, after)) return;
      if (!mayRepeat) {
        if (await this.#settleRaise(run, environment, step, before, after)) return;
        throw new AppError(error.code, `${error.message} Whether the change arrived is not known: it may still take effect, look again in a minute.`, { ...error.data, reason: 'unknown' }, error);
      }
      if (error.code === 'cancelled' || attempt >= LOWERING_TRIES || (now !== undefined && !isUntouched(step, now, before))) throw error;
      const asked = error.data['retryAfterMs'];
      await this.#options.sleep(Math.min(typeof asked === 'number' ? asked : RETRY_WAIT_MS * attempt, MAX_RETRY_WAIT_MS), signal);
    }
  }

  /**
   * A raising call whose answer was lost may still be on its way. It is never repeated: one looks for a while whether it
   * lands, then makes a strategy edit impossible by changing the title that its compare-and-set expects.
   *
   * @returns true when it landed; throws when it is certain that it did not and will not; false when nothing is certain
   */
  async #settleRaise(run: Run, environment: string, step: Step, before: FlagEnvironment, after: FlagEnvironment): Promise<boolean> {
    for (let look = 0; look < SETTLE_LOOKS; look += 1) {
      await this.#options.sleep(SETTLE_WAIT_MS);
      const now = await this.#readBack(run.plan, environment);
      if (now !== undefined && hasLanded(step, now, before, after)) return true;
    }
    if (step.kind !== 'patch') return false;
    const title = strategyTitle([pinsText(pinsOf(step.from.title)) ?? '', `${step.from.parameters['rollout'] ?? ''} %`, 'interrupted change withdrawn']);
    const fence = await this.#send(run, environment, { kind: 'patch', from: step.from, to: { ...step.from, title } });
    if (fence !== undefined) {
      const now = await this.#readBack(run.plan, environment);
      return now !== undefined && hasLanded(step, now, before, after);
    }
    throw new AppError('network', 'The call failed and was withdrawn, so it cannot take effect later.', { reason: 'withdrawn' });
  }

  /** Sends a call once and keeps what may have been written. Gives what went wrong. */
  async #send({ plan, sent }: Run, environment: string, call: Call, signal?: AbortSignal): Promise<AppError | undefined> {
    const error = await this.#write(plan, environment, call, signal).then(() => undefined, toAppError);
    if (error === undefined || !isCertain(error)) sent.push({ environment, call });
    return error;
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
      case 'order':
        return this.#writeOrder(plan, environment, call.strategies, signal);
      case 'switch':
        return port.setEnvironmentEnabled(ref, call.enabled, signal);
    }
  }

  /** Strategies that were added just now got their ids from the server. */
  async #writeOrder(plan: ChangePlan, environment: string, goals: readonly Strategy[], signal?: AbortSignal): Promise<void> {
    const { port } = this.#options;
    const { flag } = await port.readFlag(plan.project, plan.flag, signal);
    const now = environmentOf(flag, environment)?.strategies ?? [];
    const ids = goals.flatMap((goal) => findAlike(now, goal)?.id ?? []);
    if (ids.length !== now.length) throw new AppError('conflict', `The strategies of ${environment} are not those that were to be put in order.`, { reason: 'stale' });
    await port.orderStrategies({ project: plan.project, flag: plan.flag, environment }, ids, signal);
  }

  async #readBack(plan: ChangePlan, environment: string): Promise<FlagEnvironment | undefined> {
    try {
      return environmentOf((await this.#options.port.readFlag(plan.project, plan.flag)).flag, environment);
    } catch {
      return undefined;
    }
  }

  /** Reads back, also after a failure or cancel: what holds now is told either way. */
  async #verify({ plan, sent, userId }: Run, unchanged: boolean, error: AppError | undefined): Promise<ChangeOutcome> {
    const { port } = this.#options;
    const [flag, editedSegment] = await Promise.all([
      port.readFlag(plan.project, plan.flag).then((detail) => detail.flag, toAppError),
      this.#editedSegment(plan).catch(() => undefined),
    ]);
    // The log last: whoever made the state that was read stands in it.
    const events = await port.readEvents({ flag: plan.flag, limit: EVENTS_READ }).then((page) => page.events, toAppError);
    const environments = plan.environments.map((change): EnvironmentOutcome => {
      const now = flag instanceof AppError ? undefined : environmentOf(flag, change.environment);
      return {
        environment: change.environment,
        now: now && describeEnvironment(now, segmentMap(plan.segments)),
        reached: now !== undefined && isReached(change, now),
      };
    });
    const failure = error ?? (flag instanceof AppError ? flag : undefined) ?? notReached(plan, environments);
    return {
      kind: failure !== undefined ? 'stopped' : unchanged ? 'unchanged' : 'done',
      environments,
      foreign: events instanceof AppError ? [] : foreignChanges(events, plan.baselineEvent, sent, userId),
      warnings: [
        ...(events instanceof AppError ? [`The event log could not be read (${events.message}), so changes of others were not looked for.`] : []),
        ...(editedSegment === undefined ? [] : [`The segment "${editedSegment}" was edited meanwhile: the exposure may differ from the plan.`]),
      ],
      ...(failure === undefined ? {} : { error: failure }),
    };
  }
}

/** A change that does nothing but switch off: it needs no agreement about strategies. */
function isSwitchOff({ steps, after }: EnvironmentChange): boolean {
  return !after.enabled && steps.length === 1 && steps[0]?.kind === 'switch';
}

function isReached(change: EnvironmentChange, now: FlagEnvironment): boolean {
  return isSwitchOff(change) ? !now.enabled : reached(now, change.after) && (change.titled !== true || titlesReached(now, change.after));
}

/** Whether a call that failed certainly wrote nothing, and will not. */
function isCertain(error: AppError): boolean {
  return REFUSALS.has(error.code) || error.data['sent'] === false;
}

/** Whether a call whose answer is missing did its work. */
function hasLanded(step: Step, now: FlagEnvironment, before: FlagEnvironment, after: FlagEnvironment): boolean {
  if (step.kind === 'switch') return now.enabled === step.enabled;
  if (step.kind === 'patch' && now.strategies.some((strategy) => sameStrategy(strategy, step.to))) return true;
  return reached(now, after) && !reached(now, before);
}

/** Whether the environment still is as the call found it, so that the call may be sent again. */
function isUntouched(step: Step, now: FlagEnvironment, before: FlagEnvironment): boolean {
  return step.kind === 'switch' ? now.enabled !== step.enabled : reached(now, before);
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
