import type { Flag } from './model.ts';
import type { FlagEvent } from './ports.ts';

/** A name that running applications ask the server for and that it does not know, in any project. */
export interface AskedFlag {
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly lastSeenAt: string;
  readonly reports: readonly { readonly application: string; readonly environment: string; readonly seenAt: string }[];
}

export type AskedPoll = { readonly changed: false } | { readonly changed: true; readonly flags: readonly AskedFlag[]; readonly etag: string | undefined };

/** What a server says beside its flags. */
export interface ServerNotesReader {
  /** @throws AppError notFound when the server is too old to tell (before 7.0); forbidden when the person may not see it */
  pollAskedFlags(etag: string | undefined, signal?: AbortSignal): Promise<AskedPoll>;
  /** By type of flag, after how many days Unleash calls one potentially stale; types without a lifetime are missing. */
  readLifetimes(signal?: AbortSignal): Promise<ReadonlyMap<string, number>>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Whether a flag has outlived its type's lifetime, by which Unleash calls it potentially stale. One that is marked stale is not: it is stale. */
export function isPotentiallyStale({ stale, type, createdAt }: Flag, lifetimes: ReadonlyMap<string, number>, now: number): boolean {
  const days = lifetimes.get(type);
  const created = createdAt === undefined ? Number.NaN : Date.parse(createdAt);
  return !stale && days !== undefined && now - created > days * DAY_MS;
}

/** `scorer in production, web in development; last seen 2026-11-23 03:20 UTC`, or only the last part. Three reports are named. */
export function askedWords({ lastSeenAt, reports }: AskedFlag): string {
  const newest = reports.toSorted((a, b) => (a.seenAt < b.seenAt ? 1 : -1));
  const named = newest.slice(0, 3).map(({ application, environment }) => `${application} in ${environment}`);
  const more = reports.length > 3 ? ` and ${reports.length - 3} more` : '';
  const seen = `last seen ${lastSeenAt.slice(0, 16).replace('T', ' ')} UTC`;
  return named.length === 0 ? seen : `${named.join(', ')}${more}; ${seen}`;
}

/** The types of the events that decide whether a name is archived. */
export const ARCHIVE_EVENTS: readonly string[] = ['feature-archived', 'feature-deleted', 'feature-revived'];

/** Which of `names` the log says are archived in the project. `events`: newest first. */
export function archivedAmong(names: Iterable<string>, events: readonly FlagEvent[], project: string): ReadonlySet<string> {
  const wanted = new Set(names);
  const found = new Set<string>();
  for (const { flag, type, project: eventProject } of events) {
    if (flag === undefined || !wanted.delete(flag)) continue;
    if (type === 'feature-archived' && (eventProject === undefined || eventProject === project)) found.add(flag);
  }
  return found;
}
