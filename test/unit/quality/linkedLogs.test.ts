import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { byAge } from '../../../src/adapters/predictionLog/followed.ts';
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
  function link(target: string): void {
    rmSync(pathOf('current.jsonl'), { force: true });
    symlinkSync(target, pathOf('current.jsonl'));
  }
  function source(isCached = false, log = 'current.jsonl'): { readonly read: () => Promise<number> } {
    const { quality } = readQuality({ source: { log }, guardrails: [{ name: 'errors', bad: 'error' }] });
    const own = new LogSource({ folder, flags: ['f'], definition: quality ?? assert.fail(), features: undefined, ...(isCached ? { cache: { folder: pathOf('cache'), version: 'v1-0123456789ab' }, leastSaved: 1 } : {}) });
    return {
      read: async () => {
        const { windows, notes } = await own.read({ now: START + 3_600_000, signal: new AbortController().signal });
        assert.deepEqual([notes.messages, notes.malformed], [[], 0]);
        return windows.reduce((sum, { requests }) => sum + requests, 0);
      },
    };
  }

  for (const nameOf of [(hour: number) => `log-20260302${hour}.jsonl`, (hour: number) => `archive/log.${hour}.jsonl`, (hour: number) => `archive/app.jsonl.17724456${hour}`]) {
    it(`is all of them, also those that it led to between two looks: ${nameOf(10)}`, async () => {
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
      assert.equal(await read(), 55);
      append(nameOf(13), 1);
      append(nameOf(14), 1);
      assert.equal(await read(), 57);
    });
  }

  it('is all of them after a start that goes on from what was saved', async () => {
    append('log-1.jsonl', 10);
    link('log-1.jsonl');
    assert.equal(await source(true).read(), 10);
    for (const each of [1, 2, 3]) append(`log-${each}.jsonl`, 10);
    link('log-3.jsonl');
    assert.equal(await source(true).read(), 40);
  });

  it('counts once where it is given to a longer copy', async () => {
    const { read } = source();
    append('versions/1/log.jsonl', 10);
    link('versions/1/log.jsonl');
    assert.equal(await read(), 10);
    append('versions/2/log.jsonl', 0);
    writeFileSync(pathOf('versions/2/log.jsonl'), readFileSync(pathOf('versions/1/log.jsonl'), 'utf8'));
    append('versions/2/log.jsonl', 5);
    link('versions/2/log.jsonl');
    assert.equal(await read(), 15);
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
