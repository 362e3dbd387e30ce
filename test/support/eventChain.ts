import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { strategy } from '../../src/adapters/unleash/normalise.ts';
import { wireStrategy } from '../../src/adapters/unleash/wire.ts';
import type { FlagEnvironment, Strategy } from '../../src/core/flags/model.ts';
import type { AdminClient } from '../../sandbox/unleash/admin.ts';

const wireChain = z.object({
  events: z.array(z.object({
    id: z.number(), type: z.string(), createdBy: z.string(), environment: z.string().nullish(),
    data: z.record(z.string(), z.unknown()).nullish(), preData: z.record(z.string(), z.unknown()).nullish(),
  })),
});

/** An entry of the server's event log as the server tells it. */
export type ChainEvent = z.output<typeof wireChain>['events'][number];

/** Event types that say that somebody changed who gets the flag. */
const OF_ROLLOUT = /^(feature-strategy-(add|update|remove)|feature-environment-(enabled|disabled)|strategy-order-changed|feature-archived|feature-revived)$/;

/** A flag's events about its rollout, oldest first. Independent of how the product reads the log. */
export async function eventChain(admin: AdminClient, flag: string): Promise<ChainEvent[]> {
  const answer = wireChain.parse(await admin.request('GET', `/api/admin/search/events?feature=IS:${encodeURIComponent(flag)}&limit=1000`));
  return answer.events.filter(({ type }) => OF_ROLLOUT.test(type)).toSorted((a, b) => a.id - b.id);
}

/** An edit that was made on something else than what the edit before it in the log had left. */
export interface LostWrite {
  readonly lost: ChainEvent;
  readonly by: ChainEvent;
}

/** The edits of strategies that another edit wrote over without having seen them: its `preData` is not their `data`. */
export function lostWrites(chain: readonly ChainEvent[]): LostWrite[] {
  const last = new Map<unknown, ChainEvent>();
  return chain.flatMap((event) => {
    const id = event.data?.['id'] ?? event.preData?.['id'];
    if (!event.type.startsWith('feature-strategy-')) return [];
    const before = last.get(id);
    last.set(id, event);
    if (before?.data == null) return [];
    // The event of a removal does not tell segments.
    const seen = event.data === null ? { ...event.preData, segments: before.data['segments'] } : event.preData ?? {};
    return isDeepStrictEqual(content(before.data), content(seen)) ? [] : [{ lost: before, by: event }];
  });
}

/** What an edit is about; the order of strategies has events of its own. */
function content({ title, disabled, name, parameters, constraints, segments, variants }: Record<string, unknown>): unknown {
  return { title: title ?? '', disabled, name, parameters, constraints, segments, variants };
}

/** The environment after each event, from its state before the first of them. */
export function replay(start: FlagEnvironment, chain: readonly ChainEvent[]): { event: ChainEvent; state: FlagEnvironment }[] {
  let state = start;
  return chain.filter(({ environment, type }) => environment === start.name || type === 'feature-archived').map((event) => {
    state = after(state, event);
    return { event, state };
  });
}

function after(state: FlagEnvironment, { type, data, preData }: ChainEvent): FlagEnvironment {
  const { strategies } = state;
  const written = (): Strategy => strategy(wireStrategy.parse(data));
  switch (type) {
    case 'feature-strategy-add':
      return { ...state, strategies: [...strategies, written()] };
    case 'feature-strategy-update':
      return { ...state, strategies: strategies.map((each) => (each.id === data?.['id'] ? written() : each)) };
    case 'feature-strategy-remove':
      return { ...state, strategies: strategies.filter(({ id }) => id !== preData?.['id']) };
    case 'strategy-order-changed': {
      const order = z.array(z.string()).parse(data?.['strategyIds']);
      return { ...state, strategies: strategies.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id)) };
    }
    case 'feature-environment-enabled':
      return { ...state, enabled: true };
    case 'feature-environment-disabled':
    case 'feature-archived':
      return { ...state, enabled: false };
    default:
      return state;
  }
}
