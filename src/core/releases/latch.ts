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

/**
 * The guard's rollbacks that still hold, by environment: the newest title of ours that says one, unless a later one says
 * `re-armed`. Other changes since, also raises by hand, do not re-arm.
 * @param events the flag's events, in any order
 */
export function latches(events: readonly FlagEvent[]): Latch[] {
  const found = new Map<string, Latch>();
  for (const { id, environment, strategy, createdAt, by } of events.toSorted((a, b) => a.id - b.id)) {
    if (environment === undefined || strategy === undefined) continue;
    const mark = markOf(strategy.title);
    if (mark === 'guard') found.set(environment, { environment, event: id, at: createdAt, by, title: strategy.title });
    else if (mark === 'rearmed') found.delete(environment);
  }
  return [...found.values()];
}
