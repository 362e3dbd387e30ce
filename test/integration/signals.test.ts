import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { isRunning, startedPid } from '../support/processes.ts';

const program = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
/** It does not end when it is asked to. */
const STUBBORN = '(trap "" TERM; exec sleep 1000) & echo $! > held.pid;';
/** Neither does this one, which says that it was asked to; nobody reads what it prints any more. */
const ASKED = 'exec 2> /dev/null; trap "echo 1 > asked" TERM;';

/** A command that asks another program, and is told to end meanwhile. */
describe('the command line that is told to end', function () {
  this.timeout(120_000);
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-signals-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function interrupted(script: string, first: NodeJS.Signals, then: (ending: { readonly again: () => void }) => Promise<void> = () => Promise.resolve()): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly said: string; readonly isLeft: boolean }> {
    writeFileSync(join(folder, 'modelswitch.yaml'), `version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n    quality:\n      source: {exec: [sh, -c, ${JSON.stringify(script)}]}\n      guardrails: [{name: errors, bad: error}]\n`);
    const child = spawn(process.execPath, ['--no-warnings', program, 'quality'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const held = await startedPid(join(folder, 'held.pid'));
    child.kill(first);
    await then({ again: () => void child.kill(first) });
    const [code, signal] = await ended;
    // It may have been killed and not have come to its end yet.
    const isLeft = await eventually(() => !isRunning(held), 30_000).then(() => false, () => true);
    if (isLeft) process.kill(held, 'SIGKILL');
    return { code, signal, said, isLeft };
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`says ${signal} by its exit code, and leaves nothing that it has started`, async () => {
      const ended = await interrupted(`${STUBBORN} wait`, signal);
      assert.deepEqual([ended.code, ended.signal, ended.isLeft], [128 + constants.signals[signal], null, false], ended.said);
    });
  }

  it('ends at once when it is told so twice, and leaves nothing either', async () => {
    const ended = await interrupted(`${ASKED} ${STUBBORN} while true; do sleep 0.1; done`, 'SIGTERM', async ({ again }) => {
      await startedPid(join(folder, 'asked'));
      again();
    });
    assert.deepEqual([ended.code, ended.signal, ended.isLeft], [143, null, false], ended.said);
  });
});
