import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRegistry, type RegistryContext } from '../../src/adapters/registries.ts';
import { AppError } from '../../src/core/base/errors.ts';
import type { VersionDetail } from '../../src/core/models/model.ts';
import type { ModelRegistry } from '../../src/core/models/registry.ts';
import { trainingData } from '../../src/core/quality/trainingData.ts';
import { ADMIN, BEARER, runScript, startMlflow, type RunningMlflow } from '../support/mlflow.ts';
import { registryText, type Seeded } from '../support/registryText.ts';

const nobody: RegistryContext = { folder: tmpdir(), credentialsFor: () => undefined, fetch };

async function rejects(work: Promise<unknown>, code: string, says: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof AppError, String(error));
    assert.deepEqual([error.code, says.test(error.message)], [code, true], error.message);
    return true;
  });
}

/** What all registries say alike of a version; the rest is of one system. */
function common(detail: VersionDetail): Record<string, unknown> {
  const { model, version, aliases, status, description, params, metrics, datasets, code, signature, evidence, gaps } = detail;
  return { model, version, aliases, status, description, params, metrics, datasets: datasets.map(({ name, digest, context }) => [name, digest, context]), code, signature, evidence, gaps, run: detail.run?.id };
}

const scalar = (name: string, type: string): unknown => ({ name, type: { kind: 'scalar', type }, required: true });

describe('the registries', () => {
  let plain: RunningMlflow;
  let basic: RunningMlflow;
  let bearer: RunningMlflow;
  let seeded: Seeded;
  let folder: string;

  before(async function start() {
    // Installs MLflow the first time.
    this.timeout(900_000);
    plain = await startMlflow();
    seeded = await runScript('seed.py', plain.url) as Seeded;
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-registry-'));
    mkdirSync(join(folder, 'models'));
    writeFileSync(join(folder, 'models', 'registry.yaml'), registryText(seeded));
    [basic, bearer] = await Promise.all([
      startMlflow({ auth: 'basic', prefix: '/ml', copyOf: plain.dir }),
      startMlflow({ auth: 'bearer', workspaces: true, copyOf: plain.dir }),
    ]);
  });
  after(async function end() {
    this.timeout(60_000);
    rmSync(folder, { recursive: true, force: true });
    await Promise.all([plain, basic, bearer].map((server) => server.stop()));
  });

  const subjects: Readonly<Record<string, { open: () => ModelRegistry; writes: boolean }>> = {
    'MLflow over REST': { writes: true, open: () => openRegistry({ kind: 'mlflow', location: plain.url }, nobody) },
    'MLflow with a sign-in and a static prefix': { writes: true, open: () => openRegistry({ kind: 'mlflow', location: basic.url }, { ...nobody, credentialsFor: () => ({ kind: 'basic', ...ADMIN }) }) },
    'MLflow with a bearer token and workspaces': { writes: true, open: () => openRegistry({ kind: 'mlflow', location: bearer.url, workspace: 'default' }, { ...nobody, credentialsFor: () => ({ kind: 'bearer', token: BEARER }) }) },
    'mlflow.db': { writes: false, open: () => openRegistry({ kind: 'sqlite', location: plain.database }, nobody) },
    'the registry file': { writes: true, open: () => openRegistry({ kind: 'file', location: 'models/registry.yaml' }, { ...nobody, folder }) },
  };

  for (const [name, { open, writes }] of Object.entries(subjects)) {
    describe(name, () => {
      let registry: ModelRegistry;
      beforeEach(() => (registry = open()));
      afterEach(() => registry.close());

      it('lists models by name, whatever their letters, in pages', async () => {
        const { items, next } = await registry.listModels();
        assert.deepEqual([items.map((model) => model.name), next], [[seeded.unicode, seeded.model, seeded.quotes], undefined]);
        const fraud = items[1]!;
        assert.deepEqual([fraud.description, fraud.tags, fraud.latestVersion], ['Finds fraud.\nSecond line.', { team: 'risk' }, '4']);
        assert.deepEqual(fraud.aliases.toSorted((a, b) => (a.alias < b.alias ? -1 : 1)), [{ alias: 'challenger', version: '2' }, { alias: 'champion', version: '1' }]);
        assert.deepEqual(await registry.readModel(seeded.model), fraud);

        const first = await registry.listModels({ size: 2 });
        const second = await registry.listModels({ size: 2, page: first.next });
        assert.deepEqual([...first.items, ...second.items].map((model) => model.name), items.map((model) => model.name));
        assert.equal(second.next, undefined);
        for (const part of ['RAUD-D', '模型', "'br\"i", '100 %']) assert.equal((await registry.listModels({ name: part })).items.length, 1, part);
        assert.deepEqual((await registry.listModels({ name: 'nowhere' })).items, []);
      });

      it('lists versions newest first with their aliases, in pages', async () => {
        const { items, next } = await registry.listVersions(seeded.model);
        assert.deepEqual(items.map(({ version, aliases, status, runId }) => [version, aliases, status, runId]), [
          ['4', [], 'ready', undefined],
          ['3', [], 'ready', seeded.versions['3'].run],
          ['2', ['challenger'], 'ready', seeded.versions['2'].run],
          ['1', ['champion'], 'ready', seeded.versions['1'].run],
        ]);
        assert.deepEqual([next, items[2]!.tags], [undefined, { 'modelswitch.needs.application': '2.4' }]);
        const first = await registry.listVersions(seeded.model, { size: 3 });
        const second = await registry.listVersions(seeded.model, { size: 3, page: first.next });
        assert.deepEqual([...first.items, ...second.items], items);
        for (const other of [seeded.unicode, seeded.quotes]) assert.deepEqual((await registry.listVersions(other)).items.map(({ version, aliases }) => [version, aliases]), [['1', ['größte']]]);
      });

      it('reads all facts of a version, by its number and by an alias', async () => {
        const detail = await registry.readVersion(seeded.model, '1');
        assert.deepEqual(common(detail), {
          model: seeded.model, version: '1', aliases: ['champion'], status: 'ready', description: 'the first',
          params: { C: '1.0', solver: 'lbfgs' },
          metrics: { auc: 0.91, loss: Number.NaN, peak: Infinity, low: -Infinity },
          datasets: [['train', seeded.versions['1'].digest, 'training']],
          code: { commit: 'a'.repeat(40), branch: 'main', repository: 'https://git.example.com/fraud.git', entry: 'training/train.py' },
          signature: { kind: 'known', inputs: [scalar('amount', 'double'), scalar('age', 'double'), scalar('country', 'string')], outputs: [scalar('score', 'double')] },
          evidence: {}, gaps: [], run: seeded.versions['1'].run,
        });
        assert.ok(detail.artifact !== undefined && detail.artifact.uri !== '');
        // What drift can be measured against.
        assert.deepEqual(trainingData(detail), { path: 'data/train.parquet', name: `the training data of ${seeded.model} 1 (data/train.parquet)`, ...(registry.kind === 'file' ? {} : { rows: 2 }) });
        assert.deepEqual(await registry.readVersion(seeded.model, 'champion'), detail);
        const second = await registry.readVersion(seeded.model, 'challenger');
        assert.deepEqual([second.version, second.evidence, second.signature.kind === 'known' ? second.signature.inputs?.length : 0], ['2', { 'modelswitch.needs.application': '2.4' }, 4]);
        assert.equal((await registry.readVersion(seeded.quotes, 'größte')).version, '1');
      });

      it('reads a run', async () => {
        const run = await registry.readRun(seeded.versions['2'].run);
        assert.deepEqual([run.name, run.status, run.deleted, run.params['C'], run.metrics['auc'], run.datasets.map(({ digest }) => digest)], ['second', 'finished', false, '0.5', 0.905, [seeded.versions['2'].digest]]);
        assert.ok(run.startedAt !== undefined && run.endedAt !== undefined && run.startedAt <= run.endedAt);
      });

      it('knows no signature where there is none, and says so', async () => {
        for (const version of ['3', '4']) {
          const { signature } = await registry.readVersion(seeded.model, version);
          assert.ok(signature.kind === 'missing' && signature.reason.length > 20, JSON.stringify(signature));
        }
      });

      it('says what is not there', async () => {
        await rejects(registry.readModel('nowhere'), 'notFound', /nowhere/);
        await rejects(registry.listVersions('nowhere'), 'notFound', /nowhere/);
        await rejects(registry.readVersion('nowhere', '1'), 'notFound', /nowhere/);
        await rejects(registry.readVersion('nowhere', 'champion'), 'notFound', /nowhere/);
        await rejects(registry.readVersion(seeded.model, '99'), 'notFound', /99/);
        await rejects(registry.readVersion(seeded.model, 'nobody'), 'notFound', /nobody/);
        await rejects(registry.readRun('nowhere'), 'notFound', /nowhere/);
      });

      it('is cancelled', async () => {
        const aborted = AbortSignal.abort();
        await rejects(registry.listModels({}, aborted), 'cancelled', /^Cancelled/);
        await rejects(registry.readVersion(seeded.model, '1', aborted), 'cancelled', /^Cancelled/);
      });

      if (writes) {
        it('moves an alias that names what was expected, and no other', async () => {
          const { model } = seeded;
          const of = async (): Promise<string | undefined> => (await registry.readModel(model)).aliases.find(({ alias }) => alias === 'canary')?.version;
          assert.deepEqual(registry.capabilities, { setAlias: true, setTag: true });
          assert.deepEqual(await registry.setAlias(model, 'canary', '1', undefined), { model, alias: 'canary', from: undefined, to: '1' });
          assert.equal(await of(), '1');
          await rejects(registry.setAlias(model, 'canary', '3', '2'), 'conflict', /names version 1 now, not version 2/);
          await rejects(registry.setAlias(model, 'canary', '3', undefined), 'conflict', /names version 1 now, not no version/);
          assert.equal(await of(), '1');
          assert.deepEqual(await registry.setAlias(model, 'canary', '2', '1'), { model, alias: 'canary', from: '1', to: '2' });
          assert.equal((await registry.readVersion(model, 'canary')).version, '2');
          await rejects(registry.setAlias(model, 'canary', '99', '2'), 'notFound', /99/);
          assert.deepEqual(await registry.setAlias(model, 'canary', undefined, '2'), { model, alias: 'canary', from: '2', to: undefined });
          assert.equal(await of(), undefined);
        });

        it('tags a version', async () => {
          for (const value of ['{"verdict":"pass"}', 'second: "quoted"\n# Zeile 模型']) {
            await registry.setVersionTag(seeded.unicode, '1', 'modelswitch.evidence.suites', value);
            assert.deepEqual((await registry.readVersion(seeded.unicode, '1')).evidence, { 'modelswitch.evidence.suites': value });
          }
          await rejects(registry.setVersionTag(seeded.unicode, '99', 'modelswitch.x', 'y'), 'notFound', /99/);
        });
      } else {
        it('is only read', async () => {
          assert.deepEqual([registry.capabilities.setAlias, registry.capabilities.setTag], [false, false]);
          await rejects(registry.setAlias(seeded.model, 'canary', '1', undefined), 'forbidden', /only read.*MLflow server/);
          await rejects(registry.setVersionTag(seeded.model, '1', 'k', 'v'), 'forbidden', /only read/);
        });
      }
    });
  }

  describe('MLflow alone', () => {
    it('refuses who is not signed in, with the mend', async () => {
      const open = (credentials: ReturnType<RegistryContext['credentialsFor']>): ModelRegistry => openRegistry({ kind: 'mlflow', location: basic.url }, { ...nobody, credentialsFor: () => credentials });
      await rejects(open(undefined).listModels(), 'auth', /MLFLOW_TRACKING_URI.*MLFLOW_TRACKING_USERNAME/);
      await rejects(open({ kind: 'basic', username: 'admin', password: 'wrong' }).listModels(), 'auth', /does not accept/);
      assert.throws(() => open({ kind: 'bearer', token: 'a\nb' }), (error) => error instanceof AppError && error.code === 'auth' && !error.message.includes('a\nb'));
      await rejects(openRegistry({ kind: 'mlflow', location: bearer.url }, { ...nobody, credentialsFor: () => ({ kind: 'bearer', token: 'other' }) }).listModels(), 'auth', /does not accept/);
    });

    it('lets a reader read and tells what is forbidden', async () => {
      const admin = { authorization: `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`, 'content-type': 'application/json' };
      const reader = { username: 'größe', password: 'pass wörd 12345' };
      const made = await fetch(`${basic.url}/api/2.0/mlflow/users/create`, { method: 'POST', headers: admin, body: JSON.stringify(reader) });
      assert.equal(made.status, 200, await made.text());
      const registry = openRegistry({ kind: 'mlflow', location: basic.url }, { ...nobody, credentialsFor: () => ({ kind: 'basic', ...reader }) });
      assert.equal((await registry.listModels()).items.length, 3);
      await rejects(registry.setAlias(seeded.model, 'champion', '2', '1'), 'forbidden', /may not/);
      assert.equal((await registry.readVersion(seeded.model, 'champion')).version, '1');
    });

    it('asks another workspace', async () => {
      const headers = { authorization: `Bearer ${BEARER}`, 'content-type': 'application/json' };
      const made = await fetch(`${bearer.url}/api/3.0/mlflow/workspaces`, { method: 'POST', headers, body: JSON.stringify({ name: 'team-a' }) });
      assert.ok(made.ok, await made.text());
      const context: RegistryContext = { ...nobody, credentialsFor: () => ({ kind: 'bearer', token: BEARER }) };
      const registry = openRegistry({ kind: 'mlflow', location: bearer.url, workspace: 'team-a' }, context);
      assert.deepEqual(await registry.listModels(), { items: [] });
      const created = await fetch(`${bearer.url}/api/2.0/mlflow/registered-models/create`, { method: 'POST', headers: { ...headers, 'x-mlflow-workspace': 'team-a' }, body: JSON.stringify({ name: 'of-team-a' }) });
      assert.ok(created.ok, await created.text());
      assert.deepEqual((await registry.listModels()).items.map((model) => model.name), ['of-team-a']);
      await rejects(openRegistry({ kind: 'mlflow', location: bearer.url, workspace: 'nowhere' }, context).listModels(), 'notFound', /nowhere/);
      const read = openRegistry({ kind: 'sqlite', location: bearer.database, workspace: 'team-a' }, nobody);
      assert.deepEqual((await read.listModels()).items.map((model) => model.name), ['of-team-a']);
      assert.equal((await openRegistry({ kind: 'sqlite', location: bearer.database }, nobody).listModels()).items.length, 3);
    });

    it('shows the rest of a version whose run was deleted', async () => {
      for (const target of [{ kind: 'mlflow', location: plain.url }, { kind: 'sqlite', location: plain.database }] as const) {
        const detail = await openRegistry(target, nobody).readVersion(seeded.model, '3');
        assert.deepEqual([detail.run?.deleted, detail.code.commit], [true, 'c'.repeat(40)]);
        assert.match(detail.gaps.join(), /was deleted in MLflow/);
      }
    });
  });
});
