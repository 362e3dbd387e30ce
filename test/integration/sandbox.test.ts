import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readPredictions, standardError } from '../../sandbox/exposure.ts';
import { canListen, run } from '../../sandbox/processes.ts';
import { AdminClient } from '../../sandbox/unleash/admin.ts';
import type { UnleashAnswer } from '../../sandbox/unleash/admin.ts';
import { explainerFlag, modelFlag, seededFlags } from '../../sandbox/unleash/flags.ts';
import { removeUnleashData } from '../../sandbox/unleash/start.ts';
import { startWorld } from '../../sandbox/world.ts';
import type { World } from '../../sandbox/world.ts';
import { PipelineFolder } from '../../src/adapters/dvc/pipelineFolder.ts';
import { GitRepository } from '../../src/adapters/git/gitRepository.ts';
import { openRegistry } from '../../src/adapters/registries.ts';
import { lockFindings } from '../../src/cli/bundle.ts';
import type { Lineage } from '../../src/core/models/lineage.ts';
import type { LockFinding } from '../../src/core/models/lock.ts';
import { readLineage } from '../../src/core/models/lineageReader.ts';
import { loadWorkspaceFile } from '../../src/core/workspace/load.ts';
import type { ModelVersion } from '../../src/core/models/model.ts';
import type { ModelRegistry } from '../../src/core/models/registry.ts';
import { eventually } from '../support/eventually.ts';
import { releaseStories } from '../support/releaseStories.ts';

describe('the sandbox', function () {
  this.timeout(600_000);

  let dir: string;
  let world: World;
  let eventsAtStop: string[];
  const lines: string[] = [];
  const start = (): Promise<World> => startWorld({ dir, log: (line) => lines.push(line), traffic: { perSecond: 120 } });
  const ports = (): number[] => [world.unleash.url, world.service.url, world.mlflow.url].map((url) => Number(new URL(url).port));
  const isFree = async (): Promise<boolean> => (await Promise.all(ports().map(canListen))).every(Boolean);
  const alice = (): AdminClient => new AdminClient(world.unleash.url, world.tokens.alice);
  /** The rollout of everyone, i.e. of the strategy without a segment, in production. */
  const everyone = async (): Promise<{ id: string; rollout: number }> => {
    const production = (await alice().flag(modelFlag))!.environments.find(({ name }) => name === 'production')!;
    const { id, parameters } = production.strategies.find(({ segments }) => segments.length === 0)!;
    return { id, rollout: Number(parameters['rollout']) };
  };
  /** What persons and tokens did, without what Unleash notes by itself (a new application, say). */
  const events = async (): Promise<string[]> => {
    const answer = await alice().request('GET', '/api/admin/search/events?limit=1000') as { events: { id: number; type: string; createdBy: string }[] };
    return answer.events.filter(({ createdBy }) => !/^(unleash_)?system/.test(createdBy)).map(({ id, type, createdBy }) => `${id} ${type} ${createdBy}`);
  };
  const registry = (): ModelRegistry => openRegistry({ kind: 'mlflow', location: world.mlflow.url }, { folder: world.workspace, credentialsFor: () => undefined, fetch });
  const versions = async (): Promise<readonly ModelVersion[]> => (await registry().listVersions('credit-risk')).items;
  const isWithin = (percent: number, since: number): boolean => {
    const { users, share } = world.exposure('customers', since);
    return users >= 500 && Math.abs(share - percent / 100) <= 4 * standardError(percent / 100, users);
  };
  /** By the last seconds, which are more where a busy machine has answered few users in them. */
  const isNow = (percent: number): boolean => [7_000, 20_000].some((ms) => isWithin(percent, Date.now() - ms));

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-world-'));
    chmodSync(dir, 0o711);
    world = await start();
  });
  after(async () => {
    await world.stop();
    removeUnleashData(join(dir, 'unleash'));
    rmSync(dir, { recursive: true });
  });

  it('serves a healthy inference service that names both model versions', async () => {
    const health = await (await fetch(`${world.service.url}/health`)).json() as { status: string; models: unknown };
    assert.equal(health.status, 'ok');
    assert.deepEqual(health.models, { current: '13', candidate: '14' });
  });

  it('exposes 25 % of the customers and all internals to the candidate', async () => {
    const since = Date.now();
    await eventually(() => world.exposure('customers', since).users >= 550 && world.exposure('internals', since).users === 40, 60_000);
    const customers = world.exposure('customers', since);
    assert.ok(isWithin(25, since), `${customers.candidate} of ${customers.users} customers have the candidate`);
    assert.equal(world.exposure('internals', since).share, 1);
    const stats = world.traffic.stats();
    assert.equal(stats.failed, 0, stats.lastFailure);
    assert.ok((stats.arms['candidate'] ?? 0) > 0 && (stats.arms['current'] ?? 0) > 0);
  });

  it('logs each answer with its arm, version and features', () => {
    const records = readPredictions(world.predictionLog);
    const scores = records.filter(({ flag }) => flag === modelFlag);
    assert.deepEqual([...new Set(scores.map((record) => `${record.assigned_arm} ${record.model_version}`))].sort(), ['candidate 14', 'current 13']);
    for (const record of scores) {
      assert.ok(record.score !== undefined && record.score > 0 && record.score < 1, JSON.stringify(record));
      assert.deepEqual([record.role, record.fallback, record.error, record.environment, record.service], ['serving', false, null, 'production', 'credit-service']);
      assert.equal(Object.keys(record.features).length, 7);
      assert.ok(record.latency_ms > 0);
    }
    assert.equal(new Set(records.map(({ request_id }) => request_id)).size, records.length);
    const explained = new Set(records.filter(({ flag }) => flag === explainerFlag).map((record) => `${record.assigned_arm} ${record.model_version}`));
    assert.deepEqual([...explained].sort(), ['ablation 4', 'coefficients 3', 'current 3']);
  });

  it('keeps each user on one arm while the rollout stays', () => {
    const arms = new Map<string, Set<string>>();
    for (const record of readPredictions(world.predictionLog)) {
      if (record.flag === modelFlag) arms.set(record.unit_id, (arms.get(record.unit_id) ?? new Set()).add(record.assigned_arm));
    }
    assert.deepEqual([...arms].filter(([, seen]) => seen.size > 1), []);
  });

  it('counts answers at /metrics and in Unleash', async () => {
    const metrics = await (await fetch(`${world.service.url}/metrics`)).text();
    for (const arm of ['candidate', 'current']) assert.match(metrics, new RegExp(`credit_predictions_total\\{arm="${arm}",flag="${modelFlag}"[^}]*\\} [1-9]`));
    await eventually(async () => (await alice().usage(modelFlag)).some(({ environment, yes, no }) => environment === 'production' && yes > 0 && no > 0), 60_000);
  });

  it('follows a new rollout', async () => {
    const { id, rollout } = await everyone();
    assert.equal(rollout, 25);
    await alice().setRollout(modelFlag, 'production', id, 50);
    await eventually(() => isNow(50), 60_000);
  });

  it('seeds flags whose history names several persons', async () => {
    for (const flag of [modelFlag, explainerFlag]) {
      const { events: history } = await alice().request('GET', `/api/admin/search/events?feature=IS:${flag}&limit=100`) as { events: { createdBy: string }[] };
      assert.ok(history.length >= 5, flag);
      assert.deepEqual([...new Set(history.map(({ createdBy }) => createdBy))].sort(), ['alice@example.com', 'eddy@example.com'], flag);
    }
    const archived = await alice().archivedFlags();
    const present = await Promise.all(seededFlags.map(async (name) => archived.includes(name) || await alice().flag(name) !== undefined));
    assert.ok(present.every(Boolean), JSON.stringify(present));
    assert.deepEqual(archived, ['legacy-scorecard']);
  });

  it('gives users their roles', async () => {
    const flag = { name: 'vera-may-not' };
    await assert.rejects(new AdminClient(world.unleash.url, world.tokens.vera).createFlag(flag), (error: UnleashAnswer) => error.status === 403);
    await assert.rejects(new AdminClient(world.unleash.url, 'user:wrong').createFlag(flag), (error: UnleashAnswer) => error.status === 401);
  });

  it('makes a clean git repository that points to the running server', async () => {
    assert.equal(await run('git', ['status', '--porcelain'], { cwd: world.workspace }), '');
    const configuration = parse(readFileSync(join(world.workspace, 'modelswitch.yaml'), 'utf8')) as { unleash: { url: string }; registry: { mlflow: string } };
    assert.deepEqual([configuration.unleash.url, configuration.registry.mlflow], [world.unleash.url, world.mlflow.url]);
  });

  it('registers two versions of real runs, with aliases, signature, data and commit', async () => {
    assert.deepEqual((await versions()).map(({ version, aliases }) => [version, aliases]), [['14', ['challenger']], ['13', ['champion']]]);
    const [current, candidate] = await Promise.all(['champion', 'challenger'].map((alias) => registry().readVersion('credit-risk', alias)));
    assert.deepEqual([current!.run?.name, candidate!.run?.name], ['logistic', 'boosting']);
    for (const detail of [current!, candidate!]) {
      assert.ok(detail.signature.kind === 'known' && detail.signature.inputs?.length === 7, JSON.stringify(detail.signature));
      assert.deepEqual(detail.datasets.map(({ name, context }) => [name, context]), [['applications', 'training']]);
      assert.match(detail.code.commit ?? '', /^[0-9a-f]{40}$/);
      assert.match(detail.code.entry ?? '', /training\/train\.py$/);
    }
    assert.notEqual(current!.datasets[0]!.digest, candidate!.datasets[0]!.digest);
    assert.ok(candidate!.metrics['auc']! > current!.metrics['auc']!);
  });

  it('has one version behind its data and one that is up to date, as the pipeline says too', async () => {
    const repository = await GitRepository.open(world.workspace);
    const tree = new PipelineFolder(world.workspace);
    const lineage = async (version: string): Promise<Lineage> => readLineage(await registry().readVersion('credit-risk', version), { repository, tree });
    const [old, fresh] = [await lineage('13'), await lineage('14')];
    assert.deepEqual([old.verdict, old.stages, old.data.map(({ path, state }) => `${path} ${state}`)], ['retrain needed: data changed', ['train@logistic'], ['data/applications.csv changed']]);
    const month = await run('git', ['log', '-1', '--format=%s', old.data[0]!.changedSince!], { cwd: world.workspace });
    assert.equal(month.trim(), 'Applications up to September');
    assert.deepEqual([fresh.verdict, fresh.stages, fresh.data[0]!.state], ['up to date', ['train@boosting'], 'same'], fresh.reasons.join());
    const { stages } = await tree.read();
    assert.deepEqual(stages.map(({ name, state }) => `${name} ${state}`), ['train@logistic changed', 'train@boosting up to date']);
    const dvc = await run('dvc', ['status', '--json'], { cwd: world.workspace, env: { ...process.env, ...world.toolEnvironment } });
    assert.deepEqual(JSON.parse(dvc), { 'train@logistic': [{ 'changed deps': { 'data/applications.csv': 'modified' } }] });
  });

  it('tells lineage on the command line, and locks what is released until something changes', async () => {
    const cli = (...args: string[]): Promise<string> => run(process.execPath, ['--no-warnings', join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts'), ...args], { cwd: world.workspace });
    const lineage = JSON.parse(await cli('lineage', 'credit-risk@champion', '--json')) as Lineage;
    assert.deepEqual([lineage.version, lineage.verdict, lineage.commit?.kind === 'known' && lineage.commit.commit.behind], ['13', 'retrain needed: data changed', 3]);
    // Read from the database, without the server.
    assert.match(await cli('lineage', 'credit-risk@14', '--registry', join(dir, 'mlflow', 'mlflow.db')), /^credit-risk 14: up to date\n/);
    await assert.rejects(cli('lineage', 'credit-risk@99'), /ended with code 1/);
    assert.match(await cli('lock'), /^credit-risk current 13: the registry has no artifact\n/);
    const config = loadWorkspaceFile(readFileSync(join(world.workspace, 'modelswitch.yaml'), 'utf8')).config!;
    const findings = (): Promise<LockFinding[] | undefined> => lockFindings({ cwd: world.workspace, signal: new AbortController().signal }, config, registry());
    const file = join(world.workspace, 'modelswitch.lock');
    assert.deepEqual(await findings(), []);
    assert.equal(await cli('check'), 'modelswitch.lock: everything is as locked\n');
    writeFileSync(file, readFileSync(file, 'utf8').replace('version: "14"', 'version: "12"'));
    assert.deepEqual((await findings())?.map(({ part, message }) => [part, message]), [['version', 'credit-risk: candidate version 12 -> 14. Run `modelswitch lock` if this is meant.']]);
    await assert.rejects(cli('check'), /ended with code 1/);
    rmSync(file);
    assert.equal(await findings(), undefined);
  });

  it('keeps secrets in one file that only its owner reads', () => {
    assert.equal(statSync(world.stateFile).mode & 0o077, 0);
    const secrets = [...Object.values(world.tokens), ...Object.values(world.seeded.users).map(({ password }) => password)];
    for (const secret of secrets) assert.ok(!lines.some((line) => line.includes(secret)));
  });

  it('refuses a second start on the same folder and leaves the first alone', async () => {
    await assert.rejects(start(), /Unleash already runs on the data in .*end the demo that uses it/);
    assert.equal((await fetch(`${world.service.url}/health`)).status, 200);
  });

  it('ends what it started when a later step fails, and says why', async () => {
    eventsAtStop = await events();
    await world.stop();
    assert.ok(await isFree());
    const file = join(world.workspace, 'app', 'main.py');
    const source = readFileSync(file, 'utf8');
    writeFileSync(file, 'def broken(:\n');
    try {
      await assert.rejects(start(), /inference service did not start[^]*SyntaxError/);
      assert.ok(await isFree());
    } finally {
      writeFileSync(file, source);
    }
  });

  it('reuses ports, users, flags and work on a second start', async () => {
    const [before, seeded] = [ports(), world.seeded];
    writeFileSync(join(world.workspace, 'notes.txt'), 'mine\n');
    world = await start();
    assert.deepEqual(ports(), before);
    assert.deepEqual(world.seeded, seeded);
    assert.equal((await everyone()).rollout, 50);
    assert.equal(readFileSync(join(world.workspace, 'notes.txt'), 'utf8'), 'mine\n');
    await eventually(() => isNow(50), 60_000);
    assert.deepEqual(await events(), eventsAtStop);
    assert.deepEqual((await versions()).map(({ version }) => version), ['14', '13'], 'nothing was trained again');
  });

  describe('a release', () => releaseStories(() => world));

  // Suites come after all tests of their parent.
  describe('when stopped', () => {
    it('leaves no port behind, also twice', async () => {
      await world.stop();
      await world.stop();
      assert.ok(await isFree());
    });
  });
});
