/** What is read of a prediction log is what SQL finds in it. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../src/adapters/predictionLog/logSource.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import { writeManyRecords } from '../support/manyRecords.ts';
import { assertAsReference, REFERENCE_EDGES, REFERENCE_FEATURES, REFERENCE_METRICS, referenceOf, toParquet } from '../support/reference.ts';

const RECORDS = { count: 20_000, units: 3000, spanMs: 6 * 3_600_000, seed: 11 };
const NOW = Date.parse('2027-01-01');

describe('a prediction log against SQL in DuckDB', function () {
  this.timeout(240_000);
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-reference-'));
    await writeManyRecords(join(folder, 'log.jsonl'), RECORDS);
    await writeManyRecords(join(folder, 'log.csv'), RECORDS);
    await toParquet(join(folder, 'log.jsonl'), join(folder, 'log.parquet'), 7000);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const check = async (file: string): Promise<void> => {
    const { quality, problems } = readQuality({ ...REFERENCE_METRICS, source: { log: file } });
    assert.deepEqual(problems, []);
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), features: REFERENCE_FEATURES, edges: REFERENCE_EDGES });
    const data = await source.read({ now: NOW, signal: AbortSignal.timeout(120_000) });
    source.dispose();
    const { rows, malformed, duplicates, messages } = data.notes;
    assert.deepEqual([rows, malformed, duplicates, messages], [RECORDS.count, 0, 0, []]);
    assertAsReference(data, await referenceOf(join(folder, file), data.arms[0]?.score.edges ?? []));
  };

  for (const format of ['jsonl', 'csv', 'parquet']) it(`counts the same: ${format}`, () => check(`log.${format}`));

  it('counts the same where lines differ in names, order and spaces', async () => {
    await writeManyRecords(join(folder, 'mixed.jsonl'), { ...RECORDS, count: 500 });
    const odd = { ts: '2026-03-02T15:59:59+00:00', unit_id: 'u-ü', request_id: 'odd "1"', flag: 'fraud-v2', environment: 'production', service: 'credit', assigned_arm: 'current', latency_ms: 81.5, score: 0.25, error: 'über', features: { country: 'DE', age: 30, amount: 12 } };
    appendFileSync(join(folder, 'mixed.jsonl'), `${JSON.stringify(odd)}\n`);
    const { quality } = readQuality({ ...REFERENCE_METRICS, source: { log: 'mixed.jsonl' } });
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), features: REFERENCE_FEATURES, edges: REFERENCE_EDGES });
    const data = await source.read({ now: NOW, signal: AbortSignal.timeout(60_000) });
    assertAsReference(data, await referenceOf(join(folder, 'mixed.jsonl'), data.arms[0]?.score.edges ?? []));
  });
});
