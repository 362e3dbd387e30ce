import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { openRegistry } from '../../src/adapters/registries.ts';
import type { UnleashClient } from '../../src/adapters/unleash/unleashClient.ts';
import { AppError } from '../../src/core/base/errors.ts';
import { ChangeRunner } from '../../src/core/flags/changeRunner.ts';
import type { ModelRegistry } from '../../src/core/models/registry.ts';
import { applyStartRelease, isStarted, planStartRelease, startWords, type StartOutcome, type StartPlan, type StartPorts, type StartRequest } from '../../src/core/releases/startRelease.ts';
import { loadWorkspaceFile } from '../../src/core/workspace/load.ts';
import { runScript, sharedMlflow, type RunningMlflow } from '../support/mlflow.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';
import { clientOf } from '../support/unleashClient.ts';

const MODEL = 'start-fraud';
const program = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'modelswitch.cjs');
const CONTRACT = 'version: 1\napplication: {version: "2.4"}\nfeatures:\n  - {name: amount, type: double}\n  - {name: age, type: float}\n  - {name: country, type: string}\n  - {name: visits, type: long}\noutputs: [{name: score, type: double}]\n';

interface Run { readonly code: number | null; readonly stdout: string; readonly stderr: string }
interface Shown { readonly enabled: boolean; readonly strategies: { title: string; parameters: Record<string, string>; segments: number[] }[] }

/** The arguments of each call of `modelswitch` in the first workflow of a page, as the shell would give them. */
function workflowCommands(page: string): string[][] {
  const [, workflow = ''] = /```yaml\n(name: model\n[^]*?)```/.exec(page) ?? [];
  const { jobs } = parse(workflow) as { jobs: Record<string, { steps: { run?: string }[] }> };
  const lines = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run = '' }) => run.split('\n')));
  return lines.flatMap((line) => {
    const [, args] = /^modelswitch ([^|]*)/.exec(line) ?? [];
    return args === undefined ? [] : [[...args.replaceAll('${{ github.sha }}', '1fcd0f0').matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')];
  });
}

describe('releases of real models behind real flags', function () {
  this.timeout(120_000);
  let unleash: SharedUnleash;
  let mlflow: RunningMlflow;
  let registry: ModelRegistry;
  let client: UnleashClient;
  let userId: number;
  let folder: string;

  before(async function prepare() {
    this.timeout(900_000);
    [unleash, mlflow] = await Promise.all([sharedUnleash(), sharedMlflow()]);
    await runScript('seed.py', mlflow.url, [MODEL]);
    registry = openRegistry({ kind: 'mlflow', location: mlflow.url }, { folder: tmpdir(), credentialsFor: () => undefined, fetch: (url, init) => fetch(url, init) });
    client = clientOf(unleash.url, unleash.tokens.eddy);
    userId = (await client.readIdentity()).id;
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-start-'));
    writeFileSync(join(folder, 'features.yaml'), CONTRACT);
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    await alias('challenger', '2');
  });
  after(() => registry.close());

  const newName = (): string => `started-${randomBytes(4).toString('hex')}`;
  const path = (): string => join(folder, 'modelswitch.yaml');
  const file = (): string | undefined => { try { return readFileSync(path(), 'utf8'); } catch { return undefined; } };
  const configure = (flag: string, more = ''): void => writeFileSync(path(), `version: 1\nregistry: {mlflow: "${mlflow.url}"}\nmodels:\n  fraud: {flag: ${flag}, registered_model: ${MODEL}, contract: features.yaml${more}}\n`);

  async function alias(name: string, version: string): Promise<void> {
    const now = (await registry.readModel(MODEL)).aliases.find((each) => each.alias === name)?.version;
    if (now !== version) await registry.setAlias(MODEL, name, version, now);
  }

  function ports(port: UnleashClient = client, write: (text: string) => void = (text) => writeFileSync(path(), text)): StartPorts {
    return {
      client: port, server: unleash.url, project: 'default', userId: () => userId, registry,
      runner: new ChangeRunner({ port, server: unleash.url, userId: () => userId, sleep: () => Promise.resolve() }),
      readFile: () => Promise.resolve(file()), writeFile: (text) => Promise.resolve().then(() => write(text)),
    };
  }
  const request = (flag: string, more: Partial<StartRequest> = {}): StartRequest => ({ model: 'fraud', registered: MODEL, candidate: 'challenger', flag, stickiness: 'userId', ...more });
  const plan = (flag: string, more: Partial<StartRequest> = {}, to = ports()): Promise<StartPlan> => planStartRelease(to, request(flag, more));
  async function start(flag: string, more: Partial<StartRequest> = {}): Promise<StartOutcome> {
    const outcome = await applyStartRelease(ports(), await plan(flag, more));
    assert.equal(outcome.error, undefined);
    return outcome;
  }
  async function state(flag: string): Promise<Record<string, Shown>> {
    const found = await client.readFlag('default', flag);
    return Object.fromEntries(found.flag.environments.map(({ name, enabled, strategies }) => [name, { enabled, strategies: strategies.map(({ title, parameters, segments }) => ({ title, parameters, segments: [...segments] })) }]));
  }
  const brief = ({ enabled, strategies }: Shown): unknown => [enabled, ...strategies.map(({ title, parameters, segments }) => [title, parameters['rollout'], parameters['stickiness'], segments.length])];

  describe('starting one', () => {
    it('makes the flag at 0 %, pins both versions and begins the file', async () => {
      const flag = newName();
      const planned = await plan(flag, { segments: ['internal'] });
      assert.deepEqual([planned.candidate, planned.current, planned.create?.flag], ['2', '1', flag]);
      const words = startWords(planned);
      assert.equal(words[0], 'fraud: v2 where the flag is on, v1 where it is off; both are pinned in the strategies\' titles');
      assert.ok(words.includes('modelswitch.yaml: models.fraud is added'), words.join('\n'));
      assert.equal((await applyStartRelease(ports(), planned)).kind, 'done');
      const title = 'Modelswitch · fraud v2 over v1 · 0 % · start';
      for (const shown of Object.values(await state(flag))) assert.deepEqual(brief(shown), [false, [title, '0', 'userId', 0], [title, '0', 'userId', 1]]);
      assert.deepEqual(loadWorkspaceFile(file() ?? '').config?.models.map(({ switches, registeredModel, current, candidate }) => [switches[0]?.flag, registeredModel, current, candidate]), [[flag, MODEL, 'champion', 'challenger']]);
    });

    it('is done when it is asked again, and takes nothing back from a release that has begun', async () => {
      const flag = newName();
      await start(flag);
      const again = await plan(flag);
      assert.ok(isStarted(again), JSON.stringify(again.rollout.environments.map(({ steps }) => steps)));
      assert.equal((await applyStartRelease(ports(), again)).kind, 'unchanged');
      const target = ['--flag', flag, '--environment', 'production'];
      assert.equal((await cli(['promote', ...target])).code, 0);
      assert.ok(isStarted(await plan(flag)));
      assert.deepEqual(brief((await state(flag))['production']!), [true, ['Modelswitch · fraud v2 over v1 · 5 % · promote · then on', '5', 'userId', 0]]);
    });

    it('adopts the only gradual rollout at 0 %, as it is drawn, and leaves what others made alone', async () => {
      const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 25)] } } });
      const planned = await plan(name, { stickiness: 'sessionId' });
      assert.deepEqual(planned.rollout.environments.map(({ environment, from, to }) => `${environment}: ${from} -> ${to}`).toSorted(), ['development: off -> off', 'production: 25 % -> 0 %']);
      assert.equal((await applyStartRelease(ports(), planned)).kind, 'done');
      assert.deepEqual(brief((await state(name))['production']!), [true, ['Modelswitch · fraud v2 over v1 · 0 % · start', '0', 'userId', 0]]);

      rmSync(path(), { force: true });
      const two = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 25), gradual(flag, 10)] } } });
      const before = await state(two.name);
      const blocked = await plan(two.name);
      assert.match(blocked.rollout.blockers[0]!.message, /was not made by Modelswitch/);
      await assert.rejects(applyStartRelease(ports(), blocked), (error) => error instanceof AppError && error.data['reason'] === 'blocked');
      assert.deepEqual([await state(two.name), file()], [before, undefined]);
    });

    it('goes on wherever it stopped, and nobody is exposed at any point', async () => {
      const writes = ['createFlag', 'addStrategy', 'addStrategy', 'addStrategy', 'addStrategy', 'file'];
      for (const lost of [false, true]) {
        for (let failing = 0; failing < writes.length; failing += 1) {
          const flag = newName();
          rmSync(path(), { force: true });
          let count = 0;
          const fail = (): Promise<never> => Promise.reject(new AppError('network', 'The connection was cut.'));
          const cut = new Proxy(client, {
            get: (target, key) => {
              const value: unknown = Reflect.get(target, key, target);
              if (typeof value !== 'function') return value;
              const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
              if (!['createFlag', 'addStrategy', 'patchStrategy'].includes(String(key))) return method;
              return async (...args: unknown[]): Promise<unknown> => {
                count += 1;
                if (count - 1 < failing) return method(...args);
                if (lost && count - 1 === failing) await method(...args);
                return fail();
              };
            },
          });
          const write = (text: string): void => { if (failing < writes.length - 1) writeFileSync(path(), text); else throw new AppError('internal', 'The disk is full.'); };
          const broken = ports(cut, write);
          const outcome = await applyStartRelease(broken, await plan(flag, { segments: ['internal'] }, broken)).catch((error: unknown) => error as AppError);
          const where = `${writes[failing]} ${failing}${lost ? ', answer lost' : ''}`;
          assert.ok(outcome instanceof AppError || outcome.kind === 'stopped' || lost, where);
          const after = await state(flag).catch(() => ({}));
          for (const { enabled, strategies } of Object.values(after)) assert.ok(!enabled && strategies.every(({ parameters }) => parameters['rollout'] === '0'), where);
          const rest = await applyStartRelease(ports(), await plan(flag, { segments: ['internal'] }));
          assert.equal(rest.error, undefined, where);
          const title = 'Modelswitch · fraud v2 over v1 · 0 % · start';
          for (const shown of Object.values(await state(flag))) assert.deepEqual(brief(shown), [false, [title, '0', 'userId', 0], [title, '0', 'userId', 1]], where);
          assert.ok(file()?.includes(flag), where);
          assert.ok(isStarted(await plan(flag, { segments: ['internal'] })), where);
        }
      }
    });

    it('refuses when somebody wrote to the flag, or to the file, in between', async () => {
      const { name } = await freshFlag();
      const planned = await plan(name);
      const [strategy] = (await client.readFlag('default', name)).flag.environments.find((each) => each.name === 'production')!.strategies;
      await unleash.as.alice.request('PATCH', `/api/admin/projects/default/features/${name}/environments/production/strategies/${strategy!.id}`, [{ op: 'replace', path: '/parameters/rollout', value: '40' }]);
      const outcome = await applyStartRelease(ports(), planned);
      assert.deepEqual([outcome.kind, outcome.at, outcome.error?.code], ['stopped', 'rollout', 'conflict']);
      assert.equal((await state(name))['production']!.strategies[0]!.parameters['rollout'], '40');

      const flag = newName();
      const other = await plan(flag);
      writeFileSync(path(), 'version: 1 # mine\n');
      const stopped = await applyStartRelease(ports(), other);
      assert.deepEqual([stopped.kind, stopped.at, stopped.error?.code, file()], ['stopped', 'file', 'conflict', 'version: 1 # mine\n']);
      assert.equal((await start(flag)).kind, 'done');
      assert.ok(file()?.startsWith('version: 1 # mine\nmodels:\n  fraud:'));
    });

    for (const [name, more, code, says] of [
      ['a version that there is not', { candidate: '99' }, 'notFound', /99/],
      ['what serves already', { candidate: 'champion' }, 'validation', /is what serves now/],
      ['no current version', { current: 'nowhere' }, 'notFound', /name the one that serves now/],
      ['a segment that there is not', { segments: ['intrnal'] }, 'notFound', /Did you mean "internal"/],
      ['a name that no flag may have', { flag: 'a b' }, 'validation', /a b/],
    ] as const) {
      it(`refuses ${name}, before anything is written`, async () => {
        await assert.rejects(plan(newName(), more), (error) => error instanceof AppError && error.code === code && says.test(error.message));
        assert.equal(file(), undefined);
      });
    }
  });

  function cli(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: { ...process.env, MLFLOW_TRACKING_URI: undefined, UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
  }
  const production = (flag: string): string[] => ['--flag', flag, '--environment', 'production'];
  const rollout = async (flag: string): Promise<string | undefined> => (await state(flag))['production']!.strategies[0]?.parameters['rollout'];
  const title = async (flag: string): Promise<string | undefined> => (await state(flag))['production']!.strategies[0]?.title;

  describe('on the command line', () => {
    it('starts with --dry-run, for real, and again', async () => {
      const flag = newName();
      writeFileSync(path(), `version: 1\nregistry: {mlflow: "${mlflow.url}"}   # ours\n`);
      const args = ['start', MODEL, '2', '--name', 'fraud', '--flag', flag, '--stickiness', 'userId', '--segment', 'internal'];
      const dry = await cli([...args, '--dry-run', '--json']);
      const planned = JSON.parse(dry.stdout) as StartPlan;
      assert.deepEqual([dry.code, planned.kind, planned.candidate, planned.current, planned.create?.flag], [0, 'start', '2', '1', flag], dry.stderr);
      await assert.rejects(client.readFlag('default', flag));
      const real = await cli(args);
      assert.deepEqual([real.code, real.stdout.split('\n')[0]], [0, `start fraud behind ${flag} (done)`], real.stdout + real.stderr);
      assert.equal(await title(flag), 'Modelswitch · fraud v2 over v1 · 0 % · start');
      assert.ok(file()?.startsWith(`version: 1\nregistry: {mlflow: "${mlflow.url}"}   # ours\nmodels:\n`));
      const again = await cli(['start', 'fraud', '2', '--flag', flag, '--segment', 'internal', '--stickiness', 'userId']);
      assert.deepEqual([again.code, again.stdout.split('\n')[0]], [0, `start fraud behind ${flag} (unchanged)`], again.stdout);
      const missing = await cli(['start', 'fraud', '99', '--flag', flag]);
      assert.equal(missing.code, 1);
    });

    it('does what the documented workflow asks of it, twice', async () => {
      const flag = newName();
      configure(flag, ', suites: [suites/*.mltest.yaml]');
      writeFileSync(path(), file()!.replace('fraud:', 'credit-risk:'));
      mkdirSync(join(folder, 'suites'));
      writeFileSync(join(folder, 'suites', 'model.cjs'), "require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => console.log(JSON.stringify({ id: JSON.parse(line).id, output: 0.5 })));\n");
      writeFileSync(join(folder, 'suites', 'rows.jsonl'), '{"amount": 1}\n{"amount": 2}\n');
      writeFileSync(join(folder, 'suites', 'risk.mltest.yaml'), `subject: {exec: [${JSON.stringify(process.execPath)}, suites/model.cjs]}\ndata: {file: rows.jsonl}\ntests:\n  - {id: finite, kind: expectation, expect: {finite: true}}\n`);
      for (const args of [['init', '--quiet'], ['add', '.'], ['-c', 'user.name=a', '-c', 'user.email=a@example.com', 'commit', '--quiet', '-m', 'all']]) execFileSync('git', args, { cwd: folder });
      const commands = workflowCommands(readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'pipelines.md'), 'utf8')).map((args) => args.map((each) => (each === 'credit-risk-v2' ? flag : each)));
      assert.deepEqual(commands.map(([name]) => name), ['lineage', 'check', 'test', 'lock', 'check', 'start']);
      // Twice: the second run finds the lock and the flag of the first.
      for (const challenger of ['2', '1']) {
        await alias('challenger', challenger);
        await alias('champion', challenger === '2' ? '1' : '2');
        for (const args of commands) {
          const { code, stdout, stderr } = await cli(args);
          assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
        }
        for (const shown of Object.values(await state(flag))) assert.deepEqual([shown.enabled, shown.strategies.map(({ title, parameters }) => [title, parameters['rollout']])], [false, [[`Modelswitch · credit-risk v${challenger} over v${challenger === '2' ? 1 : 2} · 0 % · 1fcd0f0`, '0']]]);
      }
      await alias('champion', '1');
    });

    it('does not promote what the contract cannot serve, unless somebody says why', async () => {
      const flag = newName();
      configure(flag);
      await start(flag);
      writeFileSync(join(folder, 'features.yaml'), CONTRACT.replace('  - {name: visits, type: long}\n', ''));
      const blocked = await cli(['promote', ...production(flag)]);
      assert.equal(blocked.code, 6, blocked.stdout + blocked.stderr);
      assert.match(blocked.stdout, /^blocked by compatibility: fraud v2: incompatible: column visits \(long\) is missing \(features\.yaml:3\)\nTo go on all the same: --override REASON\.\n/);
      assert.equal(await rollout(flag), '0');
      assert.equal((await cli(['rollout', ...production(flag), '--percent', '30'])).code, 6);
      const dry = JSON.parse((await cli(['promote', ...production(flag), '--dry-run', '--json'])).stdout) as { gates: { kind: string } };
      assert.equal(dry.gates.kind, 'block');
      const forced = await cli(['promote', ...production(flag), '--override', 'hotfix 7']);
      assert.equal(forced.code, 0, forced.stdout + forced.stderr);
      assert.equal(await title(flag), 'Modelswitch · fraud v2 over v1 · 5 % · override compatibility: hotfix 7 · then on');
      // What is on its way out needs no gate, and no registry.
      const away = { MLFLOW_TRACKING_URI: '' };
      writeFileSync(path(), (file() ?? '').replace(mlflow.url, 'http://127.0.0.1:9'));
      assert.deepEqual([(await cli(['rollback', ...production(flag)], away)).code, await rollout(flag)], [0, '0']);
    });

    it('promotes with a warning while the registry is away, and rolls back and kills as always', async () => {
      const flag = newName();
      configure(flag);
      await start(flag);
      writeFileSync(path(), (file() ?? '').replace(mlflow.url, 'http://127.0.0.1:9'));
      const promoted = await cli(['promote', ...production(flag)]);
      assert.equal(promoted.code, 0, promoted.stdout + promoted.stderr);
      assert.match(promoted.stdout, /note: fraud challenger: compatibility is unknown: .*127\.0\.0\.1:9/);
      assert.match(promoted.stdout, /whether challenger still is the pinned version is not known/);
      assert.equal(await rollout(flag), '5');
      for (const command of [['rollout', ...production(flag), '--percent', '1'], ['kill', ...production(flag)]]) {
        const lowered = await cli(command);
        assert.deepEqual([lowered.code, lowered.stdout.includes('note:')], [0, false], lowered.stdout + lowered.stderr);
      }
    });

    it('does not go on with an alias that moved; a re-pin or the alias put back lets it', async () => {
      const flag = newName();
      configure(flag);
      await start(flag);
      assert.equal((await cli(['promote', ...production(flag)])).code, 0);
      await alias('challenger', '3');
      const blocked = await cli(['promote', ...production(flag), '--override', 'never mind']);
      assert.equal(blocked.code, 6);
      assert.match(blocked.stdout, /blocked by moved alias: fraud: challenger moved from v2 to v3\.\n.*Move the alias back, or re-pin the release/);
      assert.equal((await cli(['rollout', ...production(flag), '--percent', '1'])).code, 0, 'lowering is never blocked');
      await alias('challenger', '2');
      assert.equal((await cli(['rollout', ...production(flag), '--percent', '5'])).code, 0);
      await alias('challenger', '3');
      const repinned = await cli(['repin', '--flag', flag]);
      assert.equal(repinned.code, 0, repinned.stdout + repinned.stderr);
      assert.match(repinned.stdout, /fraud v2 over v1 -> v3 over v1; the rollout stays/);
      assert.deepEqual([await title(flag), await rollout(flag)], ['Modelswitch · fraud v3 over v1 · 5 % · re-pinned', '5']);
      assert.equal((await cli(['repin', '--flag', flag])).stdout.includes('(unchanged)'), true);
      const promoted = await cli(['promote', ...production(flag)]);
      assert.equal(promoted.code, 0, promoted.stdout);
      assert.match(promoted.stdout, /note: fraud v3: unknown: The model was logged without a signature/);
    });

    it('judges features by the flag that they are behind', async () => {
      const [flag, features] = [newName(), (await freshFlag({ environments: { production: { strategies: (name) => [gradual(name, 0)] } } })).name];
      await runScriptTag('modelswitch.needs.features.transactions', 'v3');
      configure(flag);
      writeFileSync(path(), `${file() ?? ''}  transactions: {kind: features, flag: ${features}, provides: {transactions: v3}}\n`);
      writeFileSync(join(folder, 'features.yaml'), CONTRACT.replace('name: amount, type: double', 'name: amount, type: double, source: transactions@v2'));
      await start(flag);
      const warned = await cli(['promote', ...production(flag)]);
      assert.equal(warned.code, 0, warned.stderr);
      assert.match(warned.stdout, new RegExp(`note: fraud v2: needs features transactions@v3: behind \`${features}\`, off in production`));
      const checked = await cli(['check', '--model', 'fraud']);
      assert.deepEqual([checked.code, checked.stdout.split('\n')[0]], [1, `fraud 2: needs features transactions@v3: behind \`${features}\`, off in production`], checked.stderr);
      assert.equal((await cli(['rollout', ...production(features), '--percent', '100'])).code, 0);
      assert.deepEqual((await cli(['check', '--model', 'fraud'])).stdout, 'fraud 2: compatible\n');
      assert.match((await cli(['check', '--model', 'fraud'], { UNLEASH_TOKEN: '' })).stdout, /^fraud 2: unknown: needs features transactions@v3: behind .*, whose state is not known in production/);
      await runScriptTag('modelswitch.needs.features.transactions', 'v2');
      assert.match((await cli(['check', '--model', 'fraud'])).stdout, /needs features transactions@v2, which gives way to transactions@v3 behind .* 100 % in production/);
      await runScriptTag('modelswitch.needs.features.transactions', '');
    });

    async function runScriptTag(key: string, value: string): Promise<void> {
      await registry.setVersionTag(MODEL, '2', key, value === '' ? 'v2' : value);
    }

    it('goes no further when a job is tried again with --from', async () => {
      const { name } = await freshFlag();
      rmSync(path(), { force: true });
      const target = production(name);
      for (const time of ['first', 'again']) assert.deepEqual([(await cli(['promote', ...target, '--from', '25'])).code, await rollout(name)], [0, '50'], time);
      assert.match((await cli(['promote', ...target, '--from', '25'])).stdout, /: 50 % \(unchanged\)/);
      const other = await cli(['promote', ...target, '--from', '5']);
      assert.deepEqual([other.code, await rollout(name)], [4, '50']);
      assert.match(other.stderr, /is at 50 % in production, not at 5 %: nothing was written/);
      for (const time of ['first', 'again']) assert.deepEqual([(await cli(['rollback', ...target, '--from', '50'])).code, await rollout(name)], [0, '25'], time);
      assert.equal((await cli(['rollback', ...target, '--from', '100'])).code, 4);
      assert.equal((await cli(['kill', ...target, '--from', '25'])).code, 2);
    });
  });
});
