import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canListen } from '../../sandbox/processes.ts';
import { removeUnleashData } from '../../sandbox/unleash/start.ts';

const demo = fileURLToPath(new URL('../../sandbox/demo.ts', import.meta.url));

interface Outcome { code: number | null; stdout: string; stderr: string }

/** Runs the demo; `endAt` sends a signal as soon as the output has this. */
async function runDemo(args: readonly string[], endAt?: { text: string; signal: NodeJS.Signals }): Promise<Outcome> {
  const child = spawn(process.execPath, [demo, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr, sent] = ['', '', false];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (!endAt || sent || !stdout.includes(endAt.text)) return;
    sent = true;
    child.kill(endAt.signal);
  });
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
  const [code] = await once(child, 'close') as [number | null];
  return { code, stdout, stderr };
}

describe('npm run demo', function () {
  this.timeout(180_000);

  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-demo-'));
    chmodSync(dir, 0o711);
  });
  after(() => {
    removeUnleashData(join(dir, 'unleash'));
    rmSync(dir, { recursive: true });
  });

  interface State { unleashPort: number; servicePort: number; mlflowPort: number; seeded: { users: Record<string, { password: string; token: string }> } }
  const state = (): State => JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8')) as State;
  const isAllFree = async (): Promise<boolean> => (await Promise.all([state().unleashPort, state().servicePort, state().mlflowPort].map(canListen))).every(Boolean);

  for (const [text, signal] of [['[2/8] Starting Unleash', 'SIGINT'], ['[5/8]', 'SIGTERM']] as const) {
    it(`ends everything when ${signal} comes at ${text}`, async () => {
      const { code, stderr } = await runDemo(['--no-editor', '--dir', dir], { text, signal });
      assert.equal(code, 1);
      assert.match(stderr, /Ended before everything ran \((Ctrl-C|SIGTERM)\)/);
      const { pid, port } = JSON.parse(readFileSync(join(dir, 'unleash', 'unleash.json'), 'utf8')) as { pid: number; port: number };
      assert.throws(() => process.kill(pid, 0));
      assert.ok(await canListen(port));
    });
  }

  it('starts after interruptions, tells each step and what to look at, prints no secret, and ends by itself', async () => {
    const { code, stdout, stderr } = await runDemo(['--no-editor', '--seconds', '3', '--dir', dir]);
    assert.equal(code, 0, stderr);
    for (let number = 1; number <= 8; number += 1) assert.match(stdout, new RegExp(`^\\[${number}/8\\] .+ \\.\\.\\. .+$`, 'm'));
    assert.match(stdout, new RegExp(`http://127\\.0\\.0\\.1:${state().unleashPort} `));
    assert.match(stdout, new RegExp(`MLflow +http://127\\.0\\.0\\.1:${state().mlflowPort}: `));
    assert.match(stdout, /log in as alice[^]*state\.json[^]*What to look at[^]*3 s are over[^]*Everything has ended/);
    const secrets = Object.values(state().seeded.users).flatMap(({ password, token }) => [password, token]);
    assert.equal(secrets.length, 6);
    for (const secret of secrets) assert.ok(!stdout.includes(secret) && !readFileSync(join(dir, 'demo.log'), 'utf8').includes(secret));
    assert.ok(await isAllFree());
  });

  it('ends everything on Ctrl-C and uses the same ports the next time', async () => {
    const { unleashPort, servicePort, mlflowPort } = state();
    const { code, stdout } = await runDemo(['--no-editor', '--dir', dir], { text: 'Ctrl-C ends everything', signal: 'SIGINT' });
    assert.equal(code, 0);
    assert.match(stdout, /Ending: Ctrl-C\.\nEverything has ended/);
    assert.deepEqual([state().unleashPort, state().servicePort, state().mlflowPort], [unleashPort, servicePort, mlflowPort]);
    assert.ok(await isAllFree());
  });

  it('refuses options it does not know with the usage', async () => {
    for (const args of [['--editor'], ['--seconds', 'ten'], ['--seconds', '0']]) {
      const { code, stderr } = await runDemo(args);
      assert.equal(code, 1);
      assert.match(stderr, /Usage: npm run demo/);
    }
  });
});
