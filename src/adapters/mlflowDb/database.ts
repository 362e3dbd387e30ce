import { statSync } from 'node:fs';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { AppError, throwIfCancelled, toAppError } from '../../core/base/errors.ts';

export type Row = Readonly<Record<string, unknown>>;

const TRIES = 4;
const PAUSE_MS = 250;

/** SQLite's result codes. */
const WRONG_SQL = 1;
const BUSY = 5;
const READ_ONLY = 8;
/** Among others what reading a folder comes to. */
const INPUT_OUTPUT = 10;
const CORRUPT = 11;
const CANNOT_OPEN = 14;
const NOT_A_DATABASE = 26;

/** An open database inside one read transaction. Columns that this MLflow's schema lacks come back as null. */
export class Reader {
  readonly #database: DatabaseSync;
  readonly #columns = new Map<string, ReadonlySet<string>>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Names of a table's columns; empty when there is no such table. */
  columns(table: string): ReadonlySet<string> {
    const known = this.#columns.get(table);
    if (known !== undefined) return known;
    const found = new Set(this.#database.prepare(`PRAGMA table_info("${table}")`).all().map((row) => String(row['name'])));
    this.#columns.set(table, found);
    return found;
  }

  /** `rest` is what follows FROM: it may name only columns that the caller has checked or requires. */
  select(table: string, wanted: readonly string[], rest: string, ...values: SQLInputValue[]): readonly Row[] {
    const columns = this.columns(table);
    if (columns.size === 0) return [];
    const list = wanted.map((name) => (columns.has(name) ? `"${name}"` : `NULL AS "${name}"`)).join(', ');
    return this.#database.prepare(`SELECT ${list} FROM "${table}" ${rest}`).all(...values);
  }
}

/**
 * Opens a database read-only, hands it to `work` within one transaction (a consistent state while others write) and closes it.
 * A locked database is tried again for a second without blocking.
 * @throws AppError notFound, validation (no database, unknown schema, Node without node:sqlite), timeout (locked)
 */
export async function readDatabase<T>(path: string, sleep: (ms: number, signal?: AbortSignal) => Promise<void>, work: (reader: Reader) => T, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    throwIfCancelled(signal);
    try {
      return readOnce(path, work);
    } catch (thrown) {
      if (resultCode(thrown) !== BUSY || attempt === TRIES) throw failure(path, thrown);
      await sleep(PAUSE_MS, signal).catch((stopped: unknown) => Promise.reject(toAppError(stopped)));
    }
  }
}

function readOnce<T>(path: string, work: (reader: Reader) => T): T {
  try {
    return inTransaction(open(path, false), work);
  } catch (thrown) {
    const code = resultCode(thrown);
    // A database in WAL mode needs a file beside it. Where none can be made, and nothing waits in a log, it can be read as it is.
    if ((code !== CANNOT_OPEN && code !== READ_ONLY) || sizeOf(path) === undefined || (sizeOf(`${path}-wal`) ?? 0) > 0) throw thrown;
    return inTransaction(open(path, true), work);
  }
}

function inTransaction<T>(database: DatabaseSync, work: (reader: Reader) => T): T {
  try {
    database.exec('BEGIN');
    return work(new Reader(database));
  } finally {
    database.close();
  }
}

function open(path: string, immutable: boolean): DatabaseSync {
  // Not imported: Node has it from 22.5 on, and the rest of Modelswitch runs without.
  const { getBuiltinModule } = process as { getBuiltinModule?: (id: string) => unknown };
  const sqlite = getBuiltinModule?.('node:sqlite') as { DatabaseSync: typeof DatabaseSync } | undefined;
  if (sqlite === undefined) {
    throw new AppError('validation', `${path} cannot be read: node:sqlite needs Node 22.13 or newer (this is ${process.versions.node}). Use a newer Node, or start MLflow's server and give its address.`, { reason: 'noSqlite' });
  }
  const url = pathToFileURL(path);
  if (immutable) url.search = '?immutable=1';
  return new sqlite.DatabaseSync(immutable ? url : path, { readOnly: true });
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

function resultCode(thrown: unknown): number | undefined {
  const code: unknown = thrown instanceof Error && 'errcode' in thrown ? thrown.errcode : undefined;
  // The lower byte is the kind, whatever the details.
  return typeof code === 'number' ? code & 0xff : undefined;
}

function failure(path: string, thrown: unknown): unknown {
  switch (resultCode(thrown)) {
    case undefined:
      return thrown;
    case BUSY:
      return new AppError('timeout', `${path} is locked by a program that writes to it: try again when that is done.`, { reason: 'locked' }, thrown);
    case WRONG_SQL:
      return new AppError('validation', `${path} has a schema that Modelswitch does not know (${thrown instanceof Error ? thrown.message : ''}): start MLflow's server on it and give its address instead.`, { reason: 'unknownSchema' }, thrown);
    case NOT_A_DATABASE:
      return new AppError('validation', `${path} is no SQLite database: check the path.`, { reason: 'notADatabase' }, thrown);
    case CORRUPT:
      return new AppError('validation', `${path} is damaged: restore it from a copy, or let SQLite repair it.`, { reason: 'damaged' }, thrown);
    case CANNOT_OPEN:
    case READ_ONLY:
    case INPUT_OUTPUT:
      return sizeOf(path) === undefined
        ? new AppError('notFound', `${path} does not exist: check the path, which is relative to the folder of modelswitch.yaml.`, {}, thrown)
        : new AppError('validation', `${path} cannot be opened: check that it is a file and that you may read it and the folder it is in.`, { reason: 'cannotOpen' }, thrown);
    default:
      return new AppError('internal', `${path} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {}, thrown);
  }
}
