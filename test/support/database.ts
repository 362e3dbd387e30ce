import { chmodSync, mkdtempSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient } from '../../sandbox/unleash/admin.ts';
import { seed } from '../../sandbox/unleash/seed.ts';
import { removeUnleashData, startUnleash } from '../../sandbox/unleash/start.ts';

interface Database {
  connect(): Promise<void>;
  query(text: string, values: readonly string[]): Promise<unknown>;
  end(): Promise<void>;
}

export interface UnleashWithDatabase {
  readonly url: string;
  /** Of an Editor. */
  readonly token: string;
  readonly admin: AdminClient;
  readonly query: (text: string, values: readonly string[]) => Promise<unknown>;
}

/** A real Unleash of its own, with its database: for what the open-source edition follows and has no API to set, or writes only after minutes. */
export async function withDatabase(work: (unleash: UnleashWithDatabase) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'modelswitch-database-'));
  // The system user that PostgreSQL runs as, when this is root, passes through.
  chmodSync(dataDir, 0o711);
  const server = await startUnleash({ dataDir });
  try {
    const { users: { eddy, alice } } = await seed(server);
    const database = connection(dataDir);
    await database.connect();
    try {
      await work({ url: server.url, token: eddy.token, admin: new AdminClient(server.url, alice.token), query: (text, values) => database.query(text, values) });
    } finally {
      await database.end();
    }
  } finally {
    await server.stop();
    removeUnleashData(dataDir);
  }
}

function connection(dataDir: string): Database {
  const { placement, postgresPassword } = JSON.parse(readFileSync(join(dataDir, 'unleash.json'), 'utf8')) as { placement: { cluster: string }; postgresPassword: string };
  // PostgreSQL writes its port there, in the fourth line.
  const port = readFileSync(join(placement.cluster, 'postmaster.pid'), 'utf8').split('\n')[3] ?? '';
  const sandbox = createRequire(join(import.meta.dirname, '..', '..', 'sandbox', 'package.json'));
  const { Client } = sandbox('pg') as { Client: new (options: { connectionString: string }) => Database };
  return new Client({ connectionString: `postgres://unleash:${postgresPassword}@127.0.0.1:${port}/postgres` });
}
