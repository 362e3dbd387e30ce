import { plainLine } from '../../core/base/words.ts';
import type { Flag } from '../../core/flags/model.ts';
import { permissionWords, mayChange } from '../../core/flags/permissions.ts';
import { segmentMap } from '../../core/flags/planner.ts';
import { familyParents, readFamily } from '../../core/flags/parents.ts';
import { describeRollout, effectiveRollout, splitWords, variantSplit, type Segments } from '../../core/flags/rollout.ts';
import { entryWords, flagTimeline, readHistory } from '../../core/flags/timeline.ts';
import { setRollout } from './changes.ts';
import { connectCli, required, writeJson, type Command } from '../context.ts';

function rows(flag: Flag, segments: Segments, environment: string | undefined): { flag: string; environment: string; on: boolean; low: number; high: number; rollout: string }[] {
  return flag.environments.filter(({ name }) => environment === undefined || name === environment).map((each) => {
    const rollout = effectiveRollout(each, segments);
    return { flag: flag.name, environment: each.name, on: rollout.on, low: rollout.low, high: rollout.high, rollout: describeRollout(rollout) };
  });
}

export const status: Command = {
  name: 'status',
  usage: 'status [--environment E]',
  summary: 'the rollout of every flag',
  async run(context) {
    const { client, project } = await connectCli(context);
    const { options, signal, write } = context;
    const segments = segmentMap(await client.readSegments(signal));
    const flags = await client.readAllFlags(project, await client.readEnvironments(project, signal), signal);
    const all = flags.flatMap((flag) => rows(flag, segments, options.environment));
    if (options.json === true) writeJson(write, all);
    else for (const row of all) write(`${plainLine(row.flag)}\t${plainLine(row.environment)}\t${plainLine(row.rollout)}\n`);
    return 0;
  },
};

export const rollout: Command = {
  name: 'rollout',
  usage: 'rollout --flag F [--environment E] [--percent N [--segment S]]',
  summary: 'what a flag exposes, and why; with --percent, set it',
  async run(context) {
    if (context.options.percent !== undefined) return setRollout.run(context);
    const flag = required(context.options.flag, '--flag');
    const { client, project } = await connectCli(context);
    const { options, signal, write } = context;
    const [detail, segments] = await Promise.all([client.readFlag(project, flag, signal), client.readSegments(signal)]);
    const shown = detail.flag.environments.filter(({ name }) => options.environment === undefined || name === options.environment);
    const [known, family] = [segmentMap(segments), await readFamily(client, detail, signal)];
    const answers = shown.map((environment) => ({
      environment: environment.name,
      ...effectiveRollout(environment, known, familyParents(detail, family, environment.name, known)),
      variants: variantSplit(environment, known),
    }));
    if (options.json === true) writeJson(write, { flag, environments: answers });
    else for (const answer of answers) {
      const words = [describeRollout(answer), splitWords(answer.variants)].filter((part) => part !== '').join(' · ');
      write(`${plainLine(answer.environment)}: ${plainLine(words, 200)}\n`);
      for (const reason of answer.reasons) write(`  ${plainLine(reason, 300)}\n`);
    }
    return 0;
  },
};

export const history: Command = {
  name: 'history',
  usage: 'history --flag F [--environment E]',
  summary: 'who changed the rollout, when, from what to what',
  async run(context) {
    const flag = required(context.options.flag, '--flag');
    const { client, project } = await connectCli(context);
    const { options, signal, write } = context;
    const { entries, complete } = flagTimeline(await readHistory(client, client.baseUrl, project, flag, signal), options.environment);
    if (options.json === true) writeJson(write, { flag, complete, entries });
    else for (const entry of entries) {
      const reason = entry.kind === 'beside' || entry.title === '' ? '' : `  "${plainLine(entry.title)}"`;
      write(`${plainLine(entry.at, 30)}  ${plainLine(entry.environment ?? 'every environment')}: ${plainLine(entryWords(entry), 200)}  by ${plainLine(entry.by)}${reason}  event ${entry.events.at(-1) ?? ''}\n`);
    }
    return 0;
  },
};

export const whoami: Command = {
  name: 'whoami',
  usage: 'whoami',
  summary: 'who the token is, and what it may change',
  async run(context) {
    const { client, project } = await connectCli(context);
    const { options, signal, write } = context;
    const [identity, server, environments] = await Promise.all([client.readIdentity(signal), client.readServer(signal), client.readEnvironments(project, signal)]);
    const names = environments.map(({ name }) => name);
    const mayChangeIn = names.filter((name) => mayChange(identity, 'set rollout', project, name));
    if (options.json === true) writeJson(write, { server: client.baseUrl, ...server, user: identity.name, id: identity.id, project, mayChangeIn });
    else write(`${plainLine(identity.name)} on ${client.baseUrl} (Unleash ${plainLine(server.version, 40)}, ${server.edition}); ${plainLine(permissionWords(identity, project, names), 400)}\n`);
    return 0;
  },
};
