import { AppError } from '../../core/base/errors.ts';
import { readHistory, type HistoryReading } from '../../core/flags/timeline.ts';
import type { Connection } from '../connection/connection.ts';

/** Histories of flags, read when somebody wants to see one and kept until the snapshot shows a change. */
export class FlagHistories {
  readonly #known = new WeakMap<Connection, Map<string, { readonly token: string; readonly reading: Promise<HistoryReading> }>>();

  /** @throws AppError auth when nobody is signed in; otherwise as the Admin API fails */
  read(connection: Connection, flag: string): Promise<HistoryReading> {
    const { session, baseUrl, project, origin } = connection;
    if (session === undefined) return Promise.reject(new AppError('auth', `Not connected to ${origin}: connect with a personal access token first.`, { origin }));
    const known = this.#known.get(connection) ?? new Map<string, { token: string; reading: Promise<HistoryReading> }>();
    this.#known.set(connection, known);
    const token = stateToken(connection, flag);
    const last = known.get(flag);
    if (last?.token === token) return last.reading;
    const reading = readHistory(session.client, baseUrl, project, flag);
    known.set(flag, { token, reading });
    reading.catch(() => known.delete(flag));
    return reading;
  }
}

/** Differs whenever the history may have something new: the flag, its parents or the segments are not what they were. */
function stateToken({ session }: Connection, name: string): string {
  const snapshot = session?.store.snapshot;
  const flag = snapshot?.flags.get(name);
  const parents = flag?.dependencies?.map(({ feature }) => snapshot?.flags.get(feature)?.environments);
  const used = new Set(flag?.environments.flatMap(({ strategies }) => strategies.flatMap(({ segments }) => segments)));
  return JSON.stringify([flag?.environments, flag?.dependencies, parents, [...used].map((id) => snapshot?.segments.get(id))]);
}
