import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { sampleLogged } from '../../../src/adapters/quality/loggedSample.ts';
import { Batch } from '../../../src/core/quality/batch.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { lines, START } from '../../support/qualityRecords.ts';

const LABELLED = { source: { log: 'log.*' }, labels: { field: 'defaulted', mature_after: '1min' }, guardrails: [{ name: 'wrong yes', bad: 'proba.yes > 0.5 and defaulted == 0' }] };

describe('mappings of records, which readers fill anew with each of them', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-mappings-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A yes is in four of the candidate's answers, all others are a no. */
  const predictions = Array.from({ length: 40 }, (_, index) => ({ ts: START + 1000 * index, request_id: `r-${index}`, flag: 'fraud-v2', assigned_arm: index % 2 === 0 ? 'current' : 'candidate', features: { x: index }, proba: index % 10 === 3 ? { no: 0.1, yes: 0.9 } : { no: 0.9, yes: 0.1 } }));
  const outcomes = predictions.map(({ ts, request_id }) => ({ ts: ts + 60_000, request_id, defaulted: 0 }));

  // Written by pyarrow: these predictions and outcomes, proba as a struct.
  const parquet = (): void => copyFileSync(new URL('../../fixtures/quality/probas.parquet', import.meta.url), join(folder, 'log.parquet'));
  for (const [name, write] of [
    ['lines that are alike', () => writeFileSync(join(folder, 'log.jsonl'), lines([...predictions, ...outcomes]))],
    ['lines that JSON.parse reads', () => writeFileSync(join(folder, 'log.jsonl'), lines([...predictions, ...outcomes].map((each) => ({ ...each, note: '\n' }))))],
    ['CSV', () => writeFileSync(join(folder, 'log.csv'), `ts,request_id,flag,assigned_arm,proba.yes,defaulted\n${predictions.map((each) => `${each.ts},${each.request_id},${each.flag},${each.assigned_arm},${each.proba.yes},\n`).join('')}${outcomes.map((each) => `${each.ts},${each.request_id},,,,0\n`).join('')}`)],
    ['Parquet', parquet],
  ] as const) {
    it(`are those of the prediction when its outcome comes, in ${name}`, async () => {
      write();
      const { quality, problems } = readQuality(LABELLED);
      assert.deepEqual(problems, []);
      const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail() });
      const { windows } = await source.read({ now: START + 3_600_000, signal: new AbortController().signal });
      source.dispose();
      const of = (arm: string): readonly number[] => (['n', 'sum'] as const).map((key) => windows.filter((each) => each.arm === arm).reduce((sum, { metrics }) => sum + (metrics['wrong yes']?.[key] ?? 0), 0));
      assert.deepEqual([of('current'), of('candidate')], [[20, 0], [20, 4]]);
    });
  }

  it('are those of each record in a sample of the log', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(predictions));
    const sampled = await sampleLogged({ patterns: ['log.jsonl'], folder, flags: ['fraud-v2'], since: 0, size: 100 }, new AbortController().signal);
    assert.deepEqual(new Map(sampled.map(({ requestId, record }) => [requestId, [record['features'], record['proba']]])), new Map(predictions.map(({ request_id: id, features, proba }) => [id, [features, proba]])));
  });

  it('are kept once where they come again, and let go with their batch: of slices there are as many records as there were, however many', () => {
    const batch = new Batch({ metrics: 0, outcome: 'outcome', features: [], most: 10 });
    const list = ['country = DE'];
    for (let row = 0; row < 10; row += 1) {
      batch.slices.put(row, list);
      batch.labels.put(row, { row });
    }
    assert.deepEqual([batch.slices.values, batch.labels.values.length], [[undefined, list], 11]);
    batch.clear();
    assert.deepEqual([batch.slices.values.length, batch.labels.values.length], [1, 1]);
    const { quality } = readQuality({ source: { log: 'x' }, guardrails: [{ name: 'errors', bad: 'error' }], by: 'country' });
    const collector = new Collector(quality ?? assert.fail(), { flags: ['fraud-v2'] });
    const countries = ['DE', 'FR', 'US'];
    for (let index = 0; index < 90_000; index += 1) collector.add({ ts: START + index, request_id: `r-${index}`, unit_id: `u-${index % 100}`, assigned_arm: 'candidate', features: { country: countries[Math.floor(index / 30_000)] }, error: null }, () => '');
    const slices = new Map<string, number>();
    for (const { slice, requests } of collector.data(START + 3_600_000, []).windows) if (slice !== undefined) slices.set(slice, (slices.get(slice) ?? 0) + requests);
    assert.deepEqual([...slices].sort(), countries.map((country) => [`country = ${country}`, 30_000]));
  });

  describe('in the place of an error', () => {
    /** Nothing stands in the first four. */
    const errors: readonly unknown[] = [null, { code: null, causes: [] }, { code: null, causes: null }, { code: 0, causes: [''] }, { code: 5, causes: [] }, { code: null, causes: ['timeout'] }];
    const told = errors.map((error, index) => ({ ts: START + index, request_id: `r-${index}`, assigned_arm: 'candidate', error }));

    async function errorsIn(): Promise<QualityData> {
      const { quality } = readQuality({ source: { log: 'log.*' }, guardrails: [{ name: 'errors', bad: 'error' }] });
      const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail() });
      const data = await source.read({ now: START + 3_600_000, signal: new AbortController().signal });
      source.dispose();
      return data;
    }

    for (const [name, write] of [
      ['JSON Lines', () => writeFileSync(join(folder, 'log.jsonl'), lines(told))],
      ['CSV', () => writeFileSync(join(folder, 'log.csv'), `ts,request_id,assigned_arm,error.code,error.causes\n${[',', ',[]', ',None', '0,', '5,[]', ',timeout'].map((error, index) => `${START + index},r-${index},candidate,${error}\n`).join('')}`)],
      // Written by pyarrow: these records, error as a struct of an int64 and a list of texts.
      ['Parquet', () => copyFileSync(new URL('../../fixtures/quality/errors.parquet', import.meta.url), join(folder, 'log.parquet'))],
    ] as const) {
      it(`are one where anything stands in them, in ${name}`, async () => {
        write();
        const { windows } = await errorsIn();
        assert.deepEqual(windows.map(({ metrics }) => [metrics['errors']?.n, metrics['errors']?.sum]), [[6, 2]]);
      });
    }

    it('are those of their own answer beside that of a shadow', async () => {
      const pair = (index: number, code: number): readonly object[] => ['serving', 'shadow'].map((role) => ({ ts: START + index, request_id: `r-${index}`, assigned_arm: role === 'serving' ? 'current' : 'candidate', role, score: 0.5, error: { code: role === 'serving' ? code : 0 } }));
      writeFileSync(join(folder, 'log.jsonl'), lines(Array.from({ length: 40 }, (_, index) => pair(index, index % 4 === 0 ? 7 : 0)).flat()));
      const [shadow] = (await errorsIn()).shadow ?? [];
      assert.deepEqual([shadow?.servedErrors, shadow?.errors], [10, 0]);
    });
  });
});
