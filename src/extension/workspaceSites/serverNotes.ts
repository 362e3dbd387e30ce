import * as vscode from 'vscode';
import { toAppError } from '../../core/base/errors.ts';
import { DisposableStore } from '../../core/base/events.ts';
import type { Clock } from '../../core/base/clock.ts';
import type { EnvironmentInfo } from '../../core/flags/ports.ts';
import type { AskedFlag } from '../../core/flags/serverNotes.ts';
import type { Connection, Session } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import type { Log } from '../platform/log.ts';

/** Unleash itself collects these for two minutes. */
const READ_EVERY_MS = 5 * 60_000;

/** What a server says beside its flags: names that applications ask for in vain, and how long flags of a type are expected to live. */
export interface Notes {
  readonly asked: ReadonlyMap<string, AskedFlag>;
  /** In days, by type. */
  readonly lifetimes: ReadonlyMap<string, number>;
}

const NOTHING: Notes = { asked: new Map(), lifetimes: new Map() };

interface Entry {
  readonly session: Session;
  notes: Notes;
  etag: string | undefined;
  readAt: number;
  environments: readonly EnvironmentInfo[] | undefined;
  /** The server does not tell, or not to this person: it is not asked again. */
  isSilent: boolean;
  running: boolean;
}

/** Keeps the notes of every connection while it is followed, by one conditional request in five minutes. A server that does not tell is left alone. */
export class ServerNotes implements vscode.Disposable {
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #entries = new Map<Connection, Entry>();
  readonly #changes = new vscode.EventEmitter<Connection>();
  readonly #subscriptions = new DisposableStore();

  constructor(connections: Connections, clock: Clock, log: Log) {
    this.#connections = connections;
    this.#clock = clock;
    this.#log = log;
    this.#subscriptions.add(this.#changes);
    this.#subscriptions.add(connections.onDidChange(() => this.#look()));
  }

  readonly onDidChange = this.#changes.event;

  of(connection: Connection): Notes {
    return this.#entries.get(connection)?.notes ?? NOTHING;
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  #look(): void {
    for (const connection of this.#entries.keys()) if (!this.#connections.all.includes(connection)) this.#entries.delete(connection);
    for (const connection of this.#connections.all) {
      const { session, state } = connection;
      if (session === undefined || state.kind !== 'connected' || !session.store.hasRead) continue;
      const entry = this.#entryOf(connection, session);
      // Everything was read anew: somebody asked for it.
      const isAnew = entry.environments !== session.store.snapshot?.environments;
      const isDue = isAnew || this.#clock.now() - entry.readAt >= READ_EVERY_MS;
      if (isDue && !entry.isSilent && !entry.running) void this.#read(connection, entry);
    }
  }

  #entryOf(connection: Connection, session: Session): Entry {
    const known = this.#entries.get(connection);
    if (known?.session === session) return known;
    const made: Entry = { session, notes: known?.notes ?? NOTHING, etag: undefined, readAt: -Infinity, environments: undefined, isSilent: false, running: false };
    this.#entries.set(connection, made);
    return made;
  }

  async #read(connection: Connection, entry: Entry): Promise<void> {
    const { client, store } = entry.session;
    entry.running = true;
    entry.readAt = this.#clock.now();
    entry.environments = store.snapshot?.environments;
    try {
      if (entry.notes.lifetimes.size === 0) await this.#readLifetimes(connection, entry);
      const poll = await client.pollAskedFlags(entry.etag);
      if (!poll.changed || this.#entries.get(connection) !== entry) return;
      entry.etag = poll.etag;
      const asked = new Map(poll.flags.map((flag) => [flag.name, flag]));
      if (JSON.stringify([...asked]) === JSON.stringify([...entry.notes.asked])) return;
      entry.notes = { ...entry.notes, asked };
      this.#changes.fire(connection);
    } catch (thrown) {
      const error = toAppError(thrown);
      entry.isSilent = error.code === 'notFound' || error.code === 'forbidden' || error.code === 'validation';
      this.#log.info(`Unknown flags of ${connection.origin}: ${error.message}`);
    } finally {
      entry.running = false;
    }
  }

  /** Without them nothing is called potentially stale. */
  async #readLifetimes(connection: Connection, entry: Entry): Promise<void> {
    try {
      entry.notes = { ...entry.notes, lifetimes: await entry.session.client.readLifetimes() };
      this.#changes.fire(connection);
    } catch (thrown) {
      this.#log.info(`Types of flags of ${connection.origin}: ${toAppError(thrown).message}`);
    }
  }
}
