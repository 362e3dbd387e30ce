import type { Dependency, Exposure, Flag, Segment, Strategy } from './model.ts';

/** Who is connected, and what that person may do. */
export interface Identity {
  readonly id: number;
  readonly name: string;
  readonly permissions: readonly Permission[];
}

/** One permission; without project or environment it holds everywhere. */
export interface Permission {
  readonly permission: string;
  readonly project?: string;
  readonly environment?: string;
}

export interface ServerInfo {
  readonly version: string;
  readonly edition: 'open source' | 'enterprise';
  readonly maintenance: boolean;
}

export interface EnvironmentInfo {
  readonly name: string;
  readonly type: string;
  readonly enabled: boolean;
}

/** One entry of Unleash's event log, its strategy payloads normalised. */
export interface FlagEvent {
  readonly id: number;
  readonly type: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly by: string;
  readonly byId: number;
  readonly flag?: string;
  readonly project?: string;
  readonly environment?: string;
  /** Events that one transaction of the server wrote share it. */
  readonly groupId?: string;
  /** The strategy after / before, for strategy events. */
  readonly strategy?: Strategy;
  readonly previousStrategy?: Strategy;
  /** Strategy ids after / before, for a change of their order. */
  readonly order?: readonly string[];
  readonly previousOrder?: readonly string[];
  /** For events of segments, which only administrators are shown. */
  readonly segment?: Pick<Segment, 'id' | 'name'>;
  /** The condition on a parent that was added or taken away. */
  readonly dependency?: Dependency;
}

export interface EventQuery {
  readonly flag?: string;
  /** Any of these types. */
  readonly types?: readonly string[];
  readonly limit: number;
  readonly offset?: number;
}

/** Newest first. */
export interface EventPage {
  readonly events: readonly FlagEvent[];
  readonly total: number;
}

/** Everything that the event log pages must be compared with to know whether something is new. */
export type EventPoll = { readonly changed: false } | { readonly changed: true; readonly page: EventPage; readonly etag: string | undefined };

/** One flag in full, with the counters of the last hour. */
export interface FlagDetail {
  readonly flag: Flag & { readonly dependencies: readonly Dependency[] };
  readonly exposures: readonly Exposure[];
  /** Names of the flags that depend on this one. */
  readonly children?: readonly string[];
}

export interface StrategyRef {
  readonly project: string;
  readonly flag: string;
  readonly environment: string;
  readonly strategyId: string;
}

export type NewStrategy = Omit<Strategy, 'id' | 'milestoneId' | 'sortOrder'>;

export interface FlagReader {
  /** @throws AppError notFound when the project has no such flag (`data.archived` tells whether it once had). */
  readFlag(project: string, name: string, signal?: AbortSignal): Promise<FlagDetail>;
  readSegments(signal?: AbortSignal): Promise<readonly Segment[]>;
  readEvents(query: EventQuery, signal?: AbortSignal): Promise<EventPage>;
}

/** All writes are single calls: none is repeated by the adapter. */
export interface FlagWriter {
  /**
   * Compare-and-set of one strategy: `to` is written only if the server's strategy equals `from`.
   * @throws AppError conflict when it does not.
   */
  patchStrategy(ref: StrategyRef, from: Strategy, to: Strategy, signal?: AbortSignal): Promise<void>;
  addStrategy(ref: Omit<StrategyRef, 'strategyId'>, strategy: NewStrategy, signal?: AbortSignal): Promise<void>;
  removeStrategy(ref: StrategyRef, signal?: AbortSignal): Promise<void>;
  /** Puts strategies into the order of `ids`. */
  orderStrategies(ref: Omit<StrategyRef, 'strategyId'>, ids: readonly string[], signal?: AbortSignal): Promise<void>;
  setEnvironmentEnabled(ref: Omit<StrategyRef, 'strategyId'>, enabled: boolean, signal?: AbortSignal): Promise<void>;
}

export type SegmentPoll = { readonly changed: false } | { readonly changed: true; readonly segments: readonly Segment[]; readonly etag: string | undefined };

/** What the store needs beyond single flags. */
export interface FlagBulkReader extends FlagReader {
  readEnvironments(project: string, signal?: AbortSignal): Promise<readonly EnvironmentInfo[]>;
  readAllFlags(project: string, environments: readonly EnvironmentInfo[], signal?: AbortSignal): Promise<readonly Flag[]>;
  /** One small conditional request: `changed: false` when nothing was logged since the answer that `etag` came with. */
  pollEvents(limit: number, etag: string | undefined, signal?: AbortSignal): Promise<EventPoll>;
  pollSegments(etag: string | undefined, signal?: AbortSignal): Promise<SegmentPoll>;
}

