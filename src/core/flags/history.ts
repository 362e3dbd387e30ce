import { environmentKey, sameStrategy } from './compare.ts';
import type { FlagEnvironment, Strategy } from './model.ts';
import type { FlagEvent } from './ports.ts';
import { announcesSwitchOn, isOwnTitle } from './titles.ts';

/** What an environment was after a change, and the events that made it so. */
export interface EnvironmentState {
  readonly environment: FlagEnvironment;
  /** The events of the change, oldest first; empty for the state before the oldest known event. */
  readonly events: readonly FlagEvent[];
}

export interface EnvironmentHistory {
  /** Oldest first; the last one is the present. */
  readonly states: readonly EnvironmentState[];
  /** False when the log does not lead back from the present state without a gap: older states are unknown then. */
  readonly complete: boolean;
}

const RELEVANT = new Set([
  'feature-strategy-add', 'feature-strategy-update', 'feature-strategy-remove', 'feature-environment-enabled', 'feature-environment-disabled', 'strategy-order-changed',
]);

/** Whether an event may have changed who gets the flag in some environment. */
export function changesRollout(event: FlagEvent): boolean {
  return RELEVANT.has(event.type);
}

/**
 * The states of one environment of a flag, by undoing the event log from the present state backwards: every event
 * carries the strategy before and after. It works on a log whose beginning is missing, and notices a state that the log
 * does not explain.
 *
 * @param events the flag's events, in any order, of any environment
 */
export function environmentHistory(present: FlagEnvironment, events: readonly FlagEvent[]): EnvironmentHistory {
  const relevant = withSegments(events.filter((event) => event.environment === present.name && changesRollout(event)).toSorted((a, b) => a.id - b.id));
  const changes = groupChanges(relevant);
  const states: EnvironmentState[] = [];
  let environment: FlagEnvironment | undefined = present;
  for (const change of changes.toReversed()) {
    states.push({ environment, events: change });
    environment = change.reduceRight<FlagEnvironment | undefined>((state, event) => state && undo(state, event, () => placesBefore(relevant, event)), environment);
    if (environment === undefined) return { states: states.toReversed(), complete: false };
  }
  states.push({ environment, events: [] });
  return { states: states.toReversed(), complete: true };
}

/**
 * The event of a removal does not name the strategy's segments: taken as it stands, what was for a segment would come back for
 * everyone. They are those of the strategy's event before; where the log has none, the removal cannot be undone.
 *
 * @param events oldest first
 */
function withSegments(events: readonly FlagEvent[]): FlagEvent[] {
  const segments = new Map<string, readonly number[]>();
  return events.map((event) => {
    if (event.strategy !== undefined) segments.set(event.strategy.id, event.strategy.segments);
    const { previousStrategy, ...rest } = event;
    if (event.type !== 'feature-strategy-remove' || previousStrategy === undefined || previousStrategy.segments.length > 0) return event;
    const known = segments.get(previousStrategy.id);
    return known === undefined ? rest : { ...rest, previousStrategy: { ...previousStrategy, segments: known } };
  });
}

/**
 * One change is what one transaction wrote, what one person wrote into several strategies under one title of ours, and the
 * switch-on that such a title announces.
 */
function groupChanges(events: readonly FlagEvent[]): FlagEvent[][] {
  const groups: FlagEvent[][] = [];
  for (const event of events) {
    const group = groups.at(-1);
    if (group !== undefined && belongsTo(group, event)) group.push(event);
    else groups.push([event]);
  }
  return groups;
}

function belongsTo(group: readonly FlagEvent[], event: FlagEvent): boolean {
  const previous = group.at(-1);
  if (previous === undefined) return false;
  if (previous.groupId !== undefined && previous.groupId === event.groupId) return true;
  if (previous.byId !== event.byId) return false;
  const title = previous.strategy?.title ?? '';
  if (event.type === 'feature-environment-enabled') return announcesSwitchOn(title);
  return isOwnTitle(title) && event.strategy?.title === title && group.every(({ strategy }) => strategy?.id !== event.strategy?.id);
}

/** The state before an event, or undefined when the event does not fit the state after it. */
function undo(after: FlagEnvironment, event: FlagEvent, places: () => ReadonlyMap<string, number>): FlagEnvironment | undefined {
  const { strategy, previousStrategy } = event;
  switch (event.type) {
    case 'feature-environment-enabled':
      return after.enabled ? { ...after, enabled: false } : undefined;
    case 'feature-environment-disabled':
      return after.enabled ? undefined : { ...after, enabled: true };
    case 'feature-strategy-add':
      return strategy !== undefined && has(after, strategy) ? { ...after, strategies: after.strategies.filter(({ id }) => id !== strategy.id) } : undefined;
    case 'feature-strategy-update':
      if (strategy === undefined || previousStrategy === undefined || !has(after, strategy)) return undefined;
      return { ...after, strategies: after.strategies.map((current) => (current.id === strategy.id ? previousStrategy : current)) };
    case 'feature-strategy-remove':
      if (previousStrategy === undefined || after.strategies.some(({ id }) => id === previousStrategy.id)) return undefined;
      return { ...after, strategies: inserted(after.strategies, previousStrategy, places()) };
    case 'strategy-order-changed':
      return event.previousOrder === undefined ? undefined : { ...after, strategies: inOrder(after.strategies, event.previousOrder) };
    default:
      return after;
  }
}

/** The list with a strategy back in its place. */
function inserted(strategies: readonly Strategy[], strategy: Strategy, places: ReadonlyMap<string, number>): Strategy[] {
  const place = strategy.sortOrder;
  const next = place === undefined ? -1 : strategies.findIndex(({ id }) => (places.get(id) ?? -1) > place);
  return next < 0 ? [...strategies, strategy] : strategies.toSpliced(next, 0, strategy);
}

/** The places in the order that strategies had before an event, as far as the log tells; `events` oldest first. */
function placesBefore(events: readonly FlagEvent[], event: FlagEvent): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const earlier of events) {
    if (earlier.id >= event.id) break;
    const { strategy, order } = earlier;
    if (strategy?.sortOrder !== undefined) places.set(strategy.id, strategy.sortOrder);
    for (const [place, id] of order?.entries() ?? []) places.set(id, place);
  }
  return places;
}

/** Strategies in the order of ids; those that are not named stay behind the others. */
function inOrder(strategies: readonly Strategy[], ids: readonly string[]): Strategy[] {
  const rank = ({ id }: Strategy): number => (ids.includes(id) ? ids.indexOf(id) : ids.length);
  return strategies.toSorted((a, b) => rank(a) - rank(b));
}

function has(environment: FlagEnvironment, strategy: Strategy): boolean {
  const found = environment.strategies.find(({ id }) => id === strategy.id);
  // Milestones are set by release plans without an event of their own.
  return found !== undefined && sameStrategy({ ...found, title: strategy.title }, strategy);
}

/**
 * The states one can go back to, oldest first, the present one last: a return to an earlier state takes away what lay in
 * between, so that a second roll back goes one further instead of back and forth. Changes of title alone are no states.
 */
export function undoStack(history: EnvironmentHistory): EnvironmentState[] {
  const stack: EnvironmentState[] = [];
  for (const state of history.states) {
    const key = environmentKey(state.environment);
    const earlier = stack.findIndex((candidate) => environmentKey(candidate.environment) === key);
    if (earlier >= 0) stack.length = earlier;
    stack.push(state);
  }
  return stack;
}
