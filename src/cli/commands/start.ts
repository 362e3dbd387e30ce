import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plainLine } from '../../core/base/words.ts';
import { ChangeRunner } from '../../core/flags/changeRunner.ts';
import { applyStartRelease, planStartRelease, startWords, type StartOutcome, type StartPlan } from '../../core/releases/startRelease.ts';
import { sleep } from '../../adapters/node/sleep.ts';
import { CONFIGURATION_FILE } from '../configuration.ts';
import { connectCli, required, writeJson, type CliContext, type Command } from '../context.ts';
import { exitCode } from '../exitCodes.ts';
import { openCliRegistry, readConfiguration } from '../registry.ts';

export const start: Command = {
  name: 'start',
  usage: 'start MODEL VERSION --flag F [--name N] [--current V] [--environment E] [--segment S,...] [--stickiness FIELD]',
  summary: 'begin a release: flag at 0 %, versions pinned, mapping written',
  async run(context) {
    const { options, operands, cwd, signal } = context;
    const [model, version, flag] = [required(operands[0], 'MODEL'), required(operands[1], 'VERSION'), required(options.flag, '--flag')];
    const target = await connectCli(context);
    const config = await readConfiguration(context);
    const mapping = config.models.find(({ name }) => name === (options.name ?? model)) ?? (options.name === undefined ? config.models.find(({ registeredModel }) => registeredModel === model) : undefined);
    const { id } = await target.client.readIdentity(signal);
    const registry = openCliRegistry(context, config);
    const ports = {
      client: target.client, server: target.client.baseUrl, project: target.project, userId: () => id, registry,
      runner: new ChangeRunner({ port: target.client, server: target.client.baseUrl, userId: () => id, sleep }),
      readFile: () => readFile(join(cwd, CONFIGURATION_FILE), 'utf8').catch(() => undefined),
      writeFile: (text: string) => writeFile(join(cwd, CONFIGURATION_FILE), text),
    };
    try {
      const plan = await planStartRelease(ports, {
        model: mapping?.name ?? options.name ?? model, mapping, flag, candidate: version,
        // MODEL is a name of modelswitch.yaml or of the registry.
        registered: mapping?.name === model ? mapping.registeredModel ?? model : model,
        current: options.current, stickiness: options.stickiness, reason: options.reason,
        environments: options.environment === undefined ? undefined : [options.environment],
        segments: options.segment?.split(',').map((each) => each.trim()).filter((each) => each !== ''),
      }, signal);
      if (options['dry-run'] === true) return tell(context, plan, undefined);
      return tell(context, plan, await applyStartRelease(ports, plan, signal));
    } finally {
      registry.close();
    }
  },
};

function tell({ options, write }: CliContext, plan: StartPlan, outcome: StartOutcome | undefined): number {
  const { error } = outcome ?? {};
  if (options.json === true) {
    writeJson(write, outcome === undefined ? plan : { plan, outcome: { ...outcome, ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }) } });
  } else {
    write(`start ${plainLine(plan.model)} behind ${plainLine(plan.flag)} (${outcome === undefined ? 'dry run, nothing is written' : outcome.kind})\n`);
    for (const line of [...startWords(plan), ...plan.rollout.warnings, ...plan.warnings, ...(outcome === undefined ? plan.rollout.blockers.map(({ message }) => message) : [])]) write(`  ${plainLine(line, 400)}\n`);
    if (error !== undefined) write(`not as asked, stopped at the ${outcome?.at ?? ''}: ${plainLine(error.message, 1000)}\nWhat was done stays; the same command goes on from there.\n`);
  }
  return error === undefined ? 0 : exitCode(error);
}
