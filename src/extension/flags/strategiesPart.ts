import { countWords, plainLine } from '../../core/base/words.ts';
import { environmentOf } from '../../core/flags/model.ts';
import { strategyAudience } from '../../core/flags/audienceTarget.ts';
import { mayChangeDefault } from '../../core/flags/permissions.ts';
import { describeRollout, percentWords, splitWords, strategyVariants, strategyWords } from '../../core/flags/rollout.ts';
import { Command } from '../ids.ts';
import { settings } from '../platform/settings.ts';
import { observedShare, rolloutIn, type FlagFacts } from './facts.ts';
import { nodeId, type DetailNode } from './flagNodes.ts';
import { mayOffer } from './flagTree.ts';

/** Below an environment: its strategies in words; one whose share we set asks for a new one when it is chosen. */
export function strategiesPart(facts: FlagFacts, environment: string): DetailNode[] {
  const { flag, snapshot, connection, name } = facts;
  const here = flag && environmentOf(flag, environment);
  if (here === undefined || snapshot === undefined) return [];
  const { segments } = snapshot;
  const id = nodeId({ kind: 'environment', connection, flag: name, environment });
  if (here.strategies.length === 0) return [noStrategy(facts, environment, id)];
  const isOffered = mayOffer(facts, 'set rollout', environment);
  return here.strategies.map((strategy, index) => {
    const target = isOffered ? strategyAudience(here, strategy, segments) : undefined;
    const split = splitWords(strategyVariants(strategy));
    return {
      kind: 'detail',
      id: `${id}/${strategy.id}/${index}`,
      label: [strategyWords(strategy, segments), split].filter((words) => words !== '').join(' · '),
      description: plainLine(strategy.title),
      tooltip: [plainLine(strategy.title, 500), target === undefined ? '' : 'Choose it to set its rollout.'].filter((line) => line !== '').join('\n'),
      icon: strategy.disabled ? 'circle-slash' : 'organization',
      ...(target === undefined ? {} : { command: { title: 'Set Rollout...', command: Command.setRollout, arguments: [{ connection, flag: name, environment, ...target }] } }),
    };
  });
}

/** Said once, where somebody looks into such an environment: switching it on by hand adds the project's default strategy. */
function noStrategy(facts: FlagFacts, environment: string, id: string): DetailNode {
  const { connection, name } = facts;
  const { identity, project } = connection;
  const may = !settings.readOnly() && identity !== undefined && mayChangeDefault(identity, project, environment).may;
  return {
    kind: 'detail',
    id: `${id}#none`,
    label: 'no strategies',
    description: "switched on in Unleash it gets the project's default strategy, 100 % unless that is set",
    ...(may ? { tooltip: 'Choose it to make 0 % the default.', command: { title: 'Make 0 % the Safe Default...', command: Command.safeDefault, arguments: [{ connection, flag: name, environment }] } } : {}),
    icon: 'info',
  };
}

/** Below an environment: the share that services observed in the last hour, beside the configured one. */
export function observedPart(facts: FlagFacts, environment: string): DetailNode[] {
  const observed = observedShare(facts, environment);
  const rollout = rolloutIn(facts, environment);
  if (observed === undefined || rollout === undefined) return [];
  return [{
    kind: 'detail',
    id: `${nodeId({ kind: 'environment', connection: facts.connection, flag: facts.name, environment })} observed`,
    label: `observed ${percentWords(observed.percent)} on`,
    description: `of ${countWords(observed.n)} evaluations in the last hour; configured ${describeRollout(rollout)}`,
    icon: 'graph',
  }];
}
