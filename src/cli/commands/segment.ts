import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { applyCreateSegment, membersWords, planCreateSegment, segmentValues } from '../../core/flags/createSegment.ts';
import { connectCli, required, writeJson, type Command } from '../context.ts';

export const segment: Command = {
  name: 'segment',
  usage: 'segment --name S --members FIELD=VALUE,... [--dry-run] [--json]',
  summary: 'makes a segment that a plan names and Unleash does not have',
  details: 'Members are those whose context has one of the values in the field. Nobody gets a candidate by it. It needs the permission CREATE_SEGMENT.',
  options: { members: { type: 'string' } },
  async run(context) {
    const { options, own, signal, write } = context;
    const name = required(options.name, '--name');
    const members = required(typeof own['members'] === 'string' ? own['members'] : undefined, '--members', ', such as --members group=internal,staff');
    const at = members.indexOf('=');
    if (at < 1) throw new AppError('validation', '--members takes a context field and its values, such as --members group=internal,staff.');
    const { client } = await connectCli(context);
    const plan = await planCreateSegment(client, client.baseUrl, { segment: name, field: members.slice(0, at).trim(), values: segmentValues(members.slice(at + 1)) }, signal);
    const isDry = options['dry-run'] === true;
    const made = isDry ? undefined : await applyCreateSegment(client, plan);
    if (options.json === true) writeJson(write, made === undefined ? plan : { plan, outcome: { kind: 'done', id: made.id } });
    else write(`segment ${plainLine(name)}: none -> ${membersWords(plan.constraint)} (${isDry ? 'dry run' : 'done'})\n`);
    return 0;
  },
};
