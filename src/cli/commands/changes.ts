import { AppError, toAppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { ChangePlan } from '../../core/flags/changePlan.ts';
import type { ChangeOutcome } from '../../core/flags/changeRunner.ts';
import { applyCreate, planCreate } from '../../core/flags/createFlag.ts';
import type { Audience } from '../../core/flags/audienceTarget.ts';
import { planPromote, planSetRollout, planSwitchOff, type ChangeNote, type FlagReading } from '../../core/flags/planner.ts';
import { parseWeights, planSetWeights, variantNames } from '../../core/flags/weights.ts';
import { expectFrom } from '../../core/flags/expected.ts';
import { shadowFlagOf, shadowWish } from '../../core/flags/shadowFlag.ts';
import { describeEnvironment } from '../../core/flags/rollout.ts';
import { planRepin } from '../../core/flags/startRollout.ts';
import { requireEnvironment, segmentMap } from '../../core/flags/planning.ts';
import { environmentOf } from '../../core/flags/model.ts';
import type { GateVerdict } from '../../core/releases/gates.ts';
import { refuseOthers } from '../arguments.ts';
import { askForProject } from '../configuration.ts';
import { connectCli, required, runnerFor, writeJson, type CliContext, type CliTarget, type Command } from '../context.ts';
import { BLOCKED, exitCode } from '../exitCodes.ts';
import { gatedPlan, pinNow } from '../gating.ts';

/** Plans a change from a fresh reading; `environment` is the one that was asked for. */
export type Planner = (reading: FlagReading, environment: () => string, context: CliContext, note: ChangeNote, target: CliTarget) => ChangePlan | Promise<ChangePlan>;

/** A change that may be asked for relative to a rollout: `--from` says which. */
export type Relative = 'promote' | 'roll back';

function change(name: string, usage: string, summary: string, planner: Planner, relative?: Relative): Command {
  return { name, usage, summary, run: (context) => runChange(context, planner, relative) };
}

export async function runChange(context: CliContext, planner: Planner, relative: Relative | undefined): Promise<number> {
  const { options, signal, write } = context;
  const flag = required(options.flag, '--flag');
  const target = await connectCli(context);
  const runner = await runnerFor(target.client, signal);
  const reading = await runner.read(target.project, flag, signal).catch((thrown: unknown) => { throw askForProject(thrown, options, target.file); });
  const environment = (): string => required(target.environment, '--environment', `; ${flag} has ${reading.detail.flag.environments.map(({ name }) => name).join(', ')}`);
  if (options.from !== undefined && relative === undefined) throw new AppError('validation', '--from is for promote and rollback: the other changes say where they go.');
  if (options.from !== undefined && relative !== undefined && expectFrom(reading, environment(), relative, percentOf(options.from, '--from'), audienceOf(context)) === 'already') {
    writeAlready(context, reading, environment());
    return 0;
  }
  const { plan, verdict } = await gatedPlan(context, target, reading, (note) => planner(reading, environment, context, note, target));
  if (options['dry-run'] === true) writePlan(context, plan, verdict);
  else if (verdict.kind === 'block') writeBlocked(context, plan, verdict);
  if (verdict.kind === 'block') return BLOCKED;
  if (options['dry-run'] === true) return 0;
  const outcome = await runner.apply(plan, signal);
  writeOutcome(context, plan, outcome, verdict);
  if (outcome.error === undefined) return 0;
  if (options.json !== true) write(`not as asked: ${plainLine(outcome.error.message, 1000)}\n`);
  return exitCode(outcome.error);
}

/** An earlier try of the same job has arrived. */
function writeAlready({ options, write }: CliContext, { detail: { flag }, segments }: FlagReading, name: string): void {
  const environment = environmentOf(flag, name);
  const now = environment === undefined ? '' : describeEnvironment(environment, segmentMap(segments));
  if (options.json === true) writeJson(write, { plan: null, outcome: { kind: 'unchanged', environments: [{ environment: name, now, reached: true }], foreign: [], warnings: [] } });
  else write(`${plainLine(flag.name)} ${plainLine(name)}: ${plainLine(now, 200)} (unchanged)\n`);
}

function blockLines({ blocks }: GateVerdict): string[] {
  return blocks.flatMap(({ gate, reasons, overridable }) => [...reasons.map((reason) => `blocked by ${gate}: ${reason}`), ...(overridable ? ['To go on all the same: --override REASON.'] : [])]);
}

export function writeBlocked({ options, write }: CliContext, plan: ChangePlan, gates: GateVerdict): void {
  if (options.json === true) writeJson(write, { plan, gates, outcome: { kind: 'blocked' } });
  else for (const line of [...blockLines(gates), ...gates.warnings]) write(`${plainLine(line, 400)}\n`);
}

export function writePlan({ options, write }: CliContext, plan: ChangePlan, gates: GateVerdict): void {
  if (options.json === true) {
    writeJson(write, { ...plan, gates });
    return;
  }
  write(`${plan.kind} ${plainLine(plan.flag)} on ${plan.server} (dry run, nothing is written)\n`);
  for (const { environment, from, to, steps } of plan.environments) {
    write(`  ${plainLine(environment)}: ${plainLine(from, 200)} -> ${plainLine(to, 200)}\n`);
    for (const step of steps) write(`    ${step.kind} (${step.exposure})\n`);
  }
  for (const line of [...plan.warnings, ...gates.warnings, ...blockLines(gates), ...plan.blockers.map(({ message }) => message)]) write(`  ${plainLine(line, 400)}\n`);
}

export function writeOutcome({ options, write }: CliContext, plan: ChangePlan, outcome: ChangeOutcome, gates: GateVerdict): void {
  if (options.json === true) {
    const { error, ...rest } = outcome;
    writeJson(write, { plan, gates, outcome: { ...rest, ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }) } });
    return;
  }
  for (const warning of [...gates.warnings, ...plan.warnings, ...outcome.warnings]) write(`note: ${plainLine(warning, 400)}\n`);
  for (const { environment, now } of outcome.environments) write(`${plainLine(plan.flag)} ${plainLine(environment)}: ${plainLine(now ?? 'could not be read', 200)} (${outcome.kind})\n`);
  for (const event of outcome.foreign) write(`meanwhile changed by ${plainLine(event.by)}: event ${event.id}, ${event.type}\n`);
}

function percentOf(given: string | undefined, option: string): number {
  const text = required(given, option);
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100) throw new AppError('validation', `${option} takes a whole number from 0 to 100, not "${plainLine(text, 40)}".`);
  return Number(text);
}

function audienceOf({ options: { segment } }: CliContext): Audience | undefined {
  return segment === undefined ? undefined : { segment: required(segment, '--segment') };
}

export const promote = change('promote', 'promote --flag F --environment E [--segment S] [--from N] [--override REASON]', 'to the next of 5, 25, 50, 100 %',
  (reading, environment, context, note) => planPromote(reading, environment(), note, audienceOf(context)), 'promote');

export const setRollout = change('rollout', 'rollout --flag F --environment E --percent N [--segment S]', 'set the rollout of everyone, or of a segment',
  (reading, environment, context, note) => planSetRollout(reading, environment(), percentOf(context.options.percent, '--percent'), note, audienceOf(context)));

export const weights = change('weights', 'weights --flag F --environment E --set v1=70,v2=30', 'how those who get the flag on divide into variants',
  (reading, environment, { options }, note) => {
    const text = required(options.set, '--set', '; write it as v1=70,v2=30');
    return planSetWeights(reading, environment(), parseWeights(text, variantNames(reading, environment())), note);
  });

export const repin = change('repin', 'repin --flag F [--model M]', 'a release goes on with the versions that its aliases name now',
  async (reading, _environment, context, note, target) => planRepin(reading, await pinNow(context, target, reading), note));

export const kill = change('kill', 'kill --flag F (--environment E | --all-environments)', 'switch off',
  (reading, environment, { options }) => planSwitchOff('kill', reading, options['all-environments'] === true ? reading.detail.flag.environments.map(({ name }) => name) : [environment()]));

/**
 * The shadow of a flag's candidate: `<flag>.shadow` samples the requests for which the candidate is asked beside the current version. Made at 0 % where there is none yet,
 * sampled by request, not by user. Nobody is served another answer by it.
 */
export async function changeShadow(context: CliContext): Promise<number> {
  const { options, own, signal, write } = context;
  refuseOthers(context, 'shadow with --on, --off or --percent', ['url', 'project', 'flag', 'environment', 'percent', 'reason', 'json', 'dry-run']);
  const wished = [own['on'] === true, own['off'] === true, options.percent !== undefined && own['on'] !== true].filter(Boolean);
  if (wished.length !== 1) throw new AppError('validation', 'Give one of --on, --off and --percent N; --on may have a --percent.');
  const percent = percentOf(options.percent ?? '100', '--percent');
  const base = required(options.flag, '--flag');
  const flag = shadowFlagOf(base);
  const target = await connectCli(context);
  const environment = required(target.environment, '--environment');
  const { client, project } = target;
  const exists = await client.readFlag(project, flag, signal).then(() => true, (error: unknown) => { if (toAppError(error).code === 'notFound') return false; throw error; });
  if (!exists) {
    if (own['off'] === true) throw new AppError('notFound', `There is no flag ${plainLine(flag)}: the shadow is off.`);
    // A flag's name is used up for ever: none is made for a flag, or an environment, that is only misspelt.
    const { flag: shadowed } = await client.readFlag(project, base, signal).catch((thrown: unknown) => { throw askForProject(thrown, options, target.file); });
    requireEnvironment(shadowed, environment);
    const plan = await planCreate(client, { server: client.baseUrl, project, flag }, signal, shadowWish(flag));
    if (options['dry-run'] === true) {
      if (options.json === true) writeJson(write, { create: plan });
      else write(`create ${plainLine(flag)} on ${plan.server} (dry run, nothing is written), at 0 % in ${plan.environments.map((each) => plainLine(each.environment)).join(', ')}; then ${percent} % in ${plainLine(environment)}\n`);
      return 0;
    }
    const { id } = await client.readIdentity(signal);
    const made = await applyCreate(client, plan, id, signal);
    if (made.error !== undefined) throw made.error;
    if (options.json !== true) write(`made ${plainLine(flag)}, off and at 0 %\n`);
  }
  const shadowed: CliContext = { ...context, options: { ...options, flag } };
  return runChange(shadowed, (reading, _environment, _context, note) => (own['off'] === true
    ? planSwitchOff('disable', reading, [environment])
    : planSetRollout(reading, environment, percent, { ...note, reason: note.reason ?? 'shadow' })), undefined);
}
