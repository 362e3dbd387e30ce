import { countWords, plainLine } from '../../core/base/words.ts';
import { environmentOf } from '../../core/flags/model.ts';
import { describeRollout, percentWords, strategyWords } from '../../core/flags/rollout.ts';
import { observedShare, rolloutIn, type FlagFacts } from './facts.ts';
import { nodeId, type DetailNode } from './flagNodes.ts';

/** Below an environment: its strategies in words. */
export function strategiesPart(facts: FlagFacts, environment: string): DetailNode[] {
  const { flag, snapshot, connection, name } = facts;
  const strategies = flag === undefined ? [] : environmentOf(flag, environment)?.strategies ?? [];
  return strategies.map((strategy, index) => ({
    kind: 'detail',
    id: `${nodeId({ kind: 'environment', connection, flag: name, environment })} ${index}/${strategy.id}`,
    label: strategyWords(strategy, snapshot?.segments ?? new Map()),
    description: plainLine(strategy.title),
    tooltip: plainLine(strategy.title, 500),
    icon: strategy.disabled ? 'circle-slash' : 'organization',
  }));
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
