/**
 * The child process that is Unleash with its PostgreSQL: `startUnleash` forks it. It lives as long as its parent: `stop` over IPC, SIGTERM
 * and the parent's death (IPC disconnect) all end the server first and the database after it.
 */
import { setTimeout } from 'node:timers/promises';
import type { IUnleash } from 'unleash-server';
import { messageOf } from '../processes.ts';
import { startPostgres } from './postgres.ts';
import type { Placement, RunningPostgres } from './postgres.ts';

export interface ServerConfiguration {
  placement: Placement;
  postgresPassword: string;
  /** Signs the sessions of Unleash's UI. */
  sessionSecret: string;
  port: number;
}

export type ToServer = { type: 'start'; configuration: ServerConfiguration } | { type: 'stop' };
export type FromServer = { type: 'postgres'; pid: number } | { type: 'ready' } | { type: 'failed'; message: string };

let postgres: Promise<RunningPostgres> | undefined;
let unleash: IUnleash | undefined;
let ending: Promise<void> | undefined;

function tell(message: FromServer): void {
  if (process.connected) process.send?.(message);
}

/** Unleash waits for its open work, for ever when that hangs. */
const stopWithinMs = 10_000;

async function end(code: number): Promise<void> {
  // A second call waits for the first: Unleash's stop() throws when it is called twice.
  ending ??= (async () => {
    // By the stream, as Unleash's own logger does: so the test of a killed parent meets what that meets.
    process.stdout.write('Unleash ends.\n');
    try {
      await Promise.race([unleash?.stop(), setTimeout(stopWithinMs)]);
    } catch (error) {
      console.error(`Unleash did not stop cleanly: ${messageOf(error)}`);
    }
    // Also one that is just starting: it would outlive this process.
    await postgres?.then((database) => database.stop(), () => undefined);
    process.exit(code);
  })();
  await ending;
}

function failed(error: unknown): void {
  console.error(`Unleash failed: ${messageOf(error)}`);
  void end(1);
}

/**
 * Unleash only logs rejections that nobody handles, such as that of a flag which is deleted within the second after it was made. Its migrations (db-migrate) leave
 * listeners behind that end the process at once all the same, with nothing stopped.
 */
function keepAlive(): void {
  for (const listener of process.listeners('uncaughtException')) if (listener !== failed) process.removeListener('uncaughtException', listener);
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => console.error(`Unleash left unhandled: ${messageOf(reason)}`));
}

async function start({ placement, postgresPassword, sessionSecret, port }: ServerConfiguration): Promise<void> {
  postgres = startPostgres(placement, postgresPassword, console.log);
  const [{ start: startServer, LogLevel }, database] = await Promise.all([import('unleash-server'), postgres]);
  if (database.process.pid !== undefined) tell({ type: 'postgres', pid: database.process.pid });
  void database.ended.then(() => {
    if (!ending) {
      tell({ type: 'failed', message: 'PostgreSQL ended unexpectedly' });
      void end(1);
    }
  });
  unleash = await startServer({
    databaseUrl: `postgres://unleash:${postgresPassword}@127.0.0.1:${database.port}/postgres`,
    db: { ssl: false, pool: { min: 0, max: 4 } },
    server: { port, host: '127.0.0.1', unleashUrl: `http://127.0.0.1:${port}`, secret: sessionSecret, gracefulShutdownEnable: false },
    versionCheck: { enable: false },
    authentication: { createAdminUser: false },
    logLevel: LogLevel.warn,
  });
  keepAlive();
  tell({ type: 'ready' });
}

process.on('message', (message: ToServer) => {
  if (message.type === 'stop') {
    void end(0);
    return;
  }
  start(message.configuration).catch((error: unknown) => {
    tell({ type: 'failed', message: messageOf(error) });
    void end(1);
  });
});
// Once the parent was killed nobody reads the output: what Unleash logs while it stops must not end this process before the database.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
process.on('uncaughtException', failed);
process.on('disconnect', () => void end(0));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(0));
