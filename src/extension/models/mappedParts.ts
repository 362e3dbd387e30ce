import { ageWords, escapeMarkdown, plainLine } from '../../core/base/words.ts';
import type { Lineage } from '../../core/models/lineage.ts';
import { movedWords, offlineMetric, type Arm, type FlagArms } from '../../core/models/mapping.ts';
import { armVersionWords, isBetter, metricPairWords } from '../../core/models/mappingWords.ts';
import type { VersionDetail } from '../../core/models/model.ts';
import type { HoverPart } from '../callsites/hover.ts';
import type { Connections } from '../connection/connections.ts';
import { environmentNames, movedIn, pinsIn, type FlagFacts } from '../flags/facts.ts';
import { nodeId, type EnvironmentTreePart } from '../flags/flagNodes.ts';
import { Command } from '../ids.ts';
import type { ModelViews } from './modelViews.ts';
import type { Registries } from './registries.ts';

const MOST_PARAMS = 4;
const MOST_REASONS = 3;

const shown = (text: string, length?: number): string => escapeMarkdown(plainLine(text, length));

/** What of a version's making is different now; undefined where it is not known soon enough for a hover. */
export type LineageOf = (model: FlagArms['model'], detail: VersionDetail, connection: FlagFacts['connection']) => Promise<Lineage | undefined>;

/** A hover does not wait longer for what changed since; the next one has it. */
const PATIENCE_MS = 2000;

/** By the working tree of the folder that maps the model. */
export function lineageForHover(connections: Connections, registries: Registries, models: ModelViews): LineageOf {
  return async (mapping, { model: registered, version }, connection) => {
    const folder = connections.targets.find((target) => target.connection === connection && target.models.includes(mapping))?.folder;
    const registry = registries.folders.find((each) => each.folder.uri.toString() === folder?.uri.toString());
    if (folder === undefined || registry === undefined) return undefined;
    const { workingTree } = await models.load();
    const found = workingTree.lineageSettled({ connection: registry.connection, folder, mapping, registered, version }).then(({ value }) => value, () => undefined);
    return Promise.race([found, new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), PATIENCE_MS))]);
  };
}

/** Both versions behind the flag: where they come from, and what changed since. */
export const modelHoverPart = (lineageOf: LineageOf): HoverPart => async (facts) => {
  const sections = await Promise.all(facts.arms.map(async (arms) => {
    const metric = metricPairWords(arms);
    const better = isBetter(arms);
    const moved = environmentNames(facts).flatMap((environment) => movedIn(facts, environment).filter(({ model }) => model === arms.model.name).map((each) => `**${shown(movedWords(each), 200)}** in ${shown(environment)}`));
    const lines = [
      ...moved,
      ...(metric === undefined ? [] : [`${shown(metric)}${better === undefined ? '' : better ? ' \\(better\\)' : ' \\(worse\\)'}`]),
      ...await armLines(facts, arms, arms.on, 'on', lineageOf),
      ...await armLines(facts, arms, arms.off, 'off', lineageOf),
      ...arms.variants.map((arm) => `variant ${shown(arm.side, 40)}: ${shown(armVersionWords(arm))}`),
    ];
    return lines.length === 0 ? '' : `**${shown(arms.model.name)}**\n- ${lines.join('\n- ')}`;
  }));
  return sections.filter((section) => section !== '').join('\n\n');
};

async function armLines({ connection }: FlagFacts, { model }: FlagArms, arm: Arm, side: string, lineageOf: LineageOf): Promise<string[]> {
  const { detail } = arm;
  if (detail === undefined) return arm.state === 'missing' ? [`${side}: ${shown(armVersionWords(arm))}`] : [];
  const lineage = await lineageOf(model, detail, connection);
  const { run, code, datasets, params } = detail;
  const named = Object.entries(params);
  const facts = [
    run === undefined ? '' : `run ${shown(run.name === '' ? run.id : run.name, 40)}${run.startedAt === undefined ? '' : `, ${ageWords(Date.now() - run.startedAt)}`}`,
    datasets.slice(0, 2).map(({ name, digest }) => `data ${shown(name, 40)}${digest === '' ? '' : ` ${shown(digest.slice(0, 12))}`}`).join(', '),
    code.commit === undefined ? '' : `commit ${shown(code.commit.slice(0, 10))}`,
    named.length === 0 ? '' : `${shown(named.slice(0, MOST_PARAMS).map(([name, value]) => `${name}=${plainLine(value, 20)}`).join(', '), 120)}${named.length > MOST_PARAMS ? ' and others' : ''}`,
  ].filter((part) => part !== '');
  const since = lineage === undefined ? [] : [`**${shown(lineage.verdict)}**${lineage.reasons.length === 0 ? '' : `: ${lineage.reasons.slice(0, MOST_REASONS).map((reason) => shown(reason, 160)).join(' ')}`}`];
  return [[`${side}: ${shown(armVersionWords(arm))}`, ...facts, ...since].join(' · ')];
}

/** Below an environment: what the release pinned, and what moved since. */
export const modelTreePart: EnvironmentTreePart = (facts, environment) => {
  const id = nodeId({ kind: 'environment', connection: facts.connection, flag: facts.name, environment });
  const moved = movedIn(facts, environment);
  return [
    ...moved.map((each) => ({
      kind: 'detail' as const, id: `${id} moved ${each.model} ${each.side}`, label: movedWords(each), description: `${plainLine(each.model, 40)}: advancing is blocked`, icon: 'warning',
      tooltip: 'Move the alias back, or choose this line to re-pin the release: what was learnt about the version before does not count for the new one.',
      command: { title: 'Re-Pin...', command: Command.repin, arguments: [{ connection: facts.connection, flag: facts.name, environment }] },
    })),
    ...pinsIn(facts, environment).map((pin) => {
      const arms = facts.arms.find(({ model }) => model.name === pin.model);
      const metric = arms === undefined || offlineMetric(arms) === undefined ? undefined : metricPairWords(arms);
      return { kind: 'detail' as const, id: `${id} pin ${pin.model}`, label: `${pin.model} ${pin.candidate} over ${pin.current}`, description: ['pinned', ...metric === undefined ? [] : [metric]].join(' · '), icon: 'pinned' };
    }),
  ];
};
