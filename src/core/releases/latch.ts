import type { FlagEvent } from '../flags/ports.ts';
import { markOf } from '../flags/titles.ts';

/** A guard's rollback that nobody has re-armed. */
export interface Latch {
  readonly environment: string;
  readonly event: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  /** The title that the guard wrote: versions, target and evidence in short. */
  readonly title: string;
}

/** An event whose title of ours says that the guard took exposure back, or that a person re-armed it. */
export interface MarkedEvent extends Latch {
  readonly mark: 'guard' | 'rearmed';
}

/**
 * @param events the flag's events, in any order
 * @returns oldest first
 */
export function markedEvents(events: readonly FlagEvent[], environmentName?: string): MarkedEvent[] {
  return events.toSorted((a, b) => a.id - b.id).flatMap(({ id, environment, strategy, createdAt, by }) => {
    const mark = strategy === undefined ? undefined : markOf(strategy.title);
    if (mark === undefined || strategy === undefined || environment === undefined || (environmentName !== undefined && environment !== environmentName)) return [];
    return [{ mark, environment, event: id, at: createdAt, by, title: strategy.title }];
  });
}

/**
 * The guard's rollbacks that still hold, by environment: the newest title of ours that says one, unless a later one says
 * `re-armed`. Other changes since, also raises by hand, do not re-arm.
 * @param events the flag's events, in any order
 */
export function latches(events: readonly FlagEvent[]): Latch[] {
  const found = new Map<string, Latch>();
  for (const { mark, ...latch } of markedEvents(events)) {
    if (mark === 'guard') found.set(latch.environment, latch);
    else found.delete(latch.environment);
  }
  return [...found.values()];
}
