import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { ChangePlan } from '../../core/flags/changePlan.ts';
import type { ChangeOutcome } from '../../core/flags/changeRunner.ts';
import { planPromote, planRollback, planSetRollout, planSwitchOff, type ChangeNote, type FlagReading } from '../../core/flags/planner.ts';
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
    write(`  ${plainLine(environment)}: ${from} -> ${to}\n`);
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
  for (const { environment, now } of outcome.environments) write(`${plainLine(plan.flag)} ${plainLine(environment)}: ${now ?? 'could not be read'} (${outcome.kind})\n`);
  for (const event of outcome.foreign) write(`meanwhile changed by ${plainLine(event.by)}: event ${event.id}, ${event.type}\n`);
}

function percentOf({ options }: CliContext): number {
  const text = required(options.percent, '--percent');
  if (!/^\d{1,3}$/.test(text)) throw new AppError('validation', `--percent takes a whole number from 0 to 100, not "${plainLine(text, 40)}".`);
  return Number(text);
}

export const promote = change('promote', 'promote --flag F --environment E', 'to the next of 5, 25, 50, 100 %',
  (reading, environment, _context, note) => planPromote(reading, environment(), note));

export const setRollout = change('rollout', 'rollout --flag F --environment E --percent N', 'set the rollout of everyone',
  (reading, environment, context, note) => planSetRollout(reading, environment(), percentOf(context), note));

export const rollback = change('rollback', 'rollback --flag F --environment E', 'to the state before that exposes less',
  (reading, environment, _context, note) => planRollback(reading, environment(), note));

export const kill = change('kill', 'kill --flag F (--environment E | --all-environments)', 'switch off',
  (reading, environment, { options }) => planSwitchOff('kill', reading, options['all-environments'] === true ? reading.detail.flag.environments.map(({ name }) => name) : [environment()]));
