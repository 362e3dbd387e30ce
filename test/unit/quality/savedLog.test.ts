import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { SavedLogs } from '../../../src/adapters/predictionLog/savedLog.ts';
import { WorkerSource } from '../../../src/adapters/quality/workerSource.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { shadowReport } from '../../../src/core/quality/shadow.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { csv, lines, records, START, type PredictionRecord } from '../../support/qualityRecords.ts';

const METRICS = { guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80' }], signals: [{ name: 'latency', mean: 'latency_ms' }] };
const NOW = START + 1_800_000;
const WEEK = 7 * 86_400_000;
const VERSION = 'v1-0123456789ab';

describe('what was counted of a log, on disk', () => {
  let folder: string;
  let cache: string;
  const path = (name = 'a.jsonl'): string => join(folder, name);
  const entries = (): string[] => readdirSync(join(cache, VERSION)).map((name) => join(cache, VERSION, name));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-saved-'));
    cache = join(mkdtempSync(join(tmpdir(), 'modelswitch-saved-cache-')), 'quality');
  });
  afterEach(() => [folder, join(cache, '..')].forEach((each) => rmSync(each, { recursive: true, force: true })));

  interface Given { readonly section?: Record<string, unknown>; readonly version?: string; readonly cached?: boolean; readonly leastSaved?: number; readonly features?: readonly string[]; readonly edges?: Record<string, number[]> }

  function opened({ section = {}, version = VERSION, cached = true, leastSaved = 1, ...options }: Given = {}): { read: (now?: number) => Promise<QualityData>; bytes: () => number } {
    const { quality, problems } = readQuality({ source: { log: '*.jsonl' }, ...METRICS, ...section });
    assert.deepEqual(problems, []);
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), ...options, ...(cached ? { cache: { folder: cache, version }, leastSaved } : {}) });
    let bytes = 0;
    return {
      read: (now = NOW) => {
        bytes = 0;
        return source.read({ now, signal: new AbortController().signal, onProgress: (done) => { bytes = done; } });
      },
      bytes: () => bytes,
    };
  }

  /** What a source finds that was started just now, and how many bytes it read for that. */
  async function restarted(given: Given = {}): Promise<{ readonly data: QualityData; readonly bytes: number }> {
    const { read, bytes } = opened(given);
    return { data: await read(), bytes: bytes() };
  }

  async function whole(given: Given = {}): Promise<QualityData> {
    return (await restarted({ ...given, cached: false })).data;
  }

  /** Records with all that makes one depend on those before it: ids that come twice, units in both arms, new categories, times out of order. */
  function* odd(seed: number, count: number): Generator<string> {
    const random = seeded(seed);
    const all = records({ count, seed, units: 300 }).map((record, index) => (index % 3 === 0 ? { ...record, ts: new Date(Date.parse(record.ts) - WEEK).toISOString() } : record));
    for (const [index, record] of all.entries()) {
      const earlier: PredictionRecord = all[Math.floor(random() * (index + 1))] ?? record;
      const luck = random();
      if (luck < 0.03) yield JSON.stringify(earlier);
      else if (luck < 0.05) yield JSON.stringify({ ...record, unit_id: earlier.unit_id, ts: earlier.ts });
      else if (luck < 0.07) yield JSON.stringify({ ...record, request_id: undefined, unit_id: null, features: { ...record.features, [`f${index % 7}`]: `text ${Math.floor(random() * 1500)}` } });
      else if (luck < 0.08) yield `{"ts": broken ${index}`;
      else if (luck < 0.1) yield JSON.stringify({ ...record, latency_ms: null, score: 'NaN', environment: 'staging', service: 'other', model_version: `${Math.floor(index / 100)}` });
      else if (luck < 0.11) yield JSON.stringify({ request_id: earlier.request_id, defaulted: Number(luck < 0.105), ts: record.ts });
      else yield JSON.stringify(record);
    }
  }

  const shadowOf = (record: PredictionRecord): PredictionRecord => ({ ...record, role: 'shadow', assigned_arm: 'candidate', score: Math.round((1 - record.score) * 1e4) / 1e4 });

  /** Served and shadow answers and outcomes, one in ten lines of them up to two hundred lines away from where it belongs; some without a partner, some that came twice, some with errors. */
  function shadowed(seed: number, hasLabels: boolean): object[] {
    const random = seeded(1000 + seed);
    const placed = records({ count: 2500, seed }).flatMap((record, index) => {
      const [luck, at] = [random(), (): number => index + (random() < 0.1 ? 200 * random() : random())];
      const kind = ['approve', 'decline', 'ask'][index % 3];
      const served = hasLabels ? { ...record, score: undefined, label: kind } : record;
      const near = Math.min(1, Math.max(0, record.score + (random() - 0.5) / 5));
      const shadow = { ...shadowOf(record), ...(hasLabels ? { score: undefined, label: luck < 0.4 ? kind : 'decline' } : { score: near }), error: luck > 0.65 && luck < 0.7 ? 'boom' : null };
      const outcome = { request_id: record.request_id, defaulted: random() < near ? 1 : 0, ts: record.ts };
      return [
        { at: at(), line: served }, ...(luck < 0.7 ? [{ at: at(), line: shadow }] : []), ...(luck < 0.5 ? [{ at: at(), line: outcome }] : []), ...(luck < 0.02 ? [{ at: at(), line: shadow }, { at: at(), line: served }] : []),
      ];
    });
    return placed.sort((a, b) => a.at - b.at).map(({ line }) => line);
  }

  const QUESTIONS: readonly Given[] = [
    {},
    { section: { by: ['features.country'], where: 'features.age > 20' }, features: ['amount', 'country'], edges: { amount: [100, 500, 900] } },
    { section: { drift: { reference: { weeks_ago: 1, hours: 2 } }, window: '1min' } },
    { section: { drift: { window: '1h' } }, features: ['amount', 'country'], edges: { amount: [100, 500, 900] } },
    { section: { signals: [{ name: 'default', mean: 'defaulted' }, { name: 'brier', measure: 'brier' }, { name: 'slow default', mean: 'defaulted * latency_ms' }], labels: { field: 'defaulted', mature_after: '27min' }, by: ['model_version'], window: '1min' }, features: ['amount'] },
    { section: { where: 'latency_ms > 20', signals: [{ name: 'right', measure: 'accuracy' }], labels: { field: 'defaulted', mature_after: '27min', absent_means: 0 } } },
  ];

  for (const [number, question] of QUESTIONS.entries()) {
    it(`gives, read on at any place, what reading all of it gives (question ${number + 1})`, async () => {
      for (let seed = 1; seed <= 4; seed += 1) {
        const random = seeded(100 * number + seed);
        const bytes = Buffer.from([...odd(seed, 2500)].join('\n').concat('\n'));
        rmSync(path(), { force: true });
        const inMemory = opened({ ...question, cached: false });
        let at = 0;
        while (at < bytes.length) {
          // In the middle of a line as often as not.
          const next = Math.min(bytes.length, at + 1 + Math.floor(random() * 400_000));
          appendFileSync(path(), bytes.subarray(at, next));
          const before = at === 0 ? 0 : bytes.lastIndexOf(10, at - 1) + 1;
          // A source that goes on adds outcomes up in another order, so that sums of fractions differ in the last digit.
          const [found, known] = [await restarted(question), question.section?.['labels'] === undefined ? await inMemory.read() : await whole(question)];
          assert.deepEqual(found.data, known);
          assert.ok(found.bytes <= next - before, `${found.bytes} bytes were read, ${next - before} are new`);
          at = next;
        }
        assert.deepEqual((await restarted(question)).data, await whole(question));
        rmSync(cache, { recursive: true });
      }
    });
  }

  it('goes on with predictions that have matured without an outcome, and with outcomes that came before', async () => {
    const question = { section: { signals: [{ name: 'default', mean: 'defaulted * 3' }, { name: 'right', measure: 'accuracy' }], labels: { field: 'defaulted', mature_after: '10min' }, by: ['model_version'] } };
    const all = records({ count: 3000 });
    const outcomes = (from: number, to: number): object[] => all.slice(from, to).map(({ request_id, ts }, index) => ({ request_id, defaulted: index % 3 === 0 ? 1 : 0, ts: new Date(Date.parse(ts) + (from + index) * 100).toISOString() }));
    const [kept, inMemory] = [opened(question), opened({ ...question, cached: false })];
    // The second one is more than what is kept of the first, so that it is kept, too.
    const parts = [[...all.slice(0, 700), ...outcomes(0, 500), ...outcomes(2100, 2200)], [...all.slice(700, 2150), ...outcomes(500, 600)], [...all.slice(2150), ...outcomes(600, 1500), ...outcomes(2200, 2400)]];
    for (const [number, part] of parts.entries()) {
      appendFileSync(path(), lines(part));
      const known = await inMemory.read();
      // Another source goes on from what the first one kept after it had decided what has matured.
      assert.deepEqual((await (number < 2 ? kept : opened(question)).read()), known);
      assert.equal(known.arms.reduce((sum, { labelled }) => sum + labelled, 0), [500, 650, 1800][number]);
    }
  });

  it('goes on with the window of drift, also where it has moved', async () => {
    const HOUR = 3_600_000;
    const question = { section: { drift: { window: '2h' } }, edges: { amount: [100, 500, 900] } };
    const spread = records({ count: 3000 }).map((record, index) => ({ ...record, ts: new Date(START + index * 10_000).toISOString() }));
    const requests = ({ production }: QualityData): number => (production?.parts ?? []).reduce((sum, part) => sum + part.requests, 0);
    // The hour that runs, with the one before it: an hour has 360 records, the last one 120.
    for (const [hours, before, expected] of [[5, 0, 360], [8.3, 5, 468], [8.9, 8.3, 480], [9.5, 8.9, 120], [10, 9.5, 0]] as const) {
      const now = START + hours * HOUR;
      appendFileSync(path(), lines(spread.filter(({ ts }) => Date.parse(ts) < now && Date.parse(ts) >= START + before * HOUR)));
      const found = await opened(question).read(now);
      assert.deepEqual(found, await opened({ ...question, cached: false }).read(now));
      assert.equal(requests(found), expected, String(hours));
    }
  });

  it('remembers more requests and units than one look-up table holds', async () => {
    const all = records({ count: 5000, units: 4000 });
    writeFileSync(path(), lines(all.slice(0, 4000)));
    await restarted();
    appendFileSync(path(), lines([...all.slice(4000), ...all.slice(0, 4000)]));
    const { data } = await restarted();
    assert.equal(data.notes.duplicates, 4000);
    assert.deepEqual(data, await whole());
  });

  it('goes on with samples, and at the limits of what is told apart', async () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, index) => [`name ${index}`, 1]));
    const all = records({ count: 16_000 }).map((record, index) => ({
      ...record, features: { ...record.features, text: `text ${index}`, ...(index === 100 ? many : {}), ...(index > 8000 ? { late: index } : {}) },
      ...(index > 8000 && index % 100 === 0 ? { environment: 'staging' } : {}),
    }));
    const question = { section: { by: ['features.text'] } };
    writeFileSync(path(), lines(all.slice(0, 8000)));
    await restarted(question);
    appendFileSync(path(), lines(all.slice(8000)));
    assert.deepEqual((await restarted(question)).data, await whole(question));
  });

  it('goes on through rotation by renaming, and with files that come', async () => {
    const all = records({ count: 3000 });
    writeFileSync(path('app.jsonl'), lines(all.slice(0, 1000)));
    const inMemory = opened({ cached: false });
    await inMemory.read();
    await restarted();
    renameSync(path('app.jsonl'), path('app.1.jsonl'));
    writeFileSync(path('app.jsonl'), lines(all.slice(1000)));
    const { data, bytes } = await restarted();
    assert.equal(bytes, statSync(path('app.jsonl')).size);
    assert.deepEqual(data, await inMemory.read());
  });

  it('begins anew when a file is another than it was: cut, written anew, changed within', async () => {
    const [first, other] = [lines(records({ count: 1000 })), lines(records({ count: 1000, seed: 2, firstId: 5000 }))];
    const cut = ['a.jsonl, which was read before the restart, was cut or written anew: what it held then counts only as far as it still does.'];
    const changes: readonly (readonly [change: () => void, messages: readonly string[]])[] = [
      [() => truncateSync(path(), first.length - 200), cut],
      [() => writeFileSync(path(), other), cut],
      // It begins as before, and has grown.
      [() => writeFileSync(path(), first.slice(0, first.indexOf('\n', 5000) + 1) + other), cut],
      // One value within, with the same length.
      [() => {
        writeFileSync(path(), `${first.slice(0, 20_000)}${first.slice(20_000, 40_000).replaceAll('"error":null', '"error":1234')}${first.slice(40_000)}`);
        utimesSync(path(), new Date(), new Date(Date.now() + 5000));
      }, []],
    ];
    for (const [change, messages] of changes) {
      writeFileSync(path(), first);
      writeFileSync(path('b.jsonl'), lines(records({ count: 10, firstId: 9000 })));
      await restarted();
      assert.equal((await restarted()).bytes, 0);
      change();
      const [{ data, bytes }, expected] = [await restarted(), await whole()];
      assert.deepEqual(data, { ...expected, notes: { ...expected.notes, messages } });
      assert.ok(bytes >= statSync(path()).size, `${bytes}`);
      rmSync(cache, { recursive: true });
    }
  });

  it('begins anew when a file is gone, and says what does not count any more', async () => {
    writeFileSync(path(), lines(records({ count: 1000 })));
    writeFileSync(path('b.jsonl'), lines(records({ count: 10, firstId: 9000 })));
    await restarted();
    rmSync(path('b.jsonl'));
    const [{ data, bytes }, expected] = [await restarted(), await whole()];
    assert.equal(bytes, statSync(path()).size);
    assert.deepEqual(data, { ...expected, notes: { ...expected.notes, messages: ['b.jsonl, which was read before the restart, is gone: what it held counts no more.'] } });
  });

  it('goes on with a file that has been rotated to a name that no pattern finds', async () => {
    const all = records({ count: 3000 });
    const section = { source: { log: 'app.jsonl' } };
    writeFileSync(path('app.jsonl'), lines(all.slice(0, 1000)));
    const inMemory = opened({ section, cached: false });
    await inMemory.read();
    await restarted({ section });
    for (const [from, name] of [[1000, 'app.jsonl.1'], [2000, 'app.jsonl.2']] as const) {
      if (from === 2000) renameSync(path('app.jsonl.1'), path(name));
      else renameSync(path('app.jsonl'), path(name));
      appendFileSync(path(name), lines(all.slice(from, from + 50)));
      if (from === 1000) writeFileSync(path('app.jsonl'), lines(all.slice(1050, 2000)));
      else appendFileSync(path('app.jsonl'), lines(all.slice(2050)));
      const { data } = await restarted({ section });
      assert.deepEqual(data, await inMemory.read());
      assert.deepEqual([data.notes.rows, data.notes.messages], [from + 1000, []]);
    }
  });

  it('goes on with a file that is written anew as a whole, with what it held, each time', async () => {
    const all = records({ count: 300 });
    const put = (count: number): void => {
      writeFileSync(path('new'), lines(all.slice(0, count)));
      renameSync(path('new'), path());
    };
    put(100);
    await restarted();
    for (const [count, before] of [[200, 100], [200, 200], [300, 200]] as const) {
      put(count);
      const { data, bytes } = await restarted();
      assert.deepEqual([data.notes.rows, data.notes.messages, bytes], [count, [], Buffer.byteLength(lines(all.slice(before, count)))]);
    }
  });

  it('goes on with the copy that was made of a file before it was cut', async () => {
    const all = records({ count: 300 });
    writeFileSync(path(), lines(all.slice(0, 100)));
    await restarted();
    appendFileSync(path(), lines(all.slice(100, 150)));
    copyFileSync(path(), path('a.jsonl.1'));
    writeFileSync(path(), lines(all.slice(150)));
    const { data } = await restarted();
    assert.deepEqual([data.notes.rows, data.notes.duplicates, data.notes.messages], [300, 0, []]);
    assert.equal((await restarted()).bytes, 0);
  });

  it('reads those that were rotated after the last one that was saved, and before a restart', async () => {
    const all = records({ count: 300 });
    const section = { source: { log: 'app.jsonl' } };
    writeFileSync(path('app.jsonl'), lines(all.slice(0, 100)));
    await restarted({ section });
    renameSync(path('app.jsonl'), path('app.jsonl.2'));
    writeFileSync(path('app.jsonl.1'), lines(all.slice(100, 200)));
    writeFileSync(path('app.jsonl'), lines(all.slice(200)));
    const { data } = await restarted({ section });
    assert.deepEqual([data.notes.rows, data.notes.messages], [300, []]);
    // One of them is removed: the others count still.
    rmSync(path('app.jsonl.1'));
    const { data: without } = await restarted({ section });
    assert.deepEqual([without.notes.rows, without.notes.messages], [200, ['app.jsonl.1, which was read before the restart, is gone: what it held counts no more.']]);
  });

  it('says of a file whose inode another has got that it is gone', async () => {
    const all = records({ count: 300 });
    writeFileSync(path('app.1.jsonl'), lines(all.slice(0, 200)));
    writeFileSync(path('app.jsonl'), lines(all.slice(200)));
    await restarted();
    rmSync(path('app.1.jsonl'));
    writeFileSync(path('app.2.jsonl'), lines(all.slice(0, 50)));
    const { data } = await restarted();
    assert.deepEqual([data.notes.rows, data.notes.messages], [150, ['app.1.jsonl, which was read before the restart, is gone: what it held counts no more.']]);
  });

  it('says of a CSV file that was exchanged for another not that it is gone', async () => {
    const section = { source: { log: '*.csv' } };
    writeFileSync(path('a.csv'), csv(records({ count: 100 })));
    await restarted({ section });
    writeFileSync(path('new'), csv(records({ count: 200 })));
    renameSync(path('new'), path('a.csv'));
    const { data } = await restarted({ section });
    assert.deepEqual([data.notes.rows, data.notes.messages], [200, []]);
  });

  it('keeps nothing of what no file holds any more: cut, gone or exchanged while it is read on', async () => {
    const all = records({ count: 300 });
    const changes: readonly (() => void)[] = [
      // As logrotate's copytruncate does, to a file that is not read.
      () => writeFileSync(path(), lines(all.slice(100, 110))),
      () => { rmSync(path('b.jsonl')); appendFileSync(path(), lines(all.slice(100, 110))); },
    ];
    for (const change of changes) {
      writeFileSync(path(), lines(all.slice(0, 100)));
      writeFileSync(path('b.jsonl'), lines(all.slice(200)));
      const source = opened({ leastSaved: statSync(path()).size + statSync(path('b.jsonl')).size + 1 });
      await source.read();
      change();
      assert.equal((await source.read()).notes.rows, 210);
      // What was kept before the change is of other files than there are now.
      appendFileSync(path(), lines(all.slice(110, 120)));
      await source.read();
      assert.deepEqual((await restarted()).data, await whole());
      rmSync(cache, { recursive: true });
    }
  });

  it('keeps nothing of a file that could be read only in part, and counts once what was told of it', async () => {
    const text = readFileSync(new URL('../../fixtures/quality/lists.parquet', import.meta.url));
    // The second of its two row groups begins at 499.
    writeFileSync(path('a.parquet'), Buffer.from(text).fill(0, 600, 900));
    writeFileSync(path(), lines(records({ count: 10 })));
    const section = { source: { log: ['*.jsonl', '*.parquet'] } };
    const source = opened({ section });
    const first = await source.read();
    assert.equal(first.notes.rows, 13);
    assert.match(first.notes.messages.join(' '), /^a\.parquet: The Parquet file cannot be read: /);
    assert.deepEqual(await source.read(), first);
    assert.throws(entries, /ENOENT/);
    writeFileSync(path('a.parquet'), text);
    assert.deepEqual([(await source.read()).notes.rows, entries().length], [16, 1]);
  });

  it('is of one question only: other metrics, windows, features, bins, flags or code read anew', async () => {
    writeFileSync(path(), lines(records({ count: 1000 })));
    await restarted();
    const others: readonly Given[] = [
      { section: { guardrails: [{ name: 'errors', bad: 'error == "timeout"' }] } }, { section: { window: '10min' } }, { section: { where: 'score > 0.5' } }, { section: { by: ['features.country'] } },
      { features: ['age'] }, { edges: { age: [30] } }, { version: 'v1-000000000000' }, { version: 'v2-0123456789ab' },
    ];
    for (const other of others) {
      const { data, bytes } = await restarted(other);
      assert.ok(bytes > 0, JSON.stringify(other));
      assert.deepEqual(data, await whole(other));
    }
  });

  it('does not keep what depends on when it is read, records from the future, and goes on in any time zone', async () => {
    writeFileSync(path(), lines(records({ count: 100 }).map((record) => ({ ...record, ts: record.ts.replace(/Z$/, '') }))));
    const zone = process.env['TZ'];
    try {
      for (const [TZ, isRead] of [['Asia/Tokyo', true], ['UTC', false], ['America/New_York', false]] as const) {
        process.env['TZ'] = TZ;
        const { data, bytes } = await restarted();
        assert.deepEqual([data.windows[0]?.start, bytes > 0], [START, isRead]);
        assert.deepEqual(data, await whole());
      }
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
    rmSync(cache, { recursive: true });
    assert.ok((await opened().read(START - 3_600_000)).notes.future > 0);
    assert.throws(entries, /ENOENT/);
  });

  it('is not kept where it is too large, and says so', async () => {
    writeFileSync(path(), lines(records({ count: 100 })));
    const collected = new Collector(readQuality({ source: { log: '*.jsonl' }, ...METRICS }).quality ?? assert.fail(), { flags: [] }).saved ?? assert.fail();
    const place = { folder: cache, version: VERSION };
    const size = await new SavedLogs(place, 1).set({ files: [], collected, passed: [] });
    assert.equal(await new SavedLogs(place, 2, size - 1).set({ files: [], collected, passed: [] }), size);
    assert.equal(entries().length, 1);
  });

  it('is passed over without a word when it is broken, foreign, cut off, exchanged or not to be read', async () => {
    writeFileSync(path(), lines(records({ count: 1000 }).flatMap((record) => [record, shadowOf(record)])));
    const expected = await whole();
    await restarted({ section: { window: '1min' } });
    const [foreign] = entries();
    await restarted();
    const file = entries().find((each) => each !== foreign) ?? assert.fail();
    const damage: readonly (() => void)[] = [
      () => writeFileSync(file, ''),
      () => truncateSync(file, statSync(file).size - 8),
      () => writeFileSync(file, '{"version": 1}'),
      () => { const bytes = readFileSync(file); bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1); writeFileSync(file, bytes); },
      () => writeFileSync(file, readFileSync(foreign ?? '')),
      () => { rmSync(file); mkdirSync(file); },
    ];
    for (const change of damage) {
      change();
      const { data, bytes } = await restarted();
      assert.equal(bytes, statSync(path()).size);
      assert.deepEqual(data, expected);
      assert.ok((data.shadow?.[0]?.pairs ?? 0) > 500);
    }
    rmSync(cache, { recursive: true });
    writeFileSync(cache, 'a file stands where the folder should be');
    assert.deepEqual((await restarted()).data, expected);
    assert.equal(readFileSync(cache, 'utf8'), 'a file stands where the folder should be');
  });

  it('holds no ids and no records, and only its owner may read it', async () => {
    writeFileSync(path(), lines(records({ count: 2000 }).map((record) => ({ ...record, error: 'SECRET', note: 'SECRET', batch_id: 'SECRET' }))));
    await restarted({ features: ['amount', 'country'] });
    const [file = ''] = entries();
    assert.doesNotMatch(readFileSync(file, 'latin1'), /SECRET|r-1\d|u-1\d|"age"/);
    assert.deepEqual([statSync(file).mode & 0o777, statSync(join(cache, VERSION)).mode & 0o777], [0o600, 0o700]);
    assert.deepEqual(readdirSync(folder), ['a.jsonl']);
    // Of predictions that wait for their outcome: what metrics need of them.
    rmSync(cache, { recursive: true });
    await restarted({ section: { signals: [{ name: 'right', measure: 'accuracy' }], labels: { field: 'defaulted', mature_after: '1h' } }, features: ['amount', 'country'] });
    const [waiting = ''] = entries();
    assert.match(readFileSync(waiting, 'latin1'), /"outcomes":\{.*"predictions":/);
    assert.doesNotMatch(readFileSync(waiting, 'latin1'), /SECRET|r-1\d|u-1\d|"age"/);
  });

  it('holds of shadow answers ids of those that differ most only, and no features', async () => {
    const all = records({ count: 2000, share: 0, currentErrors: 0 }).map((record) => ({ ...record, note: 'SECRET', batch_id: 'SECRET', error: null }));
    const shadow = all.slice(500).map((record, index) => ({ ...shadowOf(record), score: record.score + (index < 12 ? 3 : 0.01), error: index > 1000 ? 'SECRET' : null }));
    // Answers of either side wait, with ids and features that nothing else tells.
    const alone = shadow.slice(0, 300).map((record, index) => ({ ...record, request_id: `alone-${index}`, features: { ...record.features, amount: 123456.789 } }));
    writeFileSync(path(), lines([...all, ...shadow, ...alone]));
    const { data } = await restarted({ section: { by: ['features.country'], labels: { field: 'defaulted', mature_after: '1h' } }, features: ['country'] });
    assert.deepEqual([data.shadow?.[0]?.unpaired, data.shadow?.[0]?.examples.length], [300, 10]);
    const [file = ''] = entries();
    const text = readFileSync(file, 'latin1');
    assert.doesNotMatch(text, /SECRET|alone|u-1\d|"age"|"amount"|123456/);
    // The first ten of the twelve that are alike.
    assert.deepEqual(new Set(text.match(/r-\d+/g)), new Set(data.shadow?.[0]?.examples.map(({ requestId }) => requestId)));
    const float = Buffer.from(new Float64Array([123456.789]).buffer).toString('latin1');
    assert.ok(!text.includes(float));
  });

  it('is not kept where features of records would have to be', async () => {
    writeFileSync(path(), lines(records({ count: 1000 })));
    const labelled = { section: { labels: { field: 'defaulted', mature_after: '1h' }, signals: [{ name: 'loss', mean: 'defaulted * features.amount' }] } };
    assert.deepEqual((await restarted(labelled)).data, (await restarted(labelled)).data);
    assert.throws(entries, /ENOENT/);
  });

  it('is read anew when the first shadow answer comes, for which what was served before is needed, and goes on from then', async () => {
    const all = records({ count: 1000 });
    writeFileSync(path(), lines(all));
    const none = { section: { source: { log: ['*.jsonl', 'none.jsonl'] } } };
    for (const given of [{}, none]) await restarted(given);
    assert.equal(entries().length, 2);
    appendFileSync(path(), lines(all.slice(0, 500).map(shadowOf)));
    for (let start = 0; start < 2; start += 1) {
      const { data, bytes } = await restarted();
      assert.ok((data.shadow?.[0]?.pairs ?? 0) > 300);
      assert.deepEqual(data, await whole());
      assert.equal(bytes > 0, start === 0);
      assert.deepEqual((await restarted(none)).data.notes.messages, ['No file is called none.jsonl.']);
      assert.equal(entries().length, 2);
    }
  });

  for (const [name, section] of [['their outcomes told', { labels: { field: 'defaulted', mature_after: '27min' } }], ['metrics that need outcomes', { signals: [{ name: 'right', measure: 'accuracy' }], labels: { field: 'defaulted', mature_after: '27min', absent_means: 0 } }], ['labels for scores', {}]] as const) {
    it(`goes on with shadow answers at any place, ${name}`, async () => {
      const question = { section: { ...section, by: ['features.country', 'model_version'] } };
      for (let seed = 1; seed <= 3; seed += 1) {
        const random = seeded(seed);
        const all = shadowed(seed, name === 'labels for scores');
        // Those that differ most: of a pair that is none of them no id is needed.
        const far = records({ count: 12, share: 0, currentErrors: 0, firstId: 90_000 }).flatMap((record) => [record, { ...shadowOf(record), score: record.score + 5 }]);
        const bytes = Buffer.from(lines([...far, ...all]));
        rmSync(path(), { force: true });
        const inMemory = opened({ ...question, cached: false });
        let at = 0;
        while (at < bytes.length) {
          const next = Math.min(bytes.length, at + 10_000 + Math.floor(random() * 300_000));
          appendFileSync(path(), bytes.subarray(at, next));
          const before = at === 0 ? 0 : bytes.lastIndexOf(10, at - 1) + 1;
          const [found, known] = [await restarted(question), await inMemory.read()];
          assert.deepEqual(found.data, known);
          assert.ok(found.bytes <= next - before, `${found.bytes} bytes were read, ${next - before} are new`);
          at = next;
        }
        const [{ data, bytes: read }, { shadow: reports = [] }] = [await restarted(question), await whole(question)];
        const [shadow = assert.fail()] = reports;
        assert.deepEqual([data.shadow, read], [reports, 0]);
        assert.deepEqual(shadowReport(data.shadow?.[0] ?? assert.fail()), shadowReport(shadow));
        assert.ok(shadow.pairs > 800 && shadow.agreed < shadow.pairs && shadow.unpaired > 50 && shadow.errors > 20 && shadow.examples.length === 10 && shadow.slices.length > 3, JSON.stringify({ ...shadow, served: 0, shadow: 0, differences: 0 }));
        assert.ok(name === 'labels for scores' || (shadow.labelled > 200 && shadow.onlyServedRight > 0 && shadow.onlyShadowRight > 0), String(shadow.labelled));
        rmSync(cache, { recursive: true });
      }
    });
  }

  it('pairs a shadow answer with what is served after the restart, and reads anew only what its id is needed for', async () => {
    const all = records({ count: 3000, share: 0, currentErrors: 0 });
    const near = (record: PredictionRecord): PredictionRecord => ({ ...shadowOf(record), score: record.score + 0.001 });
    writeFileSync(path(), lines([...all.slice(0, 1000), ...all.slice(0, 1000).map(shadowOf), near(all[1000] ?? assert.fail()), { ...shadowOf(all[1001] ?? assert.fail()), score: 7 }]));
    const first = await restarted();
    assert.deepEqual([first.data.shadow?.[0]?.pairs, first.data.shadow?.[0]?.unpaired], [1000, 2]);
    const steps = [[1000, 1001, false], [1001, 3000, true]] as const;
    for (const [from, to, isAnew] of steps) {
      const before = statSync(path()).size;
      appendFileSync(path(), lines(all.slice(from, to)));
      const { data, bytes } = await restarted();
      assert.deepEqual(data, await whole());
      // What is new is read in any case.
      assert.equal(bytes, statSync(path()).size + (isAnew ? 0 : -before));
      assert.equal(data.shadow?.[0]?.pairs, from + 1);
    }
    assert.equal((await whole()).shadow?.[0]?.examples[0]?.requestId, 'r-1001');
  });

  it('spares a CSV file that is as it was', async () => {
    const section = { source: { log: '*.csv' } };
    const all = records({ count: 1000 });
    writeFileSync(path('a.csv'), csv(all.slice(0, 900)));
    const first = await restarted({ section });
    const second = await restarted({ section });
    assert.deepEqual([second.data, second.bytes], [first.data, 0]);
    writeFileSync(path('a.csv'), csv(all));
    assert.deepEqual((await restarted({ section })).data, await whole({ section }));
  });

  it('is used by the thread that reads', async () => {
    const script = new URL('../../../src/adapters/quality/quality.worker.ts', import.meta.url);
    // More than is read again sooner than it is saved.
    const all = records({ count: 60_000 });
    writeFileSync(path(), lines(all.map((record) => ({ ...record, note: 'x'.repeat(100) }))));
    const datas: QualityData[] = [];
    for (const share of [1, 0]) {
      const source = new WorkerSource(script, { section: { source: { log: '*.jsonl' }, ...METRICS }, folder, flags: ['fraud-v2'], environment: '', cacheFolder: cache });
      let told = 0;
      // After the last of so many records.
      datas.push(await source.read({ now: NOW + WEEK, signal: new AbortController().signal, onProgress: () => { told = 1; } }).finally(() => source.dispose()));
      assert.equal(told, share);
    }
    assert.deepEqual(datas[1], datas[0]);
  });
});
