import { plainLine } from '../../core/base/words.ts';
import { applySafeDefault, readSafeDefault } from '../../core/flags/projectDefault.ts';
import { connectCli, required, writeJson, type Command } from '../context.ts';

export const safeDefault: Command = {
  name: 'safe-default',
  usage: 'safe-default (--environment E | --all-environments)',
  summary: 'switching on a flag without strategies exposes 0 %, not 100 %',
  async run(context) {
    const { options, signal, write } = context;
    const { client, project, environment } = await connectCli(context);
    const named = options['all-environments'] === true ? undefined : [required(environment, '--environment', '; or give --all-environments')];
    const plan = await readSafeDefault(client, { server: client.baseUrl, project }, named, signal);
    const isDry = options['dry-run'] === true;
    if (!isDry) await applySafeDefault(client, plan, signal);
    if (options.json === true) writeJson(write, isDry ? plan : { plan, outcome: { kind: plan.environments.some(({ changes }) => changes) ? 'done' : 'unchanged' } });
    else for (const { environment: name, from, to, changes } of plan.environments) {
      write(`default strategy of ${plainLine(project)} ${plainLine(name)}: ${changes ? `${plainLine(from)} -> ${plainLine(to)}` : plainLine(to)} (${isDry ? 'dry run' : changes ? 'done' : 'unchanged'})\n`);
    }
    return 0;
  },
};
