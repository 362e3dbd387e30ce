import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { otherServer } from '../support/otherServer.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';

const root = join(import.meta.dirname, '..', '..');

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as people get it: packed, installed into an empty folder, and run in another. */
describe('the command line', () => {
  let unleash: SharedUnleash;
  let dir: string;
  let program: string;
  let empty: string;

  before(async function install() {
    this.timeout(120_000);
    unleash = await sharedUnleash();
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-cli-'));
    const packed = spawnSync('npm', ['pack', '--pack-destination', dir, join(root, 'dist', 'cli')], { encoding: 'utf8', shell: process.platform === 'win32' });
    assert.equal(packed.status, 0, packed.stderr);
    const tarball = packed.stdout.trim().split('\n').at(-1)!;
    const installed = spawnSync('npm', ['install', '--prefix', join(dir, 'installed'), '--no-audit', '--no-fund', join(dir, tarball)], { encoding: 'utf8', shell: process.platform === 'win32' });
    assert.equal(installed.status, 0, installed.stderr);
    program = join(dir, 'installed', 'node_modules', 'modelswitch', 'modelswitch.cjs');
    empty = join(dir, 'empty');
    mkdirSync(empty);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  function run(args: readonly string[], env: Record<string, string> = { UNLEASH_TOKEN: unleash.tokens.eddy }, cwd = empty): Promise<Run> {
    const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...process.env, UNLEASH_URL: undefined, UNLEASH_TOKEN: undefined, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...output }));
    });
  }
  const at = (...args: string[]): string[] => [...args, '--url', unleash.url];
  const rolloutOf = async (flag: string): Promise<string | undefined> => (await unleash.as.alice.flag(flag))?.environments.find(({ name }) => name === 'production')?.strategies[0]?.parameters['rollout'];

  it('promotes, rolls back and kills from an empty folder, with no more than url, flag, environment and a token', async () => {
    const { name } = await freshFlag();
    const target = at('--flag', name, '--environment', 'production');
    const promoted = await run(['promote', ...target, '--reason', 'ticket 42']);
    assert.deepEqual([promoted.code, promoted.stdout], [0, `${name} production: 50 % (done)\n`], promoted.stderr);
    assert.equal(await rolloutOf(name), '50');
    assert.deepEqual((await run(['rollback', ...target])).stdout, `${name} production: 25 % (done)\n`);
    assert.deepEqual((await run(['kill', ...target])).stdout, `${name} production: off (done)\n`);
    const history = JSON.parse((await run(['history', '--json', ...target])).stdout) as { complete: boolean; entries: { kind: string; from: string; to: string; by: string; title: string }[] };
    assert.deepEqual(history.entries.filter(({ kind }) => kind === 'rollout').map(({ from, to }) => `${from} -> ${to}`), ['25 % -> off', '50 % -> 25 %', '25 % -> 50 %', 'off -> 25 %', 'off -> off']);
    assert.ok(history.complete && history.entries[2]!.title.includes('ticket 42') && history.entries[2]!.by.startsWith('eddy'));
  });

  it('sets and promotes a segment beside everyone', async () => {
    const { name } = await freshFlag();
    const target = at('--flag', name, '--environment', 'production');
    assert.equal((await run(['rollout', ...target, '--percent', '60', '--segment', 'internal'])).stdout, `${name} production: 25 % · internal 60 % (done)\n`);
    assert.equal((await run(['promote', ...target, '--segment', 'internal'])).stdout, `${name} production: 25 % · internal 100 % (done)\n`);
    assert.equal((await run(['rollout', ...target, '--percent', '5'])).stdout, `${name} production: 5 % · internal 100 % (done)\n`);
  });

  it('sets the weights of variants, shows them, and rolls back to those before', async () => {
    const variants = [{ name: 'v1', weight: 500, weightType: 'variable' as const, stickiness: 'userId' }, { name: 'v2', weight: 500, weightType: 'variable' as const, stickiness: 'userId' }];
    const { name } = await freshFlag({ environments: { production: { strategies: (flag) => [gradual(flag, 25, { variants })] } } });
    const target = at('--flag', name, '--environment', 'production');
    const dry = JSON.parse((await run(['weights', ...target, '--set', 'v1=70,v2=30', '--dry-run', '--json'])).stdout) as { kind: string; environments: { from: string; to: string }[] };
    assert.deepEqual([dry.kind, dry.environments.map(({ from, to }) => `${from} -> ${to}`)], ['set weights', ['25 % · v1 50 % / v2 50 % -> 25 % · v1 70 % / v2 30 %']]);
    assert.equal((await run(['weights', ...target, '--set', 'v1=70,v2=30'])).stdout, `${name} production: 25 % · v1 70 % / v2 30 % (done)\n`);
    assert.match((await run(['rollout', ...target])).stdout, /^production: 25 % · v1 70 % \/ v2 30 %\n/);
    const refused = await run(['weights', ...target, '--set', 'v1=70,v3=30']);
    assert.deepEqual([refused.code, refused.stderr], [2, 'modelswitch: There is no variant "v3". Did you mean "v1"?\n']);
    assert.equal((await run(['rollback', ...target])).stdout, `${name} production: 25 % · v1 50 % / v2 50 % (done)\n`);
  });

  it('makes 0 % the default of a project, after showing old and new', async () => {
    const target = at('--environment', 'development');
    const dry = await run(['safe-default', ...target, '--dry-run']);
    assert.deepEqual([dry.code, dry.stdout], [0, 'default strategy of default development: 100 % of everyone (not set) -> 0 % of everyone · sticky by default (dry run)\n']);
    assert.match((await run(['safe-default', ...target])).stdout, /\(done\)\n$/);
    assert.match((await run(['safe-default', ...target])).stdout, /: 0 % of everyone · sticky by default \(unchanged\)\n$/);
    const { name } = await freshFlag({ environments: {} });
    await unleash.as.eddy.switchEnvironment(name, 'development', 'on');
    assert.match((await run(['rollout', ...at('--flag', name, '--environment', 'development')])).stdout, /^development: 0 %\n/);
    await unleash.as.alice.request('POST', '/api/admin/projects/default/environments/development/default-strategy', { name: 'flexibleRollout', parameters: { rollout: '100', stickiness: 'default' } });
  });

  it('prints the change plan and writes nothing with --dry-run', async () => {
    const { name } = await freshFlag();
    const { code, stdout } = await run(['rollout', ...at('--flag', name, '--environment', 'production'), '--percent', '70', '--dry-run', '--json']);
    const plan = JSON.parse(stdout) as { version: number; environments: { from: string; to: string; exposure: string; steps: { kind: string }[] }[] };
    assert.deepEqual([code, plan.version, plan.environments.map(({ from, to, exposure, steps }) => [from, to, exposure, steps.map(({ kind }) => kind)])], [0, 1, [['25 %', '70 %', 'raise', ['patch']]]]);
    assert.equal(await rolloutOf(name), '25');
  });

  it('says who one is and what every flag exposes', async () => {
    const who = JSON.parse((await run(at('whoami', '--json'), { UNLEASH_TOKEN: unleash.tokens.vera })).stdout) as { user: string; mayChangeIn: string[] };
    assert.deepEqual([who.user, who.mayChangeIn], ['vera@example.com', []]);
    const rows = JSON.parse((await run(at('status', '--json'))).stdout) as { flag: string; environment: string; low: number }[];
    assert.ok(rows.some(({ flag, environment, low }) => flag === 'credit-risk-v2' && environment === 'development' && low === 100));
    assert.match((await run(at('rollout', '--flag', 'credit-risk-v2'))).stdout, /production: 25 % · internal 100 %\n {2}Strategy/);
    assert.match((await run(at('whoami'), { UNLEASH_TOKEN: unleash.server.adminToken })).stdout, /^admin on .* may change rollouts in every environment/);
  });

  const failures: { name: string; args: () => string[]; env?: () => Record<string, string>; code: number; says: RegExp }[] = [
    { name: 'an unknown command', args: () => ['fly'], code: 2, says: /^modelswitch: There is no command fly\. `modelswitch --help` lists them\.\n$/ },
    { name: 'a misspelt command', args: () => ['qualty'], code: 2, says: /^modelswitch: There is no command qualty\. Did you mean "quality"\? / },
    { name: 'an unknown option', args: () => at('status', '--flagg', 'x'), code: 2, says: /--flagg/ },
    { name: 'a missing flag', args: () => at('promote'), code: 2, says: /--flag is missing/ },
    { name: 'a missing environment', args: () => at('promote', '--flag', 'credit-risk-v2'), code: 2, says: /--environment is missing; credit-risk-v2 has development, production/ },
    { name: 'an unknown environment', args: () => at('kill', '--flag', 'credit-risk-v2', '--environment', 'moon'), code: 1, says: /has no environment "moon"; it has/ },
    { name: 'a percentage that is none', args: () => at('rollout', '--flag', 'credit-risk-v2', '--environment', 'production', '--percent', 'half'), code: 2, says: /whole number from 0 to 100, not "half"/ },
    { name: 'an unknown segment', args: () => at('promote', '--flag', 'credit-risk-v2', '--environment', 'production', '--segment', 'internl'), code: 1, says: /no segment "internl"\. Did you mean "internal"/ },
    { name: 'weights that are not given', args: () => at('weights', '--flag', 'credit-explainer', '--environment', 'production'), code: 2, says: /--set is missing; write it as v1=70,v2=30/ },
    { name: 'weights of a flag without variants', args: () => at('weights', '--flag', 'credit-risk-v2', '--environment', 'production', '--set', 'v1=100'), code: 2, says: /has no variants in production/ },
    { name: 'a safe default for no environment', args: () => at('safe-default'), code: 2, says: /--environment is missing; or give --all-environments/ },
    { name: 'a viewer who sets a safe default', args: () => at('safe-default', '--environment', 'production'), env: () => ({ UNLEASH_TOKEN: unleash.tokens.vera }), code: 3, says: /UPDATE_PROJECT/ },
    { name: 'an unknown flag', args: () => at('rollback', '--flag', 'nope', '--environment', 'production'), code: 1, says: /nope/ },
    { name: 'no server', args: () => ['status'], code: 2, says: /give --url or set UNLEASH_URL/ },
    { name: 'no token', args: () => at('status'), env: () => ({}), code: 3, says: /set UNLEASH_TOKEN/ },
    { name: 'a wrong token', args: () => at('status'), env: () => ({ UNLEASH_TOKEN: 'user:wrong' }), code: 3, says: /does not accept the token/ },
    { name: 'a viewer who promotes', args: () => at('promote', '--flag', 'credit-risk-v2', '--environment', 'production'), env: () => ({ UNLEASH_TOKEN: unleash.tokens.vera }), code: 3, says: /UPDATE_FEATURE_STRATEGY/ },
    { name: 'a server that is away', args: () => ['status', '--url', 'http://127.0.0.1:9'], code: 5, says: /cannot be reached/ },
    { name: 'another server than the token is for', args: () => ['status', '--url', 'http://127.0.0.1:9'], env: () => ({ UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy }), code: 2, says: /UNLEASH_TOKEN is for .* nothing was sent/ },
  ];
  for (const { name, args, env, code, says } of failures) {
    it(`exits with ${code} for ${name}, and says so`, async () => {
      const result = await run(args(), env?.());
      assert.equal(result.code, code, result.stdout + result.stderr);
      assert.match(result.stdout + result.stderr, says);
      assert.ok(!(result.stdout + result.stderr).includes(unleash.tokens.vera));
    });
  }

  it('sends nothing to a server that only a modelswitch.yaml names', async () => {
    const other = await otherServer();
    const hostile = join(dir, 'hostile');
    mkdirSync(hostile);
    writeFileSync(join(hostile, 'modelswitch.yaml'), `version: 1\nunleash: {url: "${other.origin}"}\n`);
    const alone = await run(['status'], { UNLEASH_TOKEN: unleash.tokens.eddy }, hostile);
    const beside = await run(['status'], { UNLEASH_TOKEN: unleash.tokens.eddy, UNLEASH_URL: unleash.url }, hostile);
    other.close();
    assert.deepEqual([alone.code, beside.code, other.requests()], [2, 2, 0]);
    assert.match(beside.stderr, /modelswitch\.yaml names .* nothing was sent/);
  });

  it('scans a folder without a server: relative paths, 1-based places, reasons for what is dynamic', async () => {
    const code = join(dir, 'code');
    mkdirSync(join(code, 'pkg', 'node_modules'), { recursive: true });
    cpSync(join(root, 'test', 'fixtures', 'host', 'service.py'), join(code, 'pkg', 'service.py'));
    writeFileSync(join(code, 'pkg', 'node_modules', 'x.py'), 'client.is_enabled("not-ours")\n');
    const { code: status, stdout } = await run(['scan', code, '--json'], {});
    const rows = JSON.parse(stdout) as { path: string; line: number; column: number; flag: string | null; api: string; via: string; reason?: string }[];
    assert.equal(status, 0);
    assert.deepEqual(rows.map(({ path, line, column, flag, api, via }) => [path, line, column, flag, api, via]), [
      ['pkg/service.py', 8, 8, 'host-fraud', 'is_enabled', 'direct'],
      ['pkg/service.py', 10, 15, 'host-explainer', 'get_variant', 'constant'],
      ['pkg/service.py', 11, 8, 'host-nowhere', 'is_enabled', 'direct'],
      ['pkg/service.py', 13, 8, 'host-archived', 'is_enabled', 'direct'],
      ['pkg/service.py', 15, 12, null, 'is_enabled', 'dynamic'],
    ]);
    assert.match(rows[4]!.reason!, /parameter/);
    assert.equal((await run(['scan', join(dir, 'nowhere')], {})).code, 1);
  });

  it('ends without a word when its reader has seen enough, with the exit code of the command', async () => {
    const code = join(dir, 'long');
    mkdirSync(code);
    const calls = Array.from({ length: 5000 }, (_, index) => `client.is_enabled("flag-${index}")\n`).join('');
    writeFileSync(join(code, 'a.py'), `from UnleashClient import UnleashClient\nclient = UnleashClient(url="u", app_name="a")\n${calls}`);
    for (const args of [['scan', code], ['scan', code, '--json'], ['--help']]) {
      const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      child.stdout.once('data', () => child.stdout.destroy());
      const status = await new Promise((resolve) => void child.once('close', resolve));
      assert.deepEqual([status, stderr], [0, ''], args.join(' '));
    }
  });

  it('scans across modules: wrappers, several keys, notebooks, settings, ignored files, and says what it could not read', async () => {
    const code = join(dir, 'project');
    cpSync(join(root, 'test', 'fixtures', 'callsites', 'projectConfigured'), code, { recursive: true });
    writeFileSync(join(code, 'modelswitch.yaml'), 'version: 1\ncallsites:\n  wrappers: [{function: vendor.flags.enabled, key: 1}]\n  exclude: ["legacy/**"]\n');
    writeFileSync(join(code, '.gitignore'), 'ignored.py\n');
    const client = 'from UnleashClient import UnleashClient\nclient = UnleashClient(url="u", app_name="a")\n';
    mkdirSync(join(code, 'legacy'));
    for (const path of ['ignored.py', 'legacy/old.py']) writeFileSync(join(code, path), `${client}client.is_enabled("no")\n`);
    writeFileSync(join(code, 'wrap.py'), `${client}def on(key):\n    return client.is_enabled(key)\n`);
    writeFileSync(join(code, 'use.py'), 'from wrap import on\nx = 1\non("a" if x else "b")\n');
    writeFileSync(join(code, 'n.ipynb'), JSON.stringify({ cells: [{ cell_type: 'markdown', source: [] }, { cell_type: 'code', source: ['%time 1\n', 'from wrap import on\n', 'on("cell")'] }] }));
    writeFileSync(join(code, 'bad.ipynb'), '{ is_enabled');
    const { code: status, stdout, stderr } = await run(['scan', code, '--json'], {});
    const rows = JSON.parse(stdout) as { path: string; line: number; column: number; cell?: number; flag: string | null; via: string }[];
    assert.equal(status, 0, stderr);
    assert.deepEqual(rows.map(({ path, line, column, cell, flag, via }) => [path, ...cell === undefined ? [] : [cell], line, column, flag, via]), [
      ['n.ipynb', 2, 3, 1, 'cell', 'wrapper'],
      ['shop/views.py', 10, 5, 'vendor', 'wrapper'],
      ['shop/views.py', 11, 5, 'configured', 'wrapper'],
      ['shop/views.py', 12, 5, null, 'dynamic'],
      ['use.py', 3, 1, 'a', 'wrapper'],
      ['use.py', 3, 1, 'b', 'wrapper'],
      ['wrap.py', 4, 12, null, 'dynamic'],
    ]);
    assert.match(stderr, /^bad\.ipynb: The file cannot be understood/m);
  });

  it('has a help that fits a screen', async () => {
    const { stdout } = await run(['--help'], {});
    const lines = stdout.split('\n');
    assert.ok(lines.length <= 48 && lines.every((line) => line.length <= 80), String(lines.length));
    const promote = await run(['promote', '--help'], {});
    assert.equal(promote.stdout, 'modelswitch promote --flag F --environment E [--segment S] [--from N] [--override REASON]\n    to the next of 5, 25, 50, 100 %\n');
  });
});
