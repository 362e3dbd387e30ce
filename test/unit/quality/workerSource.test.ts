import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkerSource } from '../../../src/adapters/quality/workerSource.ts';
import { AppError } from '../../../src/core/base/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { isRunning, startedPid } from '../../support/processes.ts';
import { lines, records } from '../../support/qualityRecords.ts';

const script = new URL('../../../src/adapters/quality/quality.worker.ts', import.meta.url);
const section = { source: { log: 'log.jsonl' }, guardrails: [{ name: 'errors', bad: 'error' }] };

describe('the source in a thread', () => {
  let folder: string;
  let source: WorkerSource;
  const all = records({ count: 30_000 });
  const read = (signal = new AbortController().signal, onProgress?: (done: number, total: number) => void): ReturnType<WorkerSource['read']> => source.read({ now: Date.now(), signal, ...(onProgress === undefined ? {} : { onProgress }) });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-worker-'));
    writeFileSync(join(folder, 'log.jsonl'), lines(all));
    source = new WorkerSource(script, { section, folder, flags: ['fraud-v2'], environment: '' });
  });
  afterEach(() => {
    source.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('reads, tells progress, and reads on', async () => {
    const told: number[] = [];
    assert.equal((await read(undefined, (done, total) => void told.push(done / total))).notes.rows, 30_000);
    assert.ok(told.length > 0 && told.every((share) => share > 0 && share <= 1));
    appendFileSync(join(folder, 'log.jsonl'), lines(records({ count: 5, firstId: 100_000 })));
    assert.equal((await read()).notes.rows, 30_005);
  });

  it('can be cancelled, before and meanwhile, and works after it', async () => {
    const isCancelled = (error: unknown): boolean => error instanceof AppError && error.code === 'cancelled';
    await assert.rejects(read(AbortSignal.abort()), isCancelled);
    const controller = new AbortController();
    const pending = read(controller.signal);
    controller.abort();
    await assert.rejects(pending, isCancelled);
    assert.equal((await read()).notes.duplicates, 0);
  });

  it('passes failures on with their code, and starts anew after it died', async () => {
    const wrong = new WorkerSource(script, { section: { guardrails: [] }, folder, flags: [], environment: '' });
    await assert.rejects(wrong.read({ now: 0, signal: new AbortController().signal }), (error) => error instanceof AppError && error.code === 'validation' && /names no source/.test(error.message));
    wrong.dispose();
    const pending = read();
    source.dispose();
    await assert.rejects(pending, /thread that reads the source ended/);
    assert.equal((await read()).notes.rows, 30_000);
  });

  it('goes on in a new thread while the end of the one before is still to come', async () => {
    const pending = read();
    source.dispose();
    const [before, next] = await Promise.allSettled([pending, read()]);
    assert.match(String(before.status === 'rejected' ? before.reason : 'read'), /thread that reads the source ended/);
    assert.equal(next.status === 'fulfilled' ? next.value.notes.rows : String(next.reason), 30_000);
  });

  /** The thread with a `spawn` that returns long after the program runs, as it does on a machine that is busy. */
  function slowToSpawn(): string {
    const file = join(folder, 'slow.worker.mjs');
    writeFileSync(file, `import processes from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
const { spawn } = processes;
processes.spawn = (...args) => {
  const child = spawn(...args);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
  return child;
};
syncBuiltinESMExports();
await import(${JSON.stringify(script.href)});
`);
    return file;
  }

  const lettingGo: readonly (readonly [what: string, before?: string, thread?: () => string | URL])[] = [['with all that it has started'], ['also where that does not end when it is asked to', 'trap "" TERM; '], ['also where it has only just been started', '', slowToSpawn]];
  for (const [what, before = '', thread = () => script] of lettingGo) {
    it(`ends a command that runs when it is let go of, ${what}, and starts none for a read that waits`, async function ends() {
      this.timeout(60_000);
      const command = `exec 2> /dev/null; trap "echo asked > asked; exit" TERM; echo started >> starts; echo $$ > shell.pid; (${before}exec sleep 1000) & echo $! > held.pid; wait`;
      const commanded = new WorkerSource(thread(), { section: { ...section, source: { exec: ['sh', '-c', command] } }, folder, flags: [], environment: '' });
      const signal = new AbortController().signal;
      const reading = Promise.allSettled([commanded.read({ now: Date.now(), signal }), commanded.read({ now: Date.now(), signal })]);
      // The shell and what it started are asked at once, and either may be the first to end.
      const pids = [await startedPid(join(folder, 'held.pid')), await startedPid(join(folder, 'shell.pid'))];
      assert.ok(pids.every(isRunning));
      commanded.dispose();
      assert.deepEqual((await reading).map(({ status }) => status), ['rejected', 'rejected']);
      await eventually(() => !pids.some(isRunning), 30_000);
      assert.deepEqual(['starts', 'asked'].map((name) => readFileSync(join(folder, name), 'utf8')), ['started\n', 'asked\n']);
    });
  }
});
