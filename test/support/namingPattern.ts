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

/**
 * A real Unleash whose project `default` has a naming pattern. Unleash's open-source edition follows one but has no API to set it, so it is
 * written into the database.
 */
export async function withNamingPattern({ pattern, example }: { readonly pattern: string; readonly example: string }, work: (server: { readonly url: string; readonly token: string; readonly admin: AdminClient }) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'modelswitch-pattern-'));
  chmodSync(dataDir, 0o711);
  const server = await startUnleash({ dataDir });
  try {
    const { users: { eddy, alice } } = await seed(server);
    const { placement, postgresPassword } = JSON.parse(readFileSync(join(dataDir, 'unleash.json'), 'utf8')) as { placement: { cluster: string }; postgresPassword: string };
    const port = readFileSync(join(placement.cluster, 'postmaster.pid'), 'utf8').split('\n')[3] ?? '';
    const sandbox = createRequire(join(import.meta.dirname, '..', '..', 'sandbox', 'package.json'));
    const { Client } = sandbox('pg') as { Client: new (options: { connectionString: string }) => Database };
    const database = new Client({ connectionString: `postgres://unleash:${postgresPassword}@127.0.0.1:${port}/postgres` });
    await database.connect();
    await database.query('INSERT INTO project_settings (project, feature_naming_pattern, feature_naming_example) VALUES ($1, $2, $3) ON CONFLICT (project) DO UPDATE SET feature_naming_pattern = $2, feature_naming_example = $3', ['default', pattern, example]);
    await database.end();
    await work({ url: server.url, token: eddy.token, admin: new AdminClient(server.url, alice.token) });
  } finally {
    await server.stop();
    removeUnleashData(dataDir);
  }
}
