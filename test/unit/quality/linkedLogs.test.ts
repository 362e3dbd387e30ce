import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findLogs } from '../../../src/adapters/predictionLog/findLogs.ts';
import { byAge } from '../../../src/adapters/predictionLog/fileNames.ts';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';

const START = Date.UTC(2026, 2, 2, 10);

describe('a log that is a link to the newest of several files', () => {
  let folder: string;
  let clock: number;
  let written: number;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-links-'));
    [clock, written] = [START / 1000, 0];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const pathOf = (name: string): string => join(folder, name);

  function append(name: string, count: number): void {
    let text = '';
    for (let index = 0; index < count; index += 1, written += 1) text += `${JSON.stringify({ ts: new Date(START + written * 100).toISOString(), unit_id: `u-${written}`, assigned_arm: 'candidate', flag: 'f', error: null })}\n`;
    mkdirSync(dirname(pathOf(name)), { recursive: true });
    appendFileSync(pathOf(name), text);
    clock += 1;
    utimesSync(pathOf(name), clock, clock);
  }
  function link(target: string, name = 'current.jsonl'): void {
    rmSync(pathOf(name), { force: true });
    symlinkSync(target, pathOf(name));
  }
  function source(isCached = false, log: string | string[] = 'current.jsonl'): { readonly read: (...messages: readonly string[]) => Promise<number> } {
    const { quality } = readQuality({ source: { log }, guardrails: [{ name: 'errors', bad: 'error' }] });
    const own = new LogSource({ folder, flags: ['f'], definition: quality ?? assert.fail(), features: undefined, ...(isCached ? { cache: { folder: pathOf('cache'), version: 'v1-0123456789ab' }, leastSaved: 1 } : {}) });
    return {
      read: async (...messages) => {
        const { windows, notes } = await own.read({ now: START + 3_600_000, signal: new AbortController().signal });
        assert.deepEqual([notes.messages, notes.malformed], [messages, 0]);
        return windows.reduce((sum, { requests }) => sum + requests, 0);
      },
    };
  }

  for (const nameOf of [(hour: number) => `log-20260302${hour}.jsonl`, (hour: number) => `archive/log.${hour}.jsonl`, (hour: number) => `archive/app.jsonl.17724456${hour}`, (hour: number) => `log-${hour + 17}-0${hour % 4}-2026.jsonl`, (hour: number) => `2026-03-${hour}/log.jsonl`]) {
    it(`is each of them to its end, and says which it may have led to between two looks: ${nameOf(10)}`, async () => {
      const { read } = source();
      append(nameOf(9), 5);
      append(nameOf(10), 10);
      link(nameOf(10));
      assert.equal(await read(), 10);
      append(nameOf(10), 3);
      append(nameOf(11), 10);
      link(nameOf(11));
      assert.equal(await read(), 23);
      append(nameOf(11), 2);
      for (const hour of [12, 13, 14]) append(nameOf(hour), 10);
      append(nameOf(14).replace('.', '-other.'), 7);
      link(nameOf(14));
      const passed = `current.jsonl led to ${nameOf(11)} and leads to ${nameOf(14)} now: 2 files with such names that were written meanwhile (${nameOf(12)}, ...) are not read, for they may belong to another log. Name the dated files by a glob.`;
      assert.equal(await read(passed), 35);
      append(nameOf(13), 1);
      append(nameOf(14), 1);
      assert.equal(await read(passed), 36);
    });
  }

  it('says of a start that goes on from what was saved what the link may have led to before it', async () => {
    append('log.jsonl', 10);
    link('log.jsonl');
    assert.equal(await source(true).read(), 10);
    for (const each of ['log.jsonl', 'log.1.jsonl', 'log.2.jsonl']) append(each, 10);
    link('log.2.jsonl');
    const passed = 'current.jsonl led to log.jsonl and leads to log.2.jsonl now: a file with such a name that was written meanwhile (log.1.jsonl) is not read, for it may belong to another log. Name the dated files by a glob.';
    assert.equal(await source(true).read(passed), 30);
    assert.equal(await source(true).read(passed), 30, 'what was saved by then lacks it, too');
    writeFileSync(pathOf('log.2.jsonl'), readFileSync(pathOf('log.2.jsonl'), 'utf8').replace('u-20', 'u-99'));
    assert.equal(await source(true).read(passed), 30, 'all is read anew, but no more');
    rmSync(pathOf('log.1.jsonl'));
    assert.equal(await source(true).read(), 30);
  });

  it('says which it may have led to that are compressed by now, and of no other', async () => {
    const { read } = source();
    append('log-9.jsonl', 5);
    append('log-10.jsonl', 10);
    link('log-10.jsonl');
    assert.equal(await read(), 10);
    for (const hour of [11, 12]) append(`log-${hour}.jsonl`, 10);
    append('log-14.jsonl', 1);
    link('log-12.jsonl');
    for (const [index, hour] of [11, 9, 14].entries()) {
      renameSync(pathOf(`log-${hour}.jsonl`), pathOf(`log-${hour}.jsonl.gz`));
      utimesSync(pathOf(`log-${hour}.jsonl.gz`), clock + index, clock + index);
    }
    assert.equal(await read('current.jsonl led to log-10.jsonl and leads to log-12.jsonl now: a file with such a name that was written meanwhile (log-11.jsonl.gz) is not read, for it may belong to another log. Unpack what is compressed, and name the dated files by a glob.'), 20);
  });

  it('is all of them where a glob names the files, too', async () => {
    const { read } = source(false, ['current.jsonl', 'log-*.jsonl']);
    append('log-1.jsonl', 10);
    link('log-1.jsonl');
    assert.equal(await read(), 10);
    for (const each of [1, 2, 3]) append(`log-${each}.jsonl`, 10);
    link('log-3.jsonl');
    assert.equal(await read(), 40);
  });

  it('comes among the others by the name of the file that it leads to', async () => {
    for (const each of [1, 2]) append(`log-${each}.jsonl`, 1);
    link('log-2.jsonl');
    const { found } = await findLogs(folder, { log: ['*.jsonl'], outcomes: [] }, []);
    assert.deepEqual(found.map(({ path }) => path), [pathOf('log-1.jsonl'), pathOf('current.jsonl')]);
  });

  it('leaves out what other links lead to, and what is of another worker', async () => {
    const { read } = source(false, 'worker-0.jsonl');
    for (const hour of [10, 11, 13]) {
      for (const worker of [0, 1]) {
        append(`log-${hour}-${worker}.jsonl`, 100);
        link(`log-${hour}-${worker}.jsonl`, `worker-${worker}.jsonl`);
        if (hour === 11) append(`log-10-${worker}.jsonl`, 10);
      }
      assert.equal(await read(), { 10: 100, 11: 210, 13: 310 }[hour]);
    }
    const fraud = source(false, 'fraud.jsonl');
    for (const [name, run, count] of [['fraud', 10, 100], ['churn', 11, 170], ['fraud', 12, 120]] as const) {
      append(`run-${run}.jsonl`, count);
      link(`run-${run}.jsonl`, `${name}.jsonl`);
      if (run !== 11) assert.equal(await fraud.read(), run === 10 ? 100 : 220);
    }
  });

  it('is each of the files where a newer one begins as the one before did when that was read', async () => {
    const { read } = source();
    for (const each of [1, 2, 3]) {
      writeFileSync(pathOf(`log-${each}.jsonl`), '{"ts":"2026-03-02T10:00:00Z","unit_id":"started","assigned_arm":"candidate","flag":"f","error":null}\n');
      utimesSync(pathOf(`log-${each}.jsonl`), clock, clock);
    }
    link('log-1.jsonl');
    assert.equal(await read(), 1);
    append('log-1.jsonl', 100);
    for (const each of [2, 3]) append(`log-${each}.jsonl`, 20);
    link('log-3.jsonl');
    assert.equal(await read('current.jsonl led to log-1.jsonl and leads to log-3.jsonl now: a file with such a name that was written meanwhile (log-2.jsonl) is not read, for it may belong to another log. Name the dated files by a glob.'), 122);
  });

  it('is found from the folder itself where a link to that leads', async () => {
    const { read } = source(false, 'logs/current.jsonl');
    mkdirSync(pathOf('far/logs'), { recursive: true });
    symlinkSync('far/logs', pathOf('logs'));
    append('far/archive/log-1.jsonl', 100);
    link('../archive/log-1.jsonl', 'logs/current.jsonl');
    assert.equal(await read(), 100);
    append('far/archive/log-1.jsonl', 50);
    append('far/archive/log-2.jsonl', 20);
    link('../archive/log-2.jsonl', 'logs/current.jsonl');
    assert.equal(await read(), 170);
  });

  it('tells of a file that is gone by its own name, also where the newest has its inode', async () => {
    const { read } = source();
    append('log-1.jsonl', 10);
    link('log-1.jsonl');
    assert.equal(await read(), 10);
    rmSync(pathOf('log-1.jsonl'));
    append('log-2.jsonl', 15);
    link('log-2.jsonl');
    assert.equal(await read('log-1.jsonl is gone: what was read of it counts; what may have been appended to it after the last reading is not known.'), 25);
  });

  it('counts once where it is given to a longer copy, also where the one before is gone', async () => {
    const { read } = source();
    append('versions/1/log.jsonl', 10);
    link('versions/1/log.jsonl');
    assert.equal(await read(), 10);
    append('versions/2/log.jsonl', 0);
    writeFileSync(pathOf('versions/2/log.jsonl'), readFileSync(pathOf('versions/1/log.jsonl'), 'utf8'));
    append('versions/2/log.jsonl', 5);
    link('versions/2/log.jsonl');
    assert.equal(await read(), 15);
    append('versions/3/log.jsonl', 0);
    writeFileSync(pathOf('versions/3/log.jsonl'), readFileSync(pathOf('versions/2/log.jsonl'), 'utf8'));
    append('versions/3/log.jsonl', 5);
    link('versions/3/log.jsonl');
    rmSync(pathOf('versions/2'), { recursive: true });
    assert.equal(await read(), 20);
  });

  it('is followed where the file itself is rotated', async () => {
    const { read } = source();
    append('pod/0.log', 10);
    link('pod/0.log');
    assert.equal(await read(), 10);
    append('pod/0.log', 1);
    renameSync(pathOf('pod/0.log'), pathOf('pod/0.log.20260302-101500'));
    append('pod/0.log', 10);
    renameSync(pathOf('pod/0.log'), pathOf('pod/0.log.20260302-103000'));
    append('pod/0.log', 10);
    assert.equal(await read(), 31);
  });
});

describe('files of a log by age', () => {
  it('are in the order of the numbers in their names', () => {
    for (const names of [['part1.jsonl', 'part2.jsonl', 'part10.jsonl', 'part10b.jsonl'], ['a/2/x.jsonl', 'a/10/x.jsonl'], ['log.jsonl.10', 'log.jsonl.9', 'log.jsonl.1', 'log.jsonl'], ['log-09.jsonl', 'log-10.jsonl'], ['9.jsonl', '10.jsonl', 'a.jsonl']]) {
      assert.deepEqual(names.toReversed().sort(byAge), names);
      assert.deepEqual(names.toSorted(byAge), names);
    }
  });
});
