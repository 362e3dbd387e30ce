import { throwIfCancelled, toAppError, type AppError } from '../base/errors.ts';
import { plainLine } from '../base/words.ts';
import type { ChangePlan, EnvironmentChange } from '../flags/changePlan.ts';
import type { ChangeOutcome, ChangeRunner } from '../flags/changeRunner.ts';
import type { FlagReading } from '../flags/planning.ts';
import { mergePlans, planSwitchOff } from '../flags/planner.ts';
import type { ModelMapping } from '../workspace/config.ts';
import { GUARD_DEFAULTS } from '../workspace/guard.ts';
import type { ReleaseAssessment } from './assessment.ts';
import { watchChampion, type ChampionWatch } from './championWatch.ts';
import { interruptedRollback, type InterruptedRollback } from './interrupted.ts';
import { latches } from './latch.ts';
import type { LookedAt, ReleaseReader } from './releaseReader.ts';
import { planLatch, planStepDown, planTowardsOff, stageBefore } from './stageChange.ts';

/** What one look of the guard came to, worst first. */
export type GuardState =
  /** A breach, and the read-back shows more exposure than there should be. */
  | 'not lowered'
  | 'rolled back'
  /** It would have been rolled back, but for `dryRun`. */
  | 'breach'
  /** The flag could not be read, so nothing was judged. */
  | 'unreadable'
  | 'alarm'
  | 'needs a person'
  | 'advanced'
  | 'healthy';

/** Two guards may take the same exposure back: the second finds it lowered. */
export interface GuardReport {
  readonly model: string;
  readonly flag: string;
  readonly environments: readonly string[];
  readonly state: GuardState;
  /** Why, in sentences; the first is the one to show where there is room for one. */
  readonly words: readonly string[];
  readonly assessment?: ReleaseAssessment;
  readonly champion?: ChampionWatch;
  /** The change that was made, or would be. */
  readonly change?: ChangePlan;
  readonly outcome?: ChangeOutcome;
}

export interface GuardPorts {
  readonly reader: Pick<ReleaseReader, 'look'>;
  readonly runner: Pick<ChangeRunner, 'read' | 'apply'>;
  readonly project: string;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Keeps the evidence of a rollback at the candidate's version; a failure is told and changes nothing. */
  readonly keepEvidence: (assessment: ReleaseAssessment, words: readonly string[], signal?: AbortSignal) => Promise<void>;
}

export interface GuardOptions {
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const LOOK_TRIES = 3;
const LOWER_TRIES = 6;
const WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
/** The switch that ends exposure does not wait longer for what is said before it. */
const MARK_MS = 5000;

/** One look at one release, and what it asks for. It remembers nothing: whatever it did stands in Unleash. @throws AppError cancelled */
export async function guardRelease(ports: GuardPorts, model: ModelMapping, flag: string, { dryRun = false, signal }: GuardOptions = {}): Promise<GuardReport> {
  let looked: LookedAt;
  try {
    looked = await lookAgain(ports, model, flag, signal);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'cancelled') throw error;
    return { model: model.name, flag, environments: [], state: 'unreadable', words: [error.message] };
  }
  const { assessment, look } = looked;
  const { verdict } = assessment;
  const common = { model: model.name, flag, environments: [assessment.environment], assessment };
  if (verdict.word === 'rollback' && assessment.rollback.kind === 'change') {
    const { change } = assessment.rollback;
    const words = verdict.reasons.map((reason) => reason.words);
    const environments = change.environments.map(({ environment }) => environment);
    if (dryRun) return { ...common, environments, state: 'breach', words, change };
    return takeBack(ports, model, { assessment, reasons: words, stage: assessment.stage, baseline: change.baselineEvent, environments }, signal);
  }
  const interrupted = interruptedIn(model, look.reading);
  if (interrupted !== undefined) {
    const { environment, stage, event, because } = interrupted;
    const words = [plainLine(because, 80), `a guard's rollback of ${plainLine(environment, 40)} was interrupted, and is finished now`];
    if (dryRun) return { ...common, environments: [environment], state: 'breach', words };
    return takeBack(ports, model, { assessment, reasons: words, stage, baseline: event - 1, environments: [environment] }, signal);
  }
  const champion = assessment.state === 'under way' ? undefined : watchChampion(look);
  const watched = champion === undefined ? common : { ...common, champion };
  const stage = model.plan?.[assessment.stage];
  if (verdict.word === 'advance' && stage?.auto === true && assessment.next.kind === 'change' && looked.gates?.kind !== 'block') {
    const { change } = assessment.next;
    return dryRun ? { ...watched, state: 'healthy', words: [`would go on from ${assessment.stageWords}`], change } : advanced(ports, watched, change, signal);
  }
  const words = [...verdict.reasons.map((reason) => reason.words), ...champion?.alarms ?? []];
  if (verdict.alarm || (champion?.alarms.length ?? 0) > 0) return { ...watched, state: 'alarm', words: [...champion?.alarms ?? [], ...verdict.reasons.map((reason) => reason.words)] };
  const isWaiting = verdict.word === 'advance' || (assessment.needsPerson && assessment.state !== 'not started') || assessment.latch !== undefined;
  return { ...watched, state: isWaiting ? 'needs a person' : 'healthy', words: verdict.word === 'advance' ? [`may go on from ${assessment.stageWords}`] : words };
}

function interruptedIn({ plan = [], guard = GUARD_DEFAULTS }: ModelMapping, reading: FlagReading): InterruptedRollback | undefined {
  const environments = [...new Set(plan.map(({ environment }) => environment))];
  return environments.map((name) => interruptedRollback(plan, reading, name, guard)).find((found) => found !== undefined);
}

async function lookAgain({ reader, sleep }: GuardPorts, model: ModelMapping, flag: string, signal: AbortSignal | undefined): Promise<LookedAt> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await reader.look(model, flag, signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (attempt >= LOOK_TRIES || !['network', 'timeout', 'rateLimited', 'internal', 'validation'].includes(error.code)) throw error;
      await sleep(WAIT_MS * attempt, signal);
    }
  }
}

async function advanced({ runner }: GuardPorts, report: Pick<GuardReport, 'model' | 'flag' | 'environments' | 'assessment' | 'champion'>, change: ChangePlan, signal: AbortSignal | undefined): Promise<GuardReport> {
  try {
    const outcome = await runner.apply(change, signal);
    if (outcome.error !== undefined) return { ...report, state: 'needs a person', words: [`it did not go on: ${outcome.error.message}`], change, outcome };
    return { ...report, state: 'advanced', words: change.environments.map(({ environment, from, to }) => `${environment}: ${from} -> ${to}`), change, outcome };
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'cancelled') throw error;
    // Somebody else was quicker: the next look sees what holds now.
    return { ...report, state: error.code === 'conflict' ? 'healthy' : 'needs a person', words: [`it did not go on: ${error.message}`], change };
  }
}

/** What is taken back, why, and from which stage. */
interface TakeBack {
  readonly assessment: ReleaseAssessment;
  readonly reasons: readonly string[];
  readonly stage: number;
  /** What a guard wrote after this event is about the same breach. */
  readonly baseline: number;
  readonly environments: readonly string[];
}

/**
 * Takes exposure back by compare-and-set, again from a fresh reading as long as something is in the way; where that does not do, the environments are switched
 * off. Success is what was read back.
 */
async function takeBack(ports: GuardPorts, model: ModelMapping, wanted: TakeBack, signal: AbortSignal | undefined): Promise<GuardReport> {
  const { assessment, reasons, environments } = wanted;
  const { flag } = assessment;
  const common = { model: model.name, flag, environments, assessment };
  let last: AppError | undefined;
  for (let attempt = 1; attempt <= LOWER_TRIES; attempt += 1) {
    throwIfCancelled(signal);
    try {
      const reading = await ports.runner.read(ports.project, flag, signal);
      const change = lowering(model, wanted, reading);
      if (isTakenBack(reading, change, wanted)) {
        const done = last === undefined ? ['another guard has taken it back already'] : ['read back as taken back', ...await evidenceWords(ports, assessment, reasons, signal)];
        return { ...common, state: 'rolled back', words: [...reasons, ...done] };
      }
      if (change.environments.every(({ before, steps }) => !before.enabled || steps.length === 0) && change.blockers.length === 0) {
        const marked = await markLatched(ports, common, reasons, signal);
        return { ...common, state: 'rolled back', words: [...reasons, 'somebody has taken it back already', ...marked, ...await evidenceWords(ports, assessment, reasons, signal)] };
      }
      if (change.blockers.length > 0) {
        const words = [...reasons, ...change.blockers.map(({ message }) => message)];
        return await switchOff(ports, model, wanted, reading, words, signal, await markTowardsOff(ports, model, wanted, reading, words, signal));
      }
      const outcome = await ports.runner.apply(change, signal);
      if (outcome.error === undefined) {
        const kept = await evidenceWords(ports, assessment, reasons, signal);
        return { ...common, state: 'rolled back', words: [...reasons, ...change.environments.map(({ environment, from, to }) => `${plainLine(environment, 40)}: ${from} -> ${to}, read back`), ...kept], change, outcome };
      }
      last = outcome.error;
    } catch (thrown) {
      last = toAppError(thrown);
      if (last.code === 'cancelled') throw last;
      if (last.code === 'auth' || last.code === 'forbidden') break;
    }
    const asked = last.data['retryAfterMs'];
    await ports.sleep(Math.min(typeof asked === 'number' ? asked : WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS), signal);
  }
  try {
    return await switchOff(ports, model, wanted, await ports.runner.read(ports.project, flag, signal), [...reasons, ...(last === undefined ? [] : [last.message])], signal, false);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'cancelled') throw error;
    return { ...common, state: 'not lowered', words: [`Exposure could not be taken back: ${error.message} Switch the environment off in Unleash.`, ...reasons] };
  }
}

/** A guard said so, and it is so: a title alone does not lower what somebody raised since, or what the guard had not come to. */
function isTakenBack(reading: FlagReading, change: ChangePlan, { environments, baseline }: TakeBack): boolean {
  const latched = new Set(latches(reading.events).filter(({ event }) => event > baseline).map(({ environment }) => environment));
  const isDown = ({ environment, before, steps }: EnvironmentChange): boolean => !before.enabled || (steps.length === 0 && change.blockers.every((blocker) => blocker.environment !== environment));
  return environments.every((name) => latched.has(name)) && change.environments.every(isDown);
}

/** The stage to which an environment is taken back. */
function targetOf({ plan = [], guard: { onBreach } = GUARD_DEFAULTS }: ModelMapping, stage: number, environment: string): number {
  return onBreach === 'zero' ? -1 : stageBefore(plan, stage, environment);
}

function lowering(model: ModelMapping, { environments, stage, reasons }: TakeBack, reading: FlagReading): ChangePlan {
  return mergePlans(environments.map((name) => planStepDown(model.plan ?? [], targetOf(model, stage, name), reading, name, 'guard', { reason: plainLine(reasons[0] ?? '', 80) })));
}

async function switchOff(ports: GuardPorts, model: ModelMapping, wanted: TakeBack, reading: FlagReading, words: readonly string[], signal: AbortSignal | undefined, isMarked: boolean): Promise<GuardReport> {
  const { assessment, environments } = wanted;
  const common = { model: model.name, flag: assessment.flag, environments, assessment };
  const change = planSwitchOff('kill', reading, environments);
  const outcome = await ports.runner.apply(change, signal);
  if (outcome.error !== undefined) return { ...common, state: 'not lowered', words: [`Exposure could not be taken back: ${outcome.error.message} Switch the environment off in Unleash.`, ...words], change, outcome };
  const unmarked = isMarked ? [] : await markLatched(ports, common, words, signal);
  return { ...common, state: 'rolled back', words: [...words, 'as a last resort the environment was switched off', ...unmarked, ...await evidenceWords(ports, assessment, words, signal)], change, outcome };
}

/** Says in the log what comes next, so that a guard which is killed before it leaves its latch and the next one goes on; whether it stands there. Whatever becomes of it, the switch comes next. */
async function markTowardsOff({ runner }: GuardPorts, model: ModelMapping, { environments, stage }: TakeBack, reading: FlagReading, words: readonly string[], signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const change = mergePlans(environments.map((name) => planTowardsOff(model.plan ?? [], targetOf(model, stage, name), reading, name, { reason: plainLine(words[0] ?? '', 80) })));
    const soon = AbortSignal.timeout(MARK_MS);
    return (await runner.apply(change, signal === undefined ? soon : AbortSignal.any([signal, soon]))).error === undefined;
  } catch (thrown) {
    if (signal?.aborted === true) throw thrown;
    return false;
  }
}

/** Lets environments that are down say that they are to stay so; gives a sentence for each that cannot. */
async function markLatched({ runner, project }: GuardPorts, { flag, environments }: Pick<GuardReport, 'flag' | 'environments'>, words: readonly string[], signal: AbortSignal | undefined): Promise<string[]> {
  const unmarked: string[] = [];
  for (const name of environments) {
    const error = await runner.read(project, flag, signal).then((now) => runner.apply(planLatch(now, name, { reason: plainLine(words[0] ?? '', 80) }), signal)).then((outcome) => outcome.error, toAppError);
    if (error !== undefined) unmarked.push(`${plainLine(name, 40)} is down, but its strategies do not say that the guard keeps it so: ${error.message}`);
  }
  return unmarked;
}

/** Exposure is down by now: whatever happens to the evidence is a note. */
async function evidenceWords({ keepEvidence }: GuardPorts, assessment: ReleaseAssessment, reasons: readonly string[], signal: AbortSignal | undefined): Promise<string[]> {
  try {
    await keepEvidence(assessment, reasons, signal);
    return [];
  } catch (thrown) {
    return [`the evidence could not be written to the registry: ${plainLine(toAppError(thrown).message, 200)}`];
  }
}
