import { strategyKey } from './compare.ts';
import type { ChangePlan, Step } from './changePlan.ts';
import { changesRollout } from './history.ts';
import type { FlagEvent } from './ports.ts';

/**
 * The flag's rollout events since the plan that the plan's own calls do not account for. A strategy edit of ours whose
 * "before" is not what we read is foreign as well: somebody wrote in between and was overwritten.
 */
export function foreignChanges(plan: ChangePlan, events: readonly FlagEvent[], userId: number | undefined): FlagEvent[] {
  const expected = plan.environments.flatMap(({ environment, steps }) => steps.map((step) => ({ environment, step })));
  const ownGroups = new Set<string>();
  return events
    .filter((event) => event.id > plan.baselineEvent && changesRollout(event))
    .toSorted((a, b) => a.id - b.id)
    .filter((event) => {
      if (event.groupId !== undefined && ownGroups.has(event.groupId)) return false;
      const index = expected.findIndex(({ environment, step }) => event.byId === userId && event.environment === environment && isEventOf(step, event));
      if (index < 0) return true;
      expected.splice(index, 1);
      if (event.groupId !== undefined) ownGroups.add(event.groupId);
      return false;
    });
}

function isEventOf(step: Step, event: FlagEvent): boolean {
  switch (step.kind) {
    case 'patch':
      return event.type === 'feature-strategy-update' && event.strategy?.id === step.from.id && strategyKey(event.strategy) === strategyKey(step.to)
        && event.previousStrategy !== undefined && strategyKey(event.previousStrategy) === strategyKey(step.from);
    case 'add':
      return event.type === 'feature-strategy-add' && event.strategy !== undefined && strategyKey(event.strategy) === strategyKey(step.strategy);
    case 'remove':
      return event.type === 'feature-strategy-remove' && event.previousStrategy?.id === step.strategy.id;
    case 'order':
      return event.type === 'strategy-order-changed';
    case 'switch':
      return event.type === (step.enabled ? 'feature-environment-enabled' : 'feature-environment-disabled');
  }
}
