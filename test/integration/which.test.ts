import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { freshFlag, sharedUnleash, type SharedUnleash } from '../support/unleash.ts';

const program = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'modelswitch.cjs');

describe('modelswitch which', () => {
  let unleash: SharedUnleash;
  let dir: string;
  let flag: string;

  before(async function start() {
    this.timeout(60_000);
    unleash = await sharedUnleash();
    ({ name: flag } = await freshFlag({ environments: { production: { strategies: (name) => [gradual(name, 100, { constraints: [{ contextName: 'region', operator: 'IN', values: ['eu'] }] })] } } }));
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-which-'));
    writeFileSync(join(dir, 'modelswitch.yaml'), `version: 1
models: {fraud: {flag: ${flag}, candidate: "14"}}
personas:
  - {name: EU customer, userId: "7", properties: {region: eu}}
  - {name: US customer, userId: "7", properties: {region: us}}
`);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  function run(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(process.execPath, [program, 'which', '--url', unleash.url, ...args], {
      cwd: dir, env: { ...process.env, UNLEASH_URL: undefined, UNLEASH_TOKEN: unleash.tokens.vera, UNLEASH_FRONTEND_TOKEN: undefined, ...env }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...output }));
    });
  }
  const at = (...args: string[]): string[] => ['--flag', flag, '--environment', 'production', ...args];

  it('answers for every persona of modelswitch.yaml, with the reason', async () => {
    const { code, stdout } = await run(at());
    assert.equal(code, 0);
    assert.equal(stdout, 'EU customer  production: candidate (on): strategy flexibleRollout matched at 100 %\nUS customer  production: current (off): region must be one of eu; it is us\n');
  });

  it('answers for one persona in every environment, as JSON', async () => {
    const { answers } = JSON.parse((await run(['--flag', flag, '--persona', 'EU customer', '--json'])).stdout) as { answers: Record<string, unknown>[] };
    assert.deepEqual(answers.map(({ persona, environment, outcome, arm, version }) => [persona, environment, outcome, arm, version]), [
      ['EU customer', 'development', 'off', 'current', 'champion'], ['EU customer', 'production', 'on', 'candidate', '14'],
    ]);
  });

  it('answers for a context of options, and says what the frontend API says', async () => {
    const { code, stdout, stderr } = await run(at('--context', 'userId=7', '--context', 'region=eu'), { UNLEASH_FRONTEND_TOKEN: unleash.seeded.tokens.productionFrontend });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^userId 7, region eu {2}production: candidate \(on\): .*\n {2}- The frontend API (agrees: on|says off, the playground on\. The flag was changed)/);
  });

  const failures: [string, string[], number, RegExp, (() => Record<string, string>)?][] = [
    ['an unknown persona', ['--persona', 'EU custmer'], 1, /There is no persona "EU custmer"\. Did you mean "EU customer"\?/],
    ['a context without a value', ['--context', 'region'], 2, /--context takes field=value/],
    ['both', ['--context', 'a=b', '--persona', 'EU customer'], 2, /not both/],
    ['an unknown environment', ['--environment', 'moon'], 1, /has no environment "moon"; it has development, production/],
    ['a personal token for the frontend API', [], 3, /UNLEASH_FRONTEND_TOKEN: This is a personal access token/, () => ({ UNLEASH_FRONTEND_TOKEN: unleash.tokens.eddy })],
    ['a wrong frontend token', [], 3, /does not accept the frontend token of production/, () => ({ UNLEASH_FRONTEND_TOKEN: 'default:production.0123456789abcdef' })],
  ];
  for (const [name, args, expected, says, env] of failures) {
    it(`exits with ${expected} for ${name}, and says so`, async () => {
      const { code, stdout, stderr } = await run(at(...args), env?.());
      assert.equal(code, expected, stdout + stderr);
      assert.match(stderr, says);
      assert.ok(!(stdout + stderr).includes(unleash.tokens.eddy) && !(stdout + stderr).includes('0123456789abcdef'));
    });
  }

  it('exits with 2 where there is nobody to ask for', async () => {
    rmSync(join(dir, 'modelswitch.yaml'));
    const { code, stderr } = await run(at());
    assert.deepEqual([code, stderr], [2, 'modelswitch: Give --persona NAME or --context field=value; modelswitch.yaml here has no personas.\n']);
  });
});
