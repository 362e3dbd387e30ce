import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { filesOf, identityOf } from '../../../src/adapters/predictionLog/files.ts';
import { tail } from '../../../src/adapters/predictionLog/tail.ts';
import { AppError } from '../../../src/core/base/errors.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { statusBlocks } from '../../../src/core/quality/reportText.ts';
import type { ArmSummary, QualityData } from '../../../src/core/quality/window.ts';
import { partOf } from '../../support/productionParts.ts';
import { csv, lines, records, START } from '../../support/qualityRecords.ts';

function definition(section: Record<string, unknown>): QualityDefinition {
  const { quality, problems } = readQuality(section);
  assert.deepEqual(problems, []);
  return quality ?? assert.fail('the section cannot be read');
}

const METRICS = { guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80' }] };
const NO_TIME = 'ts is no time of the years 2000 to 2099: write ISO 8601, such as 2026-03-02T10:00:00Z, or a number since 1970 in s, ms, us or ns';
const NOW = START + 3_600_000;

describe('the prediction log', () => {
  let folder: string;
  let source: LogSource | undefined;
  const path = (name: string): string => join(folder, name);
  const open = (section: Record<string, unknown> = {}, now = NOW): (() => Promise<QualityData>) => {
    source = new LogSource({ folder, flags: ['fraud-v2'], definition: definition({ source: { log: 'logs/*.jsonl' }, ...METRICS, ...section }) });
    return () => source?.read({ now, signal: new AbortController().signal }) ?? assert.fail();
  };
  const arm = (data: QualityData, name: string): ArmSummary => data.arms.find((each) => each.arm === name) ?? assert.fail(`no arm ${name}`);
  const bad = (data: QualityData, name: string, metric = 'errors'): number => data.windows.filter((window) => window.arm === name && window.slice === undefined).reduce((sum, { metrics }) => sum + (metrics[metric]?.sum ?? 0), 0);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-log-'));
    mkdirSync(path('logs'));
  });
  afterEach(() => {
    source?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is counted per arm and window, with units', async () => {
    const all = records({ count: 5000 });
    writeFileSync(path('logs/a.jsonl'), lines(all));
    const data = await open()();
    const own = all.filter(({ assigned_arm }) => assigned_arm === 'candidate');
    assert.equal(arm(data, 'candidate').requests, own.length);
    assert.equal(arm(data, 'candidate').units, new Set(own.map(({ unit_id }) => unit_id)).size);
    assert.equal(bad(data, 'candidate'), own.filter(({ error }) => error !== null).length);
    assert.equal(bad(data, 'current', 'slow'), all.filter(({ assigned_arm, latency_ms }) => assigned_arm === 'current' && latency_ms > 80).length);
    assert.equal(data.windows.filter((window) => window.arm === 'candidate').reduce((sum, { units }) => sum + units, 0), arm(data, 'candidate').units);
    assert.deepEqual([...new Set(data.windows.map(({ start }) => start))], [START, START + 300_000]);
    assert.equal(data.notes.malformed + data.notes.duplicates + data.notes.future, 0);
  });

  it('gives the same from JSON Lines and CSV', async () => {
    const all = records({ count: 3000 });
    writeFileSync(path('logs/a.jsonl'), lines(all));
    writeFileSync(path('all.csv'), csv(all));
    const [first, second] = [await open()(), await open({ source: { log: 'all.csv' } })()];
    assert.deepEqual(second.windows, first.windows);
    assert.deepEqual(second.arms.map(({ unitSums }) => unitSums), first.arms.map(({ unitSums }) => unitSums));
    const counted = ({ production }: QualityData): unknown => production?.parts.map(({ arm: name, features }) => [name, features.map((each) => [each.name, each.missing, each.categories])]);
    assert.equal(first.production?.parts.length, 2);
    assert.deepEqual(counted(second), counted(first));
  });

  it('is read on from where it ended: only new bytes', async () => {
    const all = records({ count: 2000 });
    writeFileSync(path('logs/a.jsonl'), lines(all.slice(0, 1500)));
    const read = open();
    await read();
    appendFileSync(path('logs/a.jsonl'), lines(all.slice(1500)));
    const bytes: number[] = [];
    const data = await source!.read({ now: NOW, signal: new AbortController().signal, onProgress: (done) => void bytes.push(done) });
    assert.equal(bytes.at(-1), Buffer.byteLength(lines(all.slice(1500))));
    assert.equal(data.notes.rows, 2000);
    assert.equal(data.notes.duplicates, 0);
    assert.equal((await read()).notes.rows, 2000);
  });

  it('waits for the end of a line that is being written, and takes one that is whole', async () => {
    const [first, second] = records({ count: 2 });
    const text = lines([second!]);
    writeFileSync(path('logs/a.jsonl'), lines([first!]) + text.slice(0, 40));
    const read = open();
    assert.equal((await read()).notes.rows, 1);
    appendFileSync(path('logs/a.jsonl'), text.slice(40).trimEnd());
    assert.equal((await read()).notes.rows, 2);
    appendFileSync(path('logs/a.jsonl'), '\n');
    const data = await read();
    assert.deepEqual([data.notes.rows, data.notes.malformed], [2, 0]);
  });

  it('survives rotation by renaming, truncation and vanishing', async () => {
    const all = records({ count: 400 });
    writeFileSync(path('logs/a.jsonl'), lines(all.slice(0, 100)));
    const read = open();
    await read();
    renameSync(path('logs/a.jsonl'), path('logs/a.1.jsonl'));
    appendFileSync(path('logs/a.1.jsonl'), lines(all.slice(100, 120)));
    writeFileSync(path('logs/a.jsonl'), lines(all.slice(120, 200)));
    assert.deepEqual([(await read()).notes.rows, (await read()).notes.duplicates], [200, 0]);
    truncateSync(path('logs/a.jsonl'), 0);
    appendFileSync(path('logs/a.jsonl'), lines(all.slice(200, 300)));
    const cut = await read();
    assert.deepEqual([cut.notes.rows, cut.notes.duplicates], [300, 0]);
    assert.match(cut.notes.messages.join(), /a\.jsonl was cut or written anew: .* What was read before counts; what may have been appended between the last reading and the cut is not known\.$/);
    rmSync(path('logs/a.1.jsonl'));
    const gone = await read();
    assert.equal(gone.notes.rows, 300);
    assert.match(gone.notes.messages.join(), /a\.1\.jsonl is gone: what was read of it counts; what may have been appended to it after the last reading is not known\.$/);
  });

  describe('rotated to a name that no pattern finds', () => {
    const section = { source: { log: 'log.jsonl' } };
    const all = records({ count: 400 });
    const told = ({ notes }: QualityData): unknown => [notes.rows, notes.duplicates, notes.messages];

    it('is read to its end before the new file, whatever its name is by then', async () => {
      const read = open(section);
      writeFileSync(path('log.jsonl'), lines(all.slice(0, 100)));
      await read();
      appendFileSync(path('log.jsonl'), lines(all.slice(100, 150)));
      renameSync(path('log.jsonl'), path('log.jsonl.1'));
      // Comes twice: the first counts, which is the one that was logged first.
      writeFileSync(path('log.jsonl'), lines([...all.slice(150, 160), { ...all[120]!, assigned_arm: 'other' }]));
      const data = await read();
      assert.deepEqual(told(data), [161, 1, []]);
      assert.deepEqual(data.arms.map((each) => each.arm).sort(), ['candidate', 'current']);
      // Its writer has it open still, and it is rotated again.
      renameSync(path('log.jsonl.1'), path('archived'));
      appendFileSync(path('archived'), lines(all.slice(160, 170)));
      renameSync(path('log.jsonl'), path('log.jsonl.1'));
      appendFileSync(path('log.jsonl.1'), lines(all.slice(170, 180)));
      assert.deepEqual(told(await read()), [181, 1, ['No file is called log.jsonl.']]);
      writeFileSync(path('log.jsonl'), lines(all.slice(180)));
      assert.deepEqual(told(await read()), [401, 1, []]);
      assert.deepEqual(told(await read()), [401, 1, []]);
    });

    it('is said to be gone when it is, with what is not known, and where it may be compressed', async () => {
      const read = open(section);
      const gone = 'log.jsonl is gone: what was read of it counts; what may have been appended to it after the last reading is not known.';
      writeFileSync(path('log.jsonl.9.gz'), gzipSync(''));
      utimesSync(path('log.jsonl.9.gz'), new Date(START), new Date(START));
      writeFileSync(path('log.jsonl'), lines(all.slice(0, 100)));
      await read();
      renameSync(path('log.jsonl'), path('logs/log.jsonl'));
      writeFileSync(path('log.jsonl'), lines(all.slice(150, 160)));
      assert.deepEqual(told(await read()), [110, 0, [gone]]);
      writeFileSync(path('log.jsonl.1.gz'), gzipSync(lines(all.slice(0, 150))));
      assert.deepEqual(told(await read()), [110, 0, [`${gone} log.jsonl.1.gz may hold it, but compressed files are not read.`]]);
      // Back within reach, with what was appended.
      appendFileSync(path('logs/log.jsonl'), lines(all.slice(100, 150)));
      renameSync(path('logs/log.jsonl'), path('log.jsonl.1'));
      assert.deepEqual(told(await read()), [160, 0, []]);
    });

    it('is not taken for another file that has got its identity', async () => {
      const read = open(section);
      writeFileSync(path('log.jsonl'), lines(all.slice(0, 100)));
      await read();
      renameSync(path('log.jsonl'), path('other.txt'));
      writeFileSync(path('other.txt'), lines(all.slice(200)));
      writeFileSync(path('log.jsonl'), lines(all.slice(100, 110)));
      const data = await read();
      assert.equal(data.notes.rows, 110);
      assert.match(data.notes.messages.join(), /^log\.jsonl is gone: what was read of it counts; /);
    });

    it('is said to be gone, and not to be cut, where the next file has got its inode', async () => {
      const read = open(section);
      writeFileSync(path('log.jsonl'), lines(all.slice(0, 10)));
      await read();
      renameSync(path('log.jsonl'), path('log.jsonl.2'));
      await read();
      rmSync(path('log.jsonl.2'));
      writeFileSync(path('log.jsonl'), lines(all.slice(10, 50)));
      assert.deepEqual(told(await read()), [50, 0, ['log.jsonl.2 is gone: what was read of it counts; what may have been appended to it after the last reading is not known.']]);
    });

    it('is read again from its beginning when everything has to be', async () => {
      const read = open({ source: { log: ['log.jsonl', 'some.csv'] } });
      writeFileSync(path('log.jsonl'), lines(all.slice(0, 100)));
      writeFileSync(path('some.csv'), csv(all.slice(100, 110)));
      await read();
      renameSync(path('log.jsonl'), path('log.jsonl.1'));
      writeFileSync(path('log.jsonl'), lines(all.slice(120)));
      appendFileSync(path('some.csv'), csv(all.slice(110, 120)).replace(/^.*\n/, ''));
      assert.deepEqual(told(await read()), [400, 0, []]);
      // Gone while everything has to be read again.
      writeFileSync(path('some.csv'), csv([...all.slice(100, 120), ...records({ count: 1, firstId: 900 })]));
      rmSync(path('log.jsonl.1'));
      assert.deepEqual(told(await read()), [301, 0, ['log.jsonl.1 is gone: all was read anew since it was read, so what it held counts no more.']]);
    });

    it('is read with those that were rotated after it and before a look, and with no other log of the folder', async () => {
      const rotate = (): void => {
        for (const number of [2, 1]) if (existsSync(path(`log.jsonl.${number}`))) renameSync(path(`log.jsonl.${number}`), path(`log.jsonl.${number + 1}`));
        renameSync(path('log.jsonl'), path('log.jsonl.1'));
      };
      // From before the first look.
      writeFileSync(path('log.jsonl'), lines(records({ count: 7, firstId: 7000 })));
      utimesSync(path('log.jsonl'), new Date(START), new Date(START));
      rotate();
      writeFileSync(path('log.jsonl'), lines(all.slice(0, 100)));
      const read = open(section);
      await read();
      copyFileSync(path('log.jsonl'), path('log.jsonl.77'));
      rotate();
      for (const name of ['log-2.jsonl', 'log.jsonl.bak', 'log.jsonl.1.csv', 'logs.jsonl.1', 'log2.jsonl.1']) writeFileSync(path(name), lines(records({ count: 20, firstId: 8000 })));
      writeFileSync(path('log.jsonl'), lines(all.slice(100, 300)));
      rotate();
      writeFileSync(path('log.jsonl'), lines(all.slice(300, 310)));
      assert.deepEqual(told(await read()), [310, 0, []]);
      rotate();
      assert.deepEqual(told(await read()), [310, 0, ['No file is called log.jsonl.']]);
      // The first one is removed, as rotation does at last; the next may get its inode, once others that are free are taken.
      for (const name of ['x', 'y']) writeFileSync(path(name), '');
      for (const name of ['log.jsonl.3', 'log.jsonl.77']) rmSync(path(name));
      writeFileSync(path('log.jsonl'), lines(all.slice(310, 390)));
      rotate();
      writeFileSync(path('log.jsonl'), lines(all.slice(390)));
      assert.deepEqual(told(await read()), [400, 0, ['log.jsonl.3 is gone: what was read of it counts; what may have been appended to it after the last reading is not known.']]);
    });

    it('is read with those that have got a time into their name after it', async () => {
      writeFileSync(path('log.jsonl'), lines(all.slice(0, 100)));
      const read = open(section);
      await read();
      renameSync(path('log.jsonl'), path('log-20260302-10.jsonl'));
      writeFileSync(path('log-20260302-11.jsonl'), lines(all.slice(100, 300)));
      writeFileSync(path('log-2.jsonl'), lines(records({ count: 20, firstId: 8000 })));
      writeFileSync(path('log.jsonl'), lines(all.slice(300)));
      assert.deepEqual(told(await read()), [400, 0, []]);
    });

    for (const log of ['log.jsonl', 'log.jsonl*']) {
      it(`counts nothing twice and loses nothing when a copy is made of it and it is cut, ${log}`, async () => {
        const without = all.map((record) => ({ ...record, request_id: undefined }));
        const read = open({ source: { log } });
        writeFileSync(path('log.jsonl'), lines(without.slice(0, 100)));
        await read();
        appendFileSync(path('log.jsonl'), lines(without.slice(100, 150)));
        copyFileSync(path('log.jsonl'), path('log.jsonl.1'));
        writeFileSync(path('log.jsonl'), lines(without.slice(150, 400)));
        assert.deepEqual(told(await read()), [400, 0, []]);
        assert.deepEqual(told(await read()), [400, 0, []]);
      });
    }

    it('loses no line between the finding and the reading', async () => {
      writeFileSync(path('log.jsonl'), lines(all.slice(0, 100)));
      const [file] = await filesOf(folder, 'log.jsonl');
      renameSync(path('log.jsonl'), path('log.jsonl.1'));
      writeFileSync(path('log.jsonl'), lines(all.slice(100)));
      await assert.rejects(tail(file!, undefined, { lines: () => assert.fail('it is another file') }, new AbortController().signal, () => undefined), { code: 'conflict' });
    });
  });

  it('counts what is malformed with its place, and goes on', async () => {
    const [first, second, third] = records({ count: 3 });
    writeFileSync(path('logs/a.jsonl'), `${lines([first!])}{"half": \n7\n\n${JSON.stringify({ ...second, ts: 'yesterday' })}\n${JSON.stringify({ flag: 'fraud-v2' })}\n${lines([third!])}`);
    const { notes } = await open()();
    assert.deepEqual([notes.rows, notes.malformed], [4, 4]);
    assert.deepEqual(notes.examples, ['logs/a.jsonl:2: no valid JSON', 'logs/a.jsonl:3: no mapping', `logs/a.jsonl:5: ${NO_TIME}`, 'logs/a.jsonl:6: neither assigned_arm nor request_id']);
  });

  it('says of a file that is one list, on one line or several, that lines hold records', async () => {
    const all = records({ count: 3 });
    writeFileSync(path('logs/a.jsonl'), `${JSON.stringify(all)}\n`);
    writeFileSync(path('logs/b.jsonl'), JSON.stringify(all, undefined, 1));
    const { notes } = await open()();
    assert.deepEqual([notes.examples[0], notes.examples[1]], ['logs/a.jsonl:1: a list, where each line holds one record by itself', 'logs/b.jsonl:1: a list, where each line holds one record by itself']);
  });

  it('takes the same instants from times without a zone in any format, and for an order number or 0 none', async () => {
    const all = records({ count: 300 });
    const local = all.map((record) => ({ ...record, ts: record.ts.replace('T', ' ').replace('Z', '') }));
    writeFileSync(path('logs/a.jsonl'), lines(all));
    writeFileSync(path('local.jsonl'), lines(local));
    writeFileSync(path('local.csv'), csv(local));
    const wrong = ['Order 66', 'foo 1', '5', 0, -5, 1e30, '1970-01-01T00:00:00Z'].map((ts, index) => ({ ...all[0]!, request_id: `w-${index}`, ts }));
    writeFileSync(path('wrong.jsonl'), lines([...all, ...wrong, { ...all[0]!, request_id: 'm', ts: null }, { request_id: 'r-1', outcome: 1, ts: 'Order 66' }]));
    const expected = await open()();
    const zone = process.env['TZ'];
    try {
      for (const TZ of ['Europe/Berlin', 'America/New_York']) {
        process.env['TZ'] = TZ;
        for (const log of ['local.jsonl', 'local.csv']) {
          const data = await open({ source: { log } })();
          assert.deepEqual([data.windows, data.notes.future], [expected.windows, 0], `${TZ} ${log}`);
        }
      }
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
    const { windows, notes } = await open({ source: { log: 'wrong.jsonl' } })();
    assert.deepEqual([windows, notes.malformed], [expected.windows, 9]);
    assert.deepEqual(notes.examples[0], `wrong.jsonl:301: ${NO_TIME}`);
    writeFileSync(path('missing.jsonl'), lines([{ ...all[0]!, ts: null }, { ...all[1]!, ts: undefined }]));
    assert.deepEqual((await open({ source: { log: 'missing.jsonl' } })()).notes.examples, ['missing.jsonl:1: ts is missing', 'missing.jsonl:2: ts is missing']);
  });

  it('leaves out request ids that come twice, other flags, and who is not compared', async () => {
    const all = records({ count: 100 });
    writeFileSync(path('logs/a.jsonl'), lines([...all, ...all.slice(0, 10), ...records({ count: 5, firstId: 1000 }).map((record) => ({ ...record, flag: 'other' }))]));
    const data = await open({ where: 'features.country != "DE"' })();
    assert.equal(data.notes.duplicates, 10);
    assert.equal(data.notes.excluded, all.filter(({ features }) => features.country === 'DE').length);
    assert.equal(data.arms.reduce((sum, { requests }) => sum + requests, 0), 100 - data.notes.excluded);
  });

  it('counts requests of two environments that have the same ids in both, and once in each', async () => {
    const all = records({ count: 20, share: 0, currentErrors: 0 });
    const mirrored = all.map((record) => ({ ...record, environment: 'staging', error: 'boom' }));
    const labelled = { labels: { field: 'defaulted' }, signals: [{ name: 'defaults', mean: 'defaulted' }] };
    const outcomes = all.map(({ request_id }) => ({ request_id, defaulted: 1 }));
    for (const [first, second] of [[all, mirrored], [mirrored, all]] as const) {
      writeFileSync(path('logs/a.jsonl'), lines(first.flatMap((record, index) => [record, second[index]!])));
      const read = open(labelled);
      await read();
      // Each of them once more, and their outcomes.
      appendFileSync(path('logs/a.jsonl'), lines([...second, ...first, ...outcomes]));
      const { arms, notes, windows } = await read();
      assert.deepEqual(new Map(arms.map(({ environment, requests }) => [environment, requests])), new Map([['production', 20], ['staging', 20]]));
      const told = (environment: string, metric: string): number => windows.filter((each) => each.environment === environment).reduce((sum, { metrics }) => sum + (metrics[metric]?.n ?? 0), 0);
      assert.deepEqual([notes.duplicates, windows.reduce((sum, { metrics }) => sum + (metrics['errors']?.sum ?? 0), 0)], [40, 20]);
      // Whose outcomes they are, nothing says.
      assert.deepEqual([told(first[0]!.environment, 'defaults'), told(second[0]!.environment, 'defaults')], [20, 0]);
      assert.match(notes.messages.join('\n'), /^20 predictions have the request id of one of another environment, as mirrored traffic has: /m);
    }
    // Those that are left out take nothing from the others.
    writeFileSync(path('logs/a.jsonl'), lines([...mirrored, ...all, ...outcomes]));
    const { windows, notes } = await open({ ...labelled, where: 'environment == "production"' })();
    assert.deepEqual([windows.reduce((sum, { metrics }) => sum + (metrics['defaults']?.n ?? 0), 0), notes.messages], [20, []]);
  });

  it('takes shadow answers for those in whatever letter case', async () => {
    const all = records({ count: 30, share: 0, currentErrors: 0 });
    writeFileSync(path('logs/a.jsonl'), lines([...all, ...['Shadow', 'SHADOW', 'shadow '].map((role, index) => ({ ...all[index]!, assigned_arm: 'candidate', role }))]));
    const { arms, shadow } = await open()();
    assert.deepEqual([arms.map((each) => [each.arm, each.requests]), shadow?.[0]?.pairs], [[['current', 30]], 3]);
  });

  it('takes arms, versions and ids of a CSV file as they are written', async () => {
    const head = 'ts,request_id,unit_id,flag,assigned_arm,model_version,error\n';
    const rows = [['1e2', '1e3', '1.10'], ['100', '1000', '1.1'], ['1234e567', '+5', '1.10'], ['7', '5', '1.1'], ['8', '6', 'true']].map(([request = '', unit = '', version = ''], index) => ({ ts: `2026-03-02T10:00:0${index}Z`, request_id: request, unit_id: unit, flag: 'fraud-v2', assigned_arm: version, model_version: version, error: '' }));
    writeFileSync(path('log.csv'), `${head}${rows.map((row) => `${Object.values(row).join(',')}\n`).join('')}`);
    writeFileSync(path('logs/a.jsonl'), lines(rows));
    const [first, second] = [await open()(), await open({ source: { log: 'log.csv' } })()];
    const told = ({ arms, notes }: QualityData): unknown => [notes.rows, notes.duplicates, notes.malformed, notes.withoutUnit, arms.map((each) => [each.arm, each.requests, each.units, each.versions?.map(({ version }) => version)])];
    assert.deepEqual(told(second), told(first));
    assert.deepEqual(told(second), [5, 0, 0, 0, [['1.10', 2, 2, ['1.10']], ['1.1', 2, 2, ['1.1']], ['true', 1, 1, ['true']]]]);
    // As pandas writes a column of whole numbers in which one is missing.
    writeFileSync(path('log.csv'), `${head}2026-03-02T10:00:00Z,7.0,5.0,fraud-v2,1.0,13.0,\n2026-03-02T10:00:00Z,7,5,fraud-v2,1.0,13,\n`);
    assert.deepEqual(told(await open({ source: { log: 'log.csv' } })()), [2, 1, 0, 0, [['1.0', 1, 1, ['13']]]]);
  });

  it('tells clocks that are wrong, units in both arms, missing units and NaN', async () => {
    const all = records({ count: 20, units: 1 });
    const wrong = [
      { ...all[0]!, request_id: 'a', ts: new Date(NOW + 3_600_000).toISOString() },
      { ...all[1]!, request_id: 'b', assigned_arm: all[1]!.assigned_arm === 'current' ? 'candidate' : 'current' },
      { ...all[2]!, request_id: 'c', unit_id: undefined },
    ];
    writeFileSync(path('logs/a.jsonl'), `${lines(all)}${lines(wrong)}${lines([{ ...all[3]!, request_id: 'd' }]).replace(/"score":[\d.]+/, '"score":NaN')}`);
    const { notes, arms, production } = await open()();
    assert.deepEqual([notes.rows, notes.malformed, notes.future, notes.unitsInBothArms, notes.withoutUnit, notes.notFinite], [24, 0, 1, 1, 1, 1]);
    assert.equal(arms.reduce((sum, { units }) => sum + units, 0), 2);
    assert.equal((production?.parts ?? []).flatMap(({ features }) => features).find(({ name, missing }) => name === 'score' && missing === 1)?.missing, 1);
  });

  it('counts NaN and infinities wherever a number is meant, as missing', async () => {
    const values = ['NaN', 'Infinity', '-Infinity', '1e999', '-1e999', '"NaN"', '"inf"', '"-Infinity"', '"1e999"'];
    const fields = ['score', 'latency_ms', 'price', 'amount'];
    const section = { signals: [{ name: 'latency', mean: 'latency_ms' }, { name: 'price', mean: 'price' }, { name: 'certain', measure: 'confident' }], guardrails: [{ name: 'slow', bad: 'latency_ms > 80' }, { name: 'errors', bad: 'error' }] };
    // Lines of the usual shape before and after, so that the reader of bytes knows it.
    const all = records({ count: 2 * fields.length * values.length }).map((record) => ({ ...record, price: 5 }));
    const text = (change: (line: string, field: string, value: string) => string): string => all.map((record, index) => {
      const line = JSON.stringify(record);
      return `${index % 2 === 0 ? line : change(line, fields[(index >> 1) % fields.length]!, values[Math.floor(index / 2 / fields.length)]!)}\n`;
    }).join('');
    const withValue = (line: string, field: string, value: string): string => line.replace(new RegExp(`"${field}":[\\d.]+`), `"${field}":${value}`);
    writeFileSync(path('logs/a.jsonl'), text(withValue));
    writeFileSync(path('null.jsonl'), text((line, field) => withValue(line, field, 'null')));
    const [data, expected] = [await open(section)(), await open({ ...section, source: { log: 'null.jsonl' } })()];
    assert.deepEqual([data.notes.rows, data.notes.malformed, data.notes.notFinite, expected.notes.notFinite], [72, 0, values.length * fields.length, 0]);
    assert.deepEqual([data.windows, data.arms], [expected.windows, expected.arms]);
    assert.deepEqual(data.windows.reduce((sum, { metrics }) => sum + (metrics['price']?.n ?? 0), 0), 72 - values.length);
  });

  it('takes no NaN for an id, a version, an error or an outcome', async () => {
    const all = records({ count: 6, share: 0 });
    const odd = all.map((record, index) => JSON.stringify({ ...record, defaulted: index }).replace(/"(unit_id|model_version|error)":(?:"[^"]*"|null)/g, '"$1":1e999').replace(/"defaulted":[1-5]/, '"defaulted":NaN').replace(/"request_id":"r-[1-5]"/, '"request_id":Infinity'));
    writeFileSync(path('logs/a.jsonl'), `${odd.join('\n')}\n${lines(records({ count: 1, share: 0, firstId: 50, currentErrors: 0 }))}{"request_id":"r-50","defaulted":NaN}\n`);
    const { notes, arms, windows } = await open({ signals: [{ name: 'right', mean: 'defaulted' }], labels: { field: 'defaulted' } })();
    assert.deepEqual([notes.rows, notes.duplicates, notes.withoutUnit, notes.malformed, notes.notFinite], [8, 0, 6, 0, 6]);
    assert.deepEqual(arms.map(({ requests, versions }) => [requests, versions?.map(({ version }) => version)]), [[7, ['13']]]);
    assert.deepEqual(windows.map(({ metrics }) => [metrics['errors']?.sum, metrics['right']?.n]), [[0, 1]]);
  });

  it('joins outcomes that come before, after, never, from another file, and counts them when they are mature', async () => {
    const all = records({ count: 10, share: 0 });
    writeFileSync(path('logs/a.jsonl'), lines([{ request_id: 'r-0', converted: 1 }, ...all, { request_id: 'r-1', converted: true }, { request_id: 'r-99', converted: 1 }]));
    writeFileSync(path('outcomes.jsonl'), lines([{ request_id: 'r-2', converted: 0 }, { request_id: 'r-3', converted: 1 }]));
    const section = { source: { log: 'logs/*.jsonl', outcomes: 'outcomes.jsonl' }, guardrails: [], signals: [{ name: 'conversion', mean: 'converted', better: 'higher' }] };
    const told = (data: QualityData): [number, number] => data.windows.reduce<[number, number]>(([n, sum], { metrics }) => [n + (metrics['conversion']?.n ?? 0), sum + (metrics['conversion']?.sum ?? 0)], [0, 0]);
    const known = await open({ ...section, labels: { field: 'converted' } })();
    assert.deepEqual(told(known), [4, 3]);
    assert.deepEqual([arm(known, 'current').matured, arm(known, 'current').labelled, known.notes.outcomesWithoutPrediction], [10, 4, 1]);
    assert.deepEqual(told(await open({ ...section, labels: { field: 'converted', mature_after: '0s', absent_means: 0 } })()), [10, 3]);
    const early = await open({ ...section, labels: { field: 'converted', mature_after: '7d', absent_means: 0 } }, START + 86_400_000)();
    assert.deepEqual(told(early), [0, 0]);
  });

  it('tells how long outcomes come after their predictions: of those that have matured, as far as they bear a time', async () => {
    const all = records({ count: 12, share: 0 });
    const hour = 3_600_000;
    const later = START + 30 * 24 * hour;
    const outcome = (index: number, after?: number): object => ({ request_id: `r-${index}`, converted: 1, ...(after === undefined ? {} : { ts: new Date(Date.parse(all[index]!.ts) + after).toISOString() }) });
    const section = { guardrails: [], signals: [{ name: 'conversion', mean: 'converted' }], labels: { field: 'converted', mature_after: '7d' } };
    const shown = (data: QualityData): unknown => [arm(data, 'current').labelDelay, statusBlocks(data, later).flatMap((block) => ('rows' in block ? block.rows.map((row) => row.slice(-2)) : []))];
    writeFileSync(path('logs/a.jsonl'), lines(all));
    const read = open(section, later);
    assert.deepEqual(shown(await read()), [undefined, [['0 %', '-']]]);
    appendFileSync(path('logs/a.jsonl'), lines([outcome(0), outcome(1)]));
    assert.deepEqual(shown(await read()), [{ known: 0, withoutTime: 2, before: 0 }, [['16.7 %', 'not known: 2 outcomes bear no ts']]]);
    appendFileSync(path('logs/a.jsonl'), lines([outcome(2, 2 * hour), outcome(3, 4 * hour), outcome(4, 50 * hour), outcome(5, -hour)]));
    assert.deepEqual(shown(await read()), [{ known: 4, withoutTime: 2, before: 1, median: 3 * hour, p95: 43.1 * hour }, [['50 %', '3 h, 95 % within 1 d 19 h (n 4, 2 without ts, 1 before their prediction: a clock is wrong)']]]);
    // Outcomes that come before their predictions are read, as they stand in another file, are told alike; before they mature nothing is, for only the quick ones would be.
    writeFileSync(path('logs/a.jsonl'), lines([outcome(2, 2 * hour), outcome(3, 4 * hour), ...all, outcome(4, 6 * hour)]));
    assert.deepEqual(shown(await open(section, START + 86_400_000)()), [undefined, [['-', '-']]]);
    assert.deepEqual(shown(await open(section, later)()), [{ known: 3, withoutTime: 0, before: 0, median: 4 * hour, p95: 5.8 * hour }, [['25 %', '4 h, 95 % within 5 h 48 min (n 3)']]]);
  });

  it('counts an outcome in the window of its prediction, when it comes late', async () => {
    const all = records({ count: 4, share: 0 });
    writeFileSync(path('logs/a.jsonl'), lines(all));
    const read = open({ guardrails: [], signals: [{ name: 'conversion', mean: 'converted' }], labels: { field: 'converted' } });
    await read();
    appendFileSync(path('logs/a.jsonl'), lines([{ request_id: 'r-1', converted: 1, ts: new Date(START + 9 * 86_400_000).toISOString() }]));
    const data = await read();
    assert.deepEqual(data.windows.map(({ start, metrics }) => [start, metrics['conversion']?.n]), [[START, 1]]);
  });

  it('measures predictions by their labels', async () => {
    const scored = [[0.9, 1], [0.8, 0], [0.2, 1], [0.1, 0], [0.55, 1]].map(([score, outcome], index) => ({ ...records({ count: 1, share: 0, firstId: index })[0]!, score, outcome }));
    writeFileSync(path('logs/a.jsonl'), lines(scored));
    const measures = ['accuracy', 'precision', 'recall', 'brier', 'uncertain', 'confident', 'entropy'];
    const data = await open({ guardrails: [], signals: measures.map((measure) => ({ name: measure, measure })) })();
    const value = (name: string): number => { const { n, sum } = data.windows[0]?.metrics[name] ?? assert.fail(); return sum / n; };
    assert.equal(value('accuracy'), 3 / 5);
    assert.equal(value('precision'), 2 / 3);
    assert.equal(value('recall'), 2 / 3);
    assert.ok(Math.abs(value('brier') - (0.01 + 0.64 + 0.64 + 0.01 + 0.2025) / 5) < 1e-12);
    assert.deepEqual([value('uncertain'), value('confident')], [0.2, 0.8]);
    assert.ok(value('entropy') > 0.6 && value('entropy') < 0.9);
  });

  it('pairs shadow answers with what was served', async () => {
    const served = records({ count: 200, share: 0 });
    const shadow = served.slice(0, 150).map((record, index) => ({ ...record, role: 'shadow', assigned_arm: 'candidate', score: index < 30 ? 1 - record.score : record.score, error: index === 149 ? 'boom' : null }));
    writeFileSync(path('logs/a.jsonl'), lines([...shadow.slice(0, 50), ...served, ...shadow.slice(50)]));
    const { shadow: [pairs] = [], arms } = await open({ by: ['features.country'] })();
    assert.deepEqual([pairs?.pairs, pairs?.errors], [149 - served.slice(0, 149).filter(({ error }) => error !== null).length, 1]);
    assert.ok((pairs?.agreed ?? 0) < (pairs?.pairs ?? 0) && (pairs?.examples[0]?.difference ?? 0) > 0.5);
    assert.equal(arms.reduce((sum, { requests }) => sum + requests, 0), 200);
  });

  it('pairs answers of several files by what each record tells: environment, version, what was dropped, no answer, outcomes', async () => {
    const [production, staging] = [records({ count: 300, share: 0, currentErrors: 0 }), records({ count: 100, share: 0, currentErrors: 0, environment: 'staging', firstId: 5000 })];
    // As generated code logs it: neither environment nor version is known in each service.
    const shadow = (record: (typeof production)[number], given: object): object => ({ ts: record.ts, request_id: record.request_id, environment: null, flag: record.flag, assigned_arm: 'candidate', model_version: null, role: 'shadow', dropped: 0, score: record.score, error: null, latency_ms: 1, ...given });
    const answers = [
      ...production.map((record, index) => shadow(record, { ...(index < 100 ? { model_version: '13', ts: new Date(Date.parse(record.ts) - 60_000).toISOString() } : { model_version: 14 }), ...(index === 200 ? { dropped: 7 } : {}), ...(index >= 250 ? { score: [null, 'NaN'][index % 2] } : {}) })),
      ...staging.map((record) => shadow(record, { model_version: '14', environment: 'staging', dropped: 1, score: 1 - record.score })),
    ];
    const outcomes = production.map(({ request_id, score }) => ({ request_id, outcome: Number(score >= 0.5) }));
    const table = (all: readonly object[]): string => [Object.keys(all[0] ?? {}), ...all.map((each) => Object.values(each as Record<string, string | number | null>).map((value) => value ?? ''))].map((row) => `${row.join(',')}\n`).join('');
    for (const [name, write] of [['jsonl', lines], ['csv', table]] as const) {
      rmSync(path('logs'), { recursive: true });
      mkdirSync(path('logs'));
      // Outcomes come first, and what was served last.
      writeFileSync(path('logs/a.jsonl'), lines(outcomes));
      writeFileSync(path(`logs/b.${name}`), write(answers));
      writeFileSync(path('logs/c.jsonl'), lines([...production, ...staging]));
      const { shadow: found = [] } = await open({ source: { log: 'logs/*' } })();
      assert.deepEqual(found.map(({ environment, version, pairs, agreed, shadowNothing, labelled, dropped, unpaired, otherVersions }) => ({ environment, version, pairs, agreed, shadowNothing, labelled, dropped, unpaired, otherVersions })), [
        { environment: 'production', version: '14', pairs: 150, agreed: 150, shadowNothing: 50, labelled: 150, dropped: 7, unpaired: 0, otherVersions: [{ version: '13', pairs: 100 }] },
        { environment: 'staging', version: '14', pairs: 100, agreed: 0, shadowNothing: 0, labelled: 0, dropped: 107, unpaired: 0, otherVersions: [] },
      ], name);
    }
  });

  describe('what no file holds any more', () => {
    const all = records({ count: 400 });
    const told = ({ notes }: QualityData): unknown => [notes.rows, notes.messages];
    const cut = 'log.jsonl was cut or written anew: it is read from its beginning. What was read before counts; what may have been appended between the last reading and the cut is not known.';

    it('is said at each reading: a log that was cut counts, also after a cancel, until everything is read anew, and then no more', async () => {
      const read = open({ source: { log: 'log.jsonl', outcomes: 'o.csv' } });
      writeFileSync(path('log.jsonl'), lines(all.slice(0, 200)));
      writeFileSync(path('o.csv'), 'request_id,outcome\nr-1,1\n');
      await read();
      writeFileSync(path('log.jsonl'), lines(all.slice(200, 250)));
      for (let look = 0; look < 2; look += 1) assert.deepEqual(told(await read()), [251, [cut]]);
      appendFileSync(path('log.jsonl'), lines(all.slice(250, 260)));
      const controller = new AbortController();
      await assert.rejects(source!.read({ now: NOW, signal: controller.signal, onProgress: () => controller.abort() }), { code: 'cancelled' });
      assert.deepEqual(told(await read()), [261, [cut]]);
      appendFileSync(path('o.csv'), 'r-2,1\n');
      for (let look = 0; look < 2; look += 1) assert.deepEqual(told(await read()), [62, ['log.jsonl was cut or written anew, and all was read anew since: what it held before counts no more.']]);
    });

    it('is said of CSV files that are gone, as long as they are', async () => {
      const read = open({ source: { log: '*.csv' } });
      for (const [index, name] of ['a.csv', 'b.csv', 'c.csv'].entries()) writeFileSync(path(name), csv(all.slice(100 * index, 100 * index + 100)));
      await read();
      for (const name of ['a.csv', 'b.csv']) rmSync(path(name));
      assert.deepEqual(told(await read()), [300, ['a.csv, b.csv are gone; what they held counts.']]);
      // A new file may have the inode of one of them.
      writeFileSync(path('d.csv'), csv(all.slice(300, 310)));
      appendFileSync(path('c.csv'), '\n');
      assert.deepEqual(told(await read()), [110, ['a.csv, b.csv are gone: all was read anew since they were read, so what they held counts no more.']]);
      writeFileSync(path('a.csv'), csv(all.slice(0, 100)));
      assert.deepEqual(told(await read()), [210, ['b.csv is gone: all was read anew since it was read, so what it held counts no more.']]);
    });

    it('is said of a CSV file in whose place another is, where that is smaller or the one before was rotated', async () => {
      const read = open({ source: { log: 'log.csv' } });
      const exchanged = ['log.csv is another file than before, or a smaller one: what it held before counts only as far as it still does.'];
      for (const [count, isSaid] of [[100, false], [200, false], [90, true]] as const) {
        writeFileSync(path('new'), csv(all.slice(0, count)));
        renameSync(path('new'), path('log.csv'));
        assert.deepEqual(told(await read()), [count, isSaid ? exchanged : []]);
      }
      const again = open({ source: { log: 'log.csv' } });
      await again();
      renameSync(path('log.csv'), path('log.csv.1'));
      writeFileSync(path('log.csv'), csv(all.slice(90, 300)));
      assert.deepEqual(told(await again()), [210, exchanged]);
    });
  });

  it('counts a CSV file that is exchanged for another once, without request ids, too, and takes back what that leaves out', async () => {
    const read = open({ source: { log: 'log.csv', outcomes: 'o.csv' }, labels: { field: 'defaulted', mature_after: '0s', absent_means: 0 }, guardrails: [{ name: 'errors', bad: 'defaulted == 1' }] });
    const all = records({ count: 300, share: 0 }).map((record) => ({ ...record, request_id: record.request_id === 'r-1' || record.request_id === 'r-2' ? record.request_id : '' }));
    for (const [count, outcomes] of [[100, 'r-1,1\nr-2,1\n'], [200, 'r-1,1\nr-2,1\n'], [200, 'r-1,1\n'], [300, 'r-1,1\n']] as const) {
      writeFileSync(path('new'), csv(all.slice(0, count)));
      renameSync(path('new'), path('log.csv'));
      writeFileSync(path('new'), `request_id,defaulted\n${outcomes}`);
      renameSync(path('new'), path('o.csv'));
      const data = await read();
      assert.deepEqual([arm(data, 'current').requests, bad(data, 'current')], [count, outcomes.split('\n').length - 1]);
    }
  });

  it('goes on after a cancel from where it was, and counts each line once', async () => {
    const all = records({ count: 30_000 }).map((record) => ({ ...record, request_id: undefined }));
    writeFileSync(path('logs/a.jsonl'), lines(all));
    writeFileSync(path('logs/b.jsonl'), lines(records({ count: 10 })));
    const read = open();
    let before = 0;
    for (const part of [0.2, 0.5, 0.9]) {
      const controller = new AbortController();
      await assert.rejects(source!.read({ now: NOW, signal: controller.signal, onProgress: (done, total) => { if (done >= part * total) controller.abort(); } }), { code: 'cancelled' });
    }
    const { notes } = await source!.read({ now: NOW, signal: new AbortController().signal, onProgress: (done) => { before = done; } });
    assert.deepEqual([notes.rows, notes.malformed], [30_010, 0]);
    assert.ok(before < 0.5 * statSync(path('logs/a.jsonl')).size, String(before));
    assert.equal((await read()).notes.rows, 30_010);
  });

  it('can be cancelled while a CSV file is read, and begins anew after it', async () => {
    writeFileSync(path('logs/a.csv'), csv(records({ count: 5000 }).map((record) => ({ ...record, request_id: '' }))));
    const read = open({ source: { log: 'logs/*.csv' } });
    for (const time of [1, 20]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), time);
      await source!.read({ now: NOW, signal: controller.signal }).catch((error: unknown) => assert.ok(error instanceof AppError && error.code === 'cancelled'));
    }
    assert.equal((await read()).notes.rows, 5000);
  });

  it('can be cancelled, and counts each record once after it', async () => {
    writeFileSync(path('logs/a.jsonl'), lines(records({ count: 20_000 })));
    const read = open();
    const controller = new AbortController();
    const pending = source!.read({ now: NOW, signal: controller.signal, onProgress: () => controller.abort() });
    await assert.rejects(pending, (error) => error instanceof AppError && error.code === 'cancelled');
    const { notes } = await read();
    assert.deepEqual([notes.rows, notes.duplicates], [20_000, 0]);
  });

  it('says what cannot be looked at, what is no pattern, and how many messages are not shown', async () => {
    const told = async (log: string | readonly string[]): Promise<unknown> => { const { notes } = await open({ source: { log } })(); return [notes.rows, notes.messages]; };
    writeFileSync(path('logs/a.jsonl'), lines(records({ count: 10 })));
    // A link to itself, which nobody can read, whoever runs the test.
    for (const name of ['loop', 'ring']) symlinkSync(path(`logs/${name}`), path(`logs/${name}`));
    symlinkSync(path('nowhere'), path('logs/gone'));
    const closed = 'logs/loop, logs/ring are not to be read (ELOOP) and left out. Give the right to, or narrow the pattern.';
    assert.deepEqual(await told('logs/*'), [10, [closed]]);
    assert.deepEqual(await told(['logs/a.jsonl', 'logs/*/*.jsonl']), [10, [closed]]);
    assert.deepEqual(await told('logs/loop/p.jsonl'), [0, ['logs/loop is not to be read (ELOOP) and left out. Give the right to, or narrow the pattern.']]);
    assert.deepEqual(await told(['logs/[z-a].jsonl', 'logs/a.jsonl']), [10, ['[z-a].jsonl is no pattern: a range of characters goes from the lower to the higher, as [a-z] does.']]);
    assert.deepEqual(await told('logs/{b*,a.*}'), [10, []]);
    assert.deepEqual(await told('{logs/a,logs/b}.jsonl'), [0, ['No file is called {logs/a,logs/b}.jsonl: braces stand within one folder, so list the patterns.']]);
    assert.deepEqual(await told('logs/**'), [0, ['No file is called logs/**: ** stands for folders, so say which files in them, such as logs/**/*.jsonl.']]);
    const broken = Array.from({ length: 25 }, (_, index) => `none-${index}.jsonl`);
    const [, messages] = await told(broken) as [number, string[]];
    assert.deepEqual([messages.length, messages[18], messages[19]], [20, 'No file is called none-18.jsonl.', '6 more of the files of the log are not listed here.']);
  });

  it('knows files by numbers that are larger than a plain number can tell apart', () => {
    assert.notEqual(identityOf({ dev: 1n, ino: 55732045388927856n }), identityOf({ dev: 1n, ino: 55732045388927859n }));
  });

  it('finds files by globs, and says when there is none', async () => {
    mkdirSync(path('logs/2026/03'), { recursive: true });
    for (const name of ['logs/a.jsonl', 'logs/b.jsonl', 'logs/b.txt', 'logs/2026/03/c.jsonl', 'logs/.hidden.jsonl']) writeFileSync(path(name), '');
    const found = async (pattern: string): Promise<string[]> => (await filesOf(folder, pattern)).map((file) => file.path.slice(folder.length + 1));
    assert.deepEqual(await found('logs/*.jsonl'), ['logs/a.jsonl', 'logs/b.jsonl']);
    assert.deepEqual((await found('logs/**/*.jsonl')).sort(), ['logs/2026/03/c.jsonl', 'logs/a.jsonl', 'logs/b.jsonl']);
    assert.deepEqual(await found('./logs/{a,x}.jsonl'), ['logs/a.jsonl']);
    assert.deepEqual(await found('logs/[b-c].*'), ['logs/b.jsonl', 'logs/b.txt']);
    assert.deepEqual(await found('logs/a(b.jsonl'), []);
    const { notes } = await open({ source: { log: 'nowhere/*.jsonl' } })();
    assert.deepEqual(notes.messages, ['No file is called nowhere/*.jsonl.']);
  });

  it('says why nothing counts: other flags, files without a record', async () => {
    const all = records({ count: 1000 });
    const messages = async (log: string | readonly string[] = 'logs/*'): Promise<readonly string[]> => (await open({ source: { log } })()).notes.messages.filter((message) => !message.startsWith('Drift: '));
    writeFileSync(path('logs/a.jsonl'), lines(all.map((record) => ({ ...record, flag: 'fraud_v2' }))));
    assert.deepEqual(await messages(), ['1,000 records of other flags (fraud_v2) are left out: in modelswitch.yaml the model has fraud-v2.']);
    writeFileSync(path('logs/a.jsonl'), lines(all.map((record, index) => ({ ...record, flag: index === 0 ? 'once' : `other-${Math.floor(Math.log2(index))}` }))));
    assert.deepEqual(await messages(), ['1,000 records of other flags (other-9, other-8, other-7, ...) are left out: in modelswitch.yaml the model has fraud-v2.']);
    // A log of several models is nothing to tell; a flag that is written otherwise now and then is.
    writeFileSync(path('logs/a.jsonl'), lines(all.map((record, index) => ({ ...record, flag: index % 2 === 0 ? 'churn' : index === 1 ? 'Fraud_V2' : 'fraud-v2' }))));
    assert.deepEqual(await messages(), ['1 record of other flags (Fraud_V2) is left out: in modelswitch.yaml the model has fraud-v2.']);
    writeFileSync(path('logs/a.jsonl'), '');
    assert.deepEqual(await messages(), ['logs/a.jsonl has no record.']);
    writeFileSync(path('logs/b.csv'), csv(all).split('\n')[0] ?? '');
    writeFileSync(path('logs/c.csv'), '');
    assert.deepEqual(await messages(), ['logs/a.jsonl, logs/b.csv, logs/c.csv have no record.']);
    writeFileSync(path('logs/d.jsonl'), '\n\n');
    assert.deepEqual(await messages(), ['logs/a.jsonl, logs/b.csv, logs/c.csv, ... (4 files) have no record.']);
    // A log that has just been rotated is empty, too.
    writeFileSync(path('logs/d.jsonl'), lines(all));
    assert.deepEqual(await messages(), ['logs/b.csv, logs/c.csv have no record.']);
    const read = open({ source: { log: 'logs/a.jsonl' } });
    assert.deepEqual((await read()).notes.messages.slice(0, 1), ['logs/a.jsonl has no record.']);
    appendFileSync(path('logs/a.jsonl'), lines(all));
    assert.deepEqual((await read()).notes.messages.slice(0, 1), []);
  });

  it('says of files that are not lines of UTF-8 what they are, once, and reads the first line after a byte order mark', async () => {
    const all = records({ count: 400 });
    writeFileSync(path('logs/a.jsonl'), `\ufeff${lines(all.slice(0, 100))}`);
    for (const part of [1, 2]) writeFileSync(path(`logs/a.jsonl.${part}.gz`), gzipSync(lines(all.slice(100 * part, 100 * part + 100))));
    writeFileSync(path('logs/b.jsonl'), Buffer.from(`\ufeff${lines(all.slice(300))}`, 'utf16le'));
    writeFileSync(path('logs/c.csv'), Buffer.from(`\ufeff${csv(all)}`, 'utf16le'));
    const read = open({ source: { log: 'logs/*' } });
    for (let round = 0; round < 2; round += 1) {
      const { notes } = await read();
      assert.deepEqual([notes.rows, notes.malformed, notes.messages], [100, 0, [
        'logs/a.jsonl.1.gz, logs/a.jsonl.2.gz are compressed (gzip) and left out. Only what is unpacked is read: unpack, or narrow the pattern.',
        'logs/b.jsonl, logs/c.csv are in UTF-16 and left out. Lines are read in UTF-8 only: write in that.',
      ]]);
    }
    writeFileSync(path('one.jsonl'), `\ufeff${lines(all.slice(0, 1)).trimEnd()}`);
    assert.equal((await open({ source: { log: 'one.jsonl' } })()).notes.rows, 1);
  });

  it('reads a CSV with broken rows', async () => {
    const text = csv(records({ count: 10 })).split('\n');
    writeFileSync(path('all.csv'), [...text.slice(0, 3), 'only,three,fields', ...text.slice(3), 'SECRET"5,'].join('\n'));
    const { notes } = await open({ source: { log: 'all.csv' } })();
    assert.deepEqual([notes.rows, notes.malformed, notes.examples], [10, 2, ['all.csv:4: 3 fields, where the header has 17', 'all.csv:14: a quote stands in a field that does not begin with one']]);
    writeFileSync(path('all.csv'), `ts,"request_id\n${text.slice(1).join('\n')}`);
    assert.deepEqual((await open({ source: { log: 'all.csv' } })()).notes.messages[0], 'all.csv: The header of the CSV file (line 1) cannot be read: a quote is opened and not closed.');
    writeFileSync(join(folder, 'all.csv'), 'ts,flag\r2026-03-02T09:00:00Z,f\r');
    assert.deepEqual((await open({ source: { log: 'all.csv' } })()).notes.messages[0], 'all.csv: The header of the CSV file (line 1) cannot be read: lines end in CR alone, as old tools write them; save the file with line feeds.');
  });

  it('takes ids of a CSV that look like other numbers, like none that is finite or like a truth for what they are', async () => {
    const ids = ['12e4', '120000', '1.2e5', '1e999', '2e999', 'true', 'TRUE', 'nan', '007', '7'];
    const all = records({ count: ids.length }).map((record, index) => ({ ...record, request_id: ids[index] ?? '', unit_id: ids[index] ?? '' }));
    writeFileSync(path('ids.csv'), csv(all));
    writeFileSync(path('ids.jsonl'), lines(all));
    const [own, both] = [await open({ source: { log: 'ids.csv' } })(), await open({ source: { log: ['ids.csv', 'ids.jsonl'] } })()];
    assert.deepEqual([own.notes.rows, own.notes.duplicates, own.notes.withoutUnit, own.arms.reduce((sum, { units }) => sum + units, 0), both.notes.duplicates], [ids.length, 0, 0, ids.length, ids.length]);
  });

  it('loses of a CSV with a quote that is not closed that line only', async () => {
    const all = records({ count: 6000 }).map((record, index) => ({ ...record, error: index % 50 === 0 ? 'refused, says "it"\nsecond line' : record.error }));
    const rows = all.map((record) => csv([{ ...record, error: record.error === null ? null : `"${record.error.replaceAll('"', '""')}"` }]).split('\n').slice(1, -1).join('\r\n'));
    const [header = ''] = csv(all).split('\n');
    const open_ = (index: number): string => (rows[index] ?? '').replace('production', '"production');
    // One before lines without a quote, two in one stretch, one before lines with quotes, and the last one.
    const broken = [120, 121, 349, 3005, 5999];
    for (const [name, indices] of [['quote.csv', broken], ['quotes.csv', all.map((_, index) => index).filter((index) => index % 2 === 1)]] as const) {
      const isBroken = new Set(indices);
      writeFileSync(path(name), `\ufeff${header}\r\n${rows.map((row, index) => (isBroken.has(index) ? open_(index) : row)).join('\r\n')}`);
      writeFileSync(path('logs/a.jsonl'), lines(all.filter((_, index) => !isBroken.has(index))));
      const [data, expected] = [await open({ source: { log: name } })(), await open()()];
      assert.deepEqual([data.notes.rows, data.notes.malformed], [6000 - indices.length, indices.length]);
      assert.deepEqual(data.windows, expected.windows);
      assert.match(data.notes.examples[0] ?? '', /^quotes?\.csv:\d+: a quote is opened and not closed: this line is left out, the next one is read by itself$/);
    }
    assert.match((await open({ source: { log: 'quote.csv' } })()).notes.examples[0] ?? '', /^quote\.csv:125: /);
  });

  it('passes over lines of a CSV that are too long, and takes a text of many lines', async () => {
    const all = records({ count: 3, candidateErrors: 0, currentErrors: 0 });
    const [header = '', one = '', two = '', three = ''] = csv(all.map((record, index) => (index === 1 ? { ...record, error: 'ERROR' } : record))).split('\n');
    writeFileSync(path('all.csv'), [header, one, 'x'.repeat(3_000_000), two.replace('ERROR', `"${'at a.b(c)\n'.repeat(400)}"`), three, '', ''].join('\n'));
    const { notes, windows } = await open({ source: { log: 'all.csv' } })();
    assert.deepEqual([notes.rows, notes.malformed, notes.examples], [3, 1, ['all.csv:3: the line is longer than 1 MB']]);
    assert.equal(windows.reduce((sum, { metrics }) => sum + (metrics['errors']?.sum ?? 0), 0), 1);
  });

  it('reads a file anew that has got another name, or whose identity another file has got', async () => {
    const all = records({ count: 100 });
    const read = open({ source: { log: 'logs/*' } });
    writeFileSync(path('logs/all.csv.tmp'), csv(all));
    assert.equal((await read()).notes.malformed, 101);
    renameSync(path('logs/all.csv.tmp'), path('logs/all.csv'));
    const data = await read();
    assert.deepEqual([data.notes.rows, data.notes.malformed], [100, 0]);
    renameSync(path('logs/all.csv'), path('logs/all.jsonl'));
    writeFileSync(path('logs/all.jsonl'), lines(all.slice(0, 50)));
    assert.equal((await read()).notes.rows, 50);
  });

  // Written by pyarrow in two row groups: ts, unit_id, error, fallback, model_version as int64, and features of an int64 `age` and a list `codes`; six requests, of which the last (candidate) has error 1.
  it('takes whole numbers of Parquet as numbers where another column holds lists', async () => {
    copyFileSync(new URL('../../fixtures/quality/lists.parquet', import.meta.url), path('all.parquet'));
    const data = await open({ source: { log: 'all.parquet' }, guardrails: [{ name: 'errors', bad: 'error' }, { name: 'fallbacks', bad: 'fallback' }], by: ['features.age'] })();
    assert.deepEqual(['current', 'candidate'].flatMap((name) => [arm(data, name).requests, bad(data, name), bad(data, name, 'fallbacks')]), [3, 0, 0, 3, 1, 1]);
    assert.deepEqual(partOf(data, 'candidate', '').features.map(({ name, values, missing }) => [name, [...values].sort(), missing]).filter(([name]) => name === 'age'), [['age', [31, 33, 35], 0]]);
    assert.equal(data.notes.malformed, 0);
  });

  // Written by pyarrow in two row groups of three: features is a map<string, double> of amount and age, missing in the fifth row.
  it('finds features by name that Parquet keeps as lists of keys and values, and says how far it is', async () => {
    copyFileSync(new URL('../../fixtures/quality/maps.parquet', import.meta.url), path('all.parquet'));
    const section = { source: { log: 'all.parquet' }, guardrails: [{ name: 'errors', bad: 'error' }], by: ['features.age > 22'] };
    const told: number[] = [];
    for (const features of [undefined, ['amount', 'age']]) {
      source = new LogSource({ folder, flags: ['fraud-v2'], definition: definition(section), features });
      const data = await source.read({ now: NOW, signal: new AbortController().signal, onProgress: (done, total) => void told.push(Math.round((100 * done) / total)) });
      assert.deepEqual(partOf(data, 'current', '').features.filter(({ name }) => name !== 'score').map(({ name, values, missing }) => [name, [...values].sort(), missing]).sort(), [['age', [20, 22], 1], ['amount', [0, 2], 1]]);
      assert.deepEqual(data.windows.filter(({ slice }) => slice?.endsWith('true') === true).map(({ arm: name, requests }) => [name, requests]), [['candidate', 2]]);
    }
    assert.deepEqual(told.slice(0, 2), [50, 100]);
  });

  // Written by pyarrow: the columns of maps.parquet, and no row.
  it('says how far it is where a Parquet file has no rows', async () => {
    for (const [file, name] of [['empty', 'a'], ['maps', 'b']] as const) copyFileSync(new URL(`../../fixtures/quality/${file}.parquet`, import.meta.url), path(`${name}.parquet`));
    for (const features of [undefined, ['amount', 'age']]) {
      const told: number[] = [];
      source = new LogSource({ folder, flags: ['fraud-v2'], definition: definition({ source: { log: '*.parquet' }, guardrails: [{ name: 'errors', bad: 'error' }] }), features });
      await source.read({ now: NOW, signal: new AbortController().signal, onProgress: (done, total) => void told.push(done / total) });
      assert.ok(told.every((part) => part >= 0 && part <= 1) && told.at(-1) === 1, told.join());
    }
  });
});

describe('files that are no log', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-nolog-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const messages = async (log: string): Promise<readonly string[]> => {
    const { quality } = readQuality({ source: { log }, guardrails: [{ name: 'errors', bad: 'error' }] });
    const { notes } = await new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail() }).read({ now: START, signal: new AbortController().signal });
    assert.equal(notes.malformed, 0);
    return notes.messages;
  };

  it('are named with the mend: a folder, an address, the folder of a user', async () => {
    mkdirSync(join(folder, 'logs'));
    assert.deepEqual(await messages('logs/'), ['logs/ is a folder: name the files in it, such as logs/*.jsonl.']);
    assert.match((await messages('s3://bucket/log.jsonl'))[0] ?? '', /^s3:\/\/bucket\/log\.jsonl is an address, and only files are read: /);
    assert.match((await messages('~/log.jsonl'))[0] ?? '', /^No file is called ~\/log\.jsonl: ~ stands for no folder here/);
    assert.deepEqual(await messages('log.jsonl'), ['No file is called log.jsonl.']);
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [join(folder, 'pipe.jsonl')]);
      assert.deepEqual(await messages('pipe.jsonl'), ['pipe.jsonl is no plain file, and only those are read: have the records written to one.']);
    }
  });

  it('as columns under another name are malformed, with the mend; a trace of an error is not taken for one', async () => {
    writeFileSync(join(folder, 'log.tsv'), `${csv(records({ count: 1 })).replaceAll(',', '\t')}\tat main (a.js:1)\n`);
    const { notes } = await new LogSource({ folder, flags: ['fraud-v2'], definition: readQuality({ source: { log: 'log.tsv' } }).quality ?? assert.fail() }).read({ now: START, signal: new AbortController().signal });
    const columns = 'no valid JSON: columns are read from .csv, where commas separate them, not tabs';
    assert.deepEqual(notes.examples, [`log.tsv:1: ${columns}`, `log.tsv:2: ${columns}`, 'log.tsv:3: no valid JSON']);
  });

  it('as CSV with another separator, other names or none are left out, which is said once', async () => {
    const text = csv(records({ count: 50 }));
    for (const [content, mend] of [[text.replaceAll(',', ';'), 'columns are separated by commas, not by ";"'], [text.replaceAll(',', '\t'), 'columns are separated by commas, not by tabs'], [text.replace(/^.*/, (header) => header.toUpperCase()), 'names are written in small letters, without blanks'], [text.replace(/^.*\n/, ''), 'the first line names the columns']] as const) {
      writeFileSync(join(folder, 'log.csv'), content);
      const [message = '', ...others] = await messages('log.csv');
      assert.match(message, /^log\.csv: the first line \(.*\) names neither assigned_arm nor request_id, so the file is left out: /);
      assert.ok(message.endsWith(`${mend}.`), message);
      assert.deepEqual(others, []);
    }
    writeFileSync(join(folder, 'log.csv'), text);
    assert.deepEqual(await messages('log.csv'), []);
  });
});
