import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { LogSource, type LogSourceOptions } from '../../../src/adapters/predictionLog/logSource.ts';
import { OwnStaging } from '../../../src/adapters/predictionLog/ownStaging.ts';
import { StagingThreads } from '../../../src/adapters/predictionLog/stagingThreads.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { records, START, type PredictionRecord } from '../../support/qualityRecords.ts';

const METRICS = { guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80' }], signals: [{ name: 'latency', mean: 'latency_ms' }] };
const NOW = START + 3_600_000;
const SCRIPT = new URL('../../../src/adapters/quality/quality.worker.ts', import.meta.url);

/** So many that threads get several parts of the file. */
const MANY = 24_000;

/** Records as a service writes them, and everything else that may stand in a log. */
function* odd(count: number): Generator<string> {
  const random = seeded(7);
  const all = records({ count, seed: 3, units: 2000 });
  for (const [index, record] of all.entries()) {
    const earlier: PredictionRecord = all[Math.floor(random() * (index + 1))] ?? record;
    const luck = random();
    if (luck < 0.02) yield JSON.stringify(earlier);
    else if (luck < 0.03) yield JSON.stringify({ ...record, request_id: undefined, unit_id: null, features: { ...record.features, [`f${index % 7}`]: `text ${Math.floor(random() * 1500)}` } });
    else if (luck < 0.032) yield `{"ts": broken ${index}`;
    else if (luck < 0.05) yield JSON.stringify({ ...record, latency_ms: null, score: 'NaN', environment: 'staging', service: 'other', model_version: `${Math.floor(index / 100)}` });
    else if (luck < 0.06) yield JSON.stringify({ request_id: earlier.request_id, defaulted: 1 });
    else if (luck < 0.08) yield JSON.stringify({ ...earlier, role: 'shadow', assigned_arm: 'candidate', score: random() });
    else if (luck < 0.081) yield '';
    else if (luck < 0.085) yield JSON.stringify({ ...record, flag: 'fraud_v2' });
    else yield JSON.stringify(record);
  }
}

describe('a log that several threads read', function () {
  this.timeout(60_000);
  let folder: string;
  const opened: LogSource[] = [];
  const path = (): string => join(folder, 'a.jsonl');
  const open = (section: Record<string, unknown>, options: Partial<LogSourceOptions> = {}): ((signal?: AbortSignal) => Promise<QualityData>) => {
    const { quality, problems } = readQuality({ source: { log: '*.jsonl' }, ...METRICS, ...section });
    assert.deepEqual(problems, []);
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), ...options });
    opened.push(source);
    return (signal = new AbortController().signal) => source.read({ now: NOW, signal });
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-threads-'));
    writeFileSync(path(), `${[...odd(MANY)].join('\n')}\n`);
  });
  afterEach(() => { for (const source of opened.splice(0)) source.dispose(); });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const QUESTIONS: readonly (readonly [name: string, section: Record<string, unknown>, options: Partial<LogSourceOptions>])[] = [
    ['all features', {}, {}],
    ['slices, and features that are listed and tested', { by: ['features.country'], where: 'features.age > 20' }, { features: ['amount', 'country'], edges: { amount: [100, 500, 900] } }],
    ['listed features, hours of an earlier week', { drift: { reference: { weeks_ago: 1, hours: 2 } } }, { features: ['amount', 'f3', 'country'] }],
    ['an id that is compared', { where: 'unit_id != "u-1"' }, { features: ['age'] }],
    ['outcomes, for which one thread reads', { signals: [{ name: 'accuracy', measure: 'accuracy' }] }, {}],
  ];
  for (const [name, section, options] of QUESTIONS) {
    it(`is counted as one thread counts it: ${name}`, async () => {
      const expected = await open(section, options)();
      assert.ok(expected.notes.malformed > 10 && expected.notes.duplicates > 100 && (expected.shadow?.[0]?.pairs ?? 0) > 100, JSON.stringify(expected.notes));
      assert.match(expected.notes.messages.join(), /records of other flags \(fraud_v2\) are left out/);
      assert.deepEqual(expected.production?.parts.map(({ arm, environment }) => `${environment} ${arm}`).sort(), ['production candidate', 'production current', 'staging candidate', 'staging current']);
      for (const count of [1, 2, 3]) assert.deepEqual(await open(section, { ...options, threads: { script: SCRIPT, count, least: 1 } })(), expected, `${count} threads`);
    });
  }

  it('is read on by the thread that counts when little is new', async () => {
    const [whole, size] = [readFileSync(path()), readFileSync(path()).length];
    const read = open({}, { threads: { script: SCRIPT, count: 2, least: 1_000_000 } });
    await read();
    appendFileSync(path(), `${records({ count: 100, seed: 9 }).map((record) => JSON.stringify({ ...record, request_id: `later ${record.request_id}` })).join('\n')}\n`);
    try {
      assert.deepEqual(await read(), await open({})());
    } finally {
      truncateSync(path(), size);
      assert.deepEqual(readFileSync(path()), whole);
    }
  });

  it('is read by one thread when the others fail', async () => {
    const script = join(folder, 'failing.cjs');
    const asked = join(folder, 'asked');
    writeFileSync(script, `require("node:worker_threads").parentPort.on("message", () => { require("node:fs").writeFileSync(${JSON.stringify(asked)}, ""); throw new Error("no memory"); });`);
    const read = open({}, { threads: { script, count: 2, least: 1 } });
    assert.deepEqual(await read(), await open({})());
    assert.ok(existsSync(asked));
    assert.deepEqual(await read(), await open({})());
  });

  it('is nobody else\'s error when a thread fails that is not wanted any more', async () => {
    const script = join(folder, 'failing at once.cjs');
    writeFileSync(script, 'throw new Error("no memory");');
    const { quality } = readQuality(METRICS);
    const threads = new StagingThreads(script, { section: METRICS, flags: ['f'], features: undefined }, 2, new OwnStaging(quality ?? assert.fail(), { flags: ['f'] }), new AbortController().signal);
    // Both have failed before this thread hears of it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    await threads.dispose();
  });

  it('is read by one thread while threads read another', async () => {
    const [script, asked] = [join(folder, 'other.cjs'), join(folder, 'other asked')];
    writeFileSync(script, `require("node:fs").writeFileSync(${JSON.stringify(asked)}, "");`);
    const first = open({}, { threads: { script: SCRIPT, count: 1, least: 1 } })();
    while (!StagingThreads.isBusy) await setImmediate();
    const second = await open({}, { threads: { script, count: 1, least: 1 } })();
    assert.deepEqual(second, await first);
    assert.ok(!existsSync(asked));
  });

  it('is read anew after a cancel', async () => {
    const read = open({}, { threads: { script: SCRIPT, count: 2, least: 1 } });
    const cancel = new AbortController();
    const cut = read(cancel.signal);
    void setImmediate().then(() => cancel.abort());
    await assert.rejects(cut, { code: 'cancelled' });
    assert.deepEqual(await read(), await open({})());
  });
});
