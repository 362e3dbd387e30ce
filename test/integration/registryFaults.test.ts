import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openRegistry } from '../../src/adapters/registries.ts';
import type { FetchLike } from '../../src/adapters/node/httpClient.ts';
import { AppError } from '../../src/core/base/errors.ts';
import type { ModelRegistry } from '../../src/core/models/registry.ts';
import { freePort } from '../../sandbox/processes.ts';
import { runScript, sharedMlflow, type RunningMlflow } from '../support/mlflow.ts';
import type { Seeded } from '../support/registryText.ts';

const context = { folder: tmpdir(), credentialsFor: () => undefined, fetch };
const mlflow = (location: string, through: FetchLike = fetch): ModelRegistry => openRegistry({ kind: 'mlflow', location }, { ...context, fetch: through });
const database = (location: string): ModelRegistry => openRegistry({ kind: 'sqlite', location }, context);

async function rejects(work: Promise<unknown>, code: string, says: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof AppError, String(error));
    assert.deepEqual([error.code, says.test(error.message)], [code, true], error.message);
    return true;
  });
}

async function served(answer: (path: string) => { status: number; type: string; body: string; headers?: Record<string, string> }): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    const { status, type, body, headers = {} } = answer(request.url ?? '');
    response.writeHead(status, { 'content-type': type, ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe('faults of the registries', () => {
  let server: RunningMlflow;
  let seeded: Seeded;
  let dir: string;

  before(async function start() {
    this.timeout(900_000);
    server = await sharedMlflow();
    seeded = await runScript('seed.py', server.url, ['faulty-fraud']) as Seeded;
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-faults-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** A copy of the server's database that may be damaged, with its artifacts beside it. */
  function copy(name: string): string {
    const folder = join(dir, name);
    cpSync(join(server.dir, 'mlartifacts'), join(folder, 'mlartifacts'), { recursive: true });
    copyFileSync(server.database, join(folder, 'mlflow.db'));
    return join(folder, 'mlflow.db');
  }
  function sql(path: string, ...statements: string[]): void {
    const connection = new DatabaseSync(path);
    connection.exec('PRAGMA foreign_keys = OFF');
    for (const statement of statements) connection.exec(statement);
    connection.close();
  }

  describe('a server', () => {
    it('that is away', async () => {
      await rejects(mlflow(`http://127.0.0.1:${await freePort()}`).listModels(), 'network', /cannot be reached.*check that the server runs/);
    });

    const others: Readonly<Record<string, { answer: Parameters<typeof served>[0]; code: string; says: RegExp }>> = {
      'that answers every question with an empty object': { answer: () => ({ status: 200, type: 'application/json', body: '{}' }), code: 'validation', says: /does not answer like an MLflow server/ },
      'that is a web page': { answer: () => ({ status: 200, type: 'text/html', body: '<html>Sign in</html>' }), code: 'validation', says: /does not answer like an MLflow server \(status 200\).*login page/ },
      'that knows no such path': { answer: () => ({ status: 404, type: 'application/json', body: '{"detail":"Not Found"}' }), code: 'validation', says: /does not answer like an MLflow server \(status 404\).*static-prefix/ },
      'that sends half an answer': { answer: () => ({ status: 200, type: 'application/json', body: '{"registered_models": [{"name":' }), code: 'validation', says: /cannot be read.*cut off/ },
      'that sends another shape': { answer: () => ({ status: 200, type: 'application/json', body: '{"registered_models": {"name": 1}}' }), code: 'validation', says: /cannot be read/ },
      'that sends elsewhere': { answer: () => ({ status: 302, type: 'text/plain', body: '', headers: { location: 'https://elsewhere.example/' } }), code: 'validation', says: /redirects to https:\/\/elsewhere\.example, which is not followed/ },
      'that fails': { answer: () => ({ status: 500, type: 'text/plain', body: 'Traceback' }), code: 'internal', says: /failed with status 500/ },
      'that refuses': { answer: () => ({ status: 403, type: 'text/plain', body: 'Permission denied' }), code: 'forbidden', says: /may not/ },
    };
    for (const [name, { answer, code, says }] of Object.entries(others)) {
      it(name, async () => {
        const other = await served(answer);
        try {
          await rejects(mlflow(other.url).listModels(), code, says);
        } finally {
          other.server.close();
        }
      });
    }

    it('behind a wrong prefix', async () => {
      await rejects(mlflow(`${server.url}/wrong`).listModels(), 'validation', /does not answer like an MLflow server \(status 404\)/);
    });

    it('without workspaces, asked for one', async () => {
      await rejects(openRegistry({ kind: 'mlflow', location: server.url, workspace: 'team-a' }, context).listModels(), 'validation', /[Ww]orkspace/);
    });

    it('whose runs, logged models or files cannot be read: the rest is shown, with what is missing', async () => {
      const broken = (part: string): FetchLike => (url, init) => (url.includes(part) ? Promise.resolve(new Response('no', { status: 403 })) : fetch(url, init));
      const run = await mlflow(server.url, broken('/runs/get')).readVersion(seeded.model, '1');
      assert.deepEqual([run.run, run.signature.kind, run.params['C']], [undefined, 'known', '1.0']);
      assert.match(run.gaps.join(), /^Its run \w+ cannot be read: You may not/);
      const logged = await mlflow(server.url, broken('/logged-models/')).readVersion(seeded.model, '1');
      assert.deepEqual([logged.run?.name, logged.metrics['auc'], logged.metrics['loss']], ['first', 0.91, Number.NaN]);
      assert.match(logged.gaps.join(), /^Its logged model m-\w+ cannot be read/);
      const files = await mlflow(server.url, broken('/get-artifact')).readVersion(seeded.model, '1');
      assert.ok(files.signature.kind === 'missing' && files.signature.reason.startsWith('Its MLmodel file cannot be read'));
    });

    it('that lost the answer to a change which it made', async () => {
      const dropping: FetchLike = async (url, init) => {
        const response = await fetch(url, init);
        if (init.method === 'POST') throw new TypeError('fetch failed');
        return response;
      };
      assert.deepEqual(await mlflow(server.url, dropping).setAlias(seeded.model, 'lost', '1', undefined), { model: seeded.model, alias: 'lost', from: undefined, to: '1' });
      const never: FetchLike = (url, init) => (init.method === 'POST' ? Promise.reject(new TypeError('fetch failed')) : fetch(url, init));
      await rejects(mlflow(server.url, never).setAlias(seeded.model, 'lost', '2', '1'), 'network', /cannot be reached/);
      await mlflow(server.url).setAlias(seeded.model, 'lost', undefined, '1');
    });
  });

  describe('a version', () => {
    it('whose signature is broken says so, over REST and from the database', async () => {
      const path = copy('signature');
      const { model } = seeded.versions['1'];
      const file = readdirSync(join(server.dir, 'mlartifacts'), { recursive: true, encoding: 'utf8' }).find((each) => each.includes(model) && each.endsWith('MLmodel'))!;
      writeFileSync(join(dir, 'signature', 'mlartifacts', file), 'signature: {inputs: "[{"}\n');
      const detail = await database(path).readVersion(seeded.model, '1');
      assert.deepEqual([detail.signature.kind, detail.params['C'], detail.gaps], ['broken', '1.0', []]);
      const through: FetchLike = (url, init) => (url.includes('/get-artifact') ? Promise.resolve(new Response('signature: [')) : fetch(url, init));
      assert.equal((await mlflow(server.url, through).readVersion(seeded.model, '1')).signature.kind, 'broken');
    });

    it('whose run and logged model were removed for good', async () => {
      const path = copy('removed');
      sql(path, `DELETE FROM runs WHERE run_uuid = '${seeded.versions['1'].run}'`, `DELETE FROM logged_models WHERE model_id = '${seeded.versions['1'].model}'`);
      const { run, gaps, signature, aliases } = await database(path).readVersion(seeded.model, '1');
      assert.deepEqual([run, signature.kind, aliases], [undefined, 'known', ['champion']]);
      assert.match(gaps.join('\n'), /logged model m-\w+ is not there any more[^]*run \w+ is not there any more/);
    });
  });

  describe('a database', () => {
    it('that is not there, is none, is a folder, or is somebody else\'s', async () => {
      await rejects(database(join(dir, 'nowhere.db')).listModels(), 'notFound', /nowhere\.db does not exist/);
      writeFileSync(join(dir, 'text.db'), 'this is no database '.repeat(100));
      await rejects(database(join(dir, 'text.db')).listModels(), 'validation', /is no SQLite database/);
      await rejects(database(dir).listModels(), 'validation', /cannot be opened/);
      sql(join(dir, 'other.db'), 'CREATE TABLE users (name TEXT)');
      await rejects(database(join(dir, 'other.db')).listModels(), 'validation', /lacks the table registered_models: it is not a database of MLflow/);
      writeFileSync(join(dir, 'empty.db'), '');
      await rejects(database(join(dir, 'empty.db')).listModels(), 'validation', /lacks the table/);
    });

    it('of an unknown schema: a sentence where needed columns are gone, the rest where others are', async () => {
      const renamed = copy('renamed');
      sql(renamed, 'ALTER TABLE model_versions RENAME COLUMN version TO number');
      await rejects(database(renamed).listModels(), 'validation', /lacks the column model_versions\.version: its schema \(\w+\) is not one that Modelswitch knows/);
      const older = copy('older');
      sql(older, 'DROP TABLE logged_model_metrics', 'DROP TABLE registered_model_aliases', 'DROP TABLE inputs', 'ALTER TABLE model_versions DROP COLUMN storage_location', 'ALTER TABLE model_versions DROP COLUMN status_message');
      const detail = await database(older).readVersion(seeded.model, '1');
      assert.deepEqual([detail.aliases, detail.datasets, detail.params['C'], detail.signature.kind], [[], [], '1.0', 'known']);
      const newer = copy('newer');
      sql(newer, 'ALTER TABLE model_versions ADD COLUMN colour TEXT', 'ALTER TABLE latest_metrics RENAME COLUMN run_uuid TO run');
      assert.equal((await database(newer).listVersions(seeded.model)).items.length, 4);
      await rejects(database(newer).readVersion(seeded.model, '1'), 'validation', /schema that Modelswitch does not know \(no such column: run_uuid\)/);
    });

    it('with names that MLflow would not take today', async () => {
      const path = copy('names');
      sql(path, "INSERT INTO registered_models (name, workspace) VALUES ('team/fraud:1', 'default')", "INSERT INTO model_versions (name, version, workspace, status) VALUES ('team/fraud:1', 7, 'default', 'FAILED_REGISTRATION')");
      const { items } = await database(path).listVersions('team/fraud:1');
      assert.deepEqual(items.map(({ model, version, status }) => [model, version, status]), [['team/fraud:1', '7', 'failed']]);
    });

    it('that a writer holds: read when it lets go, a sentence when it does not', async () => {
      const path = copy('locked');
      const writer = new DatabaseSync(path);
      writer.exec('BEGIN EXCLUSIVE');
      await rejects(database(path).listModels(), 'timeout', /is locked by a program that writes to it/);
      const reading = database(path).listModels();
      writer.exec('COMMIT');
      assert.ok((await reading).items.length > 0);
      writer.close();
    });

    it('in WAL mode, beside its writer, and alone in a folder where nothing can be written', async () => {
      const path = copy('wal');
      const writer = new DatabaseSync(path);
      writer.exec("PRAGMA journal_mode = WAL; INSERT INTO registered_models (name, workspace) VALUES ('written-to-the-log', 'default')");
      assert.equal((await database(path).readModel('written-to-the-log')).name, 'written-to-the-log');
      writer.close();
      chmodSync(path, 0o444);
      chmodSync(join(dir, 'wal'), 0o555);
      try {
        assert.equal((await database(path).readModel('written-to-the-log')).name, 'written-to-the-log');
      } finally {
        chmodSync(join(dir, 'wal'), 0o755);
      }
    });

    it('is never changed', async () => {
      const path = copy('untouched');
      const before = readdirSync(join(dir, 'untouched'));
      const registry = database(path);
      await registry.listModels();
      await registry.readVersion(seeded.model, 'champion');
      assert.deepEqual(readdirSync(join(dir, 'untouched')), before);
    });
  });

  it('reads 50 versions of 1,000 models page by page: one request before something shows', async function many() {
    this.timeout(120_000);
    const path = copy('many');
    sql(path, 'BEGIN',
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO registered_models (name, workspace) SELECT printf('many-%04d', i), 'default' FROM n",
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000), v(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM v WHERE j < 50) INSERT INTO model_versions (name, version, workspace, status, current_stage) SELECT printf('many-%04d', i), j, 'default', 'READY', 'None' FROM n, v",
      'COMMIT');
    const registry = database(path);
    const names: string[] = [];
    for (let page: string | undefined; ;) {
      const found = await registry.listModels({ name: 'many-', ...(page === undefined ? {} : { page }) });
      assert.ok(found.items.length <= 100 && found.items.every(({ latestVersion }) => latestVersion === '50'));
      names.push(...found.items.map(({ name }) => name));
      page = found.next;
      if (page === undefined) break;
    }
    assert.deepEqual([names.length, new Set(names).size, names[0], names.at(-1)], [1000, 1000, 'many-0001', 'many-1000']);
    assert.equal((await registry.listVersions('many-0500')).items.length, 50);
  });
});
