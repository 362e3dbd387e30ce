import assert from 'node:assert/strict';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { candidateShare, readPredictions } from '../../sandbox/exposure.ts';
import type { PredictionRecord } from '../../sandbox/exposure.ts';
import { run } from '../../sandbox/processes.ts';
import { makeUsers, seededRandom, startTraffic } from '../../sandbox/traffic.ts';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { prepareWorkspace, type Addresses } from '../../sandbox/workspace.ts';
import { withDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { freshFlag, sharedUnleash } from '../support/unleash.ts';

describe('parts of the sandbox', function () {
  this.timeout(60_000);

  let dir: string;
  beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'modelswitch-parts-')); });
  afterEach(() => rmSync(dir, { recursive: true }));

  describe('reading the prediction log', () => {
    const start = Date.parse('2026-11-22T10:00:00.000Z');
    const record = (index: number): PredictionRecord => ({
      ts: new Date(start + index * 1_000).toISOString(), request_id: String(index), unit_id: `Jürgen-${index % 10}`, environment: 'production', service: 's', app_version: '1',
      flag: 'f', assigned_arm: index % 10 < 3 ? 'candidate' : 'current', model_version: '1', role: 'serving', fallback: false, batch_id: null, features: {}, score: 0.5, latency_ms: 1, error: null,
    });
    const write = (name: string, from: number, to: number): void => {
      const lines = Array.from({ length: to - from }, (_, index) => `${JSON.stringify(record(from + index))}\n`);
      writeFileSync(join(dir, name), lines.join(''));
    };

    it('gives all records of all files in order, whatever the blocks they are read in', () => {
      write('predictions-2026-11-22T10.jsonl', 0, 3_600);
      write('predictions-2026-11-22T11.jsonl', 3_600, 4_000);
      const records = readPredictions(dir);
      assert.deepEqual(records.map(({ request_id }) => Number(request_id)), Array.from({ length: 4_000 }, (_, index) => index));
      assert.deepEqual(records[1_234], record(1_234));
    });

    it('gives the newest only, and no line that is still being written', () => {
      write('predictions-2026-11-22T10.jsonl', 0, 3_600);
      appendFileSync(join(dir, 'predictions-2026-11-22T10.jsonl'), JSON.stringify(record(3_600)).slice(0, 100));
      assert.deepEqual(readPredictions(dir, start + 3_590_000).map(({ request_id }) => Number(request_id)), [3590, 3591, 3592, 3593, 3594, 3595, 3596, 3597, 3598, 3599]);
      assert.deepEqual(readPredictions(join(dir, 'nothing')), []);
    });

    it('counts each user of the audience once, by the last answer', () => {
      write('predictions-2026-11-22T10.jsonl', 0, 100);
      const records = readPredictions(dir);
      assert.deepEqual(candidateShare(records, 'f', () => true), { users: 10, candidate: 3, share: 0.3 });
      assert.deepEqual(candidateShare(records, 'f', (user) => user === 'Jürgen-0'), { users: 1, candidate: 1, share: 1 });
      assert.equal(candidateShare([...records, { ...record(0), assigned_arm: 'current' }], 'f', () => true).candidate, 2);
      assert.ok(Number.isNaN(candidateShare(records, 'other', () => true).share));
    });
  });

  describe('traffic', () => {
    it('has the same users for the same seed, of all regions and plans', () => {
      const users = makeUsers(seededRandom(7), 600, 40);
      assert.deepEqual(users, makeUsers(seededRandom(7), 600, 40));
      assert.notDeepEqual(users, makeUsers(seededRandom(8), 600, 40));
      assert.equal(users.filter(({ group }) => group === 'internal').length, 40);
      assert.deepEqual([...new Set(users.map(({ region, plan }) => `${region} ${plan}`))].length, 9);
    });

    it('counts answers and failures, and stops', async () => {
      const applicants = join(dir, 'applicants.jsonl');
      writeFileSync(applicants, '{"income": 40}\n{"income": 50}\n');
      let received = 0;
      const server = createServer((request, response) => {
        received += 1;
        if (received % 5 === 0) response.writeHead(500).end('out of order');
        else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ assigned_arm: 'current' }));
        request.resume();
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const traffic = startTraffic({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, applicants, perSecond: 200 });
      await eventually(() => traffic.stats().sent > 100, 20_000);
      await traffic.stop();
      const { sent, failed, lastFailure, arms } = traffic.stats();
      assert.deepEqual([sent, failed], [received, Math.floor(received / 5)]);
      assert.match(lastFailure ?? '', /500 out of order/);
      assert.ok((arms['current'] ?? 0) > 0);
      await new Promise((resolve) => setTimeout(resolve, 200));
      assert.equal(traffic.stats().sent, sent);
      server.close();
    });
  });

  describe('the workspace', () => {
    const git = async (...args: string[]): Promise<string> => (await run('git', args, { cwd: dir })).trim();

    it('follows a new template without losing work, and a new address in place', async () => {
      const at = (port: number): Addresses => ({ unleash: `http://127.0.0.1:${port}`, mlflow: `http://127.0.0.1:${port + 1}` });
      const digest = await prepareWorkspace(dir, at(1234), undefined);
      const file = join(dir, 'app', 'scoring.py');
      const original = readFileSync(file, 'utf8');
      writeFileSync(file, '# mine\n');
      mkdirSync(join(dir, 'logs'));
      assert.equal(await prepareWorkspace(dir, at(5678), digest), digest);
      assert.equal(readFileSync(file, 'utf8'), '# mine\n');
      const yaml = readFileSync(join(dir, 'modelswitch.yaml'), 'utf8');
      assert.match(yaml, /^# Which model[^]*url: http:\/\/127\.0\.0\.1:5678\n[^]*environment: production # the environment/);
      assert.match(yaml, /^registry: \{mlflow: http:\/\/127\.0\.0\.1:5679\}$/m);
      assert.match(yaml, /- \{name: internal tester, userId: staff-0001/);
      assert.equal(await prepareWorkspace(dir, at(5678), 'another digest'), digest);
      assert.equal(readFileSync(file, 'utf8'), original);
      assert.equal(await git('show', 'HEAD~1:app/scoring.py'), '# mine');
      assert.equal(await git('status', '--porcelain'), '');
    });
  });

  describe('the shared Unleash of tests', () => {
    it('is one server with three users', async () => {
      const unleash = await sharedUnleash();
      assert.equal(await sharedUnleash(), unleash);
      for (const client of Object.values(unleash.as)) assert.ok(await client.isValid());
    });

    it('makes flags of their own, as asked', async () => {
      const { as: { vera } } = await sharedUnleash();
      const [plain, parent] = [await freshFlag(), await freshFlag({ prefix: 'parent' })];
      assert.notEqual(plain.name, parent.name);
      const production = (await vera.flag(plain.name))!.environments.find(({ name }) => name === 'production')!;
      assert.ok(production.enabled);
      assert.deepEqual(production.strategies.map(({ id, parameters }) => [id, parameters['rollout']]), [[plain.strategies.production[0], '25']]);
      const off = await freshFlag({ parent: parent.name, environments: { development: { strategies: [gradual('group', 5)], on: false } } });
      const flag = (await vera.flag(off.name))!;
      assert.deepEqual(flag.environments.map(({ name, enabled, strategies }) => [name, enabled, strategies.length]), [['development', false, 1], ['production', false, 0]]);
    });
  });

  it('keeps Unleash alive when it leaves a rejection unhandled, as when a flag goes within the second after it was made', async () => {
    await withDatabase(async ({ url, admin, query }) => {
      const waiting = async (): Promise<boolean> => ((await query("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'feature_lifecycles'::regclass", [])) as { rows: unknown[] }).rows.length > 0;
      await query('BEGIN', []);
      await query('LOCK TABLE feature_lifecycles IN EXCLUSIVE MODE', []);
      await admin.createFlag({ name: 'short-lived' });
      // Unleash has seen that the flag is there, and waits to note its first stage.
      await eventually(waiting, 30_000);
      await query('DELETE FROM features WHERE name = $1', ['short-lived']);
      await query('COMMIT', []);
      await eventually(async () => !await waiting(), 30_000);
      await new Promise((resolve) => setTimeout(resolve, 500));
      assert.equal((await fetch(`${url}/health`)).status, 200);
    });
  });

  it('ends commands that nobody waits for any more, and starts no other', async () => {
    // In a process of its own: it is meant for the end of one.
    const script = `
      const { run, endRuns } = await import(${JSON.stringify(new URL('../../sandbox/processes.ts', import.meta.url).href)});
      const running = run(process.execPath, ['-e', 'setInterval(() => {}, 1000)']).catch((error) => error.message);
      await new Promise((resolve) => setTimeout(resolve, 200));
      await endRuns();
      console.log(await running);
      console.log(await run(process.execPath, ['-v']).catch((error) => error.message));`;
    const output = await run(process.execPath, ['--input-type=module', '-e', script]);
    assert.match(output, /ended with a signal[^]*was not started: everything is ending/);
  });
});
