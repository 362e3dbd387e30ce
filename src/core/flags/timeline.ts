import { environmentKey } from './compare.ts';
import { dependencyWords } from './dependencies.ts';
import { environmentHistory, type EnvironmentHistory } from './history.ts';
import { environmentOf, type Flag, type FlagEnvironment } from './model.ts';
import { segmentMap, type FlagReading } from './planner.ts';
import type { FlagEvent, FlagReader } from './ports.ts';
import { describeEnvironment, type Segments } from './rollout.ts';

interface Entry {
  /** Ids of the events that made the change, oldest first. */
  readonly events: readonly number[];
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: string;
}

/** A change of the flag's own rollout in one environment. */
export interface RolloutEntry extends Entry {
  readonly kind: 'rollout';
  readonly environment: string;
  /** The rollout in words, before and after. */
  readonly from: string;
  readonly to: string;
  /** Whether who gets the flag, and which variant, is as before: only a title or the order of equals changed. */
  readonly sameEffect: boolean;
  /** What was written into the strategy's title: version, stage, reason. */
  readonly title: string;
  /** What the environment was after the change: what one may restore. */
  readonly after: FlagEnvironment;
}

/** Something else that may have changed who gets the flag: a parent, a segment, the flag's being there at all. */
export interface BesideEntry extends Entry {
  readonly kind: 'beside';
  /** Undefined: in every environment. */
  readonly environment: string | undefined;
  /** In words that fit after a flag's name; it holds names from the server. */
  readonly what: string;
}

export type TimelineEntry = RolloutEntry | BesideEntry;

export interface FlagTimeline {
  /** Newest first. */
  readonly entries: readonly TimelineEntry[];
  /** Whether the log leads back to the beginning. */
  readonly complete: boolean;
}

/** A flag's reading with what lies beside it: all that its history is made of. */
export interface HistoryReading extends FlagReading {
  /** The flags that it depends on now, with their events; one that cannot be read (archived, another project's) is left out. */
  readonly parents: readonly { readonly flag: Flag; readonly events: readonly FlagEvent[] }[];
  /** Edits of segments; always empty for users whom Unleash does not show them. */
  readonly segmentEvents: readonly FlagEvent[];
}

/** As many events as Unleash gives in one answer. */
const MOST_EVENTS = 1000;
const SEGMENT_EDITS = ['segment-updated', 'segment-deleted'];

/** Reads the flag, its events, its parents and the edits of segments, in 4 requests and 2 more for each parent. */
export async function readHistory(port: FlagReader, server: string, project: string, name: string, signal?: AbortSignal): Promise<HistoryReading> {
  const [{ events }, { events: segmentEvents }] = await Promise.all([
    port.readEvents({ flag: name, limit: MOST_EVENTS }, signal),
    port.readEvents({ types: SEGMENT_EDITS, limit: MOST_EVENTS }, signal),
  ]);
  const [detail, segments] = await Promise.all([port.readFlag(project, name, signal), port.readSegments(signal)]);
  const parents = await Promise.all(detail.flag.dependencies.map(async ({ feature }) => {
    const answers = await Promise.all([port.readFlag(project, feature, signal), port.readEvents({ flag: feature, limit: MOST_EVENTS }, signal)]).catch(() => undefined);
    return answers === undefined ? [] : [{ flag: answers[0].flag, events: answers[1].events }];
  }));
  return { server, detail, segments, events, parents: parents.flat(), segmentEvents };
}

/**
 * Everything that is known to have changed who gets the flag, newest first; with an environment, as far as it concerns
 * that one. Segments are taken as they are now: the log does not keep for everybody what they were.
 */
export function flagTimeline(reading: HistoryReading, environment?: string): FlagTimeline {
  const { detail, events, segments, parents, segmentEvents } = reading;
  const known = segmentMap(segments);
  const environments = detail.flag.environments.filter(({ name }) => environment === undefined || name === environment);
  const histories = environments.map((each) => environmentHistory(each, events));
  const entries: TimelineEntry[] = [
    ...histories.flatMap((history) => rolloutEntries(history, known)),
    ...parents.flatMap((parent) => environments.flatMap(({ name }) => parentEntries(parent, events, name, known))),
    ...histories.flatMap((history) => segmentEntries(history, segmentEvents)),
    ...events.flatMap(flagEntry),
  ];
  return { entries: entries.toSorted((a, b) => newest(b) - newest(a)), complete: histories.every(({ complete }) => complete) };
}

/** What an entry tells in one clause, without who, when and why; it holds names from the server. */
export function entryWords(entry: TimelineEntry): string {
  if (entry.kind === 'beside') return entry.what;
  if (entry.from !== entry.to) return `${entry.from} -> ${entry.to}`;
  return `${entry.to} (${entry.sameEffect ? 'title' : 'strategies'} changed)`;
}

const newest = ({ events }: Entry): number => events.at(-1) ?? 0;

function rolloutEntries({ states }: EnvironmentHistory, segments: Segments): RolloutEntry[] {
  const words = (environment: FlagEnvironment): string => describeEnvironment(environment, segments);
  return states.flatMap((state, index) => {
    const before = states[index - 1];
    const [first] = state.events;
    if (before === undefined || first === undefined) return [];
    return [{
      kind: 'rollout' as const,
      environment: state.environment.name,
      ...entryOf(state.events, first),
      from: words(before.environment),
      to: words(state.environment),
      sameEffect: environmentKey(before.environment) === environmentKey(state.environment),
      title: state.events.map(({ strategy }) => strategy?.title ?? '').findLast((title) => title !== '') ?? '',
      after: state.environment,
    }];
  });
}

/** What a parent did since the flag depends on it. */
function parentEntries({ flag, events }: HistoryReading['parents'][number], childEvents: readonly FlagEvent[], environment: string, segments: Segments): BesideEntry[] {
  const present = environmentOf(flag, environment);
  if (present === undefined) return [];
  const since = Math.max(0, ...childEvents.filter(({ type, dependency }) => type === 'feature-dependency-added' && dependency?.feature === flag.name).map(({ id }) => id));
  return rolloutEntries(environmentHistory(present, events), segments)
    .filter(({ from, to, ...entry }) => from !== to && newest(entry) > since)
    .map(({ from, to, ...entry }) => ({ kind: 'beside', environment, events: entry.events, at: entry.at, by: entry.by, what: `parent "${flag.name}" ${from} -> ${to}` }));
}

/** Edits of the segments that the environment's strategies used when they were edited. */
function segmentEntries({ states }: EnvironmentHistory, segmentEvents: readonly FlagEvent[]): BesideEntry[] {
  return segmentEvents.flatMap((event) => {
    const { segment, id, type } = event;
    const state = states.findLast(({ events }) => (events[0]?.id ?? 0) < id);
    const used = state?.environment.strategies.some(({ segments }) => segment !== undefined && segments.includes(segment.id)) === true;
    if (segment === undefined || state === undefined || !used) return [];
    return [{ kind: 'beside' as const, environment: state.environment.name, ...entryOf([event], event), what: `segment "${segment.name}" ${type === 'segment-deleted' ? 'deleted' : 'edited'}` }];
  });
}

const FLAG_EVENTS: Readonly<Record<string, string>> = {
  'feature-created': 'created',
  'feature-imported': 'imported',
  'feature-archived': 'archived',
  'feature-revived': 'revived',
};

function flagEntry(event: FlagEvent): BesideEntry[] {
  const { type, dependency } = event;
  const words = type === 'feature-dependency-added' && dependency !== undefined ? `now depends on ${dependencyWords(dependency)}`
    : type === 'feature-dependency-removed' ? `no longer depends on ${dependency === undefined ? 'its parent' : `"${dependency.feature}"`}`
    : FLAG_EVENTS[type];
  return words === undefined ? [] : [{ kind: 'beside', environment: undefined, ...entryOf([event], event), what: words }];
}

function entryOf(events: readonly FlagEvent[], first: FlagEvent): Entry {
  return { events: events.map(({ id }) => id), at: first.createdAt, by: first.by };
}
