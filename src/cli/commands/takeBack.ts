import { AppError, toAppError } from '../../core/base/errors.ts';
import { parseDuration } from '../../core/base/duration.ts';
import { plainLine } from '../../core/base/words.ts';
import type { ChangePlan } from '../../core/flags/changePlan.ts';
import type { ChangeOutcome } from '../../core/flags/changeRunner.ts';
import { planRollback } from '../../core/flags/planner.ts';
import type { FlagReading } from '../../core/flags/planning.ts';
import type { Pin } from '../../core/flags/titles.ts';
import { planUndo } from '../../core/flags/undo.ts';
import { awaitVersion, type Answering } from '../../core/releases/answering.ts';
import { pinsInLog, planAliasReturn, returnAlias, type AliasReturn } from '../../core/releases/complete.ts';
import { planPosition } from '../../core/releases/position.ts';
import { planAllTheWay, planBackToEvent, planPreviousStage, planToStage } from '../../core/releases/takeBack.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import { sleep } from '../../adapters/node/sleep.ts';
import { askForProject } from '../configuration.ts';
import { connectCli, required, writeJson, type CliContext, type Command } from '../context.ts';
import { exitCode } from '../exitCodes.ts';
import { onlyFlag, withReleases, type CliReleases } from '../releases.ts';
import { runChange, writeOutcome, writePlan, type Planner } from './changes.ts';

/** How long a rollback after completion waits to see the version that was current before answer. */
const WAIT = '2m';
/** A registry that does not answer does not keep exposure up for longer. */
const REGISTRY_MS = 5000;

/** A release of modelswitch.yaml that is taken back. */
interface Known {
  readonly model: ModelMapping;
  readonly flag: string;
}

export const rollback: Command = {
  name: 'rollback',
  usage: 'rollback (--flag F | --model M) [--environment E] [--stage N | --all-the-way | --event ID] [--from PERCENT] [--wait 2m] [--dry-run] [--json]',
  summary: 'to the previous stage, an earlier state, or nobody',
  details: 'A flag with a plan goes to its previous stage, any other to the state before that exposes less. --stage 0 is before the first. --event takes an id of history. It asks nothing but Unleash; only for a release that is complete the registry: the alias is taken back too, and it waits until the log says that the version before answers again.',
  options: { stage: { type: 'string' }, 'all-the-way': { type: 'boolean' }, event: { type: 'string' }, wait: { type: 'string' } },
  run,
};

export const undo: Command = {
  name: 'undo',
  usage: 'undo --flag F [--environment E] [--override REASON] [--dry-run] [--json]',
  summary: 'takes the last change of a flag back, up or down',
  details: 'Done twice, it is as before. Where it raises exposure it passes the gates of a promotion; what the guard took back is not undone but re-armed.',
  run: (context) => runChange(context, (reading, _environment, { options }, note) => planUndo(reading, note, options.environment), undefined),
};

async function run(context: CliContext): Promise<number> {
  const { options, own } = context;
  const [stage, event] = [numberOf(own['stage'], '--stage'), numberOf(own['event'], '--event')];
  const isWhole = own['all-the-way'] === true;
  if ([stage, event, isWhole ? 0 : undefined].filter((each) => each !== undefined).length > 1) throw new AppError('validation', 'Give one of --stage, --all-the-way and --event.');
  const wait = parseDuration(typeof own['wait'] === 'string' ? own['wait'] : WAIT);
  if (wait === undefined) throw new AppError('validation', '--wait takes a duration, such as 30s or 5m.');
  const known = await releaseOf(context);
  if (!('model' in known)) {
    if (stage !== undefined) throw new AppError('validation', `--stage is for a release by a plan, and no model of modelswitch.yaml has one that can be read for ${plainLine(known.flag)}: without --stage, or with --all-the-way, rollback works all the same.`);
    return runChange({ ...context, options: { ...options, flag: known.flag } }, plainRollback(event, isWhole), event === undefined && !isWhole ? 'roll back' : undefined);
  }
  const meant = { ...context, options: { ...options, flag: known.flag } };
  if (event !== undefined || (options.from !== undefined && stage === undefined && !isWhole)) return runChange(meant, event === undefined ? stageRollback(known) : plainRollback(event, false), event === undefined ? 'roll back' : undefined);
  return withReleases(meant, { decides: false }, (releases) => takeBack(meant, releases, known, { stage, isWhole, wait }));
}

function numberOf(given: unknown, option: string): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'string' || !/^\d{1,9}$/.test(given)) throw new AppError('validation', `${option} takes a number${typeof given === 'string' ? `, not "${plainLine(given, 40)}"` : ''}.`);
  return Number(given);
}

/** Without a plan, also from an empty directory: by the flag's own history. */
function plainRollback(event: number | undefined, isWhole: boolean): Planner {
  return (reading, environment, { options }, note) => {
    if (event !== undefined) return planBackToEvent(reading, event, note, options.environment);
    return isWhole ? wholeWay(reading, note.reason, options.environment) : planRollback(reading, environment(), note);
  };
}

/** To nobody in every environment that is on, whatever a plan says. @throws AppError validation where none is */
export function wholeWay(reading: FlagReading, reason: string | undefined, environment: string | undefined): ChangePlan {
  const back = planAllTheWay([], reading, { reason: reason ?? 'nobody' }, environment);
  if (back === undefined) throw new AppError('validation', `${reading.detail.flag.name} is off${environment === undefined ? ' in every environment' : ` in ${environment}`}: there is nothing to take back.`, { reason: 'nothingExposed' });
  return back.change;
}

function stageRollback({ model }: Known): Planner {
  return (reading, _environment, { options }, note) => planPreviousStage(model.plan ?? [], reading, note, options.environment).change;
}

/** The release that `--flag` or `--model` means; its flag only, where nothing that can be read is a plan for it, or there is no modelswitch.yaml. */
async function releaseOf(context: CliContext): Promise<Known | Pick<Known, 'flag'>> {
  const { options } = context;
  const { config, file } = await connectCli(context);
  const planned = (config?.models ?? []).filter(({ plan = [] }) => plan.length > 0).flatMap((model) => model.switches.map(({ flag }) => ({ model, flag })));
  const found = planned.filter(({ model, flag }) => (options.model === undefined || model.name === options.model) && (options.flag === undefined || flag === options.flag));
  if (options.flag === undefined && options.model === undefined) throw new AppError('validation', '--flag or --model is missing.');
  if (found.length > 1) throw new AppError('validation', `Say which release with --model and --flag: ${found.map(({ model, flag }) => `${model.name} (${flag})`).join(', ')}.`);
  return found[0] ?? { flag: options.flag ?? onlyFlag(file, required(options.model, '--model')) };
}

interface Wish {
  readonly stage: number | undefined;
  readonly isWhole: boolean;
  readonly wait: number;
}

/** What came of a rollback, for machines. */
interface Taken {
  readonly plan: ChangePlan | null;
  readonly outcome?: ChangeOutcome;
  readonly alias?: AliasReturn;
  readonly answering?: Answering;
  readonly notes: readonly string[];
}

const FREE = { kind: 'pass', warnings: [], blocks: [] } as const;

/** Exposure first, by Unleash alone; then, after a completion, the alias, and what the log says. */
async function takeBack(context: CliContext, releases: CliReleases, { model, flag }: Known, { stage, isWhole, wait }: Wish): Promise<number> {
  const { options, signal, write } = context;
  const plan = model.plan ?? [];
  const reading = await releases.runner.read(releases.target.project, flag, signal).catch((thrown: unknown) => unlessArchived(askForProject(thrown, options, releases.target.file)));
  const isLast = reading === undefined || planPosition(plan, reading).stage === plan.length - 1;
  const pin = reading === undefined ? await archivedPin(context, releases, flag, model) : pinsInLog(reading.events, model.name)[0];
  // Only from the last stage can a release have been completed; otherwise the registry is not asked.
  const look = (): Promise<CompletionFound> => (isLast && stage === undefined ? completion(releases, model, flag, pin, signal) : Promise.resolve({}));
  const isDry = options['dry-run'] === true;
  // All the way is the same with and without a completion: exposure does not wait for the registry.
  const before = isWhole && !isDry ? undefined : await look();
  const change = reading === undefined ? undefined : changeOf(plan, reading, { stage, isWhole: isWhole || before?.alias !== undefined }, context);
  if (isDry) {
    if (options.json === true) writeJson(write, { plan: change ?? null, ...before });
    else {
      if (change !== undefined) writePlan(context, change, FREE);
      if (before?.alias !== undefined) write(`${aliasWords(before.alias)} (dry run, nothing is written)\n`);
    }
    return 0;
  }
  const outcome = change === undefined ? undefined : await releases.runner.apply(change, signal);
  if (outcome?.error !== undefined) return written(context, { plan: change ?? null, outcome, notes: [] }, outcome.error);
  const completed = before ?? await look();
  const base = { plan: change ?? null, ...(outcome === undefined ? {} : { outcome }) };
  if (completed.failure !== undefined) return written(context, { ...base, notes: [`Whether ${model.current} names what was released is not known: ${completed.failure.message}`] }, isWhole || reading === undefined ? completed.failure : undefined);
  if (completed.alias === undefined) {
    if (reading === undefined) throw new AppError('notFound', `${flag} is archived, and ${model.current} does not name what it released: there is nothing to take back.`);
    return written(context, { ...base, notes: [] });
  }
  const notes = await returnAlias(await releases.openRegistry(), completed.alias, flag, Date.now(), signal);
  const environment = options.environment ?? plan.at(-1)?.environment ?? '';
  const answering = model.quality === undefined ? undefined : await awaitVersion({ readQuality: (abort) => releases.readQuality(model, abort), sleep, now: Date.now }, environment, completed.alias.to, completed.alias.from, wait, signal);
  const unseen = answering?.state === 'verified' ? undefined : new AppError('timeout', answering === undefined ? `${model.name} has no quality: in modelswitch.yaml, so that nobody can see which version answers: look at the service.` : `Not verified within ${options.json === true ? 'the time' : 'the time of --wait'}: ${answering.words}. A service that loads its model at the start has to be started anew.`);
  return written(context, { ...base, alias: completed.alias, ...(answering === undefined ? {} : { answering }), notes }, unseen);
}

function changeOf(plan: NonNullable<ModelMapping['plan']>, reading: FlagReading, { stage, isWhole }: Pick<Wish, 'stage' | 'isWhole'>, { options }: CliContext): ChangePlan | undefined {
  const note = { reason: options.reason };
  if (isWhole) return planAllTheWay(plan, reading, note, options.environment)?.change;
  if (stage === undefined) return planPreviousStage(plan, reading, note, options.environment).change;
  if (stage > plan.length) throw new AppError('validation', `--stage takes 0 to ${plan.length}: the plan has ${plan.length} stages.`);
  const named = new Set(reading.detail.flag.environments.map(({ name }) => name));
  const environments = options.environment === undefined ? [...new Set(plan.map(({ environment }) => environment))].filter((name) => named.has(name)) : [options.environment];
  return planToStage(plan, stage - 1, environments, reading, note).change;
}

function unlessArchived(thrown: unknown): undefined {
  const error = toAppError(thrown);
  if (error.code !== 'notFound' || error.data['archived'] !== true) throw error;
  return undefined;
}

async function archivedPin({ signal }: CliContext, { target }: CliReleases, flag: string, { name }: ModelMapping): Promise<Pin | undefined> {
  const { events } = await target.client.readEvents({ flag, limit: 1000 }, signal);
  return pinsInLog(events, name)[0];
}

/** What the registry said of a completion: the alias to take back, or why nothing is known of it. */
interface CompletionFound {
  readonly alias?: AliasReturn;
  readonly failure?: AppError;
}

/** Whether the release was completed. The registry may be down: then exposure is taken back all the same. */
async function completion({ openRegistry }: CliReleases, model: ModelMapping, flag: string, pin: Pin | undefined, signal: AbortSignal): Promise<CompletionFound> {
  if (model.registeredModel === undefined) return {};
  try {
    const alias = await planAliasReturn(model, flag, pin, await openRegistry(), AbortSignal.any([signal, AbortSignal.timeout(REGISTRY_MS)]));
    return alias === undefined ? {} : { alias };
  } catch (thrown) {
    signal.throwIfAborted();
    return { failure: toAppError(thrown) };
  }
}

function aliasWords({ registered, alias, from, to }: AliasReturn): string {
  return `${plainLine(alias, 60)} of ${plainLine(registered, 80)}: ${plainLine(from, 40)} -> ${plainLine(to, 40)}`;
}

function written(context: CliContext, taken: Taken, error?: AppError): number {
  const { write, options } = context;
  const { plan, outcome, alias, answering, notes } = taken;
  if (options.json === true) {
    const { error: stopped, ...rest } = outcome ?? {};
    writeJson(write, { ...taken, ...(outcome === undefined ? {} : { outcome: { ...rest, ...(stopped === undefined ? {} : { error: { code: stopped.code, message: stopped.message } }) } }), ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }) });
  } else {
    if (plan !== null && outcome !== undefined) writeOutcome(context, plan, outcome, FREE);
    if (alias !== undefined) write(`${aliasWords(alias)}\n`);
    for (const note of notes) write(`note: ${plainLine(note, 400)}\n`);
    if (answering?.state === 'verified') write(`${plainLine(answering.words, 300)}\n`);
    if (error !== undefined) write(`not as asked: ${plainLine(error.message, 1000)}\n`);
  }
  return error === undefined ? 0 : exitCode(error);
}
