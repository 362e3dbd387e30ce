import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { ChangePlan } from '../../core/flags/changePlan.ts';
import type { ChangeOutcome } from '../../core/flags/changeRunner.ts';
import type { Audience } from '../../core/flags/audienceTarget.ts';
import { planPromote, planRollback, planSetRollout, planSwitchOff, type ChangeNote, type FlagReading } from '../../core/flags/planner.ts';
import { parseWeights, planSetWeights, variantNames } from '../../core/flags/weights.ts';
import { connectCli, required, runnerFor, writeJson, type CliContext, type Command } from '../context.ts';
import { exitCode } from '../exitCodes.ts';

/** Plans a change from a fresh reading; `environment` is the one that was asked for. */
type Planner = (reading: FlagReading, environment: () => string, context: CliContext, note: ChangeNote) => ChangePlan;

function change(name: string, usage: string, summary: string, planner: Planner): Command {
  return { name, usage, summary, run: (context) => runChange(context, planner) };
}

async function runChange(context: CliContext, planner: Planner): Promise<number> {
  const { options, signal, write } = context;
  const flag = required(options.flag, '--flag');
  const target = await connectCli(context);
  const runner = await runnerFor(target.client, signal);
  const reading = await runner.read(target.project, flag, signal);
  const environment = (): string => required(target.environment, '--environment', `; ${flag} has ${reading.detail.flag.environments.map(({ name }) => name).join(', ')}`);
  const plan = planner(reading, environment, context, { reason: options.reason });
  if (options['dry-run'] === true) {
    writePlan(context, plan);
    return 0;
  }
  const outcome = await runner.apply(plan, signal);
  writeOutcome(context, plan, outcome);
  if (outcome.error === undefined) return 0;
  if (options.json !== true) write(`not as asked: ${plainLine(outcome.error.message, 1000)}\n`);
  return exitCode(outcome.error);
}

function writePlan({ options, write }: CliContext, plan: ChangePlan): void {
  if (options.json === true) {
    writeJson(write, plan);
    return;
  }
  write(`${plan.kind} ${plainLine(plan.flag)} on ${plan.server} (dry run, nothing is written)\n`);
  for (const { environment, from, to, steps } of plan.environments) {
    write(`  ${plainLine(environment)}: ${plainLine(from, 200)} -> ${plainLine(to, 200)}\n`);
    for (const step of steps) write(`    ${step.kind} (${step.exposure})\n`);
  }
  for (const line of [...plan.warnings, ...plan.blockers.map(({ message }) => message)]) write(`  ${plainLine(line, 400)}\n`);
}

function writeOutcome({ options, write }: CliContext, plan: ChangePlan, outcome: ChangeOutcome): void {
  if (options.json === true) {
    const { error, ...rest } = outcome;
    writeJson(write, { plan, outcome: { ...rest, ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }) } });
    return;
  }
  for (const warning of [...plan.warnings, ...outcome.warnings]) write(`note: ${plainLine(warning, 400)}\n`);
  for (const { environment, now } of outcome.environments) write(`${plainLine(plan.flag)} ${plainLine(environment)}: ${plainLine(now ?? 'could not be read', 200)} (${outcome.kind})\n`);
  for (const event of outcome.foreign) write(`meanwhile changed by ${plainLine(event.by)}: event ${event.id}, ${event.type}\n`);
}

function percentOf({ options }: CliContext): number {
  const text = required(options.percent, '--percent');
  if (!/^\d{1,3}$/.test(text)) throw new AppError('validation', `--percent takes a whole number from 0 to 100, not "${plainLine(text, 40)}".`);
  return Number(text);
}

function audienceOf({ options: { segment } }: CliContext): Audience | undefined {
  return segment === undefined ? undefined : { segment: required(segment, '--segment') };
}

export const promote = change('promote', 'promote --flag F --environment E [--segment S]', 'to the next of 5, 25, 50, 100 %',
  (reading, environment, context, note) => planPromote(reading, environment(), note, audienceOf(context)));

export const setRollout = change('rollout', 'rollout --flag F --environment E --percent N [--segment S]', 'set the rollout of everyone, or of a segment',
  (reading, environment, context, note) => planSetRollout(reading, environment(), percentOf(context), note, audienceOf(context)));

export const weights = change('weights', 'weights --flag F --environment E --set v1=70,v2=30', 'how those who get the flag on divide into variants',
  (reading, environment, { options }, note) => {
    const text = required(options.set, '--set', '; write it as v1=70,v2=30');
    return planSetWeights(reading, environment(), parseWeights(text, variantNames(reading, environment())), note);
  });

export const rollback = change('rollback', 'rollback --flag F --environment E', 'to the state before that exposes less',
  (reading, environment, _context, note) => planRollback(reading, environment(), note));

export const kill = change('kill', 'kill --flag F (--environment E | --all-environments)', 'switch off',
  (reading, environment, { options }) => planSwitchOff('kill', reading, options['all-environments'] === true ? reading.detail.flag.environments.map(({ name }) => name) : [environment()]));
