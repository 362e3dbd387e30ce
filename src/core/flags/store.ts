import { AppError, toAppError } from '../base/errors.ts';
import { Emitter, type Disposable } from '../base/events.ts';
import type { Clock } from '../base/clock.ts';
import { MAX_SINGLE_CHANGES, refetchAfter, unseen } from './eventChanges.ts';
import { ARCHIVE_EVENTS, archivedAmong } from './serverNotes.ts';
import { usesSegments, type Dependency, type Exposure, type Flag, type Segment } from './model.ts';
import type { EnvironmentInfo, FlagBulkReader, FlagEvent } from './ports.ts';

/** What is known of a project's flags at one moment. Immutable. */
export interface FlagSnapshot {
  readonly flags: ReadonlyMap<string, Flag>;
  readonly segments: ReadonlyMap<number, Segment>;
  readonly environments: readonly EnvironmentInfo[];
  /** Flags that were archived or deleted while this store watched, or that were asked for and found archived. */
  readonly archived: ReadonlySet<string>;
  readonly lastEventId: number;
  /** When it was last known to be true, in ms since the epoch. */
  readonly readAt: number;
}

export interface ObservedExposure {
  readonly readAt: number;
  readonly exposures: readonly Exposure[];
}

export type StoreStatus = 'empty' | 'loading' | 'ready' | 'failed';

/** `undefined` flags: any of them may have changed. */
export interface StoreChange {
  readonly flags: ReadonlySet<string> | undefined;
}

export interface FlagStoreOptions {
  readonly reader: FlagBulkReader;
  readonly project: string;
  readonly clock: Clock;
  readonly pollEveryMs: () => number;
}

const POLL_EVENTS = 50;
/** The log shows segment events to administrators only, so segments are looked at by themselves. */
const SEGMENTS_EVERY_MS = 60_000;
const OBSERVE_AT_MOST_EVERY_MS = 60_000;
const BURST_MS = [300, 1000, 2500];
const MAX_BACK_OFF_MS = 5 * 60_000;
const CONCURRENT_READS = 4;
const EVENTS_OF_A_FLAG = 50;
const MOST_DEPENDENCIES = 1000;
const MOST_ARCHIVE_EVENTS = 1000;

/**
 * The flags of one project on one server, for everything that shows them. It reads in bulk once, then follows the event
 * log with one small conditional request per poll, and only while something shows the flags (`setActive`). A failed
 * refresh keeps the last snapshot.
 */
export class FlagStore implements Disposable {
  readonly #options: FlagStoreOptions;
  readonly #changes = new Emitter<StoreChange>();
  readonly #polls = new Emitter<undefined>();
  readonly #observed = new Map<string, ObservedExposure>();
  readonly #watched = new Map<string, number>();
  readonly #versions = new Map<string, number>();
  readonly #abort = new AbortController();
  readonly #eventsOf = new Map<string, Promise<readonly FlagEvent[]>>();
  #snapshot: FlagSnapshot | undefined;
  #status: StoreStatus = 'empty';
  #error: AppError | undefined;
  #etag: string | undefined;
  #seen: ReadonlySet<number> = new Set();
  #segmentsEtag: string | undefined;
  #segmentsReadAt = 0;
  /** A segment was made or changed by us: not every user is shown an event about it. */
  #segmentsStale = false;
  /** Children of other flags: the bulk read does not name the parents, so they are read by themselves after it. */
  #unread: ReadonlySet<string> = new Set();
  #hasRead = false;
  readonly #askedArchived = new Set<string>();
  #active = false;
  #failures = 0;
  #burst: number[] = [];
  #timer: Disposable | undefined;
  #running: Promise<void> | undefined;

  constructor(options: FlagStoreOptions) {
    this.#options = options;
  }

  readonly onDidChange = this.#changes.event;

  /** After every poll, also one that found nothing or failed: ages and counters may have to be shown anew. */
  readonly onDidPoll = this.#polls.event;

  get snapshot(): FlagSnapshot | undefined {
    return this.#snapshot;
  }

  get status(): StoreStatus {
    return this.#status;
  }

  /** Why the last refresh failed; the snapshot, if any, is older. */
  get error(): AppError | undefined {
    return this.#error;
  }

  /** Whether the snapshot was read from the server, not only kept from an earlier session. */
  get hasRead(): boolean {
    return this.#hasRead;
  }

  get project(): string {
    return this.#options.project;
  }

  observed(flag: string): ObservedExposure | undefined {
    return this.#observed.get(flag);
  }

  /** Shows a snapshot of an earlier session until the first reading is there. */
  restore(snapshot: FlagSnapshot): void {
    if (this.#snapshot !== undefined) return;
    this.#snapshot = snapshot;
    this.#changes.fire({ flags: undefined });
  }

  /** Polls only while active; becoming active polls at once. */
  setActive(active: boolean): void {
    if (this.#active === active) return;
    this.#active = active;
    if (active) void this.refresh();
    else this.#stopTimer();
  }

  /** Reads what is new, or everything the first time and when `full`. Never rejects: see `error`. */
  refresh(full = false): Promise<void> {
    if (this.#running !== undefined && !full) return this.#running;
    this.#stopTimer();
    const previous = this.#running ?? Promise.resolve();
    const running = previous.then(() => this.#refreshOnce(full)).finally(() => {
      if (this.#running === running) this.#running = undefined;
      this.#schedule();
      this.#polls.fire(undefined);
    });
    this.#running = running;
    return running;
  }

  /** The newest events of a flag, kept until the log has something new about it. */
  changesOf(flag: string): Promise<readonly FlagEvent[]> {
    const known = this.#eventsOf.get(flag);
    if (known !== undefined) return known;
    const reading = this.#options.reader.readEvents({ flag, limit: EVENTS_OF_A_FLAG }, this.#abort.signal).then(({ events }) => events);
    this.#eventsOf.set(flag, reading);
    reading.catch(() => this.#eventsOf.delete(flag));
    return reading;
  }

  /** A short burst of polls after a write of ours. @param segments whether it was a segment */
  async expectChange({ segments = false } = {}): Promise<void> {
    this.#burst = [...BURST_MS];
    this.#segmentsStale ||= segments;
    await this.#running;
    await this.refresh();
  }

  /**
   * Reads the counters and dependencies of flags that something shows, each at most once a minute, a few at a time; of a flag
   * that is not in the snapshot it finds out whether it is archived or never was. A failure leaves what was known.
   */
  async observe(flags: Iterable<string>): Promise<void> {
    const now = this.#options.clock.now();
    const due = [...new Set(flags)].filter((flag) => now - (this.#watched.get(flag) ?? -Infinity) >= OBSERVE_AT_MOST_EVERY_MS);
    if (due.length === 0 || this.#snapshot === undefined) return;
    for (const flag of due) this.#watched.set(flag, now);
    await inBatches(due, CONCURRENT_READS, (flag) => this.#observeOne(flag));
  }

  /** Finds out, by one request, which of these names are archived; each is asked for once. False when the server did not answer; never rejects. */
  async learnArchived(names: Iterable<string>): Promise<boolean> {
    const snapshot = this.#snapshot;
    const open = [...new Set(names)].filter((name) => !this.#askedArchived.has(name) && snapshot?.flags.has(name) === false && !snapshot.archived.has(name));
    if (open.length === 0) return true;
    for (const name of open) this.#askedArchived.add(name);
    try {
      const { events } = await this.#options.reader.readEvents({ types: ARCHIVE_EVENTS, limit: MOST_ARCHIVE_EVENTS }, this.#abort.signal);
      for (const name of archivedAmong(open, events, this.project)) this.#markArchived(name);
      return true;
    } catch {
      for (const name of open) this.#askedArchived.delete(name);
      return false;
    }
  }

  async #observeOne(flag: string): Promise<void> {
    const version = this.#versions.get(flag);
    try {
      const detail = await this.#fetchDetail(flag);
      const snapshot = this.#snapshot;
      // A poll that read the flag meanwhile read it later: only the counters are news then.
      if (snapshot !== undefined && this.#versions.get(flag) === version) this.#snapshot = { ...snapshot, flags: new Map(snapshot.flags).set(flag, detail) };
      this.#changes.fire({ flags: new Set([flag]) });
    } catch (thrown) {
      if (toAppError(thrown).data['archived'] === true) this.#markArchived(flag);
    }
  }

  dispose(): void {
    this.#abort.abort();
    this.#active = false;
    this.#stopTimer();
    this.#changes.dispose();
    this.#polls.dispose();
  }

  async #refreshOnce(full: boolean): Promise<void> {
    if (this.#abort.signal.aborted) return;
    try {
      if (full || this.#snapshot === undefined || this.#status === 'empty') await this.#loadAll();
      else await this.#follow();
      this.#failures = 0;
      this.#hasRead = true;
      this.#setStatus('ready', undefined);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'cancelled') return;
      this.#failures += 1;
      this.#setStatus('failed', error);
    }
  }

  #setStatus(status: StoreStatus, error: AppError | undefined): void {
    const changed = this.#status !== status || this.#error?.message !== error?.message;
    this.#status = status;
    this.#error = error;
    if (changed) this.#changes.fire({ flags: new Set() });
  }

  async #loadAll(): Promise<void> {
    const { reader, project, clock } = this.#options;
    const { signal } = this.#abort;
    if (this.#snapshot === undefined) this.#setStatus('loading', undefined);
    // The log is read first: what happens during the bulk read is then still new to the next poll.
    const poll = await reader.pollEvents(POLL_EVENTS, undefined, signal);
    this.#segmentsEtag = undefined;
    const [dependencies, environments, segments] = await Promise.all([
      reader.readEvents({ types: ['feature-dependency-added'], limit: MOST_DEPENDENCIES }, signal),
      reader.readEnvironments(project, signal),
      this.#readSegments(),
    ]);
    const flags = await reader.readAllFlags(project, environments, signal);
    const children = new Set(dependencies.events.flatMap(({ flag }) => flag ?? []));
    this.#unread = new Set(flags.filter(({ name, blockedIn }) => blockedIn.length > 0 || children.has(name)).map(({ name }) => name));
    for (const name of this.#versions.keys()) this.#versions.set(name, (this.#versions.get(name) ?? 0) + 1);
    [this.#etag, this.#seen] = [undefined, new Set(poll.changed ? poll.page.events.map(({ id }) => id) : [])];
    const names = new Map(flags.map((flag) => [flag.name, this.#withKnownDependencies(flag)]));
    this.#replace({
      flags: names,
      segments: segments ?? new Map<number, Segment>(),
      environments,
      archived: new Set([...(this.#snapshot?.archived ?? [])].filter((name) => !names.has(name))),
      lastEventId: poll.changed ? poll.page.events[0]?.id ?? 0 : 0,
      readAt: clock.now(),
    }, undefined);
  }

  /** The bulk read does not tell dependencies; what single reads told stays until an event says otherwise. */
  #withKnownDependencies(flag: Flag): Flag {
    const dependencies: readonly Dependency[] | undefined = this.#snapshot?.flags.get(flag.name)?.dependencies;
    return dependencies === undefined ? flag : { ...flag, dependencies };
  }

  async #follow(): Promise<void> {
    const { reader, clock, project } = this.#options;
    const signal = this.#abort.signal;
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return;
    const poll = await reader.pollEvents(POLL_EVENTS, this.#etag, signal);
    const events = poll.changed ? await this.#newEvents(snapshot, poll.page.events) : [];
    const refetch = events && refetchAfter(events, project);
    if (events === undefined || refetch === undefined || refetch.all) {
      await this.#loadAll();
      return;
    }
    const due = clock.now() - this.#segmentsReadAt >= SEGMENTS_EVERY_MS && [...snapshot.flags.values()].some(usesSegments);
    const segments = refetch.segments || due || this.#segmentsStale ? await this.#readSegments() : undefined;
    const names = new Set([...refetch.flags, ...this.#unread]);
    await this.#refetch(snapshot, names, refetch.archived, segments, Math.max(snapshot.lastEventId, events[0]?.id ?? 0));
    if (poll.changed) [this.#etag, this.#seen] = [poll.etag, new Set(poll.page.events.map(({ id }) => id))];
    this.#unread = new Set();
  }

  /** The segments, or undefined when they are as they were. */
  async #readSegments(): Promise<ReadonlyMap<number, Segment> | undefined> {
    const { reader, clock } = this.#options;
    const poll = await reader.pollSegments(this.#segmentsEtag, this.#abort.signal);
    this.#segmentsReadAt = clock.now();
    this.#segmentsStale = false;
    if (!poll.changed) return undefined;
    this.#segmentsEtag = poll.etag;
    return new Map(poll.segments.map((segment) => [segment.id, segment]));
  }

  /** The events after the snapshot's last one, or undefined when the log does not reach back to it. */
  async #newEvents(snapshot: FlagSnapshot, page: readonly FlagEvent[]): Promise<readonly FlagEvent[] | undefined> {
    const isNew = unseen(this.#seen, snapshot.lastEventId);
    if (page.length > 0 && page.every(isNew)) {
      const { events } = await this.#options.reader.readEvents({ limit: MAX_SINGLE_CHANGES + 1 }, this.#abort.signal);
      return events.every(isNew) ? undefined : events.filter(isNew);
    }
    const newest = page[0]?.id ?? 0;
    // A server whose log begins anew (another database behind the same URL) has fewer events than before.
    return newest < snapshot.lastEventId ? undefined : page.filter(isNew);
  }

  async #refetch(snapshot: FlagSnapshot, names: ReadonlySet<string>, archived: ReadonlySet<string>, segments: ReadonlyMap<number, Segment> | undefined, lastEventId: number): Promise<void> {
    const gone = new Set([...this.#snapshot?.archived ?? [], ...archived]);
    const readings = await inBatches([...names], CONCURRENT_READS, (name) => this.#readDetail(name));
    const flags = new Map(this.#snapshot?.flags ?? snapshot.flags);
    for (const name of archived) flags.delete(name);
    for (const [name, flag] of readings) {
      this.#versions.set(name, (this.#versions.get(name) ?? 0) + 1);
      if (flag === undefined) {
        flags.delete(name);
        gone.add(name);
      } else {
        flags.set(name, flag);
        gone.delete(name);
      }
    }
    const dependants = segments === undefined ? [] : [...flags.values()].filter(usesSegments).map(({ name }) => name);
    const children = [...flags.values()].filter(({ dependencies }) => dependencies?.some(({ feature }) => names.has(feature) || archived.has(feature)) === true);
    this.#replace({
      ...snapshot,
      flags,
      archived: gone,
      ...(segments === undefined ? {} : { segments }),
      lastEventId,
      readAt: this.#options.clock.now(),
    }, new Set([...names, ...archived, ...dependants, ...children.map(({ name }) => name)]));
  }

  /** One flag in full, or undefined when it is archived or gone. */
  async #readDetail(name: string): Promise<readonly [string, Flag | undefined]> {
    try {
      return [name, await this.#fetchDetail(name)];
    } catch (error) {
      // Unleash names the flag that it does not have; a 404 of anything in between does not, and takes no flag away.
      if (error instanceof AppError && error.code === 'notFound' && error.message.includes(name)) return [name, undefined];
      throw error;
    }
  }

  async #fetchDetail(name: string): Promise<Flag> {
    const { flag, exposures } = await this.#options.reader.readFlag(this.project, name, this.#abort.signal);
    this.#observed.set(name, { readAt: this.#options.clock.now(), exposures });
    return flag;
  }

  #markArchived(flag: string): void {
    const snapshot = this.#snapshot;
    if (snapshot === undefined || snapshot.archived.has(flag) || snapshot.flags.has(flag)) return;
    this.#replace({ ...snapshot, archived: new Set([...snapshot.archived, flag]) }, new Set([flag]));
  }

  #replace(snapshot: FlagSnapshot, flags: ReadonlySet<string> | undefined): void {
    this.#snapshot = snapshot;
    // A name that was nobody's may be made, and archived then.
    for (const name of this.#askedArchived) if (snapshot.flags.has(name)) this.#askedArchived.delete(name);
    if (flags === undefined) this.#eventsOf.clear();
    else for (const flag of flags) this.#eventsOf.delete(flag);
    if (flags === undefined || flags.size > 0) this.#changes.fire({ flags });
  }

  #schedule(): void {
    if (!this.#active || this.#abort.signal.aborted || this.#timer !== undefined) return;
    const { clock, pollEveryMs } = this.#options;
    const backOff = Math.min(MAX_BACK_OFF_MS, pollEveryMs() * 2 ** Math.min(this.#failures, 10));
    const wait = this.#failures === 0 ? this.#burst.shift() ?? pollEveryMs() : backOff;
    this.#timer = clock.after(wait, () => {
      this.#timer = undefined;
      void this.refresh();
    });
  }

  #stopTimer(): void {
    this.#timer?.dispose();
    this.#timer = undefined;
  }
}

async function inBatches<T, R>(items: readonly T[], size: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += size) {
    results.push(...await Promise.all(items.slice(start, start + size).map(work)));
  }
  return results;
}
