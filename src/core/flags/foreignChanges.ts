import { sameStrategy, strategyKey } from './compare.ts';
import type { Call } from './changePlan.ts';
import { changesRollout } from './history.ts';
import type { FlagEvent } from './ports.ts';

/** A call of ours that was written, or of which that is not known. */
export interface SentCall {
  readonly environment: string;
  readonly call: Call;
}

/** Changes beside strategies and switches that decide who gets the flag, in every environment. */
const OF_THE_WHOLE_FLAG = new Set([
  'feature-archived', 'feature-revived', 'feature-deleted', 'feature-project-change', 'feature-environment-variants-updated',
  'feature-dependency-added', 'feature-dependency-removed', 'feature-dependencies-removed',
]);

/**
 * The flag's rollout events after event `since` that our calls do not account for. The user alone does not tell: the same
 * person may have another window open, so each call of ours accounts for one event that says what it wrote. A strategy edit of ours
 * whose "before" is not what we read is foreign as well: somebody wrote in between and was overwritten.
 */
export function foreignChanges(events: readonly FlagEvent[], since: number, sent: readonly SentCall[], userId: number | undefined): FlagEvent[] {
  const later = events.filter((event) => event.id > since && (changesRollout(event) || OF_THE_WHOLE_FLAG.has(event.type))).toSorted((a, b) => a.id - b.id);
  const open = [...sent];
  const own = new Set<number | string>();
  for (const event of later) {
    const index = event.byId === userId ? open.findIndex(({ environment, call }) => event.environment === environment && isEventOf(call, event)) : -1;
    if (index < 0) continue;
    open.splice(index, 1);
    own.add(event.id);
    // What the server does along with a call, such as switching off an environment that lost its last strategy.
    if (event.groupId !== undefined) own.add(event.groupId);
  }
  return later.filter(({ id, groupId }) => !own.has(id) && (groupId === undefined || !own.has(groupId)));
}

function isEventOf(call: Call, { type, strategy, previousStrategy }: FlagEvent): boolean {
  switch (call.kind) {
    case 'patch':
      return type === 'feature-strategy-update' && strategy !== undefined && sameStrategy(strategy, call.to) && previousStrategy !== undefined && sameStrategy(previousStrategy, call.from);
    case 'add':
      return type === 'feature-strategy-add' && strategy !== undefined && strategy.title === call.strategy.title && strategyKey(strategy) === strategyKey(call.strategy);
    case 'remove':
      return type === 'feature-strategy-remove' && previousStrategy?.id === call.strategy.id;
    case 'order':
      return type === 'strategy-order-changed';
    case 'switch':
      return type === (call.enabled ? 'feature-environment-enabled' : 'feature-environment-disabled');
  }
}
