import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

interface Environment { name: string; enabled: boolean; strategies?: { parameters: Record<string, string>; title: string }[] }

describe('the shadow of a flag on the command line, against a real Unleash', function () {
  this.timeout(120_000);
  let unleash: SharedUnleash;
  let folder: string;
  let flag: string;

  before(async () => {
    unleash = await sharedUnleash();
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-shadow-'));
    ({ name: flag } = await freshFlag({ prefix: 'shadowed' }));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const shadow = (...args: string[]): { status: number | null; stdout: string; stderr: string } => spawnSync(process.execPath, [main, 'shadow', '--flag', flag, '--environment', 'production', ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy, MLFLOW_TRACKING_URI: '' } });
  const production = async (name: string): Promise<Environment | undefined> => {
    const environments = (await unleash.as.alice.flag(name))?.environments as Environment[] | undefined;
    return environments?.find((each) => each.name === 'production');
  };
  const state = async (): Promise<unknown> => { const found = await production(`${flag}.shadow`); return found && [found.enabled, found.strategies?.map(({ parameters }) => [parameters['rollout'], parameters['stickiness']])]; };

  it('is off where there is no such flag, and a dry run makes none', async () => {
    assert.match(shadow('--off').stderr, /There is no flag shadowed-\w+\.shadow: the shadow is off/);
    const { status, stdout, stderr } = shadow('--on', '--percent', '20', '--dry-run');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /create shadowed-\w+\.shadow .*dry run, nothing is written.*; then 20 % in production/);
    assert.equal(await state(), undefined);
  });

  it('is not made by what is only misspelt: flag, percentage, environment, option', async () => {
    for (const [args, said] of [
      [['--flag', `${flag}x`, '--on'], /no .*shadowed-\w+x/], [['--on', '--percent', '120'], /whole number from 0 to 100/], [['--percent', 'x'], /whole number from 0 to 100/],
      [['--environment', 'prodution', '--on'], /has no environment "prodution"; it has .*production/], [['--on', '--markdown'], /does not go by --markdown/],
    ] as const) {
      const { status, stdout, stderr } = shadow(...args);
      assert.notEqual(status, 0);
      assert.match(stderr, said);
      assert.equal(stdout, '', args.join(' '));
    }
    assert.equal(await state(), undefined);
    assert.equal(await unleash.as.alice.flag(`${flag}x.shadow`), undefined);
  });

  it('is made and sampled, changed and switched off; the flag itself stays as it is', async () => {
    const before = await production(flag);
    const on = shadow('--on', '--percent', '20');
    assert.equal(on.status, 0, on.stdout + on.stderr);
    assert.match(on.stdout, /made shadowed-\w+\.shadow, off and at 0 %\n.*shadowed-\w+\.shadow production: 20 %.*\(done\)/s);
    assert.deepEqual(await state(), [true, [['20', 'random']]]);
    assert.equal(shadow('--percent', '5').status, 0);
    assert.deepEqual(await state(), [true, [['5', 'random']]]);
    assert.equal(shadow('--on').status, 0);
    assert.deepEqual(await state(), [true, [['100', 'random']]]);
    assert.equal(shadow('--off').status, 0);
    assert.deepEqual(await state(), [false, [['100', 'random']]]);
    assert.deepEqual(await production(flag), before);
  });

  it('refuses what is not plain', () => {
    assert.match(shadow('--on', '--off').stderr, /Give one of --on, --off and --percent N/);
    assert.match(shadow('--percent', '120').stderr + shadow('--percent', 'x').stderr, /whole number from 0 to 100/);
  });
});
