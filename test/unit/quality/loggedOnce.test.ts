import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource, type LogSourceOptions } from '../../../src/adapters/predictionLog/logSource.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { csv, lines, records, START } from '../../support/qualityRecords.ts';

const NOW = START + 3_600_000;
/** Without request ids nothing tells that a record was read before. */
const nameless = (count: number): object[] => records({ count }).map(({ request_id, ...record }) => ({ ...record, unit_id: `${record.unit_id} ${request_id}` }));

describe('what a prediction log holds counts once', () => {
  let folder: string;
  let source: LogSource | undefined;
  const path = (name: string): string => join(folder, name);
  const open = (section: object = {}, options: Partial<LogSourceOptions> = {}): ((onProgress?: (done: number, total: number) => void) => Promise<QualityData>) => {
    const { quality, problems } = readQuality({ source: { log: '*.{jsonl,csv}' }, guardrails: [{ name: 'errors', bad: 'error' }], ...section });
    assert.deepEqual(problems, []);
    source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), ...options });
    return (onProgress) => source?.read({ now: NOW, signal: new AbortController().signal, ...(onProgress === undefined ? {} : { onProgress }) }) ?? assert.fail();
  };
  const requests = (data: QualityData): number => data.arms.reduce((sum, arm) => sum + arm.requests, 0);
  /** As rsync and the sync of object stores write a file anew. */
  const put = (name: string, text: string): void => {
    writeFileSync(path('.new'), text);
    renameSync(path('.new'), path(name));
  };
  /** As if nobody had written to it for a while. */
  const leave = (name: string): void => utimesSync(path(name), (NOW - 120_000) / 1000, (NOW - 120_000) / 1000);

  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-once-')); });
  afterEach(() => {
    source?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('where a file is put in the place of another and begins with all that was read of it', async () => {
    const all = nameless(500);
    const read = open();
    for (const count of [200, 300, 300, 500]) {
      put('a.jsonl', lines(all.slice(0, count)));
      const data = await read();
      assert.deepEqual([requests(data), data.notes.messages.filter((message) => message.includes('gone'))], [count, []]);
    }
    // Another one is a new log, as after a rotation.
    put('a.jsonl', lines(all.slice(0, 10).toReversed()));
    const rotated = await read();
    assert.equal(requests(rotated), 510);
    assert.match(rotated.notes.messages.join(), /a\.jsonl is gone: what was read of it counts/);
  });

  it('where a mirror has rotated files anew, and what they were ended with counts, too', async () => {
    const all = nameless(600);
    const read = open({ source: { log: 'a.jsonl{,.1,.2}' } });
    put('a.jsonl', lines(all.slice(0, 200)));
    await read();
    put('a.jsonl.1', lines(all.slice(0, 250)));
    put('a.jsonl', lines(all.slice(250, 400)));
    assert.equal(requests(await read()), 400);
    put('a.jsonl.2', lines(all.slice(0, 250)));
    put('a.jsonl.1', lines(all.slice(250, 420)));
    put('a.jsonl', lines(all.slice(420)));
    const { notes, ...data } = await read();
    assert.deepEqual([requests({ notes, ...data }), notes.messages.filter((message) => message.includes('gone'))], [600, []]);
  });

  it('also where everything was read anew meanwhile', async () => {
    const all = nameless(300);
    const read = open();
    put('a.jsonl', lines(all.slice(0, 200)));
    put('b.csv', csv(records({ count: 10 })));
    await read();
    put('b.csv', csv(records({ count: 20 })));
    put('a.jsonl', lines(all));
    const data = await read();
    assert.deepEqual([requests(data), data.notes.messages.filter((message) => message.includes('gone'))], [320, []]);
  });

  it('in the order in which it was written, where files are rotated', async () => {
    // The same 50 units in each; the file that is written still is of the candidate.
    for (const [index, name] of ['a.jsonl.2', 'a.jsonl.1', 'a.jsonl'].entries()) {
      writeFileSync(path(name), lines(records({ count: 50, firstId: 50 * index }).map((record, unit) => ({ ...record, unit_id: `u${unit}`, ts: new Date(START + 600_000 * index).toISOString(), assigned_arm: index === 2 ? 'candidate' : 'current' }))));
    }
    const { windows, arms } = await open({ source: { log: 'a.jsonl{,.1,.2}' } })();
    assert.deepEqual(windows.map(({ start, units }) => [start - START, units]), [[0, 50], [600_000, 0], [1_200_000, 0]]);
    assert.deepEqual(arms.map(({ arm, units }) => [arm, units]), [['current', 50], ['candidate', 0]]);
  });

  it('and whose is said where a service has a name of its own for each process', async () => {
    const count = 70_000;
    writeFileSync(path('a.jsonl'), lines(records({ count, units: 100 }).map((record, index) => ({ ...record, service: `pod-${index}`, assigned_arm: index < 66_000 ? 'current' : 'candidate' }))));
    assert.deepEqual((await open()()).arms.map(({ arm, requests: own }) => [arm, own]), [['current', 66_000], ['candidate', 4000]]);
  }).timeout(60_000);

  it('but for a last line that nobody goes on with, which is malformed', async () => {
    const [first, second, third] = records({ count: 3 });
    const read = open();
    const broken = async (): Promise<readonly unknown[]> => { const { notes } = await read(); return [notes.rows, notes.malformed, ...notes.examples]; };
    writeFileSync(path('a.jsonl'), `${lines([first!])}{"ts": "2026`);
    utimesSync(path('a.jsonl'), NOW / 1000, NOW / 1000);
    assert.deepEqual(await broken(), [1, 0], 'it may be in the middle of it');
    leave('a.jsonl');
    for (let times = 0; times < 2; times += 1) assert.deepEqual(await broken(), [1, 1, 'a.jsonl:2: the last line is not whole, and nobody goes on with it']);
    // Once it is ended it is counted as any other.
    appendFileSync(path('a.jsonl'), `\n${lines([second!])}`);
    assert.deepEqual(await broken(), [2, 1, 'a.jsonl:2: no valid JSON']);
    // A last one may be whole with NaN in it; its end is no line of its own.
    appendFileSync(path('a.jsonl'), lines([third!]).trimEnd().replace(/"score":[\d.]+/, '"score":NaN'));
    assert.deepEqual((await broken())[0], 3);
    appendFileSync(path('a.jsonl'), '\nbroken\n');
    assert.deepEqual(await broken(), [3, 2, 'a.jsonl:2: no valid JSON', 'a.jsonl:5: no valid JSON']);
  });

  it('but for answers that are neither served nor of a shadow that can be compared', async () => {
    const all = records({ count: 60 });
    const roles = ['serving', 'Serving', '', undefined, 'canary', 'SHADOW'];
    writeFileSync(path('a.jsonl'), lines(all.map((record, index) => ({ ...record, role: roles[index % 6], ...(index < 6 ? { request_id: undefined } : {}) }))));
    const { notes, arms, shadow } = await open()();
    assert.deepEqual([arms.reduce((sum, { requests: own }) => sum + own, 0), notes.malformed, shadow?.reduce((sum, { unpaired }) => sum + unpaired, 0)], [40, 11, 9]);
    assert.deepEqual(notes.examples.slice(0, 2), ['a.jsonl:5: role is canary, neither serving nor shadow', 'a.jsonl:6: the answer of a shadow has no request_id, so it is compared with nothing']);
  });

  it('and one whose role tells nothing is served, and a role that is another value is told', async () => {
    const all = records({ count: 60 });
    const roles = ['nan', 'NaN', 'None', 'null', '<NA>', null];
    writeFileSync(path('a.jsonl'), lines(all.map((record, index) => ({ ...record, role: roles[index % 6] }))).replaceAll('"role":null', '"role":NaN'));
    const { notes, arms } = await open()();
    assert.deepEqual([arms.reduce((sum, { requests: own }) => sum + own, 0), notes.malformed, notes.examples], [60, 0, []]);
    writeFileSync(path('b.jsonl'), lines([{ ...records({ count: 61 })[60]!, role: 1 }, { ...records({ count: 62 })[61]!, role: true }]));
    assert.deepEqual((await open()()).notes.examples, ['b.jsonl:1: role is 1, neither serving nor shadow', 'b.jsonl:2: role is true, neither serving nor shadow']);
  });

  it('and no error is none, however it is written', async () => {
    const none = [null, '', ' ', '0', 'false', 'FALSE', 'NaN', 0, false];
    writeFileSync(path('a.jsonl'), lines(records({ count: 900 }).map((record, index) => ({ ...record, error: index < 9 ? '502' : none[index % 9] }))));
    assert.equal((await open()()).windows.reduce((sum, { metrics }) => sum + (metrics['errors']?.sum ?? 0), 0), 9);
  });

  it('and a refresh does not open files to which nobody has written', async () => {
    const all = records({ count: 30 });
    for (const [index, record] of all.entries()) writeFileSync(path(`${index}.jsonl`), lines([record]));
    leave('3.jsonl');
    const read = open();
    await read();
    // Nobody looks whether it is still as it was.
    writeFileSync(path('3.jsonl'), lines([all[3]!]).replace('credit', 'CREDIT'));
    leave('3.jsonl');
    appendFileSync(path('7.jsonl'), lines(records({ count: 1, firstId: 100 })));
    const { notes } = await read();
    assert.deepEqual([notes.rows, notes.messages.filter((message) => message.includes('cut'))], [31, []]);
  });

  it('and copies of a file, a CSV column that stands twice and arms that are almost called so are told', async () => {
    const all = records({ count: 30 });
    const messages = async (): Promise<string> => (await open()()).notes.messages.join('\n');
    for (const name of ['a.jsonl', 'b.jsonl']) writeFileSync(path(name), lines(all));
    assert.match(await messages(), /^a\.jsonl, b\.jsonl hold the same: what bears no request_id counts 2 times\. Narrow the pattern\.$/);
    writeFileSync(path('b.jsonl'), lines(all.map((record, index) => ({ ...record, request_id: `b${index}`, assigned_arm: ['candidate', 'Candidate', 'current', ' current'][index % 4] }))));
    assert.match(await messages(), /^Records of "Candidate", " current" are not compared: an arm is called candidate or current, in small letters and without blanks\.$/);
    rmSync(path('b.jsonl'));
    writeFileSync(path('c.csv'), `ts,request_id,assigned_arm,error,latency_ms,error\n${START},c,candidate,timeout,1,\n`);
    assert.match(await messages(), /^c\.csv: The header of the CSV file \(line 1\) cannot be read: it names error twice\.$/);
  });

  it('and old files that were removed are told in one sentence', async () => {
    for (const [index, record] of records({ count: 30 }).entries()) writeFileSync(path(`${index}.jsonl`), lines([record]));
    const read = open();
    await read();
    for (let index = 0; index < 25; index += 1) rmSync(path(`${index}.jsonl`));
    const { notes } = await read();
    assert.deepEqual([notes.rows, notes.messages], [30, ['0.jsonl, 1.jsonl, 2.jsonl, ... (25 files) are gone: what was read of them counts; what may have been appended to them after the last reading is not known.']]);
  });

  it('and a guardrail that reads a field which no record has is told', async () => {
    const all = records({ count: 1000 });
    const messages = async (record: (error: string | null) => object): Promise<readonly string[]> => {
      writeFileSync(path('a.jsonl'), lines(all.map(({ error, ...rest }) => ({ ...rest, ...record(error) }))));
      return (await open()()).notes.messages;
    };
    assert.deepEqual(await messages((exception) => ({ exception })), ['No record has the field error, which errors reads: there was none yet, or it is called otherwise. Log "error": null where all went well.']);
    assert.deepEqual(await messages(() => ({ error: null })), []);
    assert.deepEqual(await messages((error) => (error === null ? {} : { error })), []);
    assert.deepEqual(await messages(() => ({ error: 'NaN' })), []);
    writeFileSync(path('a.jsonl'), lines(all.map((record) => ({ ...record, error: null }))).replaceAll('"error":null', '"error":NaN'));
    assert.deepEqual((await open()()).notes.messages, []);
  });

  it('and it is told how far a CSV file is read', async () => {
    const text = csv(records({ count: 12_000 }));
    writeFileSync(path('a.csv'), text);
    const told: (readonly [number, number])[] = [];
    await open()((done, total) => void told.push([done, total]));
    assert.ok(told.length > 4 && (told[0]?.[0] ?? 0) < text.length / 2, JSON.stringify(told));
    assert.deepEqual(told.at(-1), [text.length, text.length]);
  });
});
