import { environmentHistory, type EnvironmentHistory } from './history.ts';
import type { FlagEnvironment } from './model.ts';
import { segmentMap, type FlagReading } from './planner.ts';
import { describeRollout, effectiveRollout, type Segments } from './rollout.ts';

/** One change of an environment, for people and for export. */
export interface TimelineEntry {
  readonly environment: string;
  /** Ids of the events that made the change, oldest first. */
  readonly events: readonly number[];
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
  /** The rollout in words, before and after. */
  readonly from: string;
  readonly to: string;
  /** What was written into the strategy's title: version, stage, reason. */
  readonly title: string;
  readonly after: FlagEnvironment;
}

/** The changes of an environment, newest first. Segments are taken as they are now: the log does not keep what they were. */
function timeline({ states }: EnvironmentHistory, segments: Segments): TimelineEntry[] {
  const words = (environment: FlagEnvironment): string => describeRollout(effectiveRollout(environment, segments));
  return states.flatMap((state, index) => {
    const before = states[index - 1];
    const [first] = state.events;
    if (before === undefined || first === undefined) return [];
    return [{
      environment: state.environment.name,
      events: state.events.map(({ id }) => id),
      at: first.createdAt,
      by: first.by,
      from: words(before.environment),
      to: words(state.environment),
      title: state.events.map(({ strategy }) => strategy?.title ?? '').findLast((title) => title !== '') ?? '',
      after: state.environment,
    }];
  }).reverse();
}

/** The changes of a flag in every environment, or in one, newest first, and whether the log leads back to the beginning. */
export function flagTimeline({ detail, events, segments }: FlagReading, environment?: string): { readonly entries: readonly TimelineEntry[]; readonly complete: boolean } {
  const environments = detail.flag.environments.filter(({ name }) => environment === undefined || name === environment);
  const histories = environments.map((each) => environmentHistory(each, events));
  const entries = histories.flatMap((history) => timeline(history, segmentMap(segments))).toSorted((a, b) => (a.at < b.at ? 1 : -1));
  return { entries, complete: histories.every(({ complete }) => complete) };
}
